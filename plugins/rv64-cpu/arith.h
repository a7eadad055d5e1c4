/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Integer operations that C has no operator for, or defines too little of: division, high
 * products, bit counts and permutations, carry-less products (M, Zbb, Zbc).  Pure functions.
 */
#ifndef RV64_CPU_ARITH_H
#define RV64_CPU_ARITH_H

#include <stdint.h>

#ifdef __SIZEOF_INT128__
static inline uint64_t
rv_mulhu (uint64_t a, uint64_t b)
{
  return (uint64_t) ((unsigned __int128) a * b >> 64);
}
#else
static inline uint64_t
rv_mulhu (uint64_t a, uint64_t b)
{
  uint64_t al = (uint32_t) a, ah = a >> 32, bl = (uint32_t) b, bh = b >> 32;
  uint64_t low = al * bl, mid = ah * bl + (low >> 32), mid_2 = al * bh + (uint32_t) mid;
  return ah * bh + (mid >> 32) + (mid_2 >> 32);
}
#endif

static inline uint64_t
rv_mulh (uint64_t a, uint64_t b)
{
  return rv_mulhu (a, b) - ((int64_t) a < 0 ? b : 0) - ((int64_t) b < 0 ? a : 0);
}

static inline uint64_t
rv_mulhsu (uint64_t a, uint64_t b)
{
  return rv_mulhu (a, b) - ((int64_t) a < 0 ? b : 0);
}

/* Division by zero and overflow have results, not traps ("M" chapter, table of division
   semantics). */
static inline uint64_t
rv_div (uint64_t a, uint64_t b)
{
  if (b == 0)
    return UINT64_MAX;
  if (b == UINT64_MAX)
    return -a;
  return (uint64_t) ((int64_t) a / (int64_t) b);
}

static inline uint64_t
rv_rem (uint64_t a, uint64_t b)
{
  if (b == 0)
    return a;
  if (b == UINT64_MAX)
    return 0;
  return (uint64_t) ((int64_t) a % (int64_t) b);
}

static inline uint64_t
rv_divw (uint32_t a, uint32_t b)
{
  if (b == 0)
    return UINT64_MAX;
  if (b == UINT32_MAX)
    return (uint64_t) (int32_t) -a;
  return (uint64_t) ((int32_t) a / (int32_t) b);
}

static inline uint64_t
rv_remw (uint32_t a, uint32_t b)
{
  if (b == 0)
    return (uint64_t) (int32_t) a;
  if (b == UINT32_MAX)
    return 0;
  return (uint64_t) ((int32_t) a % (int32_t) b);
}

static inline uint64_t
rv_clz (uint64_t a)
{
  return a == 0 ? 64 : (uint64_t) __builtin_clzll (a);
}

static inline uint64_t
rv_ctz (uint64_t a)
{
  return a == 0 ? 64 : (uint64_t) __builtin_ctzll (a);
}

static inline uint64_t
rv_rol (uint64_t a, unsigned n)
{
  return a << (n & 63) | a >> (-n & 63);
}

static inline uint64_t
rv_rolw (uint32_t a, unsigned n)
{
  return (uint64_t) (int32_t) (a << (n & 31) | a >> (-n & 31));
}

/* Each byte all ones where it is not zero. */
static inline uint64_t
rv_orc_b (uint64_t a)
{
  uint64_t low = UINT64_C (0x7f7f7f7f7f7f7f7f);
  uint64_t set = ((((a & low) + low) | a) & ~low) >> 7; /* 1 in each such byte */
  return set * 0xff;
}

static inline uint64_t
rv_clmul (uint64_t a, uint64_t b)
{
  uint64_t r = 0;
  for (; b != 0; b &= b - 1)
    r ^= a << __builtin_ctzll (b);
  return r;
}

static inline uint64_t
rv_clmulh (uint64_t a, uint64_t b)
{
  uint64_t r = 0;
  for (b &= ~UINT64_C (1); b != 0; b &= b - 1)
    r ^= a >> (64 - __builtin_ctzll (b));
  return r;
}

static inline uint64_t
rv_clmulr (uint64_t a, uint64_t b)
{
  uint64_t r = 0;
  for (; b != 0; b &= b - 1)
    r ^= a >> (63 - __builtin_ctzll (b));
  return r;
}

#endif
