/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending: a thread that connects, sends what a running guest has until little is left, has main
 * stop the guest and save its devices, and sends the rest.  Whatever goes wrong or is cancelled
 * before the other end has all of it, the guest goes on here as if nothing had been.
 *
 * The thread never holds the machine lock while it writes, and what is done to the guest is done
 * on main.  Who has the guest in the end is decided by one thing alone: without a return path,
 * whether the last byte was written; with it, whether the other end said that all is well.  So a
 * cancel that comes late only shuts the connection, and then it is seen who was first: an end that
 * was sent all may have begun to run the guest, so it is asked (by an end of what we write) and has
 * a moment to answer.
 */
#include "config.h"
#include "core/migration/internal.h"
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "core/backend/block.h"
#include "core/cpu/run.h"
#include "core/device/lock.h"
#include "core/migration/converge.h"
#include "core/migration/params.h"
#include "core/migration/verdict.h"
#include "core/migration/switchover.h"
#include "core/util/log.h"

#define LOOK_MS 5000
/* How long another process that is ending may keep an image that is to come back. */
#define BACK_US 1000000
#define BACK_STEP_US 10000
/* The receiver is not behind if it answers so soon; nor is it waited for more often than that. */
#define BEHIND_US 2000
#define PINGS 3

static struct
{
  struct gwt_outgoing_plan plan;
  bool runs;     /* [main] between start and conclude */
  bool was_last; /* [main] nothing came in since */
  GThread *thread;
  int cancel_fd;
  atomic_bool cancelled;

  GMutex lock;
  GCond changed;
  struct gwt_channel *channel; /* under `lock`: so that main may shut it down */
  bool go_ahead;               /* under `lock`: migrate-continue */
  bool answer_due;             /* under `lock`: the other end has all or gets it now */
  struct json_object *verdict; /* under `lock`: on this guest, or NULL */

  /* The thread's, and main's while it is called by the thread. */
  struct gwt_return_path *return_path;
  unsigned pings;            /* sent on it */
  struct gwt_vm_out out;     /* to the channel */
  struct gwt_vm_out devices; /* their sections, saved */
  GString *config_text, *devices_text;
  GPtrArray *live; /* struct gwt_entry: those that were set up */
  bool stopped;
  struct gwt_switchover switchover;
  struct gwt_error error;
} o = { .cancel_fd = -1 };

bool
gwt_outgoing_runs (void)
{
  return o.runs;
}

bool
gwt_outgoing_was_last (void)
{
  return o.was_last;
}

void
gwt_outgoing_forget (void)
{
  o.was_last = false;
}

/* ---- the channel ----------------------------------------------------------------------------- */

static bool
sink (void *opaque, const struct iovec *iov, int n, struct gwt_error *err)
{
  return gwt_channel_writev (o.channel, iov, n, err);
}

static bool
still_wanted (void)
{
  if (!atomic_load (&o.cancelled))
    return o.return_path == NULL || !gwt_return_path_failed (o.return_path, &o.error);
  gwt_error_set (&o.error, GWT_E_BUSY, "it was cancelled");
  return false;
}

static bool
open_channel (void)
{
  struct gwt_channel *channel
      = gwt_channel_connect (o.plan.address, o.plan.return_path || o.plan.waits, o.cancel_fd,
                             &o.error);

  if (channel == NULL)
    return false;
  g_mutex_lock (&o.lock);
  o.channel = channel;
  g_mutex_unlock (&o.lock);
  gwt_vm_out_init_sink (&o.out, sink, NULL);
  return still_wanted ();
}

static bool
close_channel (void)
{
  struct gwt_channel *channel = o.channel;

  g_mutex_lock (&o.lock);
  o.channel = NULL;
  g_mutex_unlock (&o.lock);
  gwt_vm_out_clear (&o.out);
  return gwt_channel_close (channel, o.cancel_fd, &o.error);
}

static void
put_ping (void)
{
  uint8_t number[4] = { 0, 0, 0, (uint8_t) ++o.pings };

  gwt_stream_put_command (&o.out, GWT_COMMAND_PING, number, sizeof (number));
}

