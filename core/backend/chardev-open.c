/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening back ends: the terminal, files, sockets whose peers come and go, ptys.  It must not know
 * who uses them.
 */
#include "config.h"
#include "core/backend/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include "core/cpu/run.h"
#include "core/util/log.h"

#define PTY_LOOK_MS 250
#define PAUSE_MS 1000

static void
set_label (struct gwt_chardev *chardev, char *label)
{
  g_free (chardev->label);
  chardev->label = label;
}

const char *
gwt_chardev_label (struct gwt_chardev *chardev)
{
  static const char *const names[]
      = { "null", "stdio", "file", "socket", "pty", "pipe", "ringbuf" };

  if (chardev->kind == GWT_CHARDEV_FILE || chardev->kind == GWT_CHARDEV_PIPE)
    set_label (chardev, g_strdup_printf ("%s:%s", names[chardev->kind], chardev->path));
  else if (chardev->kind == GWT_CHARDEV_SOCKET)
    set_label (chardev,
               gwt_socket_address (chardev->socket,
                                   chardev->socket->server ? chardev->listen_fd : chardev->in_fd));
  else if (chardev->kind == GWT_CHARDEV_PTY && chardev->pty_name)
    set_label (chardev, g_strdup_printf ("pty:%s", chardev->pty_name));
  else
    set_label (chardev, g_strdup (names[chardev->kind]));
  return chardev->label;
}

/* ---- terminal and files ---------------------------------------------------------------------- */

/*
 * Standard output that does not block.  O_NONBLOCK belongs to the open file, which our shell shares
 * and would keep; so open the same thing anew where that can be done.  Files do not block, sockets
 * are written with MSG_DONTWAIT.
 */
