/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buses: who is where, which bus number leads where, which addresses a bridge lets through, where
 * an interrupt pin ends.  Must not know what a function does.
 */
#include "pcie.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pci_bus *buses; /* in order of creation */

/* ---- making --------------------------------------------------------------------------------- */

static struct pci_bus *
bus_named (const char *name)
{
  struct pci_bus *bus = buses;
  while (bus != NULL && strcmp (bus->name, name) != 0)
    bus = bus->next;
  return bus;
}

struct pci_bus *
pci_bus_new (const char *name, struct pci_host *host, struct gwt_pci *bridge,
             struct gwt_error *err)
{
  if (bus_named (name) != NULL)
    {
      pci_gwt->error_set (err, GWT_E_EXISTS, "there is a bus '%s' already; choose another name",
                          name);
      return NULL;
    }
  struct pci_bus *bus = calloc (1, sizeof *bus), **link = &buses;
  if (bus == NULL)
    {
      pci_gwt->error_set (err, GWT_E_NO_MEMORY, "no memory for bus '%s'", name);
      return NULL;
    }
  bus->name = pci_gwt->intern (name);
  bus->host = host;
  bus->bridge = bridge;
  while (*link != NULL)
    link = &(*link)->next;
  *link = bus;
  return bus;
}

void
pci_bus_free (struct pci_bus *bus)
{
  struct pci_bus **link = &buses;
  if (bus == NULL)
    return;
  /* Who is left has no bus any more: its interrupt goes, and so do its BARs. */
  for (uint32_t i = 0; i < PCI_DEVFNS; i++)
    {
      struct gwt_pci *pci = bus->function[i];
      if (pci == NULL)
        continue;
      if (__atomic_exchange_n (&pci->intx_routed, 0, __ATOMIC_SEQ_CST))
        pci_bus_intx (bus, pci->devfn, -1);
      pci->bus = NULL;
      pci_update_bars (pci);
    }
  while (*link != bus)
    link = &(*link)->next;
  *link = bus->next;
  free (bus);
}

/* ---- plugging ------------------------------------------------------------------------------- */

struct pci_bus *
pci_bus_of (const struct gwt_pci *pci, struct gwt_error *err)
{
  struct pci_bus *bus = pci->bus_name != NULL ? bus_named (pci->bus_name) : buses;
  char names[256] = "";
  size_t used = 0;
  if (bus != NULL)
    return bus;
  for (const struct pci_bus *b = buses; b != NULL && used < sizeof names; b = b->next)
    used += (size_t) snprintf (names + used, sizeof names - used, "%s'%s'", used > 0 ? ", " : "",
                               b->name);
  if (buses == NULL)
    pci_gwt->error_set (err, GWT_E_NOT_FOUND,
                        "the machine has no PCI bus; use one with a 'pcie-host'");
  else
    pci_gwt->error_set (err, GWT_E_NOT_FOUND, "bus: there is no bus '%s'; use %s%s", pci->bus_name,
                        names, used < sizeof names ? ", or make the port first" : "...");
  return NULL;
}

static int
hex_digit (char c)
{
  return c >= '0' && c <= '9'                 ? c - '0'
         : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                              : -1;
}

/* "1f.7", "0x1f", "1": slot and function, both hexadecimal; "0.c8": one of more than eight. */
static bool
parse_address (const char *text, uint32_t *devfn)
{
  uint32_t slot = 0, function = 0;
  const char *at = text;
  if (at[0] == '0' && (at[1] | 32) == 'x')
    at += 2;
  if (hex_digit (*at) < 0)
    return false;
  for (; hex_digit (*at) >= 0 && slot < PCI_SLOTS; at++)
    slot = slot * 16 + (uint32_t) hex_digit (*at);
  if (*at == '.')
    {
      if (hex_digit (*++at) < 0)
        return false;
      for (; hex_digit (*at) >= 0 && function < PCI_DEVFNS; at++)
        function = function * 16 + (uint32_t) hex_digit (*at);
    }
  *devfn = slot * PCI_FUNCTIONS + function;
  return *at == '\0' && slot < PCI_SLOTS
         && (function < PCI_FUNCTIONS || (slot == 0 && function < PCI_DEVFNS));
}

/* A link has one end: a port forwards no request for other devices than 0 (7.3.1).  Behind a
   switch's upstream port is the bus inside the switch. */
