/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: one line per call to stderr, prefixed "godwit: ".  [any] thread. */
#ifndef CORE_UTIL_LOG_H
#define CORE_UTIL_LOG_H

#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <godwit/abi.h>

/* Levels above MAX (enum gwt_log_level) are dropped; starts at GWT_LOG_WARN.  GUEST shows
 * GWT_LOG_GUEST. */
void gwt_log_configure (uint32_t max, int guest);
bool gwt_log_shown (uint32_t level); /* for what is expensive to put into words */
/* Where everything but errors goes; errors always go to stderr.  FD stays the caller's. */
void gwt_log_set_fd (int fd);
/* What lines begin with, "godwit" at first; NAME is kept, not copied. */
void gwt_log_set_program (const char *name);
void gwt_log (uint32_t level, const char *format, ...) G_GNUC_PRINTF (2, 3);
void gwt_vlog (uint32_t level, const char *format, va_list args) G_GNUC_PRINTF (2, 0);

#endif
