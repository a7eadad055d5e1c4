/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disk images that are files, and block devices: opening, what they can do, the lock, resizing.
 * Requests are block-file-io.c's.
 *
 * The lock is QEMU's, so that its processes and ours keep out of each other's images: a shared OFD
 * lock on byte 100 + P says that permission P is held, one on byte 200 + P that others must not
 * hold it.  Whoever comes tries whether an exclusive lock could be had there.
 */
#include "config.h"
#include "core/backend/block-internal.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/util/log.h"

#define HELD 100
#define EXCLUDED 200
#define CONSISTENT_READ 0
#define WRITE 1

#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#endif

/* ---- opening --------------------------------------------------------------------------------- */

static const char *
remedy (int error)
{
  switch (error)
    {
    case ENOENT:
    case ENOTDIR:
      return "check the path, or make it with 'truncate -s SIZE FILE'";
    case EACCES:
    case EPERM:
    case EROFS:
      return "use read-only=on, or change its permissions";
    case EINVAL:
      return "its file system has no O_DIRECT; use cache.direct=off";
    default:
      return "check the path";
    }
}

static int
open_fd (struct gwt_block *node)
{
  int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (node->direct ? O_DIRECT : 0), fd;

  fd = open (node->filename, flags | (node->read_only ? O_RDONLY : O_RDWR));
  if (fd < 0 && !node->read_only && node->auto_read_only
      && (errno == EACCES || errno == EPERM || errno == EROFS))
    {
      fd = open (node->filename, flags | O_RDONLY);
      node->read_only = fd >= 0;
    }
  return fd;
}

/* What O_DIRECT asks of offsets: 512 bytes do nearly everywhere, 4096 on some disks. */
static uint32_t
probe_alignment (int fd)
{
  void *page = NULL;
  uint32_t align = 4096;

  if (posix_memalign (&page, 4096, 4096) == 0 && pread (fd, page, 512, 0) >= 0)
    align = 512;
  free (page);
  return align;
}

static bool
measure (struct gwt_block *node, struct gwt_file *file, const struct stat *st,
         struct gwt_error *err)
{
  uint64_t size = (uint64_t) st->st_size;

  node->physical = GWT_BLOCK_SECTOR;
  if (file->device)
    {
      unsigned value = 0;
      int sector = 0;

      if (ioctl (file->fd, BLKGETSIZE64, &size) < 0)
        {
          gwt_error_set (err, GWT_E_IO, "'%s': its size is not to be had: %s; check the device",
                         node->filename, g_strerror (errno));
          return false;
        }
      if (file->direct && ioctl (file->fd, BLKSSZGET, &sector) == 0 && sector >= 512)
        node->logical = (uint32_t) sector;
      if (ioctl (file->fd, BLKPBSZGET, &value) == 0)
        node->physical = value;
      if (ioctl (file->fd, BLKIOMIN, &value) == 0)
        node->min_io = value;
      if (ioctl (file->fd, BLKIOOPT, &value) == 0)
        node->opt_io = value;
    }
  else if (file->direct)
    node->logical = probe_alignment (file->fd);
  node->physical = MAX (node->physical, node->logical);
  node->can_discard = node->can_zero = true;
  if (!file->device)
    node->discard_granularity = (uint32_t) CLAMP (st->st_blksize, 512, 65536);
  file->align = file->direct ? node->logical : 1;
  if (size > GWT_BLOCK_SIZE_MAX)
    {
      gwt_error_set (err, GWT_E_RANGE, "'%s' is too large; use a smaller one", node->filename);
      return false;
    }
  atomic_store (&node->size, (size + GWT_BLOCK_SECTOR - 1) & ~(uint64_t) (GWT_BLOCK_SECTOR - 1));
  return true;
}

static void
file_close (struct gwt_block *node)
{
  struct gwt_file *file = node->data;

  if (file->fd >= 0)
    close (file->fd);
  g_free (file);
}

