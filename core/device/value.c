/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Property values by row.  Text and JSON end in the same value or the same refusal.  Must not know
 * devices: links and back ends are ids here.
 */
#include "config.h"
#include "core/device/value.h"
#include <math.h>
#include <string.h>
#include "core/device/field.h"
#include "core/util/json.h"
#include "core/util/text.h"

void
gwt_value_clear (struct gwt_value *value)
{
  g_free (value->text);
  *value = (struct gwt_value){ 0 };
}

/* ---- numbers as text ------------------------------------------------------------------------- */

static char *
size_text (uint64_t v)
{
  static const char letters[] = "KMGTPE";
  int letter = -1;
  while (v != 0 && v % 1024 == 0 && letter < 5)
    {
      v /= 1024;
      letter++;
    }
  return letter < 0 ? g_strdup_printf ("%" G_GUINT64_FORMAT, v)
                    : g_strdup_printf ("%" G_GUINT64_FORMAT "%c", v, letters[letter]);
}

static char *
number_text (const struct gwt_field *f, uint64_t v)
{
  if (gwt_kind_is_signed (f->kind) || f->kind == GWT_F64)
    return g_strdup_printf ("%" G_GINT64_FORMAT, (int64_t)v);
  if ((f->flags & GWT_FIELD_SIZE) != 0)
    return size_text (v);
  if ((f->flags & GWT_FIELD_HEX) != 0)
    return g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", v);
  return g_strdup_printf ("%" G_GUINT64_FORMAT, v);
}

/* Smallest and largest legal value. */
static void
limits (const struct gwt_field *f, uint64_t *min, uint64_t *max)
{
  bool is_signed = gwt_kind_is_signed (f->kind);
  unsigned shift = 64 - 8 * MIN (f->size, 8u);
  *min = is_signed ? (uint64_t)(INT64_MIN >> shift) : 0;
  *max = is_signed ? (uint64_t)(INT64_MAX >> shift) : UINT64_MAX >> shift;
  if (gwt_field_is_bounded (f))
    {
      *min = f->min;
      *max = f->max;
    }
}

bool
gwt_field_limits_json (const struct gwt_field *f, struct json_object **min,
                       struct json_object **max)
{
  bool is_signed = gwt_kind_is_signed (f->kind) || f->kind == GWT_F64;
  bool integer = gwt_kind_is_signed (f->kind) || gwt_kind_is_unsigned (f->kind);
  uint64_t low = f->min, high = f->max;
  if (f->values != NULL || (!gwt_field_is_bounded (f) && (!integer || f->size == 8)))
    return false;
  if (integer)
    limits (f, &low, &high);
  *min = is_signed ? json_object_new_int64 ((int64_t) low) : json_object_new_uint64 (low);
  *max = is_signed ? json_object_new_int64 ((int64_t) high) : json_object_new_uint64 (high);
  return true;
}

static char *
values_text (const struct gwt_field *f)
{
  char **names = gwt_field_values (f);
  GString *text = g_string_new (NULL);
  for (char **n = names; *n != NULL; n++)
    g_string_append_printf (text, "%s'%s'", n == names ? "" : n[1] == NULL ? " or " : ", ", *n);
  g_strfreev (names);
  return g_string_free (text, FALSE);
}

char *
gwt_field_range_text (const struct gwt_field *f)
{
  if (f->kind == GWT_BOOL)
    return g_strdup (!gwt_field_is_bounded (f) || f->min < f->max ? "on or off"
                     : f->max != 0                                ? "on"
                                                                  : "off");
  if (f->values != NULL)
    return values_text (f);
  bool number = gwt_kind_is_signed (f->kind) || gwt_kind_is_unsigned (f->kind);
  if (!gwt_field_is_bounded (f) && (!number || f->size == 8))
    return NULL;
  uint64_t low, high;
  limits (f, &low, &high);
  g_autofree char *min = number_text (f, low), *max = number_text (f, high);
  return g_strdup_printf ("%s to %s", min, max);
}

