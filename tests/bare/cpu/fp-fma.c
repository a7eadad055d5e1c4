/* SPDX-License-Identifier: BSD-2-Clause */
/* Fused multiply-add: the table of fp-fma.py. */
#include "fp.h"

void
test (void)
{
  fp_run ();
}
