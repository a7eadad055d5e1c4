/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Coverage: a type's rows say what of its instance is state, its schemas say what is sent, and the
 * two have to agree to the byte.  State that was forgotten is found when the plugin is loaded, not
 * by the guest that was moved.
 */
#include "config.h"
#include <string.h>
#include "core/device/field.h"
#include "core/device/type.h"
#include "core/vmstate/vmstate.h"

#define FIELD_MIN (offsetof (struct gwt_field, when) + sizeof (void *))

/* What the bytes of an instance are; in the order of importance for a message. */
enum
{
  BYTE_HOST,
  BYTE_PROPERTY,
  BYTE_STATE
};

static void
mark_rows (const struct gwt_device_type *type, const struct gwt_field *rows, uint8_t *what)
{
  uint64_t i;

  for (i = 0; i < type->n_fields; i++)
    memset (what + rows[i].offset,
            rows[i].role == GWT_REG || rows[i].role == GWT_STATE ? BYTE_STATE
            : rows[i].role == GWT_PROP                           ? BYTE_PROPERTY
                                                                 : BYTE_HOST,
            (uint64_t) rows[i].size * rows[i].elems);
}

static const struct gwt_field *
row_at (const struct gwt_device_type *type, const struct gwt_field *rows, uint64_t byte)
{
  uint64_t i;

  for (i = 0; i < type->n_fields; i++)
    if (byte >= rows[i].offset && byte - rows[i].offset < (uint64_t) rows[i].size * rows[i].elems)
      return &rows[i];
  return NULL;
}

static const char *
row_label (const struct gwt_field *row)
{
  if (row == NULL)
    return "padding";
  return row->name != NULL && row->name[0] != '\0' ? row->name : row->doc;
}

static bool
add_states (const struct gwt_device_type *type, uint8_t *saved, struct gwt_error *err)
{
  uint64_t i, s;

  for (s = 0; type->states[s] != NULL; s++)
    {
      const struct gwt_schema *schema = gwt_schema_of (type->states[s], err);
      g_autofree uint8_t *covered = NULL;

      if (schema == NULL)
        return false;
      if (schema->d.size != type->instance_size)
        {
          gwt_error_set (err, GWT_E_INVALID,
                         "schema '%s' describes a struct of %" G_GUINT64_FORMAT
                         " bytes, the instance has %" G_GUINT64_FORMAT,
                         schema->d.name, schema->d.size, type->instance_size);
          return false;
        }
      covered = gwt_schema_covered (schema);
      for (i = 0; i < type->instance_size; i++)
        saved[i] = MAX (saved[i], covered[i]);
    }
  return true;
}

static bool
compare (const struct gwt_device_type *type, const struct gwt_field *rows, const uint8_t *what,
         const uint8_t *saved, struct gwt_error *err)
{
  uint64_t i;

  for (i = 0; i < type->instance_size; i++)
    if (what[i] == BYTE_STATE && saved[i] == GWT_COVERED_NOT)
      {
        gwt_error_set (err, GWT_E_INVALID,
                       "'%s' is state and in none of its schemas (byte %" G_GUINT64_FORMAT
                       " of the instance); add it, or say why it need not be saved",
                       row_label (row_at (type, rows, i)), i);
        return false;
      }
    else if (what[i] == BYTE_HOST && saved[i] == GWT_COVERED_WRITTEN)
      {
        gwt_error_set (err, GWT_E_INVALID,
                       "'%s' is the host's alone and is saved all the same (byte %" G_GUINT64_FORMAT
                       " of the instance)",
                       row_label (row_at (type, rows, i)), i);
        return false;
      }
  return true;
}

/* ---- properties that something hangs on ------------------------------------------------------ */

/* PROPERTY of the type itself, or of a parent; *KNOWN: false where a parent is not registered yet,
   which can only be one of the same plugin. */
static const struct gwt_field *
find_property (const struct gwt_device_type *type, const struct gwt_field *rows,
               const char *property, bool *known)
{
  const struct gwt_type *parent = type->parent != NULL ? gwt_type_find (type->parent) : NULL;
  uint64_t i;

  *known = type->parent == NULL || parent != NULL;
  for (i = 0; i < type->n_fields; i++)
    if (rows[i].role == GWT_PROP && strcmp (rows[i].name, property) == 0)
      return &rows[i];
  return parent != NULL ? gwt_type_property (parent, property) : NULL;
}

static bool
check_when (const struct gwt_device_type *type, const struct gwt_field *rows, const char *what,
            const char *name, const char *property, struct gwt_error *err)
{
  bool known;
  const struct gwt_field *row
      = property != NULL ? find_property (type, rows, property, &known) : NULL;

  if (property == NULL || (row != NULL && row->kind == GWT_BOOL) || (row == NULL && !known))
    return true;
  gwt_error_set (err, GWT_E_INVALID, "%s '%s' hangs on '%s', which is no bool property of the type",
                 what, name, property);
  return false;
}

static bool
check_conditions (const struct gwt_device_type *type, const struct gwt_field *rows,
                  const struct gwt_schema *schema, const char *what, struct gwt_error *err)
{
  bool good = check_when (type, rows, what, schema->d.name, schema->d.when, err);
  uint64_t i;

  for (i = 0; good && i < schema->d.n_fields; i++)
    good = check_when (type, rows, "field", schema->fields[i].name, schema->fields[i].when, err)
           && (schema->nested[i] == NULL
               || check_conditions (type, rows, schema->nested[i], "schema", err));
  for (i = 0; good && i < schema->n_subsections; i++)
    good = check_conditions (type, rows, schema->subsections[i], "subsection", err);
  return good;
}

static bool
check_all_conditions (const struct gwt_device_type *type, const struct gwt_field *rows,
                      struct gwt_error *err)
{
  uint64_t s;

  for (s = 0; type->states[s] != NULL; s++)
    {
      const struct gwt_schema *schema = gwt_schema_of (type->states[s], err);

      if (schema == NULL || !check_conditions (type, rows, schema, "schema", err))
        return false;
    }
  return true;
}

bool
gwt_vmstate_check_type (const struct gwt_device_type *from, struct gwt_error *err)
{
  GWT_AUTO_ERROR (own);
  struct gwt_device_type type = { 0 };
  g_autofree struct gwt_field *rows = NULL;
  g_autofree uint8_t *what = NULL;
  g_autofree uint8_t *saved = NULL;
  bool good;

  memcpy (&type, from, MIN (from->struct_size, sizeof (type)));
  if (type.states == NULL)
    return true;
  rows = gwt_table_normalize (type.fields, type.n_fields, type.field_size,
                              sizeof (struct gwt_field), FIELD_MIN, "fields", &own);
  what = g_new0 (uint8_t, type.instance_size + 1);
  saved = g_new0 (uint8_t, type.instance_size + 1);
  good = rows != NULL && add_states (&type, saved, &own);
  if (good)
    {
      mark_rows (&type, rows, what);
      good = compare (&type, rows, what, saved, &own)
             && check_all_conditions (&type, rows, &own);
    }
  if (good)
    return true;
  gwt_error_prefix (&own, "device type '%s'", type.name);
  gwt_error_move (err, &own);
  return false;
}
