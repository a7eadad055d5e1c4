/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio over MMIO: registers, status, both kinds of queue, and drivers that break the rules.
 * Longer than a file should be: the malformed cases are variations of the well-formed traffic and
 * share its set-up.
 */
#include "virtio-driver.h"

#include <string.h>

static const uint64_t kinds[]
    = { 0,        EVENT_IDX | INDIRECT_DESC, PACKED, PACKED | EVENT_IDX | INDIRECT_DESC,
        IN_ORDER, PACKED | IN_ORDER };
#define ALL_ON "packed=1", "in-order=1"

/* ---- registers and status ---------------------------------------------------------------------
 */

static void
test_rows (void)
{
  const struct gwt_plugin *plugin = mock_load ("virtio");
  guint i;

  for (i = 0; plugin->types[i]; i++)
    mock_check_rows (plugin->types[i]);
  mock_check_rows (mock_load ("virtio-rng")->types[0]);
}

static void
test_registers (void)
{
  struct driver d;
  struct gwt_device *empty;
  uint64_t value;

  driver_new (&d, NULL);
  g_assert_cmphex (driver_load (&d, 0x00), ==, 0x74726976);
  g_assert_cmphex (driver_load (&d, 0x04), ==, 2);
  g_assert_cmphex (driver_load (&d, 0x08), ==, 42);
  g_assert_cmphex (driver_load (&d, 0xb0), ==, UINT32_MAX);
  g_assert_cmphex (driver_offered (&d), ==,
                   FEATURE (3) | VERSION_1 | EVENT_IDX | INDIRECT_DESC | RING_RESET);
  driver_store (&d, 0x14, 2);
  g_assert_cmphex (driver_load (&d, 0x10), ==, 0);
  driver_store (&d, 0x30, QUEUES);
  g_assert_cmphex (driver_load (&d, 0x34), ==, 0);
  g_assert_cmpuint (mock.logs, ==, 0);
  g_assert_cmphex (mock_load_reg (d.slot, 0x00, 2), ==, 0);
  g_assert_cmpuint (mock.logs, ==, 1);
  /* An empty slot says so and swallows the rest. */
  empty = mock_find ("slot0");
  g_assert_cmphex (mock_load_reg (empty, 0x00, 4), ==, 0x74726976);
  g_assert_cmphex (mock_load_reg (empty, 0x08, 4), ==, 0);
  mock_store_reg (empty, R_STATUS, 4, 1);
  mock_store_reg (empty, R_NOTIFY, 4, 0);
  g_assert_cmphex (mock_load_reg (empty, R_STATUS, 4), ==, 0);
  g_assert_cmphex (mock_load_reg (empty, 0x100, 1), ==, 0);
  g_assert_cmpuint (mock_load_status (empty, 0x102, 8, &value), ==, GWT_ACCESS_ERROR);
  g_assert_cmpstr (mock_describe (d.slot), ==, "compatible = 'virtio,mmio'\n");
  driver_free (&d);
}

static void
test_config (void)
{
  struct driver d;
  uint32_t generation;

  driver_new (&d, NULL);
  mock_store_reg (d.slot, 0x102, 2, 0x1234);
  mock_store_reg (d.slot, 0x104, 4, 0x89abcdef);
  g_assert_cmphex (mock_load_reg (d.slot, 0x103, 1), ==, 0x12);
  g_assert_cmphex (mock_load_reg (d.slot, 0x104, 4), ==, 0x89abcdef);
  g_assert_cmpuint (mock.logs, ==, 0);
  g_assert_cmphex (mock_load_reg (d.slot, 0x108, 1), ==, 0xff);
  mock_store_reg (d.slot, 0x108, 4, 1);
  g_assert_cmpuint (mock.logs, ==, 1);
  /* Told to a driver that runs, not before. */
  generation = driver_load (&d, 0xfc);
  d.api->config_changed (d.probe->virtio);
  g_assert_cmpuint (mock_level (d.slot, "irq", 0), ==, 0);
  driver_start (&d, 0, 4);
  d.api->config_changed (d.probe->virtio);
  g_assert_cmphex (driver_load (&d, 0xfc), ==, generation + 2);
  g_assert_cmphex (driver_load (&d, R_ISR), ==, 2);
  g_assert_cmpuint (mock_level (d.slot, "irq", 0), ==, 1);
  driver_store (&d, R_ACK, 2);
  g_assert_cmpuint (mock_level (d.slot, "irq", 0), ==, 0);
  driver_free (&d);
}

static void
test_negotiation (void)
{
  struct driver d;

  driver_new (&d, "event-idx=0", "ring-reset=0", NULL);
  g_assert_cmphex (driver_offered (&d), ==, FEATURE (3) | VERSION_1 | INDIRECT_DESC);
  g_assert_true (driver_negotiate (&d, VERSION_1));
  g_assert_cmphex (d.api->features (d.probe->virtio), ==, VERSION_1);
  /* Not offered; not modern; not to the device's liking. */
  g_assert_false (driver_negotiate (&d, VERSION_1 | EVENT_IDX));
  g_assert_cmphex (d.api->features (d.probe->virtio), ==, 0);
  g_assert_false (driver_negotiate (&d, 0));
  d.probe->refuse = 1;
  g_assert_false (driver_negotiate (&d, VERSION_1));
  driver_store (&d, R_STATUS, OK_STATUS);
  g_assert_cmphex (driver_load (&d, R_STATUS), ==, 3);
  g_assert_cmpuint (d.probe->starts, ==, 0);
  d.probe->refuse = 0;
  /* Fixed from FEATURES_OK on. */
  g_assert_true (driver_negotiate (&d, VERSION_1 | FEATURE (3)));
  driver_store (&d, 0x24, 0);
  driver_store (&d, 0x20, 0);
  driver_store (&d, R_STATUS, OK_STATUS);
  g_assert_cmphex (d.api->features (d.probe->virtio), ==, VERSION_1 | FEATURE (3));
  driver_free (&d);
}

