/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory: anonymous and file mappings, protection changes, remapping, sharing, misaligned access
 * across pages, and code written at run time.
 */
#include "selftest.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { PAGE = 4096 };

static int
anonymous (uint64_t *digest)
{
  enum { SIZE = 24 << 20 };
  uint64_t state = 5, sum = 0;
  uint8_t *p = mmap (NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK (p != MAP_FAILED);
  /* touch pages in a scattered order */
  for (int i = 0; i < SIZE / PAGE; i++)
    {
      size_t page = (size_t) i * 2777 % (SIZE / PAGE);
      uint64_t *word = (uint64_t *) (p + page * PAGE + i % 512 * 8);
      CHECK (*word == 0);
      *word = random_next (&state) ^ page;
    }
  for (int i = 0; i < SIZE / PAGE; i++)
    {
      size_t page = (size_t) i * 2777 % (SIZE / PAGE);
      sum = sum * 31 + *(uint64_t *) (p + page * PAGE + i % 512 * 8);
    }
  digest_u64 (digest, sum);
  /* given back, they read as zero again */
  CHECK (madvise (p, SIZE / 2, MADV_DONTNEED) == 0);
  for (int i = 0; i < SIZE / 2; i += PAGE / 2)
    CHECK (p[i] == 0);
  /* holes, and mappings in the holes */
  for (int i = 0; i < 200; i++)
    {
      uint8_t *hole = p + (size_t) i * 3 * PAGE;
      CHECK (munmap (hole, PAGE) == 0);
      if (i % 2)
        {
          CHECK (mmap (hole, PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == hole);
          CHECK (hole[17] == 0);
          hole[17] = i;
        }
    }
  for (int i = 1; i < 200; i += 2)
    CHECK (p[(size_t) i * 3 * PAGE + 17] == (uint8_t) i);
  CHECK (munmap (p, SIZE) == 0);
  return 0;
}

static int
files (uint64_t *digest)
{
  enum { PAGES = 256, SIZE = PAGES * PAGE };
  char path[] = "/tmp/selftest-map.XXXXXX", line[64];
  uint64_t state = 11;
  int fd = mkstemp (path);
  struct stat info;

  CHECK (fd >= 0 && ftruncate (fd, SIZE) == 0);
  uint8_t *shared = mmap (NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  uint8_t *private = mmap (NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  CHECK (shared != MAP_FAILED && private != MAP_FAILED);
  for (int i = 0; i < SIZE; i += 8)
    {
      uint64_t value = random_next (&state);
      memcpy (shared + i, &value, 8);
    }
  /* read() sees what was stored through the mapping, and the mapping what write() put there */
  for (int i = 0; i < PAGES; i += 7)
    {
      CHECK (pread (fd, line, sizeof line, (off_t) i * PAGE + 100) == sizeof line);
      CHECK (memcmp (line, shared + i * PAGE + 100, sizeof line) == 0);
      digest_bytes (digest, line, sizeof line);
      memset (line, i, sizeof line);
      CHECK (pwrite (fd, line, sizeof line, (off_t) i * PAGE + 500) == sizeof line);
      CHECK (memcmp (line, shared + i * PAGE + 500, sizeof line) == 0);
      CHECK (memcmp (line, private + i * PAGE + 500, sizeof line) == 0);
      private[i * PAGE + 500] ^= 0xff;
      CHECK (shared[i * PAGE + 500] == (uint8_t) i);
      shared[i * PAGE + 501] = ~i;
      CHECK (private[i * PAGE + 501] == (uint8_t) i); /* copied by then */
    }
  CHECK (msync (shared, SIZE, MS_SYNC) == 0);
  /* another process sees it through a mapping of its own */
  int status;
  pid_t pid = fork ();
  CHECK (pid >= 0);
  if (pid == 0)
    {
      int again = open (path, O_RDWR);
      uint8_t *q = mmap (NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
      if (again < 0 || q == MAP_FAILED || memcmp (q, shared, SIZE) != 0)
        _exit (1);
      for (int i = 0; i < SIZE; i += PAGE)
        q[i] = i >> 12;
      _exit (0);
    }
  CHECK (waitpid (pid, &status, 0) == pid && status == 0);
  for (int i = 0; i < SIZE; i += PAGE)
    CHECK (shared[i] == (uint8_t) (i >> 12));
  CHECK (fstat (fd, &info) == 0 && info.st_size == SIZE);
  CHECK (munmap (shared, SIZE) == 0 && munmap (private, SIZE) == 0);
  CHECK (close (fd) == 0 && unlink (path) == 0);
  return 0;
}

static int
remap (void)
{
  uint32_t *p = mmap (NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  size_t pages = 16;
  CHECK (p != MAP_FAILED);
  for (size_t i = 0; i < pages * PAGE / 4; i++)
    p[i] = i * 2654435761u;
  while (pages < 2048)
    {
      p = mremap (p, pages * PAGE, 2 * pages * PAGE, MREMAP_MAYMOVE);
      CHECK (p != MAP_FAILED);
      for (size_t i = 0; i < pages * PAGE / 4; i += 37)
        CHECK (p[i] == (uint32_t) (i * 2654435761u));
      for (size_t i = pages * PAGE / 4; i < 2 * pages * PAGE / 4; i++)
        p[i] = i * 2654435761u;
      pages *= 2;
    }
  CHECK (mprotect (p, pages * PAGE, PROT_READ) == 0);
  for (size_t i = 0; i < pages * PAGE / 4; i += 101)
    CHECK (p[i] == (uint32_t) (i * 2654435761u));
  CHECK (munmap (p, pages * PAGE) == 0);
  return 0;
}

/* Every size at every offset around a page boundary. */
static int
misaligned (uint64_t *digest)
{
  uint8_t *p = mmap (NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK (p != MAP_FAILED);
  for (int at = PAGE - 9; at <= PAGE + 1; at++)
    for (int size = 2; size <= 8; size *= 2)
      {
        uint64_t value = UINT64_C (0x0123456789abcdef) * (at * 3 + size), back = 0;
        memset (p + PAGE - 32, 0xee, 64);
#ifdef __riscv
        /* in assembly, since the access must be one instruction */
        if (size == 2)
          __asm__ volatile ("sh %2, 0(%1)\n lhu %0, 0(%1)"
                            : "=&r"(back) : "r"(p + at), "r"(value) : "memory");
        if (size == 4)
          __asm__ volatile ("sw %2, 0(%1)\n lwu %0, 0(%1)"
                            : "=&r"(back) : "r"(p + at), "r"(value) : "memory");
        if (size == 8)
          __asm__ volatile ("sd %2, 0(%1)\n ld %0, 0(%1)"
                            : "=&r"(back) : "r"(p + at), "r"(value) : "memory");
#else
        memcpy (p + at, &value, size);
        memcpy (&back, p + at, size);
#endif
        for (int i = 0; i < size; i++)
          CHECK (p[at + i] == (uint8_t) (value >> 8 * i));
        CHECK (p[at - 1] == 0xee && p[at + size] == 0xee);
        CHECK (back == (size == 8 ? value : value & ((UINT64_C (1) << 8 * size) - 1)));
        digest_u64 (digest, back);
      }
  munmap (p, 2 * PAGE);
  return 0;
}

/* Write a function that returns a number, make it executable, call it; many times in one place. */
static int
generated_code (uint64_t *digest)
{
  uint8_t *p = mmap (NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK (p != MAP_FAILED);
  for (uint32_t i = 0; i < 400; i++)
    {
      uint32_t value = i * 5 % 2000;
      uint8_t *at = p + i % 16 * 8;
      CHECK (mprotect (p, PAGE, PROT_READ | PROT_WRITE) == 0);
#ifdef __riscv
      uint32_t code[2] = { value << 20 | 10 << 7 | 0x13, 0x00008067 }; /* li a0, value; ret */
      memcpy (at, code, sizeof code);
#else
      at[0] = 0xb8; /* mov $value, %eax; ret */
      memcpy (at + 1, &value, 4);
      at[5] = 0xc3;
#endif
      CHECK (mprotect (p, PAGE, PROT_READ | PROT_EXEC) == 0);
      __builtin___clear_cache ((char *) p, (char *) p + PAGE);
      uint32_t got = ((uint32_t (*) (void)) at) ();
      CHECK (got == value);
      digest_u64 (digest, got);
    }
  munmap (p, PAGE);
  return 0;
}

/* Permission flips on one page, with an access that is allowed after each. */
static int
protection (void)
{
  volatile uint32_t *p
      = mmap (NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK (p != MAP_FAILED);
  for (uint32_t round = 0; round < 500; round++)
    {
      volatile uint32_t *page = p + round % 64 * PAGE / 4;
      CHECK (mprotect ((void *) page, PAGE, PROT_READ | PROT_WRITE) == 0);
      page[round % 1024] = round;
      CHECK (mprotect ((void *) page, PAGE, PROT_NONE) == 0);
      CHECK (mprotect ((void *) page, PAGE, PROT_READ) == 0);
      CHECK (page[round % 1024] == round);
    }
  munmap ((void *) p, 64 * PAGE);
  return 0;
}

int
part_memory (uint64_t *digest)
{
  if (anonymous (digest) || files (digest) || remap () || misaligned (digest)
      || generated_code (digest) || protection ())
    return -1;
  return 0;
}
