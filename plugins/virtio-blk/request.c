/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests: from a chain to the back end and back, virtio 1.2 §5.2.6.  It must not know properties
 * or configuration space, nor what the back end does.
 *
 * The chain is the guest's memory: what decides anything is copied once before it is judged.  Data
 * is never copied: the back end gets the guest's own buffers.
 */
#include "virtio-blk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LE32(x) __builtin_bswap32 (x)
#define LE64(x) __builtin_bswap64 (x)
#else
#define LE32(x) (x)
#define LE64(x) (x)
#endif

/* ---- buffers ----------------------------------------------------------------------------------
 */

/* The first SIZE bytes at OFFSET of N buffers; how many there were. */
static uint64_t
copy_out (const struct gwt_iovec *iov, uint32_t n, uint64_t offset, void *to, uint64_t size)
{
  uint64_t done = 0;
  uint32_t i;

  for (i = 0; i < n && done < size; i++)
    {
      uint64_t part;

      if (offset >= iov[i].size)
        {
          offset -= iov[i].size;
          continue;
        }
      part = iov[i].size - offset;
      if (part > size - done)
        part = size - done;
      memcpy ((uint8_t *) to + done, (const uint8_t *) iov[i].base + offset, part);
      done += part;
      offset = 0;
    }
  return done;
}

static void
copy_in (const struct gwt_iovec *iov, uint32_t n, const void *from, uint64_t size)
{
  uint64_t done = 0;
  uint32_t i;

  for (i = 0; i < n && done < size; i++)
    {
      uint64_t part = iov[i].size < size - done ? iov[i].size : size - done;

      memcpy (iov[i].base, (const uint8_t *) from + done, part);
      done += part;
    }
}

/* R's data: SIZE bytes from SKIP on of N buffers.  Usually the header and the status have buffers
   of their own and the rest can be passed on as it is; else it is cut up in a copy of the list. */
static int
cut (struct vblk_request *r, const struct gwt_iovec *iov, uint32_t n, uint64_t skip, uint64_t size)
{
  uint32_t first = 0, count = 0;
  uint64_t left = size;

  while (first < n && skip >= iov[first].size)
    skip -= iov[first++].size;
  if (skip == 0)
    {
      while (left && iov[first + count].size <= left)
        left -= iov[first + count++].size;
      if (left == 0)
        {
          r->block.iov = iov + first;
          r->block.n_iov = count;
          return 1;
        }
    }
  r->own_iov = malloc ((n - first) * sizeof *iov);
  if (r->own_iov == NULL)
    return 0;
  for (count = 0, left = size; left; count++)
    {
      struct gwt_iovec *to = &r->own_iov[count];

      to->base = (uint8_t *) iov[first + count].base + skip;
      to->size = iov[first + count].size - skip;
      if (to->size > left)
        to->size = left;
      left -= to->size;
      skip = 0;
    }
  r->block.iov = r->own_iov;
  r->block.n_iov = count;
  return 1;
}

/* ---- the end of a request ---------------------------------------------------------------------
 */

static void
finish (struct vblk_queue *q, struct vblk_request *r, uint8_t status)
{
  *r->status = status;
  /* The status is the last byte, so all before it counts as written, whatever became of it. */
  vblk_virtio->push (q->virtq, r->chain, r->chain->writable_size);
  q->pushed = 1;
  free (r->own_iov);
  r->own_iov = NULL;
  r->chain = NULL;
  r->next = q->spare;
  q->spare = r;
}

static void
request_done (struct gwt_block_request *block)
{
  struct vblk_request *r = (struct vblk_request *) block;
  struct vblk_queue *q = block->opaque;
  uint32_t zeroes = block->op == GWT_BLOCK_DISCARD || block->op == GWT_BLOCK_WRITE_ZEROES;

  /* vblk_work () tells the driver, once for all that are done now. */
  if (!q->pushed)
    vblk_block->kick (q->back);
  finish (q, r,
          block->status == 0                                               ? STATUS_OK
          : zeroes && (block->status == ENOTSUP || block->status == ENOSYS) ? STATUS_UNSUPP
                                                                           : STATUS_IOERR);
}

/* ---- the beginning of a request ---------------------------------------------------------------
 */

static void
enqueue (struct vblk_queue *q, struct vblk_request *r, uint32_t op, uint64_t offset, uint64_t size)
{
  r->block.op = op;
  r->block.status = 0;
  r->block.offset = offset;
  r->block.size = size;
  q->batch[q->n_batch++] = &r->block;
}

/* SIZE bytes at SECTOR are whole blocks of the disk. */
static int
is_in_range (const struct vblk *d, uint64_t sector, uint64_t size)
{
  uint64_t capacity = vblk_capacity (d);

  return sector <= capacity && size >> SECTOR_BITS <= capacity - sector
         && ((sector << SECTOR_BITS | size) & (d->logical - 1)) == 0;
}

