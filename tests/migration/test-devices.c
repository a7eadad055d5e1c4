/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices as entries: schemas that cover the state, names and numbers, what is in the way. */
#include "config.h"
#include "core/migration/devices.h"
#include "tests/vmstate/check.h"

struct thing
{
  uint32_t size; /* property */
  uint32_t value;
  uint16_t other;
  uint16_t pad;
};

static const struct gwt_field rows[] = {
  GWT_PROP_ROW (struct thing, size, "size", .doc = "for tests"),
  GWT_STATE_ROW (struct thing, value, "value", .doc = "for tests"),
  GWT_STATE_ROW (struct thing, other, "other", .doc = "for tests"),
  GWT_HOST_ROW (struct thing, pad, "padding"),
};

static const struct gwt_vm_field all_fields[] = {
  GWT_VM_VALUE_EQUAL (struct thing, size),
  GWT_VM_VALUE (struct thing, value),
};
static const struct gwt_vm_field more_fields[] = { GWT_VM_VALUE (struct thing, other) };
static const struct gwt_vm_field host_fields[] = { GWT_VM_VALUE (struct thing, pad) };
static const struct gwt_vmstate all = GWT_VMSTATE (struct thing, "thing", 1, 1, all_fields);
static const struct gwt_vmstate more = GWT_VMSTATE (struct thing, "more", 1, 1, more_fields);
static const struct gwt_vmstate host = GWT_VMSTATE (struct thing, "host", 1, 1, host_fields);
/* What is the host's may be compared, and so may what a pointer leads to be saved. */
static const struct gwt_vm_field kept_fields[] = { GWT_VM_VALUE_EQUAL (struct thing, pad) };
static const struct gwt_vmstate kept = GWT_VMSTATE (struct thing, "kept", 1, 1, kept_fields);
static const struct gwt_vmstate small = GWT_VMSTATE (uint32_t, "small", 1, 1, all_fields);

static int
realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  (void) self;
  (void) device;
  (void) err;
  return 0;
}

static const char *
path (void *self)
{
  (void) self;
  return "0000:00:03.0";
}

static uint32_t
instance (void *self)
{
  return ((struct thing *) self)->size;
}

static const struct gwt_field byte_rows[]
    = { { .name = "", .doc = "for tests", .role = GWT_HOST, .kind = GWT_OPAQUE, .size = 1,
          .elems = 1 } };

#define TYPE(NAME, ...)                                                                            \
  {                                                                                                \
    .struct_size = sizeof (struct gwt_device_type), .name = NAME, .doc = "for tests",              \
    .instance_size = sizeof (struct thing), .fields = rows,                                        \
    .field_size = sizeof (struct gwt_field), .n_fields = GWT_COUNT (rows), .realize = realize,     \
    __VA_ARGS__                                                                                    \
  }

static void
check (const struct gwt_vmstate *const *states, const char *error)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device_type type = TYPE ("checked", .states = states);

  g_assert_true (gwt_vmstate_check_type (&type, &err) == (error == NULL));
  g_assert_cmpstr (err.text, ==, error);
}

static void
test_coverage (void)
{
  check (NULL, NULL);
  check ((const struct gwt_vmstate *const[]){ &all, &more, NULL }, NULL);
  check ((const struct gwt_vmstate *const[]){ &all, NULL },
         "device type 'checked': 'other' is state and in none of its schemas (byte 8 of the "
         "instance); add it, or say why it need not be saved");
  check ((const struct gwt_vmstate *const[]){ &all, &more, &host, NULL },
         "device type 'checked': 'padding' is the host's alone and is saved all the same (byte 10 "
         "of the instance)");
  check ((const struct gwt_vmstate *const[]){ &all, &more, &kept, NULL }, NULL);
  check ((const struct gwt_vmstate *const[]){ &small, NULL },
         "device type 'checked': schema 'small': field 'value': it lies outside the struct");
}

/* A property that is misspelled would be one that is never on. */
static void
test_conditions (void)
{
  static const struct gwt_vmstate gated = GWT_VMSTATE (
      struct thing, "more/gated", 1, 1, more_fields, .when = "sise");
  static const struct gwt_vmstate *const parts[] = { &gated, NULL };
  static const struct gwt_vmstate owner
      = GWT_VMSTATE (struct thing, "more", 1, 1, more_fields, .subsections = parts);

  check (
      (const struct gwt_vmstate *const[]){ &all, &owner, NULL },
      "device type 'checked': subsection 'more/gated' hangs on 'sise', which is no bool property "
      "of the type");
}

static const struct gwt_vmstate *const states[] = { &all, &more, NULL };

