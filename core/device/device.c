/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: instances, ids and paths, life cycle, reset.  Owns the list of devices; must not know
 * what any of them does, nor what other layers hang on them (gwt_device_on_destroy).
 */
#include "config.h"
#include "core/device/device.h"
#include "core/device/event.h"
#include <string.h>
#include "core/device/irq.h"
#include "core/device/lock.h"
#include "core/device/property.h"
#include "core/util/extension.h"
#include "core/util/text.h"

struct cleanup
{
  void (*fn) (void *data);
  void *data;
};

static GPtrArray *devices; /* in order of creation */
static uint32_t cpu_count = 1;

/* ---- making and breaking --------------------------------------------------------------------- */

static char *
free_id (const char *type_name)
{
  for (unsigned n = 0;; n++)
    {
      char *id = g_strdup_printf ("%s%u", type_name, n);
      if (gwt_device_find (id) == NULL)
        return id;
      g_free (id);
    }
}

static bool
check_id (const char *id, struct gwt_error *err)
{
  if (!gwt_id_is_valid (id))
    gwt_error_set (
        err, GWT_E_INVALID,
        "device id '%s' is malformed; use a letter, then letters, digits, '-', '_' or '.'", id);
  else if (gwt_device_find (id) != NULL)
    gwt_error_set (err, GWT_E_EXISTS,
                   "device id '%s' is taken by a device of type '%s'; choose another", id,
                   gwt_device_find (id)->type->d.name);
  return !gwt_error_is_set (err);
}

/* ---- parts ----------------------------------------------------------------------------------- */

struct gwt_device *
gwt_device_part (struct gwt_device *device, const char *type_name)
{
  while (device != NULL && strcmp (device->type->d.name, type_name) != 0)
    device = device->base;
  return device;
}

struct gwt_device *
gwt_device_interface_part (struct gwt_device *device, const char *id)
{
  while (device != NULL && gwt_type_own_interface (device->type, id) == NULL)
    device = device->base;
  return device;
}

struct gwt_device *
gwt_device_property_part (struct gwt_device *device, const char *name)
{
  while (device != NULL && gwt_type_own_property (device->type, name) == NULL)
    device = device->base;
  return device;
}

static void
part_free (struct gwt_device *part)
{
  if (part->base != NULL)
    part_free (part->base);
  gwt_properties_free (part);
  g_hash_table_destroy (part->attached);
  g_free (part->instance);
  g_free (part->path);
  g_free (part->id);
  g_free (part);
}

/* A part of TYPE and those of its parents, without running any of their code. */
static struct gwt_device *
part_new (const struct gwt_type *type, const char *id, struct gwt_error *err)
{
  const struct gwt_type *parent = gwt_type_parent (type);
  struct gwt_device *part = g_new0 (struct gwt_device, 1);
  part->type = type;
  part->id = g_strdup (id);
  part->path = g_strdup_printf ("/machine/%s", id);
  part->attached = g_hash_table_new (g_str_hash, g_str_equal);
  part->instance = g_try_malloc0 (MAX (type->d.instance_size, 1));
  if (part->instance == NULL)
    gwt_error_set (err, GWT_E_NO_MEMORY, "no memory for a device of type '%s'", type->d.name);
  else if (parent != NULL)
    part->base = part_new (parent, id, err);
  if (!gwt_error_is_set (err))
    return part;
  part_free (part);
  return NULL;
}

static void
device_free (struct gwt_device *device)
{
  while (device->cleanups != NULL)
    {
      struct cleanup *c = device->cleanups->data;
      device->cleanups = g_slist_delete_link (device->cleanups, device->cleanups);
      c->fn (c->data);
      g_free (c);
    }
  pthread_mutex_destroy (&device->lock);
  part_free (device);
}

static bool
run_init (struct gwt_device *device, struct gwt_device *part, struct gwt_error *err)
{
  const struct gwt_device_type *d = &part->type->d;
  if (part->base != NULL && !run_init (device, part->base, err))
    return false;
  if (d->init == NULL)
    return gwt_properties_init (part, err);
  GWT_AUTO_ERROR (inner);
  if (d->init (part->instance, device, &inner) == 0 && !gwt_error_is_set (&inner))
    return gwt_properties_init (part, err);
  gwt_error_set (&inner, GWT_E_FAILED, "init failed and gave no reason");
  gwt_error_prefix (&inner, "device '%s'", device->id);
  gwt_error_move (err, &inner);
  return false;
}

