/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of core/backend share: nothing outside includes it.
 *
 *   chardev.c        registry, the device's end, reading and writing
 *   chardev-spec.c   what users write, to struct gwt_chardev
 *   chardev-open.c   files, sockets, ptys: opening, peers that come and go
 *   mux.c            Ctrl-A keys and the console
 *   terminal.c       the user's terminal: raw mode and back
 */
#ifndef CORE_BACKEND_INTERNAL_H
#define CORE_BACKEND_INTERNAL_H

#include "core/backend/chardev.h"
#include "core/util/socket.h"

#define GWT_MUX_BUFFER 4096

enum gwt_chardev_kind
{
  GWT_CHARDEV_NULL,
  GWT_CHARDEV_STDIO,
  GWT_CHARDEV_FILE,
  GWT_CHARDEV_SOCKET,
  GWT_CHARDEV_PTY,
  GWT_CHARDEV_PIPE,
  GWT_CHARDEV_RINGBUF
};

struct gwt_mux
{
  bool escaped;    /* Ctrl-A was typed */
  bool in_console; /* typed bytes go to the console */
  bool timestamps;
  bool line_begins;
  int64_t started;     /* of the timestamps */
  GByteArray *pending; /* typed, and not yet taken by the device */
};

struct gwt_attempt;

struct gwt_chardev
{
  /* chardev-spec.c */
  char *id;
  enum gwt_chardev_kind kind;
  char *path;       /* file, pipe */
  char *input_path; /* file: where input comes from; NULL: none does */
  bool append;
  uint32_t reconnect_ms; /* a client connects again after so long; 0: it does not */
  bool signals; /* stdio: Ctrl-C and friends remain the terminal's */
  bool has_mux;
  struct gwt_socket_spec *socket;

  /* The user: a device, or the console.  [main] */
  struct gwt_device *device;
  struct gwt_chardev_client client; /* normalized */
  bool is_console;
  bool frontend_open; /* any thread */
  uint32_t due;       /* what it is to be told when the guest goes on */
  struct gwt_mux mux;

  /* Connection; under `lock`, which is a leaf: no callback runs while it is held. */
  GMutex lock;
  bool opened;    /* by gwt_chardev_open_all */
  bool connected; /* there is a peer, a file, a terminal */
  bool broken;    /* the peer turned out to be gone while writing */
  bool eof;       /* nothing more comes; writing goes on */
  bool owns_fds;
  int in_fd, out_fd, listen_fd;
  GSource *in_source, *hup_source, *out_source, *listen_source, *idle_source, *retry_source;
  char *label;
  char *pty_name;
  bool complained;             /* [main] of a peer that cannot be had */
  struct gwt_attempt *attempt; /* [main] a thread tries to connect */
  uint8_t *ring;               /* ringbuf: the last ring_size bytes; a power of two */
  uint64_t ring_size, ring_read, ring_write;
};

/* chardev.c */
struct gwt_chardev *gwt_chardev_add (struct gwt_chardev *chardev, struct gwt_error *err);
/* [main] A peer came or went. */
void gwt_chardev_connect (struct gwt_chardev *chardev, int in_fd, int out_fd, bool owns);
void gwt_chardev_disconnect (struct gwt_chardev *chardev);
/* [main] Give the device what the mux holds; read on when there is room. */
void gwt_chardev_deliver (struct gwt_chardev *chardev);
void gwt_chardev_event (struct gwt_chardev *chardev, uint32_t event);
/* [any] Bytes taken; never blocks.  Raw: no timestamps. */
uint64_t gwt_chardev_write_raw (struct gwt_chardev *chardev, const uint8_t *data, uint64_t size);
/* [any] The same for short texts of ours, waiting a little for a peer that is slow. */
void gwt_chardev_write_text (struct gwt_chardev *chardev, const char *data, size_t size);
extern GPtrArray *gwt_chardevs;
/* Remove *SOURCE from the main loop, if any; under the chardev's lock. */
void gwt_source_drop (GSource **source);

/* [main] The guest is paused (true), or goes on. */
void gwt_chardev_guest_paused (bool now);
/* [main] The user's terminal has another size. */
void gwt_chardev_terminal_resized (void);

/* chardev-spec.c */
void gwt_chardev_free_spec (struct gwt_chardev *chardev);

/* chardev-open.c */
bool gwt_chardev_open (struct gwt_chardev *chardev, struct gwt_error *err);
void gwt_chardev_close (struct gwt_chardev *chardev);
/* After a disconnect: be ready for the next peer. */
void gwt_chardev_await_peer (struct gwt_chardev *chardev);

/* mux.c */
void gwt_mux_init (struct gwt_chardev *chardev);
void gwt_mux_clear (struct gwt_chardev *chardev);
/* [main] Typed bytes: keys are carried out, the rest goes to console or device. */
void gwt_mux_input (struct gwt_chardev *chardev, const uint8_t *data, size_t size);
bool gwt_mux_has_room (struct gwt_chardev *chardev);
uint64_t gwt_mux_write (struct gwt_chardev *chardev, const uint8_t *data, uint64_t size);
void gwt_mux_to_console (const uint8_t *data, size_t size);

/* terminal.c: FD becomes raw (a no-op where it is no terminal) until gwt_terminal_restore, which
   any end of the process calls, that of a fatal signal too. */
void gwt_terminal_raw (int fd, bool signals);
void gwt_terminal_restore (void);
/* 0 by 0 where neither standard output nor input is a terminal. */
void gwt_terminal_size (uint16_t *columns, uint16_t *rows);
/* Call gwt_chardev_terminal_resized whenever the terminal's size changes. */
void gwt_terminal_watch_size (void);

#endif
