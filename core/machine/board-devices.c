/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the devices of a board file: where they lie and how they are wired.  It must not know any
 * device type.
 */
#include "config.h"
#include "core/machine/board-values.h"
#include <string.h>

static void
wire_free (gpointer data)
{
  struct gwt_board_wire *wire = data;
  g_free (wire->out);
  g_free (wire->to);
  g_free (wire->in);
  g_free (wire->where);
  g_free (wire);
}

void
gwt_board_device_free (gpointer data)
{
  struct gwt_board_device *device = data;
  g_free (device->id);
  g_free (device->type);
  g_free (device->where);
  g_array_unref (device->at);
  g_ptr_array_unref (device->wires);
  g_ptr_array_unref (device->props);
  g_free (device->serial_property);
  g_free (device->pflash_property);
  g_free (device->fdt_parent);
  g_free (device->fdt_join);
  g_ptr_array_unref (device->fdt_props);
  g_free (device);
}

static bool
read_wires (const struct gwt_json_at *at, GPtrArray *wires, struct gwt_error *err)
{
  static const char *const keys[] = { "out", "index", "per", "to", "in", "line", NULL };
  struct gwt_json_at list, item;
  bool found;
  if (!gwt_json_array (at, "irq", false, &list, &found, err))
    return false;
  for (size_t i = 0; found && i < gwt_json_count (&list); i++)
    {
      gwt_json_element (&list, i, &item);
      struct gwt_board_wire *wire = g_new0 (struct gwt_board_wire, 1);
      g_ptr_array_add (wires, wire);
      g_autofree char *per = NULL;
      wire->where = gwt_json_where (&item);
      if (!gwt_json_keys (&item, keys, err)
          || !gwt_board_read_name (&item, "out", true, &wire->out, err)
          || !gwt_board_read_u16 (&item, "index", false, &wire->index, err)
          || !gwt_json_str (&item, "per", false, &per, err)
          || !gwt_json_str (&item, "to", false, &wire->to, err)
          || !gwt_board_read_name (&item, "in", true, &wire->in, err)
          || !gwt_board_read_u16 (&item, "line", true, &wire->line, err))
        return false;
      wire->per_cpu = per != NULL;
      if (per != NULL && strcmp (per, "cpu") != 0)
        {
          gwt_json_fail_at (&item, "per", err, "per '%s' is not known; the only one is 'cpu'", per);
          return false;
        }
      if (wire->per_cpu == (wire->to != NULL))
        {
          gwt_json_fail (&item, err, "a wire needs either 'to' or 'per', one of them");
          return false;
        }
    }
  return true;
}

static bool
read_place (const struct gwt_json_at *at, struct gwt_board_place *place, struct gwt_error *err)
{
  static const char *const keys[] = { "above-ram", NULL };
  if (!json_object_is_type (at->value, json_type_object))
    return gwt_json_as_u64 (at, &place->address, err);
  if (!gwt_json_keys (at, keys, err)
      || !gwt_json_u64 (at, "above-ram", true, &place->align, err))
    return false;
  if (place->align >= 4096 && (place->align & (place->align - 1)) == 0)
    return true;
  gwt_json_fail_at (at, "above-ram", err,
                    "0x%llx is no alignment; use a power of two, at least 4K",
                    (unsigned long long) place->align);
  return false;
}

static bool
read_device (const struct gwt_json_at *at, struct gwt_board_device *device, struct gwt_error *err)
{
  static const char *const keys[]
      = { "id", "type", "doc", "at", "irq", "props", "serial", "pflash", "fdt", NULL };
  static const char *const fdt_keys[] = { "parent", "join", "props", NULL };
  static const char *const serial_keys[] = { "number", "property", NULL };
  static const char *const pflash_keys[] = { "unit", "property", NULL };
  struct gwt_json_at sub, item;
  g_autofree char *doc = NULL;
  bool found;
  uint32_t number = 0;

  device->where = gwt_json_where (at);
  if (!gwt_json_keys (at, keys, err) || !gwt_json_str (at, "id", true, &device->id, err)
      || !gwt_board_read_name (at, "type", true, &device->type, err)
      || !gwt_json_str (at, "doc", false, &doc, err))
    return false;
  if (!gwt_json_array (at, "at", false, &sub, &found, err))
    return false;
  for (size_t i = 0; found && i < gwt_json_count (&sub); i++)
    {
      struct gwt_board_place place = { 0, 0 };
      gwt_json_element (&sub, i, &item);
      if (!read_place (&item, &place, err))
        return false;
      g_array_append_val (device->at, place);
    }
  if (!read_wires (at, device->wires, err)
      || !gwt_board_read_props (at, "props", true, device->props, err)
      || !gwt_json_object (at, "serial", false, &sub, &found, err))
    return false;
  if (found)
    {
      if (!gwt_json_keys (&sub, serial_keys, err)
          || !gwt_board_read_u16 (&sub, "number", true, &number, err)
          || !gwt_board_read_name (&sub, "property", true, &device->serial_property, err))
        return false;
      device->serial = (int) number;
    }
  if (!gwt_json_object (at, "pflash", false, &sub, &found, err))
    return false;
  if (found)
    {
      if (!gwt_json_keys (&sub, pflash_keys, err)
          || !gwt_board_read_u16 (&sub, "unit", true, &number, err)
          || !gwt_board_read_name (&sub, "property", true, &device->pflash_property, err))
        return false;
      device->pflash = (int) number;
    }
  if (!gwt_json_object (at, "fdt", false, &sub, &found, err))
    return false;
  if (found
      && (!gwt_json_keys (&sub, fdt_keys, err)
          || !gwt_json_str (&sub, "parent", false, &device->fdt_parent, err)
          || !gwt_json_str (&sub, "join", false, &device->fdt_join, err)
          || !gwt_board_read_fdt_props (&sub, "props", device->fdt_props, err)))
    return false;
  if (strcmp (device->fdt_parent, "/soc") != 0 && strcmp (device->fdt_parent, "/") != 0)
    {
      gwt_json_fail_at (&sub, "parent", err, "parent '%s' is not known; use '/soc' or '/'",
                        device->fdt_parent);
      return false;
    }
  return true;
}

