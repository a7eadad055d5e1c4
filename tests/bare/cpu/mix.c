/* SPDX-License-Identifier: BSD-2-Clause */
/* The arbitrary programs of mix.py: registers and memory afterwards. */
#include "bare.h"

struct state
{
  u64 x[32];
  u64 mem[32];
};
struct program
{
  void (*fn) (void);
  struct state before, after;
};
extern const struct program mix_table[], mix_end[];
void mix_enter (void (*fn) (void), u64 *registers, void *data);

void
test (void)
{
  static u64 data[40];
  static struct state s;
  /* Twice: the second time finds every block cached. */
  for (int round = 0; round < 2; round++)
    for (const struct program *p = mix_table; p < mix_end; p++)
      {
        s = p->before;
        memcpy (data, p->before.mem, sizeof s.mem);
        mix_enter (p->fn, s.x, data);
        for (u64 i = 1; i < 32; i++)
          if (i == 1 || i > 4)
            {
              note ("program, register", p - mix_table, i);
              CHECK_EQ (s.x[i], p->after.x[i]);
            }
        for (u64 i = 0; i < 32; i++)
          {
            note ("program, word", p - mix_table, i);
            CHECK_EQ (data[i], p->after.mem[i]);
          }
      }
}
