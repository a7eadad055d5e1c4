/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices and their properties: kinds, bounds, text and JSON alike, links, provenance, life cycle.
 */
#include "config.h"
#include <string.h>
#include "core/device/field.h"
#include "core/device/value.h"
#include "core/util/json.h"
#include "tests/device/sample.h"

static int realized, unrealized, resets, cleaned;

static int
plain_init (void *self, struct gwt_device *device, struct gwt_error *err)
{
  return 0;
}

static int
life_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct sample *s = self;
  if (s->u8 == 1)
    {
      gwt_error_set (err, GWT_E_INVALID, "u8 is 1;\nuse another");
      return -1;
    }
  if (s->u8 == 2)
    return -1;
  realized++;
  if (s->u8 == 3)
    gwt_error_set (err, GWT_E_INVALID, "both yes and no");
  return 0;
}

static void
life_unrealize (void *self)
{
  unrealized++;
}

static void
life_reset (void *self, uint32_t kind)
{
  resets += kind == GWT_RESET_COLD ? 1 : 100;
}

static void
add_clean (void *data)
{
  cleaned = cleaned * 10 + GPOINTER_TO_INT (data);
}

static struct gwt_device_type sample_type = SAMPLE_TYPE ("sample"),
                              life_type = SAMPLE_TYPE ("life"), need_type = SAMPLE_TYPE ("need"),
                              other_type = SAMPLE_TYPE ("other"),
                              parent_type = { .struct_size = sizeof parent_type,
                                              .name = "base",
                                              .doc = "a parent",
                                              .flags = GWT_TYPE_ABSTRACT };

static struct gwt_device *
make (const char *type, const char *id)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = gwt_device_new (gwt_type_find (type), id, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  return device;
}

/* What TEXT is refused with, or NULL. */
static char *
refusal (struct gwt_device *device, const char *name, const char *text)
{
  struct gwt_error err = GWT_ERROR_INIT;
  return gwt_device_set (device, name, text, GWT_SOURCE_DEVICE, "test", &err) ? NULL : err.text;
}

static void
test_defaults (void)
{
  struct gwt_device *device = make ("sample", "a");
  struct sample *s = device->instance;
  g_assert_cmpuint (s->u64, ==, 7);
  g_assert_cmpuint (s->size64, ==, 4096);
  g_assert_cmpint (s->i32, ==, -3);
  g_assert_cmpfloat (s->ratio, ==, 0.5);
  g_assert_null (s->str);
  g_assert_cmpstr (s->named, ==, "nobody");
  g_assert_true (s->on);
  g_assert_false (s->off);
  g_assert_cmpuint (s->mode, ==, 1);
  g_assert_cmpstr (device->path, ==, "/machine/a");
  g_assert_true (gwt_device_find_path ("/machine/a") == device);
  g_assert_null (gwt_device_find_path ("/machine/b"));
  gwt_device_destroy (device);
  g_assert_null (gwt_device_find ("a"));
}

