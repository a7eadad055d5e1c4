/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Channels are opened: connect, listen, accept.  Names are looked up on a thread of their own, for
 * a look-up cannot be given up once it was begun.
 */
#include "config.h"
#include "core/migration/channel-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/util/fds.h"
#include "core/util/socket.h"

/* A listener's name is one of this host; who waits for it is the monitor. */
#define LISTEN_LOOKUP_MS 5000
/* The queue of a unix socket is full; there is nothing to poll for. */
#define QUEUE_MS 50
/* No descriptors: until others were closed. */
#define PAUSE_MS 500
#define LISTEN_MAX 8
/* Tries to find a port that is free in all families. */
#define PORT_TRIES 16

struct gwt_listener
{
  struct gwt_address *address;
  struct pollfd fds[LISTEN_MAX];
  guint count;
  struct gwt_socket_spec *unix_socket;
  struct gwt_channel *channel; /* file, command, descriptor: there it is */
};

static void
canceled (struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_FAILED, "the migration was ended before it was connected");
}

/* ---- names ------------------------------------------------------------------------------------
 */

struct lookup
{
  gint references;
  int done; /* eventfd */
  char *host, *port;
  struct addrinfo hints, *list;
  int result;
};

static void
lookup_unref (struct lookup *l)
{
  if (!g_atomic_int_dec_and_test (&l->references))
    return;
  if (l->list != NULL)
    freeaddrinfo (l->list);
  close (l->done);
  g_free (l->host);
  g_free (l->port);
  g_free (l);
}

static void
lookup_run (struct lookup *l)
{
  l->result = getaddrinfo (l->host, l->port, &l->hints, &l->list);
}

static gpointer
lookup_thread (gpointer opaque)
{
  struct lookup *l = opaque;
  uint64_t one = 1;
  lookup_run (l);
  if (write (l->done, &one, sizeof one) < 0)
    return NULL; /* cannot be: it is empty */
  lookup_unref (l);
  return NULL;
}

/* Is HOST an address, so that nobody has to be asked? */
static bool
is_numeric (const char *host)
{
  struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
  struct addrinfo *list;
  if (getaddrinfo (host, NULL, &hints, &list) != 0)
    return false;
  freeaddrinfo (list);
  return true;
}

/* What A's name stands for; lookup_unref.  NULL with ERR set, also when MS (-1: none) are over or
   CANCEL_FD is readable. */
static struct lookup *
look_up (const struct gwt_address *a, int ms, int cancel_fd, struct gwt_error *err)
{
  struct lookup *l = g_new0 (struct lookup, 1);
  GThread *thread = NULL;
  bool only4
      = a->ipv6 == GWT_CHOICE_OFF || (a->ipv4 == GWT_CHOICE_ON && a->ipv6 == GWT_CHOICE_NONE);
  bool only6
      = a->ipv4 == GWT_CHOICE_OFF || (a->ipv6 == GWT_CHOICE_ON && a->ipv4 == GWT_CHOICE_NONE);
  l->references = 1;
  l->done = eventfd (0, EFD_CLOEXEC);
  l->host = a->host[0] != '\0' ? g_strdup (a->host) : NULL;
  l->port = g_strdup_printf ("%u", a->port);
  l->hints.ai_socktype = SOCK_STREAM;
  l->hints.ai_family = only4 ? AF_INET : only6 ? AF_INET6 : AF_UNSPEC;
  l->hints.ai_flags
      = (a->direction == GWT_INCOMING ? AI_PASSIVE : 0) | (a->numeric ? AI_NUMERICHOST : 0);
  if (l->host == NULL || a->numeric || is_numeric (l->host))
    lookup_run (l);
  else
    {
      g_atomic_int_inc (&l->references);
      thread = l->done >= 0 ? g_thread_try_new ("lookup", lookup_thread, l, NULL) : NULL;
      if (thread == NULL)
        {
          g_atomic_int_add (&l->references, -1);
          gwt_error_set (err, GWT_E_NO_MEMORY, "no thread to look the name up; give an address");
          lookup_unref (l);
          return NULL;
        }
      g_thread_unref (thread);
      int n = gwt_fd_wait (l->done, POLLIN, ms, cancel_fd, -1);
      uint64_t told;
      /* Read it, so that what the other thread wrote before is seen here. */
      if (n == 1 && read (l->done, &told, sizeof told) != sizeof told)
        n = 0;
      if (n != 1)
        {
          if (n == -2)
            canceled (err);
          else
            gwt_error_set (err, GWT_E_NOT_FOUND,
                           "host '%s' was not found within %d seconds; give its address", a->host,
                           ms / 1000);
          lookup_unref (l);
          return NULL;
        }
    }
  if (l->result == 0)
    return l;
  gwt_error_set (err, GWT_E_NOT_FOUND, "host '%s': %s; check the name", a->host,
                 gai_strerror (l->result));
  lookup_unref (l);
  return NULL;
}

