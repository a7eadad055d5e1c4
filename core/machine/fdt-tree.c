/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns a device tree in memory, "gwt.fdt/1", and turning the tree into a blob with libfdt.  It must
 * not know what stands in the tree (fdt.c does).
 *
 * A tree of our own and not libfdt's read-write calls: devices write to several places at once
 * (begin_at_root), and libfdt would move the whole blob at every property and put nodes in reverse.
 */
#include "config.h"
#include "core/machine/fdt-tree.h"
#include <libfdt.h>
#include <string.h>
#include "core/device/device.h"
#include "core/device/irq.h"

#define DEPTH_MAX 32

struct prop
{
  char *name;
  GByteArray *data;
};

struct gwt_fdt_node
{
  char *name;
  struct gwt_fdt_node *parent;
  GPtrArray *props;    /* struct prop */
  GPtrArray *children; /* struct gwt_fdt_node */
};

struct gwt_fdt
{
  struct gwt_fdt_node *root;
  GPtrArray *open;      /* struct gwt_fdt_node; the last is written to */
  GHashTable *phandles; /* struct gwt_device -> number */
  uint32_t last_phandle;
  gsize size; /* bytes of data so far, to stop a device that never ends */
  struct gwt_error err;
};

static void
prop_free (gpointer data)
{
  struct prop *prop = data;
  g_free (prop->name);
  g_byte_array_unref (prop->data);
  g_free (prop);
}

static void
node_free (gpointer data)
{
  struct gwt_fdt_node *node = data;
  g_free (node->name);
  g_ptr_array_unref (node->props);
  g_ptr_array_unref (node->children);
  g_free (node);
}

static struct gwt_fdt_node *
node_new (const char *name, struct gwt_fdt_node *parent)
{
  struct gwt_fdt_node *node = g_new0 (struct gwt_fdt_node, 1);
  node->name = g_strdup (name);
  node->parent = parent;
  node->props = g_ptr_array_new_with_free_func (prop_free);
  node->children = g_ptr_array_new_with_free_func (node_free);
  if (parent != NULL)
    g_ptr_array_add (parent->children, node);
  return node;
}

struct gwt_fdt *
gwt_fdt_new (void)
{
  struct gwt_fdt *fdt = g_new0 (struct gwt_fdt, 1);
  fdt->root = node_new ("", NULL);
  fdt->open = g_ptr_array_new ();
  fdt->phandles = g_hash_table_new (NULL, NULL);
  return fdt;
}

void
gwt_fdt_free (struct gwt_fdt *fdt)
{
  if (fdt == NULL)
    return;
  node_free (fdt->root);
  g_ptr_array_unref (fdt->open);
  g_hash_table_destroy (fdt->phandles);
  gwt_error_clear (&fdt->err);
  g_free (fdt);
}

struct gwt_fdt_node *
gwt_fdt_root (struct gwt_fdt *fdt)
{
  return fdt->root;
}

char *
gwt_fdt_node_path (const struct gwt_fdt_node *node)
{
  if (node->parent == NULL)
    return g_strdup ("/");
  g_autofree char *parent = gwt_fdt_node_path (node->parent);
  return g_strdup_printf ("%s%s%s", parent, parent[1] == '\0' ? "" : "/", node->name);
}

static bool
name_fits (const char *name, const char *also)
{
  size_t n = 0;
  for (; name[n] != '\0'; n++)
    if (!g_ascii_isalnum (name[n]) && strchr (also, name[n]) == NULL)
      return false;
  return n > 0 && n < 64;
}

static bool
count_size (struct gwt_fdt *fdt, gsize more)
{
  fdt->size += more;
  if (fdt->size <= GWT_FDT_SIZE_MAX / 2)
    return true;
  gwt_error_set (&fdt->err, GWT_E_RANGE, "device tree: more than %u bytes; leave devices out",
                 GWT_FDT_SIZE_MAX / 2);
  return false;
}

struct gwt_fdt_node *
gwt_fdt_child (struct gwt_fdt *fdt, struct gwt_fdt_node *parent, const char *name)
{
  for (guint i = 0; i < parent->children->len; i++)
    {
      struct gwt_fdt_node *child = g_ptr_array_index (parent->children, i);
      if (strcmp (child->name, name) == 0)
        return child;
    }
  if (!name_fits (name, ",._+-@"))
    gwt_error_set (&fdt->err, GWT_E_INVALID,
                   "device tree: '%s' is no node's name; use letters, "
                   "digits and ,._+-@",
                   name);
  if (!count_size (fdt, strlen (name) + 16))
    return parent;
  return node_new (name, parent);
}

static struct prop *
find_prop (struct gwt_fdt *fdt, struct gwt_fdt_node *node, const char *name)
{
  for (guint i = 0; i < node->props->len; i++)
    {
      struct prop *prop = g_ptr_array_index (node->props, i);
      if (strcmp (prop->name, name) == 0)
        return prop;
    }
  if (!name_fits (name, ",._+?#-"))
    gwt_error_set (&fdt->err, GWT_E_INVALID,
                   "device tree: '%s' is no property's name; use "
                   "letters, digits and ,._+?#-",
                   name);
  struct prop *prop = g_new0 (struct prop, 1);
  prop->name = g_strdup (name);
  prop->data = g_byte_array_new ();
  g_ptr_array_add (node->props, prop);
  return prop;
}

