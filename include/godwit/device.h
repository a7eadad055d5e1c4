/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device types and devices: what a plugin declares, and the host's extension "gwt.device/1" with
 * which a device finds others.
 *
 * Life of a device, all on [main]: the host allocates instance_size zeroed bytes; init; properties
 * are written into the PROP rows' members in the order of docs/machine-types.md; realize; reset;
 * ...; unrealize; the memory is freed.  unrealize is called exactly for those whose realize
 * returned 0.
 */
#ifndef GODWIT_DEVICE_H
#define GODWIT_DEVICE_H

#include <godwit/abi.h>
#include <godwit/field.h>
#include <godwit/method.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gwt_device; /* the host's side of a device; lives as long as the device */
struct gwt_fdt;    /* see fdt.h */
struct gwt_vmstate; /* see vmstate.h */

/* How a device's callbacks (MMIO, interrupt inputs, timers, character input) are serialized. */
enum gwt_threads
{
  GWT_THREADS_MACHINE = 1000,  /* default: under the machine lock */
  GWT_THREADS_DEVICE = 2000,   /* under a lock of this device alone */
  GWT_THREADS_PARALLEL = 3000  /* not at all: the device has its own locks or atomics */
};

enum gwt_reset_kind
{
  GWT_RESET_COLD = 1000, /* power on */
  GWT_RESET_WARM = 2000  /* the guest or a client asked for it; RAM keeps its content */
};

enum gwt_type_flag
{
  GWT_TYPE_ABSTRACT = 1 << 0, /* a parent only: no device is made of it alone */
  GWT_TYPE_USER = 1 << 1      /* -device and device_add may make it; else only a board can */
};

/* A function table that a device type's instances answer to, "gwt.cpu/1"; called with the
   instance. */
struct gwt_interface
{
  const char *id;
  const void *table;
};

struct gwt_device_type
{
  uint64_t struct_size;
  const char *name;   /* [a-z][a-z0-9-]*, unique among all plugins */
  /* Name of an abstract type, of this plugin or another, or NULL.  Overrides on the parent reach
     this type too. Where the parent has an instance of its own, a device of this type has it as a
     part beside its own: its properties, methods and interfaces are the device's, its callbacks run
     as told at each. */
  const char *parent;
  const char *doc;    /* one line for -device help */
  uint64_t flags;     /* enum gwt_type_flag */
  uint32_t threads;   /* enum gwt_threads; 0 means GWT_THREADS_MACHINE */
  uint32_t reserved_1;
  uint64_t instance_size; /* bytes; covered by the rows to the last byte; 0: an abstract type
                             without a part */

  const struct gwt_field *fields;
  uint64_t field_size; /* sizeof (struct gwt_field) where the plugin was built */
  uint64_t n_fields;

  const struct gwt_interface *interfaces;
  uint64_t interface_size;
  uint64_t n_interfaces;

  const struct gwt_method *methods; /* typed methods, reached by device-call; see method.h */
  uint64_t method_size;
  uint64_t n_methods;

  /* NULL for a device that can be migrated; else the reason it cannot, for the user's eyes. */
  const char *unmigratable;

  /* Node name in the guest's device tree ("serial"; the unit address is added), NULL: no node. */
  const char *fdt_name;

  /* [main] Optional.  Before properties are set; may set up what property setting needs. */
  int (*init) (void *self, struct gwt_device *device, struct gwt_error *err); /* parents first */
  /* [main] Check properties, make regions, interrupt lines and timers.  0, or -1 with ERR set and
     everything undone that realize itself began.  Parents first. */
  int (*realize) (void *self, struct gwt_device *device, struct gwt_error *err);
  /* [main] Undo realize.  Regions, lines and timers made through DEVICE are removed by the host.
   * Parents last. */
  void (*unrealize) (void *self);
  /* [main] vCPUs stand still.  KIND is enum gwt_reset_kind.  Parents first. */
  void (*reset) (void *self, uint32_t kind);
  /* [main] Optional.  Add properties and children to the node that the host opened for this device;
     reg and interrupts are there already.  0, or -1 with ERR set. */
  int (*describe) (void *self, struct gwt_fdt *fdt, struct gwt_error *err);
  /* [main] Optional.  The whole device is realized: a parent puts it on its bus now.  Parents
     first; on failure everything realized is undone. */
  int (*complete) (void *self, struct gwt_device *device, struct gwt_error *err);

  /* Sections in which the instance's registers and state are saved, ended by NULL; see vmstate.h.
     Each schema describes the whole instance struct.  Every byte of a REG or STATE row is in one of
     them, and nothing else is but properties whose equality is checked.  NULL: nothing is saved; a
     type with REG or STATE rows then cannot be migrated. */
  const struct gwt_vmstate *const *states;
  /* [main] Optional.  Where the device sits, "0000:00:01.0", before its sections' names; without it
     that of the parent, and without any none.  Lives as long as the device. */
  const char *(*section_path) (void *self);
  /* [main] Optional.  The instance number of its sections where they have no path; else devices
     count from 0 in order of creation. */
  uint32_t (*section_instance) (void *self);
};

#define GWT_DEVICE_EXT "gwt.device/1"

/* Host extension "gwt.device/1". */
struct gwt_device_api
{
  uint64_t struct_size;
  /* [any] Id given by the user or the board ("uart0"), type name, and path in the tree
     ("/machine/uart0"); strings live as long as the device. */
  const char *(*id) (struct gwt_device *device);
  const char *(*type) (struct gwt_device *device);
  const char *(*path) (struct gwt_device *device);
  /* [any] The instance of the device's own type; never NULL. */
  void *(*instance) (struct gwt_device *device);
  /* [main] A device by id, NULL where there is none. */
  struct gwt_device *(*find) (const char *id);
  /* [any] Table of interface ID that this device's type or a parent offers, or NULL; its functions
     are called with interface_instance (). */
  const void *(*interface_of) (struct gwt_device *device, const char *id);
  /* [main] The Nth device (from 0, in order of creation) that offers interface ID, or NULL. */
  struct gwt_device *(*nth_with_interface) (const char *id, uint32_t n);
  /* [main] Number of vCPUs of the machine that is being built, known before any device is. */
  uint32_t (*cpu_count) (void);
  /* [any] The part of DEVICE that is of the abstract type TYPE (or its own instance, for its own
     type); NULL where it has none. */
  void *(*part) (struct gwt_device *device, const char *type);
  /* [any] The part that offers interface ID, or NULL. */
  void *(*interface_instance) (struct gwt_device *device, const char *id);

  /* Coming and going while the machine runs; see hotplug.h.
     [any] 1: DEVICE was made by device_add, and was not there when the machine started. */
  uint32_t (*is_hotplugged) (struct gwt_device *device);
  /* [main, vcpu with the machine lock held] DEVICE goes: the host destroys it as soon as the
     callback that this is called from is over, with vCPUs standing still; several in the order in
     which they were named, what is below a bridge before the bridge.  Until then its callbacks may
     still be called.  A second call does nothing. */
  void (*unplug) (struct gwt_device *device);
  /* [main, vcpu with the machine lock held] The guest does not let go of DEVICE, which the user
     wanted to unplug. */
  void (*unplug_refused) (struct gwt_device *device);
};

#ifdef __cplusplus
}
#endif

#endif