static bool
is_link (const struct pci_bus *bus)
{
  return bus->bridge != NULL && bus->bridge->port_type != PCIE_UPSTREAM_PORT;
}

static uint32_t
bus_slots (const struct pci_bus *bus)
{
  return is_link (bus) ? 1 : PCI_SLOTS;
}

/* On a link with ARI what would be slots are functions of device 0 (6.13). */
static uint32_t
slot_functions (const struct pci_bus *bus)
{
  return is_link (bus) ? PCI_DEVFNS : PCI_FUNCTIONS;
}

static uint32_t
slot_of (const struct pci_bus *bus, uint32_t devfn)
{
  return devfn / slot_functions (bus);
}

/* The first function in SLOT, NULL: it is free. */
static const struct gwt_pci *
first_in_slot (const struct pci_bus *bus, uint32_t slot)
{
  for (uint32_t i = 0; i < slot_functions (bus); i++)
    if (bus->function[slot * PCI_FUNCTIONS + i] != NULL)
      return bus->function[slot * PCI_FUNCTIONS + i];
  return NULL;
}

static const char *
id_of (const struct gwt_pci *pci)
{
  return pci_devices->id (pci->device);
}

static bool
find_slot (const struct pci_bus *bus, uint32_t *devfn, struct gwt_error *err)
{
  for (uint32_t slot = 0; slot < bus_slots (bus); slot++)
    if (first_in_slot (bus, slot) == NULL)
      {
        *devfn = slot * PCI_FUNCTIONS;
        return true;
      }
  if (bus_slots (bus) == 1)
    pci_gwt->error_set (err, GWT_E_RANGE,
                        "bus: the only slot of port '%s' is taken; add a pcie-root-port and use "
                        "its id as bus",
                        bus->name);
  else
    pci_gwt->error_set (err, GWT_E_RANGE,
                        "bus: all %u slots of bus '%s' are taken; use the free functions of one, "
                        "as addr=1.1, or a port's bus",
                        PCI_SLOTS, bus->name);
  return false;
}

/* Function 0 is where a guest looks first, and it says whether there are more (7.5.1.1.9). */
static bool
check_functions (const struct pci_bus *bus, const struct gwt_pci *pci, uint32_t devfn,
                 struct gwt_error *err)
{
  uint32_t slot = slot_of (bus, devfn);
  const struct gwt_pci *first = bus->function[slot * PCI_FUNCTIONS];
  const struct gwt_pci *other = first_in_slot (bus, slot);
  bool is_first = devfn == slot * PCI_FUNCTIONS;
  if (!is_first && first != NULL && !first->multifunction)
    {
      pci_gwt->error_set (err, GWT_E_INVALID,
                          "addr: function 0 of slot %x is '%s', which is alone there; give it "
                          "multifunction=on",
                          slot, id_of (first));
      return false;
    }
  if (is_first && !pci->multifunction && other != NULL)
    {
      pci_gwt->error_set (err, GWT_E_INVALID,
                          "addr: slot %x has other functions; add multifunction=on", slot);
      return false;
    }
  if (other != NULL && other->ari != pci->ari)
    {
      pci_gwt->error_set (err, GWT_E_INVALID,
                          "ari: '%s', a function of the same device, has ari=%s; give all of them "
                          "the same",
                          id_of (other), other->ari ? "on" : "off");
      return false;
    }
  return true;
}

static bool
find_place (const struct pci_bus *bus, const struct gwt_pci *pci, uint32_t *devfn,
            struct gwt_error *err)
{
  const char *text = pci->address;
  if (text == NULL)
    return find_slot (bus, devfn, err);
  if (!parse_address (text, devfn))
    {
      pci_gwt->error_set (err, GWT_E_INVALID,
                          "addr: '%s' is no place on a bus; use SLOT or SLOT.FUNCTION in "
                          "hexadecimal, 0 to 1f and 0 to 7, or with ari=on 0.0 to 0.ff",
                          text);
      return false;
    }
  if (is_link (bus) && *devfn >= PCI_FUNCTIONS && !pci->ari)
    {
      pci_gwt->error_set (
          err, GWT_E_RANGE,
          "addr: port '%s' has slot 0 alone, not '%s'; leave addr out, or, for more "
          "than eight functions, give all of them ari=on",
          bus->name, text);
      return false;
    }
  if (bus->function[*devfn] != NULL)
    {
      pci_gwt->error_set (err, GWT_E_EXISTS,
                          "addr: '%s' of bus '%s' is taken by '%s'; choose another, or leave addr "
                          "out",
                          text, bus->name, id_of (bus->function[*devfn]));
      return false;
    }
  return check_functions (bus, pci, *devfn, err);
}

