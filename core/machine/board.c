/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns reading a board file into struct gwt_board.  It must not know any device type, and it makes
 * nothing: machine.c does.
 */
#include "config.h"
#include "core/machine/board.h"
#include <string.h>
#include "core/machine/json-file.h"
#include "core/util/text.h"

static char *
where_of (const struct gwt_json_at *at)
{
  g_autofree char *path = gwt_json_path (at);
  return g_strdup_printf ("%s:%u: %s", at->file->name, gwt_json_line (at), path);
}

static void
prop_free (gpointer data)
{
  struct gwt_board_prop *prop = data;
  g_free (prop->name);
  g_free (prop->where);
  g_free (prop);
}

static void
wire_free (gpointer data)
{
  struct gwt_board_wire *wire = data;
  g_free (wire->out);
  g_free (wire->to);
  g_free (wire->in);
  g_free (wire->where);
  g_free (wire);
}

static void
device_free (gpointer data)
{
  struct gwt_board_device *device = data;
  g_free (device->id);
  g_free (device->type);
  g_free (device->where);
  g_array_unref (device->at);
  g_ptr_array_unref (device->wires);
  g_ptr_array_unref (device->props);
  g_free (device->serial_property);
  g_free (device->fdt_parent);
  g_free (device->fdt_join);
  g_ptr_array_unref (device->fdt_props);
  g_free (device);
}

static void
model_free (gpointer data)
{
  struct gwt_board_model *model = data;
  g_free (model->name);
  g_free (model->doc);
  g_ptr_array_unref (model->props);
  g_free (model);
}

static void
rom_free (gpointer data)
{
  struct gwt_board_rom *rom = data;
  g_free (rom->id);
  g_free (rom->block);
  g_free (rom->where);
  g_free (rom);
}

static void
window_free (gpointer data)
{
  struct gwt_board_window *window = data;
  g_free (window->name);
  g_free (window->where);
  g_free (window);
}

static bool
check_name (const struct gwt_json_at *at, const char *key, const char *name, struct gwt_error *err)
{
  struct gwt_json_at member;
  if (name == NULL || gwt_name_is_valid (name))
    return true;
  gwt_json_member (at, key, &member);
  gwt_json_fail (&member, err, "'%s' is no name; use a-z, 0-9 and '-', a letter first", name);
  return false;
}

static bool
read_name (const struct gwt_json_at *at, const char *key, bool required, char **name,
           struct gwt_error *err)
{
  return gwt_json_str (at, key, required, name, err) && check_name (at, key, *name, err);
}

/* Every member of the object at KEY becomes a struct gwt_board_prop. */
static bool
read_props (const struct gwt_json_at *at, const char *key, bool names, GPtrArray *props,
            struct gwt_error *err)
{
  struct gwt_json_at object, member;
  bool found;
  if (!gwt_json_object (at, key, false, &object, &found, err))
    return false;
  if (!found)
    return true;
  json_object_object_foreach (object.value, name, value)
    {
      gwt_json_member (&object, name, &member);
      if (names && !gwt_name_is_valid (name))
        {
          gwt_json_fail (&member, err, "'%s' is no property's name; use a-z, 0-9 and '-'", name);
          return false;
        }
      struct gwt_board_prop *prop = g_new0 (struct gwt_board_prop, 1);
      prop->name = g_strdup (name);
      prop->value = value;
      prop->where = where_of (&member);
      g_ptr_array_add (props, prop);
    }
  return true;
}

static bool
is_integer (const struct gwt_json_at *at)
{
  return json_object_is_type (at->value, json_type_int);
}

