/* SPDX-License-Identifier: BSD-2-Clause */
/* PLIC: fields, pending of level lines, claim and complete, priorities, threshold, the contexts of
   two harts, and the external interrupts of M and S that come of it. */
#include "plic.h"

#define MEIP 0x800ul
#define SEIP 0x200ul
#define C0 CONTEXT_M (0)
#define C1 CONTEXT_S (0)
#define C2 CONTEXT_M (1)

static u64
mip (void)
{
  return csr_read (mip) & (MEIP | SEIP);
}

static void
fields (void)
{
  for (u32 irq = 1; irq < 96; irq += 7)
    {
      wr32 (PLIC_PRIORITY (irq), -1u);
      note ("source", irq, 0);
      CHECK_EQ (rd32 (PLIC_PRIORITY (irq)), 7);
      wr32 (PLIC_PRIORITY (irq), 3);
      CHECK_EQ (rd32 (PLIC_PRIORITY (irq)), 3);
      wr32 (PLIC_PRIORITY (irq), 0);
    }
  /* source 0 is none */
  if (!ON_QEMU72) /* which keeps a priority for it */
    {
      wr32 (PLIC_PRIORITY (0), 7);
      CHECK_EQ (rd32 (PLIC_PRIORITY (0)), 0);
    }
  for (u32 c = 0; c < 4; c++)
    {
      note ("context", c, 0);
      for (u32 w = 0; w < 3; w++)
        {
          wr32 (PLIC_ENABLE (c, w), 0xa5a5a5a4 + (c << 8) + w * 2);
          CHECK_EQ (rd32 (PLIC_ENABLE (c, w)), 0xa5a5a5a4 + (c << 8) + w * 2);
        }
      wr32 (PLIC_THRESHOLD (c), 5);
      CHECK_EQ (rd32 (PLIC_THRESHOLD (c)), 5);
    }
  for (u32 c = 0; c < 4; c++)
    {
      for (u32 w = 0; w < 3; w++)
        wr32 (PLIC_ENABLE (c, w), 0);
      wr32 (PLIC_THRESHOLD (c), 0);
    }
  /* pending is not for writing */
  wr32 (PLIC_PENDING (0), -1u);
  CHECK_EQ (rd32 (PLIC_PENDING (0)), 0);
  /* nothing to claim is 0 */
  CHECK_EQ (rd32 (PLIC_CLAIM (C0)), 0);
}

static void
one_source (void)
{
  note ("one source", 0, 0);
  wr32 (PLIC_PRIORITY (IRQ_RTC), 1);
  wr32 (PLIC_ENABLE (C0, 0), 1u << IRQ_RTC);
  CHECK_SOON (mip (), 0);
  rtc_line (1);
  CHECK_EQ (WAIT_FOR (plic_pending (IRQ_RTC)), 1);
  CHECK_SOON (mip (), MEIP);
  CHECK_EQ (rd32 (PLIC_CLAIM (C0)), IRQ_RTC);
  /* claimed: no longer pending, though the line is still up, and not for another either */
  CHECK_EQ (plic_pending (IRQ_RTC), 0);
  CHECK_SOON (mip (), 0);
  CHECK_EQ (rd32 (PLIC_CLAIM (C0)), 0);
  wr32 (PLIC_ENABLE (C1, 0), 1u << IRQ_RTC);
  CHECK_SOON (mip (), 0);
  /* completed with the line up: pending again; QEMU 7.2 looks at the line only when it is set */
  wr32 (PLIC_CLAIM (C0), IRQ_RTC);
  if (ON_QEMU72)
    rtc_line (1);
  CHECK_EQ (plic_pending (IRQ_RTC), 1);
  CHECK_SOON (mip (), MEIP | SEIP);
  /* S claims first; M finds nothing */
  CHECK_EQ (rd32 (PLIC_CLAIM (C1)), IRQ_RTC);
  CHECK_EQ (rd32 (PLIC_CLAIM (C0)), 0);
  rtc_line (0);
  wr32 (PLIC_CLAIM (C1), IRQ_RTC);
  CHECK_EQ (plic_pending (IRQ_RTC), 0);
  CHECK_SOON (mip (), 0);
  /* a line that went up and down before the claim stays pending: the gateway has latched it */
  rtc_line (1);
  CHECK_EQ (WAIT_FOR (plic_pending (IRQ_RTC)), 1);
  rtc_line (0);
  CHECK_EQ (plic_pending (IRQ_RTC), 1);
  u32 id = rd32 (PLIC_CLAIM (C0));
  CHECK_EQ (id, IRQ_RTC);
  wr32 (PLIC_CLAIM (C0), IRQ_RTC);
  CHECK_EQ (plic_pending (IRQ_RTC), 0);
  wr32 (PLIC_ENABLE (C1, 0), 0);
  wr32 (PLIC_ENABLE (C0, 0), 0);
}

