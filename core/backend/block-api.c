/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "gwt.block/1": a device becomes a node's user.  Owns what becomes of a failed request, and that
 * nothing is in flight while the machine is paused.  It must not know drivers.
 */
#include "config.h"
#include "core/backend/block-internal.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <godwit/event.h>
#include "core/cpu/run.h"
#include "core/util/extension.h"
#include "core/util/log.h"

static bool paused; /* [main] by STOP, until RESUME */

/* ---- errors ---------------------------------------------------------------------------------- */

static const char *
action_name (uint32_t policy, int error)
{
  if (policy == GWT_BLOCK_STOP || (policy == GWT_BLOCK_ENOSPC && error == ENOSPC))
    return "stop";
  return policy == GWT_BLOCK_IGNORE ? "ignore" : "report";
}

static void
tell_clients (struct gwt_block *block, bool is_read, const char *action, int error)
{
  const struct gwt_event_api *events = gwt_extension_find (GWT_EVENT_EXT);
  struct json_object *data;

  if (events == NULL)
    return;
  data = json_object_new_object ();
  json_object_object_add (data, "device",
                          json_object_new_string (block->drive != NULL ? block->drive : ""));
  json_object_object_add (data, "qom-path", json_object_new_string (block->device->path));
  json_object_object_add (data, "node-name", json_object_new_string (block->node_name));
  json_object_object_add (data, "operation", json_object_new_string (is_read ? "read" : "write"));
  json_object_object_add (data, "action", json_object_new_string (action));
  json_object_object_add (data, "nospace", json_object_new_boolean (error == ENOSPC));
  json_object_object_add (data, "reason", json_object_new_string (g_strerror (error)));
  /* A guest can make as many errors as it likes; those that stop it end by themselves. */
  events->emit (block->device, "BLOCK_IO_ERROR", json_object_to_json_string (data),
                action[0] == 's' ? 0 : GWT_EVENT_LATEST);
  json_object_put (data);
}

bool
gwt_block_judge (struct gwt_block *block, struct gwt_io *io, int error, int32_t *status)
{
  bool is_read = io->op == GWT_IO_READ;
  uint32_t policy = is_read ? block->read_policy : block->write_policy;
  const char *action = action_name (policy, error);

  *status = policy == GWT_BLOCK_IGNORE ? 0 : error;
  if (error == ECANCELED)
    return false;
  tell_clients (block, is_read, action, error);
  if (action[0] != 's')
    return false;
  atomic_store (&block->io_status,
                error == ENOSPC ? GWT_BLOCK_IO_NOSPACE : GWT_BLOCK_IO_FAILED);
  gwt_request_stop (GWT_RUNSTATE_IO_ERROR);
  return true;
}

/* ---- the machine pauses and goes on ---------------------------------------------------------- */

typedef void (*queue_fn) (struct gwt_block_queue *queue);

static void
each_queue (queue_fn fn)
{
  guint i, n;

  for (i = 0; gwt_block_nodes != NULL && i < gwt_block_nodes->len; i++)
    {
      struct gwt_block *block = g_ptr_array_index (gwt_block_nodes, i);

      for (n = 0; block->queues != NULL && n < block->queues->len; n++)
        fn (g_ptr_array_index (block->queues, n));
    }
}

static void
hold_queue (struct gwt_block_queue *queue)
{
  gwt_queue_hold (queue, false);
}

static void
retry_queue (struct gwt_block_queue *queue)
{
  gwt_queue_signal (queue, GWT_SIGNAL_RETRY);
}

void
gwt_block_forget_errors (void)
{
  guint i;

  for (i = 0; gwt_block_nodes != NULL && i < gwt_block_nodes->len; i++)
    {
      struct gwt_block *block = g_ptr_array_index (gwt_block_nodes, i);

      atomic_store (&block->io_status, GWT_BLOCK_IO_OK);
    }
}

/* What the guest has written is on the medium while it stands still: somebody may look at it. */
static void
sync_node (struct gwt_block *node)
{
  int error = 0;

  if (node->driver->sync != NULL && !node->no_flush && atomic_exchange (&node->dirty, false))
    error = node->driver->sync (node);
  if (error == 0)
    return;
  atomic_store (&node->dirty, true);
  gwt_log (GWT_LOG_ERROR, "block: %s: %s: cannot be written back: %s",
           gwt_block_label (gwt_block_top (node)), node->filename, g_strerror (error));
}

