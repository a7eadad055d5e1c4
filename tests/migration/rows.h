/* SPDX-License-Identifier: BSD-2-Clause */
/* What is state by a device's rows, as text: to see that all of it has arrived, also where a field
   is written and read by code. */
#ifndef TESTS_MIGRATION_ROWS_H
#define TESTS_MIGRATION_ROWS_H

#include "core/device/device.h"
#include "core/device/type.h"

/* Rows of DEVICE and of what it has from its parents, a line each, but for handles. */
static inline void
rows_of (GString *text, const struct gwt_device *device)
{
  for (const struct gwt_device *part = device; part != NULL; part = part->base)
    for (guint64 i = 0; i < part->type->d.n_fields; i++)
      {
        const struct gwt_field *f = &part->type->fields[i];
        guint64 size = (guint64) f->size * f->elems;

        if ((f->role != GWT_REG && f->role != GWT_STATE)
            || (f->kind == GWT_OPAQUE && size == sizeof (void *)))
          continue;
        g_string_append_printf (text, "%s %s %s:", device->id, part->type->d.name, f->name);
        for (guint64 b = 0; b < size; b++)
          g_string_append_printf (text, "%02x",
                                  ((const uint8_t *) part->instance)[f->offset + b]);
        g_string_append_c (text, '\n');
      }
}

/* Of all devices there are; g_free. */
static inline char *
rows_of_all (void)
{
  GString *text = g_string_new (NULL);
  guint count;
  g_autofree struct gwt_device **devices = gwt_device_list (&count);

  for (guint i = 0; i < count; i++)
    rows_of (text, devices[i]);
  return g_string_free (text, FALSE);
}

/* The first line that differs, with what is in its place, is told. */
static inline void
assert_rows (const char *is, const char *wanted)
{
  g_auto (GStrv) a = g_strsplit (is, "\n", 0), b = g_strsplit (wanted, "\n", 0);

  for (guint i = 0; a[i] != NULL && b[i] != NULL; i++)
    if (strcmp (a[i], b[i]) != 0)
      g_error ("'%.2000s', not '%.2000s'", a[i], b[i]);
  g_assert_cmpstr (is, ==, wanted);
}

#endif
