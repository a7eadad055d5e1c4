/* SPDX-License-Identifier: BSD-2-Clause */
/* Random values into every CSR by every instruction, from M, S and U; what would only lock this
   program itself out is left alone. */
#include "bare.h"

static u32 code[4] __attribute__ ((aligned (16)));

static u64
run (u64 v)
{
  u64 out;
  asm volatile ("mv a1, %1\n\tjalr ra, %2\n\tmv %0, a0"
                : "=r"(out)
                : "r"(v), "r"(code)
                : "a0", "a1", "ra", "memory");
  return out;
}

static u64
trapping (u64 v)
{
  trap_arm ();
  run (v);
  return trap_cause ();
}

void
test (void)
{
  struct hart *h = hart ();
  pmp_open ();
  code[1] = 0x8067;
  for (unsigned i = 0; i < 40000; i++)
    {
      u32 csr = (u32) (i < 4096 * 3 ? i % 4096 : rnd () >> 8 & 4095), f3;
      int mode = i % 3 == 2 ? MODE_M : (int) (i % 3);
      u64 v = rnd ();
      if (rnd () >> 8 & 1)
        v &= rnd () & rnd ();
      do
        f3 = (u32) (rnd () >> 8 & 7);
      while (!(f3 & 3));
      if (mode == MODE_M)
        {
          /* its own traps, its own memory, debug triggers, C switched off */
          if (csr == 0x305 || csr == 0x340 || csr == 0x301 || (csr >= 0x3a0 && csr < 0x3f0)
              || (csr >= 0x7a0 && csr < 0x7b0) || csr == 0x747 || csr == 0x757)
            continue;
          if (csr == 0x300)
            v &= ~(MSTATUS_MPRV | 1ul << 37 | 1ul << 36);
        }
      else if (csr == 0x105 || csr == 0x140)
        continue;
      if (csr == 0x180)
        v &= (1ul << 60) - 1; /* no paging: the program is not mapped */
      code[0] = csr << 20 | 11 << 15 | f3 << 12 | 10 << 7 | 0x73;
      fence_i ();
      note ("csr, value", csr, v);
      u64 cause;
      if (mode == MODE_M)
        cause = trapping (v);
      else
        {
          csr_write (satp, 0);
          csr_write (medeleg, 0);
          csr_write (mideleg, 0);
          csr_write (mie, 0);
          csr_clear (mstatus, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR | MSTATUS_MPRV);
          cause = run_in (mode, trapping, v);
        }
      csr_write (mie, 0);
      csr_clear (mstatus, MSTATUS_MIE);
      if (cause != NO_TRAP)
        CHECK_EQ (cause, CAUSE_ILLEGAL);
    }
  csr_write (satp, 0);
  csr_write (medeleg, 0);
  csr_write (mideleg, 0);
  csr_clear (mstatus, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR | MSTATUS_MPRV);
  h->irq_fn = 0;
  CHECK_EQ (TRAP_ASM ("ecall"), CAUSE_ECALL_M);
}
