/* SPDX-License-Identifier: BSD-2-Clause */
/* Zbb, basic bit manipulation: the table of zbb.py. */
#include "table.h"

/* QEMU 7.2 counts on into the upper word where the lower is zero; the manual says 32. */
static int
ctzw_of_zero (const struct row *r)
{
  return !memcmp (r->name, "ctzw", 4) && !(u32) r->a;
}

void
test (void)
{
  table_run (ON_QEMU72 ? ctzw_of_zero : 0);
}
