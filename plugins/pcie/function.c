/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PCI function: configuration space with its masks, capabilities, BARs, reset; the device type
 * "pci-device" that is a part of every function.  Must not know buses beyond bus.c's calls, nor
 * what the device does.
 */
#include "pcie.h"

#include <string.h>

/* ---- configuration space -------------------------------------------------------------------- */

void
pci_config_preset (struct gwt_pci *pci, uint32_t offset, unsigned size, uint64_t value,
                   uint64_t wmask, uint64_t w1cmask)
{
  pci_put (pci->config + offset, size, value);
  pci_put (pci->wmask + offset, size, wmask);
  pci_put (pci->w1cmask + offset, size, w1cmask);
  pci_put (pci->cmask + offset, size, ~(wmask | w1cmask));
}

uint32_t
pci_config_read (struct gwt_pci *pci, uint32_t offset, uint32_t size)
{
  uint32_t limit = pci->info_flags & GWT_PCI_EXPRESS ? PCI_CONFIG_SIZE : 256;
  if (offset >= limit || size > limit - offset)
    /* A conventional function has no extended space: nobody answers, and that is how guests tell
       its size. */
    return UINT32_MAX >> (32 - 8 * size);
  if (pci->client != NULL && GWT_HAS (pci->client, config_reading))
    pci->client->config_reading (pci->self, offset, size);
  uint32_t value = pci_reg (pci, offset, size);
  if (pci->msi != 0 && (pci->msi_flags & GWT_PCI_MSI_MASK))
    value |= pci_msi_read (pci, offset, size);
  /* The interrupt's level is in no register, for it changes on any thread. */
  if (offset <= PCI_STATUS && offset + size > PCI_STATUS
      && __atomic_load_n (&pci->intx_level, __ATOMIC_SEQ_CST))
    value |= (uint32_t) PCI_STATUS_INTX << (8 * (PCI_STATUS - offset));
  return value;
}

static bool
overlaps (uint32_t offset, uint32_t size, uint32_t first, uint32_t length)
{
  return offset < first + length && first < offset + size;
}

static void
express_written (struct gwt_pci *pci)
{
  uint32_t control = pci->express + PCIE_DEVICE_CONTROL;
  uint32_t value = pci_reg (pci, control, 2);
  if (!(value & PCIE_CONTROL_FLR))
    return;
  /* The bit always reads as zero (7.5.3.4). */
  pci_put (pci->config + control, 2, value & ~(uint32_t) PCIE_CONTROL_FLR);
  if (!(pci_reg (pci, pci->express + PCIE_DEVICE_CAP, 4) & PCIE_DEVICE_CAP_FLR))
    return;
  pci_function_reset (pci, true);
  if (pci->client != NULL && GWT_HAS (pci->client, function_reset))
    pci->client->function_reset (pci->self);
}

static void
bridge_written (struct gwt_pci *pci, uint32_t offset, uint32_t size, uint32_t old_control)
{
  bool windows
      = overlaps (offset, size, PCI_IO_BASE, 2)
        || overlaps (offset, size, PCI_MEMORY_BASE, PCI_PREFETCH_LIMIT_HIGH + 4 - PCI_MEMORY_BASE)
        || overlaps (offset, size, PCI_COMMAND, 2);
  uint32_t control = pci_reg (pci, PCI_BRIDGE_CONTROL, 2);
  if (control & ~old_control & PCI_BRIDGE_RESET)
    pci_bus_reset (pci->secondary, true);
  if (windows)
    pci_bus_update_bars (pci->secondary);
}

static uint32_t
power_state (const struct gwt_pci *pci)
{
  return pci->power != 0 ? pci->config[pci->power + POWER_STATUS] & POWER_STATE : 0;
}

void
pci_command_refresh (struct gwt_pci *pci)
{
  uint32_t command = power_state (pci) == 0 ? pci_reg (pci, PCI_COMMAND, 2) : PCI_COMMAND_INTX_OFF;
  __atomic_store_n (&pci->command, command, __ATOMIC_SEQ_CST);
  pci_update_intx (pci);
}

