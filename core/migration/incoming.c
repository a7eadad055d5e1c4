/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving: main listens, a thread accepts and reads, main commits and starts the guest.  Until
 * the commit nothing but RAM has changed here.  The sender is told that all is well when nothing
 * can fail any more, and before the guest runs: so it never runs at both ends.
 */
#include "config.h"
#include "core/migration/internal.h"
#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "core/backend/block.h"
#include "core/cpu/run.h"
#include "core/device/device.h"
#include "core/device/lock.h"
#include "core/migration/announce.h"
#include "core/migration/globalstate.h"
#include "core/migration/params.h"
#include "core/migration/preflight.h"
#include "core/util/log.h"

#define DRAIN_US 1000000
#define DRAIN_BYTES 65536

static struct
{
  bool awaited;  /* -incoming, and the guest has not come */
  bool deferred; /* nobody said yet where from */
  bool autostart;

  bool runs;   /* [main] between listening and the end of it */
  bool coming; /* [main] it is connected: nothing may change any more */
  bool exit_on_error;
  const char *command; /* "-incoming" */
  struct gwt_address *address;
  struct gwt_listener *listener;
  GThread *thread;
  int cancel_fd;
  atomic_bool cancelled;
  GMutex lock;
  struct gwt_channel *channel; /* under `lock`: so that main may shut it down */

  /* The thread's, and main's while it is called by the thread. */
  struct gwt_reader *reader;
  bool committed;
  struct json_object *preflight; /* what was said of the guest, or NULL */
  char *unasked;                 /* or would have been, had anybody asked */
  struct gwt_error error;
} n = { .cancel_fd = -1 };

bool
gwt_incoming_runs (void)
{
  return n.coming;
}

void
gwt_incoming_set_autostart (bool on)
{
  n.autostart = on;
}

