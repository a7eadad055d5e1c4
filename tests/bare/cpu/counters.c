/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters: instret counts each instruction once, gates of S and U, writes, inhibition, time. */
#include "bare.h"

static u64
u_cycle (u64 a)
{
  return TRAP (csr_read (cycle));
}
static u64
u_time (u64 a)
{
  return TRAP (csr_read (time));
}
static u64
u_instret (u64 a)
{
  return TRAP (csr_read (instret));
}
static u64
u_hpm (u64 a)
{
  return TRAP (csr_read (hpmcounter3));
}
static u64 (*const readers[]) (u64) = { u_cycle, u_time, u_instret, u_hpm };

/* instret around TEXT: the second csrr sees all of TEXT and the first csrr */
#define RETIRED(text)                                                                             \
  ({                                                                                              \
    u64 a_, b_;                                                                                   \
    asm volatile ("csrr %0, minstret\n\t" text "\n\tcsrr %1, minstret"                            \
                  : "=&r"(a_), "=&r"(b_)                                                          \
                  :                                                                               \
                  : "t0", "t1", "t2", "t3", "memory");                                            \
    b_ - a_;                                                                                      \
  })

void
test (void)
{
  pmp_open ();
  CHECK_EQ (RETIRED (""), 1);
  CHECK_EQ (RETIRED ("nop"), 2);
  CHECK_EQ (RETIRED ("nop\n\tnop\n\tc.nop"), 4);
  CHECK_EQ (RETIRED ("j 1f\n\tnop\n1:"), 2);
  CHECK_EQ (RETIRED ("li t0, 0x12345000\n\taddi t1, t0, 0x7"), 3);
  CHECK_EQ (RETIRED ("lui t0, 0x12345\n\taddi t0, t0, 0x7"), 3);
  CHECK_EQ (RETIRED ("slli t0, t0, 32\n\tsrli t0, t0, 32"), 3);
  CHECK_EQ (RETIRED ("auipc t0, 0\n\taddi t0, t0, 16"), 3);
  CHECK_EQ (RETIRED ("fence.i"), 2);
  CHECK_EQ (RETIRED ("fence"), 2);
  CHECK_EQ (RETIRED ("la t0, cell_\n\tlr.d t1, (t0)\n\tsc.d t1, t1, (t0)\n\tamoadd.d t1, t1, (t0)"),
            6);
  CHECK_EQ (RETIRED ("li t0, 1000\n1: addi t0, t0, -1\n\tbnez t0, 1b"), 2002);
  CHECK_EQ (RETIRED ("li t0, 1000\n1: slt t1, x0, t0\n\taddi t0, t0, -1\n\tbnez t1, 1b"), 3005);
  CHECK_EQ (RETIRED ("la t0, 1f\n\tjr t0\n\tnop\n1:"), 4);
  CHECK_EQ (RETIRED ("csrr t0, mcycle\n\tcsrr t0, mcycle"), 3);
  CHECK_EQ (RETIRED ("ld t0, 0(sp)\n\tsd t0, 0(sp)\n\tlw t0, 1(sp)"), 4);
  /* what traps does not retire (ecall and ebreak neither); the runtime's handler does count, so use
     one that only returns */
  u64 tvec = csr_read (mtvec);
  asm volatile ("la t0, skip_\n\tcsrw mtvec, t0" ::: "t0");
  /* handler: 4 instructions; the trapping instruction: none, though QEMU 7.2 counts some */
  CHECK_EQ (RETIRED (".4byte 0xffffffff"), 1 + 4 + ON_QEMU72);
  CHECK_EQ (RETIRED (".option push\n.option norvc\necall\n.option pop"), 1 + 4 + ON_QEMU72);
  CHECK_EQ (RETIRED (".option push\n.option norvc\nnop\n\tld t1, 0(x0)\n\tnop\n.option pop"),
            1 + 4 + 2);
  csr_write (mtvec, tvec);
  /* a write counts from the next instruction on; for QEMU 7.2 it counts itself */
  u64 v;
  asm volatile ("csrw minstret, %1\n\tcsrr %0, minstret" : "=r"(v) : "r"(1000ul));
  CHECK_EQ (v, 1000 + ON_QEMU72);
  asm volatile ("csrw minstret, %1\n\tnop\n\tcsrr %0, minstret" : "=r"(v) : "r"(1000ul));
  CHECK_EQ (v, 1001 + ON_QEMU72);
  asm volatile ("csrw minstret, %1\n\tcsrr %0, instret" : "=r"(v) : "r"(-1ul));
  CHECK_EQ (v, -1ul + ON_QEMU72);
  CHECK (csr_read (minstret) < 1000);
  csr_write (mcycle, 5000000);
  CHECK_EQ (csr_read (mcycle) >= 5000000 && csr_read (mcycle) < 50000000, 1);
  /* inhibition stops one and not the other */
  csr_write (mcountinhibit, 4);
  CHECK_EQ (csr_read (mcountinhibit), 4);
  u64 i0 = csr_read (minstret), c0 = csr_read (mcycle);
  for (int i = 0; i < 100; i++)
    asm volatile ("");
  CHECK_EQ (csr_read (minstret), i0);
  CHECK (csr_read (mcycle) > c0);
  csr_write (mcountinhibit, 1);
  c0 = csr_read (mcycle);
  i0 = csr_read (minstret);
  if (!ON_QEMU72) /* which forgets what it showed before it stopped */
    CHECK_EQ (csr_read (mcycle), c0);
  CHECK (csr_read (minstret) > i0);
  csr_write (mcountinhibit, 0);
  /* bit 1, time, cannot be inhibited */
  csr_write (mcountinhibit, -1ul);
  if (!ON_QEMU72) /* which keeps any value */
    CHECK_EQ (csr_read (mcountinhibit) & 2, 0);
  csr_write (mcountinhibit, 0);

  /* time is mtime */
  u64 a = now (), b = csr_read (time), c = now ();
  CHECK (a <= b && b <= c);

  /* gates: S asks mcounteren, U both */
  for (unsigned i = 0; i < 4; i++)
    for (int m = 0; m < 2; m++)
      for (int s = 0; s < 2; s++)
        {
          csr_write (mcounteren, m ? 1ul << i : ~(1ul << i));
          csr_write (scounteren, s ? 1ul << i : ~(1ul << i));
          note ("counter, gates", i, (u64) m << 4 | (u64) s);
          CHECK_EQ (readers[i](0), NO_TRAP);
          CHECK_EQ (run_in (MODE_S, readers[i], 0), m ? NO_TRAP : CAUSE_ILLEGAL);
          CHECK_EQ (run_in (MODE_U, readers[i], 0), m && s ? NO_TRAP : CAUSE_ILLEGAL);
        }
  /* the rest of the counters exist, if only as zeroes */
  CHECK_EQ (TRAP (({
              csr_read (mhpmcounter3);
              csr_read (mhpmevent3);
              csr_read (hpmcounter18);
            })),
            NO_TRAP);
}

asm (".data\n.balign 8\ncell_: .dword 0\n.text\n.balign 4\n.option push\n.option norvc\n"
     "skip_: csrr t3, mepc\n\taddi t3, t3, 4\n\tcsrw mepc, t3\n\tmret\n.option pop");
