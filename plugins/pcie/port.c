/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root port: a bridge from the root bus to one link.  Its registers are configuration space
 * alone; what they mean for others is in bus.c and aer.c.
 */
#include "pcie.h"

#include <string.h>

#define VENDOR 0x1b36
#define DEVICE 0x000c
#define CLASS 0x060400

#define CAP_SUBSYSTEM 0x0d
#define IO_TYPE_32 0x01
#define MEMORY_TYPE_64 0x0001
#define BRIDGE_PARITY 0x0001
#define SLOT_NUMBER_SHIFT 19
#define LINK_PORT_SHIFT 24
#define ROOT_CONTROL_MASK 0x000f /* system errors on, and PME interrupt */

struct pci_port
{
  uint16_t slot;
  uint8_t port;
  uint8_t chassis;
  uint8_t pad[4];
  struct gwt_pci *pci;
  struct pci_port *next;
};

static struct pci_port *ports;

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct pci_port, slot, "slot", .max = 0x1fff,
                .doc = "physical slot number that the guest sees"),
  GWT_PROP_ROW (struct pci_port, port, "port", .doc = "port number of the link"),
  GWT_PROP_ROW (struct pci_port, chassis, "chassis",
                .doc = "chassis that the slot is in; slot numbers are unique in each"),
  GWT_HOST_ROW (struct pci_port, pad, "padding"),
  GWT_HOST_ROW (struct pci_port, pci, "the function's part"),
  GWT_HOST_ROW (struct pci_port, next, "list of ports"),
};

static bool
check_slot (const struct pci_port *port, struct gwt_error *err)
{
  for (const struct pci_port *p = ports; p != NULL && port->slot != 0; p = p->next)
    if (p->slot == port->slot && p->chassis == port->chassis)
      {
        pci_gwt->error_set (err, GWT_E_EXISTS,
                            "slot: %u of chassis %u is port '%s' already; choose another",
                            port->slot, port->chassis, pci_devices->id (p->pci->device));
        return false;
      }
  return true;
}

static void
make_header (struct gwt_pci *pci)
{
  uint8_t type = PCI_HEADER_BRIDGE | (pci->multifunction ? PCI_HEADER_MULTI : 0);
  pci_config_preset (pci, PCI_HEADER_TYPE, 1, type, 0, 0);
  pci_config_preset (pci, PCI_PRIMARY_BUS, 1, 0, 0xff, 0);
  pci_config_preset (pci, PCI_SECONDARY_BUS, 1, 0, 0xff, 0);
  pci_config_preset (pci, PCI_SUBORDINATE_BUS, 1, 0, 0xff, 0);
  /* The windows are closed: bases above limits. */
  pci_config_preset (pci, PCI_IO_BASE, 1, IO_TYPE_32 | 0xf0, 0xf0, 0);
  pci_config_preset (pci, PCI_IO_LIMIT, 1, IO_TYPE_32, 0xf0, 0);
  pci_config_preset (pci, PCI_SECONDARY_STATUS, 2, 0, 0, PCI_STATUS_W1C);
  pci_config_preset (pci, PCI_MEMORY_BASE, 2, 0xfff0, 0xfff0, 0);
  pci_config_preset (pci, PCI_MEMORY_LIMIT, 2, 0, 0xfff0, 0);
  pci_config_preset (pci, PCI_PREFETCH_BASE, 2, MEMORY_TYPE_64 | 0xfff0, 0xfff0, 0);
  pci_config_preset (pci, PCI_PREFETCH_LIMIT, 2, MEMORY_TYPE_64, 0xfff0, 0);
  pci_config_preset (pci, PCI_PREFETCH_BASE_HIGH, 4, 0, UINT32_MAX, 0);
  pci_config_preset (pci, PCI_PREFETCH_LIMIT_HIGH, 4, 0, UINT32_MAX, 0);
  pci_config_preset (pci, PCI_IO_BASE_HIGH, 2, 0, 0xffff, 0);
  pci_config_preset (pci, PCI_IO_LIMIT_HIGH, 2, 0, 0xffff, 0);
  /* ISA and VGA decoding are not for links. */
  pci_config_preset (pci, PCI_BRIDGE_CONTROL, 2, 0,
                     BRIDGE_PARITY | PCI_BRIDGE_SERR | PCI_BRIDGE_RESET, 0);
}

/* A type 1 header has no subsystem; this capability stands for it. */
static int
add_subsystem (struct gwt_pci *pci, struct gwt_error *err)
{
  uint32_t at = pci_add_capability (pci, CAP_SUBSYSTEM, 8, err);
  if (at == 0)
    return -1;
  pci_config_preset (pci, at + 4, 4, VENDOR, 0, 0);
  return 0;
}

static void
make_express (const struct pci_port *port)
{
  struct gwt_pci *pci = port->pci;
  uint32_t at = pci->express;
  pci_config_preset (pci, at + PCIE_LINK_CAP, 4,
                     pci_reg (pci, at + PCIE_LINK_CAP, 4)
                         | (uint32_t) port->port << LINK_PORT_SHIFT,
                     0, 0);
  pci_config_preset (pci, at + PCIE_SLOT_CAP, 4, (uint32_t) port->slot << SLOT_NUMBER_SHIFT, 0, 0);
  pci_config_preset (pci, at + PCIE_ROOT_CONTROL, 2, 0, ROOT_CONTROL_MASK, 0);
}

static int
port_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct pci_port *port = self;
  struct gwt_pci *pci = pci_devices->part (device, GWT_PCI_PARENT);
  static const struct gwt_pci_info info = {
    .struct_size = sizeof info,
    .vendor = VENDOR,
    .device = DEVICE,
    .class_code = CLASS,
    .flags = GWT_PCI_EXPRESS | GWT_PCI_INTX,
  };
  port->pci = pci;
  if (!check_slot (port, err) || pci_identify (pci, &info, NULL, err) < 0)
    return -1;
  pci->secondary = pci_bus_new (pci_devices->id (device), NULL, pci, err);
  if (pci->secondary == NULL)
    return -1;
  make_header (pci);
  if (add_subsystem (pci, err) < 0 || pci_add_msix (pci, 1, 0, err) < 0
      || pci_add_express (pci, PCIE_ROOT_PORT, err) < 0 || pci_add_aer (pci, err) < 0)
    {
      pci_bus_free (pci->secondary);
      pci->secondary = NULL;
      return -1;
    }
  make_express (port);
  port->next = ports;
  ports = port;
  return 0;
}

static void
port_unrealize (void *self)
{
  struct pci_port *port = self, **link = &ports;
  while (*link != port)
    link = &(*link)->next;
  *link = port->next;
  pci_bus_free (port->pci->secondary);
  port->pci->secondary = NULL;
}

const struct gwt_device_type pci_port_type = {
  .struct_size = sizeof pci_port_type,
  .name = "pcie-root-port",
  .parent = GWT_PCI_PARENT,
  .doc = "PCI Express root port: a bus of its own for one device",
  .flags = GWT_TYPE_USER,
  .instance_size = sizeof (struct pci_port),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .realize = port_realize,
  .unrealize = port_unrealize,
};
