/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block nodes by name: made, found, resized, deleted, described.  Owns what is above and below
 * whom; must not know a driver, nor a request.
 */
#include "config.h"
#include "core/backend/block.h"
#include <string.h>
#include "core/backend/block-internal.h"
#include "core/util/text.h"

GPtrArray *gwt_block_nodes;
static guint anonymous; /* how many names were made up */

static const struct gwt_block_driver *const drivers[] = {
  &gwt_block_file, &gwt_block_host_device, &gwt_block_raw, &gwt_block_null_co, &gwt_block_null_aio,
#ifdef HAVE_LIBNBD
  &gwt_block_nbd,
#endif
  &gwt_block_throttle,
};

/* Members that any node takes. */
static const char *const common[] = { "driver", "node-name", "read-only", "auto-read-only",
                                      "discard", "detect-zeroes", "cache", "force-share" };

/* ---- the tree -------------------------------------------------------------------------------- */

struct gwt_block *
gwt_block_leaf (struct gwt_block *node, uint64_t *offset)
{
  *offset = 0;
  for (; node->child != NULL; node = node->child)
    *offset += node->window_offset;
  return node;
}

uint64_t
gwt_block_size (struct gwt_block *node)
{
  uint64_t below;

  if (node->child == NULL)
    return atomic_load_explicit (&node->size, memory_order_relaxed);
  below = gwt_block_size (node->child);
  below = below > node->window_offset ? below - node->window_offset : 0;
  return node->window_size != 0 ? MIN (below, node->window_size) : below;
}

struct gwt_block *
gwt_block_top (struct gwt_block *node)
{
  while (node->parent != NULL)
    node = node->parent;
  return node;
}

const char *
gwt_block_label (struct gwt_block *node)
{
  return node->drive != NULL ? node->drive : node->node_name;
}

static struct gwt_block *
find_node (const char *name)
{
  guint i;

  for (i = 0; gwt_block_nodes != NULL && i < gwt_block_nodes->len; i++)
    {
      struct gwt_block *node = g_ptr_array_index (gwt_block_nodes, i);

      if (strcmp (node->node_name, name) == 0)
        return node;
    }
  return NULL;
}

struct gwt_block *
gwt_block_find (const char *name)
{
  guint i;

  for (i = 0; gwt_block_nodes != NULL && i < gwt_block_nodes->len; i++)
    {
      struct gwt_block *node = g_ptr_array_index (gwt_block_nodes, i);

      if (node->drive != NULL && strcmp (node->drive, name) == 0)
        return node;
    }
  return find_node (name);
}

struct gwt_block **
gwt_blocks (guint *count)
{
  *count = gwt_block_nodes != NULL ? gwt_block_nodes->len : 0;
  return g_memdup2 (gwt_block_nodes != NULL ? gwt_block_nodes->pdata : NULL,
                    *count * sizeof (struct gwt_block *));
}

/* ---- making one ------------------------------------------------------------------------------ */

static bool
take_driver (struct gwt_block *node, struct json_object *options, struct gwt_error *err)
{
  g_autofree char *name = NULL;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *near = NULL;
  guint i;

  if (!gwt_take_text (options, "driver", &name, err))
    return false;
  if (name == NULL)
    gwt_error_set (err, GWT_E_INVALID, "there is no driver; add driver=file, raw, nbd, null-co or "
                                       "throttle");
  for (i = 0; name != NULL && i < G_N_ELEMENTS (drivers); i++)
    {
      if (strcmp (drivers[i]->name, name) == 0)
        {
          node->driver = drivers[i];
          return true;
        }
      g_ptr_array_add (names, (gpointer) drivers[i]->name);
    }
  if (name == NULL)
    return false;
  g_ptr_array_add (names, NULL);
  near = gwt_did_you_mean (name, (const char *const *) names->pdata);
  if (strcmp (name, "nbd") == 0)
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "driver 'nbd' is not in this build; configure it with libnbd");
  else if (g_strv_contains ((const char *const[]){ "qcow2", "qcow", "qed", "vmdk", "vdi", "vpc",
                                                   "vhdx", "luks", "parallels", "dmg", NULL },
                            name))
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "driver '%s' is not offered; serve the image with 'qemu-nbd -t -k SOCKET -f %s "
                   "FILE' and use driver=nbd,server.type=unix,server.path=SOCKET",
                   name, name);
  else
    gwt_error_set (err, GWT_E_NOT_FOUND,
                   "there is no driver '%s'; use file, host_device, raw, nbd, null-co, null-aio or "
                   "throttle%s",
                   name, near);
  return false;
}

