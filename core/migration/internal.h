/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files behind migration.h: nothing outside core/migration includes it. */
#ifndef CORE_MIGRATION_INTERNAL_H
#define CORE_MIGRATION_INTERNAL_H

#include <stdatomic.h>
#include "core/migration/channel.h"
#include "core/migration/migration.h"
#include "core/migration/stream.h"

/* ---- state.c --------------------------------------------------------------------------------- */

/* [any] Go to status TO, and tell monitors.  False where the table has no such step: a mistake of
   ours, which is logged, or somebody else was faster (FROM is not the status any more). */
bool gwt_migration_move (enum gwt_migration_status from, enum gwt_migration_status to);
bool gwt_migration_status_runs (enum gwt_migration_status status);
bool gwt_migration_status_cancelable (enum gwt_migration_status status);
/* [any] An event for monitors, in order with all others; takes the reference to DATA. */
void gwt_migration_emit (const char *name, struct json_object *data);

/* The same whether or not clients have turned the capability events on. */
void gwt_migration_emit_always (const char *name, struct json_object *data);

/* [migration] Have FN (DATA) called on main, lock held, and wait for it, without the lock.  False:
   the process ends, it was not called. */
bool gwt_migration_on_main (void (*fn) (void *data), void *data);
/* [main] From now on nothing is called on main. */
void gwt_migration_close_main (void);

/* [any] Is there the memory that a migration needs beside the guest? */
bool gwt_migration_has_room (struct gwt_error *err);
/* [main] The thread NAME of a migration that is cancelled through CANCEL_FD.  NULL with ERR set:
   the host had none of these, -1, or no memory to spare. */
GThread *gwt_migration_thread_new (const char *name, GThreadFunc run, int cancel_fd,
                                   struct gwt_error *err);
/* [any] Who runs: for query-migrationthreads.  By the thread itself. */
void gwt_migration_thread_begins (const char *name);
void gwt_migration_thread_ends (void);

/* [main] What became of the last migration, for query-migrate; NULL: nothing went wrong. */
void gwt_migration_set_error (const char *text);
const char *gwt_migration_error (void);

/* ---- migration.c ----------------------------------------------------------------------------- */

/* Room for the words of gwt_migration_config, and a NULL. */
#define GWT_CONFIG_WORDS 4
/* What goes into, or is wanted of, the stream's configuration. */
void gwt_migration_config (struct gwt_stream_config *config,
                           const char *capabilities[GWT_CONFIG_WORDS], bool sending);
/* [main] What is to be sent with the guest, new reference; NULL: nothing, x-manifest is off.  False
   with ERR set. */
bool gwt_migration_make_manifest (struct gwt_manifest **manifest, struct gwt_error *err);
/* [main] The hooks of struct gwt_migration_setup; RESULT need not be initialized.  False: there are
   none. */
bool gwt_migration_prepare (const struct gwt_manifest *source, bool check_only,
                            struct gwt_preflight *result);
void gwt_migration_undo (void);
void gwt_migration_loaded (struct gwt_manifest *source);
/* [main] Is there a guest here that can be sent, copied or replaced now? */
bool gwt_migration_check_guest (struct gwt_error *err);
/* [main] RAM's options as capabilities and parameters are now. */
void gwt_migration_configure_ram (void);
bool gwt_migration_left_out (const struct gwt_entry *entry);
/* Put COMMAND and ADDRESS before ERR's text, which may begin with ADDRESS already. */
void gwt_migration_blame (struct gwt_error *err, const char *command,
                          const struct gwt_address *address);
/* [main] A migration ended: whoever waited for that goes on. */
void gwt_migration_ended (void);

/* ---- progress.c ------------------------------------------------------------------------------ */

/* Where the time went while the guest stood, in order. */
enum gwt_downtime_part
{
  GWT_DOWNTIME_STOP,    /* vCPUs, disks, network come to rest */
  GWT_DOWNTIME_PAUSE,   /* pause-before-switchover */
  GWT_DOWNTIME_DEVICES, /* devices are saved */
  GWT_DOWNTIME_RAM,     /* the last dirty pages */
  GWT_DOWNTIME_SEND,    /* devices are sent, all of it written out */
  GWT_DOWNTIME_ANSWER,  /* the other end loads, and says so */
  GWT_DOWNTIME_PARTS
};