struct gwt_device *
gwt_device_new (const struct gwt_type *type, const char *id, struct gwt_error *err)
{
  if (type == NULL || (type->d.flags & GWT_TYPE_ABSTRACT) != 0)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "'%s' is an abstract type; use one of the types that have it as parent",
                     type != NULL ? type->d.name : "(none)");
      return NULL;
    }
  if (id != NULL && !check_id (id, err))
    return NULL;
  g_autofree char *name = id != NULL ? g_strdup (id) : free_id (type->d.name);
  struct gwt_device *device = part_new (type, name, err);
  if (device == NULL)
    return NULL;
  pthread_mutex_init (&device->lock, NULL);
  if (!run_init (device, device, err))
    {
      device_free (device);
      return NULL;
    }
  if (devices == NULL)
    devices = g_ptr_array_new ();
  g_ptr_array_add (devices, device);
  return device;
}

/* Undo PART's realize and that of its parents. */
static void
unrealize_parts (struct gwt_device *part)
{
  for (; part != NULL; part = part->base)
    {
      if (part->realized && part->type->d.unrealize != NULL)
        part->type->d.unrealize (part->instance);
      part->realized = false;
    }
}

/* CALL is a realize or complete callback.  A plugin that says both yes and no began things that
   only unrealize undoes; *BEGAN tells. */
static bool
run_step (int (*call) (void *self, struct gwt_device *device, struct gwt_error *err),
          const char *name, struct gwt_device *device, struct gwt_device *part, bool *began,
          struct gwt_error *err)
{
  int rc = call != NULL ? call (part->instance, device, err) : 0;
  *began = rc == 0;
  if (rc == 0 && !gwt_error_is_set (err))
    return true;
  gwt_error_set (err, GWT_E_FAILED, "%s failed and gave no reason", name);
  return false;
}

static bool
realize_parts (struct gwt_device *device, struct gwt_device *part, struct gwt_error *err)
{
  if (part->base != NULL && !realize_parts (device, part->base, err))
    return false;
  bool good = gwt_properties_check (part, err)
              && run_step (part->type->d.realize, "realize", device, part, &part->realized, err);
  if (!good)
    unrealize_parts (part);
  return good;
}

static bool
complete_parts (struct gwt_device *device, struct gwt_device *part, struct gwt_error *err)
{
  bool began;
  return (part->base == NULL || complete_parts (device, part->base, err))
         && run_step (part->type->d.complete, "complete", device, part, &began, err);
}

bool
gwt_device_realize (struct gwt_device *device, struct gwt_error *err)
{
  GWT_AUTO_ERROR (inner);
  if (device->realized)
    gwt_error_set (&inner, GWT_E_EXISTS, "the device is realized already");
  else if (realize_parts (device, device, &inner))
    {
      if (complete_parts (device, device, &inner))
        return true;
      unrealize_parts (device);
    }
  gwt_error_prefix (&inner, "device '%s'", device->id);
  gwt_error_move (err, &inner);
  return false;
}

void
gwt_device_destroy (struct gwt_device *device)
{
  if (device == NULL)
    return;
  unrealize_parts (device);
  gwt_device_forget_leaving (device);
  g_ptr_array_remove (devices, device);
  device_free (device);
}

void
gwt_device_destroy_all (void)
{
  while (devices != NULL && devices->len > 0)
    gwt_device_destroy (devices->pdata[devices->len - 1]);
}

void
gwt_device_on_destroy (struct gwt_device *device, void (*fn) (void *data), void *data)
{
  struct cleanup *c = g_new (struct cleanup, 1);
  *c = (struct cleanup){ fn, data };
  device->cleanups = g_slist_prepend (device->cleanups, c);
}

/* ---- looking up ------------------------------------------------------------------------------ */

struct gwt_device *
gwt_device_find (const char *id)
{
  for (guint i = 0; devices != NULL && id != NULL && i < devices->len; i++)
    {
      struct gwt_device *device = devices->pdata[i];
      if (strcmp (device->id, id) == 0)
        return device;
    }
  return NULL;
}

