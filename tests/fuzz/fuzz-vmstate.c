/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the payload of a section whose schema has every shape.  What is refused has changed
 * nothing, also not behind pointers; what is taken is saved, loaded and saved again alike.
 */
#include "config.h"
#include <stdlib.h>
#include "core/util/extension.h"
#include "core/vmstate/vmstate.h"
#include "tests/fuzz/claims.h"

const char *const fuzz_tokens[] = { "\x05", "\x05\x0a" "thing/more", "\x05\x0b" "thing/extra", "0",
                                    "\xff\xff\xff\xff", "\x7f\xff\xff\xff", NULL };

struct part
{
  uint8_t a;
  int16_t b;
};

struct link
{
  struct link *next;
  uint32_t value;
  uint8_t *data;
  uint8_t size;
};

struct thing
{
  bool flag;
  uint8_t n;
  int32_t count;
  uint32_t bits;
  int32_t most;
  uint16_t equal;
  uint16_t inline_values[6];
  uint32_t *behind; /* three */
  uint32_t *allocated;
  uint8_t bytes[5];
  uint64_t map[3];
  struct part part, parts[4];
  struct part *one;
  struct part *each[3];
  struct link *links;
  uint32_t more, extra;
  struct part *come_and_go[2];
  struct part *other;
  uint8_t seen;
};

static const struct gwt_vmstate_api *api;

static const struct gwt_vm_field part_fields[] = {
  GWT_VM_VALUE (struct part, a, .max = 200),
  GWT_VM_VALUE (struct part, b, .version = 2),
};
static const struct gwt_vmstate part = GWT_VMSTATE (struct part, "part", 2, 1, part_fields);

static int
opaque_save (const void *self, struct gwt_vm_out *out, struct gwt_error *err)
{
  (void) err;
  api->put_be (out, 2, (uint16_t) ((const struct part *) self)->b);
  return 0;
}

static int
opaque_load (void *self, uint32_t version, struct gwt_vm_in *in, struct gwt_error *err)
{
  uint64_t b;

  (void) version;
  if (api->get_be (in, 2, &b, err) != 0 || b > 0x7fff)
    return -1;
  ((struct part *) self)->b = (int16_t) b;
  return 0;
}

static const struct gwt_vm_field opaque_fields[] = { GWT_VM_COMPUTED (struct part, b) };
static const struct gwt_vmstate opaque = GWT_VMSTATE (
    struct part, "opaque", 1, 1, opaque_fields, .save = opaque_save, .load = opaque_load);

static void *
first (const void *head)
{
  return *(struct link *const *) head;
}

static void *
next (const void *element)
{
  return ((const struct link *) element)->next;
}

static void
clear (void *head)
{
  struct link **at = head, *following;

  for (; *at; *at = following)
    {
      following = (*at)->next;
      free ((*at)->data);
      free (*at);
    }
}

static int
append (void *head, const void *element)
{
  struct link **at = head, *copy = malloc (sizeof (*copy));

  memcpy (copy, element, sizeof (*copy));
  copy->next = NULL;
  while (*at)
    at = &(*at)->next;
  *at = copy;
  return 0;
}

static const struct gwt_vm_list list
    = { sizeof (list), "qtailq", sizeof (struct link), 5, first, next, clear, append };
static const struct gwt_vm_field link_fields[] = {
  GWT_VM_VALUE (struct link, value),
  GWT_VM_VALUE (struct link, size),
  GWT_VM_BYTES_ALLOCATED (struct link, data, size, 100),
};
static const struct gwt_vmstate link_schema = GWT_VMSTATE (struct link, "link", 1, 1, link_fields);

static uint32_t
is_flagged (const void *self, uint32_t version)
{
  (void) version;
  return ((const struct thing *) self)->flag;
}

static uint32_t
has_more (const void *self)
{
  return ((const struct thing *) self)->more != 0;
}

static const struct gwt_vm_field more_fields[]
    = { GWT_VM_VALUE (struct thing, more),
        GWT_VM_VALUE (struct thing, extra, .exists = is_flagged) };
static const struct gwt_vmstate more
    = GWT_VMSTATE (struct thing, "thing/more", 1, 1, more_fields, .needed = has_more);
static const struct gwt_vmstate *const subsections[] = { &more, NULL };

/* A struct elsewhere, and one whose bytes are its own business. */
static int
other_put (const void *self, const struct gwt_vm_field *field, struct gwt_vm_out *out,
           struct gwt_error *err)
{
  const struct thing *thing = self;

  (void) field;
  return api->put_state (out, &part, thing->other, err) != 0
                 || api->put_state (out, &opaque, thing->other, err) != 0
             ? -1
             : 0;
}

