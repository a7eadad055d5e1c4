/* SPDX-License-Identifier: BSD-2-Clause */
/* movetest: a guest that notices when it was not moved as it was.

     movetest [mib=N]      until SIGTERM; status 0 and "movetest: passed ..." where all was well

   memory   pages of N MiB (16 to 1024) are rewritten in random order, each with words that follow
            from its number and how often it was written; all of a page is compared before that
   compute  for each hart: integers and doubles, of which the same always comes out
   timers   for each hart: a thread there that sleeps again and again until a given time
   switches two threads on two harts that wake each other, which takes interrupts between harts
   clock    all of them read the clock: it never goes back, whichever hart is asked

   Four times a second "movetest: T ms, ..." tells the clock and how far each has come; whichever
   has not come further in a long time is stuck, as one that lost an interrupt is.  It must not know
   that it is moved, nor when.  */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u
#define WORDS (PAGE / 8)
#define MIB (1u << 20)
#define HARTS_MAX 16
#define BEAT_NS 250000000
#define TICK_NS 5000000
/* Beats without progress: a minute, since hosts can be slow. */
#define PATIENCE 240

struct worker
{
  const char *name;
  unsigned hart;
  void (*run) (struct worker *w);
  pthread_t thread;
  _Atomic uint64_t done;
  uint64_t seen;  /* of `done`, by the last beat that saw it grow */
  unsigned still; /* beats since then */
};

static struct worker workers[3 * HARTS_MAX + 3];
static unsigned n_workers, harts;
static size_t pages;
static uint8_t *area;
static uint32_t *written; /* how often each page was */
static atomic_bool ending;
static atomic_uint troubles;
static _Atomic uint64_t latest; /* of all clocks that were read, ns */
static int baton[2][2];         /* pipes between the two that switch */

static void __attribute__ ((format (printf, 1, 2)))
trouble (const char *format, ...)
{
  char text[256];
  va_list args;

  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  /* The first ones tell what happened. */
  if (atomic_fetch_add (&troubles, 1) < 8)
    {
      printf ("movetest: FAILED: %s\n", text);
      fflush (stdout);
    }
}

