/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the status of the migration, which is one table, the events that tell of it, and how the
 * migration's threads have something done on main.  It must not know what a migration does.
 */
#include "config.h"
#include "core/migration/internal.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "core/device/lock.h"
#include "core/migration/params.h"
#include "core/util/log.h"

#define TO(status) (1u << GWT_MIGRATION_##status)

/*
 * All there is to know about statuses.  Sending: none - setup - active - [pre-switchover] - device
 * - completed.  Receiving: none - setup - active - completed; a
 * sender that only wanted to know leads from active to setup.  Whatever runs can fail or be
 * cancelled, and whatever has ended can begin anew.
 */
static const struct
{
  const char *name;
  unsigned next;
  bool runs, cancelable;
} statuses[GWT_N_MIGRATION_STATUSES] = {
  [GWT_MIGRATION_NONE] = { "none", TO (SETUP), false, false },
  [GWT_MIGRATION_SETUP] = { "setup", TO (ACTIVE) | TO (FAILED) | TO (CANCELLING), true, true },
  [GWT_MIGRATION_ACTIVE] = { "active",
                             TO (PRE_SWITCHOVER) | TO (DEVICE) | TO (COMPLETED) | TO (FAILED)
                                 | TO (CANCELLING) | TO (SETUP),
                             true, true },
  [GWT_MIGRATION_PRE_SWITCHOVER]
  = { "pre-switchover", TO (DEVICE) | TO (FAILED) | TO (CANCELLING), true, true },
  [GWT_MIGRATION_DEVICE]
  = { "device", TO (COMPLETED) | TO (FAILED) | TO (CANCELLING), true, true },
  [GWT_MIGRATION_CANCELLING] = { "cancelling", TO (CANCELLED), true, false },
  [GWT_MIGRATION_CANCELLED] = { "cancelled", TO (SETUP), false, false },
  [GWT_MIGRATION_COMPLETED] = { "completed", TO (SETUP), false, false },
  [GWT_MIGRATION_FAILED] = { "failed", TO (SETUP), false, false },
};

static atomic_int status = GWT_MIGRATION_NONE;

const char *
gwt_migration_status_name (enum gwt_migration_status which)
{
  return statuses[which].name;
}

enum gwt_migration_status
gwt_migration_status (void)
{
  return (enum gwt_migration_status) atomic_load (&status);
}

bool
gwt_migration_status_runs (enum gwt_migration_status which)
{
  return statuses[which].runs;
}

bool
gwt_migration_status_cancelable (enum gwt_migration_status which)
{
  return statuses[which].cancelable;
}

bool
gwt_migration_move (enum gwt_migration_status from, enum gwt_migration_status to)
{
  struct json_object *data;
  int expected = (int) from;

  if (!(statuses[from].next >> to & 1))
    {
      gwt_log (GWT_LOG_ERROR, "internal: a migration that is '%s' cannot become '%s'",
               statuses[from].name, statuses[to].name);
      return false;
    }
  if (!atomic_compare_exchange_strong (&status, &expected, (int) to))
    return false;
  data = json_object_new_object ();
  json_object_object_add (data, "status", json_object_new_string (statuses[to].name));
  gwt_migration_emit ("MIGRATION", data);
  return true;
}

/* ---- events ---------------------------------------------------------------------------------- */

struct event
{
  char *name;
  struct json_object *data;
};

static GMutex events_lock;
static GQueue events = G_QUEUE_INIT; /* struct event */
static guint events_source;
static GThread *main_thread;
static void (*listener) (const char *name, struct json_object *data);

void
gwt_migrate_on_event (void (*fn) (const char *name, struct json_object *data))
{
  main_thread = g_thread_self ();
  listener = fn;
}

/* [main] */
static void
tell_events (void)
{
  for (;;)
    {
      struct event *event;

      g_mutex_lock (&events_lock);
      event = g_queue_pop_head (&events);
      g_mutex_unlock (&events_lock);
      if (event == NULL)
        return;
      if (listener != NULL)
        listener (event->name, event->data);
      else
        json_object_put (event->data);
      g_free (event->name);
      g_free (event);
    }
}

static gboolean
tell_later (gpointer data)
{
  (void) data;
  g_mutex_lock (&events_lock);
  events_source = 0;
  g_mutex_unlock (&events_lock);
  tell_events ();
  return G_SOURCE_REMOVE;
}

void
gwt_migration_emit (const char *name, struct json_object *data)
{
  if (gwt_capability (GWT_CAP_EVENTS))
    gwt_migration_emit_always (name, data);
  else
    json_object_put (data);
}

