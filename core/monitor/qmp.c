/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The QMP server: sockets, clients, greeting, events.  All on the main loop.  Whatever one client
 * sends or fails to read, the guest and the other clients do not notice.
 */
#include "config.h"
#include "core/monitor/qmp.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/cpu/run.h"
#include "core/monitor/dispatch.h"
#include "core/monitor/framing.h"
#include "core/util/fds.h"
#include "core/util/json.h"
#include "core/util/log.h"
#include "core/util/socket.h"

#define MAX_CLIENTS 64
/* A client that has this much to read is not listened to until it has read; events still queue. */
#define OUT_PAUSE (1u << 20)
/* A client that lets this much pile up is gone or broken: it is dropped. */
#define OUT_MAX (32u << 20)
/* Descriptors that come with one message; QEMU's number. */
#define FDS_MAX 16

struct client
{
  int in, out; /* the same descriptor but for stdio */
  guint in_watch, out_watch;
  bool negotiated;
  bool dead; /* to be freed once nothing uses it */
  unsigned uses;
  struct gwt_framer framer;
  GByteArray *pending; /* answers not yet written */
  int fds[FDS_MAX];    /* came with the last message that had any, and are for its commands */
  guint n_fds;
};

struct server
{
  struct gwt_socket_spec *spec;
  int fd;
  guint watch;  /* 0 while paused */
  guint paused; /* timer that ends the pause */
  bool complained;
};

static GSList *clients; /* struct client * */
static struct client *asking; /* whose request is being carried out, or NULL */
static GSList *servers; /* struct server * */

static gboolean on_readable (gint fd, GIOCondition condition, gpointer data);
static gboolean on_writable (gint fd, GIOCondition condition, gpointer data);

static void
client_free (struct client *c)
{
  clients = g_slist_remove (clients, c);
  gwt_framer_clear (&c->framer);
  g_byte_array_unref (c->pending);
  g_free (c);
}

static void
drop_fds (struct client *c)
{
  for (guint i = 0; i < c->n_fds; i++)
    close (c->fds[i]);
  c->n_fds = 0;
}

/* Close at once; the memory goes when the last caller up the stack has let go. */
static void
client_drop (struct client *c)
{
  if (!c->dead)
    {
      c->dead = true;
      if (c->in_watch != 0)
        g_source_remove (c->in_watch);
      if (c->out_watch != 0)
        g_source_remove (c->out_watch);
      c->in_watch = c->out_watch = 0;
      drop_fds (c);
      if (c->in > STDERR_FILENO)
        close (c->in);
      else
        g_unix_set_fd_nonblocking (c->in, FALSE, NULL); /* the shell's terminal outlives us */
    }
  if (c->uses == 0)
    client_free (c);
}

static void
client_listen (struct client *c)
{
  if (c->in_watch == 0 && !c->dead)
    c->in_watch = g_unix_fd_add (c->in, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, c);
}

/* Write what the peer takes now; the rest waits for on_writable. */
static void
client_flush (struct client *c)
{
  while (!c->dead && c->pending->len > 0)
    {
      ssize_t n = c->in == c->out && c->in > STDERR_FILENO
                      ? send (c->out, c->pending->data, c->pending->len, MSG_NOSIGNAL)
                      : write (c->out, c->pending->data, c->pending->len);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        {
          if (c->out_watch == 0)
            c->out_watch = g_unix_fd_add (c->out, G_IO_OUT | G_IO_HUP | G_IO_ERR, on_writable, c);
          return;
        }
      if (n <= 0)
        {
          client_drop (c);
          return;
        }
      g_byte_array_remove_range (c->pending, 0, (guint) n);
    }
}

static gboolean
on_writable (gint fd, GIOCondition condition, gpointer data)
{
  struct client *c = data;
  c->out_watch = 0;
  c->uses++;
  client_flush (c);
  c->uses--;
  if (c->dead)
    client_drop (c);
  else if (c->pending->len < OUT_PAUSE)
    client_listen (c);
  return G_SOURCE_REMOVE;
}

