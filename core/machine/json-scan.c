/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the strict first pass over a JSON text: grammar, bounds, duplicate members, and the line of
 * every value.  It builds no values; json-c does that afterwards from a text that is known to be
 * sound. It must not know what the file means.
 *
 * Why not json-c alone: it keeps no positions, takes the last of two equal members in silence, and
 * recurses as deep as it is told to.
 */
#include "config.h"
#include "core/machine/json-scan.h"
#include <string.h>
#include "core/machine/json-file.h"
#include "core/util/json.h"

struct scan
{
  const char *name;
  const char *text;
  size_t size, at;
  guint line;
  size_t line_start;
  GString *path;
  guint depth;
  GHashTable *lines;
  struct gwt_error *err;
};

static bool scan_value (struct scan *s);

static bool
fail (struct scan *s, const char *what)
{
  gwt_error_set (s->err, GWT_E_INVALID, "%s:%u: %s: column %zu: %s", s->name, s->line, s->path->str,
                 s->at - s->line_start + 1, what);
  return false;
}

static void
skip_space (struct scan *s)
{
  while (s->at < s->size)
    {
      char c = s->text[s->at];
      if (c == '\n')
        {
          s->line++;
          s->line_start = s->at + 1;
        }
      else if (c != ' ' && c != '\t' && c != '\r')
        return;
      s->at++;
    }
}

static int
peek (struct scan *s)
{
  return s->at < s->size ? (unsigned char) s->text[s->at] : -1;
}

static bool
scan_string (struct scan *s, bool is_key)
{
  s->at++; /* the opening quote */
  for (;;)
    {
      int c = peek (s);
      if (c < 0)
        return fail (s, "the text ends inside a string; close it with '\"'");
      if (c < 0x20)
        return fail (s, "control character in a string; write it as an escape");
      s->at++;
      if (c == '"')
        return true;
      if (c != '\\')
        continue;
      /* Members are plain names, so that a path is one spelling only. */
      if (is_key)
        return fail (s, "escape in a member's name; use plain letters");
      c = peek (s);
      s->at++;
      if (c == 'u')
        {
          for (int i = 0; i < 4; i++, s->at++)
            if (!g_ascii_isxdigit (peek (s)))
              return fail (s, "\\u needs four hexadecimal digits");
          if (strncmp (s->text + s->at - 4, "0000", 4) == 0)
            return fail (s, "NUL character in a string; remove it");
        }
      else if (c <= 0 || strchr ("\"\\/bfnrt", c) == NULL)
        return fail (s, "unknown escape in a string; use \\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u");
    }
}

static bool
scan_number (struct scan *s)
{
  size_t start = s->at;
  if (peek (s) == '-')
    s->at++;
  size_t digits = s->at;
  while (g_ascii_isdigit (peek (s)))
    s->at++;
  if (s->at == digits)
    return fail (s, "a number needs digits");
  if (s->text[digits] == '0' && s->at - digits > 1)
    return fail (s, "a number begins with 0; hexadecimal is written as a string, \"0x10\"");
  if (peek (s) == '.')
    {
      s->at++;
      digits = s->at;
      while (g_ascii_isdigit (peek (s)))
        s->at++;
      if (s->at == digits)
        return fail (s, "a number needs digits behind the point");
    }
  if (peek (s) == 'e' || peek (s) == 'E')
    {
      s->at++;
      if (peek (s) == '+' || peek (s) == '-')
        s->at++;
      digits = s->at;
      while (g_ascii_isdigit (peek (s)))
        s->at++;
      if (s->at == digits)
        return fail (s, "a number needs digits in its exponent");
    }
  if (s->at - start > 64)
    return fail (s, "a number of more than 64 characters; shorten it");
  GWT_AUTO_ERROR (clamped);
  if (!gwt_json_numbers_fit (s->text + start, s->at - start, &clamped))
    {
      g_autofree char *text = g_strdup_printf ("%.*s has more than 64 bits; use a smaller number",
                                               (int) (s->at - start), s->text + start);
      return fail (s, text);
    }
  int c = peek (s);
  if (g_ascii_isalnum (c))
    return fail (s, "letters in a number; hexadecimal is written as a string, \"0x10\"");
  return true;
}

static bool
scan_word (struct scan *s, const char *word)
{
  size_t n = strlen (word);
  if (s->size - s->at < n || memcmp (s->text + s->at, word, n) != 0)
    return fail (s, "not a JSON value; use a string, number, true, false, object or array");
  s->at += n;
  return true;
}

