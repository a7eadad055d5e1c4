/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences of pages: see xbzrle.h. */
#include "config.h"
#include "core/migration/xbzrle.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE GWT_XBZRLE_PAGE
/* A gap of fewer equal bytes costs as much as the two lengths that would skip it. */
#define GAP_MIN 3
/* Rounds in which a copy that was of use is not given up for another page. */
#define AGE_MIN 2

/* ---- encoding -------------------------------------------------------------------------------- */

/* In memory order the first byte is the lowest. */
static inline uint64_t
difference (const uint8_t *a, const uint8_t *b, guint at)
{
  uint64_t x, y;

  memcpy (&x, a + at, 8);
  memcpy (&y, b + at, 8);
  return GUINT64_FROM_LE (x ^ y);
}

/* The first byte from AT that differs, or PAGE. */
static inline guint
end_of_equal (const uint8_t *a, const uint8_t *b, guint at)
{
  for (; at + 8 <= PAGE; at += 8)
    {
      uint64_t x = difference (a, b, at);

      if (x != 0)
        return at + (guint) __builtin_ctzll (x) / 8;
    }
  while (at < PAGE && a[at] == b[at])
    at++;
  return at;
}

/* The first byte from AT that is equal, or PAGE. */
static inline guint
end_of_different (const uint8_t *a, const uint8_t *b, guint at)
{
  const uint64_t ones = UINT64_C (0x0101010101010101), tops = ones << 7;

  for (; at + 8 <= PAGE; at += 8)
    {
      uint64_t x = difference (a, b, at), zeros = (x - ones) & ~x & tops;

      /* The lowest mark is right; those above it may come from a borrow. */
      if (zeros != 0)
        return at + (guint) __builtin_ctzll (zeros) / 8;
    }
  while (at < PAGE && a[at] != b[at])
    at++;
  return at;
}

static inline gsize
put_length (uint8_t *out, guint length)
{
  if (length < 0x80)
    {
      out[0] = (uint8_t) length;
      return 1;
    }
  out[0] = (uint8_t) (length | 0x80);
  out[1] = (uint8_t) (length >> 7);
  return 2;
}

gssize
gwt_xbzrle_encode (const uint8_t *old, const uint8_t *new, uint8_t *out, gsize room)
{
  gsize n = 0;
  guint at = 0;

  for (;;)
    {
      guint begin = end_of_equal (old, new, at), end, next;

      if (begin == PAGE)
        return (gssize) n;
      for (end = end_of_different (old, new, begin); end < PAGE;
           end = end_of_different (old, new, next))
        {
          next = end_of_equal (old, new, end);
          if (next == PAGE || next - end >= GAP_MIN)
            break;
        }
      if (room - n < 4 + (gsize) (end - begin))
        return -1;
      n += put_length (out + n, begin - at);
      n += put_length (out + n, end - begin);
      memcpy (out + n, new + begin, end - begin);
      n += end - begin;
      at = end;
    }
}

/* ---- decoding -------------------------------------------------------------------------------- */

/* False where it does not end within two bytes. */
static bool
get_length (const uint8_t *data, gsize size, gsize *at, guint *length)
{
  if (*at >= size)
    return false;
  *length = data[(*at)++];
  if (*length < 0x80)
    return true;
  if (*at >= size || data[*at] >= 0x80)
    return false;
  *length = (*length & 0x7f) | (guint) data[(*at)++] << 7;
  return true;
}

const char *
gwt_xbzrle_decode (uint8_t *page, const uint8_t *data, gsize size)
{
  gsize at = 0;
  guint to = 0, length;

  while (at < size)
    {
      bool first = at == 0;

      if (!get_length (data, size, &at, &length))
        return "the length of a run is cut off";
      if (length == 0 && !first)
        return "a run to skip is empty";
      if (length > PAGE - to)
        return "a run to skip goes beyond the page";
      to += length;
      if (at == size)
        return "nothing follows a run to skip";
      if (!get_length (data, size, &at, &length))
        return "the length of a run is cut off";
      if (length == 0)
        return "a run of new bytes is empty";
      if (length > PAGE - to)
        return "a run of new bytes goes beyond the page";
      if (length > size - at)
        return "a run of new bytes is cut off";
      memcpy (page + to, data + at, length);
      at += length;
      to += length;
    }
  return NULL;
}

/* ---- copies ---------------------------------------------------------------------------------- */

struct slot
{
  uint64_t page; /* plus one; 0: empty */
  uint64_t round;
};

struct gwt_xbzrle_cache
{
  uint64_t slots, size;
  struct slot *slot;
  uint8_t *copies; /* comes into being page by page */
};

struct gwt_xbzrle_cache *
gwt_xbzrle_cache_new (uint64_t size, struct gwt_error *err)
{
  struct gwt_xbzrle_cache *cache = g_new0 (struct gwt_xbzrle_cache, 1);
  void *p;

  size = MAX (size, PAGE);
  cache->size = size;
  cache->slots = size / PAGE;
  cache->slot = g_try_malloc0_n (cache->slots, sizeof (struct slot));
  p = cache->slot == NULL ? MAP_FAILED
                          : mmap (NULL, size, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY,
                     "xbzrle-cache-size: the host has no room for %" G_GUINT64_FORMAT
                     " MiB; use a smaller size",
                     size >> 20);
      g_free (cache->slot);
      g_free (cache);
      return NULL;
    }
  cache->copies = p;
  return cache;
}

void
gwt_xbzrle_cache_free (struct gwt_xbzrle_cache *cache)
{
  if (cache == NULL)
    return;
  munmap (cache->copies, cache->size);
  g_free (cache->slot);
  g_free (cache);
}

uint8_t *
gwt_xbzrle_cache_find (struct gwt_xbzrle_cache *cache, uint64_t page, uint64_t round)
{
  uint64_t at = page & (cache->slots - 1);

  if (cache->slot[at].page != page + 1)
    return NULL;
  cache->slot[at].round = round;
  return cache->copies + at * PAGE;
}

void
gwt_xbzrle_cache_keep (struct gwt_xbzrle_cache *cache, uint64_t page, const uint8_t *data,
                       uint64_t round)
{
  uint64_t at = page & (cache->slots - 1);
  struct slot *slot = &cache->slot[at];

  if (slot->page != 0 && slot->page != page + 1 && slot->round + AGE_MIN > round)
    return;
  slot->page = page + 1;
  slot->round = round;
  memcpy (cache->copies + at * PAGE, data, PAGE);
}
