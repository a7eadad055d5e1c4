/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What users write after -serial and -chardev.  Nothing is opened, created or connected here: a
 * later option may be wrong.
 */
#include "config.h"
#include "core/backend/internal.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/util/text.h"

#define RING_MAX (UINT64_C (1) << 30)

static const char *const known[] = { "null", "stdio", "file", "unix", "tcp", "pty", "pipe", NULL };
static const char *const known_backends[]
    = { "null", "stdio", "file", "socket", "pty", "pipe", "ringbuf", NULL };

void
gwt_chardev_free_spec (struct gwt_chardev *chardev)
{
  g_free (chardev->id);
  g_free (chardev->path);
  g_free (chardev->input_path);
  g_free (chardev->ring);
  if (chardev->socket)
    gwt_socket_spec_free (chardev->socket);
  g_free (chardev->label);
  g_free (chardev->pty_name);
  g_mutex_clear (&chardev->lock);
  g_free (chardev);
}

static struct gwt_chardev *
blank (const char *id, enum gwt_chardev_kind kind)
{
  struct gwt_chardev *chardev = g_new0 (struct gwt_chardev, 1);

  chardev->id = g_strdup (id);
  chardev->kind = kind;
  chardev->signals = true;
  chardev->in_fd = chardev->out_fd = chardev->listen_fd = -1;
  g_mutex_init (&chardev->lock);
  return chardev;
}

/* All that can be said of an output file without touching it. */
static bool
check_path (const char *path, struct gwt_error *err)
{
  g_autofree char *folder = g_path_get_dirname (path);
  struct stat st;

  if (!*path)
    gwt_error_set (err, GWT_E_INVALID, "'file:' has no path; use file:PATH");
  else if (stat (path, &st) == 0 && S_ISDIR (st.st_mode))
    gwt_error_set (err, GWT_E_INVALID, "'%s' is a folder; use the path of a file", path);
  else if (stat (folder, &st) < 0 || !S_ISDIR (st.st_mode))
    gwt_error_set (err, GWT_E_NOT_FOUND, "'%s': there is no folder '%s'; make it first", path,
                   folder);
  return !gwt_error_is_set (err);
}

/* The FIFOs have to be there: who is at their other end needs them before us. */
static struct gwt_chardev *
pipe_from (const char *id, const char *path, struct gwt_error *err)
{
  g_autofree char *in = g_strdup_printf ("%s.in", path), *out = g_strdup_printf ("%s.out", path);
  struct gwt_chardev *chardev;

  if (!g_file_test (path, G_FILE_TEST_EXISTS)
      && !(g_file_test (in, G_FILE_TEST_EXISTS) && g_file_test (out, G_FILE_TEST_EXISTS)))
    {
      gwt_error_set (err, GWT_E_NOT_FOUND,
                     "'%s': neither it nor '%s' and '%s' are there; make them with mkfifo", path,
                     in, out);
      return NULL;
    }
  chardev = blank (id, GWT_CHARDEV_PIPE);
  chardev->path = g_strdup (path);
  return chardev;
}

static struct gwt_chardev *
from_spec (const char *id, const char *spec, struct gwt_error *err)
{
  struct gwt_chardev *chardev;
  g_autofree char *near = NULL, *word = NULL;

  if (strcmp (spec, "null") == 0)
    return blank (id, GWT_CHARDEV_NULL);
  if (strcmp (spec, "stdio") == 0)
    return blank (id, GWT_CHARDEV_STDIO);
  if (strcmp (spec, "pty") == 0)
    return blank (id, GWT_CHARDEV_PTY);
  if (g_str_has_prefix (spec, "file:"))
    {
      if (!check_path (spec + 5, err))
        return NULL;
      chardev = blank (id, GWT_CHARDEV_FILE);
      chardev->path = g_strdup (spec + 5);
      return chardev;
    }
  if (g_str_has_prefix (spec, "pipe:"))
    return pipe_from (id, spec + 5, err);
  if (g_str_has_prefix (spec, "unix:") || g_str_has_prefix (spec, "tcp:"))
    {
      struct gwt_socket_spec *socket = gwt_socket_spec_parse (spec, err);

      if (!socket)
        return NULL;
      chardev = blank (id, GWT_CHARDEV_SOCKET);
      chardev->socket = socket;
      return chardev;
    }
  word = g_strndup (spec, strcspn (spec, ":,"));
  near = gwt_did_you_mean (word, known);
  gwt_error_set (err, GWT_E_INVALID,
                 "'%s' is no character back end; use null, stdio, mon:stdio, file:PATH, unix:PATH, "
                 "tcp:HOST:PORT, pipe:PATH or pty%s",
                 spec, near);
  return NULL;
}

struct gwt_chardev *
gwt_chardev_new (const char *id, const char *spec, struct gwt_error *err)
{
  bool mux = g_str_has_prefix (spec, "mon:");
  struct gwt_chardev *chardev = from_spec (id, mux ? spec + 4 : spec, err);

  if (!chardev)
    return NULL;
  chardev->has_mux = mux;
  if (mux)
    chardev->signals = false;
  return gwt_chardev_add (chardev, err);
}

