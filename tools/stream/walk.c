/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A captured stream from its header to its last byte: items, commands, footers.  What is inside of
 * a section is fields.c's and ram.c's.
 */
#include "config.h"
#include "tools/stream/capture.h"
#include <string.h>

#define ARENA (64u << 10)
#define NAMES_MAX 4096
#define MACHINE_MAX 255
#define MULTIFD_MAGIC 0x11223344U

struct handle
{
  const char *name;
  uint32_t instance, version;
  bool live, ended;
};

struct walk
{
  struct gwt_capture *c;
  const struct gwt_capture_ops *ops;
  void *opaque;
  struct gwt_error *err;
};

static const struct
{
  const char *name;
  int size; /* -1: judged elsewhere */
} commands[] = { [1] = { "OPEN_RETURN_PATH", 0 }, [2] = { "PING", 4 },
                 [3] = { "POSTCOPY_ADVISE", -1 }, [4] = { "POSTCOPY_LISTEN", 0 },
                 [5] = { "POSTCOPY_RUN", 0 },     [6] = { "POSTCOPY_RAM_DISCARD", -1 },
                 [7] = { "PACKAGED", 4 },         [8] = { "ENABLE_COLO", 0 },
                 [9] = { "POSTCOPY_RESUME", 0 },  [10] = { "RECV_BITMAP", -1 },
                 [11] = { "SWITCHOVER_START", 0 } };

