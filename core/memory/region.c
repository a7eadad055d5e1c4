/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions: their making, their place in the guest's address space, their end.  It must not know
 * what an access does, nor who executes.
 */
#include "config.h"
#include "core/memory/internal.h"
#include <string.h>
#include "core/device/lock.h"
#include "core/util/extension.h"
#include "core/util/log.h"

#define MAX_LISTENERS 4

GPtrArray *gwt_regions; /* in order of creation; under the machine lock once the machine runs */
static uint64_t last_sequence;
static struct
{
  void (*fn) (uint32_t change, void *data);
  void *data;
} listeners[MAX_LISTENERS];
static guint n_listeners;

bool
gwt_memory_guard (void)
{
  bool take = !gwt_machine_lock_held ();

  if (take)
    gwt_machine_lock ();
  return take;
}

void
gwt_memory_unguard (bool taken)
{
  if (taken)
    gwt_machine_unlock ();
}

void
gwt_memory_on_change (void (*fn) (uint32_t change, void *data), void *data)
{
  guint i;

  for (i = 0; i < n_listeners; i++)
    if (listeners[i].fn == fn && listeners[i].data == data)
      return;
  g_return_if_fail (n_listeners < MAX_LISTENERS);
  listeners[n_listeners].fn = fn;
  listeners[n_listeners++].data = data;
}

void
gwt_memory_changed (uint32_t change)
{
  guint i;

  for (i = 0; i < n_listeners; i++)
    listeners[i].fn (change, listeners[i].data);
}

/* ---- making and ending ----------------------------------------------------------------------- */

static void
region_free (struct gwt_region *region)
{
  bool taken = gwt_memory_guard ();

  gwt_memory_unmap (region); /* at once: the machine lock is held */
  /* A vCPU in a device's callback may come back to the rest of a block with a pointer that it
     looked up before: wait until all are out of the guest, as for a dirty round. */
  if (region->block)
    gwt_memory_changed (GWT_CHANGE_DIRTY);
  /* DMA of other threads may still be inside. */
  gwt_view_synchronize ();
  if (gwt_regions)
    g_ptr_array_remove (gwt_regions, region);
  if (region->block)
    {
      gwt_block_unlist (region->block);
      gwt_block_unref (region->block);
    }
  gwt_memory_unguard (taken);
  g_free (region->name);
  g_free (region);
}

static void
region_device_gone (void *data)
{
  struct gwt_region *region = data;
  guint i;

  /* gwt_memory_destroy_all may have come first. */
  for (i = 0; gwt_regions && i < gwt_regions->len; i++)
    if (g_ptr_array_index (gwt_regions, i) == region)
      {
        region_free (region);
        return;
      }
}

static bool
size_is_access (uint32_t size)
{
  return size == 1 || size == 2 || size == 4 || size == 8;
}

static bool
check_ops (struct gwt_device *device, const char *name, const struct gwt_mmio_ops *ops,
           struct gwt_mmio_ops *copy, struct gwt_error *err)
{
  memset (copy, 0, sizeof (*copy));
  if (!ops)
    {
      gwt_error_set (err, GWT_E_INVALID, "region '%s': no callbacks; give read and write", name);
      return false;
    }
  memcpy (copy, ops, MIN (ops->struct_size, sizeof (*copy)));
  if (!copy->read || !copy->write)
    {
      gwt_error_set (err, GWT_E_INVALID, "region '%s': a callback is missing; give read and write",
                     name);
      return false;
    }
  if (!size_is_access (copy->min_size) || !size_is_access (copy->max_size)
      || copy->min_size > copy->max_size)
    {
      gwt_error_set (
          err, GWT_E_RANGE,
          "region '%s': access sizes %u to %u make no range; use 1, 2, 4 or 8, least first", name,
          copy->min_size, copy->max_size);
      return false;
    }
  if ((copy->flags & GWT_MMIO_MESSAGES)
      && (!device || device->type->d.threads != GWT_THREADS_PARALLEL))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "region '%s': GWT_MMIO_MESSAGES is for types with GWT_THREADS_PARALLEL; "
                     "declare that, or leave the flag out",
                     name);
      return false;
    }
  if (copy->flags & ~(uint64_t) (GWT_MMIO_UNALIGNED | GWT_MMIO_MESSAGES))
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "region '%s': flags 0x%" G_GINT64_MODIFIER
                     "x are not known here; leave them out",
                     name, copy->flags);
      return false;
    }
  return true;
}

static struct gwt_region *
region_new (struct gwt_device *device, enum gwt_region_kind kind, const char *name, uint64_t size,
            struct gwt_error *err)
{
  struct gwt_region *region;

