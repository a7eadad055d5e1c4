/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The section 'ram': its records, and where in the file the last content of each page is.
 *
 * Pages are kept in chunks as they come, never by the length that a block claims.  A page that came
 * as a difference keeps the chain of those down to the last whole one.
 */
#include "config.h"
#include "tools/stream/capture.h"
#include <string.h>
#include "core/migration/ram-format.h"

#define CHUNK 64

/* Of a page's entry: never sent, zero, a difference (index in `deltas`), or a place in the file. */
#define NEVER 0
#define IS_ZERO 1
#define IS_DELTA (UINT64_C (1) << 63)

struct delta
{
  uint64_t before; /* entry that it changes */
  uint64_t offset; /* of its bytes */
  uint32_t size;
};

const char *const gwt_capture_record_names[GWT_CAPTURE_KINDS]
    = { "zero", "normal", "xbzrle", "flush" };

struct walk
{
  struct gwt_capture *c;
  struct gwt_capture_item *item;
  const struct gwt_capture_ops *ops;
  void *opaque;
  uint64_t at; /* of the record */
  struct gwt_error *err;
};

static bool wrong (struct walk *w, const char *format, ...) G_GNUC_PRINTF (2, 3);

static bool
wrong (struct walk *w, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  gwt_error_set (w->err, GWT_E_INVALID, "byte %" G_GUINT64_FORMAT ": %s", w->at, text);
  return false;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void
chunk_free (gpointer chunk)
{
  g_free (chunk);
}

void
gwt_capture_block_free (void *opaque)
{
  struct gwt_capture_block *block = opaque;

  g_free (block->name);
  g_hash_table_unref (block->chunks);
  g_free (block);
}

/* A block's name as it comes; *BLOCK NULL where there is none of it. */
static bool
get_block (struct walk *w, char name[256], struct gwt_capture_block **block)
{
  uint64_t length;

  memset (name, 0, 256);
  if (!gwt_vm_get_be (w->c->in, 1, &length, w->err) || !gwt_vm_get (w->c->in, name, length, w->err))
    return false;
  if (length == 0 || strlen (name) != length)
    return wrong (w, "a block's name is none");
  *block = g_hash_table_lookup (w->c->block_names, name);
  return true;
}

static bool
announce (struct walk *w, struct gwt_capture_block *block, const char *name, uint64_t length)
{
  g_autofree char *shown = gwt_one_line (name);

  if (length == 0 || length % w->c->page_size != 0)
    return wrong (w, "block '%s': %" G_GUINT64_FORMAT " bytes are no whole pages", shown, length);
  if (block != NULL)
    return block->length == length
           || wrong (w, "block '%s': it comes again with another length", shown);
  block = g_new0 (struct gwt_capture_block, 1);
  block->name = g_strdup (name);
  block->length = length;
  block->chunks = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, chunk_free);
  g_ptr_array_add (w->c->blocks, block);
  g_hash_table_insert (w->c->block_names, block->name, block);
  return true;
}

/* The list ends where the lengths add up to TOTAL. */
static bool
get_blocks (struct walk *w, uint64_t total)
{
  uint64_t sum = 0;

  while (sum < total)
    {
      struct gwt_capture_block *block;
      uint64_t length, address;
      char name[256];

      w->at = w->c->in->offset;
      if (!get_block (w, name, &block) || !gwt_vm_get_be (w->c->in, 8, &length, w->err)
          || !announce (w, block, name, length))
        return false;
      if (length > total - sum)
        return wrong (
            w, "the blocks are longer than the %" G_GUINT64_FORMAT " bytes that were announced",
            total);
      sum += length;
      if (w->c->ignore_shared)
        {
          if (!gwt_vm_get_be (w->c->in, 8, &address, w->err))
            return false;
          block = g_hash_table_lookup (w->c->block_names, name);
          block->guest_address = address;
          block->has_address = true;
        }
      w->item->blocks++;
    }
  return true;
}

/* ---- pages ----------------------------------------------------------------------------------- */

static uint64_t *
entry_of (const struct gwt_capture_block *block, uint64_t page)
{
  uint64_t *chunk = g_hash_table_lookup (block->chunks, GSIZE_TO_POINTER (page / CHUNK + 1));

  return chunk != NULL ? &chunk[page % CHUNK] : NULL;
}

static bool
keep (struct walk *w, struct gwt_capture_block *block, uint64_t page, uint64_t entry)
{
  uint64_t *at = entry_of (block, page);

  if (at == NULL)
    {
      uint64_t *chunk = g_try_new0 (uint64_t, CHUNK);

      if (chunk == NULL)
        {
          gwt_error_set (w->err, GWT_E_NO_MEMORY, "no memory for the places of pages");
          return false;
        }
      g_hash_table_insert (block->chunks, GSIZE_TO_POINTER (page / CHUNK + 1), chunk);
      at = &chunk[page % CHUNK];
    }
  block->pages += *at == NEVER;
  *at = entry;
  return true;
}

