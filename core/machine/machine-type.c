/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns reading one machine type file.  It must not know where files are looked for (search.c), nor
 * apply anything (compat.c).
 */
#include "config.h"
#include "core/machine/machine-type.h"
#include <string.h>
#include "core/machine/json-file.h"
#include "core/util/text.h"

void
gwt_machine_level_free (gpointer data)
{
  struct gwt_machine_level *level = data;
  g_free (level->plugin);
  g_free (level->level);
  g_free (level->where);
  g_free (level);
}

static void
override_free (gpointer data)
{
  struct gwt_machine_override *override = data;
  g_free (override->type);
  g_free (override->property);
  g_free (override->plugin);
  g_free (override->doc);
  g_free (override->where);
  g_free (override);
}

/* Names of machine types have dots and underscores too: "pc-5.2". */
static bool
is_machine_name (const char *name)
{
  return g_ascii_isalpha (name[0]) && strlen (name) < 64
         && strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
                == strlen (name);
}

static bool
read_machine_name (const struct gwt_json_at *at, const char *key, bool required, char **name,
                   struct gwt_error *err)
{
  struct gwt_json_at member;
  if (!gwt_json_str (at, key, required, name, err))
    return false;
  if (*name == NULL || is_machine_name (*name))
    return true;
  gwt_json_member (at, key, &member);
  gwt_json_fail (&member, err,
                 "'%s' is no machine type's name; use letters, digits, '.', '_' and "
                 "'-', a letter first",
                 *name);
  return false;
}

/* One that is printed: a line, and not an empty one. */
static bool
read_line (const struct gwt_json_at *at, const char *key, bool required, char **text,
           struct gwt_error *err)
{
  if (!gwt_json_str (at, key, required, text, err))
    return false;
  if (*text == NULL)
    return true;
  bool printable = **text != '\0';
  for (const char *c = *text; *c != '\0'; c++)
    printable = printable && !g_ascii_iscntrl (*c);
  if (!printable)
    gwt_json_fail_at (at, key, err, "no line of text; write one, without control characters");
  return printable;
}

static bool
read_levels (const struct gwt_json_at *root, struct gwt_machine_type *type, struct gwt_error *err)
{
  struct gwt_json_at levels, member;
  bool found;
  if (!gwt_json_object (root, "levels", false, &levels, &found, err))
    return false;
  if (!found)
    return true;
  json_object_object_foreach (levels.value, plugin, value)
  {
    const char *level;
    (void) value;
    gwt_json_member (&levels, plugin, &member);
    if (!gwt_json_as_str (&member, &level, err))
      return false;
    if (strcmp (plugin, "*") != 0 && !gwt_name_is_valid (plugin))
      {
        gwt_json_fail (&member, err, "'%s' is no plugin's id; use a-z, 0-9 and '-', or '*'",
                       plugin);
        return false;
      }
    if (!gwt_version_is_valid (level))
      {
        gwt_json_fail (&member, err, "'%s' is no version; use numbers with dots, as \"1.0\"",
                       level);
        return false;
      }
    struct gwt_machine_level *entry = g_new0 (struct gwt_machine_level, 1);
    entry->plugin = g_strdup (plugin);
    entry->level = g_strdup (level);
    entry->where = gwt_json_where (&member);
    g_ptr_array_add (type->levels, entry);
  }
  return true;
}

