/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM is sent: which pages are dirty, in which order they go, and as what.  See ram.h.
 *
 * Pages are not copied: the output refers to them until it is drained, and the guest may write to
 * one in between.  Then it is dirty again, for a round takes the dirty bits first and lets the
 * guest go on marking before any page of the round is read (core/memory/dirty.c).
 */
#include "config.h"
#include "core/migration/ram-internal.h"
#include "core/migration/ram-pages.h"
#include "core/migration/xbzrle.h"
#include <string.h>
#include "core/cpu/throttle.h"
#include "core/util/log.h"

#define PAGE GWT_RAM_PAGE_SIZE
/* What waits in the output before it goes out. */
#define BATCH (1u << 20)
/* Pages that go upwards, while the regions that they make go downwards; a multiple of 64. */
#define REGION 1024
#define PERIOD_US G_USEC_PER_SEC

struct send_block
{
  struct gwt_ram_block *block;
  uint64_t pages;
  uint64_t number; /* of its first page, counted through all blocks */
  uint64_t *todo;  /* a bit a page that is to be sent; NULL: the block stays where it is */
};

struct sender
{
  guint n_blocks;
  struct send_block *blocks;
  uint64_t *synced;   /* a round's bits, as large as the largest block's */
  uint64_t dirty;     /* bits set in all of `todo` */
  uint64_t put_off;   /* pages taken from `todo` unsent, for the next sync brings them again */
  guint at;           /* block, and page in it, where the next call goes on */
  uint64_t page;
  bool first_pass;    /* no page was sent twice yet */
  bool last;          /* the guest stands, no page will come again */
  struct gwt_untouched *untouched;
  const struct gwt_ram_block *named; /* the other end knows that this one is meant */
  struct gwt_ram_stats stats;
  struct gwt_ram_options options;
  struct gwt_xbzrle_cache *cache;
  uint64_t cache_size; /* asked for when `cache` was made */
  gint64 period_start, last_round;
  uint64_t dirtied_in_period, sent_before_period;
  uint64_t pages_before_period; /* sent, of any kind, after the first pass */
  uint64_t pages_sent, missed_before_period, encoded_before_period, encoded_bytes_before_period;
  uint8_t current[PAGE];
  uint8_t encoded[PAGE];
};

gint64 gwt_ram_round_us = 5 * G_USEC_PER_SEC;
gint64 gwt_ram_slice_us = 50000;

/* Made by setup, used by the migration's thread alone until cleanup. */
static struct sender *sender;

/* ---- rounds ---------------------------------------------------------------------------------- */

static void
end_period (struct sender *s, gint64 now)
{
  struct gwt_ram_stats *t = &s->stats;
  uint64_t pages = s->pages_sent - s->pages_before_period;
  uint64_t encoded = t->xbzrle.pages - s->encoded_before_period;
  uint64_t bytes = t->xbzrle.bytes - s->encoded_bytes_before_period;

  t->periods++;
  t->period_dirtied = s->dirtied_in_period;
  t->period_sent = t->transferred - s->sent_before_period;
  t->dirty_pages_rate = s->dirtied_in_period / PAGE * G_USEC_PER_SEC
                        / (uint64_t) (now - s->period_start);
  if (pages > 0)
    t->xbzrle.cache_miss_rate
        = (double) (t->xbzrle.cache_miss - s->missed_before_period) / (double) pages;
  t->xbzrle.encoding_rate = bytes > 0 ? (double) encoded * PAGE / (double) bytes : 0;
  s->pages_before_period = s->pages_sent;
  s->encoded_before_period = t->xbzrle.pages;
  s->encoded_bytes_before_period = t->xbzrle.bytes;
  s->missed_before_period = t->xbzrle.cache_miss;
  s->sent_before_period = t->transferred;
  s->dirtied_in_period = 0;
  s->period_start = now;
}

static void
publish (struct sender *s)
{
  s->stats.remaining = s->dirty * PAGE;
  s->stats.xbzrle.cache_size = s->cache != NULL ? s->cache_size : 0;
  gwt_ram_set_stats (&s->stats);
}