static void
power_written (struct gwt_pci *pci, uint32_t old_state)
{
  uint8_t *at = &pci->config[pci->power + POWER_STATUS];
  uint32_t state = power_state (pci);
  /* A state that there is not is not entered (7.5.2.2). */
  if (state == 1 || state == 2)
    *at = (uint8_t) ((*at & ~POWER_STATE) | old_state);
  pci_update_bars (pci);
  pci_command_refresh (pci);
}

/* Registers whose bits mean something when they change. */
struct before
{
  uint32_t bridge_control;
  uint32_t slot_control;
  uint32_t power_state;
};

/* What a write means beyond the bytes. */
static void
written (struct gwt_pci *pci, uint32_t offset, uint32_t size, const struct before *before)
{
  if (overlaps (offset, size, PCI_COMMAND, 2) || overlaps (offset, size, PCI_BAR0, 4 * PCI_BARS))
    pci_update_bars (pci);
  if (overlaps (offset, size, PCI_COMMAND, 2))
    pci_command_refresh (pci);
  if (pci->power != 0 && overlaps (offset, size, pci->power + POWER_STATUS, 1))
    power_written (pci, before->power_state);
  if (pci->secondary != NULL)
    bridge_written (pci, offset, size, before->bridge_control);
  if (pci->msi != 0 && overlaps (offset, size, pci->msi, 0x18))
    pci_msi_written (pci);
  if (pci->msix != 0 && overlaps (offset, size, pci->msix, 4))
    pci_msix_written (pci);
  if (pci->aer != 0 && overlaps (offset, size, pci->aer, AER_SIZE))
    pci_aer_written (pci);
  if (pci->slot != NULL && overlaps (offset, size, pci->express + PCIE_SLOT_CONTROL, 4))
    pci_slot_written (pci->slot, before->slot_control,
                      overlaps (offset, size, pci->express + PCIE_SLOT_CONTROL, 2));
  if (pci->express != 0 && overlaps (offset, size, pci->express + PCIE_DEVICE_CONTROL, 2))
    express_written (pci);
  if (pci->client != NULL && GWT_HAS (pci->client, config_written))
    pci->client->config_written (pci->self, offset, size);
}

void
pci_config_write (struct gwt_pci *pci, uint32_t offset, uint32_t size, uint32_t value)
{
  uint32_t limit = pci->info_flags & GWT_PCI_EXPRESS ? PCI_CONFIG_SIZE : 256;
  const struct before before
      = { .bridge_control = pci_reg (pci, PCI_BRIDGE_CONTROL, 2),
          .slot_control
          = pci->slot != NULL ? pci_reg (pci, pci->express + PCIE_SLOT_CONTROL, 2) : 0,
          .power_state = power_state (pci) };
  if (offset >= limit || size > limit - offset)
    return;
  for (uint32_t i = 0; i < size; i++)
    {
      uint8_t byte = (uint8_t) (value >> (8 * i)), *at = &pci->config[offset + i];
      uint8_t wmask = pci->wmask[offset + i];
      *at = (uint8_t) ((*at & ~wmask) | (byte & wmask));
      *at &= (uint8_t) ~(byte & pci->w1cmask[offset + i]);
    }
  written (pci, offset, size, &before);
}

/* ---- identity and capabilities -------------------------------------------------------------- */

