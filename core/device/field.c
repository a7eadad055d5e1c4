/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of a device's field table: what makes them valid, and the coverage of the instance struct.
 * The tables come from a plugin and are judged as a whole before any row is used; must not know
 * instances.
 */
#include "config.h"
#include "core/device/field.h"
#include <stdlib.h>
#include <string.h>
#include "core/device/value.h"
#include "core/util/text.h"

/* Caps against garbage where a size should be; far above anything real. */
#define ROWS_MAX 65536
#define STRIDE_MAX 65536

static const struct kind
{
  uint32_t kind, size;
  const char *name;
} kinds[] = {
  { GWT_U8, 1, "u8" },
  { GWT_U16, 2, "u16" },
  { GWT_U32, 4, "u32" },
  { GWT_U64, 8, "u64" },
  { GWT_I8, 1, "i8" },
  { GWT_I16, 2, "i16" },
  { GWT_I32, 4, "i32" },
  { GWT_I64, 8, "i64" },
  { GWT_BOOL, 1, "bool" },
  { GWT_F64, 8, "f64" },
  { GWT_STR, sizeof (char *), "str" },
  { GWT_LINK, sizeof (void *), "link" },
  { GWT_CHARDEV, sizeof (void *), "chardev" },
  { GWT_BLOCK, sizeof (void *), "block" },
  { GWT_NETDEV, sizeof (void *), "netdev" },
  { GWT_OPAQUE, 0, "opaque" },
};

static const struct kind *
kind_find (uint32_t kind)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (kinds[i].kind == kind)
      return &kinds[i];
  return NULL;
}

uint32_t
gwt_kind_size (uint32_t kind)
{
  const struct kind *k = kind_find (kind);
  return k != NULL ? k->size : 0;
}

const char *
gwt_kind_name (uint32_t kind)
{
  const struct kind *k = kind_find (kind);
  return k != NULL ? k->name : NULL;
}

const char *
gwt_role_name (uint32_t role)
{
  switch (role)
    {
    case GWT_PROP:
      return "property";
    case GWT_REG:
      return "register";
    case GWT_STATE:
      return "state";
    case GWT_HOST:
      return "host";
    default:
      return NULL;
    }
}

bool
gwt_kind_is_unsigned (uint32_t kind)
{
  return kind >= GWT_U8 && kind <= GWT_U64;
}

bool
gwt_kind_is_signed (uint32_t kind)
{
  return kind >= GWT_I8 && kind <= GWT_I64;
}

bool
gwt_kind_is_pointer (uint32_t kind)
{
  return kind == GWT_STR || kind == GWT_LINK || kind == GWT_CHARDEV || kind == GWT_BLOCK
         || kind == GWT_NETDEV;
}

bool
gwt_field_is_bounded (const struct gwt_field *field)
{
  return field->min != 0 || field->max != 0 || (field->flags & GWT_FIELD_BOUNDED) != 0;
}

char **
gwt_field_values (const struct gwt_field *field)
{
  return field->values != NULL ? g_strsplit (field->values, "|", -1) : NULL;
}

char **
gwt_field_facts (const struct gwt_field *field)
{
  return field->facts != NULL ? g_strsplit (field->facts, "|", -1) : NULL;
}

void *
gwt_table_normalize (const void *table, uint64_t count, uint64_t stride, size_t size,
                     size_t minimum, const char *what, struct gwt_error *err)
{
  if (count > 0
      && (table == NULL || count > ROWS_MAX || stride < minimum || stride > STRIDE_MAX
          || stride % sizeof (void *) != 0))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "its table of %s has %" G_GUINT64_FORMAT " rows of %" G_GUINT64_FORMAT
                     " bytes%s, a row has at least %zu; build it again with this release's headers",
                     what, count, stride, table == NULL ? " at NULL" : "", minimum);
      return NULL;
    }
  char *copy = g_malloc0 ((count + 1) * size);
  for (uint64_t i = 0; i < count; i++)
    memcpy (copy + i * size, (const char *)table + i * stride, MIN (size, (size_t)stride));
  return copy;
}

/* ---- coverage -------------------------------------------------------------------------------- */

static uint64_t
field_bytes (const struct gwt_field *f)
{
  return (uint64_t)f->size * f->elems;
}

static int
compare_offsets (const void *a, const void *b)
{
  const struct gwt_field *fa = *(const struct gwt_field *const *)a;
  const struct gwt_field *fb = *(const struct gwt_field *const *)b;
  return fa->offset < fb->offset ? -1 : fa->offset > fb->offset;
}

static const struct gwt_field **
fields_by_offset (const struct gwt_device_type *type, const struct gwt_field *fields)
{
  const struct gwt_field **order = g_new (const struct gwt_field *, type->n_fields + 1);
  for (uint64_t i = 0; i < type->n_fields; i++)
    order[i] = &fields[i];
  qsort (order, type->n_fields, sizeof order[0], compare_offsets);
  return order;
}

