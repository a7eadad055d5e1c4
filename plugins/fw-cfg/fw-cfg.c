/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware configuration device: numbered items of bytes that firmware and kernel read through a
 * selector and a data register, or by DMA.  Layout and bits after the fw_cfg text in the Linux and
 * QEMU documentation ("QEMU Firmware Configuration (fw_cfg) Device").
 *
 * It must not know what the items mean: whoever boots the machine adds them ("gwt.fw-cfg/1").
 */
#include <godwit/godwit.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 0x18
#define REG_DATA 0x0 /* eight bytes: the next bytes of the item in memory order */
#define REG_SELECTOR 0x8
#define REG_DMA 0x10 /* R: signature; W: address of a control structure, low half starts it */

#define KEY_SIGNATURE 0x0000
#define KEY_ID 0x0001
#define KEY_FILE_DIR 0x0019
#define KEY_FILE_FIRST 0x0020
#define KEY_MASK 0x3fff
#define KEY_WRITE 0x4000 /* of old interfaces; changes nothing */
#define KEY_ARCH 0x8000
#define KEY_NONE 0xffff

#define ID_TRADITIONAL 1
#define ID_DMA 2

#define DMA_ERROR 0x01
#define DMA_READ 0x02
#define DMA_SKIP 0x04
#define DMA_SELECT 0x08
#define DMA_WRITE 0x10

#define DMA_SIGNATURE 0x51454d5520434647ull /* "QEMU CFG" */

#define FILE_NAME_SIZE 56
#define FILE_ENTRY_SIZE 64

static const struct gwt_host *host;
static const struct gwt_memory_api *memory;
static const struct gwt_fdt_api *fdt_api;

struct item
{
  uint8_t *data;
  uint64_t size;
  char name[FILE_NAME_SIZE]; /* of a file; else empty */
  uint32_t key;
  uint32_t is_file;
};

struct fw_cfg
{
  bool dma;
  uint8_t pad;
  uint16_t file_slots;

  uint16_t cur_entry;
  uint16_t pad_2;
  uint32_t cur_offset;
  uint32_t num_files;
  uint64_t dma_addr;

  struct gwt_device *device;
  struct item *items; /* fixed ones, and files in the order of their names */
  uint64_t num_items;
  uint8_t *directory;
  bool warned;
  uint8_t pad_3[7];
};

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct fw_cfg, dma, "dma", .def = 1, .doc = "offer the DMA interface"),
  GWT_HOST_ROW (struct fw_cfg, pad, "padding"),
  GWT_PROP_ROW (struct fw_cfg, file_slots, "file-slots", .def = 32, .min = 1, .max = 0x1000,
                .doc = "how many named files there can be"),
  GWT_STATE_ROW (struct fw_cfg, cur_entry, "cur-entry", .doc = "selected key"),
  GWT_HOST_ROW (struct fw_cfg, pad_2, "padding"),
  GWT_STATE_ROW (struct fw_cfg, cur_offset, "cur-offset", .doc = "next byte of the selected item"),
  GWT_HOST_ROW (struct fw_cfg, num_files, "content comes from whoever boots the machine"),
  GWT_STATE_ROW (struct fw_cfg, dma_addr, "dma-addr", .flags = GWT_FIELD_HEX,
                 .doc = "half-written address of a DMA control structure"),
  GWT_HOST_ROW (struct fw_cfg, device, "handle of the host"),
  GWT_HOST_ROW (struct fw_cfg, items, "content comes from whoever boots the machine"),
  GWT_HOST_ROW (struct fw_cfg, num_items, "content comes from whoever boots the machine"),
  GWT_HOST_ROW (struct fw_cfg, directory, "follows from the files"),
  GWT_HOST_ROW (struct fw_cfg, warned, "whether the log has a line about the guest already"),
  GWT_HOST_ROW (struct fw_cfg, pad_3, "padding"),
};

static void
warn_once (struct fw_cfg *f, const char *what, uint64_t value)
{
  if (f->warned)
    return;
  f->warned = true;
  host->log (GWT_LOG_GUEST, "fw-cfg: %s 0x%llx", what, (unsigned long long) value);
}

