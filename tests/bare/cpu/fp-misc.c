/* SPDX-License-Identifier: BSD-2-Clause */
/* F and D: sign injection, min and max, compare, class, moves: the table of fp-misc.py. */
#include "fp.h"

void
test (void)
{
  fp_run ();
}
