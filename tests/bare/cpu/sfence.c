/* SPDX-License-Identifier: BSD-2-Clause */
/* Caches of translations: what fences of every granularity must let through, address spaces,
   global pages, and satp switched back and forth. */
#include "vm.h"

static u64 page[4][512] __attribute__ ((aligned (4096)));
static u64 root[2][512] __attribute__ ((aligned (4096)));
#define VA 0x50000000ul

static u64
load (u64 va)
{
  u64 cause = vm_probe (MODE_S, probe_ld, va, 0);
  return cause == NO_TRAP ? hart ()->ret : CAUSE_IRQ | cause;
}

void
test (void)
{
  u64 i;
  pmp_open ();
  for (i = 0; i < 4; i++)
    page[i][0] = 100 + i;
  vm_init (3);
  u64 *a = vm_map (VA, (u64) page[0], PTE_RWX, 0);
  u64 *b = vm_map (VA + 4096, (u64) page[1], PTE_RWX, 0);
  vm_on ();
  /* all; by address; by address space; by both; each after the entry was used */
  for (i = 0; i < 40; i++)
    {
      note ("round", i, 0);
      CHECK_EQ (load (VA), 100 + (i & 3));
      CHECK_EQ (load (VA + 4096), 101);
      *a = PTE (page[(i + 1) & 3], PTE_RWX);
      switch (i % 4)
        {
        case 0:
          asm volatile ("sfence.vma" ::: "memory");
          break;
        case 1:
          asm volatile ("sfence.vma %0" ::"r"(VA + 0x123) : "memory");
          break;
        case 2:
          asm volatile ("sfence.vma x0, %0" ::"r"(0ul) : "memory");
          break;
        default:
          asm volatile ("sfence.vma %0, %1" ::"r"(VA), "r"(0ul) : "memory");
        }
    }
  /* Svinval says the same in three parts */
  for (i = 0; i < 8; i++)
    {
      *a = PTE (page[i & 3], PTE_RWX);
      asm volatile (".option push\n.option arch, +svinval\nsfence.w.inval\n\tsinval.vma %0, x0\n\t"
                    "sfence.inval.ir\n.option pop" ::"r"(VA)
                    : "memory");
      note ("svinval", i, 0);
      CHECK_EQ (load (VA), 100 + (i & 3));
    }
  /* permission taken away, a page removed, a page split */
  *a = PTE (page[0], PTE_V | PTE_R | PTE_A | PTE_D);
  sfence ();
  CHECK_EQ (vm_probe (MODE_S, probe_sd, VA, 100), CAUSE_STORE_PAGE);
  *a = PTE (page[0], PTE_RW);
  sfence ();
  CHECK_EQ (vm_probe (MODE_S, probe_sd, VA, 100), NO_TRAP);
  *a = 0;
  sfence ();
  CHECK_EQ (load (VA), CAUSE_IRQ | CAUSE_LOAD_PAGE);
  *a = PTE (page[2], PTE_RW);
  sfence ();
  CHECK_EQ (load (VA), 102);
  *b = 0;
  sfence ();
  CHECK_EQ (load (VA + 4096), CAUSE_IRQ | CAUSE_LOAD_PAGE);
  /* one address inside a superpage fences all of it */
  u64 *big = vm_map (0x80000000, 0x80000000, PTE_RWX, 2);
  sfence ();
  CHECK_EQ (load ((u64) page[3]), 103);
  CHECK_EQ (load ((u64) page[1]), 101);
  *big = 0;
  asm volatile ("sfence.vma %0" ::"r"(0x87654321ul) : "memory");
  CHECK_EQ (load ((u64) page[3]), CAUSE_IRQ | CAUSE_LOAD_PAGE);
  CHECK_EQ (load ((u64) page[1]), CAUSE_IRQ | CAUSE_LOAD_PAGE);

  /* two address spaces that differ in one gigapage's worth of entries, and share the rest */
  u64 satp = vm_satp (0);
  const u64 *own = (u64 *) ((satp & 0xfffffffffff) << 12);
  for (i = 0; i < 2; i++)
    {
      memcpy (root[i], own, 4096);
      u64 *mid = vm_page (), *low = vm_page ();
      mid[0] = PTE (low, PTE_V);
      low[0] = PTE (page[i], PTE_RWX);
      low[1] = PTE (page[2], PTE_RWX | PTE_G);
      root[i][2] = PTE (mid, PTE_V);
    }
  for (int asids = 0; asids < 2; asids++)
    for (i = 0; i < 40; i++)
      {
        u64 n = i & 1;
        csr_write (satp, 8ul << 60 | (asids ? n + 1 : 0) << 44 | (u64) root[n] >> 12);
        if (!asids)
          sfence ();
        note ("space", n, (u64) asids);
        CHECK_EQ (load (0x80000000), 100 + n);
        CHECK_EQ (load (0x80001000), 102);
      }
  /* an identifier given to another table needs a fence of its own only */
  csr_write (satp, 8ul << 60 | 1ul << 44 | (u64) root[1] >> 12);
  asm volatile ("sfence.vma x0, %0" ::"r"(1ul) : "memory");
  CHECK_EQ (load (0x80000000), 101);
  csr_write (satp, 8ul << 60 | 2ul << 44 | (u64) root[0] >> 12);
  asm volatile ("sfence.vma x0, %0" ::"r"(2ul) : "memory");
  CHECK_EQ (load (0x80000000), 100);
  /* bare and back, no fence between: translation follows satp at once */
  for (i = 0; i < 20; i++)
    {
      csr_write (satp, 8ul << 60 | 1ul << 44 | (u64) root[1] >> 12);
      CHECK_EQ (load (0x80000000), 101);
      csr_write (satp, 0);
      CHECK_EQ (probe (MODE_S, (u64) probe_ld, (u64) page[3], 0), NO_TRAP);
      CHECK_EQ (hart ()->ret, 103);
    }
  vm_off ();
}
