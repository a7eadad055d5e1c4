/* SPDX-License-Identifier: BSD-2-Clause */
/* goldfish RTC: nanoseconds since 1970, set and read; the alarm and its interrupt. */
#include "plic.h"

#define TIME_LOW (RTC + 0x00)
#define TIME_HIGH (RTC + 0x04)
#define ALARM_LOW (RTC + 0x08)
#define ALARM_HIGH (RTC + 0x0c)
#define IRQ_ENABLED (RTC + 0x10)
#define CLEAR_ALARM (RTC + 0x14)
#define ALARM_STATUS (RTC + 0x18)
#define CLEAR_INTERRUPT (RTC + 0x1c)

static u64
get (void)
{
  u64 low = rd32 (TIME_LOW);
  return (u64) rd32 (TIME_HIGH) << 32 | low;
}

static void
alarm (u64 at)
{
  wr32 (ALARM_HIGH, (u32) (at >> 32));
  wr32 (ALARM_LOW, (u32) at);
}

void
test (void)
{
  /* later than 2024, and running as fast as mtime does, roughly */
  u64 t = get ();
  CHECK (t > 1704067200ul * 1000000000);
  CHECK (t < 4102444800ul * 1000000000);
  u64 m = now (), t2 = get ();
  WAIT_FOR (now () > m + MTIME_HZ / 20);
  u64 d = get () - t2;
  CHECK (d > 1000000000 / 40);
  for (int i = 0; i < 200; i++)
    {
      u64 u = get ();
      if (u < t)
        CHECK_EQ (u, t);
      t = u;
    }
  /* set: the high word first, the low word makes it so */
  u64 want = 1234567890ul * 1000000000 + 42;
  wr32 (TIME_HIGH, (u32) (want >> 32));
  wr32 (TIME_LOW, (u32) want);
  t = get ();
  CHECK (t >= want && t < want + 1000000000);

  /* an alarm ahead: armed, then the interrupt */
  plic_open (CONTEXT_M (0), IRQ_RTC);
  wr32 (IRQ_ENABLED, 1);
  CHECK_EQ (rd32 (IRQ_ENABLED), 1);
  CHECK_EQ (rd32 (ALARM_STATUS), 0);
  u64 at = get () + 5000000;
  alarm (at);
  CHECK_EQ (rd32 (ALARM_LOW), (u32) at);
  CHECK_EQ (rd32 (ALARM_HIGH), (u32) (at >> 32));
  CHECK_EQ (WAIT_FOR (plic_pending (IRQ_RTC)), 1);
  CHECK (get () >= at);
  CHECK_EQ (rd32 (ALARM_STATUS), 0);
  CHECK_EQ (rd32 (PLIC_CLAIM (0)), IRQ_RTC);
  wr32 (CLEAR_INTERRUPT, 1);
  wr32 (PLIC_CLAIM (0), IRQ_RTC);
  CHECK_EQ (plic_pending (IRQ_RTC), 0);
  /* one far ahead can be taken back */
  alarm (get () + 3600000000000ul);
  CHECK_EQ (rd32 (ALARM_STATUS), 1);
  wr32 (CLEAR_ALARM, 1);
  CHECK_EQ (rd32 (ALARM_STATUS), 0);
  /* in the past: at once; not enabled: noted, and raised by the enable */
  wr32 (IRQ_ENABLED, 0);
  alarm (1000);
  CHECK_EQ (plic_pending (IRQ_RTC), 0);
  wr32 (IRQ_ENABLED, 1);
  CHECK_EQ (WAIT_FOR (plic_pending (IRQ_RTC)), 1);
  wr32 (IRQ_ENABLED, 0);
  wr32 (CLEAR_INTERRUPT, 1);
  plic_drain (CONTEXT_M (0));
  CHECK_EQ (plic_pending (IRQ_RTC), 0);
}
