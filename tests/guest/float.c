/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating point: every basic operation on awkward and random operands, in every rounding mode C
 * knows, with its flags; and processes whose registers and modes must not leak into each other.
 *
 * Compiled with -ffp-contract=off -frounding-math.  Not-a-numbers are folded into one, since their
 * sign and payload are the one thing in which IEEE 754 machines differ.
 */
#include "selftest.h"
#include <fenv.h>
#include <math.h>
#include <sched.h>
#include <sys/wait.h>

static const int modes[] = { FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD };

static uint64_t
double_bits (double x)
{
  uint64_t bits;
  memcpy (&bits, &x, sizeof bits);
  return isnan (x) ? UINT64_C (0x7ff8000000000000) : bits;
}

static uint64_t
float_bits (float x)
{
  uint32_t bits;
  memcpy (&bits, &x, sizeof bits);
  return isnan (x) ? 0x7fc00000 : bits;
}

static double
bits_double (uint64_t bits)
{
  double x;
  memcpy (&x, &bits, sizeof x);
  return x;
}

static float
bits_float (uint32_t bits)
{
  float x;
  memcpy (&x, &bits, sizeof x);
  return x;
}

static uint64_t
flags (void)
{
  int raised = fetestexcept (FE_ALL_EXCEPT);
  feclearexcept (FE_ALL_EXCEPT);
  return !!(raised & FE_INVALID) << 4 | !!(raised & FE_DIVBYZERO) << 3
         | !!(raised & FE_OVERFLOW) << 2 | !!(raised & FE_UNDERFLOW) << 1 | !!(raised & FE_INEXACT);
}

/* Whether infinity times zero plus a quiet NaN is invalid IEEE 754 leaves open, so nobody asks. */
static bool
open_question (double x, double y, double z)
{
  return isnan (z) && ((isinf (x) && y == 0) || (x == 0 && isinf (y)));
}

/* The volatile copies keep the compiler from computing anything itself or past flags(). */
static void
doubles (uint64_t *digest, double x, double y, double z)
{
  volatile double a = x, b = y, c = open_question (x, y, z) ? 1 : z, r;
  volatile float s;
#define STEP(expression)                                                                           \
  do                                                                                               \
    {                                                                                              \
      r = (expression);                                                                            \
      digest_u64 (digest, double_bits (r));                                                        \
      digest_u64 (digest, flags ());                                                               \
    }                                                                                              \
  while (0)
  STEP (a + b);
  STEP (a - b);
  STEP (a * b);
  STEP (a / b);
  STEP (sqrt (fabs (a)));
  STEP (fma (a, b, c));
  STEP (fma (a, b, -c));
  STEP (fma (-a, b, c));
  STEP (fma (-a, b, -c));
  s = a;
  digest_u64 (digest, float_bits (s));
  digest_u64 (digest, flags ());
  STEP (s);
  STEP (copysign (a, b));
#undef STEP
  digest_u64 (digest, (a < b) | (a <= b) << 1 | (a == b) << 2);
  digest_u64 (digest, flags ());
  /* conversions, inside the range that C defines */
  if (!isnan (x) && fabs (x) < 9e18)
    {
      volatile int64_t whole = a;
      digest_u64 (digest, whole);
      digest_u64 (digest, flags ());
      r = whole;
      digest_u64 (digest, double_bits (r));
      digest_u64 (digest, flags ());
    }
  if (!isnan (x) && fabs (x) < 2e9)
    {
      volatile int32_t whole = a;
      digest_u64 (digest, whole);
      digest_u64 (digest, flags ());
    }
}

static void
floats (uint64_t *digest, float x, float y, float z)
{
  volatile float a = x, b = y, c = open_question (x, y, z) ? 1 : z, r;
  bool whole = !isnan (x) && fabsf (x) < 9e18f; /* in range of the integer types */
  feclearexcept (FE_ALL_EXCEPT);
#define STEP(expression)                                                                           \
  do                                                                                               \
    {                                                                                              \
      r = (expression);                                                                            \
      digest_u64 (digest, float_bits (r));                                                         \
      digest_u64 (digest, flags ());                                                               \
    }                                                                                              \
  while (0)
  STEP (a + b);
  STEP (a - b);
  STEP (a * b);
  STEP (a / b);
  STEP (sqrtf (fabsf (a)));
  STEP (fmaf (a, b, c));
  STEP (fmaf (-a, b, -c));
  STEP ((float) (int64_t) (whole ? a : 1));
  STEP ((float) (uint64_t) (whole ? fabsf (a) : 1));
#undef STEP
}

