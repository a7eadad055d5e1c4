/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernels that are about the guest's kernel: traps, page tables, processes. */
#define _GNU_SOURCE
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void
fail (const char *what)
{
  perror (what);
  exit (1);
}

static uint64_t
system_calls (void *prepared, uint64_t n)
{
  uint64_t sum = 0, i;

  (void) prepared;
  for (i = 0; i < n; i++)
    sum += syscall (SYS_getppid) > 0;
  return sum;
}

/* A unit is one page: mapped, touched, unmapped in batches of 64. */
static uint64_t
page_faults (void *prepared, uint64_t n)
{
  uint64_t sum = 0, i, k;

  (void) prepared;
  for (i = 0; i < n; i += 64)
    {
      volatile char *p
          = mmap (NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

      if (p == MAP_FAILED)
        fail ("mmap");
      /* Whole batches would come as one huge page where the kernel has them. */
      madvise ((void *) p, 64 * 4096, MADV_NOHUGEPAGE);
      for (k = 0; k < 64 && i + k < n; k++)
        {
          p[k * 4096] = 1;
          sum += p[k * 4096];
        }
      munmap ((void *) p, 64 * 4096);
    }
  return sum;
}

static uint64_t
forks (void *prepared, uint64_t n)
{
  uint64_t sum = 0, i;

  (void) prepared;
  for (i = 0; i < n; i++)
    {
      int status;
      pid_t child = fork ();

      if (child < 0)
        fail ("fork");
      if (child == 0)
        _exit ((int) (i & 0x7f));
      if (waitpid (child, &status, 0) != child)
        fail ("waitpid");
      sum = sum * 3 + (uint64_t) WEXITSTATUS (status);
    }
  return sum;
}

const struct kernel system_kernels[] = {
  { "syscalls", "call", 0, system_calls },
  { "faults", "page", 0, page_faults },
  { "fork", "process", 0, forks },
  { 0, 0, 0, 0 },
};
