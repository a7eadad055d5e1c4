if PLUGIN_RV64_CPU
plugins_PROGRAMS += plugins/rv64-cpu.so
plugins_rv64_cpu_so_SOURCES = plugins/rv64-cpu/rv64-cpu.c
plugins_rv64_cpu_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_rv64_cpu_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_rv64_cpu_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_rv64_cpu_so_LDADD =
endif
