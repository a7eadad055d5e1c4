/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding plugins: search path, scan by notes, and which file answers for a device type or an
 * extension.  Must not know what is in a plugin beyond its note.
 */
#include "config.h"
#include "core/plugin/loader.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core/device/type.h"
#include "core/plugin/internal.h"
#include "core/util/extension.h"
#include "core/util/installed.h"
#include "core/util/log.h"
#include "core/util/text.h"
#include "core/vmstate/vmstate.h"

/* Folders given by -plugin-dir, then those of GODWIT_PLUGIN_PATH, then the installed one. */
static GPtrArray *user_dirs, *default_dirs;
static GPtrArray *entries; /* struct gwt_plugin_entry_, in the order of being found */
static bool scanned;

/* ---- search path ----------------------------------------------------------------------------- */

void
gwt_loader_init (void)
{
  if (entries != NULL)
    return;
  gwt_vmstate_register_extensions ();
  entries = g_ptr_array_new ();
  user_dirs = g_ptr_array_new ();
  default_dirs = g_ptr_array_new ();
  const char *path = g_getenv ("GODWIT_PLUGIN_PATH");
  char **dirs = g_strsplit (path != NULL ? path : "", ":", -1);
  for (char **d = dirs; *d != NULL; d++)
    if ((*d)[0] != '\0')
      g_ptr_array_add (default_dirs, g_strdup (*d));
  g_strfreev (dirs);
  g_ptr_array_add (default_dirs, gwt_installed_path (GODWIT_PLUGINDIR));
}

void
gwt_loader_add_dir (const char *dir)
{
  gwt_loader_init ();
  g_ptr_array_add (user_dirs, g_strdup (dir));
  scanned = false;
}

bool
gwt_loader_check_dir (const char *dir, struct gwt_error *err)
{
  GError *error = NULL;
  GDir *d = g_dir_open (dir, 0, &error);
  if (d == NULL)
    {
      gwt_error_set (err, GWT_E_NOT_FOUND,
                     "plugin folder '%s' cannot be read: %s; name one that can", dir,
                     error->message);
      g_error_free (error);
      return false;
    }
  g_dir_close (d);
  return true;
}

static char *
searched_text (void)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < user_dirs->len + default_dirs->len; i++)
    g_string_append_printf (text, "%s'%s'", i > 0 ? ", " : "",
                            (const char *)(i < user_dirs->len
                                               ? user_dirs->pdata[i]
                                               : default_dirs->pdata[i - user_dirs->len]));
  return g_string_free (text, FALSE);
}

/* ---- finding --------------------------------------------------------------------------------- */

static char **
split_words (const char *list)
{
  return g_strsplit (list, " ", -1);
}

static struct gwt_plugin_entry_ *
entry_by_file (const struct stat *st)
{
  for (guint i = 0; i < entries->len; i++)
    {
      struct gwt_plugin_entry_ *e = entries->pdata[i];
      if (e->inode == st->st_ino && e->device == st->st_dev && st->st_ino != 0)
        return e;
    }
  return NULL;
}

/* The one that answers for ID: what is loaded, else what was found first. */
static struct gwt_plugin_entry_ *
entry_by_id (const char *id)
{
  struct gwt_plugin_entry_ *found = NULL;
  for (guint i = 0; i < entries->len; i++)
    {
      struct gwt_plugin_entry_ *e = entries->pdata[i];
      if (e->info.id == NULL || e->shadowed || strcmp (e->info.id, id) != 0)
        continue;
      if (e->state == GWT_PLUGIN_LOADED || e->state == GWT_PLUGIN_LOADING)
        return e;
      if (found == NULL)
        found = e;
    }
  return found;
}

static struct gwt_plugin_entry_ *
entry_new (const char *path, const struct stat *st)
{
  struct gwt_plugin_entry_ *e = g_new0 (struct gwt_plugin_entry_, 1);
  struct gwt_note_desc desc;
  GWT_AUTO_ERROR (err);
  e->info.path = g_strdup (path);
  e->device = st->st_dev;
  e->inode = st->st_ino;
  e->order = entries->len;
  if (gwt_note_read (path, &desc, &err))
    {
      e->info.id = g_strdup (desc.id);
      e->info.version = g_strdup (desc.version);
      e->info.types = split_words (desc.types);
      e->info.offers = split_words (desc.offers);
    }
  else
    {
      e->state = GWT_PLUGIN_REFUSED;
      e->info.refusal = g_strdup (err.text);
      e->info.types = split_words ("");
      e->info.offers = split_words ("");
    }
  e->info.abi_major = desc.abi_major;
  e->info.abi_minor = desc.abi_minor_needed;
  return e;
}

