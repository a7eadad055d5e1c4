/* SPDX-License-Identifier: BSD-2-Clause */
/* What a fuzz target gives, and what targets share. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry; driver.c calls it too. Returns 0; a finding breaks it (abort, sanitizer). */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Tokens worth inserting, ended by NULL: for driver.c; libFuzzer finds them by itself. */
extern const char *const fuzz_tokens[];

#define FUZZ_CLAIM(cond)                                                                           \
  do                                                                                               \
    if (!(cond))                                                                                   \
      fuzz_broken (__FILE__, __LINE__, #cond);                                                     \
  while (0)
void fuzz_broken (const char *file, int line, const char *what) __attribute__ ((noreturn));

#endif
