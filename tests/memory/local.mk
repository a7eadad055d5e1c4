# tests/memory: core/memory without CPUs
unit_tests += tests/memory/test-memory
tests_memory_test_memory_CFLAGS = $(CORE_CFLAGS)
tests_memory_test_memory_LDADD = $(CORE_LIBS)
