/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a migration goes or comes from: what addresses have in common, and their form as text.
 * Opens nothing; knows nothing of streams.
 */
#include "config.h"
#include "core/migration/channel-internal.h"

#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/util/fds.h"
#include "core/util/text.h"

#define PATH_BYTES (sizeof ((struct sockaddr_un *) NULL)->sun_path)

struct gwt_address *
gwt_address_new (enum gwt_transport transport, enum gwt_direction direction)
{
  struct gwt_address *a = g_new0 (struct gwt_address, 1);
  a->references = 1;
  a->transport = transport;
  a->direction = direction;
  a->keep_alive = false;
  a->fd = -1;
  a->medium = transport == GWT_TRANSPORT_FILE ? GWT_MEDIUM_FILE : GWT_MEDIUM_SOCKET;
  return a;
}

struct gwt_address *
gwt_address_ref (const struct gwt_address *a)
{
  struct gwt_address *mine = (struct gwt_address *) a;
  g_atomic_int_inc (&mine->references);
  return mine;
}

void
gwt_address_free (struct gwt_address *a)
{
  if (a == NULL || !g_atomic_int_dec_and_test (&a->references))
    return;
  if (a->fd >= 0)
    close (a->fd);
  g_free (a->label);
  g_free (a->host);
  g_free (a->path);
  g_strfreev (a->argv);
  g_free (a->fd_name);
  g_free (a);
}

const char *
gwt_address_label (const struct gwt_address *a)
{
  return a->label;
}

bool
gwt_address_is_file (const struct gwt_address *a)
{
  return a->transport == GWT_TRANSPORT_FILE;
}

bool
gwt_address_is_command (const struct gwt_address *a)
{
  return a->transport == GWT_TRANSPORT_EXEC;
}

bool
gwt_address_two_way (const struct gwt_address *a)
{
  return a->transport == GWT_TRANSPORT_EXEC || a->medium == GWT_MEDIUM_SOCKET;
}

/* ---- what both forms have to satisfy ----------------------------------------------------------
 */

static bool
check_tcp (struct gwt_address *a, struct gwt_error *err)
{
  if (a->direction == GWT_OUTGOING && a->port == 0)
    gwt_error_set (err, GWT_E_RANGE, "port 0 cannot be connected to; give the other end's port");
  else if (a->direction == GWT_OUTGOING && a->port_to != a->port)
    gwt_error_set (err, GWT_E_INVALID, "'to' is for the end that listens; leave it out");
  else if (a->port_to < a->port)
    gwt_error_set (err, GWT_E_RANGE, "to=%u is below port %u; use a port from it to 65535",
                   a->port_to, a->port);
  else if (a->ipv4 == GWT_CHOICE_OFF && a->ipv6 == GWT_CHOICE_OFF)
    gwt_error_set (err, GWT_E_INVALID, "ipv4 and ipv6 are both off; leave one on");
  return !gwt_error_is_set (err);
}

static bool
check_unix (struct gwt_address *a, struct gwt_error *err)
{
  if (a->path[0] != '\0' && strlen (a->path) < PATH_BYTES)
    return true;
  gwt_error_set (err, GWT_E_RANGE, "socket path '%.200s' has %zu bytes; use 1 to %zu", a->path,
                 strlen (a->path), PATH_BYTES - 1);
  return false;
}

static bool
check_file (struct gwt_address *a, struct gwt_error *err)
{
  if (a->path[0] == '\0')
    gwt_error_set (err, GWT_E_INVALID, "no file is named; write file:PATH");
  else if (a->offset > G_MAXINT64)
    gwt_error_set (err, GWT_E_RANGE, "offset %" G_GUINT64_FORMAT " is beyond any file; use less",
                   a->offset);
  return !gwt_error_is_set (err);
}

static bool
check_exec (struct gwt_address *a, struct gwt_error *err)
{
  if (a->argv[0] != NULL && a->argv[0][0] != '\0')
    return true;
  gwt_error_set (err, GWT_E_INVALID, "no command is given; write exec:COMMAND");
  return false;
}

