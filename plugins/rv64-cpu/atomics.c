/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LR, SC and AMO between harts that run in parallel host threads.
 *
 * An AMO is one atomic instruction of the host.  LR remembers the address and the value; SC is a
 * compare-exchange of that value.  Alone that would let an SC succeed after the word went from A
 * to B and back to A, which the ISA forbids and on which lock-free lists that reuse nodes rely.
 * So words are hashed to serial numbers that every SC that stores and every AMO moves on; SC
 * fails where the number is not the one that LR saw.  What remains is A, B, A by two *plain*
 * stores of another hart between this hart's LR and SC: to see those, every store of every hart
 * would have to look for reservations.  The comparison still makes such an SC indistinguishable,
 * in memory, from one that came after both stores; only a program that expects SC to report them
 * could tell.
 *
 * All atomics here are sequentially consistent, which covers every aq and rl combination.
 */
#include <sched.h>

#include "accel.h"
#include "bytes.h"

#define SERIALS 4096 /* power of two */

/* Odd while an SC or AMO is at work on a word of this hash. */
static _Atomic uint64_t serials[SERIALS];
static _Atomic int harts;

void
rv_atomics_count (int change)
{
  atomic_fetch_add (&harts, change);
}

static _Atomic uint64_t *
serial_of (const void *host)
{
  return &serials[((uintptr_t) host >> 3) & (SERIALS - 1)];
}

/* One hart alone has nobody to race with. */
static bool
is_shared (void)
{
  return atomic_load_explicit (&harts, memory_order_relaxed) > 1;
}

static uint64_t
serial_even (_Atomic uint64_t *s)
{
  uint64_t v;
  for (unsigned spins = 0; (v = atomic_load (s)) & 1; spins++)
    if (spins > 100)
      sched_yield (); /* its holder lost its core within a few instructions */
  return v;
}

static uint64_t
serial_lock (_Atomic uint64_t *s)
{
  uint64_t v = serial_even (s);
  while (!atomic_compare_exchange_weak (s, &v, v + 1))
    v = serial_even (s);
  return v;
}

static uint64_t
sign_extend (uint64_t v, unsigned size)
{
  return size == 4 ? (uint64_t) (int32_t) v : v;
}

uint64_t
rv_lr (struct rv_hart *h, void *host, unsigned size)
{
  uint64_t v;
  h->res_host = host;
  h->res_size = size;
  /* The number first: an SC of another hart between the two makes ours fail. */
  h->res_serial = is_shared () ? serial_even (serial_of (host)) : 0;
  v = size == 4 ? rv_le32 (__atomic_load_n ((rv_mem32 *) host, __ATOMIC_SEQ_CST))
                : rv_le64 (__atomic_load_n ((rv_mem64 *) host, __ATOMIC_SEQ_CST));
  h->res_value = v;
  return sign_extend (v, size);
}

static bool
exchange_if_same (void *host, unsigned size, uint64_t old, uint64_t value)
{
  if (size == 4)
    {
      uint32_t o = rv_le32 ((uint32_t) old);
      return __atomic_compare_exchange_n ((rv_mem32 *) host, &o, rv_le32 ((uint32_t) value), false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
  else
    {
      uint64_t o = rv_le64 (old);
      return __atomic_compare_exchange_n ((rv_mem64 *) host, &o, rv_le64 (value), false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
}

uint64_t
rv_sc (struct rv_hart *h, void *host, unsigned size, uint64_t value)
{
  bool ok = h->res_host == host && h->res_size == size;
  h->res_host = NULL; /* any SC ends the reservation */
  if (!ok)
    return 1;
  if (!is_shared ())
    return exchange_if_same (host, size, h->res_value, value) ? 0 : 1;
  {
    _Atomic uint64_t *s = serial_of (host);
    uint64_t v = h->res_serial;
    if (!atomic_compare_exchange_strong (s, &v, v + 1))
      return 1;
    ok = exchange_if_same (host, size, h->res_value, value);
    /* Nothing was stored: nobody else's reservation is broken. */
    atomic_store (s, ok ? v + 2 : v);
  }
  return ok ? 0 : 1;
}

/* Read-modify-write of a type that the host has no instruction for. */
#define LOOP(T, M, le, EXPR)                                                                       \
  do                                                                                               \
    {                                                                                              \
      T o = __atomic_load_n ((M *) host, __ATOMIC_RELAXED), a, n;                                  \
      T b = (T) value;                                                                             \
      do                                                                                           \
        {                                                                                          \
          a = le (o);                                                                              \
          n = EXPR;                                                                                \
        }                                                                                          \
      while (!__atomic_compare_exchange_n ((M *) host, &o, le (n), false, __ATOMIC_SEQ_CST,        \
                                           __ATOMIC_SEQ_CST));                                     \
      old = a;                                                                                     \
    }                                                                                              \
  while (0)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE(T, M, le, builtin, EXPR)                                                            \
  old = builtin ((M *) host, (T) value, __ATOMIC_SEQ_CST)
#else
#define NATIVE(T, M, le, builtin, EXPR) LOOP (T, M, le, EXPR)
#endif

#define AMO(name, suffix, T, M, le, size, DO)                                                      \
  uint64_t rv_##name##_##suffix (struct rv_hart *h, void *host, uint64_t value)                    \
  {                                                                                                \
    uint64_t old;                                                                                  \
    if (is_shared ())                                                                              \
      {                                                                                            \
        _Atomic uint64_t *s = serial_of (host);                                                    \
        uint64_t v = serial_lock (s);                                                              \
        DO;                                                                                        \
        atomic_store_explicit (s, v + 2, memory_order_release);                                    \
      }                                                                                            \
    else                                                                                           \
      DO;                                                                                          \
    return sign_extend (old, size);                                                                \
  }

#define AMO_NATIVE(name, builtin, EXPR)                                                            \
  AMO (name, w, uint32_t, rv_mem32, rv_le32, 4,                                                    \
       NATIVE (uint32_t, rv_mem32, rv_le32, builtin, EXPR))                                        \
  AMO (name, d, uint64_t, rv_mem64, rv_le64, 8,                                                    \
       NATIVE (uint64_t, rv_mem64, rv_le64, builtin, EXPR))
#define AMO_LOOP(name, EXPR_W, EXPR_D)                                                             \
  AMO (name, w, uint32_t, rv_mem32, rv_le32, 4, LOOP (uint32_t, rv_mem32, rv_le32, EXPR_W))        \
  AMO (name, d, uint64_t, rv_mem64, rv_le64, 8, LOOP (uint64_t, rv_mem64, rv_le64, EXPR_D))

AMO_NATIVE (amoswap, __atomic_exchange_n, b)
AMO_NATIVE (amoadd, __atomic_fetch_add, a + b)
AMO_NATIVE (amoxor, __atomic_fetch_xor, a ^ b)
AMO_NATIVE (amoand, __atomic_fetch_and, a & b)
AMO_NATIVE (amoor, __atomic_fetch_or, a | b)
AMO_LOOP (amomin, (int32_t) a < (int32_t) b ? a : b, (int64_t) a < (int64_t) b ? a : b)
AMO_LOOP (amomax, (int32_t) a > (int32_t) b ? a : b, (int64_t) a > (int64_t) b ? a : b)
AMO_LOOP (amominu, a < b ? a : b, a < b ? a : b)
AMO_LOOP (amomaxu, a > b ? a : b, a > b ? a : b)
