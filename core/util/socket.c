/* SPDX-License-Identifier: BSD-2-Clause */
/* Stream sockets by address text.  Knows nothing of what is spoken on them. */
#include "config.h"
#include "core/util/socket.h"

#include <errno.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/util/text.h"

static bool
parse_options (struct gwt_socket_spec *spec, char **options, struct gwt_error *err)
{
  bool wait_given = false;
  for (; *options != NULL; options++)
    {
      char *equals = strchr (*options, '=');
      bool value;
      if (equals == NULL)
        {
          gwt_error_set (err, GWT_E_INVALID,
                         "socket option '%s' has no value; write '%s=on' or '%s=off'", *options,
                         *options, *options);
          return false;
        }
      g_autofree char *key = g_strndup (*options, (gsize) (equals - *options));
      bool *target = strcmp (key, "server") == 0 ? &spec->server
                     : strcmp (key, "wait") == 0 ? &spec->wait
                                                 : NULL;
      if (target == NULL)
        {
          gwt_error_set (err, GWT_E_INVALID, "unknown socket option '%s'; use server or wait", key);
          return false;
        }
      if (!gwt_parse_bool (equals + 1, &value, err))
        {
          gwt_error_prefix (err, "socket option '%s'", key);
          return false;
        }
      wait_given |= target == &spec->wait;
      *target = value;
    }
  if (wait_given && !spec->server)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "socket option 'wait' is for servers; add server=on or leave it out");
      return false;
    }
  if (!wait_given)
    spec->wait = spec->server;
  return true;
}

static bool
parse_tcp (struct gwt_socket_spec *spec, const char *address, struct gwt_error *err)
{
  const char *colon = strrchr (address, ':');
  uint64_t port;
  GWT_AUTO_ERROR (ignored);
  if (colon == NULL || !gwt_parse_u64 (colon + 1, false, &port, &ignored) || port > 65535)
    {
      gwt_error_set (err, GWT_E_INVALID, "tcp address '%s' has no port; write tcp:HOST:PORT",
                     address);
      return false;
    }
  spec->host = g_strndup (address, (gsize) (colon - address));
  size_t length = strlen (spec->host);
  if (length >= 2 && spec->host[0] == '[' && spec->host[length - 1] == ']')
    {
      memmove (spec->host, spec->host + 1, length - 2);
      spec->host[length - 2] = '\0';
    }
  spec->port = g_strdup (colon + 1);
  return true;
}

struct gwt_socket_spec *
gwt_socket_spec_parse (const char *text, struct gwt_error *err)
{
  struct gwt_socket_spec *spec = g_new0 (struct gwt_socket_spec, 1);
  g_auto (GStrv) parts = g_strsplit (text, ",", -1);
  const char *head = parts[0] != NULL ? parts[0] : "";

  if (g_str_has_prefix (head, "unix:"))
    {
      struct sockaddr_un address;
      spec->path = g_strdup (head + strlen ("unix:"));
      if (spec->path[0] == '\0' || strlen (spec->path) >= sizeof address.sun_path)
        {
          gwt_error_set (err, GWT_E_RANGE, "socket path '%s' has %zu bytes; use 1 to %zu",
                         spec->path, strlen (spec->path), sizeof address.sun_path - 1);
          goto fail;
        }
    }
  else if (g_str_has_prefix (head, "tcp:"))
    {
      if (!parse_tcp (spec, head + strlen ("tcp:"), err))
        goto fail;
    }
  else
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "'%s' is no socket address; write unix:PATH or tcp:HOST:PORT", text);
      goto fail;
    }
  if (parts[0] != NULL && !parse_options (spec, parts + 1, err))
    goto fail;
  return spec;

fail:
  gwt_socket_spec_free (spec);
  return NULL;
}

void
gwt_socket_spec_free (struct gwt_socket_spec *spec)
{
  if (spec == NULL)
    return;
  g_free (spec->path);
  g_free (spec->host);
  g_free (spec->port);
  g_free (spec);
}

struct gwt_socket_spec *
gwt_socket_spec_copy (const struct gwt_socket_spec *spec)
{
  struct gwt_socket_spec *copy = g_new0 (struct gwt_socket_spec, 1);
  *copy = *spec;
  copy->path = g_strdup (spec->path);
  copy->host = g_strdup (spec->host);
  copy->port = g_strdup (spec->port);
  copy->created = false;
  return copy;
}

