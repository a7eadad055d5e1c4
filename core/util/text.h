/* SPDX-License-Identifier: BSD-2-Clause */
/* Small parsers and helpers for what users type. */
#ifndef CORE_UTIL_TEXT_H
#define CORE_UTIL_TEXT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/util/error.h"

/* Decimal, 0x hexadecimal; SUFFIXES also takes K M G T (powers of 1024).  Whole text or error. */
bool gwt_parse_u64 (const char *text, bool suffixes, uint64_t *value, struct gwt_error *err);
bool gwt_parse_i64 (const char *text, int64_t *value, struct gwt_error *err);
bool gwt_parse_bool (const char *text, bool *value, struct gwt_error *err); /* on|off only */
/* True for [a-z][a-z0-9-]*, the form of plugins, types and properties. */
bool gwt_name_is_valid (const char *name);
/* True for what users may call a device or a back end: a letter, then letters, digits, '-', '_' and
 * '.'. */
bool gwt_id_is_valid (const char *id);
/* The up to three of NAMES (NULL-terminated) that are nearest to WRONG: "'a', 'b'"; NULL if none is
   near. Caller frees. */
char *gwt_nearest_names (const char *wrong, const char *const *names);

/* Split at single commas; two stand for one in a value.  Strings, at least one; unref. */
GPtrArray *gwt_split_commas (const char *text);

/* Copy of TEXT as one printable line: control bytes become spaces, what is not UTF-8 is replaced.
 * Caller frees. */
char *gwt_one_line (const char *text);
/* PATH without its folder, as one printable line of 1 to 255 bytes.  Caller frees. */
char *gwt_file_label (const char *path);
/* "; did you mean 'a', 'b'?" or "" where no name is near, for the end of an error.  Caller frees.
 */
char *gwt_did_you_mean (const char *wrong, const char *const *names);

#endif
