/* SPDX-License-Identifier: BSD-2-Clause */
/* Records that are told on standard output once they are on the disk: "@THREAD NUMBER" says that
   this thread's records up to NUMBER survive whatever ends the emulator now.

   A record is 4096 bytes: seed, thread, number (64 bits each, little endian), random bytes, and a
   CRC-32 of all before it.  Thread T's record N is number N mod 16 of file T-(N / 16), which
   appears by rename.  It owns that layout; tests/linux/disk.py reads it back.  */

#include "disktest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum
{
  RECORD = 4096,
  PER_FILE = 16
};

struct writer
{
  pthread_t thread;
  const struct options *o;
  uint64_t number;
  int failed;
};

static uint32_t
crc32_of (const unsigned char *p, size_t size)
{
  uint32_t crc = 0xffffffff;

  while (size--)
    {
      crc ^= *p++;
      for (int bit = 0; bit < 8; bit++)
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
  return ~crc;
}

static void
make_record (unsigned char *to, uint64_t seed, uint64_t thread, uint64_t number)
{
  uint64_t head[3] = { seed, thread, number };
  uint64_t state = seed ^ thread << 48 ^ number;
  uint32_t crc;

  fill_random (&state, to, RECORD);
  memcpy (to, head, sizeof head);
  crc = crc32_of (to, RECORD - 4);
  memcpy (to + RECORD - 4, &crc, 4);
}

static bool
append (const struct options *o, int folder, int *fd, uint64_t thread, uint64_t number,
        unsigned char *record)
{
  char name[48], made[64];
  bool first = number % PER_FILE == 0;

  snprintf (name, sizeof name, "%llu-%llu", (unsigned long long) thread,
            (unsigned long long) (number / PER_FILE));
  snprintf (made, sizeof made, "%s.new", name);
  make_record (record, o->seed, thread, number);
  if (first)
    {
      if (*fd >= 0)
        close (*fd);
      *fd = openat (folder, made, O_RDWR | O_CREAT | O_EXCL, 0600);
    }
  if (*fd < 0 || !write_all (*fd, record, RECORD, number % PER_FILE * RECORD))
    return false;
  if ((number & 1 ? fdatasync (*fd) : fsync (*fd)) < 0)
    return false;
  if (first && (renameat (folder, made, folder, name) < 0 || fsync (folder) < 0))
    return false;
  return true;
}

static void *
work (void *arg)
{
  struct writer *w = arg;
  unsigned char *record = malloc (RECORD);
  int folder = open (w->o->path, O_RDONLY | O_DIRECTORY), fd = -1;

  w->failed = 1;
  if (!record || folder < 0)
    say ("disktest: FAIL: %s: %s", w->o->path, strerror (errno));
  else
    for (uint64_t n = 0;; n++)
      {
        if (w->o->records && n == w->o->records)
          {
            w->failed = 0;
            break;
          }
        if (!append (w->o, folder, &fd, w->number, n, record))
          {
            say ("disktest: FAIL: thread %llu record %llu: %s", (unsigned long long) w->number,
                 (unsigned long long) n, strerror (errno));
            break;
          }
        say ("@%llu %llu", (unsigned long long) w->number, (unsigned long long) n);
      }
  if (fd >= 0)
    close (fd);
  if (folder >= 0)
    close (folder);
  free (record);
  return NULL;
}

int
records_run (const struct options *o)
{
  struct writer *writers = calloc (o->threads, sizeof *writers);
  int failed = 0;

  if (!writers)
    return 1;
  for (uint64_t i = 0; i < o->threads; i++)
    {
      writers[i] = (struct writer){ .o = o, .number = i };
      if (pthread_create (&writers[i].thread, NULL, work, &writers[i]))
        return 1;
    }
  for (uint64_t i = 0; i < o->threads; i++)
    {
      pthread_join (writers[i].thread, NULL);
      failed |= writers[i].failed;
    }
  free (writers);
  say ("disktest: records %s", failed ? "FAILED" : "passed");
  return failed;
}