  if (!name || !*name)
    {
      gwt_error_set (err, GWT_E_INVALID, "region: it has no name; give one");
      return NULL;
    }
  if (size == 0)
    {
      gwt_error_set (err, GWT_E_RANGE, "region '%s': size 0 is out of range; use at least 1", name);
      return NULL;
    }
  region = g_new0 (struct gwt_region, 1);
  region->kind = kind;
  region->device = device;
  region->self = device ? device->instance : NULL;
  region->name = g_strdup (name);
  region->size = size;
  region->direct = 1;
  return region;
}

static struct gwt_region *
region_add (struct gwt_region *region)
{
  bool taken = gwt_memory_guard ();

  if (!gwt_regions)
    gwt_regions = g_ptr_array_new ();
  g_ptr_array_add (gwt_regions, region);
  gwt_memory_unguard (taken);
  if (region->device)
    gwt_device_on_destroy (region->device, region_device_gone, region);
  return region;
}

static struct gwt_region *
memory_mmio (struct gwt_device *device, const char *name, uint64_t size,
             const struct gwt_mmio_ops *ops, struct gwt_error *err)
{
  struct gwt_region *region = region_new (device, GWT_REGION_MMIO, name, size, err);

  if (!region)
    return NULL;
  if (!check_ops (device, name, ops, &region->ops, err))
    {
      g_free (region->name);
      g_free (region);
      return NULL;
    }
  return region_add (region);
}

static struct gwt_region *
block_region (struct gwt_device *device, enum gwt_region_kind kind, const char *name, uint64_t size,
              uint64_t flags, const struct gwt_mmio_ops *ops, const struct gwt_ram_file *file,
              struct gwt_error *err)
{
  struct gwt_region *region = region_new (device, kind, name, size, err);

  if (!region)
    return NULL;
  if (flags & ~(uint64_t) (GWT_RAM_READ_ONLY | GWT_RAM_MIGRATED))
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "region '%s': flags 0x%" G_GINT64_MODIFIER
                   "x are not known here; leave them out",
                   name, flags);
  else if (kind == GWT_REGION_RAM || check_ops (device, name, ops, &region->ops, err))
    region->block = gwt_block_new (name, size, flags, file, err);
  if (!region->block)
    {
      g_free (region->name);
      g_free (region);
      return NULL;
    }
  region->size = region->block->size;
  return region_add (region);
}

static struct gwt_region *
memory_ram (struct gwt_device *device, const char *name, uint64_t size, uint64_t flags,
            struct gwt_error *err)
{
  return block_region (device, GWT_REGION_RAM, name, size, flags, NULL, NULL, err);
}

static struct gwt_region *
memory_ram_device (struct gwt_device *device, const char *name, uint64_t size, uint64_t flags,
                   const struct gwt_mmio_ops *ops, struct gwt_error *err)
{
  return block_region (device, GWT_REGION_RAM_DEVICE, name, size, flags, ops, NULL, err);
}

struct gwt_region *
gwt_memory_new_ram (const char *name, uint64_t size, uint64_t flags, struct gwt_error *err)
{
  return memory_ram (NULL, name, size, flags, err);
}

struct gwt_region *
gwt_memory_new_ram_file (const char *name, uint64_t size, uint64_t flags,
                         const struct gwt_ram_file *file, struct gwt_error *err)
{
  return block_region (NULL, GWT_REGION_RAM, name, size, flags, NULL, file, err);
}

void
gwt_memory_destroy_all (void)
{
  gwt_memory_dirty_stop ();
  while (gwt_regions && gwt_regions->len)
    region_free (g_ptr_array_index (gwt_regions, gwt_regions->len - 1));
  g_clear_pointer (&gwt_regions, g_ptr_array_unref);
}

/* ---- looking --------------------------------------------------------------------------------- */

struct gwt_region *
gwt_memory_device_region (struct gwt_device *device, guint n)
{
  guint i;

  for (i = 0; gwt_regions && i < gwt_regions->len; i++)
    {
      struct gwt_region *region = g_ptr_array_index (gwt_regions, i);

      if (region->device == device && n-- == 0)
        return region;
    }
  return NULL;
}

uint64_t
gwt_memory_region_size (struct gwt_region *region)
{
  return region->size;
}

const char *
gwt_memory_region_name (struct gwt_region *region)
{
  return region->name;
}

struct gwt_ram_block *
gwt_memory_region_block (struct gwt_region *region)
{
  return region->block;
}

