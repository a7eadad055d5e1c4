/* SPDX-License-Identifier: BSD-2-Clause */
/* Branches, jumps and links: every comparison, far targets, odd addresses, calls in depth, and a
   table of targets for the indirect jump's cache. */
#include "bare.h"

u64 far_jal (u64 n);
u64 far_branch (u64 n);
u64 jalr_same (void);
u64 jalr_odd (void);
u64 jal_x5 (void);
u64 deep (u64 n);

#define BRANCH(op, a, b)                                                                          \
  ({                                                                                              \
    u64 r_;                                                                                       \
    asm volatile ("li %0, 1\n\t" #op " %1, %2, 1f\n\tli %0, 0\n1:" : "=&r"(r_) : "r"(a), "r"(b)); \
    r_;                                                                                           \
  })
#define BRANCH0(op, a)                                                                            \
  ({                                                                                              \
    u64 r_;                                                                                       \
    asm volatile ("li %0, 1\n\t" #op " %1, 1f\n\tli %0, 0\n1:" : "=&r"(r_) : "r"(a));             \
    r_;                                                                                           \
  })

static u32 stubs[256][2] __attribute__ ((aligned (4096)));

void
test (void)
{
  static const u64 v[] = { 0, 1, 2, -1ul, -2ul, 1ul << 63, (1ul << 63) - 1, 1ul << 31, 1ul << 32,
                           0x80000000ffffffff, 0xffffffff00000000 };
  for (unsigned i = 0; i < sizeof v / 8; i++)
    {
      u64 a = v[i];
      for (unsigned j = 0; j < sizeof v / 8; j++)
        {
          u64 b = v[j];
          note ("branch", a, b);
          CHECK_EQ (BRANCH (beq, a, b), a == b);
          CHECK_EQ (BRANCH (bne, a, b), a != b);
          CHECK_EQ (BRANCH (blt, a, b), (s64) a < (s64) b);
          CHECK_EQ (BRANCH (bge, a, b), (s64) a >= (s64) b);
          CHECK_EQ (BRANCH (bltu, a, b), a < b);
          CHECK_EQ (BRANCH (bgeu, a, b), a >= b);
        }
      CHECK_EQ (BRANCH0 (bltz, a), (s64) a < 0);
      CHECK_EQ (BRANCH0 (blez, a), (s64) a <= 0);
      CHECK_EQ (BRANCH0 (bgtz, a), (s64) a > 0);
      CHECK_EQ (BRANCH0 (bgez, a), (s64) a >= 0);
    }
  CHECK_EQ (far_jal (1000), 1000);
  CHECK_EQ (far_branch (1000), 1000);
  CHECK_EQ (jalr_same (), 0);
  CHECK_EQ (jalr_odd (), 0);
  CHECK_EQ (jal_x5 (), 42);
  CHECK_EQ (deep (200), 20100);
  /* 256 targets in turn: `addi a0, a0, i; ret' */
  for (u32 i = 0; i < 256; i++)
    {
      stubs[i][0] = i << 20 | 0x50513;
      stubs[i][1] = 0x8067;
    }
  fence_i ();
  u64 sum = 0, want = 0;
  for (u64 i = 0; i < 20000; i++)
    {
      u64 pick = rnd () >> 20 & 255;
      sum = ((u64 (*) (u64)) (u64) stubs[pick]) (sum);
      want += pick;
    }
  CHECK_EQ (sum, want);
}
