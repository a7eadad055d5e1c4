/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a receiver says of a guest before it takes it: ok, adapt or refuse, with all reasons.  How
 * it goes over the return path, and what a sender keeps of it.  Pure but for the channel.
 */
#ifndef CORE_MIGRATION_VERDICT_H
#define CORE_MIGRATION_VERDICT_H

#include <json-c/json.h>
#include <stdbool.h>
#include "core/migration/channel.h"
#include "core/migration/preflight.h"

/* Message of the return path, in pieces: a byte that is 1 in the last one and else 0, then text. */
#define GWT_RETURN_VERDICT 0x4757
#define GWT_VERDICT_SIZE_MAX (1u << 20) /* bytes of the text */

/* [migration] RESULT goes to the sender.  False with ERR set: it cannot be written. */
bool gwt_verdict_send (struct gwt_channel *channel, const struct gwt_preflight *result,
                       struct gwt_error *err);
/* [migration] Wait for the receiver's; judged to be what docs/migration.md tells.  New reference,
   or NULL with ERR set. */
struct json_object *gwt_verdict_receive (struct gwt_channel *channel, struct gwt_error *err);
/* [migration] What is said and heard on CHANNEL from now until the verdict is there may take
   x-verdict-timeout, so that a receiver that is none cannot hold a migration for ever. */
void gwt_verdict_limit (struct gwt_channel *channel);
/* The same from a text: for tests. */
struct json_object *gwt_verdict_parse (const char *text, size_t size, struct gwt_error *err);
/* Is it what docs/migration.md tells, its texts printable? */
bool gwt_verdict_judge (struct json_object *verdict, struct gwt_error *err);
/* Does it refuse?  Then ERR has the first reason, and how many more there are. */
bool gwt_verdict_refuses (struct json_object *verdict, struct gwt_error *err);

/* ---- in a file: what would become of a guest here, docs/manifest.md -------------------------- */

/* RESULT is about GUEST; HERE, the machine as it would be then, may be NULL.  New reference. */
struct json_object *gwt_verdict_document (const struct gwt_preflight *result,
                                          const struct gwt_manifest *guest,
                                          const struct gwt_manifest *here);
/* A manifest's TEXT, or such a document's: then *DOCUMENT (may be NULL) is a new reference to it,
   which has been judged, else it is NULL.  NULL without ERR set: the document has no manifest.
   WHERE comes first in errors. */
struct gwt_manifest *gwt_verdict_read (const char *where, const char *text, size_t size,
                                       struct json_object **document, struct gwt_error *err);
/* Is it about GUEST? */
bool gwt_verdict_is_about (struct json_object *document, const struct gwt_manifest *guest);

/* RESULT becomes a refusal with ERR as its only reason. */
void gwt_verdict_refuse (struct gwt_preflight *result, const struct gwt_error *err);

#endif
