/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the comparison of what devices tell of themselves by "gwt.facts/1": see godwit/facts.h for
 * what there is, and core/device/facts.h for its form in a manifest.  What one end does not tell is
 * not compared: a plugin of before may not have told it yet.
 */
#include "config.h"
#include <string.h>
#include "core/device/facts.h"
#include "core/migration/preflight-internal.h"

/* Of all devices together: a manifest can ask for far more bytes than it has. */
#define BYTES_MAX (UINT64_C (32) << 20)

static void
check_scalar (struct gwt_check *check, const struct gwt_pair *pair, const char *name,
              struct json_object *s, struct json_object *d)
{
  g_autofree char *here = NULL, *there = NULL;

  if (gwt_manifest_equal (s, d))
    return;
  here = gwt_preflight_shown (s);
  there = gwt_preflight_shown (d);
  gwt_check_doubt (check,
                   "device '%s': %s: %s at the source, %s at the destination; give it the same "
                   "back ends and properties at both ends",
                   pair->source->id, name, here, there);
}

static void
refuse_byte (struct gwt_check *check, const struct gwt_pair *pair, const char *name,
             const struct gwt_fact_bytes *s, const struct gwt_fact_bytes *d, guint at,
             const char *label)
{
  const char *plugin = pair->destination->plugin;
  const struct gwt_manifest_plugin *a = gwt_manifest_plugin (check->source, plugin);
  const struct gwt_manifest_plugin *b = gwt_manifest_plugin (check->destination, plugin);
  g_autofree char *versions
      = a != NULL && b != NULL && strcmp (a->version, b->version) != 0
            ? g_strdup_printf (" (plugin '%s' is %s and %s)", plugin, a->version, b->version)
            : g_strdup ("");
  g_autofree char *writable
      = s->write[at] == d->write[at]
            ? g_strdup ("")
            : g_strdup_printf (", and the guest can change 0x%02x of it and 0x%02x", s->write[at],
                               d->write[at]);

  gwt_check_doubt (check,
                   "device '%s': %s, byte 0x%x (%s): 0x%02x at the source, 0x%02x at the "
                   "destination%s; make it the same device with the same properties at both "
                   "ends%s",
                   pair->source->id, name, at, label != NULL ? label : "no register", s->value[at],
                   d->value[at], writable, versions);
}

/* A bit that does not count at one end is told as 0 there. */
static bool
is_same_byte (const struct gwt_fact_bytes *s, const struct gwt_fact_bytes *d, guint at)
{
  uint8_t fixed = s->compare[at] & d->compare[at] & (uint8_t) ~d->write[at];

  return ((s->value[at] ^ d->value[at]) & fixed) == 0 && s->write[at] == d->write[at];
}

/* One reason for each register. */
static void
check_bytes (struct gwt_check *check, const struct gwt_pair *pair, const char *name,
             const struct gwt_fact_bytes *s, const struct gwt_fact_bytes *d)
{
  const char *last = NULL;
  guint i;

  if (s->size != d->size)
    {
      gwt_check_doubt (check,
                       "device '%s': %s: %u bytes at the source, %u at the destination; make it "
                       "the same device with the same properties at both ends",
                       pair->source->id, name, s->size, d->size);
      return;
    }
  for (i = 0; i < s->size; i++)
    {
      const char *label;

      if (is_same_byte (s, d, i))
        continue;
      label = d->labels[i] != NULL ? d->labels[i] : s->labels[i];
      if (label != NULL && last != NULL && strcmp (label, last) == 0)
        continue;
      last = label;
      refuse_byte (check, pair, name, s, d, i, label);
    }
}

static bool
is_same_bytes (struct gwt_check *check, struct json_object *s, struct json_object *d)
{
  struct gwt_fact_bytes a = { 0 }, b = { 0 };
  GWT_AUTO_ERROR (err);
  bool same;
  guint i;

  if (check->fact_bytes > BYTES_MAX)
    return false; /* it will have its reason */
  same = gwt_fact_bytes_parse (s, &a, &err) && gwt_fact_bytes_parse (d, &b, &err)
         && a.size == b.size;
  check->fact_bytes += a.size;
  for (i = 0; same && i < a.size; i++)
    same = is_same_byte (&a, &b, i);
  gwt_fact_bytes_clear (&a);
  gwt_fact_bytes_clear (&b);
  return same;
}

bool
gwt_check_same_fact (struct gwt_check *check, struct gwt_pair *pair, const char *name)
{
  struct json_object *theirs = pair->destination->facts, *s, *d;
  gpointer known;
  bool same;

  if (pair->source->facts == NULL || theirs == NULL
      || !json_object_object_get_ex (pair->source->facts, name, &s)
      || !json_object_object_get_ex (theirs, name, &d))
    return false;
  if (!json_object_is_type (s, json_type_object) || !json_object_is_type (d, json_type_object))
    return gwt_manifest_equal (s, d);
  if (pair->adapted)
    return true;
  if (pair->same == NULL)
    pair->same = g_hash_table_new (g_str_hash, g_str_equal);
  if (g_hash_table_lookup_extended (pair->same, name, NULL, &known))
    return GPOINTER_TO_INT (known) != 0;
  same = is_same_bytes (check, s, d);
  g_hash_table_insert (pair->same, (gpointer) name, GINT_TO_POINTER (same));
  return same;
}

void
gwt_check_facts (struct gwt_check *check, const struct gwt_pair *pair)
{
  struct json_object *theirs = pair->destination->facts;

  if (pair->source->facts == NULL || theirs == NULL)
    return;
  json_object_object_foreach (pair->source->facts, name, s)
  {
    struct json_object *d;
    struct gwt_fact_bytes a = { 0 }, b = { 0 };
    GWT_AUTO_ERROR (err);
    bool good;

    if (!json_object_object_get_ex (theirs, name, &d))
      continue;
    if (check->fact_bytes > BYTES_MAX)
      break; /* it has had its reason */
    if (!json_object_is_type (s, json_type_object) && !json_object_is_type (d, json_type_object))
      {
        check_scalar (check, pair, name, s, d);
        continue;
      }
    good = gwt_fact_bytes_parse (s, &a, &err) && gwt_fact_bytes_parse (d, &b, &err);
    check->fact_bytes += a.size;
    if (check->fact_bytes > BYTES_MAX)
      gwt_check_refuse (check,
                        "device '%s': %s: facts of more than %u MiB in all are not compared; start "
                        "the guest with fewer devices",
                        pair->source->id, name, (guint) (BYTES_MAX >> 20));
    else if (!good)
      gwt_check_refuse (check,
                        "device '%s': %s: a manifest tells it in a form that is not known here "
                        "(%s); write it anew with -dump-manifest",
                        pair->source->id, name, err.text);
    /* Registers follow from properties, and are looked at again once those are taken over. */
    else if (!pair->adapted)
      check_bytes (check, pair, name, &a, &b);
    gwt_fact_bytes_clear (&a);
    gwt_fact_bytes_clear (&b);
  }
}
