/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads, stores and DMA: from a guest-physical address to host memory or to a device's callback.
 * It must not know who maps what, nor what a device is.
 */
#include "config.h"
#include "core/memory/internal.h"
#include <stdatomic.h>
#include <string.h>
#include "core/device/lock.h"
#include "core/util/log.h"

/* ---- host memory ----------------------------------------------------------------------------- */

/* Naturally aligned accesses must be single-copy atomic: another hart sees all of a store or
   nothing of it.  Values are little-endian as in guest memory. */
static inline uint64_t
host_load (const uint8_t *p, uint32_t size)
{
  uint64_t value = 0;

  if (G_LIKELY (((uintptr_t) p & (size - 1)) == 0))
    switch (size)
      {
      case 1:
        return __atomic_load_n (p, __ATOMIC_RELAXED);
      case 2:
        return GUINT16_FROM_LE (__atomic_load_n ((const uint16_t *) p, __ATOMIC_RELAXED));
      case 4:
        return GUINT32_FROM_LE (__atomic_load_n ((const uint32_t *) p, __ATOMIC_RELAXED));
      default:
        return GUINT64_FROM_LE (__atomic_load_n ((const uint64_t *) p, __ATOMIC_RELAXED));
      }
  memcpy (&value, p, size);
  return GUINT64_FROM_LE (value);
}

static inline void
host_store (uint8_t *p, uint32_t size, uint64_t value)
{
  if (G_LIKELY (((uintptr_t) p & (size - 1)) == 0))
    switch (size)
      {
      case 1:
        __atomic_store_n (p, (uint8_t) value, __ATOMIC_RELAXED);
        return;
      case 2:
        __atomic_store_n ((uint16_t *) p, GUINT16_TO_LE ((uint16_t) value), __ATOMIC_RELAXED);
        return;
      case 4:
        __atomic_store_n ((uint32_t *) p, GUINT32_TO_LE ((uint32_t) value), __ATOMIC_RELAXED);
        return;
      default:
        __atomic_store_n ((uint64_t *) p, GUINT64_TO_LE (value), __ATOMIC_RELAXED);
        return;
      }
  value = GUINT64_TO_LE (value);
  memcpy (p, &value, size);
}

/* ---- devices --------------------------------------------------------------------------------- */

static inline uint64_t
mask_of (uint32_t size)
{
  return size == 8 ? UINT64_MAX : (UINT64_C (1) << (8 * size)) - 1;
}

static uint32_t
refuse (struct gwt_region *region, const char *what, uint64_t offset, uint32_t size)
{
  if (!atomic_exchange_explicit (&region->complained, true, memory_order_relaxed))
    gwt_log (GWT_LOG_GUEST,
             "%s: %s of %u bytes at offset 0x%" G_GINT64_MODIFIER "x is refused; "
             "said once for this region",
             region->name, what, size, offset);
  return GWT_ACCESS_ERROR;
}

/* Is an access of SIZE at OFFSET one that the device asked for (perhaps in pieces of max_size)? */
static inline bool
is_valid (const struct gwt_region *region, uint64_t offset, uint32_t size)
{
  uint32_t piece = MIN (size, region->ops.max_size);

  if (G_UNLIKELY (offset >= region->size || region->size - offset < size))
    return false;
  return size >= region->ops.min_size
         && ((region->ops.flags & GWT_MMIO_UNALIGNED) || (offset & (piece - 1)) == 0);
}

static uint32_t
device_read (struct gwt_region *region, uint64_t offset, uint32_t size, uint64_t *value)
{
  uint32_t max = region->ops.max_size, status, done;
  int token = 0;

  if (G_UNLIKELY (!is_valid (region, offset, size)))
    return refuse (region, "a load", offset, size);
  if (G_LIKELY (region->device != NULL))
    token = gwt_device_enter (region->device);
  if (G_LIKELY (size <= max))
    {
      status = region->ops.read (region->self, offset, size, value);
      *value &= mask_of (size);
    }
  else
    for (done = 0, status = GWT_ACCESS_OK; done < size && status == GWT_ACCESS_OK; done += max)
      {
        uint64_t part = 0;

        status = region->ops.read (region->self, offset + done, max, &part);
        *value |= (part & mask_of (max)) << (8 * done);
      }
  if (G_LIKELY (region->device != NULL))
    gwt_device_leave (region->device, token);
  return status;
}

