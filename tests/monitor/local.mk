# tests/monitor: QMP
unit_tests += tests/monitor/test-framing
tests_monitor_test_framing_CFLAGS = $(CORE_CFLAGS)
tests_monitor_test_framing_LDADD = $(CORE_LIBS)
dist_check_SCRIPTS += tests/monitor/qmp.py
dist_check_SCRIPTS += tests/monitor/chardevs.py
dist_check_SCRIPTS += tests/monitor/block.py
dist_check_SCRIPTS += tests/monitor/fds.py
