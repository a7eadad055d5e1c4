/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the pcie plugin share: functions, buses, bridges, the host bridge.
 *
 *   function.c  configuration space, capabilities, BARs, reset: the part "pci-device"
 *   msix.c      MSI-X table, pending bits, messages
 *   msi.c       MSI
 *   aer.c       Advanced Error Reporting of functions and root ports
 *   bus.c       who is where: slots, bus numbers, windows, INTx routing
 *   port.c      what ports have in common; the root port
 *   switch.c    the ports of a switch
 *   slot.c      a port's slot: presence, power, attention button, hot plug
 *   host.c      the host bridge with ECAM
 *   facts.c     what its registers are called, what is told before that
 *   state.c     what of a function goes along when the guest moves
 *   pcie.c      the plugin: gwt.pci/1 and the list of types
 *
 * Everything runs under the machine lock but for messages and DMA, which touch only what does not
 * change while a function is on its bus, or atomics.
 */
#ifndef PCIE_H
#define PCIE_H

#include <godwit/pci.h>

#include <godwit/facts.h>
#include <godwit/fdt.h>
#include <godwit/hotplug.h>
#include <godwit/irq.h>
#include <godwit/vmstate.h>

#include <stdbool.h>

/* ---- registers (PCI Express Base Specification 5.0, chapter 7) ------------------------------ */

#define PCI_CONFIG_SIZE 4096
#define PCI_VENDOR 0x00
#define PCI_DEVICE 0x02
#define PCI_COMMAND 0x04
#define PCI_COMMAND_IO 0x0001
#define PCI_COMMAND_MEMORY 0x0002
#define PCI_COMMAND_MASTER 0x0004
#define PCI_COMMAND_PARITY 0x0040
#define PCI_COMMAND_SERR 0x0100
#define PCI_COMMAND_INTX_OFF 0x0400
#define PCI_STATUS 0x06
#define PCI_STATUS_INTX 0x0008
#define PCI_STATUS_CAPABILITIES 0x0010
#define PCI_STATUS_SIGNALED_SERR 0x4000
#define PCI_STATUS_W1C 0xf900
#define PCI_REVISION 0x08
#define PCI_CLASS 0x09
#define PCI_CACHE_LINE 0x0c
#define PCI_HEADER_TYPE 0x0e
#define PCI_HEADER_BRIDGE 0x01
#define PCI_HEADER_MULTI 0x80
#define PCI_BAR0 0x10
#define PCI_SUBSYSTEM_VENDOR 0x2c
#define PCI_SUBSYSTEM 0x2e
#define PCI_CAPABILITIES 0x34
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN 0x3d
/* type 1 header */
#define PCI_PRIMARY_BUS 0x18
#define PCI_SECONDARY_BUS 0x19
#define PCI_SUBORDINATE_BUS 0x1a
#define PCI_IO_BASE 0x1c
#define PCI_IO_LIMIT 0x1d
#define PCI_SECONDARY_STATUS 0x1e
#define PCI_MEMORY_BASE 0x20
#define PCI_MEMORY_LIMIT 0x22
#define PCI_PREFETCH_BASE 0x24
#define PCI_PREFETCH_LIMIT 0x26
#define PCI_PREFETCH_BASE_HIGH 0x28
#define PCI_PREFETCH_LIMIT_HIGH 0x2c
#define PCI_BRIDGE_CONTROL 0x3e
#define PCI_BRIDGE_SERR 0x0002
#define PCI_BRIDGE_RESET 0x0040

#define PCI_CAP_MSI 0x05
#define PCI_CAP_POWER 0x01
/* Power management capability, offsets in it (7.5.2) */
#define POWER_CAP 0x02
#define POWER_CAP_VERSION 3
#define POWER_STATUS 0x04
#define POWER_STATE 0x03
#define PCI_CAP_MSIX 0x11
#define PCI_CAP_EXPRESS 0x10
/* PCI Express capability, offsets in it */
#define PCIE_CAP_SIZE 0x3c
#define PCIE_FLAGS 0x02
#define PCIE_DEVICE_CAP 0x04
#define PCIE_DEVICE_CAP_FLR (1u << 28)
#define PCIE_DEVICE_CONTROL 0x08
#define PCIE_CONTROL_COR 0x0001
#define PCIE_CONTROL_NONFATAL 0x0002
#define PCIE_CONTROL_FATAL 0x0004
#define PCIE_CONTROL_FLR 0x8000
#define PCIE_DEVICE_STATUS 0x0a
#define PCIE_LINK_CAP 0x0c
#define PCIE_LINK_CONTROL 0x10
#define PCIE_LINK_STATUS 0x12
#define PCIE_LINK_ACTIVE 0x2000 /* in the link's status */
#define PCIE_SLOT_CAP 0x14
#define PCIE_SLOT_CONTROL 0x18
#define PCIE_SLOT_STATUS 0x1a
#define PCIE_SLOT_INTERLOCK 0x0800u /* in its control: reads as zero; 1 turns it over */
#define PCIE_SLOT_PRESENT 0x0040u   /* in its status */
#define PCIE_ROOT_CONTROL 0x1c
#define PCIE_ROOT_STATUS 0x20
#define PCIE_DEVICE_CAP2 0x24
#define PCIE_DEVICE_CAP2_ARI 0x20
#define PCIE_DEVICE_CONTROL2 0x28
#define PCIE_LINK_CAP2 0x2c
#define PCIE_LINK_CONTROL2 0x30

