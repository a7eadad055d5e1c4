/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the guest's device tree: what follows from board, memory, CPUs and wiring.  What only a
 * device knows of itself it adds in describe ().  It must not know any device type.
 */
#include "config.h"
#include <errno.h>
#include <libfdt.h>
#include <string.h>
#include <sys/random.h>
#include "core/device/irq.h"
#include "core/machine/boot.h"
#include "core/machine/fdt-tree.h"

#define SEED_SIZE 32

/* { "phandle": ID }; the board's reader has seen that there is such a device. */
static uint32_t
phandle_named (struct gwt_fdt *fdt, struct json_object *value)
{
  struct json_object *id = NULL;
  json_object_object_get_ex (value, "phandle", &id);
  struct gwt_device *device = gwt_device_find (json_object_get_string (id));
  return device != NULL ? gwt_fdt_phandle_of (fdt, device) : 0;
}

static void
put_prop (struct gwt_fdt *fdt, struct gwt_fdt_node *node, const struct gwt_board_prop *prop)
{
  size_t count = json_object_is_type (prop->value, json_type_array)
                     ? json_object_array_length (prop->value)
                     : 0;
  switch (json_object_get_type (prop->value))
    {
    case json_type_int:
      gwt_fdt_set_u32 (fdt, node, prop->name, (uint32_t) json_object_get_int64 (prop->value));
      return;
    case json_type_string:
      gwt_fdt_set_text (fdt, node, prop->name, json_object_get_string (prop->value));
      return;
    case json_type_object:
      gwt_fdt_set_u32 (fdt, node, prop->name, phandle_named (fdt, prop->value));
      return;
    default:
      break;
    }
  g_autoptr (GByteArray) data = g_byte_array_new ();
  for (size_t i = 0; i < count; i++)
    {
      struct json_object *item = json_object_array_get_idx (prop->value, i);
      if (json_object_is_type (item, json_type_int))
        {
          uint32_t cell = GUINT32_TO_BE ((uint32_t) json_object_get_int64 (item));
          g_byte_array_append (data, (const guint8 *) &cell, 4);
        }
      else
        g_byte_array_append (data, (const guint8 *) json_object_get_string (item),
                             (guint) json_object_get_string_len (item) + 1);
    }
  gwt_fdt_set (fdt, node, prop->name, data->data, data->len);
}

static void
put_props (struct gwt_fdt *fdt, struct gwt_fdt_node *node, GPtrArray *props)
{
  for (guint i = 0; i < props->len; i++)
    put_prop (fdt, node, g_ptr_array_index (props, i));
}

static void
add_range (struct gwt_fdt *fdt, struct gwt_fdt_node *node, uint64_t address, uint64_t size)
{
  const uint32_t cells[4] = { (uint32_t) (address >> 32), (uint32_t) address,
                              (uint32_t) (size >> 32), (uint32_t) size };
  gwt_fdt_append_cells (fdt, node, "reg", cells, 4);
}

/* Every mapped region of DEVICE as `reg` of NODE. */
static void
add_regions (struct gwt_fdt *fdt, struct gwt_fdt_node *node, struct gwt_device *device)
{
  struct gwt_region *region;
  uint64_t address;
  for (guint i = 0; (region = gwt_memory_device_region (device, i)) != NULL; i++)
    if (gwt_memory_region_address (region, &address))
      add_range (fdt, node, address, gwt_memory_region_size (region));
}

static bool
describe (struct gwt_fdt *fdt, struct gwt_fdt_node *node, struct gwt_device *device,
          struct gwt_error *err)
{
  if (device->type->d.describe == NULL)
    return true;
  gwt_fdt_open (fdt, node);
  int result = device->type->d.describe (device->instance, fdt, err);
  gwt_fdt_close (fdt);
  if (result == 0 && !gwt_error_is_set (err))
    return true;
  gwt_error_set (err, GWT_E_FAILED,
                 "cannot be described in the device tree; report it to the "
                 "plugin's author");
  gwt_error_prefix (err, "device '%s'", device->id);
  return false;
}

/* Node of DEVICE under PARENT, named after its first region; NULL for a device without one. */
static struct gwt_fdt_node *
device_node (struct gwt_fdt *fdt, struct gwt_fdt_node *parent, struct gwt_device *device)
{
  struct gwt_region *region = gwt_memory_device_region (device, 0);
  uint64_t address;
  if (device->type->d.fdt_name == NULL)
    return NULL;
  if (region == NULL || !gwt_memory_region_address (region, &address))
    return gwt_fdt_child (fdt, parent, device->type->d.fdt_name);
  g_autofree char *name
      = g_strdup_printf ("%s@%llx", device->type->d.fdt_name, (unsigned long long) address);
  struct gwt_fdt_node *node = gwt_fdt_child (fdt, parent, name);
  add_regions (fdt, node, device);
  return node;
}

