if PLUGIN_SIFIVE_TEST
plugins_PROGRAMS += plugins/sifive-test.so
plugins_sifive_test_so_SOURCES = plugins/sifive-test/sifive-test.c
plugins_sifive_test_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_sifive_test_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_sifive_test_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_sifive_test_so_LDADD =
endif
