/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The payload of a section by its description: each field gets its place in the file, and what the
 * description claims is held against the bytes.
 */
#include "config.h"
#include "tools/stream/capture.h"
#include <string.h>

/* A field has a byte at least, and a struct of 64 KiB elements of one byte is still a struct. */
#define NODES_MAX (4u << 20)

struct walk
{
  struct gwt_capture *c;
  GString *path; /* of the field, for messages */
  struct gwt_error *err;
};

/* Sizes of types that have one, in bytes. */
static const struct
{
  const char *type;
  uint64_t size;
} sizes[]
    = { { "bool", 1 },        { "int8", 1 },         { "uint8", 1 },        { "uint8 equal", 1 },
        { "int16", 2 },       { "uint16", 2 },       { "uint16 equal", 2 }, { "int32", 4 },
        { "int32 equal", 4 }, { "int32 le", 4 },     { "uint32", 4 },       { "uint32 equal", 4 },
        { "int64", 8 },       { "int64 equal", 8 },  { "uint64", 8 },       { "float64", 8 },
        { "timer", 8 },       { "CPU_Double_U", 8 }, { "nullptr", 1 },      { "ptr-marker", 1 } };

bool
gwt_capture_is_integer (const struct gwt_capture_node *node, bool *is_signed)
{
  *is_signed = g_str_has_prefix (node->type, "int");
  if (strcmp (node->type, "int64 equal") == 0)
    *is_signed = false; /* readers know both kinds of 64 bits by this name */
  return (*is_signed || g_str_has_prefix (node->type, "uint") || strcmp (node->type, "bool") == 0
          || strcmp (node->type, "timer") == 0)
         && (node->size == 1 || node->size == 2 || node->size == 4 || node->size == 8);
}

static bool wrong (struct walk *w, uint64_t offset, const char *format, ...) G_GNUC_PRINTF (3, 4);

static bool
wrong (struct walk *w, uint64_t offset, const char *format, ...)
{
  g_autofree char *text = NULL, *path = gwt_one_line (w->path->str);
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  gwt_error_set (w->err, GWT_E_INVALID, "byte %" G_GUINT64_FORMAT ": %s%s%s%s", offset,
                 path[0] != '\0' ? "field '" : "", path, path[0] != '\0' ? "': " : "", text);
  return false;
}

static struct gwt_capture_node *
node_new (struct walk *w, const char *name, const char *type)
{
  struct gwt_capture_node *node;

  if (w->c->n_nodes++ == NODES_MAX)
    {
      gwt_error_set (w->err, GWT_E_RANGE,
                     "byte %" G_GUINT64_FORMAT
                     ": more than %u fields; no stream of a machine has so many",
                     w->c->in->offset, NODES_MAX);
      return NULL;
    }
  node = gwt_capture_alloc (w->c, sizeof (*node), w->err);
  if (node == NULL)
    return NULL;
  node->name = name;
  node->type = type;
  node->index = -1;
  node->count = 1;
  node->offset = w->c->in->offset;
  return node;
}

static bool walk_struct (struct walk *w, const struct gwt_described *from,
                         struct gwt_capture_node *into);

/* ---- plain fields ---------------------------------------------------------------------------- */

/* Those whose values are known: all but 0 and 1 for a bool, a marker's two characters. */
static bool
judge_bytes (struct walk *w, const struct gwt_capture_node *node)
{
  bool marker = strcmp (node->type, "nullptr") == 0 || strcmp (node->type, "ptr-marker") == 0;
  uint64_t i;

  if (!marker && strcmp (node->type, "bool") != 0)
    return gwt_vm_get (w->c->in, NULL, node->count * node->size, w->err);
  for (i = 0; i < node->count; i++)
    {
      uint64_t at = w->c->in->offset, value;

      if (!gwt_vm_get_be (w->c->in, 1, &value, w->err))
        return false;
      if (marker ? value != '0' && value != '1' : value > 1)
        gwt_capture_find (w->c, at, "field '%s': %" G_GUINT64_FORMAT " is no %s", w->path->str,
                          value, node->type);
    }
  return true;
}

