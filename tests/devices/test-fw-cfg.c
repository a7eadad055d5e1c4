/* SPDX-License-Identifier: BSD-2-Clause */
/* fw-cfg: items, directory, data register, DMA, and a guest that aims its DMA badly. */
#include "mock-host.h"

#include <string.h>

#define DATA 0x0
#define SELECTOR 0x8
#define DMA_HIGH 0x10
#define DMA_LOW 0x14

#define ERROR 0x01
#define READ 0x02
#define SKIP 0x04
#define SELECT 0x08
#define WRITE 0x10

static const struct gwt_plugin *plugin;
static const struct gwt_fwcfg_ops *ops;

static struct gwt_device *
new_fw_cfg (void)
{
  mock_new_machine (1);
  return mock_new (plugin->types[0], "fw-cfg", NULL);
}

static void
select_key (struct gwt_device *d, uint16_t key)
{
  mock_store_reg (d, SELECTOR, 2, GUINT16_TO_BE (key));
}

static void
add_file (struct gwt_device *d, const char *name, const char *text)
{
  g_assert_cmpint (ops->add_file (d->instance, name, text, strlen (text), &mock_error), ==, 0);
}

static void
read_bytes (struct gwt_device *d, void *to, uint32_t size)
{
  uint8_t *p = to;
  uint32_t i;

  for (i = 0; i < size; i++)
    p[i] = (uint8_t) mock_load_reg (d, DATA, 1);
}

/* One DMA operation whose structure lies at OFFSET of RAM; the structure's first word afterwards.
 */
static uint32_t
dma (struct gwt_device *d, uint32_t offset, uint32_t control, uint32_t length, uint64_t address)
{
  uint64_t at = MOCK_RAM_BASE + offset;
  uint32_t words[4]
      = { GUINT32_TO_BE (control), GUINT32_TO_BE (length),
          GUINT32_TO_BE ((uint32_t) (address >> 32)), GUINT32_TO_BE ((uint32_t) address) };

  memcpy (mock.ram + offset, words, sizeof words);
  mock_store_reg (d, DMA_HIGH, 8, GUINT64_TO_BE (at));
  memcpy (words, mock.ram + offset, 4);
  return GUINT32_FROM_BE (words[0]);
}

static void
test_rows (void)
{
  mock_check_rows (plugin->types[0]);
}

