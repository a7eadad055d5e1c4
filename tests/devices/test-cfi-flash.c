/* SPDX-License-Identifier: BSD-2-Clause */
/* cfi-flash: modes, query, program, erase, locks, write buffer, image file. */
#include "mock-host.h"

#include <glib/gstdio.h>
#include <string.h>

#define SECTOR 0x40000u
#define SIZE 0x2000000u

static const struct gwt_plugin *plugin;

static struct gwt_device *
new_flash (void)
{
  mock_new_machine (1);
  return mock_new (plugin->types[0], "flash0", "block=virt.flash0", NULL);
}

/* Both chips of the bank get the command. */
static void
command (struct gwt_device *d, uint32_t offset, uint32_t cmd)
{
  mock_store_reg (d, offset, 4, cmd | cmd << 16);
}

static uint32_t
get (struct gwt_device *d, uint32_t offset)
{
  return (uint32_t) mock_load_reg (d, offset, 4);
}

static uint32_t
status (struct gwt_device *d)
{
  command (d, 0, 0x70);
  return get (d, 0x1234 * 4);
}

static void
program (struct gwt_device *d, uint32_t offset, uint32_t value)
{
  command (d, offset, 0x40);
  mock_store_reg (d, offset, 4, value);
}

static void
test_rows (void)
{
  mock_check_rows (plugin->types[0]);
}

static void
test_blank (void)
{
  struct gwt_device *d = new_flash ();

  g_assert_cmpuint (d->region[0]->size, ==, SIZE);
  g_assert_cmpstr (d->region[0]->name, ==, "virt.flash0");
  g_assert_cmphex (get (d, 0), ==, 0xffffffff);
  g_assert_cmphex (mock_load_reg (d, SIZE - 1, 1), ==, 0xff);
  g_assert_cmphex (mock_load_reg (d, SIZE - 2, 2), ==, 0xffff);
  /* Erasing the erased fills no memory; the first program does. */
  command (d, 0, 0x20);
  command (d, 0, 0xd0);
  command (d, 0, 0xff);
  g_assert_cmpuint (d->region[0]->dirty, ==, 0);
  g_assert_cmpuint (d->region[0]->direct, ==, 0);
  program (d, 0x100, 0x12345678);
  g_assert_cmphex (status (d), ==, 0x00800080);
  command (d, 0, 0xff);
  g_assert_cmpuint (d->region[0]->direct, ==, 1);
  g_assert_cmphex (get (d, 0x100), ==, 0x12345678);
  g_assert_cmphex (get (d, 0x104), ==, 0xffffffff);
  g_assert_cmpuint (d->region[0]->dirty, >=, SIZE);
  mock_free (d);
}

static void
test_query (void)
{
  struct gwt_device *d = new_flash ();
  static const struct
  {
    uint32_t word, value;
  } facts[] = {
    { 0x10, 'Q' },  { 0x11, 'R' },  { 0x12, 'Y' }, { 0x13, 0x01 }, { 0x14, 0x00 }, { 0x15, 0x31 },
    { 0x27, 24 },                                /* a chip has 16 MiB */
    { 0x2a, 11 },                                /* and a write buffer of 2 KiB */
    { 0x2c, 1 },    { 0x2d, 127 },  { 0x2e, 0 }, /* 128 blocks */
    { 0x2f, 0x00 }, { 0x30, 0x02 },              /* of 128 KiB */
    { 0x31, 'P' },  { 0x32, 'R' },  { 0x33, 'I' }, { 0x3f, 0 },    { 0x40, 0 },    { 0x1000, 0 },
  };
  guint i;

  command (d, 0x55 * 4, 0x98);
  g_assert_cmpuint (d->region[0]->direct, ==, 0);
  for (i = 0; i < G_N_ELEMENTS (facts); i++)
    g_assert_cmphex (get (d, facts[i].word * 4), ==, facts[i].value | facts[i].value << 16);
  /* Narrow reads see their lane of the bus. */
  g_assert_cmphex (mock_load_reg (d, 0x10 * 4 + 2, 2), ==, 'Q');
  g_assert_cmphex (mock_load_reg (d, 0x10 * 4 + 1, 1), ==, 0);
  command (d, 0, 0x90);
  g_assert_cmphex (get (d, 0), ==, 0x00890089);
  g_assert_cmphex (get (d, 4), ==, 0x00180018);
  g_assert_cmphex (get (d, 8), ==, 0);
  command (d, 0, 0xff);
  g_assert_cmphex (get (d, 0), ==, 0xffffffff);
  mock_free (d);
}