static bool
open_return_path (void)
{
  if (!o.plan.return_path)
    return true;
  gwt_stream_put_command (&o.out, GWT_COMMAND_OPEN_RETURN_PATH, NULL, 0);
  o.pings = 0;
  put_ping ();
  o.return_path = gwt_return_path_open (o.channel, &o.error);
  return o.return_path != NULL;
}

/* ---- the beginning --------------------------------------------------------------------------- */

static void
set_up_live (void *data)
{
  guint count, i;
  g_autofree struct gwt_entry **entries = gwt_entries (&count);

  if (atomic_load (&o.cancelled))
    return;
  for (i = 0; i < count && !gwt_error_is_set (&o.error); i++)
    if (entries[i]->live != NULL)
      {
        /* Cleaned up even where this fails half way. */
        g_ptr_array_add (o.live, entries[i]);
        gwt_stream_put_piece (&o.out, GWT_STREAM_START, entries[i], NULL, &o.error);
      }
  if (!gwt_error_is_set (&o.error))
    {
      gwt_progress_set_up ();
      gwt_migration_move (GWT_MIGRATION_SETUP, GWT_MIGRATION_ACTIVE);
    }
}

/* Would the guest go on there?  Nothing but its description has been sent. */
static bool
hear_verdict (void)
{
  struct json_object *verdict;

  if (!o.plan.waits)
    return true;
  if (!gwt_vm_out_drain (&o.out, &o.error))
    return false;
  verdict = gwt_verdict_receive (o.channel, &o.error);
  if (verdict == NULL)
    return false;
  gwt_verdict_refuses (verdict, &o.error);
  g_mutex_lock (&o.lock);
  o.verdict = verdict;
  g_mutex_unlock (&o.lock);
  return !gwt_error_is_set (&o.error) && still_wanted ();
}

static void
forget_verdict (void)
{
  g_mutex_lock (&o.lock);
  json_object_put (o.verdict);
  o.verdict = NULL;
  g_mutex_unlock (&o.lock);
}

struct json_object *
gwt_outgoing_verdict (void)
{
  struct json_object *verdict;

  g_mutex_lock (&o.lock);
  verdict = o.verdict;
  g_mutex_unlock (&o.lock);
  return verdict;
}

static bool
begin (void)
{
  struct gwt_stream_config config;
  const char *capabilities[GWT_CONFIG_WORDS];

  gwt_migration_config (&config, capabilities, true);
  config.manifest = o.plan.manifest;
  config.manifest_flags = o.plan.waits ? GWT_STREAM_WAITS : 0;
  if (o.plan.waits)
    gwt_verdict_limit (o.channel);
  gwt_stream_put_header (&o.out);
  gwt_stream_put_config (&o.out, &config, o.config_text);
  return hear_verdict () && open_return_path () && gwt_vm_out_drain (&o.out, &o.error)
         && gwt_migration_on_main (set_up_live, NULL) && !gwt_error_is_set (&o.error)
         && gwt_vm_out_drain (&o.out, &o.error) && still_wanted ();
}

/* ---- the guest runs -------------------------------------------------------------------------- */

static uint64_t
pending (bool exact)
{
  uint64_t all = 0;
  guint i;

  for (i = 0; i < o.live->len; i++)
    {
      const struct gwt_entry *entry = g_ptr_array_index (o.live, i);
      uint64_t bytes = 0;

      if (exact && entry->live->pending_exact != NULL)
        entry->live->pending_exact (entry->opaque, &bytes);
      else if (entry->live->pending_estimate != NULL)
        entry->live->pending_estimate (entry->opaque, &bytes);
      all += bytes;
    }
  return all;
}

/* Little enough to be sent while the guest stands?  Where it seems so, the rounds' dirty pages are
   collected and it is looked at once more. */
