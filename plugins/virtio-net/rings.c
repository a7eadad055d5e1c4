/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames between the driver's rings and the back end, on the back end's thread for a queue pair.
 * It must not know what a frame means, nor how the device is set up.
 *
 * Chains for received frames are kept popped until frames come, so that a back end can fill them
 * directly, however many a frame will need.
 */
#include "virtio-net.h"

#include <string.h>

/* Frames sent before other work has its turn. */
#define TURN_MAX 256u
/* A frame waits so long for buffers: where all of a small ring's are popped there will be no more
   before some are given back. */
#define STUCK_NS 50000000u

/* ---- buffers ----------------------------------------------------------------------------------
 */

static uint64_t
iov_copy (const struct gwt_iovec *iov, uint32_t n, uint64_t offset, uint8_t *to,
          const uint8_t *from, uint64_t size)
{
  uint64_t done = 0, part;
  uint32_t i;

  for (i = 0; i < n && done < size; i++)
    {
      if (offset >= iov[i].size)
        {
          offset -= iov[i].size;
          continue;
        }
      part = iov[i].size - offset;
      if (part > size - done)
        part = size - done;
      if (to)
        memcpy (to + done, (uint8_t *) iov[i].base + offset, part);
      else
        memcpy ((uint8_t *) iov[i].base + offset, from + done, part);
      done += part;
      offset = 0;
    }
  return done;
}

uint64_t
iov_read (const struct gwt_iovec *iov, uint32_t n, uint64_t offset, void *data, uint64_t size)
{
  return iov_copy (iov, n, offset, data, NULL, size);
}

/* ---- receiving --------------------------------------------------------------------------------
 */

void
rings_forget (struct pair *p)
{
  p->n_stock = p->n_iov = 0;
  p->room = p->partial = p->partial_room = 0;
  p->stuck = 0;
  /* Queues begin with notifications on. */
  p->asks = 1;
}

void
rings_give_back (struct pair *p)
{
  /* Last out, first back. */
  while (p->n_stock)
    virtio_api->unpop (p->rx, p->stock[--p->n_stock]);
  rings_forget (p);
  virtio_api->want_notify (p->rx, 1);
}

static struct gwt_virtq_chain *
next_chain (struct virtio_net *n, struct pair *p)
{
  struct gwt_virtq_chain *c = virtio_api->pop (p->rx);

  if (c == NULL && !p->asks)
    {
      p->asks = 1;
      virtio_api->want_notify (p->rx, 1);
      c = virtio_api->pop (p->rx);
    }
  if (c == NULL)
    return NULL;
  if (p->asks)
    {
      p->asks = 0;
      virtio_api->want_notify (p->rx, 0);
    }
  if (c->n_readable || c->writable_size < HEADER)
    {
      virtio_api->push (p->rx, c, 0);
      virtio_api->broken (n->virtio, "a buffer for frames that is not one to write, or too small");
      return NULL;
    }
  return c;
}

/* Can the stock not grow, whatever the driver does? */
static uint32_t
is_full (const struct virtio_net *n, const struct pair *p)
{
  return p->n_iov == BUFFERS_MAX || p->n_stock == n->rx_queue_size
         || p->n_stock == GWT_VIRTIO_QUEUE_SIZE_MAX;
}

/* Pop chains until there are NEED bytes, or as many as there are. */
static void
gather (struct virtio_net *n, struct pair *p, uint64_t need)
{
  while ((p->room < need || p->n_stock == 0) && !is_full (n, p))
    {
      struct gwt_virtq_chain *c = next_chain (n, p);
      uint32_t i;

      if (c == NULL)
        return;
      if (p->n_stock && c->n_writable > BUFFERS_MAX - p->n_iov)
        {
          /* Last out, first back. */
          virtio_api->unpop (p->rx, c);
          return;
        }
      p->stock[p->n_stock++] = c;
      for (i = 0; i < c->n_writable && p->n_iov < BUFFERS_MAX; i++)
        {
          p->iov[p->n_iov++] = c->writable[i];
          p->room += c->writable[i].size;
        }
    }
}