static void
add_interrupt (struct gwt_fdt *fdt, struct gwt_fdt_node *node, struct gwt_device *to, uint32_t line)
{
  uint32_t cells[GWT_FDT_SPECIFIER_MAX];
  uint32_t count = gwt_fdt_specifier (&to, line, cells);
  gwt_fdt_append_cells (fdt, node, "interrupts", cells, count);
  gwt_fdt_set_u32 (fdt, node, "interrupt-parent", gwt_fdt_phandle_of (fdt, to));
}

static bool
add_cpus (struct gwt_fdt *fdt, struct gwt_machine *machine, struct gwt_error *err)
{
  const struct gwt_topology *t = &machine->topology;
  struct gwt_fdt_node *cpus = gwt_fdt_child (fdt, gwt_fdt_root (fdt), "cpus");
  gwt_fdt_set_u32 (fdt, cpus, "#address-cells", 1);
  gwt_fdt_set_u32 (fdt, cpus, "#size-cells", 0);
  put_props (fdt, cpus, machine->board->fdt_cpus);
  struct gwt_fdt_node *map = NULL;
  for (uint32_t i = 0; i < t->cpus; i++)
    {
      struct gwt_device *cpu = g_ptr_array_index (machine->cpus, i);
      g_autofree char *name = g_strdup_printf ("cpu@%x", i);
      struct gwt_fdt_node *node = gwt_fdt_child (fdt, cpus, name);
      uint32_t phandle = gwt_fdt_new_phandle (fdt);
      gwt_fdt_set_text (fdt, node, "device_type", "cpu");
      gwt_fdt_set_u32 (fdt, node, "reg", i);
      gwt_fdt_set_text (fdt, node, "status", "okay");
      gwt_fdt_set_u32 (fdt, node, "phandle", phandle);
      if (!describe (fdt, node, cpu, err))
        return false;
      /* Behind the CPUs, so that the tree reads as people expect it. */
      if (map == NULL)
        map = gwt_fdt_child (fdt, cpus, "cpu-map");
      struct gwt_fdt_node *at = map;
      uint32_t core = i / t->threads;
      if (t->sockets > 1)
        {
          g_autofree char *socket = g_strdup_printf ("socket%u", core / t->cores);
          at = gwt_fdt_child (fdt, at, socket);
        }
      at = gwt_fdt_child (fdt, at, "cluster0");
      g_autofree char *core_name = g_strdup_printf ("core%u", core % t->cores);
      at = gwt_fdt_child (fdt, at, core_name);
      if (t->threads > 1)
        {
          g_autofree char *thread = g_strdup_printf ("thread%u", i % t->threads);
          at = gwt_fdt_child (fdt, at, thread);
        }
      gwt_fdt_set_u32 (fdt, at, "cpu", phandle);
    }
  return true;
}

static bool
add_devices (struct gwt_fdt *fdt, struct gwt_fdt_node *soc, struct gwt_machine *machine,
             char **stdout_path, struct gwt_error *err)
{
  const struct gwt_board *board = machine->board;
  for (guint i = 0; i < machine->devices->len; i++)
    {
      const struct gwt_board_device *entry = g_ptr_array_index (board->devices, i);
      struct gwt_device *device = g_ptr_array_index (machine->devices, i);
      if (entry->fdt_join != NULL)
        continue;
      struct gwt_fdt_node *parent = strcmp (entry->fdt_parent, "/") == 0 ? gwt_fdt_root (fdt) : soc;
      struct gwt_fdt_node *node = device_node (fdt, parent, device);
      if (node == NULL)
        continue;
      for (guint n = 0; n < machine->devices->len; n++)
        {
          const struct gwt_board_device *other = g_ptr_array_index (board->devices, n);
          if (other->fdt_join != NULL && strcmp (other->fdt_join, entry->id) == 0)
            add_regions (fdt, node, g_ptr_array_index (machine->devices, n));
        }
      for (guint n = 0; n < entry->wires->len; n++)
        {
          const struct gwt_board_wire *wire = g_ptr_array_index (entry->wires, n);
          if (!wire->per_cpu)
            add_interrupt (fdt, node, gwt_device_find (wire->to), wire->line);
        }
      if (!describe (fdt, node, device, err))
        return false;
      put_props (fdt, node, entry->fdt_props);
      if (board->fdt_stdout != NULL && strcmp (board->fdt_stdout, entry->id) == 0)
        *stdout_path = gwt_fdt_node_path (node);
    }
  for (guint i = 0; i < machine->user_devices->len; i++)
    {
      struct gwt_device *device = g_ptr_array_index (machine->user_devices, i);
      struct gwt_fdt_node *node = device_node (fdt, soc, device);
      uint32_t line;
      if (node == NULL)
        continue;
      for (uint32_t n = 0; n < gwt_irq_output_count (device, "irq"); n++)
        {
          struct gwt_device *to = gwt_irq_target (device, "irq", n, &line);
          if (to != NULL)
            add_interrupt (fdt, node, to, line);
        }
      if (!describe (fdt, node, device, err))
        return false;
    }
  return true;
}

