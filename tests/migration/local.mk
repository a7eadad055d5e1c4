# tests/migration
unit_tests += tests/migration/test-channel
tests_migration_test_channel_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_channel_LDADD = $(CORE_LIBS)
unit_tests += tests/migration/test-params
tests_migration_test_params_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_params_LDADD = $(CORE_LIBS)
unit_tests += tests/migration/test-stream
tests_migration_test_stream_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_stream_LDADD = $(CORE_LIBS)
unit_tests += tests/migration/test-devices
tests_migration_test_devices_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_devices_LDADD = $(CORE_LIBS)
if PLUGIN_GOLDFISH_RTC
unit_tests += tests/migration/test-plugins
tests_migration_test_plugins_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_plugins_LDADD = $(CORE_LIBS)
endif
unit_tests += tests/migration/test-ram
tests_migration_test_ram_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_ram_LDADD = $(CORE_LIBS)
