/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio block device on the mock host: configuration space, each kind of request in each
 * shape, requests that are none, and stops with requests in flight.  So many lines, because all of
 * them build their chains with the same few helpers.
 */
#include "mock-block.h"

#include <errno.h>
#include <string.h>

#define IN 0
#define OUT 1
#define FLUSH 4
#define GET_ID 8
#define DISCARD 11
#define ZEROES 13
#define ST_OK 0
#define ST_IOERR 1
#define ST_UNSUPP 2
#define F_RO FEATURE (5)
#define F_FLUSH FEATURE (9)
#define F_CONFIG_WCE FEATURE (11)
#define F_MQ FEATURE (12)
#define BASIC (FEATURE (2) | FEATURE (4) | FEATURE (6) | FEATURE (10))
#define RING (VERSION_1 | EVENT_IDX | INDIRECT_DESC | RING_RESET)

static const uint64_t kinds[] = { 0, EVENT_IDX, PACKED, PACKED | EVENT_IDX | IN_ORDER };

static void
start (struct driver *d, uint64_t features)
{
  driver_start (d, features, VBLK_QUEUE);
}

/* A disk with one queue and all its features. */
static void
new_started (struct driver *d, uint64_t ring)
{
  vblk_new (d, 1, "packed=1", "in-order=1", NULL);
  start (d, (driver_offered (d) & 0xffffff) | RING_RESET | ring);
}

static uint64_t
config (struct driver *d, uint32_t offset, uint32_t size)
{
  return mock_load_reg (d->slot, 0x100 + offset, size);
}

static gboolean
is_broken (struct driver *d)
{
  return (driver_load (d, R_STATUS) & NEEDS_RESET) != 0;
}

static void
put (uint64_t address, const void *data, uint32_t size)
{
  memcpy (mock_memory (address, size), data, size);
}

/* ---- what the guest is told -------------------------------------------------------------------
 */

static void
test_rows (void)
{
  const struct gwt_plugin *plugin;
  struct driver d;
  guint i;

  vblk_new (&d, 1, NULL);
  plugin = mock_load ("virtio-blk");
  for (i = 0; plugin->types[i]; i++)
    mock_check_rows (plugin->types[i]);
  vblk_free (&d);
}

static void
test_config (void)
{
  struct driver d;

  vblk_new (&d, 1, "num-queues=1", NULL);
  g_assert_cmphex (driver_load (&d, 0x08), ==, 2);
  g_assert_cmphex (driver_offered (&d), ==,
                   BASIC | RING | F_FLUSH | F_CONFIG_WCE | FEATURE (13) | FEATURE (14));
  g_assert_cmpuint (config (&d, 0, 4), ==, MOCK_BLOCK_SIZE / 512);
  g_assert_cmpuint (config (&d, 4, 4), ==, 0);
  g_assert_cmpuint (config (&d, 8, 4), ==, 0);
  g_assert_cmpuint (config (&d, 12, 4), ==, VBLK_QUEUE - 2);
  g_assert_cmpuint (config (&d, 16, 2), ==, 2);
  g_assert_cmpuint (config (&d, 18, 1), ==, 16);
  g_assert_cmpuint (config (&d, 19, 1), ==, 63);
  g_assert_cmpuint (config (&d, 20, 4), ==, 512);
  g_assert_cmpuint (config (&d, 24, 4), ==, 0);
  g_assert_cmpuint (config (&d, 28, 4), ==, 0);
  g_assert_cmpuint (config (&d, 32, 1), ==, 1);
  g_assert_cmpuint (config (&d, 34, 2), ==, 1);
  g_assert_cmpuint (config (&d, 36, 4), ==, 4194303);
  g_assert_cmpuint (config (&d, 40, 4), ==, 1);
  g_assert_cmpuint (config (&d, 44, 4), ==, 1);
  g_assert_cmpuint (config (&d, 48, 4), ==, 4194303);
  g_assert_cmpuint (config (&d, 52, 4), ==, 1);
  g_assert_cmpuint (config (&d, 56, 1), ==, 1);
  g_assert_cmpuint (mock.logs, ==, 0);
  g_assert_cmphex (config (&d, 60, 4), ==, UINT32_MAX);
  g_assert_cmpuint (mock.logs, ==, 1);
  vblk_free (&d);
}

static void
test_topology (void)
{
  struct driver d;

  mock_block_new ();
  mock_block.info.logical_block = 512;
  mock_block.info.physical_block = 4096;
  vblk_new (&d, 4, "logical-block-size=1024", "min-io-size=8192", "opt-io-size=65536",
            "discard-granularity=4096", "seg-max-adjust=0", NULL);
  g_assert_cmphex (driver_offered (&d) & F_MQ, ==, F_MQ);
  g_assert_cmpuint (config (&d, 12, 4), ==, 126);
  g_assert_cmpuint (config (&d, 19, 1), ==, 62);
  g_assert_cmpuint (config (&d, 20, 4), ==, 1024);
  g_assert_cmpuint (config (&d, 24, 1), ==, 2);
  g_assert_cmpuint (config (&d, 26, 2), ==, 8);
  g_assert_cmpuint (config (&d, 28, 4), ==, 64);
  g_assert_cmpuint (config (&d, 34, 2), ==, 4);
  g_assert_cmpuint (config (&d, 44, 4), ==, 8);
  vblk_free (&d);
  /* As the drive has it; a shape of the user's; what is not offered has no place. */
  mock_block_new ();
  mock_block.info.logical_block = mock_block.info.physical_block = 4096;
  vblk_new (&d, 4, "num-queues=2", "cyls=100", "heads=3", "secs=17", "write-zeroes=0", NULL);
  g_assert_cmphex (driver_offered (&d) & FEATURE (14), ==, 0);
  g_assert_cmpuint (config (&d, 16, 2), ==, 100);
  g_assert_cmpuint (config (&d, 18, 1), ==, 3);
  g_assert_cmpuint (config (&d, 19, 1), ==, 16);
  g_assert_cmpuint (config (&d, 20, 4), ==, 4096);
  g_assert_cmpuint (config (&d, 34, 2), ==, 2);
  g_assert_cmpuint (config (&d, 44, 4), ==, 8);
  g_assert_cmpuint (mock.logs, ==, 0);
  g_assert_cmphex (config (&d, 48, 4), ==, UINT32_MAX);
  g_assert_cmpuint (mock.logs, ==, 1);
  vblk_free (&d);
}

