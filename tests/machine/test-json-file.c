/* SPDX-License-Identifier: BSD-2-Clause */
/* What people get wrong in JSON: each mistake is told with line, path and column, and nothing
 * crashes. */
#include "config.h"
#include "core/machine/json-file.h"
#include <string.h>

static const char sound[] = "{\n"
                            "  \"name\": \"x\\u00e9\\n\",\n"
                            "  \"list\": [1, \"0x20\", \"64K\", -3, 1.5, true],\n"
                            "  \"deep\": { \"a\": [ { \"b\": false } ] }\n"
                            "}\n";

static struct gwt_json_file *
parse (const char *text, struct gwt_error *err)
{
  return gwt_json_file_parse ("f.json", text, strlen (text), err);
}

static void
test_mistakes (void)
{
  static const struct
  {
    const char *text, *error;
  } cases[] = {
    { "", "f.json:1: $: column 1: the text ends where a value is expected" },
    { "  \n ", "f.json:2: $: column 2: the text ends where a value is expected" },
    { "{", "f.json:1: $: column 2: a member's name in double quotes is missing" },
    { "{\"a\":1", "f.json:1: $: column 7: the text ends inside an object; close it with '}'" },
    { "{\"a\":1,}", "f.json:1: $: column 8: a member's name in double quotes is missing" },
    { "{\"a\" 1}", "f.json:1: $.a: column 6: ':' is missing behind the member's name" },
    { "{\"a\":[1,2", "f.json:1: $.a: column 10: the text ends inside an array; close it with ']'" },
    { "{\"a\":[1 2]}", "f.json:1: $.a: column 9: ',' or ']' is missing" },
    { "{\"a\":[1,]}", "f.json:1: $.a[1]: column 9: not a JSON value" },
    { "{\n\"a\": 1,\n\"b\": {\"a\": 1},\n\"a\": 2}",
      "f.json:4: $.a: column 4: this member is there twice; remove one" },
    { "{\"a\":null}", "f.json:1: $.a: column 6: null says nothing; leave the member out" },
    { "{\"a\":0x10}", "f.json:1: $.a: column 7: letters in a number" },
    { "{\"a\":012}", "f.json:1: $.a: column 9: a number begins with 0" },
    { "{\"a\":-}", "f.json:1: $.a: column 7: a number needs digits" },
    { "{\"a\":1.}", "f.json:1: $.a: column 8: a number needs digits behind the point" },
    { "{\"a\":1e}", "f.json:1: $.a: column 8: a number needs digits in its exponent" },
    { "{\"a\":tru}", "f.json:1: $.a: column 6: not a JSON value" },
    { "{\"a\":'x'}", "f.json:1: $.a: column 6: not a JSON value" },
    { "{a:1}", "f.json:1: $: column 2: a member's name in double quotes is missing" },
    { "{\"a\":\"x", "f.json:1: $.a: column 8: the text ends inside a string" },
    { "{\"a\":\"x\ny\"}", "f.json:1: $.a: column 8: control character in a string" },
    { "{\"a\":\"\\q\"}", "f.json:1: $.a: column 9: unknown escape in a string" },
    { "{\"a\":\"\\u12g4\"}", "f.json:1: $.a: column 11: \\u needs four hexadecimal digits" },
    { "{\"a\":\"\\u0000\"}", "f.json:1: $.a: column 13: NUL character in a string; remove it" },
    { "{\"a\\u0062\":1}", "f.json:1: $: column 5: escape in a member's name; use plain letters" },
    { "{\"\":1}", "f.json:1: $: column 4: a member's name must have 1 to 64 characters" },
    { "{} {}", "f.json:1: $: column 4: text behind the end of the object; remove it" },
    { "// comment\n{}", "f.json:1: $: column 1: not a JSON value" },
    { "{\"a\":\"\xff\"}", "f.json:1: $: not a text: NUL byte or bad UTF-8" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GWT_AUTO_ERROR (err);
      g_assert_null (parse (cases[i].text, &err));
      if (!g_str_has_prefix (err.text, cases[i].error))
        g_assert_cmpstr (err.text, ==, cases[i].error);
    }
}

static void
test_bounds (void)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *large = g_malloc0 (GWT_JSON_FILE_MAX + 1);
  GString *deep = g_string_new (NULL);
  for (int i = 0; i < 100000; i++)
    g_string_append_c (deep, '[');
  g_assert_null (parse (deep->str, &err));
  g_assert_nonnull (strstr (err.text, "nested too deeply; at most 32 levels"));
  gwt_error_clear (&err);
  g_string_free (deep, TRUE);
  g_assert_null (gwt_json_file_parse ("f.json", large, GWT_JSON_FILE_MAX + 1, &err));
  g_assert_nonnull (
      strstr (err.text, "f.json: the file has 1048577 bytes; at most 1048576 are read"));
  gwt_error_clear (&err);
  g_assert_null (gwt_json_file_parse ("f.json", "{\"a\":\0 1}", 9, &err));
  g_assert_nonnull (strstr (err.text, "NUL byte"));
}

