/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's side of bench-migrate: memory that is full, memory that is written at a rate, work
   that counts itself, and a heartbeat.

     fill MIB             that much memory gets content no two pages share; "@end"
     dirty RATE SPACE     from now on RATE MiB a second, page by page through SPACE MiB; "@end"
     work 0|1             a thread does nothing else; or sleeps
     beat MS              from now on "@beat NANOSECONDS WORK" every so many ms, 0: never; "@end"

   per line of standard input.  WORK counts loops of a thread that does nothing else, so what the
   guest has lost to being migrated can be told from it.  It must not know who emulates it.  */

#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define MIB (1ul << 20)
#define PAGE 4096
#define TICK_NS 10000000ul

static _Atomic uint64_t work, works, rate, space, interval;
static uint8_t *area;
static size_t area_size;

static uint64_t
now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

static void
sleep_ns (uint64_t ns)
{
  struct timespec t
      = { .tv_sec = (time_t) (ns / 1000000000u), .tv_nsec = (long) (ns % 1000000000u) };

  nanosleep (&t, NULL);
}

static void
fail (const char *what)
{
  printf ("@failed %s\n", what);
  exit (1);
}

static uint64_t
mixed (uint64_t x)
{
  x ^= x << 13;
  x ^= x >> 7;
  return x ^ x << 17;
}

static void *
work_on (void *unused)
{
  uint64_t x = 88172645463325252u;
  int i;

  (void) unused;
  for (;;)
    {
      if (!atomic_load (&works))
        {
          sleep_ns (TICK_NS);
          continue;
        }
      for (i = 0; i < 1000; i++)
        x = mixed (x);
      /* The sum is looked at, so that it is computed. */
      atomic_fetch_add (&work, 1 + (x == 0));
    }
  return NULL;
}

static void *
write_on (void *unused)
{
  uint64_t at = 0, n = 1, owed = 0, last = now ();

  (void) unused;
  for (;;)
    {
      uint64_t t = now (), bytes = atomic_load (&space) * MIB;

      owed += (t - last) * atomic_load (&rate) / 1000 * MIB / 1000000;
      last = t;
      /* What a slow guest could not write in a tick is not made up for later. */
      if (owed > bytes)
        owed = bytes;
      for (; owed >= PAGE && bytes; owed -= PAGE)
        {
          *(uint64_t *) (area + at) = n++;
          at = (at + PAGE) % bytes;
        }
      sleep_ns (TICK_NS);
    }
  return NULL;
}

static void *
beat_on (void *unused)
{
  (void) unused;
  for (;;)
    {
      uint64_t ms = atomic_load (&interval);

      if (ms)
        printf ("@beat %llu %llu\n", (unsigned long long) now (),
                (unsigned long long) atomic_load (&work));
      sleep_ns (ms ? ms * 1000000u : 20000000u);
    }
  return NULL;
}

static void
fill (size_t size)
{
  uint64_t x = 0x9e3779b97f4a7c15u;
  size_t i;

  area = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED)
    fail ("mmap");
  area_size = size;
  for (i = 0; i < size; i += 8)
    *(uint64_t *) (area + i) = x = mixed (x);
}

int
main (void)
{
  static void *(*const threads[]) (void *) = { work_on, write_on, beat_on };
  char line[256];
  size_t i;

  setvbuf (stdout, NULL, _IOLBF, 0);
  if (mlockall (MCL_CURRENT))
    fail ("mlockall");
  for (i = 0; i < sizeof threads / sizeof *threads; i++)
    {
      pthread_t thread;

      if (pthread_create (&thread, NULL, threads[i], NULL))
        fail ("pthread_create");
    }
  printf ("@ready\n");
  while (fgets (line, sizeof line, stdin))
    {
      unsigned long a, b;

      if (sscanf (line, "fill %lu", &a) == 1 && area == NULL)
        fill (a * MIB);
      else if (sscanf (line, "dirty %lu %lu", &a, &b) == 2 && b * MIB <= area_size)
        {
          atomic_store (&rate, 0);
          atomic_store (&space, b);
          atomic_store (&rate, a);
        }
      else if (sscanf (line, "work %lu", &a) == 1)
        atomic_store (&works, a);
      else if (sscanf (line, "beat %lu", &a) == 1)
        atomic_store (&interval, a);
      else
        fail (line);
      printf ("@end\n");
    }
  return 0;
}