static void
test_program_and_erase (void)
{
  struct gwt_device *d = new_flash ();

  program (d, SECTOR, 0xff00ff00);
  /* Bits fall and do not rise. */
  program (d, SECTOR, 0x12ff34ff);
  command (d, 0, 0xff);
  g_assert_cmphex (get (d, SECTOR), ==, 0x12003400);
  program (d, SECTOR - 4, 0);
  program (d, 2 * SECTOR, 0);
  /* While a program or erase is set up, reads give the status, not the array. */
  command (d, SECTOR + 0x40, 0x20);
  g_assert_cmphex (get (d, SECTOR), ==, 0x00800080);
  g_assert_cmpuint (d->region[0]->direct, ==, 0);
  command (d, SECTOR + 0x40, 0xd0);
  g_assert_cmphex (get (d, SECTOR), ==, 0x00800080);
  command (d, 0, 0xff);
  g_assert_cmphex (get (d, SECTOR), ==, 0xffffffff);
  g_assert_cmphex (get (d, SECTOR - 4), ==, 0);
  g_assert_cmphex (get (d, 2 * SECTOR), ==, 0);
  /* Not confirmed: both error bits, nothing erased; the error stays until it is cleared. */
  command (d, 2 * SECTOR, 0x20);
  command (d, 2 * SECTOR, 0xff);
  g_assert_cmphex (status (d), ==, 0x00b000b0);
  command (d, 0, 0x50);
  g_assert_cmphex (status (d), ==, 0x00800080);
  command (d, 0, 0xff);
  g_assert_cmphex (get (d, 2 * SECTOR), ==, 0);
  /* Unknown commands go back to the array; suspend finds nothing under way. */
  command (d, 0, 0x70);
  command (d, 0, 0x33);
  g_assert_cmpuint (d->region[0]->direct, ==, 1);
  g_assert_cmpuint (mock.logs, ==, 1);
  command (d, 0, 0xb0);
  g_assert_cmphex (get (d, 0), ==, 0x00800080);
  command (d, 0, 0xd0);
  g_assert_cmphex (get (d, 0), ==, 0x00800080);
  mock_reset (d, GWT_RESET_WARM);
  g_assert_cmpuint (d->region[0]->direct, ==, 1);
  g_assert_cmphex (get (d, 2 * SECTOR), ==, 0);
  mock_free (d);
}

static void
test_locks (void)
{
  struct gwt_device *d = new_flash ();

  command (d, SECTOR, 0x60);
  command (d, SECTOR, 0x01);
  command (d, 0, 0x90);
  g_assert_cmphex (get (d, SECTOR + 8), ==, 0x00010001);
  g_assert_cmphex (get (d, 8), ==, 0);
  program (d, SECTOR + 4, 0);
  g_assert_cmphex (status (d), ==, 0x00920092);
  command (d, 0, 0x50);
  command (d, SECTOR, 0x20);
  command (d, SECTOR, 0xd0);
  g_assert_cmphex (status (d), ==, 0x00a200a2);
  command (d, 0, 0x50);
  program (d, 0, 0x11111111);
  g_assert_cmphex (status (d), ==, 0x00800080);
  command (d, 0, 0xff);
  g_assert_cmphex (get (d, SECTOR + 4), ==, 0xffffffff);
  /* Locks survive a reset; clearing takes all. */
  mock_reset (d, GWT_RESET_WARM);
  command (d, 0, 0x60);
  command (d, 0, 0xd0);
  g_assert_cmphex (status (d), ==, 0x00800080);
  program (d, SECTOR + 4, 0);
  command (d, 0, 0xff);
  g_assert_cmphex (get (d, SECTOR + 4), ==, 0);
  command (d, 0, 0x60);
  command (d, 0, 0x77);
  g_assert_cmphex (status (d), ==, 0x00b000b0);
  mock_free (d);
}

