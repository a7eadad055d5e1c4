core_libcore_a_SOURCES += \
	core/migration/address.c \
	core/migration/channel-exec.c \
	core/migration/channel-internal.h \
	core/migration/channel-open.c \
	core/migration/channel.c \
	core/migration/channel.h \
	core/migration/devices.c \
	core/migration/devices.h \
	core/migration/entry.c \
	core/migration/entry.h \
	core/migration/params.h \
	core/migration/stream-in.c \
	core/migration/stream-out.c \
	core/migration/stream.h
