/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON files that people write by hand (boards, machine types): strict parsing with bounds, and
 * errors that name file, line and JSON path.
 */
#ifndef CORE_MACHINE_JSON_FILE_H
#define CORE_MACHINE_JSON_FILE_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include "core/util/error.h"

#define GWT_JSON_FILE_MAX (1u << 20) /* bytes */
#define GWT_JSON_DEPTH_MAX 32
#define GWT_JSON_KEY_MAX 64

struct gwt_json_file
{
  char *name; /* as the user knows it; begins every error */
  struct json_object *root;
  GHashTable *lines; /* JSON path -> line */
};

struct gwt_json_file *gwt_json_file_load (const char *path, struct gwt_error *err);
/* The same on bytes in memory. */
struct gwt_json_file *gwt_json_file_parse (const char *name, const char *text, size_t size,
                                           struct gwt_error *err);
void gwt_json_file_free (struct gwt_json_file *file);

/*
 * A place in the file.  Lives on the stack; its parents must outlive it.  The path is only spelled
 * out when an error needs it.
 */
struct gwt_json_at
{
  const struct gwt_json_file *file;
  struct json_object *value;
  const struct gwt_json_at *parent;
  const char *key; /* member of the parent, or NULL: an element */
  size_t index;
};

void gwt_json_root (const struct gwt_json_file *file, struct gwt_json_at *at);
/* "$.devices[3].irq"; caller frees. */
char *gwt_json_path (const struct gwt_json_at *at);
guint gwt_json_line (const struct gwt_json_at *at);
/* "FILE:LINE: PATH"; caller frees. */
char *gwt_json_where (const struct gwt_json_at *at);
/* Set ERR to "FILE:LINE: PATH: text". */
void gwt_json_fail (const struct gwt_json_at *at, struct gwt_error *err, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* The same for member KEY of AT. */
void gwt_json_fail_at (const struct gwt_json_at *at, const char *key, struct gwt_error *err,
                       const char *format, ...) G_GNUC_PRINTF (4, 5);

/* AT is an object whose members are all in KNOWN (ended by NULL); else an error with the nearest.
 */
bool gwt_json_keys (const struct gwt_json_at *at, const char *const *known, struct gwt_error *err);
/* Member KEY; false where it is absent.  A member of the wrong type is the reader's business. */
bool gwt_json_member (const struct gwt_json_at *at, const char *key, struct gwt_json_at *out);
/* Element I of an array. */
void gwt_json_element (const struct gwt_json_at *at, size_t i, struct gwt_json_at *out);
size_t gwt_json_count (const struct gwt_json_at *at);
/* Readers of a member: absent ones leave *VALUE as it was, and are an error where REQUIRED. */
bool gwt_json_str (const struct gwt_json_at *at, const char *key, bool required, char **value,
                   struct gwt_error *err);
bool gwt_json_u64 (const struct gwt_json_at *at, const char *key, bool required, uint64_t *value,
                   struct gwt_error *err);
bool gwt_json_bool (const struct gwt_json_at *at, const char *key, bool *value,
                    struct gwt_error *err);
/* Member that is an object or array; *FOUND says whether it is there. */
bool gwt_json_object (const struct gwt_json_at *at, const char *key, bool required,
                      struct gwt_json_at *out, bool *found, struct gwt_error *err);
bool gwt_json_array (const struct gwt_json_at *at, const char *key, bool required,
                     struct gwt_json_at *out, bool *found, struct gwt_error *err);
/* The value itself. */
bool gwt_json_as_str (const struct gwt_json_at *at, const char **value, struct gwt_error *err);
bool gwt_json_as_u64 (const struct gwt_json_at *at, uint64_t *value, struct gwt_error *err);

#endif
