/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns reading a board file into struct gwt_board.  It must not know any device type, and it makes
 * nothing: machine.c does.
 */
#include "config.h"
#include "core/machine/board.h"
#include <string.h>
#include "core/machine/board-values.h"
#include "core/util/text.h"

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
read_cpus (const struct gwt_json_at *root, struct gwt_board *board, struct gwt_error *err)
{
  static const char *const keys[]
      = { "type", "id", "number", "max", "default", "props", "models", NULL };
  static const char *const model_keys[] = { "name", "doc", "props", NULL };
  struct gwt_json_at cpus, list, item;
  bool found;
  board->cpus_max = board->cpus_default = 1;
  board->cpu_id = g_strdup ("cpu");
  if (!gwt_json_object (root, "cpus", true, &cpus, &found, err) || !gwt_json_keys (&cpus, keys, err)
      || !gwt_board_read_name (&cpus, "type", true, &board->cpu_type, err)
      || !gwt_board_read_name (&cpus, "id", false, &board->cpu_id, err)
      || !gwt_board_read_name (&cpus, "number", false, &board->cpu_number, err)
      || !gwt_json_u64 (&cpus, "max", false, &board->cpus_max, err)
      || !gwt_json_u64 (&cpus, "default", false, &board->cpus_default, err)
      || !gwt_board_read_props (&cpus, "props", true, board->cpu_props, err)
      || !gwt_json_array (&cpus, "models", true, &list, &found, err))
    return false;
  board->cpu_where = gwt_json_where (&cpus);
  if (board->cpus_max < 1 || board->cpus_max > GWT_BOARD_CPUS_MAX || board->cpus_default < 1
      || board->cpus_default > board->cpus_max)
    {
      gwt_json_fail (&cpus, err,
                     "default %llu and max %llu do not fit; use 1 <= default <= max "
                     "<= %d",
                     (unsigned long long) board->cpus_default, (unsigned long long) board->cpus_max,
                     GWT_BOARD_CPUS_MAX);
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
      model->props = g_ptr_array_new_with_free_func (gwt_board_prop_free);
      g_ptr_array_add (board->models, model);
      if (!gwt_json_keys (&item, model_keys, err)
          || !gwt_board_read_name (&item, "name", true, &model->name, err)
          || !gwt_json_str (&item, "doc", true, &model->doc, err)
          || !gwt_board_read_props (&item, "props", true, model->props, err))
        return false;
      if (gwt_board_model (board, model->name) != model)
        {
          gwt_json_fail_at (&item, "name", err, "model '%s' is there twice; remove one",
                            model->name);
          return false;
        }
    }
  return true;
}

