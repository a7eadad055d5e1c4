/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vCPUs that are made to rest, so that a guest which writes faster than its memory can be sent is
 * caught up with.  Why, and how much, is core/migration/converge.c's.
 */
#ifndef CORE_CPU_THROTTLE_H
#define CORE_CPU_THROTTLE_H

#include <glib.h>

#define GWT_THROTTLE_MAX 99u

/* [any] How many hundredths of the time each vCPU that has work rests, at most GWT_THROTTLE_MAX: it
   runs for 10 ms and rests for 10 ms * P / (100 - P), again and again.  0: not at all, also for
   those that rest now. */
void gwt_throttle_set (guint percentage);
guint gwt_throttle_percentage (void); /* [any] */

#endif
