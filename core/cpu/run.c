/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run states, requests about the machine as a whole, and who is told.  It must not know how a vCPU
 * runs (vcpu.c) nor how the main loop waits (mainloop.c).
 */
#include "config.h"
#include "core/cpu/run.h"
#include <string.h>
#include <godwit/run.h>
#include "core/cpu/clock.h"
#include "core/cpu/mainloop.h"
#include "core/cpu/vcpu.h"
#include "core/util/extension.h"
#include "core/util/log.h"

#define MAX_LISTENERS 16

static enum gwt_runstate state = GWT_RUNSTATE_PRELAUNCH; /* [main] */
static enum gwt_runstate before_migration;               /* in finish-migrate: see run.h */
static bool no_shutdown, no_reboot;
static const char *const runstate_names[GWT_N_RUNSTATES]
    = { "prelaunch", "running",   "paused",         "shutdown",    "internal-error",
        "io-error",  "inmigrate", "finish-migrate", "postmigrate", "suspended" };
static void (*reset_hook) (void *data);
static void *reset_data;

static struct
{
  gwt_run_listener fn;
  void *data;
} listeners[MAX_LISTENERS];
static guint n_listeners;

struct button
{
  struct gwt_device *device;
  gwt_powerdown_fn fn;
};
static GPtrArray *buttons;

/* Asked for by any thread, carried out by the main loop. */
static struct
{
  GMutex lock;
  bool shutdown, reset, powerdown, stop;
  enum gwt_shutdown_cause shutdown_cause, reset_cause;
  int exit_status;
  enum gwt_runstate stop_state;
  char *error;
} asked;

enum gwt_runstate
gwt_runstate (void)
{
  return state;
}

const char *
gwt_runstate_name (enum gwt_runstate which)
{
  return runstate_names[which];
}

bool
gwt_runstate_parse (const char *name, enum gwt_runstate *which)
{
  guint i;

  for (i = 0; i < GWT_N_RUNSTATES; i++)
    if (strcmp (name, runstate_names[i]) == 0)
      {
        *which = (enum gwt_runstate) i;
        return true;
      }
  return false;
}

void
gwt_runstate_set (enum gwt_runstate which)
{
  state = which;
}

const char *
gwt_shutdown_cause_name (enum gwt_shutdown_cause cause)
{
  static const char *const names[]
      = { "guest-shutdown", "host-qmp-quit",         "host-signal", "host-ui",
          "guest-reset",    "host-qmp-system-reset", "guest-panic", "host-error" };

  return names[cause];
}

bool
gwt_runstate_needs_reset (void)
{
  return state == GWT_RUNSTATE_SHUTDOWN || state == GWT_RUNSTATE_INTERNAL_ERROR;
}

void
gwt_run_add_listener (gwt_run_listener fn, void *data)
{
  g_return_if_fail (n_listeners < MAX_LISTENERS);
  listeners[n_listeners].fn = fn;
  listeners[n_listeners++].data = data;
}

static void
announce (const char *event, enum gwt_shutdown_cause cause)
{
  guint i;

  for (i = 0; i < n_listeners; i++)
    listeners[i].fn (event, cause, listeners[i].data);
}

void
gwt_run_set_reset_hook (void (*fn) (void *data), void *data)
{
  reset_hook = fn;
  reset_data = data;
}

void
gwt_run_set_no_shutdown (bool on)
{
  no_shutdown = on;
}

void
gwt_run_set_no_reboot (bool on)
{
  no_reboot = on;
}

/* ---- starting and stopping ------------------------------------------------------------------- */

void
gwt_vm_start (void)
{
  if (state == GWT_RUNSTATE_RUNNING)
    return;
  if (gwt_runstate_needs_reset ())
    {
      gwt_log (GWT_LOG_WARN, "the guest is in state '%s'; reset it before it can go on",
               gwt_runstate_name (state));
      return;
    }
  state = GWT_RUNSTATE_RUNNING;
  announce ("RESUME", GWT_CAUSE_HOST_UI);
  gwt_clock_virtual_start ();
  gwt_vcpus_resume ();
}

void
gwt_request_stop (enum gwt_runstate to)
{
  g_mutex_lock (&asked.lock);
  asked.stop = true;
  asked.stop_state = to;
  g_mutex_unlock (&asked.lock);
  gwt_mainloop_wake ();
}

void
gwt_vm_stop (enum gwt_runstate to)
{
  if (gwt_vcpu_is_self ())
    {
      /* A vCPU cannot wait for itself. */
      gwt_vcpu_hold_self ();
      gwt_request_stop (to);
      return;
    }
  if (state == GWT_RUNSTATE_RUNNING)
    {
      gwt_vcpus_pause ();
      gwt_clock_virtual_stop ();
      state = to;
      announce ("STOP", GWT_CAUSE_HOST_UI);
    }
  else if (state == GWT_RUNSTATE_FINISH_MIGRATE)
    {
      /* It stands already, and is not to run again, here or elsewhere. */
      if (before_migration == GWT_RUNSTATE_RUNNING || to == GWT_RUNSTATE_SHUTDOWN
          || to == GWT_RUNSTATE_INTERNAL_ERROR)
        before_migration = to;
    }
  else if (to == GWT_RUNSTATE_SHUTDOWN || to == GWT_RUNSTATE_INTERNAL_ERROR)
    state = to;
}

