/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the order in which a device's properties get their values below -device: type default,
 * compat rows of its plugin, machine types (newest base first), board, -global.
 * docs/machine-types.md tells it to users.  It must not know any type by name.
 */
#include "config.h"
#include <string.h>
#include "core/device/value.h"
#include "core/machine/machine.h"
#include "core/migration/manifest.h"
#include "core/plugin/loader.h"
#include "core/util/log.h"
#include "core/util/text.h"

struct row
{
  const struct gwt_compat_row *row;
  guint order; /* in the plugin's table */
};

/* Newest level first, so that the oldest behaviour that still applies has the last word; rows of
   one level in the order of the table. */
static gint
newest_first (gconstpointer a, gconstpointer b)
{
  const struct row *ra = a, *rb = b;
  int order = gwt_version_compare (rb->row->level, ra->row->level);
  return order != 0 ? order : (ra->order > rb->order) - (ra->order < rb->order);
}

/* Rows of one plugin. */
static bool
apply_rows_of (const struct gwt_machine_choice *choice, const char *plugin,
               struct gwt_device *device, struct gwt_error *err)
{
  const struct gwt_machine_level *promise = gwt_machine_choice_find_level (choice, plugin);
  const struct gwt_plugin_info *info = gwt_loader_find (plugin);
  if (promise == NULL || info == NULL || info->plugin == NULL)
    return true;
  if (!gwt_machine_level_check (promise, info, err))
    return false;
  const char *level = promise->level;
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (struct row));
  for (guint i = 0; i < info->plugin->n_compat; i++)
    {
      /* The loader normalized the table to this host's row size. */
      struct row entry = { &info->plugin->compat[i], i };
      if (gwt_version_compare (entry.row->level, level) >= 0
          && gwt_type_is_a (device->type, entry.row->type)
          && gwt_type_property (device->type, entry.row->property) != NULL)
        g_array_append_val (rows, entry);
    }
  g_array_sort (rows, newest_first);
  for (guint i = 0; i < rows->len; i++)
    {
      const struct gwt_compat_row *row = g_array_index (rows, struct row, i).row;
      g_autofree char *detail
          = g_strdup_printf ("plugin %s, level %s", plugin, row->level);
      if (!gwt_device_set (device, row->property, row->value, GWT_SOURCE_PLUGIN_COMPAT, detail,
                           err))
        {
          gwt_error_prefix (err, "plugin '%s': compat row of level %s", plugin, row->level);
          return false;
        }
    }
  return true;
}

/* A device is partly of its ancestors' plugins, and each of those keeps its promise, the parent's
   first. */
static bool
apply_plugin_rows (const struct gwt_machine_choice *choice, const struct gwt_type *type,
                   struct gwt_device *device, struct gwt_error *err)
{
  if (type == NULL)
    return true;
  const struct gwt_type *parent = gwt_type_parent (type);
  if (!apply_plugin_rows (choice, parent, device, err))
    return false;
  for (; parent != NULL; parent = gwt_type_parent (parent))
    if (strcmp (parent->plugin_id, type->plugin_id) == 0)
      return true; /* done with that one */
  return apply_rows_of (choice, type->plugin_id, device, err);
}

static bool
apply_overrides (const struct gwt_machine_choice *choice, struct gwt_device *device,
                 struct gwt_error *err)
{
  for (guint i = choice->chain->len; i-- > 0;)
    {
      const struct gwt_machine_type *type = g_ptr_array_index (choice->chain, i);
      for (guint n = 0; n < type->overrides->len; n++)
        {
          const struct gwt_machine_override *override = g_ptr_array_index (type->overrides, n);
          if (!gwt_type_is_a (device->type, override->type))
            continue;
          if (!gwt_device_set_json (device, override->property, override->value, GWT_SOURCE_MACHINE,
                                    type->name, err))
            {
              gwt_error_prefix (err, "%s", override->where);
              return false;
            }
        }
    }
  return true;
}