bool
gwt_board_read_devices (const struct gwt_json_at *root, struct gwt_board *board,
                        struct gwt_error *err)
{
  struct gwt_json_at list, item;
  bool found;
  if (!gwt_json_array (root, "devices", false, &list, &found, err) || !found)
    return !gwt_error_is_set (err);
  if (gwt_json_count (&list) > GWT_BOARD_DEVICES_MAX)
    {
      gwt_json_fail (&list, err, "more than %d devices; use fewer", GWT_BOARD_DEVICES_MAX);
      return false;
    }
  for (size_t i = 0; i < gwt_json_count (&list); i++)
    {
      gwt_json_element (&list, i, &item);
      struct gwt_board_device *device = g_new0 (struct gwt_board_device, 1);
      device->at = g_array_new (FALSE, FALSE, sizeof (struct gwt_board_place));
      device->wires = g_ptr_array_new_with_free_func (wire_free);
      device->props = g_ptr_array_new_with_free_func (gwt_board_prop_free);
      device->fdt_props = g_ptr_array_new_with_free_func (gwt_board_prop_free);
      device->fdt_parent = g_strdup ("/soc");
      device->serial = device->pflash = -1;
      g_ptr_array_add (board->devices, device);
      if (!read_device (&item, device, err))
        return false;
      for (guint n = 0; n + 1 < board->devices->len; n++)
        {
          const struct gwt_board_device *other = g_ptr_array_index (board->devices, n);
          if (strcmp (other->id, device->id) == 0)
            {
              gwt_json_fail_at (&item, "id", err, "id '%s' is taken by %s; choose another",
                                device->id, other->where);
              return false;
            }
          if (device->pflash >= 0 && other->pflash == device->pflash)
            {
              gwt_json_fail_at (&item, "pflash", err,
                                "flash unit %d is '%s' already; choose another number",
                                device->pflash, other->id);
              return false;
            }
          if (device->serial >= 0 && other->serial == device->serial)
            {
              gwt_json_fail_at (&item, "serial", err,
                                "serial port %d is '%s' already; choose another number",
                                device->serial, other->id);
              return false;
            }
        }
    }
  return true;
}

/* References from one device to another, which may stand later in the file. */
bool
gwt_board_check_refs (const struct gwt_json_at *root, const struct gwt_board *board,
                      struct gwt_error *err)
{
  struct gwt_json_at list, item, sub, wire;
  for (guint i = 0; i < board->devices->len; i++)
    {
      const struct gwt_board_device *device = g_ptr_array_index (board->devices, i);
      g_autofree char *id = NULL;
      gwt_json_member (root, "devices", &list);
      gwt_json_element (&list, i, &item);
      if (gwt_json_member (&item, "fdt", &sub)
          && (!gwt_board_read_ref (&sub, "join", false, board, &id, err)
              || !gwt_board_check_phandles (&sub, "props", board, err)))
        return false;
      if (device->fdt_join != NULL
          && (strcmp (device->fdt_join, device->id) == 0
              || gwt_board_device (board, device->fdt_join)->fdt_join != NULL))
        {
          gwt_json_fail_at (&sub, "join", err,
                            "'%s' has no node to join; name a device with its own",
                            device->fdt_join);
          return false;
        }
      for (guint n = 0; n < device->wires->len; n++)
        {
          g_autofree char *to = NULL;
          gwt_json_member (&item, "irq", &sub);
          gwt_json_element (&sub, n, &wire);
          if (!gwt_board_read_ref (&wire, "to", false, board, &to, err))
            return false;
        }
    }
  return true;
}
