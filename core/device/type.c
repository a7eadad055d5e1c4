/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry of device types.  Owns the normalized copies of what plugins declare; must not know
 * instances, nor how plugins are found.  Types stay until the process ends.
 */
#include "config.h"
#include "core/device/type.h"
#include <stdlib.h>
#include <string.h>
#include "core/device/field.h"
#include "core/device/method.h"
#include "core/util/text.h"

/* What the first release had of each struct: smaller ones were never built.  These never change. */
#define TYPE_MIN (offsetof (struct gwt_device_type, describe) + sizeof (void *))
#define FIELD_MIN (offsetof (struct gwt_field, when) + sizeof (void *))
#define INTERFACE_MIN (offsetof (struct gwt_interface, table) + sizeof (void *))
#define METHOD_MIN (offsetof (struct gwt_method, fn) + sizeof (void *))

/* Garbage where a size should be must not become an allocation. */
#define INSTANCE_MAX (UINT64_C (1) << 30)

/* Chains of parents are walked this far: one registered after its child can close a circle. */
#define DEPTH_MAX 32

static GHashTable *types; /* name -> struct gwt_type */

static bool
check_type (const struct gwt_device_type *d, struct gwt_error *err)
{
  const char *fault = NULL;
  bool abstract = (d->flags & GWT_TYPE_ABSTRACT) != 0;
  if (d->doc == NULL || d->doc[0] == '\0')
    fault = "has no doc text";
  else if (d->threads != GWT_THREADS_MACHINE && d->threads != GWT_THREADS_DEVICE
           && d->threads != GWT_THREADS_PARALLEL)
    fault = "has an unknown thread model";
  else if (d->parent != NULL && !gwt_name_is_valid (d->parent))
    fault = "has a parent with a bad name";
  else if ((!abstract && d->instance_size == 0) || d->instance_size > INSTANCE_MAX)
    fault = "has an instance size that cannot be";
  else if (d->unmigratable != NULL && d->unmigratable[0] == '\0')
    fault = "cannot be migrated but gives no reason";
  else if (!abstract && d->realize == NULL)
    fault = "has no realize function";
  if (fault != NULL)
    gwt_error_set (err, GWT_E_INVALID, "%s", fault);
  return fault == NULL;
}

static bool
check_interfaces (const struct gwt_type *type, struct gwt_error *err)
{
  for (uint64_t i = 0; i < type->d.n_interfaces; i++)
    {
      const struct gwt_interface *a = &type->interfaces[i];
      if (a->id == NULL || a->id[0] == '\0' || a->table == NULL)
        {
          gwt_error_set (err, GWT_E_INVALID,
                         "interface %" G_GUINT64_FORMAT " has no id or no table", i);
          return false;
        }
      for (uint64_t j = 0; j < i; j++)
        if (strcmp (a->id, type->interfaces[j].id) == 0)
          {
            gwt_error_set (err, GWT_E_INVALID, "interface '%s' is offered twice", a->id);
            return false;
          }
    }
  return true;
}

/* Whose the already registered ancestors are; a parent may be registered later or by another
 * plugin. */
static bool
check_parents (const struct gwt_type *type, struct gwt_error *err)
{
  const struct gwt_type *p = type;
  while (p->d.parent != NULL)
    {
      if (strcmp (p->d.parent, type->d.name) == 0)
        {
          gwt_error_set (err, GWT_E_INVALID, "is its own ancestor");
          return false;
        }
      p = gwt_type_find (p->d.parent);
      if (p == NULL)
        return true;
      if ((p->d.flags & GWT_TYPE_ABSTRACT) == 0)
        {
          gwt_error_set (err, GWT_E_INVALID, "has the parent '%s', which is not abstract",
                         p->d.name);
          return false;
        }
    }
  return true;
}

static void
type_free (struct gwt_type *type)
{
  g_free (type->fields);
  g_free (type->interfaces);
  g_free (type->methods);
  g_free (type);
}

static struct gwt_type *
type_normalize (const struct gwt_device_type *from, struct gwt_error *err)
{
  struct gwt_type *type = g_new0 (struct gwt_type, 1);
  struct gwt_device_type *d = &type->d;
  memcpy (d, from, MIN (from->struct_size, sizeof *d));
  type->struct_size = d->struct_size;
  type->field_size = d->field_size;
  d->struct_size = sizeof *d;
  if (d->threads == 0)
    d->threads = GWT_THREADS_MACHINE;
  type->fields = gwt_table_normalize (d->fields, d->n_fields, d->field_size,
                                      sizeof (struct gwt_field), FIELD_MIN, "fields", err);
  type->interfaces
      = gwt_table_normalize (d->interfaces, d->n_interfaces, d->interface_size,
                             sizeof (struct gwt_interface), INTERFACE_MIN, "interfaces", err);
  type->methods = gwt_table_normalize (d->methods, d->n_methods, d->method_size,
                                       sizeof (struct gwt_method), METHOD_MIN, "methods", err);
  if (gwt_error_is_set (err))
    {
      type_free (type);
      return NULL;
    }
  /* From here on only the copies are looked at. */
  d->fields = type->fields;
  d->field_size = sizeof (struct gwt_field);
  d->interfaces = type->interfaces;
  d->interface_size = sizeof (struct gwt_interface);
  d->methods = type->methods;
  d->method_size = sizeof (struct gwt_method);
  return type;
}

static struct gwt_type *
type_judge (const struct gwt_device_type *from, struct gwt_error *err)
{
  struct gwt_type *type = type_normalize (from, err);
  if (type != NULL
      && !(check_type (&type->d, err) && check_parents (type, err) && check_interfaces (type, err)
           && gwt_fields_check (&type->d, type->fields, err) && gwt_methods_check (type, err)))
    {
      type_free (type);
      type = NULL;
    }
  return type;
}