/* Each value by text, read as JSON, set as JSON, read as text: nothing may change on the way. */
static void
test_round_trip (void)
{
  static const struct
  {
    const char *name, *text, *back, *json;
  } cases[] = {
    { "u64", "0xffffffffffffffff", "0xffffffffffffffff", "18446744073709551615" },
    { "u64", "12", "0xc", "12" },
    { "size", "64K", "64K", "65536" },
    { "size", "4097", "4097", "4097" },
    { "i64", "-9223372036854775808", "-9223372036854775808", "-9223372036854775808" },
    { "f64", "0.1", "0.10000000000000001", "0.10000000000000001" },
    { "f64", "-1e300", "-1.0000000000000001e+300", "-1.0000000000000001e+300" },
    { "ratio", "1", "1", "1.0" },
    { "str", "", "", "\"\"" },
    { "str", "a,b=\"c\" \\ \303\244", NULL, "\"a,b=\\\"c\\\" \\\\ \303\244\"" },
    { "named", "on", "on", "\"on\"" },
    { "u32", "100", "100", "100" },
    { "i32", "-5", "-5", "-5" },
    { "u16", "65535", "65535", "65535" },
    { "i16", "-32768", "-32768", "-32768" },
    { "u8", "255", "255", "255" },
    { "i8", "-128", "-128", "-128" },
    { "on", "off", "off", "false" },
    { "mode", "sv48", "sv48", "\"sv48\"" },
    { "peer", "b", "b", "\"b\"" },
    { "peer", "", "", "null" },
    { "chardev", "com1", "com1", "\"com1\"" },
    { "netdev", "net0", "net0", "\"net0\"" },
    { "netdev", "", "", "null" },
  };
  struct gwt_device *peer = make ("sample", "b"), *device = make ("sample", "a");
  struct gwt_device *second = make ("sample", "c");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GWT_AUTO_ERROR (err);
      g_test_message ("%s=%s", cases[i].name, cases[i].text);
      g_autofree char *refused = refusal (device, cases[i].name, cases[i].text);
      g_assert_cmpstr (refused, ==, NULL);
      g_autofree char *text = gwt_device_get_text (device, cases[i].name, &err);
      g_assert_cmpstr (text, ==, cases[i].back != NULL ? cases[i].back : cases[i].text);
      struct json_object *json = gwt_device_get_json (device, cases[i].name, &err);
      const char *shown = json_object_to_json_string_ext (
          json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
      g_assert_cmpstr (shown, ==, cases[i].json);
      /* As it would arrive in a file: through text. */
      struct json_object *parsed
          = strcmp (shown, "null") == 0 ? NULL : gwt_json_parse (shown, strlen (shown), &err);
      g_assert_true (
          gwt_device_set_json (second, cases[i].name, parsed, GWT_SOURCE_DEVICE, "test", &err));
      g_autofree char *again = gwt_device_get_text (second, cases[i].name, &err);
      g_assert_cmpstr (again, ==, text);
      json_object_put (parsed);
      json_object_put (json);
    }
  g_assert_true (((struct sample *)device->instance)->peer == NULL);
  gwt_device_destroy (second);
  gwt_device_destroy (device);
  gwt_device_destroy (peer);
}

