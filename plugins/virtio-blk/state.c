/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk's section: requests that are out, which are those that wait for the machine to go on
 * after an error, and the write cache.  The rest of it is the virtio side's.
 */
#include "virtio-blk.h"

GWT_VIRTIO_STATE (vblk_virtio_state, vblk_virtio)

int
vblk_put_state (void *self, struct gwt_vm_out *out, struct gwt_error *err)
{
  struct vblk *d = self;
  struct gwt_virtq_chain *c;
  uint32_t i;

  (void) err;
  for (i = 0; i < d->n_queues; i++)
    for (c = vblk_virtio->next_out (d->queues[i].virtq, NULL); c;
         c = vblk_virtio->next_out (d->queues[i].virtq, c))
      {
        vblk_vmstate->put_be (out, 1, 1);
        if (d->n_queues > 1)
          vblk_vmstate->put_be (out, 4, i);
        vblk_virtio->put_chain (d->queues[i].virtq, c, out);
      }
  vblk_vmstate->put_be (out, 1, 0);
  return 0;
}

static int
check_capacity (struct vblk *d, const uint8_t *config, struct gwt_error *err)
{
  struct gwt_block_info info = { .struct_size = sizeof info };
  uint64_t there = 0;
  uint32_t i;

  for (i = 0; i < 8; i++)
    there |= (uint64_t) config[i] << 8 * i;
  /* As it is now: it may have been resized since it was opened here. */
  vblk_block->info (d->drive, &info);
  /* 0: a sender that does not keep these bytes up to date. */
  if (there == 0 || there == info.size >> SECTOR_BITS)
    return 0;
  vblk_host->error_set (err, GWT_E_INVALID,
                        "the disk has %llu sectors at the sender and the drive %llu here; give "
                        "both ends the same image",
                        (unsigned long long) there,
                        (unsigned long long) (info.size >> SECTOR_BITS));
  return -1;
}

int
vblk_get_state (void *self, const struct gwt_virtio_loading *loading, struct gwt_vm_in *in,
                struct gwt_error *err)
{
  struct vblk *d = self;
  uint64_t more, index = 0, count;

  if (check_capacity (d, loading->config, err) != 0)
    return -1;
  for (count = 0;; count++)
    {
      if (vblk_vmstate->get_be (in, 1, &more, err) != 0)
        return -1;
      if (more == 0)
        return 0;
      if (count == (uint64_t) d->n_queues * d->queue_size)
        {
          vblk_host->error_set (err, GWT_E_RANGE, "more than %llu requests, which is all there is "
                                                  "room for",
                                (unsigned long long) count);
          return -1;
        }
      if ((d->n_queues > 1 && vblk_vmstate->get_be (in, 4, &index, err) != 0)
          || vblk_virtio->get_chain (d->virtio, (uint32_t) index, in, err) != 0)
        return -1;
    }
}

static uint32_t
writeback_needed (const void *self)
{
  const struct vblk *d = self;

  return d->writeback != d->first_writeback;
}

static int
pre_load (void *self, struct gwt_error *err)
{
  struct vblk *d = self;

  (void) err;
  d->writeback = d->first_writeback;
  return 0;
}

static void
loaded (void *self, uint32_t version)
{
  struct vblk *d = self;

  (void) version;
  vblk_set_writeback (d, d->writeback);
}

static const struct gwt_vm_field writeback_fields[]
    = { GWT_VM_VALUE (struct vblk, writeback, .max = 1) };
static const struct gwt_vmstate writeback_state
    = GWT_VMSTATE (struct vblk, "virtio-blk/writeback", 1, 1, writeback_fields,
                   .needed = writeback_needed);
static const struct gwt_vmstate *const subsections[] = { &writeback_state, NULL };
static const struct gwt_vm_field fields[]
    = { GWT_VIRTIO_FIELD (struct vblk, virtio, vblk_virtio_state) };
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct vblk, "virtio-blk", 2, 2, fields, .subsections = subsections,
                   .pre_load = pre_load, .loaded = loaded);
const struct gwt_vmstate *const vblk_states[] = { &state, NULL };