static void
test_write_cache (void)
{
  struct driver d;

  vblk_new (&d, 1, NULL);
  g_assert_cmpuint (mock_block.write_cache, ==, 1);
  start (&d, F_FLUSH | F_CONFIG_WCE);
  g_assert_cmpuint (mock_block.write_cache, ==, 1);
  mock_store_reg (d.slot, 0x120, 1, 0);
  g_assert_cmpuint (mock_block.write_cache, ==, 0);
  g_assert_cmpuint (config (&d, 32, 1), ==, 0);
  g_assert_cmpuint (mock_row (d.device, "writeback", 0), ==, 0);
  /* Nothing else can be written, nor this without the feature. */
  mock_store_reg (d.slot, 0x100, 4, 7);
  g_assert_cmpuint (config (&d, 0, 4), ==, MOCK_BLOCK_SIZE / 512);
  driver_store (&d, R_STATUS, 0);
  g_assert_cmpuint (mock_block.write_cache, ==, 1);
  start (&d, F_FLUSH);
  g_assert_cmpuint (mock_block.write_cache, ==, 1);
  mock_store_reg (d.slot, 0x120, 1, 0);
  g_assert_cmpuint (mock_block.write_cache, ==, 1);
  /* A driver that cannot flush. */
  start (&d, 0);
  g_assert_cmpuint (mock_block.write_cache, ==, 0);
  mock_reset (d.device, GWT_RESET_WARM);
  g_assert_cmpuint (mock_block.write_cache, ==, 1);
  vblk_free (&d);
  /* Off, for good. */
  vblk_new (&d, 1, "write-cache=2", "config-wce=0", NULL);
  g_assert_cmpuint (mock_block.write_cache, ==, 0);
  g_assert_cmpuint (config (&d, 32, 1), ==, 0);
  g_assert_cmphex (driver_offered (&d) & (F_FLUSH | F_CONFIG_WCE), ==, 0);
  vblk_free (&d);
}

static void
test_resize (void)
{
  struct driver d;

  new_started (&d, 0);
  g_assert_cmpuint (vblk_do (&d, IN, 512, VBLK_DATA, 512, 1, 1), ==, ST_IOERR);
  driver_store (&d, R_ACK, 3);
  mock_block.info.size = 0x30000;
  mock_block.use.resized (d.device->instance);
  g_assert_cmphex (driver_load (&d, R_ISR), ==, 2);
  g_assert_cmpuint (mock_level (d.slot, "irq", 0), ==, 1);
  g_assert_cmpuint (config (&d, 0, 4), ==, 0x180);
  g_assert_cmpuint (vblk_do (&d, IN, 0x17f, VBLK_DATA, 512, 1, 1), ==, ST_OK);
  g_assert_cmpuint (vblk_do (&d, IN, 0x180, VBLK_DATA, 512, 1, 1), ==, ST_IOERR);
  vblk_free (&d);
}

/* ---- requests ---------------------------------------------------------------------------------
 */

static void
test_requests (gconstpointer data)
{
  static const char serial[21] = "0123456789abcdefghij";
  struct driver d;
  uint8_t *p;
  guint round;

  mock_block_new ();
  vblk_new (&d, 1, "packed=1", "in-order=1", "serial=0123456789abcdefghijk", NULL);
  start (&d, (driver_offered (&d) & 0xffffff) | *(const uint64_t *) data);
  p = mock_memory (VBLK_DATA, 0x4000);
  for (round = 0; round < 100; round++)
    {
      uint64_t sector = 8 * (round % 20);

      memset (p, (int) (round + 1), 0x2000);
      g_assert_cmpuint (vblk_do (&d, OUT, sector, VBLK_DATA, 1024, 4, 0), ==, ST_OK);
      g_assert_cmpuint (mock_block.last_op, ==, GWT_BLOCK_WRITE);
      g_assert_cmpuint (vblk_do (&d, FLUSH, 0, VBLK_DATA, 512, 0, 0), ==, ST_OK);
      g_assert_cmpuint (mock_block.flushes, ==, round + 1);
      g_assert_cmpuint (vblk_do (&d, IN, sector + 2, VBLK_DATA + 0x2000, 512, 2, 1), ==, ST_OK);
      g_assert_true (memcmp (p, p + 0x2000, 1024) == 0);
      g_assert_true (memcmp (p, mock_block.data + 512 * sector, 4096) == 0);
      g_assert_cmpuint (mock_block.data[512 * (sector + 8)], ==, 0xff & (sector + 8));
      memcpy (mock_block.data + 512 * sector, mock_block.data + MOCK_BLOCK_SIZE / 2, 4096);
      for (guint i = 0; i < 4096; i++)
        mock_block.data[512 * sector + i] = (uint8_t) (sector + i / 512 + i);
      g_assert_cmpuint (vblk_do (&d, GET_ID, 0, VBLK_DATA, 20, 1, 1), ==, ST_OK);
      g_assert_true (memcmp (p, serial, 20) == 0);
    }
  g_assert_false (is_broken (&d));
  g_assert_cmpuint (mock.logs, ==, 0);
  vblk_free (&d);
}

