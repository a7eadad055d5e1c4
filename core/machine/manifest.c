/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes down the machine as it stands: see manifest.h.  Everything is read off devices, their
 * rows and the board; it must not know any device type, nor compare anything.
 */
#include "config.h"
#include "core/machine/manifest.h"
#include <string.h>
#include "core/cpu/icount.h"
#include "core/device/facts.h"
#include "core/device/field.h"
#include "core/device/irq.h"
#include "core/device/value.h"
#include "core/machine/boot.h"
#include "core/migration/devices.h"
#include "core/migration/entry.h"
#include "core/plugin/loader.h"
#include "core/util/build-id.h"
#include "core/util/text.h"
#include "core/vmstate/layout.h"

#define PROGRAM PACKAGE_NAME " " PACKAGE_VERSION
/* Above this, devices are told by what they have different from the first of their type: hundreds
   of CPUs differ in little but a number. */
#define LONG_TEXT (1u << 20)

void
gwt_machine_set_history (struct gwt_machine *machine, struct gwt_manifest *source)
{
  struct gwt_manifest *old = machine->came_with;

  machine->came_with = source != NULL ? gwt_manifest_ref (source) : NULL;
  gwt_manifest_unref (old);
}

static void
add (struct json_object *to, const char *name, struct json_object *value)
{
  json_object_object_add (to, name, value);
}

/* Texts of ours come from command lines and files; a reader takes one printable line. */
static void
add_line (struct json_object *to, const char *name, const char *text)
{
  g_autofree char *line = gwt_one_line (text);

  add (to, name, json_object_new_string (line));
}

static void
add_u64 (struct json_object *to, const char *name, uint64_t value)
{
  add (to, name, json_object_new_uint64 (value));
}

/* ---- the machine ----------------------------------------------------------------------------- */

/* What a guest that comes cannot say any more. */
static struct json_object *
given_json (const struct gwt_machine *machine)
{
  struct json_object *list = json_object_new_array ();

  if (machine->config.smp != NULL)
    json_object_array_add (list, json_object_new_string ("smp"));
  if (machine->config.memory != NULL || machine->memdev != NULL)
    json_object_array_add (list, json_object_new_string ("memory"));
  if (machine->config.cpu != NULL)
    json_object_array_add (list, json_object_new_string ("cpu"));
  return list;
}

char *
gwt_machine_uuid (const struct gwt_machine *machine)
{
  const uint8_t *u = machine->config.uuid;

  return u == NULL ? NULL
                   : g_strdup_printf (
                       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0],
                       u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
                       u[13], u[14], u[15]);
}

static struct json_object *
machine_json (const struct gwt_machine *machine)
{
  struct json_object *to = json_object_new_object (), *chain = json_object_new_array ();
  g_autofree char *uuid = gwt_machine_uuid (machine);
  guint i;

  add (to, "type", json_object_new_string (machine->name));
  for (i = 0; i < machine->choice->chain->len; i++)
    {
      const struct gwt_machine_type *type = g_ptr_array_index (machine->choice->chain, i);

      json_object_array_add (chain, json_object_new_string (type->name));
    }
  /* A board file that was named itself has no machine type. */
  if (i == 0)
    json_object_array_add (chain, json_object_new_string (machine->name));
  add (to, "chain", chain);
  add (to, "board", json_object_new_string (machine->board->name));
  add (to, "given", given_json (machine));
  if (uuid != NULL)
    add (to, "uuid", json_object_new_string (uuid));
  return to;
}

static struct json_object *
smp_json (const struct gwt_topology *t)
{
  struct json_object *to = json_object_new_object ();

  add_u64 (to, "cpus", t->cpus);
  add_u64 (to, "sockets", t->sockets);
  add_u64 (to, "cores", t->cores);
  add_u64 (to, "threads", t->threads);
  return to;
}

