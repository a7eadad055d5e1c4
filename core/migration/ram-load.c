/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM is received: see ram.h.
 *
 * The sender is not trusted: a block has to be one that is migrated here, of the size it has here,
 * and a page has to lie inside it.  Pages go straight into the guest's memory, for there is no room
 * to stage them; a guest that cannot be loaded whole is not started.
 */
#include "config.h"
#include "core/migration/ram-internal.h"
#include "core/device/lock.h"
#include "core/migration/devices.h"
#include "core/migration/manifest.h"
#include "core/migration/ram-pages.h"
#include "core/migration/told.h"
#include "core/migration/xbzrle.h"
#include <string.h>

#define PAGE GWT_RAM_PAGE_SIZE
#define HEAD 8 /* of a page of the same block as the one before */
/* So many pages that came one after another, and as many more are expected. */
#define RUN_MIN 16
#define RUN_MAX 60
/* What was taken for a run and is none goes back into the input's buffer. */
G_STATIC_ASSERT (RUN_MAX * (HEAD + PAGE) <= GWT_VM_IN_BUFFER);

struct load_block
{
  struct gwt_ram_block *block;
  uint64_t *zero;   /* a bit a page that is known to be all zeros; NULL: nothing is known */
  uint64_t *looked; /* a bit for 64 pages whose `zero` was asked for */
  bool ignored;
  bool listed; /* by this stream */
};

struct loader
{
  guint n_blocks;
  struct load_block *blocks;
  struct load_block *last; /* of the last page; NULL: there was none */
  uint64_t next;           /* the page after the last one that came whole */
  guint run;               /* of those, how many came one right after the other, up to RUN_MAX */
  struct gwt_untouched *untouched;
  const struct gwt_manifest *told; /* the sender's, or NULL; borrowed */
  struct gwt_ram_options options;
  bool check_only;
  uint8_t scratch[PAGE]; /* what is checked only */
  uint8_t data[PAGE];
};

static struct loader *loader; /* the reader's thread */

/* ---- beginning and end ----------------------------------------------------------------------- */

/* Pages that come must not go into the memory of the guest that they come from. */
static bool
is_ours (const struct gwt_ram_block *block, struct gwt_error *err)
{
  int other = gwt_block_other_process (block);
  g_autofree char *who
      = other > 0 ? g_strdup_printf ("process %d", other) : g_strdup ("another process");

  if (other != 0)
    gwt_error_set (err, GWT_E_BUSY,
                   "RAM block '%s': its file is the memory of %s too, which the pages that come "
                   "would change; set capability 'x-ignore-shared' at both ends, or give this end "
                   "another file",
                   block->name, who);
  return other == 0;
}

bool
gwt_ram_load_setup (void *opaque, struct gwt_error *err)
{
  g_autofree struct gwt_ram_block **blocks = NULL;
  struct loader *l;
  bool good = true;
  guint i;

  gwt_ram_load_cleanup (opaque);
  loader = l = g_new0 (struct loader, 1);
  gwt_ram_options (&l->options);
  l->check_only = gwt_ram_is_check_only ();
  blocks = gwt_ram_blocks (&l->n_blocks);
  l->blocks = g_new0 (struct load_block, l->n_blocks + 1);
  l->untouched = gwt_untouched_new ();
  for (i = 0; i < l->n_blocks; i++)
    {
      struct load_block *b = &l->blocks[i];
      uint64_t words = (blocks[i]->size / PAGE + 63) / 64;

      b->block = blocks[i];
      b->ignored = gwt_ram_is_ignored (blocks[i], &l->options);
      if (b->ignored || l->check_only)
        continue;
      good = good && is_ours (b->block, err);
      /* Without them it is only slower. */
      b->zero = g_try_malloc0_n (words, 8);
      b->looked = g_try_malloc0_n ((words + 63) / 64, 8);
    }
  return good;
}

void
gwt_ram_load_told (void *opaque, const struct gwt_manifest *manifest)
{
  (void) opaque;
  loader->told = manifest;
}

