/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues: their rings and buffers in guest memory, chains from pop to push, when the driver is
 * told.  It must not know how a ring is laid out (split.c, packed.c), nor which transport there is.
 *
 * Rings stay mapped while a queue runs; their content is the guest's, who may change it at any
 * moment, so what is loaded is judged and used as loaded.
 */
#include "virtio.h"

#include <stdlib.h>
#include <string.h>

/* Chains of more buffers than this are freed instead of kept: a guest could make all so large. */
#define SPARE_ROOM 32

/* ---- guest memory -----------------------------------------------------------------------------
 */

static void *
dma_map (struct gwt_virtq *q, uint64_t address, uint64_t *size, uint32_t writable)
{
  return q->virtio->transport->dma_map (q->virtio, address, size, writable);
}

static void
dma_unmap (struct gwt_virtq *q, uint64_t address, uint64_t size, uint64_t written)
{
  q->virtio->transport->dma_unmap (q->virtio, address, size, written);
}

const char *
area_map (struct gwt_virtq *q, struct area *area, uint64_t address, uint64_t size,
          uint32_t writable)
{
  uint64_t got = size;

  area->host = dma_map (q, address, &got, writable);
  if (area->host == NULL)
    return "a ring or table outside RAM";
  area->address = address;
  area->size = got;
  if (got == size)
    return NULL;
  area_unmap (q, area);
  return "a ring or table that leaves RAM";
}

void
area_unmap (struct gwt_virtq *q, struct area *area)
{
  if (area->host)
    dma_unmap (q, area->address, area->size, 0);
  memset (area, 0, sizeof *area);
}

void
area_written (struct gwt_virtq *q, const struct area *area, uint64_t offset, uint64_t size)
{
  virtio_memory->dma_written (q->virtio->device, area->address, offset, size);
}

const char *
indirect_map (struct gwt_virtq *q, struct area *table, uint64_t address, uint32_t size,
              uint32_t flags)
{
  if (!q->indirect)
    return "an indirect table that was not negotiated";
  /* In a packed ring the flag NEXT is in the same place. */
  if (flags & DESC_NEXT)
    return "an indirect table with a next descriptor";
  if (size == 0 || size % 16 != 0)
    return "an indirect table that is no whole number of descriptors";
  return area_map (q, table, address, size, 0);
}

static uint32_t
chain_grow (struct chain *c)
{
  uint32_t room = c->room ? 2 * c->room : 8;
  struct gwt_iovec *iov = realloc (c->iov, room * sizeof *iov);
  uint64_t *address;

  if (iov == NULL)
    return 0;
  c->iov = iov;
  address = realloc (c->address, room * sizeof *address);
  if (address == NULL)
    return 0;
  c->address = address;
  c->room = room;
  return 1;
}

const char *
chain_add (struct gwt_virtq *q, struct chain *c, uint64_t address, uint32_t size, uint32_t writable)
{
  uint64_t left = size;

  if (size == 0)
    return "a buffer of no bytes";
  if (!writable && c->pub.n_writable)
    return "a readable buffer behind a writable one";
  if (address + (size - 1) < address)
    return "a buffer that wraps around";
  /* In pieces: RAM of several blocks may lie side by side. */
  while (left)
    {
      uint64_t got = left;
      void *base;

      if (c->n_iov == GWT_VIRTIO_BUFFERS_MAX)
        return "a chain of more than 1024 buffers";
      if (c->n_iov == c->room && !chain_grow (c))
        return "a chain that the host has no memory for";
      base = dma_map (q, address, &got, writable);
      if (base == NULL)
        return "a buffer outside RAM";
      c->iov[c->n_iov].base = base;
      c->iov[c->n_iov].size = got;
      c->address[c->n_iov++] = address;
      if (writable)
        {
          c->pub.n_writable++;
          c->pub.writable_size += got;
        }
      else
        {
          c->pub.n_readable++;
          c->pub.readable_size += got;
        }
      address += got;
      left -= got;
    }
  return NULL;
}

/* ---- chains -----------------------------------------------------------------------------------
 */

static void
chain_free (struct chain *c)
{
  free (c->iov);
  free (c->address);
  free (c);
}

static struct chain *
chain_new (struct gwt_virtq *q)
{
  struct chain *c = q->spare;

  if (c == NULL)
    return calloc (1, sizeof *c);
  q->spare = c->next;
  c->next = NULL;
  return c;
}

/* Unmap its buffers, the first WRITTEN bytes of those that can be written dirty, and keep it. */
static void
chain_release (struct gwt_virtq *q, struct chain *c, uint64_t written)
{
  uint32_t i;

  for (i = 0; i < c->n_iov; i++)
    {
      uint64_t size = c->iov[i].size, dirty = 0;

      if (i >= c->pub.n_readable)
        {
          dirty = written < size ? written : size;
          written -= dirty;
        }
      dma_unmap (q, c->address[i], size, dirty);
    }
  if (c->room > SPARE_ROOM)
    {
      chain_free (c);
      return;
    }
  c->n_iov = c->pub.n_readable = c->pub.n_writable = 0;
  c->pub.readable_size = c->pub.writable_size = 0;
  c->done = 0;
  c->loaded = c->waiting = 0;
  c->next = q->spare;
  q->spare = c;
}