/* A round begins: what the guest wrote since the last one is to be sent. */
static void
sync_round (struct sender *s)
{
  uint64_t anew = 0, i;
  gint64 now;
  guint n;

  for (n = 0; n < s->n_blocks; n++)
    {
      struct send_block *b = &s->blocks[n];

      if (b->todo == NULL || gwt_memory_dirty_sync (b->block, s->synced) == 0)
        continue;
      for (i = 0; i < (b->pages + 63) / 64; i++)
        if (s->synced[i] & ~b->todo[i])
          {
            anew += (uint64_t) __builtin_popcountll (s->synced[i] & ~b->todo[i]);
            b->todo[i] |= s->synced[i];
          }
    }
  s->dirty += anew;
  /* A page that nobody had touched may have been. */
  gwt_untouched_forget (s->untouched);
  s->stats.syncs++;
  /* Those put off were not sent in vain. */
  anew -= MIN (anew, s->put_off);
  s->put_off = 0;
  s->stats.dirtied = anew * PAGE;
  s->dirtied_in_period += anew * PAGE;
  s->last_round = now = g_get_monotonic_time ();
  if (now - s->period_start > PERIOD_US)
    end_period (s, now);
  publish (s);
  gwt_ram_synced ();
}

/* ---- one page -------------------------------------------------------------------------------- */

/* How a record of PAGE of B begins. */
static void
put_head (struct sender *s, struct gwt_vm_out *out, const struct send_block *b, uint64_t page,
          uint64_t record)
{
  uint64_t word = page * PAGE | record;

  if (s->named == b->block)
    {
      gwt_vm_put_be (out, 8, word | GWT_RAM_CONTINUE);
      return;
    }
  gwt_vm_put_be (out, 8, word);
  gwt_vm_put_pstr (out, b->block->name);
  s->named = b->block;
}

static void
put_zero (struct sender *s, struct gwt_vm_out *out, const struct send_block *b, uint64_t page)
{
  uint8_t *copy;

  if (s->cache != NULL && !s->first_pass)
    {
      copy = gwt_xbzrle_cache_find (s->cache, b->number + page, s->stats.syncs);
      if (copy != NULL)
        memset (copy, 0, PAGE);
    }
  put_head (s, out, b, page, GWT_RAM_ZERO);
  gwt_vm_put_be (out, 1, 0);
  s->stats.duplicate++;
}

/* The guest goes on writing: what is kept and what is sent have to be one and the same copy. */
static void
put_xbzrle (struct sender *s, struct gwt_vm_out *out, const struct send_block *b, uint64_t page,
            const uint8_t *data)
{
  uint64_t number = b->number + page, before = out->total;
  uint8_t *copy = gwt_xbzrle_cache_find (s->cache, number, s->stats.syncs);
  gssize n = -1;

  memcpy (s->current, data, PAGE);
  if (copy == NULL)
    {
      s->stats.xbzrle.cache_miss++;
      if (!s->last)
        gwt_xbzrle_cache_keep (s->cache, number, s->current, s->stats.syncs);
    }
  else
    {
      n = gwt_xbzrle_encode (copy, s->current, s->encoded, PAGE);
      if (n < 0)
        s->stats.xbzrle.overflow++;
      memcpy (copy, s->current, PAGE);
    }
  if (n == 0) /* written with what was there */
    return;
  if (n < 0)
    {
      put_head (s, out, b, page, GWT_RAM_PAGE);
      gwt_vm_put (out, s->current, PAGE);
      s->stats.normal++;
      return;
    }
  put_head (s, out, b, page, GWT_RAM_XBZRLE);
  gwt_vm_put_be (out, 1, 1);
  gwt_vm_put_be (out, 2, (uint64_t) n);
  gwt_vm_put (out, s->encoded, (gsize) n);
  s->stats.xbzrle.pages++;
  s->stats.xbzrle.bytes += out->total - before;
}

static void
put_page (struct sender *s, struct gwt_vm_out *out, const struct send_block *b, uint64_t page)
{
  const uint8_t *data = b->block->host + page * PAGE;

  s->pages_sent += !s->first_pass;
  if (gwt_page_is_zero (data))
    put_zero (s, out, b, page);
  else if (s->cache != NULL && !s->first_pass)
    put_xbzrle (s, out, b, page, data);
  else
    {
      put_head (s, out, b, page, GWT_RAM_PAGE);
      gwt_vm_put_ref (out, data, PAGE);
      s->stats.normal++;
    }
}

/* ---- many pages ------------------------------------------------------------------------------ */

/* In the first pass, which is long, pages that were written since it began have to be sent again
   in any case.  Not so in the rounds after it: where the guest writes to all of them all the time,
   none would be sent while it runs. */
static void
put_off (struct sender *s, struct send_block *b, uint64_t first)
{
  uint64_t again = b->todo[first / 64] & gwt_memory_dirty_peek (b->block, first);
  uint64_t count = (uint64_t) __builtin_popcountll (again);

  b->todo[first / 64] &= ~again;
  s->dirty -= count;
  s->put_off += count;
}

