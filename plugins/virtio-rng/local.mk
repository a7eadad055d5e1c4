if PLUGIN_VIRTIO_RNG
plugins_PROGRAMS += plugins/virtio-rng.so
plugins_virtio_rng_so_SOURCES = plugins/virtio-rng/virtio-rng.c
plugins_virtio_rng_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_virtio_rng_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_virtio_rng_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_virtio_rng_so_LDADD =
endif
