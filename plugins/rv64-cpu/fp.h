/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating-point instructions as functions of register contents.  f-register arguments and results are
 * NaN-boxed 64-bit values (the _s functions unbox and box), x-register ones are as in x[].  RM is one
 * of the five real rounding modes: the interpreter has resolved the dynamic one.  Flags accrue in
 * h->fflags; nothing else of the hart is touched.  The hot ones may be static inline.
 */
#ifndef RV64_CPU_FP_H
#define RV64_CPU_FP_H

#include "cpu.h"

#define RV_FP_DECLARE(S)                                                                           \
  uint64_t rv_fadd_##S (struct rv_hart *h, uint64_t a, uint64_t b, unsigned rm);                   \
  uint64_t rv_fsub_##S (struct rv_hart *h, uint64_t a, uint64_t b, unsigned rm);                   \
  uint64_t rv_fmul_##S (struct rv_hart *h, uint64_t a, uint64_t b, unsigned rm);                   \
  uint64_t rv_fdiv_##S (struct rv_hart *h, uint64_t a, uint64_t b, unsigned rm);                   \
  uint64_t rv_fsqrt_##S (struct rv_hart *h, uint64_t a, unsigned rm);                              \
  uint64_t rv_fmadd_##S (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm);      \
  uint64_t rv_fmsub_##S (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm);      \
  uint64_t rv_fnmsub_##S (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm);     \
  uint64_t rv_fnmadd_##S (struct rv_hart *h, uint64_t a, uint64_t b, uint64_t c, unsigned rm);     \
  uint64_t rv_fmin_##S (struct rv_hart *h, uint64_t a, uint64_t b);                                \
  uint64_t rv_fmax_##S (struct rv_hart *h, uint64_t a, uint64_t b);                                \
  uint64_t rv_feq_##S (struct rv_hart *h, uint64_t a, uint64_t b);                                 \
  uint64_t rv_flt_##S (struct rv_hart *h, uint64_t a, uint64_t b);                                 \
  uint64_t rv_fle_##S (struct rv_hart *h, uint64_t a, uint64_t b);                                 \
  uint64_t rv_fclass_##S (uint64_t a);                                                             \
  uint64_t rv_fcvt_w_##S (struct rv_hart *h, uint64_t a, unsigned rm);                             \
  uint64_t rv_fcvt_wu_##S (struct rv_hart *h, uint64_t a, unsigned rm);                            \
  uint64_t rv_fcvt_l_##S (struct rv_hart *h, uint64_t a, unsigned rm);                             \
  uint64_t rv_fcvt_lu_##S (struct rv_hart *h, uint64_t a, unsigned rm);                            \
  uint64_t rv_fcvt_##S##_w (struct rv_hart *h, uint64_t x, unsigned rm);                           \
  uint64_t rv_fcvt_##S##_wu (struct rv_hart *h, uint64_t x, unsigned rm);                          \
  uint64_t rv_fcvt_##S##_l (struct rv_hart *h, uint64_t x, unsigned rm);                           \
  uint64_t rv_fcvt_##S##_lu (struct rv_hart *h, uint64_t x, unsigned rm);

RV_FP_DECLARE (s)
RV_FP_DECLARE (d)

uint64_t rv_fcvt_s_d (struct rv_hart *h, uint64_t a, unsigned rm);
uint64_t rv_fcvt_d_s (struct rv_hart *h, uint64_t a, unsigned rm);

#endif
