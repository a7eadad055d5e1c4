/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A switch: its upstream port, which ends a link, and its downstream ports, each with a link and a
 * slot of its own; the two bridges of a TI XIO3130.  What bridges do is in bus.c.
 */
#include "pcie.h"

#define VENDOR 0x104c
#define UPSTREAM 0x8232
#define UPSTREAM_REVISION 2
#define DOWNSTREAM 0x8233
#define DOWNSTREAM_REVISION 1
#define CLASS 0x060400

#define MSI_AT 0x70
#define SUBSYSTEM_AT 0x80
#define EXPRESS_AT 0x90
#define LINK_PORT_SHIFT 24
#define LINK_L0S 0x400u

/* ---- both ----------------------------------------------------------------------------------- */

static int
begin (struct gwt_pci *pci, const struct gwt_pci_info *info, enum pcie_port_type type,
       struct gwt_error *err)
{
  if (pci_identify (pci, info, NULL, err) < 0)
    return -1;
  pci->secondary = pci_bus_new (pci_devices->id (pci->device), NULL, pci, err);
  if (pci->secondary == NULL)
    return -1;
  pci_make_bridge (pci, true);
  if (pci_add_msi (pci, 1, MSI_AT, GWT_PCI_MSI_64, err) == 0
      && pci_add_subsystem (pci, SUBSYSTEM_AT, 0, err) == 0)
    {
      pci_put_capability (pci, PCI_CAP_EXPRESS, EXPRESS_AT, PCIE_CAP_SIZE);
      pci_make_express (pci, type, EXPRESS_AT);
      if (pci_add_aer (pci, err) == 0)
        return 0;
    }
  pci_bus_free (pci->secondary);
  pci->secondary = NULL;
  return -1;
}

static void
end (struct gwt_pci *pci)
{
  pci_bus_free (pci->secondary);
  pci->secondary = NULL;
}

/* ---- upstream port -------------------------------------------------------------------------- */

struct upstream
{
  uint8_t port;
  uint8_t pad[7];
  struct gwt_pci *pci;
};

static const struct gwt_field upstream_fields[] = {
  GWT_PROP_ROW (struct upstream, port, "port", .doc = "port number of the link"),
  GWT_HOST_ROW (struct upstream, pad, "padding"),
  GWT_HOST_ROW (struct upstream, pci, "the function's part"),
};

static int
upstream_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct upstream *port = self;
  static const struct gwt_pci_info info = {
    .struct_size = sizeof info,
    .vendor = VENDOR,
    .device = UPSTREAM,
    .class_code = CLASS,
    .revision = UPSTREAM_REVISION,
    .flags = GWT_PCI_EXPRESS,
  };
  port->pci = pci_devices->part (device, GWT_PCI_PARENT);
  if (begin (port->pci, &info, PCIE_UPSTREAM_PORT, err) < 0)
    return -1;
  pci_config_preset (port->pci, EXPRESS_AT + PCIE_LINK_CAP, 4,
                     pci_reg (port->pci, EXPRESS_AT + PCIE_LINK_CAP, 4)
                         | (uint32_t) port->port << LINK_PORT_SHIFT,
                     0, 0);
  return 0;
}

static void
upstream_unrealize (void *self)
{
  end (((struct upstream *) self)->pci);
}

static const struct gwt_vm_field upstream_state_fields[] = {
  PCI_PART (struct upstream, "parent_obj.parent_obj", pci_state),
  PCI_PART (struct upstream, "parent_obj.parent_obj.exp.aer_log", pci_aer_state),
};
static const struct gwt_vmstate upstream_state
    = GWT_VMSTATE (struct upstream, "xio3130-express-upstream-port", 1, 1, upstream_state_fields,
                   .priority = GWT_VM_PRIORITY_PCI_BUS);
static const struct gwt_vmstate *const upstream_states[] = { &upstream_state, NULL };

