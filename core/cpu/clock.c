/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks and timers.  Two timerfds stand behind the main loop's source: glib's own time-outs count
 * in milliseconds, which a guest's tick would feel.  It must not know why the virtual clock stops,
 * nor, where instructions drive it, whose they are.
 */
#include "config.h"
#include "core/cpu/clock.h"
#include <errno.h>
#include <glib-unix.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "core/cpu/icount.h"
#include "core/device/device.h"
#include "core/device/lock.h"
#include "core/util/extension.h"
#include "core/util/log.h"

#define NS UINT64_C (1000000000)

enum
{
  VIRTUAL,
  REAL,
  HOST,
  N_CLOCKS
};

/* Virtual and real time follow the host's monotonic clock; the wall clock may jump. */
enum
{
  FD_MONOTONIC,
  FD_WALL,
  N_FDS
};

struct gwt_timer
{
  struct gwt_device *device;
  gwt_timer_fn fn;
  void *self;
  int clock;
  uint64_t expiry;
  uint64_t serial;
  guint place; /* in its heap, from 1; 0: not armed */
};

/* Leaf lock: nothing is called and no other lock taken while it is held. */
static GMutex lock;
static GPtrArray *heaps[N_CLOCKS]; /* struct gwt_timer *, least expiry first; element 0 is unused */
static int fds[N_FDS] = { -1, -1 };
static uint64_t armed[N_FDS] = { UINT64_MAX, UINT64_MAX };

/* ---- clocks ---------------------------------------------------------------------------------- */

/* The virtual clock: base, plus what passed since origin while it runs.  Read without a lock by
   vCPUs at each look at the guest's time; an odd sequence means that it is being changed. */
static unsigned virtual_sequence;
static bool virtual_runs;
static uint64_t virtual_base, virtual_origin;

/* Where instructions drive it: since base `*counted` have passed, each 1 << shift ns. */
static bool counting;
static guint count_shift;
static const uint64_t *counted;
static enum gwt_clock_firing firing; /* under `lock` */

static uint64_t
host_now (clockid_t id)
{
  struct timespec t;

  clock_gettime (id, &t);
  return (uint64_t) t.tv_sec * NS + (uint64_t) t.tv_nsec;
}

static uint64_t
virtual_now (void)
{
  for (;;)
    {
      unsigned before = __atomic_load_n (&virtual_sequence, __ATOMIC_ACQUIRE);
      bool runs = __atomic_load_n (&virtual_runs, __ATOMIC_RELAXED);
      uint64_t base = __atomic_load_n (&virtual_base, __ATOMIC_RELAXED);
      uint64_t origin = __atomic_load_n (&virtual_origin, __ATOMIC_RELAXED);
      uint64_t now = base;

      if (G_UNLIKELY (counting))
        {
          const uint64_t *more = __atomic_load_n (&counted, __ATOMIC_RELAXED);

          now += more ? __atomic_load_n (more, __ATOMIC_RELAXED) << count_shift : 0;
        }
      else if (runs)
        now += host_now (CLOCK_MONOTONIC) - origin;

      __atomic_thread_fence (__ATOMIC_ACQUIRE);
      if (G_LIKELY (!(before & 1)
                    && before == __atomic_load_n (&virtual_sequence, __ATOMIC_RELAXED)))
        return now;
    }
}

static int
clock_index (uint32_t clock)
{
  return clock == GWT_CLOCK_REAL ? REAL : clock == GWT_CLOCK_HOST ? HOST : VIRTUAL;
}

static uint64_t
now_of (int clock)
{
  return clock == VIRTUAL ? virtual_now ()
         : clock == REAL  ? host_now (CLOCK_MONOTONIC)
                          : host_now (CLOCK_REALTIME);
}

uint64_t
gwt_clock_now (uint32_t clock)
{
  return now_of (clock_index (clock));
}

/* ---- arming ---------------------------------------------------------------------------------- */

