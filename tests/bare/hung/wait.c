/* SPDX-License-Identifier: BSD-2-Clause */
/* A hart that waits for an interrupt that no one has enabled. */
#include "vm.h"

void
test (void)
{
  print ("ready\n");
  for (;;)
    asm volatile ("wfi");
  fatal ("it ended");
}
