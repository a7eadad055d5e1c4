# bench: this emulator and Debian's QEMU side by side; docs/benchmarks.md says how to read it.
# Not part of `make check`: the figures depend on the host.
EXTRA_DIST += bench/bench-cpu.py bench/guestimage.py bench/guest/bench.h bench/guest/main.c \
	bench/guest/compute.c bench/guest/system.c bench/guest/mmio.S

# make bench-cpu BENCH_FLAGS=--quick
bench-cpu: all
	@$(AM_TESTS_ENVIRONMENT) $(PYTHON3) $(srcdir)/bench/bench-cpu.py \
	  --json bench-cpu.json $(BENCH_FLAGS)
.PHONY: bench-cpu
CLEANFILES += bench-cpu.json