enum pcie_port_type
{
  PCIE_ENDPOINT = 0,
  PCIE_ROOT_PORT = 4,
  PCIE_UPSTREAM_PORT = 5,
  PCIE_DOWNSTREAM_PORT = 6,
  PCIE_INTEGRATED_ENDPOINT = 9
};

#define PCI_EXT_AER 0x0001
#define PCI_EXT_ACS 0x000d
#define PCI_EXT_ARI 0x000e
/* Alternative Routing-ID Interpretation, offsets in it (7.8.7) */
#define ARI_SIZE 8
#define ARI_NEXT 0x05
/* Advanced Error Reporting, offsets in it (7.8.4) */
#define AER_SIZE 0x48
#define AER_UNCOR_STATUS 0x04
#define AER_UNCOR_MASK 0x08
#define AER_UNCOR_SEVERITY 0x0c
#define AER_COR_STATUS 0x10
#define AER_COR_MASK 0x14
#define AER_CONTROL 0x18
#define AER_HEADER_LOG 0x1c
#define AER_ROOT_COMMAND 0x2c
#define AER_ROOT_STATUS 0x30
#define AER_ROOT_SOURCE 0x34

#define AER_LOG_MAX 8 /* errors whose headers wait behind the first one's */
#define AER_HEADER_WORDS 4
#define AER_HEADER_VALID 0x0004 /* flag of an error: it has a header */

#define PCI_SLOTS 32
#define PCI_FUNCTIONS 8
#define PCI_DEVFNS 256
#define PCI_PINS 4
#define PCI_BARS 6
#define MSIX_VECTORS_MAX 2048
#define MSIX_CONTROL 2 /* offset in the capability, as the specification has it */
#define MSIX_TABLE_SIZE 0x07ffu /* in it: vectors less one */
#define MSIX_ENTRY 16 /* bytes */
#define MSIX_WORDS 4

enum pci_msix_state
{
  PCI_MSIX_OFF,
  PCI_MSIX_MASKED, /* enabled, the whole function is masked */
  PCI_MSIX_ON
};

struct pci_bus;
struct pci_slot;

struct pci_bar
{
  uint64_t size;  /* 0: absent */
  uint64_t flags; /* enum gwt_pci_bar_flag */
  uint64_t at;    /* guest-physical, while mapped */
  struct gwt_region *region;
  uint64_t mapped;
};

struct pci_aer_error
{
  uint32_t status; /* one bit of the uncorrectable status */
  uint16_t source_id;
  uint16_t flags;
  uint32_t header[AER_HEADER_WORDS];
  uint32_t prefix[AER_HEADER_WORDS]; /* of TLPs; there are none here */
};

struct pci_aer_log
{
  uint16_t log_num, log_max;
  struct pci_aer_error log[AER_LOG_MAX]; /* the oldest first */
};

/* The part "pci-device" of every function. */
struct gwt_pci
{
  /* properties */
  const char *bus_name;
  const char *address;
  bool multifunction;
  bool err_unc_mask;
  uint8_t unplug_asked; /* the user wants out what is in the slot, and the guest has been told */
  bool ari;
  int32_t version_id; /* of the state, as it was sent */

  /* Configuration space, and for each byte what the guest may write, clears by writing 1, and what
     has to be equal on both sides of a migration.  `initial` is what a reset restores. */
  uint8_t config[PCI_CONFIG_SIZE];
  uint8_t wmask[PCI_CONFIG_SIZE];
  uint8_t w1cmask[PCI_CONFIG_SIZE];
  uint8_t cmask[PCI_CONFIG_SIZE];
  uint8_t initial[PCI_CONFIG_SIZE];
  uint8_t used[PCI_CONFIG_SIZE]; /* which capability owns the byte */

