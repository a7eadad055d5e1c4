/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X (PCI Express Base Specification 5.0, 7.7.2): table, pending bits, messages.  Must not know
 * who raises a vector nor who receives the message.
 *
 * A vector is raised on any thread while a vCPU writes the table: words and pending bits are
 * atomic. Raising sets the pending bit before it looks at the masks, unmasking clears the mask
 * before it looks at the pending bit, and whoever takes the bit away sends: no message is lost or
 * sent twice.
 */
#include "pcie.h"

#include <string.h>

#define CONTROL MSIX_CONTROL
#define CONTROL_ENABLE 0x8000
#define CONTROL_MASK 0x4000
#define TABLE 4
#define PENDING 8

enum word
{
  ADDRESS,
  ADDRESS_HIGH,
  DATA,
  VECTOR_CONTROL
};
#define VECTOR_MASKED 1u

static uint32_t
word_get (const struct gwt_pci *pci, uint32_t vector, enum word word)
{
  return __atomic_load_n (&pci->msix_table[vector * MSIX_WORDS + word], __ATOMIC_SEQ_CST);
}

static bool
is_blocked (const struct gwt_pci *pci, uint32_t vector)
{
  return __atomic_load_n (&pci->msix_state, __ATOMIC_SEQ_CST) != PCI_MSIX_ON
         || (word_get (pci, vector, VECTOR_CONTROL) & VECTOR_MASKED);
}

/* Send what is pending and no longer masked. */
static void
send (struct gwt_pci *pci, uint32_t vector)
{
  uint64_t bit = UINT64_C (1) << (vector % 64), *at = &pci->msix_pending[vector / 64];
  if (is_blocked (pci, vector) || !(__atomic_fetch_and (at, ~bit, __ATOMIC_SEQ_CST) & bit))
    return;
  /* A message is a write by the function. */
  if (!(__atomic_load_n (&pci->command, __ATOMIC_SEQ_CST) & PCI_COMMAND_MASTER))
    return;
  uint64_t address
      = word_get (pci, vector, ADDRESS) | (uint64_t) word_get (pci, vector, ADDRESS_HIGH) << 32;
  /* Nobody there: as on a bus, the write is lost. */
  (void) pci_memory->message (pci->device, address, word_get (pci, vector, DATA));
}

void
pci_msix_notify (struct gwt_pci *pci, uint32_t vector)
{
  if (vector >= pci->n_vectors || !pci_msix_enabled (pci))
    return;
  __atomic_fetch_or (&pci->msix_pending[vector / 64], UINT64_C (1) << (vector % 64),
                     __ATOMIC_SEQ_CST);
  send (pci, vector);
}

uint32_t
pci_msix_enabled (struct gwt_pci *pci)
{
  return __atomic_load_n (&pci->msix_state, __ATOMIC_SEQ_CST) != PCI_MSIX_OFF;
}

/* ---- registers ------------------------------------------------------------------------------ */

static enum pci_msix_state
state_of (const struct gwt_pci *pci)
{
  uint32_t control = pci_reg (pci, pci->msix + CONTROL, 2);
  return !(control & CONTROL_ENABLE) ? PCI_MSIX_OFF
         : control & CONTROL_MASK    ? PCI_MSIX_MASKED
                                     : PCI_MSIX_ON;
}

void
pci_msix_refresh (struct gwt_pci *pci)
{
  __atomic_store_n (&pci->msix_state, (uint32_t) state_of (pci), __ATOMIC_SEQ_CST);
}

void
pci_msix_written (struct gwt_pci *pci)
{
  enum pci_msix_state state = state_of (pci);
  if (__atomic_exchange_n (&pci->msix_state, (uint32_t) state, __ATOMIC_SEQ_CST)
      == (uint32_t) state)
    return;
  if (state == PCI_MSIX_ON)
    for (uint32_t i = 0; i < pci->n_vectors; i++)
      send (pci, i);
  if (pci->secondary != NULL)
    pci_port_interrupt (pci, false); /* a port uses one or the other kind of interrupt */
}

static uint32_t
table_read (struct gwt_pci *pci, uint64_t offset)
{
  if (offset < (uint64_t) pci->n_vectors * MSIX_ENTRY)
    return __atomic_load_n (&pci->msix_table[offset / 4], __ATOMIC_SEQ_CST);
  if (offset >= pci->pending_at)
    {
      uint64_t word = (offset - pci->pending_at) / 8;
      if (word * 64 < pci->n_vectors)
        return (uint32_t) (__atomic_load_n (&pci->msix_pending[word], __ATOMIC_SEQ_CST)
                           >> (8 * ((offset - pci->pending_at) & 4)));
    }
  return 0;
}

