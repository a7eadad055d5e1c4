/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of a guest in a file: saved while it goes on, and loaded into this process in place of
 * what is here.  Saving is sending to a file that gets its name when it is complete.  Loading reads
 * twice: first all is judged and nothing changed, then the guest is stopped and filled.
 */
#include "config.h"
#include "core/migration/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "core/cpu/run.h"
#include "core/device/device.h"
#include "core/device/lock.h"
#include "core/migration/params.h"
#include "core/migration/preflight.h"
#include "core/migration/ram.h"
#include "core/util/log.h"

static struct gwt_address *
address_of_file (const char *file, enum gwt_direction direction, struct gwt_error *err)
{
  struct json_object *channels = json_object_new_array (), *channel = json_object_new_object (),
                     *addr = json_object_new_object ();
  struct gwt_address *address;

  /* Not as a URI: a name may have a comma. */
  json_object_object_add (addr, "transport", json_object_new_string ("file"));
  json_object_object_add (addr, "filename", json_object_new_string (file));
  json_object_object_add (addr, "offset", json_object_new_int (0));
  json_object_object_add (channel, "channel-type", json_object_new_string ("main"));
  json_object_object_add (channel, "addr", addr);
  json_object_array_add (channels, channel);
  address = gwt_address_parse_channels (channels, direction, err);
  json_object_put (channels);
  return address;
}

/* RAM that other processes share is not in the stream, and goes on changing. */
static bool
check_whole (struct gwt_error *err)
{
  if (!gwt_capability (GWT_CAP_X_IGNORE_SHARED))
    return true;
  gwt_error_set (err, GWT_E_UNSUPPORTED,
                 "capability x-ignore-shared is on, so RAM would not be in the file; turn it off");
  return false;
}

/* ---- saving ---------------------------------------------------------------------------------- */

struct save
{
  char *file, *partial;
};

/* A name must survive a crash of the host like what is behind it. */
static void
sync_folder (const char *file)
{
  g_autofree char *folder = g_path_get_dirname (file);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    return;
  fsync (fd);
  close (fd);
}

static bool
written (void *data, struct gwt_error *err)
{
  const struct save *s = data;

  if (rename (s->partial, s->file) != 0)
    {
      gwt_error_set (err, GWT_E_IO, "'%s': it cannot get its name: %s; name another file", s->file,
                     g_strerror (errno));
      return false;
    }
  sync_folder (s->file);
  return true;
}

static void
save_free (void *data)
{
  struct save *s = data;

  /* Gone, unless something failed. */
  unlink (s->partial);
  g_free (s->file);
  g_free (s->partial);
  g_free (s);
}

static struct save *
save_new (const char *file, struct gwt_error *err)
{
  struct save *s = g_new0 (struct save, 1);
  int fd;

  s->file = g_strdup (file);
  s->partial = g_strdup_printf ("%s.part-XXXXXX", file);
  fd = g_mkstemp_full (s->partial, O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0)
    {
      close (fd);
      return s;
    }
  gwt_error_set (err, GWT_E_IO, "'%s': no file can be made beside it: %s; name another one", file,
                 g_strerror (errno));
  g_free (s->file);
  g_free (s->partial);
  g_free (s);
  return NULL;
}

bool
gwt_migrate_save_file (const char *file, struct gwt_error *err)
{
  struct gwt_outgoing_plan plan
      = { .what = "state-save", .goes_on = true, .written = written, .ended = save_free };
  struct save *s;

  if (!gwt_migration_check_guest (err) || !check_whole (err))
    return false;
  if (file[0] == '\0' || g_file_test (file, G_FILE_TEST_IS_DIR))
    {
      gwt_error_set (err, GWT_E_INVALID, "'%s': no name of a file; name another one", file);
      return false;
    }
  s = save_new (file, err);
  if (s == NULL)
    return false;
  plan.data = s;
  if (!gwt_migration_make_manifest (&plan.manifest, err))
    {
      save_free (s);
      return false;
    }
  plan.address = address_of_file (s->partial, GWT_OUTGOING, err);
  if (plan.address == NULL)
    {
      gwt_manifest_unref (plan.manifest);
      save_free (s);
      return false;
    }
  gwt_migration_configure_ram ();
  return gwt_outgoing_start (&plan, err);
}

/* ---- loading --------------------------------------------------------------------------------- */

static struct
{
  bool runs;
  GThread *thread;
  struct gwt_address *address;
  struct gwt_listener *listener;
  int cancel_fd;
  atomic_bool cancelled;
  GMutex lock;
  struct gwt_channel *channel; /* under `lock`: so that main may shut it down */

  /* The thread's, and main's while it is called by the thread. */
  struct gwt_reader *reader;
  bool touched;   /* something of the guest has changed */
  bool committed;
  struct gwt_error error;
} l = { .cancel_fd = -1 };

