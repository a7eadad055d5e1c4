/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `migrate-check`: what would become of the guest at another end.  A thread connects, sends what
 * describes the guest, hears the verdict and ends; the guest runs on and nothing of it is sent.
 * The other end awaits a guest afterwards as before.
 */
#include "config.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "core/device/lock.h"
#include "core/migration/internal.h"
#include "core/migration/manifest.h"
#include "core/migration/params.h"
#include "core/migration/verdict.h"
#include "core/util/log.h"

static struct
{
  bool runs;           /* [main] */
  const char *status;  /* [main] "running", "done", "failed"; NULL: there was none */
  GThread *thread;
  struct gwt_address *address;
  int cancel_fd;
  GMutex lock;
  struct gwt_channel *channel; /* under `lock`: so that main may shut it down */

  /* The thread's while it runs. */
  struct gwt_manifest *manifest;
  struct json_object *verdict;
  struct gwt_error error;
} c = { .cancel_fd = -1 };

/* ---- the thread ------------------------------------------------------------------------------ */

static bool
sink (void *opaque, const struct iovec *iov, int n, struct gwt_error *err)
{
  (void) opaque;
  return gwt_channel_writev (c.channel, iov, n, err);
}

static bool
open_channel (void)
{
  struct gwt_channel *channel = gwt_channel_connect (c.address, true, c.cancel_fd, &c.error);

  g_mutex_lock (&c.lock);
  c.channel = channel;
  g_mutex_unlock (&c.lock);
  if (channel != NULL)
    gwt_verdict_limit (channel);
  return channel != NULL;
}

static bool
ask (void)
{
  struct gwt_stream_config config;
  const char *capabilities[GWT_CONFIG_WORDS];
  struct gwt_vm_out out;
  bool good;

  gwt_migration_config (&config, capabilities, true);
  config.manifest = c.manifest;
  config.manifest_flags = GWT_STREAM_CHECK_ONLY | GWT_STREAM_WAITS;
  gwt_vm_out_init_sink (&out, sink, NULL);
  gwt_stream_put_header (&out);
  gwt_stream_put_config (&out, &config, NULL);
  good = gwt_vm_out_drain (&out, &c.error);
  gwt_vm_out_clear (&out);
  return good;
}

static void
close_channel (void)
{
  struct gwt_channel *channel = c.channel;
  GWT_AUTO_ERROR (ignored);

  if (channel == NULL)
    return;
  g_mutex_lock (&c.lock);
  c.channel = NULL;
  g_mutex_unlock (&c.lock);
  gwt_channel_shutdown (channel);
  gwt_channel_close (channel, c.cancel_fd, &ignored);
}

static void
conclude (void *data)
{
  struct json_object *details;

  (void) data;
  if (c.verdict == NULL)
    gwt_migration_blame (&c.error, "migrate-check", c.address);
  c.runs = false;
  c.status = c.verdict != NULL ? "done" : "failed";
  details = gwt_check_describe ();
  gwt_migration_emit_always ("MIGRATION_CHECK", details);
}

static gpointer
run (gpointer data)
{
  (void) data;
  gwt_migration_thread_begins ("mig/src/check");
  if (open_channel () && ask ())
    c.verdict = gwt_verdict_receive (c.channel, &c.error);
  close_channel ();
  gwt_migration_thread_ends ();
  gwt_migration_on_main (conclude, NULL);
  return NULL;
}

/* ---- from main ------------------------------------------------------------------------------- */

static void
join (void)
{
  if (c.thread == NULL)
    return;
  gwt_machine_unlock ();
  g_thread_join (g_steal_pointer (&c.thread));
  gwt_machine_lock ();
}

static void
forget (void)
{
  json_object_put (c.verdict);
  c.verdict = NULL;
  gwt_error_clear (&c.error);
  g_clear_pointer (&c.address, gwt_address_free);
  g_clear_pointer (&c.manifest, gwt_manifest_unref);
  c.status = NULL;
  if (c.cancel_fd >= 0)
    close (c.cancel_fd);
  c.cancel_fd = -1;
}

struct json_object *
gwt_check_describe (void)
{
  struct json_object *to;

  if (c.status == NULL)
    return NULL;
  to = json_object_new_object ();
  json_object_object_add (to, "status", json_object_new_string (c.status));
  json_object_object_add (to, "uri", json_object_new_string (gwt_address_label (c.address)));
  if (c.runs)
    return to;
  if (c.verdict == NULL)
    {
      json_object_object_add (to, "error-desc", json_object_new_string (c.error.text));
      return to;
    }
  json_object_object_foreach (c.verdict, name, value)
  {
    json_object_object_add (to, name, json_object_get (value));
  }
  return to;
}

bool
gwt_migrate_check (struct gwt_address *address, struct gwt_error *err)
{
  GError *error = NULL;
  struct gwt_manifest *manifest;

  if (c.runs)
    gwt_error_set (err, GWT_E_BUSY, "a check is under way already; wait for that, or cancel it");
  else if (!gwt_address_two_way (address))
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "%s: nothing comes back from there; use a socket, or 'godwit-machine check'",
                   gwt_address_label (address));
  else if (!gwt_capability (GWT_CAP_X_MANIFEST))
    gwt_error_set (err, GWT_E_INVALID,
                   "capability 'x-manifest' is off: the guest would be moved without a manifest, "
                   "and no verdict would hold for that; turn it on");
  if (gwt_error_is_set (err) || !gwt_migration_check_guest (err))
    return false;
  manifest = gwt_migration_manifest (err);
  if (manifest == NULL)
    return false;
  join (); /* the last one's, which has ended */
  forget ();
  c.manifest = manifest;
  c.address = gwt_address_ref (address);
  c.cancel_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (c.cancel_fd >= 0)
    c.thread = g_thread_try_new ("mig/src/check", run, NULL, &error);
  if (c.thread == NULL)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY, "the host gives no %s (%s); end other programs",
                     c.cancel_fd < 0 ? "file descriptor" : "thread",
                     error != NULL ? error->message : g_strerror (errno));
      g_clear_error (&error);
      forget ();
      return false;
    }
  c.runs = true;
  c.status = "running";
  return true;
}

void
gwt_check_cancel (void)
{
  static const uint64_t one = 1;

  if (!c.runs)
    return;
  if (write (c.cancel_fd, &one, sizeof (one)) < 0 && errno != EAGAIN)
    gwt_log (GWT_LOG_ERROR, "migrate-check: %s", g_strerror (errno));
  g_mutex_lock (&c.lock);
  if (c.channel != NULL)
    gwt_channel_shutdown (c.channel);
  g_mutex_unlock (&c.lock);
}

void
gwt_check_finish (void)
{
  gwt_check_cancel ();
  join ();
  c.runs = false;
  forget ();
}
