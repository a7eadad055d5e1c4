/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parallel NOR flash with the Intel command set and the common flash interface (CFI), after the
 * data sheet of the Intel StrataFlash J3 and JEDEC JESD68.01: one bank of equal chips side by side
 * that get every command together.
 *
 * While it is an array it is memory, read and executed directly; any command takes it out of that.
 * A bank without an image is blank and stays unfilled until the guest programs it, since filling 32
 * MiB with ones would cost every start of a machine that never looks.
 *
 * With a `drive` what is programmed and erased is written there before the command is over; the
 * vCPU waits, as it would for the chip.  Without one it lasts until the machine ends, and the file
 * `image` is never written.
 */
#include "cfi-flash.h"

#include <string.h>

#define MAX_SIZE 0x10000000u
#define BUFFER_LOG2 11   /* of one chip */

#define STATUS_LOCKED 0x02
#define STATUS_PROGRAM_ERROR 0x10
#define STATUS_ERASE_ERROR 0x20
#define STATUS_READY 0x80

/* First cycles (data sheet, table "command bus operations"). */
#define CMD_ARRAY_0 0x00 /* not in the data sheet; state of a new device */
#define CMD_LOCK_BLOCK 0x01
#define CMD_PROGRAM_ALT 0x10
#define CMD_ERASE 0x20
#define CMD_PROGRAM 0x40
#define CMD_CLEAR_STATUS 0x50
#define CMD_LOCK_SETUP 0x60
#define CMD_READ_STATUS 0x70
#define CMD_READ_ID 0x90
#define CMD_CFI_QUERY 0x98
#define CMD_SUSPEND 0xb0
#define CMD_CONFIRM 0xd0 /* also: resume */
#define CMD_WRITE_BUFFER 0xe8
#define CMD_ARRAY 0xff

/* Where a command that takes several cycles stands: cfi.wcycle. */
#define CYCLE_COMMAND 0
#define CYCLE_SECOND 1 /* data of a program, count of a buffer, confirmation of the others */
#define CYCLE_BUFFER 2
#define CYCLE_CONFIRM 3

