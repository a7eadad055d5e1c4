/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small parsers for what users type, and the nearest names for what they mistyped.  Must not know
 * whose text it is: callers put the object's name in front of the error.
 */
#include "config.h"
#include "core/util/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Names longer than this are not compared: the table below lives on the stack. */
#define NEAR_MAX 64
/* What a name in a manifest may have. */
#define LABEL_MAX 255

/* Digits of BASE up to the first other character; false on overflow or when there is none. */
static bool
parse_digits (const char **text, unsigned base, uint64_t *value)
{
  const char *p = *text;
  uint64_t v = 0;
  for (;; p++)
    {
      int digit = g_ascii_xdigit_value (*p);
      if (digit < 0 || (unsigned)digit >= base)
        break;
      if (v > (UINT64_MAX - (unsigned)digit) / base)
        return false;
      v = v * base + (unsigned)digit;
    }
  if (p == *text)
    return false;
  *text = p;
  *value = v;
  return true;
}

static bool
parse_unsigned (const char *text, bool suffixes, uint64_t *value)
{
  const char *p = text;
  unsigned base = 10;
  if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
    {
      base = 16;
      p += 2;
    }
  uint64_t v;
  if (!parse_digits (&p, base, &v))
    return false;
  if (suffixes && *p != '\0')
    {
      static const char letters[] = "KMGTPE";
      const char *at = strchr (letters, g_ascii_toupper (*p));
      if (at == NULL)
        return false;
      unsigned shift = 10 * (unsigned)(at - letters + 1);
      if (v > UINT64_MAX >> shift)
        return false;
      v <<= shift;
      p++;
    }
  if (*p != '\0')
    return false;
  *value = v;
  return true;
}

bool
gwt_parse_u64 (const char *text, bool suffixes, uint64_t *value, struct gwt_error *err)
{
  if (parse_unsigned (text, suffixes, value))
    return true;
  gwt_error_set (err, GWT_E_INVALID,
                 "'%s' is not a number; use decimal or 0x hexadecimal%s below 2^64", text,
                 suffixes ? ", with K, M, G or T behind it if you like," : "");
  return false;
}

bool
gwt_parse_i64 (const char *text, int64_t *value, struct gwt_error *err)
{
  bool negative = text[0] == '-';
  uint64_t v;
  if (parse_unsigned (text + negative, false, &v))
    {
      if (!negative && v <= INT64_MAX)
        {
          *value = (int64_t)v;
          return true;
        }
      if (negative && v <= (uint64_t)INT64_MAX + 1)
        {
          *value = (int64_t)(0 - v);
          return true;
        }
    }
  gwt_error_set (err, GWT_E_INVALID,
                 "'%s' is not a number; use decimal or 0x hexadecimal from -2^63 to 2^63 - 1",
                 text);
  return false;
}

bool
gwt_parse_bool (const char *text, bool *value, struct gwt_error *err)
{
  if (strcmp (text, "on") == 0)
    *value = true;
  else if (strcmp (text, "off") == 0)
    *value = false;
  else
    {
      gwt_error_set (err, GWT_E_INVALID, "'%s' is neither 'on' nor 'off'; use one of them", text);
      return false;
    }
  return true;
}

bool
gwt_name_is_valid (const char *name)
{
  if (name == NULL || !g_ascii_islower (name[0]))
    return false;
  for (const char *p = name; *p != '\0'; p++)
    if (!g_ascii_islower (*p) && !g_ascii_isdigit (*p) && *p != '-')
      return false;
  return true;
}

bool
gwt_id_is_valid (const char *id)
{
  if (id == NULL || !g_ascii_isalpha (id[0]))
    return false;
  for (const char *p = id; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("-_.", *p) == NULL)
      return false;
  return true;
}

/* Edits (insert, delete, replace, swap of neighbors) from A to B, or G_MAXUINT where either is too
 * long. */