/* ---- sockets ----------------------------------------------------------------------------------
 */

/* Larger buffers do not make it faster; they only hold more when the guest stands already. */
static void
tune (int fd, const struct gwt_address *a)
{
  int on = 1;
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
  struct lookup *l = look_up (a, -1, cancel_fd, err);
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
  lookup_unref (l);
  if (reason == -1)
    canceled (err);
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
    canceled (err);
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

static struct gwt_channel *
open_given (struct gwt_address *a, struct gwt_error *err)
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

static struct gwt_channel *
open_file (const struct gwt_address *a, struct gwt_error *err)
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
            tune (fd, a);
            c = gwt_channel_new (GWT_MEDIUM_SOCKET, a->direction, fd, fd, a->label, err);
          }
        break;
      case GWT_TRANSPORT_EXEC:
        c = gwt_channel_spawn (a, two_way, err);
        break;
      case GWT_TRANSPORT_FD:
        c = open_given (a, err);
        break;
      case GWT_TRANSPORT_FILE:
        c = open_file (a, err);
        break;
      }
  if (c == NULL)
    gwt_error_prefix (err, "%s", a->label);
  return c;
}

static void
drop_sockets (struct gwt_listener *l)
{
  for (guint i = 0; i < l->count; i++)
    close (l->fds[i].fd);
  l->count = 0;
}

/* The port that a socket was given. */
static guint
port_of (int fd)
{
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname (fd, (struct sockaddr *) &address, &size) != 0)
    return 0;
  return address.ss_family == AF_INET6 ? ntohs (((struct sockaddr_in6 *) &address)->sin6_port)
                                       : ntohs (((struct sockaddr_in *) &address)->sin_port);
}

static void
set_port (struct addrinfo *i, guint port)
{
  if (i->ai_family == AF_INET6)
    ((struct sockaddr_in6 *) i->ai_addr)->sin6_port = htons ((uint16_t) port);
  else
    ((struct sockaddr_in *) i->ai_addr)->sin_port = htons ((uint16_t) port);
}

/* PORT on each address of LIST that this host has; 0 or an errno. */
static int
listen_port (struct gwt_listener *l, struct addrinfo *list, guint port)
{
  int on = 1, reason = EADDRNOTAVAIL;
  /* One socket for each family; with one family only, both may come through it. */
  bool both = false;
  for (struct addrinfo *i = list; i != NULL; i = i->ai_next)
    both |= i->ai_family != list->ai_family;
  both |= l->address->ipv4 == GWT_CHOICE_OFF;
  for (struct addrinfo *i = list; i != NULL && l->count < LISTEN_MAX; i = i->ai_next)
    {
      int v6only = both;
      int fd = socket (i->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, i->ai_protocol);
      if (fd < 0)
        {
          reason = errno;
          continue;
        }
      set_port (i, port);
      setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      if (i->ai_family == AF_INET6)
        setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only);
      if (bind (fd, i->ai_addr, i->ai_addrlen) != 0 || listen (fd, 1) != 0)
        {
          reason = errno;
          close (fd);
          /* A family that this host does not have does no harm; a port that another has does:
             who connects to it would not find us. */
          if (reason == EADDRINUSE || reason == EACCES)
            {
              drop_sockets (l);
              return reason;
            }
          continue;
        }
      if (port == 0)
        port = port_of (fd);
      l->fds[l->count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
    }
  return l->count > 0 ? 0 : reason;
}

static bool
listen_tcp (struct gwt_listener *l, struct gwt_error *err)
{
  const struct gwt_address *a = l->address;
  struct lookup *names = look_up (a, LISTEN_LOOKUP_MS, -1, err);
  guint tries = a->port == 0 ? PORT_TRIES : a->port_to - a->port + 1;
  int reason = EADDRINUSE;
  if (names == NULL)
    return false;
  for (guint i = 0; i < tries && reason == EADDRINUSE; i++)
    reason = listen_port (l, names->list, a->port == 0 ? 0 : a->port + i);
  lookup_unref (names);
  if (reason != 0)
    gwt_error_set (err, GWT_E_IO, "cannot listen: %s; %s", g_strerror (reason),
                   reason == EADDRINUSE ? "choose another port, or give a range with to=N"
                                        : "check address and port");
  return reason == 0;
}

