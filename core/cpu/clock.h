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
/* Main loop source that fires timers; attached once by gwt_run_init. */
GSource *gwt_clock_source_new (void);

#endif