static void
test_status (void)
{
  static const uint32_t upto[] = { 0, 1, 3, 11, 15, 0x8f };
  struct driver d;
  guint i;

  driver_new (&d, NULL);
  /* A reset in each state leaves nothing behind. */
  for (i = 0; i < G_N_ELEMENTS (upto); i++)
    {
      uint32_t starts = d.probe->starts;

      if (upto[i] >= 11)
        {
          g_assert_true (driver_negotiate (&d, VERSION_1));
          driver_queue (&d, 0, 4);
        }
      if (upto[i])
        driver_store (&d, R_STATUS, upto[i]);
      g_assert_cmphex (driver_load (&d, R_STATUS), ==, upto[i]);
      g_assert_cmpuint (d.probe->starts - starts, ==, upto[i] == 15);
      if (upto[i] & 4 && !(upto[i] & 0x80))
        {
          d.api->config_changed (d.probe->virtio);
          g_assert_cmpuint (mock_level (d.slot, "irq", 0), ==, 1);
        }
      driver_store (&d, R_STATUS, 0);
      g_assert_cmphex (driver_load (&d, R_STATUS), ==, 0);
      g_assert_cmphex (driver_load (&d, R_ISR), ==, 0);
      g_assert_cmpuint (mock_level (d.slot, "irq", 0), ==, 0);
      g_assert_cmpuint (d.probe->starts, ==, d.probe->stops);
      driver_store (&d, 0x30, 0);
      g_assert_cmphex (driver_load (&d, 0x44), ==, 0);
      g_assert_cmpuint (mock.dma_maps, ==, 0);
    }
  /* FAILED stops it; bits stay. */
  driver_start (&d, 0, 4);
  g_assert_cmpuint (mock.logs, ==, 0);
  driver_store (&d, R_STATUS, 0x83);
  g_assert_cmphex (driver_load (&d, R_STATUS), ==, 0x8f);
  g_assert_cmpuint (mock.logs, ==, 1);
  g_assert_cmpuint (d.probe->starts, ==, d.probe->stops);
  driver_store (&d, R_NOTIFY, 0);
  g_assert_cmpuint (d.probe->notified[0], ==, 0);
  /* The machine's reset does what the driver's does. */
  driver_start (&d, 0, 4);
  mock_reset (d.device, GWT_RESET_WARM);
  g_assert_cmphex (driver_load (&d, R_STATUS), ==, 0);
  g_assert_cmpuint (d.probe->starts, ==, d.probe->stops);
  driver_free (&d);
}

static void
test_slots (void)
{
  struct driver d;

  driver_new (&d, NULL);
  g_assert_null (mock_try_new (&probe_type, "second", "bus=slot1", NULL));
  g_assert_cmpstr (mock_error.text, ==,
                   "slot 'slot1' is taken by 'probe'; choose another, or leave out bus");
  mock_free (mock_new (&probe_type, "second", "bus=slot0", NULL));
  mock_free (mock_new (&probe_type, "second", NULL));
  mock_new (&probe_type, "second", NULL);
  g_assert_null (mock_try_new (&probe_type, "third", NULL));
  g_assert_cmpstr (mock_error.text, ==, "all 2 virtio-mmio slots are taken; use fewer devices");
  mock_free (mock_find ("second"));
  driver_free (&d);
}

/* ---- queues that are right --------------------------------------------------------------------
 */

/* Chains of all shapes, several out at once and given back in another order, many times around. */
static void
test_traffic (gconstpointer data)
{
  uint64_t features = *(const uint64_t *) data;
  struct driver d;
  guint round, i;

  driver_new (&d, ALL_ON, NULL);
  driver_start (&d, features, 8);
  for (round = 0; round < 500; round++)
    {
      static const uint32_t sizes[] = { 16, 100, 512, 7 };
      struct gwt_virtq_chain *c[3];
      uint16_t id[3], got;
      uint32_t written, order = round % 2;
      gboolean seen[3] = { FALSE };

      for (i = 0; i < 3; i++)
        {
          uint32_t n = 1 + (round + i) % 2, w = (round + i) % (n + 1);

          if (i == 2 && features & INDIRECT_DESC)
            id[i] = driver_add_indirect (&d, sizes, 4, 3);
          else
            id[i] = driver_add (&d, sizes, n, w);
        }
      for (i = 0; i < 3; i++)
        {
          uint32_t n = 1 + (round + i) % 2, w = (round + i) % (n + 1);

          c[i] = d.api->pop (d.probe->queue[0]);
          g_assert_nonnull (c[i]);
          if (i == 2 && features & INDIRECT_DESC)
            n = 4, w = 3;
          g_assert_cmpuint (c[i]->n_writable, ==, w);
          g_assert_cmpuint (c[i]->n_readable, ==, n - w);
          if (n > w)
            g_assert_true (c[i]->readable[0].base == mock_memory (BUFFERS, 1)
                           && c[i]->readable[0].size == 16);
          else
            g_assert_cmpuint (c[i]->writable[0].size, ==, 16);
          if (i == 0 && round % 3 == 0)
            {
              /* As if it had not been popped. */
              d.api->unpop (d.probe->queue[0], c[i]);
              c[i] = d.api->pop (d.probe->queue[0]);
              g_assert_nonnull (c[i]);
            }
        }
      g_assert_null (d.api->pop (d.probe->queue[0]));
      for (i = 0; i < 3; i++)
        {
          guint at = order ? 2 - i : i;

          d.api->push (d.probe->queue[0], c[at], c[at]->writable_size ? 1 + at : 0);
          if (features & IN_ORDER && order && i < 2)
            g_assert_false (driver_used (&d, &got, &written));
        }
      for (i = 0; i < 3; i++)
        {
          guint at;

          g_assert_true (driver_used (&d, &got, &written));
          for (at = 0; at < 3 && id[at] != got; at++)
            ;
          g_assert_cmpuint (at, <, 3);
          g_assert_false (seen[at]);
          seen[at] = TRUE;
          if (features & IN_ORDER)
            g_assert_cmpuint (at, ==, i);
          g_assert_true (written == 0 || written == 1 + at);
        }
      g_assert_false (driver_used (&d, &got, &written));
    }
  g_assert_cmphex (driver_load (&d, R_STATUS), ==, OK_STATUS);
  g_assert_cmpuint (mock.logs, ==, 0);
  driver_free (&d);
}

