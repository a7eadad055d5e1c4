/* SPDX-License-Identifier: BSD-2-Clause */
/* When the guest is stopped: see switchover.h. */
#include "config.h"
#include "core/migration/switchover.h"
#include <glib.h>

/* What is sent in this time is too little for another round. */
#define LITTLE_US 500
/* A guest whose writing comes in bursts could go on like this for ever, each time with more left
   than was thought: after so many rounds the first chance is taken. */
#define ROUNDS 8

static double
little (double rate)
{
  return rate * LITTLE_US / 1e6;
}

void
gwt_switchover_begin (struct gwt_switchover *s, int64_t now)
{
  *s = (struct gwt_switchover){ .looked = now };
}

bool
gwt_switchover_is_near (const struct gwt_switchover *s, uint64_t estimate, uint64_t threshold,
                        double rate)
{
  return estimate <= threshold && (!s->one_more || (double) estimate <= little (rate));
}

bool
gwt_switchover_is_now (struct gwt_switchover *s, uint64_t estimate, uint64_t left,
                       uint64_t threshold, double rate, int64_t now)
{
  double passed = (double) MAX (now - s->looked, 1) / 1e6;
  double written = left > estimate ? (double) (left - estimate) / passed : 0;

  s->looked = now;
  s->one_more = false;
  if (left > threshold)
    return false;
  /* To send what is left takes LEFT / RATE, and that long the guest goes on writing. */
  s->one_more = (double) left > little (rate) && written <= rate / 2 && s->rounds < ROUNDS;
  s->rounds += s->one_more;
  return !s->one_more;
}
