/* SPDX-License-Identifier: BSD-2-Clause */
/* Parsers for what users type, nearest names, errors, extensions. */
#include "config.h"
#include "core/util/text.h"
#include <string.h>
#include "core/util/extension.h"
#include "core/util/json.h"

static void
test_lines (void)
{
  static const struct
  {
    const char *text, *line, *label;
  } cases[] = {
    { "a\tb\n", "a b", "a b" },
    { "/x/y\xc2\x85z", "/x/y  z", "y  z" }, /* a control beyond ASCII */
    { "\xff.img", "\xef\xbf\xbd.img", "\xef\xbf\xbd.img" },
    { "\xe2\x80\x8bq", "   q", "   q" }, /* of no width */
    { "x/ ", "x/", "?" },
    { "stra\xc3\x9f" "e", "stra\xc3\x9f" "e", "stra\xc3\x9f" "e" },
  };
  g_autofree char *raw = g_strnfill (255, '\xff'), *label = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *line = gwt_one_line (cases[i].text);
      g_autofree char *file = gwt_file_label (cases[i].text);

      g_assert_cmpstr (line, ==, cases[i].line);
      g_assert_cmpstr (file, ==, cases[i].label);
    }
  /* Each byte becomes three. */
  label = gwt_file_label (raw);
  g_assert_cmpuint (strlen (label), ==, 255);
  g_assert_true (g_utf8_validate (label, -1, NULL));
}