  uint32_t msix_table[MSIX_VECTORS_MAX * MSIX_WORDS]; /* atomic: senders are on any thread */
  uint64_t msix_pending[MSIX_VECTORS_MAX / 64];       /* likewise */

  struct pci_aer_log aer_log; /* errors that wait to be shown */
  uint32_t ari_at;            /* offset of the capability, 0: none */

  struct gwt_device *device;
  void *self; /* the device's own instance: what client callbacks take */
  const struct gwt_pci_client *client;
  struct pci_bus *bus;       /* NULL until it is on one */
  struct pci_bus *secondary; /* of a bridge */
  struct pci_slot *slot;     /* of a port that has one */
  struct pci_bar bar[PCI_BARS];
  uint64_t info_flags;
  uint32_t devfn;
  uint32_t port_type; /* enum pcie_port_type */
  uint32_t express;   /* offset of the capability, 0: none */
  uint32_t msix;
  uint32_t aer;
  uint32_t n_vectors;
  uint32_t pending_at; /* offset of the pending bits in the MSI-X BAR */
  uint32_t last_extended; /* where the chain of extended capabilities ends, 0: none yet */
  uint32_t identified;
  uint32_t root_pending; /* a root port's error interrupt is due; follows from AER's registers */
  uint32_t msi;          /* offset of the capability, 0: none */
  uint32_t msi_flags;    /* enum gwt_pci_msi_flag */
  uint32_t power;        /* offset of the capability, 0: none */
  uint32_t pad_3;
  /* What other threads look at: atomic. */
  uint32_t intx_level;  /* what the device drives */
  uint32_t intx_routed; /* what the bus sees: 0 while disabled by the command register */
  uint32_t command;     /* the command register; nothing but INTx off outside D0 */
  uint32_t msix_state;  /* enum pci_msix_state; follows from the MSI-X control register */
  /* What a sender of MSI needs of the registers. */
  uint32_t msi_vectors; /* how many the guest allows, 0: off */
  uint32_t msi_data;
  uint32_t msi_mask;
  uint32_t msi_pending;
  uint64_t msi_address;
};

/* The part "pcie-slot" of a root or downstream port: the place behind it. */
struct pci_slot
{
  /* properties */
  uint16_t number;
  uint8_t port;
  uint8_t chassis;
  bool hotplug;
  bool power_controller;
  uint8_t pending; /* an interrupt is due; follows from the registers */
  uint8_t pad;

  struct gwt_pci *pci;
  struct pci_slot *next;
};

struct pci_bus
{
  const char *name;
  struct gwt_pci *bridge;    /* NULL: the root bus */
  struct pci_host *host;
  struct pci_bus *next;      /* all buses */
  struct gwt_pci *function[PCI_DEVFNS];
};

struct pci_host
{
  /* properties */
  const char *bus_name;
  uint64_t io_size, memory_size, memory64_size;

  struct gwt_device *device;
  struct pci_bus *root;
  struct gwt_region *ecam, *io, *memory, *memory64;
  struct gwt_irq *line[PCI_PINS];
  uint32_t asserted[PCI_PINS]; /* functions that drive each line; atomic */
  int32_t n_lines;
  int32_t asserted_sent[PCI_PINS]; /* `asserted` when the state was saved or loaded last */
  uint32_t config_address;         /* of the mechanism with two I/O ports, which ECAM replaces */
};

/* Host services; set in the plugin's start (). */
extern const struct gwt_host *pci_gwt;
extern const struct gwt_memory_api *pci_memory;
extern const struct gwt_irq_api *pci_irq;
extern const struct gwt_device_api *pci_devices;
extern const struct gwt_fdt_api *pci_fdt;

extern const struct gwt_device_type pci_function_type, pci_slot_type, pci_port_type,
    pci_upstream_type, pci_downstream_type, pci_host_type, pci_host_bridge_type;
extern const struct gwt_hotplug pci_hotplug;
/* What it tells. */
#define PCI_CONFIG_FACT "configuration-space"
/* What the host tells of every device, from its section_path. */
#define PCI_PATH_FACT "path"
extern const struct gwt_facts_interface pci_facts;
extern const struct gwt_pci_api pci_api;
extern const struct gwt_vmstate_api *pci_vmstate;

/* ---- little-endian registers ---------------------------------------------------------------- */

static inline uint32_t
pci_get (const uint8_t *at, unsigned size)
{
  uint32_t value = 0;
  for (unsigned i = 0; i < size; i++)
    value |= (uint32_t) at[i] << (8 * i);
  return value;
}

static inline void
pci_put (uint8_t *at, unsigned size, uint64_t value)
{
  for (unsigned i = 0; i < size; i++)
    at[i] = (uint8_t) (value >> (8 * i));
}

