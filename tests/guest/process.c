/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: trees of fork and wait, exec, pipelines, signals between processes, copy on write.
 */
#include "selftest.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

extern char **environ;

int
process_child (const char *word, const char *number)
{
  const char *value = getenv ("SELFTEST_WORD");
  return value && !strcmp (value, word) ? atoi (number) : 99;
}

/* A tree three wide and four deep; each node adds what its children return to its own share. */
static int
tree (int depth)
{
  pid_t pids[3];
  int status, sum = 1;
  if (depth == 0)
    return sum;
  for (int i = 0; i < 3; i++)
    {
      pids[i] = fork ();
      if (pids[i] < 0)
        return -1;
      if (pids[i] == 0)
        _exit (tree (depth - 1));
    }
  for (int i = 2; i >= 0; i--)
    {
      if (waitpid (pids[i], &status, 0) != pids[i] || !WIFEXITED (status))
        return -1;
      sum += WEXITSTATUS (status);
    }
  return sum;
}

static int
run_self (const char *word, int number, bool spawn)
{
  char text[16], marker[64];
  char *argv[] = { "selftest", "--child", (char *) word, text, NULL };
  pid_t pid;
  int status;

  snprintf (text, sizeof text, "%d", number);
  snprintf (marker, sizeof marker, "%s", word);
  CHECK (setenv ("SELFTEST_WORD", marker, 1) == 0);
  if (spawn)
    CHECK (posix_spawn (&pid, "/proc/self/exe", NULL, NULL, argv, environ) == 0);
  else
    {
      CHECK ((pid = fork ()) >= 0);
      if (pid == 0)
        {
          execv ("/proc/self/exe", argv);
          _exit (98);
        }
    }
  CHECK (waitpid (pid, &status, 0) == pid);
  CHECK (WIFEXITED (status));
  return WEXITSTATUS (status);
}

/* A pipeline: each stage adds its number to every byte; what comes out must be the sum. */
static int
pipeline (uint64_t *digest)
{
  enum { STAGES = 4, SIZE = 200000 };
  int fds[STAGES + 1][2], status, received = 0;
  pid_t pids[STAGES + 1];
  uint8_t buffer[5000];
  uint64_t state = 7, check = 7;

  for (int i = 0; i <= STAGES; i++)
    CHECK (pipe (fds[i]) == 0);
  for (int i = 0; i <= STAGES; i++)
    {
      CHECK ((pids[i] = fork ()) >= 0);
      if (pids[i] > 0)
        continue;
      /* stage 0 makes the bytes, the others read from the pipe before their own */
      for (int k = 0; k <= STAGES; k++)
        {
          if (k != i)
            close (fds[k][1]);
          if (k != i - 1)
            close (fds[k][0]);
        }
      if (i == 0)
        for (int sent = 0; sent < SIZE; sent++)
          {
            uint8_t byte = random_next (&state) >> 33;
            buffer[sent % 1000] = byte;
            if (sent % 1000 == 999 && write (fds[0][1], buffer, 1000) != 1000)
              _exit (1);
          }
      else
        for (ssize_t n; (n = read (fds[i - 1][0], buffer, 777)) > 0;)
          {
            for (ssize_t k = 0; k < n; k++)
              buffer[k] += i;
            for (ssize_t done = 0, w; done < n; done += w)
              if ((w = write (fds[i][1], buffer + done, n - done)) < 0)
                _exit (2);
          }
      _exit (0);
    }
  for (int i = 0; i <= STAGES; i++)
    {
      close (fds[i][1]);
      if (i < STAGES)
        close (fds[i][0]);
    }
  for (ssize_t n; (n = read (fds[STAGES][0], buffer, sizeof buffer)) > 0; received += n)
    {
      digest_bytes (digest, buffer, n);
      for (ssize_t k = 0; k < n; k++)
        CHECK (buffer[k] == (uint8_t) ((random_next (&check) >> 33) + 1 + 2 + 3 + 4));
    }
  CHECK (received == SIZE);
  for (int i = 0; i <= STAGES; i++)
    CHECK (waitpid (pids[i], &status, 0) == pids[i] && status == 0);
  close (fds[STAGES][0]);
  return 0;
}