static bool
apply_props (struct gwt_device *device, GPtrArray *props, const char *detail, struct gwt_error *err)
{
  for (guint i = 0; props != NULL && i < props->len; i++)
    {
      const struct gwt_board_prop *prop = g_ptr_array_index (props, i);
      if (!gwt_device_set_json (device, prop->name, prop->value, GWT_SOURCE_BOARD, detail, err))
        {
          gwt_error_prefix (err, "%s", prop->where);
          return false;
        }
    }
  return true;
}

char *
gwt_machine_incoming_detail (const struct gwt_manifest_property *p)
{
  /* From an earlier hop: it says so itself. */
  if (p->from == GWT_SOURCE_INCOMING && p->detail != NULL)
    return g_strdup (p->detail);
  return g_strdup_printf ("hop %u of the guest: %s", p->hop + 1,
                          p->detail != NULL ? p->detail : p->source);
}

/* What the guest was given where it was before, and takes along.  What cannot be set here is found
   by who compares both ends. */
static bool
apply_incoming (const struct gwt_manifest *incoming, struct gwt_device *device)
{
  const struct gwt_manifest_device *from
      = incoming != NULL ? gwt_manifest_device (incoming, device->id) : NULL;
  if (from == NULL || strcmp (from->type, device->type->d.name) != 0)
    return true;
  for (guint i = 0; i < from->n_properties; i++)
    {
      const struct gwt_manifest_property *p = &from->properties[i];
      const struct gwt_provenance *here = gwt_device_provenance (device, p->name);
      g_autofree char *detail = NULL;
      GWT_AUTO_ERROR (ignored);
      /* The user's word here is not overruled from afar. */
      if (!p->explicit_ || here == NULL || here->source == GWT_SOURCE_GLOBAL)
        continue;
      detail = gwt_machine_incoming_detail (p);
      if (!gwt_device_set_json (device, p->name, p->value, GWT_SOURCE_INCOMING, detail, &ignored))
        gwt_log (GWT_LOG_INFO, "incoming: %s", ignored.text);
    }
  return true;
}

/* By convention `addr`, where it shows in the device's path alone, is the last part of that: "2" of
   "0000:00:02.0".  New reference, or NULL: it was given, or is of another kind. */
static struct json_object *
chosen_address (const struct gwt_manifest_device *from, const struct gwt_manifest_property *p)
{
  struct json_object *path;
  const char *last;
  gsize length;
  if (p->value != NULL || strcmp (p->name, "addr") != 0 || p->facts == NULL || p->facts[0] == NULL
      || strcmp (p->facts[0], GWT_MANIFEST_PATH) != 0 || p->facts[1] != NULL || from->place == NULL
      || !json_object_object_get_ex (from->place, GWT_MANIFEST_PATH, &path)
      || !json_object_is_type (path, json_type_string)
      || (last = strrchr (json_object_get_string (path), ':')) == NULL)
    return NULL;
  for (last++; last[0] == '0' && g_ascii_isxdigit (last[1]); last++)
    ;
  length = strlen (last);
  if (g_str_has_suffix (last, ".0"))
    length -= 2;
  return json_object_new_string_len (last, (int) length);
}

void
gwt_machine_apply_chosen (const struct gwt_manifest *incoming, struct gwt_device *device)
{
  const struct gwt_manifest_device *from = gwt_manifest_device (incoming, device->id);
  for (guint i = 0; from != NULL && i < from->n_properties; i++)
    {
      const struct gwt_manifest_property *p = &from->properties[i];
      struct json_object *value = NULL;
      g_autofree char *detail
          = g_strdup_printf ("hop %u of the guest: the device's own choice", p->hop + 1);
      GWT_AUTO_ERROR (ignored);
      /* The machine type's word is this end's, too. */
      if (p->from != GWT_SOURCE_DEFAULT)
        continue;
      if (p->value != NULL && p->def != NULL && !gwt_manifest_equal (p->value, p->def))
        value = json_object_get (p->value);
      else
        value = chosen_address (from, p);
      if (value != NULL
          && !gwt_device_set_json (device, p->name, value, GWT_SOURCE_INCOMING, detail, &ignored))
        gwt_log (GWT_LOG_INFO, "incoming: %s", ignored.text);
      json_object_put (value);
    }
}