void
gwt_ram_load_cleanup (void *opaque)
{
  struct loader *l = g_steal_pointer (&loader);
  guint i;

  if (l == NULL)
    return;
  for (i = 0; i < l->n_blocks; i++)
    {
      gwt_block_unref (l->blocks[i].block);
      g_free (l->blocks[i].zero);
      g_free (l->blocks[i].looked);
    }
  g_free (l->blocks);
  gwt_untouched_free (l->untouched);
  g_free (l);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static struct load_block *
find_block (struct loader *l, const char *name)
{
  guint i;

  for (i = 0; i < l->n_blocks; i++)
    if (strcmp (l->blocks[i].block->name, name) == 0)
      return &l->blocks[i];
  return NULL;
}

/* The block whose name comes; NULL with ERR set. */
static struct load_block *
get_block (struct loader *l, struct gwt_vm_in *in, struct gwt_error *err)
{
  g_autofree char *shown = NULL;
  struct load_block *b = NULL;
  char name[256] = "";
  uint64_t length;

  if (!gwt_vm_get_be (in, 1, &length, err) || !gwt_vm_get (in, name, length, err))
    return NULL;
  if (length > 0 && strlen (name) == length)
    b = find_block (l, name);
  if (b != NULL)
    return b;
  shown = g_strescape (name, NULL);
  gwt_error_set (err, GWT_E_NOT_FOUND,
                 "RAM block '%s': there is none here; give this end the sender's devices", shown);
  return NULL;
}

/* Blocks are as large as options and images make them: say which. */
static void
refuse_size (struct loader *l, const struct gwt_ram_block *block, uint64_t size,
             struct gwt_error *err)
{
  const struct gwt_manifest_block *told
      = l->told != NULL ? gwt_manifest_block (l->told, block->name) : NULL;
  g_autofree char *file = NULL, *here = NULL, *there = NULL;
  bool held = gwt_machine_lock_held ();

  if (!held)
    gwt_machine_lock ();
  file = gwt_migration_block_file (block);
  if (!held)
    gwt_machine_unlock ();
  here = file != NULL ? g_strdup_printf (" (file '%s')", file) : g_strdup ("");
  if (told != NULL && told->file != NULL)
    there = g_strdup_printf (" (file '%s')", told->file);
  else
    there = g_strdup (file != NULL ? " (the stream does not tell which file)" : "");
  gwt_error_set (err, GWT_E_INVALID,
                 "RAM block '%s': it has %" G_GUINT64_FORMAT
                 " bytes at the sender%s and %" G_GUINT64_FORMAT
                 " here%s; start this end with the sender's sizes: -m, and images as large",
                 block->name, size, there, block->size, here);
}

static bool
get_list_entry (struct loader *l, struct gwt_vm_in *in, uint64_t left, uint64_t *size,
                struct gwt_error *err)
{
  struct load_block *b = get_block (l, in, err);
  uint64_t address, here;

  if (b == NULL || !gwt_vm_get_be (in, 8, size, err))
    return false;
  if (*size != b->block->size)
    {
      refuse_size (l, b->block, *size, err);
      return false;
    }
  if (!gwt_told_block (l->told, b->block->name, *size, err))
    return false;
  b->listed = true;
  if (*size > left)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "RAM block '%s': with it the blocks are larger than their total",
                     b->block->name);
      return false;
    }
  if (!l->options.ignore_shared)
    return true;
  if (!gwt_vm_get_be (in, 8, &address, err))
    return false;
  here = gwt_memory_block_address (b->block);
  if (!b->ignored || address == here)
    return true;
  gwt_error_set (err, GWT_E_INVALID,
                 "RAM block '%s': it is at 0x%" G_GINT64_MODIFIER
                 "x at the sender and at 0x%" G_GINT64_MODIFIER
                 "x here; start this end with the sender's devices",
                 b->block->name, address, here);
  return false;
}

static bool
get_list (struct loader *l, struct gwt_vm_in *in, uint64_t total, struct gwt_error *err)
{
  uint64_t size;

  for (; total > 0; total -= size)
    if (!get_list_entry (l, in, total, &size, err))
      return false;
  for (guint i = 0; i < l->n_blocks; i++)
    if (!l->blocks[i].listed && !gwt_told_no_block (l->told, l->blocks[i].block->name, err))
      return false;
  return true;
}

/* ---- pages ----------------------------------------------------------------------------------- */

static bool
is_known_zero (struct loader *l, struct load_block *b, uint64_t page)
{
  uint64_t word = page / 64;

  if (b->zero == NULL || b->looked == NULL)
    return false;
  if ((b->looked[word / 64] >> word % 64 & 1) == 0)
    {
      b->looked[word / 64] |= UINT64_C (1) << word % 64;
      b->zero[word] = gwt_untouched_pages (l->untouched, b->block, page & ~UINT64_C (63));
    }
  return b->zero[word] >> page % 64 & 1;
}

/* PAGE is written to.  What was not asked for yet is not asked for any more: by then this page
   would be known as one that was touched, and its neighbors, in one huge page with it, as well. */
static void
forget_zero (struct loader *l, struct load_block *b, uint64_t page)
{
  if (b->zero == NULL)
    return;
  (void) is_known_zero (l, b, page);
  b->zero[page / 64] &= ~(UINT64_C (1) << page % 64);
}

static void
set_zero (struct loader *l, struct load_block *b, uint64_t page)
{
  uint8_t *to = b->block->host + page * PAGE;

  if (l->check_only || is_known_zero (l, b, page))
    return;
  if (!gwt_page_is_zero (to))
    memset (to, 0, PAGE);
  if (b->zero != NULL)
    b->zero[page / 64] |= UINT64_C (1) << page % 64;
}

