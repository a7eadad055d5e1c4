/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which neighboring operations share a handler.  The list itself, RV_PAIRS, came out of counting
 * neighbors over a Linux boot and small programs.  Knows nothing of blocks.
 */
#include "insn.h"

static const struct
{
  uint16_t first, second, op;
} pairs[] = {
#define P(a, b) { RV_OP_##a, RV_OP_##b, RV_OP_##a##__##b },
  RV_PAIRS (P)
#undef P
};

/* A pair's place is found by hash; filled once, before any hart runs. */
#define SLOTS 1024
static uint16_t slots[SLOTS]; /* index + 1 */
_Static_assert (sizeof pairs / sizeof pairs[0] < SLOTS / 2, "the hash must keep empty slots");

static unsigned
slot_of (unsigned first, unsigned second)
{
  return (first * 37 + second * 5) & (SLOTS - 1);
}

void
rv_pairs_init (void)
{
  if (slots[slot_of (pairs[0].first, pairs[0].second)] != 0)
    return;
  for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
    {
      unsigned s = slot_of (pairs[i].first, pairs[i].second);
      while (slots[s] != 0)
        s = (s + 1) & (SLOTS - 1);
      slots[s] = (uint16_t) (i + 1);
    }
}

unsigned
rv_pair (unsigned first, unsigned second)
{
  unsigned s = slot_of (first, second);
  for (; slots[s] != 0; s = (s + 1) & (SLOTS - 1))
    if (pairs[slots[s] - 1].first == first && pairs[slots[s] - 1].second == second)
      return pairs[slots[s] - 1].op;
  return RV_OP_illegal;
}
