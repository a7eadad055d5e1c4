/* SPDX-License-Identifier: BSD-2-Clause */
/* Two harts that hammer the same lock and each other's interrupt. */
#include "vm.h"

static u64 lock_word;

static void
nothing (u64 cause)
{
}

static void
hammer (u64 me)
{
  hart ()->irq_fn = nothing;
  csr_write (mie, 8);
  csr_set (mstatus, MSTATUS_MIE);
  for (;;)
    {
      asm volatile ("1: amoswap.d t0, %1, (%0)\n\tbnez t0, 1b\n\tsd x0, (%0)" ::"r"(&lock_word),
                    "r"(1ul)
                    : "t0", "memory");
      wr32 (MSIP (!me), 1);
      wr32 (MSIP (me), 0);
    }
}

void
test (void)
{
  print ("ready\n");
  hart_start (1, hammer, 1);
  hammer (0);
  fatal ("it ended");
}
