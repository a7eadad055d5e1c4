/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks a table of (function, a, b, result) that a generator made. */
#ifndef BARE_TABLE_H
#define BARE_TABLE_H

#include "bare.h"

struct row
{
  const char *name;
  u64 (*fn) (u64, u64);
  u64 a, b, want;
};
extern const struct row table_rows[], table_end[];

/* Every row but those that LEAVE_OUT (may be null) picks. */
static inline void
table_run (int (*leave_out) (const struct row *))
{
  for (const struct row *r = table_rows; r < table_end; r++)
    if (!leave_out || !leave_out (r))
      {
        note (r->name, r->a, r->b);
        CHECK_EQ (r->fn (r->a, r->b), r->want);
      }
  CHECK (table_end > table_rows + 100);
}

#endif
