/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log.  Owns what is shown and where; must not know who logs.  One write () a line, so that
 * lines of several threads do not mix.
 */
#include "config.h"
#include "core/util/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "core/util/text.h"

#define LINE_MAX_BYTES 4096

/* Written by the main thread at start, read by all. */
static uint32_t log_max = GWT_LOG_WARN;
static int log_guest;
static int log_fd = STDERR_FILENO;
static const char *log_program = "godwit";

void
gwt_log_configure (uint32_t max, int guest)
{
  log_max = max;
  log_guest = guest;
}

void
gwt_log_set_fd (int fd)
{
  log_fd = fd;
}

void
gwt_log_set_program (const char *name)
{
  log_program = name;
}

bool
gwt_log_shown (uint32_t level)
{
  return level == GWT_LOG_GUEST ? log_guest != 0 : level <= log_max;
}

static void
write_line (int fd, const char *line, size_t size)
{
  while (size > 0)
    {
      ssize_t n = write (fd, line, size);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return; /* nowhere to complain to */
      line += n;
      size -= (size_t)n;
    }
}

void
gwt_vlog (uint32_t level, const char *format, va_list args)
{
  if (format == NULL || !gwt_log_shown (level))
    return;
  char text[LINE_MAX_BYTES];
  if (vsnprintf (text, sizeof text, format, args) < 0)
    return;
  char *line = gwt_one_line (text);
  char *whole
      = g_strdup_printf ("%s: %s%s\n", log_program, level == GWT_LOG_WARN ? "warning: " : "", line);
  /* Errors are for the user, who looks at stderr, not into a file. */
  int fd = level == GWT_LOG_ERROR ? STDERR_FILENO : log_fd;
  write_line (fd, whole, strlen (whole));
  g_free (whole);
  g_free (line);
}

void
gwt_log (uint32_t level, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  gwt_vlog (level, format, args);
  va_end (args);
}
