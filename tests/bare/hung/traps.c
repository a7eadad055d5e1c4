/* SPDX-License-Identifier: BSD-2-Clause */
/* A trap vector where nothing is: traps without end, no instruction ever retires. */
#include "vm.h"

void
test (void)
{
  print ("ready\n");
  csr_write (mtvec, 0x40);
  asm volatile (".4byte 0xffffffff");
  fatal ("it ended");
}