static void
test_refusals (void)
{
  static const struct
  {
    const char *name, *text, *refusal;
  } cases[] = {
    { "u32", "0", "device 'a': property 'u32': '0' is out of range; use 1 to 100" },
    { "u32", "101", "device 'a': property 'u32': '101' is out of range; use 1 to 100" },
    { "u32", "1K",
      "device 'a': property 'u32': '1K' is not a number; use decimal or 0x hexadecimal below "
      "2^64" },
    { "u8", "256", "device 'a': property 'u8': '256' is out of range; use 0 to 255" },
    { "i8", "-129", "device 'a': property 'i8': '-129' is out of range; use -128 to 127" },
    { "i32", "6", "device 'a': property 'i32': '6' is out of range; use -5 to 5" },
    { "size", "1K", "device 'a': property 'size': '1K' is out of range; use 4K to 1T" },
    { "ratio", "1.5", "device 'a': property 'ratio': '1.5' is out of range; use -1 to 1" },
    { "f64", "nan", "device 'a': property 'f64': 'nan' is not a finite number; use one" },
    { "f64", "", "device 'a': property 'f64': '' is not a number; use one such as 2.5 or 1e-3" },
    { "f64", " 1",
      "device 'a': property 'f64': ' 1' is not a number; use one such as 2.5 or 1e-3" },
    { "on", "1", "device 'a': property 'on': '1' is neither 'on' nor 'off'; use one of them" },
    { "mode", "sv57",
      "device 'a': property 'mode': 'sv57' is not one of its values; use 'bare', 'sv39' or "
      "'sv48'" },
    { "mode", "1",
      "device 'a': property 'mode': '1' is not one of its values; use 'bare', 'sv39' or 'sv48'" },
    { "modes", "1", "device 'a': type 'sample' has no property 'modes'; did you mean 'mode'?" },
    { "completely-else", "1",
      "device 'a': type 'sample' has no property 'completely-else'; see '-device sample,help'" },
    { "i32-state", "1",
      "device 'a': type 'sample' has no property 'i32-state'; see '-device sample,help'" },
    { "peer", "nobody",
      "device 'a': property 'peer': there is no device 'nobody' yet; name one that is made before "
      "this one" },
    { "peer", "a", "device 'a': property 'peer': a device cannot be linked to itself" },
    { "peer", "o",
      "device 'a': property 'peer': device 'o' of type 'other' does not offer interface "
      "'test.sample/1'; name one that does" },
    { "chardev", "tty",
      "device 'a': property 'chardev': there is no character back end 'tty'; add one with "
      "'-chardev BACKEND,id=tty'" },
    { "netdev", "com1",
      "device 'a': property 'netdev': there is no network back end 'com1'; add one with "
      "'-netdev TYPE,id=com1'" },
    { "str", "\xff\xfe",
      "device 'a': property 'str': '\357\277\275\357\277\275' is not valid UTF-8" },
  };
  struct gwt_device *other = make ("other", "o"), *device = make ("sample", "a");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = refusal (device, cases[i].name, cases[i].text);
      g_assert_cmpstr (text, ==, cases[i].refusal);
    }
  static const struct
  {
    const char *name, *json, *refusal;
  } json_cases[] = {
    { "u32", "true",
      "device 'a': property 'u32': true is a boolean; a value of type u32 belongs here" },
    { "u32", "1.0",
      "device 'a': property 'u32': 1.0 is a number with a fraction; a value of type u32 belongs "
      "here" },
    { "u32", "-1", "device 'a': property 'u32': '-1' is out of range; use 1 to 100" },
    { "u64", "-1", "device 'a': property 'u64': '-1' is out of range; use a number of 64 bits" },
    { "i64", "18446744073709551615",
      "device 'a': property 'i64': '18446744073709551615' is out of range; use a number of 64 "
      "bits" },
    { "u32", "[1]",
      "device 'a': property 'u32': [1] is an array; a value of type u32 belongs here" },
    { "on", "1",
      "device 'a': property 'on': 1 is a whole number; a value of type bool belongs here" },
    { "mode", "1",
      "device 'a': property 'mode': 1 is a whole number; a value of type u8 belongs here" },
    { "str", "1",
      "device 'a': property 'str': 1 is a whole number; a value of type str belongs here" },
    { "str", "\"a\\u0000b\"", "device 'a': property 'str': 'a' goes on behind a zero byte" },
    { "str", "{}",
      "device 'a': property 'str': {} is an object; a value of type str belongs here" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (json_cases); i++)
    {
      GWT_AUTO_ERROR (err);
      GWT_AUTO_ERROR (parse);
      struct json_object *json
          = gwt_json_parse (json_cases[i].json, strlen (json_cases[i].json), &parse);
      g_assert_cmpstr (parse.text, ==, NULL);
      g_assert_false (
          gwt_device_set_json (device, json_cases[i].name, json, GWT_SOURCE_DEVICE, "t", &err));
      g_assert_cmpstr (err.text, ==, json_cases[i].refusal);
      json_object_put (json);
    }
  gwt_device_destroy (device);
  gwt_device_destroy (other);
}

