/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that notices when it was not moved as it was.  Every hart keeps requests in flight at the
   first virtio disk of bus 0, on all of its queues: each slot writes a block of its own with what
   it never wrote before, reads it back and compares.  Meanwhile hart 0 goes round through memory
   and looks at configuration space and the number of queues, and each hart at its extensions and at
   what it told the interrupt controllers: all of it has to stay as it was at the start.

   Says "ready ..." when it begins; "[N]" when it is sent an 's', N being how often the slowest slot
   went round; "end ..." when it is sent a 'q', once nothing is in flight any more; and "!" with the
   reason when something is not as it was, after which it does nothing.  Without a disk it goes
   round through memory alone.  Must not know how it is moved, or what between. */
#include "plic.h"

#define ECAM 0x30000000ul
#define WINDOW 0x40000000ul
#define DEVICES 32
#define WORDS 64 /* of configuration space: two runs of half as many bytes */
#define QUEUES 8
#define NUM 64 /* entries of a queue */
#define EACH 4 /* slots of a hart; three entries each, and one queue may have to do for all */
#define SLOTS (EACH * MAX_HARTS)
#define BLOCK 4096
#define PAGES 64

/* The machine's other controllers: APLIC where the PLIC would be, IMSIC of machine mode. */
#define APLIC_DOMAINCFG PLIC
#define APLIC_SOURCECFG(n) (PLIC + 4ul * (n))
#define APLIC_TARGET(n) (PLIC + 0x3000 + 4ul * (n))
#define IMSIC(h) (0x24000000ul + 0x1000ul * (h))

enum
{
  IN = 0,
  OUT = 1
};

enum
{
  AT_REST,
  IN_FLIGHT,
  ANSWERED
};

/* Split, virtio 1.2 2.7. */
struct queue
{
  struct
  {
    u64 address;
    u32 size;
    u16 flags, next;
  } desc[NUM] __attribute__ ((aligned (64)));
  struct
  {
    u16 flags, index, ring[NUM + 1];
  } avail __attribute__ ((aligned (64)));
  struct
  {
    u16 flags, index;
    struct
    {
      u32 id, size;
    } ring[NUM];
    u16 event;
  } used __attribute__ ((aligned (64)));
  u64 bell;
  u32 lock;
  u16 seen;
};

struct slot
{
  struct
  {
    u32 type, reserved;
    u64 sector;
  } header;
  u64 sent, answered, rounds;
  u32 state, size;
  u8 status;
  u64 data[BLOCK / 8] __attribute__ ((aligned (64)));
};

struct function
{
  u64 at;
  u32 words[WORDS];
};

static struct
{
  struct queue queues[QUEUES];
  struct slot slots[SLOTS];
  struct function functions[DEVICES];
  u64 memory[PAGES][512];
  u64 common, notify, config;
  u64 passes;
  u32 n_functions, n_queues, n_harts, extensions, next_bar, lock, stopping, bad;
  u32 finished[MAX_HARTS];
} g __attribute__ ((aligned (4096)));

static void
take (u32 *lock)
{
  while (__atomic_exchange_n (lock, 1, __ATOMIC_ACQUIRE))
    relax ();
}

static void
leave (u32 *lock)
{
  __atomic_store_n (lock, 0, __ATOMIC_RELEASE);
}

static void
bad (const char *what, u64 where, u64 got, u64 want)
{
  take (&g.lock);
  g.bad = 1;
  print ("! ");
  print (what);
  print (" of ");
  print_hex (where);
  print (": ");
  print_hex (got);
  print (" where ");
  print_hex (want);
  print (" was\n");
  for (;;)
    asm volatile ("wfi");
}

static void
number (const char *name, u64 value)
{
  print (name);
  print_hex (value);
}

/* ---- configuration space ---- */

static u32
word_at (const struct function *f, u32 i)
{
  u32 offset = i < WORDS / 2 ? 4 * i : 0x100 + 4 * (i - WORDS / 2);
  u32 value = rd32 (f->at + offset);

  /* An interrupt that waits is nothing that has to stay, nor what a port sees of its slot. */
  if (offset == 4)
    return value & ~(1u << 19);
  if (offset >= 0x40 && offset < 0x100 && rd8 (f->at + 14) & 0x7f)
    return 0;
  return value;
}

