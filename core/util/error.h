/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct gwt_error as the host sees it.  Every fallible function of core/ takes one, never NULL,
 * and returns false, -1 or NULL with it set.  One text, one line: "object: what; what to do".
 */
#ifndef CORE_UTIL_ERROR_H
#define CORE_UTIL_ERROR_H

#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <godwit/abi.h>

struct gwt_error
{
  uint32_t code; /* enum gwt_error_code; 0: not set */
  char *text;    /* owned; NULL while not set */
};

#define GWT_ERROR_INIT                                                                             \
  {                                                                                                \
    0, NULL                                                                                        \
  }

/* The first error wins: setting one that is set keeps the first, so a cause is never hidden. */
void gwt_error_set (struct gwt_error *err, uint32_t code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
void gwt_error_vset (struct gwt_error *err, uint32_t code, const char *format, va_list args)
    G_GNUC_PRINTF (3, 0);
/* Put "PREFIX: " before the text; no effect while not set. */
void gwt_error_prefix (struct gwt_error *err, const char *format, ...) G_GNUC_PRINTF (2, 3);
bool gwt_error_is_set (const struct gwt_error *err);
void gwt_error_clear (struct gwt_error *err);
/* Move FROM (set) into TO. */
void gwt_error_move (struct gwt_error *to, struct gwt_error *from);
/* Print "godwit: WHERE: text" to stderr (WHERE may be NULL) and clear. */
void gwt_error_report (struct gwt_error *err, const char *where);

/* `GWT_AUTO_ERROR (err);` declares a struct gwt_error that is cleared at the end of its scope. */
#define GWT_AUTO_ERROR(name)                                                                       \
  __attribute__ ((cleanup (gwt_error_clear))) struct gwt_error name = GWT_ERROR_INIT

#endif
