# tools
bin_PROGRAMS += tools/godwit-plugin
tools_godwit_plugin_SOURCES = tools/godwit-plugin.c
tools_godwit_plugin_CPPFLAGS = $(core_libcore_a_CPPFLAGS)
tools_godwit_plugin_CFLAGS = $(CORE_CFLAGS)
tools_godwit_plugin_LDADD = $(CORE_LIBS)

# What takes streams apart is an archive of its own: the fuzz target has it too.
noinst_LIBRARIES += tools/libstream.a
tools_libstream_a_SOURCES = tools/stream/capture.h tools/stream/description.c tools/stream/diff.c \
	tools/stream/fields.c tools/stream/file.c tools/stream/json.c tools/stream/manifest.c tools/stream/ram.c \
	tools/stream/show.c tools/stream/walk.c
tools_libstream_a_CFLAGS = $(CORE_CFLAGS)
bin_PROGRAMS += tools/godwit-stream
tools_godwit_stream_SOURCES = tools/godwit-stream.c
tools_godwit_stream_CFLAGS = $(CORE_CFLAGS)
tools_godwit_stream_LDADD = tools/libstream.a $(CORE_LIBS)

bin_PROGRAMS += tools/godwit-ctl
tools_godwit_ctl_SOURCES = tools/godwit-ctl.c tools/ctl/client.c tools/ctl/client.h \
	tools/ctl/progress.c tools/ctl/progress.h tools/ctl/set.c
tools_godwit_ctl_CFLAGS = $(CORE_CFLAGS)
tools_godwit_ctl_LDADD = $(CORE_LIBS)

bin_PROGRAMS += tools/godwit-machine
tools_godwit_machine_SOURCES = tools/godwit-machine.c tools/machine/check.c \
	tools/machine/check.h tools/machine/choose.c \
	tools/machine/choose.h tools/machine/intersect.c tools/machine/intersect.h \
	tools/machine/diff.c tools/machine/explain.c tools/machine/planned.c \
	tools/machine/planned.h tools/machine/tool.h
tools_godwit_machine_SOURCES += tools/machine/schema-compare.c tools/machine/schema-diff.c \
	tools/machine/schema-read.c tools/machine/schema.h
tools_godwit_machine_CPPFLAGS = $(core_libcore_a_CPPFLAGS)
tools_godwit_machine_CFLAGS = $(CORE_CFLAGS)
tools_godwit_machine_LDADD = $(CORE_LIBS)

EXTRA_DIST += tools/setup.sh tools/packages.txt tools/guest/make-guest tools/guest/init \
	tools/guest/modules.txt tools/guest/session.py tools/guest/bin/drivers tools/guest/bin/network \
	tools/guest/bin/poweroff tools/release/name-release
