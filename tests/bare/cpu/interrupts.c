/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts as a hart takes them: when the enables allow, in which mode, delegated or not, at
   which instruction, by whom they are lowered; and WFI. */
#include "bare.h"

#define M_SOFT 3
#define M_TIMER 7
#define SSIP 2ul
#define STIP 0x20ul
#define SEIP 0x200ul
static volatile u64 *const mtimecmp = (u64 *) MTIMECMP (0);

static void
lower_source (u64 cause)
{
  switch (cause & 63)
    {
    case M_SOFT:
      wr32 (MSIP (0), 0);
      WAIT_FOR (!(csr_read (mip) & 8));
      break;
    case M_TIMER:
      *mtimecmp = -1ul;
      WAIT_FOR (!(csr_read (mip) & 0x80));
      break;
    case 1:
      csr_clear (sip, SSIP);
      break;
    default:
      fatal ("an interrupt nobody raised");
    }
}

static u64
taken (void)
{
  u64 n = hart ()->irqs;
  hart ()->irqs = 0;
  return n;
}

static u64
spin (u64 n)
{
  for (u64 i = 0; i < n; i++)
    asm volatile ("");
  return hart ()->irqs;
}

static u64
wait_one (u64 arg)
{
  return WAIT_FOR (*(volatile u64 *) &hart ()->irqs);
}

static u64
s_soft (u64 enable)
{
  if (enable)
    csr_set (sstatus, MSTATUS_SIE);
  else
    csr_clear (sstatus, MSTATUS_SIE);
  csr_set (sip, SSIP);
  spin (10);
  u64 n = hart ()->irqs;
  csr_clear (sip, SSIP);
  return n;
}

static u64
do_wfi (u64 arg)
{
  asm volatile ("wfi");
  return 1;
}

static void
machine_level (void)
{
  struct hart *h = hart ();
  note ("software", 0, 0);
  wr32 (MSIP (0), 1);
  CHECK_SOON (csr_read (mip) & 0x88, 0x08);
  CHECK_EQ (rd32 (MSIP (0)), 1);
  /* neither enable alone is enough */
  csr_write (mie, 8);
  spin (10);
  CHECK_EQ (taken (), 0);
  csr_write (mie, 0);
  csr_set (mstatus, MSTATUS_MIE);
  spin (10);
  CHECK_EQ (taken (), 0);
  /* the interrupt comes right after the enable: the next instruction is not run */
  u64 marker = 0, pc, here;
  csr_clear (mstatus, MSTATUS_MIE);
  csr_write (mie, 8);
  asm volatile ("la %1, 1f\n\tcsrsi mstatus, 8\n1: li %0, 1\n\tcsrr %2, mepc"
                : "=&r"(marker), "=&r"(here), "=r"(pc)::"memory");
  CHECK_EQ (taken (), 1);
  CHECK_EQ (pc, here);
  CHECK_EQ (marker, 1);
  CHECK_EQ (h->irq_cause, CAUSE_IRQ | M_SOFT);
  CHECK_EQ (rd32 (MSIP (0)), 0);
  CHECK_SOON (csr_read (mip) & 8, 0);
  /* by mret, and by opening mie under an open mstatus */
  wr32 (MSIP (0), 1);
  CHECK_EQ (WAIT_FOR (*(volatile u64 *) &h->irqs), 1);
  CHECK_EQ (taken (), 1);
  csr_write (mie, 0);
  wr32 (MSIP (0), 1);
  spin (10);
  CHECK_EQ (taken (), 0);
  csr_write (mie, 8);
  CHECK_EQ (taken (), 1);

  note ("timer", 0, 0);
  csr_write (mie, 0x80);
  u64 start = now ();
  *mtimecmp = start + 5000;
  CHECK_EQ (WAIT_FOR (*(volatile u64 *) &h->irqs), 1);
  CHECK (now () >= start + 5000);
  CHECK_EQ (taken (), 1);
  CHECK_EQ (h->irq_cause, CAUSE_IRQ | M_TIMER);
  CHECK_SOON (csr_read (mip) & 0x80, 0);
  *mtimecmp = 0;
  CHECK_EQ (WAIT_FOR (*(volatile u64 *) &h->irqs), 1);
  CHECK_EQ (taken (), 1);
  /* pending without being taken, then withdrawn */
  csr_write (mie, 0);
  *mtimecmp = 0;
  CHECK_SOON (csr_read (mip) & 0x80, 0x80);
  *mtimecmp = -1ul;
  CHECK_SOON (csr_read (mip) & 0x80, 0);
  /* mip's own bits for S cannot be raised for M by writing */
  csr_set (mip, 0x888);
  CHECK_SOON (csr_read (mip) & 0x888, 0);
  csr_clear (mstatus, MSTATUS_MIE);

  /* a lower mode is interrupted whatever MIE says */
  note ("from lower modes", 0, 0);
  for (int mode = MODE_U; mode <= MODE_S; mode++)
    {
      csr_clear (mstatus, MSTATUS_MIE | MSTATUS_MPIE);
      csr_write (mie, 0x80);
      *mtimecmp = now () + 3000;
      CHECK_EQ (run_in (mode, wait_one, 0), 1);
      CHECK_EQ (h->irq_mode, MODE_M);
      CHECK_EQ (taken (), 1);
      csr_write (mie, 0);
    }
}

