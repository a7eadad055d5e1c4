/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The deterministic mode, -icount: instructions are the clockwork of the virtual clock, and harts
 * take turns.  From the same state a guest comes to the same state, to the bit, after the same
 * number of instructions; docs/icount.md says under which conditions.
 */
#ifndef CORE_CPU_ICOUNT_H
#define CORE_CPU_ICOUNT_H

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <godwit/cpu.h>
#include "core/util/error.h"

#define GWT_ICOUNT_SHIFT_MAX 10u

/* [main] Before the first hart is made, and never off again. */
void gwt_icount_enable (guint shift);
bool gwt_icount_on (void);
guint gwt_icount_shift (void);
/* All harts' instructions so far.  Set: while the guest stands, by who takes one over. */
uint64_t gwt_icount (void);
void gwt_icount_set (uint64_t count);
/* [main] While the guest stands: pause it in front of its COUNTth instruction, once. */
bool gwt_icount_break (uint64_t count, struct gwt_error *err);

/* ---- for vcpu.c and clock.c ---- */

/* What is known here of a hart; all of it belongs to vcpu.c. */
struct gwt_icount_hart
{
  struct gwt_cpu_run *run;
  const struct gwt_cpu_ops *ops;
  void *self;
  atomic_uint *attention;
  atomic_bool *halted;
};
/* [main] In the order in which they take turns. */
void gwt_icount_join (struct gwt_icount_hart *hart);
void gwt_icount_leave (struct gwt_icount_hart *hart);
/* [vcpu] Wait for HART's turn, as long as nothing else is asked of it, and set run->budget.  False:
   look at its attention, and come again. */
bool gwt_icount_take_turn (struct gwt_icount_hart *hart);
/* [vcpu] run () came back with REASON; how many instructions it executed. */
uint64_t gwt_icount_ran (struct gwt_icount_hart *hart, uint32_t reason);
/* [main] While no hart runs: whoever was in the middle of a turn, the first hart has the next. */
void gwt_icount_new_round (void);
/* [any] Have those who wait look at their attention again. */
void gwt_icount_stir (void);
/* [any] There may be work for a hart; cheap where one runs. */
void gwt_icount_woken (void);
/* [any] Something is to happen earlier than the hart in its turn was told. */
void gwt_icount_deadline_moved (void);

#endif
