/* SPDX-License-Identifier: BSD-2-Clause */
/* The codec: each kind of field, its bytes, its description, and what it refuses. */
#include "config.h"
#include "tests/vmstate/check.h"
#include <stdlib.h>
#include <godwit/clock.h>
#include "core/util/extension.h"

/* ---- scalars --------------------------------------------------------------------------------- */

struct scalars
{
  bool b;
  uint8_t u8;
  int8_t i8;
  uint16_t u16;
  int16_t i16;
  uint32_t u32;
  int32_t i32;
  uint64_t u64;
  int64_t i64;
  double f64;
  double cpu;
  uint32_t other; /* not in the schema */
};

static const struct gwt_vm_field scalar_fields[] = {
  GWT_VM_VALUE (struct scalars, b),   GWT_VM_VALUE (struct scalars, u8),
  GWT_VM_VALUE (struct scalars, i8),  GWT_VM_VALUE (struct scalars, u16),
  GWT_VM_VALUE (struct scalars, i16), GWT_VM_VALUE (struct scalars, u32),
  GWT_VM_VALUE (struct scalars, i32), GWT_VM_VALUE (struct scalars, u64),
  GWT_VM_VALUE (struct scalars, i64), GWT_VM_VALUE (struct scalars, f64),
  GWT_VM_VALUE_NAMED (struct scalars, cpu, "env.cpu", .flags = GWT_VM_CPU_DOUBLE),
};
static const struct gwt_vmstate scalars = GWT_VMSTATE (struct scalars, "scalars", 1, 1,
                                                       scalar_fields);

#define SCALARS                                                                                    \
  "01 fe ff 1234 8000 89abcdef fffffffe 0123456789abcdef 8000000000000000 3ff8000000000000 "       \
  "c000000000000000"

static void
test_scalars (void)
{
  struct scalars s = { true, 254,        -1,
                       0x1234, INT16_MIN, 0x89abcdef,
                       -2,   UINT64_C (0x0123456789abcdef), INT64_MIN,
                       1.5,  -2.0,       7 },
                 t = { .other = 9 };
  g_autofree char *text = NULL;

  assert_saves (&scalars, &s, SCALARS);
  assert_loads (&scalars, &t, 1, SCALARS);
  g_assert_cmpuint (t.other, ==, 9);
  t.other = s.other;
  g_assert_true (t.b && t.u8 == 254 && t.i8 == -1 && t.u16 == 0x1234 && t.i16 == INT16_MIN);
  g_assert_true (t.u32 == 0x89abcdef && t.i32 == -2 && t.u64 == s.u64 && t.i64 == s.i64);
  g_assert_true (t.f64 == 1.5 && t.cpu == -2.0);
  g_byte_array_unref (save (&scalars, &s, &text));
  g_assert_cmpstr (
      text, ==,
      "\"vmsd_name\": \"scalars\", \"version\": 1, \"fields\": ["
      "{\"name\": \"b\", \"type\": \"bool\", \"size\": 1}, "
      "{\"name\": \"u8\", \"type\": \"uint8\", \"size\": 1}, "
      "{\"name\": \"i8\", \"type\": \"int8\", \"size\": 1}, "
      "{\"name\": \"u16\", \"type\": \"uint16\", \"size\": 2}, "
      "{\"name\": \"i16\", \"type\": \"int16\", \"size\": 2}, "
      "{\"name\": \"u32\", \"type\": \"uint32\", \"size\": 4}, "
      "{\"name\": \"i32\", \"type\": \"int32\", \"size\": 4}, "
      "{\"name\": \"u64\", \"type\": \"uint64\", \"size\": 8}, "
      "{\"name\": \"i64\", \"type\": \"int64\", \"size\": 8}, "
      "{\"name\": \"f64\", \"type\": \"float64\", \"size\": 8}, "
      "{\"name\": \"env.cpu\", \"type\": \"CPU_Double_U\", \"size\": 8}]");
}

/* ---- equal, at most, bounds, another kind ---------------------------------------------------- */

