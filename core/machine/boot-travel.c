/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The section "firmware": what a guest that resets starts with travels with it, so that another
 * firmware at the other end has no say until the guest is started anew there.  Firmware, device
 * tree and reset code are sent.  A kernel and an initrd that were given by option are not, they are
 * large: where those of this end are others, the guest resets into all of this end's.
 *
 * It must not know how images are found or loaded (boot.c, image.c).  The stream is not trusted.
 */
#include "config.h"
#include "core/machine/boot.h"
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include "core/machine/fdt-tree.h"
#include "core/migration/entry.h"
#include "core/migration/params.h"
#include "core/util/log.h"
#include "core/util/text.h"
#include "core/vmstate/vmstate.h"

#define NAME_BYTES 128
#define PARTS_MAX 256
#define FIRMWARE_MAX (16u << 20)
#define RESET_MAX (64u << 10)

enum
{
  HAS_FIRMWARE = 1 << 0,
  GIVEN_DTB = 1 << 1 /* -dtb: its random seed is the user's */
};

static struct travel
{
  uint32_t flags;
  uint8_t name[NAME_BYTES]; /* of the firmware's file, for messages; ends with 0 */
  uint64_t others[2];       /* sum of kernel and initrd */
  uint64_t kernel, initrd;  /* where they lie, which the size of the firmware has a say in */
  uint64_t dtb_address;
  uint32_t n_parts; /* words, three to a part: address, bytes in FIRMWARE, bytes in memory */
  uint64_t *parts;
  uint32_t firmware_size, dtb_size, reset_size;
  uint8_t *firmware, *dtb, *reset;
  struct gwt_machine *machine; /* not sent */
} travel;

static struct gwt_entry *entry;

/* What came and was found good, until all of the stream is. */
static struct
{
  bool there;
  struct gwt_image image;
  struct gwt_blob dtb, reset;
} pending;

/* ---- the kernel's sum ------------------------------------------------------------------------ */

/* Tells files apart that differ by accident; nobody gains by making two with one sum. */
static void
add_bytes (uint64_t sum[2], const uint8_t *data, uint64_t size)
{
  uint64_t lane[4] = { sum[0], sum[1], size, ~sum[0] }, word;
  for (; size >= 32; size -= 32, data += 32)
    for (int i = 0; i < 4; i++)
      {
        memcpy (&word, data + 8 * i, 8);
        lane[i] = (lane[i] ^ word) * UINT64_C (0x9e3779b97f4a7c15);
        lane[i] ^= lane[i] >> 32;
      }
  for (; size > 0; size--, data++)
    lane[0] = (lane[0] ^ *data) * UINT64_C (0x100000001b3);
  sum[0] = lane[0] * 3 + lane[1] * 5 + (lane[0] >> 29);
  sum[1] = lane[2] * 7 + lane[3] * 11 + (lane[2] >> 31);
}

static void
add_image (uint64_t sum[2], const struct gwt_image *image, bool there)
{
  for (guint i = 0; there && i < image->parts->len; i++)
    {
      const struct gwt_image_part *part = &g_array_index (image->parts, struct gwt_image_part, i);
      const uint64_t head[3]
          = { part->address - image->low, part->file_size, part->memory_size };
      add_bytes (sum, (const uint8_t *) head, sizeof head);
      add_bytes (sum, image->blob.data + part->offset, part->file_size);
    }
  const bool starts = there && image->entry >= image->low; /* an initrd does not */
  const uint64_t tail[2] = { there, starts ? image->entry - image->low : 0 };
  add_bytes (sum, (const uint8_t *) tail, sizeof tail);
}

void
gwt_boot_sum (struct gwt_boot *boot)
{
  if (boot->summed)
    return;
  boot->others[0] = boot->others[1] = 0;
  add_image (boot->others, &boot->kernel, boot->has_kernel);
  add_image (boot->others, &boot->initrd, boot->has_initrd);
  boot->summed = true;
}

/* ---- leaving --------------------------------------------------------------------------------- */