static void
start_transfer (struct vblk_queue *q, struct vblk_request *r, uint64_t sector, uint32_t op)
{
  const struct vblk *d = q->device;
  const struct gwt_virtq_chain *c = r->chain;
  uint64_t skip = op == GWT_BLOCK_READ ? 0 : sizeof (struct vblk_header);
  uint64_t size = op == GWT_BLOCK_READ ? c->writable_size - 1 : c->readable_size - skip;

  if (!is_in_range (d, sector, size) || (op == GWT_BLOCK_WRITE && d->read_only)
      || (d->max_transfer && size > d->max_transfer))
    finish (q, r, STATUS_IOERR);
  else if (size == 0)
    finish (q, r, STATUS_OK);
  else if (!cut (r, op == GWT_BLOCK_READ ? c->writable : c->readable,
                 op == GWT_BLOCK_READ ? c->n_writable : c->n_readable, skip, size))
    finish (q, r, STATUS_IOERR);
  else
    enqueue (q, r, op, sector << SECTOR_BITS, size);
}

/* 0, or -1 where the request has no whole segment. */
static int
start_zeroes (struct vblk_queue *q, struct vblk_request *r, uint32_t op)
{
  const struct vblk *d = q->device;
  const struct gwt_virtq_chain *c = r->chain;
  uint32_t discard = op == GWT_BLOCK_DISCARD, max;
  struct vblk_segment s;
  uint64_t offset = sizeof (struct vblk_header);

  if (copy_out (c->readable, c->n_readable, offset, &s, sizeof s) != sizeof s)
    return -1;
  s.sector = LE64 (s.sector);
  s.sectors = LE32 (s.sectors);
  s.flags = LE32 (s.flags);
  max = discard ? d->max_discard_sectors : d->max_write_zeroes_sectors;
  /* One segment is all that is offered. */
  if (c->readable_size != offset + sizeof s || (s.flags & ~(discard ? 0 : SEGMENT_UNMAP)))
    finish (q, r, STATUS_UNSUPP);
  else if (s.sectors > max || d->read_only
           || !is_in_range (d, s.sector, (uint64_t) s.sectors << SECTOR_BITS))
    finish (q, r, STATUS_IOERR);
  else if (s.sectors == 0)
    finish (q, r, STATUS_OK);
  else
    {
      r->block.flags = s.flags & SEGMENT_UNMAP ? GWT_BLOCK_MAY_UNMAP : 0;
      enqueue (q, r, op, s.sector << SECTOR_BITS, (uint64_t) s.sectors << SECTOR_BITS);
    }
  return 0;
}

/* §5.2.6: 20 bytes, a shorter one ends with a zero byte. */
static void
get_id (struct vblk_queue *q, struct vblk_request *r)
{
  char id[ID_BYTES];
  const char *serial = q->device->serial;
  const struct gwt_virtq_chain *c = r->chain;
  uint64_t room = c->writable_size - 1;

  memset (id, 0, sizeof id);
  memcpy (id, serial, strnlen (serial, sizeof id));
  copy_in (c->writable, c->n_writable, id, room < sizeof id ? room : sizeof id);
  finish (q, r, STATUS_OK);
}

static int
start (struct vblk_queue *q, struct vblk_request *r, const struct vblk_header *h)
{
  uint64_t features = q->device->features;
  uint64_t sector = LE64 (h->sector);

  r->block.flags = 0;
  r->block.iov = NULL;
  r->block.n_iov = 0;
  switch (LE32 (h->type))
    {
    case TYPE_IN:
      start_transfer (q, r, sector, GWT_BLOCK_READ);
      return 0;
    case TYPE_OUT:
      start_transfer (q, r, sector, GWT_BLOCK_WRITE);
      return 0;
    case TYPE_FLUSH:
      enqueue (q, r, GWT_BLOCK_FLUSH, 0, 0);
      return 0;
    case TYPE_GET_ID:
      get_id (q, r);
      return 0;
    case TYPE_DISCARD:
      if (features & FEATURE_DISCARD)
        return start_zeroes (q, r, GWT_BLOCK_DISCARD);
      break;
    case TYPE_WRITE_ZEROES:
      if (features & FEATURE_WRITE_ZEROES)
        return start_zeroes (q, r, GWT_BLOCK_WRITE_ZEROES);
      break;
    default:
      break;
    }
  finish (q, r, STATUS_UNSUPP);
  return 0;
}

