# tests/migration
dist_check_SCRIPTS += tests/migration/stream-tool.py tests/migration/qemu-streams.py \
	tests/migration/qemu-sections.py tests/migration/dump-vmstate.py \
	tests/migration/ctl.py tests/migration/own-streams.py tests/migration/pflash.py
EXTRA_DIST += tests/migration/addresses.h tests/migration/dirtier.py tests/migration/rows.h tests/migration/streamreader.py
unit_tests += tests/migration/test-address
tests_migration_test_address_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_address_LDADD = $(CORE_LIBS)
unit_tests += tests/migration/test-channel
tests_migration_test_channel_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_channel_LDADD = $(CORE_LIBS)
unit_tests += tests/migration/test-params
tests_migration_test_params_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_params_LDADD = $(CORE_LIBS)
unit_tests += tests/migration/test-stream
tests_migration_test_stream_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_stream_LDADD = $(CORE_LIBS)
unit_tests += tests/migration/test-devices
tests_migration_test_devices_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_devices_LDADD = $(CORE_LIBS)
if PLUGIN_GOLDFISH_RTC
unit_tests += tests/migration/test-plugins
tests_migration_test_plugins_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_plugins_LDADD = $(CORE_LIBS)
endif
unit_tests += tests/migration/test-ram
tests_migration_test_ram_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_ram_LDADD = $(CORE_LIBS)
if PLUGIN_RV64_CPU
unit_tests += tests/migration/test-state-cpu
tests_migration_test_state_cpu_SOURCES = tests/migration/test-state-cpu.c tests/cpu/rvasm.h tests/cpu/rvhost.c tests/cpu/rvhost.h
tests_migration_test_state_cpu_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_state_cpu_LDADD = $(CORE_LIBS) -ldl
endif
unit_tests += tests/migration/test-switchover
tests_migration_test_switchover_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_switchover_LDADD = $(CORE_LIBS)
unit_tests += tests/migration/test-converge
tests_migration_test_converge_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_converge_LDADD = $(CORE_LIBS)
unit_tests += tests/migration/test-xbzrle
tests_migration_test_xbzrle_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_xbzrle_LDADD = $(CORE_LIBS)
if PLUGIN_NS16550
if PLUGIN_FW_CFG
if PLUGIN_CFI_FLASH
unit_tests += tests/migration/test-state-devices
tests_migration_test_state_devices_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_state_devices_LDADD = $(CORE_LIBS)
endif
endif
endif
dist_check_SCRIPTS += tests/migration/transports.py
EXTRA_DIST += tests/migration/guest.py tests/migration/mover.py
if PLUGIN_PCIE
unit_tests += tests/migration/test-state-pci
tests_migration_test_state_pci_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_state_pci_LDADD = $(CORE_LIBS)
endif
# what moves, and what can come between
dist_check_SCRIPTS += tests/migration/engine.py tests/migration/handover.py
if PLUGIN_RV64_CPU
if PLUGIN_ACLINT
if PLUGIN_SIFIVE_PLIC
if PLUGIN_RISCV_APLIC
if PLUGIN_RISCV_IMSIC
unit_tests += tests/migration/test-state-intc
tests_migration_test_state_intc_SOURCES = tests/migration/test-state-intc.c tests/migration/intc-bench.h
tests_migration_test_state_intc_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_state_intc_LDADD = $(CORE_LIBS)
endif
endif
endif
endif
endif
unit_tests += tests/migration/test-announce
tests_migration_test_announce_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_announce_LDADD = $(CORE_LIBS)
if PLUGIN_PCIE
if PLUGIN_VIRTIO
unit_tests += tests/migration/test-state-virtio
tests_migration_test_state_virtio_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_state_virtio_LDADD = $(CORE_LIBS)
unit_tests += tests/migration/test-state-virtio-devices
tests_migration_test_state_virtio_devices_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_state_virtio_devices_LDADD = $(CORE_LIBS)
endif
endif
EXTRA_DIST += tests/migration/virtio-state.h
dist_check_SCRIPTS += tests/migration/ram-live.py tests/migration/scarce.py
dist_check_SCRIPTS += tests/migration/lockstep.py
EXTRA_DIST += tests/migration/twins.py
dist_check_SCRIPTS += tests/migration/firmware.py tests/migration/levels.py
dist_check_SCRIPTS += tests/migration/sections.py
unit_tests += tests/migration/test-status
tests_migration_test_status_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_status_LDADD = $(CORE_LIBS)
unit_tests += tests/migration/test-manifest
tests_migration_test_manifest_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_manifest_LDADD = $(CORE_LIBS)
unit_tests += tests/migration/test-preflight
tests_migration_test_preflight_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_preflight_LDADD = $(CORE_LIBS)
dist_check_SCRIPTS += tests/migration/manifest.py
dist_check_SCRIPTS += tests/migration/arrive.py
