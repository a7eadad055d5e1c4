# tests/vcpu: core/cpu with a CPU whose instructions are C functions (tests/cpu has the real one)
unit_tests += tests/vcpu/test-vcpu
tests_vcpu_test_vcpu_SOURCES = tests/vcpu/test-vcpu.c tests/vcpu/mock-cpu.h
tests_vcpu_test_vcpu_CFLAGS = $(CORE_CFLAGS)
tests_vcpu_test_vcpu_LDADD = $(CORE_LIBS)
