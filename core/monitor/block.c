/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The QMP commands about block back ends, with QEMU's members: what there is, what became of
 * requests, a node that comes, goes or gets another size.  What has no meaning here and must be
 * there (encryption, tray, merging) says so with its neutral value.
 */
#include "config.h"
#include "core/monitor/block.h"

#include <string.h>

#include "core/backend/block.h"
#include "core/device/device.h"
#include "core/monitor/qmp.h"

static void
add_string (struct json_object *object, const char *name, const char *value)
{
  json_object_object_add (object, name, json_object_new_string (value));
}

static void
add_bool (struct json_object *object, const char *name, bool value)
{
  json_object_object_add (object, name, json_object_new_boolean (value));
}

static void
add_number (struct json_object *object, const char *name, uint64_t value)
{
  json_object_object_add (object, name, json_object_new_uint64 (value));
}

static const char *
string_arg (struct json_object *args, const char *name)
{
  struct json_object *value;
  return json_object_object_get_ex (args, name, &value) ? json_object_get_string (value) : NULL;
}

/* ---- nodes ------------------------------------------------------------------------------------
 */

static void
add_limits (struct json_object *node, const struct gwt_block_details *d)
{
  static const char *const suffixes[] = { "", "_rd", "_wr" };
  bool any = false;
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      const struct
      {
        const char *name;
        double rate, max;
        uint64_t length;
      } kinds[] = { { "bps", d->bps[i], d->bps_max[i], d->bps_length[i] },
                    { "iops", d->iops[i], d->iops_max[i], d->iops_length[i] } };
      for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
        {
          g_autofree char *rate = g_strconcat (kinds[k].name, suffixes[i], NULL);
          g_autofree char *max = g_strconcat (kinds[k].name, suffixes[i], "_max", NULL);
          g_autofree char *length = g_strconcat (kinds[k].name, suffixes[i], "_max_length", NULL);
          add_number (node, rate, (uint64_t)kinds[k].rate);
          any |= kinds[k].rate > 0 || kinds[k].max > 0;
          if (kinds[k].max > 0)
            {
              add_number (node, max, (uint64_t)kinds[k].max);
              add_number (node, length, kinds[k].length);
            }
        }
    }
  if (any && d->iops_size > 0)
    add_number (node, "iops_size", d->iops_size);
}

/* QEMU's BlockDeviceInfo. */
static struct json_object *
node_object (const struct gwt_block_details *d)
{
  struct json_object *node = json_object_new_object (), *image = json_object_new_object (),
                     *cache = json_object_new_object ();
  add_string (node, "file", d->filename);
  add_string (node, "node-name", d->node_name);
  add_string (node, "drv", d->driver);
  add_bool (node, "ro", d->read_only);
  add_bool (node, "encrypted", false);
  add_number (node, "backing_file_depth", 0);
  add_string (node, "detect_zeroes", d->detect_zeroes);
  add_number (node, "write_threshold", 0);
  add_limits (node, d);
  add_string (image, "filename", d->filename);
  add_string (image, "format", d->driver);
  add_number (image, "virtual-size", d->size);
  if (d->allocated != UINT64_MAX)
    add_number (image, "actual-size", d->allocated);
  add_bool (image, "dirty-flag", false);
  json_object_object_add (node, "image", image);
  add_bool (cache, "writeback", d->writeback);
  add_bool (cache, "direct", d->direct);
  add_bool (cache, "no-flush", d->no_flush);
  json_object_object_add (node, "cache", cache);
  return node;
}

/* Is it a drive in QEMU's sense: in use by a device, or made by -drive? */
static bool
is_drive (const struct gwt_block_details *d)
{
  return d->top && (d->device != NULL || d->drive[0] != '\0');
}

static struct json_object *
query_named_block_nodes (struct json_object *args, struct gwt_error *err)
{
  struct json_object *list = json_object_new_array ();
  guint count;
  g_autofree struct gwt_block **blocks = gwt_blocks (&count);
  for (guint i = 0; i < count; i++)
    {
      struct gwt_block_details d;
      gwt_block_describe (blocks[i], &d);
      json_object_array_add (list, node_object (&d));
    }
  return list;
}

/* ---- drives -----------------------------------------------------------------------------------
 */

static void
add_names (struct json_object *entry, const struct gwt_block_details *d)
{
  add_string (entry, "device", d->drive);
  if (d->device != NULL)
    add_string (entry, "qdev", d->device->id);
}

static struct json_object *
query_block (struct json_object *args, struct gwt_error *err)
{
  static const char *const names[] = { "ok", "failed", "nospace" };
  struct json_object *list = json_object_new_array ();
  guint count;
  g_autofree struct gwt_block **blocks = gwt_blocks (&count);
  for (guint i = 0; i < count; i++)
    {
      struct json_object *entry;
      struct gwt_block_details d;
      gwt_block_describe (blocks[i], &d);
      if (!is_drive (&d))
        continue;
      entry = json_object_new_object ();
      add_names (entry, &d);
      add_string (entry, "type", "unknown");
      add_bool (entry, "removable", d.device == NULL);
      add_bool (entry, "locked", false);
      if (d.device != NULL)
        add_string (entry, "io-status", names[d.io_status]);
      json_object_object_add (entry, "inserted", node_object (&d));
      json_object_array_add (list, entry);
    }
  return list;
}

/* ---- statistics -------------------------------------------------------------------------------
 */

