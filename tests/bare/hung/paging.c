/* SPDX-License-Identifier: BSD-2-Clause */
/* The same in S mode under paging, the vector on a page that is not mapped. */
#include "vm.h"

void
test (void)
{
  print ("ready\n");
  pmp_open ();
  csr_write (medeleg, 0xb1ff);
  csr_write (stvec, 0x7000000000);
  vm_init (3);
  vm_on ();
  probe (MODE_S, PROBE_S, 0x50000000, 0);
  fatal ("it ended");
}