static void
client_send (struct client *c, struct json_object *message)
{
  size_t length;
  const char *text = json_object_to_json_string_length (
      message, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
  if (c->dead)
    return;
  if (text == NULL || c->pending->len + length > OUT_MAX)
    {
      gwt_log (GWT_LOG_WARN, "qmp: a client does not read its answers; it was disconnected");
      client_drop (c);
      return;
    }
  g_byte_array_append (c->pending, (const guint8 *) text, (guint) length);
  g_byte_array_append (c->pending, (const guint8 *) "\r\n", 2);
  client_flush (c);
}

static void
client_request (struct client *c, const char *text, size_t length)
{
  struct json_tokener *tokener = json_tokener_new_ex (GWT_FRAME_DEPTH + 1);
  struct json_object *request = NULL, *answer;
  GWT_AUTO_ERROR (err);
  if (tokener != NULL && gwt_json_numbers_fit (text, length, &err))
    {
      json_tokener_set_flags (tokener, JSON_TOKENER_VALIDATE_UTF8);
      request = json_tokener_parse_ex (tokener, text, (int) length);
    }
  if (request == NULL)
    {
      if (gwt_error_is_set (&err))
        {
          gwt_error_prefix (&err, "JSON parse error");
          err.code = GWT_E_INVALID; /* which is the class of all parse errors */
        }
      else
        gwt_error_set (&err, GWT_E_INVALID, "JSON parse error, %s",
                       tokener != NULL ? json_tokener_error_desc (json_tokener_get_error (tokener))
                                       : "out of memory");
      answer = gwt_qmp_error_object (&err, NULL);
    }
  else
    {
      struct client *outer = asking;
      asking = c;
      answer = gwt_qmp_dispatch (request, &c->negotiated);
      asking = outer;
    }
  client_send (c, answer);
  json_object_put (answer);
  json_object_put (request);
  if (tokener != NULL)
    json_tokener_free (tokener);
}

int
gwt_qmp_take_fd (void)
{
  if (asking == NULL || asking->n_fds == 0)
    return -1;
  int fd = asking->fds[0];
  asking->n_fds--;
  memmove (asking->fds, asking->fds + 1, sizeof *asking->fds * asking->n_fds);
  return fd;
}

/* Bytes, and the descriptors that came with them.  The kernel ends a read before the next message
   that has some, so those of the one before were for commands that have been carried out. */
static ssize_t
client_read (struct client *c, char *buffer, size_t size)
{
  char control[CMSG_SPACE (sizeof c->fds)] __attribute__ ((aligned (8)));
  struct iovec iov = { buffer, size };
  struct msghdr message = { .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof control };
  if (c->in != c->out || c->in <= STDERR_FILENO)
    return read (c->in, buffer, size);
  ssize_t got = recvmsg (c->in, &message, MSG_CMSG_CLOEXEC);
  if (got < 0)
    return got;
  for (struct cmsghdr *m = CMSG_FIRSTHDR (&message); m != NULL; m = CMSG_NXTHDR (&message, m))
    if (m->cmsg_level == SOL_SOCKET && m->cmsg_type == SCM_RIGHTS)
      {
        drop_fds (c);
        c->n_fds = (guint) ((m->cmsg_len - CMSG_LEN (0)) / sizeof *c->fds);
        memcpy (c->fds, CMSG_DATA (m), sizeof *c->fds * c->n_fds);
      }
  return got;
}

static gboolean
on_readable (gint fd, GIOCondition condition, gpointer data)
{
  struct client *c = data;
  char buffer[65536];
  ssize_t got = client_read (c, buffer, sizeof buffer);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    return G_SOURCE_CONTINUE;
  c->uses++;
  if (got <= 0)
    {
      c->in_watch = 0; /* returning G_SOURCE_REMOVE removes it */
      client_drop (c);
    }
  const char *at = buffer, *text;
  size_t left = got > 0 ? (size_t) got : 0, length = 0;
  GWT_AUTO_ERROR (err);
  while (!c->dead && gwt_framer_next (&c->framer, &at, &left, &text, &length, &err))
    {
      if (text != NULL)
        client_request (c, text, length);
      else
        {
          struct json_object *answer = gwt_qmp_error_object (&err, NULL);
          client_send (c, answer);
          json_object_put (answer);
        }
    }
  c->uses--;
  gboolean keep = G_SOURCE_CONTINUE;
  if (c->dead)
    {
      client_drop (c);
      return G_SOURCE_REMOVE; /* harmless where client_drop removed the source already */
    }
  if (c->pending->len >= OUT_PAUSE)
    {
      c->in_watch = 0;
      keep = G_SOURCE_REMOVE;
    }
  return keep;
}

static void
client_greet (struct client *c)
{
  int major = 0, minor = 0, micro = 0;
  sscanf (PACKAGE_VERSION, "%d.%d.%d", &major, &minor, &micro);
  struct json_object *message = json_object_new_object (), *qmp = json_object_new_object (),
                     *version = json_object_new_object (), *numbers = json_object_new_object ();
  json_object_object_add (numbers, "micro", json_object_new_int (micro));
  json_object_object_add (numbers, "minor", json_object_new_int (minor));
  json_object_object_add (numbers, "major", json_object_new_int (major));
  /* Clients look for the member "qemu"; the package says whose numbers these are. */
  json_object_object_add (version, "qemu", numbers);
  json_object_object_add (version, "package",
                          json_object_new_string (PACKAGE_NAME " " PACKAGE_VERSION));
  json_object_object_add (qmp, "version", version);
  json_object_object_add (qmp, "capabilities", json_object_new_array ());
  json_object_object_add (message, "QMP", qmp);
  client_send (c, message);
  json_object_put (message);
}

static void
client_new (int in, int out)
{
  if (g_slist_length (clients) >= MAX_CLIENTS)
    {
      gwt_log (GWT_LOG_WARN, "qmp: more than %d clients; the newest was turned away", MAX_CLIENTS);
      close (in);
      return;
    }
  struct client *c = g_new0 (struct client, 1);
  c->in = in;
  c->out = out;
  c->pending = g_byte_array_new ();
  gwt_framer_init (&c->framer);
  clients = g_slist_append (clients, c);
  c->uses++;
  client_greet (c);
  c->uses--;
  if (c->dead)
    client_drop (c);
  else
    client_listen (c);
}

static gboolean on_client (gint fd, GIOCondition condition, gpointer data);

static gboolean
on_pause_over (gpointer data)
{
  struct server *s = data;
  s->paused = 0;
  s->watch = g_unix_fd_add (s->fd, G_IO_IN, on_client, s);
  return G_SOURCE_REMOVE;
}

static gboolean
on_client (gint fd, GIOCondition condition, gpointer data)
{
  struct server *s = data;
  int client = gwt_socket_accept (fd);
  if (client >= 0)
    client_new (client, client);
  else if (s->watch != 0
           && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
    {
      /* The client stays in the socket's queue, so the descriptor stays readable: without a pause
         the main loop would do nothing else than fail here. */
      if (!s->complained)
        gwt_log (GWT_LOG_WARN, "qmp: a client has to wait: %s; close others or raise the limit",
                 g_strerror (errno));
      s->complained = true;
      s->watch = 0;
      s->paused = g_timeout_add_seconds (1, on_pause_over, s);
      return G_SOURCE_REMOVE;
    }
  return G_SOURCE_CONTINUE;
}

bool
gwt_qmp_listen (const char *text, struct gwt_error *err)
{
  if (strcmp (text, "stdio") == 0)
    {
      g_unix_set_fd_nonblocking (STDIN_FILENO, TRUE, NULL);
      client_new (STDIN_FILENO, STDOUT_FILENO);
      return true;
    }
  struct gwt_socket_spec *spec = gwt_socket_spec_parse (text, err);
  if (spec == NULL)
    return false;
  int fd = spec->server ? gwt_socket_listen (spec, err) : gwt_socket_connect (spec, err);
  if (fd < 0)
    {
      gwt_socket_spec_free (spec);
      return false;
    }
  if (!spec->server)
    {
      client_new (fd, fd);
      gwt_socket_spec_free (spec);
      return true;
    }
  struct server *s = g_new0 (struct server, 1);
  s->spec = spec;
  s->fd = fd;
  servers = g_slist_prepend (servers, s);
  g_autofree char *address = gwt_socket_address (spec, fd);
  gwt_log (GWT_LOG_INFO, "qmp: listening on %s", address);
  if (spec->wait)
    {
      gwt_log (GWT_LOG_WARN, "qmp: waiting for a client on %s", address);
      if (!gwt_socket_wait_client (fd, gwt_run_signal_arrived))
        {
          gwt_error_set (err, GWT_E_FAILED,
                         "no client came to %s before a signal did; start one, or add wait=off",
                         address);
          return false;
        }
      on_client (fd, G_IO_IN, s);
    }
  s->watch = g_unix_fd_add (fd, G_IO_IN, on_client, s);
  return true;
}

bool
gwt_qmp_check (const char *text, struct gwt_error *err)
{
  if (strcmp (text, "stdio") == 0)
    return true;
  struct gwt_socket_spec *spec = gwt_socket_spec_parse (text, err);
  gwt_socket_spec_free (spec);
  return spec != NULL;
}

void
gwt_qmp_event (const char *name, struct json_object *data)
{
  struct json_object *event = json_object_new_object (), *stamp = json_object_new_object ();
  gint64 now = g_get_real_time ();
  json_object_object_add (stamp, "seconds", json_object_new_int64 (now / G_USEC_PER_SEC));
  json_object_object_add (stamp, "microseconds", json_object_new_int64 (now % G_USEC_PER_SEC));
  json_object_object_add (event, "timestamp", stamp);
  json_object_object_add (event, "event", json_object_new_string (name));
  if (data != NULL)
    json_object_object_add (event, "data", data);
  g_autoptr (GSList) copy = g_slist_copy (clients); /* sending may drop a client */
  for (GSList *l = copy; l != NULL; l = l->next)
    {
      struct client *c = l->data;
      if (!c->negotiated || c->dead)
        continue;
      c->uses++;
      client_send (c, event);
      c->uses--;
      if (c->dead)
        client_drop (c);
    }
  json_object_put (event);
}

/* Give the peer a moment to take the last answer and the SHUTDOWN event. */
static void
client_drain (struct client *c)
{
  gint64 deadline = g_get_monotonic_time () + G_USEC_PER_SEC / 2;
  while (!c->dead && c->pending->len > 0)
    {
      gint64 left = deadline - g_get_monotonic_time ();
      struct pollfd p = { .fd = c->out, .events = POLLOUT };
      if (left <= 0 || poll (&p, 1, (int) (left / 1000) + 1) <= 0)
        return;
      client_flush (c);
    }
}

void
gwt_qmp_close_all (void)
{
  while (clients != NULL)
    {
      struct client *c = clients->data;
      c->uses++;
      client_drain (c);
      c->uses = 0;
      client_drop (c);
    }
  for (GSList *l = servers; l != NULL; l = l->next)
    {
      struct server *s = l->data;
      if (s->watch != 0)
        g_source_remove (s->watch != 0 ? s->watch : s->paused);
      close (s->fd);
      gwt_socket_remove (s->spec);
      gwt_socket_spec_free (s->spec);
      g_free (s);
    }
  g_clear_pointer (&servers, g_slist_free);
  gwt_fd_close_all ();
}
