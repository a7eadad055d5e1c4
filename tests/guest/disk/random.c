/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads, writes, truncations, holes at random, buffered, direct and through mappings; a copy in
   memory says what every byte must be.

   A file belongs to one thread, so the copy needs no lock and a seed repeats a run (with ops=).  On
   a block device a "file" is one piece of it.  */

#define _GNU_SOURCE
#include "disktest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum
{
  SECTOR = 512,
  PAGE = 4096,
  LARGE = 512 << 10,
  SEGMENTS = 24
};

struct file
{
  char name[256];
  int fd, direct;
  uint64_t base, size, max; /* on a device: where it begins; bytes now; bytes at most */
  unsigned char *copy;
};

struct worker
{
  pthread_t thread;
  const struct options *o;
  uint64_t state, ops, bytes, unsupported;
  struct file *files;
  unsigned char *buffer; /* LARGE bytes, aligned */
  bool device, failed;
};

static bool
failure (struct worker *w, const struct file *f, const char *what, uint64_t offset, uint64_t size)
{
  say ("disktest: FAIL: %s: %s of %llu bytes at %llu: %s", f->name, what, (unsigned long long) size,
       (unsigned long long) offset, strerror (errno));
  w->failed = true;
  return false;
}

/* What was read must be the copy's.  */
static bool
compare (struct worker *w, const struct file *f, const char *what, const unsigned char *got,
         uint64_t offset, uint64_t size)
{
  const unsigned char *want = f->copy + offset;
  uint64_t i = 0, wrong = 0;

  if (!memcmp (got, want, size))
    return true;
  while (got[i] == want[i])
    i++;
  for (uint64_t j = i; j < size; j++)
    wrong += got[j] != want[j];
  say ("disktest: FAIL: %s: %s of %llu bytes at %llu: %llu differ, the first at %llu: 0x%02x, "
       "wanted "
       "0x%02x",
       f->name, what, (unsigned long long) size, (unsigned long long) offset,
       (unsigned long long) wrong, (unsigned long long) (offset + i), got[i], want[i]);
  w->failed = true;
  return false;
}

/* A range within MAX: short ones are as likely as long ones.  ALIGN: both ends.  */
static void
choose (struct worker *w, uint64_t max, uint64_t align, uint64_t limit, uint64_t *offset,
        uint64_t *size)
{
  uint64_t room, bits = 1;

  while ((uint64_t) 1 << bits < limit)
    bits++;
  *size = 1 + below (&w->state, (uint64_t) 1 << (1 + below (&w->state, bits)));
  if (*size > limit)
    *size = limit;
  *offset = below (&w->state, max) / align * align;
  *size = (*size + align - 1) / align * align;
  room = max / align * align - *offset;
  if (*size > room)
    *size = room;
}

static void
grown (struct file *f, uint64_t end)
{
  if (end > f->size)
    f->size = end;
}

static bool
do_write (struct worker *w, struct file *f, bool direct, uint64_t limit)
{
  uint64_t offset, size;

  choose (w, f->max, direct ? SECTOR : 1, limit, &offset, &size);
  if (!size)
    return true;
  fill_random (&w->state, w->buffer, size);
  if (!write_all (direct ? f->direct : f->fd, w->buffer, size, f->base + offset))
    return failure (w, f, direct ? "direct write" : "write", offset, size);
  memcpy (f->copy + offset, w->buffer, size);
  grown (f, offset + size);
  w->bytes += size;
  return true;
}

/* Many pieces of memory in one request.  */
static bool
do_gather (struct worker *w, struct file *f, bool write)
{
  struct iovec iov[SEGMENTS];
  uint64_t offset, size, total = 0, count = 1 + below (&w->state, SEGMENTS);
  ssize_t n;

  for (uint64_t i = 0; i < count; i++)
    {
      iov[i].iov_base = w->buffer + i * 16 * SECTOR;
      iov[i].iov_len = SECTOR * (1 + below (&w->state, 16));
      total += iov[i].iov_len;
    }
  choose (w, f->max - total, SECTOR, SECTOR, &offset, &size);
  if (write)
    {
      uint64_t at = offset;
      for (uint64_t i = 0; i < count; at += iov[i++].iov_len)
        fill_random (&w->state, iov[i].iov_base, iov[i].iov_len);
      n = pwritev (f->direct, iov, count, f->base + offset);
      if (n != (ssize_t) total)
        return failure (w, f, "gathering write", offset, total);
      at = offset;
      for (uint64_t i = 0; i < count; at += iov[i++].iov_len)
        memcpy (f->copy + at, iov[i].iov_base, iov[i].iov_len);
      grown (f, offset + total);
    }
  else
    {
      uint64_t want = offset >= f->size ? 0 : offset + total > f->size ? f->size - offset : total;
      n = preadv (f->direct, iov, count, f->base + offset);
      if (n < 0 || (uint64_t) n != want)
        return failure (w, f, "scattering read", offset, total);
      for (uint64_t i = 0, at = offset; i < count && want; i++)
        {
          uint64_t part = iov[i].iov_len < want ? iov[i].iov_len : want;
          if (!compare (w, f, "scattering read", iov[i].iov_base, at, part))
            return false;
          at += part;
          want -= part;
        }
    }
  w->bytes += total;
  return true;
}

