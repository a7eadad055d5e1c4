/* SPDX-License-Identifier: BSD-2-Clause */
/* The F and D instructions as functions on register contents.
 *
 * Owns: frm and fflags while the hart runs, and the choice between the host's floating-point unit
 * and softfloat.c.  f-register operands are NaN-boxed 64-bit values (the _s functions unbox and
 * box), x-register ones are as in x[].  RM is the instruction's field, RV_RM_DYN included; cheapest
 * where the compiler sees a constant.  The caller has refused reserved modes (rv_fp_dyn_valid).
 * Must not know: decoding, mstatus.FS, CSR numbers.
 *
 * On x86-64 the host's MXCSR mirrors the hart's fcsr between rv_fp_enter and rv_fp_leave: SSE
 * rounds as frm says, its sticky flags collect, and nobody reads them until the guest does.  SSE
 * detects tininess after rounding and raises the same flags as RISC-V, so only three things differ:
 * NaN results (made canonical here), roundTiesToAway (no such mode: softfloat), and the flags of
 * conversions that saturate (softfloat).  Every operation is a volatile asm, because the compiler
 * does not know that arithmetic sets flags and would move or drop it.
 *
 * On other hosts the plain C operator is used where no flag can be lost: rounding to nearest, NX
 * set already, and a normal result.  Everything else is softfloat.
 */
#ifndef RV64_CPU_FP_H
#define RV64_CPU_FP_H

#include <float.h>
#include <string.h>

#include "cpu.h"
#include "softfloat.h"

#if defined(__x86_64__) && !defined(RV_FP_PORTABLE)
#define RV_FP_SSE 1
#else
#define RV_FP_SSE 0
#endif

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0
#define RV_FP_PLAIN_C 1
#else
#define RV_FP_PLAIN_C 0
#endif

#define RV_NAN_S UINT32_C (0x7fc00000)
#define RV_NAN_D UINT64_C (0x7ff8000000000000)

/* Once per process, before any hart runs. */
void rv_fp_init (void);
/* Before the hart executes, and after; device code must run outside.  Both are cheap. */
void rv_fp_enter (struct rv_hart *h);
void rv_fp_leave (struct rv_hart *h);
/* The same around a call from inside the loop to device code and back, which happens a million
   times a second: give what rv_fp_lend returned to rv_fp_take_back. */
uint32_t rv_fp_lend (struct rv_hart *h);
void rv_fp_take_back (struct rv_hart *h, uint32_t lent);
/* The CSRs' view. */
unsigned rv_fp_get_flags (struct rv_hart *h);
void rv_fp_set_flags (struct rv_hart *h, unsigned flags);
void rv_fp_set_frm (struct rv_hart *h, unsigned frm);

/* Whether an instruction with rm = DYN is legal now. */
static inline bool
rv_fp_dyn_valid (const struct rv_hart *h)
{
  return h->frm <= RV_RM_RMM;
}

/* ---- boxing and bits ---- */

static inline uint64_t
rv_box_s (uint32_t v)
{
  return UINT64_C (0xffffffff00000000) | v;
}

/* A register that does not hold a boxed single reads as the canonical NaN (12.2). */
static inline uint32_t
rv_unbox_s (uint64_t v)
{
  return v >> 32 == UINT32_MAX ? (uint32_t) v : RV_NAN_S;
}

static inline double
rv_as_d (uint64_t v)
{
  double d;

  memcpy (&d, &v, sizeof d);
  return d;
}

static inline uint64_t
rv_from_d (double d)
{
  uint64_t v;

  memcpy (&v, &d, sizeof v);
  return v;
}

static inline float
rv_as_s (uint64_t v)
{
  uint32_t u = rv_unbox_s (v);
  float s;

  memcpy (&s, &u, sizeof s);
  return s;
}

static inline uint64_t
rv_from_s (float s)
{
  uint32_t u;

  memcpy (&u, &s, sizeof u);
  return rv_box_s (u);
}

/* ---- the slow paths, in fp.c: any mode, any operand ---- */

