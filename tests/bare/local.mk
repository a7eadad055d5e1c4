# The bare-metal suite: programs without an operating system, listed in tests/bare/list.
dist_check_SCRIPTS += tests/bare/bare-cpu.sh tests/bare/bare-devices.sh tests/bare/bare-hostile.sh \
	tests/bare/hung.py
EXTRA_DIST += tests/bare/README.md tests/bare/run-bare.sh tests/bare/list \
	$(wildcard $(top_srcdir)/tests/bare/lib/*.[chS]) \
	$(wildcard $(top_srcdir)/tests/bare/lib/*.ld) \
	$(wildcard $(top_srcdir)/tests/bare/lib/*.py) \
	$(wildcard $(top_srcdir)/tests/bare/cpu/*.[cS]) \
	$(wildcard $(top_srcdir)/tests/bare/cpu/*.py) \
	$(wildcard $(top_srcdir)/tests/bare/dev/*.[cS]) \
	$(wildcard $(top_srcdir)/tests/bare/hostile/*.[cS]) \
	$(wildcard $(top_srcdir)/tests/bare/hung/*.[cS]) \
	$(wildcard $(top_srcdir)/tests/bare/moved/*.[cS])
