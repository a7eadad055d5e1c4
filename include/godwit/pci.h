/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "gwt.pci/1": PCI Express functions.  The pcie plugin offers it to the plugins of PCI devices.
 *
 * A PCI device type names "pci-device" (or a descendant of it) as its parent; the pcie plugin's
 * part of the instance holds the function's configuration space, its MSI-X table and the properties
 * that all functions share (bus, addr, multifunction, x-pcie-err-unc-mask, ...).  From its realize
 * the device describes the function through this table; it appears on its bus when the whole chain
 * is realized.
 *
 * Registers are those of the PCI Express Base Specification; values are in host byte order, offsets
 * in bytes. Calls with a `struct gwt_pci *` are made on [main] in realize unless another thread is
 * named.
 */
#ifndef GODWIT_PCI_H
#define GODWIT_PCI_H

#include <godwit/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GWT_PCI_EXT "gwt.pci/1"
#define GWT_PCI_PARENT "pci-device"

struct gwt_pci; /* one function */
struct gwt_vmstate; /* see vmstate.h */

enum gwt_pci_info_flag
{
  GWT_PCI_EXPRESS = 1 << 0, /* 4096 bytes of configuration space and an express capability */
  GWT_PCI_INTX = 1 << 1,    /* drives INTA */
  GWT_PCI_AER = 1 << 2,     /* has Advanced Error Reporting, at 0x100; needs GWT_PCI_EXPRESS */
  /* Behind a port as GWT_PCI_EXPRESS, with its capability at 0x40; on a root bus a conventional
     function of 256 bytes, where GWT_PCI_AER is refused.  Not together with GWT_PCI_EXPRESS. */
  GWT_PCI_EXPRESS_BEHIND_PORT = 1 << 3
};

/* Identity of a function (type 0 header). */
struct gwt_pci_info
{
  uint64_t struct_size;
  uint16_t vendor, device, subsystem_vendor, subsystem;
  uint32_t class_code; /* 24 bits: base class, sub-class, interface */
  uint8_t revision;
  uint8_t reserved_1[3];
  uint64_t flags; /* enum gwt_pci_info_flag */
};

enum gwt_pci_bar_flag
{
  GWT_PCI_BAR_IO = 1 << 0,
  GWT_PCI_BAR_64 = 1 << 1, /* takes this BAR and the next */
  GWT_PCI_BAR_PREFETCH = 1 << 2
};

enum gwt_pci_msi_flag
{
  GWT_PCI_MSI_64 = 1 << 0,  /* addresses of 64 bits */
  GWT_PCI_MSI_MASK = 1 << 1 /* a mask bit and a pending bit per vector */
};

/* What the device hears of; each optional; called with its instance. */
struct gwt_pci_client
{
  uint64_t struct_size;
  /* [vcpu, main] Configuration space was written by the guest, after the write took effect. */
  void (*config_written) (void *self, uint32_t offset, uint32_t size);
  /* [vcpu, main] A function-level reset: as the type's reset, but for this function alone. */
  void (*function_reset) (void *self);
  /* [vcpu, main] MSI-X vector VECTOR was masked (1) or unmasked (0).  After a load of its state it
     is called for each vector. */
  void (*vector_masked) (void *self, uint32_t vector, uint32_t masked);
  /* [vcpu, main] Optional.  The guest reads configuration space: bytes that follow something else
     can be brought up to date with config_set () now. */
  void (*config_reading) (void *self, uint32_t offset, uint32_t size);
  /* [main] Optional.  Configuration space comes with a migration and does not fit: its MSI-X table
     has THERE vectors, and HERE in this function.  Which property that follows from, with both
     values ("num-queues is 4 there and 1 here"), into TEXT of SIZE bytes; left alone where nothing
     is known.  TEXT is "" before. */
  void (*vectors_differ) (void *self, uint32_t there, uint32_t here, char *text, uint64_t size);
};

struct gwt_pci_api
{
  uint64_t struct_size;

  /* The function of DEVICE, whose type descends from GWT_PCI_PARENT; never NULL. */
  struct gwt_pci *(*function) (struct gwt_device *device);
  /* First call: identity.  CLIENT (may be NULL) lives until the process ends. */
  int (*identify) (struct gwt_pci *pci, const struct gwt_pci_info *info,
                   const struct gwt_pci_client *client, struct gwt_error *err);

  /* [main, vcpu] Bytes of configuration space: read; preset with masks.  For each byte WMASK has
     the bits that the guest may write, W1CMASK those that it clears by writing 1, CMASK those that
     a migration compares.  NULL: zeros. */
  uint32_t (*config_get) (struct gwt_pci *pci, uint32_t offset, uint32_t size);
  void (*config_set) (struct gwt_pci *pci, uint32_t offset, const void *bytes, const void *wmask,
                      const void *w1cmask, const void *cmask, uint32_t size);

  /* Add a capability of SIZE bytes (with its two-byte header); its offset, or 0 with ERR set. */
  uint32_t (*add_capability) (struct gwt_pci *pci, uint8_t id, uint32_t size,
                              struct gwt_error *err);
  /* The same in extended space; SIZE counts the four-byte header. */
  uint32_t (*add_extended) (struct gwt_pci *pci, uint16_t id, uint8_t version, uint32_t size,
                            struct gwt_error *err);