/* Who belongs where: a root port on the root bus, a switch's upstream port at the end of a link,
   its downstream ports, and only those, inside the switch. */
static bool
check_kind (const struct pci_bus *bus, const struct gwt_pci *pci, struct gwt_error *err)
{
  const struct gwt_pci *bridge = bus->bridge;
  bool inside = bridge != NULL && bridge->port_type == PCIE_UPSTREAM_PORT;
  const char *fault = NULL;
  if (pci->port_type == PCIE_ROOT_PORT && bridge != NULL)
    pci_gwt->error_set (err, GWT_E_INVALID,
                        "bus: '%s' is the bus of a port, and a root port goes on the root bus; "
                        "use bus=%s",
                        bus->name, buses->name);
  else if (inside != (pci->port_type == PCIE_DOWNSTREAM_PORT))
    fault = inside ? "is inside a switch, where only its downstream ports are; use the bus of an "
                     "xio3130-downstream"
                   : "is not inside a switch, where a downstream port goes; use the bus of an "
                     "x3130-upstream";
  else if (pci->port_type == PCIE_UPSTREAM_PORT && bridge == NULL)
    fault = "is a root bus, and a switch begins behind a port; use the bus of a pcie-root-port";
  else
    return true;
  if (fault != NULL)
    pci_gwt->error_set (err, GWT_E_INVALID, "bus: '%s' %s", bus->name, fault);
  return false;
}

/* Is a function with ARI of use there? */
static bool
check_ari (const struct pci_bus *bus, const struct gwt_pci *pci, struct gwt_error *err)
{
  const struct gwt_pci *port = bus->bridge;
  if (!pci->ari)
    return true;
  if (pci->secondary != NULL)
    pci_gwt->error_set (err, GWT_E_INVALID,
                        "ari: it is for the functions at the end of a link, not for ports; leave "
                        "it out here");
  else if (port == NULL || port->express == 0
           || !(pci_reg (port, port->express + PCIE_DEVICE_CAP2, 4) & PCIE_DEVICE_CAP2_ARI))
    pci_gwt->error_set (err, GWT_E_INVALID,
                        "ari: bus '%s' is behind no port that forwards to more than eight "
                        "functions; use the bus of a pcie-root-port or xio3130-downstream",
                        bus->name);
  else if (!(pci->info_flags & GWT_PCI_EXPRESS))
    pci_gwt->error_set (err, GWT_E_INVALID,
                        "ari: the function is a conventional one, without room for the "
                        "capability; leave it out");
  else
    return true;
  return false;
}

int
pci_bus_plug (struct gwt_pci *pci, struct gwt_error *err)
{
  struct pci_bus *bus = pci_bus_of (pci, err);
  uint32_t devfn;
  if (bus == NULL || !check_kind (bus, pci, err) || !check_ari (bus, pci, err)
      || !find_place (bus, pci, &devfn, err))
    return -1;
  pci->bus = bus;
  pci->devfn = devfn;
  bus->function[devfn] = pci;
  return 0;
}

void
pci_bus_unplug (struct gwt_pci *pci)
{
  struct pci_bus *bus = pci->bus;
  bus->function[pci->devfn] = NULL;
  pci->bus = NULL;
  pci_bus_chain (bus);
  if (bus->bridge != NULL && bus->bridge->slot != NULL)
    pci_slot_emptied (bus->bridge->slot);
}

void
pci_bus_chain (struct pci_bus *bus)
{
  uint8_t next = 0;
  for (uint32_t i = PCI_DEVFNS; i-- > 0;)
    {
      struct gwt_pci *pci = bus->function[i];
      if (pci == NULL || pci->ari_at == 0)
        continue;
      pci->config[pci->ari_at + ARI_NEXT] = pci->initial[pci->ari_at + ARI_NEXT] = next;
      next = (uint8_t) i;
    }
}

