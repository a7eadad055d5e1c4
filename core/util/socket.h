/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stream sockets by address text: "unix:PATH[,server=on|off][,wait=on|off]" and
 * "tcp:HOST:PORT[,server=...][,wait=...]" (HOST may be empty or in brackets, PORT 0 lets the system
 * choose).  Parsing touches nothing; listening and connecting are steps of their own, so that a
 * command line can be judged before anything is created.
 */
#ifndef CORE_UTIL_SOCKET_H
#define CORE_UTIL_SOCKET_H

#include <stdbool.h>
#include "core/util/error.h"

struct gwt_socket_spec
{
  char *path; /* unix; NULL for tcp */
  char *host; /* tcp; "" means every address of this host for a server, localhost for a client */
  char *port;
  bool server;
  bool wait;    /* a server: the guest does not start before the first client came */
  bool created; /* the socket file is ours to remove */
};

/* NULL with ERR set for anything that is not of that form. */
struct gwt_socket_spec *gwt_socket_spec_parse (const char *text, struct gwt_error *err);
void gwt_socket_spec_free (struct gwt_socket_spec *spec);
struct gwt_socket_spec *gwt_socket_spec_copy (const struct gwt_socket_spec *spec);
/* A listening socket, non-blocking and close-on-exec; -1 with ERR set.  A socket file that nobody
   listens on any more is replaced; a file of another kind, or one in use, is an error. */
int gwt_socket_listen (struct gwt_socket_spec *spec, struct gwt_error *err);
/* A connected socket, non-blocking and close-on-exec; -1 with ERR set. */
int gwt_socket_connect (const struct gwt_socket_spec *spec, struct gwt_error *err);
/* Next client of a listening socket, non-blocking and close-on-exec; -1 where none waits. */
int gwt_socket_accept (int fd);
/* Block until a client waits on FD, or, false, GIVE_UP says so. */
bool gwt_socket_wait_client (int fd, bool (*give_up) (void));
/* Where a listening socket really is, "tcp:127.0.0.1:40001"; caller frees. */
char *gwt_socket_address (const struct gwt_socket_spec *spec, int fd);
/* Remove the socket file if gwt_socket_listen made it. */
void gwt_socket_remove (struct gwt_socket_spec *spec);

#endif