static inline uint32_t
pci_reg (const struct gwt_pci *pci, uint32_t offset, unsigned size)
{
  return pci_get (pci->config + offset, size);
}

/* facts.c: the register at OFFSET, or what it is a part of. */
const char *pci_register_name (const struct gwt_pci *pci, uint32_t offset);

/* function.c */
uint32_t pci_config_read (struct gwt_pci *pci, uint32_t offset, uint32_t size);
void pci_config_write (struct gwt_pci *pci, uint32_t offset, uint32_t size, uint32_t value);
void pci_config_preset (struct gwt_pci *pci, uint32_t offset, unsigned size, uint64_t value,
                        uint64_t wmask, uint64_t w1cmask);
int pci_identify (struct gwt_pci *pci, const struct gwt_pci_info *info,
                  const struct gwt_pci_client *client, struct gwt_error *err);
uint32_t pci_add_capability (struct gwt_pci *pci, uint8_t id, uint32_t size,
                             struct gwt_error *err);
/* The same at an offset that is known to be free. */
void pci_put_capability (struct gwt_pci *pci, uint8_t id, uint32_t at, uint32_t size);
uint32_t pci_add_extended (struct gwt_pci *pci, uint16_t id, uint8_t version, uint32_t size,
                           struct gwt_error *err);
int pci_add_bar (struct gwt_pci *pci, uint32_t index, struct gwt_region *region, uint64_t flags,
                 struct gwt_error *err);
int pci_add_express (struct gwt_pci *pci, enum pcie_port_type type, struct gwt_error *err);
void pci_make_express (struct gwt_pci *pci, enum pcie_port_type type, uint32_t at);
int pci_add_power (struct gwt_pci *pci, struct gwt_error *err);
/* Alternative Routing-ID Interpretation: where the chain of functions is. */
int pci_add_ari (struct gwt_pci *pci, struct gwt_error *err);
void pci_update_bars (struct gwt_pci *pci);
void pci_update_intx (struct gwt_pci *pci);
/* STICKY: a bus reset or function-level reset, which leaves the error registers as they are (7.4,
   ROS and RWS); else power was off. */
void pci_function_reset (struct gwt_pci *pci, bool sticky);
/* Its flags have to be known: GWT_PCI_KNOWN. */
#define GWT_PCI_KNOWN                                                                              \
  ((uint64_t) (GWT_PCI_EXPRESS | GWT_PCI_INTX | GWT_PCI_AER | GWT_PCI_EXPRESS_BEHIND_PORT))

/* From the registers: what other threads look at. */
void pci_command_refresh (struct gwt_pci *pci);

/* state.c; all of a struct gwt_pci */
extern const struct gwt_vmstate pci_state, pci_msix_state, pci_aer_state;
/* The field of struct T for the function that its member `pci` points to, or for what SCHEMA has of
   it; names as in QEMU's descriptions. */
#define PCI_PART(T, NAME, SCHEMA)                                                                  \
  { .name = NAME, .form = GWT_VM_STRUCT, .flags = GWT_VM_POINTER, .offset = offsetof (T, pci),     \
    .size = sizeof (struct gwt_pci) + GWT_VM_IS (GWT_VM_AT (T, pci), struct gwt_pci *),            \
    .elems = 1, .schema = &SCHEMA }
/* Where its device sits, "0000:00:01.0:00.0"; NULL off its bus. */
const char *pci_section_path (void *self);
uint32_t pci_config_size (const struct gwt_pci *pci);

/* msix.c */
int pci_add_msix (struct gwt_pci *pci, uint32_t vectors, uint32_t bar, struct gwt_error *err);
uint32_t pci_msix_enabled (struct gwt_pci *pci);
void pci_msix_notify (struct gwt_pci *pci, uint32_t vector);
void pci_msix_written (struct gwt_pci *pci); /* its control register may have changed */
void pci_msix_reset (struct gwt_pci *pci);
void pci_msix_refresh (struct gwt_pci *pci); /* after a load; sends nothing */
/* VALUE as word WORD (0 to 3) of a vector can hold it. */
uint32_t pci_msix_word (uint32_t word, uint32_t value);
uint32_t pci_msix_is_masked (const struct gwt_pci *pci, uint32_t vector);

/* msi.c */
int pci_add_msi (struct gwt_pci *pci, uint32_t vectors, uint32_t at, uint64_t flags,
                 struct gwt_error *err);
