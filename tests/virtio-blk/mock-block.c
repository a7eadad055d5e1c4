/* SPDX-License-Identifier: BSD-2-Clause */
/* The disk and the guest's driver of mock-block.h. */
#include "mock-block.h"

#include <errno.h>
#include <string.h>

struct gwt_block mock_block;

/* ---- gwt.block/1 ------------------------------------------------------------------------------
 */

static void end (struct gwt_block_queue *q, uint32_t n, int32_t status);

/* Begin and end of what a queue does by itself, or of being held; nothing without threads. */
static void
lock (struct gwt_block *b)
{
  if (b->threaded)
    pthread_mutex_lock (&b->lock);
}

static void
unlock (struct gwt_block *b)
{
  if (!b->threaded)
    return;
  pthread_cond_broadcast (&b->changed);
  pthread_mutex_unlock (&b->lock);
}

/* [io] Turns of work, and of completions: the younger half of what is in flight. */
static gpointer
queue_thread (gpointer data)
{
  struct gwt_block_queue *q = data;
  struct gwt_block *b = q->block;

  pthread_mutex_lock (&b->lock);
  while (b->device)
    {
      uint32_t kicked = q->kicked;

      if (q->held || (!kicked && q->flying->len == 0))
        {
          pthread_cond_wait (&b->changed, &b->lock);
          continue;
        }
      q->kicked = 0;
      q->working++;
      pthread_mutex_unlock (&b->lock);
      if (kicked)
        b->use.work (b->device->instance, q->index);
      for (guint left = (q->flying->len + 1) / 2; left; left--)
        end (q, q->flying->len - 1, 0);
      pthread_mutex_lock (&b->lock);
      q->working--;
      pthread_cond_broadcast (&b->changed);
    }
  pthread_mutex_unlock (&b->lock);
  return NULL;
}

static int
api_attach (struct gwt_block *b, struct gwt_device *device, const struct gwt_block_use *use,
            struct gwt_error *err)
{
  if (b->device)
    {
      mock_set_error (err, GWT_E_BUSY, "drive 'mock' is used by '%s'; use another",
                      b->device->id);
      return -1;
    }
  g_assert_true (!use->writes || !b->info.read_only);
  b->device = device;
  b->use = *use;
  b->write_cache = 1;
  return 0;
}

static void
api_info (struct gwt_block *b, struct gwt_block_info *info)
{
  uint64_t size = MIN (info->struct_size, sizeof *info);

  memcpy (info, &b->info, size);
  info->struct_size = size;
}

static struct gwt_block_queue *
api_queue (struct gwt_block *b, uint32_t index, uint32_t depth, struct gwt_error *err)
{
  struct gwt_block_queue *q = &b->queue[index];

  g_assert_nonnull (b->device);
  g_assert_cmpuint (index, <, MOCK_BLOCK_QUEUES);
  if (b->queues_max && b->n_queues == b->queues_max)
    {
      mock_set_error (err, GWT_E_IO, "queue %u: out of files", index);
      return NULL;
    }
  g_assert_null (q->flying);
  q->block = b;
  q->index = index;
  q->depth = depth;
  q->flying = g_ptr_array_new ();
  b->n_queues++;
  if (b->threaded)
    q->thread = g_thread_new ("queue", queue_thread, q);
  return q;
}

static void
api_kick (struct gwt_block_queue *q)
{
  lock (q->block);
  q->kicked = 1;
  unlock (q->block);
}