const char *
gwt_capture_command_name (uint16_t number)
{
  return number < G_N_ELEMENTS (commands) ? commands[number].name : NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void
finding_clear (gpointer finding)
{
  g_free (((struct gwt_capture_finding *) finding)->text);
}

struct gwt_capture *
gwt_capture_new (struct gwt_capture_file *file)
{
  struct gwt_capture *c = g_new0 (struct gwt_capture, 1);

  c->file = file;
  c->page_size = 4096;
  c->capabilities = g_ptr_array_new_with_free_func (g_free);
  c->items = g_ptr_array_new ();
  c->blocks = g_ptr_array_new_with_free_func (gwt_capture_block_free);
  c->findings = g_array_new (FALSE, FALSE, sizeof (struct gwt_capture_finding));
  g_array_set_clear_func (c->findings, finding_clear);
  c->handles = g_hash_table_new (g_direct_hash, g_direct_equal);
  c->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  c->block_names = g_hash_table_new (g_str_hash, g_str_equal);
  c->arenas = g_ptr_array_new_with_free_func (g_free);
  c->deltas = g_array_new (FALSE, FALSE, 24);
  return c;
}

void
gwt_capture_free (struct gwt_capture *c)
{
  if (c == NULL)
    return;
  g_ptr_array_unref (c->capabilities);
  g_ptr_array_unref (c->items);
  g_hash_table_unref (c->block_names);
  g_ptr_array_unref (c->blocks);
  g_array_unref (c->findings);
  g_hash_table_unref (c->handles);
  g_hash_table_unref (c->seen);
  g_ptr_array_unref (c->arenas);
  g_array_unref (c->deltas);
  gwt_description_free (c->description);
  if (c->in != NULL)
    gwt_vm_in_free (c->in);
  gwt_manifest_unref (c->manifest);
  gwt_capture_file_free (c->file);
  g_free (c->machine);
  g_free (c);
}

void *
gwt_capture_alloc (struct gwt_capture *c, gsize size, struct gwt_error *err)
{
  size = (size + 15) & ~(gsize) 15;
  if (c->arenas->len == 0 || ARENA - c->arena_used < size)
    {
      char *arena = g_try_malloc0 (ARENA);

      if (arena == NULL)
        {
          gwt_error_set (err, GWT_E_NO_MEMORY, "no memory for what is in the stream");
          return NULL;
        }
      g_ptr_array_add (c->arenas, arena);
      c->arena_used = 0;
    }
  c->arena_used += size;
  return (char *) c->arenas->pdata[c->arenas->len - 1] + c->arena_used - size;
}

void
gwt_capture_find (struct gwt_capture *c, uint64_t offset, const char *format, ...)
{
  struct gwt_capture_finding finding = { offset, NULL };
  g_autofree char *text = NULL;
  va_list args;

  if (c->n_findings++ >= GWT_CAPTURE_FINDINGS_MAX)
    return;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  finding.text = gwt_one_line (text);
  g_array_append_val (c->findings, finding);
}

char *
gwt_capture_label (const struct gwt_capture_item *item)
{
  g_autofree char *name = gwt_one_line (item->name);

  return item->instance == 0 ? g_strdup_printf ("'%s'", name)
                             : g_strdup_printf ("'%s' %u", name, item->instance);
}

static bool wrong (struct walk *w, uint64_t offset, const char *format, ...) G_GNUC_PRINTF (3, 4);

static bool
wrong (struct walk *w, uint64_t offset, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  gwt_error_set (w->err, GWT_E_INVALID, "byte %" G_GUINT64_FORMAT ": %s", offset, text);
  return false;
}

/* A length byte and a name, kept as long as the capture; NULL with the error set. */
static const char *
get_name (struct walk *w, const char *what)
{
  uint64_t length, at = w->c->in->offset;
  char *name;

  if (!gwt_vm_get_be (w->c->in, 1, &length, w->err))
    return NULL;
  name = gwt_capture_alloc (w->c, length + 1, w->err);
  if (name == NULL || !gwt_vm_get (w->c->in, name, length, w->err))
    return NULL;
  if (length == 0 || strlen (name) != length)
    {
      wrong (w, at, "%s has no name", what);
      return NULL;
    }
  return name;
}

/* ---- header and configuration ---------------------------------------------------------------- */

static bool
get_header (struct walk *w)
{
  uint64_t magic, version;

  if (!gwt_vm_get_be (w->c->in, 4, &magic, w->err))
    return false;
  if (magic >> 16 == 0x1f8b)
    return wrong (w, 0, "it is compressed by gzip; give what 'zcat' makes of it");
  if (magic == MULTIFD_MAGIC)
    return wrong (w, 0, "it is a channel of 'multifd'; only the main channel can be read");
  if (magic != GWT_STREAM_MAGIC)
    return wrong (w, 0, "0x%08" G_GINT64_MODIFIER "x; a stream begins with 0x%08x", magic,
                  GWT_STREAM_MAGIC);
  if (!gwt_vm_get_be (w->c->in, 4, &version, w->err))
    return false;
  return version == GWT_STREAM_VERSION
         || wrong (w, 4, "version %" G_GUINT64_FORMAT " of the format; version %d can be read",
                   version, GWT_STREAM_VERSION);
}

static bool
get_capabilities (struct walk *w)
{
  uint64_t count, at = w->c->in->offset, i;

  if (!gwt_vm_get_be (w->c->in, 4, &count, w->err))
    return false;
  if (count > NAMES_MAX)
    return wrong (w, at, "%" G_GUINT64_FORMAT " capabilities", count);
  for (i = 0; i < count; i++)
    {
      const char *name = get_name (w, "a capability");

      if (name == NULL)
        return false;
      g_ptr_array_add (w->c->capabilities, g_strdup (name));
      if (strcmp (name, "mapped-ram") == 0)
        return wrong (w, at, "a file of 'mapped-ram'; such files cannot be read");
      if (strcmp (name, "x-ignore-shared") == 0)
        w->c->ignore_shared = true;
    }
  return true;
}

static bool
get_page_bits (struct walk *w)
{
  uint64_t bits, at = w->c->in->offset;

  if (!gwt_vm_get_be (w->c->in, 4, &bits, w->err))
    return false;
  /* The flags of a record of RAM need 10. */
  if (bits < 10 || bits > 16)
    return wrong (w, at, "pages of %" G_GUINT64_FORMAT " bits", bits);
  w->c->page_size = UINT64_C (1) << bits;
  return true;
}

static bool
get_config_subsection (struct walk *w)
{
  uint64_t at = w->c->in->offset, version;
  const char *name;

  if (!gwt_vm_get (w->c->in, NULL, 1, w->err)
      || (name = get_name (w, "a subsection of the configuration")) == NULL
      || !gwt_vm_get_be (w->c->in, 4, &version, w->err))
    return false;
  if (version != 1)
    return wrong (w, at,
                  "a subsection of the configuration in version %" G_GUINT64_FORMAT
                  "; there is version 1",
                  version);
  if (strcmp (name, "configuration/capabilities") == 0)
    return get_capabilities (w);
  if (strcmp (name, "configuration/target-page-bits") == 0)
    return get_page_bits (w);
  if (strcmp (name, "configuration/uuid") == 0)
    {
      w->c->has_uuid = true;
      return gwt_vm_get (w->c->in, w->c->uuid, sizeof (w->c->uuid), w->err);
    }
  if (strcmp (name, "configuration/manifest") == 0)
    return gwt_capture_get_manifest (w->c, at, w->err);
  return wrong (w, at, "a subsection of the configuration that is not known");
}

static bool
get_config (struct walk *w)
{
  uint64_t tag, length;
  uint8_t next;

  if (!gwt_vm_get_be (w->c->in, 1, &tag, w->err))
    return false;
  if (tag != GWT_STREAM_CONFIGURATION)
    return wrong (w, 8, "tag 0x%02" G_GINT64_MODIFIER "x; the configuration comes first", tag);
  if (!gwt_vm_get_be (w->c->in, 4, &length, w->err))
    return false;
  if (length > MACHINE_MAX)
    return wrong (w, 9, "the machine type's name has %" G_GUINT64_FORMAT " bytes", length);
  w->c->machine = g_malloc0 (length + 1);
  if (!gwt_vm_get (w->c->in, w->c->machine, length, w->err))
    return false;
  if (length == 0 || strlen (w->c->machine) != length)
    gwt_capture_find (w->c, 9, "the machine type has no name");
  while (gwt_vm_peek (w->c->in, &next, 1, w->err) == 1 && next == GWT_STREAM_SUBSECTION)
    if (!get_config_subsection (w))
      return false;
  if (!gwt_error_is_set (w->err) && w->ops->configured != NULL)
    w->ops->configured (w->opaque, w->c);
  return !gwt_error_is_set (w->err);
}

/* ---- sections -------------------------------------------------------------------------------- */

/* Does an item, or the end, begin with HEAD? */
static bool
begins_item (const uint8_t *head, gsize size)
{
  if (size == 0)
    return false;
  switch (head[0])
    {
    case GWT_STREAM_EOF:
      return size == 1 || head[1] == GWT_STREAM_DESCRIPTION;
    case GWT_STREAM_START:
    case GWT_STREAM_FULL:
      return size > 6 && head[5] > 0 && g_ascii_isprint (head[6]);
    case GWT_STREAM_PART:
    case GWT_STREAM_END:
      return size > 5;
    case GWT_STREAM_COMMAND:
      return size > 4 && head[1] == 0 && head[2] < G_N_ELEMENTS (commands);
    default:
      return false;
    }
}

/* Where nothing says how long a payload is: up to what looks like its footer. */
static bool
skip_to_footer (struct walk *w, struct gwt_capture_item *item)
{
  uint64_t size = gwt_capture_file_size (w->c->file), at = w->c->in->offset;
  uint8_t footer[5] = { GWT_STREAM_FOOTER, (uint8_t) (item->id >> 24), (uint8_t) (item->id >> 16),
                        (uint8_t) (item->id >> 8), (uint8_t) item->id };
  g_autofree uint8_t *bytes = g_malloc (65536);

  item->delimited = true;
  while (size - at >= sizeof (footer))
    {
      gsize n = (gsize) MIN (size - at, 65536), i;

      if (!gwt_capture_file_read (w->c->file, at, bytes, n, w->err))
        return false;
      for (i = 0; i + sizeof (footer) <= n && (i + 12 <= n || at + n == size); i++)
        if (memcmp (bytes + i, footer, sizeof (footer)) == 0
            && begins_item (bytes + i + 5, n - i - 5))
          return gwt_vm_get (w->c->in, NULL, at + i - w->c->in->offset, w->err);
      at += MAX (i, 1);
    }
  return wrong (w, item->payload,
                "its footer is not there; the stream ends at byte %" G_GUINT64_FORMAT, size);
}

static bool
get_footer (struct walk *w, const struct gwt_capture_item *item)
{
  uint64_t tag, id, at = w->c->in->offset;

  if (!gwt_vm_get_be (w->c->in, 1, &tag, w->err))
    return false;
  if (tag == GWT_STREAM_SUBSECTION && item->fields != NULL)
    return wrong (w, at, "a subsection that is not described");
  if (tag != GWT_STREAM_FOOTER)
    return wrong (w, at, "0x%02" G_GINT64_MODIFIER "x instead of its footer", tag);
  if (!gwt_vm_get_be (w->c->in, 4, &id, w->err))
    return false;
  return id == item->id
         || wrong (w, at, "a footer with id %" G_GUINT64_FORMAT " instead of %u", id, item->id);
}

static bool
get_payload (struct walk *w, struct gwt_capture_item *item)
{
  const struct gwt_described *device = NULL;
  bool good;

  item->payload = w->c->in->offset;
  if (strcmp (item->name, "ram") == 0)
    good = gwt_capture_ram (w->c, item, w->ops, w->opaque, w->err);
  else
    {
      if (item->tag == GWT_STREAM_FULL && w->c->description != NULL)
        device = gwt_description_device (w->c->description, item->name, item->instance);
      if (device == NULL && w->c->description != NULL)
        gwt_capture_find (w->c, item->offset,
                          "section '%s' %u is %s; it is taken to end with what looks like its "
                          "footer",
                          item->name, item->instance,
                          item->tag == GWT_STREAM_FULL ? "not described"
                                                       : "of a kind that cannot be read");
      good = device != NULL ? gwt_capture_fields (w->c, item, device, w->err)
                            : skip_to_footer (w, item);
    }
  item->end = w->c->in->offset;
  if (good && get_footer (w, item))
    return true;
  if (!gwt_error_is_set (w->err))
    wrong (w, w->c->in->offset, "it cannot be read");
  return false;
}

static bool
announce (struct walk *w, struct gwt_capture_item *item)
{
  uint64_t instance, version;
  struct handle *handle;

  item->name = get_name (w, "a section");
  handle = gwt_capture_alloc (w->c, sizeof (*handle), w->err);
  if (item->name == NULL || handle == NULL || !gwt_vm_get_be (w->c->in, 4, &instance, w->err)
      || !gwt_vm_get_be (w->c->in, 4, &version, w->err))
    return false;
  item->instance = (uint32_t) instance;
  item->version = (uint32_t) version;
  *handle = (struct handle){ item->name, item->instance, item->version,
                             item->tag == GWT_STREAM_START, false };
  if (!g_hash_table_insert (w->c->handles, GSIZE_TO_POINTER ((gsize) item->id + 1), handle))
    gwt_capture_find (w->c, item->offset, "id %u is that of another section already", item->id);
  if (!g_hash_table_add (w->c->seen, g_strdup_printf ("%u %s", item->instance, item->name)))
    gwt_capture_find (w->c, item->offset, "section '%s' %u comes twice", item->name,
                      item->instance);
  return true;
}

/* A piece: whose it is, its id says. */
static bool
find_announced (struct walk *w, struct gwt_capture_item *item)
{
  struct handle *handle
      = g_hash_table_lookup (w->c->handles, GSIZE_TO_POINTER ((gsize) item->id + 1));

  if (handle == NULL || !handle->live)
    return wrong (w, item->offset, "a piece of section %u, which was not begun", item->id);
  item->name = handle->name;
  item->instance = handle->instance;
  item->version = handle->version;
  if (handle->ended)
    gwt_capture_find (w->c, item->offset, "a piece of section '%s' behind its last", item->name);
  handle->ended = item->tag == GWT_STREAM_END;
  return true;
}

static bool
get_section (struct walk *w, struct gwt_capture_item *item)
{
  bool announced = item->tag == GWT_STREAM_START || item->tag == GWT_STREAM_FULL;
  g_autofree char *label = NULL;
  uint64_t id;

  if (!gwt_vm_get_be (w->c->in, 4, &id, w->err))
    return false;
  item->id = (uint32_t) id;
  if (!(announced ? announce (w, item) : find_announced (w, item)))
    return false;
  if (announced)
    gwt_capture_judge_announced (w->c, item);
  if (w->ops->begin != NULL)
    w->ops->begin (w->opaque, w->c, item);
  if (get_payload (w, item))
    return true;
  label = gwt_capture_label (item);
  gwt_error_prefix (w->err, "section %s", label);
  return false;
}

/* ---- commands -------------------------------------------------------------------------------- */

static bool
get_command (struct walk *w, struct gwt_capture_item *item)
{
  uint64_t number, size;
  uint8_t advice[16];
  const char *name;

  if (!gwt_vm_get_be (w->c->in, 2, &number, w->err) || !gwt_vm_get_be (w->c->in, 2, &size, w->err))
    return false;
  item->command = (uint16_t) number;
  item->payload = w->c->in->offset;
  item->end = item->payload + size;
  name = gwt_capture_command_name (item->command);
  if (name == NULL)
    return wrong (w, item->offset, "command %" G_GUINT64_FORMAT ", which is none", number);
  if (commands[number].size >= 0 && size != (uint64_t) commands[number].size)
    return wrong (w, item->offset, "command %s with %" G_GUINT64_FORMAT " bytes; it has %d", name,
                  size, commands[number].size);
  switch (number)
    {
    case 3:
      if (size != 0 && size != 16)
        return wrong (w, item->offset,
                      "command %s with %" G_GUINT64_FORMAT " bytes; it has 0 or 16", name, size);
      if (!gwt_vm_get (w->c->in, advice, size, w->err))
        return false;
      /* Blocks of huge pages then have one more number in the list of blocks. */
      if (size == 16 && memcmp (advice, advice + 8, 8) != 0)
        return wrong (w, item->offset, "command %s for memory of huge pages; that cannot be read",
                      name);
      break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 9:
    case 10:
      return wrong (w, item->offset, "command %s: a stream of 'postcopy-ram' cannot be read", name);
    default:
      if (!gwt_vm_get (w->c->in, NULL, size, w->err))
        return false;
      break;
    }
  if (w->ops->begin != NULL)
    w->ops->begin (w->opaque, w->c, item);
  return true;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static bool
get_item (struct walk *w, struct gwt_capture_item *item)
{
  uint64_t tag;

  item->offset = w->c->in->offset;
  if (!gwt_vm_get_be (w->c->in, 1, &tag, w->err))
    return false;
  item->tag = (enum gwt_stream_tag) tag;
  item->payload = item->end = w->c->in->offset;
  g_ptr_array_add (w->c->items, item);
  switch (tag)
    {
    case GWT_STREAM_EOF:
      w->c->ended = item->offset;
      if (w->ops->begin != NULL)
        w->ops->begin (w->opaque, w->c, item);
      return true;
    case GWT_STREAM_START:
    case GWT_STREAM_PART:
    case GWT_STREAM_END:
    case GWT_STREAM_FULL:
      return get_section (w, item);
    case GWT_STREAM_COMMAND:
      return get_command (w, item);
    default:
      g_ptr_array_set_size (w->c->items, (gint) w->c->items->len - 1);
      return wrong (w, item->offset, "tag 0x%02" G_GINT64_MODIFIER "x begins no item", tag);
    }
}

/* Behind the end of items. */
static bool
get_description (struct walk *w)
{
  uint64_t at = w->c->in->offset, size = gwt_capture_file_size (w->c->file);
  const struct gwt_described *device;

  if (w->c->description == NULL && at != size)
    return wrong (w, at, "%" G_GUINT64_FORMAT " bytes behind the end that are no description",
                  size - at);
  if (w->c->description == NULL)
    return true;
  if (gwt_description_offset (w->c->description) != at)
    return wrong (w, at,
                  "the description begins at byte %" G_GUINT64_FORMAT " and not behind the end",
                  gwt_description_offset (w->c->description));
  for (device = gwt_description_devices (w->c->description); device != NULL; device = device->next)
    {
      const char *name = gwt_described_text (device, "name");
      uint64_t instance = 0;
      g_autofree char *key = NULL;

      gwt_described_number (device, "instance_id", &instance);
      key = g_strdup_printf ("%u %s", (uint32_t) instance, name != NULL ? name : "");
      if (name == NULL || !g_hash_table_contains (w->c->seen, key))
        gwt_capture_find (w->c, at, "section '%s' %u is described and not there",
                          name != NULL ? name : "", (uint32_t) instance);
    }
  return gwt_vm_get (w->c->in, NULL, size - at, w->err);
}

static bool
judge_page_size (struct walk *w)
{
  uint64_t size = w->c->description != NULL ? gwt_description_page_size (w->c->description) : 0;

  if (size == 0)
    return true;
  if (size < 1024 || size > 65536 || (size & (size - 1)) != 0)
    return wrong (w, gwt_description_offset (w->c->description),
                  "the description says pages of %" G_GUINT64_FORMAT " bytes", size);
  w->c->page_size = size;
  return true;
}

bool
gwt_capture_walk (struct gwt_capture *c, const struct gwt_capture_ops *ops, void *opaque,
                  struct gwt_error *err)
{
  static const struct gwt_capture_ops none;
  struct walk w = { c, ops != NULL ? ops : &none, opaque, err };
  struct gwt_capture_item *item;

  c->in = gwt_capture_file_in (c->file);
  if (!get_header (&w))
    return false;
  c->description = gwt_description_find (c->file, err);
  if (gwt_error_is_set (err) || !judge_page_size (&w) || !get_config (&w))
    return false;
  do
    {
      item = gwt_capture_alloc (c, sizeof (*item), err);
      if (item == NULL || !get_item (&w, item))
        return false;
      if (w.ops->end != NULL)
        w.ops->end (opaque, c, item);
    }
  while (item->tag != GWT_STREAM_EOF);
  return get_description (&w);
}
