/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the layout of a payload as a text and a hash.  Must not know which sections there are.
 *
 * The text is made of bytes that are always there, "12;", and of what has a length of its own:
 * "*(...)" counted, "b(...)" counted in bits, "?(...)" there or not as the device's code says,
 * "p3(...)" so many pointers of which some are NULL, "m3(...)" the same where they come and go,
 * "l(...)" a list, "t(...)" a tree, "c(TYPE)" a custom field.  A change of this text is a change
 * of every hash, and so a break with each release before: do not.
 */
#include "config.h"
#include "core/vmstate/layout.h"
#include <string.h>
#include "core/device/field.h"
#include "core/vmstate/internal.h"

struct writer
{
  GString *text;
  struct gwt_device *device;
  uint64_t bytes; /* that are always there, since the last mark */
};

static void put_schema (struct writer *w, const struct gwt_schema *schema, uint32_t version);

static void
flush (struct writer *w)
{
  if (w->bytes > 0)
    g_string_append_printf (w->text, "%" G_GUINT64_FORMAT ";", w->bytes);
  w->bytes = 0;
}

static void
begin (struct writer *w, const char *mark)
{
  flush (w);
  g_string_append_printf (w->text, "%s(", mark);
}

static void
end (struct writer *w)
{
  flush (w);
  g_string_append_c (w->text, ')');
}

/* One element. */
static void
put_element (struct writer *w, const struct gwt_schema *schema, uint64_t at)
{
  const struct gwt_vm_field *f = &schema->fields[at];
  const struct gwt_schema *nested = schema->nested[at];

  switch (f->form)
    {
    case GWT_VM_SCALAR:
      w->bytes += gwt_kind_size (f->wire);
      break;
    case GWT_VM_TIMER:
    case GWT_VM_BITMAP:
      w->bytes += 8;
      break;
    case GWT_VM_BUFFER:
    case GWT_VM_UNUSED:
      w->bytes += 1;
      break;
    case GWT_VM_STRUCT:
    case GWT_VM_TMP:
      put_schema (w, nested, nested->d.version);
      break;
    case GWT_VM_VSTRUCT:
      put_schema (w, nested, f->struct_version);
      break;
    case GWT_VM_LIST:
      begin (w, "l");
      put_schema (w, nested, nested->d.version);
      end (w);
      break;
    case GWT_VM_TREE:
      begin (w, "t");
      if (schema->keys[at] != NULL)
        put_schema (w, schema->keys[at], schema->keys[at]->d.version);
      else
        w->bytes += 8;
      flush (w);
      g_string_append_c (w->text, ',');
      put_schema (w, nested, nested->d.version);
      end (w);
      break;
    default:
      begin (w, "c");
      g_string_append (w->text, f->custom->type);
      end (w);
      break;
    }
}

/* Elements are all shaped alike: bytes alone add up, others are told once with their number. */
static void
put_elements (struct writer *w, const struct gwt_schema *schema, uint64_t at)
{
  uint64_t n = schema->fields[at].elems, before = w->bytes;
  gsize length = w->text->len;
  g_autofree char *mark = g_strdup_printf ("%" G_GUINT64_FORMAT, n);

  if (n == 0)
    return;
  put_element (w, schema, at);
  if (w->text->len == length)
    {
      w->bytes = before + (w->bytes - before) * n;
      return;
    }
  if (n == 1)
    return;
  g_string_truncate (w->text, length);
  w->bytes = before;
  begin (w, mark);
  put_element (w, schema, at);
  end (w);
}

static void
put_field (struct writer *w, const struct gwt_schema *schema, uint64_t at)
{
  const struct gwt_vm_field *f = &schema->fields[at];
  g_autofree char *mark = NULL;

  if (f->form == GWT_VM_BITMAP)
    mark = g_strdup ("b");
  else if (f->flags & GWT_VM_COUNTED)
    mark = f->scale > 1 ? g_strdup_printf ("*%" G_GUINT64_FORMAT, f->scale) : g_strdup ("*");
  else if (f->flags & GWT_VM_POINTERS)
    mark = g_strdup_printf ("%s%" G_GUINT64_FORMAT, gwt_vm_is_marked (f) ? "m" : "p", f->elems);
  if (mark == NULL)
    {
      put_elements (w, schema, at);
      return;
    }
  begin (w, mark);
  put_element (w, schema, at);
  end (w);
}

