/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of an outgoing migration: rate and what may be sent in a window of 100 ms, what is
 * little enough for the downtime that is allowed, and where the time went.  It must not know what
 * is sent.
 */
#include "config.h"
#include "core/migration/internal.h"
#include <limits.h>
#include <string.h>
#include "core/migration/params.h"

#define WINDOW_US 100000
/* Before the first window is over, this much tells the rate well enough. */
#define FIRST_BYTES 65536
#define FIRST_US 1000

struct device
{
  char *name;
  uint32_t instance;
  int64_t microseconds;
  uint64_t bytes;
};

/* Microseconds of the monotonic clock, and bytes. */
static struct
{
  GMutex lock;
  int64_t began, set_up, stopped, resumed, ended, last_part;
  int64_t parts[GWT_DOWNTIME_PARTS];
  uint64_t sent_before_stop, sent, pending, estimate;
  GArray *devices; /* struct device */
  double rate;     /* bytes/s, of the last window; 0: not known */
  int64_t window_began, synced;
  int64_t late; /* the window before ended so much too late */
  uint64_t window_base;
} p;

static const char *const part_names[GWT_DOWNTIME_PARTS]
    = { "stop", "pause-before-switchover", "devices", "ram", "send", "answer" };

static void
device_clear (gpointer data)
{
  g_free (((struct device *) data)->name);
}

void
gwt_progress_begin (void)
{
  g_mutex_lock (&p.lock);
  if (p.devices == NULL)
    {
      p.devices = g_array_new (FALSE, FALSE, sizeof (struct device));
      g_array_set_clear_func (p.devices, device_clear);
    }
  g_array_set_size (p.devices, 0);
  memset (p.parts, 0, sizeof (p.parts));
  p.began = g_get_monotonic_time ();
  p.set_up = p.stopped = p.resumed = p.ended = 0;
  p.sent_before_stop = p.sent = p.pending = p.estimate = 0;
  p.rate = 0;
  p.window_began = 0;
  g_mutex_unlock (&p.lock);
}

void
gwt_progress_set_up (void)
{
  g_mutex_lock (&p.lock);
  p.set_up = g_get_monotonic_time ();
  g_mutex_unlock (&p.lock);
}

void
gwt_progress_stopped (uint64_t sent)
{
  g_mutex_lock (&p.lock);
  p.stopped = p.last_part = g_get_monotonic_time ();
  p.sent_before_stop = p.sent = sent;
  g_mutex_unlock (&p.lock);
}

void
gwt_progress_part (enum gwt_downtime_part part)
{
  int64_t now = g_get_monotonic_time ();

  g_mutex_lock (&p.lock);
  p.parts[part] += now - p.last_part;
  p.last_part = now;
  g_mutex_unlock (&p.lock);
}

void
gwt_progress_device (const struct gwt_entry *entry, int64_t microseconds, uint64_t bytes)
{
  struct device d = { g_strdup (entry->name), entry->instance, microseconds, bytes };

  g_mutex_lock (&p.lock);
  g_array_append_val (p.devices, d);
  g_mutex_unlock (&p.lock);
}

void
gwt_progress_resumed (void)
{
  g_mutex_lock (&p.lock);
  p.resumed = g_get_monotonic_time ();
  g_mutex_unlock (&p.lock);
}

void
gwt_progress_ended (uint64_t sent)
{
  g_mutex_lock (&p.lock);
  p.ended = g_get_monotonic_time ();
  p.sent = sent;
  g_mutex_unlock (&p.lock);
}

/* ---- rate ------------------------------------------------------------------------------------ */

uint64_t
gwt_progress_budget (uint64_t sent)
{
  uint64_t limit = gwt_migration_param (GWT_PARAM_MAX_BANDWIDTH), used;
  int64_t now = g_get_monotonic_time (), late;

  g_mutex_lock (&p.lock);
  p.sent = sent;
  if (p.window_began == 0)
    {
      p.window_began = now;
      p.window_base = sent;
      p.late = 0;
    }
  if (now - p.window_began >= WINDOW_US)
    {
      p.late = MIN (now - p.window_began - WINDOW_US, WINDOW_US);
      p.rate = (double) (sent - p.window_base) * 1e6 / (double) (now - p.window_began);
      p.window_began = now;
      p.window_base = sent;
    }
  used = sent - p.window_base;
  late = p.late;
  g_mutex_unlock (&p.lock);
  if (limit == 0)
    return UINT64_MAX;
  /* What this thread missed by waking up late it may make up for.  A limit of a few bytes a second
     still lets one byte through each time. */
  limit = MAX ((uint64_t) ((double) limit * (double) (WINDOW_US + late) / 1e6), 1);
  return used < limit ? limit - used : 0;
}

int
gwt_progress_window_left (void)
{
  int64_t left;

  g_mutex_lock (&p.lock);
  left = p.window_began + WINDOW_US - g_get_monotonic_time ();
  g_mutex_unlock (&p.lock);
  return (int) CLAMP ((left + 999) / 1000, 0, WINDOW_US / 1000);
}

