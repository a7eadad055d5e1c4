/* SPDX-License-Identifier: BSD-2-Clause */
/* Where nothing is: access faults for loads, stores, AMOs and fetches; the mask ROM; RAM from end
   to end; and fetches from devices. */
#include "bare.h"

static void
nothing (u64 a)
{
  note ("nothing at", a, 0);
  CHECK_EQ (TRAP (rd8 (a)), CAUSE_LOAD_ACCESS);
  CHECK_EQ (hart ()->trap.tval, a);
  CHECK_EQ (TRAP (MMIO (u16, a)), CAUSE_LOAD_ACCESS);
  CHECK_EQ (TRAP (rd32 (a)), CAUSE_LOAD_ACCESS);
  CHECK_EQ (TRAP (MMIO (u64, a)), CAUSE_LOAD_ACCESS);
  CHECK_EQ (TRAP (wr8 (a, 1)), CAUSE_STORE_ACCESS);
  CHECK_EQ (TRAP (wr32 (a, 1)), CAUSE_STORE_ACCESS);
  CHECK_EQ (TRAP (MMIO (u64, a) = 1), CAUSE_STORE_ACCESS);
  CHECK_EQ (hart ()->trap.tval, a);
  CHECK_EQ (trap_jump (a), CAUSE_FETCH_ACCESS);
  CHECK_EQ (hart ()->trap.tval, a);
  CHECK_EQ (hart ()->trap.epc, a);
}

void
test (void)
{
  static const u64 holes[] = { 0, 8, 0xff8, 0x10000, 0x80000, 0xffff8, 0x102000, 0x1fffff8,
                               0x2010000, 0x2fffff8, 0x10000100, 0x10009000, 0x10200000,
                               0x88000000, 0x88000ff8, 0xfffffff8, 0x100000000, 0x3fffffff8,
                               0x1000000000, 0xfffffffffffff8 };
  for (unsigned i = 0; i < sizeof holes / 8; i++)
    nothing (holes[i]);
  /* across the end of RAM */
  CHECK_EQ (TRAP (MMIO (u64, 0x87fffffc)), CAUSE_LOAD_ACCESS);
  CHECK_EQ (TRAP (MMIO (u64, 0x87fffff8)), NO_TRAP);

  /* the mask ROM holds what jumped here, and is not for writing */
  u32 was = rd32 (0x1000);
  CHECK (was != 0);
  u64 cause = TRAP (wr32 (0x1000, ~was));
  CHECK (cause == CAUSE_STORE_ACCESS || cause == NO_TRAP);
  CHECK_EQ (rd32 (0x1000), was);

  /* RAM: each page holds what it was given, no two are one */
  for (u64 a = RAM + 0x200000; a < RAM + 0x8000000; a += 0x10000)
    MMIO (u64, a) = a * 3;
  u64 bad = 0;
  for (u64 a = RAM + 0x200000; a < RAM + 0x8000000; a += 0x10000)
    bad += MMIO (u64, a) != a * 3;
  CHECK_EQ (bad, 0);

  /* code from a device: a fault, not a crash */
  static const u64 devices[] = { FINISHER, RTC, ACLINT, MTIME, PLIC, PLIC + 0x200000, UART,
                                 FW_CFG };
  for (unsigned i = 0; i < sizeof devices / 8; i++)
    {
      note ("fetch from", devices[i], 0);
      CHECK (trap_jump (devices[i]) != NO_TRAP);
    }
}
