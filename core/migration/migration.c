/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What migration.h offers that is neither sending nor receiving: the machine's sections, which
 * command may be given when, and what is told about it.
 */
#include "config.h"
#include "core/migration/migration.h"
#include <string.h>
#include "core/backend/block.h"
#include "core/cpu/run.h"
#include "core/cpu/throttle.h"
#include "core/device/lock.h"
#include "core/migration/converge.h"
#include "core/migration/announce.h"
#include "core/migration/devices.h"
#include "core/migration/globalstate.h"
#include "core/migration/internal.h"
#include "core/migration/manifest.h"
#include "core/migration/params.h"
#include "core/migration/ram.h"
#include "core/util/log.h"

static struct gwt_migration_setup setup;
static char *machine_name; /* setup.machine */
static const uint8_t *machine_uuid; /* of what stands, or NULL */
static bool ready;         /* a machine stands, and has its entries */
typedef void (*ended_fn) (void);
static GArray *ended; /* ended_fn */

/* ---- the machine ----------------------------------------------------------------------------- */

bool
gwt_migration_left_out (const struct gwt_entry *entry)
{
  return entry->device != NULL && gwt_migration_device_left_out (entry->device);
}

static bool
check_migratable (struct gwt_error *err)
{
  g_auto (GStrv) reasons = setup.only_migratable ? gwt_migration_blockers () : NULL;

  if (reasons == NULL || reasons[0] == NULL)
    return true;
  gwt_error_set (err, GWT_E_UNSUPPORTED,
                 "-only-migratable: %s; leave it out, or give -migrate-without", reasons[0]);
  return false;
}

static void
slow_down (const struct gwt_ram_stats *stats)
{
  if (!gwt_capability (GWT_CAP_AUTO_CONVERGE))
    return;
  gwt_converge_sync (
      stats,
      &(struct gwt_converge_params){
          .trigger_threshold = (guint) gwt_migration_param (GWT_PARAM_THROTTLE_TRIGGER_THRESHOLD),
          .initial = (guint) gwt_migration_param (GWT_PARAM_CPU_THROTTLE_INITIAL),
          .increment = (guint) gwt_migration_param (GWT_PARAM_CPU_THROTTLE_INCREMENT),
          .max = (guint) gwt_migration_param (GWT_PARAM_MAX_CPU_THROTTLE),
          .tailslow = gwt_migration_param (GWT_PARAM_CPU_THROTTLE_TAILSLOW) != 0,
      });
}

static void
on_sync (void *data)
{
  struct gwt_ram_stats stats;
  struct json_object *details = json_object_new_object ();

  /* xbzrle-cache-size may have been changed since. */
  gwt_migration_configure_ram ();
  gwt_ram_stats (&stats);
  gwt_progress_synced ();
  slow_down (&stats);
  json_object_object_add (details, "pass", json_object_new_int64 ((int64_t) stats.syncs));
  gwt_migration_emit ("MIGRATION_PASS", details);
}

bool
gwt_migration_attach (const char *machine, const uint8_t *uuid, struct gwt_error *err)
{
  g_free (machine_name);
  setup.machine = machine_name = g_strdup (machine);
  machine_uuid = uuid;
  ready = true;
  return gwt_migration_leave_out (setup.left_out, err) && gwt_migration_add_clocks (err)
         && gwt_ram_register (err) && gwt_migration_add_devices (err)
         && gwt_globalstate_register (err) && check_migratable (err);
}

void
gwt_migration_detach (void)
{
  if (!ready)
    return;
  gwt_globalstate_unregister ();
  gwt_migration_remove_clocks ();
  gwt_ram_unregister ();
  gwt_migration_leave_out (NULL, NULL);
  setup.machine = NULL;
  machine_uuid = NULL;
  g_clear_pointer (&machine_name, g_free);
  ready = false;
}

bool
gwt_migration_init (const struct gwt_migration_setup *with, struct gwt_error *err)
{
  setup = *with;
  gwt_ram_on_sync (on_sync, NULL);
  return with->machine == NULL || gwt_migration_attach (with->machine, with->uuid, err);
}

bool
gwt_migration_device_added (struct gwt_device *device, struct gwt_error *err)
{
  if (!ready)
    return true;
  return gwt_migration_add_devices (err) && check_migratable (err);
}

