/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The manifest that a stream may carry: read, held against the sections that come, printed,
 * compared.  What it means that two machines differ is for preflight to say.
 */
#include "config.h"
#include <stdio.h>
#include <string.h>
#include "tools/stream/capture.h"

bool
gwt_capture_get_manifest (struct gwt_capture *c, uint64_t at, struct gwt_error *err)
{
  GWT_AUTO_ERROR (found);
  g_autofree char *text = NULL;
  uint64_t flags, size;

  if (!gwt_vm_get_be (c->in, 4, &flags, err) || !gwt_vm_get_be (c->in, 4, &size, err))
    return false;
  if (size > GWT_MANIFEST_SIZE_MAX || (text = g_try_malloc (size + 1)) == NULL)
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "byte %" G_GUINT64_FORMAT ": a manifest of %" G_GUINT64_FORMAT
                     " bytes; it can have %u",
                     at, size, GWT_MANIFEST_SIZE_MAX);
      return false;
    }
  if (!gwt_vm_get (c->in, text, size, err))
    return false;
  if (c->has_manifest)
    gwt_capture_find (c, at, "the manifest comes twice");
  if ((flags & ~(uint64_t) (GWT_STREAM_CHECK_ONLY | GWT_STREAM_WAITS)) != 0)
    gwt_capture_find (c, at, "flags 0x%" G_GINT64_MODIFIER "x of the manifest, which are not known",
                      flags);
  gwt_manifest_unref (c->manifest);
  c->has_manifest = true;
  c->manifest_offset = at;
  c->manifest_size = size;
  c->manifest_flags = (uint32_t) flags;
  c->manifest = gwt_manifest_parse ("the manifest", text, size, &found);
  if (c->manifest == NULL)
    gwt_capture_find (c, at, "%s", found.text);
  else if (strcmp (c->manifest->type, c->machine) != 0)
    gwt_capture_find (c, at, "the manifest is of machine type '%s', the configuration of '%s'",
                      c->manifest->type, c->machine);
  return true;
}

void
gwt_capture_judge_announced (struct gwt_capture *c, const struct gwt_capture_item *item)
{
  const struct gwt_manifest_section *s;
  g_autofree char *label = NULL;

  if (c->manifest == NULL)
    return;
  label = gwt_capture_label (item);
  s = gwt_manifest_section (c->manifest, item->name, item->instance);
  if (s == NULL)
    gwt_capture_find (c, item->offset, "section %s: the manifest does not name it", label);
  else if (s->version != item->version)
    gwt_capture_find (c, item->offset, "section %s: version %u, and the manifest says %u", label,
                      item->version, s->version);
}

/* ---- the document ---------------------------------------------------------------------------- */

bool
gwt_capture_print_manifest (struct gwt_capture *c, struct gwt_error *err)
{
  const int flags
      = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;

  if (!gwt_capture_walk (c, NULL, NULL, err) && !c->has_manifest)
    return false;
  /* Of a stream that breaks off the manifest is there all the same. */
  gwt_error_clear (err);
  if (c->manifest != NULL)
    {
      puts (json_object_to_json_string_ext (gwt_manifest_json (c->manifest), flags));
      return true;
    }
  for (guint i = 0; c->has_manifest && i < c->findings->len; i++)
    {
      const struct gwt_capture_finding *f
          = &g_array_index (c->findings, struct gwt_capture_finding, i);

      if (f->offset == c->manifest_offset)
        gwt_error_set (err, GWT_E_INVALID, "byte %" G_GUINT64_FORMAT ": %s", f->offset, f->text);
    }
  gwt_error_set (err, GWT_E_NOT_FOUND,
                 "it carries no manifest: its sender was another emulator, an older release, or "
                 "had capability x-manifest off");
  return false;
}

/* ---- two of them ----------------------------------------------------------------------------- */

/* Where a value came from, and what the host has to it, the guest does not see. */
static const char *const unseen[]
    = { "program", "build",  "hops",     "hop",      "source",
        "detail",  "given", "backends", "firmware", NULL };

struct compare
{
  GString *path;
  bool same;
};

