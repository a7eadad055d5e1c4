/* SPDX-License-Identifier: BSD-2-Clause */
/* Helpers around json-c that more than one layer needs. */
#ifndef CORE_UTIL_JSON_H
#define CORE_UTIL_JSON_H

#include <json-c/json.h>
#include <stddef.h>
#include "core/util/error.h"

/* Parse exactly one JSON value, strictly (no comments, no trailing text, numbers in range, limited
   depth).  New reference, or NULL with ERR set; the text names byte and reason. */
struct json_object *gwt_json_parse (const char *text, size_t size, struct gwt_error *err);
/* False with ERR set where a number in TEXT is one that json-c would clamp: for those who parse
   leniently, as QMP's clients are used to. */
bool gwt_json_numbers_fit (const char *text, size_t size, struct gwt_error *err);
/* A deep copy with the members of every object in alphabetical order; new reference. */
struct json_object *gwt_json_sorted (struct json_object *value);
/* What a person calls the type of VALUE: "a string", "an object", "null". */
const char *gwt_json_type_name (struct json_object *value);
/* VALUE on one line, cut where it is long, for messages; caller frees. */
char *gwt_json_shown (struct json_object *value);

#endif
