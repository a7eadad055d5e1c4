/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns making the machine that was planned: memory, devices, values, wires.  It must not know any
 * device type: what is particular about a board stands in its file.
 */
#include "config.h"
#include "core/machine/machine.h"
#include <string.h>
#include "core/backend/memdev.h"
#include "core/cpu/run.h"
#include "core/device/irq.h"
#include "core/machine/boot.h"
#include "core/machine/hotplug.h"
#include "core/migration/migration.h"
#include "core/util/log.h"
#include "core/util/text.h"

static bool
make_memory (struct gwt_machine *machine, struct gwt_error *err)
{
  const struct gwt_board *board = machine->board;
  if (machine->memdev != NULL)
    machine->ram = gwt_memdev_make_ram (machine->memdev, GWT_RAM_MIGRATED, err);
  else
    machine->ram
        = gwt_memory_new_ram (board->ram_block, machine->ram_size, GWT_RAM_MIGRATED, err);
  if (machine->ram == NULL)
    {
      gwt_error_prefix (err, machine->memdev != NULL ? "-object" : "-m");
      return false;
    }
  if (!gwt_memory_map (machine->ram, board->ram_base, 0, err))
    {
      gwt_error_prefix (err, "%s", board->ram_where);
      return false;
    }
  for (guint i = 0; i < board->roms->len; i++)
    {
      const struct gwt_board_rom *rom = g_ptr_array_index (board->roms, i);
      struct gwt_region *region
          = gwt_memory_new_ram (rom->block, rom->size, GWT_RAM_READ_ONLY | GWT_RAM_MIGRATED, err);
      if (region == NULL || !gwt_memory_map (region, rom->base, 0, err))
        {
          gwt_error_prefix (err, "%s", rom->where);
          return false;
        }
    }
  return true;
}

/* Values of an option that stands for a device: -cpu, -device. */
static bool
apply_spec (struct gwt_device *device, const struct gwt_spec *spec, const char *option,
            const char *const *skip, struct gwt_error *err)
{
  g_autofree char *detail = g_strdup_printf ("%s %s", option, spec->type);
  json_object_object_foreach (spec->props, name, value)
  {
    if (skip != NULL && g_strv_contains (skip, name)
        && gwt_type_property (device->type, name) == NULL)
      continue;
    if (!gwt_device_set_json (device, name, value, GWT_SOURCE_DEVICE, detail, err))
      {
        gwt_error_prefix (err, "%s", option);
        return false;
      }
  }
  return true;
}

/* What -cpu says is the user's word; what the machine type has for it, a promise like the model's
   own values, and nobody's word that a -global could not beat. */
static bool
apply_cpu_spec (struct gwt_machine *machine, struct gwt_device *cpu, struct gwt_error *err)
{
  const struct gwt_machine_type *type = machine->cpu_default;
  if (machine->cpu_spec == NULL)
    return true;
  if (type == NULL)
    return apply_spec (cpu, machine->cpu_spec, "-cpu", NULL, err);
  g_autofree char *detail = g_strdup_printf ("machine type %s, defaults.cpu", type->name);
  json_object_object_foreach (machine->cpu_spec->props, name, value)
  {
    if (gwt_device_set_json (cpu, name, value, GWT_SOURCE_BOARD, detail, err))
      continue;
    gwt_machine_type_blame (type, "defaults.cpu", "", err);
    return false;
  }
  return true;
}

static bool
make_cpus (struct gwt_machine *machine, struct gwt_error *err)
{
  const struct gwt_board *board = machine->board;
  const struct gwt_type *type = gwt_type_find (board->cpu_type);
  for (uint32_t i = 0; i < machine->topology.cpus; i++)
    {
      g_autofree char *id = g_strdup_printf ("%s%u", board->cpu_id, i);
      g_autofree char *number = g_strdup_printf ("%u", i);
      struct gwt_device *cpu = gwt_device_new (type, id, err);
      if (cpu == NULL)
        {
          gwt_error_prefix (err, "%s", board->cpu_where);
          return false;
        }
      cpu->from_board = true;
      g_ptr_array_add (machine->cpus, cpu);
      if (!gwt_machine_apply (machine->choice, cpu, board->cpu_props, machine->model->props,
                              machine->incoming, err))
        return false;
      if (board->cpu_number != NULL
          && !gwt_device_set (cpu, board->cpu_number, number, GWT_SOURCE_BOARD, "number of the CPU",
                              err))
        {
          gwt_error_prefix (err, "%s", board->cpu_where);
          return false;
        }
      if (!apply_cpu_spec (machine, cpu, err))
        return false;
    }
  return true;
}