static uint32_t
device_write (struct gwt_region *region, uint64_t offset, uint32_t size, uint64_t value)
{
  uint32_t max = region->ops.max_size, status, done;
  int token = 0;

  if (G_UNLIKELY (!is_valid (region, offset, size)))
    return refuse (region, "a store", offset, size);
  if (G_LIKELY (region->device != NULL))
    token = gwt_device_enter (region->device);
  if (G_LIKELY (size <= max))
    status = region->ops.write (region->self, offset, size, value & mask_of (size));
  else
    for (done = 0, status = GWT_ACCESS_OK; done < size && status == GWT_ACCESS_OK; done += max)
      status = region->ops.write (region->self, offset + done, max,
                                  (value >> (8 * done)) & mask_of (max));
  if (G_LIKELY (region->device != NULL))
    gwt_device_leave (region->device, token);
  return status;
}

/* ---- one load or store ----------------------------------------------------------------------- */

static inline bool
size_is_access (uint32_t size)
{
  return size == 1 || size == 2 || size == 4 || size == 8;
}

/* A region cannot go away between gwt_view_leave and the callback: that happens with vCPUs stopped,
   by the main thread, which call here.  Threads of back ends only send messages, and those never
   enter a region that its device may take away (see message). */
uint32_t
gwt_memory_load (uint64_t address, uint32_t size, uint64_t *value)
{
  const struct gwt_range *range;
  struct gwt_region *region;
  uint64_t at;

  *value = 0;
  if (G_UNLIKELY (!size_is_access (size)))
    return GWT_ACCESS_ERROR;
  range = gwt_view_find (gwt_view_enter (), address, NULL);
  if (G_UNLIKELY (!range))
    {
      gwt_view_leave ();
      return GWT_ACCESS_UNMAPPED;
    }
  at = address - range->first;
  region = range->region;
  if (G_UNLIKELY (range->last - address < size - 1))
    {
      gwt_view_leave ();
      return refuse (region, "a load across the end", range->offset + at, size);
    }
  if (range->host)
    {
      *value = host_load (range->host + at, size);
      gwt_view_leave ();
      return GWT_ACCESS_OK;
    }
  at += range->offset;
  gwt_view_leave ();
  return device_read (region, at, size, value);
}

static inline uint32_t
store (uint64_t address, uint32_t size, uint64_t value, bool on_io)
{
  const struct gwt_range *range;
  struct gwt_region *region;
  uint64_t at;

  if (G_UNLIKELY (!size_is_access (size)))
    return GWT_ACCESS_ERROR;
  range = gwt_view_find (gwt_view_enter (), address, NULL);
  if (G_UNLIKELY (!range))
    {
      gwt_view_leave ();
      return GWT_ACCESS_UNMAPPED;
    }
  at = address - range->first;
  region = range->region;
  if (G_UNLIKELY (range->last - address < size - 1))
    {
      gwt_view_leave ();
      return refuse (region, "a store across the end", range->offset + at, size);
    }
  if (region->kind == GWT_REGION_RAM)
    {
      /* ROM swallows stores, as a bus with nobody listening to them does. */
      if (range->writable)
        {
          host_store (range->host + at, size, value);
          gwt_dirty_mark (region->block, range->offset + at, size);
        }
      gwt_view_leave ();
      return GWT_ACCESS_OK;
    }
  at += range->offset;
  if (on_io && region->kept)
    region = NULL;
  gwt_view_leave ();
  return region ? device_write (region, at, size, value) : GWT_ACCESS_ERROR;
}

uint32_t
gwt_memory_store (uint64_t address, uint32_t size, uint64_t value)
{
  return store (address, size, value, false);
}

