/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * godwit-stream diff: what two captured streams have in common and what not, by section and field.
 * RAM is compared by what each page has at the end, however it came there.
 */
#include "config.h"
#include <stdio.h>
#include <string.h>
#include "tools/stream/capture.h"

/* Values and bytes on a line, and ranges of pages of a block, unless all are wanted. */
#define VALUES_MAX 8
#define BYTES_MAX 16
#define RANGES_MAX 8

struct diff
{
  struct gwt_capture *a, *b;
  bool all, same;
  GString *path;
  gsize section; /* length of its label in PATH */
  struct gwt_error *err;
};

static void
differ (struct diff *d)
{
  d->same = false;
}

static void
print_path (struct diff *d)
{
  g_autofree char *path = gwt_one_line (d->path->str);

  differ (d);
  printf ("%s: ", path);
}

/* ---- fields ---------------------------------------------------------------------------------- */

static uint64_t
get_be (const uint8_t *bytes, uint64_t size)
{
  uint64_t value = 0, i;

  for (i = 0; i < size; i++)
    value = value << 8 | bytes[i];
  return value;
}

static void
print_element (const struct gwt_capture_node *node, const uint8_t *bytes)
{
  uint64_t i, n = MIN (node->size, BYTES_MAX);
  bool is_signed;

  if (gwt_capture_is_integer (node, &is_signed))
    printf ("0x%" G_GINT64_MODIFIER "x", get_be (bytes, node->size));
  else
    {
      for (i = 0; i < n; i++)
        printf ("%02x", bytes[i]);
      printf (n < node->size ? "..." : "");
    }
}

/* One difference in PART, at element I of an array. */
static void
print_pair (struct diff *d, const struct gwt_capture_node *x, uint64_t i, const uint8_t *a,
            const uint8_t *b)
{
  if (x->count > 1)
    {
      gsize length = d->path->len;

      g_string_append_printf (d->path, "[%" G_GUINT64_FORMAT "]", i);
      print_path (d);
      g_string_truncate (d->path, length);
    }
  else
    print_path (d);
  print_element (x, a);
  printf (" | ");
  print_element (x, b);
  putchar ('\n');
}

/* A buffer's first difference, and how many bytes differ. */
static void
print_buffer (struct diff *d, const struct gwt_capture_node *x, const uint8_t *a, const uint8_t *b)
{
  uint64_t total = x->count * x->size, first = total, n = 0, i;

  for (i = 0; i < total; i++)
    if (a[i] != b[i])
      {
        first = MIN (first, i);
        n++;
      }
  print_path (d);
  printf ("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes, the first at %" G_GUINT64_FORMAT
          ": %02x | %02x\n",
          n, total, first, a[first], b[first]);
}

static bool
diff_leaf (struct diff *d, const struct gwt_capture_node *x, const struct gwt_capture_node *y)
{
  uint64_t total = x->count * x->size, i, shown = 0;
  g_autofree uint8_t *a = NULL, *b = NULL;
  bool is_signed;

  if (strcmp (x->type, y->type) != 0 || x->size != y->size || x->count != y->count)
    {
      print_path (d);
      printf ("%s, %" G_GUINT64_FORMAT " times %" G_GUINT64_FORMAT " bytes | %s, %" G_GUINT64_FORMAT
              " times %" G_GUINT64_FORMAT " bytes\n",
              x->type, x->count, x->size, y->type, y->count, y->size);
      return true;
    }
  a = g_try_malloc (total + 1);
  b = g_try_malloc (total + 1);
  if (a == NULL || b == NULL)
    {
      gwt_error_set (d->err, GWT_E_NO_MEMORY, "no memory for %" G_GUINT64_FORMAT " bytes", total);
      return false;
    }
  if (!gwt_capture_file_read (d->a->file, x->offset, a, total, d->err)
      || !gwt_capture_file_read (d->b->file, y->offset, b, total, d->err))
    return false;
  if (memcmp (a, b, total) == 0)
    return true;
  if (x->size > BYTES_MAX || (x->count > 1 && !gwt_capture_is_integer (x, &is_signed)))
    {
      print_buffer (d, x, a, b);
      return true;
    }
  for (i = 0; i < x->count; i++)
    if (memcmp (a + i * x->size, b + i * x->size, x->size) != 0 && (shown++ < VALUES_MAX || d->all))
      print_pair (d, x, i, a + i * x->size, b + i * x->size);
  if (shown > VALUES_MAX && !d->all)
    {
      print_path (d);
      printf ("%" G_GUINT64_FORMAT " more elements\n", shown - VALUES_MAX);
    }
  return true;
}

