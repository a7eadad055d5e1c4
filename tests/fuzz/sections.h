/* SPDX-License-Identifier: BSD-2-Clause */
/* For targets that change bytes in the sections of a machine's devices.  It owns how an input is
   taken apart and what is true of every section; the machine is the target's.  */
#ifndef TESTS_FUZZ_SECTIONS_H
#define TESTS_FUZZ_SECTIONS_H

#include "core/migration/devices.h"
#include "core/vmstate/vmstate.h"
#include "tests/fuzz/claims.h"

struct input
{
  const uint8_t *at, *end;
};

static inline uint32_t
take (struct input *in, unsigned size)
{
  uint32_t value = 0;
  for (unsigned i = 0; i < size; i++)
    value |= in->at < in->end ? (uint32_t) *in->at++ << (8 * i) : 0;
  return value;
}

static inline GByteArray *
save (struct gwt_entry *e)
{
  GWT_AUTO_ERROR (err);
  struct gwt_vm_out out;
  gwt_vm_out_init (&out);
  FUZZ_CLAIM (gwt_vmstate_save (e->schema, e->self, e->device, &out, NULL, &err));
  return out.bytes;
}

static inline bool
load (struct gwt_entry *e, const GByteArray *bytes)
{
  GWT_AUTO_ERROR (err);
  struct gwt_vm_in *in = gwt_vm_in_new_data (bytes->data, bytes->len);
  struct gwt_stage *stage
      = gwt_vmstate_load (e->schema, e->self, e->device, e->version, in, &err);
  bool good = stage != NULL;
  fuzz_claim_error (good, &err);
  if (good)
    FUZZ_CLAIM (gwt_stage_commit (stage, &err));
  gwt_vm_in_free (in);
  return good;
}

static inline bool
is_same (const GByteArray *a, const GByteArray *b)
{
  return a->len == b->len && memcmp (a->data, b->data, a->len) == 0;
}

/* Some bytes of a section others, or an end before the end: what is refused has changed nothing,
   what is taken saves, loads and saves again alike.  RECOUNTED, where not NULL, is a section with
   counts that are the host's own, and counted again. */
static inline void
load_changed (struct input *in, const char *recounted)
{
  guint count;
  g_autofree struct gwt_entry **entries = gwt_entries (&count);
  struct gwt_entry *e = entries[take (in, 1) % count];
  GByteArray *before = save (e), *bytes = g_byte_array_new (), *once, *twice;
  uint32_t n = take (in, 1);
  bool counts = recounted != NULL && strcmp (e->name, recounted) == 0;

  g_byte_array_append (bytes, before->data, before->len);
  for (uint32_t i = 0; i < (n & 7); i++)
    {
      uint32_t at = take (in, 2) % bytes->len;
      bytes->data[at] = (uint8_t) take (in, 1);
    }
  if (n & 0x80)
    g_byte_array_set_size (bytes, take (in, 2) % (bytes->len + 1));
  if (load (e, bytes))
    {
      once = save (e);
      FUZZ_CLAIM (load (e, once));
    }
  else
    once = g_byte_array_ref (before);
  twice = save (e);
  FUZZ_CLAIM (counts || is_same (once, twice));
  g_byte_array_unref (before);
  g_byte_array_unref (bytes);
  g_byte_array_unref (once);
  g_byte_array_unref (twice);
}

#endif