static void
put_be32 (uint8_t *to, uint32_t value)
{
  to[0] = (uint8_t) (value >> 24);
  to[1] = (uint8_t) (value >> 16);
  to[2] = (uint8_t) (value >> 8);
  to[3] = (uint8_t) value;
}

static uint32_t
get_be32 (const uint8_t *from)
{
  return (uint32_t) from[0] << 24 | (uint32_t) from[1] << 16 | (uint32_t) from[2] << 8 | from[3];
}

/* ---- items ----------------------------------------------------------------------------------- */

static struct item *
find_key (const struct fw_cfg *f, uint32_t key)
{
  uint64_t i;

  for (i = 0; i < f->num_items; i++)
    if (f->items[i].key == key)
      return &f->items[i];
  return NULL;
}

/* The directory names files in the order of their names, which is also the order of their keys, so
   that a guest finds the same keys whatever the order in which they were added. */
static void
number_files (struct fw_cfg *f)
{
  uint32_t n = 0;
  uint64_t i;

  put_be32 (f->directory, f->num_files);
  for (i = 0; i < f->num_items; i++)
    {
      struct item *it = &f->items[i];
      uint8_t *entry = f->directory + 4 + (size_t) n * FILE_ENTRY_SIZE;

      if (!it->is_file)
        continue;
      it->key = KEY_FILE_FIRST + n++;
      put_be32 (entry, (uint32_t) it->size);
      entry[4] = (uint8_t) (it->key >> 8);
      entry[5] = (uint8_t) it->key;
      entry[6] = entry[7] = 0;
      memcpy (entry + 8, it->name, FILE_NAME_SIZE);
    }
}

/* Room for one more item at INDEX with a copy of DATA; NULL with ERR set where memory is short. */
static struct item *
insert_item (struct fw_cfg *f, uint64_t index, const void *data, uint64_t size,
             struct gwt_error *err)
{
  struct item *items;
  uint8_t *copy;

  if (f->directory == NULL)
    {
      host->error_set (err, GWT_E_FAILED, "the device is not realized; add items later");
      return NULL;
    }
  if (size > UINT32_MAX)
    {
      host->error_set (err, GWT_E_RANGE, "an item of %llu bytes is too large; use less than 4 GiB",
                       (unsigned long long) size);
      return NULL;
    }
  copy = malloc (size ? size : 1);
  items = copy ? realloc (f->items, (f->num_items + 1) * sizeof f->items[0]) : NULL;
  if (items == NULL)
    {
      free (copy);
      host->error_set (err, GWT_E_NO_MEMORY,
                       "no memory for an item of %llu bytes; free some or use a smaller file",
                       (unsigned long long) size);
      return NULL;
    }
  if (size)
    memcpy (copy, data, size);
  memmove (items + index + 1, items + index, (f->num_items - index) * sizeof items[0]);
  memset (&items[index], 0, sizeof items[0]);
  items[index].data = copy;
  items[index].size = size;
  f->items = items;
  f->num_items++;
  return &items[index];
}

static int
fw_cfg_add_item (void *self, uint32_t key, const void *data, uint64_t size, struct gwt_error *err)
{
  struct fw_cfg *f = self;
  struct item *it;

  if ((key & ~(uint32_t) KEY_ARCH) > KEY_MASK
      || (key >= KEY_FILE_FIRST && key < KEY_FILE_FIRST + (uint32_t) f->file_slots))
    {
      host->error_set (err, GWT_E_RANGE,
                       "key 0x%x is none for a fixed item; use 0 to 0x1f or 0x%x to 0x%x", key,
                       KEY_FILE_FIRST + (uint32_t) f->file_slots, KEY_MASK);
      return -1;
    }
  if (key == KEY_FILE_DIR || find_key (f, key))
    {
      host->error_set (err, GWT_E_EXISTS, "key 0x%x is taken; use another", key);
      return -1;
    }
  it = insert_item (f, f->num_items, data, size, err);
  if (it == NULL)
    return -1;
  it->key = key;
  return 0;
}

static int
fw_cfg_add_file (void *self, const char *name, const void *data, uint64_t size,
                 struct gwt_error *err)
{
  struct fw_cfg *f = self;
  size_t length = strlen (name);
  struct item *it;
  uint64_t i;