static void
shadow (struct gwt_plugin_entry_ *e, const struct gwt_plugin_entry_ *by)
{
  e->shadowed = true;
  e->state = GWT_PLUGIN_REFUSED;
  g_free (e->info.refusal);
  e->info.refusal = g_strdup_printf ("its id '%s' is taken by '%s'; remove one of the two files",
                                     e->info.id, by->info.path);
}

static int
compare_strings (const void *a, const void *b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static void
scan_dir (const char *dir)
{
  GDir *d = g_dir_open (dir, 0, NULL);
  if (d == NULL)
    return; /* folders of a path may be missing */
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;
  while ((name = g_dir_read_name (d)) != NULL)
    if (g_str_has_suffix (name, ".so") && name[0] != '.')
      g_ptr_array_add (names, g_strdup (name));
  g_dir_close (d);
  if (names->len > 0)
    qsort (names->pdata, names->len, sizeof names->pdata[0], compare_strings);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (dir, names->pdata[i], NULL);
      struct stat st = { 0 };
      if (stat (path, &st) == 0 && entry_by_file (&st) != NULL)
        continue;
      struct gwt_plugin_entry_ *e = entry_new (path, &st);
      struct gwt_plugin_entry_ *first = e->info.id != NULL ? entry_by_id (e->info.id) : NULL;
      if (first != NULL)
        shadow (e, first);
      g_ptr_array_add (entries, e);
    }
}

static void
scan (void)
{
  gwt_loader_init ();
  if (scanned)
    return;
  scanned = true;
  for (guint i = 0; i < user_dirs->len; i++)
    scan_dir (user_dirs->pdata[i]);
  for (guint i = 0; i < default_dirs->len; i++)
    scan_dir (default_dirs->pdata[i]);
}

/* ---- loading --------------------------------------------------------------------------------- */

bool
gwt_loader_load_file (const char *path, struct gwt_error *err)
{
  gwt_loader_init ();
  struct stat st = { 0 };
  struct gwt_plugin_entry_ *e = stat (path, &st) == 0 ? entry_by_file (&st) : NULL;
  if (e == NULL)
    {
      e = entry_new (path, &st);
      g_ptr_array_add (entries, e);
    }
  if (e->info.id != NULL && e->state != GWT_PLUGIN_LOADED)
    {
      struct gwt_plugin_entry_ *first = entry_by_id (e->info.id);
      if (first != NULL && first != e && first->state == GWT_PLUGIN_LOADED)
        shadow (e, first);
      else
        {
          /* What the user names stands before what a folder holds. */
          if (first != NULL && first != e)
            shadow (first, e);
          if (e->shadowed)
            {
              e->shadowed = false;
              e->state = GWT_PLUGIN_FOUND;
              g_clear_pointer (&e->info.refusal, g_free);
            }
        }
    }
  return gwt_plugin_load (e, err);
}

bool
gwt_loader_load (const struct gwt_plugin_info *info, struct gwt_error *err)
{
  return gwt_plugin_load ((struct gwt_plugin_entry_ *)(gpointer)info, err);
}

/* Every name in the notes' lists of types or of extensions; the array only is the caller's. */
static const char **
all_names (bool types)
{
  GPtrArray *names = g_ptr_array_new ();
  for (guint i = 0; i < entries->len; i++)
    {
      struct gwt_plugin_entry_ *e = entries->pdata[i];
      for (char **n = types ? e->info.types : e->info.offers; *n != NULL && !e->shadowed; n++)
        g_ptr_array_add (names, *n);
    }
  g_ptr_array_add (names, NULL);
  return (const char **)g_ptr_array_free (names, FALSE);
}

/* A file that would have been it by its name, but has no good note, explains more than "not found".
 */