static void
check_request (const struct gwt_block_queue *q, const struct gwt_block_request *r)
{
  uint64_t size = 0, end = r->offset + r->size;
  uint32_t i;

  g_assert_cmpuint (r->struct_size, ==, sizeof *r);
  g_assert_cmpuint (end, <=, q->block->info.size);
  g_assert_cmpuint (r->offset % q->block->info.logical_block, ==, 0);
  g_assert_cmpuint (r->size % q->block->info.logical_block, ==, 0);
  g_assert_true (r->op == GWT_BLOCK_FLUSH || r->size > 0);
  g_assert_true (r->op == GWT_BLOCK_READ || r->op == GWT_BLOCK_FLUSH || q->block->use.writes);
  if (r->op != GWT_BLOCK_READ && r->op != GWT_BLOCK_WRITE)
    {
      g_assert_cmpuint (r->n_iov, ==, 0);
      return;
    }
  for (i = 0; i < r->n_iov; i++)
    {
      const uint8_t *p = r->iov[i].base;

      /* The guest's memory itself, no copy. */
      g_assert_true ((p >= mock.ram && p + r->iov[i].size <= mock.ram + MOCK_RAM_SIZE)
                     || (p >= mock.ram2 && p + r->iov[i].size <= mock.ram2 + MOCK_RAM2_SIZE));
      g_assert_cmpuint (r->iov[i].size, >, 0);
      size += r->iov[i].size;
    }
  g_assert_cmpuint (size, ==, r->size);
}

static uint32_t
api_submit (struct gwt_block_queue *q, struct gwt_block_request *const *requests, uint32_t count)
{
  uint32_t i;

  g_assert_true (q->working || q->in_done);
  g_assert_true (q->block->threaded || q->held == 0);
  for (i = 0; i < count && q->flying->len < MIN (q->depth, q->block->room); i++)
    {
      check_request (q, requests[i]);
      g_assert_false (g_ptr_array_find (q->flying, requests[i], NULL));
      g_ptr_array_add (q->flying, requests[i]);
      __atomic_add_fetch (&q->block->requests, 1, __ATOMIC_RELAXED);
    }
  __atomic_add_fetch (&q->block->submits, 1, __ATOMIC_RELAXED);
  q->full = i < count;
  return i;
}

static void
carry_out (struct gwt_block *b, struct gwt_block_request *r)
{
  uint64_t at = r->offset;
  uint32_t i;

  for (i = 0; i < r->n_iov; i++)
    {
      if (r->op == GWT_BLOCK_READ)
        memcpy (r->iov[i].base, b->data + at, r->iov[i].size);
      else
        memcpy (b->data + at, r->iov[i].base, r->iov[i].size);
      at += r->iov[i].size;
    }
  if (r->op == GWT_BLOCK_DISCARD || r->op == GWT_BLOCK_WRITE_ZEROES)
    memset (b->data + at, r->op == GWT_BLOCK_DISCARD ? 0xdd : 0, r->size);
  if (r->op == GWT_BLOCK_FLUSH)
    __atomic_add_fetch (&b->flushes, 1, __ATOMIC_RELAXED);
}

static void
end (struct gwt_block_queue *q, uint32_t n, int32_t status)
{
  struct gwt_block_request *r = g_ptr_array_index (q->flying, n);

  g_ptr_array_remove_index (q->flying, n);
  r->status = status;
  if (status == 0)
    carry_out (q->block, r);
  if (!q->block->threaded)
    {
      q->block->last_op = r->op;
      q->block->last_flags = r->flags;
    }
  q->in_done++;
  r->done (r);
  q->in_done--;
}

static void
api_hold (struct gwt_block_queue *q, uint32_t cancel)
{
  lock (q->block);
  q->held++;
  while (q->block->threaded && q->working)
    pthread_cond_wait (&q->block->changed, &q->block->lock);
  unlock (q->block);
  g_assert_cmpuint (q->working + q->in_done, ==, 0);
  /* With `fail` they are those that wait for `cont`. */
  while (q->flying->len && (cancel || !q->block->fail))
    {
      q->block->cancelled += q->block->fail != 0;
      end (q, 0, q->block->fail ? ECANCELED : 0);
    }
}

static void
api_release (struct gwt_block_queue *q)
{
  lock (q->block);
  g_assert_cmpuint (q->held, >, 0);
  q->held--;
  q->kicked = 1;
  unlock (q->block);
}

static void
api_set_write_cache (struct gwt_block *b, uint32_t on)
{
  g_assert_nonnull (b->device);
  lock (b);
  b->write_cache = on;
  unlock (b);
}

