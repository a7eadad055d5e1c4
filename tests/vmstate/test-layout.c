/* SPDX-License-Identifier: BSD-2-Clause */
/* Layouts of payloads: what changes them and what does not, and subsections as a manifest has them.
 */
#include "config.h"
#include "core/vmstate/layout.h"
#include "tests/vmstate/check.h"

struct inner
{
  uint16_t a, b;
};

struct thing
{
  uint8_t bytes[6];
  uint32_t word, count;
  uint16_t numbers[4];
  struct inner inner[2];
  uint64_t bits[2];
  struct inner *some[3];
  bool fifo, other;
  uint8_t more;
};

static uint32_t
yes (const void *self, uint32_t version)
{
  (void) self;
  (void) version;
  return 1;
}

static uint32_t
needed (const void *self)
{
  (void) self;
  return 1;
}

static char *
layout_of (const struct gwt_vm_field *fields, guint n, uint32_t version)
{
  /* Schemas live until the process ends. */
  struct gwt_vmstate *state = g_new0 (struct gwt_vmstate, 1);

  state->struct_size = sizeof *state;
  state->name = "thing";
  state->version = 3;
  state->size = sizeof (struct thing);
  state->fields = g_memdup2 (fields, n * sizeof *fields);
  state->field_size = sizeof *fields;
  state->n_fields = n;
  return gwt_layout_text (schema_of (state), NULL, version);
}

#define LAYOUT(VERSION, ...)                                                                       \
  ({                                                                                               \
    const struct gwt_vm_field fields_[] = { __VA_ARGS__ };                                         \
    layout_of (fields_, G_N_ELEMENTS (fields_), VERSION);                                          \
  })
#define SAME(WANTED, VERSION, ...)                                                                 \
  do                                                                                               \
    {                                                                                              \
      g_autofree char *text_ = LAYOUT (VERSION, __VA_ARGS__);                                      \
      g_assert_cmpstr (text_, ==, WANTED);                                                         \
    }                                                                                              \
  while (0)

static const struct gwt_vm_field inner_fields[]
    = { GWT_VM_VALUE (struct inner, a), GWT_VM_VALUE (struct inner, b, .version = 2) };
static const struct gwt_vm_field sub_fields[] = { GWT_VM_VALUE (struct thing, more) };
static const struct gwt_vmstate inner_state
    = GWT_VMSTATE (struct inner, "inner", 2, 1, inner_fields);

/* Bytes that are always there are bytes, whatever they are called and mean. */
static void
test_bytes (void)
{
  SAME ("10;", 3, GWT_VM_BYTES (struct thing, bytes), GWT_VM_VALUE (struct thing, word));
  SAME ("10;", 3, GWT_VM_BYTES (struct thing, bytes), GWT_VM_NOTHING (4));
  SAME ("10;", 3, GWT_VM_VALUE (struct thing, word), GWT_VM_BYTES (struct thing, bytes));
  SAME ("8;", 3, GWT_VM_ARRAY (struct thing, numbers));
  SAME ("1;", 3, GWT_VM_VALUE_AS (struct thing, word, GWT_U8));
  SAME ("", 3, GWT_VM_VALID ("v", yes), GWT_VM_COMPUTED (struct thing, word));
}

static void
test_versions (void)
{
  SAME ("6;", 2, GWT_VM_BYTES (struct thing, bytes),
        GWT_VM_VALUE (struct thing, word, .version = 3));
  SAME ("10;", 3, GWT_VM_BYTES (struct thing, bytes),
        GWT_VM_VALUE (struct thing, word, .version = 3));
  /* Without a device there are no properties: off. */
  SAME ("6;", 3, GWT_VM_BYTES (struct thing, bytes),
        GWT_VM_VALUE (struct thing, word, .when = "fifo"));
  SAME ("6;?(4;)", 3, GWT_VM_BYTES (struct thing, bytes),
        GWT_VM_VALUE (struct thing, word, .exists = yes));
}

static void
test_shapes (void)
{
  SAME ("4;*(2;)1;", 3, GWT_VM_VALUE (struct thing, count),
        GWT_VM_ARRAY_COUNTED (struct thing, numbers, count), GWT_VM_VALUE (struct thing, more));
  SAME ("4;*2(2;)", 3, GWT_VM_VALUE (struct thing, count),
        GWT_VM_ARRAY_COUNTED (struct thing, numbers, count, .scale = 2));
  SAME ("4;b(8;)", 3, GWT_VM_VALUE (struct thing, count), GWT_VM_BITS (struct thing, bits, count));
  SAME ("8;", 3, GWT_VM_NESTED_ARRAY (struct thing, inner, struct inner, &inner_state));
  SAME ("p3(4;)", 3, GWT_VM_NESTED_POINTERS (struct thing, some, struct inner, &inner_state));
  SAME ("m3(4;)", 3,
        GWT_VM_NESTED_POINTERS_ALLOCATED (struct thing, some, struct inner, &inner_state));
}

