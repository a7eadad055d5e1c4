/* SPDX-License-Identifier: BSD-2-Clause */
/* Cuts a client's bytes into JSON texts; see framing.h.  Knows nothing of commands or sockets. */
#include "config.h"
#include "core/monitor/framing.h"

#include <string.h>

void
gwt_framer_init (struct gwt_framer *framer)
{
  memset (framer, 0, sizeof *framer);
  framer->text = g_byte_array_new ();
}

static void
restart (struct gwt_framer *framer)
{
  g_byte_array_set_size (framer->text, 0);
  framer->depth = 0;
  framer->kinds = 0;
  framer->quote = 0;
  framer->escaped = false;
}

void
gwt_framer_clear (struct gwt_framer *framer)
{
  g_byte_array_unref (framer->text);
  framer->text = NULL;
}

static void
refuse (struct gwt_framer *framer, struct gwt_error *err, const char *what)
{
  gwt_error_set (err, GWT_E_INVALID, "JSON parse error, %s", what);
  restart (framer);
  framer->discarding = true;
}

/* One byte; true when it completed a request or ERR was set. */
static bool
take (struct gwt_framer *framer, char c, struct gwt_error *err)
{
  if ((unsigned char) c == 0xff)
    {
      /* A client that lost track sends this byte, which is in no JSON text, to start anew. */
      restart (framer);
      framer->discarding = false;
      return false;
    }
  if (framer->discarding)
    {
      framer->discarding = c != '\n';
      return false;
    }
  if (framer->depth == 0)
    {
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        return false;
      if (c != '{')
        {
          refuse (framer, err, "a request is an object: it begins with '{'");
          framer->discarding = c != '\n';
          return true;
        }
    }
  if (framer->text->len >= GWT_FRAME_MAX)
    {
      refuse (framer, err, "the request is longer than 4 MiB");
      return true;
    }
  g_byte_array_append (framer->text, (const guint8 *) &c, 1);
  if (framer->quote != 0)
    {
      if (framer->escaped)
        framer->escaped = false;
      else if (c == '\\')
        framer->escaped = true;
      else if (c == framer->quote)
        framer->quote = 0;
      return false;
    }
  if (c == '"' || c == '\'')
    framer->quote = c;
  else if (c == '{' || c == '[')
    {
      if (++framer->depth > GWT_FRAME_DEPTH)
        {
          refuse (framer, err, "the request is nested too deeply");
          return true;
        }
      framer->kinds = framer->kinds << 1 | (c == '{');
    }
  else if (c == '}' || c == ']')
    {
      if ((framer->kinds & 1) != (c == '}'))
        {
          refuse (framer, err, "a bracket is closed by one of the other kind");
          return true;
        }
      framer->kinds >>= 1;
      return --framer->depth == 0;
    }
  return false;
}

bool
gwt_framer_next (struct gwt_framer *framer, const char **data, size_t *size, const char **text,
                 size_t *length, struct gwt_error *err)
{
  /* The text handed out last time is used up. */
  if (framer->depth == 0 && framer->text->len != 0)
    restart (framer);
  *text = NULL;
  while (*size > 0)
    {
      char c = **data;
      (*data)++;
      (*size)--;
      if (!take (framer, c, err))
        continue;
      if (!gwt_error_is_set (err))
        {
          *text = (const char *) framer->text->data;
          *length = framer->text->len;
        }
      return true;
    }
  return false;
}
