/* SPDX-License-Identifier: BSD-2-Clause */
/* core/memory: regions, the flat view, accesses, DMA, dirty bitmaps; without CPUs (tests/vcpu
   has those).  One file, since all of it uses the devices and blocks at its top. */
#include "config.h"
#include <glib.h>
#include <string.h>
#include "core/cpu/run.h"
#include "core/device/lock.h"
#include "core/memory/memory.h"
#include "core/util/extension.h"

#define MIB (UINT64_C (1) << 20)

/* A device that remembers how it was called and reads as what it is told. */
struct mock
{
  uint64_t calls, offset, size, value, answer, status;
};

static int
mock_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  return 0;
}

static const struct gwt_field mock_fields[] = {
  { .name = "",
    .doc = "test",
    .role = GWT_HOST,
    .kind = GWT_OPAQUE,
    .size = sizeof (struct mock),
    .elems = 1 },
};

static const struct gwt_device_type mock_type = {
  .struct_size = sizeof (mock_type),
  .name = "mock",
  .doc = "A device of this test",
  .instance_size = sizeof (struct mock),
  .fields = mock_fields,
  .field_size = sizeof (mock_fields[0]),
  .n_fields = 1,
  .realize = mock_realize,
};

static uint32_t
mock_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct mock *mock = self;

  mock->calls++;
  mock->offset = offset;
  mock->size = size;
  *value = mock->answer + (mock->calls - 1) * 0x1111;
  return (uint32_t) mock->status;
}

static uint32_t
mock_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct mock *mock = self;

  mock->calls++;
  mock->offset = offset;
  mock->size = size;
  mock->value = value;
  return (uint32_t) mock->status;
}

static const struct gwt_mmio_ops any_ops
    = { sizeof (any_ops), 1, 8, GWT_MMIO_UNALIGNED, mock_read, mock_write };
static const struct gwt_mmio_ops word_ops = { sizeof (word_ops), 4, 4, 0, mock_read, mock_write };
static const struct gwt_mmio_ops byte_ops = { sizeof (byte_ops), 1, 1, 0, mock_read, mock_write };

static const struct gwt_memory_api *api;

static struct gwt_device *
device_new (const char *id)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = gwt_device_new (gwt_type_find ("mock"), id, &err);

  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_true (gwt_device_realize (device, &err));
  return device;
}

static struct gwt_region *
ram_at (const char *name, uint64_t address, uint64_t size, uint64_t flags)
{
  GWT_AUTO_ERROR (err);
  struct gwt_region *region = gwt_memory_new_ram (name, size, flags, &err);

  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_true (gwt_memory_map (region, address, 0, &err));
  return region;
}

static struct gwt_region *
mmio_at (struct gwt_device *device, uint64_t address, uint64_t size, const struct gwt_mmio_ops *ops)
{
  GWT_AUTO_ERROR (err);
  struct gwt_region *region = api->mmio (device, "regs", size, ops, &err);

  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_true (gwt_memory_map (region, address, 0, &err));
  return region;
}

static void
clean (void)
{
  gwt_device_destroy_all ();
  gwt_memory_destroy_all ();
}

static uint64_t
load (uint64_t address, uint32_t size)
{
  uint64_t value = 0xdead;

  g_assert_cmpuint (gwt_memory_load (address, size, &value), ==, GWT_ACCESS_OK);
  return value;
}

