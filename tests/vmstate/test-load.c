/* SPDX-License-Identifier: BSD-2-Clause */
/* The codec: versions, conditions, subsections, the order of hooks, and what is refused. */
#include "config.h"
#include "tests/vmstate/hostile.h"
#include <stdlib.h>

/* ---- versions and conditions ----------------------------------------------------------------- */

struct versions
{
  bool on;
  uint8_t always, since_2, since_3, where_on, where_old;
};

static uint32_t
is_old (const void *self, uint32_t version)
{
  (void) self;
  return version < 3;
}

static int
versions_pre_load (void *self, struct gwt_error *err)
{
  (void) err;
  ((struct versions *) self)->since_3 = 33;
  return 0;
}

static const struct gwt_vm_field versions_fields[] = {
  GWT_VM_VALUE (struct versions, always),
  GWT_VM_VALUE (struct versions, since_2, .version = 2),
  GWT_VM_VALUE (struct versions, since_3, .version = 3),
  GWT_VM_VALUE (struct versions, where_on, .when = "on"),
  GWT_VM_VALUE (struct versions, where_old, .exists = is_old, .version = 3),
};
static const struct gwt_vmstate versions = GWT_VMSTATE (struct versions, "versions", 3, 1,
                                                        versions_fields,
                                                        .pre_load = versions_pre_load);

static const struct gwt_field device_fields[] = {
  GWT_PROP_ROW (struct versions, on, "on", .doc = "for tests"),
  GWT_STATE_ROW (struct versions, always, "always", .doc = "for tests"),
  GWT_STATE_ROW (struct versions, since_2, "since-2", .doc = "for tests"),
  GWT_STATE_ROW (struct versions, since_3, "since-3", .doc = "for tests"),
  GWT_STATE_ROW (struct versions, where_on, "where-on", .doc = "for tests"),
  GWT_STATE_ROW (struct versions, where_old, "where-old", .doc = "for tests"),
};
static int
device_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  (void) self;
  (void) device;
  (void) err;
  return 0;
}

static const struct gwt_device_type device_type = {
  .struct_size = sizeof (device_type),
  .name = "versioned",
  .doc = "for tests",
  .instance_size = sizeof (struct versions),
  .fields = device_fields,
  .field_size = sizeof (struct gwt_field),
  .n_fields = GWT_COUNT (device_fields),
  .realize = device_realize,
};

static void
test_versions (void)
{
  struct versions v = { false, 1, 2, 3, 4, 5 };

  assert_saves (&versions, &v, "010203");
  assert_loads (&versions, &v, 3, "0a0b0c");
  g_assert_true (v.always == 10 && v.since_2 == 11 && v.since_3 == 12 && v.where_old == 5);
  /* An older one: what it has, and the default of what it has not. */
  assert_loads (&versions, &v, 2, "141516");
  g_assert_true (v.always == 20 && v.since_2 == 21 && v.since_3 == 33 && v.where_old == 22);
  assert_loads (&versions, &v, 1, "1e1f");
  g_assert_true (v.always == 30 && v.since_2 == 21 && v.since_3 == 33 && v.where_old == 31);
  assert_refused (&versions, v, 0, "00",
                  "byte 0: version 0 of 'versions' cannot be read here; versions 1 to 3 can");
  assert_refused (&versions, v, 4, "00",
                  "byte 0: version 4 of 'versions' cannot be read here; versions 1 to 3 can");
}

/* A field that hangs on a property of the device. */
static void
test_when (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device;
  struct gwt_vm_out out;
  struct versions *v;

  gwt_type_register (&device_type, "tests", "1.0", &err);
  g_assert_cmpstr (err.text, ==, NULL);
  device = gwt_device_new (gwt_type_find ("versioned"), "d", &err);
  g_assert_cmpstr (err.text, ==, NULL);
  v = device->instance;
  for (int on = 0; on < 2; on++)
    {
      gwt_device_set (device, "on", on ? "on" : "off", GWT_SOURCE_DEVICE, NULL, &err);
      g_assert_cmpstr (err.text, ==, NULL);
      gwt_vm_out_init (&out);
      g_assert_true (gwt_vmstate_save (schema_of (&versions), v, device, &out, NULL, &err));
      g_assert_cmpuint (out.bytes->len, ==, on ? 4 : 3);
      gwt_vm_out_clear (&out);
    }
  gwt_device_destroy_all ();
}