struct judged
{
  uint32_t same;
  uint64_t same64;
  int32_t most;
  uint16_t bounded;
  int32_t signed_bounded;
  uint8_t narrow; /* 32 bits on the wire */
  int64_t wide;   /* 8 bits on the wire */
};

static const struct gwt_vm_field judged_fields[] = {
  GWT_VM_VALUE_EQUAL (struct judged, same),
  GWT_VM_VALUE_EQUAL (struct judged, same64),
  GWT_VM_VALUE_AT_MOST (struct judged, most),
  GWT_VM_VALUE (struct judged, bounded, .min = 2, .max = 16),
  GWT_VM_VALUE (struct judged, signed_bounded, .min = (uint64_t) -5, .max = 5),
  GWT_VM_VALUE_AS (struct judged, narrow, GWT_U32),
  GWT_VM_VALUE_AS (struct judged, wide, GWT_I8),
};
static const struct gwt_vmstate judged = GWT_VMSTATE (struct judged, "judged", 1, 1,
                                                      judged_fields);

static void
test_judged (void)
{
  struct judged s = { 5, 6, 7, 8, -3, 200, -100 };
  g_autofree char *text = NULL;
  GWT_AUTO_ERROR (err);
  struct gwt_vm_out out;

  assert_saves (&judged, &s, "00000005 0000000000000006 00000007 0008 fffffffd 000000c8 9c");
  assert_loads (&judged, &s, 1, "00000005 0000000000000006 00000000 0010 fffffffb 000000ff 80");
  g_assert_true (s.most == 0 && s.bounded == 16 && s.signed_bounded == -5 && s.narrow == 255
                 && s.wide == -128);
  s.most = 7;
  assert_refused (&judged, s, 1, "00000006",
                  "byte 4: field 'same': 6 is not what it must be here, 5");
  assert_refused (&judged, s, 1, "00000005 8000000000000006",
                  "byte 12: field 'same64': 9223372036854775814 is not what it must be here, 6");
  assert_refused (&judged, s, 1, "00000005 0000000000000006 00000008",
                  "byte 16: field 'most': 8 is not in the range here, 0 to 7");
  assert_refused (&judged, s, 1, "00000005 0000000000000006 ffffffff",
                  "byte 16: field 'most': -1 is not in the range here, 0 to 7");
  assert_refused (&judged, s, 1, "00000005 0000000000000006 00000007 0001",
                  "byte 18: field 'bounded': 1 is below 2");
  assert_refused (&judged, s, 1, "00000005 0000000000000006 00000007 0011",
                  "byte 18: field 'bounded': 17 is above 16");
  assert_refused (&judged, s, 1, "00000005 0000000000000006 00000007 0002 fffffffa",
                  "byte 22: field 'signed_bounded': -6 is below -5");
  assert_refused (&judged, s, 1, "00000005 0000000000000006 00000007 0002 00000006",
                  "byte 22: field 'signed_bounded': 6 is above 5");
  assert_refused (&judged, s, 1, "00000005 0000000000000006 00000007 0002 00000005 00000100",
                  "byte 26: field 'narrow': 256 does not fit in a u8");
  g_byte_array_unref (save (&judged, &s, &text));
  g_assert_nonnull (strstr (text, "{\"name\": \"same\", \"type\": \"uint32 equal\", \"size\": 4}"));
  g_assert_nonnull (
      strstr (text, "{\"name\": \"same64\", \"type\": \"int64 equal\", \"size\": 8}"));
  g_assert_nonnull (strstr (text, "{\"name\": \"most\", \"type\": \"int32 le\", \"size\": 4}"));
  g_assert_nonnull (strstr (text, "{\"name\": \"narrow\", \"type\": \"uint32\", \"size\": 4}"));
  s.wide = 128;
  gwt_vm_out_init (&out);
  g_assert_false (gwt_vmstate_save (schema_of (&judged), &s, NULL, &out, NULL, &err));
  g_assert_cmpstr (err.text, ==, "field 'wide': its value 128 does not fit in a i8");
  gwt_vm_out_clear (&out);
}

/* ---- arrays ---------------------------------------------------------------------------------- */

