/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors: one line of text each, whatever a plugin or a file put into it.  Knows nothing of who
 * raises or reads them.
 */
#include "config.h"
#include "core/util/error.h"
#include <stdio.h>
#include <string.h>
#include "core/util/log.h"
#include "core/util/text.h"

/* Longer texts are cut: a plugin may format something of the guest's into one. */
#define TEXT_MAX 2048

static char *
format_text (const char *format, va_list args)
{
  char text[TEXT_MAX];
  if (format == NULL || vsnprintf (text, sizeof text, format, args) < 0)
    return g_strdup ("error text cannot be formatted");
  return gwt_one_line (text);
}

void
gwt_error_vset (struct gwt_error *err, uint32_t code, const char *format, va_list args)
{
  if (err == NULL || gwt_error_is_set (err))
    return;
  err->code = code != 0 ? code : GWT_E_FAILED;
  err->text = format_text (format, args);
}

void
gwt_error_set (struct gwt_error *err, uint32_t code, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  gwt_error_vset (err, code, format, args);
  va_end (args);
}

void
gwt_error_prefix (struct gwt_error *err, const char *format, ...)
{
  if (!gwt_error_is_set (err))
    return;
  va_list args;
  va_start (args, format);
  char *prefix = format_text (format, args);
  va_end (args);
  char *text = g_strdup_printf ("%s: %s", prefix, err->text);
  g_free (prefix);
  g_free (err->text);
  err->text = text;
}

bool
gwt_error_is_set (const struct gwt_error *err)
{
  return err != NULL && err->code != 0;
}

void
gwt_error_clear (struct gwt_error *err)
{
  if (err == NULL)
    return;
  g_free (err->text);
  err->text = NULL;
  err->code = 0;
}

void
gwt_error_move (struct gwt_error *to, struct gwt_error *from)
{
  if (to != NULL && !gwt_error_is_set (to) && gwt_error_is_set (from))
    {
      *to = *from;
      from->code = 0;
      from->text = NULL;
    }
  else
    gwt_error_clear (from);
}

void
gwt_error_report (struct gwt_error *err, const char *where)
{
  const char *text = gwt_error_is_set (err) ? err->text : "unknown error";
  if (where != NULL)
    gwt_log (GWT_LOG_ERROR, "%s: %s", where, text);
  else
    gwt_log (GWT_LOG_ERROR, "%s", text);
  gwt_error_clear (err);
}
