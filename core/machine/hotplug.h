/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices that are made and destroyed while the machine runs.  All [main]. */
#ifndef CORE_MACHINE_HOTPLUG_H
#define CORE_MACHINE_HOTPLUG_H

#include "core/machine/machine.h"

/* Told when a device is gone, EVENT DEVICE_DELETED, or when the guest does not let go of it,
   DEVICE_UNPLUG_GUEST_ERROR. */
typedef void (*gwt_hotplug_listener) (const char *event, const char *id, const char *path);

/* From now on devices come and go in MACHINE, of which there is one. */
void gwt_hotplug_begin (struct gwt_machine *machine);
void gwt_hotplug_end (const struct gwt_machine *machine);
void gwt_hotplug_set_listener (gwt_hotplug_listener listener);

/* Make a device as -device does and tell the guest.  On failure the machine is as it was. */
bool gwt_hotplug_add (const struct gwt_spec *spec, struct gwt_error *err);
/* The machine was built anew, perhaps as another one: what was added to FROM by the above, and did
   not go again, is added to it. */
bool gwt_hotplug_again (const struct gwt_machine *from, struct gwt_error *err);
/* Ask for the device of that id or path to be unplugged.  Where nobody has to be asked it is gone
   on return; else it goes when the guest has let go of it. */
bool gwt_hotplug_remove (const char *name, struct gwt_error *err);
/* Destroy what is to go; called with vCPUs standing still. */
void gwt_hotplug_finish_paused (void);

#endif