/* When the head of CLOCK's heap is due, on the host clock that its timerfd follows. */
static uint64_t
head_due (int clock)
{
  struct gwt_timer *head;

  /* Its harts see what is due, and ask. */
  if (clock == VIRTUAL && counting)
    return firing == GWT_FIRING_ASKED ? 1 : UINT64_MAX;
  if (!heaps[clock] || heaps[clock]->len < 2 || (clock == VIRTUAL && !virtual_runs))
    return UINT64_MAX;
  head = g_ptr_array_index (heaps[clock], 1);
  if (clock != VIRTUAL)
    return head->expiry;
  if (head->expiry <= virtual_base)
    return 1;
  if (head->expiry - virtual_base > UINT64_MAX - 1 - virtual_origin)
    return UINT64_MAX - 1;
  return head->expiry - virtual_base + virtual_origin;
}

/* Make FD fire for what comes first.  One that fires too early costs a look, so a head that
   moved away, as each guest tick's does, is left to the next time. */
static void
arm (int fd, bool exactly)
{
  uint64_t due = fd == FD_WALL ? head_due (HOST) : MIN (head_due (VIRTUAL), head_due (REAL));
  struct itimerspec when = { 0 };
  int flags = TFD_TIMER_ABSTIME;

  if (fds[fd] < 0 || due == armed[fd] || (due > armed[fd] && !exactly))
    return;
  armed[fd] = due;
  if (due != UINT64_MAX)
    {
      due = CLAMP (due, 1, (uint64_t) INT64_MAX);
      when.it_value.tv_sec = (time_t) (due / NS);
      when.it_value.tv_nsec = (long) (due % NS);
    }
#ifdef TFD_TIMER_CANCEL_ON_SET
  if (fd == FD_WALL)
    flags |= TFD_TIMER_CANCEL_ON_SET;
#endif
  if (timerfd_settime (fds[fd], flags, &when, NULL) < 0 && errno != ECANCELED)
    gwt_log (GWT_LOG_ERROR, "timer: the host refuses to set one (%s)", g_strerror (errno));
}

/* Around a change of what virtual_now () reads, under `lock`. */
static void
change_begins (void)
{
  __atomic_store_n (&virtual_sequence, virtual_sequence + 1, __ATOMIC_RELAXED);
  __atomic_thread_fence (__ATOMIC_RELEASE);
}

static void
change_ends (void)
{
  __atomic_store_n (&virtual_sequence, virtual_sequence + 1, __ATOMIC_RELEASE);
}

static void
virtual_change (bool runs)
{
  uint64_t now;

  g_mutex_lock (&lock);
  if (runs != virtual_runs)
    {
      now = virtual_now ();
      change_begins ();
      __atomic_store_n (&virtual_base, now, __ATOMIC_RELAXED);
      __atomic_store_n (&virtual_origin, host_now (CLOCK_MONOTONIC), __ATOMIC_RELAXED);
      __atomic_store_n (&virtual_runs, runs, __ATOMIC_RELAXED);
      __atomic_store_n (&counted, NULL, __ATOMIC_RELAXED);
      change_ends ();
      arm (FD_MONOTONIC, true);
    }
  g_mutex_unlock (&lock);
}

void
gwt_clock_virtual_start (void)
{
  virtual_change (true);
}

void
gwt_clock_virtual_stop (void)
{
  virtual_change (false);
}

void
gwt_clock_virtual_set (uint64_t now)
{
  g_mutex_lock (&lock);
  change_begins ();
  __atomic_store_n (&virtual_base, now, __ATOMIC_RELAXED);
  change_ends ();
  g_mutex_unlock (&lock);
}

/* ---- instructions as its clockwork ----------------------------------------------------------- */

void
gwt_clock_count (guint shift)
{
  g_mutex_lock (&lock);
  counting = true;
  count_shift = shift;
  g_mutex_unlock (&lock);
}