static struct json_object *
blocks_json (void)
{
  struct json_object *list = json_object_new_array ();
  guint count, i;
  g_autofree struct gwt_ram_block **blocks = gwt_memory_blocks (&count);

  for (i = 0; i < count; i++)
    {
      g_autofree char *file = NULL;
      struct json_object *block;

      if ((blocks[i]->flags & GWT_RAM_MIGRATED) == 0)
        continue;
      block = json_object_new_object ();
      add (block, "name", json_object_new_string (blocks[i]->name));
      add_u64 (block, "size", blocks[i]->size);
      if ((blocks[i]->flags & GWT_RAM_READ_ONLY) != 0)
        add (block, "read-only", json_object_new_boolean (1));
      file = gwt_migration_block_file (blocks[i]);
      if (file != NULL)
        add (block, "file", json_object_new_string (file));
      json_object_array_add (list, block);
    }
  return list;
}

static const char *
block_at (uint64_t address)
{
  guint count, i;
  g_autofree struct gwt_ram_block **blocks = gwt_memory_blocks (&count);

  for (i = 0; i < count; i++)
    {
      uint64_t base = gwt_memory_block_address (blocks[i]);

      if (base != 0 && address >= base && address - base < blocks[i]->size)
        return blocks[i]->name;
    }
  return NULL;
}

/* For people: what is in memory travels, whatever file there is at the other end. */
static struct json_object *
firmware_json (const struct gwt_machine *machine)
{
  struct json_object *list = json_object_new_array (), *to;
  const struct gwt_boot *boot = machine->boot;
  g_autofree char *file = NULL, *hash = NULL;
  const char *block;

  /* A migration begins: what is slow of its last section is done now. */
  if (boot != NULL)
    gwt_boot_sum (machine->boot);
  if (boot == NULL || !boot->has_firmware || boot->firmware.blob.data == NULL)
    return list;
  to = json_object_new_object ();
  block = block_at (boot->firmware.low);
  if (block != NULL)
    add (to, "block", json_object_new_string (block));
  file = gwt_file_label (boot->firmware.file);
  add (to, "file", json_object_new_string (file));
  add_u64 (to, "size", boot->firmware.blob.size);
  hash = g_compute_checksum_for_data (G_CHECKSUM_SHA256, boot->firmware.blob.data,
                                      boot->firmware.blob.size);
  add (to, "sha256", json_object_new_string (hash));
  json_object_array_add (list, to);
  return list;
}

/* ---- plugins --------------------------------------------------------------------------------- */

static gint
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Those that the machine's devices are of, wholly or in part. */
static struct json_object *
plugins_json (const struct gwt_machine *machine, struct gwt_device **devices, guint count)
{
  struct json_object *list = json_object_new_array ();
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();
  guint i;

  for (i = 0; i < count; i++)
    for (const struct gwt_type *type = devices[i]->type; type != NULL;
         type = gwt_type_parent (type))
      if (!g_ptr_array_find_with_equal_func (ids, type->plugin_id, g_str_equal, NULL))
        g_ptr_array_add (ids, (gpointer) type->plugin_id);
  g_ptr_array_sort (ids, by_name);
  for (i = 0; i < ids->len; i++)
    {
      const char *id = g_ptr_array_index (ids, i);
      const char *level = gwt_machine_choice_level (machine->choice, id);
      const struct gwt_plugin_info *info = gwt_loader_find (id);
      struct json_object *plugin = json_object_new_object ();

      add (plugin, "id", json_object_new_string (id));
      add (plugin, "version",
           json_object_new_string (info != NULL && info->version != NULL ? info->version : "0"));
      if (info != NULL && info->build != NULL)
        add (plugin, "build", json_object_new_string (info->build));
      if (level != NULL)
        add (plugin, "level", json_object_new_string (level));
      json_object_array_add (list, plugin);
    }
  return list;
}

/* ---- properties ------------------------------------------------------------------------------ */

static struct json_object *
row_value (const struct gwt_field *f, const char *text)
{
  GWT_AUTO_ERROR (ignored);
  struct gwt_value value = { 0 };
  struct json_object *json = gwt_value_from_text (f, text, &value, &ignored)
                                 ? gwt_value_to_json (f, &value)
                                 : json_object_new_string (text);

  gwt_value_clear (&value);
  return json;
}

