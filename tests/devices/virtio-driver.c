/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver and the probe of virtio-driver.h. */
#include "virtio-driver.h"

#include <string.h>

/* ---- the probe --------------------------------------------------------------------------------
 */

static const struct gwt_field probe_fields[] = { GWT_HOST_ROW (struct probe, virtio, "a test's"),
                                                 GWT_HOST_ROW (struct probe, queue, "a test's"),
                                                 GWT_HOST_ROW (struct probe, config, "a test's") };

static const struct gwt_virtio_api *
api (void)
{
  return mock_extension (GWT_VIRTIO_EXT);
}

static void
probe_config_read (void *self, uint32_t offset, void *data, uint32_t size)
{
  struct probe *p = self;

  g_assert_cmpuint (offset + size, <=, sizeof p->config);
  memcpy (data, p->config + offset, size);
}

static void
probe_config_write (void *self, uint32_t offset, const void *data, uint32_t size)
{
  struct probe *p = self;

  g_assert_cmpuint (offset + size, <=, sizeof p->config);
  memcpy (p->config + offset, data, size);
}

static int
probe_accepted (void *self, uint64_t features)
{
  (void) features;
  return ((struct probe *) self)->refuse ? -1 : 0;
}

static void
let_go (struct probe *p)
{
  /* What was stopped gives nothing more, and takes everything back. */
  g_assert_null (api ()->pop (p->queue[0]));
  if (p->out && p->keep_none)
    api ()->push (p->queue[0], p->out, 1);
  p->out = NULL;
}

static void
probe_running (void *self, uint32_t running)
{
  struct probe *p = self;

  if (running)
    p->starts++;
  else
    {
      p->stops++;
      let_go (p);
    }
}

static void
probe_notified (void *self, struct gwt_virtq *queue, uint32_t index)
{
  struct probe *p = self;

  g_assert_true (queue == p->queue[index]);
  p->notified[index]++;
}

static void
probe_queue_reset (void *self, uint32_t index)
{
  struct probe *p = self;

  p->resets++;
  if (index == 0)
    let_go (p);
}

static const struct gwt_virtio_client probe_client = {
  .struct_size = sizeof probe_client,
  .config_read = probe_config_read,
  .config_write = probe_config_write,
  .features_accepted = probe_accepted,
  .running = probe_running,
  .notified = probe_notified,
  .queue_reset = probe_queue_reset,
};

static const struct gwt_virtio_info probe_info = {
  .struct_size = sizeof probe_info,
  .device_id = 42,
  .config_size = 8,
  .features = FEATURE (3),
  .n_queues = QUEUES,
};

static int
probe_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct probe *p = self;
  uint32_t i;

  p->virtio = api ()->setup (device, &probe_info, &probe_client, err);
  for (i = 0; p->virtio && i < QUEUES; i++)
    p->queue[i] = api ()->queue (p->virtio, i, QUEUE_MAX, err);
  return p->virtio ? 0 : -1;
}

static void
probe_reset (void *self, uint32_t kind)
{
  (void) self;
  (void) kind;
}

const struct gwt_device_type probe_type = {
  .struct_size = sizeof probe_type,
  .name = "probe",
  .parent = GWT_VIRTIO_MMIO_PARENT,
  .threads = GWT_THREADS_PARALLEL,
  .instance_size = sizeof (struct probe),
  .fields = probe_fields,
  .field_size = sizeof probe_fields[0],
  .n_fields = GWT_COUNT (probe_fields),
  .realize = probe_realize,
  .reset = probe_reset,
};

/* ---- the driver -------------------------------------------------------------------------------
 */