/* A subsection that hangs on one: sent where that is on, and then only where it is needed. */
static uint32_t
gated_needed (const void *self)
{
  return ((const struct versions *) self)->since_2 != 0;
}

static const struct gwt_vm_field gated_fields[] = { GWT_VM_VALUE (struct versions, since_2) };
static const struct gwt_vm_field whole_fields[] = { GWT_VM_VALUE (struct versions, always) };
static const struct gwt_vmstate part_when = GWT_VMSTATE (
    struct versions, "whole/part", 1, 1, gated_fields, .needed = gated_needed, .when = "on");
static const struct gwt_vmstate *const whole_parts[] = { &part_when, NULL };
static const struct gwt_vmstate whole = GWT_VMSTATE (struct versions, "whole", 1, 1, whole_fields,
                                                     .subsections = whole_parts);
static const struct gwt_vmstate section_when
    = GWT_VMSTATE (struct versions, "gated", 1, 1, whole_fields, .when = "on");

#define PART "05 0a 77686f6c652f70617274 00000001 "

static void
test_subsection_when (void)
{
  GWT_AUTO_ERROR (err);
  g_autoptr (GByteArray) sent = unhex ("0a" PART "0b");
  struct gwt_device *device = gwt_device_new (gwt_type_find ("versioned"), "d", &err);
  struct versions *v = device->instance;

  for (int i = 0; i < 4; i++)
    {
      g_autoptr (GByteArray) bytes = NULL;
      g_autofree char *text = NULL, *error = NULL;

      gwt_device_set (device, "on", i & 1 ? "on" : "off", GWT_SOURCE_DEVICE, NULL, &err);
      g_assert_cmpstr (err.text, ==, NULL);
      v->always = 1;
      v->since_2 = i & 2 ? 7 : 0;
      bytes = save_of (&whole, v, device, NULL);
      text = hex (bytes);
      g_assert_cmpstr (text, ==, i == 3 ? "01050a77686f6c652f706172740000000107" : "01");
      g_assert_true (gwt_vmstate_needed (schema_of (&section_when), v, device) == (i & 1));
      error = load_of (&whole, v, device, 1, sent->data, sent->len);
      g_assert_cmpstr (error, ==,
                       i & 1 ? NULL
                             : "byte 17: subsection 'whole/part': it is sent where the property "
                               "'on' is on, and here that is off; start both ends with the same "
                               "machine type and properties");
      g_assert_cmpuint (v->since_2, ==, i & 1 ? 11 : i & 2 ? 7 : 0);
    }
  gwt_device_destroy_all ();
}

/* ---- subsections ----------------------------------------------------------------------------- */

struct owner
{
  uint8_t base, extra, more, inner;
  struct
  {
    uint8_t x;
  } nested;
};

static uint32_t
extra_needed (const void *self)
{
  return ((const struct owner *) self)->extra != 0;
}

static uint32_t
more_needed (const void *self)
{
  return ((const struct owner *) self)->more != 0;
}

static const struct gwt_vm_field extra_fields[] = { GWT_VM_VALUE (struct owner, extra) };
static const struct gwt_vm_field more_fields[] = { GWT_VM_VALUE (struct owner, more) };
static const struct gwt_vm_field inner_fields[] = { GWT_VM_VALUE (struct owner, inner) };
static const struct gwt_vmstate inner
    = GWT_VMSTATE (struct owner, "owner/extra/inner", 1, 1, inner_fields);
static const struct gwt_vmstate *const extra_subsections[] = { &inner, NULL };
static const struct gwt_vmstate extra
    = GWT_VMSTATE (struct owner, "owner/extra", 2, 1, extra_fields, .needed = extra_needed,
                   .subsections = extra_subsections);
static const struct gwt_vmstate more
    = GWT_VMSTATE (struct owner, "owner/more", 0, 0, more_fields, .needed = more_needed);
static const struct gwt_vmstate *const owner_subsections[] = { &extra, &more, NULL };

