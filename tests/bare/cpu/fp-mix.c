/* SPDX-License-Identifier: BSD-2-Clause */
/* The arbitrary floating-point programs of fp-mix.py: registers, memory and fcsr afterwards. */
#include "bare.h"

#define WORDS (32 + 7 + 16 + 1)
struct program
{
  void (*fn) (void);
  u64 before[WORDS], after[WORDS];
};
extern const struct program fpmix_table[], fpmix_end[];
void fpmix_enter (void (*fn) (void), u64 *state, u64 device);

void
test (void)
{
  static u64 state[WORDS];
  csr_set (mstatus, MSTATUS_FS);
  /* Again with every block cached. */
  for (int round = 0; round < 3; round++)
    for (const struct program *p = fpmix_table; p < fpmix_end; p++)
      {
        memcpy (state, p->before, sizeof state);
        trap_arm ();
        fpmix_enter (p->fn, state, MTIME);
        trap_cause ();
        for (u64 i = 0; i < WORDS; i++)
          {
            note ("program, word", p - fpmix_table, i);
            CHECK_EQ (state[i], p->after[i]);
          }
      }
}
