/* SPDX-License-Identifier: BSD-2-Clause */
/* F and D conversions: the table of fp-cvt.py. */
#include "fp.h"

void
test (void)
{
  fp_run ();
}
