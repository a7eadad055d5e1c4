/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registry of device types, filled by the plugin loader.  Tables of plugins built for a smaller or
 * larger struct are normalized here (min (size) into zeroed memory), so the rest of core/ sees one
 * layout.
 */
#ifndef CORE_DEVICE_TYPE_H
#define CORE_DEVICE_TYPE_H

#include <stdbool.h>
#include <godwit/device.h>
#include "core/util/error.h"

struct gwt_type
{
  struct gwt_device_type d; /* normalized; strings belong to the plugin */
  struct gwt_field *fields; /* d.n_fields, normalized */
  struct gwt_interface *interfaces;
  struct gwt_method *methods;
  uint64_t struct_size, field_size; /* as the plugin was built */
  const char *plugin_id;
  const char *plugin_version;
};

/* Validate (names, bounds, kinds, offsets inside the instance, default within bounds, every byte
   covered by exactly one row) and register.  A taken name is an error that names both plugins. */
bool gwt_type_register (const struct gwt_device_type *type, const char *plugin_id,
                        const char *plugin_version, struct gwt_error *err);
/* The same judgement without registering. */
bool gwt_type_check (const struct gwt_device_type *type, const char *plugin_id,
                     struct gwt_error *err);
const struct gwt_type *gwt_type_find (const char *name);
/* True if TYPE is NAME or has it as an ancestor. */
bool gwt_type_is_a (const struct gwt_type *type, const char *name);
/* The registered type that TYPE names as its parent, or NULL. */
const struct gwt_type *gwt_type_parent (const struct gwt_type *type);
/* The property's row, of TYPE or of the nearest ancestor that has it; NULL where none does. */
const struct gwt_field *gwt_type_property (const struct gwt_type *type, const char *name);
/* TYPE's own property alone. */
const struct gwt_field *gwt_type_own_property (const struct gwt_type *type, const char *name);
/* Interface table of TYPE or an ancestor. */
const void *gwt_type_interface (const struct gwt_type *type, const char *id);
/* Of TYPE alone. */
const void *gwt_type_own_interface (const struct gwt_type *type, const char *id);
/* All types sorted by name; NULL-terminated, g_free. */
const struct gwt_type **gwt_type_list (void);
/* Names of all properties in the order of the rows, inherited ones last; NULL-terminated, g_free.
 */
const char **gwt_type_property_names (const struct gwt_type *type);
/* Bytes of the instance that no row covers, as text "offset 24..31, ..."; NULL if none.  Caller
 * frees. */
char *gwt_type_uncovered (const struct gwt_device_type *type);

#endif
