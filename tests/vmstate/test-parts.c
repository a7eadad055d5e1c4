/* SPDX-License-Identifier: BSD-2-Clause */
/* The codec: sections that a device reads itself, structs of its parents inside a field of its own,
   and arrays of pointers whose elements come and go. */
#include "config.h"
#include "tests/vmstate/hostile.h"
#include <stdlib.h>
#include "core/util/extension.h"

static const struct gwt_vmstate_api *api;

/* ---- a part in a custom field ---------------------------------------------------------------- */

/* What another plugin's part of the device is. */
struct base
{
  uint8_t level;
  uint16_t extra; /* in a subsection */
  uint32_t handle;
  uint32_t loaded_calls, level_before;
};

struct card
{
  struct base *base;
  uint8_t own;
  uint32_t sum; /* follows from both */
  uint8_t *shadow; /* allocated while it is read, a copy of own */
};

static uint32_t
has_extra (const void *self)
{
  return ((const struct base *) self)->extra != 0;
}

static void
base_loaded (void *self, uint32_t version)
{
  struct base *base = self;

  g_assert_cmpuint (version, ==, 2);
  base->loaded_calls++;
}

static void
base_loading (void *self)
{
  struct base *base = self;

  /* Nothing has been written yet. */
  base->level_before = base->level;
  g_assert_cmpuint (base->loaded_calls, ==, 0);
}

static const struct gwt_vm_field base_fields[] = { GWT_VM_VALUE (struct base, level, .max = 9) };
static const struct gwt_vm_field extra_fields[] = { GWT_VM_VALUE (struct base, extra) };
static const struct gwt_vmstate base_extra
    = GWT_VMSTATE (struct base, "base/extra", 1, 1, extra_fields, .needed = has_extra);
static const struct gwt_vmstate *const base_subsections[] = { &base_extra, NULL };
static const struct gwt_vmstate base_state
    = GWT_VMSTATE (struct base, "base", 2, 1, base_fields, .subsections = base_subsections,
                   .loaded = base_loaded, .loading = base_loading);

static uint8_t **live_shadow;

static int
card_put (const void *member, const struct gwt_vm_field *field, struct gwt_vm_out *out,
          struct gwt_error *err)
{
  const struct card *card = member;

  (void) field;
  if (api->put_state (out, &base_state, card->base, err) != 0)
    return -1;
  api->put_be (out, 1, card->own);
  return 0;
}

static int
card_get (void *member, const struct gwt_vm_field *field, struct gwt_vm_in *in,
          struct gwt_error *err)
{
  struct card *card = member;
  struct base *base = api->get_state (in, &base_state, card->base, err);
  uint8_t *shadow;
  uint64_t value;

  (void) field;
  if (base == NULL || api->get_be (in, 1, &value, err) != 0)
    return -1;
  g_assert_true (base != card->base);
  card->own = (uint8_t) value;
  card->sum = base->level + card->own;
  shadow = api->alloc (in, 1, err);
  if (shadow == NULL)
    return -1;
  *shadow = card->own;
  return api->commit_later (in, live_shadow, &shadow, sizeof (shadow), err);
}

static const struct gwt_vm_custom card_custom
    = { sizeof (card_custom), "card", card_put, card_get };
static const struct gwt_vm_field card_fields[] = {
  GWT_VM_OWN_PART ("card", &card_custom),
  GWT_VM_COMPUTED (struct card, own),
  GWT_VM_COMPUTED (struct card, sum),
};
static const struct gwt_vm_field card_late_fields[] = { GWT_VM_VALUE (struct card, own) };
static const struct gwt_vmstate card_late
    = GWT_VMSTATE (struct card, "base-card/late", 1, 1, card_late_fields);
static const struct gwt_vmstate *const card_subsections[] = { &card_late, NULL };
/* The name begins with that of the part, which does not take its subsections for all that. */
static const struct gwt_vmstate card_state
    = GWT_VMSTATE (struct card, "base-card", 1, 1, card_fields, .subsections = card_subsections);

#define EXTRA "05 0a 626173652f6578747261 00000001 1234"
#define LATE "05 0e 626173652d636172642f6c617465 00000001 07"

