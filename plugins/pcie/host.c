/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host bridge: configuration space in memory (ECAM), the windows in which BARs appear, the four
 * interrupt lines; and the function that stands for it at 00:00.0.  Must not know what is on its
 * bus.
 */
#include "pcie.h"

#define ECAM_SIZE 0x10000000 /* 256 buses (7.2.2) */
#define BUSES 256
/* Ranges of the device tree binding: what kind an address is of. */
#define RANGE_IO 0x01000000u
#define RANGE_MEMORY 0x02000000u
#define RANGE_MEMORY64 0x03000000u

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct pci_host, bus_name, "bus-name", .def_text = "pcie.0",
                .doc = "name of the root bus"),
  GWT_PROP_ROW (struct pci_host, io_size, "io-size", .def = 0x10000, .min = 0x1000,
                .max = 0x1000000, .flags = GWT_FIELD_SIZE | GWT_FIELD_HEX,
                .doc = "bytes of the window for I/O ports, which begin at 0"),
  GWT_PROP_ROW (struct pci_host, memory_size, "memory-size", .def = 0x40000000, .min = 0x100000,
                .max = 0x100000000, .flags = GWT_FIELD_SIZE | GWT_FIELD_HEX,
                .doc = "bytes of the memory window below 4 GiB"),
  GWT_PROP_ROW (struct pci_host, memory64_size, "memory64-size", .def = UINT64_C (0x400000000),
                .min = 0x100000, .max = UINT64_C (1) << 48, .flags = GWT_FIELD_SIZE | GWT_FIELD_HEX,
                .doc = "bytes of the memory window for 64-bit BARs"),
  GWT_HOST_ROW (struct pci_host, device, "handle of the host"),
  GWT_HOST_ROW (struct pci_host, root, "the root bus: devices are found again by their properties"),
  GWT_HOST_ROW (struct pci_host, ecam, "handle of the host"),
  GWT_HOST_ROW (struct pci_host, io, "handle of the host"),
  GWT_HOST_ROW (struct pci_host, memory, "handle of the host"),
  GWT_HOST_ROW (struct pci_host, memory64, "handle of the host"),
  GWT_HOST_ROW (struct pci_host, line, "handles of the host"),
  GWT_HOST_ROW (struct pci_host, asserted, "follows from the functions' levels"),
  GWT_HOST_ROW (struct pci_host, n_lines, "the same for all"),
  GWT_STATE_ARRAY (struct pci_host, asserted_sent, "asserted-sent",
                   .doc = "functions that drove each line when the state was saved or loaded last"),
  GWT_STATE_ROW (struct pci_host, config_address, "config-address",
                 .doc = "address register of a mechanism with I/O ports, which ECAM replaces"),
};

/* ---- registers ------------------------------------------------------------------------------ */

static struct gwt_pci *
addressed (struct pci_host *host, uint64_t offset)
{
  return pci_bus_find (host, (uint32_t) (offset >> 20) & 0xff, (uint32_t) (offset >> 12) & 0xff);
}

static uint32_t
ecam_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct gwt_pci *pci = addressed (self, offset);
  *value = pci != NULL ? pci_config_read (pci, offset & 0xfff, size) : UINT64_MAX;
  return GWT_ACCESS_OK;
}

static uint32_t
ecam_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct gwt_pci *pci = addressed (self, offset);
  if (pci != NULL)
    pci_config_write (pci, offset & 0xfff, size, (uint32_t) value);
  return GWT_ACCESS_OK;
}

/* Where no BAR is. */
static uint32_t
window_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  (void) self;
  (void) offset;
  (void) size;
  *value = UINT64_MAX;
  return GWT_ACCESS_OK;
}

static uint32_t
window_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  (void) self;
  (void) offset;
  (void) size;
  (void) value;
  return GWT_ACCESS_OK;
}

static const struct gwt_mmio_ops ecam_ops = {
  .struct_size = sizeof ecam_ops,
  .min_size = 1,
  .max_size = 4,
  .read = ecam_read,
  .write = ecam_write,
};

static const struct gwt_mmio_ops window_ops = {
  .struct_size = sizeof window_ops,
  .min_size = 1,
  .max_size = 8,
  .flags = GWT_MMIO_UNALIGNED,
  .read = window_read,
  .write = window_write,
};

/* ---- device tree ---------------------------------------------------------------------------- */

static uint32_t
add_range (uint32_t *cells, uint32_t kind, uint64_t at, struct gwt_region *region)
{
  uint64_t base, size = pci_memory->size (region);
  if (!pci_memory->address (region, &base))
    return 0;
  if (kind != RANGE_IO)
    at = base;
  cells[0] = kind;
  cells[1] = (uint32_t) (at >> 32);
  cells[2] = (uint32_t) at;
  cells[3] = (uint32_t) (base >> 32);
  cells[4] = (uint32_t) base;
  cells[5] = (uint32_t) (size >> 32);
  cells[6] = (uint32_t) size;
  return 7;
}