struct arrays
{
  uint16_t fixed[3];
  uint8_t square[2][2];
  uint32_t part[4];
  uint8_t count;
  int32_t signed_count;
  uint32_t bits;
  uint16_t counted[4];
  uint16_t *pointed;
  uint32_t *one;
  uint32_t *allocated;
  uint8_t bytes[4];
  uint8_t *some;
  uint8_t *many;
  uint64_t map[2];
};

static const struct gwt_vm_field array_fields[] = {
  GWT_VM_ARRAY (struct arrays, fixed),
  GWT_VM_ARRAY_2D (struct arrays, square),
  GWT_VM_SUB_ARRAY (struct arrays, part, 1, 2),
  GWT_VM_VALUE (struct arrays, count),
  GWT_VM_VALUE (struct arrays, signed_count),
  GWT_VM_VALUE (struct arrays, bits),
  GWT_VM_ARRAY_COUNTED (struct arrays, counted, count),
  GWT_VM_POINTED_COUNTED (struct arrays, pointed, count),
  GWT_VM_POINTED (struct arrays, one),
  GWT_VM_ALLOCATED (struct arrays, allocated, signed_count, 10, .scale = 2),
  GWT_VM_BYTES_PART (struct arrays, bytes, 1, 2),
  GWT_VM_BYTES_POINTED (struct arrays, some, count),
  GWT_VM_BYTES_ALLOCATED (struct arrays, many, signed_count, 8),
  GWT_VM_BITS (struct arrays, map, bits),
  GWT_VM_NOTHING (3),
};
static const struct gwt_vmstate arrays = GWT_VMSTATE (struct arrays, "arrays", 1, 1, array_fields);

#define HEAD "0001 0002 0003 01020304 0000000b 0000000c "

