/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Judges and holds a manifest: see manifest.h.  The text may come from anywhere, so nothing is
 * taken that was not looked at, and every refusal names the path inside the document.
 */
#include "config.h"
#include "core/migration/manifest.h"
#include <string.h>
#include "core/migration/manifest-internal.h"
#include "core/util/json.h"
#include "core/util/text.h"

/* ---- the rest -------------------------------------------------------------------------------- */

static bool
take_block (struct reader *r, struct json_object *value, GArray *into)
{
  struct gwt_manifest_block block = { 0 };
  guint i;

  if (!gwt_manifest_wants (r, value, json_type_object)
      || !gwt_manifest_text_member (r, value, "name", true, &block.name)
      || !gwt_manifest_u64 (r, value, "size", true, 1, INT64_MAX, &block.size, NULL)
      || !gwt_manifest_bool (r, value, "read-only", &block.read_only)
      || !gwt_manifest_text_member (r, value, "file", false, &block.file))
    return false;
  for (i = 0; i < into->len; i++)
    if (strcmp (g_array_index (into, struct gwt_manifest_block, i).name, block.name) == 0)
      return gwt_manifest_fail (r, GWT_E_EXISTS, "block '%s' is there twice; name it once",
                                block.name);
  g_array_append_val (into, block);
  return true;
}

static bool
take_firmware (struct reader *r, struct json_object *value, GArray *into)
{
  struct gwt_manifest_firmware firmware = { 0 };

  if (!gwt_manifest_wants (r, value, json_type_object)
      || !gwt_manifest_text_member (r, value, "block", false, &firmware.block)
      || !gwt_manifest_text_member (r, value, "file", true, &firmware.file)
      || !gwt_manifest_u64 (r, value, "size", true, 0, INT64_MAX, &firmware.size, NULL)
      || !gwt_manifest_text_member (r, value, "sha256", true, &firmware.sha256))
    return false;
  if (strlen (firmware.sha256) != 64 || strspn (firmware.sha256, "0123456789abcdef") != 64)
    return gwt_manifest_fail (r, GWT_E_INVALID,
                              "'%s' is no SHA-256; use 64 hexadecimal digits in lower case",
                              firmware.sha256);
  g_array_append_val (into, firmware);
  return true;
}

static bool
take_plugin (struct reader *r, struct json_object *value, GArray *into)
{
  struct gwt_manifest_plugin plugin = { 0 };

  if (!gwt_manifest_wants (r, value, json_type_object)
      || !gwt_manifest_text_member (r, value, "id", true, &plugin.id)
      || !gwt_manifest_text_member (r, value, "version", true, &plugin.version)
      || !gwt_manifest_check_level (r, "version", plugin.version)
      || !gwt_manifest_text_member (r, value, "build", false, &plugin.build)
      || !gwt_manifest_text_member (r, value, "level", false, &plugin.level)
      || !gwt_manifest_check_level (r, "level", plugin.level))
    return false;
  if (!gwt_name_is_valid (plugin.id))
    return gwt_manifest_fail (r, GWT_E_INVALID,
                              "'%s' is no plugin's id; use lower case, digits and '-'", plugin.id);
  if (!g_hash_table_add (r->plugins, (char *) plugin.id))
    return gwt_manifest_fail (r, GWT_E_EXISTS, "plugin '%s' is there twice; name it once",
                              plugin.id);
  g_array_append_val (into, plugin);
  return true;
}

static bool
take_hop (struct reader *r, struct json_object *value, GArray *into)
{
  struct gwt_manifest_hop hop = { 0 };

  if (!gwt_manifest_wants (r, value, json_type_object)
      || !gwt_manifest_text_member (r, value, "program", true, &hop.program)
      || !gwt_manifest_text_member (r, value, "machine", true, &hop.machine))
    return false;
  g_array_append_val (into, hop);
  return true;
}

static bool
check_uuid (struct reader *r, const char *uuid)
{
  if (uuid == NULL || g_uuid_string_is_valid (uuid))
    return true;
  gwt_manifest_enter (r, "uuid");
  return gwt_manifest_fail (r, GWT_E_INVALID, "'%s' is no UUID; use the form %s", uuid,
                            "\"12345678-9abc-def0-1234-56789abcdef0\"");
}

/* What is not known here is left alone. */
static bool
take_given (struct reader *r, struct json_object *machine)
{
  struct gwt_manifest *m = &r->held->m;
  const char *const *given = gwt_manifest_names (r, machine, "given", false);

  if (given == NULL)
    return false;
  m->tells_given = json_object_object_get_ex (machine, "given", NULL);
  m->smp_given = g_strv_contains (given, "smp");
  m->memory_given = g_strv_contains (given, "memory");
  m->cpu_given = g_strv_contains (given, "cpu");
  return true;
}