  if (length == 0 || length >= FILE_NAME_SIZE)
    {
      host->error_set (err, GWT_E_RANGE, "file name '%s' has %zu characters; use 1 to %d", name,
                       length, FILE_NAME_SIZE - 1);
      return -1;
    }
  if (f->num_files >= f->file_slots)
    {
      host->error_set (err, GWT_E_RANGE, "file '%s' is one too many; raise file-slots above %u",
                       name, (unsigned) f->file_slots);
      return -1;
    }
  for (i = 0; i < f->num_items; i++)
    if (f->items[i].is_file)
      {
        int order = strcmp (name, f->items[i].name);

        if (order == 0)
          {
            host->error_set (err, GWT_E_EXISTS, "file '%s' is there already; use another name",
                             name);
            return -1;
          }
        if (order < 0)
          break;
      }
  it = insert_item (f, i, data, size, err);
  if (it == NULL)
    return -1;
  it->is_file = 1;
  memcpy (it->name, name, length + 1);
  f->num_files++;
  number_files (f);
  return 0;
}

static const struct gwt_fwcfg_ops fw_cfg_interface = {
  .struct_size = sizeof fw_cfg_interface,
  .add_item = fw_cfg_add_item,
  .add_file = fw_cfg_add_file,
};

/* ---- reading --------------------------------------------------------------------------------- */

static void
select_key (struct fw_cfg *f, uint32_t key)
{
  f->cur_offset = 0;
  key &= ~(uint32_t) KEY_WRITE;
  if (key != KEY_FILE_DIR && find_key (f, key) == NULL)
    key = KEY_NONE;
  f->cur_entry = (uint16_t) key;
}

/* The selected item's bytes; SIZE 0 where none is selected. */
static const uint8_t *
current (const struct fw_cfg *f, uint64_t *size)
{
  const struct item *it;

  *size = 0;
  if (f->cur_entry == KEY_FILE_DIR)
    {
      *size = 4 + (uint64_t) f->num_files * FILE_ENTRY_SIZE;
      return f->directory;
    }
  it = f->cur_entry == KEY_NONE ? NULL : find_key (f, f->cur_entry);
  if (it == NULL)
    return NULL;
  *size = it->size;
  return it->data;
}

/* What is left of the selected item, at most WANTED bytes of it. */
static const uint8_t *
next_bytes (const struct fw_cfg *f, uint64_t wanted, uint64_t *size)
{
  const uint8_t *data = current (f, size);

  *size = f->cur_offset < *size ? *size - f->cur_offset : 0;
  if (*size > wanted)
    *size = wanted;
  return *size ? data + f->cur_offset : NULL;
}

static uint64_t
read_data (struct fw_cfg *f, uint32_t size)
{
  uint64_t there, value = 0, i;
  const uint8_t *data = next_bytes (f, size, &there);

  /* Behind the end it reads as zeros.  In memory order: the lowest address is the first byte. */
  for (i = 0; i < there; i++)
    value |= (uint64_t) data[i] << 8 * i;
  f->cur_offset += (uint32_t) there;
  return value;
}

/* ---- DMA ------------------------------------------------------------------------------------- */

static uint32_t
dma_zero (struct fw_cfg *f, uint64_t address, uint64_t size)
{
  static const uint8_t zeros[4096];
  uint32_t status = GWT_ACCESS_OK;

  while (size > 0 && status == GWT_ACCESS_OK)
    {
      uint64_t n = size < sizeof zeros ? size : sizeof zeros;

      status = memory->dma_write (f->device, address, zeros, n);
      address += n;
      size -= n;
    }
  return status;
}

static uint32_t
dma_transfer (struct fw_cfg *f, uint32_t control, uint32_t length, uint64_t address)
{
  uint64_t there;
  const uint8_t *data = next_bytes (f, length, &there);

  if (control & DMA_READ)
    {
      if (there && memory->dma_write (f->device, address, data, there) != GWT_ACCESS_OK)
        return DMA_ERROR;
      f->cur_offset += (uint32_t) there;
      if (dma_zero (f, address + there, length - there) != GWT_ACCESS_OK)
        return DMA_ERROR;
    }
  else if (control & DMA_WRITE)
    /* No item can be written. */
    return length ? DMA_ERROR : 0;
  else if (control & DMA_SKIP)
    f->cur_offset += (uint32_t) there;
  return 0;
}

