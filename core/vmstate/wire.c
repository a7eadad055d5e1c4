/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes on their way: see wire.h. */
#include "config.h"
#include "core/vmstate/wire.h"
#include <string.h>

#define PEEK_MAX 512

/* As many pieces as any kernel takes in one call. */
#define PIECES_MAX 1024

void
gwt_vm_out_init (struct gwt_vm_out *out)
{
  gwt_vm_out_init_sink (out, NULL, NULL);
}

void
gwt_vm_out_init_sink (struct gwt_vm_out *out, gwt_vm_sink sink, void *opaque)
{
  memset (out, 0, sizeof (*out));
  out->bytes = g_byte_array_new ();
  out->sink = sink;
  out->opaque = opaque;
  out->limit = UINT64_MAX;
  if (sink != NULL)
    out->pieces = g_array_new (FALSE, FALSE, sizeof (struct iovec));
}

void
gwt_vm_out_clear (struct gwt_vm_out *out)
{
  g_clear_pointer (&out->bytes, g_byte_array_unref);
  g_clear_pointer (&out->pieces, g_array_unref);
  out->waiting = 0;
}

/* SIZE bytes more; BASE NULL: they are the next ones of `bytes`. */
static void
add_piece (struct gwt_vm_out *out, const void *base, gsize size)
{
  struct iovec *last, piece = { (void *) base, size };

  out->total += size;
  if (out->sink == NULL)
    return;
  out->waiting += size;
  last = out->pieces->len > 0 ? &g_array_index (out->pieces, struct iovec, out->pieces->len - 1)
                              : NULL;
  if (last != NULL
      && (base == NULL ? last->iov_base == NULL
                       : last->iov_base != NULL
                             && (const char *) last->iov_base + last->iov_len == base))
    last->iov_len += size;
  else
    g_array_append_val (out->pieces, piece);
}

bool
gwt_vm_out_drain (struct gwt_vm_out *out, struct gwt_error *err)
{
  struct iovec *pieces;
  gsize at = 0;
  bool good = true;
  guint i, n;

  if (out->sink == NULL)
    return true;
  pieces = (struct iovec *) (void *) out->pieces->data;
  for (i = 0; i < out->pieces->len; i++)
    if (pieces[i].iov_base == NULL)
      {
        pieces[i].iov_base = out->bytes->data + at;
        at += pieces[i].iov_len;
      }
  for (i = 0; good && i < out->pieces->len; i += n)
    {
      n = MIN (out->pieces->len - i, PIECES_MAX);
      good = out->sink (out->opaque, pieces + i, (int) n, err);
    }
  g_array_set_size (out->pieces, 0);
  g_byte_array_set_size (out->bytes, 0);
  out->waiting = 0;
  return good;
}

void
gwt_vm_put (struct gwt_vm_out *out, const void *bytes, gsize size)
{
  if (size == 0)
    return;
  g_byte_array_append (out->bytes, bytes, (guint) size);
  add_piece (out, NULL, size);
}

void
gwt_vm_put_ref (struct gwt_vm_out *out, const void *bytes, gsize size)
{
  if (out->sink == NULL)
    gwt_vm_put (out, bytes, size);
  else if (size > 0)
    add_piece (out, bytes, size);
}

void
gwt_vm_put_zeros (struct gwt_vm_out *out, gsize size)
{
  guint at = out->bytes->len;

  if (size == 0)
    return;
  g_byte_array_set_size (out->bytes, at + (guint) size);
  memset (out->bytes->data + at, 0, size);
  add_piece (out, NULL, size);
}

void
gwt_vm_put_be (struct gwt_vm_out *out, guint size, uint64_t value)
{
  uint8_t bytes[8];
  guint i;

  for (i = 0; i < size; i++)
    bytes[i] = (uint8_t) (value >> 8 * (size - 1 - i));
  gwt_vm_put (out, bytes, size);
}

void
gwt_vm_put_pstr (struct gwt_vm_out *out, const char *text)
{
  size_t length = MIN (strlen (text), 255);

  gwt_vm_put_be (out, 1, length);
  gwt_vm_put (out, text, length);
}

