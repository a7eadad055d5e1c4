# tests/pcie: the pcie plugin in the core, with a function made for tests
EXTRA_DIST += tests/pcie/pcie-bench.h
if PLUGIN_PCIE
check_PROGRAMS += tests/pcie/pci-probe.so
tests_pcie_pci_probe_so_SOURCES = tests/pcie/pci-probe.c
tests_pcie_pci_probe_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_pcie_pci_probe_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_pcie_pci_probe_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_pcie_pci_probe_so_LDADD =
unit_tests += tests/pcie/test-pcie
unit_tests += tests/pcie/test-slot
unit_tests += tests/pcie/test-ari
dist_check_SCRIPTS += tests/pcie/pcie-options.sh tests/pcie/hotplug.py
tests_pcie_test_pcie_CFLAGS = $(CORE_CFLAGS)
tests_pcie_test_pcie_LDADD = $(CORE_LIBS)
tests_pcie_test_ari_CFLAGS = $(CORE_CFLAGS)
tests_pcie_test_ari_LDADD = $(CORE_LIBS)
tests_pcie_test_slot_CFLAGS = $(CORE_CFLAGS)
tests_pcie_test_slot_LDADD = $(CORE_LIBS)
endif
