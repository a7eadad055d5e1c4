/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host extension "gwt.event/1": what monitor clients are told when something happens to a device.
 */
#ifndef GODWIT_EVENT_H
#define GODWIT_EVENT_H

#include <godwit/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GWT_EVENT_EXT "gwt.event/1"

enum gwt_event_flag
{
  /* Only the last event of this name and device counts: one comes at once, and of those that follow
     within a second the last one, when the second is over.  For what a guest can cause at will. */
  GWT_EVENT_LATEST = 1 << 0
};

struct gwt_event_api
{
  uint64_t struct_size;
  /* [any] Tell all clients of event NAME ("VSERPORT_CHANGE"), whose data is the JSON object in the
     text DATA, or NULL for none; both are copied.  FLAGS is enum gwt_event_flag.  Returns at once,
     events are sent in order by the main loop. */
  void (*emit) (struct gwt_device *device, const char *name, const char *data, uint64_t flags);
};

#ifdef __cplusplus
}
#endif

#endif