static void
tell (struct compare *d, struct json_object *a, struct json_object *b)
{
  g_autofree char *path = gwt_one_line (d->path->str);
  g_autofree char *x = a == NULL ? NULL : gwt_one_line (json_object_to_json_string_ext (a, 0));
  g_autofree char *y = b == NULL ? NULL : gwt_one_line (json_object_to_json_string_ext (b, 0));

  d->same = false;
  printf ("manifest %s: %.100s%s | %.100s%s\n", path, x != NULL ? x : "null",
          x != NULL && strlen (x) > 100 ? "..." : "", y != NULL ? y : "null",
          y != NULL && strlen (y) > 100 ? "..." : "");
}

static void compare (struct compare *d, struct json_object *a, struct json_object *b);

static void
compare_member (struct compare *d, const char *name, struct json_object *a, struct json_object *b)
{
  gsize length = d->path->len;

  g_string_append_printf (d->path, "/%s", name);
  compare (d, a, b);
  g_string_truncate (d->path, length);
}

static void
alone (struct compare *d, const char *name, const char *which)
{
  g_autofree char *path = gwt_one_line (d->path->str), *line = gwt_one_line (name);

  d->same = false;
  printf ("manifest %s/%s: in the %s alone\n", path, line, which);
}

static void
compare_objects (struct compare *d, struct json_object *a, struct json_object *b)
{
  struct json_object *other;

  json_object_object_foreach (a, name, value)
  {
    if (g_strv_contains (unseen, name))
      continue;
    if (json_object_object_get_ex (b, name, &other))
      compare_member (d, name, value, other);
    else
      alone (d, name, "first");
  }
  json_object_object_foreach (b, key, unused)
  {
    (void) unused;
    if (!g_strv_contains (unseen, key) && !json_object_object_get_ex (a, key, NULL))
      alone (d, key, "second");
  }
}

/* What an element of a list is called, so that lists are compared by name. */
static const char *
name_of (struct json_object *element)
{
  static const char *const keys[] = { "id", "name" };
  struct json_object *value;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (json_object_is_type (element, json_type_object)
        && json_object_object_get_ex (element, keys[i], &value)
        && json_object_is_type (value, json_type_string))
      return json_object_get_string (value);
  return NULL;
}

/* The list as an object by name; NULL where its elements have none, or share one. */
static struct json_object *
by_name (struct json_object *list)
{
  struct json_object *object = json_object_new_object ();

  for (size_t i = 0; i < json_object_array_length (list); i++)
    {
      struct json_object *element = json_object_array_get_idx (list, i), *instance = NULL;
      const char *name = name_of (element);
      g_autofree char *key = NULL;

      if (name != NULL)
        json_object_object_get_ex (element, "instance", &instance);
      key = json_object_get_int64 (instance) != 0
                ? g_strdup_printf ("%s %" G_GINT64_FORMAT, name, json_object_get_int64 (instance))
                : g_strdup (name);
      if (key == NULL || json_object_object_get_ex (object, key, NULL))
        {
          json_object_put (object);
          return NULL;
        }
      json_object_object_add (object, key, json_object_get (element));
    }
  return object;
}

static void
compare (struct compare *d, struct json_object *a, struct json_object *b)
{
  struct json_object *x = NULL, *y = NULL;

  if (json_object_equal (a, b))
    return;
  if (json_object_is_type (a, json_type_object) && json_object_is_type (b, json_type_object))
    compare_objects (d, a, b);
  else if (json_object_is_type (a, json_type_array) && json_object_is_type (b, json_type_array)
           && (x = by_name (a)) != NULL && (y = by_name (b)) != NULL)
    compare_objects (d, x, y);
  else
    tell (d, a, b);
  json_object_put (x);
  json_object_put (y);
}

bool
gwt_capture_same_manifest (const struct gwt_capture *a, const struct gwt_capture *b)
{
  g_autoptr (GString) path = g_string_new (NULL);
  struct compare d = { path, true };

  if (a->manifest == NULL || b->manifest == NULL)
    {
      if ((a->manifest == NULL) != (b->manifest == NULL))
        printf ("manifest: in the %s alone\n", a->manifest != NULL ? "first" : "second");
      return (a->manifest == NULL) == (b->manifest == NULL);
    }
  compare (&d, gwt_manifest_json (a->manifest), gwt_manifest_json (b->manifest));
  return d.same;
}
