# tests/vmstate
unit_tests += tests/vmstate/test-kinds tests/vmstate/test-load tests/vmstate/test-wire tests/vmstate/test-parts tests/vmstate/test-layout
tests_vmstate_test_layout_CFLAGS = $(CORE_CFLAGS)
tests_vmstate_test_layout_LDADD = $(CORE_LIBS)
tests_vmstate_test_kinds_CFLAGS = $(CORE_CFLAGS)
tests_vmstate_test_kinds_LDADD = $(CORE_LIBS)
tests_vmstate_test_load_CFLAGS = $(CORE_CFLAGS)
tests_vmstate_test_load_LDADD = $(CORE_LIBS)
tests_vmstate_test_parts_CFLAGS = $(CORE_CFLAGS)
tests_vmstate_test_parts_LDADD = $(CORE_LIBS)
tests_vmstate_test_wire_CFLAGS = $(CORE_CFLAGS)
tests_vmstate_test_wire_LDADD = $(CORE_LIBS)
EXTRA_DIST += tests/vmstate/check.h tests/vmstate/hostile.h