static uint32_t
interrupted (struct driver *d)
{
  uint32_t isr = driver_load (d, R_ISR);

  g_assert_cmpuint (mock_level (d->slot, "irq", 0), ==, isr != 0);
  driver_store (d, R_ACK, isr);
  g_assert_cmpuint (mock_level (d->slot, "irq", 0), ==, 0);
  return isr;
}

static uint32_t
one (struct driver *d)
{
  static const uint32_t size = 64;
  struct gwt_virtq_chain *c;
  uint32_t written;
  uint16_t id;

  driver_add (d, &size, 1, 1);
  c = d->api->pop (d->probe->queue[0]);
  g_assert_nonnull (c);
  d->api->push (d->probe->queue[0], c, 64);
  d->api->notify (d->probe->queue[0]);
  g_assert_true (driver_used (d, &id, &written));
  g_assert_cmpuint (written, ==, 64);
  return interrupted (d);
}

static void
test_interrupts (void)
{
  struct driver d;
  guint i, hits;

  driver_new (&d, ALL_ON, NULL);
  /* By flag. */
  driver_start (&d, 0, 4);
  g_assert_cmphex (one (&d), ==, 1);
  driver_put16 (d.driver, 1);
  g_assert_cmphex (one (&d), ==, 0);
  driver_put16 (d.driver, 0);
  g_assert_cmphex (one (&d), ==, 1);
  d.api->notify (d.probe->queue[0]);
  g_assert_cmphex (interrupted (&d), ==, 0);
  driver_start (&d, PACKED, 4);
  g_assert_cmphex (one (&d), ==, 1);
  driver_put16 (d.driver + 2, 1);
  g_assert_cmphex (one (&d), ==, 0);
  /* By index: when the one that the driver waits for was used, and once. */
  driver_start (&d, EVENT_IDX, 4);
  driver_put16 (d.driver + 4 + 2 * 4, 5);
  for (i = 0, hits = 0; i < 12; i++)
    if (one (&d))
      {
        g_assert_cmpuint (i, ==, 5);
        hits++;
      }
  g_assert_cmpuint (hits, ==, 1);
  /* Place 2 of the second round. */
  driver_start (&d, PACKED | EVENT_IDX, 4);
  driver_put16 (d.driver, 2);
  driver_put16 (d.driver + 2, 2);
  for (i = 0, hits = 0; i < 8; i++)
    if (one (&d))
      {
        g_assert_cmpuint (i, ==, 6);
        hits++;
      }
  g_assert_cmpuint (hits, ==, 1);
  driver_free (&d);
}

static struct driver *acknowledging;

static void
acknowledge (void)
{
  driver_store (acknowledging, R_ACK, 3);
}

/* Another thread acknowledges an interrupt that this one is about to show on the line: the line
   must not stay high, or a guest would be in its handler for ever. */
static void
test_acknowledged_meanwhile (void)
{
  struct driver d;

  driver_new (&d, NULL);
  driver_start (&d, 0, 4);
  acknowledging = &d;
  mock.meanwhile = acknowledge;
  d.api->config_changed (d.probe->virtio);
  g_assert_cmphex (driver_load (&d, R_ISR), ==, 0);
  g_assert_cmpuint (mock_level (d.slot, "irq", 0), ==, 0);
  d.api->config_changed (d.probe->virtio);
  g_assert_cmphex (interrupted (&d), ==, 2);
  driver_free (&d);
}

/* Rings and interrupts from two threads at once; a lost notification or a stuck line ends it. */
static gpointer
serve (gpointer data)
{
  struct driver *d = data;
  guint done = 0;

  while (done < 5000)
    {
      struct gwt_virtq_chain *c = d->api->pop (d->probe->queue[0]);

      if (c == NULL)
        {
          g_thread_yield ();
          continue;
        }
      d->api->push (d->probe->queue[0], c, c->writable_size);
      d->api->notify (d->probe->queue[0]);
      done++;
    }
  return NULL;
}

static void
test_two_threads (gconstpointer data)
{
  static const uint32_t size = 32;
  struct driver d;
  GThread *thread;
  guint given = 0, back = 0;

  driver_new (&d, ALL_ON, NULL);
  driver_start (&d, *(const uint64_t *) data & ~EVENT_IDX, 8);
  thread = g_thread_new ("serve", serve, &d);
  while (back < 5000)
    {
      uint32_t written;
      uint16_t id;

      if (given < 5000 && given - back < 8)
        {
          driver_add (&d, &size, 1, 1);
          given++;
        }
      if (driver_used (&d, &id, &written))
        {
          g_assert_cmpuint (written, ==, 32);
          back++;
        }
      if (driver_load (&d, R_ISR))
        driver_store (&d, R_ACK, 1);
    }
  g_thread_join (thread);
  driver_store (&d, R_ACK, 1);
  g_assert_cmpuint (mock_level (d.slot, "irq", 0), ==, 0);
  g_assert_cmphex (driver_load (&d, R_STATUS), ==, OK_STATUS);
  driver_free (&d);
}

