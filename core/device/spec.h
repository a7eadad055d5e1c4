/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a user asked for: "-device TYPE,prop=val,..." or the same as a JSON object {"driver": TYPE,
 * "id": ID, ...}. One parser; both forms give the same spec.
 */
#ifndef CORE_DEVICE_SPEC_H
#define CORE_DEVICE_SPEC_H

#include <glib.h>
#include <json-c/json.h>
#include "core/device/device.h"

struct gwt_spec
{
  char *type;                /* "driver" in JSON */
  char *id;                  /* or NULL */
  struct json_object *props; /* object: property -> value, as text or typed, in the order given */
};

/* A comma inside a value is written twice, as QEMU's users know it. */
struct gwt_spec *gwt_spec_parse (const char *text, struct gwt_error *err);
struct gwt_spec *gwt_spec_from_json (struct json_object *object, struct gwt_error *err);
struct json_object *gwt_spec_to_json (const struct gwt_spec *spec);
void gwt_spec_free (struct gwt_spec *spec);

/* "-global TYPE.prop=value"; kept, applied by gwt_globals_apply; TYPE may be a parent type.  A
   global that no device used is an error that gwt_globals_check_used reports. */
bool gwt_global_add (const char *text, struct gwt_error *err);
/* The parts of such a text, for what is no device and is set in the same way; g_free each. */
bool gwt_global_split (const char *text, char **type, char **property, char **value,
                       struct gwt_error *err);
bool gwt_globals_apply (struct gwt_device *device, struct gwt_error *err);
bool gwt_globals_check_used (struct gwt_error *err);
void gwt_globals_clear (void);

/* Text for "-device help" and "-device TYPE,help" (properties with type, bounds, default, doc). */
char *gwt_type_help_all (void);
char *gwt_type_help (const struct gwt_type *type);
/* Sorted JSON of a type: properties, methods, interfaces (godwit-plugin show,
 * device-list-properties). */
struct json_object *gwt_type_to_json (const struct gwt_type *type);

#endif
