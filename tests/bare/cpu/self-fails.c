/* SPDX-License-Identifier: BSD-2-Clause */
/* Proof that a check can fail: the number of the first that did is the exit status. */
#include "bare.h"

void
test (void)
{
  CHECK_EQ (1 + 1, 2);
  CHECK_EQ (RAM, 0x80000000);
  CHECK_EQ (TRAP_ASM ("ecall"), CAUSE_ECALL_S); /* it is M's */
  CHECK_EQ (1 + 1, 3);
}