/* What CHAIN asks for; a text says why it is no request at all. */
static const char *
take (struct vblk_queue *q, struct gwt_virtq_chain *chain)
{
  struct vblk_request *r = q->spare;
  const struct gwt_iovec *last;
  struct vblk_header header;

  if (r == NULL)
    return "more requests than the queue has room for";
  if (copy_out (chain->readable, chain->n_readable, 0, &header, sizeof header) != sizeof header)
    return "a request without a whole header";
  if (chain->n_writable == 0)
    return "a request without a byte for the status";
  q->spare = r->next;
  last = &chain->writable[chain->n_writable - 1];
  r->chain = chain;
  r->status = (uint8_t *) last->base + (last->size - 1);
  if (start (q, r, &header) == 0)
    return NULL;
  r->next = q->spare;
  q->spare = r;
  return "a request to discard or zero without a whole segment";
}

/* ---- queues -----------------------------------------------------------------------------------
 */

static void
submit (struct vblk_queue *q)
{
  uint32_t n = q->n_batch ? vblk_block->submit (q->back, q->batch, q->n_batch) : 0;

  if (n < q->n_batch)
    memmove (q->batch, q->batch + n, (q->n_batch - n) * sizeof *q->batch);
  q->n_batch -= n;
}

static void
tell (struct vblk_queue *q)
{
  if (q->pushed)
    vblk_virtio->notify (q->virtq);
  q->pushed = 0;
}

void
vblk_work (void *self, uint32_t index)
{
  struct vblk *d = self;
  struct vblk_queue *q = &d->queues[index];
  uint32_t turn = 2u * d->queue_size, asked = 0;
  struct gwt_virtq_chain *chain;
  const char *why = NULL;

  /* First what has been completed since: the driver waits for it. */
  tell (q);
  vblk_virtio->want_notify (q->virtq, 0);
  while (turn && why == NULL)
    {
      chain = vblk_virtio->pop (q->virtq);
      if (chain == NULL && asked)
        break;
      if (chain == NULL)
        {
          /* What there is gets on its way before the last look. */
          submit (q);
          vblk_virtio->want_notify (q->virtq, 1);
          asked = 1;
          continue;
        }
      if (asked)
        vblk_virtio->want_notify (q->virtq, 0);
      asked = 0;
      why = take (q, chain);
      if (why)
        vblk_virtio->push (q->virtq, chain, 0);
      turn--;
    }
  submit (q);
  tell (q);
  if (why)
    vblk_virtio->broken (d->virtio, why);
  else if (!asked)
    /* A guest that never runs dry: others of this thread have their turn first. */
    vblk_block->kick (q->back);
}

static int
queue_new (struct vblk *d, uint32_t index, struct gwt_error *err)
{
  struct vblk_queue *q = &d->queues[index];
  uint32_t i;

  q->device = d;
  q->index = index;
  q->requests = calloc (d->queue_size, sizeof *q->requests);
  q->batch = calloc (d->queue_size, sizeof *q->batch);
  if (q->requests == NULL || q->batch == NULL)
    {
      vblk_host->error_set (err, GWT_E_NO_MEMORY,
                            "no memory for %u queues of %u requests; use fewer", d->n_queues,
                            d->queue_size);
      return -1;
    }
  for (i = 0; i < d->queue_size; i++)
    {
      struct vblk_request *r = &q->requests[i];

      r->block.struct_size = sizeof r->block;
      r->block.done = request_done;
      r->block.opaque = q;
      r->next = q->spare;
      q->spare = r;
    }
  q->virtq = vblk_virtio->queue (d->virtio, index, d->queue_size, err);
  if (q->virtq)
    q->back = vblk_block->queue (d->drive, index, d->queue_size, err);
  return q->back ? 0 : -1;
}

int
vblk_queues_new (struct vblk *d, struct gwt_error *err)
{
  uint32_t i;

  d->queues = calloc (d->n_queues, sizeof *d->queues);
  if (d->queues == NULL)
    {
      vblk_host->error_set (err, GWT_E_NO_MEMORY, "no memory for %u queues; use fewer",
                            d->n_queues);
      return -1;
    }
  for (i = 0; i < d->n_queues; i++)
    if (queue_new (d, i, err) != 0)
      {
        vblk_queues_free (d);
        return -1;
      }
  return 0;
}

void
vblk_queue_stop (struct vblk *d, uint32_t index)
{
  struct vblk_queue *q = &d->queues[index];

  vblk_block->hold (q->back, 1);
  /* The back end has seen none of these yet; the queue is ours while it is held. */
  while (q->n_batch)
    finish (q, (struct vblk_request *) q->batch[--q->n_batch], STATUS_IOERR);
  vblk_block->release (q->back);
}

void
vblk_queues_stop (struct vblk *d)
{
  uint32_t i;

  for (i = 0; d->queues && i < d->n_queues; i++)
    vblk_queue_stop (d, i);
}

void
vblk_queues_free (struct vblk *d)
{
  uint32_t i;

  for (i = 0; d->queues && i < d->n_queues; i++)
    {
      free (d->queues[i].requests);
      free (d->queues[i].batch);
    }
  free (d->queues);
  d->queues = NULL;
}
