/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host extension "gwt.fdt/1": what a device writes into the guest's flattened device tree from its
 * describe callback.  All [main].  Errors are kept by the host and reported when the blob is
 * finished, so no call needs a check.  Values are host-endian; the host writes them big-endian.
 *
 * The node is called fdt_name@address of the device's first region.  What the host knows from the
 * board is in it already: `reg` (all mapped regions), `interrupts` and `interrupt-parent` (single
 * wires; what is wired once per CPU is left to the device: see target, for interrupts-extended); in
 * a CPU's node `device_type`, `reg`, `status` and a phandle of its own.  A property that is written
 * again is replaced.
 */
#ifndef GODWIT_FDT_H
#define GODWIT_FDT_H

#include <godwit/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GWT_FDT_EXT "gwt.fdt/1"

/* Interface of an interrupt controller whose lines are not written as the line's number in one
   cell, which is what the host does without it. */
#define GWT_FDT_INTERRUPTS_INTERFACE "gwt.fdt-interrupts/1"
#define GWT_FDT_SPECIFIER_MAX 4

struct gwt_fdt_interrupts_ops
{
  uint64_t struct_size;
  /* [main] The specifier of input LINE: cells to CELLS, their number (1 to GWT_FDT_SPECIFIER_MAX)
     is returned.  *CONTROLLER is this device, and may be replaced by the one whose node is the
     interrupt parent: of nested domains the one that the guest's driver works with. */
  uint32_t (*specifier) (void *self, uint32_t line, uint32_t *cells,
                         struct gwt_device **controller);
};

struct gwt_fdt_api
{
  uint64_t struct_size;
  /* Open a child of the node that is open now ("interrupt-controller"), and close it. */
  void (*begin) (struct gwt_fdt *fdt, const char *name);
  void (*end) (struct gwt_fdt *fdt);
  void (*empty) (struct gwt_fdt *fdt, const char *property);
  void (*u32) (struct gwt_fdt *fdt, const char *property, uint32_t value);
  void (*u64) (struct gwt_fdt *fdt, const char *property, uint64_t value);
  void (*cells) (struct gwt_fdt *fdt, const char *property, const uint32_t *cells, uint32_t count);
  void (*string) (struct gwt_fdt *fdt, const char *property, const char *value);
  /* A list: COUNT strings one behind the other. */
  void (*strings) (struct gwt_fdt *fdt, const char *property, const char *const *values,
                   uint32_t count);
  void (*bytes) (struct gwt_fdt *fdt, const char *property, const void *data, uint32_t size);
  /* Number by which other nodes refer to DEVICE (for an interrupt controller: to the node that
     takes interrupts); stable over the whole tree.  The device itself writes it with phandle (). */
  uint32_t (*phandle_of) (struct gwt_fdt *fdt, struct gwt_device *device);
  /* Write DEVICE's phandle property into the node that is open now. */
  void (*phandle) (struct gwt_fdt *fdt, struct gwt_device *device);
  /* A further number for a node that is no device of its own (a syscon, say). */
  uint32_t (*new_phandle) (struct gwt_fdt *fdt);
  /* Open a node directly under the root instead ("poweroff"); closed with end (). */
  void (*begin_at_root) (struct gwt_fdt *fdt, const char *name);
  /* Where the board wires output (NAME, INDEX) of DEVICE: the receiving device, its input's number
   *in LINE.  NULL where it goes nowhere. */
  struct gwt_device *(*target) (struct gwt_fdt *fdt, struct gwt_device *device, const char *name,
                                uint32_t index, uint32_t *line);
  /* Take PROPERTY out of the node that is open now: what the host wrote and this node's binding
     does not know.  Nothing happens where it is not there. */
  void (*remove) (struct gwt_fdt *fdt, const char *property);
  /* As target, but ready to be written: the device whose node is the interrupt parent, and the
     specifier, *COUNT (1 to GWT_FDT_SPECIFIER_MAX) cells at CELLS.  NULL where the output goes
     nowhere. */
  struct gwt_device *(*interrupt) (struct gwt_fdt *fdt, struct gwt_device *device, const char *name,
                                   uint32_t index, uint32_t *cells, uint32_t *count);
};

#ifdef __cplusplus
}
#endif

#endif