/* The first SIZE bytes of the stock are a frame: give them to the driver. */
static void
use (struct pair *p, uint64_t size)
{
  uint32_t chains = 0, buffers = 0, i;
  uint64_t left = size, room = 0;
  uint8_t count[2];

  while (left)
    {
      const struct gwt_virtq_chain *c = p->stock[chains];
      uint64_t part = 0;

      for (i = 0; i < c->n_writable && buffers < p->n_iov; i++)
        part += p->iov[buffers++].size;
      room += part;
      p->written[chains++] = left < part ? left : part;
      left -= left < part ? left : part;
    }
  count[0] = (uint8_t) chains;
  count[1] = (uint8_t) (chains >> 8);
  iov_copy (p->iov, p->n_iov, offsetof (struct gwt_net_header, buffers), NULL, count, 2);
  virtio_api->push_all (p->rx, p->stock, p->written, chains);
  p->used_rx = 1;
  p->stuck = 0;
  p->n_stock -= chains;
  p->n_iov -= buffers;
  p->room -= room;
  memmove (p->stock, p->stock + chains, p->n_stock * sizeof p->stock[0]);
  memmove (p->iov, p->iov + buffers, p->n_iov * sizeof p->iov[0]);
}

/* May a frame that needs more buffers than there are wait for them? */
static uint32_t
may_wait (struct virtio_net *n, struct pair *p)
{
  if (is_full (n, p) || (__atomic_exchange_n (&p->give_up, 0, __ATOMIC_SEQ_CST) && p->stuck))
    {
      p->stuck = 0;
      return 0;
    }
  if (!p->stuck)
    clock_api->timer_set (n->stuck_timer, clock_api->now (GWT_CLOCK_REAL) + STUCK_NS);
  p->stuck = 1;
  return 1;
}

/* The rest of a frame, when there is room for it. */
static uint64_t
finish_partial (struct virtio_net *n, struct pair *p)
{
  uint64_t size = p->partial;

  gather (n, p, size);
  if (p->room < size)
    {
      if (!may_wait (n, p))
        p->partial = 0;
      return 0;
    }
  iov_copy (p->iov, p->n_iov, p->partial_room, NULL, p->tail, size - p->partial_room);
  p->partial = 0;
  return size;
}

/* One frame into the stock; its size, 0 where there is none, or no room.  *KNOWN where its size was
   known before: if it does not fit it has waited already. */
static uint64_t
fetch (struct virtio_net *n, struct pair *p, uint32_t queue, uint32_t *known)
{
  uint64_t size = net_api->peek (n->netdev, queue);

  *known = size != 0;
  gather (n, p, !n->mergeable ? 1 : size ? size : GWT_NET_FRAME_MAX);
  if (p->n_stock == 0)
    return 0;
  /* It waits in the back end for more buffers, unless they would not do either. */
  if (n->mergeable && size > p->room && may_wait (n, p))
    return 0;
  p->iov[p->n_iov].base = p->tail;
  p->iov[p->n_iov].size = GWT_NET_FRAME_MAX;
  return net_api->receive (n->netdev, queue, p->iov, p->n_iov + 1);
}

static void
net_receive (void *self, uint32_t queue)
{
  struct virtio_net *n = self;
  struct pair *p = &n->pairs[queue];
  uint8_t begin[18];
  uint32_t known;
  uint64_t size;

  if (!n->running || queue >= n->pairs_used)
    return;
  for (;;)
    {
      size = p->partial ? finish_partial (n, p) : 0;
      if (p->partial)
        return;
      if (size)
        {
          use (p, size);
          continue;
        }
      size = fetch (n, p, queue, &known);
      if (size == 0)
        return;
      memset (begin, 0, sizeof begin);
      if (size < HEADER + 14 || size > GWT_NET_FRAME_MAX
          || !iov_read (p->iov, p->n_iov + 1, HEADER, begin, sizeof begin)
          || !control_wants (n, begin))
        continue;
      if (size <= p->room && (n->mergeable || size <= p->stock[0]->writable_size))
        use (p, size);
      else if (n->mergeable && !known && may_wait (n, p))
        {
          p->partial = size;
          p->partial_room = p->room;
        }
    }
}

