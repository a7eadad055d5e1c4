/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Members of a manifest's document, each with its type, its range and its path in errors.  Must not
 * know what any of them means.
 */
#include "config.h"
#include "core/migration/manifest-internal.h"
#include <stdarg.h>
#include <string.h>
#include "core/util/json.h"
#include "core/util/text.h"
#include "core/util/version.h"

/* ---- errors and members ---------------------------------------------------------------------- */

bool
gwt_manifest_fail (struct reader *r, uint32_t code, const char *format, ...)
{
  g_autofree char *text = NULL, *path = gwt_one_line (r->path->str);
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  gwt_error_set (r->err, code, "%s: %s: %s", r->where, path[0] != '\0' ? path : "/", text);
  return false;
}

/* Go down to a member, or an element; the length to go back to. */
gsize
gwt_manifest_enter (struct reader *r, const char *name)
{
  gsize length = r->path->len;

  g_string_append_printf (r->path, "/%.*s", NAME_MAX_BYTES, name);
  return length;
}

gsize
gwt_manifest_enter_index (struct reader *r, size_t index)
{
  gsize length = r->path->len;

  g_string_append_printf (r->path, "/%zu", index);
  return length;
}

void
gwt_manifest_leave (struct reader *r, gsize length)
{
  g_string_truncate (r->path, length);
}

bool
gwt_manifest_wants (struct reader *r, struct json_object *value, json_type type)
{
  static const char *const names[] = { [json_type_boolean] = "true or false",
                                       [json_type_int] = "a whole number",
                                       [json_type_object] = "an object",
                                       [json_type_array] = "an array",
                                       [json_type_string] = "a string" };
  g_autofree char *text = NULL;

  if (json_object_is_type (value, type))
    return true;
  text = gwt_json_shown (value);
  return gwt_manifest_fail (r, GWT_E_INVALID, "%s is %s; %s belongs here", text,
                            gwt_json_type_name (value), names[type]);
}

/* *VALUE is NULL where an optional member is not there. */
bool
gwt_manifest_member (struct reader *r, struct json_object *object, const char *name, json_type type,
                     bool required, struct json_object **value)
{
  bool good = true;
  gsize length;

  if (!json_object_object_get_ex (object, name, value))
    {
      *value = NULL;
      return !required || gwt_manifest_fail (r, GWT_E_NOT_FOUND, "'%s' is missing; add it", name);
    }
  length = gwt_manifest_enter (r, name);
  good = gwt_manifest_wants (r, *value, type);
  gwt_manifest_leave (r, length);
  return good;
}

/* One printable line without surprises for a terminal. */
bool
gwt_manifest_take_text (struct reader *r, struct json_object *value, size_t most, const char **text)
{
  size_t size;
  const char *c;

  if (!gwt_manifest_wants (r, value, json_type_string))
    return false;
  *text = json_object_get_string (value);
  size = (size_t) json_object_get_string_len (value);
  if (size == 0)
    return gwt_manifest_fail (r, GWT_E_INVALID, "an empty text; give one");
  if (size > most)
    return gwt_manifest_fail (r, GWT_E_RANGE, "a text of %zu bytes; it can have %zu", size, most);
  for (c = *text; c < *text + size; c++)
    if ((unsigned char) *c < 0x20 || *c == 0x7f
        || ((unsigned char) *c == 0xc2 && ((unsigned char) c[1] & 0xe0) == 0x80))
      return gwt_manifest_fail (r, GWT_E_INVALID, "a control character in a text; leave it out");
  return true;
}

/* *TEXT is NULL where an optional one is not there. */
bool
gwt_manifest_text_member (struct reader *r, struct json_object *object, const char *name,
                          bool required, const char **text)
{
  struct json_object *value;
  gsize length;
  bool good;

  *text = NULL;
  if (!gwt_manifest_member (r, object, name, json_type_string, required, &value))
    return false;
  if (value == NULL)
    return true;
  length = gwt_manifest_enter (r, name);
  good = gwt_manifest_take_text (
      r, value, strcmp (name, "detail") == 0 ? DETAIL_MAX_BYTES : NAME_MAX_BYTES, text);
  gwt_manifest_leave (r, length);
  return good;
}

