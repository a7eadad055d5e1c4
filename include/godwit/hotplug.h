/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interface "gwt.hotplug/1": devices that come and go while the machine runs.
 *
 * A type whose instances sit on a bus with places to plug into offers it, usually an abstract
 * parent for all of them.  device_add makes the device as at start and asks check () before it
 * realizes it; device_del asks unplug_request (), and the device goes when the bus has told the
 * host so with unplug () of "gwt.device/1".  A type without this interface can only be there from
 * the start.
 *
 * When the host destroys a device it calls unrealize first: from its return on no thread of the
 * device runs and no back end is used.  Then the host takes away regions, lines and timers, waiting
 * for those who are still reading them.
 */
#ifndef GODWIT_HOTPLUG_H
#define GODWIT_HOTPLUG_H

#include <godwit/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GWT_HOTPLUG_INTERFACE "gwt.hotplug/1"

struct gwt_hotplug
{
  uint64_t struct_size;
  /* [main] vCPUs stand still, properties are set, nothing is realized: may the device be plugged
     in where its properties say?  0, or -1 with ERR set. */
  int (*check) (void *self, struct gwt_error *err);
  /* [main] vCPUs stand still, the device is realized and has been reset: tell the guest. */
  void (*plugged) (void *self);
  /* [main] vCPUs stand still: the user wants it to go.  0: unplug () of "gwt.device/1" was called
     for it and for all that has to go with it, or will be when the guest has agreed.  -1 with ERR
     set: it stays. */
  int (*unplug_request) (void *self, struct gwt_error *err);
};

#ifdef __cplusplus
}
#endif

#endif
