/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The back ends "stream" and "dgram": frames to a peer on this host or another one, such as a
 * second guest.  In a stream each frame follows its length, four bytes, big-endian; a datagram is a
 * frame.  Peers are hostile; a stream that says nonsense is closed.
 */
#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "core/backend/netdev-internal.h"
#include "core/util/log.h"
#include "core/util/socket.h"
#include "core/util/text.h"

#define LENGTH 4
#define FRAME_MAX (GWT_NET_FRAME_MAX - NET_HEADER)

struct peer
{
  struct gwt_socket_spec *spec; /* stream with an address */
  int listen_fd, fd;
  uint8_t *in;  /* stream: LENGTH + FRAME_MAX and more */
  uint64_t in_at, in_end;
  uint8_t *out; /* stream: the rest of a frame that the socket has no room for */
  uint64_t out_at, out_end;
  struct sockaddr_storage remote; /* dgram, to where; no family: the socket is connected */
  socklen_t remote_size;
  struct sockaddr_storage local;
  socklen_t local_size;
  char *created; /* path of a socket that we made */
  bool shut, ended; /* dgram: somebody shut the socket down; and nothing comes any more */
};

#define EMPTY_MAX 1000u
#define IN_SIZE (4 * (LENGTH + FRAME_MAX))

/* ---- both ------------------------------------------------------------------------------------ */