static void
test_id (void)
{
  struct driver d;
  uint8_t *p;

  vblk_new (&d, 1, "serial=disk", NULL);
  start (&d, 0);
  p = mock_memory (VBLK_DATA, 64);
  memset (p, 0xee, 64);
  g_assert_cmpuint (vblk_do (&d, GET_ID, 0, VBLK_DATA, 32, 1, 1), ==, ST_OK);
  g_assert_true (memcmp (p, "disk\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xee", 21) == 0);
  memset (p, 0xee, 64);
  g_assert_cmpuint (vblk_do (&d, GET_ID, 0, VBLK_DATA, 1, 3, 1), ==, ST_OK);
  g_assert_true (memcmp (p, "dis\xee", 4) == 0);
  g_assert_cmpuint (vblk_do (&d, GET_ID, 0, VBLK_DATA, 1, 0, 0), ==, ST_OK);
  vblk_free (&d);
}

static uint8_t
segment (struct driver *d, uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
  uint8_t *p = mock_memory (VBLK_DATA, 16);

  memcpy (p, &sector, 8);
  memcpy (p + 8, &sectors, 4);
  memcpy (p + 12, &flags, 4);
  return vblk_do (d, type, 0, VBLK_DATA, 16, 1, 0);
}

static void
test_zeroes (void)
{
  struct driver d;

  new_started (&d, 0);
  g_assert_cmpuint (segment (&d, DISCARD, 8, 2, 0), ==, ST_OK);
  g_assert_cmpuint (mock_block.last_op, ==, GWT_BLOCK_DISCARD);
  g_assert_cmphex (mock_block.data[8 * 512 - 1], !=, 0xdd);
  g_assert_cmphex (mock_block.data[8 * 512], ==, 0xdd);
  g_assert_cmphex (mock_block.data[10 * 512 - 1], ==, 0xdd);
  g_assert_cmphex (mock_block.data[10 * 512], !=, 0xdd);
  g_assert_cmpuint (segment (&d, ZEROES, 9, 1, 0), ==, ST_OK);
  g_assert_cmphex (mock_block.last_flags, ==, 0);
  g_assert_cmphex (mock_block.data[9 * 512], ==, 0);
  g_assert_cmpuint (segment (&d, ZEROES, 9, 1, 1), ==, ST_OK);
  g_assert_cmphex (mock_block.last_flags, ==, GWT_BLOCK_MAY_UNMAP);
  g_assert_cmpuint (mock_block.requests, ==, 3);
  g_assert_cmpuint (vblk_do (&d, OUT, 0, VBLK_DATA, 512, 1, 0), ==, ST_OK);
  g_assert_cmphex (mock_block.last_flags, ==, 0);
  /* Nothing to do; flags that there are not; beyond the end, in three ways. */
  g_assert_cmpuint (segment (&d, ZEROES, 9, 0, 0), ==, ST_OK);
  g_assert_cmpuint (segment (&d, DISCARD, 8, 2, 1), ==, ST_UNSUPP);
  g_assert_cmpuint (segment (&d, DISCARD, 8, 2, 2), ==, ST_UNSUPP);
  g_assert_cmpuint (segment (&d, ZEROES, 8, 2, 2), ==, ST_UNSUPP);
  g_assert_cmpuint (segment (&d, DISCARD, 511, 2, 0), ==, ST_IOERR);
  g_assert_cmpuint (segment (&d, ZEROES, UINT64_MAX, 2, 0), ==, ST_IOERR);
  g_assert_cmpuint (segment (&d, ZEROES, 0, UINT32_MAX, 0), ==, ST_IOERR);
  /* Two segments; one that is cut off, in the middle or altogether. */
  g_assert_cmpuint (vblk_do (&d, DISCARD, 0, VBLK_DATA, 16, 2, 0), ==, ST_UNSUPP);
  g_assert_cmpuint (mock_block.requests, ==, 4);
  g_assert_cmpuint (mock.logs, ==, 0);
  vblk_add (&d, DISCARD, 0, VBLK_DATA, 15, 1, 0);
  vblk_notify (&d);
  mock_block_run ();
  g_assert_true (is_broken (&d));
  vblk_free (&d);
  /* Limits of the user's, and a disk that does not offer it. */
  vblk_new (&d, 1, "max-discard-sectors=4", "max-write-zeroes-sectors=2", NULL);
  start (&d, 0);
  g_assert_cmpuint (config (&d, 36, 4), ==, 4);
  g_assert_cmpuint (config (&d, 48, 4), ==, 2);
  g_assert_cmpuint (segment (&d, DISCARD, 0, 4, 0), ==, ST_OK);
  g_assert_cmpuint (segment (&d, DISCARD, 0, 5, 0), ==, ST_IOERR);
  g_assert_cmpuint (segment (&d, ZEROES, 0, 3, 0), ==, ST_IOERR);
  vblk_free (&d);
  vblk_new (&d, 1, "discard=0", "write-zeroes=0", NULL);
  start (&d, 0);
  g_assert_cmpuint (segment (&d, DISCARD, 0, 1, 0), ==, ST_UNSUPP);
  g_assert_cmpuint (segment (&d, ZEROES, 0, 1, 0), ==, ST_UNSUPP);
  vblk_free (&d);
}

