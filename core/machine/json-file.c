/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns reading a JSON file and looking at its values with errors that name file, line and JSON
 * path. It must not know what a board or a machine type is.
 */
#include "config.h"
#include "core/machine/json-file.h"
#include <errno.h>
#include <string.h>
#include "core/machine/file.h"
#include "core/machine/json-scan.h"
#include "core/util/json.h"
#include "core/util/text.h"

struct gwt_json_file *
gwt_json_file_parse (const char *name, const char *text, size_t size, struct gwt_error *err)
{
  if (size > GWT_JSON_FILE_MAX)
    {
      gwt_error_set (err, GWT_E_RANGE, "%s: the file has %zu bytes; at most %u are read", name,
                     size, GWT_JSON_FILE_MAX);
      return NULL;
    }
  GHashTable *lines = gwt_json_scan (name, text, size, err);
  if (lines == NULL)
    return NULL;
  struct json_tokener *tokener = json_tokener_new_ex (GWT_JSON_DEPTH_MAX + 1);
  struct json_object *root = NULL;
  enum json_tokener_error code = json_tokener_error_size;
  if (tokener != NULL)
    {
      json_tokener_set_flags (tokener, JSON_TOKENER_STRICT);
      root = json_tokener_parse_ex (tokener, text, (int) size);
      code = json_tokener_get_error (tokener);
      /* A bare number may go on as far as json-c knows. */
      if (code == json_tokener_continue)
        {
          root = json_tokener_parse_ex (tokener, "", -1);
          code = json_tokener_get_error (tokener);
        }
      json_tokener_free (tokener);
    }
  if (code != json_tokener_success)
    {
      gwt_error_set (err, GWT_E_INVALID, "%s:1: $: %s", name, json_tokener_error_desc (code));
      g_hash_table_destroy (lines);
      json_object_put (root);
      return NULL;
    }
  struct gwt_json_file *file = g_new0 (struct gwt_json_file, 1);
  file->name = g_strdup (name);
  file->root = root;
  file->lines = lines;
  return file;
}

struct gwt_json_file *
gwt_json_file_load (const char *path, struct gwt_error *err)
{
  struct gwt_blob blob;
  if (!gwt_blob_load (&blob, path, GWT_JSON_FILE_MAX, err))
    return NULL;
  struct gwt_json_file *file = gwt_json_file_parse (path, (const char *) blob.data, blob.size, err);
  gwt_blob_free (&blob);
  return file;
}

void
gwt_json_file_free (struct gwt_json_file *file)
{
  if (file == NULL)
    return;
  g_free (file->name);
  json_object_put (file->root);
  g_hash_table_destroy (file->lines);
  g_free (file);
}

void
gwt_json_root (const struct gwt_json_file *file, struct gwt_json_at *at)
{
  *at = (struct gwt_json_at){ .file = file, .value = file->root };
}

static void
append_path (GString *path, const struct gwt_json_at *at)
{
  if (at->parent == NULL)
    {
      g_string_append_c (path, '$');
      return;
    }
  append_path (path, at->parent);
  if (at->key != NULL)
    g_string_append_printf (path, ".%s", at->key);
  else
    g_string_append_printf (path, "[%zu]", at->index);
}

char *
gwt_json_path (const struct gwt_json_at *at)
{
  GString *path = g_string_new (NULL);
  append_path (path, at);
  return g_string_free (path, FALSE);
}

guint
gwt_json_line (const struct gwt_json_at *at)
{
  /* A member that is missing has no line: its object's is the next best. */
  for (; at != NULL; at = at->parent)
    {
      g_autofree char *path = gwt_json_path (at);
      gpointer line = g_hash_table_lookup (at->file->lines, path);
      if (line != NULL)
        return GPOINTER_TO_UINT (line);
    }
  return 1;
}

char *
gwt_json_where (const struct gwt_json_at *at)
{
  g_autofree char *path = gwt_json_path (at);
  return g_strdup_printf ("%s:%u: %s", at->file->name, gwt_json_line (at), path);
}

static void G_GNUC_PRINTF (3, 0)
    vfail (const struct gwt_json_at *at, struct gwt_error *err, const char *format, va_list args)
{
  g_autofree char *where = gwt_json_where (at);
  g_autofree char *text = g_strdup_vprintf (format, args);
  gwt_error_set (err, GWT_E_INVALID, "%s: %s", where, text);
}

void
gwt_json_fail (const struct gwt_json_at *at, struct gwt_error *err, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  vfail (at, err, format, args);
  va_end (args);
}

void
gwt_json_fail_at (const struct gwt_json_at *at, const char *key, struct gwt_error *err,
                  const char *format, ...)
{
  struct gwt_json_at member;
  va_list args;
  gwt_json_member (at, key, &member);
  va_start (args, format);
  vfail (&member, err, format, args);
  va_end (args);
}