static void
clear (void)
{
  g_clear_pointer (&travel.parts, free);
  g_clear_pointer (&travel.firmware, free);
  g_clear_pointer (&travel.dtb, free);
  g_clear_pointer (&travel.reset, free);
  travel.n_parts = travel.firmware_size = travel.dtb_size = travel.reset_size = 0;
}

/* What the codec frees when it loads is from malloc (3). */
static uint8_t *
copy_of (const void *data, uint64_t size)
{
  uint8_t *copy = malloc (MAX (size, 1));
  if (copy != NULL && size > 0)
    memcpy (copy, data, size);
  return copy;
}

static bool
pack_firmware (const struct gwt_image *image)
{
  uint64_t size = 0;
  guint n = image->parts->len;
  for (guint i = 0; i < n; i++)
    size += g_array_index (image->parts, struct gwt_image_part, i).file_size;
  if (n > PARTS_MAX || size > FIRMWARE_MAX)
    return false;
  travel.parts = malloc (sizeof (uint64_t) * 3 * MAX (n, 1));
  travel.firmware = malloc (MAX (size, 1));
  if (travel.parts == NULL || travel.firmware == NULL)
    return false;
  for (guint i = 0; i < n; i++)
    {
      const struct gwt_image_part *part = &g_array_index (image->parts, struct gwt_image_part, i);
      const uint64_t head[3] = { part->address, part->file_size, part->memory_size };
      memcpy (travel.parts + 3 * i, head, sizeof head);
      if (part->file_size > 0)
        memcpy (travel.firmware + travel.firmware_size, image->blob.data + part->offset,
                part->file_size);
      travel.firmware_size += (uint32_t) part->file_size;
    }
  travel.n_parts = 3 * n;
  return true;
}

static uint32_t
needed (const void *self)
{
  const struct travel *t = self;
  return gwt_capability (GWT_CAP_X_MANIFEST) && t->machine != NULL;
}

static int
pre_save (void *self, struct gwt_error *err)
{
  struct gwt_boot *boot = travel.machine->boot;
  clear ();
  gwt_boot_sum (boot);
  travel.flags = (boot->has_firmware ? HAS_FIRMWARE : 0)
                 | (boot->keeps_seed || travel.machine->config.dtb != NULL ? GIVEN_DTB : 0);
  memset (travel.name, 0, sizeof travel.name);
  g_autofree char *file
      = boot->firmware.file != NULL ? g_path_get_basename (boot->firmware.file) : NULL;
  if (file != NULL)
    g_strlcpy ((char *) travel.name, file, sizeof travel.name);
  memcpy (travel.others, boot->others, sizeof travel.others);
  travel.kernel = boot->has_kernel ? boot->kernel.low : 0;
  travel.initrd = boot->has_initrd ? boot->initrd.low : 0;
  travel.dtb_address = boot->dtb_address;
  travel.dtb = copy_of (boot->dtb.data, boot->dtb.size);
  travel.dtb_size = (uint32_t) boot->dtb.size;
  travel.reset = copy_of (boot->reset_code.data, boot->reset_code.size);
  travel.reset_size = (uint32_t) boot->reset_code.size;
  if (travel.dtb != NULL && travel.reset != NULL
      && (!boot->has_firmware || pack_firmware (&boot->firmware)))
    return 0;
  gwt_error_set (
      err, GWT_E_NO_MEMORY,
      "firmware of more than %u MiB, or no memory for it; use a smaller one, or turn the "
      "capability 'x-manifest' off",
      FIRMWARE_MAX >> 20);
  return -1;
}

/* ---- arriving -------------------------------------------------------------------------------- */

static bool
lies_inside (const struct gwt_image_space *ram, uint64_t address, uint64_t size)
{
  return address >= ram->base && address - ram->base <= ram->size
         && size <= ram->size - (address - ram->base);
}

