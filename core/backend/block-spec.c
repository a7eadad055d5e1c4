/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What users write after -blockdev, and reading members out of what it became.  JSON and
 * "file.driver=file,file.filename=x" end in the same object.  Must not know any driver.
 */
#include "config.h"
#include "core/backend/block-internal.h"
#include <string.h>
#include "core/util/json.h"
#include "core/util/text.h"

#define DEPTH_MAX 8 /* of dotted keys: as deep as nodes may stand on each other */

/* ---- text to object -------------------------------------------------------------------------- */

/* The object in which the last part of KEY ("a.b.c") belongs; *LAST is that part.  KEY is cut. */
static struct json_object *
descend (struct json_object *object, char *key, char **last, struct gwt_error *err)
{
  guint depth = 0;
  char *dot;

  while ((dot = strchr (key, '.')) != NULL)
    {
      struct json_object *next;

      *dot = '\0';
      if (*key == '\0' || ++depth > DEPTH_MAX)
        {
          gwt_error_set (err, GWT_E_INVALID, "a key has an empty part or more than %d; write it as "
                         "'file.driver'", DEPTH_MAX);
          return NULL;
        }
      if (!json_object_object_get_ex (object, key, &next))
        {
          next = json_object_new_object ();
          json_object_object_add (object, key, next);
        }
      else if (!json_object_is_type (next, json_type_object))
        {
          gwt_error_set (err, GWT_E_INVALID, "'%s' is given as a value and as '%s.%s'; use one",
                         key, key, dot + 1);
          return NULL;
        }
      object = next;
      key = dot + 1;
    }
  *last = key;
  return object;
}

/* One "key=value"; without '=' it is the driver, where it is the first. */
static bool
add_pair (struct json_object *options, char *part, bool first, struct gwt_error *err)
{
  char *value = strchr (part, '='), *last;
  struct json_object *object;

  if (value == NULL && first && *part != '\0' && gwt_id_is_valid (part))
    {
      json_object_object_add (options, "driver", json_object_new_string (part));
      return true;
    }
  if (value == NULL || value == part)
    {
      gwt_error_set (err, GWT_E_INVALID, "'%s' has no value; write key=value, a switch as key=on",
                     part);
      return false;
    }
  *value++ = '\0';
  object = descend (options, part, &last, err);
  if (object == NULL)
    return false;
  if (*last == '\0' || json_object_object_get_ex (object, last, NULL))
    {
      gwt_error_set (err, GWT_E_INVALID, "'%s' is given twice; give it once",
                     *last != '\0' ? last : part);
      return false;
    }
  json_object_object_add (object, last, json_object_new_string (value));
  return true;
}

static struct json_object *
from_pairs (const char *text, bool drive, struct gwt_error *err)
{
  struct json_object *options = json_object_new_object ();
  g_autoptr (GPtrArray) parts = gwt_split_commas (text);
  guint i;

  for (i = 0; i < parts->len; i++)
    {
      char *part = g_ptr_array_index (parts, i);
      /* -drive may name the file and say more of it: "file=x,file.locking=off". */
      bool file = drive && g_str_has_prefix (part, "file=");
      g_autofree char *renamed = file ? g_strconcat ("filename", part + 4, NULL) : NULL;

      if (!add_pair (options, file ? renamed : part, i == 0 && !drive, err))
        {
          json_object_put (options);
          return NULL;
        }
    }
  return options;
}

struct json_object *
gwt_block_parse_drive (const char *text, struct gwt_error *err)
{
  if (g_utf8_validate (text, -1, NULL))
    return from_pairs (text, true, err);
  gwt_error_set (err, GWT_E_INVALID, "it is not valid UTF-8");
  return NULL;
}

struct json_object *
gwt_block_parse (const char *text, struct gwt_error *err)
{
  struct json_object *options;

  if (!g_utf8_validate (text, -1, NULL))
    {
      gwt_error_set (err, GWT_E_INVALID, "it is not valid UTF-8");
      return NULL;
    }
  if (*text == '{')
    {
      options = gwt_json_parse (text, strlen (text), err);
      if (options != NULL && !json_object_is_type (options, json_type_object))
        {
          gwt_error_set (err, GWT_E_INVALID, "it is no JSON object; write {\"driver\": ...}");
          json_object_put (options);
          options = NULL;
        }
      return options;
    }
  return from_pairs (text, false, err);
}

/* ---- members --------------------------------------------------------------------------------- */