/* ---- -chardev -------------------------------------------------------------------------------- */

struct options
{
  const char *backend;
  GHashTable *values; /* key -> value, all strings belong to `parts` */
  GPtrArray *parts;
};

/* Which keys each back end takes; what is not listed is an error and never ignored. */
static const struct
{
  const char *backend;
  const char *keys[12];
} allowed[] = {
  { "null", { "id", "mux", NULL } },
  { "stdio", { "id", "mux", "signal", NULL } },
  { "file", { "id", "mux", "path", "append", "input-path", NULL } },
  { "pty", { "id", "mux", NULL } },
  { "pipe", { "id", "mux", "path", NULL } },
  { "ringbuf", { "id", "mux", "size", NULL } },
  { "socket",
    { "id", "mux", "path", "host", "port", "server", "wait", "reconnect", "reconnect-ms", NULL } },
};

static const char *const *
keys_of (const char *backend)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (allowed); i++)
    if (strcmp (allowed[i].backend, backend) == 0)
      return allowed[i].keys;
  return NULL;
}

static bool
parse_options (const char *text, struct options *options, struct gwt_error *err)
{
  const char *const *keys;
  guint i;

  options->parts = gwt_split_commas (text);
  options->values = g_hash_table_new (g_str_hash, g_str_equal);
  options->backend = g_ptr_array_index (options->parts, 0);
  keys = keys_of (options->backend);
  if (!keys)
    {
      g_autofree char *near = gwt_did_you_mean (options->backend, known_backends);

      gwt_error_set (err, GWT_E_INVALID,
                     "'%s' is no character back end; use null, stdio, file, pty, pipe, ringbuf or "
                     "socket%s",
                     options->backend, near);
      return false;
    }
  for (i = 1; i < options->parts->len; i++)
    {
      char *key = g_ptr_array_index (options->parts, i), *value = strchr (key, '=');
      g_autofree char *near = NULL;

      if (!value)
        {
          gwt_error_set (err, GWT_E_INVALID, "'%s' has no value; use %s=..., for a switch %s=on",
                         key, key, key);
          return false;
        }
      *value++ = '\0';
      if (!g_strv_contains (keys, key))
        {
          near = gwt_did_you_mean (key, keys);
          gwt_error_set (err, GWT_E_INVALID, "'%s' has no option '%s'; leave it out%s",
                         options->backend, key, near);
          return false;
        }
      if (!g_hash_table_insert (options->values, key, value))
        {
          gwt_error_set (err, GWT_E_INVALID, "'%s' is given twice; give it once", key);
          return false;
        }
    }
  return true;
}

static bool
take_bool (struct options *options, const char *key, bool *value, struct gwt_error *err)
{
  const char *text = g_hash_table_lookup (options->values, key);

  if (!text || gwt_parse_bool (text, value, err))
    return true;
  gwt_error_prefix (err, "%s", key);
  return false;
}

static bool
take_number (struct options *options, const char *key, bool suffixes, uint64_t *value, uint64_t max,
             struct gwt_error *err)
{
  const char *text = g_hash_table_lookup (options->values, key);

  if (!text)
    return true;
  if (gwt_parse_u64 (text, suffixes, value, err) && *value > max)
    gwt_error_set (err, GWT_E_RANGE, "%s is out of range; use 0 to %" PRIu64, text, max);
  if (!gwt_error_is_set (err))
    return true;
  gwt_error_prefix (err, "%s", key);
  return false;
}

/* Seconds in `reconnect`, or milliseconds in `reconnect-ms`. */
static bool
take_reconnect (struct options *options, bool server, uint32_t *ms, struct gwt_error *err)
{
  uint64_t seconds = 0, value = 0;
  bool both = g_hash_table_contains (options->values, "reconnect")
              && g_hash_table_contains (options->values, "reconnect-ms");

  if (!take_number (options, "reconnect", false, &seconds, UINT32_MAX / 1000, err)
      || !take_number (options, "reconnect-ms", false, &value, UINT32_MAX, err))
    return false;
  if (both)
    gwt_error_set (err, GWT_E_INVALID,
                   "reconnect and reconnect-ms say the same; give one of the two");
  else if (server && (seconds || value))
    gwt_error_set (err, GWT_E_INVALID,
                   "a server does not connect; leave reconnect out, or server=on");
  *ms = (uint32_t) (seconds ? seconds * 1000 : value);
  return !gwt_error_is_set (err);
}