static void
test_part (void)
{
  struct base base = { 5, 0x1234, 77, 0, 0 }, base_2 = { 1, 2, 3, 0, 0 };
  struct card card = { &base, 7, 12, NULL }, card_2 = { &base_2, 0, 0, NULL };
  struct base before = base_2;
  g_autofree char *text = NULL;

  live_shadow = &card_2.shadow;
  assert_saves (&card_state, &card, "05" EXTRA "07" LATE);
  g_byte_array_unref (save (&card_state, &card, &text));
  g_assert_nonnull (strstr (text, "\"fields\": [{\"name\": \"card\", \"type\": \"card\", \"size\": "
                                  "20}]"));
  assert_refused (&card_state, card_2, 1, "0a" EXTRA "07" LATE,
                  "byte 1: field 'card': 'base': field 'level': 10 is above 9");
  assert_refused (&card_state, card_2, 1, "05" EXTRA,
                  "byte 19: field 'card': the stream ends at byte 19, 1 bytes too early");
  /* What was read of the part before is not in it either. */
  g_assert_cmpmem (&base_2, sizeof (base_2), &before, sizeof (before));
  assert_loads (&card_state, &card_2, 1, "05" EXTRA "07" LATE);
  g_assert_true (base_2.level == 5 && base_2.extra == 0x1234 && base_2.handle == 3);
  g_assert_true (base_2.level_before == 1 && card_2.shadow && *card_2.shadow == 7);
  free (card_2.shadow);
  g_assert_true (base_2.loaded_calls == 1 && card_2.base == &base_2);
  g_assert_true (card_2.own == 7 && card_2.sum == 12);
}

/* ---- a section of its own -------------------------------------------------------------------- */

struct modem
{
  char name[8];
  uint32_t loaded_version;
  uint32_t handle;
};

static int
modem_save (const void *self, struct gwt_vm_out *out, struct gwt_error *err)
{
  const struct modem *m = self;

  if (m->name[0] == '!')
    {
      gwt_error_set (err, GWT_E_BUSY, "it is on the line; hang up first");
      return -1;
    }
  api->put_be (out, 1, strlen (m->name));
  api->put (out, m->name, strlen (m->name));
  return 0;
}

static int
modem_load (void *self, uint32_t version, struct gwt_vm_in *in, struct gwt_error *err)
{
  struct modem *m = self;
  uint64_t size;

  memset (m->name, 0, sizeof (m->name));
  m->handle = 0xdead;
  if (version == 3)
    return 0;
  if (api->get_be (in, 1, &size, err) != 0)
    return -1;
  if (size >= sizeof (m->name))
    {
      gwt_error_set (err, GWT_E_RANGE, "a name of %u bytes", (unsigned) size);
      return -1;
    }
  return api->get (in, m->name, size, err);
}

static void
modem_loaded (void *self, uint32_t version)
{
  ((struct modem *) self)->loaded_version = version;
}

static const struct gwt_vm_field modem_fields[] = { GWT_VM_COMPUTED (struct modem, name) };
static const struct gwt_vmstate modem_state
    = GWT_VMSTATE (struct modem, "modem", 4, 3, modem_fields, .save = modem_save,
                   .load = modem_load, .loaded = modem_loaded);

static void
test_opaque (void)
{
  struct modem a = { "hayes", 0, 1 }, b = { "other", 0, 2 };
  g_autofree char *text = NULL;

  assert_saves (&modem_state, &a, "05 6861796573");
  g_byte_array_unref (save (&modem_state, &a, &text));
  g_assert_cmpstr (text, ==,
                   "\"size\": 6, \"fields\": [{\"name\": \"data\", \"size\": 6, "
                   "\"type\": \"buffer\"}]");
  assert_refused (&modem_state, b, 4, "05 68617965",
                  "byte 5: the stream ends at byte 5, 1 bytes too early");
  assert_refused (&modem_state, b, 4, "09 686179657368617965", "byte 1: a name of 9 bytes");
  assert_refused (&modem_state, b, 5, "00",
                  "byte 0: version 5 of 'modem' cannot be read here; versions 3 to 4 can");
  assert_loads (&modem_state, &b, 4, "05 6861796573");
  /* What no row names is not written, though the function set it in its copy. */
  g_assert_true (strcmp (b.name, "hayes") == 0 && b.handle == 2 && b.loaded_version == 4);
  assert_loads (&modem_state, &b, 3, "");
  g_assert_true (b.name[0] == '\0' && b.loaded_version == 3);
}

static void
test_opaque_refuses (void)
{
  GWT_AUTO_ERROR (err);
  struct modem a = { "!", 0, 1 };
  struct gwt_vm_out out;

  gwt_vm_out_init (&out);
  g_assert_false (gwt_vmstate_save (schema_of (&modem_state), &a, NULL, &out, NULL, &err));
  g_assert_cmpstr (err.text, ==, "it is on the line; hang up first");
  gwt_vm_out_clear (&out);
}