static void
append_range (GString *text, uint64_t from, uint64_t end)
{
  if (from < end)
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT "..%" G_GUINT64_FORMAT,
                            text->len > 0 ? ", " : "", from, end - 1);
}

char *
gwt_fields_uncovered (const struct gwt_device_type *type, const struct gwt_field *fields)
{
  const struct gwt_field **order = fields_by_offset (type, fields);
  GString *text = g_string_new (NULL);
  uint64_t end = 0;
  for (uint64_t i = 0; i < type->n_fields; i++)
    {
      append_range (text, end, order[i]->offset);
      end = MAX (end, order[i]->offset + field_bytes (order[i]));
    }
  append_range (text, end, type->instance_size);
  g_free (order);
  return g_string_free (text, text->len == 0);
}

static const char *
field_label (const struct gwt_field *f)
{
  if (f->name != NULL && f->name[0] != '\0')
    return f->name;
  return f->doc != NULL ? f->doc : "";
}

static bool
check_overlap (const struct gwt_device_type *type, const struct gwt_field *fields,
               struct gwt_error *err)
{
  const struct gwt_field **order = fields_by_offset (type, fields);
  for (uint64_t i = 1; i < type->n_fields; i++)
    if (order[i]->offset < order[i - 1]->offset + field_bytes (order[i - 1]))
      {
        gwt_error_set (err, GWT_E_INVALID, "rows '%s' and '%s' both cover byte %u of its instance",
                       field_label (order[i - 1]), field_label (order[i]), order[i]->offset);
        break;
      }
  g_free (order);
  return !gwt_error_is_set (err);
}

/* ---- single rows ----------------------------------------------------------------------------- */

/* Largest value of an unsigned element of SIZE bytes. */
static uint64_t
unsigned_max (uint32_t size)
{
  return size >= 8 ? UINT64_MAX : (UINT64_C (1) << (8 * size)) - 1;
}

static const char *
shape_fault (const struct gwt_device_type *type, const struct gwt_field *f)
{
  if (gwt_role_name (f->role) == NULL)
    return "has an unknown role";
  if (gwt_kind_name (f->kind) == NULL)
    return "has an unknown kind";
  if (f->doc == NULL || f->doc[0] == '\0')
    {
      /* Help texts and the reason why something is not saved are part of the row, not a courtesy.
       */
      if (f->role == GWT_HOST)
        return "belongs to the host but gives no reason";
      if (f->role == GWT_PROP)
        return "has no doc text";
    }
  if (f->role == GWT_HOST ? f->name != NULL && f->name[0] != '\0' : !gwt_name_is_valid (f->name))
    return f->role == GWT_HOST ? "belongs to the host but has a name"
                               : "has a bad name, names are [a-z][a-z0-9-]*";
  if (f->size == 0 || f->elems == 0)
    return "is empty";
  uint32_t size = gwt_kind_size (f->kind);
  if (size != 0 && f->size != size)
    return "has a size that is not its kind's";
  if (size != 0 && f->offset % size != 0)
    return "is not aligned";
  if (f->offset > type->instance_size || field_bytes (f) > type->instance_size - f->offset)
    return "reaches beyond its instance";
  bool pointer = gwt_kind_is_pointer (f->kind);
  if (pointer && f->role != GWT_PROP)
    return "is a pointer and so can only be a property";
  if (f->kind == GWT_OPAQUE && (f->role == GWT_PROP || f->role == GWT_REG))
    return "has a C type that no property or register can have";
  if (f->role == GWT_PROP && f->elems != 1)
    return "is an array, a property is not";
  if (f->since > f->until && f->until != 0)
    return "ends before it begins";
  return NULL;
}

static const char *
bounds_fault (const struct gwt_field *f)
{
  if (gwt_kind_is_signed (f->kind) || f->kind == GWT_F64)
    {
      int64_t limit = f->kind == GWT_F64 ? INT64_MAX : INT64_MAX >> (64 - 8 * f->size);
      int64_t min = (int64_t)f->min, max = (int64_t)f->max, def = (int64_t)f->def;
      if (min > max || max > limit || min < -limit - 1)
        return "has bounds that its C type cannot hold";
      if (def > limit || def < -limit - 1)
        return "has a default that its C type cannot hold";
    }
  else if (gwt_kind_is_unsigned (f->kind))
    {
      if (f->min > f->max || f->max > unsigned_max (f->size))
        return "has bounds that its C type cannot hold";
      if (f->def > unsigned_max (f->size))
        return "has a default that its C type cannot hold";
      if (f->role == GWT_REG && f->wmask > unsigned_max (f->size))
        return "has a write mask that its C type cannot hold";
    }
  else if (f->kind == GWT_BOOL ? f->def > 1 || f->max > 1 || f->min > f->max
                               : f->def != 0 || gwt_field_is_bounded (f))
    return "has bounds or a default that its kind does not take";
  if (f->interface != NULL && f->kind != GWT_LINK)
    return "names an interface but is no link";
  return NULL;
}

