/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes over a channel.  Descriptors never block by themselves (but files, for as long as the disk
 * takes): a thread waits in poll, with the eventfd of the shutdown beside it, for a write to a pipe
 * cannot be ended in another way.
 */
#include "config.h"
#include "core/migration/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/migration/channel-internal.h"

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif
/* A file's bytes go to the disk while more are made, so that the sync in the end, which the guest
   may have to wait for, has little left to do. */
#define SYNC_STEP (UINT64_C (32) << 20)
/* For a command that has closed its end to say why. */
#define REAP_MS 1000

struct gwt_channel *
gwt_channel_new (enum gwt_medium medium, enum gwt_direction direction, int in, int out,
                 const char *label, struct gwt_error *err)
{
  int wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  int enough = wake < 0 ? -1 : eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (enough < 0)
    {
      gwt_error_set (err, GWT_E_IO, "%s: no eventfd: %s; close other files", label,
                     g_strerror (errno));
      if (wake >= 0)
        close (wake);
      if (in >= 0)
        close (in);
      if (out >= 0 && out != in)
        close (out);
      return NULL;
    }
  /* A peer that goes is an error of write (). */
  signal (SIGPIPE, SIG_IGN);
  struct gwt_channel *c = g_new0 (struct gwt_channel, 1);
  c->medium = medium;
  c->direction = direction;
  c->in = in;
  c->out = out;
  c->wake = wake;
  c->enough = enough;
  c->label = g_strdup (label);
  return c;
}

bool
gwt_fd_medium (int fd, enum gwt_medium *medium, struct gwt_error *err)
{
  struct stat status;
  int type = 0;
  socklen_t size = sizeof type;
  if (fstat (fd, &status) == 0)
    switch (status.st_mode & S_IFMT)
      {
      case S_IFSOCK:
        *medium = GWT_MEDIUM_SOCKET;
        if (getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM)
          return true;
        break;
      case S_IFIFO:
        *medium = GWT_MEDIUM_PIPE;
        return true;
      case S_IFREG:
      case S_IFBLK:
      case S_IFCHR:
        *medium = GWT_MEDIUM_FILE;
        return true;
      default:
        break;
      }
  gwt_error_set (err, GWT_E_INVALID,
                 "it is nothing to migrate over; use a stream socket, a pipe or a file");
  return false;
}

int
gwt_fd_wait (int fd, short events, int ms, int other, int another)
{
  struct pollfd fds[] = { { .fd = fd, .events = events },
                          { .fd = other, .events = POLLIN },
                          { .fd = another, .events = POLLIN } };
  gint64 deadline = g_get_monotonic_time () + (gint64) ms * 1000;
  for (;;)
    {
      /* Looked at once: MAX () evaluates its arguments twice, and the clock goes on in between. */
      gint64 left = deadline - g_get_monotonic_time ();
      int patience = ms < 0 ? -1 : left <= 0 ? 0 : (int) ((left + 999) / 1000);
      int n = poll (fds, G_N_ELEMENTS (fds), patience);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return n;
      if (fds[1].revents != 0 || fds[2].revents != 0)
        return -2;
      return 1;
    }
}

/* ---- ends -------------------------------------------------------------------------------------
 */

void
gwt_channel_shutdown (struct gwt_channel *c)
{
  uint64_t one = 1;
  g_atomic_int_set (&c->down, 1);
  /* The other end hears of it now, not when we have got as far as closing. */
  if (c->medium == GWT_MEDIUM_SOCKET)
    shutdown (c->in, SHUT_RDWR);
  if (write (c->wake, &one, sizeof one) < 0)
    return; /* it is readable already */
}

void
gwt_channel_stop_writing (struct gwt_channel *c)
{
  uint64_t one = 1;
  g_atomic_int_set (&c->no_more, 1);
  if (c->medium == GWT_MEDIUM_SOCKET)
    shutdown (c->out, SHUT_WR);
  if (write (c->enough, &one, sizeof one) < 0)
    return; /* it is readable already */
}

bool
gwt_channel_is_shut_down (const struct gwt_channel *c)
{
  return g_atomic_int_get (&c->down) != 0;
}

static void
was_shut_down (const struct gwt_channel *c, struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_FAILED, "%s: the migration was ended here", c->label);
}

/* REASON: errno of a read or write. */
static void
failed (struct gwt_channel *c, const char *what, int reason, struct gwt_error *err)
{
  if (gwt_channel_is_shut_down (c))
    {
      was_shut_down (c, err);
      return;
    }
  if (c->pid != 0 && reason == EPIPE)
    {
      gwt_channel_reap (c, REAP_MS, c->wake);
      if (!gwt_channel_check_status (c, err))
        return;
    }
  if (reason == ETIMEDOUT && c->until != 0)
    {
      gwt_error_set (err, GWT_E_IO, "%s: the other end has %s nothing for %" G_GUINT64_FORMAT
                     " ms; %s", c->label, strcmp (what, "read") == 0 ? "said" : "read", c->patience,
                     c->advice);
      return;
    }
  bool gone = reason == EPIPE || reason == ECONNRESET;
  gwt_error_set (err, GWT_E_IO, "%s: cannot %s: %s; %s", c->label, what, g_strerror (reason),
                 gone ? "see what the other end says"
                 : reason == ENOSPC || reason == EDQUOT || reason == EFBIG
                     ? "make room, or use another file"
                 : c->medium == GWT_MEDIUM_FILE ? "see to the file and its disk"
                                                : "see to the connection and start again");
}