/* Header, data and status in buffers that begin and end anywhere. */
static void
test_shapes (gconstpointer data)
{
  static const uint32_t shapes[][8] = {
    /* readable sizes up to 0, of 16 + 1024 bytes */
    { 16, 1024 },
    { 16 + 1024 },
    { 1, 15, 1024 },
    { 7, 8, 1 + 1000, 24 },
    { 8, 8 + 1, 1023 },
    { 16 + 512, 1, 511 },
  };
  struct driver d;
  guint s, i, n;
  uint16_t id;

  new_started (&d, *(const uint64_t *) data);
  for (s = 0; s < G_N_ELEMENTS (shapes); s++)
    {
      uint64_t address[VBLK_QUEUE], at = VBLK_DATA + 3;
      uint32_t size[VBLK_QUEUE], type = OUT, left;
      uint16_t flags[VBLK_QUEUE] = { 0 };
      uint64_t sector = 4 + 2 * s;
      uint8_t *p = mock_memory (at, 0x3000), *last;

      for (i = 0; i < 16 + 1024; i++)
        p[i] = (uint8_t) (i * 7 + s);
      memset (p, 0, 16);
      memcpy (p, &type, 4);
      memcpy (p + 8, &sector, 8);
      for (n = 0; shapes[s][n]; at += shapes[s][n++])
        {
          address[n] = at;
          size[n] = shapes[s][n];
        }
      address[n] = VBLK_STATUS;
      size[n] = 1;
      flags[n++] = D_WRITE;
      *(uint8_t *) mock_memory (VBLK_STATUS, 1) = 0xff;
      id = driver_chain (&d, address, size, flags, n);
      vblk_notify (&d);
      mock_block_run ();
      g_assert_true (driver_used (&d, &id, size));
      g_assert_cmpuint (*(uint8_t *) mock_memory (VBLK_STATUS, 1), ==, ST_OK);
      g_assert_true (memcmp (mock_block.data + 512 * sector, p + 16, 1024) == 0);
      /* And back, with the sizes of the data and the status behind it. */
      type = IN;
      put (VBLK_HEADER, &type, 4);
      put (VBLK_HEADER + 8, &sector, 8);
      address[0] = VBLK_HEADER;
      size[0] = 16;
      flags[0] = 0;
      at = VBLK_DATA + 0x1001;
      memset (mock_memory (at, 1025), 0xff, 1025);
      left = 1025;
      for (n = 1; shapes[s][n] && shapes[s][n] < left; at += shapes[s][n++])
        {
          address[n] = at;
          size[n] = shapes[s][n];
          flags[n] = D_WRITE;
          left -= shapes[s][n];
        }
      address[n] = at;
      size[n] = left;
      flags[n++] = D_WRITE;
      last = mock_memory (VBLK_DATA + 0x1001 + 1024, 1);
      driver_chain (&d, address, size, flags, n);
      vblk_notify (&d);
      mock_block_run ();
      g_assert_true (driver_used (&d, &id, size));
      g_assert_cmpuint (size[0], ==, 1025);
      g_assert_cmpuint (*last, ==, ST_OK);
      g_assert_true (memcmp (last - 1024, p + 16, 1024) == 0);
    }
  vblk_free (&d);
}

/* One buffer of the guest's that lies in two blocks of the host's RAM. */
static void
test_two_rams (void)
{
  struct driver d;

  new_started (&d, 0);
  g_assert_cmpuint (vblk_do (&d, IN, 3, MOCK_RAM2_BASE - 100, 1024, 1, 1), ==, ST_OK);
  g_assert_cmpuint (*(uint8_t *) mock_memory (MOCK_RAM2_BASE - 100, 1), ==, 3);
  g_assert_cmpuint (*(uint8_t *) mock_memory (MOCK_RAM2_BASE, 1), ==, 103);
  g_assert_cmpuint (vblk_do (&d, OUT, 7, MOCK_RAM2_BASE - 100, 1024, 1, 0), ==, ST_OK);
  g_assert_true (memcmp (mock_block.data + 3 * 512, mock_block.data + 7 * 512, 1024) == 0);
  vblk_free (&d);
}

