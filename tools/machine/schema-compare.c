/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What changed between two releases' schemas, and which way it closes to a guest: each direction is
 * tried as a migration would go, sender's fields against the receiver's, in the version that the
 * sender sends.  Must not know how changes are told to people.
 */
#include "config.h"
#include "tools/machine/schema.h"
#include <string.h>

/* One end of a direction. */
struct end
{
  struct json_object *properties;
  const char *name; /* "old", "new" */
};

struct comparison
{
  GPtrArray *changes;
  GHashTable *seen; /* text -> change of this section: what is found both ways is one change */
  const char *type, *section;
  struct json_object *plugin;
  struct end from, to; /* of this direction */
  unsigned way;
  unsigned depth;
};

static void
free_change (gpointer data)
{
  struct schema_change *c = data;

  g_free (c->type);
  g_free (c->section);
  g_free (c->text);
  g_free (c);
}

static void say (struct comparison *c, unsigned ways, const char *when, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

static void
say (struct comparison *c, unsigned ways, const char *when, const char *format, ...)
{
  struct schema_change *change;
  va_list args;
  char *text;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  change = g_hash_table_lookup (c->seen, text);
  if (change == NULL)
    {
      change = g_new0 (struct schema_change, 1);
      change->type = g_strdup (c->type);
      change->section = g_strdup (c->section);
      change->text = text;
      change->plugin = c->plugin;
      g_ptr_array_add (c->changes, change);
      g_hash_table_insert (c->seen, text, change);
    }
  else
    g_free (text);
  change->ways |= ways;
  if (when != NULL)
    change->when = when;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static bool compare_descriptions (struct comparison *c, struct json_object *from,
                                  struct json_object *to, uint64_t version, uint64_t reads,
                                  const char *where);
static void compare_subsections (struct comparison *c, struct json_object *from,
                                 struct json_object *to, const char *where);

/* "field 'x' (uint32, 4 elements)" */
static char *
describe (const struct schema_atom *a)
{
  GString *s = g_string_new (NULL);

  uint64_t num = a->num + (a->unused ? 0 : a->taken), size = a->size + (a->unused ? a->taken : 0);

  g_string_printf (s, "'%s' (", a->path);
  if (a->type != NULL)
    g_string_append (s, a->type);
  else
    g_string_append_printf (s, "%" G_GUINT64_FORMAT " bytes", size);
  if (a->unused || g_strcmp0 (a->type, "buffer") == 0)
    g_string_append_printf (s, " of %" G_GUINT64_FORMAT " bytes", size);
  if (a->counted)
    g_string_append (s, ", counted");
  if (num > 1)
    g_string_append_printf (s, ", %s%" G_GUINT64_FORMAT, a->counted ? "at most " : "", num);
  g_string_append_c (s, ')');
  return g_string_free (s, FALSE);
}

static char *
path_in (const char *where, const char *path)
{
  return where[0] != '\0' ? g_strdup_printf ("%s: '%s'", where, path)
                          : g_strdup_printf ("'%s'", path);
}

/* Text that is the same whichever way is being tried. */
static void
say_pair (struct comparison *c, const char *where, const struct schema_atom *from,
          const struct schema_atom *to, unsigned ways, const char *what)
{
  const struct schema_atom *before = c->way == SCHEMA_FORWARD ? from : to;
  const struct schema_atom *after = c->way == SCHEMA_FORWARD ? to : from;
  g_autofree char *was = before != NULL ? describe (before) : NULL;
  g_autofree char *is = after != NULL ? describe (after) : NULL;
  const char *colon = where[0] != '\0' ? ": " : "";
  const char *when = after != NULL ? after->when : NULL;

  if (was != NULL && is != NULL)
    say (c, ways, when, "%s%sfield %s is %s now%s", where, colon, was, is, what);
  else if (is != NULL)
    say (c, ways, when, "%s%sfield %s is new%s", where, colon, is, what);
  else
    say (c, ways, NULL, "%s%sfield %s is gone%s", where, colon, was, what);
}

static bool
named (const GPtrArray *atoms, const char *path)
{
  guint i;

  for (i = 0; i < atoms->len; i++)
    if (strcmp (((struct schema_atom *) atoms->pdata[i])->path, path) == 0)
      return true;
  return false;
}

/* A receiver that takes less than the sender may have. */
static void
compare_bounds (struct comparison *c, const char *where, const struct schema_atom *from,
                const struct schema_atom *to)
{
  g_autofree char *path = path_in (where, to->path);

  if ((to->min != 0 || to->max != 0) && from->size <= 8 && !from->unused
      && ((from->min == 0 && from->max == 0) || from->max > to->max || from->min < to->min))
    say (c, c->way, NULL,
         "%s: the %s one refuses what is not from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
         ", and the %s one may have it",
         path, c->to.name, to->min, to->max, c->from.name);
  if (from->counted && from->num > to->num)
    say (c, c->way, NULL,
         "%s: the %s one refuses more than %" G_GUINT64_FORMAT
         " elements, and the %s one may have %" G_GUINT64_FORMAT,
         path, c->to.name, to->num, c->from.name, from->num);
}

/* Bytes that both ends find at the same place; do they take them for the same? */
static bool
compare_meaning (struct comparison *c, const char *where, const struct schema_atom *from,
                 const struct schema_atom *to, const GPtrArray *froms, const GPtrArray *tos)
{
  bool renamed = strcmp (from->path, to->path) != 0;

  if (from->unused || to->unused)
    {
      if (from->unused != to->unused)
        say_pair (c, where, from, to, 0,
                  from->unused == (c->way == SCHEMA_FORWARD)
                      ? ": the old one sends zeros and passes over what it gets"
                      : ": the new one sends zeros and passes over what it gets");
      return true;
    }
  /* The rest of an array has the name of its beginning. */
  if (renamed && from->taken == 0 && to->taken == 0
      && (named (tos, from->path) || named (froms, to->path)))
    {
      say_pair (c, where, from, to, c->way, ": the order is another one");
      return false;
    }
  if (renamed)
    say_pair (c, where, from, to, 0, ": another name for the same bytes");
  else if (from->type != NULL && to->type != NULL && strcmp (from->type, to->type) != 0)
    say_pair (c, where, from, to, 0, ": the same bytes");
  compare_bounds (c, where, from, to);
  return true;
}

static bool
same_condition (const struct schema_atom *a, const struct schema_atom *b)
{
  return a->open == b->open
         && (!a->open || (strcmp (a->path, b->path) == 0 && g_strcmp0 (a->when, b->when) == 0));
}

/* Bytes of a field that is always as long, 0 of others. */
static uint64_t
fixed (const struct schema_atom *a)
{
  return a->counted || a->markers || a->open || a->inner != NULL || a->subsections != NULL
                 || (a->size != 0 && a->num > UINT64_MAX / a->size)
             ? 0
             : a->size * a->num;
}

/* Both are no plain bytes: one of a length that differs, structs, or what only code knows. */
static bool
compare_odd (struct comparison *c, const char *where, const struct schema_atom *from,
             const struct schema_atom *to, const GPtrArray *froms, const GPtrArray *tos)
{
  if (from->subsections != NULL || to->subsections != NULL)
    {
      struct json_object *a = from->subsections, *b = to->subsections;

      if (a == NULL || b == NULL)
        return false;
      g_autofree char *inside = path_in (where, from->path);
      compare_subsections (c, a, b, inside);
      return true;
    }
  if (!same_condition (from, to))
    {
      say_pair (c, where, from, to, c->way,
                ": whether it is there hangs on what no document shows; let it hang on a property");
      return false;
    }
  if (from->size != to->size || from->counted != to->counted || from->markers != to->markers
      || (!from->counted && from->num != to->num) || (from->inner == NULL) != (to->inner == NULL)
      || (from->size == 0 && g_strcmp0 (from->type, to->type) != 0))
    {
      say_pair (c, where, from, to, c->way, ": the bytes behind it are read at other places");
      return false;
    }
  if (from->inner != NULL)
    {
      g_autofree char *inside = path_in (where, from->path);

      if (!compare_descriptions (c, from->inner, to->inner,
                                 schema_number (from->inner, "version_id"),
                                 schema_number (to->inner, "version_id"), inside))
        return false;
    }
  return compare_meaning (c, where, from, to, froms, tos);
}

/* Take SIZE bytes off A: whole elements of an array, or some of what nobody uses. */
static bool
take (struct schema_atom *a, uint64_t size)
{
  uint64_t part = a->unused && a->num == 1 ? 1 : a->size;

  if (part == a->size && (a->num == 1 || size % part != 0))
    return false;
  *(part == a->size ? &a->num : &a->size) -= size / part;
  a->taken += size / part;
  return true;
}

/* The fields as FROM sends them and TO reads them; false where the rest cannot be compared. */
static bool
compare_fields (struct comparison *c, const GPtrArray *froms, const GPtrArray *tos,
                const char *where)
{
  guint i = 0, j = 0;

  while (i < froms->len || j < tos->len)
    {
      struct schema_atom *from = i < froms->len ? froms->pdata[i] : NULL;
      struct schema_atom *to = j < tos->len ? tos->pdata[j] : NULL;
      uint64_t has = from != NULL ? fixed (from) : 0, wants = to != NULL ? fixed (to) : 0;

      /* Of a struct that has no subsections at the other end there is nothing there. */
      if (from != NULL && from->subsections != NULL && (to == NULL || to->subsections == NULL))
        {
          g_autofree char *inside = path_in (where, from->path);

          compare_subsections (c, from->subsections, NULL, inside);
          i++;
          continue;
        }
      if (to != NULL && to->subsections != NULL && (from == NULL || from->subsections == NULL))
        {
          j++;
          continue;
        }
      if (from == NULL || to == NULL)
        {
          /* What was longer than its counterpart all along. */
          if (from == NULL && to->taken > 0)
            from = froms->pdata[froms->len - 1];
          else if (to == NULL && from->taken > 0)
            to = tos->pdata[tos->len - 1];
          if (from != NULL && to != NULL)
            {
              say_pair (c, where, from, to, c->way,
                        ": the bytes behind it are read at other places");
              return false;
            }
          say_pair (c, where, from, to, c->way,
                    ": without a version or a property that says so");
          return false;
        }
      if (has == 0 || wants == 0)
        {
          if (has != wants)
            {
              say_pair (c, where, from, to, c->way,
                        ": the bytes behind it are read at other places");
              return false;
            }
          if (!compare_odd (c, where, from, to, froms, tos))
            return false;
          i++, j++;
          continue;
        }
      if (has == wants)
        {
          if (!compare_meaning (c, where, from, to, froms, tos))
            return false;
          i++, j++;
          continue;
        }
      /* One has more: the rest of it is for what follows at the other end. */
      if (!compare_meaning (c, where, from, to, froms, tos)
          || !take (has > wants ? from : to, MIN (has, wants)))
        {
          say_pair (c, where, from, to, c->way, ": the bytes behind it are read at other places");
          return false;
        }
      *(has > wants ? &j : &i) += 1;
    }
  return true;
}

/* ---- descriptions ---------------------------------------------------------------------------- */

static struct json_object *
find_subsection (struct json_object *list, const char *name)
{
  size_t n = list != NULL ? json_object_array_length (list) : 0, i;

  for (i = 0; i < n; i++)
    {
      struct json_object *sub = json_object_array_get_idx (list, i);

      if (strcmp (schema_text (sub, "name"), name) == 0)
        return sub;
    }
  return NULL;
}

/* Is D, a section or subsection, never sent? */
static bool
never_sent (struct json_object *d, struct json_object *properties)
{
  const char *when = schema_text (d, "when");

  return when != NULL && schema_property (properties, when) == 0;
}

static char *
sent_when (struct json_object *d)
{
  const char *when = schema_text (d, "when");
  struct json_object *known;
  bool needed = schema_flag (d, "needed") || !json_object_object_get_ex (d, "needed", &known);

  if (when != NULL)
    return g_strdup_printf ("where property '%s' is on%s", when,
                            needed ? " and the device's state asks for it" : "");
  return g_strdup (needed ? "where the device's state asks for it" : "always");
}

static void
compare_subsections (struct comparison *c, struct json_object *from, struct json_object *to,
                     const char *where)
{
  size_t n = from != NULL ? json_object_array_length (from) : 0, i;
  const char *colon = where[0] != '\0' ? ": " : "";

  for (i = 0; i < n; i++)
    {
      struct json_object *sub = json_object_array_get_idx (from, i), *other;
      const char *name = schema_text (sub, "name");
      g_autofree char *inside = g_strdup_printf ("%s%ssubsection '%s'", where, colon, name);
      const char *when = c->way == SCHEMA_BACKWARD ? schema_text (sub, "when") : NULL;

      other = find_subsection (to, name);
      if (other == NULL)
        {
          g_autofree char *sent = sent_when (sub);

          say (c, never_sent (sub, c->from.properties) ? 0 : c->way, when,
               "%s is %s, sent %s%s", inside, c->way == SCHEMA_FORWARD ? "gone" : "new", sent,
               never_sent (sub, c->from.properties) ? ": never under this machine type" : "");
          continue;
        }
      if (never_sent (sub, c->from.properties))
        continue;
      if (never_sent (other, c->to.properties))
        {
          say (c, c->way, schema_text (other, "when"),
               "%s hangs on property '%s', which is off in the %s one", inside,
               schema_text (other, "when"), c->to.name);
          continue;
        }
      compare_descriptions (c, sub, other, schema_number (sub, "version_id"), 0, inside);
    }
}

/* VERSION is sent.  READS: the receiver takes it for this version of its own whatever was sent, as
   with structs inside; 0: it knows which one comes. */
static bool
compare_descriptions (struct comparison *c, struct json_object *from, struct json_object *to,
                      uint64_t version, uint64_t reads, const char *where)
{
  const char *colon = where[0] != '\0' ? ": " : "";
  uint64_t newest = schema_number (to, "version_id");
  uint64_t oldest = schema_number (to, "minimum_version_id");
  struct json_object *a = NULL, *b = NULL;
  bool good = true;

  if (++c->depth > 64)
    return false;
  if (reads == 0 && (version > newest || version < oldest))
    say (c, c->way, NULL,
         "%s%sthe %s one sends version %" G_GUINT64_FORMAT
         ", and the %s one reads %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
         where, colon, c->from.name, version, c->to.name, oldest, newest);
  else
    {
      g_autoptr (GPtrArray) froms = schema_atoms (from, version, c->from.properties);
      g_autoptr (GPtrArray) tos
          = schema_atoms (to, reads != 0 ? reads : version, c->to.properties);

      good = compare_fields (c, froms, tos, where);
    }
  json_object_object_get_ex (from, "Subsections", &a);
  json_object_object_get_ex (to, "Subsections", &b);
  compare_subsections (c, a, b, where);
  c->depth--;
  return good;
}

/* What an older stream does not have is pre_load's to set: told once, it closes no way. */
static void
note_defaults (struct comparison *c, struct json_object *before, struct json_object *after)
{
  uint64_t was = schema_number (before, "version_id"), is = schema_number (after, "version_id");

  if (is > was && schema_number (after, "minimum_version_id") <= was)
    say (c, 0, NULL,
         "version %" G_GUINT64_FORMAT " is %" G_GUINT64_FORMAT
         " now, and the older one is still read%s",
         was, is,
         schema_flag (after, "pre_load")
             ? ""
             : "; without a pre_load what it does not have stays as after a reset");
}

/* ---- sections -------------------------------------------------------------------------------- */

static void
compare_sections (struct comparison *c, struct json_object *before, struct json_object *after)
{
  struct json_object *a, *b, *pa = NULL, *pb = NULL;

  json_object_object_get_ex (before, "Description", &a);
  json_object_object_get_ex (after, "Description", &b);
  json_object_object_get_ex (before, "properties", &pa);
  json_object_object_get_ex (after, "properties", &pb);
  note_defaults (c, a, b);
  c->way = SCHEMA_FORWARD;
  c->from = (struct end){ pa, "old" };
  c->to = (struct end){ pb, "new" };
  compare_descriptions (c, a, b, schema_number (a, "version_id"), 0, "");
  c->way = SCHEMA_BACKWARD;
  c->from = (struct end){ pb, "new" };
  c->to = (struct end){ pa, "old" };
  compare_descriptions (c, b, a, schema_number (b, "version_id"), 0, "");
}

static char *
type_of (const char *key)
{
  const char *slash = strchr (key, '/');

  return slash != NULL ? g_strndup (key, (gsize) (slash - key)) : g_strdup (key);
}

/* The section of TYPE with that NAME (NULL: any) in ALL. */
static struct json_object *
find_section (struct json_object *all, const char *type, const char *name)
{
  json_object_object_foreach (all, key, entry)
    {
      g_autofree char *owner = type_of (key);
      struct json_object *d;

      if (strcmp (owner, type) == 0 && json_object_object_get_ex (entry, "Description", &d)
          && (name == NULL || strcmp (schema_text (d, "name"), name) == 0))
        return entry;
    }
  return NULL;
}

static const char *
renamed (const struct schema_renames *r, const char *type, bool forward)
{
  for (; r != NULL && r->before != NULL; r++)
    if (strcmp (forward ? r->before : r->after, type) == 0)
      return forward ? r->after : r->before;
  return type;
}

/* A section that is in ENTRY's document alone: streams have it or not, and neither end takes the
   other's; but for one that is only sent sometimes. */
static void
only_one (struct comparison *c, struct json_object *entry, struct json_object *other_document,
          const char *other_type, bool is_new)
{
  struct json_object *d, *properties = NULL;
  unsigned ways = SCHEMA_FORWARD | SCHEMA_BACKWARD;
  g_autofree char *sent = NULL;

  json_object_object_get_ex (entry, "Description", &d);
  json_object_object_get_ex (entry, "properties", &properties);
  sent = sent_when (d);
  if (find_section (other_document, other_type, NULL) == NULL)
    {
      say (c, is_new ? 0 : ways, NULL,
           is_new ? "the device type is new" : "the device type is gone");
      return;
    }
  if (never_sent (d, properties))
    ways = 0;
  else if (schema_flag (d, "needed") || schema_text (d, "when") != NULL)
    ways = is_new ? SCHEMA_BACKWARD : SCHEMA_FORWARD;
  say (c, ways, is_new ? schema_text (d, "when") : NULL, "the section is %s, sent %s",
       is_new ? "new" : "gone", sent);
}

GPtrArray *
schema_compare (struct json_object *before, struct json_object *after,
                const struct schema_renames *renames)
{
  GPtrArray *changes = g_ptr_array_new_with_free_func (free_change);
  unsigned pass;

  for (pass = 0; pass < 2; pass++)
    {
      json_object_object_foreach (pass == 0 ? before : after, key, entry)
        {
          struct comparison c = { .changes = changes };
          struct json_object *d, *other;
          g_autofree char *type = type_of (key);
          const char *there = renamed (renames, type, pass == 0);

          if (strcmp (key, "vmschkmachine") == 0
              || !json_object_object_get_ex (entry, "Description", &d))
            continue;
          other = find_section (pass == 0 ? after : before, there, schema_text (d, "name"));
          if (pass == 1 && other != NULL)
            continue; /* seen */
          c.seen = g_hash_table_new (g_str_hash, g_str_equal);
          c.type = pass == 0 ? there : type;
          c.section = schema_text (d, "name");
          if (!json_object_object_get_ex (pass == 0 && other != NULL ? other : entry, "plugin",
                                          &c.plugin))
            c.plugin = NULL;
          if (other != NULL)
            compare_sections (&c, entry, other);
          else
            only_one (&c, entry, pass == 0 ? after : before, there, pass == 1);
          g_hash_table_unref (c.seen);
        }
    }
  return changes;
}
