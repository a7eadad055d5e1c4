# tests/migration
unit_tests += tests/migration/test-stream
tests_migration_test_stream_CFLAGS = $(CORE_CFLAGS)
tests_migration_test_stream_LDADD = $(CORE_LIBS)