static int
other_get (void *self, const struct gwt_vm_field *field, struct gwt_vm_in *in,
           struct gwt_error *err)
{
  struct thing *thing = self;
  struct part *staged = api->get_state (in, &part, thing->other, err);

  (void) field;
  if (staged == NULL)
    return -1;
  thing->seen = staged->a;
  return api->get_state (in, &opaque, thing->other, err) != NULL ? 0 : -1;
}

static const struct gwt_vm_custom other_custom
    = { sizeof (other_custom), "other", other_put, other_get };

static const struct gwt_vm_field fields[] = {
  GWT_VM_VALUE (struct thing, flag),
  GWT_VM_VALUE (struct thing, n),
  GWT_VM_VALUE (struct thing, count),
  GWT_VM_VALUE (struct thing, bits),
  GWT_VM_VALUE_AT_MOST (struct thing, most),
  GWT_VM_VALUE_EQUAL (struct thing, equal),
  GWT_VM_ARRAY_COUNTED (struct thing, inline_values, n),
  GWT_VM_POINTED_COUNTED (struct thing, behind, n),
  GWT_VM_ALLOCATED (struct thing, allocated, count, 40, .scale = 2),
  GWT_VM_BYTES (struct thing, bytes, .exists = is_flagged),
  GWT_VM_BITS (struct thing, map, bits),
  GWT_VM_NOTHING (2),
  GWT_VM_NESTED (struct thing, part, struct part, &part),
  GWT_VM_NESTED_COUNTED (struct thing, parts, n, struct part, &part),
  GWT_VM_NESTED_POINTED (struct thing, one, struct part, &part),
  GWT_VM_NESTED_POINTERS (struct thing, each, struct part, &part),
  GWT_VM_CHAIN (struct thing, links, &list, &link_schema),
  GWT_VM_NESTED_POINTERS_ALLOCATED (struct thing, come_and_go, struct part, &part),
  GWT_VM_OWN_PART ("other", &other_custom),
  GWT_VM_COMPUTED (struct thing, seen),
};
static const struct gwt_vmstate schema
    = GWT_VMSTATE (struct thing, "thing", 3, 2, fields, .subsections = subsections);

struct world
{
  struct thing thing;
  uint32_t behind[3];
  struct part one, first, third, other;
};

static void
world_init (struct world *w)
{
  memset (w, 0, sizeof (*w));
  w->thing = (struct thing){ .n = 3,
                             .most = 10,
                             .equal = 0x0101,
                             .behind = w->behind,
                             .one = &w->one,
                             .other = &w->other,
                             .each = { &w->first, NULL, &w->third } };
}

static void
world_clear (struct world *w)
{
  clear (&w->thing.links);
  free (w->thing.allocated);
  free (w->thing.come_and_go[0]);
  free (w->thing.come_and_go[1]);
}

static GByteArray *
saved (const struct gwt_schema *s, struct world *w)
{
  GWT_AUTO_ERROR (err);
  struct gwt_vm_out out;

  gwt_vm_out_init (&out);
  FUZZ_CLAIM (gwt_vmstate_save (s, &w->thing, NULL, &out, NULL, &err));
  return out.bytes;
}

static bool
loaded (const struct gwt_schema *s, struct world *w, const uint8_t *data, size_t size,
        uint64_t *used)
{
  GWT_AUTO_ERROR (err);
  struct gwt_vm_in *in = gwt_vm_in_new_data (data, size);
  struct gwt_stage *stage = gwt_vmstate_load (s, &w->thing, NULL, 3, in, &err);

  fuzz_claim_error (stage != NULL, &err);
  *used = in->offset;
  gwt_vm_in_free (in);
  return stage != NULL && gwt_stage_commit (stage, &err);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  GWT_AUTO_ERROR (err);
  const struct gwt_schema *s = gwt_schema_of (&schema, &err);
  struct world w, before, again;
  GByteArray *one, *two;
  uint64_t used;

  FUZZ_CLAIM (s != NULL);
  gwt_vmstate_register_extensions ();
  api = gwt_extension_find (GWT_VMSTATE_EXT);
  world_init (&w);
  memcpy (&before, &w, sizeof (w));
  if (!loaded (s, &w, data, size, &used))
    {
      FUZZ_CLAIM (memcmp (&before, &w, sizeof (w)) == 0);
      return 0;
    }
  one = saved (s, &w);
  world_init (&again);
  again.thing.most = w.thing.most;
  FUZZ_CLAIM (loaded (s, &again, one->data, one->len, &used) && used == one->len);
  two = saved (s, &again);
  FUZZ_CLAIM (one->len == two->len && memcmp (one->data, two->data, one->len) == 0);
  g_byte_array_unref (one);
  g_byte_array_unref (two);
  world_clear (&w);
  world_clear (&again);
  return 0;
}
