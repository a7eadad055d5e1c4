/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything that this guest can find out about its machine, line by line, so that somebody can
   compare what it saw here and there: extensions, modes and registers of the hart, RAM, what the
   interrupt controllers have room for, each PCI function's configuration space with the bits that
   can be written, behind ports, too, and what virtio devices offer.
   It says so when it begins ("R"), and again for each "l" that comes; in between it writes to its
   memory and finds it as it was (".", or "!").  Not part of the suite: tests/releases/pairs.py
   moves it. */
#include "plic.h"

#define ECAM 0x30000000ul
#define WINDOW 0x40000000ul
#define FUNCTIONS 32
#define PAGES 32
#define ROUNDS 2048 /* until a dot */
#define ENTRIES 8   /* of a queue */

static u64 next_bar;
static u32 next_bus;
static u64 pages[PAGES][512] __attribute__ ((aligned (4096)));
static u64 scratch[8] __attribute__ ((aligned (64), used)); /* cleared by cbo.zero */

static void
line (const char *what, u64 a, u64 b, u64 c)
{
  print (what);
  print (" ");
  print_hex (a);
  print (" ");
  print_hex (b);
  print (" ");
  print_hex (c);
  print ("\n");
}

/* ---- the hart -------------------------------------------------------------------------------- */

static void
satp_modes (void)
{
  for (u64 mode = 8; mode <= 10; mode++)
    {
      csr_write (satp, mode << 60);
      line ("satp", mode, csr_read (satp) >> 60, 0);
    }
  csr_write (satp, 0);
}

