/* SPDX-License-Identifier: BSD-2-Clause */
/* Typed methods: the signature grammar, and calls with every type in both directions. */
#include "config.h"
#include "core/device/method.h"
#include <math.h>
#include <string.h>
#include "core/util/json.h"
#include "tests/device/sample.h"

static void
test_grammar (void)
{
  static const struct
  {
    const char *text, *refusal;
  } cases[] = {
    { "void f()", NULL },
    { "u64 read_counter(u32 index)", NULL },
    { "str f(str a, bool b,f64 c)", NULL },
    { "u8 f(u8 a1,u8 a2,u8 a3,u8 a4,u8 a5,u8 a6,u8 a7,u8 a8,u8 a9,u8 b1,u8 b2,u8 b3,u8 b4,u8 b5,u8 "
      "b6,u8 b7)",
      NULL },
    { "u8 f(u8 a1,u8 a2,u8 a3,u8 a4,u8 a5,u8 a6,u8 a7,u8 a8,u8 a9,u8 b1,u8 b2,u8 b3,u8 b4,u8 b5,u8 "
      "b6,u8 b7,u8 c)",
      "byte 101: the end of at most 16 arguments belongs here" },
    { "", "byte 0: a type belongs here" },
    { "int f()", "byte 0: a type (void, bool, u8 to u64, i8 to i64, f64, str) belongs here" },
    { "void  f()", "byte 5: a name belongs here" },
    { "void f ()", "byte 6: '(' belongs here" },
    { "void f(", "byte 7: a type belongs here" },
    { "void f(void a)", "byte 7: a type (bool, u8 to u64, i8 to i64, f64, str) belongs here" },
    { "void f(u8)", "byte 9: one space belongs here" },
    { "void f(u8 a,)", "byte 12: a type belongs here" },
    { "void f(u8 a u8 b)", "byte 11: ',' or ')' belongs here" },
    { "void f(u8 a,  u8 b)", "byte 13: a type belongs here" },
    { "void f(u8 a,u8 a)",
      "byte 16: another name than the one before, both arguments have it: belongs here" },
    { "void f();", "byte 8: the end belongs here" },
    { "void f-x()", "byte 6: '(' belongs here" },
    { "void F()", "byte 5: a name belongs here" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GWT_AUTO_ERROR (err);
      struct gwt_signature s;
      g_test_message ("%s", cases[i].text);
      g_assert_cmpint (gwt_signature_parse (cases[i].text, &s, &err), ==, cases[i].refusal == NULL);
      if (cases[i].refusal != NULL && strstr (err.text, cases[i].refusal) == NULL)
        g_error ("'%s' instead of '%s'", err.text, cases[i].refusal);
    }
  /* No prefix of a good one and no garbage may crash the parser. */
  const char *whole = "str a_long_name(str a, bool b,f64 c, i16 d)";
  for (size_t n = 0; n < strlen (whole); n++)
    {
      GWT_AUTO_ERROR (err);
      struct gwt_signature s;
      g_autofree char *cut = g_strndup (whole, n);
      g_assert_false (gwt_signature_parse (cut, &s, &err));
    }
  g_autofree char *name = g_strnfill (64, 'a'), *text = g_strdup_printf ("void %s()", name);
  g_autofree char *huge = g_strnfill (1 << 20, 'a');
  GWT_AUTO_ERROR (err);
  GWT_AUTO_ERROR (err2);
  struct gwt_signature s;
  g_assert_false (gwt_signature_parse (text, &s, &err));
  g_assert_nonnull (strstr (err.text, "a name of at most 63 characters"));
  g_assert_false (gwt_signature_parse (huge, &s, &err2));
}

#define NUMBER(NAME, TYPE)                                                                         \
  static TYPE NAME (void *self, TYPE a, struct gwt_error *err)                                     \
  {                                                                                                \
    g_assert_nonnull (self);                                                                       \
    g_assert_nonnull (err);                                                                        \
    return (TYPE)(a + 1);                                                                          \
  }
NUMBER (m_u8, uint8_t)
NUMBER (m_u16, uint16_t)
NUMBER (m_u32, uint32_t)
NUMBER (m_u64, uint64_t)
NUMBER (m_i8, int8_t)
NUMBER (m_i16, int16_t)
NUMBER (m_i32, int32_t)
NUMBER (m_i64, int64_t)
NUMBER (m_f64, double)

static uint8_t
m_not (void *self, uint8_t a, struct gwt_error *err)
{
  return !a;
}

static const char *
m_str (void *self, const char *a, struct gwt_error *err)
{
  static char buffer[64];
  if (strcmp (a, "null") == 0)
    return NULL;
  if (strcmp (a, "bytes") == 0)
    return "\xff";
  g_snprintf (buffer, sizeof buffer, "<%s>", a);
  return buffer;
}

static void
m_void (void *self, struct gwt_error *err)
{
  ((struct sample *)self)->u32++;
}

/* More than registers hold, so some travel on the stack. */
static double
m_many (void *self, uint8_t a, int64_t b, double c, const char *d, uint16_t e, int8_t f, uint8_t g,
        double h, uint32_t i, uint64_t j, struct gwt_error *err)
{
  if (strcmp (d, "fail") == 0)
    gwt_error_set (err, GWT_E_FAILED, "asked to\nfail");
  return a + (double)b + c + (double)strlen (d) + e + f + g + h + i + (double)j;
}

#define METHOD(SIGNATURE, FN)                                                                      \
  {                                                                                                \
    SIGNATURE, "for tests", (gwt_method_fn)FN                                                      \
  }
static const struct gwt_method methods[] = {
  METHOD ("u8 m_u8(u8 a)", m_u8),
  METHOD ("u16 m_u16(u16 a)", m_u16),
  METHOD ("u32 m_u32(u32 a)", m_u32),
  METHOD ("u64 m_u64(u64 a)", m_u64),
  METHOD ("i8 m_i8(i8 a)", m_i8),
  METHOD ("i16 m_i16(i16 a)", m_i16),
  METHOD ("i32 m_i32(i32 a)", m_i32),
  METHOD ("i64 m_i64(i64 a)", m_i64),
  METHOD ("f64 m_f64(f64 a)", m_f64),
  METHOD ("bool m_not(bool a)", m_not),
  METHOD ("str m_str(str a)", m_str),
  METHOD ("void m_void()", m_void),
  METHOD ("f64 m_many(u8 a, i64 b, f64 c, str d, u16 e, i8 f, bool g, f64 h, u32 i, u64 j)",
          m_many),
};

static char *
call (const char *method, const char *args)
{
  GWT_AUTO_ERROR (err);
  struct json_object *json = NULL, *result = NULL;
  struct gwt_device *device = gwt_device_find ("a");
  if (args != NULL)
    json = gwt_json_parse (args, strlen (args), &err);
  g_assert_cmpstr (err.text, ==, NULL);
  bool good = gwt_device_call (device, method, json, &result, &err);
  g_assert_cmpint (good, ==, !gwt_error_is_set (&err));
  char *text = good ? g_strdup (json_object_to_json_string_ext (result, JSON_C_TO_STRING_PLAIN))
                    : g_strdup_printf ("! %s", err.text);
  if (good && result == NULL)
    {
      g_free (text);
      text = g_strdup ("null");
    }
  json_object_put (json);
  json_object_put (result);
  return text;
}

static void
test_calls (void)
{
  static const struct
  {
    const char *method, *args, *result;
  } cases[] = {
    { "m_u8", "[254]", "255" },
    { "m_u8", "[255]", "0" },
    { "m_u8", "[256]",
      "! device 'a': method 'm_u8': argument 'a': '256' is out of range; use 0 to 255" },
    { "m_u8", "[-1]",
      "! device 'a': method 'm_u8': argument 'a': '-1' is out of range; use 0 to 255" },
    { "m_u16", "{\"a\":65534}", "65535" },
    { "m_u32", "[4294967294]", "4294967295" },
    { "m_u64", "[18446744073709551614]", "18446744073709551615" },
    { "m_i8", "[-128]", "-127" },
    { "m_i8", "[-129]",
      "! device 'a': method 'm_i8': argument 'a': '-129' is out of range; use -128 to 127" },
    { "m_i8", "[-2]", "-1" },
    { "m_i16", "[-32768]", "-32767" },
    { "m_i32", "[-2]", "-1" },
    { "m_i64", "[-9223372036854775808]", "-9223372036854775807" },
    { "m_i64", "[9223372036854775808]",
      "! device 'a': method 'm_i64': argument 'a': '9223372036854775808' is out of range; use "
      "-9223372036854775808 to 9223372036854775807" },
    { "m_f64", "[1.5]", "2.5" },
    { "m_f64", "[1]", "2.0" },
    { "m_not", "[true]", "false" },
    { "m_not", "[1]",
      "! device 'a': method 'm_not': argument 'a': 1 is a whole number; a value of type bool "
      "belongs here" },
    { "m_str", "[\"x\"]", "\"<x>\"" },
    { "m_str", "[\"null\"]", "null" },
    { "m_str", "[\"bytes\"]", "\"\357\277\275\"" },
    { "m_str", "[null]",
      "! device 'a': method 'm_str': argument 'a': null is null; a value of type str belongs "
      "here" },
    { "m_str", "[\"a\\u0000\"]",
      "! device 'a': method 'm_str': argument 'a': 'a' goes on behind a zero byte" },
    { "m_void", NULL, "null" },
    { "m_void", "[]", "null" },
    { "m_void", "{}", "null" },
    { "m_void", "[1]", "! device 'a': method 'm_void': takes 0 arguments, 1 are given" },
    { "m_void", "5",
      "! device 'a': method 'm_void': arguments are a whole number; give an array, or an object by "
      "name" },
    { "m_u8", "{\"b\":1}", "! device 'a': method 'm_u8': has no argument 'b'; did you mean 'a'?" },
    { "m_u8", "{}", "! device 'a': method 'm_u8': argument 'a' is missing" },
    { "m_u8", "[1.0]",
      "! device 'a': method 'm_u8': argument 'a': 1.0 is a number with a fraction; a value of type "
      "u8 belongs here" },
    { "m_many", "[1,-2,3.5,\"four\",5,-6,true,8.25,9,10]", "33.75" },
    { "m_many", "[1,2,3,\"fail\",5,6,true,8,9,10]",
      "! device 'a': method 'm_many': asked to fail" },
    { "m_u9", "[1]", "! device 'a': type 'sample' has no method 'm_u9'; did you mean 'm_u8'?" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *result = call (cases[i].method, cases[i].args);
      g_assert_cmpstr (result, ==, cases[i].result);
    }
  g_assert_cmpuint (((struct sample *)gwt_device_find ("a")->instance)->u32, ==, 2 + 3);
}

int
main (int argc, char **argv)
{
  static struct gwt_device_type sample = SAMPLE_TYPE ("sample");
  GWT_AUTO_ERROR (err);
  g_test_init (&argc, &argv, NULL);
  sample.methods = methods;
  sample.method_size = sizeof methods[0];
  sample.n_methods = GWT_COUNT (methods);
  gwt_type_register (&sample, "tests", "1.0", &err);
  struct gwt_device *device = gwt_device_new (gwt_type_find ("sample"), "a", &err);
  g_autofree char *early = call ("m_void", NULL);
  g_assert_cmpstr (early, ==, "! device 'a': method 'm_void': the device is not realized yet");
  g_assert_true (gwt_device_realize (device, &err));
  g_test_add_func ("/method/grammar", test_grammar);
  g_test_add_func ("/method/calls", test_calls);
  return g_test_run ();
}
