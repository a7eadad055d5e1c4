/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a function's registers are called, and what of configuration space is told before a guest is
 * moved.  Owns names alone; must not know how a function is saved.
 */
#include "pcie.h"

#include <string.h>

struct name
{
  uint32_t offset, size;
  const char *name;
};

static const struct name header_names[] = {
  { PCI_VENDOR, 2, "vendor ID" },
  { PCI_DEVICE, 2, "device ID" },
  { PCI_COMMAND, 2, "command" },
  { PCI_STATUS, 2, "status" },
  { PCI_REVISION, 1, "revision ID" },
  { PCI_CLASS, 3, "class code" },
  { PCI_CACHE_LINE, 1, "cache line size" },
  { PCI_HEADER_TYPE, 1, "header type" },
  { PCI_CAPABILITIES, 1, "capabilities pointer" },
  { PCI_INTERRUPT_LINE, 1, "interrupt line" },
  { PCI_INTERRUPT_PIN, 1, "interrupt pin" },
};
static const struct name endpoint_names[] = {
  { PCI_BAR0, 4, "BAR 0" },
  { PCI_BAR0 + 4, 4, "BAR 1" },
  { PCI_BAR0 + 8, 4, "BAR 2" },
  { PCI_BAR0 + 12, 4, "BAR 3" },
  { PCI_BAR0 + 16, 4, "BAR 4" },
  { PCI_BAR0 + 20, 4, "BAR 5" },
  { PCI_SUBSYSTEM_VENDOR, 2, "subsystem vendor ID" },
  { PCI_SUBSYSTEM, 2, "subsystem ID" },
};
static const struct name bridge_names[] = {
  { PCI_BAR0, 4, "BAR 0" },
  { PCI_BAR0 + 4, 4, "BAR 1" },
  { PCI_PRIMARY_BUS, 3, "bus numbers" },
  { PCI_IO_BASE, 2, "I/O window" },
  { PCI_SECONDARY_STATUS, 2, "secondary status" },
  { PCI_MEMORY_BASE, 4, "memory window" },
  { PCI_PREFETCH_BASE, 12, "prefetchable window" },
  { PCI_BRIDGE_CONTROL, 2, "bridge control" },
};
static const struct name express_names[] = {
  { PCIE_FLAGS, 2, "PCI Express capabilities" },    { PCIE_DEVICE_CAP, 4, "device capabilities" },
  { PCIE_DEVICE_CONTROL, 2, "device control" },     { PCIE_DEVICE_STATUS, 2, "device status" },
  { PCIE_LINK_CAP, 4, "link capabilities" },        { PCIE_LINK_CONTROL, 2, "link control" },
  { PCIE_LINK_STATUS, 2, "link status" },           { PCIE_SLOT_CAP, 4, "slot capabilities" },
  { PCIE_SLOT_CONTROL, 2, "slot control" },         { PCIE_SLOT_STATUS, 2, "slot status" },
  { PCIE_DEVICE_CAP2, 4, "device capabilities 2" }, { PCIE_LINK_CAP2, 4, "link capabilities 2" },
  { PCIE_LINK_CONTROL2, 2, "link control 2" },
};

static const struct name aer_names[] = {
  { AER_UNCOR_STATUS, 4, "AER uncorrectable error status" },
  { AER_UNCOR_MASK, 4, "AER uncorrectable error mask" },
  { AER_UNCOR_SEVERITY, 4, "AER uncorrectable error severity" },
  { AER_COR_STATUS, 4, "AER correctable error status" },
  { AER_COR_MASK, 4, "AER correctable error mask" },
  { AER_CONTROL, 4, "AER capabilities and control" },
  { AER_HEADER_LOG, 16, "AER header log" },
  { AER_ROOT_COMMAND, 4, "AER root error command" },
  { AER_ROOT_STATUS, 4, "AER root error status" },
  { AER_ROOT_SOURCE, 4, "AER error source" },
};

static const char *
find_name (const struct name *names, size_t count, uint32_t base, uint32_t offset)
{
  for (size_t i = 0; i < count; i++)
    if (offset >= base + names[i].offset && offset < base + names[i].offset + names[i].size)
      return names[i].name;
  return NULL;
}

/* NULL: there is no register. */
static const char *
find_register (const struct gwt_pci *pci, uint32_t offset)
{
  bool bridge = pci->secondary != NULL;
  const char *name = find_name (header_names, GWT_COUNT (header_names), 0, offset);
  if (name == NULL)
    name = bridge ? find_name (bridge_names, GWT_COUNT (bridge_names), 0, offset)
                  : find_name (endpoint_names, GWT_COUNT (endpoint_names), 0, offset);
  if (name == NULL && pci->express != 0)
    name = find_name (express_names, GWT_COUNT (express_names), pci->express, offset);
  if (name == NULL && pci->aer != 0)
    name = find_name (aer_names, GWT_COUNT (aer_names), pci->aer, offset);
  if (name != NULL)
    return name;
  if (pci->msix != 0 && offset >= pci->msix && offset < pci->msix + 12)
    return offset < pci->msix + 4 ? "MSI-X control" : "MSI-X table and pending bits";
  if (pci->msi != 0 && offset >= pci->msi && offset < pci->msi + 24)
    return "MSI";
  if (pci->aer != 0 && offset >= pci->aer && offset < pci->aer + AER_SIZE)
    return "advanced error reporting";
  if (pci->power != 0 && offset >= pci->power && offset < pci->power + 8)
    return "power management";
  if (pci->ari_at != 0 && offset >= pci->ari_at && offset < pci->ari_at + ARI_SIZE)
    return "next function";
  return offset < 0x40                                   ? "header"
         : offset < 0x100 && pci->used[offset]           ? "a capability"
         : offset < PCI_CONFIG_SIZE && pci->used[offset] ? "an extended capability"
                                                         : NULL;
}

const char *
pci_register_name (const struct gwt_pci *pci, uint32_t offset)
{
  const char *name = find_register (pci, offset);
  return name != NULL ? name : "no register";
}

/* Bits that a guest can write differ with what it has written; all others are the device's. */
static void
tell (void *self, const struct gwt_facts_api *api, struct gwt_facts *facts)
{
  const struct gwt_pci *pci = self;
  uint32_t size = pci_config_size (pci), start, end;
  uint8_t write[PCI_CONFIG_SIZE];
  /* Nothing else has configuration space. */
  if (pci->bus == NULL)
    return;
  for (start = 0; start < size; start++)
    write[start] = pci->wmask[start] | pci->w1cmask[start];
  api->bytes (facts, PCI_CONFIG_FACT, pci->config, pci->cmask, write, size);
  for (start = 0; start < size; start = end)
    {
      const char *name = find_register (pci, start);
      for (end = start + 1; end < size && find_register (pci, end) == name; end++)
        ;
      if (name != NULL)
        api->label (facts, PCI_CONFIG_FACT, start, end - start, name);
    }
}

const struct gwt_facts_interface pci_facts = {
  .struct_size = sizeof pci_facts,
  .tell = tell,
};
