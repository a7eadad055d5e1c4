/* SPDX-License-Identifier: BSD-2-Clause */
/* Run with mmu=sv39, svadu=off and pmp=off: the larger modes are refused, a page without A or D
   faults and is left as it is, and there is no PMP to ask. */
#include "vm.h"

static u64 page[512] __attribute__ ((aligned (4096)));
#define VA 0x50000000ul

void
test (void)
{
  /* no PMP: S and U reach all of memory as they are */
  CHECK_EQ (probe (MODE_S, (u64) probe_ld, (u64) page, 0), NO_TRAP);
  CHECK_EQ (probe (MODE_U, (u64) probe_sd, (u64) page, 0), NO_TRAP);
  csr_write (satp, 8ul << 60 | 5);
  CHECK_EQ (csr_read (satp), 8ul << 60 | 5);
  csr_write (satp, 9ul << 60);
  CHECK_EQ (csr_read (satp), 8ul << 60 | 5);
  csr_write (satp, 10ul << 60);
  CHECK_EQ (csr_read (satp), 8ul << 60 | 5);
  csr_write (satp, 0);

  vm_init (3);
  const u64 base = PTE (page, PTE_V | PTE_R | PTE_W | PTE_X);
  u64 *pte = vm_map (VA, (u64) page, 0, 0);
  memcpy (page, (void *) probe_target, 16);
  fence_i ();
  vm_on ();
  for (u64 bits = 0; bits < 4; bits++)
    {
      u64 ad = (bits & 1 ? PTE_A : 0) | (bits & 2 ? PTE_D : 0);
      *pte = base | ad;
      sfence ();
      note ("a and d", ad, 0);
      CHECK_EQ (vm_probe (MODE_S, probe_ld, VA + 64, 0), ad & PTE_A ? NO_TRAP : CAUSE_LOAD_PAGE);
      CHECK_EQ (vm_probe (MODE_S, probe_exec, VA, 0), ad & PTE_A ? NO_TRAP : CAUSE_FETCH_PAGE);
      CHECK_EQ (vm_probe (MODE_S, probe_sd, VA + 64, 0),
                ad == (PTE_A | PTE_D) ? NO_TRAP : CAUSE_STORE_PAGE);
      CHECK_EQ (vm_probe (MODE_S, probe_amo, VA + 64, 0),
                ad == (PTE_A | PTE_D) ? NO_TRAP : CAUSE_STORE_PAGE);
      CHECK_EQ (*pte, base | ad);
    }
  vm_off ();
}
