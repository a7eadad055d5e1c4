/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns judging what the user asked for before anything is made: machine type, board, plugins,
 * numbers, names and files.  machine.c makes it.
 */
#include "config.h"
#include <string.h>
#include "core/backend/memdev.h"
#include "core/machine/boot.h"
#include "core/machine/hotplug.h"
#include "core/machine/json-file.h"
#include "core/machine/machine.h"
#include "core/machine/manifest.h"
#include "core/plugin/loader.h"
#include "core/util/log.h"
#include "core/util/text.h"

/* An option of -M. */
static bool
plan_option (struct gwt_machine *machine, const char *name, const char *value,
             struct gwt_error *err)
{
  static const char *const known[] = { "dumpdtb", "memory-backend", NULL };
  g_autofree char *near = NULL;
  if (strcmp (name, "dumpdtb") == 0)
    {
      if (value[0] != '\0' && machine->dumpdtb == NULL)
        {
          machine->dumpdtb = g_strdup (value);
          return true;
        }
      gwt_error_set (err, GWT_E_INVALID, "-M: dumpdtb: '%s': give one file name", value);
      return false;
    }
  if (strcmp (name, "memory-backend") == 0)
    {
      if (machine->memdev != NULL)
        gwt_error_set (err, GWT_E_INVALID, "'%s': it is given twice; give it once", value);
      else
        machine->memdev = gwt_memdev_find (value, err);
      gwt_error_prefix (err, "-M: memory-backend");
      return !gwt_error_is_set (err);
    }
  near = gwt_did_you_mean (name, known);
  gwt_error_set (err, GWT_E_NOT_FOUND,
                 "-M: '%s': machine types have no such option; there are 'dumpdtb' and "
                 "'memory-backend'%s",
                 name, near);
  return false;
}

static bool
plan_choice (struct gwt_machine *machine, struct gwt_error *err)
{
  g_autofree char *name = NULL;
  g_auto (GStrv) options = NULL;
  if (machine->config.machine == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "-M: no machine type is given; use -M NAME, as -M virt, or "
                     "-M help for a list");
      return false;
    }
  if (!gwt_machine_split_name (machine->config.machine, &name, &options, err))
    return false;
  for (guint i = 0; options[i] != NULL; i += 2)
    if (!plan_option (machine, options[i], options[i + 1], err))
      return false;
  GWT_AUTO_ERROR (inner);
  machine->choice = gwt_machine_choose (name, &inner);
  if (machine->choice == NULL)
    {
      /* What is wrong inside a file begins with the file's place; the rest with the option. */
      if (g_str_has_prefix (inner.text, "machine '") || g_str_has_prefix (inner.text, "'"))
        gwt_error_prefix (&inner, "-M");
      gwt_error_move (err, &inner);
      return false;
    }
  if (!gwt_machine_choice_add_levels (machine->choice, machine->config.plugin_levels, err))
    return false;
  machine->board = machine->choice->board;
  machine->name = g_strdup (gwt_machine_choice_name (machine->choice));
  const struct gwt_machine_type *type = g_ptr_array_index (machine->choice->chain, 0);
  if (type->deprecated != NULL)
    gwt_log (GWT_LOG_WARN, "-M: machine '%s' is deprecated: %s", machine->name, type->deprecated);
  return true;
}

static bool
need_type (const struct gwt_machine *machine, const char *type, const char *interface,
           const char *where, struct gwt_error *err)
{
  if (!gwt_loader_need_type (type, err))
    {
      gwt_error_prefix (err, "-M: machine '%s' needs device type '%s'", machine->name, type);
      return false;
    }
  const struct gwt_type *found = gwt_type_find (type);
  if ((found->d.flags & GWT_TYPE_ABSTRACT) != 0)
    gwt_error_set (err, GWT_E_INVALID,
                   "%s: type '%s' only groups others; name one that can be made", where, type);
  else if (interface != NULL && gwt_type_interface (found, interface) == NULL)
    gwt_error_set (err, GWT_E_INVALID, "%s: type '%s' does not offer '%s'; name one that does",
                   where, type, interface);
  return !gwt_error_is_set (err);
}

static bool
plan_types (struct gwt_machine *machine, struct gwt_error *err)
{
  const struct gwt_board *board = machine->board;
  if (!need_type (machine, board->cpu_type, GWT_CPU_INTERFACE, board->cpu_where, err))
    return false;
  for (guint i = 0; i < board->devices->len; i++)
    {
      const struct gwt_board_device *device = g_ptr_array_index (board->devices, i);
      if (!need_type (machine, device->type, NULL, device->where, err))
        return false;
    }
  return true;
}

