if PLUGIN_NS16550
plugins_PROGRAMS += plugins/ns16550.so
plugins_ns16550_so_SOURCES = plugins/ns16550/ns16550.c plugins/ns16550/ns16550.h \
	plugins/ns16550/state.c
plugins_ns16550_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_ns16550_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_ns16550_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_ns16550_so_LDADD =
endif
