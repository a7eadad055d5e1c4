/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vCPU threads: running, halting, stopping, and making them drop direct pointers to memory.  It
 * must not know why the machine stops, nor what a CPU executes.
 *
 * Each vCPU has a mode and a set of attention bits.  Whoever wants something sets a bit, then
 * exit_request, then kicks; the thread looks at the bits each time before it enters the guest,
 * after having said so in its mode.  Both sides use sequentially consistent operations: either the
 * thread sees the bit or the other side sees the mode.
 *
 *   OUT    not inside run ()
 *   HOST   inside run (), but in a device's callback or waiting for a lock
 *   GUEST  inside run () and executing
 *
 * A change of the map is announced by a thread that holds the machine lock and may be a vCPU in a
 * device's callback; it waits until no other vCPU is in GUEST.  That cannot deadlock: a vCPU in
 * GUEST leaves at the next block, and the moment it would wait for a lock or enters a device it is
 * in HOST.  From HOST it comes back with exit_request set and looks before it uses a direct pointer
 * again.
 *
 * Stopping and the start of a dirty round wait for OUT, for a callback may come back and store once
 * more through a pointer that is looked up already.  A callback may need the machine lock to come
 * back, so whoever waits for OUT drops it meanwhile.
 */
#include "config.h"
#include "core/cpu/vcpu.h"
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "core/cpu/icount.h"
#include "core/device/irq.h"
#include "core/device/lock.h"
#include "core/memory/memory.h"
#include "core/util/extension.h"
#include "core/util/log.h"

enum
{
  OUT,
  HOST,
  GUEST
};

enum
{
  STOP = 1 << 0, /* the machine stands still */
  HOLD = 1 << 1, /* until the main loop has seen to this vCPU's request */
  QUIT = 1 << 2,
  MAP = 1 << 3,
  DIRTY = 1 << 4,
  WORK = 1 << 5,
  REST = 1 << 6 /* until `rest_end`; gives way to all else */
};

struct work
{
  struct work *next;
  void (*fn) (void *self, void *arg);
  void *arg;
  bool done;
};

struct vcpu
{
  atomic_uint mode;
  atomic_uint attention;
  atomic_uint sleeping; /* futex word: 1 while the thread sleeps or is about to */
  atomic_bool halted;
  atomic_ullong executed;
  struct gwt_device *device;
  void *self;
  struct gwt_cpu_ops ops; /* normalized */
  struct gwt_cpu_run run;
  struct work *work, **work_end; /* under `control` */
  GThread *thread;
  atomic_int tid;
  gint64 rest_end; /* under `control` */
  struct gwt_icount_hart turns;
};

static GPtrArray *vcpus; /* [main]; others read it while vCPUs exist */
static __thread struct vcpu *current;
static bool running; /* [main] STOP is not asked of new vCPUs */

/* Leaf lock for parking, waiting for modes, and work lists. */
static GMutex control;
static GCond changed;

/* ---- attention ------------------------------------------------------------------------------- */