static bool
is_same_name (const struct gwt_capture_node *x, const struct gwt_capture_node *y)
{
  return strcmp (x->name, y->name) == 0 && x->index == y->index
         && (strcmp (x->type, "subsection") == 0) == (strcmp (y->type, "subsection") == 0);
}

static char *
node_key (const struct gwt_capture_node *node)
{
  return g_strdup_printf ("%d %" G_GINT64_FORMAT " %s", strcmp (node->type, "subsection") == 0,
                          node->index, node->name);
}

/* The one of LIST that has the name of LIKE.  *INDEX is made when it is first needed: mostly both
   have them in the same order. */
static const struct gwt_capture_node *
find_node (GHashTable **index, const struct gwt_capture_node *list,
           const struct gwt_capture_node *like)
{
  g_autofree char *key = node_key (like);

  if (*index == NULL)
    {
      *index = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      for (; list != NULL; list = list->next)
        g_hash_table_insert (*index, node_key (list), (gpointer) list);
    }
  return g_hash_table_lookup (*index, key);
}

static void
print_only (struct diff *d, const struct gwt_capture_node *node, const char *where)
{
  bool subsection = strcmp (node->type, "subsection") == 0;
  g_autofree char *name = gwt_one_line (node->name);

  print_path (d);
  printf ("%s '%s'", subsection ? "subsection" : "field", name);
  if (node->index >= 0)
    printf ("[%" G_GINT64_FORMAT "]", node->index);
  printf (" in the %s alone\n", where);
}

static bool
diff_nodes (struct diff *d, const struct gwt_capture_node *x, const struct gwt_capture_node *y)
{
  const struct gwt_capture_node *all_x = x, *rest = y, *like;
  g_autoptr (GHashTable) of_x = NULL, of_y = NULL;
  gsize length = d->path->len;

  for (; x != NULL; x = x->next)
    {
      like = rest != NULL && is_same_name (x, rest) ? rest : find_node (&of_y, y, x);
      if (like == NULL)
        {
          print_only (d, x, "first");
          continue;
        }
      rest = like->next;
      g_string_append_printf (d->path, "%s%s", length == d->section ? ": " : ".", x->name);
      if (x->index >= 0)
        g_string_append_printf (d->path, "[%" G_GINT64_FORMAT "]", x->index);
      if (x->version != like->version)
        {
          print_path (d);
          printf ("version %u | version %u\n", x->version, like->version);
        }
      if (!(x->first != NULL || like->first != NULL ? diff_nodes (d, x->first, like->first)
                                                    : diff_leaf (d, x, like)))
        return false;
      g_string_truncate (d->path, length);
    }
  for (rest = all_x; y != NULL; y = y->next)
    {
      if (rest != NULL && is_same_name (rest, y))
        rest = rest->next;
      else if (find_node (&of_x, all_x, y) == NULL)
        print_only (d, y, "second");
    }
  return true;
}

/* ---- sections -------------------------------------------------------------------------------- */

/* Sections with state, by instance and name. */
static GHashTable *
index_sections (const struct gwt_capture *c)
{
  GHashTable *index = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint i;

  for (i = 0; i < c->items->len; i++)
    {
      struct gwt_capture_item *item = c->items->pdata[i];

      if (item->tag == GWT_STREAM_FULL)
        g_hash_table_insert (index, g_strdup_printf ("%u %s", item->instance, item->name), item);
    }
  return index;
}

