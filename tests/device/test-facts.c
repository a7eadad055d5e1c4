/* SPDX-License-Identifier: BSD-2-Clause */
/* Facts that devices tell: their form as JSON, and that a plugin which breaks the rules is
 * harmless.
 */
#include "config.h"
#include <string.h>
#include "core/device/facts.h"

static const uint8_t value[24] = { 0x12, 0x34, 0, 0, 0x40, [20] = 7 };
static const uint8_t write_mask[24] = { 0, 0xf0, [20] = 7, 0xff };
static uint8_t compare[24];

static void
tell_all (void *self, const struct gwt_facts_api *api, struct gwt_facts *facts)
{
  (void) self;
  api->integer (facts, "capacity", UINT64_MAX);
  api->text (facts, "model", "two\nlines");
  api->bytes (facts, "registers", value, compare, write_mask, sizeof value);
  api->label (facts, "registers", 0, 2, "vendor ID");
  api->label (facts, "registers", 4, 4, "mask");
  api->label (facts, "registers", 5, 4, "later");
  api->bytes (facts, "plain", value, NULL, NULL, 1);
  /* Against the rules. */
  api->integer (facts, "capacity", 1);
  api->integer (facts, "Not A Name", 1);
  api->integer (facts, NULL, 1);
  api->text (facts, "none", NULL);
  api->bytes (facts, "no-bytes", value, NULL, NULL, 0);
  api->bytes (facts, "too-many", value, NULL, NULL, GWT_FACT_BYTES_MAX + 1);
  api->bytes (facts, "null", NULL, NULL, NULL, 8);
  api->label (facts, "registers", 23, 2, "beyond");
  api->label (facts, "registers", UINT64_MAX, 2, "beyond");
  api->label (facts, "capacity", 0, 1, "not bytes");
  api->label (facts, "nowhere", 0, 1, "not there");
}

static void
tell_own (void *self, const struct gwt_facts_api *api, struct gwt_facts *facts)
{
  api->integer (facts, "own", *(const uint64_t *) self);
}

static int
realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  (void) self;
  (void) device;
  (void) err;
  return 0;
}

#define TYPE(NAME, FLAGS, ...)                                                                     \
  {                                                                                                \
    .struct_size = sizeof (struct gwt_device_type), .name = NAME, .doc = "for tests",              \
    .flags = FLAGS, .instance_size = sizeof (uint64_t), .fields = rows,                            \
    .field_size = sizeof rows[0], .n_fields = GWT_COUNT (rows), __VA_ARGS__                        \
  }
struct one
{
  uint64_t number;
};
static const struct gwt_field rows[]
    = { GWT_HOST_ROW (struct one, number, "nothing that is state") };
static const struct gwt_facts_interface all_table = { sizeof all_table, tell_all };
static const struct gwt_facts_interface own_table = { sizeof own_table, tell_own };
static const struct gwt_interface all_list[] = { { GWT_FACTS_INTERFACE, &all_table } };
static const struct gwt_interface own_list[] = { { GWT_FACTS_INTERFACE, &own_table } };
#define LIST(NAME)                                                                                 \
  .interfaces = NAME, .interface_size = sizeof NAME[0], .n_interfaces = GWT_COUNT (NAME)
static const struct gwt_device_type base = TYPE ("base", GWT_TYPE_ABSTRACT, LIST (all_list));
static const struct gwt_device_type leaf
    = TYPE ("leaf", 0, .realize = realize, .parent = "base", LIST (own_list));
static const struct gwt_device_type mute = TYPE ("mute", 0, .realize = realize);

static void
test_told (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = gwt_device_new (gwt_type_find ("leaf"), "d", &err);
  struct json_object *o;

  g_assert_cmpstr (err.text, ==, NULL);
  *(uint64_t *) device->instance = 5;
  memset (compare, 0xff, sizeof compare);
  compare[4] = 0x0f;
  o = gwt_facts_json (device);
  /* What the guest can write, and what does not count, is told as 0. */
  g_assert_cmpstr (
      json_object_to_json_string_ext (o, JSON_C_TO_STRING_PLAIN), ==,
      "{\"own\":5,\"capacity\":18446744073709551615,\"model\":\"two lines\",\"registers\":{"
      "\"size\":24,\"bytes\":{\"0\":\"1204\"},\"ignored\":{\"4\":\"f0\"},\"write\":{\"1\":\"f0\","
      "\"20\":\"07ff\"},\"registers\":[{\"at\":0,\"size\":2,\"name\":\"vendor ID\"},{\"at\":4,"
      "\"size\":4,\"name\":\"mask\"},{\"at\":5,\"size\":4,\"name\":\"later\"}]},\"plain\":{"
      "\"size\":1,\"bytes\":{\"0\":\"12\"},\"ignored\":{}}}");
  json_object_put (o);
  gwt_device_destroy (device);
  device = gwt_device_new (gwt_type_find ("mute"), "m", &err);
  g_assert_null (gwt_facts_json (device));
  gwt_device_destroy (device);
}

