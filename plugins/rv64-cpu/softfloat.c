/* SPDX-License-Identifier: BSD-2-Clause */
/* Binary floating point in integers; see softfloat.h.
 *
 * A finite non-zero number is unpacked to a sign, an exponent and a 64-bit significand whose top
 * bit is set: value = sig * 2^(exp - 63).  Sums and products are formed in 128 bits, cut down to 64
 * with every lost bit "jammed" into the lowest one, and rounded once by round_pack.  Jamming is
 * safe: the lowest bit lies at least ten places below the last place of the widest format.
 */
#include "softfloat.h"

typedef unsigned __int128 u128;

const struct rv_format rv_format_s = { 32, 23 };
const struct rv_format rv_format_d = { 64, 52 };

enum kind
{
  ZERO,
  FINITE,
  INFINITE,
  QUIET,
  SIGNALING
};

struct number
{
  uint64_t sig;
  int exp;
  bool sign;
  enum kind kind;
};

/* An exact intermediate: value = sig * 2^(exp - 126), top bit at place 126 so that a sum cannot
   carry out of 128 bits. */
struct wide
{
  u128 sig;
  int exp;
  bool sign;
};

static inline unsigned
exp_mask (const struct rv_format *f)
{
  return (1u << (f->width - 1 - f->frac)) - 1;
}

static inline int
bias (const struct rv_format *f)
{
  return (int) (exp_mask (f) >> 1);
}

static inline uint64_t
sign_bit (const struct rv_format *f, bool sign)
{
  return (uint64_t) sign << (f->width - 1);
}

static inline uint64_t
zero (const struct rv_format *f, bool sign)
{
  return sign_bit (f, sign);
}

static inline uint64_t
infinity (const struct rv_format *f, bool sign)
{
  return sign_bit (f, sign) | (uint64_t) exp_mask (f) << f->frac;
}

/* The canonical NaN: every operation that yields a NaN yields this one (unprivileged manual 11.3).
 */
static inline uint64_t
canonical_nan (const struct rv_format *f)
{
  return infinity (f, false) | UINT64_C (1) << (f->frac - 1);
}

static inline bool
is_nan (struct number n)
{
  return n.kind >= QUIET;
}

static struct number
unpack (const struct rv_format *f, uint64_t bits)
{
  struct number n = { 0, 0, false, ZERO };
  unsigned e = (unsigned) (bits >> f->frac) & exp_mask (f);
  uint64_t m = bits & ((UINT64_C (1) << f->frac) - 1);

  n.sign = bits >> (f->width - 1) & 1;
  if (e == exp_mask (f))
    {
      n.kind = m == 0 ? INFINITE : m >> (f->frac - 1) ? QUIET : SIGNALING;
    }
  else if (e != 0)
    {
      n.kind = FINITE;
      n.sig = UINT64_C (1) << 63 | m << (63 - f->frac);
      n.exp = (int) e - bias (f);
    }
  else if (m != 0)
    {
      int lead = __builtin_clzll (m);

      n.kind = FINITE;
      n.sig = m << lead;
      n.exp = 63 - lead + 1 - bias (f) - (int) f->frac;
    }
  return n;
}

static inline uint64_t
shift_jam (uint64_t v, unsigned n)
{
  if (n == 0)
    return v;
  if (n > 63)
    return v != 0;
  return v >> n | ((v << (64 - n)) != 0);
}

static inline u128
shift_jam_wide (u128 v, unsigned n)
{
  if (n == 0)
    return v;
  if (n > 127)
    return v != 0;
  return v >> n | ((v << (128 - n)) != 0);
}

/* Whether to add one in the last place: HALF is the first lost bit, REST whether any later one is
   set, ODD the last kept one. */
static inline bool
round_up (unsigned rm, bool sign, bool odd, bool half, bool rest)
{
  switch (rm)
    {
    case RV_RM_RNE:
      return half && (rest || odd);
    case RV_RM_RMM:
      return half;
    case RV_RM_RDN:
      return sign && (half || rest);
    case RV_RM_RUP:
      return !sign && (half || rest);
    default: /* RTZ */
      return false;
    }
}

/* SIG without its lowest DROP bits, rounded. */
static inline uint64_t
round_at (uint64_t sig, unsigned drop, bool sign, unsigned rm, bool *inexact)
{
  uint64_t keep = sig >> drop;
  bool half = sig >> (drop - 1) & 1;
  bool rest = (sig & ((UINT64_C (1) << (drop - 1)) - 1)) != 0;

  *inexact = half || rest;
  return keep + round_up (rm, sign, keep & 1, half, rest);
}

