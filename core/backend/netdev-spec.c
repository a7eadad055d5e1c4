/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What users write after -netdev, and clients say in netdev_add, becomes a list of keys and values
 * that the kind of back end knows.  Nothing is opened here, and no value judged but for its form.
 */
#include "config.h"
#include <string.h>
#include "core/backend/netdev-internal.h"
#include "core/util/json.h"
#include "core/util/text.h"

static const struct netdev_kind *const kinds[] = {
#ifdef HAVE_SLIRP
  &net_user_kind,
#endif
  &net_tap_kind, &net_stream_kind, &net_dgram_kind,
};

/* What QEMU has and this does not, with what to use in its place. */
static const struct
{
  const char *type, *instead;
} absent[] = {
#ifndef HAVE_SLIRP
  { "user", "this godwit was built without libslirp; build it with libslirp, or use tap" },
#endif
  { "hubport", "not in this release: give each device its own back end" },
  { "socket", "not in this release: use stream or dgram, which do the same" },
  { "bridge", "not in this release: use tap with a device that is in the bridge already" },
  { "vde", "not in this release: use stream, dgram or tap" },
  { "l2tpv3", "not in this release: use stream, dgram or tap" },
  { "netmap", "not in this release: use tap" },
  { "vhost-user", "not in this release: use tap" },
  { "vhost-vdpa", "not in this release: use tap" },
};

void
gwt_netdev_options_free (struct gwt_netdev_options *o)
{
  g_free (o->type);
  g_ptr_array_unref (o->keys);
  g_ptr_array_unref (o->values);
  g_free (o);
}

static struct gwt_netdev_options *
options_new (const char *type)
{
  struct gwt_netdev_options *o = g_new0 (struct gwt_netdev_options, 1);

  o->type = g_strdup (type);
  o->keys = g_ptr_array_new_with_free_func (g_free);
  o->values = g_ptr_array_new_with_free_func (g_free);
  return o;
}

const struct netdev_kind *
gwt_netdev_kind (const char *type, struct gwt_error *err)
{
  const char *names[G_N_ELEMENTS (kinds) + 1] = { NULL };
  g_autofree char *known = NULL, *near = NULL;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      names[i] = kinds[i]->type;
      if (strcmp (type, kinds[i]->type) == 0)
        return kinds[i];
    }
  for (i = 0; i < G_N_ELEMENTS (absent); i++)
    if (strcmp (type, absent[i].type) == 0)
      {
        gwt_error_set (err, GWT_E_UNSUPPORTED, "'%s': %s", type, absent[i].instead);
        return NULL;
      }
  known = g_strjoinv (", ", (char **) names);
  near = gwt_did_you_mean (type, names);
  gwt_error_set (err, GWT_E_INVALID, "'%s' is no network back end; use one of %s%s", type, known,
                 near);
  return NULL;
}

static bool
has (const char *const *list, const char *key)
{
  return list && g_strv_contains (list, key);
}

static bool
add (struct gwt_netdev_options *o, const struct netdev_kind *kind, const char *key,
     const char *value, struct gwt_error *err)
{
  if (strcmp (key, "id") != 0 && !has (kind->keys, key) && !has (kind->listed, key))
    {
      g_autofree char *near = gwt_did_you_mean (key, kind->keys);

      gwt_error_set (err, GWT_E_INVALID, "'%s' has no option '%s'; leave it out%s", kind->type, key,
                     near);
      return false;
    }
  for (guint i = 0; i < o->keys->len && !has (kind->listed, key); i++)
    if (strcmp (g_ptr_array_index (o->keys, i), key) == 0)
      {
        gwt_error_set (err, GWT_E_INVALID, "'%s' is given twice; give it once", key);
        return false;
      }
  if (!g_utf8_validate (value, -1, NULL))
    {
      gwt_error_set (err, GWT_E_INVALID, "the value of '%s' is not valid UTF-8; correct it", key);
      return false;
    }
  g_ptr_array_add (o->keys, g_strdup (key));
  g_ptr_array_add (o->values, g_strdup (value));
  return true;
}

/* The next item of *TEXT up to a single comma; two stand for one. */
static char *
next_item (const char **text)
{
  GString *item = g_string_new (NULL);
  const char *p = *text;

  for (; *p && (p[0] != ',' || p[1] == ','); p++)
    {
      g_string_append_c (item, *p);
      p += *p == ',';
    }
  *text = *p ? p + 1 : NULL;
  return g_string_free (item, FALSE);
}

