/* SPDX-License-Identifier: BSD-2-Clause */
/* First pass over a JSON text: see json-file.h for what callers use. */
#ifndef CORE_MACHINE_JSON_SCAN_H
#define CORE_MACHINE_JSON_SCAN_H

#include <glib.h>
#include <stddef.h>
#include "core/util/error.h"

/* JSON path -> line of every value, or NULL with ERR set to "NAME:LINE: PATH: column N: text". */
GHashTable *gwt_json_scan (const char *name, const char *text, size_t size, struct gwt_error *err);

#endif
