/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QMP: character back ends.  What chardev-add is given becomes the text of a -chardev option, so
 * that there is one parser which knows what each back end takes.
 */
#include "config.h"
#include "core/monitor/chardevs.h"

#include <string.h>

#include "core/backend/chardev.h"
#include "core/monitor/qmp.h"

/* Most bytes that ringbuf-read gives at once. */
#define READ_MAX (UINT64_C (1) << 20)

static struct gwt_chardev *
find (struct json_object *args, const char *name, struct gwt_error *err)
{
  struct json_object *id;
  json_object_object_get_ex (args, name, &id);
  struct gwt_chardev *chardev = gwt_chardev_find (json_object_get_string (id));
  if (chardev == NULL)
    gwt_error_set (err, GWT_E_INVALID, "Chardev '%.64s' not found", json_object_get_string (id));
  return chardev;
}

static struct json_object *
query_chardev (struct json_object *args, struct gwt_error *err)
{
  struct json_object *list = json_object_new_array ();
  g_autofree const char **ids = gwt_chardev_ids ();
  for (guint i = 0; ids[i] != NULL; i++)
    {
      struct gwt_chardev *chardev = gwt_chardev_find (ids[i]);
      struct json_object *entry = json_object_new_object ();
      json_object_object_add (entry, "label", json_object_new_string (ids[i]));
      json_object_object_add (entry, "filename",
                              json_object_new_string (gwt_chardev_label (chardev)));
      json_object_object_add (entry, "frontend-open",
                              json_object_new_boolean (gwt_chardev_frontend_open (chardev)));
      json_object_array_add (list, entry);
    }
  return list;
}

/* ---- chardev-add ------------------------------------------------------------------------------
 */

/* How a member of a back end's data is called in a -chardev option. */
struct member
{
  const char *name, *key;
  json_type type;
};

static const struct
{
  const char *type;
  struct member members[6];
} backends[] = {
  { "file",
    { { "out", "path", json_type_string },
      { "in", "input-path", json_type_string },
      { "append", "append", json_type_boolean } } },
  { "null", { { NULL, NULL, json_type_null } } },
  { "pipe", { { "device", "path", json_type_string } } },
  { "pty", { { NULL, NULL, json_type_null } } },
  { "ringbuf", { { "size", "size", json_type_int } } },
  { "socket",
    { { "addr", NULL, json_type_object },
      { "server", "server", json_type_boolean },
      { "wait", "wait", json_type_boolean },
      { "reconnect", "reconnect", json_type_int },
      { "reconnect-ms", "reconnect-ms", json_type_int } } },
};

static const struct member inet_members[] = { { "host", "host", json_type_string },
                                              { "port", "port", json_type_string },
                                              { NULL, NULL, json_type_null } };
static const struct member unix_members[]
    = { { "path", "path", json_type_string }, { NULL, NULL, json_type_null } };

static void
append (GString *option, const char *key, struct json_object *value)
{
  g_string_append_printf (option, ",%s=", key);
  if (json_object_is_type (value, json_type_boolean))
    {
      g_string_append (option, json_object_get_boolean (value) ? "on" : "off");
      return;
    }
  for (const char *at = json_object_get_string (value); *at != '\0'; at++)
    g_string_append (option, *at == ',' ? ",," : (char[]){ *at, '\0' });
}

static bool append_address (GString *option, struct json_object *address, struct gwt_error *err);

static bool
append_members (GString *option, const struct member *members, struct json_object *data,
                struct gwt_error *err)
{
  json_object_object_foreach (data, name, value)
  {
    const struct member *m = members;
    while (m->name != NULL && strcmp (m->name, name) != 0)
      m++;
    if (m->name == NULL)
      gwt_error_set (err, GWT_E_INVALID, "Parameter '%.64s' is unexpected", name);
    else if (!json_object_is_type (value, m->type)
             || (m->type == json_type_string
                 && strlen (json_object_get_string (value))
                        != (size_t) json_object_get_string_len (value)))
      gwt_error_set (err, GWT_E_INVALID, "Invalid parameter type for '%s', expected: %s", name,
                     json_type_to_name (m->type));
    else if (m->key == NULL)
      append_address (option, value, err);
    else
      append (option, m->key, value);
    if (gwt_error_is_set (err))
      return false;
  }
  return true;
}

