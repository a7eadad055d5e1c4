/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The description at a stream's end: found from the end, and its JSON read.  Must not know what a
 * field is.
 *
 * A reader of its own, because the members of a list's elements come under the same names in one
 * object: readers of JSON drop all but the last, ours refuses them.
 */
#include "config.h"
#include "tools/stream/capture.h"
#include <string.h>

/* The tools that read descriptions look for them in the last 10 MiB. */
#define TEXT_MAX (16u << 20)
#define DEPTH_MAX 64
#define BATCH 256

struct gwt_description
{
  uint64_t offset, size;
  char *text; /* strings point into it */
  struct gwt_described *top;
  GHashTable *devices; /* "INSTANCE NAME" -> object */
  GPtrArray *batches;
  gsize used;
};

struct reader
{
  struct gwt_description *d;
  char *at, *end;
  struct gwt_error *err;
};

static bool
wrong (struct reader *r, const char *what)
{
  gwt_error_set (r->err, GWT_E_INVALID,
                 "byte %" G_GUINT64_FORMAT ": the description is no JSON: %s",
                 r->d->offset + 5 + (uint64_t) (r->at - r->d->text), what);
  return false;
}

static struct gwt_described *
value_new (struct reader *r)
{
  struct gwt_description *d = r->d;

  if (d->used == BATCH || d->batches->len == 0)
    {
      struct gwt_described *batch = g_try_new0 (struct gwt_described, BATCH);

      if (batch == NULL)
        {
          gwt_error_set (r->err, GWT_E_NO_MEMORY, "no memory for the description");
          return NULL;
        }
      g_ptr_array_add (d->batches, batch);
      d->used = 0;
    }
  return (struct gwt_described *) d->batches->pdata[d->batches->len - 1] + d->used++;
}

static void
skip_space (struct reader *r)
{
  while (r->at < r->end && memchr (" \t\r\n", *r->at, 4) != NULL)
    r->at++;
}

static bool
take (struct reader *r, char c)
{
  skip_space (r);
  if (r->at == r->end || *r->at != c)
    return false;
  r->at++;
  return true;
}

/* Behind a backslash: the character that is meant.  Names have nothing but printable ASCII to
   escape; whatever else it is becomes a '?'. */
static char
unescape (struct reader *r)
{
  char x = *r->at++;
  unsigned code = 0;
  int i;

  if (x == '"' || x == '\\' || x == '/')
    return x;
  if (x != 'u' || r->end - r->at < 4)
    return '?';
  for (i = 0; i < 4; i++)
    if (!g_ascii_isxdigit (r->at[i]))
      return '?';
    else
      code = code << 4 | (unsigned) g_ascii_xdigit_value (r->at[i]);
  r->at += 4;
  return code >= 0x20 && code < 0x7f ? (char) code : '?';
}

/* Behind the opening quote; ended by NUL in place. */
static const char *
read_string (struct reader *r)
{
  char *begin = r->at, *to = r->at;

  while (r->at < r->end && *r->at != '"')
    {
      char c = *r->at++;

      if ((unsigned char) c < 0x20 || (c == '\\' && r->at == r->end))
        {
          wrong (r, "a control character in a string");
          return NULL;
        }
      c = c == '\\' ? unescape (r) : c;
      /* It is printed. */
      *to++ = g_ascii_isprint (c) ? c : '?';
    }
  if (r->at == r->end)
    {
      wrong (r, "a string without an end");
      return NULL;
    }
  r->at++;
  *to = '\0';
  return begin;
}

static struct gwt_described *read_value (struct reader *r, unsigned depth);

static bool
read_members (struct reader *r, struct gwt_described *parent, char close, unsigned depth)
{
  struct gwt_described **tail = &parent->first;

  if (depth == DEPTH_MAX)
    return wrong (r, "it is nested too deeply");
  if (take (r, close))
    return true;
  do
    {
      const char *key = NULL;

      if (close == '}' && (!take (r, '"') || (key = read_string (r)) == NULL || !take (r, ':')))
        return wrong (r, "a member without a name");
      *tail = read_value (r, depth + 1);
      if (*tail == NULL)
        return false;
      (*tail)->key = key;
      tail = &(*tail)->next;
    }
  while (take (r, ','));
  return take (r, close) || wrong (r, "a comma or a bracket is missing");
}

static bool
read_number (struct reader *r, struct gwt_described *value)
{
  uint64_t number = 0;

  for (; r->at < r->end && g_ascii_isdigit (*r->at); r->at++)
    {
      uint64_t digit = (uint64_t) (*r->at - '0');

      if (number > (UINT64_MAX - digit) / 10)
        return wrong (r, "a number that is too large");
      number = number * 10 + digit;
    }
  /* No size or version is negative or has a fraction. */
  if (r->at < r->end && memchr ("+-.eE", *r->at, 5) != NULL)
    return wrong (r, "a number that is no integer");
  value->kind = GWT_DESCRIBED_NUMBER;
  value->number = number;
  return true;
}

static bool
read_word (struct reader *r)
{
  static const char *const words[] = { "true", "false", "null" };
  gsize i;

  for (i = 0; i < G_N_ELEMENTS (words); i++)
    if ((gsize) (r->end - r->at) >= strlen (words[i])
        && memcmp (r->at, words[i], strlen (words[i])) == 0)
      {
        r->at += strlen (words[i]);
        return true;
      }
  return wrong (r, "a value is missing");
}

