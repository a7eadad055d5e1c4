/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of RAM's handler share; nothing else includes it. */
#ifndef CORE_MIGRATION_RAM_INTERNAL_H
#define CORE_MIGRATION_RAM_INTERNAL_H

#include "core/memory/memory.h"
#include "core/migration/entry.h"
#include "core/migration/ram-format.h"
#include "core/migration/ram.h"

/* ram.c */
void gwt_ram_options (struct gwt_ram_options *options);
bool gwt_ram_is_check_only (void);
void gwt_ram_set_stats (const struct gwt_ram_stats *stats);
void gwt_ram_synced (void);
/* The migrated blocks as they are sent: largest first, then as they were made; each with a
   reference, g_free. */
struct gwt_ram_block **gwt_ram_blocks (guint *count);
/* It stays where it is: shared, a file that the other end opens by name, and the option is on. */
bool gwt_ram_is_ignored (const struct gwt_ram_block *block, const struct gwt_ram_options *options);

/* ram-send.c */
/* While vCPUs are slowed down a round begins this long after the last one at the latest, for it is
   rounds that decide whether they are slowed down more.  Tests do not wait that long. */
extern gint64 gwt_ram_round_us;
/* How long one call sends pages.  Tests have all the time that it takes. */
extern gint64 gwt_ram_slice_us;
bool gwt_ram_setup (void *opaque, struct gwt_vm_out *out, struct gwt_error *err);
void gwt_ram_pending_estimate (void *opaque, uint64_t *bytes);
void gwt_ram_pending_exact (void *opaque, uint64_t *bytes);
bool gwt_ram_iterate (void *opaque, struct gwt_vm_out *out, bool *done, struct gwt_error *err);
bool gwt_ram_complete (void *opaque, struct gwt_vm_out *out, struct gwt_error *err);
void gwt_ram_cleanup (void *opaque);

/* ram-load.c */
bool gwt_ram_load_setup (void *opaque, struct gwt_error *err);
void gwt_ram_load_told (void *opaque, const struct gwt_manifest *manifest);
bool gwt_ram_load (void *opaque, struct gwt_vm_in *in, uint32_t version, struct gwt_error *err);
void gwt_ram_load_cleanup (void *opaque);

#endif