static bool
make_board_devices (struct gwt_machine *machine, struct gwt_error *err)
{
  const struct gwt_board *board = machine->board;
  const char *const *serials = machine->config.serials;
  guint n_serials = serials != NULL ? g_strv_length ((char **) serials) : 0;
  const char *const *pflashes = machine->config.pflashes;
  guint n_pflashes = pflashes != NULL ? g_strv_length ((char **) pflashes) : 0;
  for (guint i = 0; i < board->devices->len; i++)
    {
      const struct gwt_board_device *entry = g_ptr_array_index (board->devices, i);
      struct gwt_device *device = gwt_device_new (gwt_type_find (entry->type), entry->id, err);
      if (device == NULL)
        {
          gwt_error_prefix (err, "%s", entry->where);
          return false;
        }
      device->from_board = true;
      g_ptr_array_add (machine->devices, device);
      if (!gwt_machine_apply (machine->choice, device, entry->props, NULL, machine->incoming, err))
        return false;
      if (entry->serial >= 0 && (guint) entry->serial < n_serials
          && strcmp (serials[entry->serial], "none") != 0
          && !gwt_device_set (device, entry->serial_property, serials[entry->serial],
                              GWT_SOURCE_DEVICE, "-serial", err))
        {
          gwt_error_prefix (err, "-serial");
          return false;
        }
      if (entry->pflash >= 0 && (guint) entry->pflash < n_pflashes
          && *pflashes[entry->pflash] != '\0'
          && !gwt_device_set (device, entry->pflash_property, pflashes[entry->pflash],
                              GWT_SOURCE_DEVICE, "-drive if=pflash", err))
        {
          gwt_error_prefix (err, "-drive");
          return false;
        }
    }
  return true;
}

static const char *const platform_keys[] = { "at", "irq", NULL };

static bool
make_user_devices (struct gwt_machine *machine, struct gwt_error *err)
{
  for (guint i = 0; i < machine->user_specs->len; i++)
    {
      const struct gwt_spec *spec = g_ptr_array_index (machine->user_specs, i);
      struct gwt_device *device = gwt_device_new (gwt_type_find (spec->type), spec->id, err);
      if (device == NULL)
        {
          gwt_error_prefix (err, "-device");
          return false;
        }
      g_ptr_array_add (machine->user_devices, device);
      if (!gwt_machine_apply (machine->choice, device, NULL, NULL, machine->incoming, err)
          || !apply_spec (device, spec, "-device", platform_keys, err))
        return false;
      if (machine->is_guests && machine->incoming != NULL)
        gwt_machine_apply_chosen (machine->incoming, device);
    }
  return true;
}

static bool
realize_all (GPtrArray *devices, const char *where, struct gwt_error *err)
{
  for (guint i = 0; i < devices->len; i++)
    if (!gwt_device_realize (g_ptr_array_index (devices, i), err))
      {
        gwt_error_prefix (err, "%s", where);
        return false;
      }
  return true;
}

/* ---- mapping and wiring -------------------------------------------------------------------------
 */

static bool
map_region (struct gwt_machine *machine, struct gwt_region *region, uint64_t address,
            struct gwt_error *err)
{
  uint64_t size = gwt_memory_region_size (region);
  for (guint i = 0; i < machine->board->windows->len; i++)
    {
      const struct gwt_board_window *window = g_ptr_array_index (machine->board->windows, i);
      bool apart = address <= window->base ? window->base - address >= size
                                           : address - window->base >= window->size;
      if (apart)
        continue;
      gwt_error_set (err, GWT_E_EXISTS,
                     "region '%s' at 0x%llx with 0x%llx bytes reaches into '%s' "
                     "at 0x%llx (%s); choose another address",
                     gwt_memory_region_name (region), (unsigned long long) address,
                     (unsigned long long) size, window->name, (unsigned long long) window->base,
                     window->where);
      return false;
    }
  return gwt_memory_map (region, address, 0, err);
}

/* Where there is no such multiple the address is one at which no region fits. */
static uint64_t
place_address (const struct gwt_machine *machine, const struct gwt_board_place *place)
{
  uint64_t end = machine->board->ram_base + machine->ram_size;
  if (place->align == 0)
    return place->address;
  return end > UINT64_MAX - (place->align - 1) ? UINT64_MAX
                                               : (end + place->align - 1) & ~(place->align - 1);
}

