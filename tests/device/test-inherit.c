/* SPDX-License-Identifier: BSD-2-Clause */
/* A device with parents: parts, inherited properties, methods and interfaces, and the order of
 * callbacks. */
#include "config.h"
#include "core/device/device.h"

#include <string.h>

#include "core/device/spec.h"
#include "core/util/extension.h"

struct part
{
  uint32_t value, shared;
  uint64_t pad;
};

static GString *trace; /* what ran, in order: a letter for the step, a digit for the level */
static const char *fail_at;

static int
step (char letter, char level, struct gwt_error *err)
{
  char name[3] = { letter, level, 0 };
  g_string_append (trace, name);
  if (fail_at == NULL || strcmp (fail_at, name) != 0)
    return 0;
  gwt_error_set (err, GWT_E_FAILED, "told to fail at %s", name);
  return -1;
}

#define CALLBACKS(level)                                                                           \
  static int init_##level (void *self, struct gwt_device *device, struct gwt_error *err)           \
  {                                                                                                \
    return step ('i', #level[0], err);                                                             \
  }                                                                                                \
  static int realize_##level (void *self, struct gwt_device *device, struct gwt_error *err)        \
  {                                                                                                \
    return step ('r', #level[0], err);                                                             \
  }                                                                                                \
  static int complete_##level (void *self, struct gwt_device *device, struct gwt_error *err)       \
  {                                                                                                \
    return step ('c', #level[0], err);                                                             \
  }                                                                                                \
  static void unrealize_##level (void *self)                                                       \
  {                                                                                                \
    step ('u', #level[0], NULL);                                                                   \
  }                                                                                                \
  static void reset_##level (void *self, uint32_t kind)                                            \
  {                                                                                                \
    step ('x', #level[0], NULL);                                                                   \
  }
CALLBACKS (1)
CALLBACKS (2)
CALLBACKS (3)

static uint32_t
read_value (void *self, struct gwt_error *err)
{
  return ((struct part *) self)->value;
}

#define FIELDS(NAME)                                                                               \
  static const struct gwt_field NAME##_fields[]                                                    \
      = { GWT_PROP_ROW (struct part, value, #NAME "-value", .def = 5, .max = 100,                  \
                        .doc = "a value"),                                                         \
          GWT_PROP_ROW (struct part, shared, "shared", .def = 7, .doc = "every level has one"),    \
          GWT_HOST_ROW (struct part, pad, "padding") };
FIELDS (root)
FIELDS (middle)
FIELDS (leaf)

static const struct gwt_method root_methods[]
    = { { "u32 read_root()", "root's value", (gwt_method_fn) read_value } };
static const int root_table = 1, leaf_table = 3;
static const struct gwt_interface root_interfaces[] = { { "test.root/1", &root_table } };
static const struct gwt_interface leaf_interfaces[] = { { "test.leaf/1", &leaf_table } };

#define TYPE(NAME, level, ...)                                                                     \
  { .struct_size = sizeof (struct gwt_device_type), .name = #NAME, .doc = "a " #NAME,              \
    .instance_size = sizeof (struct part), .fields = NAME##_fields,                                \
    .field_size = sizeof (struct gwt_field), .n_fields = GWT_COUNT (NAME##_fields),                \
    .init = init_##level, .realize = realize_##level, .complete = complete_##level,                \
    .unrealize = unrealize_##level, .reset = reset_##level, __VA_ARGS__ }

static const struct gwt_device_type root
    = TYPE (root, 1, .flags = GWT_TYPE_ABSTRACT, .methods = root_methods,
            .method_size = sizeof (struct gwt_method), .n_methods = 1,
            .interfaces = root_interfaces, .interface_size = sizeof (struct gwt_interface),
            .n_interfaces = 1);
static const struct gwt_device_type middle
    = TYPE (middle, 2, .flags = GWT_TYPE_ABSTRACT, .parent = "root");
static const struct gwt_device_type leaf
    = TYPE (leaf, 3, .flags = GWT_TYPE_USER, .parent = "middle", .interfaces = leaf_interfaces,
            .interface_size = sizeof (struct gwt_interface), .n_interfaces = 1);

static struct gwt_device *
make (struct gwt_error *err)
{
  g_string_truncate (trace, 0);
  fail_at = NULL;
  return gwt_device_new (gwt_type_find ("leaf"), "l0", err);
}

static void
test_order (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = make (&err);
  g_assert_nonnull (device);
  g_assert_true (gwt_device_realize (device, &err));
  gwt_device_reset_all (GWT_RESET_COLD);
  gwt_device_destroy (device);
  g_assert_cmpstr (trace->str, ==, "i1i2i3r1r2r3c1c2c3x1x2x3u3u2u1");
}

/* Whatever fails, all that was realized is undone once, in reverse. */
static void
test_failures (void)
{
  static const struct { const char *at, *trace; } cases[] = {
    { "r1", "i1i2i3r1" },
    { "r2", "i1i2i3r1r2u1" },
    { "r3", "i1i2i3r1r2r3u2u1" },
    { "c1", "i1i2i3r1r2r3c1u3u2u1" },
    { "c3", "i1i2i3r1r2r3c1c2c3u3u2u1" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GWT_AUTO_ERROR (err);
      struct gwt_device *device = make (&err);
      fail_at = cases[i].at;
      g_assert_false (gwt_device_realize (device, &err));
      g_assert_nonnull (strstr (err.text, "device 'l0': told to fail at"));
      gwt_device_destroy (device);
      g_assert_cmpstr (trace->str, ==, cases[i].trace);
    }
}

static void
test_properties (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = make (&err);
  struct part *own = device->instance;
  struct part *base = gwt_device_part (device, "root")->instance;
  g_assert_true (gwt_device_set (device, "root-value", "9", GWT_SOURCE_DEVICE, "test", &err));
  g_assert_true (gwt_device_set (device, "shared", "8", GWT_SOURCE_GLOBAL, "test", &err));
  g_assert_cmpuint (base->value, ==, 9);
  g_assert_cmpuint (own->value, ==, 5);
  /* The nearest one answers to a name that several have. */
  g_assert_cmpuint (own->shared, ==, 8);
  g_assert_cmpuint (base->shared, ==, 7);
  g_assert_cmpint (gwt_device_provenance (device, "root-value")->source, ==, GWT_SOURCE_DEVICE);
  g_assert_cmpint (gwt_device_provenance (device, "middle-value")->source, ==, GWT_SOURCE_DEFAULT);
  struct json_object *value = gwt_device_get_json (device, "root-value", &err);
  g_assert_cmpint (json_object_get_int (value), ==, 9);
  json_object_put (value);
  g_assert_false (gwt_device_set (device, "root-value", "101", GWT_SOURCE_DEVICE, "test", &err));
  gwt_error_clear (&err);
  g_assert_false (gwt_device_set (device, "root-valeu", "1", GWT_SOURCE_DEVICE, "test", &err));
  g_assert_nonnull (strstr (err.text, "'root-value'"));
  gwt_error_clear (&err);
  g_assert_true (gwt_device_realize (device, &err));
  g_assert_false (gwt_device_set (device, "root-value", "1", GWT_SOURCE_DEVICE, "test", &err));
  gwt_device_destroy (device);
}

static void
test_globals_reach_children (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = make (&err);
  g_assert_true (gwt_global_add ("root.root-value=11", &err));
  g_assert_true (gwt_globals_apply (device, &err));
  g_assert_true (gwt_globals_check_used (&err));
  g_assert_cmpuint (((struct part *) gwt_device_part (device, "root")->instance)->value, ==, 11);
  gwt_globals_clear ();
  gwt_device_destroy (device);
}

static void
test_interfaces_and_methods (void)
{
  GWT_AUTO_ERROR (err);
  const struct gwt_device_api *api = gwt_extension_find (GWT_DEVICE_EXT);
  struct gwt_device *device = make (&err);
  struct json_object *none = json_object_new_array (), *result;
  g_assert_true (gwt_device_realize (device, &err));
  g_assert_true (api->interface_of (device, "test.root/1") == &root_table);
  g_assert_true (api->interface_of (device, "test.leaf/1") == &leaf_table);
  g_assert_true (api->interface_instance (device, "test.root/1") == api->part (device, "root"));
  g_assert_true (api->interface_instance (device, "test.leaf/1") == api->instance (device));
  g_assert_null (api->part (device, "nonesuch"));
  ((struct part *) api->part (device, "root"))->value = 77;
  g_assert_true (gwt_device_call (device, "read_root", none, &result, &err));
  g_assert_cmpint (json_object_get_int (result), ==, 77);
  json_object_put (result);
  json_object_put (none);
  gwt_device_destroy (device);
}

static void
test_help_names_the_parent (void)
{
  g_autofree char *text = gwt_type_help (gwt_type_find ("leaf"));
  g_assert_nonnull (strstr (text, "leaf-value"));
  g_assert_nonnull (strstr (text, "root-value"));
  g_assert_nonnull (strstr (text, "read_root"));
}

int
main (int argc, char **argv)
{
  GWT_AUTO_ERROR (err);
  g_test_init (&argc, &argv, NULL);
  trace = g_string_new (NULL);
  gwt_device_register_extensions ();
  if (!gwt_type_register (&root, "test", "1", &err)
      || !gwt_type_register (&middle, "test", "1", &err)
      || !gwt_type_register (&leaf, "test", "1", &err))
    g_error ("%s", err.text);
  g_test_add_func ("/device/inherit/order", test_order);
  g_test_add_func ("/device/inherit/failures", test_failures);
  g_test_add_func ("/device/inherit/properties", test_properties);
  g_test_add_func ("/device/inherit/globals", test_globals_reach_children);
  g_test_add_func ("/device/inherit/interfaces", test_interfaces_and_methods);
  g_test_add_func ("/device/inherit/help", test_help_names_the_parent);
  return g_test_run ();
}