static void
link_out (struct gwt_virtq *q, struct chain *c)
{
  c->prev = q->last;
  c->next = NULL;
  if (q->last)
    q->last->next = c;
  else
    q->first = c;
  q->last = c;
  q->in_use += c->slots;
}

static void
unlink_out (struct gwt_virtq *q, struct chain *c)
{
  if (c->prev)
    c->prev->next = c->next;
  else
    q->first = c->next;
  if (c->next)
    c->next->prev = c->prev;
  else
    q->last = c->prev;
  q->in_use -= c->slots;
}

/* ---- starting and stopping --------------------------------------------------------------------
 */

static uint32_t
overlap (uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
  return a < b ? b - a < a_size : a - b < b_size;
}

static const char *
map_rings (struct gwt_virtq *q)
{
  const char *why = q->packed ? packed_map (q) : split_map (q);

  if (why)
    return why;
  if (overlap (q->desc.address, q->desc.size, q->driver.address, q->driver.size)
      || overlap (q->desc.address, q->desc.size, q->device.address, q->device.size)
      || overlap (q->driver.address, q->driver.size, q->device.address, q->device.size))
    return "rings that overlap";
  return NULL;
}

static void
unmap_rings (struct gwt_virtq *q)
{
  area_unmap (q, &q->desc);
  area_unmap (q, &q->driver);
  area_unmap (q, &q->device);
}

static void
tell_want_notify (struct gwt_virtq *q)
{
  if (q->packed)
    packed_want_notify (q);
  else
    split_want_notify (q);
}

const char *
virtq_start (struct gwt_virtq *q, uint32_t fresh)
{
  uint64_t features = q->virtio->features;
  const char *why;

  pthread_mutex_lock (&q->lock);
  q->packed = !!(features & FEATURE_RING_PACKED);
  q->event_idx = !!(features & FEATURE_EVENT_IDX);
  q->indirect = !!(features & FEATURE_INDIRECT_DESC);
  q->in_order = !!(features & FEATURE_IN_ORDER);
  q->event_at = EVENT_NONE;
  q->unpublished = 0;
  if (q->s->num == 0 || q->s->num > q->size_max)
    why = "a queue size that is not offered";
  else
    why = map_rings (q);
  if (why)
    unmap_rings (q);
  else if (fresh)
    tell_want_notify (q);
  if (why == NULL)
    __atomic_store_n (&q->running, 1, __ATOMIC_RELEASE);
  pthread_mutex_unlock (&q->lock);
  return why;
}

void
virtq_stop (struct gwt_virtq *q)
{
  pthread_mutex_lock (&q->lock);
  __atomic_store_n (&q->running, 0, __ATOMIC_RELEASE);
  pthread_mutex_unlock (&q->lock);
}

void
virtq_clear (struct gwt_virtq *q)
{
  pthread_mutex_lock (&q->lock);
  while (q->first)
    {
      struct chain *c = q->first;

      /* Nobody says how much of it was written. */
      unlink_out (q, c);
      chain_release (q, c, UINT64_MAX);
    }
  q->n_waiting = 0;
  unmap_rings (q);
  pthread_mutex_unlock (&q->lock);
}

void
virtq_reset_state (struct gwt_virtq *q)
{
  memset (q->s, 0, sizeof *q->s);
  q->s->num = (uint16_t) q->size_max;
  /* §2.8.1: both counters begin with 1. */
  q->s->avail_wrap = q->s->used_wrap = 1;
}

void
virtq_free (struct gwt_virtq *q)
{
  struct chain *c;

  while ((c = q->spare) != NULL)
    {
      q->spare = c->next;
      chain_free (c);
    }
  pthread_mutex_destroy (&q->lock);
}

/* ---- for the device ---------------------------------------------------------------------------
 */

static uint32_t
is_served (struct gwt_virtq *q)
{
  return q->running && !(virtio_status (q->virtio) & STATUS_NEEDS_RESET);
}

/* All of its buffers are there. */
static void
chain_complete (struct gwt_virtq *q, struct chain *c)
{
  c->pub.struct_size = sizeof c->pub;
  c->pub.readable = c->iov;
  c->pub.writable = c->iov + c->pub.n_readable;
  link_out (q, c);
}

/* The oldest that came out of a stream and was not popped yet. */
static struct chain *
take_waiting (struct gwt_virtq *q)
{
  struct chain *c = q->first;

  while (!c->waiting)
    c = c->next;
  c->waiting = 0;
  q->n_waiting--;
  return c;
}

