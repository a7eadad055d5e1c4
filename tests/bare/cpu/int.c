/* SPDX-License-Identifier: BSD-2-Clause */
/* RV64I arithmetic: the table of int.py. */
#include "table.h"

void
test (void)
{
  table_run (0);
}
