/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads and stores: width, extension, offsets, any alignment, across pages; AMOs aside. */
#include "bare.h"

#define N_OFFSETS 8
extern u64 (*const load_fns[7][N_OFFSETS]) (u64);
extern void (*const store_fns[4][N_OFFSETS]) (u64, u64);
extern const s64 offsets[N_OFFSETS];

static u8 area[3 * 4096] __attribute__ ((aligned (4096)));
static const struct
{
  const char *name;
  unsigned size;
  int is_signed;
} loads[7] = {
  { "lb", 1, 1 }, { "lbu", 1, 0 }, { "lh", 2, 1 }, { "lhu", 2, 0 },
  { "lw", 4, 1 }, { "lwu", 4, 0 }, { "ld", 8, 0 },
};

static u64
expect_load (const u8 *p, unsigned size, int is_signed)
{
  u64 v = 0;
  for (unsigned i = 0; i < size; i++)
    v |= (u64) p[i] << (8 * i);
  if (is_signed && v >> (8 * size - 1) & 1)
    v |= -1ul << (8 * size - 1) << 1;
  return v;
}

static void
one_place (u8 *p)
{
  for (unsigned l = 0; l < 7; l++)
    for (unsigned o = 0; o < N_OFFSETS; o++)
      {
        note (loads[l].name, (u64) p, (u64) offsets[o]);
        CHECK_EQ (load_fns[l][o]((u64) p - (u64) offsets[o]),
                  expect_load (p, loads[l].size, loads[l].is_signed));
      }
  for (unsigned s = 0; s < 4; s++)
    for (unsigned o = 0; o < N_OFFSETS; o++)
      {
        u8 want[24];
        u64 v = rnd ();
        memcpy (want, p - 8, 24);
        for (unsigned i = 0; i < 1u << s; i++)
          want[8 + i] = (u8) (v >> (8 * i));
        note ("store of 1 << a, to b", s, (u64) p);
        store_fns[s][o]((u64) p - (u64) offsets[o], v);
        CHECK_EQ (memcmp (want, p - 8, 24), 0);
      }
}

void
test (void)
{
  for (u64 i = 0; i < sizeof area; i++)
    area[i] = (u8) rnd ();
  for (u64 i = 0; i < 16; i++)
    {
      one_place (area + 64 + i);
      one_place (area + 4096 - 8 + i);
      one_place (area + 8192 - 8 + i);
      one_place (area + 100 * i + 300);
    }
  /* A load to x0 still accesses: from nowhere it traps. */
  CHECK_EQ (TRAP_ASM ("ld x0, 0(x0)"), CAUSE_LOAD_ACCESS);
  CHECK_EQ (TRAP_ASM (".option push\n.option norvc\nlbu x0, 8(x0)\n.option pop"),
            CAUSE_LOAD_ACCESS);
  CHECK_EQ (hart ()->trap.tval, 8);
  CHECK_EQ (TRAP_ASM ("sd x0, 16(x0)"), CAUSE_STORE_ACCESS);
  CHECK_EQ (hart ()->trap.tval, 16);
  /* Offsets wrap around the address space. */
  CHECK_EQ (load_fns[6][1]((u64) area - 1), expect_load (area, 8, 0));
  CHECK_EQ (TRAP (load_fns[6][4](0x700)), CAUSE_LOAD_ACCESS);
  CHECK_EQ (hart ()->trap.tval, 0x700 - 0x800ul);
  /* A load that traps leaves its destination alone. */
  u64 kept;
  trap_arm ();
  asm volatile ("li %0, 0x1234\n\tld %0, 0(x0)" : "=&r"(kept)::"memory");
  trap_cause ();
  CHECK_EQ (kept, 0x1234);
  trap_arm ();
  asm volatile ("li %0, 0x20\n\tld %0, 0(%0)" : "=&r"(kept)::"memory");
  CHECK_EQ (trap_cause (), CAUSE_LOAD_ACCESS);
  CHECK_EQ (kept, 0x20);
}
