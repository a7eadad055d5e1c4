/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * godwit-stream show: a captured stream as a tree, each line with its place in the file.  Prints
 * while it reads, so that a stream that breaks off is shown up to there.
 */
#include "config.h"
#include <stdio.h>
#include <string.h>
#include "tools/stream/capture.h"

/* Values of a field, and bytes of a buffer, on one line. */
#define VALUES_MAX 8
#define BYTES_MAX 24

struct show
{
  struct gwt_capture *c;
  bool all;
  struct gwt_error *err;
};

static const char *const item_names[] = { [GWT_STREAM_START] = "start",
                                          [GWT_STREAM_PART] = "part",
                                          [GWT_STREAM_END] = "end",
                                          [GWT_STREAM_FULL] = "full" };

static void
print_at (uint64_t offset, int depth)
{
  printf ("%10" G_GUINT64_FORMAT " %*s", offset, 2 * depth + 1, "");
}

static uint64_t
get_be (const uint8_t *bytes, uint64_t size)
{
  uint64_t value = 0, i;

  for (i = 0; i < size; i++)
    value = value << 8 | bytes[i];
  return value;
}

/* ---- values ---------------------------------------------------------------------------------- */

static void
print_integer (const struct gwt_capture_node *node, const uint8_t *bytes, bool is_signed)
{
  uint64_t value = get_be (bytes, node->size);

  if (strcmp (node->type, "timer") == 0 && value == UINT64_MAX)
    printf (" off");
  else if (strcmp (node->type, "bool") == 0)
    printf (" %s", value == 0 ? "false" : "true");
  else if (is_signed && value >> (8 * node->size - 1))
    printf (" %" G_GINT64_FORMAT,
            (int64_t) (node->size == 8 ? value : value | ~UINT64_C (0) << 8 * node->size));
  else if (value < 10)
    printf (" %" G_GUINT64_FORMAT, value);
  else
    printf (" 0x%" G_GINT64_MODIFIER "x", value);
}

/* Text that NULs follow, or nothing but text. */
static bool
is_text (const uint8_t *bytes, uint64_t size)
{
  uint64_t n = 0, i;

  while (n < size && g_ascii_isprint (bytes[n]))
    n++;
  for (i = n; i < size; i++)
    if (bytes[i] != 0)
      return false;
  return n > 0;
}

static bool
is_zero (const uint8_t *bytes, uint64_t size)
{
  return size > 0 && bytes[0] == 0 && memcmp (bytes, bytes + 1, size - 1) == 0;
}

static void
print_bytes (const struct show *s, const uint8_t *bytes, uint64_t got, uint64_t size)
{
  uint64_t i, n = s->all ? got : MIN (got, BYTES_MAX);

  if (got == size && size > 1 && is_zero (bytes, size))
    printf (" zeros");
  else if (got == size && is_text (bytes, size))
    printf (" \"%.*s\"", (int) size, (const char *) bytes);
  else
    {
      printf (size > 0 ? " " : "");
      for (i = 0; i < n; i++)
        printf ("%02x", bytes[i]);
      printf (n < size ? "..." : "");
    }
}

/* Up to VALUES_MAX of an array, and how many zeros or others follow. */
static bool
print_values (const struct show *s, const struct gwt_capture_node *node, bool is_signed)
{
  uint64_t shown = s->all ? node->count : MIN (node->count, VALUES_MAX), i;
  uint8_t bytes[8];

  for (i = 0; i < shown; i++)
    {
      if (!gwt_capture_file_read (s->c->file, node->offset + i * node->size, bytes, node->size,
                                  s->err))
        return false;
      print_integer (node, bytes, is_signed);
    }
  if (shown < node->count)
    printf (" ... (%" G_GUINT64_FORMAT ")", node->count);
  return true;
}

