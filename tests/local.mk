# Every test is listed once, in the fragment of its topic:
#   unit_tests += tests/TOPIC/test-NAME      a C program on GLib's g_test
#   dist_check_SCRIPTS += tests/TOPIC/x.sh   a shell test on tests/lib.sh
#   dist_check_SCRIPTS += tests/TOPIC/x.py   a Python test on tests/gwttest.py
#   check_long_scripts += tests/TOPIC/long-x.py   either kind, too long for `make check`
# All speak TAP.  x.sh and x.py in one folder would share x.log, so give them different names.
TEST_EXTENSIONS = .sh .py
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_DRIVER = $(TAP_DRIVER)
PY_LOG_DRIVER = $(TAP_DRIVER)
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/run-unit
SH_LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/run-script
PY_LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/run-script

AM_TESTS_ENVIRONMENT = \
	GODWIT_UNDER_DRIVER=yes; export GODWIT_UNDER_DRIVER; \
	abs_top_srcdir='$(abs_top_srcdir)'; export abs_top_srcdir; \
	abs_top_builddir='$(abs_top_builddir)'; export abs_top_builddir; \
	CC='$(CC)'; export CC; \
	PYTHON3='$(PYTHON3)'; export PYTHON3; \
	RISCV_CC='$(RISCV_CC)'; export RISCV_CC; \
	QEMU_RISCV64='$(QEMU_RISCV64)'; export QEMU_RISCV64; \
	ABIDIFF='$(ABIDIFF)'; export ABIDIFF; \
	GODWIT_ABSENT_PLUGINS='$(ABSENT_PLUGINS)'; export GODWIT_ABSENT_PLUGINS; \
	GODWIT_SANITIZERS='$(GODWIT_SANITIZERS)'; export GODWIT_SANITIZERS;

if SANITIZERS
GODWIT_SANITIZERS = yes
else
GODWIT_SANITIZERS = no
endif

EXTRA_DIST += tests/lib.sh tests/gwttest.py tests/run-unit tests/run-script tests/run-long

# What a C unit test of the core needs: tests_TOPIC_test_NAME_CFLAGS = $(CORE_CFLAGS) and
# tests_TOPIC_test_NAME_LDADD = $(CORE_LIBS).
unit_tests =
check_long_scripts =

include tests/repo/local.mk
include tests/util/local.mk
include tests/memory/local.mk
include tests/pcie/local.mk
include tests/virtio/local.mk
include tests/virtio-console/local.mk
include tests/device/local.mk
include tests/vmstate/local.mk
include tests/migration/local.mk
include tests/devices/local.mk
include tests/virtio-blk/local.mk
include tests/cpu/local.mk
include tests/vcpu/local.mk
include tests/plugin/local.mk
include tests/backend/local.mk
include tests/machine/local.mk
include tests/monitor/local.mk
include tests/net/local.mk
include tests/cli/local.mk
include tests/bare/local.mk
include tests/linux/local.mk
include tests/releases/local.mk
include tests/bench/local.mk
include tests/fuzz/local.mk
include tests/abi/local.mk

check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests) $(dist_check_SCRIPTS)

# make check-long [LONG="WORD..."]: half an hour and more; one after the other, so that what they
# measure of the guest's patience is not the host's load.
EXTRA_DIST += $(check_long_scripts)
check-long: all $(check_PROGRAMS) $(check_LIBRARIES)
	@$(AM_TESTS_ENVIRONMENT) $(BASH) $(top_srcdir)/tests/run-long long-results '$(LONG)' \
	  $(check_long_scripts:%=$(top_srcdir)/%)
.PHONY: check-long
clean-local: clean-long
clean-long:
	rm -rf long-results
.PHONY: clean-long