static bool
listen_unix (struct gwt_listener *l, struct gwt_error *err)
{
  l->unix_socket = g_new0 (struct gwt_socket_spec, 1);
  l->unix_socket->path = g_strdup (l->address->path);
  l->unix_socket->server = true;
  int fd = gwt_socket_listen (l->unix_socket, err);
  if (fd >= 0)
    l->fds[l->count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
  return fd >= 0;
}

struct gwt_listener *
gwt_listener_new (struct gwt_address *a, struct gwt_error *err)
{
  struct gwt_listener *l = g_new0 (struct gwt_listener, 1);
  bool ok = false;
  l->address = gwt_address_ref (a);
  switch (a->transport)
    {
    case GWT_TRANSPORT_TCP:
      ok = listen_tcp (l, err);
      break;
    case GWT_TRANSPORT_UNIX:
      ok = listen_unix (l, err);
      break;
    case GWT_TRANSPORT_EXEC:
      ok = (l->channel = gwt_channel_spawn (a, true, err)) != NULL;
      break;
    case GWT_TRANSPORT_FD:
      ok = (l->channel = open_given (a, err)) != NULL;
      break;
    case GWT_TRANSPORT_FILE:
      ok = (l->channel = open_file (a, err)) != NULL;
      break;
    }
  if (ok)
    return l;
  gwt_error_prefix (err, "%s", a->label);
  gwt_listener_free (l);
  return NULL;
}

struct json_object *
gwt_listener_addresses (const struct gwt_listener *l)
{
  struct json_object *list = l->count > 0 ? json_object_new_array () : NULL;
  for (guint i = 0; i < l->count; i++)
    {
      struct json_object *entry = json_object_new_object ();
      struct sockaddr_storage address;
      socklen_t size = sizeof address;
      char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
      if (l->unix_socket != NULL)
        {
          json_object_object_add (entry, "type", json_object_new_string ("unix"));
          json_object_object_add (entry, "path", json_object_new_string (l->unix_socket->path));
        }
      else
        {
          if (getsockname (l->fds[i].fd, (struct sockaddr *) &address, &size) == 0)
            getnameinfo ((struct sockaddr *) &address, size, host, sizeof host, port, sizeof port,
                         NI_NUMERICHOST | NI_NUMERICSERV);
          json_object_object_add (entry, "type", json_object_new_string ("inet"));
          json_object_object_add (entry, "host", json_object_new_string (host));
          json_object_object_add (entry, "port", json_object_new_string (port));
        }
      json_object_array_add (list, entry);
    }
  return list;
}

/* A client of one of the sockets; -1 where none waits after all. */
static int
accept_any (struct gwt_listener *l, const struct pollfd *fds, int *reason)
{
  *reason = 0;
  for (guint i = 0; i < l->count; i++)
    if (fds[i].revents != 0)
      {
        int fd = accept4 (fds[i].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
          return fd;
        *reason = errno;
      }
  return -1;
}

struct gwt_channel *
gwt_listener_accept (struct gwt_listener *l, int cancel_fd, struct gwt_error *err)
{
  struct gwt_channel *c = g_steal_pointer (&l->channel);
  struct pollfd fds[LISTEN_MAX + 1];
  int fd = -1, reason;
  if (c != NULL)
    return c;
  if (l->count == 0)
    {
      gwt_error_set (err, GWT_E_FAILED, "%s: it was read already; give it again",
                     l->address->label);
      return NULL;
    }
  while (fd < 0)
    {
      memcpy (fds, l->fds, sizeof *fds * l->count);
      fds[l->count] = (struct pollfd){ .fd = cancel_fd, .events = POLLIN };
      if (poll (fds, l->count + 1, -1) < 0)
        continue;
      if (fds[l->count].revents != 0)
        {
          canceled (err);
          gwt_error_prefix (err, "%s", l->address->label);
          return NULL;
        }
      fd = accept_any (l, fds, &reason);
      /* Nothing to accept it with: the client waits in the queue, and so do we. */
      if (reason == EMFILE || reason == ENFILE || reason == ENOBUFS || reason == ENOMEM)
        gwt_fd_wait (-1, 0, PAUSE_MS, cancel_fd, -1);
    }
  tune (fd, l->address);
  return gwt_channel_new (GWT_MEDIUM_SOCKET, GWT_INCOMING, fd, fd, l->address->label, err);
}

void
gwt_listener_free (struct gwt_listener *l)
{
  GWT_AUTO_ERROR (ignored);
  if (l == NULL)
    return;
  drop_sockets (l);
  if (l->unix_socket != NULL)
    gwt_socket_remove (l->unix_socket);
  gwt_socket_spec_free (l->unix_socket);
  if (l->channel != NULL)
    {
      gwt_channel_shutdown (l->channel);
      gwt_channel_close (l->channel, -1, &ignored);
    }
  gwt_address_free (l->address);
  g_free (l);
}