static void
gates (void)
{
  note ("gates", 0, 0);
  rtc_line (1);
  CHECK_EQ (WAIT_FOR (plic_pending (IRQ_RTC)), 1);
  CHECK_SOON (mip (), 0); /* pending without an enable */
  CHECK_EQ (rd32 (PLIC_CLAIM (C0)), 0);
  wr32 (PLIC_ENABLE (C0, 0), 1u << IRQ_RTC);
  for (u32 priority = 0; priority < 8; priority++)
    for (u32 threshold = 0; threshold < 8; threshold++)
      {
        wr32 (PLIC_PRIORITY (IRQ_RTC), priority);
        wr32 (PLIC_THRESHOLD (C0), threshold);
        note ("priority, threshold", priority, threshold);
        CHECK_SOON (mip (), priority > threshold ? MEIP : 0);
      }
  /* priority 0 cannot be claimed; a threshold keeps the wire down, but not a claim */
  wr32 (PLIC_PRIORITY (IRQ_RTC), 0);
  wr32 (PLIC_THRESHOLD (C0), 0);
  CHECK_EQ (rd32 (PLIC_CLAIM (C0)), 0);
  wr32 (PLIC_PRIORITY (IRQ_RTC), 2);
  wr32 (PLIC_THRESHOLD (C0), 5);
  CHECK_SOON (mip (), 0);
  CHECK_EQ (rd32 (PLIC_CLAIM (C0)), ON_QEMU72 ? 0 : IRQ_RTC); /* which obeys it there as well */
  wr32 (PLIC_THRESHOLD (C0), 0);
  if (ON_QEMU72)
    rd32 (PLIC_CLAIM (C0));
  rtc_line (0);
  /* completions of what is not there, and of another's, are ignored */
  wr32 (PLIC_CLAIM (C0), 0);
  wr32 (PLIC_CLAIM (C0), 95);
  wr32 (PLIC_CLAIM (C0), 96);
  wr32 (PLIC_CLAIM (C0), 1023);
  wr32 (PLIC_CLAIM (C0), -1u);
  wr32 (PLIC_CLAIM (C0), IRQ_RTC);
  rtc_line (1);
  CHECK_EQ (WAIT_FOR (plic_pending (IRQ_RTC)), 1);
  CHECK_EQ (rd32 (PLIC_CLAIM (C0)), IRQ_RTC);
  if (!ON_QEMU72) /* which takes it from anyone */
    {
      wr32 (PLIC_CLAIM (C2), IRQ_RTC); /* not enabled there */
      CHECK_EQ (plic_pending (IRQ_RTC), 0);
    }
  rtc_line (0);
  wr32 (PLIC_CLAIM (C0), IRQ_RTC);
  CHECK_EQ (plic_pending (IRQ_RTC), 0);
  wr32 (PLIC_ENABLE (C0, 0), 0);
}

static void
two_sources (void)
{
  note ("two sources", 0, 0);
  wr32 (PLIC_ENABLE (C0, 0), 1u << IRQ_RTC | 1u << IRQ_UART);
  for (int i = 0; i < 3; i++)
    {
      static const u32 priorities[3][2] = { { 1, 1 }, { 1, 2 }, { 7, 3 } }; /* UART, RTC */
      wr32 (PLIC_PRIORITY (IRQ_UART), priorities[i][0]);
      wr32 (PLIC_PRIORITY (IRQ_RTC), priorities[i][1]);
      rtc_line (1);
      uart_line (1);
      u32 up = WAIT_FOR (plic_pending (IRQ_RTC) && plic_pending (IRQ_UART));
      u32 first = rd32 (PLIC_CLAIM (C0)), second = rd32 (PLIC_CLAIM (C0));
      u32 third = rd32 (PLIC_CLAIM (C0));
      uart_line (0);
      rtc_line (0);
      wr32 (PLIC_CLAIM (C0), first);
      wr32 (PLIC_CLAIM (C0), second);
      note ("priorities", priorities[i][0], priorities[i][1]);
      CHECK_EQ (up, 1);
      CHECK_EQ (first, i == 1 ? IRQ_RTC : IRQ_UART);
      CHECK_EQ (second, i == 1 ? IRQ_UART : IRQ_RTC);
      CHECK_EQ (third, 0);
      CHECK_SOON (mip (), 0);
    }
  wr32 (PLIC_ENABLE (C0, 0), 0);
}

