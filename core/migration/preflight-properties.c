/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the rule for a property that differs.
 *
 * A value that a user set travels: the destination takes it over, unless it was told another one
 * itself or its plugin cannot do it.  All others are what the machine type promises, so a
 * difference is a promise that one end does not keep, and is refused.  What one end's plugin does
 * not know it still does in some way, and the other end's rows say in which.  Where a plugin says
 * that all a guest sees of a property is told as facts, and those are the same at both ends, a
 * difference breaks no promise: it is as a guest would have it, who looks at the device.
 */
#include "config.h"
#include <string.h>
#include "core/migration/preflight-internal.h"
#include "core/util/version.h"

#define SHOWN_MAX 80

char *
gwt_preflight_shown (struct json_object *value)
{
  const char *text;
  char *shown;

  if (value == NULL)
    return g_strdup ("nothing");
  if (json_object_is_type (value, json_type_boolean))
    return g_strdup (json_object_get_boolean (value) ? "on" : "off");
  text = json_object_is_type (value, json_type_string)
             ? json_object_get_string (value)
             : json_object_to_json_string_ext (value, JSON_C_TO_STRING_PLAIN
                                                          | JSON_C_TO_STRING_NOSLASHESCAPE);
  if (text[0] == '\0')
    return g_strdup ("''");
  shown = g_utf8_make_valid (text, -1);
  if (g_utf8_strlen (shown, -1) > SHOWN_MAX)
    {
      *g_utf8_offset_to_pointer (shown, SHOWN_MAX) = '\0';
      text = shown;
      shown = g_strconcat (text, "...", NULL);
      g_free ((char *) text);
    }
  return shown;
}

/* Rows and values are JSON or a text as a user would type it. */
static bool
is_same (struct json_object *a, struct json_object *b)
{
  g_autofree char *left = NULL, *right = NULL;

  if (gwt_manifest_equal (a, b))
    return true;
  if (a == NULL || b == NULL
      || json_object_is_type (a, json_type_string) == json_object_is_type (b, json_type_string))
    return false;
  left = gwt_preflight_shown (a);
  right = gwt_preflight_shown (b);
  return strcmp (left, right) == 0;
}

/* Where a value came from; caller frees. */
static char *
origin (const struct gwt_manifest_property *p)
{
  bool told = p->detail != NULL && p->detail[0] != '\0';

  if (p->from == GWT_SOURCE_MACHINE && told)
    return g_strdup_printf ("machine type %s", p->detail);
  if (p->from == GWT_SOURCE_DEFAULT)
    return g_strdup ("default");
  return g_strdup (told ? p->detail : p->source);
}

/* What to write at DEVICE's end for NAME to be VALUE; caller frees. */
static char *
option (const struct gwt_manifest *m, const struct gwt_manifest_device *device, const char *name,
        struct json_object *value)
{
  g_autofree char *text = gwt_preflight_shown (value);

  if (strcmp (device->origin, "cpu") == 0)
    return g_strdup_printf ("-cpu %s,%s=%s", m->cpu, name, text);
  if (strcmp (device->origin, "board") == 0)
    return g_strdup_printf ("-global %s.%s=%s", device->type, name, text);
  return g_strdup_printf ("-device %s,id=%s,%s=%s", device->type, device->id, name, text);
}

/* A bound of P, which is a number for a bool too; caller frees. */
static char *
bound (const struct gwt_manifest_property *p, struct json_object *limit)
{
  if (limit != NULL && json_object_is_type (p->value, json_type_boolean))
    return g_strdup (json_object_get_boolean (limit) ? "on" : "off");
  return gwt_preflight_shown (limit);
}

/* "takes 1 to 4"; caller frees. */
static char *
range (const struct gwt_manifest_property *p)
{
  g_autofree char *min = bound (p, p->min), *max = bound (p, p->max);

  if (p->values != NULL)
    {
      g_autofree char *names = g_strjoinv ("', '", (char **) p->values);

      return g_strdup_printf ("takes '%s'", names);
    }
  if (p->min != NULL && p->max != NULL)
    return gwt_manifest_equal (p->min, p->max) ? g_strdup_printf ("takes %s alone", min)
                                               : g_strdup_printf ("takes %s to %s", min, max);
  return p->max != NULL ? g_strdup_printf ("takes up to %s", max)
                        : g_strdup_printf ("takes %s and more", min);
}

static const char *
version_of (const struct gwt_manifest *m, const char *plugin)
{
  const struct gwt_manifest_plugin *p = plugin != NULL ? gwt_manifest_plugin (m, plugin) : NULL;

  return p != NULL ? p->version : NULL;
}

/* ---- both know it ---------------------------------------------------------------------------- */

