/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the user has set for migrations: capabilities, which are on or off, and parameters, which
 * are numbers and words.  Names, order, defaults and ranges are QEMU's; one table each, in
 * params.c and capabilities.c.  What is known there but not offered here is refused by name.
 */
#ifndef CORE_MIGRATION_PARAMS_H
#define CORE_MIGRATION_PARAMS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/util/error.h"

/* In QEMU's order, then ours. */
enum gwt_capability
{
  GWT_CAP_XBZRLE,
  GWT_CAP_RDMA_PIN_ALL,
  GWT_CAP_AUTO_CONVERGE,
  GWT_CAP_ZERO_BLOCKS,
  GWT_CAP_EVENTS,
  GWT_CAP_POSTCOPY_RAM,
  GWT_CAP_X_COLO,
  GWT_CAP_RELEASE_RAM,
  GWT_CAP_RETURN_PATH,
  GWT_CAP_PAUSE_BEFORE_SWITCHOVER,
  GWT_CAP_MULTIFD,
  GWT_CAP_DIRTY_BITMAPS,
  GWT_CAP_POSTCOPY_BLOCKTIME,
  GWT_CAP_LATE_BLOCK_ACTIVATE,
  GWT_CAP_X_IGNORE_SHARED,
  GWT_CAP_VALIDATE_UUID,
  GWT_CAP_BACKGROUND_SNAPSHOT,
  GWT_CAP_ZERO_COPY_SEND,
  GWT_CAP_POSTCOPY_PREEMPT,
  GWT_CAP_SWITCHOVER_ACK,
  GWT_CAP_DIRTY_LIMIT,
  GWT_CAP_MAPPED_RAM,
  /* Ours, on from the start. */
  GWT_CAP_X_MANIFEST,  /* the stream says what it was sent from; see manifest.h */
  GWT_CAP_X_PREFLIGHT, /* and a receiver judges that before it takes anything else */
  GWT_CAP_COUNT
};

/* [any] */
bool gwt_capability (enum gwt_capability capability);
const char *gwt_capability_name (enum gwt_capability capability);
/* [main] LIST: [{"capability": NAME, "state": BOOL}]; all are set or none.  BUSY: a migration runs
   or is awaited; refused. */
bool gwt_capabilities_set_json (struct json_object *list, bool busy, struct gwt_error *err);
struct json_object *gwt_capabilities_json (void); /* all; new reference */

/* Those that have a meaning now.  Each may change at any time; read it when it is needed. */
enum gwt_param
{
  GWT_PARAM_ANNOUNCE_INITIAL, /* ms */
  GWT_PARAM_ANNOUNCE_MAX,     /* ms */
  GWT_PARAM_ANNOUNCE_ROUNDS,
  GWT_PARAM_ANNOUNCE_STEP,              /* ms */
  GWT_PARAM_THROTTLE_TRIGGER_THRESHOLD,  /* % */
  GWT_PARAM_CPU_THROTTLE_INITIAL,        /* % */
  GWT_PARAM_CPU_THROTTLE_INCREMENT,      /* % */
  GWT_PARAM_CPU_THROTTLE_TAILSLOW,       /* 0, 1 */
  GWT_PARAM_MAX_CPU_THROTTLE,            /* % */
  GWT_PARAM_MAX_BANDWIDTH,               /* bytes/s */
  GWT_PARAM_AVAIL_SWITCHOVER_BANDWIDTH,  /* bytes/s; 0: as measured */
  GWT_PARAM_DOWNTIME_LIMIT,              /* ms */
  GWT_PARAM_XBZRLE_CACHE_SIZE,           /* bytes, a power of two */
  /* Ours. */
  GWT_PARAM_X_VERDICT_TIMEOUT, /* ms; 0: none */
  GWT_PARAM_COUNT
};

/* [any] */
uint64_t gwt_migration_param (enum gwt_param param);
/* [main] ARGS: {NAME: VALUE}; all are set or none. */
bool gwt_params_set_json (struct json_object *args, struct gwt_error *err);
struct json_object *gwt_params_json (void); /* all that QEMU has, then ours; new reference */
/* ARGS as above; what all would be then. */
bool gwt_params_judge_json (struct json_object *args, uint64_t values[GWT_PARAM_COUNT],
                            struct gwt_error *err);
/* [main] "-global migration.NAME=TEXT": a capability, on or off, or a parameter. */
bool gwt_migration_set_text (const char *name, const char *text, struct gwt_error *err);
/* Both, or the capabilities alone, as at the start of the process; for tests. */
void gwt_migration_params_reset (void);
void gwt_capabilities_reset (void);

#endif