struct gwt_netdev_options *
gwt_netdev_options_from_text (const char *text, struct gwt_error *err)
{
  g_autofree char *type = next_item (&text);
  const struct netdev_kind *kind;
  struct gwt_netdev_options *o;

  if (g_str_has_prefix (type, "type="))
    memmove (type, type + 5, strlen (type + 5) + 1);
  kind = gwt_netdev_kind (type, err);
  if (!kind)
    return NULL;
  o = options_new (type);
  while (text)
    {
      g_autofree char *item = next_item (&text);
      char *value = strchr (item, '=');

      if (value)
        *value++ = '\0';
      else
        gwt_error_set (err, GWT_E_INVALID, "'%s' has no value; use %s=..., for a switch %s=on",
                       item, item, item);
      if (!value || !add (o, kind, item, value, err))
        {
          gwt_netdev_options_free (o);
          return NULL;
        }
    }
  return o;
}

/* Objects become "a.b" keys, arrays of {"str": TEXT} several values, as QEMU's schema has them. */
static bool
add_json (struct gwt_netdev_options *o, const struct netdev_kind *kind, const char *key,
          struct json_object *value, guint depth, struct gwt_error *err)
{
  enum json_type type = json_object_get_type (value);
  struct json_object *inner;

  if (type == json_type_array)
    {
      for (size_t i = 0; i < json_object_array_length (value); i++)
        {
          struct json_object *item = json_object_array_get_idx (value, i);

          if (json_object_is_type (item, json_type_object)
              && json_object_object_get_ex (item, "str", &inner)
              && json_object_object_length (item) == 1)
            item = inner;
          if (!json_object_is_type (item, json_type_string))
            {
              gwt_error_set (err, GWT_E_INVALID, "%s where '%s' has objects with 'str'",
                             gwt_json_type_name (item), key);
              return false;
            }
          if (!add (o, kind, key, json_object_get_string (item), err))
            return false;
        }
      return true;
    }
  if (type == json_type_object && depth < 2)
    {
      json_object_object_foreach (value, name, member)
      {
        g_autofree char *path = g_strdup_printf ("%s.%s", key, name);

        if (!add_json (o, kind, path, member, depth + 1, err))
          return false;
      }
      return true;
    }
  if (type == json_type_boolean)
    return add (o, kind, key, json_object_get_boolean (value) ? "on" : "off", err);
  if (type != json_type_string && type != json_type_int)
    {
      gwt_error_set (err, GWT_E_INVALID, "%s where a value of '%s' belongs",
                     gwt_json_type_name (value), key);
      return false;
    }
  return add (o, kind, key, json_object_get_string (value), err);
}

struct gwt_netdev_options *
gwt_netdev_options_from_json (struct json_object *args, struct gwt_error *err)
{
  struct json_object *type;
  const struct netdev_kind *kind = NULL;
  struct gwt_netdev_options *o;

  if (!json_object_object_get_ex (args, "type", &type)
      || !json_object_is_type (type, json_type_string))
    gwt_error_set (err, GWT_E_INVALID, "Parameter 'type' is missing");
  else
    kind = gwt_netdev_kind (json_object_get_string (type), err);
  if (!kind)
    return NULL;
  o = options_new (kind->type);
  json_object_object_foreach (args, name, value)
  {
    if (strcmp (name, "type") != 0 && !add_json (o, kind, name, value, 0, err))
      {
        gwt_netdev_options_free (o);
        return NULL;
      }
  }
  return o;
}

/* ---- for the kinds --------------------------------------------------------------------------- */

const char *
net_option_nth (struct gwt_netdev *n, const char *key, guint nth)
{
  const struct gwt_netdev_options *o = n->options;

  for (guint i = 0; i < o->keys->len; i++)
    if (strcmp (g_ptr_array_index (o->keys, i), key) == 0 && nth-- == 0)
      return g_ptr_array_index (o->values, i);
  return NULL;
}

const char *
net_option (struct gwt_netdev *n, const char *key)
{
  return net_option_nth (n, key, 0);
}

bool
net_option_bool (struct gwt_netdev *n, const char *key, bool *value, struct gwt_error *err)
{
  const char *text = net_option (n, key);

  if (!text || gwt_parse_bool (text, value, err))
    return true;
  gwt_error_prefix (err, "%s", key);
  return false;
}

bool
net_option_number (struct gwt_netdev *n, const char *key, uint64_t min, uint64_t max,
                   uint32_t *value, struct gwt_error *err)
{
  const char *text = net_option (n, key);
  uint64_t number;

  if (!text)
    return true;
  if (gwt_parse_u64 (text, false, &number, err))
    {
      if (number >= min && number <= max)
        {
          *value = (uint32_t) number;
          return true;
        }
      gwt_error_set (err, GWT_E_RANGE,
                     "'%s' is out of range; use %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, text,
                     min, max);
    }
  gwt_error_prefix (err, "%s", key);
  return false;
}
