/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packed virtqueues, virtio 1.2 §2.8: one ring that both sides write, and a structure of each side
 * that says when it wants to hear from the other.  It must not know what is in a buffer, nor which
 * transport there is.
 */
#include "virtio.h"

#include <string.h>

/* Event suppression, §2.8.14: offset in the ring with its wrap counter, then flags. */
#define EVENT_OFF_WRAP 0
#define EVENT_FLAGS 2
#define EVENT_ENABLE 0u
#define EVENT_DISABLE 1u
#define EVENT_DESC 2u

const char *
packed_map (struct gwt_virtq *q)
{
  struct virtq_state *s = q->s;
  const char *why;

  if ((s->desc & 15) || (s->driver & 3) || (s->device & 3))
    return "a ring that is not aligned";
  if ((why = area_map (q, &q->desc, s->desc, 16ull * s->num, 1)) != NULL
      || (why = area_map (q, &q->driver, s->driver, 4, 0)) != NULL
      || (why = area_map (q, &q->device, s->device, 4, 1)) != NULL)
    return why;
  return NULL;
}

/* ---- what the driver made available -----------------------------------------------------------
 */

static uint32_t
is_available (struct gwt_virtq *q)
{
  const struct virtq_state *s = q->s;
  uint16_t flags = ring_load16 (&q->desc, 16ull * s->last_avail + 14, __ATOMIC_ACQUIRE);

  return !!(flags & DESC_AVAIL) == s->avail_wrap && !!(flags & DESC_USED) != s->avail_wrap;
}

/* As in a split queue: where there is nothing the driver is asked to say when there is. */
static uint32_t
look (struct gwt_virtq *q)
{
  const struct virtq_state *s = q->s;
  uint16_t place = (uint16_t) (s->last_avail | s->avail_wrap << 15);

  if (is_available (q))
    return 1;
  if (!q->event_idx || s->no_notify || q->event_at == place)
    return 0;
  ring_store16 (&q->device, EVENT_OFF_WRAP, place, __ATOMIC_RELAXED);
  ring_store16 (&q->device, EVENT_FLAGS, EVENT_DESC, __ATOMIC_RELEASE);
  area_written (q, &q->device, 0, 4);
  q->event_at = place;
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  return is_available (q);
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

/* §2.8.8: entries one behind the other, of whose flags only WRITE counts. */
static const char *
walk_indirect (struct gwt_virtq *q, struct chain *c, const struct virtq_desc *head)
{
  struct area table = { 0, 0, NULL };
  const char *why = indirect_map (q, &table, head->address, head->size, head->b);
  struct virtq_desc d;
  uint32_t i;

  for (i = 0; why == NULL && i < head->size / 16; i++)
    {
      load_desc (&table, i, &d);
      why = chain_add (q, c, d.address, d.size, d.b & DESC_WRITE);
    }
  area_unmap (q, &table);
  return why;
}

const char *
packed_pop (struct gwt_virtq *q, struct chain *c, uint32_t *found)
{
  struct virtq_state *s = q->s;
  uint16_t place = s->last_avail, wrap = s->avail_wrap;
  struct virtq_desc d;
  const char *why;
  uint32_t count = 0;

  if (!look (q))
    return NULL;
  do
    {
      if (q->in_use + ++count > s->num)
        return count > s->num ? "a loop of descriptors" : "more chains than the queue has room for";
      load_desc (&q->desc, place, &d);
      if (d.b & DESC_INDIRECT)
        why = walk_indirect (q, c, &d);
      else
        why = chain_add (q, c, d.address, d.size, d.b & DESC_WRITE);
      if (why)
        return why;
      if (++place == s->num)
        {
          place = 0;
          wrap ^= 1;
        }
    }
  while (d.b & DESC_NEXT);
  c->id = d.a; /* the last one has the buffer's id, §2.8.6 */
  c->slots = (uint16_t) count;
  s->last_avail = place;
  s->avail_wrap = wrap;
  *found = 1;
  return NULL;
}

void
packed_unpop (struct gwt_virtq *q, const struct chain *c)
{
  struct virtq_state *s = q->s;

  if (s->last_avail < c->slots)
    {
      s->last_avail = (uint16_t) (s->last_avail + s->num);
      s->avail_wrap ^= 1;
    }
  s->last_avail = (uint16_t) (s->last_avail - c->slots);
}

/* ---- what the device used ---------------------------------------------------------------------
 */

void
packed_use (struct gwt_virtq *q, const struct chain *c)
{
  struct virtq_state *s = q->s;
  uint64_t at = 16ull * s->used_idx;
  uint16_t flags = s->used_wrap ? DESC_AVAIL | DESC_USED : 0;

  if (c->written)
    flags |= DESC_WRITE;
  ring_store32 (&q->desc, at + 8, c->written > UINT32_MAX ? UINT32_MAX : (uint32_t) c->written);
  ring_store16 (&q->desc, at + 12, c->id, __ATOMIC_RELAXED);
  /* The flags give it to the driver: last, and those of the first one after all that follow it. */
  if (q->unpublished)
    ring_store16 (&q->desc, at + 14, flags, __ATOMIC_RELEASE);
  else
    {
      q->unpublished = 1;
      q->first_at = at + 14;
      q->first_flags = flags;
    }
  s->used_idx = (uint16_t) (s->used_idx + c->slots);
  if (s->used_idx >= s->num)
    {
      s->used_idx = (uint16_t) (s->used_idx - s->num);
      s->used_wrap ^= 1;
    }
  s->used_since = (uint16_t) (s->used_since + c->slots);
}

void
packed_publish (struct gwt_virtq *q)
{
  uint64_t end = 16ull * q->s->used_idx;

  if (!q->unpublished)
    return;
  q->unpublished = 0;
  ring_store16 (&q->desc, q->first_at, q->first_flags, __ATOMIC_RELEASE);
  if (end > q->first_at)
    area_written (q, &q->desc, q->first_at - 6, end - q->first_at + 6);
  else
    area_written (q, &q->desc, 0, q->desc.size);
}

uint32_t
packed_wants_interrupt (struct gwt_virtq *q)
{
  const struct virtq_state *s = q->s;
  uint16_t flags = ring_load16 (&q->driver, EVENT_FLAGS, __ATOMIC_ACQUIRE) & 3, place, event;

  if (flags == EVENT_DISABLE)
    return 0;
  if (flags != EVENT_DESC || !q->event_idx)
    return 1;
  place = ring_load16 (&q->driver, EVENT_OFF_WRAP, __ATOMIC_RELAXED);
  event = place & 0x7fff;
  /* A place of the round before this one. */
  if (place >> 15 != s->used_wrap)
    event = (uint16_t) (event - s->num);
  return event_passed (event, s->used_idx, (uint16_t) (s->used_idx - s->used_since));
}

void
packed_want_notify (struct gwt_virtq *q)
{
  /* Enabled for all; look () narrows it to one place. */
  ring_store16 (&q->device, EVENT_FLAGS, q->s->no_notify ? EVENT_DISABLE : EVENT_ENABLE,
                __ATOMIC_RELAXED);
  area_written (q, &q->device, EVENT_FLAGS, 2);
}