bool
gwt_snapshot_runs (void)
{
  return l.runs;
}

static bool
still_wanted (void)
{
  if (!atomic_load (&l.cancelled))
    return true;
  gwt_error_set (&l.error, GWT_E_BUSY, "it was cancelled");
  return false;
}

static void
listen_again (void *data)
{
  (void) data;
  gwt_listener_free (l.listener);
  l.listener = gwt_listener_new (l.address, &l.error);
}

static bool
read_once (void)
{
  struct gwt_channel *channel;

  if (!gwt_migration_on_main (listen_again, NULL) || l.listener == NULL)
    return false;
  channel = gwt_listener_accept (l.listener, l.cancel_fd, &l.error);
  if (channel == NULL)
    return false;
  g_mutex_lock (&l.lock);
  l.channel = channel;
  g_mutex_unlock (&l.lock);
  l.reader = gwt_reader_new (channel, NULL);
  return (l.touched || still_wanted ()) && gwt_reader_begin (l.reader, &l.error)
         && gwt_reader_read (l.reader, &l.error);
}

static void
close_file (void)
{
  GWT_AUTO_ERROR (ignored);
  struct gwt_channel *channel = l.channel;

  if (channel == NULL)
    return;
  g_mutex_lock (&l.lock);
  l.channel = NULL;
  g_mutex_unlock (&l.lock);
  gwt_channel_close (channel, l.cancel_fd, &ignored);
}

/* The file's own word on what its guest was in beats what loading it has stumbled over.  Devices
   stay as they are here, so there is nothing to adapt. */
static void
judge_manifest (struct gwt_manifest *saved)
{
  GWT_AUTO_ERROR (err);
  struct gwt_preflight result;
  struct gwt_manifest *here = gwt_migration_manifest (&err);
  guint i;

  if (here == NULL)
    {
      gwt_error_set (&l.error, err.code, "%s", err.text);
      return;
    }
  gwt_preflight_run (saved, here, &result);
  if (result.verdict != GWT_VERDICT_OK)
    gwt_error_clear (&l.error);
  for (i = 0; i < result.reasons->len; i++)
    {
      const char *reason = g_ptr_array_index (result.reasons, i);

      gwt_error_set (&l.error, GWT_E_UNSUPPORTED, "%s", reason);
      if (i > 0)
        gwt_log (GWT_LOG_WARN, "state-load: %s", reason);
    }
  for (i = 0; i < result.adaptations->len; i++)
    {
      const struct gwt_preflight_adaptation *a = g_ptr_array_index (result.adaptations, i);
      g_autofree char *reason = g_strdup_printf (
          "%s; what is loaded here changes no device: start this end with that value, or with "
          "-incoming file:PATH",
          a->text);

      if (gwt_error_is_set (&l.error))
        gwt_log (GWT_LOG_WARN, "state-load: %s", reason);
      gwt_error_set (&l.error, GWT_E_UNSUPPORTED, "%s", reason);
    }
  gwt_preflight_clear (&result);
  gwt_manifest_unref (here);
}

static void
check (void *data)
{
  struct gwt_manifest *saved = l.reader != NULL ? gwt_reader_manifest (l.reader) : NULL;

  if (saved != NULL && gwt_capability (GWT_CAP_X_PREFLIGHT) && still_wanted ())
    judge_manifest (saved);
  gwt_reader_check (l.reader, &l.error);
  gwt_reader_free (g_steal_pointer (&l.reader));
}

/* Is it a guest that can be here?  Nothing is changed. */
static bool
judge (void)
{
  bool good;

  gwt_ram_check_only (true);
  good = read_once ();
  gwt_ram_check_only (false);
  close_file ();
  return gwt_migration_on_main (check, NULL) && good && still_wanted ()
         && !gwt_error_is_set (&l.error);
}

/* What the file does not mention is as after power-on. */
static void
clear (void *data)
{
  if (!still_wanted ())
    return;
  gwt_migration_move (GWT_MIGRATION_SETUP, GWT_MIGRATION_ACTIVE);
  l.touched = true;
  gwt_vm_stop_to_migrate ();
  gwt_device_reset_all (GWT_RESET_COLD);
  gwt_vm_forget_halts ();
}

static void
commit (void *data)
{
  l.committed = gwt_reader_check (l.reader, &l.error) && gwt_reader_commit (l.reader, &l.error);
  if (l.committed && gwt_reader_manifest (l.reader) != NULL)
    gwt_migration_loaded (gwt_reader_manifest (l.reader));
}

