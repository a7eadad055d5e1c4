if PLUGIN_SIFIVE_PLIC
plugins_PROGRAMS += plugins/sifive-plic.so
plugins_sifive_plic_so_SOURCES = plugins/sifive-plic/sifive-plic.c
plugins_sifive_plic_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_sifive_plic_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_sifive_plic_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_sifive_plic_so_LDADD =
endif
