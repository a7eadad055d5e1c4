/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * godwit-stream json: a captured stream as one JSON object.  Written as it goes, for a section may
 * have millions of values.  Bytes are hexadecimal text.
 */
#include "config.h"
#include <stdio.h>
#include <string.h>
#include "tools/stream/capture.h"

/* Text of the stream may be of any bytes: those outside of ASCII become characters of that number.
 */
static void
put_text (const char *text)
{
  putchar ('"');
  for (; *text != '\0'; text++)
    {
      unsigned char c = (unsigned char) *text;

      if (c == '"' || c == '\\')
        printf ("\\%c", c);
      else if (c < 0x20 || c >= 0x7f)
        printf ("\\u%04x", c);
      else
        putchar (c);
    }
  putchar ('"');
}

static void
put_member (const char *key, const char *text)
{
  printf (", \"%s\": ", key);
  put_text (text);
}

static void
put_number (const char *key, uint64_t number)
{
  printf (", \"%s\": %" G_GUINT64_FORMAT, key, number);
}

static bool
put_hex (struct gwt_capture *c, uint64_t offset, uint64_t size, struct gwt_error *err)
{
  uint8_t bytes[4096];

  putchar ('"');
  while (size > 0)
    {
      gsize n = (gsize) MIN (size, sizeof (bytes)), i;

      if (!gwt_capture_file_read (c->file, offset, bytes, n, err))
        return false;
      for (i = 0; i < n; i++)
        printf ("%02x", bytes[i]);
      offset += n;
      size -= n;
    }
  putchar ('"');
  return true;
}

static bool
put_integers (struct gwt_capture *c, const struct gwt_capture_node *node, bool is_signed,
              struct gwt_error *err)
{
  uint64_t i, k;

  printf (node->count > 1 ? "[" : "");
  for (i = 0; i < node->count; i++)
    {
      uint64_t value = 0;
      uint8_t bytes[8];

      if (!gwt_capture_file_read (c->file, node->offset + i * node->size, bytes, node->size, err))
        return false;
      for (k = 0; k < node->size; k++)
        value = value << 8 | bytes[k];
      printf (i > 0 ? ", " : "");
      if (strcmp (node->type, "bool") == 0)
        printf (value != 0 ? "true" : "false");
      else if (is_signed && value >> (8 * node->size - 1))
        printf ("%" G_GINT64_FORMAT,
                (int64_t) (node->size == 8 ? value : value | ~UINT64_C (0) << 8 * node->size));
      else
        printf ("%" G_GUINT64_FORMAT, value);
    }
  printf (node->count > 1 ? "]" : "");
  return true;
}

static bool put_nodes (struct gwt_capture *c, const struct gwt_capture_node *node, bool subsections,
                       struct gwt_error *err);

static bool
put_node (struct gwt_capture *c, const struct gwt_capture_node *node, struct gwt_error *err)
{
  bool is_signed;

  printf ("{\"name\": ");
  put_text (node->name);
  if (node->index >= 0)
    put_number ("index", (uint64_t) node->index);
  put_member ("type", node->type);
  put_number ("offset", node->offset);
  put_number ("size", node->size);
  if (node->schema != NULL || node->first != NULL)
    {
      if (node->schema != NULL)
        put_member ("schema", node->schema);
      put_number ("version", node->version);
      if (!put_nodes (c, node->first, false, err) || !put_nodes (c, node->first, true, err))
        return false;
    }
  else
    {
      if (node->count != 1)
        put_number ("count", node->count);
      printf (", \"value\": ");
      if (!(gwt_capture_is_integer (node, &is_signed)
                ? put_integers (c, node, is_signed, err)
                : put_hex (c, node->offset, node->count * node->size, err)))
        return false;
    }
  putchar ('}');
  return true;
}

/* Those in the list of NODE that are SUBSECTIONS, or fields. */
static bool
put_nodes (struct gwt_capture *c, const struct gwt_capture_node *node, bool subsections,
           struct gwt_error *err)
{
  bool any = false;

  printf (subsections ? "" : ", \"fields\": [");
  for (; node != NULL; node = node->next)
    {
      if ((strcmp (node->type, "subsection") == 0) != subsections)
        continue;
      printf (any ? ", " : subsections ? ", \"subsections\": [" : "");
      any = true;
      if (!put_node (c, node, err))
        return false;
    }
  printf (any || !subsections ? "]" : "");
  return true;
}

