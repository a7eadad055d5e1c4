/* SPDX-License-Identifier: BSD-2-Clause */
/* Zba, address generation: the table of zba.py. */
#include "table.h"

void
test (void)
{
  table_run (0);
}
