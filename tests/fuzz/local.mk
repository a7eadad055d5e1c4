# Fuzz targets with a plain driver, run on a fixed corpus; tests/fuzz/run-libfuzzer runs them open-ended.
fuzz_core = tests/fuzz/fuzz-json tests/fuzz/fuzz-spec tests/fuzz/fuzz-qmp tests/fuzz/fuzz-note \
	tests/fuzz/fuzz-image tests/fuzz/fuzz-vmstate tests/fuzz/fuzz-block tests/fuzz/fuzz-migrate \
	tests/fuzz/fuzz-ram tests/fuzz/fuzz-manifest tests/fuzz/fuzz-preflight tests/fuzz/fuzz-verdict
check_PROGRAMS += $(fuzz_core) tests/fuzz/fuzz-mmio tests/fuzz/fuzz-aia tests/fuzz/fuzz-virtio
fuzz_shared = tests/fuzz/driver.c tests/fuzz/broken.c tests/fuzz/fuzz.h tests/fuzz/claims.h
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz-json.c $(fuzz_shared)
tests_fuzz_fuzz_json_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_json_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_spec_SOURCES = tests/fuzz/fuzz-spec.c $(fuzz_shared)
tests_fuzz_fuzz_spec_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_spec_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_qmp_SOURCES = tests/fuzz/fuzz-qmp.c $(fuzz_shared)
tests_fuzz_fuzz_qmp_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_qmp_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_note_SOURCES = tests/fuzz/fuzz-note.c $(fuzz_shared)
tests_fuzz_fuzz_note_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_note_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_image_SOURCES = tests/fuzz/fuzz-image.c $(fuzz_shared)
tests_fuzz_fuzz_image_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_image_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_verdict_SOURCES = tests/fuzz/fuzz-verdict.c $(fuzz_shared)
tests_fuzz_fuzz_verdict_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_verdict_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_manifest_SOURCES = tests/fuzz/fuzz-manifest.c $(fuzz_shared)
tests_fuzz_fuzz_manifest_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_manifest_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_preflight_SOURCES = tests/fuzz/fuzz-preflight.c $(fuzz_shared)
tests_fuzz_fuzz_preflight_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_preflight_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_migrate_SOURCES = tests/fuzz/fuzz-migrate.c $(fuzz_shared)
tests_fuzz_fuzz_migrate_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_migrate_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_block_SOURCES = tests/fuzz/fuzz-block.c $(fuzz_shared)
tests_fuzz_fuzz_block_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_block_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_vmstate_SOURCES = tests/fuzz/fuzz-vmstate.c $(fuzz_shared)
tests_fuzz_fuzz_vmstate_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_vmstate_LDADD = $(CORE_LIBS)
check_PROGRAMS += tests/fuzz/fuzz-schema
tests_fuzz_fuzz_schema_SOURCES = tests/fuzz/fuzz-schema.c $(fuzz_shared) \
	tools/machine/schema-compare.c tools/machine/schema-read.c tools/machine/schema.h
tests_fuzz_fuzz_schema_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_schema_LDADD = $(CORE_LIBS)
check_PROGRAMS += tests/fuzz/fuzz-stream
tests_fuzz_fuzz_stream_SOURCES = tests/fuzz/fuzz-stream.c $(fuzz_shared)
tests_fuzz_fuzz_stream_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_stream_LDADD = tools/libstream.a $(CORE_LIBS)
tests_fuzz_fuzz_ram_SOURCES = tests/fuzz/fuzz-ram.c $(fuzz_shared)
tests_fuzz_fuzz_ram_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_ram_LDADD = $(CORE_LIBS)
check_PROGRAMS += tests/fuzz/fuzz-incoming
tests_fuzz_fuzz_incoming_SOURCES = tests/fuzz/fuzz-incoming.c $(fuzz_shared)
tests_fuzz_fuzz_incoming_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_incoming_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_mmio_SOURCES = tests/fuzz/fuzz-mmio.c $(fuzz_shared)
tests_fuzz_fuzz_mmio_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_fuzz_fuzz_mmio_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
tests_fuzz_fuzz_aia_SOURCES = tests/fuzz/fuzz-aia.c $(fuzz_shared)
tests_fuzz_fuzz_aia_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_fuzz_fuzz_aia_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
check_PROGRAMS += tests/fuzz/fuzz-hart-state
tests_fuzz_fuzz_hart_state_SOURCES = tests/fuzz/fuzz-hart-state.c $(fuzz_shared) tests/fuzz/sections.h \
	tests/migration/intc-bench.h
tests_fuzz_fuzz_hart_state_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_hart_state_LDADD = $(CORE_LIBS)
if PLUGIN_PCIE
if PLUGIN_VIRTIO
check_PROGRAMS += tests/fuzz/fuzz-virtio-state
tests_fuzz_fuzz_virtio_state_SOURCES = tests/fuzz/fuzz-virtio-state.c $(fuzz_shared)
tests_fuzz_fuzz_virtio_state_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_virtio_state_LDADD = $(CORE_LIBS)
endif
check_PROGRAMS += tests/fuzz/fuzz-pcie tests/fuzz/fuzz-hotplug tests/fuzz/fuzz-pci-state
tests_fuzz_fuzz_pci_state_SOURCES = tests/fuzz/fuzz-pci-state.c $(fuzz_shared) tests/fuzz/sections.h \
	tests/pcie/pcie-bench.h
tests_fuzz_fuzz_pci_state_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_pci_state_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_hotplug_SOURCES = tests/fuzz/fuzz-hotplug.c $(fuzz_shared) tests/pcie/pcie-bench.h
tests_fuzz_fuzz_hotplug_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_hotplug_LDADD = $(CORE_LIBS)
tests_fuzz_fuzz_pcie_SOURCES = tests/fuzz/fuzz-pcie.c $(fuzz_shared) tests/pcie/pcie-bench.h
tests_fuzz_fuzz_pcie_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_pcie_LDADD = $(CORE_LIBS)
endif
if PLUGIN_PCIE
if PLUGIN_VIRTIO
check_PROGRAMS += tests/fuzz/fuzz-virtio-pci
tests_fuzz_fuzz_virtio_pci_SOURCES = tests/fuzz/fuzz-virtio-pci.c $(fuzz_shared) \
	tests/pcie/pcie-bench.h tests/virtio/virtio-bench.h
tests_fuzz_fuzz_virtio_pci_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_virtio_pci_LDADD = $(CORE_LIBS)
endif
endif
tests_fuzz_fuzz_virtio_SOURCES = tests/fuzz/fuzz-virtio.c tests/devices/virtio-driver.c \
	tests/devices/virtio-driver.h $(fuzz_shared)
tests_fuzz_fuzz_virtio_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_fuzz_fuzz_virtio_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
check_PROGRAMS += tests/fuzz/fuzz-virtio-blk
tests_fuzz_fuzz_virtio_blk_SOURCES = tests/fuzz/fuzz-virtio-blk.c tests/virtio-blk/mock-block.c \
	tests/virtio-blk/mock-block.h tests/devices/virtio-driver.c tests/devices/virtio-driver.h \
	$(fuzz_shared)
tests_fuzz_fuzz_virtio_blk_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_fuzz_fuzz_virtio_blk_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
dist_check_SCRIPTS += tests/fuzz/fuzz.sh tests/fuzz/machines.py
EXTRA_DIST += tests/fuzz/seeds.py tests/fuzz/run-libfuzzer \
	$(wildcard $(top_srcdir)/tests/fuzz/corpus/*/*)