struct gwt_vm_in *
gwt_vm_in_new (gwt_vm_source source, void *opaque)
{
  struct gwt_vm_in *in = g_new0 (struct gwt_vm_in, 1);

  in->source = source;
  in->opaque = opaque;
  in->buffer = g_malloc (GWT_VM_IN_BUFFER);
  in->data = in->buffer;
  return in;
}

struct gwt_vm_in *
gwt_vm_in_new_data (const void *data, gsize size)
{
  struct gwt_vm_in *in = g_new0 (struct gwt_vm_in, 1);

  in->data = data;
  in->end = size;
  return in;
}

void
gwt_vm_in_free (struct gwt_vm_in *in)
{
  if (in != NULL)
    g_free (in->buffer);
  g_free (in);
}

/* At least WANTED bytes in the buffer, unless the input ends; false with ERR set. */
static bool
fill (struct gwt_vm_in *in, gsize wanted, struct gwt_error *err)
{
  if (in->source == NULL || in->end - in->at >= wanted)
    return true;
  memmove (in->buffer, in->buffer + in->at, in->end - in->at);
  in->end -= in->at;
  in->at = 0;
  while (in->end < wanted)
    {
      gssize got = in->source (in->opaque, in->buffer + in->end, GWT_VM_IN_BUFFER - in->end, err);

      if (got < 0)
        return false;
      if (got == 0)
        break;
      in->end += MIN ((gsize) got, GWT_VM_IN_BUFFER - in->end);
    }
  return true;
}

static bool
ended (struct gwt_vm_in *in, uint64_t missing, struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_IO,
                 "the stream ends at byte %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT
                 " bytes too early",
                 in->offset, missing);
  return false;
}

bool
gwt_vm_get (struct gwt_vm_in *in, void *bytes, uint64_t size, struct gwt_error *err)
{
  uint8_t *to = bytes;

  while (size > 0)
    {
      gsize n;

      /* Large data goes past the buffer once that is empty. */
      if (in->at == in->end && in->source != NULL && to != NULL && size >= GWT_VM_IN_BUFFER)
        {
          gssize got = in->source (in->opaque, to, size, err);

          if (got < 0)
            return false;
          if (got == 0)
            return ended (in, size, err);
          n = MIN ((gsize) got, size);
        }
      else
        {
          if (!fill (in, 1, err))
            return false;
          if (in->at == in->end)
            return ended (in, size, err);
          n = MIN (size, in->end - in->at);
          if (to != NULL)
            memcpy (to, in->data + in->at, n);
          in->at += n;
        }
      in->offset += n;
      size -= n;
      if (to != NULL)
        to += n;
    }
  return true;
}

bool
gwt_vm_get_be (struct gwt_vm_in *in, guint size, uint64_t *value, struct gwt_error *err)
{
  uint8_t bytes[8];
  guint i;

  *value = 0;
  if (!gwt_vm_get (in, bytes, size, err))
    return false;
  for (i = 0; i < size; i++)
    *value = *value << 8 | bytes[i];
  return true;
}

gssize
gwt_vm_get_pieces (struct gwt_vm_in *in, const struct iovec *iov, int n, struct gwt_error *err)
{
  gssize got = in->source_pieces (in->opaque, iov, n, err);

  if (got > 0)
    in->offset += (uint64_t) got;
  else if (got == 0)
    ended (in, iov->iov_len, err);
  return got > 0 ? got : -1;
}

void
gwt_vm_unget_pieces (struct gwt_vm_in *in, const struct iovec *iov, gsize size)
{
  in->at = in->end = 0;
  in->offset -= size;
  for (; size > 0; iov++)
    {
      gsize part = MIN (size, iov->iov_len);

      memcpy (in->buffer + in->end, iov->iov_base, part);
      in->end += part;
      size -= part;
    }
}

gssize
gwt_vm_peek (struct gwt_vm_in *in, uint8_t *bytes, gsize size, struct gwt_error *err)
{
  gsize n;

  if (!fill (in, MIN (size, PEEK_MAX), err))
    return -1;
  n = MIN (size, in->end - in->at);
  memcpy (bytes, in->data + in->at, n);
  return (gssize) n;
}