const struct gwt_host *flash_host;
const struct gwt_memory_api *flash_memory;
const struct gwt_block_api *flash_block;
const struct gwt_clock_api *flash_clocks;
static const struct gwt_device_api *devices;
static const struct gwt_fdt_api *fdt_api;

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct cfi_flash, drive, "drive", .flags = GWT_FIELD_HOST_ONLY,
                .doc = "block back end with the content, of exactly the bank's size"),
  GWT_PROP_ROW (struct cfi_flash, image, "image", .flags = GWT_FIELD_HOST_ONLY,
                .doc = "file with the initial content, of exactly the bank's size, never written"),
  GWT_PROP_ROW (struct cfi_flash, block, "block",
                .doc = "name of its memory block; none: the device's id"),
  GWT_PROP_ROW (struct cfi_flash, num_blocks, "num-blocks", .def = 128, .min = 1, .max = MAX_BLOCKS,
                .doc = "erase blocks in the bank"),
  GWT_PROP_ROW (struct cfi_flash, sector_length, "sector-length",
                .flags = GWT_FIELD_SIZE | GWT_FIELD_HEX, .def = 0x40000, .min = 0x1000,
                .max = 0x800000, .doc = "bytes in an erase block, over all chips"),
  GWT_PROP_ROW (struct cfi_flash, width, "width", .def = 4, .min = 1, .max = 4,
                .doc = "bytes on the bank's data bus"),
  GWT_PROP_ROW (struct cfi_flash, device_width, "device-width", .def = 2, .min = 1, .max = 4,
                .doc = "bytes on one chip's data bus"),
  GWT_PROP_ROW (struct cfi_flash, id[0], "manufacturer-id", .flags = GWT_FIELD_HEX, .def = 0x89,
                .max = 0xffff, .doc = "manufacturer code"),
  GWT_PROP_ROW (struct cfi_flash, id[1], "device-id", .flags = GWT_FIELD_HEX, .def = 0x18,
                .max = 0xffff, .doc = "device code"),
  GWT_STATE_ROW (struct cfi_flash, blank, "blank", .doc = "erased all over, nothing in its block"),
  GWT_STATE_ROW (struct cfi_flash, wcycle, "wcycle", .max = CYCLE_CONFIRM,
                 .doc = "bus cycle within the command"),
  GWT_STATE_ROW (struct cfi_flash, cmd, "cmd", .flags = GWT_FIELD_HEX, .doc = "command under way"),
  GWT_STATE_ROW (struct cfi_flash, status, "status", .flags = GWT_FIELD_HEX,
                 .doc = "status register"),
  GWT_HOST_ROW (struct cfi_flash, pad, "padding"),
  GWT_STATE_ROW (struct cfi_flash, counter, "counter", .max = BUFFER_SIZE,
                 .doc = "write-buffer cycles after the next"),
  GWT_STATE_ROW (struct cfi_flash, buffer_used, "buffer-used", .max = BUFFER_SIZE,
                 .doc = "bytes of the write buffer in use"),
  GWT_STATE_ROW (struct cfi_flash, buffer_offset, "buffer-offset", .flags = GWT_FIELD_HEX,
                 .max = MAX_SIZE, .doc = "where the write buffer goes"),
  GWT_STATE_ARRAY (struct cfi_flash, buffer, "buffer", .doc = "write buffer"),
  GWT_STATE_ARRAY (struct cfi_flash, locked, "locked", .doc = "lock bit per block"),
  GWT_HOST_ROW (struct cfi_flash, region, "handle of the host"),
  GWT_HOST_ROW (struct cfi_flash, array, "the memory block's address"),
  GWT_HOST_ROW (struct cfi_flash, size, "follows from num-blocks and sector-length"),
  GWT_HOST_ROW (struct cfi_flash, warned, "whether the log has a line about the guest already"),
  GWT_HOST_ROW (struct cfi_flash, cfi, "follows from the properties"),
  GWT_HOST_ROW (struct cfi_flash, read_only, "follows from the drive"),
  GWT_HOST_ROW (struct cfi_flash, save_failed, "whether the log has a line about it already"),
  GWT_HOST_ROW (struct cfi_flash, pad_2, "padding"),
  GWT_HOST_ROW (struct cfi_flash, grain, "follows from the drive"),
  GWT_HOST_ROW (struct cfi_flash, pad_3, "padding"),
  GWT_HOST_ROW (struct cfi_flash, transfer, "only during an access"),
  GWT_HOST_ROW (struct cfi_flash, syncing, "set by a load"),
  GWT_HOST_ROW (struct cfi_flash, synced, "the drive is compared with the content after a load"),
  GWT_HOST_ROW (struct cfi_flash, compared, "memory for that"),
  GWT_HOST_ROW (struct cfi_flash, differs, "whether the log has a line about it already"),
  GWT_HOST_ROW (struct cfi_flash, pad_4, "padding"),
};

static void
warn_once (struct cfi_flash *f, const char *what, uint64_t value)
{
  if (f->warned)
    return;
  f->warned = true;
  flash_host->log (GWT_LOG_GUEST, "cfi-flash: %s 0x%llx", what, (unsigned long long) value);
}

/* ---- modes ----------------------------------------------------------------------------------- */

static bool
is_array (uint8_t cmd)
{
  return cmd == CMD_ARRAY_0 || cmd == CMD_ARRAY;
}

/* Every change of the command goes through here, so that memory is direct exactly when it is an
   array with content. */
static void
set_mode (struct cfi_flash *f, uint8_t cmd)
{
  bool was = is_array (f->cmd) && !f->blank, is = is_array (cmd) && !f->blank;

  f->cmd = cmd;
  f->wcycle = CYCLE_COMMAND;
  if (was != is)
    flash_memory->set_direct (f->region, is);
}