static bool
check_fd (struct gwt_address *a, struct gwt_error *err)
{
  a->fd = gwt_fd_copy (a->fd_name, err);
  return a->fd >= 0 && gwt_fd_medium (a->fd, &a->medium, err);
}

static void
set_label (struct gwt_address *a)
{
  g_autofree char *text = NULL, *words = NULL;
  switch (a->transport)
    {
    case GWT_TRANSPORT_TCP:
      text = g_strdup_printf (strchr (a->host, ':') != NULL ? "tcp:[%s]:%u" : "tcp:%s:%u", a->host,
                              a->port);
      break;
    case GWT_TRANSPORT_UNIX:
      text = g_strdup_printf ("unix:%s", a->path);
      break;
    case GWT_TRANSPORT_EXEC:
      words = a->label == NULL ? g_strjoinv (" ", a->argv) : g_strdup (a->argv[2]);
      text = g_strdup_printf ("exec:%s", words);
      break;
    case GWT_TRANSPORT_FD:
      text = g_strdup_printf ("fd:%s", a->fd_name);
      break;
    case GWT_TRANSPORT_FILE:
      text = g_strdup_printf ("file:%s", a->path);
      break;
    }
  g_free (a->label);
  a->label = gwt_one_line (text);
}

struct gwt_address *
gwt_address_finish (struct gwt_address *a, struct gwt_error *err)
{
  static bool (*const checks[]) (struct gwt_address *, struct gwt_error *) = {
    [GWT_TRANSPORT_TCP] = check_tcp,   [GWT_TRANSPORT_UNIX] = check_unix,
    [GWT_TRANSPORT_EXEC] = check_exec, [GWT_TRANSPORT_FD] = check_fd,
    [GWT_TRANSPORT_FILE] = check_file,
  };
  if (!gwt_error_is_set (err) && checks[a->transport](a, err))
    {
      set_label (a);
      return a;
    }
  gwt_address_free (a);
  return NULL;
}

/* ---- URIs -------------------------------------------------------------------------------------
 */

bool
gwt_address_port (const char *text, guint *port, struct gwt_error *err)
{
  GWT_AUTO_ERROR (ignored);
  uint64_t value;
  if (!gwt_parse_u64 (text, false, &value, &ignored) || value > G_MAXUINT16)
    {
      gwt_error_set (err, GWT_E_RANGE, "'%.64s' is no port; use a number from 0 to 65535", text);
      return false;
    }
  *port = (guint) value;
  return true;
}

static bool
parse_tcp_option (struct gwt_address *a, const char *option, struct gwt_error *err)
{
  static const char *const keys[] = { "ipv4", "ipv6", "keep-alive", "numeric", "to", NULL };
  const char *equals = strchr (option, '=');
  g_autofree char *key
      = equals != NULL ? g_strndup (option, (gsize) (equals - option)) : g_strdup (option);
  bool value = true;
  if (strcmp (key, "to") == 0)
    return gwt_address_port (equals != NULL ? equals + 1 : "", &a->port_to, err);
  if (!g_strv_contains (keys, key))
    {
      g_autofree char *near = gwt_did_you_mean (key, keys);
      gwt_error_set (err, GWT_E_INVALID, "unknown option '%.64s'%s", key,
                     near[0] != '\0' ? near : "; there are to, ipv4, ipv6, keep-alive and numeric");
      return false;
    }
  if (equals != NULL && !gwt_parse_bool (equals + 1, &value, err))
    {
      gwt_error_prefix (err, "%s", key);
      return false;
    }
  if (strcmp (key, "ipv4") == 0)
    a->ipv4 = value ? GWT_CHOICE_ON : GWT_CHOICE_OFF;
  else if (strcmp (key, "ipv6") == 0)
    a->ipv6 = value ? GWT_CHOICE_ON : GWT_CHOICE_OFF;
  else if (strcmp (key, "keep-alive") == 0)
    a->keep_alive = value;
  else
    a->numeric = value;
  return true;
}

