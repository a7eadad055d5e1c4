# core/plugin: sources of this layer
core_libcore_a_SOURCES +=
