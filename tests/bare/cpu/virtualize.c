/* SPDX-License-Identifier: BSD-2-Clause */
/* TVM, TW and TSR: what S mode may then no longer do, and that M still may. */
#include "bare.h"

static u64
do_satp_read (u64 a)
{
  return TRAP (csr_read (satp));
}
static u64
do_satp_write (u64 a)
{
  return TRAP (csr_write (satp, 0));
}
static u64
do_sfence (u64 a)
{
  return TRAP_ASM ("sfence.vma");
}
static u64
do_sinval (u64 a)
{
  return TRAP_ASM (".option push\n.option arch, +svinval\nsinval.vma x0, x0\n.option pop");
}
static u64
do_sfence_w (u64 a)
{
  return TRAP_ASM (".option push\n.option arch, +svinval\nsfence.w.inval\n\tsfence.inval.ir\n"
                   ".option pop");
}
static u64
do_wfi (u64 a)
{
  return TRAP_ASM ("wfi");
}
static u64
do_sret (u64 a)
{
  csr_set (sstatus, MSTATUS_SPP);
  return TRAP (asm volatile ("la t0, 1f\n\tcsrw sepc, t0\n\tsret\n1:" ::: "t0", "memory"));
}

static void
expect (const char *what, u64 (*fn) (u64), u64 bit, u64 with)
{
  note (what, 0, 0);
  csr_clear (mstatus, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
  CHECK_EQ (run_in (MODE_S, fn, 0), NO_TRAP);
  csr_set (mstatus, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
  csr_clear (mstatus, bit);
  CHECK_EQ (run_in (MODE_S, fn, 0), NO_TRAP);
  csr_clear (mstatus, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
  csr_set (mstatus, bit);
  CHECK_EQ (run_in (MODE_S, fn, 0), with);
  if (fn != do_sret)
    CHECK_EQ (fn (0), NO_TRAP);
  csr_clear (mstatus, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
}

void
test (void)
{
  pmp_open ();
  expect ("satp read", do_satp_read, MSTATUS_TVM, CAUSE_ILLEGAL);
  expect ("satp write", do_satp_write, MSTATUS_TVM, CAUSE_ILLEGAL);
  expect ("sfence.vma", do_sfence, MSTATUS_TVM, CAUSE_ILLEGAL);
  expect ("sinval.vma", do_sinval, MSTATUS_TVM, CAUSE_ILLEGAL);
  expect ("sret", do_sret, MSTATUS_TSR, CAUSE_ILLEGAL);
  /* something is pending and enabled, or wfi would wait for it: it may never have to */
  csr_write (mideleg, 0x20);
  csr_write (mip, 0x20);
  csr_write (mie, 0x20);
  csr_clear (mstatus, MSTATUS_SIE);
  expect ("wfi", do_wfi, MSTATUS_TW, CAUSE_ILLEGAL);
  /* these two are S's own even under TVM, and nobody's in U */
  csr_set (mstatus, MSTATUS_TVM);
  CHECK_EQ (run_in (MODE_S, do_sfence_w, 0), NO_TRAP);
  csr_clear (mstatus, MSTATUS_TVM);
  csr_write (mie, 0);
  if (!ON_QEMU72) /* which lets U mode have them */
    CHECK_EQ (run_in (MODE_U, do_sfence_w, 0), CAUSE_ILLEGAL);
  CHECK_EQ (run_in (MODE_U, do_sinval, 0), CAUSE_ILLEGAL);
  /* wfi from U: illegal where S exists, be TW what it may, once the wait is bounded at nothing */
  csr_set (mstatus, MSTATUS_TW);
  CHECK_EQ (run_in (MODE_U, do_wfi, 0), CAUSE_ILLEGAL);
  csr_clear (mstatus, MSTATUS_TW);
}
