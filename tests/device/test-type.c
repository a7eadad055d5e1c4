/* SPDX-License-Identifier: BSD-2-Clause */
/* What the registry of types refuses, and tables of plugins that were built for smaller or larger
 * structs. */
#include "config.h"
#include <string.h>
#include "core/device/spec.h"
#include "core/device/type.h"
#include "tests/device/sample.h"

struct small
{
  uint64_t a;
  uint32_t b, c;
  _Bool on;
  uint8_t pad[7];
};

static const struct gwt_field small_fields[] = {
  GWT_PROP_ROW (struct small, a, "a", .def = 5, .max = 9, .doc = "a"),
  GWT_PROP_ROW (struct small, on, "on", .doc = "on"),
  GWT_REG_ROW (struct small, b, "b", 0x10, .wmask = 3, .doc = "b"),
  GWT_STATE_ROW (struct small, c, "c", .when = "on", .doc = "c"),
  GWT_HOST_ROW (struct small, pad, "padding"),
};

static struct gwt_field fields[GWT_COUNT (small_fields)];
static struct gwt_device_type type;

static void
fresh (void)
{
  memcpy (fields, small_fields, sizeof fields);
  type = (struct gwt_device_type){ .struct_size = sizeof type,
                                   .name = "small",
                                   .doc = "small",
                                   .instance_size = sizeof (struct small),
                                   .fields = fields,
                                   .field_size = sizeof fields[0],
                                   .n_fields = GWT_COUNT (fields),
                                   .realize = sample_realize };
}

static void
refused (const char *text)
{
  GWT_AUTO_ERROR (err);
  g_assert_false (gwt_type_check (&type, "p", &err));
  g_assert_cmpstr (err.text, ==, text);
  fresh ();
}

static void
test_rows (void)
{
  GWT_AUTO_ERROR (err);
  fresh ();
  g_assert_true (gwt_type_check (&type, "p", &err));
  type.n_fields--;
  refused ("device type 'small': bytes 17..23 of its instance are in no row; give each a property, "
           "register, state or host row");
  fields[2].offset = 12;
  refused ("device type 'small': rows 'b' and 'c' both cover byte 12 of its instance");
  fields[2].offset = 9;
  refused ("device type 'small': row 2 'b' is not aligned");
  fields[3].offset = UINT32_MAX - 3;
  refused ("device type 'small': row 3 'c' reaches beyond its instance");
  fields[4].elems = UINT32_MAX;
  refused ("device type 'small': row 4 '(host)' reaches beyond its instance");
  fields[4].doc = "";
  refused ("device type 'small': row 4 '(host)' belongs to the host but gives no reason");
  fields[0].doc = NULL;
  refused ("device type 'small': row 0 'a' has no doc text");
  fields[0].name = "A";
  refused ("device type 'small': row 0 'A' has a bad name, names are [a-z][a-z0-9-]*");
  fields[0].name = NULL;
  refused ("device type 'small': row 0 '(host)' has a bad name, names are [a-z][a-z0-9-]*");
  fields[2].name = "a";
  refused ("device type 'small': row 2 'a' has a name that another row has");
  fields[0].role = 7;
  refused ("device type 'small': row 0 'a' has an unknown role");
  fields[0].kind = 7;
  refused ("device type 'small': row 0 'a' has an unknown kind");
  fields[0].kind = GWT_OPAQUE;
  refused ("device type 'small': row 0 'a' has a C type that no property or register can have");
  fields[0].size = 4;
  refused ("device type 'small': row 0 'a' has a size that is not its kind's");
  fields[0].def = 10;
  refused ("device type 'small': default of row 'a': '10' is out of range; use 0 to 9");
  fields[0].min = 10;
  refused ("device type 'small': row 0 'a' has bounds that its C type cannot hold");
  fields[1].def = 2;
  refused ("device type 'small': row 1 'on' has bounds or a default that its kind does not take");
  fields[2].wmask = UINT64_C (1) << 32;
  refused ("device type 'small': row 2 'b' has a write mask that its C type cannot hold");
  fields[3].when = "a";
  refused ("device type 'small': row 3 'c' hangs on something that is no on|off property");
  fields[3].count = "a";
  refused ("device type 'small': row 3 'c' is counted by a property that may exceed its array");
  fields[0].values = "x|y|x";
  fields[0].max = 0;
  refused ("device type 'small': row 0 'a' names one value twice");
  fields[0].values = "x|";
  fields[0].max = 0;
  refused ("device type 'small': row 0 'a' has a value with a bad name, names are [a-z][a-z0-9-]*");
  fields[0].values = "x|y";
  fields[0].max = 0;
  refused ("device type 'small': default of row 'a': it is the number of no named value");
  fields[0].facts = "registers|";
  refused (
      "device type 'small': row 0 'a' names a fact with a bad name, names are [a-z][a-z0-9-]*");
  fields[0].facts = "";
  refused (
      "device type 'small': row 0 'a' names a fact with a bad name, names are [a-z][a-z0-9-]*");
  fields[2].facts = "registers";
  refused ("device type 'small': row 2 'b' names facts but is no property that a guest can see");
  fields[0].facts = "registers";
  fields[0].flags = GWT_FIELD_HOST_ONLY;
  refused ("device type 'small': row 0 'a' names facts but is no property that a guest can see");
  fields[0].interface = "x/1";
  refused ("device type 'small': row 0 'a' names an interface but is no link");
  fields[2].since = 3;
  fields[2].until = 2;
  refused ("device type 'small': row 2 'b' ends before it begins");
  fields[0].kind = GWT_STR;
  fields[0].role = GWT_STATE;
  refused ("device type 'small': row 0 'a' is a pointer and so can only be a property");
}

