/* SPDX-License-Identifier: BSD-2-Clause */
/* Zero pages: see ram-pages.h. */
#include "config.h"
#include "core/migration/ram-pages.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE (1u << PAGE_SHIFT)

typedef uint64_t vec __attribute__ ((vector_size (16), may_alias));

/* The guest may write to the page meanwhile: then it is dirty once more, and what is found here
   does not matter. */
bool
gwt_page_is_zero (const void *page)
{
  const vec *v = page;
  guint i;

  /* Most pages that are not zero show it in the first words, or in the last. */
  if (((const uint64_t *) page)[0] | ((const uint64_t *) page)[PAGE_SIZE / 8 - 1])
    return false;
  for (i = 0; i < PAGE_SIZE / sizeof (vec); i += 8)
    {
      vec all = v[i] | v[i + 1] | v[i + 2] | v[i + 3] | v[i + 4] | v[i + 5] | v[i + 6] | v[i + 7];

      if (all[0] | all[1])
        return false;
    }
  return true;
}

/* ---- pages that nobody has touched ----------------------------------------------------------- */

/* A word a page in /proc/self/pagemap; see the kernel's pagemap.rst. */
#define PAGEMAP_THERE (UINT64_C (3) << 62) /* present, or swapped out */
#define BATCH 1024

struct gwt_untouched
{
  int pagemap; /* -1: not to be had */
  const struct gwt_ram_block *block;
  uint64_t first, end; /* pages that `words` is about */
  uint64_t words[BATCH];
};

struct gwt_untouched *
gwt_untouched_new (void)
{
  struct gwt_untouched *u = g_new0 (struct gwt_untouched, 1);

  u->pagemap = open ("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  return u;
}

void
gwt_untouched_free (struct gwt_untouched *u)
{
  if (u == NULL)
    return;
  if (u->pagemap >= 0)
    close (u->pagemap);
  g_free (u);
}

void
gwt_untouched_forget (struct gwt_untouched *u)
{
  u->block = NULL;
}

static uint64_t
first_bits (uint64_t count)
{
  return count >= 64 ? UINT64_MAX : (UINT64_C (1) << count) - 1;
}

/* Pages from FIRST that lie in a hole of the file. */
static uint64_t
pages_in_hole (const struct gwt_ram_block *block, uint64_t first)
{
  off_t start = (off_t) (first << PAGE_SHIFT);
  off_t data = lseek (block->fd, start, SEEK_DATA);

  if (data < 0) /* ENXIO: a hole up to the end */
    return errno == ENXIO ? UINT64_MAX : 0;
  return first_bits ((uint64_t) (data - start) >> PAGE_SHIFT);
}

/* Pages that this process has no memory for; COUNT up to the block's end. */
static uint64_t
pages_not_there (struct gwt_untouched *u, const struct gwt_ram_block *block, uint64_t first,
                 guint count)
{
  uint64_t bits = 0;
  guint i;

  if (u->pagemap < 0)
    return 0;
  if (u->block != block || first < u->first || first + count > u->end)
    {
      uint64_t wanted = MIN (BATCH, (block->size >> PAGE_SHIFT) - first);
      off_t at = (off_t) (((uintptr_t) block->host >> PAGE_SHIFT) + first) * 8;
      ssize_t got = pread (u->pagemap, u->words, wanted * 8, at);

      u->block = block;
      u->first = first;
      u->end = first + (got > 0 ? (uint64_t) got / 8 : 0);
      if (first + count > u->end)
        return 0;
    }
  for (i = 0; i < count; i++)
    if ((u->words[first - u->first + i] & PAGEMAP_THERE) == 0)
      bits |= UINT64_C (1) << i;
  return bits;
}

uint64_t
gwt_untouched_pages (struct gwt_untouched *u, const struct gwt_ram_block *block, uint64_t first)
{
  guint count = (guint) MIN (64, (block->size >> PAGE_SHIFT) - first);
  uint64_t bits = first_bits (count);

  /* What a file holds others may have written, or this process in another life; and a page of it
     that is written privately is in no file. */
  if (block->fd >= 0)
    bits &= pages_in_hole (block, first);
  if (bits != 0 && !(block->fd >= 0 && block->shared))
    bits &= pages_not_there (u, block, first, count);
  return bits;
}