static bool
read_range (struct worker *w, struct file *f, bool direct, uint64_t offset, uint64_t size)
{
  const char *what = direct ? "direct read" : "read";
  uint64_t want = offset >= f->size ? 0 : offset + size > f->size ? f->size - offset : size;
  ssize_t n = pread (direct ? f->direct : f->fd, w->buffer, size, f->base + offset);

  if (n < 0 || (uint64_t) n != want)
    {
      say ("disktest: %zd bytes instead of %llu", n, (unsigned long long) want);
      return failure (w, f, what, offset, size);
    }
  w->bytes += want;
  return compare (w, f, what, w->buffer, offset, want);
}

static bool
do_read (struct worker *w, struct file *f, bool direct, uint64_t limit)
{
  uint64_t offset, size;

  choose (w, f->max, direct ? SECTOR : 1, limit, &offset, &size);
  return read_range (w, f, direct, offset, size);
}

static bool
do_truncate (struct worker *w, struct file *f)
{
  uint64_t size = below (&w->state, f->max);

  if (w->device)
    return true;
  if (ftruncate (f->fd, size) < 0)
    return failure (w, f, "truncation", 0, size);
  memset (f->copy + size, 0, f->max - size);
  f->size = size;
  return true;
}

static bool
do_zero (struct worker *w, struct file *f, int mode)
{
  uint64_t offset, size;

  choose (w, f->max, w->device ? SECTOR : 1, 128 << 10, &offset, &size);
  if (!size)
    return true;
  if (fallocate (f->fd, mode | FALLOC_FL_KEEP_SIZE, f->base + offset, size) < 0)
    {
      if (errno != EOPNOTSUPP)
        return failure (w, f, mode == FALLOC_FL_ZERO_RANGE ? "zeroing" : "hole", offset, size);
      w->unsupported++;
      return true;
    }
  memset (f->copy + offset, 0, size);
  return true;
}

static bool
do_mapping (struct worker *w, struct file *f)
{
  uint64_t offset, size, start;
  unsigned char *map;

  if (w->device || f->size < PAGE)
    return true;
  choose (w, f->size, 1, 32 << 10, &offset, &size);
  start = offset / PAGE * PAGE;
  map = mmap (NULL, offset + size - start, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, start);
  if (map == MAP_FAILED)
    return failure (w, f, "mapping", offset, size);
  if (compare (w, f, "mapped read", map + (offset - start), offset, size))
    {
      fill_random (&w->state, f->copy + offset, size);
      memcpy (map + (offset - start), f->copy + offset, size);
    }
  munmap (map, offset + size - start);
  return !w->failed;
}

static bool
do_forget (struct worker *w, struct file *f)
{
  if (fdatasync (f->fd) < 0)
    return failure (w, f, "fdatasync", 0, 0);
  posix_fadvise (f->fd, f->base, f->max, POSIX_FADV_DONTNEED);
  return true;
}

static bool
one_operation (struct worker *w, struct file *f)
{
  uint64_t what = below (&w->state, 100);

  if (what < 20)
    return do_write (w, f, false, 64 << 10);
  if (what < 34)
    return do_write (w, f, true, 64 << 10);
  if (what < 36)
    return do_write (w, f, true, LARGE);
  if (what < 50)
    return do_read (w, f, false, 64 << 10);
  if (what < 64)
    return do_read (w, f, true, 64 << 10);
  if (what < 66)
    return do_read (w, f, true, LARGE);
  if (what < 71)
    return do_gather (w, f, true);
  if (what < 76)
    return do_gather (w, f, false);
  if (what < 80)
    return fsync (f->fd) == 0 || failure (w, f, "fsync", 0, 0);
  if (what < 83)
    return do_truncate (w, f);
  if (what < 87)
    return do_zero (w, f, FALLOC_FL_PUNCH_HOLE);
  if (what < 90)
    return do_zero (w, f, FALLOC_FL_ZERO_RANGE);
  if (what < 94)
    return do_mapping (w, f);
  return do_forget (w, f);
}