static bool
open_file (struct gwt_block *node, struct gwt_file *file, struct gwt_error *err)
{
  struct stat st;

  if (stat (node->filename, &st) == 0 && !S_ISREG (st.st_mode) && !S_ISBLK (st.st_mode))
    {
      gwt_error_set (err, GWT_E_INVALID, "'%s' is %s; use a disk image or a block device",
                     node->filename,
                     S_ISDIR (st.st_mode) ? "a folder" : "neither a file nor a disk");
      return false;
    }
  file->fd = open_fd (node);
  if (file->fd < 0 || fstat (file->fd, &st) < 0)
    {
      gwt_error_set (err, errno == ENOENT ? GWT_E_NOT_FOUND : GWT_E_IO,
                     "'%s': cannot be opened: %s; %s", node->filename, g_strerror (errno),
                     remedy (errno));
      return false;
    }
  file->device = S_ISBLK (st.st_mode);
  if (!S_ISREG (st.st_mode) && !file->device)
    gwt_error_set (err, GWT_E_INVALID, "'%s' is no disk; use a disk image or a block device",
                   node->filename);
  else if (node->driver == &gwt_block_host_device && !file->device)
    gwt_error_set (err, GWT_E_INVALID, "'%s' is a file and no block device; use driver=file",
                   node->filename);
  return !gwt_error_is_set (err) && measure (node, file, &st, err);
}

static bool
choose_engine (struct gwt_file *file, struct json_object *options, struct gwt_error *err)
{
  static const char *const engines[] = { "threads", "io_uring", "native", NULL };
  guint engine = G_MAXUINT;

  if (!gwt_take_enum (options, "aio", engines, &engine, err))
    return false;
  file->uring = engine != 0 && gwt_uring_available ();
  if (engine == 2)
    gwt_error_set (err, GWT_E_UNSUPPORTED, "aio=native is not offered; use aio=io_uring");
#ifdef HAVE_LIBURING
  else if (engine == 1 && !file->uring)
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "aio=io_uring: this kernel does not allow it; use aio=threads");
#else
  else if (engine == 1)
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "aio=io_uring is not in this build; configure it with liburing, or use "
                   "aio=threads");
#endif
  return !gwt_error_is_set (err);
}

static bool
file_open (struct gwt_block *node, struct json_object *options, struct gwt_error *err)
{
  static const char *const lockings[] = { "auto", "on", "off", NULL };
  struct gwt_file *file = g_new0 (struct gwt_file, 1);
  guint locking = 0;

  file->fd = -1;
  file->direct = node->direct;
  node->data = file;
  if (!gwt_take_text (options, "filename", &node->filename, err)
      || !gwt_take_enum (options, "locking", lockings, &locking, err)
      || !choose_engine (file, options, err))
    ;
  else if (node->filename == NULL || *node->filename == '\0')
    gwt_error_set (err, GWT_E_INVALID, "there is no filename; add filename=FILE");
  else
    open_file (node, file, err);
  file->locking = locking != 2;
  file->locking_asked = locking == 1;
  if (!gwt_error_is_set (err))
    return true;
  file_close (node);
  return false;
}

/* ---- the lock -------------------------------------------------------------------------------- */

static int
lock_byte (int fd, int command, short type, off_t byte, struct flock *lock)
{
  *lock = (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
  return fcntl (fd, command, lock) < 0 ? errno : 0;
}

static void
file_unlock (struct gwt_block *node)
{
  struct gwt_file *file = node->data;
  struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = HELD, .l_len = 200 };

  if (file->locked)
    fcntl (file->fd, F_OFD_SETLK, &lock);
  file->locked = false;
}

static bool
conflict (const struct gwt_block *node, bool writes, struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_BUSY,
                 "'%s': another process has it open%s; end that one, use %sfile.locking=off",
                 node->filename, writes ? "" : " for writing",
                 writes ? "read-only=on in both, or " : "");
  return false;
}

