/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Channels to a command's standard input and from its standard output.  The command is in a process
 * group of its own, so that all of a pipeline can be ended.
 */
#include "config.h"
#include "core/migration/channel-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define PIPE_BYTES (1 << 20)
/* Between asking a command to end and ending it. */
#define TERM_MS 2000
/* Where the kernel does not tell of a process's end. */
#define LOOK_MS 20

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

/* Our ends are OURS, the command's THEIRS, which are 0 and 1 of it; -1: not wanted. */
static int
start (const struct gwt_address *a, int their_in, int their_out, pid_t *pid)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  int reason;

  sigemptyset (&none);
  sigfillset (&all);
  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  if (their_in >= 0)
    posix_spawn_file_actions_adddup2 (&actions, their_in, STDIN_FILENO);
  else
    posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  /* What it says is for the user, and stdout may be the guest's console. */
  posix_spawn_file_actions_adddup2 (&actions, their_out >= 0 ? their_out : STDERR_FILENO,
                                    STDOUT_FILENO);
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
  /* A descriptor that was left open for us, "fd:5", is not for the command. */
  posix_spawn_file_actions_addclosefrom_np (&actions, STDERR_FILENO + 1);
#endif
  posix_spawnattr_setflags (&attributes,
                            POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup (&attributes, 0);
  posix_spawnattr_setsigmask (&attributes, &none);
  posix_spawnattr_setsigdefault (&attributes, &all); /* we ignore SIGPIPE */
  reason = posix_spawnp (pid, a->argv[0], &actions, &attributes, a->argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  posix_spawnattr_destroy (&attributes);
  return reason;
}

static bool
make_pipe (bool wanted, int fds[2], struct gwt_error *err)
{
  if (!wanted || pipe2 (fds, O_CLOEXEC) == 0)
    return true;
  gwt_error_set (err, GWT_E_IO, "no pipe: %s; close other files", g_strerror (errno));
  return false;
}

struct gwt_channel *
gwt_channel_spawn (const struct gwt_address *a, bool two_way, struct gwt_error *err)
{
  bool incoming = a->direction == GWT_INCOMING;
  int to[2] = { -1, -1 }, from[2] = { -1, -1 }, reason;
  struct gwt_channel *c = NULL;
  pid_t pid;

  if (!make_pipe (!incoming || two_way, to, err) || !make_pipe (incoming || two_way, from, err))
    goto out;
  reason = start (a, to[0], from[1], &pid);
  if (reason != 0)
    {
      gwt_error_set (err, GWT_E_NOT_FOUND, "cannot start '%s': %s; check the command", a->argv[0],
                     g_strerror (reason));
      goto out;
    }
  close_fd (&to[0]);
  close_fd (&from[1]);
  /* Ours alone, so nobody else is surprised.  A pipe that is not enlarged works as well. */
  if (to[1] >= 0)
    {
      fcntl (to[1], F_SETFL, O_NONBLOCK);
      fcntl (to[1], F_SETPIPE_SZ, PIPE_BYTES);
    }
  if (from[0] >= 0)
    {
      fcntl (from[0], F_SETFL, O_NONBLOCK);
      fcntl (from[0], F_SETPIPE_SZ, PIPE_BYTES);
    }
  c = gwt_channel_new (GWT_MEDIUM_PIPE, a->direction, from[0], to[1], a->label, err);
  from[0] = to[1] = -1;
  if (c == NULL)
    {
      struct gwt_channel gone = { .pid = pid };
      gwt_channel_kill (&gone);
    }
  else
    c->pid = pid;

out:
  for (guint i = 0; i < 2; i++)
    {
      close_fd (&to[i]);
      close_fd (&from[i]);
    }
  return c;
}

/* True once its end is known. */
static bool
ended (struct gwt_channel *c)
{
  pid_t got;
  do
    got = waitpid (c->pid, &c->status, WNOHANG);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    c->status = 0; /* somebody else took it: nothing is known against it */
  if (got != 0)
    c->pid = 0;
  return c->pid == 0;
}

bool
gwt_channel_reap (struct gwt_channel *c, int ms, int cancel_fd)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) ms * 1000;
  int pidfd = -1;
#ifdef SYS_pidfd_open
  if (c->pid != 0)
    pidfd = (int) syscall (SYS_pidfd_open, c->pid, 0);
#endif
  while (c->pid != 0 && !ended (c))
    {
      gint64 left = ms < 0 ? G_MAXINT : (deadline - g_get_monotonic_time () + 999) / 1000;
      if (left <= 0)
        break;
      if (gwt_fd_wait (pidfd, POLLIN, pidfd < 0 ? (int) MIN (left, LOOK_MS) : (int) left, cancel_fd,
                       -1)
          == -2)
        break;
    }
  close_fd (&pidfd);
  return c->pid == 0;
}

bool
gwt_channel_check_status (struct gwt_channel *c, struct gwt_error *err)
{
  if (c->pid != 0)
    return true;
  if (WIFSIGNALED (c->status))
    {
      /* It had more to say than a stream is long. */
      if (c->direction == GWT_INCOMING && WTERMSIG (c->status) == SIGPIPE)
        return true;
      gwt_error_set (err, GWT_E_FAILED, "%s: the command was ended by signal %d; see what it says",
                     c->label, WTERMSIG (c->status));
      return false;
    }
  int status = WEXITSTATUS (c->status);
  if (status == 0 || (c->direction == GWT_INCOMING && status == 128 + SIGPIPE))
    return true;
  gwt_error_set (err, GWT_E_FAILED, "%s: the command ended with status %d; see what it says",
                 c->label, status);
  return false;
}

void
gwt_channel_kill (struct gwt_channel *c)
{
  if (c->pid == 0)
    return;
  kill (-c->pid, SIGTERM);
  if (gwt_channel_reap (c, TERM_MS, -1))
    return;
  kill (-c->pid, SIGKILL);
  gwt_channel_reap (c, -1, -1);
}