static bool
take_machine (struct reader *r, struct json_object *root)
{
  struct gwt_manifest *m = &r->held->m;
  struct json_object *machine, *smp;
  gsize length;

  if (!gwt_manifest_member (r, root, "machine", json_type_object, true, &machine))
    return false;
  length = gwt_manifest_enter (r, "machine");
  if (!gwt_manifest_text_member (r, machine, "type", true, &m->type)
      || (m->chain = gwt_manifest_names (r, machine, "chain", true)) == NULL
      || !gwt_manifest_text_member (r, machine, "board", true, &m->board)
      || !gwt_manifest_text_member (r, machine, "uuid", false, &m->uuid)
      || !check_uuid (r, m->uuid) || !take_given (r, machine))
    return false;
  if (m->chain[0] == NULL || strcmp (m->chain[0], m->type) != 0)
    {
      gwt_manifest_enter (r, "chain");
      return gwt_manifest_fail (r, GWT_E_INVALID,
                                "it begins with '%s'; begin it with '%s', the machine's type",
                                m->chain[0] != NULL ? m->chain[0] : "", m->type);
    }
  gwt_manifest_leave (r, length);
  if (!gwt_manifest_member (r, root, "smp", json_type_object, true, &smp))
    return false;
  gwt_manifest_enter (r, "smp");
  if (!gwt_manifest_u32 (r, smp, "cpus", true, 1, CPUS_MAX, &m->cpus)
      || !gwt_manifest_u32 (r, smp, "sockets", true, 1, CPUS_MAX, &m->sockets)
      || !gwt_manifest_u32 (r, smp, "cores", true, 1, CPUS_MAX, &m->cores)
      || !gwt_manifest_u32 (r, smp, "threads", true, 1, CPUS_MAX, &m->threads))
    return false;
  if ((uint64_t) m->sockets * m->cores > CPUS_MAX
      || (uint64_t) m->sockets * m->cores * m->threads != m->cpus)
    return gwt_manifest_fail (
        r, GWT_E_INVALID,
        "%u sockets with %u cores with %u threads are not %u cpus; make them agree", m->sockets,
        m->cores, m->threads, m->cpus);
  gwt_manifest_leave (r, length);
  return gwt_manifest_text_member (r, root, "cpu", true, &m->cpu)
         && gwt_manifest_u64 (r, root, "memory", true, 1, INT64_MAX, &m->memory, NULL)
         && gwt_manifest_u64 (r, root, "icount", false, 0, 63, &m->icount_shift,
                              &m->counts);
}

/* A later release may need its readers to understand something; this one knows nothing of that
   kind. */
static bool
check_needs (struct reader *r, struct json_object *root)
{
  const char *const *needs = gwt_manifest_names (r, root, "needs", false);

  if (needs == NULL)
    return false;
  if (needs[0] == NULL)
    return true;
  gwt_manifest_enter (r, "needs");
  gwt_manifest_enter_index (r, 0);
  return gwt_manifest_fail (
      r, GWT_E_UNSUPPORTED,
      "'%s' is not known here and has to be; use a newer godwit at this end, or "
      "x-manifest=off at the sender's",
      needs[0]);
}

static bool
check_format (struct reader *r, struct json_object *root)
{
  uint64_t format;

  if (!gwt_manifest_u64 (r, root, "godwit-manifest", true, 1, UINT32_MAX, &format, NULL))
    return false;
  if (format == GWT_MANIFEST_FORMAT)
    return true;
  gwt_manifest_enter (r, "godwit-manifest");
  return gwt_manifest_fail (
      r, GWT_E_UNSUPPORTED,
      "manifests of format %" G_GUINT64_FORMAT
      " cannot be read; format %d can: use a newer godwit at this end, or x-manifest=off "
      "at the sender's",
      format, GWT_MANIFEST_FORMAT);
}

static bool
take_device_element (struct reader *r, struct json_object *value, GArray *into)
{
  (void) into;
  return gwt_manifest_take_device (r, value);
}

