/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio driver for tests: sets a device up through its MMIO slot, gives it chains in split and
 * packed queues, and takes them back; and a device type whose queues a test serves by hand.  It
 * must not know how the plugin works: what it does is what virtio 1.2 tells drivers to do.
 */
#ifndef TESTS_DEVICES_VIRTIO_DRIVER_H
#define TESTS_DEVICES_VIRTIO_DRIVER_H

#include "mock-host.h"

#define QUEUES 2
#define QUEUE_MAX 16
#define FEATURE(bit) (UINT64_C (1) << (bit))
#define INDIRECT_DESC FEATURE (28)
#define EVENT_IDX FEATURE (29)
#define VERSION_1 FEATURE (32)
#define PACKED FEATURE (34)
#define IN_ORDER FEATURE (35)
#define RING_RESET FEATURE (40)
#define D_NEXT 1u
#define D_WRITE 2u
#define D_INDIRECT 4u
#define D_AVAIL 0x80u
#define D_USED 0x8000u
#define OK_STATUS 15u
#define NEEDS_RESET 64u
#define BUFFERS (MOCK_RAM_BASE + 0x40000) /* where test buffers lie */

/* The device under test; what it was called with. */
struct probe
{
  struct gwt_virtio *virtio;
  struct gwt_virtq *queue[QUEUES];
  uint8_t config[8];
  uint32_t notified[QUEUES];
  uint32_t starts, stops, resets;
  uint32_t refuse;             /* answer of features_accepted */
  uint32_t keep_none;          /* push what is out when stopped */
  struct gwt_virtq_chain *out; /* of queue 0 */
};

struct driver
{
  struct gwt_device *slot, *device;
  struct probe *probe;
  const struct gwt_virtio_api *api;
  uint64_t features;
  uint16_t num;
  uint64_t desc, driver, used; /* of queue 0 */
  uint16_t next;               /* place of the next descriptor */
  uint16_t index;              /* split: available index */
  uint16_t wrap;               /* packed */
  uint16_t seen, seen_wrap;    /* of what was used */
  uint16_t slots[QUEUE_MAX];   /* packed: of each id */
};

extern const struct gwt_device_type probe_type;

/* A machine with two slots, and in the highest a probe with properties up to NULL. */
void driver_new (struct driver *d, ...) G_GNUC_NULL_TERMINATED;
void driver_free (struct driver *d);
uint32_t driver_load (struct driver *d, uint64_t reg);
void driver_store (struct driver *d, uint64_t reg, uint32_t value);
#define R_STATUS 0x70
#define R_NOTIFY 0x50
#define R_ISR 0x60
#define R_ACK 0x64
uint64_t driver_offered (struct driver *d);
/* Reset, and up to FEATURES_OK; false where the device refuses. */
gboolean driver_negotiate (struct driver *d, uint64_t features);
/* Queue INDEX with NUM entries at its usual place; ready. */
void driver_queue (struct driver *d, uint32_t index, uint16_t num);
/* All of it for queue 0. */
void driver_start (struct driver *d, uint64_t features, uint16_t num);
/* One chain of N buffers, sizes in SIZES, the last WRITABLE of them writable; its id. */
uint16_t driver_add (struct driver *d, const uint32_t *sizes, uint32_t n, uint32_t writable);
/* The same in an indirect table. */
uint16_t driver_add_indirect (struct driver *d, const uint32_t *sizes, uint32_t n,
                              uint32_t writable);
/* One chain of N descriptors with ADDRESS, SIZE and FLAGS; its id. */
uint16_t driver_chain (struct driver *d, const uint64_t *address, const uint32_t *size,
                       const uint16_t *flags, uint32_t n);
/* Is there one that was used? */
gboolean driver_used (struct driver *d, uint16_t *id, uint32_t *written);
/* Raw: a descriptor of a table at address TABLE; A and B are flags and next, or id and flags. */
void driver_desc (uint64_t table, uint32_t i, uint64_t address, uint32_t size, uint16_t a,
                  uint16_t b);
void driver_put16 (uint64_t address, uint16_t value);
uint16_t driver_get16 (uint64_t address);

#endif
