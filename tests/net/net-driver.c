/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver and the back end of net-driver.h. */
#include "net-driver.h"

#include <string.h>

#define D_NEXT 1u
#define D_WRITE 2u
#define D_AVAIL 0x80u
#define D_USED 0x8000u

/* ---- the back end ---------------------------------------------------------------------------- */

static int
attach (struct gwt_netdev *n, struct gwt_device *device, const struct gwt_net_client *client,
        uint32_t queues, struct gwt_error *err)
{
  uint32_t i;

  if (n->device)
    {
      mock_set_error (err, GWT_E_BUSY, "taken; use another");
      return -1;
    }
  g_assert_cmpuint (queues, <=, n->info.queues);
  n->device = device;
  n->client = client;
  n->n_used = queues;
  n->active = 1;
  for (i = 0; i < queues; i++)
    n->holds[i] = 1;
  return 0;
}

static void
detach (struct gwt_netdev *n)
{
  g_assert_nonnull (n->device);
  n->device = NULL;
}

static void
info_of (struct gwt_netdev *n, struct gwt_net_info *info)
{
  g_assert_cmpuint (info->struct_size, ==, sizeof *info);
  *info = n->info;
}

static void
set_offloads (struct gwt_netdev *n, uint64_t offloads)
{
  g_assert_cmphex (offloads & ~n->info.receive_offloads, ==, 0);
  n->offloads = offloads;
}

static void
kick (struct gwt_netdev *n, uint32_t queue)
{
  g_assert_cmpuint (queue, <, n->n_used);
  n->kicked[queue] = 1;
}

static uint64_t
peek (struct gwt_netdev *n, uint32_t queue)
{
  GByteArray *frame = g_queue_peek_head (&n->in[queue]);

  g_assert_cmpint (n->holds[queue], ==, 0);
  return frame && !n->no_peek ? frame->len : 0;
}

static uint64_t
receive (struct gwt_netdev *n, uint32_t queue, const struct gwt_iovec *iov, uint32_t count)
{
  GByteArray *frame = g_queue_pop_head (&n->in[queue]);
  uint64_t done = 0, size, part;
  uint32_t i;

  g_assert_cmpint (n->holds[queue], ==, 0);
  g_assert_cmpuint (count, <=, 1024);
  if (frame == NULL)
    return 0;
  size = frame->len;
  for (i = 0; i < count && done < size; i++)
    {
      part = MIN (iov[i].size, size - done);
      memcpy (iov[i].base, frame->data + done, part);
      done += part;
    }
  g_byte_array_unref (frame);
  return size;
}

static uint32_t
take (struct gwt_netdev *n, uint32_t queue, const struct gwt_iovec *iov, uint32_t count)
{
  GByteArray *frame;
  uint32_t i;

  g_assert_cmpint (n->holds[queue], ==, 0);
  if (n->room == 0)
    return 0;
  n->room--;
  frame = g_byte_array_new ();
  for (i = 0; i < count; i++)
    g_byte_array_append (frame, iov[i].base, (guint) iov[i].size);
  g_ptr_array_add (n->out, frame);
  return 1;
}

static void
hold (struct gwt_netdev *n, uint32_t queue)
{
  n->holds[queue]++;
}

static void
release (struct gwt_netdev *n, uint32_t queue)
{
  g_assert_cmpint (n->holds[queue], >, 0);
  n->holds[queue]--;
  n->kicked[queue] = 1;
}

static void
set_queues (struct gwt_netdev *n, uint32_t count)
{
  n->active = count;
}

static const char *
id_of (struct gwt_netdev *n)
{
  (void) n;
  return "net0";
}

static const void *
more (const char *id)
{
  static const struct gwt_net_api api = { .struct_size = sizeof api,
                                          .attach = attach,
                                          .detach = detach,
                                          .info = info_of,
                                          .set_offloads = set_offloads,
                                          .kick = kick,
                                          .peek = peek,
                                          .receive = receive,
                                          .send = take,
                                          .hold = hold,
                                          .release = release,
                                          .set_queues = set_queues,
                                          .id = id_of };

  return strcmp (id, GWT_NET_EXT) == 0 ? &api : NULL;
}

