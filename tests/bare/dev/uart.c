/* SPDX-License-Identifier: BSD-2-Clause */
/* ns16550: registers, divisor latch, loopback, FIFO and its trigger levels, line and modem status,
   interrupt identification, the line to the PLIC.  What is seen is kept and judged after the
   console works again. */
#include "plic.h"

#define RBR 0
#define IER 1
#define IIR 2
#define FCR 2
#define LCR 3
#define MCR 4
#define LSR 5
#define MSR 6
#define SCR 7

static struct
{
  const char *what;
  int line;
  u64 got, want;
} seen[160];
static unsigned n_seen;

static u8
get (unsigned reg)
{
  return rd8 (UART + reg);
}
static void
set (unsigned reg, u8 v)
{
  wr8 (UART + reg, v);
}

static void
see (const char *what, int line, u64 got, u64 want)
{
  if (n_seen < 160)
    {
      seen[n_seen].what = what;
      seen[n_seen].line = line;
      seen[n_seen].got = got;
      seen[n_seen++].want = want;
    }
}
#define SEE(got, want) see (#got, __LINE__, (u64) (got), (u64) (want))

static void
judge (void)
{
  for (unsigned i = 0; i < n_seen; i++)
    check_eq (__FILE__, seen[i].line, seen[i].what, seen[i].got, seen[i].want);
  CHECK (n_seen < 160);
  n_seen = 0;
}

/* Everything off, FIFOs empty. */
static void
quiet (void)
{
  set (IER, 0);
  set (LCR, 3);
  set (FCR, 7);
  set (FCR, 0);
  set (MCR, 0);
  get (LSR);
  get (MSR);
  get (IIR);
}

static void
registers (void)
{
  quiet ();
  for (unsigned v = 0; v < 256; v += 15)
    {
      set (SCR, (u8) v);
      SEE (get (SCR), v);
    }
  set (IER, 0xff);
  SEE (get (IER), 0x0f);
  set (IER, 0);
  SEE (get (IER), 0);
  SEE (get (IIR), 0x01);
  set (FCR, 1);
  SEE (get (IIR), 0xc1);
  set (FCR, 0);
  SEE (get (IIR), 0x01);
  /* the divisor hides data and enables behind DLAB */
  set (LCR, 0x83);
  SEE (get (LCR), 0x83);
  set (0, 0x34);
  set (1, 0x12);
  SEE (get (0), 0x34);
  SEE (get (1), 0x12);
  set (LCR, 0x03);
  SEE (get (IER), 0);
  set (LCR, 0x83);
  SEE (get (0), 0x34);
  set (0, 2);
  set (1, 0);
  set (LCR, 0x03);
  SEE (get (LSR) & 0x60, 0x60);
  SEE (get (LSR) & 0x9f, 0);
  set (MCR, 0x1f);
  SEE (get (MCR), 0x1f);
  set (MCR, 0);
  /* line status and modem status are not for writing */
  set (LSR, 0);
  SEE (get (LSR) & 0x60, 0x60);
  quiet ();
}

static void
loopback (void)
{
  quiet ();
  set (MCR, 0x10);
  get (MSR);
  /* the four outputs come back as the four inputs, and a change is told once */
  static const u8 wires[4][2] = { { 1, 0x20 }, { 2, 0x10 }, { 4, 0x40 }, { 8, 0x80 } };
  for (int i = 0; i < 4; i++)
    {
      set (MCR, 0x10 | wires[i][0]);
      SEE (get (MSR) & 0xf0, wires[i][1]);
      get (MSR);
      SEE (get (MSR) & 0x0f, 0);
    }
  set (MCR, 0x10);
  get (MSR);
  /* data come back */
  SEE (get (LSR) & 1, 0);
  for (unsigned v = 0; v < 256; v += 51)
    {
      set (RBR, (u8) v);
      u64 ok = WAIT_FOR (get (LSR) & 1);
      SEE (ok, 1);
      SEE (get (RBR), v);
      SEE (get (LSR) & 1, 0);
    }
  quiet ();
}