/* ---- pointers that come and go --------------------------------------------------------------- */

struct spot
{
  uint8_t x;
};

struct board
{
  struct spot *spots[4];
};

static const struct gwt_vm_field spot_fields[] = { GWT_VM_VALUE (struct spot, x, .max = 200) };
static const struct gwt_vmstate spot = GWT_VMSTATE (struct spot, "spot", 1, 1, spot_fields);
static const struct gwt_vm_field board_fields[]
    = { GWT_VM_NESTED_POINTERS_ALLOCATED (struct board, spots, struct spot, &spot) };
static const struct gwt_vmstate board = GWT_VMSTATE (struct board, "board", 1, 1, board_fields);

static void
test_pointers (void)
{
  struct spot one = { 1 }, three = { 3 }, *old = malloc (sizeof (*old));
  struct board a = { { &one, NULL, &three, NULL } }, b = { { NULL, malloc (8), old, NULL } };
  g_autofree char *text = NULL;
  guint i;

  b.spots[1]->x = 8;
  old->x = 9;
  assert_saves (&board, &a, "3101 30 3103 30");
  g_byte_array_unref (save (&board, &a, &text));
  g_assert_cmpstr (
      text, ==,
      "\"vmsd_name\": \"board\", \"version\": 1, \"fields\": ["
      "{\"name\": \"spots\", \"type\": \"ptr-marker\", \"size\": 1}, "
      "{\"name\": \"spots\", \"type\": \"struct\", \"struct\": {\"vmsd_name\": \"spot\", "
      "\"version\": 1, \"fields\": [{\"name\": \"x\", \"type\": \"uint8\", \"size\": 1}]}, "
      "\"size\": 1}, "
      "{\"name\": \"spots\", \"type\": \"ptr-marker\", \"size\": 1}, "
      "{\"name\": \"spots\", \"type\": \"ptr-marker\", \"size\": 1}, "
      "{\"name\": \"spots\", \"type\": \"struct\", \"struct\": {\"vmsd_name\": \"spot\", "
      "\"version\": 1, \"fields\": [{\"name\": \"x\", \"type\": \"uint8\", \"size\": 1}]}, "
      "\"size\": 1}, "
      "{\"name\": \"spots\", \"type\": \"ptr-marker\", \"size\": 1}]");
  assert_refused (&board, b, 1, "3101 32 3103 30",
                  "byte 3: field 'spots': element 1: 0x32 is no marker of an element");
  assert_refused (&board, b, 1, "3101 30 31ff 30",
                  "byte 5: field 'spots': element 2: field 'x': 255 is above 200");
  assert_refused (&board, b, 1, "3101 30 3103",
                  "byte 5: field 'spots': element 3: the stream ends at byte 5, 1 bytes too early");
  g_assert_true (b.spots[2] == old && old->x == 9);
  assert_loads (&board, &b, 1, "3101 30 3103 30");
  g_assert_true (b.spots[0]->x == 1 && b.spots[1] == NULL && b.spots[2]->x == 3 && !b.spots[3]);
  for (i = 0; i < 4; i++)
    free (b.spots[i]);
}

/* ---- what no schema may say ------------------------------------------------------------------ */

static void
assert_wrong (const struct gwt_vmstate *vmstate, const char *why)
{
  GWT_AUTO_ERROR (err);

  g_assert_null (gwt_schema_of (vmstate, &err));
  g_assert_cmpstr (err.text, ==, why);
}

static void
test_wrong (void)
{
  static const struct gwt_vmstate half
      = GWT_VMSTATE (struct modem, "half", 1, 1, modem_fields, .save = modem_save);
  static const struct gwt_vm_field both_fields[] = { GWT_VM_VALUE (struct modem, handle) };
  static const struct gwt_vmstate both = GWT_VMSTATE (struct modem, "both", 1, 1, both_fields,
                                                      .save = modem_save, .load = modem_load);
  static const struct gwt_vmstate *const subs[] = { &modem_state, NULL };
  static const struct gwt_vmstate with_subs
      = GWT_VMSTATE (struct modem, "subs", 1, 1, modem_fields, .save = modem_save,
                     .load = modem_load, .subsections = subs);

  assert_wrong (&half, "schema 'half': `save` and `load` belong together");
  assert_wrong (&both,
                "schema 'both': field 'handle': a section with `save` and `load` has computed "
                "members alone");
  assert_wrong (&with_subs, "schema 'subs': with `save` there are no subsections");
}

