/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of core/memory share: regions, the flat view, and the section in which a thread
 * may read a view.  Nothing outside core/memory includes it.
 *
 * Readers.  A view is immutable once published.  Any thread reads one between gwt_view_enter and
 * gwt_view_leave; the writer (machine lock held) swaps the pointer and frees an old view when no
 * reader's slot names it any more (hazard pointers).  Inside the section nothing may block, take a
 * lock or call a device, so gwt_view_synchronize is always short.
 */
#ifndef CORE_MEMORY_INTERNAL_H
#define CORE_MEMORY_INTERNAL_H

#include <stdatomic.h>
#include "core/memory/memory.h"

#define GWT_PAGE_SIZE 4096u
#define GWT_PAGE_SHIFT 12

enum gwt_region_kind
{
  GWT_REGION_RAM,
  GWT_REGION_MMIO,
  GWT_REGION_RAM_DEVICE /* direct loads while `direct`, stores to the device */
};

struct gwt_region
{
  enum gwt_region_kind kind;
  struct gwt_device *device; /* NULL: the board's */
  void *self;                /* the device's instance */
  char *name;
  uint64_t size;
  struct gwt_mmio_ops ops; /* normalized */
  struct gwt_ram_block *block;
  uint32_t direct;
  atomic_bool complained; /* a bad guest access was logged */
  bool mapped;
  bool kept; /* the device's own affair where it lies, not a board's */
  int32_t priority;
  uint64_t address;
  uint64_t sequence; /* order of mapping, later wins among equal priorities */
};

/* A run of guest addresses with one answer. */
struct gwt_range
{
  uint64_t first, last; /* inclusive, so that the last byte of the address space has a name */
  struct gwt_region *region;
  uint64_t offset; /* of `first` in the region */
  uint8_t *host;   /* of `first`; NULL where loads go to the device */
  bool writable;   /* stores may go to `host` too */
};

struct gwt_view
{
  struct gwt_view *next; /* retired ones */
  uint64_t serial;       /* never reused, unlike the address */
  guint n;
  struct gwt_range ranges[];
};

struct gwt_view_reader
{
  _Atomic (struct gwt_view *) view;
  atomic_bool used;
  struct gwt_view_reader *next;
};

extern _Atomic (struct gwt_view *) gwt_view_current;
extern __thread struct gwt_view_reader *gwt_view_self;
extern bool gwt_view_one_sided; /* settled before the first reader and the first writer go on */
struct gwt_view_reader *gwt_view_reader_new (void);

static inline struct gwt_view *
gwt_view_enter (void)
{
  struct gwt_view_reader *reader = gwt_view_self;
  struct gwt_view *view;

  if (G_UNLIKELY (!reader))
    reader = gwt_view_reader_new ();
  view = atomic_load_explicit (&gwt_view_current, memory_order_acquire);
  for (;;)
    {
      struct gwt_view *again;

      /* The writer swaps the pointer and then reads the slots; here it is the other way round, and
         one of the two has to see the other.  A fence on every access to a device would cost more
         than all the rest of this file, so the writer puts one into every thread
         (gwt_view_one_sided) where the kernel can. */
      if (G_LIKELY (gwt_view_one_sided))
        {
          atomic_store_explicit (&reader->view, view, memory_order_relaxed);
          atomic_signal_fence (memory_order_seq_cst);
        }
      else
        atomic_store (&reader->view, view);
      again = atomic_load (&gwt_view_current);
      if (G_LIKELY (again == view))
        return view;
      view = again;
    }
}

static inline void
gwt_view_leave (void)
{
  atomic_store_explicit (&gwt_view_self->view, NULL, memory_order_release);
}

/* The range that holds ADDRESS, or NULL; *AT is where it would have to be inserted. */
const struct gwt_range *gwt_view_find (const struct gwt_view *view, uint64_t address, guint *at);

/* Under the machine lock: make a view of REGIONS (array of struct gwt_region *, mapped or not). */
void gwt_view_rebuild (GPtrArray *regions);
/* Wait until nobody reads a view older than the current one. */
void gwt_view_synchronize (void);

/* region.c */
extern GPtrArray *gwt_regions;
void gwt_memory_changed (uint32_t change);
/* Take the machine lock unless this thread has it; the result goes to gwt_memory_unguard. */
bool gwt_memory_guard (void);
void gwt_memory_unguard (bool taken);

/* block.c */
struct gwt_ram_block *gwt_block_new (const char *name, uint64_t size, uint64_t flags,
                                     const struct gwt_ram_file *file, struct gwt_error *err);
/* Off the list, so that its name is free; memory stays until the last reference. */
void gwt_block_unlist (struct gwt_ram_block *block);

/* dirty.c */
bool gwt_dirty_attach (struct gwt_ram_block *block, struct gwt_error *err);

static inline uint64_t *
gwt_dirty_bits (struct gwt_ram_block *block)
{
  return __atomic_load_n (&block->dirty, __ATOMIC_ACQUIRE);
}

/* Mark what was written BEFORE.  Always a full read-modify-write, even where the bit is set: it
   orders the data's stores before the mark.  A mere look at the bit could be done ahead of them, a
   sync could take the bit in between and read the page without the data. */
static inline void
gwt_dirty_mark (struct gwt_ram_block *block, uint64_t offset, uint64_t size)
{
  uint64_t *bits = gwt_dirty_bits (block);
  uint64_t page, last;

  if (G_LIKELY (!bits) || size == 0)
    return;
  last = (offset + size - 1) >> GWT_PAGE_SHIFT;
  for (page = offset >> GWT_PAGE_SHIFT; page <= last; page++)
    __atomic_fetch_or (&bits[page / 64], UINT64_C (1) << (page % 64), __ATOMIC_SEQ_CST);
}

/* access.c */
extern const struct gwt_memory_api gwt_memory_ext;

#endif
