/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vcpu.c, which runs CPUs, offers run.c, which decides when: nothing outside core/cpu includes
 * it.
 */
#ifndef CORE_CPU_VCPU_H
#define CORE_CPU_VCPU_H

#include <glib.h>
#include <stdbool.h>
#include "core/cpu/run.h"

void gwt_vcpu_register_extensions (void); /* "gwt.vcpu/1"; also listens to changes of memory */
/* True on a vCPU's thread. */
bool gwt_vcpu_is_self (void);
/* [main] Stop all vCPUs and wait until none executes; drops the machine lock while waiting. */
void gwt_vcpus_pause (void);
void gwt_vcpus_resume (void);
/* A vCPU that made a request stands still until the main loop has carried it out. */
void gwt_vcpu_hold_self (void);
void gwt_vcpus_release_held (void);
/* After a reset: a hart that waited for an interrupt starts anew. */
void gwt_vcpus_forget_halt (void);
/* [any, without vCPUs coming or going] All that have work rest until END (monotonic time, us); they
   go on at once where that is in the past. */
void gwt_vcpus_rest (gint64 end);
void gwt_vcpus_finish (void);

/* run.c: [vcpu] GWT_EXIT_ERROR; TEXT is copied. */
void gwt_run_vcpu_failed (struct gwt_device *device, const char *text);

#endif
