/* SPDX-License-Identifier: BSD-2-Clause */
/* core/cpu/run.c and mainloop.c: run states, requests, events, the end. */
#include "config.h"
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>
#include "core/cpu/mainloop.h"
#include "tests/vcpu/mock-cpu.h"

static GString *events;
static bool late_poweroff, late_quit;

static void
on_event (const char *event, enum gwt_shutdown_cause cause, void *data)
{
  /* What a second hart, or a client, asks for while the first one's request is being seen to. */
  if (strcmp (event, "SHUTDOWN") == 0 && late_poweroff)
    {
      late_poweroff = false;
      gwt_request_shutdown (GWT_CAUSE_GUEST_SHUTDOWN, 1);
    }
  if (strcmp (event, "SHUTDOWN") == 0 && late_quit)
    {
      late_quit = false;
      gwt_request_shutdown (GWT_CAUSE_HOST_QMP_QUIT, 0);
    }
  g_string_append_printf (events, "%s", event);
  if (strcmp (event, "SHUTDOWN") == 0 || strcmp (event, "RESET") == 0)
    g_string_append_printf (events, "(%s)", gwt_shutdown_cause_name (cause));
  g_string_append_c (events, ' ');
}

/* What was announced since the last look. */
static void
expect (const char *wanted)
{
  g_assert_cmpstr (events->str, ==, wanted);
  g_string_truncate (events, 0);
}

static uint32_t
go_on (struct cpu *cpu)
{
  return 0;
}

static uint32_t
power_off (struct cpu *cpu)
{
  run_api->shutdown (cpu->device, 42);
  return 0;
}

/* After the bad states only a reset helps. */
static void
reset_to_prelaunch (void)
{
  int status;

  gwt_vm_start ();
  g_assert_cmpint (gwt_runstate (), !=, GWT_RUNSTATE_RUNNING);
  g_assert_true (gwt_runstate_needs_reset ());
  gwt_request_reset (GWT_CAUSE_HOST_QMP_SYSTEM_RESET);
  PUMP (gwt_run_handle_requests (&status) || gwt_runstate () == GWT_RUNSTATE_PRELAUNCH);
  g_assert_false (gwt_runstate_needs_reset ());
}

static void
test_shutdown (void)
{
  struct cpu *a = make_cpu (power_off), *b = make_cpu (power_off);

  gwt_vm_start ();
  g_assert_cmpint (gwt_main_loop (), ==, 42);
  /* Two harts at once, one power-off; and each stood still with its request. */
  expect ("RESUME SHUTDOWN(guest-shutdown) ");
  g_assert_cmpuint (atomic_load (&a->steps), <=, 1);
  g_assert_cmpuint (atomic_load (&b->steps), <=, 1);
  clean ();
  reset_to_prelaunch ();
  expect ("RESET(host-qmp-system-reset) ");
}

static void
test_no_shutdown (void)
{
  int status = 7;

  make_cpu (power_off);
  gwt_run_set_no_shutdown (true);
  gwt_vm_start ();
  PUMP (gwt_run_handle_requests (&status) || gwt_runstate () == GWT_RUNSTATE_SHUTDOWN);
  expect ("RESUME SHUTDOWN(guest-shutdown) STOP ");
  g_assert_cmpint (status, ==, 7);
  g_assert_cmpstr (gwt_runstate_name (gwt_runstate ()), ==, "shutdown");
  reset_to_prelaunch ();
  expect ("RESET(host-qmp-system-reset) ");
  /* A client's quit and a signal end the process all the same. */
  gwt_request_shutdown (GWT_CAUSE_HOST_QMP_QUIT, 0);
  g_assert_cmpint (gwt_main_loop (), ==, 0);
  expect ("SHUTDOWN(host-qmp-quit) ");
  gwt_run_set_no_shutdown (false);
  clean ();
  reset_to_prelaunch ();
  expect ("RESET(host-qmp-system-reset) ");
}

