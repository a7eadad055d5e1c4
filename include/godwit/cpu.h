/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs.  "gwt.cpu/1" is the interface that a CPU's device type offers; it is shaped like a hardware
 * accelerator's run call, so that one can stand behind it.  "gwt.vcpu/1" is the host extension that
 * an interpreter needs: memory as seen by the CPU.  The core owns the vCPU's thread.
 */
#ifndef GODWIT_CPU_H
#define GODWIT_CPU_H

#include <godwit/device.h>
#include <godwit/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Why run () returned. */
enum gwt_exit
{
  GWT_EXIT_KICKED = 1000,   /* exit_request was seen */
  GWT_EXIT_HALTED = 2000,   /* waits for an interrupt: the core sleeps until has_work () */
  GWT_EXIT_MMIO = 3000,     /* an accelerator's: the core does the access and calls run () again */
  GWT_EXIT_BUDGET = 4000,   /* `budget` instructions were executed */
  GWT_EXIT_DEBUG = 5000,    /* breakpoint or single step */
  GWT_EXIT_ERROR = 9000     /* cannot go on; error_text says why: the guest is paused */
};

/* Shared by core and CPU for one vCPU; made by the core, one per vCPU, zeroed. */
struct gwt_cpu_run
{
  uint64_t struct_size;
  /* Set non-zero by the core from any thread (atomic, then kick ()); run () returns GWT_EXIT_KICKED
     soon and at an instruction boundary.  Cleared by the core. */
  uint32_t exit_request;
  uint32_t exit_reason; /* same as run ()'s result */
  /* Instructions to execute at the most, 0: no limit.  Set by the core before run (). */
  uint64_t budget;
  /* Out: instructions retired in this call.  With a budget it is right whenever the CPU reaches a
     device or asks for the time, too: the host's clock may count them. */
  uint64_t executed;
  /* GWT_EXIT_MMIO */
  uint64_t mmio_address, mmio_data;
  uint32_t mmio_size, mmio_is_write, mmio_status, reserved_1;
  const char *error_text; /* GWT_EXIT_ERROR; static or interned */
};

enum gwt_memory_change
{
  GWT_CHANGE_MAP = 1000,  /* the address map changed: every direct pointer is stale */
  GWT_CHANGE_DIRTY = 2000 /* a dirty round began: direct store pointers are stale */
};

/* A general register for debuggers and the monitor. */
struct gwt_cpu_reg
{
  const char *name; /* "pc", "x1", "mstatus" */
  uint32_t bits;
  uint32_t number; /* argument of reg_get and reg_set */
};

#define GWT_CPU_INTERFACE "gwt.cpu/1"

struct gwt_cpu_ops
{
  uint64_t struct_size;
  /* [main, once, after realize, before the first run] RUN lives as long as the CPU. */
  void (*attach) (void *self, struct gwt_cpu_run *run);
  /* [vcpu, no lock held] Execute until there is a reason to stop; enum gwt_exit. */
  uint32_t (*run) (void *self);
  /* [any] After exit_request was set: make run () notice.  May do nothing where it polls. */
  void (*kick) (void *self);
  /* [any] Would a halted CPU go on?  Must be race-free against interrupt inputs, which wake it
     through gwt_vcpu_api.wake. */
  uint32_t (*has_work) (void *self);
  /* [vcpu, before run () is entered again] CHANGE is enum gwt_memory_change. */
  void (*memory_changed) (void *self, uint32_t change);
  /* [main, vCPU stands still] Registers; REGS is static, COUNT its length. */
  const struct gwt_cpu_reg *(*regs) (void *self, uint32_t *count);
  int (*reg_get) (void *self, uint32_t number, uint64_t *value);
  int (*reg_set) (void *self, uint32_t number, uint64_t value);
  /* [main] Guest-virtual to guest-physical for debuggers; 0, or -1 where unmapped. */
  int (*translate) (void *self, uint64_t address, uint64_t *physical);
};

enum gwt_span_flag
{
  GWT_SPAN_WRITE = 1 << 0 /* stores may go directly; not for ROM, flash and clean watched pages */
};

/* A page's worth (or more) of memory with one answer. */
struct gwt_span
{
  uint64_t address; /* first guest-physical byte */
  uint64_t size;    /* bytes */
  uint8_t *host;    /* host address of that byte; NULL: not direct, use load and store */
  uint64_t flags;   /* enum gwt_span_flag */
};

#define GWT_VCPU_EXT "gwt.vcpu/1"

struct gwt_vcpu_api
{
  uint64_t struct_size;
  /*
   * [vcpu of DEVICE] What is at ADDRESS?  Fills SPAN with the largest run around it that has one
   * answer, at least the 4096-byte page where that page is uniform (else a smaller one).  The
   * pointer stays valid until memory_changed.  For TO_STORE on a page that is watched and clean,
   * the page is marked dirty first, so the answer has GWT_SPAN_WRITE and span covers that page
   * alone. GWT_ACCESS_OK (direct or MMIO) or GWT_ACCESS_UNMAPPED.
   */
  uint32_t (*span) (struct gwt_device *device, uint64_t address, uint32_t to_store,
                    struct gwt_span *span);
  /* [vcpu of DEVICE] One load or store of 1, 2, 4 or 8 bytes anywhere in guest-physical space, RAM
     or MMIO, naturally aligned; enum gwt_access.  Takes the locks that the target needs.  The
     device behind it may have changed the map: finish the instruction, then look at exit_request
     before another direct pointer is used. */
  uint32_t (*load) (struct gwt_device *device, uint64_t address, uint32_t size, uint64_t *value);
  uint32_t (*store) (struct gwt_device *device, uint64_t address, uint32_t size, uint64_t value);
  /* [any] An interrupt input changed: wake DEVICE's vCPU if it is halted; cheap if it is not. */
  void (*wake) (struct gwt_device *device);
  /* [vcpu of DEVICE] Run FN (cpu instance, arg) on another CPU's thread between two instructions
     and wait for it; for remote TLB flushes.  Must not hold locks. */
  void (*run_on) (struct gwt_device *cpu, void (*fn) (void *self, void *arg), void *arg);
};

#ifdef __cplusplus
}
#endif

#endif