static bool
print_value (const struct show *s, const struct gwt_capture_node *node)
{
  uint64_t total = node->count * node->size, got;
  g_autofree uint8_t *bytes = NULL;
  bool is_signed;

  if (gwt_capture_is_integer (node, &is_signed))
    return print_values (s, node, is_signed);
  /* Whether it is text or zeros takes all of it, for what is not large. */
  got = s->all || total <= 65536 ? total : BYTES_MAX;
  bytes = g_try_malloc (got + 1);
  if (bytes == NULL)
    {
      gwt_error_set (s->err, GWT_E_NO_MEMORY, "no memory for %" G_GUINT64_FORMAT " bytes", got);
      return false;
    }
  if (!gwt_capture_file_read (s->c->file, node->offset, bytes, got, s->err))
    return false;
  print_bytes (s, bytes, got, total);
  return true;
}

/* ---- sections -------------------------------------------------------------------------------- */

static bool
print_nodes (const struct show *s, const struct gwt_capture_node *node, int depth)
{
  for (; node != NULL; node = node->next)
    {
      g_autofree char *name = gwt_one_line (node->name);
      g_autofree char *index = node->index >= 0
                                   ? g_strdup_printf ("[%" G_GINT64_FORMAT "]", node->index)
                                   : g_strdup ("");

      print_at (node->offset, depth);
      if (strcmp (node->type, "subsection") == 0)
        printf ("subsection '%s' version %u, %" G_GUINT64_FORMAT " bytes\n", name, node->version,
                node->size);
      else if (node->schema != NULL)
        printf ("%s%s: %s %s version %u, %" G_GUINT64_FORMAT " bytes\n", name, index, node->type,
                node->schema, node->version, node->size);
      else if (node->first != NULL)
        printf ("%s%s: %s, %" G_GUINT64_FORMAT " bytes\n", name, index, node->type, node->size);
      else
        {
          printf ("%s%s: %s", name, index, node->type);
          if (node->count > 1)
            printf ("[%" G_GUINT64_FORMAT "]", node->count);
          printf (" =");
          if (!print_value (s, node))
            return false;
          putchar ('\n');
        }
      if (!print_nodes (s, node->first, depth + 1))
        return false;
    }
  return true;
}

static void
print_records (const struct gwt_capture_item *item)
{
  const char *comma = "";
  guint i;

  for (i = 0; i < GWT_CAPTURE_KINDS; i++)
    if (item->records[i] > 0)
      {
        printf ("%s%" G_GUINT64_FORMAT " %s", comma, item->records[i], gwt_capture_record_names[i]);
        comma = ", ";
      }
  if (item->blocks > 0)
    {
      printf ("%s%u block%s", comma, item->blocks, item->blocks > 1 ? "s" : "");
      comma = ", ";
    }
  printf (*comma != '\0' ? "\n" : "nothing\n");
}

static void
configured (void *opaque, struct gwt_capture *c)
{
  g_autofree char *machine = gwt_one_line (c->machine);
  guint i;

  (void) opaque;
  print_at (0, 0);
  printf ("stream, version %d, %" G_GUINT64_FORMAT " bytes\n", GWT_STREAM_VERSION,
          gwt_capture_file_size (c->file));
  print_at (8, 0);
  printf ("configuration: machine '%s'", machine);
  for (i = 0; i < c->capabilities->len; i++)
    {
      g_autofree char *name = gwt_one_line (c->capabilities->pdata[i]);

      printf (", capability '%s'", name);
    }
  if (c->has_uuid)
    {
      printf (", uuid ");
      for (i = 0; i < 16; i++)
        printf ("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", c->uuid[i]);
    }
  printf (", pages of %" G_GUINT64_FORMAT " bytes\n", c->page_size);
  if (!c->has_manifest)
    return;
  print_at (c->manifest_offset, 1);
  printf ("manifest: %" G_GUINT64_FORMAT " bytes", c->manifest_size);
  if (c->manifest != NULL)
    printf (", %s, %u devices, %u sections, %u hop%s", c->manifest->program,
            c->manifest->n_devices, c->manifest->n_sections, c->manifest->n_hops,
            c->manifest->n_hops == 1 ? "" : "s");
  if ((c->manifest_flags & GWT_STREAM_CHECK_ONLY) != 0)
    printf (", check only");
  if ((c->manifest_flags & GWT_STREAM_WAITS) != 0)
    printf (", the sender waits for a verdict");
  putchar ('\n');
}