/* A union: "type", and "data" with that type's members. */
static bool
take_union (struct json_object *object, const char **type, struct json_object **data,
            struct gwt_error *err)
{
  struct json_object *value;
  *type = NULL;
  *data = NULL;
  json_object_object_foreach (object, name, member)
  {
    if (strcmp (name, "type") == 0 && json_object_is_type (member, json_type_string))
      *type = json_object_get_string (member);
    else if (strcmp (name, "data") == 0 && json_object_is_type (member, json_type_object))
      *data = member;
    else
      {
        gwt_error_set (err, GWT_E_INVALID, "Parameter '%.64s' is unexpected", name);
        return false;
      }
  }
  if (*type != NULL && *data != NULL)
    return true;
  gwt_error_set (err, GWT_E_INVALID, "Parameter '%s' is missing",
                 json_object_object_get_ex (object, "type", &value) ? "data" : "type");
  return false;
}

static bool
append_address (GString *option, struct json_object *address, struct gwt_error *err)
{
  const char *type;
  struct json_object *data;
  if (!take_union (address, &type, &data, err))
    return false;
  if (strcmp (type, "inet") == 0)
    return append_members (option, inet_members, data, err);
  if (strcmp (type, "unix") == 0)
    return append_members (option, unix_members, data, err);
  gwt_error_set (err, GWT_E_INVALID, "addr: '%.64s' is no kind of address; use inet or unix", type);
  return false;
}

static struct json_object *
chardev_add (struct json_object *args, struct gwt_error *err)
{
  struct json_object *id, *backend, *data, *value;
  const char *type;
  guint i;
  json_object_object_get_ex (args, "id", &id);
  json_object_object_get_ex (args, "backend", &backend);
  if (!take_union (backend, &type, &data, err))
    return NULL;
  for (i = 0; i < G_N_ELEMENTS (backends) && strcmp (backends[i].type, type) != 0; i++)
    ;
  if (i == G_N_ELEMENTS (backends))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "'%.64s' is no back end that can be added; use file, null, pipe, pty, ringbuf "
                     "or socket",
                     type);
      return NULL;
    }
  /* The guest runs; nobody may wait. */
  if (json_object_object_get_ex (data, "wait", &value) && json_object_get_boolean (value))
    {
      gwt_error_set (err, GWT_E_INVALID, "wait: the guest is not kept waiting; use false");
      return NULL;
    }
  g_autoptr (GString) option = g_string_new (type);
  append (option, "id", id);
  if (!append_members (option, backends[i].members, data, err))
    return NULL;
  if (strcmp (type, "socket") == 0)
    {
      bool given = json_object_object_get_ex (data, "server", &value);
      if (!given)
        g_string_append (option, ",server=on");
      if ((!given || json_object_get_boolean (value))
          && !json_object_object_get_ex (data, "wait", NULL))
        g_string_append (option, ",wait=off");
    }
  struct gwt_chardev *chardev = gwt_chardev_new_option (option->str, err);
  if (chardev == NULL)
    {
      err->code = GWT_E_FAILED; /* whatever was not found, it is no device */
      return NULL;
    }
  if (!gwt_chardev_open_all (err))
    {
      GWT_AUTO_ERROR (ignored);
      gwt_chardev_remove (chardev, &ignored);
      err->code = GWT_E_FAILED;
      return NULL;
    }
  struct json_object *answer = json_object_new_object ();
  const char *label = gwt_chardev_label (chardev);
  if (g_str_has_prefix (label, "pty:"))
    json_object_object_add (answer, "pty", json_object_new_string (label + 4));
  return answer;
}

static struct json_object *
chardev_remove (struct json_object *args, struct gwt_error *err)
{
  struct gwt_chardev *chardev = find (args, "id", err);
  return chardev != NULL && gwt_chardev_remove (chardev, err) ? json_object_new_object () : NULL;
}

static struct json_object *
chardev_send_break (struct json_object *args, struct gwt_error *err)
{
  struct gwt_chardev *chardev = find (args, "id", err);
  if (chardev == NULL)
    return NULL;
  gwt_chardev_send_break (chardev);
  return json_object_new_object ();
}

