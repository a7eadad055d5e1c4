/* SPDX-License-Identifier: BSD-2-Clause */
/* disktest: puts a disk, or a file system on one, to work inside the guest, and checks every byte.

     disktest random [seed=N] [ops=N | seconds=N] [threads=N] [files=N] [size=KIB] FOLDER|DEVICE
     disktest records [seed=N] [threads=N] [records=N] FOLDER

   It owns the command line.  It must not know what emulator it runs on; compiled for the host it
   tests the host's disk.  */

#include "disktest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void
say (const char *format, ...)
{
  char line[512];
  va_list ap;
  int n;

  va_start (ap, format);
  n = vsnprintf (line, sizeof line - 1, format, ap);
  va_end (ap);
  if (n < 0)
    return;
  if ((size_t) n > sizeof line - 2)
    n = sizeof line - 2;
  line[n] = '\n';
  /* One call, so that lines of several threads stay whole.  */
  if (write (STDOUT_FILENO, line, n + 1) < 0)
    exit (1);
}

void
fill_random (uint64_t *state, void *to, uint64_t size)
{
  unsigned char *p = to;

  for (; size >= 8; size -= 8, p += 8)
    {
      uint64_t word = next_random (state);
      memcpy (p, &word, 8);
    }
  if (size)
    {
      uint64_t word = next_random (state);
      memcpy (p, &word, size);
    }
}

bool
write_all (int fd, const void *from, uint64_t size, uint64_t offset)
{
  const char *p = from;

  while (size)
    {
      ssize_t n = pwrite (fd, p, size, offset);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return false;
      p += n;
      offset += n;
      size -= n;
    }
  return true;
}

static int
usage (void)
{
  fprintf (stderr, "usage: disktest random [seed=N] [ops=N | seconds=N] [threads=N] [files=N] "
                   "[size=KIB] FOLDER|DEVICE\n"
                   "       disktest records [seed=N] [threads=N] [records=N] FOLDER\n");
  return 2;
}

int
main (int argc, char **argv)
{
  struct options o = { .ops = 0, .threads = 1, .files = 2, .size = 1024 };
  struct
  {
    const char *name;
    uint64_t *value, min, max;
  } known[] = {
    { "seed", &o.seed, 0, UINT64_MAX },
    { "ops", &o.ops, 1, UINT64_MAX },
    { "seconds", &o.seconds, 1, 1000000 },
    { "threads", &o.threads, 1, 64 },
    { "files", &o.files, 1, 64 },
    { "size", &o.size, 64, 1 << 20 },
    { "records", &o.records, 1, UINT64_MAX },
  };
  struct timespec now;

  if (argc < 3)
    return usage ();
  clock_gettime (CLOCK_REALTIME, &now);
  o.seed = (uint64_t) now.tv_nsec << 20 ^ (uint64_t) now.tv_sec;
  for (int i = 2; i < argc - 1; i++)
    {
      size_t j, n = sizeof known / sizeof *known;
      for (j = 0; j < n; j++)
        {
          size_t length = strlen (known[j].name);
          if (!strncmp (argv[i], known[j].name, length) && argv[i][length] == '=')
            {
              char *end;
              *known[j].value = strtoull (argv[i] + length + 1, &end, 0);
              if (*end || *known[j].value < known[j].min || *known[j].value > known[j].max)
                return usage ();
              break;
            }
        }
      if (j == n)
        return usage ();
    }
  o.path = argv[argc - 1];
  if (!o.ops && !o.seconds)
    o.ops = 1000;
  o.size <<= 10;
  say ("disktest: %s seed=%llu", argv[1], (unsigned long long) o.seed);
  if (!strcmp (argv[1], "random"))
    return random_run (&o);
  if (!strcmp (argv[1], "records"))
    return records_run (&o);
  return usage ();
}