static const char *
values_fault (const struct gwt_field *f)
{
  if (f->values == NULL)
    return NULL;
  if (f->role != GWT_PROP || !(gwt_kind_is_unsigned (f->kind) || gwt_kind_is_signed (f->kind)))
    return "has names for values but is no numeric property";
  char **names = gwt_field_values (f);
  const char *fault = NULL;
  guint count = g_strv_length (names);
  for (guint i = 0; i < count; i++)
    {
      /* A name that reads as a number or as on|off would mean two things. */
      if (!gwt_name_is_valid (names[i]))
        fault = "has a value with a bad name, names are [a-z][a-z0-9-]*";
      for (guint j = 0; j < i; j++)
        if (strcmp (names[i], names[j]) == 0)
          fault = "names one value twice";
    }
  if (fault == NULL && (count - 1 > unsigned_max (f->size) >> gwt_kind_is_signed (f->kind)))
    fault = "has more names than its C type has values";
  if (fault == NULL && gwt_field_is_bounded (f))
    fault = "has bounds beside its named values";
  g_strfreev (names);
  return fault;
}

static const char *
facts_fault (const struct gwt_field *f)
{
  if (f->facts == NULL)
    return NULL;
  if (f->role != GWT_PROP || (f->flags & GWT_FIELD_HOST_ONLY) != 0)
    return "names facts but is no property that a guest can see";
  g_auto (GStrv) names = gwt_field_facts (f);
  for (guint i = 0; i == 0 || names[i] != NULL; i++)
    if (names[i] == NULL || !gwt_name_is_valid (names[i]))
      return "names a fact with a bad name, names are [a-z][a-z0-9-]*";
  return NULL;
}

static const struct gwt_field *
property_find (const struct gwt_device_type *type, const struct gwt_field *fields, const char *name)
{
  for (uint64_t i = 0; i < type->n_fields; i++)
    if (fields[i].role == GWT_PROP && strcmp (fields[i].name, name) == 0)
      return &fields[i];
  return NULL;
}

/* Presence and counts hang on properties alone, so that a stream can be decoded from schema and
 * values. */
static const char *
reference_fault (const struct gwt_device_type *type, const struct gwt_field *fields,
                 const struct gwt_field *f)
{
  if (f->when != NULL)
    {
      const struct gwt_field *p = property_find (type, fields, f->when);
      if (f->role == GWT_PROP || p == NULL || p->kind != GWT_BOOL)
        return "hangs on something that is no on|off property";
    }
  if (f->count != NULL)
    {
      const struct gwt_field *p = property_find (type, fields, f->count);
      if (f->role == GWT_PROP || p == NULL || !gwt_kind_is_unsigned (p->kind))
        return "is counted by something that is no unsigned property";
      if (p->max == 0 || p->max > f->elems)
        return "is counted by a property that may exceed its array";
    }
  return NULL;
}

static bool
check_default (const struct gwt_field *f, struct gwt_error *err)
{
  if (f->role != GWT_PROP)
    return true;
  GWT_AUTO_ERROR (inner);
  if (gwt_value_check_default (f, &inner))
    return true;
  gwt_error_set (err, GWT_E_RANGE, "default of row '%s': %s", f->name, inner.text);
  return false;
}

bool
gwt_fields_check (const struct gwt_device_type *type, const struct gwt_field *fields,
                  struct gwt_error *err)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  for (uint64_t i = 0; i < type->n_fields; i++)
    {
      const struct gwt_field *f = &fields[i];
      const char *fault = shape_fault (type, f);
      if (fault == NULL)
        fault = bounds_fault (f);
      if (fault == NULL)
        fault = values_fault (f);
      if (fault == NULL)
        fault = facts_fault (f);
      if (fault == NULL && f->role != GWT_HOST && !g_hash_table_add (names, (gpointer)f->name))
        fault = "has a name that another row has";
      if (fault != NULL)
        {
          gwt_error_set (err, GWT_E_INVALID, "row %" G_GUINT64_FORMAT " '%s' %s", i,
                         f->name != NULL && f->name[0] != '\0' ? f->name : "(host)", fault);
          return false;
        }
    }
  for (uint64_t i = 0; i < type->n_fields; i++)
    {
      const char *fault = reference_fault (type, fields, &fields[i]);
      if (fault != NULL)
        {
          gwt_error_set (err, GWT_E_INVALID, "row %" G_GUINT64_FORMAT " '%s' %s", i, fields[i].name,
                         fault);
          return false;
        }
      if (!check_default (&fields[i], err))
        return false;
    }
  if (!check_overlap (type, fields, err))
    return false;
  g_autofree char *gap = gwt_fields_uncovered (type, fields);
  if (gap == NULL)
    return true;
  gwt_error_set (
      err, GWT_E_INVALID,
      "bytes %s of its instance are in no row; give each a property, register, state or host row",
      gap);
  return false;
}
