/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PCI function for tests: a BAR of each kind, MSI-X, AER, and methods that do what a device does
 * of its own accord.  BAR 0: 32 I/O ports.  BAR 1: 4 KiB of 32-bit memory.  BAR 2: 64 KiB of
 * prefetchable 64-bit memory.  BAR 4: MSI-X.  The first two are bytes that keep what is written.
 */
#include <godwit/godwit.h>

#define IO_SIZE 32
#define MEMORY_SIZE 0x1000
#define WIDE_SIZE 0x10000

static const struct gwt_host *host;
static const struct gwt_memory_api *memory;
static const struct gwt_pci_api *pcis;
static const struct gwt_vmstate_api *vmstate;

struct probe
{
  uint32_t vectors;
  _Bool aer;
  _Bool express;
  uint8_t msi;
  _Bool msi_mask;
  uint8_t ports[IO_SIZE];
  uint8_t bytes[MEMORY_SIZE];
  uint32_t resets, masked, written, cold;
  struct gwt_pci *pci;
};

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct probe, vectors, "vectors", .def = 4, .doc = "MSI-X vectors, 0: none"),
  GWT_PROP_ROW (struct probe, aer, "aer", .def = 1, .doc = "Advanced Error Reporting"),
  GWT_PROP_ROW (struct probe, express, "express", .def = 1, .doc = "PCI Express, not PCI"),
  GWT_PROP_ROW (struct probe, msi, "msi", .max = 32, .doc = "MSI vectors, 0: none"),
  GWT_PROP_ROW (struct probe, msi_mask, "msi-mask", .doc = "a mask bit for each of them"),
  GWT_STATE_ARRAY (struct probe, ports, "ports", .doc = "what BAR 0 keeps"),
  GWT_STATE_ARRAY (struct probe, bytes, "bytes", .doc = "what BAR 1 keeps"),
  GWT_HOST_ROW (struct probe, resets, "counted for tests"),
  GWT_HOST_ROW (struct probe, masked, "counted for tests"),
  GWT_HOST_ROW (struct probe, written, "counted for tests"),
  GWT_HOST_ROW (struct probe, cold, "counted for tests"),
  GWT_HOST_ROW (struct probe, pci, "handle of the pcie plugin"),
};

static uint32_t
load (const uint8_t *bytes, uint64_t offset, uint32_t size, uint64_t *value)
{
  for (uint32_t i = 0; i < size; i++)
    *value |= (uint64_t) bytes[offset + i] << (8 * i);
  return GWT_ACCESS_OK;
}

static uint32_t
store (uint8_t *bytes, uint64_t offset, uint32_t size, uint64_t value)
{
  for (uint32_t i = 0; i < size; i++)
    bytes[offset + i] = (uint8_t) (value >> (8 * i));
  return GWT_ACCESS_OK;
}

static uint32_t
io_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  return load (((struct probe *) self)->ports, offset, size, value);
}

static uint32_t
io_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  return store (((struct probe *) self)->ports, offset, size, value);
}

static uint32_t
bytes_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  return load (((struct probe *) self)->bytes, offset, size, value);
}

static uint32_t
bytes_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  return store (((struct probe *) self)->bytes, offset, size, value);
}

static uint32_t
wide_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  (void) self;
  (void) size;
  *value = offset;
  return GWT_ACCESS_OK;
}

static uint32_t
wide_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  (void) self;
  (void) offset;
  (void) size;
  (void) value;
  return GWT_ACCESS_OK;
}

#define OPS(NAME)                                                                                  \
  static const struct gwt_mmio_ops NAME##_ops                                                      \
      = { sizeof NAME##_ops, 1, 8, 0, NAME##_read, NAME##_write }
OPS (io);
OPS (bytes);
OPS (wide);

static void
config_written (void *self, uint32_t offset, uint32_t size)
{
  (void) offset;
  (void) size;
  ((struct probe *) self)->written++;
}

static void
function_reset (void *self)
{
  ((struct probe *) self)->resets++;
}

static void
vector_masked (void *self, uint32_t vector, uint32_t masked)
{
  (void) vector;
  ((struct probe *) self)->masked += masked ? 1 : UINT32_MAX;
}

static const struct gwt_pci_client client
    = { sizeof client, config_written, function_reset, vector_masked };

static int
realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct probe *p = self;
  const struct gwt_pci_info info = {
    .struct_size = sizeof info,
    .vendor = 0x1b36,
    .device = 0x0fff,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0xff0000,
    .revision = 3,
    .flags = GWT_PCI_INTX | (p->express ? GWT_PCI_EXPRESS : 0)
             | (p->aer && p->express ? GWT_PCI_AER : 0),
  };
  p->pci = pcis->function (device);
  struct gwt_region *io = memory->mmio (device, "probe-io", IO_SIZE, &io_ops, err);
  struct gwt_region *bytes = memory->mmio (device, "probe-memory", MEMORY_SIZE, &bytes_ops, err);
  struct gwt_region *wide = memory->mmio (device, "probe-wide", WIDE_SIZE, &wide_ops, err);
  if (io == NULL || bytes == NULL || wide == NULL
      || pcis->identify (p->pci, &info, &client, err) < 0
      || pcis->bar (p->pci, 0, io, GWT_PCI_BAR_IO, err) < 0
      || pcis->bar (p->pci, 1, bytes, 0, err) < 0
      || pcis->bar (p->pci, 2, wide, GWT_PCI_BAR_64 | GWT_PCI_BAR_PREFETCH, err) < 0)
    return -1;
  if (p->vectors != 0 && pcis->msix (p->pci, p->vectors, 4, err) < 0)
    return -1;
  return p->msi != 0 ? pcis->msi (p->pci, p->msi,
                                  GWT_PCI_MSI_64 | (p->msi_mask ? GWT_PCI_MSI_MASK : 0), err)
                     : 0;
}

