# core/cpu: clocks and timers, vCPU threads, run states, the main loop
core_libcore_a_SOURCES += core/cpu/clock.h core/cpu/clock.c core/cpu/vcpu.h core/cpu/vcpu.c \
	core/cpu/run.h core/cpu/run.c core/cpu/mainloop.h core/cpu/mainloop.c \
	core/cpu/throttle.h core/cpu/throttle.c core/cpu/icount.h core/cpu/icount.c
