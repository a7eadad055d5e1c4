/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns making the devices of a machine that nobody will run, by the core's own code, so that what
 * is told about them is what would be.  It must not open or create anything.
 */
#include "config.h"
#include "tools/machine/planned.h"
#include <signal.h>
#include <string.h>
#include "core/backend/block.h"
#include "core/backend/chardev.h"
#include "core/backend/netdev.h"
#include "core/cpu/run.h"
#include "core/machine/fdt-tree.h"
#include "core/plugin/loader.h"
#include "core/util/extension.h"
#include "core/util/text.h"

/* Devices that are never realized look into no back end: any id stands for one. */
static void *
any_backend (const char *id)
{
  static uint64_t something;
  return *id != '\0' ? &something : NULL;
}

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
  gwt_device_set_backend_finder (GWT_CHARDEV, any_backend);
  gwt_device_set_backend_finder (GWT_NETDEV, any_backend);
  gwt_device_set_backend_finder (GWT_BLOCK, any_backend);
  return gwt_extension_add (GWT_FDT_EXT, &gwt_fdt_ext, "host", err);
}

static const char *const names[]
    = { "M",           "machine",    "cpu",         "smp",        "m",    "device", "global",
        "plugin-level", "plugin",    "plugin-dir",  "machine-dir", "compat-dir", "json",   NULL };

static bool
fail_option (const char *option, struct gwt_error *err)
{
  g_autofree char *near = gwt_did_you_mean (option, names);
  gwt_error_set (err, GWT_E_NOT_FOUND, "option '-%s' says nothing about a machine's properties%s",
                 option, near[0] != '\0' ? near : "; try --help");
  return false;
}

static bool
check_folder (const char *folder, struct gwt_error *err)
{
  if (g_file_test (folder, G_FILE_TEST_IS_DIR))
    return true;
  gwt_error_set (err, GWT_E_NOT_FOUND, "'%s': no such folder; check the path", folder);
  return false;
}

static bool
take_once (const char **place, const char *value, struct gwt_error *err)
{
  if (*place != NULL)
    gwt_error_set (err, GWT_E_INVALID, "'%s': it is given twice; give it once", value);
  *place = value;
  return !gwt_error_is_set (err);
}

static bool
take_option (struct planned *p, const char *option, const char *value, struct gwt_error *err)
{
  if (strcmp (option, "M") == 0 || strcmp (option, "machine") == 0)
    return take_once (&p->machine, value, err);
  if (strcmp (option, "cpu") == 0)
    return take_once (&p->cpu, value, err);
  if (strcmp (option, "smp") == 0)
    return take_once (&p->smp, value, err);
  if (strcmp (option, "m") == 0)
    return take_once (&p->memory, value, err);
  if (strcmp (option, "plugin") == 0)
    return gwt_loader_load_file (value, err);
  if (strcmp (option, "device") == 0)
    g_ptr_array_add (p->devices, (gpointer) value);
  else if (strcmp (option, "global") == 0)
    g_ptr_array_add (p->globals, (gpointer) value);
  else if (strcmp (option, "plugin-level") == 0)
    g_ptr_array_add (p->levels, (gpointer) value);
  else if (!check_folder (value, err))
    return false;
  else if (strcmp (option, "plugin-dir") == 0)
    gwt_loader_add_dir (value);
  else if (strcmp (option, "machine-dir") == 0)
    gwt_machine_add_board_dir (value);
  else
    gwt_machine_add_compat_dir (value);
  return true;
}

bool
planned_init (struct planned *p, int argc, char **argv, struct gwt_error *err)
{
  *p = (struct planned){ 0 };
  p->devices = g_ptr_array_new ();
  p->levels = g_ptr_array_new ();
  p->globals = g_ptr_array_new ();
  p->rest = g_ptr_array_new ();
  if (!register_extensions (err))
    return false;
  for (int i = 1; i < argc; i++)
    {
      const char *option = argv[i] + (g_str_has_prefix (argv[i], "--") ? 2 : 1);
      if (argv[i][0] != '-')
        {
          g_ptr_array_add (p->rest, argv[i]);
          continue;
        }
      if (!g_strv_contains (names, option))
        return fail_option (option, err);
      if (strcmp (option, "json") == 0)
        {
          p->json = true;
          continue;
        }
      if (i + 1 == argc)
        gwt_error_set (err, GWT_E_INVALID, "option '%s' needs an argument behind it", argv[i]);
      else if (!take_option (p, option, argv[++i], err))
        gwt_error_prefix (err, "-%s", option);
      if (gwt_error_is_set (err))
        return false;
    }
  g_ptr_array_add (p->devices, NULL);
  g_ptr_array_add (p->levels, NULL);
  for (guint i = 0; i < p->globals->len; i++)
    if (!gwt_global_add (g_ptr_array_index (p->globals, i), err))
      {
        gwt_error_prefix (err, "-global");
        return false;
      }
  return true;
}

bool
planned_make (struct planned *p, struct gwt_error *err)
{
  /* Firmware has no say in properties. */
  const struct gwt_machine_config config = { .machine = p->machine,
                                             .cpu = p->cpu,
                                             .smp = p->smp,
                                             .memory = p->memory,
                                             .bios = "none",
                                             .devices = (const char *const *) p->devices->pdata,
                                             .plugin_levels
                                             = (const char *const *) p->levels->pdata,
                                             .paused = true };
  p->made = gwt_machine_plan (&config, err);
  return p->made != NULL && gwt_machine_make_devices (p->made, err);
}

void
planned_unmake (struct planned *p)
{
  gwt_device_destroy_all ();
  gwt_machine_free (p->made);
  p->made = NULL;
}

void
planned_clear (struct planned *p)
{
  planned_unmake (p);
  gwt_globals_clear ();
  g_ptr_array_unref (p->devices);
  g_ptr_array_unref (p->levels);
  g_ptr_array_unref (p->globals);
  g_ptr_array_unref (p->rest);
}