static bool
put_item (struct gwt_capture *c, const struct gwt_capture_item *item, struct gwt_error *err)
{
  static const char *const kinds[] = {
    [GWT_STREAM_EOF] = "eof", [GWT_STREAM_START] = "start", [GWT_STREAM_PART] = "part",
    [GWT_STREAM_END] = "end", [GWT_STREAM_FULL] = "full",   [GWT_STREAM_COMMAND] = "command"
  };
  guint i;

  printf ("{\"kind\": \"%s\"", kinds[item->tag]);
  put_number ("offset", item->offset);
  if (item->tag == GWT_STREAM_COMMAND)
    {
      put_number ("number", item->command);
      if (gwt_capture_command_name (item->command) != NULL)
        put_member ("command", gwt_capture_command_name (item->command));
    }
  if (item->name != NULL)
    {
      put_number ("id", item->id);
      put_member ("name", item->name);
      put_number ("instance", item->instance);
      put_number ("version", item->version);
      put_number ("payload-offset", item->payload);
      put_number ("payload-size", item->end - item->payload);
      if (strcmp (item->name, "ram") == 0)
        for (i = 0; i < GWT_CAPTURE_KINDS; i++)
          put_number (gwt_capture_record_names[i], item->records[i]);
      else if (item->delimited)
        printf (", \"delimited-by-footer\": true");
      else
        {
          if (item->schema != NULL)
            put_member ("schema", item->schema);
          if (!put_nodes (c, item->fields, false, err) || !put_nodes (c, item->fields, true, err))
            return false;
        }
    }
  putchar ('}');
  return true;
}

static void
put_blocks (const struct gwt_capture *c)
{
  guint i, k;

  printf (",\n \"blocks\": [");
  for (i = 0; i < c->blocks->len; i++)
    {
      const struct gwt_capture_block *b = c->blocks->pdata[i];

      printf (i > 0 ? ",\n  {\"name\": " : "\n  {\"name\": ");
      put_text (b->name);
      put_number ("length", b->length);
      put_number ("pages-sent", b->pages);
      for (k = 0; k < GWT_CAPTURE_FLUSH; k++)
        put_number (gwt_capture_record_names[k], b->records[k]);
      if (b->has_address)
        put_number ("guest-address", b->guest_address);
      putchar ('}');
    }
  putchar (']');
}

static void
put_configuration (const struct gwt_capture *c)
{
  guint i;

  printf (",\n \"configuration\": {\"machine\": ");
  put_text (c->machine != NULL ? c->machine : "");
  printf (", \"capabilities\": [");
  for (i = 0; i < c->capabilities->len; i++)
    {
      printf (i > 0 ? ", " : "");
      put_text (c->capabilities->pdata[i]);
    }
  putchar (']');
  if (c->has_uuid)
    {
      printf (", \"uuid\": \"");
      for (i = 0; i < 16; i++)
        printf ("%02x", c->uuid[i]);
      putchar ('"');
    }
  if (c->has_manifest)
    {
      put_number ("manifest-flags", c->manifest_flags);
      if (c->manifest != NULL)
        printf (", \"manifest\": %s",
                json_object_to_json_string_ext (gwt_manifest_json (c->manifest),
                                                JSON_C_TO_STRING_NOSLASHESCAPE));
    }
  putchar ('}');
}

/* What was read until an error is printed too, with the error as a member. */
bool
gwt_capture_json (struct gwt_capture *c, const char *name, struct gwt_error *err)
{
  bool good = gwt_capture_walk (c, NULL, NULL, err);
  GWT_AUTO_ERROR (late);
  guint i;

  printf ("{\"file\": ");
  put_text (name);
  put_number ("size", gwt_capture_file_size (c->file));
  put_number ("page-size", c->page_size);
  put_configuration (c);
  printf (",\n \"items\": [");
  for (i = 0; i < c->items->len; i++)
    {
      printf (i > 0 ? ",\n  " : "\n  ");
      if (!put_item (c, c->items->pdata[i], &late))
        {
          gwt_error_move (err, &late);
          return false;
        }
    }
  putchar (']');
  put_blocks (c);
  printf (",\n \"findings\": [");
  for (i = 0; i < c->findings->len; i++)
    {
      const struct gwt_capture_finding *f
          = &g_array_index (c->findings, struct gwt_capture_finding, i);

      printf (i > 0 ? ",\n  {\"offset\": %" G_GUINT64_FORMAT
                    : "\n  {\"offset\": %" G_GUINT64_FORMAT,
              f->offset);
      put_member ("text", f->text);
      putchar ('}');
    }
  putchar (']');
  if (c->description != NULL)
    {
      printf (",\n \"description\": {\"offset\": %" G_GUINT64_FORMAT,
              gwt_description_offset (c->description));
      put_number ("size", gwt_description_size (c->description));
      putchar ('}');
    }
  if (!good)
    {
      printf (",\n \"error\": ");
      put_text (err->text);
    }
  printf ("}\n");
  return good;
}
