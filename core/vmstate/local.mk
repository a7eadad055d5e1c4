core_libcore_a_SOURCES += \
	core/vmstate/commit.c \
	core/vmstate/coverage.c \
	core/vmstate/dump.c \
	core/vmstate/dump.h \
	core/vmstate/extension.c \
	core/vmstate/internal.h \
	core/vmstate/layout.c \
	core/vmstate/layout.h \
	core/vmstate/load.c \
	core/vmstate/save.c \
	core/vmstate/schema.c \
	core/vmstate/schema.h \
	core/vmstate/stage.h \
	core/vmstate/vmstate.h \
	core/vmstate/wire.c \
	core/vmstate/wire.h