static void
buffer (struct gwt_device *d, uint32_t at, uint32_t count, uint32_t step)
{
  uint32_t i;

  command (d, at, 0xe8);
  g_assert_cmphex (get (d, at), ==, 0x00800080);
  command (d, at, count - 1);
  for (i = 0; i < count; i++)
    mock_store_reg (d, at + i * step, 4, 0xabcd0000 + i);
}

static void
test_write_buffer (void)
{
  struct gwt_device *d = new_flash ();
  uint32_t i;

  buffer (d, 0x1000, 1024, 4);
  command (d, 0, 0xd0);
  g_assert_cmphex (status (d), ==, 0x00800080);
  command (d, 0, 0xff);
  for (i = 0; i < 1024; i++)
    g_assert_cmphex (get (d, 0x1000 + 4 * i), ==, 0xabcd0000 + i);
  g_assert_cmphex (get (d, 0x2000), ==, 0xffffffff);
  /* Not confirmed: nothing is programmed. */
  buffer (d, 0x4000, 4, 4);
  command (d, 0, 0xff);
  g_assert_cmphex (status (d), ==, 0x00b000b0);
  command (d, 0, 0x50);
  /* More than the buffer holds. */
  command (d, 0x4000, 0xe8);
  command (d, 0x4000, 1024);
  g_assert_cmphex (status (d), ==, 0x00b000b0);
  command (d, 0, 0x50);
  /* Data far away from the first. */
  command (d, 0x4000, 0xe8);
  command (d, 0x4000, 1);
  mock_store_reg (d, 0x4000, 4, 0);
  mock_store_reg (d, 0x4000 + 0x1000, 4, 0);
  command (d, 0, 0xd0);
  g_assert_cmphex (status (d), ==, 0x00b000b0);
  command (d, 0, 0x50);
  /* Below the first, and over the block's end. */
  command (d, 0x4000, 0xe8);
  command (d, 0x4000, 1);
  mock_store_reg (d, 0x4000, 4, 0);
  mock_store_reg (d, 0x3ffc, 4, 0);
  command (d, 0, 0xd0);
  g_assert_cmphex (status (d), ==, 0x00b000b0);
  command (d, 0, 0x50);
  command (d, SECTOR - 4, 0xe8);
  command (d, SECTOR - 4, 1);
  mock_store_reg (d, SECTOR - 4, 4, 0);
  mock_store_reg (d, SECTOR, 4, 0);
  command (d, 0, 0xd0);
  g_assert_cmphex (status (d), ==, 0x00b000b0);
  command (d, 0, 0xff);
  g_assert_cmphex (get (d, 0x4000), ==, 0xffffffff);
  g_assert_cmphex (get (d, SECTOR - 4), ==, 0xffffffff);
  /* At the very end of the bank. */
  command (d, 0, 0x50);
  buffer (d, SIZE - 8, 2, 4);
  command (d, 0, 0xd0);
  command (d, 0, 0xff);
  g_assert_cmphex (get (d, SIZE - 4), ==, 0xabcd0001);
  mock_free (d);
}

static char *
write_file (const char *name, uint64_t size, uint8_t byte)
{
  char *folder = g_dir_make_tmp ("godwit-flash.XXXXXX", NULL);
  char *path = g_build_filename (folder, name, NULL), *content = g_malloc (size ? size : 1);

  memset (content, byte, size);
  g_assert_true (g_file_set_contents (path, content, (gssize) size, NULL));
  g_free (content);
  g_free (folder);
  return path;
}

static void
remove_file (char *path)
{
  char *folder = g_path_get_dirname (path);

  g_unlink (path);
  g_rmdir (folder);
  g_free (folder);
  g_free (path);
}