static void
adapt (struct gwt_check *check, struct gwt_pair *pair, const struct gwt_manifest_property *s,
       const struct gwt_manifest_property *d, const char *here, const char *there)
{
  struct gwt_preflight_adaptation *a;
  g_autofree char *from = origin (s);

  if (check->result->adaptations->len >= GWT_PREFLIGHT_LINES_MAX)
    {
      gwt_check_refuse (check, "device '%s': property '%s': more values than %d are to be adapted",
                        pair->source->id, s->name, GWT_PREFLIGHT_LINES_MAX);
      return;
    }
  a = g_new0 (struct gwt_preflight_adaptation, 1);
  a->device = g_strdup (pair->source->id);
  a->property = g_strdup (d->name);
  a->value = json_object_get (s->value);
  a->text = g_strdup_printf ("device '%s': property '%s': %s at the source (%s) in place of %s at "
                             "the destination",
                             pair->source->id, s->name, here, from, there);
  g_ptr_array_add (check->result->adaptations, a);
}

/* A word that the destination has not said itself, and can follow. */
static bool
is_carried (const struct gwt_manifest_property *s, const struct gwt_manifest_property *d)
{
  return s->explicit_ && !d->explicit_ && gwt_manifest_allows (d, s->value);
}

/* It sits in the same place of the same bus. */
static bool
is_same_path (const struct gwt_pair *pair)
{
  struct json_object *s = pair->source->place, *d = pair->destination->place;

  return s != NULL && d != NULL && json_object_object_get_ex (s, GWT_MANIFEST_PATH, &s)
         && json_object_object_get_ex (d, GWT_MANIFEST_PATH, &d) && gwt_manifest_equal (s, d);
}

static bool
all_same (struct gwt_check *check, struct gwt_pair *pair, const struct gwt_manifest_property *p)
{
  guint i;

  if (p->facts == NULL || p->facts[0] == NULL)
    return false;
  for (i = 0; p->facts[i] != NULL; i++)
    if (strcmp (p->facts[i], GWT_MANIFEST_PATH) == 0
            ? !is_same_path (pair)
            : !gwt_check_same_fact (check, pair, p->facts[i]))
      return false;
  return true;
}

/* Facts decide whether S and D, one of which may be NULL, differ for a guest. */
static bool
is_told (const struct gwt_manifest_property *s, const struct gwt_manifest_property *d)
{
  /* Two users' words: one of them errs, and but one can go on with the guest. */
  return !(s != NULL && d != NULL && s->explicit_ && d->explicit_)
         && (s == NULL || (s->facts != NULL && s->facts[0] != NULL))
         && (d == NULL || (d->facts != NULL && d->facts[0] != NULL));
}

/* A guest sees nothing of the difference between S and D, one of which may be NULL: not known. */
static bool
is_unseen (struct gwt_check *check, struct gwt_pair *pair, const struct gwt_manifest_property *s,
           const struct gwt_manifest_property *d)
{
  if (!is_told (s, d) || (s != NULL && !all_same (check, pair, s))
      || (d != NULL && !all_same (check, pair, d)))
    return false;
  if (check->files)
    {
      g_autofree char *a = gwt_preflight_shown (s != NULL ? s->value : d->value);
      g_autofree char *b = d != NULL && s != NULL ? gwt_preflight_shown (d->value) : NULL;

      gwt_check_wonder (
          check,
          "device '%s': property '%s': %s at the %s, %s at the other end, and a guest "
          "sees nothing of it as things are",
          pair->source->id, s != NULL ? s->name : d->name, a, s != NULL ? "source" : "destination",
          b != NULL ? b : "not known");
    }
  return true;
}

static void
check_known (struct gwt_check *check, struct gwt_pair *pair, const struct gwt_manifest_property *s,
             const struct gwt_manifest_property *d)
{
  g_autofree char *here = NULL, *there = NULL, *from = NULL, *to = NULL, *remedy = NULL;
  const char *id = pair->source->id;
  bool allowed = gwt_manifest_allows (d, s->value);

  if (is_same (s->value, d->value))
    return;
  here = gwt_preflight_shown (s->value);
  there = gwt_preflight_shown (d->value);
  if (is_carried (s, d))
    {
      adapt (check, pair, s, d, here, there);
      return;
    }
  if (is_unseen (check, pair, s, d))
    return;
  from = origin (s);
  to = origin (d);
  if (!allowed)
    {
      g_autofree char *bounds = range (d);

      remedy = gwt_manifest_allows (s, d->value)
                   ? option (check->source, pair->source, s->name, d->value)
                   : NULL;
      gwt_check_refuse_if (
          check, !is_told (s, d),
          "device '%s': property '%s': %s at the source (%s), %s at the destination "
          "(%s), which %s; %s%s",
          id, s->name, here, from, there, to, bounds,
          remedy != NULL ? "start the guest with " : "use a destination that can",
          remedy != NULL ? remedy : "");
      return;
    }
  remedy = option (check->destination, pair->destination, s->name, s->value);
  if (s->explicit_)
    gwt_check_refuse (check,
                      "device '%s': property '%s': set to %s at the source (%s) and to %s at the "
                      "destination (%s); leave it out at the destination, or set it there with %s",
                      id, s->name, here, from, there, to, remedy);
  else if (d->explicit_)
    gwt_check_refuse_if (check, !is_told (s, d),
                         "device '%s': property '%s': %s at the source (%s), set to %s at the "
                         "destination (%s); leave it out at the destination%s%s",
                         id, s->name, here, from, there, to,
                         s->value != NULL ? ", or set it there with " : "",
                         s->value != NULL ? remedy : "");
  else
    gwt_check_doubt (check,
                     "device '%s': property '%s': %s at the source (%s), %s at the destination "
                     "(%s), and machine type '%s' promises the same at both; start the "
                     "destination with %s, or add the compat row that is missing to plugin '%s'",
                     id, s->name, here, from, there, to, check->source->type, remedy,
                     pair->destination->plugin);
}

