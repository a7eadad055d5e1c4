/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * godwit-machine: questions about machines that need none to run: do two fit, what would be what.
 * Owns the command line up to the command; the commands are in tools/machine/.
 */
#include "config.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "core/plugin/loader.h"
#include "core/util/log.h"
#include "core/util/text.h"
#include "tools/machine/check.h"
#include "tools/machine/intersect.h"
#include "tools/machine/tool.h"

static const struct tool_command commands[] = {
  { "check", tool_check_usage, tool_check },
  { "diff",
    "  diff A B         what two machine types promise differently: every type's properties, the\n"
    "                   board's devices, defaults, levels, each with its reason\n",
    tool_diff },
  { "explain",
    "  explain -M NAME [-cpu ...] [-smp ...] [-m ...] [-device ...] [-global ...]\n"
    "          [-plugin-level ...] [-plugin FILE] [-plugin-dir DIR] [-machine-dir DIR]\n"
    "          [-compat-dir DIR] [--json] [DEVICE[.PROPERTY]...]\n"
    "                   each device's properties: value, who had the last word, who else a say\n",
    tool_explain },
  { "intersect", tool_intersect_usage, tool_intersect },
  { "schema-diff",
    "  schema-diff [--strict] [--json] [--renamed OLD=NEW]... OLD NEW\n"
    "                   what changed between two -dump-vmstate files: each change is safe,\n"
    "                   forward only (old to new), backward only or breaking; exit status\n"
    "                   1: breaking, or with --strict any way is closed\n",
    tool_schema_diff },
  { NULL, NULL, NULL },
};

int
tool_fail (struct gwt_error *err, const char *where)
{
  gwt_error_report (err, where);
  return TOOL_BAD;
}

int
tool_fail_text (const char *where, const char *format, ...)
{
  GWT_AUTO_ERROR (err);
  va_list args;

  va_start (args, format);
  gwt_error_vset (&err, GWT_E_INVALID, format, args);
  va_end (args);
  return tool_fail (&err, where);
}

int
tool_flush (int status)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return status;
  return tool_fail_text ("standard output", "cannot be written: %s", g_strerror (errno));
}

int
tool_print_json (struct json_object *json)
{
  puts (json_object_to_json_string_ext (json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                                                  | JSON_C_TO_STRING_NOSLASHESCAPE));
  json_object_put (json);
  return tool_flush (TOOL_GOOD);
}

char *
tool_read_file (const char *path, gsize max, gsize *size, struct gwt_error *err)
{
  bool input = strcmp (path, "-") == 0;
  FILE *file = input ? stdin : fopen (path, "rbe");
  g_autoptr (GString) text = g_string_new (NULL);
  char piece[65536];
  size_t n;

  if (file == NULL)
    {
      gwt_error_set (err, GWT_E_IO, "cannot be opened: %s", g_strerror (errno));
      return NULL;
    }
  while (text->len <= max && (n = fread (piece, 1, sizeof (piece), file)) > 0)
    g_string_append_len (text, piece, (gssize) n);
  if (ferror (file))
    gwt_error_set (err, GWT_E_IO, "cannot be read: %s", g_strerror (errno));
  else if (text->len > max)
    gwt_error_set (err, GWT_E_RANGE, "it is larger than %" G_GSIZE_FORMAT " bytes", max);
  if (!input)
    fclose (file);
  if (gwt_error_is_set (err))
    return NULL;
  *size = text->len;
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
print_usage (void)
{
  fputs ("usage: godwit-machine [--plugin-dir DIR]... COMMAND\n", stdout);
  for (const struct tool_command *c = commands; c->name != NULL; c++)
    fputs (c->usage, stdout);
  fputs ("  --help, --version\n"
         "Folders searched for plugins: --plugin-dir, then GODWIT_PLUGIN_PATH, then\n"
         "  " GODWIT_PLUGINDIR "\n",
         stdout);
}

static int
run (int argc, char **argv)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *near = NULL;

  for (const struct tool_command *c = commands; c->name != NULL; c++)
    {
      if (strcmp (argv[0], c->name) == 0)
        {
          if (argc == 2 && strcmp (argv[1], "--help") == 0)
            {
              fputs (c->usage, stdout);
              return tool_flush (TOOL_GOOD);
            }
          return c->run (argc, argv);
        }
      g_ptr_array_add (names, (gpointer) c->name);
    }
  g_ptr_array_add (names, NULL);
  near = gwt_did_you_mean (argv[0], (const char *const *) names->pdata);
  return tool_fail_text (NULL, "'%s' is no command%s", argv[0],
                         near[0] != '\0' ? near : "; try --help");
}

int
main (int argc, char **argv)
{
  int i;

  gwt_log_set_program ("godwit-machine");
  gwt_loader_init ();
  for (i = 1; i < argc && argv[i][0] == '-'; i++)
    {
      const char *option = argv[i] + (argv[i][1] == '-' ? 2 : 1);
      GWT_AUTO_ERROR (err);

      if (strcmp (option, "help") == 0)
        {
          print_usage ();
          return tool_flush (TOOL_GOOD);
        }
      if (strcmp (option, "version") == 0)
        {
          printf ("godwit-machine %s\n", PACKAGE_VERSION);
          return tool_flush (TOOL_GOOD);
        }
      if (strcmp (option, "plugin-dir") != 0)
        return tool_fail_text (NULL, "option '%s' is not understood; try --help", argv[i]);
      if (i + 1 == argc)
        return tool_fail_text (NULL, "option '%s' needs a folder behind it", argv[i]);
      if (!gwt_loader_check_dir (argv[++i], &err))
        return tool_fail (&err, "--plugin-dir");
      gwt_loader_add_dir (argv[i]);
    }
  if (i == argc)
    return tool_fail_text (NULL, "no command is given; try --help");
  return run (argc - i, argv + i);
}
