/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM's handler: its bytes, what of them is refused, and that each page arrives, whoever writes to
 * it meanwhile.  So many lines, because sender and receiver are driven by the same few helpers, and
 * what one of them refuses is made from what the other one writes.
 */
#include "config.h"
#include <sys/mman.h>
#include <unistd.h>
#include "core/cpu/run.h"
#include "core/cpu/throttle.h"
#include "core/migration/ram-internal.h"
#include "core/migration/ram-pages.h"
#include "tests/vmstate/check.h"

#define PAGE 4096u

static void
fill (uint8_t *page, uint32_t seed)
{
  for (guint i = 0; i < PAGE; i += 4)
    {
      seed = seed * 1664525 + 1013904223;
      memcpy (page + i, &seed, 4);
    }
}

static uint8_t *
ram_at (const char *name, uint64_t address, uint64_t pages, uint64_t flags)
{
  GWT_AUTO_ERROR (err);
  struct gwt_region *region = gwt_memory_new_ram (name, pages * PAGE, flags, &err);

  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_true (gwt_memory_map (region, address, 0, &err));
  return gwt_memory_region_block (region)->host;
}

static void
options (bool xbzrle, uint64_t cache)
{
  struct gwt_ram_options o = { .xbzrle = xbzrle, .xbzrle_cache = cache };

  gwt_ram_configure (&o);
}

/* All of BYTES as one payload after another; NULL, or the error's text (g_free). */
static char *
load_payloads (const GByteArray *bytes)
{
  GWT_AUTO_ERROR (err);
  struct gwt_vm_in *in = gwt_vm_in_new_data (bytes->data, bytes->len);

  g_assert_true (gwt_ram_load_setup (NULL, &err));
  while (in->offset < bytes->len && gwt_ram_load (NULL, in, 4, &err))
    ;
  if (gwt_error_is_set (&err))
    gwt_error_prefix (&err, "byte %u", (unsigned) in->offset);
  gwt_ram_load_cleanup (NULL);
  gwt_vm_in_free (in);
  return g_strdup (err.text);
}

static char *
load_text (const char *text)
{
  g_autoptr (GByteArray) bytes = unhex (text);

  return load_payloads (bytes);
}

