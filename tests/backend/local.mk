# tests/backend: character back ends
unit_tests += tests/backend/test-chardev
tests_backend_test_chardev_CFLAGS = $(CORE_CFLAGS)
tests_backend_test_chardev_LDADD = $(CORE_LIBS)
dist_check_SCRIPTS += tests/backend/terminal.py tests/backend/disks.py
unit_tests += tests/backend/test-block
tests_backend_test_block_CFLAGS = $(CORE_CFLAGS)
tests_backend_test_block_LDADD = $(CORE_LIBS)
unit_tests += tests/backend/test-handover
tests_backend_test_handover_CFLAGS = $(CORE_CFLAGS)
tests_backend_test_handover_LDADD = $(CORE_LIBS)
unit_tests += tests/backend/test-nbd
tests_backend_test_nbd_CFLAGS = $(CORE_CFLAGS)
tests_backend_test_nbd_LDADD = $(CORE_LIBS)
EXTRA_DIST += tests/backend/block-device.h