static int
owner_pre_load (void *self, struct gwt_error *err)
{
  struct owner *o = self;

  (void) err;
  o->extra = o->more = 0;
  return 0;
}

static const struct gwt_vm_field owner_fields[] = { GWT_VM_VALUE (struct owner, base) };
static const struct gwt_vmstate owner
    = GWT_VMSTATE (struct owner, "owner", 1, 1, owner_fields, .pre_load = owner_pre_load,
                   .subsections = owner_subsections);

/* "owner/extra", "owner/more", "owner/extra/inner" with their length and the tag before. */
#define EXTRA "05 0b 6f776e65722f6578747261 "
#define MORE "05 0a 6f776e65722f6d6f7265 "
#define INNER "05 11 6f776e65722f65787472612f696e6e6572 "

static void
test_subsections (void)
{
  struct owner o = { 1, 2, 3, 4, { 5 } };
  g_autofree char *text = NULL;

  assert_saves (&owner, &o,
                "01 " EXTRA "00000002 02 " INNER "00000001 04 " MORE "00000000 03");
  g_byte_array_unref (save (&owner, &o, &text));
  g_assert_cmpstr (
      text, ==,
      "\"vmsd_name\": \"owner\", \"version\": 1, \"fields\": [{\"name\": \"base\", \"type\": "
      "\"uint8\", \"size\": 1}], \"subsections\": [{\"vmsd_name\": \"owner/extra\", \"version\": "
      "2, \"fields\": [{\"name\": \"extra\", \"type\": \"uint8\", \"size\": 1}], \"subsections\": "
      "[{\"vmsd_name\": \"owner/extra/inner\", \"version\": 1, \"fields\": [{\"name\": \"inner\", "
      "\"type\": \"uint8\", \"size\": 1}]}]}, {\"vmsd_name\": \"owner/more\", \"version\": 0, "
      "\"fields\": [{\"name\": \"more\", \"type\": \"uint8\", \"size\": 1}]}]");
  /* In any order, twice, an older one; absent ones leave pre_load's default. */
  assert_loads (&owner, &o, 1,
                "0a " MORE "00000000 0b " EXTRA "00000001 0c " MORE "00000000 0d");
  g_assert_true (o.base == 10 && o.more == 13 && o.extra == 12 && o.inner == 4);
  assert_loads (&owner, &o, 1, "0a");
  g_assert_true (o.more == 0 && o.extra == 0);
  assert_refused (
      &owner, o, 1, "0a " MORE "00000001 0b",
      "byte 17: subsection 'owner/more': version 1 of 'owner/more' cannot be read here; "
      "versions 0 to 0 can");
  assert_refused (&owner, o, 1, "0a 05 0a 6f776e65722f6d6f7266 00000000 0b",
                  "byte 1: subsection 'owner/morf' is not known here; the sender is newer, give it "
                  "a machine type of this release");
  assert_refused (&owner, o, 1, "0a " EXTRA "00000002 02 " MORE "00000000",
                  "byte 35: subsection 'owner/more': field 'more': the stream ends at byte 35, 1 "
                  "bytes too early");
  /* Somebody else's: left where it is. */
  assert_refused (&owner, o, 1, "0a 05 06 6f776f65722f", "8 bytes are left");
  assert_refused (&owner, o, 1, "0a 05 05 6f776e6572", "7 bytes are left");
  assert_refused (&owner, o, 1, "0a 05", "1 bytes are left");
  /* What others may not see in a terminal. */
  assert_refused (
      &owner, o, 1, "0a 05 07 6f776e65722f1b 00000000 0b",
      "byte 1: subsection 'owner/\\033' is not known here; the sender is newer, give it "
      "a machine type of this release");
}

/* ---- hooks ----------------------------------------------------------------------------------- */

struct hooked
{
  uint8_t value;
  struct hooked_part
  {
    uint8_t value;
  } part;
};

static GString *trace;
static const char *failing; /* the hook that shall fail */
static void *live;

static int
hook (const char *name, struct gwt_error *err)
{
  g_string_append_printf (trace, "%s ", name);
  if (g_strcmp0 (failing, name) != 0)
    return 0;
  gwt_error_set (err, GWT_E_FAILED, "%s says no", name);
  return -1;
}