uint32_t pci_msi_enabled (struct gwt_pci *pci);
void pci_msi_notify (struct gwt_pci *pci, uint32_t vector);
void pci_msi_written (struct gwt_pci *pci); /* its registers may have changed */
void pci_msi_refresh (struct gwt_pci *pci); /* after a load; sends nothing */
/* Offset of the pending bits in configuration space, 0: there are none. */
uint32_t pci_msi_pending_at (const struct gwt_pci *pci);
/* The pending bits among SIZE bytes at OFFSET, in place; they are in no register. */
uint32_t pci_msi_read (struct gwt_pci *pci, uint32_t offset, uint32_t size);

/* port.c */
/* A type 1 header; OPEN: the windows begin and end at 0 after reset, not above. */
void pci_make_bridge (struct gwt_pci *pci, bool open);
/* Say which vendor's subsystem a bridge is, at offset AT or where there is room (0). */
int pci_add_subsystem (struct gwt_pci *pci, uint32_t at, uint32_t vendor, struct gwt_error *err);
/* A port's interrupt: INTA follows what is pending; a message (vector 0) is sent where RISEN says
   that one of the conditions has begun. */
void pci_port_interrupt (struct gwt_pci *pci, bool risen);

/* slot.c */
/* Registers of the slot behind PCI, whose express capability is there already. */
int pci_slot_begin (struct pci_slot *slot, struct gwt_pci *pci, struct gwt_error *err);
void pci_slot_end (struct pci_slot *slot);
bool pci_slot_has_power (const struct gwt_pci *bridge); /* also of bridges without a slot */
void pci_slot_reset (struct pci_slot *slot);
/* After a load: whether an interrupt is due; raises none. */
void pci_slot_refresh (struct pci_slot *slot);
/* A function came (cold: the machine was not running yet) or went. */
void pci_slot_filled (struct pci_slot *slot);
void pci_slot_emptied (struct pci_slot *slot);
/* The slot's control (COMMAND) or status was written; before it the control was OLD. */
void pci_slot_written (struct pci_slot *slot, uint32_t old, bool command);

/* aer.c */
int pci_add_aer (struct gwt_pci *pci, struct gwt_error *err);
void pci_aer_report (struct gwt_pci *pci, uint32_t status, uint32_t correctable,
                     const uint32_t *header);
/* Its registers were written: the next header is shown; a root port's interrupt follows status and
   command. */
void pci_aer_written (struct gwt_pci *pci);
void pci_aer_refresh (struct gwt_pci *pci); /* after a load; raises no interrupt */
#define PCI_METHODS 2
extern const struct gwt_method pci_methods[PCI_METHODS];

/* bus.c */
/* Named NAME, below HOST (the root bus) or BRIDGE; NULL with ERR set. */
struct pci_bus *pci_bus_new (const char *name, struct pci_host *host, struct gwt_pci *bridge,
                             struct gwt_error *err);
void pci_bus_free (struct pci_bus *bus);
/* The bus that a function's properties name, or NULL with ERR set. */
struct pci_bus *pci_bus_of (const struct gwt_pci *pci, struct gwt_error *err);
/* Put a function on that bus; 0, or -1 with ERR set. */
int pci_bus_plug (struct gwt_pci *pci, struct gwt_error *err);
void pci_bus_unplug (struct gwt_pci *pci);
/* Have each function of an ARI device on BUS name the next one. */
void pci_bus_chain (struct pci_bus *bus);
/* The function that answers to bus number BUS and DEVFN now, or NULL. */
struct gwt_pci *pci_bus_find (struct pci_host *host, uint32_t bus, uint32_t devfn);
uint32_t pci_bus_number (const struct pci_bus *bus);
/* How many root buses came before this one. */
uint32_t pci_bus_domain (const struct pci_bus *root);
/* Everything below BUS: BARs after a window moved, reset. */
void pci_bus_update_bars (struct pci_bus *bus);
/* STICKY as for a function; its device is told. */
void pci_bus_reset (struct pci_bus *bus, bool sticky);
bool pci_bus_is_empty (const struct pci_bus *bus);
/* Have the host destroy everything on BUS, what is deepest first. */
void pci_bus_unplug_all (struct pci_bus *bus);
/* The names of buses with a free place to plug into while the machine runs, "'a', 'b'". */
void pci_bus_list_pluggable (char *names, size_t size);
/* Where the guest-physical address of PCI address AT (SIZE bytes) is, seen from BUS; false where no
   window leads there. */
bool pci_bus_window (const struct pci_bus *bus, uint64_t flags, uint64_t at, uint64_t size,
                     uint64_t *physical);
/* A function's pin changes by CHANGE (+1 or -1). */
void pci_bus_intx (const struct pci_bus *bus, uint32_t devfn, int change);

#endif
