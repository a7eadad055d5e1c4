/* SPDX-License-Identifier: BSD-2-Clause */
/* The beat to which vCPUs rest: see throttle.h.  How one rests is vcpu.c's. */
#include "config.h"
#include "core/cpu/throttle.h"
#include "core/cpu/vcpu.h"

#define RUN_US 10000

static struct
{
  GMutex lock; /* leaf; guards all of this */
  GCond changed;
  GThread *thread;
  guint percentage;
  guint generation; /* of `thread`: one of an earlier generation ends */
} beat;

static gint64
rest_us (guint percentage)
{
  return (gint64) RUN_US * percentage / (100 - percentage);
}

static gpointer
beat_main (gpointer data)
{
  guint generation = GPOINTER_TO_UINT (data);

  g_mutex_lock (&beat.lock);
  while (beat.generation == generation)
    {
      gint64 rest = rest_us (beat.percentage), end = g_get_monotonic_time () + RUN_US + rest;

      g_mutex_unlock (&beat.lock);
      gwt_vcpus_rest (g_get_monotonic_time () + rest);
      g_mutex_lock (&beat.lock);
      while (beat.generation == generation
             && g_cond_wait_until (&beat.changed, &beat.lock, end))
        ;
    }
  g_mutex_unlock (&beat.lock);
  return NULL;
}

void
gwt_throttle_set (guint percentage)
{
  GThread *ended = NULL;

  g_mutex_lock (&beat.lock);
  beat.percentage = MIN (percentage, GWT_THROTTLE_MAX);
  if (beat.percentage > 0 && beat.thread == NULL)
    /* Without a thread there is no throttle, and the guest only goes on faster. */
    beat.thread
        = g_thread_try_new ("throttle", beat_main, GUINT_TO_POINTER (beat.generation), NULL);
  else if (beat.percentage == 0 && beat.thread != NULL)
    {
      ended = g_steal_pointer (&beat.thread);
      beat.generation++;
      g_cond_broadcast (&beat.changed);
    }
  g_mutex_unlock (&beat.lock);
  if (ended == NULL)
    return;
  g_thread_join (ended);
  gwt_vcpus_rest (0);
}

guint
gwt_throttle_percentage (void)
{
  guint percentage;

  g_mutex_lock (&beat.lock);
  percentage = beat.thread != NULL ? beat.percentage : 0;
  g_mutex_unlock (&beat.lock);
  return percentage;
}