#define PMP(n)                                                                                    \
  {                                                                                               \
    u64 v_ = 0;                                                                                   \
    u64 cause_ = TRAP (csr_write (pmpaddr##n, -1ul); v_ = csr_read (pmpaddr##n);                  \
                       csr_write (pmpaddr##n, 0));                                                \
    line ("pmp", n, cause_, v_);                                                                  \
  }

static void
look_hart (void)
{
  line ("ids", csr_read (mvendorid), csr_read (marchid), csr_read (mimpid));
  line ("misa", csr_read (misa), csr_read (mhartid), 0);
  /* sh1add, andn, bset, clmul, cbo.inval, cbo.zero, sinval.vma, csrr stimecmp */
  line ("zba", TRAP_ASM (".4byte 0x206322b3"), TRAP_ASM (".4byte 0x406372b3"),
        TRAP_ASM (".4byte 0x286312b3"));
  line ("zbc", TRAP_ASM (".4byte 0x0a6312b3"),
        TRAP_ASM ("la t0, scratch\n\t.4byte 0x0002a00f"),
        TRAP_ASM ("la t0, scratch\n\t.4byte 0x0042a00f"));
  line ("sinval", TRAP_ASM (".4byte 0x16000073"), TRAP_ASM (".4byte 0x14d022f3"), 0);
  u64 was = csr_read (menvcfg);
  csr_write (menvcfg, -1ul);
  line ("menvcfg", was, csr_read (menvcfg), 0);
  csr_write (menvcfg, was);
  satp_modes ();
  PMP (0) PMP (7) PMP (8) PMP (15) PMP (16) PMP (63)
  u64 end = RAM;
  while (TRAP ((void) *(volatile u64 *) end) == NO_TRAP && end < RAM + (1ul << 30))
    end += 1ul << 20;
  line ("ram", end, 0, 0);
}

/* ---- interrupt controllers ------------------------------------------------------------------- */

/* How many of the registers from BASE on keep PROBE, or a part of it. */
static void
look_sources (const char *what, u64 base, u32 probe)
{
  u32 last = 0, kept = 0;
  for (u32 i = 1; i < 1024; i++)
    {
      u32 was = rd32 (base + 4 * i), now;
      wr32 (base + 4 * i, probe);
      now = rd32 (base + 4 * i);
      wr32 (base + 4 * i, was);
      if (now != 0)
        {
          last = i;
          kept |= now;
        }
    }
  line (what, last, kept, 0);
}

/* Which identities the file of this hart can enable. */
static void
look_file (void)
{
  u32 last = 0;
  for (u32 i = 0; i < 64; i += 2)
    {
      csr_write (0x350, 0xc0 + i); /* miselect: eie */
      u64 was = csr_read (0x351);
      csr_write (0x351, -1ul);
      if (csr_read (0x351) != 0)
        last = i;
      csr_write (0x351, was);
    }
  line ("file", last, 0, 0);
}

static void
look_controllers (void)
{
  /* A PLIC has no source 0; an APLIC has domaincfg there. */
  if (rd32 (PLIC) == 0)
    look_sources ("priorities", PLIC, -1u);
  else
    {
      look_sources ("sourcecfg", PLIC, 4);
      look_file ();
    }
}

/* ---- virtio ---------------------------------------------------------------------------------- */

/* One request; split queue, virtio 1.2 2.7. */
static struct
{
  struct
  {
    u64 address;
    u32 size;
    u16 flags, next;
  } desc[ENTRIES] __attribute__ ((aligned (64)));
  struct
  {
    u16 flags, index, ring[ENTRIES + 1];
  } avail __attribute__ ((aligned (64)));
  struct
  {
    u16 flags, index;
    struct
    {
      u32 id, size;
    } ring[ENTRIES];
    u16 event;
  } used __attribute__ ((aligned (64)));
  struct
  {
    u32 type, reserved;
    u64 sector;
  } header;
  u8 status, data[20];
} queue;

/* Where what the capability at CAP points to is. */
static u64
place (u64 function, u32 cap, const u64 *bars)
{
  u32 bar = rd8 (function + cap + 4);
  return bar < 6 && bars[bar] != 0 ? bars[bar] + rd32 (function + cap + 8) : 0;
}

/* The name that a disk gives itself: a request of its own, no register. */
static void
disk_name (u64 common, u64 bell, u32 step)
{
  u64 area[3] = { (u64) queue.desc, (u64) &queue.avail, (u64) &queue.used };
  memset (&queue, 0, sizeof queue);
  queue.header.type = 8;
  queue.desc[0].address = (u64) &queue.header;
  queue.desc[0].size = 16;
  queue.desc[0].flags = 1;
  queue.desc[0].next = 1;
  queue.desc[1].address = (u64) queue.data;
  queue.desc[1].size = sizeof queue.data;
  queue.desc[1].flags = 3;
  queue.desc[1].next = 2;
  queue.desc[2].address = (u64) &queue.status;
  queue.desc[2].size = 1;
  queue.desc[2].flags = 2;
  /* VIRTIO_F_VERSION_1 alone */
  wr32 (common + 8, 0);
  wr32 (common + 12, 0);
  wr32 (common + 8, 1);
  wr32 (common + 12, 1);
  wr8 (common + 20, 11);
  MMIO (u16, common + 22) = 0;
  MMIO (u16, common + 24) = ENTRIES;
  for (int i = 0; i < 3; i++)
    {
      wr32 (common + 32 + 8 * i, (u32) area[i]);
      wr32 (common + 36 + 8 * i, (u32) (area[i] >> 32));
    }
  u64 at = bell + step * MMIO (u16, common + 30);
  MMIO (u16, common + 28) = 1;
  wr8 (common + 20, 15);
  fence ();
  queue.avail.index = 1;
  fence ();
  MMIO (u16, at) = 0;
  for (int i = 0; i < 20 && !WAIT_FOR (*(volatile u16 *) &queue.used.index == 1); i++)
    ;
  print ("name ");
  for (u32 i = 0; i < sizeof queue.data && queue.data[i]; i++)
    {
      print_hex (queue.data[i]);
      print (" ");
    }
  print ("\n");
}

static void
look_virtio (u64 function, u32 device, const u64 *bars)
{
  u64 common = 0, config = 0, bell = 0;
  u32 size = 0, step = 0;
  for (u32 cap = rd8 (function + 0x34); cap >= 0x40; cap = rd8 (function + cap + 1))
    {
      u32 type = rd8 (function + cap + 3);
      if (rd8 (function + cap) != 9)
        continue;
      if (type == 1)
        common = place (function, cap, bars);
      else if (type == 2)
        {
          bell = place (function, cap, bars);
          step = rd32 (function + cap + 16);
        }
      else if (type == 4)
        {
          config = place (function, cap, bars);
          size = rd32 (function + cap + 12);
        }
    }
  if (common == 0)
    return;
  wr8 (common + 20, 0);
  wr8 (common + 20, 1);
  wr8 (common + 20, 3);
  for (u32 i = 0; i < 4; i++)
    {
      wr32 (common, i);
      line ("features", i, rd32 (common + 4), 0);
    }
  u32 queues = MMIO (u16, common + 18);
  line ("queues", queues, step, size);
  for (u32 i = 0; i < queues && i < 70; i++)
    {
      MMIO (u16, common + 22) = (u16) i;
      line ("queue", i, MMIO (u16, common + 24), MMIO (u16, common + 30));
    }
  for (u32 i = 0; config != 0 && i < size && i < 64; i++)
    if (rd8 (config + i) != 0)
      line ("config", i, rd8 (config + i), 0);
  if (device == 0x1042 && bell != 0)
    disk_name (common, bell, step);
  wr8 (common + 20, 0);
}

/* ---- PCI ------------------------------------------------------------------------------------- */

/* Registers that act when they are written with what is not in them. */
static int
is_left_alone (u64 function, u32 at)
{
  for (u32 cap = rd8 (function + 0x34); cap >= 0x40; cap = rd8 (function + cap + 1))
    {
      u32 id = rd8 (function + cap);
      if (id == 1 && at == cap + 4) /* power state */
        return 1;
      if (id == 16
          && (at == cap + 8 || at == cap + 16 || at == cap + 24)) /* resets, links, slots */
        return 1;
    }
  return 0;
}

static void look_function (u32 number);

/* What is behind a port, with a bus number and a window for as long as that takes. */
static void
look_behind (u64 function)
{
  u32 bus = ++next_bus, numbers = rd32 (function + 0x18), window = rd32 (function + 0x20);
  next_bar = (next_bar + 0xfffff) & ~0xffffful;
  wr32 (function + 0x18, bus << 16 | bus << 8);
  wr32 (function + 0x20, (u32) (next_bar >> 16) | ((u32) (next_bar + 0x100000) & 0xfff00000));
  MMIO (u16, function + 4) = 6;
  look_function (bus << 5);
  MMIO (u16, function + 4) = 0;
  wr32 (function + 0x20, window);
  wr32 (function + 0x18, numbers);
  next_bar = (next_bar + 0xfffff) & ~0xffffful;
}

static void
look_function (u32 number)
{
  u64 function = ECAM + (u64) number * 0x8000, bars[6] = { 0 };
  u32 id = rd32 (function);
  int bridge = (rd8 (function + 14) & 0x7f) == 1;
  if (id == 0xffffffff)
    return;
  line ("function", number, id, 0);
  MMIO (u16, function + 4) = 0;
  for (u32 at = 0; at < 4096; at += 4)
    {
      u32 was = rd32 (function + at), now;
      if (at == 4 || (bridge && at == 0x3c) || is_left_alone (function, at))
        now = was;
      else
        {
          wr32 (function + at, ~was);
          now = rd32 (function + at);
          wr32 (function + at, was);
        }
      if (at == 0x100 && was == 0xffffffff)
        break; /* a conventional function */
      if (was != 0 || now != was)
        line ("at", at, at == 0x10 || (at > 0x10 && at < 0x28 && !bridge) ? 0 : was, now ^ was);
    }
  for (u32 i = 0; i < (bridge ? 2u : 6u); i++)
    {
      u64 at = function + 0x10 + 4 * i, size;
      u32 kind = rd32 (at) & 15;
      wr32 (at, ~0u);
      size = rd32 (at) & ~15u;
      if (size == 0 || (kind & 1))
        continue;
      size = (u32) -size;
      next_bar = (next_bar + size - 1) & ~(size - 1);
      wr32 (at, (u32) next_bar);
      bars[i] = next_bar;
      next_bar += size;
      if ((kind & 6) == 4)
        wr32 (function + 0x10 + 4 * ++i, 0);
    }
  MMIO (u16, function + 4) = 6;
  if ((id & 0xffff) == 0x1af4 && !bridge)
    look_virtio (function, id >> 16, bars);
  MMIO (u16, function + 4) = 0;
  if (bridge)
    look_behind (function);
}

static void
look (void)
{
  next_bar = WINDOW;
  next_bus = 0;
  print ("look\n");
  look_hart ();
  look_controllers ();
  for (u32 i = 0; i < FUNCTIONS; i++)
    look_function (i);
  print ("end\n");
}

/* ---- memory ---------------------------------------------------------------------------------- */

void
test (void)
{
  print ("R");
  look ();
  for (u32 i = 0; i < PAGES; i++)
    pages[i][0] = 0;
  for (u64 round = 0;; round++)
    {
      for (u32 i = 0; i < PAGES; i++)
        {
          if (*(volatile u64 *) &pages[i][0] != round)
            {
              print ("!");
              for (;;)
                asm volatile ("wfi");
            }
          *(volatile u64 *) &pages[i][0] = round + 1;
        }
      if (round % ROUNDS == 0)
        print (".");
      if (round % 64 == 0 && (rd8 (UART + 5) & 1) && rd8 (UART) == 'l')
        look ();
    }
}
