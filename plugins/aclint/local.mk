if PLUGIN_ACLINT
plugins_PROGRAMS += plugins/aclint.so
plugins_aclint_so_SOURCES = plugins/aclint/aclint.c
plugins_aclint_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_aclint_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_aclint_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_aclint_so_LDADD =
endif
