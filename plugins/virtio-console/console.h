/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this plugin share: the controller with a place for each port number, and the
 * ports, devices of their own that sit in one.  It must not know what a ring looks like, nor which
 * transport there is.
 *
 * Locks, outermost first: a controller's `control`, then one place's `lock`; behind it only the
 * back end's own.  Neither is held when the driver is interrupted.
 */
#ifndef PLUGINS_VIRTIO_CONSOLE_CONSOLE_H
#define PLUGINS_VIRTIO_CONSOLE_CONSOLE_H

#include <godwit/godwit.h>

#include <pthread.h>
#include <stdbool.h>

/* Two queues for each port and two for control in at most 1024. */
#define PORTS_MAX 511
#define PORTS_ROOM 512

/* Feature bits, virtio 1.2 §5.3.3. */
#define FEATURE_SIZE (UINT64_C (1) << 0)
#define FEATURE_MULTIPORT (UINT64_C (1) << 1)
#define FEATURE_EMERG_WRITE (UINT64_C (1) << 2)

/* What a port's driver has been told or has said; `flags`. */
#define PORT_KNOWN 0x01u      /* announced */
#define PORT_READY 0x02u      /* the driver took it */
#define PORT_GUEST_OPEN 0x04u /* somebody in the guest listens */
#define PORT_HOST_OPEN 0x08u  /* somebody at the back end does */

/* Messages that wait for a buffer of the driver's; `pending`, sent lowest bit first.  Bits and no
   list: whatever a guest does, there is nothing to pile up. */
#define SEND_REMOVE 0x01u
#define SEND_ADD 0x02u
#define SEND_CONSOLE 0x04u
#define SEND_RESIZE 0x08u
#define SEND_NAME 0x10u
#define SEND_CLOSE 0x20u
#define SEND_OPEN 0x40u

#define NAME_MAX_BYTES 255

struct port;

/* The host's side of a port number. */
struct place
{
  pthread_mutex_t lock; /* of this, and of the controller's state of this number */
  struct port *port;    /* NULL: none */
  struct gwt_virtq *in, *out;
  uint32_t throttled; /* the back end took less than it was given and will say `writable` */
  uint32_t more;      /* its turn was over before the queue was empty */
  uint32_t peer;      /* somebody is at the back end */
};

struct serial
{
  uint32_t max_ports;
  _Bool emergency_write;
  _Bool console_size;
  uint8_t active;       /* the driver has it running; atomic */
  uint8_t driver_ready; /* it wants to know of ports; atomic */

  uint8_t flags[PORTS_ROOM];
  uint8_t pending[PORTS_ROOM];
  uint64_t written[PORTS_ROOM]; /* bytes of the next chain that the back end has taken already */

  uint8_t warned;
  uint8_t loaded; /* and does not run yet */
  uint8_t pad[6];
  struct gwt_virtio *virtio;
  struct gwt_virtq *control_in, *control_out;
  struct gwt_timer *turn_timer;
  struct gwt_device *device;
  struct serial *next;
  pthread_mutex_t control;
  struct place places[PORTS_ROOM];
};

struct port
{
  struct gwt_chardev *chardev;
  const char *name;
  const char *bus;
  uint32_t number; /* NUMBER_ANY: the next that is free */
  uint8_t is_console;
  uint8_t pad[3];
  struct serial *serial; /* NULL: none, or it has gone */
  struct gwt_device *device;
};

#define NUMBER_ANY UINT32_MAX

extern const struct gwt_host *console_host;
extern const struct gwt_device_api *console_devices;
extern const struct gwt_clock_api *console_clock;
extern const struct gwt_chardev_api *console_chardev;
extern const struct gwt_event_api *console_events;
extern const struct gwt_virtio_api *console_virtio;
extern const struct gwt_vmstate_api *console_vmstate;
extern const struct gwt_device_type console_port_type, console_serialport_type;

/* ---- controller.c ---- */

/* [main] The controller that BUS means ("ID.0" or "ID"), or the first with room for a port; NULL
   with ERR set. */
struct serial *serial_find (const char *bus, bool is_console, struct gwt_error *err);
/* One line in the log for what the driver of S does wrong. */
void serial_guest_error (struct serial *s, const char *what, uint64_t value);
bool serial_is_active (const struct serial *s);
bool serial_is_multiport (struct serial *s);
bool serial_has_size (struct serial *s);

/* ---- state.c ---- */

extern const struct gwt_vmstate *const serial_states[];
int serial_put_state (void *self, struct gwt_vm_out *out, struct gwt_error *err);
int serial_get_state (void *self, const struct gwt_virtio_loading *loading, struct gwt_vm_in *in,
                      struct gwt_error *err);
const char *serial_feature_name (uint32_t bit);

/* ---- control.c ---- */

/* Send what is pending, as far as the driver gave buffers.  No lock is held. */
void control_send (struct serial *s);
/* The driver may have sent something.  No lock is held. */
void control_serve (struct serial *s);

/* ---- port.c ---- */

/* PORT sits at its number now; [main]. */
void port_plug (struct port *port);
/* The guest opens or closes number N; under its place's lock. */
void port_guest_open (struct serial *s, uint32_t n, bool open);
/* What the guest sent to number N goes to the back end.  No lock is held. */
void port_serve_out (struct serial *s, uint32_t n);
/* The driver gave number N room.  No lock is held. */
void port_serve_in (struct serial *s, uint32_t n);
/* Emergency write: one byte past all queues. */
void port_emergency (struct serial *s, uint8_t byte);
/* Size of the terminal at number N; under its place's lock. */
void port_size (struct serial *s, uint32_t n, uint16_t *columns, uint16_t *rows);
/* [main] What was loaded says of number N whether the guest has it open: its back end learns it. */
void port_loaded (struct serial *s, uint32_t n);
/* It runs now: the driver learns who is at the back end here, and how large a console is. */
void port_compare (struct serial *s, uint32_t n);
/* [main] The controller goes, PORT stays without one. */
void port_orphan (struct serial *s, uint32_t n);

#endif