void
gwt_fdt_set (struct gwt_fdt *fdt, struct gwt_fdt_node *node, const char *name, const void *data,
             size_t size)
{
  if (!count_size (fdt, size + strlen (name) + 16))
    return;
  struct prop *prop = find_prop (fdt, node, name);
  g_byte_array_set_size (prop->data, 0);
  if (size > 0)
    g_byte_array_append (prop->data, data, (guint) size);
}

void
gwt_fdt_append_cells (struct gwt_fdt *fdt, struct gwt_fdt_node *node, const char *name,
                      const uint32_t *cells, guint count)
{
  if (!count_size (fdt, (gsize) count * 4 + strlen (name) + 16))
    return;
  struct prop *prop = find_prop (fdt, node, name);
  for (guint i = 0; i < count; i++)
    {
      uint32_t cell = GUINT32_TO_BE (cells[i]);
      g_byte_array_append (prop->data, (const guint8 *) &cell, 4);
    }
}

void
gwt_fdt_set_u32 (struct gwt_fdt *fdt, struct gwt_fdt_node *node, const char *name, uint32_t value)
{
  uint32_t cell = GUINT32_TO_BE (value);
  gwt_fdt_set (fdt, node, name, &cell, 4);
}

void
gwt_fdt_set_u64 (struct gwt_fdt *fdt, struct gwt_fdt_node *node, const char *name, uint64_t value)
{
  uint64_t cells = GUINT64_TO_BE (value);
  gwt_fdt_set (fdt, node, name, &cells, 8);
}

void
gwt_fdt_set_text (struct gwt_fdt *fdt, struct gwt_fdt_node *node, const char *name,
                  const char *value)
{
  gwt_fdt_set (fdt, node, name, value, strlen (value) + 1);
}

uint32_t
gwt_fdt_new_phandle (struct gwt_fdt *fdt)
{
  return ++fdt->last_phandle;
}

uint32_t
gwt_fdt_phandle_of (struct gwt_fdt *fdt, struct gwt_device *device)
{
  gpointer known = g_hash_table_lookup (fdt->phandles, device);
  if (known != NULL)
    return GPOINTER_TO_UINT (known);
  uint32_t phandle = gwt_fdt_new_phandle (fdt);
  g_hash_table_insert (fdt->phandles, device, GUINT_TO_POINTER (phandle));
  return phandle;
}

uint32_t
gwt_fdt_specifier (struct gwt_device **to, uint32_t line, uint32_t *cells)
{
  const struct gwt_fdt_interrupts_ops *ops
      = gwt_device_interface (*to, GWT_FDT_INTERRUPTS_INTERFACE);
  cells[0] = line;
  if (!GWT_HAS (ops, specifier))
    return 1;
  struct gwt_device *part = gwt_device_interface_part (*to, GWT_FDT_INTERRUPTS_INTERFACE);
  uint32_t count = ops->specifier (part->instance, line, cells, to);
  return CLAMP (count, 1, GWT_FDT_SPECIFIER_MAX);
}

void
gwt_fdt_open (struct gwt_fdt *fdt, struct gwt_fdt_node *node)
{
  g_ptr_array_add (fdt->open, node);
}

void
gwt_fdt_close (struct gwt_fdt *fdt)
{
  if (fdt->open->len != 1)
    gwt_error_set (&fdt->err, GWT_E_INVALID,
                   "device tree: begin and end do not match; correct the plugin");
  g_ptr_array_set_size (fdt->open, 0);
}

static bool
write_node (void *buffer, const struct gwt_fdt_node *node)
{
  if (fdt_begin_node (buffer, node->name) != 0)
    return false;
  for (guint i = 0; i < node->props->len; i++)
    {
      const struct prop *prop = g_ptr_array_index (node->props, i);
      if (fdt_property (buffer, prop->name, prop->data->data, (int) prop->data->len) != 0)
        return false;
    }
  for (guint i = 0; i < node->children->len; i++)
    if (!write_node (buffer, g_ptr_array_index (node->children, i)))
      return false;
  return fdt_end_node (buffer) == 0;
}

bool
gwt_fdt_finish (struct gwt_fdt *fdt, struct gwt_blob *blob, struct gwt_error *err)
{
  *blob = (struct gwt_blob){ NULL, 0 };
  if (gwt_error_is_set (&fdt->err))
    {
      gwt_error_move (err, &fdt->err);
      return false;
    }
  g_autofree void *buffer = g_malloc0 (GWT_FDT_SIZE_MAX);
  if (fdt_create (buffer, GWT_FDT_SIZE_MAX) != 0 || fdt_finish_reservemap (buffer) != 0
      || !write_node (buffer, fdt->root) || fdt_finish (buffer) != 0)
    {
      gwt_error_set (err, GWT_E_RANGE, "device tree: does not fit %u bytes; leave devices out",
                     GWT_FDT_SIZE_MAX);
      return false;
    }
  return gwt_blob_copy (blob, buffer, fdt_totalsize (buffer), err);
}