/* One chip's answer on the data bus of the whole bank. */
static uint64_t
side_by_side (const struct cfi_flash *f, uint32_t value)
{
  uint64_t bus = 0;
  uint32_t i;

  for (i = 0; i < 8; i += f->device_width)
    bus |= (uint64_t) value << 8 * i;
  return bus;
}

static bool
is_locked (const struct cfi_flash *f, uint64_t offset)
{
  uint64_t b = offset / f->sector_length;

  return f->locked[b / 8] >> b % 8 & 1;
}

static bool
is_protected (struct cfi_flash *f, uint64_t offset, uint8_t bit)
{
  if (is_locked (f, offset))
    f->status |= bit | STATUS_LOCKED;
  else if (f->read_only)
    f->status |= bit;
  else
    return false;
  return true;
}

/* ---- array ----------------------------------------------------------------------------------- */

static void
fill (struct cfi_flash *f)
{
  if (!f->blank)
    return;
  memset (f->array, 0xff, f->size);
  flash_memory->mark_dirty (f->region, 0, f->size);
  f->blank = false;
}

/* Programming turns ones into zeros and never back. */
static void
program (struct cfi_flash *f, uint64_t offset, const uint8_t *data, uint64_t size)
{
  uint64_t i;

  if (offset >= f->size || size > f->size - offset)
    return;
  if (is_protected (f, offset, STATUS_PROGRAM_ERROR))
    return;
  fill (f);
  for (i = 0; i < size; i++)
    f->array[offset + i] &= data[i];
  flash_memory->mark_dirty (f->region, offset, size);
  flash_save (f, offset, size, STATUS_PROGRAM_ERROR);
}

static void
program_value (struct cfi_flash *f, uint64_t offset, uint64_t value, uint32_t size)
{
  uint8_t data[8];
  uint32_t i;

  for (i = 0; i < size; i++)
    data[i] = (uint8_t) (value >> 8 * i);
  program (f, offset, data, size);
}

static void
erase (struct cfi_flash *f, uint64_t offset)
{
  offset -= offset % f->sector_length;
  if (is_protected (f, offset, STATUS_ERASE_ERROR))
    return;
  if (f->blank)
    return;
  memset (f->array + offset, 0xff, f->sector_length);
  flash_memory->mark_dirty (f->region, offset, f->sector_length);
  flash_save (f, offset, f->sector_length, STATUS_ERASE_ERROR);
}

/* ---- reading --------------------------------------------------------------------------------- */

static uint64_t
read_array (const struct cfi_flash *f, uint64_t offset, uint32_t size)
{
  uint64_t value = 0;
  uint32_t i;

  if (f->blank)
    return UINT64_MAX >> (64 - 8 * size);
  for (i = 0; i < size; i++)
    value |= (uint64_t) f->array[offset + i] << 8 * i;
  return value;
}

static uint32_t
read_id (const struct cfi_flash *f, uint64_t offset)
{
  uint64_t word = offset / f->width;

  /* Addresses within the block: 0 manufacturer, 1 device, 2 the block's lock bit. */
  switch (word & 0xff)
    {
    case 0:
    case 1:
      return f->id[word & 1];
    case 2:
      return is_locked (f, offset);
    default:
      return 0;
    }
}

static uint32_t
flash_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct cfi_flash *f = self;
  uint64_t word = offset / f->width, bus;

  if (is_array (f->cmd))
    {
      *value = read_array (f, offset, size);
      return GWT_ACCESS_OK;
    }
  switch (f->cmd)
    {
    case CMD_READ_ID:
      bus = side_by_side (f, read_id (f, offset));
      break;
    case CMD_CFI_QUERY:
      bus = side_by_side (f, word < CFI_SIZE ? f->cfi[word] : 0);
      break;
    default:
      /* Every other command leaves the status register to be read. */
      bus = side_by_side (f, f->status);
      break;
    }
  *value = bus >> 8 * (offset % f->width);
  if (size < 8)
    *value &= ((uint64_t) 1 << 8 * size) - 1;
  return GWT_ACCESS_OK;
}

/* ---- commands -------------------------------------------------------------------------------- */