struct gwt_manifest *
gwt_migration_manifest (struct gwt_error *err)
{
  if (ready && setup.manifest != NULL)
    return gwt_migration_has_room (err) ? setup.manifest (err) : NULL;
  gwt_error_set (err, GWT_E_BUSY, "there is no machine yet");
  return NULL;
}

bool
gwt_migration_make_manifest (struct gwt_manifest **manifest, struct gwt_error *err)
{
  *manifest = NULL;
  if (!gwt_capability (GWT_CAP_X_MANIFEST) || setup.manifest == NULL)
    return true;
  *manifest = gwt_migration_manifest (err);
  return *manifest != NULL;
}

bool
gwt_migration_prepare (const struct gwt_manifest *source, bool check_only,
                       struct gwt_preflight *result)
{
  if (setup.prepare == NULL)
    return false;
  /* Who only asks is answered, whatever is done with a guest that comes. */
  setup.prepare (source, check_only || gwt_capability (GWT_CAP_X_PREFLIGHT), check_only, result);
  return true;
}

void
gwt_migration_undo (void)
{
  if (setup.undo != NULL)
    setup.undo ();
}

void
gwt_migration_loaded (struct gwt_manifest *source)
{
  if (setup.loaded != NULL)
    setup.loaded (source);
}

void
gwt_migration_finish (void)
{
  gwt_migration_close_main ();
  gwt_check_finish ();
  gwt_announce_finish ();
  gwt_outgoing_finish ();
  gwt_incoming_finish ();
  gwt_snapshot_finish ();
  gwt_migration_detach ();
  gwt_migration_set_error (NULL);
}

void
gwt_migration_config (struct gwt_stream_config *config, const char *capabilities[GWT_CONFIG_WORDS],
                      bool sending)
{
  const uint8_t *uuid = ready ? machine_uuid : setup.uuid;
  guint count = 0;

  memset (config, 0, sizeof (*config));
  config->machine = setup.machine;
  if (gwt_capability (GWT_CAP_X_IGNORE_SHARED))
    capabilities[count++] = gwt_capability_name (GWT_CAP_X_IGNORE_SHARED);
  capabilities[count] = NULL;
  config->capabilities = capabilities;
  /* A receiver compares whenever it knows its own; a sender tells where it is asked to. */
  if (uuid != NULL && (!sending || gwt_capability (GWT_CAP_VALIDATE_UUID)))
    {
      config->has_uuid = true;
      memcpy (config->uuid, uuid, sizeof (config->uuid));
    }
}

void
gwt_migration_configure_ram (void)
{
  const struct gwt_ram_options options = {
    .xbzrle = gwt_capability (GWT_CAP_XBZRLE),
    .xbzrle_cache = gwt_migration_param (GWT_PARAM_XBZRLE_CACHE_SIZE),
    .ignore_shared = gwt_capability (GWT_CAP_X_IGNORE_SHARED),
  };

  gwt_ram_configure (&options);
}

/* ---- who waits ------------------------------------------------------------------------------- */

bool
gwt_migration_busy (const char **what)
{
  const char *text = gwt_outgoing_runs ()   ? "the guest is being sent"
                     : gwt_incoming_runs () ? "the guest is coming from elsewhere"
                     : gwt_snapshot_runs () ? "a saved guest is being loaded"
                                            : NULL;

  if (what != NULL)
    *what = text;
  return text != NULL;
}

void
gwt_migration_on_ended (void (*fn) (void))
{
  if (ended == NULL)
    ended = g_array_new (FALSE, FALSE, sizeof (fn));
  g_array_append_val (ended, fn);
}

void
gwt_migration_ended (void)
{
  guint i;

  for (i = 0; ended != NULL && i < ended->len; i++)
    g_array_index (ended, ended_fn, i) ();
}

void
gwt_migration_blame (struct gwt_error *err, const char *command, const struct gwt_address *address)
{
  const char *label = gwt_address_label (address);

  if (!g_str_has_prefix (err->text, label))
    gwt_error_prefix (err, "%s", label);
  GWT_AUTO_ERROR (told);
  gwt_error_set (&told, err->code, "%s %s", command, err->text);
  gwt_error_clear (err);
  gwt_error_move (err, &told);
}

