/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns what a machine starts with: which files, where they lie in guest memory, and loading them
 * again at every reset.  It must not know file formats (image.c) nor any device type.
 */
#include "config.h"
#include "core/machine/boot.h"
#include <godwit/fwcfg.h>
#include <libfdt.h>
#include <string.h>
#include "core/machine/fdt-tree.h"
#include "core/machine/json-file.h"
#include "core/util/log.h"

#define MIB (1ull << 20)
#define KERNEL_ALIGN (2 * MIB)
/* Linux maps the device tree early, with 2 MiB pages, below 4 GiB; QEMU's limit is 3 GiB. */
#define DTB_ALIGN (2 * MIB)
#define DTB_TOP (3072 * MIB)
/* The initrd lies behind this much room for the kernel to unpack and grow. */
#define INITRD_GAP_MAX (512 * MIB)
#define PAGE 4096ull

/* Keys of fw_cfg items that all of its guests know (fw_cfg specification, "selector keys"). */
#define KEY_UUID 0x02
#define KEY_RAM_SIZE 0x03
#define KEY_NB_CPUS 0x05
#define KEY_KERNEL_SIZE 0x08
#define KEY_INITRD_SIZE 0x0b
#define KEY_MAX_CPUS 0x0f
#define KEY_KERNEL_DATA 0x11
#define KEY_INITRD_DATA 0x12
#define KEY_CMDLINE_SIZE 0x14
#define KEY_CMDLINE_DATA 0x15

static uint64_t
align_up (uint64_t value, uint64_t align)
{
  return value > UINT64_MAX - (align - 1) ? UINT64_MAX & -align : (value + align - 1) & -align;
}

static uint64_t
align_down (uint64_t value, uint64_t align)
{
  return value & -align;
}

/* First byte that the device tree may not use. */
static uint64_t
dtb_top (const struct gwt_boot *boot)
{
  uint64_t end = boot->ram.base + boot->ram.size;
  return boot->ram.base < DTB_TOP ? MIN (end, DTB_TOP) : end;
}

/* ---- planning
 * ------------------------------------------------------------------------------------ */

/* Path of NAME in the first of the folders that has it: that of the machine type file where one
   names it, then the board's; or NULL with ERR set. */
static char *
find_firmware (const struct gwt_machine *machine, const struct gwt_machine_type *type,
               struct gwt_error *err)
{
  const struct gwt_board *board = machine->board;
  const char *name = type != NULL ? type->firmware : board->firmware_file;
  g_autofree char *beside = type != NULL ? g_path_get_dirname (type->path) : NULL;
  g_autoptr (GPtrArray) dirs = g_ptr_array_new ();
  if (g_path_is_absolute (name))
    return g_strdup (name);
  if (beside != NULL)
    g_ptr_array_add (dirs, beside);
  for (guint i = 0; board->firmware_dirs != NULL && i < board->firmware_dirs->len; i++)
    g_ptr_array_add (dirs, g_ptr_array_index (board->firmware_dirs, i));
  for (guint i = 0; i < dirs->len; i++)
    {
      g_autofree char *path = g_build_filename (g_ptr_array_index (dirs, i), name, NULL);
      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }
  g_ptr_array_add (dirs, NULL);
  g_autofree char *searched = g_strjoinv (", ", (char **) dirs->pdata);
  if (type == NULL)
    gwt_error_set (err, GWT_E_NOT_FOUND,
                   "-bios: default firmware '%s' is in none of %s; install "
                   "the package '%s', or use -bios FILE or -bios none",
                   name, searched,
                   board->firmware_package != NULL ? board->firmware_package : "that has it");
  else
    {
      struct gwt_json_at root;
      gwt_json_root (type->file, &root);
      gwt_json_fail_at (&root, "firmware", err,
                        "'%s' is in none of %s; put it there, or use -bios FILE or -bios none",
                        name, searched);
    }
  return NULL;
}

