/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a device's virtio side is told before a guest is moved: what it offers, which may hang on
 * a back end as well as on properties, and how large its queues can be.  The device's own
 * configuration space is the device's affair.
 */
#include "virtio.h"

void
virtio_tell (struct gwt_virtio *v, const struct gwt_facts_api *api, struct gwt_facts *facts)
{
  uint64_t offered = virtio_offered (v);
  uint8_t features[8], sizes[2 * GWT_VIRTIO_QUEUES_MAX];
  uint32_t i;

  if (v->info.n_queues == 0)
    return;
  for (i = 0; i < 8; i++)
    features[i] = (uint8_t) (offered >> 8 * i);
  api->bytes (facts, VIRTIO_FEATURES_FACT, features, NULL, NULL, sizeof features);
  api->label (facts, VIRTIO_FEATURES_FACT, 0, sizeof features, "by properties and back end");
  for (i = 0; i < v->info.n_queues; i++)
    {
      sizes[2 * i] = (uint8_t) v->queues[i].size_max;
      sizes[2 * i + 1] = (uint8_t) (v->queues[i].size_max >> 8);
    }
  api->bytes (facts, VIRTIO_QUEUES_FACT, sizes, NULL, NULL, 2 * (uint64_t) v->info.n_queues);
  api->label (facts, VIRTIO_QUEUES_FACT, 0, 2 * (uint64_t) v->info.n_queues, "size of a queue");
}