static void
first_cycle (struct cfi_flash *f, uint8_t cmd)
{
  switch (cmd)
    {
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALT:
    case CMD_ERASE:
    case CMD_LOCK_SETUP:
    case CMD_WRITE_BUFFER:
      set_mode (f, cmd);
      f->wcycle = CYCLE_SECOND;
      break;
    case CMD_CLEAR_STATUS:
      f->status = STATUS_READY;
      break;
    case CMD_READ_STATUS:
    case CMD_READ_ID:
    case CMD_CFI_QUERY:
      set_mode (f, cmd);
      break;
    case CMD_SUSPEND:
    case CMD_CONFIRM:
      /* Nothing is ever under way long enough to be suspended: the status says so. */
      set_mode (f, CMD_READ_STATUS);
      break;
    default:
      if (!is_array (cmd))
        warn_once (f, "unknown command", cmd);
      set_mode (f, CMD_ARRAY);
      break;
    }
}

/* A command whose second cycle does not belong to it: both error bits (data sheet, "status register
   definitions": improper command sequence). */
static void
bad_sequence (struct cfi_flash *f, uint64_t value)
{
  warn_once (f, "improper command sequence, written value", value);
  f->status |= STATUS_PROGRAM_ERROR | STATUS_ERASE_ERROR;
  set_mode (f, CMD_READ_STATUS);
}

static void
lock_command (struct cfi_flash *f, uint64_t offset, uint8_t cmd)
{
  uint64_t b = offset / f->sector_length;

  switch (cmd)
    {
    case CMD_LOCK_BLOCK:
      f->locked[b / 8] |= (uint8_t) (1 << b % 8);
      break;
    case CMD_CONFIRM:
      /* Clear Block Lock-Bits has no address: it clears them all. */
      memset (f->locked, 0, sizeof f->locked);
      break;
    default:
      bad_sequence (f, cmd);
      return;
    }
  set_mode (f, CMD_READ_STATUS);
}

static void
buffer_begin (struct cfi_flash *f, uint64_t offset, uint64_t value)
{
  uint32_t chips = f->width / f->device_width;
  uint64_t count = (value & (((uint64_t) 1 << 8 * f->device_width) - 1)) + 1;

  if (count * f->device_width > 1u << BUFFER_LOG2 || count * f->width > BUFFER_SIZE || chips == 0)
    {
      bad_sequence (f, value);
      return;
    }
  f->counter = count - 1;
  f->buffer_offset = (uint32_t) (offset - offset % f->sector_length);
  f->buffer_used = 0;
  f->wcycle = CYCLE_BUFFER;
}

/* One bus cycle of data.  The first gives the start; all have to lie within one buffer's length of
   it and in the same block. */
static void
buffer_data (struct cfi_flash *f, uint64_t offset, uint64_t value, uint32_t size)
{
  uint64_t at;
  uint32_t i;

  if (f->buffer_used == 0)
    {
      f->buffer_offset = (uint32_t) offset;
      memset (f->buffer, 0xff, sizeof f->buffer);
    }
  if (offset < f->buffer_offset || offset - f->buffer_offset + size > BUFFER_SIZE
      || (offset + size - 1) / f->sector_length != f->buffer_offset / f->sector_length)
    {
      bad_sequence (f, value);
      return;
    }
  at = offset - f->buffer_offset;
  for (i = 0; i < size; i++)
    f->buffer[at + i] = (uint8_t) (value >> 8 * i);
  if (at + size > f->buffer_used)
    f->buffer_used = (uint32_t) at + size;
  if (f->counter == 0)
    f->wcycle = CYCLE_CONFIRM;
  else
    f->counter--;
}