/* What a property of the device tree may be: true, a number or "0x..." string list, a text. */
static bool
check_fdt_props (const struct gwt_json_at *at, const char *key, struct gwt_error *err)
{
  struct gwt_json_at object, member, element;
  if (!gwt_json_member (at, key, &object))
    return true;
  json_object_object_foreach (object.value, name, value)
    {
      gwt_json_member (&object, name, &member);
      if (strlen (name) > 31 || strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789,._+?#-")
                                    != strlen (name))
        {
          gwt_json_fail (&member, err, "'%s' is no device tree property's name; use at most 31 "
                         "of the characters a-z A-Z 0-9 , . _ + ? # -", name);
          return false;
        }
      switch (json_object_get_type (value))
        {
        case json_type_string:
          continue;
        case json_type_boolean:
          if (json_object_get_boolean (value))
            continue;
          gwt_json_fail (&member, err, "false is no device tree value; leave the member out");
          return false;
        case json_type_int:
          if (json_object_get_int64 (value) >= 0 && json_object_get_int64 (value) <= UINT32_MAX)
            continue;
          gwt_json_fail (&member, err, "the number does not fit a 32-bit cell; use a list of cells");
          return false;
        case json_type_array:
          break;
        default:
          gwt_json_fail (&member, err,
                         "use true, a text, a 32-bit number, or a list of texts or numbers");
          return false;
        }
      bool numbers = false;
      for (size_t i = 0; i < gwt_json_count (&member); i++)
        {
          gwt_json_element (&member, i, &element);
          if (i == 0)
            numbers = is_integer (&element);
          int64_t cell = is_integer (&element) ? json_object_get_int64 (element.value) : 0;
          if (numbers != is_integer (&element)
              || (!numbers && !json_object_is_type (element.value, json_type_string)) || cell < 0
              || cell > UINT32_MAX)
            {
              gwt_json_fail (&element, err, "use texts only, or numbers of 32 bits only");
              return false;
            }
        }
    }
  return true;
}

static bool
read_fdt_props (const struct gwt_json_at *at, const char *key, GPtrArray *props,
                struct gwt_error *err)
{
  return read_props (at, key, false, props, err) && check_fdt_props (at, key, err);
}

static bool
u32_in (const struct gwt_json_at *at, const char *key, bool required, uint32_t *value,
        struct gwt_error *err)
{
  uint64_t wide = *value;
  if (!gwt_json_u64 (at, key, required, &wide, err))
    return false;
  if (wide > 65535)
    {
      struct gwt_json_at member;
      gwt_json_member (at, key, &member);
      gwt_json_fail (&member, err, "%llu is too large; use 0 to 65535", (unsigned long long) wide);
      return false;
    }
  *value = (uint32_t) wide;
  return true;
}

/* BASE and SIZE of AT: a range that does not wrap, SIZE not 0. */
static bool
read_range (const struct gwt_json_at *at, uint64_t *base, uint64_t *size, struct gwt_error *err)
{
  if (!gwt_json_u64 (at, "base", true, base, err) || !gwt_json_u64 (at, "size", true, size, err))
    return false;
  if (*size == 0 || *size - 1 > UINT64_MAX - *base)
    {
      gwt_json_fail (at, err, "base 0x%llx and size 0x%llx are no address range; use a size of at "
                     "least 1 that ends within 64 bits",
                     (unsigned long long) *base, (unsigned long long) *size);
      return false;
    }
  return true;
}

