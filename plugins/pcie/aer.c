/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advanced Error Reporting (PCI Express Base Specification 5.0, 6.2 and 7.8.4): what a function
 * records, the message that it sends, what the ports above make of it.  Must not know which errors
 * a device has.
 */
#include "pcie.h"

#include <string.h>

/* Of the uncorrectable errors all but link training and the reserved ones. */
#define UNCOR_KNOWN 0x03fff030u
#define UNCOR_MASK_RESET 0x02400000u     /* internal errors, blocked TLP prefixes */
#define UNCOR_SEVERITY_RESET 0x00462030u /* fatal by 7.8.4.4 */
#define UNCOR_UNSUPPORTED 0x00100000u
#define COR_KNOWN 0x0000f1c1u
#define COR_MASK_RESET 0x0000e000u /* advisory non-fatal, internal, header log overflow */
#define CONTROL_FIRST 0x1fu
#define CONTROL_CAPABLE 0x000002a0u /* ECRC generation and check, several headers ... */
#define CONTROL_ENABLES 0x00000540u /* ... and that they are on */
#define CONTROL_SEVERAL 0x00000400u
#define COR_LOG_OVERFLOW 0x00008000u

#define DEVICE_STATUS_COR 0x0001
#define DEVICE_STATUS_NONFATAL 0x0002
#define DEVICE_STATUS_FATAL 0x0004
#define DEVICE_STATUS_UNSUPPORTED 0x0008

#define SECONDARY_RECEIVED_SERR 0x4000

#define ROOT_ENABLE_COR 1u
#define ROOT_ENABLE_NONFATAL 2u
#define ROOT_ENABLE_FATAL 4u
#define ROOT_COR 0x01u
#define ROOT_COR_MULTIPLE 0x02u
#define ROOT_UNCOR 0x04u
#define ROOT_UNCOR_MULTIPLE 0x08u
#define ROOT_FIRST_FATAL 0x10u
#define ROOT_NONFATAL 0x20u
#define ROOT_FATAL 0x40u
#define ROOT_W1C 0x7fu

enum severity
{
  COR = PCIE_CONTROL_COR, /* the bit that enables each in device control */
  NONFATAL = PCIE_CONTROL_NONFATAL,
  FATAL = PCIE_CONTROL_FATAL
};

static void
set_bits (struct gwt_pci *pci, uint32_t offset, unsigned size, uint32_t bits)
{
  pci_put (pci->config + offset, size, pci_reg (pci, offset, size) | bits);
}

/* ---- root port ------------------------------------------------------------------------------ */

static bool
root_interrupts (const struct gwt_pci *port)
{
  uint32_t command = pci_reg (port, port->aer + AER_ROOT_COMMAND, 4);
  uint32_t status = pci_reg (port, port->aer + AER_ROOT_STATUS, 4);
  return ((command & ROOT_ENABLE_COR) && (status & ROOT_COR))
         || ((command & ROOT_ENABLE_NONFATAL) && (status & ROOT_NONFATAL))
         || ((command & ROOT_ENABLE_FATAL) && (status & ROOT_FATAL));
}

static void
show_header (struct gwt_pci *pci, uint32_t status, const uint32_t *header)
{
  uint32_t control = pci_reg (pci, pci->aer + AER_CONTROL, 4) & ~CONTROL_FIRST;
  pci_put (pci->config + pci->aer + AER_CONTROL, 4, control | (uint32_t) __builtin_ctz (status));
  for (uint32_t i = 0; i < 4; i++)
    pci_put (pci->config + pci->aer + AER_HEADER_LOG + 4 * i, 4, header != NULL ? header[i] : 0);
}

/* Is the error there that the first error pointer names? */
static bool
first_is_pending (const struct gwt_pci *pci)
{
  uint32_t control = pci_reg (pci, pci->aer + AER_CONTROL, 4);
  return (pci_reg (pci, pci->aer + AER_UNCOR_STATUS, 4) & 1u << (control & CONTROL_FIRST)) != 0;
}

/* Software has cleared the bit of the error that is shown: the next one's turn (6.2.4.2). */
static void
next_header (struct gwt_pci *pci)
{
  struct pci_aer_log *log = &pci->aer_log;
  struct pci_aer_error *first = log->log;
  if (!(pci_reg (pci, pci->aer + AER_CONTROL, 4) & CONTROL_SEVERAL))
    log->log_num = 0;
  if (log->log_num == 0 || log->log_num > AER_LOG_MAX || first_is_pending (pci))
    return;
  uint32_t known = first->status & UNCOR_KNOWN;
  if (known != 0)
    {
      set_bits (pci, pci->aer + AER_UNCOR_STATUS, 4, known);
      show_header (pci, known, first->header);
    }
  log->log_num--;
  memmove (first, first + 1, log->log_num * sizeof *first);
}