static void
test_out_of_range (void)
{
  static const uint64_t sectors[] = { 511, 512, 513, UINT64_MAX, UINT64_MAX >> 9,
                                      UINT64_C (1) << 55 };
  struct driver d;
  guint i;

  new_started (&d, 0);
  for (i = 0; i < G_N_ELEMENTS (sectors); i++)
    {
      g_assert_cmpuint (vblk_do (&d, IN, sectors[i], VBLK_DATA, 1024, 1, 1), ==, ST_IOERR);
      g_assert_cmpuint (vblk_do (&d, OUT, sectors[i], VBLK_DATA, 1024, 1, 0), ==, ST_IOERR);
    }
  /* No whole sectors. */
  g_assert_cmpuint (vblk_do (&d, IN, 0, VBLK_DATA, 511, 1, 1), ==, ST_IOERR);
  g_assert_cmpuint (vblk_do (&d, OUT, 0, VBLK_DATA, 513, 1, 0), ==, ST_IOERR);
  g_assert_cmpuint (mock_block.requests, ==, 0);
  /* No data at all is no error. */
  g_assert_cmpuint (vblk_do (&d, IN, 0, VBLK_DATA, 512, 0, 0), ==, ST_OK);
  g_assert_cmpuint (vblk_do (&d, OUT, 512, VBLK_DATA, 512, 0, 0), ==, ST_OK);
  g_assert_cmpuint (mock_block.requests, ==, 0);
  g_assert_cmpuint (vblk_do (&d, IN, 510, VBLK_DATA, 1024, 1, 1), ==, ST_OK);
  g_assert_false (is_broken (&d));
  vblk_free (&d);
  /* Blocks of 4 KiB. */
  vblk_new (&d, 1, "logical-block-size=4096", NULL);
  start (&d, 0);
  g_assert_cmpuint (vblk_do (&d, IN, 8, VBLK_DATA, 4096, 1, 1), ==, ST_OK);
  g_assert_cmpuint (vblk_do (&d, IN, 1, VBLK_DATA, 4096, 1, 1), ==, ST_IOERR);
  g_assert_cmpuint (vblk_do (&d, OUT, 8, VBLK_DATA, 512, 1, 0), ==, ST_IOERR);
  g_assert_cmpuint (mock_block.requests, ==, 1);
  vblk_free (&d);
  /* More than the drive takes at once. */
  mock_block_new ();
  mock_block.info.max_transfer = 1024;
  vblk_new (&d, 1, NULL);
  start (&d, 0);
  g_assert_cmpuint (vblk_do (&d, IN, 8, VBLK_DATA, 512, 2, 1), ==, ST_OK);
  g_assert_cmpuint (vblk_do (&d, IN, 8, VBLK_DATA, 512, 3, 1), ==, ST_IOERR);
  vblk_free (&d);
}

static void
test_read_only (void)
{
  struct driver d;

  mock_block_new ();
  mock_block.info.read_only = 1;
  vblk_new (&d, 1, NULL);
  g_assert_cmphex (driver_offered (&d) & F_RO, ==, F_RO);
  start (&d, driver_offered (&d) & 0xffffff);
  g_assert_cmpuint (vblk_do (&d, IN, 0, VBLK_DATA, 512, 1, 1), ==, ST_OK);
  g_assert_cmpuint (vblk_do (&d, OUT, 0, VBLK_DATA, 512, 1, 0), ==, ST_IOERR);
  g_assert_cmpuint (segment (&d, DISCARD, 0, 1, 0), ==, ST_IOERR);
  g_assert_cmpuint (segment (&d, ZEROES, 0, 1, 0), ==, ST_IOERR);
  g_assert_cmpuint (vblk_do (&d, FLUSH, 0, VBLK_DATA, 512, 0, 0), ==, ST_OK);
  g_assert_cmpuint (mock_block.requests, ==, 2);
  vblk_free (&d);
}

static void
test_unsupported (void)
{
  static const uint32_t types[]
      = { 2, 3, 5, 6, 7, 9, 10, 12, 14, 15, 24, 26, 0x80000000, UINT32_MAX };
  struct driver d;
  guint i;

  new_started (&d, 0);
  for (i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_assert_cmpuint (vblk_do (&d, types[i], 0, VBLK_DATA, 512, 1, i & 1), ==, ST_UNSUPP);
      g_assert_cmpuint (vblk_do (&d, types[i], 0, VBLK_DATA, 512, 0, 0), ==, ST_UNSUPP);
    }
  g_assert_cmpuint (mock_block.requests, ==, 0);
  g_assert_false (is_broken (&d));
  vblk_free (&d);
}

static void
test_no_request (void)
{
  static const uint32_t whole[] = { 16, 1 }, cut[] = { 15, 1 }, no_status[] = { 16, 512 };
  struct driver d;

  new_started (&d, 0);
  memset (mock_memory (BUFFERS, 16), 0, 16);
  driver_add (&d, whole, 2, 1);
  vblk_notify (&d);
  mock_block_run ();
  g_assert_false (is_broken (&d));
  driver_add (&d, cut, 2, 1);
  vblk_notify (&d);
  mock_block_run ();
  g_assert_true (is_broken (&d));
  g_assert_cmpuint (mock.logs, ==, 1);
  start (&d, 0);
  driver_add (&d, no_status, 2, 0);
  vblk_notify (&d);
  mock_block_run ();
  g_assert_true (is_broken (&d));
  start (&d, 0);
  driver_add (&d, whole + 1, 1, 1);
  vblk_notify (&d);
  mock_block_run ();
  g_assert_true (is_broken (&d));
  g_assert_cmpuint (mock_block.requests, ==, 0);
  /* Good again after a reset. */
  start (&d, 0);
  g_assert_cmpuint (vblk_do (&d, IN, 0, VBLK_DATA, 512, 1, 1), ==, ST_OK);
  vblk_free (&d);
}