/* What follows a value in WHAT: CLOSE ends it, a comma goes on. */
static bool
scan_separator (struct scan *s, char close, const char *what, bool *ended)
{
  int c = peek (s);
  *ended = c == close;
  if (*ended || c == ',')
    {
      s->at++;
      return true;
    }
  g_autofree char *text
      = c < 0 ? g_strdup_printf ("the text ends inside %s; close it with '%c'", what, close)
              : g_strdup_printf ("',' or '%c' is missing", close);
  return fail (s, text);
}

static bool
scan_object (struct scan *s)
{
  size_t base = s->path->len;
  s->at++;
  skip_space (s);
  if (peek (s) == '}')
    {
      s->at++;
      return true;
    }
  for (;;)
    {
      skip_space (s);
      if (peek (s) != '"')
        return fail (s, "a member's name in double quotes is missing");
      size_t start = s->at + 1;
      if (!scan_string (s, true))
        return false;
      size_t length = s->at - 1 - start;
      if (length == 0 || length > GWT_JSON_KEY_MAX)
        return fail (s, "a member's name must have 1 to 64 characters");
      g_string_append_c (s->path, '.');
      g_string_append_len (s->path, s->text + start, (gssize) length);
      if (g_hash_table_contains (s->lines, s->path->str))
        return fail (s, "this member is there twice; remove one");
      skip_space (s);
      if (peek (s) != ':')
        return fail (s, "':' is missing behind the member's name");
      s->at++;
      if (!scan_value (s))
        return false;
      g_string_truncate (s->path, base);
      skip_space (s);
      bool ended;
      if (!scan_separator (s, '}', "an object", &ended))
        return false;
      if (ended)
        return true;
    }
}

static bool
scan_array (struct scan *s)
{
  size_t base = s->path->len;
  s->at++;
  skip_space (s);
  if (peek (s) == ']')
    {
      s->at++;
      return true;
    }
  for (guint i = 0;; i++)
    {
      g_string_append_printf (s->path, "[%u]", i);
      if (!scan_value (s))
        return false;
      g_string_truncate (s->path, base);
      skip_space (s);
      bool ended;
      if (!scan_separator (s, ']', "an array", &ended))
        return false;
      if (ended)
        return true;
    }
}

static bool
scan_value (struct scan *s)
{
  skip_space (s);
  if (s->depth == GWT_JSON_DEPTH_MAX)
    return fail (s, "nested too deeply; at most 32 levels");
  g_hash_table_insert (s->lines, g_strdup (s->path->str), GUINT_TO_POINTER (s->line));
  s->depth++;
  bool good;
  int c = peek (s);
  switch (c)
    {
    case '{':
      good = scan_object (s);
      break;
    case '[':
      good = scan_array (s);
      break;
    case '"':
      good = scan_string (s, false);
      break;
    case 't':
      good = scan_word (s, "true");
      break;
    case 'f':
      good = scan_word (s, "false");
      break;
    case 'n':
      good = fail (s, "null says nothing; leave the member out");
      break;
    case -1:
      good = fail (s, "the text ends where a value is expected");
      break;
    default:
      if (c == '-' || g_ascii_isdigit (c))
        good = scan_number (s);
      else
        good = fail (s, "not a JSON value; use a string, number, true, false, object or array");
    }
  s->depth--;
  return good;
}

GHashTable *
gwt_json_scan (const char *name, const char *text, size_t size, struct gwt_error *err)
{
  const char *end;
  if (!g_utf8_validate_len (text, size, &end))
    {
      guint line = 1;
      for (const char *c = text; c < end; c++)
        line += *c == '\n';
      gwt_error_set (err, GWT_E_INVALID,
                     "%s:%u: $: not a text: NUL byte or bad UTF-8; save the file as UTF-8", name,
                     line);
      return NULL;
    }
  struct scan s = { .name = name, .text = text, .size = size, .line = 1, .err = err };
  s.path = g_string_new ("$");
  s.lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  bool good = scan_value (&s);
  if (good)
    {
      skip_space (&s);
      if (s.at < s.size)
        good = fail (&s, "text behind the end of the object; remove it");
    }
  g_string_free (s.path, TRUE);
  if (good)
    return s.lines;
  g_hash_table_destroy (s.lines);
  return NULL;
}