/* Run the control structure at ADDRESS: be32 control, be32 length, be64 address; the result goes to
   its first word. */
static void
dma_run (struct fw_cfg *f, uint64_t address)
{
  uint8_t raw[16], answer[4];
  uint32_t control, result;

  if (memory->dma_read (f->device, address, raw, sizeof raw) != GWT_ACCESS_OK)
    {
      warn_once (f, "no DMA control structure at", address);
      result = DMA_ERROR;
    }
  else
    {
      control = get_be32 (raw);
      if (control & DMA_SELECT)
        select_key (f, control >> 16);
      result = dma_transfer (f, control, get_be32 (raw + 4),
                             (uint64_t) get_be32 (raw + 8) << 32 | get_be32 (raw + 12));
      if (result)
        warn_once (f, "failed DMA, control", control);
    }
  put_be32 (answer, result);
  /* Where even that cannot be written the guest has asked for nothing it could see. */
  (void) memory->dma_write (f->device, address, answer, sizeof answer);
}

/* ---- registers ------------------------------------------------------------------------------- */

/* The device is big-endian: a register's bytes stand in memory from high to low. */
static uint64_t
swap (uint64_t value, uint32_t size)
{
  return __builtin_bswap64 (value) >> (64 - 8 * size);
}

static uint32_t
fw_cfg_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct fw_cfg *f = self;

  if (offset < REG_SELECTOR)
    *value = read_data (f, size);
  else if (offset < REG_DMA || !f->dma)
    return GWT_ACCESS_ERROR;
  else
    *value = swap (DMA_SIGNATURE >> 8 * (8 - size - (offset - REG_DMA)), size);
  return GWT_ACCESS_OK;
}

static uint32_t
fw_cfg_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct fw_cfg *f = self;

  value = swap (value, size);
  if (offset < REG_SELECTOR)
    {
      warn_once (f, "a write to the data register is ignored, at", offset);
      return GWT_ACCESS_OK;
    }
  if (offset == REG_SELECTOR && size == 2)
    {
      select_key (f, (uint32_t) value);
      return GWT_ACCESS_OK;
    }
  if (!f->dma || offset < REG_DMA || size < 4)
    return GWT_ACCESS_ERROR;
  if (offset == REG_DMA && size == 4)
    {
      f->dma_addr = value << 32;
      return GWT_ACCESS_OK;
    }
  if (size == 4)
    value |= f->dma_addr;
  f->dma_addr = 0;
  dma_run (f, value);
  return GWT_ACCESS_OK;
}

static const struct gwt_mmio_ops fw_cfg_ops = {
  .struct_size = sizeof fw_cfg_ops,
  .min_size = 1,
  .max_size = 8,
  .read = fw_cfg_read,
  .write = fw_cfg_write,
};

/* ---- life ------------------------------------------------------------------------------------ */

static void
fw_cfg_unrealize (void *self)
{
  struct fw_cfg *f = self;
  uint64_t i;

  for (i = 0; i < f->num_items; i++)
    free (f->items[i].data);
  free (f->items);
  free (f->directory);
  f->items = NULL;
  f->directory = NULL;
  f->num_items = 0;
  f->num_files = 0;
}

static int
fw_cfg_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct fw_cfg *f = self;
  uint8_t id[4] = { (uint8_t) (ID_TRADITIONAL | (f->dma ? ID_DMA : 0)), 0, 0, 0 };

  f->device = device;
  f->directory = calloc (1, 4 + (size_t) f->file_slots * FILE_ENTRY_SIZE);
  if (f->directory == NULL)
    {
      host->error_set (err, GWT_E_NO_MEMORY, "no memory for %u files; lower file-slots",
                       (unsigned) f->file_slots);
      return -1;
    }
  if (fw_cfg_add_item (f, KEY_SIGNATURE, "QEMU", 4, err) < 0
      || fw_cfg_add_item (f, KEY_ID, id, sizeof id, err) < 0
      || memory->mmio (device, "fw-cfg", f->dma ? WINDOW : REG_DMA, &fw_cfg_ops, err) == NULL)
    {
      fw_cfg_unrealize (f);
      return -1;
    }
  return 0;
}

