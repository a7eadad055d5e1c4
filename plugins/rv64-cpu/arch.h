/* SPDX-License-Identifier: BSD-2-Clause */
/* What the architecture half's own files share: masks of CSR fields, and the calls between csr.c,
 * trap.c, timer.c, mmu.c and pmp.c.  The execution half does not include it.
 */
#ifndef RV64_CPU_ARCH_H
#define RV64_CPU_ARCH_H

#include <godwit/vmstate.h>

#include "cpu.h"

#define RV_BIT(N) (UINT64_C (1) << (N))

#define RV_MSTATUS_UXL (UINT64_C (3) << 32)
#define RV_MSTATUS_SXL (UINT64_C (3) << 34)
#define RV_MSTATUS_UXL_64 (UINT64_C (2) << 32)
#define RV_MSTATUS_SXL_64 (UINT64_C (2) << 34)
#define RV_MSTATUS_MPP_SHIFT 11
#define RV_MSTATUS_FS_DIRTY RV_MSTATUS_FS

#define RV_MIP_SSIP RV_BIT (GWT_RISCV_SSIP)
#define RV_MIP_MSIP RV_BIT (GWT_RISCV_MSIP)
#define RV_MIP_STIP RV_BIT (GWT_RISCV_STIP)
#define RV_MIP_MTIP RV_BIT (GWT_RISCV_MTIP)
#define RV_MIP_SEIP RV_BIT (GWT_RISCV_SEIP)
#define RV_MIP_MEIP RV_BIT (GWT_RISCV_MEIP)
#define RV_MIP_S (RV_MIP_SSIP | RV_MIP_STIP | RV_MIP_SEIP)
#define RV_MIP_M (RV_MIP_MSIP | RV_MIP_MTIP | RV_MIP_MEIP)

#define RV_ENVCFG_FIOM RV_BIT (0)
#define RV_ENVCFG_ADUE RV_BIT (61)
#define RV_ENVCFG_STCE RV_BIT (63)

#define RV_COUNTEREN_CY RV_BIT (0)
#define RV_COUNTEREN_TM RV_BIT (1)
#define RV_COUNTEREN_IR RV_BIT (2)

#define RV_CAUSE_INTERRUPT RV_BIT (63)

#define RV_SATP_MODE_SHIFT 60
#define RV_SATP_MODE_SV39 8
#define RV_SATP_MODE_SV48 9
#define RV_SATP_MODE_SV57 10

/* trap.c: everything pending, from lines and software. */
uint64_t rv_pending (const struct rv_hart *h);
/* trap.c: kick the hart where an interrupt can be taken now; after anything that may enable one. */
void rv_check_interrupts (struct rv_hart *h);

/* timer.c: look at stimecmp again; after a write of it, of menvcfg, or of mtime. */
void rv_stimer_update (struct rv_hart *h);
void rv_stimer_fired (void *self);
/* True and *VALUE where there is a time source. */
bool rv_time_now (const struct rv_hart *h, uint64_t *value);

/* aia.c: CSRs of the Advanced Interrupt Architecture. */
enum rv_aia_csr
{
  RV_CSR_SISELECT = 0x150,
  RV_CSR_SIREG = 0x151,
  RV_CSR_STOPEI = 0x15c,
  RV_CSR_MVIEN = 0x308,
  RV_CSR_MVIP = 0x309,
  RV_CSR_MISELECT = 0x350,
  RV_CSR_MIREG = 0x351,
  RV_CSR_MTOPEI = 0x35c,
  RV_CSR_STOPI = 0xdb0,
  RV_CSR_MTOPI = 0xfb0
};
/* Number N is one of them, exists, and may be touched now (less the check of N's own privilege);
   the others are called only where it is so. */