bool
gwt_machine_apply (const struct gwt_machine_choice *choice, struct gwt_device *device,
                   GPtrArray *board_props, GPtrArray *model_props,
                   const struct gwt_manifest *incoming, struct gwt_error *err)
{
  g_autofree char *detail = g_strdup_printf ("board %s", choice->board->name);
  return apply_plugin_rows (choice, device->type, device, err)
         && apply_overrides (choice, device, err) && apply_props (device, board_props, detail, err)
         && apply_props (device, model_props, detail, err) && gwt_globals_apply (device, err)
         && apply_incoming (incoming, device);
}

struct json_object *
gwt_machine_promised (const struct gwt_machine_choice *choice, const struct gwt_type *type,
                      const char *property, struct gwt_error *err)
{
  struct json_object *value = NULL;
  if (type->d.flags & GWT_TYPE_ABSTRACT)
    return NULL;
  /* One that is never realized; an id that no user's device has. */
  struct gwt_device *device = gwt_device_new (type, "promised.device", err);
  if (device == NULL)
    return NULL;
  if (apply_plugin_rows (choice, type, device, err) && apply_overrides (choice, device, err))
    value = gwt_device_get_json (device, property, err);
  gwt_device_destroy (device);
  return value;
}

/* A property that OVERRIDE speaks of, of any type that is loaded; *KNOWN: such a type is there. */
static const struct gwt_field *
overridden (const struct gwt_machine_override *override, bool *known)
{
  g_autofree const struct gwt_type **types = gwt_type_list ();
  const struct gwt_field *field = NULL;
  *known = false;
  for (guint i = 0; types[i] != NULL && field == NULL; i++)
    if (gwt_type_is_a (types[i], override->type))
      {
        *known = true;
        field = gwt_type_property (types[i], override->property);
      }
  return field;
}

static bool
fail_property (const struct gwt_machine_override *override, struct gwt_error *err)
{
  const struct gwt_type *type = gwt_type_find (override->type);
  g_autofree const char **names = type != NULL ? gwt_type_property_names (type) : NULL;
  g_autofree char *near = names != NULL ? gwt_nearest_names (override->property, names) : NULL;
  if (near != NULL)
    gwt_error_set (err, GWT_E_NOT_FOUND, "%s: type '%s' has no property '%s'; did you mean %s?",
                   override->where, override->type, override->property, near);
  else
    gwt_error_set (err, GWT_E_NOT_FOUND, "%s: type '%s' has no property '%s'; see -device %s,help",
                   override->where, override->type, override->property, override->type);
  return false;
}

static bool
check_override (const struct gwt_machine_override *override, struct gwt_error *err)
{
  GWT_AUTO_ERROR (absent);
  GWT_AUTO_ERROR (inner);
  bool known;
  const struct gwt_field *field = overridden (override, &known);
  if (!known && gwt_loader_need_type (override->type, &absent))
    field = overridden (override, &known);
  if (!known)
    {
      /* Of a plugin that is not installed no device can be made. */
      if (override->plugin != NULL && gwt_loader_find (override->plugin) == NULL)
        return true;
      gwt_error_set (err, GWT_E_NOT_FOUND, "%s: %s%s", override->where, absent.text,
                     override->plugin == NULL
                         ? "; if its plugin need not be installed, name that as \"plugin\" here"
                         : "");
      return false;
    }
  if (field == NULL)
    return fail_property (override, err);
  struct gwt_value value = { 0 };
  bool good = gwt_value_from_json (field, override->value, &value, &inner);
  gwt_value_clear (&value);
  if (good)
    return true;
  gwt_error_set (err, inner.code, "%s: property '%s' of '%s': %s", override->where,
                 override->property, override->type, inner.text);
  return false;
}

bool
gwt_machine_check_compat (const struct gwt_machine_choice *choice, struct gwt_error *err)
{
  for (guint i = 0; i < choice->chain->len; i++)
    {
      const struct gwt_machine_type *type = g_ptr_array_index (choice->chain, i);
      for (guint n = 0; n < type->overrides->len; n++)
        if (!check_override (g_ptr_array_index (type->overrides, n), err))
          return false;
    }
  return gwt_machine_choice_check_levels (choice, err);
}