static bool
get_xbzrle (struct loader *l, struct gwt_vm_in *in, struct load_block *b, uint64_t page,
            struct gwt_error *err)
{
  uint8_t *to = b->block->host + page * PAGE;
  uint64_t method, size;
  const char *why;

  if (!gwt_vm_get_be (in, 1, &method, err) || !gwt_vm_get_be (in, 2, &size, err))
    return false;
  if (method != 1 || size > PAGE)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "RAM block '%s', page at 0x%" G_GINT64_MODIFIER
                     "x: method %u with %u bytes is none of XBZRLE's",
                     b->block->name, page * PAGE, (unsigned) method, (unsigned) size);
      return false;
    }
  if (!gwt_vm_get (in, l->data, size, err))
    return false;
  if (l->check_only)
    to = l->scratch;
  else
    forget_zero (l, b, page);
  why = gwt_xbzrle_decode (to, l->data, size);
  if (why == NULL)
    return true;
  gwt_error_set (err, GWT_E_INVALID,
                 "RAM block '%s', page at 0x%" G_GINT64_MODIFIER "x: XBZRLE: %s", b->block->name,
                 page * PAGE, why);
  return false;
}

static bool
get_zero (struct loader *l, struct gwt_vm_in *in, struct load_block *b, uint64_t page,
          struct gwt_error *err)
{
  uint64_t fill;

  if (!gwt_vm_get_be (in, 1, &fill, err))
    return false;
  if (fill != 0)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "RAM block '%s', page at 0x%" G_GINT64_MODIFIER
                     "x: it is to be filled with 0x%02x; pages are filled with 0 alone",
                     b->block->name, page * PAGE, (unsigned) fill);
      return false;
    }
  set_zero (l, b, page);
  return true;
}

/* ---- pages in order -------------------------------------------------------------------------- */

/*
 * Most pages of a first pass come in order.  Where the last ones did, the next ones are read right
 * to where they belong if they go on like that, with their heads between them, and not through the
 * input's buffer.  Heads are looked at afterwards: what was something else is taken back.  So only
 * pages that nobody has touched here are used, for those can be made what they were: zero.
 */

/* Pages after PAGE that may be expected. */
static guint
expected (struct loader *l, struct load_block *b, uint64_t page)
{
  uint64_t left = b->block->size / PAGE - page - 1;
  guint most = (guint) MIN (l->run, left), n = 0;

  if (l->run >= RUN_MIN)
    while (n < most && is_known_zero (l, b, page + 1 + n))
      n++;
  return n;
}

static guint
set_pieces (struct iovec *iov, struct load_block *b, uint64_t page, gsize done, uint64_t *heads,
            guint n)
{
  uint8_t *at = b->block->host + page * PAGE;
  guint count = 0, i;

  if (done < PAGE)
    iov[count++] = (struct iovec){ at + done, PAGE - done };
  for (i = 0; i < n; i++)
    {
      iov[count++] = (struct iovec){ &heads[i], HEAD };
      iov[count++] = (struct iovec){ at + (i + 1) * PAGE, PAGE };
    }
  return count;
}

/* SIZE bytes, from the head on that IOV begins with, are something else. */
static void
take_back (struct gwt_vm_in *in, const struct iovec *iov, gsize size)
{
  gsize left = size;
  guint i;

  gwt_vm_unget_pieces (in, iov, size);
  for (i = 0; left > 0; i++)
    {
      gsize part = MIN (left, iov[i].iov_len);

      if (i % 2 != 0)
        memset (iov[i].iov_base, 0, part);
      left -= part;
    }
}

/* PAGE, of which less than all of it is in the buffer, and those that follow it. */
static bool
get_run (struct loader *l, struct gwt_vm_in *in, struct load_block *b, uint64_t page,
         struct gwt_error *err)
{
  struct iovec iov[2 * RUN_MAX + 1];
  uint64_t heads[RUN_MAX];
  gsize done = in->end - in->at;

  if (!gwt_vm_get (in, b->block->host + page * PAGE, done, err))
    return false;
  for (;;)
    {
      guint count = set_pieces (iov, b, page, done, heads, expected (l, b, page)), i;
      gssize got;
      gsize left;

      if (count == 0)
        return true;
      got = gwt_vm_get_pieces (in, iov, (int) count, err);
      if (got < 0)
        return false;
      i = done < PAGE;
      left = (gsize) got - MIN ((gsize) got, PAGE - done);
      done += (gsize) got - left;
      while (left >= HEAD
             && GUINT64_FROM_BE (heads[i / 2])
                    == ((page + 1) * PAGE | GWT_RAM_PAGE | GWT_RAM_CONTINUE))
        {
          forget_zero (l, b, ++page);
          l->next = page + 1;
          l->run = MIN (l->run + 1, RUN_MAX);
          left -= HEAD;
          done = MIN (left, PAGE);
          left -= done;
          i += 2;
        }
      if (left == 0)
        continue;
      take_back (in, iov + i, left);
      return true;
    }
}

