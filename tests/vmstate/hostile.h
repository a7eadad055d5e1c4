/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A section in the hands of an enemy: each prefix of it, each single bit of it turned over, and a
 * byte too many.  Each is either refused, with the byte where it went wrong and with the device as
 * it was; or it is a state like any other, which saves, loads and saves again the same.
 */
#ifndef TESTS_VMSTATE_HOSTILE_H
#define TESTS_VMSTATE_HOSTILE_H

#include "tests/vmstate/check.h"

/* Of longer sections, both ends are tried in full and bytes in between in even steps. */
#ifndef HOSTILE_ALL
#define HOSTILE_ALL 4096
#endif

struct hostile
{
  const struct gwt_vmstate *state;
  void *self;
  struct gwt_device *device; /* or NULL */
  /* Bytes of the section that differ from one save to the next (a distance to the host's clock):
     first and one past the last, pairs, ended by 0, 0; or NULL. */
  const gsize *moving;
  const uint8_t *valid;
  gsize size;
  GByteArray *saved;  /* what the device answers once VALID is loaded */
  uint8_t *before;    /* and its struct */
  gsize refused, taken;
};

static inline bool
hostile_same (const struct hostile *h, const GByteArray *a, const GByteArray *b)
{
  const gsize *m;
  gsize i;

  if (a->len != b->len)
    return false;
  for (i = 0; i < a->len; i++)
    {
      bool moves = false;

      for (m = h->moving; m != NULL && m[1] != 0; m += 2)
        moves |= i >= m[0] && i < m[1];
      if (!moves && a->data[i] != b->data[i])
        return false;
    }
  return true;
}

static inline void
hostile_restore (struct hostile *h)
{
  g_autofree char *error
      = load_of (h->state, h->self, h->device, h->state->version, h->valid, h->size);

  g_assert_cmpstr (error, ==, NULL);
  if (h->saved == NULL)
    h->saved = save_of (h->state, h->self, h->device, NULL);
  memcpy (h->before, h->self, h->state->size);
}

/* What was taken is a state: it saves, loads and saves again the same. */
static inline void
hostile_taken (struct hostile *h, const char *what, gsize at)
{
  GByteArray *once = save_of (h->state, h->self, h->device, NULL), *twice;
  g_autofree char *error
      = load_of (h->state, h->self, h->device, h->state->version, once->data, once->len);

  if (error != NULL)
    g_error ("%s %zu is taken, and what is saved then is refused: %s", what, at, error);
  twice = save_of (h->state, h->self, h->device, NULL);
  if (!hostile_same (h, once, twice))
    g_error ("%s %zu is taken, and saved differently after the next load", what, at);
  g_byte_array_unref (once);
  g_byte_array_unref (twice);
  h->taken++;
  hostile_restore (h);
}

/* Load BYTES; NULL where they were taken (h->self has them then), else the error's text. */
static inline char *
hostile_try (struct hostile *h, const uint8_t *bytes, gsize size, const char *what, gsize at)
{
  char *error = load_of (h->state, h->self, h->device, h->state->version, bytes, size), *end = NULL;
  guint64 place;

  if (error == NULL)
    return NULL;
  h->refused++;
  if (memcmp (h->before, h->self, h->state->size) != 0)
    g_error ("%s %zu is refused (%s), and the device is not as it was", what, at, error);
  /* Now and then, also what is behind its pointers. */
  if (h->refused % 61 == 1)
    {
      GByteArray *after = save_of (h->state, h->self, h->device, NULL);

      if (!hostile_same (h, h->saved, after))
        g_error ("%s %zu is refused (%s), and the device is not as it was", what, at, error);
      g_byte_array_unref (after);
    }
  if (g_str_has_suffix (error, " bytes are left"))
    return error;
  place = g_str_has_prefix (error, "byte ") ? g_ascii_strtoull (error + 5, &end, 10) : UINT64_MAX;
  if (place > size || !g_str_has_prefix (end, ": "))
    g_error ("%s %zu is refused without the place: %s", what, at, error);
  return error;
}

static inline gsize
hostile_next (gsize at, gsize size)
{
  gsize step = size / (HOSTILE_ALL / 2);

  if (size <= HOSTILE_ALL || at < HOSTILE_ALL / 4 || at + 1 + HOSTILE_ALL / 4 >= size)
    return at + 1;
  return MIN (at + (step | 1), size - HOSTILE_ALL / 4);
}

static inline void
hostile_prefixes (struct hostile *h)
{
  gsize at;

  for (at = 0; at < h->size; at = hostile_next (at, h->size))
    {
      g_autofree char *error = hostile_try (h, h->valid, at, "prefix of bytes:", at);

      /* Bytes are left where the header of a subsection is cut off: none begins there. */
      if (error != NULL)
        continue;
      /* Subsections may be missing. */
      if (h->valid[at] != 0x05)
        g_error ("a prefix of %zu of %zu bytes is taken", at, h->size);
      hostile_taken (h, "prefix of bytes:", at);
    }
}

static inline void
hostile_flips (struct hostile *h, uint8_t *bytes)
{
  gsize at, bit;

  for (at = 0; at < h->size; at = hostile_next (at, h->size))
    for (bit = 0; bit < 8; bit++)
      {
        g_autofree char *error = NULL;

        bytes[at] ^= (uint8_t) (1u << bit);
        error = hostile_try (h, bytes, h->size, "flipped bit of byte", at);
        bytes[at] ^= (uint8_t) (1u << bit);
        if (error == NULL)
          hostile_taken (h, "flipped bit of byte", at);
      }
}

/* All of the above on SELF, for which VALID is a section of its schema's present version. */
static inline void
check_hostile_moving (const struct gwt_vmstate *state, void *self, struct gwt_device *device,
                      const GByteArray *valid, const gsize *moving)
{
  struct hostile h = { .state = state,
                       .self = self,
                       .device = device,
                       .moving = moving,
                       .valid = valid->data,
                       .size = valid->len,
                       .before = g_malloc (state->size) };
  uint8_t *bytes = g_memdup2 (valid->data, valid->len);
  g_autofree char *longer = g_malloc0 (valid->len + 1), *error = NULL;

  hostile_restore (&h);
  hostile_prefixes (&h);
  hostile_flips (&h, bytes);
  memcpy (longer, valid->data, valid->len);
  error
      = hostile_try (&h, (const uint8_t *) longer, valid->len + 1, "a byte more than", valid->len);
  if (g_strcmp0 (error, "1 bytes are left") != 0)
    g_error ("a byte too many: %s", error != NULL ? error : "it is taken");
  g_test_message ("%s: %zu bytes%s, %zu variants refused, %zu taken", state->name, h.size,
                  h.size > HOSTILE_ALL ? " (not all of them tried)" : "", h.refused, h.taken);
  g_byte_array_unref (h.saved);
  g_free (h.before);
  g_free (bytes);
}

static inline void
check_hostile (const struct gwt_vmstate *state, void *self, struct gwt_device *device,
               const GByteArray *valid)
{
  check_hostile_moving (state, self, device, valid, NULL);
}

#endif