  /* BAR INDEX (0 to 5) decodes REGION, made by this device with a power-of-two size; FLAGS enum
     gwt_pci_bar_flag.  The guest maps and unmaps it. */
  int (*bar) (struct gwt_pci *pci, uint32_t index, struct gwt_region *region, uint64_t flags,
              struct gwt_error *err);

  /* MSI-X with VECTORS (1 to 2048) in BAR INDEX, which is made for it. */
  int (*msix) (struct gwt_pci *pci, uint32_t vectors, uint32_t bar, struct gwt_error *err);
  /* [any] Is MSI-X enabled by the guest?  Send VECTOR (kept pending while masked). */
  uint32_t (*msix_enabled) (struct gwt_pci *pci);
  void (*msix_notify) (struct gwt_pci *pci, uint32_t vector);
  /* [any] Drive INTA. */
  void (*intx) (struct gwt_pci *pci, uint32_t level);

  /* [any] DMA as the function: refused (GWT_ACCESS_ERROR) while bus mastering is off. */
  uint32_t (*dma_read) (struct gwt_pci *pci, uint64_t address, void *data, uint64_t size);
  uint32_t (*dma_write) (struct gwt_pci *pci, uint64_t address, const void *data, uint64_t size);
  void *(*dma_map) (struct gwt_pci *pci, uint64_t address, uint64_t *size, uint32_t to_write);
  void (*dma_unmap) (struct gwt_pci *pci, uint64_t address, uint64_t size, uint64_t written);

  /* Report an error of the function through Advanced Error Reporting: STATUS is one bit of the
     uncorrectable (or, with CORRECTABLE, correctable) status register, HEADER four words of the TLP
     header or NULL.  [main, vcpu] */
  void (*aer_report) (struct gwt_pci *pci, uint32_t status, uint32_t correctable,
                      const uint32_t *header);

  /* [main, in realize] The client's functions take SELF instead of the device's instance: a parent
     type's own part. */
  void (*set_self) (struct gwt_pci *pci, void *self);
  /* [main, in realize, after identify ()] 1: the function has the 4096 bytes of express. */
  uint32_t (*is_express) (struct gwt_pci *pci);

  /* MSI with VECTORS (1, 2, 4, ... 32); FLAGS enum gwt_pci_msi_flag. */
  int (*msi) (struct gwt_pci *pci, uint32_t vectors, uint64_t flags, struct gwt_error *err);
  /* [any] How many vectors the guest allows, 0: MSI is off.  Send VECTOR (0 to that less 1; kept
     pending while masked). */
  uint32_t (*msi_enabled) (struct gwt_pci *pci);
  void (*msi_notify) (struct gwt_pci *pci, uint32_t vector);

  /* Power management, with the states D0 and D3hot.  In D3hot no BAR is decoded, and the function
     reaches no memory and sends no interrupt; its registers stay as they are. */
  int (*add_power) (struct gwt_pci *pci, struct gwt_error *err);
  /* [any] Can the function reach memory: is bus mastering on, and is it in D0? */
  uint32_t (*is_master) (struct gwt_pci *pci);

  /* Schemas of a function, of a struct gwt_pci; a device has them in its own section (with
     put_state and get_state of gwt.vmstate/1).  STATE, "PCIDevice", is configuration space, INTA,
     pending MSI and errors that wait to be logged; MSIX_STATE, "msix", table and pending bits, no
     bytes where there is no MSI-X.  A load refuses registers that are another function's, maps BARs
     and drives INTA as they say, and sends no message. */
  const struct gwt_vmstate *state;
  const struct gwt_vmstate *msix_state;
};

#define GWT_PCI_HOST_INTERFACE "gwt.pci-host/1"

/* A base address register as query-pci shows it. */
struct gwt_pci_bar_info
{
  uint64_t struct_size;
  uint64_t flags;   /* enum gwt_pci_bar_flag */
  uint64_t size;    /* bytes; 0: there is no such BAR */
  uint64_t address; /* where it is mapped on the bus, UINT64_MAX: it is not */
};

/* What a host bridge tells about the functions below it, for the monitor.  [main] */
struct gwt_pci_host
{
  uint64_t struct_size;
  /* The function that comes after AFTER (NULL: the first) on the bus behind BRIDGE (NULL: the root
     bus), or NULL; its slot and function go to *DEVFN (8 bits). */
  struct gwt_device *(*next) (void *self, struct gwt_device *bridge, struct gwt_device *after,
                              uint32_t *devfn);
  /* SIZE (1, 2 or 4) bytes of its configuration space as the guest reads them. */
  uint32_t (*config_read) (void *self, struct gwt_device *function, uint32_t offset, uint32_t size);
  /* BAR INDEX (0 to 5) to *INFO, whose struct_size is set. */
  void (*bar) (void *self, struct gwt_device *function, uint32_t index,
               struct gwt_pci_bar_info *info);
};

#ifdef __cplusplus
}
#endif

#endif