static void
test_arrays (void)
{
  uint16_t pointed[2] = { 0x51, 0x52 }, pointed_2[2] = { 0, 0 };
  uint32_t one = 0x61, one_2 = 0, allocated[4] = { 0x71, 0x72, 0x73, 0x74 };
  uint8_t some[2] = { 0x81, 0x82 }, some_2[2] = { 0, 0 }, many[2] = { 0x91, 0x92 };
  struct arrays s = { .fixed = { 1, 2, 3 },
                      .square = { { 1, 2 }, { 3, 4 } },
                      .part = { 10, 11, 12, 13 },
                      .count = 2,
                      .signed_count = 2,
                      .bits = 65,
                      .counted = { 0x41, 0x42, 0x43, 0x44 },
                      .pointed = pointed,
                      .one = &one,
                      .allocated = allocated,
                      .bytes = { 1, 2, 3, 4 },
                      .some = some,
                      .many = many,
                      .map = { 1, 2 } };
  struct arrays t = { .count = 2,
                      .pointed = pointed_2,
                      .one = &one_2,
                      .allocated = malloc (4),
                      .some = some_2,
                      .part = { 90, 91, 92, 93 },
                      .counted = { 9, 9, 9, 9 } };
  g_autofree char *text = NULL;
  void *old = t.allocated;

  assert_saves (&arrays, &s,
                HEAD "02 00000002 00000041 0041 0042 0051 0052 00000061 "
                     "00000071 00000072 00000073 00000074 0203 8182 9192 "
                     "0000000000000001 0000000000000002 000000");
  /* What does not fit here; nothing has changed, not even behind pointers. */
  assert_refused (&arrays, t, 1, HEAD "05 00000002 00000041",
                  "byte 27: field 'counted': 5 elements are more than the 4 that there may be");
  assert_refused (&arrays, t, 1, HEAD "03 00000002 00000041 0041 0042 0043",
                  "byte 33: field 'pointed': 3 elements are more than the 2 that are here");
  assert_refused (&arrays, t, 1, HEAD "02 ffffffff 00000041 0041 0042 0051 0052 00000061",
                  "byte 39: field 'allocated': its count is -1");
  assert_refused (&arrays, t, 1, HEAD "02 00000006 00000041 0041 0042 0051 0052 00000061",
                  "byte 39: field 'allocated': 6 elements times a constant are more than the 10 "
                  "that there may be");
  assert_refused (&arrays, t, 1,
                  HEAD "00 00000005 00000081 00000061 00000071 00000072 00000073 00000074"
                       "00000071 00000072 00000073 00000074 00000071 00000072 0203 9192939495",
                  "byte 78: field 'map': 3 elements of 64 bits are more than the 2 that there may "
                  "be");
  assert_refused (&arrays, t, 1, HEAD "02 00000002 00000041 0041 0042 0051 0052 00000061 00",
                  "byte 40: field 'allocated': element 0: the stream ends at byte 40, 3 bytes too "
                  "early");
  g_assert_true (t.allocated == old && pointed_2[0] == 0 && one_2 == 0 && some_2[0] == 0);
  assert_loads (&arrays, &t, 1,
                HEAD "02 00000002 00000041 0041 0042 0051 0052 00000061 "
                     "00000071 00000072 00000073 00000074 0203 8182 9192 "
                     "0000000000000001 0000000000000002 000000");
  g_assert_cmpmem (t.fixed, sizeof (t.fixed), s.fixed, sizeof (s.fixed));
  g_assert_cmpmem (t.square, sizeof (t.square), s.square, sizeof (s.square));
  g_assert_true (t.part[0] == 90 && t.part[1] == 11 && t.part[2] == 12 && t.part[3] == 93);
  g_assert_true (t.counted[0] == 0x41 && t.counted[1] == 0x42 && t.counted[2] == 9);
  g_assert_true (t.pointed == pointed_2 && pointed_2[0] == 0x51 && pointed_2[1] == 0x52);
  g_assert_true (t.one == &one_2 && one_2 == 0x61);
  g_assert_cmpmem (t.allocated, 16, allocated, 16);
  g_assert_true (t.bytes[0] == 0 && t.bytes[1] == 2 && t.bytes[2] == 3 && t.bytes[3] == 0);
  g_assert_true (some_2[0] == 0x81 && some_2[1] == 0x82);
  g_assert_cmpmem (t.many, 2, many, 2);
  g_assert_true (t.map[0] == 1 && t.map[1] == 2);
  g_byte_array_unref (save (&arrays, &s, &text));
  g_assert_nonnull (strstr (
      text, "{\"name\": \"fixed\", \"array_len\": 3, \"type\": \"uint16\", \"size\": 2}, "
            "{\"name\": \"square\", \"array_len\": 4, \"type\": \"uint8\", \"size\": 1}, "));
  g_assert_nonnull (strstr (
      text, "{\"name\": \"one\", \"type\": \"uint32\", \"size\": 4}, "
            "{\"name\": \"allocated\", \"array_len\": 4, \"type\": \"uint32\", \"size\": 4}, "
            "{\"name\": \"bytes\", \"type\": \"buffer\", \"size\": 2}, "
            "{\"name\": \"some\", \"type\": \"buffer\", \"size\": 2}, "
            "{\"name\": \"many\", \"type\": \"buffer\", \"size\": 2}, "
            "{\"name\": \"map\", \"type\": \"bitmap\", \"size\": 16}, "
            "{\"name\": \"unused\", \"type\": \"unused_buffer\", \"size\": 3}]"));
  /* None at all. */
  assert_loads (&arrays, &t, 1,
                HEAD "00 00000000 00000000 00000061 0203 000000");
  g_assert_true (t.count == 0 && t.allocated != NULL);
  free (t.allocated);
  free (t.many);
}

/* ---- structs --------------------------------------------------------------------------------- */

struct point
{
  uint8_t x, y;
};

static const struct gwt_vm_field point_fields[] = {
  GWT_VM_VALUE (struct point, x),
  GWT_VM_VALUE (struct point, y, .version = 2),
};
static const struct gwt_vmstate point = GWT_VMSTATE (struct point, "point", 2, 1, point_fields);

struct shape
{
  struct point a;
  struct point old;
  struct point corners[2];
  uint32_t n;
  struct point counted[3];
  struct point *center;
  struct point *fresh;
  struct point *each[3];
};