void gwt_progress_begin (void); /* [main] all numbers at zero */
void gwt_progress_set_up (void);
void gwt_progress_stopped (uint64_t sent); /* the guest stands from now on; SENT bytes so far */
void gwt_progress_part (enum gwt_downtime_part part); /* it ends now, and began with the last end */
void gwt_progress_device (const struct gwt_entry *entry, int64_t microseconds, uint64_t bytes);
void gwt_progress_resumed (void); /* the guest goes on here; what follows is no downtime */
void gwt_progress_ended (uint64_t sent);
/* [migration] SENT bytes so far: the rate of the last 100 ms is measured.  Answers with the bytes
   that may still be sent before the next window begins, UINT64_MAX where there is no limit. */
uint64_t gwt_progress_budget (uint64_t sent);
int gwt_progress_window_left (void); /* ms */
/* Bytes a second, with SENT bytes so far; 0 while nothing is known. */
double gwt_progress_rate (uint64_t sent);
/* Bytes that can be sent within the downtime that is allowed, at that RATE or the one that
   avail-switchover-bandwidth says. */
uint64_t gwt_progress_threshold (double rate);
void gwt_progress_synced (void);     /* a round of dirty pages began */
int gwt_progress_since_sync (void);  /* ms */
void gwt_progress_pending (uint64_t exact); /* at a sync: expected-downtime */
void gwt_progress_estimate (uint64_t left);   /* between them */
/* [main] Members of query-migrate that have a meaning in this status. */
void gwt_progress_describe (struct json_object *to, enum gwt_migration_status status);
void gwt_progress_describe_ram (struct json_object *ram, uint64_t pages); /* PAGES: sent so far */

/* ---- outgoing.c ------------------------------------------------------------------------------ */

struct gwt_outgoing_plan
{
  struct gwt_address *address; /* a reference, taken over */
  const char *what;            /* for messages: "migrate", "save" */
  bool goes_on;                /* the guest is copied and goes on here; else it leaves */
  bool return_path, pause;     /* the capabilities, where they make sense */
  bool waits;                  /* for a verdict on the manifest, before anything else is sent */
  struct gwt_manifest *manifest; /* to be sent, a reference, taken over; or NULL */
  /* [migration] Optional.  All is written and safe: false with ERR set makes it a failure. */
  bool (*written) (void *data, struct gwt_error *err);
  void (*ended) (void *data); /* whichever way */
  void *data;
};

/* [main] False with ERR set: PLAN->ended was called. */
bool gwt_outgoing_start (const struct gwt_outgoing_plan *plan, struct gwt_error *err);
bool gwt_outgoing_runs (void);
void gwt_outgoing_forget (void);
/* [main] The verdict on the guest that was sent last, for query-migrate; borrowed, or NULL. */
struct json_object *gwt_outgoing_verdict (void);
bool gwt_outgoing_was_last (void); /* what runs, or ended last, was sent from here */
void gwt_outgoing_cancel (void);
void gwt_outgoing_continue (void);
void gwt_outgoing_finish (void);

/* ---- return-path.c --------------------------------------------------------------------------- */

/* The receiver's messages are read by a thread of their own. */
struct gwt_return_path;
struct gwt_return_path *gwt_return_path_open (struct gwt_channel *channel, struct gwt_error *err);
/* [migration] True with ERR set: it broke, or the receiver says that it failed. */
bool gwt_return_path_failed (struct gwt_return_path *rp, struct gwt_error *err);
/* [migration] A write failed with ERR: where the receiver has said in its last word that it gives
   up, that is the better reason. */
void gwt_return_path_explain (struct gwt_return_path *rp, struct gwt_error *err);
/* [migration] Wait until the receiver has answered a PING, and so has read what was sent before it;
   or has ended, is CANCELLED, or takes too long.  False: it has answered none so far. */