static bool
read_wires (const struct gwt_json_at *at, GPtrArray *wires, struct gwt_error *err)
{
  static const char *const keys[] = { "out", "index", "per", "to", "in", "line", NULL };
  struct gwt_json_at list, item;
  bool found;
  if (!gwt_json_array (at, "irq", false, &list, &found, err))
    return false;
  for (size_t i = 0; found && i < gwt_json_count (&list); i++)
    {
      gwt_json_element (&list, i, &item);
      struct gwt_board_wire *wire = g_new0 (struct gwt_board_wire, 1);
      g_ptr_array_add (wires, wire);
      g_autofree char *per = NULL;
      wire->where = where_of (&item);
      if (!gwt_json_keys (&item, keys, err) || !read_name (&item, "out", true, &wire->out, err)
          || !u32_in (&item, "index", false, &wire->index, err)
          || !gwt_json_str (&item, "per", false, &per, err)
          || !gwt_json_str (&item, "to", false, &wire->to, err)
          || !read_name (&item, "in", true, &wire->in, err)
          || !u32_in (&item, "line", true, &wire->line, err))
        return false;
      wire->per_cpu = per != NULL;
      if (per != NULL && strcmp (per, "cpu") != 0)
        {
          gwt_json_fail (&item, err, "per '%s' is not known; the only one is 'cpu'", per);
          return false;
        }
      if (wire->per_cpu == (wire->to != NULL))
        {
          gwt_json_fail (&item, err, "a wire needs either 'to' or 'per', one of them");
          return false;
        }
    }
  return true;
}

static bool
read_device (const struct gwt_json_at *at, struct gwt_board_device *device, struct gwt_error *err)
{
  static const char *const keys[]
      = { "id", "type", "doc", "at", "irq", "props", "serial", "fdt", NULL };
  static const char *const fdt_keys[] = { "parent", "join", "props", NULL };
  static const char *const serial_keys[] = { "number", "property", NULL };
  struct gwt_json_at sub, item;
  g_autofree char *doc = NULL;
  bool found;
  uint32_t number = 0;

  device->where = where_of (at);
  if (!gwt_json_keys (at, keys, err) || !gwt_json_str (at, "id", true, &device->id, err)
      || !read_name (at, "type", true, &device->type, err)
      || !gwt_json_str (at, "doc", false, &doc, err))
    return false;
  if (!gwt_json_array (at, "at", false, &sub, &found, err))
    return false;
  for (size_t i = 0; found && i < gwt_json_count (&sub); i++)
    {
      uint64_t address;
      gwt_json_element (&sub, i, &item);
      if (!gwt_json_as_u64 (&item, &address, err))
        return false;
      g_array_append_val (device->at, address);
    }
  if (!read_wires (at, device->wires, err) || !read_props (at, "props", true, device->props, err)
      || !gwt_json_object (at, "serial", false, &sub, &found, err))
    return false;
  if (found)
    {
      if (!gwt_json_keys (&sub, serial_keys, err)
          || !u32_in (&sub, "number", true, &number, err)
          || !read_name (&sub, "property", true, &device->serial_property, err))
        return false;
      device->serial = (int) number;
    }
  if (!gwt_json_object (at, "fdt", false, &sub, &found, err))
    return false;
  if (found
      && (!gwt_json_keys (&sub, fdt_keys, err)
          || !gwt_json_str (&sub, "parent", false, &device->fdt_parent, err)
          || !gwt_json_str (&sub, "join", false, &device->fdt_join, err)
          || !read_fdt_props (&sub, "props", device->fdt_props, err)))
    return false;
  if (strcmp (device->fdt_parent, "/soc") != 0 && strcmp (device->fdt_parent, "/") != 0)
    {
      gwt_json_fail (&sub, err, "parent '%s' is not known; use '/soc' or '/'",
                     device->fdt_parent);
      return false;
    }
  return true;
}