/* Of all plugins that TYPE is of, in the order in which they are applied. */
static void
add_rows (struct json_object *list, const struct gwt_type *type, const struct gwt_type *outer,
          const struct gwt_field *f)
{
  const struct gwt_type *parent = gwt_type_parent (type);
  const struct gwt_plugin_info *info;

  if (parent != NULL)
    add_rows (list, parent, outer, f);
  for (; parent != NULL; parent = gwt_type_parent (parent))
    if (strcmp (parent->plugin_id, type->plugin_id) == 0)
      return; /* done with that one */
  info = gwt_loader_find (type->plugin_id);
  for (guint i = 0; info != NULL && info->plugin != NULL && i < info->plugin->n_compat; i++)
    {
      const struct gwt_compat_row *row = &info->plugin->compat[i];
      struct json_object *entry;

      if (strcmp (row->property, f->name) != 0 || !gwt_type_is_a (outer, row->type))
        continue;
      entry = json_object_new_object ();
      if (strcmp (type->plugin_id, outer->plugin_id) != 0)
        add (entry, "plugin", json_object_new_string (type->plugin_id));
      add (entry, "level", json_object_new_string (row->level));
      add (entry, "value", row_value (f, row->value));
      json_object_array_add (list, entry);
    }
}

/* What this binary could do. */
static void
add_range (struct json_object *to, const struct gwt_type *type, const struct gwt_field *f)
{
  struct json_object *min, *max, *rows = json_object_new_array ();
  GWT_AUTO_ERROR (ignored);
  struct gwt_value value = { 0 };

  if ((f->flags & GWT_FIELD_REQUIRED) == 0 && gwt_value_default (f, &value, &ignored))
    add (to, "default", gwt_value_to_json (f, &value));
  gwt_value_clear (&value);
  if (gwt_field_limits_json (f, &min, &max))
    {
      add (to, "min", min);
      add (to, "max", max);
    }
  if (f->values != NULL)
    {
      struct json_object *names = json_object_new_array ();
      g_auto (GStrv) list = gwt_field_values (f);

      for (char **n = list; *n != NULL; n++)
        json_object_array_add (names, json_object_new_string (*n));
      add (to, "values", names);
    }
  if (f->facts != NULL)
    {
      struct json_object *facts = json_object_new_array ();
      g_auto (GStrv) list = gwt_field_facts (f);

      for (char **n = list; *n != NULL; n++)
        json_object_array_add (facts, json_object_new_string (*n));
      add (to, "facts", facts);
    }
  add_rows (rows, type, type, f);
  if (json_object_array_length (rows) > 0)
    add (to, "rows", rows);
  else
    json_object_put (rows);
}

/* Which process set the value. */
static guint
hop_of (const struct gwt_machine *machine, const struct gwt_device *device, const char *name,
        enum gwt_source source)
{
  const struct gwt_manifest *before = machine->came_with;
  const struct gwt_manifest_device *d
      = before != NULL ? gwt_manifest_device (before, device->id) : NULL;
  const struct gwt_manifest_property *p = d != NULL ? gwt_manifest_property (d, name) : NULL;

  if (source == GWT_SOURCE_INCOMING && p != NULL)
    return p->hop;
  return before != NULL ? before->n_hops : 0;
}

static struct json_object *
property_json (const struct gwt_machine *machine, struct gwt_device *device,
               const struct gwt_field *f, struct gwt_error *err)
{
  const struct gwt_provenance *from = gwt_device_provenance (device, f->name);
  struct json_object *to = json_object_new_object ();

  add (to, "value", gwt_device_get_json (device, f->name, err));
  add (to, "source", json_object_new_string (gwt_source_name (from->source)));
  if (from->detail != NULL && from->detail[0] != '\0')
    add_line (to, "detail", from->detail);
  add_u64 (to, "hop", hop_of (machine, device, f->name, from->source));
  add_range (to, device->type, f);
  return to;
}

/* The id of a back end, which is the host's affair, goes to BACKENDS; what is the host's alone
   nowhere. */
static struct json_object *
properties_json (const struct gwt_machine *machine, struct gwt_device *device,
                 struct json_object *backends, struct gwt_error *err)
{
  struct json_object *to = json_object_new_object ();
  g_autofree const char **names = gwt_type_property_names (device->type);