static void
test_notifications (void)
{
  struct driver d;

  driver_new (&d, ALL_ON, NULL);
  driver_start (&d, 0, 4);
  driver_store (&d, R_NOTIFY, 0);
  driver_store (&d, R_NOTIFY, 1); /* not ready */
  g_assert_cmpuint (d.probe->notified[0], ==, 1);
  g_assert_cmpuint (d.probe->notified[1], ==, 0);
  d.api->want_notify (d.probe->queue[0], 0);
  g_assert_cmphex (driver_get16 (d.used), ==, 1);
  d.api->want_notify (d.probe->queue[0], 1);
  g_assert_cmphex (driver_get16 (d.used), ==, 0);
  g_assert_cmpuint (mock.logs, ==, 0);
  driver_store (&d, R_NOTIFY, 2);
  g_assert_cmpuint (mock.logs, ==, 1);
  /* Event index: asked for when a look finds nothing. */
  driver_start (&d, EVENT_IDX, 4);
  driver_put16 (d.used + 4 + 8 * 4, 77);
  g_assert_null (d.api->pop (d.probe->queue[0]));
  g_assert_cmpuint (driver_get16 (d.used + 4 + 8 * 4), ==, 0);
  one (&d);
  g_assert_cmpuint (driver_get16 (d.used + 4 + 8 * 4), ==, 0);
  g_assert_null (d.api->pop (d.probe->queue[0]));
  g_assert_cmpuint (driver_get16 (d.used + 4 + 8 * 4), ==, 1);
  d.api->want_notify (d.probe->queue[0], 0);
  one (&d);
  g_assert_null (d.api->pop (d.probe->queue[0]));
  g_assert_cmpuint (driver_get16 (d.used + 4 + 8 * 4), ==, 1);
  driver_start (&d, PACKED | EVENT_IDX, 4);
  one (&d);
  g_assert_null (d.api->pop (d.probe->queue[0]));
  g_assert_cmphex (driver_get16 (d.used), ==, 0x8001);
  g_assert_cmphex (driver_get16 (d.used + 2), ==, 2);
  d.api->want_notify (d.probe->queue[0], 0);
  g_assert_cmphex (driver_get16 (d.used + 2), ==, 1);
  driver_free (&d);
}

/* A buffer over two RAMs that lie side by side comes in two pieces. */
static void
test_two_rams (void)
{
  struct gwt_virtq_chain *c;
  struct driver d;

  driver_new (&d, NULL);
  driver_start (&d, 0, 4);
  driver_desc (d.desc, 0, MOCK_RAM2_BASE - 16, 48, D_WRITE, 0);
  driver_put16 (d.driver + 2, 1);
  c = d.api->pop (d.probe->queue[0]);
  g_assert_nonnull (c);
  g_assert_cmpuint (c->n_writable, ==, 2);
  g_assert_cmpuint (c->writable[0].size, ==, 16);
  g_assert_cmpuint (c->writable[1].size, ==, 32);
  g_assert_true (c->writable[1].base == mock.ram2);
  mock.dma_dirty = 0;
  d.api->push (d.probe->queue[0], c, 20);
  g_assert_cmpuint (mock.dma_dirty, ==, 20 + 4 + 4 * 8); /* and the ring */
  driver_free (&d);
}

/* ---- resets -----------------------------------------------------------------------------------
 */

static void
test_reset_with_chains_out (gconstpointer data)
{
  static const uint32_t sizes[] = { 8, 8 };
  uint64_t features = *(const uint64_t *) data;
  struct driver d;
  guint how;

  driver_new (&d, ALL_ON, NULL);
  for (how = 0; how < 8; how++)
    {
      uint32_t written;
      uint16_t id;

      driver_start (&d, features | RING_RESET, 8);
      d.probe->keep_none = how & 1;
      driver_add (&d, sizes, 2, 1);
      driver_add (&d, sizes, 2, 1);
      d.probe->out = d.api->pop (d.probe->queue[0]);
      g_assert_nonnull (d.api->pop (d.probe->queue[0]));
      driver_store (&d, 0x30, 0);
      switch (how / 2)
        {
        case 0:
          driver_store (&d, R_STATUS, 0);
          break;
        case 1:
          mock_reset (d.device, GWT_RESET_COLD);
          break;
        case 2:
          driver_store (&d, 0xc0, 1);
          g_assert_cmpuint (driver_load (&d, 0xc0), ==, 0);
          break;
        default:
          driver_store (&d, 0x44, 0);
          break;
        }
      g_assert_null (d.probe->out);
      g_assert_cmpuint (driver_load (&d, 0x44), ==, 0);
      g_assert_cmpuint (mock.dma_maps, ==, 0);
      g_assert_false (driver_used (&d, &id, &written));
      if (how / 2 < 2)
        continue;
      /* The queue alone was reset: it can be set up again while the device runs. */
      g_assert_cmphex (driver_load (&d, R_STATUS), ==, OK_STATUS);
      d.next = d.index = d.seen = 0;
      d.wrap = d.seen_wrap = 1;
      driver_queue (&d, 0, 4);
      one (&d);
    }
  g_assert_cmpuint (mock.logs, ==, 0);
  driver_free (&d);
}

