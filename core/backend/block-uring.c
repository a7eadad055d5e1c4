/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steps of file requests through io_uring.  Each queue's thread has a ring of its own, so nothing
 * is shared; a queue that gets no ring uses the pool.  The eventfd with which others wake the
 * thread is read through the ring too, so that there is one thing to wait for.
 */
#include "config.h"
#include "core/backend/block-internal.h"

#ifdef HAVE_LIBURING
#include <errno.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "core/util/log.h"

#define ENTRIES_MAX 1024u
#define COMPLETIONS_MAX 32768u
#define BATCH 64u
/* What CQEs carry in place of a request. */
#define EVENT ((void *) 1)

static bool
make_ring (struct io_uring *ring, unsigned entries, unsigned completions)
{
  /* Older kernels know less; the last one is the least that there is. */
  static const unsigned flags[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    0,
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      struct io_uring_params p = {
        .flags = flags[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED,
        .cq_entries = completions,
      };

      memset (ring, 0, sizeof *ring);
      if (io_uring_queue_init_params (entries, ring, &p) == 0)
        {
          /* Waiting with a time limit, and completions that are never lost. */
          const unsigned needed = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP;

          if ((p.features & needed) == needed)
            return true;
          io_uring_queue_exit (ring);
          return false;
        }
    }
  return false;
}

bool
gwt_uring_available (void)
{
  static int known = -1; /* [main] */
  struct io_uring ring;

  if (known < 0)
    {
      known = make_ring (&ring, 4, 8);
      if (known > 0)
        io_uring_queue_exit (&ring);
    }
  return known > 0;
}

bool
gwt_uring_open (struct gwt_block_queue *q)
{
  const struct gwt_file *file = q->leaf->data;
  unsigned entries = 8;

  if ((q->leaf->driver != &gwt_block_file && q->leaf->driver != &gwt_block_host_device)
      || !file->uring)
    return false;
  while (entries < q->depth + 1 && entries < ENTRIES_MAX)
    entries *= 2;
  if (!make_ring (&q->ring, entries, MIN (MAX (2 * entries, q->depth + 8), COMPLETIONS_MAX)))
    {
      gwt_log (GWT_LOG_INFO, "block: %s: no io_uring for queue %u; it uses threads",
               gwt_block_label (q->block), q->index);
      return false;
    }
  q->fixed = io_uring_register_files (&q->ring, &file->fd, 1) == 0;
  return true;
}

void
gwt_uring_close (struct gwt_block_queue *q)
{
  io_uring_queue_exit (&q->ring);
}

void
gwt_uring_enter (struct gwt_block_queue *q)
{
  /* liburing 2.3 declares a function for this and does not export it. */
  long result
      = syscall (__NR_io_uring_register, q->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);

  if (result < 0)
    gwt_log (GWT_LOG_ERROR, "block: %s: io_uring: %s", gwt_block_label (q->block),
             g_strerror (errno));
}

void
gwt_uring_flush (struct gwt_block_queue *q)
{
  int n;

  if (io_uring_sq_ready (&q->ring) == 0)
    return;
  n = io_uring_submit (&q->ring);
  /* Too much in flight for the kernel's taste: what is not taken is offered again next time. */
  if (n < 0 && n != -EAGAIN && n != -EBUSY && n != -EINTR)
    gwt_log (GWT_LOG_ERROR, "block: %s: io_uring: %s", gwt_block_label (q->block),
             g_strerror (-n));
}

static struct io_uring_sqe *
get_sqe (struct gwt_block_queue *q)
{
  struct io_uring_sqe *sqe = io_uring_get_sqe (&q->ring);

  if (sqe == NULL)
    {
      gwt_uring_flush (q);
      sqe = io_uring_get_sqe (&q->ring);
    }
  return sqe;
}

static void
prepare (struct io_uring_sqe *sqe, struct gwt_io *io, int fd)
{
  bool single = io->n_iov == 1;
  void *base = single ? io->iov->iov_base : NULL;
  unsigned length = single ? (unsigned) io->iov->iov_len : 0;

  switch (io->call)
    {
    case GWT_CALL_READ:
      if (single)
        io_uring_prep_read (sqe, fd, base, length, io->at);
      else
        io_uring_prep_readv (sqe, fd, io->iov, io->n_iov, io->at);
      break;
    case GWT_CALL_SYNC:
      io_uring_prep_fsync (sqe, fd, IORING_FSYNC_DATASYNC);
      break;
    case GWT_CALL_PUNCH:
      io_uring_prep_fallocate (sqe, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                               (off_t) io->at, (off_t) io->length);
      break;
    case GWT_CALL_ZERO:
      io_uring_prep_fallocate (sqe, fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                               (off_t) io->at, (off_t) io->length);
      break;
    default:
      if (single)
        io_uring_prep_write (sqe, fd, base, length, io->at);
      else
        io_uring_prep_writev (sqe, fd, io->iov, io->n_iov, io->at);
      if (io->call == GWT_CALL_WRITE_SYNC)
        sqe->rw_flags = RWF_DSYNC;
      break;
    }
}

bool
gwt_uring_start (struct gwt_block_queue *q, struct gwt_io *io)
{
  const struct gwt_file *file = q->leaf->data;
  struct io_uring_sqe *sqe;

  if (io->call == GWT_CALL_DISCARD || io->call == GWT_CALL_WRITE_ZEROS)
    return false;
  sqe = get_sqe (q);
  if (sqe == NULL)
    return false; /* the pool does it */
  prepare (sqe, io, q->fixed ? 0 : file->fd);
  if (q->fixed)
    sqe->flags |= IOSQE_FIXED_FILE;
  io_uring_sqe_set_data (sqe, io);
  return true;
}

bool
gwt_uring_reap (struct gwt_block_queue *q)
{
  struct io_uring_cqe *cqes[BATCH];
  bool any = false;
  unsigned n, i;

  while ((n = io_uring_peek_batch_cqe (&q->ring, cqes, BATCH)) > 0)
    {
      for (i = 0; i < n; i++)
        {
          void *data = io_uring_cqe_get_data (cqes[i]);
          struct gwt_io *io = data;

          if (data == EVENT)
            {
              q->armed = false;
              continue;
            }
          io->result = cqes[i]->res;
          gwt_file_step (q, io);
        }
      io_uring_cq_advance (&q->ring, n);
      any = true;
    }
  return any;
}

void
gwt_uring_wait (struct gwt_block_queue *q, uint64_t timeout)
{
  struct __kernel_timespec t
      = { (int64_t) (timeout / 1000000000u), (long long) (timeout % 1000000000u) };
  struct io_uring_cqe *cqe;
  int n;

  if (!q->armed)
    {
      struct io_uring_sqe *sqe = get_sqe (q);

      if (sqe == NULL)
        return;
      io_uring_prep_read (sqe, q->event_fd, &q->event_value, sizeof q->event_value, 0);
      io_uring_sqe_set_data (sqe, EVENT);
      q->armed = true;
    }
  n = io_uring_submit_and_wait_timeout (&q->ring, &cqe, 1, timeout == UINT64_MAX ? NULL : &t, NULL);
  if (n < 0 && n != -ETIME && n != -EINTR && n != -EAGAIN && n != -EBUSY)
    gwt_log (GWT_LOG_ERROR, "block: %s: io_uring: %s", gwt_block_label (q->block),
             g_strerror (-n));
}

#else

bool
gwt_uring_available (void)
{
  return false;
}

bool
gwt_uring_open (struct gwt_block_queue *q)
{
  return false;
}

void
gwt_uring_close (struct gwt_block_queue *q)
{
}

void
gwt_uring_enter (struct gwt_block_queue *q)
{
}

bool
gwt_uring_start (struct gwt_block_queue *q, struct gwt_io *io)
{
  return false;
}

void
gwt_uring_flush (struct gwt_block_queue *q)
{
}

bool
gwt_uring_reap (struct gwt_block_queue *q)
{
  return false;
}

void
gwt_uring_wait (struct gwt_block_queue *q, uint64_t timeout)
{
}
#endif