void
gwt_vm_await_migration (void)
{
  state = GWT_RUNSTATE_INMIGRATE;
  announce ("STOP", GWT_CAUSE_HOST_UI);
}

void
gwt_vm_stop_to_migrate (void)
{
  enum gwt_runstate was = state;

  if (was == GWT_RUNSTATE_FINISH_MIGRATE)
    return;
  before_migration = was;
  if (was == GWT_RUNSTATE_RUNNING)
    {
      gwt_vcpus_pause ();
      gwt_clock_virtual_stop ();
    }
  gwt_clock_fire_due ();
  state = GWT_RUNSTATE_FINISH_MIGRATE;
  if (was == GWT_RUNSTATE_RUNNING)
    announce ("STOP", GWT_CAUSE_HOST_UI);
}

enum gwt_runstate
gwt_runstate_before (void)
{
  return state == GWT_RUNSTATE_FINISH_MIGRATE ? before_migration : state;
}

void
gwt_vm_forget_halts (void)
{
  gwt_vcpus_forget_halt ();
}

void
gwt_vm_resume_unmigrated (void)
{
  if (state != GWT_RUNSTATE_FINISH_MIGRATE)
    return;
  if (before_migration == GWT_RUNSTATE_RUNNING)
    gwt_vm_start ();
  else
    state = before_migration;
}

void
gwt_vm_paused_call (void (*fn) (void *data), void *data)
{
  bool was_running = state == GWT_RUNSTATE_RUNNING;

  if (was_running)
    {
      gwt_vcpus_pause ();
      gwt_clock_virtual_stop ();
    }
  fn (data);
  if (was_running && state == GWT_RUNSTATE_RUNNING)
    {
      gwt_clock_virtual_start ();
      gwt_vcpus_resume ();
    }
}

/* ---- requests -------------------------------------------------------------------------------- */

/* -no-shutdown keeps the process; only the host's own request ends it then.  A reset that
   -no-reboot made a shutdown pauses too, as management tools that give both expect. */
static bool
may_end (enum gwt_shutdown_cause cause)
{
  return cause == GWT_CAUSE_HOST_QMP_QUIT || cause == GWT_CAUSE_HOST_SIGNAL
         || cause == GWT_CAUSE_HOST_UI || cause == GWT_CAUSE_HOST_ERROR;
}

void
gwt_request_shutdown (enum gwt_shutdown_cause cause, int exit_status)
{
  gwt_vcpu_hold_self ();
  g_mutex_lock (&asked.lock);
  /* The first one counts: a guest that powers off on two harts at once did it once.  But the host's
     word ends the process even where the guest's only pauses it. */
  if (!asked.shutdown || (no_shutdown && !may_end (asked.shutdown_cause) && may_end (cause)))
    {
      asked.shutdown = true;
      asked.shutdown_cause = cause;
      asked.exit_status = exit_status;
    }
  g_mutex_unlock (&asked.lock);
  gwt_mainloop_wake ();
}

void
gwt_request_reset (enum gwt_shutdown_cause cause)
{
  if (no_reboot)
    {
      gwt_request_shutdown (cause, 0);
      return;
    }
  gwt_vcpu_hold_self ();
  g_mutex_lock (&asked.lock);
  if (!asked.reset)
    {
      asked.reset = true;
      asked.reset_cause = cause;
    }
  g_mutex_unlock (&asked.lock);
  gwt_mainloop_wake ();
}

void
gwt_request_powerdown (void)
{
  g_mutex_lock (&asked.lock);
  asked.powerdown = true;
  g_mutex_unlock (&asked.lock);
  gwt_mainloop_wake ();
}

void
gwt_run_vcpu_failed (struct gwt_device *device, const char *text)
{
  gwt_vcpu_hold_self ();
  g_mutex_lock (&asked.lock);
  if (!asked.error)
    asked.error
        = g_strdup_printf ("%s: %s; the guest is paused, see query-status", device->id, text);
  g_mutex_unlock (&asked.lock);
  gwt_mainloop_wake ();
}

static void
reset_machine (void *data)
{
  gwt_device_reset_all (GWT_RESET_WARM);
  if (reset_hook)
    reset_hook (reset_data);
  gwt_vcpus_forget_halt ();
}