static const struct gwt_plugin_entry_ *
refused_by_name (const char *name)
{
  g_autofree char *file = g_strdup_printf ("%s.so", name);
  for (guint i = 0; i < entries->len; i++)
    {
      const struct gwt_plugin_entry_ *e = entries->pdata[i];
      g_autofree char *base = g_path_get_basename (e->info.path);
      if (e->info.id == NULL && strcmp (base, file) == 0)
        return e;
    }
  return NULL;
}

bool
gwt_loader_need_type (const char *name, struct gwt_error *err)
{
  if (gwt_type_find (name) != NULL)
    return true;
  scan ();
  GWT_AUTO_ERROR (refusal); /* keeps the first one's */
  for (guint i = 0; i < entries->len; i++)
    {
      struct gwt_plugin_entry_ *e = entries->pdata[i];
      if (e->shadowed || !g_strv_contains ((const char *const *) e->info.types, name)
          || !gwt_plugin_load (e, &refusal))
        continue;
      if (gwt_type_find (name) != NULL)
        return true;
      const char *why = e->info.left_out ? g_hash_table_lookup (e->info.left_out, name) : NULL;
      if (why != NULL)
        gwt_error_set (&refusal, GWT_E_NOT_FOUND, "plugin '%s': %s", e->info.path, why);
    }
  if (gwt_error_is_set (&refusal))
    {
      gwt_error_set (err, GWT_E_NOT_FOUND, "no plugin provides device type '%s': %s", name,
                     refusal.text);
      return false;
    }
  const struct gwt_plugin_entry_ *e = refused_by_name (name);
  g_autofree char *searched = searched_text ();
  g_autofree const char **names = all_names (true);
  g_autofree char *near = gwt_nearest_names (name, names);
  if (e != NULL)
    gwt_error_set (err, GWT_E_NOT_FOUND, "no plugin provides device type '%s': plugin '%s': %s",
                   name, e->info.path, e->info.refusal);
  else if (near != NULL)
    gwt_error_set (err, GWT_E_NOT_FOUND,
                   "no plugin provides device type '%s', searched %s; did you mean %s?", name,
                   searched, near);
  else
    gwt_error_set (
        err, GWT_E_NOT_FOUND,
        "no plugin provides device type '%s', searched %s; add its folder with -plugin-dir or its "
        "file with -plugin",
        name, searched);
  return false;
}

bool
gwt_loader_need_extension (const char *id, struct gwt_error *err)
{
  scan ();
  for (guint i = 0; i < entries->len; i++)
    {
      struct gwt_plugin_entry_ *e = entries->pdata[i];
      if (e->shadowed || !g_strv_contains ((const char *const *)e->info.offers, id))
        continue;
      GWT_AUTO_ERROR (inner);
      if (gwt_plugin_load (e, &inner))
        {
          gwt_error_clear (err);
          return true;
        }
      gwt_error_move (err, &inner);
    }
  return false;
}

void
gwt_loader_load_all (void)
{
  scan ();
  for (guint i = 0; i < entries->len; i++)
    {
      struct gwt_plugin_entry_ *e = entries->pdata[i];
      GWT_AUTO_ERROR (err);
      if (!e->shadowed && !gwt_plugin_load (e, &err))
        gwt_log (GWT_LOG_WARN, "%s", err.text);
    }
}

/* ---- listing --------------------------------------------------------------------------------- */

static int
compare_entries (const void *a, const void *b)
{
  const struct gwt_plugin_entry_ *ea = *(const struct gwt_plugin_entry_ *const *)a;
  const struct gwt_plugin_entry_ *eb = *(const struct gwt_plugin_entry_ *const *)b;
  int order = g_strcmp0 (ea->info.id, eb->info.id);
  return order != 0 ? order : strcmp (ea->info.path, eb->info.path);
}

const struct gwt_plugin_info *const *
gwt_loader_list (guint *count)
{
  static const struct gwt_plugin_info **list;
  scan ();
  g_free (list);
  list = g_new0 (const struct gwt_plugin_info *, entries->len + 1);
  if (entries->len > 0)
    memcpy (list, entries->pdata, entries->len * sizeof *list);
  qsort (list, entries->len, sizeof *list, compare_entries);
  *count = entries->len;
  return list;
}

const struct gwt_plugin_info *
gwt_loader_find (const char *id)
{
  scan ();
  struct gwt_plugin_entry_ *e = entry_by_id (id);
  return e != NULL ? &e->info : NULL;
}
