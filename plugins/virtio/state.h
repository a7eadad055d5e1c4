/* SPDX-License-Identifier: BSD-2-Clause */
/* What the subsections of "virtio" have, between a device and the wire: see state-tail.c. */
#ifndef PLUGINS_VIRTIO_STATE_H
#define PLUGINS_VIRTIO_STATE_H

#include "virtio.h"

#define QUEUES GWT_VIRTIO_QUEUES_MAX

struct saved_rings
{
  uint64_t driver, device;
};

struct saved_packed
{
  uint16_t last_avail, used_idx;
  _Bool avail_wrap, used_wrap;
  uint32_t in_use;
};

struct saved_notify
{
  uint16_t used_since;
  _Bool no_notify;
};

/* Subsections that came. */
enum
{
  SEEN_FEATURES = 1,
  SEEN_RINGS = 2,
  SEEN_SIZES = 4,
  SEEN_EXTRA = 8,
  SEEN_PACKED = 16
};

struct tail
{
  struct gwt_virtio *v;
  uint32_t seen;
  uint8_t endian;
  _Bool broken, started, disabled;
  uint64_t features;
  uint32_t sizes[QUEUES];
  struct saved_rings rings[QUEUES];
  struct saved_packed packed[QUEUES];
  struct saved_notify notify[QUEUES];
  uint32_t generation;
  /* Of the transport. */
  uint32_t device_sel, driver_sel, driver_features[2];
  struct saved_queue queues[QUEUES];
};

int virtio_put_tail (struct gwt_virtio *v, struct gwt_vm_out *out, struct gwt_error *err);
/* What came for the staged device ST; NULL with ERR set.  Valid until the next section. */
const struct tail *virtio_get_tail (struct gwt_virtio *st, struct gwt_vm_in *in,
                                    struct gwt_error *err);

#endif