/* Every prefix and every single changed byte: an error or a file, never a crash (sanitizers judge).
 */
static void
test_damaged (void)
{
  size_t size = strlen (sound);
  for (size_t n = 0; n < size - 1; n++)
    {
      GWT_AUTO_ERROR (err);
      g_autofree char *part = g_memdup2 (sound, n + 1);
      struct gwt_json_file *file = gwt_json_file_parse ("f.json", part, n, &err);
      /* The text is complete with its last brace. */
      g_assert_true (n == size - 1 || file == NULL);
      g_assert_true (gwt_error_is_set (&err));
    }
  for (size_t n = 0; n < size; n++)
    for (int bit = 0; bit < 8; bit++)
      {
        GWT_AUTO_ERROR (err);
        g_autofree char *copy = g_strdup (sound);
        copy[n] = (char)(copy[n] ^ 1 << bit);
        struct gwt_json_file *file = gwt_json_file_parse ("f.json", copy, size, &err);
        g_assert_true ((file == NULL) == gwt_error_is_set (&err));
        gwt_json_file_free (file);
      }
}

static void
test_readers (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_json_file *file = parse (sound, &err);
  struct gwt_json_at root, list, item, deep, inner;
  g_autofree char *text = NULL;
  uint64_t number = 7;
  bool found;
  g_assert_cmpstr (err.text, ==, NULL);
  gwt_json_root (file, &root);

  g_assert_true (gwt_json_str (&root, "name", true, &text, &err));
  g_assert_cmpstr (text, ==, "x\xc3\xa9\n");
  g_assert_true (gwt_json_u64 (&root, "absent", false, &number, &err));
  g_assert_cmpuint (number, ==, 7);
  g_assert_true (gwt_json_array (&root, "list", true, &list, &found, &err) && found);
  const uint64_t wanted[] = { 1, 0x20, 65536 };
  for (guint i = 0; i < 3; i++)
    {
      gwt_json_element (&list, i, &item);
      g_assert_true (gwt_json_as_u64 (&item, &number, &err));
      g_assert_cmpuint (number, ==, wanted[i]);
    }
  const char *const bad[]
      = { "f.json:3: $.list[3]: -3 is negative; use 0 or more",
          "f.json:3: $.list[4]: this is a number with a fraction; use a number, or "
          "a string such as \"0x1000\" or \"64K\"",
          "f.json:3: $.list[5]: this is a boolean; use a number, or a string such as "
          "\"0x1000\" or \"64K\"" };
  for (guint i = 0; i < 3; i++)
    {
      gwt_json_element (&list, i + 3, &item);
      g_assert_false (gwt_json_as_u64 (&item, &number, &err));
      g_assert_cmpstr (err.text, ==, bad[i]);
      gwt_error_clear (&err);
    }

  static const char *const keys[] = { "name", "list", "deeps", NULL };
  g_assert_false (gwt_json_keys (&root, keys, &err));
  g_assert_cmpstr (err.text, ==, "f.json:4: $.deep: unknown member 'deep'; did you mean 'deeps'");
  gwt_error_clear (&err);
  g_assert_false (gwt_json_str (&root, "other", true, &text, &err));
  g_assert_cmpstr (err.text, ==, "f.json:1: $: member 'other' is missing; add it");
  gwt_error_clear (&err);
  g_assert_true (gwt_json_object (&root, "deep", true, &deep, &found, &err));
  gwt_json_member (&deep, "a", &inner);
  gwt_json_element (&inner, 0, &item);
  g_assert_false (gwt_json_str (&item, "b", true, &text, &err));
  g_assert_cmpstr (err.text, ==, "f.json:4: $.deep.a[0].b: this is a boolean; use a string");
  gwt_json_file_free (file);
}

static void
test_files (void)
{
  GWT_AUTO_ERROR (err);
  g_assert_null (gwt_json_file_load ("/nonexistent/x.json", &err));
  g_assert_nonnull (strstr (err.text, "'/nonexistent/x.json': cannot be read"));
  gwt_error_clear (&err);
  g_assert_null (gwt_json_file_load ("/", &err));
  g_assert_cmpstr (err.text, ==, "'/': is a directory; name a regular file");
  gwt_error_clear (&err);
  g_assert_null (gwt_json_file_load ("/dev/zero", &err));
  g_assert_cmpstr (err.text, ==, "'/dev/zero': is no regular file; name a regular file");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine/json/mistakes", test_mistakes);
  g_test_add_func ("/machine/json/bounds", test_bounds);
  g_test_add_func ("/machine/json/damaged", test_damaged);
  g_test_add_func ("/machine/json/readers", test_readers);
  g_test_add_func ("/machine/json/files", test_files);
  return g_test_run ();
}
