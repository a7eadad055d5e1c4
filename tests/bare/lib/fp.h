/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks a table of floating-point rows: result and accrued flags. */
#ifndef BARE_FP_H
#define BARE_FP_H

#include "bare.h"

struct fp_row
{
  const char *name;
  u64 (*fn) (u64, u64, u64);
  u64 a, b, c, want;
  u64 mode_flags; /* frm; the flags << 8 */
};
extern const struct fp_row fp_rows[], fp_end[];

static inline void
fp_run (void)
{
  csr_set (mstatus, MSTATUS_FS);
  for (const struct fp_row *r = fp_rows; r < fp_end; r++)
    {
      u64 flags, got;
      note (r->name, r->a, r->b);
      csr_write (fcsr, (r->mode_flags & 7) << 5);
      got = r->fn (r->a, r->b, r->c);
      flags = csr_read (fcsr);
      CHECK_EQ (got, r->want);
      CHECK_EQ (flags & 31, r->mode_flags >> 8);
      /* Flags only accrue: once more with all of them set. */
      csr_write (fflags, 31);
      got = r->fn (r->a, r->b, r->c);
      flags = csr_read (fflags);
      CHECK_EQ (got, r->want);
      CHECK_EQ (flags, 31);
    }
  CHECK (fp_end > fp_rows + 100);
}

#endif
