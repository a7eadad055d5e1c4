/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes on their way: an output that grows or is drained into a sink, and an input that knows how
 * far it is.  Neither knows what the bytes mean.
 */
#ifndef CORE_VMSTATE_WIRE_H
#define CORE_VMSTATE_WIRE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include "core/util/error.h"

struct gwt_device;
struct gwt_stage;

/* Where output goes: takes all bytes of the N pieces, in order; false with ERR set. */
typedef bool (*gwt_vm_sink) (void *opaque, const struct iovec *iov, int n, struct gwt_error *err);

struct gwt_vm_out
{
  GByteArray *bytes; /* copies; without a sink: all there is */
  GArray *pieces;    /* struct iovec, base NULL: from `bytes`; with a sink alone */
  gwt_vm_sink sink;  /* or NULL */
  void *opaque;
  gsize waiting;  /* bytes that were put and not drained */
  uint64_t total; /* bytes that were put, drained or not */
  uint64_t limit; /* a live handler's iterate returns once TOTAL has reached it; UINT64_MAX: none */
  struct gwt_device *device; /* whose section is being written, for custom fields; or NULL */
};

/* Where input comes from: fills at most SIZE bytes of BUFFER, at least one; 0 at the end, -1 with
   ERR set. */
typedef gssize (*gwt_vm_source) (void *opaque, uint8_t *buffer, gsize size, struct gwt_error *err);

/* The same into N pieces, of which all but the last that got any are full. */
typedef gssize (*gwt_vm_source_pieces) (void *opaque, const struct iovec *iov, int n,
                                        struct gwt_error *err);

/* As much as a socket holds; larger than that it would no longer be in a core's own cache. */
#define GWT_VM_IN_BUFFER (256u << 10)

struct gwt_vm_in
{
  gwt_vm_source source; /* NULL: all there is was given */
  gwt_vm_source_pieces source_pieces; /* or NULL: it has no way to do that */
  void *opaque;
  uint64_t offset; /* of the next byte, from the start of the input */
  struct gwt_stage *stage; /* of the section that is being read, for custom fields */
  struct gwt_device *device; /* whose it is; or NULL */
  /* Asked of each subsection that layout.h tells before it is read: false with ERR set refuses it.
     NULL: all are taken that the schema knows. */
  bool (*subsection) (void *judge, const char *name, uint32_t version, struct gwt_error *err);
  void *judge;
  gsize at, end;
  const uint8_t *data; /* `buffer`, or what was given */
  uint8_t *buffer;     /* with a source alone */
};

void gwt_vm_out_init (struct gwt_vm_out *out); /* without a sink or limit */
void gwt_vm_out_init_sink (struct gwt_vm_out *out, gwt_vm_sink sink, void *opaque);
void gwt_vm_out_clear (struct gwt_vm_out *out); /* what was not drained is dropped */
/* Give the sink all that waits, in pieces of any number up to IOV_MAX.  Afterwards nothing waits,
   also where it failed.  True without a sink. */
bool gwt_vm_out_drain (struct gwt_vm_out *out, struct gwt_error *err);
void gwt_vm_put (struct gwt_vm_out *out, const void *bytes, gsize size);
/* SIZE bytes that stay where they are until the next drain, and are not copied; what they are then
   is what is sent.  Without a sink as gwt_vm_put. */
void gwt_vm_put_ref (struct gwt_vm_out *out, const void *bytes, gsize size);
void gwt_vm_put_zeros (struct gwt_vm_out *out, gsize size);
/* SIZE bytes (1, 2, 4, 8) of VALUE, highest first. */
void gwt_vm_put_be (struct gwt_vm_out *out, guint size, uint64_t value);
/* A length byte and TEXT, which has at most 255 bytes. */
void gwt_vm_put_pstr (struct gwt_vm_out *out, const char *text);

struct gwt_vm_in *gwt_vm_in_new (gwt_vm_source source, void *opaque);
/* Reads DATA, which must stay as long as it. */
struct gwt_vm_in *gwt_vm_in_new_data (const void *data, gsize size);
void gwt_vm_in_free (struct gwt_vm_in *in);
/* Exactly SIZE bytes; BYTES NULL: skipped.  False with ERR set where the input ends before. */
bool gwt_vm_get (struct gwt_vm_in *in, void *bytes, uint64_t size, struct gwt_error *err);
bool gwt_vm_get_be (struct gwt_vm_in *in, guint size, uint64_t *value, struct gwt_error *err);
/* The next bytes, as many as there are, past the buffer, in which none may be left, into N pieces:
   how many, at least one; -1 with ERR set, also at the end.  Of an input with source_pieces. */
gssize gwt_vm_get_pieces (struct gwt_vm_in *in, const struct iovec *iov, int n,
                          struct gwt_error *err);
/* The last SIZE bytes that gwt_vm_get_pieces got are to come once more, in the order of these
   pieces; they fit into the buffer, in which none may be left. */
void gwt_vm_unget_pieces (struct gwt_vm_in *in, const struct iovec *iov, gsize size);
/* Look at up to SIZE (at most 512) bytes without taking them; how many there are, fewer at the end
   of the input alone.  -1 with ERR set. */
gssize gwt_vm_peek (struct gwt_vm_in *in, uint8_t *bytes, gsize size, struct gwt_error *err);

#endif