static bool
is_little (void)
{
  double rate = gwt_progress_rate (o.out.total);
  uint64_t threshold = gwt_progress_threshold (rate), estimate = pending (false), left;

  gwt_progress_estimate (estimate);
  if (!gwt_switchover_is_near (&o.switchover, estimate, threshold, rate))
    return false;
  left = pending (true);
  gwt_progress_pending (left);
  return gwt_switchover_is_now (&o.switchover, estimate, left, threshold, rate,
                                g_get_monotonic_time ());
}

/* A guest that has to be slowed down is looked at from time to time, however long a round takes. */
static void
look_at_guest (void)
{
  if (gwt_capability (GWT_CAP_AUTO_CONVERGE) && gwt_progress_since_sync () >= LOOK_MS)
    gwt_progress_pending (pending (true));
}

/* Until the next window begins, or somebody cancels. */
static void
rest (void)
{
  struct pollfd fd = { o.cancel_fd, POLLIN, 0 };

  while (poll (&fd, 1, gwt_progress_window_left ()) < 0 && errno == EINTR)
    ;
}

static bool
send_pieces (void)
{
  uint64_t budget = gwt_progress_budget (o.out.total);
  guint i;

  if (budget == 0)
    {
      rest ();
      return true;
    }
  o.out.limit = budget == UINT64_MAX ? UINT64_MAX : o.out.total + budget;
  for (i = 0; i < o.live->len; i++)
    {
      bool done = false;

      if (!gwt_stream_put_piece (&o.out, GWT_STREAM_PART, g_ptr_array_index (o.live, i), &done,
                                 &o.error)
          || !gwt_vm_out_drain (&o.out, &o.error))
        return false;
    }
  o.out.limit = UINT64_MAX;
  return true;
}

/* What was written may wait in buffers on the way for long, and is not to do so while the guest
   stands.  *BEHIND: it did; meanwhile the guest has written more. */
static bool
let_catch_up (bool *behind)
{
  int64_t since = g_get_monotonic_time ();

  *behind = false;
  if (o.return_path == NULL || o.pings > PINGS)
    return true;
  put_ping ();
  if (!gwt_vm_out_drain (&o.out, &o.error))
    return false;
  if (!gwt_return_path_wait_pong (o.return_path, o.pings, &o.cancelled))
    o.pings = PINGS + 1; /* it does not answer: it is asked no more */
  *behind = g_get_monotonic_time () - since > BEHIND_US;
  return true;
}

static bool
send_while_running (void)
{
  bool behind;

  gwt_switchover_begin (&o.switchover, g_get_monotonic_time ());
  while (still_wanted ())
    {
      if (is_little ())
        {
          if (!let_catch_up (&behind))
            return false;
          if (!behind)
            return still_wanted ();
          continue;
        }
      if (!send_pieces ())
        return false;
      look_at_guest ();
    }
  return false;
}

/* ---- the guest stands ------------------------------------------------------------------------ */

static void
stop_guest (void *data)
{
  if (atomic_load (&o.cancelled))
    return;
  gwt_progress_stopped (o.out.total);
  gwt_vm_stop_to_migrate ();
  o.stopped = true;
}

static void
pause_guest (void *data)
{
  gwt_progress_part (GWT_DOWNTIME_STOP);
  gwt_migration_move (GWT_MIGRATION_ACTIVE, GWT_MIGRATION_PRE_SWITCHOVER);
}

/* Until migrate-continue. */
static bool
wait_to_go_ahead (void)
{
  if (!o.plan.pause)
    return true;
  if (!gwt_migration_on_main (pause_guest, NULL))
    return false;
  g_mutex_lock (&o.lock);
  while (!o.go_ahead && still_wanted ())
    /* A return path that breaks does not wake this thread. */
    g_cond_wait_until (&o.changed, &o.lock, g_get_monotonic_time () + 100000);
  g_mutex_unlock (&o.lock);
  return still_wanted ();
}

