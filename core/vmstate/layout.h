/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a schema puts on the wire in each of its versions, as a hash: two ends that know the same
 * version of a section must mean the same bytes by it.  [main].
 */
#ifndef CORE_VMSTATE_LAYOUT_H
#define CORE_VMSTATE_LAYOUT_H

#include <json-c/json.h>
#include "core/device/device.h"
#include "core/vmstate/schema.h"

/* Versions of a schema of which hashes are told, the newest ones; hexadecimal digits of a hash. */
#define GWT_LAYOUT_VERSIONS_MAX 64
#define GWT_LAYOUT_DIGITS 16

/* What decides how a payload of VERSION is cut into pieces: sizes, counts, what may be absent, in
   the order of the bytes.  Names and kinds are no part of it (a field that nothing uses any more
   and the bytes that hold its place are the same), values neither.  DEVICE (may be NULL: all are
   off) has the properties that fields hang on.  g_free. */
char *gwt_layout_text (const struct gwt_schema *schema, struct gwt_device *device,
                       uint32_t version);
/* GWT_LAYOUT_DIGITS digits; g_free. */
char *gwt_layout_hash (const struct gwt_schema *schema, struct gwt_device *device,
                       uint32_t version);
/* A section as a manifest has it, new reference: "version", "minimum", "layouts" (hash by version)
   and, where there are any, "subsections", those of structs inside included: "name", "version",
   "minimum", "layouts", "when" where it is not always sent ("property NAME" or "state") and
   "may-come". */
struct json_object *gwt_layout_json (const struct gwt_schema *schema, struct gwt_device *device);

#endif
