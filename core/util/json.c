/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strict parsing and sorting of JSON values.  Must not know any document's shape.
 */
#include "config.h"
#include "core/util/json.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/util/text.h"

/* Deep enough for every document of ours; recursion over a value stays small. */
#define DEPTH_MAX 64

/* Length of the number at TEXT, 0 where it does not fit what it would be stored in: json-c clamps
 * such numbers. */
static size_t
number_length (const char *text, size_t size)
{
  char number[512];
  size_t n = 0;
  bool real = false;
  for (; n < size && text[n] != '\0' && strchr ("+-.0123456789eE", text[n]) != NULL; n++)
    {
      if (n == sizeof number - 1)
        return 0;
      real = real || strchr (".eE", text[n]) != NULL;
      number[n] = text[n];
    }
  number[n] = '\0';
  errno = 0;
  if (real)
    return isfinite (g_ascii_strtod (number, NULL)) ? n : 0;
  if (number[0] == '-')
    g_ascii_strtoll (number, NULL, 10);
  else
    g_ascii_strtoull (number, NULL, 10);
  return errno == 0 ? n : 0;
}

bool
gwt_json_numbers_fit (const char *text, size_t size, struct gwt_error *err)
{
  char quote = 0;
  for (size_t at = 0; at < size; at++)
    {
      char c = text[at];
      if (quote != 0)
        {
          at += c == '\\';
          quote = c == quote ? 0 : quote;
        }
      else if (c == '"' || c == '\'')
        quote = c;
      else if (c == '-' || g_ascii_isdigit (c))
        {
          size_t length = number_length (text + at, size - at);
          if (length == 0)
            {
              gwt_error_set (err, GWT_E_RANGE, "byte %zu: this number is out of range", at);
              return false;
            }
          at += length - 1;
        }
    }
  return true;
}

/* json-c's strict mode still takes keys in single quotes, raw control characters, NaN, Infinity,
   numbers of any size, and members that are there twice.  This walk over the bytes finds those;
   what else is wrong is left to the parser. */
struct scan
{
  const char *text;
  size_t size, at;
  GPtrArray *open; /* per open bracket: the member names of an object so far, NULL for an array */
  bool key;        /* a string here is a member's name */
  struct gwt_error *err;
};

static bool
scan_error (struct scan *s, uint32_t code, const char *what)
{
  gwt_error_set (s->err, code, "byte %zu: %s", s->at, what);
  return false;
}

static GHashTable *
innermost (struct scan *s)
{
  return s->open->len > 0 ? s->open->pdata[s->open->len - 1] : NULL;
}

static bool
scan_string (struct scan *s)
{
  size_t begin = s->at + 1, end = begin;
  for (; end < s->size && s->text[end] != '"'; end++)
    {
      if ((unsigned char) s->text[end] < 0x20)
        {
          s->at = end;
          return scan_error (s, GWT_E_INVALID, "a control character in a string; escape it");
        }
      if (s->text[end] == '\\')
        end++;
    }
  if (s->key && end < s->size && innermost (s) != NULL
      && !g_hash_table_add (innermost (s), g_strndup (s->text + begin, end - begin)))
    {
      g_autofree char *name = g_strndup (s->text + begin, end - begin);
      gwt_error_set (s->err, GWT_E_INVALID, "byte %zu: '%s' is given twice; give it once", s->at,
                     name);
      return false;
    }
  s->at = MIN (end, s->size - 1);
  return true;
}

static bool
scan_byte (struct scan *s)
{
  char c = s->text[s->at];
  switch (c)
    {
    case '"':
      return scan_string (s);
    case '{':
    case '[':
      if (s->open->len == DEPTH_MAX)
        return scan_error (s, GWT_E_RANGE, "nested too deeply");
      g_ptr_array_add (
          s->open, c == '[' ? NULL : g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL));
      s->key = true;
      return true;
    case '}':
    case ']':
      if (s->open->len > 0)
        g_ptr_array_set_size (s->open, (gint) s->open->len - 1);
      return true;
    case ',':
    case ':':
      s->key = c == ',';
      return true;
    default:
      break;
    }
  if (c == '-' || g_ascii_isdigit (c))
    {
      size_t length = number_length (s->text + s->at, s->size - s->at);
      if (length == 0)
        return scan_error (s, GWT_E_RANGE, "this number is out of range");
      s->at += length - 1;
      return true;
    }
  return (c != '\0' && strchr (" \t\r\n+.eEtrufalsn", c) != NULL)
         || scan_error (s, GWT_E_INVALID, "this character cannot stand outside of a string");
}

