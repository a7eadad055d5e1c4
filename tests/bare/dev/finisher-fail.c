/* SPDX-License-Identifier: BSD-2-Clause */
/* The test finisher: unknown commands do nothing, it reads as 0, and a failure's code becomes the
   exit status, which is how this program says that it passed. */
#include "bare.h"

void
test (void)
{
  static const u32 nothing[] = { 0, 1, 0x5554, 0x3332, 0xffff, 0x7776, 0xabcd0000, 0x12345678 };
  for (unsigned i = 0; i < sizeof nothing / 4; i++)
    wr32 (FINISHER, nothing[i]);
  wr32 (FINISHER + 4, 0x5555);
  wr32 (FINISHER + 0xffc, 0x3333);
  if (rd32 (FINISHER) != 0)
    wr32 (FINISHER, 43u << 16 | 0x3333);
  print ("failing with 42 on purpose\n");
  wr32 (FINISHER, 42u << 16 | 0x3333);
}
