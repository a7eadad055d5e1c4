/* SPDX-License-Identifier: BSD-2-Clause */
/* Two harts on one set of page tables: a mapping that one changes and the other fences for, and A
   and D bits that both set at once. */
#include "vm.h"

#define VA 0x50000000ul
#define PAGES 64
static u64 page[4][512] __attribute__ ((aligned (4096)));
static u64 many[PAGES][512] __attribute__ ((aligned (4096)));
static volatile u64 asked, answered, answer;
static u64 gate;

static void
meet (u64 n)
{
  __atomic_fetch_add (&gate, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n (&gate, __ATOMIC_SEQ_CST) < n)
    relax ();
}

static void
follower (u64 rounds)
{
  pmp_open ();
  vm_on ();
  while (answered < rounds)
    {
      while (asked == answered)
        relax ();
      fence ();
      asm volatile ("sfence.vma %0" ::"r"(VA) : "memory");
      u64 cause = vm_probe (MODE_S, probe_ld, VA, 0);
      answer = cause == NO_TRAP ? hart ()->ret : CAUSE_IRQ | cause;
      fence ();
      answered = asked;
    }
  csr_write (satp, 0);
}

static void
toucher (u64 stores)
{
  pmp_open ();
  csr_write (satp, vm_satp (0));
  sfence ();
  for (u64 round = 1; round <= 20; round++)
    {
      meet (4 * round - 2);
      sfence ();
      for (u64 i = 0; i < PAGES; i++)
        CHECK_EQ (vm_probe (MODE_S, stores ? probe_sd : probe_ld, VA + 4096 * (i + 1), i), NO_TRAP);
      meet (4 * round);
      if (!stores)
        for (u64 i = 0; i < PAGES; i++)
          {
            u64 *pte = vm_pte (VA + 4096 * (i + 1), 0);
            note ("round, page", round, i);
            CHECK_EQ (*pte, PTE (many[i], PTE_RWX));
            CHECK_EQ (many[i][0], i);
            *pte &= ~(PTE_A | PTE_D);
            many[i][0] = 99;
          }
    }
  csr_write (satp, 0);
}

void
test (void)
{
  pmp_open ();
  vm_init (4);
  for (u64 i = 0; i < 4; i++)
    page[i][0] = 100 + i;
  u64 *pte = vm_map (VA, (u64) page[0], PTE_RWX, 0);
  hart_start (1, follower, 300);
  for (u64 i = 1; i <= 300; i++)
    {
      *pte = i % 5 ? PTE (page[i & 3], i % 3 ? PTE_RWX : PTE_RW & ~PTE_A) : 0;
      fence ();
      asked = i;
      u64 end = now () + 10 * MTIME_HZ;
      while (answered != i && now () < end)
        relax ();
      fence ();
      note ("remapped", i, 0);
      CHECK_EQ (answer, i % 5 ? 100 + (i & 3) : (CAUSE_IRQ | CAUSE_LOAD_PAGE));
    }
  hart_wait (1);
  for (u64 i = 0; i < PAGES; i++)
    vm_map (VA + 4096 * (i + 1), (u64) many[i], PTE_RWX & ~(PTE_A | PTE_D), 0);
  hart_start (1, toucher, 1);
  toucher (0);
  hart_wait (1);
}
