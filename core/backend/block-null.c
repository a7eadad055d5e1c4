/* SPDX-License-Identifier: BSD-2-Clause */
/* null-co and null-aio: a disk that takes everything and keeps nothing, for measuring. */
#include "config.h"
#include "core/backend/block-internal.h"
#include <string.h>

struct null_disk
{
  uint64_t latency; /* ns */
  bool read_zeroes;
};

int (*gwt_null_fault) (struct gwt_block *leaf, struct gwt_io *io);

static bool
null_open (struct gwt_block *node, struct json_object *options, struct gwt_error *err)
{
  struct null_disk *disk = g_new0 (struct null_disk, 1);
  uint64_t size = (uint64_t) 1 << 30;

  if (!gwt_take_u64 (options, "size", true, &size, err)
      || !gwt_take_u64 (options, "latency-ns", false, &disk->latency, err)
      || !gwt_take_bool (options, "read-zeroes", &disk->read_zeroes, err))
    {
      g_free (disk);
      return false;
    }
  if (size > GWT_BLOCK_SIZE_MAX || disk->latency > 1000000000000u)
    {
      gwt_error_set (err, GWT_E_RANGE, "size or latency-ns is too large; use less");
      g_free (disk);
      return false;
    }
  node->data = disk;
  node->can_discard = node->can_zero = true;
  atomic_store (&node->size, (size + GWT_BLOCK_SECTOR - 1) & ~(uint64_t) (GWT_BLOCK_SECTOR - 1));
  return true;
}

static void
null_close (struct gwt_block *node)
{
  g_free (node->data);
}

static bool
null_resize (struct gwt_block *node, uint64_t size, struct gwt_error *err)
{
  return true;
}

static void
null_start (struct gwt_block_queue *queue, struct gwt_io *io)
{
  const struct null_disk *disk = queue->leaf->data;
  const struct gwt_block_request *r = gwt_io_request (io);
  uint32_t i;

  io->result = gwt_null_fault != NULL ? -gwt_null_fault (queue->leaf, io) : 0;
  if (disk->read_zeroes && io->op == GWT_IO_READ && io->result == 0)
    for (i = 0; i < r->n_iov; i++)
      memset (r->iov[i].base, 0, r->iov[i].size);
  if (disk->latency == 0)
    gwt_queue_finish (queue, io, io->result);
  else
    {
      io->due = gwt_block_now () + disk->latency;
      gwt_queue_delay (queue, io);
    }
}

static const char *const members[] = { "size", "latency-ns", "read-zeroes", NULL };

const struct gwt_block_driver gwt_block_null_co = {
  .name = "null-co",
  .leaf = true,
  .members = members,
  .open = null_open,
  .close = null_close,
  .resize = null_resize,
  .start = null_start,
};

const struct gwt_block_driver gwt_block_null_aio = {
  .name = "null-aio",
  .leaf = true,
  .members = members,
  .open = null_open,
  .close = null_close,
  .resize = null_resize,
  .start = null_start,
};
