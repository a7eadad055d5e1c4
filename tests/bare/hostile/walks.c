/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables that lie in devices, in ROM, nowhere, or in themselves; pages that are devices; code
   fetched from all of them; accesses over the border between memory and what is none. */
#include "vm.h"

static const u64 places[] = {
  0,          0x1000,        FINISHER,   RTC,         ACLINT,      ACLINT + 0xb000, PLIC,
  PLIC + 0x2000, PLIC + 0x200000, UART,  FW_CFG,      FLASH0,      FLASH1,          0x24000000,
  0x88000000, 0x800000000,   1ul << 40,  (1ul << 56) - 4096, 0x87fff000, 0x10001000,
};
static void (*const probes[]) (void) = { probe_ld, probe_lw, probe_lb,   probe_sw, probe_sb,
                                         probe_lr, probe_sc, probe_amo,  probe_exec, probe_sd };

/* Stores to the finisher would end the run; loads may go anywhere. */
static int
loads (void (*fn) (void))
{
  return fn == probe_ld || fn == probe_lw || fn == probe_lb || fn == probe_lr || fn == probe_exec;
}

static void
alive (u64 cause)
{
  CHECK (cause == NO_TRAP || cause == CAUSE_ILLEGAL || cause == CAUSE_BREAKPOINT
         || (cause >= CAUSE_FETCH_ACCESS && cause <= CAUSE_STORE_PAGE));
}

void
test (void)
{
  struct hart *h = hart ();
  pmp_open ();
  for (int levels = 3; levels <= 5; levels++)
    {
      /* a root anywhere */
      for (unsigned i = 0; i < sizeof places / 8; i++)
        for (unsigned k = 0; k < 10; k++)
          {
            note ("root at", places[i], k);
            csr_write (satp, (u64) (levels + 5) << 60 | places[i] >> 12);
            sfence ();
            alive (probe (MODE_S, PROBE_S, 0x50000000, 0));
            csr_write (satp, 0);
          }
      /* a table, then a page, anywhere */
      for (unsigned i = 0; i < sizeof places / 8; i++)
        for (unsigned k = 0; k < 10; k++)
          for (int level = 0; level < 2; level++)
            {
              if (places[i] == FINISHER && !loads (probes[k]))
                continue;
              vm_init (levels);
              *vm_pte (0x60000000, level)
                  = PTE (places[i], level ? PTE_V : PTE_V | PTE_R | PTE_W | PTE_X);
              vm_on ();
              note (level ? "table at" : "page at", places[i], k);
              /* runaway code on such a page ends with a timer interrupt */
              h->escape_irq = 1;
              MMIO (u64, MTIMECMP (0)) = now () + 20000;
              csr_write (mie, 0x80);
              u64 cause = vm_probe (MODE_S, probes[k], 0x60000000 + 8 * (rnd () >> 8 & 511), 8);
              csr_write (mie, 0);
              h->escape_irq = 0;
              MMIO (u64, MTIMECMP (0)) = -1ul;
              if (!(cause & CAUSE_IRQ))
                alive (cause);
              vm_off ();
            }
      uart_setup ();
      /* a table that is its own child, at every level */
      vm_init (levels);
      u64 *self = vm_page ();
      for (int i = 0; i < 512; i++)
        self[i] = PTE (self, PTE_V);
      csr_write (satp, (u64) (levels + 5) << 60 | (u64) self >> 12);
      sfence ();
      CHECK_EQ (probe (MODE_S, PROBE_S, 0, 0), CAUSE_FETCH_PAGE);
      csr_write (satp, 0);
      /* random entries */
      for (int round = 0; round < 2000; round++)
        {
          if (round % 40 == 0)
            vm_init (levels);
          int level = (int) (rnd () >> 8 & 1);
          *vm_pte (0x70000000, level) = rnd () >> (rnd () >> 8 & 15) & ~(rnd () >> 9);
          vm_on ();
          note ("random entry", (u64) round, *vm_pte (0x70000000, level));
          if (!(*vm_pte (0x70000000, level) >> 10 << 12 >= RAM
                && *vm_pte (0x70000000, level) >> 10 << 12 < RAM + 0x8000000))
            alive (vm_probe (MODE_S, probe_ld, 0x70000000 + (rnd () >> 8 & 0x1fffff), 0));
          vm_off ();
          *vm_pte (0x70000000, 1) = 0;
        }
    }
  uart_setup ();
  print ("\n");
  /* over the end of RAM, and over every border of a device, bare */
  static const u64 borders[] = { 0x88000000, 0x80000000, FLASH0, FLASH1, FLASH1 + 0x2000000,
                                 UART + 0x100, ACLINT + 0x10000, 0x10000 };
  for (unsigned i = 0; i < sizeof borders / 8; i++)
    for (u64 by = 1; by < 8; by++)
      for (unsigned k = 0; k < 10; k++)
        if (probes[k] != probe_exec && loads (probes[k]))
          {
            note ("border", borders[i], by);
            alive (probe (MODE_S, (u64) probes[k], borders[i] - by, 0));
          }
}
