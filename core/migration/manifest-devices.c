/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The devices of a manifest: properties, sections, places.  See manifest.h.
 */
#include "config.h"
#include "core/migration/manifest-internal.h"
#include <string.h>
#include "core/util/json.h"
#include "core/util/text.h"

/* ---- properties ------------------------------------------------------------------------------ */

static bool
check_scalar (struct reader *r, struct json_object *value)
{
  if (!json_object_is_type (value, json_type_object)
      && !json_object_is_type (value, json_type_array))
    return true;
  return gwt_manifest_fail (r, GWT_E_INVALID,
                            "%s is no value of a property; use a number, a text, true, false "
                            "or null",
                            gwt_json_type_name (value));
}

/* A member with a scalar that may be null. */
static bool
scalar_member (struct reader *r, struct json_object *object, const char *name, bool required,
               struct json_object **value)
{
  gsize length;
  bool good;

  *value = NULL;
  if (!json_object_object_get_ex (object, name, value))
    return !required || gwt_manifest_fail (r, GWT_E_NOT_FOUND, "'%s' is missing; add it", name);
  length = gwt_manifest_enter (r, name);
  good = check_scalar (r, *value);
  gwt_manifest_leave (r, length);
  return good;
}

static bool
bound_member (struct reader *r, struct json_object *object, const char *name,
              struct json_object **value)
{
  gsize length;
  bool good;

  if (!scalar_member (r, object, name, false, value))
    return false;
  if (*value == NULL || json_object_is_type (*value, json_type_double))
    return true;
  length = gwt_manifest_enter (r, name);
  good = gwt_manifest_wants (r, *value, json_type_int);
  gwt_manifest_leave (r, length);
  return good;
}

static bool
take_row (struct reader *r, struct json_object *value, GArray *into)
{
  struct gwt_manifest_row row = { 0 };

  if (!gwt_manifest_wants (r, value, json_type_object)
      || !gwt_manifest_text_member (r, value, "level", true, &row.level)
      || !gwt_manifest_check_level (r, "level", row.level)
      || !gwt_manifest_text_member (r, value, "plugin", false, &row.plugin)
      || !scalar_member (r, value, "value", true, &row.value))
    return false;
  if (row.plugin == NULL)
    row.plugin = r->plugin;
  g_array_append_val (into, row);
  return true;
}

static bool
take_source (struct reader *r, struct json_object *object, struct gwt_manifest_property *p)
{
  guint i;

  p->from = GWT_SOURCE_DEFAULT;
  p->source = gwt_source_name (p->from);
  if (!gwt_manifest_text_member (r, object, "source", false, &p->source))
    return false;
  if (p->source == NULL)
    p->source = gwt_source_name (GWT_SOURCE_DEFAULT);
  for (i = 0; i <= GWT_SOURCE_DEVICE; i++)
    if (strcmp (gwt_source_name ((enum gwt_source) i), p->source) == 0)
      {
        p->from = (enum gwt_source) i;
        p->explicit_ = p->from == GWT_SOURCE_GLOBAL || p->from == GWT_SOURCE_DEVICE
                       || p->from == GWT_SOURCE_INCOMING;
        return true;
      }
  gwt_manifest_enter (r, "source");
  return gwt_manifest_fail (r, GWT_E_INVALID,
                            "a value cannot come from '%s'; use \"default\", \"plugin-compat\", "
                            "\"machine-type\", \"board\", \"global\", \"incoming\" or \"device\"",
                            p->source);
}

static bool
take_property (struct reader *r, const char *name, struct json_object *value,
               struct gwt_manifest_property *p)
{
  const guint hops = r->held->m.n_hops;
  GArray *rows;