static const struct gwt_vm_field shape_fields[] = {
  GWT_VM_NESTED (struct shape, a, struct point, &point),
  GWT_VM_NESTED_VERSION (struct shape, old, struct point, &point, 1),
  GWT_VM_NESTED_ARRAY (struct shape, corners, struct point, &point),
  GWT_VM_VALUE (struct shape, n),
  GWT_VM_NESTED_COUNTED (struct shape, counted, n, struct point, &point),
  GWT_VM_NESTED_POINTED (struct shape, center, struct point, &point),
  GWT_VM_NESTED_ALLOCATED (struct shape, fresh, n, 3, struct point, &point),
  GWT_VM_NESTED_POINTERS (struct shape, each, struct point, &point),
};
static const struct gwt_vmstate shape = GWT_VMSTATE (struct shape, "shape", 1, 1, shape_fields);

static void
test_structs (void)
{
  struct point center = { 5, 6 }, fresh[1] = { { 7, 8 } }, one = { 9, 10 }, three = { 11, 12 };
  struct point center_2 = { 0 }, one_2 = { 0 }, three_2 = { 0 };
  struct shape s = { { 1, 2 },  { 3, 99 }, { { 21, 22 }, { 23, 24 } }, 1, { { 4, 4 } }, &center,
                     fresh,     { &one, NULL, &three } };
  struct shape t = { .center = &center_2, .each = { &one_2, NULL, &three_2 }, .old = { 0, 77 } };
  g_autofree char *text = NULL;

#define SHAPE "0102 03 15161718 00000001 0404 0506 0708 090a 30 0b0c"
  assert_saves (&shape, &s, SHAPE);
  assert_refused (&shape, t, 1, "0102 03 15161718 00000001 0404 0506 0708 090a 31",
                  "byte 20: field 'each': element 1: there is something in the stream, and nothing "
                  "here");
  g_assert_true (center_2.x == 0 && one_2.x == 0);
  assert_loads (&shape, &t, 1, SHAPE);
  g_assert_true (t.a.x == 1 && t.a.y == 2 && t.old.x == 3 && t.old.y == 77);
  g_assert_true (t.corners[1].x == 23 && t.counted[0].y == 4);
  g_assert_true (t.center == &center_2 && center_2.x == 5 && center_2.y == 6);
  g_assert_true (t.fresh[0].x == 7 && t.fresh[0].y == 8);
  g_assert_true (t.each[0] == &one_2 && one_2.y == 10 && t.each[1] == NULL && three_2.x == 11);
  g_byte_array_unref (save (&shape, &s, &text));
  g_assert_nonnull (strstr (
      text, "{\"name\": \"old\", \"type\": \"vstruct\", \"vmsd_name\": \"point\", \"version\": 1, "
            "\"fields\": [{\"name\": \"x\", \"type\": \"uint8\", \"size\": 1}], \"size\": 1}, "
            "{\"name\": \"corners\", \"array_len\": 2, \"type\": \"struct\", \"struct\": "
            "{\"vmsd_name\": \"point\", \"version\": 2, \"fields\": [{\"name\": \"x\", \"type\": "
            "\"uint8\", \"size\": 1}, {\"name\": \"y\", \"type\": \"uint8\", \"size\": 1}]}, "
            "\"size\": 2}, "));
  g_assert_nonnull (strstr (text, "{\"name\": \"each\", \"type\": \"ptr-marker\", \"size\": 1}, "));
  free (t.fresh);
}

/* ---- temporaries, lists, trees, own code ----------------------------------------------------- */

struct element
{
  struct element *next;
  uint32_t value;
};

struct tree_node
{
  uint64_t key;
  uint16_t value;
};

struct holder
{
  uint32_t seconds; /* sent as minutes and seconds */
  struct element *list;
  struct tree_node nodes[8];
  uint64_t n_nodes;
  uint8_t secret[4];
  uint32_t sum;
};

struct clock_tmp
{
  struct holder *parent;
  uint8_t minutes, seconds;
};