int
pci_identify (struct gwt_pci *pci, const struct gwt_pci_info *info,
              const struct gwt_pci_client *client, struct gwt_error *err)
{
  if (pci->identified)
    {
      pci_gwt->error_set (err, GWT_E_EXISTS, "the function has said what it is already");
      return -1;
    }
  uint64_t flags = info->flags, express = GWT_PCI_EXPRESS | GWT_PCI_EXPRESS_BEHIND_PORT;
  if (flags & ~GWT_PCI_KNOWN || (flags & express) == express
      || ((flags & GWT_PCI_AER) && !(flags & express)))
    {
      pci_gwt->error_set (err, GWT_E_UNSUPPORTED, "flags 0x%llx of the function make no sense here",
                          (unsigned long long) flags);
      return -1;
    }
  bool behind_port = false;
  if (flags & GWT_PCI_EXPRESS_BEHIND_PORT)
    {
      const struct pci_bus *bus = pci_bus_of (pci, err);
      if (bus == NULL)
        return -1;
      behind_port = bus->bridge != NULL;
      if ((flags & GWT_PCI_AER) && !behind_port)
        {
          pci_gwt->error_set (err, GWT_E_INVALID,
                              "bus: the device has error reporting only behind a port, not on bus "
                              "'%s'; give it the bus of a pcie-root-port",
                              bus->name);
          return -1;
        }
      flags &= ~(uint64_t) GWT_PCI_EXPRESS_BEHIND_PORT;
      flags |= behind_port ? GWT_PCI_EXPRESS : 0;
    }
  pci->identified = 1;
  pci->client = client;
  pci->info_flags = flags;
  pci_config_preset (pci, PCI_VENDOR, 2, info->vendor, 0, 0);
  pci_config_preset (pci, PCI_DEVICE, 2, info->device, 0, 0);
  pci_config_preset (pci, PCI_COMMAND, 2, 0,
                     PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY
                         | PCI_COMMAND_SERR | PCI_COMMAND_INTX_OFF,
                     0);
  pci_config_preset (pci, PCI_STATUS, 2, 0, 0, PCI_STATUS_W1C);
  pci_config_preset (pci, PCI_REVISION, 1, info->revision, 0, 0);
  pci_config_preset (pci, PCI_CLASS, 3, info->class_code, 0, 0);
  pci_config_preset (pci, PCI_CACHE_LINE, 1, 0, 0xff, 0);
  pci_config_preset (pci, PCI_HEADER_TYPE, 1, pci->multifunction ? PCI_HEADER_MULTI : 0, 0, 0);
  pci_config_preset (pci, PCI_SUBSYSTEM_VENDOR, 2, info->subsystem_vendor, 0, 0);
  pci_config_preset (pci, PCI_SUBSYSTEM, 2, info->subsystem, 0, 0);
  pci_config_preset (pci, PCI_INTERRUPT_LINE, 1, 0, 0xff, 0);
  pci_config_preset (pci, PCI_INTERRUPT_PIN, 1, info->flags & GWT_PCI_INTX ? 1 : 0, 0, 0);
  memset (pci->used, 1, 64);
  if (behind_port && pci_add_express (pci, PCIE_ENDPOINT, err) < 0)
    return -1;
  if ((info->flags & GWT_PCI_AER) && pci_add_aer (pci, err) < 0)
    return -1;
  return 0;
}

/* A free, aligned run of SIZE bytes in FIRST..END-1; 0 where there is none. */
static uint32_t
find_room (const struct gwt_pci *pci, uint32_t size, uint32_t first, uint32_t end)
{
  for (uint32_t at = first; at + size <= end; at += 4)
    {
      uint32_t i;
      for (i = 0; i < size && !pci->used[at + i]; i++)
        ;
      if (i == size)
        return at;
    }
  return 0;
}

void
pci_put_capability (struct gwt_pci *pci, uint8_t id, uint32_t at, uint32_t size)
{
  memset (pci->used + at, 1, size);
  pci_config_preset (pci, at, 1, id, 0, 0);
  pci_config_preset (pci, at + 1, 1, pci->config[PCI_CAPABILITIES], 0, 0);
  pci_config_preset (pci, PCI_CAPABILITIES, 1, at, 0, 0);
  pci->config[PCI_STATUS] |= PCI_STATUS_CAPABILITIES;
}

