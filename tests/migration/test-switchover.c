/* SPDX-License-Identifier: BSD-2-Clause */
/* When the guest is stopped: as soon as it may be, or a round later where that halves the rest. */
#include "config.h"
#include "core/migration/switchover.h"
#include <glib.h>

#define MS 1000
#define MIB (1u << 20)
#define RATE 1e9 /* bytes/s: half a million of them are too few for a round */

/* The guest wrote WRITTEN bytes within 100 ms, and LEFT is left in all; THRESHOLD is 100 MiB. */
static bool
is_now (struct gwt_switchover *s, uint64_t written, uint64_t left)
{
  return gwt_switchover_is_now (s, left - written, left, 100 * MIB, RATE, s->looked + 100 * MS);
}

static void
test_idle (void)
{
  struct gwt_switchover s;

  gwt_switchover_begin (&s, 5 * MS);
  g_assert_false (gwt_switchover_is_near (&s, 200 * MIB, 100 * MIB, RATE));
  /* Nothing is known of the rate before anything was sent. */
  g_assert_false (gwt_switchover_is_near (&s, 200 * MIB, 0, 0));
  g_assert_true (gwt_switchover_is_near (&s, 100 * MIB, 100 * MIB, RATE));
  /* It might be stopped; but to the end of this round nobody has to look again. */
  g_assert_false (is_now (&s, 0, 100 * MIB));
  g_assert_false (gwt_switchover_is_near (&s, 99 * MIB, 100 * MIB, RATE));
  g_assert_true (gwt_switchover_is_near (&s, 500000, 100 * MIB, RATE));
  g_assert_true (is_now (&s, 100000, 500000));
}

/* What is left is as much as before, or more: a round would be in vain. */
static void
test_busy (void)
{
  struct gwt_switchover s;

  gwt_switchover_begin (&s, 0);
  g_assert_true (is_now (&s, 51000000, 90 * MIB)); /* more than half of what can be sent */
  gwt_switchover_begin (&s, 0);
  g_assert_false (is_now (&s, 50000000, 90 * MIB));
  g_assert_false (is_now (&s, 100 * MIB, 101 * MIB)); /* the chance was missed */
  /* The next one is looked for as the first was. */
  g_assert_true (gwt_switchover_is_near (&s, 100 * MIB, 100 * MIB, RATE));
  g_assert_true (is_now (&s, 51000000, 90 * MIB));
}

/* Not for ever. */
static void
test_bursts (void)
{
  struct gwt_switchover s;
  guint n;

  gwt_switchover_begin (&s, 0);
  for (n = 0; !is_now (&s, 0, 90 * MIB); n++)
    {
      g_assert_cmpuint (n, <, 100);
      g_assert_false (is_now (&s, 100 * MIB, 101 * MIB));
    }
  g_assert_cmpuint (n, ==, 8);
  g_assert_cmpuint (s.rounds, ==, 8);
}

static void
test_limits (void)
{
  struct gwt_switchover s;

  gwt_switchover_begin (&s, 0);
  /* downtime-limit 0: when nothing is left. */
  g_assert_false (gwt_switchover_is_near (&s, 1, 0, RATE));
  g_assert_true (gwt_switchover_is_near (&s, 0, 0, RATE));
  g_assert_false (gwt_switchover_is_now (&s, 0, 4096, 0, RATE, 1));
  g_assert_true (gwt_switchover_is_now (&s, 0, 0, 0, RATE, 1)); /* the clock stood still */
  /* avail-switchover-bandwidth, before a rate was measured. */
  gwt_switchover_begin (&s, 0);
  g_assert_true (gwt_switchover_is_near (&s, 10 * MIB, 100 * MIB, 0));
  g_assert_false (gwt_switchover_is_now (&s, 10 * MIB, 10 * MIB, 100 * MIB, 0, 100));
  g_assert_true (gwt_switchover_is_now (&s, 0, 4096, 100 * MIB, 0, 200));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/switchover/idle", test_idle);
  g_test_add_func ("/switchover/busy", test_busy);
  g_test_add_func ("/switchover/bursts", test_bursts);
  g_test_add_func ("/switchover/limits", test_limits);
  return g_test_run ();
}