void
gwt_channel_set_patience (struct gwt_channel *c, uint64_t ms, const char *advice)
{
  c->patience = ms;
  c->advice = advice;
  c->until = ms > 0 ? g_get_monotonic_time () + (gint64) ms * 1000 : 0;
}

/* Until FD is ready, or somebody ends it; false: with errno. */
static bool
wait_for (const struct gwt_channel *c, int fd, short events, int other)
{
  gint64 left = c->until - g_get_monotonic_time ();
  int ms = c->until == 0 ? -1 : (int) CLAMP (left / 1000, 0, INT_MAX);
  int n = gwt_fd_wait (fd, events, ms, c->wake, other);
  if (n == 0)
    errno = ETIMEDOUT;
  return n != 0 && n != -1;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* A file is as it was until the first bytes of a stream come. */
static bool
cut (struct gwt_channel *c, struct gwt_error *err)
{
  if (c->cut && ftruncate (c->out, (off_t) c->offset) != 0)
    {
      failed (c, "cut the file", errno, err);
      return false;
    }
  c->cut = false;
  return true;
}

static void
wrote (struct gwt_channel *c, uint64_t bytes)
{
  __atomic_fetch_add (&c->sent, bytes, __ATOMIC_RELAXED);
  c->offset += bytes;
  if (c->sync && c->offset - c->synced >= SYNC_STEP)
    {
      /* Starts it, and waits for nothing.  What fails here fails again in the end. */
      sync_file_range (c->out, (off_t) c->synced, (off_t) (c->offset - c->synced),
                       SYNC_FILE_RANGE_WRITE);
      c->synced = c->offset;
    }
}

static ssize_t
put (struct gwt_channel *c, struct iovec *iov, size_t count)
{
  if (c->medium == GWT_MEDIUM_SOCKET)
    {
      struct msghdr message = { .msg_iov = iov, .msg_iovlen = count };
      return sendmsg (c->out, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
  return writev (c->out, iov, (int) count);
}

/* All of IOV, which is changed. */
static bool
put_all (struct gwt_channel *c, struct iovec *iov, size_t count, struct gwt_error *err)
{
  for (;;)
    {
      while (count > 0 && iov->iov_len == 0)
        {
          iov++;
          count--;
        }
      if (count == 0)
        return true;
      if (gwt_channel_is_shut_down (c) || g_atomic_int_get (&c->no_more))
        {
          was_shut_down (c, err);
          return false;
        }
      ssize_t n = put (c, iov, count);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        {
          if (wait_for (c, c->out, POLLOUT, c->enough))
            continue;
        }
      /* "cat FILE", say; the stream in it may well ask for answers. */
      if (n < 0 && errno == EPIPE && c->direction == GWT_INCOMING && c->medium == GWT_MEDIUM_PIPE)
        return true;
      if (n < 0 || (n == 0 && c->medium == GWT_MEDIUM_FILE))
        {
          failed (c, "write", n < 0 ? errno : ENOSPC, err);
          return false;
        }
      wrote (c, (uint64_t) n);
      for (size_t left = (size_t) n; left > 0;)
        {
          size_t part = MIN (left, iov->iov_len);
          iov->iov_base = (char *) iov->iov_base + part;
          iov->iov_len -= part;
          left -= part;
          if (iov->iov_len == 0)
            {
              iov++;
              count--;
            }
        }
    }
}

bool
gwt_channel_writev (struct gwt_channel *c, const struct iovec *iov, int count,
                    struct gwt_error *err)
{
  struct iovec part[IOV_MAX];
  if (c->out < 0)
    {
      gwt_error_set (err, GWT_E_INVALID, "%s: nothing can be sent this way; use tcp or unix",
                     c->label);
      return false;
    }
  if (!cut (c, err))
    return false;
  while (count > 0)
    {
      int n = MIN (count, IOV_MAX);
      memcpy (part, iov, sizeof *part * (size_t) n);
      if (!put_all (c, part, (size_t) n, err))
        return false;
      iov += n;
      count -= n;
    }
  return true;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* A command that ended too early failed; there is no better moment to say so. */
static gssize
at_end (struct gwt_channel *c, struct gwt_error *err)
{
  if (c->pid != 0 && c->direction == GWT_INCOMING)
    {
      gwt_channel_reap (c, REAP_MS, c->wake);
      if (!gwt_channel_check_status (c, err))
        return -1;
    }
  return 0;
}

gssize
gwt_channel_readv (struct gwt_channel *c, const struct iovec *iov, int count, struct gwt_error *err)
{
  if (c->in < 0)
    {
      gwt_error_set (err, GWT_E_INVALID, "%s: nothing can come back this way; use tcp or unix",
                     c->label);
      return -1;
    }
  for (;;)
    {
      ssize_t n;
      bool down = gwt_channel_is_shut_down (c);
      /* What the receiver said before is its word all the same: it may run the guest by now. */
      if (down && (c->medium != GWT_MEDIUM_SOCKET || c->direction != GWT_OUTGOING))
        {
          was_shut_down (c, err);
          return -1;
        }
      if (c->medium == GWT_MEDIUM_SOCKET)
        {
          struct msghdr message = { .msg_iov = (struct iovec *) iov, .msg_iovlen = (size_t) count };
          n = recvmsg (c->in, &message, MSG_DONTWAIT);
        }
      else
        n = readv (c->in, iov, count);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0 && down)
        {
          was_shut_down (c, err);
          return -1;
        }
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        {
          if (wait_for (c, c->in, POLLIN, -1))
            continue;
        }
      if (n < 0)
        {
          failed (c, "read", errno, err);
          return -1;
        }
      if (n == 0)
        {
          if (gwt_channel_is_shut_down (c))
            continue;
          return at_end (c, err);
        }
      __atomic_fetch_add (&c->received, (uint64_t) n, __ATOMIC_RELAXED);
      return n;
    }
}

gssize
gwt_channel_read (void *channel, uint8_t *buffer, gsize size, struct gwt_error *err)
{
  struct iovec iov = { buffer, size };
  return gwt_channel_readv (channel, &iov, 1, err);
}

int
gwt_channel_wait (struct gwt_channel *c, int ms, struct gwt_error *err)
{
  int n = gwt_channel_is_shut_down (c) ? -2 : gwt_fd_wait (c->in, POLLIN, ms, c->wake, -1);
  if (n == -2)
    was_shut_down (c, err);
  else if (n < 0)
    failed (c, "wait", errno, err);
  return MAX (n, -1);
}

/* ---- the rest ---------------------------------------------------------------------------------
 */

bool
gwt_channel_two_way (const struct gwt_channel *c)
{
  return c->in >= 0 && c->out >= 0;
}

bool
gwt_channel_peer_gone (const struct gwt_channel *c)
{
  struct pollfd p = { .fd = c->in, .events = POLLRDHUP };
  return c->medium == GWT_MEDIUM_SOCKET && poll (&p, 1, 0) > 0
         && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

const char *
gwt_channel_label (const struct gwt_channel *c)
{
  return c->label;
}

int
gwt_channel_fd (const struct gwt_channel *c)
{
  return c->direction == GWT_INCOMING ? c->in : c->out;
}

uint64_t
gwt_channel_sent (const struct gwt_channel *c)
{
  return __atomic_load_n (&c->sent, __ATOMIC_RELAXED);
}

uint64_t
gwt_channel_received (const struct gwt_channel *c)
{
  return __atomic_load_n (&c->received, __ATOMIC_RELAXED);
}

void
gwt_channel_end_writing (struct gwt_channel *c)
{
  if (c->medium == GWT_MEDIUM_SOCKET)
    shutdown (c->out, SHUT_WR);
  else if (c->out >= 0 && c->out != c->in)
    {
      close (c->out);
      c->out = -1;
    }
}

static void
sync_file (struct gwt_channel *c, struct gwt_error *err)
{
  if (fdatasync (c->out) != 0)
    failed (c, "sync", errno, err);
}

bool
gwt_channel_close (struct gwt_channel *c, int cancel_fd, struct gwt_error *err)
{
  GWT_AUTO_ERROR (why);
  bool down = gwt_channel_is_shut_down (c);
  if (c->sync && !down && gwt_channel_sent (c) > 0)
    sync_file (c, &why);
  else if (down && c->direction == GWT_OUTGOING && (c->sync || c->pid != 0))
    was_shut_down (c, &why);
  /* Made for a stream of which no byte came. */
  if (c->path != NULL && gwt_channel_sent (c) == 0)
    unlink (c->path);
  if (c->in >= 0)
    close (c->in);
  if (c->out >= 0 && c->out != c->in && close (c->out) != 0 && !down)
    failed (c, "close", errno, &why);
  c->in = c->out = -1;
  if (c->pid != 0 && (down || !gwt_channel_reap (c, -1, cancel_fd)))
    {
      gwt_channel_kill (c);
      if (!down)
        gwt_error_set (&why, GWT_E_FAILED, "%s: the command was still running; it was killed",
                       c->label);
    }
  else if (!down)
    gwt_channel_check_status (c, &why);
  close (c->wake);
  close (c->enough);
  g_free (c->label);
  g_free (c->path);
  g_free (c);
  if (!gwt_error_is_set (&why))
    return true;
  gwt_error_move (err, &why);
  return false;
}
