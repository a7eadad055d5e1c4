if PLUGIN_CFI_FLASH
plugins_PROGRAMS += plugins/cfi-flash.so
plugins_cfi_flash_so_SOURCES = plugins/cfi-flash/cfi-flash.c \
	plugins/cfi-flash/cfi-flash.h plugins/cfi-flash/drive.c
plugins_cfi_flash_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_cfi_flash_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_cfi_flash_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_cfi_flash_so_LDADD =
endif