static bool
take_name (struct gwt_block *node, struct json_object *options, struct gwt_error *err)
{
  if (!gwt_take_text (options, "node-name", &node->node_name, err))
    return false;
  if (node->node_name == NULL)
    {
      do
        {
          g_free (node->node_name);
          node->node_name = g_strdup_printf ("#block%03u", anonymous++);
        }
      while (find_node (node->node_name) != NULL);
      return true;
    }
  if (!gwt_id_is_valid (node->node_name) || strlen (node->node_name) > 31)
    gwt_error_set (err, GWT_E_INVALID,
                   "node-name '%s' is malformed; use a letter, then letters, digits, '-', '_' and "
                   "'.', at most 31 in all",
                   node->node_name);
  else if (gwt_block_find (node->node_name) != NULL)
    gwt_error_set (err, GWT_E_EXISTS, "node-name '%s' is taken; use another one", node->node_name);
  return !gwt_error_is_set (err);
}

static bool
take_common (struct gwt_block *node, struct json_object *options, struct gwt_error *err)
{
  static const char *const discards[] = { "ignore", "unmap", "off", "on", NULL };
  static const char *const detects[] = { "off", "on", "unmap", NULL };
  struct json_object *cache = NULL;
  guint discard = node->parent != NULL && node->parent->unmap, detect = 0;
  bool good;

  if (!take_driver (node, options, err) || !take_name (node, options, err)
      || !gwt_take_bool (options, "read-only", &node->read_only, err)
      || !gwt_take_bool (options, "auto-read-only", &node->auto_read_only, err)
      || !gwt_take_bool (options, "force-share", &node->force_share, err)
      || !gwt_take_enum (options, "discard", discards, &discard, err)
      || !gwt_take_enum (options, "detect-zeroes", detects, &detect, err)
      || !gwt_take_object (options, "cache", &cache, err))
    return false;
  good = cache == NULL
         || (gwt_take_bool (cache, "direct", &node->direct, err)
             && gwt_take_bool (cache, "no-flush", &node->no_flush, err)
             && gwt_take_end (cache, "it",
                              (const char *const[]){ "direct", "no-flush", NULL }, err));
  if (!good)
    gwt_error_prefix (err, "cache");
  json_object_put (cache);
  node->unmap = (discard & 1) != 0;
  node->detect_zeroes = (enum gwt_detect_zeroes) detect;
  if (good && node->detect_zeroes == GWT_DETECT_ZEROES_UNMAP && !node->unmap)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "detect-zeroes=unmap means nothing without discard=unmap; add that");
      return false;
    }
  return good;
}

/* "file": a node of its own by name, or the members of one that is made here. */
static bool
take_child (struct gwt_block *node, struct json_object *options, struct gwt_error *err)
{
  struct json_object *file = NULL;
  struct gwt_block *child;

  if (node->driver->leaf)
    return true;
  if (!json_object_object_get_ex (options, "file", &file))
    {
      gwt_error_set (
          err, GWT_E_INVALID,
          "driver '%s' stands on another node; add file=NODE-NAME, or file.driver=DRIVER",
          node->driver->name);
      return false;
    }
  json_object_get (file);
  json_object_object_del (options, "file");
  if (json_object_is_type (file, json_type_object))
    {
      child = gwt_block_make (file, node, NULL, err);
      if (child == NULL)
        gwt_error_prefix (err, "file");
      else
        child->inline_child = true;
    }
  else
    {
      const char *name
          = json_object_is_type (file, json_type_string) ? json_object_get_string (file) : "";

      child = find_node (name);
      if (child == NULL)
        gwt_error_set (err, GWT_E_NOT_FOUND,
                       "file: there is no node '%s' yet; make it before this one", name);
      else if (child->parent != NULL || child->device != NULL || child->drive != NULL)
        {
          gwt_error_set (err, GWT_E_BUSY, "file: node '%s' is used by '%s'; use another one", name,
                         child->parent != NULL   ? gwt_block_label (child->parent)
                         : child->device != NULL ? child->device->id
                                                 : child->drive);
          child = NULL;
        }
    }
  json_object_put (file);
  if (child == NULL)
    return false;
  if (child->read_only && !node->read_only)
    {
      if (child->inline_child || node->auto_read_only)
        node->read_only = true;
      else
        gwt_error_set (err, GWT_E_INVALID, "file: node '%s' is read only; add read-only=on",
                       child->node_name);
    }
  node->child = child;
  child->parent = node;
  return !gwt_error_is_set (err);
}

