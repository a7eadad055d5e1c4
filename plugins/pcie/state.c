/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a function goes along when the guest moves: configuration space, INTA, MSI-X table and
 * pending bits, errors that wait to be logged.  The rest follows from that and from the device's
 * type and properties, which are the same at both ends: bytes of configuration space that a guest
 * cannot change are compared.
 *
 * The bytes are those of QEMU's "PCIDevice", "msix" and "PCIE_AER_ERROR_LOG"; ports, whose sections
 * have these as parts, are in port.c and switch.c.
 */
#include "pcie.h"

#include <stdio.h>
#include <string.h>

#define STATE_VERSION 2
#define PATH_MAX_BYTES 256

const char *
pci_section_path (void *self)
{
  const struct gwt_pci *pci = self;
  char path[PATH_MAX_BYTES], *at = path + sizeof path - 1;
  *at = '\0';
  /* From the function upwards; what is too deep for this is too long for a section's name. */
  for (;;)
    {
      char hop[16];
      const struct pci_bus *bus = pci->bus;
      int length;
      if (bus == NULL)
        return NULL;
      length = snprintf (hop, sizeof hop, ":%02x.%x", pci->devfn / PCI_FUNCTIONS,
                         pci->devfn % PCI_FUNCTIONS);
      if (at - path < length + 8)
        return NULL;
      at -= length;
      memcpy (at, hop, (size_t) length);
      if (bus->bridge == NULL)
        {
          char domain[8];
          (void) snprintf (domain, sizeof domain, "%04x:00", pci_bus_domain (bus) & 0xffff);
          at -= 7;
          memcpy (at, domain, 7);
          return pci_gwt->intern (at);
        }
      pci = bus->bridge;
    }
}

/* ---- configuration space -------------------------------------------------------------------- */

static struct gwt_pci *
owner (const void *member, const struct gwt_vm_field *field)
{
  return (struct gwt_pci *) (uintptr_t) ((const char *) member - field->offset);
}

static uint32_t
is_express (const void *self, uint32_t version)
{
  (void) version;
  return (((const struct gwt_pci *) self)->info_flags & GWT_PCI_EXPRESS) != 0;
}

static uint32_t
is_conventional (const void *self, uint32_t version)
{
  return !is_express (self, version);
}

uint32_t
pci_config_size (const struct gwt_pci *pci)
{
  return is_express (pci, 0) ? PCI_CONFIG_SIZE : 256;
}

static int
config_put (const void *member, const struct gwt_vm_field *field, struct gwt_vm_out *out,
            struct gwt_error *err)
{
  const struct gwt_pci *pci = owner (member, field);
  uint32_t size = pci_config_size (pci), pending = pci_msi_pending_at (pci);
  uint8_t bytes[PCI_CONFIG_SIZE];
  (void) err;
  memcpy (bytes, pci->config, size);
  /* They are in no byte of ours, for they change on any thread. */
  if (pending != 0)
    pci_put (bytes + pending, 4, __atomic_load_n (&pci->msi_pending, __ATOMIC_SEQ_CST));
  pci_vmstate->put (out, bytes, size);
  return 0;
}

/* Bits that can be written and yet are never set when a write is over. */
static uint8_t
passing_bits (const struct gwt_pci *pci, uint32_t offset)
{
  if (pci->express != 0 && offset == pci->express + PCIE_DEVICE_CONTROL + 1)
    return PCIE_CONTROL_FLR >> 8;
  if (pci->slot != NULL && offset == pci->express + PCIE_SLOT_CONTROL + 1)
    return PCIE_SLOT_INTERLOCK >> 8;
  return 0;
}

/* What follows from what, behind a colon, where byte OFFSET says how many vectors there are. */
static void
explain_vectors (const struct gwt_pci *pci, const uint8_t *bytes, uint32_t offset, char *text,
                 size_t size)
{
  uint32_t control = pci->msix + MSIX_CONTROL;
  text[0] = text[2] = '\0';
  if (pci->msix == 0 || offset < control || offset > control + 1 || pci->client == NULL
      || !GWT_HAS (pci->client, vectors_differ))
    return;
  pci->client->vectors_differ (pci->self, (pci_get (bytes + control, 2) & MSIX_TABLE_SIZE) + 1,
                               pci->n_vectors, text + 2, size - 2);
  if (text[2] != '\0')
    memcpy (text, ": ", 2);
}

