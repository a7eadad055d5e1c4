/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file that a capture is in: any place of it, or from its start.  Does not know what the bytes
 * mean.
 *
 * It is read, never mapped: a file that somebody cuts short meanwhile is an error and no signal.
 */
#include "config.h"
#include "tools/stream/capture.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct gwt_capture_file
{
  int fd; /* -1: `data` */
  const uint8_t *data;
  uint64_t base, size;
  uint64_t at; /* of the input from its start */
};

static bool
read_all (int fd, uint64_t at, void *buffer, gsize size, struct gwt_error *err)
{
  uint8_t *to = buffer;

  while (size > 0)
    {
      ssize_t got = pread (fd, to, size, (off_t) at);

      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        {
          gwt_error_set (err, GWT_E_IO, "byte %" G_GUINT64_FORMAT " cannot be read: %s", at,
                         got < 0 ? g_strerror (errno) : "the file became shorter");
          return false;
        }
      to += got;
      at += (uint64_t) got;
      size -= (gsize) got;
    }
  return true;
}

static bool
write_all (int fd, const uint8_t *bytes, gsize size)
{
  while (size > 0)
    {
      ssize_t put = write (fd, bytes, size);

      if (put < 0 && errno == EINTR)
        continue;
      if (put < 0)
        return false;
      bytes += put;
      size -= (gsize) put;
    }
  return true;
}

/* What can be read once alone, in a file that has no name; -1 with ERR set. */
static int
spool (int fd, uint64_t *size, struct gwt_error *err)
{
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "godwit-stream-XXXXXX", NULL);
  g_autofree uint8_t *buffer = g_malloc (1 << 18);
  int to = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);

  if (to < 0)
    {
      gwt_error_set (err, GWT_E_IO, "no temporary file in '%s': %s; set TMPDIR to another folder",
                     g_get_tmp_dir (), g_strerror (errno));
      return -1;
    }
  unlink (path);
  for (*size = 0;;)
    {
      ssize_t got = read (fd, buffer, 1 << 18);

      if (got < 0 && errno == EINTR)
        continue;
      if (got == 0)
        return to;
      if (got < 0)
        gwt_error_set (err, GWT_E_IO, "it cannot be read: %s", g_strerror (errno));
      else if (!write_all (to, buffer, (gsize) got))
        gwt_error_set (err, GWT_E_IO,
                       "a temporary file in '%s' cannot be written: %s; set TMPDIR to another "
                       "folder",
                       g_get_tmp_dir (), g_strerror (errno));
      if (gwt_error_is_set (err))
        {
          close (to);
          return -1;
        }
      *size += (uint64_t) got;
    }
}

struct gwt_capture_file *
gwt_capture_file_open (const char *path, uint64_t offset, struct gwt_error *err)
{
  bool input = strcmp (path, "-") == 0;
  int fd = input ? dup (STDIN_FILENO) : open (path, O_RDONLY | O_CLOEXEC);
  struct gwt_capture_file *file;
  uint64_t size = 0;
  struct stat st;
  int spooled;

  if (fd < 0 || fstat (fd, &st) != 0 || (S_ISDIR (st.st_mode) && (errno = EISDIR)))
    {
      gwt_error_set (err, GWT_E_IO, "it cannot be opened: %s", g_strerror (errno));
      if (fd >= 0)
        close (fd);
      return NULL;
    }
  if (S_ISREG (st.st_mode))
    {
      off_t at = input ? lseek (fd, 0, SEEK_CUR) : 0;

      size = (uint64_t) st.st_size;
      offset += at > 0 ? (uint64_t) at : 0;
    }
  else
    {
      spooled = spool (fd, &size, err);
      close (fd);
      if (spooled < 0)
        return NULL;
      fd = spooled;
    }
  if (offset > size)
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "it has %" G_GUINT64_FORMAT " bytes, and the stream is to begin behind them",
                     size);
      close (fd);
      return NULL;
    }
  file = g_new0 (struct gwt_capture_file, 1);
  file->fd = fd;
  file->base = offset;
  file->size = size - offset;
  return file;
}

struct gwt_capture_file *
gwt_capture_file_of_data (const void *data, uint64_t size)
{
  struct gwt_capture_file *file = g_new0 (struct gwt_capture_file, 1);

  file->fd = -1;
  file->data = data;
  file->size = size;
  return file;
}

void
gwt_capture_file_free (struct gwt_capture_file *file)
{
  if (file == NULL)
    return;
  if (file->fd >= 0)
    close (file->fd);
  g_free (file);
}

uint64_t
gwt_capture_file_size (const struct gwt_capture_file *file)
{
  return file->size;
}

bool
gwt_capture_file_read (struct gwt_capture_file *file, uint64_t at, void *buffer, gsize size,
                       struct gwt_error *err)
{
  if (at > file->size || size > file->size - at)
    {
      gwt_error_set (err, GWT_E_IO, "the stream ends at byte %" G_GUINT64_FORMAT, file->size);
      return false;
    }
  if (file->fd >= 0)
    return read_all (file->fd, file->base + at, buffer, size, err);
  memcpy (buffer, file->data + at, size);
  return true;
}

static gssize
source (void *opaque, uint8_t *buffer, gsize size, struct gwt_error *err)
{
  struct gwt_capture_file *file = opaque;

  size = MIN (size, file->size - file->at);
  if (!gwt_capture_file_read (file, file->at, buffer, size, err))
    return -1;
  file->at += size;
  return (gssize) size;
}

struct gwt_vm_in *
gwt_capture_file_in (struct gwt_capture_file *file)
{
  file->at = 0;
  return file->fd >= 0 ? gwt_vm_in_new (source, file) : gwt_vm_in_new_data (file->data, file->size);
}