static uint32_t
flash_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct cfi_flash *f = self;
  /* Chips side by side get the same command; the lowest one's is looked at. */
  uint8_t cmd = (uint8_t) value;

  switch (f->wcycle)
    {
    case CYCLE_COMMAND:
      first_cycle (f, cmd);
      break;
    case CYCLE_SECOND:
      switch (f->cmd)
        {
        case CMD_PROGRAM:
        case CMD_PROGRAM_ALT:
          program_value (f, offset, value, size);
          set_mode (f, CMD_READ_STATUS);
          break;
        case CMD_ERASE:
          if (cmd != CMD_CONFIRM)
            {
              bad_sequence (f, value);
              break;
            }
          erase (f, offset);
          set_mode (f, CMD_READ_STATUS);
          break;
        case CMD_LOCK_SETUP:
          lock_command (f, offset, cmd);
          break;
        case CMD_WRITE_BUFFER:
          buffer_begin (f, offset, value);
          break;
        default:
          bad_sequence (f, value);
          break;
        }
      break;
    case CYCLE_BUFFER:
      buffer_data (f, offset, value, size);
      break;
    default:
      if (cmd != CMD_CONFIRM)
        {
          bad_sequence (f, value);
          break;
        }
      program (f, f->buffer_offset, f->buffer, f->buffer_used);
      set_mode (f, CMD_READ_STATUS);
      break;
    }
  return GWT_ACCESS_OK;
}

static const struct gwt_mmio_ops flash_ops = {
  .struct_size = sizeof flash_ops,
  .min_size = 1,
  .max_size = 4,
  .read = flash_read,
  .write = flash_write,
};

/* ---- life ------------------------------------------------------------------------------------ */

static uint8_t
log2_of (uint64_t value)
{
  return (uint8_t) (63 - __builtin_clzll (value));
}

/* The query's answer of one chip, JESD68.01 and Intel's extended table behind it. */
static void
make_cfi (struct cfi_flash *f)
{
  uint32_t chips = f->width / f->device_width;
  uint32_t block = f->sector_length / chips / 256, last = f->num_blocks - 1;
  /* clang-format off */
  static const uint8_t fixed[CFI_SIZE] = {
    [0x10] = 'Q', 'R', 'Y',
    [0x13] = 0x01, 0x00,       /* Intel/Sharp extended command set */
    [0x15] = 0x31, 0x00,       /* where its table is */
    [0x1b] = 0x27, 0x36,       /* Vcc 2.7 to 3.6 V */
    [0x1f] = 7, 7, 10, 0,      /* typical: word 128 us, buffer 128 us, block 1 s, no chip erase */
    [0x23] = 4, 4, 4, 0,       /* worst: 2^n times as much */
    [0x28] = 0x02, 0x00,       /* x8 and x16 */
    [0x2a] = BUFFER_LOG2, 0x00, /* write buffer */
    [0x2c] = 1,                /* one region of equal blocks */
    [0x31] = 'P', 'R', 'I', '1', '0',
    [0x36] = 0x08,             /* lock bits; no suspend, nothing takes time */
    [0x3b] = 0x01, 0x00,       /* of the block status: lock bit */
    [0x3d] = 0x33,             /* best Vcc 3.3 V */
  };
  /* clang-format on */

  memcpy (f->cfi, fixed, sizeof f->cfi);
  f->cfi[0x27] = log2_of (f->size / chips);
  f->cfi[0x2d] = (uint8_t) last;
  f->cfi[0x2e] = (uint8_t) (last >> 8);
  f->cfi[0x2f] = (uint8_t) block;
  f->cfi[0x30] = (uint8_t) (block >> 8);
}

static int
check_geometry (struct cfi_flash *f, struct gwt_error *err)
{
  uint64_t size = (uint64_t) f->num_blocks * f->sector_length;
  uint32_t chips = f->device_width ? f->width / f->device_width : 0;

  if (f->width == 3 || f->device_width == 3 || chips == 0)
    {
      flash_host->error_set (err, GWT_E_INVALID,
                       "device-width %u does not divide width %u; use 1, 2 or 4, and width at "
                       "least device-width",
                       f->device_width, f->width);
      return -1;
    }
  if ((f->sector_length & (f->sector_length - 1)) != 0 || (size & (size - 1)) != 0
      || size > MAX_SIZE)
    {
      flash_host->error_set (
          err, GWT_E_INVALID,
          "%u blocks of 0x%x bytes are no flash; use powers of two, 256M in all at the "
          "most",
          f->num_blocks, f->sector_length);
      return -1;
    }
  f->size = (uint32_t) size;
  return 0;
}

