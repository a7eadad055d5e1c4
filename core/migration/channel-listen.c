/* SPDX-License-Identifier: BSD-2-Clause */
/* A migration is awaited: sockets that listen, files and commands that are there already. */
#include "config.h"
#include "core/migration/channel-internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/util/socket.h"

/* The name is one of this host; who waits for it is the monitor. */
#define LOOKUP_MS 5000
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
  struct gwt_lookup *names = gwt_look_up (a, LOOKUP_MS, -1, err);
  guint tries = a->port == 0 ? PORT_TRIES : a->port_to - a->port + 1;
  int reason = EADDRINUSE;
  if (names == NULL)
    return false;
  for (guint i = 0; i < tries && reason == EADDRINUSE; i++)
    reason = listen_port (l, names->list, a->port == 0 ? 0 : a->port + i);
  gwt_lookup_unref (names);
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
      ok = (l->channel = gwt_channel_open_fd (a, err)) != NULL;
      break;
    case GWT_TRANSPORT_FILE:
      ok = (l->channel = gwt_channel_open_file (a, err)) != NULL;
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

/* Of a FIFO that nobody has opened yet a read says that it has ended. */
static struct gwt_channel *
await_writer (struct gwt_channel *c, int cancel_fd, struct gwt_error *err)
{
  GWT_AUTO_ERROR (ignored);
  if (c->medium != GWT_MEDIUM_PIPE || c->pid != 0
      || gwt_fd_wait (c->in, POLLIN, -1, cancel_fd, c->wake) != -2)
    return c;
  gwt_connect_canceled (err);
  gwt_error_prefix (err, "%s", c->label);
  gwt_channel_shutdown (c);
  gwt_channel_close (c, -1, &ignored);
  return NULL;
}

bool
gwt_listener_again (const struct gwt_listener *l)
{
  return l->count > 0;
}

struct gwt_channel *
gwt_listener_accept (struct gwt_listener *l, int cancel_fd, struct gwt_error *err)
{
  struct gwt_channel *c = g_steal_pointer (&l->channel);
  struct pollfd fds[LISTEN_MAX + 1];
  int fd = -1, reason;
  if (c != NULL)
    return await_writer (c, cancel_fd, err);
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
          gwt_connect_canceled (err);
          gwt_error_prefix (err, "%s", l->address->label);
          return NULL;
        }
      fd = accept_any (l, fds, &reason);
      /* Nothing to accept it with: the client waits in the queue, and so do we. */
      if (reason == EMFILE || reason == ENFILE || reason == ENOBUFS || reason == ENOMEM)
        gwt_fd_wait (-1, 0, PAUSE_MS, cancel_fd, -1);
    }
  gwt_channel_tune (fd, l->address);
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