static bool
get_whole (struct loader *l, struct gwt_vm_in *in, struct load_block *b, uint64_t page, bool again,
           struct gwt_error *err)
{
  l->run = again && page == l->next ? MIN (l->run + 1, RUN_MAX) : 0;
  l->next = page + 1;
  forget_zero (l, b, page);
  if (l->run >= RUN_MIN && in->source_pieces != NULL && in->end - in->at < PAGE)
    return get_run (l, in, b, page, err);
  return gwt_vm_get (in, b->block->host + page * PAGE, PAGE, err);
}

/* ---- a page's record ------------------------------------------------------------------------- */

/* The block that a page's record is about; NULL with ERR set. */
static struct load_block *
get_page_block (struct loader *l, struct gwt_vm_in *in, uint64_t offset, bool again,
                struct gwt_error *err)
{
  struct load_block *b = again ? l->last : get_block (l, in, err);

  if (b == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "a page of the same RAM block as the one before; there was none before");
      return NULL;
    }
  l->last = b;
  if (b->ignored)
    gwt_error_set (err, GWT_E_INVALID,
                   "RAM block '%s': a page of it is sent; it is shared, and is not to be",
                   b->block->name);
  else if (offset >= b->block->size)
    gwt_error_set (err, GWT_E_RANGE,
                   "RAM block '%s': a page at 0x%" G_GINT64_MODIFIER
                   "x is beyond its end at 0x%" G_GINT64_MODIFIER "x",
                   b->block->name, offset, b->block->size);
  return gwt_error_is_set (err) ? NULL : b;
}

static bool
get_page (struct loader *l, struct gwt_vm_in *in, uint64_t offset, uint64_t flags,
          struct gwt_error *err)
{
  struct load_block *b = get_page_block (l, in, offset, flags & GWT_RAM_CONTINUE, err);

  if (b == NULL)
    return false;
  switch (flags & ~(uint64_t) GWT_RAM_CONTINUE)
    {
    case GWT_RAM_ZERO:
      return get_zero (l, in, b, offset / PAGE, err);
    case GWT_RAM_XBZRLE:
      return get_xbzrle (l, in, b, offset / PAGE, err);
    default:
      if (l->check_only)
        return gwt_vm_get (in, NULL, PAGE, err);
      return get_whole (l, in, b, offset / PAGE, flags & GWT_RAM_CONTINUE, err);
    }
}

/* ---- records --------------------------------------------------------------------------------- */

static bool
refuse_flags (uint64_t flags, struct gwt_error *err)
{
  if (flags == GWT_RAM_COMPRESS_PAGE || flags == (GWT_RAM_COMPRESS_PAGE | GWT_RAM_CONTINUE))
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "a compressed page; turn the capability 'compress' off at the sender");
  else
    gwt_error_set (err, GWT_E_INVALID,
                   "a record of RAM with flags 0x%03x; there is none like that",
                   (unsigned) flags);
  return false;
}

bool
gwt_ram_load (void *opaque, struct gwt_vm_in *in, uint32_t version, struct gwt_error *err)
{
  if (version != GWT_RAM_VERSION)
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED, "version %u cannot be read; version %d can", version,
                     GWT_RAM_VERSION);
      return false;
    }
  if (loader == NULL && !gwt_ram_load_setup (opaque, err))
    return false;
  for (;;)
    {
      uint64_t word, flags, offset;
      bool good = true;

      if (!gwt_vm_get_be (in, 8, &word, err))
        return false;
      flags = word & (PAGE - 1);
      offset = word - flags;
      switch (flags)
        {
        case GWT_RAM_ZERO:
        case GWT_RAM_ZERO | GWT_RAM_CONTINUE:
        case GWT_RAM_PAGE:
        case GWT_RAM_PAGE | GWT_RAM_CONTINUE:
        case GWT_RAM_XBZRLE:
        case GWT_RAM_XBZRLE | GWT_RAM_CONTINUE:
          good = get_page (loader, in, offset, flags, err);
          break;
        case GWT_RAM_MEM_SIZE:
          good = get_list (loader, in, offset, err);
          break;
        case GWT_RAM_EOS:
          return true;
        case GWT_RAM_HOOK: /* nothing to do without RDMA, */
        case GWT_RAM_MULTIFD_FLUSH: /* nor without other channels */
          break;
        default:
          good = refuse_flags (flags, err);
        }
      if (!good)
        return false;
    }
}
