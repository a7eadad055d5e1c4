/* SPDX-License-Identifier: BSD-2-Clause */
/* Harts that contend for real: counters, an LR/SC loop, locks, a ticket lock, a swap chain, a
   sequence lock, and the two litmus shapes that fences must forbid. */
#include "bare.h"

#define ROUNDS 20000
#define LOCKED 40 /* every so many rounds */
#define LITMUS 400
static struct
{
  u64 amo __attribute__ ((aligned (64)));
  u32 amow __attribute__ ((aligned (64)));
  u64 lrsc __attribute__ ((aligned (64)));
  u64 lock __attribute__ ((aligned (64)));
  u64 guarded, guarded2;
  u32 ticket __attribute__ ((aligned (64)));
  u32 serving;
  u64 by_ticket;
  u64 max __attribute__ ((aligned (64)));
  u64 bits __attribute__ ((aligned (64)));
  u64 gate __attribute__ ((aligned (64)));
  u64 swap __attribute__ ((aligned (64)));
  u8 bytes[64] __attribute__ ((aligned (64)));
} shared;

static u64 torn, lost, taken[2];

static void
meet (u64 round)
{
  __atomic_fetch_add (&shared.gate, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n (&shared.gate, __ATOMIC_SEQ_CST) < 2 * round)
    relax ();
}

static void
contend (u64 me)
{
  meet (1);
  for (u64 i = 0; i < ROUNDS; i++)
    {
      asm volatile ("amoadd.d x0, %1, (%0)" ::"r"(&shared.amo), "r"(1ul) : "memory");
      asm volatile ("amoadd.w x0, %1, (%0)" ::"r"(&shared.amow), "r"(1ul) : "memory");
      asm volatile ("1: lr.d t0, (%0)\n\taddi t0, t0, 1\n\tsc.d t1, t0, (%0)\n\tbnez t1, 1b" ::"r"(
                        &shared.lrsc)
                    : "memory", "t0", "t1");
      asm volatile ("amomaxu.d x0, %1, (%0)" ::"r"(&shared.max), "r"(2 * i + me) : "memory");
      asm volatile ("amoxor.d x0, %1, (%0)" ::"r"(&shared.bits), "r"(1ul << (i & 31) << (32 * me))
                    : "memory");
      /* the neighbours of a byte stay what they were */
      ((volatile u8 *) shared.bytes)[me] = (u8) (((volatile u8 *) shared.bytes)[me] + 1);
      if (i % LOCKED == 0)
        {
          asm volatile ("1: amoswap.d.aq t0, %1, (%0)\n\tbeqz t0, 2f\n\t.4byte 0x0100000f\n\t"
                        "j 1b\n2:" ::"r"(&shared.lock),
                        "r"(1ul)
                        : "memory", "t0");
          if (shared.guarded != shared.guarded2)
            __atomic_fetch_add (&torn, 1, __ATOMIC_RELAXED);
          shared.guarded++;
          asm volatile ("" ::: "memory");
          shared.guarded2++;
          asm volatile ("amoswap.d.rl x0, x0, (%0)" ::"r"(&shared.lock) : "memory");
          u32 mine = __atomic_fetch_add (&shared.ticket, 1, __ATOMIC_RELAXED);
          while (__atomic_load_n (&shared.serving, __ATOMIC_ACQUIRE) != mine)
            relax ();
          shared.by_ticket++;
          __atomic_store_n (&shared.serving, mine + 1, __ATOMIC_RELEASE);
        }
      /* a token is in one place at a time */
      u64 token;
      asm volatile ("amoswap.d %0, x0, (%1)" : "=&r"(token) : "r"(&shared.swap) : "memory");
      if (token)
        {
          taken[me]++;
          if (__atomic_exchange_n (&shared.swap, token, __ATOMIC_SEQ_CST))
            __atomic_fetch_add (&lost, 1, __ATOMIC_RELAXED);
        }
    }
}

/* ---- an sc fails after the other hart has stored, even the same value ---- */