static bool
check_config (const struct gwt_pci *pci, const uint8_t *bytes, uint32_t size, struct gwt_error *err)
{
  char why[160];
  for (uint32_t i = 0; i < size; i++)
    {
      uint8_t fixed = (uint8_t) (pci->cmask[i] & ~pci->wmask[i] & ~pci->w1cmask[i]);
      fixed |= passing_bits (pci, i);
      if (((bytes[i] ^ pci->config[i]) & fixed) == 0)
        continue;
      explain_vectors (pci, bytes, i, why, sizeof why);
      pci_gwt->error_set (err, GWT_E_INVALID,
                          "configuration space of '%s', byte 0x%x (%s): 0x%02x comes, 0x%02x is "
                          "here, and the guest can change 0x%02x of it%s; make it the same device "
                          "with the same properties at both ends",
                          pci_devices->id (pci->device), i, pci_register_name (pci, i), bytes[i],
                          pci->config[i], fixed ^ 0xff, why);
      return false;
    }
  uint32_t power = pci->power != 0 ? bytes[pci->power + POWER_STATUS] & POWER_STATE : 0;
  if (power != 0 && power != POWER_STATE)
    {
      pci_gwt->error_set (err, GWT_E_INVALID,
                          "configuration space of '%s', byte 0x%x (power management): it is in "
                          "state D%u, and there are D0 and D3 alone",
                          pci_devices->id (pci->device), pci->power + POWER_STATUS, power);
      return false;
    }
  return true;
}

static int
config_get (void *member, const struct gwt_vm_field *field, struct gwt_vm_in *in,
            struct gwt_error *err)
{
  struct gwt_pci *pci = owner (member, field);
  uint32_t size = pci_config_size (pci), pending = pci_msi_pending_at (pci);
  uint8_t bytes[PCI_CONFIG_SIZE];
  if (pci_vmstate->get (in, bytes, size, err) < 0)
    return -1;
  /* Others have INTA's level here too; it comes by itself. */
  bytes[PCI_STATUS] &= (uint8_t) ~PCI_STATUS_INTX;
  pci->msi_pending = 0;
  if (pending != 0)
    {
      pci->msi_pending = pci_get (bytes + pending, 4) & pci_get (pci->wmask + pending - 4, 4);
      memset (bytes + pending, 0, 4);
    }
  if (!check_config (pci, bytes, size, err))
    return -1;
  memcpy (pci->config, bytes, size);
  return 0;
}

static const struct gwt_vm_custom config_custom = {
  .struct_size = sizeof config_custom,
  .type = "pci config",
  .put = config_put,
  .get = config_get,
};

/* ---- INTA ----------------------------------------------------------------------------------- */

static int
pins_put (const void *member, const struct gwt_vm_field *field, struct gwt_vm_out *out,
          struct gwt_error *err)
{
  const uint32_t *level = member;
  (void) field;
  (void) err;
  pci_vmstate->put_be (out, 4, __atomic_load_n (level, __ATOMIC_SEQ_CST) != 0);
  for (uint32_t i = 1; i < PCI_PINS; i++)
    pci_vmstate->put_be (out, 4, 0);
  return 0;
}

static int
pins_get (void *member, const struct gwt_vm_field *field, struct gwt_vm_in *in,
          struct gwt_error *err)
{
  uint32_t *level = member;
  uint64_t value;
  (void) field;
  for (uint32_t i = 0; i < PCI_PINS; i++)
    {
      if (pci_vmstate->get_be (in, 4, &value, err) < 0)
        return -1;
      if (value > (i == 0 ? 1 : 0))
        {
          pci_gwt->error_set (err, GWT_E_RANGE, "INT%c is %llu; it is %s", (int) ('A' + i),
                              (unsigned long long) value,
                              i == 0 ? "0 or 1" : "a pin that no function here has");
          return -1;
        }
      if (i == 0)
        *level = (uint32_t) value;
    }
  return 0;
}

static const struct gwt_vm_custom pins_custom = {
  .struct_size = sizeof pins_custom,
  .type = "pci irq state",
  .put = pins_put,
  .get = pins_get,
};

/* ---- MSI-X ---------------------------------------------------------------------------------- */

