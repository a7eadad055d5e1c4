# tests/virtio: the virtio plugin in the core, over PCI, with a device made for tests
EXTRA_DIST += tests/virtio/virtio-bench.h
dist_check_SCRIPTS += tests/virtio/uboot.py
if PLUGIN_PCIE
if PLUGIN_VIRTIO
unit_tests += tests/virtio/test-virtio-pci
tests_virtio_test_virtio_pci_CFLAGS = $(CORE_CFLAGS)
tests_virtio_test_virtio_pci_LDADD = $(CORE_LIBS)
endif
endif
