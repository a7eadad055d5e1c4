/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's end of the benchmark: reads "NAME N THREADS" lines on standard input, runs that
 * kernel, and frames the work with lines by which the host takes the time.
 *
 *   @ready             once, when it listens
 *   @begin NAME        when all is prepared; goes on at the next line that comes in
 *   @end NAME RESULT INSTRUCTIONS     RESULT of one thread, which all threads have to agree on;
 *                                     INSTRUCTIONS 0 where nothing counts them
 *   @error TEXT
 */
#define _GNU_SOURCE
#include "bench.h"

#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define MAX_THREADS 64

struct job
{
  const struct kernel *kernel;
  void *prepared;
  uint64_t n, result;
  pthread_barrier_t *start;
};

/* The kernel's own count of instructions, user and kernel mode, with all children; -1 where there
   is none.  rdinstret would not do: the firmware holds the counter still until somebody wants it.
 */
static int
open_counter (void)
{
  struct perf_event_attr attr;

  memset (&attr, 0, sizeof attr);
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_HARDWARE;
  attr.config = PERF_COUNT_HW_INSTRUCTIONS;
  attr.inherit = 1;
  return (int) syscall (SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static uint64_t
read_counter (int fd)
{
  uint64_t value = 0;

  if (fd < 0 || read (fd, &value, sizeof value) != sizeof value)
    return 0;
  return value;
}

static const struct kernel *
find (const char *name)
{
  const struct kernel *k;

  for (k = user_kernels; k->name; k++)
    if (strcmp (k->name, name) == 0)
      return k;
  for (k = system_kernels; k->name; k++)
    if (strcmp (k->name, name) == 0)
      return k;
  return NULL;
}

static void *
work (void *arg)
{
  struct job *job = arg;

  pthread_barrier_wait (job->start);
  job->result = job->kernel->run (job->prepared, job->n);
  return NULL;
}

/* The host takes the time just before its answer, however late it saw the question. */
static void
wait_for_go (const char *name)
{
  char line[16];

  printf ("@begin %s\n", name);
  fflush (stdout);
  if (!fgets (line, sizeof line, stdin))
    exit (1);
}

static void
run (const struct kernel *k, uint64_t n, unsigned threads, int counter)
{
  struct job jobs[MAX_THREADS];
  pthread_t thread[MAX_THREADS];
  pthread_barrier_t start;
  uint64_t instructions = 0;
  unsigned i;

  for (i = 0; i < threads; i++)
    {
      jobs[i].kernel = k;
      jobs[i].prepared = k->prepare ? k->prepare () : NULL;
      jobs[i].n = n;
      jobs[i].start = &start;
    }
  if (threads == 1)
    {
      wait_for_go (k->name);
      instructions = read_counter (counter);
      jobs[0].result = k->run (jobs[0].prepared, n);
      instructions = read_counter (counter) - instructions;
    }
  else
    {
      pthread_barrier_init (&start, NULL, threads + 1);
      for (i = 0; i < threads; i++)
        if (pthread_create (&thread[i], NULL, work, &jobs[i]) != 0)
          {
            puts ("@error a thread could not be started");
            exit (1);
          }
      wait_for_go (k->name);
      pthread_barrier_wait (&start);
      for (i = 0; i < threads; i++)
        pthread_join (thread[i], NULL);
      pthread_barrier_destroy (&start);
    }
  for (i = 1; i < threads; i++)
    if (jobs[i].result != jobs[0].result)
      {
        puts ("@error threads disagree");
        exit (1);
      }
  printf ("@end %s %016llx %llu\n", k->name, (unsigned long long) jobs[0].result,
          (unsigned long long) instructions);
  fflush (stdout);
  for (i = 0; i < threads; i++)
    free (jobs[i].prepared);
}

int
main (void)
{
  struct termios tty;
  char line[256], name[64];
  unsigned long long n;
  unsigned threads;
  int counter = open_counter ();

  if (tcgetattr (STDIN_FILENO, &tty) == 0)
    {
      tty.c_lflag &= ~(tcflag_t) ECHO;
      tcsetattr (STDIN_FILENO, TCSANOW, &tty);
    }
  puts ("@ready");
  fflush (stdout);
  while (fgets (line, sizeof line, stdin))
    {
      const struct kernel *k;

      if (strcmp (line, "quit\n") == 0)
        break;
      if (sscanf (line, "%63s %llu %u", name, &n, &threads) != 3 || threads < 1
          || threads > MAX_THREADS || (k = find (name)) == NULL)
        {
          printf ("@error not understood: %s", line);
          fflush (stdout);
          continue;
        }
      run (k, n, threads, counter);
    }
  return 0;
}
