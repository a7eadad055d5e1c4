/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request on a file, step by step: each step is one system call, through io_uring or on a thread
 * of the pool, and its result says what the next step is.  Guest memory goes to the kernel as it
 * is; only O_DIRECT and buffers that lie badly need one of our own.
 */
#include "config.h"
#include "core/backend/block-internal.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A request whose memory lies badly is carried out in pieces of this. */
#define BOUNCE_MAX (1u << 20)
/* The kernel moves less than 2 GiB a call. */
#define STEP_MAX (1u << 30)
#define ZEROS_SIZE 65536

static _Alignas (4096) const char zeros[ZEROS_SIZE];

/* ---- the pool's side ------------------------------------------------------------------------- */

static int
write_zeros (struct gwt_file *file, uint64_t at, uint64_t length)
{
  while (length > 0)
    {
      ssize_t n = pwrite (file->fd, zeros, MIN (length, ZEROS_SIZE), (off_t) at);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return n < 0 ? -errno : -EIO;
      at += (uint64_t) n;
      length -= (uint64_t) n;
    }
  return 0;
}

int
gwt_file_call (struct gwt_file *file, struct gwt_io *io)
{
  uint64_t range[2] = { io->at, io->length };
  ssize_t n = -1;

  switch (io->call)
    {
    case GWT_CALL_READ:
      n = preadv (file->fd, io->iov, (int) io->n_iov, (off_t) io->at);
      break;
    case GWT_CALL_WRITE:
      n = pwritev (file->fd, io->iov, (int) io->n_iov, (off_t) io->at);
      break;
    case GWT_CALL_WRITE_SYNC:
      n = pwritev2 (file->fd, io->iov, (int) io->n_iov, (off_t) io->at, RWF_DSYNC);
      break;
    case GWT_CALL_SYNC:
      n = fdatasync (file->fd);
      break;
    case GWT_CALL_PUNCH:
      n = fallocate (file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t) io->at,
                     (off_t) io->length);
      break;
    case GWT_CALL_ZERO:
      n = fallocate (file->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t) io->at,
                     (off_t) io->length);
      break;
    case GWT_CALL_DISCARD:
      n = ioctl (file->fd, BLKDISCARD, range);
      break;
    case GWT_CALL_WRITE_ZEROS:
      return write_zeros (file, io->at, io->length);
    }
  return n < 0 ? -errno : (int) n;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void
issue (struct gwt_block_queue *q, struct gwt_io *io, enum gwt_io_call call)
{
  io->call = (uint8_t) call;
  if (!q->use_uring || !gwt_uring_start (q, io))
    gwt_pool_run (io);
}

static void
range_step (struct gwt_block_queue *q, struct gwt_io *io, enum gwt_io_call call)
{
  io->at = io->offset;
  io->length = gwt_io_request (io)->size;
  issue (q, io, call);
}

/* Which way zeros get there: the cheapest that has not failed yet. */
static enum gwt_io_call
zero_call (struct gwt_file *file, const struct gwt_io *io)
{
  if ((io->flags & GWT_BLOCK_MAY_UNMAP) && !atomic_load (&file->no_punch))
    return GWT_CALL_PUNCH;
  return atomic_load (&file->no_zero) ? GWT_CALL_WRITE_ZEROS : GWT_CALL_ZERO;
}

/* Does the memory from byte FROM of R lie as O_DIRECT wants it? */
static bool
lies_well (const struct iovec *iov, uint32_t n, uint32_t align)
{
  uintptr_t bits = 0;
  uint32_t i;

  for (i = 0; i < n; i++)
    bits |= (uintptr_t) iov[i].iov_base | iov[i].iov_len;
  return (bits & (align - 1)) == 0;
}

/* Copy LENGTH bytes between DATA and R's memory from byte FROM on. */
static void
copy (const struct gwt_block_request *r, uint64_t from, char *data, uint64_t length, bool to_guest)
{
  uint32_t i;

  for (i = 0; i < r->n_iov && length > 0; i++)
    {
      uint64_t n = r->iov[i].size;

      if (from >= n)
        {
          from -= n;
          continue;
        }
      n = MIN (n - from, length);
      if (to_guest)
        memcpy ((char *) r->iov[i].base + from, data, n);
      else
        memcpy (data, (char *) r->iov[i].base + from, n);
      data += n;
      length -= n;
      from = 0;
    }
}

static void
zero_rest (const struct gwt_block_request *r, uint64_t from)
{
  uint32_t i;

  for (i = 0; i < r->n_iov; i++)
    {
      uint64_t n = r->iov[i].size;

      if (from < n)
        {
          memset ((char *) r->iov[i].base + from, 0, n - from);
          from = 0;
        }
      else
        from -= n;
    }
}

/* A buffer of ours for the next piece. */
static int
set_bounce (struct gwt_io *io, uint32_t align)
{
  struct gwt_block_request *r = gwt_io_request (io);
  uint64_t length = MIN (r->size - io->done, BOUNCE_MAX);

  if (io->scratch == NULL && posix_memalign (&io->scratch, MAX (align, 4096), length) != 0)
    {
      io->scratch = NULL;
      return ENOMEM;
    }
  io->bounce = 1;
  io->one = (struct iovec){ io->scratch, length };
  io->iov = &io->one;
  io->n_iov = 1;
  if (io->op == GWT_IO_WRITE)
    copy (r, io->done, io->scratch, length, false);
  return 0;
}