/* ---- one end knows it ------------------------------------------------------------------------ */

/* The oldest behavior that still applies to its version, as compat rows are applied. */
struct json_object *
gwt_preflight_implied (const struct gwt_manifest_property *p, const struct gwt_manifest *m)
{
  const char *level = NULL;
  struct json_object *value = p->def;
  guint i;

  for (i = 0; i < p->n_rows; i++)
    {
      const struct gwt_manifest_row *row = &p->rows[i];
      const char *version = version_of (m, row->plugin);

      if (version == NULL || gwt_version_compare (version, row->level) > 0
          || (level != NULL && gwt_version_compare (row->level, level) > 0))
        continue;
      level = row->level;
      value = row->value;
    }
  return value;
}

/* Whose property it is, as far as its rows tell: perhaps that of a type above DEVICE's. */
static const char *
owner (const struct gwt_manifest_property *p, const struct gwt_manifest_device *device)
{
  return p->n_rows > 0 ? p->rows[0].plugin : device->plugin;
}

static void
check_unknown_at_destination (struct gwt_check *check, struct gwt_pair *pair,
                              const struct gwt_manifest_property *s)
{
  struct json_object *there = gwt_preflight_implied (s, check->destination);
  const char *plugin = owner (s, pair->destination);
  const char *version = version_of (check->destination, plugin);
  g_autofree char *a = NULL, *b = NULL, *from = NULL, *remedy = NULL;

  if (is_same (s->value, there) || is_unseen (check, pair, s, NULL))
    return;
  a = gwt_preflight_shown (s->value);
  b = gwt_preflight_shown (there);
  from = origin (s);
  remedy = option (check->source, pair->source, s->name, there);
  gwt_check_refuse_if (
      check, !is_told (s, NULL),
      "device '%s': property '%s': %s at the source (%s); plugin '%s' %s at the "
      "destination does not know it and behaves as %s; install a newer plugin there, "
      "or start the guest with %s",
      pair->source->id, s->name, a, from, plugin, version != NULL ? version : "", b, remedy);
}

static void
check_unknown_at_source (struct gwt_check *check, struct gwt_pair *pair,
                         const struct gwt_manifest_property *d)
{
  struct json_object *here = gwt_preflight_implied (d, check->source);
  const char *plugin = owner (d, pair->source), *version = version_of (check->source, plugin);
  g_autofree char *a = NULL, *b = NULL, *to = NULL, *remedy = NULL;

  if (is_same (here, d->value) || is_unseen (check, pair, NULL, d))
    return;
  a = gwt_preflight_shown (here);
  b = gwt_preflight_shown (d->value);
  to = origin (d);
  remedy = option (check->destination, pair->destination, d->name, here);
  gwt_check_refuse_if (
      check, d->explicit_ && !is_told (NULL, d),
      "device '%s': property '%s': plugin '%s' %s at the source does not know it "
      "and behaves as %s, %s at the destination (%s); start the destination with %s",
      pair->source->id, d->name, plugin, version != NULL ? version : "", a, b, to, remedy);
}

void
gwt_check_properties (struct gwt_check *check, struct gwt_pair *pair)
{
  guint i;

  /* Whether any value is carried decides whether facts can be asked. */
  for (i = 0; i < pair->source->n_properties && !pair->adapted; i++)
    {
      const struct gwt_manifest_property *s = &pair->source->properties[i];
      const struct gwt_manifest_property *d
          = s->explicit_ ? gwt_manifest_property (pair->destination, s->name) : NULL;

      pair->adapted = d != NULL && is_carried (s, d) && !is_same (s->value, d->value);
    }
  for (i = 0; i < pair->source->n_properties; i++)
    {
      const struct gwt_manifest_property *s = &pair->source->properties[i];
      const struct gwt_manifest_property *d = gwt_manifest_property (pair->destination, s->name);

      if (d != NULL)
        check_known (check, pair, s, d);
      else
        check_unknown_at_destination (check, pair, s);
    }
  for (i = 0; i < pair->destination->n_properties; i++)
    {
      const struct gwt_manifest_property *d = &pair->destination->properties[i];

      if (gwt_manifest_property (pair->source, d->name) == NULL)
        check_unknown_at_source (check, pair, d);
    }
}