#define HOOKS(NAME)                                                                                \
  static uint32_t NAME##_needed (const void *self)                                                 \
  {                                                                                                \
    (void) self;                                                                                   \
    hook (#NAME ".needed", NULL);                                                                  \
    return 1;                                                                                      \
  }                                                                                                \
  static int NAME##_pre_save (void *self, struct gwt_error *err)                                   \
  {                                                                                                \
    (void) self;                                                                                   \
    return hook (#NAME ".pre_save", err);                                                          \
  }                                                                                                \
  static void NAME##_post_save (void *self)                                                        \
  {                                                                                                \
    (void) self;                                                                                   \
    hook (#NAME ".post_save", NULL);                                                               \
  }                                                                                                \
  static int NAME##_pre_load (void *self, struct gwt_error *err)                                   \
  {                                                                                                \
    g_assert_true (self != live);                                                                  \
    return hook (#NAME ".pre_load", err);                                                          \
  }                                                                                                \
  static int NAME##_post_load (void *self, uint32_t version, struct gwt_error *err)                \
  {                                                                                                \
    g_assert_true (self != live);                                                                  \
    g_assert_cmpuint (version, ==, 1);                                                             \
    return hook (#NAME ".post_load", err);                                                         \
  }                                                                                                \
  static void NAME##_loaded (void *self, uint32_t version)                                         \
  {                                                                                                \
    g_assert_true ((char *) self >= (char *) live                                                  \
                   && (char *) self < (char *) live + sizeof (struct hooked));                     \
    g_assert_cmpuint (((struct hooked *) live)->part.value, ==, 2);                                \
    hook (#NAME ".loaded", NULL);                                                                  \
    (void) version;                                                                                \
  }

#define HOOK_MEMBERS(NAME)                                                                         \
  .needed = NAME##_needed, .pre_save = NAME##_pre_save, .post_save = NAME##_post_save,             \
  .pre_load = NAME##_pre_load, .post_load = NAME##_post_load, .loaded = NAME##_loaded

HOOKS (outer)
HOOKS (part)
HOOKS (sub)

static const struct gwt_vm_field part_fields[] = { GWT_VM_VALUE (struct hooked_part, value) };
static const struct gwt_vmstate part
    = GWT_VMSTATE (struct hooked_part, "part", 1, 1, part_fields, HOOK_MEMBERS (part));
static const struct gwt_vm_field sub_fields[] = { GWT_VM_NOTHING (1) };
static const struct gwt_vmstate sub
    = GWT_VMSTATE (struct hooked, "outer/sub", 1, 1, sub_fields, HOOK_MEMBERS (sub));
static const struct gwt_vmstate *const outer_subsections[] = { &sub, NULL };
static const struct gwt_vm_field outer_fields[]
    = { GWT_VM_VALUE (struct hooked, value),
        GWT_VM_NESTED (struct hooked, part, struct hooked_part, &part) };
static const struct gwt_vmstate outer
    = GWT_VMSTATE (struct hooked, "outer", 1, 1, outer_fields, HOOK_MEMBERS (outer),
                   .subsections = outer_subsections);

#define OUTER "01 02 05 09 6f757465722f737562 00000001 00"

static void
test_hooks (void)
{
  static const char *const load_order[]
      = { "outer.pre_load", "part.pre_load",  "part.post_load",
          "sub.pre_load",   "sub.post_load", "outer.post_load" };
  static const char *const places[]
      = { "byte 0: ", "byte 1: field 'part': ", "byte 2: field 'part': ",
          "byte 17: subsection 'outer/sub': ", "byte 18: subsection 'outer/sub': ", "byte 18: " };
  struct hooked h = { 1, { 2 } };
  GString *wanted = g_string_new (NULL);

  live = &h;
  trace = g_string_new (NULL);
  assert_saves (&outer, &h, OUTER);
  g_assert_cmpstr (trace->str, ==,
                   "outer.pre_save part.pre_save part.post_save sub.needed sub.pre_save "
                   "sub.post_save outer.post_save ");
  g_string_truncate (trace, 0);
  h.value = h.part.value = 0;
  assert_loads (&outer, &h, 1, OUTER);
  for (guint i = 0; i < G_N_ELEMENTS (load_order); i++)
    g_string_append_printf (wanted, "%s ", load_order[i]);
  g_string_append (wanted, "part.loaded sub.loaded outer.loaded ");
  g_assert_cmpstr (trace->str, ==, wanted->str);
  g_assert_true (h.value == 1 && h.part.value == 2);
  /* Each of them can refuse; then nothing after it is called, and nothing was changed. */
  h.value = 99;
  for (guint i = 0; i < G_N_ELEMENTS (load_order); i++)
    {
      g_autofree char *error = g_strdup_printf ("%s%s says no", places[i], load_order[i]);

      g_string_truncate (trace, 0);
      failing = load_order[i];
      assert_refused (&outer, h, 1, OUTER, error);
      g_assert_true (g_str_has_suffix (g_strchomp (trace->str), failing));
    }
  failing = "sub.pre_save";
  {
    GWT_AUTO_ERROR (err);
    struct gwt_vm_out out;

    g_string_truncate (trace, 0);
    gwt_vm_out_init (&out);
    g_assert_false (gwt_vmstate_save (schema_of (&outer), &h, NULL, &out, NULL, &err));
    g_assert_cmpstr (err.text, ==, "subsection 'outer/sub': sub.pre_save says no");
    g_assert_cmpstr (trace->str, ==,
                     "outer.pre_save part.pre_save part.post_save sub.needed sub.pre_save "
                     "outer.post_save ");
    gwt_vm_out_clear (&out);
  }
  failing = NULL;
  g_string_free (trace, TRUE);
  g_string_free (wanted, TRUE);
}

/* ---- hostile --------------------------------------------------------------------------------- */

/* All shapes at once; the pointers' targets are compared too. */
struct victim
{
  uint32_t count;
  uint8_t bytes[6];
  uint16_t *pointed; /* four */
  uint32_t *allocated;
  struct hooked_part parts[2];
  int16_t bounded;
};

static const struct gwt_vm_field plain_part_fields[] = { GWT_VM_VALUE (struct hooked_part, value) };
static const struct gwt_vmstate plain_part
    = GWT_VMSTATE (struct hooked_part, "part", 1, 1, plain_part_fields);
static const struct gwt_vm_field victim_fields[] = {
  GWT_VM_VALUE (struct victim, count, .max = 4),
  GWT_VM_BYTES (struct victim, bytes),
  GWT_VM_POINTED_COUNTED (struct victim, pointed, count),
  GWT_VM_ALLOCATED (struct victim, allocated, count, 4),
  GWT_VM_NESTED_ARRAY (struct victim, parts, struct hooked_part, &plain_part),
  GWT_VM_VALUE (struct victim, bounded, .min = (uint64_t) -3, .max = 3),
};
static const struct gwt_vmstate victim = GWT_VMSTATE (struct victim, "victim", 1, 1, victim_fields);

/* Each prefix is refused and changes nothing; each bit that is flipped is either taken, and then
   saved again as it came, or refused. */
static void
test_hostile (void)
{
  uint16_t pointed[4] = { 1, 2, 3, 4 }, pointed_2[4];
  uint32_t allocated[4] = { 5, 6, 7, 8 };
  struct victim v
      = { 4, { 1, 2, 3, 4, 5, 6 }, pointed, allocated, { { 1 }, { 2 } }, -3 };
  GByteArray *good = save (&victim, &v, NULL);
  guint taken = 0, refused = 0;

  for (guint size = 0; size < good->len; size++)
    {
      struct victim before = v;
      g_autofree char *error = load_bytes (&victim, &v, 1, good->data, size);

      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error, "the stream ends at byte "));
      g_assert_cmpmem (&before, sizeof (v), &v, sizeof (v));
    }
  for (guint bit = 0; bit < good->len * 8; bit++)
    {
      struct victim t = { .count = 4, .pointed = pointed_2, .allocated = malloc (16) };
      struct victim before = t;
      char *error;

      memset (pointed_2, 0, sizeof (pointed_2));
      good->data[bit / 8] ^= (guint8) (1u << bit % 8);
      error = load_bytes (&victim, &t, 1, good->data, good->len);
      if (error == NULL)
        {
          GByteArray *again = save (&victim, &t, NULL);

          g_assert_cmpmem (again->data, again->len, good->data, good->len);
          g_byte_array_unref (again);
          taken++;
        }
      else
        {
          g_assert_cmpmem (&before, sizeof (t), &t, sizeof (t));
          g_assert_cmpuint (pointed_2[0], ==, 0);
          refused++;
        }
      g_free (error);
      free (t.allocated);
      good->data[bit / 8] ^= (guint8) (1u << bit % 8);
    }
  /* 32 of the count's, and those of `bounded` that leave the range. */
  g_assert_cmpuint (refused, ==, 32 + 15);
  g_assert_cmpuint (taken + refused, ==, good->len * 8);
  g_byte_array_unref (good);
}

/* A source that gives a byte at a time, and one that fails. */
static gssize
drip (void *opaque, uint8_t *buffer, gsize size, struct gwt_error *err)
{
  GByteArray *bytes = opaque;

  (void) size;
  if (bytes->len == 0)
    {
      gwt_error_set (err, GWT_E_IO, "the connection is gone");
      return -1;
    }
  buffer[0] = bytes->data[0];
  g_byte_array_remove_index (bytes, 0);
  return 1;
}

static void
test_source (void)
{
  GWT_AUTO_ERROR (err);
  struct owner o = { 0 };
  GByteArray *bytes = unhex ("01 " EXTRA "00000002 02 " INNER "00000001 04 7e 00000000 01");
  struct gwt_vm_in *in = gwt_vm_in_new (drip, bytes);
  struct gwt_stage *stage = gwt_vmstate_load (schema_of (&owner), &o, NULL, 1, in, &err);
  uint64_t footer;

  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_true (gwt_stage_commit (stage, &err));
  g_assert_true (o.base == 1 && o.extra == 2 && o.inner == 4);
  g_assert_true (gwt_vm_get_be (in, 1, &footer, &err) && footer == 0x7e);
  /* Not a byte more was asked for than there had to be. */
  g_assert_cmpuint (bytes->len, ==, 5);
  /* It reads on, until the connection is gone. */
  g_assert_true (gwt_vm_get (in, NULL, 4, &err));
  stage = gwt_vmstate_load (schema_of (&owner), &o, NULL, 1, in, &err);
  g_assert_null (stage);
  g_assert_cmpstr (err.text, ==, "byte 1: the connection is gone");
  gwt_vm_in_free (in);
  g_byte_array_unref (bytes);
}

/* Which bytes of a struct a schema accounts for; structs inside count member by member. */
static void
test_covered (void)
{
  g_autofree uint8_t *covered = gwt_schema_covered (schema_of (&owner));
  g_autofree uint8_t *parts = gwt_schema_covered (schema_of (&victim));

  g_assert_true (covered[offsetof (struct owner, base)] && covered[offsetof (struct owner, more)]);
  g_assert_true (covered[offsetof (struct owner, inner)]);
  g_assert_false (covered[offsetof (struct owner, nested)]);
  g_assert_true (parts[offsetof (struct victim, parts)]
                 && parts[offsetof (struct victim, parts) + 1]);
  g_assert_true (parts[offsetof (struct victim, allocated) + 7]);
  /* Padding. */
  g_assert_false (parts[sizeof (struct victim) - 1]);
}

/* ---- schemas that are wrong ------------------------------------------------------------------ */

struct wrong
{
  uint32_t count;
  double real;
  uint32_t values[4];
  uint32_t *pointer;
};

static void
refuse_field (struct gwt_vm_field field, const char *why)
{
  GWT_AUTO_ERROR (err);
  struct gwt_vm_field *fields = g_memdup2 (&field, sizeof (field));
  struct gwt_vmstate *wrong = g_new0 (struct gwt_vmstate, 1);
  g_autofree char *text = g_strdup_printf ("schema 'wrong': field '%s': %s",
                                           field.name ? field.name : "", why);

  *wrong = (struct gwt_vmstate){ .struct_size = sizeof (*wrong),
                                 .name = "wrong",
                                 .version = 1,
                                 .minimum = 1,
                                 .size = sizeof (struct wrong),
                                 .fields = fields,
                                 .field_size = sizeof (field),
                                 .n_fields = 1 };
  g_assert_null (gwt_schema_of (wrong, &err));
  g_assert_cmpstr (err.text, ==, text);
  g_free (wrong);
  g_free (fields);
}

#define FIELD(...) ((struct gwt_vm_field) __VA_ARGS__)

static void
test_schemas (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_vm_field f;
  struct gwt_vmstate bad = versions;
  static const struct gwt_vmstate stranger
      = GWT_VMSTATE (struct versions, "stranger", 3, 1, versions_fields);
  static const struct gwt_vmstate *const strangers[] = { &stranger, NULL };

  f = FIELD (GWT_VM_VALUE (struct wrong, count));
  f.name = NULL;
  refuse_field (f, "it has no name");
  f = FIELD (GWT_VM_VALUE (struct wrong, count));
  f.offset = sizeof (struct wrong) - 3;
  refuse_field (f, "it lies outside the struct");
  f = FIELD (GWT_VM_VALUE (struct wrong, count, .version = 2));
  refuse_field (f, "it belongs to a version that is not sent yet");
  f = FIELD (GWT_VM_VALUE (struct wrong, count));
  f.wire = GWT_F64;
  refuse_field (f, "only integers are sent as another kind");
  f = FIELD (GWT_VM_VALUE_AT_MOST (struct wrong, count));
  refuse_field (f, "at most is for signed integers");
  f = FIELD (GWT_VM_ARRAY_COUNTED (struct wrong, values, real));
  refuse_field (f, "its count is no integer");
  f = FIELD (GWT_VM_ARRAY_COUNTED (struct wrong, values, count));
  f.count_offset = sizeof (struct wrong);
  refuse_field (f, "its count lies outside the struct");
  f.count_offset = 0;
  f.elems = 5 + sizeof (struct wrong);
  refuse_field (f, "it lies outside the struct");
  f = FIELD (GWT_VM_ALLOCATED (struct wrong, pointer, count, 0));
  refuse_field (f, "what is allocated is behind a pointer and has a highest count");
  f = FIELD (GWT_VM_ALLOCATED (struct wrong, pointer, count, 1 << 25));
  refuse_field (f, "it may have more elements than any field may");
  f = FIELD (GWT_VM_VALUE (struct wrong, count));
  f.form = 999;
  refuse_field (f, "its form is not known here");
  f.form = GWT_VM_STRUCT;
  refuse_field (f, "it has no schema");
  f.schema = &versions;
  refuse_field (f, "its schema describes another struct");
  f = FIELD (GWT_VM_VALUE (struct wrong, count));
  f.flags = 1u << 30;
  refuse_field (f, "its flags are not all known here");
  f = FIELD (GWT_VM_VALID ("check", is_old));
  f.exists = NULL;
  refuse_field (f, "a check has no function");

  bad.minimum = 4;
  g_assert_null (gwt_schema_of (&bad, &err));
  g_assert_cmpstr (err.text, ==, "schema 'versions': minimum version 4 is above version 3");
  gwt_error_clear (&err);
  bad = versions;
  bad.subsections = strangers;
  g_assert_null (gwt_schema_of (&bad, &err));
  g_assert_cmpstr (err.text, ==,
                   "schema 'versions': subsection 'stranger' of 'versions': the name does not "
                   "extend its owner's; begin it with 'versions/'");
  gwt_error_clear (&err);
  bad = versions;
  bad.field_size = 16;
  g_assert_null (gwt_schema_of (&bad, &err));
  g_assert_nonnull (strstr (err.text, "build it again with this release's headers"));
}

/* ---- the helper that tests of devices share -------------------------------------------------- */

struct prey
{
  uint8_t kind;
  uint8_t level;
  uint8_t *behind;
};

static uint32_t
always (const void *self)
{
  (void) self;
  return 1;
}

static int
get_behind (void *member, const struct gwt_vm_field *f, struct gwt_vm_in *in, struct gwt_error *err)
{
  (void) f;
  (void) in;
  (void) err;
  **(uint8_t **) member += 1;
  return 0;
}

static int
put_behind (const void *member, const struct gwt_vm_field *f, struct gwt_vm_out *out,
            struct gwt_error *err)
{
  (void) f;
  (void) err;
  gwt_vm_put (out, *(uint8_t *const *) member, 1);
  return 0;
}

static int
skip_behind (void *member, const struct gwt_vm_field *f, struct gwt_vm_in *in,
             struct gwt_error *err)
{
  (void) member;
  (void) f;
  return gwt_vm_get (in, NULL, 1, err) ? 0 : -1;
}

static void
grows (void *self, uint32_t version)
{
  (void) version;
  ((struct prey *) self)->level++;
}

static const struct gwt_vm_custom behind
    = { .struct_size = sizeof (behind), .type = "x", .put = put_behind, .get = skip_behind };
static const struct gwt_vm_custom behind_touched
    = { .struct_size = sizeof (behind), .type = "x", .put = put_behind, .get = get_behind };
static const struct gwt_vm_field prey_fields[] = {
  GWT_VM_OWN (struct prey, behind, &behind),
  GWT_VM_VALUE (struct prey, kind, .max = 2),
};
static const struct gwt_vm_field prey_level[] = { GWT_VM_VALUE (struct prey, level) };
static const struct gwt_vmstate prey_sub
    = GWT_VMSTATE (struct prey, "prey/level", 1, 1, prey_level, .needed = always);
static const struct gwt_vmstate *const prey_subs[] = { &prey_sub, NULL };
static const struct gwt_vmstate prey
    = GWT_VMSTATE (struct prey, "prey", 1, 1, prey_fields, .subsections = prey_subs);
static const struct gwt_vmstate prey_grows
    = GWT_VMSTATE (struct prey, "prey", 1, 1, prey_fields, .subsections = prey_subs,
                   .loaded = grows);
static const struct gwt_vm_field prey_touched_fields[] = {
  GWT_VM_OWN (struct prey, behind, &behind_touched),
  GWT_VM_VALUE (struct prey, kind, .max = 2),
};
static const struct gwt_vmstate prey_touched
    = GWT_VMSTATE (struct prey, "prey", 1, 1, prey_touched_fields);

static void
test_helper (void)
{
  uint8_t far = 7;
  struct prey v = { 1, 3, &far };
  GByteArray *bytes = save (&prey, &v, NULL);

  g_assert_cmpuint (bytes->len, ==, 19);
  check_hostile (&prey, &v, NULL, bytes);
  g_byte_array_unref (bytes);
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess ("/vmstate/helper/grows", 0, 0);
      g_test_trap_assert_failed ();
      g_test_trap_assert_stderr ("*is taken, and saved differently after the next load*");
      g_test_trap_subprocess ("/vmstate/helper/touched", 0, 0);
      g_test_trap_assert_failed ();
      g_test_trap_assert_stderr ("*is refused (*), and the device is not as it was*");
    }
}

static void
test_helper_grows (void)
{
  uint8_t far = 7;
  struct prey v = { 1, 3, &far };
  GByteArray *bytes = save (&prey, &v, NULL);

  if (g_test_subprocess ())
    check_hostile (&prey_grows, &v, NULL, bytes);
  g_byte_array_unref (bytes);
}

static void
test_helper_touched (void)
{
  uint8_t far = 7;
  struct prey v = { 1, 3, &far };
  GByteArray *bytes = unhex ("01");

  if (g_test_subprocess ())
    check_hostile (&prey_touched, &v, NULL, bytes);
  g_byte_array_unref (bytes);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmstate/versions", test_versions);
  g_test_add_func ("/vmstate/when", test_when);
  g_test_add_func ("/vmstate/subsection-when", test_subsection_when);
  g_test_add_func ("/vmstate/subsections", test_subsections);
  g_test_add_func ("/vmstate/hooks", test_hooks);
  g_test_add_func ("/vmstate/hostile", test_hostile);
  g_test_add_func ("/vmstate/source", test_source);
  g_test_add_func ("/vmstate/covered", test_covered);
  g_test_add_func ("/vmstate/schemas", test_schemas);
  g_test_add_func ("/vmstate/helper", test_helper);
  g_test_add_func ("/vmstate/helper/grows", test_helper_grows);
  g_test_add_func ("/vmstate/helper/touched", test_helper_touched);
  return g_test_run ();
}
