/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host extension "gwt.chardev/1": the device's end of a character back end (terminal, file,
 * socket).
 */
#ifndef GODWIT_CHARDEV_H
#define GODWIT_CHARDEV_H

#include <godwit/device.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gwt_chardev; /* a back end; the value of a property of kind GWT_CHARDEV */

enum gwt_chardev_event
{
  GWT_CHARDEV_OPENED = 1000,
  GWT_CHARDEV_CLOSED = 2000,
  GWT_CHARDEV_BREAK = 3000,
  GWT_CHARDEV_RESIZED = 4000 /* size () has another answer now */
};

/* The device's side, all [main] under its lock, and never while the guest is paused. */
struct gwt_chardev_client
{
  uint64_t struct_size;
  /* How many bytes the device can take now; 0 stops input until accept_input (). */
  uint64_t (*can_receive) (void *self);
  void (*receive) (void *self, const uint8_t *data, uint64_t size); /* size <= can_receive () */
  void (*event) (void *self, uint32_t event);                       /* optional */
  void (*writable) (void *self); /* optional; after write () took less than it was given */
};

#define GWT_CHARDEV_EXT "gwt.chardev/1"

struct gwt_chardev_api
{
  uint64_t struct_size;
  /* [main, in realize] Become CHARDEV's one user; -1 with ERR set where it has one already.  Where
     its peer is there already, the event OPENED comes before this returns. */
  int (*attach) (struct gwt_chardev *chardev, struct gwt_device *device,
                 const struct gwt_chardev_client *client, struct gwt_error *err);
  /* [any] Bytes accepted, 0 to SIZE; a disconnected peer accepts and drops all.  Never blocks. */
  uint64_t (*write) (struct gwt_chardev *chardev, const uint8_t *data, uint64_t size);
  /* [any] can_receive () has grown. */
  void (*accept_input) (struct gwt_chardev *chardev);
  /* [any] Line settings, for back ends that are real lines; others ignore it. */
  void (*set_line) (struct gwt_chardev *chardev, uint32_t baud, uint32_t data_bits,
                    uint32_t stop_bits, uint32_t parity);
  /* [any] Whether anything in the guest listens, for monitor clients; a user counts as open until
     it says otherwise. */
  void (*set_open) (struct gwt_chardev *chardev, uint32_t open);
  /* [any] Size of the terminal at the other end in characters; 0 by 0 where there is none. */
  void (*size) (struct gwt_chardev *chardev, uint16_t *columns, uint16_t *rows);
};

#ifdef __cplusplus
}
#endif

#endif