void
pci_aer_written (struct gwt_pci *pci)
{
  next_header (pci);
  if (pci->port_type != PCIE_ROOT_PORT || pci->bus == NULL)
    return;
  /* Enabling what has been recorded already begins the condition as well; that it held before this
     write is kept in `root_pending`. */
  bool before = pci->root_pending;
  pci->root_pending = root_interrupts (pci);
  pci_port_interrupt (pci, pci->root_pending && !before);
}

void
pci_aer_refresh (struct gwt_pci *pci)
{
  pci->root_pending = pci->port_type == PCIE_ROOT_PORT && root_interrupts (pci);
}

static void
root_receive (struct gwt_pci *port, enum severity severity, uint32_t requester)
{
  uint32_t status = port->aer + AER_ROOT_STATUS, source = port->aer + AER_ROOT_SOURCE;
  uint32_t old = pci_reg (port, status, 4);
  if (severity == COR)
    {
      set_bits (port, status, 4, old & ROOT_COR ? ROOT_COR_MULTIPLE : ROOT_COR);
      if (!(old & ROOT_COR))
        pci_put (port->config + source, 2, requester);
    }
  else
    {
      set_bits (port, status, 4, severity == FATAL ? ROOT_FATAL : ROOT_NONFATAL);
      if (old & ROOT_UNCOR)
        set_bits (port, status, 4, ROOT_UNCOR_MULTIPLE);
      else
        {
          set_bits (port, status, 4, ROOT_UNCOR | (severity == FATAL ? ROOT_FIRST_FATAL : 0));
          pci_put (port->config + source + 2, 2, requester);
        }
    }
  pci_aer_written (port);
}

/* A message of a function on BUS on its way up.  A port passes it on where its bridge control says
   so (7.5.1.3.10); what arrives at a root port is recorded there. */
static void
message_up (const struct pci_bus *bus, enum severity severity, uint32_t requester)
{
  for (; bus != NULL && bus->bridge != NULL; bus = bus->bridge->bus)
    {
      struct gwt_pci *port = bus->bridge;
      if (severity != COR)
        set_bits (port, PCI_SECONDARY_STATUS, 2, SECONDARY_RECEIVED_SERR);
      if (!(pci_reg (port, PCI_BRIDGE_CONTROL, 2) & PCI_BRIDGE_SERR))
        return;
      if (severity != COR && (pci_reg (port, PCI_COMMAND, 2) & PCI_COMMAND_SERR))
        set_bits (port, PCI_STATUS, 2, PCI_STATUS_SIGNALED_SERR);
      if (port->port_type == PCIE_ROOT_PORT && port->aer != 0)
        {
          root_receive (port, severity, requester);
          return;
        }
    }
}

/* ---- functions ------------------------------------------------------------------------------ */

static void
send (struct gwt_pci *pci, enum severity severity)
{
  bool serr = severity != COR && (pci_reg (pci, PCI_COMMAND, 2) & PCI_COMMAND_SERR);
  uint32_t control = pci->express != 0 ? pci_reg (pci, pci->express + PCIE_DEVICE_CONTROL, 2) : 0;
  if (!serr && !(control & severity))
    return;
  if (serr)
    set_bits (pci, PCI_STATUS, 2, PCI_STATUS_SIGNALED_SERR);
  uint32_t requester = pci_bus_number (pci->bus) << 8 | pci->devfn;
  if (pci->port_type == PCIE_ROOT_PORT)
    root_receive (pci, severity, requester); /* inside the root complex: no message (7.5.3.4) */
  else
    message_up (pci->bus, severity, requester);
}

/* The first error stays until software has cleared its bit (7.8.4.7); others wait where software
   wants to see several.  False where there is no room for one more. */
static bool
record_header (struct gwt_pci *pci, uint32_t status, const uint32_t *header)
{
  if (!first_is_pending (pci))
    {
      show_header (pci, status, header);
      return true;
    }
  if (!(pci_reg (pci, pci->aer + AER_CONTROL, 4) & CONTROL_SEVERAL))
    return true;
  if (pci->aer_log.log_num >= AER_LOG_MAX)
    return false;
  struct pci_aer_error *entry = &pci->aer_log.log[pci->aer_log.log_num++];
  *entry = (struct pci_aer_error){
    .status = status,
    .source_id = (uint16_t) (pci_bus_number (pci->bus) << 8 | pci->devfn),
    .flags = header != NULL ? AER_HEADER_VALID : 0,
  };
  if (header != NULL)
    memcpy (entry->header, header, sizeof entry->header);
  return true;
}