struct gwt_virtq_chain *
virtq_pop (struct gwt_virtq *q)
{
  const char *why = NULL;
  uint32_t found = 0;
  struct chain *c;

  pthread_mutex_lock (&q->lock);
  if (q->n_waiting)
    {
      c = is_served (q) ? take_waiting (q) : NULL;
      pthread_mutex_unlock (&q->lock);
      return c ? &c->pub : NULL;
    }
  c = is_served (q) ? chain_new (q) : NULL;
  if (c)
    {
      why = q->packed ? packed_pop (q, c, &found) : split_pop (q, c, &found);
      if (found)
        chain_complete (q, c);
      else
        {
          chain_release (q, c, 0);
          c = NULL;
        }
    }
  pthread_mutex_unlock (&q->lock);
  if (why)
    virtio_broken (q->virtio, why);
  return c ? &c->pub : NULL;
}

static void
use (struct gwt_virtq *q, struct chain *c)
{
  if (q->packed)
    packed_use (q, c);
  else
    split_use (q, c);
  unlink_out (q, c);
  chain_release (q, c, c->written);
}

void
virtq_push_all (struct gwt_virtq *q, struct gwt_virtq_chain *const *chains, const uint64_t *written,
                uint32_t n)
{
  uint32_t served, i;

  pthread_mutex_lock (&q->lock);
  served = is_served (q);
  for (i = 0; i < n; i++)
    {
      struct chain *c = (struct chain *) chains[i];

      c->written = written[i] < c->pub.writable_size ? written[i] : c->pub.writable_size;
      c->done = 1;
      if (!served)
        {
          unlink_out (q, c);
          chain_release (q, c, c->written);
        }
      else if (!q->in_order)
        use (q, c);
    }
  /* In order: these, and those that waited for them; or nothing yet. */
  if (served)
    {
      while (q->in_order && q->first && q->first->done)
        use (q, q->first);
      if (q->packed)
        packed_publish (q);
      else
        split_publish (q);
    }
  pthread_mutex_unlock (&q->lock);
}

void
virtq_push (struct gwt_virtq *q, struct gwt_virtq_chain *chain, uint64_t written)
{
  virtq_push_all (q, &chain, &written, 1);
}

void
virtq_unpop (struct gwt_virtq *q, struct gwt_virtq_chain *chain)
{
  struct chain *c = (struct chain *) chain;
  uint32_t wrong;

  pthread_mutex_lock (&q->lock);
  if (c->loaded)
    {
      c->waiting = 1;
      q->n_waiting++;
      pthread_mutex_unlock (&q->lock);
      return;
    }
  /* A younger one is out: the driver's ring cannot be taken back to before this one. */
  wrong = c != q->last;
  if (!wrong && q->packed)
    packed_unpop (q, c);
  else if (!wrong)
    q->s->last_avail--;
  unlink_out (q, c);
  chain_release (q, c, 0);
  pthread_mutex_unlock (&q->lock);
  if (wrong)
    virtio_broken (q->virtio, "the device gave back a chain out of turn");
}

void
virtq_notify (struct gwt_virtq *q)
{
  uint32_t wants = 0;

  pthread_mutex_lock (&q->lock);
  if (is_served (q) && q->s->used_since)
    {
      /* The driver stores what it wants and then looks at the ring, we the other way round. */
      __atomic_thread_fence (__ATOMIC_SEQ_CST);
      wants = q->packed ? packed_wants_interrupt (q) : split_wants_interrupt (q);
      q->s->used_since = 0;
      if (wants)
        virtio_isr_raise (q->virtio, ISR_QUEUE);
    }
  pthread_mutex_unlock (&q->lock);
  if (wants)
    virtio_queue_interrupt (q->virtio, q->index);
}

void
virtq_want_notify (struct gwt_virtq *q, uint32_t on)
{
  pthread_mutex_lock (&q->lock);
  if (is_served (q) && q->s->no_notify != !on)
    {
      q->s->no_notify = !on;
      q->event_at = EVENT_NONE;
      tell_want_notify (q);
      /* Before the next look at the driver's ring. */
      __atomic_thread_fence (__ATOMIC_SEQ_CST);
    }
  pthread_mutex_unlock (&q->lock);
}

/* ---- state ------------------------------------------------------------------------------------
 */

struct gwt_virtq_chain *
virtq_next_out (struct gwt_virtq *q, struct gwt_virtq_chain *chain)
{
  struct chain *c = chain ? ((struct chain *) chain)->next : q->first;

  return c && q->running && virtio_is_served (q->virtio) ? &c->pub : NULL;
}

const char *
virtq_restore (struct gwt_virtq *q, const struct loaded_chain *from)
{
  const char *why = NULL;
  struct chain *c;
  uint32_t i;

  pthread_mutex_lock (&q->lock);
  c = chain_new (q);
  if (c == NULL)
    why = "a chain that the host has no memory for";
  for (i = 0; i < from->n && why == NULL; i++)
    why = chain_add (q, c, from->buffers[i].address, (uint32_t) from->buffers[i].size,
                     i >= from->n_readable);
  if (c && why)
    chain_release (q, c, 0);
  else if (c)
    {
      c->id = (uint16_t) from->id;
      c->slots = (uint16_t) from->slots;
      c->loaded = c->waiting = 1;
      q->n_waiting++;
      chain_complete (q, c);
    }
  pthread_mutex_unlock (&q->lock);
  return why;
}