static void
look (struct function *f, int first)
{
  for (u32 i = 0; i < WORDS; i++)
    {
      u32 value = word_at (f, i);

      if (first)
        f->words[i] = value;
      else if (value != f->words[i])
        bad ("configuration space", (f->at - ECAM) << 12 | i, value, f->words[i]);
    }
}

static void
place_bars (u64 at)
{
  for (u32 bar = 0x10; bar < 0x28; bar += 4)
    {
      u32 size, low;

      wr32 (at + bar, -1u);
      low = rd32 (at + bar);
      if (low == 0 || low & 1)
        continue;
      size = -(low & ~15u);
      g.next_bar = (g.next_bar + size - 1) & -size;
      wr32 (at + bar, g.next_bar);
      g.next_bar += size;
      if ((low & 6) == 4)
        wr32 (at + (bar += 4), 0);
    }
  /* memory, bus master, no INTx */
  MMIO (u16, at + 4) = 0x406;
}

static u64
structure (u64 at, u32 cap)
{
  return (rd32 (at + 0x10 + 4 * rd8 (at + cap + 4)) & ~15ul) + rd32 (at + cap + 8);
}

/* Fills in where the disk's structures are (virtio 1.2 4.1.4); where its notifications are is told
   apart by *STEP. */
static void
take_disk (u64 at, u32 *step)
{
  place_bars (at);
  for (u32 cap = rd8 (at + 0x34); cap; cap = rd8 (at + cap + 1))
    if (rd8 (at + cap) == 9)
      switch (rd8 (at + cap + 3))
        {
        case 1:
          g.common = structure (at, cap);
          break;
        case 2:
          g.notify = structure (at, cap);
          *step = rd32 (at + cap + 16);
          break;
        case 4:
          g.config = structure (at, cap);
          break;
        }
}

static void
find (u32 *step)
{
  g.next_bar = WINDOW;
  for (u32 n = 0; n < DEVICES; n++)
    {
      u64 at = ECAM + (n << 15);
      u32 id = rd32 (at);

      if (id == -1u)
        continue;
      if ((id == 0x10421af4 || id == 0x10011af4) && g.common == 0)
        take_disk (at, step);
      g.functions[g.n_functions++].at = at;
    }
}

/* ---- interrupt controllers ---- */

static u64
file_register (u64 select)
{
  csr_write (0x350, select); /* miselect */
  return csr_read (0x351);   /* mireg */
}

static void
set_file_register (u64 select, u64 value)
{
  csr_write (0x350, select);
  csr_write (0x351, value);
}

static void
expect (const char *what, u32 h, u64 got, u64 want)
{
  if (got != want)
    bad (what, h, got, want);
}

/* Identity H + 3 waits in the hart's file, enabled and below no threshold; nobody takes it. */
static void
imsic (u32 h, int first)
{
  u64 id = 1ul << (h + 3);

  if (first)
    {
      set_file_register (0x70, 1);
      set_file_register (0x72, h + 7);
      set_file_register (0xc0, id);
      wr32 (IMSIC (h), h + 3);
      WAIT_FOR (file_register (0x80) == id);
    }
  expect ("eidelivery of hart", h, file_register (0x70), 1);
  expect ("eithreshold of hart", h, file_register (0x72), h + 7);
  expect ("eip of hart", h, file_register (0x80), id);
  expect ("eie of hart", h, file_register (0xc0), id);
}

static void
aplic (u32 h, int first)
{
  u32 source = h + 20, target = h << 18 | (h + 40);

  if (first)
    {
      wr32 (APLIC_DOMAINCFG, 0x104); /* enabled, by messages */
      wr32 (APLIC_SOURCECFG (source), 4 + h);
      wr32 (APLIC_TARGET (source), target);
    }
  expect ("domaincfg for hart", h, rd32 (APLIC_DOMAINCFG) & 0xfff, 0x104);
  expect ("sourcecfg for hart", h, rd32 (APLIC_SOURCECFG (source)), 4 + h);
  expect ("target for hart", h, rd32 (APLIC_TARGET (source)), target);
}

