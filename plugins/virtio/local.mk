if PLUGIN_VIRTIO
plugins_PROGRAMS += plugins/virtio.so
plugins_virtio_so_SOURCES = plugins/virtio/device.c \
	plugins/virtio/facts.c \
	plugins/virtio/mmio.c \
	plugins/virtio/packed.c \
	plugins/virtio/pci.c \
	plugins/virtio/queue.c \
	plugins/virtio/split.c \
	plugins/virtio/state-chain.c \
	plugins/virtio/state-tail.c \
	plugins/virtio/state.c \
	plugins/virtio/state.h \
	plugins/virtio/virtio.c \
	plugins/virtio/virtio.h
plugins_virtio_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_virtio_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_virtio_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_virtio_so_LDADD =
endif