static void
futex_wake (atomic_uint *word)
{
  syscall (SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void
wake (struct vcpu *v)
{
  /* Between what the caller made pending and the look at `sleeping`; the thread does it the
     other way round, so that one of them sees the other. */
  atomic_thread_fence (memory_order_seq_cst);
  if (G_UNLIKELY (atomic_load_explicit (&v->sleeping, memory_order_relaxed))
      && atomic_exchange (&v->sleeping, 0))
    futex_wake (&v->sleeping);
  if (G_UNLIKELY (gwt_icount_on ()))
    gwt_icount_woken ();
}

static void
ask (struct vcpu *v, unsigned bit)
{
  atomic_fetch_or (&v->attention, bit);
  __atomic_store_n (&v->run.exit_request, 1, __ATOMIC_SEQ_CST);
  if (atomic_load (&v->mode) != OUT && v->ops.kick)
    v->ops.kick (v->self);
  /* Who sleeps has no pointer in use and looks before it goes on. */
  if (!(bit & (MAP | DIRTY | REST)))
    wake (v);
}

/* Tell those who wait for a mode. */
static void
tell (void)
{
  g_mutex_lock (&control);
  g_cond_broadcast (&changed);
  g_mutex_unlock (&control);
  if (G_UNLIKELY (gwt_icount_on ()))
    gwt_icount_stir ();
}

/* Wait until V is in no mode above MOST, or has seen to BIT since. */
static void
wait_for (struct vcpu *v, unsigned most, unsigned bit)
{
  g_mutex_lock (&control);
  while (atomic_load (&v->mode) > most && (atomic_load (&v->attention) & bit))
    /* Going from GUEST to HOST is announced without a fence (enter_host), so look again by and
       by. */
    g_cond_wait_until (&changed, &control, g_get_monotonic_time () + G_TIME_SPAN_MILLISECOND);
  g_mutex_unlock (&control);
}

/* Device callbacks may block and take long: whoever only waits for pointers need not wait for
   them. */
static inline void
enter_host (struct vcpu *v)
{
  atomic_store_explicit (&v->mode, HOST, memory_order_release);
  if (G_UNLIKELY (atomic_load_explicit (&v->attention, memory_order_relaxed)))
    tell ();
}

/* Back in run (), which looks at exit_request before it uses a direct pointer again. */
static inline void
leave_host (struct vcpu *v)
{
  atomic_exchange (&v->mode, GUEST);
}

/* From core/device/lock.c, around waiting for a lock. */
static void
on_lock_wait (bool begins)
{
  static __thread bool entered;

  if (!current)
    return;
  if (begins && atomic_load_explicit (&current->mode, memory_order_relaxed) == GUEST)
    {
      entered = true;
      atomic_store (&current->mode, HOST);
      if (atomic_load (&current->attention))
        tell ();
    }
  else if (!begins && entered)
    {
      entered = false;
      leave_host (current);
    }
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void
do_work (struct vcpu *v)
{
  g_mutex_lock (&control);
  atomic_fetch_and (&v->attention, ~(unsigned) WORK);
  while (v->work)
    {
      struct work *work = v->work;

      v->work = work->next;
      if (!v->work)
        v->work_end = &v->work;
      g_mutex_unlock (&control);
      work->fn (v->self, work->arg);
      g_mutex_lock (&control);
      work->done = true;
      g_cond_broadcast (&changed);
    }
  g_mutex_unlock (&control);
}

/* OUT all the while, so nobody waits for this vCPU; what else it is asked for it does, and then
   rests on. */
static void
rest (struct vcpu *v)
{
  g_mutex_lock (&control);
  while (atomic_load (&v->attention) == REST && g_get_monotonic_time () < v->rest_end)
    g_cond_wait_until (&changed, &control, v->rest_end);
  if (g_get_monotonic_time () >= v->rest_end)
    atomic_fetch_and (&v->attention, ~(unsigned) REST);
  g_mutex_unlock (&control);
}

/* See to BITS, outside run ().  False: the thread ends. */
static bool
attend (struct vcpu *v, unsigned bits)
{
  if (bits & QUIT)
    return false;
  if (bits & (MAP | DIRTY))
    {
      /* The bit goes first: a change that comes meanwhile sets it again. */
      atomic_fetch_and (&v->attention, ~(bits & (MAP | DIRTY)));
      if (v->ops.memory_changed && (bits & MAP))
        v->ops.memory_changed (v->self, GWT_CHANGE_MAP);
      if (v->ops.memory_changed && (bits & DIRTY))
        v->ops.memory_changed (v->self, GWT_CHANGE_DIRTY);
      tell ();
    }
  if (bits & WORK)
    do_work (v);
  if (bits & (STOP | HOLD))
    {
      g_mutex_lock (&control);
      g_cond_broadcast (&changed);
      while ((atomic_load (&v->attention) & (STOP | HOLD))
             && !(atomic_load (&v->attention) & (QUIT | WORK)))
        g_cond_wait (&changed, &control);
      g_mutex_unlock (&control);
    }
  if (bits & REST)
    rest (v);
  return true;
}

static void
sleep_until_work (struct vcpu *v)
{
  atomic_store (&v->sleeping, 1);
  if (v->ops.has_work (v->self))
    atomic_store (&v->halted, false);
  else if (!atomic_load (&v->attention))
    /* Returns at once where somebody has cleared the word since. */
    syscall (SYS_futex, &v->sleeping, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
  atomic_store (&v->sleeping, 0);
}

static void
see_exit (struct vcpu *v, uint32_t reason)
{
  g_autofree char *text = NULL;

  switch (reason)
    {
    case GWT_EXIT_KICKED:
    case GWT_EXIT_BUDGET:
      break;
    case GWT_EXIT_HALTED:
      atomic_store (&v->halted, true);
      break;
    case GWT_EXIT_MMIO:
      if (v->run.mmio_is_write)
        v->run.mmio_status
            = gwt_memory_store (v->run.mmio_address, v->run.mmio_size, v->run.mmio_data);
      else
        v->run.mmio_status
            = gwt_memory_load (v->run.mmio_address, v->run.mmio_size, &v->run.mmio_data);
      break;
    case GWT_EXIT_DEBUG:
      gwt_vm_stop (GWT_RUNSTATE_PAUSED);
      break;
    case GWT_EXIT_ERROR:
      gwt_run_vcpu_failed (v->device, v->run.error_text
                                          ? v->run.error_text
                                          : "the CPU cannot go on and gives no reason");
      break;
    default:
      text = g_strdup_printf ("the CPU's run () returned %u, which is no exit reason", reason);
      gwt_run_vcpu_failed (v->device, text);
    }
}

static gpointer
vcpu_main (gpointer data)
{
  struct vcpu *v = data;

  current = v;
  atomic_store (&v->tid, (int) syscall (SYS_gettid));
  for (;;)
    {
      unsigned bits;
      uint32_t reason;
      uint64_t executed;

      /* Cleared before the bits are read: who sets one from now on sets this after it. */
      __atomic_store_n (&v->run.exit_request, 0, __ATOMIC_SEQ_CST);
      bits = atomic_load (&v->attention);
      if (bits)
        {
          if (!attend (v, bits))
            break;
          continue;
        }
      if (G_UNLIKELY (gwt_icount_on ()))
        {
          if (!gwt_icount_take_turn (&v->turns))
            continue;
        }
      else if (atomic_load_explicit (&v->halted, memory_order_relaxed))
        {
          sleep_until_work (v);
          continue;
        }
      v->run.executed = 0;
      atomic_store (&v->mode, GUEST);
      if (G_UNLIKELY (atomic_load (&v->attention)))
        {
          atomic_store (&v->mode, OUT);
          continue;
        }
      reason = v->ops.run (v->self);
      /* An MMIO exit reaches a device, and counters must be right when the machine stands: not OUT
         before that is done. */
      enter_host (v);
      v->run.exit_reason = reason;
      if (G_UNLIKELY (gwt_icount_on ()))
        executed = gwt_icount_ran (&v->turns, reason);
      else
        executed = __atomic_exchange_n (&v->run.executed, 0, __ATOMIC_RELAXED);
      atomic_fetch_add (&v->executed, executed);
      see_exit (v, reason);
      atomic_store (&v->mode, OUT);
      if (atomic_load (&v->attention))
        tell ();
    }
  return NULL;
}

/* ---- making and ending ----------------------------------------------------------------------- */

static void
vcpu_end (struct vcpu *v)
{
  bool held = gwt_machine_lock_held ();

  if (!v->thread)
    return;
  ask (v, QUIT);
  tell ();
  if (held)
    gwt_machine_unlock ();
  g_thread_join (v->thread);
  if (held)
    gwt_machine_lock ();
  v->thread = NULL;
}

static void
vcpu_device_gone (void *data)
{
  struct vcpu *v = data;

  vcpu_end (v);
  if (gwt_icount_on ())
    gwt_icount_leave (&v->turns);
  if (vcpus)
    g_ptr_array_remove (vcpus, v);
  v->device->vcpu = NULL;
  g_free (v);
}

bool
gwt_vcpu_new (struct gwt_device *device, struct gwt_error *err)
{
  const struct gwt_cpu_ops *ops = gwt_device_interface (device, GWT_CPU_INTERFACE);
  struct vcpu *v;
  GError *error = NULL;
  sigset_t all, old;

  if (!ops || device->vcpu)
    {
      gwt_error_set (err, ops ? GWT_E_EXISTS : GWT_E_INVALID,
                     ops ? "device '%s': it runs as a CPU already; use another device"
                         : "device '%s': its type does not offer gwt.cpu/1; use a CPU's type",
                     device->id);
      return false;
    }
  v = g_new0 (struct vcpu, 1);
  v->device = device;
  v->self = device->instance;
  memcpy (&v->ops, ops, MIN (ops->struct_size, sizeof (v->ops)));
  if (!v->ops.attach || !v->ops.run || !v->ops.has_work)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "device '%s': its gwt.cpu/1 lacks attach, run or has_work; fix the plugin",
                     device->id);
      g_free (v);
      return false;
    }
  v->run.struct_size = sizeof (v->run);
  v->work_end = &v->work;
  atomic_init (&v->attention, running ? 0 : STOP);
  v->turns = (struct gwt_icount_hart){ &v->run, &v->ops, v->self, &v->attention, &v->halted };
  if (gwt_icount_on ())
    gwt_icount_join (&v->turns);
  v->ops.attach (v->self, &v->run);
  /* Signals are the main thread's. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  v->thread = g_thread_try_new (device->id, vcpu_main, v, &error);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  if (!v->thread)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY,
                     "device '%s': the host gives no thread (%s); use fewer CPUs (-smp)",
                     device->id, error->message);
      g_error_free (error);
      if (gwt_icount_on ())
        gwt_icount_leave (&v->turns);
      g_free (v);
      return false;
    }
  if (!vcpus)
    vcpus = g_ptr_array_new ();
  g_ptr_array_add (vcpus, v);
  device->vcpu = v;
  gwt_device_on_destroy (device, vcpu_device_gone, v);
  return true;
}

void
gwt_vcpus_finish (void)
{
  guint i;

  for (i = 0; vcpus && i < vcpus->len; i++)
    vcpu_end (g_ptr_array_index (vcpus, i));
}

/* ---- looking --------------------------------------------------------------------------------- */

static struct vcpu *
nth (guint n)
{
  return vcpus && n < vcpus->len ? g_ptr_array_index (vcpus, n) : NULL;
}

guint
gwt_vcpu_count (void)
{
  return vcpus ? vcpus->len : 0;
}

struct gwt_device *
gwt_vcpu_device (guint n)
{
  struct vcpu *v = nth (n);

  return v ? v->device : NULL;
}

int
gwt_vcpu_thread_id (guint n)
{
  struct vcpu *v = nth (n);

  return v ? atomic_load (&v->tid) : 0;
}

bool
gwt_vcpu_halted (guint n)
{
  struct vcpu *v = nth (n);

  return v && atomic_load (&v->halted);
}

uint64_t
gwt_vcpu_executed (guint n)
{
  struct vcpu *v = nth (n);

  return v ? atomic_load (&v->executed) + __atomic_load_n (&v->run.executed, __ATOMIC_RELAXED) : 0;
}

bool
gwt_vcpu_is_self (void)
{
  return current != NULL;
}

/* ---- stopping and going on ------------------------------------------------------------------- */

/* Ask all but the caller for BIT and wait for OUT, without the machine lock. */
static void
stop_all_for (unsigned bit)
{
  bool held = gwt_machine_lock_held ();
  guint i;

  for (i = 0; vcpus && i < vcpus->len; i++)
    ask (g_ptr_array_index (vcpus, i), bit);
  if (held)
    gwt_machine_unlock ();
  for (i = 0; vcpus && i < vcpus->len; i++)
    if (g_ptr_array_index (vcpus, i) != current)
      wait_for (g_ptr_array_index (vcpus, i), OUT, bit);
  if (held)
    gwt_machine_lock ();
}

void
gwt_vcpus_pause (void)
{
  running = false;
  stop_all_for (STOP);
  if (gwt_icount_on ())
    gwt_icount_stir (); /* see icount.c */
}

static void
clear_all (unsigned bit)
{
  guint i;

  for (i = 0; vcpus && i < vcpus->len; i++)
    atomic_fetch_and (&((struct vcpu *) g_ptr_array_index (vcpus, i))->attention, ~bit);
  tell ();
}

void
gwt_vcpus_resume (void)
{
  guint i;

  if (gwt_icount_on ())
    gwt_icount_new_round ();
  /* As it is in a process that has just taken the guest over. */
  for (i = 0; gwt_icount_on () && vcpus && i < vcpus->len; i++)
    {
      struct vcpu *v = g_ptr_array_index (vcpus, i);

      atomic_store (&v->halted, false);
      ask (v, MAP);
    }
  running = true;
  clear_all (STOP);
}

void
gwt_vcpu_hold_self (void)
{
  if (current)
    ask (current, HOLD);
}

void
gwt_vcpus_release_held (void)
{
  clear_all (HOLD);
}

void
gwt_vcpus_rest (gint64 end)
{
  bool later = end > g_get_monotonic_time ();
  guint i;

  for (i = 0; vcpus && i < vcpus->len; i++)
    {
      struct vcpu *v = g_ptr_array_index (vcpus, i);

      g_mutex_lock (&control);
      v->rest_end = end;
      g_mutex_unlock (&control);
      /* One that waits for an interrupt rests already, and should be quick when it comes. */
      if (later && !atomic_load (&v->halted))
        ask (v, REST);
    }
  if (!later)
    tell ();
}

void
gwt_vcpus_forget_halt (void)
{
  guint i;

  for (i = 0; vcpus && i < vcpus->len; i++)
    atomic_store (&((struct vcpu *) g_ptr_array_index (vcpus, i))->halted, false);
}

static void
on_memory_change (uint32_t change, void *data)
{
  guint i;

  if (change == GWT_CHANGE_DIRTY)
    {
      stop_all_for (DIRTY);
      return;
    }
  for (i = 0; vcpus && i < vcpus->len; i++)
    ask (g_ptr_array_index (vcpus, i), MAP);
  for (i = 0; vcpus && i < vcpus->len; i++)
    if (g_ptr_array_index (vcpus, i) != current)
      wait_for (g_ptr_array_index (vcpus, i), HOST, MAP);
}

/* ---- "gwt.vcpu/1" ---------------------------------------------------------------------------- */

static uint32_t
vcpu_span (struct gwt_device *device, uint64_t address, uint32_t to_store, struct gwt_span *span)
{
  /* In GUEST all the way, or a dirty round could begin between mark and store: see dirty.c. */
  return gwt_memory_span (address, to_store, span);
}

static uint32_t
vcpu_load (struct gwt_device *device, uint64_t address, uint32_t size, uint64_t *value)
{
  struct vcpu *v = current;
  uint32_t status;

  if (G_UNLIKELY (!v))
    return gwt_memory_load (address, size, value);
  enter_host (v);
  status = gwt_memory_load (address, size, value);
  leave_host (v);
  return status;
}

static uint32_t
vcpu_store (struct gwt_device *device, uint64_t address, uint32_t size, uint64_t value)
{
  struct vcpu *v = current;
  uint32_t status;

  if (G_UNLIKELY (!v))
    return gwt_memory_store (address, size, value);
  enter_host (v);
  status = gwt_memory_store (address, size, value);
  leave_host (v);
  return status;
}

static void
wake_device (struct gwt_device *device)
{
  wake (device->vcpu);
}

/* Who is woken may take this thread's core at once, so not in the middle of a delivery. */
static void
vcpu_wake (struct gwt_device *device)
{
  if (G_LIKELY (device->vcpu != NULL) && !gwt_irq_after_delivery (wake_device, device))
    wake (device->vcpu);
}

/* Wait for WORK; two vCPUs may ask each other, so the caller does its own work meanwhile. */
static void
wait_for_work (struct work *work)
{
  g_mutex_lock (&control);
  while (!work->done)
    {
      if (current && current->work)
        {
          g_mutex_unlock (&control);
          do_work (current);
          g_mutex_lock (&control);
        }
      else
        g_cond_wait (&changed, &control);
    }
  g_mutex_unlock (&control);
}

static void
vcpu_run_on (struct gwt_device *cpu, void (*fn) (void *self, void *arg), void *arg)
{
  struct vcpu *v = cpu->vcpu;
  struct work work = { NULL, fn, arg, false };
  bool held = gwt_machine_lock_held (), inside;

  if (!v || v == current)
    {
      fn (cpu->instance, arg);
      return;
    }
  g_mutex_lock (&control);
  *v->work_end = &work;
  v->work_end = &work.next;
  g_mutex_unlock (&control);
  ask (v, WORK);
  tell ();
  inside = current && atomic_load (&current->mode) == GUEST;
  if (inside)
    enter_host (current);
  if (held)
    gwt_machine_unlock ();
  wait_for_work (&work);
  if (held)
    gwt_machine_lock ();
  if (inside)
    leave_host (current);
}

void
gwt_vcpu_register_extensions (void)
{
  static const struct gwt_vcpu_api api = {
    .struct_size = sizeof (api),
    .span = vcpu_span,
    .load = vcpu_load,
    .store = vcpu_store,
    .wake = vcpu_wake,
    .run_on = vcpu_run_on,
  };
  GWT_AUTO_ERROR (err);

  if (gwt_extension_find (GWT_VCPU_EXT))
    return;
  gwt_memory_on_change (on_memory_change, NULL);
  gwt_lock_set_wait_hook (on_lock_wait);
  if (!gwt_extension_add (GWT_VCPU_EXT, &api, "host", &err))
    gwt_log (GWT_LOG_ERROR, "vcpu: %s", err.text);
}