  memset (p, 0, sizeof (*p));
  p->name = name;
  p->hop = hops - 1;
  if (!gwt_name_is_valid (name) || strlen (name) > NAME_MAX_BYTES)
    return gwt_manifest_fail (r, GWT_E_INVALID,
                              "that is no name of a property; use lower case, digits and '-'");
  if (!gwt_manifest_wants (r, value, json_type_object)
      || !scalar_member (r, value, "value", true, &p->value) || !take_source (r, value, p)
      || !gwt_manifest_text_member (r, value, "detail", false, &p->detail)
      || !gwt_manifest_u32 (r, value, "hop", false, 0, hops - 1, &p->hop)
      || !scalar_member (r, value, "default", false, &p->def)
      || !bound_member (r, value, "min", &p->min) || !bound_member (r, value, "max", &p->max))
    return false;
  if (json_object_object_get_ex (value, "values", NULL)
      && (p->values = gwt_manifest_names (r, value, "values", true)) == NULL)
    return false;
  if (json_object_object_get_ex (value, "facts", NULL)
      && (p->facts = gwt_manifest_names (r, value, "facts", true)) == NULL)
    return false;
  rows = gwt_manifest_list (r, value, "rows", false, PROPERTIES_MAX,
                            sizeof (struct gwt_manifest_row), take_row);
  if (rows == NULL)
    return false;
  p->rows = gwt_manifest_keep (r, rows, &p->n_rows);
  return true;
}

/* Those of LIKE (may be NULL), and over them those of OBJECT. */
static bool
take_properties (struct reader *r, struct json_object *object,
                 const struct gwt_manifest_device *like, struct gwt_manifest_device *device)
{
  g_autoptr (GHashTable) at = g_hash_table_new (g_str_hash, g_str_equal);
  GArray *list = g_array_new (TRUE, TRUE, sizeof (struct gwt_manifest_property));
  struct json_object *properties;
  gsize length, inner;
  bool good = true;
  guint i;

  /* A few bytes can stand for thousands of them. */
  if (like != NULL && like->n_properties > PROPERTIES_ALL_MAX - r->properties)
    {
      g_array_free (list, TRUE);
      return gwt_manifest_fail (
          r, GWT_E_RANGE, "with this device there are more properties than %u", PROPERTIES_ALL_MAX);
    }
  if (like != NULL)
    g_array_append_vals (list, like->properties, like->n_properties);
  for (i = 0; i < list->len; i++)
    g_hash_table_insert (at, (char *) like->properties[i].name, GUINT_TO_POINTER (i + 1));
  good = gwt_manifest_member (r, object, "properties", json_type_object, like == NULL, &properties);
  length = gwt_manifest_enter (r, "properties");
  if (good && properties != NULL
      && (size_t) json_object_object_length (properties) > PROPERTIES_MAX)
    good = gwt_manifest_fail (r, GWT_E_RANGE, "%d of them; there can be %d",
                              json_object_object_length (properties), PROPERTIES_MAX);
  if (good && properties != NULL)
    {
      json_object_object_foreach (properties, name, value)
      {
        struct gwt_manifest_property p;
        guint index = GPOINTER_TO_UINT (g_hash_table_lookup (at, name));

        inner = gwt_manifest_enter (r, name);
        good = take_property (r, name, value, &p);
        if (!good)
          break;
        gwt_manifest_leave (r, inner);
        if (index != 0)
          g_array_index (list, struct gwt_manifest_property, index - 1) = p;
        else
          g_array_append_val (list, p);
      }
    }
  if (good)
    gwt_manifest_leave (r, length);
  r->properties = MIN (r->properties + list->len, PROPERTIES_ALL_MAX);
  device->properties = gwt_manifest_keep (r, list, &device->n_properties);
  return good;
}

/* ---- sections -------------------------------------------------------------------------------- */

static gint
by_version (gconstpointer a, gconstpointer b)
{
  const struct gwt_manifest_layout *la = a, *lb = b;

  return (la->version > lb->version) - (la->version < lb->version);
}

