/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory as values: guests are little-endian, hosts need not be.  The aligned forms are
 * single-copy atomic; the _any forms take any alignment and promise nothing.
 */
#ifndef RV64_CPU_BYTES_H
#define RV64_CPU_BYTES_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define rv_le16(v) ((uint16_t) (v))
#define rv_le32(v) ((uint32_t) (v))
#define rv_le64(v) ((uint64_t) (v))
#else
#define rv_le16(v) __builtin_bswap16 (v)
#define rv_le32(v) __builtin_bswap32 (v)
#define rv_le64(v) __builtin_bswap64 (v)
#endif

/* RAM has no declared type; this type may look at it whatever was stored there. */
typedef uint16_t __attribute__ ((may_alias)) rv_mem16;
typedef uint32_t __attribute__ ((may_alias)) rv_mem32;
typedef uint64_t __attribute__ ((may_alias)) rv_mem64;

static inline uint8_t
rv_load8 (const void *p)
{
  return __atomic_load_n ((const uint8_t *) p, __ATOMIC_RELAXED);
}

static inline uint16_t
rv_load16 (const void *p)
{
  return rv_le16 (__atomic_load_n ((const rv_mem16 *) p, __ATOMIC_RELAXED));
}

static inline uint32_t
rv_load32 (const void *p)
{
  return rv_le32 (__atomic_load_n ((const rv_mem32 *) p, __ATOMIC_RELAXED));
}

static inline uint64_t
rv_load64 (const void *p)
{
  return rv_le64 (__atomic_load_n ((const rv_mem64 *) p, __ATOMIC_RELAXED));
}

static inline void
rv_store8 (void *p, uint64_t v)
{
  __atomic_store_n ((uint8_t *) p, (uint8_t) v, __ATOMIC_RELAXED);
}

static inline void
rv_store16 (void *p, uint64_t v)
{
  __atomic_store_n ((rv_mem16 *) p, rv_le16 (v), __ATOMIC_RELAXED);
}

static inline void
rv_store32 (void *p, uint64_t v)
{
  __atomic_store_n ((rv_mem32 *) p, rv_le32 (v), __ATOMIC_RELAXED);
}

static inline void
rv_store64 (void *p, uint64_t v)
{
  __atomic_store_n ((rv_mem64 *) p, rv_le64 (v), __ATOMIC_RELAXED);
}

/* Aligned: SIZE 1, 2, 4 or 8; zero-extended. */
static inline uint64_t
rv_host_load (const void *p, unsigned size)
{
  return size == 1 ? rv_load8 (p) : size == 2 ? rv_load16 (p) : size == 4 ? rv_load32 (p)
                                                                          : rv_load64 (p);
}

static inline void
rv_host_store (void *p, unsigned size, uint64_t v)
{
  if (size == 1)
    rv_store8 (p, v);
  else if (size == 2)
    rv_store16 (p, v);
  else if (size == 4)
    rv_store32 (p, v);
  else
    rv_store64 (p, v);
}

/* SIZE 1 to 8, mostly constant. */
static inline uint64_t
rv_host_load_any (const void *p, unsigned size)
{
  uint64_t v = 0;
  memcpy (&v, p, size);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  v = __builtin_bswap64 (v);
#endif
  return v;
}

static inline void
rv_host_store_any (void *p, unsigned size, uint64_t v)
{
  v = rv_le64 (v);
  memcpy (p, &v, size);
}

#endif
