# core/util: sources of this layer
core_libcore_a_SOURCES +=
core_libcore_a_SOURCES += core/util/socket.c core/util/socket.h