static bool
file_lock (struct gwt_block *node, bool writes, bool share, struct gwt_error *err)
{
  struct gwt_file *file = node->data;
  struct flock lock;
  int error;
  bool taken;

  if (!file->locking)
    return true;
  file->locked = true;
  error = lock_byte (file->fd, F_OFD_SETLK, F_RDLCK, HELD + CONSISTENT_READ, &lock);
  if (error == 0 && writes)
    error = lock_byte (file->fd, F_OFD_SETLK, F_RDLCK, HELD + WRITE, &lock);
  if (error == 0 && !share)
    error = lock_byte (file->fd, F_OFD_SETLK, F_RDLCK, EXCLUDED + WRITE, &lock);
  if (error == EAGAIN || error == EACCES)
    {
      file_unlock (node);
      return conflict (node, writes, err);
    }
  if (error != 0)
    {
      file_unlock (node);
      if (!file->locking_asked)
        {
          gwt_log (GWT_LOG_WARN, "'%s': cannot be locked: %s; see to it that no other uses it",
                   node->filename, g_strerror (error));
          return true;
        }
      gwt_error_set (err, GWT_E_IO, "'%s': cannot be locked: %s; use locking=auto or off",
                     node->filename, g_strerror (error));
      return false;
    }
  /* Does somebody exclude what we do? Does somebody do what we exclude? */
  taken = lock_byte (file->fd, F_OFD_GETLK, F_WRLCK, EXCLUDED + CONSISTENT_READ, &lock) == 0
          && lock.l_type != F_UNLCK;
  taken = taken
          || (writes && lock_byte (file->fd, F_OFD_GETLK, F_WRLCK, EXCLUDED + WRITE, &lock) == 0
              && lock.l_type != F_UNLCK);
  taken = taken
          || (!share && lock_byte (file->fd, F_OFD_GETLK, F_WRLCK, HELD + WRITE, &lock) == 0
              && lock.l_type != F_UNLCK);
  if (!taken)
    return true;
  file_unlock (node);
  return conflict (node, writes, err);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static bool
file_resize (struct gwt_block *node, uint64_t size, struct gwt_error *err)
{
  struct gwt_file *file = node->data;
  uint64_t now = 0;

  if (file->device)
    {
      if (ioctl (file->fd, BLKGETSIZE64, &now) < 0 || size > now)
        gwt_error_set (err, GWT_E_INVALID,
                       "'%s' is a device of %" G_GUINT64_FORMAT " bytes; use at most that",
                       node->filename, now);
    }
  else if (ftruncate (file->fd, (off_t) size) < 0)
    gwt_error_set (err, GWT_E_IO, "'%s': cannot be resized: %s; see what its file system allows",
                   node->filename, g_strerror (errno));
  return !gwt_error_is_set (err);
}

/* Files on a network: a fresh open asks the server, and the pages that were read before go. */
static bool
file_refresh (struct gwt_block *node, struct gwt_error *err)
{
  struct gwt_file *file = node->data;
  char path[64];
  struct stat st;
  int fd;

  g_snprintf (path, sizeof path, "/proc/self/fd/%d", file->fd);
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0)
    close (fd);
  posix_fadvise (file->fd, 0, 0, POSIX_FADV_DONTNEED);
  if (fstat (file->fd, &st) == 0)
    return measure (node, file, &st, err);
  gwt_error_set (err, GWT_E_IO, "'%s': cannot be examined: %s; see to its file system",
                 node->filename, g_strerror (errno));
  return false;
}

static uint64_t
file_allocated (struct gwt_block *node)
{
  const struct gwt_file *file = node->data;
  struct stat st;

  return file->device || fstat (file->fd, &st) < 0 ? UINT64_MAX : (uint64_t) st.st_blocks * 512;
}

static int
file_sync (struct gwt_block *node)
{
  const struct gwt_file *file = node->data;

  return fdatasync (file->fd) < 0 ? errno : 0;
}

static const char *const members[] = { "filename", "aio", "locking", NULL };

#define FILE_DRIVER(NAME)                                                                          \
  {                                                                                                \
    .name = NAME, .leaf = true, .members = members, .open = file_open, .close = file_close,        \
    .lock = file_lock, .unlock = file_unlock, .refresh = file_refresh, .resize = file_resize,      \
    .allocated = file_allocated, .sync = file_sync, .start = gwt_file_start,                       \
    .step = gwt_file_step                                                                          \
  }

const struct gwt_block_driver gwt_block_file = FILE_DRIVER ("file");
const struct gwt_block_driver gwt_block_host_device = FILE_DRIVER ("host_device");
