/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Character back ends: stdio, file:PATH, unix:PATH[,server=on][,wait=off], tcp:HOST:PORT[,...],
 * pty, pipe:PATH, null, ringbuf; and the terminal's Ctrl-A keys (mux).  Devices see them as
 * "gwt.chardev/1".  All [main] unless said.
 */
#ifndef CORE_BACKEND_CHARDEV_H
#define CORE_BACKEND_CHARDEV_H

#include <glib.h>
#include <stdbool.h>
#include <godwit/chardev.h>
#include "core/util/error.h"

/* "gwt.chardev/1", and how properties find back ends by id. */
void gwt_chardev_register_extensions (void);
/* SPEC as after -serial: "stdio", "mon:stdio" (with Ctrl-A keys), "file:out.txt",
   "unix:/tmp/s,server=on,wait=off", "tcp:127.0.0.1:0,server=on", "pty", "null".  Taken id or bad
   spec: error.  Nothing is opened, created or overwritten before gwt_chardev_open_all; until then a
   back end drops what is written. */
struct gwt_chardev *gwt_chardev_new (const char *id, const char *spec, struct gwt_error *err);
/* -chardev BACKEND,id=ID,... in QEMU's spelling (socket, file, pipe, pty, stdio, ringbuf, null). */
struct gwt_chardev *gwt_chardev_new_option (const char *option, struct gwt_error *err);
/* Open all that are not open yet, in order of creation, when the rest of the command line was
   found good.  A server with wait=on waits here for its first client; a signal that ends the
   process ends that with an error. */
bool gwt_chardev_open_all (struct gwt_error *err);
struct gwt_chardev *gwt_chardev_find (const char *id);
const char *gwt_chardev_id (struct gwt_chardev *chardev);
bool gwt_chardev_in_use (struct gwt_chardev *chardev);
/* Does whatever in the guest uses CHARDEV listen? */
bool gwt_chardev_frontend_open (struct gwt_chardev *chardev);
void gwt_chardev_send_break (struct gwt_chardev *chardev);
/* Close and free CHARDEV; an error where something uses it. */
bool gwt_chardev_remove (struct gwt_chardev *chardev, struct gwt_error *err);
/* Of a ringbuf, else NULL: up to MOST of the oldest bytes, which are then forgotten. */
GByteArray *gwt_chardev_ring_read (struct gwt_chardev *chardev, uint64_t most);
/* Bytes as if the guest had written them; false where CHARDEV is no ringbuf. */
bool gwt_chardev_ring_write (struct gwt_chardev *chardev, const uint8_t *data, size_t size);
/* All ids in order of creation, NULL-terminated; g_free the array. */
const char **gwt_chardev_ids (void);
/* "pty:/dev/pts/3", "tcp:127.0.0.1:40001", for people and tests; valid until the next call for
   CHARDEV. */
const char *gwt_chardev_label (struct gwt_chardev *chardev);
/* What Ctrl-A c switches to: receives typed bytes, answers through gwt_chardev_console_write.
   One per process. A newline is sent when the console is entered, so that it can show its prompt.
   */
void gwt_chardev_set_console (void (*input) (const char *data, size_t size, void *opaque),
                              void *opaque);
void gwt_chardev_console_write (const char *data, size_t size);
/* Give CHARDEV to the console alone (-monitor stdio); an error where something uses it. */
bool gwt_chardev_attach_console (struct gwt_chardev *chardev, struct gwt_error *err);
/* Restore the terminal, close, remove sockets that we made; called at every end of the process. */
void gwt_chardev_close_all (void);

#endif
