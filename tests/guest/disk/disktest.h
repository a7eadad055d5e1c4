/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of disktest share: options, random numbers, and how a failure is told.  */

#ifndef DISKTEST_H
#define DISKTEST_H

#include <stdbool.h>
#include <stdint.h>

struct options
{
  uint64_t seed, ops, seconds, threads, files, size, records;
  const char *path;
};

/* random: reads and writes that are compared with a copy in memory.  0: all as expected.  */
int random_run (const struct options *o);

/* records: appends, each on the disk before it is told.  0: all could be written.  */
int records_run (const struct options *o);

/* A number that nobody guesses but that SEED repeats (splitmix64).  */
static inline uint64_t
next_random (uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15u;

  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static inline uint64_t
below (uint64_t *state, uint64_t limit)
{
  return next_random (state) % limit;
}

void fill_random (uint64_t *state, void *to, uint64_t size);

/* One line on standard output, at once.  */
void say (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* Reads or writes all of it, however many calls it takes; false with errno otherwise.  */
bool write_all (int fd, const void *from, uint64_t size, uint64_t offset);

#endif