uint32_t
pci_add_capability (struct gwt_pci *pci, uint8_t id, uint32_t size, struct gwt_error *err)
{
  uint32_t at = size >= 2 && size <= 192 ? find_room (pci, size, 64, 256) : 0;
  if (at == 0)
    {
      pci_gwt->error_set (err, GWT_E_RANGE,
                          "capability 0x%02x of %u bytes does not fit into configuration space", id,
                          size);
      return 0;
    }
  pci_put_capability (pci, id, at, size);
  return at;
}

uint32_t
pci_add_extended (struct gwt_pci *pci, uint16_t id, uint8_t version, uint32_t size,
                  struct gwt_error *err)
{
  bool express = (pci->info_flags & GWT_PCI_EXPRESS) != 0;
  uint32_t at = express && size >= 4 && size <= PCI_CONFIG_SIZE - 256
                    ? find_room (pci, size, 256, PCI_CONFIG_SIZE)
                    : 0;
  /* The chain begins at 0x100 (7.6.1). */
  if (at == 0 || (pci->last_extended == 0 && at != 256))
    {
      pci_gwt->error_set (
          err, GWT_E_RANGE,
          "extended capability 0x%04x of %u bytes does not fit; the function has %s", id, size,
          express ? "no room left" : "no extended space");
      return 0;
    }
  memset (pci->used + at, 1, size);
  pci_config_preset (pci, at, 4, id | (uint32_t) version << 16, 0, 0);
  if (pci->last_extended != 0)
    {
      uint32_t head = pci_reg (pci, pci->last_extended, 4);
      pci_config_preset (pci, pci->last_extended, 4, (head & 0xfffff) | at << 20, 0, 0);
    }
  pci->last_extended = at;
  return at;
}

void
pci_make_express (struct gwt_pci *pci, enum pcie_port_type type, uint32_t at)
{
  bool slot = type == PCIE_ROOT_PORT || type == PCIE_DOWNSTREAM_PORT;
  pci->express = at;
  pci->port_type = type;
  pci_config_preset (pci, at + PCIE_FLAGS, 2, 2u | (uint32_t) type << 4 | (slot ? 1u << 8 : 0), 0,
                     0);
  /* Role-based error reporting; function-level reset in all but root ports. */
  bool flr = type != PCIE_ROOT_PORT;
  pci_config_preset (pci, at + PCIE_DEVICE_CAP, 4, 1u << 15 | (flr ? PCIE_DEVICE_CAP_FLR : 0), 0,
                     0);
  pci_config_preset (pci, at + PCIE_DEVICE_CONTROL, 2, 0,
                     0x000f | 0x0010 | 0x00e0 | 0x7000 | 0x0800 | (flr ? PCIE_CONTROL_FLR : 0), 0);
  pci_config_preset (pci, at + PCIE_DEVICE_STATUS, 2, 0, 0, 0x000f);
  if (type != PCIE_INTEGRATED_ENDPOINT)
    {
      /* x1 at 2.5 GT/s with L0s, and the link is up. */
      pci_config_preset (pci, at + PCIE_LINK_CAP, 4, 0x411, 0, 0);
      pci_config_preset (pci, at + PCIE_LINK_CONTROL, 2, 0, 0x00c3, 0);
      pci_config_preset (pci, at + PCIE_LINK_STATUS, 2, 0x11, 0, 0);
    }
  /* Prefixes of TLPs end to end, and whether they are blocked. */
  pci_config_preset (pci, at + PCIE_DEVICE_CAP2, 4, 0x00300000, 0, 0);
  pci_config_preset (pci, at + PCIE_DEVICE_CONTROL2, 2, 0, 0x8000, 0);
}

int
pci_add_express (struct gwt_pci *pci, enum pcie_port_type type, struct gwt_error *err)
{
  uint32_t at = pci_add_capability (pci, PCI_CAP_EXPRESS, PCIE_CAP_SIZE, err);
  if (at == 0)
    return -1;
  pci_make_express (pci, type, at);
  return 0;
}

