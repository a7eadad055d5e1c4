/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When, and how much: see converge.h.  The rule and its numbers are QEMU's, so that what people
 * know of the parameters holds.  How a vCPU rests is core/cpu/throttle.c's.
 */
#include "config.h"
#include "core/migration/converge.h"
#include "core/cpu/throttle.h"

/* Periods with too much before anything is done. */
#define PATIENCE 2

static struct
{
  uint64_t periods; /* that were judged */
  guint too_much;
} state;

static guint
step (const struct gwt_ram_stats *stats, const struct gwt_converge_params *params, guint now)
{
  double running = 100.0 - now, ideal;

  if (!params->tailslow || stats->period_dirtied == 0)
    return params->increment;
  /* With the guest running this much it would dirty what just can be sent. */
  ideal = running * (double) stats->period_sent * params->trigger_threshold / 100.0
          / (double) stats->period_dirtied;
  return (guint) CLAMP (running - ideal, 0, (double) params->increment);
}

void
gwt_converge_sync (const struct gwt_ram_stats *stats, const struct gwt_converge_params *params)
{
  guint now = gwt_throttle_percentage ();

  if (stats->periods == state.periods)
    return;
  state.periods = stats->periods;
  /* In double: a product of two sizes may not fit. */
  if ((double) stats->period_dirtied
      <= (double) stats->period_sent * params->trigger_threshold / 100.0)
    return;
  if (++state.too_much < PATIENCE)
    return;
  state.too_much = 0;
  gwt_throttle_set (now == 0 ? params->initial
                             : MIN (now + step (stats, params, now), params->max));
}

void
gwt_converge_stop (void)
{
  state.periods = 0;
  state.too_much = 0;
  gwt_throttle_set (0);
}
