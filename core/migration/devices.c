/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices as entries.  Owns under which name and number a device's sections go; must not know what
 * is in them.
 */
#include "config.h"
#include "core/migration/devices.h"
#include <string.h>
#include "core/backend/block.h"
#include "core/device/device.h"
#include "core/memory/memory.h"
#include "core/util/text.h"

const char *
gwt_migration_device_path (struct gwt_device *device)
{
  struct gwt_device *part;

  for (part = device; part != NULL; part = part->base)
    if (part->type->d.section_path != NULL)
      return part->type->d.section_path (part->instance);
  return NULL;
}

static void
forget (void *data)
{
  gwt_entry_remove (data);
}

bool
gwt_migration_add_device (struct gwt_device *device, struct gwt_error *err)
{
  const struct gwt_device_type *d = &device->type->d;
  const char *path = gwt_migration_device_path (device);
  uint32_t instance = d->section_instance != NULL ? d->section_instance (device->instance)
                                                  : GWT_ENTRY_INSTANCE_AUTO;
  guint i;

  g_hash_table_add (device->attached, (gpointer) "migration");
  for (i = 0; d->states != NULL && d->states[i] != NULL; i++)
    {
      const struct gwt_schema *schema = gwt_schema_of (d->states[i], err);
      struct gwt_entry *entry
          = schema != NULL
                ? gwt_entry_add (path, schema, device->instance, device, instance, err)
                : NULL;

      if (entry == NULL)
        {
          gwt_error_prefix (err, "device '%s'", device->id);
          return false;
        }
      gwt_device_on_destroy (device, forget, entry);
    }
  return true;
}

bool
gwt_migration_add_devices (struct gwt_error *err)
{
  guint count, i;
  g_autofree struct gwt_device **devices = gwt_device_list (&count);

  for (i = 0; i < count; i++)
    if (devices[i]->realized && !g_hash_table_contains (devices[i]->attached, "migration")
        && !gwt_migration_add_device (devices[i], err))
      return false;
  return true;
}

/* The device's own part, or one that it has from a parent. */
static bool
has_state (const struct gwt_device *device)
{
  const struct gwt_device *part;
  uint64_t i;

  for (part = device; part != NULL; part = part->base)
    for (i = 0; i < part->type->d.n_fields; i++)
      if (part->type->fields[i].role == GWT_REG || part->type->fields[i].role == GWT_STATE)
        return true;
  return false;
}

static const char *
unmigratable (const struct gwt_device *device)
{
  const struct gwt_device *part;

  for (part = device; part != NULL; part = part->base)
    if (part->type->d.unmigratable != NULL)
      return part->type->d.unmigratable;
  return NULL;
}

/* ---- files that memory is of --------------------------------------------------------------- */

static char *
file_of_drive (const char *id)
{
  struct gwt_block_details details;
  struct gwt_block *block;

  for (block = gwt_block_find (id); block != NULL; block = details.child)
    {
      gwt_block_describe (block, &details);
      if (*details.filename != '\0')
        return gwt_file_label (details.filename);
    }
  return NULL;
}

/* By convention a text 'image' that is the host's alone names a file. */
static char *
file_of_device (struct gwt_device *device)
{
  g_autofree const char **names = gwt_type_property_names (device->type);
  char *file = NULL;

  for (guint i = 0; names[i] != NULL && file == NULL; i++)
    {
      const struct gwt_field *f = gwt_type_property (device->type, names[i]);
      bool image = f->kind == GWT_STR && (f->flags & GWT_FIELD_HOST_ONLY) != 0
                   && strcmp (f->name, "image") == 0;
      GWT_AUTO_ERROR (ignored);
      struct json_object *value
          = image || f->kind == GWT_BLOCK ? gwt_device_get_json (device, f->name, &ignored) : NULL;
      const char *text = value != NULL ? json_object_get_string (value) : "";

      if (*text != '\0')
        file = image ? gwt_file_label (text) : file_of_drive (text);
      json_object_put (value);
    }
  return file;
}

char *
gwt_migration_block_file (const struct gwt_ram_block *block)
{
  guint count, i, n;
  g_autofree struct gwt_device **devices = gwt_device_list (&count);
  struct gwt_region *region;

  for (i = 0; i < count; i++)
    {
      g_autofree char *file = file_of_device (devices[i]);

      for (n = 0; file != NULL && (region = gwt_memory_device_region (devices[i], n)) != NULL; n++)
        if (gwt_memory_region_block (region) == block)
          return g_steal_pointer (&file);
    }
  return NULL;
}

/* ---- what is left out by hand ---------------------------------------------------------------- */

static const char *const *left_out;

bool
gwt_migration_leave_out (const char *const *ids, struct gwt_error *err)
{
  guint i;

  left_out = ids;
  for (i = 0; ids != NULL && ids[i] != NULL; i++)
    if (gwt_device_find (ids[i]) == NULL)
      {
        gwt_error_set (err, GWT_E_NOT_FOUND,
                       "-migrate-without: '%s': there is no such device; qom-list /machine lists "
                       "them",
                       ids[i]);
        return false;
      }
  return true;
}

bool
gwt_migration_device_left_out (const struct gwt_device *device)
{
  return left_out != NULL && g_strv_contains (left_out, device->id);
}

/* ---- what is in the way ---------------------------------------------------------------------- */

char **
gwt_migration_blockers (void)
{
  g_autoptr (GPtrArray) reasons = g_ptr_array_new ();
  guint count, i;
  g_autofree struct gwt_device **devices = gwt_device_list (&count);

  for (i = 0; i < count; i++)
    {
      const struct gwt_type *type = devices[i]->type;
      const char *reason = unmigratable (devices[i]);

      if (gwt_migration_device_left_out (devices[i]))
        continue;
      if (reason != NULL)
        g_ptr_array_add (reasons, g_strdup_printf ("device '%s' of type '%s': %s", devices[i]->id,
                                                   type->d.name, reason));
      else if (type->d.states == NULL && has_state (devices[i]))
        g_ptr_array_add (reasons,
                         g_strdup_printf ("device '%s' of type '%s': it has state and no schema",
                                          devices[i]->id, type->d.name));
    }
  g_ptr_array_add (reasons, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&reasons), FALSE);
}