/* ---- gwt.fdt/1 ---------------------------------------------------------------------------------
 */

static struct gwt_fdt_node *
current (struct gwt_fdt *fdt)
{
  if (fdt->open->len > 0)
    return g_ptr_array_index (fdt->open, fdt->open->len - 1);
  gwt_error_set (&fdt->err, GWT_E_INVALID,
                 "device tree: a property outside any node; correct the plugin");
  return fdt->root;
}

static void
begin_in (struct gwt_fdt *fdt, struct gwt_fdt_node *parent, const char *name)
{
  if (fdt->open->len >= DEPTH_MAX)
    gwt_error_set (&fdt->err, GWT_E_RANGE,
                   "device tree: nested more than %d deep; correct the plugin", DEPTH_MAX);
  else
    g_ptr_array_add (fdt->open, gwt_fdt_child (fdt, parent, name));
}

static void
ext_begin (struct gwt_fdt *fdt, const char *name)
{
  begin_in (fdt, current (fdt), name);
}

static void
ext_begin_at_root (struct gwt_fdt *fdt, const char *name)
{
  begin_in (fdt, fdt->root, name);
}

static void
ext_end (struct gwt_fdt *fdt)
{
  /* The device's own node is the host's to close. */
  if (fdt->open->len > 1)
    g_ptr_array_set_size (fdt->open, (int) fdt->open->len - 1);
  else
    gwt_error_set (&fdt->err, GWT_E_INVALID, "device tree: end without begin; correct the plugin");
}

static void
ext_bytes (struct gwt_fdt *fdt, const char *name, const void *data, uint32_t size)
{
  gwt_fdt_set (fdt, current (fdt), name, data, size);
}

static void
ext_empty (struct gwt_fdt *fdt, const char *name)
{
  ext_bytes (fdt, name, NULL, 0);
}

static void
ext_u32 (struct gwt_fdt *fdt, const char *name, uint32_t value)
{
  gwt_fdt_set_u32 (fdt, current (fdt), name, value);
}

static void
ext_u64 (struct gwt_fdt *fdt, const char *name, uint64_t value)
{
  gwt_fdt_set_u64 (fdt, current (fdt), name, value);
}

static void
ext_cells (struct gwt_fdt *fdt, const char *name, const uint32_t *cells, uint32_t count)
{
  ext_empty (fdt, name);
  gwt_fdt_append_cells (fdt, current (fdt), name, cells, count);
}

static void
ext_string (struct gwt_fdt *fdt, const char *name, const char *value)
{
  gwt_fdt_set_text (fdt, current (fdt), name, value);
}

static void
ext_strings (struct gwt_fdt *fdt, const char *name, const char *const *values, uint32_t count)
{
  g_autoptr (GByteArray) list = g_byte_array_new ();
  for (uint32_t i = 0; i < count && list->len < GWT_FDT_SIZE_MAX; i++)
    g_byte_array_append (list, (const guint8 *) values[i], (guint) strlen (values[i]) + 1);
  ext_bytes (fdt, name, list->data, list->len);
}

static void
ext_remove (struct gwt_fdt *fdt, const char *name)
{
  GPtrArray *props = current (fdt)->props;
  for (guint i = 0; i < props->len; i++)
    {
      const struct prop *prop = g_ptr_array_index (props, i);
      if (strcmp (prop->name, name) == 0)
        {
          g_ptr_array_remove_index (props, i);
          return;
        }
    }
}

static void
ext_phandle (struct gwt_fdt *fdt, struct gwt_device *device)
{
  ext_u32 (fdt, "phandle", gwt_fdt_phandle_of (fdt, device));
}

static struct gwt_device *
ext_target (struct gwt_fdt *fdt, struct gwt_device *device, const char *name, uint32_t index,
            uint32_t *line)
{
  (void) fdt;
  return gwt_irq_target (device, name, index, line);
}

static struct gwt_device *
ext_interrupt (struct gwt_fdt *fdt, struct gwt_device *device, const char *name, uint32_t index,
               uint32_t *cells, uint32_t *count)
{
  uint32_t line;
  struct gwt_device *to = ext_target (fdt, device, name, index, &line);
  if (to != NULL)
    *count = gwt_fdt_specifier (&to, line, cells);
  return to;
}

const struct gwt_fdt_api gwt_fdt_ext = {
  .struct_size = sizeof (struct gwt_fdt_api),
  .begin = ext_begin,
  .end = ext_end,
  .empty = ext_empty,
  .u32 = ext_u32,
  .u64 = ext_u64,
  .cells = ext_cells,
  .string = ext_string,
  .strings = ext_strings,
  .bytes = ext_bytes,
  .phandle_of = gwt_fdt_phandle_of,
  .phandle = ext_phandle,
  .new_phandle = gwt_fdt_new_phandle,
  .begin_at_root = ext_begin_at_root,
  .target = ext_target,
  .remove = ext_remove,
  .interrupt = ext_interrupt,
};
