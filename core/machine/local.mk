# core/machine: sources of this layer
core_libcore_a_SOURCES += \
	core/machine/arrive.c core/machine/arrive.h \
	core/machine/board.c core/machine/board.h \
	core/machine/board-devices.c \
	core/machine/board-values.c core/machine/board-values.h \
	core/machine/boot.c core/machine/boot.h core/machine/boot-travel.c \
	core/machine/compat.c \
	core/machine/config.c \
	core/machine/fdt-tree.c core/machine/fdt-tree.h \
	core/machine/fdt.c \
	core/machine/file.c core/machine/file.h \
	core/machine/hotplug.c core/machine/hotplug.h \
	core/machine/image.c core/machine/image.h \
	core/machine/json-file.c core/machine/json-file.h \
	core/machine/json-scan.c core/machine/json-scan.h \
	core/machine/levels.c \
	core/machine/manifest.c core/machine/manifest.h \
	core/machine/machine-type.c core/machine/machine-type.h \
	core/machine/machine.c core/machine/machine.h \
	core/machine/plan.c \
	core/machine/reset-code.c \
	core/machine/search.c