/* ---- drivers that break the rules -------------------------------------------------------------
 */

#define BUF BUFFERS
#define TABLE (MOCK_RAM_BASE + 0x30000)

static void
avail (struct driver *d, uint16_t head)
{
  driver_put16 (d->driver + 4, head);
  driver_put16 (d->driver + 2, 1);
}

static void
bad_loop (struct driver *d)
{
  driver_desc (d->desc, 0, BUF, 8, D_NEXT, 1);
  driver_desc (d->desc, 1, BUF, 8, D_NEXT, 0);
  avail (d, 0);
}

static void
bad_head (struct driver *d)
{
  avail (d, d->num);
}

static void
bad_next (struct driver *d)
{
  driver_desc (d->desc, 0, BUF, 8, D_NEXT, 0xffff);
  avail (d, 0);
}

static void
bad_index_jump (struct driver *d)
{
  driver_desc (d->desc, 0, BUF, 8, 0, 0); /* which every entry names */
  driver_put16 (d->driver + 2, (uint16_t) (d->num + 1));
}

static void
bad_index_back (struct driver *d)
{
  driver_desc (d->desc, 0, BUF, 8, 0, 0);
  driver_put16 (d->driver + 2, 0xffff);
}

static void
bad_empty (struct driver *d)
{
  driver_desc (d->desc, 0, BUF, 0, 0, 0);
  avail (d, 0);
}

static void
bad_length (struct driver *d)
{
  driver_desc (d->desc, 0, BUF, UINT32_MAX, D_WRITE, 0);
  avail (d, 0);
}

static void
bad_wrap (struct driver *d)
{
  driver_desc (d->desc, 0, UINT64_MAX - 3, 8, 0, 0);
  avail (d, 0);
}

static void
bad_hole (struct driver *d)
{
  driver_desc (d->desc, 0, 0x10001000, 8, 0, 0);
  avail (d, 0);
}

static void
bad_rom (struct driver *d)
{
  driver_desc (d->desc, 0, MOCK_ROM_BASE, 8, D_WRITE, 0);
  avail (d, 0);
}

static void
bad_order (struct driver *d)
{
  driver_desc (d->desc, 0, BUF, 8, D_NEXT | D_WRITE, 1);
  driver_desc (d->desc, 1, BUF, 8, 0, 0);
  avail (d, 0);
}

static void
indirect (struct driver *d, uint64_t table, uint32_t size, uint16_t more)
{
  driver_desc (d->desc, 0, table, size, D_INDIRECT | more, 1);
  driver_desc (d->desc, 1, BUF, 8, 0, 0);
  avail (d, 0);
}

static void
bad_table_hole (struct driver *d)
{
  indirect (d, 0x1000, 32, 0);
}

static void
bad_table_size (struct driver *d)
{
  indirect (d, TABLE, 24, 0);
}

static void
bad_table_empty (struct driver *d)
{
  indirect (d, TABLE, 0, 0);
}

static void
bad_table_next (struct driver *d)
{
  driver_desc (TABLE, 0, BUF, 8, 0, 0);
  indirect (d, TABLE, 16, D_NEXT);
}

static void
bad_table_nested (struct driver *d)
{
  driver_desc (TABLE, 0, TABLE, 16, D_INDIRECT, 0);
  indirect (d, TABLE, 16, 0);
}

static void
bad_table_loop (struct driver *d)
{
  driver_desc (TABLE, 0, BUF, 8, D_NEXT, 0);
  indirect (d, TABLE, 16, 0);
}

static void
bad_table_beyond (struct driver *d)
{
  driver_desc (TABLE, 0, BUF, 8, D_NEXT, 1);
  indirect (d, TABLE, 16, 0);
}

/* Sound but for its length. */
static void
bad_table_long (struct driver *d)
{
  guint i;

  for (i = 0; i < 1025; i++)
    driver_desc (TABLE, i, BUF, 8, i < 1024 ? D_NEXT : 0, (uint16_t) (i + 1));
  indirect (d, TABLE, 16 * 1025, 0);
}

static void
bad_table_at_all (struct driver *d)
{
  driver_desc (TABLE, 0, BUF, 8, 0, 0);
  indirect (d, TABLE, 16, 0);
}

static const struct
{
  const char *name;
  void (*make) (struct driver *d);
  uint64_t without; /* features not negotiated */
} malformed[] = {
  { "loop", bad_loop, 0 },
  { "head-beyond-table", bad_head, 0 },
  { "next-beyond-table", bad_next, 0 },
  { "index-jumps", bad_index_jump, 0 },
  { "index-goes-back", bad_index_back, 0 },
  { "buffer-of-no-bytes", bad_empty, 0 },
  { "length-beyond-ram", bad_length, 0 },
  { "address-wraps", bad_wrap, 0 },
  { "buffer-in-mmio", bad_hole, 0 },
  { "writable-in-rom", bad_rom, 0 },
  { "readable-behind-writable", bad_order, 0 },
  { "indirect-outside-ram", bad_table_hole, 0 },
  { "indirect-broken-size", bad_table_size, 0 },
  { "indirect-empty", bad_table_empty, 0 },
  { "indirect-with-next", bad_table_next, 0 },
  { "indirect-nested", bad_table_nested, 0 },
  { "indirect-loop", bad_table_loop, 0 },
  { "indirect-beyond-table", bad_table_beyond, 0 },
  { "indirect-1025-buffers", bad_table_long, 0 },
  { "indirect-not-negotiated", bad_table_at_all, INDIRECT_DESC },
};