static const struct gwt_block_api block_api = {
  .struct_size = sizeof block_api,
  .attach = api_attach,
  .info = api_info,
  .queue = api_queue,
  .kick = api_kick,
  .submit = api_submit,
  .hold = api_hold,
  .release = api_release,
  .set_write_cache = api_set_write_cache,
};

/* ---- for tests --------------------------------------------------------------------------------
 */

void
mock_block_new (void)
{
  struct gwt_block *b = &mock_block;
  uint32_t i;

  memset (b, 0, sizeof *b);
  b->data = g_malloc (MOCK_BLOCK_SIZE);
  for (i = 0; i < MOCK_BLOCK_SIZE; i++)
    b->data[i] = (uint8_t) (i / 512 + i);
  b->room = UINT32_MAX;
  pthread_mutex_init (&b->lock, NULL);
  pthread_cond_init (&b->changed, NULL);
  b->info.struct_size = sizeof b->info;
  b->info.size = MOCK_BLOCK_SIZE;
  b->info.logical_block = b->info.physical_block = 512;
  b->info.can_discard = b->info.can_write_zeroes = b->info.write_cache = 1;
  b->info.max_iov = GWT_BLOCK_IOV_MAX;
  mock.block = b;
  mock.block_api = &block_api;
}

void
mock_block_free (void)
{
  uint32_t i;

  lock (&mock_block);
  mock_block.device = NULL;
  unlock (&mock_block);
  for (i = 0; i < mock_block.n_queues; i++)
    if (mock_block.queue[i].thread)
      g_thread_join (mock_block.queue[i].thread);
  /* The device that used it is gone, and left nothing. */
  for (i = 0; i < MOCK_BLOCK_QUEUES; i++)
    if (mock_block.queue[i].flying)
      {
        g_assert_cmpuint (mock_block.queue[i].flying->len, ==, 0);
        g_assert_cmpuint (mock_block.queue[i].held, >, 0);
        g_ptr_array_free (mock_block.queue[i].flying, TRUE);
      }
  g_free (mock_block.data);
  memset (&mock_block, 0, sizeof mock_block);
}

void
mock_block_work (void)
{
  uint32_t i, again;

  do
    for (i = again = 0; i < mock_block.n_queues; i++)
      {
        struct gwt_block_queue *q = &mock_block.queue[i];

        if (!q->kicked || q->held)
          continue;
        again = 1;
        q->kicked = 0;
        q->working++;
        mock_block.use.work (mock_block.device->instance, i);
        q->working--;
      }
  while (again);
}

void
mock_block_complete (uint32_t index, uint32_t n)
{
  struct gwt_block_queue *q = &mock_block.queue[index];

  g_assert_cmpuint (n, <, q->flying->len);
  end (q, n, mock_block.fail);
  if (q->full)
    q->kicked = 1;
  q->full = 0;
}

uint32_t
mock_block_flying (void)
{
  uint32_t i, n = 0;

  for (i = 0; i < mock_block.n_queues; i++)
    n += mock_block.queue[i].flying->len;
  return n;
}

void
mock_block_run (void)
{
  uint32_t i;

  for (mock_block_work (); mock_block_flying (); mock_block_work ())
    for (i = 0; i < mock_block.n_queues; i++)
      while (mock_block.queue[i].flying->len)
        mock_block_complete (i, 0);
}

/* ---- the guest --------------------------------------------------------------------------------
 */

static const struct gwt_device_type *
disk_type (const struct gwt_plugin **virtio)
{
  static const struct gwt_plugin *plugin, *transport;
  guint i;

  if (transport == NULL)
    transport = mock_load ("virtio");
  if (plugin == NULL)
    plugin = mock_load ("virtio-blk");
  *virtio = transport;
  for (i = 0; plugin->types[i]; i++)
    if (strcmp (plugin->types[i]->name, "virtio-blk-device") == 0)
      return plugin->types[i];
  g_error ("no virtio-blk-device");
}

#define PROPERTIES 6