void
gwt_clock_follow (const uint64_t *executed)
{
  g_mutex_lock (&lock);
  change_begins ();
  __atomic_store_n (&counted, executed, __ATOMIC_RELAXED);
  change_ends ();
  g_mutex_unlock (&lock);
}

uint64_t
gwt_clock_counted (uint64_t *executed)
{
  uint64_t n;

  g_mutex_lock (&lock);
  change_begins ();
  n = __atomic_exchange_n (executed, 0, __ATOMIC_RELAXED);
  __atomic_store_n (&virtual_base, virtual_base + (n << count_shift), __ATOMIC_RELAXED);
  change_ends ();
  g_mutex_unlock (&lock);
  return n;
}

void
gwt_clock_jump (uint64_t to)
{
  g_mutex_lock (&lock);
  if (to > virtual_base)
    {
      change_begins ();
      __atomic_store_n (&virtual_base, to, __ATOMIC_RELAXED);
      change_ends ();
    }
  g_mutex_unlock (&lock);
}

uint64_t
gwt_clock_deadline (void)
{
  uint64_t due = UINT64_MAX;

  g_mutex_lock (&lock);
  if (heaps[VIRTUAL] && heaps[VIRTUAL]->len > 1)
    due = ((struct gwt_timer *) g_ptr_array_index (heaps[VIRTUAL], 1))->expiry;
  g_mutex_unlock (&lock);
  return due;
}

void
gwt_clock_ask_firing (void)
{
  g_mutex_lock (&lock);
  firing = GWT_FIRING_ASKED;
  arm (FD_MONOTONIC, true);
  g_mutex_unlock (&lock);
}

enum gwt_clock_firing
gwt_clock_firing (void)
{
  enum gwt_clock_firing answer;

  g_mutex_lock (&lock);
  answer = firing;
  g_mutex_unlock (&lock);
  return answer;
}

/* ---- heaps ----------------------------------------------------------------------------------- */

static void
put (GPtrArray *heap, guint place, struct gwt_timer *timer)
{
  heap->pdata[place] = timer;
  timer->place = place;
}

/* Of two that are due at once the older one is first: in a guest that is taken over too. */
static bool
is_before (const struct gwt_timer *a, const struct gwt_timer *b)
{
  return a->expiry < b->expiry || (a->expiry == b->expiry && a->serial < b->serial);
}

/* Let TIMER, which may go to PLACE, find its place towards either end. */
static void
settle (GPtrArray *heap, guint place, struct gwt_timer *timer)
{
  while (place > 1)
    {
      struct gwt_timer *parent = heap->pdata[place / 2];

      if (!is_before (timer, parent))
        break;
      put (heap, place, parent);
      place /= 2;
    }
  while (place * 2 < heap->len)
    {
      guint child = place * 2;
      struct gwt_timer *least = heap->pdata[child];

      if (child + 1 < heap->len && is_before (heap->pdata[child + 1], least))
        least = heap->pdata[++child];
      if (!is_before (least, timer))
        break;
      put (heap, place, least);
      place = child;
    }
  put (heap, place, timer);
}

static void
disarm (struct gwt_timer *timer)
{
  GPtrArray *heap = heaps[timer->clock];
  struct gwt_timer *last;
  guint place = timer->place;

  if (!place)
    return;
  last = heap->pdata[heap->len - 1];
  g_ptr_array_set_size (heap, (gint) heap->len - 1);
  timer->place = 0;
  timer->expiry = GWT_TIMER_OFF;
  if (last != timer)
    settle (heap, place, last);
}

