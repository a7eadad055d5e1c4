/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network driver for tests, on the mock host: all queues of a virtio-net-device in a virtio-mmio
 * slot, split or packed; and a back end whose frames a test makes and looks at.  It must not know
 * how the plugin works.
 */
#ifndef TESTS_NET_DRIVER_H
#define TESTS_NET_DRIVER_H

#include "tests/devices/mock-host.h"

#define BIT(n) (UINT64_C (1) << (n))
#define MRG_RXBUF BIT (15)
#define CTRL_VQ BIT (17)
#define INDIRECT_DESC BIT (28)
#define EVENT_IDX BIT (29)
#define VERSION_1 BIT (32)
#define PACKED BIT (34)
#define IN_ORDER BIT (35)
#define RING_RESET BIT (40)
#define NEEDS_RESET 64u
#define QUEUES_MAX 9
#define RING_MAX 64
#define BUFFERS (MOCK_RAM_BASE + 0x40000)
#define HEADER_SIZE 12

/* The back end. */
struct gwt_netdev
{
  struct gwt_net_info info;
  struct gwt_device *device;
  const struct gwt_net_client *client;
  uint32_t n_used, active;
  int holds[4];
  uint32_t kicked[4];
  uint64_t offloads;
  GQueue in[4];     /* GByteArray: frames with their header */
  GPtrArray *out;   /* GByteArray */
  uint32_t room;    /* frames that send () still takes */
  uint32_t no_peek; /* sizes are not known before */
  uint32_t flushes;
};

struct ring
{
  uint64_t desc, driver, used;
  uint16_t num, next, index, seen;
  uint16_t wrap, seen_wrap;
  uint16_t slots[RING_MAX];
};

struct net_driver
{
  struct gwt_device *slot, *device;
  struct gwt_netdev net;
  uint64_t features;
  uint32_t n_queues;
  struct ring ring[QUEUES_MAX];
};

struct buffer
{
  uint64_t address;
  uint32_t size;
  uint32_t writable;
};

/* A machine with one slot and a network device with properties up to NULL; INFO may be NULL. */
void net_driver_new (struct net_driver *d, const struct gwt_net_info *info,
                     ...) G_GNUC_NULL_TERMINATED;
/* The same without a device: to make one that is refused. */
const struct gwt_device_type *net_driver_machine (struct net_driver *d,
                                                  const struct gwt_net_info *info);
void net_driver_free (struct net_driver *d);
uint32_t net_load (struct net_driver *d, uint64_t reg);
void net_store (struct net_driver *d, uint64_t reg, uint32_t value);
#define R_STATUS 0x70
#define R_NOTIFY 0x50
#define R_ISR 0x60
#define R_ACK 0x64
#define R_CONFIG 0x100
uint64_t net_offered (struct net_driver *d);
/* Reset, features, N queues of NUM entries, DRIVER_OK. */
gboolean net_start (struct net_driver *d, uint64_t features, uint32_t n, uint16_t num);
void net_set_queue (struct net_driver *d, uint32_t index, uint16_t num);
/* A chain; its id. */
uint16_t net_add (struct net_driver *d, uint32_t queue, const struct buffer *buffers, uint32_t n);
gboolean net_used (struct net_driver *d, uint32_t queue, uint16_t *id, uint32_t *written);
/* Tell the device of QUEUE, and let the back end's thread have its turn. */
void net_notify (struct net_driver *d, uint32_t queue);
void net_run (struct net_driver *d);
/* A frame for the device on queue pair PAIR: SIZE bytes with header, counted up from SEED behind
   14 bytes to TO. */
void net_frame_in (struct net_driver *d, uint32_t pair, const uint8_t *to, uint32_t size,
                   uint8_t seed);

#endif
