/* SPDX-License-Identifier: BSD-2-Clause */
/* Channels that are opened from here: connections, files, descriptors.  Who listens is next door
   (channel-listen.c). */
#include "config.h"
#include "core/migration/channel-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/util/fds.h"

/* The queue of a unix socket is full; there is nothing to poll for. */
#define QUEUE_MS 50

void
gwt_connect_canceled (struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_FAILED, "the migration was ended before it was connected");
}

/* ---- sockets ----------------------------------------------------------------------------------
 */

/* A unix socket's own buffer holds some fifty pages: where vCPUs want the processors too, each end
   waits for the other to get one all the time.  Much larger ones do not make it faster; they only
   hold more when the guest stands already. */
#define UNIX_BUFFER (512 << 10)

void
gwt_channel_tune (int fd, const struct gwt_address *a)
{
  int on = 1, size = UNIX_BUFFER;
  if (a->transport == GWT_TRANSPORT_UNIX && a->direction == GWT_OUTGOING)
    setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  if (a->transport != GWT_TRANSPORT_TCP)
    return;
  /* What is sent is whole sections; the last one is not to wait for an answer to the one before. */
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (a->keep_alive)
    setsockopt (fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static void
connect_failed (int reason, struct gwt_error *err)
{
  bool nobody = reason == ECONNREFUSED || reason == ENOENT;
  gwt_error_set (err, GWT_E_IO, "%s; %s", g_strerror (reason),
                 nobody ? "is the other end started with -incoming?"
                        : "check the address, and what is in between");
}

/* 0, an errno, or -1: canceled. */
static int
connect_one (int fd, const struct sockaddr *address, socklen_t size, int cancel_fd)
{
  for (;;)
    {
      int reason = 0;
      socklen_t length = sizeof reason;
      if (connect (fd, address, size) == 0)
        return 0;
      if (errno == EAGAIN && address->sa_family == AF_UNIX)
        {
          if (gwt_fd_wait (-1, 0, QUEUE_MS, cancel_fd, -1) == -2)
            return -1;
          continue;
        }
      if (errno == EISCONN)
        return 0;
      if (errno != EINPROGRESS && errno != EINTR && errno != EALREADY)
        return errno;
      switch (gwt_fd_wait (fd, POLLOUT, -1, cancel_fd, -1))
        {
        case -2:
          return -1;
        case -1:
          return errno;
        default:
          break;
        }
      if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &reason, &length) != 0)
        return errno;
      return reason;
    }
}

static int
connect_tcp (const struct gwt_address *a, int cancel_fd, struct gwt_error *err)
{
  struct gwt_lookup *l = gwt_look_up (a, -1, cancel_fd, err);
  int reason = EADDRNOTAVAIL, found = -1;
  if (l == NULL)
    return -1;
  for (struct addrinfo *i = l->list; i != NULL && found < 0 && reason != -1; i = i->ai_next)
    {
      int fd = socket (i->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, i->ai_protocol);
      reason = fd < 0 ? errno : connect_one (fd, i->ai_addr, i->ai_addrlen, cancel_fd);
      if (reason == 0)
        found = fd;
      else if (fd >= 0)
        close (fd);
    }
  gwt_lookup_unref (l);
  if (reason == -1)
    gwt_connect_canceled (err);
  else if (found < 0)
    connect_failed (reason, err);
  return found;
}

static int
connect_unix (const struct gwt_address *a, int cancel_fd, struct gwt_error *err)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_strlcpy (address.sun_path, a->path, sizeof address.sun_path);
  int reason
      = fd < 0 ? errno : connect_one (fd, (struct sockaddr *) &address, sizeof address, cancel_fd);
  if (reason == 0)
    return fd;
  if (fd >= 0)
    close (fd);
  if (reason == -1)
    gwt_connect_canceled (err);
  else
    connect_failed (reason, err);
  return -1;
}

/* ---- files and descriptors --------------------------------------------------------------------
 */

/* A FIFO's open file may be shared with another process, and O_NONBLOCK belongs to it: open the
   same thing anew. */
static int
own_pipe (int fd, int mode)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  int own = open (path, mode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (own < 0)
    {
      fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
      return fd;
    }
  close (fd);
  return own;
}

/* FD, which is taken, as a channel of A. */
static struct gwt_channel *
channel_of_fd (const struct gwt_address *a, int fd, enum gwt_medium medium, struct gwt_error *err)
{
  bool incoming = a->direction == GWT_INCOMING;
  int mode = fcntl (fd, F_GETFL) & O_ACCMODE;
  if (medium != GWT_MEDIUM_SOCKET && mode == (incoming ? O_WRONLY : O_RDONLY))
    {
      gwt_error_set (err, GWT_E_INVALID, "it is not open for %s; open it so",
                     incoming ? "reading" : "writing");
      close (fd);
      return NULL;
    }
  if (medium == GWT_MEDIUM_PIPE)
    fd = own_pipe (fd, incoming ? O_RDONLY : O_WRONLY);
  if (medium == GWT_MEDIUM_SOCKET)
    return gwt_channel_new (medium, a->direction, fd, fd, a->label, err);
  return gwt_channel_new (medium, a->direction, incoming ? fd : -1, incoming ? -1 : fd, a->label,
                          err);
}

