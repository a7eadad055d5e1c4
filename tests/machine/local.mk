# tests/machine
dist_check_SCRIPTS += tests/machine/values.py
dist_check_SCRIPTS += tests/machine/machine-tool.py
dist_check_SCRIPTS += tests/machine/platform.sh
dist_check_SCRIPTS += tests/machine/plugins-removed.sh
dist_check_SCRIPTS += tests/machine/boot.sh
dist_check_SCRIPTS += tests/machine/dtb.py
dist_check_SCRIPTS += tests/machine/machine-types.sh
unit_tests += tests/machine/test-json-file
tests_machine_test_json_file_CFLAGS = $(CORE_CFLAGS)
tests_machine_test_json_file_LDADD = $(CORE_LIBS)
unit_tests += tests/machine/test-board
tests_machine_test_board_CFLAGS = $(CORE_CFLAGS)
tests_machine_test_board_LDADD = $(CORE_LIBS)
unit_tests += tests/machine/test-image
tests_machine_test_image_CFLAGS = $(CORE_CFLAGS)
tests_machine_test_image_LDADD = $(CORE_LIBS)
dist_check_SCRIPTS += tests/machine/pflash.sh
dist_check_SCRIPTS += tests/machine/memory-backend.py
if PLUGIN_RV64_CPU
if PLUGIN_PCIE
if PLUGIN_VIRTIO
unit_tests += tests/machine/test-rebuild
tests_machine_test_rebuild_CFLAGS = $(CORE_CFLAGS)
tests_machine_test_rebuild_LDADD = $(CORE_LIBS)
endif
endif
endif
dist_check_SCRIPTS += tests/machine/schema-diff.py
dist_check_SCRIPTS += tests/machine/schema.py