static uint64_t
overflow (const struct rv_format *f, bool sign, unsigned rm, unsigned *flags)
{
  bool to_infinity = rm == RV_RM_RNE || rm == RV_RM_RMM || rm == (sign ? RV_RM_RDN : RV_RM_RUP);

  *flags |= RV_FP_OF | RV_FP_NX;
  /* The largest finite number is the pattern just below infinity's. */
  return infinity (f, sign) - !to_infinity;
}

/* Round and pack SIG * 2^(EXP - 63); SIG has its top bit set. */
static uint64_t
round_pack (const struct rv_format *f, bool sign, int exp, uint64_t sig, unsigned rm,
            unsigned *flags)
{
  unsigned drop = 63 - f->frac;
  int least = 1 - bias (f);
  bool inexact;
  uint64_t q = round_at (sig, drop, sign, rm, &inexact);

  if (exp < least)
    {
      /* Tininess is detected after rounding, to unbounded exponent range (11.2): a number that
         would round up to the least normal one is not tiny. */
      bool tiny = !(exp == least - 1 && q >> (f->frac + 1));

      q = round_at (shift_jam (sig, (unsigned) (least - exp)), drop, sign, rm, &inexact);
      if (inexact)
        *flags |= RV_FP_NX | (tiny ? RV_FP_UF : 0);
      /* A carry into the place of the hidden bit makes the exponent field 1, as it should. */
      return sign_bit (f, sign) | q;
    }
  if (q >> (f->frac + 1))
    {
      q >>= 1;
      exp++;
    }
  if (exp > bias (f))
    return overflow (f, sign, rm, flags);
  if (inexact)
    *flags |= RV_FP_NX;
  /* Q holds the hidden bit, which adds the one that is missing in the exponent here. */
  return sign_bit (f, sign) | ((((uint64_t) (exp + bias (f)) - 1) << f->frac) + q);
}

static uint64_t
round_pack_wide (const struct rv_format *f, struct wide w, unsigned rm, unsigned *flags)
{
  uint64_t high = (uint64_t) (w.sig >> 64);
  int lead = high ? __builtin_clzll (high) : 64 + __builtin_clzll ((uint64_t) w.sig);

  w.sig <<= lead;
  return round_pack (f, w.sign, w.exp + 1 - lead,
                     (uint64_t) (w.sig >> 64) | ((uint64_t) w.sig != 0), rm, flags);
}

/* The sum of two non-zero intermediates. */
static uint64_t
add_wide (const struct rv_format *f, struct wide a, struct wide b, unsigned rm, unsigned *flags)
{
  if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig))
    {
      struct wide t = a;

      a = b;
      b = t;
    }
  b.sig = shift_jam_wide (b.sig, (unsigned) (a.exp - b.exp));
  if (a.sign == b.sign)
    a.sig += b.sig;
  else
    a.sig -= b.sig;
  if (a.sig == 0)
    return zero (f, rm == RV_RM_RDN);
  return round_pack_wide (f, a, rm, flags);
}

static inline struct wide
widen (struct number n)
{
  struct wide w = { (u128) n.sig << 63, n.exp, n.sign };

  return w;
}

static inline struct wide
multiply (struct number a, struct number b)
{
  struct wide w = { (u128) a.sig * b.sig, a.exp + b.exp, a.sign != b.sign };

  /* Both factors end in at least eleven zero bits, so nothing is lost here. */
  if (w.sig >> 127)
    {
      w.sig >>= 1;
      w.exp++;
    }
  return w;
}

static uint64_t
nan_result (const struct rv_format *f, bool invalid, unsigned *flags)
{
  if (invalid)
    *flags |= RV_FP_NV;
  return canonical_nan (f);
}

uint64_t
rv_soft_add (const struct rv_format *f, uint64_t a, uint64_t b, unsigned rm, unsigned *flags)
{
  struct number x = unpack (f, a);
  struct number y = unpack (f, b);

  if (is_nan (x) || is_nan (y))
    return nan_result (f, x.kind == SIGNALING || y.kind == SIGNALING, flags);
  if (x.kind == INFINITE)
    return y.kind == INFINITE && x.sign != y.sign ? nan_result (f, true, flags) : a;
  if (y.kind == INFINITE)
    return b;
  if (x.kind == ZERO && y.kind == ZERO)
    return zero (f, x.sign == y.sign ? x.sign : rm == RV_RM_RDN);
  if (x.kind == ZERO)
    return b;
  if (y.kind == ZERO)
    return a;
  return add_wide (f, widen (x), widen (y), rm, flags);
}