static bool
plan_cpu (struct gwt_machine *machine, struct gwt_error *err)
{
  const struct gwt_board *board = machine->board;
  const struct gwt_machine_type *type = gwt_machine_choice_with (machine->choice, GWT_DEFAULT_CPU);
  const char *text = machine->config.cpu;
  if (text == NULL && type != NULL)
    text = type->cpu;
  machine->model = g_ptr_array_index (board->models, 0);
  if (text == NULL)
    return true;
  machine->cpu_default = machine->config.cpu == NULL ? type : NULL;
  machine->cpu_spec = gwt_spec_parse (text, err);
  if (machine->cpu_spec == NULL)
    {
      gwt_error_prefix (err, "-cpu");
      return false;
    }
  if (machine->cpu_spec->id != NULL)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "-cpu: '%s': CPUs have the ids %s0, %s1, ...; leave 'id' out", text,
                     board->cpu_id, board->cpu_id);
      return false;
    }
  machine->model = gwt_board_model (board, machine->cpu_spec->type);
  if (machine->model != NULL)
    return true;
  g_autofree const char **names = g_new0 (const char *, board->models->len + 1);
  for (guint i = 0; i < board->models->len; i++)
    names[i] = ((struct gwt_board_model *) g_ptr_array_index (board->models, i))->name;
  g_autofree char *near = gwt_nearest_names (machine->cpu_spec->type, names);
  gwt_error_set (err, GWT_E_NOT_FOUND, "-cpu: '%s': machine '%s' has no such CPU model; %s%s",
                 machine->cpu_spec->type, machine->name,
                 near != NULL ? "did you mean " : "-cpu help lists them", near ? near : "");
  return false;
}

/* -cpu and -smp, or what the machine type has for them. */
static bool
plan_cpus (struct gwt_machine *machine, struct gwt_error *err)
{
  const struct gwt_machine_type *type = gwt_machine_choice_with (machine->choice, GWT_DEFAULT_CPUS);
  const struct gwt_board *board = machine->board;
  uint64_t cpus = type != NULL ? type->cpus : board->cpus_default;
  if (!gwt_machine_parse_smp (machine->config.smp, gwt_machine_choice_smp_fill (machine->choice),
                              (uint32_t) MIN (cpus, UINT32_MAX), (uint32_t) board->cpus_max,
                              &machine->topology, err))
    {
      if (machine->config.smp == NULL && type != NULL)
        gwt_machine_type_blame (type, "defaults.cpus", "-smp: ", err);
      return false;
    }
  if (plan_cpu (machine, err))
    return true;
  if (machine->cpu_default != NULL)
    gwt_machine_type_blame (machine->cpu_default, "defaults.cpu", "-cpu: ", err);
  return false;
}

static bool
plan_user_devices (struct gwt_machine *machine, struct gwt_error *err)
{
  for (guint i = 0; machine->config.devices != NULL && machine->config.devices[i] != NULL; i++)
    {
      const char *text = machine->config.devices[i];
      struct gwt_spec *spec = gwt_spec_parse (text, err);
      if (spec == NULL)
        {
          gwt_error_prefix (err, "-device: '%s'", text);
          return false;
        }
      g_ptr_array_add (machine->user_specs, spec);
      if (!gwt_loader_need_type (spec->type, err))
        {
          gwt_error_prefix (err, "-device");
          return false;
        }
      const struct gwt_type *type = gwt_type_find (spec->type);
      if ((type->d.flags & GWT_TYPE_USER) == 0)
        {
          gwt_error_set (err, GWT_E_UNSUPPORTED,
                         "-device: '%s': only a board can have devices of this "
                         "type; see -device help for those that can be added",
                         spec->type);
          return false;
        }
      if (!machine->board->has_platform)
        {
          gwt_error_set (err, GWT_E_UNSUPPORTED,
                         "-device: '%s': board '%s' has no room for devices; "
                         "add 'platform' to its file",
                         spec->type, machine->board->name);
          return false;
        }
    }
  return true;
}

static bool
ranges_overlap (uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
  return a <= b ? b - a < a_size : a - b < b_size;
}

/* RAM is as large as its back end; -m may say the same. */
static bool
plan_memdev (struct gwt_machine *machine, struct gwt_error *err)
{
  const struct gwt_board *board = machine->board;
  uint64_t size = gwt_memdev_size (machine->memdev);
  if (machine->config.memory != NULL && machine->ram_size != size)
    gwt_error_set (err, GWT_E_INVALID,
                   "-m: '%s': the memory back end has %" G_GUINT64_FORMAT
                   " bytes; leave -m out, or give the same size",
                   machine->config.memory, size);
  else if (size < board->ram_min || size > board->ram_max || size % board->ram_align != 0)
    gwt_error_set (err, GWT_E_RANGE,
                   "-M: memory-backend: board '%s' cannot have %" G_GUINT64_FORMAT
                   " bytes; use %" G_GUINT64_FORMAT "M to %" G_GUINT64_FORMAT
                   "M, in multiples of %" G_GUINT64_FORMAT " bytes",
                   board->name, size, board->ram_min >> 20, board->ram_max >> 20,
                   board->ram_align);
  machine->ram_size = size;
  return !gwt_error_is_set (err);
}