static uint64_t
read_clock (void)
{
  uint64_t before = atomic_load (&latest), now;
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  now = (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
  /* `before` was read before the clock was, on whatever hart. */
  if (now < before)
    trouble ("clock: %llu ns, and %llu before", (unsigned long long) now,
             (unsigned long long) before);
  while (before < now && !atomic_compare_exchange_weak (&latest, &before, now))
    ;
  return now;
}

static uint64_t
mixed (uint64_t z)
{
  z = (z ^ z >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C (0x94d049bb133111eb);
  return z ^ z >> 31;
}

/* ---- what is done ---------------------------------------------------------------------------- */

static void
check_page (size_t page)
{
  const uint64_t *words = (const uint64_t *) (area + page * PAGE);
  uint64_t key = mixed (page << 32 | written[page]);
  unsigned i;

  for (i = 0; i < WORDS; i++)
    if (words[i] != key + i)
      {
        trouble ("memory: page %zu, written %u times: word %u is %016llx, not %016llx", page,
                 written[page], i, (unsigned long long) words[i], (unsigned long long) (key + i));
        return;
      }
}

static void
write_page (size_t page)
{
  uint64_t *words = (uint64_t *) (area + page * PAGE), key = mixed (page << 32 | ++written[page]);
  unsigned i;

  for (i = 0; i < WORDS; i++)
    words[i] = key + i;
}

static void
memory (struct worker *w)
{
  uint64_t random = 1;
  size_t page;

  for (page = 0; page < pages; page++)
    write_page (page);
  while (!atomic_load (&ending))
    {
      unsigned i;

      for (i = 0; i < 64; i++)
        {
          page = mixed (random++) % pages;
          check_page (page);
          write_page (page);
        }
      w->done++;
      read_clock ();
      /* Slowly enough for a move to end. */
      usleep (500);
    }
  for (page = 0; page < pages; page++)
    check_page (page);
}

/* Read anew each time, or the compiler would compute but once. */
static volatile uint64_t begin = 12345;

static uint64_t
computed (void)
{
  uint64_t x = begin;
  double d = 1.0;
  int i;

  for (i = 0; i < 20000; i++)
    {
      x = mixed (x + (uint64_t) i) + x / ((uint64_t) i + 3);
      d = d * 1.0000001 + (double) (x >> 40) / 3.0;
    }
  return x ^ (uint64_t) d;
}

static void
compute (struct worker *w)
{
  uint64_t wanted = computed (), got;

  while (!atomic_load (&ending))
    {
      got = computed ();
      if (got != wanted)
        trouble ("compute, hart %u: %016llx, not %016llx", w->hart, (unsigned long long) got,
                 (unsigned long long) wanted);
      w->done++;
      read_clock ();
    }
}

static void
timers (struct worker *w)
{
  uint64_t next = read_clock ();

  while (!atomic_load (&ending))
    {
      struct timespec t;
      uint64_t now;

      next += TICK_NS;
      t = (struct timespec){ .tv_sec = (time_t) (next / 1000000000u),
                             .tv_nsec = (long) (next % 1000000000u) };
      while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
      now = read_clock ();
      if (now < next)
        trouble ("timers, hart %u: woken at %llu ns, asked for %llu", w->hart,
                 (unsigned long long) now, (unsigned long long) next);
      if (now > next + 10 * TICK_NS)
        next = now;
      w->done++;
    }
}

/* One side of the switching; the baton is a byte. */
static void
switches (struct worker *w)
{
  unsigned side = w->hart == 0 ? 0 : 1;
  char byte = 'x';

  if (side == 0 && write (baton[1][1], &byte, 1) != 1)
    trouble ("switches: %s", strerror (errno));
  while (read (baton[side][0], &byte, 1) == 1)
    {
      w->done++;
      read_clock ();
      if (atomic_load (&ending))
        break;
      if (write (baton[1 - side][1], &byte, 1) != 1)
        trouble ("switches: %s", strerror (errno));
      usleep (200);
    }
  close (baton[1 - side][1]);
}

/* ---- beginning, beating, ending -------------------------------------------------------------- */

static void *
enter (void *arg)
{
  struct worker *w = arg;

  w->run (w);
  return NULL;
}

static void
add (const char *name, unsigned hart, void (*run) (struct worker *w), bool pinned)
{
  struct worker *w = &workers[n_workers++];
  cpu_set_t set;

  w->name = name;
  w->hart = hart;
  w->run = run;
  if (pthread_create (&w->thread, NULL, enter, w) != 0)
    {
      fprintf (stderr, "movetest: no thread\n");
      exit (1);
    }
  CPU_ZERO (&set);
  CPU_SET (hart, &set);
  if (pinned)
    pthread_setaffinity_np (w->thread, sizeof set, &set);
}

static void
beat (void)
{
  uint64_t now = read_clock ();
  unsigned i;

  printf ("movetest: %llu ms", (unsigned long long) (now / 1000000));
  for (i = 0; i < n_workers; i++)
    {
      struct worker *w = &workers[i];
      uint64_t done = atomic_load (&w->done);

      printf (", %s %u %llu", w->name, w->hart, (unsigned long long) done);
      w->still = done == w->seen ? w->still + 1 : 0;
      w->seen = done;
      if (w->still == PATIENCE)
        trouble ("%s, hart %u: stuck since its step %llu", w->name, w->hart,
                 (unsigned long long) done);
    }
  printf ("\n");
  fflush (stdout);
}

static bool
prepare (int argc, char **argv)
{
  unsigned long mib = 32;
  char *end = argc == 2 ? "no" : "";

  if (argc == 2 && strncmp (argv[1], "mib=", 4) == 0)
    mib = strtoul (argv[1] + 4, &end, 10);
  if (argc > 2 || *end || mib < 16 || mib > 1024)
    {
      fprintf (stderr, "usage: movetest [mib=16...1024]\n");
      return false;
    }
  harts = (unsigned) sysconf (_SC_NPROCESSORS_ONLN);
  if (harts > HARTS_MAX)
    harts = HARTS_MAX;
  pages = mib * (MIB / PAGE);
  area = mmap (NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  written = calloc (pages, sizeof *written);
  if (area == MAP_FAILED || !written || pipe (baton[0]) || pipe (baton[1]))
    {
      fprintf (stderr, "movetest: %s\n", strerror (errno));
      return false;
    }
  return true;
}

int
main (int argc, char **argv)
{
  struct timespec pause = { .tv_nsec = BEAT_NS };
  sigset_t set;
  unsigned i;

  if (!prepare (argc, argv))
    return 2;
  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  pthread_sigmask (SIG_BLOCK, &set, NULL);
  signal (SIGPIPE, SIG_IGN);
  add ("memory", 0, memory, false);
  for (i = 0; i < harts; i++)
    {
      add ("compute", i, compute, true);
      add ("timers", i, timers, true);
    }
  for (i = 0; harts > 1 && i < 2; i++)
    add ("switches", i, switches, true);
  while (sigtimedwait (&set, NULL, &pause) < 0)
    beat ();
  atomic_store (&ending, true);
  for (i = 0; i < n_workers; i++)
    pthread_join (workers[i].thread, NULL);
  for (i = 0; i < n_workers; i++)
    if (workers[i].done == 0)
      trouble ("%s, hart %u: nothing done", workers[i].name, workers[i].hart);
  if (atomic_load (&troubles))
    return 1;
  beat ();
  printf ("movetest: passed\n");
  return 0;
}
