/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slot behind a root or downstream port (PCI Express Base Specification 5.0, 6.7 and 7.5.3.9 to
 * 7.5.3.11): presence, power, indicators, attention button, and what device_add and device_del do
 * with it.  Must not know what is plugged in.
 *
 * Two kinds of guest.  One whose driver handles the slot (it has switched on one of the slot's
 * notifications) is told of what comes and asked before anything goes: the attention button is
 * pressed for the user, and what is in the slot goes when the guest has switched off power and
 * power indicator.  For any other guest the platform does what firmware would: it switches power on
 * for what comes, and takes out at once what has to go.
 */
#include "pcie.h"

#include <string.h>

#define CAP_BUTTON 0x00000001u
#define CAP_POWER 0x00000002u
#define CAP_ATTENTION_INDICATOR 0x00000008u
#define CAP_POWER_INDICATOR 0x00000010u
#define CAP_SURPRISE 0x00000020u
#define CAP_HOTPLUG 0x00000040u
#define CAP_INTERLOCK 0x00020000u
#define CAP_NUMBER_SHIFT 19

#define CONTROL_BUTTON 0x0001u
#define CONTROL_PRESENCE 0x0008u
#define CONTROL_COMMAND 0x0010u
#define CONTROL_INTERRUPT 0x0020u
#define CONTROL_ATTENTION 0x00c0u /* attention indicator: 01 on, 10 blinks, 11 off */
#define CONTROL_ATTENTION_ON 0x0040u
#define CONTROL_ATTENTION_OFF 0x00c0u
#define CONTROL_INDICATOR 0x0300u /* power indicator, likewise */
#define CONTROL_INDICATOR_ON 0x0100u
#define CONTROL_INDICATOR_BLINKS 0x0200u
#define CONTROL_INDICATOR_OFF 0x0300u
#define CONTROL_POWER_OFF 0x0400u
#define CONTROL_LINK 0x1000u
/* Any of these on: the guest has a driver for the slot. */
#define CONTROL_AWARE (CONTROL_BUTTON | CONTROL_PRESENCE | CONTROL_INTERRUPT | CONTROL_LINK)

#define STATUS_BUTTON 0x0001u
#define STATUS_PRESENCE 0x0008u
#define STATUS_COMMAND 0x0010u
#define STATUS_INTERLOCK 0x0080u
#define STATUS_LINK 0x0100u
#define STATUS_EVENTS (STATUS_BUTTON | STATUS_PRESENCE | STATUS_COMMAND | STATUS_LINK)

#define LINK_REPORTS_ACTIVE 0x00100000u /* link capabilities */
#define LINK_SPEED_WIDTH 0x03ffu
#define LINK_LEAST 0x11u /* 2.5 GT/s, one lane */

static struct pci_slot *slots;

/* ---- registers ------------------------------------------------------------------------------ */

static uint32_t
get (const struct pci_slot *slot, uint32_t offset)
{
  return pci_reg (slot->pci, slot->pci->express + offset, 2);
}

static void
put (struct pci_slot *slot, uint32_t offset, uint32_t value)
{
  pci_put (slot->pci->config + slot->pci->express + offset, 2, value);
}

static void
change (struct pci_slot *slot, uint32_t offset, uint32_t clear, uint32_t set)
{
  put (slot, offset, (get (slot, offset) & ~clear) | set);
}

static bool
is_aware (const struct pci_slot *slot)
{
  return slot->hotplug && (get (slot, PCIE_SLOT_CONTROL) & CONTROL_AWARE);
}

static bool
has_power (const struct pci_slot *slot)
{
  return !slot->power_controller || !(get (slot, PCIE_SLOT_CONTROL) & CONTROL_POWER_OFF);
}

bool
pci_slot_has_power (const struct gwt_pci *bridge)
{
  return bridge->slot == NULL || has_power (bridge->slot);
}

/* A guest looks at function 0 first, so a device is there when that is. */
static struct gwt_pci *
occupant (const struct pci_slot *slot)
{
  return slot->pci->secondary != NULL ? slot->pci->secondary->function[0] : NULL;
}

