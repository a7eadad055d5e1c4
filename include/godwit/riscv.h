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

struct gwt_riscv_hart_ops
{
  uint64_t struct_size;
  /* [any] mhartid. */
  uint64_t (*hart_id) (void *self);
  /* [main, in the platform device's realize] TIME lives as long as the machine. */
  void (*set_time) (void *self, const struct gwt_riscv_time *time);
  /* [main, or vcpu] mtime was written: compare values have to be looked at again. */
  void (*time_changed) (void *self);
};

#ifdef __cplusplus
}
#endif

#endif