static void
begin (void *opaque, struct gwt_capture *c, struct gwt_capture_item *item)
{
  g_autofree char *label = item->name != NULL ? gwt_capture_label (item) : NULL;

  (void) opaque;
  (void) c;
  print_at (item->offset, 0);
  switch (item->tag)
    {
    case GWT_STREAM_EOF:
      printf ("end of the items\n");
      break;
    case GWT_STREAM_COMMAND:
      printf ("command %u %s, %" G_GUINT64_FORMAT " bytes\n", item->command,
              gwt_capture_command_name (item->command), item->end - item->payload);
      break;
    case GWT_STREAM_PART:
    case GWT_STREAM_END:
      printf ("%s of %s\n", item_names[item->tag], label);
      break;
    default:
      printf ("%s %s version %u, id %u\n", item_names[item->tag], label, item->version, item->id);
      break;
    }
}

static void
record (void *opaque, struct gwt_capture *c, enum gwt_capture_record kind, uint64_t offset,
        const struct gwt_capture_block *block, uint64_t address)
{
  const struct show *s = opaque;
  g_autofree char *name = block != NULL ? gwt_one_line (block->name) : NULL;

  (void) c;
  if (!s->all)
    return;
  print_at (offset, 1);
  printf ("%s", gwt_capture_record_names[kind]);
  if (block != NULL)
    printf (" '%s' 0x%" G_GINT64_MODIFIER "x", name, address);
  putchar ('\n');
}

static void
end (void *opaque, struct gwt_capture *c, struct gwt_capture_item *item)
{
  struct show *s = opaque;

  (void) c;
  if (item->name == NULL)
    return;
  if (strcmp (item->name, "ram") == 0)
    {
      print_at (item->payload, 1);
      print_records (item);
    }
  else if (item->delimited)
    {
      print_at (item->payload, 1);
      printf ("%" G_GUINT64_FORMAT " bytes up to its footer, not read: %s\n",
              item->end - item->payload,
              s->c->description == NULL      ? "the stream has no description"
              : item->tag == GWT_STREAM_FULL ? "the description does not have it"
                                             : "what is in pieces is known of 'ram' alone");
    }
  else if (!gwt_error_is_set (s->err))
    print_nodes (s, item->fields, 1);
}

static void
print_blocks (const struct gwt_capture *c)
{
  guint i, k;

  for (i = 0; i < c->blocks->len; i++)
    {
      const struct gwt_capture_block *b = c->blocks->pdata[i];
      g_autofree char *name = gwt_one_line (b->name);

      if (i == 0)
        printf ("\nRAM: pages sent of pages, and records\n");
      printf ("  %-28s %9" G_GUINT64_FORMAT " of %9" G_GUINT64_FORMAT, name, b->pages,
              b->length / c->page_size);
      for (k = 0; k < GWT_CAPTURE_FLUSH; k++)
        if (b->records[k] > 0)
          printf ("  %s %" G_GUINT64_FORMAT, gwt_capture_record_names[k], b->records[k]);
      if (b->has_address)
        printf ("  at 0x%" G_GINT64_MODIFIER "x", b->guest_address);
      putchar ('\n');
    }
}

bool
gwt_capture_show (struct gwt_capture *c, bool all, struct gwt_error *err)
{
  static const struct gwt_capture_ops ops = { configured, begin, record, end };
  struct show s = { c, all, err };
  bool good = gwt_capture_walk (c, &ops, &s, err);
  guint i;

  if (good && c->description != NULL)
    {
      print_at (gwt_description_offset (c->description), 0);
      printf ("description, %" G_GUINT64_FORMAT " bytes\n", gwt_description_size (c->description));
    }
  print_blocks (c);
  for (i = 0; i < c->findings->len; i++)
    {
      const struct gwt_capture_finding *f
          = &g_array_index (c->findings, struct gwt_capture_finding, i);

      printf ("%sbyte %" G_GUINT64_FORMAT ": %s\n", i == 0 ? "\nAgainst the format:\n  " : "  ",
              f->offset, f->text);
    }
  return good && !gwt_error_is_set (err);
}