static int
clock_pre_save (void *self, struct gwt_error *err)
{
  struct clock_tmp *tmp = self;

  (void) err;
  tmp->minutes = (uint8_t) (tmp->parent->seconds / 60);
  tmp->seconds = (uint8_t) (tmp->parent->seconds % 60);
  return 0;
}

static int
clock_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct clock_tmp *tmp = self;

  (void) version;
  if (tmp->seconds > 59)
    {
      gwt_error_set (err, GWT_E_RANGE, "%u seconds are a minute or more", tmp->seconds);
      return -1;
    }
  tmp->parent->seconds = tmp->minutes * 60u + tmp->seconds;
  return 0;
}

static const struct gwt_vm_field clock_fields[]
    = { GWT_VM_VALUE (struct clock_tmp, minutes), GWT_VM_VALUE (struct clock_tmp, seconds) };
static const struct gwt_vmstate clock_schema
    = GWT_VMSTATE (struct clock_tmp, "clock", 1, 1, clock_fields, .pre_save = clock_pre_save,
                   .post_load = clock_post_load);

static void *
list_first (const void *head)
{
  return *(struct element *const *) head;
}

static void *
list_next (const void *element)
{
  return ((const struct element *) element)->next;
}

static void
list_clear (void *head)
{
  struct element **at = head, *next;

  for (; *at; *at = next)
    {
      next = (*at)->next;
      g_free (*at);
    }
}

static int
list_append (void *head, const void *element)
{
  struct element **at = head, *copy = g_memdup2 (element, sizeof (*copy));

  while (*at)
    at = &(*at)->next;
  copy->next = NULL;
  *at = copy;
  return 0;
}

static const struct gwt_vm_list list = {
  .struct_size = sizeof (list),
  .type = "qtailq",
  .element_size = sizeof (struct element),
  .max = 3,
  .first = list_first,
  .next = list_next,
  .clear = list_clear,
  .append = list_append,
};
static const struct gwt_vm_field element_fields[] = { GWT_VM_VALUE (struct element, value) };
static const struct gwt_vmstate element_schema
    = GWT_VMSTATE (struct element, "element", 1, 1, element_fields);

#define HOLDER_OF(head)                                                                            \
  ((struct holder *) (void *) ((char *) (head) -offsetof (struct holder, nodes)))

static uint64_t
tree_count (const void *head)
{
  return HOLDER_OF (head)->n_nodes;
}

static void *
tree_next (const void *head, const void *node)
{
  struct holder *h = HOLDER_OF (head);
  const struct tree_node *next = node ? (const struct tree_node *) node + 1 : h->nodes;

  return next < h->nodes + h->n_nodes ? (void *) (uintptr_t) next : NULL;
}

static void *
tree_key (void *node)
{
  return &((struct tree_node *) node)->key;
}

static void *
tree_value (void *node)
{
  return &((struct tree_node *) node)->value;
}

static void
tree_clear (void *head)
{
  HOLDER_OF (head)->n_nodes = 0;
}

static int
tree_insert (void *head, const void *key, const void *value)
{
  struct holder *h = HOLDER_OF (head);

  memcpy (&h->nodes[h->n_nodes].key, key, 8);
  memcpy (&h->nodes[h->n_nodes++].value, value, 2);
  return 0;
}

struct tree_value
{
  uint16_t value;
};

static const struct gwt_vm_field tree_fields[] = { GWT_VM_VALUE (struct tree_value, value) };
static const struct gwt_vmstate tree_schema
    = GWT_VMSTATE (struct tree_value, "leaf", 1, 1, tree_fields);
static const struct gwt_vm_tree tree = {
  .struct_size = sizeof (tree),
  .key_size = 8,
  .value_size = 2,
  .max = 8,
  .count = tree_count,
  .next = tree_next,
  .node_key = tree_key,
  .node_value = tree_value,
  .clear = tree_clear,
  .insert = tree_insert,
};

static int
secret_put (const void *member, const struct gwt_vm_field *field, struct gwt_vm_out *out,
            struct gwt_error *err)
{
  const uint8_t *secret = member;

  (void) field;
  (void) err;
  for (int i = 0; i < 4; i++)
    gwt_vm_put_be (out, 1, (uint8_t) ~secret[i]);
  return 0;
}

