# tests/net: network devices on the mock host, back ends, taps in a network namespace
unit_tests += tests/net/test-virtio-net
tests_net_test_virtio_net_SOURCES = tests/net/test-virtio-net.c tests/net/net-driver.c \
	tests/net/net-driver.h
tests_net_test_virtio_net_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_net_test_virtio_net_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)

check_PROGRAMS += tests/fuzz/fuzz-virtio-net
tests_fuzz_fuzz_virtio_net_SOURCES = tests/fuzz/fuzz-virtio-net.c tests/net/net-driver.c \
	tests/net/net-driver.h $(fuzz_shared)
tests_fuzz_fuzz_virtio_net_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_fuzz_fuzz_virtio_net_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)

dist_check_SCRIPTS += tests/linux/virtio-net.py

unit_tests += tests/net/test-netdev
tests_net_test_netdev_CFLAGS = $(CORE_CFLAGS)
tests_net_test_netdev_LDADD = $(CORE_LIBS)
dist_check_SCRIPTS += tests/net/tap.py
dist_check_SCRIPTS += tests/net/options.sh

check_PROGRAMS += tests/fuzz/fuzz-netdev
tests_fuzz_fuzz_netdev_SOURCES = tests/fuzz/fuzz-netdev.c $(fuzz_shared)
tests_fuzz_fuzz_netdev_CFLAGS = $(CORE_CFLAGS)
tests_fuzz_fuzz_netdev_LDADD = $(CORE_LIBS)