static void
supervisor_level (void)
{
  struct hart *h = hart ();
  note ("delegated", 0, 0);
  csr_write (mideleg, SSIP | STIP | SEIP);
  csr_write (mie, SSIP);
  CHECK_EQ (run_in (MODE_S, s_soft, 0), 0);
  CHECK_EQ (run_in (MODE_S, s_soft, 1), 1);
  CHECK_EQ (h->irq_mode, MODE_S);
  CHECK_EQ (h->irq_cause, CAUSE_IRQ | 1);
  taken ();
  /* in U whatever SIE says; in M never */
  csr_clear (mstatus, MSTATUS_SIE);
  csr_set (mip, SSIP);
  CHECK_EQ (run_in (MODE_U, spin, 10), 1);
  CHECK_EQ (h->irq_mode, MODE_S);
  taken ();
  csr_set (mip, SSIP);
  csr_set (mstatus, MSTATUS_MIE | MSTATUS_SIE);
  spin (10);
  CHECK_EQ (taken (), 0);
  csr_clear (mip, SSIP);
  csr_clear (mstatus, MSTATUS_MIE);
  /* not delegated: M's, even if S was interrupted */
  csr_write (mideleg, 0);
  csr_set (mip, SSIP);
  note ("not delegated", 0, 0);
  h->irq_fn = 0; /* the runtime masks it */
  CHECK_EQ (run_in (MODE_S, spin, 10), 1);
  CHECK_EQ (h->irq_mode, MODE_M);
  CHECK_EQ (h->irq_cause, CAUSE_IRQ | 1);
  taken ();
  h->irq_fn = lower_source;
  csr_clear (mip, SSIP);
  /* STIP and SEIP that M raises reach S, who cannot lower them */
  csr_write (mideleg, SSIP | STIP | SEIP);
  h->irq_fn = 0;
  csr_write (mie, STIP | SEIP);
  csr_write (mip, STIP | SEIP);
  csr_set (mstatus, MSTATUS_SIE);
  CHECK_EQ (run_in (MODE_S, spin, 10), 2);
  CHECK_SOON (csr_read (mip) & (STIP | SEIP), STIP | SEIP);
  CHECK_EQ (csr_read (mie) & (STIP | SEIP), 0);
  csr_write (mip, 0);
  taken ();
  h->irq_fn = lower_source;
  csr_clear (mstatus, MSTATUS_SIE);
}

/* A host that is late may have the timer run down before the wfi that it is to end. */
static void
timer_again (u64 cause)
{
  *mtimecmp = now () + 4000;
}

static void
waiting (void)
{
  struct hart *h = hart ();
  /* pending and locally enabled wakes, though nothing may be taken */
  note ("wfi", 0, 0);
  csr_clear (mstatus, MSTATUS_MIE);
  csr_write (mie, 0x80);
  for (int i = 0; i < 5; i++)
    {
      u64 start = now ();
      *mtimecmp = start + 4000;
      while (!(csr_read (mip) & 0x80))
        asm volatile ("wfi");
      CHECK (now () >= start + 4000);
      CHECK_EQ (taken (), 0);
      *mtimecmp = -1ul;
      CHECK_SOON (csr_read (mip) & 0x80, 0);
    }
  /* already pending: falls through */
  *mtimecmp = 0;
  do_wfi (0);
  CHECK_SOON (csr_read (mip) & 0x80, 0x80);
  /* and is taken after the wfi where it may be */
  h->irq_fn = timer_again;
  *mtimecmp = now () + 4000;
  csr_set (mstatus, MSTATUS_MIE);
  u64 pc, here;
  asm volatile ("la %1, 2f\n1: wfi\n2: csrr %0, mepc" : "=&r"(pc), "=&r"(here)::"memory");
  if (taken ())
    CHECK_EQ (pc, here);
  else
    CHECK_EQ (WAIT_FOR (*(volatile u64 *) &h->irqs), 1); /* a wfi may end early */
  csr_clear (mstatus, MSTATUS_MIE);
  taken ();
  *mtimecmp = -1ul;
  CHECK_SOON (csr_read (mip) & 0x80, 0);
  /* S waits for a timer of M's */
  *mtimecmp = now () + 4000;
  CHECK_EQ (run_in (MODE_S, do_wfi, 0), 1);
  WAIT_FOR (csr_read (mip) & 0x80 || *(volatile u64 *) &h->irqs);
  csr_write (mie, 0);
  h->irq_fn = lower_source;
  *mtimecmp = -1ul;
  taken ();
}

/* ---- another hart's software interrupts, many, none lost ---- */

static volatile u64 got, sent, ready;

static void
on_soft (u64 cause)
{
  wr32 (MSIP (1), 0);
  fence ();
  got = sent;
}

static void
receiver (u64 rounds)
{
  hart ()->irq_fn = on_soft;
  csr_write (mie, 8);
  ready = 1; /* not before: what started this hart was a software interrupt, too */
  while (got < rounds)
    {
      /* between look and wfi nothing may be taken, or the last one would be slept through */
      asm volatile ("wfi");
      csr_set (mstatus, MSTATUS_MIE);
      csr_clear (mstatus, MSTATUS_MIE);
    }
  hart ()->irq_fn = 0;
}

void
test (void)
{
  pmp_open ();
  hart ()->irq_fn = lower_source;
  machine_level ();
  supervisor_level ();
  waiting ();
  note ("between harts", 0, 0);
  hart_start (1, receiver, 400);
  CHECK_EQ (WAIT_FOR (ready), 1);
  for (u64 i = 1; i <= 400; i++)
    {
      sent = i;
      fence ();
      wr32 (MSIP (1), 1);
      if (!WAIT_FOR (got >= i))
        break;
    }
  CHECK_EQ (got, 400);
  hart_wait (1);
}