static int
secret_get (void *member, const struct gwt_vm_field *field, struct gwt_vm_in *in,
            struct gwt_error *err)
{
  uint8_t *secret = member;

  (void) field;
  if (!gwt_vm_get (in, secret, 4, err))
    return -1;
  for (int i = 0; i < 4; i++)
    secret[i] = (uint8_t) ~secret[i];
  return secret[0] == 0 ? -1 : 0;
}

static const struct gwt_vm_custom custom
    = { sizeof (custom), "negated", secret_put, secret_get };

static uint32_t
secret_is_small (const void *self, uint32_t version)
{
  (void) version;
  return ((const struct holder *) self)->secret[0] < 100;
}

static int
holder_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct holder *h = self;

  (void) version;
  (void) err;
  h->sum = h->seconds + h->secret[0];
  return 0;
}

static const struct gwt_vm_field holder_fields[] = {
  GWT_VM_WITH (struct holder, struct clock_tmp, &clock_schema),
  GWT_VM_COMPUTED (struct holder, seconds),
  GWT_VM_CHAIN (struct holder, list, &list, &element_schema),
  GWT_VM_MAP (struct holder, nodes, &tree, &tree_schema),
  GWT_VM_OWN (struct holder, secret, &custom),
  GWT_VM_VALID ("the secret is small", secret_is_small),
  GWT_VM_COMPUTED (struct holder, sum),
};
static const struct gwt_vmstate holder
    = GWT_VMSTATE (struct holder, "holder", 1, 1, holder_fields, .post_load = holder_post_load);

static void
test_others (void)
{
  struct element second = { NULL, 8 }, first = { &second, 7 };
  struct holder s = { .seconds = 125, .list = &first, .nodes = { { 3, 4 }, { 5, 6 } },
                      .n_nodes = 2,   .secret = { 1, 2, 3, 4 } };
  struct holder t = { 0 };
  g_autofree char *text = NULL;

#define HOLDER                                                                                     \
  "0205 01 00000007 01 00000008 00 00000002 01 0000000000000003 0004 01 0000000000000005 0006 00 " \
  "fefdfcfb"
  assert_saves (&holder, &s, HOLDER);
  assert_refused (&holder, t, 1, "023c",
                  "byte 2: field 'struct clock_tmp': 60 seconds are a minute "
                  "or more");
  assert_refused (&holder, t, 1, "0205 01 00000007 01 00000008 01 00000008 01",
                  "byte 18: field 'list': it has more than 3 elements");
  assert_refused (&holder, t, 1, "0205 00 00000009",
                  "byte 7: field 'nodes': 9 nodes are more than the 8 that there may be");
  assert_refused (&holder, t, 1, "0205 00 00000001 00",
                  "byte 8: field 'nodes': 1 nodes were announced, 0 came");
  assert_refused (&holder, t, 1, "0205 00 00000000 01",
                  "byte 8: field 'nodes': it has more than 0 elements");
  assert_refused (&holder, t, 1, "0205 00 00000000 00 fffdfcfb",
                  "byte 12: field 'secret': it is not as it should be");
  assert_refused (&holder, t, 1, "0205 00 00000000 00 9bfdfcfb",
                  "byte 12: field 'the secret is small': what was read up to here does not pass "
                  "this check");
  assert_loads (&holder, &t, 1, HOLDER);
  g_assert_cmpuint (t.seconds, ==, 125);
  g_assert_cmpuint (t.sum, ==, 126);
  g_assert_true (t.list->value == 7 && t.list->next->value == 8 && t.list->next->next == NULL);
  g_assert_true (t.n_nodes == 2 && t.nodes[1].key == 5 && t.nodes[1].value == 6);
  /* Again: what was there is gone. */
  assert_loads (&holder, &t, 1, "0205 01 00000009 00 00000000 00 fefdfcfb");
  g_assert_true (t.list->value == 9 && t.list->next == NULL && t.n_nodes == 0);
  list_clear (&t.list);
  g_byte_array_unref (save (&holder, &s, &text));
  g_assert_nonnull (strstr (text, "{\"name\": \"struct clock_tmp\", \"type\": \"tmp\", "
                                  "\"vmsd_name\": \"clock\", \"version\": 1, \"fields\": "));
  g_assert_nonnull (strstr (text, "{\"name\": \"list\", \"type\": \"qtailq\", \"vmsd_name\": "
                                  "\"element\", \"version\": 1, \"fields\": [{\"name\": "
                                  "\"value\", \"type\": \"uint32\", \"size\": 4}], \"vmsd_name\""));
  g_assert_nonnull (
      strstr (text, "{\"name\": \"secret\", \"type\": \"negated\", \"size\": 4}"));
}