static void
test_provenance (void)
{
  struct gwt_device *device = make ("sample", "a");
  struct sample *s = device->instance;
  GWT_AUTO_ERROR (err);
  const struct gwt_provenance *p = gwt_device_provenance (device, "u32");
  g_assert_cmpint (p->source, ==, GWT_SOURCE_DEFAULT);
  g_assert_true (
      gwt_device_set (device, "u32", "10", GWT_SOURCE_GLOBAL, "-global sample.u32=10", &err));
  g_assert_cmpstr (p->detail, ==, "-global sample.u32=10");
  g_assert_true (gwt_device_set (device, "u32", "11", GWT_SOURCE_MACHINE, "virt-1.0", &err));
  g_assert_cmpuint (s->u32, ==, 10);
  g_assert_cmpstr (p->detail, ==, "-global sample.u32=10");
  g_assert_true (gwt_device_set (device, "u32", "12", GWT_SOURCE_GLOBAL, "later", &err));
  g_assert_cmpuint (s->u32, ==, 12);
  g_assert_true (gwt_device_set (device, "u32", "13", GWT_SOURCE_INCOMING, "guest", &err));
  g_assert_true (gwt_device_set (device, "u32", "14", GWT_SOURCE_DEVICE, "-device", &err));
  g_assert_true (gwt_device_set (device, "u32", "15", GWT_SOURCE_INCOMING, "guest", &err));
  g_assert_cmpuint (s->u32, ==, 14);
  g_assert_cmpstr (gwt_source_name (p->source), ==, "device");
  /* Covered or not, a wrong value is wrong. */
  g_assert_false (gwt_device_set (device, "u32", "0", GWT_SOURCE_MACHINE, "virt-1.0", &err));
  g_assert_null (gwt_device_provenance (device, "no-such"));
  gwt_device_destroy (device);
}

