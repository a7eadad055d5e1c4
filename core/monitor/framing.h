/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts a client's bytes into JSON texts.  QMP frames nothing: a request is an object, on one line
 * or many, and several may stand on one line.  Only brackets and strings are looked at here; the
 * JSON parser judges the rest.  Memory is bounded whatever the client sends.
 */
#ifndef CORE_MONITOR_FRAMING_H
#define CORE_MONITOR_FRAMING_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/util/error.h"

/* Longest request, bytes.  QEMU's own limit is 64 MiB; no command comes near this one. */
#define GWT_FRAME_MAX (4u << 20)
/* Deepest nesting of objects and arrays; also given to the JSON parser. */
#define GWT_FRAME_DEPTH 64 /* bits of gwt_framer.kinds */

struct gwt_framer
{
  GByteArray *text;  /* what has come of the current request */
  unsigned depth;    /* open brackets */
  uint64_t kinds;    /* a bit each, the innermost lowest: 1 for '{', 0 for '[' */
  char quote;        /* the quote of the string that is open, or 0 */
  bool escaped;      /* after a backslash */
  bool discarding;   /* in error: skip to the end of the line */
};

void gwt_framer_init (struct gwt_framer *framer);
void gwt_framer_clear (struct gwt_framer *framer);

/*
 * Takes bytes from *DATA until a request is complete or something is wrong; *DATA and *SIZE move
 * on. Returns true with the request's text (valid until the next call), or true with NULL text and
 * ERR set for input that is no request (reported once, then skipped to the end of the line), or
 * false when all bytes are used up.
 */
bool gwt_framer_next (struct gwt_framer *framer, const char **data, size_t *size,
                      const char **text, size_t *length, struct gwt_error *err);

#endif
