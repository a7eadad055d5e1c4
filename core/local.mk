# Everything but main is an archive, so that tools and unit tests link what they need of it.
noinst_LIBRARIES += core/libcore.a
core_libcore_a_SOURCES =
core_libcore_a_CFLAGS = $(CORE_CFLAGS)
core_libcore_a_CPPFLAGS = $(AM_CPPFLAGS) -DGODWIT_PLUGINDIR='"$(pluginsdir)"' \
	-DGODWIT_DATADIR='"$(pkgdatadir)"' -DGODWIT_PREFIX='"$(prefix)"' -DGODWIT_BINDIR='"$(bindir)"'
include core/util/local.mk
include core/plugin/local.mk
include core/device/local.mk
include core/memory/local.mk
include core/cpu/local.mk
include core/vmstate/local.mk
include core/migration/local.mk
include core/machine/local.mk
include core/backend/local.mk
include core/monitor/local.mk
include core/cli/local.mk

# Installed under $(bindir); in the tree the wrapper ./godwit starts it.
bin_PROGRAMS += core/godwit
core_godwit_SOURCES = core/cli/main.c
core_godwit_CFLAGS = $(CORE_CFLAGS)
core_godwit_LDADD = $(CORE_LIBS)
