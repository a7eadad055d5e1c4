/* SPDX-License-Identifier: BSD-2-Clause */
/* Random values into the CSRs of the interrupt architecture and into the registers of APLIC and
   IMSIC, from M and S, on two harts at once: whatever that sets off, the harts stay alive. */
#include "bare.h"

#define M_APLIC 0xc000000ul
#define S_APLIC 0xd000000ul
#define M_FILES 0x24000000ul
#define S_FILES 0x28000000ul
#define ROUNDS 20000

static const u32 numbers[] = { 0x150, 0x151, 0x15c, 0xdb0, 0x308, 0x309,
                               0x350, 0x351, 0x35c, 0xfb0, 0x104, 0x144 };
#define N (sizeof numbers / sizeof *numbers)

struct one
{
  u32 code[4] __attribute__ ((aligned (16)));
  u64 seed;
};
static struct one own[2];

static u64
next (struct one *o)
{
  o->seed = o->seed * 6364136223846793005ul + 1442695040888963407ul;
  return o->seed >> 16 ^ o->seed << 40;
}

static u64
run (u64 arg)
{
  struct one *o = (struct one *) arg;
  u64 out, v = next (o);
  trap_arm ();
  asm volatile ("mv a1, %1\n\tjalr ra, %2\n\tmv %0, a0"
                : "=r"(out)
                : "r"(v), "r"(o->code)
                : "a0", "a1", "ra", "memory");
  return trap_cause ();
}

/* A register in one of the windows: mostly where there is one. */
static u64
anywhere (struct one *o)
{
  static const u64 bases[] = { M_APLIC, S_APLIC, M_FILES, S_FILES };
  static const u16 interesting[] = { 0,      0x28,   0x2c,   0x80,   0x1bc0, 0x1bc4, 0x1bc8, 0x1c00,
                                     0x1cdc, 0x1d00, 0x1ddc, 0x1e00, 0x1edc, 0x1fdc, 0x2000, 0x2004,
                                     0x3000, 0x3028, 0x302c, 0x4000, 0x4004, 0x4018, 0x401c };
  u64 which = next (o) % 4, offset = next (o) % (which < 2 ? 0x8000 : 0x2000);
  if (next (o) & 1)
    offset = which < 2 ? interesting[next (o) % (sizeof interesting / 2)] : offset & 0x1004;
  return bases[which] + offset;
}

static void
storm (u64 number)
{
  struct one *o = &own[number];
  o->seed = 99 + number;
  pmp_open ();
  o->code[1] = 0x8067;
  csr_write (medeleg, 0);
  csr_write (mideleg, 0);
  for (unsigned i = 0; i < ROUNDS; i++)
    {
      u32 f3;
      do
        f3 = (u32) next (o) & 7;
      while (!(f3 & 3));
      csr_write (mie, 0);
      csr_write (0x308, 0); /* a virtual interrupt would go where no handler is */
      csr_write (0x350, next (o) & 0xff);
      csr_write (0x150, next (o) & 0xff);
      o->code[0] = numbers[next (o) % N] << 20 | 11 << 15 | f3 << 12 | 10 << 7 | 0x73;
      fence_i ();
      u64 cause = i % 3 ? run ((u64) o) : run_in (MODE_S, run, (u64) o);
      if (cause != NO_TRAP)
        CHECK_EQ (cause, CAUSE_ILLEGAL);
      csr_write (mie, 0);
      u64 a = anywhere (o), v = next (o);
      if (next (o) & 1)
        v &= 0x5ff;
      cause = TRAP (wr32 (a & ~(next (o) % 16 ? 3ul : 0), (u32) v));
      if (cause != NO_TRAP && cause != CAUSE_STORE_MISALIGNED)
        CHECK_EQ (cause, CAUSE_STORE_ACCESS);
      cause = TRAP (rd32 (anywhere (o) & ~3ul));
      CHECK_EQ (cause, NO_TRAP);
    }
}

static void
set (u64 reg, u64 value)
{
  csr_write (0x350, reg);
  csr_write (0x351, value);
}

void
test (void)
{
  hart_start (1, storm, 1);
  storm (0);
  hart_wait (1);
  /* and it still works */
  csr_write (0x308, 0);
  set (0x70, 1);
  set (0x72, 0);
  for (u64 word = 0; word < 8; word += 2)
    {
      set (0x80 + word, 0);
      set (0xc0 + word, word == 0 ? 8 : 0);
    }
  wr32 (M_FILES, 3);
  CHECK_SOON (csr_read (0x35c), 3ul << 16 | 3);
  CHECK_SOON (csr_read (mip) & 0x800, 0x800);
  csr_write (0x35c, 0);
  CHECK_SOON (csr_read (mip) & 0x800, 0);
}
