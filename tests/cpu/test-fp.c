/* SPDX-License-Identifier: BSD-2-Clause */
/* F and D of rv64-cpu: results from the host's floating-point unit against softfloat.c, bit for bit
 * and flag for flag, in all rounding modes; and softfloat.c against answers that follow from the
 * manual.
 *
 * Built twice: as on x86-64, and with RV_FP_PORTABLE as on other hosts.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "plugins/rv64-cpu/fp.h"

#define S(BITS) (UINT64_C (0xffffffff00000000) | UINT32_C (BITS))
#define D(BITS) UINT64_C (BITS)
#define NX RV_FP_NX
#define UF RV_FP_UF
#define OF RV_FP_OF
#define DZ RV_FP_DZ
#define NV RV_FP_NV

static struct rv_hart hart;
static const char *const mode_names[] = { "rne", "rtz", "rdn", "rup", "rmm" };

/* ---- operations under test, in one shape, each with its judge ---- */

typedef uint64_t (*op_fn) (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm);
typedef uint64_t (*judge_fn) (uint64_t a, uint64_t b, uint64_t c, unsigned rm, unsigned *flags);

#define FD (&rv_format_d)
#define FS (&rv_format_s)
#define SIGN_D (UINT64_C (1) << 63)
#define SIGN_S (UINT32_C (1) << 31)
#define U(V) rv_unbox_s (V)
#define BOX(V) rv_box_s ((uint32_t) (V))

#define OP(NAME, CALL, JUDGE)                                                                      \
  static uint64_t op_##NAME (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)   \
  {                                                                                                \
    return CALL;                                                                                   \
  }                                                                                                \
  static uint64_t judge_##NAME (uint64_t a, uint64_t b, uint64_t c, unsigned rm, unsigned *fl)     \
  {                                                                                                \
    return JUDGE;                                                                                  \
  }

OP (fadd_d, rv_fadd_d (h, a, b, rm), rv_soft_add (FD, a, b, rm, fl))
OP (fsub_d, rv_fsub_d (h, a, b, rm), rv_soft_add (FD, a, b ^ SIGN_D, rm, fl))
OP (fmul_d, rv_fmul_d (h, a, b, rm), rv_soft_mul (FD, a, b, rm, fl))
OP (fdiv_d, rv_fdiv_d (h, a, b, rm), rv_soft_div (FD, a, b, rm, fl))
OP (fsqrt_d, rv_fsqrt_d (h, a, rm), rv_soft_sqrt (FD, a, rm, fl))
OP (fmadd_d, rv_fmadd_d (h, a, b, c, rm), rv_soft_fma (FD, a, b, c, rm, fl))
OP (fmsub_d, rv_fmsub_d (h, a, b, c, rm), rv_soft_fma (FD, a, b, c ^ SIGN_D, rm, fl))
OP (fnmsub_d, rv_fnmsub_d (h, a, b, c, rm), rv_soft_fma (FD, a ^ SIGN_D, b, c, rm, fl))
OP (fnmadd_d, rv_fnmadd_d (h, a, b, c, rm), rv_soft_fma (FD, a ^ SIGN_D, b, c ^ SIGN_D, rm, fl))
OP (fcvt_w_d, rv_fcvt_w_d (h, a, rm), rv_soft_to_int (FD, a, 32, true, rm, fl))
OP (fcvt_wu_d, rv_fcvt_wu_d (h, a, rm), rv_soft_to_int (FD, a, 32, false, rm, fl))
OP (fcvt_l_d, rv_fcvt_l_d (h, a, rm), rv_soft_to_int (FD, a, 64, true, rm, fl))
OP (fcvt_lu_d, rv_fcvt_lu_d (h, a, rm), rv_soft_to_int (FD, a, 64, false, rm, fl))
OP (fcvt_d_w, rv_fcvt_d_w (h, a, rm),
    rv_soft_from_int (FD, (uint64_t) (int64_t) (int32_t) a, true, rm, fl))