bool
pci_bus_is_empty (const struct pci_bus *bus)
{
  for (uint32_t i = 0; i < PCI_DEVFNS; i++)
    if (bus->function[i] != NULL)
      return false;
  return true;
}

void
pci_bus_unplug_all (struct pci_bus *bus)
{
  /* Function 0, which a guest takes for the device, goes last. */
  for (uint32_t i = PCI_DEVFNS; i-- > 0;)
    if (bus->function[i] != NULL)
      {
        if (bus->function[i]->secondary != NULL)
          pci_bus_unplug_all (bus->function[i]->secondary);
        pci_devices->unplug (bus->function[i]->device);
      }
}

void
pci_bus_list_pluggable (char *names, size_t size)
{
  size_t used = 0;
  names[0] = '\0';
  for (const struct pci_bus *b = buses; b != NULL && used < size; b = b->next)
    if (b->bridge != NULL && b->bridge->slot != NULL && b->bridge->slot->hotplug
        && b->bridge->bus != NULL && b->function[0] == NULL)
      used += (size_t) snprintf (names + used, size - used, "%s'%s'", used > 0 ? ", " : "",
                                 b->name);
}

/* ---- numbers -------------------------------------------------------------------------------- */

uint32_t
pci_bus_number (const struct pci_bus *bus)
{
  return bus->bridge != NULL ? bus->bridge->config[PCI_SECONDARY_BUS] : 0;
}

uint32_t
pci_bus_domain (const struct pci_bus *root)
{
  uint32_t domain = 0;
  for (const struct pci_bus *b = buses; b != NULL && b != root; b = b->next)
    domain += b->bridge == NULL;
  return domain;
}

/* The function at the end of BUS's link, or on the bus inside a switch, that DEVFN reaches. */
static struct gwt_pci *
find_on (const struct pci_bus *bus, uint32_t devfn)
{
  const struct gwt_pci *port = bus->bridge;
  /* Other devices than 0 are reached while the port takes them for functions of it. */
  if (is_link (bus) && devfn >= PCI_FUNCTIONS
      && !(pci_reg (port, port->express + PCIE_DEVICE_CONTROL2, 2) & PCIE_DEVICE_CAP2_ARI))
    return NULL;
  return bus->function[devfn];
}

static struct gwt_pci *
find_below (const struct pci_bus *bus, uint32_t number, uint32_t devfn)
{
  for (uint32_t i = 0; i < PCI_DEVFNS; i++)
    {
      const struct gwt_pci *bridge = bus->function[i];
      if (bridge == NULL || bridge->secondary == NULL
          || (pci_reg (bridge, PCI_BRIDGE_CONTROL, 2) & PCI_BRIDGE_RESET)
          || !pci_slot_has_power (bridge))
        continue;
      uint32_t first = bridge->config[PCI_SECONDARY_BUS];
      /* Zero is where reset leaves it, and the root bus for ever. */
      if (first == 0 || number < first || number > bridge->config[PCI_SUBORDINATE_BUS])
        continue;
      if (number == first)
        return find_on (bridge->secondary, devfn);
      return find_below (bridge->secondary, number, devfn);
    }
  return NULL;
}

struct gwt_pci *
pci_bus_find (struct pci_host *host, uint32_t bus, uint32_t devfn)
{
  return bus == 0 ? host->root->function[devfn] : find_below (host->root, bus, devfn);
}

/* ---- addresses ------------------------------------------------------------------------------ */

static bool
is_within (uint64_t at, uint64_t size, uint64_t base, uint64_t limit)
{
  return at >= base && at <= limit && size - 1 <= limit - at;
}