static void
plic (u32 h, int first)
{
  u32 source = h + 20;

  if (first)
    {
      wr32 (PLIC_PRIORITY (source), h + 1);
      wr32 (PLIC_ENABLE (CONTEXT_M (h), 0), 1u << source);
      wr32 (PLIC_THRESHOLD (CONTEXT_M (h)), h + 2);
    }
  expect ("priority for hart", h, rd32 (PLIC_PRIORITY (source)), h + 1);
  expect ("enable for hart", h, rd32 (PLIC_ENABLE (CONTEXT_M (h), 0)), 1u << source);
  expect ("threshold for hart", h, rd32 (PLIC_THRESHOLD (CONTEXT_M (h))), h + 2);
}

static void
controllers (u32 h, int first)
{
  /* A PLIC has no source 0. */
  if (rd32 (APLIC_DOMAINCFG) == 0)
    plic (h, first);
  else
    {
      imsic (h, first);
      aplic (h, first);
    }
}

/* ---- the disk ---- */

static void
open_queue (u32 index, u32 step)
{
  struct queue *q = &g.queues[index];

  MMIO (u16, g.common + 22) = (u16) index;
  if (MMIO (u16, g.common + 24) < NUM)
    bad ("size of the queue", index, MMIO (u16, g.common + 24), NUM);
  MMIO (u16, g.common + 24) = NUM;
  MMIO (u64, g.common + 32) = (u64) q->desc;
  MMIO (u64, g.common + 40) = (u64) &q->avail;
  MMIO (u64, g.common + 48) = (u64) &q->used;
  q->bell = g.notify + (u64) step * MMIO (u16, g.common + 30);
  q->avail.flags = 1; /* we look for ourselves */
  MMIO (u16, g.common + 28) = 1;
}

static u32
queues_offered (void)
{
  return MMIO (u16, g.config + 34);
}

static void
open_disk (u32 step)
{
  u32 offered, more;

  wr8 (g.common + 20, 0);
  while (rd8 (g.common + 20))
    relax ();
  wr8 (g.common + 20, 1);
  wr8 (g.common + 20, 3);
  wr32 (g.common, 0);
  offered = rd32 (g.common + 4) & 1u << 12; /* VIRTIO_BLK_F_MQ */
  wr32 (g.common, 1);
  more = rd32 (g.common + 4) & 3; /* VIRTIO_F_VERSION_1, VIRTIO_F_ACCESS_PLATFORM */
  wr32 (g.common + 8, 0);
  wr32 (g.common + 12, offered);
  wr32 (g.common + 8, 1);
  wr32 (g.common + 12, more);
  wr8 (g.common + 20, 11);
  if (rd8 (g.common + 20) != 11)
    bad ("status", 0, rd8 (g.common + 20), 11);
  g.n_queues = offered ? queues_offered () : 1;
  if (g.n_queues > QUEUES)
    g.n_queues = QUEUES;
  for (u32 i = 0; i < g.n_queues; i++)
    open_queue (i, step);
  wr8 (g.common + 20, 15);
}

static struct queue *
queue_of (u32 n)
{
  return &g.queues[(n / EACH + n % EACH * g.n_harts) % g.n_queues];
}

static u64
pattern (u32 n, u64 round, u32 i)
{
  return round << 24 | n << 16 | i;
}

static void
send (u32 n, u32 type)
{
  struct slot *s = &g.slots[n];
  struct queue *q = queue_of (n);
  u32 d = 3 * n;

  s->header.type = type;
  s->header.sector = n * (BLOCK / 512);
  s->status = 0xff;
  s->state = IN_FLIGHT;
  s->sent++;
  take (&q->lock);
  q->desc[d].address = (u64) &s->header;
  q->desc[d].size = 16;
  q->desc[d].flags = 1;
  q->desc[d].next = (u16) (d + 1);
  q->desc[d + 1].address = (u64) s->data;
  q->desc[d + 1].size = BLOCK;
  q->desc[d + 1].flags = type == OUT ? 1 : 3;
  q->desc[d + 1].next = (u16) (d + 2);
  q->desc[d + 2].address = (u64) &s->status;
  q->desc[d + 2].size = 1;
  q->desc[d + 2].flags = 2;
  q->avail.ring[q->avail.index % NUM] = (u16) d;
  fence ();
  *(volatile u16 *) &q->avail.index = (u16) (q->avail.index + 1);
  fence ();
  leave (&q->lock);
  MMIO (u16, q->bell) = (u16) (q - g.queues);
}

