/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ports have in common, and the root port: a bridge from the root bus to one link.  Its
 * registers are configuration space alone; what they mean for others is in bus.c, slot.c and aer.c.
 */
#include "pcie.h"

#include <string.h>

#define VENDOR 0x1b36
#define DEVICE 0x000c
#define CLASS 0x060400

#define CAP_SUBSYSTEM 0x0d
#define MEMORY_TYPE_64 0x0001
#define BRIDGE_PARITY 0x0001
#define LINK_PORT_SHIFT 24
#define LINK_WIDTH_SHIFT 4
#define LINK_REPORTS 0x00300400u /* L0s; that the link is active, and how wide and fast it is */
#define ROOT_CONTROL_MASK 0x0007 /* system errors on; there is no PME */
#define ACS_SIZE 8
#define ACS_CAP 4
#define ACS_CONTROL 6
/* Source validation, translation blocking, request and completion redirection, upstream forwarding,
   direct translated requests (7.7.8). */
#define ACS_ALL 0x5f

struct pci_port
{
  const char *speed;
  uint8_t width;
  bool disable_acs;
  uint8_t pad[6];
  struct gwt_pci *pci;
};

static const char *const speeds[] = { "2_5", "5", "8", "16" };

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct pci_port, speed, "x-speed", .def_text = "16", .facts = PCI_CONFIG_FACT,
                .doc = "speed of the link in GT/s: 2_5, 5, 8 or 16"),
  GWT_PROP_ROW (struct pci_port, width, "x-width", .def = 32, .min = 1, .max = 32,
                .facts = PCI_CONFIG_FACT,
                .doc = "lanes of the link: 1, 2, 4, 8, 12, 16 or 32"),
  GWT_PROP_ROW (struct pci_port, disable_acs, "disable-acs", .facts = PCI_CONFIG_FACT,
                .doc = "no access control services, so that functions behind share a group"),
  GWT_HOST_ROW (struct pci_port, pad, "padding"),
  GWT_HOST_ROW (struct pci_port, pci, "the function's part"),
};

/* ---- all ports ------------------------------------------------------------------------------ */

void
pci_make_bridge (struct gwt_pci *pci, bool open)
{
  uint8_t type = PCI_HEADER_BRIDGE | (pci->multifunction ? PCI_HEADER_MULTI : 0);
  uint32_t base = open ? 0 : 0xfff0;
  pci_config_preset (pci, PCI_HEADER_TYPE, 1, type, 0, 0);
  pci_config_preset (pci, PCI_SUBSYSTEM_VENDOR, 4, 0, 0, 0);
  pci_config_preset (pci, PCI_PRIMARY_BUS, 1, 0, 0xff, 0);
  pci_config_preset (pci, PCI_SECONDARY_BUS, 1, 0, 0xff, 0);
  pci_config_preset (pci, PCI_SUBORDINATE_BUS, 1, 0, 0xff, 0);
  /* Closed windows have bases above limits.  I/O has 16 bits. */
  pci_config_preset (pci, PCI_IO_BASE, 1, base & 0xf0, 0xf0, 0);
  pci_config_preset (pci, PCI_IO_LIMIT, 1, 0, 0xf0, 0);
  pci_config_preset (pci, PCI_SECONDARY_STATUS, 2, 0, 0, PCI_STATUS_W1C);
  pci_config_preset (pci, PCI_MEMORY_BASE, 2, base, 0xfff0, 0);
  pci_config_preset (pci, PCI_MEMORY_LIMIT, 2, 0, 0xfff0, 0);
  pci_config_preset (pci, PCI_PREFETCH_BASE, 2, MEMORY_TYPE_64 | base, 0xfff0, 0);
  pci_config_preset (pci, PCI_PREFETCH_LIMIT, 2, MEMORY_TYPE_64, 0xfff0, 0);
  pci_config_preset (pci, PCI_PREFETCH_BASE_HIGH, 4, 0, UINT32_MAX, 0);
  pci_config_preset (pci, PCI_PREFETCH_LIMIT_HIGH, 4, 0, UINT32_MAX, 0);
  /* ISA and VGA decoding are not for links. */
  pci_config_preset (pci, PCI_BRIDGE_CONTROL, 2, 0,
                     BRIDGE_PARITY | PCI_BRIDGE_SERR | PCI_BRIDGE_RESET, 0);
}

/* A type 1 header has no subsystem; this capability stands for it. */
int
pci_add_subsystem (struct gwt_pci *pci, uint32_t at, uint32_t vendor, struct gwt_error *err)
{
  if (at != 0)
    pci_put_capability (pci, CAP_SUBSYSTEM, at, 8);
  else if ((at = pci_add_capability (pci, CAP_SUBSYSTEM, 8, err)) == 0)
    return -1;
  pci_config_preset (pci, at + 4, 4, vendor, 0, 0);
  return 0;
}

void
pci_port_interrupt (struct gwt_pci *pci, bool risen)
{
  bool messages = pci_msix_enabled (pci) || pci_msi_enabled (pci) != 0;
  bool due = pci->root_pending || (pci->slot != NULL && pci->slot->pending);
  if (pci->info_flags & GWT_PCI_INTX)
    {
      __atomic_store_n (&pci->intx_level, due && !messages, __ATOMIC_SEQ_CST);
      pci_update_intx (pci);
    }
  if (!messages || !risen)
    return;
  if (pci_msix_enabled (pci))
    pci_msix_notify (pci, 0);
  else
    pci_msi_notify (pci, 0);
}