static void
fw_cfg_reset (void *self, uint32_t kind)
{
  struct fw_cfg *f = self;

  (void) kind;
  select_key (f, KEY_SIGNATURE);
  f->dma_addr = 0;
}

static int
fw_cfg_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err)
{
  (void) self;
  (void) err;
  fdt_api->string (fdt, "compatible", "qemu,fw-cfg-mmio");
  fdt_api->empty (fdt, "dma-coherent");
  return 0;
}

static const struct gwt_interface interfaces[] = {
  { GWT_FWCFG_INTERFACE, &fw_cfg_interface },
};

/* ---- state on the wire ----------------------------------------------------------------------- */

/* Items are not saved: who starts the machine has put them there at both ends. */

static uint32_t
is_version_1 (const void *self, uint32_t version)
{
  (void) self;
  return version == 1;
}

static uint32_t
dma_needed (const void *self)
{
  return ((const struct fw_cfg *) self)->dma;
}

static uint32_t
never (const void *self)
{
  (void) self;
  return 0;
}

/* An older sender's, or one without DMA. */
static int
fw_cfg_pre_load (void *self, struct gwt_error *err)
{
  struct fw_cfg *f = self;

  (void) err;
  f->dma_addr = 0;
  return 0;
}

static const struct gwt_vm_field dma_fields[] = { GWT_VM_VALUE (struct fw_cfg, dma_addr) };
static const struct gwt_vmstate dma_state
    = GWT_VMSTATE (struct fw_cfg, "fw_cfg/dma", 0, 0, dma_fields, .needed = dma_needed);
/* Sizes of three ACPI tables of a sender that has them; here firmware finds none. */
static const struct gwt_vm_field acpi_fields[] = { GWT_VM_NOTHING (3 * 8) };
static const struct gwt_vmstate acpi_state
    = GWT_VMSTATE (struct fw_cfg, "fw_cfg/acpi_mr", 1, 1, acpi_fields, .needed = never);
static const struct gwt_vmstate *const subsections[] = { &dma_state, &acpi_state, NULL };

static const struct gwt_vm_field state_fields[] = {
  GWT_VM_VALUE (struct fw_cfg, cur_entry),
  GWT_VM_VALUE_AS (struct fw_cfg, cur_offset, GWT_U16, .exists = is_version_1),
  GWT_VM_VALUE (struct fw_cfg, cur_offset, .version = 2),
};
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct fw_cfg, "fw_cfg", 2, 1, state_fields, .subsections = subsections,
                   .pre_load = fw_cfg_pre_load);
static const struct gwt_vmstate *const states[] = { &state, NULL };

static const struct gwt_device_type fw_cfg_type = {
  .struct_size = sizeof fw_cfg_type,
  .name = "fw-cfg",
  .doc = "firmware configuration: items and files for the guest's firmware",
  .instance_size = sizeof (struct fw_cfg),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .interfaces = interfaces,
  .interface_size = sizeof interfaces[0],
  .n_interfaces = GWT_COUNT (interfaces),
  .fdt_name = "fw-cfg",
  .realize = fw_cfg_realize,
  .unrealize = fw_cfg_unrealize,
  .reset = fw_cfg_reset,
  .describe = fw_cfg_describe,
  .states = states,
};

static int
fw_cfg_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void) err;
  memory = h->extension (GWT_MEMORY_EXT);
  fdt_api = h->extension (GWT_FDT_EXT);
  return 0;
}

static const char *const required[] = { GWT_MEMORY_EXT, GWT_FDT_EXT, NULL };
static const struct gwt_device_type *const types[] = { &fw_cfg_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "fw-cfg",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "firmware configuration device",
  .required = required,
  .types = types,
  .start = fw_cfg_start,
};

GWT_PLUGIN_DEFINE ("fw-cfg", GODWIT_PLUGIN_VERSION, "fw-cfg", plugin, host)
