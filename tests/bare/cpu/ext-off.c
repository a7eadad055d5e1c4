/* SPDX-License-Identifier: BSD-2-Clause */
/* Run with every extension off that can be without stopping the runtime: their encodings are
   illegal, their CSRs and bits are not there, and what shares an opcode with them still works. */
#include "vm.h"

asm (".option arch, +zba, +zbb, +zbc, +zbs, +zicbom, +zicboz, +svinval, +f, +d");
u64 cell[8] __attribute__ ((aligned (64)));

#define ILLEGAL(text)                                                                             \
  do                                                                                              \
    {                                                                                             \
      note (text, 0, 0);                                                                          \
      CHECK_EQ (TRAP_ASM (text), CAUSE_ILLEGAL);                                                  \
    }                                                                                             \
  while (0)

static u64
s_time (u64 arg)
{
  return TRAP (csr_read (stimecmp));
}

void
test (void)
{
  pmp_open ();
  csr_set (mstatus, MSTATUS_FS);
  ILLEGAL ("sh1add t0, t0, t0");
  ILLEGAL ("sh3add.uw t0, t0, t0");
  ILLEGAL ("add.uw t0, t0, t0");
  ILLEGAL ("slli.uw t0, t0, 3");
  ILLEGAL ("andn t0, t0, t0");
  ILLEGAL ("clz t0, t0");
  ILLEGAL ("ctzw t0, t0");
  ILLEGAL ("cpop t0, t0");
  ILLEGAL ("sext.b t0, t0");
  ILLEGAL ("zext.h t0, t0");
  ILLEGAL ("orc.b t0, t0");
  ILLEGAL ("rev8 t0, t0");
  ILLEGAL ("max t0, t0, t0");
  ILLEGAL ("ror t0, t0, t0");
  ILLEGAL ("rori t0, t0, 3");
  ILLEGAL ("roriw t0, t0, 3");
  ILLEGAL ("clmul t0, t0, t0");
  ILLEGAL ("clmulr t0, t0, t0");
  ILLEGAL ("bset t0, t0, t0");
  ILLEGAL ("bexti t0, t0, 3");
  ILLEGAL ("binvi t0, t0, 63");
  ILLEGAL ("la t0, cell\n\tcbo.zero (t0)");
  ILLEGAL ("la t0, cell\n\tcbo.inval (t0)");
  ILLEGAL ("la t0, cell\n\tcbo.flush (t0)");
  ILLEGAL ("sinval.vma x0, x0");
  ILLEGAL ("sfence.w.inval");
  ILLEGAL ("csrr t0, stimecmp");
  CHECK_EQ (run_in (MODE_S, s_time, 0), CAUSE_ILLEGAL);
  /* D and F, with all that moves them */
  ILLEGAL ("fadd.d fa0, fa0, fa0");
  ILLEGAL ("fadd.s fa0, fa0, fa0");
  ILLEGAL ("fmadd.d fa0, fa0, fa0, fa0");
  ILLEGAL ("la t0, cell\n\tfld fa0, 0(t0)");
  ILLEGAL ("la t0, cell\n\tfsw fa0, 0(t0)");
  ILLEGAL ("c.fldsp fa0, 0(sp)");
  ILLEGAL ("la a0, cell\n\tc.fsd fa0, 0(a0)");
  ILLEGAL ("fmv.x.d t0, fa0");
  ILLEGAL ("csrr t0, fcsr");
  ILLEGAL ("csrw frm, x0");
  CHECK_EQ (csr_read (misa) & (1ul << 3 | 1ul << 5), 0);
  /* menvcfg keeps nothing for what is not there */
  csr_write (menvcfg, -1ul);
  CHECK_EQ (csr_read (menvcfg) & (1ul << 63 | 0xf0), 0);
  CHECK_EQ (cell[0], 0);
  /* the neighbours in the same opcodes */
  CHECK_EQ (TRAP_ASM ("slli t0, t0, 3\n\tsrai t0, t0, 63\n\tsub t0, t0, t0\n\tsraw t0, t0, t0\n\t"
                      "mulhsu t0, t0, t0\n\tsfence.vma\n\tfence\n\tfence.i"),
            NO_TRAP);
}
