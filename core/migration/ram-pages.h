/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pages are zero, as cheaply as that can be known: a page that nobody has touched is, and
 * looking at it would only make it.
 */
#ifndef CORE_MIGRATION_RAM_PAGES_H
#define CORE_MIGRATION_RAM_PAGES_H

#include "core/memory/memory.h"

bool gwt_page_is_zero (const void *page);

struct gwt_untouched;

struct gwt_untouched *gwt_untouched_new (void);
void gwt_untouched_free (struct gwt_untouched *u);
/* 64 pages of BLOCK from FIRST, a multiple of 64: a bit for each that was never written and so is
   zero.  One that is not known is not set; pages beyond the end are not. */
uint64_t gwt_untouched_pages (struct gwt_untouched *u, const struct gwt_ram_block *block,
                              uint64_t first);
/* What was learned of pages is forgotten. */
void gwt_untouched_forget (struct gwt_untouched *u);

#endif
