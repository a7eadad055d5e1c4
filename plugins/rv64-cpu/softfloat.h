/* SPDX-License-Identifier: BSD-2-Clause */
/* IEEE 754 binary arithmetic in integers, with the results, flags and NaNs that RISC-V asks for.
 *
 * Owns: the definition of every rounded operation, in all five rounding modes.  Pure functions; a
 * value is its bit pattern in the low bits of a uint64_t, without NaN boxing.
 * Must not know: harts, registers, the host's floating-point unit (fp.h uses that one where it
 * gives the same answer faster, and a test compares the two).
 */
#ifndef RV64_CPU_SOFTFLOAT_H
#define RV64_CPU_SOFTFLOAT_H

#include <stdbool.h>
#include <stdint.h>

/* Accrued exception flags, as in fcsr. */
enum
{
  RV_FP_NX = 1,
  RV_FP_UF = 2,
  RV_FP_OF = 4,
  RV_FP_DZ = 8,
  RV_FP_NV = 16,
  RV_FP_ALL = 31
};

/* Rounding modes, as in fcsr.frm and the rm field of an instruction. */
enum
{
  RV_RM_RNE = 0,
  RV_RM_RTZ = 1,
  RV_RM_RDN = 2,
  RV_RM_RUP = 3,
  RV_RM_RMM = 4,
  RV_RM_DYN = 7 /* in instructions only */
};

/* A binary interchange format: its total width, and its stored fraction bits. */
struct rv_format
{
  unsigned width;
  unsigned frac;
};

extern const struct rv_format rv_format_s;
extern const struct rv_format rv_format_d;

/* RM is one of the five real modes.  FLAGS gains the exceptions of the operation. */
uint64_t rv_soft_add (const struct rv_format *f, uint64_t a, uint64_t b, unsigned rm,
                      unsigned *flags);
uint64_t rv_soft_mul (const struct rv_format *f, uint64_t a, uint64_t b, unsigned rm,
                      unsigned *flags);
uint64_t rv_soft_div (const struct rv_format *f, uint64_t a, uint64_t b, unsigned rm,
                      unsigned *flags);
uint64_t rv_soft_sqrt (const struct rv_format *f, uint64_t a, unsigned rm, unsigned *flags);
/* a * b + c, rounded once. */
uint64_t rv_soft_fma (const struct rv_format *f, uint64_t a, uint64_t b, uint64_t c, unsigned rm,
                      unsigned *flags);
/* To an integer of BITS (32 or 64) bits, saturating; 32-bit results are sign-extended. */
uint64_t rv_soft_to_int (const struct rv_format *f, uint64_t a, unsigned bits, bool is_signed,
                         unsigned rm, unsigned *flags);
uint64_t rv_soft_from_int (const struct rv_format *f, uint64_t v, bool is_signed, unsigned rm,
                           unsigned *flags);
/* From format F to format T. */
uint64_t rv_soft_convert (const struct rv_format *f, const struct rv_format *t, uint64_t a,
                          unsigned rm, unsigned *flags);
/* a == b (quiet), a < b and a <= b (signaling). */
bool rv_soft_eq (const struct rv_format *f, uint64_t a, uint64_t b, unsigned *flags);
bool rv_soft_lt (const struct rv_format *f, uint64_t a, uint64_t b, unsigned *flags);
bool rv_soft_le (const struct rv_format *f, uint64_t a, uint64_t b, unsigned *flags);
/* minimumNumber and maximumNumber of IEEE 754-2019. */
uint64_t rv_soft_min (const struct rv_format *f, uint64_t a, uint64_t b, unsigned *flags);
uint64_t rv_soft_max (const struct rv_format *f, uint64_t a, uint64_t b, unsigned *flags);
/* The ten-bit mask of FCLASS. */
unsigned rv_soft_class (const struct rv_format *f, uint64_t a);

#endif
