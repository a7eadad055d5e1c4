# bench: this emulator and Debian's QEMU side by side; docs/benchmarks.md says how to read it.
# Not part of `make check`: the figures depend on the host.
EXTRA_DIST += bench/sidebyside.py bench/bench-migrate.py bench/guest/migrate.c
EXTRA_DIST += bench/bench-cpu.py bench/guestimage.py bench/guest/bench.h bench/guest/main.c \
	bench/guest/compute.c bench/guest/system.c bench/guest/mmio.S bench/bench-block.py \
	bench/guest/block.c

# make bench-cpu BENCH_FLAGS=--quick
bench-cpu: all
	@$(AM_TESTS_ENVIRONMENT) $(PYTHON3) $(srcdir)/bench/bench-cpu.py \
	  --json bench-cpu.json $(BENCH_FLAGS)
# make bench-block BENCH_FLAGS=--quick
bench-block: all
	@$(AM_TESTS_ENVIRONMENT) $(PYTHON3) $(srcdir)/bench/bench-block.py \
	  --json bench-block.json $(BENCH_FLAGS)
# make bench-net BENCH_FLAGS=--quick
bench-net: all
	@$(AM_TESTS_ENVIRONMENT) $(PYTHON3) $(srcdir)/bench/bench-net.py \
	  --json bench-net.json $(BENCH_FLAGS)
# make bench-migrate BENCH_FLAGS=--quick
bench-migrate: all
	@$(AM_TESTS_ENVIRONMENT) $(PYTHON3) $(srcdir)/bench/bench-migrate.py \
	  --json bench-migrate.json $(BENCH_FLAGS)
.PHONY: bench-cpu bench-block bench-net bench-migrate
CLEANFILES += bench-cpu.json bench-block.json bench-net.json bench-migrate.json
EXTRA_DIST += bench/bench-net.py bench/guest/net.c

# What the core costs without a guest: make bench-core
EXTRA_PROGRAMS += bench/micro-core
bench_micro_core_CFLAGS = $(CORE_CFLAGS)
bench_micro_core_LDADD = $(CORE_LIBS)
bench-core: bench/micro-core$(EXEEXT)
	bench/micro-core$(EXEEXT)
.PHONY: bench-core

# What the virtio plugin costs without a guest: make bench-virtio
EXTRA_PROGRAMS += bench/micro-virtio
bench_micro_virtio_CFLAGS = $(CORE_CFLAGS)
bench_micro_virtio_LDADD = $(CORE_LIBS)
bench-virtio: all bench/micro-virtio$(EXEEXT) tests/pcie/pci-probe.so
	abs_top_builddir='$(abs_top_builddir)' bench/micro-virtio$(EXEEXT)
.PHONY: bench-virtio

# What sending memory costs without a guest: make bench-ram
EXTRA_PROGRAMS += bench/micro-ram
bench_micro_ram_CFLAGS = $(CORE_CFLAGS)
bench_micro_ram_LDADD = $(CORE_LIBS)
bench-ram: bench/micro-ram$(EXEEXT)
	bench/micro-ram$(EXEEXT)
.PHONY: bench-ram