static void
test_failures (void)
{
  static const int32_t errors[] = { EIO, ENOSPC, EPERM, ENOMEM };
  struct driver d;
  guint i;

  new_started (&d, 0);
  for (i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      mock_block.fail = errors[i];
      g_assert_cmpuint (vblk_do (&d, IN, 0, VBLK_DATA, 512, 1, 1), ==, ST_IOERR);
      g_assert_cmpuint (vblk_do (&d, OUT, 0, VBLK_DATA, 512, 1, 0), ==, ST_IOERR);
      g_assert_cmpuint (vblk_do (&d, FLUSH, 0, VBLK_DATA, 512, 0, 0), ==, ST_IOERR);
      g_assert_cmpuint (segment (&d, DISCARD, 0, 1, 0), ==, ST_IOERR);
    }
  mock_block.fail = ENOTSUP;
  g_assert_cmpuint (segment (&d, DISCARD, 0, 1, 0), ==, ST_UNSUPP);
  g_assert_cmpuint (segment (&d, ZEROES, 0, 1, 0), ==, ST_UNSUPP);
  g_assert_cmpuint (vblk_do (&d, IN, 0, VBLK_DATA, 512, 1, 1), ==, ST_IOERR);
  mock_block.fail = 0;
  g_assert_cmpuint (vblk_do (&d, IN, 0, VBLK_DATA, 512, 1, 1), ==, ST_OK);
  vblk_free (&d);
}

/* ---- several at once --------------------------------------------------------------------------
 */

static void
test_batch (gconstpointer data)
{
  uint64_t features = *(const uint64_t *) data;
  struct driver d;
  uint16_t id[5];
  guint i, irqs;

  new_started (&d, features & ~IN_ORDER);
  for (i = 0; i < 5; i++)
    id[i] = vblk_add (&d, IN, 10 * i, VBLK_DATA + 512 * i, 512, 1, 1);
  vblk_notify (&d);
  mock_block_work ();
  /* All in one go, and the driver hears of none yet. */
  g_assert_cmpuint (mock_block.submits, ==, 1);
  g_assert_cmpuint (mock_block_flying (), ==, 5);
  g_assert_cmpuint (mock_level (d.slot, "irq", 0), ==, 0);
  irqs = mock_line (d.slot, "irq", 0)->changes;
  /* Back in another order, three of them with one interrupt. */
  mock_block_complete (0, 4);
  mock_block_complete (0, 1);
  mock_block_complete (0, 0);
  g_assert_cmpuint (mock_level (d.slot, "irq", 0), ==, 0);
  mock_block_work ();
  g_assert_cmpuint (mock_level (d.slot, "irq", 0), ==, 1);
  g_assert_cmpuint (mock_line (d.slot, "irq", 0)->changes, ==, irqs + 1);
  g_assert_cmpuint (vblk_wait (&d, id[4], 513), ==, ST_OK);
  g_assert_cmpuint (vblk_wait (&d, id[1], 513), ==, ST_OK);
  g_assert_cmpuint (vblk_wait (&d, id[0], 513), ==, ST_OK);
  mock_block_run ();
  g_assert_cmpuint (vblk_wait (&d, id[2], 513), ==, ST_OK);
  g_assert_cmpuint (vblk_wait (&d, id[3], 513), ==, ST_OK);
  for (i = 0; i < 5; i++)
    g_assert_cmpuint (*(uint8_t *) mock_memory (VBLK_DATA + 512 * i, 1), ==, 10 * i);
  vblk_free (&d);
}

/* The back end has room for two. */
static void
test_no_room (void)
{
  struct driver d;
  uint16_t id[5];
  guint i;

  new_started (&d, 0);
  mock_block.room = 2;
  for (i = 0; i < 5; i++)
    id[i] = vblk_add (&d, IN, 10 * i, VBLK_DATA + 512 * i, 512, 1, 1);
  vblk_notify (&d);
  mock_block_work ();
  g_assert_cmpuint (mock_block_flying (), ==, 2);
  mock_block_complete (0, 0);
  mock_block_work ();
  g_assert_cmpuint (mock_block_flying (), ==, 2);
  mock_block_run ();
  for (i = 0; i < 5; i++)
    g_assert_cmpuint (vblk_wait (&d, id[i], 513), ==, ST_OK);
  g_assert_cmpuint (mock_block.requests, ==, 5);
  /* Stopped with some that found no room. */
  for (i = 0; i < 5; i++)
    vblk_add (&d, OUT, 10 * i, VBLK_DATA, 512, 1, 0);
  vblk_notify (&d);
  mock_block_work ();
  driver_store (&d, R_STATUS, 0);
  g_assert_cmpuint (mock_block_flying (), ==, 0);
  g_assert_cmpuint (mock.dma_maps, ==, 0);
  mock_block.room = 100;
  start (&d, 0);
  g_assert_cmpuint (vblk_do (&d, IN, 0, VBLK_DATA, 512, 1, 1), ==, ST_OK);
  g_assert_cmpuint (mock_block_flying (), ==, 0);
  vblk_free (&d);
}

/* While requests are looked for the driver is told that it need not notify. */
static void
test_quiet (void)
{
  struct driver d;

  new_started (&d, 0);
  vblk_add (&d, IN, 0, VBLK_DATA, 512, 1, 1);
  vblk_notify (&d);
  mock_block_work ();
  /* Split ring, flags of the used ring: notifications are wanted again. */
  g_assert_cmpuint (driver_get16 (d.used), ==, 0);
  g_assert_cmpuint (mock_block_flying (), ==, 1);
  vblk_add (&d, IN, 0, VBLK_DATA, 512, 1, 1);
  vblk_notify (&d);
  mock_block_work ();
  g_assert_cmpuint (mock_block_flying (), ==, 2);
  vblk_free (&d);
}

static void
stop_status (struct driver *d)
{
  driver_store (d, R_STATUS, 0);
}

static void
stop_failed (struct driver *d)
{
  driver_store (d, R_STATUS, 0x8f);
}

static void
stop_machine (struct driver *d)
{
  mock_reset (d->device, GWT_RESET_WARM);
}