static void
set_link (struct pci_slot *slot)
{
  const struct gwt_pci *there = occupant (slot);
  bool up = there != NULL && has_power (slot);
  uint32_t own = pci_reg (slot->pci, slot->pci->express + PCIE_LINK_CAP, 4) & LINK_SPEED_WIDTH;
  uint32_t old = get (slot, PCIE_LINK_STATUS), status = own != 0 ? own : LINK_LEAST;
  if (there != NULL && there->express != 0)
    {
      /* The lesser of both ends; a port that says nothing of its own goes along. */
      uint32_t other = pci_reg (there, there->express + PCIE_LINK_CAP, 4) & LINK_SPEED_WIDTH;
      uint32_t speed = other & 0xf, width = other & 0x3f0;
      if (own != 0 && (own & 0xf) < speed)
        speed = own & 0xf;
      if (own != 0 && (own & 0x3f0) < width)
        width = own & 0x3f0;
      status = speed | width;
    }
  put (slot, PCIE_LINK_STATUS, status | (up ? PCIE_LINK_ACTIVE : 0));
  if ((old & PCIE_LINK_ACTIVE) != (up ? PCIE_LINK_ACTIVE : 0)
      && (pci_reg (slot->pci, slot->pci->express + PCIE_LINK_CAP, 4) & LINK_REPORTS_ACTIVE))
    change (slot, PCIE_SLOT_STATUS, 0, STATUS_LINK);
}

static void
set_present (struct pci_slot *slot)
{
  bool there = occupant (slot) != NULL;
  uint32_t old = get (slot, PCIE_SLOT_STATUS) & PCIE_SLOT_PRESENT;
  if ((old != 0) != there)
    change (slot, PCIE_SLOT_STATUS, PCIE_SLOT_PRESENT,
            (there ? PCIE_SLOT_PRESENT : 0) | STATUS_PRESENCE);
}

/* Power and indicator as a platform without a driver for the slot has them. */
static void
set_power (struct pci_slot *slot)
{
  bool there = occupant (slot) != NULL;
  uint32_t off = slot->power_controller && !there ? CONTROL_POWER_OFF : 0;
  change (slot, PCIE_SLOT_CONTROL, CONTROL_POWER_OFF | CONTROL_INDICATOR,
          off | (there ? CONTROL_INDICATOR_ON : CONTROL_INDICATOR_OFF));
}

/* ---- interrupt ------------------------------------------------------------------------------ */

/* An interrupt is due while one of the events that the guest wants to hear of is set (6.7.3.4). */
void
pci_slot_refresh (struct pci_slot *slot)
{
  uint32_t control = get (slot, PCIE_SLOT_CONTROL), status = get (slot, PCIE_SLOT_STATUS);
  uint32_t wanted = (control & CONTROL_BUTTON ? STATUS_BUTTON : 0)
                    | (control & CONTROL_PRESENCE ? STATUS_PRESENCE : 0)
                    | (control & CONTROL_COMMAND ? STATUS_COMMAND : 0)
                    | (control & CONTROL_LINK ? STATUS_LINK : 0);
  slot->pending = slot->hotplug && (control & CONTROL_INTERRUPT) && (status & wanted);
}

static void
notify (struct pci_slot *slot)
{
  bool before = slot->pending;
  pci_slot_refresh (slot);
  pci_port_interrupt (slot->pci, slot->pending && !before);
}

/* ---- coming and going ----------------------------------------------------------------------- */

void
pci_slot_filled (struct pci_slot *slot)
{
  /* The machine is being built: as reset will have it. */
  pci_slot_reset (slot);
}

void
pci_slot_emptied (struct pci_slot *slot)
{
  /* Of a function that the guest was never told of nothing shows. */
  if (occupant (slot) != NULL || slot->pci->bus == NULL
      || !(get (slot, PCIE_SLOT_STATUS) & PCIE_SLOT_PRESENT))
    return;
  slot->pci->unplug_asked = 0;
  set_present (slot);
  if (!is_aware (slot))
    set_power (slot);
  set_link (slot);
  notify (slot);
}