static bool
take_layouts (struct reader *r, struct json_object *object, uint32_t least, uint32_t most,
              const struct gwt_manifest_layout **into, guint *count)
{
  GArray *list = g_array_new (TRUE, TRUE, sizeof (struct gwt_manifest_layout));
  struct json_object *layouts;
  gsize length = r->path->len;
  bool good = gwt_manifest_member (r, object, "layouts", json_type_object, false, &layouts);

  if (good && layouts != NULL)
    {
      gwt_manifest_enter (r, "layouts");
      json_object_object_foreach (layouts, name, value)
      {
        struct gwt_manifest_layout layout;
        GWT_AUTO_ERROR (ignored);
        uint64_t version = 0;

        gwt_manifest_enter (r, name);
        good = (gwt_parse_u64 (name, false, &version, &ignored) && version >= least
                && version <= most && (name[0] != '0' || name[1] == '\0'))
               || gwt_manifest_fail (r, GWT_E_RANGE,
                                     "that is no version from %u to %u; leave it out",
                                     least,
                                     most);
        good = good && gwt_manifest_take_text (r, value, NAME_MAX_BYTES, &layout.hash);
        if (!good)
          break;
        gwt_manifest_leave (r, length + strlen ("/layouts"));
        layout.version = (uint32_t) version;
        g_array_append_val (list, layout);
      }
      if (good)
        gwt_manifest_leave (r, length);
    }
  g_array_sort (list, by_version);
  *into = gwt_manifest_keep (r, list, count);
  return good;
}

static bool
take_subsection (struct reader *r, struct json_object *value, GArray *into)
{
  struct gwt_manifest_subsection sub = { 0 };
  guint i;

  if (!gwt_manifest_wants (r, value, json_type_object)
      || !gwt_manifest_text_member (r, value, "name", true, &sub.name)
      || !gwt_manifest_text_member (r, value, "when", false, &sub.when)
      || !gwt_manifest_bool (r, value, "may-come", &sub.may_come)
      || !gwt_manifest_u32 (r, value, "version", false, 0, INT32_MAX, &sub.version))
    return false;
  sub.minimum = sub.version;
  if (!gwt_manifest_u32 (r, value, "minimum", false, 0, sub.version, &sub.minimum)
      || !take_layouts (r, value, sub.minimum, sub.version, &sub.layouts, &sub.n_layouts))
    return false;
  for (i = 0; i < into->len; i++)
    if (strcmp (g_array_index (into, struct gwt_manifest_subsection, i).name, sub.name) == 0)
      return gwt_manifest_fail (r, GWT_E_EXISTS, "subsection '%s' is there twice; name it once",
                                sub.name);
  g_array_append_val (into, sub);
  return true;
}

static bool
take_section (struct reader *r, struct json_object *value, GArray *into)
{
  struct gwt_manifest_section s = { 0 };
  GArray *subsections;

  if (!gwt_manifest_wants (r, value, json_type_object)
      || !gwt_manifest_text_member (r, value, "name", true, &s.name)
      || !gwt_manifest_u32 (r, value, "instance", false, 0, UINT32_MAX, &s.instance)
      || !gwt_manifest_bool (r, value, "optional", &s.optional)
      || !gwt_manifest_u32 (r, value, "version", true, 0, INT32_MAX, &s.version))
    return false;
  s.minimum = s.version;
  if (!gwt_manifest_u32 (r, value, "minimum", false, 0, s.version, &s.minimum)
      || !take_layouts (r, value, s.minimum, s.version, &s.layouts, &s.n_layouts))
    return false;
  subsections = gwt_manifest_list (r, value, "subsections", false, SUBSECTIONS_MAX,
                                   sizeof (struct gwt_manifest_subsection), take_subsection);
  if (subsections == NULL)
    return false;
  s.subsections = gwt_manifest_keep (r, subsections, &s.n_subsections);
  if (!g_hash_table_add (r->names, g_strdup_printf ("%s %u", s.name, s.instance)))
    return gwt_manifest_fail (r, GWT_E_EXISTS, "section '%s' %u is there twice; name it once",
                              s.name, s.instance);
  g_array_append_val (into, s);
  return true;
}