static bool
save_devices (void)
{
  guint count, i;
  g_autofree struct gwt_entry **entries = gwt_entries (&count);

  for (i = 0; i < count; i++)
    {
      int64_t since = g_get_monotonic_time ();
      uint64_t before = o.devices.total;

      if (entries[i]->live != NULL || gwt_migration_left_out (entries[i]))
        continue;
      if (!gwt_stream_put_full (&o.devices, entries[i], o.devices_text, &o.error))
        return false;
      gwt_progress_device (entries[i], g_get_monotonic_time () - since, o.devices.total - before);
    }
  return true;
}

/* A turn of the main loop after stop_guest: what vCPUs had asked for just before (a reset, say) has
   been done. */
static void
switch_over (void *data)
{
  enum gwt_migration_status status = gwt_migration_status ();

  gwt_progress_part (status == GWT_MIGRATION_PRE_SWITCHOVER ? GWT_DOWNTIME_PAUSE
                                                            : GWT_DOWNTIME_STOP);
  if (atomic_load (&o.cancelled) || !gwt_migration_move (status, GWT_MIGRATION_DEVICE))
    return;
  if (!o.plan.goes_on && !gwt_block_inactivate_all (&o.error))
    return;
  /* Now, though it is sent later: what hooks write to the guest's RAM is in the last pages. */
  save_devices ();
  gwt_progress_part (GWT_DOWNTIME_DEVICES);
}

static bool
may_finish (void)
{
  g_mutex_lock (&o.lock);
  o.answer_due = o.return_path != NULL && !atomic_load (&o.cancelled);
  g_mutex_unlock (&o.lock);
  return still_wanted ();
}

static bool
send_rest (void)
{
  guint i;

  gwt_stream_put_command (&o.out, GWT_COMMAND_SWITCHOVER_START, NULL, 0);
  for (i = 0; i < o.live->len; i++)
    if (!gwt_stream_put_piece (&o.out, GWT_STREAM_END, g_ptr_array_index (o.live, i), NULL,
                               &o.error))
      return false;
  gwt_progress_part (GWT_DOWNTIME_RAM);
  gwt_vm_put_ref (&o.out, o.devices.bytes->data, o.devices.bytes->len);
  gwt_stream_put_end (&o.out);
  /* With what comes now it is whole. */
  if (!gwt_vm_out_drain (&o.out, &o.error) || !may_finish ())
    return false;
  gwt_stream_put_description (&o.out, o.config_text->str, o.devices_text->str);
  if (!gwt_vm_out_drain (&o.out, &o.error))
    return false;
  gwt_progress_part (GWT_DOWNTIME_SEND);
  return true;
}

/* The images are ours again, or the guest stays as it is. */
static void
take_back (void)
{
  GWT_AUTO_ERROR (err);

  if (!o.stopped)
    return;
  o.stopped = false;
  if (!gwt_block_activate_all (&err))
    {
      gwt_vm_stop (GWT_RUNSTATE_PAUSED);
      gwt_log (GWT_LOG_ERROR, "%s: %s; the guest is paused: 'cont' tries again", o.plan.what,
               err.text);
    }
  gwt_vm_resume_unmigrated ();
}

static void
end_copy (void *data)
{
  take_back ();
  gwt_progress_resumed ();
}

/* A guest that is only copied need not wait until the copy is safe. */
static bool
go_on (void)
{
  return !o.plan.goes_on || gwt_migration_on_main (end_copy, NULL);
}

/* The other end's word; files on the disk; what a command thinks of it. */
static bool
hand_over (void)
{
  if (o.return_path != NULL && !gwt_return_path_wait (o.return_path, &o.cancelled, &o.error))
    return false;
  gwt_progress_ended (o.out.total);
  if (o.return_path != NULL)
    {
      gwt_progress_part (GWT_DOWNTIME_ANSWER);
      gwt_return_path_close (g_steal_pointer (&o.return_path));
      if (!close_channel ())
        {
          /* A tunnel that fails now: the guest runs elsewhere already. */
          gwt_log (GWT_LOG_WARN, "%s: %s; the guest has arrived", o.plan.what, o.error.text);
          gwt_error_clear (&o.error);
        }
      return true;
    }
  return close_channel () && (o.plan.written == NULL || o.plan.written (o.plan.data, &o.error));
}