static bool
read_devices (const struct gwt_json_at *root, struct gwt_board *board, struct gwt_error *err)
{
  struct gwt_json_at list, item;
  bool found;
  if (!gwt_json_array (root, "devices", false, &list, &found, err) || !found)
    return !gwt_error_is_set (err);
  if (gwt_json_count (&list) > GWT_BOARD_DEVICES_MAX)
    {
      gwt_json_fail (&list, err, "more than %d devices; use fewer", GWT_BOARD_DEVICES_MAX);
      return false;
    }
  for (size_t i = 0; i < gwt_json_count (&list); i++)
    {
      gwt_json_element (&list, i, &item);
      struct gwt_board_device *device = g_new0 (struct gwt_board_device, 1);
      device->at = g_array_new (FALSE, FALSE, sizeof (uint64_t));
      device->wires = g_ptr_array_new_with_free_func (wire_free);
      device->props = g_ptr_array_new_with_free_func (prop_free);
      device->fdt_props = g_ptr_array_new_with_free_func (prop_free);
      device->fdt_parent = g_strdup ("/soc");
      device->serial = -1;
      g_ptr_array_add (board->devices, device);
      if (!read_device (&item, device, err))
        return false;
      for (guint n = 0; n + 1 < board->devices->len; n++)
        {
          const struct gwt_board_device *other = g_ptr_array_index (board->devices, n);
          if (strcmp (other->id, device->id) == 0)
            {
              gwt_json_fail (&item, err, "id '%s' is taken by %s; choose another", device->id,
                             other->where);
              return false;
            }
          if (device->serial >= 0 && other->serial == device->serial)
            {
              gwt_json_fail (&item, err, "serial port %d is '%s' already; choose another number",
                             device->serial, other->id);
              return false;
            }
        }
    }
  return true;
}

static bool
read_cpus (const struct gwt_json_at *root, struct gwt_board *board, struct gwt_error *err)
{
  static const char *const keys[]
      = { "type", "id", "number", "max", "default", "props", "models", NULL };
  static const char *const model_keys[] = { "name", "doc", "props", NULL };
  struct gwt_json_at cpus, list, item;
  bool found;
  board->cpus_max = board->cpus_default = 1;
  board->cpu_id = g_strdup ("cpu");
  if (!gwt_json_object (root, "cpus", true, &cpus, &found, err)
      || !gwt_json_keys (&cpus, keys, err)
      || !read_name (&cpus, "type", true, &board->cpu_type, err)
      || !read_name (&cpus, "id", false, &board->cpu_id, err)
      || !read_name (&cpus, "number", false, &board->cpu_number, err)
      || !gwt_json_u64 (&cpus, "max", false, &board->cpus_max, err)
      || !gwt_json_u64 (&cpus, "default", false, &board->cpus_default, err)
      || !read_props (&cpus, "props", true, board->cpu_props, err)
      || !gwt_json_array (&cpus, "models", true, &list, &found, err))
    return false;
  board->cpu_where = where_of (&cpus);
  if (board->cpus_max < 1 || board->cpus_max > GWT_BOARD_CPUS_MAX || board->cpus_default < 1
      || board->cpus_default > board->cpus_max)
    {
      gwt_json_fail (&cpus, err, "default %llu and max %llu do not fit; use 1 <= default <= max "
                     "<= %d", (unsigned long long) board->cpus_default,
                     (unsigned long long) board->cpus_max, GWT_BOARD_CPUS_MAX);
      return false;
    }
  if (gwt_json_count (&list) == 0)
    {
      gwt_json_fail (&list, err, "no CPU model; name at least one, the first is the default");
      return false;
    }
  for (size_t i = 0; i < gwt_json_count (&list); i++)
    {
      gwt_json_element (&list, i, &item);
      struct gwt_board_model *model = g_new0 (struct gwt_board_model, 1);
      model->props = g_ptr_array_new_with_free_func (prop_free);
      g_ptr_array_add (board->models, model);
      if (!gwt_json_keys (&item, model_keys, err)
          || !read_name (&item, "name", true, &model->name, err)
          || !gwt_json_str (&item, "doc", true, &model->doc, err)
          || !read_props (&item, "props", true, model->props, err))
        return false;
      if (gwt_board_model (board, model->name) != model)
        {
          gwt_json_fail (&item, err, "model '%s' is there twice; remove one", model->name);
          return false;
        }
    }
  return true;
}