static int
msix_put (const void *member, const struct gwt_vm_field *field, struct gwt_vm_out *out,
          struct gwt_error *err)
{
  const struct gwt_pci *pci = owner (member, field);
  uint8_t bytes[MSIX_ENTRY];
  (void) err;
  /* As in memory: both are little-endian there. */
  for (uint32_t i = 0; i < pci->n_vectors; i++)
    {
      for (uint32_t w = 0; w < MSIX_WORDS; w++)
        pci_put (bytes + 4 * w, 4,
                 __atomic_load_n (&pci->msix_table[i * MSIX_WORDS + w], __ATOMIC_SEQ_CST));
      pci_vmstate->put (out, bytes, sizeof bytes);
    }
  for (uint32_t i = 0; i < pci->n_vectors; i += 8)
    pci_vmstate->put_be (
        out, 1, __atomic_load_n (&pci->msix_pending[i / 64], __ATOMIC_SEQ_CST) >> (i % 64) & 0xff);
  return 0;
}

static int
msix_get (void *member, const struct gwt_vm_field *field, struct gwt_vm_in *in,
          struct gwt_error *err)
{
  struct gwt_pci *pci = owner (member, field);
  uint8_t bytes[MSIX_ENTRY];
  uint64_t byte;
  for (uint32_t i = 0; i < pci->n_vectors; i++)
    {
      if (pci_vmstate->get (in, bytes, sizeof bytes, err) < 0)
        return -1;
      for (uint32_t w = 0; w < MSIX_WORDS; w++)
        pci->msix_table[i * MSIX_WORDS + w] = pci_msix_word (w, pci_get (bytes + 4 * w, 4));
    }
  memset (pci->msix_pending, 0, sizeof pci->msix_pending);
  for (uint32_t i = 0; i < pci->n_vectors; i += 8)
    {
      uint32_t left = pci->n_vectors - i;
      if (pci_vmstate->get_be (in, 1, &byte, err) < 0)
        return -1;
      if (left < 8)
        byte &= (1u << left) - 1;
      pci->msix_pending[i / 64] |= byte << (i % 64);
    }
  return 0;
}

static const struct gwt_vm_custom msix_custom = {
  .struct_size = sizeof msix_custom,
  .type = "msix state",
  .put = msix_put,
  .get = msix_get,
};

static uint32_t
has_msix (const void *self, uint32_t version)
{
  (void) version;
  return ((const struct gwt_pci *) self)->msix != 0;
}

static void
msix_loaded (void *self, uint32_t version)
{
  struct gwt_pci *pci = self;
  (void) version;
  if (pci->client != NULL && GWT_HAS (pci->client, vector_masked))
    for (uint32_t i = 0; i < pci->n_vectors; i++)
      pci->client->vector_masked (pci->self, i, pci_msix_is_masked (pci, i));
}

static const struct gwt_vm_field msix_fields[] = {
  { .name = "msix",
    .form = GWT_VM_CUSTOM,
    .offset = offsetof (struct gwt_pci, msix_table),
    .size = sizeof ((struct gwt_pci *) 0)->msix_table,
    .elems = 1,
    .custom = &msix_custom,
    .exists = has_msix },
  GWT_VM_COMPUTED (struct gwt_pci, msix_pending),
};
const struct gwt_vmstate pci_msix_state
    = GWT_VMSTATE (struct gwt_pci, "msix", 0, 0, msix_fields, .loaded = msix_loaded);

/* ---- errors that wait to be logged ---------------------------------------------------------- */

static const struct gwt_vm_field error_fields[] = {
  GWT_VM_VALUE (struct pci_aer_error, status), GWT_VM_VALUE (struct pci_aer_error, source_id),
  GWT_VM_VALUE (struct pci_aer_error, flags),  GWT_VM_ARRAY (struct pci_aer_error, header),
  GWT_VM_ARRAY (struct pci_aer_error, prefix),
};
static const struct gwt_vmstate error_state
    = GWT_VMSTATE (struct pci_aer_error, "PCIE_AER_ERROR", 1, 1, error_fields);

#define LOG_FIELD(M, NAME, ...) GWT_VM_VALUE_NAMED (struct gwt_pci, aer_log.M, NAME, __VA_ARGS__)
static const struct gwt_vm_field aer_fields[] = {
  LOG_FIELD (log_num, "log_num", .max = AER_LOG_MAX),
  LOG_FIELD (log_max, "log_max", .flags = GWT_VM_EQUAL),
  { .name = "log",
    .form = GWT_VM_STRUCT,
    .flags = GWT_VM_COUNTED,
    .offset = offsetof (struct gwt_pci, aer_log.log),
    .size = sizeof (struct pci_aer_error),
    .elems = AER_LOG_MAX,
    .schema = &error_state,
    GWT_VM_COUNT (struct gwt_pci, aer_log.log_num) },
};
const struct gwt_vmstate pci_aer_state
    = GWT_VMSTATE (struct gwt_pci, "PCIE_AER_ERROR_LOG", 1, 1, aer_fields);

