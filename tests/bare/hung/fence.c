/* SPDX-License-Identifier: BSD-2-Clause */
/* fence.i and sfence.vma as fast as they go. */
#include "vm.h"

void
test (void)
{
  print ("ready\n");
  for (;;)
    asm volatile ("fence.i\n\tsfence.vma\n\tfence" ::: "memory");
  fatal ("it ended");
}
