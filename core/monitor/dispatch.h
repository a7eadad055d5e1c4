/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of commands: look-up, check of arguments, and the shape of answers. */
#ifndef CORE_MONITOR_DISPATCH_H
#define CORE_MONITOR_DISPATCH_H

#include <json-c/json.h>
#include "core/monitor/qmp.h"

/* Run one parsed request.  NEGOTIATED says whether the client has left negotiation mode;
   qmp_capabilities sets it. The answer is a new reference: {"return": ...} or {"error": ...}, with
   the request's id. */
struct json_object *gwt_qmp_dispatch (struct json_object *request, bool *negotiated);
/* {"error": {"class": ..., "desc": ...}} with ID (may be NULL); clears ERR. */
struct json_object *gwt_qmp_error_object (struct gwt_error *err, struct json_object *id);
/* Names of all commands, sorted, as [{"name": ...}]; new reference. */
struct json_object *gwt_qmp_command_list (void);

#endif
