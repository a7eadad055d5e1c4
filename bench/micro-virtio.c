/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the virtio plugin costs, in ns: a notification's way to the device, and a chain's way out of
 * the driver's ring and back, with the shapes that block and network drivers use.  No guest: a few
 * lines fill the ring, and their time is not counted.
 */
#include "tests/virtio/virtio-bench.h"

#include <stdio.h>

#define PACKED (UINT64_C (1) << 34)
#define EVENT_IDX (UINT64_C (1) << 29)
#define INDIRECT (UINT64_C (1) << 28)
#define ROUNDS 40000u
#define BATCH 8u

static uint64_t
now (void)
{
  return gwt_clock_now (GWT_CLOCK_REAL);
}

static void
result (const char *what, uint64_t ns, double count)
{
  printf ("%-52s %8.1f ns\n", what, (double) ns / count);
}

/* Sizes of the buffers of a chain, up to 0; the last but one of three and the last are written. */
static const uint32_t one[] = { 1526, 0 }, request[] = { 16, 4096, 1, 0 };

static uint8_t *memory;

static void
put (uint64_t at, const void *data, size_t size)
{
  memcpy (memory + (at - RAM), data, size);
}

static void
put_desc (uint64_t at, uint64_t address, uint32_t size, uint16_t a, uint16_t b)
{
  put (at, &address, 8);
  put (at + 8, &size, 4);
  put (at + 12, &a, 2);
  put (at + 14, &b, 2);
}

/* BATCH chains at the same place each time; the ring has as many entries as that takes. */
static void
fill (struct vdriver *d, const uint32_t *sizes, bool packed, bool indirect, uint16_t *wrap)
{
  unsigned n = sizes[1] ? 3 : 1, place = 0;
  uint16_t flags = packed ? (*wrap ? 0x80 : 0x8000) : 0;
  for (unsigned c = 0; c < BATCH; c++)
    {
      uint64_t table = indirect ? RAM + 0x60000 + 0x100 * c : AREA (0, 0) + 16 * place;
      unsigned head = place;
      for (unsigned i = 0; i < n; i++)
        {
          uint16_t f = (n == 1 || i > 0 ? 2 : 0) | (i + 1 < n ? 1 : 0);
          uint64_t buffer = BUFFERS + 0x2000 * c + 0x1800 * (i == 1) + 0x10 * (i == 2);
          if (packed)
            put_desc (table + 16 * i, buffer & ~UINT64_C (0xfff), sizes[i], (uint16_t) head,
                      indirect ? f & 2 : f | flags);
          else
            put_desc (table + 16 * i, buffer & ~UINT64_C (0xfff), sizes[i], f,
                      (uint16_t) ((indirect ? 0 : head) + i + 1));
        }
      if (indirect && packed)
        put_desc (AREA (0, 0) + 16 * head, table, 16 * n, (uint16_t) head, 4 | flags);
      else if (indirect)
        put_desc (AREA (0, 0) + 16 * head, table, 16 * n, 4, 0);
      place += indirect ? 1 : n;
      if (!packed)
        {
          uint16_t id = (uint16_t) head;
          put (AREA (0, 1) + 4 + 2 * (d->next++ % d->num), &id, 2);
        }
    }
  if (packed)
    *wrap ^= 1;
  else
    put (AREA (0, 1) + 2, &d->next, 2);
}

static void
bench_chains (const char *what, const uint32_t *sizes, uint64_t features)
{
  struct vdriver d;
  uint64_t total = 0;
  uint16_t wrap = 1;
  bool packed = features & PACKED, indirect = features & INDIRECT;
  vdriver_new (&d, false, ",packed=on");
  vdriver_msix (&d, 4);
  memory = ram (RAM);
  g_assert_true (vdriver_negotiate (&d, features | VERSION_1));
  unsigned entries = BATCH * (sizes[1] && !indirect ? 3 : 1);
  vdriver_queue (&d, 0, (uint16_t) (packed ? entries : entries > 16 ? 32 : 16), 1);
  store (COMMON + R_STATUS, 1, OK_STATUS);
  g_assert_cmphex (status (), ==, OK_STATUS);
  for (guint i = 0; i < ROUNDS; i++)
    {
      struct gwt_virtq *q = d.probe->queue[0];
      fill (&d, sizes, packed, indirect, &wrap);
      uint64_t begin = now ();
      for (guint k = 0; k < BATCH; k++)
        {
          struct gwt_virtq_chain *c = virtio->pop (q);
          if (c == NULL)
            g_error ("no chain %u in round %u, status %x", k, i, status ());
          virtio->push (q, c, c->writable_size);
        }
      if (virtio->pop (q) != NULL)
        g_error ("a chain too many");
      virtio->notify (q);
      total += now () - begin;
    }
  result (what, total, (double) ROUNDS * BATCH);
  bench_end ();
}

static void
bench_notify (void)
{
  struct vdriver d;
  vdriver_new (&d, false, "");
  vdriver_start (&d, 0, 0xffff);
  uint64_t begin = now ();
  for (guint i = 0; i < ROUNDS * BATCH; i++)
    gwt_memory_store (NOTIFY, 2, 0);
  result ("notification, PCI", now () - begin, ROUNDS * BATCH);
  bench_end ();
}

static void
bench_interrupt (void)
{
  struct vdriver d;
  vdriver_new (&d, false, "");
  vdriver_msix (&d, 4);
  vdriver_start (&d, 0, 1);
  uint64_t total = 0;
  for (guint i = 0; i < ROUNDS; i++)
    {
      vdriver_add (&d);
      struct gwt_virtq_chain *c = virtio->pop (d.probe->queue[0]);
      virtio->push (d.probe->queue[0], c, 8);
      uint64_t begin = now ();
      virtio->notify (d.probe->queue[0]);
      total += now () - begin;
    }
  result ("interrupt, MSI-X (with a look at the clock)", total, ROUNDS);
  bench_end ();
}

int
main (void)
{
  bench_notify ();
  bench_interrupt ();
  bench_chains ("split, 1 buffer", one, 0);
  bench_chains ("split, 1 buffer, event index", one, EVENT_IDX);
  bench_chains ("split, 3 buffers", request, 0);
  bench_chains ("split, 3 buffers, event index, indirect", request, EVENT_IDX | INDIRECT);
  bench_chains ("packed, 1 buffer, event index", one, EVENT_IDX | PACKED);
  bench_chains ("packed, 3 buffers, event index", request, EVENT_IDX | PACKED);
  bench_chains ("packed, 3 buffers, event index, indirect", request, EVENT_IDX | INDIRECT | PACKED);
  return 0;
}
