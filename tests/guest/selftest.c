/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The workload that checks itself: runs its parts in order, compares each digest with the one
 * known to be right, and ends with a digest over all.  Exit status 0 only when all agree.
 *
 * It must not know what it runs on: it is compiled for the guest, and for a host to find the
 * digests.
 */
#include "selftest.h"
#include <stdarg.h>
#include <sys/wait.h>

static const struct part
{
  const char *name;
  int (*run) (uint64_t *digest);
  uint64_t expected; /* found by running the same source on x86-64 and under another emulator */
} parts[] = {
  { "checksum", part_checksum, UINT64_C (0x33c2d08a687c6ac8) },
  { "process", part_process, UINT64_C (0xac8f21d124aedf05) },
  { "signal", part_signal, UINT64_C (0xa90f1fb411f77f00) },
  { "float", part_float, UINT64_C (0xbf37f5bcef170aee) },
  { "memory", part_memory, UINT64_C (0xf8690656df4cad80) },
  { "thread", part_thread, UINT64_C (0xfc3d77ac4cd054f4) },
  { "clock", part_clock, UINT64_C (0x89cd31291d2aefa4) },
  { "net", part_net, UINT64_C (0x34835abc5e4b5dc1) },
};
enum { N_PARTS = sizeof parts / sizeof parts[0] };

void
digest_bytes (uint64_t *digest, const void *data, size_t size)
{
  const uint8_t *p = data;
  while (size--)
    *digest = (*digest ^ *p++) * UINT64_C (0x100000001b3);
}

void
digest_u64 (uint64_t *digest, uint64_t value)
{
  /* byte by byte, so that the host's byte order does not matter */
  for (int i = 0; i < 8; i++, value >>= 8)
    {
      uint8_t byte = value;
      digest_bytes (digest, &byte, 1);
    }
}

uint64_t
random_next (uint64_t *state)
{
  uint64_t x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * UINT64_C (2685821657736338717);
}

void
report (const char *file, int line, const char *format, ...)
{
  char text[512];
  va_list args;
  const char *slash = strrchr (file, '/');
  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  printf ("selftest: %s:%d: %s\n", slash ? slash + 1 : file, line, text);
  fflush (stdout);
}

static bool
chosen (const char *name, int n, char **names)
{
  if (n == 0)
    return true;
  for (int i = 0; i < n; i++)
    if (!strcmp (name, names[i]))
      return true;
  return false;
}

/* Each part in a process of its own, so that one that crashes is one that fails. */
static bool
run_part (const struct part *part, uint64_t *digest)
{
  int fds[2], status;
  pid_t pid;

  fflush (stdout);
  if (pipe (fds) < 0 || (pid = fork ()) < 0)
    {
      report (__FILE__, __LINE__, "%s: cannot start: errno %d", part->name, errno);
      return false;
    }
  if (pid == 0)
    {
      uint64_t result = UINT64_C (0xcbf29ce484222325);
      close (fds[0]);
      if (part->run (&result) != 0 || write (fds[1], &result, sizeof result) != sizeof result)
        _exit (1);
      _exit (0);
    }
  close (fds[1]);
  bool complete = read (fds[0], digest, sizeof *digest) == sizeof *digest;
  close (fds[0]);
  if (waitpid (pid, &status, 0) != pid)
    status = -1;
  if (complete && status == 0)
    return true;
  if (WIFSIGNALED (status))
    report (__FILE__, __LINE__, "%s: died of signal %d", part->name, WTERMSIG (status));
  return false;
}

int
main (int argc, char **argv)
{
  bool print = argc > 1 && !strcmp (argv[1], "--print");
  uint64_t all = UINT64_C (0xcbf29ce484222325);
  int ran = 0, good = 0;

  if (argc == 4 && !strcmp (argv[1], "--child"))
    return process_child (argv[2], argv[3]);
  argc -= 1 + print;
  argv += 1 + print;
  for (int i = 0; i < argc; i++)
    {
      bool known = false;
      for (int j = 0; j < N_PARTS; j++)
        known |= !strcmp (argv[i], parts[j].name);
      if (!known)
        {
          fprintf (stderr, "selftest: '%s': no such part\n", argv[i]);
          return 2;
        }
    }

  for (int i = 0; i < N_PARTS; i++)
    {
      uint64_t digest = 0;
      if (!chosen (parts[i].name, argc, argv))
        continue;
      ran++;
      bool ok = run_part (&parts[i], &digest);
      digest_u64 (&all, digest);
      if (ok && digest != parts[i].expected && !print)
        {
          report (__FILE__, __LINE__, "%s: digest %016llx, wanted %016llx", parts[i].name,
                  (unsigned long long) digest, (unsigned long long) parts[i].expected);
          ok = false;
        }
      good += ok;
      printf ("selftest: %-8s %s %016llx\n", parts[i].name, ok ? "ok    " : "FAILED",
              (unsigned long long) digest);
      fflush (stdout);
    }
  printf ("selftest: %d of %d passed, digest %016llx\n", good, ran, (unsigned long long) all);
  return good == ran ? 0 : 1;
}