static void
sync_all (void)
{
  guint i;

  for (i = 0; gwt_block_nodes != NULL && i < gwt_block_nodes->len; i++)
    sync_node (g_ptr_array_index (gwt_block_nodes, i));
}

static void
on_run (const char *event, enum gwt_shutdown_cause cause, void *data)
{
  if (strcmp (event, "STOP") == 0 && !paused)
    {
      paused = true;
      each_queue (hold_queue);
      sync_all ();
    }
  else if (strcmp (event, "RESUME") == 0)
    {
      gwt_block_forget_errors ();
      each_queue (retry_queue);
      if (paused)
        each_queue (gwt_queue_release);
      paused = false;
    }
}

/* ---- attach ---------------------------------------------------------------------------------- */

static void
queue_gone (void *data)
{
  gwt_queue_free (data);
}

void
gwt_block_detach (struct gwt_block *block)
{
  guint i;

  if (block->device == NULL)
    return;
  for (i = 0; i < block->queues->len; i++)
    gwt_queue_hold (g_ptr_array_index (block->queues, i), true);
  g_ptr_array_unref (block->queues);
  block->queues = NULL;
  if (!block->chain_no_flush)
    sync_node (block->leaf);
  gwt_block_unlock (block);
  atomic_store (&block->guest_write_through, false);
  atomic_store (&block->io_status, GWT_BLOCK_IO_OK);
  block->device = NULL;
}

static void
device_gone (void *data)
{
  gwt_block_detach (data);
}

static bool
resolve (struct gwt_block *block, struct gwt_error *err)
{
  struct gwt_block *n;

  block->n_throttles = 0;
  block->chain_unmap = true;
  block->chain_no_flush = block->chain_write_through = false;
  block->chain_detect = GWT_DETECT_ZEROES_OFF;
  for (n = block; n != NULL; n = n->child)
    {
      if (n->throttle != NULL && block->n_throttles == GWT_BLOCK_CHAIN_MAX)
        {
          gwt_error_set (err, GWT_E_INVALID, "more than %d limits lie on each other; use fewer",
                         GWT_BLOCK_CHAIN_MAX);
          return false;
        }
      if (n->throttle != NULL)
        block->throttles[block->n_throttles++] = n->throttle;
      block->chain_unmap &= n->unmap;
      block->chain_no_flush |= n->no_flush;
      block->chain_write_through |= n->write_through;
      if (block->chain_detect == GWT_DETECT_ZEROES_OFF)
        block->chain_detect = n->detect_zeroes;
    }
  block->leaf = gwt_block_leaf (block, &block->leaf_offset);
  return true;
}

static uint32_t
policy (uint32_t wanted, uint32_t backend, uint32_t fallback)
{
  return wanted != GWT_BLOCK_AUTO ? wanted : backend != GWT_BLOCK_AUTO ? backend : fallback;
}

static int
block_attach (struct gwt_block *block, struct gwt_device *device, const struct gwt_block_use *use,
              struct gwt_error *err)
{
  struct gwt_block_use copy = { 0 };

  memcpy (&copy, use, MIN (use->struct_size, sizeof copy));
  if (block->device != NULL)
    gwt_error_set (err, GWT_E_BUSY, "block back end '%s' is used by '%s'; give each device its own",
                   gwt_block_label (block), block->device->id);
  else if (block->parent != NULL)
    gwt_error_set (err, GWT_E_BUSY, "block back end '%s' is used by '%s'; use that one",
                   gwt_block_label (block), gwt_block_label (gwt_block_top (block)));
  else if (copy.writes && block->read_only)
    gwt_error_set (err, GWT_E_INVALID,
                   "block back end '%s' is read only; leave read-only=on out, or use a device that "
                   "only reads",
                   gwt_block_label (block));
  else if (copy.work == NULL || copy.on_read_error > GWT_BLOCK_ENOSPC
           || copy.on_write_error > GWT_BLOCK_ENOSPC)
    gwt_error_set (err, GWT_E_FAILED, "gwt.block/1: attach: the table is malformed");
  if (gwt_error_is_set (err) || !resolve (block, err))
    return -1;
  block->use = copy;
  if (!gwt_block_lock (block, err))
    return -1;
  block->device = device;
  block->self = device->instance;
  block->read_policy = policy (copy.on_read_error, block->on_read_error, GWT_BLOCK_REPORT);
  block->write_policy = policy (copy.on_write_error, block->on_write_error, GWT_BLOCK_ENOSPC);
  block->queues = g_ptr_array_new_with_free_func (queue_gone);
  gwt_device_on_destroy (device, device_gone, block);
  return 0;
}

