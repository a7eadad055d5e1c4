# core/plugin: sources of this layer
core_libcore_a_SOURCES += \
	core/plugin/describe.c \
	core/plugin/host.c \
	core/plugin/internal.h \
	core/plugin/load.c \
	core/plugin/loader.c core/plugin/loader.h \
	core/plugin/note.c \
	core/plugin/symbols.c