/* The device asks for a reset, says so once, serves nobody, and is well after the reset. */
static void
check_broken (struct driver *d)
{
  uint32_t before = mock_level (d->slot, "irq", 0);

  g_assert_null (d->api->pop (d->probe->queue[0]));
  g_assert_cmphex (driver_load (d, R_STATUS), ==, OK_STATUS | NEEDS_RESET);
  /* The device may hold a lock for which the machine lock's owner waits: not from within pop (). */
  g_assert_cmpuint (mock_level (d->slot, "irq", 0), ==, before);
  mock_advance (GWT_CLOCK_REAL, 0);
  g_assert_cmphex (interrupted (d), ==, 2);
  g_assert_cmpuint (mock.logs, ==, 1);
  driver_store (d, R_NOTIFY, 0);
  g_assert_cmpuint (d->probe->notified[0], ==, 0);
  g_assert_null (d->api->pop (d->probe->queue[0]));
  g_assert_cmphex (interrupted (d), ==, 0);
  driver_start (d, d->features, 4);
  one (d);
  driver_free (d);
}

static void
test_malformed (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  struct driver d;

  driver_new (&d, NULL);
  driver_start (&d, (INDIRECT_DESC | EVENT_IDX) & ~malformed[i].without, 8);
  malformed[i].make (&d);
  check_broken (&d);
}

/* The same for packed rings: a descriptor (id A, flags B). */
static const struct
{
  const char *name;
  uint64_t address;
  uint32_t size;
  uint16_t flags;
} packed[] = {
  { "loop", BUF, 8, D_NEXT },
  { "buffer-of-no-bytes", BUF, 0, 0 },
  { "length-beyond-ram", BUF, UINT32_MAX, 0 },
  { "buffer-in-mmio", 0x10001000, 8, 0 },
  { "writable-in-rom", MOCK_ROM_BASE, 8, D_WRITE },
  { "indirect-outside-ram", 0x1000, 16, D_INDIRECT },
  { "indirect-broken-size", TABLE, 20, D_INDIRECT },
  { "indirect-empty", TABLE, 0, D_INDIRECT },
  { "indirect-with-next", TABLE, 16, D_INDIRECT | D_NEXT },
};

static void
test_malformed_packed (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  struct driver d;
  guint n;

  driver_new (&d, "packed=1", NULL);
  driver_start (&d, PACKED | INDIRECT_DESC, 8);
  driver_desc (TABLE, 0, BUF, 8, 0, 0);
  for (n = 0; n < 8; n++)
    driver_desc (d.desc, n, packed[i].address, packed[i].size, 3, packed[i].flags | D_AVAIL);
  check_broken (&d);
}

/* By the device's own word, with a sound chain in the queue and one out. */
static void
test_broken_by_device (void)
{
  static const uint32_t size = 8;
  struct gwt_virtq_chain *c;
  uint32_t written;
  struct driver d;
  uint16_t id;

  driver_new (&d, NULL);
  driver_start (&d, 0, 4);
  driver_add (&d, &size, 1, 1);
  driver_add (&d, &size, 1, 1);
  c = d.api->pop (d.probe->queue[0]);
  d.api->broken (d.probe->virtio, "a request that makes no sense");
  d.api->push (d.probe->queue[0], c, 8);
  d.api->notify (d.probe->queue[0]);
  g_assert_false (driver_used (&d, &id, &written));
  check_broken (&d);
}

/* More is made available than the ring has room for, while all of it is out. */
static void
test_overrun (void)
{
  static const uint32_t size = 8;
  struct driver d;
  guint i, k;

  for (k = 0; k < 2; k++)
    {
      driver_new (&d, "packed=1", NULL);
      driver_start (&d, k ? PACKED : 0, 4);
      for (i = 0; i < 4; i++)
        {
          driver_add (&d, &size, 1, 1);
          g_assert_nonnull (d.api->pop (d.probe->queue[0]));
        }
      driver_add (&d, &size, 1, 1);
      check_broken (&d);
    }
}

static const struct
{
  const char *name;
  uint32_t reg, value;
  uint64_t features;
} rings[] = {
  { "size-0", 0x38, 0, 0 },
  { "size-above-offer", 0x38, 32, 0 },
  { "size-65540", 0x38, 0x10004, 0 },
  { "size-no-power-of-two", 0x38, 6, 0 },
  { "desc-unaligned", 0x80, MOCK_RAM_BASE + 8, 0 },
  { "driver-unaligned", 0x90, MOCK_RAM_BASE + 1, 0 },
  { "device-unaligned", 0xa0, MOCK_RAM_BASE + 2, 0 },
  { "desc-in-mmio", 0x80, 0x10001000, 0 },
  { "driver-in-hole", 0x90, 0, 0 },
  { "device-in-rom", 0xa0, MOCK_ROM_BASE, 0 },
  { "device-above", 0xa4, 0xffffffff, 0 },
  { "device-over-the-end", 0xa0, MOCK_RAM2_BASE + MOCK_RAM2_SIZE - 16, 0 },
  { "desc-over-two-rams", 0x80, MOCK_RAM2_BASE - 16, 0 },
  { "overlap", 0xa0, MOCK_RAM_BASE + 0x10000, 0 },
  { "overlap-by-the-end", 0xa0, MOCK_RAM_BASE + 0x14000 - 4, 0 },
  { "packed-size-0", 0x38, 0, PACKED },
  { "packed-desc-in-rom", 0x80, MOCK_ROM_BASE, PACKED },
  { "packed-driver-unaligned", 0x90, MOCK_RAM_BASE + 2, PACKED },
};

