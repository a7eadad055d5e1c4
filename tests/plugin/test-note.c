/* SPDX-License-Identifier: BSD-2-Clause */
/* Notes of damaged files: cut anywhere, any bit turned, and garbage.  Nothing may crash, and
 * nothing cut may pass. */
#include "config.h"
#include <elf.h>
#include <string.h>
#include "core/plugin/loader.h"

static uint8_t *file;
static gsize file_size;

/* A copy of exactly SIZE bytes, so that the sanitizer sees every step beyond. */
static bool
parse (const uint8_t *data, gsize size, struct gwt_note_desc *desc, char **text)
{
  GWT_AUTO_ERROR (err);
  uint8_t *copy = g_malloc (size + (size == 0));
  memcpy (copy, data, size);
  bool good = gwt_note_parse (copy, size, desc, &err);
  g_assert_cmpint (good, ==, !gwt_error_is_set (&err));
  if (text != NULL)
    *text = g_strdup (err.text);
  g_free (copy);
  return good;
}

static void
test_good (void)
{
  struct gwt_note_desc desc;
  g_assert_true (parse (file, file_size, &desc, NULL));
  g_assert_cmpstr (desc.id, ==, "sifive-test");
  g_assert_cmpstr (desc.types, ==, "sifive-test");
  g_assert_cmpuint (desc.abi_major, ==, GWT_ABI_MAJOR);
}

static void
test_truncated (void)
{
  for (gsize size = 0; size < file_size; size += size < 4096 ? 1 : 64)
    {
      struct gwt_note_desc desc;
      g_autofree char *text = NULL;
      g_assert_false (parse (file, size, &desc, &text));
      if (strstr (text, size < SELFMAG ? "not an ELF file" : "truncated: it has ") == NULL)
        g_error ("cut at %" G_GSIZE_FORMAT ": %s", size, text);
    }
}

static void
test_flipped (void)
{
  Elf64_Ehdr e;
  memcpy (&e, file, sizeof e);
  gsize headers = e.e_phoff + (gsize)e.e_phnum * sizeof (Elf64_Phdr);
  guint passed = 0;
  uint8_t *copy = g_memdup2 (file, file_size);
  for (gsize bit = 0; bit < headers * 8; bit++)
    {
      struct gwt_note_desc desc;
      copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
      passed += parse (copy, file_size, &desc, NULL);
      copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
  g_test_message ("%u of %" G_GSIZE_FORMAT " flips do no harm to the note", passed, headers * 8);
  /* Bits that every reader ignores exist (entry point, flags, physical addresses); most are not
   * such. */
  g_assert_cmpuint (passed, <, headers * 8 / 4 * 3);
  /* In the note itself every bit of a name counts, or makes it malformed. */
  const uint8_t *note = NULL;
  for (gsize i = 0; i + sizeof (struct gwt_note) <= file_size && note == NULL; i += 4)
    {
      const struct gwt_note *n = (const struct gwt_note *)(file + i);
      if (n->owner_size == 7 && n->type == GWT_NOTE_TYPE && memcmp (n->owner, "godwit", 7) == 0)
        note = file + i;
    }
  g_assert_nonnull (note);
  struct gwt_note_desc whole, desc;
  g_assert_true (parse (file, file_size, &whole, NULL));
  gsize at = (gsize)(note - file), id = at + offsetof (struct gwt_note, desc.id);
  for (gsize bit = id * 8; bit < (id + strlen (whole.id) + 1) * 8; bit++)
    {
      copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
      if (parse (copy, file_size, &desc, NULL))
        g_assert_cmpstr (desc.id, !=, whole.id);
      copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
  for (gsize bit = at * 8; bit < (at + sizeof (struct gwt_note)) * 8; bit++)
    {
      copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
      parse (copy, file_size, &desc, NULL);
      copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
  g_free (copy);
}

static void
test_garbage (void)
{
  struct gwt_note_desc desc;
  uint8_t *copy = g_memdup2 (file, file_size);
  Elf64_Ehdr e;
  memcpy (&e, file, sizeof e);
  for (int round = 0; round < 20000; round++)
    {
      gsize headers = e.e_phoff + (gsize)e.e_phnum * sizeof (Elf64_Phdr), touched[8];
      guint n = (guint)g_test_rand_int_range (1, 9);
      for (guint i = 0; i < n; i++)
        {
          touched[i] = (gsize)g_test_rand_int_range (16, (gint32)headers);
          copy[touched[i]] = (uint8_t)g_test_rand_int ();
        }
      parse (copy, file_size, &desc, NULL);
      for (guint i = 0; i < n; i++)
        copy[touched[i]] = file[touched[i]];
    }
  g_free (copy);
  g_assert_false (parse ((const uint8_t *)"", 0, &desc, NULL));
  GWT_AUTO_ERROR (err);
  g_assert_false (gwt_note_parse (NULL, 100, &desc, &err));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_autofree char *path = g_test_build_filename (G_TEST_BUILT, "plugins", "sifive-test.so", NULL);
  if (!g_file_get_contents (path, (char **)&file, &file_size, NULL))
    {
      g_print ("1..0 # SKIP the plugin sifive-test is not built\n");
      return 0;
    }
  g_test_add_func ("/note/good", test_good);
  g_test_add_func ("/note/truncated", test_truncated);
  g_test_add_func ("/note/flipped", test_flipped);
  g_test_add_func ("/note/garbage", test_garbage);
  return g_test_run ();
}
