/* SPDX-License-Identifier: BSD-2-Clause */
/* QMP dispatch: from a parsed request to its answer.  Knows no command and no socket. */
#include "config.h"
#include "core/monitor/dispatch.h"

#include <string.h>

#include "core/util/text.h"

static GHashTable *table; /* name -> const struct gwt_qmp_command * */

void
gwt_qmp_add_commands (const struct gwt_qmp_command *commands, size_t count)
{
  if (table == NULL)
    table = g_hash_table_new (g_str_hash, g_str_equal);
  for (size_t i = 0; i < count; i++)
    g_hash_table_insert (table, (gpointer) commands[i].name, (gpointer) &commands[i]);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static const char **
sorted_names (guint *count)
{
  if (table == NULL)
    table = g_hash_table_new (g_str_hash, g_str_equal);
  const char **names = (const char **) g_hash_table_get_keys_as_array (table, count);
  qsort (names, *count, sizeof *names, compare_names);
  return names;
}

struct json_object *
gwt_qmp_command_list (void)
{
  guint count;
  g_autofree const char **names = sorted_names (&count);
  struct json_object *list = json_object_new_array ();
  for (guint i = 0; i < count; i++)
    {
      struct json_object *entry = json_object_new_object ();
      json_object_object_add (entry, "name", json_object_new_string (names[i]));
      json_object_array_add (list, entry);
    }
  return list;
}

/* QMP's error classes; everything that has no class of its own is a GenericError. */
static const char *
class_of (uint32_t code)
{
  switch (code)
    {
    case GWT_E_NOT_FOUND:
      return "DeviceNotFound";
    case GWT_E_UNSUPPORTED:
      return "CommandNotFound";
    default:
      return "GenericError";
    }
}

struct json_object *
gwt_qmp_error_object (struct gwt_error *err, struct json_object *id)
{
  struct json_object *answer = json_object_new_object ();
  struct json_object *error = json_object_new_object ();
  json_object_object_add (error, "class", json_object_new_string (class_of (err->code)));
  json_object_object_add (error, "desc",
                          json_object_new_string (err->text != NULL ? err->text : "failed"));
  json_object_object_add (answer, "error", error);
  if (id != NULL)
    json_object_object_add (answer, "id", json_object_get (id));
  gwt_error_clear (err);
  return answer;
}

static bool
type_matches (const char *type, struct json_object *value)
{
  switch (json_object_get_type (value))
    {
    case json_type_string:
      return strcmp (type, "str") == 0 || strcmp (type, "any") == 0;
    case json_type_int:
      return strcmp (type, "int") == 0 || strcmp (type, "any") == 0;
    case json_type_boolean:
      return strcmp (type, "bool") == 0 || strcmp (type, "any") == 0;
    case json_type_object:
      return strcmp (type, "object") == 0 || strcmp (type, "any") == 0;
    default:
      return strcmp (type, "any") == 0;
    }
}

static const struct gwt_qmp_arg *
find_arg (const struct gwt_qmp_command *command, const char *name)
{
  for (const struct gwt_qmp_arg *a = command->args; a != NULL && a->name != NULL; a++)
    if (strcmp (a->name, name) == 0 || strcmp (a->name, GWT_QMP_MORE) == 0)
      return a;
  return NULL;
}

static bool
check_args (const struct gwt_qmp_command *command, struct json_object *args, struct gwt_error *err)
{
  json_object_object_foreach (args, name, value)
  {
    const struct gwt_qmp_arg *a = find_arg (command, name);
    if (a == NULL)
      {
        gwt_error_set (err, GWT_E_INVALID, "Parameter '%s' is unexpected", name);
        return false;
      }
    if (!type_matches (a->type, value))
      {
        gwt_error_set (err, GWT_E_INVALID, "Invalid parameter type for '%s', expected: %s", name,
                       strcmp (a->type, "str") == 0   ? "string"
                       : strcmp (a->type, "int") == 0 ? "integer"
                                                      : a->type);
        return false;
      }
  }
  for (const struct gwt_qmp_arg *a = command->args; a != NULL && a->name != NULL; a++)
    if (!a->optional && !json_object_object_get_ex (args, a->name, NULL))
      {
        gwt_error_set (err, GWT_E_INVALID, "Parameter '%s' is missing", a->name);
        return false;
      }
  return true;
}

/* The members that a request may have; OUT values are borrowed. */
static bool
take_apart (struct json_object *request, const char **name, struct json_object **args,
            struct json_object **id, struct gwt_error *err)
{
  *name = NULL;
  *args = *id = NULL;
  if (!json_object_is_type (request, json_type_object))
    {
      gwt_error_set (err, GWT_E_INVALID, "QMP input must be a JSON object");
      return false;
    }
  json_object_object_get_ex (request, "id", id);
  json_object_object_foreach (request, member, value)
  {
    if (strcmp (member, "execute") == 0)
      {
        if (!json_object_is_type (value, json_type_string))
          {
            gwt_error_set (err, GWT_E_INVALID, "QMP input member 'execute' must be a string");
            return false;
          }
        *name = json_object_get_string (value);
      }
    else if (strcmp (member, "arguments") == 0)
      {
        if (!json_object_is_type (value, json_type_object))
          {
            gwt_error_set (err, GWT_E_INVALID, "QMP input member 'arguments' must be an object");
            return false;
          }
        *args = value;
      }
    else if (strcmp (member, "exec-oob") == 0)
      {
        gwt_error_set (err, GWT_E_INVALID, "Out-of-band capability is not offered; use 'execute'");
        return false;
      }
    else if (strcmp (member, "id") != 0)
      {
        gwt_error_set (err, GWT_E_INVALID, "QMP input member '%s' is unexpected", member);
        return false;
      }
  }
  if (*name == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "QMP input lacks member 'execute'");
      return false;
    }
  return true;
}

