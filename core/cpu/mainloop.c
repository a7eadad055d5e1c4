/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The main loop: GLib's default context, polled without the machine lock, and the signals that end
 * the process.  It must not know what a request means.
 */
#include "config.h"
#include "core/cpu/mainloop.h"
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "core/cpu/clock.h"
#include "core/cpu/run.h"
#include "core/cpu/throttle.h"
#include "core/cpu/vcpu.h"
#include "core/device/lock.h"
#include "core/util/log.h"

static GSource *timers;
static bool ready;
static int signal_fd = -1;
static volatile sig_atomic_t signal_number;
static volatile pid_t signal_sender;
static volatile sig_atomic_t signal_count;
static void (*emergency) (void);

static gint
poll_unlocked (GPollFD *fds, guint n, gint timeout)
{
  bool held = gwt_machine_lock_held ();
  int result, saved;

  if (held)
    gwt_machine_unlock ();
  result = g_poll (fds, n, timeout);
  saved = errno;
  if (held)
    gwt_machine_lock ();
  errno = saved;
  return result;
}

void
gwt_mainloop_wake (void)
{
  g_main_context_wakeup (NULL);
}

/* ---- signals --------------------------------------------------------------------------------- */

static void
on_signal (int number, siginfo_t *info, void *context)
{
  uint64_t one = 1;
  int saved = errno;

  /* Who asks three times is not heard: a plugin hangs.  Go at once, but leave the terminal in
     order. */
  if (++signal_count >= 3)
    {
      if (emergency)
        emergency ();
      signal (number, SIG_DFL);
      raise (number);
    }
  signal_number = number;
  signal_sender = info->si_code <= 0 ? info->si_pid : 0;
  if (write (signal_fd, &one, sizeof (one)) < 0)
    { /* full: it is awake already */
    }
  errno = saved;
}

bool
gwt_run_signal_arrived (void)
{
  return signal_number != 0;
}

/* The name of process PID, for people who wonder who did it. */
static char *
process_name (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/comm", (int) pid);
  char *name = NULL;

  if (g_file_get_contents (path, &name, NULL, NULL))
    return g_strchomp (name);
  return g_strdup ("unknown process");
}

static gboolean
signal_arrived (gint fd, GIOCondition condition, gpointer data)
{
  uint64_t count;

  if (read (fd, &count, sizeof (count)) == (ssize_t) sizeof (count))
    {
      if (signal_sender)
        {
          g_autofree char *name = process_name (signal_sender);

          gwt_log (GWT_LOG_ERROR, "terminating on signal %d from pid %d (%s)", (int) signal_number,
                   (int) signal_sender, name);
        }
      else
        gwt_log (GWT_LOG_ERROR, "terminating on signal %d", (int) signal_number);
      gwt_request_shutdown (GWT_CAUSE_HOST_SIGNAL, 0);
    }
  return G_SOURCE_CONTINUE;
}

static void
catch_signals (void)
{
  static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
  struct sigaction action = { 0 }, old;
  guint i;

  signal_fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (signal_fd < 0)
    {
      gwt_log (GWT_LOG_ERROR,
               "signals: the host gives no eventfd (%s); they end the process at once",
               g_strerror (errno));
      return;
    }
  g_unix_fd_add (signal_fd, G_IO_IN, signal_arrived, NULL);
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigfillset (&action.sa_mask);
  for (i = 0; i < G_N_ELEMENTS (numbers); i++)
    /* Who started us with SIGHUP or SIGINT ignored (nohup, a shell's &) meant it. */
    if (sigaction (numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
      sigaction (numbers[i], &action, NULL);
  /* A peer that went away is an error of write (), not an end. */
  signal (SIGPIPE, SIG_IGN);
}

void
gwt_run_on_emergency (void (*fn) (void))
{
  emergency = fn;
}

/* ---- the loop -------------------------------------------------------------------------------- */

void
gwt_run_init (void)
{
  if (ready)
    return;
  ready = true;
  if (!gwt_machine_lock_held ())
    gwt_machine_lock ();
  gwt_clock_register_extensions ();
  gwt_vcpu_register_extensions ();
  gwt_run_register_extensions ();
  g_main_context_set_poll_func (NULL, poll_unlocked);
  timers = gwt_clock_source_new ();
  if (timers)
    g_source_attach (timers, NULL);
  catch_signals ();
}

int
gwt_main_loop (void)
{
  int status = 0;

  while (!gwt_run_handle_requests (&status))
    g_main_context_iteration (NULL, TRUE);
  return status;
}

void
gwt_run_end_vcpus (void)
{
  gwt_throttle_set (0);
  gwt_vcpus_finish ();
}

void
gwt_run_finish (void)
{
  gwt_run_end_vcpus ();
  gwt_clock_virtual_stop ();
  if (timers)
    {
      g_source_destroy (timers);
      g_source_unref (timers);
      timers = NULL;
    }
}
