/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the order in which a device's properties get their values below -device: type default,
 * compat rows of its plugin, machine types (newest base first), board, -global.
 * docs/machine-types.md tells it to users.  It must not know any type by name.
 */
#include "config.h"
#include <string.h>
#include "core/machine/machine.h"
#include "core/plugin/loader.h"

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

static bool
apply_plugin_rows (const struct gwt_machine_choice *choice, struct gwt_device *device,
                   struct gwt_error *err)
{
  const char *level = gwt_machine_choice_level (choice, device->type->plugin_id);
  const struct gwt_plugin_info *info = gwt_loader_find (device->type->plugin_id);
  if (level == NULL || info == NULL || info->plugin == NULL || info->plugin->n_compat == 0)
    return true;
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
          = g_strdup_printf ("plugin %s, level %s", device->type->plugin_id, row->level);
      if (!gwt_device_set (device, row->property, row->value, GWT_SOURCE_PLUGIN_COMPAT, detail,
                           err))
        {
          gwt_error_prefix (err, "plugin '%s': compat row of level %s", device->type->plugin_id,
                            row->level);
          return false;
        }
    }
  return true;
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

bool
gwt_machine_apply (const struct gwt_machine_choice *choice, struct gwt_device *device,
                   GPtrArray *board_props, GPtrArray *model_props, struct gwt_error *err)
{
  g_autofree char *detail = g_strdup_printf ("board %s", choice->board->name);
  return apply_plugin_rows (choice, device, err) && apply_overrides (choice, device, err)
         && apply_props (device, board_props, detail, err)
         && apply_props (device, model_props, detail, err) && gwt_globals_apply (device, err);
}

/* True where any type that is loaded has TYPE as itself or an ancestor; *HAS: one with PROPERTY. */
static bool
known_type (const char *type, const char *property, bool *has)
{
  g_autofree const struct gwt_type **types = gwt_type_list ();
  bool known = false;
  *has = false;
  for (guint i = 0; types[i] != NULL; i++)
    if (gwt_type_is_a (types[i], type))
      {
        known = true;
        if (gwt_type_property (types[i], property) != NULL)
          *has = true;
      }
  return known;
}

bool
gwt_machine_check_compat (const struct gwt_machine_choice *choice, struct gwt_error *err)
{
  for (guint i = 0; i < choice->chain->len; i++)
    {
      const struct gwt_machine_type *type = g_ptr_array_index (choice->chain, i);
      for (guint n = 0; n < type->overrides->len; n++)
        {
          const struct gwt_machine_override *override = g_ptr_array_index (type->overrides, n);
          GWT_AUTO_ERROR (absent);
          bool has;
          /* A type whose plugin is not installed hurts nobody who does not use it. */
          if (!known_type (override->type, override->property, &has)
              && (!gwt_loader_need_type (override->type, &absent)
                  || !known_type (override->type, override->property, &has)))
            continue;
          if (has)
            continue;
          gwt_error_set (err, GWT_E_NOT_FOUND,
                         "%s: type '%s' has no property '%s'; see -device %s,help", override->where,
                         override->type, override->property, override->type);
          return false;
        }
      for (guint n = 0; n < type->levels->len; n++)
        {
          const struct gwt_machine_level *level = g_ptr_array_index (type->levels, n);
          const struct gwt_plugin_info *info
              = strcmp (level->plugin, "*") != 0 ? gwt_loader_find (level->plugin) : NULL;
          if (info == NULL || info->version == NULL
              || gwt_version_compare (level->level, info->version) <= 0)
            continue;
          gwt_error_set (err, GWT_E_RANGE,
                         "%s: level %s is newer than plugin '%s' %s in %s; install a newer plugin",
                         level->where, level->level, level->plugin, info->version, info->path);
          return false;
        }
    }
  return true;
}