static int
flash_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct cfi_flash *f = self;

  if (f->block == NULL || *f->block == 0)
    f->block = devices->id (device);
  if (check_geometry (f, err) < 0)
    return -1;
  f->region
      = flash_memory->ram_device (device, f->block, f->size, GWT_RAM_MIGRATED, &flash_ops, err);
  if (f->region == NULL)
    return -1;
  f->array = flash_memory->host (f->region);
  f->blank = f->drive == NULL && (f->image == NULL || *f->image == 0);
  if (f->drive ? flash_open_drive (f, device, err) < 0 : !f->blank && flash_load_image (f, err) < 0)
    return -1;
  if (flash_sync_begin (f, device, err) < 0)
    return -1;
  make_cfi (f);
  f->cmd = CMD_ARRAY;
  flash_memory->set_direct (f->region, !f->blank);
  return 0;
}

static void
flash_unrealize (void *self)
{
  struct cfi_flash *f = self;

  flash_close_drive (f);
}

static void
flash_reset (void *self, uint32_t kind)
{
  struct cfi_flash *f = self;

  (void) kind;
  /* Content and lock bits are non-volatile. */
  set_mode (f, CMD_ARRAY);
  f->status = STATUS_READY;
  f->counter = 0;
  f->buffer_used = 0;
  f->buffer_offset = 0;
}

/* ---- state on the wire ----------------------------------------------------------------------- */

/* The content goes along as memory, under the name of its block. */

static uint32_t
blank_needed (const void *self)
{
  return ((const struct cfi_flash *) self)->blank;
}

static uint32_t
buffer_needed (const void *self)
{
  return ((const struct cfi_flash *) self)->wcycle >= CYCLE_BUFFER;
}

static uint32_t
locked_needed (const void *self)
{
  const struct cfi_flash *f = self;
  uint32_t i;

  for (i = 0; i < sizeof f->locked; i++)
    if (f->locked[i])
      return 1;
  return 0;
}

static int
flash_pre_load (void *self, struct gwt_error *err)
{
  struct cfi_flash *f = self;

  (void) err;
  f->blank = false;
  f->buffer_used = 0;
  f->buffer_offset = 0;
  memset (f->buffer, 0xff, sizeof f->buffer);
  memset (f->locked, 0, sizeof f->locked);
  return 0;
}

static bool
has_cycles (uint8_t cmd)
{
  return cmd == CMD_PROGRAM || cmd == CMD_PROGRAM_ALT || cmd == CMD_ERASE || cmd == CMD_LOCK_SETUP
         || cmd == CMD_WRITE_BUFFER;
}

static int
flash_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct cfi_flash *f = self;
  uint32_t block;

  (void) version;
  if (f->wcycle != CYCLE_COMMAND
      && (!has_cycles (f->cmd) || (f->wcycle > CYCLE_SECOND && f->cmd != CMD_WRITE_BUFFER)))
    flash_host->error_set (err, GWT_E_INVALID, "command 0x%02x is never in bus cycle %u", f->cmd,
                           f->wcycle);
  else if (f->buffer_offset >= f->size || f->buffer_used > f->size - f->buffer_offset)
    flash_host->error_set (err, GWT_E_RANGE,
                           "the write buffer's %u bytes at 0x%x lie outside the bank of 0x%x",
                           f->buffer_used, f->buffer_offset, f->size);
  else
    {
      for (block = f->num_blocks; block < MAX_BLOCKS; block++)
        if (f->locked[block / 8] >> block % 8 & 1)
          {
            flash_host->error_set (err, GWT_E_RANGE,
                                   "block %u is locked, and the bank has %u; make num-blocks the "
                                   "same at both ends",
                                   block, f->num_blocks);
            return -1;
          }
      return 0;
    }
  return -1;
}

