# core/monitor: QMP and the text console
core_libcore_a_SOURCES += core/monitor/framing.c core/monitor/framing.h \
	core/monitor/dispatch.c core/monitor/dispatch.h core/monitor/qmp.c core/monitor/qmp.h \
	core/monitor/commands.c core/monitor/console.c \
	core/monitor/devices.c core/monitor/devices.h core/monitor/query-pci.c
core_libcore_a_SOURCES += core/monitor/net.c
core_libcore_a_SOURCES += core/monitor/chardevs.c core/monitor/chardevs.h
core_libcore_a_SOURCES += core/monitor/block.c core/monitor/block.h
core_libcore_a_SOURCES += core/monitor/fds.c
core_libcore_a_SOURCES += core/monitor/migrate.c core/monitor/migrate.h
