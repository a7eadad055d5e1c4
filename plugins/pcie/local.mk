if PLUGIN_PCIE
plugins_PROGRAMS += plugins/pcie.so
plugins_pcie_so_SOURCES = \
	plugins/pcie/aer.c plugins/pcie/bus.c plugins/pcie/facts.c plugins/pcie/function.c \
	plugins/pcie/host.c \
	plugins/pcie/msi.c plugins/pcie/msix.c plugins/pcie/pcie.c plugins/pcie/pcie.h \
	plugins/pcie/port.c plugins/pcie/slot.c plugins/pcie/state.c plugins/pcie/switch.c
plugins_pcie_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_pcie_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_pcie_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_pcie_so_LDADD =
endif
