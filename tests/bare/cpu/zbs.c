/* SPDX-License-Identifier: BSD-2-Clause */
/* Zbs, single bits: the table of zbs.py. */
#include "table.h"

void
test (void)
{
  table_run (0);
}
