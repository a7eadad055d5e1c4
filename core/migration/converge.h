/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Auto-converge: a guest that dirties memory faster than it is sent is slowed down, step by step,
 * until it no longer does.
 */
#ifndef CORE_MIGRATION_CONVERGE_H
#define CORE_MIGRATION_CONVERGE_H

#include <glib.h>
#include "core/migration/ram.h"

/* Parameters of the migration by their names, in percent. */
struct gwt_converge_params
{
  guint trigger_threshold, initial, increment, max;
  gboolean tailslow;
};

/* [migration] A dirty round began with these figures.  Decides once a period. */
void gwt_converge_sync (const struct gwt_ram_stats *stats,
                        const struct gwt_converge_params *params);
/* [any, not beside the other] The migration ends, or begins: the guest runs freely, and what was
   counted is forgotten. */
void gwt_converge_stop (void);

#endif