static void
test_rings (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  struct driver d;

  driver_new (&d, "packed=1", NULL);
  g_assert_true (driver_negotiate (&d, VERSION_1 | rings[i].features));
  driver_queue (&d, 0, 4);
  /* Registers of a queue that is ready are not written: make it not ready, and so forgotten. */
  driver_store (&d, 0x44, 0);
  driver_queue (&d, 0, 4);
  driver_store (&d, 0x44, 0);
  driver_store (&d, 0x38, 4);
  driver_store (&d, 0x80, (uint32_t) d.desc);
  driver_store (&d, 0x90, (uint32_t) d.driver);
  driver_store (&d, 0xa0, (uint32_t) d.used);
  driver_store (&d, rings[i].reg, rings[i].value);
  driver_store (&d, 0x44, 1);
  driver_store (&d, R_STATUS, OK_STATUS);
  g_assert_cmpuint (d.probe->starts, ==, 0);
  check_broken (&d);
}

/* What a driver may write at the wrong time changes nothing. */
static void
test_wrong_time (void)
{
  struct driver d;

  driver_new (&d, NULL);
  driver_store (&d, 0x30, 0);
  driver_store (&d, 0x44, 1);
  g_assert_cmpuint (driver_load (&d, 0x44), ==, 0);
  driver_store (&d, R_NOTIFY, 0);
  g_assert_true (driver_negotiate (&d, VERSION_1));
  driver_queue (&d, 0, 4);
  driver_store (&d, 0x38, 3);
  driver_store (&d, 0x80, 0);
  driver_store (&d, R_STATUS, OK_STATUS);
  one (&d);
  driver_store (&d, 0xc0, 1); /* not negotiated */
  driver_store (&d, 0x30, 7);
  driver_store (&d, 0x38, 3);
  driver_store (&d, 0x44, 1);
  one (&d);
  g_assert_cmphex (driver_load (&d, R_STATUS), ==, OK_STATUS);
  g_assert_cmpuint (mock.logs, ==, 1);
  driver_free (&d);
}

/* ---- virtio-rng -------------------------------------------------------------------------------
 */

static void
test_rng (void)
{
  static const uint32_t sizes[] = { 32, 64 };
  static const struct gwt_plugin *plugin;
  struct gwt_device *rng;
  struct driver d;
  uint8_t zero[64] = { 0 };
  uint32_t written;
  uint16_t id;

  driver_new (&d, NULL);
  plugin = mock_load ("virtio-rng");
  mock_free (d.device);
  rng = mock_new (plugin->types[0], "rng", "max-bytes=80", "period=10", NULL);
  d.device = rng;
  g_assert_cmpuint (driver_load (&d, 0x08), ==, 4);
  g_assert_true (driver_negotiate (&d, VERSION_1));
  driver_store (&d, 0x30, 0);
  g_assert_cmpuint (driver_load (&d, 0x34), ==, 8);
  driver_store (&d, 0x38, 8);
  d.num = 8;
  d.desc = MOCK_RAM_BASE;
  d.driver = MOCK_RAM_BASE + 0x1000;
  d.used = MOCK_RAM_BASE + 0x2000;
  driver_store (&d, 0x80, (uint32_t) d.desc);
  driver_store (&d, 0x90, (uint32_t) d.driver);
  driver_store (&d, 0xa0, (uint32_t) d.used);
  driver_store (&d, 0x44, 1);
  /* What is there before DRIVER_OK is served with it. */
  driver_add (&d, sizes + 1, 1, 1);
  driver_store (&d, R_STATUS, OK_STATUS);
  g_assert_true (driver_used (&d, &id, &written));
  g_assert_cmpuint (written, ==, 64);
  g_assert_cmpmem (mock_memory (BUFFERS + 64, 64), 64, zero, 64);
  g_assert_true (memcmp (mock_memory (BUFFERS, 64), zero, 64) != 0);
  g_assert_cmphex (interrupted (&d), ==, 1);
  /* Of 80 bytes 16 are left, then the period has to end. */
  driver_add (&d, sizes, 2, 1);
  driver_add (&d, sizes, 2, 2);
  driver_store (&d, R_NOTIFY, 0);
  g_assert_true (driver_used (&d, &id, &written));
  g_assert_cmpuint (written, ==, 16);
  g_assert_false (driver_used (&d, &id, &written));
  mock_advance (GWT_CLOCK_VIRTUAL, 9999999);
  g_assert_false (driver_used (&d, &id, &written));
  mock_advance (GWT_CLOCK_VIRTUAL, 1);
  g_assert_true (driver_used (&d, &id, &written));
  g_assert_cmpuint (written, ==, 80);
  g_assert_cmphex (interrupted (&d), ==, 1);
  /* A reset by the driver is no way around the limit. */
  driver_store (&d, R_STATUS, 0);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_VIRTUAL), ==, 20000000);
  g_assert_cmpuint (mock_row (rng, "quota", 0), ==, 0);
  mock_reset (rng, GWT_RESET_WARM);
  g_assert_cmpuint (mock_row (rng, "quota", 0), ==, 80);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_VIRTUAL), ==, GWT_TIMER_OFF);
  driver_free (&d);
}

/* Three chains that belong together, many times over: whoever sees one of them sees all. */
static gpointer
serve_in_threes (gpointer data)
{
  struct driver *d = data;
  guint rounds;

  for (rounds = 0; rounds < 2000;)
    {
      struct gwt_virtq_chain *c[3] = { NULL };
      const uint64_t written[3] = { 1, 1, 1 };
      guint n;

      for (n = 0; n < 3 && (c[n] = d->api->pop (d->probe->queue[0])) != NULL; n++)
        ;
      if (n == 3)
        {
          d->api->push_all (d->probe->queue[0], c, written, 3);
          rounds++;
          continue;
        }
      while (n > 0)
        d->api->unpop (d->probe->queue[0], c[--n]);
      g_thread_yield ();
    }
  return NULL;
}

