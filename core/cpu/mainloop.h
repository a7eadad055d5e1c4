/* SPDX-License-Identifier: BSD-2-Clause */
/* Between mainloop.c, which waits, and run.c, which acts: nothing outside core/cpu includes it. */
#ifndef CORE_CPU_MAINLOOP_H
#define CORE_CPU_MAINLOOP_H

#include <stdbool.h>

/* [any] Make the main loop look at requests. */
void gwt_mainloop_wake (void);

/* run.c: [main] Carry out what was asked for; true: the process ends with *EXIT_STATUS. */
bool gwt_run_handle_requests (int *exit_status);
void gwt_run_register_extensions (void); /* "gwt.run/1" */

#endif