/* ---- root port ------------------------------------------------------------------------------ */

/* The link's speed as registers have it, 0 with ERR set where speed or width cannot be. */
static uint32_t
link_speed (const struct pci_port *port, struct gwt_error *err)
{
  uint32_t width = port->width, speed = 0;
  while (speed < GWT_COUNT (speeds)
         && (port->speed == NULL || strcmp (speeds[speed], port->speed) != 0))
    speed++;
  if (speed == GWT_COUNT (speeds))
    pci_gwt->error_set (err, GWT_E_INVALID, "x-speed: '%s' is none; use 2_5, 5, 8 or 16",
                        port->speed != NULL ? port->speed : "");
  else if ((width & (width - 1)) != 0 && width != 12)
    pci_gwt->error_set (err, GWT_E_INVALID,
                        "x-width: a link has no %u lanes; use 1, 2, 4, 8, 12, 16 or 32", width);
  else
    return speed + 1;
  return 0;
}

static void
make_express (const struct pci_port *port, const struct pci_slot *slot, uint32_t speed)
{
  struct gwt_pci *pci = port->pci;
  uint32_t at = pci->express, link = speed | (uint32_t) port->width << LINK_WIDTH_SHIFT;
  pci_config_preset (pci, at + PCIE_LINK_CAP, 4,
                     link | LINK_REPORTS | (uint32_t) slot->port << LINK_PORT_SHIFT, 0, 0);
  pci_config_preset (pci, at + PCIE_LINK_STATUS, 2, link, 0, 0);
  pci_config_preset (pci, at + PCIE_ROOT_CONTROL, 2, 0, ROOT_CONTROL_MASK, 0);
  pci_config_preset (pci, at + PCIE_DEVICE_CAP2, 4,
                     pci_reg (pci, at + PCIE_DEVICE_CAP2, 4) | PCIE_DEVICE_CAP2_ARI, 0, 0);
  pci_config_preset (pci, at + PCIE_DEVICE_CONTROL2, 2, 0, 0x8000 | PCIE_DEVICE_CAP2_ARI, 0);
  /* All speeds up to the highest. */
  pci_config_preset (pci, at + PCIE_LINK_CAP2, 4, (2u << speed) - 2, 0, 0);
  pci_config_preset (pci, at + PCIE_LINK_CONTROL2, 2, speed, 0, 0);
}

static int
add_acs (struct gwt_pci *pci, struct gwt_error *err)
{
  uint32_t at = pci_add_extended (pci, PCI_EXT_ACS, 1, ACS_SIZE, err);
  if (at == 0)
    return -1;
  pci_config_preset (pci, at + ACS_CAP, 2, ACS_ALL, 0, 0);
  pci_config_preset (pci, at + ACS_CONTROL, 2, 0, ACS_ALL, 0);
  return 0;
}

static int
port_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct pci_port *port = self;
  struct gwt_pci *pci = pci_devices->part (device, GWT_PCI_PARENT);
  struct pci_slot *slot = pci_devices->part (device, pci_slot_type.name);
  static const struct gwt_pci_info info = {
    .struct_size = sizeof info,
    .vendor = VENDOR,
    .device = DEVICE,
    .class_code = CLASS,
    .flags = GWT_PCI_EXPRESS | GWT_PCI_INTX,
  };
  uint32_t speed = link_speed (port, err);
  port->pci = pci;
  if (speed == 0 || pci_identify (pci, &info, NULL, err) < 0)
    return -1;
  pci->secondary = pci_bus_new (pci_devices->id (device), NULL, pci, err);
  if (pci->secondary == NULL)
    return -1;
  pci_make_bridge (pci, false);
  if (pci_add_subsystem (pci, 0, VENDOR, err) == 0 && pci_add_msix (pci, 1, 0, err) == 0
      && pci_add_express (pci, PCIE_ROOT_PORT, err) == 0)
    {
      make_express (port, slot, speed);
      if (pci_add_aer (pci, err) == 0 && (port->disable_acs || add_acs (pci, err) == 0)
          && pci_slot_begin (slot, pci, err) == 0)
        return 0;
    }
  pci_bus_free (pci->secondary);
  pci->secondary = NULL;
  return -1;
}

static void
port_unrealize (void *self)
{
  struct pci_port *port = self;
  pci_slot_end (port->pci->slot);
  pci_bus_free (port->pci->secondary);
  port->pci->secondary = NULL;
}

static const struct gwt_vm_field state_fields[] = {
  PCI_PART (struct pci_port, "parent_obj.parent_obj.parent_obj", pci_state),
  PCI_PART (struct pci_port, "parent_obj.parent_obj.parent_obj.exp.aer_log", pci_aer_state),
  PCI_PART (struct pci_port, "parent_obj.parent_obj.parent_obj.parent_obj", pci_msix_state),
};
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct pci_port, "pcie-root-port", 1, 1, state_fields,
                   .priority = GWT_VM_PRIORITY_PCI_BUS);
static const struct gwt_vmstate *const states[] = { &state, NULL };

const struct gwt_device_type pci_port_type = {
  .struct_size = sizeof pci_port_type,
  .name = "pcie-root-port",
  .parent = "pcie-slot",
  .doc = "PCI Express root port: a bus of its own for one device",
  .flags = GWT_TYPE_USER,
  .instance_size = sizeof (struct pci_port),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .realize = port_realize,
  .unrealize = port_unrealize,
  .states = states,
};
