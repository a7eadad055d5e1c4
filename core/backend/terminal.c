/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user's terminal: raw mode, and back to what it was at every end of the process, a crash
 * included. It must not know what is typed.
 */
#include "config.h"
#include "core/backend/internal.h"
#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "core/cpu/run.h"

static volatile sig_atomic_t is_raw;
static int terminal = -1;
static struct termios before, raw;
static const int fatal[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV };

/* Also called by handlers: tcsetattr is safe there. */
void
gwt_terminal_restore (void)
{
  if (is_raw)
    {
      is_raw = 0;
      tcsetattr (terminal, TCSANOW, &before);
    }
}

static void
on_fatal (int number)
{
  gwt_terminal_restore ();
  /* SA_RESETHAND put the default back; the signal is delivered again when we return. */
  raise (number);
}

/* A shell that continued us has set the terminal as it likes it. */
static void
on_continue (int number)
{
  int saved = errno;

  if (is_raw)
    tcsetattr (terminal, TCSANOW, &raw);
  errno = saved;
}

static void
catch_fatal (void)
{
  struct sigaction action = { 0 }, old;
  guint i;

  action.sa_handler = on_fatal;
  action.sa_flags = SA_RESETHAND;
  for (i = 0; i < G_N_ELEMENTS (fatal); i++)
    /* A sanitizer's own handler has more to say. */
    if (sigaction (fatal[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
      sigaction (fatal[i], &action, NULL);
  gwt_run_on_emergency (gwt_terminal_restore);
  action.sa_handler = on_continue;
  action.sa_flags = SA_RESTART;
  sigaction (SIGCONT, &action, NULL);
}

void
gwt_terminal_size (uint16_t *columns, uint16_t *rows)
{
  struct winsize size = { 0 };

  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
    ioctl (STDIN_FILENO, TIOCGWINSZ, &size);
  *columns = size.ws_col;
  *rows = size.ws_row;
}

static gboolean
on_resized (gpointer data)
{
  gwt_chardev_terminal_resized ();
  return G_SOURCE_CONTINUE;
}

void
gwt_terminal_watch_size (void)
{
  static bool watched;

  if (!watched)
    g_unix_signal_add (SIGWINCH, on_resized, NULL);
  watched = true;
}

void
gwt_terminal_raw (int fd, bool signals)
{
  static bool registered;

  if (is_raw || !isatty (fd) || tcgetattr (fd, &before) < 0)
    return;
  raw = before;
  raw.c_iflag &= ~(tcflag_t) (IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  /* Output stays cooked, so that lines of our own log begin at the left. */
  raw.c_oflag |= OPOST;
  raw.c_lflag &= ~(tcflag_t) (ECHO | ECHONL | ICANON | IEXTEN);
  if (!signals)
    raw.c_lflag &= ~(tcflag_t) ISIG;
  raw.c_cflag &= ~(tcflag_t) (CSIZE | PARENB);
  raw.c_cflag |= CS8;
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  terminal = fd;
  if (!registered)
    {
      registered = true;
      atexit (gwt_terminal_restore);
      catch_fatal ();
    }
  if (tcsetattr (fd, TCSANOW, &raw) == 0)
    is_raw = 1;
}