OP (fcvt_d_wu, rv_fcvt_d_wu (h, a, rm), rv_soft_from_int (FD, (uint32_t) a, false, rm, fl))
OP (fcvt_d_l, rv_fcvt_d_l (h, a, rm), rv_soft_from_int (FD, a, true, rm, fl))
OP (fcvt_d_lu, rv_fcvt_d_lu (h, a, rm), rv_soft_from_int (FD, a, false, rm, fl))
OP (fcvt_s_d, rv_fcvt_s_d (h, a, rm), BOX (rv_soft_convert (FD, FS, a, rm, fl)))
OP (feq_d, rv_feq_d (h, a, b), rv_soft_eq (FD, a, b, fl))
OP (flt_d, rv_flt_d (h, a, b), rv_soft_lt (FD, a, b, fl))
OP (fle_d, rv_fle_d (h, a, b), rv_soft_le (FD, a, b, fl))

OP (fadd_s, rv_fadd_s (h, a, b, rm), BOX (rv_soft_add (FS, U (a), U (b), rm, fl)))
OP (fsub_s, rv_fsub_s (h, a, b, rm), BOX (rv_soft_add (FS, U (a), U (b) ^ SIGN_S, rm, fl)))
OP (fmul_s, rv_fmul_s (h, a, b, rm), BOX (rv_soft_mul (FS, U (a), U (b), rm, fl)))
OP (fdiv_s, rv_fdiv_s (h, a, b, rm), BOX (rv_soft_div (FS, U (a), U (b), rm, fl)))
OP (fsqrt_s, rv_fsqrt_s (h, a, rm), BOX (rv_soft_sqrt (FS, U (a), rm, fl)))
OP (fmadd_s, rv_fmadd_s (h, a, b, c, rm), BOX (rv_soft_fma (FS, U (a), U (b), U (c), rm, fl)))
OP (fmsub_s, rv_fmsub_s (h, a, b, c, rm),
    BOX (rv_soft_fma (FS, U (a), U (b), U (c) ^ SIGN_S, rm, fl)))
OP (fnmsub_s, rv_fnmsub_s (h, a, b, c, rm),
    BOX (rv_soft_fma (FS, U (a) ^ SIGN_S, U (b), U (c), rm, fl)))
OP (fnmadd_s, rv_fnmadd_s (h, a, b, c, rm),
    BOX (rv_soft_fma (FS, U (a) ^ SIGN_S, U (b), U (c) ^ SIGN_S, rm, fl)))
OP (fcvt_w_s, rv_fcvt_w_s (h, a, rm), rv_soft_to_int (FS, U (a), 32, true, rm, fl))
OP (fcvt_wu_s, rv_fcvt_wu_s (h, a, rm), rv_soft_to_int (FS, U (a), 32, false, rm, fl))
OP (fcvt_l_s, rv_fcvt_l_s (h, a, rm), rv_soft_to_int (FS, U (a), 64, true, rm, fl))
OP (fcvt_lu_s, rv_fcvt_lu_s (h, a, rm), rv_soft_to_int (FS, U (a), 64, false, rm, fl))
OP (fcvt_s_w, rv_fcvt_s_w (h, a, rm),
    BOX (rv_soft_from_int (FS, (uint64_t) (int64_t) (int32_t) a, true, rm, fl)))
OP (fcvt_s_wu, rv_fcvt_s_wu (h, a, rm), BOX (rv_soft_from_int (FS, (uint32_t) a, false, rm, fl)))
OP (fcvt_s_l, rv_fcvt_s_l (h, a, rm), BOX (rv_soft_from_int (FS, a, true, rm, fl)))
OP (fcvt_s_lu, rv_fcvt_s_lu (h, a, rm), BOX (rv_soft_from_int (FS, a, false, rm, fl)))
OP (fcvt_d_s, rv_fcvt_d_s (h, a, rm), rv_soft_convert (FS, FD, U (a), rm, fl))
OP (feq_s, rv_feq_s (h, a, b), rv_soft_eq (FS, U (a), U (b), fl))
OP (flt_s, rv_flt_s (h, a, b), rv_soft_lt (FS, U (a), U (b), fl))
OP (fle_s, rv_fle_s (h, a, b), rv_soft_le (FS, U (a), U (b), fl))

struct op
{
  const char *name;
  op_fn run;
  judge_fn judge;
  unsigned operands;
  bool single;
};