/* Elements with parts of their own length are told with their number. */
static void
test_elements (void)
{
  static const struct gwt_vm_field maybe_fields[]
      = { GWT_VM_VALUE (struct inner, a), GWT_VM_VALUE (struct inner, b, .exists = yes) };
  static const struct gwt_vmstate maybe = GWT_VMSTATE (struct inner, "maybe", 1, 1, maybe_fields);

  SAME ("4;2(2;?(2;))1;", 3, GWT_VM_VALUE (struct thing, word),
        GWT_VM_NESTED_ARRAY (struct thing, inner, struct inner, &maybe),
        GWT_VM_VALUE (struct thing, more));
}

static const struct gwt_vm_field fields[] = {
  GWT_VM_VALUE (struct thing, word),
  GWT_VM_VALUE (struct thing, count, .version = 3),
};
static const struct gwt_vmstate deep
    = GWT_VMSTATE (struct thing, "thing/when/deep", 1, 1, sub_fields, .needed = needed);
static const struct gwt_vmstate *const below[] = { &deep, NULL };
static const struct gwt_vmstate always
    = GWT_VMSTATE (struct thing, "thing/always", 1, 1, sub_fields);
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct thing, "thing/state", 1, 1, sub_fields, .needed = needed);
static const struct gwt_vmstate when = GWT_VMSTATE (struct thing, "thing/when", 2, 1, sub_fields,
                                                    .when = "fifo", .subsections = below);
static const struct gwt_vmstate *const subsections[] = { &always, &state, &when, NULL };
static const struct gwt_vmstate thing
    = GWT_VMSTATE (struct thing, "thing", 3, 2, fields, .subsections = subsections);

/* The hashes are what releases compare: they must never change. */
static void
test_json (void)
{
  struct json_object *o = gwt_layout_json (schema_of (&thing), NULL);

  g_assert_cmpstr (
      json_object_to_json_string_ext (o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
      ==,
      "{\"version\":3,\"minimum\":2,\"layouts\":{\"2\":\"30e240f3aa575c86\",\"3\":"
      "\"51146722a7f39a70\"},"
      "\"subsections\":[{\"name\":\"thing/always\",\"version\":1,\"minimum\":1,\"layouts\":{\"1\":"
      "\"0889a34434e586e9\"},\"may-come\":true},{\"name\":\"thing/"
      "state\",\"version\":1,\"minimum\":1,"
      "\"layouts\":{\"1\":\"0889a34434e586e9\"},\"when\":\"state\",\"may-come\":true},{\"name\":"
      "\"thing/when\","
      "\"version\":2,\"minimum\":1,\"layouts\":{\"1\":\"0889a34434e586e9\",\"2\":"
      "\"0889a34434e586e9\"},\"when\":\"property "
      "fifo\",\"may-come\":false},{\"name\":\"thing/when/deep\",\"version\":1,\"minimum\":1,"
      "\"layouts\":{\"1\":\"0889a34434e586e9\"},\"when\":\"state\",\"may-come\":true}]}");
  json_object_put (o);
}

/* Of very many versions the newest are told, also where they end with the largest number. */
static void
test_many (void)
{
  static const struct gwt_vmstate many
      = GWT_VMSTATE (struct thing, "many", UINT32_MAX, 0, sub_fields);
  struct json_object *o = gwt_layout_json (schema_of (&many), NULL), *layouts;

  g_assert_true (json_object_object_get_ex (o, "layouts", &layouts));
  g_assert_cmpint (json_object_object_length (layouts), ==, GWT_LAYOUT_VERSIONS_MAX);
  g_assert_true (json_object_object_get_ex (layouts, "4294967295", NULL));
  g_assert_true (json_object_object_get_ex (layouts, "4294967232", NULL));
  json_object_put (o);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/layout/bytes", test_bytes);
  g_test_add_func ("/layout/versions", test_versions);
  g_test_add_func ("/layout/shapes", test_shapes);
  g_test_add_func ("/layout/elements", test_elements);
  g_test_add_func ("/layout/json", test_json);
  g_test_add_func ("/layout/many", test_many);
  return g_test_run ();
}