static bool
take_all (struct reader *r, struct json_object *root)
{
  struct gwt_manifest *m = &r->held->m;
  GArray *list;
  guint i, next;

  if (!gwt_manifest_wants (r, root, json_type_object) || !check_format (r, root)
      || !check_needs (r, root) || !gwt_manifest_text_member (r, root, "program", true, &m->program)
      || !gwt_manifest_text_member (r, root, "build", false, &m->build)
      || !take_machine (r, root))
    return false;
  list = gwt_manifest_list (r, root, "hops", true, GWT_MANIFEST_HOPS_MAX,
                            sizeof (struct gwt_manifest_hop), take_hop);
  if (list == NULL)
    return false;
  m->hops = gwt_manifest_keep (r, list, &m->n_hops);
  if (m->n_hops == 0)
    {
      gwt_manifest_enter (r, "hops");
      return gwt_manifest_fail (r, GWT_E_INVALID,
                                "it is empty; name the process that wrote the manifest");
    }
  list = gwt_manifest_list (r, root, "blocks", true, DEVICES_MAX,
                            sizeof (struct gwt_manifest_block), take_block);
  if (list == NULL)
    return false;
  m->blocks = gwt_manifest_keep (r, list, &m->n_blocks);
  list = gwt_manifest_list (r, root, "firmware", false, 256, sizeof (struct gwt_manifest_firmware),
                            take_firmware);
  if (list == NULL)
    return false;
  m->firmware = gwt_manifest_keep (r, list, &m->n_firmware);
  list = gwt_manifest_list (r, root, "plugins", true, DEVICES_MAX,
                            sizeof (struct gwt_manifest_plugin), take_plugin);
  if (list == NULL)
    return false;
  m->plugins = gwt_manifest_keep (r, list, &m->n_plugins);
  list = gwt_manifest_list (r, root, "devices", true, DEVICES_MAX, 1, take_device_element);
  if (list == NULL)
    return false;
  g_array_free (list, TRUE);
  next = r->sections->len;
  g_array_append_val (r->first, next);
  if (!gwt_manifest_take_sections (r, root))
    return false;

  /* Now nothing moves any more. */
  struct gwt_manifest_device *devices;
  struct gwt_manifest_section *sections;

  m->devices = devices = gwt_manifest_keep (r, g_steal_pointer (&r->devices), &m->n_devices);
  m->sections = sections = gwt_manifest_keep (r, g_steal_pointer (&r->sections), &m->n_sections);
  for (i = 0; i < m->n_devices; i++)
    {
      guint first = g_array_index (r->first, guint, i);

      devices[i].n_sections = g_array_index (r->first, guint, i + 1) - first;
      devices[i].sections = devices[i].n_sections > 0 ? &sections[first] : NULL;
      for (guint n = 0; n < devices[i].n_sections; n++)
        sections[first + n].device = &devices[i];
    }
  return true;
}

/* Before anything is allotted for them: json-c takes some twenty times of a short value's text. */
bool
gwt_manifest_check_size (const char *where, const char *text, size_t size, struct gwt_error *err)
{
  size_t values = 0, objects = 0, i;

  if (size > GWT_MANIFEST_SIZE_MAX)
    {
      gwt_error_set (err, GWT_E_RANGE, "%s: a manifest of %zu bytes; it can have %u", where, size,
                     GWT_MANIFEST_SIZE_MAX);
      return false;
    }
  for (i = 0; i < size; i++)
    {
      values += text[i] == ',' || text[i] == '{' || text[i] == '[';
      objects += text[i] == '{';
    }
  if (values <= VALUES_MAX && objects <= OBJECTS_MAX)
    return true;
  if (objects > OBJECTS_MAX)
    gwt_error_set (err, GWT_E_RANGE, "%s: a manifest of %zu objects; it can have %u", where,
                   objects, OBJECTS_MAX);
  gwt_error_set (err, GWT_E_RANGE, "%s: a manifest of %zu values; it can have %u", where, values,
                 VALUES_MAX);
  return false;
}

struct gwt_manifest *
gwt_manifest_parse (const char *where, const char *text, size_t size, struct gwt_error *err)
{
  GWT_AUTO_ERROR (inner);
  struct gwt_manifest_held *held;
  struct json_object *root;
  bool good;

  if (!gwt_manifest_check_size (where, text, size, err))
    return NULL;
  root = gwt_json_parse (text, size, &inner);
  if (root == NULL)
    {
      gwt_error_prefix (&inner, "%s", where);
      gwt_error_move (err, &inner);
      return NULL;
    }
  held = g_new0 (struct gwt_manifest_held, 1);
  held->references = 1;
  held->root = root;
  held->text = g_malloc (size + 1);
  memcpy (held->text, text, size);
  held->text[size] = '\0';
  held->size = size;
  held->arrays = g_ptr_array_new_with_free_func (g_free);

  struct reader r = {
    .held = held,
    .where = where,
    .path = g_string_new (NULL),
    .err = err,
    .ids = g_hash_table_new (g_str_hash, g_str_equal),
    .names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
    .plugins = g_hash_table_new (g_str_hash, g_str_equal),
    .devices = g_array_new (TRUE, TRUE, sizeof (struct gwt_manifest_device)),
    .sections = g_array_new (TRUE, TRUE, sizeof (struct gwt_manifest_section)),
    .first = g_array_new (FALSE, FALSE, sizeof (guint)),
  };
  good = take_all (&r, root);
  g_string_free (r.path, TRUE);
  g_hash_table_destroy (r.ids);
  g_hash_table_destroy (r.names);
  g_hash_table_destroy (r.plugins);
  if (r.devices != NULL)
    g_array_free (r.devices, TRUE);
  if (r.sections != NULL)
    g_array_free (r.sections, TRUE);
  g_array_free (r.first, TRUE);
  if (good)
    return &held->m;
  gwt_manifest_unref (&held->m);
  return NULL;
}