static bool
plan_firmware (struct gwt_machine *machine, struct gwt_error *err)
{
  struct gwt_boot *boot = machine->boot;
  const char *bios = machine->config.bios;
  const struct gwt_machine_type *type
      = gwt_machine_choice_with (machine->choice, GWT_DEFAULT_FIRMWARE);
  g_autofree char *file = NULL;
  if (bios != NULL && strcmp (bios, "default") == 0)
    bios = NULL;
  if (bios == NULL && type != NULL && strcmp (type->firmware, "none") == 0)
    bios = "none";
  if (bios != NULL && strcmp (bios, "none") == 0)
    return true;
  if (bios == NULL && type == NULL && machine->board->firmware_file == NULL)
    return true;
  GWT_AUTO_ERROR (absent);
  file = bios != NULL ? g_strdup (bios) : find_firmware (machine, type, &absent);
  /* The guest that is awaited brings its own. */
  if (file == NULL && machine->config.awaits && machine->config.bios == NULL)
    {
      gwt_log (GWT_LOG_INFO, "%s", absent.text);
      return true;
    }
  if (file == NULL)
    {
      gwt_error_move (err, &absent);
      return false;
    }
  boot->has_firmware = true;
  if (gwt_image_load (&boot->firmware, "-bios", file, &boot->ram, err)
      && (boot->firmware.kind == GWT_IMAGE_ELF
          || gwt_image_place (&boot->firmware, boot->ram.base, &boot->ram, err)))
    return true;
  if (bios == NULL && type != NULL)
    gwt_machine_type_blame (type, "firmware", "-bios: ", err);
  return false;
}

static bool
plan_kernel (struct gwt_machine *machine, struct gwt_error *err)
{
  struct gwt_boot *boot = machine->boot;
  struct gwt_image *kernel = &boot->kernel;
  if (machine->config.kernel == NULL)
    return true;
  boot->has_kernel = true;
  if (!gwt_image_load (kernel, "-kernel", machine->config.kernel, &boot->ram, err))
    return false;
  if (kernel->kind == GWT_IMAGE_ELF)
    return true;
  uint64_t address = boot->ram.base, free = boot->ram.base;
  if (boot->has_firmware)
    free = align_up (boot->firmware.high, KERNEL_ALIGN);
  if (kernel->kind == GWT_IMAGE_LINUX && kernel->text_offset < boot->ram.size)
    address += kernel->text_offset;
  if (address < free)
    address = free + (kernel->kind == GWT_IMAGE_LINUX ? kernel->text_offset % KERNEL_ALIGN : 0);
  return gwt_image_place (kernel, address, &boot->ram, err);
}

static bool
plan_initrd (struct gwt_machine *machine, struct gwt_error *err)
{
  struct gwt_boot *boot = machine->boot;
  struct gwt_image *initrd = &boot->initrd;
  const char *file = machine->config.initrd;
  if (file == NULL)
    return true;
  boot->has_initrd = true;
  initrd->what = g_strdup_printf ("-initrd: '%s'", file);
  initrd->parts = g_array_new (FALSE, FALSE, sizeof (struct gwt_image_part));
  if (!gwt_blob_load (&initrd->blob, file, GWT_IMAGE_FILE_MAX, err))
    {
      gwt_error_prefix (err, "-initrd");
      return false;
    }
  if (initrd->blob.size == 0)
    {
      gwt_error_set (err, GWT_E_INVALID, "%s: the file is empty; make it again", initrd->what);
      return false;
    }
  /* Behind the kernel and a gap, else as high as the device tree's place allows, else above it. */
  uint64_t top = dtb_top (boot), end = boot->ram.base + boot->ram.size;
  uint64_t floor = align_up (boot->kernel.high, PAGE);
  uint64_t ceiling = align_down (top - MIN (GWT_FDT_SIZE_MAX, boot->ram.size), DTB_ALIGN);
  uint64_t start
      = align_down (boot->kernel.low + MIN (boot->ram.size / 2, INITRD_GAP_MAX), PAGE);
  uint64_t size = align_up (initrd->blob.size, PAGE);
  if (floor <= ceiling && size <= ceiling - floor)
    start = CLAMP (start, floor, ceiling - size);
  else if (size <= end - top)
    start = MAX (top, floor);
  else
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "%s: %llu bytes do not fit between the kernel's end at 0x%llx and the device "
                     "tree at 0x%llx, nor above it; use a larger -m",
                     initrd->what, (unsigned long long) initrd->blob.size,
                     (unsigned long long) boot->kernel.high, (unsigned long long) ceiling);
      return false;
    }
  return gwt_image_place (initrd, start, &boot->ram, err);
}

