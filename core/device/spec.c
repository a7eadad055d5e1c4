/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "-device TYPE,prop=val,..." and the same as JSON.  Owns the one syntax; must not know whether
 * type or properties exist.
 */
#include "config.h"
#include "core/device/spec.h"
#include <string.h>
#include "core/util/json.h"
#include "core/util/text.h"

static struct gwt_spec *
spec_new (void)
{
  struct gwt_spec *spec = g_new0 (struct gwt_spec, 1);
  spec->props = json_object_new_object ();
  return spec;
}

void
gwt_spec_free (struct gwt_spec *spec)
{
  if (spec == NULL)
    return;
  g_free (spec->type);
  g_free (spec->id);
  json_object_put (spec->props);
  g_free (spec);
}

static bool
set_once (char **place, const char *what, const char *value, struct gwt_error *err)
{
  if (*place != NULL)
    gwt_error_set (err, GWT_E_INVALID, "'%s' is given twice; give it once", what);
  else if (value[0] == '\0')
    gwt_error_set (err, GWT_E_INVALID, "'%s' is empty; give it a value", what);
  else
    {
      *place = g_strdup (value);
      return true;
    }
  return false;
}

static void
refuse_name (const char *key, struct gwt_error *err)
{
  g_autofree char *dashes = g_strdelimit (g_strdup (key), "_", '-');
  if (gwt_name_is_valid (dashes))
    gwt_error_set (err, GWT_E_INVALID, "'%s' cannot be a property; write '%s'", key, dashes);
  else
    gwt_error_set (err, GWT_E_INVALID,
                   "'%s' cannot be a property; their names are [a-z][a-z0-9-]*", key);
}

/* VALUE is a reference that is taken over; NULL is JSON's null. */
static bool
add (struct gwt_spec *spec, const char *key, struct json_object *value, struct gwt_error *err)
{
  bool is_type = strcmp (key, "driver") == 0, is_id = strcmp (key, "id") == 0;
  bool good = false;
  if (is_type || is_id)
    {
      if (!json_object_is_type (value, json_type_string))
        gwt_error_set (err, GWT_E_INVALID, "'%s' is %s; give a string", key,
                       gwt_json_type_name (value));
      else
        good = set_once (is_type ? &spec->type : &spec->id, key, json_object_get_string (value),
                         err);
    }
  else if (!gwt_name_is_valid (key))
    refuse_name (key, err);
  else if (json_object_object_get_ex (spec->props, key, NULL))
    gwt_error_set (err, GWT_E_INVALID, "property '%s' is given twice; give it once", key);
  else
    {
      json_object_object_add (spec->props, key, json_object_get (value));
      good = true;
    }
  json_object_put (value);
  return good;
}

/* The next item of TEXT, with doubled commas made single; *AT moves behind it. */
static char *
next_item (const char **at)
{
  GString *item = g_string_new (NULL);
  const char *p = *at;
  for (; *p != '\0'; p++)
    {
      if (*p == ',' && p[1] != ',')
        break;
      if (*p == ',')
        p++;
      g_string_append_c (item, *p);
    }
  *at = *p == ',' ? p + 1 : NULL;
  return g_string_free (item, FALSE);
}

static bool
add_item (struct gwt_spec *spec, char *item, bool first, struct gwt_error *err)
{
  char *equals = strchr (item, '=');
  if (equals == NULL && first)
    return set_once (&spec->type, "driver", item, err);
  if (equals == NULL)
    {
      if (item[0] == '\0')
        gwt_error_set (err, GWT_E_INVALID,
                       "there is nothing between two commas; write a comma inside a value twice");
      else
        gwt_error_set (err, GWT_E_INVALID, "'%s' has no value; write '%s=on' or '%s=VALUE'", item,
                       item, item);
      return false;
    }
  *equals = '\0';
  if (!g_utf8_validate (equals + 1, -1, NULL))
    {
      gwt_error_set (err, GWT_E_INVALID, "the value of '%s' is not valid UTF-8", item);
      return false;
    }
  return add (spec, item, json_object_new_string (equals + 1), err);
}

static struct gwt_spec *
finish (struct gwt_spec *spec, bool good, struct gwt_error *err)
{
  if (good && spec->type == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "no device type is given; begin with one, '-device help' lists them");
      good = false;
    }
  if (good && spec->id != NULL && !gwt_id_is_valid (spec->id))
    {
      gwt_error_set (
          err, GWT_E_INVALID,
          "device id '%s' is malformed; use a letter, then letters, digits, '-', '_' or '.'",
          spec->id);
      good = false;
    }
  if (good)
    return spec;
  gwt_spec_free (spec);
  return NULL;
}

struct gwt_spec *
gwt_spec_from_json (struct json_object *object, struct gwt_error *err)
{
  if (!json_object_is_type (object, json_type_object))
    {
      gwt_error_set (err, GWT_E_INVALID, "%s where an object {\"driver\": TYPE, ...} belongs",
                     gwt_json_type_name (object));
      return NULL;
    }
  struct gwt_spec *spec = spec_new ();
  bool good = true;
  json_object_object_foreach (object, key, value) good
      = good && add (spec, key, json_object_get (value), err);
  return finish (spec, good, err);
}

struct gwt_spec *
gwt_spec_parse (const char *text, struct gwt_error *err)
{
  if (text[0] == '{')
    {
      struct json_object *object = gwt_json_parse (text, strlen (text), err);
      struct gwt_spec *spec = object != NULL ? gwt_spec_from_json (object, err) : NULL;
      json_object_put (object);
      return spec;
    }
  struct gwt_spec *spec = spec_new ();
  bool good = true, first = true;
  const char *at = text;
  while (good && at != NULL)
    {
      g_autofree char *item = next_item (&at);
      good = add_item (spec, item, first, err);
      first = false;
    }
  return finish (spec, good, err);
}

struct json_object *
gwt_spec_to_json (const struct gwt_spec *spec)
{
  struct json_object *object = json_object_new_object ();
  json_object_object_add (object, "driver", json_object_new_string (spec->type));
  if (spec->id != NULL)
    json_object_object_add (object, "id", json_object_new_string (spec->id));
  json_object_object_foreach (spec->props, key, value)
      json_object_object_add (object, key, json_object_get (value));
  return object;
}
