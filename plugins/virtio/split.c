/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues, virtio 1.2 §2.7: a descriptor table, a ring of the driver's, a ring of the
 * device's.  It must not know what is in a buffer, nor which transport there is.
 */
#include "virtio.h"

#include <string.h>

/* Offsets in the driver's (available) and the device's (used) ring: flags, index, entries. */
#define RING_FLAGS 0
#define RING_INDEX 2
#define RING_ENTRIES 4
#define USED_NO_NOTIFY 1u
#define AVAIL_NO_INTERRUPT 1u

static uint64_t
used_event_offset (const struct gwt_virtq *q)
{
  return RING_ENTRIES + 2ull * q->s->num;
}

static uint64_t
avail_event_offset (const struct gwt_virtq *q)
{
  return RING_ENTRIES + 8ull * q->s->num;
}

const char *
split_map (struct gwt_virtq *q)
{
  const struct virtq_state *s = q->s;
  uint32_t event = q->event_idx ? 2 : 0;
  const char *why;

  if ((s->num & (s->num - 1)) != 0)
    return "a queue size that is no power of two";
  if ((s->desc & 15) || (s->driver & 1) || (s->device & 3))
    return "a ring that is not aligned";
  if ((why = area_map (q, &q->desc, s->desc, 16ull * s->num, 0)) != NULL
      || (why = area_map (q, &q->driver, s->driver, RING_ENTRIES + 2ull * s->num + event, 0))
             != NULL
      || (why = area_map (q, &q->device, s->device, RING_ENTRIES + 8ull * s->num + event, 1))
             != NULL)
    return why;
  q->shadow = s->last_avail;
  return NULL;
}

/* ---- the driver's ring ------------------------------------------------------------------------
 */

/* Is there more than was seen before?  Where there is not, the driver is asked to say so when there
   is; only then, so that a queue which is served in a batch gets one notification. */
static const char *
look (struct gwt_virtq *q)
{
  struct virtq_state *s = q->s;
  uint16_t index = ring_load16 (&q->driver, RING_INDEX, __ATOMIC_ACQUIRE);

  if (index == s->last_avail && q->event_idx && !s->no_notify && q->event_at != index)
    {
      uint64_t at = avail_event_offset (q);

      ring_store16 (&q->device, at, index, __ATOMIC_RELAXED);
      area_written (q, &q->device, at, 2);
      q->event_at = index;
      /* The driver stores its index and loads this event, we the other way round: one of the two
         sees the other's (§2.7.13.4.1). */
      __atomic_thread_fence (__ATOMIC_SEQ_CST);
      index = ring_load16 (&q->driver, RING_INDEX, __ATOMIC_ACQUIRE);
    }
  if ((uint16_t) (index - s->last_avail) > s->num)
    return "an available index that jumps";
  q->shadow = index;
  return NULL;
}

static void
load_desc (const struct area *table, uint32_t i, struct virtq_desc *d)
{
  memcpy (d, table->host + 16ull * i, sizeof *d);
  d->address = LE64 (d->address);
  d->size = LE32 (d->size);
  d->a = LE16 (d->a);
  d->b = LE16 (d->b);
}

/* The chain that begins at HEAD of the queue's table. */
static const char *
walk (struct gwt_virtq *q, struct chain *c, uint16_t head, struct area *indirect)
{
  const struct area *table = &q->desc;
  uint32_t entries = q->s->num, i = head, count = 0;
  struct virtq_desc d;
  const char *why;

  for (;;)
    {
      if (i >= entries)
        return "a descriptor beyond the table";
      if (count++ == entries)
        return "a loop of descriptors";
      load_desc (table, i, &d);
      if (d.a & DESC_INDIRECT)
        {
          if (table == indirect)
            return "an indirect table in an indirect table";
          if ((why = indirect_map (q, indirect, d.address, d.size, d.a)) != NULL)
            return why;
          table = indirect;
          entries = d.size / 16;
          i = count = 0;
          continue;
        }
      if ((why = chain_add (q, c, d.address, d.size, d.a & DESC_WRITE)) != NULL)
        return why;
      if (!(d.a & DESC_NEXT))
        return NULL;
      i = d.b;
    }
}

const char *
split_pop (struct gwt_virtq *q, struct chain *c, uint32_t *found)
{
  struct virtq_state *s = q->s;
  struct area indirect = { 0, 0, NULL };
  const char *why;
  uint16_t head;

  if (s->last_avail == q->shadow && (why = look (q)) != NULL)
    return why;
  if (s->last_avail == q->shadow)
    return NULL;
  if (q->in_use >= s->num)
    return "more chains than the queue has room for";
  head = ring_load16 (&q->driver, RING_ENTRIES + 2ull * (s->last_avail & (s->num - 1u)),
                      __ATOMIC_RELAXED);
  why = walk (q, c, head, &indirect);
  area_unmap (q, &indirect);
  if (why)
    return why;
  c->id = head;
  c->slots = 1;
  s->last_avail++;
  *found = 1;
  return NULL;
}

/* ---- the device's ring ------------------------------------------------------------------------
 */

void
split_use (struct gwt_virtq *q, const struct chain *c)
{
  struct virtq_state *s = q->s;
  uint64_t at = RING_ENTRIES + 8ull * (s->used_idx & (s->num - 1u));

  ring_store32 (&q->device, at, c->id);
  ring_store32 (&q->device, at + 4, c->written > UINT32_MAX ? UINT32_MAX : (uint32_t) c->written);
  s->used_idx++;
  s->used_since++;
}

void
split_publish (struct gwt_virtq *q)
{
  /* The entries, and the buffers' content, before the index. */
  ring_store16 (&q->device, RING_INDEX, q->s->used_idx, __ATOMIC_RELEASE);
  /* All of it: to tell which pages entries were in would cost more than it saves. */
  area_written (q, &q->device, 0, q->device.size);
}

uint32_t
split_wants_interrupt (struct gwt_virtq *q)
{
  const struct virtq_state *s = q->s;

  if (q->event_idx)
    return event_passed (ring_load16 (&q->driver, used_event_offset (q), __ATOMIC_RELAXED),
                         s->used_idx, (uint16_t) (s->used_idx - s->used_since));
  return !(ring_load16 (&q->driver, RING_FLAGS, __ATOMIC_RELAXED) & AVAIL_NO_INTERRUPT);
}

void
split_want_notify (struct gwt_virtq *q)
{
  /* With event indices the flags stay 0 (§2.7.10); look () asks. */
  ring_store16 (&q->device, RING_FLAGS, q->s->no_notify && !q->event_idx ? USED_NO_NOTIFY : 0,
                __ATOMIC_RELAXED);
  area_written (q, &q->device, RING_FLAGS, 2);
}