void
pci_aer_report (struct gwt_pci *pci, uint32_t status, uint32_t correctable, const uint32_t *header)
{
  uint32_t device_status = pci->express + PCIE_DEVICE_STATUS;
  status &= correctable ? COR_KNOWN : UNCOR_KNOWN;
  if (pci->aer == 0 || pci->express == 0 || pci->bus == NULL || status == 0
      || (status & (status - 1)) != 0)
    return;
  if (correctable)
    {
      set_bits (pci, device_status, 2, DEVICE_STATUS_COR);
      set_bits (pci, pci->aer + AER_COR_STATUS, 4, status);
      if (!(pci_reg (pci, pci->aer + AER_COR_MASK, 4) & status))
        send (pci, COR);
      return;
    }
  bool fatal = (pci_reg (pci, pci->aer + AER_UNCOR_SEVERITY, 4) & status) != 0;
  bool masked = (pci_reg (pci, pci->aer + AER_UNCOR_MASK, 4) & status) != 0;
  set_bits (pci, device_status, 2,
            (fatal ? DEVICE_STATUS_FATAL : DEVICE_STATUS_NONFATAL)
                | (status == UNCOR_UNSUPPORTED ? DEVICE_STATUS_UNSUPPORTED : 0));
  /* Before the status: a bit that is set already has its header. */
  bool room = masked || record_header (pci, status, header);
  set_bits (pci, pci->aer + AER_UNCOR_STATUS, 4, status);
  if (!masked)
    send (pci, fatal ? FATAL : NONFATAL);
  if (!room)
    pci_aer_report (pci, COR_LOG_OVERFLOW, 1, NULL);
}

int
pci_add_aer (struct gwt_pci *pci, struct gwt_error *err)
{
  uint32_t at = pci_add_extended (pci, PCI_EXT_AER, 2, AER_SIZE, err);
  bool mask = pci->err_unc_mask;
  if (at == 0)
    return -1;
  pci->aer = at;
  pci_config_preset (pci, at + AER_UNCOR_STATUS, 4, 0, 0, UNCOR_KNOWN);
  pci_config_preset (pci, at + AER_UNCOR_MASK, 4, mask ? UNCOR_MASK_RESET : 0,
                     mask ? UNCOR_KNOWN : 0, 0);
  pci_config_preset (pci, at + AER_UNCOR_SEVERITY, 4, UNCOR_SEVERITY_RESET, UNCOR_KNOWN, 0);
  pci_config_preset (pci, at + AER_COR_STATUS, 4, 0, 0, COR_KNOWN);
  pci_config_preset (pci, at + AER_COR_MASK, 4, COR_MASK_RESET, COR_KNOWN, 0);
  pci_config_preset (pci, at + AER_CONTROL, 4, CONTROL_CAPABLE, CONTROL_ENABLES, 0);
  /* What the hardware changes by itself is not compared. */
  pci->cmask[at + AER_CONTROL] &= (uint8_t) ~CONTROL_FIRST;
  memset (pci->cmask + at + AER_HEADER_LOG, 0, 16);
  if (pci->port_type == PCIE_ROOT_PORT)
    {
      pci_config_preset (pci, at + AER_ROOT_COMMAND, 4, 0,
                         ROOT_ENABLE_COR | ROOT_ENABLE_NONFATAL | ROOT_ENABLE_FATAL, 0);
      pci_config_preset (pci, at + AER_ROOT_STATUS, 4, 0, 0, ROOT_W1C);
      memset (pci->cmask + at + AER_ROOT_SOURCE, 0, 4);
    }
  return 0;
}

/* ---- methods of every function -------------------------------------------------------------- */

static void
aer_inject (void *self, uint32_t status, uint8_t correctable, uint32_t h0, uint32_t h1, uint32_t h2,
            uint32_t h3, struct gwt_error *err)
{
  struct gwt_pci *pci = self;
  const uint32_t header[4] = { h0, h1, h2, h3 };
  uint32_t known = correctable ? COR_KNOWN : UNCOR_KNOWN;
  if (pci->aer == 0)
    pci_gwt->error_set (err, GWT_E_UNSUPPORTED,
                        "the function has no Advanced Error Reporting; use one that has");
  else if (status == 0 || (status & (status - 1)) != 0 || (status & ~known) != 0)
    pci_gwt->error_set (err, GWT_E_INVALID,
                        "status 0x%08x is not one bit of the %scorrectable error status; use one "
                        "of those in 0x%08x",
                        status, correctable ? "" : "un", known);
  else
    pci_aer_report (pci, status, correctable, header);
}

static uint32_t
config_read (void *self, uint32_t offset, struct gwt_error *err)
{
  if (offset % 4 == 0 && offset < PCI_CONFIG_SIZE)
    return pci_config_read (self, offset, 4);
  pci_gwt->error_set (err, GWT_E_RANGE, "offset 0x%x is none; use a multiple of 4 below 0x%x",
                      offset, PCI_CONFIG_SIZE);
  return 0;
}

const struct gwt_method pci_methods[PCI_METHODS] = {
  { "void aer_inject(u32 status, bool correctable, u32 h0, u32 h1, u32 h2, u32 h3)",
    "report an error of this function: one bit of its AER status, and the TLP's header",
    (gwt_method_fn) aer_inject },
  { "u32 config_read(u32 offset)", "four bytes of configuration space as the guest reads them",
    (gwt_method_fn) config_read },
};
