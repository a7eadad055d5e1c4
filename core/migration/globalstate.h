/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's run state as part of the stream.  All [main]. */
#ifndef CORE_MIGRATION_GLOBALSTATE_H
#define CORE_MIGRATION_GLOBALSTATE_H

#include <stdbool.h>
#include "core/cpu/run.h"
#include "core/util/error.h"

/* The entry "globalstate"; once, after all others, for it is the last section. */
bool gwt_globalstate_register (struct gwt_error *err);
void gwt_globalstate_unregister (void);
/* After a load: what the guest was at the sender; "running" where the sender does not say. */
enum gwt_runstate gwt_globalstate_received (void);

#endif