static bool
plan_dtb (struct gwt_machine *machine, struct gwt_error *err)
{
  struct gwt_blob *given = &machine->boot->given_dtb;
  const char *file = machine->config.dtb;
  if (file == NULL)
    return true;
  if (!gwt_blob_load (given, file, GWT_FDT_SIZE_MAX / 2, err))
    {
      gwt_error_prefix (err, "-dtb");
      return false;
    }
  int code = given->size < sizeof (struct fdt_header) ? -FDT_ERR_TRUNCATED
                                                      : fdt_check_full (given->data, given->size);
  if (code != 0)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "-dtb: '%s': is no sound device tree blob (%s); make it with "
                     "dtc -O dtb",
                     file, fdt_strerror (code));
      return false;
    }
  return true;
}

static bool
check_apart (const struct gwt_image *a, const struct gwt_image *b, struct gwt_error *err)
{
  if (a->low >= b->high || b->low >= a->high)
    return true;
  gwt_error_set (err, GWT_E_RANGE,
                 "%s: 0x%llx to 0x%llx overlaps %s at 0x%llx to 0x%llx; link it "
                 "elsewhere%s",
                 b->what, (unsigned long long) b->low, (unsigned long long) (b->high - 1), a->what,
                 (unsigned long long) a->low, (unsigned long long) (a->high - 1),
                 g_str_has_prefix (a->what, "-bios") ? ", or use -bios none" : "");
  return false;
}

bool
gwt_boot_plan (struct gwt_machine *machine, struct gwt_error *err)
{
  const struct gwt_machine_config *config = &machine->config;
  struct gwt_boot *boot = g_new0 (struct gwt_boot, 1);
  machine->boot = boot;
  boot->ram = (struct gwt_image_space){ machine->board->ram_base, machine->ram_size };
  if (config->kernel == NULL && (config->initrd != NULL || config->append != NULL))
    {
      gwt_error_set (err, GWT_E_INVALID, "%s: '%s': nothing uses it without a kernel; add -kernel",
                     config->initrd != NULL ? "-initrd" : "-append",
                     config->initrd != NULL ? config->initrd : config->append);
      return false;
    }
  if (!plan_firmware (machine, err) || !plan_kernel (machine, err)
      || (boot->has_firmware && boot->has_kernel
          && !check_apart (&boot->firmware, &boot->kernel, err))
      || !plan_initrd (machine, err) || !plan_dtb (machine, err))
    return false;
  if (boot->has_firmware && boot->has_initrd && !check_apart (&boot->firmware, &boot->initrd, err))
    return false;
  boot->start = boot->has_firmware ? boot->firmware.entry : boot->kernel.entry;
  return true;
}

/* ---- building
 * ------------------------------------------------------------------------------------ */

static bool
place_dtb (struct gwt_boot *boot, struct gwt_error *err)
{
  const struct gwt_image *const images[] = { &boot->firmware, &boot->kernel, &boot->initrd };
  const bool there[] = { boot->has_firmware, boot->has_kernel, boot->has_initrd };
  uint64_t top = dtb_top (boot);
  if (boot->dtb.size > top - boot->ram.base)
    boot->dtb_address = 0;
  else
    boot->dtb_address = align_down (top - boot->dtb.size, DTB_ALIGN);
  if (boot->dtb_address < boot->ram.base)
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "-m: RAM is too small for a device tree of %llu bytes; use a "
                     "larger -m",
                     (unsigned long long) boot->dtb.size);
      return false;
    }
  for (guint i = 0; i < G_N_ELEMENTS (images); i++)
    if (there[i] && images[i]->low < boot->dtb_address + boot->dtb.size
        && boot->dtb_address < images[i]->high)
      {
        gwt_error_set (err, GWT_E_RANGE,
                       "%s: 0x%llx to 0x%llx leaves no room for the device tree at "
                       "0x%llx; use a larger -m",
                       images[i]->what, (unsigned long long) images[i]->low,
                       (unsigned long long) (images[i]->high - 1),
                       (unsigned long long) boot->dtb_address);
        return false;
      }
  return true;
}

