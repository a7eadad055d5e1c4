/* SPDX-License-Identifier: BSD-2-Clause */
/* Property values by row: from text and JSON, to text and JSON, into and out of a member. */
#ifndef CORE_DEVICE_VALUE_H
#define CORE_DEVICE_VALUE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <godwit/field.h>
#include "core/util/error.h"

/* One value, not yet in any instance. */
struct gwt_value
{
  uint64_t bits; /* integers (sign-extended), bool, index of a named value */
  double real;   /* GWT_F64 */
  char *text;    /* GWT_STR; id for GWT_LINK and GWT_CHARDEV; NULL: none.  Owned. */
};

/* Parse and check bounds; errors do not name the property, the caller does. */
bool gwt_value_from_text (const struct gwt_field *field, const char *text, struct gwt_value *value,
                          struct gwt_error *err);
bool gwt_value_from_json (const struct gwt_field *field, struct json_object *json,
                          struct gwt_value *value, struct gwt_error *err);
bool gwt_value_default (const struct gwt_field *field, struct gwt_value *value,
                        struct gwt_error *err);
bool gwt_value_check_default (const struct gwt_field *field, struct gwt_error *err);
/* New reference (NULL is JSON's null); text that gwt_value_from_text reads back, caller frees. */
struct json_object *gwt_value_to_json (const struct gwt_field *field,
                                       const struct gwt_value *value);
char *gwt_value_to_text (const struct gwt_field *field, const struct gwt_value *value);
/* Numbers and booleans only: to and from the member at its offset in INSTANCE. */
void gwt_value_store (const struct gwt_field *field, const struct gwt_value *value, void *instance);
void gwt_value_load (const struct gwt_field *field, const void *instance, struct gwt_value *value);
void gwt_value_clear (struct gwt_value *value);
/* "0 to 255", "'off', 'sv39'", "on or off"; NULL where everything of the kind is legal.  Caller
 * frees. */
char *gwt_field_range_text (const struct gwt_field *field);
/* Smallest and largest number that FIELD takes (of a bool 0 or 1), new references; false where it
   takes all of 64 bits, or no numbers. */
bool gwt_field_limits_json (const struct gwt_field *field, struct json_object **min,
                            struct json_object **max);

#endif