/* Everything once more, past the page cache.  */
static bool
verify (struct worker *w, struct file *f)
{
  if (!do_forget (w, f))
    return false;
  for (int direct = 0; direct < 2; direct++)
    for (uint64_t at = 0; at < f->max; at += LARGE)
      if (!read_range (w, f, direct, at, f->max - at < LARGE ? f->max - at : LARGE))
        return false;
  return true;
}

static bool
prepare (struct worker *w, struct file *f, uint64_t number)
{
  bool device = w->device;
  int flags = O_RDWR | O_CLOEXEC | (device ? 0 : O_CREAT | O_TRUNC);

  f->max = w->o->size;
  f->fd = f->direct = -1;
  f->copy = calloc (1, f->max);
  if (!f->copy)
    return failure (w, f, "copy in memory", 0, f->max);
  if (device)
    snprintf (f->name, sizeof f->name, "%s", w->o->path);
  else
    snprintf (f->name, sizeof f->name, "%s/random-%llu", w->o->path, (unsigned long long) number);
  f->fd = open (f->name, flags, 0600);
  f->direct = f->fd < 0 ? -1 : open (f->name, O_RDWR | O_DIRECT | O_CLOEXEC);
  if (f->direct < 0)
    return failure (w, f, "opening", 0, 0);
  if (!device)
    return true;
  /* What the device holds is anybody's; from here on it is known.  */
  f->base = number * f->max;
  f->size = f->max;
  if (!write_all (f->fd, f->copy, f->max, f->base))
    return failure (w, f, "first write", f->base, f->max);
  return true;
}

static void *
work (void *arg)
{
  struct worker *w = arg;
  const struct options *o = w->o;
  struct timespec start, now;

  clock_gettime (CLOCK_MONOTONIC, &start);
  while (!w->failed && (!o->ops || w->ops < o->ops))
    {
      if (!one_operation (w, &w->files[below (&w->state, o->files)]))
        w->failed = true;
      w->ops++;
      clock_gettime (CLOCK_MONOTONIC, &now);
      if (o->seconds && (uint64_t) (now.tv_sec - start.tv_sec) >= o->seconds)
        break;
    }
  for (uint64_t i = 0; i < o->files && !w->failed; i++)
    if (!verify (w, &w->files[i]))
      w->failed = true;
  return NULL;
}

static bool
set_up (struct worker *w, const struct options *o, uint64_t number, bool device)
{
  w->o = o;
  w->device = device;
  w->state = o->seed + number * 0x1000193;
  w->files = calloc (o->files, sizeof *w->files);
  if (!w->files || posix_memalign ((void **) &w->buffer, PAGE, LARGE))
    return false;
  for (uint64_t i = 0; i < o->files; i++)
    if (!prepare (w, &w->files[i], number * o->files + i))
      return false;
  return true;
}

int
random_run (const struct options *o)
{
  struct worker *workers = calloc (o->threads, sizeof *workers);
  uint64_t ops = 0, bytes = 0, unsupported = 0, digest = 0xcbf29ce484222325u;
  struct stat st;
  bool failed = false;

  if (!workers || o->size < LARGE || stat (o->path, &st) < 0)
    {
      say ("disktest: FAIL: %s: %s", o->path,
           o->size < LARGE ? "size is below 512" : strerror (errno));
      return 1;
    }
  for (uint64_t i = 0; i < o->threads && !failed; i++)
    failed = !set_up (&workers[i], o, i, S_ISBLK (st.st_mode));
  if (failed)
    return 1;
  for (uint64_t i = 0; i < o->threads; i++)
    if (pthread_create (&workers[i].thread, NULL, work, &workers[i]))
      return 1;
  for (uint64_t i = 0; i < o->threads; i++)
    {
      struct worker *w = &workers[i];
      pthread_join (w->thread, NULL);
      failed |= w->failed;
      ops += w->ops;
      bytes += w->bytes;
      unsupported += w->unsupported;
      for (uint64_t j = 0; j < o->files; j++)
        for (uint64_t k = 0; k < w->files[j].max; k++)
          digest = (digest ^ w->files[j].copy[k]) * 0x100000001b3u;
    }
  say ("disktest: %llu operations, %llu KiB, %llu unsupported, digest %016llx: %s",
       (unsigned long long) ops, (unsigned long long) (bytes >> 10),
       (unsigned long long) unsupported, (unsigned long long) digest, failed ? "FAILED" : "passed");
  return failed;
}
