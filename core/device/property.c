/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Properties of devices: values in the instance, and where each came from.  Must not know what a
 * property means, nor in which order layers apply theirs: the order of enum gwt_source decides.
 */
#include "config.h"
#include "core/device/property.h"
#include <string.h>
#include "core/device/field.h"
#include "core/device/value.h"
#include "core/util/text.h"

/* Properties that hold a back end: how its id becomes one, and what is said where there is none. */
static struct backends
{
  uint32_t kind;
  gwt_backend_finder find;
  const char *what, *option; /* the option up to the id */
} backends[] = {
  { GWT_CHARDEV, NULL, "character back end", "-chardev BACKEND,id" },
  { GWT_NETDEV, NULL, "network back end", "-netdev TYPE,id" },
  { GWT_BLOCK, NULL, "block back end", "-blockdev driver=DRIVER,...,node-name" },
};

void
gwt_device_set_backend_finder (uint32_t kind, gwt_backend_finder finder)
{
  for (guint i = 0; i < G_N_ELEMENTS (backends); i++)
    if (backends[i].kind == kind)
      backends[i].find = finder;
}

const char *
gwt_source_name (enum gwt_source source)
{
  switch (source)
    {
    case GWT_SOURCE_DEFAULT:
      return "default";
    case GWT_SOURCE_PLUGIN_COMPAT:
      return "plugin-compat";
    case GWT_SOURCE_MACHINE:
      return "machine-type";
    case GWT_SOURCE_BOARD:
      return "board";
    case GWT_SOURCE_GLOBAL:
      return "global";
    case GWT_SOURCE_INCOMING:
      return "incoming";
    case GWT_SOURCE_DEVICE:
      return "device";
    }
  return "unknown";
}

static guint
field_index (struct gwt_device *device, const struct gwt_field *f)
{
  return (guint)(f - device->type->fields);
}

static const struct gwt_field *
find_property (struct gwt_device *device, const char *name, struct gwt_error *err)
{
  const struct gwt_field *f = gwt_type_property (device->type, name);
  if (f != NULL)
    return f;
  g_autofree const char **names = gwt_type_property_names (device->type);
  g_autofree char *near = gwt_nearest_names (name, names);
  const char *type = device->type->d.name;
  if (near != NULL)
    gwt_error_set (err, GWT_E_NOT_FOUND, "type '%s' has no property '%s'; did you mean %s?", type,
                   name, near);
  else
    gwt_error_set (err, GWT_E_NOT_FOUND, "type '%s' has no property '%s'; see '-device %s,help'",
                   type, name, type);
  return NULL;
}

/* ---- the member ------------------------------------------------------------------------------ */

static void
keep_text (struct gwt_device *device, const struct gwt_field *f, struct gwt_value *value)
{
  if (value->text != NULL)
    g_ptr_array_add (device->strings, value->text);
  device->texts[field_index (device, f)] = value->text;
  value->text = NULL;
}

static void
store_pointer (struct gwt_device *device, const struct gwt_field *f, const void *pointer)
{
  memcpy ((char *)device->instance + f->offset, &pointer, sizeof pointer);
}

static bool
store_link (struct gwt_device *device, const struct gwt_field *f, struct gwt_value *value,
            struct gwt_error *err)
{
  struct gwt_device *target = NULL;
  if (value->text != NULL)
    {
      target = gwt_device_find (value->text);
      if (target == NULL)
        gwt_error_set (err, GWT_E_NOT_FOUND,
                       "there is no device '%s' yet; name one that is made before this one",
                       value->text);
      else if (target == device)
        gwt_error_set (err, GWT_E_INVALID, "a device cannot be linked to itself");
      else if (f->interface != NULL && gwt_device_interface (target, f->interface) == NULL)
        gwt_error_set (err, GWT_E_INVALID,
                       "device '%s' of type '%s' does not offer interface '%s'; name one that does",
                       value->text, target->type->d.name, f->interface);
      if (gwt_error_is_set (err))
        return false;
    }
  store_pointer (device, f, target);
  keep_text (device, f, value);
  return true;
}