static bool
read_memory (const struct gwt_json_at *root, struct gwt_board *board, struct gwt_error *err)
{
  static const char *const ram_keys[]
      = { "block", "base", "default", "min", "max", "align", NULL };
  static const char *const rom_keys[] = { "id", "block", "base", "size", NULL };
  static const char *const window_keys[] = { "name", "doc", "base", "size", NULL };
  struct gwt_json_at ram, list, item;
  bool found;
  board->ram_min = board->ram_align = 4096;
  board->ram_max = 1ull << 46;
  if (!gwt_json_object (root, "ram", true, &ram, &found, err)
      || !gwt_json_keys (&ram, ram_keys, err)
      || !gwt_json_str (&ram, "block", true, &board->ram_block, err)
      || !gwt_json_u64 (&ram, "base", true, &board->ram_base, err)
      || !gwt_json_u64 (&ram, "default", true, &board->ram_default, err)
      || !gwt_json_u64 (&ram, "min", false, &board->ram_min, err)
      || !gwt_json_u64 (&ram, "max", false, &board->ram_max, err)
      || !gwt_json_u64 (&ram, "align", false, &board->ram_align, err))
    return false;
  board->ram_where = where_of (&ram);
  if (board->ram_align < 4096 || (board->ram_align & (board->ram_align - 1)) != 0
      || board->ram_base % board->ram_align != 0 || board->ram_default % board->ram_align != 0
      || board->ram_min == 0 || board->ram_min > board->ram_default
      || board->ram_default > board->ram_max || board->ram_max > UINT64_MAX - board->ram_base)
    {
      gwt_json_fail (&ram, err, "these values do not fit; use a power of two from 4096 for align, "
                     "multiples of it for base and default, and min <= default <= max");
      return false;
    }
  if (!gwt_json_array (root, "roms", false, &list, &found, err))
    return false;
  for (size_t i = 0; found && i < gwt_json_count (&list); i++)
    {
      gwt_json_element (&list, i, &item);
      struct gwt_board_rom *rom = g_new0 (struct gwt_board_rom, 1);
      g_ptr_array_add (board->roms, rom);
      rom->where = where_of (&item);
      if (!gwt_json_keys (&item, rom_keys, err) || !read_name (&item, "id", true, &rom->id, err)
          || !gwt_json_str (&item, "block", true, &rom->block, err)
          || !read_range (&item, &rom->base, &rom->size, err))
        return false;
      if (rom->size > (64u << 20))
        {
          gwt_json_fail (&item, err, "a ROM of more than 64M; use a smaller one");
          return false;
        }
    }
  if (!gwt_json_array (root, "windows", false, &list, &found, err))
    return false;
  for (size_t i = 0; found && i < gwt_json_count (&list); i++)
    {
      g_autofree char *doc = NULL;
      gwt_json_element (&list, i, &item);
      struct gwt_board_window *window = g_new0 (struct gwt_board_window, 1);
      g_ptr_array_add (board->windows, window);
      window->where = where_of (&item);
      if (!gwt_json_keys (&item, window_keys, err)
          || !read_name (&item, "name", true, &window->name, err)
          || !gwt_json_str (&item, "doc", false, &doc, err)
          || !read_range (&item, &window->base, &window->size, err))
        return false;
    }
  return true;
}

/* The id of a device of this board at KEY of AT. */
static bool
read_ref (const struct gwt_json_at *at, const char *key, bool required,
          const struct gwt_board *board, char **id, struct gwt_error *err)
{
  struct gwt_json_at member;
  if (!gwt_json_str (at, key, required, id, err))
    return false;
  if (*id == NULL || gwt_board_device (board, *id) != NULL)
    return true;
  g_autofree const char **names = g_new0 (const char *, board->devices->len + 1);
  for (guint i = 0; i < board->devices->len; i++)
    names[i] = ((struct gwt_board_device *) g_ptr_array_index (board->devices, i))->id;
  g_autofree char *near = gwt_nearest_names (*id, names);
  gwt_json_member (at, key, &member);
  gwt_json_fail (&member, err, "no device of this board has the id '%s'; %s%s", *id,
                 near != NULL ? "did you mean " : "add one, or use another id",
                 near != NULL ? near : "");
  return false;
}