static void
conclude (void *data)
{
  enum gwt_migration_status status = gwt_migration_status ();

  gwt_reader_free (g_steal_pointer (&l.reader));
  g_clear_pointer (&l.listener, gwt_listener_free);
  l.runs = false;
  if (l.committed)
    {
      gwt_vm_resume_unmigrated ();
      /* One that had ended begins anew. */
      if (gwt_runstate () != GWT_RUNSTATE_RUNNING)
        gwt_runstate_set (GWT_RUNSTATE_PAUSED);
      gwt_migration_move (status, GWT_MIGRATION_COMPLETED);
      gwt_migration_ended ();
      return;
    }
  gwt_error_set (&l.error, GWT_E_FAILED, "it failed");
  if (l.touched)
    {
      /* Half of what was saved is in it. */
      gwt_vm_stop (GWT_RUNSTATE_INTERNAL_ERROR);
      gwt_vm_resume_unmigrated ();
    }
  if (atomic_load (&l.cancelled) && !l.touched)
    {
      gwt_migration_move (status, GWT_MIGRATION_CANCELLING);
      gwt_migration_move (GWT_MIGRATION_CANCELLING, GWT_MIGRATION_CANCELLED);
      gwt_migration_ended ();
      return;
    }
  /* There is no other end that could be meant, but there are many files. */
  if (!g_str_has_prefix (l.error.text, gwt_address_label (l.address)))
    gwt_error_prefix (&l.error, "%s", gwt_address_label (l.address));
  gwt_migration_set_error (l.error.text);
  gwt_migration_blame (&l.error, "state-load", l.address);
  gwt_log (GWT_LOG_WARN, "%s%s", l.error.text,
           l.touched ? "; the guest is lost, reset it or load another file" : "");
  gwt_migration_move (status, GWT_MIGRATION_FAILED);
  gwt_migration_ended ();
}

static gpointer
run (gpointer data)
{
  gwt_migration_thread_begins ("mig/dst/main");
  if (judge () && gwt_migration_on_main (clear, NULL) && l.touched && read_once ())
    gwt_migration_on_main (commit, NULL);
  close_file ();
  gwt_migration_thread_ends ();
  gwt_migration_on_main (conclude, NULL);
  return NULL;
}

static void
join (void)
{
  if (l.thread == NULL)
    return;
  gwt_machine_unlock ();
  g_thread_join (g_steal_pointer (&l.thread));
  gwt_machine_lock ();
}

bool
gwt_migrate_load_file (const char *file, struct gwt_error *err)
{
  struct gwt_address *address;

  if (!gwt_migration_check_guest (err) || !check_whole (err))
    return false;
  address = address_of_file (file, GWT_INCOMING, err);
  if (address == NULL)
    return false;
  join (); /* the last one's, which has ended */
  gwt_address_free (l.address);
  l.address = address;
  if (l.cancel_fd >= 0)
    close (l.cancel_fd);
  l.cancel_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  gwt_error_clear (&l.error);
  atomic_store (&l.cancelled, false);
  l.touched = l.committed = false;
  l.listener = gwt_listener_new (address, err); /* no such file: said at once */
  if (l.listener == NULL)
    return false;
  gwt_migration_set_error (NULL);
  gwt_outgoing_forget ();
  gwt_migration_configure_ram ();
  l.thread = gwt_migration_thread_new ("mig/dst/main", run, l.cancel_fd, err);
  if (l.thread == NULL)
    {
      g_clear_pointer (&l.listener, gwt_listener_free);
      return false;
    }
  gwt_migration_move (gwt_migration_status (), GWT_MIGRATION_SETUP);
  l.runs = true;
  return true;
}

void
gwt_snapshot_cancel (void)
{
  static const uint64_t one = 1;

  if (!l.runs || atomic_exchange (&l.cancelled, true))
    return;
  if (write (l.cancel_fd, &one, sizeof (one)) < 0)
    gwt_log (GWT_LOG_ERROR, "migrate_cancel: %s", g_strerror (errno));
  g_mutex_lock (&l.lock);
  /* Once the guest is being changed it has to be changed wholly. */
  if (l.channel != NULL && gwt_migration_status () == GWT_MIGRATION_SETUP)
    gwt_channel_shutdown (l.channel);
  g_mutex_unlock (&l.lock);
}

void
gwt_snapshot_finish (void)
{
  gwt_snapshot_cancel ();
  g_mutex_lock (&l.lock);
  if (l.channel != NULL)
    gwt_channel_shutdown (l.channel);
  g_mutex_unlock (&l.lock);
  join ();
  gwt_reader_free (g_steal_pointer (&l.reader));
  g_clear_pointer (&l.listener, gwt_listener_free);
  if (l.cancel_fd >= 0)
    close (l.cancel_fd);
  l.cancel_fd = -1;
  gwt_error_clear (&l.error);
  g_clear_pointer (&l.address, gwt_address_free);
}