/* ---- spans for CPUs -------------------------------------------------------------------------- */

static void
span_of_hole (const struct gwt_view *view, guint at, struct gwt_span *span)
{
  uint64_t first = at > 0 ? view->ranges[at - 1].last + 1 : 0;
  uint64_t last = at < view->n ? view->ranges[at].first - 1 : UINT64_MAX;

  span->address = first;
  span->size = last - first == UINT64_MAX ? UINT64_MAX : last - first + 1;
}

/*
 * Called by a vCPU that has not said that it is out of the guest, so that a sync which takes the
 * bit set here waits until this vCPU has dropped the pointer given here (core/cpu/vcpu.c).
 */
uint32_t
gwt_memory_span (uint64_t address, uint32_t to_store, struct gwt_span *span)
{
  const struct gwt_view *view = gwt_view_enter ();
  const struct gwt_range *range;
  uint64_t *bits;
  guint at = 0;

  memset (span, 0, sizeof (*span));
  range = gwt_view_find (view, address, &at);
  if (!range)
    {
      span_of_hole (view, at, span);
      gwt_view_leave ();
      return GWT_ACCESS_UNMAPPED;
    }
  span->address = range->first;
  span->size = range->last - range->first;
  if (span->size != UINT64_MAX)
    span->size++;
  span->host = range->host;
  bits = range->writable ? gwt_dirty_bits (range->region->block) : NULL;
  if (range->writable && !bits)
    span->flags = GWT_SPAN_WRITE;
  else if (range->writable && to_store)
    {
      uint64_t from = address & ~(uint64_t) (GWT_PAGE_SIZE - 1);
      uint64_t to = from | (GWT_PAGE_SIZE - 1);

      from = MAX (from, range->first);
      to = MIN (to, range->last);
      gwt_dirty_mark (range->region->block, range->offset + (from - range->first), to - from + 1);
      span->address = from;
      span->size = to - from + 1;
      span->host = range->host + (from - range->first);
      span->flags = GWT_SPAN_WRITE;
    }
  gwt_view_leave ();
  return GWT_ACCESS_OK;
}

/* ---- DMA and the host's own access ----------------------------------------------------------- */

enum direction
{
  TO_HOST,
  TO_GUEST,       /* ROM is skipped */
  TO_GUEST_FORCED /* ROM and flash are written: loading images */
};

static uint32_t
transfer (uint64_t address, uint8_t *data, uint64_t size, enum direction direction)
{
  if (size && address + (size - 1) < address)
    return GWT_ACCESS_UNMAPPED;
  while (size)
    {
      const struct gwt_range *range = gwt_view_find (gwt_view_enter (), address, NULL);
      struct gwt_region *region;
      uint64_t chunk, at, offset;
      uint8_t *host;

      if (!range)
        {
          gwt_view_leave ();
          return GWT_ACCESS_UNMAPPED;
        }
      region = range->region;
      at = address - range->first;
      offset = range->offset + at;
      host = range->host ? range->host + at : NULL;
      if (direction == TO_GUEST_FORCED && region->block)
        host = region->block->host + offset;
      if (!host || (direction == TO_GUEST && region->kind != GWT_REGION_RAM))
        {
          gwt_view_leave ();
          return GWT_ACCESS_ERROR;
        }
      /* Bounded, so that a reader's section stays short whatever a guest asks for. */
      chunk = MIN (size, (uint64_t) 1 << 20);
      if (chunk - 1 > range->last - address)
        chunk = range->last - address + 1;
      if (direction == TO_HOST)
        memcpy (data, host, chunk);
      else if (direction == TO_GUEST_FORCED || range->writable)
        {
          memcpy (host, data, chunk);
          gwt_dirty_mark (region->block, offset, chunk);
        }
      gwt_view_leave ();
      address += chunk;
      data += chunk;
      size -= chunk;
    }
  return GWT_ACCESS_OK;
}

uint32_t
gwt_memory_read (uint64_t address, void *data, uint64_t size)
{
  return transfer (address, data, size, TO_HOST);
}