  for (guint i = 0; names[i] != NULL; i++)
    {
      const struct gwt_field *f = gwt_type_property (device->type, names[i]);

      if (f->kind == GWT_CHARDEV || f->kind == GWT_BLOCK || f->kind == GWT_NETDEV)
        {
          struct json_object *id = gwt_device_get_json (device, f->name, err);

          if (id != NULL)
            add (backends, f->name, id);
        }
      else if ((f->flags & GWT_FIELD_HOST_ONLY) == 0)
        add (to, f->name, property_json (machine, device, f, err));
    }
  return to;
}

/* ---- where a device is ----------------------------------------------------------------------- */

static void
add_given (struct json_object *to, const struct gwt_spec *spec, const struct gwt_device *device,
           const char *key)
{
  struct json_object *object;
  GWT_AUTO_ERROR (ignored);
  uint64_t value;

  if (gwt_type_property (device->type, key) == NULL
      && json_object_object_get_ex (spec->props, key, &object)
      && gwt_parse_u64 (json_object_get_string (object), false, &value, &ignored))
    add_u64 (to, key, value);
}

/* What a board has mapped and wired; a device's own mappings are the guest's affair. */
static void
add_platform (struct json_object *to, struct gwt_device *device)
{
  struct json_object *regions = json_object_new_array (), *lines = json_object_new_array ();
  struct gwt_region *region;
  uint32_t outputs = gwt_irq_output_count (device, "irq"), line;

  for (guint i = 0; (region = gwt_memory_device_region (device, i)) != NULL; i++)
    {
      struct json_object *entry;
      uint64_t address;

      if (gwt_memory_region_kept (region) || !gwt_memory_region_address (region, &address))
        continue;
      entry = json_object_new_object ();
      add_line (entry, "name", gwt_memory_region_name (region));
      add_u64 (entry, "address", address);
      add_u64 (entry, "size", gwt_memory_region_size (region));
      json_object_array_add (regions, entry);
    }
  for (uint32_t i = 0; i < outputs; i++)
    {
      struct gwt_device *target = gwt_irq_target (device, "irq", i, &line);
      struct json_object *entry;

      if (target == NULL)
        continue;
      entry = json_object_new_object ();
      add (entry, "to", json_object_new_string (target->id));
      add_u64 (entry, "line", line);
      json_object_array_add (lines, entry);
    }
  if (json_object_array_length (regions) > 0)
    add (to, "regions", regions);
  else
    json_object_put (regions);
  if (json_object_array_length (lines) > 0)
    add (to, "lines", lines);
  else
    json_object_put (lines);
}

static struct json_object *
place_json (const struct gwt_machine *machine, struct gwt_device *device)
{
  struct json_object *to = json_object_new_object ();
  const char *path = gwt_migration_device_path (device);
  guint index;

  if (g_ptr_array_find (machine->user_devices, device, &index)
      && index < machine->user_specs->len)
    {
      const struct gwt_spec *spec = g_ptr_array_index (machine->user_specs, index);

      add_given (to, spec, device, "at");
      add_given (to, spec, device, "irq");
    }
  add_platform (to, device);
  if (path != NULL)
    add_line (to, "path", path);
  return to;
}

static const char *
origin_of (const struct gwt_machine *machine, struct gwt_device *device)
{
  if (g_ptr_array_find (machine->cpus, device, NULL))
    return "cpu";
  if (device->hotplugged)
    return "hotplug";
  return g_ptr_array_find (machine->user_devices, device, NULL) ? "user" : "board";
}

/* ---- sections -------------------------------------------------------------------------------- */

static struct json_object *
section_json (const struct gwt_entry *entry)
{
  struct json_object *to = json_object_new_object (), *layout;

  add (to, "name", json_object_new_string (entry->name));
  add_u64 (to, "instance", entry->instance);
  if (entry->schema == NULL)
    {
      add_u64 (to, "version", entry->version);
      return to;
    }
  if (entry->schema->d.needed != NULL)
    add (to, "optional", json_object_new_boolean (1));
  layout = gwt_layout_json (entry->schema, entry->device);
  json_object_object_foreach (layout, name, value)
  {
    add (to, name, json_object_get (value));
  }
  json_object_put (layout);
  return to;
}

