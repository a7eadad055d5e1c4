# tests/virtio-console: the controller and its ports on the mock host of tests/devices
serial_driver = tests/virtio-console/serial-driver.c tests/virtio-console/serial-driver.h
unit_tests += tests/virtio-console/test-virtio-console
tests_virtio_console_test_virtio_console_SOURCES = \
	tests/virtio-console/test-virtio-console.c $(serial_driver)
tests_virtio_console_test_virtio_console_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_virtio_console_test_virtio_console_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
check_PROGRAMS += tests/fuzz/fuzz-virtio-console
tests_fuzz_fuzz_virtio_console_SOURCES = tests/fuzz/fuzz-virtio-console.c $(serial_driver) \
	tests/fuzz/driver.c tests/fuzz/broken.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_virtio_console_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_fuzz_fuzz_virtio_console_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
