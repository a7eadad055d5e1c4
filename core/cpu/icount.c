/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns of the harts in the deterministic mode.  A hart executes at most TURN instructions while
 * all others wait, and stops in front of whatever is due; the main loop then fires the timers, the
 * hart goes on, and the next one follows.  Where all wait for an interrupt the clock jumps to the
 * next timer.  It must not know how a hart is stopped for other reasons (vcpu.c).
 *
 * What decides is the guest's state and the count alone.  So a guest that is taken over must find
 * the turns as one that goes on here after it was saved: each start of the guest begins a new round
 * with empty caches, and no state of turns is saved.
 *
 * A hart that decides about turns and time executes nothing, so who stops the guest does not wait
 * for it.  Therefore it changes either only under the lock, and while nothing is asked of it:
 * gwt_vcpus_pause asks, and then takes the lock once; what was asked stays until the hart looks.
 */
#include "config.h"
#include "core/cpu/icount.h"
#include "core/cpu/clock.h"
#include "core/cpu/run.h"

/* Short enough for a hart that waits in a loop for another, long enough to pay for the change of
   threads. */
#define TURN 10000u

static bool on;
static guint shift;

/* Leaf lock. */
static GMutex lock;
static GCond stirred;
static GPtrArray *harts; /* struct gwt_icount_hart *, under `lock` */
static guint turn;       /* whose, in `harts`; under `lock` */

/* Of the hart that has the turn, under `lock` where it does not run; of main while the guest
   stands. */
static uint64_t left = TURN; /* of its instructions */
static bool over;            /* once what is due is seen to */
static bool fired;           /* nothing was executed since */
static uint64_t break_at = UINT64_MAX;

static uint64_t count;   /* atomic */
static atomic_uint idle; /* a hart waits for work of any */

void
gwt_icount_enable (guint bits)
{
  on = true;
  shift = bits;
  gwt_clock_count (bits);
}

bool
gwt_icount_on (void)
{
  return on;
}

guint
gwt_icount_shift (void)
{
  return shift;
}

uint64_t
gwt_icount (void)
{
  return __atomic_load_n (&count, __ATOMIC_RELAXED);
}

void
gwt_icount_set (uint64_t now)
{
  __atomic_store_n (&count, now, __ATOMIC_RELAXED);
  break_at = UINT64_MAX;
}

bool
gwt_icount_break (uint64_t at, struct gwt_error *err)
{
  if (!on)
    gwt_error_set (err, GWT_E_FAILED, "instructions are not counted; start with -icount shift=N");
  else if (gwt_runstate () == GWT_RUNSTATE_RUNNING)
    gwt_error_set (err, GWT_E_FAILED, "the guest runs; use 'stop' first");
  else if (at < gwt_icount ())
    gwt_error_set (err, GWT_E_INVALID,
                   "instruction %" G_GUINT64_FORMAT " is past; give one from %" G_GUINT64_FORMAT
                   " on",
                   at, gwt_icount ());
  else
    break_at = at;
  return !gwt_error_is_set (err);
}

/* ---- harts ----------------------------------------------------------------------------------- */

void
gwt_icount_join (struct gwt_icount_hart *hart)
{
  g_mutex_lock (&lock);
  if (!harts)
    harts = g_ptr_array_new ();
  g_ptr_array_add (harts, hart);
  g_mutex_unlock (&lock);
}

void
gwt_icount_leave (struct gwt_icount_hart *hart)
{
  gwt_clock_follow (NULL);
  g_mutex_lock (&lock);
  if (harts)
    g_ptr_array_remove (harts, hart);
  turn = 0;
  g_cond_broadcast (&stirred);
  g_mutex_unlock (&lock);
}

/* Under `lock`, by HART in its turn: may it decide? */
static bool
may_decide (const struct gwt_icount_hart *hart)
{
  return !atomic_load (hart->attention);
}

static void
give_turn (guint to)
{
  turn = to % harts->len;
  left = TURN;
  over = false;
  g_cond_broadcast (&stirred);
}

void
gwt_icount_new_round (void)
{
  g_mutex_lock (&lock);
  turn = 0;
  left = TURN;
  over = fired = false;
  g_mutex_unlock (&lock);
}

void
gwt_icount_stir (void)
{
  g_mutex_lock (&lock);
  g_cond_broadcast (&stirred);
  g_mutex_unlock (&lock);
}

void
gwt_icount_woken (void)
{
  /* As in vcpu.c: the caller's work before the look at `idle`, and the other way round there. */
  atomic_thread_fence (memory_order_seq_cst);
  if (atomic_load_explicit (&idle, memory_order_relaxed) && atomic_exchange (&idle, 0))
    gwt_icount_stir ();
}