static bool
map_board_device (struct gwt_machine *machine, const struct gwt_board_device *entry,
                  struct gwt_device *device, struct gwt_error *err)
{
  for (guint i = 0; i < entry->at->len; i++)
    {
      struct gwt_region *region = gwt_memory_device_region (device, i);
      if (region == NULL)
        gwt_error_set (err, GWT_E_NOT_FOUND, "device '%s' has only %u region%s; shorten 'at'",
                       entry->id, i, i == 1 ? "" : "s");
      const struct gwt_board_place *place = &g_array_index (entry->at, struct gwt_board_place, i);
      if (region == NULL || !map_region (machine, region, place_address (machine, place), err))
        {
          gwt_error_prefix (err, "%s", entry->where);
          return false;
        }
    }
  return true;
}

static bool
wire_board_device (struct gwt_machine *machine, const struct gwt_board_device *entry,
                   struct gwt_device *device, struct gwt_error *err)
{
  for (guint i = 0; i < entry->wires->len; i++)
    {
      const struct gwt_board_wire *wire = g_ptr_array_index (entry->wires, i);
      bool good = true;
      if (wire->per_cpu)
        for (guint n = 0; good && n < machine->cpus->len; n++)
          good = gwt_irq_connect (device, wire->out, wire->index + n,
                                  g_ptr_array_index (machine->cpus, n), wire->in, wire->line, err);
      else
        good = gwt_irq_connect (device, wire->out, wire->index, gwt_device_find (wire->to),
                                wire->in, wire->line, err);
      if (!good)
        {
          gwt_error_prefix (err, "%s", wire->where);
          return false;
        }
    }
  return true;
}

/* A number that -device gave for the platform's sake, not the device's; false with ERR set. */
static bool
platform_value (const struct gwt_spec *spec, const struct gwt_device *device, const char *key,
                bool *given, uint64_t *value, struct gwt_error *err)
{
  struct json_object *object;
  *given = gwt_type_property (device->type, key) == NULL
           && json_object_object_get_ex (spec->props, key, &object);
  if (!*given)
    return true;
  GWT_AUTO_ERROR (inner);
  if (gwt_parse_u64 (json_object_get_string (object), false, value, &inner))
    return true;
  gwt_error_set (err, GWT_E_INVALID, "%s: %s", key, inner.text);
  return false;
}

static bool
place_user_device (struct gwt_machine *machine, const struct gwt_spec *spec,
                   struct gwt_device *device, struct gwt_error *err)
{
  const struct gwt_board *board = machine->board;
  struct gwt_region *region;
  uint64_t at = 0, line = 0;
  bool at_given, line_given;
  if (!platform_value (spec, device, "at", &at_given, &at, err)
      || !platform_value (spec, device, "irq", &line_given, &line, err))
    return false;
  bool has_region = false;
  for (guint i = 0; (region = gwt_memory_device_region (device, i)) != NULL; i++)
    has_region = has_region || !gwt_memory_region_kept (region);
  if (at_given && !has_region)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "at: the device has no region that a board places; leave it out");
      return false;
    }
  for (guint i = 0; (region = gwt_memory_device_region (device, i)) != NULL; i++)
    {
      uint64_t mapped, size = gwt_memory_region_size (region);
      if (gwt_memory_region_address (region, &mapped) || gwt_memory_region_kept (region))
        continue;
      if (i > 0 || !at_given)
        {
          uint64_t used = machine->platform_next - board->platform_base;
          if (used > board->platform_size || size > board->platform_size - used)
            {
              gwt_error_set (err, GWT_E_RANGE,
                             "region '%s' with 0x%llx bytes does not fit the rest of "
                             "the board's platform range; use fewer devices, or at=ADDRESS",
                             gwt_memory_region_name (region), (unsigned long long) size);
              return false;
            }
          at = machine->platform_next;
          machine->platform_next
              = (at + size + board->platform_align - 1) & ~(board->platform_align - 1);
        }
      if (!map_region (machine, region, at, err))
        return false;
    }
  uint32_t outputs = gwt_irq_output_count (device, "irq");
  if (line_given && (outputs == 0 || board->platform_irq_to == NULL))
    {
      gwt_error_set (err, GWT_E_INVALID, "irq: %s has no interrupt line; leave it out",
                     outputs == 0 ? "the device" : "the board's platform range");
      return false;
    }
  for (uint32_t i = 0; i < outputs && board->platform_irq_to != NULL; i++)
    {
      if (i > 0 || !line_given)
        {
          if (machine->platform_line == board->platform_irq_count)
            {
              gwt_error_set (err, GWT_E_RANGE,
                             "no interrupt line is left of the board's %llu; use "
                             "fewer devices, or irq=LINE",
                             (unsigned long long) board->platform_irq_count);
              return false;
            }
          line = board->platform_irq_first + machine->platform_line++;
        }
      if (line < board->platform_irq_least)
        {
          gwt_error_set (err, GWT_E_RANGE,
                         "irq: %llu is no interrupt line; use %llu or more, or leave it out",
                         (unsigned long long) line,
                         (unsigned long long) board->platform_irq_least);
          return false;
        }
      if (line > UINT32_MAX)
        {
          gwt_error_set (err, GWT_E_RANGE, "irq: %llu is too large; use a smaller line",
                         (unsigned long long) line);
          return false;
        }
      if (!gwt_irq_connect (device, "irq", i, gwt_device_find (board->platform_irq_to),
                            board->platform_irq_in, (uint32_t) line, err))
        return false;
    }
  return true;
}