int
pci_add_power (struct gwt_pci *pci, struct gwt_error *err)
{
  uint32_t at = pci->power == 0 ? pci_add_capability (pci, PCI_CAP_POWER, 8, err) : 0;
  if (at == 0)
    {
      if (pci->power != 0)
        pci_gwt->error_set (err, GWT_E_EXISTS, "the function has power management already");
      return -1;
    }
  pci->power = at;
  pci_config_preset (pci, at + POWER_CAP, 2, POWER_CAP_VERSION, 0, 0);
  pci_config_preset (pci, at + POWER_STATUS, 4, 0, POWER_STATE, 0);
  return 0;
}

int
pci_add_ari (struct gwt_pci *pci, struct gwt_error *err)
{
  uint32_t at = pci_add_extended (pci, PCI_EXT_ARI, 1, ARI_SIZE, err);
  if (at == 0)
    return -1;
  /* No function groups; the next function follows from who is on the bus. */
  pci_config_preset (pci, at + 4, 4, 0, 0, 0);
  pci->ari_at = at;
  return 0;
}

/* ---- BARs ----------------------------------------------------------------------------------- */

int
pci_add_bar (struct gwt_pci *pci, uint32_t index, struct gwt_region *region, uint64_t flags,
             struct gwt_error *err)
{
  bool wide = (flags & GWT_PCI_BAR_64) != 0, io = (flags & GWT_PCI_BAR_IO) != 0;
  uint32_t n_bars = pci->secondary != NULL ? 2 : PCI_BARS;
  uint64_t size = region != NULL ? pci_memory->size (region) : 0;
  const char *fault = NULL;
  if (index + (wide ? 1 : 0) >= n_bars)
    fault = "has no place in the header";
  else if (pci->bar[index].size != 0 || (wide && pci->bar[index + 1].size != 0)
           || (index > 0 && (pci->bar[index - 1].flags & GWT_PCI_BAR_64)
               && pci->bar[index - 1].size != 0))
    fault = "is taken";
  else if (size < (io ? 4 : 16) || (size & (size - 1)) != 0)
    fault = "has a size that is no power of two, or too small";
  else if ((io && (wide || size > 256)) || (!wide && size > UINT64_C (1) << 31))
    fault = "is too large for its kind";
  if (fault != NULL)
    {
      pci_gwt->error_set (err, GWT_E_INVALID, "BAR %u %s", index, fault);
      return -1;
    }
  pci_memory->keep (region);
  pci->bar[index] = (struct pci_bar){ .size = size, .flags = flags, .region = region };
  uint32_t kind = io ? 1 : (wide ? 4u : 0) | (flags & GWT_PCI_BAR_PREFETCH ? 8u : 0);
  uint64_t mask = ~(size - 1);
  pci_config_preset (pci, PCI_BAR0 + 4 * index, wide ? 8 : 4, kind, mask, 0);
  return 0;
}

static bool
bar_address (const struct gwt_pci *pci, uint32_t index, uint64_t *at)
{
  const struct pci_bar *bar = &pci->bar[index];
  uint32_t command = pci_reg (pci, PCI_COMMAND, 2);
  bool io = (bar->flags & GWT_PCI_BAR_IO) != 0;
  uint64_t address = pci_reg (pci, PCI_BAR0 + 4 * index, 4);
  if (bar->flags & GWT_PCI_BAR_64)
    address |= (uint64_t) pci_reg (pci, PCI_BAR0 + 4 * index + 4, 4) << 32;
  address &= ~(bar->size - 1);
  /* All ones is a guest asking for the size; zero is where firmware leaves what it did not place.
   */
  if (pci->bus == NULL || power_state (pci) != 0
      || !(command & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)) || address == 0
      || address + (bar->size - 1) < address)
    return false;
  return pci_bus_window (pci->bus, bar->flags, address, bar->size, at);
}