enum rv_fp_op
{
  RV_FP_ADD,
  RV_FP_SUB,
  RV_FP_MUL,
  RV_FP_DIV
};

uint64_t rv_fp_slow_s (struct rv_hart *h, enum rv_fp_op op, uint64_t a, uint64_t b, unsigned rm);
uint64_t rv_fp_slow_d (struct rv_hart *h, enum rv_fp_op op, uint64_t a, uint64_t b, unsigned rm);
uint64_t rv_fp_slow_sqrt_s (struct rv_hart *h, uint64_t a, unsigned rm);
uint64_t rv_fp_slow_sqrt_d (struct rv_hart *h, uint64_t a, unsigned rm);
uint64_t rv_fp_slow_fma_s (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm);
uint64_t rv_fp_slow_fma_d (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm);
uint64_t rv_fp_slow_to_int_s (struct rv_hart *h, uint64_t a, unsigned bits, bool is_signed,
                              unsigned rm);
uint64_t rv_fp_slow_to_int_d (struct rv_hart *h, uint64_t a, unsigned bits, bool is_signed,
                              unsigned rm);
uint64_t rv_fp_slow_from_int_s (struct rv_hart *h, uint64_t v, bool is_signed, unsigned rm);
uint64_t rv_fp_slow_from_int_d (struct rv_hart *h, uint64_t v, bool is_signed, unsigned rm);
uint64_t rv_fp_slow_s_from_d (struct rv_hart *h, uint64_t a, unsigned rm);
uint64_t rv_fp_slow_d_from_s (struct rv_hart *h, uint64_t a);

/* ---- host arithmetic ---- */

#if RV_FP_SSE

extern bool rv_fp_has_fma; /* the host can fuse */

/* MXCSR rounds as an instruction with this RM wants. */
static inline bool
rv_fp_host (const struct rv_hart *h, unsigned rm)
{
  return (rm == RV_RM_DYN ? h->frm : rm) == h->fp_rm;
}

#define RV_FP_BINARY(NAME, INSN, SIGN, OP)                                                         \
  static inline uint64_t rv_f##NAME##_d (struct rv_hart *h, uint64_t a, uint64_t b, unsigned rm)   \
  {                                                                                                \
    double r = rv_as_d (a);                                                                        \
    if (__builtin_expect (!rv_fp_host (h, rm), 0))                                                 \
      return rv_fp_slow_d (h, OP, a, b, rm);                                                       \
    __asm__ volatile (INSN "d %1, %0" : "+x"(r) : "x"(rv_as_d (b)));                               \
    return __builtin_expect (r == r, 1) ? rv_from_d (r) : RV_NAN_D;                                \
  }                                                                                                \
  static inline uint64_t rv_f##NAME##_s (struct rv_hart *h, uint64_t a, uint64_t b, unsigned rm)   \
  {                                                                                                \
    float r = rv_as_s (a);                                                                         \
    if (__builtin_expect (!rv_fp_host (h, rm), 0))                                                 \
      return rv_fp_slow_s (h, OP, a, b, rm);                                                       \
    __asm__ volatile (INSN "s %1, %0" : "+x"(r) : "x"(rv_as_s (b)));                               \
    return __builtin_expect (r == r, 1) ? rv_from_s (r) : rv_box_s (RV_NAN_S);                     \
  }

static inline uint64_t
rv_fsqrt_d (struct rv_hart *h, uint64_t a, unsigned rm)
{
  double r = 0;

  if (__builtin_expect (!rv_fp_host (h, rm), 0))
    return rv_fp_slow_sqrt_d (h, a, rm);
  __asm__ volatile ("sqrtsd %1, %0" : "+x"(r) : "x"(rv_as_d (a)));
  return __builtin_expect (r == r, 1) ? rv_from_d (r) : RV_NAN_D;
}