/* After a fork each side sees its own pages, whoever writes first. */
static int
copy_on_write (void)
{
  enum { PAGES = 300, SIZE = PAGES * 4096 };
  uint8_t *private = mmap (NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  volatile uint32_t *shared
      = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int status;
  pid_t pid;

  CHECK (private != MAP_FAILED && shared != MAP_FAILED);
  for (int i = 0; i < SIZE; i += 512)
    private[i] = i >> 9;
  CHECK ((pid = fork ()) >= 0);
  if (pid == 0)
    {
      for (int i = 0; i < SIZE; i += 512)
        {
          if (private[i] != (uint8_t) (i >> 9))
            _exit (1);
          private[i] = ~(i >> 9);
          shared[0]++;
        }
      for (int i = 0; i < SIZE; i += 512)
        if (private[i] != (uint8_t) ~(i >> 9))
          _exit (2);
      _exit (0);
    }
  for (int i = 0; i < SIZE; i += 1024)
    private[i] ^= 0x55;
  CHECK (waitpid (pid, &status, 0) == pid);
  CHECK (status == 0);
  for (int i = 0; i < SIZE; i += 512)
    CHECK (private[i] == (uint8_t) ((i >> 9) ^ (i % 1024 ? 0 : 0x55)));
  CHECK (shared[0] == SIZE / 512);
  munmap (private, SIZE);
  munmap ((void *) shared, 4096);
  return 0;
}

/* Stop, continue and kill a child that spins, and see each in its status. */
static int
control (void)
{
  int status, fds[2];
  char byte;
  pid_t pid;

  CHECK (pipe (fds) == 0);
  CHECK ((pid = fork ()) >= 0);
  if (pid == 0)
    {
      if (write (fds[1], "x", 1) != 1)
        _exit (1);
      for (volatile uint64_t spin = 0;; spin++)
        ;
    }
  CHECK (read (fds[0], &byte, 1) == 1);
  CHECK (kill (pid, SIGSTOP) == 0);
  CHECK (waitpid (pid, &status, WUNTRACED) == pid && WIFSTOPPED (status));
  CHECK (WSTOPSIG (status) == SIGSTOP);
  CHECK (kill (pid, SIGCONT) == 0);
  CHECK (waitpid (pid, &status, WCONTINUED) == pid && WIFCONTINUED (status));
  CHECK (kill (pid, SIGKILL) == 0);
  CHECK (waitpid (pid, &status, 0) == pid && WIFSIGNALED (status));
  CHECK (WTERMSIG (status) == SIGKILL);
  CHECK (waitpid (pid, &status, WNOHANG) == -1 && errno == ECHILD);
  close (fds[0]);
  close (fds[1]);
  return 0;
}

/* Many short lives: pids come and go, poll() sees the end of each through a pipe. */
static int
churn (void)
{
  for (int i = 0; i < 60; i++)
    {
      int fds[2], status;
      CHECK (pipe2 (fds, O_CLOEXEC) == 0);
      pid_t pid = fork ();
      CHECK (pid >= 0);
      if (pid == 0)
        _exit (i);
      close (fds[1]);
      struct pollfd poller = { .fd = fds[0], .events = POLLIN };
      CHECK (poll (&poller, 1, -1) == 1 && (poller.revents & POLLHUP));
      CHECK (waitpid (pid, &status, 0) == pid && WEXITSTATUS (status) == i);
      close (fds[0]);
    }
  return 0;
}

int
part_process (uint64_t *digest)
{
  int sum = tree (4);
  CHECK (sum == 1 + 3 + 9 + 27 + 81);
  digest_u64 (digest, sum);
  for (int i = 0; i < 6; i++)
    {
      int got = run_self (i % 2 ? "odd" : "even", 11 * i, i >= 3);
      CHECK (got == 11 * i);
      digest_u64 (digest, got);
    }
  if (pipeline (digest) || copy_on_write () || control () || churn ())
    return -1;
  return 0;
}
