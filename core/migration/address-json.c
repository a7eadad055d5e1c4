/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a migration goes or comes from, as QMP's "channels". */
#include "config.h"
#include "core/migration/channel-internal.h"

#include <string.h>

enum kind
{
  KIND_TEXT,
  KIND_BOOL,
  KIND_CHOICE,
  KIND_PORT, /* as text, as QEMU has it */
  KIND_NUMBER,
  KIND_WORDS
};

struct member
{
  const char *name;
  enum kind kind;
  gsize at; /* in struct gwt_address; 0: not stored */
  bool optional;
};

static const struct member inet_members[] = {
  { "transport", KIND_TEXT, 0, false },
  { "type", KIND_TEXT, 0, false },
  { "host", KIND_TEXT, offsetof (struct gwt_address, host), false },
  { "port", KIND_PORT, offsetof (struct gwt_address, port), false },
  { "numeric", KIND_BOOL, offsetof (struct gwt_address, numeric), true },
  { "to", KIND_PORT, offsetof (struct gwt_address, port_to), true },
  { "ipv4", KIND_CHOICE, offsetof (struct gwt_address, ipv4), true },
  { "ipv6", KIND_CHOICE, offsetof (struct gwt_address, ipv6), true },
  { "keep-alive", KIND_BOOL, offsetof (struct gwt_address, keep_alive), true },
  { NULL, KIND_TEXT, 0, false },
};
static const struct member unix_members[] = {
  { "transport", KIND_TEXT, 0, false },
  { "type", KIND_TEXT, 0, false },
  { "path", KIND_TEXT, offsetof (struct gwt_address, path), false },
  { NULL, KIND_TEXT, 0, false },
};
static const struct member fd_members[] = {
  { "transport", KIND_TEXT, 0, false },
  { "type", KIND_TEXT, 0, false },
  { "str", KIND_TEXT, offsetof (struct gwt_address, fd_name), false },
  { NULL, KIND_TEXT, 0, false },
};
static const struct member exec_members[] = {
  { "transport", KIND_TEXT, 0, false },
  { "args", KIND_WORDS, offsetof (struct gwt_address, argv), false },
  { NULL, KIND_TEXT, 0, false },
};
static const struct member file_members[] = {
  { "transport", KIND_TEXT, 0, false },
  { "filename", KIND_TEXT, offsetof (struct gwt_address, path), false },
  { "offset", KIND_NUMBER, offsetof (struct gwt_address, offset), false },
  { NULL, KIND_TEXT, 0, false },
};

/* Of the text VALUE; NULL where it is none, or has NULs, which no name has. */
static const char *
text_of (struct json_object *value)
{
  if (!json_object_is_type (value, json_type_string))
    return NULL;
  const char *text = json_object_get_string (value);
  return strlen (text) == (size_t) json_object_get_string_len (value) ? text : NULL;
}

static bool
take_words (struct json_object *value, char ***words)
{
  if (!json_object_is_type (value, json_type_array))
    return false;
  size_t count = json_object_array_length (value);
  *words = g_new0 (char *, count + 1);
  for (size_t i = 0; i < count; i++)
    {
      const char *word = text_of (json_object_array_get_idx (value, i));
      if (word == NULL)
        return false;
      (*words)[i] = g_strdup (word);
    }
  return true;
}

static bool
take_number (struct json_object *value, uint64_t *number)
{
  bool ok = json_object_is_type (value, json_type_int)
            && (json_object_get_int64 (value) >= 0 || json_object_get_uint64 (value) > G_MAXINT64);
  if (ok)
    *number = json_object_get_uint64 (value);
  return ok;
}

static bool
take_member (struct gwt_address *a, const struct member *m, struct json_object *value,
             struct gwt_error *err)
{
  void *at = (char *) a + m->at;
  const char *text = text_of (value);
  uint64_t number = 0;
  bool ok = true;
  switch (m->kind)
    {
    case KIND_TEXT:
      ok = text != NULL;
      if (ok && m->at != 0)
        *(char **) at = g_strdup (text);
      break;
    case KIND_PORT:
      if (text != NULL)
        return gwt_address_port (text, at, err);
      ok = take_number (value, &number) && number <= G_MAXUINT16;
      *(guint *) at = (guint) number;
      break;
    case KIND_NUMBER:
      ok = take_number (value, at);
      break;
    case KIND_BOOL:
      ok = json_object_is_type (value, json_type_boolean);
      *(bool *) at = json_object_get_boolean (value);
      break;
    case KIND_CHOICE:
      ok = json_object_is_type (value, json_type_boolean);
      *(enum gwt_choice *) at = json_object_get_boolean (value) ? GWT_CHOICE_ON : GWT_CHOICE_OFF;
      break;
    case KIND_WORDS:
      ok = take_words (value, at);
      break;
    }
  if (!ok)
    gwt_error_set (err, GWT_E_INVALID, "Invalid parameter type for '%s'", m->name);
  return ok;
}

