/* SPDX-License-Identifier: BSD-2-Clause */
/* F and D arithmetic: the table of fp-arith.py. */
#include "fp.h"

void
test (void)
{
  fp_run ();
}
