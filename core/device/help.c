/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device type tells about itself, as text for people and as sorted JSON for tools.  Both
 * come from the rows alone, so that they cannot differ from what is accepted.
 */
#include "config.h"
#include "core/device/spec.h"
#include <string.h>
#include "core/device/field.h"
#include "core/device/method.h"
#include "core/device/value.h"
#include "core/util/json.h"

static char *
default_text (const struct gwt_field *f)
{
  struct gwt_value value;
  GWT_AUTO_ERROR (ignored);
  if ((f->flags & GWT_FIELD_REQUIRED) != 0 || !gwt_value_default (f, &value, &ignored))
    return NULL;
  bool pointer = gwt_kind_is_pointer (f->kind);
  char *text = pointer && value.text == NULL ? NULL : gwt_value_to_text (f, &value);
  gwt_value_clear (&value);
  return text;
}

/* What stands behind the name: "u32", "size", "on|off", "sv39|sv48". */
static const char *
type_text (const struct gwt_field *f)
{
  if (f->values != NULL)
    return f->values;
  if (f->kind == GWT_BOOL)
    return "on|off";
  return (f->flags & GWT_FIELD_SIZE) != 0 ? "size" : gwt_kind_name (f->kind);
}

static void
append_property (GString *out, const struct gwt_field *f)
{
  g_autofree char *head = g_strdup_printf ("%s=<%s>", f->name, type_text (f));
  g_autofree char *def = default_text (f);
  g_autofree char *range
      = (f->kind != GWT_BOOL || gwt_field_is_bounded (f)) && f->values == NULL
            ? gwt_field_range_text (f)
            : NULL;
  g_string_append_printf (out, "  %-26s %s", head, f->doc);
  GString *more = g_string_new (NULL);
  if ((f->flags & GWT_FIELD_REQUIRED) != 0)
    g_string_append (more, ", must be given");
  if (def != NULL)
    g_string_append_printf (more, ", default %s", def[0] != '\0' ? def : "''");
  if (range != NULL && gwt_field_is_bounded (f))
    g_string_append_printf (more, ", %s", range);
  if (f->interface != NULL)
    g_string_append_printf (more, ", id of a device with %s", f->interface);
  else if (f->kind == GWT_CHARDEV)
    g_string_append (more, ", id of a character back end");
  else if (f->kind == GWT_BLOCK)
    g_string_append (more, ", id of a block back end");
  else if (f->kind == GWT_NETDEV)
    g_string_append (more, ", id of a network back end");
  if (more->len > 0)
    g_string_append_printf (out, " (%s)", more->str + 2);
  g_string_append_c (out, '\n');
  g_string_free (more, TRUE);
}

/* Which parent the properties that follow belong to. */
static void
append_origin (GString *out, const struct gwt_type *type, const struct gwt_type *part)
{
  if (part != type)
    g_string_append_printf (out, " of %s, as every %s has:\n", part->d.name, part->d.name);
}

char *
gwt_type_help (const struct gwt_type *type)
{
  GString *out = g_string_new (NULL);
  g_string_append_printf (out, "%s: %s (plugin %s %s)\n", type->d.name, type->d.doc,
                          type->plugin_id, type->plugin_version);
  if ((type->d.flags & GWT_TYPE_USER) == 0)
    g_string_append (out, "Only a board can make it; '-global' reaches its properties.\n");
  if (type->d.unmigratable != NULL)
    g_string_append_printf (out, "Cannot be migrated: %s.\n", type->d.unmigratable);
  g_string_append (out, "properties:\n");
  guint properties = 0;
  for (const struct gwt_type *t = type; t != NULL; t = gwt_type_parent (t))
    {
      bool first = true;
      for (uint64_t i = 0; i < t->d.n_fields; i++)
        if (t->fields[i].role == GWT_PROP)
          {
            if (first)
              append_origin (out, type, t);
            first = false;
            append_property (out, &t->fields[i]);
            properties++;
          }
    }
  if (properties == 0)
    g_string_append (out, "  none\n");
  bool head = false;
  for (const struct gwt_type *t = type; t != NULL; t = gwt_type_parent (t))
    for (uint64_t i = 0; i < t->d.n_methods; i++)
      {
        if (!head)
          g_string_append (out, "methods:\n");
        head = true;
        g_string_append_printf (out, "  %s\n      %s\n", t->methods[i].signature,
                                t->methods[i].doc);
      }
  return g_string_free (out, FALSE);
}

