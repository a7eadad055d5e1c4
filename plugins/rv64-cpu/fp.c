/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of F and D that is not worth inlining; see fp.h.
 *
 * Owns: the exchange of modes and flags with the host's MXCSR, and the calls into softfloat.
 * Must not know: decoding, CSR numbers.
 */
#include "fp.h"

/* ---- modes and flags ---- */

#if RV_FP_SSE

bool rv_fp_has_fma;

enum
{
  MXCSR_IE = 1 << 0,
  MXCSR_ZE = 1 << 2,
  MXCSR_OE = 1 << 3,
  MXCSR_UE = 1 << 4,
  MXCSR_PE = 1 << 5,
  MXCSR_FLAGS = 0x3f,
  MXCSR_MASKED = 0x1f80, /* all exceptions masked, round to nearest, no flush to zero */
  MXCSR_RC_SHIFT = 13
};

void
rv_fp_init (void)
{
  __builtin_cpu_init ();
  rv_fp_has_fma = __builtin_cpu_supports ("fma");
}

static inline uint32_t
get_mxcsr (void)
{
  uint32_t v;

  __asm__ volatile ("stmxcsr %0" : "=m"(v));
  return v;
}

static inline void
set_mxcsr (uint32_t v)
{
  __asm__ volatile ("ldmxcsr %0" : : "m"(v));
}

/* MXCSR.RC counts nearest, down, up, zero. */
static uint32_t
mxcsr_for (const struct rv_hart *h)
{
  static const uint8_t rc[] = { 0, 3, 1, 2 };

  return MXCSR_MASKED | (uint32_t) rc[h->fp_rm & 3] << MXCSR_RC_SHIFT;
}

static void
collect (struct rv_hart *h, uint32_t csr)
{
  unsigned flags = 0;

  if (csr & MXCSR_PE)
    flags |= RV_FP_NX;
  if (csr & MXCSR_UE)
    flags |= RV_FP_UF;
  if (csr & MXCSR_OE)
    flags |= RV_FP_OF;
  if (csr & MXCSR_ZE)
    flags |= RV_FP_DZ;
  if (csr & MXCSR_IE)
    flags |= RV_FP_NV;
  h->fflags |= (uint8_t) flags;
}

void
rv_fp_enter (struct rv_hart *h)
{
  h->fp_rm = h->frm <= RV_RM_RUP ? h->frm : RV_RM_RNE;
  h->fp_saved = get_mxcsr ();
  h->fp_active = 1;
  set_mxcsr (mxcsr_for (h));
}

void
rv_fp_leave (struct rv_hart *h)
{
  collect (h, get_mxcsr ());
  h->fp_active = 0;
  set_mxcsr (h->fp_saved);
}

/* Writing MXCSR costs tens of ns, reading it a few.  Rounding to nearest is what C code expects,
   and flags that it raises can be taken back, so in that mode there is as a rule nothing to
   write. */
#define LEFT UINT32_MAX

uint32_t
rv_fp_lend (struct rv_hart *h)
{
  uint32_t csr = get_mxcsr ();

  if (csr >> MXCSR_RC_SHIFT == 0)
    return csr;
  rv_fp_leave (h);
  return LEFT;
}

void
rv_fp_take_back (struct rv_hart *h, uint32_t lent)
{
  if (lent == LEFT)
    rv_fp_enter (h);
  else if (get_mxcsr () != lent)
    set_mxcsr (lent);
}

unsigned
rv_fp_get_flags (struct rv_hart *h)
{
  if (h->fp_active)
    collect (h, get_mxcsr ());
  return h->fflags;
}

void
rv_fp_set_flags (struct rv_hart *h, unsigned flags)
{
  h->fflags = flags & RV_FP_ALL;
  if (h->fp_active)
    set_mxcsr (mxcsr_for (h));
}

void
rv_fp_set_frm (struct rv_hart *h, unsigned frm)
{
  h->frm = frm & 7;
  if (h->fp_active)
    {
      collect (h, get_mxcsr ());
      h->fp_rm = h->frm <= RV_RM_RUP ? h->frm : RV_RM_RNE;
      set_mxcsr (mxcsr_for (h));
    }
}

#else

void
rv_fp_init (void)
{
}

void
rv_fp_enter (struct rv_hart *h)
{
  h->fp_active = 1;
}

void
rv_fp_leave (struct rv_hart *h)
{
  h->fp_active = 0;
}

uint32_t
rv_fp_lend (struct rv_hart *h)
{
  h->fp_active = 0;
  return 0;
}

void
rv_fp_take_back (struct rv_hart *h, uint32_t lent)
{
  (void) lent;
  h->fp_active = 1;
}

unsigned
rv_fp_get_flags (struct rv_hart *h)
{
  return h->fflags;
}

void
rv_fp_set_flags (struct rv_hart *h, unsigned flags)
{
  h->fflags = flags & RV_FP_ALL;
}

void
rv_fp_set_frm (struct rv_hart *h, unsigned frm)
{
  h->frm = frm & 7;
}

#endif

/* ---- calls into softfloat ---- */

static inline unsigned
mode (const struct rv_hart *h, unsigned rm)
{
  return rm == RV_RM_DYN ? h->frm : rm;
}