/* Firmware that came, as an image of ours; false with ERR set. */
static bool
unpack_firmware (const struct travel *t, const struct gwt_boot *boot, struct gwt_image *image,
                 struct gwt_error *err)
{
  uint64_t at = 0;
  image->parts = g_array_new (FALSE, FALSE, sizeof (struct gwt_image_part));
  image->low = UINT64_MAX;
  for (uint32_t i = 0; i < t->n_parts; i += 3)
    {
      const uint64_t *head = t->parts + i;
      struct gwt_image_part part = { head[0], at, head[1], head[2] };
      if (part.file_size > part.memory_size || part.file_size > t->firmware_size - at
          || !lies_inside (&boot->ram, part.address, part.memory_size))
        {
          gwt_error_set (err, GWT_E_INVALID,
                         "part %u of the firmware, %" G_GUINT64_FORMAT
                         " bytes at 0x%" G_GINT64_MODIFIER "x, lies outside of RAM",
                         i / 3, part.memory_size, part.address);
          return false;
        }
      at += part.file_size;
      image->low = MIN (image->low, part.address);
      image->high = MAX (image->high, part.address + part.memory_size);
      g_array_append_val (image->parts, part);
    }
  if (at != t->firmware_size || t->n_parts % 3 != 0 || t->n_parts == 0)
    {
      gwt_error_set (err, GWT_E_INVALID, "the firmware's parts are not all of it");
      return false;
    }
  image->kind = GWT_IMAGE_ELF;
  image->entry = image->low;
  return gwt_blob_copy (&image->blob, t->firmware, t->firmware_size, err);
}

static bool
check_rest (const struct travel *t, const struct gwt_machine *machine, struct gwt_error *err)
{
  const struct gwt_board_rom *rom = gwt_board_rom (machine->board, machine->board->boot_rom);
  if (memchr (t->name, '\0', NAME_BYTES) == NULL)
    gwt_error_set (err, GWT_E_INVALID, "the firmware's name has no end");
  else if ((t->flags & ~(uint32_t) (HAS_FIRMWARE | GIVEN_DTB)) != 0)
    gwt_error_set (err, GWT_E_UNSUPPORTED, "flags 0x%x; there are none like that", t->flags);
  else if (t->reset_size > rom->size)
    gwt_error_set (err, GWT_E_RANGE, "reset code of %u bytes; the ROM has %" G_GUINT64_FORMAT,
                   t->reset_size, rom->size);
  else if (t->dtb_size < sizeof (struct fdt_header)
           || fdt_check_full (t->dtb, t->dtb_size) != 0
           || !lies_inside (&machine->boot->ram, t->dtb_address, t->dtb_size))
    gwt_error_set (err, GWT_E_INVALID, "the device tree is damaged, or lies outside of RAM");
  return !gwt_error_is_set (err);
}

static bool
can_move (const struct gwt_boot *boot, const struct gwt_image *image, bool there, uint64_t to)
{
  return !there || lies_inside (&boot->ram, to, image->high - image->low);
}

static void
move (struct gwt_image *image, bool there, uint64_t to)
{
  for (guint i = 0; there && i < image->parts->len; i++)
    g_array_index (image->parts, struct gwt_image_part, i).address += to - image->low;
  if (!there)
    return;
  image->entry += to - image->low;
  image->high += to - image->low;
  image->low = to;
}

static void
clear_pending (void)
{
  gwt_image_clear (&pending.image);
  gwt_blob_free (&pending.dtb);
  gwt_blob_free (&pending.reset);
  memset (&pending, 0, sizeof pending);
}

/* All of the stream is there: it takes the place of what this end would have started. */
static void
loaded (void *self, uint32_t version)
{
  const struct travel *t = self;
  struct gwt_boot *boot = travel.machine->boot;
  (void) version;
  if (!pending.there)
    return;
  gwt_image_clear (&boot->firmware);
  boot->has_firmware = t->flags & HAS_FIRMWARE;
  boot->firmware = pending.image;
  gwt_blob_free (&boot->dtb);
  boot->dtb = pending.dtb;
  gwt_blob_free (&boot->reset_code);
  boot->reset_code = pending.reset;
  memset (&pending, 0, sizeof pending);
  move (&boot->kernel, boot->has_kernel, t->kernel);
  move (&boot->initrd, boot->has_initrd, t->initrd);
  boot->dtb_address = t->dtb_address;
  boot->keeps_seed = t->flags & GIVEN_DTB;
}

