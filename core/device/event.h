/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of devices on their way to whoever listens: the monitor. */
#ifndef CORE_DEVICE_EVENT_H
#define CORE_DEVICE_EVENT_H

#include <godwit/event.h>
#include <json-c/json.h>

/* [main] DATA is a new reference or NULL; consumed. */
typedef void (*gwt_event_listener) (const char *name, struct json_object *data);

void gwt_event_register_extensions (void); /* "gwt.event/1" */
/* [main] Who is told; NULL: nobody.  Events from before are lost. */
void gwt_event_set_listener (gwt_event_listener listener);
/* [main] Forget what waits, for the end of the process. */
void gwt_event_clear (void);

#endif
