/* SPDX-License-Identifier: BSD-2-Clause */
/* The M extension: the table of muldiv.py. */
#include "table.h"

void
test (void)
{
  table_run (0);
}
