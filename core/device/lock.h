/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine lock and the three thread models.  Order: the machine lock first, then at most one
 * device lock, and no lock behind that.  So a thread that holds a device's own lock must not call
 * gwt_machine_lock unless it held that before; who wants to reach a locked device from there asks
 * gwt_device_may_enter and, where the answer is no, leaves the work with gwt_lock_defer.
 */
#ifndef CORE_DEVICE_LOCK_H
#define CORE_DEVICE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct gwt_device;

void gwt_machine_lock (void); /* not recursive */
void gwt_machine_unlock (void);
bool gwt_machine_lock_held (void); /* by this thread */

/* True while this thread is inside a device with its own lock. */
bool gwt_device_lock_held (void);
/* FN (true) is called before a thread waits for one of these locks, FN (false) afterwards; not
   where the lock was free.  core/cpu says so that such a thread executes no guest code. */
void gwt_lock_set_wait_hook (void (*fn) (bool begins));

/*
 * Threads of back ends ([io]) never wait for the machine lock: whoever holds it may be waiting for
 * them (a disk is quiesced, say).  What they want done under it they leave as an errand.
 */
void gwt_lock_io_thread (bool on); /* this thread is one, or is none any more */
bool gwt_lock_is_io_thread (void);

/* Owned by the caller; it is not touched any more once FN was called. */
struct gwt_errand
{
  struct gwt_errand *next;
  void (*fn) (struct gwt_errand *errand);
};

/* [any] Have ERRAND->fn called with the machine lock held and no device lock: here and now where
   the lock is free or this thread's, else by its holder, at the latest when he drops it.  Errands
   of one thread are run in order.  ERRAND must not be waiting already. */
void gwt_lock_errand (struct gwt_errand *errand);
/* [main] Run what waits now. */
void gwt_lock_run_errands (void);

/* Enter a device's callbacks as its type declares (machine lock, own lock, nothing); re-entry by
   the thread that is inside already is allowed and takes nothing.  Returns a token for
   gwt_device_leave. */
int gwt_device_enter (struct gwt_device *device);
void gwt_device_leave (struct gwt_device *device, int token);

/* False where this thread is inside a device with its own lock and entering DEVICE would need
 * another lock. */
bool gwt_device_may_enter (struct gwt_device *device);
/* Run FN (WHAT, ARG) on this thread as soon as it has left the device whose own lock it holds; in
 * order. */
typedef void (*gwt_deferred_fn) (void *what, uint32_t arg);
void gwt_lock_defer (gwt_deferred_fn fn, void *what, uint32_t arg);

#endif
