/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio plugin: what it offers and what it wants.  It must not know how any of it works.
 */
#include "virtio.h"

const struct gwt_device_api *virtio_devices;
const struct gwt_memory_api *virtio_memory;
const struct gwt_irq_api *virtio_irq;
const struct gwt_clock_api *virtio_clock;
const struct gwt_fdt_api *virtio_fdt;
const struct gwt_vmstate_api *virtio_vmstate;
const struct gwt_pci_api *virtio_pci;
const struct gwt_host *virtio_host;

static int
virtio_start (const struct gwt_host *h, struct gwt_error *err)
{
  virtio_devices = h->extension (GWT_DEVICE_EXT);
  virtio_memory = h->extension (GWT_MEMORY_EXT);
  virtio_irq = h->extension (GWT_IRQ_EXT);
  virtio_clock = h->extension (GWT_CLOCK_EXT);
  virtio_fdt = h->extension (GWT_FDT_EXT);
  virtio_vmstate = h->extension (GWT_VMSTATE_EXT);
  virtio_pci = h->extension (GWT_PCI_EXT);
  if (virtio_pci == NULL || GWT_HAS (virtio_pci, msix_state))
    return 0;
  h->error_set (err, GWT_E_UNSUPPORTED,
                "the plugin that offers '%s' is older than this one; install a newer one",
                GWT_PCI_EXT);
  return -1;
}

static const char *const required[] = { GWT_DEVICE_EXT, GWT_MEMORY_EXT,  GWT_IRQ_EXT, GWT_CLOCK_EXT,
                                        GWT_FDT_EXT,    GWT_VMSTATE_EXT, NULL };
static const char *const wanted[] = { GWT_PCI_EXT, NULL };
static const struct gwt_extension offers[] = { { GWT_VIRTIO_EXT, &virtio_api } };
static const struct gwt_device_type *const types[]
    = { &virtio_slot_type, &virtio_mmio_device_type, &virtio_pci_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "virtio",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "virtio devices: queues, features, status, and the transports MMIO and PCI",
  .required = required,
  .wanted = wanted,
  .offers = offers,
  .offer_size = sizeof offers[0],
  .n_offers = GWT_COUNT (offers),
  .types = types,
  .start = virtio_start,
};

GWT_PLUGIN_DEFINE_OFFERS ("virtio", GODWIT_PLUGIN_VERSION,
                          "virtio-mmio virtio-mmio-device virtio-pci", GWT_VIRTIO_EXT, plugin,
                          virtio_host)