/* True where the board's flash holds something to start from. */
static bool
flash_is_filled (struct gwt_machine *machine, uint64_t *address, struct gwt_error *err)
{
  const struct gwt_board *board = machine->board;
  if (board->flash_device == NULL)
    return false;
  struct gwt_device *device = gwt_device_find (board->flash_device);
  struct gwt_region *region = device != NULL ? gwt_memory_device_region (device, 0) : NULL;
  if (region == NULL || !gwt_memory_region_address (region, address))
    return false;
  struct json_object *value = gwt_device_get_json (device, board->flash_property, err);
  bool filled
      = json_object_is_type (value, json_type_string) && json_object_get_string_len (value) > 0;
  json_object_put (value);
  const struct gwt_board_device *entry = gwt_board_device (board, board->flash_device);
  if (filled || entry == NULL || entry->pflash_property == NULL)
    return filled;
  value = gwt_device_get_json (device, entry->pflash_property, err);
  filled = json_object_is_type (value, json_type_string);
  json_object_put (value);
  return filled;
}

static bool
fill_fw_cfg (struct gwt_machine *machine, bool from_flash, struct gwt_error *err)
{
  const struct gwt_boot *boot = machine->boot;
  struct gwt_device *device
      = machine->board->fw_cfg != NULL ? gwt_device_find (machine->board->fw_cfg) : NULL;
  const struct gwt_fwcfg_ops *ops
      = device != NULL ? gwt_device_interface (device, GWT_FWCFG_INTERFACE) : NULL;
  if (!GWT_HAS (ops, add_item))
    return true;
  static const uint8_t no_uuid[16];
  const char *append = machine->config.append;
  uint64_t ram = GUINT64_TO_LE (machine->ram_size);
  uint16_t cpus = GUINT16_TO_LE ((uint16_t) machine->topology.cpus);
  uint32_t kernel_size = GUINT32_TO_LE ((uint32_t) boot->kernel.blob.size);
  uint32_t initrd_size = GUINT32_TO_LE ((uint32_t) boot->initrd.blob.size);
  uint32_t append_size = append != NULL ? (uint32_t) strlen (append) + 1 : 0;
  uint32_t append_size_le = GUINT32_TO_LE (append_size);
  const struct
  {
    uint32_t key;
    const void *data;
    uint64_t size;
    bool loader; /* only who boots from flash has to fetch the kernel from here */
  } items[] = {
    { KEY_UUID, machine->config.uuid != NULL ? machine->config.uuid : no_uuid, 16, false },
    { KEY_RAM_SIZE, &ram, 8, false },
    { KEY_NB_CPUS, &cpus, 2, false },
    { KEY_MAX_CPUS, &cpus, 2, false },
    { KEY_KERNEL_SIZE, &kernel_size, 4, true },
    { KEY_KERNEL_DATA, boot->kernel.blob.data, boot->kernel.blob.size, true },
    { KEY_INITRD_SIZE, &initrd_size, 4, true },
    { KEY_INITRD_DATA, boot->initrd.blob.data, boot->initrd.blob.size, true },
    { KEY_CMDLINE_SIZE, &append_size_le, 4, true },
    { KEY_CMDLINE_DATA, append, append_size, true },
  };
  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    if ((!items[i].loader || (from_flash && boot->has_kernel)) && items[i].size > 0
        && ops->add_item (device->instance, items[i].key, items[i].data, items[i].size, err) != 0)
      {
        gwt_error_prefix (err, "device '%s'", device->id);
        return false;
      }
  return true;
}

