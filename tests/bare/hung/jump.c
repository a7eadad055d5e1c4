/* SPDX-License-Identifier: BSD-2-Clause */
/* A jump to itself, one instruction, interrupts off. */
#include "vm.h"

void
test (void)
{
  print ("ready\n");
  asm volatile ("1: j 1b");
  fatal ("it ended");
}