/* What is in the slot goes; it has lost its power before. */
static void
eject (struct pci_slot *slot)
{
  slot->pci->unplug_asked = 0;
  pci_bus_reset (slot->pci->secondary, false);
  pci_bus_unplug_all (slot->pci->secondary);
}

static void
refused (struct pci_slot *slot)
{
  const struct gwt_pci *there = occupant (slot);
  slot->pci->unplug_asked = 0;
  if (there != NULL)
    pci_devices->unplug_refused (there->device);
}

void
pci_slot_written (struct pci_slot *slot, uint32_t old, bool command)
{
  const uint32_t off = CONTROL_POWER_OFF | CONTROL_INDICATOR_OFF;
  const uint32_t off_mask = CONTROL_POWER_OFF | CONTROL_INDICATOR;
  uint32_t control = get (slot, PCIE_SLOT_CONTROL);
  if (control & PCIE_SLOT_INTERLOCK)
    {
      control &= ~PCIE_SLOT_INTERLOCK;
      put (slot, PCIE_SLOT_CONTROL, control);
      put (slot, PCIE_SLOT_STATUS, get (slot, PCIE_SLOT_STATUS) ^ STATUS_INTERLOCK);
    }
  if ((control ^ old) & CONTROL_POWER_OFF)
    {
      if (control & CONTROL_POWER_OFF)
        pci_bus_reset (slot->pci->secondary, false);
      set_link (slot);
      pci_bus_update_bars (slot->pci->secondary);
    }
  if (slot->hotplug && slot->power_controller && occupant (slot) != NULL
      && (control & off_mask) == off
      && (old & off_mask) != off)
    eject (slot);
  else if (slot->pci->unplug_asked && !(control & CONTROL_POWER_OFF)
           && (((old & CONTROL_INDICATOR) == CONTROL_INDICATOR_BLINKS
                && (control & CONTROL_INDICATOR) == CONTROL_INDICATOR_ON)
               || ((control & CONTROL_ATTENTION) == CONTROL_ATTENTION_ON
                   && (old & CONTROL_ATTENTION) != CONTROL_ATTENTION_ON)))
    /* The guest has thought better of it, or reports that it cannot. */
    refused (slot);
  if (command)
    change (slot, PCIE_SLOT_STATUS, 0, STATUS_COMMAND);
  notify (slot);
}

static struct pci_slot *
slot_of (const struct pci_bus *bus)
{
  struct pci_slot *slot = bus != NULL && bus->bridge != NULL ? bus->bridge->slot : NULL;
  return slot != NULL && slot->hotplug ? slot : NULL;
}

static void
no_hotplug (const struct pci_bus *bus, struct gwt_error *err)
{
  char names[256];
  pci_bus_list_pluggable (names, sizeof names);
  if (names[0] != '\0')
    pci_gwt->error_set (err, GWT_E_UNSUPPORTED,
                        "Bus '%s' does not support hotplugging; use the bus of a port, as %s",
                        bus->name, names);
  else
    pci_gwt->error_set (err, GWT_E_UNSUPPORTED,
                        "Bus '%s' does not support hotplugging; start the machine with a "
                        "pcie-root-port for each device that is to come",
                        bus->name);
}

static bool
is_busy (const struct pci_slot *slot, struct gwt_error *err)
{
  if ((get (slot, PCIE_SLOT_CONTROL) & CONTROL_INDICATOR) != CONTROL_INDICATOR_BLINKS
      || !is_aware (slot))
    return false;
  pci_gwt->error_set (err, GWT_E_BUSY,
                      "the guest is busy with the slot of port '%s', whose power indicator blinks; "
                      "try again when it has done",
                      pci_devices->id (slot->pci->device));
  return true;
}