void
gwt_migration_emit_always (const char *name, struct json_object *data)
{
  struct event *event;

  event = g_new (struct event, 1);
  *event = (struct event){ g_strdup (name), data };
  g_mutex_lock (&events_lock);
  g_queue_push_tail (&events, event);
  if (g_thread_self () != main_thread && events_source == 0)
    events_source = g_idle_add_full (G_PRIORITY_DEFAULT, tell_later, NULL, NULL);
  g_mutex_unlock (&events_lock);
  /* What main does next (a STOP, say) is told after it. */
  if (g_thread_self () == main_thread)
    tell_events ();
}

/* ---- calls on main --------------------------------------------------------------------------- */

struct call
{
  void (*fn) (void *data);
  void *data;
  bool done;
};

static GMutex calls_lock;
static GCond calls_changed;
static bool main_closed;

static gboolean
call_now (gpointer data)
{
  struct call *call = data;

  tell_events ();
  call->fn (call->data);
  g_mutex_lock (&calls_lock);
  call->done = true;
  g_cond_broadcast (&calls_changed);
  g_mutex_unlock (&calls_lock);
  return G_SOURCE_REMOVE;
}

bool
gwt_migration_on_main (void (*fn) (void *data), void *data)
{
  struct call call = { fn, data, false };
  /* Not g_main_context_invoke: that calls here and now whenever main does not wait. */
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, call_now, &call, NULL);
  g_mutex_lock (&calls_lock);
  if (!main_closed)
    g_source_attach (source, NULL);
  while (!call.done && !main_closed)
    g_cond_wait (&calls_changed, &calls_lock);
  g_mutex_unlock (&calls_lock);
  g_source_destroy (source);
  g_source_unref (source);
  return call.done;
}

void
gwt_migration_close_main (void)
{
  g_mutex_lock (&calls_lock);
  main_closed = true;
  g_cond_broadcast (&calls_changed);
  g_mutex_unlock (&calls_lock);
}

/* ---- threads --------------------------------------------------------------------------------- */

struct thread
{
  GThread *thread;
  const char *name;
  int tid;
};

/* What a migration needs beside the guest, stacks of its threads included, and some. */
#define ROOM_MIB 32u

static GMutex threads_lock;
static GArray *threads; /* struct thread */

bool
gwt_migration_has_room (struct gwt_error *err)
{
  const size_t size = (size_t) ROOM_MIB << 20;
  /* Small allocations that fail end the process, and the guest with it: that does not come to pass
     where a large one is possible now.  None of it is touched. */
  void *room = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (room != MAP_FAILED)
    return munmap (room, size) == 0;
  gwt_error_set (err, GWT_E_NO_MEMORY,
                 "the host has not %u MiB of memory to spare; end other programs", ROOM_MIB);
  return false;
}

GThread *
gwt_migration_thread_new (const char *name, GThreadFunc run, int cancel_fd, struct gwt_error *err)
{
  GError *error = NULL;
  GThread *thread;

  if (cancel_fd < 0)
    gwt_error_set (err, GWT_E_NO_MEMORY,
                   "the host gives no file descriptor (%s); end other programs",
                   g_strerror (errno));
  if (cancel_fd < 0 || !gwt_migration_has_room (err))
    return NULL;
  thread = g_thread_try_new (name, run, NULL, &error);
  if (thread == NULL)
    gwt_error_set (err, GWT_E_NO_MEMORY, "the host gives no thread (%s); end other programs",
                   error->message);
  g_clear_error (&error);
  return thread;
}

void
gwt_migration_thread_begins (const char *name)
{
  struct thread t = { g_thread_self (), name, (int) syscall (SYS_gettid) };

  g_mutex_lock (&threads_lock);
  if (threads == NULL)
    threads = g_array_new (FALSE, FALSE, sizeof (struct thread));
  g_array_append_val (threads, t);
  g_mutex_unlock (&threads_lock);
}

void
gwt_migration_thread_ends (void)
{
  guint i;

  g_mutex_lock (&threads_lock);
  for (i = 0; i < threads->len; i++)
    if (g_array_index (threads, struct thread, i).thread == g_thread_self ())
      {
        g_array_remove_index (threads, i);
        break;
      }
  g_mutex_unlock (&threads_lock);
}

struct json_object *
gwt_migrate_threads (void)
{
  struct json_object *list = json_object_new_array ();
  guint i;

  g_mutex_lock (&threads_lock);
  for (i = 0; threads != NULL && i < threads->len; i++)
    {
      const struct thread *t = &g_array_index (threads, struct thread, i);
      struct json_object *one = json_object_new_object ();

      json_object_object_add (one, "name", json_object_new_string (t->name));
      json_object_object_add (one, "thread-id", json_object_new_int (t->tid));
      json_object_array_add (list, one);
    }
  g_mutex_unlock (&threads_lock);
  return list;
}

/* ---- what went wrong ------------------------------------------------------------------------- */

static char *error_text;

void
gwt_migration_set_error (const char *text)
{
  g_free (error_text);
  error_text = g_strdup (text);
}

const char *
gwt_migration_error (void)
{
  return error_text;
}