static bool
out_of_range (const struct gwt_field *f, const char *shown, struct gwt_error *err)
{
  g_autofree char *range = gwt_field_range_text (f);
  gwt_error_set (err, GWT_E_RANGE, "'%s' is out of range; use %s", shown,
                 range != NULL ? range : "a number of 64 bits");
  return false;
}

/* TEXT is what the user wrote, NULL where there is none. */
static bool
check_integer (const struct gwt_field *f, uint64_t v, const char *text, struct gwt_error *err)
{
  uint64_t min, max;
  limits (f, &min, &max);
  if (gwt_kind_is_signed (f->kind) ? (int64_t)v >= (int64_t)min && (int64_t)v <= (int64_t)max
                                   : v >= min && v <= max)
    return true;
  g_autofree char *shown = text != NULL ? g_strdup (text) : number_text (f, v);
  return out_of_range (f, shown, err);
}

static bool
check_real (const struct gwt_field *f, double v, struct gwt_error *err)
{
  if (isfinite (v)
      && (!gwt_field_is_bounded (f)
          || (v >= (double)(int64_t)f->min && v <= (double)(int64_t)f->max)))
    return true;
  char shown[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_dtostr (shown, sizeof shown, v);
  if (gwt_field_is_bounded (f))
    return out_of_range (f, shown, err);
  gwt_error_set (err, GWT_E_RANGE, "'%s' is not a finite number; use one", shown);
  return false;
}

/* ---- in -------------------------------------------------------------------------------------- */

static bool
from_name (const struct gwt_field *f, const char *text, uint64_t *v, struct gwt_error *err)
{
  char **names = gwt_field_values (f);
  bool found = false;
  for (guint i = 0; names[i] != NULL && !found; i++)
    if (strcmp (names[i], text) == 0)
      {
        *v = i;
        found = true;
      }
  g_strfreev (names);
  if (found)
    return true;
  g_autofree char *range = values_text (f);
  gwt_error_set (err, GWT_E_INVALID, "'%s' is not one of its values; use %s", text, range);
  return false;
}

static bool
real_from_text (const char *text, double *v, struct gwt_error *err)
{
  char *end = NULL;
  if (text[0] != '\0' && !g_ascii_isspace (text[0]))
    *v = g_ascii_strtod (text, &end);
  if (end != NULL && end != text && *end == '\0')
    return true;
  gwt_error_set (err, GWT_E_INVALID, "'%s' is not a number; use one such as 2.5 or 1e-3", text);
  return false;
}

bool
gwt_value_from_text (const struct gwt_field *f, const char *text, struct gwt_value *value,
                     struct gwt_error *err)
{
  *value = (struct gwt_value){ 0 };
  if (!g_utf8_validate (text, -1, NULL))
    {
      gwt_error_set (err, GWT_E_INVALID, "'%s' is not valid UTF-8", text);
      return false;
    }
  switch (f->kind)
    {
    case GWT_STR:
      value->text = g_strdup (text);
      return true;
    case GWT_LINK:
    case GWT_CHARDEV:
    case GWT_BLOCK:
    case GWT_NETDEV:
      value->text = text[0] != '\0' ? g_strdup (text) : NULL;
      return true;
    case GWT_BOOL:
      {
        bool on;
        if (!gwt_parse_bool (text, &on, err))
          return false;
        value->bits = on;
        /* Bounds on a bool pin it: "this release can only have it on". */
        return !gwt_field_is_bounded (f) || check_integer (f, value->bits, text, err);
      }
    case GWT_F64:
      return real_from_text (text, &value->real, err) && check_real (f, value->real, err);
    default:
      break;
    }
  if (f->values != NULL)
    return from_name (f, text, &value->bits, err);
  if (gwt_kind_is_signed (f->kind))
    {
      int64_t v;
      if (!gwt_parse_i64 (text, &v, err))
        return false;
      value->bits = (uint64_t)v;
    }
  else if (!gwt_parse_u64 (text, (f->flags & GWT_FIELD_SIZE) != 0, &value->bits, err))
    return false;
  return check_integer (f, value->bits, text, err);
}

static bool
wrong_json (const struct gwt_field *f, struct json_object *json, struct gwt_error *err)
{
  g_autofree char *shown = gwt_json_shown (json);
  gwt_error_set (err, GWT_E_INVALID, "%s is %s; a value of type %s belongs here", shown,
                 gwt_json_type_name (json), gwt_kind_name (f->kind));
  return false;
}

static bool
integer_from_json (const struct gwt_field *f, struct json_object *json, uint64_t *bits,
                   struct gwt_error *err)
{
  int64_t as_signed = json_object_get_int64 (json);
  uint64_t as_unsigned = json_object_get_uint64 (json);
  /* json-c clamps: what differs does not fit into the one asked for. */
  bool fits
      = gwt_kind_is_signed (f->kind) ? as_signed < 0 || as_unsigned <= INT64_MAX : as_signed >= 0;
  if (!fits)
    return out_of_range (f, json_object_to_json_string (json), err);
  *bits = gwt_kind_is_signed (f->kind) ? (uint64_t)as_signed : as_unsigned;
  return check_integer (f, *bits, NULL, err);
}

bool
gwt_value_from_json (const struct gwt_field *f, struct json_object *json, struct gwt_value *value,
                     struct gwt_error *err)
{
  *value = (struct gwt_value){ 0 };
  bool pointer = gwt_kind_is_pointer (f->kind);
  switch (json_object_get_type (json))
    {
    case json_type_string:
      {
        /* A string is what a user typed, whatever the kind, so that "prop=val" and JSON are one. */
        const char *text = json_object_get_string (json);
        if (strlen (text) == (size_t)json_object_get_string_len (json))
          return gwt_value_from_text (f, text, value, err);
        gwt_error_set (err, GWT_E_INVALID, "'%s' goes on behind a zero byte", text);
        return false;
      }
    case json_type_null:
      return pointer || wrong_json (f, json, err);
    case json_type_boolean:
      if (f->kind != GWT_BOOL)
        return wrong_json (f, json, err);
      value->bits = json_object_get_boolean (json) != 0;
      return !gwt_field_is_bounded (f) || check_integer (f, value->bits, NULL, err);
    case json_type_double:
    case json_type_int:
      if (f->kind == GWT_F64)
        {
          value->real = json_object_get_double (json);
          return check_real (f, value->real, err);
        }
      if (json_object_is_type (json, json_type_double) || pointer || f->kind == GWT_BOOL
          || f->values != NULL)
        return wrong_json (f, json, err);
      return integer_from_json (f, json, &value->bits, err);
    default:
      return wrong_json (f, json, err);
    }
}

bool
gwt_value_default (const struct gwt_field *f, struct gwt_value *value, struct gwt_error *err)
{
  *value = (struct gwt_value){ 0 };
  if (f->def_text != NULL)
    return gwt_value_from_text (f, f->def_text, value, err);
  value->bits = f->def;
  value->real = (double)(int64_t)f->def;
  return true;
}

bool
gwt_value_check_default (const struct gwt_field *f, struct gwt_error *err)
{
  struct gwt_value value;
  bool good = gwt_value_default (f, &value, err);
  /* What must be given has no default that could be out of bounds. */
  if (good && f->def_text == NULL && (f->flags & GWT_FIELD_REQUIRED) == 0)
    {
      if (f->kind == GWT_F64)
        good = check_real (f, value.real, err);
      else if (f->kind == GWT_BOOL)
        good = !gwt_field_is_bounded (f) || check_integer (f, value.bits, NULL, err);
      else if (f->values != NULL)
        {
          char **names = gwt_field_values (f);
          good = value.bits < g_strv_length (names);
          if (!good)
            gwt_error_set (err, GWT_E_RANGE, "it is the number of no named value");
          g_strfreev (names);
        }
      else if (gwt_kind_is_signed (f->kind) || gwt_kind_is_unsigned (f->kind))
        good = check_integer (f, value.bits, NULL, err);
    }
  gwt_value_clear (&value);
  return good;
}

/* ---- out ------------------------------------------------------------------------------------- */

static char *
value_name (const struct gwt_field *f, uint64_t index)
{
  char **names = gwt_field_values (f);
  char *name = index < g_strv_length (names) ? g_strdup (names[index])
                                             : g_strdup_printf ("%" G_GUINT64_FORMAT, index);
  g_strfreev (names);
  return name;
}

struct json_object *
gwt_value_to_json (const struct gwt_field *f, const struct gwt_value *value)
{
  switch (f->kind)
    {
    case GWT_STR:
    case GWT_LINK:
    case GWT_CHARDEV:
    case GWT_BLOCK:
    case GWT_NETDEV:
      return value->text != NULL ? json_object_new_string (value->text) : NULL;
    case GWT_BOOL:
      return json_object_new_boolean (value->bits != 0);
    case GWT_F64:
      return json_object_new_double (value->real);
    default:
      break;
    }
  if (f->values != NULL)
    {
      g_autofree char *name = value_name (f, value->bits);
      return json_object_new_string (name);
    }
  return gwt_kind_is_signed (f->kind) ? json_object_new_int64 ((int64_t)value->bits)
                                      : json_object_new_uint64 (value->bits);
}

char *
gwt_value_to_text (const struct gwt_field *f, const struct gwt_value *value)
{
  char real[G_ASCII_DTOSTR_BUF_SIZE];
  switch (f->kind)
    {
    case GWT_STR:
    case GWT_LINK:
    case GWT_CHARDEV:
    case GWT_BLOCK:
    case GWT_NETDEV:
      return g_strdup (value->text != NULL ? value->text : "");
    case GWT_BOOL:
      return g_strdup (value->bits != 0 ? "on" : "off");
    case GWT_F64:
      return g_strdup (g_ascii_dtostr (real, sizeof real, value->real));
    default:
      return f->values != NULL ? value_name (f, value->bits) : number_text (f, value->bits);
    }
}

void
gwt_value_store (const struct gwt_field *f, const struct gwt_value *value, void *instance)
{
  char *member = (char *)instance + f->offset;
  uint8_t u8 = (uint8_t)value->bits;
  uint16_t u16 = (uint16_t)value->bits;
  uint32_t u32 = (uint32_t)value->bits;
  if (f->kind == GWT_F64)
    memcpy (member, &value->real, sizeof value->real);
  else if (f->size == 1)
    memcpy (member, &u8, 1);
  else if (f->size == 2)
    memcpy (member, &u16, 2);
  else if (f->size == 4)
    memcpy (member, &u32, 4);
  else if (f->size == 8)
    memcpy (member, &value->bits, 8);
}

void
gwt_value_load (const struct gwt_field *f, const void *instance, struct gwt_value *value)
{
  const char *member = (const char *)instance + f->offset;
  uint8_t u8;
  uint16_t u16;
  uint32_t u32;
  *value = (struct gwt_value){ 0 };
  if (f->kind == GWT_F64)
    memcpy (&value->real, member, sizeof value->real);
  else if (f->size == 1)
    value->bits = (memcpy (&u8, member, 1), u8);
  else if (f->size == 2)
    value->bits = (memcpy (&u16, member, 2), u16);
  else if (f->size == 4)
    value->bits = (memcpy (&u32, member, 4), u32);
  else if (f->size == 8)
    memcpy (&value->bits, member, 8);
  if (gwt_kind_is_signed (f->kind) && f->size < 8)
    {
      unsigned shift = 64 - 8 * f->size;
      value->bits = (uint64_t)((int64_t)(value->bits << shift) >> shift);
    }
}