static bool
read_platform (const struct gwt_json_at *root, struct gwt_board *board, struct gwt_error *err)
{
  static const char *const keys[] = { "doc", "base", "size", "align", "irq", NULL };
  static const char *const irq_keys[] = { "to", "in", "first", "count", NULL };
  struct gwt_json_at platform, irq;
  g_autofree char *doc = NULL;
  bool found;
  if (!gwt_json_object (root, "platform", false, &platform, &board->has_platform, err))
    return false;
  if (!board->has_platform)
    return true;
  board->platform_align = 4096;
  board->platform_where = where_of (&platform);
  if (!gwt_json_keys (&platform, keys, err) || !gwt_json_str (&platform, "doc", false, &doc, err)
      || !read_range (&platform, &board->platform_base, &board->platform_size, err)
      || !gwt_json_u64 (&platform, "align", false, &board->platform_align, err)
      || !gwt_json_object (&platform, "irq", false, &irq, &found, err))
    return false;
  if (board->platform_align == 0 || (board->platform_align & (board->platform_align - 1)) != 0
      || board->platform_base % board->platform_align != 0)
    {
      gwt_json_fail (&platform, err, "align must be a power of two that divides base");
      return false;
    }
  if (!found)
    return true;
  if (!gwt_json_keys (&irq, irq_keys, err)
      || !read_ref (&irq, "to", true, board, &board->platform_irq_to, err)
      || !read_name (&irq, "in", true, &board->platform_irq_in, err)
      || !gwt_json_u64 (&irq, "first", true, &board->platform_irq_first, err)
      || !gwt_json_u64 (&irq, "count", true, &board->platform_irq_count, err))
    return false;
  if (board->platform_irq_first > 65535 || board->platform_irq_count > 65535)
    {
      gwt_json_fail (&irq, err, "lines are numbered 0 to 65535; use smaller numbers");
      return false;
    }
  return true;
}

static bool
read_boot (const struct gwt_json_at *root, struct gwt_board *board, struct gwt_error *err)
{
  static const char *const keys[] = { "protocol", "rom", "firmware", "fw-cfg", "flash", NULL };
  static const char *const firmware_keys[] = { "file", "dirs", "package", NULL };
  static const char *const flash_keys[] = { "device", "property", NULL };
  struct gwt_json_at boot, sub, list, item;
  g_autofree char *protocol = NULL;
  bool found, any;
  if (!gwt_json_object (root, "boot", true, &boot, &found, err)
      || !gwt_json_keys (&boot, keys, err)
      || !gwt_json_str (&boot, "protocol", true, &protocol, err)
      || !read_name (&boot, "rom", true, &board->boot_rom, err)
      || !read_ref (&boot, "fw-cfg", false, board, &board->fw_cfg, err)
      || !gwt_json_object (&boot, "firmware", false, &sub, &found, err))
    return false;
  if (strcmp (protocol, "riscv-firmware-dynamic") != 0)
    {
      gwt_json_fail (&boot, err, "protocol '%s' is not known; use 'riscv-firmware-dynamic'",
                     protocol);
      return false;
    }
  if (gwt_board_rom (board, board->boot_rom) == NULL)
    {
      gwt_json_fail (&boot, err, "rom '%s' is none of this board's roms; add it there",
                     board->boot_rom);
      return false;
    }
  if (found)
    {
      if (!gwt_json_keys (&sub, firmware_keys, err)
          || !gwt_json_str (&sub, "file", true, &board->firmware_file, err)
          || !gwt_json_str (&sub, "package", false, &board->firmware_package, err)
          || !gwt_json_array (&sub, "dirs", true, &list, &any, err))
        return false;
      for (size_t i = 0; i < gwt_json_count (&list); i++)
        {
          const char *dir;
          gwt_json_element (&list, i, &item);
          if (!gwt_json_as_str (&item, &dir, err))
            return false;
          g_ptr_array_add (board->firmware_dirs, g_strdup (dir));
        }
    }
  if (!gwt_json_object (&boot, "flash", false, &sub, &found, err))
    return false;
  return !found
         || (gwt_json_keys (&sub, flash_keys, err)
             && read_ref (&sub, "device", true, board, &board->flash_device, err)
             && read_name (&sub, "property", true, &board->flash_property, err));
}