#define ROW(NAME, N, SINGLE) { #NAME, op_##NAME, judge_##NAME, N, SINGLE }
static const struct op ops[] = {
  ROW (fadd_d, 2, false),    ROW (fsub_d, 2, false),    ROW (fmul_d, 2, false),
  ROW (fdiv_d, 2, false),    ROW (fsqrt_d, 1, false),   ROW (fmadd_d, 3, false),
  ROW (fmsub_d, 3, false),   ROW (fnmsub_d, 3, false),  ROW (fnmadd_d, 3, false),
  ROW (fcvt_w_d, 1, false),  ROW (fcvt_wu_d, 1, false), ROW (fcvt_l_d, 1, false),
  ROW (fcvt_lu_d, 1, false), ROW (fcvt_d_w, 1, false),  ROW (fcvt_d_wu, 1, false),
  ROW (fcvt_d_l, 1, false),  ROW (fcvt_d_lu, 1, false), ROW (fcvt_s_d, 1, false),
  ROW (feq_d, 2, false),     ROW (flt_d, 2, false),     ROW (fle_d, 2, false),
  ROW (fadd_s, 2, true),     ROW (fsub_s, 2, true),     ROW (fmul_s, 2, true),
  ROW (fdiv_s, 2, true),     ROW (fsqrt_s, 1, true),    ROW (fmadd_s, 3, true),
  ROW (fmsub_s, 3, true),    ROW (fnmsub_s, 3, true),   ROW (fnmadd_s, 3, true),
  ROW (fcvt_w_s, 1, true),   ROW (fcvt_wu_s, 1, true),  ROW (fcvt_l_s, 1, true),
  ROW (fcvt_lu_s, 1, true),  ROW (fcvt_s_w, 1, true),   ROW (fcvt_s_wu, 1, true),
  ROW (fcvt_s_l, 1, true),   ROW (fcvt_s_lu, 1, true),  ROW (fcvt_d_s, 1, true),
  ROW (feq_s, 2, true),      ROW (flt_s, 2, true),      ROW (fle_s, 2, true),
};

/* ---- operands ---- */

static uint64_t seed = UINT64_C (0x9e3779b97f4a7c15);

