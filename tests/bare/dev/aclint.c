/* SPDX-License-Identifier: BSD-2-Clause */
/* ACLINT: software interrupt registers, time and comparators, in words and halves. */
#include "bare.h"

#define MIP_SOFT 8ul
#define MIP_TIMER 0x80ul

void
test (void)
{
  /* one bit each */
  wr32 (MSIP (0), -1u);
  CHECK_EQ (rd32 (MSIP (0)), 1);
  CHECK_SOON (csr_read (mip) & MIP_SOFT, MIP_SOFT);
  wr32 (MSIP (0), 0xfffffffe);
  CHECK_EQ (rd32 (MSIP (0)), 0);
  CHECK_SOON (csr_read (mip) & MIP_SOFT, 0);
  /* the other hart's does not show here */
  hart ();
  wr32 (MSIP (1), 1);
  CHECK_SOON (csr_read (mip) & MIP_SOFT, 0);

  /* time runs at 10 MHz, never back, and reads alike whole and in halves */
  u64 t = now ();
  for (int i = 0; i < 1000; i++)
    {
      u64 u = now ();
      if (u < t)
        CHECK_EQ (u, t);
      t = u;
    }
  u32 hi, lo, again;
  do
    {
      hi = rd32 (MTIME + 4);
      lo = rd32 (MTIME);
      again = rd32 (MTIME + 4);
    }
  while (hi != again);
  u64 whole = (u64) hi << 32 | lo;
  CHECK (whole >= t && whole < t + MTIME_HZ);
  u64 c = csr_read (time);
  CHECK (c >= whole && now () >= c);

  /* comparators: whole, halves, read back */
  MMIO (u64, MTIMECMP (0)) = 0x123456789abcdef0;
  CHECK_EQ (MMIO (u64, MTIMECMP (0)), 0x123456789abcdef0);
  CHECK_EQ (rd32 (MTIMECMP (0)), 0x9abcdef0);
  CHECK_EQ (rd32 (MTIMECMP (0) + 4), 0x12345678);
  wr32 (MTIMECMP (0), 0x11112222);
  CHECK_EQ (MMIO (u64, MTIMECMP (0)), 0x1234567811112222);
  wr32 (MTIMECMP (0) + 4, 0x33334444);
  CHECK_EQ (MMIO (u64, MTIMECMP (0)), 0x3333444411112222);
  MMIO (u64, MTIMECMP (1)) = 0x5555666677778888;
  CHECK_EQ (MMIO (u64, MTIMECMP (0)), 0x3333444411112222);
  CHECK_EQ (MMIO (u64, MTIMECMP (1)), 0x5555666677778888);
  MMIO (u64, MTIMECMP (1)) = -1ul;

  /* pending from the moment that time reaches it, until it is moved */
  u64 start = now ();
  MMIO (u64, MTIMECMP (0)) = start + 10000;
  CHECK_SOON (csr_read (mip) & MIP_TIMER, 0);
  CHECK_EQ (WAIT_FOR (csr_read (mip) & MIP_TIMER), 1);
  CHECK (now () >= start + 10000);
  MMIO (u64, MTIMECMP (0)) = -1ul;
  CHECK_SOON (csr_read (mip) & MIP_TIMER, 0);
  MMIO (u64, MTIMECMP (0)) = now ();
  CHECK_SOON (csr_read (mip) & MIP_TIMER, MIP_TIMER);
  MMIO (u64, MTIMECMP (0)) = -1ul;

  /* time can be set, and the comparators follow */
  u64 jump = now () + 1000 * MTIME_HZ;
  MMIO (u64, MTIMECMP (0)) = jump;
  CHECK_SOON (csr_read (mip) & MIP_TIMER, 0);
  MMIO (u64, MTIME) = jump + 5;
  CHECK_EQ (WAIT_FOR (csr_read (mip) & MIP_TIMER), 1);
  u64 after = now ();
  CHECK (after >= jump + 5 && after < jump + MTIME_HZ);
  c = csr_read (time);
  CHECK (c >= after && c < after + MTIME_HZ);
  wr32 (MTIME + 4, 0);
  wr32 (MTIME, 0);
  CHECK (now () < MTIME_HZ);
  CHECK_EQ (WAIT_FOR (!(csr_read (mip) & MIP_TIMER)), 1);
  MMIO (u64, MTIMECMP (0)) = -1ul;
}