static bool
read_fdt (const struct gwt_json_at *root, struct gwt_board *board, struct gwt_error *err)
{
  static const char *const keys[] = { "root", "cpus", "stdout", NULL };
  struct gwt_json_at fdt;
  bool found;
  if (!gwt_json_object (root, "fdt", false, &fdt, &found, err))
    return false;
  return !found
         || (gwt_json_keys (&fdt, keys, err)
             && read_fdt_props (&fdt, "root", board->fdt_root, err)
             && read_fdt_props (&fdt, "cpus", board->fdt_cpus, err)
             && read_ref (&fdt, "stdout", false, board, &board->fdt_stdout, err));
}

/* References from one device to another, which may stand later in the file. */
static bool
check_refs (const struct gwt_json_at *root, const struct gwt_board *board, struct gwt_error *err)
{
  struct gwt_json_at list, item, sub, wire;
  for (guint i = 0; i < board->devices->len; i++)
    {
      const struct gwt_board_device *device = g_ptr_array_index (board->devices, i);
      g_autofree char *id = NULL;
      gwt_json_member (root, "devices", &list);
      gwt_json_element (&list, i, &item);
      if (gwt_json_member (&item, "fdt", &sub) && !read_ref (&sub, "join", false, board, &id, err))
        return false;
      if (device->fdt_join != NULL
          && (strcmp (device->fdt_join, device->id) == 0
              || gwt_board_device (board, device->fdt_join)->fdt_join != NULL))
        {
          gwt_json_fail (&sub, err, "'%s' has no node to join; name a device with its own",
                         device->fdt_join);
          return false;
        }
      for (guint n = 0; n < device->wires->len; n++)
        {
          g_autofree char *to = NULL;
          gwt_json_member (&item, "irq", &sub);
          gwt_json_element (&sub, n, &wire);
          if (!read_ref (&wire, "to", false, board, &to, err))
            return false;
        }
    }
  return true;
}

static bool
read_board (const struct gwt_json_at *root, struct gwt_board *board, struct gwt_error *err)
{
  static const char *const keys[]
      = { "godwit-board", "name", "doc",     "arch", "cpus", "ram", "roms",
          "windows",      "devices", "platform", "boot", "fdt",  NULL };
  uint64_t format = 0;
  if (!json_object_is_type (root->value, json_type_object))
    return gwt_json_keys (root, keys, err);
  /* The version before the members: a newer file has members that this program cannot know. */
  if (!gwt_json_u64 (root, "godwit-board", true, &format, err))
    return false;
  if (format != GWT_BOARD_FORMAT)
    {
      gwt_json_fail (root, err, "board format %llu is not known here; this program reads format %d%s",
                     (unsigned long long) format, GWT_BOARD_FORMAT,
                     format > GWT_BOARD_FORMAT ? ", use a newer one" : "");
      return false;
    }
  if (!gwt_json_keys (root, keys, err) || !read_name (root, "name", true, &board->name, err)
      || !gwt_json_str (root, "doc", true, &board->doc, err)
      || !gwt_json_str (root, "arch", true, &board->arch, err))
    return false;
  if (strcmp (board->arch, "riscv64") != 0)
    {
      gwt_json_fail (root, err, "arch '%s' is not known; use 'riscv64'", board->arch);
      return false;
    }
  return read_cpus (root, board, err) && read_memory (root, board, err)
         && read_devices (root, board, err) && read_platform (root, board, err)
         && read_boot (root, board, err) && read_fdt (root, board, err)
         && check_refs (root, board, err);
}