static void
timer_set (struct gwt_timer *timer, uint64_t expiry)
{
  bool sooner = false;

  g_mutex_lock (&lock);
  if (expiry == GWT_TIMER_OFF)
    disarm (timer);
  else if (expiry != timer->expiry || !timer->place)
    {
      GPtrArray *heap = heaps[timer->clock];

      timer->expiry = expiry;
      if (!timer->place)
        {
          g_ptr_array_add (heap, timer);
          timer->place = heap->len - 1;
        }
      settle (heap, timer->place, timer);
      arm (timer->clock == HOST ? FD_WALL : FD_MONOTONIC, false);
      sooner = counting && timer->clock == VIRTUAL && timer->place == 1;
    }
  g_mutex_unlock (&lock);
  if (G_UNLIKELY (sooner))
    gwt_icount_deadline_moved ();
}

static uint64_t
timer_expiry (struct gwt_timer *timer)
{
  uint64_t expiry;

  g_mutex_lock (&lock);
  expiry = timer->expiry;
  g_mutex_unlock (&lock);
  return expiry;
}

static void
timer_gone (void *data)
{
  struct gwt_timer *timer = data;

  g_mutex_lock (&lock);
  disarm (timer);
  g_mutex_unlock (&lock);
  g_free (timer);
}

static struct gwt_timer *
timer_new (struct gwt_device *device, uint32_t clock, gwt_timer_fn fn, void *self,
           struct gwt_error *err)
{
  static uint64_t serials;
  struct gwt_timer *timer;
  int index = clock_index (clock);

  if (clock != GWT_CLOCK_VIRTUAL && clock != GWT_CLOCK_REAL && clock != GWT_CLOCK_HOST)
    {
      gwt_error_set (err, GWT_E_INVALID, "timer: there is no clock %u; use 1000, 2000 or 3000",
                     clock);
      return NULL;
    }
  if (!fn || !device)
    {
      gwt_error_set (err, GWT_E_INVALID, "timer: no callback or no device; give both");
      return NULL;
    }
  timer = g_new0 (struct gwt_timer, 1);
  timer->device = device;
  timer->fn = fn;
  timer->self = self;
  timer->clock = index;
  timer->expiry = GWT_TIMER_OFF;
  g_mutex_lock (&lock);
  timer->serial = serials++;
  if (!heaps[index])
    {
      heaps[index] = g_ptr_array_new ();
      g_ptr_array_add (heaps[index], NULL);
    }
  g_mutex_unlock (&lock);
  gwt_device_on_destroy (device, timer_gone, timer);
  return timer;
}

/* ---- firing ---------------------------------------------------------------------------------- */

/* Do timers of CLOCK fire?  STANDING: also those of a virtual clock that stands. */
static bool
fires (int clock, bool standing)
{
  return clock != VIRTUAL || virtual_runs || standing;
}

/* The first timer that is due, still armed; NULL where none is. */
static struct gwt_timer *
first_due (int clock, bool standing)
{
  struct gwt_timer *timer = NULL;

  g_mutex_lock (&lock);
  if (heaps[clock] && heaps[clock]->len > 1 && fires (clock, standing))
    {
      timer = g_ptr_array_index (heaps[clock], 1);
      if (timer->expiry > now_of (clock))
        timer = NULL;
    }
  g_mutex_unlock (&lock);
  return timer;
}

/*
 * Fire what is due.  The device is entered before the timer is taken off: whoever moved it under
 * the device's lock in the meantime has won, and it does not fire for the old time.  At most as
 * many rounds as there are timers, so that one that rearms itself for the past cannot hold the main
 * loop.
 */
static void
fire (int clock, bool standing)
{
  guint rounds;

  g_mutex_lock (&lock);
  rounds = heaps[clock] ? heaps[clock]->len - 1 : 0;
  g_mutex_unlock (&lock);
  while (rounds-- > 0)
    {
      struct gwt_timer *timer = first_due (clock, standing);
      bool due;
      int token;

      if (!timer)
        return;
      token = gwt_device_enter (timer->device);
      g_mutex_lock (&lock);
      due = timer->place && timer->expiry <= now_of (clock) && fires (clock, standing);
      if (due)
        disarm (timer);
      g_mutex_unlock (&lock);
      if (due)
        timer->fn (timer->self);
      gwt_device_leave (timer->device, token);
    }
}