uint32_t
gwt_memory_write (uint64_t address, const void *data, uint64_t size, bool force)
{
  return transfer (address, (uint8_t *) (uintptr_t) data, size, force ? TO_GUEST_FORCED : TO_GUEST);
}

static uint32_t
dma_read (struct gwt_device *device, uint64_t address, void *data, uint64_t size)
{
  return transfer (address, data, size, TO_HOST);
}

static uint32_t
dma_write (struct gwt_device *device, uint64_t address, const void *data, uint64_t size)
{
  return transfer (address, (uint8_t *) (uintptr_t) data, size, TO_GUEST);
}

/*
 * Pins: who mapped what of memory that a device owns, for that memory may be moved or removed by
 * the guest before dma_unmap.  The board's own RAM never moves, needs none, and is the case that
 * counts.
 */
struct pin
{
  struct pin *next;
  struct gwt_device *device;
  uint64_t address;
  struct gwt_ram_block *block;
  uint64_t offset;
};

static GMutex pin_lock;
static struct pin *pins;
static atomic_uint n_pins;

static void *
dma_map (struct gwt_device *device, uint64_t address, uint64_t *size, uint32_t to_write)
{
  const struct gwt_range *range = gwt_view_find (gwt_view_enter (), address, NULL);
  struct gwt_ram_block *block;
  uint64_t at, offset;
  void *host;

  if (!range || !range->host || *size == 0
      || (to_write && (!range->writable || range->region->kind != GWT_REGION_RAM)))
    {
      gwt_view_leave ();
      *size = 0;
      return NULL;
    }
  at = address - range->first;
  offset = range->offset + at;
  host = range->host + at;
  block = range->region->block;
  if (*size - 1 > range->last - address)
    *size = range->last - address + 1;
  if (range->region->device)
    gwt_block_ref (block);
  else
    block = NULL;
  gwt_view_leave ();
  if (block)
    {
      struct pin *pin = g_new0 (struct pin, 1);

      pin->device = device;
      pin->address = address;
      pin->block = block;
      pin->offset = offset;
      g_mutex_lock (&pin_lock);
      pin->next = pins;
      pins = pin;
      atomic_fetch_add (&n_pins, 1);
      g_mutex_unlock (&pin_lock);
    }
  return host;
}

/* Under the lock; the place of NULL where there is none. */
static struct pin **
pin_find (struct gwt_device *device, uint64_t address)
{
  struct pin **link;

  for (link = &pins; *link; link = &(*link)->next)
    if ((*link)->device == device && (*link)->address == address)
      break;
  return link;
}

static struct pin *
pin_take (struct gwt_device *device, uint64_t address)
{
  struct pin **link, *pin;

  g_mutex_lock (&pin_lock);
  link = pin_find (device, address);
  pin = *link;
  if (pin)
    {
      *link = pin->next;
      atomic_fetch_sub (&n_pins, 1);
    }
  g_mutex_unlock (&pin_lock);
  return pin;
}

/* SIZE bytes at ADDRESS of memory that does not move were written. */
static void
mark_written (uint64_t address, uint64_t size)
{
  const struct gwt_range *range = gwt_view_find (gwt_view_enter (), address, NULL);

  if (range && range->region->block)
    gwt_dirty_mark (range->region->block, range->offset + (address - range->first),
                    MIN (size - 1, range->last - address) + 1);
  gwt_view_leave ();
}

static void
dma_unmap (struct gwt_device *device, uint64_t address, uint64_t size, uint64_t written)
{
  struct pin *pin = atomic_load (&n_pins) ? pin_take (device, address) : NULL;

  written = MIN (written, size);
  if (pin)
    {
      gwt_dirty_mark (pin->block, pin->offset, written);
      gwt_block_unref (pin->block);
      g_free (pin);
    }
  else if (written)
    mark_written (address, written);
}

