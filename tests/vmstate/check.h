/* SPDX-License-Identifier: BSD-2-Clause */
/* Saving, loading and hexadecimal text for the tests of the codec. */
#ifndef TESTS_VMSTATE_CHECK_H
#define TESTS_VMSTATE_CHECK_H

#include <string.h>
#include "core/vmstate/vmstate.h"

static inline const struct gwt_schema *
schema_of (const struct gwt_vmstate *vmstate)
{
  GWT_AUTO_ERROR (err);
  const struct gwt_schema *schema = gwt_schema_of (vmstate, &err);

  g_assert_cmpstr (err.text, ==, NULL);
  return schema;
}

/* DEVICE (may be NULL) has the properties that fields hang on. */
static inline GByteArray *
save_of (const struct gwt_vmstate *vmstate, void *self, struct gwt_device *device,
         char **description)
{
  GWT_AUTO_ERROR (err);
  struct gwt_vm_out out;
  GString *text = g_string_new (NULL);

  gwt_vm_out_init (&out);
  gwt_vmstate_save (schema_of (vmstate), self, device, &out, description ? text : NULL, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  if (description)
    *description = g_string_free (text, FALSE);
  else
    g_string_free (text, TRUE);
  return out.bytes;
}

static inline GByteArray *
save (const struct gwt_vmstate *vmstate, void *self, char **description)
{
  return save_of (vmstate, self, NULL, description);
}

/* Bytes as text, two digits each. */
static inline char *
hex (const GByteArray *bytes)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < bytes->len; i++)
    g_string_append_printf (text, "%02x", bytes->data[i]);
  return g_string_free (text, FALSE);
}

/* Text to bytes; blanks are skipped. */
static inline GByteArray *
unhex (const char *text)
{
  GByteArray *bytes = g_byte_array_new ();

  while (*text)
    {
      uint8_t byte;

      if (*text == ' ')
        {
          text++;
          continue;
        }
      byte = (uint8_t) (g_ascii_xdigit_value (text[0]) << 4 | g_ascii_xdigit_value (text[1]));
      g_byte_array_append (bytes, &byte, 1);
      text += 2;
    }
  return bytes;
}

/* Load all of BYTES and commit; NULL, or the error's text (g_free), also where bytes are left. */
static inline char *
load_of (const struct gwt_vmstate *vmstate, void *self, struct gwt_device *device,
         uint32_t version, const void *bytes, gsize size)
{
  GWT_AUTO_ERROR (err);
  struct gwt_vm_in *in = gwt_vm_in_new_data (bytes, size);
  struct gwt_stage *stage
      = gwt_vmstate_load (schema_of (vmstate), self, device, version, in, &err);

  g_assert_true ((stage == NULL) == gwt_error_is_set (&err));
  if (stage && in->offset != size)
    {
      gwt_error_set (&err, GWT_E_INVALID, "%u bytes are left", (unsigned) (size - in->offset));
      gwt_stage_free (stage);
    }
  else if (stage)
    gwt_stage_commit (stage, &err);
  gwt_vm_in_free (in);
  return g_strdup (err.text);
}

static inline char *
load_bytes (const struct gwt_vmstate *vmstate, void *self, uint32_t version, const void *bytes,
            gsize size)
{
  return load_of (vmstate, self, NULL, version, bytes, size);
}

static inline char *
load (const struct gwt_vmstate *vmstate, void *self, uint32_t version, const char *text)
{
  GByteArray *bytes = unhex (text);
  char *error = load_bytes (vmstate, self, version, bytes->data, bytes->len);

  g_byte_array_unref (bytes);
  return error;
}

#define assert_saves(VMSTATE, SELF, TEXT)                                                          \
  do                                                                                               \
    {                                                                                              \
      GByteArray *bytes_ = save (VMSTATE, SELF, NULL);                                             \
      GByteArray *wanted_ = unhex (TEXT);                                                          \
      g_autofree char *is_ = hex (bytes_), *wanted_text_ = hex (wanted_);                          \
      g_assert_cmpstr (is_, ==, wanted_text_);                                                     \
      g_byte_array_unref (bytes_);                                                                 \
      g_byte_array_unref (wanted_);                                                                \
    }                                                                                              \
  while (0)

#define assert_loads(VMSTATE, SELF, VERSION, TEXT)                                                 \
  do                                                                                               \
    {                                                                                              \
      g_autofree char *error_ = load (VMSTATE, SELF, VERSION, TEXT);                               \
      g_assert_cmpstr (error_, ==, NULL);                                                          \
    }                                                                                              \
  while (0)

/* It is refused with this text, and SELF (an object, not a pointer) is as it was. */
#define assert_refused(VMSTATE, SELF, VERSION, TEXT, ERROR)                                        \
  do                                                                                               \
    {                                                                                              \
      uint8_t before_[sizeof (SELF)];                                                              \
      memcpy (before_, &(SELF), sizeof (SELF));                                                    \
      g_autofree char *error_ = load (VMSTATE, &(SELF), VERSION, TEXT);                            \
      g_assert_cmpstr (error_, ==, ERROR);                                                         \
      g_assert_cmpmem (before_, sizeof (SELF), &(SELF), sizeof (SELF));                            \
    }                                                                                              \
  while (0)

#endif
