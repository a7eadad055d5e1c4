/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the options that only ask: -help, -version and every "... help".  They go to standard output
 * and make nothing.
 */
#include "config.h"
#include <stdio.h>
#include <string.h>
#include "core/cli/start.h"
#include "core/plugin/loader.h"

static void
print_and_free (char *text)
{
  if (text != NULL)
    fputs (text, stdout);
  g_free (text);
}

static bool
device_help (const char *text, struct gwt_error *err)
{
  if (strcmp (text, "help") == 0)
    {
      gwt_loader_load_all ();
      print_and_free (gwt_type_help_all ());
      return true;
    }
  const char *comma = strchr (text, ',');
  if (comma == NULL || strcmp (comma, ",help") != 0)
    return false;
  g_autofree char *type = g_strndup (text, (gsize) (comma - text));
  if (!gwt_loader_need_type (type, err))
    gwt_error_prefix (err, "-device");
  else
    print_and_free (gwt_type_help (gwt_type_find (type)));
  return true;
}

/* -cpu help and -smp help speak about the machine that -M names. */
static bool
machine_help (const struct gwt_options *options, struct gwt_error *err)
{
  bool cpu = options->cpu != NULL && strcmp (options->cpu, "help") == 0;
  g_autofree char *name = NULL;
  g_auto (GStrv) machine_options = NULL;
  if (options->machine == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "%s: 'help': depends on the machine; add -M NAME",
                     cpu ? "-cpu" : "-smp");
      return true;
    }
  if (!gwt_machine_split_name (options->machine, &name, &machine_options, err))
    return true;
  struct gwt_machine_choice *choice = gwt_machine_choose (name, err);
  if (choice == NULL)
    return true;
  print_and_free (cpu ? gwt_machine_cpu_help (choice, err) : gwt_machine_smp_help (choice));
  gwt_machine_choice_free (choice);
  return true;
}

bool
gwt_cli_query (const struct gwt_options *options, struct gwt_error *err)
{
  if (options->help)
    {
      print_and_free (gwt_options_help ());
      return true;
    }
  if (options->version)
    {
      printf ("godwit %s, plugin ABI %d.%d\n", PACKAGE_VERSION, GWT_ABI_MAJOR, GWT_ABI_MINOR);
      return true;
    }
  if (options->machine != NULL && strcmp (options->machine, "help") == 0)
    {
      print_and_free (gwt_machine_help ());
      return true;
    }
  for (guint i = 0; i + 1 < options->devices->len; i++)
    if (device_help (g_ptr_array_index (options->devices, i), err))
      return true;
  if ((options->cpu != NULL && strcmp (options->cpu, "help") == 0)
      || (options->smp != NULL && strcmp (options->smp, "help") == 0))
    return machine_help (options, err);
  return false;
}
