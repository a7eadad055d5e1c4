/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine lock and the three thread models.  Order: a device lock may be held when the machine lock is
 * not; taking the machine lock while holding a device lock is allowed, the other way round as well only
 * through gwt_device_enter, which drops nothing: devices with own locks must not call back into themselves.
 */
#ifndef CORE_DEVICE_LOCK_H
#define CORE_DEVICE_LOCK_H

#include <stdbool.h>

struct gwt_device;

void gwt_machine_lock (void);        /* not recursive */
void gwt_machine_unlock (void);
bool gwt_machine_lock_held (void);   /* by this thread */

/* Enter a device's callbacks as its type declares (machine lock, own lock, nothing); re-entry by the thread
   that is inside already is allowed and takes nothing.  Returns a token for gwt_device_leave. */
int gwt_device_enter (struct gwt_device *device);
void gwt_device_leave (struct gwt_device *device, int token);

#endif