static void
test_read (void)
{
  GWT_AUTO_ERROR (err);
  struct json_object *o = json_tokener_parse (
      "{\"size\":24,\"bytes\":{\"0\":\"12AB\",\"22\":\"0102\"},\"ignored\":{\"1\":\"0f\"},"
      "\"write\":{\"23\":\"80\"},\"registers\":[{\"at\":4,\"size\":4,\"name\":\"mask\"},{\"at\":"
      "5,\"size\":4,\"name\":\"later\"},{\"at\":24,\"size\":0,\"name\":\"none\"}]}");
  struct gwt_fact_bytes bytes;

  g_assert_true (gwt_fact_bytes_parse (o, &bytes, &err));
  g_assert_cmpuint (bytes.size, ==, 24);
  g_assert_cmpuint (bytes.value[1], ==, 0xab);
  g_assert_cmpuint (bytes.value[23], ==, 2);
  g_assert_cmpuint (bytes.compare[0], ==, 0xff);
  g_assert_cmpuint (bytes.compare[1], ==, 0xf0);
  g_assert_cmpuint (bytes.write[23], ==, 0x80);
  g_assert_cmpstr (bytes.labels[7], ==, "mask");
  g_assert_cmpstr (bytes.labels[8], ==, "later");
  g_assert_cmpstr (bytes.labels[9], ==, NULL);
  gwt_fact_bytes_clear (&bytes);
  json_object_put (o);
}

static void
test_hostile (void)
{
  static const struct
  {
    const char *json, *text;
  } wrong[] = {
    { "3", "it is no object" },
    { "{}", "\"size\" is no number from 0 to 65536" },
    { "{\"size\":-1}", "\"size\" is no number from 0 to 65536" },
    { "{\"size\":65537}", "\"size\" is no number from 0 to 65536" },
    { "{\"size\":4,\"bytes\":[]}", "\"bytes\" is no object" },
    { "{\"size\":4,\"bytes\":{\"4\":\"00\"}}", "\"bytes\": \"4\" is no run of bytes below 4" },
    { "{\"size\":4,\"bytes\":{\"3\":\"0000\"}}", "\"bytes\": \"3\" is no run of bytes below 4" },
    { "{\"size\":4,\"bytes\":{\"0\":\"0\"}}", "\"bytes\": \"0\" is no run of bytes below 4" },
    { "{\"size\":4,\"bytes\":{\"0\":\"0g\"}}", "\"bytes\": \"0\" is no run of bytes below 4" },
    { "{\"size\":4,\"bytes\":{\"0\":7}}", "\"bytes\": \"0\" is no run of bytes below 4" },
    { "{\"size\":4,\"write\":{\"x\":\"00\"}}", "\"write\": \"x\" is no run of bytes below 4" },
    { "{\"size\":4,\"ignored\":{\"0\":null}}", "\"ignored\": \"0\" is no run of bytes below 4" },
    { "{\"size\":4,\"registers\":{}}", "\"registers\": it is no array" },
    { "{\"size\":4,\"registers\":[7]}", "\"registers\": a register has no \"name\"" },
    { "{\"size\":4,\"registers\":[{\"name\":3}]}", "\"registers\": a register has no \"name\"" },
    { "{\"size\":4,\"registers\":[{\"name\":\"x\",\"at\":5}]}",
      "\"registers\": \"at\" is no number from 0 to 4" },
    { "{\"size\":4,\"registers\":[{\"name\":\"x\",\"at\":3,\"size\":2}]}",
      "\"registers\": \"size\" is no number from 0 to 1" },
    { "{\"size\":1,\"registers\":[{\"name\":\"x\",\"at\":0,\"size\":1},{\"name\":\"x\",\"at\":0,"
      "\"size\":1},{\"name\":\"x\",\"at\":0,\"size\":1},{\"name\":\"x\",\"at\":0,\"size\":1},{"
      "\"name\":\"x\",\"at\":0,\"size\":1}]}",
      "\"registers\": registers overlap more than 4 times" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      GWT_AUTO_ERROR (err);
      struct json_object *o = json_tokener_parse (wrong[i].json);
      struct gwt_fact_bytes bytes;

      g_assert_false (gwt_fact_bytes_parse (o, &bytes, &err));
      g_assert_cmpstr (err.text, ==, wrong[i].text);
      gwt_fact_bytes_clear (&bytes);
      json_object_put (o);
    }
}

int
main (int argc, char **argv)
{
  GWT_AUTO_ERROR (err);

  g_test_init (&argc, &argv, NULL);
  if (!gwt_type_register (&base, "tests", "1.0", &err)
      || !gwt_type_register (&leaf, "tests", "1.0", &err)
      || !gwt_type_register (&mute, "tests", "1.0", &err))
    g_error ("%s", err.text);
  g_test_add_func ("/facts/told", test_told);
  g_test_add_func ("/facts/read", test_read);
  g_test_add_func ("/facts/hostile", test_hostile);
  return g_test_run ();
}