void
pci_update_bars (struct gwt_pci *pci)
{
  for (uint32_t i = 0; i < PCI_BARS; i++)
    {
      struct pci_bar *bar = &pci->bar[i];
      uint64_t at = 0;
      bool want = bar->size != 0 && bar_address (pci, i, &at);
      if (bar->mapped && (!want || at != bar->at))
        {
          pci_memory->unmap (bar->region);
          bar->mapped = 0;
        }
      if (want && !bar->mapped && pci_memory->map (bar->region, at, 1, NULL) == 0)
        {
          bar->mapped = 1;
          bar->at = at;
        }
    }
}

/* ---- INTx ----------------------------------------------------------------------------------- */

static uint32_t
intx_wanted (const struct gwt_pci *pci)
{
  uint32_t off = __atomic_load_n (&pci->command, __ATOMIC_SEQ_CST) & PCI_COMMAND_INTX_OFF;
  return __atomic_load_n (&pci->intx_level, __ATOMIC_SEQ_CST) && !off && pci->bus != NULL;
}

void
pci_update_intx (struct gwt_pci *pci)
{
  uint32_t want;
  /* Two threads may come here at once, each with its half of the truth: whoever is last looks again
     at the whole of it. */
  do
    {
      want = intx_wanted (pci);
      if (__atomic_exchange_n (&pci->intx_routed, want, __ATOMIC_SEQ_CST) != want)
        pci_bus_intx (pci->bus, pci->devfn, want ? 1 : -1);
    }
  while (intx_wanted (pci) != want);
}

/* ---- life ----------------------------------------------------------------------------------- */

void
pci_function_reset (struct gwt_pci *pci, bool sticky)
{
  uint8_t errors[AER_SIZE];
  bool keep = sticky && pci->aer != 0;
  __atomic_store_n (&pci->intx_level, 0, __ATOMIC_SEQ_CST);
  if (pci->bus != NULL)
    pci_update_intx (pci);
  if (keep)
    memcpy (errors, pci->config + pci->aer, AER_SIZE);
  memcpy (pci->config, pci->initial, sizeof pci->config);
  if (keep)
    memcpy (pci->config + pci->aer, errors, AER_SIZE);
  else
    pci->aer_log.log_num = 0;
  pci_msix_reset (pci);
  __atomic_store_n (&pci->msi_pending, 0, __ATOMIC_SEQ_CST);
  if (pci->msi != 0)
    pci_msi_written (pci);
  pci->root_pending = 0;
  if (pci->slot != NULL)
    pci_slot_reset (pci->slot);
  pci_command_refresh (pci);
  pci_update_bars (pci);
  if (pci->secondary != NULL)
    pci_bus_update_bars (pci->secondary);
}

static int
function_init (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct gwt_pci *pci = self;
  (void) err;
  pci->device = device;
  pci->self = pci_devices->instance (device);
  pci->version_id = (int32_t) pci_state.version;
  pci->aer_log.log_max = AER_LOG_MAX;
  /* What nobody presets reads as zero, here and where the guest comes from. */
  memset (pci->cmask, 0xff, sizeof pci->cmask);
  return 0;
}

static int
function_complete (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct gwt_pci *pci = self;
  if (!pci->identified)
    {
      pci_gwt->error_set (err, GWT_E_FAILED, "the device never said which PCI function it is");
      return -1;
    }
  if (pci_bus_plug (pci, err) < 0)
    return -1;
  /* Behind no port there is no link either. */
  if ((pci->info_flags & GWT_PCI_EXPRESS) && pci->express == 0
      && pci_add_express (
             pci, pci->bus->bridge != NULL ? PCIE_ENDPOINT : PCIE_INTEGRATED_ENDPOINT, err)
             < 0)
    return -1;
  if (pci->ari && pci_add_ari (pci, err) < 0)
    return -1;
  memcpy (pci->initial, pci->config, sizeof pci->config);
  pci_bus_chain (pci->bus);
  struct gwt_pci *port = pci->bus->bridge;
  if (port != NULL && port->slot != NULL && !pci_devices->is_hotplugged (device))
    pci_slot_filled (port->slot);
  return 0;
}