static void
random_bytes (void *data, size_t size)
{
  uint8_t *at = data;
  /* Never blocks once the system is up; a host without entropy gives what it has. */
  for (size_t done = 0; done < size;)
    {
      ssize_t n = getrandom (at + done, size - done, 0);
      if (n > 0)
        done += (size_t) n;
      else if (n == 0 || errno != EINTR)
        break; /* a sandbox may forbid it for good */
    }
}

bool
gwt_machine_make_dtb (struct gwt_machine *machine, struct gwt_blob *blob, struct gwt_error *err)
{
  const struct gwt_boot *boot = machine->boot;
  struct gwt_fdt *fdt = gwt_fdt_new ();
  struct gwt_fdt_node *root = gwt_fdt_root (fdt);
  g_autofree char *stdout_path = NULL;
  uint8_t seed[SEED_SIZE] = { 0 };

  gwt_fdt_set_u32 (fdt, root, "#address-cells", 2);
  gwt_fdt_set_u32 (fdt, root, "#size-cells", 2);
  put_props (fdt, root, machine->board->fdt_root);
  struct gwt_fdt_node *chosen = gwt_fdt_child (fdt, root, "chosen");
  g_autofree char *memory_name
      = g_strdup_printf ("memory@%llx", (unsigned long long) boot->ram.base);
  struct gwt_fdt_node *memory = gwt_fdt_child (fdt, root, memory_name);
  gwt_fdt_set_text (fdt, memory, "device_type", "memory");
  add_range (fdt, memory, boot->ram.base, boot->ram.size);

  bool good = add_cpus (fdt, machine, err);
  struct gwt_fdt_node *soc = gwt_fdt_child (fdt, root, "soc");
  gwt_fdt_set_u32 (fdt, soc, "#address-cells", 2);
  gwt_fdt_set_u32 (fdt, soc, "#size-cells", 2);
  gwt_fdt_set_text (fdt, soc, "compatible", "simple-bus");
  gwt_fdt_set (fdt, soc, "ranges", NULL, 0);
  good = good && add_devices (fdt, soc, machine, &stdout_path, err);

  if (stdout_path != NULL)
    gwt_fdt_set_text (fdt, chosen, "stdout-path", stdout_path);
  if (machine->config.append != NULL)
    gwt_fdt_set_text (fdt, chosen, "bootargs", machine->config.append);
  if (boot->has_initrd)
    {
      gwt_fdt_set_u64 (fdt, chosen, "linux,initrd-start", boot->initrd.low);
      gwt_fdt_set_u64 (fdt, chosen, "linux,initrd-end", boot->initrd.high);
    }
  random_bytes (seed, sizeof seed);
  gwt_fdt_set (fdt, chosen, "rng-seed", seed, sizeof seed);
  good = good && gwt_fdt_finish (fdt, blob, err);
  gwt_fdt_free (fdt);
  return good;
}

void
gwt_machine_reseed_dtb (struct gwt_blob *blob)
{
  uint8_t seed[SEED_SIZE] = { 0 };
  int chosen = fdt_path_offset (blob->data, "/chosen");
  random_bytes (seed, sizeof seed);
  if (chosen >= 0)
    fdt_setprop_inplace (blob->data, chosen, "rng-seed", seed, sizeof seed);
}

bool
gwt_machine_amend_dtb (struct gwt_machine *machine, const struct gwt_blob *given,
                       struct gwt_blob *blob, struct gwt_error *err)
{
  const struct gwt_boot *boot = machine->boot;
  const char *append = machine->config.append;
  size_t room = given->size + 4096 + (append != NULL ? strlen (append) : 0);
  g_autofree void *buffer = g_try_malloc0 (room);
  if (buffer == NULL)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY, "-dtb: no memory for %zu bytes; free some", room);
      return false;
    }
  int code = fdt_open_into (given->data, buffer, (int) room);
  if (code == 0 && (append != NULL || boot->has_initrd))
    {
      int chosen = fdt_path_offset (buffer, "/chosen");
      if (chosen == -FDT_ERR_NOTFOUND)
        chosen = fdt_add_subnode (buffer, 0, "chosen");
      code = MIN (chosen, 0);
      if (code == 0 && append != NULL)
        code = fdt_setprop_string (buffer, chosen, "bootargs", append);
      if (code == 0 && boot->has_initrd)
        code = fdt_setprop_u64 (buffer, chosen, "linux,initrd-start", boot->initrd.low);
      if (code == 0 && boot->has_initrd)
        code = fdt_setprop_u64 (buffer, chosen, "linux,initrd-end", boot->initrd.high);
    }
  if (code == 0)
    code = fdt_pack (buffer);
  if (code != 0)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "-dtb: '%s': cannot be given -append and -initrd (%s); make "
                     "it again with dtc",
                     machine->config.dtb, fdt_strerror (code));
      return false;
    }
  return gwt_blob_copy (blob, buffer, fdt_totalsize (buffer), err);
}
