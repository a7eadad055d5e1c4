/* SPDX-License-Identifier: BSD-2-Clause */
/* The test finisher's reset: the machine starts again, devices and harts as at first, RAM as it was
   but for what is loaded anew. */
#include "plic.h"

#define MARK 0x1234567890abcdeful
static volatile u64 *const mark = (u64 *) (RAM + 0x4000000);
static u64 zeroed, loaded = 7;

void
test (void)
{
  if (*mark != MARK)
    {
      *mark = MARK;
      /* dirty everything that a reset must clean */
      zeroed = 5;
      loaded = 8;
      wr8 (UART + 4, 0x0b);
      wr32 (PLIC_PRIORITY (5), 3);
      wr32 (PLIC_ENABLE (0, 0), 0x20);
      wr32 (PLIC_THRESHOLD (0), 4);
      MMIO (u64, MTIMECMP (0)) = 99;
      wr32 (MSIP (1), 0);
      csr_write (satp, 0);
      csr_write (medeleg, 0x100);
      csr_write (mideleg, 0x222);
      csr_write (mcounteren, 5);
      csr_write (pmpaddr3, 0x20001000);
      csr_write (pmpcfg0, 0x9f1f0000); /* entry 3 locked */
      csr_set (mstatus, MSTATUS_MPRV | MSTATUS_SUM);
      csr_set (mstatus, MSTATUS_MPP);
      print ("resetting\n");
      wr32 (FINISHER, 0x7777);
      u64 end = now () + 5 * MTIME_HZ;
      while (now () < end)
        ;
      fatal ("no reset");
    }
  *mark = 0;
  CHECK_EQ (zeroed, 0);
  CHECK_EQ (loaded, 7);
  CHECK_EQ (csr_read (mhartid), 0);
  CHECK_EQ (csr_read (mstatus) & (MSTATUS_MIE | MSTATUS_MPRV), 0);
  CHECK_EQ (csr_read (mcause), ON_QEMU72 ? csr_read (mcause) : 0);
  if (!ON_QEMU72) /* which keeps a locked entry over a reset */
    CHECK_EQ (csr_read (pmpcfg0), 0);
  CHECK_EQ (csr_read (satp), 0);
  CHECK_EQ (rd32 (PLIC_PRIORITY (5)), 0);
  CHECK_EQ (rd32 (PLIC_ENABLE (0, 0)), 0);
  CHECK_EQ (rd32 (PLIC_THRESHOLD (0)), 0);
  CHECK_EQ (csr_read (mip), 0);
}