static bool
nan_bits (uint64_t bits)
{
  return (bits << 1) > UINT64_C (0xffe0000000000000);
}

static bool
nan_bits_float (uint32_t bits)
{
  return (uint32_t) (bits << 1) > 0xff000000;
}

static void
operations (uint64_t *digest)
{
  static const double odd[] = { 0.0, -0.0, 1.0, -1.0, 1.5, 0.1, 3.0, 4503599627370496.5, 1e308,
                                -1e308, 0x1p-1022, 0x1p-1074, -0x1.fffffffffffffp-1023, 0x1p-1021,
                                0x1p-149, 0x1.fffffep127, 0x1.ffffffp127, 0x1p-150, INFINITY,
                                -INFINITY, NAN };
  enum { N = sizeof odd / sizeof odd[0] };
  uint64_t state = 99;

  for (unsigned m = 0; m < 4; m++)
    {
      fesetround (modes[m]);
      feclearexcept (FE_ALL_EXCEPT);
      for (int i = 0; i < N * N; i++)
        {
          doubles (digest, odd[i / N], odd[i % N], odd[(i * 7 + 3) % N]);
          floats (digest, (float) odd[i / N], (float) odd[i % N], (float) odd[(i * 5 + 1) % N]);
        }
      for (int i = 0; i < 1500; i++)
        {
          uint64_t a = random_next (&state), b = random_next (&state), c = random_next (&state);
          if (i & 1) /* exponents near each other, where sums cancel and products round */
            {
              b = (a & UINT64_C (0x7ff0000000000000)) ^ (b & UINT64_C (0x800fffffffffffff));
              c = (a & UINT64_C (0x7ff0000000000000)) ^ (c & UINT64_C (0x801fffffffffffff));
            }
          /* signaling ones raise flags even where they are only looked at, so leave them out */
          if (nan_bits (a) || nan_bits (b) || nan_bits (c))
            continue;
          doubles (digest, bits_double (a), bits_double (b), bits_double (c));
          uint32_t fa = a >> 16, fb = i & 1 ? (fa & 0x7f800000) ^ (b & 0x807fffff) : b >> 16;
          uint32_t fc = c >> 16;
          if (!nan_bits_float (fa) && !nan_bits_float (fb) && !nan_bits_float (fc))
            floats (digest, bits_float (fa), bits_float (fb), bits_float (fc));
        }
    }
  fesetround (FE_TONEAREST);
  feclearexcept (FE_ALL_EXCEPT);
}

/* A chaotic map: one wrong bit in one step is a different number a hundred steps on. */
static uint64_t
orbit (int seed, int steps, bool yield)
{
  volatile double start = 0.1 + seed * 0.01;
  double x = start, y = 1 - start, z = 0.5;
  float f = (float) start;
  for (int i = 0; i < steps; i++)
    {
      x = 3.91 * x * (1 - x);
      y = 3.83 * y * (1 - y) + x * 0x1p-20;
      z = sqrt (x + y) / 1.7;
      f = f * 3.7f * (1 - f);
      if (yield && i % 64 == 0)
        sched_yield ();
    }
  return double_bits (x) ^ double_bits (y) << 1 ^ double_bits (z) << 2 ^ float_bits (f) << 3;
}

/* Processes that take turns, each in a rounding mode of its own. */
static int
turns (uint64_t *digest)
{
  enum { PROCESSES = 8, STEPS = 6000 };
  pid_t pids[PROCESSES];
  uint64_t alone[PROCESSES];
  int status;

  for (int i = 0; i < PROCESSES; i++)
    {
      fesetround (modes[i % 4]);
      alone[i] = orbit (i, STEPS, false);
      digest_u64 (digest, alone[i]);
    }
  fesetround (FE_TONEAREST);
  CHECK (alone[0] != alone[4] && orbit (1, STEPS, false) != alone[1]);
  for (int i = 0; i < PROCESSES; i++)
    {
      CHECK ((pids[i] = fork ()) >= 0);
      if (pids[i] > 0)
        continue;
      fesetround (modes[i % 4]);
      for (int round = 0; round < 4; round++)
        if (orbit (i, STEPS, true) != alone[i] || fegetround () != modes[i % 4])
          _exit (1);
      _exit (0);
    }
  for (int i = 0; i < PROCESSES; i++)
    {
      CHECK (waitpid (pids[i], &status, 0) == pids[i]);
      CHECK (status == 0);
    }
  return 0;
}

int
part_float (uint64_t *digest)
{
  operations (digest);
  return turns (digest);
}