/* "HOST:PORT", "[V6]:PORT". */
static bool
parse_host (struct gwt_address *a, const char *text, struct gwt_error *err)
{
  const char *colon = strrchr (text, ':');
  gsize length = colon != NULL ? (gsize) (colon - text) : 0;
  if (colon == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "there is no port; write tcp:HOST:PORT");
      return false;
    }
  if (length >= 2 && text[0] == '[' && text[length - 1] == ']')
    a->host = g_strndup (text + 1, length - 2);
  else
    a->host = g_strndup (text, length);
  if (text[0] != '[' && strchr (a->host, ':') != NULL)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "an address with colons needs brackets; write tcp:[ADDRESS]:PORT");
      return false;
    }
  if (!gwt_address_port (colon + 1, &a->port, err))
    return false;
  a->port_to = a->port;
  return true;
}

static void
parse_tcp (struct gwt_address *a, const char *text, struct gwt_error *err)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", -1);
  if (!parse_host (a, parts[0] != NULL ? parts[0] : "", err))
    return;
  for (guint i = 1; parts[i] != NULL; i++)
    if (!parse_tcp_option (a, parts[i], err))
      return;
}

static void
parse_file (struct gwt_address *a, const char *text, struct gwt_error *err)
{
  /* A path may have commas. */
  const char *option = g_strrstr (text, ",offset=");
  a->path = option != NULL ? g_strndup (text, (gsize) (option - text)) : g_strdup (text);
  if (option != NULL && !gwt_parse_u64 (option + strlen (",offset="), true, &a->offset, err))
    gwt_error_prefix (err, "offset");
}

/* What is before the colon. */
static const struct
{
  const char *prefix;
  enum gwt_transport transport;
} schemes[] = {
  { "tcp:", GWT_TRANSPORT_TCP },   { "unix:", GWT_TRANSPORT_UNIX }, { "exec:", GWT_TRANSPORT_EXEC },
  { "file:", GWT_TRANSPORT_FILE }, { "fd:", GWT_TRANSPORT_FD },
};

static void
no_scheme (const char *uri, struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_INVALID,
                 "'%.200s' is no address that a migration can go to; write tcp:HOST:PORT, "
                 "unix:PATH, exec:COMMAND, fd:NAME or file:PATH",
                 uri);
}

struct gwt_address *
gwt_address_parse (const char *uri, enum gwt_direction direction, struct gwt_error *err)
{
  guint i;
  for (i = 0; i < G_N_ELEMENTS (schemes) && !g_str_has_prefix (uri, schemes[i].prefix); i++)
    ;
  if (i == G_N_ELEMENTS (schemes))
    {
      no_scheme (uri, err);
      return NULL;
    }
  struct gwt_address *a = gwt_address_new (schemes[i].transport, direction);
  const char *rest = uri + strlen (schemes[i].prefix);
  switch (a->transport)
    {
    case GWT_TRANSPORT_TCP:
      parse_tcp (a, rest, err);
      break;
    case GWT_TRANSPORT_UNIX:
      a->path = g_strdup (rest);
      break;
    case GWT_TRANSPORT_EXEC:
      a->argv = g_new0 (char *, rest[0] != '\0' ? 4 : 1);
      if (rest[0] != '\0')
        {
          a->argv[0] = g_strdup ("/bin/sh");
          a->argv[1] = g_strdup ("-c");
          a->argv[2] = g_strdup (rest);
          a->label = g_strdup ("");
        }
      break;
    case GWT_TRANSPORT_FD:
      a->fd_name = g_strdup (rest);
      break;
    case GWT_TRANSPORT_FILE:
      parse_file (a, rest, err);
      break;
    }
  a = gwt_address_finish (a, err);
  if (a == NULL)
    {
      g_autofree char *line = gwt_one_line (uri);
      gwt_error_prefix (err, "%.200s", line);
    }
  return a;
}