static bool
is_type (const struct gwt_json_at *at, enum json_type type, const char *wanted,
         struct gwt_error *err)
{
  if (json_object_is_type (at->value, type))
    return true;
  gwt_json_fail (at, err, "this is %s; use %s", gwt_json_type_name (at->value), wanted);
  return false;
}

bool
gwt_json_keys (const struct gwt_json_at *at, const char *const *known, struct gwt_error *err)
{
  if (!is_type (at, json_type_object, "an object", err))
    return false;
  json_object_object_foreach (at->value, key, value)
  {
    if (g_strv_contains (known, key))
      continue;
    struct gwt_json_at member = { .file = at->file, .value = value, .parent = at, .key = key };
    g_autofree char *near = gwt_nearest_names (key, known);
    g_autofree char *all = near == NULL ? g_strjoinv ("', '", (char **) known) : NULL;
    if (near != NULL)
      gwt_json_fail (&member, err, "unknown member '%s'; did you mean %s", key, near);
    else
      gwt_json_fail (&member, err, "unknown member '%s'; known here are '%s'", key, all);
    return false;
  }
  return true;
}

bool
gwt_json_member (const struct gwt_json_at *at, const char *key, struct gwt_json_at *out)
{
  *out = (struct gwt_json_at){ .file = at->file, .parent = at, .key = key };
  return json_object_object_get_ex (at->value, key, &out->value);
}

void
gwt_json_element (const struct gwt_json_at *at, size_t i, struct gwt_json_at *out)
{
  *out = (struct gwt_json_at){
    .file = at->file, .value = json_object_array_get_idx (at->value, i), .parent = at, .index = i
  };
}

size_t
gwt_json_count (const struct gwt_json_at *at)
{
  return json_object_is_type (at->value, json_type_array) ? json_object_array_length (at->value)
                                                          : 0;
}

/* The member, or what its absence means: *FOUND false and, where REQUIRED, an error. */
static bool
find (const struct gwt_json_at *at, const char *key, bool required, struct gwt_json_at *out,
      bool *found, struct gwt_error *err)
{
  *found = gwt_json_member (at, key, out);
  if (*found || !required)
    return true;
  gwt_json_fail (at, err, "member '%s' is missing; add it", key);
  return false;
}

bool
gwt_json_as_str (const struct gwt_json_at *at, const char **value, struct gwt_error *err)
{
  if (!is_type (at, json_type_string, "a string", err))
    return false;
  *value = json_object_get_string (at->value);
  return true;
}

bool
gwt_json_as_u64 (const struct gwt_json_at *at, uint64_t *value, struct gwt_error *err)
{
  if (json_object_is_type (at->value, json_type_string))
    {
      GWT_AUTO_ERROR (inner);
      if (gwt_parse_u64 (json_object_get_string (at->value), true, value, &inner))
        return true;
      gwt_json_fail (at, err, "%s", inner.text);
      return false;
    }
  if (!is_type (at, json_type_int, "a number, or a string such as \"0x1000\" or \"64K\"", err))
    return false;
  if (json_object_get_int64 (at->value) < 0)
    {
      gwt_json_fail (at, err, "%s is negative; use 0 or more",
                     json_object_to_json_string (at->value));
      return false;
    }
  *value = json_object_get_uint64 (at->value);
  return true;
}

bool
gwt_json_str (const struct gwt_json_at *at, const char *key, bool required, char **value,
              struct gwt_error *err)
{
  struct gwt_json_at member;
  bool found;
  const char *text;
  if (!find (at, key, required, &member, &found, err))
    return false;
  if (!found)
    return true;
  if (!gwt_json_as_str (&member, &text, err))
    return false;
  g_free (*value);
  *value = g_strdup (text);
  return true;
}

bool
gwt_json_u64 (const struct gwt_json_at *at, const char *key, bool required, uint64_t *value,
              struct gwt_error *err)
{
  struct gwt_json_at member;
  bool found;
  if (!find (at, key, required, &member, &found, err))
    return false;
  return !found || gwt_json_as_u64 (&member, value, err);
}

bool
gwt_json_bool (const struct gwt_json_at *at, const char *key, bool *value, struct gwt_error *err)
{
  struct gwt_json_at member;
  if (!gwt_json_member (at, key, &member))
    return true;
  if (!is_type (&member, json_type_boolean, "true or false", err))
    return false;
  *value = json_object_get_boolean (member.value);
  return true;
}

bool
gwt_json_object (const struct gwt_json_at *at, const char *key, bool required,
                 struct gwt_json_at *out, bool *found, struct gwt_error *err)
{
  if (!find (at, key, required, out, found, err))
    return false;
  return !*found || is_type (out, json_type_object, "an object", err);
}

bool
gwt_json_array (const struct gwt_json_at *at, const char *key, bool required,
                struct gwt_json_at *out, bool *found, struct gwt_error *err)
{
  if (!find (at, key, required, out, found, err))
    return false;
  return !*found || is_type (out, json_type_array, "an array", err);
}