uint32_t
pci_msix_word (uint32_t word, uint32_t value)
{
  return word == ADDRESS ? value & ~3u : word == VECTOR_CONTROL ? value & VECTOR_MASKED : value;
}

uint32_t
pci_msix_is_masked (const struct gwt_pci *pci, uint32_t vector)
{
  return word_get (pci, vector, VECTOR_CONTROL) & VECTOR_MASKED;
}

static void
table_write (struct gwt_pci *pci, uint64_t offset, uint32_t value)
{
  if (offset >= (uint64_t) pci->n_vectors * MSIX_ENTRY)
    return; /* pending bits are the function's */
  uint32_t vector = (uint32_t) (offset / MSIX_ENTRY), word = (uint32_t) (offset / 4) % MSIX_WORDS;
  value = pci_msix_word (word, value);
  uint32_t old = __atomic_exchange_n (&pci->msix_table[offset / 4], value, __ATOMIC_SEQ_CST);
  if (word != VECTOR_CONTROL || old == value)
    return;
  if (pci->client != NULL && GWT_HAS (pci->client, vector_masked))
    pci->client->vector_masked (pci->self, vector, value);
  send (pci, vector);
}

static uint32_t
msix_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  *value = table_read (self, offset);
  if (size == 8)
    *value |= (uint64_t) table_read (self, offset + 4) << 32;
  return GWT_ACCESS_OK;
}

static uint32_t
msix_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  table_write (self, offset, (uint32_t) value);
  if (size == 8)
    table_write (self, offset + 4, (uint32_t) (value >> 32));
  return GWT_ACCESS_OK;
}

/* 4 and 8 bytes, aligned (7.7.2): others are undefined there and refused here. */
static const struct gwt_mmio_ops msix_ops = {
  .struct_size = sizeof msix_ops,
  .min_size = 4,
  .max_size = 8,
  .read = msix_read,
  .write = msix_write,
};

/* ---- life ----------------------------------------------------------------------------------- */

void
pci_msix_reset (struct gwt_pci *pci)
{
  if (pci->msix == 0)
    return;
  __atomic_store_n (&pci->msix_state, (uint32_t) PCI_MSIX_OFF, __ATOMIC_SEQ_CST);
  memset (pci->msix_pending, 0, sizeof pci->msix_pending);
  memset (pci->msix_table, 0, (size_t) pci->n_vectors * MSIX_ENTRY);
  for (uint32_t i = 0; i < pci->n_vectors; i++)
    pci->msix_table[i * MSIX_WORDS + VECTOR_CONTROL] = VECTOR_MASKED;
}

int
pci_add_msix (struct gwt_pci *pci, uint32_t vectors, uint32_t bar, struct gwt_error *err)
{
  if (vectors == 0 || vectors > MSIX_VECTORS_MAX || pci->msix != 0)
    {
      pci_gwt->error_set (err, GWT_E_RANGE, "%u MSI-X vectors %s; use 1 to %u", vectors,
                          pci->msix != 0 ? "come on top of others" : "are out of range",
                          MSIX_VECTORS_MAX);
      return -1;
    }
  /* The pending bits in the upper half of a page, or behind a table that is larger. */
  uint32_t pending = vectors * MSIX_ENTRY > 2048 ? vectors * MSIX_ENTRY : 2048, size = 4096;
  while (size < pending + (vectors + 63) / 64 * 8)
    size *= 2;
  struct gwt_region *region = pci_memory->mmio (pci->device, "msix", size, &msix_ops, err);
  if (region == NULL || pci_add_bar (pci, bar, region, 0, err) < 0)
    return -1;
  pci_memory->set_self (region, pci);
  uint32_t at = pci_add_capability (pci, PCI_CAP_MSIX, 12, err);
  if (at == 0)
    return -1;
  pci_config_preset (pci, at + CONTROL, 2, vectors - 1, CONTROL_ENABLE | CONTROL_MASK, 0);
  pci_config_preset (pci, at + TABLE, 4, bar, 0, 0);
  pci_config_preset (pci, at + PENDING, 4, pending | bar, 0, 0);
  pci->msix = at;
  pci->n_vectors = vectors;
  pci->pending_at = pending;
  pci_msix_reset (pci);
  return 0;
}