/* ---- sending ----------------------------------------------------------------------------------
 */

/* A reverse ARP request for our own address (RFC 903), to everybody: whichever switch sees it knows
   where the address is now, and nobody has to answer.  */
static uint32_t
send_rarp (struct virtio_net *n)
{
  static const uint8_t arp[] = { 0x80, 0x35, 0, 1, 8, 0, MAC, 4, 0, 3 };
  uint8_t frame[HEADER + 60] = { 0 }, *p = frame + HEADER;
  const struct gwt_iovec iov = { frame, sizeof frame };

  memset (p, 0xff, MAC);
  memcpy (p + MAC, n->mac, MAC);
  memcpy (p + 12, arp, sizeof arp);
  memcpy (p + 22, n->mac, MAC);
  memcpy (p + 32, n->mac, MAC);
  return net_api->send (n->netdev, 0, &iov, 1);
}

static void
net_transmit (void *self, uint32_t queue)
{
  struct virtio_net *n = self;
  struct pair *p = &n->pairs[queue];
  struct gwt_virtq_chain *c;
  uint32_t sent = 0;

  if (!n->running)
    return;
  if (queue == 0 && __atomic_exchange_n (&n->rarp_due, 0, __ATOMIC_ACQUIRE) && !send_rarp (n))
    {
      __atomic_store_n (&n->rarp_due, 1, __ATOMIC_RELAXED);
      return;
    }
  virtio_api->want_notify (p->tx, 0);
  for (;;)
    {
      c = virtio_api->pop (p->tx);
      if (c == NULL)
        {
          virtio_api->want_notify (p->tx, 1);
          c = virtio_api->pop (p->tx);
          if (c == NULL)
            return;
          virtio_api->want_notify (p->tx, 0);
        }
      if (c->n_writable || c->readable_size < HEADER)
        {
          virtio_api->push (p->tx, c, 0);
          virtio_api->broken (n->virtio, "a frame to send that is none");
          return;
        }
      if (c->readable_size < HEADER + 14 || c->readable_size > GWT_NET_FRAME_MAX)
        net_guest_error (n, "a frame of a size that no frame has");
      else if (!net_api->send (n->netdev, queue, c->readable, c->n_readable))
        {
          virtio_api->unpop (p->tx, c);
          return;
        }
      virtio_api->push (p->tx, c, 0);
      p->used_tx = 1;
      if (++sent == TURN_MAX)
        {
          net_api->kick (n->netdev, queue);
          return;
        }
    }
}

static void
net_flush (void *self, uint32_t queue)
{
  struct virtio_net *n = self;
  struct pair *p = &n->pairs[queue];

  if (p->used_rx)
    virtio_api->notify (p->rx);
  if (p->used_tx)
    virtio_api->notify (p->tx);
  p->used_rx = p->used_tx = 0;
}

static void
net_link_changed (void *self, uint32_t up)
{
  struct virtio_net *n = self;

  n->link_moved = 0;
  if (up)
    __atomic_or_fetch (&n->status, STATUS_LINK_UP, __ATOMIC_SEQ_CST);
  else
    __atomic_and_fetch (&n->status, (uint16_t) ~STATUS_LINK_UP, __ATOMIC_SEQ_CST);
  virtio_api->config_changed (n->virtio);
}

const struct gwt_net_client net_client = {
  .struct_size = sizeof net_client,
  .transmit = net_transmit,
  .receive = net_receive,
  .flush = net_flush,
  .link_changed = net_link_changed,
};
