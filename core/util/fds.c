/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors by name or number.  Knows nothing of what is at their other end. */
#include "config.h"
#include "core/util/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/util/text.h"

/* A client could fill our table of descriptors otherwise. */
#define NAMES_MAX 256

static GMutex lock;
static GHashTable *named; /* name -> descriptor */

bool
gwt_fd_put (const char *name, int fd, struct gwt_error *err)
{
  gpointer old;
  bool had, full;
  /* A number would never be found again. */
  if (name[0] == '\0' || g_ascii_isdigit (name[0]))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "'%.64s' cannot be the name of a descriptor; begin it with a letter", name);
      close (fd);
      return false;
    }
  g_mutex_lock (&lock);
  if (named == NULL)
    named = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  had = g_hash_table_lookup_extended (named, name, NULL, &old);
  full = !had && g_hash_table_size (named) >= NAMES_MAX;
  if (!full)
    g_hash_table_insert (named, g_strdup (name), GINT_TO_POINTER (fd));
  g_mutex_unlock (&lock);
  if (had)
    close (GPOINTER_TO_INT (old));
  if (full)
    {
      gwt_error_set (err, GWT_E_RANGE, "there are %d named descriptors; use closefd first",
                     NAMES_MAX);
      close (fd);
    }
  return !full;
}

/* The descriptor called NAME, out of the table; -1 where there is none. */
static int
take (const char *name)
{
  gpointer fd;
  bool found;
  g_mutex_lock (&lock);
  found = named != NULL && g_hash_table_lookup_extended (named, name, NULL, &fd);
  if (found)
    g_hash_table_remove (named, name);
  g_mutex_unlock (&lock);
  return found ? GPOINTER_TO_INT (fd) : -1;
}

bool
gwt_fd_close (const char *name, struct gwt_error *err)
{
  int fd = take (name);
  if (fd < 0)
    gwt_error_set (err, GWT_E_INVALID,
                   "there is no descriptor named '%.64s'; pass it with getfd first", name);
  else
    close (fd);
  return fd >= 0;
}

/* What this process was started with stays open over exec; all that it opens itself does not. */
static bool
is_inherited (const char *text, int *number)
{
  GWT_AUTO_ERROR (ignored);
  uint64_t value;
  if (!gwt_parse_u64 (text, false, &value, &ignored) || value > G_MAXINT)
    return false;
  *number = (int) value;
  int flags = fcntl (*number, F_GETFD);
  return *number > STDERR_FILENO && flags >= 0 && !(flags & FD_CLOEXEC);
}

int
gwt_fd_copy (const char *name_or_number, struct gwt_error *err)
{
  gpointer given = NULL;
  int number, copy = -1;
  bool found;
  if (g_ascii_isdigit (name_or_number[0]))
    {
      if (!is_inherited (name_or_number, &number))
        {
          gwt_error_set (err, GWT_E_NOT_FOUND,
                         "descriptor %.64s is not one that this process was started with; leave "
                         "one above 2 open for it, or pass one with getfd",
                         name_or_number);
          return -1;
        }
      copy = fcntl (number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    }
  else
    {
      g_mutex_lock (&lock);
      found = named != NULL && g_hash_table_lookup_extended (named, name_or_number, NULL, &given);
      if (found)
        copy = fcntl (GPOINTER_TO_INT (given), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
      g_mutex_unlock (&lock);
      if (!found)
        {
          gwt_error_set (err, GWT_E_NOT_FOUND,
                         "there is no descriptor named '%.64s'; pass it with getfd first",
                         name_or_number);
          return -1;
        }
    }
  if (copy < 0)
    gwt_error_set (err, GWT_E_IO, "descriptor '%.64s' cannot be copied: %s; raise the limit",
                   name_or_number, g_strerror (errno));
  return copy;
}

void
gwt_fd_used (const char *name_or_number)
{
  int number;
  if (!g_ascii_isdigit (name_or_number[0]))
    number = take (name_or_number);
  else if (!is_inherited (name_or_number, &number))
    return;
  if (number >= 0)
    close (number);
}

void
gwt_fd_close_all (void)
{
  GHashTableIter each;
  gpointer name, fd;
  g_mutex_lock (&lock);
  if (named != NULL)
    {
      g_hash_table_iter_init (&each, named);
      while (g_hash_table_iter_next (&each, &name, &fd))
        close (GPOINTER_TO_INT (fd));
      g_clear_pointer (&named, g_hash_table_unref);
    }
  g_mutex_unlock (&lock);
}
