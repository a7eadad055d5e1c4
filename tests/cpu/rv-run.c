/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run a bare-metal ELF file on the plugin rv64-cpu alone:
 *   rv-run [-c HARTS] [-p PROPS] [-l LIMIT] [-t] PLUGIN FILE...
 * Prints a line a file; -t adds time and instructions per second.  The exit status is the number
 * of files that did not end with status 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "rvhost.h"

int
main (int argc, char **argv)
{
  uint32_t harts = 1;
  uint64_t limit = 0;
  const char *props = NULL;
  int c, bad = 0, timing = 0;
  clockid_t clock;
  while ((c = getopt (argc, argv, "c:p:l:t")) != -1)
    switch (c)
      {
      case 'c':
        harts = (uint32_t) atoi (optarg);
        break;
      case 'p':
        props = optarg;
        break;
      case 'l':
        limit = strtoull (optarg, NULL, 0);
        break;
      case 't':
        timing = 1;
        break;
      default:
        return 2;
      }
  /* One hart: processor time, so that a busy machine disturbs less. */
  clock = harts == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
  for (int i = optind + 1; i < argc; i++)
    {
      struct rvhost *t = rvhost_new (argv[optind], harts, 64 << 20, props);
      struct timespec a, b;
      bool ended;
      double s;
      if (t == NULL || !rvhost_load_elf (t, argv[i]))
        {
          fprintf (stderr, "%s: cannot load; %s\n", argv[i], rvhost_error ());
          return 2;
        }
      rvhost_reset (t);
      clock_gettime (clock, &a);
      ended = rvhost_run (t, limit);
      clock_gettime (clock, &b);
      s = (double) (b.tv_sec - a.tv_sec) + (double) (b.tv_nsec - a.tv_nsec) / 1e9;
      if (t->console_used != 0)
        printf ("%s\n", t->console);
      if (!ended || t->status != 0)
        {
          bad++;
          printf ("FAIL %s: %s %d pc %llx cause %llx tval %llx gp %llu\n", argv[i],
                  ended ? "status" : "did not end,", t->status,
                  (unsigned long long) rvhost_get (t, 0, "pc"),
                  (unsigned long long) rvhost_get (t, 0, "mcause"),
                  (unsigned long long) rvhost_get (t, 0, "mtval"),
                  (unsigned long long) rvhost_get (t, 0, "x3"));
        }
      else
        printf ("ok %s\n", argv[i]);
      if (timing)
        {
          double n = (double) rvhost_get (t, 0, "minstret");
          printf ("%.3f s, %.0f instructions, %.0f million a second\n", s, n, n / s / 1e6);
        }
      fflush (stdout);
      rvhost_free (t);
    }
  return bad > 100 ? 100 : bad;
}
