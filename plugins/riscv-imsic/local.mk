if PLUGIN_RISCV_IMSIC
plugins_PROGRAMS += plugins/riscv-imsic.so
plugins_riscv_imsic_so_SOURCES = plugins/riscv-imsic/riscv-imsic.c
plugins_riscv_imsic_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_riscv_imsic_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_riscv_imsic_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_riscv_imsic_so_LDADD =
endif