/* Slots 0 to 3 by pins A to D; the mask makes slots 4, 8, ... the same as 0. */
static void
describe_interrupts (struct pci_host *host, struct gwt_fdt *fdt)
{
  uint32_t cells[PCI_PINS * PCI_PINS * (5 + GWT_FDT_SPECIFIER_MAX)], n = 0;
  const uint32_t mask[4] = { (PCI_PINS - 1) << 11, 0, 0, 7 };
  for (uint32_t slot = 0; slot < PCI_PINS; slot++)
    for (uint32_t pin = 0; pin < PCI_PINS; pin++)
      {
        uint32_t specifier[GWT_FDT_SPECIFIER_MAX], count = 0;
        struct gwt_device *to = pci_fdt->interrupt (fdt, host->device, "intx",
                                                    (slot + pin) % PCI_PINS, specifier, &count);
        if (to == NULL)
          continue;
        cells[n++] = slot << 11;
        cells[n++] = 0;
        cells[n++] = 0;
        cells[n++] = pin + 1;
        cells[n++] = pci_fdt->phandle_of (fdt, to);
        for (uint32_t i = 0; i < count; i++)
          cells[n++] = specifier[i];
      }
  /* The lines belong to the slots, not to the bridge. */
  pci_fdt->remove (fdt, "interrupts");
  pci_fdt->remove (fdt, "interrupt-parent");
  if (n == 0)
    return;
  pci_fdt->u32 (fdt, "#interrupt-cells", 1);
  pci_fdt->cells (fdt, "interrupt-map-mask", mask, GWT_COUNT (mask));
  pci_fdt->cells (fdt, "interrupt-map", cells, n);
}

static int
host_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err)
{
  struct pci_host *host = self;
  const uint32_t buses[2] = { 0, BUSES - 1 };
  uint32_t ranges[3 * 7], n = 0;
  uint64_t base = 0;
  (void) err;
  pci_memory->address (host->ecam, &base);
  const uint32_t reg[4] = { (uint32_t) (base >> 32), (uint32_t) base, 0, ECAM_SIZE };
  pci_fdt->string (fdt, "compatible", "pci-host-ecam-generic");
  pci_fdt->string (fdt, "device_type", "pci");
  pci_fdt->u32 (fdt, "#address-cells", 3);
  pci_fdt->u32 (fdt, "#size-cells", 2);
  pci_fdt->u32 (fdt, "linux,pci-domain", 0);
  pci_fdt->cells (fdt, "bus-range", buses, 2);
  pci_fdt->empty (fdt, "dma-coherent");
  pci_fdt->cells (fdt, "reg", reg, GWT_COUNT (reg));
  n += add_range (ranges + n, RANGE_IO, 0, host->io);
  n += add_range (ranges + n, RANGE_MEMORY, 0, host->memory);
  n += add_range (ranges + n, RANGE_MEMORY64, 0, host->memory64);
  pci_fdt->cells (fdt, "ranges", ranges, n);
  describe_interrupts (host, fdt);
  return 0;
}

/* ---- for the monitor ------------------------------------------------------------------------ */

static struct gwt_device *
next_function (void *self, struct gwt_device *bridge, struct gwt_device *after, uint32_t *devfn)
{
  struct pci_host *host = self;
  const struct gwt_pci *above
      = bridge != NULL ? pci_devices->part (bridge, GWT_PCI_PARENT) : NULL;
  const struct gwt_pci *last = after != NULL ? pci_devices->part (after, GWT_PCI_PARENT) : NULL;
  const struct pci_bus *bus = bridge == NULL ? host->root : above != NULL ? above->secondary : NULL;
  for (uint32_t i = last != NULL ? last->devfn + 1 : 0; bus != NULL && i < PCI_DEVFNS; i++)
    if (bus->function[i] != NULL)
      {
        *devfn = i;
        return bus->function[i]->device;
      }
  return NULL;
}

static uint32_t
read_config (void *self, struct gwt_device *function, uint32_t offset, uint32_t size)
{
  (void) self;
  return pci_config_read (pci_devices->part (function, GWT_PCI_PARENT), offset, size);
}

static void
describe_bar (void *self, struct gwt_device *function, uint32_t index,
              struct gwt_pci_bar_info *info)
{
  const struct gwt_pci *pci = pci_devices->part (function, GWT_PCI_PARENT);
  (void) self;
  if (index >= PCI_BARS || info->struct_size < sizeof *info)
    return;
  const struct pci_bar *bar = &pci->bar[index];
  uint64_t address = pci_reg (pci, PCI_BAR0 + 4 * index, 4);
  if (bar->flags & GWT_PCI_BAR_64)
    address |= (uint64_t) pci_reg (pci, PCI_BAR0 + 4 * index + 4, 4) << 32;
  info->flags = bar->flags;
  info->size = bar->size;
  info->address = bar->mapped ? address & ~(bar->size - 1) : UINT64_MAX;
}

static const struct gwt_pci_host monitor_table = {
  .struct_size = sizeof monitor_table,
  .next = next_function,
  .config_read = read_config,
  .bar = describe_bar,
};