/* ---- the end --------------------------------------------------------------------------------- */

static void
clean_up_live (void)
{
  guint i;

  for (i = 0; i < o.live->len; i++)
    {
      const struct gwt_entry *entry = g_ptr_array_index (o.live, i);

      if (entry->live->cleanup != NULL)
        entry->live->cleanup (entry->opaque);
    }
  g_ptr_array_set_size (o.live, 0);
}

static void
end_well (void)
{
  if (!o.plan.goes_on)
    gwt_runstate_set (GWT_RUNSTATE_POSTMIGRATE);
  gwt_migration_move (GWT_MIGRATION_DEVICE, GWT_MIGRATION_COMPLETED);
}

/* Reasons beyond the first, which is the error. */
static void
log_others (void)
{
  struct json_object *reasons;
  size_t i;

  if (o.verdict == NULL || !json_object_object_get_ex (o.verdict, "reasons", &reasons))
    return;
  for (i = 1; i < json_object_array_length (reasons); i++)
    gwt_log (GWT_LOG_WARN, "%s: %s: %s", o.plan.what, gwt_address_label (o.plan.address),
             json_object_get_string (json_object_array_get_idx (reasons, i)));
}

static void
end_badly (void)
{
  enum gwt_migration_status status = gwt_migration_status ();

  take_back ();
  if (atomic_load (&o.cancelled))
    {
      if (status != GWT_MIGRATION_CANCELLING)
        gwt_migration_move (status, GWT_MIGRATION_CANCELLING);
      gwt_migration_move (GWT_MIGRATION_CANCELLING, GWT_MIGRATION_CANCELLED);
      return;
    }
  gwt_error_set (&o.error, GWT_E_FAILED, "it failed");
  gwt_migration_set_error (o.error.text);
  gwt_migration_blame (&o.error, o.plan.what, o.plan.address);
  gwt_log (GWT_LOG_WARN, "%s", o.error.text);
  log_others ();
  gwt_migration_move (status, GWT_MIGRATION_FAILED);
}

/* *DATA: did all go well? */
static void
conclude (void *data)
{
  if (*(bool *) data)
    end_well ();
  else
    end_badly ();
  clean_up_live ();
  gwt_converge_stop ();
  o.runs = false;
  if (o.plan.ended != NULL)
    o.plan.ended (o.plan.data);
  gwt_migration_ended ();
}

static void
let_go (void)
{
  if (o.channel != NULL)
    {
      /* Whoever reads or writes on it comes back first. */
      GWT_AUTO_ERROR (ignored);
      struct gwt_error first;

      if (o.return_path != NULL && !atomic_load (&o.cancelled))
        gwt_return_path_explain (o.return_path, &o.error);
      first = o.error;
      gwt_channel_shutdown (o.channel);
      gwt_return_path_close (g_steal_pointer (&o.return_path));
      o.error = ignored;
      close_channel ();
      ignored = o.error;
      o.error = first;
    }
  gwt_vm_out_clear (&o.devices);
  g_string_free (g_steal_pointer (&o.config_text), TRUE);
  g_string_free (g_steal_pointer (&o.devices_text), TRUE);
}

/* *DATA: are the images ours? */
static void
try_back (void *data)
{
  GWT_AUTO_ERROR (later);

  *(bool *) data = !o.stopped || gwt_block_activate_all (&later);
}

/* A receiver that gave up, or was killed, has closed the connection and still has to close the
   images. */
static void
wait_for_images (void)
{
  int64_t until = g_get_monotonic_time () + BACK_US;
  bool back = false;

  while (gwt_migration_on_main (try_back, &back) && !back && g_get_monotonic_time () < until)
    g_usleep (BACK_STEP_US);
}

static gpointer
run (gpointer data)
{
  bool good;

  gwt_migration_thread_begins ("mig/src/main");
  good = open_channel () && begin () && send_while_running ()
         && gwt_migration_on_main (stop_guest, NULL) && still_wanted () && wait_to_go_ahead ()
         && gwt_migration_on_main (switch_over, NULL) && !gwt_error_is_set (&o.error)
         && still_wanted () && send_rest () && go_on () && hand_over ();
  let_go ();
  if (!good)
    wait_for_images ();
  gwt_migration_thread_ends ();
  gwt_migration_on_main (conclude, &good);
  return NULL;
}

