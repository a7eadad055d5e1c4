/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * godwit-plugin: look at plugins without a machine.  list, show, check.  Owns only its command line
 * and its texts; what is refused and what is shown is the loader's.
 */
#include "config.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/backend/block.h"
#include "core/backend/chardev.h"
#include "core/backend/netdev.h"
#include "core/cpu/run.h"
#include "core/device/device.h"
#include "core/device/spec.h"
#include "core/machine/fdt-tree.h"
#include "core/memory/memory.h"
#include "core/plugin/loader.h"
#include "core/util/extension.h"
#include "core/util/json.h"
#include "core/util/log.h"
#include "core/util/text.h"

static const char usage_text[]
    = "usage: godwit-plugin [--plugin-dir DIR]... COMMAND\n"
      "  list [--json]    plugins that are found: id, version, ABI, device types, file\n"
      "  show NAME|FILE   everything a plugin says of itself, as sorted JSON\n"
      "  check FILE       all that the loader would refuse, then make and destroy each device\n"
      "                   type twice with its defaults; exit status 1 where something is wrong\n"
      "  --help, --version\n"
      "Folders searched: --plugin-dir, then GODWIT_PLUGIN_PATH, then\n"
      "  " GODWIT_PLUGINDIR "\n";

static int
fail (struct gwt_error *err, const char *where)
{
  gwt_error_report (err, where);
  return 1;
}

static int
fail_text (const char *where, const char *format, const char *arg)
{
  GWT_AUTO_ERROR (err);
  gwt_error_set (&err, GWT_E_INVALID, format, arg);
  return fail (&err, where);
}

/* ---- list ------------------------------------------------------------------------------------ */

static struct json_object *
words_json (char **words)
{
  struct json_object *list = json_object_new_array ();
  for (; words != NULL && *words != NULL; words++)
    if ((*words)[0] != '\0')
      json_object_array_add (list, json_object_new_string (*words));
  return list;
}

static struct json_object *
info_json (const struct gwt_plugin_info *info)
{
  struct json_object *o = json_object_new_object ();
  if (info->id != NULL)
    {
      g_autofree char *abi = g_strdup_printf ("%u.%u", info->abi_major, info->abi_minor);
      json_object_object_add (o, "abi", json_object_new_string (abi));
      json_object_object_add (o, "id", json_object_new_string (info->id));
      json_object_object_add (o, "offers", words_json (info->offers));
    }
  json_object_object_add (o, "path", json_object_new_string (info->path));
  if (info->refusal != NULL)
    json_object_object_add (o, "refusal", json_object_new_string (info->refusal));
  if (info->id != NULL)
    {
      json_object_object_add (o, "types", words_json (info->types));
      json_object_object_add (o, "version", json_object_new_string (info->version));
    }
  return o;
}

static int
print_json (struct json_object *json)
{
  puts (json_object_to_json_string_ext (json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                                                  | JSON_C_TO_STRING_NOSLASHESCAPE));
  json_object_put (json);
  return fflush (stdout) == 0 ? 0 : fail_text (NULL, "standard output cannot be written%s", "");
}

static int
list (bool json)
{
  guint count;
  const struct gwt_plugin_info *const *infos = gwt_loader_list (&count);
  if (json)
    {
      struct json_object *all = json_object_new_array ();
      for (guint i = 0; i < count; i++)
        json_object_array_add (all, info_json (infos[i]));
      return print_json (all);
    }
  for (guint i = 0; i < count; i++)
    {
      const struct gwt_plugin_info *info = infos[i];
      if (info->refusal != NULL)
        {
          printf ("%-14s %s: %s\n", info->id != NULL ? info->id : "-", info->path, info->refusal);
          continue;
        }
      g_autofree char *types = g_strjoinv (" ", info->types);
      printf ("%-14s %-8s ABI %u.%u  %s  (%s)\n", info->id, info->version, info->abi_major,
              info->abi_minor, types, info->path);
    }
  if (count == 0)
    puts ("no plugins found");
  return 0;
}

/* ---- show ------------------------------------------------------------------------------------ */

static const struct gwt_plugin_info *
info_by_path (const char *path)
{
  guint count;
  const struct gwt_plugin_info *const *infos = gwt_loader_list (&count);
  for (guint i = 0; i < count; i++)
    if (infos[i]->plugin != NULL && strcmp (infos[i]->path, path) == 0)
      return infos[i];
  return NULL;
}

/* A name without a slash and without ".so" is an id, all else a file. */
static const struct gwt_plugin_info *
get_plugin (const char *what, struct gwt_error *err)
{
  if (strchr (what, '/') != NULL || g_str_has_suffix (what, ".so"))
    {
      if (!gwt_loader_load_file (what, err))
        return NULL;
      const struct gwt_plugin_info *info = info_by_path (what);
      struct gwt_note_desc desc;
      /* The file may be known under another path to it. */
      if (info == NULL && gwt_note_read (what, &desc, err))
        info = gwt_loader_find (desc.id);
      return info;
    }
  const struct gwt_plugin_info *info = gwt_loader_find (what);
  if (info == NULL)
    {
      guint count;
      const struct gwt_plugin_info *const *infos = gwt_loader_list (&count);
      g_autoptr (GPtrArray) ids = g_ptr_array_new ();
      for (guint i = 0; i < count; i++)
        if (infos[i]->id != NULL)
          g_ptr_array_add (ids, infos[i]->id);
      g_ptr_array_add (ids, NULL);
      g_autofree char *near = gwt_did_you_mean (what, (const char *const *) ids->pdata);
      gwt_error_set (err, GWT_E_NOT_FOUND, "no plugin '%s' was found%s", what,
                     near[0] != '\0'
                         ? near
                         : "; 'godwit-plugin list' shows what there is, a file is named by path");
      return NULL;
    }
  return gwt_loader_load (info, err) ? info : NULL;
}

