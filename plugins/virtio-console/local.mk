if PLUGIN_VIRTIO_CONSOLE
plugins_PROGRAMS += plugins/virtio-console.so
plugins_virtio_console_so_SOURCES = plugins/virtio-console/controller.c \
	plugins/virtio-console/control.c plugins/virtio-console/port.c \
	plugins/virtio-console/state.c plugins/virtio-console/console.h
plugins_virtio_console_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_virtio_console_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_virtio_console_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_virtio_console_so_LDADD =
endif