bool gwt_return_path_wait_pong (struct gwt_return_path *rp, uint32_t ping,
                                const atomic_bool *cancelled);
/* [migration] All was sent; wait for the receiver's last word; true: all is well there.  A shutdown
   of the channel ends the wait; once CANCELLED is set, so does a second without a word. */
bool gwt_return_path_wait (struct gwt_return_path *rp, const atomic_bool *cancelled,
                           struct gwt_error *err);
/* [migration] The channel is shut down, or the last word was heard. */
void gwt_return_path_close (struct gwt_return_path *rp);

enum gwt_return_message
{
  GWT_RETURN_SHUT = 1,
  GWT_RETURN_PONG = 2,
  GWT_RETURN_REQUEST_PAGES_ID = 3,
  GWT_RETURN_REQUEST_PAGES = 4,
  GWT_RETURN_RECEIVED_BITMAP = 5,
  GWT_RETURN_RESUME_ACK = 6,
  GWT_RETURN_SWITCHOVER_ACK = 7
};
/* [migration] Say something to the sender. */
bool gwt_return_path_say (struct gwt_channel *channel, enum gwt_return_message message,
                          uint32_t value, struct gwt_error *err);

enum gwt_stream_command
{
  GWT_COMMAND_OPEN_RETURN_PATH = 1,
  GWT_COMMAND_PING = 2,
  GWT_COMMAND_SWITCHOVER_START = 11
};

/* ---- incoming.c ------------------------------------------------------------------------------ */

bool gwt_incoming_runs (void); /* a guest is coming: somebody has connected */
void gwt_incoming_cancel (void);
void gwt_incoming_set_autostart (bool on);
void gwt_incoming_describe (struct json_object *to);
void gwt_incoming_finish (void);

/* ---- reader.c -------------------------------------------------------------------------------- */

/* One stream from a channel.  [migration] unless said. */
struct gwt_reader;
/* [main] The configuration is read.  RESULT says whether this end takes the guest, if it is one
   that describes itself; else NULL. */
typedef void (*gwt_reader_begins) (const struct gwt_preflight *result, bool check_only);
/* WHEN_BEGUN NULL: this end is not changed for a guest. */
struct gwt_reader *gwt_reader_new (struct gwt_channel *channel, gwt_reader_begins when_begun);
/* Header and configuration; what this end thinks of them is said to a sender that waits for it. */
bool gwt_reader_begin (struct gwt_reader *r, struct gwt_error *err);
/* Nothing follows: the sender only wanted to know. */
bool gwt_reader_check_only (const struct gwt_reader *r);
/* Then, to the last byte of the description; sections are staged. */
bool gwt_reader_read (struct gwt_reader *r, struct gwt_error *err);
bool gwt_reader_answers (const struct gwt_reader *r); /* the sender opened a return path */
/* [main] All came that has to. */
bool gwt_reader_check (struct gwt_reader *r, struct gwt_error *err);
/* [main] What was staged goes to the devices, the guest stands. */
bool gwt_reader_commit (struct gwt_reader *r, struct gwt_error *err);
void gwt_reader_free (struct gwt_reader *r);
/* [any] What the sender says of itself, borrowed; NULL: nothing, or it has not been read. */
struct gwt_manifest *gwt_reader_manifest (const struct gwt_reader *r);

/* ---- snapshot.c ------------------------------------------------------------------------------ */

bool gwt_snapshot_runs (void); /* a load */
void gwt_snapshot_cancel (void);
void gwt_snapshot_finish (void);

/* ---- check.c --------------------------------------------------------------------------------- */

void gwt_check_cancel (void);
void gwt_check_finish (void);
/* The last check, for query-migrate and its event; new reference, NULL: there was none. */
struct json_object *gwt_check_describe (void);

/* ---- clocks.c -------------------------------------------------------------------------------- */

/* The section "timer": the virtual clock. */
bool gwt_migration_add_clocks (struct gwt_error *err);
void gwt_migration_remove_clocks (void);

#endif
