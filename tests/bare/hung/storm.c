/* SPDX-License-Identifier: BSD-2-Clause */
/* An interrupt that is never lowered, taken again after every mret. */
#include "vm.h"

static void
nothing (u64 cause)
{
}

void
test (void)
{
  print ("ready\n");
  hart ()->irq_fn = nothing;
  wr32 (MSIP (0), 1);
  csr_write (mie, 8);
  csr_set (mstatus, MSTATUS_MIE);
  for (;;)
    ;
  fatal ("it ended");
}
