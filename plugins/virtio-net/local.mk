if PLUGIN_VIRTIO_NET
plugins_PROGRAMS += plugins/virtio-net.so
plugins_virtio_net_so_SOURCES = plugins/virtio-net/virtio-net.h plugins/virtio-net/virtio-net.c \
	plugins/virtio-net/rings.c plugins/virtio-net/control.c plugins/virtio-net/state.c
plugins_virtio_net_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_virtio_net_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_virtio_net_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_virtio_net_so_LDADD =
endif
EXTRA_DIST += plugins/virtio-net/README.md