void
net_run (struct net_driver *d)
{
  struct gwt_netdev *n = &d->net;
  uint32_t i;

  for (i = 0; n->device && i < n->n_used; i++)
    {
      gboolean kicked = n->kicked[i];

      n->kicked[i] = 0;
      if (n->holds[i])
        continue;
      if (n->in[i].length)
        n->client->receive (n->device->instance, i);
      if (kicked)
        n->client->transmit (n->device->instance, i);
      n->client->flush (n->device->instance, i);
      n->flushes++;
    }
}

/* ---- registers ------------------------------------------------------------------------------- */

uint32_t
net_load (struct net_driver *d, uint64_t reg)
{
  return (uint32_t) mock_load_reg (d->slot, reg, 4);
}

void
net_store (struct net_driver *d, uint64_t reg, uint32_t value)
{
  mock_store_reg (d->slot, reg, 4, value);
}

uint64_t
net_offered (struct net_driver *d)
{
  uint64_t low;

  net_store (d, 0x14, 0);
  low = net_load (d, 0x10);
  net_store (d, 0x14, 1);
  return low | (uint64_t) net_load (d, 0x10) << 32;
}

const struct gwt_device_type *
net_driver_machine (struct net_driver *d, const struct gwt_net_info *info)
{
  static const struct gwt_plugin *transport, *plugin;
  uint32_t i;

  mock_more = more;
  if (plugin == NULL)
    {
      transport = mock_load ("virtio");
      plugin = mock_load ("virtio-net");
    }
  memset (d, 0, sizeof *d);
  mock_new_machine (1);
  d->net.info.struct_size = sizeof d->net.info;
  d->net.info.queues = d->net.info.link_up = 1;
  if (info)
    d->net.info = *info;
  d->net.out = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  d->net.room = UINT32_MAX;
  for (i = 0; i < G_N_ELEMENTS (d->net.in); i++)
    g_queue_init (&d->net.in[i]);
  mock.netdev = &d->net;
  d->slot = mock_new (transport->types[0], "slot0", NULL);
  return plugin->types[0];
}

void
net_driver_new (struct net_driver *d, const struct gwt_net_info *info, ...)
{
  const struct gwt_device_type *type = net_driver_machine (d, info);
  const char *property[4] = { NULL };
  va_list args;
  guint n = 0;

  va_start (args, info);
  while (n < 3 && (property[n] = va_arg (args, const char *)) != NULL)
    n++;
  va_end (args);
  d->device = mock_new (type, "card", "netdev=net0", property[0], property[1], property[2], NULL);
}

void
net_driver_free (struct net_driver *d)
{
  uint32_t i;

  if (d->device)
    {
      mock_free (d->device);
      g_assert_null (d->net.device);
    }
  /* Nothing of the guest's memory is kept. */
  g_assert_cmpuint (mock.dma_maps, ==, 0);
  mock_free (d->slot);
  g_ptr_array_unref (d->net.out);
  for (i = 0; i < G_N_ELEMENTS (d->net.in); i++)
    g_queue_clear_full (&d->net.in[i], (GDestroyNotify) g_byte_array_unref);
}

static void
put16 (uint64_t address, uint16_t value)
{
  memcpy (mock_memory (address, 2), &value, 2);
}

static uint16_t
get16 (uint64_t address)
{
  uint16_t value;

  memcpy (&value, mock_memory (address, 2), 2);
  return value;
}

void
net_set_queue (struct net_driver *d, uint32_t index, uint16_t num)
{
  struct ring *r = &d->ring[index];
  uint64_t base = MOCK_RAM_BASE + 0x4000 * (index + 1);
  const uint64_t area[3] = { base, base + 0x1000, base + 0x2000 };
  uint32_t i;

  memset (mock_memory (base, 0x4000), 0, 0x4000);
  memset (r, 0, sizeof *r);
  r->num = num;
  r->wrap = r->seen_wrap = 1;
  r->desc = area[0];
  r->driver = area[1];
  r->used = area[2];
  net_store (d, 0x30, index);
  net_store (d, 0x38, num);
  for (i = 0; i < 3; i++)
    {
      net_store (d, 0x80 + 0x10 * i, (uint32_t) area[i]);
      net_store (d, 0x84 + 0x10 * i, (uint32_t) (area[i] >> 32));
    }
  net_store (d, 0x44, 1);
}

