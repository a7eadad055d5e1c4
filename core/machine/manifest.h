/* SPDX-License-Identifier: BSD-2-Clause */
/* The manifest of the machine as it stands; the format is docs/manifest.md's. */
#ifndef CORE_MACHINE_MANIFEST_H
#define CORE_MACHINE_MANIFEST_H

#include "core/machine/machine.h"
#include "core/migration/manifest.h"

/* New reference; all devices are realized, and their sections there (gwt_migration_init).  The same
   machine gives the same bytes in every process. */
struct gwt_manifest *gwt_machine_manifest (struct gwt_machine *machine, struct gwt_error *err);
/* The guest came with SOURCE: its hops, and of values with GWT_SOURCE_INCOMING which of them set
   them, are told on.  NULL: it began here. */
void gwt_machine_set_history (struct gwt_machine *machine, struct gwt_manifest *source);

#endif