static struct json_object *
negotiate (struct json_object *args, bool *negotiated, struct gwt_error *err)
{
  struct json_object *enable = NULL;
  if (*negotiated)
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "Capabilities negotiation is already complete, command ignored");
      return NULL;
    }
  if (args != NULL)
    {
      json_object_object_foreach (args, name, value)
      {
        if (strcmp (name, "enable") != 0 || !json_object_is_type (value, json_type_array))
          {
            gwt_error_set (err, GWT_E_INVALID, "Parameter '%s' is unexpected", name);
            return NULL;
          }
        enable = value;
      }
    }
  if (enable != NULL && json_object_array_length (enable) > 0)
    {
      gwt_error_set (err, GWT_E_INVALID, "Capability '%s' is not available",
                     json_object_get_string (json_object_array_get_idx (enable, 0)));
      return NULL;
    }
  *negotiated = true;
  return json_object_new_object ();
}

static void
unknown_command (const char *name, struct gwt_error *err)
{
  guint count;
  g_autofree const char **names = sorted_names (&count);
  g_autofree char *near = gwt_nearest_names (name, names);
  if (near != NULL)
    gwt_error_set (err, GWT_E_UNSUPPORTED, "The command %.64s has not been found; did you mean %s",
                   name, near);
  else
    gwt_error_set (err, GWT_E_UNSUPPORTED, "The command %.64s has not been found", name);
}

static struct json_object *
run (const char *name, struct json_object *args, bool *negotiated, struct gwt_error *err)
{
  if (strcmp (name, "qmp_capabilities") == 0)
    return negotiate (args, negotiated, err);
  if (!*negotiated)
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "Expecting capabilities negotiation with 'qmp_capabilities'");
      return NULL;
    }
  const struct gwt_qmp_command *command
      = table != NULL ? g_hash_table_lookup (table, name) : NULL;
  if (command == NULL)
    {
      unknown_command (name, err);
      return NULL;
    }
  struct json_object *empty = args == NULL ? json_object_new_object () : json_object_get (args);
  struct json_object *result
      = check_args (command, empty, err) ? command->fn (empty, err) : NULL;
  json_object_put (empty);
  /* The class CommandNotFound says that the command is unknown, never that it refused. */
  if (err->code == GWT_E_UNSUPPORTED)
    err->code = GWT_E_FAILED;
  return result;
}

struct json_object *
gwt_qmp_dispatch (struct json_object *request, bool *negotiated)
{
  GWT_AUTO_ERROR (err);
  const char *name;
  struct json_object *args, *id, *result = NULL;
  if (take_apart (request, &name, &args, &id, &err))
    result = run (name, args, negotiated, &err);
  if (gwt_error_is_set (&err))
    {
      json_object_put (result);
      return gwt_qmp_error_object (&err, id);
    }
  struct json_object *answer = json_object_new_object ();
  json_object_object_add (answer, "return", result != NULL ? result : json_object_new_object ());
  if (id != NULL)
    json_object_object_add (answer, "id", json_object_get (id));
  return answer;
}

struct json_object *
gwt_qmp_execute (struct json_object *request)
{
  bool negotiated = true;
  return gwt_qmp_dispatch (request, &negotiated);
}