static bool
walk_leaf (struct walk *w, struct gwt_capture_node *node)
{
  uint64_t left = gwt_capture_file_size (w->c->file) - w->c->in->offset;
  gsize i;

  for (i = 0; i < G_N_ELEMENTS (sizes); i++)
    if (strcmp (sizes[i].type, node->type) == 0 && sizes[i].size != node->size)
      return wrong (w, node->offset,
                    "it is described as %s and %" G_GUINT64_FORMAT
                    " bytes; such have %" G_GUINT64_FORMAT,
                    node->type, node->size, sizes[i].size);
  if (node->size == 0 && node->count > 1)
    return wrong (w, node->offset, "an array of nothing");
  if (node->size > 0 && node->count > left / node->size)
    return wrong (w, node->offset,
                  "it has %" G_GUINT64_FORMAT " times %" G_GUINT64_FORMAT
                  " bytes, and the stream ends before",
                  node->count, node->size);
  return judge_bytes (w, node);
}

/* ---- what has fields of its own -------------------------------------------------------------- */

static bool
judge_size (struct walk *w, const struct gwt_capture_node *node, uint64_t said)
{
  return node->size == said
         || wrong (w, node->offset,
                   "it is described with %" G_GUINT64_FORMAT
                   " bytes, its fields with %" G_GUINT64_FORMAT,
                   said, node->size);
}

/* The elements of a queue or list: each set of members, from `vmsd_name` to `fields` and maybe
   `subsections`, is one. */
static bool
walk_list (struct walk *w, const struct gwt_described *field, struct gwt_capture_node *node,
           uint64_t said)
{
  struct gwt_capture_node **tail = &node->first;
  const struct gwt_described *m;
  gsize length = w->path->len;
  uint64_t mark;
  int64_t index = 0;

  for (m = field->first;; m = m->next)
    {
      struct gwt_described element = { .kind = GWT_DESCRIBED_OBJECT };
      uint64_t at = w->c->in->offset;

      while (m != NULL && strcmp (m->key, "vmsd_name") != 0)
        m = m->next;
      if (!gwt_vm_get_be (w->c->in, 1, &mark, w->err))
        return false;
      if ((mark != 0) != (m != NULL))
        return wrong (w, at, "the list is described with %s elements than it has",
                      m != NULL ? "more" : "fewer");
      if (m == NULL)
        break;
      *tail = node_new (w, "", "struct");
      if (*tail == NULL)
        return false;
      element.first = (struct gwt_described *) m;
      (*tail)->index = index;
      g_string_append_printf (w->path, "[%" G_GINT64_FORMAT "]", index++);
      if (!walk_struct (w, &element, *tail))
        return false;
      g_string_truncate (w->path, length);
      tail = &(*tail)->next;
    }
  node->size = w->c->in->offset - node->offset;
  return judge_size (w, node, said);
}

static bool
walk_nested (struct walk *w, const struct gwt_described *field, struct gwt_capture_node *node,
             uint64_t said)
{
  const struct gwt_described *from = gwt_described_member (field, "struct");

  if (strcmp (node->type, "qtailq") == 0 || strcmp (node->type, "qlist") == 0)
    return walk_list (w, field, node, said);
  return walk_struct (w, from != NULL ? from : field, node) && judge_size (w, node, said);
}

static bool
is_nested (const struct gwt_described *field, const char *type)
{
  static const char *const types[] = { "struct", "vstruct", "tmp", "qtailq", "qlist", NULL };

  /* A tree has keys that are not described: its size is all there is to know. */
  return g_strv_contains (types, type)
         && (type[0] == 'q' || gwt_described_member (field, "fields") != NULL
             || gwt_described_member (field, "struct") != NULL);
}

/* ---- fields and subsections ------------------------------------------------------------------ */

/* An array whose elements are not alike comes as so many fields of one name. */
static int64_t
index_behind (const struct gwt_capture_node *last, const char *name)
{
  if (last == NULL || strcmp (last->name, name) != 0)
    return -1;
  return MAX (last->index, 0) + (int64_t) last->count;
}

static bool
walk_field (struct walk *w, const struct gwt_described *field, struct gwt_capture_node ***tail,
            struct gwt_capture_node **last)
{
  const char *name = gwt_described_text (field, "name"), *type = gwt_described_text (field, "type");
  uint64_t size, n = 1, i;
  gsize length = w->path->len;
  bool indexed = gwt_described_number (field, "array_len", &n), nested;
  int64_t index;