static void
stop_queue (struct driver *d)
{
  driver_store (d, 0x30, 0);
  driver_store (d, 0xc0, 1);
}

/* Requests in flight, or waiting for `cont`, when the device is stopped in each way. */
static void
test_stop (gconstpointer data)
{
  static void (*const stops[]) (struct driver *)
      = { stop_status, stop_failed, stop_machine, stop_queue };
  struct driver d;
  guint i, j, parked;

  new_started (&d, *(const uint64_t *) data);
  for (i = 0; i < 2 * G_N_ELEMENTS (stops); i++)
    {
      parked = i & 1;
      for (j = 0; j < 4; j++)
        vblk_add (&d, OUT, 100 + j, VBLK_DATA, 512, 1, 0);
      vblk_notify (&d);
      mock_block_work ();
      g_assert_cmpuint (mock_block_flying (), ==, 4);
      mock_block_complete (0, 2);
      mock_block.fail = parked ? EIO : 0;
      mock_block.cancelled = 0;
      stops[i / 2] (&d);
      g_assert_cmpuint (mock_block_flying (), ==, 0);
      g_assert_cmpuint (mock_block.cancelled, ==, parked ? 3 : 0);
      mock_block.fail = 0;
      mock_block_work ();
      g_assert_cmpuint (mock_block_flying (), ==, 0);
      if (stops[i / 2] != stop_queue)
        start (&d, *(const uint64_t *) data | RING_RESET);
      else
        {
          driver_queue (&d, 0, VBLK_QUEUE);
          d.next = d.index = d.seen = 0;
          d.wrap = d.seen_wrap = 1;
        }
      g_assert_cmpuint (vblk_do (&d, IN, 0, VBLK_DATA, 512, 1, 1), ==, ST_OK);
    }
  /* Unplugged. */
  vblk_add (&d, OUT, 100, VBLK_DATA, 512, 1, 0);
  vblk_notify (&d);
  mock_block_work ();
  g_assert_cmpuint (mock_block_flying (), ==, 1);
  vblk_free (&d);
}

/* Four queues, each served by itself. */
static void
test_queues (void)
{
  struct driver d, q[4];
  guint i;

  vblk_new (&d, 4, NULL);
  g_assert_true (driver_negotiate (&d, VERSION_1 | F_MQ));
  for (i = 0; i < 4; i++)
    {
      uint64_t base = MOCK_RAM_BASE + 0x10000 * (i + 1);

      driver_queue (&d, i, VBLK_QUEUE);
      q[i] = d;
      q[i].num = VBLK_QUEUE;
      q[i].desc = base;
      q[i].driver = base + 0x4000;
      q[i].used = base + 0x8000;
      q[i].next = (uint16_t) (3 * i); /* headers and status bytes of their own */
    }
  driver_store (&d, R_STATUS, OK_STATUS);
  for (i = 0; i < 4; i++)
    {
      vblk_add (&q[i], IN, 20 * i, MOCK_RAM_BASE + 0x80000 + 512 * i, 512, 1, 1);
      driver_store (&d, R_NOTIFY, i);
      mock_block_work ();
      g_assert_cmpuint (mock_block.queue[i].flying->len, ==, 1);
    }
  mock_block_complete (2, 0);
  mock_block_work ();
  g_assert_cmpuint (vblk_wait (&q[2], 6, 513), ==, ST_OK);
  g_assert_cmpuint (*(uint8_t *) mock_memory (MOCK_RAM_BASE + 0x80000 + 1024, 1), ==, 40);
  driver_store (&d, R_STATUS, 0);
  g_assert_cmpuint (mock_block_flying (), ==, 0);
  vblk_free (&d);
}

/* ---- threads ----------------------------------------------------------------------------------
 */

/* Another vCPU: doorbells and configuration space, at any time. */
static gpointer
other_vcpu (gpointer data)
{
  struct driver *d = data;
  uint32_t capacity = MOCK_BLOCK_SIZE / 512;

  while (!__atomic_load_n (&d->probe, __ATOMIC_ACQUIRE))
    {
      vblk_notify (d);
      g_assert_true (config (d, 0, 4) == capacity);
      mock_store_reg (d->slot, 0x120, 1, capacity & 1);
    }
  return NULL;
}

/* Stopped again and again while the drive's thread is at work. */
static void
test_threads (gconstpointer data)
{
  uint64_t features = *(const uint64_t *) data | F_CONFIG_WCE | RING_RESET;
  struct driver d;
  GThread *thread;
  guint round, i;

  mock_block_new ();
  mock_block.threaded = TRUE;
  vblk_new (&d, 1, "packed=1", "in-order=1", NULL);
  thread = g_thread_new ("vcpu", other_vcpu, &d);
  for (round = 0; round < 300; round++)
    {
      uint32_t written;
      uint16_t id;

      start (&d, features);
      for (i = 0; i < 4; i++)
        vblk_add (&d, round & 2 ? IN : OUT, 10 * i, VBLK_DATA + 512 * i, 512, 1, round >> 1 & 1);
      vblk_notify (&d);
      /* All of them, some, or whatever has come by now. */
      for (i = 0; i < 4 - round % 5; i++)
        while (!driver_used (&d, &id, &written))
          g_thread_yield ();
      if (round & 1)
        driver_store (&d, R_STATUS, 0);
      else
        stop_queue (&d);
      g_assert_cmpuint (mock.dma_maps, <=, 3);
    }
  g_atomic_pointer_set (&d.probe, (struct probe *) &d);
  g_thread_join (thread);
  g_assert_false (is_broken (&d));
  vblk_free (&d);
}