/* ---- taken as interrupts ---- */

static volatile u64 count, ids;

static void
external_m (u64 cause)
{
  u32 id = rd32 (PLIC_CLAIM (C0));
  ids = ids << 8 | id;
  count++;
  if (id == IRQ_RTC)
    rtc_line (0);
  else
    uart_line (0);
  wr32 (PLIC_CLAIM (C0), id);
  if (count == 2)
    WAIT_FOR (!mip ());
}

static void
external_s (u64 cause)
{
  u32 id = rd32 (PLIC_CLAIM (C1));
  ids = ids << 8 | id;
  count++;
  rtc_line (0);
  wr32 (PLIC_CLAIM (C1), id);
  while (csr_read (sip) & SEIP)
    ;
}

static u64
s_waits (u64 arg)
{
  csr_set (sstatus, MSTATUS_SIE);
  rtc_line (1);
  return WAIT_FOR (count);
}

static void
interrupts (void)
{
  struct hart *h = hart ();
  note ("interrupts", 0, 0);
  wr32 (PLIC_PRIORITY (IRQ_RTC), 1);
  wr32 (PLIC_PRIORITY (IRQ_UART), 1);
  wr32 (PLIC_ENABLE (C0, 0), 1u << IRQ_RTC | 1u << IRQ_UART);
  rtc_line (1);
  uart_line (1);
  WAIT_FOR (plic_pending (IRQ_RTC) && plic_pending (IRQ_UART));
  h->irq_fn = external_m;
  csr_write (mie, MEIP);
  csr_set (mstatus, MSTATUS_MIE);
  u64 ok = WAIT_FOR (count == 2);
  csr_clear (mstatus, MSTATUS_MIE);
  CHECK_EQ (ok, 1);
  CHECK_EQ (ids, IRQ_UART << 8 | IRQ_RTC);
  CHECK_EQ (h->irq_cause, CAUSE_IRQ | 11);
  CHECK_EQ (h->irq_mode, MODE_M);
  wr32 (PLIC_ENABLE (C0, 0), 0);
  count = ids = 0;
  wr32 (PLIC_ENABLE (C1, 0), 1u << IRQ_RTC);
  csr_write (mideleg, SEIP);
  csr_write (mie, SEIP);
  h->irq_fn = external_s;
  pmp_open ();
  CHECK_EQ (run_in (MODE_S, s_waits, 0), 1);
  CHECK_EQ (count, 1);
  CHECK_EQ (ids, IRQ_RTC);
  CHECK_EQ (h->irq_cause, CAUSE_IRQ | 9);
  CHECK_EQ (h->irq_mode, MODE_S);
  wr32 (PLIC_ENABLE (C1, 0), 0);
  csr_write (mie, 0);
  h->irq_fn = 0;
  /* SEIP is the wire or the bit that M wrote; a read shows both */
  csr_set (mip, SEIP);
  CHECK_SOON (mip (), SEIP);
  csr_clear (mip, SEIP);
  CHECK_SOON (mip (), 0);
}

static void
other_hart (u64 arg)
{
  while (!(csr_read (mip) & MEIP))
    ;
  u32 id = rd32 (PLIC_CLAIM (C2));
  rtc_line (0);
  wr32 (PLIC_CLAIM (C2), id);
  ids = id;
}

void
test (void)
{
  fields ();
  one_source ();
  gates ();
  two_sources ();
  interrupts ();
  note ("other hart", 0, 0);
  ids = 0;
  wr32 (PLIC_PRIORITY (IRQ_RTC), 1);
  wr32 (PLIC_ENABLE (C2, 0), 1u << IRQ_RTC);
  hart_start (1, other_hart, 0);
  rtc_line (1);
  CHECK_EQ (WAIT_FOR (ids == IRQ_RTC), 1);
  CHECK_SOON (mip (), 0);
  hart_wait (1);
}
