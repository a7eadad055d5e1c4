/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest useful device: one 32-bit register that keeps what the guest writes.
 *
 * Copy this file and rename "example1".  What it leaves out has a safe default: callbacks run under
 * the machine lock, and accesses of other sizes or beyond the window never arrive.
 *
 *   make && godwit -plugin ./example1.so -M virt -device example1,reset-value=7 ...
 */
#include <godwit/godwit.h>

#define VERSION "1.0"

/* Registers, as offsets in the window. */
#define REG_SCRATCH 0x0
#define WINDOW 0x1000

/* Every byte of the struct has a row below; a forgotten one is refused when the plugin is loaded.
 */
struct example1
{
  uint32_t reset_value;
  uint32_t scratch;
};

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct example1, reset_value, "reset-value", .flags = GWT_FIELD_HEX,
                .doc = "what the register holds after a reset"),
  GWT_REG_ROW (struct example1, scratch, "scratch", REG_SCRATCH, .wmask = 0xffffffff,
               .doc = "keeps what the guest writes"),
};

/* What a guest that is moved or saved takes along: every row that is a register or state. */
static const struct gwt_vm_field saved[] = {
  GWT_VM_VALUE (struct example1, scratch),
};
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct example1, "example1", 1, 1, saved);
static const struct gwt_vmstate *const states[] = { &state, NULL };

/* Set by the loader, and by start () below, before anything else is called. */
static const struct gwt_host *host;
static const struct gwt_memory_api *memory;

/* Offsets are within the window and sizes as example1_ops says, so nothing of that is checked
   again. What a register map leaves open reads as zero and ignores writes: guests probe. */
static uint32_t
example1_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct example1 *e = self;

  (void)size;
  if (offset == REG_SCRATCH)
    *value = e->scratch;
  return GWT_ACCESS_OK;
}

static uint32_t
example1_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct example1 *e = self;

  (void)size;
  if (offset == REG_SCRATCH)
    e->scratch = (uint32_t)value;
  return GWT_ACCESS_OK;
}

static const struct gwt_mmio_ops example1_ops = {
  .struct_size = sizeof example1_ops,
  .min_size = 4,
  .max_size = 4,
  .read = example1_read,
  .write = example1_write,
};

/* Properties are set by now.  The host removes the region together with the device. */
static int
example1_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  (void)self;
  return memory->mmio (device, "example1", WINDOW, &example1_ops, err) != NULL ? 0 : -1;
}

static void
example1_reset (void *self, uint32_t kind)
{
  struct example1 *e = self;

  (void)kind;
  e->scratch = e->reset_value;
}

static const struct gwt_device_type example1_type = {
  .struct_size = sizeof example1_type,
  .name = "example1",
  .doc = "one register",
  .flags = GWT_TYPE_USER, /* without it only a board could make one */
  .instance_size = sizeof (struct example1),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .states = states,
  .realize = example1_realize,
  .reset = example1_reset,
};

/* What is listed as required is there, or the plugin is not started. */
static int
example1_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void)err;
  memory = h->extension (GWT_MEMORY_EXT);
  return 0;
}

static const char *const required[] = { GWT_MEMORY_EXT, NULL };
static const struct gwt_device_type *const types[] = { &example1_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = 0,
  .id = "example1",
  .version = VERSION,
  .doc = "example: one register",
  .required = required,
  .types = types,
  .start = example1_start,
};

GWT_PLUGIN_DEFINE ("example1", VERSION, "example1", plugin, host)