uint64_t
rv_soft_mul (const struct rv_format *f, uint64_t a, uint64_t b, unsigned rm, unsigned *flags)
{
  struct number x = unpack (f, a);
  struct number y = unpack (f, b);
  bool sign = x.sign != y.sign;

  if (is_nan (x) || is_nan (y))
    return nan_result (f, x.kind == SIGNALING || y.kind == SIGNALING, flags);
  if (x.kind == INFINITE || y.kind == INFINITE)
    {
      if (x.kind == ZERO || y.kind == ZERO)
        return nan_result (f, true, flags);
      return infinity (f, sign);
    }
  if (x.kind == ZERO || y.kind == ZERO)
    return zero (f, sign);
  return round_pack_wide (f, multiply (x, y), rm, flags);
}

uint64_t
rv_soft_fma (const struct rv_format *f, uint64_t a, uint64_t b, uint64_t c, unsigned rm,
             unsigned *flags)
{
  struct number x = unpack (f, a);
  struct number y = unpack (f, b);
  struct number z = unpack (f, c);
  bool sign = x.sign != y.sign;
  bool invalid = (x.kind == INFINITE && y.kind == ZERO) || (x.kind == ZERO && y.kind == INFINITE);

  /* Infinity times zero is invalid even when a quiet NaN is added to it (11.6). */
  if (invalid || is_nan (x) || is_nan (y) || is_nan (z))
    return nan_result (
        f, invalid || x.kind == SIGNALING || y.kind == SIGNALING || z.kind == SIGNALING, flags);
  if (x.kind == INFINITE || y.kind == INFINITE)
    {
      if (z.kind == INFINITE && z.sign != sign)
        return nan_result (f, true, flags);
      return infinity (f, sign);
    }
  if (z.kind == INFINITE)
    return c;
  if (x.kind == ZERO || y.kind == ZERO)
    {
      if (z.kind == ZERO)
        return zero (f, sign == z.sign ? sign : rm == RV_RM_RDN);
      return c;
    }
  if (z.kind == ZERO)
    return round_pack_wide (f, multiply (x, y), rm, flags);
  return add_wide (f, multiply (x, y), widen (z), rm, flags);
}

uint64_t
rv_soft_div (const struct rv_format *f, uint64_t a, uint64_t b, unsigned rm, unsigned *flags)
{
  struct number x = unpack (f, a);
  struct number y = unpack (f, b);
  bool sign = x.sign != y.sign;
  int exp;
  u128 dividend;
  uint64_t q, sticky;

  if (is_nan (x) || is_nan (y))
    return nan_result (f, x.kind == SIGNALING || y.kind == SIGNALING, flags);
  if (x.kind == y.kind && x.kind != FINITE)
    return nan_result (f, true, flags); /* 0/0 or infinity/infinity */
  if (x.kind == INFINITE)
    return infinity (f, sign);
  if (x.kind == ZERO || y.kind == INFINITE)
    return zero (f, sign);
  if (y.kind == ZERO)
    {
      *flags |= RV_FP_DZ;
      return infinity (f, sign);
    }
  exp = x.exp - y.exp;
  dividend = (u128) x.sig << 63;
  if (x.sig < y.sig)
    {
      dividend <<= 1;
      exp--;
    }
  q = (uint64_t) (dividend / y.sig);
  sticky = dividend % y.sig != 0;
  return round_pack (f, sign, exp, q | sticky, rm, flags);
}

/* The integer square root of V, one bit at a time, with the remainder jammed into its last bit. */
static uint64_t
root_jam (u128 v)
{
  uint64_t r = 0;
  int i;

  for (i = 63; i >= 0; i--)
    {
      uint64_t t = r | UINT64_C (1) << i;

      if ((u128) t * t <= v)
        r = t;
    }
  return r | ((u128) r * r != v);
}

uint64_t
rv_soft_sqrt (const struct rv_format *f, uint64_t a, unsigned rm, unsigned *flags)
{
  struct number x = unpack (f, a);
  int odd;

  if (is_nan (x))
    return nan_result (f, x.kind == SIGNALING, flags);
  if (x.kind == ZERO)
    return a;
  if (x.sign)
    return nan_result (f, true, flags);
  if (x.kind == INFINITE)
    return a;
  odd = x.exp & 1;
  return round_pack (f, false, (x.exp - odd) / 2, root_jam ((u128) x.sig << (63 + odd)), rm, flags);
}

