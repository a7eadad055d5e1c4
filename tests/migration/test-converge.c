/* SPDX-License-Identifier: BSD-2-Clause */
/* Auto-converge: when it slows the guest down, and by how much. */
#include "config.h"
#include "core/migration/converge.h"
#include "core/cpu/throttle.h"

#define DEFAULTS { .trigger_threshold = 50, .initial = 20, .increment = 10, .max = 99 }

/* A period with so many bytes dirtied and sent; what the throttle is then. */
static guint
period (const struct gwt_converge_params *params, uint64_t dirtied, uint64_t sent)
{
  static struct gwt_ram_stats stats;

  stats.periods++;
  stats.period_dirtied = dirtied;
  stats.period_sent = sent;
  gwt_converge_sync (&stats, params);
  /* Another round within the period says nothing new. */
  gwt_converge_sync (&stats, params);
  return gwt_throttle_percentage ();
}

static void
test_steps (void)
{
  struct gwt_converge_params p = DEFAULTS;
  guint i, wanted = 20;

  g_assert_cmpuint (period (&p, 50, 100), ==, 0); /* just not too much */
  g_assert_cmpuint (period (&p, 51, 100), ==, 0);
  g_assert_cmpuint (period (&p, 51, 100), ==, 20);
  /* A good period in between is no pardon, and none is counted twice. */
  g_assert_cmpuint (period (&p, 51, 100), ==, 20);
  g_assert_cmpuint (period (&p, 0, 100), ==, 20);
  g_assert_cmpuint (period (&p, 51, 100), ==, 30);
  for (wanted = 40; wanted <= 90; wanted += 10)
    {
      g_assert_cmpuint (period (&p, 100, 0), ==, wanted - 10);
      g_assert_cmpuint (period (&p, 100, 0), ==, wanted);
    }
  for (i = 0; i < 4; i++)
    wanted = period (&p, UINT64_MAX, 1);
  g_assert_cmpuint (wanted, ==, 99);
  gwt_converge_stop ();
  g_assert_cmpuint (gwt_throttle_percentage (), ==, 0);
  g_assert_cmpuint (period (&p, 51, 100), ==, 0); /* counted from the beginning */
  p.max = 25;
  g_assert_cmpuint (period (&p, 51, 100), ==, 20);
  period (&p, 51, 100);
  g_assert_cmpuint (period (&p, 51, 100), ==, 25);
  gwt_converge_stop ();
}

static void
test_tailslow (void)
{
  struct gwt_converge_params p = DEFAULTS;

  p.tailslow = TRUE;
  period (&p, 100, 100);
  g_assert_cmpuint (period (&p, 100, 100), ==, 20);
  /* 80 percent dirty 52 where 50 are wanted: 3 less will do. */
  period (&p, 52, 100);
  g_assert_cmpuint (period (&p, 52, 100), ==, 23);
  /* Far away, it is the increment. */
  period (&p, 500, 100);
  g_assert_cmpuint (period (&p, 500, 100), ==, 33);
  gwt_converge_stop ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/converge/steps", test_steps);
  g_test_add_func ("/converge/tailslow", test_tailslow);
  return g_test_run ();
}