void
driver_new (struct driver *d, ...)
{
  static const struct gwt_plugin *plugin;
  const char *property[4] = { NULL };
  struct gwt_device *slot;
  va_list args;
  guint n = 0;

  if (plugin == NULL)
    plugin = mock_load ("virtio");
  memset (d, 0, sizeof *d);
  mock_new_machine (1);
  va_start (args, d);
  while (n < 3 && (property[n] = va_arg (args, const char *)) != NULL)
    n++;
  va_end (args);
  slot = mock_new (plugin->types[0], "slot1", NULL);
  mock_new (plugin->types[0], "slot0", NULL);
  d->device = mock_new (&probe_type, "probe", property[0], property[1], property[2], NULL);
  d->slot = slot;
  d->probe = d->device->instance;
  d->api = api ();
}

void
driver_free (struct driver *d)
{
  struct gwt_device *other = mock_find ("slot0");

  mock_free (d->device);
  /* Nothing of the guest's memory is kept. */
  g_assert_cmpuint (mock.dma_maps, ==, 0);
  mock_free (d->slot);
  mock_free (other);
}

uint32_t
driver_load (struct driver *d, uint64_t reg)
{
  return (uint32_t) mock_load_reg (d->slot, reg, 4);
}

void
driver_store (struct driver *d, uint64_t reg, uint32_t value)
{
  mock_store_reg (d->slot, reg, 4, value);
}

uint64_t
driver_offered (struct driver *d)
{
  uint64_t low;

  driver_store (d, 0x14, 0);
  low = driver_load (d, 0x10);
  driver_store (d, 0x14, 1);
  return low | (uint64_t) driver_load (d, 0x10) << 32;
}

gboolean
driver_negotiate (struct driver *d, uint64_t features)
{
  driver_store (d, R_STATUS, 0);
  g_assert_cmphex (driver_load (d, R_STATUS), ==, 0);
  driver_store (d, R_STATUS, 1);
  driver_store (d, R_STATUS, 3);
  driver_store (d, 0x24, 0);
  driver_store (d, 0x20, (uint32_t) features);
  driver_store (d, 0x24, 1);
  driver_store (d, 0x20, (uint32_t) (features >> 32));
  driver_store (d, R_STATUS, 11);
  d->features = features;
  d->next = d->index = d->seen = 0;
  d->wrap = d->seen_wrap = 1;
  return (driver_load (d, R_STATUS) & 8) != 0;
}

void
driver_queue (struct driver *d, uint32_t index, uint16_t num)
{
  uint64_t base = MOCK_RAM_BASE + 0x10000 * (index + 1);
  uint64_t area[3] = { base, base + 0x4000, base + 0x8000 };
  uint32_t i;

  for (i = 0; i < 3; i++)
    memset (mock_memory (area[i], 0x4000), 0, 0x4000);
  driver_store (d, 0x30, index);
  g_assert_cmpuint (driver_load (d, 0x34), ==, QUEUE_MAX);
  driver_store (d, 0x38, num);
  for (i = 0; i < 3; i++)
    {
      driver_store (d, 0x80 + 0x10 * i, (uint32_t) area[i]);
      driver_store (d, 0x84 + 0x10 * i, (uint32_t) (area[i] >> 32));
    }
  driver_store (d, 0x44, 1);
  if (index)
    return;
  d->num = num;
  d->desc = area[0];
  d->driver = area[1];
  d->used = area[2];
}

void
driver_start (struct driver *d, uint64_t features, uint16_t num)
{
  g_assert_true (driver_negotiate (d, features | VERSION_1));
  driver_queue (d, 0, num);
  driver_store (d, R_STATUS, OK_STATUS);
  g_assert_cmphex (driver_load (d, R_STATUS), ==, OK_STATUS);
}

void
driver_put16 (uint64_t address, uint16_t value)
{
  __atomic_store_n ((uint16_t *) mock_memory (address, 2), value, __ATOMIC_RELEASE);
}

uint16_t
driver_get16 (uint64_t address)
{
  return __atomic_load_n ((uint16_t *) mock_memory (address, 2), __ATOMIC_ACQUIRE);
}

