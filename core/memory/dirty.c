/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty bitmaps: which pages of migrated blocks were written since the last look.  Off, there is no
 * bitmap and nobody asks.  It must not know who looks, nor who executes.
 *
 * No bit is ever lost.  A writer other than a vCPU writes first and marks then (gwt_dirty_mark), so
 * a sync that misses the mark leaves it for the next round.  A vCPU marks first and then stores
 * through a direct pointer, many times; so a sync takes the bits first and then, through
 * GWT_CHANGE_DIRTY, waits until every vCPU has let go of its store pointers.  Each store made
 * through such a pointer came before the sync's end, and its page is in what the sync returned:
 * whoever reads the page after the sync sees the store.
 */
#include "config.h"
#include "core/memory/internal.h"
#include <string.h>

static bool watching; /* under the machine lock */

static uint64_t
words_of (const struct gwt_ram_block *block)
{
  return ((block->size >> GWT_PAGE_SHIFT) + 63) / 64;
}

/* A block made while somebody watches is watched from its first byte: all of it is news. */
bool
gwt_dirty_attach (struct gwt_ram_block *block, struct gwt_error *err)
{
  uint64_t pages = block->size >> GWT_PAGE_SHIFT, *bits;

  if (!watching || !(block->flags & GWT_RAM_MIGRATED))
    return true;
  bits = g_try_malloc0_n (words_of (block), 8);
  if (!bits)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY,
                     "RAM block '%s': no memory for its dirty bitmap; use a smaller size",
                     block->name);
      return false;
    }
  memset (bits, 0xff, pages / 64 * 8);
  if (pages % 64)
    bits[pages / 64] = (UINT64_C (1) << (pages % 64)) - 1;
  __atomic_store_n (&block->dirty, bits, __ATOMIC_RELEASE);
  return true;
}

/* Wait until no writer is between its data and its mark with what it knew before. */
static void
settle (void)
{
  gwt_view_rebuild (gwt_regions);
  gwt_view_synchronize ();
}

bool
gwt_memory_dirty_start (struct gwt_error *err)
{
  g_autofree struct gwt_ram_block **blocks = NULL;
  g_autofree uint64_t **made = NULL;
  bool taken = gwt_memory_guard ();
  guint n, i;

  if (watching)
    {
      gwt_memory_unguard (taken);
      gwt_error_set (err, GWT_E_BUSY, "dirty tracking: it runs already; stop it first");
      return false;
    }
  blocks = gwt_memory_blocks (&n);
  made = g_new0 (uint64_t *, n + 1);
  for (i = 0; i < n; i++)
    {
      if (!(blocks[i]->flags & GWT_RAM_MIGRATED))
        continue;
      made[i] = g_try_malloc0_n (words_of (blocks[i]), 8);
      if (made[i])
        continue;
      gwt_error_set (err, GWT_E_NO_MEMORY,
                     "RAM block '%s': no memory for its dirty bitmap; free some on the host",
                     blocks[i]->name);
      while (i-- > 0)
        g_free (made[i]);
      gwt_memory_unguard (taken);
      return false;
    }
  for (i = 0; i < n; i++)
    __atomic_store_n (&blocks[i]->dirty, made[i], __ATOMIC_RELEASE);
  watching = true;
  settle ();
  gwt_memory_changed (GWT_CHANGE_DIRTY);
  gwt_memory_unguard (taken);
  return true;
}

void
gwt_memory_dirty_stop (void)
{
  g_autofree struct gwt_ram_block **blocks = NULL;
  g_autofree uint64_t **old = NULL;
  bool taken = gwt_memory_guard ();
  guint n, i;

  if (watching)
    {
      watching = false;
      blocks = gwt_memory_blocks (&n);
      old = g_new0 (uint64_t *, n + 1);
      for (i = 0; i < n; i++)
        old[i] = __atomic_exchange_n (&blocks[i]->dirty, NULL, __ATOMIC_ACQ_REL);
      settle (); /* then nobody uses them any more */
      for (i = 0; i < n; i++)
        g_free (old[i]);
    }
  gwt_memory_unguard (taken);
}

uint64_t
gwt_memory_dirty_sync (struct gwt_ram_block *block, uint64_t *out)
{
  bool taken = gwt_memory_guard ();
  uint64_t words = words_of (block), count = 0, i;
  uint64_t *bits = gwt_dirty_bits (block);

  for (i = 0; i < words; i++)
    {
      out[i] = 0;
      if (bits && __atomic_load_n (&bits[i], __ATOMIC_RELAXED))
        out[i] = __atomic_exchange_n (&bits[i], 0, __ATOMIC_SEQ_CST);
      count += (uint64_t) __builtin_popcountll (out[i]);
    }
  /* No bit, no store pointer into this block: vCPUs get one only with the bit set in this round. */
  if (count)
    gwt_memory_changed (GWT_CHANGE_DIRTY);
  gwt_memory_unguard (taken);
  return count;
}

uint64_t
gwt_memory_dirty_peek (const struct gwt_ram_block *block, uint64_t first)
{
  const uint64_t *bits = gwt_dirty_bits ((struct gwt_ram_block *) block);

  return bits != NULL ? __atomic_load_n (&bits[first / 64], __ATOMIC_RELAXED) : 0;
}
