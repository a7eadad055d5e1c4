if PLUGIN_VIRTIO_BLK
plugins_PROGRAMS += plugins/virtio-blk.so
plugins_virtio_blk_so_SOURCES = plugins/virtio-blk/virtio-blk.c plugins/virtio-blk/config.c \
	plugins/virtio-blk/request.c plugins/virtio-blk/state.c plugins/virtio-blk/virtio-blk.h
plugins_virtio_blk_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_virtio_blk_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_virtio_blk_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_virtio_blk_so_LDADD =
endif