void
driver_desc (uint64_t table, uint32_t i, uint64_t address, uint32_t size, uint16_t a, uint16_t b)
{
  uint8_t *p = mock_memory (table + 16ull * i, 16);

  g_assert_nonnull (p);
  memcpy (p, &address, 8);
  memcpy (p + 8, &size, 4);
  /* The device may be looking at the flags. */
  driver_put16 (table + 16ull * i + 12, a);
  driver_put16 (table + 16ull * i + 14, b);
}

uint16_t
driver_chain (struct driver *d, const uint64_t *address, const uint32_t *size,
              const uint16_t *flags, uint32_t n)
{
  uint16_t head = d->next, head_flags = 0;
  uint32_t i;

  for (i = 0; i < n; i++)
    {
      uint16_t at = d->next, f = flags[i] | (i + 1 < n ? D_NEXT : 0);

      d->next = (uint16_t) ((at + 1) % d->num);
      if (!(d->features & PACKED))
        {
          driver_desc (d->desc, at, address[i], size[i], f, d->next);
          continue;
        }
      f |= d->wrap ? D_AVAIL : D_USED;
      if (d->next == 0)
        d->wrap ^= 1;
      if (i == 0)
        head_flags = f;
      driver_desc (d->desc, at, address[i], size[i], head,
                   i ? f : driver_get16 (d->desc + 16u * at + 14));
    }
  if (d->features & PACKED)
    {
      d->slots[head] = (uint16_t) n;
      driver_put16 (d->desc + 16u * head + 14, head_flags);
      return head;
    }
  driver_put16 (d->driver + 4 + 2u * (d->index % d->num), head);
  driver_put16 (d->driver + 2, ++d->index);
  return head;
}

uint16_t
driver_add (struct driver *d, const uint32_t *sizes, uint32_t n, uint32_t writable)
{
  uint64_t address[QUEUE_MAX];
  uint16_t flags[QUEUE_MAX];
  uint32_t i;

  for (i = 0; i < n; i++)
    {
      address[i] = BUFFERS + 0x1000 * i;
      flags[i] = i >= n - writable ? D_WRITE : 0;
    }
  return driver_chain (d, address, sizes, flags, n);
}

uint16_t
driver_add_indirect (struct driver *d, const uint32_t *sizes, uint32_t n, uint32_t writable)
{
  uint64_t table = MOCK_RAM_BASE + 0x30000;
  uint16_t flags = D_INDIRECT;
  uint32_t size = 16 * n, i;

  for (i = 0; i < n; i++)
    {
      uint16_t f = (i >= n - writable ? D_WRITE : 0) | (i + 1 < n ? D_NEXT : 0);

      if (d->features & PACKED)
        driver_desc (table, i, BUFFERS + 0x1000 * i, sizes[i], 0, f & D_WRITE);
      else
        driver_desc (table, i, BUFFERS + 0x1000 * i, sizes[i], f, (uint16_t) (i + 1));
    }
  return driver_chain (d, &table, &size, &flags, 1);
}

gboolean
driver_used (struct driver *d, uint16_t *id, uint32_t *written)
{
  const uint8_t *p;

  if (d->features & PACKED)
    {
      uint16_t flags = driver_get16 (d->desc + 16u * d->seen + 14);

      if (!!(flags & D_USED) != d->seen_wrap || !!(flags & D_AVAIL) != d->seen_wrap)
        return FALSE;
      p = mock_memory (d->desc + 16u * d->seen, 16);
      memcpy (written, p + 8, 4);
      memcpy (id, p + 12, 2);
      g_assert_cmpuint (*id, <, d->num);
      d->seen = (uint16_t) (d->seen + d->slots[*id]);
      if (d->seen >= d->num)
        {
          d->seen = (uint16_t) (d->seen - d->num);
          d->seen_wrap ^= 1;
        }
      return TRUE;
    }
  if (driver_get16 (d->used + 2) == d->seen)
    return FALSE;
  p = mock_memory (d->used + 4 + 8u * (d->seen++ % d->num), 8);
  memcpy (id, p, 2);
  memcpy (written, p + 4, 4);
  return TRUE;
}
