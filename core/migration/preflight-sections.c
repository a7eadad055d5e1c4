/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the comparison of sections: what one end will send, the other must be able to read.  The
 * version that counts is the source's; which older ones the destination reads as well matters to
 * nobody else.
 */
#include "config.h"
#include <string.h>
#include "core/migration/preflight-internal.h"

/* "device 'x': section 'y'", with the instance where it is not the first; caller frees. */
static char *
subject (const struct gwt_manifest_section *s)
{
  g_autofree char *instance
      = s->instance != 0 ? g_strdup_printf (" (instance %u)", s->instance) : g_strdup ("");

  return s->device != NULL
             ? g_strdup_printf ("device '%s': section '%s'%s", s->device->id, s->name, instance)
             : g_strdup_printf ("section '%s'%s", s->name, instance);
}

/* "plugin 'x' 5.2" at M's end; caller frees. */
static char *
maker (const struct gwt_manifest *m, const struct gwt_manifest_section *s)
{
  const struct gwt_manifest_plugin *p
      = s->device != NULL ? gwt_manifest_plugin (m, s->device->plugin) : NULL;

  return p != NULL ? g_strdup_printf ("plugin '%s' %s", p->id, p->version) : g_strdup (m->program);
}

static const char *
layout_of (const struct gwt_manifest_section *s, uint32_t version)
{
  guint i;

  for (i = 0; i < s->n_layouts; i++)
    if (s->layouts[i].version == version)
      return s->layouts[i].hash;
  return NULL;
}

static void
check_subsections (struct gwt_check *check, const struct gwt_manifest_section *s,
                   const struct gwt_manifest_section *d, const char *what)
{
  guint i, j;

  for (i = 0; i < s->n_subsections; i++)
    {
      const struct gwt_manifest_subsection *sub = &s->subsections[i];
      g_autofree char *there = NULL;

      if (!sub->may_come)
        continue;
      for (j = 0; j < d->n_subsections && strcmp (d->subsections[j].name, sub->name) != 0; j++)
        ;
      if (j < d->n_subsections)
        continue;
      there = maker (check->destination, d);
      gwt_check_refuse (check,
                        "%s: subsection '%s'%s%s%s may be sent, and %s at the destination does not "
                        "know it; use a newer one there%s",
                        what, sub->name, sub->when != NULL ? " (it hangs on " : "",
                        sub->when != NULL ? sub->when : "", sub->when != NULL ? ")" : "", there,
                        sub->when != NULL && g_str_has_prefix (sub->when, "property ")
                            ? ", or start the guest with that property off"
                            : "");
    }
}

static void
check_pair (struct gwt_check *check, const struct gwt_manifest_section *s,
            const struct gwt_manifest_section *d)
{
  g_autofree char *what = subject (s), *here = maker (check->source, s),
                  *there = maker (check->destination, d);
  const char *a = layout_of (s, s->version), *b = layout_of (d, s->version);

  if (s->version > d->version)
    gwt_check_refuse (check,
                      "%s: version %u would be sent by %s, and %s at the destination reads up to "
                      "%u; use a newer one there",
                      what, s->version, here, there, d->version);
  else if (s->version < d->minimum)
    gwt_check_refuse (check,
                      "%s: version %u would be sent by %s, and %s at the destination reads from "
                      "%u on; use an older one there",
                      what, s->version, here, there, d->minimum);
  else if (a != NULL && b != NULL && strcmp (a, b) != 0)
    gwt_check_refuse (check,
                      "%s: version %u has other fields in %s than in %s at the destination "
                      "(layouts %s and %s); use the same one at both ends",
                      what, s->version, here, there, a, b);
  check_subsections (check, s, d, what);
}

/* A section that was named for its kind alone may have got its place in front of the name since:
   a loader takes the old name for it. */
static const struct gwt_manifest_section *
find_placed (const struct gwt_manifest *m, const struct gwt_manifest_section *s)
{
  g_autofree char *tail = g_strconcat ("/", s->name, NULL);
  guint i;
  uint32_t n = 0;

  if (strchr (s->name, '/') != NULL)
    return NULL;
  for (i = 0; i < m->n_sections; i++)
    if (g_str_has_suffix (m->sections[i].name, tail) && n++ == s->instance)
      return &m->sections[i];
  return NULL;
}

static void
check_sections (struct gwt_check *check, const struct gwt_manifest_section *source, guint n_source,
                const struct gwt_manifest_section *destination, guint n_destination)
{
  guint i;

  for (i = 0; i < n_source; i++)
    {
      const struct gwt_manifest_section *s = &source[i];
      const struct gwt_manifest_section *d
          = gwt_manifest_section (check->destination, s->name, s->instance);
      g_autofree char *what = NULL, *there = NULL;

      if (d == NULL)
        d = find_placed (check->destination, s);
      if (d != NULL)
        {
          check_pair (check, s, d);
          continue;
        }
      what = subject (s);
      there = maker (check->destination, s);
      gwt_check_refuse (check,
                        "%s: it would be sent, and %s at the destination does not know it; use a "
                        "newer one there",
                        what, there);
    }
  for (i = 0; i < n_destination; i++)
    {
      const struct gwt_manifest_section *d = &destination[i];
      g_autofree char *what = NULL, *here = NULL;

      if (gwt_manifest_section (check->source, d->name, d->instance) != NULL)
        continue;
      /* Its place in front, see above. */
      if (strrchr (d->name, '/') != NULL
          && gwt_manifest_section (check->source, strrchr (d->name, '/') + 1, 0) != NULL)
        continue;
      what = subject (d);
      here = maker (check->source, d);
      gwt_check_refuse (check,
                        "%s: the destination waits for it, and %s at the source does not send it; "
                        "use the same one at both ends",
                        what, here);
    }
}

void
gwt_check_sections (struct gwt_check *check, const struct gwt_pair *pair)
{
  check_sections (check, pair->source->sections, pair->source->n_sections,
                  pair->destination->sections, pair->destination->n_sections);
}

void
gwt_check_machine_sections (struct gwt_check *check)
{
  const struct gwt_manifest *s = check->source, *d = check->destination;
  guint first = s->n_sections, second = d->n_sections;

  /* Those of no device come last. */
  while (first > 0 && s->sections[first - 1].device == NULL)
    first--;
  while (second > 0 && d->sections[second - 1].device == NULL)
    second--;
  check_sections (check, s->sections + first, s->n_sections - first, d->sections + second,
                  d->n_sections - second);
}