static void
test_life (void)
{
  struct gwt_device *device = make ("life", NULL);
  GWT_AUTO_ERROR (err);
  g_assert_cmpstr (device->id, ==, "life0");
  struct gwt_device *second = make ("life", NULL);
  g_assert_cmpstr (second->id, ==, "life1");
  gwt_device_destroy (second);
  g_assert_cmpint (unrealized, ==, 0);
  g_assert_true (gwt_device_realize (device, &err));
  g_assert_cmpint (realized, ==, 1);
  g_assert_false (gwt_device_realize (device, &err));
  g_assert_cmpstr (err.text, ==, "device 'life0': the device is realized already");
  g_autofree char *late = refusal (device, "u32", "5");
  g_assert_cmpstr (late, ==,
                   "device 'life0': property 'u32': it cannot be changed once the device is "
                   "realized; give it when the device is made");
  gwt_device_reset_all (GWT_RESET_COLD);
  gwt_device_reset_all (GWT_RESET_WARM);
  g_assert_cmpint (resets, ==, 101);
  gwt_device_on_destroy (device, add_clean, GINT_TO_POINTER (1));
  gwt_device_on_destroy (device, add_clean, GINT_TO_POINTER (2));
  gwt_device_destroy (device);
  g_assert_cmpint (unrealized, ==, 1);
  g_assert_cmpint (cleaned, ==, 21);
  static const struct
  {
    const char *u8, *text;
    int unrealized;
  } bad[] = {
    { "1", "device 'x': u8 is 1; use another", 1 },
    { "2", "device 'x': realize failed and gave no reason", 1 },
    { "3", "device 'x': both yes and no", 2 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      GWT_AUTO_ERROR (refused);
      device = make ("life", "x");
      gwt_device_set (device, "u8", bad[i].u8, GWT_SOURCE_DEVICE, "t", &err);
      g_assert_false (gwt_device_realize (device, &refused));
      g_assert_cmpstr (refused.text, ==, bad[i].text);
      gwt_device_destroy (device);
      g_assert_cmpint (unrealized, ==, bad[i].unrealized);
    }
}

static void
test_ids (void)
{
  struct gwt_device *device = make ("sample", "a");
  GWT_AUTO_ERROR (taken);
  GWT_AUTO_ERROR (bad);
  GWT_AUTO_ERROR (abstract);
  GWT_AUTO_ERROR (need);
  g_assert_null (gwt_device_new (gwt_type_find ("sample"), "a", &taken));
  g_assert_cmpstr (taken.text, ==,
                   "device id 'a' is taken by a device of type 'sample'; choose another");
  g_assert_null (gwt_device_new (gwt_type_find ("sample"), "a/b", &bad));
  g_assert_cmpstr (
      bad.text, ==,
      "device id 'a/b' is malformed; use a letter, then letters, digits, '-', '_' or '.'");
  g_assert_null (gwt_device_new (gwt_type_find ("base"), NULL, &abstract));
  g_assert_cmpstr (abstract.text, ==,
                   "'base' is an abstract type; use one of the types that have it as parent");
  struct gwt_device *needy = make ("need", "n");
  g_assert_false (gwt_device_realize (needy, &need));
  g_assert_cmpstr (need.text, ==, "device 'n': property 'u64' must be given; add 'u64=...' (any)");
  g_assert_true (gwt_device_nth_with_interface (SAMPLE_INTERFACE, 0) == device);
  g_assert_true (gwt_device_nth_with_interface (SAMPLE_INTERFACE, 1) == needy);
  g_assert_null (gwt_device_nth_with_interface (SAMPLE_INTERFACE, 2));
  gwt_device_destroy_all ();
}

/* A build that cannot do something says so by a bound: of a bool, too. */
static void
test_pinned (void)
{
  static const struct
  {
    uint64_t max, flags;
    const char *text, *error;
  } cases[] = {
    { 0, 0, "on", NULL },
    { 0, GWT_FIELD_BOUNDED, "on", "'on' is out of range; use off" },
    { 0, GWT_FIELD_BOUNDED, "off", NULL },
    { 1, GWT_FIELD_BOUNDED, "on", NULL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      struct gwt_field f = { .name = "b", .role = GWT_PROP, .kind = GWT_BOOL, .size = 1,
                             .elems = 1, .max = cases[i].max, .flags = cases[i].flags };
      struct gwt_value value;
      GWT_AUTO_ERROR (err);
      g_assert_cmpint (gwt_value_from_text (&f, cases[i].text, &value, &err), ==,
                       cases[i].error == NULL);
      g_assert_cmpstr (err.text, ==, cases[i].error);
    }
}

static void *
find_chardev (const char *id)
{
  static int there;
  return strcmp (id, "com1") == 0 ? &there : NULL;
}

static void *
find_netdev (const char *id)
{
  static int there;
  return strcmp (id, "net0") == 0 ? &there : NULL;
}

int
main (int argc, char **argv)
{
  static struct gwt_field need_fields[GWT_COUNT (sample_fields)];
  GWT_AUTO_ERROR (err);
  g_test_init (&argc, &argv, NULL);
  life_type.init = plain_init;
  life_type.realize = life_realize;
  life_type.unrealize = life_unrealize;
  life_type.reset = life_reset;
  other_type.n_interfaces = 0;
  memcpy (need_fields, sample_fields, sizeof need_fields);
  need_fields[0].flags |= GWT_FIELD_REQUIRED;
  need_type.fields = need_fields;
  need_type.parent = "base";
  gwt_device_set_backend_finder (GWT_CHARDEV, find_chardev);
  gwt_device_set_backend_finder (GWT_NETDEV, find_netdev);
  struct gwt_device_type *types[]
      = { &sample_type, &life_type, &need_type, &other_type, &parent_type };
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      gwt_type_register (types[i], "tests", "1.0", &err);
      g_assert_cmpstr (err.text, ==, NULL);
    }
  g_test_add_func ("/property/defaults", test_defaults);
  g_test_add_func ("/property/round-trip", test_round_trip);
  g_test_add_func ("/property/refusals", test_refusals);
  g_test_add_func ("/property/pinned", test_pinned);
  g_test_add_func ("/property/provenance", test_provenance);
  g_test_add_func ("/device/life", test_life);
  g_test_add_func ("/device/ids", test_ids);
  return g_test_run ();
}