bool rv_aia_accessible (const struct rv_hart *h, unsigned n);
uint64_t rv_aia_read (struct rv_hart *h, unsigned n);
/* As the first half of an instruction that writes N as well, with rv_aia_write as the second. */
uint64_t rv_aia_read_for_write (struct rv_hart *h, unsigned n);
void rv_aia_write (struct rv_hart *h, unsigned n, uint64_t value);
void rv_aia_reset (struct rv_hart *h);
/* The rows of rv_csr_check for these CSRs. */
bool rv_aia_check (const struct rv_hart *h, struct gwt_error *err);
int rv_aia_set_imsic (void *self, uint32_t line, const struct gwt_riscv_imsic *imsic,
                      struct gwt_error *err);
/* What sip and sie have beyond delegated bits of mip and mie, and how sie and sip change it. */
uint64_t rv_virtual_pending (const struct rv_hart *h);
uint64_t rv_virtual_enabled (const struct rv_hart *h);
void rv_virtual_enable (struct rv_hart *h, uint64_t value);
void rv_virtual_pend (struct rv_hart *h, uint64_t value);

/* trap.c: pending and enabled for PRIV (RV_M or RV_S), whatever is enabled globally. */
uint64_t rv_ready (const struct rv_hart *h, unsigned priv);
/* aia.c: the number in READY that comes first for PRIV, 0 for none; *PRIO (may be NULL) is its
   priority as mtopi and stopi show it. */
unsigned rv_first_interrupt (const struct rv_hart *h, unsigned priv, uint64_t ready,
                             unsigned *prio);

/* csr.c: misa for the extensions that are on. */
uint64_t rv_misa (const struct rv_hart *h);
/* csr.c: mstatus with the fields that are constant or computed. */
uint64_t rv_mstatus (const struct rv_hart *h);
uint64_t rv_menvcfg_reset (const struct rv_hart *h);
/* csr.c: can each register of H (privilege and pc as well) have the value that it has?  False with
   ERR set: one that no guest could have brought about. */
bool rv_csr_check (const struct rv_hart *h, struct gwt_error *err);

/* mmu.c: for debuggers: no permissions, no A and D, nothing changed. */
bool rv_debug_translate (struct rv_hart *h, uint64_t vaddr, uint64_t *paddr);

/* regs.c: gwt.cpu/1's view of the registers, numbered as gdb does; and the typed methods. */
const struct gwt_cpu_reg *rv_regs (void *self, uint32_t *count);
int rv_reg_get (void *self, uint32_t number, uint64_t *value);
int rv_reg_set (void *self, uint32_t number, uint64_t value);
#define RV_METHODS 2
extern const struct gwt_method rv_methods[RV_METHODS];

/* state.c: the sections that a hart is saved in. */
extern const struct gwt_vmstate *const rv_states[];

/* describe.c: the CPU's node in the device tree. */
int rv_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err);
extern const struct gwt_fdt_api *rv_fdt;

/* pmp.c: decode pmpcfg and pmpaddr again; after any change of them. */
void rv_pmp_update (struct rv_hart *h);
uint64_t rv_pmp_read_cfg (const struct rv_hart *h, unsigned reg);
void rv_pmp_write_cfg (struct rv_hart *h, unsigned reg, uint64_t value);
void rv_pmp_write_addr (struct rv_hart *h, unsigned entry, uint64_t value);
/* ENTRY's registers hold what writes can leave there. */
bool rv_pmp_valid (const struct rv_hart *h, unsigned entry);
enum
{
  RV_PMP_R = 1,
  RV_PMP_W = 2,
  RV_PMP_X = 4,
  RV_PMP_A = 3 << 3,
  RV_PMP_TOR = 1 << 3,
  RV_PMP_NA4 = 2 << 3,
  RV_PMP_NAPOT = 3 << 3,
  RV_PMP_L = 1 << 7
};
/* RV_PMP_{R,W,X} that PRIV has on the whole 4 KiB page around PADDR; false where the page is not of
   one piece. */
bool rv_pmp_page (const struct rv_hart *h, uint64_t paddr, unsigned priv, unsigned *rwx);

#endif
