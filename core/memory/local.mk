# core/memory: RAM blocks, regions, the flat view, access, dirty bitmaps
core_libcore_a_SOURCES += core/memory/memory.h core/memory/internal.h core/memory/block.c \
	core/memory/view.c core/memory/region.c core/memory/access.c core/memory/dirty.c