double
gwt_progress_rate (uint64_t sent)
{
  double rate;
  int64_t passed;

  g_mutex_lock (&p.lock);
  rate = p.rate;
  passed = g_get_monotonic_time () - p.window_began;
  /* A small guest is sent before the first window is over. */
  if (rate == 0 && p.window_began != 0 && passed >= FIRST_US
      && sent - p.window_base >= FIRST_BYTES)
    rate = (double) (sent - p.window_base) * 1e6 / (double) passed;
  g_mutex_unlock (&p.lock);
  return rate;
}

uint64_t
gwt_progress_threshold (double rate)
{
  double reckoned = (double) gwt_migration_param (GWT_PARAM_AVAIL_SWITCHOVER_BANDWIDTH);
  double allowed = (double) gwt_migration_param (GWT_PARAM_DOWNTIME_LIMIT) / 1e3;

  allowed *= reckoned != 0 ? reckoned : rate;
  return allowed >= 1e18 ? UINT64_C (1000000000000000000) : (uint64_t) allowed;
}

void
gwt_progress_synced (void)
{
  g_mutex_lock (&p.lock);
  p.synced = g_get_monotonic_time ();
  g_mutex_unlock (&p.lock);
}

int
gwt_progress_since_sync (void)
{
  int64_t since;

  g_mutex_lock (&p.lock);
  since = (g_get_monotonic_time () - p.synced) / 1000;
  g_mutex_unlock (&p.lock);
  return (int) MIN (since, INT_MAX);
}

void
gwt_progress_pending (uint64_t exact)
{
  g_mutex_lock (&p.lock);
  p.pending = exact;
  g_mutex_unlock (&p.lock);
}

void
gwt_progress_estimate (uint64_t left)
{
  g_mutex_lock (&p.lock);
  p.estimate = left;
  g_mutex_unlock (&p.lock);
}

/* ---- query-migrate --------------------------------------------------------------------------- */

static void
add_int (struct json_object *to, const char *name, int64_t value)
{
  json_object_object_add (to, name, json_object_new_int64 (value));
}

static void
describe_downtime (struct json_object *to)
{
  struct json_object *parts = json_object_new_object (), *list = json_object_new_array ();
  guint i;

  for (i = 0; i < GWT_DOWNTIME_PARTS; i++)
    add_int (parts, part_names[i], p.parts[i]);
  json_object_object_add (to, "x-downtime-parts", parts);
  for (i = 0; i < p.devices->len; i++)
    {
      const struct device *d = &g_array_index (p.devices, struct device, i);
      struct json_object *one = json_object_new_object ();

      json_object_object_add (one, "name", json_object_new_string (d->name));
      add_int (one, "instance", d->instance);
      add_int (one, "microseconds", d->microseconds);
      add_int (one, "bytes", (int64_t) d->bytes);
      json_object_array_add (list, one);
    }
  json_object_object_add (to, "x-downtime-devices", list);
}

void
gwt_progress_describe (struct json_object *to, enum gwt_migration_status status)
{
  bool over = status == GWT_MIGRATION_COMPLETED;
  int64_t now;

  g_mutex_lock (&p.lock);
  now = over ? p.ended : g_get_monotonic_time ();
  add_int (to, "total-time", (now - p.began) / 1000);
  if (p.set_up != 0)
    add_int (to, "setup-time", (p.set_up - p.began) / 1000);
  if (over)
    {
      add_int (to, "downtime",
               ((p.resumed != 0 ? p.resumed : p.ended) - p.stopped + 500) / 1000);
      describe_downtime (to);
    }
  else if (p.rate > 0)
    /* In a round pages go that were counted at its beginning, and others are written again; in the
       first one nothing was counted yet. */
    add_int (to, "expected-downtime",
             (int64_t) ((double) MAX (p.pending, p.estimate) * 1e3 / p.rate));
  else
    add_int (to, "expected-downtime",
             (int64_t) gwt_migration_param (GWT_PARAM_DOWNTIME_LIMIT));
  g_mutex_unlock (&p.lock);
}

void
gwt_progress_describe_ram (struct json_object *ram, uint64_t pages)
{
  int64_t now;
  double seconds;

  g_mutex_lock (&p.lock);
  now = p.ended != 0 ? p.ended : g_get_monotonic_time ();
  seconds = (double) MAX (now - p.began, 1) / 1e6;
  add_int (ram, "transferred", (int64_t) p.sent);
  add_int (ram, "precopy-bytes", (int64_t) (p.stopped != 0 ? p.sent_before_stop : p.sent));
  add_int (ram, "downtime-bytes",
           (int64_t) (p.stopped != 0 ? p.sent - p.sent_before_stop : 0));
  /* Of the last window, and in the end of all of it. */
  json_object_object_add (
      ram, "mbps",
      json_object_new_double ((p.ended != 0 ? (double) p.sent / seconds : p.rate) * 8 / 1e6));
  add_int (ram, "pages-per-second",
           (int64_t) (p.ended != 0 ? (double) pages / seconds : p.rate / 4096));
  g_mutex_unlock (&p.lock);
}