static struct gwt_described *
read_value (struct reader *r, unsigned depth)
{
  struct gwt_described *value = value_new (r);
  bool good;

  if (value == NULL)
    return NULL;
  if (take (r, '"'))
    {
      value->kind = GWT_DESCRIBED_TEXT;
      value->text = read_string (r);
      good = value->text != NULL;
    }
  else if (take (r, '{'))
    {
      value->kind = GWT_DESCRIBED_OBJECT;
      good = read_members (r, value, '}', depth);
    }
  else if (take (r, '['))
    {
      value->kind = GWT_DESCRIBED_ARRAY;
      good = read_members (r, value, ']', depth);
    }
  else if (r->at < r->end && g_ascii_isdigit (*r->at))
    good = read_number (r, value);
  else
    good = read_word (r);
  return good ? value : NULL;
}

/* ---- finding it ------------------------------------------------------------------------------ */

/* The last place where a tag and a length fit what follows them to the last byte.  JSON has no byte
   that is the tag, so there is one such place at most.  False: none; ERR may be set. */
static bool
locate (struct gwt_capture_file *file, uint64_t *offset, struct gwt_error *err)
{
  uint64_t size = gwt_capture_file_size (file), lowest, end;
  g_autofree uint8_t *bytes = g_malloc (65536 + 6);
  uint8_t last;

  if (size < 6 || !gwt_capture_file_read (file, size - 1, &last, 1, err) || last != '}')
    return false;
  lowest = size > TEXT_MAX + 5 ? size - TEXT_MAX - 5 : 0;
  for (end = size - 5; end > lowest;)
    {
      uint64_t begin = end - lowest > 65536 ? end - 65536 : lowest, i;

      if (!gwt_capture_file_read (file, begin, bytes, end - begin + 5, err))
        return false;
      for (i = end - begin; i > 0; i--)
        {
          const uint8_t *p = bytes + i - 1;

          if (p[0] == GWT_STREAM_DESCRIPTION && p[5] == '{'
              && ((uint64_t) p[1] << 24 | (uint64_t) p[2] << 16 | (uint64_t) p[3] << 8 | p[4])
                     == size - (begin + i - 1) - 5)
            {
              *offset = begin + i - 1;
              return true;
            }
        }
      end = begin;
    }
  return false;
}

static char *
device_key (const char *name, uint64_t instance)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT " %s", instance, name);
}

static void
index_devices (struct gwt_description *d)
{
  const struct gwt_described *device = gwt_description_devices (d);

  for (; device != NULL; device = device->next)
    {
      const char *name = gwt_described_text (device, "name");
      uint64_t instance = 0;

      gwt_described_number (device, "instance_id", &instance);
      if (name != NULL)
        g_hash_table_insert (d->devices, device_key (name, instance), (gpointer) device);
    }
}

struct gwt_description *
gwt_description_find (struct gwt_capture_file *file, struct gwt_error *err)
{
  struct gwt_description *d;
  struct reader r;
  uint64_t offset;

  if (!locate (file, &offset, err))
    return NULL;
  d = g_new0 (struct gwt_description, 1);
  d->offset = offset;
  d->size = gwt_capture_file_size (file) - offset - 5;
  d->text = g_malloc (d->size + 1);
  d->batches = g_ptr_array_new_with_free_func (g_free);
  d->devices = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  r = (struct reader){ d, d->text, d->text + d->size, err };
  if (gwt_capture_file_read (file, offset + 5, d->text, d->size, err)
      && (d->top = read_value (&r, 0)) != NULL)
    {
      skip_space (&r);
      if (r.at == r.end || wrong (&r, "something follows it"))
        {
          index_devices (d);
          return d;
        }
    }
  gwt_description_free (d);
  return NULL;
}

void
gwt_description_free (struct gwt_description *d)
{
  if (d == NULL)
    return;
  g_hash_table_unref (d->devices);
  g_ptr_array_unref (d->batches);
  g_free (d->text);
  g_free (d);
}

/* ---- asking it ------------------------------------------------------------------------------- */

uint64_t
gwt_description_offset (const struct gwt_description *d)
{
  return d->offset;
}

uint64_t
gwt_description_size (const struct gwt_description *d)
{
  return d->size;
}

uint64_t
gwt_description_page_size (const struct gwt_description *d)
{
  uint64_t size = 0;

  gwt_described_number (d->top, "page_size", &size);
  return size;
}

const struct gwt_described *
gwt_description_devices (const struct gwt_description *d)
{
  const struct gwt_described *list = gwt_described_member (d->top, "devices");

  return list != NULL && list->kind == GWT_DESCRIBED_ARRAY ? list->first : NULL;
}

const struct gwt_described *
gwt_description_device (const struct gwt_description *d, const char *name, uint32_t instance)
{
  g_autofree char *key = device_key (name, instance);

  return g_hash_table_lookup (d->devices, key);
}

const struct gwt_described *
gwt_described_member (const struct gwt_described *object, const char *key)
{
  const struct gwt_described *m;

  if (object == NULL || object->kind != GWT_DESCRIBED_OBJECT)
    return NULL;
  for (m = object->first; m != NULL; m = m->next)
    if (strcmp (m->key, key) == 0)
      return m;
  return NULL;
}

const char *
gwt_described_text (const struct gwt_described *object, const char *key)
{
  const struct gwt_described *m = gwt_described_member (object, key);

  return m != NULL && m->kind == GWT_DESCRIBED_TEXT ? m->text : NULL;
}

bool
gwt_described_number (const struct gwt_described *object, const char *key, uint64_t *number)
{
  const struct gwt_described *m = gwt_described_member (object, key);

  if (m == NULL || m->kind != GWT_DESCRIBED_NUMBER)
    return false;
  *number = m->number;
  return true;
}
