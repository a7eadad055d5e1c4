/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What devices tell by "gwt.facts/1", as JSON: an object of a member for each fact, an integer, a
 * text, or for bytes {"size": N, "bytes": RUNS, "ignored": RUNS, "write": RUNS, "registers":
 * [{"at": N, "size": N, "name": "..."}]}, where RUNS is an object of hexadecimal digits by decimal
 * offset, and what is in no run is 0.
 */
#ifndef CORE_DEVICE_FACTS_H
#define CORE_DEVICE_FACTS_H

#include <json-c/json.h>
#include <godwit/facts.h>
#include "core/device/device.h"

/* [main] New reference; NULL: it tells nothing. */
struct json_object *gwt_facts_json (struct gwt_device *device);

struct gwt_fact_bytes
{
  guint size;
  uint8_t *value, *compare, *write;
  const char **labels; /* of the register that each byte is of, borrowed from the JSON, or NULL */
};

/* Registers may overlap, but not more than so many times the bytes that there are. */
#define GWT_FACT_OVERLAP_MAX 4

/* JSON may be anything, and the time it takes follows from its size and "size"; OUT is to be
   cleared either way. */
bool gwt_fact_bytes_parse (struct json_object *json, struct gwt_fact_bytes *out,
                           struct gwt_error *err);
void gwt_fact_bytes_clear (struct gwt_fact_bytes *bytes);

#endif