static bool
read_overrides (const struct gwt_json_at *root, struct gwt_machine_type *type,
                struct gwt_error *err)
{
  static const char *const keys[] = { "type", "property", "value", "plugin", "doc", NULL };
  struct gwt_json_at list, item, value;
  bool found;
  if (!gwt_json_array (root, "overrides", false, &list, &found, err))
    return false;
  if (found && gwt_json_count (&list) > GWT_MACHINE_OVERRIDES_MAX)
    {
      gwt_json_fail (&list, err, "more than %d overrides; use fewer", GWT_MACHINE_OVERRIDES_MAX);
      return false;
    }
  for (size_t i = 0; found && i < gwt_json_count (&list); i++)
    {
      struct gwt_machine_override *override = g_new0 (struct gwt_machine_override, 1);
      g_ptr_array_add (type->overrides, override);
      gwt_json_element (&list, i, &item);
      if (!gwt_json_keys (&item, keys, err)
          || !gwt_json_str (&item, "type", true, &override->type, err)
          || !gwt_json_str (&item, "property", true, &override->property, err)
          || !gwt_json_str (&item, "plugin", false, &override->plugin, err)
          || !read_line (&item, "doc", false, &override->doc, err))
        return false;
      if (!gwt_json_member (&item, "value", &value))
        {
          gwt_json_fail (&item, err, "member 'value' is missing; add it");
          return false;
        }
      if (!gwt_name_is_valid (override->type) || !gwt_name_is_valid (override->property))
        {
          gwt_json_fail (&item, err, "'%s.%s' is no type and property; use a-z, 0-9 and '-'",
                         override->type, override->property);
          return false;
        }
      if (override->plugin != NULL && !gwt_name_is_valid (override->plugin))
        {
          gwt_json_fail_at (&item, "plugin", err, "'%s' is no plugin's id; use a-z, 0-9 and '-'",
                            override->plugin);
          return false;
        }
      if (json_object_is_type (value.value, json_type_array)
          || json_object_is_type (value.value, json_type_object))
        {
          gwt_json_fail (&value, err, "no value that a property takes; use a number, a text, true "
                                      "or false");
          return false;
        }
      override->value = value.value;
      override->where = gwt_json_where (&item);
      for (size_t n = 0; n < i; n++)
        {
          const struct gwt_machine_override *other = g_ptr_array_index (type->overrides, n);
          if (strcmp (other->type, override->type) == 0
              && strcmp (other->property, override->property) == 0)
            {
              gwt_json_fail (&item, err, "'%s.%s' is overridden twice; remove one", override->type,
                             override->property);
              return false;
            }
        }
    }
  return true;
}

static bool
read_aliases (const struct gwt_json_at *root, struct gwt_machine_type *type, struct gwt_error *err)
{
  struct gwt_json_at list, item;
  bool found;
  if (!gwt_json_array (root, "aliases", false, &list, &found, err))
    return false;
  for (size_t i = 0; found && i < gwt_json_count (&list); i++)
    {
      const char *alias;
      gwt_json_element (&list, i, &item);
      if (!gwt_json_as_str (&item, &alias, err))
        return false;
      if (!is_machine_name (alias) || strcmp (alias, type->name) == 0)
        {
          gwt_json_fail (&item, err,
                         "'%s' is no alias; use another name of letters, digits, '.', "
                         "'_' and '-'",
                         alias);
          return false;
        }
      if (g_ptr_array_find_with_equal_func (type->aliases, alias, g_str_equal, NULL))
        {
          gwt_json_fail (&item, err, "alias '%s' is there twice; remove one", alias);
          return false;
        }
      g_ptr_array_add (type->aliases, g_strdup (alias));
    }
  return true;
}

static bool
read_firmware (const struct gwt_json_at *root, struct gwt_machine_type *type, struct gwt_error *err)
{
  if (!gwt_json_str (root, "firmware", false, &type->firmware, err))
    return false;
  if (type->firmware == NULL || (type->firmware[0] != '\0' && strlen (type->firmware) < 4096))
    return true;
  gwt_json_fail_at (root, "firmware", err, "no file's name; name one, or \"none\"");
  return false;
}

