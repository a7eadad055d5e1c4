# tests/devices: each platform device on a host made of stubs (mock-host.c), without the core
device_tests = tests/devices/test-aclint tests/devices/test-sifive-plic \
	tests/devices/test-ns16550 tests/devices/test-goldfish-rtc tests/devices/test-sifive-test \
	tests/devices/test-fw-cfg tests/devices/test-cfi-flash tests/devices/test-hostile \
	tests/devices/test-virtio tests/devices/test-riscv-imsic tests/devices/test-riscv-aplic
unit_tests += $(device_tests)
check_LIBRARIES += tests/devices/libmockhost.a
tests_devices_libmockhost_a_SOURCES = tests/devices/mock-host.c tests/devices/mock-services.c \
	tests/devices/mock-host.h
tests_devices_libmockhost_a_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_devices_test_aclint_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_devices_test_aclint_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
tests_devices_test_sifive_plic_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_devices_test_sifive_plic_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
tests_devices_test_ns16550_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_devices_test_ns16550_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
tests_devices_test_goldfish_rtc_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_devices_test_goldfish_rtc_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
tests_devices_test_sifive_test_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_devices_test_sifive_test_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
tests_devices_test_fw_cfg_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_devices_test_fw_cfg_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
tests_devices_test_cfi_flash_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_devices_test_cfi_flash_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
tests_devices_test_hostile_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_devices_test_hostile_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
tests_devices_test_virtio_SOURCES = tests/devices/test-virtio.c tests/devices/virtio-driver.c \
	tests/devices/virtio-driver.h
tests_devices_test_virtio_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_devices_test_virtio_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
tests_devices_test_riscv_imsic_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_devices_test_riscv_imsic_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
tests_devices_test_riscv_aplic_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_devices_test_riscv_aplic_LDADD = tests/devices/libmockhost.a $(GLIB_LIBS) $(LIBS)