static void
free_names (gpointer names)
{
  if (names != NULL)
    g_hash_table_destroy (names);
}

static bool
check_bytes (const char *text, size_t size, struct gwt_error *err)
{
  struct scan s = { text, size, 0, g_ptr_array_new_with_free_func (free_names), true, err };
  bool good = true;
  for (; good && s.at < size; s.at++)
    good = scan_byte (&s);
  g_ptr_array_free (s.open, TRUE);
  return good;
}

struct json_object *
gwt_json_parse (const char *text, size_t size, struct gwt_error *err)
{
  if (size > INT_MAX)
    {
      gwt_error_set (err, GWT_E_RANGE, "JSON text of %zu bytes is too long", size);
      return NULL;
    }
  if (!check_bytes (text, size, err))
    return NULL;
  struct json_tokener *tok = json_tokener_new_ex (DEPTH_MAX);
  if (tok == NULL)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY, "no memory to parse JSON");
      return NULL;
    }
  json_tokener_set_flags (tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
  struct json_object *value = json_tokener_parse_ex (tok, text, (int) size);
  enum json_tokener_error e = json_tokener_get_error (tok);
  size_t at = json_tokener_get_parse_end (tok);
  if (e == json_tokener_continue && at == size)
    {
      /* A number at the very end is complete only once something follows it. */
      value = json_tokener_parse_ex (tok, " ", 1);
      e = json_tokener_get_error (tok);
      at = size;
    }
  json_tokener_free (tok);
  if (e == json_tokener_continue)
    gwt_error_set (err, GWT_E_INVALID, "byte %zu: JSON text ends too early", at);
  else if (e != json_tokener_success)
    gwt_error_set (err, GWT_E_INVALID, "byte %zu: %s", at, json_tokener_error_desc (e));
  else
    {
      while (at < size && strchr (" \t\r\n", text[at]) != NULL && text[at] != '\0')
        at++;
      if (at == size)
        {
          if (value == NULL)
            gwt_error_set (err, GWT_E_INVALID, "JSON text is null; an object or a value is wanted");
          return value;
        }
      gwt_error_set (err, GWT_E_INVALID, "byte %zu: text after the JSON value", at);
    }
  json_object_put (value);
  return NULL;
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

struct json_object *
gwt_json_sorted (struct json_object *value)
{
  switch (json_object_get_type (value))
    {
    case json_type_object:
      {
        struct json_object *copy = json_object_new_object ();
        GPtrArray *names = g_ptr_array_new ();
        json_object_object_foreach (value, key, member)
        {
          (void) member;
          g_ptr_array_add (names, key);
        }
        if (names->len > 0)
          qsort (names->pdata, names->len, sizeof names->pdata[0], compare_names);
        for (guint i = 0; i < names->len; i++)
          {
            const char *name = names->pdata[i];
            json_object_object_add (copy, name,
                                    gwt_json_sorted (json_object_object_get (value, name)));
          }
        g_ptr_array_free (names, TRUE);
        return copy;
      }
    case json_type_array:
      {
        struct json_object *copy = json_object_new_array ();
        for (size_t i = 0; i < json_object_array_length (value); i++)
          json_object_array_add (copy, gwt_json_sorted (json_object_array_get_idx (value, i)));
        return copy;
      }
    default:
      return json_object_get (value);
    }
}

const char *
gwt_json_type_name (struct json_object *value)
{
  switch (json_object_get_type (value))
    {
    case json_type_boolean:
      return "a boolean";
    case json_type_double:
      return "a number with a fraction";
    case json_type_int:
      return "a whole number";
    case json_type_object:
      return "an object";
    case json_type_array:
      return "an array";
    case json_type_string:
      return "a string";
    default:
      return "null";
    }
}

char *
gwt_json_shown (struct json_object *value)
{
  g_autofree char *line = gwt_one_line (json_object_to_json_string_ext (value, 0));
  return g_strdup_printf ("%.80s%s", line, strlen (line) > 80 ? "..." : "");
}