static void
block_info (struct gwt_block *block, struct gwt_block_info *info)
{
  GWT_AUTO_ERROR (ignored);
  uint64_t offset;
  struct gwt_block *leaf = gwt_block_leaf (block, &offset), *n;
  /* Another process may have made it larger. */
  bool fresh = gwt_block_is_active () || leaf->driver->refresh == NULL
               || leaf->driver->refresh (leaf, &ignored);
  struct gwt_block_info full = {
    .struct_size = MIN (info->struct_size, sizeof full),
    .size = gwt_block_size (block),
    .logical_block = leaf->logical,
    .physical_block = MAX (leaf->physical, leaf->logical),
    .min_io = leaf->min_io,
    .opt_io = leaf->opt_io,
    .read_only = block->read_only,
    .can_discard = leaf->can_discard,
    .can_write_zeroes = leaf->can_zero,
    .write_cache = 1,
    .max_iov = GWT_BLOCK_IOV_MAX,
    .discard_granularity = leaf->discard_granularity,
  };

  if (!fresh)
    gwt_log (GWT_LOG_WARN, "block: %s: %s", gwt_block_label (block), ignored.text);
  for (n = block; n != NULL; n = n->child)
    {
      full.can_discard &= n->unmap;
      full.write_cache &= !n->write_through;
    }
  if (atomic_load (&block->guest_write_through))
    full.write_cache = 0;
  memcpy (info, &full, full.struct_size);
}

static struct gwt_block_queue *
block_queue (struct gwt_block *block, uint32_t index, uint32_t depth, struct gwt_error *err)
{
  struct gwt_block_queue *queue;
  guint i;

  if (block->device == NULL || index >= GWT_BLOCK_QUEUES_MAX || depth == 0
      || depth > GWT_BLOCK_DEPTH_MAX)
    {
      gwt_error_set (err, GWT_E_FAILED, "gwt.block/1: queue %u of depth %u cannot be", index,
                     depth);
      return NULL;
    }
  for (i = 0; i < block->queues->len; i++)
    {
      queue = g_ptr_array_index (block->queues, i);
      if (queue->index != index)
        continue;
      gwt_error_set (err, GWT_E_FAILED, "gwt.block/1: queue %u is there already", index);
      return NULL;
    }
  queue = gwt_queue_new (block, index, depth, err);
  if (queue == NULL)
    return NULL;
  if (paused)
    gwt_queue_hold (queue, false);
  g_ptr_array_add (block->queues, queue);
  return queue;
}

static void
block_hold (struct gwt_block_queue *queue, uint32_t cancel)
{
  gwt_queue_hold (queue, cancel != 0);
}

static void
block_set_write_cache (struct gwt_block *block, uint32_t on)
{
  atomic_store (&block->guest_write_through, on == 0);
}

static void *
find_backend (const char *id)
{
  return gwt_block_find (id);
}

void
gwt_block_register_extensions (void)
{
  static const struct gwt_block_api api = {
    .struct_size = sizeof (api),
    .attach = block_attach,
    .info = block_info,
    .queue = block_queue,
    .kick = gwt_queue_kick,
    .submit = gwt_queue_submit,
    .hold = block_hold,
    .release = gwt_queue_release,
    .set_write_cache = block_set_write_cache,
  };
  GWT_AUTO_ERROR (err);

  if (gwt_extension_find (GWT_BLOCK_EXT) != NULL)
    return;
  /* A limit of file sizes makes a write fail, not the process end. */
  signal (SIGXFSZ, SIG_IGN);
  gwt_device_set_backend_finder (GWT_BLOCK, find_backend);
  gwt_run_add_listener (on_run, NULL);
  if (!gwt_extension_add (GWT_BLOCK_EXT, &api, "host", &err))
    gwt_log (GWT_LOG_ERROR, "block: %s", err.text);
}