/* Whoever looks takes what there is, whose slot it may be. */
static void
collect (struct queue *q)
{
  take (&q->lock);
  while (*(volatile u16 *) &q->used.index != q->seen)
    {
      u32 id, n;

      fence ();
      id = q->used.ring[q->seen % NUM].id;
      n = id / 3;
      if (id % 3 || n >= SLOTS || queue_of (n) != q)
        bad ("used entry", (u64) (q - g.queues), id, 0);
      if (__atomic_load_n (&g.slots[n].state, __ATOMIC_ACQUIRE) != IN_FLIGHT)
        bad ("an answer to nothing, slot", n, g.slots[n].answered, g.slots[n].sent);
      g.slots[n].size = q->used.ring[q->seen % NUM].size;
      g.slots[n].answered++;
      q->seen++;
      __atomic_store_n (&g.slots[n].state, ANSWERED, __ATOMIC_RELEASE);
    }
  leave (&q->lock);
}

static void
next_write (u32 n)
{
  struct slot *s = &g.slots[n];

  for (u32 i = 0; i < BLOCK / 8; i++)
    s->data[i] = pattern (n, s->rounds + 1, i);
  send (n, OUT);
}

static void
answered (u32 n)
{
  struct slot *s = &g.slots[n];
  u32 type = s->header.type;

  s->state = AT_REST;
  if (s->status != 0)
    bad ("status of slot", n, s->status, 0);
  if (s->size != (type == OUT ? 1 : BLOCK + 1))
    bad ("bytes written for slot", n, s->size, type);
  if (type == OUT)
    {
      for (u32 i = 0; i < BLOCK / 8; i++)
        s->data[i] = ~0ul;
      send (n, IN);
      return;
    }
  for (u32 i = 0; i < BLOCK / 8; i++)
    if (s->data[i] != pattern (n, s->rounds + 1, i))
      bad ("what was read, slot", n << 16 | i, s->data[i], pattern (n, s->rounds + 1, i));
  __atomic_store_n (&s->rounds, s->rounds + 1, __ATOMIC_RELEASE);
}

/* ---- harts ---- */

/* Which extensions there are, by whether an instruction of them traps. */
static u32
extensions (void)
{
  return (TRAP_ASM (".4byte 0x207322b3") == NO_TRAP)        /* Zba: sh1add */
         | (TRAP_ASM (".4byte 0x407372b3") == NO_TRAP) << 1 /* Zbb: andn */
         | (TRAP_ASM (".4byte 0x0a7312b3") == NO_TRAP) << 2 /* Zbc: clmul */
         | (TRAP_ASM (".4byte 0x287312b3") == NO_TRAP) << 3 /* Zbs: bset */;
}

/* Sleep for two milliseconds: whoever does the requests may have no other processor. */
static void
nap (u32 h)
{
  MMIO (u64, MTIMECMP (h)) = now () + MTIME_HZ / 500;
  csr_set (mie, 1u << 7);
  asm volatile ("wfi");
  csr_clear (mie, 1u << 7);
}

/* One turn of hart H; 0 when it has nothing more to do. */
static int
turn (u32 h)
{
  int busy = 0, idle = 1;

  if (extensions () != g.extensions)
    bad ("extensions of hart", h, extensions (), g.extensions);
  controllers (h, 0);
  if (g.n_queues == 0)
    {
      nap (h);
      return !__atomic_load_n (&g.stopping, __ATOMIC_ACQUIRE);
    }
  for (u32 n = h * EACH; n < (h + 1) * EACH; n++)
    {
      u32 state;

      collect (queue_of (n));
      state = __atomic_load_n (&g.slots[n].state, __ATOMIC_ACQUIRE);
      if (state == ANSWERED)
        answered (n);
      else if (state == AT_REST && !__atomic_load_n (&g.stopping, __ATOMIC_ACQUIRE))
        next_write (n);
      busy |= g.slots[n].state != AT_REST;
      idle &= state == IN_FLIGHT;
    }
  if (idle)
    nap (h);
  return busy || !__atomic_load_n (&g.stopping, __ATOMIC_ACQUIRE);
}

