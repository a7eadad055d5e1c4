/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI (PCI Express Base Specification 5.0, 7.7.1).  Must not know who raises a vector nor who
 * receives the message.
 *
 * As with MSI-X a vector is raised on any thread while a vCPU writes the registers, so what a
 * sender needs of them is kept in atomics; raising sets the pending bit before it looks at the
 * mask, unmasking clears the mask before it looks at the pending bits.  A guest that changes
 * address and data while messages are on gets one of old and new of each, as it would anywhere.
 */
#include "pcie.h"

#define CONTROL 0x02
#define CONTROL_ENABLE 0x0001
#define CONTROL_CAPABLE_SHIFT 1
#define CONTROL_ENABLED_SHIFT 4
#define CONTROL_ENABLED 0x0070
#define CONTROL_64 0x0080
#define CONTROL_MASK 0x0100
#define ADDRESS 0x04
#define ADDRESS_HIGH 0x08
#define VECTORS_MAX 32

static uint32_t
data_at (const struct gwt_pci *pci)
{
  return pci->msi + (pci->msi_flags & GWT_PCI_MSI_64 ? 0x0c : 0x08);
}

static uint32_t
capability_size (uint64_t flags)
{
  uint32_t size = flags & GWT_PCI_MSI_64 ? 0x0e : 0x0a;
  return flags & GWT_PCI_MSI_MASK ? size + 2 + 8 : size;
}

static void
send (struct gwt_pci *pci, uint32_t vector)
{
  uint32_t bit = 1u << vector, vectors = pci_msi_enabled (pci);
  if (vector >= vectors || (__atomic_load_n (&pci->msi_mask, __ATOMIC_SEQ_CST) & bit)
      || !(__atomic_fetch_and (&pci->msi_pending, ~bit, __ATOMIC_SEQ_CST) & bit)
      || !(__atomic_load_n (&pci->command, __ATOMIC_SEQ_CST) & PCI_COMMAND_MASTER))
    return;
  /* The low bits of the data are the vector's number (7.7.1.4). */
  uint32_t data = __atomic_load_n (&pci->msi_data, __ATOMIC_SEQ_CST);
  (void) pci_memory->message (pci->device, __atomic_load_n (&pci->msi_address, __ATOMIC_SEQ_CST),
                              (data & ~(vectors - 1)) | vector);
}

uint32_t
pci_msi_enabled (struct gwt_pci *pci)
{
  return __atomic_load_n (&pci->msi_vectors, __ATOMIC_SEQ_CST);
}

void
pci_msi_notify (struct gwt_pci *pci, uint32_t vector)
{
  if (vector >= pci_msi_enabled (pci))
    return;
  __atomic_fetch_or (&pci->msi_pending, 1u << vector, __ATOMIC_SEQ_CST);
  send (pci, vector);
}

uint32_t
pci_msi_pending_at (const struct gwt_pci *pci)
{
  return pci->msi != 0 && (pci->msi_flags & GWT_PCI_MSI_MASK) ? data_at (pci) + 8 : 0;
}

/* What senders need of the registers but for how many vectors there are, which is the answer. */
static uint32_t
take_registers (struct gwt_pci *pci)
{
  uint32_t at = pci->msi, control = pci_reg (pci, at + CONTROL, 2), data = data_at (pci);
  uint32_t enabled = (control & CONTROL_ENABLED) >> CONTROL_ENABLED_SHIFT;
  uint32_t capable = control >> CONTROL_CAPABLE_SHIFT & 7;
  uint64_t address = pci_reg (pci, at + ADDRESS, 4);
  if (pci->msi_flags & GWT_PCI_MSI_64)
    address |= (uint64_t) pci_reg (pci, at + ADDRESS_HIGH, 4) << 32;
  __atomic_store_n (&pci->msi_address, address, __ATOMIC_SEQ_CST);
  __atomic_store_n (&pci->msi_data, pci_reg (pci, data, 2), __ATOMIC_SEQ_CST);
  if (pci->msi_flags & GWT_PCI_MSI_MASK)
    __atomic_store_n (&pci->msi_mask, pci_reg (pci, data + 4, 4), __ATOMIC_SEQ_CST);
  /* A guest may not allow more than there are; what it wrote beyond counts as all. */
  return control & CONTROL_ENABLE ? 1u << (enabled < capable ? enabled : capable) : 0;
}

void
pci_msi_refresh (struct gwt_pci *pci)
{
  __atomic_store_n (&pci->msi_vectors, take_registers (pci), __ATOMIC_SEQ_CST);
}

void
pci_msi_written (struct gwt_pci *pci)
{
  uint32_t vectors = take_registers (pci);
  if (__atomic_exchange_n (&pci->msi_vectors, vectors, __ATOMIC_SEQ_CST) == 0 && vectors == 0)
    return;
  for (uint32_t i = 0; i < vectors; i++)
    send (pci, i);
  if (pci->secondary != NULL)
    pci_port_interrupt (pci, false);
}

uint32_t
pci_msi_read (struct gwt_pci *pci, uint32_t offset, uint32_t size)
{
  uint32_t at = data_at (pci) + 8;
  uint64_t bits = __atomic_load_n (&pci->msi_pending, __ATOMIC_SEQ_CST);
  if (offset >= at + 4 || offset + size <= at)
    return 0;
  bits = offset < at ? bits << (8 * (at - offset)) : bits >> (8 * (offset - at));
  return (uint32_t) (bits & (UINT32_MAX >> (32 - 8 * size)));
}

int
pci_add_msi (struct gwt_pci *pci, uint32_t vectors, uint32_t at, uint64_t flags,
             struct gwt_error *err)
{
  uint32_t size = capability_size (flags), log = 0;
  while (log < 5 && 1u << log < vectors)
    log++;
  if (1u << log != vectors || pci->msi != 0
      || (flags & ~(uint64_t) (GWT_PCI_MSI_64 | GWT_PCI_MSI_MASK)) != 0)
    {
      pci_gwt->error_set (err, GWT_E_RANGE, "%u MSI vectors %s; use 1, 2, 4, 8, 16 or %u", vectors,
                          pci->msi != 0 ? "come on top of others" : "make no sense", VECTORS_MAX);
      return -1;
    }
  if (at != 0)
    pci_put_capability (pci, PCI_CAP_MSI, at, size);
  else if ((at = pci_add_capability (pci, PCI_CAP_MSI, size, err)) == 0)
    return -1;
  pci->msi = at;
  pci->msi_flags = (uint32_t) flags;
  pci_config_preset (pci, at + CONTROL, 2,
                     log << CONTROL_CAPABLE_SHIFT | (flags & GWT_PCI_MSI_64 ? CONTROL_64 : 0)
                         | (flags & GWT_PCI_MSI_MASK ? CONTROL_MASK : 0),
                     CONTROL_ENABLE | CONTROL_ENABLED, 0);
  pci_config_preset (pci, at + ADDRESS, 4, 0, ~3u, 0);
  if (flags & GWT_PCI_MSI_64)
    pci_config_preset (pci, at + ADDRESS_HIGH, 4, 0, UINT32_MAX, 0);
  pci_config_preset (pci, data_at (pci), 2, 0, UINT16_MAX, 0);
  if (flags & GWT_PCI_MSI_MASK)
    pci_config_preset (pci, data_at (pci) + 4, 4, 0, UINT32_MAX >> (32 - vectors), 0);
  return 0;
}