/* The first power-off is taken, and before the harts stand the second one comes. */
static void
test_late_poweroff (void)
{
  int status = 7;

  make_cpu (power_off);
  late_poweroff = true;
  gwt_vm_start ();
  g_assert_cmpint (gwt_main_loop (), ==, 42);
  expect ("RESUME SHUTDOWN(guest-shutdown) ");
  g_assert_false (late_poweroff);
  g_assert_false (gwt_run_handle_requests (&status));
  reset_to_prelaunch ();
  expect ("RESET(host-qmp-system-reset) ");

  gwt_run_set_no_shutdown (true);
  late_poweroff = true;
  gwt_vm_start ();
  PUMP (gwt_run_handle_requests (&status) || gwt_runstate () == GWT_RUNSTATE_SHUTDOWN);
  g_assert_false (gwt_run_handle_requests (&status));
  expect ("RESUME SHUTDOWN(guest-shutdown) STOP ");
  reset_to_prelaunch ();
  expect ("RESET(host-qmp-system-reset) ");

  /* A client's quit at that moment is not lost. */
  late_quit = true;
  gwt_vm_start ();
  g_assert_cmpint (gwt_main_loop (), ==, 0);
  expect ("RESUME SHUTDOWN(guest-shutdown) STOP SHUTDOWN(host-qmp-quit) ");
  gwt_run_set_no_shutdown (false);
  clean ();
  reset_to_prelaunch ();
  expect ("RESET(host-qmp-system-reset) ");
}

static atomic_uint hooks;

static void
hook (void *data)
{
  struct cpu *cpu = data;

  /* Devices first, images after them. */
  g_assert_cmpuint (atomic_load (&cpu->resets), ==, atomic_load (&hooks) + 1);
  atomic_fetch_add (&hooks, 1);
}

static uint32_t
reset_often (struct cpu *cpu)
{
  if (atomic_load (&cpu->steps) < 5)
    run_api->reset (cpu->device);
  return GWT_EXIT_HALTED;
}

static void
test_reset (void)
{
  int status;
  struct cpu *cpu = make_cpu (reset_often);

  atomic_store (&hooks, 0);
  gwt_run_set_reset_hook (hook, cpu);
  gwt_vm_start ();
  expect ("RESUME ");
  /* A hart that was halted starts anew, five times. */
  PUMP (gwt_run_handle_requests (&status) || atomic_load (&cpu->steps) == 6);
  g_assert_cmpuint (atomic_load (&hooks), ==, 5);
  g_assert_cmpstr (gwt_runstate_name (gwt_runstate ()), ==, "running");
  expect ("RESET(guest-reset) RESET(guest-reset) RESET(guest-reset) RESET(guest-reset) "
          "RESET(guest-reset) ");
  gwt_run_set_reset_hook (NULL, NULL);
  clean ();
  expect ("STOP ");
}

static void
test_no_reboot (void)
{
  make_cpu (reset_often);
  gwt_run_set_no_reboot (true);
  gwt_vm_start ();
  g_assert_cmpint (gwt_main_loop (), ==, 0);
  expect ("RESUME SHUTDOWN(guest-reset) ");
  gwt_run_set_no_reboot (false);
  clean ();
  reset_to_prelaunch ();
  expect ("RESET(host-qmp-system-reset) ");
}

static uint32_t
cannot (struct cpu *cpu)
{
  cpu->run->error_text = "it met an instruction from the future";
  return cpu->number ? GWT_EXIT_ERROR : 12345;
}

static void
test_error (gconstpointer wanted)
{
  int status;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      g_test_trap_assert_stderr (wanted);
      return;
    }
  /* The first CPU gives a reason that does not exist, the second one says what is wrong. */
  if (strstr (wanted, "future"))
    make_cpu (NULL);
  make_cpu (cannot);
  gwt_vm_start ();
  PUMP (gwt_run_handle_requests (&status) || gwt_runstate () == GWT_RUNSTATE_INTERNAL_ERROR);
  expect ("RESUME STOP ");
  gwt_vm_start ();
  g_assert_cmpstr (gwt_runstate_name (gwt_runstate ()), ==, "internal-error");
  clean ();
}

