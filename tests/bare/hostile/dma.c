/* SPDX-License-Identifier: BSD-2-Clause */
/* fw_cfg's DMA given every wrong address: its own descriptor, ROM, devices, itself, nowhere,
   lengths that wrap. */
#include "bare.h"

#define DMA (FW_CFG + 16)
static u32
be (u32 v)
{
  return v << 24 | (v & 0xff00) << 8 | (v >> 8 & 0xff00) | v >> 24;
}
static u64
be64 (u64 v)
{
  return (u64) be ((u32) v) << 32 | be ((u32) (v >> 32));
}

struct descriptor
{
  u32 control, length;
  u64 address;
};

static struct descriptor d[4] __attribute__ ((aligned (64)));

static void
start (u64 at)
{
  MMIO (u64, DMA) = be64 (at);
}

static void
fill (struct descriptor *p, u32 control, u32 length, u64 address)
{
  p->control = be (control);
  p->length = be (length);
  p->address = be64 (address);
  fence ();
}

void
test (void)
{
  static const u64 addresses[] = {
    0, 1, 0x1000, 0xffff, FINISHER + 8, RTC, ACLINT, PLIC, UART, FW_CFG, DMA, FW_CFG - 8,
    FLASH0, FLASH0 + 0x3fffffc, 0x87ffffff, 0x88000000, -1ul, -8ul, 1ul << 63, 0x7ffffffffffffff0,
    0x800000000, 1ul << 56,
  };
  static const u32 lengths[] = { 0, 1, 4, 16, 0x1000, 0x7fffffff, 0x80000000, 0xffffffff };
  static const u32 keys[] = { 0, 1, 5, 8, 0x19, 0x20, 0x21, 0x22, 0x3fff, 0x4000, 0x8000, 0xffff };
  for (unsigned k = 0; k < sizeof keys / 4; k++)
    for (unsigned a = 0; a < sizeof addresses / 8; a++)
      for (unsigned l = 0; l < sizeof lengths / 4; l++)
        for (u32 op = 0; op < 32; op += 2)
          {
            if (lengths[l] > 0x1000 && (op & 18) && k % 4)
              continue; /* long transfers: some keys are enough */
            note ("dma to, length", addresses[a], lengths[l]);
            fill (&d[0], keys[k] << 16 | op, lengths[l], addresses[a]);
            TRAP (start ((u64) &d[0]));
          }
  /* into its own descriptor: ends, and does not follow what it wrote */
  for (u64 off = 0; off < 16; off++)
    for (u32 op = 0; op < 32; op++)
      {
        fill (&d[1], op | 0x19 << 16, 16, (u64) &d[1] + off);
        start ((u64) &d[1]);
      }
  /* the descriptor itself in odd places */
  for (unsigned a = 0; a < sizeof addresses / 8; a++)
    if (addresses[a] != FINISHER + 8)
      {
        note ("descriptor at", addresses[a], 0);
        TRAP (start (addresses[a]));
        TRAP (start (addresses[a] + 8));
      }
  for (u64 by = 1; by < 16; by++)
    {
      memset ((void *) 0x87fffff0, 0xff, 16);
      TRAP (start (0x88000000 - by));
    }
  /* halves in any order and width */
  for (int i = 0; i < 2000; i++)
    {
      u64 at = DMA + (rnd () >> 8 & 7);
      switch (rnd () >> 8 & 3)
        {
        case 0:
          TRAP (wr8 (at, (u8) rnd ()));
          break;
        case 1:
          TRAP (MMIO (u16, at) = (u16) rnd ());
          break;
        case 2:
          /* not into RAM: that would be our own fault */
          TRAP (wr32 (at, (u32) rnd () & 0xffffff7f));
          break;
        default:
          TRAP (MMIO (u64, at) = rnd () | 1);
        }
    }
  /* it still works */
  uart_setup ();
  print ("\n");
  u32 word = 0;
  wr32 (DMA, 0);
  fill (&d[0], 8 | 2, 4, (u64) &word);
  start ((u64) &d[0]);
  CHECK_EQ (WAIT_FOR (!(*(volatile u32 *) &d[0].control)), 1);
  CHECK_EQ (*(volatile u32 *) &word, 0x554d4551);
}
