/* SPDX-License-Identifier: BSD-2-Clause */
/* Owns the choice of one value for several hosts.  Must not know where it is written then. */
#include "config.h"
#include "tools/machine/choose.h"
#include <string.h>
#include "core/migration/preflight.h"
#include "core/util/version.h"

char *
tool_value_text (struct json_object *value)
{
  g_auto (GStrv) parts = NULL;

  if (value == NULL)
    return NULL;
  if (json_object_is_type (value, json_type_boolean))
    return g_strdup (json_object_get_boolean (value) ? "on" : "off");
  if (!json_object_is_type (value, json_type_string))
    return g_strdup (json_object_to_json_string (value));
  parts = g_strsplit (json_object_get_string (value), ",", -1);
  return g_strjoinv (",,", parts);
}

static struct json_object *
value_of (const struct tool_side *side, const struct tool_side *sides, guint n)
{
  guint i;

  if (side->p != NULL)
    return side->p->value;
  /* What its plugin does is told by the rows of one that knows the property. */
  for (i = 0; i < n; i++)
    if (sides[i].p != NULL)
      return gwt_preflight_implied (sides[i].p, side->m);
  return NULL;
}

static bool
is_number (struct json_object *value)
{
  return json_object_is_type (value, json_type_int)
         || json_object_is_type (value, json_type_double);
}

/* Of numbers alone. */
static bool
is_less (struct json_object *a, struct json_object *b)
{
  if (json_object_is_type (a, json_type_double) || json_object_is_type (b, json_type_double))
    return json_object_get_double (a) < json_object_get_double (b);
  if (json_object_get_int64 (a) < 0 || json_object_get_int64 (b) < 0)
    return json_object_get_int64 (a) < json_object_get_int64 (b);
  return json_object_get_uint64 (a) < json_object_get_uint64 (b);
}

static const char *
level_of (const struct tool_side *side)
{
  const struct gwt_manifest_plugin *p = gwt_manifest_plugin (side->m, side->device->plugin);

  return p == NULL ? NULL : p->level != NULL ? p->level : p->version;
}

static bool
is_explicit (const struct tool_side *side)
{
  return side->p != NULL && side->p->explicit_;
}

/* The candidate by its kind; borrowed. */
static struct json_object *
candidate (const struct tool_side *sides, guint n)
{
  struct json_object *best = value_of (&sides[0], sides, n);
  const char *oldest = level_of (&sides[0]);
  bool told = is_explicit (&sides[0]);
  guint i;

  for (i = 1; i < n; i++)
    {
      struct json_object *value = value_of (&sides[i], sides, n);
      const char *level = level_of (&sides[i]);

      if (json_object_is_type (best, json_type_boolean)
          && json_object_is_type (value, json_type_boolean))
        best = json_object_get_boolean (best) ? value : best;
      else if (is_number (best) && is_number (value))
        best = is_less (value, best) ? value : best;
      else if (oldest != NULL && level != NULL
               && (gwt_version_compare (level, oldest) < 0
                   /* Of one level: what a user has asked for. */
                   || (gwt_version_compare (level, oldest) == 0 && is_explicit (&sides[i])
                       && !told)))
        {
          best = value;
          oldest = level;
          told = is_explicit (&sides[i]);
        }
    }
  /* The least that all can: not below what one has to have. */
  for (i = 0; i < n; i++)
    if (sides[i].p != NULL && sides[i].p->min != NULL && is_number (best)
        && is_less (best, sides[i].p->min))
      best = sides[i].p->min;
  return best;
}

/* The first host that cannot have VALUE, or NULL. */
static const struct tool_side *
find_unable (const struct tool_side *sides, guint n, struct json_object *value)
{
  guint i;

  for (i = 0; i < n; i++)
    {
      struct json_object *now = value_of (&sides[i], sides, n);

      if (gwt_manifest_equal (now, value))
        continue;
      if (sides[i].p == NULL || value == NULL || !gwt_manifest_allows (sides[i].p, value))
        return &sides[i];
    }
  return NULL;
}

bool
tool_choose (const struct tool_side *sides, guint n, const char *name, struct json_object **value,
             struct gwt_error *err)
{
  struct json_object *best = candidate (sides, n);
  const struct tool_side *unable = find_unable (sides, n, best);
  g_autofree char *text = NULL;
  guint i;

  /* What a host cannot change may be what all others can have. */
  for (i = 0; i < n && unable != NULL; i++)
    {
      struct json_object *other = value_of (&sides[i], sides, n);

      if (find_unable (sides, n, other) == NULL)
        {
          best = other;
          unable = NULL;
        }
    }
  if (unable == NULL)
    {
      *value = json_object_get (best);
      return true;
    }
  text = tool_value_text (best);
  gwt_error_set (err, GWT_E_NOT_FOUND,
                 "device '%s': property '%s': there is no value that all hosts can have; %s cannot "
                 "have %s",
                 sides[0].device->id, name, unable->host, text != NULL ? text : "nothing");
  return false;
}
