/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that may block in a system call, for what io_uring cannot do and for where there is none.
 * They come with the work and go when there has been none for a while.
 */
#include "config.h"
#include "core/backend/block-internal.h"

#define THREADS_MAX 64
#define IDLE_SECONDS 10

static struct
{
  GMutex lock;
  GCond work, gone;
  struct gwt_io *head, *tail;
  guint waiting; /* calls in the list */
  guint threads, idle;
  bool quit;
} pool;

static void *
pool_thread (void *data)
{
  g_mutex_lock (&pool.lock);
  for (;;)
    {
      struct gwt_io *io = pool.head;

      if (io == NULL)
        {
          gint64 until = g_get_monotonic_time () + IDLE_SECONDS * G_TIME_SPAN_SECOND;
          bool woken = true;

          if (pool.quit)
            break;
          pool.idle++;
          while (woken && pool.head == NULL && !pool.quit)
            woken = g_cond_wait_until (&pool.work, &pool.lock, until);
          pool.idle--;
          if (!woken && pool.head == NULL)
            break;
          continue;
        }
      pool.head = io->next;
      pool.waiting--;
      g_mutex_unlock (&pool.lock);
      io->result = gwt_file_call (io->queue->leaf->data, io);
      gwt_queue_remote (io);
      g_mutex_lock (&pool.lock);
    }
  pool.threads--;
  g_cond_broadcast (&pool.gone);
  g_mutex_unlock (&pool.lock);
  return NULL;
}

void
gwt_pool_run (struct gwt_io *io)
{
  bool here = false;

  g_mutex_lock (&pool.lock);
  if (pool.waiting >= pool.idle && pool.threads < THREADS_MAX)
    {
      GThread *thread = g_thread_try_new ("block/pool", pool_thread, NULL, NULL);

      if (thread != NULL)
        {
          pool.threads++;
          g_thread_unref (thread);
        }
      here = pool.threads == 0;
    }
  if (!here)
    {
      io->next = NULL;
      if (pool.head == NULL)
        pool.head = io;
      else
        pool.tail->next = io;
      pool.tail = io;
      pool.waiting++;
      g_cond_signal (&pool.work);
    }
  g_mutex_unlock (&pool.lock);
  if (!here)
    return;
  /* No thread to be had: slowly is better than not at all. */
  io->result = gwt_file_call (io->queue->leaf->data, io);
  gwt_queue_remote (io);
}

void
gwt_pool_finish (void)
{
  g_mutex_lock (&pool.lock);
  pool.quit = true;
  g_cond_broadcast (&pool.work);
  while (pool.threads > 0)
    g_cond_wait (&pool.gone, &pool.lock);
  pool.quit = false;
  g_mutex_unlock (&pool.lock);
}
