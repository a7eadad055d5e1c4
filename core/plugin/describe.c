/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A loaded plugin as sorted JSON: the frozen record that tests compare, and what godwit-plugin show
 * prints.
 */
#include "config.h"
#include "core/device/spec.h"
#include "core/plugin/loader.h"
#include "core/util/json.h"

static struct json_object *
names_json (const char *const *names)
{
  struct json_object *list = json_object_new_array ();
  for (; names != NULL && *names != NULL; names++)
    json_object_array_add (list, json_object_new_string (*names));
  return list;
}

static struct json_object *
compat_json (const struct gwt_plugin *p)
{
  struct json_object *list = json_object_new_array ();
  for (uint64_t i = 0; i < p->n_compat; i++)
    {
      const struct gwt_compat_row *r = &p->compat[i];
      struct json_object *o = json_object_new_object ();
      json_object_object_add (o, "level", json_object_new_string (r->level));
      json_object_object_add (o, "property", json_object_new_string (r->property));
      json_object_object_add (o, "type", json_object_new_string (r->type));
      json_object_object_add (o, "value", json_object_new_string (r->value));
      json_object_array_add (list, o);
    }
  return list;
}

static struct json_object *
abi_json (const struct gwt_plugin_info *info)
{
  const struct gwt_plugin *p = info->plugin;
  struct json_object *o = json_object_new_object ();
  json_object_object_add (o, "major", json_object_new_uint64 (p->abi_major));
  json_object_object_add (o, "minor-needed", json_object_new_uint64 (p->abi_minor_needed));
  json_object_object_add (o, "struct-size", json_object_new_uint64 (info->struct_size));
  return o;
}

struct json_object *
gwt_plugin_to_json (const struct gwt_plugin_info *info)
{
  const struct gwt_plugin *p = info->plugin;
  struct json_object *o = json_object_new_object ();
  json_object_object_add (o, "path", json_object_new_string (info->path));
  if (info->id != NULL)
    {
      json_object_object_add (o, "id", json_object_new_string (info->id));
      json_object_object_add (o, "version", json_object_new_string (info->version));
    }
  if (info->refusal != NULL)
    json_object_object_add (o, "refusal", json_object_new_string (info->refusal));
  if (p != NULL)
    {
      struct json_object *types = json_object_new_object ();
      for (guint i = 0; p->types != NULL && p->types[i] != NULL; i++)
        {
          const struct gwt_type *type = gwt_type_find (p->types[i]->name);
          if (type != NULL)
            json_object_object_add (types, type->d.name, gwt_type_to_json (type));
        }
      json_object_object_add (o, "abi", abi_json (info));
      json_object_object_add (o, "compat", compat_json (p));
      if (p->doc != NULL)
        json_object_object_add (o, "doc", json_object_new_string (p->doc));
      json_object_object_add (o, "offers", names_json ((const char *const *)info->offers));
      json_object_object_add (o, "required", names_json (p->required));
      json_object_object_add (o, "types", types);
      json_object_object_add (o, "wanted", names_json (p->wanted));
    }
  struct json_object *sorted = gwt_json_sorted (o);
  json_object_put (o);
  return sorted;
}