static void
test_types (void)
{
  fresh ();
  type.struct_size = 8;
  refused ("a device type's struct has a size that no release had; build the plugin again with "
           "this release's headers");
  type.struct_size = UINT64_MAX;
  refused ("a device type's struct has a size that no release had; build the plugin again with "
           "this release's headers");
  type.name = "Small";
  refused ("device type 'Small' has a bad name; names are [a-z][a-z0-9-]*");
  type.doc = NULL;
  refused ("device type 'small': has no doc text");
  type.threads = 5;
  refused ("device type 'small': has an unknown thread model");
  type.instance_size = UINT64_MAX;
  refused ("device type 'small': has an instance size that cannot be");
  type.realize = NULL;
  refused ("device type 'small': has no realize function");
  type.parent = "small";
  refused ("device type 'small': is its own ancestor");
  type.unmigratable = "";
  refused ("device type 'small': cannot be migrated but gives no reason");
  type.field_size = 8;
  refused ("device type 'small': its table of fields has 5 rows of 8 bytes, a row has at least "
           "128; build it again with this release's headers");
  type.n_fields = UINT64_MAX;
  refused ("device type 'small': its table of fields has 18446744073709551615 rows of 136 bytes, a "
           "row has at least 128; build it again with this release's headers");
  type.fields = NULL;
  refused ("device type 'small': its table of fields has 5 rows of 136 bytes at NULL, a row has at "
           "least 128; build it again with this release's headers");
  static const struct gwt_interface twice[] = { { "a/1", &twice }, { "a/1", &twice } };
  type.interfaces = twice;
  type.interface_size = sizeof twice[0];
  type.n_interfaces = 2;
  refused ("device type 'small': interface 'a/1' is offered twice");
}

