/* SPDX-License-Identifier: BSD-2-Clause */
/* The A extension on one hart: every AMO with every suffix, LR/SC, misaligned addresses. */
#include "bare.h"

static u64 cell[16] __attribute__ ((aligned (128)));
static const u64 values[] = { 0, 1, -1ul, 0x7fffffff, 0x80000000, 0xffffffff, 1ul << 63,
                              (1ul << 63) - 1, 0x123456789abcdef0, 0xfedcba9876543210 };
#define N (sizeof values / sizeof *values)

static u64
sext (u64 v)
{
  return (u64) (s64) (s32) v;
}

#define AMO(insn, p, b)                                                                           \
  ({                                                                                              \
    u64 r_;                                                                                       \
    asm volatile (#insn " %0, %2, (%1)" : "=&r"(r_) : "r"(p), "r"(b) : "memory");                 \
    r_;                                                                                           \
  })

#define TRY_D(insn, a, b, result)                                                                 \
  do                                                                                              \
    {                                                                                             \
      u64 got_;                                                                                   \
      note (#insn, a, b);                                                                         \
      cell[1] = a;                                                                                \
      got_ = AMO (insn, &cell[1], b);                                                             \
      CHECK_EQ (got_, a);                                                                         \
      CHECK_EQ (cell[1], result);                                                                 \
    }                                                                                             \
  while (0)
#define TRY_W(insn, a, b, result)                                                                 \
  do                                                                                              \
    {                                                                                             \
      u64 got_;                                                                                   \
      note (#insn, a, b);                                                                         \
      cell[1] = a;                                                                                \
      got_ = AMO (insn, &cell[1], b);                                                             \
      CHECK_EQ (got_, sext (a));                                                                  \
      CHECK_EQ (cell[1], (a & 0xffffffff00000000) | (u32) (result));                              \
      cell[1] = a << 32 | (u32) ~a;                                                               \
      got_ = AMO (insn, (u32 *) &cell[1] + 1, b);                                                 \
      CHECK_EQ (got_, sext (a));                                                                  \
      CHECK_EQ (cell[1], (u64) (result) << 32 | (u32) ~a);                                        \
    }                                                                                             \
  while (0)
#define ALL(op, a, b, dbl, wrd)                                                                   \
  TRY_D (op.d, a, b, dbl);                                                                        \
  TRY_D (op.d.aq, a, b, dbl);                                                                     \
  TRY_D (op.d.rl, a, b, dbl);                                                                     \
  TRY_D (op.d.aqrl, a, b, dbl);                                                                   \
  TRY_W (op.w, a, b, wrd);                                                                        \
  TRY_W (op.w.aq, a, b, wrd);                                                                     \
  TRY_W (op.w.rl, a, b, wrd);                                                                     \
  TRY_W (op.w.aqrl, a, b, wrd)

static void
amo_pair (u64 a, u64 b)
{
  s32 wa = (s32) a, wb = (s32) b;
  ALL (amoswap, a, b, b, b);
  ALL (amoadd, a, b, a + b, a + b);
  ALL (amoxor, a, b, a ^ b, a ^ b);
  ALL (amoand, a, b, a & b, a & b);
  ALL (amoor, a, b, a | b, a | b);
  ALL (amomin, a, b, (s64) a < (s64) b ? a : b, wa < wb ? wa : wb);
  ALL (amomax, a, b, (s64) a > (s64) b ? a : b, wa > wb ? wa : wb);
  ALL (amominu, a, b, a < b ? a : b, (u32) wa < (u32) wb ? wa : wb);
  ALL (amomaxu, a, b, a > b ? a : b, (u32) wa > (u32) wb ? wa : wb);
}

/* lr, then what BETWEEN does, then sc: the sc's result.  The manual promises success only where
   BETWEEN has neither loads, stores, jumps back nor traps. */
#define LRSC(size, p, between, q, v)                                                              \
  ({                                                                                              \
    u64 old_, fail_;                                                                              \
    asm volatile ("lr." size " %0, (%2)\n\t" between "\n\tsc." size " %1, %4, (%3)"               \
                  : "=&r"(old_), "=&r"(fail_)                                                     \
                  : "r"(p), "r"(q), "r"(v)                                                        \
                  : "memory", "t0", "t1");                                                        \
    fail_;                                                                                        \
  })
#define SC(insn, p, v) AMO (insn, p, v)

static void
lr_sc (void)
{
  note ("lr/sc", 0, 0);
  cell[2] = 0x8000000012345678;
  CHECK_EQ (LRSC ("d", &cell[2], "nop", &cell[2], 5ul), 0);
  CHECK_EQ (cell[2], 5);
  cell[2] = 0xaaaaaaaa55555555;
  CHECK_EQ (LRSC ("w", &cell[2], "addi t0, zero, 3", &cell[2], 6ul), 0);
  CHECK_EQ (cell[2], 0xaaaaaaaa00000006);
  CHECK_EQ (LRSC ("w.aqrl", (u32 *) &cell[2] + 1, "nop", (u32 *) &cell[2] + 1, 7ul), 0);
  CHECK_EQ (cell[2], 0x700000006);
  /* lr.w extends the sign */
  u64 v;
  cell[2] = 0x0000000080000000;
  asm volatile ("lr.w %0, (%1)" : "=r"(v) : "r"(&cell[2]) : "memory");
  CHECK_EQ (v, 0xffffffff80000000);
  /* an sc ends the reservation, whether it succeeds or fails */
  CHECK_EQ (SC (sc.w, &cell[2], 1), 0);
  CHECK_EQ (SC (sc.w, &cell[2], 2) != 0, 1);
  CHECK_EQ (cell[2], 1);
  CHECK_EQ (SC (sc.d, &cell[2], 2) != 0, 1);
  CHECK_EQ (cell[2], 1);
  /* an sc to another place fails and stores nothing; then the first place's fails, too */
  cell[9] = 99;
  CHECK (LRSC ("d", &cell[2], "nop", &cell[9], 5ul) != 0);
  CHECK_EQ (cell[9], 99);
  CHECK (SC (sc.d, &cell[2], 3) != 0);
  CHECK_EQ (cell[2], 1);
  /* sc with x0 as its result, and as its datum */
  asm volatile ("lr.d t0, (%0)\n\tsc.d x0, %1, (%0)" ::"r"(&cell[2]), "r"(77ul) : "memory", "t0");
  CHECK_EQ (cell[2], 77);
  asm volatile ("lr.d x0, (%0)\n\tsc.d t0, x0, (%0)" ::"r"(&cell[2]) : "memory", "t0");
  CHECK_EQ (cell[2], 0);
  /* two lr: the later one counts */
  cell[2] = 1;
  asm volatile ("lr.d t0, (%0)\n\tlr.d t0, (%1)" ::"r"(&cell[2]), "r"(&cell[9]) : "memory", "t0");
  CHECK (SC (sc.d, &cell[2], 3) != 0);
  CHECK_EQ (cell[2], 1);
  /* a loop of the constrained kind gets through */
  for (int i = 0; i < 1000; i++)
    asm volatile ("1: lr.d t0, (%0)\n\taddi t0, t0, 1\n\tsc.d t1, t0, (%0)\n\tbnez t1, 1b" ::"r"(
                      &cell[2])
                  : "memory", "t0", "t1");
  CHECK_EQ (cell[2], 1001);
  /* rd = rs1 = rs2 */
  u64 *p = &cell[3];
  asm volatile ("amoswap.d %0, %0, (%0)" : "+r"(p)::"memory");
  CHECK_EQ (cell[3], (u64) &cell[3]);
  CHECK_EQ ((u64) p, 0);
  asm volatile ("amoadd.w x0, %1, (%0)" ::"r"(&cell[3]), "r"(1ul) : "memory");
  CHECK_EQ (cell[3], (u64) &cell[3] + 1);
}

/* QEMU 7.2 calls a misaligned AMO a misaligned load, and one to nowhere a load's
   fault; the manual has one cause for stores and AMOs. */
#define AMO_MISALIGNED (ON_QEMU72 ? CAUSE_LOAD_MISALIGNED : CAUSE_STORE_MISALIGNED)

#define MISALIGNED(insn, by, cause)                                                               \
  do                                                                                              \
    {                                                                                             \
      note (insn, by, 0);                                                                         \
      CHECK_EQ (TRAP (asm volatile (insn ::"r"((char *) &cell[4] + by) : "memory", "t0", "t1")), \
                cause);                                                                           \
      CHECK_EQ (hart ()->trap.tval, (u64) &cell[4] + by);                                         \
      CHECK_EQ (cell[4], 0x55);                                                                   \
    }                                                                                             \
  while (0)

static void
misaligned (void)
{
  cell[4] = 0x55;
  for (u64 by = 1; by < 8; by++)
    {
      MISALIGNED ("lr.d t0, (%0)", by, CAUSE_LOAD_MISALIGNED);
      MISALIGNED ("amoadd.d t0, t1, (%0)", by, AMO_MISALIGNED);
      MISALIGNED ("amoswap.d t0, t1, (%0)", by, AMO_MISALIGNED);
      if (by % 4)
        {
          MISALIGNED ("lr.w t0, (%0)", by, CAUSE_LOAD_MISALIGNED);
          MISALIGNED ("amomax.w t0, t1, (%0)", by, AMO_MISALIGNED);
          MISALIGNED ("amoor.w t0, t1, (%0)", by, AMO_MISALIGNED);
        }
    }
}

void
test (void)
{
  for (unsigned i = 0; i < N; i++)
    for (unsigned j = 0; j < N; j++)
      amo_pair (values[i], values[j]);
  for (int i = 0; i < 40; i++)
    amo_pair (rnd (), rnd ());
  lr_sc ();
  misaligned ();
  /* Where nothing is: a store's access fault, even for what the manual calls a read-modify-write;
     a load's for lr. */
  CHECK_EQ (TRAP_ASM ("li t0, 64\n\tamoadd.d t1, t2, (t0)"),
            ON_QEMU72 ? CAUSE_LOAD_ACCESS : CAUSE_STORE_ACCESS);
  CHECK_EQ (hart ()->trap.tval, 64);
  CHECK_EQ (TRAP_ASM ("li t0, 64\n\tlr.d t1, (t0)"), CAUSE_LOAD_ACCESS);
}
