/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A -dump-vmstate document, ours or QEMU's: judged, and turned into what is on the wire.  Must not
 * know what a change means.
 */
#include "config.h"
#include "tools/machine/schema.h"
#include <string.h>
#include "core/util/json.h"

#define DEPTH_MAX 24

const char *
schema_text (struct json_object *o, const char *key)
{
  struct json_object *v;

  return json_object_object_get_ex (o, key, &v) && json_object_is_type (v, json_type_string)
             ? json_object_get_string (v)
             : NULL;
}

uint64_t
schema_number (struct json_object *o, const char *key)
{
  struct json_object *v;

  return json_object_object_get_ex (o, key, &v) && json_object_is_type (v, json_type_int)
             ? json_object_get_uint64 (v)
             : 0;
}

bool
schema_flag (struct json_object *o, const char *key)
{
  struct json_object *v;

  return json_object_object_get_ex (o, key, &v) && json_object_is_type (v, json_type_boolean)
         && json_object_get_boolean (v);
}

struct json_object *
schema_list (struct json_object *o, const char *key, size_t *count)
{
  struct json_object *v = NULL;

  json_object_object_get_ex (o, key, &v);
  *count = v != NULL ? json_object_array_length (v) : 0;
  return v;
}

/* ---- judging --------------------------------------------------------------------------------- */

static bool
has (struct json_object *o, const char *key, enum json_type type, bool needed,
     struct gwt_error *err)
{
  struct json_object *v;

  if (!json_object_object_get_ex (o, key, &v))
    {
      if (needed)
        gwt_error_set (err, GWT_E_NOT_FOUND, "member '%s' is missing", key);
      return !needed;
    }
  if (!json_object_is_type (v, type))
    gwt_error_set (err, GWT_E_INVALID, "member '%s' is %s", key, gwt_json_type_name (v));
  else if (type == json_type_int && json_object_get_int64 (v) < 0)
    gwt_error_set (err, GWT_E_RANGE, "member '%s' is negative", key);
  return !gwt_error_is_set (err);
}

static bool judge_description (struct json_object *d, unsigned depth, struct gwt_error *err);

static bool
judge_field (struct json_object *f, unsigned depth, struct gwt_error *err)
{
  struct json_object *inner;

  if (!json_object_is_type (f, json_type_object))
    gwt_error_set (err, GWT_E_INVALID, "a field is %s", gwt_json_type_name (f));
  else if (has (f, "field", json_type_string, true, err)
           && (!has (f, "version_id", json_type_int, true, err)
               || !has (f, "size", json_type_int, true, err)
               || !has (f, "num", json_type_int, false, err)
               || !has (f, "type", json_type_string, false, err)
               || !has (f, "when", json_type_string, false, err)
               || !has (f, "Description", json_type_object, false, err)
               || (json_object_object_get_ex (f, "Description", &inner)
                   && !judge_description (inner, depth + 1, err))))
    gwt_error_prefix (err, "field '%s'", schema_text (f, "field"));
  return !gwt_error_is_set (err);
}

static bool
judge_description (struct json_object *d, unsigned depth, struct gwt_error *err)
{
  struct json_object *list;
  size_t n, i;

  if (depth > DEPTH_MAX)
    {
      gwt_error_set (err, GWT_E_RANGE, "descriptions are nested more than %d deep", DEPTH_MAX);
      return false;
    }
  if (!has (d, "name", json_type_string, true, err))
    return false;
  if (has (d, "version_id", json_type_int, true, err)
      && has (d, "minimum_version_id", json_type_int, true, err)
      && has (d, "when", json_type_string, false, err)
      && has (d, "Fields", json_type_array, false, err)
      && has (d, "Subsections", json_type_array, false, err))
    {
      list = schema_list (d, "Fields", &n);
      for (i = 0; i < n && judge_field (json_object_array_get_idx (list, i), depth, err); i++)
        ;
      list = schema_list (d, "Subsections", &n);
      for (i = 0; i < n && !gwt_error_is_set (err); i++)
        {
          struct json_object *sub = json_object_array_get_idx (list, i);

          if (!json_object_is_type (sub, json_type_object))
            gwt_error_set (err, GWT_E_INVALID, "a subsection is %s", gwt_json_type_name (sub));
          else
            judge_description (sub, depth + 1, err);
        }
    }
  gwt_error_prefix (err, "'%s'", schema_text (d, "name"));
  return !gwt_error_is_set (err);
}