/* ---- a shape of its own ---------------------------------------------------------------------- */

struct spring
{
  uint32_t milli; /* one number here, two on the wire */
  uint8_t own;
};

struct spring_wire
{
  struct spring *parent;
  uint8_t whole;
  uint16_t rest;
};

static int
spring_pre_save (void *self, struct gwt_error *err)
{
  struct spring_wire *w = self;

  if (w->parent->milli >= 256000)
    {
      gwt_error_set (err, GWT_E_RANGE, "%u is too long", w->parent->milli);
      return -1;
    }
  w->whole = (uint8_t) (w->parent->milli / 1000);
  w->rest = (uint16_t) (w->parent->milli % 1000);
  return 0;
}

static int
spring_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct spring_wire *w = self;

  (void) version;
  (void) err;
  w->parent->milli = w->whole * 1000u + w->rest;
  return 0;
}

static void
test_as (void)
{
  static const struct gwt_vm_field wire_fields[]
      = { GWT_VM_VALUE (struct spring_wire, whole),
          GWT_VM_VALUE (struct spring_wire, rest, .max = 999) };
  static const struct gwt_vmstate wire
      = GWT_VMSTATE (struct spring_wire, "wire", 1, 1, wire_fields, .pre_save = spring_pre_save,
                     .post_load = spring_post_load);
  static const struct gwt_vm_field fields[]
      = { GWT_VM_AS (struct spring, struct spring_wire, &wire), GWT_VM_VALUE (struct spring, own),
          GWT_VM_COMPUTED (struct spring, milli) };
  static const struct gwt_vmstate state = GWT_VMSTATE (struct spring, "spring", 1, 1, fields);
  static const struct gwt_vmstate extra
      = GWT_VMSTATE (struct spring_wire, "wire/extra", 1, 1, wire_fields);
  static const struct gwt_vmstate *const extras[] = { &extra, NULL };
  static const struct gwt_vmstate with_extra
      = GWT_VMSTATE (struct spring_wire, "wire", 1, 1, wire_fields, .subsections = extras);
  static const struct gwt_vm_field wrong_fields[]
      = { GWT_VM_AS (struct spring, struct spring_wire, &with_extra) };
  static const struct gwt_vmstate wrong = GWT_VMSTATE (struct spring, "wrong", 1, 1, wrong_fields);
  GWT_AUTO_ERROR (err);
  struct spring s = { 12345, 6 };
  struct gwt_vm_out out;
  g_autofree char *text = NULL;
  GByteArray *bytes = save (&state, &s, &text);

  assert_saves (&state, &s, "0c 0159 06");
  g_assert_cmpstr (text, ==,
                   "\"vmsd_name\": \"spring\", \"version\": 1, \"fields\": ["
                   "{\"name\": \"whole\", \"type\": \"uint8\", \"size\": 1}, "
                   "{\"name\": \"rest\", \"type\": \"uint16\", \"size\": 2}, "
                   "{\"name\": \"own\", \"type\": \"uint8\", \"size\": 1}]");
  assert_loads (&state, &s, 1, "02 0003 04");
  g_assert_true (s.milli == 2003 && s.own == 4);
  assert_refused (&state, s, 1, "02 03e8 04", "byte 3: field 'rest': 1000 is above 999");
  check_hostile (&state, &s, NULL, bytes);
  g_byte_array_unref (bytes);
  s.milli = 256000;
  gwt_vm_out_init (&out);
  g_assert_false (gwt_vmstate_save (schema_of (&state), &s, NULL, &out, NULL, &err));
  g_assert_cmpstr (err.text, ==, "256000 is too long");
  gwt_vm_out_clear (&out);
  assert_wrong (&wrong,
                "schema 'wrong': field 'struct spring_wire': it is inline, and its schema is "
                "not of fields alone");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gwt_vmstate_register_extensions ();
  api = gwt_extension_find (GWT_VMSTATE_EXT);
  g_test_add_func ("/vmstate/part", test_part);
  g_test_add_func ("/vmstate/opaque", test_opaque);
  g_test_add_func ("/vmstate/opaque-refuses", test_opaque_refuses);
  g_test_add_func ("/vmstate/pointers-come-and-go", test_pointers);
  g_test_add_func ("/vmstate/wrong-schemas", test_wrong);
  g_test_add_func ("/vmstate/as", test_as);
  return g_test_run ();
}