static int
hotplug_check (void *self, struct gwt_error *err)
{
  struct gwt_pci *pci = self;
  struct pci_bus *bus = pci_bus_of (pci, err);
  if (bus == NULL)
    return -1;
  struct pci_slot *slot = slot_of (bus);
  if (slot == NULL)
    no_hotplug (bus, err);
  else if (occupant (slot) != NULL)
    {
      char names[256];
      pci_bus_list_pluggable (names, sizeof names);
      pci_gwt->error_set (err, GWT_E_EXISTS,
                          "bus: the slot of port '%s' is taken by '%s'; remove that first%s%s",
                          bus->name, pci_devices->id (occupant (slot)->device),
                          names[0] != '\0' ? ", or use the bus of a free port, as " : "", names);
    }
  else if (!is_busy (slot, err))
    return 0;
  return -1;
}

static void
hotplug_plugged (void *self)
{
  struct gwt_pci *pci = self;
  struct pci_slot *slot = slot_of (pci->bus);
  if (slot == NULL || occupant (slot) == NULL)
    return; /* the guest is told when function 0 comes */
  if (!(get (slot, PCIE_SLOT_STATUS) & PCIE_SLOT_PRESENT))
    {
      set_present (slot);
      if (is_aware (slot))
        change (slot, PCIE_SLOT_STATUS, 0, STATUS_BUTTON);
      else
        set_power (slot);
    }
  set_link (slot);
  pci_bus_update_bars (slot->pci->secondary);
  notify (slot);
}

static int
hotplug_unplug_request (void *self, struct gwt_error *err)
{
  struct gwt_pci *pci = self;
  struct pci_slot *slot = slot_of (pci->bus);
  const uint32_t off = CONTROL_POWER_OFF | CONTROL_INDICATOR_OFF;
  if (pci->bus == NULL)
    {
      /* Its bus is gone already. */
      pci_devices->unplug (pci->device);
      return 0;
    }
  if (slot == NULL)
    {
      pci_gwt->error_set (err, GWT_E_UNSUPPORTED,
                          "Bus '%s' does not support hotplugging; device '%s' stays as long as the "
                          "machine",
                          pci->bus->name, pci_devices->id (pci->device));
      return -1;
    }
  if (occupant (slot) == NULL)
    {
      /* No guest has seen it. */
      pci_devices->unplug (pci->device);
      return 0;
    }
  uint32_t control = get (slot, PCIE_SLOT_CONTROL);
  if (!is_aware (slot)
      || (slot->power_controller
          && (control & (CONTROL_POWER_OFF | CONTROL_INDICATOR)) == off))
    {
      eject (slot);
      return 0;
    }
  if (is_busy (slot, err))
    return -1;
  if (slot->pci->unplug_asked && (get (slot, PCIE_SLOT_STATUS) & STATUS_BUTTON))
    {
      pci_gwt->error_set (
          err, GWT_E_BUSY,
          "Device %s is already in the process of unplug; the guest has not answered "
          "yet, a reset of the machine ends it",
          pci_devices->id (pci->device));
      return -1;
    }
  slot->pci->unplug_asked = 1;
  change (slot, PCIE_SLOT_STATUS, 0, STATUS_BUTTON);
  notify (slot);
  return 0;
}

const struct gwt_hotplug pci_hotplug = {
  .struct_size = sizeof pci_hotplug,
  .check = hotplug_check,
  .plugged = hotplug_plugged,
  .unplug_request = hotplug_unplug_request,
};

/* ---- life ----------------------------------------------------------------------------------- */

void
pci_slot_reset (struct pci_slot *slot)
{
  /* The guest that was asked is gone. */
  if (slot->pci->unplug_asked)
    eject (slot);
  change (slot, PCIE_SLOT_CONTROL, CONTROL_ATTENTION, CONTROL_ATTENTION_OFF);
  set_power (slot);
  set_present (slot);
  set_link (slot);
  change (slot, PCIE_SLOT_STATUS, STATUS_EVENTS | STATUS_INTERLOCK, 0);
  slot->pending = 0;
}