struct gwt_manifest *
gwt_manifest_ref (struct gwt_manifest *m)
{
  g_atomic_int_inc (&((struct gwt_manifest_held *) m)->references);
  return m;
}

void
gwt_manifest_unref (struct gwt_manifest *m)
{
  struct gwt_manifest_held *held = (struct gwt_manifest_held *) m;

  if (held == NULL || !g_atomic_int_dec_and_test (&held->references))
    return;
  g_ptr_array_free (held->arrays, TRUE);
  json_object_put (held->root);
  g_free (held->text);
  g_free (held);
}

struct json_object *
gwt_manifest_json (const struct gwt_manifest *m)
{
  return ((const struct gwt_manifest_held *) m)->root;
}

const char *
gwt_manifest_text (const struct gwt_manifest *m, size_t *size)
{
  const struct gwt_manifest_held *held = (const struct gwt_manifest_held *) m;

  if (size != NULL)
    *size = held->size;
  return held->text;
}

/* ---- looking things up ----------------------------------------------------------------------- */

const struct gwt_manifest_device *
gwt_manifest_device (const struct gwt_manifest *m, const char *id)
{
  for (guint i = 0; i < m->n_devices; i++)
    if (strcmp (m->devices[i].id, id) == 0)
      return &m->devices[i];
  return NULL;
}

const struct gwt_manifest_property *
gwt_manifest_property (const struct gwt_manifest_device *device, const char *name)
{
  for (guint i = 0; i < device->n_properties; i++)
    if (strcmp (device->properties[i].name, name) == 0)
      return &device->properties[i];
  return NULL;
}

const struct gwt_manifest_plugin *
gwt_manifest_plugin (const struct gwt_manifest *m, const char *id)
{
  for (guint i = 0; i < m->n_plugins; i++)
    if (strcmp (m->plugins[i].id, id) == 0)
      return &m->plugins[i];
  return NULL;
}

const struct gwt_manifest_section *
gwt_manifest_section (const struct gwt_manifest *m, const char *name, uint32_t instance)
{
  for (guint i = 0; i < m->n_sections; i++)
    if (m->sections[i].instance == instance && strcmp (m->sections[i].name, name) == 0)
      return &m->sections[i];
  return NULL;
}

const struct gwt_manifest_block *
gwt_manifest_block (const struct gwt_manifest *m, const char *name)
{
  for (guint i = 0; i < m->n_blocks; i++)
    if (strcmp (m->blocks[i].name, name) == 0)
      return &m->blocks[i];
  return NULL;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* A number from each, whole ones beyond INT64_MAX included; a boolean counts as 0 or 1. */
static int
compare_numbers (struct json_object *a, struct json_object *b)
{
  if (json_object_is_type (a, json_type_double) || json_object_is_type (b, json_type_double))
    {
      double da = json_object_get_double (a), db = json_object_get_double (b);

      return (da > db) - (da < db);
    }
  int64_t sa = json_object_get_int64 (a), sb = json_object_get_int64 (b);
  uint64_t ua = json_object_get_uint64 (a), ub = json_object_get_uint64 (b);

  if (sa < 0 || sb < 0)
    return (sa > sb) - (sa < sb);
  return (ua > ub) - (ua < ub);
}

static bool
is_number (struct json_object *value)
{
  return json_object_is_type (value, json_type_int)
         || json_object_is_type (value, json_type_double);
}

bool
gwt_manifest_allows (const struct gwt_manifest_property *p, struct json_object *value)
{
  if (p->values != NULL)
    return json_object_is_type (value, json_type_string)
           && g_strv_contains (p->values, json_object_get_string (value));
  if (p->min == NULL && p->max == NULL)
    return true;
  if (!is_number (value) && !json_object_is_type (value, json_type_boolean))
    return false;
  return (p->min == NULL || compare_numbers (value, p->min) >= 0)
         && (p->max == NULL || compare_numbers (value, p->max) <= 0);
}

bool
gwt_manifest_equal (struct json_object *a, struct json_object *b)
{
  if (is_number (a) && is_number (b))
    return compare_numbers (a, b) == 0;
  return json_object_equal (a, b) != 0;
}
