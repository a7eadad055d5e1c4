/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "gwt.riscv-hart/1": what RISC-V platform devices need of a hart.  Offered by CPU device types of
 * that architecture beside "gwt.cpu/1".
 *
 * A hart's interrupt inputs are called "irq" and are numbered as the bits of mip: 1 SSIP, 3 MSIP,
 * 5 STIP, 7 MTIP, 9 SEIP, 11 MEIP (Privileged Architecture, 3.1.9).
 */
#ifndef GODWIT_RISCV_H
#define GODWIT_RISCV_H

#include <godwit/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GWT_RISCV_HART_INTERFACE "gwt.riscv-hart/1"

enum gwt_riscv_irq
{
  GWT_RISCV_SSIP = 1,
  GWT_RISCV_MSIP = 3,
  GWT_RISCV_STIP = 5,
  GWT_RISCV_MTIP = 7,
  GWT_RISCV_SEIP = 9,
  GWT_RISCV_MEIP = 11
};

/* A platform's mtime, read by the `time` CSR and by Sstc. */
struct gwt_riscv_time
{
  uint64_t struct_size;
  uint64_t hz; /* ticks per second of virtual time */
  void *source;
  /* [any] Current ticks.  Must be cheap and lock-free. */
  uint64_t (*ticks) (void *source);
  /* [any] Virtual-clock ns at which ticks reaches TICKS; GWT_TIMER_OFF for never. */
  uint64_t (*when) (void *source, uint64_t ticks);
};

/*
 * One interrupt file of an IMSIC (Advanced Interrupt Architecture 1.0, chapter 3), as its hart's
 * CSRs reach it.  REG is the number that miselect or siselect holds, 0x70 to 0xff; 64 bits wide, so
 * that of the arrays eip and eie only the even numbers are asked for.  All are [vcpu of that hart]
 * or [main, vCPU stands still], while messages arrive on any thread.
 */
struct gwt_riscv_imsic
{
  uint64_t struct_size;
  void *file;
  /* 0 for what is not implemented. */
  uint64_t (*read) (void *file, uint32_t reg);
  /* The bits of MASK become those of VALUE in one step; what is not implemented is ignored. */
  void (*write) (void *file, uint32_t reg, uint64_t value, uint64_t mask);
  /* mtopei or stopei: identity << 16 | identity, or 0. */
  uint32_t (*top) (void *file);
  /* The same, and in one step the pending bit of what is returned is cleared. */
  uint32_t (*claim) (void *file);
};

struct gwt_riscv_hart_ops
{
  uint64_t struct_size;
  /* [any] mhartid. */
  uint64_t (*hart_id) (void *self);
  /* [main, in the platform device's realize] TIME lives as long as the machine. */
  void (*set_time) (void *self, const struct gwt_riscv_time *time);
  /* [main, or vcpu] mtime was written: compare values have to be looked at again. */
  void (*time_changed) (void *self);
  /* [main, in the platform device's realize and unrealize] IMSIC is the file of the level whose
     external interrupt LINE is (GWT_RISCV_MEIP or GWT_RISCV_SEIP), and lives until it is replaced
     by NULL.  -1 with ERR set where the hart has no CSRs for it, or has a file already. */
  int (*set_imsic) (void *self, uint32_t line, const struct gwt_riscv_imsic *imsic,
                    struct gwt_error *err);
};

#ifdef __cplusplus
}
#endif

#endif
