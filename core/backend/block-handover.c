/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images while their guest moves from one process to another: whose they are, and when.
 *
 * Both processes have the same images open at once, but only one may use them.  The one that the
 * guest leaves lets go of them when it has stopped the guest and written everything back; the one
 * that it comes to takes them after that, and forgets what it knew of them.  Until then it has no
 * lock, so that the other keeps its own.
 */
#include "config.h"
#include "core/backend/block-internal.h"
#include <errno.h>

static bool inactive;

bool
gwt_block_is_active (void)
{
  return !inactive;
}

void
gwt_block_await_all (void)
{
  inactive = true;
}

/* ---- locks ----------------------------------------------------------------------------------- */

bool
gwt_block_lock (struct gwt_block *block, struct gwt_error *err)
{
  struct gwt_block *leaf = block->leaf;
  bool share = block->use.share || block->force_share || leaf->force_share;

  return inactive || leaf->driver->lock == NULL
         || leaf->driver->lock (leaf, block->use.writes, share, err);
}

void
gwt_block_unlock (struct gwt_block *block)
{
  if (block->leaf->driver->unlock != NULL)
    block->leaf->driver->unlock (block->leaf);
}

/* The Nth node, where a device uses it. */
static struct gwt_block *
used (guint n)
{
  struct gwt_block *block = g_ptr_array_index (gwt_block_nodes, n);

  return block->device != NULL ? block : NULL;
}

static guint
count (void)
{
  return gwt_block_nodes != NULL ? gwt_block_nodes->len : 0;
}

static void
hold_all (bool on)
{
  guint i, n;

  for (i = 0; i < count (); i++)
    for (n = 0; used (i) != NULL && n < used (i)->queues->len; n++)
      if (on)
        gwt_queue_hold (g_ptr_array_index (used (i)->queues, n), false);
      else
        gwt_queue_release (g_ptr_array_index (used (i)->queues, n));
}

/* ---- letting go ------------------------------------------------------------------------------ */

/* All that the guest wrote is where another process, perhaps on another host, finds it; also what
   cache.no-flush leaves to chance otherwise. */
static bool
write_back (struct gwt_error *err)
{
  guint i;

  for (i = 0; i < count (); i++)
    {
      struct gwt_block *node = g_ptr_array_index (gwt_block_nodes, i);
      int error = 0;

      if (node->driver->sync != NULL && atomic_exchange (&node->dirty, false))
        error = node->driver->sync (node);
      if (error == 0)
        continue;
      atomic_store (&node->dirty, true);
      gwt_error_set (err, GWT_E_IO, "'%s': cannot be written back: %s; make room, or mend the disk",
                     node->filename != NULL ? node->filename : node->node_name,
                     g_strerror (error));
      return false;
    }
  return true;
}

bool
gwt_block_inactivate_all (struct gwt_error *err)
{
  guint i;

  if (inactive)
    return true;
  hold_all (true);
  if (write_back (err))
    {
      for (i = 0; i < count (); i++)
        if (used (i) != NULL)
          gwt_block_unlock (used (i));
      inactive = true;
    }
  hold_all (false);
  return inactive;
}

/* ---- taking ---------------------------------------------------------------------------------- */

/* What was read before is forgotten, and the size may be another one. */
static bool
refresh (struct gwt_block *block, struct gwt_error *err)
{
  struct gwt_block *leaf = block->leaf;
  uint64_t before = gwt_block_size (block);

  if (leaf->driver->refresh != NULL && !leaf->driver->refresh (leaf, err))
    return false;
  if (gwt_block_size (block) != before && block->use.resized != NULL)
    block->use.resized (block->self);
  return true;
}

bool
gwt_block_activate_all (struct gwt_error *err)
{
  guint i, n;

  if (!inactive)
    return true;
  inactive = false;
  hold_all (true);
  for (i = 0; i < count () && !gwt_error_is_set (err); i++)
    if (used (i) != NULL && (!gwt_block_lock (used (i), err) || !refresh (used (i), err)))
      break;
  if (gwt_error_is_set (err))
    {
      inactive = true;
      for (n = 0; n <= i && n < count (); n++)
        if (used (n) != NULL)
          gwt_block_unlock (used (n));
    }
  hold_all (false);
  return !inactive;
}