static bool
connect_all (struct gwt_machine *machine, struct gwt_error *err)
{
  for (guint i = 0; i < machine->devices->len; i++)
    if (!map_board_device (machine, g_ptr_array_index (machine->board->devices, i),
                           g_ptr_array_index (machine->devices, i), err))
      return false;
  for (guint i = 0; i < machine->devices->len; i++)
    if (!wire_board_device (machine, g_ptr_array_index (machine->board->devices, i),
                            g_ptr_array_index (machine->devices, i), err))
      return false;
  machine->platform_next = machine->board->platform_base;
  for (guint i = 0; i < machine->user_devices->len; i++)
    {
      struct gwt_device *device = g_ptr_array_index (machine->user_devices, i);
      if (!place_user_device (machine, g_ptr_array_index (machine->user_specs, i), device, err))
        {
          gwt_error_prefix (err, "-device: '%s'", device->id);
          return false;
        }
    }
  return true;
}

bool
gwt_machine_make_devices (struct gwt_machine *machine, struct gwt_error *err)
{
  gwt_device_set_cpu_count (machine->topology.cpus);
  /* All are made before any is realized: links may point both ways.  CPUs come first, for the
     platform's devices look them up. */
  return make_cpus (machine, err) && make_board_devices (machine, err)
         && make_user_devices (machine, err) && gwt_globals_check_used (err);
}

bool
gwt_machine_build (struct gwt_machine *machine, struct gwt_error *err)
{
  g_autofree char *where = g_strdup_printf ("machine '%s'", machine->name);
  if (!make_memory (machine, err) || !gwt_machine_make_devices (machine, err)
      || !realize_all (machine->cpus, where, err) || !realize_all (machine->devices, where, err)
      || !realize_all (machine->user_devices, "-device", err) || !connect_all (machine, err))
    return false;
  for (guint i = 0; i < machine->cpus->len; i++)
    if (!gwt_vcpu_new (g_ptr_array_index (machine->cpus, i), err))
      {
        gwt_error_prefix (err, "%s", where);
        return false;
      }
  return gwt_boot_build (machine, err);
}

/* ---- power and reset ----------------------------------------------------------------------------
 */

static void
reload (void *data)
{
  GWT_AUTO_ERROR (err);
  /* What waited for the guest to let go of it goes with the guest. */
  gwt_hotplug_finish_paused ();
  if (!gwt_boot_load (data, &err))
    gwt_log (GWT_LOG_ERROR, "reset: %s", err.text);
}

bool
gwt_machine_power_on (struct gwt_machine *machine, bool images, struct gwt_error *err)
{
  gwt_run_set_reset_hook (reload, machine);
  gwt_hotplug_begin (machine);
  gwt_device_reset_all (GWT_RESET_COLD);
  if (!gwt_boot_travel_begin (machine, err))
    return false;
  return !images || gwt_boot_load (machine, err);
}

void
gwt_machine_take_down (struct gwt_machine *machine)
{
  gwt_hotplug_end (machine);
  gwt_run_set_reset_hook (NULL, NULL);
  gwt_boot_travel_end (machine);
  gwt_migration_detach ();
  gwt_run_end_vcpus ();
  gwt_device_destroy_all ();
  gwt_memory_destroy_all ();
  g_ptr_array_set_size (machine->cpus, 0);
  g_ptr_array_set_size (machine->devices, 0);
  g_ptr_array_set_size (machine->user_devices, 0);
  machine->ram = NULL;
  machine->platform_next = 0;
  machine->platform_line = 0;
  gwt_boot_take_down (machine->boot);
}

const void *
gwt_machine_dtb (const struct gwt_machine *machine, size_t *size)
{
  *size = machine->boot->dtb.size;
  return machine->boot->dtb.data;
}