static void
print_sections_of (struct diff *d, const struct gwt_capture *c, GHashTable *other,
                   const char *where)
{
  guint i;

  for (i = 0; i < c->items->len; i++)
    {
      const struct gwt_capture_item *item = c->items->pdata[i];
      g_autofree char *key = NULL, *label = NULL;

      if (item->tag != GWT_STREAM_FULL)
        continue;
      key = g_strdup_printf ("%u %s", item->instance, item->name);
      if (g_hash_table_contains (other, key))
        continue;
      label = gwt_capture_label (item);
      differ (d);
      printf ("section %s: in the %s alone\n", label, where);
    }
}

static bool
diff_section (struct diff *d, const struct gwt_capture_item *x, const struct gwt_capture_item *y)
{
  g_autofree char *label = gwt_capture_label (x);
  struct gwt_capture_node a = { .name = "", .type = "buffer", .count = 1, .index = -1 }, b = a;

  g_string_printf (d->path, "section %s", label);
  d->section = d->path->len;
  if (x->version != y->version)
    {
      print_path (d);
      printf ("version %u | version %u\n", x->version, y->version);
    }
  if (!x->delimited && !y->delimited)
    return diff_nodes (d, x->fields, y->fields);
  a.offset = x->payload;
  a.size = x->end - x->payload;
  b.offset = y->payload;
  b.size = y->end - y->payload;
  return diff_leaf (d, &a, &b);
}

static bool
diff_sections (struct diff *d)
{
  g_autoptr (GHashTable) of_a = index_sections (d->a), of_b = index_sections (d->b);
  guint i;

  print_sections_of (d, d->a, of_b, "first");
  print_sections_of (d, d->b, of_a, "second");
  for (i = 0; i < d->a->items->len; i++)
    {
      const struct gwt_capture_item *x = d->a->items->pdata[i], *y;
      g_autofree char *key = NULL;

      if (x->tag != GWT_STREAM_FULL)
        continue;
      key = g_strdup_printf ("%u %s", x->instance, x->name);
      y = g_hash_table_lookup (of_b, key);
      if (y != NULL && !diff_section (d, x, y))
        return false;
    }
  return true;
}

/* ---- RAM ------------------------------------------------------------------------------------- */

struct ranges
{
  uint64_t pages, first, last; /* of the range that is open */
  guint count;
  bool open;
  GString *text;
};

static void
range_close (struct ranges *r, uint64_t page_size, bool all)
{
  if (!r->open)
    return;
  r->open = false;
  if (r->count++ < RANGES_MAX || all)
    g_string_append_printf (r->text, " 0x%" G_GINT64_MODIFIER "x", r->first * page_size);
  if ((r->count <= RANGES_MAX || all) && r->last > r->first)
    g_string_append_printf (r->text, "-0x%" G_GINT64_MODIFIER "x", (r->last + 1) * page_size - 1);
}

static void
range_add (struct ranges *r, uint64_t page, uint64_t page_size, bool all)
{
  if (r->open && page != r->last + 1)
    range_close (r, page_size, all);
  if (!r->open)
    r->first = page;
  r->open = true;
  r->last = page;
  r->pages++;
}

static bool
diff_pages (struct diff *d, const struct gwt_capture_block *x, const struct gwt_capture_block *y,
            struct ranges *r)
{
  g_autoptr (GArray) of_x = gwt_capture_pages (d->a, x), of_y = gwt_capture_pages (d->b, y);
  g_autofree uint8_t *a = g_malloc (d->a->page_size), *b = g_malloc (d->a->page_size);
  guint i = 0, k = 0;