/* 14 bits at most, the low ones first. */
static bool
get_run (const uint8_t *bytes, gsize size, gsize *at, gsize *run)
{
  if (*at == size)
    return false;
  *run = bytes[(*at)++];
  if (*run < 0x80)
    return true;
  if (*at == size || bytes[*at] >= 0x80)
    return false;
  *run = (*run & 0x7f) | (gsize) bytes[(*at)++] << 7;
  return true;
}

/* Runs of what stays and what is new, in turn; PAGE NULL: only judged.  False where they are
   malformed. */
static bool
apply_delta (const uint8_t *bytes, gsize size, uint8_t *page, gsize page_size)
{
  gsize at = 0, to = 0, run;

  while (at < size)
    {
      bool first = at == 0;

      if (!get_run (bytes, size, &at, &run) || (run == 0 && !first) || run > page_size - to)
        return false;
      to += run;
      if (!get_run (bytes, size, &at, &run) || run == 0 || run > page_size - to || run > size - at)
        return false;
      if (page != NULL)
        memcpy (page + to, bytes + at, run);
      to += run;
      at += run;
    }
  return true;
}

static bool
get_delta (struct walk *w, struct gwt_capture_block *block, uint64_t page)
{
  const uint64_t *before = entry_of (block, page);
  struct delta delta = { before != NULL ? *before : NEVER, 0, 0 };
  g_autofree uint8_t *bytes = NULL;
  uint64_t method, size;

  if (!gwt_vm_get_be (w->c->in, 1, &method, w->err) || !gwt_vm_get_be (w->c->in, 2, &size, w->err))
    return false;
  if (method != 1 || size > w->c->page_size)
    return wrong (w,
                  "a difference of method %" G_GUINT64_FORMAT " with %" G_GUINT64_FORMAT
                  " bytes; there are method 1 and a page's size",
                  method, size);
  delta.offset = w->c->in->offset;
  delta.size = (uint32_t) size;
  bytes = g_malloc (size + 1);
  if (!gwt_vm_get (w->c->in, bytes, size, w->err))
    return false;
  if (!apply_delta (bytes, size, NULL, w->c->page_size))
    return wrong (w, "a difference whose runs do not fit a page");
  if (delta.before == NEVER)
    gwt_capture_find (w->c, w->at, "a difference to a page that was never sent");
  g_array_append_val (w->c->deltas, delta);
  return keep (w, block, page, IS_DELTA | (w->c->deltas->len - 1));
}

static bool
get_page (struct walk *w, uint64_t address, unsigned flags)
{
  enum gwt_capture_record kind = flags & GWT_RAM_ZERO   ? GWT_CAPTURE_ZERO
                                 : flags & GWT_RAM_PAGE ? GWT_CAPTURE_PAGE
                                                        : GWT_CAPTURE_XBZRLE;
  struct gwt_capture_block *block = w->c->block;
  uint64_t page = address / w->c->page_size, fill;
  bool good;

  if (!(flags & GWT_RAM_CONTINUE))
    {
      char name[256];

      if (!get_block (w, name, &block))
        return false;
      if (block == NULL)
        {
          g_autofree char *shown = gwt_one_line (name);

          return wrong (w, "a page of block '%s', which was not announced", shown);
        }
      w->c->block = block;
    }
  else if (block == NULL)
    return wrong (w, "a page of the same block as the one before, and there was none");
  if (address >= block->length)
    return wrong (w,
                  "page 0x%" G_GINT64_MODIFIER "x of block '%s', which has 0x%" G_GINT64_MODIFIER
                  "x bytes",
                  address, block->name, block->length);
  switch (kind)
    {
    case GWT_CAPTURE_ZERO:
      good = gwt_vm_get_be (w->c->in, 1, &fill, w->err) && keep (w, block, page, IS_ZERO);
      if (good && fill != 0)
        gwt_capture_find (
            w->c, w->at,
            "a page filled with 0x%02" G_GINT64_MODIFIER "x; only 0 is taken everywhere", fill);
      break;
    case GWT_CAPTURE_PAGE:
      good = gwt_vm_get (w->c->in, NULL, w->c->page_size, w->err)
             && keep (w, block, page, w->c->in->offset - w->c->page_size);
      break;
    default:
      good = get_delta (w, block, page);
      break;
    }
  if (!good)
    return false;
  block->records[kind]++;
  w->item->records[kind]++;
  if (w->ops->record != NULL)
    w->ops->record (w->opaque, w->c, kind, w->at, block, address);
  return true;
}