static int
post_load (void *self, uint32_t version, struct gwt_error *err)
{
  const struct travel *t = self; /* the staged one */
  struct gwt_machine *machine = travel.machine;
  (void) version;
  clear_pending ();
  if (machine == NULL || !check_rest (t, machine, err))
    return -1;
  gwt_boot_sum (machine->boot);
  if (memcmp (machine->boot->others, t->others, sizeof t->others) != 0)
    {
      gwt_log (GWT_LOG_WARN, "the guest was started with another -kernel or -initrd than this end; "
                             "after a reset it starts what this end has");
      return 0;
    }
  if (!can_move (machine->boot, &machine->boot->kernel, machine->boot->has_kernel, t->kernel)
      || !can_move (machine->boot, &machine->boot->initrd, machine->boot->has_initrd, t->initrd))
    {
      gwt_error_set (err, GWT_E_INVALID, "the kernel or the initrd lies outside of RAM");
      return -1;
    }
  pending.image.file = gwt_one_line ((const char *) t->name);
  pending.image.what = g_strdup_printf ("firmware '%s' of the guest", pending.image.file);
  pending.there
      = ((t->flags & HAS_FIRMWARE) == 0 || unpack_firmware (t, machine->boot, &pending.image, err))
        && gwt_blob_copy (&pending.dtb, t->dtb, t->dtb_size, err)
        && gwt_blob_copy (&pending.reset, t->reset, t->reset_size, err);
  return pending.there ? 0 : -1;
}

static const struct gwt_vm_field fields[] = {
  GWT_VM_VALUE (struct travel, flags),
  GWT_VM_BYTES (struct travel, name),
  GWT_VM_ARRAY (struct travel, others),
  GWT_VM_VALUE (struct travel, kernel),
  GWT_VM_VALUE (struct travel, initrd),
  GWT_VM_VALUE (struct travel, dtb_address),
  GWT_VM_VALUE (struct travel, n_parts, .max = 3 * PARTS_MAX),
  GWT_VM_ALLOCATED (struct travel, parts, n_parts, 3 * PARTS_MAX),
  GWT_VM_VALUE (struct travel, firmware_size, .max = FIRMWARE_MAX),
  GWT_VM_BYTES_ALLOCATED (struct travel, firmware, firmware_size, FIRMWARE_MAX),
  GWT_VM_VALUE (struct travel, dtb_size, .max = GWT_FDT_SIZE_MAX),
  GWT_VM_BYTES_ALLOCATED (struct travel, dtb, dtb_size, GWT_FDT_SIZE_MAX),
  GWT_VM_VALUE (struct travel, reset_size, .max = RESET_MAX),
  GWT_VM_BYTES_ALLOCATED (struct travel, reset, reset_size, RESET_MAX),
  GWT_VM_COMPUTED (struct travel, machine),
};
static const struct gwt_vmstate schema
    = GWT_VMSTATE (struct travel, "firmware", 1, 1, fields, .needed = needed, .pre_save = pre_save,
                   .post_load = post_load, .loaded = loaded);

bool
gwt_boot_travel_begin (struct gwt_machine *machine, struct gwt_error *err)
{
  const struct gwt_schema *judged = gwt_schema_of (&schema, err);
  gwt_boot_travel_end (travel.machine);
  if (judged == NULL)
    return false;
  entry = gwt_entry_add (NULL, judged, &travel, NULL, 0, err);
  travel.machine = machine;
  /* Now, and not while the guest stands. */
  if (machine->config.awaits)
    gwt_boot_sum (machine->boot);
  return entry != NULL;
}

void
gwt_boot_travel_end (const struct gwt_machine *machine)
{
  if (machine == NULL || travel.machine != machine)
    return;
  g_clear_pointer (&entry, gwt_entry_remove);
  travel.machine = NULL;
  clear ();
  clear_pending ();
}
