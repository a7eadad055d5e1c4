/* SPDX-License-Identifier: BSD-2-Clause */
/* The PLIC's registers, for the tests of the devices that interrupt through it. */
#ifndef BARE_PLIC_H
#define BARE_PLIC_H

#include "bare.h"

#define IRQ_UART 10u
#define IRQ_RTC 11u
/* contexts: M and S of each hart in turn */
#define CONTEXT_M(h) (2u * (h))
#define CONTEXT_S(h) (2u * (h) + 1)
#define PLIC_PRIORITY(irq) (PLIC + 4ul * (irq))
#define PLIC_PENDING(word) (PLIC + 0x1000 + 4ul * (word))
#define PLIC_ENABLE(context, word) (PLIC + 0x2000 + 0x80ul * (context) + 4ul * (word))
#define PLIC_THRESHOLD(context) (PLIC + 0x200000 + 0x1000ul * (context))
#define PLIC_CLAIM(context) (PLIC + 0x200004 + 0x1000ul * (context))

static inline void
plic_open (unsigned context, u32 irq)
{
  wr32 (PLIC_PRIORITY (irq), 1);
  wr32 (PLIC_ENABLE (context, irq / 32), rd32 (PLIC_ENABLE (context, irq / 32)) | 1u << irq % 32);
  wr32 (PLIC_THRESHOLD (context), 0);
}

/* Let go of whatever CONTEXT may claim: a gateway keeps what it has latched until it is claimed. */
static inline void
plic_drain (unsigned context)
{
  u32 id;
  while ((id = rd32 (PLIC_CLAIM (context))))
    wr32 (PLIC_CLAIM (context), id);
}

static inline int
plic_pending (u32 irq)
{
  return rd32 (PLIC_PENDING (irq / 32)) >> irq % 32 & 1;
}

/* Two lines that a program can raise at will: the UART's, by "transmitter empty" ... */
static inline void
uart_line (int on)
{
  wr8 (UART + 1, 0);
  if (on)
    wr8 (UART + 1, 2);
  else
    rd8 (UART + 2);
}

/* ... and the clock's, by an alarm in the past. */
static inline void
rtc_line (int on)
{
  if (on)
    {
      wr32 (RTC + 0x10, 1);
      wr32 (RTC + 0x0c, 0);
      wr32 (RTC + 0x08, 1);
    }
  else
    wr32 (RTC + 0x1c, 1);
}

#endif