uint64_t
gwt_memory_block_address (const struct gwt_ram_block *block)
{
  bool taken = gwt_memory_guard ();
  uint64_t address = 0;
  guint i;

  for (i = 0; gwt_regions && i < gwt_regions->len; i++)
    {
      const struct gwt_region *region = g_ptr_array_index (gwt_regions, i);

      if (region->block == block && region->mapped)
        address = region->address;
    }
  gwt_memory_unguard (taken);
  return address;
}

bool
gwt_memory_region_address (struct gwt_region *region, uint64_t *address)
{
  if (region->mapped && address)
    *address = region->address;
  return region->mapped;
}

bool
gwt_memory_region_kept (struct gwt_region *region)
{
  return region->kept;
}

static void
memory_keep (struct gwt_region *region)
{
  region->kept = true;
}

static void
memory_set_self (struct gwt_region *region, void *self)
{
  region->self = self;
}

static uint32_t
memory_address (struct gwt_region *region, uint64_t *address)
{
  return gwt_memory_region_address (region, address);
}

static void *
memory_host (struct gwt_region *region)
{
  return region->block ? region->block->host : NULL;
}

static uint64_t
memory_size (struct gwt_region *region)
{
  return region->size;
}

static void
memory_mark_dirty (struct gwt_region *region, uint64_t offset, uint64_t size)
{
  if (!region->block || offset >= region->size)
    return;
  (void) gwt_view_enter (); /* keeps the bitmap alive */
  gwt_dirty_mark (region->block, offset, MIN (size, region->size - offset));
  gwt_view_leave ();
}

/* "uart0 (ns16550)" or the block's name, for errors that people read. */
static char *
owner_name (const struct gwt_region *region)
{
  if (!region->device || !region->device->id)
    return g_strdup (region->name);
  return g_strdup_printf ("%s of %s", region->name, region->device->id);
}

char *
gwt_memory_describe (void)
{
  static const char *const kinds[] = { "ram", "mmio", "flash" };
  GString *text = g_string_new (NULL);
  const struct gwt_view *view;
  bool taken = gwt_memory_guard ();
  guint i;

  /* The machine lock keeps the view; a section would be longer than it may be. */
  view = atomic_load (&gwt_view_current);
  for (i = 0; i < view->n; i++)
    {
      const struct gwt_range *range = &view->ranges[i];
      const struct gwt_region *region = range->region;
      g_autofree char *owner = owner_name (region);
      bool rom = region->block && region->kind == GWT_REGION_RAM && !range->writable;

      g_string_append_printf (text, "%016" G_GINT64_MODIFIER "x-%016" G_GINT64_MODIFIER "x %s %s",
                              range->first, range->last, rom ? "rom" : kinds[region->kind], owner);
      if (range->offset)
        g_string_append_printf (text, " +0x%" G_GINT64_MODIFIER "x", range->offset);
      g_string_append_c (text, '\n');
    }
  gwt_memory_unguard (taken);
  return g_string_free (text, FALSE);
}

/* ---- mapping --------------------------------------------------------------------------------- */

/* A region of the same rank in the way of REGION at ADDRESS, where that is forbidden. */
static struct gwt_region *
overlapping (struct gwt_region *region, uint64_t address)
{
  uint64_t last = address + (region->size - 1);
  guint i;

  for (i = 0; i < gwt_regions->len; i++)
    {
      struct gwt_region *other = g_ptr_array_index (gwt_regions, i);

      if (other != region && other->mapped && other->priority == 0 && other->address <= last
          && address <= other->address + (other->size - 1))
        return other;
    }
  return NULL;
}

static bool
map_locked (struct gwt_region *region, uint64_t address, int32_t priority, struct gwt_error *err)
{
  uint64_t last = address + (region->size - 1);
  struct gwt_region *other;

  if (last < address)
    {
      g_autofree char *owner = owner_name (region);

      gwt_error_set (err, GWT_E_RANGE,
                     "region '%s': 0x%" G_GINT64_MODIFIER "x bytes at 0x%" G_GINT64_MODIFIER
                     "x go beyond the end of the address space; use a lower address",
                     owner, region->size, address);
      return false;
    }
  other = priority == 0 ? overlapping (region, address) : NULL;
  if (other)
    {
      g_autofree char *owner = owner_name (region);
      g_autofree char *other_owner = owner_name (other);

      gwt_error_set (err, GWT_E_EXISTS,
                     "region '%s' at 0x%" G_GINT64_MODIFIER "x to 0x%" G_GINT64_MODIFIER
                     "x overlaps region '%s' at 0x%" G_GINT64_MODIFIER "x to 0x%" G_GINT64_MODIFIER
                     "x; give one of them another address",
                     owner, address, last, other_owner, other->address,
                     other->address + (other->size - 1));
      return false;
    }
  if (region->mapped && region->address == address && region->priority == priority)
    return true;
  region->mapped = true;
  region->address = address;
  region->priority = priority;
  region->sequence = ++last_sequence;
  gwt_view_rebuild (gwt_regions);
  gwt_memory_changed (GWT_CHANGE_MAP);
  return true;
}

