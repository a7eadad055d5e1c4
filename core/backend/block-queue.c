/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thread per queue: it looks for the device's work, starts requests, sees them complete, and
 * sleeps in between.  Owns in which of its lists a request is; must not know what a driver does
 * with one, nor what becomes of a failed one.
 *
 * A request is in exactly one place: with the driver, delayed or throttled (these are `active`),
 * parked until the machine goes on, away until a server is back, or completed.  Hold waits until
 * none is active or completed.
 */
#include "config.h"
#include "core/backend/block-internal.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include "core/device/lock.h"
#include "core/util/log.h"

#define NEVER UINT64_MAX

uint64_t
gwt_block_now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

/* ---- waking ---------------------------------------------------------------------------------- */

static void
wake (struct gwt_block_queue *q)
{
  static const uint64_t one = 1;

  /* Can only fail when the counter is full, and then it wakes anyway. */
  if (atomic_load (&q->sleeping) && write (q->event_fd, &one, sizeof one) < 0)
    return;
}

void
gwt_queue_signal (struct gwt_block_queue *q, unsigned signal)
{
  if ((atomic_fetch_or (&q->signals, signal) & signal) != signal)
    wake (q);
}

void
gwt_queue_remote (struct gwt_io *io)
{
  struct gwt_block_queue *q = io->queue;
  struct gwt_io *head = atomic_load_explicit (&q->remote, memory_order_relaxed);

  do
    io->next = head;
  while (!atomic_compare_exchange_weak (&q->remote, &head, io));
  if (head == NULL)
    wake (q);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void
complete (struct gwt_block_queue *q, struct gwt_io *io, int status)
{
  gwt_io_request (io)->status = status;
  gwt_io_list_add (&q->completed, io);
}

static void
count (struct gwt_block_queue *q, struct gwt_io *io, int result)
{
  uint64_t size = gwt_io_request (io)->size;

  if (result != 0)
    {
      atomic_fetch_add_explicit (&q->stats[io->op].failed, 1, memory_order_relaxed);
      return;
    }
  atomic_fetch_add_explicit (&q->stats[io->op].operations, 1, memory_order_relaxed);
  atomic_fetch_add_explicit (&q->stats[io->op].bytes, size, memory_order_relaxed);
  atomic_fetch_add_explicit (&q->stats[io->op].ns, gwt_block_now () - io->began,
                             memory_order_relaxed);
  if (io->op == GWT_IO_WRITE
      && gwt_io_request (io)->offset + size
             > atomic_load_explicit (&q->highest_write, memory_order_relaxed))
    atomic_store_explicit (&q->highest_write, gwt_io_request (io)->offset + size,
                           memory_order_relaxed);
}

void
gwt_queue_finish (struct gwt_block_queue *q, struct gwt_io *io, int result)
{
  int32_t status = 0;

  q->active--;
  if (G_UNLIKELY (io->scratch != NULL))
    free (io->scratch);
  io->scratch = NULL;
  if (result == GWT_IO_AWAY)
    {
      gwt_io_list_add (&q->away, io);
      return;
    }
  count (q, io, result);
  if (G_UNLIKELY (result != 0) && gwt_block_judge (q->block, io, -result, &status))
    gwt_io_list_add (&q->parked, io);
  else
    complete (q, io, status);
}

void
gwt_queue_delay (struct gwt_block_queue *q, struct gwt_io *io)
{
  gwt_io_list_add (&q->delayed, io);
}

static void
start (struct gwt_block_queue *q, struct gwt_io *io)
{
  io->done = 0;
  io->bounce = 0;
  if (io->op != GWT_IO_READ && io->op != GWT_IO_FLUSH)
    atomic_store_explicit (&q->leaf->dirty, true, memory_order_relaxed);
  q->leaf->driver->start (q, io);
}

/* 0, or how long IO has to wait. */
static uint64_t
ask_throttles (struct gwt_block_queue *q, struct gwt_io *io, uint64_t now)
{
  struct gwt_block *block = q->block;

  /* One after the other: what the first gave is spent even where the second says no, so ask the
     same one only once.  `pieces` counts those that gave. */
  while (io->pieces < block->n_throttles)
    {
      uint64_t wait = gwt_throttle_ask (block->throttles[io->pieces], io->op != GWT_IO_READ,
                                        gwt_io_request (io)->size, now);
      if (wait > 0)
        return wait;
      io->pieces++;
    }
  io->pieces = 0;
  return 0;
}

static void
throttle_or_start (struct gwt_block_queue *q, struct gwt_io *io)
{
  guint which = io->op != GWT_IO_READ;

  q->active++;
  if (G_UNLIKELY (q->block->n_throttles > 0) && io->op != GWT_IO_FLUSH
      && atomic_load (&q->n_holds) == 0)
    {
      uint64_t wait = 0;

      if (q->throttled[which].head == NULL)
        {
          uint64_t now = gwt_block_now ();

          wait = ask_throttles (q, io, now);
          q->throttled_until[which] = now + wait;
        }
      if (q->throttled[which].head != NULL || wait > 0)
        {
          gwt_io_list_add (&q->throttled[which], io);
          return;
        }
    }
  io->pieces = 0;
  start (q, io);
}

static bool
is_zero (const void *data, uint64_t size)
{
  const char *p = data;

  return size == 0 || (p[0] == 0 && memcmp (p, p + 1, size - 1) == 0);
}

static bool
all_zero (const struct gwt_block_request *r)
{
  uint32_t i;

  for (i = 0; i < r->n_iov; i++)
    if (!is_zero (r->iov[i].base, r->iov[i].size))
      return false;
  return true;
}

/* An errno value for what no back end could do, else 0. */
static int
check (struct gwt_block_queue *q, const struct gwt_block_request *r)
{
  struct gwt_block *block = q->block;
  uint64_t size = gwt_block_size (block);

  if (r->op < GWT_BLOCK_READ || r->op > GWT_BLOCK_WRITE_ZEROES || r->op % 1000 != 0)
    return EINVAL;
  if (r->op == GWT_BLOCK_FLUSH)
    return 0;
  if (r->op != GWT_BLOCK_READ && (block->read_only || !block->use.writes))
    return EPERM;
  if (r->offset % q->leaf->logical != 0 || r->size % q->leaf->logical != 0)
    return EINVAL;
  if (r->op <= GWT_BLOCK_WRITE)
    {
      uint64_t sum = 0;
      uint32_t i;

      if (r->n_iov > GWT_BLOCK_IOV_MAX)
        return EINVAL;
      for (i = 0; i < r->n_iov; i++)
        if (__builtin_add_overflow (sum, r->iov[i].size, &sum))
          return EINVAL;
      if (sum != r->size)
        return EINVAL;
    }
  return r->offset > size || r->size > size - r->offset ? EIO : 0;
}

static void
take_in (struct gwt_block_queue *q, struct gwt_block_request *r)
{
  struct gwt_block *block = q->block;
  struct gwt_io *io = gwt_request_io (r);
  int error = check (q, r);

  memset (io, 0, sizeof *io);
  io->queue = q;
  q->used++;
  if (error != 0)
    {
      if (r->op >= GWT_BLOCK_READ && r->op <= GWT_BLOCK_WRITE_ZEROES)
        atomic_fetch_add_explicit (&q->stats[r->op / 1000].invalid, 1, memory_order_relaxed);
      complete (q, io, error);
      return;
    }
  io->op = (uint8_t) (r->op / 1000);
  io->flags = (uint8_t) (r->flags & (GWT_BLOCK_FUA | GWT_BLOCK_MAY_UNMAP));
  io->offset = block->leaf_offset + r->offset;
  io->began = gwt_block_now ();
  if ((r->size == 0 && io->op != GWT_IO_FLUSH) || (io->op == GWT_IO_FLUSH && block->chain_no_flush)
      || (io->op == GWT_IO_DISCARD && !block->chain_unmap))
    {
      count (q, io, 0);
      complete (q, io, 0);
      return;
    }
  if (G_UNLIKELY (block->chain_detect != GWT_DETECT_ZEROES_OFF) && io->op == GWT_IO_WRITE
      && all_zero (r))
    {
      io->op = GWT_IO_ZERO;
      if (block->chain_detect == GWT_DETECT_ZEROES_UNMAP)
        io->flags |= GWT_BLOCK_MAY_UNMAP;
    }
  if (!block->chain_unmap)
    io->flags &= (uint8_t) ~GWT_BLOCK_MAY_UNMAP;
  if (atomic_load_explicit (&block->guest_write_through, memory_order_relaxed))
    io->flags |= GWT_BLOCK_FUA | GWT_IO_SYNC_ALL;
  else if (block->chain_write_through)
    io->flags |= GWT_BLOCK_FUA;
  if (block->chain_no_flush)
    io->flags &= (uint8_t) ~(GWT_BLOCK_FUA | GWT_IO_SYNC_ALL);
  throttle_or_start (q, io);
}

uint32_t
gwt_queue_submit (struct gwt_block_queue *q, struct gwt_block_request *const *requests,
                  uint32_t n)
{
  uint32_t taken = 0;

  if (atomic_load (&q->n_holds) == 0)
    while (taken < n && q->used < q->depth)
      take_in (q, requests[taken++]);
  if (taken < n)
    q->starved = true;
  return taken;
}

/* ---- what the thread does, one kind of thing each -------------------------------------------- */

/* True where there was something. */
static bool
take_remote (struct gwt_block_queue *q)
{
  struct gwt_io *io = atomic_exchange (&q->remote, NULL), *first = NULL;

  while (io != NULL)
    {
      struct gwt_io *next = io->next;

      io->next = first;
      first = io;
      io = next;
    }
  io = first;
  while (io != NULL)
    {
      struct gwt_io *next = io->next;

      q->leaf->driver->step (q, io);
      io = next;
    }
  return first != NULL;
}

static void
restart (struct gwt_block_queue *q, struct gwt_io_list *list)
{
  struct gwt_io_list mine = *list;
  struct gwt_io *io;

  if (mine.head == NULL)
    return;
  gwt_io_list_init (list);
  while ((io = mine.head) != NULL)
    {
      mine.head = io->next;
      q->active++;
      start (q, io);
    }
}

static void
cancel_list (struct gwt_block_queue *q, struct gwt_io_list *list)
{
  struct gwt_io *io;

  while ((io = gwt_io_list_take (list)) != NULL)
    complete (q, io, ECANCELED);
}

/* Start what waited long enough; the time of the next one. */
static uint64_t
expire (struct gwt_block_queue *q)
{
  bool held = atomic_load (&q->n_holds) > 0;
  uint64_t next = NEVER, now;
  struct gwt_io *io;
  guint i;

  if (q->delayed.head == NULL && q->throttled[0].head == NULL && q->throttled[1].head == NULL
      && q->away.head == NULL)
    return NEVER;
  now = gwt_block_now ();
  while ((io = q->delayed.head) != NULL && io->due <= now)
    {
      gwt_io_list_take (&q->delayed);
      gwt_queue_finish (q, io, io->result);
    }
  if (q->delayed.head != NULL)
    next = q->delayed.head->due;
  for (i = 0; i < 2; i++)
    {
      while ((io = q->throttled[i].head) != NULL)
        {
          uint64_t wait = held ? 0 : ask_throttles (q, io, now);

          if (wait > 0)
            {
              q->throttled_until[i] = now + wait;
              next = MIN (next, q->throttled_until[i]);
              break;
            }
          io->pieces = 0;
          gwt_io_list_take (&q->throttled[i]);
          start (q, io);
        }
    }
  /* Not in a hold: the machine may be paused for hours. */
  while (!held && (io = q->away.head) != NULL && io->due <= now)
    {
      gwt_io_list_take (&q->away);
      q->active++;
      start (q, io);
    }
  if (!held && q->away.head != NULL)
    next = MIN (next, q->away.head->due);
  return next;
}

static bool
tell_device (struct gwt_block_queue *q)
{
  bool any = q->completed.head != NULL;
  struct gwt_io *io;

  while ((io = gwt_io_list_take (&q->completed)) != NULL)
    {
      struct gwt_block_request *r = gwt_io_request (io);

      q->used--;
      r->done (r);
    }
  return any;
}

static void
work (struct gwt_block_queue *q)
{
  q->kicked = false;
  q->starved = false;
  q->block->use.work (q->block->self, q->index);
}

/* True where the loop is to run once more. */
static bool
obey_hold (struct gwt_block_queue *q)
{
  bool again = false;

  if (atomic_load (&q->n_holds) == 0)
    return false;
  g_mutex_lock (&q->lock);
  if (q->holds > 0)
    {
      if (q->cancel)
        {
          q->cancel = false;
          cancel_list (q, &q->parked);
          cancel_list (q, &q->away);
        }
      again = q->completed.head != NULL;
      if (!again && q->active == 0 && !q->quiet)
        {
          q->quiet = true;
          g_cond_broadcast (&q->changed);
        }
    }
  g_mutex_unlock (&q->lock);
  return again;
}

static void
sleep_until (struct gwt_block_queue *q, uint64_t when)
{
  uint64_t now = when == NEVER ? 0 : gwt_block_now (), left = when == NEVER ? NEVER : when - now;

  if (when != NEVER && when <= now)
    return;
  atomic_store (&q->sleeping, true);
  if (atomic_load (&q->signals) == 0 && atomic_load (&q->remote) == NULL)
    {
      if (q->use_uring)
        gwt_uring_wait (q, left);
      else
        {
          struct pollfd p = { .fd = q->event_fd, .events = POLLIN };
          struct timespec t = { (time_t) (left / 1000000000u), (long) (left % 1000000000u) };
          uint64_t value;

          if (ppoll (&p, 1, left == NEVER ? NULL : &t, NULL) > 0
              && read (q->event_fd, &value, sizeof value) < 0)
            gwt_log (GWT_LOG_ERROR, "block: event: %s", g_strerror (errno));
        }
    }
  atomic_store (&q->sleeping, false);
}

static void *
queue_thread (void *data)
{
  struct gwt_block_queue *q = data;

  prctl (PR_SET_NAME, q->name);
  gwt_lock_io_thread (true);
  if (q->use_uring)
    gwt_uring_enter (q);
  for (;;)
    {
      unsigned signals = atomic_exchange (&q->signals, 0);
      bool held = atomic_load (&q->n_holds) > 0, again;
      uint64_t next;

      if (signals & GWT_SIGNAL_QUIT)
        break;
      if (signals & GWT_SIGNAL_KICK)
        q->kicked = true;
      if (signals & GWT_SIGNAL_RETRY)
        q->retry = true;
      if (!held && q->retry)
        {
          restart (q, &q->parked);
          q->retry = false;
        }
      again = take_remote (q);
      next = expire (q);
      again |= tell_device (q);
      if (!held && (q->kicked || (q->starved && q->used < q->depth)))
        {
          work (q);
          again = true;
        }
      if (q->use_uring)
        {
          gwt_uring_flush (q);
          again |= gwt_uring_reap (q);
        }
      again |= q->completed.head != NULL;
      again |= obey_hold (q);
      if (!again)
        sleep_until (q, next);
    }
  gwt_lock_io_thread (false);
  return NULL;
}

/* ---- from other threads ---------------------------------------------------------------------- */

void
gwt_queue_kick (struct gwt_block_queue *q)
{
  if (G_UNLIKELY (!atomic_load_explicit (&q->started, memory_order_acquire)))
    {
      g_mutex_lock (&q->lock);
      if (q->thread == NULL)
        {
          q->thread = g_thread_try_new (q->name, queue_thread, q, NULL);
          q->quiet = false;
          atomic_store (&q->started, q->thread != NULL);
          if (q->thread == NULL)
            gwt_log (GWT_LOG_ERROR, "block: %s: no thread for queue %u; its requests wait",
                     gwt_block_label (q->block), q->index);
        }
      g_mutex_unlock (&q->lock);
    }
  gwt_queue_signal (q, GWT_SIGNAL_KICK);
}

void
gwt_queue_hold (struct gwt_block_queue *q, bool cancel)
{
  g_mutex_lock (&q->lock);
  q->holds++;
  atomic_store (&q->n_holds, q->holds);
  if (q->thread != NULL)
    {
      if (cancel)
        {
          q->cancel = true;
          q->quiet = false;
        }
      gwt_queue_signal (q, GWT_SIGNAL_HOLD);
      while (!q->quiet)
        g_cond_wait (&q->changed, &q->lock);
    }
  g_mutex_unlock (&q->lock);
}

void
gwt_queue_release (struct gwt_block_queue *q)
{
  bool last;

  g_mutex_lock (&q->lock);
  last = q->holds > 0 && --q->holds == 0;
  atomic_store (&q->n_holds, q->holds);
  if (last)
    q->quiet = false;
  if (last && q->thread != NULL)
    gwt_queue_signal (q, GWT_SIGNAL_KICK);
  g_mutex_unlock (&q->lock);
}

struct gwt_block_queue *
gwt_queue_new (struct gwt_block *block, uint32_t index, uint32_t depth, struct gwt_error *err)
{
  /* g_new aligns to 16. */
  struct gwt_block_queue *q = aligned_alloc (64, (sizeof *q + 63) & ~(size_t) 63);
  guint i;

  if (q == NULL)
    {
      gwt_error_set (err, GWT_E_IO, "no memory for queue %u; give the guest fewer queues", index);
      return NULL;
    }
  memset (q, 0, sizeof *q);
  q->block = block;
  q->leaf = block->leaf;
  q->index = index;
  q->depth = depth;
  g_snprintf (q->name, sizeof q->name, "block/%u", index);
  g_mutex_init (&q->lock);
  g_cond_init (&q->changed);
  gwt_io_list_init (&q->completed);
  gwt_io_list_init (&q->parked);
  gwt_io_list_init (&q->away);
  gwt_io_list_init (&q->delayed);
  for (i = 0; i < 2; i++)
    gwt_io_list_init (&q->throttled[i]);
  q->event_fd = eventfd (0, EFD_CLOEXEC);
  if (q->event_fd < 0)
    {
      gwt_error_set (err, GWT_E_IO, "no event file for queue %u: %s; raise the limit of open files",
                     index, g_strerror (errno));
      gwt_queue_free (q);
      return NULL;
    }
  q->use_uring = gwt_uring_open (q);
  return q;
}

void
gwt_queue_free (struct gwt_block_queue *q)
{
  if (q->thread != NULL)
    {
      gwt_queue_signal (q, GWT_SIGNAL_QUIT);
      g_thread_join (q->thread);
    }
  if (q->use_uring)
    gwt_uring_close (q);
  if (q->event_fd >= 0)
    close (q->event_fd);
  g_mutex_clear (&q->lock);
  g_cond_clear (&q->changed);
  free (q);
}