/* ---- commands -------------------------------------------------------------------------------- */

/* Is there a guest here that can be sent or copied now? */
bool
gwt_migration_check_guest (struct gwt_error *err)
{
  g_auto (GStrv) reasons = gwt_migration_blockers ();
  const char *what;

  if (gwt_migration_busy (&what))
    gwt_error_set (err, GWT_E_BUSY, "%s already; wait for that, or cancel it", what);
  else if (gwt_runstate () == GWT_RUNSTATE_INMIGRATE)
    gwt_error_set (err, GWT_E_BUSY, "the guest is awaited from elsewhere; it is not here yet");
  else if (gwt_runstate () == GWT_RUNSTATE_POSTMIGRATE)
    gwt_error_set (err, GWT_E_BUSY,
                   "the guest has gone elsewhere; where it did not arrive, 'cont' gets it back");
  else if (!ready)
    gwt_error_set (err, GWT_E_BUSY, "there is no guest yet");
  else if (reasons[0] != NULL)
    gwt_error_set (err, GWT_E_UNSUPPORTED, "%s%s; unplug it, or start with -migrate-without",
                   reasons[0],
                   reasons[1] != NULL ? " (query-migrate lists others in blocked-reasons)" : "");
  return !gwt_error_is_set (err);
}

bool
gwt_migrate_start (struct gwt_address *address, struct gwt_error *err)
{
  struct gwt_outgoing_plan plan = {
    .what = "migrate",
    .return_path = gwt_capability (GWT_CAP_RETURN_PATH),
    .pause = gwt_capability (GWT_CAP_PAUSE_BEFORE_SWITCHOVER),
  };

  if (!gwt_migration_check_guest (err))
    return false;
  if (plan.return_path && !gwt_address_two_way (address))
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "%s: nothing comes back from there; turn capability return-path off",
                     gwt_address_label (address));
      return false;
    }
  if (!gwt_migration_make_manifest (&plan.manifest, err))
    return false;
  plan.waits = plan.manifest != NULL && gwt_capability (GWT_CAP_X_PREFLIGHT)
               && gwt_address_two_way (address)
               && (plan.return_path || !gwt_address_is_command (address));
  plan.address = gwt_address_ref (address);
  gwt_migration_configure_ram ();
  return gwt_outgoing_start (&plan, err);
}

void
gwt_migrate_cancel (void)
{
  gwt_check_cancel ();
  gwt_outgoing_cancel ();
  gwt_incoming_cancel ();
  gwt_snapshot_cancel ();
}

bool
gwt_migrate_continue (const char *state, struct gwt_error *err)
{
  const char *now = gwt_migration_status_name (gwt_migration_status ());

  if (strcmp (state, now) != 0)
    gwt_error_set (err, GWT_E_INVALID, "the migration is in state '%s', not '%s'", now, state);
  else if (gwt_migration_status () != GWT_MIGRATION_PRE_SWITCHOVER)
    gwt_error_set (err, GWT_E_INVALID, "nothing waits in state '%s'; only in 'pre-switchover'",
                   now);
  if (gwt_error_is_set (err))
    return false;
  gwt_outgoing_continue ();
  return true;
}

bool
gwt_migrate_cont (struct gwt_error *err)
{
  enum gwt_runstate state = gwt_runstate ();

  if (state == GWT_RUNSTATE_RUNNING)
    return true;
  if (state == GWT_RUNSTATE_INMIGRATE)
    {
      gwt_incoming_set_autostart (true);
      return true;
    }
  if (state == GWT_RUNSTATE_FINISH_MIGRATE)
    gwt_error_set (err, GWT_E_FAILED, "Migration is not finalized yet");
  else if (gwt_runstate_needs_reset ())
    gwt_error_set (err, GWT_E_FAILED, "Resetting the Virtual Machine is required");
  else if (gwt_block_activate_all (err))
    gwt_vm_start ();
  return !gwt_error_is_set (err);
}

