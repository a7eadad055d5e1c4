# core/cli: sources of this layer; main.c is not in the archive.
core_libcore_a_SOURCES += \
	core/cli/backends.c core/cli/disks.c \
	core/cli/network.c \
	core/cli/options.c core/cli/options.h \
	core/cli/parse.c \
	core/cli/query.c \
	core/cli/start.c core/cli/start.h
