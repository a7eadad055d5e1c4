/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns reading whole files into memory.  It must not know their formats.
 *
 * The content is read, not mapped: a file that shrinks under a mapping ends the process with
 * SIGBUS, and images are needed again at every reset.
 */
#include "config.h"
#include "core/machine/file.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Large blobs in huge pages: a kernel's 30 MB otherwise cost 8000 page faults at every start. */
static uint8_t *
blob_memory (uint64_t size)
{
  void *data = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    return NULL;
  if (size >= (2u << 20))
    madvise (data, size, MADV_HUGEPAGE);
  return data;
}

bool
gwt_blob_copy (struct gwt_blob *blob, const void *data, uint64_t size, struct gwt_error *err)
{
  *blob = (struct gwt_blob){ NULL, size };
  if (size == 0)
    return true;
  blob->data = blob_memory (size);
  if (blob->data == NULL)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY, "no memory for %llu bytes; free some",
                     (unsigned long long) size);
      blob->size = 0;
      return false;
    }
  memcpy (blob->data, data, size);
  return true;
}

bool
gwt_blob_load (struct gwt_blob *blob, const char *path, uint64_t limit, struct gwt_error *err)
{
  struct stat st;
  *blob = (struct gwt_blob){ NULL, 0 };
  /* O_NONBLOCK: opening a FIFO must not hang; it is refused just below. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || fstat (fd, &st) != 0)
    {
      gwt_error_set (err, errno == ENOENT ? GWT_E_NOT_FOUND : GWT_E_IO,
                     "'%s': cannot be read: %s; check the path and its permissions", path,
                     g_strerror (errno));
      if (fd >= 0)
        close (fd);
      return false;
    }
  if (!S_ISREG (st.st_mode))
    {
      gwt_error_set (err, GWT_E_INVALID, "'%s': is %s; name a regular file", path,
                     S_ISDIR (st.st_mode) ? "a directory" : "no regular file");
      close (fd);
      return false;
    }
  if ((uint64_t) st.st_size > limit)
    {
      gwt_error_set (err, GWT_E_RANGE, "'%s': has %llu bytes; at most %llu fit", path,
                     (unsigned long long) st.st_size, (unsigned long long) limit);
      close (fd);
      return false;
    }
  blob->size = (uint64_t) st.st_size;
  if (blob->size > 0)
    blob->data = blob_memory (blob->size);
  if (blob->size > 0 && blob->data == NULL)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY, "'%s': no memory for %llu bytes; free some", path,
                     (unsigned long long) blob->size);
      close (fd);
      blob->size = 0;
      return false;
    }
  uint64_t at = 0;
  while (at < blob->size)
    {
      ssize_t n = read (fd, blob->data + at, blob->size - at);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          gwt_error_set (err, GWT_E_IO, "'%s': read %llu of %llu bytes: %s; check the file", path,
                         (unsigned long long) at, (unsigned long long) blob->size,
                         n < 0 ? g_strerror (errno) : "the file became shorter");
          close (fd);
          gwt_blob_free (blob);
          return false;
        }
      at += (uint64_t) n;
    }
  close (fd);
  return true;
}

void
gwt_blob_free (struct gwt_blob *blob)
{
  if (blob->data != NULL)
    munmap (blob->data, blob->size);
  *blob = (struct gwt_blob){ NULL, 0 };
}
