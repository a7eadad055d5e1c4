/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sender is held to what its manifest says of the stream behind it: by that it was let in.  Pure;
 * each is content where there is no manifest.
 */
#ifndef CORE_MIGRATION_TOLD_H
#define CORE_MIGRATION_TOLD_H

#include "core/migration/entry.h"
#include "core/migration/manifest.h"

/* The section NAME comes.  *TOLD is what MANIFEST (may be NULL) says of it, or NULL; false with ERR
   set: something else. */
bool gwt_told_section (const struct gwt_manifest *manifest, const char *name, uint32_t instance,
                       uint32_t version, const struct gwt_manifest_section **told,
                       struct gwt_error *err);
/* In SECTION the subsection NAME comes. */
bool gwt_told_subsection (const struct gwt_manifest_section *section, const char *name,
                          uint32_t version, struct gwt_error *err);
/* Does MANIFEST (may be NULL) say that a section for ENTRY comes always? */
bool gwt_told_always (const struct gwt_manifest *manifest, const struct gwt_entry *entry);
/* The block of memory NAME of SIZE bytes comes; all have come, and NAME, which is here, has not. */
bool gwt_told_block (const struct gwt_manifest *manifest, const char *name, uint64_t size,
                     struct gwt_error *err);
bool gwt_told_no_block (const struct gwt_manifest *manifest, const char *name,
                        struct gwt_error *err);

#endif