static bool
store_backend (struct gwt_device *device, const struct gwt_field *f, struct gwt_value *value,
               struct gwt_error *err)
{
  const struct backends *b = backends;
  void *backend = NULL;
  while (b->kind != f->kind)
    b++;
  if (value->text != NULL)
    {
      if (b->find != NULL)
        backend = b->find (value->text);
      if (backend == NULL)
        {
          gwt_error_set (err, GWT_E_NOT_FOUND, "there is no %s '%s'; add one with '%s=%s'",
                         b->what, value->text, b->option, value->text);
          return false;
        }
    }
  store_pointer (device, f, backend);
  keep_text (device, f, value);
  return true;
}

static bool
store (struct gwt_device *device, const struct gwt_field *f, struct gwt_value *value,
       struct gwt_error *err)
{
  switch (f->kind)
    {
    case GWT_STR:
      store_pointer (device, f, value->text);
      keep_text (device, f, value);
      return true;
    case GWT_LINK:
      return store_link (device, f, value, err);
    case GWT_CHARDEV:
    case GWT_BLOCK:
    case GWT_NETDEV:
      return store_backend (device, f, value, err);
    default:
      gwt_value_store (f, value, device->instance);
      return true;
    }
}

static void
load (struct gwt_device *device, const struct gwt_field *f, struct gwt_value *value)
{
  if (gwt_kind_is_pointer (f->kind))
    *value = (struct gwt_value){ .text = g_strdup (device->texts[field_index (device, f)]) };
  else
    gwt_value_load (f, device->instance, value);
}

/* ---- life cycle ------------------------------------------------------------------------------ */

bool
gwt_properties_init (struct gwt_device *device, struct gwt_error *err)
{
  const struct gwt_type *type = device->type;
  device->strings = g_ptr_array_new_with_free_func (g_free);
  device->texts = g_new0 (char *, type->d.n_fields + 1);
  device->provenance = g_new0 (struct gwt_provenance, type->d.n_fields + 1);
  for (uint64_t i = 0; i < type->d.n_fields; i++)
    {
      const struct gwt_field *f = &type->fields[i];
      struct gwt_value value;
      if (f->role != GWT_PROP)
        continue;
      bool good = gwt_value_default (f, &value, err) && store (device, f, &value, err);
      gwt_value_clear (&value);
      if (!good)
        {
          gwt_error_prefix (err, "device '%s': default of property '%s'", device->id, f->name);
          return false;
        }
    }
  return true;
}

void
gwt_properties_free (struct gwt_device *device)
{
  for (uint64_t i = 0; device->provenance != NULL && i < device->type->d.n_fields; i++)
    {
      g_free (device->provenance[i].detail);
      if (device->provenance[i].steps != NULL)
        g_ptr_array_unref (device->provenance[i].steps);
    }
  g_free (device->provenance);
  g_free (device->texts);
  if (device->strings != NULL)
    g_ptr_array_free (device->strings, TRUE);
}

bool
gwt_properties_check (struct gwt_device *device, struct gwt_error *err)
{
  for (uint64_t i = 0; i < device->type->d.n_fields; i++)
    {
      const struct gwt_field *f = &device->type->fields[i];
      if (f->role == GWT_PROP && (f->flags & GWT_FIELD_REQUIRED) != 0
          && device->provenance[i].source == GWT_SOURCE_DEFAULT)
        {
          gwt_error_set (err, GWT_E_INVALID, "property '%s' must be given; add '%s=...' (%s)",
                         f->name, f->name, f->doc);
          return false;
        }
    }
  return true;
}

/* ---- setting and getting --------------------------------------------------------------------- */

static void
step_free (gpointer data)
{
  struct gwt_provenance_step *step = data;
  g_free (step->detail);
  g_free (step->value);
  g_free (step);
}

static void
add_step (struct gwt_provenance *from, enum gwt_source source, const char *detail,
          const struct gwt_field *f, const struct gwt_value *value)
{
  struct gwt_provenance_step *step = g_new (struct gwt_provenance_step, 1);
  step->source = source;
  step->detail = g_strdup (detail);
  step->value = gwt_value_to_text (f, value);
  if (from->steps == NULL)
    from->steps = g_ptr_array_new_with_free_func (step_free);
  g_ptr_array_add (from->steps, step);
}