static struct peer *
peer_new (struct gwt_netdev *n)
{
  struct peer *p = g_new0 (struct peer, 1);

  p->listen_fd = p->fd = -1;
  n->data = p;
  return p;
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
peer_close (struct gwt_netdev *n)
{
  struct peer *p = n->data;

  close_fd (&p->fd);
  close_fd (&p->listen_fd);
  if (p->spec)
    gwt_socket_remove (p->spec);
  if (p->created)
    unlink (p->created);
  g_clear_pointer (&p->created, g_free);
}

static void
peer_free (struct gwt_netdev *n)
{
  struct peer *p = n->data;

  close_fd (&p->fd);
  if (p->spec)
    gwt_socket_spec_free (p->spec);
  g_free (p->in);
  g_free (p->out);
  g_free (p);
}

/* The socket that KEY passes to us, of TYPE; a copy that does not block. */
static bool
take_fd (struct gwt_netdev *n, const char *key, int type, int *fd, struct gwt_error *err)
{
  const char *text = net_option (n, key);
  socklen_t size = sizeof type;
  uint64_t number;
  int is, flags;

  if (!text)
    gwt_error_set (err, GWT_E_INVALID, "'%s' is missing; add %s=NUMBER", key, key);
  else if (gwt_parse_u64 (text, false, &number, err))
    {
      if (number < 3 || number > G_MAXINT
          || getsockopt ((int) number, SOL_SOCKET, SO_TYPE, &is, &size) < 0 || is != type)
        gwt_error_set (err, GWT_E_INVALID,
                       "%s: '%s' is no open %s socket; pass one that the caller has opened", key,
                       text, type == SOCK_STREAM ? "stream" : "datagram");
      else if ((*fd = fcntl ((int) number, F_DUPFD_CLOEXEC, 3)) < 0
               || (flags = fcntl (*fd, F_GETFL)) < 0
               || fcntl (*fd, F_SETFL, flags | O_NONBLOCK) < 0)
        gwt_error_set (err, GWT_E_IO, "%s: '%s': %s; allow more descriptors", key, text,
                       g_strerror (errno));
    }
  return !gwt_error_is_set (err);
}

/* ---- stream ---------------------------------------------------------------------------------- */

static const char *const stream_keys[]
    = { "server", "addr.type", "addr.path", "addr.host", "addr.port", "addr.str", NULL };

static bool
stream_parse (struct gwt_netdev *n, struct gwt_error *err)
{
  const char *type = net_option (n, "addr.type"), *path = net_option (n, "addr.path");
  const char *host = net_option (n, "addr.host"), *port = net_option (n, "addr.port");
  struct peer *p = peer_new (n);
  g_autofree char *text = NULL;
  bool server = false;

  p->in = g_malloc (IN_SIZE);
  p->out = g_malloc (LENGTH + FRAME_MAX);
  if (!net_option_bool (n, "server", &server, err))
    return false;
  if (type && strcmp (type, "fd") == 0)
    {
      if (path || host || port || net_option (n, "server"))
        gwt_error_set (err, GWT_E_INVALID,
                       "addr.type=fd says all about the socket; leave out the other options");
      return !gwt_error_is_set (err) && take_fd (n, "addr.str", SOCK_STREAM, &p->fd, err);
    }
  if (net_option (n, "addr.str"))
    gwt_error_set (err, GWT_E_INVALID, "addr.str means nothing without addr.type=fd; leave it out");
  else if (type && strcmp (type, "unix") == 0 && path && !host && !port)
    text = g_strdup_printf ("unix:%s,server=%s", path, server ? "on" : "off");
  else if (type && strcmp (type, "inet") == 0 && host && port && !path)
    text = g_strdup_printf (strchr (host, ':') ? "tcp:[%s]:%s,server=%s" : "tcp:%s:%s,server=%s",
                            host, port, server ? "on" : "off");
  else
    gwt_error_set (err, GWT_E_INVALID,
                   "no address; add addr.type=unix,addr.path=FILE, "
                   "addr.type=inet,addr.host=HOST,addr.port=PORT or addr.type=fd,addr.str=NUMBER");
  if ((path && strchr (path, ',')) || (host && strchr (host, ',')) || (port && strchr (port, ',')))
    gwt_error_set (err, GWT_E_INVALID, "a socket's address cannot hold a comma; use another one");
  if (!gwt_error_is_set (err))
    p->spec = gwt_socket_spec_parse (text, err);
  return p->spec != NULL;
}

static bool
stream_open (struct gwt_netdev *n, struct gwt_error *err)
{
  struct peer *p = n->data;

  if (p->fd >= 0)
    return true;
  if (p->spec->server)
    p->listen_fd = gwt_socket_listen (p->spec, err);
  else
    p->fd = gwt_socket_connect (p->spec, err);
  return !gwt_error_is_set (err);
}

/* Under the queue's lock. */
static void
disconnect (struct net_queue *q, const char *why)
{
  struct peer *p = q->netdev->data;

  if (p->fd < 0)
    return;
  gwt_log (p->listen_fd >= 0 ? GWT_LOG_INFO : GWT_LOG_WARN,
           "network back end '%s': the peer is gone: %s", q->netdev->id, why);
  close_fd (&p->fd);
  p->in_at = p->in_end = p->out_at = p->out_end = 0;
  q->blocked = false;
}

static int
stream_prepare (struct net_queue *q, bool want_frames)
{
  struct peer *p = q->netdev->data;
  struct pollfd f = { .fd = p->fd >= 0 ? p->fd : p->listen_fd, .events = POLLIN };

  if (p->fd >= 0)
    f.events = (short) ((want_frames ? POLLIN : 0) | (p->out_at < p->out_end ? POLLOUT : 0));
  if (f.fd >= 0 && f.events)
    g_array_append_val (q->fds, f);
  return -1;
}

/* The frame that is whole at the beginning of what came; 0: none. */
static uint64_t
whole_frame (struct net_queue *q)
{
  struct peer *p = q->netdev->data;
  const uint8_t *at = p->in + p->in_at;
  uint32_t size;

  if (p->in_end - p->in_at < LENGTH)
    return 0;
  size = (uint32_t) at[0] << 24 | (uint32_t) at[1] << 16 | (uint32_t) at[2] << 8 | at[3];
  if (size > FRAME_MAX || size == 0)
    {
      disconnect (q, "it sends no frames");
      return 0;
    }
  return p->in_end - p->in_at - LENGTH >= size ? size : 0;
}

static void
fill (struct net_queue *q)
{
  struct peer *p = q->netdev->data;
  ssize_t size;

  if (p->fd < 0)
    return;
  if (p->in_at)
    {
      memmove (p->in, p->in + p->in_at, p->in_end - p->in_at);
      p->in_end -= p->in_at;
      p->in_at = 0;
    }
  if (p->in_end == IN_SIZE)
    return;
  size = recv (p->fd, p->in + p->in_end, IN_SIZE - p->in_end, MSG_DONTWAIT);
  if (size > 0)
    p->in_end += (uint64_t) size;
  else if (size == 0)
    disconnect (q, "it closed the connection");
  else if (errno != EAGAIN && errno != EINTR)
    disconnect (q, g_strerror (errno));
}

static void
empty_out (struct net_queue *q)
{
  struct peer *p = q->netdev->data;

  while (p->fd >= 0 && p->out_at < p->out_end)
    {
      ssize_t size = send (p->fd, p->out + p->out_at, p->out_end - p->out_at,
                           MSG_DONTWAIT | MSG_NOSIGNAL);

      if (size > 0)
        p->out_at += (uint64_t) size;
      else if (errno == EAGAIN)
        return;
      else if (errno != EINTR)
        disconnect (q, g_strerror (errno));
    }
  q->blocked = false;
}

static void
stream_ready (struct net_queue *q)
{
  struct peer *p = q->netdev->data;

  if (p->fd < 0 && p->listen_fd >= 0)
    p->fd = gwt_socket_accept (p->listen_fd);
  if (p->out_at < p->out_end)
    empty_out (q);
  if (net_is_flowing (q) && !q->starved && whole_frame (q) == 0)
    fill (q);
}

static uint64_t
stream_peek (struct net_queue *q)
{
  uint64_t size = whole_frame (q);

  if (size == 0)
    {
      fill (q);
      size = whole_frame (q);
    }
  return size ? NET_HEADER + size : 0;
}

static uint64_t
stream_receive (struct net_queue *q, const struct gwt_iovec *iov, uint32_t n)
{
  const struct gwt_net_header none = { 0 };
  struct peer *p = q->netdev->data;
  uint64_t size = stream_peek (q);

  if (size == 0)
    return 0;
  net_iov_from (iov, n, 0, &none, NET_HEADER);
  net_iov_from (iov, n, NET_HEADER, p->in + p->in_at + LENGTH, size - NET_HEADER);
  p->in_at += LENGTH + size - NET_HEADER;
  return size;
}

static bool
plain_frame (const struct gwt_iovec *iov, uint32_t n, uint64_t size)
{
  struct gwt_net_header header;

  return size > NET_HEADER && size <= GWT_NET_FRAME_MAX
         && net_iov_to (iov, n, 0, &header, NET_HEADER) == NET_HEADER && header.gso_type == 0
         && !(header.flags & GWT_NET_NEEDS_CSUM);
}

static bool
stream_send (struct net_queue *q, const struct gwt_iovec *iov, uint32_t n)
{
  struct peer *p = q->netdev->data;
  uint64_t size = net_iov_size (iov, n);

  if (!plain_frame (iov, n, size) || p->fd < 0)
    return true;
  if (p->out_at < p->out_end)
    return false;
  size -= NET_HEADER;
  for (guint i = 0; i < LENGTH; i++)
    p->out[i] = (uint8_t) (size >> 8 * (LENGTH - 1 - i));
  net_iov_to (iov, n, NET_HEADER, p->out + LENGTH, size);
  p->out_at = 0;
  p->out_end = LENGTH + size;
  empty_out (q);
  return true;
}

const struct netdev_kind net_stream_kind = {
  .type = "stream",
  .keys = stream_keys,
  .parse = stream_parse,
  .open = stream_open,
  .close = peer_close,
  .free = peer_free,
  .prepare = stream_prepare,
  .ready = stream_ready,
  .peek = stream_peek,
  .receive = stream_receive,
  .send = stream_send,
};

/* ---- dgram ----------------------------------------------------------------------------------- */

static const char *const dgram_keys[]
    = { "local.type",  "local.path",  "local.host",  "local.port", "local.str", "remote.type",
        "remote.path", "remote.host", "remote.port", NULL };

/* "local" or "remote"; *SIZE 0 where it was not given. */
static bool
dgram_address (struct gwt_netdev *n, const char *end, struct sockaddr_storage *address,
               socklen_t *size, struct gwt_error *err)
{
  g_autofree char *type_key = g_strconcat (end, ".type", NULL);
  g_autofree char *path_key = g_strconcat (end, ".path", NULL);
  g_autofree char *host_key = g_strconcat (end, ".host", NULL);
  g_autofree char *port_key = g_strconcat (end, ".port", NULL);
  const char *type = net_option (n, type_key), *path = net_option (n, path_key);
  const char *host = net_option (n, host_key), *port = net_option (n, port_key);
  struct sockaddr_un *un = (struct sockaddr_un *) address;
  const struct addrinfo hints
      = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
  struct addrinfo *found = NULL;

  *size = 0;
  if (!type && !path && !host && !port)
    return true;
  if (type && strcmp (type, "unix") == 0 && path && !host && !port)
    {
      if (!*path || strlen (path) >= sizeof un->sun_path)
        gwt_error_set (err, GWT_E_INVALID, "%s: '%s' is %s; use 1 to %zu bytes", path_key, path,
                       *path ? "too long" : "empty", sizeof un->sun_path - 1);
      un->sun_family = AF_UNIX;
      g_strlcpy (un->sun_path, path, sizeof un->sun_path);
      *size = sizeof *un;
    }
  else if (type && strcmp (type, "inet") == 0 && host && port && !path)
    {
      if (getaddrinfo (host, port, &hints, &found) != 0)
        gwt_error_set (err, GWT_E_INVALID,
                       "%s: '%s' port '%s' is no numeric address; use one such as 127.0.0.1", end,
                       host, port);
      else
        {
          memcpy (address, found->ai_addr, found->ai_addrlen);
          *size = found->ai_addrlen;
          freeaddrinfo (found);
        }
    }
  else
    gwt_error_set (err, GWT_E_INVALID,
                   "%s is no address; use %s.type=unix,%s.path=FILE, or "
                   "%s.type=inet,%s.host=ADDRESS,%s.port=PORT",
                   end, end, end, end, end, end);
  return !gwt_error_is_set (err);
}

static bool
dgram_parse (struct gwt_netdev *n, struct gwt_error *err)
{
  const char *type = net_option (n, "local.type");
  struct peer *p = peer_new (n);

  if (type && strcmp (type, "fd") == 0)
    {
      for (const char *const *key = dgram_keys; *key; key++)
        if (strcmp (*key, "local.type") != 0 && strcmp (*key, "local.str") != 0
            && net_option (n, *key))
          gwt_error_set (err, GWT_E_INVALID,
                         "local.type=fd says all about the socket; leave out '%s'", *key);
      return !gwt_error_is_set (err) && take_fd (n, "local.str", SOCK_DGRAM, &p->fd, err);
    }
  if (net_option (n, "local.str"))
    gwt_error_set (err, GWT_E_INVALID,
                   "local.str means nothing without local.type=fd; leave it out");
  if (gwt_error_is_set (err) || !dgram_address (n, "local", &p->local, &p->local_size, err)
      || !dgram_address (n, "remote", &p->remote, &p->remote_size, err))
    return false;
  if (!p->local_size || !p->remote_size || p->local.ss_family != p->remote.ss_family)
    gwt_error_set (err, GWT_E_INVALID,
                   "it needs a local and a remote address of the same type; add local.type= and "
                   "remote.type=");
  return !gwt_error_is_set (err);
}

static bool
dgram_open (struct gwt_netdev *n, struct gwt_error *err)
{
  const struct sockaddr_un *un;
  struct peer *p = n->data;
  struct stat st;

  if (p->fd >= 0)
    return true;
  un = (const struct sockaddr_un *) &p->local;
  p->fd = socket (p->local.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (p->fd >= 0 && p->local.ss_family == AF_UNIX && lstat (un->sun_path, &st) == 0
      && S_ISSOCK (st.st_mode))
    {
      /* One that nobody has open any more is in the way; nobody answers there. */
      if (connect (p->fd, (struct sockaddr *) &p->local, p->local_size) < 0
          && errno == ECONNREFUSED)
        unlink (un->sun_path);
      close (p->fd);
      p->fd = socket (p->local.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
  if (p->fd < 0 || bind (p->fd, (struct sockaddr *) &p->local, p->local_size) < 0)
    {
      gwt_error_set (err, GWT_E_IO, "local: cannot be bound (%s); use another address",
                     g_strerror (errno));
      return false;
    }
  if (p->local.ss_family == AF_UNIX)
    p->created = g_strdup (un->sun_path);
  return true;
}

static int
dgram_prepare (struct net_queue *q, bool want_frames)
{
  struct peer *p = q->netdev->data;
  struct pollfd f = { .fd = p->fd };

  f.events
      = (short) ((want_frames && !p->ended ? POLLIN | POLLRDHUP : 0) | (q->full ? POLLOUT : 0));
  if (f.events)
    g_array_append_val (q->fds, f);
  return -1;
}

static void
dgram_ready (struct net_queue *q)
{
  struct peer *p = q->netdev->data;

  for (guint i = 1; i < q->fds->len; i++)
    {
      short revents = g_array_index (q->fds, struct pollfd, i).revents;

      if (revents & POLLOUT)
        q->blocked = false;
      p->shut = (revents & POLLRDHUP) != 0;
    }
}

static uint64_t
dgram_receive (struct net_queue *q, const struct gwt_iovec *iov, uint32_t n)
{
  const struct gwt_net_header none = { 0 };
  struct peer *p = q->netdev->data;
  struct iovec host[NET_IOV_MAX];
  struct msghdr message = { .msg_iov = host };
  uint32_t empty = 0;
  ssize_t size;

  message.msg_iovlen = net_iov_host (iov, n, NET_HEADER, 0, host);
  /* What is no frame is passed over; the kernel says the whole size of what it cuts off.  A socket
     that somebody has shut down gives empty ones without end. */
  do
    size = recvmsg (p->fd, &message, MSG_DONTWAIT | MSG_TRUNC);
  while ((size == 0 && ++empty < EMPTY_MAX) || (size < 0 && errno == EINTR));
  if (size == 0 && p->shut)
    p->ended = true;
  if (size <= 0)
    return 0;
  net_iov_from (iov, n, 0, &none, NET_HEADER);
  return (uint64_t) size + NET_HEADER;
}

static bool
dgram_send (struct net_queue *q, const struct gwt_iovec *iov, uint32_t n)
{
  struct peer *p = q->netdev->data;
  struct iovec host[NET_IOV_MAX];
  struct msghdr message = { .msg_iov = host };
  ssize_t size;

  if (!plain_frame (iov, n, net_iov_size (iov, n)))
    return true;
  message.msg_iovlen = net_iov_host (iov, n, NET_HEADER, 0, host);
  if (p->remote_size)
    {
      message.msg_name = &p->remote;
      message.msg_namelen = p->remote_size;
    }
  do
    size = sendmsg (p->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (size < 0 && errno == EINTR);
  /* Nobody there: lost, as on a cable that ends in nothing. */
  return size >= 0 || errno != EAGAIN;
}

const struct netdev_kind net_dgram_kind = {
  .type = "dgram",
  .keys = dgram_keys,
  .parse = dgram_parse,
  .open = dgram_open,
  .close = peer_close,
  .free = peer_free,
  .prepare = dgram_prepare,
  .ready = dgram_ready,
  .receive = dgram_receive,
  .send = dgram_send,
};
