/* SPDX-License-Identifier: BSD-2-Clause */
/* Zbc, carry-less multiplication: the table of zbc.py. */
#include "table.h"

void
test (void)
{
  table_run (0);
}