/* VALUE is judged; a later source may cover it. */
static void
take (struct gwt_device *device, const struct gwt_field *f, struct gwt_value *value,
      enum gwt_source source, const char *detail, struct gwt_error *err)
{
  struct gwt_provenance *from = &device->provenance[field_index (device, f)];
  bool wins = source >= from->source;
  struct gwt_value copy = *value;
  copy.text = g_strdup (value->text);
  if (!wins || store (device, f, value, err))
    {
      add_step (from, source, detail, f, &copy);
      if (wins)
        {
          g_free (from->detail);
          from->source = source;
          from->detail = g_strdup (detail);
        }
    }
  gwt_value_clear (&copy);
}

void
gwt_device_note_source (struct gwt_device *device, const char *name, enum gwt_source source,
                        const char *detail)
{
  struct gwt_device *part = gwt_device_property_part (device, name);
  const struct gwt_field *f = part != NULL ? gwt_type_own_property (part->type, name) : NULL;
  struct gwt_provenance *from = f != NULL ? &part->provenance[field_index (part, f)] : NULL;
  struct gwt_value value;

  if (from == NULL || source < from->source)
    return;
  load (part, f, &value);
  add_step (from, source, detail, f, &value);
  gwt_value_clear (&value);
  g_free (from->detail);
  from->source = source;
  from->detail = g_strdup (detail);
}

/* Exactly one of TEXT and JSON counts. */
static bool
set (struct gwt_device *device, const char *name, const char *text, struct json_object *json,
     enum gwt_source source, const char *detail, struct gwt_error *err)
{
  GWT_AUTO_ERROR (inner);
  const struct gwt_field *f = find_property (device, name, &inner);
  if (f != NULL)
    {
      struct gwt_device *outer = device;
      device = gwt_device_property_part (device, name);
      struct gwt_value value = { 0 };
      if (outer->realized || device->realized)
        gwt_error_set (
            &inner, GWT_E_BUSY,
            "it cannot be changed once the device is realized; give it when the device is made");
      /* A value that a later source covers is still judged: a wrong override is wrong on every
       * machine. */
      else if (text != NULL ? gwt_value_from_text (f, text, &value, &inner)
                            : gwt_value_from_json (f, json, &value, &inner))
        take (device, f, &value, source, detail, &inner);
      gwt_value_clear (&value);
      gwt_error_prefix (&inner, "property '%s'", name);
    }
  if (!gwt_error_is_set (&inner))
    return true;
  gwt_error_prefix (&inner, "device '%s'", device->id);
  gwt_error_move (err, &inner);
  return false;
}

bool
gwt_device_set (struct gwt_device *device, const char *name, const char *text,
                enum gwt_source source, const char *detail, struct gwt_error *err)
{
  return set (device, name, text, NULL, source, detail, err);
}

bool
gwt_device_set_json (struct gwt_device *device, const char *name, struct json_object *value,
                     enum gwt_source source, const char *detail, struct gwt_error *err)
{
  return set (device, name, NULL, value, source, detail, err);
}

static const struct gwt_field *
get (struct gwt_device *device, const char *name, struct gwt_value *value, struct gwt_error *err)
{
  const struct gwt_field *f = find_property (device, name, err);
  if (f == NULL)
    gwt_error_prefix (err, "device '%s'", device->id);
  else
    load (gwt_device_property_part (device, name), f, value);
  return f;
}

struct json_object *
gwt_device_get_json (struct gwt_device *device, const char *name, struct gwt_error *err)
{
  struct gwt_value value;
  const struct gwt_field *f = get (device, name, &value, err);
  if (f == NULL)
    return NULL;
  struct json_object *json = gwt_value_to_json (f, &value);
  gwt_value_clear (&value);
  return json;
}

char *
gwt_device_get_text (struct gwt_device *device, const char *name, struct gwt_error *err)
{
  struct gwt_value value;
  const struct gwt_field *f = get (device, name, &value, err);
  if (f == NULL)
    return NULL;
  char *text = gwt_value_to_text (f, &value);
  gwt_value_clear (&value);
  return text;
}

const struct gwt_provenance *
gwt_device_provenance (struct gwt_device *device, const char *name)
{
  device = gwt_device_property_part (device, name);
  const struct gwt_field *f = device != NULL ? gwt_type_own_property (device->type, name) : NULL;
  return f != NULL ? &device->provenance[field_index (device, f)] : NULL;
}