void
gwt_clock_fire_due (void)
{
  fire (VIRTUAL, true);
}

struct source
{
  GSource source;
  gpointer tags[N_FDS];
};

static gboolean
source_check (GSource *base)
{
  struct source *source = (struct source *) base;

  return g_source_query_unix_fd (base, source->tags[FD_MONOTONIC])
         || g_source_query_unix_fd (base, source->tags[FD_WALL]);
}

static gboolean
source_dispatch (GSource *base, GSourceFunc fn, gpointer data)
{
  uint64_t expirations;
  bool asked;
  int i;

  g_mutex_lock (&lock);
  asked = firing == GWT_FIRING_ASKED;
  for (i = 0; i < N_FDS; i++)
    /* ECANCELED says that the wall clock was set: all the more reason to look. */
    if (read (fds[i], &expirations, sizeof (expirations)) >= 0 || errno == ECANCELED)
      armed[i] = UINT64_MAX;
  g_mutex_unlock (&lock);
  for (i = 0; i < N_CLOCKS; i++)
    /* In the middle of a turn nothing happens that its hart did not ask for. */
    if (i != VIRTUAL || !counting || asked)
      fire (i, false);
  g_mutex_lock (&lock);
  if (asked)
    firing = virtual_runs ? GWT_FIRING_DONE : GWT_FIRING_NONE;
  for (i = 0; i < N_FDS; i++)
    arm (i, false);
  g_mutex_unlock (&lock);
  if (asked)
    gwt_icount_stir ();
  return G_SOURCE_CONTINUE;
}

static void
source_finalize (GSource *base)
{
  int i;

  g_mutex_lock (&lock);
  for (i = 0; i < N_FDS; i++)
    {
      close (fds[i]);
      fds[i] = -1;
      armed[i] = UINT64_MAX;
    }
  g_mutex_unlock (&lock);
}

GSource *
gwt_clock_source_new (void)
{
  static GSourceFuncs funcs
      = { .check = source_check, .dispatch = source_dispatch, .finalize = source_finalize };
  struct source *source;
  int monotonic = timerfd_create (CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  int wall = timerfd_create (CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

  if (monotonic < 0 || wall < 0)
    {
      gwt_log (GWT_LOG_ERROR, "timer: the host gives no timerfd (%s)", g_strerror (errno));
      if (monotonic >= 0)
        close (monotonic);
      if (wall >= 0)
        close (wall);
      return NULL;
    }
  source = (struct source *) g_source_new (&funcs, sizeof (*source));
  g_mutex_lock (&lock);
  fds[FD_MONOTONIC] = monotonic;
  fds[FD_WALL] = wall;
  arm (FD_MONOTONIC, true);
  arm (FD_WALL, true);
  g_mutex_unlock (&lock);
  source->tags[FD_MONOTONIC] = g_source_add_unix_fd (&source->source, monotonic, G_IO_IN);
  source->tags[FD_WALL] = g_source_add_unix_fd (&source->source, wall, G_IO_IN);
  /* Not above others: GLib would not look at them while a guest keeps a timer due all the time. */
  g_source_set_name (&source->source, "godwit timers");
  return &source->source;
}

void
gwt_clock_register_extensions (void)
{
  static const struct gwt_clock_api api = {
    .struct_size = sizeof (api),
    .now = gwt_clock_now,
    .timer_new = timer_new,
    .timer_set = timer_set,
    .timer_expiry = timer_expiry,
  };
  GWT_AUTO_ERROR (err);

  if (gwt_extension_find (GWT_CLOCK_EXT))
    return;
  if (!gwt_extension_add (GWT_CLOCK_EXT, &api, "host", &err))
    gwt_log (GWT_LOG_ERROR, "clock: %s", err.text);
}