/* *DONE at the record that ends the payload. */
static bool
get_record (struct walk *w, bool *done)
{
  uint64_t head, upper;
  unsigned flags;

  w->at = w->c->in->offset;
  if (!gwt_vm_get_be (w->c->in, 8, &head, w->err))
    return false;
  flags = (unsigned) (head & (w->c->page_size - 1));
  upper = head - flags;
  switch (flags & ~GWT_RAM_CONTINUE)
    {
    case GWT_RAM_ZERO:
    case GWT_RAM_PAGE:
    case GWT_RAM_XBZRLE:
      return get_page (w, upper, flags);
    case GWT_RAM_COMPRESS_PAGE:
      return wrong (w, "a compressed page; 'compress', which releases up to 9.0 have, cannot be "
                       "read");
    default:
      break;
    }
  switch (flags)
    {
    case GWT_RAM_MEM_SIZE:
      return get_blocks (w, upper);
    case GWT_RAM_MULTIFD_FLUSH:
      w->item->records[GWT_CAPTURE_FLUSH]++;
      if (w->ops->record != NULL)
        w->ops->record (w->opaque, w->c, GWT_CAPTURE_FLUSH, w->at, NULL, 0);
      return true;
    case GWT_RAM_EOS:
      *done = true;
      return true;
    default:
      return wrong (w, "a record of RAM with flags 0x%03x, which is none", flags);
    }
}

bool
gwt_capture_ram (struct gwt_capture *c, struct gwt_capture_item *item,
                 const struct gwt_capture_ops *ops, void *opaque, struct gwt_error *err)
{
  struct walk w = { c, item, ops, opaque, c->in->offset, err };
  bool done = false;

  if (item->version != GWT_RAM_VERSION || item->instance != 0)
    return wrong (&w, "instance %u in version %u; there are instance 0 and version %d",
                  item->instance, item->version, GWT_RAM_VERSION);
  if (item->tag == GWT_STREAM_START)
    {
      uint8_t head[8];
      gssize got = gwt_vm_peek (c->in, head, sizeof (head), err);

      if (got < 0)
        return false;
      if (got == sizeof (head)
          && (((head[6] << 8 | head[7]) & (c->page_size - 1)) != GWT_RAM_MEM_SIZE))
        gwt_capture_find (c, c->in->offset, "'ram' does not begin with its blocks");
    }
  while (!done)
    if (!get_record (&w, &done))
      return false;
  return true;
}

/* ---- content --------------------------------------------------------------------------------- */

bool
gwt_capture_page (struct gwt_capture *c, const struct gwt_capture_block *block, uint64_t number,
                  uint8_t *bytes, struct gwt_error *err)
{
  const uint64_t *at = entry_of (block, number);
  uint64_t entry = at != NULL ? *at : NEVER;
  g_autoptr (GArray) chain = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  g_autofree uint8_t *buffer = g_malloc (c->page_size);
  guint i;

  while (entry & IS_DELTA)
    {
      entry &= ~IS_DELTA;
      g_array_append_val (chain, entry);
      entry = g_array_index (c->deltas, struct delta, entry).before;
    }
  if (entry == NEVER || entry == IS_ZERO)
    memset (bytes, 0, c->page_size);
  else if (!gwt_capture_file_read (c->file, entry, bytes, c->page_size, err))
    return false;
  for (i = chain->len; i > 0; i--)
    {
      const struct delta *d
          = &g_array_index (c->deltas, struct delta, g_array_index (chain, uint64_t, i - 1));

      if (!gwt_capture_file_read (c->file, d->offset, buffer, d->size, err))
        return false;
      if (!apply_delta (buffer, d->size, bytes, c->page_size))
        {
          gwt_error_set (err, GWT_E_IO, "byte %" G_GUINT64_FORMAT ": the file changed meanwhile",
                         d->offset);
          return false;
        }
    }
  return true;
}

static int
compare (const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

  return x < y ? -1 : x > y;
}

GArray *
gwt_capture_pages (const struct gwt_capture *c, const struct gwt_capture_block *block)
{
  GArray *pages = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  GHashTableIter iter;
  gpointer key, value;
  guint i;

  (void) c;
  g_hash_table_iter_init (&iter, block->chunks);
  while (g_hash_table_iter_next (&iter, &key, &value))
    for (i = 0; i < CHUNK; i++)
      if (((uint64_t *) value)[i] != NEVER)
        {
          uint64_t number = (GPOINTER_TO_SIZE (key) - 1) * CHUNK + i;

          g_array_append_val (pages, number);
        }
  g_array_sort (pages, compare);
  return pages;
}