static bool
check_number (const struct pci_slot *slot, struct gwt_error *err)
{
  for (const struct pci_slot *s = slots; s != NULL && slot->number != 0; s = s->next)
    if (s->number == slot->number && s->chassis == slot->chassis)
      {
        pci_gwt->error_set (err, GWT_E_EXISTS,
                            "slot: %u of chassis %u is port '%s' already; choose another",
                            slot->number, slot->chassis, pci_devices->id (s->pci->device));
        return false;
      }
  return true;
}

int
pci_slot_begin (struct pci_slot *slot, struct gwt_pci *pci, struct gwt_error *err)
{
  uint32_t at = pci->express;
  if (!check_number (slot, err))
    return -1;
  slot->pci = pci;
  pci->slot = slot;
  slot->next = slots;
  slots = slot;
  pci_config_preset (pci, at + PCIE_SLOT_CAP, 4,
                     CAP_BUTTON | CAP_ATTENTION_INDICATOR | CAP_POWER_INDICATOR | CAP_INTERLOCK
                         | (slot->power_controller ? CAP_POWER : 0)
                         | (slot->hotplug ? CAP_SURPRISE | CAP_HOTPLUG : 0)
                         | (uint32_t) slot->number << CAP_NUMBER_SHIFT,
                     0, 0);
  pci_config_preset (pci, at + PCIE_SLOT_CONTROL, 2, CONTROL_ATTENTION_OFF,
                     CONTROL_BUTTON | CONTROL_PRESENCE | CONTROL_COMMAND | CONTROL_INTERRUPT
                         | CONTROL_ATTENTION | CONTROL_INDICATOR | PCIE_SLOT_INTERLOCK
                         | (slot->power_controller ? CONTROL_POWER_OFF : 0)
                         | (pci_reg (pci, at + PCIE_LINK_CAP, 4) & LINK_REPORTS_ACTIVE
                                ? CONTROL_LINK
                                : 0),
                     0);
  pci_config_preset (pci, at + PCIE_SLOT_STATUS, 2, 0, 0, STATUS_EVENTS);
  /* What a plug changes is not compared. */
  memset (pci->cmask + at + PCIE_LINK_STATUS, 0, 2);
  pci_put (pci->cmask + at + PCIE_SLOT_STATUS, 2,
           ~(STATUS_EVENTS | PCIE_SLOT_PRESENT | STATUS_INTERLOCK));
  pci_slot_reset (slot);
  return 0;
}

void
pci_slot_end (struct pci_slot *slot)
{
  struct pci_slot **link = &slots;
  while (*link != NULL && *link != slot)
    link = &(*link)->next;
  if (*link == slot)
    *link = slot->next;
  if (slot->pci != NULL)
    slot->pci->slot = NULL;
  slot->pci = NULL;
}

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct pci_slot, number, "slot", .max = 0x1fff,
                .doc = "physical slot number that the guest sees"),
  GWT_PROP_ROW (struct pci_slot, port, "port", .doc = "port number of the link"),
  GWT_PROP_ROW (struct pci_slot, chassis, "chassis", .facts = PCI_CONFIG_FACT,
                .doc = "chassis that the slot is in; slot numbers are unique in each"),
  GWT_PROP_ROW (struct pci_slot, hotplug, "hotplug", .def = 1,
                .doc = "devices come and go while the machine runs"),
  GWT_PROP_ROW (struct pci_slot, power_controller, "power-controller-present", .def = 1,
                .doc = "the guest can switch the slot's power"),
  GWT_HOST_ROW (struct pci_slot, pending, "follows from configuration space"),
  GWT_HOST_ROW (struct pci_slot, pad, "padding"),
  GWT_HOST_ROW (struct pci_slot, pci, "the function's part"),
  GWT_HOST_ROW (struct pci_slot, next, "list of slots"),
};

const struct gwt_device_type pci_slot_type = {
  .struct_size = sizeof pci_slot_type,
  .name = "pcie-slot",
  .parent = GWT_PCI_PARENT,
  .doc = "what ports with a slot behind them have in common",
  .flags = GWT_TYPE_ABSTRACT,
  .instance_size = sizeof (struct pci_slot),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
};
