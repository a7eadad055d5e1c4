/* SPDX-License-Identifier: BSD-2-Clause */
/* The network learns where a guest is now.  All [main]. */
#ifndef CORE_MIGRATION_ANNOUNCE_H
#define CORE_MIGRATION_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

/* Times in ms; as the parameters of the same names. */
struct gwt_announce_params
{
  uint64_t initial, max, rounds, step;
};

/* Have the guest announce its addresses on all network devices that can ask it to, now and in the
   rounds that follow; one that is under way begins anew.  PARAMS NULL: those of migrations. */
void gwt_announce (const struct gwt_announce_params *params);
/* The same as soon as the guest, which came from elsewhere, runs. */
void gwt_announce_when_running (void);
void gwt_announce_finish (void);

#endif