/* Nothing is opened for an option that nobody knows. */
static bool
check_rest (struct gwt_block *node, struct json_object *options, struct gwt_error *err)
{
  struct json_object_iter at;

  json_object_object_foreachC (options, at)
  {
    g_autoptr (GPtrArray) names = g_ptr_array_new ();
    g_autofree char *near = NULL, *shown = gwt_one_line (at.key);
    guint i;

    if (g_strv_contains (node->driver->members, at.key)
        || (!node->driver->leaf && strcmp (at.key, "file") == 0))
      continue;
    for (i = 0; i < G_N_ELEMENTS (common); i++)
      g_ptr_array_add (names, (gpointer) common[i]);
    for (i = 0; node->driver->members[i] != NULL; i++)
      g_ptr_array_add (names, (gpointer) node->driver->members[i]);
    g_ptr_array_add (names, NULL);
    near = gwt_did_you_mean (at.key, (const char *const *) names->pdata);
    gwt_error_set (err, GWT_E_INVALID, "driver '%s' has no option '%s'; leave it out%s",
                   node->driver->name, shown, near);
    return false;
  }
  return true;
}

struct gwt_block *
gwt_block_make (struct json_object *options, struct gwt_block *parent, const char *option,
                struct gwt_error *err)
{
  struct gwt_block *node = g_new0 (struct gwt_block, 1);
  struct json_object *mine = NULL;
  bool good;

  node->parent = parent;
  node->logical = GWT_BLOCK_SECTOR;
  if (parent != NULL)
    {
      node->read_only = parent->read_only;
      node->auto_read_only = parent->auto_read_only;
      node->force_share = parent->force_share;
      node->direct = parent->direct;
      node->no_flush = parent->no_flush;
    }
  if (json_object_deep_copy (options, &mine, NULL) != 0)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY, "there is no memory for it");
      gwt_block_destroy (node);
      return NULL;
    }
  good = take_common (node, mine, err) && check_rest (node, mine, err)
         && take_child (node, mine, err) && node->driver->open (node, mine, err);
  node->opened = good;
  json_object_put (mine);
  if (!good)
    {
      gwt_block_destroy (node);
      return NULL;
    }
  node->option = g_strdup (option);
  if (gwt_block_nodes == NULL)
    gwt_block_nodes = g_ptr_array_new ();
  g_ptr_array_add (gwt_block_nodes, node);
  return node;
}

void
gwt_block_destroy (struct gwt_block *node)
{
  struct gwt_block *child = node->child;

  if (gwt_block_nodes != NULL)
    g_ptr_array_remove (gwt_block_nodes, node);
  if (node->opened && node->driver->close != NULL)
    node->driver->close (node);
  gwt_throttle_free (node->throttle);
  g_free (node->node_name);
  g_free (node->drive);
  g_free (node->filename);
  g_free (node->option);
  g_free (node);
  if (child != NULL)
    {
      child->parent = NULL;
      if (child->inline_child)
        gwt_block_destroy (child);
    }
}

struct gwt_block *
gwt_block_add (struct json_object *options, struct gwt_error *err)
{
  struct json_object *name;

  if (!json_object_object_get_ex (options, "node-name", &name))
    {
      gwt_error_set (err, GWT_E_INVALID, "there is no node-name; add node-name=NAME");
      return NULL;
    }
  return gwt_block_make (options, NULL, NULL, err);
}

struct gwt_block *
gwt_block_add_option (const char *text, struct gwt_error *err)
{
  struct json_object *options = gwt_block_parse (text, err), *name;
  struct gwt_block *block = NULL;

  if (options == NULL)
    return NULL;
  if (!json_object_object_get_ex (options, "node-name", &name))
    gwt_error_set (err, GWT_E_INVALID, "'%s': there is no node-name; add node-name=NAME", text);
  else
    block = gwt_block_make (options, NULL, "-blockdev", err);
  json_object_put (options);
  return block;
}

/* ---- changing one ---------------------------------------------------------------------------- */