static struct gwt_chardev *
ringbuf_from (struct options *options, const char *id, struct gwt_error *err)
{
  uint64_t size = 65536;
  struct gwt_chardev *chardev;
  uint8_t *ring;

  if (!take_number (options, "size", true, &size, RING_MAX, err))
    return NULL;
  if (size == 0 || (size & (size - 1)))
    {
      gwt_error_set (err, GWT_E_INVALID, "size: %" PRIu64 " is no power of two; use 65536, say",
                     size);
      return NULL;
    }
  ring = g_try_malloc (size);
  if (!ring)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY, "size: no memory for %" PRIu64 " bytes; use fewer",
                     size);
      return NULL;
    }
  chardev = blank (id, GWT_CHARDEV_RINGBUF);
  chardev->ring = ring;
  chardev->ring_size = size;
  return chardev;
}

static struct gwt_chardev *
socket_from (struct options *options, const char *id, struct gwt_error *err)
{
  const char *path = g_hash_table_lookup (options->values, "path");
  const char *host = g_hash_table_lookup (options->values, "host");
  const char *port = g_hash_table_lookup (options->values, "port");
  bool server = false, wait = true;
  uint32_t reconnect_ms = 0;
  struct gwt_chardev *chardev;
  struct gwt_socket_spec *socket;
  g_autofree char *text = NULL;

  if (!path == !port || (path && host))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "a socket needs path=PATH, or host=HOST and port=PORT; give one of the two");
      return NULL;
    }
  if (!take_bool (options, "server", &server, err) || !take_bool (options, "wait", &wait, err))
    return NULL;
  if (g_hash_table_contains (options->values, "wait") && !server)
    {
      gwt_error_set (err, GWT_E_INVALID, "wait= means nothing without server=on; leave it out");
      return NULL;
    }
  if (!take_reconnect (options, server, &reconnect_ms, err))
    return NULL;
  /* Through the one parser, which knows the limits; a comma cannot go that way. */
  if ((path && strchr (path, ',')) || (host && strchr (host, ',')) || (port && strchr (port, ',')))
    {
      gwt_error_set (err, GWT_E_INVALID, "a socket's address cannot hold a comma; use another one");
      return NULL;
    }
  if (path)
    text = g_strdup_printf ("unix:%s,server=%s", path, server ? "on" : "off");
  else
    text = g_strdup_printf (host && strchr (host, ':') && host[0] != '[' ? "tcp:[%s]:%s,server=%s"
                                                                         : "tcp:%s:%s,server=%s",
                            host ? host : "", port, server ? "on" : "off");
  socket = gwt_socket_spec_parse (text, err);
  if (!socket)
    return NULL;
  socket->wait = server && wait;
  chardev = blank (id, GWT_CHARDEV_SOCKET);
  chardev->socket = socket;
  chardev->reconnect_ms = reconnect_ms;
  return chardev;
}

static struct gwt_chardev *
from_options (struct options *options, struct gwt_error *err)
{
  const char *id = g_hash_table_lookup (options->values, "id");
  const char *path = g_hash_table_lookup (options->values, "path");
  const char *input_path = g_hash_table_lookup (options->values, "input-path");
  bool append = false, mux = false, signals = true;
  struct gwt_chardev *chardev;

  if (!id)
    {
      gwt_error_set (err, GWT_E_INVALID, "'%s' has no id; add id=NAME", options->backend);
      return NULL;
    }
  if (!take_bool (options, "append", &append, err) || !take_bool (options, "mux", &mux, err)
      || !take_bool (options, "signal", &signals, err))
    return NULL;
  if (strcmp (options->backend, "socket") == 0)
    chardev = socket_from (options, id, err);
  else if (strcmp (options->backend, "file") == 0)
    {
      if (!path)
        {
          gwt_error_set (err, GWT_E_INVALID, "'file' has no path; add path=PATH");
          return NULL;
        }
      if (!check_path (path, err))
        return NULL;
      if (input_path && access (input_path, R_OK) != 0)
        {
          gwt_error_set (err, GWT_E_IO,
                         "input-path: cannot read '%s' (%s); use a file that can be read",
                         input_path, g_strerror (errno));
          return NULL;
        }
      chardev = blank (id, GWT_CHARDEV_FILE);
      chardev->path = g_strdup (path);
      chardev->input_path = g_strdup (input_path);
      chardev->append = append;
    }
  else if (strcmp (options->backend, "pipe") == 0)
    {
      if (!path)
        gwt_error_set (err, GWT_E_INVALID, "'pipe' has no path; add path=PATH");
      chardev = path ? pipe_from (id, path, err) : NULL;
    }
  else if (strcmp (options->backend, "ringbuf") == 0)
    chardev = ringbuf_from (options, id, err);
  else
    chardev = from_spec (id, options->backend, err);
  if (!chardev)
    return NULL;
  chardev->has_mux = mux;
  chardev->signals = signals && !mux;
  return gwt_chardev_add (chardev, err);
}

struct gwt_chardev *
gwt_chardev_new_option (const char *option, struct gwt_error *err)
{
  struct options options = { 0 };
  struct gwt_chardev *chardev = NULL;

  if (parse_options (option, &options, err))
    chardev = from_options (&options, err);
  g_hash_table_unref (options.values);
  g_ptr_array_unref (options.parts);
  return chardev;
}
