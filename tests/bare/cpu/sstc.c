/* SPDX-License-Identifier: BSD-2-Clause */
/* Sstc: stimecmp raises STIP by itself once menvcfg.STCE is set, and who may touch it. */
#include "bare.h"

#define STCE (1ul << 63)
#define STIP 0x20ul

static u64
set_it (u64 v)
{
  return TRAP (csr_write (stimecmp, v));
}

static u64
get_it (u64 v)
{
  return TRAP (csr_read (stimecmp));
}

static void
on_timer (u64 cause)
{
  csr_write (stimecmp, -1ul);
  while (csr_read (sip) & STIP)
    ;
}

static u64
wait_one (u64 ticks)
{
  csr_set (sstatus, MSTATUS_SIE);
  csr_set (sie, STIP);
  csr_write (stimecmp, csr_read (time) + ticks);
  return WAIT_FOR (*(volatile u64 *) &hart ()->irqs);
}

void
test (void)
{
  struct hart *h = hart ();
  pmp_open ();
  csr_write (stimecmp, -1ul);
  /* off: S has no stimecmp, STIP is M's to write */
  csr_write (menvcfg, 0);
  csr_write (mcounteren, 7);
  CHECK_EQ (run_in (MODE_S, get_it, 0), CAUSE_ILLEGAL);
  CHECK_EQ (run_in (MODE_S, set_it, 0), CAUSE_ILLEGAL);
  CHECK_EQ (run_in (MODE_U, get_it, 0), CAUSE_ILLEGAL);
  CHECK_EQ (get_it (0), NO_TRAP);
  csr_set (mip, STIP);
  CHECK_SOON (csr_read (mip) & STIP, STIP);
  csr_clear (mip, STIP);
  CHECK_SOON (csr_read (mip) & STIP, 0);

  /* on: S may, where mcounteren lets it see time; U never */
  csr_write (menvcfg, STCE);
  CHECK_EQ (csr_read (menvcfg), STCE);
  CHECK_EQ (run_in (MODE_S, set_it, -1ul), NO_TRAP);
  CHECK_EQ (run_in (MODE_S, get_it, 0), NO_TRAP);
  CHECK_EQ (run_in (MODE_U, get_it, 0), CAUSE_ILLEGAL);
  csr_write (mcounteren, 5);
  CHECK_EQ (run_in (MODE_S, get_it, 0), CAUSE_ILLEGAL);
  CHECK_EQ (run_in (MODE_S, set_it, 0), CAUSE_ILLEGAL);
  csr_write (mcounteren, 7);
  CHECK_EQ (csr_read (stimecmp), -1ul);

  /* STIP is a comparison now */
  csr_write (stimecmp, 0);
  CHECK_EQ (WAIT_FOR (csr_read (mip) & STIP), 1);
  CHECK_SOON (csr_read (sip) & STIP, 0); /* not delegated yet */
  csr_write (mideleg, STIP);
  CHECK_SOON (csr_read (sip) & STIP, STIP);
  if (!ON_QEMU72) /* which lets a write through */
    {
      csr_clear (mip, STIP);
      CHECK_SOON (csr_read (mip) & STIP, STIP);
    }
  csr_write (stimecmp, -1ul);
  CHECK_SOON (csr_read (mip) & STIP, 0);
  u64 start = csr_read (time);
  csr_write (stimecmp, start + 10000);
  CHECK_SOON (csr_read (mip) & STIP, 0);
  CHECK_EQ (WAIT_FOR (csr_read (mip) & STIP), 1);
  CHECK (csr_read (time) >= start + 10000);
  csr_write (stimecmp, -1ul);

  /* as an interrupt, in S */
  h->irq_fn = on_timer;
  csr_write (mie, STIP);
  for (int i = 0; i < 20; i++)
    {
      CHECK_EQ (run_in (MODE_S, wait_one, 2000), 1);
      CHECK_EQ (h->irqs, 1);
      CHECK_EQ (h->irq_cause, CAUSE_IRQ | 5);
      CHECK_EQ (h->irq_mode, MODE_S);
      h->irqs = 0;
      CHECK_SOON (csr_read (mip) & STIP, 0);
    }
  csr_write (mie, 0);
  /* it ends a wfi */
  csr_clear (mstatus, MSTATUS_SIE);
  csr_write (mie, STIP);
  csr_write (stimecmp, csr_read (time) + 20000);
  while (!(csr_read (mip) & STIP))
    asm volatile ("wfi");
  CHECK_EQ (h->irqs, 0);
  csr_write (stimecmp, -1ul);
}