static bool
wrong (struct json_object *value, const char *key, const char *what, struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_INVALID, "%s: %s where %s belongs", key, gwt_json_type_name (value),
                 what);
  return false;
}

/* Its text, or NULL where it is no string that ends where it seems to. */
static const char *
text_of (struct json_object *value)
{
  const char *text
      = json_object_is_type (value, json_type_string) ? json_object_get_string (value) : NULL;

  return text != NULL && strlen (text) == (size_t) json_object_get_string_len (value) ? text : NULL;
}

static bool
take (struct json_object *options, const char *key, struct json_object **value)
{
  if (!json_object_object_get_ex (options, key, value))
    return false;
  json_object_get (*value);
  json_object_object_del (options, key);
  return true;
}

bool
gwt_take_bool (struct json_object *options, const char *key, bool *value, struct gwt_error *err)
{
  struct json_object *json;
  bool good = true;

  if (!take (options, key, &json))
    return true;
  if (json_object_is_type (json, json_type_boolean))
    *value = json_object_get_boolean (json);
  else if (text_of (json) == NULL)
    good = wrong (json, key, "on or off", err);
  else if (!gwt_parse_bool (text_of (json), value, err))
    {
      gwt_error_prefix (err, "%s", key);
      good = false;
    }
  json_object_put (json);
  return good;
}

bool
gwt_take_u64 (struct json_object *options, const char *key, bool size, uint64_t *value,
              struct gwt_error *err)
{
  struct json_object *json;
  bool good = true;

  if (!take (options, key, &json))
    return true;
  if (json_object_is_type (json, json_type_int))
    {
      *value = json_object_get_uint64 (json);
      if (json_object_get_int64 (json) < 0)
        good = wrong (json, key, "a number of 0 or more", err);
    }
  else if (text_of (json) == NULL)
    good = wrong (json, key, "a number", err);
  else if (!gwt_parse_u64 (text_of (json), size, value, err))
    {
      gwt_error_prefix (err, "%s", key);
      good = false;
    }
  if (good && *value > INT64_MAX)
    {
      gwt_error_set (err, GWT_E_RANGE, "%s: '%" G_GUINT64_FORMAT "' is out of range; use less", key,
                     *value);
      good = false;
    }
  json_object_put (json);
  return good;
}

bool
gwt_take_enum (struct json_object *options, const char *key, const char *const *names,
               guint *index, struct gwt_error *err)
{
  struct json_object *json;
  const char *text;
  guint i;

  if (!take (options, key, &json))
    return true;
  text = text_of (json);
  if (text == NULL)
    wrong (json, key, "a name", err);
  for (i = 0; text != NULL && names[i] != NULL && strcmp (names[i], text) != 0; i++)
    ;
  if (text != NULL && names[i] == NULL)
    {
      g_autofree char *all = g_strjoinv ("', '", (char **) names);
      g_autofree char *shown = gwt_one_line (text);

      gwt_error_set (err, GWT_E_INVALID, "%s: '%s' is none of its values; use one of '%s'", key,
                     shown, all);
    }
  else
    *index = text != NULL ? i : *index;
  json_object_put (json);
  return !gwt_error_is_set (err);
}

bool
gwt_take_text (struct json_object *options, const char *key, char **value, struct gwt_error *err)
{
  struct json_object *json;
  const char *text;

  *value = NULL;
  if (!take (options, key, &json))
    return true;
  text = text_of (json);
  if (text != NULL)
    *value = g_strdup (text);
  else if (json_object_is_type (json, json_type_string))
    gwt_error_set (err, GWT_E_INVALID, "%s: '%s' goes on behind a zero byte", key,
                   json_object_get_string (json));
  else
    wrong (json, key, "a string", err);
  json_object_put (json);
  return text != NULL;
}

bool
gwt_take_object (struct json_object *options, const char *key, struct json_object **value,
                 struct gwt_error *err)
{
  *value = NULL;
  if (!take (options, key, value) || json_object_is_type (*value, json_type_object))
    return true;
  wrong (*value, key, "an object", err);
  json_object_put (*value);
  *value = NULL;
  return false;
}

bool
gwt_take_end (struct json_object *options, const char *what, const char *const *known,
              struct gwt_error *err)
{
  struct json_object_iter at;

  json_object_object_foreachC (options, at)
  {
    g_autofree char *near = gwt_did_you_mean (at.key, known);
    g_autofree char *shown = gwt_one_line (at.key);

    gwt_error_set (err, GWT_E_INVALID, "%s has no option '%s'; leave it out%s", what, shown, near);
    return false;
  }
  return true;
}
