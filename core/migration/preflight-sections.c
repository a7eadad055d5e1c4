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
layout_of (const struct gwt_manifest_layout *layouts, guint n, uint32_t version)
{
  guint i;

  for (i = 0; i < n; i++)
    if (layouts[i].version == version)
      return layouts[i].hash;
  return NULL;
}

/* What a schema has, be it of a section or of a subsection. */
struct versions
{
  uint32_t version, minimum;
  const struct gwt_manifest_layout *layouts;
  guint n_layouts;
};

static void
check_versions (struct gwt_check *check, const char *what, const struct versions *s,
                const struct versions *d, const char *here, const char *there)
{
  const char *a = layout_of (s->layouts, s->n_layouts, s->version);
  const char *b = layout_of (d->layouts, d->n_layouts, s->version);

  if (s->version > d->version)
    gwt_check_doubt (check,
                     "%s: version %u would be sent by %s, and %s at the destination reads up to "
                     "%u; use a newer one there",
                     what, s->version, here, there, d->version);
  else if (s->version < d->minimum)
    gwt_check_doubt (check,
                     "%s: version %u would be sent by %s, and %s at the destination reads from "
                     "%u on; use an older one there",
                     what, s->version, here, there, d->minimum);
  else if (a != NULL && b != NULL && strcmp (a, b) != 0)
    gwt_check_doubt (check,
                     "%s: version %u has other fields in %s than in %s at the destination "
                     "(layouts %s and %s); use the same one at both ends",
                     what, s->version, here, there, a, b);
}

static const struct gwt_manifest_subsection *
find_subsection (const struct gwt_manifest_section *section, const char *name)
{
  guint i;

  for (i = 0; i < section->n_subsections; i++)
    if (strcmp (section->subsections[i].name, name) == 0)
      return &section->subsections[i];
  return NULL;
}

static void
check_subsection (struct gwt_check *check, const struct gwt_manifest_subsection *s,
                  const struct gwt_manifest_subsection *d, const char *section, const char *here,
                  const char *there)
{
  /* What hangs on state may be needed at any moment until the guest stands, long after memory has
     begun to be sent: nobody can promise now that it will not be. */
  bool property = s->when != NULL && g_str_has_prefix (s->when, "property ");

  if (d == NULL)
    gwt_check_doubt (check,
                     "%s: subsection '%s'%s%s%s may be sent, and %s at the destination does not "
                     "know it; use a newer one there%s",
                     section, s->name, s->when != NULL ? " (it hangs on " : "",
                     s->when != NULL ? s->when : "", s->when != NULL ? ")" : "", there,
                     property ? ", or start the guest with that property off"
                              : ", or turn x-preflight off there: the move fails in the end if the "
                                "guest's state needs it");
  /* A manifest need not tell the versions of subsections. */
  else if (s->n_layouts > 0 && d->n_layouts > 0)
    {
      struct versions a = { s->version, s->minimum, s->layouts, s->n_layouts };
      struct versions b = { d->version, d->minimum, d->layouts, d->n_layouts };
      g_autofree char *what = g_strdup_printf ("%s: subsection '%s'", section, s->name);

      check_versions (check, what, &a, &b, here, there);
    }
}

static void
check_pair (struct gwt_check *check, const struct gwt_manifest_section *s,
            const struct gwt_manifest_section *d)
{
  g_autofree char *what = subject (s), *here = maker (check->source, s),
                  *there = maker (check->destination, d);
  struct versions a = { s->version, s->minimum, s->layouts, s->n_layouts };
  struct versions b = { d->version, d->minimum, d->layouts, d->n_layouts };
  guint i;

  check_versions (check, what, &a, &b, here, there);
  for (i = 0; i < s->n_subsections; i++)
    if (s->subsections[i].may_come)
      check_subsection (check, &s->subsections[i], find_subsection (d, s->subsections[i].name),
                        what, here, there);
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

/* The same plugin has the section of S at one end and nothing at all of that device at the other
   one, M's: its state is left out there by hand. */
static bool
is_left_out (const struct gwt_manifest *m, const struct gwt_manifest_section *s,
             const char *here, const char *there)
{
  const struct gwt_manifest_device *device
      = s->device != NULL ? gwt_manifest_device (m, s->device->id) : NULL;

  return device != NULL && device->n_sections == 0 && strcmp (here, there) == 0;
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
      g_autofree char *what = NULL, *there = NULL, *here = NULL;

      if (d == NULL)
        d = find_placed (check->destination, s);
      if (d != NULL)
        {
          check_pair (check, s, d);
          continue;
        }
      what = subject (s);
      there = maker (check->destination, s);
      here = maker (check->source, s);
      if (is_left_out (check->destination, s, here, there))
        gwt_check_doubt (check,
                         "%s: it would be sent, and is left out at the destination; give "
                         "-migrate-without %s at both ends, or at neither",
                         what, s->device->id);
      else
        gwt_check_doubt (check,
                         "%s: it %s sent, and %s at the destination does not know it; use a newer "
                         "one there",
                         what, s->optional ? "may be" : "would be", there);
    }
  for (i = 0; i < n_destination; i++)
    {
      const struct gwt_manifest_section *d = &destination[i];
      g_autofree char *what = NULL, *here = NULL, *there = NULL;

      if (d->optional || gwt_manifest_section (check->source, d->name, d->instance) != NULL)
        continue;
      /* Its place in front, see above. */
      if (strrchr (d->name, '/') != NULL
          && gwt_manifest_section (check->source, strrchr (d->name, '/') + 1, 0) != NULL)
        continue;
      what = subject (d);
      here = maker (check->source, d);
      there = maker (check->destination, d);
      if (is_left_out (check->source, d, here, there))
        gwt_check_doubt (check,
                         "%s: the destination waits for it, and it is left out at the source; give "
                         "-migrate-without %s at both ends, or at neither",
                         what, d->device->id);
      else
        gwt_check_doubt (check,
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
gwt_check_section_names (struct gwt_check *check, const struct gwt_pair *pair)
{
  const struct gwt_manifest_device *s = pair->source, *d = pair->destination;
  guint i;

  for (i = 0; i < s->n_sections || i < d->n_sections; i++)
    if (i >= s->n_sections || i >= d->n_sections
        || s->sections[i].instance != d->sections[i].instance
        || strcmp (s->sections[i].name, d->sections[i].name) != 0)
      {
        gwt_check_doubt (check, "device '%s': it has other sections at the destination", s->id);
        return;
      }
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
