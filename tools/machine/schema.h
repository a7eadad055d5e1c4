/* SPDX-License-Identifier: BSD-2-Clause */
/* schema-diff: two -dump-vmstate files, read and compared. */
#ifndef TOOLS_MACHINE_SCHEMA_H
#define TOOLS_MACHINE_SCHEMA_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include "core/util/error.h"

/* Which way a guest cannot go because of a change. */
enum schema_way
{
  SCHEMA_FORWARD = 1, /* from the old release to the new one */
  SCHEMA_BACKWARD = 2
};

/* Parse and judge a document in full: whatever is looked at later is of the type that it should be.
   New reference, or NULL with ERR set. */
struct json_object *schema_parse (const char *text, gsize size, struct gwt_error *err);

/* Members of what schema_parse () has judged. */
const char *schema_text (struct json_object *o, const char *key); /* or NULL */
uint64_t schema_number (struct json_object *o, const char *key);  /* or 0 */
bool schema_flag (struct json_object *o, const char *key);
struct json_object *schema_list (struct json_object *o, const char *key, size_t *count);

/* One thing on the wire. */
struct schema_atom
{
  char *path;                /* "serial.divider" */
  const char *type;          /* "uint32", NULL in QEMU's documents */
  uint64_t size, num;        /* bytes of an element, 0: varies; elements */
  uint64_t taken;            /* while it is compared: elements (bytes of what is unused) that the
                                other end has found already */
  uint64_t min, max;         /* both 0: none */
  bool counted, markers, equal, unused;
  bool open;                 /* whether it is there cannot be seen in the document */
  const char *when;          /* the property that it hangs on, or NULL */
  struct json_object *inner; /* of an array of structs, or of what is like one; borrowed */
  struct json_object *subsections; /* no field, but the place of a struct's; then all else is 0 */
};

/* What DESCRIPTION puts on the wire in VERSION, structs opened: struct schema_atom.  PROPERTIES
   (may be NULL): what is known of those that fields hang on.  g_ptr_array_unref. */
GPtrArray *schema_atoms (struct json_object *description, uint64_t version,
                         struct json_object *properties);
/* What PROPERTY is: 1, 0, or -1 where it cannot be known. */
int schema_property (struct json_object *properties, const char *property);

struct schema_change
{
  char *type;       /* of the device */
  char *section;    /* of the stream, or NULL */
  char *text;       /* where and what */
  unsigned ways;    /* enum schema_way that it closes; 0: none */
  const char *when; /* the new release's property that it hangs on, or NULL */
  struct json_object *plugin; /* of the new release, else of the old one; or NULL; borrowed */
};

struct schema_renames
{
  const char *before, *after;
};

/* All changes from OLD to NEW, struct schema_change.  RENAMES, ended by NULL: device types that go
   by another name now.  g_ptr_array_unref. */
GPtrArray *schema_compare (struct json_object *before, struct json_object *after,
                           const struct schema_renames *renames);

#endif
