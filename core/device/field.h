/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of a device's field table: normalizing, judging, and the coverage of the instance struct. */
#ifndef CORE_DEVICE_FIELD_H
#define CORE_DEVICE_FIELD_H

#include <stdbool.h>
#include <godwit/device.h>
#include "core/util/error.h"

/* Copy COUNT elements that are STRIDE bytes each where they were built into new zeroed ones of SIZE
   bytes.  MINIMUM is what the first release had.  g_free; NULL with ERR set.  WHAT names the table.
 */
void *gwt_table_normalize (const void *table, uint64_t count, uint64_t stride, size_t size,
                           size_t minimum, const char *what, struct gwt_error *err);
/* Judge the rows of TYPE: names, kinds, bounds, defaults, and that every byte is in exactly one
 * row. */
bool gwt_fields_check (const struct gwt_device_type *type, const struct gwt_field *fields,
                       struct gwt_error *err);
/* Bytes of the instance that no row covers, as "24..31, 40..47"; NULL if none.  Caller frees. */
char *gwt_fields_uncovered (const struct gwt_device_type *type, const struct gwt_field *fields);
/* Bytes of one element of KIND; 0 for GWT_OPAQUE and unknown kinds. */
uint32_t gwt_kind_size (uint32_t kind);
/* "u32", "bool", "str", ... as in help texts; NULL for unknown kinds. */
const char *gwt_kind_name (uint32_t kind);
const char *gwt_role_name (uint32_t role);
bool gwt_kind_is_unsigned (uint32_t kind);
bool gwt_kind_is_signed (uint32_t kind);
/* A text, a link or a back end: what is in the member is a pointer. */
bool gwt_kind_is_pointer (uint32_t kind);
/* The names in FIELD's `values`, NULL-terminated; g_strfreev.  NULL where it has none. */
char **gwt_field_values (const struct gwt_field *field);
char **gwt_field_facts (const struct gwt_field *field); /* the same for `facts` */
/* Do min and max mean something? */
bool gwt_field_is_bounded (const struct gwt_field *field);

#endif