/* ---- from main ------------------------------------------------------------------------------- */

static void
join (void)
{
  if (o.thread == NULL)
    return;
  gwt_machine_unlock ();
  g_thread_join (g_steal_pointer (&o.thread));
  gwt_machine_lock ();
}

bool
gwt_outgoing_start (const struct gwt_outgoing_plan *plan, struct gwt_error *err)
{
  join (); /* the last one's, which has ended */
  if (o.live == NULL)
    o.live = g_ptr_array_new ();
  if (o.cancel_fd >= 0)
    close (o.cancel_fd);
  o.cancel_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  gwt_error_clear (&o.error);
  gwt_address_free (o.plan.address);
  gwt_manifest_unref (o.plan.manifest);
  o.plan = *plan;
  atomic_store (&o.cancelled, false);
  o.go_ahead = o.answer_due = o.stopped = false;
  gwt_vm_out_init (&o.devices);
  o.config_text = g_string_new (NULL);
  o.devices_text = g_string_new (NULL);
  forget_verdict ();
  gwt_progress_begin ();
  gwt_converge_stop ();
  gwt_migration_set_error (NULL);
  gwt_migration_move (gwt_migration_status (), GWT_MIGRATION_SETUP);
  o.runs = o.was_last = true;
  o.thread = gwt_migration_thread_new ("mig/src/main", run, o.cancel_fd, err);
  if (o.thread != NULL)
    return true;
  gwt_migration_set_error (err->text);
  let_go ();
  o.runs = false;
  gwt_migration_move (GWT_MIGRATION_SETUP, GWT_MIGRATION_FAILED);
  if (o.plan.ended != NULL)
    o.plan.ended (o.plan.data);
  return false;
}

void
gwt_outgoing_cancel (void)
{
  static const uint64_t one = 1;
  enum gwt_migration_status status = gwt_migration_status ();

  if (!o.runs || atomic_exchange (&o.cancelled, true))
    return;
  /* In `device` it may be too late: see above. */
  if (status != GWT_MIGRATION_DEVICE && gwt_migration_status_cancelable (status))
    gwt_migration_move (status, GWT_MIGRATION_CANCELLING);
  if (write (o.cancel_fd, &one, sizeof (one)) < 0)
    gwt_log (GWT_LOG_ERROR, "migrate_cancel: %s", g_strerror (errno));
  g_mutex_lock (&o.lock);
  if (o.channel != NULL && o.answer_due)
    gwt_channel_stop_writing (o.channel);
  else if (o.channel != NULL)
    gwt_channel_shutdown (o.channel);
  g_cond_broadcast (&o.changed);
  g_mutex_unlock (&o.lock);
}

void
gwt_outgoing_continue (void)
{
  g_mutex_lock (&o.lock);
  o.go_ahead = true;
  g_cond_broadcast (&o.changed);
  g_mutex_unlock (&o.lock);
}

void
gwt_outgoing_finish (void)
{
  gwt_outgoing_cancel ();
  /* Nobody here waits for an answer any more. */
  g_mutex_lock (&o.lock);
  if (o.channel != NULL)
    gwt_channel_shutdown (o.channel);
  g_mutex_unlock (&o.lock);
  join ();
  if (o.runs)
    {
      clean_up_live ();
      o.runs = false;
      if (o.plan.ended != NULL)
        o.plan.ended (o.plan.data);
    }
  if (o.cancel_fd >= 0)
    close (o.cancel_fd);
  o.cancel_fd = -1;
  gwt_error_clear (&o.error);
  g_clear_pointer (&o.plan.address, gwt_address_free);
  g_clear_pointer (&o.plan.manifest, gwt_manifest_unref);
  forget_verdict ();
  g_clear_pointer (&o.live, g_ptr_array_unref);
}