  if (name == NULL || type == NULL || !gwt_described_number (field, "size", &size) || n == 0)
    return wrong (w, w->c->in->offset, "the description has a field without name, type or size");
  index = index_behind (*last, name);
  if (index >= 0 && (*last)->index < 0)
    (*last)->index = 0;
  nested = is_nested (field, type);
  g_string_append_printf (w->path, "%s%s", length > 0 ? "." : "", name);
  if (nested && size == 0 && n > 1)
    return wrong (w, w->c->in->offset, "an array of nothing");
  for (i = 0; i < (nested ? n : 1); i++)
    {
      struct gwt_capture_node *node = node_new (w, name, type);
      gsize inner = w->path->len;

      if (node == NULL)
        return false;
      **tail = node;
      *tail = &node->next;
      *last = node;
      node->index = nested && indexed ? MAX (index, 0) + (int64_t) i : index;
      if (nested)
        {
          if (node->index >= 0)
            g_string_append_printf (w->path, "[%" G_GINT64_FORMAT "]", node->index);
          if (!walk_nested (w, field, node, size))
            return false;
          g_string_truncate (w->path, inner);
          continue;
        }
      node->size = size;
      node->count = n;
      if (!walk_leaf (w, node))
        return false;
    }
  g_string_truncate (w->path, length);
  return true;
}

static bool
walk_subsection (struct walk *w, const struct gwt_described *from, struct gwt_capture_node *node)
{
  uint64_t at = w->c->in->offset, tag, length, version, said = 0;
  char name[256] = "";

  if (node->name == NULL || !gwt_described_number (from, "version", &said))
    return wrong (w, at, "the description has a subsection without name or version");
  if (!gwt_vm_get_be (w->c->in, 1, &tag, w->err))
    return false;
  if (tag != GWT_STREAM_SUBSECTION)
    return wrong (w, at, "subsection '%s' is described and not there", node->name);
  if (!gwt_vm_get_be (w->c->in, 1, &length, w->err) || !gwt_vm_get (w->c->in, name, length, w->err)
      || !gwt_vm_get_be (w->c->in, 4, &version, w->err))
    return false;
  if (strlen (name) != length || strcmp (name, node->name) != 0)
    {
      g_autofree char *shown = gwt_one_line (name);

      return wrong (w, at, "subsection '%s' is there, and '%s' is described", shown, node->name);
    }
  if (version != said)
    return wrong (w, at,
                  "subsection '%s' has version %" G_GUINT64_FORMAT ", and %" G_GUINT64_FORMAT
                  " is described",
                  node->name, version, said);
  return walk_struct (w, from, node);
}

/* `fields` of FROM, then its `subsections`. */
static bool
walk_struct (struct walk *w, const struct gwt_described *from, struct gwt_capture_node *into)
{
  const struct gwt_described *m, *fields = NULL, *subsections = NULL, *f;
  struct gwt_capture_node **tail = &into->first, *last = NULL;
  uint64_t version = 0;
  bool named = false;

  for (m = from->first; m != NULL; m = m->next)
    /* The element of a list ends where the next begins. */
    if (strcmp (m->key, "vmsd_name") == 0 && named)
      break;
    else if (m->kind == GWT_DESCRIBED_ARRAY && strcmp (m->key, "fields") == 0)
      fields = m->first;
    else if (m->kind == GWT_DESCRIBED_ARRAY && strcmp (m->key, "subsections") == 0)
      subsections = m->first;
    else if (m->kind == GWT_DESCRIBED_TEXT && strcmp (m->key, "vmsd_name") == 0)
      {
        into->schema = m->text;
        named = true;
      }
    else if (m->kind == GWT_DESCRIBED_NUMBER && strcmp (m->key, "version") == 0)
      version = m->number;
  into->version = (uint32_t) version;
  for (f = fields; f != NULL; f = f->next)
    if (!walk_field (w, f, &tail, &last))
      return false;
  for (f = subsections; f != NULL; f = f->next)
    {
      *tail = node_new (w, gwt_described_text (f, "vmsd_name"), "subsection");
      if (*tail == NULL || !walk_subsection (w, f, *tail))
        return false;
      tail = &(*tail)->next;
    }
  into->size = w->c->in->offset - into->offset;
  return true;
}

bool
gwt_capture_fields (struct gwt_capture *c, struct gwt_capture_item *item,
                    const struct gwt_described *device, struct gwt_error *err)
{
  g_autoptr (GString) path = g_string_new ("");
  struct walk w = { c, path, err };
  struct gwt_capture_node *top = node_new (&w, item->name, "section");
  uint64_t version;

  if (top == NULL)
    return false;
  item->schema = gwt_described_text (device, "vmsd_name");
  if (item->schema != NULL
      && (!gwt_described_number (device, "version", &version) || version != item->version))
    gwt_capture_find (c, item->offset, "its version is %u, and another is described",
                      item->version);
  if (!walk_struct (&w, device, top))
    return false;
  item->fields = top->first;
  return true;
}
