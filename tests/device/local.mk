# tests/device
EXTRA_DIST += tests/device/sample.h
unit_tests += tests/device/test-property
tests_device_test_property_CFLAGS = $(CORE_CFLAGS)
tests_device_test_property_LDADD = $(CORE_LIBS)
unit_tests += tests/device/test-type
tests_device_test_type_CFLAGS = $(CORE_CFLAGS)
tests_device_test_type_LDADD = $(CORE_LIBS)
unit_tests += tests/device/test-spec
tests_device_test_spec_CFLAGS = $(CORE_CFLAGS)
tests_device_test_spec_LDADD = $(CORE_LIBS)
unit_tests += tests/device/test-method
tests_device_test_method_CFLAGS = $(CORE_CFLAGS)
tests_device_test_method_LDADD = $(CORE_LIBS)
