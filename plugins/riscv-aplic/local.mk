if PLUGIN_RISCV_APLIC
plugins_PROGRAMS += plugins/riscv-aplic.so
plugins_riscv_aplic_so_SOURCES = plugins/riscv-aplic/aplic.h plugins/riscv-aplic/delivery.c \
	plugins/riscv-aplic/domain.c plugins/riscv-aplic/riscv-aplic.c plugins/riscv-aplic/state.c
plugins_riscv_aplic_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_riscv_aplic_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_riscv_aplic_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_riscv_aplic_so_LDADD =
endif