static void
take_members (struct gwt_address *a, const struct member *members, struct json_object *object,
              struct gwt_error *err)
{
  json_object_object_foreach (object, name, value)
  {
    const struct member *m = members;
    while (m->name != NULL && strcmp (m->name, name) != 0)
      m++;
    if (m->name == NULL)
      gwt_error_set (err, GWT_E_INVALID, "Parameter '%.64s' is unexpected", name);
    else
      take_member (a, m, value, err);
  }
  for (const struct member *m = members; m->name != NULL; m++)
    if (!m->optional && !json_object_object_get_ex (object, m->name, NULL))
      gwt_error_set (err, GWT_E_INVALID, "Parameter '%s' is missing", m->name);
  if (a->transport == GWT_TRANSPORT_TCP && !json_object_object_get_ex (object, "to", NULL))
    a->port_to = a->port;
}

static const char *
member_text (struct json_object *object, const char *name)
{
  struct json_object *value;
  return json_object_object_get_ex (object, name, &value) ? text_of (value) : NULL;
}

static struct gwt_address *
parse_addr (struct json_object *addr, enum gwt_direction direction, struct gwt_error *err)
{
  static const struct
  {
    const char *transport, *type;
    enum gwt_transport kind;
    const struct member *members;
  } forms[] = {
    { "socket", "inet", GWT_TRANSPORT_TCP, inet_members },
    { "socket", "unix", GWT_TRANSPORT_UNIX, unix_members },
    { "socket", "fd", GWT_TRANSPORT_FD, fd_members },
    { "exec", NULL, GWT_TRANSPORT_EXEC, exec_members },
    { "file", NULL, GWT_TRANSPORT_FILE, file_members },
  };
  const char *transport = member_text (addr, "transport"), *type = member_text (addr, "type");
  for (guint i = 0; transport != NULL && i < G_N_ELEMENTS (forms); i++)
    if (strcmp (forms[i].transport, transport) == 0
        && (forms[i].type == NULL || g_strcmp0 (forms[i].type, type) == 0))
      {
        struct gwt_address *a = gwt_address_new (forms[i].kind, direction);
        take_members (a, forms[i].members, addr, err);
        return gwt_address_finish (a, err);
      }
  if (transport == NULL)
    gwt_error_set (err, GWT_E_INVALID, "Parameter 'transport' is missing");
  else if (strcmp (transport, "socket") == 0)
    gwt_error_set (err, GWT_E_INVALID, "type '%.64s' is not offered; use inet, unix or fd",
                   type != NULL ? type : "");
  else
    gwt_error_set (err, GWT_E_INVALID, "transport '%.64s' is not offered; use socket, exec or file",
                   transport);
  return NULL;
}

static struct gwt_address *
parse_channel (struct json_object *channel, enum gwt_direction direction, struct gwt_error *err)
{
  struct json_object *addr = NULL;
  const char *type = NULL;
  if (!json_object_is_type (channel, json_type_object))
    {
      gwt_error_set (err, GWT_E_INVALID, "Invalid parameter type for 'channels', expected: object");
      return NULL;
    }
  json_object_object_foreach (channel, name, value)
  {
    if (strcmp (name, "channel-type") == 0)
      type = text_of (value);
    else if (strcmp (name, "addr") == 0 && json_object_is_type (value, json_type_object))
      addr = value;
    else
      {
        gwt_error_set (err, GWT_E_INVALID, "Parameter '%.64s' is unexpected", name);
        return NULL;
      }
  }
  if (type == NULL || addr == NULL)
    gwt_error_set (err, GWT_E_INVALID, "Parameter '%s' is missing",
                   type == NULL ? "channel-type" : "addr");
  else if (strcmp (type, "main") != 0)
    gwt_error_set (err, GWT_E_INVALID, "channel-type '%.64s' is not offered; use main", type);
  else
    return parse_addr (addr, direction, err);
  return NULL;
}

struct gwt_address *
gwt_address_parse_channels (struct json_object *channels, enum gwt_direction direction,
                            struct gwt_error *err)
{
  struct gwt_address *a = NULL;
  if (!json_object_is_type (channels, json_type_array))
    gwt_error_set (err, GWT_E_INVALID, "Invalid parameter type for 'channels', expected: array");
  else if (json_object_array_length (channels) != 1)
    gwt_error_set (err, GWT_E_INVALID,
                   "%zu channels are given; there is one, the main one, which must be named",
                   json_object_array_length (channels));
  else
    a = parse_channel (json_object_array_get_idx (channels, 0), direction, err);
  if (a == NULL)
    gwt_error_prefix (err, "channels");
  return a;
}