static void
fifo (void)
{
  quiet ();
  set (FCR, 7);
  set (MCR, 0x10);
  for (unsigned i = 0; i < 16; i++)
    {
      set (RBR, (u8) (0x40 + i));
      WAIT_FOR (get (LSR) & 0x40);
    }
  SEE (get (LSR) & 0x03, 1);
  /* one too many is an overrun, told once */
  set (RBR, 0x77);
  WAIT_FOR (get (LSR) & 0x40 || 1);
  for (unsigned i = 0; i < 16; i++)
    SEE (get (RBR), 0x40 + i);
  SEE (get (LSR) & 1, 0);
  /* cleared by its control bit */
  set (RBR, 1);
  set (RBR, 2);
  WAIT_FOR (get (LSR) & 1);
  set (FCR, 3);
  SEE (get (LSR) & 1, 0);
  /* trigger levels: 1, 4, 8 and 14 bytes; below them a timeout says so after a while */
  static const u8 level[4] = { 1, 4, 8, 14 };
  for (unsigned l = 0; l < 4; l++)
    {
      set (FCR, (u8) (7 | l << 6));
      set (IER, 1);
      for (unsigned i = 0; i < level[l]; i++)
        {
          SEE ((get (IIR) & 0x0f) == 4, 0);
          set (RBR, (u8) i);
          WAIT_FOR (get (LSR) & 0x40);
        }
      u64 ok = WAIT_FOR ((get (IIR) & 0x0f) == 4);
      SEE (ok, 1);
      get (RBR);
      if (l)
        {
          ok = WAIT_FOR ((get (IIR) & 0x0f) == 0x0c);
          SEE (ok, 1);
          while (get (LSR) & 1)
            get (RBR);
        }
      SEE (get (IIR) & 0x0f, 1);
      set (IER, 0);
    }
  quiet ();
}

static void
interrupts (void)
{
  quiet ();
  plic_open (CONTEXT_M (0), IRQ_UART);
  plic_drain (CONTEXT_M (0));
  SEE (plic_pending (IRQ_UART), 0);
  /* transmitter empty: at once when enabled, gone when IIR is read, back after the next byte */
  set (IER, 2);
  SEE (plic_pending (IRQ_UART), 1);
  SEE (get (IIR) & 0x0f, 2);
  SEE (get (IIR) & 0x0f, 1);
  u32 id = rd32 (PLIC_CLAIM (0));
  SEE (id, IRQ_UART);
  wr32 (PLIC_CLAIM (0), IRQ_UART);
  SEE (plic_pending (IRQ_UART), 0);
  set (MCR, 0x10);
  set (RBR, 'x');
  u64 ok = WAIT_FOR (plic_pending (IRQ_UART));
  SEE (ok, 1);
  SEE (get (IIR) & 0x0f, 2);
  /* disabled and enabled again with the transmitter still empty */
  set (IER, 0);
  get (RBR);
  set (IER, 2);
  SEE (get (IIR) & 0x0f, 2);
  /* received data comes before it, line status before both */
  set (IER, 7);
  set (RBR, 'y');
  WAIT_FOR (get (LSR) & 1);
  SEE (get (IIR) & 0x0f, 4);
  SEE (get (IIR) & 0x0f, 4); /* that one only goes with the data */
  SEE (get (RBR), 'y');
  SEE (get (IIR) & 0x0f, 2);
  SEE (get (IIR) & 0x0f, 1);
  set (RBR, 'a');
  WAIT_FOR (get (LSR) & 1);
  set (RBR, 'b');
  WAIT_FOR ((get (IIR) & 0x0f) == 6);
  SEE (get (IIR) & 0x0f, 6); /* overrun without FIFO */
  SEE (get (LSR) & 2, 2);
  SEE (get (LSR) & 2, 0);
  SEE (get (RBR), 'b');
  get (IIR);
  /* a change of the modem's lines, last in rank, which in loopback mode are its own outputs; QEMU
     7.2 shows their state there but no change */
  set (IER, 8);
  get (MSR);
  set (MCR, 0x11);
  SEE (get (IIR) & 0x0f, ON_QEMU72 ? 1 : 0);
  SEE (get (MSR) & 0x02, ON_QEMU72 ? 0 : 2);
  SEE (get (IIR) & 0x0f, 1);
  quiet ();
  plic_drain (CONTEXT_M (0));
  SEE (plic_pending (IRQ_UART), 0);
}

void
test (void)
{
  registers ();
  judge ();
  loopback ();
  judge ();
  fifo ();
  judge ();
  interrupts ();
  judge ();
  set (FCR, 7);
}