struct gwt_board *
gwt_board_from_json (struct gwt_json_file *file, struct gwt_error *err)
{
  struct gwt_board *board = g_new0 (struct gwt_board, 1);
  struct gwt_json_at root;
  board->file = file;
  board->cpu_props = g_ptr_array_new_with_free_func (prop_free);
  board->models = g_ptr_array_new_with_free_func (model_free);
  board->roms = g_ptr_array_new_with_free_func (rom_free);
  board->windows = g_ptr_array_new_with_free_func (window_free);
  board->devices = g_ptr_array_new_with_free_func (device_free);
  board->firmware_dirs = g_ptr_array_new_with_free_func (g_free);
  board->fdt_root = g_ptr_array_new_with_free_func (prop_free);
  board->fdt_cpus = g_ptr_array_new_with_free_func (prop_free);
  gwt_json_root (file, &root);
  if (read_board (&root, board, err))
    return board;
  gwt_board_free (board);
  return NULL;
}

struct gwt_board *
gwt_board_parse (const char *name, const char *text, size_t size, struct gwt_error *err)
{
  struct gwt_json_file *file = gwt_json_file_parse (name, text, size, err);
  return file == NULL ? NULL : gwt_board_from_json (file, err);
}

struct gwt_board *
gwt_board_load (const char *path, struct gwt_error *err)
{
  struct gwt_json_file *file = gwt_json_file_load (path, err);
  return file == NULL ? NULL : gwt_board_from_json (file, err);
}

void
gwt_board_free (struct gwt_board *board)
{
  if (board == NULL)
    return;
  g_ptr_array_unref (board->cpu_props);
  g_ptr_array_unref (board->models);
  g_ptr_array_unref (board->roms);
  g_ptr_array_unref (board->windows);
  g_ptr_array_unref (board->devices);
  g_ptr_array_unref (board->firmware_dirs);
  g_ptr_array_unref (board->fdt_root);
  g_ptr_array_unref (board->fdt_cpus);
  char *const texts[]
      = { board->name,          board->doc,           board->arch,
          board->cpu_type,      board->cpu_id,        board->cpu_number,
          board->cpu_where,     board->ram_block,     board->ram_where,
          board->platform_irq_to, board->platform_irq_in, board->platform_where,
          board->boot_rom,      board->firmware_file, board->firmware_package,
          board->fw_cfg,        board->flash_device,  board->flash_property,
          board->fdt_stdout };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  gwt_json_file_free (board->file);
  g_free (board);
}

const struct gwt_board_device *
gwt_board_device (const struct gwt_board *board, const char *id)
{
  for (guint i = 0; i < board->devices->len; i++)
    {
      const struct gwt_board_device *device = g_ptr_array_index (board->devices, i);
      if (strcmp (device->id, id) == 0)
        return device;
    }
  return NULL;
}

const struct gwt_board_model *
gwt_board_model (const struct gwt_board *board, const char *name)
{
  for (guint i = 0; i < board->models->len; i++)
    {
      const struct gwt_board_model *model = g_ptr_array_index (board->models, i);
      if (strcmp (model->name, name) == 0)
        return model;
    }
  return NULL;
}

const struct gwt_board_rom *
gwt_board_rom (const struct gwt_board *board, const char *id)
{
  for (guint i = 0; i < board->roms->len; i++)
    {
      const struct gwt_board_rom *rom = g_ptr_array_index (board->roms, i);
      if (strcmp (rom->id, id) == 0)
        return rom;
    }
  return NULL;
}

guint
gwt_board_serial_count (const struct gwt_board *board)
{
  guint count = 0;
  for (guint i = 0; i < board->devices->len; i++)
    {
      const struct gwt_board_device *device = g_ptr_array_index (board->devices, i);
      if (device->serial >= 0)
        count++;
    }
  return count;
}
