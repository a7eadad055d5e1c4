/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernels that stay in user mode: each leans on one thing that an emulator can be slow at. */
#include "bench.h"

#include <stdlib.h>

#define NOINLINE __attribute__ ((noinline))

static uint64_t
next_random (uint64_t *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

/* ---- integer: shifts, adds, multiplies in one dependent chain; a unit is 8 rounds
 * ---------------- */

static uint64_t
integer (void *prepared, uint64_t n)
{
  uint64_t a = 0x9e3779b97f4a7c15, b = 1, i;

  (void) prepared;
  for (i = 0; i < n; i++)
    {
      int k;

#pragma GCC unroll 8
      for (k = 0; k < 8; k++)
        {
          a ^= a << 13;
          a ^= a >> 7;
          b += a ^ i;
          b = (b << 5 | b >> 59) - a;
          a += b * 0xbf58476d1ce4e5b9;
        }
    }
  return a ^ b;
}

/* ---- branches: the Collatz sequence of one number after the other
 * ---------------------------------- */

static uint64_t
branches (void *prepared, uint64_t n)
{
  uint64_t sum = 0, i;

  (void) prepared;
  for (i = 1; i <= n; i++)
    {
      uint64_t x = i + 77031, steps = 0;

      while (x != 1)
        {
          if (x & 1)
            x = 3 * x + 1;
          else
            x >>= 1;
          if (x & 4)
            sum++;
          steps++;
        }
      sum += steps;
    }
  return sum;
}

/* ---- memory: loads and stores in order, 64 KiB a unit
 * ---------------------------------------------- */

#define MEMORY_WORDS (1 << 17) /* 1 MiB */

static void *
memory_prepare (void)
{
  uint64_t *words = malloc (MEMORY_WORDS * sizeof *words), i;

  for (i = 0; i < MEMORY_WORDS; i++)
    words[i] = i * 0x9e3779b97f4a7c15;
  return words;
}

static uint64_t
memory (void *prepared, uint64_t n)
{
  uint64_t *words = prepared, sum = 0, i;

  for (i = 0; i < n; i++)
    {
      uint64_t *from = words + (i * 8192) % MEMORY_WORDS;
      uint64_t *to = words + (i * 8192 + MEMORY_WORDS / 2) % MEMORY_WORDS;
      int k;

      for (k = 0; k < 4096; k += 4)
        {
          sum += from[k] + from[k + 1];
          to[k] = from[k + 2] + sum;
          to[k + 1] = from[k + 3];
          to[k + 2] = sum;
          to[k + 3] += from[k];
        }
    }
  return sum;
}

/* ---- chase: pointers through 8 MiB in random order
 * ------------------------------------------------- */

#define CHASE_NODES (1 << 17)

struct node
{
  struct node *next;
  uint64_t value[7]; /* a cache line each */
};

static void *
chase_prepare (void)
{
  struct node *nodes = malloc (CHASE_NODES * sizeof *nodes);
  uint32_t *order = malloc (CHASE_NODES * sizeof *order), i;
  uint64_t state = 88172645463325252;

  for (i = 0; i < CHASE_NODES; i++)
    order[i] = i;
  for (i = CHASE_NODES - 1; i > 0; i--)
    {
      uint32_t j = next_random (&state) % (i + 1), t = order[i];

      order[i] = order[j];
      order[j] = t;
    }
  for (i = 0; i < CHASE_NODES; i++)
    {
      nodes[order[i]].next = &nodes[order[(i + 1) % CHASE_NODES]];
      nodes[order[i]].value[0] = order[i];
    }
  free (order);
  return nodes;
}

static uint64_t
chase (void *prepared, uint64_t n)
{
  struct node *p = prepared;
  uint64_t sum = 0, i;

  for (i = 0; i < n; i++)
    {
      sum = sum * 3 + p->value[0];
      p = p->next;
    }
  return sum;
}

/* ---- indirect: a bytecode machine that jumps through a table
 * ---------------------------------------- */

struct machine
{
  uint64_t acc, reg[4];
};

typedef void (*handler) (struct machine *, uint32_t);

#define HANDLER(name, code)                                                                        \
  static NOINLINE void name (struct machine *m, uint32_t arg)                                      \
  {                                                                                                \
    (void) arg;                                                                                    \
    code;                                                                                          \
  }
HANDLER (op_add, m->acc += m->reg[arg & 3])
HANDLER (op_sub, m->acc -= m->reg[arg & 3])
HANDLER (op_xor, m->acc ^= m->reg[arg & 3] + arg)
HANDLER (op_rotate, m->acc = m->acc << 9 | m->acc >> 55)
HANDLER (op_store, m->reg[arg & 3] = m->acc)
HANDLER (op_load, m->acc += m->reg[(arg >> 2) & 3] >> 1)
HANDLER (op_multiply, m->acc *= arg | 1)
HANDLER (op_swap, uint64_t t = m->reg[arg & 3]; m->reg[arg & 3] = m->acc; m->acc = t)

static const handler handlers[8]
    = { op_add, op_sub, op_xor, op_rotate, op_store, op_load, op_multiply, op_swap };

#define PROGRAM_SIZE 4096

static void *
indirect_prepare (void)
{
  uint8_t *program = malloc (PROGRAM_SIZE);
  uint64_t state = 362436069, i;

  for (i = 0; i < PROGRAM_SIZE; i++)
    program[i] = (uint8_t) next_random (&state);
  return program;
}

static uint64_t
indirect (void *prepared, uint64_t n)
{
  const uint8_t *program = prepared;
  struct machine m = { 1, { 2, 3, 5, 7 } };
  uint64_t i;

  for (i = 0; i < n; i++)
    {
      uint8_t op = program[i % PROGRAM_SIZE];

      handlers[op & 7](&m, op >> 3);
    }
  return m.acc ^ m.reg[0] ^ m.reg[1] ^ m.reg[2] ^ m.reg[3];
}

/* ---- calls: Fibonacci's numbers the slow way; a unit is fib (15), 1973 calls
 * -------------------------- */

static NOINLINE uint64_t
fib (uint64_t n)
{
  /* Keeps the compiler from turning one of the two calls into a loop. */
  __asm__ volatile("" : "+r"(n));
  if (n < 2)
    return n;
  uint64_t a = fib (n - 1);
  __asm__ volatile("" : "+r"(a));
  uint64_t b = fib (n - 2);
  __asm__ volatile("" : "+r"(b));
  return a + b;
}

static uint64_t
calls (void *prepared, uint64_t n)
{
  uint64_t sum = 0, i;

  (void) prepared;
  for (i = 0; i < n; i++)
    sum = sum * 5 + fib (15);
  return sum;
}

/* ---- float: three bodies that pull at each other; a unit is one step
 * ---------------------------------- */

static uint64_t
floating (void *prepared, uint64_t n)
{
  double x[3] = { 0, 1, 0 }, y[3] = { 0, 0, 2 }, vx[3] = { 0, 0, 0.7 }, vy[3] = { 0, 1, 0 };
  static const double mass[3] = { 1, 0.01, 0.02 };
  double energy = 0;
  uint64_t i, result;
  int a, b;

  (void) prepared;
  for (i = 0; i < n; i++)
    {
      for (a = 0; a < 3; a++)
        for (b = a + 1; b < 3; b++)
          {
            double dx = x[a] - x[b], dy = y[a] - y[b];
            double d2 = dx * dx + dy * dy + 1e-3;
            double force = 0.001 / (d2 * __builtin_sqrt (d2));

            vx[a] -= dx * mass[b] * force;
            vy[a] -= dy * mass[b] * force;
            vx[b] += dx * mass[a] * force;
            vy[b] += dy * mass[a] * force;
          }
      for (a = 0; a < 3; a++)
        {
          x[a] += 0.001 * vx[a];
          y[a] += 0.001 * vy[a];
          energy += mass[a] * (vx[a] * vx[a] + vy[a] * vy[a]);
        }
    }
  energy += x[1] + y[2];
  __builtin_memcpy (&result, &energy, sizeof result);
  return result;
}

/* ---- atomics: add, exchange, compare-and-swap; a unit is one of each
 * ----------------------------------- */

static void *
atomics_prepare (void)
{
  return calloc (1, 256);
}

static uint64_t
atomics (void *prepared, uint64_t n)
{
  uint64_t *word = prepared, sum = 0, i;

  word[0] = word[1] = word[2] = 0;
  for (i = 0; i < n; i++)
    {
      uint64_t seen = __atomic_load_n (&word[2], __ATOMIC_RELAXED);

      sum += __atomic_fetch_add (&word[0], i, __ATOMIC_ACQ_REL);
      sum ^= __atomic_exchange_n (&word[1], sum, __ATOMIC_ACQ_REL);
      while (!__atomic_compare_exchange_n (&word[2], &seen, seen * 3 + 1, 0, __ATOMIC_ACQ_REL,
                                           __ATOMIC_RELAXED))
        ;
    }
  return sum ^ word[0] ^ word[2];
}

const struct kernel user_kernels[] = {
  { "integer", "8 rounds", 0, integer },
  { "branches", "sequence", 0, branches },
  { "memory", "32 KiB read and written", memory_prepare, memory },
  { "chase", "pointer", chase_prepare, chase },
  { "indirect", "jump", indirect_prepare, indirect },
  { "calls", "1973 calls", 0, calls },
  { "float", "step", 0, floating },
  { "atomics", "3 operations", atomics_prepare, atomics },
  { 0, 0, 0, 0 },
};