static void
flash_loaded (void *self, uint32_t version)
{
  struct cfi_flash *f = self;

  (void) version;
  /* A drive has no such thing as not being filled. */
  if (f->drive != NULL)
    fill (f);
  flash_memory->set_direct (f->region, is_array (f->cmd) && !f->blank);
  flash_sync (f);
}

static const struct gwt_vm_field blank_fields[] = { GWT_VM_VALUE (struct cfi_flash, blank) };
static const struct gwt_vmstate blank_state
    = GWT_VMSTATE (struct cfi_flash, "pflash_cfi01/blank", 1, 1, blank_fields,
                   .needed = blank_needed);
static const struct gwt_vm_field buffer_fields[] = {
  GWT_VM_VALUE (struct cfi_flash, buffer_offset, .max = MAX_SIZE),
  GWT_VM_VALUE (struct cfi_flash, buffer_used, .max = BUFFER_SIZE),
  GWT_VM_BYTES (struct cfi_flash, buffer),
};
static const struct gwt_vmstate buffer_state
    = GWT_VMSTATE (struct cfi_flash, "pflash_cfi01/buffer", 1, 1, buffer_fields,
                   .needed = buffer_needed);
static const struct gwt_vm_field locked_fields[] = { GWT_VM_BYTES (struct cfi_flash, locked) };
static const struct gwt_vmstate locked_state
    = GWT_VMSTATE (struct cfi_flash, "pflash_cfi01/locked", 1, 1, locked_fields,
                   .needed = locked_needed);
static const struct gwt_vmstate *const subsections[]
    = { &blank_state, &buffer_state, &locked_state, NULL };

static const struct gwt_vm_field state_fields[] = {
  GWT_VM_VALUE (struct cfi_flash, wcycle, .max = CYCLE_CONFIRM),
  GWT_VM_VALUE (struct cfi_flash, cmd),
  GWT_VM_VALUE (struct cfi_flash, status),
  GWT_VM_VALUE (struct cfi_flash, counter, .max = BUFFER_SIZE),
};
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct cfi_flash, "pflash_cfi01", 1, 1, state_fields,
                   .subsections = subsections, .pre_load = flash_pre_load,
                   .post_load = flash_post_load, .loaded = flash_loaded);
static const struct gwt_vmstate *const states[] = { &state, NULL };

static int
flash_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err)
{
  const struct cfi_flash *f = self;

  (void) err;
  fdt_api->string (fdt, "compatible", "cfi-flash");
  fdt_api->u32 (fdt, "bank-width", f->width);
  return 0;
}

static const struct gwt_device_type flash_type = {
  .struct_size = sizeof flash_type,
  .name = "cfi-flash",
  .doc = "parallel NOR flash bank, Intel command set",
  .instance_size = sizeof (struct cfi_flash),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .fdt_name = "flash",
  .realize = flash_realize,
  .unrealize = flash_unrealize,
  .reset = flash_reset,
  .describe = flash_describe,
  .states = states,
};

static int
flash_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void) err;
  devices = h->extension (GWT_DEVICE_EXT);
  flash_memory = h->extension (GWT_MEMORY_EXT);
  fdt_api = h->extension (GWT_FDT_EXT);
  flash_block = h->extension (GWT_BLOCK_EXT);
  flash_clocks = h->extension (GWT_CLOCK_EXT);
  return 0;
}

static const char *const required[]
    = { GWT_CLOCK_EXT, GWT_DEVICE_EXT, GWT_MEMORY_EXT, GWT_FDT_EXT, NULL };
/* No property of kind block is set where nobody offers it. */
static const char *const wanted[] = { GWT_BLOCK_EXT, NULL };
static const struct gwt_device_type *const types[] = { &flash_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "cfi-flash",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "parallel NOR flash",
  .required = required,
  .wanted = wanted,
  .types = types,
  .start = flash_start,
};

GWT_PLUGIN_DEFINE ("cfi-flash", GODWIT_PLUGIN_VERSION, "cfi-flash", plugin, flash_host)