static bool
bridge_forwards (const struct gwt_pci *p, uint64_t flags, uint64_t at, uint64_t size)
{
  uint32_t command = pci_reg (p, PCI_COMMAND, 2);
  uint64_t base, limit;
  if (flags & GWT_PCI_BAR_IO)
    {
      base = (uint64_t) (p->config[PCI_IO_BASE] & 0xf0) << 8;
      limit = (uint64_t) (p->config[PCI_IO_LIMIT] & 0xf0) << 8 | 0xfff;
      return (command & PCI_COMMAND_IO) && is_within (at, size, base, limit);
    }
  if (!(command & PCI_COMMAND_MEMORY))
    return false;
  base = (uint64_t) (pci_reg (p, PCI_MEMORY_BASE, 2) & 0xfff0) << 16;
  limit = (uint64_t) (pci_reg (p, PCI_MEMORY_LIMIT, 2) & 0xfff0) << 16 | 0xfffff;
  if (is_within (at, size, base, limit))
    return true;
  base = (uint64_t) (pci_reg (p, PCI_PREFETCH_BASE, 2) & 0xfff0) << 16
         | (uint64_t) pci_reg (p, PCI_PREFETCH_BASE_HIGH, 4) << 32;
  limit = (uint64_t) (pci_reg (p, PCI_PREFETCH_LIMIT, 2) & 0xfff0) << 16
          | (uint64_t) pci_reg (p, PCI_PREFETCH_LIMIT_HIGH, 4) << 32 | 0xfffff;
  return is_within (at, size, base, limit);
}

/* Is AT in the window that REGION shows, whose first byte is BASE on the bus? */
static bool
in_region (struct gwt_region *region, uint64_t base, uint64_t at, uint64_t size)
{
  return region != NULL && is_within (at, size, base, base + (pci_memory->size (region) - 1));
}

bool
pci_bus_window (const struct pci_bus *bus, uint64_t flags, uint64_t at, uint64_t size,
                uint64_t *physical)
{
  uint64_t base;
  for (; bus->bridge != NULL; bus = bus->bridge->bus)
    if (bus->bridge->bus == NULL || !bridge_forwards (bus->bridge, flags, at, size))
      return false;
  const struct pci_host *host = bus->host;
  if (flags & GWT_PCI_BAR_IO)
    {
      /* Ports begin at 0; memory has the addresses that the CPU sees. */
      if (!pci_memory->address (host->io, &base) || !in_region (host->io, 0, at, size))
        return false;
      *physical = base + at;
      return true;
    }
  *physical = at;
  return (pci_memory->address (host->memory, &base) && in_region (host->memory, base, at, size))
         || (pci_memory->address (host->memory64, &base)
             && in_region (host->memory64, base, at, size));
}

/* ---- all below ------------------------------------------------------------------------------ */

void
pci_bus_update_bars (struct pci_bus *bus)
{
  for (uint32_t i = 0; i < PCI_DEVFNS; i++)
    if (bus->function[i] != NULL)
      {
        pci_update_bars (bus->function[i]);
        if (bus->function[i]->secondary != NULL)
          pci_bus_update_bars (bus->function[i]->secondary);
      }
}

void
pci_bus_reset (struct pci_bus *bus, bool sticky)
{
  for (uint32_t i = 0; i < PCI_DEVFNS; i++)
    {
      struct gwt_pci *pci = bus->function[i];
      if (pci == NULL)
        continue;
      if (pci->secondary != NULL)
        pci_bus_reset (pci->secondary, sticky);
      pci_function_reset (pci, sticky);
      if (pci->client != NULL && GWT_HAS (pci->client, function_reset))
        pci->client->function_reset (pci->self);
    }
}

/* ---- interrupt pins ------------------------------------------------------------------------- */

void
pci_bus_intx (const struct pci_bus *bus, uint32_t devfn, int change)
{
  uint32_t pin = 0;
  for (; bus != NULL && bus->bridge != NULL; bus = bus->bridge->bus)
    {
      /* The swizzle of a bridge (2.2.8.1). */
      pin = (pin + slot_of (bus, devfn)) % PCI_PINS;
      devfn = bus->bridge->devfn;
    }
  if (bus == NULL)
    return;
  struct pci_host *host = bus->host;
  pin = (pin + devfn / PCI_FUNCTIONS) % PCI_PINS;
  uint32_t *count = &host->asserted[pin], level;
  if (change > 0)
    __atomic_fetch_add (count, 1, __ATOMIC_SEQ_CST);
  else
    __atomic_fetch_sub (count, 1, __ATOMIC_SEQ_CST);
  /* Two threads may be here: the one that sets the line last looks at the count after that. */
  do
    {
      level = __atomic_load_n (count, __ATOMIC_SEQ_CST) != 0;
      pci_irq->set (host->line[pin], level);
    }
  while ((__atomic_load_n (count, __ATOMIC_SEQ_CST) != 0) != (level != 0));
}
