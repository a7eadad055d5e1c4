/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns which level of a plugin is promised: by -plugin-level, or a machine type of the chain.  It
 * must not know what a level does (compat.c).
 */
#include "config.h"
#include <string.h>
#include "core/machine/machine-type.h"
#include "core/plugin/loader.h"
#include "core/util/text.h"

/* A wildcard speaks of one release, and so only of plugins that are released with it: what others
   call version 1.0 has nothing to do with this tree's 1.0. */
static bool
is_in_tree (const char *plugin)
{
  g_auto (GStrv) ids = g_strsplit (GODWIT_PLUGIN_IDS, " ", -1);
  return g_strv_contains ((const char *const *) ids, plugin);
}

static const struct gwt_machine_level *
find_in (GPtrArray *levels, const char *plugin)
{
  for (guint i = 0; levels != NULL && i < levels->len; i++)
    {
      const struct gwt_machine_level *level = g_ptr_array_index (levels, i);
      if (strcmp (level->plugin, plugin) == 0)
        return level;
    }
  return NULL;
}

const struct gwt_machine_level *
gwt_machine_choice_find_level (const struct gwt_machine_choice *choice, const char *plugin)
{
  const struct gwt_machine_level *level = find_in (choice->given_levels, plugin);
  bool wildcard = is_in_tree (plugin);
  /* The nearest file wins, and in one file the plugin's own level over the wildcard: a wildcard in
     virt-1.0 has to hold for a plugin that virt-1.1 named. */
  for (guint i = 0; level == NULL && i < choice->chain->len; i++)
    {
      const struct gwt_machine_type *type = g_ptr_array_index (choice->chain, i);
      level = find_in (type->levels, plugin);
      if (level == NULL && wildcard)
        level = find_in (type->levels, "*");
    }
  return level;
}

const char *
gwt_machine_choice_level (const struct gwt_machine_choice *choice, const char *plugin)
{
  const struct gwt_machine_level *level = gwt_machine_choice_find_level (choice, plugin);
  return level != NULL ? level->level : NULL;
}

bool
gwt_machine_level_check (const struct gwt_machine_level *level, const struct gwt_plugin_info *info,
                         struct gwt_error *err)
{
  if (info->version == NULL || gwt_version_compare (level->level, info->version) <= 0)
    return true;
  gwt_error_set (err, GWT_E_RANGE,
                 "%s: level %s is newer than plugin '%s' %s in %s; install a newer plugin",
                 level->where, level->level, info->id, info->version, info->path);
  return false;
}

bool
gwt_machine_choice_check_levels (const struct gwt_machine_choice *choice, struct gwt_error *err)
{
  for (guint i = 0; i < choice->chain->len; i++)
    {
      const struct gwt_machine_type *type = g_ptr_array_index (choice->chain, i);
      for (guint n = 0; n < type->levels->len; n++)
        {
          const struct gwt_machine_level *level = g_ptr_array_index (type->levels, n);
          const struct gwt_plugin_info *info
              = strcmp (level->plugin, "*") != 0 ? gwt_loader_find (level->plugin) : NULL;
          /* An older type may promise less: then an older plugin will do. */
          if (info != NULL && gwt_machine_choice_find_level (choice, level->plugin) == level
              && !gwt_machine_level_check (level, info, err))
            return false;
        }
    }
  return true;
}

static const struct gwt_plugin_info *
find_plugin (const char *id, struct gwt_error *err)
{
  const struct gwt_plugin_info *info = gwt_loader_find (id);
  if (info != NULL && info->version != NULL)
    return info;
  guint count;
  const struct gwt_plugin_info *const *infos = gwt_loader_list (&count);
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();
  for (guint i = 0; i < count; i++)
    if (infos[i]->id != NULL)
      g_ptr_array_add (ids, infos[i]->id);
  g_ptr_array_add (ids, NULL);
  g_autofree char *near = gwt_did_you_mean (id, (const char *const *) ids->pdata);
  gwt_error_set (err, GWT_E_NOT_FOUND, "no plugin '%s' was found%s", id,
                 near[0] != '\0' ? near : "; 'godwit-plugin list' shows what there is");
  return NULL;
}

static bool
add_level (struct gwt_machine_choice *choice, const char *text, struct gwt_error *err)
{
  const char *equals = strchr (text, '=');
  if (equals == NULL || equals == text)
    {
      gwt_error_set (err, GWT_E_INVALID, "not of the form PLUGIN=VERSION; write it as pcie=1.0");
      return false;
    }
  g_autofree char *id = g_strndup (text, (gsize) (equals - text));
  if (!gwt_version_is_valid (equals + 1))
    {
      gwt_error_set (err, GWT_E_INVALID, "'%s' is no version; use numbers with dots, as 1.0",
                     equals + 1);
      return false;
    }
  if (find_in (choice->given_levels, id) != NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "plugin '%s' is given twice; give it once", id);
      return false;
    }
  const struct gwt_plugin_info *info = find_plugin (id, err);
  if (info == NULL)
    return false;
  if (gwt_version_compare (equals + 1, info->version) > 0)
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "level %s is newer than plugin '%s' %s in %s; use a level up to %s, or "
                     "install a newer plugin",
                     equals + 1, id, info->version, info->path, info->version);
      return false;
    }
  gwt_machine_choice_set_level (choice, id, equals + 1, "-plugin-level");
  return true;
}

void
gwt_machine_choice_set_level (struct gwt_machine_choice *choice, const char *plugin,
                              const char *level, const char *where)
{
  struct gwt_machine_level *entry = g_new0 (struct gwt_machine_level, 1);
  entry->plugin = g_strdup (plugin);
  entry->level = g_strdup (level);
  entry->where = g_strdup (where);
  if (choice->given_levels == NULL)
    choice->given_levels = g_ptr_array_new_with_free_func (gwt_machine_level_free);
  g_ptr_array_add (choice->given_levels, entry);
}

bool
gwt_machine_choice_add_levels (struct gwt_machine_choice *choice, const char *const *texts,
                               struct gwt_error *err)
{
  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    if (!add_level (choice, texts[i], err))
      {
        gwt_error_prefix (err, "-plugin-level: '%s'", texts[i]);
        return false;
      }
  return true;
}
