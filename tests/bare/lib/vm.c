/* SPDX-License-Identifier: BSD-2-Clause */
/* Owns page tables for the tests of address translation.  Must not know what a test maps. */
#include "vm.h"

#define POOL 192
static u64 pool[POOL][512] __attribute__ ((aligned (4096)));
static unsigned used;
static int levels;
static u64 *root;

u64 *
vm_page (void)
{
  if (used == POOL)
    fatal ("page pool is empty");
  memset (pool[used], 0, 4096);
  return pool[used++];
}

void
vm_init (int n)
{
  csr_write (satp, 0);
  sfence ();
  used = 0;
  levels = n;
  root = vm_page ();
  vm_map (PROBE_S, (u64) probe_page, PTE_V | PTE_R | PTE_X | PTE_A, 0);
  vm_map (PROBE_U, (u64) probe_page, PTE_V | PTE_R | PTE_X | PTE_A | PTE_U, 0);
}

u64 *
vm_pte (u64 va, int level)
{
  u64 *table = root;
  for (int l = levels - 1;; l--)
    {
      u64 *pte = &table[(va >> (12 + 9 * l)) & 511];
      if (l == level)
        return pte;
      if (!(*pte & PTE_V))
        *pte = PTE (vm_page (), PTE_V);
      table = (u64 *) ((*pte >> 10) << 12);
    }
}

u64 *
vm_map (u64 va, u64 pa, u64 flags, int level)
{
  u64 *pte = vm_pte (va, level);
  *pte = PTE (pa, flags);
  return pte;
}

u64
vm_satp (u64 asid)
{
  return (u64) (levels + 5) << 60 | asid << 44 | (u64) root >> 12;
}

void
vm_on (void)
{
  csr_write (satp, vm_satp (0));
  sfence ();
}

void
vm_off (void)
{
  csr_write (satp, 0);
  sfence ();
}

u64
vm_probe (int mode, void (*fn) (void), u64 addr, u64 datum)
{
  return probe (mode, probe_at (mode == MODE_U ? PROBE_U : PROBE_S, fn), addr, datum);
}