static uint64_t
rnd (void)
{
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

static const uint64_t corners_d[] = {
  D (0x0000000000000000), D (0x0000000000000001), D (0x0000000000000002), D (0x000fffffffffffff),
  D (0x0010000000000000), D (0x0010000000000001), D (0x001fffffffffffff), D (0x3ca0000000000000),
  D (0x3fdfffffffffffff), D (0x3fe0000000000000), D (0x3fe0000000000001), D (0x3fefffffffffffff),
  D (0x3ff0000000000000), D (0x3ff0000000000001), D (0x3ff8000000000000), D (0x4000000000000000),
  D (0x4004000000000000), D (0x41dfffffffc00000), D (0x41dfffffffe00000), D (0x41e0000000000000),
  D (0x41e0000000100000), D (0x41e0000000200000), D (0x41efffffffe00000), D (0x41effffffff00000),
  D (0x41f0000000000000), D (0x432fffffffffffff), D (0x4330000000000001), D (0x43dfffffffffffff),
  D (0x43e0000000000000), D (0x43efffffffffffff), D (0x43f0000000000000), D (0x47efffffe0000000),
  D (0x47effffff0000000), D (0x47f0000000000000), D (0x380fffffffffffff), D (0x36a0000000000000),
  D (0x7fe0000000000000), D (0x7fefffffffffffff), D (0x7ff0000000000000), D (0x7ff0000000000001),
  D (0x7ff8000000000000), D (0x7ff8000000000123), D (0x7fffffffffffffff),
};

static const uint32_t corners_s[] = {
  0x00000000, 0x00000001, 0x00000002, 0x007fffff, 0x00800000, 0x00800001, 0x00ffffff, 0x33000000,
  0x33800000, 0x3effffff, 0x3f000000, 0x3f000001, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3fc00000,
  0x40000000, 0x40200000, 0x4effffff, 0x4f000000, 0x4f000001, 0x4f7fffff, 0x4f800000, 0x4b7fffff,
  0x4b800001, 0x5effffff, 0x5f000000, 0x5f7fffff, 0x5f800000, 0x7f000000, 0x7f7fffff, 0x7f800000,
  0x7f800001, 0x7fc00000, 0x7fc00123, 0x7fffffff,
};

static uint64_t
corner (bool single, unsigned i, bool negative)
{
  if (single)
    return BOX (corners_s[i] | (negative ? SIGN_S : 0));
  return corners_d[i] | (negative ? SIGN_D : 0);
}

static unsigned
corner_count (bool single)
{
  return single ? G_N_ELEMENTS (corners_s) : G_N_ELEMENTS (corners_d);
}

/* Random bits; or few significant bits; or near the middle of the exponent range, where operands
   meet; now and then a corner, or a single that is not boxed. */
static uint64_t
operand (bool single)
{
  uint64_t r = rnd ();
  unsigned frac = single ? 23 : 52;
  unsigned width = single ? 32 : 64;
  uint64_t v = single ? (uint32_t) rnd () : rnd ();

  switch (r & 7)
    {
    case 0:
      return corner (single, (unsigned) (r >> 8) % corner_count (single), r >> 7 & 1);
    case 1:
    case 2:
      break;
    case 3:
      v &= ~UINT64_C (0) << (frac - (r >> 8 & 15));
      break;
    default:
      v &= (UINT64_C (1) << frac) - 1;
      v |= ((UINT64_C (1) << (width - 2 - frac)) - 20 + (r >> 8) % 40) << frac;
      v |= (r >> 20 & 1) << (width - 1);
      break;
    }
  if (!single)
    return v;
  return (r >> 32 & 63) == 0 ? rnd () : BOX (v);
}

/* ---- the comparison ---- */

/* With flags that are clear before, and with all set but one that must not get lost either. */
static void
compare (const struct op *op, uint64_t a, uint64_t b, uint64_t c, unsigned rm, bool dynamic)
{
  static const unsigned before[] = { 0, NX };
  unsigned want_flags = 0;
  uint64_t want = op->judge (a, b, c, rm, &want_flags);
  unsigned i;

  rv_fp_set_frm (&hart, dynamic ? rm : (rm + 1) % 5);
  for (i = 0; i < G_N_ELEMENTS (before); i++)
    {
      uint64_t got;
      unsigned flags;

      rv_fp_set_flags (&hart, before[i]);
      got = op->run (&hart, a, b, c, dynamic ? RV_RM_DYN : rm);
      flags = rv_fp_get_flags (&hart);
      if (got != want || flags != (want_flags | before[i]))
        g_error ("%s %016" G_GINT64_MODIFIER "x %016" G_GINT64_MODIFIER "x %016" G_GINT64_MODIFIER
                 "x %s: got %016" G_GINT64_MODIFIER "x flags %02x, want %016" G_GINT64_MODIFIER
                 "x flags %02x",
                 op->name, a, b, c, mode_names[rm], got, flags, want, want_flags | before[i]);
    }
}

static void
test_corners (gconstpointer data)
{
  const struct op *op = data;
  unsigned n = corner_count (op->single) * 2;
  unsigned second = op->operands > 1 ? n : 1;
  unsigned i, j, rm;

  rv_fp_enter (&hart);
  for (i = 0; i < n; i++)
    for (j = 0; j < second; j++)
      for (rm = 0; rm < 5; rm++)
        {
          uint64_t c = corner (op->single, (unsigned) rnd () % (n / 2), rnd () & 1);

          compare (op, corner (op->single, i / 2, i & 1), corner (op->single, j / 2, j & 1), c, rm,
                   true);
        }
  rv_fp_leave (&hart);
}

static void
test_random (gconstpointer data)
{
  const struct op *op = data;
  int i, n = g_test_slow () ? 2000000 : 40000;

  rv_fp_enter (&hart);
  for (i = 0; i < n; i++)
    compare (op, operand (op->single), operand (op->single), operand (op->single), (unsigned) i % 5,
             rnd () & 1);
  rv_fp_leave (&hart);
}

/* ---- answers that follow from the manual ---- */

struct answer
{
  const char *op;
  unsigned rm;
  uint64_t a, b, c, want;
  unsigned flags;
};

#define INF_D D (0x7ff0000000000000)
#define QNAN_D D (0x7ff8000000000000)
#define SNAN_D D (0x7ff0000000000001)
#define ONE_D D (0x3ff0000000000000)
#define MAX_D D (0x7fefffffffffffff)

static const struct answer answers[] = {
  /* 1 + 2^-53: a tie, in each mode */
  { "fadd_d", 0, ONE_D, D (0x3ca0000000000000), 0, ONE_D, NX },
  { "fadd_d", 1, ONE_D, D (0x3ca0000000000000), 0, ONE_D, NX },
  { "fadd_d", 2, ONE_D, D (0x3ca0000000000000), 0, ONE_D, NX },
  { "fadd_d", 3, ONE_D, D (0x3ca0000000000000), 0, ONE_D + 1, NX },
  { "fadd_d", 4, ONE_D, D (0x3ca0000000000000), 0, ONE_D + 1, NX },
  /* x - x is +0, but -0 when rounding down */
  { "fsub_d", 0, ONE_D, ONE_D, 0, 0, 0 },
  { "fsub_d", 2, ONE_D, ONE_D, 0, SIGN_D, 0 },
  { "fsub_d", 4, ONE_D, ONE_D, 0, 0, 0 },
  /* overflow */
  { "fadd_d", 0, MAX_D, MAX_D, 0, INF_D, OF | NX },
  { "fadd_d", 1, MAX_D, MAX_D, 0, MAX_D, OF | NX },
  { "fadd_d", 2, MAX_D, MAX_D, 0, MAX_D, OF | NX },
  { "fadd_d", 3, MAX_D, MAX_D, 0, INF_D, OF | NX },
  { "fadd_d", 4, MAX_D, MAX_D, 0, INF_D, OF | NX },
  { "fadd_d", 2, MAX_D | SIGN_D, MAX_D | SIGN_D, 0, INF_D | SIGN_D, OF | NX },
  { "fadd_d", 3, MAX_D | SIGN_D, MAX_D | SIGN_D, 0, MAX_D | SIGN_D, OF | NX },
  /* NaNs come out canonical; only signaling ones are invalid */
  { "fadd_d", 0, D (0xfff8000000000123), ONE_D, 0, QNAN_D, 0 },
  { "fadd_d", 0, ONE_D, SNAN_D, 0, QNAN_D, NV },
  { "fsub_d", 0, INF_D, INF_D, 0, QNAN_D, NV },
  { "fmul_d", 0, INF_D, 0, 0, QNAN_D, NV },
  { "fdiv_d", 0, ONE_D, SIGN_D, 0, INF_D | SIGN_D, DZ },
  { "fdiv_d", 0, 0, 0, 0, QNAN_D, NV },
  { "fsqrt_d", 0, ONE_D | SIGN_D, 0, 0, QNAN_D, NV },
  { "fsqrt_d", 0, SIGN_D, 0, 0, SIGN_D, 0 },
  { "fsqrt_s", 0, S (0x40000000), 0, 0, S (0x3fb504f3), NX },
  { "fmadd_d", 0, INF_D, 0, QNAN_D, QNAN_D, NV },
  { "fmadd_d", 0, ONE_D, ONE_D, QNAN_D, QNAN_D, 0 },
  { "fnmadd_d", 0, ONE_D, ONE_D, ONE_D | SIGN_D, 0, 0 },
  { "fnmadd_d", 2, ONE_D, ONE_D, ONE_D | SIGN_D, SIGN_D, 0 },
  /* one rounding: (1 + e)^2 - 1 with e = 2^-52 is 2e + e^2 */
  { "fmsub_d", 1, ONE_D + 1, ONE_D + 1, ONE_D, D (0x3cc0000000000000), NX },
  { "fmsub_d", 3, ONE_D + 1, ONE_D + 1, ONE_D, D (0x3cc0000000000001), NX },
  /* tininess after rounding: (1 - 2^-26) 2^-126 rounds to the least normal number and is not tiny;
     (1 - 2^-24) 2^-126 is exact with unbounded exponent, so it is */
  { "fmul_s", 0, S (0x20000400), S (0x1ffff800), 0, S (0x00800000), NX },
  { "fmul_s", 0, S (0x3f7fffff), S (0x00800000), 0, S (0x00800000), UF | NX },
  { "fmul_s", 1, S (0x20000400), S (0x1ffff800), 0, S (0x007fffff), UF | NX },
  { "fmul_s", 0, S (0x00000001), S (0x3f000000), 0, S (0x00000000), UF | NX },
  { "fmul_s", 4, S (0x00000001), S (0x3f000000), 0, S (0x00000001), UF | NX },
  { "fmul_s", 3, S (0x00000001), S (0x00000001), 0, S (0x00000001), UF | NX },
  { "fmul_s", 0, S (0x00000002), S (0x3f000000), 0, S (0x00000001), 0 },
  /* a single that is not boxed is the canonical NaN, which is quiet */
  { "fadd_s", 0, D (0x3f800000), S (0x3f800000), 0, S (0x7fc00000), 0 },
  { "feq_s", 0, D (0x3f800000), S (0x3f800000), 0, 0, 0 },
  { "flt_s", 0, D (0x3f800000), S (0x3f800000), 0, 0, NV },
  /* conversions: rounding, then range (the manual's table of FCVT results) */
  { "fcvt_w_d", 0, D (0x4004000000000000), 0, 0, 2, NX },
  { "fcvt_w_d", 4, D (0x4004000000000000), 0, 0, 3, NX },
  { "fcvt_w_d", 4, D (0xc004000000000000), 0, 0, D (0xfffffffffffffffd), NX },
  { "fcvt_w_d", 0, D (0x41dfffffffe00000), 0, 0, 0x7fffffff, NV },
  { "fcvt_w_d", 1, D (0x41dfffffffe00000), 0, 0, 0x7fffffff, NX },
  { "fcvt_w_d", 0, D (0xc1e0000000100000), 0, 0, D (0xffffffff80000000), NX },
  { "fcvt_w_d", 2, D (0xc1e0000000100000), 0, 0, D (0xffffffff80000000), NV },
  { "fcvt_w_d", 0, QNAN_D | SIGN_D, 0, 0, 0x7fffffff, NV },
  { "fcvt_w_d", 0, INF_D | SIGN_D, 0, 0, D (0xffffffff80000000), NV },
  { "fcvt_wu_d", 0, D (0x41effffffff00000), 0, 0, D (0xffffffffffffffff), NV },
  { "fcvt_wu_d", 1, D (0x41effffffff00000), 0, 0, D (0xffffffffffffffff), NX },
  { "fcvt_wu_d", 0, D (0xbfe0000000000000), 0, 0, 0, NX },
  { "fcvt_wu_d", 2, D (0xbfe0000000000000), 0, 0, 0, NV },
  { "fcvt_wu_d", 0, QNAN_D, 0, 0, D (0xffffffffffffffff), NV },
  { "fcvt_l_d", 0, D (0x43e0000000000000), 0, 0, D (0x7fffffffffffffff), NV },
  { "fcvt_l_d", 0, D (0xc3e0000000000000), 0, 0, D (0x8000000000000000), 0 },
  { "fcvt_lu_d", 0, D (0x43efffffffffffff), 0, 0, D (0xfffffffffffff800), 0 },
  { "fcvt_lu_d", 0, D (0x43f0000000000000), 0, 0, D (0xffffffffffffffff), NV },
  { "fcvt_lu_d", 0, ONE_D | SIGN_D, 0, 0, 0, NV },
  { "fcvt_d_lu", 0, D (0xffffffffffffffff), 0, 0, D (0x43f0000000000000), NX },
  { "fcvt_d_lu", 1, D (0xffffffffffffffff), 0, 0, D (0x43efffffffffffff), NX },
  { "fcvt_s_w", 0, D (0x0000000001000001), 0, 0, S (0x4b800000), NX },
  { "fcvt_s_w", 4, D (0x0000000001000001), 0, 0, S (0x4b800001), NX },
  { "fcvt_s_d", 0, D (0x47effffff0000000), 0, 0, S (0x7f800000), OF | NX },
  { "fcvt_s_d", 1, D (0x47effffff0000000), 0, 0, S (0x7f7fffff), NX },
  { "fcvt_d_s", 0, S (0x00000001), 0, 0, D (0x36a0000000000000), 0 },
  { "fcvt_d_s", 0, S (0x7f800001), 0, 0, QNAN_D, NV },
  /* comparisons: FEQ is quiet, the others are not */
  { "feq_d", 0, 0, SIGN_D, 0, 1, 0 },
  { "feq_d", 0, QNAN_D, ONE_D, 0, 0, 0 },
  { "feq_d", 0, SNAN_D, ONE_D, 0, 0, NV },
  { "flt_d", 0, QNAN_D, ONE_D, 0, 0, NV },
  { "fle_d", 0, ONE_D, ONE_D, 0, 1, 0 },
  { "fle_d", 0, SIGN_D, 0, 0, 1, 0 },
  { "flt_d", 0, SIGN_D, 0, 0, 0, 0 },
};

static void
test_answers (void)
{
  unsigned i, j;

  rv_fp_enter (&hart);
  for (i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      const struct answer *t = &answers[i];

      for (j = 0; j < G_N_ELEMENTS (ops) && strcmp (ops[j].name, t->op) != 0; j++)
        ;
      g_assert_cmpuint (j, <, G_N_ELEMENTS (ops));
      rv_fp_set_frm (&hart, t->rm);
      rv_fp_set_flags (&hart, 0);
      g_test_message ("row %u: %s %s", i, t->op, mode_names[t->rm]);
      g_assert_cmphex (ops[j].run (&hart, t->a, t->b, t->c, RV_RM_DYN), ==, t->want);
      g_assert_cmphex (rv_fp_get_flags (&hart), ==, t->flags);
    }
  rv_fp_leave (&hart);
}

/* roundTiesToAway has no host to compare with: the exact product of two singles is a double, and
   the answer is the nearer of its two neighbors, the larger one in a tie. */
static void
test_away (void)
{
  int i;

  for (i = 0; i < 200000; i++)
    {
      uint64_t a = operand (true), b = operand (true);
      double x = rv_as_s (a), y = rv_as_s (b), exact = x * y;
      unsigned fl = 0, unused = 0;
      uint64_t down = BOX (rv_soft_mul (FS, U (a), U (b), RV_RM_RTZ, &fl));
      uint64_t got = BOX (rv_soft_mul (FS, U (a), U (b), RV_RM_RMM, &unused));
      uint64_t away = down + 1;
      double below, above;

      if (!isfinite (exact) || !isfinite (rv_as_s (away)) || !(fl & NX))
        continue;
      below = fabs (exact - (double) rv_as_s (down));
      above = fabs ((double) rv_as_s (away) - exact);
      g_assert_cmphex (got, ==, below < above ? down : away);
    }
}

static void
test_signs_and_classes (void)
{
  struct rv_hart *h = &hart;

  rv_fp_enter (h);
  rv_fp_set_flags (h, 0);
  g_assert_cmphex (rv_fmin_d (h, 0, SIGN_D), ==, SIGN_D);
  g_assert_cmphex (rv_fmin_d (h, SIGN_D, 0), ==, SIGN_D);
  g_assert_cmphex (rv_fmax_d (h, 0, SIGN_D), ==, 0);
  g_assert_cmphex (rv_fmax_d (h, SIGN_D, 0), ==, 0);
  g_assert_cmphex (rv_fmin_d (h, QNAN_D, ONE_D), ==, ONE_D);
  g_assert_cmphex (rv_fmax_d (h, ONE_D, D (0xfff8000000000001)), ==, ONE_D);
  g_assert_cmphex (rv_fmax_d (h, QNAN_D | 5, QNAN_D | SIGN_D), ==, QNAN_D);
  g_assert_cmphex (rv_fp_get_flags (h), ==, 0);
  g_assert_cmphex (rv_fmin_d (h, SNAN_D, ONE_D), ==, ONE_D);
  g_assert_cmphex (rv_fp_get_flags (h), ==, NV);
  g_assert_cmphex (rv_fmin_d (h, ONE_D | SIGN_D, MAX_D | SIGN_D), ==, MAX_D | SIGN_D);
  g_assert_cmphex (rv_fmin_s (h, S (0x3f800000), S (0xbf800000)), ==, S (0xbf800000));
  g_assert_cmphex (rv_fmax_s (h, 0x3f800000, S (0xbf800000)), ==, S (0xbf800000));
  rv_fp_leave (h);

  g_assert_cmphex (rv_fsgnj_s (0x3f800000, S (0x80000000)), ==, S (0xffc00000));
  g_assert_cmphex (rv_fsgnjn_s (S (0x3f800000), S (0x3f800000)), ==, S (0xbf800000));
  g_assert_cmphex (rv_fsgnjx_d (ONE_D | SIGN_D, SIGN_D), ==, ONE_D);
  g_assert_cmphex (rv_fmv_x_w (D (0x0000000080000000)), ==, D (0xffffffff80000000));

  g_assert_cmphex (rv_fclass_d (INF_D | SIGN_D), ==, 1 << 0);
  g_assert_cmphex (rv_fclass_d (ONE_D | SIGN_D), ==, 1 << 1);
  g_assert_cmphex (rv_fclass_d (SIGN_D | 1), ==, 1 << 2);
  g_assert_cmphex (rv_fclass_d (SIGN_D), ==, 1 << 3);
  g_assert_cmphex (rv_fclass_d (0), ==, 1 << 4);
  g_assert_cmphex (rv_fclass_d (1), ==, 1 << 5);
  g_assert_cmphex (rv_fclass_d (ONE_D), ==, 1 << 6);
  g_assert_cmphex (rv_fclass_d (INF_D), ==, 1 << 7);
  g_assert_cmphex (rv_fclass_d (SNAN_D), ==, 1 << 8);
  g_assert_cmphex (rv_fclass_d (QNAN_D | SIGN_D), ==, 1 << 9);
  g_assert_cmphex (rv_fclass_s (0x3f800000), ==, 1 << 9);
  g_assert_cmphex (rv_fclass_s (S (0x80000001)), ==, 1 << 2);
}

/* Outside enter and leave the thread rounds to nearest and its own flags reach no guest. */
static void
test_enter_leave (void)
{
  volatile double one = 1, tiny = 0x1p-60;

  rv_fp_set_flags (&hart, 0);
  rv_fp_set_frm (&hart, RV_RM_RUP);
  rv_fp_enter (&hart);
  g_assert_cmphex (rv_fadd_d (&hart, ONE_D, 1, RV_RM_DYN), ==, ONE_D + 1);
  rv_fp_leave (&hart);
  g_assert_cmphex (hart.fflags, ==, NX);
  g_assert_true (one + tiny == 1);
  rv_fp_set_flags (&hart, 0);
  g_assert_true (one / 3 != 0);
  rv_fp_enter (&hart);
  rv_fp_leave (&hart);
  g_assert_cmphex (hart.fflags, ==, 0);
}

/* Nor do they while the unit is lent to a device in the middle of a run, in any mode; and what the
   guest had raised before is still there. */
static void
test_lend (void)
{
  volatile double one = 1, zero = 0, tiny = 0x1p-60, r;
  unsigned rm;

  for (rm = 0; rm < 5; rm++)
    {
      uint32_t lent;

      rv_fp_set_flags (&hart, 0);
      rv_fp_set_frm (&hart, rm);
      rv_fp_enter (&hart);
      g_assert_cmphex (rv_fsqrt_d (&hart, ONE_D | SIGN_D, RV_RM_DYN), ==, QNAN_D);
      lent = rv_fp_lend (&hart);
      r = one / zero;
      g_assert_true (one + tiny == 1 && one - tiny == 1);
      rv_fp_take_back (&hart, lent);
      g_assert_cmphex (rv_fp_get_flags (&hart), ==, NV);
      g_assert_cmphex (rv_fadd_d (&hart, ONE_D, 1, RV_RM_DYN), ==, ONE_D + (rm == RV_RM_RUP));
      rv_fp_leave (&hart);
      g_assert_cmphex (hart.fflags, ==, NV | NX);
    }
  g_assert_true (isinf (r));
}

int
main (int argc, char **argv)
{
  unsigned i;

  g_test_init (&argc, &argv, NULL);
  rv_fp_init ();
  g_test_add_func ("/fp/answers", test_answers);
  g_test_add_func ("/fp/away", test_away);
  g_test_add_func ("/fp/signs-and-classes", test_signs_and_classes);
  g_test_add_func ("/fp/enter-leave", test_enter_leave);
  g_test_add_func ("/fp/lend", test_lend);
  for (i = 0; i < G_N_ELEMENTS (ops); i++)
    {
      g_autofree char *corners = g_strdup_printf ("/fp/corners/%s", ops[i].name);
      g_autofree char *random = g_strdup_printf ("/fp/random/%s", ops[i].name);

      g_test_add_data_func (corners, &ops[i], test_corners);
      g_test_add_data_func (random, &ops[i], test_random);
    }
  return g_test_run ();
}