static bool
judge (struct json_object *all, struct gwt_error *err)
{
  struct json_object *machine;

  if (!json_object_is_type (all, json_type_object)
      || !json_object_object_get_ex (all, "vmschkmachine", &machine)
      || !json_object_is_type (machine, json_type_object)
      || !has (machine, "Name", json_type_string, true, err))
    {
      gwt_error_set (err, GWT_E_INVALID, "it is no document of -dump-vmstate");
      return false;
    }
  json_object_object_foreach (all, key, type)
    {
      struct json_object *d;

      if (strcmp (key, "vmschkmachine") == 0)
        continue;
      if (!json_object_is_type (type, json_type_object))
        gwt_error_set (err, GWT_E_INVALID, "it is %s", gwt_json_type_name (type));
      else if (has (type, "Description", json_type_object, false, err)
               && has (type, "plugin", json_type_object, false, err)
               && has (type, "properties", json_type_object, false, err)
               && json_object_object_get_ex (type, "Description", &d))
        judge_description (d, 0, err);
      if (gwt_error_is_set (err))
        {
          gwt_error_prefix (err, "device type '%s'", key);
          return false;
        }
    }
  return true;
}

struct json_object *
schema_parse (const char *text, gsize size, struct gwt_error *err)
{
  struct json_object *all = gwt_json_parse (text, size, err);

  if (all != NULL && !judge (all, err))
    {
      json_object_put (all);
      all = NULL;
    }
  return all;
}

/* ---- on the wire ------------------------------------------------------------------------------
 */

int
schema_property (struct json_object *properties, const char *property)
{
  struct json_object *v;

  if (properties == NULL || !json_object_object_get_ex (properties, property, &v)
      || !json_object_is_type (v, json_type_boolean))
    return -1;
  return json_object_get_boolean (v) != 0;
}

static void
free_atom (gpointer data)
{
  struct schema_atom *a = data;

  g_free (a->path);
  g_free (a);
}

static bool
is_struct (const char *type, const struct schema_atom *a, struct json_object *inner)
{
  return inner != NULL && a->num == 1 && !a->counted && !a->markers && !a->open
         && (type == NULL || strcmp (type, "struct") == 0 || strcmp (type, "vstruct") == 0
             || strcmp (type, "tmp") == 0);
}

static void
add_atoms (GPtrArray *atoms, struct json_object *description, uint64_t version,
           struct json_object *properties, const char *prefix)
{
  struct json_object *list, *inner;
  size_t n, i;

  list = schema_list (description, "Fields", &n);
  for (i = 0; i < n; i++)
    {
      struct json_object *f = json_object_array_get_idx (list, i);
      const char *name = schema_text (f, "field"), *type = schema_text (f, "type");
      struct schema_atom *a;
      uint64_t num = schema_number (f, "num");
      const char *when = schema_text (f, "when");
      bool code = schema_flag (f, "code") || (schema_flag (f, "field_exists") && when == NULL);
      int on = when != NULL ? schema_property (properties, when) : 1;

      /* A function decides instead of the version. */
      if (on == 0 || (!code && schema_number (f, "version_id") > version))
        continue;
      a = g_new0 (struct schema_atom, 1);
      a->path = g_strconcat (prefix, name, NULL);
      a->type = type;
      a->size = schema_number (f, "size");
      a->num = num != 0 ? num : 1;
      a->min = schema_number (f, "min");
      a->max = schema_number (f, "max");
      a->counted = schema_flag (f, "counted");
      a->markers = schema_flag (f, "markers");
      a->equal = schema_flag (f, "equal");
      a->unused = strcmp (name, "unused") == 0 || g_strcmp0 (type, "unused_buffer") == 0;
      a->open = code || on < 0;
      a->when = when;
      if (!json_object_object_get_ex (f, "Description", &inner))
        inner = NULL;
      if (!is_struct (type, a, inner))
        {
          a->inner = inner;
          g_ptr_array_add (atoms, a);
          continue;
        }
      g_autofree char *deeper = g_strconcat (a->path, ".", NULL);
      uint64_t fixed = schema_number (f, "struct_version_id");
      add_atoms (atoms, inner, fixed != 0 ? fixed : schema_number (inner, "version_id"), properties,
                 deeper);
      free_atom (a);
    }
  /* Those of the outermost one are no part of its fields. */
  list = schema_list (description, "Subsections", &n);
  if (prefix[0] != '\0' && n > 0)
    {
      struct schema_atom *a = g_new0 (struct schema_atom, 1);

      a->path = g_strndup (prefix, strlen (prefix) - 1);
      a->subsections = list;
      g_ptr_array_add (atoms, a);
    }
}

GPtrArray *
schema_atoms (struct json_object *description, uint64_t version, struct json_object *properties)
{
  GPtrArray *atoms = g_ptr_array_new_with_free_func (free_atom);

  add_atoms (atoms, description, version, properties, "");
  return atoms;
}