uint64_t
rv_soft_to_int (const struct rv_format *f, uint64_t a, unsigned bits, bool is_signed, unsigned rm,
                unsigned *flags)
{
  struct number x = unpack (f, a);
  uint64_t max = UINT64_MAX >> (64 - bits + is_signed);
  uint64_t limit = x.sign && !is_nan (x) ? (is_signed ? max + 1 : 0) : max;
  uint64_t mag = 0;
  bool inexact = false;
  bool invalid = x.kind >= INFINITE || (x.kind == FINITE && x.exp > 63);

  if (!invalid && x.kind == FINITE)
    {
      u128 fixed = shift_jam_wide ((u128) x.sig << 64, (unsigned) (63 - x.exp));
      uint64_t part = (uint64_t) fixed;
      bool half = part >> 63;
      bool rest = part << 1 != 0;

      mag = (uint64_t) (fixed >> 64);
      mag += round_up (rm, x.sign, mag & 1, half, rest);
      inexact = half || rest;
      invalid = mag > limit;
    }
  if (invalid)
    {
      /* An out-of-range conversion raises NV only, not NX. */
      *flags |= RV_FP_NV;
      mag = limit;
    }
  else if (inexact)
    *flags |= RV_FP_NX;
  if (x.sign && !is_nan (x))
    mag = -mag;
  return bits == 32 ? (uint64_t) (int64_t) (int32_t) mag : mag;
}

uint64_t
rv_soft_from_int (const struct rv_format *f, uint64_t v, bool is_signed, unsigned rm,
                  unsigned *flags)
{
  bool sign = is_signed && v >> 63;
  int lead;

  if (v == 0)
    return zero (f, false);
  if (sign)
    v = -v;
  lead = __builtin_clzll (v);
  return round_pack (f, sign, 63 - lead, v << lead, rm, flags);
}

uint64_t
rv_soft_convert (const struct rv_format *f, const struct rv_format *t, uint64_t a, unsigned rm,
                 unsigned *flags)
{
  struct number x = unpack (f, a);

  if (is_nan (x))
    return nan_result (t, x.kind == SIGNALING, flags);
  if (x.kind == INFINITE)
    return infinity (t, x.sign);
  if (x.kind == ZERO)
    return zero (t, x.sign);
  return round_pack (t, x.sign, x.exp, x.sig, rm, flags);
}

/* A key that orders all numbers, -0 and +0 alike. */
static int64_t
order (const struct rv_format *f, uint64_t a)
{
  uint64_t mag = a & (sign_bit (f, true) - 1);

  return a >> (f->width - 1) & 1 ? -(int64_t) mag : (int64_t) mag;
}

/* True if either operand is a NaN; raises NV for a signaling one, or for any if ALWAYS. */
static bool
unordered (const struct rv_format *f, uint64_t a, uint64_t b, bool always, unsigned *flags)
{
  struct number x = unpack (f, a);
  struct number y = unpack (f, b);

  if (!is_nan (x) && !is_nan (y))
    return false;
  if (always || x.kind == SIGNALING || y.kind == SIGNALING)
    *flags |= RV_FP_NV;
  return true;
}

bool
rv_soft_eq (const struct rv_format *f, uint64_t a, uint64_t b, unsigned *flags)
{
  return !unordered (f, a, b, false, flags) && order (f, a) == order (f, b);
}

bool
rv_soft_lt (const struct rv_format *f, uint64_t a, uint64_t b, unsigned *flags)
{
  return !unordered (f, a, b, true, flags) && order (f, a) < order (f, b);
}

bool
rv_soft_le (const struct rv_format *f, uint64_t a, uint64_t b, unsigned *flags)
{
  return !unordered (f, a, b, true, flags) && order (f, a) <= order (f, b);
}

static uint64_t
min_max (const struct rv_format *f, uint64_t a, uint64_t b, bool max, unsigned *flags)
{
  bool first;

  if (unordered (f, a, b, false, flags))
    {
      /* A number beats a NaN, even a signaling one. */
      if (!is_nan (unpack (f, a)))
        return a;
      if (!is_nan (unpack (f, b)))
        return b;
      return canonical_nan (f);
    }
  /* -0 counts as less than +0. */
  if (order (f, a) == order (f, b))
    first = (a >> (f->width - 1) & 1) != max;
  else
    first = (order (f, a) < order (f, b)) != max;
  return first ? a : b;
}

uint64_t
rv_soft_min (const struct rv_format *f, uint64_t a, uint64_t b, unsigned *flags)
{
  return min_max (f, a, b, false, flags);
}

uint64_t
rv_soft_max (const struct rv_format *f, uint64_t a, uint64_t b, unsigned *flags)
{
  return min_max (f, a, b, true, flags);
}

unsigned
rv_soft_class (const struct rv_format *f, uint64_t a)
{
  struct number x = unpack (f, a);
  bool normal = (a >> f->frac & exp_mask (f)) != 0;

  switch (x.kind)
    {
    case INFINITE:
      return x.sign ? 1u << 0 : 1u << 7;
    case FINITE:
      if (normal)
        return x.sign ? 1u << 1 : 1u << 6;
      return x.sign ? 1u << 2 : 1u << 5;
    case ZERO:
      return x.sign ? 1u << 3 : 1u << 4;
    case SIGNALING:
      return 1u << 8;
    default:
      return 1u << 9;
    }
}