/* The memory that is not done yet, as a vector of its own where that begins inside a buffer. */
static int
set_rest (struct gwt_io *io)
{
  const struct gwt_block_request *r = gwt_io_request (io);
  const struct iovec *iov = (const struct iovec *) (const void *) r->iov;
  uint64_t skip = io->done;
  uint32_t n = r->n_iov;
  struct iovec *mine;

  while (n > 0 && skip >= iov->iov_len)
    {
      skip -= iov->iov_len;
      iov++;
      n--;
    }
  if (skip == 0 && (n != 1 || iov->iov_len <= STEP_MAX))
    {
      io->iov = iov;
      io->n_iov = n;
      return 0;
    }
  if (n == 1)
    {
      io->one
          = (struct iovec){ (char *) iov->iov_base + skip, MIN (iov->iov_len - skip, STEP_MAX) };
      io->iov = &io->one;
      io->n_iov = 1;
      return 0;
    }
  free (io->scratch);
  mine = io->scratch = malloc (n * sizeof *mine);
  if (mine == NULL)
    return ENOMEM;
  memcpy (mine, iov, n * sizeof *mine);
  mine[0].iov_base = (char *) mine[0].iov_base + skip;
  mine[0].iov_len -= skip;
  io->iov = mine;
  io->n_iov = n;
  return 0;
}

static void
transfer (struct gwt_block_queue *q, struct gwt_io *io)
{
  struct gwt_file *file = q->leaf->data;
  int error = io->bounce ? 0 : set_rest (io);

  if (error == 0
      && (io->bounce || (file->align > 1 && !lies_well (io->iov, io->n_iov, file->align))))
    {
      if (!io->bounce)
        {
          free (io->scratch);
          io->scratch = NULL;
        }
      error = set_bounce (io, file->align);
    }
  if (error != 0)
    {
      gwt_queue_finish (q, io, -error);
      return;
    }
  io->at = io->offset + io->done;
  if (io->op == GWT_IO_READ)
    issue (q, io, GWT_CALL_READ);
  else if ((io->flags & (GWT_BLOCK_FUA | GWT_IO_SYNC_ALL)) == GWT_BLOCK_FUA
           && !atomic_load (&file->no_dsync))
    issue (q, io, GWT_CALL_WRITE_SYNC);
  else
    issue (q, io, GWT_CALL_WRITE);
}

void
gwt_file_start (struct gwt_block_queue *q, struct gwt_io *io)
{
  struct gwt_file *file = q->leaf->data;

  switch (io->op)
    {
    case GWT_IO_READ:
    case GWT_IO_WRITE:
      transfer (q, io);
      break;
    case GWT_IO_FLUSH:
      issue (q, io, GWT_CALL_SYNC);
      break;
    case GWT_IO_DISCARD:
      if (atomic_load (&file->no_punch))
        gwt_queue_finish (q, io, 0);
      else
        range_step (q, io, file->device ? GWT_CALL_DISCARD : GWT_CALL_PUNCH);
      break;
    default:
      range_step (q, io, zero_call (file, io));
      break;
    }
}

static bool
not_offered (int error)
{
  return error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY;
}

/* All bytes are there. */
static void
written (struct gwt_block_queue *q, struct gwt_io *io)
{
  if ((io->flags & GWT_BLOCK_FUA) && io->call != GWT_CALL_WRITE_SYNC)
    issue (q, io, GWT_CALL_SYNC);
  else
    gwt_queue_finish (q, io, 0);
}

static void
transferred (struct gwt_block_queue *q, struct gwt_io *io)
{
  struct gwt_file *file = q->leaf->data;
  struct gwt_block_request *r = gwt_io_request (io);
  uint64_t n = (uint64_t) io->result;
  /* O_DIRECT gives the odd rest of a file, and then nothing more: not even an offset fits. */
  bool end = io->op == GWT_IO_READ && (n == 0 || n % file->align != 0);

  if (n == 0 && io->op == GWT_IO_WRITE)
    {
      gwt_queue_finish (q, io, -ENOSPC);
      return;
    }
  if (io->bounce && io->op == GWT_IO_READ)
    copy (r, io->done, io->scratch, n, true);
  io->done += n;
  if (end && io->done < r->size)
    {
      zero_rest (r, io->done);
      io->done = r->size;
    }
  if (io->done < r->size)
    transfer (q, io);
  else if (io->op == GWT_IO_READ)
    gwt_queue_finish (q, io, 0);
  else
    written (q, io);
}

void
gwt_file_step (struct gwt_block_queue *q, struct gwt_io *io)
{
  struct gwt_file *file = q->leaf->data;
  int error = io->result < 0 ? -io->result : 0;

  if (error == EINTR || error == EAGAIN)
    {
      issue (q, io, (enum gwt_io_call) io->call);
      return;
    }
  switch (io->call)
    {
    case GWT_CALL_READ:
    case GWT_CALL_WRITE:
    case GWT_CALL_WRITE_SYNC:
      if (error == 0)
        transferred (q, io);
      else if (io->call == GWT_CALL_WRITE_SYNC && not_offered (error))
        {
          atomic_store (&file->no_dsync, true);
          transfer (q, io);
        }
      else
        gwt_queue_finish (q, io, -error);
      return;
    case GWT_CALL_PUNCH:
    case GWT_CALL_DISCARD:
    case GWT_CALL_ZERO:
      if (!not_offered (error))
        break;
      atomic_store (io->call == GWT_CALL_ZERO ? &file->no_zero : &file->no_punch, true);
      gwt_file_start (q, io);
      return;
    default:
      break;
    }
  if (error == 0 && io->op == GWT_IO_ZERO && io->call != GWT_CALL_SYNC)
    written (q, io);
  else
    gwt_queue_finish (q, io, -error);
}