static void
reset (enum gwt_shutdown_cause cause)
{
  gwt_vm_paused_call (reset_machine, NULL);
  announce ("RESET", cause);
  /* A guest that is being sent was running when it asked, and is to run on. */
  if (state == GWT_RUNSTATE_FINISH_MIGRATE && before_migration != GWT_RUNSTATE_RUNNING)
    before_migration = GWT_RUNSTATE_PRELAUNCH;
  else if (state != GWT_RUNSTATE_RUNNING && state != GWT_RUNSTATE_FINISH_MIGRATE)
    state = GWT_RUNSTATE_PRELAUNCH;
}

static void
powerdown (void)
{
  guint i;

  announce ("POWERDOWN", GWT_CAUSE_HOST_UI);
  if (!buttons || buttons->len == 0)
    gwt_log (GWT_LOG_WARN, "system_powerdown: this machine has no power button; nothing happens");
  for (i = 0; buttons && i < buttons->len; i++)
    {
      struct button *button = g_ptr_array_index (buttons, i);

      button->fn (button->device->instance);
    }
}

/* Harts that power off at once did it once.  The first request may have been taken before the
   second hart made its own, which counts no longer now that they stand; a host's word always
   does. */
static void
drop_later_poweroffs (void)
{
  g_mutex_lock (&asked.lock);
  if (asked.shutdown && !may_end (asked.shutdown_cause))
    asked.shutdown = false;
  g_mutex_unlock (&asked.lock);
}

bool
gwt_run_handle_requests (int *exit_status)
{
  g_autofree char *error = NULL;
  bool shutdown, wants_reset, wants_powerdown, stop, end = false;
  enum gwt_shutdown_cause shutdown_cause, reset_cause;
  enum gwt_runstate stop_state;
  int status;

  g_mutex_lock (&asked.lock);
  error = g_steal_pointer (&asked.error);
  shutdown = asked.shutdown;
  shutdown_cause = asked.shutdown_cause;
  status = asked.exit_status;
  wants_reset = asked.reset;
  reset_cause = asked.reset_cause;
  wants_powerdown = asked.powerdown;
  stop = asked.stop;
  stop_state = asked.stop_state;
  asked.shutdown = asked.reset = asked.powerdown = asked.stop = false;
  g_mutex_unlock (&asked.lock);
  if (!error && !shutdown && !wants_reset && !wants_powerdown && !stop)
    return false;

  if (error)
    {
      gwt_vm_stop (GWT_RUNSTATE_INTERNAL_ERROR);
      gwt_log (GWT_LOG_ERROR, "%s", error);
    }
  if (shutdown)
    {
      announce ("SHUTDOWN", shutdown_cause);
      if (no_shutdown && !may_end (shutdown_cause))
        gwt_vm_stop (GWT_RUNSTATE_SHUTDOWN);
      else
        {
          /* Nothing of the guest runs while the caller takes the machine apart; no STOP for
             clients, who were told more. */
          if (state == GWT_RUNSTATE_RUNNING)
            {
              gwt_vcpus_pause ();
              gwt_clock_virtual_stop ();
            }
          state = GWT_RUNSTATE_SHUTDOWN;
          *exit_status = status;
          end = true;
        }
      drop_later_poweroffs ();
    }
  if (wants_reset && !end)
    reset (reset_cause);
  if (wants_powerdown && !end)
    powerdown ();
  if (stop && !end)
    gwt_vm_stop (stop_state);
  gwt_vcpus_release_held ();
  return end;
}

/* ---- "gwt.run/1" ----------------------------------------------------------------------------- */

static void
run_shutdown (struct gwt_device *device, uint32_t exit_status)
{
  gwt_request_shutdown (GWT_CAUSE_GUEST_SHUTDOWN, (int) (exit_status & 0xff));
}

static void
run_reset (struct gwt_device *device)
{
  gwt_request_reset (GWT_CAUSE_GUEST_RESET);
}

static void
button_gone (void *data)
{
  if (buttons)
    g_ptr_array_remove (buttons, data);
  g_free (data);
}

static void
run_on_powerdown (struct gwt_device *device, gwt_powerdown_fn fn)
{
  struct button *button;

  if (!fn)
    return;
  button = g_new0 (struct button, 1);
  button->device = device;
  button->fn = fn;
  if (!buttons)
    buttons = g_ptr_array_new ();
  g_ptr_array_add (buttons, button);
  gwt_device_on_destroy (device, button_gone, button);
}

void
gwt_run_register_extensions (void)
{
  static const struct gwt_run_api api = {
    .struct_size = sizeof (api),
    .shutdown = run_shutdown,
    .reset = run_reset,
    .on_powerdown = run_on_powerdown,
  };
  GWT_AUTO_ERROR (err);

  if (gwt_extension_find (GWT_RUN_EXT))
    return;
  if (!gwt_extension_add (GWT_RUN_EXT, &api, "host", &err))
    gwt_log (GWT_LOG_ERROR, "run: %s", err.text);
}