static void
test_push_all (gconstpointer data)
{
  const uint32_t size = 1;
  struct driver d;
  GThread *thread;
  uint32_t written;
  uint16_t id;
  guint round, i;

  driver_new (&d, ALL_ON, NULL);
  driver_start (&d, *(const uint64_t *) data, 4);
  thread = g_thread_new ("device", serve_in_threes, &d);
  for (round = 0; round < 2000; round++)
    {
      for (i = 0; i < 3; i++)
        driver_add (&d, &size, 1, 1);
      while (!driver_used (&d, &id, &written))
        g_thread_yield ();
      g_assert_true (driver_used (&d, &id, &written));
      g_assert_true (driver_used (&d, &id, &written));
      g_assert_false (driver_used (&d, &id, &written));
    }
  g_thread_join (thread);
  driver_free (&d);
}

/* ---- random rings -----------------------------------------------------------------------------
 */

static void
test_hostile (gconstpointer data)
{
  gboolean is_packed = GPOINTER_TO_INT (data);
  struct driver d;
  guint round, i;

  driver_new (&d, ALL_ON, NULL);
  for (round = 0; round < 3000; round++)
    {
      uint8_t *ring;

      driver_start (&d, (is_packed ? PACKED : 0) | (round & 1 ? EVENT_IDX | INDIRECT_DESC : 0), 8);
      ring = mock_memory (d.desc, 128);
      for (i = 0; i < 40; i++)
        {
          struct gwt_virtq_chain *c;
          guint at = (guint) g_test_rand_int_range (0, 8);

          driver_desc (d.desc, at, BUFFERS + (guint) g_test_rand_int_range (0, 0x1000),
                       (uint32_t) g_test_rand_int_range (1, 0x800),
                       (uint16_t) g_test_rand_int_range (0, 16),
                       (uint16_t) g_test_rand_int_range (0, is_packed ? 0x10000 : 8));
          if (g_test_rand_int () % 8 == 0)
            ring[g_test_rand_int_range (0, 128)] = (uint8_t) g_test_rand_int ();
          if (g_test_rand_int () % 4 == 0)
            driver_put16 (d.driver + (guint) g_test_rand_int_range (0, 12) * 2,
                          (uint16_t) g_test_rand_int_range (0, 9));
          c = d.api->pop (d.probe->queue[0]);
          if (c && g_test_rand_int () % 4)
            {
              guint n;

              for (n = 0; n < c->n_writable; n++)
                memset (c->writable[n].base, 0xa5, c->writable[n].size);
              d.api->push (d.probe->queue[0], c, c->writable_size);
              d.api->notify (d.probe->queue[0]);
            }
          else if (c && g_test_rand_int () % 2)
            d.api->unpop (d.probe->queue[0], c);
        }
    }
  g_assert_cmpuint (mock.logs, <=, 1);
  driver_free (&d);
}

int
main (int argc, char **argv)
{
  gsize i;

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtio/rows", test_rows);
  g_test_add_func ("/virtio/registers", test_registers);
  g_test_add_func ("/virtio/config", test_config);
  g_test_add_func ("/virtio/negotiation", test_negotiation);
  g_test_add_func ("/virtio/status", test_status);
  g_test_add_func ("/virtio/slots", test_slots);
  g_test_add_func ("/virtio/interrupts", test_interrupts);
  g_test_add_func ("/virtio/notifications", test_notifications);
  g_test_add_func ("/virtio/two-rams", test_two_rams);
  g_test_add_func ("/virtio/acknowledged-meanwhile", test_acknowledged_meanwhile);
  g_test_add_data_func ("/virtio/two-threads/split", &kinds[0], test_two_threads);
  g_test_add_data_func ("/virtio/two-threads/packed", &kinds[2], test_two_threads);
  g_test_add_func ("/virtio/wrong-time", test_wrong_time);
  g_test_add_func ("/virtio/overrun", test_overrun);
  g_test_add_func ("/virtio/broken-by-device", test_broken_by_device);
  g_test_add_func ("/virtio/rng", test_rng);
  for (i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      char *path = g_strdup_printf ("/virtio/traffic/%" G_GSIZE_FORMAT, i);

      g_test_add_data_func (path, &kinds[i], test_traffic);
      g_free (path);
      path = g_strdup_printf ("/virtio/push-all/%" G_GSIZE_FORMAT, i);
      g_test_add_data_func (path, &kinds[i], test_push_all);
      g_free (path);
      path = g_strdup_printf ("/virtio/reset-with-chains-out/%" G_GSIZE_FORMAT, i);
      g_test_add_data_func (path, &kinds[i], test_reset_with_chains_out);
      g_free (path);
    }
#define EACH(table, prefix, fn)                                                                    \
  for (i = 0; i < G_N_ELEMENTS (table); i++)                                                       \
    {                                                                                              \
      char *path = g_strdup_printf ("/virtio/" prefix "/%s", table[i].name);                       \
      g_test_add_data_func (path, GSIZE_TO_POINTER (i), fn);                                       \
      g_free (path);                                                                               \
    }
  EACH (malformed, "malformed", test_malformed)
  EACH (packed, "malformed-packed", test_malformed_packed)
  EACH (rings, "rings", test_rings)
  g_test_add_data_func ("/virtio/hostile/split", GINT_TO_POINTER (0), test_hostile);
  g_test_add_data_func ("/virtio/hostile/packed", GINT_TO_POINTER (1), test_hostile);
  return g_test_run ();
}
