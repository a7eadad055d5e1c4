/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: faults with their addresses and codes, masks, nesting, queues, timers, alternate stacks,
 * and floating-point registers that survive a handler.
 */
#include "selftest.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static sigjmp_buf escape;
static volatile sig_atomic_t got_signal, got_code, count, depth, deepest;
static void *volatile got_address;
static volatile int got_value;
static volatile double clobber;

static void
on_fault (int number, siginfo_t *info, void *context)
{
  (void) context;
  got_signal = number;
  got_code = info->si_code;
  got_address = info->si_addr;
  siglongjmp (escape, 1);
}

static int
install (int number, void (*handler) (int, siginfo_t *, void *), int flags)
{
  struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };
  sigemptyset (&action.sa_mask);
  return sigaction (number, &action, NULL);
}

static void
do_read (void *p)
{
  (void) *(volatile uint8_t *) p;
}

static void
do_write (void *p)
{
  *(volatile uint32_t *) p = 1;
}

static void
do_atomic (void *p)
{
  __atomic_fetch_add ((uint32_t *) p, 1, __ATOMIC_SEQ_CST);
}

static void
do_jump (void *p)
{
  ((void (*) (void)) p) ();
}

static void
do_illegal (void *p)
{
  (void) p;
#ifdef __riscv
  __asm__ volatile (".4byte 0xffffffff");
#else
  __builtin_trap ();
#endif
}

/* Run what must fault; true when signal, code and address are as wanted. */
static bool
faults (void (*what) (void *), void *p, int number, int code, void *address)
{
  got_signal = got_code = 0;
  got_address = NULL;
  if (sigsetjmp (escape, 1) == 0)
    {
      what (p);
      report (__FILE__, __LINE__, "no signal %d at %p", number, p);
      return false;
    }
  if (got_signal == number && (!code || got_code == code) && got_address == address)
    return true;
  report (__FILE__, __LINE__, "signal %d code %d address %p, wanted %d, %d, %p", (int) got_signal,
          (int) got_code, got_address, number, code, address);
  return false;
}