/* ---- stop from where one cannot wait --------------------------------------------------------- */

static uint32_t
stop_self (struct cpu *cpu)
{
  if (atomic_load (&cpu->steps) == 3)
    gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  return 0;
}

static void
test_stop_from_vcpu (void)
{
  struct cpu *cpu = make_cpu (stop_self);
  int status;

  gwt_vm_start ();
  PUMP (gwt_run_handle_requests (&status) || gwt_runstate () == GWT_RUNSTATE_PAUSED);
  g_assert_cmpuint (atomic_load (&cpu->steps), ==, 4);
  expect ("RESUME STOP ");
  gwt_vm_start ();
  PUMP (atomic_load (&cpu->steps) > 100);
  clean ();
  expect ("RESUME STOP ");
}

static void
look (void *data)
{
  struct cpu *cpu = data;
  uint64_t now = gwt_clock_now (GWT_CLOCK_VIRTUAL);
  unsigned long long steps = atomic_load (&cpu->steps);

  g_thread_yield ();
  g_assert_cmpuint (atomic_load (&cpu->steps), ==, steps);
  g_assert_cmpuint (gwt_clock_now (GWT_CLOCK_VIRTUAL), ==, now);
}

static void
test_paused_call (void)
{
  struct cpu *cpu = make_cpu (go_on);

  gwt_vm_paused_call (look, cpu);
  g_assert_cmpuint (atomic_load (&cpu->steps), ==, 0);
  gwt_vm_start ();
  PUMP (atomic_load (&cpu->steps) > 0);
  gwt_vm_paused_call (look, cpu);
  g_assert_cmpint (gwt_runstate (), ==, GWT_RUNSTATE_RUNNING);
  clean ();
  expect ("RESUME STOP ");
}

/* ---- the button, signals --------------------------------------------------------------------- */

static void
pressed (void *self)
{
  atomic_fetch_add (&((struct cpu *) self)->pending, 1);
}

static void
test_powerdown (void)
{
  struct cpu *cpu = make_cpu (NULL);
  int status;

  run_api->on_powerdown (cpu->device, pressed);
  gwt_request_powerdown ();
  PUMP (gwt_run_handle_requests (&status) || atomic_load (&cpu->pending) == 1);
  expect ("POWERDOWN ");
  clean ();
}

static void
test_signal (void)
{
  if (g_test_subprocess ())
    {
      make_cpu (go_on);
      gwt_vm_start ();
      kill (getpid (), SIGTERM);
      g_assert_cmpint (gwt_main_loop (), ==, 0);
      g_assert_true (gwt_run_signal_arrived ());
      expect ("RESUME SHUTDOWN(host-signal) ");
      clean ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*godwit: terminating on signal 15 from pid * (*");
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  set_up ();
  events = g_string_new (NULL);
  gwt_run_add_listener (on_event, NULL);
  g_test_add_func ("/run/shutdown", test_shutdown);
  g_test_add_func ("/run/no-shutdown", test_no_shutdown);
  g_test_add_func ("/run/late-poweroff", test_late_poweroff);
  g_test_add_func ("/run/reset", test_reset);
  g_test_add_func ("/run/no-reboot", test_no_reboot);
  g_test_add_data_func ("/run/error/text",
                        "*godwit: mock-cpu1: it met an instruction from the future; the guest is "
                        "paused, see query-status*",
                        test_error);
  g_test_add_data_func ("/run/error/reason",
                        "*godwit: mock-cpu0: the CPU's run () returned 12345, which is no exit "
                        "reason; the guest is paused, see query-status*",
                        test_error);
  g_test_add_func ("/run/stop-from-vcpu", test_stop_from_vcpu);
  g_test_add_func ("/run/paused-call", test_paused_call);
  g_test_add_func ("/run/powerdown", test_powerdown);
  g_test_add_func ("/run/signal", test_signal);
  status = g_test_run ();
  gwt_run_finish ();
  g_string_free (events, TRUE);
  return status;
}