static void
work (u64 h)
{
  controllers ((u32) h, 1);
  while (turn ((u32) h))
    ;
  __atomic_store_n (&g.finished[h], 1, __ATOMIC_RELEASE);
}

/* ---- hart 0 ---- */

static void
go_round (void)
{
  for (u32 i = 0; i < PAGES; i++)
    {
      if (g.memory[i][0] != g.passes)
        bad ("page", i, g.memory[i][0], g.passes);
      g.memory[i][0]++;
    }
  g.passes++;
}

static u64
slowest (void)
{
  u64 least = g.n_queues ? -1ul : g.passes;

  for (u32 n = 0; g.n_queues && n < EACH * g.n_harts; n++)
    {
      u64 rounds = __atomic_load_n (&g.slots[n].rounds, __ATOMIC_ACQUIRE);
      if (rounds < least)
        least = rounds;
    }
  return least;
}

static void
obey (void)
{
  u8 c;

  if (!(rd8 (UART + 5) & 1))
    return;
  c = rd8 (UART);
  if (c == 'q')
    __atomic_store_n (&g.stopping, 1, __ATOMIC_RELEASE);
  else if (c == 's')
    {
      take (&g.lock);
      number ("[", slowest ());
      print ("]\n");
      leave (&g.lock);
    }
}

static u32
cpus (void)
{
  MMIO (u16, FW_CFG + 8) = 0x0500; /* FW_CFG_NB_CPUS, big-endian */
  return rd8 (FW_CFG) | (u32) rd8 (FW_CFG) << 8;
}

static void
the_end (void)
{
  u64 sent = 0, got = 0;

  for (u32 h = 0; h < g.n_harts; h++)
    while (!__atomic_load_n (&g.finished[h], __ATOMIC_ACQUIRE))
      relax ();
  for (u32 i = 0; i < g.n_queues; i++)
    {
      collect (&g.queues[i]);
      got += g.queues[i].seen;
    }
  for (u32 n = 0; n < SLOTS; n++)
    {
      sent += g.slots[n].sent;
      if (g.slots[n].answered != g.slots[n].sent)
        bad ("answers to slot", n, g.slots[n].answered, g.slots[n].sent);
    }
  number ("end sent=", sent);
  number (" rounds=", g.passes);
  for (u32 n = 0; g.n_queues && n < EACH * g.n_harts; n++)
    number (n ? "," : " slots=", g.slots[n].rounds);
  print ("\n");
}

void
test (void)
{
  u32 step = 0;

  /* After a reset there is something. */
  for (u64 *p = (u64 *) &g; p < (u64 *) (&g + 1); p++)
    *(volatile u64 *) p = 0;
  g.n_harts = cpus ();
  g.extensions = extensions ();
  find (&step);
  if (g.common)
    open_disk (step);
  for (u32 i = 0; i < g.n_functions; i++)
    look (&g.functions[i], 1);
  number ("ready harts=", g.n_harts);
  number (" queues=", g.n_queues);
  number (" extensions=", g.extensions);
  for (u32 i = 0; i < g.n_functions; i++)
    number (" mask=", g.functions[i].words[WORDS / 2 + 2]);
  print ("\n");
  for (u32 h = 1; h < g.n_harts; h++)
    hart_start (h, work, h);
  controllers (0, 1);
  for (u32 turns = 0; turn (0); turns++)
    {
      if (g.bad)
        for (;;)
          asm volatile ("wfi");
      go_round ();
      obey ();
      if (turns % 64 == 0)
        for (u32 i = 0; i < g.n_functions; i++)
          look (&g.functions[i], 0);
      if (turns % 64 == 32 && g.config && g.n_queues > 1 && queues_offered () != g.n_queues)
        bad ("number of queues", 0, queues_offered (), g.n_queues);
    }
  g.finished[0] = 1;
  the_end ();
}
