/* SPDX-License-Identifier: BSD-2-Clause */
/* XBZRLE: its bytes, what is refused, that what was encoded comes out, and which copies are kept.
 */
#include "config.h"
#include "core/migration/xbzrle.h"
#include "tests/vmstate/check.h"

#define PAGE GWT_XBZRLE_PAGE

static uint8_t old[PAGE], new[PAGE];

/* What makes `old` to `new`, and that it does. */
static char *
encode (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  uint8_t out[PAGE], copy[PAGE];
  gssize n = gwt_xbzrle_encode (old, new, out, PAGE);

  if (n < 0)
    return g_strdup ("too long");
  memcpy (copy, old, PAGE);
  g_assert_cmpstr (gwt_xbzrle_decode (copy, out, (gsize) n), ==, NULL);
  g_assert_cmpmem (copy, PAGE, new, PAGE);
  g_byte_array_append (bytes, out, (guint) n);
  return hex (bytes);
}

#define assert_encodes(TEXT)                                                                       \
  do                                                                                               \
    {                                                                                              \
      g_autofree char *is_ = encode ();                                                            \
      g_assert_cmpstr (is_, ==, TEXT);                                                             \
    }                                                                                              \
  while (0)

static void
test_golden (void)
{
  memset (old, 0, PAGE);
  memset (new, 0, PAGE);
  assert_encodes ("");
  new[0] = 1;
  assert_encodes ("000101");
  new[0] = 0;
  new[PAGE - 1] = 2;
  assert_encodes ("ff1f0102");
  new[PAGE - 1] = 0;
  new[127] = 3;
  assert_encodes ("7f0103");
  new[127] = 0;
  new[128] = 4;
  assert_encodes ("80010104");
  new[129] = 5;
  new[133] = 6; /* three that stay are skipped, */
  assert_encodes ("80010204050301" "06");
  new[133] = 0;
  new[132] = 6; /* two are cheaper sent again */
  assert_encodes ("8001050405000006");
  memset (new, 0, PAGE);
  memset (new + 1000, 7, 128);
  {
    g_autofree char *is = encode ();

    g_assert_cmpuint (strlen (is), ==, 2 * (2 + 2 + 128));
    g_assert_true (g_str_has_prefix (is, "e807800107"));
  }
  memset (new, 7, PAGE);
  assert_encodes ("too long");
}

/* Pages with all kinds of differences, at all distances. */
static void
test_random (void)
{
  guint too_long = 0;

  for (guint round = 0; round < 20000; round++)
    {
      gint changes = g_test_rand_int_range (0, round % 50 == 0 ? 3000 : 12);
      g_autofree char *text = NULL;

      if (round % 100 == 0)
        for (guint i = 0; i < PAGE; i++)
          old[i] = (uint8_t) g_test_rand_int ();
      memcpy (new, old, PAGE);
      while (changes-- > 0)
        {
          gint at = g_test_rand_int_range (0, (gint) PAGE);
          gint most = MIN (30, (gint) PAGE - at);
          gint length = g_test_rand_int_range (1, most + 1);

          /* Some of the bytes are what they were. */
          while (length-- > 0)
            new[at++] ^= (uint8_t) (g_test_rand_int () & 3);
        }
      text = encode ();
      too_long += strcmp (text, "too long") == 0;
    }
  g_assert_cmpuint (too_long, <, 400);
}

/* Never a byte beyond its room, whatever that is. */
static void
test_room (void)
{
  uint8_t out[PAGE];

  memset (old, 0, PAGE);
  for (guint i = 0; i < PAGE; i++)
    new[i] = i % 8 < 4;
  for (gsize room = 0; room < PAGE; room += 7)
    {
      memset (out, 0xa5, PAGE);
      g_assert_cmpint (gwt_xbzrle_encode (old, new, out, room), <=, (gssize) room);
      for (gsize i = room; i < PAGE; i++)
        g_assert_cmphex (out[i], ==, 0xa5);
    }
}

static const char *
decode (const char *text)
{
  g_autoptr (GByteArray) bytes = unhex (text);

  return gwt_xbzrle_decode (new, bytes->data, bytes->len);
}

