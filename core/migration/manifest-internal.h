/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files behind manifest.h: nothing else includes it. */
#ifndef CORE_MIGRATION_MANIFEST_INTERNAL_H
#define CORE_MIGRATION_MANIFEST_INTERNAL_H

#include "core/migration/manifest.h"

/* What a document may make us allot beside its text: values in it, and texts that are names. */
#define VALUES_MAX (1u << 19)
#define OBJECTS_MAX (1u << 17)
#define NAME_MAX_BYTES 255
#define DETAIL_MAX_BYTES 4095
#define DEVICES_MAX 8192
#define PROPERTIES_MAX 4096
#define PROPERTIES_ALL_MAX (1u << 18) /* of all devices, those that are like others included */
#define SUBSECTIONS_MAX 256
#define CPUS_MAX 65536

struct gwt_manifest_held
{
  struct gwt_manifest m; /* first: what others point to */
  gint references;
  struct json_object *root;
  char *text;
  size_t size;
  GPtrArray *arrays; /* g_free */
};

struct reader
{
  struct gwt_manifest_held *held;
  const char *where;
  GString *path;
  struct gwt_error *err;
  const char *plugin; /* of the device that is read */
  guint properties;   /* of all devices so far */
  GHashTable *ids;      /* id: index into devices + 1 */
  GHashTable *names;    /* of sections, "NAME instance" */
  GHashTable *plugins;  /* ids */
  GArray *devices;      /* struct gwt_manifest_device */
  GArray *sections;     /* struct gwt_manifest_section */
  GArray *first;        /* guint: the index of each device's first section */
};

/* ---- manifest-members.c ---------------------------------------------------------------------- */

/* Always false; the path is as it was entered. */
bool gwt_manifest_fail (struct reader *r, uint32_t code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* Go down to a member, or an element; the length to go back to. */
gsize gwt_manifest_enter (struct reader *r, const char *name);
gsize gwt_manifest_enter_index (struct reader *r, size_t index);
void gwt_manifest_leave (struct reader *r, gsize length);
bool gwt_manifest_wants (struct reader *r, struct json_object *value, json_type type);
/* Members of OBJECT by name.  An optional one that is not there gives NULL, or leaves the number
   as it is; *GIVEN (may be NULL) tells. */
bool gwt_manifest_member (struct reader *r, struct json_object *object, const char *name,
                          json_type type, bool required, struct json_object **value);
bool gwt_manifest_text_member (struct reader *r, struct json_object *object, const char *name,
                        bool required, const char **text);
bool gwt_manifest_u64 (struct reader *r, struct json_object *object, const char *name,
                       bool required, uint64_t min, uint64_t max, uint64_t *number, bool *given);
bool gwt_manifest_u32 (struct reader *r, struct json_object *object, const char *name,
                       bool required, uint32_t min, uint32_t max, uint32_t *number);
bool gwt_manifest_bool (struct reader *r, struct json_object *object, const char *name, bool *on);
/* One printable line of up to MOST bytes. */
bool gwt_manifest_take_text (struct reader *r, struct json_object *value, size_t most,
                             const char **text);
bool gwt_manifest_check_level (struct reader *r, const char *name, const char *text);
/* ARRAY's elements are the manifest's from now on; NULL where there are none. */
void *gwt_manifest_keep (struct reader *r, GArray *array, guint *count);
/* TAKE is called for each element of an array member, with its path entered.  To be given to
   gwt_manifest_keep; NULL: it failed. */
typedef bool (*take_fn) (struct reader *r, struct json_object *value, GArray *into);
GArray *gwt_manifest_list (struct reader *r, struct json_object *object, const char *name,
                           bool required, size_t most, gsize element, take_fn take);
/* Texts, NULL-terminated; NULL: it failed. */
const char *const *gwt_manifest_names (struct reader *r, struct json_object *object,
                                       const char *name, bool required);

/* ---- manifest-devices.c ---------------------------------------------------------------------- */

/* Into R's devices and sections. */
bool gwt_manifest_take_device (struct reader *r, struct json_object *value);
bool gwt_manifest_take_sections (struct reader *r, struct json_object *object);

#endif
