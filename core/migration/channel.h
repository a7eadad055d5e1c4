/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel: one connection that a migration goes over, whatever is under it, and the addresses
 * that lead to one.  Reads and writes block the thread that makes them, and no other;
 * gwt_channel_shutdown from any thread makes them fail at once.  What is said on a channel is the
 * stream's affair.
 *
 * All errors begin with the address ("tcp:10.0.0.2:4444: connection refused; ...").
 */
#ifndef CORE_MIGRATION_CHANNEL_H
#define CORE_MIGRATION_CHANNEL_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include "core/util/error.h"

/* ---- addresses --------------------------------------------------------------------------------
 */

enum gwt_direction
{
  GWT_OUTGOING, /* connect, write */
  GWT_INCOMING  /* listen, read */
};

struct gwt_address;
struct gwt_channel;
struct gwt_listener;

/* [main] URI: "tcp:HOST:PORT[,to=N][,ipv4=on|off][,ipv6=on|off][,keep-alive=on|off]", "unix:PATH",
   "exec:COMMAND", "fd:NAME|NUMBER", "file:PATH[,offset=N]".  Nothing is opened; a descriptor that
   is named must be there, and stays where it is until it is used.  NULL with ERR set. */
struct gwt_address *gwt_address_parse (const char *uri, enum gwt_direction direction,
                                       struct gwt_error *err);
/* [main] The same from QMP's "channels": a list with one element, the main channel. */
struct gwt_address *gwt_address_parse_channels (struct json_object *channels,
                                                enum gwt_direction direction,
                                                struct gwt_error *err);
struct gwt_address *gwt_address_ref (const struct gwt_address *a);
void gwt_address_free (struct gwt_address *a); /* a reference; NULL is fine */
/* As a URI, for messages; lives as long as A. */
const char *gwt_address_label (const struct gwt_address *a);
bool gwt_address_is_file (const struct gwt_address *a); /* a file that can be positioned */
/* Can answers come back?  tcp, unix, exec, and descriptors of sockets. */
bool gwt_address_two_way (const struct gwt_address *a);

/* A command may take what it is given and say nothing, as 'cat > file' does. */
bool gwt_address_is_command (const struct gwt_address *a);

/* ---- opening ----------------------------------------------------------------------------------
 */

/* [migration] Connect to A; may block until CANCEL_FD (an eventfd, or -1) is readable.  TWO_WAY:
   answers are wanted (the output of exec's command is read instead of shown).  A file is opened,
   and changed by the first write only. */
struct gwt_channel *gwt_channel_connect (struct gwt_address *a, bool two_way, int cancel_fd,
                                         struct gwt_error *err);
/* [main] Bind; open the file; start the command: what is wrong with A is found here. */
struct gwt_listener *gwt_listener_new (struct gwt_address *a, struct gwt_error *err);
/* [main] The addresses as QMP's SocketAddress, with the port that the system chose; new
   reference, NULL where there are no sockets. */
struct json_object *gwt_listener_addresses (const struct gwt_listener *l);
/* [migration] The next peer; a file or command: once. */
struct gwt_channel *gwt_listener_accept (struct gwt_listener *l, int cancel_fd,
                                         struct gwt_error *err);
/* Can another peer come? */
bool gwt_listener_again (const struct gwt_listener *l);
void gwt_listener_free (struct gwt_listener *l); /* [main] a socket's file goes, too */

/* ---- reading and writing ----------------------------------------------------------------------
 */

/* All of it; one thread at a time.  Answers to a command that does not read them are dropped. */
bool gwt_channel_writev (struct gwt_channel *c, const struct iovec *iov, int count,
                         struct gwt_error *err);
/* At least one byte, 0 at the end, -1 with ERR set; one thread at a time.  CHANNEL is a struct
   gwt_channel: this is a gwt_vm_source. */
gssize gwt_channel_read (void *channel, uint8_t *buffer, gsize size, struct gwt_error *err);
/* Several buffers with one call; otherwise as gwt_channel_read. */
gssize gwt_channel_readv (struct gwt_channel *c, const struct iovec *iov, int count,
                          struct gwt_error *err);
/* Wait until a read would not block, MS at most (-1: for ever): 1, 0 when the time is over, -1 with
   ERR set. */
int gwt_channel_wait (struct gwt_channel *c, int ms, struct gwt_error *err);
/* [migration] The reads and writes that follow, of this thread alone, may take MS altogether; then
   one that has to wait fails, and its error ends with ADVICE.  0: they wait for ever, as at the
   beginning. */
void gwt_channel_set_patience (struct gwt_channel *c, uint64_t ms, const char *advice);
bool gwt_channel_two_way (const struct gwt_channel *c);
/* The other end of a socket has closed it.  Of others nothing is known: the end of a command's
   output is no sign that nobody waits for an answer. */
bool gwt_channel_peer_gone (const struct gwt_channel *c);
const char *gwt_channel_label (const struct gwt_channel *c);
/* [any] Everything on it fails from now on; whoever waits returns.  But what had come over a socket
   that we write to is still read. */
void gwt_channel_shutdown (struct gwt_channel *c);
/* [any] Writes fail from now on, whoever waits in one returns; the other end of a socket reads an
   end.  Answers can still be read. */
void gwt_channel_stop_writing (struct gwt_channel *c);
bool gwt_channel_is_shut_down (const struct gwt_channel *c); /* [any] */
/* No more is written; the other end reads an end.  Answers can still be read. */
void gwt_channel_end_writing (struct gwt_channel *c);
/* Ends it and frees C, which no other thread may be using.  False with ERR set where what was
   written is not safe: a file that could not be synced, a command that failed.  After a shutdown
   nothing is waited for: a command is killed.  Waits end when CANCEL_FD (or -1) is readable. */
bool gwt_channel_close (struct gwt_channel *c, int cancel_fd, struct gwt_error *err);
/* That is read (incoming) or written (outgoing). */
int gwt_channel_fd (const struct gwt_channel *c);
uint64_t gwt_channel_sent (const struct gwt_channel *c);     /* [any] bytes */
uint64_t gwt_channel_received (const struct gwt_channel *c); /* [any] bytes */

#endif
