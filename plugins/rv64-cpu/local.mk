if PLUGIN_RV64_CPU
plugins_PROGRAMS += plugins/rv64-cpu.so
plugins_rv64_cpu_so_SOURCES = \
	plugins/rv64-cpu/accel.c plugins/rv64-cpu/accel.h plugins/rv64-cpu/aia.c plugins/rv64-cpu/arch.h \
	plugins/rv64-cpu/arith.h plugins/rv64-cpu/atomics.c plugins/rv64-cpu/block.c \
	plugins/rv64-cpu/bytes.h plugins/rv64-cpu/cpu.h plugins/rv64-cpu/csr.c \
	plugins/rv64-cpu/decode.c plugins/rv64-cpu/describe.c plugins/rv64-cpu/exec.c \
	plugins/rv64-cpu/exec-flow.inc plugins/rv64-cpu/exec-fp.inc plugins/rv64-cpu/exec-int.inc \
	plugins/rv64-cpu/exec-mem.inc plugins/rv64-cpu/exec-sys.inc plugins/rv64-cpu/expand.c \
	plugins/rv64-cpu/fp.c plugins/rv64-cpu/fp.h plugins/rv64-cpu/fuse.c \
	plugins/rv64-cpu/insn.h \
	plugins/rv64-cpu/memory.c plugins/rv64-cpu/mmu.c plugins/rv64-cpu/pmp.c \
	plugins/rv64-cpu/regs.c plugins/rv64-cpu/rv64-cpu.c plugins/rv64-cpu/softfloat.c \
	plugins/rv64-cpu/softfloat.h plugins/rv64-cpu/state.c plugins/rv64-cpu/timer.c plugins/rv64-cpu/tlb.c \
	plugins/rv64-cpu/trap.c
plugins_rv64_cpu_so_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_rv64_cpu_so_CFLAGS = $(PLUGIN_CFLAGS)
plugins_rv64_cpu_so_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_rv64_cpu_so_LDADD =
endif