static void
test_entries (void)
{
  static const struct gwt_device_type types[]
      = { TYPE ("plain", .states = states), TYPE ("placed", .states = states, .section_path = path),
          TYPE ("numbered", .states = states, .section_instance = instance), TYPE ("silent"),
          TYPE ("stuck", .states = states, .unmigratable = "it is on fire") };
  static const char *const wanted[]
      = { "thing", "more", "thing 1", "more 1", "0000:00:03.0/thing", "0000:00:03.0/more",
          "thing 40", "more 40", "thing 41", "more 41" };
  GWT_AUTO_ERROR (err);
  g_auto (GStrv) blockers = NULL;
  struct gwt_device *device;
  guint count;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    gwt_type_register (&types[i], "tests", "1.0", &err);
  for (guint i = 0; i < 6; i++)
    {
      static const char *const names[]
          = { "plain", "plain", "placed", "numbered", "silent", "stuck" };

      device = gwt_device_new (gwt_type_find (names[i]), NULL, &err);
      g_assert_cmpstr (err.text, ==, NULL);
      if (i == 3)
        gwt_device_set (device, "size", "40", GWT_SOURCE_DEVICE, NULL, &err);
      gwt_device_realize (device, &err);
    }
  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_true (gwt_migration_add_devices (&err));
  /* Again: those that have theirs keep them. */
  g_assert_true (gwt_migration_add_devices (&err));
  g_autofree struct gwt_entry **entries = gwt_entries (&count);
  g_assert_cmpuint (count, ==, G_N_ELEMENTS (wanted));
  for (guint i = 0; i < count; i++)
    g_assert_cmpstr (gwt_entry_label (entries[i]), ==, wanted[i]);
  blockers = gwt_migration_blockers ();
  g_assert_cmpuint (g_strv_length (blockers), ==, 2);
  g_assert_cmpstr (blockers[0], ==,
                   "device 'silent0' of type 'silent': it has state and no schema");
  g_assert_cmpstr (blockers[1], ==, "device 'stuck0' of type 'stuck': it is on fire");
  /* One that is unplugged takes its sections with it. */
  gwt_device_destroy (gwt_device_find ("plain0"));
  g_assert_cmpstr (gwt_entry_find ("thing", 0)->name, ==, "0000:00:03.0/thing");
  g_assert_nonnull (gwt_entry_find ("thing", 1));
  gwt_device_destroy_all ();
  g_free (g_steal_pointer (&entries));
  entries = gwt_entries (&count);
  g_assert_cmpuint (count, ==, 0);
}

/* A device has what its parents have, and their reasons too. */
static void
test_parents (void)
{
  static const struct gwt_vmstate *const parts[] = { &all, &more, NULL };
  static const struct gwt_device_type types[] = {
    TYPE ("base", .flags = GWT_TYPE_ABSTRACT, .states = parts),
    TYPE ("burning", .flags = GWT_TYPE_ABSTRACT, .states = parts, .unmigratable = "it burns"),
    { .struct_size = sizeof (struct gwt_device_type), .name = "child", .doc = "for tests",
      .parent = "base", .instance_size = 1, .fields = byte_rows, .n_fields = 1,
      .field_size = sizeof (struct gwt_field), .realize = realize },
    TYPE ("heir", .parent = "burning", .states = parts),
  };
  GWT_AUTO_ERROR (err);
  g_auto (GStrv) blockers = NULL;
  g_autofree struct gwt_entry **entries = NULL;
  guint count;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    gwt_type_register (&types[i], "tests", "1.0", &err);
  gwt_device_realize (gwt_device_new (gwt_type_find ("child"), NULL, &err), &err);
  gwt_device_realize (gwt_device_new (gwt_type_find ("heir"), NULL, &err), &err);
  g_assert_cmpstr (err.text, ==, NULL);
  blockers = gwt_migration_blockers ();
  g_assert_cmpuint (g_strv_length (blockers), ==, 2);
  g_assert_cmpstr (blockers[0], ==,
                   "device 'child0' of type 'child': it has state and no schema");
  g_assert_cmpstr (blockers[1], ==, "device 'heir0' of type 'heir': it burns");
  /* The parents' schemas are parts of sections, and none themselves. */
  g_assert_true (gwt_migration_add_devices (&err));
  entries = gwt_entries (&count);
  g_assert_cmpuint (count, ==, 2);
  g_assert_cmpstr (gwt_entry_label (entries[0]), ==, "thing");
  gwt_device_destroy_all ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/migration/coverage", test_coverage);
  g_test_add_func ("/migration/conditions", test_conditions);
  g_test_add_func ("/migration/entries", test_entries);
  g_test_add_func ("/migration/parents", test_parents);
  return g_test_run ();
}