static void
unmap_locked (struct gwt_region *region)
{
  if (!region->mapped)
    return;
  region->mapped = false;
  gwt_view_rebuild (gwt_regions);
  gwt_memory_changed (GWT_CHANGE_MAP);
}

static void
set_direct_locked (struct gwt_region *region, uint32_t on)
{
  if (region->direct == !!on)
    return;
  region->direct = !!on;
  if (region->mapped)
    {
      gwt_view_rebuild (gwt_regions);
      gwt_memory_changed (GWT_CHANGE_MAP);
    }
}

/*
 * The machine lock comes before a device's own lock, so a device that is inside its own one cannot
 * have its region moved at once: it is done on the same thread as soon as that lock is dropped,
 * which is before the guest's instruction ends.
 */
struct later
{
  enum
  {
    LATER_MAP,
    LATER_UNMAP,
    LATER_DIRECT
  } what;
  struct gwt_region *region;
  uint64_t address;
  int32_t priority;
  uint32_t on;
};

static void
do_later (void *data, uint32_t arg)
{
  struct later *later = data;
  bool taken = gwt_memory_guard ();
  GWT_AUTO_ERROR (err);

  if (later->what == LATER_MAP)
    {
      if (!map_locked (later->region, later->address, later->priority, &err))
        gwt_log (GWT_LOG_WARN, "%s", err.text);
    }
  else if (later->what == LATER_UNMAP)
    unmap_locked (later->region);
  else
    set_direct_locked (later->region, later->on);
  gwt_memory_unguard (taken);
  g_free (later);
}

static bool
postpone (struct later what)
{
  if (gwt_machine_lock_held () || !gwt_device_lock_held ())
    return false;
  gwt_lock_defer (do_later, g_memdup2 (&what, sizeof (what)), 0);
  return true;
}

bool
gwt_memory_map (struct gwt_region *region, uint64_t address, int32_t priority,
                struct gwt_error *err)
{
  struct later later = { LATER_MAP, region, address, priority, 0 };
  bool taken, done;

  if (postpone (later))
    return true;
  taken = gwt_memory_guard ();
  done = map_locked (region, address, priority, err);
  gwt_memory_unguard (taken);
  return done;
}

void
gwt_memory_unmap (struct gwt_region *region)
{
  struct later later = { LATER_UNMAP, region, 0, 0, 0 };
  bool taken;

  if (postpone (later))
    return;
  taken = gwt_memory_guard ();
  unmap_locked (region);
  gwt_memory_unguard (taken);
}

static void
memory_set_direct (struct gwt_region *region, uint32_t on)
{
  struct later later = { LATER_DIRECT, region, 0, 0, on };
  bool taken;

  if (region->kind != GWT_REGION_RAM_DEVICE || postpone (later))
    return;
  taken = gwt_memory_guard ();
  set_direct_locked (region, on);
  gwt_memory_unguard (taken);
}

static int
memory_map (struct gwt_region *region, uint64_t address, int32_t priority, struct gwt_error *err)
{
  return gwt_memory_map (region, address, priority, err) ? 0 : -1;
}

/* ---- "gwt.memory/1" -------------------------------------------------------------------------- */

void
gwt_memory_register_extensions (void)
{
  static struct gwt_memory_api api;
  GWT_AUTO_ERROR (err);

  if (api.struct_size)
    return;
  api = gwt_memory_ext;
  api.struct_size = sizeof (api);
  api.mmio = memory_mmio;
  api.ram = memory_ram;
  api.ram_device = memory_ram_device;
  api.set_direct = memory_set_direct;
  api.host = memory_host;
  api.size = memory_size;
  api.mark_dirty = memory_mark_dirty;
  api.map = memory_map;
  api.unmap = gwt_memory_unmap;
  api.set_self = memory_set_self;
  api.keep = memory_keep;
  api.address = memory_address;
  if (!gwt_extension_add (GWT_MEMORY_EXT, &api, "host", &err))
    gwt_log (GWT_LOG_ERROR, "memory: %s", err.text);
}
