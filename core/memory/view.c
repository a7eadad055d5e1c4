/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flat view: what the guest sees at each address, sorted, without overlaps; and the safe
 * freeing of old views.  It must not know what an access does.
 */
#include "config.h"
#include "core/memory/internal.h"
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Before anything is mapped. */
static struct gwt_view empty_view;
_Atomic (struct gwt_view *) gwt_view_current = &empty_view;
__thread struct gwt_view_reader *gwt_view_self;

static _Atomic (struct gwt_view_reader *) readers;
static struct gwt_view *retired; /* under the machine lock */
static uint64_t last_serial;
bool gwt_view_one_sided;
static pthread_key_t reader_key;
static pthread_once_t reader_once = PTHREAD_ONCE_INIT;

/* Where this thread found something last. */
static __thread struct
{
  uint64_t serial;
  guint index;
} last_hit;

static void
reader_release (void *data)
{
  struct gwt_view_reader *reader = data;

  atomic_store (&reader->view, NULL);
  atomic_store (&reader->used, false);
}

static int
membarrier (int command)
{
  return (int) syscall (SYS_membarrier, command, 0, 0);
}

static void
reader_init (void)
{
  gwt_view_one_sided = membarrier (MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
  if (pthread_key_create (&reader_key, reader_release) != 0)
    abort (); /* at the first access of the process; no guest or user can cause it */
}

/* A slot for this thread; slots of threads that ended are used again and none is ever freed. */
struct gwt_view_reader *
gwt_view_reader_new (void)
{
  struct gwt_view_reader *reader;

  pthread_once (&reader_once, reader_init);
  for (reader = atomic_load (&readers); reader; reader = reader->next)
    {
      bool no = false;

      if (atomic_compare_exchange_strong (&reader->used, &no, true))
        break;
    }
  if (!reader)
    {
      reader = g_new0 (struct gwt_view_reader, 1);
      atomic_init (&reader->used, true);
      reader->next = atomic_load (&readers);
      while (!atomic_compare_exchange_weak (&readers, &reader->next, reader))
        ;
    }
  pthread_setspecific (reader_key, reader);
  gwt_view_self = reader;
  return reader;
}

const struct gwt_range *
gwt_view_find (const struct gwt_view *view, uint64_t address, guint *at)
{
  guint low = 0, high = view->n;

  if (G_LIKELY (last_hit.serial == view->serial && last_hit.index < view->n))
    {
      const struct gwt_range *range = &view->ranges[last_hit.index];

      if (G_LIKELY (address >= range->first && address <= range->last))
        return range;
    }
  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      const struct gwt_range *range = &view->ranges[middle];

      if (address < range->first)
        high = middle;
      else if (address > range->last)
        low = middle + 1;
      else
        {
          last_hit.serial = view->serial;
          last_hit.index = middle;
          return range;
        }
    }
  if (at)
    *at = low;
  return NULL;
}

static int
by_rank (gconstpointer a, gconstpointer b)
{
  const struct gwt_region *left = *(struct gwt_region *const *) a;
  const struct gwt_region *right = *(struct gwt_region *const *) b;

  if (left->priority != right->priority)
    return left->priority > right->priority ? -1 : 1;
  return left->sequence > right->sequence ? -1 : 1;
}

static int
by_address (gconstpointer a, gconstpointer b)
{
  const struct gwt_range *left = a, *right = b;

  return left->first < right->first ? -1 : left->first > right->first;
}

static void
add_range (GArray *ranges, struct gwt_region *region, uint64_t first, uint64_t last)
{
  struct gwt_range range = { 0 };

  range.first = first;
  range.last = last;
  range.region = region;
  range.offset = first - region->address;
  if (region->block && (region->kind == GWT_REGION_RAM || region->direct))
    range.host = region->block->host + range.offset;
  range.writable = region->kind == GWT_REGION_RAM && !(region->block->flags & GWT_RAM_READ_ONLY);
  g_array_append_val (ranges, range);
}

/* Add what of REGION is not hidden by RANGES, which are those of higher rank, sorted. */
static void
add_visible (GArray *ranges, struct gwt_region *region)
{
  uint64_t next = region->address, last = region->address + (region->size - 1);
  guint i, n = ranges->len;
  bool more = true;

  for (i = 0; i < n && more; i++)
    {
      struct gwt_range hiding = g_array_index (ranges, struct gwt_range, i);

      if (hiding.last < next)
        continue;
      if (hiding.first > last)
        break;
      if (hiding.first > next)
        add_range (ranges, region, next, hiding.first - 1);
      more = hiding.last < last;
      next = hiding.last + 1;
    }
  if (more)
    add_range (ranges, region, next, last);
  g_array_sort (ranges, by_address);
}

static bool
is_read (const struct gwt_view *view)
{
  struct gwt_view_reader *reader;

  for (reader = atomic_load (&readers); reader; reader = reader->next)
    if (atomic_load (&reader->view) == view)
      return true;
  return false;
}

/* The writer's half of what gwt_view_enter does: whoever goes on with an old view has its slot set.
   False where the kernel is short of memory. */
static bool
fence_all_threads (void)
{
  pthread_once (&reader_once, reader_init);
  return !gwt_view_one_sided || membarrier (MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
}

static void
reclaim (void)
{
  struct gwt_view **link = &retired;

  if (*link && !fence_all_threads ())
    return; /* later, then */
  while (*link)
    {
      struct gwt_view *view = *link;

      if (is_read (view))
        link = &view->next;
      else
        {
          *link = view->next;
          g_free (view);
        }
    }
}

void
gwt_view_rebuild (GPtrArray *regions)
{
  GArray *ranges = g_array_new (FALSE, FALSE, sizeof (struct gwt_range));
  GPtrArray *ranked = g_ptr_array_new ();
  struct gwt_view *view, *old;
  guint i;

  for (i = 0; regions && i < regions->len; i++)
    {
      struct gwt_region *region = g_ptr_array_index (regions, i);

      if (region->mapped)
        g_ptr_array_add (ranked, region);
    }
  g_ptr_array_sort (ranked, by_rank);
  for (i = 0; i < ranked->len; i++)
    add_visible (ranges, g_ptr_array_index (ranked, i));
  view = g_malloc0 (sizeof (*view) + ranges->len * sizeof (struct gwt_range));
  view->serial = ++last_serial;
  view->n = ranges->len;
  if (ranges->len)
    memcpy (view->ranges, ranges->data, ranges->len * sizeof (struct gwt_range));
  g_array_unref (ranges);
  g_ptr_array_unref (ranked);

  old = atomic_exchange (&gwt_view_current, view);
  if (old != &empty_view)
    {
      old->next = retired;
      retired = old;
    }
  reclaim ();
}

void
gwt_view_synchronize (void)
{
  for (;;)
    {
      reclaim ();
      if (!retired)
        return;
      sched_yield ();
    }
}