static bool
read_type (const struct gwt_json_at *root, struct gwt_machine_type *type, struct gwt_error *err)
{
  static const char *const keys[]
      = { "godwit-machine", "name",      "doc",      "newer",      "board", "aliases",
          "levels",         "overrides", "defaults", "deprecated", "firmware", NULL };
  static const char *const default_keys[] = { "cpu", "cpus", "memory", "smp-fill", NULL };
  struct gwt_json_at defaults;
  uint64_t format = 0;
  bool found;
  if (!json_object_is_type (root->value, json_type_object))
    return gwt_json_keys (root, keys, err);
  if (!gwt_json_u64 (root, "godwit-machine", true, &format, err))
    return false;
  if (format != GWT_MACHINE_FORMAT)
    {
      gwt_json_fail_at (
          root, "godwit-machine", err,
          "machine type format %llu is not known here; this program reads format %d%s",
          (unsigned long long) format, GWT_MACHINE_FORMAT,
          format > GWT_MACHINE_FORMAT ? ", use a newer one" : "");
      return false;
    }
  if (!gwt_json_keys (root, keys, err) || !read_machine_name (root, "name", true, &type->name, err)
      || !read_line (root, "doc", true, &type->doc, err)
      || !read_machine_name (root, "newer", false, &type->newer, err)
      || !gwt_json_str (root, "board", type->newer == NULL, &type->board, err)
      || !read_line (root, "deprecated", false, &type->deprecated, err)
      || !read_firmware (root, type, err)
      || !read_aliases (root, type, err) || !read_levels (root, type, err)
      || !read_overrides (root, type, err)
      || !gwt_json_object (root, "defaults", false, &defaults, &found, err))
    return false;
  if (!found)
    return true;
  if (!gwt_json_keys (&defaults, default_keys, err)
      || !gwt_json_str (&defaults, "cpu", false, &type->cpu, err)
      || !gwt_json_u64 (&defaults, "cpus", false, &type->cpus, err)
      || !gwt_json_u64 (&defaults, "memory", false, &type->memory, err)
      || !gwt_json_str (&defaults, "smp-fill", false, &type->smp_fill, err))
    return false;
  static const char *const numbers[] = { "cpus", "memory" };
  const uint64_t values[] = { type->cpus, type->memory };
  struct gwt_json_at member;
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (gwt_json_member (&defaults, numbers[i], &member) && values[i] == 0)
      {
        gwt_json_fail (&member, err, "0 is no default; use more, or leave it out");
        return false;
      }
  if (type->smp_fill != NULL && strcmp (type->smp_fill, "cores") != 0
      && strcmp (type->smp_fill, "sockets") != 0)
    {
      gwt_json_fail_at (&defaults, "smp-fill", err,
                        "smp-fill '%s' is not known; use 'cores' or 'sockets'", type->smp_fill);
      return false;
    }
  return true;
}

static struct gwt_machine_type *
type_from_json (struct gwt_json_file *file, struct gwt_error *err)
{
  struct gwt_machine_type *type = g_new0 (struct gwt_machine_type, 1);
  struct gwt_json_at root;
  type->file = file;
  type->path = g_strdup (file->name);
  type->aliases = g_ptr_array_new_with_free_func (g_free);
  type->levels = g_ptr_array_new_with_free_func (gwt_machine_level_free);
  type->overrides = g_ptr_array_new_with_free_func (override_free);
  gwt_json_root (file, &root);
  if (read_type (&root, type, err))
    return type;
  gwt_machine_type_free (type);
  return NULL;
}

struct gwt_machine_type *
gwt_machine_type_parse (const char *name, const char *text, size_t size, struct gwt_error *err)
{
  struct gwt_json_file *file = gwt_json_file_parse (name, text, size, err);
  return file == NULL ? NULL : type_from_json (file, err);
}

struct gwt_machine_type *
gwt_machine_type_load (const char *path, struct gwt_error *err)
{
  struct gwt_json_file *file = gwt_json_file_load (path, err);
  return file == NULL ? NULL : type_from_json (file, err);
}

char *
gwt_machine_type_where (const struct gwt_machine_type *type, const char *key)
{
  static const char defaults[] = "defaults.";
  struct gwt_json_at root, group, member;
  gwt_json_root (type->file, &root);
  if (!g_str_has_prefix (key, defaults))
    gwt_json_member (&root, key, &member);
  else
    {
      gwt_json_member (&root, "defaults", &group);
      gwt_json_member (&group, key + strlen (defaults), &member);
    }
  return gwt_json_where (&member);
}

void
gwt_machine_type_blame (const struct gwt_machine_type *type, const char *key, const char *option,
                        struct gwt_error *err)
{
  g_autofree char *where = gwt_machine_type_where (type, key);
  GWT_AUTO_ERROR (told);
  gwt_error_set (&told, err->code, "%s: %s", where,
                 err->text + (g_str_has_prefix (err->text, option) ? strlen (option) : 0));
  gwt_error_clear (err);
  gwt_error_move (err, &told);
}

void
gwt_machine_type_free (struct gwt_machine_type *type)
{
  if (type == NULL)
    return;
  g_free (type->name);
  g_free (type->path);
  g_free (type->doc);
  g_free (type->newer);
  g_free (type->board);
  g_free (type->firmware);
  g_free (type->deprecated);
  g_free (type->cpu);
  g_free (type->smp_fill);
  g_ptr_array_unref (type->aliases);
  g_ptr_array_unref (type->levels);
  g_ptr_array_unref (type->overrides);
  gwt_json_file_free (type->file);
  g_free (type);
}
