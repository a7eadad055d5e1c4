/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into the emulator: writes a letter to the file $SYNCS_LOG for each write ('w'), each
 * write that is durable by itself ('d'), and each sync ('s') that the program asks the kernel for,
 * by system calls or io_uring.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef WITH_URING
#include <liburing.h>
#endif

static void
say (char c)
{
  static int fd = -1;
  const char *path = getenv ("SYNCS_LOG");

  if (fd < 0 && path)
    fd = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0 || write (fd, &c, 1) != 1)
    abort ();
}

int
fdatasync (int fd)
{
  static int (*real) (int);

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "fdatasync");
  say ('s');
  return real (fd);
}

int
fsync (int fd)
{
  static int (*real) (int);

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "fsync");
  say ('s');
  return real (fd);
}

#define WRITER(NAME)                                                                               \
  ssize_t NAME (int fd, const struct iovec *iov, int n, off_t offset, int flags)                   \
  {                                                                                                \
    static ssize_t (*real) (int, const struct iovec *, int, off_t, int);                           \
                                                                                                   \
    if (real == NULL)                                                                              \
      *(void **) &real = dlsym (RTLD_NEXT, #NAME);                                                 \
    say (flags & (RWF_DSYNC | RWF_SYNC) ? 'd' : 'w');                                              \
    return real (fd, iov, n, offset, flags);                                                       \
  }
WRITER (pwritev2)

#define OLD_WRITER(NAME)                                                                           \
  ssize_t NAME (int fd, const struct iovec *iov, int n, off_t offset)                              \
  {                                                                                                \
    static ssize_t (*real) (int, const struct iovec *, int, off_t);                                \
                                                                                                   \
    if (real == NULL)                                                                              \
      *(void **) &real = dlsym (RTLD_NEXT, #NAME);                                                 \
    say ('w');                                                                                     \
    return real (fd, iov, n, offset);                                                              \
  }
OLD_WRITER (pwritev)
OLD_WRITER (pwritev64)
WRITER (pwritev64v2)

#ifdef WITH_URING
static void
look (struct io_uring *ring)
{
  for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++)
    {
      const struct io_uring_sqe *sqe = &ring->sq.sqes[i & *ring->sq.kring_mask];

      if (sqe->opcode == IORING_OP_FSYNC)
        say ('s');
      else if (sqe->opcode == IORING_OP_WRITEV || sqe->opcode == IORING_OP_WRITE)
        say (sqe->rw_flags & (RWF_DSYNC | RWF_SYNC) ? 'd' : 'w');
    }
}

int
io_uring_submit (struct io_uring *ring)
{
  static int (*real) (struct io_uring *);

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "io_uring_submit");
  look (ring);
  return real (ring);
}

int
io_uring_submit_and_wait_timeout (struct io_uring *ring, struct io_uring_cqe **cqe, unsigned n,
                                  struct __kernel_timespec *timeout, sigset_t *mask)
{
  static int (*real) (struct io_uring *, struct io_uring_cqe **, unsigned,
                      struct __kernel_timespec *, sigset_t *);

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "io_uring_submit_and_wait_timeout");
  look (ring);
  return real (ring, cqe, n, timeout, mask);
}
#endif
