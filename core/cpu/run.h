/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run states, vCPU threads, and requests about the whole machine.  The main loop (glib) runs on the
 * main thread with the machine lock held except while it polls.
 */
#ifndef CORE_CPU_RUN_H
#define CORE_CPU_RUN_H

#include <glib.h>
#include <stdbool.h>
#include <godwit/cpu.h>
#include "core/device/device.h"

/* QEMU's names: gwt_runstate_name gives "prelaunch", "running", "paused", "shutdown",
   "internal-error", "io-error", "inmigrate", "finish-migrate", "postmigrate", "suspended". */
enum gwt_runstate
{
  GWT_RUNSTATE_PRELAUNCH,
  GWT_RUNSTATE_RUNNING,
  GWT_RUNSTATE_PAUSED,
  GWT_RUNSTATE_SHUTDOWN,
  GWT_RUNSTATE_INTERNAL_ERROR,
  GWT_RUNSTATE_IO_ERROR,
  GWT_RUNSTATE_INMIGRATE,      /* waits for the state of a guest from elsewhere */
  GWT_RUNSTATE_FINISH_MIGRATE, /* stands still while the last of its state is sent */
  GWT_RUNSTATE_POSTMIGRATE,    /* was sent; another process has it, or a file */
  GWT_RUNSTATE_SUSPENDED       /* known by name: guests of others come in it */
};
#define GWT_N_RUNSTATES (GWT_RUNSTATE_SUSPENDED + 1)

void gwt_run_init (void); /* extensions "gwt.vcpu/1", "gwt.run/1", "gwt.clock/1";
main loop */
enum gwt_runstate gwt_runstate (void);
const char *gwt_runstate_name (enum gwt_runstate state);
/* By name; false: there is none of that name here. */
bool gwt_runstate_parse (const char *name, enum gwt_runstate *state);
/* [main] For who takes a guest over: the state of one that does not run.  No event. */
void gwt_runstate_set (enum gwt_runstate state);

/* [main] A vCPU for a realized device that offers gwt.cpu/1; its thread waits until
   gwt_vm_start. */
bool gwt_vcpu_new (struct gwt_device *device, struct gwt_error *err);
guint gwt_vcpu_count (void);
struct gwt_device *gwt_vcpu_device (guint n);
int gwt_vcpu_thread_id (guint n); /* kernel tid */
bool gwt_vcpu_halted (guint n);
uint64_t gwt_vcpu_executed (guint n); /* instructions retired so far; running vCPUs: a moment ago */

/* [main] Let the guest run; stop it: when gwt_vm_stop returns no vCPU executes and the virtual
   clock stands. */
void gwt_vm_start (void);
/* "shutdown" and "internal-error" are left by a reset alone; gwt_vm_start does nothing there. */
bool gwt_runstate_needs_reset (void);
void gwt_vm_stop (enum gwt_runstate state);
/* [main] The guest waits for its state to come: back ends stand still as after a stop, without an
   event for monitors.  gwt_vm_start or gwt_runstate_set ends it. */
void gwt_vm_await_migration (void);
/* [main] Stop for the last part of a migration, "finish-migrate", from whichever state.
   gwt_runstate_before is the state that it came from, and that the guest at the other end will be
   in; gwt_vm_stop changes that one while the migration is not decided.  Requests that are pending
   are still carried out by the main loop: let it run once before the state is saved. */
void gwt_vm_stop_to_migrate (void);
enum gwt_runstate gwt_runstate_before (void);
/* [main] While the guest stands: no hart waits for an interrupt any more. */
void gwt_vm_forget_halts (void);
/* [main] It failed: go on in the state before. */
void gwt_vm_resume_unmigrated (void);
/* [main] Stop, run FN with all vCPUs still, go on as before. */
void gwt_vm_paused_call (void (*fn) (void *data), void *data);

/* [any] Carried out by the main loop. */
enum gwt_shutdown_cause
{
  GWT_CAUSE_GUEST_SHUTDOWN,
  GWT_CAUSE_HOST_QMP_QUIT,
  GWT_CAUSE_HOST_SIGNAL,
  GWT_CAUSE_HOST_UI,
  GWT_CAUSE_GUEST_RESET,
  GWT_CAUSE_HOST_QMP_SYSTEM_RESET,
  GWT_CAUSE_GUEST_PANIC,
  GWT_CAUSE_HOST_ERROR
};
const char *gwt_shutdown_cause_name (enum gwt_shutdown_cause cause); /* QMP's: "guest-shutdown", ...
                                                                      */
void gwt_request_shutdown (enum gwt_shutdown_cause cause, int exit_status);
void gwt_request_reset (enum gwt_shutdown_cause cause);
/* [any] gwt_vm_stop, by the main loop. */
void gwt_request_stop (enum gwt_runstate state);
void gwt_request_powerdown (void);      /* tells the devices that asked; logs if none did */
void gwt_run_set_no_shutdown (bool on); /* pause in "shutdown"; the host may still end */
void gwt_run_set_no_reboot (bool on);   /* -no-reboot: a guest reset ends the process */

/* Told on main: EVENT is QMP's name (STOP RESUME SHUTDOWN RESET POWERDOWN), CAUSE may be
   meaningless. */
typedef void (*gwt_run_listener) (const char *event, enum gwt_shutdown_cause cause, void *data);
void gwt_run_add_listener (gwt_run_listener fn, void *data);

/* Reset hook of the machine (reload images), called after devices were reset. */
void gwt_run_set_reset_hook (void (*fn) (void *data), void *data);

/* Runs until shutdown; returns the process's exit status.  SIGINT, SIGTERM and SIGHUP end it in
   order, with a line on stderr and status 0.  gwt_run_init takes the machine lock for the calling
   thread, which is the main thread from then on; it is dropped while the loop waits. */
int gwt_main_loop (void);
/* [any] A signal that ends the process came; for what blocks before the main loop runs. */
bool gwt_run_signal_arrived (void);
/* FN, which must be safe in a signal handler, runs when the third such signal ends the process
   at once because the first had no effect: a CPU or device that hangs. */
void gwt_run_on_emergency (void (*fn) (void));
/* [main] The guest stands: no CPU has a thread any more, their devices can go. */
void gwt_run_end_vcpus (void);
void gwt_run_finish (void); /* join threads, stop timers; the machine lock stays held */

#endif