static void
function_unrealize (void *self)
{
  struct gwt_pci *pci = self;
  if (pci->bus != NULL)
    {
      __atomic_store_n (&pci->intx_level, 0, __ATOMIC_SEQ_CST);
      pci_update_intx (pci);
      pci_bus_unplug (pci);
    }
}

static void
function_reset (void *self, uint32_t kind)
{
  (void) kind;
  pci_function_reset (self, false);
}

static const struct gwt_field function_fields[] = {
  GWT_PROP_ROW (struct gwt_pci, bus_name, "bus", .facts = PCI_PATH_FACT,
                .doc
                = "bus that the function is on: 'pcie.0' or the id of a port; first by default"),
  GWT_PROP_ROW (struct gwt_pci, address, "addr", .facts = PCI_PATH_FACT,
                .doc = "SLOT or SLOT.FUNCTION in hexadecimal; first free slot by default"),
  GWT_PROP_ROW (struct gwt_pci, multifunction, "multifunction",
                .doc = "function 0 says that its slot has more functions"),
  GWT_PROP_ROW (struct gwt_pci, err_unc_mask, "x-pcie-err-unc-mask", .def = 1,
                .facts = PCI_CONFIG_FACT,
                .doc = "AER's uncorrectable mask has its default and can be written; off: zero, "
                       "read-only"),
  GWT_STATE_ROW (struct gwt_pci, unplug_asked, "unplug-asked", .max = 1,
                 .doc = "of a port: the guest was asked to let go of what is in the slot"),
  GWT_PROP_ROW (struct gwt_pci, ari, "ari",
                .doc = "the function is one of a device's up to 256 behind a port that forwards to "
                       "them"),
  GWT_STATE_ROW (struct gwt_pci, version_id, "version-id",
                 .doc = "version of the function's state, as streams have it"),
  GWT_STATE_ARRAY (struct gwt_pci, config, "config", .doc = "configuration space"),
  GWT_HOST_ROW (struct gwt_pci, wmask, "follows from the device's type and properties"),
  GWT_HOST_ROW (struct gwt_pci, w1cmask, "follows from the device's type and properties"),
  GWT_HOST_ROW (struct gwt_pci, cmask, "follows from the device's type and properties"),
  GWT_HOST_ROW (struct gwt_pci, initial, "follows from the device's type and properties"),
  GWT_HOST_ROW (struct gwt_pci, used, "follows from the device's type and properties"),
  GWT_STATE_ARRAY (struct gwt_pci, msix_table, "msix-table", .doc = "MSI-X table"),
  GWT_STATE_ARRAY (struct gwt_pci, msix_pending, "msix-pending", .doc = "MSI-X pending bits"),
  GWT_STATE_ROW (struct gwt_pci, aer_log.log_num, "aer-logged", .max = AER_LOG_MAX,
                 .doc = "errors that wait to be logged"),
  GWT_HOST_ROW (struct gwt_pci, aer_log.log_max, "the same in all functions"),
  GWT_STATE_ROW (struct gwt_pci, aer_log.log, "aer-log",
                 .doc = "those errors: status bit, function and header of each"),
  GWT_HOST_ROW (struct gwt_pci, ari_at, "follows from the property ari"),
  GWT_HOST_ROW (struct gwt_pci, device, "handle of the host"),
  GWT_HOST_ROW (struct gwt_pci, self, "the device's own instance"),
  GWT_HOST_ROW (struct gwt_pci, client, "the device's callbacks"),
  GWT_HOST_ROW (struct gwt_pci, bus, "follows from the property bus"),
  GWT_HOST_ROW (struct gwt_pci, secondary, "made by a bridge's realize"),
  GWT_HOST_ROW (struct gwt_pci, slot, "made by a port's realize"),
  GWT_HOST_ROW (struct gwt_pci, bar, "follows from configuration space"),
  GWT_HOST_ROW (struct gwt_pci, info_flags, "follows from the device's type"),
  GWT_HOST_ROW (struct gwt_pci, devfn, "follows from the property addr"),
  GWT_HOST_ROW (struct gwt_pci, port_type, "follows from the device's type"),
  GWT_HOST_ROW (struct gwt_pci, express, "follows from the device's type"),
  GWT_HOST_ROW (struct gwt_pci, msix, "follows from the device's type"),
  GWT_HOST_ROW (struct gwt_pci, aer, "follows from the device's type"),
  GWT_HOST_ROW (struct gwt_pci, n_vectors, "follows from the device's type and properties"),
  GWT_HOST_ROW (struct gwt_pci, pending_at, "follows from the device's type and properties"),
  GWT_HOST_ROW (struct gwt_pci, last_extended, "follows from the device's type"),
  GWT_HOST_ROW (struct gwt_pci, identified, "follows from the device's type"),
  GWT_HOST_ROW (struct gwt_pci, root_pending, "follows from configuration space"),
  GWT_HOST_ROW (struct gwt_pci, msi, "follows from the device's type"),
  GWT_HOST_ROW (struct gwt_pci, power, "follows from the device's type and bus"),
  GWT_HOST_ROW (struct gwt_pci, pad_3, "padding"),
  GWT_HOST_ROW (struct gwt_pci, msi_flags, "follows from the device's type"),
  GWT_STATE_ROW (struct gwt_pci, intx_level, "intx-level", .max = 1, .doc = "INTA is driven"),
  GWT_HOST_ROW (struct gwt_pci, intx_routed, "follows from intx-level and the command register"),
  GWT_HOST_ROW (struct gwt_pci, command, "follows from configuration space"),
  GWT_HOST_ROW (struct gwt_pci, msix_state, "follows from the MSI-X control register"),
  GWT_HOST_ROW (struct gwt_pci, msi_vectors, "follows from configuration space"),
  GWT_HOST_ROW (struct gwt_pci, msi_data, "follows from configuration space"),
  GWT_HOST_ROW (struct gwt_pci, msi_mask, "follows from configuration space"),
  GWT_STATE_ROW (struct gwt_pci, msi_pending, "msi-pending", .doc = "MSI pending bits"),
  GWT_HOST_ROW (struct gwt_pci, msi_address, "follows from configuration space"),
};

/* They are parts of the sections of devices; no device is made of this type alone. */
static const struct gwt_vmstate *const states[]
    = { &pci_state, &pci_msix_state, &pci_aer_state, NULL };

static const struct gwt_interface function_interfaces[] = {
  { GWT_HOTPLUG_INTERFACE, &pci_hotplug },
  { GWT_FACTS_INTERFACE, &pci_facts },
};

const struct gwt_device_type pci_function_type = {
  .struct_size = sizeof pci_function_type,
  .name = GWT_PCI_PARENT,
  .doc = "what all PCI functions have in common",
  .flags = GWT_TYPE_ABSTRACT,
  .instance_size = sizeof (struct gwt_pci),
  .fields = function_fields,
  .field_size = sizeof function_fields[0],
  .n_fields = GWT_COUNT (function_fields),
  .interfaces = function_interfaces,
  .interface_size = sizeof function_interfaces[0],
  .n_interfaces = GWT_COUNT (function_interfaces),
  .methods = pci_methods,
  .method_size = sizeof (struct gwt_method),
  .n_methods = PCI_METHODS,
  .init = function_init,
  .unrealize = function_unrealize,
  .reset = function_reset,
  .complete = function_complete,
  .states = states,
  .section_path = pci_section_path,
};