/* ---- refusals ---------------------------------------------------------------------------------
 */

static void
test_refusals (void)
{
  static const struct
  {
    const char *property, *text;
  } all[] = {
    { "num-queues=0", "num-queues 0 is not possible; use 1 to 1024, or 65535 for one a vCPU" },
    { "num-queues=1025",
      "num-queues 1025 is not possible; use 1 to 1024, or 65535 for one a vCPU" },
    { "queue-size=2", "queue-size 2 is not possible; use a power of two from 4 to 1024" },
    { "queue-size=100", "queue-size 100 is not possible; use a power of two from 4 to 1024" },
    { "queue-size=2048", "queue-size 2048 is not possible; use a power of two from 4 to 1024" },
    { "logical-block-size=513",
      "logical-block-size 513 is not possible; use a power of two from 512 to 2097152" },
    { "logical-block-size=4194304",
      "logical-block-size 4194304 is not possible; use a power of two from 512 to 2097152" },
    { "physical-block-size=100",
      "physical-block-size 100 is not possible; use a power of two from 512 to 2097152" },
    { "min-io-size=1000",
      "min-io-size 1000 is not 0 to 65535 logical blocks; use a multiple of the block size" },
    { "min-io-size=67108864",
      "min-io-size 67108864 is not 0 to 65535 logical blocks; use a multiple of the block size" },
    { "opt-io-size=1", "opt-io-size 1 is not a whole number of logical blocks; use a multiple of "
                       "the block size" },
    { "discard-granularity=100", "discard-granularity 100 is not a whole number of logical "
                                 "blocks; use a multiple of the block size" },
  };
  struct driver d;
  guint i;

  vblk_new (&d, 1, NULL);
  mock_free (d.device);
  mock_block_free ();
  for (i = 0; i < G_N_ELEMENTS (all); i++)
    {
      mock_block_new ();
      g_assert_null (vblk_try (&d, all[i].property, NULL));
      g_assert_cmpstr (mock_error.text, ==, all[i].text);
      mock_block_free ();
    }
  /* Some queues were made when it failed. */
  mock_block_new ();
  mock_block.queues_max = 2;
  g_assert_null (vblk_try (&d, "num-queues=4", NULL));
  g_assert_cmpstr (mock_error.text, ==, "queue 2: out of files");
  g_assert_cmpuint (mock_block.n_queues, ==, 2);
  mock_block.queue[0].held = mock_block.queue[1].held = 1;
  mock_block_free ();
  mock_block_new ();
  g_assert_null (vblk_try (&d, "logical-block-size=4096", "physical-block-size=512", NULL));
  g_assert_cmpstr (mock_error.text, ==,
                   "physical-block-size 512 is less than logical-block-size; use at least that");
  mock_block.info.logical_block = 4096;
  g_assert_null (vblk_try (&d, "logical-block-size=512", NULL));
  g_assert_cmpstr (mock_error.text, ==,
                   "logical-block-size 512 is less than the drive's 4096; use 4096 or more, or "
                   "another cache mode");
  d.device = vblk_try (&d, NULL);
  g_assert_nonnull (d.device);
  /* A drive has one user. */
  g_assert_null (vblk_try (&d, NULL));
  g_assert_cmpstr (mock_error.text, ==, "drive 'mock' is used by 'disk'; use another");
  vblk_free (&d);
}

int
main (int argc, char **argv)
{
  guint i;

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtio-blk/rows", test_rows);
  g_test_add_func ("/virtio-blk/config", test_config);
  g_test_add_func ("/virtio-blk/topology", test_topology);
  g_test_add_func ("/virtio-blk/write-cache", test_write_cache);
  g_test_add_func ("/virtio-blk/resize", test_resize);
  g_test_add_func ("/virtio-blk/id", test_id);
  g_test_add_func ("/virtio-blk/zeroes", test_zeroes);
  g_test_add_func ("/virtio-blk/two-rams", test_two_rams);
  g_test_add_func ("/virtio-blk/out-of-range", test_out_of_range);
  g_test_add_func ("/virtio-blk/read-only", test_read_only);
  g_test_add_func ("/virtio-blk/unsupported", test_unsupported);
  g_test_add_func ("/virtio-blk/no-request", test_no_request);
  g_test_add_func ("/virtio-blk/failures", test_failures);
  g_test_add_func ("/virtio-blk/no-room", test_no_room);
  g_test_add_func ("/virtio-blk/quiet", test_quiet);
  g_test_add_func ("/virtio-blk/queues", test_queues);
  g_test_add_func ("/virtio-blk/refusals", test_refusals);
  for (i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      char *names[] = { g_strdup_printf ("/virtio-blk/requests/%u", i),
                        g_strdup_printf ("/virtio-blk/shapes/%u", i),
                        g_strdup_printf ("/virtio-blk/batch/%u", i),
                        g_strdup_printf ("/virtio-blk/stop/%u", i),
                        g_strdup_printf ("/virtio-blk/threads/%u", i) };
      static const GTestDataFunc functions[]
          = { test_requests, test_shapes, test_batch, test_stop, test_threads };
      guint n;

      for (n = 0; n < G_N_ELEMENTS (names); n++)
        {
          g_test_add_data_func (names[n], &kinds[i], functions[n]);
          g_free (names[n]);
        }
    }
  return g_test_run ();
}