/* The 64 pages from FIRST, as far as they are to be sent and nothing says to stop; true where none
   of them is left. */
static bool
put_word (struct sender *s, struct gwt_vm_out *out, struct send_block *b, uint64_t first,
          bool limited)
{
  uint64_t *word = &b->todo[first / 64], untouched = 0;

  if (s->first_pass && !s->last)
    put_off (s, b, first);
  if (s->first_pass)
    untouched = gwt_untouched_pages (s->untouched, b->block, first);
  while (*word != 0)
    {
      guint bit = (guint) __builtin_ctzll (*word);

      if (limited && out->total >= out->limit)
        return false;
      *word &= *word - 1;
      s->dirty--;
      if (untouched >> bit & 1)
        put_zero (s, out, b, first + bit);
      else
        put_page (s, out, b, first + bit);
    }
  return true;
}

/*
 * A block goes from its last region to its first.  Linux takes the lowest of its free memory first,
 * so what it works in, and writes to, is low, and what is high is free or was filled long after.
 * What goes late was written by then and is put off, and need not go twice.  Within a region pages
 * go upwards, for the host's memory and the other end read in that direction.
 */

/* The block at S->at, from its last region on. */
static void
begin_block (struct sender *s)
{
  uint64_t pages = s->blocks[s->at].pages;

  s->page = pages > 0 ? (pages - 1) / REGION * REGION : 0;
}

/* To the next 64 pages, or on to the next block. */
static void
next_word (struct sender *s)
{
  struct send_block *b = &s->blocks[s->at];

  s->page += 64;
  if (s->page < b->pages && s->page % REGION != 0)
    return;
  s->page = (s->page - 1) / REGION * REGION;
  if (b->todo != NULL && s->page > 0)
    {
      s->page -= REGION;
      return;
    }
  if (++s->at == s->n_blocks)
    {
      s->at = 0;
      s->first_pass = false;
    }
  begin_block (s);
}

/* LIMITED: until there is enough of it; else all. */
static bool
put_pages (struct sender *s, struct gwt_vm_out *out, bool limited, struct gwt_error *err)
{
  gint64 end = g_get_monotonic_time () + gwt_ram_slice_us;
  uint64_t before = out->total, counted = s->stats.transferred;

  while (s->dirty > 0)
    {
      struct send_block *b = &s->blocks[s->at];

      if (b->todo == NULL || b->todo[s->page / 64] == 0)
        {
          next_word (s);
          continue;
        }
      if (!put_word (s, out, b, s->page, limited))
        break;
      next_word (s);
      s->stats.transferred = counted + out->total - before;
      if (out->waiting >= BATCH)
        {
          if (!gwt_vm_out_drain (out, err))
            return false;
          publish (s);
        }
      if (limited && g_get_monotonic_time () >= end)
        break;
    }
  /* All pages went once: from here on the other end has something to differ from. */
  if (s->dirty == 0)
    s->first_pass = false;
  gwt_vm_put_be (out, 8, GWT_RAM_EOS);
  s->stats.transferred = counted + out->total - before;
  publish (s);
  return true;
}

/* ---- the entry's functions ------------------------------------------------------------------- */

static void
put_list (struct sender *s, struct gwt_vm_out *out)
{
  uint64_t total = 0;
  guint i;

  for (i = 0; i < s->n_blocks; i++)
    total += s->blocks[i].block->size;
  gwt_vm_put_be (out, 8, total | GWT_RAM_MEM_SIZE);
  for (i = 0; i < s->n_blocks; i++)
    {
      gwt_vm_put_pstr (out, s->blocks[i].block->name);
      gwt_vm_put_be (out, 8, s->blocks[i].block->size);
      if (s->options.ignore_shared)
        gwt_vm_put_be (out, 8, gwt_memory_block_address (s->blocks[i].block));
    }
  gwt_vm_put_be (out, 8, GWT_RAM_EOS);
}

/* A bit for each page of B. */
static bool
make_todo (struct sender *s, struct send_block *b, struct gwt_error *err)
{
  uint64_t words = (b->pages + 63) / 64;

  b->todo = g_try_malloc_n (words, 8);
  if (b->todo == NULL)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY,
                     "RAM block '%s': no memory for the bitmap of what is to be sent; free some "
                     "on the host",
                     b->block->name);
      return false;
    }
  memset (b->todo, 0xff, words * 8);
  if (b->pages % 64 != 0)
    b->todo[words - 1] = (UINT64_C (1) << (b->pages % 64)) - 1;
  s->dirty += b->pages;
  s->stats.total += b->block->size;
  return true;
}