/* ---- the function --------------------------------------------------------------------------- */

/* Ports have it in their sections, always. */
static uint32_t
log_needed (const void *self)
{
  const struct gwt_pci *pci = self;
  return pci->secondary == NULL && pci->aer_log.log_num > 0;
}

static const struct gwt_vmstate log_state
    = GWT_VMSTATE (struct gwt_pci, "PCIDevice/aer_log", 1, 1, aer_fields, .needed = log_needed);

static uint32_t
unplug_needed (const void *self)
{
  return ((const struct gwt_pci *) self)->unplug_asked;
}

static const struct gwt_vm_field unplug_fields[]
    = { GWT_VM_VALUE (struct gwt_pci, unplug_asked, .max = 1) };
static const struct gwt_vmstate unplug_state = GWT_VMSTATE (
    struct gwt_pci, "PCIDevice/unplug", 1, 1, unplug_fields, .needed = unplug_needed);

static const struct gwt_vmstate *const subsections[] = { &log_state, &unplug_state, NULL };

/* What a stream need not have. */
static int
function_pre_load (void *self, struct gwt_error *err)
{
  struct gwt_pci *pci = self;
  (void) err;
  pci->unplug_asked = 0;
  if (pci->secondary == NULL)
    pci->aer_log.log_num = 0;
  return 0;
}

static int
function_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct gwt_pci *pci = self;
  (void) version;
  /* An older sender's is ours now. */
  pci->version_id = STATE_VERSION;
  if (pci->slot == NULL)
    {
      if (!pci->unplug_asked)
        return 0;
      pci_gwt->error_set (err, GWT_E_INVALID,
                          "'%s' has no slot, and something was asked to leave it",
                          pci_devices->id (pci->device));
      return -1;
    }
  bool here = pci->secondary->function[0] != NULL;
  bool there = (pci_reg (pci, pci->express + PCIE_SLOT_STATUS, 2) & PCIE_SLOT_PRESENT) != 0;
  if (here == there)
    return 0;
  pci_gwt->error_set (err, GWT_E_INVALID,
                      here ? "the slot of port '%s' was empty, and here '%s' is in it; leave that "
                             "device out"
                           : "the slot of port '%s' was filled, and here it is empty; start with "
                             "the devices that the guest had",
                      pci_devices->id (pci->device),
                      here ? pci_devices->id (pci->secondary->function[0]->device) : "");
  return -1;
}

/* Nothing here raises an interrupt that was not due before: what others see of the registers is
   worked out again. */
static void
function_loaded (void *self, uint32_t version)
{
  struct gwt_pci *pci = self;
  (void) version;
  if (pci->msi != 0)
    pci_msi_refresh (pci);
  if (pci->msix != 0)
    pci_msix_refresh (pci);
  if (pci->aer != 0)
    pci_aer_refresh (pci);
  if (pci->slot != NULL)
    pci_slot_refresh (pci->slot);
  pci_command_refresh (pci);
  pci_update_bars (pci);
  /* Sections come in any order: windows for what was there first, the rest finds them open. */
  if (pci->secondary != NULL)
    {
      pci_port_interrupt (pci, false);
      pci_bus_update_bars (pci->secondary);
    }
}

static const struct gwt_vm_field function_fields[] = {
  GWT_VM_VALUE_AT_MOST (struct gwt_pci, version_id),
  GWT_VM_OWN (struct gwt_pci, config, &config_custom, .exists = is_conventional),
  GWT_VM_OWN (struct gwt_pci, config, &config_custom, .exists = is_express),
  { .name = "irq_state",
    .form = GWT_VM_CUSTOM,
    .offset = offsetof (struct gwt_pci, intx_level),
    .size = sizeof ((struct gwt_pci *) 0)->intx_level,
    .elems = 1,
    .custom = &pins_custom,
    .version = 2 },
  GWT_VM_COMPUTED (struct gwt_pci, msi_pending),
};
const struct gwt_vmstate pci_state = GWT_VMSTATE (
    struct gwt_pci, "PCIDevice", STATE_VERSION, 1, function_fields, .subsections = subsections,
    .pre_load = function_pre_load, .post_load = function_post_load, .loaded = function_loaded);