/* A plugin of a later minor: longer structs, whose tails we cannot know. */
static void
test_larger (void)
{
  struct
  {
    struct gwt_device_type t;
    uint64_t tail[4096];
  } large;
  struct
  {
    struct gwt_field f;
    uint64_t tail[2];
  } rows[GWT_COUNT (small_fields)];
  GWT_AUTO_ERROR (err);
  fresh ();
  memset (&large, 0xee, sizeof large);
  memset (rows, 0xee, sizeof rows);
  large.t = type;
  large.t.name = "larger";
  large.t.struct_size = sizeof large;
  for (guint i = 0; i < GWT_COUNT (small_fields); i++)
    rows[i].f = small_fields[i];
  large.t.fields = &rows[0].f;
  large.t.field_size = sizeof rows[0];
  g_assert_true (gwt_type_register (&large.t, "later", "2.0", &err));
  const struct gwt_type *t = gwt_type_find ("larger");
  g_assert_cmpuint (t->d.struct_size, ==, sizeof (struct gwt_device_type));
  g_assert_cmpuint (t->field_size, ==, sizeof rows[0]);
  g_assert_cmpstr (t->fields[3].name, ==, "c");
  large.t.struct_size = sizeof type;
  g_assert_false (gwt_type_register (&large.t, "third", "1.0", &err));
  g_assert_cmpstr (err.text, ==,
                   "device type 'larger' of plugin 'third' is offered by plugin 'later' already; "
                   "use only one of the two");
}

static void
test_parents (void)
{
  struct gwt_device_type parent = { .struct_size = sizeof parent,
                                    .name = "base",
                                    .doc = "base",
                                    .flags = GWT_TYPE_ABSTRACT,
                                    .parent = "root" };
  GWT_AUTO_ERROR (err);
  fresh ();
  type.name = "child";
  type.parent = "base";
  g_assert_true (gwt_type_register (&type, "p", "1", &err));
  g_assert_true (gwt_type_is_a (gwt_type_find ("child"), "base"));
  g_assert_false (gwt_type_is_a (gwt_type_find ("child"), "root"));
  g_assert_true (gwt_type_register (&parent, "p", "1", &err));
  g_assert_true (gwt_type_is_a (gwt_type_find ("child"), "root"));
  g_assert_false (gwt_type_is_a (gwt_type_find ("child"), "chil"));
  type.name = "grandchild";
  type.parent = "child";
  refused ("device type 'grandchild': has the parent 'child', which is not abstract");
  /* A circle that closes only when the second half arrives. */
  parent.name = "root";
  parent.parent = "base";
  type = parent;
  refused ("device type 'root': is its own ancestor");
}

static void
test_help (void)
{
  struct gwt_device_type sample = SAMPLE_TYPE ("sample");
  GWT_AUTO_ERROR (err);
  g_assert_true (gwt_type_register (&sample, "tests", "1.0", &err));
  g_autofree char *help = gwt_type_help (gwt_type_find ("sample"));
  static const char *const lines[] = {
    "sample: for tests (plugin tests 1.0)\n",
    "  u64=<u64>                  any (default 0x7)\n",
    "  size=<size>                a size (default 4K, 4K to 1T)\n",
    "  mode=<bare|sv39|sv48>      names (default sv39)\n",
    "  on=<on|off>                starts on (default on)\n",
    "  i32=<i32>                  signed (default -3, -5 to 5)\n",
    "  str=<str>                  a text\n",
    "  peer=<link>                another one (id of a device with test.sample/1)\n",
    "  chardev=<chardev>          a back end (id of a character back end)\n",
    "  netdev=<netdev>            a back end (id of a network back end)\n",
  };
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    if (strstr (help, lines[i]) == NULL)
      g_error ("no '%s' in:\n%s", lines[i], help);
  g_assert_null (strstr (help, "i32-state"));
  g_autofree char *all = gwt_type_help_all ();
  g_assert_nonnull (
      strstr (all, "for -device:\n  sample           for tests (plugin tests 1.0)\n"));
  struct json_object *json = gwt_type_to_json (gwt_type_find ("sample")), *p, *o;
  g_assert_true (json_object_object_get_ex (json, "properties", &p));
  g_assert_true (json_object_object_get_ex (p, "i32", &o));
  g_assert_cmpstr (json_object_to_json_string_ext (o, JSON_C_TO_STRING_PLAIN), ==,
                   "{\"default\":-3,\"doc\":\"signed\",\"max\":5,\"min\":-5,\"type\":\"i32\"}");
  json_object_put (json);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/type/rows", test_rows);
  g_test_add_func ("/type/types", test_types);
  g_test_add_func ("/type/larger", test_larger);
  g_test_add_func ("/type/parents", test_parents);
  g_test_add_func ("/type/help", test_help);
  return g_test_run ();
}
