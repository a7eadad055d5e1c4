# tests/virtio-blk: the disk on the mock host of tests/devices, with a drive that the test moves
unit_tests += tests/virtio-blk/test-virtio-blk
tests_virtio_blk_test_virtio_blk_SOURCES = tests/virtio-blk/test-virtio-blk.c \
	tests/virtio-blk/mock-block.c tests/virtio-blk/mock-block.h \
	tests/devices/virtio-driver.c tests/devices/virtio-driver.h
tests_virtio_blk_test_virtio_blk_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_virtio_blk_test_virtio_blk_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
dist_check_SCRIPTS += tests/virtio-blk/options.py
EXTRA_DIST += tests/virtio-blk/nbdserver.py tests/virtio-blk/syncs.c
