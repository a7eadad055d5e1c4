/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns finding machine types and boards: by name in the search path, by alias, by path; and the
 * chain from a machine type to the newest one that it derives from.  It must not apply anything.
 */
#include "config.h"
#include <string.h>
#include <sys/stat.h>
#include "core/machine/json-file.h"
#include "core/machine/machine-type.h"
#include "core/util/installed.h"
#include "core/util/log.h"
#include "core/util/text.h"

static GPtrArray *compat_dirs, *board_dirs; /* given by option */

static void
add_dir (GPtrArray **dirs, const char *dir)
{
  if (*dirs == NULL)
    *dirs = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (*dirs, g_strdup (dir));
}

void
gwt_machine_add_compat_dir (const char *dir)
{
  add_dir (&compat_dirs, dir);
}

void
gwt_machine_add_board_dir (const char *dir)
{
  add_dir (&board_dirs, dir);
}

static GPtrArray *
search_path (GPtrArray *given, const char *variable, const char *installed)
{
  GPtrArray *path = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; given != NULL && i < given->len; i++)
    g_ptr_array_add (path, g_strdup (g_ptr_array_index (given, i)));
  const char *value = g_getenv (variable);
  g_auto (GStrv) parts = g_strsplit (value != NULL ? value : "", ":", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    if (parts[i][0] != '\0')
      g_ptr_array_add (path, g_strdup (parts[i]));
  g_ptr_array_add (path, gwt_installed_path (installed));
  return path;
}

static GPtrArray *
compat_path (void)
{
  return search_path (compat_dirs, "GODWIT_COMPAT_PATH", GODWIT_DATADIR "/compat");
}

static GPtrArray *
board_path (void)
{
  return search_path (board_dirs, "GODWIT_MACHINE_PATH", GODWIT_DATADIR "/machines");
}

static char *
path_text (GPtrArray *path)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < path->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", (char *) g_ptr_array_index (path, i));
  return g_string_free (text, FALSE);
}