static bool
take_u64 (struct reader *r, struct json_object *value, uint64_t min, uint64_t max, uint64_t *number)
{
  if (!gwt_manifest_wants (r, value, json_type_int))
    return false;
  /* Of a negative number json-c gives 0. */
  *number = json_object_get_uint64 (value);
  if ((*number != 0 || json_object_get_int64 (value) >= 0) && *number >= min && *number <= max)
    return true;
  g_autofree char *text = gwt_json_shown (value);
  return gwt_manifest_fail (r, GWT_E_RANGE,
                            "%s is out of range; use %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                            text, min, max);
}

/* *NUMBER stays where an optional one is not there; *GIVEN (may be NULL) tells. */
bool
gwt_manifest_u64 (struct reader *r, struct json_object *object, const char *name, bool required,
                  uint64_t min, uint64_t max, uint64_t *number, bool *given)
{
  struct json_object *value;
  gsize length;
  bool good;

  if (!gwt_manifest_member (r, object, name, json_type_int, required, &value))
    return false;
  if (given != NULL)
    *given = value != NULL;
  if (value == NULL)
    return true;
  length = gwt_manifest_enter (r, name);
  good = take_u64 (r, value, min, max, number);
  gwt_manifest_leave (r, length);
  return good;
}

bool
gwt_manifest_u32 (struct reader *r, struct json_object *object, const char *name, bool required,
                  uint32_t min, uint32_t max, uint32_t *number)
{
  uint64_t wide = *number;

  if (!gwt_manifest_u64 (r, object, name, required, min, max, &wide, NULL))
    return false;
  *number = (uint32_t) wide;
  return true;
}

bool
gwt_manifest_bool (struct reader *r, struct json_object *object, const char *name, bool *on)
{
  struct json_object *value;

  if (!gwt_manifest_member (r, object, name, json_type_boolean, false, &value))
    return false;
  *on = value != NULL && json_object_get_boolean (value);
  return true;
}

bool
gwt_manifest_check_level (struct reader *r, const char *name, const char *text)
{
  gsize length;

  if (text == NULL || gwt_version_is_valid (text))
    return true;
  length = gwt_manifest_enter (r, name);
  gwt_manifest_fail (r, GWT_E_INVALID, "'%s' is no version; use numbers with dots, as \"1.0\"",
                     text);
  gwt_manifest_leave (r, length);
  return false;
}

/* ---- arrays that the manifest keeps ---------------------------------------------------------- */

/* ARRAY's elements now belong to the manifest; NULL where there are none. */
void *
gwt_manifest_keep (struct reader *r, GArray *array, guint *count)
{
  void *data;

  if (count != NULL)
    *count = array->len;
  if (array->len == 0)
    {
      g_array_free (array, TRUE);
      return NULL;
    }
  data = g_array_free (array, FALSE);
  g_ptr_array_add (r->held->arrays, data);
  return data;
}

typedef bool (*take_fn) (struct reader *r, struct json_object *value, GArray *into);

/* An array member: TAKE is called for each element, with its path set.  Not NULL unless it
   failed; to be given to gwt_manifest_keep (). */
GArray *
gwt_manifest_list (struct reader *r, struct json_object *object, const char *name, bool required,
                   size_t most, gsize element, take_fn take)
{
  GArray *array = g_array_new (TRUE, TRUE, (guint) element);
  struct json_object *list;
  gsize length, inner;
  bool good;
  size_t i;

  if (!gwt_manifest_member (r, object, name, json_type_array, required, &list))
    goto failed;
  if (list == NULL)
    return array;
  length = gwt_manifest_enter (r, name);
  if (json_object_array_length (list) > most)
    {
      gwt_manifest_fail (r, GWT_E_RANGE, "%zu of them; there can be %zu",
                         json_object_array_length (list), most);
      goto failed;
    }
  for (i = 0; i < json_object_array_length (list); i++)
    {
      inner = gwt_manifest_enter_index (r, i);
      good = take (r, json_object_array_get_idx (list, i), array);
      gwt_manifest_leave (r, inner);
      if (!good)
        goto failed;
    }
  gwt_manifest_leave (r, length);
  return array;

failed:
  g_array_free (array, TRUE);
  return NULL;
}

static bool
take_name (struct reader *r, struct json_object *value, GArray *into)
{
  const char *text;

  if (!gwt_manifest_take_text (r, value, NAME_MAX_BYTES, &text))
    return false;
  g_array_append_val (into, text);
  return true;
}

/* NULL-terminated, also where there are none; NULL: it failed. */
const char *const *
gwt_manifest_names (struct reader *r, struct json_object *object, const char *name, bool required)
{
  static const char *const none[] = { NULL };
  GArray *array
      = gwt_manifest_list (r, object, name, required, PROPERTIES_MAX, sizeof (char *), take_name);
  const char *const *names;

  if (array == NULL)
    return NULL;
  names = gwt_manifest_keep (r, array, NULL);
  return names != NULL ? names : none;
}
