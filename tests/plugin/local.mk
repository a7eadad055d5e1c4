# tests/plugin
EXTRA_DIST += tests/plugin/victim.c
dist_check_SCRIPTS += tests/plugin/examples.py tests/plugin/records.py tests/plugin/refusals.py \
	tests/plugin/tool.sh
unit_tests += tests/plugin/test-note
tests_plugin_test_note_CFLAGS = $(CORE_CFLAGS)
tests_plugin_test_note_LDADD = $(CORE_LIBS)