static struct gwt_type *
type_new (const struct gwt_device_type *from, const char *plugin_id, struct gwt_error *err)
{
  if (from == NULL || from->struct_size < TYPE_MIN || from->struct_size > 65536)
    {
      gwt_error_set (
          err, GWT_E_INVALID,
          "a device type's struct has a size that no release had; build the plugin again with this "
          "release's headers");
      return NULL;
    }
  if (!gwt_name_is_valid (from->name))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "device type '%s' has a bad name; names are [a-z][a-z0-9-]*",
                     from->name != NULL ? from->name : "");
      return NULL;
    }
  const struct gwt_type *taken = gwt_type_find (from->name);
  if (taken != NULL)
    {
      gwt_error_set (err, GWT_E_EXISTS,
                     "device type '%s' of plugin '%s' is offered by plugin '%s' already; use only "
                     "one of the two",
                     from->name, plugin_id, taken->plugin_id);
      return NULL;
    }
  struct gwt_type *type = type_judge (from, err);
  if (type == NULL)
    gwt_error_prefix (err, "device type '%s'", from->name);
  return type;
}

bool
gwt_type_check (const struct gwt_device_type *from, const char *plugin_id, struct gwt_error *err)
{
  struct gwt_type *type = type_new (from, plugin_id, err);
  if (type == NULL)
    return false;
  type_free (type);
  return true;
}

bool
gwt_type_register (const struct gwt_device_type *from, const char *plugin_id,
                   const char *plugin_version, struct gwt_error *err)
{
  struct gwt_type *type = type_new (from, plugin_id, err);
  if (type == NULL)
    return false;
  type->plugin_id = g_intern_string (plugin_id);
  type->plugin_version = g_intern_string (plugin_version);
  if (types == NULL)
    types = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_insert (types, (gpointer)type->d.name, type);
  return true;
}

const struct gwt_type *
gwt_type_find (const char *name)
{
  return types != NULL && name != NULL ? g_hash_table_lookup (types, name) : NULL;
}

bool
gwt_type_is_a (const struct gwt_type *type, const char *name)
{
  for (int depth = 0; type != NULL && depth < DEPTH_MAX; depth++)
    {
      if (strcmp (type->d.name, name) == 0)
        return true;
      if (type->d.parent == NULL)
        return false;
      if (strcmp (type->d.parent, name) == 0)
        return true;
      type = gwt_type_find (type->d.parent);
    }
  return false;
}

const struct gwt_type *
gwt_type_parent (const struct gwt_type *type)
{
  return type->d.parent != NULL ? gwt_type_find (type->d.parent) : NULL;
}

const struct gwt_field *
gwt_type_property (const struct gwt_type *type, const char *name)
{
  const struct gwt_field *f = NULL;
  for (int depth = 0; type != NULL && f == NULL && depth < DEPTH_MAX; depth++)
    {
      f = gwt_type_own_property (type, name);
      type = gwt_type_parent (type);
    }
  return f;
}

const struct gwt_field *
gwt_type_own_property (const struct gwt_type *type, const char *name)
{
  for (uint64_t i = 0; i < type->d.n_fields; i++)
    if (type->fields[i].role == GWT_PROP && strcmp (type->fields[i].name, name) == 0)
      return &type->fields[i];
  return NULL;
}

const void *
gwt_type_interface (const struct gwt_type *type, const char *id)
{
  const void *table = NULL;
  for (int depth = 0; type != NULL && table == NULL && depth < DEPTH_MAX; depth++)
    {
      table = gwt_type_own_interface (type, id);
      type = gwt_type_parent (type);
    }
  return table;
}

const void *
gwt_type_own_interface (const struct gwt_type *type, const char *id)
{
  for (uint64_t i = 0; i < type->d.n_interfaces; i++)
    if (strcmp (type->interfaces[i].id, id) == 0)
      return type->interfaces[i].table;
  return NULL;
}

static int
compare_types (const void *a, const void *b)
{
  const struct gwt_type *ta = *(const struct gwt_type *const *)a;
  const struct gwt_type *tb = *(const struct gwt_type *const *)b;
  return strcmp (ta->d.name, tb->d.name);
}

const struct gwt_type **
gwt_type_list (void)
{
  guint count = types != NULL ? g_hash_table_size (types) : 0, n = 0;
  const struct gwt_type **list = g_new0 (const struct gwt_type *, count + 1);
  GHashTableIter iter;
  gpointer value;
  if (types != NULL)
    {
      g_hash_table_iter_init (&iter, types);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        list[n++] = value;
    }
  qsort (list, n, sizeof list[0], compare_types);
  return list;
}

const char **
gwt_type_property_names (const struct gwt_type *type)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (int depth = 0; type != NULL && depth < DEPTH_MAX; depth++)
    {
      for (uint64_t i = 0; i < type->d.n_fields; i++)
        if (type->fields[i].role == GWT_PROP)
          g_ptr_array_add (names, (gpointer) type->fields[i].name);
      type = gwt_type_parent (type);
    }
  g_ptr_array_add (names, NULL);
  return (const char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

char *
gwt_type_uncovered (const struct gwt_device_type *type)
{
  GWT_AUTO_ERROR (err);
  struct gwt_field *fields
      = gwt_table_normalize (type->fields, type->n_fields, type->field_size,
                             sizeof (struct gwt_field), FIELD_MIN, "fields", &err);
  if (fields == NULL)
    return g_strdup_printf ("all: %s", err.text);
  char *text = gwt_fields_uncovered (type, fields);
  g_free (fields);
  return text;
}