static void
add_stats (struct json_object *object, const char *kind, const struct gwt_block_stats *s,
           bool has_bytes)
{
  const struct
  {
    const char *format;
    uint64_t value;
  } members[] = {
    { "%s_operations", s->operations },
    { "%s_total_time_ns", s->total_ns },
    { "failed_%s_operations", s->failed },
    { "invalid_%s_operations", s->invalid },
    { "%s_bytes", s->bytes },
    { "%s_merged", 0 },
  };
  /* A flush has neither bytes nor neighbors. */
  for (guint i = 0; i < (has_bytes ? 6u : 4u); i++)
    {
      g_auto (GStrv) parts = g_strsplit (members[i].format, "%s", 2);
      g_autofree char *name = g_strjoinv (kind, parts);
      add_number (object, name, members[i].value);
    }
}

/* QEMU's BlockDeviceStats. */
static struct json_object *
stats_object (const struct gwt_block_details *d, bool of_device)
{
  struct json_object *stats = json_object_new_object ();
  add_stats (stats, "rd", &d->read, true);
  add_stats (stats, "wr", &d->write, true);
  add_stats (stats, "flush", &d->flush, false);
  add_stats (stats, "unmap", &d->unmap, true);
  add_number (stats, "wr_highest_offset", d->highest_write);
  add_bool (stats, "account_invalid", of_device);
  add_bool (stats, "account_failed", of_device);
  json_object_object_add (stats, "timed_stats", json_object_new_array ());
  return stats;
}

/* QEMU's BlockStats; what is below comes as "parent", for so it is called there. */
static struct json_object *
stats_entry (const struct gwt_block_details *d, bool of_device)
{
  struct json_object *entry = json_object_new_object ();
  if (of_device)
    add_names (entry, d);
  add_string (entry, "node-name", d->node_name);
  json_object_object_add (entry, "stats", stats_object (d, of_device));
  if (d->child != NULL)
    {
      struct gwt_block_details child;
      gwt_block_describe (d->child, &child);
      json_object_object_add (entry, "parent", stats_entry (&child, false));
    }
  return entry;
}

static struct json_object *
query_blockstats (struct json_object *args, struct gwt_error *err)
{
  struct json_object *list = json_object_new_array (), *nodes;
  bool all = json_object_object_get_ex (args, "query-nodes", &nodes)
             && json_object_get_boolean (nodes);
  guint count;
  g_autofree struct gwt_block **blocks = gwt_blocks (&count);
  for (guint i = 0; i < count; i++)
    {
      struct gwt_block_details d;
      gwt_block_describe (blocks[i], &d);
      if (all || is_drive (&d))
        json_object_array_add (list, stats_entry (&d, !all));
    }
  return list;
}

/* ---- changes ----------------------------------------------------------------------------------
 */

/* The class DeviceNotFound is about devices; here it is always GenericError. */
static struct json_object *
answer (bool done, struct gwt_error *err)
{
  if (done)
    return json_object_new_object ();
  err->code = GWT_E_INVALID;
  return NULL;
}

static struct json_object *
blockdev_add (struct json_object *args, struct gwt_error *err)
{
  return answer (gwt_block_add (args, err) != NULL, err);
}

static struct json_object *
blockdev_del (struct json_object *args, struct gwt_error *err)
{
  return answer (gwt_block_delete (string_arg (args, "node-name"), err), err);
}

static struct json_object *
block_resize (struct json_object *args, struct gwt_error *err)
{
  const char *device = string_arg (args, "device"), *node = string_arg (args, "node-name");
  struct gwt_block *block = NULL;
  struct json_object *size;
  if ((device != NULL) == (node != NULL))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "%s of 'device' and 'node-name' must be given; name the drive by one",
                     device != NULL ? "not both" : "one");
      return NULL;
    }
  block = gwt_block_find (device != NULL ? device : node);
  if (block == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "Cannot find device='%.64s' nor node-name='%.64s'",
                     device != NULL ? device : "", node != NULL ? node : "");
      return NULL;
    }
  json_object_object_get_ex (args, "size", &size);
  if (json_object_get_int64 (size) < 0)
    {
      gwt_error_set (err, GWT_E_RANGE, "Parameter 'size' expects a >0 size");
      return NULL;
    }
  return answer (gwt_block_resize (block, (uint64_t)json_object_get_int64 (size), err), err);
}

static const struct gwt_qmp_arg add_args[] = { { "driver", "str", false },
                                               { "node-name", "str", true },
                                               { GWT_QMP_MORE, "any", true },
                                               { NULL, NULL, false } };
static const struct gwt_qmp_arg del_args[]
    = { { "node-name", "str", false }, { NULL, NULL, false } };
static const struct gwt_qmp_arg resize_args[] = { { "device", "str", true },
                                                  { "node-name", "str", true },
                                                  { "size", "int", false },
                                                  { NULL, NULL, false } };
static const struct gwt_qmp_arg stats_args[]
    = { { "query-nodes", "bool", true }, { NULL, NULL, false } };
static const struct gwt_qmp_arg nodes_args[]
    = { { "flat", "bool", true }, { NULL, NULL, false } };

static const struct gwt_qmp_command commands[] = {
  { "block_resize", block_resize, resize_args },
  { "blockdev-add", blockdev_add, add_args },
  { "blockdev-del", blockdev_del, del_args },
  { "query-block", query_block, NULL },
  { "query-blockstats", query_blockstats, stats_args },
  { "query-named-block-nodes", query_named_block_nodes, nodes_args },
};

void
gwt_qmp_init_block (void)
{
  gwt_qmp_add_commands (commands, G_N_ELEMENTS (commands));
}
