/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks and timers.  Only what must hold on any load is claimed: time does not run backwards, on
 * no hart and from none to another, and nothing fires early.
 */
#include "selftest.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <time.h>

static uint64_t
now (clockid_t clock)
{
  struct timespec t;
  if (clock_gettime (clock, &t) != 0)
    return 0;
  return (uint64_t) t.tv_sec * 1000000000u + t.tv_nsec;
}

static uint64_t newest;

/* Threads on different harts hand the newest time round: none may read an older one afterwards. */
static void *
reader (void *argument)
{
  int me = *(int *) argument;
  cpu_set_t set;
  CPU_ZERO (&set);
  CPU_SET (me % sysconf (_SC_NPROCESSORS_ONLN), &set);
  sched_setaffinity (0, sizeof set, &set);
  for (int i = 0; i < 30000; i++)
    {
      uint64_t seen = __atomic_load_n (&newest, __ATOMIC_SEQ_CST);
      uint64_t mine = now (CLOCK_MONOTONIC);
      if (mine < seen)
        return (void *) 1;
      while (seen < mine
             && !__atomic_compare_exchange_n (&newest, &seen, mine, true, __ATOMIC_SEQ_CST,
                                              __ATOMIC_SEQ_CST))
        ;
    }
  return NULL;
}

int
part_clock (uint64_t *digest)
{
  int ids[2] = { 0, 1 };
  pthread_t threads[2];
  void *bad;

  uint64_t last = now (CLOCK_MONOTONIC);
  CHECK (last > 0);
  for (int i = 0; i < 50000; i++)
    {
      uint64_t next = now (CLOCK_MONOTONIC);
      CHECK (next >= last);
      last = next;
    }
#ifdef __riscv
  uint64_t before, after;
  __asm__ volatile ("rdtime %0" : "=r"(before));
  for (int i = 0; i < 50000; i++)
    {
      __asm__ volatile ("rdtime %0" : "=r"(after));
      CHECK (after >= before);
      before = after;
    }
#endif
  for (int i = 0; i < 2; i++)
    CHECK (pthread_create (&threads[i], NULL, reader, &ids[i]) == 0);
  for (int i = 0; i < 2; i++)
    CHECK (pthread_join (threads[i], &bad) == 0 && bad == NULL);

  /* sleeps are not short */
  for (int i = 1; i <= 10; i++)
    {
      struct timespec wait = { 0, i * 300000 };
      uint64_t start = now (CLOCK_MONOTONIC);
      while (nanosleep (&wait, &wait) != 0)
        CHECK (errno == EINTR);
      CHECK (now (CLOCK_MONOTONIC) - start >= (uint64_t) i * 300000);
    }
  uint64_t start = now (CLOCK_MONOTONIC);
  CHECK (poll (NULL, 0, 7) == 0 && now (CLOCK_MONOTONIC) - start >= 7000000);

  /* a periodic timer: as many ticks as time has passed for, never more */
  int fd = timerfd_create (CLOCK_MONOTONIC, 0);
  struct itimerspec period = { { 0, 1000000 }, { 0, 1000000 } };
  uint64_t ticks = 0, n;
  start = now (CLOCK_MONOTONIC);
  CHECK (fd >= 0 && timerfd_settime (fd, 0, &period, NULL) == 0);
  while (ticks < 30)
    {
      CHECK (read (fd, &n, sizeof n) == sizeof n);
      ticks += n;
      CHECK (ticks * 1000000 <= now (CLOCK_MONOTONIC) - start);
    }
  close (fd);

  /* an absolute wait in the past returns at once, whatever the year; the year is past 2020 */
  struct timespec past = { 1, 0 };
  CHECK (clock_nanosleep (CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL) == 0);
  CHECK (now (CLOCK_REALTIME) / 1000000000u > UINT64_C (1577836800));

  /* a thread's own clock moves when it works */
  start = now (CLOCK_THREAD_CPUTIME_ID);
  for (volatile int i = 0; i < 3000000; i++)
    ;
  CHECK (now (CLOCK_THREAD_CPUTIME_ID) > start);
  digest_u64 (digest, 1);
  return 0;
}
