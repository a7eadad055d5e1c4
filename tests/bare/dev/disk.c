/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio disk in a slot, two queues: requests from two harts at once, each kind of answer, and
   resets while requests are in flight and another hart rings the bell. */
#include "bare.h"

#define SLOT(n) (0x10001000ul + 0x1000 * (n))
#define SLOTS 8
#define NUM 8 /* entries of a queue */
#define BLOCK 4096
#define SECTORS 2048 /* of the disk; see tests/bare/list */
#define ROUNDS 100

enum
{
  IN = 0,
  OUT = 1,
  FLUSH = 4,
  GET_ID = 8
};

/* A split queue, virtio 1.2 2.7; one request of three descriptors for each pair of NUM. */
struct queue
{
  struct
  {
    u64 address;
    u32 size;
    u16 flags, next;
  } desc[NUM * 4] __attribute__ ((aligned (64)));
  struct
  {
    u16 flags, index, ring[NUM * 4 + 1];
  } avail __attribute__ ((aligned (64)));
  struct
  {
    u16 flags, index;
    struct
    {
      u32 id, size;
    } ring[NUM * 4];
    u16 event;
  } used __attribute__ ((aligned (64)));
  struct
  {
    u32 type, reserved;
    u64 sector;
  } header[NUM];
  u8 status[NUM];
  u16 seen;
  u8 data[NUM][BLOCK] __attribute__ ((aligned (64)));
};

static struct queue queues[2];
static u64 slot;
static u64 stop; /* for the hart that rings */

static void
open_queue (u32 index)
{
  struct queue *q = &queues[index];
  u64 area[3] = { (u64) q->desc, (u64) &q->avail, (u64) &q->used };

  memset (&q->avail, 0, sizeof q->avail);
  memset (&q->used, 0, sizeof q->used);
  q->seen = 0;
  wr32 (slot + 0x30, index);
  CHECK (rd32 (slot + 0x34) >= NUM * 4);
  wr32 (slot + 0x38, NUM * 4);
  for (int i = 0; i < 3; i++)
    {
      wr32 (slot + 0x80 + 0x10 * i, (u32) area[i]);
      wr32 (slot + 0x84 + 0x10 * i, (u32) (area[i] >> 32));
    }
  wr32 (slot + 0x44, 1);
}

static void
reset (void)
{
  wr32 (slot + 0x70, 0);
  CHECK_SOON (rd32 (slot + 0x70), 0);
}

static void
start (void)
{
  reset ();
  wr32 (slot + 0x70, 1);
  wr32 (slot + 0x70, 3);
  /* VIRTIO_BLK_F_FLUSH and _MQ, VIRTIO_F_VERSION_1 */
  wr32 (slot + 0x24, 0);
  wr32 (slot + 0x20, 1 << 9 | 1 << 12);
  wr32 (slot + 0x24, 1);
  wr32 (slot + 0x20, 1);
  wr32 (slot + 0x70, 11);
  CHECK_EQ (rd32 (slot + 0x70), 11);
  open_queue (0);
  open_queue (1);
  wr32 (slot + 0x70, 15);
  CHECK_EQ (rd32 (slot + 0x70), 15);
}

/* Request N of a queue; SIZE bytes to or from its own buffer. */
static void
add (struct queue *q, u32 n, u32 type, u64 sector, u32 size)
{
  u32 d = 3 * n;

  q->header[n].type = type;
  q->header[n].reserved = 0;
  q->header[n].sector = sector;
  q->status[n] = 0xff;
  q->desc[d].address = (u64) &q->header[n];
  q->desc[d].size = 16;
  q->desc[d].flags = 1;
  q->desc[d].next = (u16) (size ? d + 1 : d + 2);
  q->desc[d + 1].address = (u64) q->data[n];
  q->desc[d + 1].size = size;
  q->desc[d + 1].flags = type == OUT ? 1 : 3;
  q->desc[d + 1].next = (u16) (d + 2);
  q->desc[d + 2].address = (u64) &q->status[n];
  q->desc[d + 2].size = 1;
  q->desc[d + 2].flags = 2;
  q->avail.ring[q->avail.index % (NUM * 4)] = (u16) d;
  fence ();
  *(volatile u16 *) &q->avail.index = (u16) (q->avail.index + 1);
  fence ();
}

static u16
used (struct queue *q)
{
  fence ();
  return *(volatile u16 *) &q->used.index;
}

