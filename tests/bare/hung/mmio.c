/* SPDX-License-Identifier: BSD-2-Clause */
/* A device read in a loop: the machine lock is taken and given back without end. */
#include "vm.h"

void
test (void)
{
  print ("ready\n");
  for (;;)
    rd32 (PLIC + 0x1000);
  fatal ("it ended");
}