bool
gwt_manifest_take_sections (struct reader *r, struct json_object *object)
{
  GArray *list = gwt_manifest_list (r, object, "sections", false, DEVICES_MAX,
                                    sizeof (struct gwt_manifest_section), take_section);

  if (list == NULL)
    return false;
  g_array_append_vals (r->sections, list->data, list->len);
  g_array_free (list, TRUE);
  return true;
}

/* ---- devices --------------------------------------------------------------------------------- */

static bool
take_backends (struct reader *r, struct json_object *object, struct gwt_manifest_device *device)
{
  GArray *list = g_array_new (TRUE, TRUE, sizeof (struct gwt_manifest_backend));
  struct json_object *backends;
  gsize length = r->path->len;
  bool good = gwt_manifest_member (r, object, "backends", json_type_object, false, &backends);

  if (good && backends != NULL)
    {
      gwt_manifest_enter (r, "backends");
      json_object_object_foreach (backends, name, value)
      {
        struct gwt_manifest_backend backend = { name, NULL };

        gwt_manifest_enter (r, name);
        good = (gwt_name_is_valid (name)
                || gwt_manifest_fail (
                    r, GWT_E_INVALID,
                    "that is no name of a property; use lower case, digits and '-'"))
               && gwt_manifest_take_text (r, value, NAME_MAX_BYTES, &backend.id);
        if (!good)
          break;
        gwt_manifest_leave (r, length + strlen ("/backends"));
        g_array_append_val (list, backend);
      }
      if (good)
        gwt_manifest_leave (r, length);
    }
  device->backends = gwt_manifest_keep (r, list, &device->n_backends);
  return good;
}

static bool
take_region (struct reader *r, struct json_object *value, GArray *into)
{
  const char *name;
  uint64_t number;

  (void) into;
  return gwt_manifest_wants (r, value, json_type_object)
         && gwt_manifest_text_member (r, value, "name", true, &name)
         && gwt_manifest_u64 (r, value, "address", true, 0, UINT64_MAX, &number, NULL)
         && gwt_manifest_u64 (r, value, "size", true, 1, UINT64_MAX, &number, NULL);
}

static bool
take_line (struct reader *r, struct json_object *value, GArray *into)
{
  const char *to;
  uint32_t line;

  (void) into;
  return gwt_manifest_wants (r, value, json_type_object)
         && gwt_manifest_text_member (r, value, "to", true, &to)
         && gwt_manifest_u32 (r, value, "line", true, 0, UINT32_MAX, &line);
}

/* Judged here, read by who compares. */
static bool
take_placed (struct reader *r, struct json_object *place)
{
  static const struct
  {
    const char *name;
    take_fn take;
  } lists[] = { { "regions", take_region }, { "lines", take_line } };
  const char *path;

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      GArray *list = gwt_manifest_list (r, place, lists[i].name, false, PROPERTIES_MAX, 1,
                                        lists[i].take);

      if (list == NULL)
        return false;
      g_array_free (list, TRUE);
    }
  return gwt_manifest_text_member (r, place, "path", false, &path);
}

static bool
take_place (struct reader *r, struct json_object *object, struct gwt_manifest_device *device)
{
  gsize length;
  bool good;

  if (!gwt_manifest_member (r, object, "place", json_type_object, false, &device->place))
    return false;
  if (device->place == NULL)
    return true;
  length = gwt_manifest_enter (r, "place");
  good = take_placed (r, device->place)
         && gwt_manifest_u64 (r, device->place, "at", false, 0, UINT64_MAX, &device->at,
                           &device->has_at)
         && gwt_manifest_u64 (r, device->place, "irq", false, 0, UINT32_MAX, &device->irq,
                              &device->has_irq);
  gwt_manifest_leave (r, length);
  return good;
}