/* DIR/NAME.json in the first folder of PATH that has it, or NULL. */
static char *
find_file (GPtrArray *path, const char *name)
{
  if (strchr (name, '/') != NULL)
    return NULL;
  for (guint i = 0; i < path->len; i++)
    {
      g_autofree char *file
          = g_strdup_printf ("%s/%s.json", (char *) g_ptr_array_index (path, i), name);
      if (g_file_test (file, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&file);
    }
  return NULL;
}

/* A second file of a name says the same, or it is another promise under one name. */
static bool
same_bytes (const char *a, const char *b)
{
  g_autofree char *ta = NULL, *tb = NULL;
  gsize na, nb;
  struct stat sa, sb;
  if (stat (a, &sa) != 0 || stat (b, &sb) != 0 || sa.st_size != sb.st_size)
    return false;
  if (sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino)
    return true;
  return S_ISREG (sa.st_mode) && S_ISREG (sb.st_mode) && sa.st_size <= GWT_JSON_FILE_MAX
         && g_file_get_contents (a, &ta, &na, NULL) && g_file_get_contents (b, &tb, &nb, NULL)
         && na == nb && memcmp (ta, tb, na) == 0;
}

/* FILE, found first, is the only NAME.json of PATH, or the others are copies of it. */
static bool
check_single (GPtrArray *path, const char *name, const char *file, struct gwt_error *err)
{
  for (guint i = 0; i < path->len; i++)
    {
      g_autofree char *other
          = g_strdup_printf ("%s/%s.json", (char *) g_ptr_array_index (path, i), name);
      if (strcmp (other, file) == 0 || !g_file_test (other, G_FILE_TEST_EXISTS)
          || same_bytes (file, other))
        continue;
      gwt_error_set (err, GWT_E_EXISTS,
                     "machine '%s': %s and %s differ; rename one, or give -M a file's path", name,
                     file, other);
      return false;
    }
  return true;
}

static gint
by_text (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Paths of the files NAME.json of DIR, sorted. */
static GPtrArray *
json_files (const char *dir)
{
  GPtrArray *files = g_ptr_array_new_with_free_func (g_free);
  GDir *handle = g_dir_open (dir, 0, NULL);
  const char *entry;
  while (handle != NULL && (entry = g_dir_read_name (handle)) != NULL)
    if (g_str_has_suffix (entry, ".json") && entry[0] != '.')
      g_ptr_array_add (files, g_strdup_printf ("%s/%s", dir, entry));
  if (handle != NULL)
    g_dir_close (handle);
  g_ptr_array_sort (files, by_text);
  return files;
}

/* FILE as a machine type; NULL and no error where it is some other kind of JSON file. */
static struct gwt_machine_type *
load_if_machine (const char *file, struct gwt_error *err)
{
  struct gwt_json_file *json = gwt_json_file_load (file, err);
  if (json == NULL)
    return NULL;
  bool is_machine = json_object_is_type (json->root, json_type_object)
                    && json_object_object_get_ex (json->root, "godwit-machine", NULL);
  gwt_json_file_free (json);
  return is_machine ? gwt_machine_type_load (file, err) : NULL;
}

typedef bool (*each_fn) (struct gwt_machine_type *type, const char *file, const char *refusal,
                         void *data, struct gwt_error *err);

/* FN for every machine type file of PATH, until it returns false.  A file that cannot be read is
   handed over as its refusal: one broken file must not hide the others. */
static bool
each_type (GPtrArray *path, each_fn fn, void *data, struct gwt_error *err)
{
  for (guint i = 0; i < path->len; i++)
    {
      g_autoptr (GPtrArray) files = json_files (g_ptr_array_index (path, i));
      for (guint n = 0; n < files->len; n++)
        {
          GWT_AUTO_ERROR (refusal);
          const char *file = g_ptr_array_index (files, n);
          struct gwt_machine_type *type = load_if_machine (file, &refusal);
          bool more = true;
          if (type != NULL || gwt_error_is_set (&refusal))
            more = fn (type, file, refusal.text, data, err);
          gwt_machine_type_free (type);
          if (!more)
            return false;
        }
    }
  return true;
}

struct alias_search
{
  const char *alias;
  char *file; /* first match */
  char *dir;
  char *misnamed;   /* a file of this name that is called otherwise */
  GPtrArray *names; /* every name and alias, for the error */
  GString *broken;
};

static bool
match_alias (struct gwt_machine_type *type, const char *file, const char *refusal, void *data,
             struct gwt_error *err)
{
  struct alias_search *search = data;
  if (type == NULL)
    {
      g_string_append_printf (search->broken, "%s%s", search->broken->len > 0 ? ", " : "", file);
      gwt_log (GWT_LOG_INFO, "machine types: not read: %s", refusal);
      return true;
    }
  g_ptr_array_add (search->names, g_strdup (type->name));
  if (search->misnamed == NULL && strcmp (type->name, search->alias) == 0)
    search->misnamed = g_strdup (file);
  for (guint i = 0; i < type->aliases->len; i++)
    {
      const char *alias = g_ptr_array_index (type->aliases, i);
      g_ptr_array_add (search->names, g_strdup (alias));
      if (strcmp (alias, search->alias) != 0)
        continue;
      g_autofree char *dir = g_path_get_dirname (file);
      if (search->file == NULL)
        {
          search->file = g_strdup (file);
          search->dir = g_steal_pointer (&dir);
        }
      else if (strcmp (dir, search->dir) == 0)
        {
          gwt_error_set (err, GWT_E_EXISTS,
                         "machine '%s': both %s and %s take this alias; remove "
                         "it from one",
                         search->alias, search->file, file);
          return false;
        }
    }
  return true;
}

/* Path of the file of machine type NAME (a name or an alias), or NULL with ERR set. */
static char *
find_type (const char *name, struct gwt_error *err)
{
  g_autoptr (GPtrArray) path = compat_path ();
  char *named = find_file (path, name), *file;
  if (named != NULL && !check_single (path, name, named, err))
    {
      g_free (named);
      return NULL;
    }
  struct alias_search search = { .alias = name };
  search.names = g_ptr_array_new_with_free_func (g_free);
  search.broken = g_string_new (NULL);
  each_type (path, match_alias, &search, err);
  file = g_steal_pointer (&search.file);
  if (named != NULL && file != NULL)
    gwt_error_set (err, GWT_E_EXISTS,
                   "machine '%s': %s has this name, and %s takes it as an alias; remove the alias",
                   name, named, file);
  else if (named != NULL)
    file = g_steal_pointer (&named);
  g_free (named);
  if (gwt_error_is_set (err))
    g_clear_pointer (&file, g_free);
  else if (file == NULL && search.misnamed != NULL)
    gwt_error_set (err, GWT_E_NOT_FOUND,
                   "machine '%s': %s has this name; call the file '%s.json'", name,
                   search.misnamed, name);
  else if (file == NULL)
    {
      g_ptr_array_add (search.names, NULL);
      g_autofree char *near = gwt_nearest_names (name, (const char *const *) search.names->pdata);
      g_autofree char *where = path_text (path);
      gwt_error_set (err, GWT_E_NOT_FOUND, "machine '%s': no such machine type in %s%s%s; %s%s%s",
                     name, where,
                     search.broken->len > 0 ? ", where these files could not be read: " : "",
                     search.broken->str, near != NULL ? "did you mean " : "", near ? near : "",
                     near != NULL ? "" : "-M help lists them");
    }
  g_free (search.dir);
  g_free (search.misnamed);
  g_ptr_array_unref (search.names);
  g_string_free (search.broken, TRUE);
  return file;
}

static bool
is_path (const char *name)
{
  return strchr (name, '/') != NULL || g_str_has_suffix (name, ".json");
}

/* Path of the board that TYPE names; relative paths start at the machine type's file. */
static char *
find_board (const struct gwt_machine_type *type, struct gwt_error *err)
{
  if (is_path (type->board))
    {
      g_autofree char *dir = g_path_get_dirname (type->path);
      return g_path_is_absolute (type->board) ? g_strdup (type->board)
                                              : g_build_filename (dir, type->board, NULL);
    }
  g_autoptr (GPtrArray) path = board_path ();
  char *file = find_file (path, type->board);
  if (file == NULL)
    {
      g_autofree char *where = path_text (path);
      struct gwt_json_at root, member;
      gwt_json_root (type->file, &root);
      gwt_json_member (&root, "board", &member);
      gwt_json_fail (&member, err, "no board '%s' in %s; add '%s.json' there, or use -machine-dir",
                     type->board, where, type->board);
    }
  return file;
}

/* A board file given where a machine type is expected: a machine without a promise. */
static struct gwt_machine_type *
type_of_board (const char *path, struct gwt_error *err)
{
  struct gwt_board *board = gwt_board_load (path, err);
  if (board == NULL)
    return NULL;
  struct json_object *object = json_object_new_object ();
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  json_object_object_add (object, "godwit-machine", json_object_new_int (GWT_MACHINE_FORMAT));
  json_object_object_add (object, "name", json_object_new_string (board->name));
  json_object_object_add (object, "doc", json_object_new_string (board->doc));
  json_object_object_add (object, "board", json_object_new_string (absolute));
  const char *text = json_object_to_json_string (object);
  struct gwt_machine_type *type = gwt_machine_type_parse (path, text, strlen (text), err);
  json_object_put (object);
  gwt_board_free (board);
  return type;
}

static struct gwt_machine_type *
load_path (const char *path, struct gwt_error *err)
{
  struct gwt_json_file *file = gwt_json_file_load (path, err);
  if (file == NULL)
    return NULL;
  bool is_board = json_object_is_type (file->root, json_type_object)
                  && json_object_object_get_ex (file->root, "godwit-board", NULL);
  gwt_json_file_free (file);
  return is_board ? type_of_board (path, err) : gwt_machine_type_load (path, err);
}

/* A file found by name is called like the machine type in it: else -M help and -M would disagree.
 */
static struct gwt_machine_type *
load_named (const char *file, struct gwt_error *err)
{
  struct gwt_machine_type *type = gwt_machine_type_load (file, err);
  if (type == NULL)
    return NULL;
  g_autofree char *base = g_path_get_basename (file);
  g_autofree char *wanted = g_strdup_printf ("%s.json", type->name);
  if (strcmp (base, wanted) == 0)
    return type;
  struct gwt_json_at root, member;
  gwt_json_root (type->file, &root);
  gwt_json_member (&root, "name", &member);
  gwt_json_fail (&member, err, "the name '%s' does not fit the file's; call the file '%s'",
                 type->name, wanted);
  gwt_machine_type_free (type);
  return NULL;
}

/* The types that TYPE derives from, appended to CHAIN. */
static bool
follow (GPtrArray *chain, struct gwt_error *err)
{
  for (;;)
    {
      struct gwt_machine_type *last = g_ptr_array_index (chain, chain->len - 1);
      struct gwt_json_at root, member;
      if (last->newer == NULL)
        return true;
      gwt_json_root (last->file, &root);
      gwt_json_member (&root, "newer", &member);
      for (guint i = 0; i < chain->len; i++)
        {
          const struct gwt_machine_type *seen = g_ptr_array_index (chain, i);
          if (strcmp (seen->name, last->newer) != 0)
            continue;
          gwt_json_fail (&member, err, "'%s' derives from itself through '%s'; break the circle",
                         last->newer, last->name);
          return false;
        }
      if (chain->len == GWT_MACHINE_CHAIN_MAX)
        {
          gwt_json_fail (&member, err, "more than %d machine types in a row; shorten the chain",
                         GWT_MACHINE_CHAIN_MAX);
          return false;
        }
      GWT_AUTO_ERROR (inner);
      g_autofree char *file = find_type (last->newer, &inner);
      if (file == NULL)
        {
          gwt_json_fail (&member, err, "%s", inner.text);
          return false;
        }
      struct gwt_machine_type *next = load_named (file, err);
      if (next == NULL)
        return false;
      g_ptr_array_add (chain, next);
      if (strcmp (next->name, last->newer) == 0)
        continue;
      gwt_json_fail (
          &member, err,
          "'%s' is an alias, of '%s' today, and a promise is none if it changes with it; "
          "name '%s'",
          last->newer, next->name, next->name);
      return false;
    }
}

static void
type_free (gpointer data)
{
  gwt_machine_type_free (data);
}

struct gwt_machine_choice *
gwt_machine_choose (const char *name, struct gwt_error *err)
{
  g_autofree char *file = is_path (name) ? g_strdup (name) : find_type (name, err);
  if (file == NULL)
    return NULL;
  struct gwt_machine_type *type = is_path (name) ? load_path (file, err) : load_named (file, err);
  if (type == NULL)
    return NULL;
  struct gwt_machine_choice *choice = g_new0 (struct gwt_machine_choice, 1);
  choice->chain = g_ptr_array_new_with_free_func (type_free);
  g_ptr_array_add (choice->chain, type);
  if (follow (choice->chain, err))
    {
      const struct gwt_machine_type *holder = type;
      for (guint i = 0; holder->board == NULL; i++)
        holder = g_ptr_array_index (choice->chain, i);
      choice->board_path = find_board (holder, err);
      if (choice->board_path != NULL)
        choice->board = gwt_board_load (choice->board_path, err);
    }
  if (choice->board != NULL)
    return choice;
  gwt_machine_choice_free (choice);
  return NULL;
}

void
gwt_machine_choice_free (struct gwt_machine_choice *choice)
{
  if (choice == NULL)
    return;
  g_ptr_array_unref (choice->chain);
  if (choice->given_levels != NULL)
    g_ptr_array_unref (choice->given_levels);
  gwt_board_free (choice->board);
  g_free (choice->board_path);
  g_free (choice);
}

const char *
gwt_machine_choice_name (const struct gwt_machine_choice *choice)
{
  return ((const struct gwt_machine_type *) g_ptr_array_index (choice->chain, 0))->name;
}

struct help
{
  GString *text;
  GHashTable *seen;
};

static bool
help_line (struct gwt_machine_type *type, const char *file, const char *refusal, void *data,
           struct gwt_error *err)
{
  struct help *help = data;
  (void) err;
  (void) file;
  if (type == NULL)
    {
      gwt_log (GWT_LOG_WARN, "-M help: not listed: %s", refusal);
      return true;
    }
  if (!g_hash_table_add (help->seen, g_strdup (type->name)))
    return true;
  g_string_append_printf (help->text, "%-20s %s%s%s%s\n", type->name, type->doc,
                          type->deprecated != NULL ? " (deprecated: " : "",
                          type->deprecated != NULL ? type->deprecated : "",
                          type->deprecated != NULL ? ")" : "");
  for (guint i = 0; i < type->aliases->len; i++)
    g_string_append_printf (help->text, "%-20s alias of %s\n",
                            (char *) g_ptr_array_index (type->aliases, i), type->name);
  return true;
}

char *
gwt_machine_help (void)
{
  GWT_AUTO_ERROR (err);
  g_autoptr (GPtrArray) path = compat_path ();
  struct help help = { g_string_new ("machine types (-M NAME, or -M FILE.json):\n"), NULL };
  help.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  each_type (path, help_line, &help, &err);
  g_hash_table_destroy (help.seen);
  return g_string_free (help.text, FALSE);
}
