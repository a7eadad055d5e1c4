/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "gwt.block/1" in memory, for the mock host: a disk whose requests complete when the test says so,
 * in the order that it says, with the status that it says; and a guest's driver for a virtio disk
 * in front of it.  It must not know how the device works.
 */
#ifndef TESTS_VIRTIO_BLK_MOCK_BLOCK_H
#define TESTS_VIRTIO_BLK_MOCK_BLOCK_H

#include "tests/devices/virtio-driver.h"

#include <godwit/block.h>

#include <pthread.h>

#define MOCK_BLOCK_SIZE 0x40000u
#define MOCK_BLOCK_QUEUES 8

struct gwt_block_queue
{
  struct gwt_block *block;
  GThread *thread; /* with `threaded`; then what is below is under the disk's lock, but for what
                      work () and done () use while `working` */
  uint32_t index, depth;
  uint32_t kicked;
  uint32_t held;
  uint32_t working;
  uint32_t in_done;
  uint32_t full; /* submit () took less than it was given */
  GPtrArray *flying; /* struct gwt_block_request, in the order of submit () */
};

struct gwt_block
{
  uint8_t *data;
  struct gwt_block_info info;
  struct gwt_block_use use;
  struct gwt_device *device; /* NULL: not attached */
  struct gwt_block_queue queue[MOCK_BLOCK_QUEUES];
  uint32_t n_queues;
  uint32_t queues_max;   /* no more can be made; 0: no limit */
  uint32_t room;         /* requests that submit () takes before it is full */
  int32_t fail;          /* status of all that completes from now on */
  uint32_t write_cache;  /* last set */
  uint32_t submits, requests, flushes, cancelled;
  uint32_t last_op;
  uint64_t last_flags;
  gboolean threaded; /* each queue has a thread of its own, that completes some of what it has */
  pthread_mutex_t lock;
  pthread_cond_t changed;
};

extern struct gwt_block mock_block;

/* A disk of MOCK_BLOCK_SIZE bytes, byte N of sector S is S + N; "gwt.block/1" of the mock host. */
void mock_block_new (void);
void mock_block_free (void);
/* [io] of each queue until nothing is kicked: work () runs, nothing completes. */
void mock_block_work (void);
/* The Nth request in flight of queue INDEX is carried out and done (). */
void mock_block_complete (uint32_t index, uint32_t n);
/* Work and complete until nothing moves. */
void mock_block_run (void);
uint32_t mock_block_flying (void);

/* ---- the guest ---- */

#define VBLK_QUEUE 16 /* queue-size of the disk under test */
#define VBLK_DATA BUFFERS
#define VBLK_HEADER (BUFFERS - 0x8000)
#define VBLK_STATUS (BUFFERS - 0x4000)

/* A machine with a disk in its slot, with properties up to NULL; CPUS vCPUs. */
void vblk_new (struct driver *d, uint32_t cpus, ...) G_GNUC_NULL_TERMINATED;
/* The same without the disk: for one that is refused. */
struct gwt_device *vblk_try (struct driver *d, ...) G_GNUC_NULL_TERMINATED;
void vblk_free (struct driver *d);
/* A request in the usual shape: header, N buffers of SIZE at ADDRESS (the device writes them if
   WRITABLE), status; its id.  Its status byte is set to 0xff. */
uint16_t vblk_add (struct driver *d, uint32_t type, uint64_t sector, uint64_t address,
                   uint32_t size, uint32_t n, uint32_t writable);
/* The request of id was used; its status, and with WRITTEN bytes. */
uint8_t vblk_wait (struct driver *d, uint16_t id, uint32_t written);
/* vblk_add, notify, mock_block_run, vblk_wait with SIZE * N + 1, or 1 where not WRITABLE. */
uint8_t vblk_do (struct driver *d, uint32_t type, uint64_t sector, uint64_t address, uint32_t size,
                 uint32_t n, uint32_t writable);
void vblk_notify (struct driver *d);

#endif
