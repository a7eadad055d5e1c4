/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells where the values of a device's properties came from: who had the last word, and who else
 * had a say.  For people and for tools; property.c keeps what is told.
 */
#include "config.h"
#include <string.h>
#include "core/device/device.h"
#include "core/device/value.h"

static struct json_object *
step_json (const struct gwt_field *f, enum gwt_source source, const char *detail, const char *text)
{
  struct json_object *o = json_object_new_object (), *value = NULL;
  struct gwt_value parsed = { 0 };
  GWT_AUTO_ERROR (ignored);
  /* What was stored as text once is read back: ids of back ends and absent texts are null then. */
  if (text != NULL && gwt_value_from_text (f, text, &parsed, &ignored))
    value = gwt_value_to_json (f, &parsed);
  gwt_value_clear (&parsed);
  json_object_object_add (o, "source", json_object_new_string (gwt_source_name (source)));
  if (detail != NULL)
    json_object_object_add (o, "detail", json_object_new_string (detail));
  json_object_object_add (o, "value", value);
  return o;
}

static char *
default_text (const struct gwt_field *f)
{
  struct gwt_value value;
  GWT_AUTO_ERROR (ignored);
  if (!gwt_value_default (f, &value, &ignored))
    return NULL;
  char *text = gwt_value_to_text (f, &value);
  gwt_value_clear (&value);
  return text;
}

/* The step that has the last word, or -1 where the default has. */
static int
winner (const struct gwt_provenance *from)
{
  int won = -1;
  enum gwt_source source = GWT_SOURCE_DEFAULT;
  for (guint i = 0; from->steps != NULL && i < from->steps->len; i++)
    {
      const struct gwt_provenance_step *step = g_ptr_array_index (from->steps, i);
      if (step->source < source)
        continue;
      source = step->source;
      won = (int) i;
    }
  return won;
}

/* Some take what is there, or what is free, where they were told to choose.  Does DEVICE have
   another value than the last word, step WON, gave it?  That one goes to *GIVEN, which the caller
   frees. */
static bool
is_settled (struct gwt_device *device, const struct gwt_field *f, int won, char **given)
{
  const struct gwt_provenance *from = gwt_device_provenance (device, f->name);
  GWT_AUTO_ERROR (ignored);
  g_autofree char *value = NULL;
  /* A back end goes by more than one name. */
  if (!device->realized || f->kind == GWT_BLOCK || f->kind == GWT_CHARDEV || f->kind == GWT_NETDEV
      || f->kind == GWT_LINK)
    return false;
  *given = won < 0 ? default_text (f)
                   : g_strdup (((const struct gwt_provenance_step *)
                                g_ptr_array_index (from->steps, (guint) won))->value);
  value = gwt_device_get_text (device, f->name, &ignored);
  if (!gwt_error_is_set (&ignored) && g_strcmp0 (value, *given) != 0)
    return true;
  g_clear_pointer (given, g_free);
  return false;
}

static struct json_object *
explain_one (struct gwt_device *device, const struct gwt_field *f, struct gwt_error *err)
{
  const struct gwt_provenance *from = gwt_device_provenance (device, f->name);
  struct json_object *value = gwt_device_get_json (device, f->name, err);
  if (gwt_error_is_set (err))
    return NULL;
  struct json_object *o = json_object_new_object (), *others = json_object_new_array ();
  int won = winner (from);
  g_autofree char *text = default_text (f), *given = NULL;
  json_object_object_add (o, "property", json_object_new_string (f->name));
  json_object_object_add (o, "value", value);
  json_object_object_add (o, "source", json_object_new_string (gwt_source_name (from->source)));
  if (from->detail != NULL)
    json_object_object_add (o, "detail", json_object_new_string (from->detail));
  if (is_settled (device, f, won, &given))
    {
      struct json_object *step = step_json (f, from->source, NULL, given), *was;
      json_object_object_add (o, "settled-by", json_object_new_string (device->type->d.name));
      json_object_object_get_ex (step, "value", &was);
      json_object_object_add (o, "given", json_object_get (was));
      json_object_put (step);
    }
  if (won >= 0)
    json_object_array_add (others, step_json (f, GWT_SOURCE_DEFAULT, NULL, text));
  for (guint i = 0; from->steps != NULL && i < from->steps->len; i++)
    {
      const struct gwt_provenance_step *step = g_ptr_array_index (from->steps, i);
      if ((int) i != won)
        json_object_array_add (others, step_json (f, step->source, step->detail, step->value));
    }
  json_object_object_add (o, "overruled", others);
  return o;
}

struct json_object *
gwt_device_explain (struct gwt_device *device, const char *name, struct gwt_error *err)
{
  struct json_object *list = json_object_new_array ();
  g_autofree const char **names = gwt_type_property_names (device->type);
  for (guint i = 0; names[i] != NULL && !gwt_error_is_set (err); i++)
    {
      if (name != NULL && strcmp (names[i], name) != 0)
        continue;
      struct json_object *one
          = explain_one (device, gwt_type_property (device->type, names[i]), err);
      if (one != NULL)
        json_object_array_add (list, one);
    }
  if (!gwt_error_is_set (err))
    return list;
  json_object_put (list);
  return NULL;
}

static void
append_value (GString *out, const char *text)
{
  g_string_append (out, text == NULL ? "(none)" : *text != '\0' ? text : "''");
}

char *
gwt_device_explain_text (struct gwt_device *device, const char *name, struct gwt_error *err)
{
  const struct gwt_field *f = gwt_type_property (device->type, name);
  g_autofree char *value = gwt_device_get_text (device, name, err);
  if (f == NULL || gwt_error_is_set (err))
    return NULL;
  const struct gwt_provenance *from = gwt_device_provenance (device, name);
  int won = winner (from);
  GString *out = g_string_new (name);
  g_autofree char *def = default_text (f);
  g_string_append (out, " = ");
  append_value (out, value);
  g_string_append_printf (out, "  (%s%s%s)", gwt_source_name (from->source),
                          from->detail != NULL ? ": " : "",
                          from->detail != NULL ? from->detail : "");
  if (won >= 0)
    {
      g_string_append (out, "; over ");
      append_value (out, def);
      g_string_append (out, " (default)");
    }
  for (guint i = 0; from->steps != NULL && i < from->steps->len; i++)
    {
      const struct gwt_provenance_step *step = g_ptr_array_index (from->steps, i);
      if ((int) i == won)
        continue;
      g_string_append (out, ", ");
      append_value (out, step->value);
      g_string_append_printf (out, " (%s%s%s)", gwt_source_name (step->source),
                              step->detail != NULL ? ": " : "",
                              step->detail != NULL ? step->detail : "");
    }
  return g_string_free (out, FALSE);
}
