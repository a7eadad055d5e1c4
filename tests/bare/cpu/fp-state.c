/* SPDX-License-Identifier: BSD-2-Clause */
/* The FS field: off means illegal, a change of any F register or of fcsr makes it dirty; and
   rounding modes that are reserved in frm. */
#include "bare.h"

asm (".option arch, +f, +d");
u64 cell = 0x3ff0000000000000;

static u64
fs (void)
{
  return csr_read (mstatus) >> 13 & 3;
}

static void
set_fs (u64 v)
{
  csr_clear (mstatus, MSTATUS_FS);
  csr_set (mstatus, v << 13);
}

static u64
in_u (u64 arg)
{
  return TRAP_ASM ("fadd.d fa0, fa0, fa0");
}

#define ILLEGAL(text) CHECK_EQ (TRAP_ASM (text), CAUSE_ILLEGAL)
#define DIRTIES(text)                                                                             \
  do                                                                                              \
    {                                                                                             \
      set_fs (1);                                                                                 \
      note (text, 0, 0);                                                                          \
      CHECK_EQ (TRAP_ASM (text), NO_TRAP);                                                        \
      CHECK_EQ (fs (), 3);                                                                        \
      set_fs (2);                                                                                 \
      CHECK_EQ (TRAP_ASM (text), NO_TRAP);                                                        \
      CHECK_EQ (fs (), 3);                                                                        \
      CHECK_EQ (csr_read (mstatus) >> 63, 1);                                                     \
    }                                                                                             \
  while (0)

void
test (void)
{
  pmp_open ();
  set_fs (0);
  ILLEGAL ("fadd.d fa0, fa0, fa0");
  ILLEGAL ("fadd.s fa0, fa0, fa0");
  ILLEGAL ("fmadd.s fa0, fa0, fa0, fa0");
  ILLEGAL ("fmv.x.d t0, fa0");
  ILLEGAL ("fmv.w.x fa0, t0");
  ILLEGAL ("fclass.s t0, fa0");
  ILLEGAL ("feq.d t0, fa0, fa0");
  ILLEGAL ("la t0, cell\n\tfld fa0, 0(t0)");
  ILLEGAL ("la t0, cell\n\tflw fa0, 0(t0)");
  ILLEGAL ("la t0, cell\n\tfsd fa0, 0(t0)");
  ILLEGAL ("la t0, cell\n\tfsw fa0, 0(t0)");
  ILLEGAL ("la a0, cell\n\tc.fld fa0, 0(a0)");
  ILLEGAL ("la a0, cell\n\tc.fsd fa0, 0(a0)");
  ILLEGAL ("c.fldsp fa0, 0(sp)");
  ILLEGAL ("c.fsdsp fa0, 0(sp)");
  ILLEGAL ("csrr t0, fcsr");
  ILLEGAL ("csrr t0, frm");
  ILLEGAL ("csrr t0, fflags");
  ILLEGAL ("csrw fcsr, x0");
  CHECK_EQ (run_in (MODE_U, in_u, 0), CAUSE_ILLEGAL);
  /* with FS off the address is never looked at */
  ILLEGAL ("fld fa0, 0(x0)");
  CHECK_EQ (fs (), 0);
  CHECK_EQ (cell, 0x3ff0000000000000);

  DIRTIES ("fadd.d fa0, fa0, fa0");
  DIRTIES ("fmv.d.x fa0, x0");
  DIRTIES ("fmv.w.x fa0, x0");
  DIRTIES ("fcvt.d.w fa0, x0");
  DIRTIES ("la t0, cell\n\tfld fa0, 0(t0)");
  DIRTIES ("la t0, cell\n\tflw fa0, 0(t0)");
  DIRTIES ("c.fldsp fa0, 0(sp)");
  DIRTIES ("fsgnj.d fa0, fa0, fa0");
  DIRTIES ("fmin.s fa0, fa0, fa0");
  DIRTIES ("fmadd.d fa0, fa0, fa0, fa0");
  DIRTIES ("csrw fcsr, x0");
  DIRTIES ("csrw frm, x0");
  DIRTIES ("csrwi fflags, 3");
  CHECK_EQ (run_in (MODE_U, in_u, 0), NO_TRAP);
  CHECK_EQ (fs (), 3);
  /* a flag that is raised is a change, too: an inexact sum into the integer side */
  DIRTIES ("la t0, cell\n\tfld fa1, 0(t0)\n\tfcvt.w.d t0, fa1");

  /* stores and reads leave it as it was */
  set_fs (2);
  CHECK_EQ (TRAP_ASM ("la t0, cell\n\tfsd fa0, 0(t0)\n\tcsrr t0, fcsr"), NO_TRAP);
  CHECK_EQ (fs (), ON_QEMU72 ? fs () : 2);

  /* reserved modes in frm: every instruction that rounds is illegal, the others are not */
  set_fs (3);
  for (u64 rm = 5; rm < 8; rm++)
    {
      csr_write (frm, rm);
      note ("frm", rm, 0);
      ILLEGAL ("fadd.s fa0, fa0, fa0, dyn");
      ILLEGAL ("fsub.d fa0, fa0, fa0, dyn");
      ILLEGAL ("fdiv.d fa0, fa0, fa0, dyn");
      ILLEGAL ("fsqrt.s fa0, fa0, dyn");
      ILLEGAL ("fmadd.d fa0, fa0, fa0, fa0, dyn");
      ILLEGAL ("fcvt.w.s t0, fa0, dyn");
      ILLEGAL ("fcvt.s.d fa0, fa0, dyn");
      ILLEGAL ("fcvt.d.l fa0, t0, dyn");
      CHECK_EQ (TRAP_ASM ("fadd.s fa0, fa0, fa0, rtz"), NO_TRAP);
      CHECK_EQ (TRAP_ASM ("fsgnj.s fa0, fa0, fa0"), NO_TRAP);
      CHECK_EQ (TRAP_ASM ("fmax.d fa0, fa0, fa0"), NO_TRAP);
      CHECK_EQ (TRAP_ASM ("feq.d t0, fa0, fa0"), NO_TRAP);
      CHECK_EQ (TRAP_ASM ("fclass.d t0, fa0"), NO_TRAP);
    }
  csr_write (frm, 0);
  CHECK_EQ (TRAP_ASM ("fadd.s fa0, fa0, fa0, dyn"), NO_TRAP);
}