static inline uint64_t
rv_fsqrt_s (struct rv_hart *h, uint64_t a, unsigned rm)
{
  float r = 0;

  if (__builtin_expect (!rv_fp_host (h, rm), 0))
    return rv_fp_slow_sqrt_s (h, a, rm);
  __asm__ volatile ("sqrtss %1, %0" : "+x"(r) : "x"(rv_as_s (a)));
  return __builtin_expect (r == r, 1) ? rv_from_s (r) : rv_box_s (RV_NAN_S);
}

/* x86 does not raise invalid for infinity * 0 + quiet NaN, so NaN results are done over. */
static inline uint64_t
rv_fma_d (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  double r = rv_as_d (c);

  if (__builtin_expect (!rv_fp_has_fma || !rv_fp_host (h, rm), 0))
    return rv_fp_slow_fma_d (h, a, b, c, rm);
  __asm__ volatile ("vfmadd231sd %2, %1, %0" : "+x"(r) : "x"(rv_as_d (a)), "x"(rv_as_d (b)));
  return __builtin_expect (r == r, 1) ? rv_from_d (r) : rv_fp_slow_fma_d (h, a, b, c, rm);
}

static inline uint64_t
rv_fma_s (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  float r = rv_as_s (c);

  if (__builtin_expect (!rv_fp_has_fma || !rv_fp_host (h, rm), 0))
    return rv_fp_slow_fma_s (h, a, b, c, rm);
  __asm__ volatile ("vfmadd231ss %2, %1, %0" : "+x"(r) : "x"(rv_as_s (a)), "x"(rv_as_s (b)));
  return __builtin_expect (r == r, 1) ? rv_from_s (r) : rv_fp_slow_fma_s (h, a, b, c, rm);
}

