/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's side of bench-block: keeps a number of requests to a block device in flight.

     DEVICE read|write random|sequential SIZE DEPTH THREADS COUNT

   per line of standard input; "@begin", a line "go" from the host, "@end" with what was done.
   Native asynchronous I/O past the page cache, a context for each thread.  It must not know what
   carries the device, nor measure time: the host does.  */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum
{
  MAX_DEPTH = 256,
  MAX_THREADS = 16
};

struct job
{
  char device[32];
  int write, random;
  uint64_t size, depth, threads, count, capacity;
};

struct worker
{
  pthread_t thread;
  const struct job *job;
  uint64_t state, position, begin, end; /* its part of the device */
  uint64_t count, done;
  const char *failed;
  int error;
};

static pthread_barrier_t ready;

static uint64_t
next_offset (struct worker *w)
{
  const struct job *job = w->job;
  uint64_t offset;

  if (job->random)
    {
      w->state = w->state * 6364136223846793005u + 1442695040888963407u;
      return (w->state >> 24) % (job->capacity / job->size) * job->size;
    }
  offset = w->position;
  w->position += job->size;
  if (w->position + job->size > w->end)
    w->position = w->begin;
  return offset;
}

static void
prepare (struct worker *w, struct iocb *cb, int fd, void *buffer)
{
  memset (cb, 0, sizeof *cb);
  cb->aio_lio_opcode = w->job->write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
  cb->aio_fildes = fd;
  cb->aio_buf = (uintptr_t) buffer;
  cb->aio_nbytes = w->job->size;
  cb->aio_offset = next_offset (w);
  cb->aio_data = (uintptr_t) cb;
}

static void
work_with (struct worker *w, int fd, unsigned char *memory, struct iocb *cbs, aio_context_t aio)
{
  uint64_t depth = w->job->depth, started = 0;
  struct io_event events[MAX_DEPTH];
  struct iocb *list[MAX_DEPTH];

  for (uint64_t i = 0; i < depth && started < w->count; i++, started++)
    {
      prepare (w, &cbs[i], fd, memory + i * w->job->size);
      list[i] = &cbs[i];
    }
  if (syscall (SYS_io_submit, aio, started, list) != (long) started)
    {
      w->failed = "io_submit";
      w->error = errno;
      return;
    }
  while (w->done < w->count)
    {
      long n = syscall (SYS_io_getevents, aio, 1, depth, events, NULL), again = 0;
      if (n <= 0)
        {
          w->failed = "io_getevents";
          w->error = errno;
          return;
        }
      for (long i = 0; i < n; i++)
        {
          struct iocb *cb = (struct iocb *) (uintptr_t) events[i].data;
          if (events[i].res != (int64_t) w->job->size)
            {
              w->failed = "a request";
              w->error = events[i].res < 0 ? -events[i].res : EIO;
              return;
            }
          if (started < w->count)
            {
              prepare (w, cb, fd, (void *) (uintptr_t) cb->aio_buf);
              list[again++] = cb;
              started++;
            }
        }
      w->done += n;
      if (again && syscall (SYS_io_submit, aio, again, list) != again)
        {
          w->failed = "io_submit";
          w->error = errno;
          return;
        }
    }
}

static void *
work (void *arg)
{
  struct worker *w = arg;
  unsigned char *memory = NULL;
  struct iocb *cbs = calloc (w->job->depth, sizeof *cbs);
  int fd = open (w->job->device, O_DIRECT | (w->job->write ? O_RDWR : O_RDONLY));
  aio_context_t aio = 0;

  if (fd < 0)
    w->failed = "open";
  else if (!cbs || posix_memalign ((void **) &memory, 4096, w->job->depth * w->job->size))
    w->failed = "memory";
  else if (syscall (SYS_io_setup, w->job->depth, &aio) < 0)
    w->failed = "io_setup";
  w->error = errno;
  if (!w->failed)
    for (uint64_t i = 0; i < w->job->depth * w->job->size; i++)
      memory[i] = i * 131 >> 3;
  pthread_barrier_wait (&ready); /* the host begins to measure */
  pthread_barrier_wait (&ready);
  if (!w->failed)
    work_with (w, fd, memory, cbs, aio);
  if (aio)
    syscall (SYS_io_destroy, aio);
  if (fd >= 0)
    close (fd);
  free (memory);
  free (cbs);
  return NULL;
}

static void
run (struct job *job)
{
  static struct worker workers[MAX_THREADS];
  uint64_t done = 0;
  char line[16];
  int fd = open (job->device, O_RDONLY);

  if (fd < 0 || ioctl (fd, BLKGETSIZE64, &job->capacity) < 0 || job->capacity < job->size)
    {
      printf ("@error %s: %s\n", job->device, strerror (errno));
      if (fd >= 0)
        close (fd);
      return;
    }
  close (fd);
  pthread_barrier_init (&ready, NULL, job->threads + 1);
  for (uint64_t i = 0; i < job->threads; i++)
    {
      struct worker *w = &workers[i];
      uint64_t part = job->capacity / job->threads / job->size * job->size;
      *w = (struct worker){ .job = job, .state = i * 0x9e3779b97f4a7c15u + 1 };
      w->begin = w->position = i * part;
      w->end = w->begin + part;
      w->count = job->count / job->threads;
      if (pthread_create (&w->thread, NULL, work, w))
        exit (1);
    }
  pthread_barrier_wait (&ready);
  printf ("@begin\n");
  if (!fgets (line, sizeof line, stdin))
    exit (0);
  pthread_barrier_wait (&ready);
  for (uint64_t i = 0; i < job->threads; i++)
    {
      pthread_join (workers[i].thread, NULL);
      done += workers[i].done;
    }
  for (uint64_t i = 0; i < job->threads; i++)
    if (workers[i].failed)
      {
        printf ("@error %s: %s: %s\n", job->device, workers[i].failed, strerror (workers[i].error));
        pthread_barrier_destroy (&ready);
        return;
      }
  pthread_barrier_destroy (&ready);
  printf ("@end %llu\n", (unsigned long long) done);
}

int
main (int argc, char **argv)
{
  char line[256], direction[16], order[16];

  setvbuf (stdout, NULL, _IOLBF, 0);
  if (system ("drivers; stty -echo -icrnl 2>/dev/null"))
    printf ("@error the drivers cannot be loaded\n");
  for (int i = 1; i < argc; i++)
    for (int n = 0; access (argv[i], R_OK) && n < 100; n++)
      usleep (100000);
  printf ("@ready\n");
  while (fgets (line, sizeof line, stdin) && strncmp (line, "quit", 4))
    {
      struct job job = { .size = 0 };
      unsigned long long size, depth, threads, count;
      if (sscanf (line, "%31s %15s %15s %llu %llu %llu %llu", job.device, direction, order, &size,
                  &depth, &threads, &count)
              != 7
          || size % 512 || !size || size > 8 << 20 || !depth || depth > MAX_DEPTH || !threads
          || threads > MAX_THREADS)
        {
          printf ("@error what is '%s'?\n", line);
          continue;
        }
      job.write = !strcmp (direction, "write");
      job.random = !strcmp (order, "random");
      job.size = size;
      job.depth = depth;
      job.threads = threads;
      job.count = count;
      run (&job);
    }
  return 0;
}