const struct gwt_device_type pci_upstream_type = {
  .struct_size = sizeof pci_upstream_type,
  .name = "x3130-upstream",
  .parent = GWT_PCI_PARENT,
  .doc = "upstream port of a PCI Express switch: a bus for its downstream ports",
  .flags = GWT_TYPE_USER,
  .instance_size = sizeof (struct upstream),
  .fields = upstream_fields,
  .field_size = sizeof upstream_fields[0],
  .n_fields = GWT_COUNT (upstream_fields),
  .realize = upstream_realize,
  .unrealize = upstream_unrealize,
  .states = upstream_states,
};

/* ---- downstream port ------------------------------------------------------------------------ */

struct downstream
{
  struct gwt_pci *pci;
};

static const struct gwt_field downstream_fields[] = {
  GWT_HOST_ROW (struct downstream, pci, "the function's part"),
};

static int
downstream_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct downstream *port = self;
  struct pci_slot *slot = pci_devices->part (device, pci_slot_type.name);
  static const struct gwt_pci_info info = {
    .struct_size = sizeof info,
    .vendor = VENDOR,
    .device = DOWNSTREAM,
    .class_code = CLASS,
    .revision = DOWNSTREAM_REVISION,
    .flags = GWT_PCI_EXPRESS,
  };
  struct gwt_pci *pci = port->pci = pci_devices->part (device, GWT_PCI_PARENT);
  if (begin (pci, &info, PCIE_DOWNSTREAM_PORT, err) < 0)
    return -1;
  /* The chip's model says nothing of how fast and wide its links are. */
  pci_config_preset (pci, EXPRESS_AT + PCIE_LINK_CAP, 4,
                     LINK_L0S | (uint32_t) slot->port << LINK_PORT_SHIFT, 0, 0);
  pci_config_preset (pci, EXPRESS_AT + PCIE_LINK_STATUS, 2, 0, 0, 0);
  pci_config_preset (pci, EXPRESS_AT + PCIE_DEVICE_CAP2, 4,
                     pci_reg (pci, EXPRESS_AT + PCIE_DEVICE_CAP2, 4) | PCIE_DEVICE_CAP2_ARI, 0, 0);
  pci_config_preset (pci, EXPRESS_AT + PCIE_DEVICE_CONTROL2, 2, 0, 0x8000 | PCIE_DEVICE_CAP2_ARI,
                     0);
  if (pci_slot_begin (slot, pci, err) == 0)
    return 0;
  end (pci);
  return -1;
}

static void
downstream_unrealize (void *self)
{
  struct gwt_pci *pci = ((struct downstream *) self)->pci;
  pci_slot_end (pci->slot);
  end (pci);
}

static const struct gwt_vm_field downstream_state_fields[] = {
  PCI_PART (struct downstream, "parent_obj.parent_obj.parent_obj", pci_state),
  PCI_PART (struct downstream, "parent_obj.parent_obj.parent_obj.exp.aer_log", pci_aer_state),
};
static const struct gwt_vmstate downstream_state
    = GWT_VMSTATE (struct downstream, "xio3130-express-downstream-port", 1, 1,
                   downstream_state_fields, .priority = GWT_VM_PRIORITY_PCI_BUS);
static const struct gwt_vmstate *const downstream_states[] = { &downstream_state, NULL };

const struct gwt_device_type pci_downstream_type = {
  .struct_size = sizeof pci_downstream_type,
  .name = "xio3130-downstream",
  .parent = "pcie-slot",
  .doc = "downstream port of a PCI Express switch: a bus of its own for one device",
  .flags = GWT_TYPE_USER,
  .instance_size = sizeof (struct downstream),
  .fields = downstream_fields,
  .field_size = sizeof downstream_fields[0],
  .n_fields = GWT_COUNT (downstream_fields),
  .realize = downstream_realize,
  .unrealize = downstream_unrealize,
  .states = downstream_states,
};