/* Those of DEVICE; NULL: of no device.  What is left out at both ends is in no stream. */
static struct json_object *
sections_json (const struct gwt_device *device)
{
  struct json_object *list = json_object_new_array ();
  guint count, i;
  g_autofree struct gwt_entry **entries = gwt_entries (&count);

  for (i = 0; i < count; i++)
    if (entries[i]->device == device
        && (device == NULL || !gwt_migration_device_left_out (device)))
      json_object_array_add (list, section_json (entries[i]));
  return list;
}

/* ---- devices --------------------------------------------------------------------------------- */

static void
add_unless_empty (struct json_object *to, const char *name, struct json_object *object)
{
  if (json_object_object_length (object) > 0)
    add (to, name, object);
  else
    json_object_put (object);
}

static struct json_object *
device_json (const struct gwt_machine *machine, struct gwt_device *device, struct gwt_error *err)
{
  struct json_object *to = json_object_new_object (), *parents = json_object_new_array (),
                     *backends = json_object_new_object (), *properties, *facts;

  add (to, "id", json_object_new_string (device->id));
  add (to, "type", json_object_new_string (device->type->d.name));
  for (const struct gwt_type *parent = gwt_type_parent (device->type); parent != NULL;
       parent = gwt_type_parent (parent))
    json_object_array_add (parents, json_object_new_string (parent->d.name));
  add (to, "parents", parents);
  add (to, "plugin", json_object_new_string (device->type->plugin_id));
  add (to, "origin", json_object_new_string (origin_of (machine, device)));
  add_unless_empty (to, "place", place_json (machine, device));
  properties = properties_json (machine, device, backends, err);
  add_unless_empty (to, "backends", backends);
  add (to, "properties", properties);
  facts = gwt_facts_json (device);
  if (facts != NULL)
    add (to, "facts", facts);
  add (to, "sections", sections_json (device));
  return to;
}

/* DEVICE, which has all members, by what it has different from FIRST, which has its type. */
static void
shorten (struct json_object *device, struct json_object *first)
{
  static const char *const same[] = { "type", "parents", "plugin", "origin", "facts", NULL };
  struct json_object *mine = json_object_object_get (device, "properties"),
                     *theirs = json_object_object_get (first, "properties");
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; same[i] != NULL; i++)
    {
      struct json_object *value = json_object_object_get (device, same[i]);

      if (value != NULL && json_object_equal (value, json_object_object_get (first, same[i])))
        json_object_object_del (device, same[i]);
    }
  json_object_object_foreach (mine, name, value)
  {
    if (json_object_equal (value, json_object_object_get (theirs, name)))
      g_ptr_array_add (names, (gpointer) name);
  }
  for (guint i = 0; i < names->len; i++)
    json_object_object_del (mine, g_ptr_array_index (names, i));
  add (device, "like",
       json_object_get (json_object_object_get (first, "id")));
}

static void
shorten_all (struct json_object *devices)
{
  g_autoptr (GHashTable) first = g_hash_table_new (g_str_hash, g_str_equal);

  for (size_t i = 0; i < json_object_array_length (devices); i++)
    {
      struct json_object *device = json_object_array_get_idx (devices, i);
      struct json_object *like;
      /* Facts that FIRST alone has would be taken over. */
      const char *type = json_object_get_string (json_object_object_get (device, "type"));

      like = g_hash_table_lookup (first, type);
      if (like == NULL)
        g_hash_table_insert (first, (char *) type, device);
      else if ((json_object_object_get (device, "facts") == NULL)
               == (json_object_object_get (like, "facts") == NULL))
        shorten (device, like);
    }
}