bool
gwt_boot_build (struct gwt_machine *machine, struct gwt_error *err)
{
  struct gwt_boot *boot = machine->boot;
  const struct gwt_board_rom *rom = gwt_board_rom (machine->board, machine->board->boot_rom);
  bool made = machine->config.dtb != NULL
                  ? gwt_machine_amend_dtb (machine, &boot->given_dtb, &boot->dtb, err)
                  : gwt_machine_make_dtb (machine, &boot->dtb, err);
  if (!made || !place_dtb (boot, err))
    return false;
  uint64_t flash;
  bool from_flash = flash_is_filled (machine, &flash, err);
  if (gwt_error_is_set (err))
    return false;
  if (from_flash && !boot->has_firmware)
    boot->start = flash;
  if (!from_flash && !boot->has_firmware && !boot->has_kernel && !machine->config.paused
      && machine->dumpdtb == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "-bios: 'none': nothing to run; add -kernel or -bios FILE, "
                     "or -S to start paused");
      return false;
    }
  if (!gwt_reset_code (&boot->reset_code, boot->start, boot->dtb_address,
                       boot->has_firmware ? (from_flash ? flash : boot->kernel.entry) : 0, err))
    return false;
  if (boot->reset_code.size > rom->size)
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "%s: the ROM is too small for the reset code of %llu bytes; "
                     "make it larger",
                     rom->where, (unsigned long long) boot->reset_code.size);
      return false;
    }
  return fill_fw_cfg (machine, from_flash, err);
}

/* ---- loading
 * ------------------------------------------------------------------------------------- */

static bool
put (uint64_t address, const void *data, uint64_t size, const char *what, struct gwt_error *err)
{
  if (size == 0 || gwt_memory_write (address, data, size, true) == GWT_ACCESS_OK)
    return true;
  gwt_error_set (err, GWT_E_FAILED, "%s: no memory at 0x%llx; correct the board", what,
                 (unsigned long long) address);
  return false;
}

static bool
put_zeros (uint64_t address, uint64_t size, const char *what, struct gwt_error *err)
{
  static const uint8_t zeros[65536];
  for (uint64_t at = 0; at < size; at += sizeof zeros)
    if (!put (address + at, zeros, MIN (sizeof zeros, size - at), what, err))
      return false;
  return true;
}

static bool
put_image (const struct gwt_image *image, bool clean, struct gwt_error *err)
{
  for (guint i = 0; i < image->parts->len; i++)
    {
      const struct gwt_image_part *part = &g_array_index (image->parts, struct gwt_image_part, i);
      /* At power-on memory is zero: do not touch, and so allocate, what stays so. */
      if (!put (part->address, image->blob.data + part->offset, part->file_size, image->what, err)
          || (!clean
              && !put_zeros (part->address + part->file_size, part->memory_size - part->file_size,
                             image->what, err)))
        return false;
    }
  return true;
}

bool
gwt_boot_load (struct gwt_machine *machine, struct gwt_error *err)
{
  struct gwt_boot *boot = machine->boot;
  const struct gwt_board_rom *rom = gwt_board_rom (machine->board, machine->board->boot_rom);
  bool clean = !boot->loaded;
  boot->loaded = true;
  if (!clean && machine->config.dtb == NULL && !boot->keeps_seed)
    gwt_machine_reseed_dtb (&boot->dtb);
  return (!boot->has_firmware || put_image (&boot->firmware, clean, err))
         && (!boot->has_kernel || put_image (&boot->kernel, clean, err))
         && (!boot->has_initrd || put_image (&boot->initrd, clean, err))
         && put (boot->dtb_address, boot->dtb.data, boot->dtb.size, "device tree", err)
         && put (rom->base, boot->reset_code.data, boot->reset_code.size, "reset code", err);
}

void
gwt_boot_take_down (struct gwt_boot *boot)
{
  gwt_blob_free (&boot->dtb);
  gwt_blob_free (&boot->reset_code);
  boot->dtb = boot->reset_code = (struct gwt_blob){ 0 };
  boot->loaded = boot->keeps_seed = false;
  boot->start = boot->has_firmware ? boot->firmware.entry : boot->kernel.entry;
}

void
gwt_boot_free (struct gwt_boot *boot)
{
  if (boot == NULL)
    return;
  gwt_image_clear (&boot->firmware);
  gwt_image_clear (&boot->kernel);
  gwt_image_clear (&boot->initrd);
  gwt_blob_free (&boot->given_dtb);
  gwt_blob_free (&boot->dtb);
  gwt_blob_free (&boot->reset_code);
  g_free (boot);
}