char *
gwt_type_help_all (void)
{
  GString *out = g_string_new (NULL);
  g_autofree const struct gwt_type **list = gwt_type_list ();
  for (int user = 1; user >= 0; user--)
    {
      bool head = false;
      for (guint i = 0; list[i] != NULL; i++)
        {
          const struct gwt_type *t = list[i];
          if ((t->d.flags & GWT_TYPE_ABSTRACT) != 0 || ((t->d.flags & GWT_TYPE_USER) != 0) != user)
            continue;
          if (!head)
            g_string_append (out, user ? "for -device:\n" : "made by boards only:\n");
          head = true;
          g_string_append_printf (out, "  %-16s %s (plugin %s %s)\n", t->d.name, t->d.doc,
                                  t->plugin_id, t->plugin_version);
        }
    }
  if (out->len == 0)
    g_string_append (out, "no device types: no plugin was found\n");
  return g_string_free (out, FALSE);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void
add_text (struct json_object *object, const char *key, const char *text)
{
  if (text != NULL)
    json_object_object_add (object, key, json_object_new_string (text));
}

static struct json_object *
number_json (const struct gwt_field *f, uint64_t v)
{
  return gwt_kind_is_unsigned (f->kind) ? json_object_new_uint64 (v)
                                        : json_object_new_int64 ((int64_t)v);
}

static void
add_flag (struct json_object *object, const char *key, bool on)
{
  if (on)
    json_object_object_add (object, key, json_object_new_boolean (1));
}

static struct json_object *
property_json (const struct gwt_field *f)
{
  struct json_object *o = json_object_new_object ();
  struct gwt_value value;
  GWT_AUTO_ERROR (ignored);
  if ((f->flags & GWT_FIELD_REQUIRED) == 0 && gwt_value_default (f, &value, &ignored))
    {
      json_object_object_add (o, "default", gwt_value_to_json (f, &value));
      gwt_value_clear (&value);
    }
  add_text (o, "doc", f->doc);
  add_text (o, "facts", f->facts);
  add_flag (o, "host-only", (f->flags & GWT_FIELD_HOST_ONLY) != 0);
  add_text (o, "interface", f->interface);
  if (gwt_field_is_bounded (f))
    {
      json_object_object_add (o, "max", number_json (f, f->max));
      json_object_object_add (o, "min", number_json (f, f->min));
    }
  add_flag (o, "required", (f->flags & GWT_FIELD_REQUIRED) != 0);
  add_flag (o, "size-suffixes", (f->flags & GWT_FIELD_SIZE) != 0);
  add_text (o, "type", gwt_kind_name (f->kind));
  if (f->values != NULL)
    {
      struct json_object *names = json_object_new_array ();
      char **list = gwt_field_values (f);
      for (char **n = list; *n != NULL; n++)
        json_object_array_add (names, json_object_new_string (*n));
      g_strfreev (list);
      json_object_object_add (o, "values", names);
    }
  return o;
}

static struct json_object *
row_json (const struct gwt_field *f)
{
  struct json_object *o = json_object_new_object ();
  add_text (o, "count", f->count);
  add_text (o, "doc", f->doc);
  if (f->elems != 1)
    json_object_object_add (o, "elements", json_object_new_uint64 (f->elems));
  add_text (o, "kind", gwt_kind_name (f->kind));
  if (f->role == GWT_REG)
    {
      json_object_object_add (o, "register", json_object_new_uint64 (f->reg));
      json_object_object_add (o, "write-mask", json_object_new_uint64 (f->wmask));
    }
  add_text (o, "role", gwt_role_name (f->role));
  if (f->since != 0)
    json_object_object_add (o, "since", json_object_new_uint64 (f->since));
  if (f->until != 0)
    json_object_object_add (o, "until", json_object_new_uint64 (f->until));
  json_object_object_add (o, "size", json_object_new_uint64 (f->size));
  add_text (o, "when", f->when);
  return o;
}

static struct json_object *
methods_json (const struct gwt_type *type)
{
  struct json_object *methods = json_object_new_object ();
  for (uint64_t i = 0; i < type->d.n_methods; i++)
    {
      struct gwt_signature s;
      GWT_AUTO_ERROR (ignored);
      if (!gwt_signature_parse (type->methods[i].signature, &s, &ignored))
        continue;
      struct json_object *o = json_object_new_object ();
      add_text (o, "doc", type->methods[i].doc);
      add_text (o, "signature", type->methods[i].signature);
      json_object_object_add (methods, s.name, o);
    }
  return methods;
}

static const char *
threads_name (uint32_t threads)
{
  return threads == GWT_THREADS_PARALLEL ? "parallel"
         : threads == GWT_THREADS_DEVICE ? "device"
                                         : "machine";
}

struct json_object *
gwt_type_to_json (const struct gwt_type *type)
{
  struct json_object *o = json_object_new_object ();
  struct json_object *properties = json_object_new_object (), *rows = json_object_new_object ();
  struct json_object *interfaces = json_object_new_array ();
  uint64_t host_bytes = 0;
  for (uint64_t i = 0; i < type->d.n_fields; i++)
    {
      const struct gwt_field *f = &type->fields[i];
      if (f->role == GWT_PROP)
        json_object_object_add (properties, f->name, property_json (f));
      else if (f->role == GWT_HOST)
        host_bytes += (uint64_t)f->size * f->elems;
      else
        json_object_object_add (rows, f->name, row_json (f));
    }
  for (uint64_t i = 0; i < type->d.n_interfaces; i++)
    json_object_array_add (interfaces, json_object_new_string (type->interfaces[i].id));
  add_flag (o, "abstract", (type->d.flags & GWT_TYPE_ABSTRACT) != 0);
  add_text (o, "doc", type->d.doc);
  add_text (o, "fdt-name", type->d.fdt_name);
  json_object_object_add (o, "field-size", json_object_new_uint64 (type->field_size));
  json_object_object_add (o, "host-bytes", json_object_new_uint64 (host_bytes));
  json_object_object_add (o, "instance-size", json_object_new_uint64 (type->d.instance_size));
  json_object_object_add (o, "interfaces", interfaces);
  json_object_object_add (o, "methods", methods_json (type));
  add_text (o, "name", type->d.name);
  add_text (o, "parent", type->d.parent);
  json_object_object_add (o, "properties", properties);
  json_object_object_add (o, "rows", rows);
  json_object_object_add (o, "struct-size", json_object_new_uint64 (type->struct_size));
  add_text (o, "threads", threads_name (type->d.threads));
  add_text (o, "unmigratable", type->d.unmigratable);
  json_object_object_add (o, "user-creatable",
                          json_object_new_boolean ((type->d.flags & GWT_TYPE_USER) != 0));
  struct json_object *sorted = gwt_json_sorted (o);
  json_object_put (o);
  return sorted;
}
