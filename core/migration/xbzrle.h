/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages as differences from what the other end has: runs of bytes that stay, and runs of new ones.
 * And the copies of pages that this end keeps for it.
 */
#ifndef CORE_MIGRATION_XBZRLE_H
#define CORE_MIGRATION_XBZRLE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/util/error.h"

#define GWT_XBZRLE_PAGE 4096u

/* What makes OLD to NEW, into OUT of at most ROOM bytes.  How long it is: 0 where they are equal;
   -1 where there is no room. */
gssize gwt_xbzrle_encode (const uint8_t *old, const uint8_t *new, uint8_t *out, gsize room);
/* Make the change to PAGE that DATA tells.  NULL, or why it is refused; some of it may have been
   made then. */
const char *gwt_xbzrle_decode (uint8_t *page, const uint8_t *data, gsize size);

struct gwt_xbzrle_cache;

/* SIZE bytes of pages, a power of two; NULL with ERR set where there is no memory for it. */
struct gwt_xbzrle_cache *gwt_xbzrle_cache_new (uint64_t size, struct gwt_error *err);
void gwt_xbzrle_cache_free (struct gwt_xbzrle_cache *cache);
/* The copy of page number PAGE, or NULL.  ROUND is the number of the dirty round. */
uint8_t *gwt_xbzrle_cache_find (struct gwt_xbzrle_cache *cache, uint64_t page, uint64_t round);
/* Keep a copy of DATA as page PAGE, unless its place is taken by one that was used lately. */
void gwt_xbzrle_cache_keep (struct gwt_xbzrle_cache *cache, uint64_t page, const uint8_t *data,
                            uint64_t round);

#endif