bool
gwt_block_delete (const char *name, struct gwt_error *err)
{
  struct gwt_block *node = find_node (name);

  if (node == NULL)
    gwt_error_set (err, GWT_E_NOT_FOUND, "Failed to find node with node-name='%s'", name);
  else if (node->device != NULL)
    gwt_error_set (err, GWT_E_BUSY, "Node %s is in use by '%s'; delete the device first", name,
                   node->device->id);
  else if (node->parent != NULL)
    gwt_error_set (err, GWT_E_BUSY, "Node %s is in use by node '%s'; delete that one first", name,
                   node->parent->node_name);
  else if (node->drive != NULL)
    gwt_error_set (err, GWT_E_INVALID, "Node %s is owned by '-drive id=%s'; it cannot be deleted",
                   name, node->drive);
  else
    gwt_block_destroy (node);
  return !gwt_error_is_set (err);
}

static void
hold_all (struct gwt_block *top, bool on)
{
  guint i;

  for (i = 0; top->queues != NULL && i < top->queues->len; i++)
    if (on)
      gwt_queue_hold (g_ptr_array_index (top->queues, i), false);
    else
      gwt_queue_release (g_ptr_array_index (top->queues, i));
}

bool
gwt_block_resize (struct gwt_block *block, uint64_t size, struct gwt_error *err)
{
  uint64_t offset;
  struct gwt_block *leaf = gwt_block_leaf (block, &offset), *top = gwt_block_top (block), *n;

  for (n = block; n->child != NULL; n = n->child)
    if (n->window_size != 0)
      {
        gwt_error_set (err, GWT_E_UNSUPPORTED, "node '%s' has a fixed size; leave its size= out",
                       n->node_name);
        return false;
      }
  if (size % GWT_BLOCK_SECTOR != 0 || size % leaf->logical != 0)
    gwt_error_set (err, GWT_E_INVALID, "size %" G_GUINT64_FORMAT " is no multiple of %u; use one",
                   size, MAX (GWT_BLOCK_SECTOR, leaf->logical));
  else if (size > GWT_BLOCK_SIZE_MAX - offset)
    gwt_error_set (err, GWT_E_RANGE, "size %" G_GUINT64_FORMAT " is too large; use less", size);
  else if (block->read_only || leaf->read_only)
    gwt_error_set (err, GWT_E_INVALID, "node '%s' is read only; open it without read-only=on",
                   block->node_name);
  else if (leaf->driver->resize == NULL)
    gwt_error_set (err, GWT_E_UNSUPPORTED, "driver '%s' cannot be resized; make a new node",
                   leaf->driver->name);
  else if (!gwt_block_is_active ())
    gwt_error_set (err, GWT_E_BUSY,
                   "node '%s': the guest is being migrated, its images may be another process's; "
                   "wait for it",
                   block->node_name);
  if (gwt_error_is_set (err))
    return false;
  /* No request is judged by the old size and carried out with the new one. */
  hold_all (top, true);
  if (leaf->driver->resize (leaf, size + offset, err))
    atomic_store (&leaf->size, size + offset);
  hold_all (top, false);
  if (gwt_error_is_set (err))
    return false;
  if (top->device != NULL && top->use.resized != NULL)
    top->use.resized (top->self);
  return true;
}

bool
gwt_block_check_used (struct gwt_error *err)
{
  guint i;

  for (i = 0; gwt_block_nodes != NULL && i < gwt_block_nodes->len; i++)
    {
      struct gwt_block *node = g_ptr_array_index (gwt_block_nodes, i);

      if (node->option == NULL || node->parent != NULL || node->device != NULL)
        continue;
      gwt_error_set (err, GWT_E_INVALID,
                     "%s: '%s': nothing uses it; add a -device with drive=%s, or leave it out",
                     node->option, gwt_block_label (node), gwt_block_label (node));
      return false;
    }
  return true;
}

void
gwt_block_close_all (void)
{
  while (gwt_block_nodes != NULL && gwt_block_nodes->len > 0)
    {
      struct gwt_block *node = gwt_block_top (g_ptr_array_index (gwt_block_nodes, 0));

      gwt_block_detach (node);
      gwt_block_destroy (node);
    }
  gwt_pool_finish ();
}

/* ---- for monitors ---------------------------------------------------------------------------- */

