/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the values that a board file is made of: names, references, ranges, lists of properties.  It
 * must not know where in the file they stand.
 */
#include "config.h"
#include "core/machine/board-values.h"
#include <string.h>
#include "core/util/text.h"

void
gwt_board_prop_free (gpointer data)
{
  struct gwt_board_prop *prop = data;
  g_free (prop->name);
  g_free (prop->where);
  g_free (prop);
}

static bool
check_name (const struct gwt_json_at *at, const char *key, const char *name, struct gwt_error *err)
{
  struct gwt_json_at member;
  if (name == NULL || gwt_name_is_valid (name))
    return true;
  gwt_json_member (at, key, &member);
  gwt_json_fail (&member, err, "'%s' is no name; use a-z, 0-9 and '-', a letter first", name);
  return false;
}

bool
gwt_board_read_name (const struct gwt_json_at *at, const char *key, bool required, char **name,
                     struct gwt_error *err)
{
  return gwt_json_str (at, key, required, name, err) && check_name (at, key, *name, err);
}

/* Every member of the object at KEY becomes a struct gwt_board_prop. */
bool
gwt_board_read_props (const struct gwt_json_at *at, const char *key, bool names, GPtrArray *props,
                      struct gwt_error *err)
{
  struct gwt_json_at object, member;
  bool found;
  if (!gwt_json_object (at, key, false, &object, &found, err))
    return false;
  if (!found)
    return true;
  json_object_object_foreach (object.value, name, value)
  {
    gwt_json_member (&object, name, &member);
    if (names && !gwt_name_is_valid (name))
      {
        gwt_json_fail (&member, err, "'%s' is no property's name; use a-z, 0-9 and '-'", name);
        return false;
      }
    struct gwt_board_prop *prop = g_new0 (struct gwt_board_prop, 1);
    prop->name = g_strdup (name);
    prop->value = value;
    prop->where = gwt_json_where (&member);
    g_ptr_array_add (props, prop);
  }
  return true;
}

static bool
is_integer (const struct gwt_json_at *at)
{
  return json_object_is_type (at->value, json_type_int);
}

/* The one form of object that stands for a value of the device tree: { "phandle": "ID" }. */
static bool
check_phandle (const struct gwt_json_at *at, struct gwt_error *err)
{
  static const char *const keys[] = { "phandle", NULL };
  g_autofree char *id = NULL;
  return gwt_json_keys (at, keys, err) && gwt_json_str (at, "phandle", true, &id, err);
}

/* What a property of the device tree may be: true, a number or "0x..." string list, a text, a
   device's phandle. */
static bool
check_fdt_props (const struct gwt_json_at *at, const char *key, struct gwt_error *err)
{
  struct gwt_json_at object, member, element;
  if (!gwt_json_member (at, key, &object))
    return true;
  json_object_object_foreach (object.value, name, value)
  {
    gwt_json_member (&object, name, &member);
    if (strlen (name) > 31
        || strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789,._+?#-")
               != strlen (name))
      {
        gwt_json_fail (&member, err,
                       "'%s' is no device tree property's name; use at most 31 "
                       "of the characters a-z A-Z 0-9 , . _ + ? # -",
                       name);
        return false;
      }
    switch (json_object_get_type (value))
      {
      case json_type_string:
        continue;
      case json_type_boolean:
        if (json_object_get_boolean (value))
          continue;
        gwt_json_fail (&member, err, "false is no device tree value; leave the member out");
        return false;
      case json_type_int:
        if (json_object_get_int64 (value) >= 0 && json_object_get_int64 (value) <= UINT32_MAX)
          continue;
        gwt_json_fail (&member, err, "the number does not fit a 32-bit cell; use a list of cells");
        return false;
      case json_type_array:
        break;
      case json_type_object:
        if (!check_phandle (&member, err))
          return false;
        continue;
      default:
        gwt_json_fail (&member, err,
                       "use true, a text, a 32-bit number, a list of texts or numbers, or "
                       "{ \"phandle\": ID }");
        return false;
      }
    bool numbers = false;
    for (size_t i = 0; i < gwt_json_count (&member); i++)
      {
        gwt_json_element (&member, i, &element);
        if (i == 0)
          numbers = is_integer (&element);
        int64_t cell = is_integer (&element) ? json_object_get_int64 (element.value) : 0;
        if (numbers != is_integer (&element)
            || (!numbers && !json_object_is_type (element.value, json_type_string)) || cell < 0
            || cell > UINT32_MAX)
          {
            gwt_json_fail (&element, err, "use texts only, or numbers of 32 bits only");
            return false;
          }
      }
  }
  return true;
}

bool
gwt_board_read_fdt_props (const struct gwt_json_at *at, const char *key, GPtrArray *props,
                          struct gwt_error *err)
{
  return gwt_board_read_props (at, key, false, props, err) && check_fdt_props (at, key, err);
}

bool
gwt_board_read_u16 (const struct gwt_json_at *at, const char *key, bool required, uint32_t *value,
                    struct gwt_error *err)
{
  uint64_t wide = *value;
  if (!gwt_json_u64 (at, key, required, &wide, err))
    return false;
  if (wide > 65535)
    {
      struct gwt_json_at member;
      gwt_json_member (at, key, &member);
      gwt_json_fail (&member, err, "%llu is too large; use 0 to 65535", (unsigned long long) wide);
      return false;
    }
  *value = (uint32_t) wide;
  return true;
}

/* BASE and SIZE of AT: a range that does not wrap, SIZE not 0. */
bool
gwt_board_read_range (const struct gwt_json_at *at, uint64_t *base, uint64_t *size,
                      struct gwt_error *err)
{
  if (!gwt_json_u64 (at, "base", true, base, err) || !gwt_json_u64 (at, "size", true, size, err))
    return false;
  if (*size == 0 || *size - 1 > UINT64_MAX - *base)
    {
      gwt_json_fail (at, err,
                     "base 0x%llx and size 0x%llx are no address range; use a size of at "
                     "least 1 that ends within 64 bits",
                     (unsigned long long) *base, (unsigned long long) *size);
      return false;
    }
  return true;
}

/* The id of a device of this board at KEY of AT. */
bool
gwt_board_read_ref (const struct gwt_json_at *at, const char *key, bool required,
                    const struct gwt_board *board, char **id, struct gwt_error *err)
{
  struct gwt_json_at member;
  if (!gwt_json_str (at, key, required, id, err))
    return false;
  if (*id == NULL || gwt_board_device (board, *id) != NULL)
    return true;
  g_autofree const char **names = g_new0 (const char *, board->devices->len + 1);
  for (guint i = 0; i < board->devices->len; i++)
    names[i] = ((struct gwt_board_device *) g_ptr_array_index (board->devices, i))->id;
  g_autofree char *near = gwt_nearest_names (*id, names);
  gwt_json_member (at, key, &member);
  gwt_json_fail (&member, err, "no device of this board has the id '%s'; %s%s", *id,
                 near != NULL ? "did you mean " : "add one, or use another id",
                 near != NULL ? near : "");
  return false;
}

bool
gwt_board_check_phandles (const struct gwt_json_at *at, const char *key,
                          const struct gwt_board *board, struct gwt_error *err)
{
  struct gwt_json_at object, member;
  if (!gwt_json_member (at, key, &object))
    return true;
  json_object_object_foreach (object.value, name, value)
  {
    g_autofree char *id = NULL;
    if (!json_object_is_type (value, json_type_object))
      continue;
    gwt_json_member (&object, name, &member);
    if (!gwt_board_read_ref (&member, "phandle", true, board, &id, err))
      return false;
  }
  return true;
}
