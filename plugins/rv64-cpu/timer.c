/* SPDX-License-Identifier: BSD-2-Clause */
/* Sstc: stimecmp against the platform's mtime, and the host timer that raises STIP.
 *
 * Owns: the STIP line and the timer.  Three threads come here: the vCPU that writes stimecmp, the
 * main loop when the timer fires, and whoever writes mtime.  A lock makes each look at the compare
 * value and the change of STIP and timer that follows from it one step; without it a late look at
 * an old value could leave STIP set for ever.  It is one that sleeps: setting a timer may wake the
 * main loop, which may take the vCPU's core and come here at once.
 * Must not know: where mtime comes from.
 */
#include "arch.h"

bool
rv_time_now (const struct rv_hart *h, uint64_t *value)
{
  if (h->time == NULL)
    return false;
  *value = h->time->ticks (h->time->source);
  return true;
}

void
rv_stimer_update (struct rv_hart *h)
{
  bool on = h->ext_sstc && h->time != NULL && h->stimer != NULL;
  bool raised = false;

  if (!on)
    return;
  pthread_mutex_lock (&h->stimer_lock);
  if (!(__atomic_load_n (&h->menvcfg, __ATOMIC_RELAXED) & RV_ENVCFG_STCE))
    {
      atomic_fetch_and (&h->mip_lines, ~RV_MIP_STIP);
      rv_clock->timer_set (h->stimer, GWT_TIMER_OFF);
    }
  else
    {
      uint64_t compare = __atomic_load_n (&h->stimecmp, __ATOMIC_RELAXED);

      if (h->time->ticks (h->time->source) >= compare)
        {
          raised = !(atomic_fetch_or (&h->mip_lines, RV_MIP_STIP) & RV_MIP_STIP);
          rv_clock->timer_set (h->stimer, GWT_TIMER_OFF);
        }
      else
        {
          atomic_fetch_and (&h->mip_lines, ~RV_MIP_STIP);
          rv_clock->timer_set (h->stimer, h->time->when (h->time->source, compare));
        }
    }
  pthread_mutex_unlock (&h->stimer_lock);
  if (raised)
    {
      rv_kick (h);
      rv_vcpu->wake (h->device);
    }
}

void
rv_stimer_fired (void *self)
{
  rv_stimer_update (self);
}
