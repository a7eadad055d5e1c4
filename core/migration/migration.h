/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migration as a whole: the state machine (state.c), the thread that sends (outgoing.c) and the
 * one that receives (incoming.c), what the receiver says back (return-path.c), and state in files
 * (snapshot.c).  Where the bytes go is channel.h's, what they mean stream.h's and ram.h's.  All
 * [main] unless said.
 */
#ifndef CORE_MIGRATION_MIGRATION_H
#define CORE_MIGRATION_MIGRATION_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include "core/util/error.h"

struct gwt_address;
struct gwt_device;
struct gwt_manifest;
struct gwt_preflight;

/* QEMU's, by the names of gwt_migration_status_name: "none", "setup", "cancelling", "cancelled",
   "active", "completed", "failed", "pre-switchover", "device". */
enum gwt_migration_status
{
  GWT_MIGRATION_NONE,
  GWT_MIGRATION_SETUP,
  GWT_MIGRATION_CANCELLING,
  GWT_MIGRATION_CANCELLED,
  GWT_MIGRATION_ACTIVE,
  GWT_MIGRATION_COMPLETED,
  GWT_MIGRATION_FAILED,
  GWT_MIGRATION_PRE_SWITCHOVER,
  GWT_MIGRATION_DEVICE
};
#define GWT_N_MIGRATION_STATUSES (GWT_MIGRATION_DEVICE + 1)

const char *gwt_migration_status_name (enum gwt_migration_status status);
enum gwt_migration_status gwt_migration_status (void); /* [any] */

/* ---- the machine ----------------------------------------------------------------------------- */

/* What both ends have to agree on, and what the user decided; borrowed until
   gwt_migration_finish. */
struct gwt_migration_setup
{
  const char *machine;           /* machine type, or NULL: no machine stands yet */
  const uint8_t *uuid;           /* 16 bytes, or NULL: as options say */
  const char *const *left_out;   /* -migrate-without: ids of devices whose state is not sent nor
                                    awaited; NULL-terminated, or NULL */
  bool only_migratable;          /* a device that blocks is refused */
  /* The manifest of the machine as it stands, new reference; NULL with ERR set.  NULL: this end has
     none, and sends none. */
  struct gwt_manifest *(*manifest) (struct gwt_error *err);
  /* A guest comes: see gwt_arrival_prepare and gwt_arrival_undo.  Both NULL: what is here stays as
     it is, whatever the guest says of itself. */
  void (*prepare) (const struct gwt_manifest *source, bool judge, bool check_only,
                   struct gwt_preflight *result);
  void (*undo) (void);
  /* The machine that stands has the state of the guest that SOURCE describes.  Optional. */
  void (*loaded) (struct gwt_manifest *source);
};

/* Once, when the machine's devices stand, if there is one: their sections, and RAM's. */
bool gwt_migration_init (const struct gwt_migration_setup *setup, struct gwt_error *err);
/* Another machine stands, of the type MACHINE, with that UUID (borrowed, or NULL); before, that the
   last one goes.  Not while anything is sent, or sections are read. */
bool gwt_migration_attach (const char *machine, const uint8_t *uuid, struct gwt_error *err);
void gwt_migration_detach (void);
/* Sections of a DEVICE that came while the machine runs; false: it must not be there
   (-only-migratable, a name that is taken). */
bool gwt_migration_device_added (struct gwt_device *device, struct gwt_error *err);
/* The manifest of what is here; new reference, or NULL with ERR set. */
struct gwt_manifest *gwt_migration_manifest (struct gwt_error *err);
/* Ends what is under way, joins all threads; the guest stands. */
void gwt_migration_finish (void);

/* ---- commands -------------------------------------------------------------------------------- */

/* `migrate`: returns at once.  What can be seen now is an error now: one that runs already, a
   machine that cannot be migrated; a connection that fails shows in the status. */
bool gwt_migrate_start (struct gwt_address *address, struct gwt_error *err);
/* `migrate-check`: would the guest go on there?  Returns at once; query-migrate tells in `check`,
   and the event MIGRATION_CHECK. */
bool gwt_migrate_check (struct gwt_address *address, struct gwt_error *err);
/* `migrate_cancel`: at any time, also with nothing to cancel. */
void gwt_migrate_cancel (void);
/* `migrate-continue`: STATE is a status by name. */
bool gwt_migrate_continue (const char *state, struct gwt_error *err);
/* -incoming defer (ADDRESS NULL), -incoming URI: before the guest would start.  AUTOSTART: no
   -S. */
bool gwt_migrate_await (struct gwt_address *address, bool autostart, struct gwt_error *err);
/* `migrate-incoming`: after -incoming defer. */
bool gwt_migrate_incoming (struct gwt_address *address, bool exit_on_error,
                           struct gwt_error *err);
/* `query-migrate`, `query-migrationthreads`: new references. */
struct json_object *gwt_migrate_query (void);
struct json_object *gwt_migrate_threads (void);
/* Addresses are referenced for as long as they are needed.  `cont` and `stop`, whatever the run
   state: a guest that is awaited starts, or not, when it has
   come. */
bool gwt_migrate_cont (struct gwt_error *err);
bool gwt_migrate_stop (struct gwt_error *err);

/* State into a file while the guest goes on (it stands for the last part), and from a file into
   this process, in place of what runs.  FILE is replaced only by one that is complete; it is read
   to its end and judged before anything of the guest changes.  Both return at once;
   query-migrate tells. */
bool gwt_migrate_save_file (const char *file, struct gwt_error *err);
bool gwt_migrate_load_file (const char *file, struct gwt_error *err);

/* What must wait until no migration is under way (device_add, capabilities) asks this; a guest that
   is awaited and has not connected is none. *WHAT, if
   not NULL, is then a text for the message: "the guest is being sent". */
bool gwt_migration_busy (const char **what);
/* FN is called whenever a migration has ended, for who put something off until then. */
void gwt_migration_on_ended (void (*fn) (void));

/* Events for monitors, MIGRATION and MIGRATION_PASS, where the capability `events` is on.  FN is
   called on main and takes the reference to DATA. */
void gwt_migrate_on_event (void (*fn) (const char *name, struct json_object *data));

#endif
