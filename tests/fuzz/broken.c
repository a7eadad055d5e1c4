/* SPDX-License-Identifier: BSD-2-Clause */
/* How a claim that does not hold ends the run, under libFuzzer and under driver.c alike. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

void
fuzz_broken (const char *file, int line, const char *what)
{
  fprintf (stderr, "%s:%d: claim does not hold: %s\n", file, line, what);
  abort ();
}
