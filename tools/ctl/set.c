/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * godwit-ctl set: parameters and capabilities of migrations by name.  Which there are, and of what
 * type, the emulator says; nothing is known here.
 */
#include "config.h"
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include "core/util/text.h"
#include "tools/ctl/client.h"

/* VALUE as what the parameter is now; NULL with ERR set. */
static struct json_object *
parse_value (struct json_object *now, const char *name, const char *value, struct gwt_error *err)
{
  uint64_t number;
  bool on;

  if (json_object_is_type (now, json_type_boolean))
    {
      if (gwt_parse_bool (value, &on, err))
        return json_object_new_boolean (on);
    }
  else if (json_object_is_type (now, json_type_int))
    {
      if (gwt_parse_u64 (value, true, &number, err))
        return json_object_new_uint64 (number);
    }
  else if (json_object_is_type (now, json_type_string))
    return json_object_new_string (value);
  else
    gwt_error_set (err, GWT_E_UNSUPPORTED, "it is a list; set it with 'qmp'");
  gwt_error_prefix (err, "'%s'", name);
  return NULL;
}

static bool
is_capability (struct json_object *capabilities, const char *name)
{
  size_t i;

  for (i = 0; json_object_is_type (capabilities, json_type_array)
              && i < json_object_array_length (capabilities);
       i++)
    {
      const char *known
          = gwt_answer_text (json_object_array_get_idx (capabilities, i), "capability");

      if (known != NULL && strcmp (known, name) == 0)
        return true;
    }
  return false;
}

static void
refuse_unknown (struct json_object *parameters, struct json_object *capabilities, const char *name,
                struct gwt_error *err)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *near = NULL;
  size_t i;

  if (json_object_is_type (parameters, json_type_object))
    {
      json_object_object_foreach (parameters, key, value)
      {
        (void) value;
        g_ptr_array_add (names, key);
      }
    }
  for (i = 0; json_object_is_type (capabilities, json_type_array)
              && i < json_object_array_length (capabilities);
       i++)
    {
      const char *known
          = gwt_answer_text (json_object_array_get_idx (capabilities, i), "capability");

      if (known != NULL)
        g_ptr_array_add (names, (gpointer) known);
    }
  g_ptr_array_add (names, NULL);
  near = gwt_did_you_mean (name, (const char *const *) names->pdata);
  gwt_error_set (err, GWT_E_NOT_FOUND, "'%s' is neither a parameter nor a capability%s", name,
                 near[0] != '\0' ? near : "; 'set' alone shows them");
}

/* Sort one NAME=VALUE into what is to be set. */
static bool
take_setting (const char *text, struct json_object *parameters, struct json_object *capabilities,
              struct json_object *set, struct json_object *list, struct gwt_error *err)
{
  const char *equals = strchr (text, '=');
  g_autofree char *name
      = g_strndup (text, equals != NULL ? (gsize) (equals - text) : strlen (text));
  struct json_object *now, *value, *one;
  bool on;

  if (equals == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "'%s': give it as NAME=VALUE", text);
      return false;
    }
  if (json_object_is_type (parameters, json_type_object)
      && json_object_object_get_ex (parameters, name, &now))
    {
      value = parse_value (now, name, equals + 1, err);
      if (value != NULL)
        json_object_object_add (set, name, value);
      return value != NULL;
    }
  if (!is_capability (capabilities, name))
    {
      refuse_unknown (parameters, capabilities, name, err);
      return false;
    }
  if (!gwt_parse_bool (equals + 1, &on, err))
    {
      gwt_error_prefix (err, "'%s'", name);
      return false;
    }
  one = gwt_client_argument ("capability", name);
  json_object_object_add (one, "state", json_object_new_boolean (on));
  json_object_array_add (list, one);
  return true;
}

static void
print_settings (struct json_object *parameters, struct json_object *capabilities)
{
  size_t i;

  if (json_object_is_type (parameters, json_type_object))
    {
      json_object_object_foreach (parameters, key, value)
      {
        const char *text = json_object_is_type (value, json_type_boolean)
                               ? json_object_get_boolean (value) ? "on" : "off"
                               : json_object_get_string (value);
        g_autofree char *name = gwt_one_line (key);
        g_autofree char *shown = gwt_one_line (text != NULL ? text : "");

        printf ("%s=%s\n", name, shown);
      }
    }
  for (i = 0; json_object_is_type (capabilities, json_type_array)
              && i < json_object_array_length (capabilities);
       i++)
    {
      struct json_object *one = json_object_array_get_idx (capabilities, i);
      const char *name = gwt_answer_text (one, "capability");
      struct json_object *state = gwt_answer_member (one, "state", json_type_boolean);
      g_autofree char *shown = gwt_one_line (name != NULL ? name : "?");

      printf ("%s=%s\n", shown, json_object_get_boolean (state) ? "on" : "off");
    }
}

int
gwt_ctl_set (struct gwt_client *c, char **args)
{
  GWT_AUTO_ERROR (err);
  struct json_object *parameters = gwt_client_ask (c, "query-migrate-parameters", NULL, &err);
  struct json_object *capabilities
      = parameters != NULL ? gwt_client_ask (c, "query-migrate-capabilities", NULL, &err) : NULL;
  struct json_object *set = json_object_new_object (), *list = json_object_new_array (), *o;
  char **arg;

  for (arg = args; capabilities != NULL && *arg != NULL; arg++)
    if (!take_setting (*arg, parameters, capabilities, set, list, &err))
      break;
  if (!gwt_error_is_set (&err) && args[0] == NULL)
    print_settings (parameters, capabilities);
  /* Capabilities first: they are refused while a migration runs, parameters are not. */
  if (!gwt_error_is_set (&err) && json_object_array_length (list) > 0)
    {
      o = json_object_new_object ();
      json_object_object_add (o, "capabilities", json_object_get (list));
      gwt_client_tell (c, "migrate-set-capabilities", o, &err);
    }
  if (!gwt_error_is_set (&err) && json_object_object_length (set) > 0)
    gwt_client_tell (c, "migrate-set-parameters", json_object_get (set), &err);
  json_object_put (set);
  json_object_put (list);
  json_object_put (parameters);
  json_object_put (capabilities);
  if (!gwt_error_is_set (&err))
    return 0;
  gwt_error_report (&err, "set");
  return 1;
}