gboolean
net_start (struct net_driver *d, uint64_t features, uint32_t n, uint16_t num)
{
  uint32_t i;

  features |= VERSION_1;
  net_store (d, R_STATUS, 0);
  net_store (d, R_STATUS, 1);
  net_store (d, R_STATUS, 3);
  net_store (d, 0x24, 0);
  net_store (d, 0x20, (uint32_t) features);
  net_store (d, 0x24, 1);
  net_store (d, 0x20, (uint32_t) (features >> 32));
  net_store (d, R_STATUS, 11);
  if (!(net_load (d, R_STATUS) & 8))
    return FALSE;
  d->features = features;
  d->n_queues = n;
  for (i = 0; i < n; i++)
    net_set_queue (d, i, num);
  net_store (d, R_STATUS, 15);
  net_run (d);
  return TRUE;
}

/* ---- rings ----------------------------------------------------------------------------------- */

static void
put_desc (uint64_t table, uint32_t i, const struct buffer *b, uint16_t a, uint16_t flags)
{
  uint8_t *p = mock_memory (table + 16ull * i, 16);

  memcpy (p, &b->address, 8);
  memcpy (p + 8, &b->size, 4);
  memcpy (p + 12, &a, 2);
  memcpy (p + 14, &flags, 2);
}

uint16_t
net_add (struct net_driver *d, uint32_t queue, const struct buffer *buffers, uint32_t n)
{
  struct ring *r = &d->ring[queue];
  uint16_t head = r->next, head_flags = 0;
  uint32_t i;

  for (i = 0; i < n; i++)
    {
      uint16_t at = r->next, f = (buffers[i].writable ? D_WRITE : 0) | (i + 1 < n ? D_NEXT : 0);

      r->next = (uint16_t) ((at + 1) % r->num);
      if (!(d->features & PACKED))
        {
          put_desc (r->desc, at, &buffers[i], f, r->next);
          continue;
        }
      f |= r->wrap ? D_AVAIL : D_USED;
      if (r->next == 0)
        r->wrap ^= 1;
      if (i == 0)
        head_flags = f;
      else
        put_desc (r->desc, at, &buffers[i], head, f);
    }
  if (d->features & PACKED)
    {
      r->slots[head] = (uint16_t) n;
      put_desc (r->desc, head, &buffers[0], head, head_flags);
      return head;
    }
  put16 (r->driver + 4 + 2u * (r->index % r->num), head);
  put16 (r->driver + 2, ++r->index);
  return head;
}

gboolean
net_used (struct net_driver *d, uint32_t queue, uint16_t *id, uint32_t *written)
{
  struct ring *r = &d->ring[queue];
  const uint8_t *p;

  if (d->features & PACKED)
    {
      uint16_t flags = get16 (r->desc + 16u * r->seen + 14);

      if (!!(flags & D_USED) != r->seen_wrap || !!(flags & D_AVAIL) != r->seen_wrap)
        return FALSE;
      p = mock_memory (r->desc + 16u * r->seen, 16);
      memcpy (written, p + 8, 4);
      memcpy (id, p + 12, 2);
      g_assert_cmpuint (*id, <, r->num);
      r->seen = (uint16_t) (r->seen + r->slots[*id]);
      if (r->seen >= r->num)
        {
          r->seen = (uint16_t) (r->seen - r->num);
          r->seen_wrap ^= 1;
        }
      return TRUE;
    }
  if (get16 (r->used + 2) == r->seen)
    return FALSE;
  p = mock_memory (r->used + 4 + 8u * (r->seen++ % r->num), 8);
  memcpy (id, p, 2);
  memcpy (written, p + 4, 4);
  return TRUE;
}

void
net_notify (struct net_driver *d, uint32_t queue)
{
  net_store (d, R_NOTIFY, queue);
  net_run (d);
}

void
net_frame_in (struct net_driver *d, uint32_t pair, const uint8_t *to, uint32_t size, uint8_t seed)
{
  GByteArray *frame = g_byte_array_new ();
  uint32_t i;

  g_byte_array_set_size (frame, size);
  memset (frame->data, 0, size);
  for (i = HEADER_SIZE; i < size; i++)
    frame->data[i] = i < HEADER_SIZE + 6 ? to[i - HEADER_SIZE] : (uint8_t) (seed + i);
  g_queue_push_tail (&d->net.in[pair], frame);
  net_run (d);
}