/* UCOMIS raises invalid for signaling NaNs only, COMIS for all: FEQ and FLT/FLE to the letter. */
#define RV_FP_COMPARE(SUFFIX, TYPE)                                                                \
  static inline uint64_t rv_feq_##SUFFIX (struct rv_hart *h, uint64_t a, uint64_t b)               \
  {                                                                                                \
    bool equal, ordered;                                                                           \
    __asm__ volatile ("ucomis" #SUFFIX " %2, %3"                                                   \
                      : "=@ccz"(equal), "=@ccnp"(ordered)                                          \
                      : "x"(rv_as_##SUFFIX (b)), "x"(rv_as_##SUFFIX (a)));                         \
    return equal && ordered;                                                                       \
  }                                                                                                \
  static inline uint64_t rv_flt_##SUFFIX (struct rv_hart *h, uint64_t a, uint64_t b)               \
  {                                                                                                \
    bool above;                                                                                    \
    __asm__ volatile ("comis" #SUFFIX " %1, %2"                                                    \
                      : "=@cca"(above)                                                             \
                      : "x"(rv_as_##SUFFIX (a)), "x"(rv_as_##SUFFIX (b)));                         \
    return above;                                                                                  \
  }                                                                                                \
  static inline uint64_t rv_fle_##SUFFIX (struct rv_hart *h, uint64_t a, uint64_t b)               \
  {                                                                                                \
    bool above;                                                                                    \
    __asm__ volatile ("comis" #SUFFIX " %1, %2"                                                    \
                      : "=@ccae"(above)                                                            \
                      : "x"(rv_as_##SUFFIX (a)), "x"(rv_as_##SUFFIX (b)));                         \
    return above;                                                                                  \
  }

/* 2^32 - 1 rounded down to the format, and 2^63 less one place: below them (and positive) a signed
   64-bit conversion gives the unsigned result with the right flags. */
#define RV_MAX_WU_s UINT64_C (0xffffffff4f7fffff)
#define RV_MAX_WU_d UINT64_C (0x41efffffffe00000)
#define RV_MAX_LU_s UINT64_C (0xffffffff5effffff)
#define RV_MAX_LU_d UINT64_C (0x43dfffffffffffff)
#define RV_MIN_U_s UINT64_C (0xffffffff00000000)
#define RV_MIN_U_d UINT64_C (0)

/* A conversion that saturates returns the least integer here and must not keep a stray NX, which
   x86 does not raise together with invalid; softfloat then finds the RISC-V result. */
#define RV_FP_TO_INT(SUFFIX)                                                                       \
  static inline uint64_t rv_fcvt_w_##SUFFIX (struct rv_hart *h, uint64_t a, unsigned rm)           \
  {                                                                                                \
    int32_t r = INT32_MIN;                                                                         \
    if (rm == RV_RM_RTZ)                                                                           \
      __asm__ volatile ("cvtts" #SUFFIX "2si %1, %0" : "=r"(r) : "x"(rv_as_##SUFFIX (a)));         \
    else if (rv_fp_host (h, rm))                                                                   \
      __asm__ volatile ("cvts" #SUFFIX "2si %1, %0" : "=r"(r) : "x"(rv_as_##SUFFIX (a)));          \
    if (__builtin_expect (r == INT32_MIN, 0))                                                      \
      return rv_fp_slow_to_int_##SUFFIX (h, a, 32, true, rm);                                      \
    return (uint64_t) (int64_t) r;                                                                 \
  }                                                                                                \
  static inline uint64_t rv_fcvt_l_##SUFFIX (struct rv_hart *h, uint64_t a, unsigned rm)           \
  {                                                                                                \
    int64_t r = INT64_MIN;                                                                         \
    if (rm == RV_RM_RTZ)                                                                           \
      __asm__ volatile ("cvtts" #SUFFIX "2si %1, %0" : "=r"(r) : "x"(rv_as_##SUFFIX (a)));         \
    else if (rv_fp_host (h, rm))                                                                   \
      __asm__ volatile ("cvts" #SUFFIX "2si %1, %0" : "=r"(r) : "x"(rv_as_##SUFFIX (a)));          \
    if (__builtin_expect (r == INT64_MIN, 0))                                                      \
      return rv_fp_slow_to_int_##SUFFIX (h, a, 64, true, rm);                                      \
    return (uint64_t) r;                                                                           \
  }                                                                                                \
  static inline uint64_t rv_fcvt_wu_##SUFFIX (struct rv_hart *h, uint64_t a, unsigned rm)          \
  {                                                                                                \
    if (a - RV_MIN_U_##SUFFIX <= RV_MAX_WU_##SUFFIX - RV_MIN_U_##SUFFIX                            \
        && (rm == RV_RM_RTZ || rv_fp_host (h, rm)))                                                \
      return (uint64_t) (int64_t) (int32_t) rv_fcvt_l_##SUFFIX (h, a, rm);                         \
    return rv_fp_slow_to_int_##SUFFIX (h, a, 32, false, rm);                                       \
  }                                                                                                \
  static inline uint64_t rv_fcvt_lu_##SUFFIX (struct rv_hart *h, uint64_t a, unsigned rm)          \
  {                                                                                                \
    if (a - RV_MIN_U_##SUFFIX <= RV_MAX_LU_##SUFFIX - RV_MIN_U_##SUFFIX                            \
        && (rm == RV_RM_RTZ || rv_fp_host (h, rm)))                                                \
      return rv_fcvt_l_##SUFFIX (h, a, rm);                                                        \
    return rv_fp_slow_to_int_##SUFFIX (h, a, 64, false, rm);                                       \
  }

#define RV_FP_FROM_INT(SUFFIX, TYPE)                                                               \
  static inline uint64_t rv_fcvt_##SUFFIX##_l (struct rv_hart *h, uint64_t v, unsigned rm)         \
  {                                                                                                \
    TYPE r = 0;                                                                                    \
    if (__builtin_expect (!rv_fp_host (h, rm), 0))                                                 \
      return rv_fp_slow_from_int_##SUFFIX (h, v, true, rm);                                        \
    __asm__ volatile ("cvtsi2s" #SUFFIX "q %1, %0" : "+x"(r) : "rm"(v));                           \
    return rv_from_##SUFFIX (r);                                                                   \
  }                                                                                                \
  static inline uint64_t rv_fcvt_##SUFFIX##_lu (struct rv_hart *h, uint64_t v, unsigned rm)        \
  {                                                                                                \
    if (__builtin_expect (v >> 63, 0))                                                             \
      return rv_fp_slow_from_int_##SUFFIX (h, v, false, rm);                                       \
    return rv_fcvt_##SUFFIX##_l (h, v, rm);                                                        \
  }

static inline uint64_t
rv_fcvt_s_d (struct rv_hart *h, uint64_t a, unsigned rm)
{
  float r = 0;

  if (__builtin_expect (!rv_fp_host (h, rm), 0))
    return rv_fp_slow_s_from_d (h, a, rm);
  __asm__ volatile ("cvtsd2ss %1, %0" : "+x"(r) : "x"(rv_as_d (a)));
  return __builtin_expect (r == r, 1) ? rv_from_s (r) : rv_box_s (RV_NAN_S);
}

static inline uint64_t
rv_fcvt_d_s (struct rv_hart *h, uint64_t a, unsigned rm)
{
  double r = 0;

  __asm__ volatile ("cvtss2sd %1, %0" : "+x"(r) : "x"(rv_as_s (a)));
  return __builtin_expect (r == r, 1) ? rv_from_d (r) : RV_NAN_D;
}

#else /* !RV_FP_SSE */

/* The C operator cannot lose a flag: nearest-even, NX set already. */
static inline bool
rv_fp_plain (const struct rv_hart *h, unsigned rm)
{
  return RV_FP_PLAIN_C && (rm == RV_RM_DYN ? h->frm : rm) == RV_RM_RNE && (h->fflags & RV_FP_NX);
}

#define RV_FP_BINARY(NAME, INSN, SIGN, OP)                                                         \
  static inline uint64_t rv_f##NAME##_d (struct rv_hart *h, uint64_t a, uint64_t b, unsigned rm)   \
  {                                                                                                \
    double r = rv_as_d (a) SIGN rv_as_d (b);                                                       \
    if (rv_fp_plain (h, rm) && __builtin_fabs (r) > DBL_MIN && __builtin_fabs (r) <= DBL_MAX)      \
      return rv_from_d (r);                                                                        \
    return rv_fp_slow_d (h, OP, a, b, rm);                                                         \
  }                                                                                                \
  static inline uint64_t rv_f##NAME##_s (struct rv_hart *h, uint64_t a, uint64_t b, unsigned rm)   \
  {                                                                                                \
    float r = rv_as_s (a) SIGN rv_as_s (b);                                                        \
    if (rv_fp_plain (h, rm) && __builtin_fabsf (r) > FLT_MIN && __builtin_fabsf (r) <= FLT_MAX)    \
      return rv_from_s (r);                                                                        \
    return rv_fp_slow_s (h, OP, a, b, rm);                                                         \
  }

static inline uint64_t
rv_fsqrt_d (struct rv_hart *h, uint64_t a, unsigned rm)
{
  return rv_fp_slow_sqrt_d (h, a, rm);
}

static inline uint64_t
rv_fsqrt_s (struct rv_hart *h, uint64_t a, unsigned rm)
{
  return rv_fp_slow_sqrt_s (h, a, rm);
}

static inline uint64_t
rv_fma_d (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  return rv_fp_slow_fma_d (h, a, b, c, rm);
}

static inline uint64_t
rv_fma_s (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  return rv_fp_slow_fma_s (h, a, b, c, rm);
}

#define RV_FP_COMPARE_ONE(NAME, SUFFIX, A, B)                                                      \
  static inline uint64_t rv_f##NAME##_##SUFFIX (struct rv_hart *h, uint64_t a, uint64_t b)         \
  {                                                                                                \
    unsigned flags = 0;                                                                            \
    bool r = rv_soft_##NAME (&rv_format_##SUFFIX, A, B, &flags);                                   \
    h->fflags |= (uint8_t) flags;                                                                  \
    return r;                                                                                      \
  }
#define RV_RAW_s(V) rv_unbox_s (V)
#define RV_RAW_d(V) (V)
#define RV_FP_COMPARE(SUFFIX, TYPE)                                                                \
  RV_FP_COMPARE_ONE (eq, SUFFIX, RV_RAW_##SUFFIX (a), RV_RAW_##SUFFIX (b))                         \
  RV_FP_COMPARE_ONE (lt, SUFFIX, RV_RAW_##SUFFIX (a), RV_RAW_##SUFFIX (b))                         \
  RV_FP_COMPARE_ONE (le, SUFFIX, RV_RAW_##SUFFIX (a), RV_RAW_##SUFFIX (b))

#define RV_FP_TO_INT_ONE(NAME, SUFFIX, BITS, SIGNED)                                               \
  static inline uint64_t rv_fcvt_##NAME##_##SUFFIX (struct rv_hart *h, uint64_t a, unsigned rm)    \
  {                                                                                                \
    return rv_fp_slow_to_int_##SUFFIX (h, a, BITS, SIGNED, rm);                                    \
  }
#define RV_FP_TO_INT(SUFFIX)                                                                       \
  RV_FP_TO_INT_ONE (w, SUFFIX, 32, true)                                                           \
  RV_FP_TO_INT_ONE (wu, SUFFIX, 32, false)                                                         \
  RV_FP_TO_INT_ONE (l, SUFFIX, 64, true)                                                           \
  RV_FP_TO_INT_ONE (lu, SUFFIX, 64, false)

#define RV_FP_FROM_INT(SUFFIX, TYPE)                                                               \
  static inline uint64_t rv_fcvt_##SUFFIX##_l (struct rv_hart *h, uint64_t v, unsigned rm)         \
  {                                                                                                \
    return rv_fp_slow_from_int_##SUFFIX (h, v, true, rm);                                          \
  }                                                                                                \
  static inline uint64_t rv_fcvt_##SUFFIX##_lu (struct rv_hart *h, uint64_t v, unsigned rm)        \
  {                                                                                                \
    return rv_fp_slow_from_int_##SUFFIX (h, v, false, rm);                                         \
  }

static inline uint64_t
rv_fcvt_s_d (struct rv_hart *h, uint64_t a, unsigned rm)
{
  return rv_fp_slow_s_from_d (h, a, rm);
}

static inline uint64_t
rv_fcvt_d_s (struct rv_hart *h, uint64_t a, unsigned rm)
{
  return rv_fp_slow_d_from_s (h, a);
}

#endif

/* rv_fadd_d, rv_fadd_s, ... (h, a, b, rm) */
RV_FP_BINARY (add, "adds", +, RV_FP_ADD)
RV_FP_BINARY (sub, "subs", -, RV_FP_SUB)
RV_FP_BINARY (mul, "muls", *, RV_FP_MUL)
RV_FP_BINARY (div, "divs", /, RV_FP_DIV)
/* rv_feq_d, rv_flt_d, rv_fle_d and _s (h, a, b) */
RV_FP_COMPARE (d, double)
RV_FP_COMPARE (s, float)
/* rv_fcvt_w_d, rv_fcvt_wu_d, rv_fcvt_l_d, rv_fcvt_lu_d and _s (h, a, rm) */
RV_FP_TO_INT (d)
RV_FP_TO_INT (s)
/* rv_fcvt_d_l, rv_fcvt_d_lu, rv_fcvt_s_l, rv_fcvt_s_lu (h, v, rm) */
RV_FP_FROM_INT (d, double)
RV_FP_FROM_INT (s, float)

#undef RV_FP_BINARY
#undef RV_FP_COMPARE
#undef RV_FP_TO_INT
#undef RV_FP_FROM_INT

/* Every 32-bit integer is exact as a double, so RM does not matter here. */
static inline uint64_t
rv_fcvt_d_w (struct rv_hart *h, uint64_t v, unsigned rm)
{
  return rv_from_d ((double) (int32_t) v);
}

static inline uint64_t
rv_fcvt_d_wu (struct rv_hart *h, uint64_t v, unsigned rm)
{
  return rv_from_d ((double) (uint32_t) v);
}

static inline uint64_t
rv_fcvt_s_w (struct rv_hart *h, uint64_t v, unsigned rm)
{
  return rv_fcvt_s_l (h, (uint64_t) (int64_t) (int32_t) v, rm);
}

static inline uint64_t
rv_fcvt_s_wu (struct rv_hart *h, uint64_t v, unsigned rm)
{
  return rv_fcvt_s_l (h, (uint32_t) v, rm);
}

/* ---- the four fused forms; negating an operand is exact ---- */

#define RV_SIGN_D (UINT64_C (1) << 63)
/* An unboxed operand must stay unboxed, so unbox it before its sign is touched. */
#define RV_NEG_S(V) (rv_box_s (rv_unbox_s (V) ^ UINT32_C (0x80000000)))

static inline uint64_t
rv_fmadd_d (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  return rv_fma_d (h, a, b, c, rm);
}

static inline uint64_t
rv_fmsub_d (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  return rv_fma_d (h, a, b, c ^ RV_SIGN_D, rm);
}

/* -(a * b) + c */
static inline uint64_t
rv_fnmsub_d (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  return rv_fma_d (h, a ^ RV_SIGN_D, b, c, rm);
}

/* -(a * b) - c */
static inline uint64_t
rv_fnmadd_d (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  return rv_fma_d (h, a ^ RV_SIGN_D, b, c ^ RV_SIGN_D, rm);
}

static inline uint64_t
rv_fmadd_s (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  return rv_fma_s (h, a, b, c, rm);
}

static inline uint64_t
rv_fmsub_s (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  return rv_fma_s (h, a, b, RV_NEG_S (c), rm);
}

static inline uint64_t
rv_fnmsub_s (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  return rv_fma_s (h, RV_NEG_S (a), b, c, rm);
}

static inline uint64_t
rv_fnmadd_s (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  return rv_fma_s (h, RV_NEG_S (a), b, RV_NEG_S (c), rm);
}

/* ---- signs, minimum and maximum, classes: never rounded ---- */

static inline uint64_t
rv_fsgnj_d (uint64_t a, uint64_t b)
{
  return (a & ~RV_SIGN_D) | (b & RV_SIGN_D);
}

static inline uint64_t
rv_fsgnjn_d (uint64_t a, uint64_t b)
{
  return (a & ~RV_SIGN_D) | (~b & RV_SIGN_D);
}

static inline uint64_t
rv_fsgnjx_d (uint64_t a, uint64_t b)
{
  return a ^ (b & RV_SIGN_D);
}

static inline uint64_t
rv_fsgnj_s (uint64_t a, uint64_t b)
{
  return rv_box_s ((rv_unbox_s (a) & 0x7fffffff) | (rv_unbox_s (b) & 0x80000000));
}

static inline uint64_t
rv_fsgnjn_s (uint64_t a, uint64_t b)
{
  return rv_box_s ((rv_unbox_s (a) & 0x7fffffff) | (~rv_unbox_s (b) & 0x80000000));
}

static inline uint64_t
rv_fsgnjx_s (uint64_t a, uint64_t b)
{
  return rv_box_s (rv_unbox_s (a) ^ (rv_unbox_s (b) & 0x80000000));
}

uint64_t rv_fmin_d (struct rv_hart *h, uint64_t a, uint64_t b);
uint64_t rv_fmax_d (struct rv_hart *h, uint64_t a, uint64_t b);
uint64_t rv_fmin_s (struct rv_hart *h, uint64_t a, uint64_t b);
uint64_t rv_fmax_s (struct rv_hart *h, uint64_t a, uint64_t b);
uint64_t rv_fclass_d (uint64_t a);
uint64_t rv_fclass_s (uint64_t a);

/* FMV.X.W moves bits and does not care about boxing. */
static inline uint64_t
rv_fmv_x_w (uint64_t a)
{
  return (uint64_t) (int64_t) (int32_t) a;
}

#endif