static void
test_ram (void)
{
  uint64_t value = 1;

  ram_at ("ram", 0x80000000, MIB, 0);
  g_assert_cmpuint (gwt_memory_store (0x80000000, 8, UINT64_C (0x1122334455667788)), ==, 0);
  g_assert_cmphex (load (0x80000000, 8), ==, UINT64_C (0x1122334455667788));
  g_assert_cmphex (load (0x80000004, 4), ==, 0x11223344);
  g_assert_cmphex (load (0x80000006, 2), ==, 0x1122);
  g_assert_cmphex (load (0x80000007, 1), ==, 0x11);
  g_assert_cmphex (load (0x80000001, 4), ==, 0x44556677);
  g_assert_cmpuint (gwt_memory_store (0x800ffff8, 8, 1), ==, 0);
  g_assert_cmpuint (gwt_memory_load (0x800ffffc, 8, &value), ==, GWT_ACCESS_ERROR);
  g_assert_cmphex (value, ==, 0);
  g_assert_cmpuint (gwt_memory_load (0x80100000, 1, &value), ==, GWT_ACCESS_UNMAPPED);
  g_assert_cmpuint (gwt_memory_load (0x7fffffff, 1, &value), ==, GWT_ACCESS_UNMAPPED);
  g_assert_cmpuint (gwt_memory_load (0x80000000, 3, &value), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (gwt_memory_load (0x80000000, 0, &value), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (gwt_memory_store (0x80000000, 16, 0), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (gwt_memory_store (0, 8, 0), ==, GWT_ACCESS_UNMAPPED);
  clean ();
}

static void
test_rom (void)
{
  const char text[] = "reset";
  char back[sizeof (text)];

  ram_at ("rom", 0x1000, 0xf000, GWT_RAM_READ_ONLY);
  g_assert_cmpuint (gwt_memory_write (0x1000, text, sizeof (text), true), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (gwt_memory_store (0x1000, 4, 0), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (gwt_memory_write (0x1000, "XX", 2, false), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (api->dma_write (NULL, 0x1000, "YY", 2), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (gwt_memory_read (0x1000, back, sizeof (back)), ==, GWT_ACCESS_OK);
  g_assert_cmpstr (back, ==, "reset");
  clean ();
}

static void
test_overlap (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *uart = device_new ("uart0");
  struct gwt_region *region;

  mmio_at (uart, 0x10000000, 0x100, &any_ops);
  region = gwt_memory_new_ram ("other", 0x1000, 0, &err);
  g_assert_false (gwt_memory_map (region, 0x0ffff100, 0, &err));
  g_assert_cmpstr (err.text, ==,
                   "region 'other' at 0xffff100 to 0x100000ff overlaps region 'regs of uart0' at "
                   "0x10000000 to 0x100000ff; give one of them another address");
  gwt_error_clear (&err);
  g_assert_false (gwt_memory_region_address (region, NULL));
  g_assert_false (gwt_memory_map (region, UINT64_MAX - 0xffe, 0, &err));
  g_assert_cmpstr (err.text, ==,
                   "region 'other': 0x1000 bytes at 0xfffffffffffff001 go beyond the end of the "
                   "address space; use a lower address");
  gwt_error_clear (&err);
  /* Right behind each other is no overlap. */
  g_assert_true (gwt_memory_map (region, 0x0ffff000, 0, &err));
  clean ();
}

static void
test_priority (void)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *map = NULL;
  struct gwt_device *device = device_new ("bar");
  struct gwt_region *window;

  ram_at ("ram", 0x1000, 0x4000, 0);
  g_assert_cmpuint (gwt_memory_store (0x2ff8, 8, 7), ==, 0);
  window = api->mmio (device, "bar0", 0x1000, &any_ops, &err);
  g_assert_cmpint (api->map (window, 0x2800, 1, &err), ==, 0);
  map = gwt_memory_describe ();
  g_assert_cmpstr (map, ==,
                   "0000000000001000-00000000000027ff ram ram\n"
                   "0000000000002800-00000000000037ff mmio bar0 of bar\n"
                   "0000000000003800-0000000000004fff ram ram +0x2800\n");
  load (0x3000, 4);
  g_assert_cmpuint (((struct mock *) device->instance)->offset, ==, 0x800);
  /* Below, it is seen where nothing else is. */
  g_assert_cmpint (api->map (window, 0x4800, -1, &err), ==, 0);
  load (0x5000, 4);
  g_assert_cmpuint (((struct mock *) device->instance)->offset, ==, 0x800);
  g_assert_cmphex (load (0x2ff8, 8), ==, 7);
  /* Moving to the very end of the address space and away again. */
  g_assert_cmpint (api->map (window, UINT64_MAX - 0xfff, 5, &err), ==, 0);
  load (UINT64_MAX - 7, 8);
  g_assert_cmpuint (((struct mock *) device->instance)->offset, ==, 0xff8);
  api->unmap (window);
  api->unmap (window);
  g_assert_cmpuint (gwt_memory_store (UINT64_MAX, 1, 1), ==, GWT_ACCESS_UNMAPPED);
  clean ();
}

static void
test_mmio_sizes (void)
{
  struct gwt_device *word = device_new ("word"), *byte = device_new ("byte"),
                    *any = device_new ("any");
  struct mock *w = word->instance, *b = byte->instance, *a = any->instance;
  uint64_t value;

  mmio_at (word, 0x1000, 0x18, &word_ops);
  mmio_at (byte, 0x2000, 0x100, &byte_ops);
  mmio_at (any, 0x3000, 0x100, &any_ops);

  w->answer = UINT64_C (0xffffffff00010001); /* more bits than it has */
  g_assert_cmphex (load (0x1008, 4), ==, 0x00010001);
  w->calls = 0;
  g_assert_cmphex (load (0x1010, 8), ==, UINT64_C (0x0001111200010001));
  g_assert_cmpuint (w->calls, ==, 2);
  g_assert_cmpuint (w->offset, ==, 0x14);
  w->calls = 0;
  g_assert_cmpuint (gwt_memory_load (0x1000, 2, &value), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (gwt_memory_load (0x1002, 4, &value), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (gwt_memory_load (0x1014, 8, &value), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (gwt_memory_store (0x1017, 1, 0), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (w->calls, ==, 0);
  w->status = GWT_ACCESS_ERROR;
  g_assert_cmpuint (gwt_memory_store (0x1000, 8, 1), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (w->calls, ==, 1);

  g_assert_cmpuint (gwt_memory_store (0x2000, 4, 0xa1b2c3d4), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (b->calls, ==, 4);
  g_assert_cmphex (b->value, ==, 0xa1);
  g_assert_cmpuint (b->offset, ==, 3);

  g_assert_cmpuint (gwt_memory_store (0x3003, 8, 5), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (a->calls, ==, 1);
  g_assert_cmpuint (a->size, ==, 8);
  clean ();
}

static void
test_bad_regions (void)
{
  static const struct gwt_mmio_ops order = { sizeof (order), 4, 2, 0, mock_read, mock_write };
  static const struct gwt_mmio_ops three = { sizeof (three), 1, 3, 0, mock_read, mock_write };
  static const struct gwt_mmio_ops flags = { sizeof (flags), 1, 4, 8, mock_read, mock_write };
  /* A plugin that says its struct is too short to hold `write`. */
  static const struct gwt_mmio_ops cut
      = { offsetof (struct gwt_mmio_ops, write), 1, 4, 0, mock_read, mock_write };
  static const struct
  {
    const struct gwt_mmio_ops *ops;
    uint64_t size;
    const char *text;
  } mmio[] = {
    { NULL, 16, "region 'r': no callbacks; give read and write" },
    { &cut, 16, "region 'r': a callback is missing; give read and write" },
    { &order, 16, "region 'r': access sizes 4 to 2 make no range; use 1, 2, 4 or 8, least first" },
    { &three, 16, "region 'r': access sizes 1 to 3 make no range; use 1, 2, 4 or 8, least first" },
    { &flags, 16, "region 'r': flags 0x8 are not known here; leave them out" },
    { &any_ops, 0, "region 'r': size 0 is out of range; use at least 1" },
  };
  static const struct
  {
    uint64_t size;
    const char *text;
  } ram[] = {
    { 0, "region 'x': size 0 is out of range; use at least 1" },
    { UINT64_MAX,
      "RAM block 'x': size 18446744073709551615 is out of range; use 1 byte to 64 PiB" },
    { UINT64_C (1) << 56, "RAM block 'x': the host has no room for 68719476736 MiB (" },
  };
  g_autofree char *name = g_strnfill (256, 'n');
  struct gwt_device *device = device_new ("d");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (mmio); i++)
    {
      GWT_AUTO_ERROR (err);

      g_assert_null (api->mmio (device, "r", mmio[i].size, mmio[i].ops, &err));
      g_assert_cmpstr (err.text, ==, mmio[i].text);
    }
  for (i = 0; i < G_N_ELEMENTS (ram); i++)
    {
      GWT_AUTO_ERROR (err);

      g_assert_null (gwt_memory_new_ram ("x", ram[i].size, 0, &err));
      g_assert_true (g_str_has_prefix (err.text, ram[i].text));
    }
  {
    GWT_AUTO_ERROR (err);

    g_assert_null (gwt_memory_new_ram (name, 4096, 0, &err));
    g_assert_cmpstr (err.text, ==, "RAM block: the name must have 1 to 255 bytes");
    gwt_error_clear (&err);
    g_assert_nonnull (gwt_memory_new_ram (name + 1, 1, 0, &err));
    g_assert_null (gwt_memory_new_ram (name + 1, 1, 0, &err));
    g_assert_true (g_str_has_suffix (err.text, "': the name is taken; use another one"));
    gwt_error_clear (&err);
    g_assert_null (gwt_memory_new_ram ("y", 1, 1 << 7, &err));
    g_assert_cmpstr (err.text, ==, "region 'y': flags 0x80 are not known here; leave them out");
  }
  clean ();
}

static void
test_dma (void)
{
  struct gwt_device *device = device_new ("d");
  uint8_t data[64], back[64];
  uint64_t size;
  guint i;

  for (i = 0; i < sizeof (data); i++)
    data[i] = (uint8_t) (i + 1);
  ram_at ("low", 0x10000, 0x1000, 0);
  ram_at ("high", 0x11000, 0x1000, 0);
  mmio_at (device, 0x12000, 0x1000, &any_ops);
  ram_at ("end", UINT64_MAX - 0xfff, 0x1000, 0);

  g_assert_cmpuint (api->dma_write (device, 0x10fe0, data, 64), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (api->dma_read (device, 0x10fe0, back, 64), ==, GWT_ACCESS_OK);
  g_assert_cmpmem (data, 64, back, 64);
  g_assert_cmphex (load (0x11000, 1), ==, 33);
  /* A device cannot be made to call itself, not even at the end of good memory. */
  g_assert_cmpuint (api->dma_write (device, 0x11fe0, data, 64), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (api->dma_read (device, 0x12000, back, 1), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (((struct mock *) device->instance)->calls, ==, 0);
  g_assert_cmpuint (api->dma_read (device, 0xfff0, back, 64), ==, GWT_ACCESS_UNMAPPED);
  g_assert_cmpuint (api->dma_read (device, UINT64_MAX - 31, back, 32), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (api->dma_read (device, UINT64_MAX - 31, back, 33), ==, GWT_ACCESS_UNMAPPED);
  g_assert_cmpuint (api->dma_read (device, 0x10000, back, UINT64_MAX), ==, GWT_ACCESS_UNMAPPED);
  g_assert_cmpuint (api->dma_read (device, 0x30000, back, 0), ==, GWT_ACCESS_OK);

  size = UINT64_MAX;
  g_assert_nonnull (api->dma_map (device, 0x10ff0, &size, 1));
  g_assert_cmpuint (size, ==, 16);
  api->dma_unmap (device, 0x10ff0, size, size);
  size = 16;
  g_assert_null (api->dma_map (device, 0x12000, &size, 0));
  g_assert_cmpuint (size, ==, 0);
  g_assert_null (api->dma_map (device, 0x10000, &size, 0));
  clean ();
}

/* Memory of a device that goes away while another device has it mapped. */
static void
test_dma_pin (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *owner = device_new ("owner"), *user = device_new ("user");
  struct gwt_region *region = api->ram (owner, "vram", 0x2000, GWT_RAM_MIGRATED, &err);
  uint64_t size = 0x2000;
  uint8_t *p;

  g_assert_true (gwt_memory_map (region, 0x1000, 2, &err));
  p = api->dma_map (user, 0x1000, &size, 1);
  g_assert_true (p == api->host (region));
  gwt_device_destroy (owner);
  memset (p, 1, size);
  api->dma_written (user, 0x1000, 0x1000, 8);
  api->dma_unmap (user, 0x1000, size, size);
  g_assert_nonnull (gwt_memory_new_ram ("vram", 1, 0, &err));
  clean ();
}

static void
test_flash (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = device_new ("flash");
  struct mock *mock = device->instance;
  struct gwt_region *region
      = api->ram_device (device, "flash0", 0x2000, GWT_RAM_MIGRATED, &any_ops, &err);
  struct gwt_span span;

  mock->answer = 0x80;
  g_assert_true (gwt_memory_map (region, 0x20000000, 0, &err));
  g_assert_cmpuint (gwt_memory_write (0x20000000, "FLSH", 4, true), ==, 0);
  g_assert_cmphex (load (0x20000000, 4), ==, 0x48534c46);
  g_assert_cmpuint (gwt_memory_store (0x20000004, 4, 0x70), ==, 0);
  g_assert_cmpuint (mock->calls, ==, 1);
  g_assert_cmpuint (gwt_memory_span (0x20000000, 1, &span), ==, 0);
  g_assert_true (span.host == api->host (region));
  g_assert_cmpuint (span.flags, ==, 0);
  g_assert_cmpuint (api->dma_write (device, 0x20000000, "no", 2), ==, GWT_ACCESS_ERROR);
  mock->calls = 0;
  api->set_direct (region, 0);
  g_assert_cmphex (load (0x20000000, 1), ==, 0x80);
  g_assert_cmpuint (gwt_memory_span (0x20000000, 0, &span), ==, 0);
  g_assert_null (span.host);
  g_assert_cmpuint (gwt_memory_write (0x20000000, "flsh", 4, true), ==, 0);
  api->set_direct (region, 7);
  g_assert_cmphex (load (0x20000000, 4), ==, 0x68736c66);
  clean ();
}

static void
test_span (void)
{
  struct gwt_device *device = device_new ("d");
  struct gwt_region *ram = ram_at ("ram", 0x80000000, 2 * MIB, 0);
  struct gwt_span span;

  mmio_at (device, 0x1000, 0x100, &any_ops);
  g_assert_cmpuint (gwt_memory_span (0x80012345, 0, &span), ==, 0);
  g_assert_cmphex (span.address, ==, 0x80000000);
  g_assert_cmphex (span.size, ==, 2 * MIB);
  g_assert_true (span.host == api->host (ram));
  g_assert_cmpuint (span.flags, ==, GWT_SPAN_WRITE);
  g_assert_cmpuint (gwt_memory_span (0x2000, 0, &span), ==, GWT_ACCESS_UNMAPPED);
  g_assert_cmphex (span.address, ==, 0x1100);
  g_assert_cmphex (span.size, ==, 0x80000000 - 0x1100);
  g_assert_null (span.host);
  g_assert_cmpuint (gwt_memory_span (0x1000, 1, &span), ==, GWT_ACCESS_OK);
  g_assert_cmphex (span.size, ==, 0x100);
  g_assert_null (span.host);
  g_assert_cmpuint (gwt_memory_span (UINT64_MAX, 0, &span), ==, GWT_ACCESS_UNMAPPED);
  clean ();
  g_assert_cmpuint (gwt_memory_span (5, 0, &span), ==, GWT_ACCESS_UNMAPPED);
  g_assert_cmphex (span.size, ==, UINT64_MAX);
}

static void
test_dirty (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = device_new ("d");
  struct gwt_region *ram = ram_at ("ram", 0x80000000, 3 * MIB, GWT_RAM_MIGRATED);
  struct gwt_region *other = ram_at ("other", 0x90000000, MIB, 0);
  struct gwt_ram_block *block = gwt_memory_region_block (ram);
  uint64_t bits[12], size = 8192;
  struct gwt_span span;

  g_assert_null (block->dirty);
  g_assert_cmpuint (gwt_memory_dirty_sync (block, bits), ==, 0);
  g_assert_true (gwt_memory_dirty_start (&err));
  g_assert_false (gwt_memory_dirty_start (&err));
  g_assert_cmpstr (err.text, ==, "dirty tracking: it runs already; stop it first");
  g_assert_null (gwt_memory_region_block (other)->dirty);

  g_assert_cmpuint (gwt_memory_span (0x80001000, 0, &span), ==, 0);
  g_assert_cmpuint (span.flags, ==, 0);
  g_assert_cmpuint (gwt_memory_span (0x80041234, 1, &span), ==, 0);
  g_assert_cmpuint (span.flags, ==, GWT_SPAN_WRITE);
  g_assert_cmphex (span.address, ==, 0x80041000);
  g_assert_cmphex (span.size, ==, 4096);
  g_assert_true (span.host == block->host + 0x41000);
  g_assert_cmpuint (gwt_memory_span (0x90000000, 1, &span), ==, 0);
  g_assert_cmphex (span.size, ==, MIB);

  g_assert_cmpuint (gwt_memory_store (0x80000008, 8, 1), ==, 0);
  g_assert_cmpuint (api->dma_write (device, 0x802ffffe, "ab", 2), ==, 0);
  api->dma_map (device, 0x80080800, &size, 1);
  api->dma_unmap (device, 0x80080800, 8192, 4096);
  api->mark_dirty (ram, 0x100000, 1);
  api->mark_dirty (ram, 3 * MIB, 1);
  api->mark_dirty (ram, 3 * MIB - 1, UINT64_MAX);
  g_assert_cmpuint (gwt_memory_dirty_sync (block, bits), ==, 6);
  g_assert_cmphex (bits[0], ==, 1);
  g_assert_cmphex (bits[1], ==, 2);
  g_assert_cmphex (bits[2], ==, 3);
  g_assert_cmphex (bits[4], ==, 1);
  g_assert_cmphex (bits[11], ==, UINT64_C (1) << 63);
  g_assert_cmpuint (gwt_memory_dirty_sync (block, bits), ==, 0);

  /* Memory that stays mapped. */
  size = 0x3000;
  g_assert_nonnull (api->dma_map (device, 0x80080800, &size, 1));
  api->dma_written (device, 0x80080800, 0x7ff, 1);
  api->dma_written (device, 0x80080800, 0x2000, 0);
  g_assert_cmpuint (gwt_memory_dirty_sync (block, bits), ==, 1);
  g_assert_cmphex (bits[2], ==, 1);
  api->dma_written (device, 0x80080800, 0x7ff, 2);
  g_assert_cmpuint (gwt_memory_dirty_sync (block, bits), ==, 2);
  api->dma_unmap (device, 0x80080800, size, 0);
  g_assert_cmpuint (gwt_memory_dirty_sync (block, bits), ==, 0);

  /* What is made meanwhile is all news. */
  ram_at ("late", 0xa0000000, 65 * 4096, GWT_RAM_MIGRATED);
  {
    g_autofree struct gwt_ram_block **blocks = NULL;
    guint n;

    blocks = gwt_memory_blocks (&n);
    g_assert_cmpuint (n, ==, 3);
    g_assert_cmpstr (blocks[2]->name, ==, "late");
    g_assert_cmpuint (gwt_memory_dirty_sync (blocks[2], bits), ==, 65);
  }
  gwt_memory_dirty_stop ();
  gwt_memory_dirty_stop ();
  g_assert_null (block->dirty);
  g_assert_cmpuint (gwt_memory_span (0x80041234, 1, &span), ==, 0);
  g_assert_cmphex (span.size, ==, 3 * MIB);
  clean ();
}

/* ---- threads --------------------------------------------------------------------------------- */

static gint stop_threads;

static gpointer
reader (gpointer data)
{
  guint64 good = 0;

  while (!g_atomic_int_get (&stop_threads))
    {
      uint64_t value = 0;
      uint8_t bytes[32];
      uint32_t status = gwt_memory_load (0x5000, 8, &value);

      g_assert_true (status == GWT_ACCESS_UNMAPPED || (status == GWT_ACCESS_OK && value == 77));
      status = api->dma_read (NULL, 0x4ff0, bytes, sizeof (bytes));
      g_assert_true (status == GWT_ACCESS_UNMAPPED || status == GWT_ACCESS_OK);
      good += status == GWT_ACCESS_OK;
    }
  return GUINT_TO_POINTER (good > 0);
}

/* Views are replaced under the feet of readers; the sanitizers see one that is freed too early. */
static void
test_replace_while_read (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_region *low = ram_at ("low", 0x4000, 0x1000, 0),
                    *region = ram_at ("ram", 0x5000, 0x1000, 0);
  GThread *threads[3];
  guint i;

  (void) low;
  g_atomic_int_set (&stop_threads, 0);
  g_assert_cmpuint (gwt_memory_store (0x5000, 8, 77), ==, 0);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("reader", reader, NULL);
  for (i = 0; i < 20000; i++)
    {
      gwt_memory_unmap (region);
      g_assert_true (gwt_memory_map (region, 0x5000, 0, &err));
    }
  g_atomic_int_set (&stop_threads, 1);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  clean ();
}

static gpointer
dma_writer (gpointer data)
{
  uint64_t n = 0;
  guint page = 0;

  while (!g_atomic_int_get (&stop_threads))
    {
      n++;
      api->dma_write (NULL, 0x80000000 + page * 4096 + 8 * (gsize) GPOINTER_TO_UINT (data), &n, 8);
      page = (page + 7) % 64;
    }
  return NULL;
}

/* A copy that is kept up to date by dirty bits alone is equal in the end, whatever the timing. */
static void
test_no_lost_bit (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_region *ram = ram_at ("ram", 0x80000000, 64 * 4096, GWT_RAM_MIGRATED);
  struct gwt_ram_block *block = gwt_memory_region_block (ram);
  g_autofree uint8_t *copy = g_malloc0 (block->size);
  GThread *threads[2];
  guint i, round, page;
  uint64_t bits;

  g_atomic_int_set (&stop_threads, 0);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("dma", dma_writer, GUINT_TO_POINTER (i));
  g_assert_true (gwt_memory_dirty_start (&err));
  for (page = 0; page < 64; page++)
    for (i = 0; i < 4096; i += 8)
      *(uint64_t *) (copy + page * 4096 + i)
          = __atomic_load_n ((uint64_t *) (block->host + page * 4096 + i), __ATOMIC_RELAXED);
  for (round = 0; round < 3000; round++)
    {
      if (round == 2999)
        {
          g_atomic_int_set (&stop_threads, 1);
          for (i = 0; i < G_N_ELEMENTS (threads); i++)
            g_thread_join (threads[i]);
        }
      gwt_memory_dirty_sync (block, &bits);
      for (page = 0; page < 64; page++)
        if (bits >> page & 1)
          for (i = 0; i < 16; i += 8)
            *(uint64_t *) (copy + page * 4096 + i)
                = __atomic_load_n ((uint64_t *) (block->host + page * 4096 + i), __ATOMIC_RELAXED);
    }
  g_assert_cmpmem (copy, block->size, block->host, block->size);
  clean ();
}

/* A device with its own lock whose register's store sends a message. */
static uint64_t calls_inside;
static struct gwt_device *sender;

static uint32_t
sender_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  const struct mock *receiver = gwt_device_find ("receiver")->instance;

  (void) offset;
  (void) size;
  g_assert_cmpuint (api->message (sender, 0x5004, (uint32_t) value), ==, GWT_ACCESS_OK);
  calls_inside = receiver->calls;
  ((struct mock *) self)->calls++;
  return GWT_ACCESS_OK;
}

static guint echoes;

static uint32_t
echo_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  (void) self;
  (void) offset;
  (void) size;
  echoes++;
  (void) api->message (sender, 0x6000, (uint32_t) value);
  return GWT_ACCESS_OK;
}

static gpointer
echo_from_io (gpointer data)
{
  (void) data;
  gwt_lock_io_thread (true);
  g_assert_cmpuint (api->message (sender, 0x6000, 1), ==, GWT_ACCESS_OK);
  return NULL;
}

/* A device whose register's store sends a message to that register, as a guest can have it: it
   ends, whatever lock the device has and whoever began it. */
static void
test_message_echo (void)
{
  static const struct gwt_mmio_ops ops = { sizeof (ops), 4, 4, 0, mock_read, echo_write };
  static const char *const types[] = { "mock", "locked" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (types); i++)
    {
      GWT_AUTO_ERROR (err);

      sender = gwt_device_new (gwt_type_find (types[i]), "sender", &err);
      g_assert_true (gwt_device_realize (sender, &err));
      mmio_at (sender, 0x6000, 0x100, &ops);
      echoes = 0;
      g_assert_cmpuint (gwt_memory_store (0x6000, 4, 9), ==, GWT_ACCESS_OK);
      g_assert_cmpuint (echoes, ==, 65);
      echoes = 0;
      gwt_machine_unlock (); /* main () took it */
      g_thread_join (g_thread_new (NULL, echo_from_io, NULL));
      gwt_machine_lock ();
      g_assert_cmpuint (echoes, ==, 64);
      clean ();
    }
}

static gpointer
messages_from_io (gpointer data)
{
  gwt_lock_io_thread (true);
  g_assert_cmpuint (api->message (data, 0x1020, 5), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (load (0x1020, 4), ==, 5);
  g_assert_cmpuint (api->message (data, 0x5004, 11), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (api->message (data, 0x9000, 8), ==, GWT_ACCESS_UNMAPPED);
  for (int i = 1; i < 4096; i++)
    g_assert_cmpuint (api->message (data, 0x5008, 12), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (api->message (data, 0x5008, 12), ==, GWT_ACCESS_ERROR);
  return NULL;
}

/* A back end's thread waits for nobody: to registers its messages come when the lock is dropped,
   and a guest cannot make them pile up. */
static void
test_message_io (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *receiver = device_new ("receiver");
  struct mock *mock = receiver->instance;
  struct gwt_mmio_ops ops = word_ops;

  ram_at ("ram", 0x1000, 0x1000, 0);
  mmio_at (receiver, 0x5000, 0x100, &word_ops);
  g_thread_join (g_thread_new (NULL, messages_from_io, receiver));
  g_assert_cmpuint (mock->calls, ==, 0);
  gwt_machine_unlock (); /* main () took it */
  gwt_machine_lock ();
  g_assert_cmpuint (mock->calls, ==, 4096);
  g_assert_cmpuint (mock->value, ==, 12);
  ops.flags = GWT_MMIO_MESSAGES;
  g_assert_null (api->mmio (receiver, "controller", 0x100, &ops, &err));
  g_assert_cmpstr (err.text, ==,
                   "region 'controller': GWT_MMIO_MESSAGES is for types with "
                   "GWT_THREADS_PARALLEL; declare that, or leave the flag out");
  clean ();
}

static void
test_message (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *receiver = device_new ("receiver");
  struct mock *mock = receiver->instance, elsewhere = { 0 };
  static const struct gwt_mmio_ops ops = { sizeof (ops), 4, 4, 0, mock_read, sender_write };
  struct gwt_region *region;

  ram_at ("ram", 0x1000, 0x1000, 0);
  mmio_at (receiver, 0x5000, 0x100, &word_ops);
  /* Registers take it, RAM takes it, nobody takes it. */
  g_assert_cmpuint (api->message (receiver, 0x5004, 7), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (mock->calls, ==, 1);
  g_assert_cmpuint (mock->offset, ==, 4);
  g_assert_cmpuint (mock->size, ==, 4);
  g_assert_cmpuint (mock->value, ==, 7);
  g_assert_cmpuint (api->message (receiver, 0x1010, 8), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (load (0x1010, 4), ==, 8);
  g_assert_cmpuint (api->message (receiver, 0x9000, 8), ==, GWT_ACCESS_UNMAPPED);
  g_assert_cmpuint (api->message (receiver, 0x1012, 8), ==, GWT_ACCESS_ERROR);
  /* From inside a device's own lock: behind it. */
  sender = gwt_device_new (gwt_type_find ("locked"), "sender", &err);
  g_assert_true (gwt_device_realize (sender, &err));
  region = mmio_at (sender, 0x6000, 0x100, &ops);
  g_assert_cmpuint (gwt_memory_store (0x6000, 4, 9), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (calls_inside, ==, 1);
  g_assert_cmpuint (mock->calls, ==, 2);
  g_assert_cmpuint (mock->value, ==, 9);
  /* Callbacks with another instance; where a region is. */
  api->set_self (region, &elsewhere);
  g_assert_cmpuint (gwt_memory_store (0x6000, 4, 9), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (elsewhere.calls, ==, 1);
  uint64_t address = 1;
  g_assert_true (api->address (region, &address) && address == 0x6000);
  api->unmap (region);
  g_assert_false (api->address (region, NULL));
  g_assert_false (gwt_memory_region_kept (region));
  api->keep (region);
  g_assert_true (gwt_memory_region_kept (region));
  clean ();
}

int
main (int argc, char **argv)
{
  GWT_AUTO_ERROR (err);

  g_test_init (&argc, &argv, NULL);
  gwt_memory_register_extensions ();
  api = gwt_extension_find (GWT_MEMORY_EXT);
  g_assert_nonnull (api);
  g_assert_true (gwt_type_register (&mock_type, "test", "1", &err));
  struct gwt_device_type locked = mock_type;
  locked.name = "locked";
  locked.threads = GWT_THREADS_DEVICE;
  g_assert_true (gwt_type_register (&locked, "test", "1", &err));
  gwt_machine_lock ();
  g_test_add_func ("/memory/ram", test_ram);
  g_test_add_func ("/memory/rom", test_rom);
  g_test_add_func ("/memory/overlap", test_overlap);
  g_test_add_func ("/memory/priority", test_priority);
  g_test_add_func ("/memory/mmio-sizes", test_mmio_sizes);
  g_test_add_func ("/memory/bad-regions", test_bad_regions);
  g_test_add_func ("/memory/dma", test_dma);
  g_test_add_func ("/memory/dma-pin", test_dma_pin);
  g_test_add_func ("/memory/message", test_message);
  g_test_add_func ("/memory/message-io", test_message_io);
  g_test_add_func ("/memory/message-echo", test_message_echo);
  g_test_add_func ("/memory/flash", test_flash);
  g_test_add_func ("/memory/span", test_span);
  g_test_add_func ("/memory/dirty", test_dirty);
  g_test_add_func ("/memory/replace-while-read", test_replace_while_read);
  g_test_add_func ("/memory/no-lost-bit", test_no_lost_bit);
  return g_test_run ();
}