static void
put_schema (struct writer *w, const struct gwt_schema *schema, uint32_t version)
{
  uint64_t i;

  if (schema->d.save != NULL)
    {
      begin (w, "c");
      end (w);
      return;
    }
  for (i = 0; i < schema->d.n_fields; i++)
    {
      const struct gwt_vm_field *f = &schema->fields[i];

      if (f->form == GWT_VM_CHECK || f->form == GWT_VM_DERIVED
          || (f->when != NULL && !gwt_vm_property_is_on (w->device, f->when))
          || (f->exists == NULL && f->version > version))
        continue;
      /* What the code says depends on the state, so on the moment. */
      if (f->exists != NULL)
        begin (w, "?");
      put_field (w, schema, i);
      if (f->exists != NULL)
        end (w);
    }
}

char *
gwt_layout_text (const struct gwt_schema *schema, struct gwt_device *device, uint32_t version)
{
  struct writer w = { g_string_new (NULL), device, 0 };

  put_schema (&w, schema, version);
  flush (&w);
  return g_string_free (w.text, FALSE);
}

char *
gwt_layout_hash (const struct gwt_schema *schema, struct gwt_device *device, uint32_t version)
{
  g_autofree char *text = gwt_layout_text (schema, device, version);
  char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  hash[GWT_LAYOUT_DIGITS] = '\0';
  return hash;
}

/* ---- as JSON --------------------------------------------------------------------------------- */

static void
add_versions (struct json_object *o, const struct gwt_schema *schema, struct gwt_device *device)
{
  struct json_object *layouts = json_object_new_object ();
  uint32_t version = schema->d.minimum;

  json_object_object_add (o, "version", json_object_new_int64 (schema->d.version));
  json_object_object_add (o, "minimum", json_object_new_int64 (schema->d.minimum));
  if (schema->d.version - version >= GWT_LAYOUT_VERSIONS_MAX)
    version = schema->d.version - GWT_LAYOUT_VERSIONS_MAX + 1;
  /* Counted, since the last version may be the largest number there is. */
  for (uint32_t n = schema->d.version - version + 1; n > 0; n--, version++)
    {
      g_autofree char *hash = gwt_layout_hash (schema, device, version);
      g_autofree char *key = g_strdup_printf ("%" G_GUINT32_FORMAT, version);

      json_object_object_add (layouts, key, json_object_new_string (hash));
    }
  json_object_object_add (o, "layouts", layouts);
}

/* SEEN: a struct that is there many times has its subsections told once. */
static void
add_subsections (struct json_object *list, GHashTable *seen, const struct gwt_schema *schema,
                 struct gwt_device *device)
{
  uint64_t i;

  if (!g_hash_table_add (seen, (gpointer) schema))
    return;
  for (i = 0; i < schema->n_subsections; i++)
    {
      const struct gwt_schema *sub = schema->subsections[i];
      struct json_object *o;

      if (g_hash_table_contains (seen, sub))
        continue;
      o = json_object_new_object ();
      json_object_object_add (o, "name", json_object_new_string (sub->d.name));
      add_versions (o, sub, device);
      if (sub->d.when != NULL)
        {
          g_autofree char *when = g_strconcat ("property ", sub->d.when, NULL);

          json_object_object_add (o, "when", json_object_new_string (when));
        }
      else if (sub->d.needed != NULL)
        json_object_object_add (o, "when", json_object_new_string ("state"));
      json_object_object_add (
          o, "may-come",
          json_object_new_boolean (sub->d.when == NULL
                                   || gwt_vm_property_is_on (device, sub->d.when)));
      json_object_array_add (list, o);
      add_subsections (list, seen, sub, device);
    }
  for (i = 0; i < schema->d.n_fields; i++)
    {
      const struct gwt_vm_field *f = &schema->fields[i];

      if (schema->nested[i] != NULL && (f->when == NULL || gwt_vm_property_is_on (device, f->when)))
        add_subsections (list, seen, schema->nested[i], device);
    }
}

struct json_object *
gwt_layout_json (const struct gwt_schema *schema, struct gwt_device *device)
{
  struct json_object *o = json_object_new_object (), *list = json_object_new_array ();
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  add_versions (o, schema, device);
  add_subsections (list, seen, schema, device);
  if (json_object_array_length (list) > 0)
    json_object_object_add (o, "subsections", list);
  else
    json_object_put (list);
  return o;
}
