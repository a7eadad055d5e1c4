# tools
bin_PROGRAMS += tools/godwit-plugin
tools_godwit_plugin_SOURCES = tools/godwit-plugin.c
tools_godwit_plugin_CPPFLAGS = $(core_libcore_a_CPPFLAGS)
tools_godwit_plugin_CFLAGS = $(CORE_CFLAGS)
tools_godwit_plugin_LDADD = $(CORE_LIBS)
EXTRA_DIST += tools/setup.sh tools/packages.txt tools/guest/make-guest tools/guest/init \
	tools/guest/modules.txt tools/guest/session.py tools/guest/bin/drivers tools/guest/bin/network \
	tools/guest/bin/poweroff