static void
test_signature (void)
{
  struct gwt_device *d = new_fw_cfg ();
  char text[8] = "";
  uint64_t value;

  /* Selected after reset. */
  read_bytes (d, text, 4);
  g_assert_cmpstr (text, ==, "QEMU");
  g_assert_cmpuint (mock_load_reg (d, DATA, 4), ==, 0);
  g_assert_cmpuint (mock_row (d, "cur-offset", 0), ==, 4);
  select_key (d, 0);
  /* Wide reads give the bytes in memory order, zeros behind the end. */
  g_assert_cmphex (mock_load_reg (d, DATA, 8), ==, 0x554d4551);
  select_key (d, 1);
  g_assert_cmphex (mock_load_reg (d, DATA, 4), ==, 3);
  g_assert_cmphex (mock_load_reg (d, DMA_HIGH, 8), ==, GUINT64_TO_BE (0x51454d5520434647));
  g_assert_cmphex (mock_load_reg (d, DMA_HIGH, 4), ==, GUINT32_TO_BE (0x51454d55));
  g_assert_cmphex (mock_load_reg (d, DMA_LOW, 4), ==, GUINT32_TO_BE (0x20434647));
  g_assert_cmphex (mock_load_reg (d, DMA_LOW + 3, 1), ==, 'G');
  g_assert_cmpuint (mock_load_status (d, SELECTOR, 2, &value), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (mock_store_status (d, SELECTOR, 1, 0), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (mock_store_status (d, SELECTOR, 4, 0), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (mock_store_status (d, DMA_HIGH, 2, 0), ==, GWT_ACCESS_ERROR);
  mock_store_reg (d, DATA, 8, 0);
  /* Keys that are not there read as nothing; so do those of write channels. */
  select_key (d, 0x3fff);
  g_assert_cmphex (mock_load_reg (d, DATA, 8), ==, 0);
  select_key (d, 0xffff);
  g_assert_cmphex (mock_load_reg (d, DATA, 8), ==, 0);
  select_key (d, 0x4000);
  g_assert_cmphex (mock_load_reg (d, DATA, 4), ==, 0x554d4551);
  mock_free (d);
}

static void
test_without_dma (void)
{
  mock_new_machine (1);
  struct gwt_device *d = mock_new (plugin->types[0], "fw-cfg", "dma=0", NULL);

  select_key (d, 1);
  g_assert_cmphex (mock_load_reg (d, DATA, 4), ==, 1);
  g_assert_cmpuint (d->region[0]->size, ==, 0x10);
  mock_free (d);
}

static void
test_directory (void)
{
  struct gwt_device *d = new_fw_cfg ();
  uint8_t directory[4 + 3 * 64];
  char text[16] = "";
  int i;
  static const char *const names[] = { "etc/a", "etc/m", "opt/z" };

  add_file (d, "opt/z", "last");
  add_file (d, "etc/a", "first");
  add_file (d, "etc/m", "");
  select_key (d, 0x19);
  read_bytes (d, directory, sizeof directory);
  g_assert_cmpuint (directory[3], ==, 3);
  for (i = 0; i < 3; i++)
    {
      const uint8_t *entry = directory + 4 + 64 * i;

      /* Sorted, so that keys do not depend on the order of adding. */
      g_assert_cmpstr ((const char *) entry + 8, ==, names[i]);
      g_assert_cmpuint (entry[4] << 8 | entry[5], ==, 0x20 + i);
      g_assert_cmpuint (entry[3], ==, i == 0 ? 5 : i == 1 ? 0 : 4);
    }
  select_key (d, 0x22);
  read_bytes (d, text, 5);
  g_assert_cmpstr (text, ==, "last");
  select_key (d, 0x23);
  g_assert_cmphex (mock_load_reg (d, DATA, 8), ==, 0);
  mock_free (d);
}

static void
test_add_refusals (void)
{
  mock_new_machine (1);
  struct gwt_device *d = mock_new (plugin->types[0], "fw-cfg", "file-slots=2", NULL);
  char long_name[57];

  memset (long_name, 'x', 56);
  long_name[56] = 0;
  g_assert_cmpint (ops->add_file (d->instance, long_name, "", 0, &mock_error), ==, -1);
  g_assert_nonnull (strstr (mock_error.text, "has 56 characters; use 1 to 55"));
  mock_error.code = 0;
  g_assert_cmpint (ops->add_file (d->instance, "", "", 0, &mock_error), ==, -1);
  mock_error.code = 0;
  add_file (d, "a", "");
  g_assert_cmpint (ops->add_file (d->instance, "a", "", 0, &mock_error), ==, -1);
  g_assert_cmpstr (mock_error.text, ==, "file 'a' is there already; use another name");
  mock_error.code = 0;
  add_file (d, "b", "");
  g_assert_cmpint (ops->add_file (d->instance, "c", "", 0, &mock_error), ==, -1);
  g_assert_cmpstr (mock_error.text, ==, "file 'c' is one too many; raise file-slots above 2");
  mock_error.code = 0;
  g_assert_cmpint (ops->add_item (d->instance, 0, "x", 1, &mock_error), ==, -1);
  g_assert_cmpstr (mock_error.text, ==, "key 0x0 is taken; use another");
  mock_error.code = 0;
  g_assert_cmpint (ops->add_item (d->instance, 0x19, "x", 1, &mock_error), ==, -1);
  mock_error.code = 0;
  g_assert_cmpint (ops->add_item (d->instance, 0x21, "x", 1, &mock_error), ==, -1);
  g_assert_nonnull (strstr (mock_error.text, "use 0 to 0x1f or 0x22 to 0x3fff"));
  mock_error.code = 0;
  g_assert_cmpint (ops->add_item (d->instance, 0x4000, "x", 1, &mock_error), ==, -1);
  mock_error.code = 0;
  g_assert_cmpint (ops->add_item (d->instance, 8, "", (uint64_t) 1 << 32, &mock_error), ==, -1);
  g_assert_nonnull (strstr (mock_error.text, "4294967296 bytes is too large"));
  mock_free (d);
}

static void
test_dma (void)
{
  struct gwt_device *d = new_fw_cfg ();
  uint8_t *to = mock.ram + 0x1000;

  g_assert_cmpint (ops->add_item (d->instance, 8, "0123456789", 10, &mock_error), ==, 0);
  g_assert_cmphex (dma (d, 0, 8 << 16 | SELECT | READ, 4, MOCK_RAM_BASE + 0x1000), ==, 0);
  g_assert_cmpint (memcmp (to, "0123", 4), ==, 0);
  g_assert_cmphex (dma (d, 0, SKIP, 2, 0), ==, 0);
  memset (to, 0xee, 16);
  /* Behind the end: zeros, to the length asked for and not further. */
  g_assert_cmphex (dma (d, 0, READ, 9, MOCK_RAM_BASE + 0x1000), ==, 0);
  g_assert_cmpint (memcmp (to, "6789\0\0\0\0\0\356", 10), ==, 0);
  g_assert_cmphex (dma (d, 0, SKIP, 0xffffffff, 0), ==, 0);
  g_assert_cmphex (dma (d, 0, READ, 4, MOCK_RAM_BASE + 0x1000), ==, 0);
  g_assert_cmphex (to[0], ==, 0);
  /* Selecting alone, then the data register goes on. */
  g_assert_cmphex (dma (d, 0, 8 << 16 | SELECT, 0, 0), ==, 0);
  g_assert_cmphex (mock_load_reg (d, DATA, 1), ==, '0');
  /* Nothing can be written. */
  g_assert_cmphex (dma (d, 0, 8 << 16 | SELECT | WRITE, 4, MOCK_RAM_BASE + 0x1000), ==, ERROR);
  g_assert_cmphex (dma (d, 0, 8 << 16 | SELECT, 0, 0), ==, 0);
  g_assert_cmphex (mock_load_reg (d, DATA, 1), ==, '0');
  /* The address in two halves. */
  memset (to, 0, 4);
  dma (d, 0x40, 8 << 16 | SELECT, 0, 0);
  memcpy (mock.ram + 0x40, "\0\0\0\2\0\0\0\4\0\0\0\0\x80\0\x10\0", 16);
  mock_store_reg (d, DMA_HIGH, 4, 0);
  g_assert_cmpint (memcmp (to, "\0\0\0\0", 4), ==, 0);
  mock_store_reg (d, DMA_LOW, 4, GUINT32_TO_BE (MOCK_RAM_BASE + 0x40));
  g_assert_cmpint (memcmp (to, "0123", 4), ==, 0);
  mock_free (d);
}

static void
test_hostile_dma (void)
{
  struct gwt_device *d = new_fw_cfg ();
  uint32_t end = MOCK_RAM_SIZE;

  g_assert_cmpint (ops->add_item (d->instance, 8, "0123456789", 10, &mock_error), ==, 0);
  dma (d, 0, 8 << 16 | SELECT, 0, 0);
  /* Into nothing, over the end, wrapped round, over its own structure. */
  g_assert_cmphex (dma (d, 0, READ, 4, 0), ==, ERROR);
  g_assert_cmphex (dma (d, 0, READ, 4, G_MAXUINT64 - 1), ==, ERROR);
  g_assert_cmphex (dma (d, 0, READ, 8, MOCK_RAM_BASE + end - 4), ==, ERROR);
  g_assert_cmphex (dma (d, 0, READ, 0xffffffff, MOCK_RAM_BASE + 0x100), ==, ERROR);
  g_assert_cmphex (dma (d, 0, READ, 16, MOCK_RAM_BASE), ==, 0);
  /* An error leaves the device alive, and the item where it is. */
  g_assert_cmphex (dma (d, 0, 8 << 16 | SELECT | READ, 10, MOCK_RAM_BASE + 0x1000), ==, 0);
  g_assert_cmpint (memcmp (mock.ram + 0x1000, "0123456789", 10), ==, 0);
  /* The structure itself: nowhere, over the end of RAM, in ROM. */
  mock_store_reg (d, DMA_HIGH, 8, 0);
  mock_store_reg (d, DMA_HIGH, 8, GUINT64_TO_BE (G_MAXUINT64));
  memset (mock.ram + end - 8, 0, 8);
  mock_store_reg (d, DMA_HIGH, 8, GUINT64_TO_BE (MOCK_RAM_BASE + (uint64_t) end - 8));
  g_assert_cmpint (memcmp (mock.ram + end - 8, "\0\0\0\1", 4), ==, 0);
  mock_store_reg (d, DMA_HIGH, 8, GUINT64_TO_BE (MOCK_ROM_BASE));
  g_assert_cmpuint (mock.logs, ==, 1);
  mock_free (d);
}

static void
test_reset (void)
{
  struct gwt_device *d = new_fw_cfg ();

  add_file (d, "etc/x", "kept");
  select_key (d, 0x20);
  mock_load_reg (d, DATA, 2);
  mock_store_reg (d, DMA_HIGH, 4, 0xffffffff);
  mock_reset (d, GWT_RESET_WARM);
  g_assert_cmphex (mock_load_reg (d, DATA, 4), ==, 0x554d4551);
  g_assert_cmphex (mock_row (d, "dma-addr", 0), ==, 0);
  select_key (d, 0x20);
  g_assert_cmphex (mock_load_reg (d, DATA, 4), ==, 0x7470656b);
  mock_free (d);
}

static void
test_describe (void)
{
  struct gwt_device *d = new_fw_cfg ();

  g_assert_cmpstr (mock_describe (d), ==, "compatible = 'qemu,fw-cfg-mmio'\ndma-coherent\n");
  mock_free (d);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  plugin = mock_load ("fw-cfg");
  g_assert_cmpstr (plugin->types[0]->interfaces[0].id, ==, GWT_FWCFG_INTERFACE);
  ops = plugin->types[0]->interfaces[0].table;
  g_test_add_func ("/fw-cfg/rows", test_rows);
  g_test_add_func ("/fw-cfg/signature", test_signature);
  g_test_add_func ("/fw-cfg/without-dma", test_without_dma);
  g_test_add_func ("/fw-cfg/directory", test_directory);
  g_test_add_func ("/fw-cfg/add-refusals", test_add_refusals);
  g_test_add_func ("/fw-cfg/dma", test_dma);
  g_test_add_func ("/fw-cfg/hostile-dma", test_hostile_dma);
  g_test_add_func ("/fw-cfg/reset", test_reset);
  g_test_add_func ("/fw-cfg/describe", test_describe);
  return g_test_run ();
}
