/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files behind preflight.h: nothing else includes it. */
#ifndef CORE_MIGRATION_PREFLIGHT_INTERNAL_H
#define CORE_MIGRATION_PREFLIGHT_INTERNAL_H

#include "core/migration/preflight.h"

struct gwt_check
{
  const struct gwt_manifest *source, *destination;
  struct gwt_preflight *result;
  bool files;       /* gwt_preflight_files */
  GArray *doubts;   /* bool, for each of the result's reasons */
  guint64 n_left_out; /* reasons that were one too many */
  guint64 fact_bytes; /* compared so far */
  GPtrArray *maybe;    /* char *, see gwt_check_wonder */
  GPtrArray *adapted;  /* the destination's devices that take values over */
  bool reshaped;       /* the destination takes more from the guest than values */
  bool releveled;      /* a plugin's level; then nothing that is compared afterwards is firm */
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
/* One that may be gone when the destination has been built anew: it hangs on what may then be
   different. */
void gwt_check_doubt (struct gwt_check *check, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Likewise, unless FIRM. */
void gwt_check_refuse_if (struct gwt_check *check, bool firm, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* Of two documents: what is no reason now, but may be one when the destination has been built
   anew. */
void gwt_check_wonder (struct gwt_check *check, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* preflight-files.c: what of CHECK, which has been made, is still open. */
void gwt_check_decide (struct gwt_check *check);

/* preflight-properties.c */
void gwt_check_properties (struct gwt_check *check, struct gwt_pair *pair);

/* preflight-facts.c */
void gwt_check_facts (struct gwt_check *check, const struct gwt_pair *pair);
/* Do both ends tell the fact NAME, and what a guest sees of it is the same?  Of what is to be
   adapted that is taken for granted: it is looked at again. */
bool gwt_check_same_fact (struct gwt_check *check, struct gwt_pair *pair, const char *name);

/* preflight-sections.c */
void gwt_check_sections (struct gwt_check *check, const struct gwt_pair *pair);
/* Are there the same ones, whatever is in them? */
void gwt_check_section_names (struct gwt_check *check, const struct gwt_pair *pair);
void gwt_check_machine_sections (struct gwt_check *check);

#endif