static int
fault_addresses (void)
{
  char path[] = "/tmp/selftest-bus.XXXXXX";
  uint8_t *p = mmap (NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int fd = mkstemp (path);

  CHECK (p != MAP_FAILED && fd >= 0);
  CHECK (install (SIGSEGV, on_fault, 0) == 0 && install (SIGBUS, on_fault, 0) == 0
         && install (SIGILL, on_fault, 0) == 0);
  memset (p, 0, 4 * 4096);
  CHECK (mprotect (p + 4096, 4096, PROT_READ) == 0 && munmap (p + 2 * 4096, 4096) == 0);
  for (int round = 0; round < 50; round++)
    {
      int offset = round * 79 % 4096 & ~3;
      CHECK (faults (do_write, p + 4096 + offset, SIGSEGV, SEGV_ACCERR, p + 4096 + offset));
      CHECK (faults (do_read, p + 2 * 4096 + offset, SIGSEGV, SEGV_MAPERR, p + 2 * 4096 + offset));
      CHECK (faults (do_write, p + 2 * 4096 + offset, SIGSEGV, SEGV_MAPERR, p + 2 * 4096 + offset));
      CHECK (faults (do_atomic, p + 4096 + offset, SIGSEGV, SEGV_ACCERR, p + 4096 + offset));
    }
  CHECK (faults (do_jump, p, SIGSEGV, SEGV_ACCERR, p));
  CHECK (faults (do_jump, p + 2 * 4096, SIGSEGV, SEGV_MAPERR, p + 2 * 4096));
  CHECK (faults (do_read, NULL, SIGSEGV, SEGV_MAPERR, NULL));
#ifdef __riscv
  /* A word across the end of a page: the fault is on the second page. */
  CHECK (faults (do_write, p + 2 * 4096 - 2, SIGSEGV, 0, p + 2 * 4096 - 2)
         || got_address == p + 2 * 4096);
#endif
  got_signal = 0;
  if (sigsetjmp (escape, 1) == 0)
    do_illegal (NULL);
  CHECK (got_signal == SIGILL);

  /* beyond the end of the file behind a mapping */
  CHECK (unlink (path) == 0 && ftruncate (fd, 4096) == 0);
  uint8_t *file = mmap (NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
  CHECK (file != MAP_FAILED && file[4095] == 0);
  CHECK (faults (do_read, file + 4096 + 8, SIGBUS, BUS_ADRERR, file + 4096 + 8));
  munmap (file, 8192);
  close (fd);
  munmap (p, 4 * 4096);
  signal (SIGSEGV, SIG_DFL);
  signal (SIGBUS, SIG_DFL);
  signal (SIGILL, SIG_DFL);
  return 0;
}

#ifdef __riscv
/* Integer division by zero does not trap on this architecture: the manual gives the results. */
static int
division_by_zero (void)
{
  volatile uint64_t zero = 0, x = 1234567;
  uint64_t q, r;
  int64_t least = INT64_MIN, minus = -1, sq, sr;
  __asm__ volatile ("divu %0, %1, %2" : "=r"(q) : "r"(x), "r"(zero));
  __asm__ volatile ("remu %0, %1, %2" : "=r"(r) : "r"(x), "r"(zero));
  CHECK (q == UINT64_MAX && r == x);
  __asm__ volatile ("div %0, %1, %2" : "=r"(sq) : "r"(least), "r"(minus));
  __asm__ volatile ("rem %0, %1, %2" : "=r"(sr) : "r"(least), "r"(minus));
  CHECK (sq == INT64_MIN && sr == 0);
  return 0;
}
#endif

static void
on_count (int number, siginfo_t *info, void *context)
{
  (void) number;
  (void) context;
  got_value = info->si_value.sival_int;
  /* whatever the interrupted code had in these registers must be there again afterwards */
  for (int i = 1; i < 20; i++)
    clobber = clobber * 1.5 + i / clobber;
  count++;
}

static void
on_nested (int number, siginfo_t *info, void *context)
{
  (void) number;
  (void) info;
  (void) context;
  depth++;
  if (depth > deepest)
    deepest = depth;
  if (depth < 8)
    raise (SIGUSR2);
  depth--;
}

static int
masks_and_queues (uint64_t *digest)
{
  sigset_t set, pending;
  CHECK (install (SIGUSR1, on_count, 0) == 0);
  CHECK (install (SIGUSR2, on_nested, SA_NODEFER) == 0);
  CHECK (install (SIGRTMIN, on_count, 0) == 0);

  sigemptyset (&set);
  sigaddset (&set, SIGUSR1);
  sigaddset (&set, SIGRTMIN);
  CHECK (sigprocmask (SIG_BLOCK, &set, NULL) == 0);
  count = 0;
  for (int i = 0; i < 5; i++)
    raise (SIGUSR1); /* an ordinary signal is pending once */
  for (int i = 0; i < 5; i++)
    {
      union sigval value = { .sival_int = 100 + i }; /* a real-time one is queued */
      CHECK (sigqueue (getpid (), SIGRTMIN, value) == 0);
    }
  CHECK (sigpending (&pending) == 0 && sigismember (&pending, SIGUSR1) && count == 0);
  CHECK (sigprocmask (SIG_UNBLOCK, &set, NULL) == 0);
  CHECK (count == 6);
  digest_u64 (digest, count);

  deepest = 0;
  raise (SIGUSR2);
  CHECK (deepest == 8 && depth == 0);

  /* sigsuspend: woken by a child */
  sigset_t old;
  int status;
  CHECK (sigprocmask (SIG_BLOCK, &set, &old) == 0);
  count = 0;
  pid_t parent = getpid (), pid = fork ();
  CHECK (pid >= 0);
  if (pid == 0)
    _exit (kill (parent, SIGUSR1) != 0);
  while (!count)
    sigsuspend (&old);
  CHECK (count == 1 && waitpid (pid, &status, 0) == pid && status == 0);
  CHECK (sigprocmask (SIG_SETMASK, &old, NULL) == 0);
  return 0;
}

/* Timer signals hit a loop of floating-point work; its result must not notice. */
static double
work (int rounds)
{
  double a = 0.1, b = 1.7, c = -0.3, d = 2.5;
  for (int i = 0; i < rounds; i++)
    {
      a = a * 3.7 * (1 - a);
      b = b / 1.0001 + a * 0.001;
      c = c * -0.999 + b * 0.01;
      d = (d + a * b - c) / 1.5;
    }
  return a + b + c + d;
}

static int
timers (uint64_t *digest)
{
  struct itimerval interval = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };
  double quiet = work (1000), disturbed;
  uint64_t bits;
  timer_t timer;

  CHECK (install (SIGALRM, on_count, SA_RESTART) == 0);
  clobber = 1;
  count = 0;
  CHECK (setitimer (ITIMER_REAL, &interval, NULL) == 0);
  for (int i = 0; i < 20 || count < 25; i++)
    {
      disturbed = work (1000);
      CHECK (memcmp (&quiet, &disturbed, sizeof quiet) == 0);
    }
  CHECK (setitimer (ITIMER_REAL, &off, NULL) == 0);
  memcpy (&bits, &quiet, sizeof bits);
  digest_u64 (digest, bits);

  /* a POSIX timer that queues a value, one shot */
  struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN,
                            .sigev_value.sival_int = 4711 };
  struct itimerspec once = { { 0, 0 }, { 0, 2000000 } };
  sigset_t block, old;
  sigemptyset (&block);
  sigaddset (&block, SIGRTMIN);
  CHECK (sigprocmask (SIG_BLOCK, &block, &old) == 0);
  count = 0;
  CHECK (timer_create (CLOCK_MONOTONIC, &event, &timer) == 0);
  CHECK (timer_settime (timer, 0, &once, NULL) == 0);
  while (!count)
    sigsuspend (&old);
  CHECK (count == 1 && got_value == 4711);
  CHECK (timer_delete (timer) == 0 && sigprocmask (SIG_SETMASK, &old, NULL) == 0);
  return 0;
}

static int
overflow (volatile uint8_t *p)
{
  volatile uint8_t block[4096];
  block[0] = *p;
  return *p ? overflow (block) + block[0] : 0;
}

/* A stack that overflows is reported on another stack. */
static int
alternate_stack (void)
{
  static uint8_t space[65536];
  stack_t stack = { .ss_sp = space, .ss_size = sizeof space };
  volatile uint8_t start = 1;
  CHECK (sigaltstack (&stack, NULL) == 0 && install (SIGSEGV, on_fault, SA_ONSTACK) == 0);
  got_signal = 0;
  if (sigsetjmp (escape, 1) == 0)
    overflow (&start);
  CHECK (got_signal == SIGSEGV);
  signal (SIGSEGV, SIG_DFL);
  return 0;
}

int
part_signal (uint64_t *digest)
{
  if (fault_addresses () || masks_and_queues (digest) || timers (digest) || alternate_stack ())
    return -1;
#ifdef __riscv
  if (division_by_zero ())
    return -1;
#endif
  return 0;
}