static int
own_output (int fd)
{
  struct stat st;
  char path[64];
  int own = -1;

  if (fstat (fd, &st) == 0 && (S_ISFIFO (st.st_mode) || S_ISCHR (st.st_mode)))
    {
      g_snprintf (path, sizeof (path), "/proc/self/fd/%d", fd);
      own = open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
  if (own < 0)
    own = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  return own;
}

static bool
open_stdio (struct gwt_chardev *chardev, struct gwt_error *err)
{
  int in = fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

  gwt_terminal_raw (STDIN_FILENO, chardev->signals);
  gwt_terminal_watch_size ();
  gwt_chardev_connect (chardev, in, own_output (STDOUT_FILENO), true);
  return true;
}

static bool
open_file (struct gwt_chardev *chardev, struct gwt_error *err)
{
  /* O_NONBLOCK: a FIFO that nobody reads is an error and does not hang. */
  int flags = O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  int in = -1, fd;

  /* First what is not changed. */
  if (chardev->input_path)
    {
      in = open (chardev->input_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
      if (in < 0)
        {
          gwt_error_set (err, GWT_E_IO, "cannot read '%s' (%s); use a file that can be read",
                         chardev->input_path, g_strerror (errno));
          return false;
        }
    }
  fd = open (chardev->path, flags | (chardev->append ? O_APPEND : O_TRUNC), 0666);
  if (fd < 0)
    {
      if (in >= 0)
        close (in);
      gwt_error_set (err, GWT_E_IO, "cannot write '%s' (%s); use a file that can be written",
                     chardev->path, g_strerror (errno));
      return false;
    }
  gwt_chardev_connect (chardev, in, fd, true);
  return true;
}

/* PATH.in and PATH.out where both are there, as seen from the guest; else PATH for both ways. */
static bool
open_pipe (struct gwt_chardev *chardev, struct gwt_error *err)
{
  const int flags = O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  g_autofree char *in_path = g_strdup_printf ("%s.in", chardev->path);
  g_autofree char *out_path = g_strdup_printf ("%s.out", chardev->path);
  int in = open (in_path, flags), out = open (out_path, flags);

  if (in < 0 || out < 0)
    {
      if (in >= 0)
        close (in);
      if (out >= 0)
        close (out);
      in = out = open (chardev->path, flags);
    }
  if (in < 0)
    {
      gwt_error_set (err, GWT_E_IO, "cannot open '%s' (%s); make it with mkfifo", chardev->path,
                     g_strerror (errno));
      return false;
    }
  gwt_chardev_connect (chardev, in, out, true);
  return true;
}

/* ---- sockets --------------------------------------------------------------------------------- */

static gboolean
on_pause_over (gpointer opaque)
{
  struct gwt_chardev *chardev = opaque;

  g_mutex_lock (&chardev->lock);
  gwt_source_drop (&chardev->retry_source);
  g_mutex_unlock (&chardev->lock);
  gwt_chardev_await_peer (chardev);
  return G_SOURCE_REMOVE;
}

/* Look at the listening socket again after a pause. */
static void
pause_listening (struct gwt_chardev *chardev, int reason)
{
  if (!chardev->complained)
    gwt_log (GWT_LOG_WARN, "%s: a client has to wait: %s; close others or raise the limit",
             chardev->id, g_strerror (reason));
  chardev->complained = true;
  g_mutex_lock (&chardev->lock);
  gwt_source_drop (&chardev->listen_source);
  gwt_source_drop (&chardev->retry_source);
  chardev->retry_source = g_timeout_source_new (PAUSE_MS);
  g_source_set_callback (chardev->retry_source, on_pause_over, chardev, NULL);
  g_source_attach (chardev->retry_source, NULL);
  g_mutex_unlock (&chardev->lock);
}

static gboolean
on_client (gint fd, GIOCondition condition, gpointer opaque)
{
  struct gwt_chardev *chardev = opaque;
  int client = gwt_socket_accept (fd);

  if (client < 0)
    {
      int reason = errno;

      /* The client stays in the socket's queue, so the descriptor stays readable: without a pause
         the main loop would do nothing else than fail here. */
      if (reason != EMFILE && reason != ENFILE && reason != ENOBUFS && reason != ENOMEM)
        return G_SOURCE_CONTINUE;
      pause_listening (chardev, reason);
      return G_SOURCE_REMOVE;
    }
  /* One peer at a time; the next one waits in the socket's queue until this one has gone. */
  g_mutex_lock (&chardev->lock);
  gwt_source_drop (&chardev->listen_source);
  g_mutex_unlock (&chardev->lock);
  gwt_chardev_connect (chardev, client, client, true);
  return G_SOURCE_REMOVE;
}

/*
 * Connecting again and again.  A name may take long to look up and a host to answer, so a thread of
 * its own tries, and the main loop hears of the result.
 */
struct gwt_attempt
{
  struct gwt_chardev *chardev; /* [main] NULL: it has gone meanwhile */
  struct gwt_socket_spec *socket;
  int fd;
  char *error;
};

static gboolean
on_attempt_over (gpointer opaque)
{
  struct gwt_attempt *attempt = opaque;
  struct gwt_chardev *chardev = attempt->chardev;

  if (chardev)
    {
      chardev->attempt = NULL;
      if (attempt->fd >= 0)
        {
          chardev->complained = false;
          gwt_chardev_connect (chardev, attempt->fd, attempt->fd, true);
        }
      else
        {
          if (!chardev->complained)
            gwt_log (GWT_LOG_WARN, "%s: %s; it is tried again every %u ms", chardev->id,
                     attempt->error, chardev->reconnect_ms);
          chardev->complained = true;
          gwt_chardev_await_peer (chardev);
        }
    }
  else if (attempt->fd >= 0)
    close (attempt->fd);
  gwt_socket_spec_free (attempt->socket);
  g_free (attempt->error);
  g_free (attempt);
  return G_SOURCE_REMOVE;
}

static gpointer
attempt_thread (gpointer opaque)
{
  struct gwt_attempt *attempt = opaque;
  GWT_AUTO_ERROR (err);

  attempt->fd = gwt_socket_connect (attempt->socket, &err);
  if (attempt->fd < 0)
    {
      /* What to do is wait. */
      attempt->error = g_strdup (err.text);
      attempt->error[strcspn (attempt->error, ";")] = '\0';
    }
  g_idle_add_full (G_PRIORITY_DEFAULT, on_attempt_over, attempt, NULL);
  return NULL;
}

static void
attempt_connection (struct gwt_chardev *chardev)
{
  struct gwt_attempt *attempt = g_new0 (struct gwt_attempt, 1);
  GThread *thread;

  attempt->chardev = chardev;
  attempt->socket = gwt_socket_spec_copy (chardev->socket);
  attempt->fd = -1;
  chardev->attempt = attempt;
  thread = g_thread_try_new ("connect", attempt_thread, attempt, NULL);
  if (thread)
    g_thread_unref (thread);
  else
    {
      attempt->error = g_strdup ("no thread to connect with");
      g_idle_add (on_attempt_over, attempt);
    }
}

static gboolean
on_reconnect (gpointer opaque)
{
  struct gwt_chardev *chardev = opaque;

  g_mutex_lock (&chardev->lock);
  gwt_source_drop (&chardev->retry_source);
  g_mutex_unlock (&chardev->lock);
  attempt_connection (chardev);
  return G_SOURCE_REMOVE;
}

static bool
open_socket (struct gwt_chardev *chardev, struct gwt_error *err)
{
  g_autofree char *address = NULL;
  int fd;

  if (chardev->reconnect_ms)
    {
      attempt_connection (chardev);
      return true;
    }
  if (!chardev->socket->server)
    {
      fd = gwt_socket_connect (chardev->socket, err);
      if (fd >= 0)
        gwt_chardev_connect (chardev, fd, fd, true);
      return fd >= 0;
    }
  chardev->listen_fd = gwt_socket_listen (chardev->socket, err);
  if (chardev->listen_fd < 0)
    return false;
  address = gwt_socket_address (chardev->socket, chardev->listen_fd);
  if (chardev->socket->wait)
    {
      gwt_log (GWT_LOG_ERROR, "%s: waiting for a client on %s", chardev->id, address);
      if (!gwt_socket_wait_client (chardev->listen_fd, gwt_run_signal_arrived))
        {
          gwt_error_set (err, GWT_E_FAILED,
                         "no client came to %s before a signal did; start one, "
                         "or add wait=off",
                         address);
          return false;
        }
      fd = gwt_socket_accept (chardev->listen_fd);
      if (fd >= 0)
        {
          gwt_chardev_connect (chardev, fd, fd, true);
          return true;
        }
    }
  else
    gwt_log (GWT_LOG_INFO, "%s: listening on %s", chardev->id, address);
  gwt_chardev_await_peer (chardev);
  return true;
}

/* ---- ptys ------------------------------------------------------------------------------------ */

/* Nothing tells when somebody opens the other end, so look now and then while nobody has. */
static gboolean
look_at_pty (gpointer opaque)
{
  struct gwt_chardev *chardev = opaque;
  struct pollfd p = { .fd = chardev->listen_fd, .events = POLLIN };

  if (poll (&p, 1, 0) > 0 && (p.revents & POLLHUP))
    return G_SOURCE_CONTINUE;
  g_mutex_lock (&chardev->lock);
  gwt_source_drop (&chardev->retry_source);
  g_mutex_unlock (&chardev->lock);
  gwt_chardev_connect (chardev, chardev->listen_fd, chardev->listen_fd, false);
  return G_SOURCE_REMOVE;
}

static bool
open_pty (struct gwt_chardev *chardev, struct gwt_error *err)
{
  struct termios mode;
  char name[128];
  int master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC), slave = -1;

  if (master >= 0 && grantpt (master) == 0 && unlockpt (master) == 0
      && ptsname_r (master, name, sizeof (name)) == 0)
    slave = open (name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0 || tcgetattr (slave, &mode) < 0)
    {
      gwt_error_set (err, GWT_E_IO, "the host gives no pty (%s); use another back end",
                     g_strerror (errno));
      if (slave >= 0)
        close (slave);
      if (master >= 0)
        close (master);
      return false;
    }
  cfmakeraw (&mode);
  tcsetattr (slave, TCSANOW, &mode);
  /* From now on poll says POLLHUP until somebody opens it. */
  close (slave);
  g_unix_set_fd_nonblocking (master, TRUE, NULL);
  chardev->listen_fd = master;
  chardev->pty_name = g_strdup (name);
  printf ("char device redirected to %s (label %s)\n", name, chardev->id);
  fflush (stdout);
  gwt_chardev_await_peer (chardev);
  return true;
}

/* ---- all ------------------------------------------------------------------------------------- */

void
gwt_chardev_await_peer (struct gwt_chardev *chardev)
{
  g_mutex_lock (&chardev->lock);
  if (chardev->listen_fd >= 0 && chardev->kind == GWT_CHARDEV_SOCKET && !chardev->listen_source)
    {
      chardev->listen_source = g_unix_fd_source_new (chardev->listen_fd, G_IO_IN);
      g_source_set_callback (chardev->listen_source, G_SOURCE_FUNC (on_client), chardev, NULL);
      g_source_attach (chardev->listen_source, NULL);
    }
  else if (chardev->reconnect_ms && !chardev->retry_source && !chardev->attempt)
    {
      chardev->retry_source = g_timeout_source_new (chardev->reconnect_ms);
      g_source_set_callback (chardev->retry_source, on_reconnect, chardev, NULL);
      g_source_attach (chardev->retry_source, NULL);
    }
  else if (chardev->listen_fd >= 0 && chardev->kind == GWT_CHARDEV_PTY && !chardev->retry_source)
    {
      chardev->retry_source = g_timeout_source_new (PTY_LOOK_MS);
      g_source_set_callback (chardev->retry_source, look_at_pty, chardev, NULL);
      g_source_attach (chardev->retry_source, NULL);
    }
  g_mutex_unlock (&chardev->lock);
}

bool
gwt_chardev_open (struct gwt_chardev *chardev, struct gwt_error *err)
{
  /* A reader that left is an error of write (). */
  signal (SIGPIPE, SIG_IGN);
  switch (chardev->kind)
    {
    case GWT_CHARDEV_STDIO:
      return open_stdio (chardev, err);
    case GWT_CHARDEV_FILE:
      return open_file (chardev, err);
    case GWT_CHARDEV_SOCKET:
      return open_socket (chardev, err);
    case GWT_CHARDEV_PTY:
      return open_pty (chardev, err);
    case GWT_CHARDEV_PIPE:
      return open_pipe (chardev, err);
    case GWT_CHARDEV_RINGBUF:
      gwt_chardev_connect (chardev, -1, -1, false);
      return true;
    default:
      return true;
    }
}

void
gwt_chardev_close (struct gwt_chardev *chardev)
{
  int fd;

  g_mutex_lock (&chardev->lock);
  gwt_source_drop (&chardev->in_source);
  gwt_source_drop (&chardev->hup_source);
  gwt_source_drop (&chardev->out_source);
  gwt_source_drop (&chardev->listen_source);
  gwt_source_drop (&chardev->retry_source);
  gwt_source_drop (&chardev->idle_source);
  if (chardev->attempt)
    chardev->attempt->chardev = NULL;
  chardev->attempt = NULL;
  chardev->connected = false;
  if (chardev->owns_fds && chardev->in_fd >= 0)
    close (chardev->in_fd);
  if (chardev->owns_fds && chardev->out_fd >= 0 && chardev->out_fd != chardev->in_fd)
    close (chardev->out_fd);
  chardev->in_fd = chardev->out_fd = -1;
  fd = chardev->listen_fd;
  chardev->listen_fd = -1;
  g_mutex_unlock (&chardev->lock);
  if (chardev->kind == GWT_CHARDEV_SOCKET)
    gwt_socket_remove (chardev->socket);
  if (fd >= 0)
    close (fd);
}