static void
test_refused (void)
{
  memset (new, 0, PAGE);
  g_assert_cmpstr (decode (""), ==, NULL);
  g_assert_cmpstr (decode ("00"), ==, "nothing follows a run to skip");
  g_assert_cmpstr (decode ("05"), ==, "nothing follows a run to skip");
  g_assert_cmpstr (decode ("0000"), ==, "a run of new bytes is empty");
  g_assert_cmpstr (decode ("000101 0001"), ==, "a run to skip is empty");
  g_assert_cmpstr (decode ("000101 02"), ==, "nothing follows a run to skip");
  g_assert_cmpstr (decode ("0002 01"), ==, "a run of new bytes is cut off");
  g_assert_cmpstr (decode ("80"), ==, "the length of a run is cut off");
  g_assert_cmpstr (decode ("8080 01"), ==, "the length of a run is cut off");
  g_assert_cmpstr (decode ("ffff01"), ==, "the length of a run is cut off");
  g_assert_cmpstr (decode ("00 80"), ==, "the length of a run is cut off");
  g_assert_cmpstr (decode ("8120 0101"), ==, "a run to skip goes beyond the page");
  g_assert_cmpstr (decode ("8020 0101"), ==, "a run of new bytes goes beyond the page");
  g_assert_cmpstr (decode ("ff1f 020101"), ==, "a run of new bytes goes beyond the page");
  g_assert_cmpstr (decode ("ff1f 0107"), ==, NULL);
  g_assert_cmpuint (new[PAGE - 1], ==, 7);
  /* A length in two bytes that one would hold. */
  g_assert_cmpstr (decode ("8100 810009"), ==, NULL);
  g_assert_cmpuint (new[1], ==, 9);
}

/* Whatever comes, nothing outside the page is touched. */
static void
test_any_bytes (void)
{
  uint8_t area[3 * PAGE], data[40];

  memset (area, 0x5a, sizeof (area));
  for (guint round = 0; round < 200000; round++)
    {
      gint n = g_test_rand_int_range (0, sizeof (data));

      for (gint i = 0; i < n; i++)
        data[i] = (uint8_t) (g_test_rand_int () & (round % 2 ? 0xff : 0x87));
      (void) gwt_xbzrle_decode (area + PAGE, data, (gsize) n);
    }
  for (guint i = 0; i < PAGE; i++)
    g_assert_true (area[i] == 0x5a && area[2 * PAGE + i] == 0x5a);
}

static void
test_cache (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_xbzrle_cache *cache = gwt_xbzrle_cache_new (4 * PAGE, &err);

  memset (new, 1, PAGE);
  g_assert_null (gwt_xbzrle_cache_find (cache, 0, 1));
  gwt_xbzrle_cache_keep (cache, 0, new, 1);
  g_assert_cmpmem (gwt_xbzrle_cache_find (cache, 0, 1), PAGE, new, PAGE);
  g_assert_null (gwt_xbzrle_cache_find (cache, 4, 1)); /* the same place */
  gwt_xbzrle_cache_keep (cache, 4, old, 2);            /* too early */
  g_assert_null (gwt_xbzrle_cache_find (cache, 4, 2));
  g_assert_nonnull (gwt_xbzrle_cache_find (cache, 0, 2)); /* of use in this round */
  gwt_xbzrle_cache_keep (cache, 4, old, 3);
  g_assert_null (gwt_xbzrle_cache_find (cache, 4, 3));
  gwt_xbzrle_cache_keep (cache, 4, old, 4);
  g_assert_nonnull (gwt_xbzrle_cache_find (cache, 4, 4));
  g_assert_null (gwt_xbzrle_cache_find (cache, 0, 4));
  gwt_xbzrle_cache_keep (cache, 7, new, 4);
  g_assert_nonnull (gwt_xbzrle_cache_find (cache, 7, 4));
  gwt_xbzrle_cache_free (cache);
  g_assert_null (gwt_xbzrle_cache_new (UINT64_C (1) << 62, &err));
  g_assert_cmpstr (err.text, ==,
                   "xbzrle-cache-size: the host has no room for 4398046511104 MiB; use a smaller "
                   "size");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/xbzrle/golden", test_golden);
  g_test_add_func ("/xbzrle/random", test_random);
  g_test_add_func ("/xbzrle/room", test_room);
  g_test_add_func ("/xbzrle/refused", test_refused);
  g_test_add_func ("/xbzrle/any-bytes", test_any_bytes);
  g_test_add_func ("/xbzrle/cache", test_cache);
  return g_test_run ();
}
