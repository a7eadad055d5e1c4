/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectored trap entry, and which of several pending interrupts is taken first. */
#include "bare.h"

extern char m_vectors[], s_vectors[];
u64 vector_hit;

/* The manual orders MEI MSI MTI SEI SSI STI; QEMU 7.2 without AIA takes the lowest number. */
#define FIRST(manual, lowest) (ON_QEMU72 ? (lowest) : (manual))

/* Enable what IE says, with whatever is pending, and tell which entry was reached. */
static u64
m_taken (u64 ie)
{
  vector_hit = 99;
  csr_write (mie, ie);
  asm volatile ("csrsi mstatus, 8\n\tnop\n\tnop\n\tcsrci mstatus, 8" ::: "t5", "t6", "memory");
  csr_write (mie, 0);
  return vector_hit;
}

static u64
s_taken (u64 ie)
{
  vector_hit = 99;
  csr_write (sie, ie);
  asm volatile ("csrsi sstatus, 2\n\tnop\n\tnop\n\tcsrci sstatus, 2" ::: "t5", "t6", "memory");
  csr_write (sie, 0);
  return vector_hit;
}

static u64
in_s (u64 (*fn) (u64), u64 arg)
{
  return run_in (MODE_S, fn, arg);
}

void
test (void)
{
  u64 mtvec_was = csr_read (mtvec), stvec_was = csr_read (stvec);
  pmp_open ();
  csr_write (mideleg, 0);
  csr_write (medeleg, 0);
  csr_write (mtvec, (u64) m_vectors | 1);
  CHECK_EQ (csr_read (mtvec), (u64) m_vectors | 1);
  csr_write (mip, 0x222); /* SSIP, STIP, SEIP are M's to set */
  CHECK_SOON (csr_read (mip) & 0x222, 0x222);
  wr32 (MSIP (0), 1);
  MMIO (u64, MTIMECMP (0)) = 0;
  CHECK_SOON (csr_read (mip) & 0xaaa, 0x2aa);
  /* MEI, MSI, MTI, SEI, SSI, STI is the order; MEI needs the PLIC and is tested with it */
  CHECK_EQ (m_taken (0x2aa), FIRST (3, 1));
  CHECK_EQ (m_taken (0x2a2), FIRST (7, 1));
  CHECK_EQ (m_taken (0x222), FIRST (9, 1));
  CHECK_EQ (m_taken (0x022), 1);
  CHECK_EQ (m_taken (0x020), 5);
  CHECK_EQ (m_taken (0), 99);
  /* with MIE off M takes none; a lower mode takes them whatever MIE says */
  csr_write (mie, 0x2aa);
  asm volatile ("nop\n\tnop");
  CHECK_EQ (vector_hit, 99);
  csr_write (mie, 0);

  /* exceptions go to the base: entry 0, whose handler steps over the instruction */
  vector_hit = 98;
  asm volatile (".4byte 0xffffffff" ::: "t5", "t6", "memory");
  csr_write (mtvec, mtvec_was);
  CHECK_EQ (vector_hit, 0);

  /* S: delegated ones only, its own table */
  csr_write (mideleg, 0x222);
  csr_write (stvec, (u64) s_vectors | 1);
  CHECK_EQ (in_s (s_taken, 0x222), FIRST (9, 1));
  CHECK_EQ (in_s (s_taken, 0x022), 1);
  CHECK_EQ (in_s (s_taken, 0x020), 5);
  CHECK_EQ (in_s (s_taken, 0), 99);
  /* what is not delegated is neither seen nor enabled in S */
  csr_write (mideleg, 0x200);
  CHECK_EQ (in_s (s_taken, 0x222), 9);
  CHECK_EQ (in_s (s_taken, 0x022), 99);
  csr_write (stvec, stvec_was);
  csr_write (mip, 0);
  wr32 (MSIP (0), 0);
  MMIO (u64, MTIMECMP (0)) = -1ul;
  CHECK_SOON (csr_read (mip) & 0xaaa, 0);
}