struct gwt_channel *
gwt_channel_open_fd (struct gwt_address *a, struct gwt_error *err)
{
  int fd = a->fd;
  struct stat status;
  if (fd < 0)
    {
      gwt_error_set (err, GWT_E_INVALID, "the descriptor was used already; pass it again");
      return NULL;
    }
  a->fd = -1;
  gwt_fd_used (a->fd_name);
  struct gwt_channel *c = channel_of_fd (a, fd, a->medium, err);
  if (c != NULL && c->out >= 0 && a->medium == GWT_MEDIUM_FILE && fstat (c->out, &status) == 0
      && !S_ISCHR (status.st_mode))
    {
      off_t at = lseek (c->out, 0, SEEK_CUR);
      c->offset = c->synced = at > 0 ? (uint64_t) at : 0;
      c->sync = true;
    }
  return c;
}

static int
open_to_write (const struct gwt_address *a, bool *created)
{
  /* O_NONBLOCK: a FIFO that nobody reads is an error and does not hang. */
  int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  int fd = open (a->path, flags | O_CREAT | O_EXCL, 0666);
  *created = fd >= 0;
  if (fd < 0 && errno == EEXIST)
    fd = open (a->path, flags);
  return fd;
}

static bool
place (struct gwt_channel *c, const struct gwt_address *a, const struct stat *status,
       struct gwt_error *err)
{
  int fd = c->in >= 0 ? c->in : c->out;
  bool regular = S_ISREG (status->st_mode);
  if (a->direction == GWT_INCOMING && regular && a->offset >= (uint64_t) status->st_size)
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "the file has %" G_GINT64_FORMAT " bytes; offset must be less",
                     (gint64) status->st_size);
      return false;
    }
  if (a->offset > 0 && lseek (fd, (off_t) a->offset, SEEK_SET) < 0)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "it has no offset %" G_GUINT64_FORMAT " (%s); use a file or a disk", a->offset,
                     g_strerror (errno));
      return false;
    }
  c->offset = c->synced = a->offset;
  c->cut = a->direction == GWT_OUTGOING && regular;
  c->sync = a->direction == GWT_OUTGOING && (regular || S_ISBLK (status->st_mode));
  return true;
}

struct gwt_channel *
gwt_channel_open_file (const struct gwt_address *a, struct gwt_error *err)
{
  bool outgoing = a->direction == GWT_OUTGOING, created = false;
  enum gwt_medium medium;
  struct stat status;
  int fd = outgoing ? open_to_write (a, &created)
                    : open (a->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0)
    {
      int reason = errno;
      gwt_error_set (err, reason == ENOENT ? GWT_E_NOT_FOUND : GWT_E_IO, "%s; %s",
                     reason == ENXIO ? "Nobody reads from it" : g_strerror (reason),
                     outgoing ? "use a file that can be written" : "use a file that can be read");
      return NULL;
    }
  if (!gwt_fd_medium (fd, &medium, err) || fstat (fd, &status) != 0)
    {
      close (fd);
      return NULL;
    }
  struct gwt_channel *c = channel_of_fd (a, fd, medium, err);
  if (c == NULL)
    return NULL;
  c->path = created ? g_strdup (a->path) : NULL;
  if (place (c, a, &status, err))
    return c;
  GWT_AUTO_ERROR (ignored);
  gwt_channel_close (c, -1, &ignored);
  return NULL;
}

/* ---- both directions --------------------------------------------------------------------------
 */

static bool
check_two_way (const struct gwt_address *a, bool two_way, struct gwt_error *err)
{
  if (two_way && !gwt_address_two_way (a))
    gwt_error_set (err, GWT_E_INVALID,
                   "no answers can come back this way; use tcp or unix, or set the capability "
                   "return-path to off");
  return !gwt_error_is_set (err);
}

struct gwt_channel *
gwt_channel_connect (struct gwt_address *a, bool two_way, int cancel_fd, struct gwt_error *err)
{
  struct gwt_channel *c = NULL;
  int fd;
  if (check_two_way (a, two_way, err))
    switch (a->transport)
      {
      case GWT_TRANSPORT_TCP:
      case GWT_TRANSPORT_UNIX:
        fd = a->transport == GWT_TRANSPORT_TCP ? connect_tcp (a, cancel_fd, err)
                                               : connect_unix (a, cancel_fd, err);
        if (fd >= 0)
          {
            gwt_channel_tune (fd, a);
            c = gwt_channel_new (GWT_MEDIUM_SOCKET, a->direction, fd, fd, a->label, err);
          }
        break;
      case GWT_TRANSPORT_EXEC:
        c = gwt_channel_spawn (a, two_way, err);
        break;
      case GWT_TRANSPORT_FD:
        c = gwt_channel_open_fd (a, err);
        break;
      case GWT_TRANSPORT_FILE:
        c = gwt_channel_open_file (a, err);
        break;
      }
  if (c == NULL)
    gwt_error_prefix (err, "%s", a->label);
  return c;
}
