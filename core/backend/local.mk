# core/backend: character back ends
core_libcore_a_SOURCES += core/backend/chardev.h core/backend/internal.h core/backend/chardev.c \
	core/backend/chardev-spec.c core/backend/chardev-open.c core/backend/mux.c \
	core/backend/terminal.c