void
gwt_icount_deadline_moved (void)
{
  g_mutex_lock (&lock);
  if (harts && turn < harts->len)
    {
      struct gwt_icount_hart *hart = g_ptr_array_index (harts, turn);

      __atomic_store_n (&hart->run->exit_request, 1, __ATOMIC_SEQ_CST);
      if (hart->ops->kick)
        hart->ops->kick (hart->self);
    }
  g_mutex_unlock (&lock);
  gwt_icount_woken ();
}

static bool
has_turn (const struct gwt_icount_hart *hart)
{
  return turn < harts->len && g_ptr_array_index (harts, turn) == hart;
}

/* ---- a turn ---------------------------------------------------------------------------------- */

/* Would any hart execute something? */
static bool
has_work (void)
{
  bool some = false;
  guint i;

  g_mutex_lock (&lock);
  for (i = 0; i < harts->len && !some; i++)
    {
      const struct gwt_icount_hart *hart = g_ptr_array_index (harts, i);

      some = !atomic_load (hart->halted) || hart->ops->has_work (hart->self);
    }
  g_mutex_unlock (&lock);
  return some;
}

static void
fire_due (const struct gwt_icount_hart *hart)
{
  enum gwt_clock_firing answer;

  gwt_clock_ask_firing ();
  g_mutex_lock (&lock);
  while ((answer = gwt_clock_firing ()) == GWT_FIRING_ASKED && !atomic_load (hart->attention))
    g_cond_wait (&stirred, &lock);
  if (may_decide (hart))
    fired = answer == GWT_FIRING_DONE;
  g_mutex_unlock (&lock);
}

/* Nobody has anything to do: go to where that changes, or wait for it to come from outside. */
static void
pass_time (const struct gwt_icount_hart *hart)
{
  bool work, sleeps;

  /* Who makes work or sets a timer from now on ends the sleep. */
  atomic_store (&idle, 1);
  work = has_work ();
  sleeps = !work && gwt_clock_deadline () == UINT64_MAX;
  g_mutex_lock (&lock);
  while (sleeps && atomic_load (&idle) && may_decide (hart))
    g_cond_wait (&stirred, &lock);
  atomic_store (&idle, 0);
  if (may_decide (hart))
    {
      uint64_t deadline = gwt_clock_deadline ();

      if (!work && !sleeps && deadline != UINT64_MAX)
        gwt_clock_jump (deadline);
      fired = false;
      /* A hart that others know to wait, and one that would find out, must not differ. */
      give_turn (0);
    }
  g_mutex_unlock (&lock);
}

static void
pass_turn (const struct gwt_icount_hart *hart)
{
  g_mutex_lock (&lock);
  if (may_decide (hart))
    give_turn (turn + 1);
  g_mutex_unlock (&lock);
}

static bool
at_break (const struct gwt_icount_hart *hart)
{
  bool there;

  g_mutex_lock (&lock);
  there = may_decide (hart) && count >= break_at;
  if (there)
    break_at = UINT64_MAX;
  g_mutex_unlock (&lock);
  return there;
}

bool
gwt_icount_take_turn (struct gwt_icount_hart *hart)
{
  uint64_t now, deadline, budget;

  g_mutex_lock (&lock);
  while (!has_turn (hart) && !atomic_load (hart->attention))
    g_cond_wait (&stirred, &lock);
  g_mutex_unlock (&lock);
  if (at_break (hart))
    gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  if (atomic_load (hart->attention))
    return false;
  now = gwt_clock_now (GWT_CLOCK_VIRTUAL);
  deadline = gwt_clock_deadline ();
  /* One that is set for the past again and again must not keep the guest from going on. */
  if (deadline <= now && !fired)
    {
      fire_due (hart);
      return false;
    }
  if (over || (atomic_load (hart->halted) && !hart->ops->has_work (hart->self)))
    {
      if (!over && !has_work ())
        pass_time (hart);
      else
        pass_turn (hart);
      return false;
    }
  atomic_store (hart->halted, false);
  budget = MIN (left, break_at - count);
  if (deadline > now)
    budget = MIN (budget, ((deadline - now - 1) >> shift) + 1);
  hart->run->budget = budget;
  hart->run->executed = 0;
  gwt_clock_follow (&hart->run->executed);
  return true;
}

uint64_t
gwt_icount_ran (struct gwt_icount_hart *hart, uint32_t reason)
{
  uint64_t n = gwt_clock_counted (&hart->run->executed);

  __atomic_store_n (&count, count + n, __ATOMIC_RELAXED);
  if (n)
    fired = false;
  left -= MIN (n, left);
  over = !left || reason == GWT_EXIT_HALTED;
  return n;
}