static bool
plan_memory (struct gwt_machine *machine, struct gwt_error *err)
{
  const struct gwt_board *board = machine->board;
  const struct gwt_machine_type *type
      = gwt_machine_choice_with (machine->choice, GWT_DEFAULT_MEMORY);
  machine->ram_size = type != NULL ? type->memory : board->ram_default;
  if (type != NULL
      && (type->memory < board->ram_min || type->memory > board->ram_max
          || type->memory % board->ram_align != 0))
    {
      struct gwt_json_at root, defaults;
      gwt_json_root (type->file, &root);
      gwt_json_member (&root, "defaults", &defaults);
      gwt_json_fail_at (&defaults, "memory", err,
                        "board '%s' cannot have %" G_GUINT64_FORMAT " bytes; use %" G_GUINT64_FORMAT
                        "M to %" G_GUINT64_FORMAT "M, in multiples of %" G_GUINT64_FORMAT " bytes",
                        board->name, type->memory, board->ram_min >> 20, board->ram_max >> 20,
                        board->ram_align);
      return false;
    }
  if (machine->config.memory != NULL
      && !gwt_machine_parse_memory (machine->config.memory, board, &machine->ram_size, err))
    return false;
  if (machine->memdev != NULL && !plan_memdev (machine, err))
    return false;
  for (guint i = 0; i < board->windows->len; i++)
    {
      const struct gwt_board_window *window = g_ptr_array_index (board->windows, i);
      if (!ranges_overlap (board->ram_base, machine->ram_size, window->base, window->size))
        continue;
      gwt_error_set (err, GWT_E_RANGE,
                     "-m: RAM from 0x%llx with %lluM reaches into '%s' at 0x%llx "
                     "(%s); use a smaller size",
                     (unsigned long long) board->ram_base,
                     (unsigned long long) (machine->ram_size >> 20), window->name,
                     (unsigned long long) window->base, window->where);
      return false;
    }
  return true;
}

static bool
plan_serials (struct gwt_machine *machine, struct gwt_error *err)
{
  guint ports = gwt_board_serial_count (machine->board);
  guint given = machine->config.n_serials;
  if (given <= ports)
    return true;
  gwt_error_set (err, GWT_E_RANGE,
                 "-serial: given %u times, but machine '%s' has %u serial port%s; "
                 "leave some out",
                 given, machine->name, ports, ports == 1 ? "" : "s");
  return false;
}

static bool
plan_pflashes (struct gwt_machine *machine, struct gwt_error *err)
{
  const char *const *pflashes = machine->config.pflashes;
  guint banks = 0;
  while (gwt_board_pflash (machine->board, banks) != NULL)
    banks++;
  for (guint unit = 0; pflashes != NULL && pflashes[unit] != NULL; unit++)
    if (*pflashes[unit] != '\0' && gwt_board_pflash (machine->board, unit) == NULL)
      {
        gwt_error_set (err, GWT_E_RANGE,
                       "-drive: '%s': machine '%s' has no flash unit %u; it has %u, from unit 0",
                       pflashes[unit], machine->name, unit, banks);
        return false;
      }
  return true;
}

static void
spec_free (gpointer data)
{
  gwt_spec_free (data);
}

struct gwt_machine *
gwt_machine_plan (const struct gwt_machine_config *config, struct gwt_error *err)
{
  struct gwt_machine *machine = g_new0 (struct gwt_machine, 1);
  machine->config = *config;
  machine->user_specs = g_ptr_array_new_with_free_func (spec_free);
  machine->added_specs = g_ptr_array_new_with_free_func (spec_free);
  machine->cpus = g_ptr_array_new ();
  machine->devices = g_ptr_array_new ();
  machine->user_devices = g_ptr_array_new ();
  bool good = plan_choice (machine, err);
  if (good)
    good = plan_memory (machine, err) && plan_cpus (machine, err) && plan_serials (machine, err)
           && plan_pflashes (machine, err) && plan_types (machine, err)
           && gwt_machine_check_compat (machine->choice, err) && plan_user_devices (machine, err)
           && gwt_boot_plan (machine, err);
  if (good)
    return machine;
  gwt_machine_free (machine);
  return NULL;
}

void
gwt_machine_free (struct gwt_machine *machine)
{
  if (machine == NULL)
    return;
  gwt_hotplug_end (machine);
  gwt_machine_set_history (machine, NULL);
  gwt_boot_travel_end (machine);
  gwt_boot_free (machine->boot);
  gwt_spec_free (machine->cpu_spec);
  g_ptr_array_unref (machine->user_specs);
  g_ptr_array_unref (machine->added_specs);
  g_ptr_array_unref (machine->cpus);
  g_ptr_array_unref (machine->devices);
  g_ptr_array_unref (machine->user_devices);
  gwt_machine_choice_free (machine->choice);
  g_free (machine->name);
  g_free (machine->dumpdtb);
  g_free (machine);
}