static void
dma_written (struct gwt_device *device, uint64_t address, uint64_t offset, uint64_t size)
{
  struct pin *pin = NULL;

  if (atomic_load (&n_pins))
    {
      g_mutex_lock (&pin_lock);
      pin = *pin_find (device, address);
      if (pin)
        gwt_dirty_mark (pin->block, pin->offset + offset, size);
      g_mutex_unlock (&pin_lock);
    }
  if (!pin && size)
    mark_written (address + offset, size);
}

/* ---- messages -------------------------------------------------------------------------------- */

/* Messages that wait for the machine lock; a guest that points an interrupt at a register must not
   fill the host's memory with them. */
#define MESSAGES_MAX 4096u

struct message
{
  struct gwt_errand errand; /* first */
  uint64_t address;
  uint32_t data;
  uint32_t depth; /* of the one whose delivery sent it */
};

static atomic_uint messages;

/* A guest can point an interrupt at the register that causes it.  So a message counts those that
   led to it, also where it is put off. */
#define MESSAGE_DEPTH_MAX 64u

static __thread uint32_t message_depth; /* of the one that is being delivered */

static uint32_t
message_store (uint64_t address, uint32_t data, uint32_t depth, bool on_io)
{
  uint32_t status, outer = message_depth;

  if (depth >= MESSAGE_DEPTH_MAX)
    {
      gwt_log (GWT_LOG_GUEST,
               "a message to 0x%" G_GINT64_MODIFIER "x is lost: it is one of %u that cause one "
               "another",
               address, MESSAGE_DEPTH_MAX);
      return GWT_ACCESS_ERROR;
    }
  message_depth = depth + 1;
  status = store (address, 4, data, on_io);
  message_depth = outer;
  return status;
}

static void
message_errand (struct gwt_errand *errand)
{
  struct message *message = (struct message *) (void *) errand;

  (void) message_store (message->address, message->data, message->depth, false);
  g_free (message);
  atomic_fetch_sub (&messages, 1);
}

static void
message_later (void *what, uint32_t data)
{
  struct message *message = what;

  (void) message_store (message->address, data, message->depth, false);
  g_free (message);
}

/* May a message go to ADDRESS on any thread: is RAM there, nothing, or what takes messages? */
static bool
is_direct (uint64_t address)
{
  const struct gwt_range *range = gwt_view_find (gwt_view_enter (), address, NULL);
  bool direct = !range || range->region->kind == GWT_REGION_RAM
                || (range->region->ops.flags & GWT_MMIO_MESSAGES) != 0;

  gwt_view_leave ();
  return direct;
}

/* The receiver may want the machine lock, which comes before any device's own, or its own. */
static uint32_t
message (struct gwt_device *device, uint64_t address, uint32_t data)
{
  bool io = gwt_lock_is_io_thread ();
  struct message *later;

  (void) device;
  if (address & 3)
    return GWT_ACCESS_ERROR;
  /* What lies there may have changed since: a thread of a back end never enters a region that its
     device takes away, for nobody waits for it then. */
  if (io ? is_direct (address) : !gwt_device_lock_held ())
    return message_store (address, data, message_depth, io);
  if (io && atomic_fetch_add (&messages, 1) >= MESSAGES_MAX)
    {
      atomic_fetch_sub (&messages, 1);
      gwt_log (GWT_LOG_GUEST, "a message to 0x%" G_GINT64_MODIFIER "x is lost: %u wait already",
               address, MESSAGES_MAX);
      return GWT_ACCESS_ERROR;
    }
  later = g_new0 (struct message, 1);
  later->address = address;
  later->data = data;
  later->depth = message_depth;
  later->errand.fn = message_errand;
  if (io)
    gwt_lock_errand (&later->errand);
  else
    gwt_lock_defer (message_later, later, data);
  return GWT_ACCESS_OK;
}

/* The half of "gwt.memory/1" that is here; region.c adds the rest. */
const struct gwt_memory_api gwt_memory_ext = {
  .dma_read = dma_read,
  .dma_write = dma_write,
  .dma_map = dma_map,
  .dma_unmap = dma_unmap,
  .message = message,
  .dma_written = dma_written,
};
