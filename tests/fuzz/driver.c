/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target without libFuzzer, the same way each time: every seed file, every prefix of
 * each, then a fixed number of mutations from a fixed start.  Speaks TAP.  The input at work is
 * kept in a file behind its size in 8 bytes, so that a crash leaves it there.
 *
 *   fuzz-NAME [--rounds N] [--keep FILE] SEED...
 *
 * Must not know any one target.
 */
#include "tests/fuzz/fuzz.h"

/* Which has a driver of its own (tests/fuzz/run-libfuzzer). */
#ifndef FUZZ_WITH_LIBFUZZER

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE_MAX_INPUT 65536
#define PREFIXES_MAX 3000

struct seed
{
  uint8_t *data;
  size_t size;
};

static struct seed *seeds;
static size_t n_seeds;
static uint64_t state = 0x9e3779b97f4a7c15u;

/* The input at work, in a file that outlives a crash without a system call for each. */
static struct kept
{
  uint64_t size;
  uint8_t data[SIZE_MAX_INPUT];
} *kept;
static int results;

static uint64_t
rnd (void)
{
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state >> 8;
}

/* A copy of exactly SIZE bytes, so that the sanitizer sees a read behind them. */
static void
run (const uint8_t *data, size_t size)
{
  uint8_t *copy = malloc (size ? size : 1);
  if (copy == NULL)
    abort ();
  if (size > 0)
    memcpy (copy, data, size);
  if (kept != NULL)
    {
      kept->size = size;
      memcpy (kept->data, copy, size);
    }
  LLVMFuzzerTestOneInput (copy, size);
  free (copy);
}

static void
keep (const char *path)
{
  int fd = open (path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  void *p = MAP_FAILED;
  if (fd >= 0 && ftruncate (fd, sizeof *kept) == 0)
    p = mmap (NULL, sizeof *kept, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0)
    close (fd);
  if (p != MAP_FAILED)
    kept = p;
}

static void
add_seed (const char *path)
{
  FILE *f = fopen (path, "rb");
  struct seed *s;
  if (f == NULL)
    {
      printf ("Bail out! cannot read %s\n", path);
      exit (99);
    }
  seeds = realloc (seeds, (n_seeds + 1) * sizeof *seeds);
  s = &seeds[n_seeds++];
  s->data = malloc (SIZE_MAX_INPUT);
  s->size = fread (s->data, 1, SIZE_MAX_INPUT, f);
  fclose (f);
}

static void
result (const char *what, size_t count)
{
  printf ("ok %d - %s: %zu inputs\n", ++results, what, count);
  fflush (stdout);
}

static size_t
insert (uint8_t *b, size_t size, size_t at, const void *what, size_t n)
{
  if (n > SIZE_MAX_INPUT - size)
    n = SIZE_MAX_INPUT - size;
  memmove (b + at + n, b + at, size - at);
  memcpy (b + at, what, n);
  return size + n;
}

static size_t
mutate (uint8_t *b, size_t size)
{
  static const uint8_t edges[]
      = { 0, 1, 0x7f, 0x80, 0xff, '"', '\\', '{', '}', '[', ',', '\n', ' ' };
  size_t at = size ? rnd () % size : 0, n;
  switch (rnd () % 10)
    {
    case 0:
      if (size)
        b[at] ^= (uint8_t) (1u << (rnd () & 7));
      return size;
    case 1:
      if (size)
        b[at] = (uint8_t) rnd ();
      return size;
    case 2:
      if (size)
        b[at] = edges[rnd () % sizeof edges];
      return size;
    case 3: /* cut a piece out */
      n = size ? rnd () % (size - at) % 64 : 0;
      memmove (b + at, b + at + n, size - at - n);
      return size - n;
    case 4: /* end early */
      return rnd () % 4 ? size : at;
    case 5: /* say a piece twice */
      {
        uint8_t piece[256];
        n = size ? rnd () % (size - at) % sizeof piece : 0;
        memcpy (piece, b + at, n);
        return insert (b, size, at, piece, n);
      }
    case 6:
    case 7:
      {
        size_t tokens = 0;
        const char *t;
        while (fuzz_tokens[tokens] != NULL)
          tokens++;
        if (tokens == 0)
          return size;
        t = fuzz_tokens[rnd () % tokens];
        n = strlen (t);
        /* in place of as many bytes, or between */
        if (rnd () & 1 && size - at >= n)
          {
            memcpy (b + at, t, n);
            return size;
          }
        return insert (b, size, at, t, n);
      }
    case 8: /* a number that is none of the expected */
      {
        uint64_t v = rnd () % 4 == 0 ? UINT64_MAX : (uint64_t) 1 << (rnd () & 63);
        n = (size_t) 1 << (rnd () & 3);
        if (size - at >= n)
          memcpy (b + at, &v, n);
        return size;
      }
    default: /* the rest of another seed */
      {
        const struct seed *s = &seeds[rnd () % n_seeds];
        size_t from = s->size ? rnd () % s->size : 0;
        n = s->size - from;
        if (n > SIZE_MAX_INPUT - at)
          n = SIZE_MAX_INPUT - at;
        memcpy (b + at, s->data + from, n);
        return at + n;
      }
    }
}

int
main (int argc, char **argv)
{
  static uint8_t input[SIZE_MAX_INPUT];
  size_t rounds = 4000, count = 0;
  for (int i = 1; i < argc; i++)
    if (strcmp (argv[i], "--rounds") == 0 && i + 1 < argc)
      rounds = strtoul (argv[++i], NULL, 10);
    else if (strcmp (argv[i], "--keep") == 0 && i + 1 < argc)
      keep (argv[++i]);
    else
      add_seed (argv[i]);
  if (n_seeds == 0)
    {
      printf ("Bail out! no seeds\n");
      return 99;
    }
  printf ("1..3\n");
  run (NULL, 0);
  for (size_t i = 0; i < n_seeds; i++)
    run (seeds[i].data, seeds[i].size);
  result ("seeds", n_seeds);
  for (size_t i = 0; i < n_seeds; i++)
    {
      /* all of a short one; of a long one the start, and some of the rest */
      size_t step = 1;
      for (size_t n = 0; n < seeds[i].size; n += step, count++)
        {
          run (seeds[i].data, n);
          if (n > PREFIXES_MAX)
            step = 1 + seeds[i].size / 500;
        }
    }
  result ("prefixes", count);
  for (size_t i = 0; i < rounds; i++)
    {
      const struct seed *s = &seeds[rnd () % n_seeds];
      size_t size = s->size;
      memcpy (input, s->data, size);
      for (size_t n = 1 + rnd () % 6; n > 0; n--)
        size = mutate (input, size);
      run (input, size);
    }
  result ("mutations", rounds);
  for (size_t i = 0; i < n_seeds; i++)
    free (seeds[i].data);
  free (seeds);
  return 0;
}

#endif