  while (i < of_x->len || k < of_y->len)
    {
      uint64_t p = i < of_x->len ? g_array_index (of_x, uint64_t, i) : UINT64_MAX;
      uint64_t q = k < of_y->len ? g_array_index (of_y, uint64_t, k) : UINT64_MAX;
      uint64_t page = MIN (p, q);

      i += p == page;
      k += q == page;
      if (!gwt_capture_page (d->a, x, page, a, d->err)
          || !gwt_capture_page (d->b, y, page, b, d->err))
        return false;
      if (memcmp (a, b, d->a->page_size) != 0)
        range_add (r, page, d->a->page_size, d->all);
    }
  range_close (r, d->a->page_size, d->all);
  return true;
}

static bool
diff_block (struct diff *d, const struct gwt_capture_block *x, const struct gwt_capture_block *y)
{
  g_autoptr (GString) text = g_string_new ("");
  g_autofree char *name = gwt_one_line (x->name);
  struct ranges r = { .text = text };

  if (x->length != y->length)
    {
      differ (d);
      printf ("RAM '%s': %" G_GUINT64_FORMAT " bytes | %" G_GUINT64_FORMAT " bytes\n", name,
              x->length, y->length);
    }
  if (x->has_address && y->has_address && x->guest_address != y->guest_address)
    {
      differ (d);
      printf ("RAM '%s': at 0x%" G_GINT64_MODIFIER "x | at 0x%" G_GINT64_MODIFIER "x\n", name,
              x->guest_address, y->guest_address);
    }
  if (!diff_pages (d, x, y, &r))
    return false;
  if (r.pages > 0)
    {
      differ (d);
      printf ("RAM '%s': %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " pages differ:%s%s\n", name,
              r.pages, x->length / d->a->page_size, text->str,
              r.count > RANGES_MAX && !d->all ? " and more" : "");
    }
  return true;
}

static bool
diff_ram (struct diff *d)
{
  guint i;

  for (i = 0; i < d->b->blocks->len; i++)
    {
      const struct gwt_capture_block *y = d->b->blocks->pdata[i];
      g_autofree char *name = gwt_one_line (y->name);

      if (g_hash_table_contains (d->a->block_names, y->name))
        continue;
      differ (d);
      printf ("RAM '%s': in the second alone\n", name);
    }
  for (i = 0; i < d->a->blocks->len; i++)
    {
      const struct gwt_capture_block *x = d->a->blocks->pdata[i];
      const struct gwt_capture_block *y = g_hash_table_lookup (d->b->block_names, x->name);
      g_autofree char *name = gwt_one_line (x->name);

      if (y == NULL)
        {
          differ (d);
          printf ("RAM '%s': in the first alone\n", name);
        }
      else if (!diff_block (d, x, y))
        return false;
    }
  return true;
}

bool
gwt_capture_diff (struct gwt_capture *a, struct gwt_capture *b, bool all, bool *same,
                  struct gwt_error *err)
{
  g_autoptr (GString) path = g_string_new ("");
  struct diff d = { a, b, all, true, path, 0, err };
  bool good;

  if (strcmp (a->machine, b->machine) != 0)
    {
      g_autofree char *x = gwt_one_line (a->machine), *y = gwt_one_line (b->machine);

      differ (&d);
      printf ("machine: '%s' | '%s'\n", x, y);
    }
  if (a->has_uuid != b->has_uuid || memcmp (a->uuid, b->uuid, sizeof (a->uuid)) != 0)
    {
      differ (&d);
      printf ("uuid: they are different\n");
    }
  if (!gwt_capture_same_manifest (a, b))
    differ (&d);
  if (a->page_size != b->page_size)
    {
      differ (&d);
      printf ("pages: %" G_GUINT64_FORMAT " bytes | %" G_GUINT64_FORMAT " bytes\n", a->page_size,
              b->page_size);
      good = diff_sections (&d);
    }
  else
    good = diff_sections (&d) && diff_ram (&d);
  *same = d.same;
  return good;
}