static volatile u64 flag __attribute__ ((aligned (64)));
static u64 target __attribute__ ((aligned (64)));

static void
intrude (u64 value)
{
  for (int i = 0; i < 200; i++)
    {
      while (flag != 1)
        relax ();
      __atomic_store_n (&target, value, __ATOMIC_SEQ_CST);
      fence ();
      flag = 2;
    }
}

static u64
intruded_sc (void)
{
  u64 fail;
  asm volatile ("lr.d.aq t0, (%1)\n\tli t1, 1\n\tsd t1, (%2)\n\t"
                "1: .4byte 0x0100000f\n\tld t0, (%2)\n\tli t1, 2\n\tbne t0, t1, 1b\n\tfence\n\t"
                "li t1, 77\n\tsc.d.rl %0, t1, (%1)"
                : "=&r"(fail)
                : "r"(&target), "r"(&flag)
                : "memory", "t0", "t1");
  return fail;
}

/* ---- litmus: store buffering and message passing ---- */

static volatile u64 x __attribute__ ((aligned (64))), y __attribute__ ((aligned (64)));
static volatile u64 saw[2] __attribute__ ((aligned (64)));

static void
store_buffer (u64 me)
{
  for (u64 i = 1; i <= LITMUS; i++)
    {
      meet (2 * i - 1);
      if (me)
        x = i;
      else
        y = i;
      fence ();
      saw[me] = me ? y : x;
      meet (2 * i);
      if (!me && saw[0] != i && saw[1] != i)
        lost++;
      if (!me && (saw[0] > i || saw[1] > i))
        torn++;
    }
}

static void
message (u64 me)
{
  for (u64 i = 1; i <= LITMUS; i++)
    if (me)
      {
        x = i * 0x100000001;
        asm volatile ("fence w, w" ::: "memory");
        y = i;
        while (saw[0] != i)
          relax ();
      }
    else
      {
        while (y != i)
          relax ();
        asm volatile ("fence r, r" ::: "memory");
        if (x != i * 0x100000001)
          torn++;
        saw[0] = i;
      }
}

static void
both (void (*fn) (u64))
{
  shared.gate = 0;
  hart_start (1, fn, 1);
  fn (0);
  hart_wait (1);
}

void
test (void)
{
  shared.swap = 0xdead;
  both (contend);
  CHECK_EQ (shared.amo, 2 * ROUNDS);
  CHECK_EQ (shared.amow, 2 * ROUNDS);
  CHECK_EQ (shared.lrsc, 2 * ROUNDS);
  CHECK_EQ (shared.max, 2 * (ROUNDS - 1) + 1);
  CHECK_EQ (shared.bits, -1ul); /* each bit an odd number of times */
  CHECK_EQ (shared.guarded, 2 * ROUNDS / LOCKED);
  CHECK_EQ (shared.guarded2, 2 * ROUNDS / LOCKED);
  CHECK_EQ (shared.by_ticket, 2 * ROUNDS / LOCKED);
  CHECK_EQ (shared.swap, 0xdead);
  CHECK_EQ (shared.bytes[0], (u8) ROUNDS);
  CHECK_EQ (shared.bytes[1], (u8) ROUNDS);
  CHECK (taken[0] && taken[1]);
  CHECK_EQ (torn, 0);
  CHECK_EQ (lost, 0);

  /* The value changes between lr and sc: it must fail. */
  hart_start (1, intrude, 3);
  u64 passed = 0;
  for (int i = 0; i < 200; i++)
    {
      target = 1;
      passed += !intruded_sc ();
      flag = 0;
      passed += target != 3;
    }
  hart_wait (1);
  CHECK_EQ (passed, 0);

  lost = torn = 0;
  both (store_buffer);
  CHECK_EQ (lost, 0);
  CHECK_EQ (torn, 0);
  x = y = saw[0] = 0;
  fence ();
  both (message);
  CHECK_EQ (torn, 0);
}