static void
reset (void *self, uint32_t kind)
{
  struct probe *p = self;
  p->cold += kind == GWT_RESET_COLD;
  __builtin_memset (p->ports, 0, sizeof p->ports);
  __builtin_memset (p->bytes, 0, sizeof p->bytes);
}

static void
intx (void *self, uint32_t level, struct gwt_error *err)
{
  (void) err;
  pcis->intx (((struct probe *) self)->pci, level);
}

static void
notify (void *self, uint32_t vector, struct gwt_error *err)
{
  (void) err;
  pcis->msix_notify (((struct probe *) self)->pci, vector);
}

static uint32_t
msi_notify (void *self, uint32_t vector, struct gwt_error *err)
{
  (void) err;
  pcis->msi_notify (((struct probe *) self)->pci, vector);
  return pcis->msi_enabled (((struct probe *) self)->pci);
}

static void
dma_write (void *self, uint64_t address, uint32_t value, struct gwt_error *err)
{
  if (pcis->dma_write (((struct probe *) self)->pci, address, &value, sizeof value) != 0)
    host->error_set (err, GWT_E_IO, "the write was refused");
}

static uint32_t
dma_read (void *self, uint64_t address, struct gwt_error *err)
{
  uint32_t value = 0;
  if (pcis->dma_read (((struct probe *) self)->pci, address, &value, sizeof value) != 0)
    host->error_set (err, GWT_E_IO, "the read was refused");
  return value;
}

static uint32_t
resets (void *self, struct gwt_error *err)
{
  (void) err;
  return ((struct probe *) self)->resets;
}

static uint32_t
cold (void *self, struct gwt_error *err)
{
  (void) err;
  return ((struct probe *) self)->cold;
}

static uint32_t
masked (void *self, struct gwt_error *err)
{
  (void) err;
  return ((struct probe *) self)->masked;
}

static uint32_t
peek (void *self, uint32_t offset, struct gwt_error *err)
{
  (void) err;
  return pcis->config_get (((struct probe *) self)->pci, offset, 4);
}

static const struct gwt_method methods[] = {
  { "void intx(u32 level)", "drive INTA", (gwt_method_fn) intx },
  { "void notify(u32 vector)", "raise an MSI-X vector", (gwt_method_fn) notify },
  { "u32 msi_notify(u32 vector)", "raise an MSI vector; how many there are",
    (gwt_method_fn) msi_notify },
  { "void dma_write(u64 address, u32 value)", "DMA to memory", (gwt_method_fn) dma_write },
  { "u32 dma_read(u64 address)", "DMA from memory", (gwt_method_fn) dma_read },
  { "u32 resets()", "function-level resets seen", (gwt_method_fn) resets },
  { "u32 cold()", "how often power was switched on", (gwt_method_fn) cold },
  { "u32 masked()", "vectors masked, less those unmasked", (gwt_method_fn) masked },
  { "u32 peek(u32 offset)", "four bytes of configuration space", (gwt_method_fn) peek },
};

/* The function, its MSI-X, and what BAR 0 keeps. */
static int
function_put (const void *member, const struct gwt_vm_field *field, struct gwt_vm_out *out,
              struct gwt_error *err)
{
  struct probe *p = (struct probe *) (uintptr_t) ((const char *) member - field->offset);
  if (vmstate->put_state (out, pcis->state, p->pci, err) < 0
      || vmstate->put_state (out, pcis->msix_state, p->pci, err) < 0)
    return -1;
  vmstate->put (out, member, IO_SIZE);
  return 0;
}

static int
function_get (void *member, const struct gwt_vm_field *field, struct gwt_vm_in *in,
              struct gwt_error *err)
{
  struct probe *p = (struct probe *) (void *) ((char *) member - field->offset);
  return vmstate->get_state (in, pcis->state, p->pci, err) != NULL
                 && vmstate->get_state (in, pcis->msix_state, p->pci, err) != NULL
             ? vmstate->get (in, member, IO_SIZE, err)
             : -1;
}

static const struct gwt_vm_custom function_custom = {
  .struct_size = sizeof function_custom,
  .type = "function",
  .put = function_put,
  .get = function_get,
};
static const struct gwt_vm_field state_fields[] = {
  GWT_VM_OWN (struct probe, ports, &function_custom),
  GWT_VM_BYTES (struct probe, bytes),
};
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct probe, "pci-probe", 1, 1, state_fields);
static const struct gwt_vmstate *const states[] = { &state, NULL };

static const struct gwt_device_type probe_type = {
  .struct_size = sizeof probe_type,
  .name = "pci-probe",
  .parent = GWT_PCI_PARENT,
  .doc = "PCI function for tests",
  .flags = GWT_TYPE_USER,
  .instance_size = sizeof (struct probe),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .methods = methods,
  .method_size = sizeof methods[0],
  .n_methods = GWT_COUNT (methods),
  .realize = realize,
  .reset = reset,
  .states = states,
};

static int
start (const struct gwt_host *h, struct gwt_error *err)
{
  (void) err;
  memory = h->extension (GWT_MEMORY_EXT);
  pcis = h->extension (GWT_PCI_EXT);
  vmstate = h->extension (GWT_VMSTATE_EXT);
  return 0;
}

static const char *const required[] = { GWT_MEMORY_EXT, GWT_PCI_EXT, GWT_VMSTATE_EXT, NULL };
static const struct gwt_device_type *const types[] = { &probe_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "pci-probe",
  .version = "1.0",
  .doc = "PCI function for tests",
  .required = required,
  .types = types,
  .start = start,
};

GWT_PLUGIN_DEFINE ("pci-probe", "1.0", "pci-probe", plugin, host)
