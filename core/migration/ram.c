/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM's entry, its options and figures, and which blocks it has: see ram.h.  It must not know how
 * pages are sent (ram-send.c) or taken (ram-load.c).
 */
#include "config.h"
#include "core/migration/ram.h"
#include "core/migration/ram-internal.h"

static struct gwt_entry *entry; /* [main] */

static struct
{
  GMutex lock; /* leaf; guards all of this */
  struct gwt_ram_options options;
  struct gwt_ram_stats stats;
  bool check_only;
} shared = { .options.xbzrle_cache = UINT64_C (64) << 20 };

static void (*on_sync) (void *data);
static void *on_sync_data;

static const struct gwt_live_ops ops = {
  .setup = gwt_ram_setup,
  .pending_estimate = gwt_ram_pending_estimate,
  .pending_exact = gwt_ram_pending_exact,
  .iterate = gwt_ram_iterate,
  .complete = gwt_ram_complete,
  .cleanup = gwt_ram_cleanup,
  .load = gwt_ram_load,
  .load_setup = gwt_ram_load_setup,
  .load_told = gwt_ram_load_told,
  .load_cleanup = gwt_ram_load_cleanup,
};

bool
gwt_ram_register (struct gwt_error *err)
{
  entry = gwt_entry_add_live ("ram", GWT_RAM_VERSION, &ops, NULL, err);
  return entry != NULL;
}

void
gwt_ram_unregister (void)
{
  gwt_ram_cleanup (NULL);
  gwt_ram_load_cleanup (NULL);
  g_clear_pointer (&entry, gwt_entry_remove);
}

void
gwt_ram_configure (const struct gwt_ram_options *options)
{
  g_mutex_lock (&shared.lock);
  shared.options = *options;
  g_mutex_unlock (&shared.lock);
}

void
gwt_ram_options (struct gwt_ram_options *options)
{
  g_mutex_lock (&shared.lock);
  *options = shared.options;
  g_mutex_unlock (&shared.lock);
}

void
gwt_ram_check_only (bool on)
{
  g_mutex_lock (&shared.lock);
  shared.check_only = on;
  g_mutex_unlock (&shared.lock);
}

bool
gwt_ram_is_check_only (void)
{
  bool on;

  g_mutex_lock (&shared.lock);
  on = shared.check_only;
  g_mutex_unlock (&shared.lock);
  return on;
}

void
gwt_ram_stats (struct gwt_ram_stats *stats)
{
  g_mutex_lock (&shared.lock);
  *stats = shared.stats;
  g_mutex_unlock (&shared.lock);
}

void
gwt_ram_set_stats (const struct gwt_ram_stats *stats)
{
  g_mutex_lock (&shared.lock);
  shared.stats = *stats;
  g_mutex_unlock (&shared.lock);
}

void
gwt_ram_on_sync (void (*fn) (void *data), void *data)
{
  on_sync = fn;
  on_sync_data = data;
}

void
gwt_ram_synced (void)
{
  if (on_sync != NULL)
    on_sync (on_sync_data);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

struct gwt_ram_block **
gwt_ram_blocks (guint *count)
{
  struct gwt_ram_block **list = gwt_memory_blocks_ref (count);
  guint n = 0, i, j;

  for (i = 0; i < *count; i++)
    if (list[i]->flags & GWT_RAM_MIGRATED)
      list[n++] = list[i];
    else
      gwt_block_unref (list[i]);
  /* A few blocks, and equal ones have to stay in order. */
  for (i = 1; i < n; i++)
    {
      struct gwt_ram_block *block = list[i];

      for (j = i; j > 0 && list[j - 1]->size < block->size; j--)
        list[j] = list[j - 1];
      list[j] = block;
    }
  list[n] = NULL;
  *count = n;
  return list;
}

bool
gwt_ram_is_ignored (const struct gwt_ram_block *block, const struct gwt_ram_options *options)
{
  return options->ignore_shared && block->fd >= 0 && block->shared && block->named;
}