bool
gwt_migrate_stop (struct gwt_error *err)
{
  enum gwt_runstate state = gwt_runstate ();

  if (state == GWT_RUNSTATE_INMIGRATE)
    gwt_incoming_set_autostart (false);
  else if (state == GWT_RUNSTATE_RUNNING || state == GWT_RUNSTATE_FINISH_MIGRATE)
    gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  return true;
}

/* ---- query-migrate --------------------------------------------------------------------------- */

static void
add_int (struct json_object *to, const char *name, uint64_t value)
{
  json_object_object_add (to, name, json_object_new_int64 ((int64_t) MIN (value, INT64_MAX)));
}

static struct json_object *
describe_xbzrle (const struct gwt_ram_stats *s)
{
  struct json_object *to = json_object_new_object ();

  add_int (to, "cache-size", s->xbzrle.cache_size);
  add_int (to, "bytes", s->xbzrle.bytes);
  add_int (to, "pages", s->xbzrle.pages);
  add_int (to, "cache-miss", s->xbzrle.cache_miss);
  json_object_object_add (to, "cache-miss-rate",
                          json_object_new_double (s->xbzrle.cache_miss_rate));
  json_object_object_add (to, "encoding-rate", json_object_new_double (s->xbzrle.encoding_rate));
  add_int (to, "overflow", s->xbzrle.overflow);
  return to;
}

static void
describe_ram (struct json_object *to, enum gwt_migration_status status)
{
  struct json_object *ram = json_object_new_object ();
  struct gwt_ram_stats s;

  gwt_ram_stats (&s);
  add_int (ram, "total", s.total);
  add_int (ram, "remaining", s.remaining);
  add_int (ram, "duplicate", s.duplicate);
  add_int (ram, "normal", s.normal);
  add_int (ram, "normal-bytes", s.normal * GWT_RAM_PAGE_SIZE);
  add_int (ram, "dirty-sync-count", s.syncs);
  add_int (ram, "dirty-sync-missed-zero-copy", 0);
  add_int (ram, "dirty-pages-rate", status == GWT_MIGRATION_COMPLETED ? 0 : s.dirty_pages_rate);
  add_int (ram, "page-size", GWT_RAM_PAGE_SIZE);
  add_int (ram, "postcopy-requests", 0);
  add_int (ram, "multifd-bytes", 0);
  add_int (ram, "postcopy-bytes", 0);
  gwt_progress_describe_ram (ram, s.normal + s.duplicate);
  json_object_object_add (to, "ram", ram);
  if (gwt_capability (GWT_CAP_XBZRLE))
    json_object_object_add (to, "xbzrle-cache", describe_xbzrle (&s));
}

static void
describe_outgoing (struct json_object *to, enum gwt_migration_status status)
{
  if (status == GWT_MIGRATION_SETUP || status == GWT_MIGRATION_FAILED
      || status == GWT_MIGRATION_CANCELLED)
    return;
  gwt_progress_describe (to, status);
  describe_ram (to, status);
  if (gwt_throttle_percentage () > 0)
    add_int (to, "cpu-throttle-percentage", gwt_throttle_percentage ());
}

struct json_object *
gwt_migrate_query (void)
{
  enum gwt_migration_status status = gwt_migration_status ();
  struct json_object *to = json_object_new_object (), *check;
  g_auto (GStrv) reasons = gwt_migration_blockers ();
  guint i;

  if (reasons[0] != NULL)
    {
      struct json_object *list = json_object_new_array ();

      for (i = 0; reasons[i] != NULL; i++)
        json_object_array_add (list, json_object_new_string (reasons[i]));
      json_object_object_add (to, "blocked-reasons", list);
    }
  if ((check = gwt_check_describe ()) != NULL)
    json_object_object_add (to, "check", check);
  if (status == GWT_MIGRATION_NONE)
    return to;
  json_object_object_add (to, "status",
                          json_object_new_string (gwt_migration_status_name (status)));
  if (gwt_outgoing_was_last ())
    {
      describe_outgoing (to, status);
      if (gwt_outgoing_verdict () != NULL)
        json_object_object_add (to, "preflight", json_object_get (gwt_outgoing_verdict ()));
    }
  gwt_incoming_describe (to);
  if (gwt_migration_error () != NULL)
    json_object_object_add (to, "error-desc", json_object_new_string (gwt_migration_error ()));
  return to;
}