static void
test_u64 (void)
{
  static const struct
  {
    const char *text;
    bool suffixes, good;
    uint64_t value;
  } cases[] = {
    { "0", false, true, 0 },
    { "18446744073709551615", false, true, UINT64_MAX },
    { "18446744073709551616", false, false, 0 },
    { "0xffffffffffffffff", false, true, UINT64_MAX },
    { "0x10000000000000000", false, false, 0 },
    { "0X1f", false, true, 31 },
    { "010", false, true, 10 }, /* not octal: people pad with zeros */
    { "", false, false, 0 },
    { "0x", false, false, 0 },
    { "-1", false, false, 0 },
    { "+1", false, false, 0 },
    { " 1", false, false, 0 },
    { "1 ", false, false, 0 },
    { "12a", false, false, 0 },
    { "4K", false, false, 0 },
    { "4K", true, true, 4096 },
    { "4k", true, true, 4096 },
    { "2M", true, true, 2 << 20 },
    { "3g", true, true, UINT64_C (3) << 30 },
    { "1T", true, true, UINT64_C (1) << 40 },
    { "16777216T", true, false, 0 }, /* 2^64 */
    { "16777215T", true, true, UINT64_C (16777215) << 40 },
    { "4KB", true, false, 0 },
    { "K", true, false, 0 },
    { "0x1G", true, true, UINT64_C (1) << 30 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GWT_AUTO_ERROR (err);
      uint64_t value = 77;
      g_test_message ("'%s'", cases[i].text);
      g_assert_cmpint (gwt_parse_u64 (cases[i].text, cases[i].suffixes, &value, &err), ==,
                       cases[i].good);
      if (cases[i].good)
        g_assert_cmpuint (value, ==, cases[i].value);
      else
        {
          g_assert_cmpuint (value, ==, 77);
          g_assert_true (g_str_has_prefix (err.text, "'"));
          g_assert_nonnull (strstr (err.text, "is not a number; use decimal or 0x hexadecimal"));
        }
    }
}

static void
test_i64 (void)
{
  static const struct
  {
    const char *text;
    bool good;
    int64_t value;
  } cases[] = {
    { "-9223372036854775808", true, INT64_MIN },
    { "-9223372036854775809", false, 0 },
    { "9223372036854775807", true, INT64_MAX },
    { "9223372036854775808", false, 0 },
    { "-0x10", true, -16 },
    { "--1", false, 0 },
    { "-", false, 0 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GWT_AUTO_ERROR (err);
      int64_t value = 77;
      g_test_message ("'%s'", cases[i].text);
      g_assert_cmpint (gwt_parse_i64 (cases[i].text, &value, &err), ==, cases[i].good);
      g_assert_cmpint (value, ==, cases[i].good ? cases[i].value : 77);
    }
}

static void
test_bool_and_names (void)
{
  bool value;
  GWT_AUTO_ERROR (err);
  g_assert_true (gwt_parse_bool ("on", &value, &err) && value);
  g_assert_true (gwt_parse_bool ("off", &value, &err) && !value);
  g_assert_false (gwt_parse_bool ("yes", &value, &err));
  g_assert_cmpstr (err.text, ==, "'yes' is neither 'on' nor 'off'; use one of them");
  g_assert_true (gwt_name_is_valid ("x-pcie-1"));
  g_assert_false (gwt_name_is_valid (""));
  g_assert_false (gwt_name_is_valid ("1a"));
  g_assert_false (gwt_name_is_valid ("a_b"));
  g_assert_false (gwt_name_is_valid ("A"));
  g_assert_true (gwt_id_is_valid ("Net_0.1-x"));
  g_assert_false (gwt_id_is_valid ("0net"));
  g_assert_false (gwt_id_is_valid ("a/b"));
}

static void
test_nearest (void)
{
  static const char *const names[]
      = { "aclint", "ns16550", "sifive-plic", "sifive-test", "goldfish-rtc", NULL };
  static const struct
  {
    const char *wrong, *near;
  } cases[] = {
    { "alcint", "'aclint'" },    { "ns16551", "'ns16550'" }, { "sifive-tes", "'sifive-test'" },
    { "plic", "'sifive-plic'" }, { "virtio-blk", NULL },     { "", NULL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *near = gwt_nearest_names (cases[i].wrong, names);
      g_assert_cmpstr (near, ==, cases[i].near);
    }
  g_autofree char *three = gwt_nearest_names ("sifive-tst", names);
  g_assert_cmpstr (three, ==, "'sifive-test'");
  g_autofree char *long_name = g_strnfill (100000, 'x');
  g_assert_null (gwt_nearest_names (long_name, names));
  g_autofree char *text = gwt_did_you_mean ("aclin", names);
  g_assert_cmpstr (text, ==, "; did you mean 'aclint'?");
}

static void
test_error (void)
{
  GWT_AUTO_ERROR (err);
  gwt_error_set (&err, GWT_E_RANGE, "first\nline\x1b[31m\t%s", "bad \xff end\n\n");
  g_assert_cmpstr (err.text, ==, "first line [31m bad \357\277\275 end");
  g_assert_cmpuint (err.code, ==, GWT_E_RANGE);
  gwt_error_set (&err, GWT_E_IO, "second");
  g_assert_cmpuint (err.code, ==, GWT_E_RANGE);
  gwt_error_prefix (&err, "where %d", 1);
  g_assert_true (g_str_has_prefix (err.text, "where 1: first"));
  struct gwt_error to = GWT_ERROR_INIT;
  gwt_error_move (&to, &err);
  g_assert_false (gwt_error_is_set (&err));
  g_assert_true (gwt_error_is_set (&to));
  gwt_error_clear (&to);
  gwt_error_clear (&to);
  gwt_error_set (NULL, GWT_E_IO, "nowhere");
  g_autofree char *huge = g_strnfill (1 << 20, 'x');
  gwt_error_set (&to, 0, "%s", huge);
  g_assert_cmpuint (to.code, ==, GWT_E_FAILED);
  g_assert_cmpuint (strlen (to.text), <, 4096);
  gwt_error_clear (&to);
}

static void
test_extensions (void)
{
  static const int a, b;
  GWT_AUTO_ERROR (err);
  g_assert_null (gwt_extension_find ("t.a/1"));
  g_assert_true (gwt_extension_add ("t.b/1", &b, "host", &err));
  g_assert_true (gwt_extension_add ("t.a/1", &a, "host", &err));
  g_assert_true (gwt_extension_add ("t.a/1", &a, "host", &err));
  g_assert_true (gwt_extension_find ("t.a/1") == &a);
  g_assert_cmpstr (gwt_extension_owner ("t.b/1"), ==, "host");
  g_assert_false (gwt_extension_add ("t.a/1", &b, "other", &err));
  g_assert_cmpstr (
      err.text, ==,
      "extension 't.a/1' of 'other' is offered by 'host' already; use only one of them");
  g_autofree const char **ids = gwt_extension_ids ();
  g_assert_cmpstr (ids[0], ==, "t.a/1");
  g_assert_cmpstr (ids[1], ==, "t.b/1");
  g_assert_null (ids[2]);
}

static void
test_json (void)
{
  static const char *const bad[] = { "",
                                     "{",
                                     "{\"a\":1}x",
                                     "{'a':1}",
                                     "[1,]",
                                     "{\"a\":18446744073709551616}",
                                     "nul",
                                     "[1e999]",
                                     "{\"a\":1,\"b\":{},\"a\":2}",
                                     "[{\"a\":1,\"a\":1}]",
                                     "\"a\tb\"",
                                     "\"",
                                     "-9223372036854775809",
                                     "NaN",
                                     "[-Infinity]",
                                     "Infinity",
                                     "\xff",
                                     "/* c */ 1",
                                     "null" };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      GWT_AUTO_ERROR (err);
      g_test_message ("%s", bad[i]);
      g_assert_null (gwt_json_parse (bad[i], strlen (bad[i]), &err));
      g_assert_true (gwt_error_is_set (&err));
    }
  GWT_AUTO_ERROR (err);
  GString *deep = g_string_new (NULL);
  for (int i = 0; i < 100000; i++)
    g_string_append_c (deep, '[');
  g_assert_null (gwt_json_parse (deep->str, deep->len, &err));
  g_string_free (deep, TRUE);
  gwt_error_clear (&err);
  const char *text = "{\"b\": [{\"z\":1,\"y\":2}], \"a\": 18446744073709551615} ";
  struct json_object *value = gwt_json_parse (text, strlen (text), &err);
  struct json_object *sorted = gwt_json_sorted (value);
  g_assert_cmpstr (json_object_to_json_string_ext (sorted, JSON_C_TO_STRING_PLAIN), ==,
                   "{\"a\":18446744073709551615,\"b\":[{\"y\":2,\"z\":1}]}");
  json_object_put (value);
  json_object_put (sorted);
  value = gwt_json_parse ("12", 2, &err);
  g_assert_cmpint (json_object_get_int (value), ==, 12);
  json_object_put (value);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/text/lines", test_lines);
  g_test_add_func ("/text/u64", test_u64);
  g_test_add_func ("/text/i64", test_i64);
  g_test_add_func ("/text/bool-and-names", test_bool_and_names);
  g_test_add_func ("/text/nearest", test_nearest);
  g_test_add_func ("/error", test_error);
  g_test_add_func ("/extensions", test_extensions);
  g_test_add_func ("/json", test_json);
  return g_test_run ();
}