static struct json_object *
hops_json (const struct gwt_machine *machine)
{
  struct json_object *list = json_object_new_array (), *hop;
  const struct gwt_manifest *before = machine->came_with;

  for (guint i = 0; before != NULL && i < before->n_hops; i++)
    {
      hop = json_object_new_object ();
      add (hop, "program", json_object_new_string (before->hops[i].program));
      add (hop, "machine", json_object_new_string (before->hops[i].machine));
      json_object_array_add (list, hop);
    }
  hop = json_object_new_object ();
  add (hop, "program", json_object_new_string (PROGRAM));
  add (hop, "machine", json_object_new_string (machine->name));
  json_object_array_add (list, hop);
  return list;
}

/* Each property's hop: told to USED, where that is given, else changed by TO. */
static void
visit_hops (struct json_object *devices, bool *used, const guint *to)
{
  for (size_t i = 0; i < json_object_array_length (devices); i++)
    {
      struct json_object *properties
          = json_object_object_get (json_object_array_get_idx (devices, i), "properties");

      json_object_object_foreach (properties, name, value)
      {
        struct json_object *hop = json_object_object_get (value, "hop");
        (void) name;

        if (used != NULL)
          used[json_object_get_int (hop)] = true;
        else
          json_object_set_int64 (hop, to[json_object_get_int (hop)]);
      }
    }
}

/* Hops that set no value make room for those to come, the oldest first. */
static void
forget_hops (struct json_object *root)
{
  struct json_object *hops = json_object_object_get (root, "hops"),
                     *devices = json_object_object_get (root, "devices"), *kept;
  size_t count = json_object_array_length (hops), surplus, i;
  g_autofree bool *used = g_new0 (bool, count);
  g_autofree guint *to = g_new0 (guint, count);

  if (count <= GWT_MANIFEST_HOPS_MAX)
    return;
  surplus = count - GWT_MANIFEST_HOPS_MAX / 2;
  visit_hops (devices, used, NULL);
  used[count - 1] = true; /* this process */
  kept = json_object_new_array ();
  for (i = 0; i < count; i++)
    {
      if (!used[i] && surplus > 0)
        {
          surplus--;
          continue;
        }
      to[i] = (guint) json_object_array_length (kept);
      json_object_array_add (kept, json_object_get (json_object_array_get_idx (hops, i)));
    }
  visit_hops (devices, NULL, to);
  json_object_object_add (root, "hops", kept);
}

static struct json_object *
whole_json (struct gwt_machine *machine, struct gwt_error *err)
{
  struct json_object *to = json_object_new_object (), *list = json_object_new_array ();
  g_autofree char *build = gwt_build_id (PROGRAM);
  guint count, i;
  g_autofree struct gwt_device **devices = gwt_device_list (&count);

  add_u64 (to, "godwit-manifest", GWT_MANIFEST_FORMAT);
  add (to, "program", json_object_new_string (PROGRAM));
  if (build != NULL)
    add (to, "build", json_object_new_string (build));
  add (to, "machine", machine_json (machine));
  add (to, "smp", smp_json (&machine->topology));
  add (to, "cpu", json_object_new_string (machine->model->name));
  add_u64 (to, "memory", machine->ram_size);
  if (gwt_icount_on ())
    add_u64 (to, "icount", gwt_icount_shift ());
  add (to, "blocks", blocks_json ());
  add (to, "firmware", firmware_json (machine));
  add (to, "plugins", plugins_json (machine, devices, count));
  for (i = 0; i < count; i++)
    json_object_array_add (list, device_json (machine, devices[i], err));
  add (to, "devices", list);
  add (to, "sections", sections_json (NULL));
  add (to, "hops", hops_json (machine));
  return to;
}

struct gwt_manifest *
gwt_machine_manifest (struct gwt_machine *machine, struct gwt_error *err)
{
  const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
  struct gwt_manifest *m = NULL;
  struct json_object *root;
  const char *text;
  size_t size;

  root = whole_json (machine, err);
  forget_hops (root);
  text = json_object_to_json_string_length (root, flags, &size);
  if (text != NULL && size > LONG_TEXT)
    {
      shorten_all (json_object_object_get (root, "devices"));
      text = json_object_to_json_string_length (root, flags, &size);
    }
  if (!gwt_error_is_set (err))
    m = gwt_manifest_parse ("the manifest of this machine", text, size, err);
  json_object_put (root);
  return m;
}
