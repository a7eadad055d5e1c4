# tests/util
unit_tests += tests/util/test-text
tests_util_test_text_CFLAGS = $(CORE_CFLAGS)
tests_util_test_text_LDADD = $(CORE_LIBS)