/* COUNT more were used; they may take their time on a host that has other things to do. */
static void
wait_used (struct queue *q, u32 count)
{
  u16 want = (u16) (q->seen + count);

  for (int tries = 0; tries < 15 && !WAIT_FOR (used (q) == want); tries++)
    ;
  CHECK_EQ (used (q), want);
  q->seen = want;
}

/* One request alone; its status. */
static u32
request (u32 index, u32 type, u64 sector, u32 size)
{
  struct queue *q = &queues[index];

  add (q, 0, type, sector, size);
  wr32 (slot + 0x50, index);
  wait_used (q, 1);
  return q->status[0];
}

/* Each hart its queue: all that it has room for at once, again and again. */
static void
work (u64 index)
{
  struct queue *q = &queues[index];

  for (u32 round = 0; round < ROUNDS; round++)
    {
      u32 type = round & 1 ? OUT : IN;

      for (u32 n = 0; n < NUM; n++)
        {
          memset (q->data[n], 0xa5, BLOCK);
          add (q, n, type, (round * NUM + n) * 8 % SECTORS, BLOCK);
        }
      wr32 (slot + 0x50, (u32) index);
      wait_used (q, NUM);
      for (u32 n = 0; n < NUM; n++)
        {
          CHECK_EQ (q->status[n], 0);
          /* The disk is made of zeros. */
          CHECK_EQ (q->data[n][0], type == IN ? 0 : 0xa5);
          CHECK_EQ (q->data[n][BLOCK - 1], type == IN ? 0 : 0xa5);
        }
    }
}

/* Rings both bells, whatever the other hart does with the device. */
static void
ring (u64 arg)
{
  while (!__atomic_load_n (&stop, __ATOMIC_SEQ_CST))
    {
      wr32 (slot + 0x50, 0);
      wr32 (slot + 0x50, 1);
      if (rd32 (slot + 0x100) != SECTORS)
        CHECK_EQ (rd32 (slot + 0x100), SECTORS);
    }
}

static void
resets (void)
{
  struct queue *q = &queues[0];

  hart_start (1, ring, 0);
  for (u32 round = 0; round < ROUNDS; round++)
    {
      u16 at;

      start ();
      for (u32 n = 0; n < NUM; n++)
        add (q, n, IN, 8 * n, BLOCK);
      wr32 (slot + 0x50, 0);
      reset ();
      /* Nothing comes after the reset. */
      at = used (q);
      CHECK (at <= NUM);
      for (u32 n = 0; n < NUM; n++)
        memset (q->data[n], 0x5a, BLOCK);
      for (int i = 0; i < 1000; i++)
        relax ();
      CHECK_EQ (used (q), at);
      for (u32 n = 0; n < NUM; n++)
        CHECK_EQ (q->data[n][round * 31 % BLOCK], 0x5a);
    }
  __atomic_store_n (&stop, 1, __ATOMIC_SEQ_CST);
  hart_wait (1);
}

void
test (void)
{
  for (int n = SLOTS - 1; n >= 0 && slot == 0; n--)
    if (rd32 (SLOT (n)) == 0x74726976 && rd32 (SLOT (n) + 8) == 2)
      slot = SLOT (n);
  CHECK (slot != 0);
  CHECK_EQ (rd32 (slot + 4), 2);
  start ();
  CHECK_EQ (rd32 (slot + 0x100), SECTORS);
  CHECK_EQ (MMIO (u16, slot + 0x100 + 34), 2);
  /* Each kind of answer, from both queues. */
  for (u32 i = 0; i < 2; i++)
    {
      CHECK_EQ (request (i, IN, SECTORS - 8, BLOCK), 0);
      CHECK_EQ (request (i, IN, SECTORS - 7, BLOCK), 1);
      CHECK_EQ (request (i, OUT, ~0ul, BLOCK), 1);
      CHECK_EQ (request (i, OUT, 0, 500), 1);
      CHECK_EQ (request (i, FLUSH, 0, 0), 0);
      CHECK_EQ (request (i, 77, 0, 0), 2);
      CHECK_EQ (request (i, GET_ID, 0, 20), 0);
      CHECK_EQ (memcmp (queues[i].data[0], "BARE\0\0", 6), 0);
    }
  hart_start (1, work, 1);
  work (0);
  hart_wait (1);
  resets ();
  start ();
  CHECK_EQ (request (0, IN, 0, BLOCK), 0);
}