/* The device that this one is like, which has come before; NULL, and ERR not set: none. */
static const struct gwt_manifest_device *
find_like (struct reader *r, struct json_object *value)
{
  const char *like;
  guint index;

  if (!gwt_manifest_text_member (r, value, "like", false, &like) || like == NULL)
    return NULL;
  index = GPOINTER_TO_UINT (g_hash_table_lookup (r->ids, like));
  if (index != 0)
    return &g_array_index (r->devices, struct gwt_manifest_device, index - 1);
  gwt_manifest_enter (r, "like");
  gwt_manifest_fail (r, GWT_E_NOT_FOUND,
                     "there is no device '%s' before this one; name one that is", like);
  return NULL;
}

bool
gwt_manifest_take_device (struct reader *r, struct json_object *value)
{
  static const char *const origins[] = { "board", "cpu", "user", "hotplug", NULL };
  struct gwt_manifest_device like = { 0 }, device = { 0 };
  const struct gwt_manifest_device *found;
  guint first = r->sections->len;

  if (!gwt_manifest_wants (r, value, json_type_object))
    return false;
  /* The array may move. */
  found = find_like (r, value);
  if (gwt_error_is_set (r->err))
    return false;
  if (found != NULL)
    like = *found;
  if (!gwt_manifest_text_member (r, value, "id", true, &device.id)
      || !gwt_manifest_text_member (r, value, "type", found == NULL, &device.type)
      || !gwt_manifest_text_member (r, value, "plugin", found == NULL, &device.plugin)
      || !gwt_manifest_text_member (r, value, "origin", found == NULL, &device.origin)
      || !gwt_manifest_member (r, value, "facts", json_type_object, false, &device.facts))
    return false;
  r->plugin = device.plugin != NULL ? device.plugin : like.plugin;
  device.parents = found != NULL && !json_object_object_get_ex (value, "parents", NULL)
                       ? like.parents
                       : gwt_manifest_names (r, value, "parents", false);
  if (device.parents == NULL || !take_place (r, value, &device)
      || !take_backends (r, value, &device)
      || !take_properties (r, value, found != NULL ? &like : NULL, &device)
      || !gwt_manifest_take_sections (r, value))
    return false;
  device.type = device.type != NULL ? device.type : like.type;
  device.plugin = device.plugin != NULL ? device.plugin : like.plugin;
  device.origin = device.origin != NULL ? device.origin : like.origin;
  device.facts = device.facts != NULL ? device.facts : like.facts;
  if (!gwt_id_is_valid (device.id))
    return gwt_manifest_fail (
        r, GWT_E_INVALID,
        "'%s' is no id of a device; use a letter, then letters, digits, '-', '_' and '.'",
        device.id);
  if (!gwt_name_is_valid (device.type))
    return gwt_manifest_fail (
        r, GWT_E_INVALID, "'%s' is no device type; use lower case, digits and '-'", device.type);
  if (!g_strv_contains (origins, device.origin))
    return gwt_manifest_fail (r, GWT_E_INVALID,
                              "'%s' is no origin; use \"board\", \"cpu\", \"user\" or \"hotplug\"",
                              device.origin);
  if (!g_hash_table_contains (r->plugins, device.plugin))
    return gwt_manifest_fail (r, GWT_E_NOT_FOUND, "plugin '%s' is not in 'plugins'; add it there",
                              device.plugin);
  if (g_hash_table_contains (r->ids, device.id))
    return gwt_manifest_fail (r, GWT_E_EXISTS, "device '%s' is there twice; give each its own id",
                              device.id);
  g_array_append_val (r->devices, device);
  g_array_append_val (r->first, first);
  g_hash_table_insert (r->ids, (char *) device.id, GUINT_TO_POINTER (r->devices->len));
  return true;
}
