/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The workload that checks itself: what its parts share.
 *
 * Each part is one function that exercises one area, checks every answer it gets, and folds its
 * results into a digest that depends on nothing but arithmetic: not on time, addresses, process
 * ids or the number of harts.  So the same source compiled for the host gives the same digests,
 * and they are the judge of an emulated processor.
 */
#ifndef GODWIT_TESTS_GUEST_SELFTEST_H
#define GODWIT_TESTS_GUEST_SELFTEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>

/* FNV-1a over 64 bits: short, and any wrong bit anywhere changes it. */
void digest_bytes (uint64_t *digest, const void *data, size_t size);
void digest_u64 (uint64_t *digest, uint64_t value);

/* xorshift64*: the same numbers everywhere. */
uint64_t random_next (uint64_t *state);

/* Say why the part fails and return from it. */
void report (const char *file, int line, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
#define FAIL(...)                                                                                  \
  do                                                                                               \
    {                                                                                              \
      report (__FILE__, __LINE__, __VA_ARGS__);                                                    \
      return -1;                                                                                   \
    }                                                                                              \
  while (0)
#define CHECK(condition)                                                                           \
  do                                                                                               \
    {                                                                                              \
      if (!(condition))                                                                            \
        FAIL ("%s (errno %d)", #condition, errno);                                                 \
    }                                                                                              \
  while (0)

/* A process may print only through report(); stdout is line buffered and shared by children. */
int part_checksum (uint64_t *digest);
int part_process (uint64_t *digest);
int part_signal (uint64_t *digest);
int part_float (uint64_t *digest);
int part_memory (uint64_t *digest);
int part_thread (uint64_t *digest);
int part_clock (uint64_t *digest);
int part_net (uint64_t *digest);

/* What `selftest --child WORD NUMBER` does; process.c runs it through exec. */
int process_child (const char *word, const char *number);

/* SHA-256 of data as 32 bytes; checksum.c. */
void sha256 (const void *data, size_t size, uint8_t out[32]);

#endif
