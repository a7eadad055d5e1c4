/* SPDX-License-Identifier: BSD-2-Clause */
/* The runtime itself: console, checks, an expected trap, a lower mode, zeroed memory. */
#include "bare.h"

static u64 zeroed[512];

static u64
lower (u64 arg)
{
  return arg + 1;
}

void
test (void)
{
  u64 sum = 0;
  for (int i = 0; i < 512; i++)
    sum |= zeroed[i];
  CHECK_EQ (sum, 0);
  CHECK_EQ (TRAP_ASM ("ecall"), CAUSE_ECALL_M);
  CHECK_EQ (TRAP_ASM (".4byte 0xffffffff"), CAUSE_ILLEGAL);
  CHECK_EQ (TRAP_ASM ("nop"), NO_TRAP);
  pmp_open ();
  CHECK_EQ (run_in (MODE_S, lower, 41), 42);
  CHECK_EQ (run_in (MODE_U, lower, 41), 42);
  CHECK_EQ (probe (MODE_U, (u64) probe_ld, (u64) zeroed, 0), NO_TRAP);
  CHECK_EQ (probe (MODE_U, (u64) probe_ld, 0, 0), CAUSE_LOAD_ACCESS);
  CHECK_EQ (hart ()->trap.tval, 0);
}
