/* SPDX-License-Identifier: BSD-2-Clause */
/* A hart that traps for ever because its trap vector is nowhere; the other one goes on working and
   ends the run. */
#include "vm.h"

static volatile u64 gone;

static u64
s_loops (u64 arg)
{
  gone = 1;
  asm volatile (".4byte 0xffffffff");
  return 0;
}

static void
loops (u64 how)
{
  pmp_open ();
  if (how)
    {
      /* in S: everything delegated, stvec where nothing is mapped */
      csr_write (medeleg, 0xb1ff);
      csr_write (stvec, 0x40);
      run_in (MODE_S, s_loops, 0);
    }
  else
    {
      csr_write (mtvec, 0x40);
      gone = 1;
      asm volatile (".4byte 0xffffffff");
    }
}

void
test (void)
{
  u64 last = 0;
  for (u64 how = 0; how < 2; how++)
    {
      gone = 0;
      hart_start ((unsigned) how + 1, loops, how);
      CHECK_EQ (WAIT_FOR (gone), 1);
      for (int i = 0; i < 20; i++)
        {
          u64 t = now ();
          CHECK (t > last);
          last = t;
          CHECK_EQ (WAIT_FOR (now () > t + 10000), 1);
        }
    }
}
