if PLUGIN_GOLDFISH_RTC
plugins_PROGRAMS += plugins/goldfish-rtc.so
plugins_goldfish_rtc_so_SOURCES = plugins/goldfish-rtc/goldfish-rtc.c
plugins_goldfish_rtc_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_goldfish_rtc_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_goldfish_rtc_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_goldfish_rtc_so_LDADD =
endif