static bool
append (void *opaque, const struct iovec *iov, int n, struct gwt_error *err)
{
  (void) err;
  for (int i = 0; i < n; i++)
    g_byte_array_append (opaque, iov[i].iov_base, (guint) iov[i].iov_len);
  return true;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* "small" has 2 pages, "large" 3. */
#define LIST                                                                                       \
  "0000000000005004" /* 5 pages, MEM_SIZE */                                                       \
  "05 6c61726765 0000000000003000"                                                                 \
  "05 736d616c6c 0000000000002000"                                                                 \
  "0000000000000010"

static void
test_golden (void)
{
  GWT_AUTO_ERROR (err);
  uint8_t *small = ram_at ("small", 0x1000, 2, GWT_RAM_MIGRATED), *large;
  struct gwt_ram_stats stats;
  struct gwt_vm_out out;
  g_autofree char *is = NULL;
  uint64_t left;
  bool done;

  ram_at ("other", 0x10000, 8, 0);
  large = ram_at ("large", 0x20000, 3, GWT_RAM_MIGRATED | GWT_RAM_READ_ONLY);
  options (false, PAGE);
  fill (large + PAGE, 1);
  fill (small, 2);
  gwt_vm_out_init (&out);
  g_assert_true (gwt_ram_setup (NULL, &out, &err));
  is = hex (out.bytes);
  {
    g_autoptr (GByteArray) wanted = unhex (LIST);
    g_autofree char *text = hex (wanted);

    g_assert_cmpstr (is, ==, text);
  }
  gwt_ram_pending_estimate (NULL, &left);
  g_assert_cmpuint (left, ==, 5 * PAGE);
  g_byte_array_set_size (out.bytes, 0);

  g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
  g_assert_true (done);
  {
    g_autoptr (GByteArray) wanted
        = unhex ("0000000000000002 05 6c61726765 00  0000000000001028");
    g_autoptr (GByteArray) middle = unhex ("0000000000002022 00 0000000000000008 05 736d616c6c");
    g_autoptr (GByteArray) end = unhex ("0000000000001022 00 0000000000000010");

    g_byte_array_append (wanted, large + PAGE, PAGE);
    g_byte_array_append (wanted, middle->data, middle->len);
    g_byte_array_append (wanted, small, PAGE);
    g_byte_array_append (wanted, end->data, end->len);
    g_assert_cmpmem (out.bytes->data, out.bytes->len, wanted->data, wanted->len);
  }
  gwt_ram_pending_estimate (NULL, &left);
  g_assert_cmpuint (left, ==, 0);
  g_byte_array_set_size (out.bytes, 0);

  /* Nothing to do is a payload too. */
  g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
  g_assert_cmpint (gwt_memory_store (0x2000, 8, 0), ==, GWT_ACCESS_OK);
  g_assert_true (gwt_ram_complete (NULL, &out, &err));
  {
    /* The page's name is known from the last payload, and a page that is zero again is sent. */
    g_autoptr (GByteArray) wanted
        = unhex ("0000000000000010 0000000000001022 00 0000000000000010");

    g_assert_cmpmem (out.bytes->data, out.bytes->len, wanted->data, wanted->len);
  }
  gwt_ram_stats (&stats);
  g_assert_cmpuint (stats.total, ==, 5 * PAGE);
  g_assert_cmpuint (stats.normal, ==, 2);
  g_assert_cmpuint (stats.duplicate, ==, 4);
  g_assert_cmpuint (stats.syncs, ==, 2);
  g_assert_cmpuint (stats.dirtied, ==, PAGE);
  g_assert_cmpuint (stats.remaining, ==, 0);
  g_assert_cmpuint (stats.transferred, ==, out.total);
  gwt_ram_cleanup (NULL);
  gwt_vm_out_clear (&out);
  gwt_memory_destroy_all ();
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void
count_syncs (void *data)
{
  ++*(guint *) data;
}

static void
test_limit (void)
{
  GWT_AUTO_ERROR (err);
  uint8_t *ram = ram_at ("ram", 0x80000000, 200, GWT_RAM_MIGRATED);
  g_autoptr (GByteArray) sent = g_byte_array_new ();
  struct gwt_vm_out out;
  guint i, calls = 0, syncs = 0;
  uint64_t left;
  bool done = false;

  options (false, PAGE);
  for (i = 0; i < 200; i++)
    fill (ram + i * PAGE, i);
  gwt_ram_on_sync (count_syncs, &syncs);
  gwt_vm_out_init_sink (&out, append, sent);
  g_assert_true (gwt_ram_setup (NULL, &out, &err));
  g_assert_cmpuint (syncs, ==, 1);
  while (!done)
    {
      uint64_t before = out.total;

      out.limit = before + 3 * PAGE;
      g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
      g_assert_cmpuint (out.total - before, <=, 4 * (PAGE + 16));
      g_assert_cmpuint (out.total - before, >=, done ? 8 : 3 * PAGE);
      calls++;
      gwt_ram_pending_estimate (NULL, &left);
      g_assert_true (done == (left == 0));
    }
  g_assert_cmpuint (calls, ==, 67);
  gwt_ram_pending_exact (NULL, &left);
  g_assert_cmpuint (left, ==, 0);
  g_assert_cmpuint (syncs, ==, 2);
  for (i = 0; i < 100; i++)
    gwt_memory_store (0x80000000 + 2 * i * PAGE, 8, i);
  gwt_ram_pending_estimate (NULL, &left);
  g_assert_cmpuint (left, ==, 0);
  gwt_ram_pending_exact (NULL, &left);
  g_assert_cmpuint (left, ==, 100 * PAGE);
  /* The limit is for the rounds, not for the end. */
  out.limit = 0;
  g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
  g_assert_false (done);
  g_assert_true (gwt_ram_complete (NULL, &out, &err));
  gwt_ram_pending_estimate (NULL, &left);
  g_assert_cmpuint (left, ==, 0);
  g_assert_true (gwt_vm_out_drain (&out, &err));
  g_assert_cmpuint (sent->len, ==, out.total);
  {
    g_autofree uint8_t *copy = g_memdup2 (ram, 200 * PAGE);
    g_autofree char *error = NULL;

    memset (ram, 0xee, 200 * PAGE);
    error = load_payloads (sent);
    g_assert_cmpstr (error, ==, NULL);
    g_assert_cmpmem (ram, 200 * PAGE, copy, 200 * PAGE);
  }
  gwt_ram_on_sync (NULL, NULL);
  gwt_ram_cleanup (NULL);
  gwt_vm_out_clear (&out);
  gwt_memory_destroy_all ();
}

/* ---- in which order -------------------------------------------------------------------------- */

#define REGION 1024

static uint64_t
word_at (const uint8_t *data)
{
  uint64_t word;

  memcpy (&word, data, 8);
  return GUINT64_FROM_BE (word);
}

/* A zero page's record is the next of DATA; its page, of the block NAMED, if that is so. */
static uint64_t
zero_record (const uint8_t **data, bool named)
{
  uint64_t word = word_at (*data);

  g_assert_cmphex (word % PAGE, ==, named ? GWT_RAM_ZERO : GWT_RAM_ZERO | GWT_RAM_CONTINUE);
  *data += 8 + (named ? 1 + (*data)[8] : 0);
  g_assert_cmpuint (*(*data)++, ==, 0);
  return word / PAGE;
}

static void
skip_eos (const uint8_t **data)
{
  if (word_at (*data) == GWT_RAM_EOS)
    *data += 8;
}

/* The regions of a block go downwards, the pages of each upwards, wherever it was interrupted. */
static void
test_order (void)
{
  static const guint starts[] = { 2 * REGION, REGION, 0 };
  GWT_AUTO_ERROR (err);
  const uint8_t *at;
  struct gwt_vm_out out;
  uint64_t page;
  bool done = false;
  guint i;

  ram_at ("ram", 0x80000000, 2 * REGION + 70, GWT_RAM_MIGRATED);
  ram_at ("none", 0x90000000, REGION + 1, 0);
  ram_at ("second", 0xa0000000, REGION, GWT_RAM_MIGRATED);
  gwt_vm_out_init (&out);
  g_assert_true (gwt_ram_setup (NULL, &out, &err));
  i = out.bytes->len;
  while (!done)
    {
      out.limit = out.total + 9 * 33;
      g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
    }
  at = out.bytes->data + i;
  for (i = 0; i < G_N_ELEMENTS (starts); i++)
    for (page = starts[i]; page < (i == 0 ? 2 * REGION + 70 : starts[i - 1]); page++)
      {
        skip_eos (&at);
        g_assert_cmpuint (zero_record (&at, page == 2 * REGION), ==, page);
      }
  for (page = 0; page < REGION; page++)
    {
      skip_eos (&at);
      g_assert_cmpuint (zero_record (&at, page == 0), ==, page);
    }
  skip_eos (&at);
  g_assert_true (at == out.bytes->data + out.bytes->len);
  gwt_ram_cleanup (NULL);
  gwt_vm_out_clear (&out);
  gwt_memory_destroy_all ();
}

/* A page that the guest wrote before it was sent at all waits for the next round; in rounds after
   the first it does not. */
static void
test_put_off (void)
{
  GWT_AUTO_ERROR (err);
  uint8_t *ram = ram_at ("ram", 0x80000000, 70, GWT_RAM_MIGRATED);
  struct gwt_ram_stats stats;
  struct gwt_vm_out out;
  uint64_t left;
  bool done;

  memset (ram, 1, 70 * PAGE);
  gwt_vm_out_init (&out);
  g_assert_true (gwt_ram_setup (NULL, &out, &err));
  g_assert_cmpint (gwt_memory_store (0x80003000, 8, 2), ==, GWT_ACCESS_OK);
  g_assert_cmpint (gwt_memory_store (0x80041000, 8, 2), ==, GWT_ACCESS_OK);
  g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
  g_assert_true (done);
  gwt_ram_stats (&stats);
  g_assert_cmpuint (stats.normal, ==, 68);
  g_assert_cmpint (gwt_memory_store (0x80000000, 8, 2), ==, GWT_ACCESS_OK);
  gwt_ram_pending_exact (NULL, &left);
  g_assert_cmpuint (left, ==, 3 * PAGE);
  gwt_ram_stats (&stats);
  g_assert_cmpuint (stats.dirtied, ==, PAGE); /* one was sent in vain */
  g_assert_cmpint (gwt_memory_store (0x80000000, 8, 3), ==, GWT_ACCESS_OK);
  g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
  gwt_ram_stats (&stats);
  g_assert_cmpuint (stats.normal, ==, 71);
  g_assert_true (gwt_ram_complete (NULL, &out, &err));
  gwt_ram_stats (&stats);
  g_assert_cmpuint (stats.normal, ==, 72);
  gwt_ram_cleanup (NULL);

  /* The guest stands: there is no next round. */
  g_byte_array_set_size (out.bytes, 0);
  g_assert_true (gwt_ram_setup (NULL, &out, &err));
  g_assert_cmpint (gwt_memory_store (0x80003000, 8, 2), ==, GWT_ACCESS_OK);
  g_assert_true (gwt_ram_complete (NULL, &out, &err));
  gwt_ram_stats (&stats);
  g_assert_cmpuint (stats.normal, ==, 70);
  g_assert_cmpuint (stats.remaining, ==, 0);
  gwt_ram_cleanup (NULL);
  gwt_vm_out_clear (&out);
  gwt_memory_destroy_all ();
}

/* While the guest is slowed down, a round that takes long is not waited for. */
static void
test_slowed_down (void)
{
  GWT_AUTO_ERROR (err);
  uint8_t *ram = ram_at ("ram", 0x80000000, 10, GWT_RAM_MIGRATED);
  gint64 usual = gwt_ram_round_us;
  struct gwt_ram_stats stats;
  struct gwt_vm_out out;
  uint64_t left;
  bool done;

  memset (ram, 1, 10 * PAGE);
  gwt_ram_round_us = 0;
  gwt_vm_out_init (&out);
  g_assert_true (gwt_ram_setup (NULL, &out, &err));
  gwt_throttle_set (20);
  out.limit = 0;
  g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
  gwt_ram_stats (&stats);
  g_assert_cmpuint (stats.syncs, ==, 1); /* the first pass goes to its end */
  gwt_ram_pending_exact (NULL, &left);
  while (stats.syncs < 3)
    {
      g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
      gwt_ram_stats (&stats);
    }
  gwt_throttle_set (0);
  g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
  gwt_ram_stats (&stats);
  g_assert_cmpuint (stats.syncs, ==, 3);
  gwt_ram_round_us = usual;
  gwt_ram_cleanup (NULL);
  gwt_vm_out_clear (&out);
  gwt_memory_destroy_all ();
}

/* The channel breaks: the error goes up, and nothing is left behind. */
static bool
broken (void *opaque, const struct iovec *iov, int n, struct gwt_error *err)
{
  (void) opaque;
  (void) iov;
  (void) n;
  gwt_error_set (err, GWT_E_IO, "the line is cut");
  return false;
}

static void
test_broken (void)
{
  GWT_AUTO_ERROR (err);
  uint8_t *ram = ram_at ("ram", 0x80000000, 600, GWT_RAM_MIGRATED);
  struct gwt_vm_out out;
  bool done;

  for (guint i = 0; i < 600; i++)
    fill (ram + i * PAGE, i);
  gwt_vm_out_init_sink (&out, broken, NULL);
  g_assert_true (gwt_ram_setup (NULL, &out, &err));
  g_assert_false (gwt_ram_iterate (NULL, &out, &done, &err));
  g_assert_cmpstr (err.text, ==, "the line is cut");
  gwt_ram_cleanup (NULL);
  gwt_ram_cleanup (NULL);
  gwt_error_clear (&err);
  g_assert_true (gwt_memory_dirty_start (&err)); /* it was stopped */
  gwt_memory_dirty_stop ();
  gwt_vm_out_clear (&out);
  gwt_memory_destroy_all ();
}

/* ---- a guest that writes --------------------------------------------------------------------- */

#define BUSY_PAGES 700u
static gint stop_writing, stores;

/* Stores as a device does, all over, some pages more often; some become zero again. */
static gpointer
writer (gpointer data)
{
  uint32_t seed = GPOINTER_TO_UINT (data);
  uint8_t line[64];

  while (!g_atomic_int_get (&stop_writing))
    {
      uint64_t page;

      seed = seed * 1664525 + 1013904223;
      page = (seed >> 8) % (seed >> 31 ? BUSY_PAGES : 16);
      memset (line, seed >> 20 & 1 ? 0 : (int) (seed >> 24), sizeof (line));
      gwt_memory_write (0x80000000 + page * PAGE + (seed >> 4 & 63) * 64, line, sizeof (line),
                        false);
      g_atomic_int_inc (&stores);
    }
  return NULL;
}

static void
round_trip (bool xbzrle, uint64_t cache)
{
  GWT_AUTO_ERROR (err);
  uint8_t *ram = ram_at ("ram", 0x80000000, BUSY_PAGES, GWT_RAM_MIGRATED);
  g_autoptr (GByteArray) sent = g_byte_array_new ();
  g_autofree uint8_t *copy = NULL;
  g_autofree char *error = NULL;
  struct gwt_ram_stats stats;
  struct gwt_vm_out out;
  GThread *threads[2];
  uint64_t left;
  guint i;

  options (xbzrle, cache);
  for (i = 0; i < BUSY_PAGES; i += 3)
    fill (ram + i * PAGE, i);
  g_atomic_int_set (&stop_writing, 0);
  for (i = 0; i < 2; i++)
    threads[i] = g_thread_new ("writer", writer, GUINT_TO_POINTER (i + 1));
  gwt_vm_out_init_sink (&out, append, sent);
  g_assert_true (gwt_ram_setup (NULL, &out, &err));
  for (i = 0; i < 12; i++)
    {
      gint before = g_atomic_int_get (&stores);
      bool done = false;

      while (g_atomic_int_get (&stores) - before < 300)
        g_thread_yield ();
      if (i == 8)
        options (xbzrle, 2 * cache); /* the user changes it while it runs */
      /* Some rounds begin before the last one is through. */
      for (guint n = 0; !done && n < 3 + i; n++)
        {
          out.limit = out.total + 100 * PAGE;
          g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
        }
      gwt_ram_pending_exact (NULL, &left);
    }
  g_atomic_int_set (&stop_writing, 1);
  for (i = 0; i < 2; i++)
    g_thread_join (threads[i]);
  g_assert_true (gwt_ram_complete (NULL, &out, &err));
  g_assert_true (gwt_vm_out_drain (&out, &err));
  gwt_ram_stats (&stats);
  g_assert_cmpuint (stats.syncs, ==, 14);
  g_assert_cmpuint (stats.transferred, ==, sent->len);
  if (!xbzrle || cache > PAGE)
    g_assert_true (xbzrle == (stats.xbzrle.pages > 0));
  g_assert_cmpuint (stats.xbzrle.cache_size, ==, xbzrle ? 2 * cache : 0);
  gwt_ram_cleanup (NULL);

  copy = g_memdup2 (ram, BUSY_PAGES * PAGE);
  gwt_memory_destroy_all ();
  ram = ram_at ("ram", 0x80000000, BUSY_PAGES, GWT_RAM_MIGRATED);
  memset (ram, 0xdd, 100 * PAGE); /* what a destination's firmware left */
  error = load_payloads (sent);
  g_assert_cmpstr (error, ==, NULL);
  for (i = 0; i < BUSY_PAGES; i++)
    if (memcmp (copy + i * PAGE, ram + i * PAGE, PAGE) != 0)
      g_error ("page %u is another", i);
  gwt_vm_out_clear (&out);
  gwt_memory_destroy_all ();
}

static void
test_busy (void)
{
  round_trip (false, PAGE);
}

static void
test_busy_xbzrle (void)
{
  round_trip (true, 1024 * PAGE);
  round_trip (true, 64 * PAGE); /* pages that have to share a place */
  round_trip (true, PAGE);
}

/* ---- refused --------------------------------------------------------------------------------- */

#define PAGE_TEXT_BYTES (2 * PAGE)

static void
refused (const char *text, const char *wanted)
{
  g_autofree char *error = load_text (text);

  g_assert_cmpstr (error, ==, wanted);
}

static void
test_refused (void)
{
  GWT_AUTO_ERROR (err);
  static const char *const unknown[] = { "000", "00a", "001", "400", "020", "024", "030", "040000",
                                         "0a0", "220", "00c", "800", "042" };
  struct gwt_vm_in *in = gwt_vm_in_new_data ("", 0);
  uint8_t *small = ram_at ("small", 0x1000, 2, GWT_RAM_MIGRATED);
  g_autofree uint8_t *before = NULL;
  g_autofree char *error = NULL;

  ram_at ("large", 0x20000, 3, GWT_RAM_MIGRATED);
  ram_at ("mine", 0x30000, 1, 0);
  fill (small, 5);
  before = g_memdup2 (small, 2 * PAGE);
  options (false, PAGE);
  g_assert_false (gwt_ram_load (NULL, in, 3, &err));
  g_assert_cmpstr (err.text, ==, "version 3 cannot be read; version 4 can");
  gwt_vm_in_free (in);

  refused ("0000000000002004 05 736d616c6d 0000000000002000",
           "byte 14: RAM block 'smalm': there is none here; give this end the sender's devices");
  refused ("0000000000002004 00",
           "byte 9: RAM block '': there is none here; give this end the sender's devices");
  refused ("0000000000002004 06 736d616c6c00",
           "byte 15: RAM block 'small': there is none here; give this end the sender's devices");
  /* One that is no part of the stream is not to be written by it. */
  refused ("0000000000001008 04 6d696e65",
           "byte 13: RAM block 'mine': there is none here; give this end the sender's devices");
  refused ("0000000000003004 05 736d616c6c 0000000000003000",
           "byte 22: RAM block 'small': it has 12288 bytes at the sender and 8192 here; start "
           "this end with the sender's sizes: -m, and images as large");
  refused ("0000000000003004 05 736d616c6c 0000000000002000 05 6c61726765 0000000000003000",
           "byte 36: RAM block 'large': with it the blocks are larger than their total");
  refused ("0000000000002008 05 736d616c6c",
           "byte 14: RAM block 'small': a page at 0x2000 is beyond its end at 0x2000");
  refused ("fffffffffffff002 05 736d616c6c",
           "byte 14: RAM block 'small': a page at 0xfffffffffffff000 is beyond its end at 0x2000");
  refused ("0000000000000028", "byte 8: a page of the same RAM block as the one before; there was "
                               "none before");
  /* The list names blocks, but none is the last page's. */
  refused (LIST "0000000000000022", "byte 52: a page of the same RAM block as the one before; "
                                    "there was none before");
  refused ("0000000000001002 05 736d616c6c 01",
           "byte 15: RAM block 'small', page at 0x1000: it is to be filled with 0x01; pages are "
           "filled with 0 alone");
  refused ("0000000000000100", "byte 8: a compressed page; turn the capability 'compress' off at "
                               "the sender");
  refused ("0000000000000120", "byte 8: a compressed page; turn the capability 'compress' off at "
                               "the sender");
  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      uint64_t word = g_ascii_strtoull (unknown[i], NULL, 16);
      g_autofree char *text = g_strdup_printf ("%016" G_GINT64_MODIFIER "x", word);
      g_autofree char *wanted = g_strdup_printf (
          "byte 8: a record of RAM with flags 0x%03x; there is none like that",
          (unsigned) (word & 0xfff));

      if ((word & 0xfff) != 0x40)
        refused (text, wanted);
    }
  refused ("0000000000000040 05 736d616c6c 02 0000",
           "byte 17: RAM block 'small', page at 0x0: method 2 with 0 bytes is none of XBZRLE's");
  refused ("0000000000000040 05 736d616c6c 01 1001",
           "byte 17: RAM block 'small', page at 0x0: method 1 with 4097 bytes is none of XBZRLE's");
  refused ("0000000000000040 05 736d616c6c 01 0001 05",
           "byte 18: RAM block 'small', page at 0x0: XBZRLE: nothing follows a run to skip");
  refused ("00000000000000", "byte 7: the stream ends at byte 7, 1 bytes too early");
  g_assert_cmpmem (small, 2 * PAGE, before, 2 * PAGE);
  gwt_memory_destroy_all ();
}

/* What QEMU's receivers take as well. */
static void
test_accepted (void)
{
  uint8_t *small = ram_at ("small", 0x1000, 2, GWT_RAM_MIGRATED);
  uint8_t *large = ram_at ("large", 0x20000, 3, GWT_RAM_MIGRATED);
  g_autofree char *error = NULL;

  memset (small, 7, PAGE);
  memset (large, 9, 3 * PAGE);
  options (false, PAGE);
  /* The list twice; order of pages; names again; hook and flush; XBZRLE without the capability and
     without a change; a page twice; blocks that never come. */
  error = load_text (LIST LIST "0000000000001042 00 0000000000000010");
  g_assert_nonnull (error); /* CONTINUE and ZERO and XBZRLE at once are no record */
  g_clear_pointer (&error, g_free);
  error = load_text (LIST LIST
                     "0000000000002002 05 6c61726765 00"
                     "0000000000000200 0000000000000080"
                     "0000000000000002 05 6c61726765 00"
                     "0000000000000010"
                     "0000000000000060 01 0000"
                     "0000000000001040 05 6c61726765 01 0008 03 01 aa 8801 02 bbcc"
                     "0000000000000010");
  g_assert_cmpstr (error, ==, NULL);
  g_assert_true (gwt_page_is_zero (large) && gwt_page_is_zero (large + 2 * PAGE));
  for (guint i = 0; i < PAGE; i++)
    g_assert_cmphex (large[PAGE + i], ==, i == 3 ? 0xaa : i == 140 ? 0xbb : i == 141 ? 0xcc : 9);
  gwt_memory_destroy_all ();
}

/* ---- each prefix, each bit ------------------------------------------------------------------- */

static void
test_hostile (void)
{
  GWT_AUTO_ERROR (err);
  uint8_t *ram = ram_at ("ram", 0x80000000, 3, GWT_RAM_MIGRATED);
  struct gwt_vm_out out;
  bool done;

  ram_at ("second", 0x90000000, 1, GWT_RAM_MIGRATED);
  fill (ram + PAGE, 3);
  options (true, 16 * PAGE);
  gwt_vm_out_init (&out);
  g_assert_true (gwt_ram_setup (NULL, &out, &err));
  g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
  g_assert_true (gwt_memory_store (0x80001100, 8, 1) == GWT_ACCESS_OK);
  g_assert_true (gwt_ram_complete (NULL, &out, &err));
  gwt_ram_cleanup (NULL);
  for (guint i = 0; i < out.bytes->len; i++)
    {
      g_autofree char *error = NULL;
      g_autoptr (GByteArray) part = g_byte_array_new ();

      g_byte_array_append (part, out.bytes->data, i);
      error = load_payloads (part);
      /* Whole payloads are good ones; nothing else is. */
      if (error == NULL)
        g_assert_true (i == 0 || memcmp (part->data + i - 8, "\0\0\0\0\0\0\0\x10", 8) == 0);
    }
  for (guint i = 0; i < out.bytes->len * 8; i++)
    {
      g_autofree char *error = NULL;

      /* The middle of a page's content is as good as another. */
      if (i % 8 != 0 && i / 8 > 200 && i / 8 < PAGE)
        continue;
      out.bytes->data[i / 8] ^= (uint8_t) (1u << i % 8);
      error = load_payloads (out.bytes);
      out.bytes->data[i / 8] ^= (uint8_t) (1u << i % 8);
    }
  gwt_vm_out_clear (&out);
  gwt_memory_destroy_all ();
}

/* ---- untouched pages, checking only ---------------------------------------------------------- */

static guint
touched (const uint8_t *ram, guint pages)
{
  g_autofree unsigned char *there = g_malloc (pages);
  guint count = 0;

  g_assert_cmpint (mincore ((void *) ram, pages * PAGE, there), ==, 0);
  for (guint i = 0; i < pages; i++)
    count += there[i] & 1;
  return count;
}

static void
test_untouched (void)
{
  GWT_AUTO_ERROR (err);
  g_autoptr (GByteArray) sent = g_byte_array_new ();
  uint8_t *ram = ram_at ("ram", 0x80000000, 300, GWT_RAM_MIGRATED); /* too small for a huge page */
  struct gwt_untouched *u = gwt_untouched_new ();
  struct gwt_vm_out out;
  g_autofree char *error = NULL;
  uint64_t bits;
  guint n;
  g_autofree struct gwt_ram_block **blocks = gwt_memory_blocks (&n);
  bool done;

  bits = gwt_untouched_pages (u, blocks[0], 0);
  if (bits == 0)
    {
      g_test_skip ("/proc/self/pagemap cannot be read here");
      gwt_untouched_free (u);
      gwt_memory_destroy_all ();
      return;
    }
  g_assert_cmphex (bits, ==, UINT64_MAX);
  g_assert_cmphex (gwt_untouched_pages (u, blocks[0], 256), ==, (UINT64_C (1) << 44) - 1);
  ram[5 * PAGE] = 1;
  gwt_untouched_forget (u);
  g_assert_cmphex (gwt_untouched_pages (u, blocks[0], 0), ==, ~UINT64_C (0x20));
  gwt_untouched_free (u);

  options (false, PAGE);
  gwt_vm_out_init_sink (&out, append, sent);
  g_assert_true (gwt_ram_setup (NULL, &out, &err));
  out.limit = 100;
  g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
  /* It was known as untouched, and is not when its turn comes. */
  gwt_memory_store (0x80000000 + 200 * PAGE, 1, 0x77);
  {
    uint64_t left;

    gwt_ram_pending_exact (NULL, &left);
  }
  out.limit = UINT64_MAX;
  g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
  g_assert_true (gwt_ram_complete (NULL, &out, &err));
  g_assert_true (gwt_vm_out_drain (&out, &err));
  g_assert_cmpuint (touched (ram, 300), ==, 2);
  gwt_ram_cleanup (NULL);
  gwt_memory_destroy_all ();

  ram = ram_at ("ram", 0x80000000, 300, GWT_RAM_MIGRATED);
  ram[7 * PAGE] = 1;
  gwt_ram_check_only (true);
  error = load_payloads (sent);
  gwt_ram_check_only (false);
  g_assert_cmpstr (error, ==, NULL);
  g_assert_cmpuint (touched (ram, 300), ==, 1);
  g_assert_cmpuint (ram[7 * PAGE], ==, 1);
  error = load_payloads (sent);
  g_assert_cmpstr (error, ==, NULL);
  g_assert_cmpuint (touched (ram, 300), ==, 3);
  g_assert_true (ram[5 * PAGE] == 1 && ram[7 * PAGE] == 0 && ram[200 * PAGE] == 0x77);
  gwt_vm_out_clear (&out);
  gwt_memory_destroy_all ();
}

/* ---- pages in order -------------------------------------------------------------------------- */

/* What comes as a peer sends it: now much, now little, and at times half a head. */
struct feed
{
  const GByteArray *bytes;
  gsize at;
  guint32 most;
  GRand *rand;
  guint straight; /* bytes that were read past the buffer */
};

static gssize
feed_pieces (void *opaque, const struct iovec *iov, int n, struct gwt_error *err)
{
  struct feed *f = opaque;
  gsize left = (gsize) g_rand_int_range (f->rand, 1, (gint32) f->most), got = 0;

  (void) err;
  left = MIN (left, f->bytes->len - f->at);
  for (int i = 0; i < n && left > 0; i++)
    {
      gsize part = MIN (left, iov[i].iov_len);

      memcpy (iov[i].iov_base, f->bytes->data + f->at, part);
      f->at += part;
      left -= part;
      got += part;
    }
  f->straight += n > 1 ? (guint) got : 0;
  return (gssize) got;
}

static gssize
feed (void *opaque, uint8_t *buffer, gsize size, struct gwt_error *err)
{
  struct iovec iov = { buffer, size };

  return feed_pieces (opaque, &iov, 1, err);
}

static void
add_be (GByteArray *to, uint64_t value)
{
  value = GUINT64_TO_BE (value);
  g_byte_array_append (to, (const uint8_t *) &value, 8);
}

#define RUN_PAGES 700u

/* Pages mostly in order, with whatever may come between; MODEL: how memory is in the end.  HOSTILE:
   some heads have a wrong bit. */
static void
make_runs (GRand *rand, GByteArray *to, uint8_t *model, bool hostile)
{
  bool named = false;

  for (guint piece = 0; piece < 6; piece++)
    {
      guint page = (guint) g_rand_int_range (rand, 0, RUN_PAGES);
      guint end = page + (guint) g_rand_int_range (rand, 1, 200);

      for (; page < MIN (end, RUN_PAGES); page++)
        {
          int chance = g_rand_int_range (rand, 0, 200);
          bool again = named && chance != 0;
          uint64_t head = (uint64_t) page * PAGE | (chance < 4 ? GWT_RAM_ZERO : GWT_RAM_PAGE);

          head |= again ? GWT_RAM_CONTINUE : 0;
          if (hostile && chance == 8)
            head ^= UINT64_C (1) << g_rand_int_range (rand, 0, 24);
          add_be (to, head);
          if (!again)
            g_byte_array_append (to, (const uint8_t *) "\3ram", 4);
          named = true;
          if (chance < 4)
            {
              g_byte_array_append (to, (const uint8_t *) "", 1);
              memset (model + page * PAGE, 0, PAGE);
            }
          else
            {
              fill (model + page * PAGE, (uint32_t) g_rand_int (rand));
              g_byte_array_append (to, model + page * PAGE, PAGE);
            }
          page += chance == 5;
          page -= chance == 6 && page > 0;
        }
      add_be (to, GWT_RAM_EOS);
    }
}

/* The error's text, or NULL. */
static char *
load_fed (struct feed *f)
{
  GWT_AUTO_ERROR (err);
  struct gwt_vm_in *in = gwt_vm_in_new (feed, f);

  in->source_pieces = feed_pieces;
  g_assert_true (gwt_ram_load_setup (NULL, &err));
  while (in->offset < f->bytes->len && gwt_ram_load (NULL, in, 4, &err))
    ;
  if (gwt_error_is_set (&err))
    gwt_error_prefix (&err, "byte %u", (unsigned) in->offset);
  else
    g_assert_cmpuint (in->offset, ==, f->bytes->len);
  gwt_ram_load_cleanup (NULL);
  gwt_vm_in_free (in);
  return g_strdup (err.text);
}

/* New memory, of which two pages were used. */
static uint8_t *
used_ram (guint seed)
{
  uint8_t *ram = ram_at ("ram", 0x80000000, RUN_PAGES, GWT_RAM_MIGRATED);

  fill (ram + seed * 7 % RUN_PAGES * PAGE, seed);
  fill (ram + seed * 97 % RUN_PAGES * PAGE, seed + 1);
  return ram;
}

/* However it comes, it is as if it had come at once: where it is whole, where it breaks, and where
   it is refused. */
static void
test_runs (void)
{
  static const guint32 mosts[] = { 9, 5000, 70000, 600000 };
  guint straight = 0, refused = 0;

  options (false, PAGE);
  for (guint seed = 0; seed < 120; seed++)
    {
      g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autofree uint8_t *model = g_malloc (RUN_PAGES * PAGE);
      struct feed f = { bytes, 0, mosts[seed % 4], rand, 0 };
      g_autofree char *error = NULL, *same = NULL;
      uint8_t *ram = used_ram (seed);

      memcpy (model, ram, RUN_PAGES * PAGE);
      make_runs (rand, bytes, model, seed % 5 == 3);
      if (seed % 5 == 4) /* it breaks somewhere */
        g_byte_array_set_size (bytes, (guint) g_rand_int_range (rand, 8, (gint32) bytes->len - 8));
      error = load_payloads (bytes);
      if (seed % 5 < 3)
        {
          g_assert_cmpstr (error, ==, NULL);
          g_assert_true (memcmp (ram, model, RUN_PAGES * PAGE) == 0);
        }
      refused += error != NULL;
      memcpy (model, ram, RUN_PAGES * PAGE);
      gwt_memory_destroy_all ();

      ram = used_ram (seed);
      same = load_fed (&f);
      g_assert_cmpstr (same, ==, error);
      g_assert_true (memcmp (ram, model, RUN_PAGES * PAGE) == 0);
      straight += f.straight;
      gwt_memory_destroy_all ();
    }
  g_assert_cmpuint (refused, >=, 30);
  if (straight == 0)
    g_test_skip ("/proc/self/pagemap cannot be read here");
}

/* ---- memory with a file behind it ------------------------------------------------------------ */

static uint8_t *
file_at (const char *name, uint64_t address, uint64_t pages, bool shared, bool named)
{
  GWT_AUTO_ERROR (err);
  struct gwt_ram_file file = { memfd_create (name, MFD_CLOEXEC), shared, named };
  struct gwt_region *region;

  g_assert_cmpint (file.fd, >=, 0);
  g_assert_cmpint (ftruncate (file.fd, (off_t) (pages * PAGE)), ==, 0);
  region = gwt_memory_new_ram_file (name, pages * PAGE, GWT_RAM_MIGRATED, &file, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  if (address != 0)
    g_assert_true (gwt_memory_map (region, address, 0, &err));
  return gwt_memory_region_block (region)->host;
}

static void
test_ignored (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_ram_options o = { .ignore_shared = true };
  struct gwt_ram_stats stats;
  struct gwt_vm_out out;
  bool done;

  fill (file_at ("file", 0x80000000, 3, true, true), 1);
  fill (file_at ("memfd", 0, 2, true, false), 2); /* who else would find it? */
  fill (file_at ("copy", 0x90000000, 1, false, true), 3);
  gwt_ram_configure (&o);
  gwt_vm_out_init (&out);
  g_assert_true (gwt_ram_setup (NULL, &out, &err));
  {
    g_autoptr (GByteArray) wanted
        = unhex ("0000000000006004 04 66696c65 0000000000003000 0000000080000000"
                 "05 6d656d6664 0000000000002000 0000000000000000"
                 "04 636f7079 0000000000001000 0000000090000000 0000000000000010");

    g_assert_cmpmem (out.bytes->data, out.bytes->len, wanted->data, wanted->len);
  }
  gwt_ram_stats (&stats);
  g_assert_cmpuint (stats.total, ==, 3 * PAGE);
  gwt_memory_store (0x80000000, 8, 1);
  g_assert_true (gwt_ram_iterate (NULL, &out, &done, &err));
  g_assert_true (done);
  g_assert_true (gwt_ram_complete (NULL, &out, &err));
  gwt_ram_stats (&stats);
  g_assert_cmpuint (stats.normal, ==, 2);
  g_assert_cmpuint (stats.duplicate, ==, 1);
  gwt_ram_cleanup (NULL);
  {
    g_autofree char *error = load_payloads (out.bytes);

    g_assert_cmpstr (error, ==, NULL);
  }
  gwt_vm_out_clear (&out);

#define ONE "0000000000003004 04 66696c65 0000000000003000 "
  {
    g_autofree char *moved = load_text (ONE "0000000080001000");
    g_autofree char *page = load_text (ONE "0000000080000000 0000000000000002 04 66696c65 00");
    g_autofree char *other = load_text ("0000000000001004 04 636f7079 0000000000001000"
                                        "0000000000000007 0000000000000010");

    g_assert_cmpstr (moved, ==,
                     "byte 29: RAM block 'file': it is at 0x80001000 at the sender and at "
                     "0x80000000 here; start this end with the sender's devices");
    g_assert_cmpstr (page, ==,
                     "byte 42: RAM block 'file': a page of it is sent; it is shared, and is not to "
                     "be");
    /* Where a block that is sent lies is its own affair. */
    g_assert_cmpstr (other, ==, NULL);
  }
  options (false, PAGE);
  gwt_memory_destroy_all ();
}

/* What is in a file is not zero because nobody here has looked at it. */
static void
test_holes (void)
{
  struct gwt_untouched *u = gwt_untouched_new ();
  uint8_t *shared = file_at ("shared", 0, 100, true, false);
  uint8_t *private = file_at ("private", 0, 100, false, false);
  g_autofree struct gwt_ram_block **blocks = NULL;
  guint n;

  blocks = gwt_memory_blocks (&n);
  g_assert_cmphex (gwt_untouched_pages (u, blocks[0], 0), ==, UINT64_MAX);
  g_assert_cmphex (gwt_untouched_pages (u, blocks[0], 64), ==, (UINT64_C (1) << 36) - 1);
  g_assert_cmpint (pwrite (blocks[0]->fd, "x", 1, 5 * PAGE), ==, 1);
  g_assert_cmpint (pwrite (blocks[1]->fd, "x", 1, 5 * PAGE), ==, 1);
  gwt_untouched_forget (u);
  g_assert_cmphex (gwt_untouched_pages (u, blocks[0], 0), ==, 0x1f);
  private[3 * PAGE] = 1;
  gwt_untouched_forget (u);
  g_assert_cmphex (gwt_untouched_pages (u, blocks[1], 0) & ~UINT64_C (0x17), ==, 0);
  g_assert_cmpuint (shared[5 * PAGE], ==, 'x');
  gwt_untouched_free (u);
  gwt_memory_destroy_all ();
}

static void
test_zero_pages (void)
{
  g_autofree uint8_t *memory = g_malloc0 (2 * PAGE);
  uint8_t *page = (uint8_t *) (((uintptr_t) memory + PAGE - 1) & ~(uintptr_t) (PAGE - 1));

  g_assert_true (gwt_page_is_zero (page));
  for (guint i = 0; i < PAGE; i++)
    {
      page[i] = 0x80;
      g_assert_false (gwt_page_is_zero (page));
      page[i] = 0;
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gwt_run_init ();
  gwt_ram_slice_us = G_MAXINT64 / 2;
  g_test_add_func ("/ram/golden", test_golden);
  g_test_add_func ("/ram/limit", test_limit);
  g_test_add_func ("/ram/order", test_order);
  g_test_add_func ("/ram/put-off", test_put_off);
  g_test_add_func ("/ram/slowed-down", test_slowed_down);
  g_test_add_func ("/ram/broken", test_broken);
  g_test_add_func ("/ram/busy", test_busy);
  g_test_add_func ("/ram/busy-xbzrle", test_busy_xbzrle);
  g_test_add_func ("/ram/refused", test_refused);
  g_test_add_func ("/ram/accepted", test_accepted);
  g_test_add_func ("/ram/hostile", test_hostile);
  g_test_add_func ("/ram/untouched", test_untouched);
  g_test_add_func ("/ram/runs", test_runs);
  g_test_add_func ("/ram/ignored", test_ignored);
  g_test_add_func ("/ram/holes", test_holes);
  g_test_add_func ("/ram/zero-pages", test_zero_pages);
  return g_test_run ();
}
