/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine lock and entering devices.  Owns who may run a device's callbacks; must not know what
 * they do.
 *
 * The order that excludes deadlock: machine lock, then at most one device lock, and nothing behind
 * it.  A thread inside a device with its own lock that has to reach another locked device (an
 * interrupt line, say) therefore does not go there at once: it leaves the delivery with
 * gwt_lock_defer, and gwt_device_leave carries it out when the device lock has been dropped.
 */
#include "config.h"
#include "core/device/lock.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "core/device/device.h"
#include "core/util/log.h"

/* ---- the machine lock ------------------------------------------------------------------------ */

/*
 * Taken on every MMIO access, so the uncontended path is one compare and swap.  Whoever was woken
 * for the lock and found it taken again counts as starved, and while anybody is, newcomers wait at
 * the gate: a vCPU that does nothing but MMIO cannot keep the main loop out.
 */
enum
{
  FREE,
  TAKEN,
  TAKEN_SLEEPERS
};

static _Alignas(64) atomic_uint lock_word;
static _Alignas(64) atomic_uint starved;
static __thread bool machine_held;

static void
futex_wait (atomic_uint *word, unsigned value)
{
  syscall (SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void
futex_wake (atomic_uint *word, int count)
{
  syscall (SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static inline void
relax (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#endif
}

/* What is held under the lock is short, so it often pays to look again before sleeping. */
static bool
spin_for_lock (void)
{
  for (int i = 0; i < 200; i++)
    {
      unsigned word = FREE;
      if (atomic_load_explicit (&lock_word, memory_order_relaxed) == FREE
          && atomic_load_explicit (&starved, memory_order_relaxed) == 0
          && atomic_compare_exchange_strong_explicit (&lock_word, &word, TAKEN,
                                                      memory_order_acquire, memory_order_relaxed))
        return true;
      relax ();
    }
  return false;
}

static void (*wait_hook) (bool begins);

void
gwt_lock_set_wait_hook (void (*fn) (bool begins))
{
  wait_hook = fn;
}

static void
lock_sleeping (void)
{
  /* At the gate at most once: who has waited there queues with the others, so that nobody waits for
   * ever. */
  unsigned others = atomic_load (&starved);
  if (others != 0)
    futex_wait (&starved, others);
  bool counted = false;
  /* TAKEN_SLEEPERS even when there may be none: one wake too many is harmless, one too few is not.
   */
  while (atomic_exchange_explicit (&lock_word, TAKEN_SLEEPERS, memory_order_acquire) != FREE)
    {
      futex_wait (&lock_word, TAKEN_SLEEPERS);
      if (!counted && atomic_load_explicit (&lock_word, memory_order_relaxed) != FREE)
        {
          counted = true;
          atomic_fetch_add (&starved, 1);
        }
    }
  if (counted && atomic_fetch_sub (&starved, 1) == 1)
    futex_wake (&starved, INT_MAX);
}

static __attribute__ ((noinline)) void
lock_slow (void)
{
  if (spin_for_lock ())
    return;
  if (wait_hook)
    wait_hook (true);
  lock_sleeping ();
  if (wait_hook)
    wait_hook (false);
}

void
gwt_machine_lock (void)
{
  if (machine_held)
    {
      /* A mistake of ours that would hang the process without a word. */
      gwt_log (GWT_LOG_ERROR, "internal: the machine lock was taken twice by one thread");
      return;
    }
  unsigned word = FREE;
  if (atomic_load_explicit (&starved, memory_order_relaxed) != 0
      || !atomic_compare_exchange_strong_explicit (&lock_word, &word, TAKEN, memory_order_acquire,
                                                   memory_order_relaxed))
    lock_slow ();
  machine_held = true;
}

/* ---- errands --------------------------------------------------------------------------------- */

/* Newest first; taken as a whole. */
static _Atomic (struct gwt_errand *) errands;
static __thread bool io_thread;

void
gwt_lock_io_thread (bool on)
{
  io_thread = on;
}

bool
gwt_lock_is_io_thread (void)
{
  return io_thread;
}

void
gwt_lock_run_errands (void)
{
  struct gwt_errand *taken;

  while ((taken = atomic_exchange (&errands, NULL)) != NULL)
    {
      struct gwt_errand *oldest = NULL;

      while (taken)
        {
          struct gwt_errand *next = taken->next;

          taken->next = oldest;
          oldest = taken;
          taken = next;
        }
      while (oldest)
        {
          struct gwt_errand *next = oldest->next;

          oldest->fn (oldest);
          oldest = next;
        }
    }
}

static bool
lock_at_once (void)
{
  unsigned word = FREE;

  if (!atomic_compare_exchange_strong (&lock_word, &word, TAKEN))
    return false;
  machine_held = true;
  return true;
}

void
gwt_machine_unlock (void)
{
  /* Who leaves an errand looks at the lock afterwards, and here the lock is dropped before the
     errands are looked at once more; both in one total order.  So one of the two sees the other. */
  do
    {
      if (G_UNLIKELY (atomic_load_explicit (&errands, memory_order_relaxed) != NULL))
        gwt_lock_run_errands ();
      machine_held = false;
      if (atomic_exchange (&lock_word, FREE) == TAKEN_SLEEPERS)
        futex_wake (&lock_word, 1);
    }
  while (G_UNLIKELY (atomic_load (&errands) != NULL) && lock_at_once ());
}

bool
gwt_machine_lock_held (void)
{
  return machine_held;
}

/* ---- devices --------------------------------------------------------------------------------- */

enum
{
  TOKEN_NONE,
  TOKEN_MACHINE,
  TOKEN_DEVICE
};

/* The device whose own lock this thread holds; there is never more than one. */
static __thread struct gwt_device *device_held;

struct deferred
{
  gwt_deferred_fn fn;
  void *what;
  uint32_t arg;
};

static __thread struct
{
  struct deferred *list;
  size_t count, room;
} deferred;

int
gwt_device_enter (struct gwt_device *device)
{
  switch (device->type->d.threads)
    {
    case GWT_THREADS_PARALLEL:
      return TOKEN_NONE;
    case GWT_THREADS_DEVICE:
      if (device_held == device)
        return TOKEN_NONE;
      if (pthread_mutex_trylock (&device->lock) != 0)
        {
          if (wait_hook)
            wait_hook (true);
          pthread_mutex_lock (&device->lock);
          if (wait_hook)
            wait_hook (false);
        }
      device_held = device;
      return TOKEN_DEVICE;
    default:
      if (machine_held)
        return TOKEN_NONE;
      gwt_machine_lock ();
      return TOKEN_MACHINE;
    }
}

static void
run_deferred (void)
{
  /* What runs here may defer again while it is inside a device of its own: take the list away
   * first. */
  struct deferred *list = deferred.list;
  size_t count = deferred.count;
  memset (&deferred, 0, sizeof deferred);
  for (size_t i = 0; i < count; i++)
    list[i].fn (list[i].what, list[i].arg);
  g_free (list);
}

void
gwt_device_leave (struct gwt_device *device, int token)
{
  if (token == TOKEN_NONE)
    return;
  if (token == TOKEN_MACHINE)
    {
      gwt_machine_unlock ();
      return;
    }
  device_held = NULL;
  pthread_mutex_unlock (&device->lock);
  if (G_UNLIKELY (deferred.count > 0))
    run_deferred ();
}

static void
unlock_later (void *what, uint32_t arg)
{
  (void) what;
  (void) arg;
  if (lock_at_once ())
    gwt_machine_unlock ();
}

void
gwt_lock_errand (struct gwt_errand *errand)
{
  errand->next = atomic_load (&errands);
  while (!atomic_compare_exchange_weak (&errands, &errand->next, errand))
    ;
  /* Not from within a device's own lock, which comes after the machine lock: once that is dropped,
     unless somebody else has done it by then. */
  if (device_held != NULL)
    gwt_lock_defer (unlock_later, NULL, 0);
  else if (machine_held)
    gwt_lock_run_errands ();
  else if (lock_at_once ())
    gwt_machine_unlock ();
}

bool
gwt_device_lock_held (void)
{
  return device_held != NULL;
}

bool
gwt_device_may_enter (struct gwt_device *device)
{
  uint32_t threads = device->type->d.threads;
  if (device_held == NULL || device_held == device || threads == GWT_THREADS_PARALLEL)
    return true;
  return threads != GWT_THREADS_DEVICE && machine_held;
}

void
gwt_lock_defer (gwt_deferred_fn fn, void *what, uint32_t arg)
{
  if (deferred.count == deferred.room)
    {
      deferred.room = deferred.room * 2 + 4;
      deferred.list = g_renew (struct deferred, deferred.list, deferred.room);
    }
  deferred.list[deferred.count++] = (struct deferred){ fn, what, arg };
}
