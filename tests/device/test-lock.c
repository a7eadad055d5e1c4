/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine lock: exclusion, ownership, and that nobody starves. */
#include "config.h"
#include "core/device/lock.h"
#include <glib.h>
#include <stdatomic.h>

static uint64_t counter; /* only under the lock */

static gpointer
count (gpointer data)
{
  for (int i = 0; i < 100000; i++)
    {
      gwt_machine_lock ();
      counter++;
      gwt_machine_unlock ();
    }
  return NULL;
}

static void
test_exclusion (void)
{
  GThread *threads[6];
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new (NULL, count, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (counter, ==, 600000);
}

static gpointer
not_mine (gpointer data)
{
  return GINT_TO_POINTER (gwt_machine_lock_held ());
}

static void
test_owner (void)
{
  g_assert_false (gwt_machine_lock_held ());
  gwt_machine_lock ();
  g_assert_true (gwt_machine_lock_held ());
  g_assert_null (g_thread_join (g_thread_new (NULL, not_mine, NULL)));
  gwt_machine_unlock ();
  g_assert_false (gwt_machine_lock_held ());
}

enum
{
  TURNS = 20,
  TOO_MANY = 3000
};

static atomic_bool stop, waiting;
static atomic_ulong others; /* turns of the others while the main loop waits */

/* A vCPU that does nothing but MMIO: the lock is free for a moment only, too short for one who has
 * to wake up first. */
static gpointer
spin (gpointer data)
{
  while (!atomic_load (&stop))
    {
      gwt_machine_lock ();
      if (atomic_load (&waiting) && atomic_fetch_add (&others, 1) > TOO_MANY)
        atomic_store (&stop, true);
      for (volatile int i = 0; i < 30000; i++)
        ;
      gwt_machine_unlock ();
    }
  return NULL;
}

/* A lock without fairness is passed on between the vCPUs, or from one to itself, thousands of times
 * in a row. */
static void
test_fairness (void)
{
  GThread *threads[2];
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new (NULL, spin, NULL);
  gulong worst = 0;
  for (int i = 0; i < TURNS && !atomic_load (&stop); i++)
    {
      atomic_store (&others, 0);
      atomic_store (&waiting, true);
      gwt_machine_lock ();
      atomic_store (&waiting, false);
      worst = MAX (worst, atomic_load (&others));
      gwt_machine_unlock ();
      g_thread_yield ();
    }
  bool starved = atomic_exchange (&stop, true);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_test_message ("at most %lu turns of others before ours", worst);
  g_assert_false (starved);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lock/exclusion", test_exclusion);
  g_test_add_func ("/lock/owner", test_owner);
  g_test_add_func ("/lock/fairness", test_fairness);
  return g_test_run ();
}
