/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks and timers; devices see them as "gwt.clock/1". */
#ifndef CORE_CPU_CLOCK_H
#define CORE_CPU_CLOCK_H

#include <glib.h>
#include <godwit/clock.h>

void gwt_clock_register_extensions (void);
uint64_t gwt_clock_now (uint32_t clock);
/* The virtual clock runs only between start and stop. */
void gwt_clock_virtual_start (void);
void gwt_clock_virtual_stop (void);
/* [main] While it stands: the guest that is taken over is at NOW. */
void gwt_clock_virtual_set (uint64_t now);
/* Fire the timers of the virtual clock that are due, though it stands: what the main loop had not
   come to when it was stopped.  The state that is saved then is that of this moment, and not of one
   a little before. */
void gwt_clock_fire_due (void);

/* ---- where instructions are its clockwork, see icount.h ---- */
/* [main] Before the first start, once: each instruction takes 1 << SHIFT ns. */
void gwt_clock_count (guint shift);
/* [vcpu] EXECUTED instructions more have passed, and more may while it is looked at; NULL ends
   that. */
void gwt_clock_follow (const uint64_t *executed);
/* [vcpu] Take *EXECUTED over and make it 0; what it was. */
uint64_t gwt_clock_counted (uint64_t *executed);
/* [vcpu] Nothing happens before TO: be there. */
void gwt_clock_jump (uint64_t to);
/* [any] When the first timer of the virtual clock is due; UINT64_MAX: none is set. */
uint64_t gwt_clock_deadline (void);
/* [vcpu] Have the main loop fire what is due, and gwt_icount_stir be called then. */
enum gwt_clock_firing
{
  GWT_FIRING_NONE, /* nobody asked, or the clock stood */
  GWT_FIRING_ASKED,
  GWT_FIRING_DONE
};
void gwt_clock_ask_firing (void);
enum gwt_clock_firing gwt_clock_firing (void);

/* Main loop source that fires timers; attached once by gwt_run_init. */
GSource *gwt_clock_source_new (void);

#endif