struct gwt_device *
gwt_device_find_path (const char *path)
{
  return path != NULL && g_str_has_prefix (path, "/machine/")
             ? gwt_device_find (path + strlen ("/machine/"))
             : NULL;
}

struct gwt_device **
gwt_device_list (guint *count)
{
  guint n = devices != NULL ? devices->len : 0;
  struct gwt_device **list = g_new0 (struct gwt_device *, n + 1);
  if (n > 0)
    memcpy (list, devices->pdata, n * sizeof *list);
  *count = n;
  return list;
}

const void *
gwt_device_interface (struct gwt_device *device, const char *id)
{
  return gwt_type_interface (device->type, id);
}

struct gwt_device *
gwt_device_nth_with_interface (const char *id, guint n)
{
  for (guint i = 0; devices != NULL && id != NULL && i < devices->len; i++)
    {
      struct gwt_device *device = devices->pdata[i];
      if (gwt_device_interface (device, id) != NULL && n-- == 0)
        return device;
    }
  return NULL;
}

static void
reset_parts (struct gwt_device *part, uint32_t kind)
{
  if (part->base != NULL)
    reset_parts (part->base, kind);
  if (part->type->d.reset != NULL)
    part->type->d.reset (part->instance, kind);
}

void
gwt_device_reset (struct gwt_device *device, uint32_t kind)
{
  int token = gwt_device_enter (device);
  reset_parts (device, kind);
  gwt_device_leave (device, token);
}

void
gwt_device_reset_all (uint32_t kind)
{
  for (guint i = 0; devices != NULL && i < devices->len; i++)
    if (((struct gwt_device *) devices->pdata[i])->realized)
      gwt_device_reset (devices->pdata[i], kind);
}

void
gwt_device_set_cpu_count (uint32_t count)
{
  cpu_count = count;
}

uint32_t
gwt_device_cpu_count (void)
{
  return cpu_count;
}

/* ---- gwt.device/1 ---------------------------------------------------------------------------- */

static const char *
api_id (struct gwt_device *device)
{
  return device->id;
}

static const char *
api_type (struct gwt_device *device)
{
  return device->type->d.name;
}

static const char *
api_path (struct gwt_device *device)
{
  return device->path;
}

static void *
api_instance (struct gwt_device *device)
{
  return device->instance;
}

static const void *
api_interface_of (struct gwt_device *device, const char *id)
{
  return device != NULL && id != NULL ? gwt_device_interface (device, id) : NULL;
}

static void *
api_part (struct gwt_device *device, const char *type)
{
  struct gwt_device *part = type != NULL ? gwt_device_part (device, type) : NULL;
  return part != NULL ? part->instance : NULL;
}

static void *
api_interface_instance (struct gwt_device *device, const char *id)
{
  struct gwt_device *part = id != NULL ? gwt_device_interface_part (device, id) : NULL;
  return part != NULL ? part->instance : NULL;
}

static struct gwt_device *
api_nth_with_interface (const char *id, uint32_t n)
{
  return gwt_device_nth_with_interface (id, n);
}

static uint32_t
api_is_hotplugged (struct gwt_device *device)
{
  return device->hotplugged;
}

static const struct gwt_device_api device_api = {
  .struct_size = sizeof (struct gwt_device_api),
  .id = api_id,
  .type = api_type,
  .path = api_path,
  .instance = api_instance,
  .find = gwt_device_find,
  .interface_of = api_interface_of,
  .nth_with_interface = api_nth_with_interface,
  .cpu_count = gwt_device_cpu_count,
  .part = api_part,
  .interface_instance = api_interface_instance,
  .is_hotplugged = api_is_hotplugged,
  .unplug = gwt_device_unplug,
  .unplug_refused = gwt_device_unplug_refused,
};

void
gwt_device_register_extensions (void)
{
  GWT_AUTO_ERROR (err);
  if (!gwt_extension_add (GWT_DEVICE_EXT, &device_api, "host", &err)
      || !gwt_extension_add (GWT_IRQ_EXT, &gwt_irq_ext, "host", &err))
    gwt_error_report (&err, "internal");
  gwt_event_register_extensions ();
}