/* ---- timers ---------------------------------------------------------------------------------- */

struct gwt_timer
{
  uint64_t expiry;
};

static void
timer_set (struct gwt_timer *timer, uint64_t expiry)
{
  timer->expiry = expiry;
}

static uint64_t
timer_expiry (struct gwt_timer *timer)
{
  return timer->expiry;
}

static const struct gwt_clock_api clock_api = {
  .struct_size = sizeof (clock_api),
  .timer_set = timer_set,
  .timer_expiry = timer_expiry,
};

struct timed
{
  struct gwt_timer *one;
  struct gwt_timer *two[2];
  uint32_t n;
};

static const struct gwt_vm_field timed_fields[]
    = { GWT_VM_TIMED (struct timed, one), GWT_VM_TIMED_ARRAY (struct timed, two) };
static const struct gwt_vmstate timed = GWT_VMSTATE (struct timed, "timed", 1, 1, timed_fields);
static const struct gwt_vm_field timed_counted_fields[]
    = { GWT_VM_TIMED_COUNTED (struct timed, two, n) };
static const struct gwt_vmstate timed_counted
    = GWT_VMSTATE (struct timed, "counted", 1, 1, timed_counted_fields);

static void
test_timers (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_timer a = { 0x0102030405060708 }, b = { GWT_TIMER_OFF }, c = { 5 };
  struct timed s = { &a, { &b, &c }, 0 };
  g_autofree char *text = NULL;

  g_assert_true (gwt_extension_add (GWT_CLOCK_EXT, &clock_api, "tests", &err));
  assert_saves (&timed, &s, "0102030405060708 ffffffffffffffff 0000000000000005");
  /* Refused: no timer was moved. */
  assert_refused (&timed, s, 1, "0000000000000001 0000000000000002",
                  "byte 16: field 'two': element 1: the stream ends at byte 16, 8 bytes too early");
  g_assert_cmpuint (a.expiry, ==, 0x0102030405060708);
  assert_loads (&timed, &s, 1, "ffffffffffffffff 0000000000000002 0000000000000003");
  g_assert_true (a.expiry == GWT_TIMER_OFF && b.expiry == 2 && c.expiry == 3);
  g_byte_array_unref (save (&timed, &s, &text));
  g_assert_nonnull (
      strstr (text, "{\"name\": \"two\", \"array_len\": 2, \"type\": \"timer\", \"size\": 8}"));
  s.two[1] = NULL;
  assert_refused (&timed, s, 1, "0000000000000001 0000000000000002 0000000000000003",
                  "byte 24: field 'two': element 1: there is no such timer here");
  assert_loads (&timed, &s, 1, "0000000000000001 0000000000000002 ffffffffffffffff");
  g_assert_true (a.expiry == 1 && b.expiry == 2);
  /* As many as a count says. */
  s.n = 1;
  assert_saves (&timed_counted, &s, "0000000000000002");
  s.n = 3;
  assert_refused (&timed_counted, s, 1, "",
                  "byte 0: field 'two': 3 elements are more than the 2 that there may be");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmstate/scalars", test_scalars);
  g_test_add_func ("/vmstate/judged", test_judged);
  g_test_add_func ("/vmstate/arrays", test_arrays);
  g_test_add_func ("/vmstate/structs", test_structs);
  g_test_add_func ("/vmstate/others", test_others);
  g_test_add_func ("/vmstate/timers", test_timers);
  return g_test_run ();
}
