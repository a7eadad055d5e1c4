/* SPDX-License-Identifier: BSD-2-Clause */
/* The QMP server: greeting, capabilities, commands, events; several clients on unix or tcp sockets.
 */
#ifndef CORE_MONITOR_QMP_H
#define CORE_MONITOR_QMP_H

#include <json-c/json.h>
#include <stdbool.h>
#include "core/util/error.h"

/* -qmp unix:PATH,server=on[,wait=off] | tcp:HOST:PORT,server=on[,wait=off] | stdio. */
bool gwt_qmp_listen (const char *spec, struct gwt_error *err);
/* Would gwt_qmp_listen understand SPEC?  Touches nothing. */
bool gwt_qmp_check (const char *spec, struct gwt_error *err);
/* Register the commands of this release and forward run-state changes as events. */
void gwt_qmp_init (void);
void gwt_qmp_net_init (void); /* net.c; part of it */
void gwt_qmp_init_fds (void); /* fds.c; part of it */
/* What query-name answers, and who says it for query-uuid (caller frees); either may be NULL, and
   so may be what UUID returns. */
void gwt_qmp_set_identity (const char *name, char *(*uuid) (void));
/* The text console behind Ctrl-A c: "help" lists what it understands. */
void gwt_console_init (void);
/* Send an event to every client in command mode; DATA is a new reference or NULL; consumed. */
void gwt_qmp_event (const char *name, struct json_object *data);
/* A handler returns a new reference, or NULL with ERR set (its code chooses the QMP error class).
 */
typedef struct json_object *(*gwt_qmp_handler) (struct json_object *args, struct gwt_error *err);
/* As the last name: members of any name, which the handler judges; to be marked optional. */
#define GWT_QMP_MORE "..."
struct gwt_qmp_arg
{
  const char *name;
  const char *type; /* "str" "int" "bool" "object" "any" */
  bool optional;
};
struct gwt_qmp_command
{
  const char *name;
  gwt_qmp_handler fn;
  const struct gwt_qmp_arg *args; /* ended by a NULL name; unknown members are refused */
};
void gwt_qmp_add_commands (const struct gwt_qmp_command *commands, size_t count);
/* Run one command object as a client would; for the human console and tests. */
struct json_object *gwt_qmp_execute (struct json_object *request);
/* In a handler: the next of the descriptors that came with the request (SCM_RIGHTS), which is the
   caller's from then on; -1 where there is none. */
int gwt_qmp_take_fd (void);
void gwt_qmp_close_all (void);

#endif