static int
unix_socket (const struct gwt_socket_spec *spec, struct sockaddr_un *address)
{
  memset (address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  g_strlcpy (address->sun_path, spec->path, sizeof address->sun_path);
  return socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* A socket file may be left over from a process that was killed: nobody answers there, so it may
 * go. */
static bool
clear_stale (const struct gwt_socket_spec *spec, struct gwt_error *err)
{
  struct stat status;
  struct sockaddr_un address;
  if (lstat (spec->path, &status) != 0)
    return true;
  if (!S_ISSOCK (status.st_mode))
    {
      gwt_error_set (err, GWT_E_EXISTS, "'%s' exists and is no socket; choose another path",
                     spec->path);
      return false;
    }
  int fd = unix_socket (spec, &address);
  int result = fd < 0 ? -1 : connect (fd, (struct sockaddr *) &address, sizeof address);
  int reason = errno;
  if (fd >= 0)
    close (fd);
  if (result == 0 || reason != ECONNREFUSED)
    {
      gwt_error_set (err, GWT_E_BUSY, "socket '%s' is in use; choose another path", spec->path);
      return false;
    }
  unlink (spec->path);
  return true;
}

static int
listen_unix (struct gwt_socket_spec *spec, struct gwt_error *err)
{
  struct sockaddr_un address;
  if (!clear_stale (spec, err))
    return -1;
  int fd = unix_socket (spec, &address);
  if (fd < 0 || bind (fd, (struct sockaddr *)&address, sizeof address) != 0 || listen (fd, 16) != 0)
    {
      gwt_error_set (err, GWT_E_IO,
                     "cannot listen on '%s': %s; check the folder and its permissions", spec->path,
                     g_strerror (errno));
      if (fd >= 0)
        close (fd);
      return -1;
    }
  spec->created = true;
  return fd;
}

/* Try each address that the name stands for until TRY succeeds. */
static int
each_address (const struct gwt_socket_spec *spec, int flags,
              int (*try) (int fd, const struct addrinfo *address), const char *what,
              struct gwt_error *err)
{
  struct addrinfo hints = { .ai_flags = flags, .ai_socktype = SOCK_STREAM };
  struct addrinfo *list = NULL;
  int result = getaddrinfo (spec->host[0] != '\0' ? spec->host : NULL, spec->port, &hints, &list);
  if (result != 0)
    {
      gwt_error_set (err, GWT_E_NOT_FOUND, "host '%s': %s; check the name", spec->host,
                     gai_strerror (result));
      return -1;
    }
  int reason = EADDRNOTAVAIL;
  for (struct addrinfo *a = list; a != NULL; a = a->ai_next)
    {
      int fd = socket (a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
      if (fd >= 0 && try (fd, a) == 0)
        {
          freeaddrinfo (list);
          return fd;
        }
      reason = errno;
      if (fd >= 0)
        close (fd);
    }
  freeaddrinfo (list);
  gwt_error_set (err, GWT_E_IO, "cannot %s tcp:%s:%s: %s; check address and port", what, spec->host,
                 spec->port, g_strerror (reason));
  return -1;
}

static int
try_listen (int fd, const struct addrinfo *address)
{
  int on = 1;
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return bind (fd, address->ai_addr, address->ai_addrlen) == 0 ? listen (fd, 16) : -1;
}

static int
try_connect (int fd, const struct addrinfo *address)
{
  return connect (fd, address->ai_addr, address->ai_addrlen);
}

static void
prepare (int fd, bool tcp)
{
  int on = 1;
  if (tcp)
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  g_unix_set_fd_nonblocking (fd, TRUE, NULL);
}

int
gwt_socket_listen (struct gwt_socket_spec *spec, struct gwt_error *err)
{
  int fd = spec->path != NULL ? listen_unix (spec, err)
                              : each_address (spec, AI_PASSIVE, try_listen, "listen on", err);
  if (fd >= 0)
    g_unix_set_fd_nonblocking (fd, TRUE, NULL);
  return fd;
}

int
gwt_socket_connect (const struct gwt_socket_spec *spec, struct gwt_error *err)
{
  int fd;
  if (spec->path != NULL)
    {
      struct sockaddr_un address;
      fd = unix_socket (spec, &address);
      if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
        {
          gwt_error_set (err, GWT_E_IO,
                         "cannot connect to '%s': %s; start its server first, or add server=on",
                         spec->path, g_strerror (errno));
          if (fd >= 0)
            close (fd);
          return -1;
        }
    }
  else
    fd = each_address (spec, 0, try_connect, "connect to", err);
  if (fd >= 0)
    prepare (fd, spec->path == NULL);
  return fd;
}

int
gwt_socket_accept (int fd)
{
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  int client = accept4 (fd, (struct sockaddr *) &address, &size, SOCK_CLOEXEC);
  if (client >= 0)
    prepare (client, address.ss_family != AF_UNIX);
  return client;
}

bool
gwt_socket_wait_client (int fd, bool (*give_up) (void))
{
  while (!give_up ())
    {
      struct pollfd p = { .fd = fd, .events = POLLIN };
      /* A time-out, for the signal that makes us give up may come just before poll. */
      if (poll (&p, 1, 500) > 0)
        return true;
    }
  return false;
}

char *
gwt_socket_address (const struct gwt_socket_spec *spec, int fd)
{
  if (spec->path != NULL)
    return g_strdup_printf ("unix:%s", spec->path);
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (getsockname (fd, (struct sockaddr *) &address, &size) != 0
      || getnameinfo ((struct sockaddr *) &address, size, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV)
             != 0)
    return g_strdup_printf ("tcp:%s:%s", spec->host, spec->port);
  return g_strdup_printf (strchr (host, ':') != NULL ? "tcp:[%s]:%s" : "tcp:%s:%s", host, port);
}

void
gwt_socket_remove (struct gwt_socket_spec *spec)
{
  if (spec->created)
    unlink (spec->path);
  spec->created = false;
}
