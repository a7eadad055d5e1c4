/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to an emulator's monitor: a command at a time, its answer, nothing of events.
 * The other end is not trusted: what it says is bounded, judged as JSON, and of the type that is
 * asked for, or an error.
 */
#ifndef TOOLS_CTL_CLIENT_H
#define TOOLS_CTL_CLIENT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/util/error.h"

struct gwt_client;

/* ADDRESS: a socket's file, or "unix:PATH", "tcp:HOST:PORT".  Connects and takes the greeting;
   NULL with ERR set. */
struct gwt_client *gwt_client_new (const char *address, struct gwt_error *err);
void gwt_client_free (struct gwt_client *c);
/* Its socket is of this host, and so its files are those we see. */
bool gwt_client_is_local (const struct gwt_client *c);
/* Ask COMMAND with ARGUMENTS (taken; may be NULL) and wait for the answer; a new reference to what
   it returned, NULL with ERR set where that is an error or the connection is gone. */
struct json_object *gwt_client_ask (struct gwt_client *c, const char *command,
                                    struct json_object *arguments, struct gwt_error *err);
/* A command that answers nothing. */
bool gwt_client_tell (struct gwt_client *c, const char *command, struct json_object *arguments,
                      struct gwt_error *err);
/* An object with one text in it. */
struct json_object *gwt_client_argument (const char *name, const char *value);
/* Let MS milliseconds pass, fewer after a signal; false with ERR set where the connection goes. */
bool gwt_client_wait (struct gwt_client *c, int ms, struct gwt_error *err);

/* From now on SIGINT and SIGTERM are counted and end waits. */
void gwt_client_catch_signals (void);
unsigned gwt_client_signals (void);

/* godwit-ctl set (set.c): ARGS are NAME=VALUE, ended by NULL; the exit status. */
int gwt_ctl_set (struct gwt_client *c, char **args);

/* Members of an answer, whatever it is: 0, false or NULL where there is none of that type. */
int64_t gwt_answer_int (struct json_object *o, const char *name);
double gwt_answer_number (struct json_object *o, const char *name);
const char *gwt_answer_text (struct json_object *o, const char *name);
struct json_object *gwt_answer_member (struct json_object *o, const char *name,
                                       enum json_type type);

#endif