static uint64_t
binary (struct rv_hart *h, const struct rv_format *f, enum rv_fp_op op, uint64_t a, uint64_t b,
        unsigned rm)
{
  unsigned flags = 0;
  uint64_t r;

  rm = mode (h, rm);
  switch (op)
    {
    case RV_FP_ADD:
      r = rv_soft_add (f, a, b, rm, &flags);
      break;
    case RV_FP_SUB:
      r = rv_soft_add (f, a, b ^ UINT64_C (1) << (f->width - 1), rm, &flags);
      break;
    case RV_FP_MUL:
      r = rv_soft_mul (f, a, b, rm, &flags);
      break;
    default:
      r = rv_soft_div (f, a, b, rm, &flags);
      break;
    }
  h->fflags |= (uint8_t) flags;
  return r;
}

uint64_t
rv_fp_slow_s (struct rv_hart *h, enum rv_fp_op op, uint64_t a, uint64_t b, unsigned rm)
{
  return rv_box_s ((uint32_t) binary (h, &rv_format_s, op, rv_unbox_s (a), rv_unbox_s (b), rm));
}

uint64_t
rv_fp_slow_d (struct rv_hart *h, enum rv_fp_op op, uint64_t a, uint64_t b, unsigned rm)
{
  return binary (h, &rv_format_d, op, a, b, rm);
}

uint64_t
rv_fp_slow_sqrt_s (struct rv_hart *h, uint64_t a, unsigned rm)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_sqrt (&rv_format_s, rv_unbox_s (a), mode (h, rm), &flags);

  h->fflags |= (uint8_t) flags;
  return rv_box_s ((uint32_t) r);
}

uint64_t
rv_fp_slow_sqrt_d (struct rv_hart *h, uint64_t a, unsigned rm)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_sqrt (&rv_format_d, a, mode (h, rm), &flags);

  h->fflags |= (uint8_t) flags;
  return r;
}

uint64_t
rv_fp_slow_fma_s (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_fma (&rv_format_s, rv_unbox_s (a), rv_unbox_s (b), rv_unbox_s (c),
                            mode (h, rm), &flags);

  h->fflags |= (uint8_t) flags;
  return rv_box_s ((uint32_t) r);
}

uint64_t
rv_fp_slow_fma_d (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_fma (&rv_format_d, a, b, c, mode (h, rm), &flags);

  h->fflags |= (uint8_t) flags;
  return r;
}

uint64_t
rv_fp_slow_to_int_s (struct rv_hart *h, uint64_t a, unsigned bits, bool is_signed, unsigned rm)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_to_int (&rv_format_s, rv_unbox_s (a), bits, is_signed, mode (h, rm), &flags);

  h->fflags |= (uint8_t) flags;
  return r;
}

uint64_t
rv_fp_slow_to_int_d (struct rv_hart *h, uint64_t a, unsigned bits, bool is_signed, unsigned rm)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_to_int (&rv_format_d, a, bits, is_signed, mode (h, rm), &flags);

  h->fflags |= (uint8_t) flags;
  return r;
}

uint64_t
rv_fp_slow_from_int_s (struct rv_hart *h, uint64_t v, bool is_signed, unsigned rm)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_from_int (&rv_format_s, v, is_signed, mode (h, rm), &flags);

  h->fflags |= (uint8_t) flags;
  return rv_box_s ((uint32_t) r);
}

uint64_t
rv_fp_slow_from_int_d (struct rv_hart *h, uint64_t v, bool is_signed, unsigned rm)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_from_int (&rv_format_d, v, is_signed, mode (h, rm), &flags);

  h->fflags |= (uint8_t) flags;
  return r;
}

uint64_t
rv_fp_slow_s_from_d (struct rv_hart *h, uint64_t a, unsigned rm)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_convert (&rv_format_d, &rv_format_s, a, mode (h, rm), &flags);

  h->fflags |= (uint8_t) flags;
  return rv_box_s ((uint32_t) r);
}

uint64_t
rv_fp_slow_d_from_s (struct rv_hart *h, uint64_t a)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_convert (&rv_format_s, &rv_format_d, rv_unbox_s (a), RV_RM_RNE, &flags);

  h->fflags |= (uint8_t) flags;
  return r;
}

/* ---- minimum, maximum, class ---- */

uint64_t
rv_fmin_d (struct rv_hart *h, uint64_t a, uint64_t b)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_min (&rv_format_d, a, b, &flags);

  h->fflags |= (uint8_t) flags;
  return r;
}

uint64_t
rv_fmax_d (struct rv_hart *h, uint64_t a, uint64_t b)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_max (&rv_format_d, a, b, &flags);

  h->fflags |= (uint8_t) flags;
  return r;
}

uint64_t
rv_fmin_s (struct rv_hart *h, uint64_t a, uint64_t b)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_min (&rv_format_s, rv_unbox_s (a), rv_unbox_s (b), &flags);

  h->fflags |= (uint8_t) flags;
  return rv_box_s ((uint32_t) r);
}

uint64_t
rv_fmax_s (struct rv_hart *h, uint64_t a, uint64_t b)
{
  unsigned flags = 0;
  uint64_t r = rv_soft_max (&rv_format_s, rv_unbox_s (a), rv_unbox_s (b), &flags);

  h->fflags |= (uint8_t) flags;
  return rv_box_s ((uint32_t) r);
}

uint64_t
rv_fclass_d (uint64_t a)
{
  return rv_soft_class (&rv_format_d, a);
}

uint64_t
rv_fclass_s (uint64_t a)
{
  return rv_soft_class (&rv_format_s, rv_unbox_s (a));
}
