/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: locks, conditions, atomics of every width, reservations under contention, the memory
 * model's promises, threads that move from hart to hart.
 */
#include "selftest.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <linux/futex.h>

enum { THREADS = 4, ROUNDS = 20000 };

static int
together (void *(*run) (void *), void *arguments, size_t size, int n)
{
  pthread_t threads[16];
  int bad = 0;
  for (int i = 0; i < n; i++)
    CHECK (pthread_create (&threads[i], NULL, run, (char *) arguments + i * size) == 0);
  for (int i = 0; i < n; i++)
    {
      void *result;
      CHECK (pthread_join (threads[i], &result) == 0);
      bad += result != NULL;
    }
  CHECK (bad == 0);
  return 0;
}

/* ---- counters ---------------------------------------------------------------------------------*/

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t plain, spun, reserved;
static uint64_t a64;
static uint32_t a32, spin;
/* neighbours in one word: an atomic on one byte must leave the others alone */
static struct { uint8_t b[4]; uint16_t h[2]; } narrow;
static int indices[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void
add_reserved (uint64_t *p, uint64_t n)
{
#ifdef __riscv
  uint64_t old, failed;
  __asm__ volatile ("1: lr.d %0, (%2)\n"
                    "   add %0, %0, %3\n"
                    "   sc.d %1, %0, (%2)\n"
                    "   bnez %1, 1b"
                    : "=&r"(old), "=&r"(failed)
                    : "r"(p), "r"(n)
                    : "memory");
#else
  __atomic_fetch_add (p, n, __ATOMIC_RELAXED);
#endif
}

static void *
counters (void *argument)
{
  int me = *(int *) argument;
  for (int i = 0; i < ROUNDS; i++)
    {
      pthread_mutex_lock (&mutex);
      plain += me + 1;
      pthread_mutex_unlock (&mutex);

      while (__atomic_exchange_n (&spin, 1, __ATOMIC_ACQUIRE))
        sched_yield ();
      spun += 3;
      __atomic_store_n (&spin, 0, __ATOMIC_RELEASE);

      add_reserved (&reserved, me + 1);
      __atomic_fetch_add (&a64, UINT64_C (0x100000001), __ATOMIC_RELAXED);
      __atomic_fetch_xor (&a32, 1u << (me * 8 + i % 8), __ATOMIC_SEQ_CST);
      __atomic_fetch_add (&narrow.b[me], 1, __ATOMIC_RELAXED);
      uint16_t seen = __atomic_load_n (&narrow.h[me & 1], __ATOMIC_RELAXED);
      while (!__atomic_compare_exchange_n (&narrow.h[me & 1], &seen, seen + 1, true,
                                           __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        ;
    }
  return NULL;
}

/* ---- a bounded queue --------------------------------------------------------------------------*/

static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static uint32_t queue[8], head, tail;
static uint64_t produced[THREADS], consumed[THREADS];

static void *
queue_user (void *argument)
{
  int me = *(int *) argument;
  for (uint32_t i = 0; i < 3000; i++)
    {
      pthread_mutex_lock (&mutex);
      if (me & 1)
        {
          while (head - tail == 8)
            pthread_cond_wait (&not_full, &mutex);
          queue[head++ % 8] = i * 7 + me;
          produced[me] += i * 7 + me;
          pthread_cond_signal (&not_empty);
        }
      else
        {
          while (head == tail)
            pthread_cond_wait (&not_empty, &mutex);
          consumed[me] += queue[tail++ % 8];
          pthread_cond_signal (&not_full);
        }
      pthread_mutex_unlock (&mutex);
    }
  return NULL;
}

/* ---- a stack without locks --------------------------------------------------------------------*/

/* Head index and a tag share one word, so that a pop between the read and the exchange is seen
   even when the same node is on top again. */
static uint64_t top;
static struct { uint32_t next; uint64_t owner; } nodes[64];

static void
push (uint32_t node)
{
  uint64_t old = __atomic_load_n (&top, __ATOMIC_RELAXED), new;
  do
    {
      __atomic_store_n (&nodes[node].next, (uint32_t) old, __ATOMIC_RELAXED);
      new = ((old >> 32) + 1) << 32 | node;
    }
  while (!__atomic_compare_exchange_n (&top, &old, new, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static uint32_t
pop (void)
{
  uint64_t old = __atomic_load_n (&top, __ATOMIC_ACQUIRE), new;
  do
    {
      if ((uint32_t) old == 0)
        return 0;
      new = ((old >> 32) + 1) << 32
            | __atomic_load_n (&nodes[(uint32_t) old].next, __ATOMIC_RELAXED);
    }
  while (!__atomic_compare_exchange_n (&top, &old, new, true, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
  return old;
}

static void *
stack_user (void *argument)
{
  uintptr_t me = *(int *) argument + 1;
  for (int i = 0; i < ROUNDS; i++)
    {
      uint32_t node = pop ();
      if (!node)
        continue;
      /* nobody else may own it now */
      if (nodes[node].owner != 0)
        return (void *) 1;
      nodes[node].owner = me;
      if (i % 16 == 0)
        sched_yield ();
      if (nodes[node].owner != me)
        return (void *) 1;
      nodes[node].owner = 0;
      push (node);
    }
  return NULL;
}

/* ---- the memory model -------------------------------------------------------------------------*/

static uint32_t data[2], flag[2], turn_done[2], saw[2];
static pthread_barrier_t barrier;

/* Message passing and store buffering, a fresh pair of variables each round. */
static void *
litmus (void *argument)
{
  int me = *(int *) argument;
  for (uint32_t i = 1; i <= 500; i++)
    {
      pthread_barrier_wait (&barrier);
      if (me == 0)
        {
          __atomic_store_n (&data[0], i, __ATOMIC_RELAXED);
          __atomic_store_n (&flag[0], i, __ATOMIC_RELEASE);
        }
      else
        {
          uint32_t f = __atomic_load_n (&flag[0], __ATOMIC_ACQUIRE);
          uint32_t d = __atomic_load_n (&data[0], __ATOMIC_RELAXED);
          if (f == i && d != i)
            return (void *) 1;
        }
      pthread_barrier_wait (&barrier);
      turn_done[me] = 0;
      __atomic_store_n (&data[me], i + 5000, __ATOMIC_SEQ_CST);
      saw[me] = __atomic_load_n (&data[!me], __ATOMIC_SEQ_CST);
      pthread_barrier_wait (&barrier);
      /* one of the two must have seen the other's store */
      if (saw[0] != i + 5000 && saw[1] != i + 5000)
        return (void *) 1;
    }
  return NULL;
}

/* ---- futex, thread-local storage, moving between harts ----------------------------------------*/

static uint32_t ball;
static __thread uint64_t local = 77;

static void *
ping_pong (void *argument)
{
  uint32_t me = *(int *) argument;
  for (uint32_t i = 0; i < 500; i++)
    {
      uint32_t now;
      while (((now = __atomic_load_n (&ball, __ATOMIC_ACQUIRE)) & 1) != me)
        syscall (SYS_futex, &ball, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
      __atomic_store_n (&ball, now + 1, __ATOMIC_RELEASE);
      syscall (SYS_futex, &ball, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
  return NULL;
}

static void *
mover (void *argument)
{
  int me = *(int *) argument, harts = sysconf (_SC_NPROCESSORS_ONLN);
  double x = 0.3 + me * 0.01, y = x;
  uint64_t state = me + 1, check = me + 1;
  if (local != 77)
    return (void *) 1;
  for (int i = 0; i < 200; i++)
    {
      cpu_set_t set;
      CPU_ZERO (&set);
      CPU_SET ((i + me) % harts, &set);
      if (sched_setaffinity (0, sizeof set, &set) != 0)
        return (void *) 1;
      for (int k = 0; k < 50; k++)
        {
          x = 3.9 * x * (1 - x);
          local += random_next (&state) >> 60;
        }
    }
  uint64_t want = 77;
  for (int i = 0; i < 200 * 50; i++)
    {
      y = 3.9 * y * (1 - y);
      want += random_next (&check) >> 60;
    }
  return local == want && memcmp (&x, &y, sizeof x) == 0 ? NULL : (void *) 1;
}

static void *
brief (void *argument)
{
  sem_post (argument);
  return NULL;
}

int
part_thread (uint64_t *digest)
{
  uint64_t made = 0, used = 0;
  sem_t done;

  CHECK (together (counters, indices, sizeof indices[0], THREADS) == 0);
  CHECK (plain == ROUNDS * 10 && spun == ROUNDS * THREADS * 3 && reserved == ROUNDS * 10);
  CHECK (a64 == UINT64_C (0x100000001) * ROUNDS * THREADS && a32 == 0);
  for (int i = 0; i < 4; i++)
    CHECK (narrow.b[i] == (uint8_t) ROUNDS);
  CHECK (narrow.h[0] == (uint16_t) (2 * ROUNDS) && narrow.h[1] == (uint16_t) (2 * ROUNDS));
  digest_u64 (digest, plain + spun + reserved + a64);

  CHECK (together (queue_user, indices, sizeof indices[0], THREADS) == 0);
  for (int i = 0; i < THREADS; i++)
    {
      made += produced[i];
      used += consumed[i];
    }
  CHECK (made == used && head == tail);
  digest_u64 (digest, made);

  for (int i = 1; i < 64; i++)
    push (i);
  CHECK (together (stack_user, indices, sizeof indices[0], THREADS) == 0);
  for (made = 0; (used = pop ()) != 0;)
    made += used;
  CHECK (made == 63 * 64 / 2);

  CHECK (pthread_barrier_init (&barrier, NULL, 2) == 0);
  CHECK (together (litmus, indices, sizeof indices[0], 2) == 0);
  CHECK (together (ping_pong, indices, sizeof indices[0], 2) == 0);
  CHECK (ball == 1000);
  CHECK (together (mover, indices, sizeof indices[0], 6) == 0);

  CHECK (sem_init (&done, 0, 0) == 0);
  for (int i = 0; i < 100; i++)
    {
      pthread_t thread;
      CHECK (pthread_create (&thread, NULL, brief, &done) == 0);
      CHECK (sem_wait (&done) == 0);
      CHECK (pthread_join (thread, NULL) == 0);
    }
  return 0;
}
