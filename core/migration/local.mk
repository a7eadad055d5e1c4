core_libcore_a_SOURCES += \
	core/migration/address-json.c \
	core/migration/address.c \
	core/migration/announce.c \
	core/migration/announce.h \
	core/migration/capabilities.c \
	core/migration/channel-exec.c \
	core/migration/channel-internal.h \
	core/migration/channel-listen.c \
	core/migration/channel-lookup.c \
	core/migration/channel-open.c \
	core/migration/channel.c \
	core/migration/channel.h \
	core/migration/check.c \
	core/migration/clocks.c \
	core/migration/devices.c \
	core/migration/devices.h \
	core/migration/entry.c \
	core/migration/entry.h \
	core/migration/globalstate.c \
	core/migration/globalstate.h \
	core/migration/incoming.c \
	core/migration/internal.h \
	core/migration/migration.c \
	core/migration/manifest-devices.c \
	core/migration/manifest-internal.h \
	core/migration/manifest-members.c \
	core/migration/manifest.c \
	core/migration/manifest.h \
	core/migration/migration.h \
	core/migration/outgoing.c \
	core/migration/params.c \
	core/migration/params.h \
	core/migration/preflight-facts.c \
	core/migration/preflight-files.c \
	core/migration/preflight-internal.h \
	core/migration/preflight-properties.c \
	core/migration/preflight-sections.c \
	core/migration/preflight.c \
	core/migration/preflight.h \
	core/migration/progress.c \
	core/migration/reader.c \
	core/migration/return-path.c \
	core/migration/return-path.h \
	core/migration/snapshot.c \
	core/migration/state.c \
	core/migration/stream-in.c \
	core/migration/stream-out.c \
	core/migration/told.c \
	core/migration/told.h \
	core/migration/verdict-file.c \
	core/migration/verdict.c \
	core/migration/verdict.h \
	core/migration/stream.h
core_libcore_a_SOURCES += core/migration/ram.h core/migration/ram-format.h core/migration/ram-internal.h core/migration/ram.c \
	core/migration/ram-send.c core/migration/ram-load.c core/migration/ram-pages.h \
	core/migration/ram-pages.c core/migration/xbzrle.h core/migration/xbzrle.c
core_libcore_a_SOURCES += core/migration/converge.h core/migration/converge.c
core_libcore_a_SOURCES += core/migration/switchover.h core/migration/switchover.c
