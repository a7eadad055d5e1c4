# core/util: sources of this layer
core_libcore_a_SOURCES += \
	core/util/build-id.c core/util/build-id.h \
	core/util/error.c core/util/error.h \
	core/util/extension.c core/util/extension.h \
	core/util/fds.c core/util/fds.h \
	core/util/installed.c core/util/installed.h \
	core/util/json.c core/util/json.h \
	core/util/log.c core/util/log.h \
	core/util/socket.c core/util/socket.h \
	core/util/text.c core/util/text.h \
	core/util/version.c core/util/version.h
