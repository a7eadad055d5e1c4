/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files behind preflight.h: nothing else includes it. */
#ifndef CORE_MIGRATION_PREFLIGHT_INTERNAL_H
#define CORE_MIGRATION_PREFLIGHT_INTERNAL_H

#include "core/migration/preflight.h"

struct gwt_check
{
  const struct gwt_manifest *source, *destination;
  struct gwt_preflight *result;
  guint64 n_left_out; /* reasons that were one too many */
  guint64 fact_bytes; /* compared so far */
};

/* The same device at both ends. */
struct gwt_pair
{
  const struct gwt_manifest_device *source, *destination;
  bool adapted; /* the destination's is not what it will be */
  GHashTable *same; /* name of a fact: does it say the same at both ends; NULL: none compared */
};

/* preflight.c: one more reason. */
void gwt_check_refuse (struct gwt_check *check, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* preflight-properties.c */
void gwt_check_properties (struct gwt_check *check, struct gwt_pair *pair);
/* As a person reads and types it; caller frees. */
char *gwt_check_shown (struct json_object *value);

/* preflight-facts.c */
void gwt_check_facts (struct gwt_check *check, const struct gwt_pair *pair);
/* Do both ends tell the fact NAME, and what a guest sees of it is the same?  Of what is to be
   adapted that is taken for granted: it is looked at again. */
bool gwt_check_same_fact (struct gwt_check *check, struct gwt_pair *pair, const char *name);

/* preflight-sections.c */
void gwt_check_sections (struct gwt_check *check, const struct gwt_pair *pair);
void gwt_check_machine_sections (struct gwt_check *check);

#endif
