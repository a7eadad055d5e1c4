/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this plugin share: the device, its queues, a request on its way.  It must not
 * know what a ring looks like, which transport there is, nor where blocks come from.
 *
 * A queue belongs to the [io] thread of its back-end queue: requests are popped, started, completed
 * and pushed there, so nothing of a queue has a lock.  Other threads kick it, or hold it.
 */
#ifndef PLUGINS_VIRTIO_BLK_VIRTIO_BLK_H
#define PLUGINS_VIRTIO_BLK_VIRTIO_BLK_H

#include <godwit/godwit.h>
#include <godwit/block.h>

/* Requests and their answers, virtio 1.2 §5.2.6. */
#define TYPE_IN 0u
#define TYPE_OUT 1u
#define TYPE_FLUSH 4u
#define TYPE_GET_ID 8u
#define TYPE_DISCARD 11u
#define TYPE_WRITE_ZEROES 13u
#define STATUS_OK 0u
#define STATUS_IOERR 1u
#define STATUS_UNSUPP 2u
#define ID_BYTES 20u
#define SECTOR_BITS 9
#define SECTOR 512u
#define SEGMENT_UNMAP 1u /* flag of a segment to be discarded or zeroed */

/* Feature bits, §5.2.3. */
#define FEATURE(bit) (UINT64_C (1) << (bit))
#define FEATURE_SEG_MAX FEATURE (2)
#define FEATURE_GEOMETRY FEATURE (4)
#define FEATURE_RO FEATURE (5)
#define FEATURE_BLK_SIZE FEATURE (6)
#define FEATURE_FLUSH FEATURE (9)
#define FEATURE_TOPOLOGY FEATURE (10)
#define FEATURE_CONFIG_WCE FEATURE (11)
#define FEATURE_MQ FEATURE (12)
#define FEATURE_DISCARD FEATURE (13)
#define FEATURE_WRITE_ZEROES FEATURE (14)

struct vblk;

/* A chain of the guest's between pop and push. */
struct vblk_request
{
  struct gwt_block_request block;
  struct gwt_virtq_chain *chain;
  struct gwt_iovec *own_iov; /* where the chain's buffers had to be cut up */
  struct vblk_request *next; /* of those to spare */
  uint8_t *status;           /* the guest's, the last byte of the chain */
};

/* What §5.2.6 has in front of each request, and in those that discard or zero. */
struct vblk_header
{
  uint32_t type;
  uint32_t ioprio;
  uint64_t sector;
};

struct vblk_segment
{
  uint64_t sector;
  uint32_t sectors;
  uint32_t flags;
};

/* One queue; all of it is its [io] thread's. */
struct vblk_queue
{
  struct vblk *device;
  struct gwt_virtq *virtq;
  struct gwt_block_queue *back;
  struct vblk_request *requests; /* queue-size of them */
  struct vblk_request *spare;
  struct gwt_block_request **batch; /* to be submitted, queue-size places */
  uint32_t n_batch;
  uint32_t index;
  uint32_t pushed; /* since the driver was last told */
  uint32_t pad;
};

struct vblk
{
  /* Properties. */
  struct gwt_block *drive;
  const char *serial;
  uint32_t logical_block_size;
  uint32_t physical_block_size;
  uint32_t min_io_size;
  uint32_t opt_io_size;
  uint32_t discard_granularity;
  uint32_t max_discard_sectors;
  uint32_t max_write_zeroes_sectors;
  uint32_t cyls, heads, secs;
  uint16_t num_queues;
  uint16_t queue_size;
  _Bool config_wce;
  _Bool discard, write_zeroes;
  _Bool report_discard_granularity;
  _Bool seg_max_adjust;
  _Bool share_rw;
  uint8_t write_cache;
  uint8_t rerror, werror;

  uint8_t writeback; /* state: the write cache as the driver sees it, §5.2.5 */
  uint8_t first_writeback;
  uint8_t read_only;
  uint32_t logical, physical; /* block sizes that the guest sees */
  uint32_t n_queues;
  uint32_t gone; /* unrealized: the queues are no more */
  uint64_t capacity; /* sectors; any thread */
  uint64_t max_transfer; /* bytes of one request; 0: no limit */
  uint64_t features;     /* offered */
  struct gwt_virtio *virtio;
  struct gwt_device *handle;
  struct vblk_queue *queues;
};

extern const struct gwt_host *vblk_host;
extern const struct gwt_device_api *vblk_devices;
extern const struct gwt_virtio_api *vblk_virtio;
extern const struct gwt_block_api *vblk_block;
extern const struct gwt_vmstate_api *vblk_vmstate;

static inline uint64_t
vblk_capacity (const struct vblk *d)
{
  return __atomic_load_n (&d->capacity, __ATOMIC_RELAXED);
}

/* state.c */
extern const struct gwt_vmstate *const vblk_states[];
int vblk_put_state (void *self, struct gwt_vm_out *out, struct gwt_error *err);
int vblk_get_state (void *self, const struct gwt_virtio_loading *loading, struct gwt_vm_in *in,
                    struct gwt_error *err);

/* config.c */
extern const struct gwt_virtio_client vblk_client;
const char *vblk_feature_name (uint32_t bit);
/* Properties against each other and the back end; what the guest is offered. */
int vblk_configure (struct vblk *d, struct gwt_error *err);
uint32_t vblk_config_size (const struct vblk *d);
/* What of configuration space stays as it is, as a fact. */
#define VBLK_CONFIG_FACT "device-configuration"
void vblk_tell_config (const struct vblk *d, const struct gwt_facts_api *api,
                       struct gwt_facts *facts);
void vblk_set_writeback (struct vblk *d, uint32_t on);
/* [main] The back end has another size. */
void vblk_resized (void *self);

/* request.c */
int vblk_queues_new (struct vblk *d, struct gwt_error *err);
/* [main, vcpu] Nothing is in flight when it returns; what waited for `cont` is given up. */
void vblk_queues_stop (struct vblk *d);
void vblk_queue_stop (struct vblk *d, uint32_t index);
void vblk_queues_free (struct vblk *d);
void vblk_work (void *self, uint32_t index); /* [io] */

#endif