void
gwt_incoming_describe (struct json_object *to)
{
  struct json_object *addresses
      = n.listener != NULL ? gwt_listener_addresses (n.listener) : NULL;

  if (addresses != NULL)
    json_object_object_add (to, "socket-address", addresses);
  if (n.preflight != NULL && !gwt_outgoing_was_last ())
    json_object_object_add (to, "preflight", json_object_get (n.preflight));
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void
connected (void *data)
{
  (void) data;
  gwt_migration_configure_ram ();
  n.coming = true;
  gwt_migration_move (GWT_MIGRATION_SETUP, GWT_MIGRATION_ACTIVE);
}

/* It only wanted to know. */
static void
disconnected (void *data)
{
  (void) data;
  n.coming = false;
  gwt_migration_move (GWT_MIGRATION_ACTIVE, GWT_MIGRATION_SETUP);
}

static bool
still_wanted (void)
{
  if (!atomic_load (&n.cancelled))
    return true;
  gwt_error_set (&n.error, GWT_E_BUSY, "it was cancelled");
  return false;
}

/* It has said what it is.  Until then, and where it only wanted to know what becomes of it here,
   others are listened to as well. */
static void
begun (const struct gwt_preflight *result, bool check_only)
{
  if (check_only)
    return;
  json_object_put (n.preflight);
  n.preflight = result != NULL ? gwt_preflight_json (result) : NULL;
  g_free (n.unasked);
  n.unasked = result != NULL ? g_strdup (result->unasked) : NULL;
  if (result == NULL || result->verdict != GWT_VERDICT_REFUSE)
    g_clear_pointer (&n.listener, gwt_listener_free);
}

static bool
accept_channel (void)
{
  struct gwt_channel *channel = gwt_listener_accept (n.listener, n.cancel_fd, &n.error);

  if (channel == NULL)
    return false;
  g_mutex_lock (&n.lock);
  n.channel = channel;
  g_mutex_unlock (&n.lock);
  return still_wanted () && gwt_migration_on_main (connected, NULL);
}

/* The guest is not ours after all.  The sender wants the images back as soon as it hears that, and
   who is sent next may not mention all that this one did. */
static void
step_back (void *data)
{
  GWT_AUTO_ERROR (err);

  (void) data;
  if (n.committed)
    {
      gwt_device_reset_all (GWT_RESET_COLD);
      gwt_vm_forget_halts ();
    }
  n.committed = false;
  if (!gwt_block_inactivate_all (&err))
    gwt_log (GWT_LOG_ERROR, "%s: %s", n.command, err.text);
}

static void
commit (void *data)
{
  if (!still_wanted () || !gwt_reader_check (n.reader, &n.error))
    return;
  /* First the images: devices may write to them when their state is there. */
  if (!(gwt_capability (GWT_CAP_LATE_BLOCK_ACTIVATE) && !n.autostart)
      && !gwt_block_activate_all (&n.error))
    return;
  n.committed = true;
  if (!gwt_reader_commit (n.reader, &n.error))
    step_back (NULL);
}

/* A sender that waits for our word and has gone has given up: it goes on with the guest. */
static bool
sender_is_there (void)
{
  if (!gwt_channel_peer_gone (n.channel))
    return true;
  gwt_error_set (&n.error, GWT_E_IO, "the sender closed the connection before it was told that "
                                     "all is well; the guest goes on there");
  return false;
}

static bool
say_well (void)
{
  return !gwt_reader_answers (n.reader)
         || (sender_is_there ()
             && gwt_return_path_say (n.channel, GWT_RETURN_SHUT, 0, &n.error));
}

/* A sender that is in the middle of writing hears it before the connection breaks, if we go on
   reading for a while. */
static void
say_failed (void)
{
  GWT_AUTO_ERROR (ignored);
  int64_t until = g_get_monotonic_time () + DRAIN_US, left;
  g_autofree uint8_t *dropped = g_malloc (DRAIN_BYTES);

  if (atomic_load (&n.cancelled)
      || !gwt_return_path_say (n.channel, GWT_RETURN_SHUT, 1, &ignored))
    return;
  gwt_channel_end_writing (n.channel);
  while ((left = until - g_get_monotonic_time ()) > 0
         && gwt_channel_wait (n.channel, (int) (left / 1000) + 1, &ignored) > 0
         && gwt_channel_read (n.channel, dropped, DRAIN_BYTES, &ignored) > 0)
    ;
}

static void
close_channel (bool good)
{
  struct gwt_channel *channel = n.channel;
  GWT_AUTO_ERROR (ignored);

  if (channel == NULL)
    return;
  if (!good && n.reader != NULL && gwt_reader_answers (n.reader))
    say_failed ();
  g_mutex_lock (&n.lock);
  n.channel = NULL;
  g_mutex_unlock (&n.lock);
  if (!good)
    gwt_channel_shutdown (channel);
  gwt_channel_close (channel, n.cancel_fd, good ? &n.error : &ignored);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void
take_over (void)
{
  enum gwt_runstate state = gwt_globalstate_received ();
  bool ran = state == GWT_RUNSTATE_RUNNING || state == GWT_RUNSTATE_SUSPENDED;
  GWT_AUTO_ERROR (err);

  n.awaited = false;
  if (n.unasked != NULL)
    gwt_log (GWT_LOG_WARN, "%s: x-preflight is off; with it the guest would have been refused: %s",
             n.command, n.unasked);
  g_clear_pointer (&n.unasked, g_free);
  gwt_announce_when_running ();
  /* 'cont' may have come after the images were left alone. */
  if (ran && n.autostart && !gwt_block_activate_all (&err))
    {
      gwt_log (GWT_LOG_ERROR, "%s: %s; the guest is paused: 'cont' tries again", n.command,
               err.text);
      n.autostart = false;
    }
  if (ran && n.autostart)
    gwt_vm_start ();
  else
    gwt_runstate_set (ran ? GWT_RUNSTATE_PAUSED : state);
  gwt_migration_move (GWT_MIGRATION_ACTIVE, GWT_MIGRATION_COMPLETED);
}

/* Reasons beyond the first, which is the error. */
static void
report_others (void)
{
  struct json_object *reasons;
  size_t i;

  if (n.preflight == NULL || !json_object_object_get_ex (n.preflight, "reasons", &reasons))
    return;
  for (i = 1; i < json_object_array_length (reasons); i++)
    gwt_log (GWT_LOG_ERROR, "%s %s: %s", n.command, gwt_address_label (n.address),
             json_object_get_string (json_object_array_get_idx (reasons, i)));
}

static void
give_up (void)
{
  enum gwt_migration_status status = gwt_migration_status ();

  /* What the channel said when it was shut down is no news. */
  if (atomic_load (&n.cancelled))
    gwt_error_clear (&n.error);
  still_wanted ();
  gwt_error_set (&n.error, GWT_E_FAILED, "it failed");
  gwt_migration_set_error (n.error.text);
  if (atomic_load (&n.cancelled))
    {
      if (status != GWT_MIGRATION_CANCELLING)
        gwt_migration_move (status, GWT_MIGRATION_CANCELLING);
      gwt_migration_move (GWT_MIGRATION_CANCELLING, GWT_MIGRATION_CANCELLED);
    }
  else
    gwt_migration_move (status, GWT_MIGRATION_FAILED);
  n.deferred = true;
  gwt_migration_blame (&n.error, n.command, n.address);
  gwt_error_report (&n.error, NULL);
  report_others ();
  /* Half of a guest is here; the other half never comes. */
  if (n.exit_on_error)
    gwt_request_shutdown (GWT_CAUSE_HOST_ERROR, 1);
  else
    gwt_migration_undo ();
}

/* *DATA: did all go well? */
static void
conclude (void *data)
{
  bool good = *(bool *) data;

  gwt_reader_free (g_steal_pointer (&n.reader));
  g_clear_pointer (&n.listener, gwt_listener_free);
  n.runs = n.coming = false;
  if (good)
    take_over ();
  else
    give_up ();
  gwt_migration_ended ();
}

/* The sender wanted to know, no more; it was told.  False: nobody else can come this way. */
static bool
await_again (void)
{
  if (gwt_error_is_set (&n.error))
    gwt_log (GWT_LOG_INFO, "%s: %s: a guest was checked: %s", n.command,
             gwt_address_label (n.address), n.error.text);
  gwt_error_clear (&n.error);
  gwt_reader_free (g_steal_pointer (&n.reader));
  gwt_channel_end_writing (n.channel);
  close_channel (true);
  if (!gwt_listener_again (n.listener))
    gwt_error_set (&n.error, GWT_E_INVALID,
                   "it holds no guest, only the question whether one could be here; name what "
                   "'migrate' or 'state-save' has written");
  return still_wanted () && !gwt_error_is_set (&n.error)
         && gwt_migration_on_main (disconnected, NULL);
}

/* Up to a guest that wants to be here. */
static bool
begin (void)
{
  bool good;

  do
    {
      if (!accept_channel ())
        return false;
      n.reader = gwt_reader_new (n.channel, begun);
      good = gwt_reader_begin (n.reader, &n.error);
    }
  while (gwt_reader_check_only (n.reader) && (good = await_again ()));
  return good;
}

static gpointer
run (gpointer data)
{
  bool good;

  gwt_migration_thread_begins ("mig/dst/main");
  good = begin ();
  if (good)
    {
      good = gwt_reader_read (n.reader, &n.error) && still_wanted ()
             && gwt_migration_on_main (commit, NULL) && n.committed && say_well ();
      if (!good && n.committed)
        gwt_migration_on_main (step_back, NULL);
    }
  if (good)
    gwt_migration_on_main (conclude, &good);
  close_channel (good);
  gwt_migration_thread_ends ();
  if (!good)
    gwt_migration_on_main (conclude, &good);
  return NULL;
}

/* ---- from main ------------------------------------------------------------------------------- */

static void
join (void)
{
  if (n.thread == NULL)
    return;
  gwt_machine_unlock ();
  g_thread_join (g_steal_pointer (&n.thread));
  gwt_machine_lock ();
}

static bool
listen_on (struct gwt_address *address, const char *command, struct gwt_error *err)
{
  join (); /* the last one's, which has ended */
  n.listener = gwt_listener_new (address, err);
  if (n.listener == NULL)
    return false;
  if (n.cancel_fd >= 0)
    close (n.cancel_fd);
  n.cancel_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  n.command = command;
  gwt_address_free (n.address);
  n.address = gwt_address_ref (address);
  gwt_error_clear (&n.error);
  atomic_store (&n.cancelled, false);
  n.committed = false;
  gwt_migration_set_error (NULL);
  json_object_put (n.preflight);
  n.preflight = NULL;
  g_clear_pointer (&n.unasked, g_free);
  gwt_outgoing_forget ();
  n.thread = gwt_migration_thread_new ("mig/dst/main", run, n.cancel_fd, err);
  if (n.thread == NULL)
    {
      g_clear_pointer (&n.listener, gwt_listener_free);
      return false;
    }
  gwt_migration_move (gwt_migration_status (), GWT_MIGRATION_SETUP);
  n.runs = true;
  n.deferred = false;
  return true;
}

bool
gwt_migrate_await (struct gwt_address *address, bool autostart, struct gwt_error *err)
{
  n.awaited = true;
  n.deferred = true;
  n.autostart = autostart;
  n.exit_on_error = true;
  gwt_vm_await_migration ();
  return address == NULL || listen_on (address, "-incoming", err);
}

bool
gwt_migrate_incoming (struct gwt_address *address, bool exit_on_error, struct gwt_error *err)
{
  if (!n.awaited)
    gwt_error_set (err, GWT_E_INVALID,
                   "no guest is awaited; start with '-incoming defer' to say later where it "
                   "comes from");
  else if (!n.deferred)
    gwt_error_set (err, GWT_E_BUSY, "the guest is awaited from somewhere already");
  if (gwt_error_is_set (err))
    return false;
  n.exit_on_error = exit_on_error;
  return listen_on (address, "migrate-incoming", err);
}

void
gwt_incoming_cancel (void)
{
  static const uint64_t one = 1;

  if (!n.runs || atomic_exchange (&n.cancelled, true))
    return;
  if (write (n.cancel_fd, &one, sizeof (one)) < 0)
    gwt_log (GWT_LOG_ERROR, "migrate_cancel: %s", g_strerror (errno));
  g_mutex_lock (&n.lock);
  if (n.channel != NULL)
    gwt_channel_shutdown (n.channel);
  g_mutex_unlock (&n.lock);
}

void
gwt_incoming_finish (void)
{
  gwt_incoming_cancel ();
  join ();
  gwt_reader_free (g_steal_pointer (&n.reader));
  g_clear_pointer (&n.listener, gwt_listener_free);
  if (n.cancel_fd >= 0)
    close (n.cancel_fd);
  n.cancel_fd = -1;
  gwt_error_clear (&n.error);
  json_object_put (n.preflight);
  n.preflight = NULL;
  g_clear_pointer (&n.unasked, g_free);
  g_clear_pointer (&n.address, gwt_address_free);
}