static int
show (const char *what)
{
  GWT_AUTO_ERROR (err);
  const struct gwt_plugin_info *info = get_plugin (what, &err);
  return info != NULL ? print_json (gwt_plugin_to_json (info)) : fail (&err, "show");
}

/* ---- check ----------------------------------------------------------------------------------- */

/* One life with the defaults.  A device that refuses them with a reason is no fault: many need a
 * link. */
static bool
live_once (const struct gwt_type *type, int round, struct gwt_error *err)
{
  struct gwt_device *device = gwt_device_new (type, NULL, err);
  GWT_AUTO_ERROR (refusal);
  if (device == NULL)
    return false;
  if (gwt_device_realize (device, &refusal))
    {
      gwt_device_reset_all (GWT_RESET_COLD);
      gwt_device_reset_all (GWT_RESET_WARM);
      if (round == 0)
        printf ("type %s: made, realized, reset, destroyed\n", type->d.name);
    }
  else if (round == 0)
    printf ("type %s: made; its defaults alone are not enough: %s\n", type->d.name, refusal.text);
  gwt_device_destroy (device);
  return true;
}

static int
check (const char *path)
{
  GWT_AUTO_ERROR (err);
  const struct gwt_plugin_info *info = get_plugin (path, &err);
  if (info == NULL)
    return fail (&err, "check");
  if (!gwt_symbols_check (info->path, &err))
    {
      gwt_error_prefix (&err, "plugin '%s'", info->path);
      return fail (&err, "check");
    }
  printf ("plugin %s %s: symbols, note, table, rows and coverage are good\n", info->id,
          info->version);
  for (char **name = info->types; *name != NULL && info->left_out != NULL; name++)
    {
      const char *why = g_hash_table_lookup (info->left_out, *name);
      if (why != NULL)
        printf ("type %s: left out: %s\n", *name, why);
    }
  for (guint i = 0; info->plugin->types != NULL && info->plugin->types[i] != NULL; i++)
    {
      const struct gwt_type *type = gwt_type_find (info->plugin->types[i]->name);
      if ((type->d.flags & GWT_TYPE_ABSTRACT) != 0)
        continue;
      for (int round = 0; round < 2; round++)
        if (!live_once (type, round, &err))
          return fail (&err, "check");
    }
  return 0;
}

/* ---- command line ---------------------------------------------------------------------------- */

static int
run (int argc, char **argv)
{
  const char *command = argv[0];
  if (strcmp (command, "list") == 0)
    {
      if (argc == 1)
        return list (false);
      return argc == 2 && strcmp (argv[1], "--json") == 0
                 ? list (true)
                 : fail_text ("list", "'%s' is not understood; only --json can follow", argv[1]);
    }
  bool is_show = strcmp (command, "show") == 0;
  if (!is_show && strcmp (command, "check") != 0)
    return fail_text (NULL, "'%s' is no command; use list, show or check", command);
  if (argc != 2)
    return fail_text (command, "%s",
                      argc < 2 ? "what to look at is missing; name a plugin or a file"
                               : "too many arguments; name one plugin or file");
  return is_show ? show (argv[1]) : check (argv[1]);
}

/* All that a plugin can require of this release, as in the emulator itself, but no machine. */
static bool
register_extensions (struct gwt_error *err)
{
  gwt_device_register_extensions ();
  gwt_memory_register_extensions ();
  gwt_chardev_register_extensions ();
  gwt_netdev_register_extensions ();
  gwt_run_init ();
  gwt_block_register_extensions ();
  /* No main loop runs here that would look at them. */
  signal (SIGINT, SIG_DFL);
  signal (SIGTERM, SIG_DFL);
  return gwt_extension_add (GWT_FDT_EXT, &gwt_fdt_ext, "host", err);
}

int
main (int argc, char **argv)
{
  GWT_AUTO_ERROR (internal);
  gwt_log_set_program ("godwit-plugin");
  gwt_loader_init ();
  if (!register_extensions (&internal))
    return fail (&internal, "internal");
  int i = 1;
  for (; i < argc && argv[i][0] == '-'; i++)
    {
      const char *option = argv[i] + (argv[i][1] == '-' ? 2 : 1);
      GWT_AUTO_ERROR (err);
      if (strcmp (option, "help") == 0)
        {
          fputs (usage_text, stdout);
          return 0;
        }
      if (strcmp (option, "version") == 0)
        {
          printf ("godwit-plugin %s, plugin ABI %d.%d\n", PACKAGE_VERSION, GWT_ABI_MAJOR,
                  GWT_ABI_MINOR);
          return 0;
        }
      if (strcmp (option, "plugin-dir") != 0)
        return fail_text (NULL, "option '%s' is not understood; try --help", argv[i]);
      if (i + 1 == argc)
        return fail_text (NULL, "option '%s' needs a folder behind it", argv[i]);
      if (!gwt_loader_check_dir (argv[++i], &err))
        return fail (&err, "--plugin-dir");
      gwt_loader_add_dir (argv[i]);
    }
  if (i == argc)
    return fail_text (NULL, "%s", "no command is given; use list, show or check, or try --help");
  return run (argc - i, argv + i);
}
