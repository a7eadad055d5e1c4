/* SPDX-License-Identifier: BSD-2-Clause */
/* What a kernel is.  A program of the guest; knows no emulator. */
#ifndef BENCH_GUEST_BENCH_H
#define BENCH_GUEST_BENCH_H

#include <stdint.h>

struct kernel
{
  const char *name;
  const char *unit; /* what one of N is */
  /* Optional: memory and tables, not measured.  Each thread prepares its own. */
  void *(*prepare) (void);
  /* Do N units; the result depends on every one of them, so that nothing can be left out and two
     emulators can be compared. */
  uint64_t (*run) (void *prepared, uint64_t n);
};

extern const struct kernel user_kernels[];   /* compute.c, ended by a NULL name */
extern const struct kernel system_kernels[]; /* system.c, ended by a NULL name */

#endif