static bool
make_sender (struct sender *s, struct gwt_error *err)
{
  g_autofree struct gwt_ram_block **blocks = gwt_ram_blocks (&s->n_blocks);
  uint64_t number = 0;
  bool good = true;
  guint i;

  s->blocks = g_new0 (struct send_block, s->n_blocks + 1);
  for (i = 0; i < s->n_blocks; i++)
    {
      s->blocks[i].block = blocks[i];
      s->blocks[i].pages = blocks[i]->size / PAGE;
      s->blocks[i].number = number;
      number += s->blocks[i].pages;
      if (good && !gwt_ram_is_ignored (blocks[i], &s->options))
        good = make_todo (s, &s->blocks[i], err);
    }
  if (!good || s->n_blocks == 0)
    return good;
  s->synced = g_try_malloc_n ((s->blocks[0].pages + 63) / 64, 8);
  if (s->synced == NULL)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY,
                     "RAM block '%s': no memory for the bitmap of a round; free some on the host",
                     blocks[0]->name);
      return false;
    }
  s->cache_size = s->options.xbzrle_cache;
  if (s->options.xbzrle)
    {
      s->cache = gwt_xbzrle_cache_new (s->cache_size, err);
      if (s->cache == NULL)
        return false;
    }
  return gwt_memory_dirty_start (err);
}

static void
free_sender (struct sender *s)
{
  guint i;

  for (i = 0; i < s->n_blocks; i++)
    {
      gwt_block_unref (s->blocks[i].block);
      g_free (s->blocks[i].todo);
    }
  g_free (s->blocks);
  g_free (s->synced);
  gwt_untouched_free (s->untouched);
  gwt_xbzrle_cache_free (s->cache);
  g_free (s);
}

bool
gwt_ram_setup (void *opaque, struct gwt_vm_out *out, struct gwt_error *err)
{
  struct sender *s;
  uint64_t before = out->total;

  gwt_ram_cleanup (opaque);
  s = g_new0 (struct sender, 1);
  gwt_ram_options (&s->options);
  s->untouched = gwt_untouched_new ();
  s->first_pass = true;
  s->period_start = g_get_monotonic_time ();
  if (!make_sender (s, err))
    {
      free_sender (s);
      return false;
    }
  if (s->n_blocks > 0)
    begin_block (s);
  sender = s;
  put_list (s, out);
  s->stats.syncs = 1;
  s->stats.dirtied = s->stats.total;
  s->stats.transferred = out->total - before;
  publish (s);
  gwt_ram_synced ();
  return true;
}

void
gwt_ram_pending_estimate (void *opaque, uint64_t *bytes)
{
  *bytes = sender != NULL ? sender->dirty * PAGE : 0;
}

/* xbzrle-cache-size was changed: begin with an empty one. */
static void
resize_cache (struct sender *s)
{
  GWT_AUTO_ERROR (err);
  struct gwt_ram_options options;
  struct gwt_xbzrle_cache *cache;

  gwt_ram_options (&options);
  if (s->cache == NULL || options.xbzrle_cache == s->cache_size)
    return;
  s->cache_size = options.xbzrle_cache;
  cache = gwt_xbzrle_cache_new (s->cache_size, &err);
  if (cache == NULL)
    {
      gwt_log (GWT_LOG_WARN, "%s", err.text);
      return;
    }
  gwt_xbzrle_cache_free (s->cache);
  s->cache = cache;
}

void
gwt_ram_pending_exact (void *opaque, uint64_t *bytes)
{
  if (sender != NULL)
    {
      resize_cache (sender);
      sync_round (sender);
    }
  gwt_ram_pending_estimate (opaque, bytes);
}

bool
gwt_ram_iterate (void *opaque, struct gwt_vm_out *out, bool *done, struct gwt_error *err)
{
  if (sender->stats.syncs > 1 && gwt_throttle_percentage () > 0
      && g_get_monotonic_time () - sender->last_round > gwt_ram_round_us)
    sync_round (sender);
  if (!put_pages (sender, out, true, err))
    return false;
  *done = sender->dirty == 0;
  return true;
}

bool
gwt_ram_complete (void *opaque, struct gwt_vm_out *out, struct gwt_error *err)
{
  sender->last = true;
  sync_round (sender);
  return put_pages (sender, out, false, err);
}

void
gwt_ram_cleanup (void *opaque)
{
  struct sender *s = g_steal_pointer (&sender);

  if (s == NULL)
    return;
  gwt_memory_dirty_stop ();
  free_sender (s);
}
