/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory as the live entry "ram": sent page by page while the guest goes on writing, each
 * page that it wrote once more.  When a round begins and when it is the last is precopy's decision;
 * who marks pages is core/memory/dirty.c's.
 *
 * ops of the entry: setup is [main], load is the reader's thread, the rest is the thread of the
 * migration.
 */
#ifndef CORE_MIGRATION_RAM_H
#define CORE_MIGRATION_RAM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/util/error.h"

#define GWT_RAM_PAGE_SIZE 4096u

struct gwt_ram_options
{
  bool xbzrle;
  uint64_t xbzrle_cache; /* bytes, a power of two, at least a page */
  bool ignore_shared;    /* blocks that are files and shared stay where they are; both ends */
};

/* What query-migrate tells, and what its decisions need.  Of the migration that runs, or of the
   last one. */
struct gwt_ram_stats
{
  uint64_t total;       /* bytes of all blocks that are sent */
  uint64_t remaining;   /* bytes known to be dirty */
  uint64_t transferred; /* bytes of the stream that were RAM's */
  uint64_t normal, duplicate;   /* pages sent whole; as "all zero" */
  uint64_t syncs;               /* dirty rounds begun; the first is all of memory */
  uint64_t dirtied;             /* bytes that the last round found anew */
  uint64_t dirty_pages_rate;    /* pages/s, over the last period */
  /* A period is the time between two rounds that begin more than a second apart.  Bytes dirtied
     and sent in the last one that is complete. */
  uint64_t periods, period_dirtied, period_sent;
  struct
  {
    uint64_t cache_size, bytes, pages, cache_miss, overflow;
    double cache_miss_rate, encoding_rate; /* over the last period */
  } xbzrle;
};

/* [main] The entry; once.  Unregister: for tests. */
bool gwt_ram_register (struct gwt_error *err);
void gwt_ram_unregister (void);
/* [any] For the next migration, in either direction; a new size of the cache counts at once. */
void gwt_ram_configure (const struct gwt_ram_options *options);
/* [main] While ON a load checks and changes nothing. */
void gwt_ram_check_only (bool on);
void gwt_ram_stats (struct gwt_ram_stats *stats); /* [any] */
/* [main, before a migration] FN runs after each beginning of a round: at setup on main, later on
   the migration's thread. */
void gwt_ram_on_sync (void (*fn) (void *data), void *data);

#endif
