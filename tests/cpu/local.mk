# rv64-cpu's arithmetic, once as this host does it and once as a host without SSE would.
unit_tests += tests/cpu/test-fp tests/cpu/test-fp-portable
tests_cpu_test_fp_SOURCES = tests/cpu/test-fp.c plugins/rv64-cpu/fp.c plugins/rv64-cpu/softfloat.c
tests_cpu_test_fp_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_cpu_test_fp_LDADD = $(GLIB_LIBS) $(LIBS)
tests_cpu_test_fp_portable_SOURCES = $(tests_cpu_test_fp_SOURCES)
tests_cpu_test_fp_portable_CPPFLAGS = $(AM_CPPFLAGS) -DRV_FP_PORTABLE
tests_cpu_test_fp_portable_CFLAGS = $(tests_cpu_test_fp_CFLAGS)
tests_cpu_test_fp_portable_LDADD = $(tests_cpu_test_fp_LDADD)

# rv64-cpu's CSRs, traps, page walk and PMP without an interpreter.
unit_tests += tests/cpu/test-arch
tests_cpu_test_arch_SOURCES = tests/cpu/test-arch.c plugins/rv64-cpu/aia.c plugins/rv64-cpu/csr.c plugins/rv64-cpu/fp.c \
	plugins/rv64-cpu/mmu.c plugins/rv64-cpu/pmp.c plugins/rv64-cpu/softfloat.c \
	plugins/rv64-cpu/timer.c plugins/rv64-cpu/trap.c
tests_cpu_test_arch_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_cpu_test_arch_LDADD = $(GLIB_LIBS) $(LIBS)
unit_tests += tests/cpu/test-aia
tests_cpu_test_aia_SOURCES = tests/cpu/test-aia.c plugins/rv64-cpu/aia.c plugins/rv64-cpu/csr.c plugins/rv64-cpu/fp.c \
	plugins/rv64-cpu/mmu.c plugins/rv64-cpu/pmp.c plugins/rv64-cpu/softfloat.c \
	plugins/rv64-cpu/timer.c plugins/rv64-cpu/trap.c
tests_cpu_test_aia_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_cpu_test_aia_LDADD = $(GLIB_LIBS) $(LIBS)

# Runs bare-metal ELF files on the CPU plugin alone; also how the public RISC-V suite is run by hand.
check_PROGRAMS += tests/cpu/rv-run
tests_cpu_rv_run_SOURCES = tests/cpu/rv-run.c tests/cpu/rvhost.c tests/cpu/rvhost.h
tests_cpu_rv_run_LDADD = -ldl

# rv64-cpu's execution half, on the real plugin.
unit_tests += tests/cpu/test-exec
tests_cpu_test_exec_SOURCES = tests/cpu/test-exec.c tests/cpu/rvasm.h tests/cpu/rvhost.c tests/cpu/rvhost.h
tests_cpu_test_exec_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS)
tests_cpu_test_exec_LDADD = $(GLIB_LIBS) -ldl