static const struct gwt_interface host_interfaces[] = {
  { GWT_PCI_HOST_INTERFACE, &monitor_table },
};

/* ---- life ----------------------------------------------------------------------------------- */

static int
host_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct pci_host *host = self;
  host->device = device;
  host->n_lines = PCI_PINS;
  host->ecam = pci_memory->mmio (device, "pcie-ecam", ECAM_SIZE, &ecam_ops, err);
  if (host->ecam == NULL)
    return -1;
  host->io = pci_memory->mmio (device, "pcie-io", host->io_size, &window_ops, err);
  if (host->io == NULL)
    return -1;
  host->memory = pci_memory->mmio (device, "pcie-memory", host->memory_size, &window_ops, err);
  if (host->memory == NULL)
    return -1;
  host->memory64
      = pci_memory->mmio (device, "pcie-memory64", host->memory64_size, &window_ops, err);
  if (host->memory64 == NULL || pci_irq->outputs (device, "intx", PCI_PINS, host->line, err) < 0)
    return -1;
  host->root = pci_bus_new (host->bus_name, host, NULL, err);
  return host->root != NULL ? 0 : -1;
}

static void
host_unrealize (void *self)
{
  struct pci_host *host = self;
  pci_bus_free (host->root);
  host->root = NULL;
}

/* Who drives which line is counted again when the functions' own sections are loaded, in whichever
   order; the counts go along for readers that take them from here. */
static int
bus_pre_save (void *self, struct gwt_error *err)
{
  struct pci_host *host = self;
  (void) err;
  for (uint32_t i = 0; i < PCI_PINS; i++)
    host->asserted_sent[i] = (int32_t) __atomic_load_n (&host->asserted[i], __ATOMIC_SEQ_CST);
  return 0;
}

static const struct gwt_vm_field host_state_fields[]
    = { GWT_VM_VALUE_NAMED (struct pci_host, config_address, "config_reg") };
static const struct gwt_vmstate host_state
    = GWT_VMSTATE (struct pci_host, "PCIHost", 1, 1, host_state_fields);
static const struct gwt_vm_field bus_state_fields[] = {
  GWT_VM_VALUE_NAMED (struct pci_host, n_lines, "nirq", .flags = GWT_VM_EQUAL),
  { .name = "irq_count", .form = GWT_VM_SCALAR, .wire = GWT_I32, .member = GWT_I32,
    .offset = offsetof (struct pci_host, asserted_sent), .size = sizeof (int32_t),
    .elems = PCI_PINS },
};
static const struct gwt_vmstate bus_state
    = GWT_VMSTATE (struct pci_host, "PCIBUS", 1, 1, bus_state_fields, .pre_save = bus_pre_save);
static const struct gwt_vmstate *const host_states[] = { &host_state, &bus_state, NULL };

const struct gwt_device_type pci_host_type = {
  .struct_size = sizeof pci_host_type,
  .name = "pcie-host",
  .doc = "PCI Express host bridge with ECAM",
  .instance_size = sizeof (struct pci_host),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .interfaces = host_interfaces,
  .interface_size = sizeof host_interfaces[0],
  .n_interfaces = GWT_COUNT (host_interfaces),
  .fdt_name = "pci",
  .realize = host_realize,
  .unrealize = host_unrealize,
  .describe = host_describe,
  .states = host_states,
};

/* ---- the function at 00:00.0 ---------------------------------------------------------------- */

struct pci_host_bridge
{
  struct gwt_pci *pci;
};

static const struct gwt_field bridge_fields[] = {
  GWT_HOST_ROW (struct pci_host_bridge, pci, "the function's part"),
};

static int
bridge_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct pci_host_bridge *bridge = self;
  static const struct gwt_pci_info info = {
    .struct_size = sizeof info,
    .vendor = 0x1b36,
    .device = 0x0008,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x060000,
  };
  bridge->pci = pci_devices->part (device, GWT_PCI_PARENT);
  return pci_identify (bridge->pci, &info, NULL, err);
}

static const struct gwt_vm_field bridge_state_fields[]
    = { PCI_PART (struct pci_host_bridge, "parent_obj", pci_state) };
static const struct gwt_vmstate bridge_state
    = GWT_VMSTATE (struct pci_host_bridge, "gpex_root", 1, 1, bridge_state_fields);
static const struct gwt_vmstate *const bridge_states[] = { &bridge_state, NULL };

const struct gwt_device_type pci_host_bridge_type = {
  .struct_size = sizeof pci_host_bridge_type,
  .name = "pcie-host-bridge",
  .parent = GWT_PCI_PARENT,
  .doc = "the function that stands for a pcie-host on its bus",
  .instance_size = sizeof (struct pci_host_bridge),
  .fields = bridge_fields,
  .field_size = sizeof bridge_fields[0],
  .n_fields = GWT_COUNT (bridge_fields),
  .realize = bridge_realize,
  .states = bridge_states,
};