static void
take_properties (const char **property, va_list args)
{
  guint n = 0;

  while (n < PROPERTIES && (property[n] = va_arg (args, const char *)) != NULL)
    n++;
  g_assert_cmpuint (n, <, PROPERTIES);
}

static struct gwt_device *
new_disk (const char *const *p)
{
  const struct gwt_plugin *virtio;
  const struct gwt_device_type *type = disk_type (&virtio);

  return mock_try_new (type, "disk", "drive=mock", "queue-size=16", p[0], p[1], p[2], p[3], p[4],
                       NULL);
}

void
vblk_new (struct driver *d, uint32_t cpus, ...)
{
  const char *property[PROPERTIES] = { NULL };
  const struct gwt_plugin *virtio;
  gboolean prepared = mock_block.data != NULL;
  va_list args;

  /* A plugin that requires gwt.block/1 is loaded into a machine that has it. */
  mock_new_machine (cpus);
  if (prepared)
    {
      mock.block = &mock_block;
      mock.block_api = &block_api;
    }
  else
    mock_block_new ();
  disk_type (&virtio);
  memset (d, 0, sizeof *d);
  va_start (args, cpus);
  take_properties (property, args);
  va_end (args);
  d->slot = mock_new (virtio->types[0], "slot0", NULL);
  d->api = mock_extension (GWT_VIRTIO_EXT);
  d->device = new_disk (property);
  if (d->device == NULL)
    g_error ("%s", mock_error.text);
}

struct gwt_device *
vblk_try (struct driver *d, ...)
{
  const char *property[PROPERTIES] = { NULL };
  va_list args;

  (void) d;
  va_start (args, d);
  take_properties (property, args);
  va_end (args);
  return new_disk (property);
}

void
vblk_free (struct driver *d)
{
  mock_free (d->device);
  mock_free (d->slot);
  g_assert_cmpuint (mock.dma_maps, ==, 0);
  mock_block_free ();
}

uint16_t
vblk_add (struct driver *d, uint32_t type, uint64_t sector, uint64_t address, uint32_t size,
          uint32_t n, uint32_t writable)
{
  /* Of each request its own header and status; told apart by the place in the ring. */
  uint64_t header = VBLK_HEADER + 16u * d->next, status = VBLK_STATUS + d->next;
  uint64_t at[VBLK_QUEUE];
  uint32_t sizes[VBLK_QUEUE], i;
  uint16_t flags[VBLK_QUEUE];
  uint8_t *p = mock_memory (header, 16);

  g_assert_cmpuint (n, <=, VBLK_QUEUE - 2);
  memset (p, 0, 16);
  memcpy (p, &type, 4);
  memcpy (p + 8, &sector, 8);
  at[0] = header;
  sizes[0] = 16;
  flags[0] = 0;
  for (i = 1; i <= n; i++)
    {
      at[i] = address + (uint64_t) size * (i - 1);
      sizes[i] = size;
      flags[i] = writable ? D_WRITE : 0;
    }
  at[i] = status;
  sizes[i] = 1;
  flags[i] = D_WRITE;
  *(uint8_t *) mock_memory (status, 1) = 0xff;
  return driver_chain (d, at, sizes, flags, n + 2);
}

uint8_t
vblk_wait (struct driver *d, uint16_t id, uint32_t written)
{
  uint16_t used;
  uint32_t got;

  g_assert_true (driver_used (d, &used, &got));
  g_assert_cmpuint (used, ==, id);
  g_assert_cmpuint (got, ==, written);
  return *(uint8_t *) mock_memory (VBLK_STATUS + id, 1);
}

void
vblk_notify (struct driver *d)
{
  driver_store (d, R_NOTIFY, 0);
}

uint8_t
vblk_do (struct driver *d, uint32_t type, uint64_t sector, uint64_t address, uint32_t size,
         uint32_t n, uint32_t writable)
{
  uint16_t id = vblk_add (d, type, sector, address, size, n, writable);

  vblk_notify (d);
  mock_block_run ();
  return vblk_wait (d, id, writable ? size * n + 1 : 1);
}
