/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preflight: would a guest that is described by one manifest go on in a machine that is described
 * by another?  Pure: two documents in, a verdict and every reason for it out, always the same and
 * in the same order.
 */
#ifndef CORE_MIGRATION_PREFLIGHT_H
#define CORE_MIGRATION_PREFLIGHT_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include "core/migration/manifest.h"

enum gwt_verdict
{
  GWT_VERDICT_OK,    /* as it stands */
  GWT_VERDICT_ADAPT, /* once the destination has taken over the values of `adaptations` */
  GWT_VERDICT_REFUSE, /* `reasons` */
  /* Two documents do not tell: `open`.  Of gwt_preflight_files alone. */
  GWT_VERDICT_UNDECIDED
};

/* Reasons beyond this many are counted in a last line. */
#define GWT_PREFLIGHT_LINES_MAX 1000

/* A value that the destination is to take over from the source. */
struct gwt_preflight_adaptation
{
  char *device, *property;
  struct json_object *value; /* a reference; NULL: JSON's null */
  char *text;                /* a line for people, like a reason */
};

struct gwt_preflight
{
  enum gwt_verdict verdict;
  GPtrArray *reasons;     /* char *, "device 'x': property 'p': 4 at the source ...; remedy" */
  GPtrArray *open;        /* char *, may be NULL */
  GPtrArray *adaptations; /* struct gwt_preflight_adaptation *; there beside reasons too */
  /* What would have been reasons, had anybody asked: for who lets the guest in all the same.  One
     line, or NULL. */
  char *unasked;
};

/* RESULT need not be initialized; clear it afterwards.  DESTINATION is a machine that stands.  What
   follows from a value that is to be adapted (bytes of configuration space, layouts) is not
   compared, and reasons beside `adaptations` may be gone with them, for the destination is to
   change it: once it has, its new manifest must be judged again, and must be OK. */
void gwt_preflight_run (const struct gwt_manifest *source, const struct gwt_manifest *destination,
                        struct gwt_preflight *result);
/* The same where there are the documents alone, and DESTINATION's machine is one that would be
   built and await the guest.  OK, ADAPT and REFUSE are what would come of it without exception;
   where the machine would change, and no document tells to what, it is UNDECIDED. */
void gwt_preflight_files (const struct gwt_manifest *source,
                          const struct gwt_manifest *destination, struct gwt_preflight *result);
void gwt_preflight_clear (struct gwt_preflight *result);
/* How M's plugin behaves, which does not know P: by the rows of the end that does.  Borrowed from
   P; NULL: JSON's null. */
struct json_object *gwt_preflight_implied (const struct gwt_manifest_property *p,
                                           const struct gwt_manifest *m);
/* A property's value as a person reads and types it; caller frees. */
char *gwt_preflight_shown (struct json_object *value);
const char *gwt_verdict_name (enum gwt_verdict verdict); /* "ok", "adapt", "refuse", ... */
/* {"verdict": ..., "reasons": [texts], "adaptations": [texts]}, and "undecided": [texts] where it
   is that; new reference. */
struct json_object *gwt_preflight_json (const struct gwt_preflight *result);

#endif
