/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection to an emulator's monitor: see client.h. */
#include "config.h"
#include "tools/ctl/client.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/monitor/framing.h"
#include "core/util/json.h"
#include "core/util/socket.h"
#include "core/util/text.h"

/* A monitor has one client at a time, and others wait to be greeted. */
#define GREETING_SECONDS 10
/* Commands answer at once, or are done by then. */
#define ANSWER_SECONDS 120

struct gwt_client
{
  int fd;
  bool local;
  struct gwt_framer framer;
  char buffer[65536];
  const char *at; /* in `buffer`: not yet framed */
  size_t left;
  uint64_t asked; /* requests: the last one's id */
};

static volatile sig_atomic_t signals;

static void
on_signal (int number)
{
  (void) number;
  signals++;
}

void
gwt_client_catch_signals (void)
{
  /* No SA_RESTART: a wait is to end. */
  const struct sigaction action = { .sa_handler = on_signal };

  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
}

unsigned
gwt_client_signals (void)
{
  return (unsigned) signals;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Wait for EVENTS until END (monotonic us), 1; 0 where the time is over or a signal came.  What
   must not break off in the middle, a message, is not INTERRUPTIBLE by the first one, which asks
   for a cancel, but by the second. */
static int
wait_for (struct gwt_client *c, short events, int64_t end, bool interruptible)
{
  for (;;)
    {
      struct pollfd p = { .fd = c->fd, .events = events };
      int64_t left = (end - g_get_monotonic_time () + 999) / 1000;

      if (left <= 0)
        return 0;
      if (poll (&p, 1, (int) MIN (left, 1000)) > 0)
        return 1;
      if ((interruptible && errno == EINTR) || gwt_client_signals () > 1)
        return 0;
      errno = 0;
    }
}

static bool
lost (struct gwt_error *err, int error)
{
  gwt_error_set (err, GWT_E_IO, "the connection is gone: %s",
                 error == 0 ? "the other end closed it" : g_strerror (error));
  return false;
}

/* Read once more; only when all that was there is used up. */
static bool
fill (struct gwt_client *c, struct gwt_error *err)
{
  ssize_t got = read (c->fd, c->buffer, sizeof (c->buffer));

  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (got <= 0)
    return lost (err, got < 0 ? errno : 0);
  c->at = c->buffer;
  c->left = (size_t) got;
  return true;
}

static bool
send_all (struct gwt_client *c, const char *text, struct gwt_error *err)
{
  int64_t end = g_get_monotonic_time () + ANSWER_SECONDS * G_USEC_PER_SEC;
  size_t left = strlen (text);

  while (left > 0)
    {
      ssize_t put = send (c->fd, text, left, MSG_NOSIGNAL);

      if (put < 0 && errno != EAGAIN && errno != EINTR)
        return lost (err, errno);
      if (put < 0 && wait_for (c, POLLOUT, end, false) == 0)
        return lost (err, gwt_client_signals () > 1 ? EINTR : ETIMEDOUT);
      if (put < 0)
        continue;
      text += put;
      left -= (size_t) put;
    }
  return true;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* One that is complete already: *MESSAGE, or NULL.  False with ERR set for what is no message. */
static bool
next_message (struct gwt_client *c, struct json_object **message, struct gwt_error *err)
{
  const char *text;
  size_t length;

  *message = NULL;
  if (!gwt_framer_next (&c->framer, &c->at, &c->left, &text, &length, err))
    return true;
  if (text != NULL)
    *message = gwt_json_parse (text, length, err);
  if (*message != NULL && json_object_is_type (*message, json_type_object))
    return true;
  json_object_put (*message);
  *message = NULL;
  gwt_error_set (err, GWT_E_INVALID, "a message that is no object");
  gwt_error_prefix (err, "the other end does not speak QMP");
  return false;
}

/* The next message that has MEMBER (and, if not 0, this id), others are dropped. */
static struct json_object *
await (struct gwt_client *c, bool greeting, uint64_t id, struct gwt_error *err)
{
  int64_t end
      = g_get_monotonic_time () + (greeting ? GREETING_SECONDS : ANSWER_SECONDS) * G_USEC_PER_SEC;

  for (;;)
    {
      struct json_object *message, *member;

      if (!next_message (c, &message, err))
        return NULL;
      if (message != NULL)
        {
          if (greeting ? json_object_object_get_ex (message, "QMP", &member)
                       : json_object_object_get_ex (message, "id", &member)
                             && json_object_is_type (member, json_type_int)
                             && json_object_get_uint64 (member) == id)
            return message;
          json_object_put (message);
          continue;
        }
      if (wait_for (c, POLLIN, end, false) == 0)
        {
          if (gwt_client_signals () > 1)
            gwt_error_set (err, GWT_E_FAILED, "left; what it was told goes on, 'status' shows it");
          gwt_error_set (err, GWT_E_IO,
                         greeting ? "no greeting in %d seconds; is another client connected to it?"
                                  : "no answer in %d seconds",
                         greeting ? GREETING_SECONDS : ANSWER_SECONDS);
          return NULL;
        }
      if (!fill (c, err))
        return NULL;
    }
}

struct json_object *
gwt_client_ask (struct gwt_client *c, const char *command, struct json_object *arguments,
                struct gwt_error *err)
{
  struct json_object *request = json_object_new_object (), *answer, *member, *value = NULL;
  g_autofree char *text = NULL;

  json_object_object_add (request, "execute", json_object_new_string (command));
  if (arguments != NULL)
    json_object_object_add (request, "arguments", arguments);
  json_object_object_add (request, "id", json_object_new_uint64 (++c->asked));
  text = g_strconcat (json_object_to_json_string_ext (request, JSON_C_TO_STRING_PLAIN), "\n", NULL);
  json_object_put (request);
  answer = send_all (c, text, err) ? await (c, false, c->asked, err) : NULL;
  if (answer == NULL)
    return NULL;
  if (json_object_object_get_ex (answer, "return", &member))
    value = json_object_get (member);
  else
    {
      const char *said
          = gwt_answer_text (gwt_answer_member (answer, "error", json_type_object), "desc");
      g_autofree char *shown = gwt_one_line (said != NULL ? said : "it failed without a reason");

      gwt_error_set (err, GWT_E_FAILED, "%s", shown);
    }
  if (value == NULL)
    gwt_error_set (err, GWT_E_INVALID, "'%s' returned nothing", command);
  json_object_put (answer);
  return value;
}

bool
gwt_client_tell (struct gwt_client *c, const char *command, struct json_object *arguments,
                 struct gwt_error *err)
{
  struct json_object *answer = gwt_client_ask (c, command, arguments, err);

  json_object_put (answer);
  return answer != NULL;
}

struct json_object *
gwt_client_argument (const char *name, const char *value)
{
  struct json_object *o = json_object_new_object ();

  json_object_object_add (o, name, json_object_new_string (value));
  return o;
}

bool
gwt_client_wait (struct gwt_client *c, int ms, struct gwt_error *err)
{
  int64_t end = g_get_monotonic_time () + (int64_t) ms * 1000;
  unsigned before = gwt_client_signals ();

  while (gwt_client_signals () == before && wait_for (c, POLLIN, end, true) > 0)
    {
      struct json_object *message;

      if (!fill (c, err))
        return false;
      do
        {
          if (!next_message (c, &message, err))
            return false;
          json_object_put (message); /* an event */
        }
      while (message != NULL);
    }
  return true;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static struct gwt_socket_spec *
parse_address (const char *address, struct gwt_error *err)
{
  g_autofree char *escaped = NULL, *text = NULL;
  g_auto (GStrv) parts = NULL;

  if (g_str_has_prefix (address, "unix:") || g_str_has_prefix (address, "tcp:"))
    return gwt_socket_spec_parse (address, err);
  parts = g_strsplit (address, ",", -1);
  escaped = g_strjoinv (",,", parts);
  text = g_strconcat ("unix:", escaped, NULL);
  return gwt_socket_spec_parse (text, err);
}

struct gwt_client *
gwt_client_new (const char *address, struct gwt_error *err)
{
  struct gwt_socket_spec *spec = parse_address (address, err);
  struct json_object *greeting, *answer = NULL;
  struct gwt_client *c;
  int fd = spec != NULL ? gwt_socket_connect (spec, err) : -1;
  bool local = spec != NULL && spec->path != NULL;

  gwt_socket_spec_free (spec);
  if (fd < 0)
    return NULL;
  c = g_new0 (struct gwt_client, 1);
  c->fd = fd;
  c->local = local;
  c->at = c->buffer;
  gwt_framer_init (&c->framer);
  greeting = await (c, true, 0, err);
  if (greeting != NULL)
    answer = gwt_client_ask (c, "qmp_capabilities", NULL, err);
  json_object_put (greeting);
  json_object_put (answer);
  if (answer != NULL)
    return c;
  gwt_client_free (c);
  return NULL;
}

void
gwt_client_free (struct gwt_client *c)
{
  if (c == NULL)
    return;
  gwt_framer_clear (&c->framer);
  close (c->fd);
  g_free (c);
}

bool
gwt_client_is_local (const struct gwt_client *c)
{
  return c->local;
}

/* ---- answers --------------------------------------------------------------------------------- */

struct json_object *
gwt_answer_member (struct json_object *o, const char *name, enum json_type type)
{
  struct json_object *member;

  return json_object_is_type (o, json_type_object) && json_object_object_get_ex (o, name, &member)
                 && json_object_is_type (member, type)
             ? member
             : NULL;
}

int64_t
gwt_answer_int (struct json_object *o, const char *name)
{
  struct json_object *member = gwt_answer_member (o, name, json_type_int);

  return member != NULL ? json_object_get_int64 (member) : 0;
}

double
gwt_answer_number (struct json_object *o, const char *name)
{
  struct json_object *member = gwt_answer_member (o, name, json_type_double);

  return member != NULL ? json_object_get_double (member) : (double) gwt_answer_int (o, name);
}

const char *
gwt_answer_text (struct json_object *o, const char *name)
{
  struct json_object *member = gwt_answer_member (o, name, json_type_string);

  return member != NULL ? json_object_get_string (member) : NULL;
}
