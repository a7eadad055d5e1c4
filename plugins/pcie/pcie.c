/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plugin: what it needs of the host, "gwt.pci/1" for the plugins of PCI devices, its types.
 * Every check of what another plugin passes in is here or in what this calls.
 */
#include "pcie.h"

#include <string.h>

const struct gwt_host *pci_gwt;
const struct gwt_memory_api *pci_memory;
const struct gwt_irq_api *pci_irq;
const struct gwt_device_api *pci_devices;
const struct gwt_fdt_api *pci_fdt;
const struct gwt_vmstate_api *pci_vmstate;

/* ---- gwt.pci/1 ------------------------------------------------------------------------------ */

static struct gwt_pci *
api_function (struct gwt_device *device)
{
  return pci_devices->part (device, GWT_PCI_PARENT);
}

static bool
is_config (uint32_t offset, uint32_t size)
{
  return offset < PCI_CONFIG_SIZE && size <= PCI_CONFIG_SIZE - offset;
}

static uint32_t
api_config_get (struct gwt_pci *pci, uint32_t offset, uint32_t size)
{
  return is_config (offset, size) && size <= 4 ? pci_reg (pci, offset, size) : 0;
}

static void
put_bytes (uint8_t *to, const void *from, uint32_t size)
{
  if (from != NULL)
    memcpy (to, from, size);
  else
    memset (to, 0, size);
}

static void
api_config_set (struct gwt_pci *pci, uint32_t offset, const void *bytes, const void *wmask,
                const void *w1cmask, const void *cmask, uint32_t size)
{
  if (!is_config (offset, size))
    return;
  put_bytes (pci->config + offset, bytes, size);
  put_bytes (pci->wmask + offset, wmask, size);
  put_bytes (pci->w1cmask + offset, w1cmask, size);
  put_bytes (pci->cmask + offset, cmask, size);
}

static void
api_intx (struct gwt_pci *pci, uint32_t level)
{
  __atomic_store_n (&pci->intx_level, level != 0, __ATOMIC_SEQ_CST);
  pci_update_intx (pci);
}

static bool
is_master (const struct gwt_pci *pci)
{
  return (__atomic_load_n (&pci->command, __ATOMIC_SEQ_CST) & PCI_COMMAND_MASTER) != 0;
}

static uint32_t
api_dma_read (struct gwt_pci *pci, uint64_t address, void *data, uint64_t size)
{
  return is_master (pci) ? pci_memory->dma_read (pci->device, address, data, size)
                         : GWT_ACCESS_ERROR;
}

static uint32_t
api_dma_write (struct gwt_pci *pci, uint64_t address, const void *data, uint64_t size)
{
  return is_master (pci) ? pci_memory->dma_write (pci->device, address, data, size)
                         : GWT_ACCESS_ERROR;
}

static void *
api_dma_map (struct gwt_pci *pci, uint64_t address, uint64_t *size, uint32_t to_write)
{
  if (is_master (pci))
    return pci_memory->dma_map (pci->device, address, size, to_write);
  *size = 0;
  return NULL;
}

static uint32_t
api_is_master (struct gwt_pci *pci)
{
  return is_master (pci);
}

static void
api_dma_unmap (struct gwt_pci *pci, uint64_t address, uint64_t size, uint64_t written)
{
  pci_memory->dma_unmap (pci->device, address, size, written);
}

static void
api_set_self (struct gwt_pci *pci, void *self)
{
  pci->self = self;
}

static uint32_t
api_is_express (struct gwt_pci *pci)
{
  return (pci->info_flags & GWT_PCI_EXPRESS) != 0;
}

static int
api_msi (struct gwt_pci *pci, uint32_t vectors, uint64_t flags, struct gwt_error *err)
{
  return pci_add_msi (pci, vectors, 0, flags, err);
}

const struct gwt_pci_api pci_api = {
  .struct_size = sizeof pci_api,
  .function = api_function,
  .identify = pci_identify,
  .config_get = api_config_get,
  .config_set = api_config_set,
  .add_capability = pci_add_capability,
  .add_extended = pci_add_extended,
  .bar = pci_add_bar,
  .msix = pci_add_msix,
  .msix_enabled = pci_msix_enabled,
  .msix_notify = pci_msix_notify,
  .intx = api_intx,
  .dma_read = api_dma_read,
  .dma_write = api_dma_write,
  .dma_map = api_dma_map,
  .dma_unmap = api_dma_unmap,
  .aer_report = pci_aer_report,
  .set_self = api_set_self,
  .is_express = api_is_express,
  .msi = api_msi,
  .msi_enabled = pci_msi_enabled,
  .add_power = pci_add_power,
  .is_master = api_is_master,
  .msi_notify = pci_msi_notify,
  .state = &pci_state,
  .msix_state = &pci_msix_state,
};

/* ---- the plugin ----------------------------------------------------------------------------- */

static int
pcie_start (const struct gwt_host *host, struct gwt_error *err)
{
  pci_memory = host->extension (GWT_MEMORY_EXT);
  pci_irq = host->extension (GWT_IRQ_EXT);
  pci_devices = host->extension (GWT_DEVICE_EXT);
  pci_fdt = host->extension (GWT_FDT_EXT);
  pci_vmstate = host->extension (GWT_VMSTATE_EXT);
  if (GWT_HAS (pci_memory, address) && GWT_HAS (pci_fdt, remove)
      && GWT_HAS (pci_devices, unplug_refused))
    return 0;
  host->error_set (err, GWT_E_UNSUPPORTED,
                   "the host is older than this plugin; use a godwit that can plug devices");
  return -1;
}

static const char *const required[]
    = { GWT_DEVICE_EXT, GWT_FDT_EXT, GWT_IRQ_EXT, GWT_MEMORY_EXT, GWT_VMSTATE_EXT, NULL };
static const struct gwt_device_type *const types[]
    = { &pci_function_type,   &pci_slot_type, &pci_port_type,        &pci_upstream_type,
        &pci_downstream_type, &pci_host_type, &pci_host_bridge_type, NULL };
static const struct gwt_extension offers[] = { { GWT_PCI_EXT, &pci_api } };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "pcie",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "PCI Express: host bridge, root ports, what all functions share",
  .required = required,
  .offers = offers,
  .offer_size = sizeof offers[0],
  .n_offers = GWT_COUNT (offers),
  .types = types,
  .start = pcie_start,
};

GWT_PLUGIN_DEFINE_OFFERS (
    "pcie", GODWIT_PLUGIN_VERSION,
    "pci-device pcie-slot pcie-root-port x3130-upstream xio3130-downstream pcie-host "
    "pcie-host-bridge",
    GWT_PCI_EXT, plugin, pci_gwt)