static void
test_image (void)
{
  char *path = write_file ("flash.img", SIZE, 0x5a);
  char *property = g_strdup_printf ("image=%s", path);
  struct gwt_device *d;
  char *content;
  gsize size;

  mock_new_machine (1);
  d = mock_new (plugin->types[0], "flash0", property, NULL);
  /* Without `block` the id names the memory block. */
  g_assert_cmpstr (d->region[0]->name, ==, "flash0");
  g_assert_cmpuint (d->region[0]->direct, ==, 1);
  g_assert_cmphex (get (d, SIZE - 4), ==, 0x5a5a5a5a);
  program (d, 0, 0);
  command (d, 0, 0xff);
  g_assert_cmphex (get (d, 0), ==, 0);
  mock_free (d);
  /* The file is never written. */
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  g_assert_cmphex (content[0], ==, 0x5a);
  g_free (content);
  g_free (property);
  remove_file (path);
}

static void
test_refusals (void)
{
  char *path = write_file ("short.img", 1000, 0);
  char *property = g_strdup_printf ("image=%s", path);
  char *text = g_strdup_printf ("image '%s' has 1000 bytes, the bank 33554432; bring it to size "
                                "with truncate -s 33554432",
                                path);

  mock_new_machine (1);
  g_assert_null (mock_try_new (plugin->types[0], "flash0", property, NULL));
  g_assert_cmpstr (mock_error.text, ==, text);
  g_assert_null (mock_try_new (plugin->types[0], "flash0", "image=/nonesuch/x", NULL));
  g_assert_cmpstr (mock_error.text, ==,
                   "image '/nonesuch/x' cannot be opened: No such file or directory; check name "
                   "and permissions");
  g_assert_null (mock_try_new (plugin->types[0], "flash0", "image=/", NULL));
  g_assert_cmpstr (mock_error.text, ==,
                   "image '/' is not a regular file; give a file of 33554432 bytes");
  g_assert_null (mock_try_new (plugin->types[0], "flash0", "width=3", NULL));
  g_assert_null (mock_try_new (plugin->types[0], "flash0", "width=1", NULL));
  g_assert_cmpstr (mock_error.text, ==,
                   "device-width 2 does not divide width 1; use 1, 2 or 4, and width at least "
                   "device-width");
  g_assert_null (mock_try_new (plugin->types[0], "flash0", "num-blocks=100", NULL));
  g_assert_null (mock_try_new (plugin->types[0], "flash0", "num-blocks=65536", NULL));
  g_assert_cmpstr (mock_error.text, ==,
                   "65536 blocks of 0x40000 bytes are no flash; use powers of two, 256M in all at "
                   "the most");
  g_free (text);
  g_free (property);
  remove_file (path);
}

static void
test_one_chip (void)
{
  mock_new_machine (1);
  struct gwt_device *d = mock_new (plugin->types[0], "flash0", "width=1", "device-width=1",
                                   "num-blocks=16", "sector-length=0x10000", NULL);

  mock_store_reg (d, 0x55, 1, 0x98);
  g_assert_cmphex (mock_load_reg (d, 0x10, 1), ==, 'Q');
  g_assert_cmphex (mock_load_reg (d, 0x27, 1), ==, 20);
  g_assert_cmphex (mock_load_reg (d, 0x2d, 1), ==, 15);
  g_assert_cmphex (mock_load_reg (d, 0x30, 1), ==, 1);
  mock_store_reg (d, 0x200, 1, 0xff);
  mock_store_reg (d, 0x200, 1, 0x40);
  mock_store_reg (d, 0x200, 1, 0x21);
  mock_store_reg (d, 0x200, 1, 0xff);
  g_assert_cmphex (mock_load_reg (d, 0x200, 1), ==, 0x21);
  g_assert_cmpstr (mock_describe (d), ==, "compatible = 'cfi-flash'\nbank-width = 1\n");
  mock_free (d);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  plugin = mock_load ("cfi-flash");
  g_test_add_func ("/cfi-flash/rows", test_rows);
  g_test_add_func ("/cfi-flash/blank", test_blank);
  g_test_add_func ("/cfi-flash/query", test_query);
  g_test_add_func ("/cfi-flash/program-and-erase", test_program_and_erase);
  g_test_add_func ("/cfi-flash/locks", test_locks);
  g_test_add_func ("/cfi-flash/write-buffer", test_write_buffer);
  g_test_add_func ("/cfi-flash/image", test_image);
  g_test_add_func ("/cfi-flash/refusals", test_refusals);
  g_test_add_func ("/cfi-flash/one-chip", test_one_chip);
  return g_test_run ();
}
