# tests/vcpu: core/cpu with a CPU whose instructions are C functions (tests/cpu has the real one)
EXTRA_DIST += tests/vcpu/mock-cpu.h
unit_tests += tests/vcpu/test-vcpu tests/vcpu/test-run tests/vcpu/test-clock
tests_vcpu_test_vcpu_CFLAGS = $(CORE_CFLAGS)
tests_vcpu_test_vcpu_LDADD = $(CORE_LIBS)
tests_vcpu_test_run_CFLAGS = $(CORE_CFLAGS)
tests_vcpu_test_run_LDADD = $(CORE_LIBS)
tests_vcpu_test_clock_CFLAGS = $(CORE_CFLAGS)
tests_vcpu_test_clock_LDADD = $(CORE_LIBS)
unit_tests += tests/vcpu/test-throttle
tests_vcpu_test_throttle_CFLAGS = $(CORE_CFLAGS)
tests_vcpu_test_throttle_LDADD = $(CORE_LIBS)
