/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver of a virtio-serial controller for tests, behind an MMIO slot of the mock host: split
 * queues of one-descriptor chains.  It must not know how the plugin works.
 */
#ifndef TESTS_VIRTIO_CONSOLE_SERIAL_DRIVER_H
#define TESTS_VIRTIO_CONSOLE_SERIAL_DRIVER_H

#include "tests/devices/mock-host.h"

#define QUEUE_SIZE 16
#define QUEUES_MAX 12
#define CONTROL_IN 2u
#define CONTROL_OUT 3u
#define IN(port) ((port) ? 2u * (port) + 2 : 0u)
#define OUT(port) (IN (port) + 1)
#define FEATURE(bit) (UINT64_C (1) << (bit))
#define SIZE FEATURE (0)
#define MULTIPORT FEATURE (1)
#define EMERG_WRITE FEATURE (2)
#define VERSION_1 FEATURE (32)

#define DEVICE_READY 0
#define PORT_READY 3
#define PORT_OPEN 6

struct serial_driver
{
  const struct gwt_device_type *controller, *console, *channel; /* the types */
  struct gwt_device *slot, *device;
  uint32_t n_queues;
  uint16_t next[QUEUES_MAX], index[QUEUES_MAX], seen[QUEUES_MAX];
  uint16_t posted; /* control buffers so far */
};

/* A machine with a slot, and in it a controller "ser0" with properties up to NULL; the types. */
void serial_new (struct serial_driver *d, ...) G_GNUC_NULL_TERMINATED;
void serial_free (struct serial_driver *d);
uint32_t serial_load (struct serial_driver *d, uint64_t reg);
void serial_store (struct serial_driver *d, uint64_t reg, uint32_t value);
uint64_t serial_offered (struct serial_driver *d);
/* Reset, features, all queues, DRIVER_OK; with MULTIPORT eight buffers for control messages. */
void serial_start (struct serial_driver *d, uint64_t features);
/* One buffer of SIZE bytes into QUEUE; no notification.  Where it lies, up to 1024 bytes; a larger
   one is whatever is in RAM. */
uint8_t *serial_add (struct serial_driver *d, uint32_t queue, uint32_t size, gboolean writable);
void serial_kick (struct serial_driver *d, uint32_t queue);
/* Was one more given back?  Where it lies, *SIZE what was written. */
uint8_t *serial_used (struct serial_driver *d, uint32_t queue, uint32_t *size);
/* Post N buffers for control messages. */
void serial_post (struct serial_driver *d, uint32_t n);
/* Say something; it has to be given back. */
void serial_say (struct serial_driver *d, uint32_t id, uint32_t event, uint32_t value);
/* All messages that came, "ID NAME VALUE[ TEXT];" each; new buffers are posted.  Valid until the
   next call. */
const char *serial_heard (struct serial_driver *d);
/* DEVICE_READY, and PORT_READY for each port that is added; what came is forgotten. */
void serial_ready (struct serial_driver *d);
/* Send TEXT through a port; whether it was given back. */
gboolean serial_send (struct serial_driver *d, uint32_t port, const char *text);

#endif
