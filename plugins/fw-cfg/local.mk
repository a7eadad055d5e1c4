if PLUGIN_FW_CFG
plugins_PROGRAMS += plugins/fw-cfg.so
plugins_fw_cfg_so_SOURCES = plugins/fw-cfg/fw-cfg.c
plugins_fw_cfg_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_fw_cfg_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_fw_cfg_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_fw_cfg_so_LDADD =
endif