static unsigned
edit_distance (const char *a, const char *b)
{
  size_t la = strlen (a), lb = strlen (b);
  if (la > NEAR_MAX || lb > NEAR_MAX)
    return G_MAXUINT;
  unsigned row[3][NEAR_MAX + 1]; /* row i - 2, i - 1, i, by turns */
  for (size_t j = 0; j <= lb; j++)
    row[0][j] = (unsigned)j;
  for (size_t i = 1; i <= la; i++)
    {
      unsigned *now = row[i % 3], *prev = row[(i + 2) % 3], *prev2 = row[(i + 1) % 3];
      now[0] = (unsigned)i;
      for (size_t j = 1; j <= lb; j++)
        {
          bool same = g_ascii_tolower (a[i - 1]) == g_ascii_tolower (b[j - 1]);
          unsigned best = prev[j - 1] + !same;
          best = MIN (best, prev[j] + 1);
          best = MIN (best, now[j - 1] + 1);
          if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
            best = MIN (best, prev2[j - 2] + 1);
          now[j] = best;
        }
    }
  return row[la % 3][lb];
}

/* How far NAME is from WRONG for a person; G_MAXUINT: not near at all. */
static unsigned
name_distance (const char *wrong, const char *name)
{
  size_t length = strlen (wrong);
  unsigned distance = edit_distance (wrong, name);
  if (distance <= MAX (1, length / 3))
    return distance;
  /* "ns16" for "ns16550", "uart" for "sifive-uart": half a name is near, too. */
  if (length >= 3 && strstr (name, wrong) != NULL)
    return (unsigned)(NEAR_MAX + strlen (name));
  return G_MAXUINT;
}

char *
gwt_nearest_names (const char *wrong, const char *const *names)
{
  enum
  {
    KEEP = 3
  };
  const char *best[KEEP] = { NULL };
  unsigned distance[KEEP] = { 0 };
  unsigned count = 0;
  for (; wrong != NULL && names != NULL && *names != NULL; names++)
    {
      unsigned d = name_distance (wrong, *names);
      if (d == G_MAXUINT)
        continue;
      unsigned at = count;
      while (at > 0 && d < distance[at - 1])
        at--;
      if (at == KEEP)
        continue;
      if (count < KEEP)
        count++;
      for (unsigned i = count - 1; i > at; i--)
        {
          best[i] = best[i - 1];
          distance[i] = distance[i - 1];
        }
      best[at] = *names;
      distance[at] = d;
    }
  if (count == 0)
    return NULL;
  GString *text = g_string_new (NULL);
  for (unsigned i = 0; i < count; i++)
    g_string_append_printf (text, "%s'%s'", i > 0 ? ", " : "", best[i]);
  return g_string_free (text, FALSE);
}

char *
gwt_did_you_mean (const char *wrong, const char *const *names)
{
  char *near = gwt_nearest_names (wrong, names);
  if (near == NULL)
    return g_strdup ("");
  char *text = g_strdup_printf ("; did you mean %s?", near);
  g_free (near);
  return text;
}

char *
gwt_one_line (const char *text)
{
  char *line = g_utf8_make_valid (text, -1);
  size_t length = strlen (line);
  while (length > 0 && g_ascii_isspace (line[length - 1]))
    line[--length] = '\0';
  /* Who reads it refuses what does not print, the controls beyond ASCII as well. */
  for (char *p = line, *next; *p != '\0'; p = next)
    {
      next = g_utf8_next_char (p);
      if (!g_unichar_isprint (g_utf8_get_char (p)))
        memset (p, ' ', (size_t) (next - p));
    }
  return line;
}

char *
gwt_file_label (const char *path)
{
  g_autofree char *base = g_path_get_basename (path);
  char *line = gwt_one_line (base), *end;

  if (strlen (line) > LABEL_MAX)
    {
      end = g_utf8_find_prev_char (line, line + LABEL_MAX + 1);
      *end = '\0';
    }
  if (*line != '\0')
    return line;
  g_free (line);
  return g_strdup ("?");
}

GPtrArray *
gwt_split_commas (const char *text)
{
  GPtrArray *parts = g_ptr_array_new_with_free_func (g_free);
  GString *part = g_string_new (NULL);

  for (; *text; text++)
    if (text[0] == ',' && text[1] == ',')
      {
        g_string_append_c (part, ',');
        text++;
      }
    else if (*text == ',')
      {
        g_ptr_array_add (parts, g_string_free (part, FALSE));
        part = g_string_new (NULL);
      }
    else
      g_string_append_c (part, *text);
  g_ptr_array_add (parts, g_string_free (part, FALSE));
  return parts;
}