static bool
read_memory (const struct gwt_json_at *root, struct gwt_board *board, struct gwt_error *err)
{
  static const char *const ram_keys[] = { "block", "base", "default", "min", "max", "align", NULL };
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
  board->ram_where = gwt_json_where (&ram);
  if (board->ram_align < 4096 || (board->ram_align & (board->ram_align - 1)) != 0
      || board->ram_base % board->ram_align != 0 || board->ram_default % board->ram_align != 0
      || board->ram_min == 0 || board->ram_min > board->ram_default
      || board->ram_default > board->ram_max || board->ram_max > UINT64_MAX - board->ram_base)
    {
      gwt_json_fail (&ram, err,
                     "these values do not fit; use a power of two from 4096 for align, "
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
      rom->where = gwt_json_where (&item);
      if (!gwt_json_keys (&item, rom_keys, err)
          || !gwt_board_read_name (&item, "id", true, &rom->id, err)
          || !gwt_json_str (&item, "block", true, &rom->block, err)
          || !gwt_board_read_range (&item, &rom->base, &rom->size, err))
        return false;
      if (gwt_board_rom (board, rom->id) != rom)
        {
          gwt_json_fail_at (&item, "id", err, "id '%s' is there twice; choose another", rom->id);
          return false;
        }
      if (rom->size > (64u << 20))
        {
          gwt_json_fail_at (&item, "size", err, "a ROM of more than 64M; use a smaller one");
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
      window->where = gwt_json_where (&item);
      if (!gwt_json_keys (&item, window_keys, err)
          || !gwt_board_read_name (&item, "name", true, &window->name, err)
          || !gwt_json_str (&item, "doc", false, &doc, err)
          || !gwt_board_read_range (&item, &window->base, &window->size, err))
        return false;
    }
  return true;
}

static bool
read_platform (const struct gwt_json_at *root, struct gwt_board *board, struct gwt_error *err)
{
  static const char *const keys[] = { "doc", "base", "size", "align", "irq", NULL };
  static const char *const irq_keys[] = { "to", "in", "first", "count", "least", NULL };
  struct gwt_json_at platform, irq;
  g_autofree char *doc = NULL;
  bool found;
  if (!gwt_json_object (root, "platform", false, &platform, &board->has_platform, err))
    return false;
  if (!board->has_platform)
    return true;
  board->platform_align = 4096;
  board->platform_where = gwt_json_where (&platform);
  if (!gwt_json_keys (&platform, keys, err) || !gwt_json_str (&platform, "doc", false, &doc, err)
      || !gwt_board_read_range (&platform, &board->platform_base, &board->platform_size, err)
      || !gwt_json_u64 (&platform, "align", false, &board->platform_align, err)
      || !gwt_json_object (&platform, "irq", false, &irq, &found, err))
    return false;
  if (board->platform_align == 0 || (board->platform_align & (board->platform_align - 1)) != 0
      || board->platform_base % board->platform_align != 0)
    {
      gwt_json_fail_at (&platform, "align", err, "align must be a power of two that divides base");
      return false;
    }
  if (!found)
    return true;
  if (!gwt_json_keys (&irq, irq_keys, err)
      || !gwt_board_read_ref (&irq, "to", true, board, &board->platform_irq_to, err)
      || !gwt_board_read_name (&irq, "in", true, &board->platform_irq_in, err)
      || !gwt_json_u64 (&irq, "first", true, &board->platform_irq_first, err)
      || !gwt_json_u64 (&irq, "count", true, &board->platform_irq_count, err)
      || !gwt_json_u64 (&irq, "least", false, &board->platform_irq_least, err))
    return false;
  if (board->platform_irq_least > board->platform_irq_first)
    {
      gwt_json_fail_at (&irq, "least", err, "least is above first; use %llu, or a smaller number",
                        (unsigned long long) board->platform_irq_first);
      return false;
    }
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
  if (!gwt_json_object (root, "boot", true, &boot, &found, err) || !gwt_json_keys (&boot, keys, err)
      || !gwt_json_str (&boot, "protocol", true, &protocol, err)
      || !gwt_board_read_name (&boot, "rom", true, &board->boot_rom, err)
      || !gwt_board_read_ref (&boot, "fw-cfg", false, board, &board->fw_cfg, err)
      || !gwt_json_object (&boot, "firmware", false, &sub, &found, err))
    return false;
  if (strcmp (protocol, "riscv-firmware-dynamic") != 0)
    {
      gwt_json_fail_at (&boot, "protocol", err,
                        "protocol '%s' is not known; use 'riscv-firmware-dynamic'", protocol);
      return false;
    }
  if (gwt_board_rom (board, board->boot_rom) == NULL)
    {
      gwt_json_fail_at (&boot, "rom", err, "rom '%s' is none of this board's roms; add it there",
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
             && gwt_board_read_ref (&sub, "device", true, board, &board->flash_device, err)
             && gwt_board_read_name (&sub, "property", true, &board->flash_property, err));
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
             && gwt_board_read_fdt_props (&fdt, "root", board->fdt_root, err)
             && gwt_board_read_fdt_props (&fdt, "cpus", board->fdt_cpus, err)
             && gwt_board_check_phandles (&fdt, "root", board, err)
             && gwt_board_check_phandles (&fdt, "cpus", board, err)
             && gwt_board_read_ref (&fdt, "stdout", false, board, &board->fdt_stdout, err));
}

static bool
read_board (const struct gwt_json_at *root, struct gwt_board *board, struct gwt_error *err)
{
  static const char *const keys[]
      = { "godwit-board", "name",    "doc",      "arch", "cpus", "ram", "roms",
          "windows",      "devices", "platform", "boot", "fdt",  NULL };
  uint64_t format = 0;
  if (!json_object_is_type (root->value, json_type_object))
    return gwt_json_keys (root, keys, err);
  /* The version before the members: a newer file has members that this program cannot know. */
  if (!gwt_json_u64 (root, "godwit-board", true, &format, err))
    return false;
  if (format != GWT_BOARD_FORMAT)
    {
      gwt_json_fail_at (root, "godwit-board", err,
                        "board format %llu is not known here; this program reads format %d%s",
                        (unsigned long long) format, GWT_BOARD_FORMAT,
                        format > GWT_BOARD_FORMAT ? ", use a newer one" : "");
      return false;
    }
  if (!gwt_json_keys (root, keys, err)
      || !gwt_board_read_name (root, "name", true, &board->name, err)
      || !gwt_json_str (root, "doc", true, &board->doc, err)
      || !gwt_json_str (root, "arch", true, &board->arch, err))
    return false;
  if (strcmp (board->arch, "riscv64") != 0)
    {
      gwt_json_fail_at (root, "arch", err, "arch '%s' is not known; use 'riscv64'", board->arch);
      return false;
    }
  return read_cpus (root, board, err) && read_memory (root, board, err)
         && gwt_board_read_devices (root, board, err) && read_platform (root, board, err)
         && read_boot (root, board, err) && read_fdt (root, board, err)
         && gwt_board_check_refs (root, board, err);
}

struct gwt_board *
gwt_board_from_json (struct gwt_json_file *file, struct gwt_error *err)
{
  struct gwt_board *board = g_new0 (struct gwt_board, 1);
  struct gwt_json_at root;
  board->file = file;
  board->cpu_props = g_ptr_array_new_with_free_func (gwt_board_prop_free);
  board->models = g_ptr_array_new_with_free_func (model_free);
  board->roms = g_ptr_array_new_with_free_func (rom_free);
  board->windows = g_ptr_array_new_with_free_func (window_free);
  board->devices = g_ptr_array_new_with_free_func (gwt_board_device_free);
  board->firmware_dirs = g_ptr_array_new_with_free_func (g_free);
  board->fdt_root = g_ptr_array_new_with_free_func (gwt_board_prop_free);
  board->fdt_cpus = g_ptr_array_new_with_free_func (gwt_board_prop_free);
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
  char *const texts[] = { board->name,
                          board->doc,
                          board->arch,
                          board->cpu_type,
                          board->cpu_id,
                          board->cpu_number,
                          board->cpu_where,
                          board->ram_block,
                          board->ram_where,
                          board->platform_irq_to,
                          board->platform_irq_in,
                          board->platform_where,
                          board->boot_rom,
                          board->firmware_file,
                          board->firmware_package,
                          board->fw_cfg,
                          board->flash_device,
                          board->flash_property,
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

const struct gwt_board_device *
gwt_board_pflash (const struct gwt_board *board, guint unit)
{
  for (guint i = 0; i < board->devices->len; i++)
    {
      const struct gwt_board_device *device = g_ptr_array_index (board->devices, i);
      if (device->pflash >= 0 && (guint) device->pflash == unit)
        return device;
    }
  return NULL;
}