static struct gwt_block_stats
sum (struct gwt_block *block, guint op)
{
  struct gwt_block_stats all = { 0 };
  guint i;

  for (i = 0; block->queues != NULL && i < block->queues->len; i++)
    {
      struct gwt_block_queue *q = g_ptr_array_index (block->queues, i);

      all.operations += atomic_load (&q->stats[op].operations);
      all.failed += atomic_load (&q->stats[op].failed);
      all.invalid += atomic_load (&q->stats[op].invalid);
      all.bytes += atomic_load (&q->stats[op].bytes);
      all.total_ns += atomic_load (&q->stats[op].ns);
    }
  return all;
}

void
gwt_block_describe (struct gwt_block *block, struct gwt_block_details *d)
{
  static const char *const detects[] = { "off", "on", "unmap" };
  uint64_t offset;
  struct gwt_block *leaf = gwt_block_leaf (block, &offset), *top = gwt_block_top (block);
  guint i;

  *d = (struct gwt_block_details){
    .node_name = block->node_name,
    .drive = block->drive != NULL ? block->drive : "",
    .driver = block->driver->name,
    .filename = leaf->filename != NULL ? leaf->filename : "",
    .child = block->child,
    .device = top->device,
    .top = block->parent == NULL,
    .size = gwt_block_size (block),
    .allocated = leaf->driver->allocated != NULL ? leaf->driver->allocated (leaf) : UINT64_MAX,
    .read_only = block->read_only,
    .writeback = !block->write_through && !atomic_load (&block->guest_write_through),
    .direct = block->direct,
    .no_flush = block->no_flush,
    .detect_zeroes = detects[block->detect_zeroes],
    .io_status = (enum gwt_block_io_status) atomic_load (&top->io_status),
    .read = sum (top, GWT_IO_READ),
    .write = sum (top, GWT_IO_WRITE),
    .flush = sum (top, GWT_IO_FLUSH),
    .unmap = sum (top, GWT_IO_DISCARD),
  };
  for (i = 0; top->queues != NULL && i < top->queues->len; i++)
    {
      struct gwt_block_queue *q = g_ptr_array_index (top->queues, i);

      d->highest_write = MAX (d->highest_write, atomic_load (&q->highest_write));
    }
  for (i = 0; block->throttle != NULL && i < GWT_THROTTLE_BUCKETS; i++)
    {
      const struct gwt_bucket *b = &block->throttle->buckets[i];

      (i < 3 ? d->bps : d->iops)[i % 3] = b->avg;
      (i < 3 ? d->bps_max : d->iops_max)[i % 3] = b->max;
      (i < 3 ? d->bps_length : d->iops_length)[i % 3] = b->length;
      d->iops_size = block->throttle->iops_size;
    }
}

/* ---- raw: a window on another node; throttle: limits ------------------------------------------
 */

static bool
raw_open (struct gwt_block *node, struct json_object *options, struct gwt_error *err)
{
  uint64_t below = gwt_block_size (node->child);
  uint32_t unit = 0;
  uint64_t at;

  unit = gwt_block_leaf (node, &at)->logical;
  if (!gwt_take_u64 (options, "offset", true, &node->window_offset, err)
      || !gwt_take_u64 (options, "size", true, &node->window_size, err))
    return false;
  if (node->window_offset % unit != 0 || node->window_size % unit != 0)
    gwt_error_set (err, GWT_E_INVALID, "offset and size must be multiples of %u; round them", unit);
  else if (node->window_offset > below || node->window_size > below - node->window_offset)
    gwt_error_set (err, GWT_E_RANGE,
                   "offset and size reach beyond '%s', which has %" G_GUINT64_FORMAT
                   " bytes; use less",
                   node->child->node_name, below);
  return !gwt_error_is_set (err);
}

static bool
throttle_open (struct gwt_block *node, struct json_object *options, struct gwt_error *err)
{
  if (!gwt_throttle_take (options, "", &node->throttle, err))
    return false;
  if (node->throttle == NULL)
    gwt_error_set (err, GWT_E_INVALID,
                   "there is no limit; add bps-total=N, iops-read=N or the like");
  return node->throttle != NULL;
}

const struct gwt_block_driver gwt_block_raw = {
  .name = "raw",
  .members = (const char *const[]){ "offset", "size", NULL },
  .open = raw_open,
};

const struct gwt_block_driver gwt_block_throttle = {
  .name = "throttle",
  .members = gwt_throttle_keys,
  .open = throttle_open,
};