static struct json_object *
query_backends (struct json_object *args, struct gwt_error *err)
{
  struct json_object *list = json_object_new_array ();
  for (guint i = 0; i < G_N_ELEMENTS (backends); i++)
    {
      struct json_object *entry = json_object_new_object ();
      json_object_object_add (entry, "name", json_object_new_string (backends[i].type));
      json_object_array_add (list, entry);
    }
  return list;
}

/* ---- ringbuf ----------------------------------------------------------------------------------
 */

static bool
is_base64 (struct json_object *args, bool *base64, struct gwt_error *err)
{
  struct json_object *format;
  const char *text = json_object_object_get_ex (args, "format", &format)
                         ? json_object_get_string (format)
                         : "utf8";
  *base64 = strcmp (text, "base64") == 0;
  if (*base64 || strcmp (text, "utf8") == 0)
    return true;
  gwt_error_set (err, GWT_E_INVALID, "format: '%.64s' is unknown; use utf8 or base64", text);
  return false;
}

static void
not_a_ringbuf (struct gwt_chardev *chardev, struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_INVALID, "'%s' is not a ringbuf device", gwt_chardev_id (chardev));
}

static struct json_object *
ringbuf_read (struct json_object *args, struct gwt_error *err)
{
  struct gwt_chardev *chardev = find (args, "device", err);
  struct json_object *value;
  bool base64;
  if (chardev == NULL || !is_base64 (args, &base64, err))
    return NULL;
  json_object_object_get_ex (args, "size", &value);
  int64_t size = json_object_get_int64 (value);
  if (size <= 0)
    {
      gwt_error_set (err, GWT_E_RANGE, "size must be greater than zero");
      return NULL;
    }
  GByteArray *bytes = gwt_chardev_ring_read (chardev, MIN ((uint64_t) size, READ_MAX));
  if (bytes == NULL)
    {
      not_a_ringbuf (chardev, err);
      return NULL;
    }
  /* glib gives NULL for nothing. */
  g_byte_array_append (bytes, (const guint8 *) "", 1);
  gsize length = bytes->len - 1;
  g_autofree char *text = base64 ? g_base64_encode (bytes->data, length)
                                 : g_utf8_make_valid ((const char *) bytes->data, (gssize) length);
  g_byte_array_unref (bytes);
  return json_object_new_string (text);
}

static struct json_object *
ringbuf_write (struct json_object *args, struct gwt_error *err)
{
  struct gwt_chardev *chardev = find (args, "device", err);
  struct json_object *data;
  bool base64;
  if (chardev == NULL || !is_base64 (args, &base64, err))
    return NULL;
  json_object_object_get_ex (args, "data", &data);
  gsize size = (gsize) json_object_get_string_len (data);
  g_autofree guchar *decoded
      = base64 ? g_base64_decode (json_object_get_string (data), &size) : NULL;
  if (!gwt_chardev_ring_write (
          chardev, base64 ? decoded : (const uint8_t *) json_object_get_string (data), size))
    {
      not_a_ringbuf (chardev, err);
      return NULL;
    }
  return json_object_new_object ();
}

/* ---- registration ------------------------------------------------------------------------------
 */

static const struct gwt_qmp_arg add_args[]
    = { { "id", "str", false }, { "backend", "object", false }, { NULL, NULL, false } };
static const struct gwt_qmp_arg id_args[] = { { "id", "str", false }, { NULL, NULL, false } };
static const struct gwt_qmp_arg read_args[] = { { "device", "str", false },
                                                { "size", "int", false },
                                                { "format", "str", true },
                                                { NULL, NULL, false } };
static const struct gwt_qmp_arg write_args[] = { { "device", "str", false },
                                                 { "data", "str", false },
                                                 { "format", "str", true },
                                                 { NULL, NULL, false } };

static const struct gwt_qmp_command commands[] = {
  { "chardev-add", chardev_add, add_args },
  { "chardev-remove", chardev_remove, id_args },
  { "chardev-send-break", chardev_send_break, id_args },
  { "query-chardev", query_chardev, NULL },
  { "query-chardev-backends", query_backends, NULL },
  { "ringbuf-read", ringbuf_read, read_args },
  { "ringbuf-write", ringbuf_write, write_args },
};

void
gwt_qmp_init_chardevs (void)
{
  gwt_qmp_add_commands (commands, G_N_ELEMENTS (commands));
}
