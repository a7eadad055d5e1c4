/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns what comes and goes while the machine runs: device_add, device_del, and destroying what the
 * guest has let go of.  It must not know any bus; types that can be plugged offer "gwt.hotplug/1".
 *
 * All of it happens with vCPUs standing still, so nobody sees a device that is half made or half
 * gone, and a failed step is undone before anybody runs.  Other threads of devices go on: what they
 * may be reading is freed when they are out of it (core/memory/view.c), and what they want of
 * another device's registers is done under the machine lock (core/memory/access.c).
 */
#include "config.h"
#include "core/machine/hotplug.h"
#include <string.h>
#include <godwit/hotplug.h>
#include "core/cpu/run.h"
#include "core/device/irq.h"
#include "core/migration/migration.h"
#include "core/plugin/loader.h"
#include "core/util/log.h"

static struct gwt_machine *machine;
static gwt_hotplug_listener listener;
static guint finish_source;

void
gwt_hotplug_set_listener (gwt_hotplug_listener fn)
{
  listener = fn;
}

static void
tell (const char *event, const char *id, const char *path)
{
  if (listener != NULL)
    listener (event, id, path);
}

/* The type's table as large as this host knows it, and the part that it is called with. */
static void *
hotplug_of (struct gwt_device *device, struct gwt_hotplug *table)
{
  const struct gwt_hotplug *offered = gwt_device_interface (device, GWT_HOTPLUG_INTERFACE);
  memset (table, 0, sizeof *table);
  if (offered == NULL)
    return NULL;
  memcpy (table, offered, MIN (offered->struct_size, sizeof *table));
  if (table->check == NULL || table->plugged == NULL || table->unplug_request == NULL)
    return NULL;
  return gwt_device_interface_part (device, GWT_HOTPLUG_INTERFACE)->instance;
}

/* ---- going ----------------------------------------------------------------------------------- */

static gboolean
has_id (gconstpointer spec, gconstpointer id)
{
  return strcmp (((const struct gwt_spec *) spec)->id, id) == 0;
}

static void
forget_user_device (struct gwt_device *device)
{
  guint index;
  if (g_ptr_array_find_with_equal_func (machine->added_specs, device->id, has_id, &index))
    g_ptr_array_remove_index (machine->added_specs, index);
  if (!g_ptr_array_find (machine->user_devices, device, &index))
    return;
  g_ptr_array_remove_index (machine->user_devices, index);
  g_ptr_array_remove_index (machine->user_specs, index);
}

void
gwt_hotplug_finish_paused (void)
{
  struct gwt_device *device;
  /* A migration reads memory and sections of what is there; see migration_ended. */
  while (machine != NULL && !gwt_migration_busy (NULL)
         && (device = gwt_device_next_leaving ()) != NULL)
    {
      struct gwt_device *user = gwt_device_linked_by (device);

      if (user != NULL || device->from_board)
        {
          /* A guest can cut the power of whatever it likes; the machine stays whole. */
          gwt_log (GWT_LOG_GUEST, "device '%s' stays: it belongs to %s%s", device->id,
                   user != NULL ? "device " : "the board", user != NULL ? user->id : "");
          gwt_device_forget_leaving (device);
          continue;
        }
      g_autofree char *id = g_strdup (device->id), *path = g_strdup (device->path);
      forget_user_device (device);
      gwt_device_destroy (device);
      tell ("DEVICE_DELETED", id, path);
    }
}

static void
finish (void *data)
{
  (void) data;
  gwt_hotplug_finish_paused ();
}

static gboolean
finish_later (gpointer data)
{
  (void) data;
  finish_source = 0;
  if (gwt_device_next_leaving () != NULL)
    gwt_vm_paused_call (finish, NULL);
  return G_SOURCE_REMOVE;
}

static void
on_leaving (void)
{
  if (finish_source == 0)
    finish_source = g_idle_add_full (G_PRIORITY_DEFAULT, finish_later, NULL, NULL);
}

static void
migration_ended (void)
{
  if (machine != NULL && gwt_device_next_leaving () != NULL)
    on_leaving ();
}

/* Both ends must have the same devices. */
static bool
may_change (struct gwt_error *err)
{
  const char *why;

  if (!gwt_migration_busy (&why))
    return true;
  gwt_error_set (err, GWT_E_BUSY, "no device comes or goes while %s; wait for that, or cancel it",
                 why);
  return false;
}

struct refusal
{
  char *id, *path;
};

static gboolean
tell_refusal (gpointer data)
{
  struct refusal *r = data;
  tell ("DEVICE_UNPLUG_GUEST_ERROR", r->id, r->path);
  return G_SOURCE_REMOVE;
}

static void
refusal_free (gpointer data)
{
  struct refusal *r = data;
  g_free (r->id);
  g_free (r->path);
  g_free (r);
}

static void
on_refused (struct gwt_device *device)
{
  struct refusal *r = g_new (struct refusal, 1);
  *r = (struct refusal){ g_strdup (device->id), g_strdup (device->path) };
  g_idle_add_full (G_PRIORITY_DEFAULT, tell_refusal, r, refusal_free);
}

/* ---- coming ---------------------------------------------------------------------------------- */

struct addition
{
  const struct gwt_spec *spec;
  struct gwt_error *err;
  bool done;
};

/* What a board would have to place or wire has nobody who does it now. */
static bool
needs_board (struct gwt_device *device)
{
  struct gwt_region *region;
  for (guint i = 0; (region = gwt_memory_device_region (device, i)) != NULL; i++)
    if (!gwt_memory_region_kept (region))
      return true;
  return gwt_irq_output_count (device, "irq") > 0;
}

static void
refuse_place (struct gwt_device *device, struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_UNSUPPORTED,
                 "device '%s': a device of type '%s' has no place in a machine that runs; give it "
                 "with -device when the machine starts",
                 device->id, device->type->d.name);
}

static bool
set_values (struct gwt_device *device, const struct gwt_spec *spec, struct gwt_error *err)
{
  g_autofree char *detail = g_strdup_printf ("device_add %s", spec->type);
  if (!gwt_machine_apply (machine->choice, device, NULL, NULL, machine->incoming, err))
    return false;
  json_object_object_foreach (spec->props, name, value)
  {
    if (!gwt_device_set_json (device, name, value, GWT_SOURCE_DEVICE, detail, err))
      return false;
  }
  return true;
}

static bool
bring_up (struct gwt_device *device, const struct gwt_spec *spec, struct gwt_error *err)
{
  struct gwt_hotplug hotplug;
  if (!set_values (device, spec, err))
    return false;
  void *self = hotplug_of (device, &hotplug);
  if (self == NULL)
    {
      refuse_place (device, err);
      return false;
    }
  if (hotplug.check (self, err) != 0 || gwt_error_is_set (err))
    {
      gwt_error_set (err, GWT_E_FAILED, "it cannot be plugged in, no reason was given");
      gwt_error_prefix (err, "device '%s'", device->id);
      return false;
    }
  if (!gwt_device_realize (device, err))
    return false;
  if (needs_board (device))
    {
      refuse_place (device, err);
      return false;
    }
  if (!gwt_migration_device_added (device, err))
    return false;
  gwt_device_reset (device, GWT_RESET_COLD);
  hotplug.plugged (self);
  return true;
}

/* For when the machine has to be built anew. */
static void
note_added (const struct gwt_device *device, const struct gwt_spec *spec)
{
  struct gwt_spec *copy;
  if (g_ptr_array_find_with_equal_func (machine->added_specs, device->id, has_id, NULL))
    return;
  copy = g_new0 (struct gwt_spec, 1);
  *copy = (struct gwt_spec){ g_strdup (spec->type), g_strdup (device->id),
                             json_object_get (spec->props) };
  g_ptr_array_add (machine->added_specs, copy);
}

static void
add_paused (void *data)
{
  struct addition *a = data;
  /* What the guest has let go of leaves before anything is put where it was. */
  gwt_hotplug_finish_paused ();
  struct gwt_device *device = gwt_device_new (gwt_type_find (a->spec->type), a->spec->id, a->err);
  if (device == NULL)
    return;
  device->hotplugged = true;
  a->done = bring_up (device, a->spec, a->err);
  if (a->done)
    note_added (device, a->spec);
  else
    gwt_device_destroy (device);
}

bool
gwt_hotplug_add (const struct gwt_spec *spec, struct gwt_error *err)
{
  struct addition a = { spec, err, false };
  if (!may_change (err))
    return false;
  if (machine == NULL)
    {
      gwt_error_set (err, GWT_E_BUSY,
                     "there is no machine yet: it comes with the guest; wait for that");
      return false;
    }
  /* A plugin that is loaded stays, as nothing that the guest sees comes with it. */
  if (!gwt_loader_need_type (spec->type, err))
    return false;
  const struct gwt_type *type = gwt_type_find (spec->type);
  if ((type->d.flags & GWT_TYPE_USER) == 0)
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "'%s': only a board can have devices of this type; see -device help for those "
                   "that can be added",
                   spec->type);
  else if (gwt_type_interface (type, GWT_HOTPLUG_INTERFACE) == NULL)
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "'%s': a device of this type has no place in a machine that runs; give it with "
                   "-device when the machine starts",
                   spec->type);
  if (gwt_error_is_set (err))
    return false;
  gwt_vm_paused_call (add_paused, &a);
  return a.done;
}

bool
gwt_hotplug_again (const struct gwt_machine *from, struct gwt_error *err)
{
  for (guint i = 0; i < from->added_specs->len; i++)
    {
      struct addition a = { g_ptr_array_index (from->added_specs, i), err, false };
      gwt_vm_paused_call (add_paused, &a);
      if (!a.done)
        return false;
    }
  return true;
}

/* ---- going when asked ------------------------------------------------------------------------ */

struct removal
{
  const struct gwt_hotplug *hotplug;
  void *self;
  struct gwt_error *err;
  bool done;
};

static void
remove_paused (void *data)
{
  struct removal *r = data;
  r->done = r->hotplug->unplug_request (r->self, r->err) == 0 && !gwt_error_is_set (r->err);
  gwt_hotplug_finish_paused ();
}

bool
gwt_hotplug_remove (const char *name, struct gwt_error *err)
{
  struct gwt_device *device = name[0] == '/' ? gwt_device_find_path (name) : gwt_device_find (name);
  struct gwt_hotplug hotplug;
  if (device == NULL)
    {
      gwt_error_set (err, GWT_E_NOT_FOUND, "Device '%.128s' not found", name);
      return false;
    }
  struct gwt_device *user = gwt_device_linked_by (device);
  struct removal r = { &hotplug, hotplug_of (device, &hotplug), err, false };
  if (device->from_board || r.self == NULL)
    gwt_error_set (
        err, GWT_E_INVALID,
        "device '%s' is a fixed part of the machine; only what is plugged into a bus can "
        "be removed",
        device->id);
  else if (device->leaving)
    gwt_error_set (err, GWT_E_BUSY, "Device %s is already in the process of unplug", device->id);
  else if (user != NULL)
    gwt_error_set (err, GWT_E_BUSY, "device '%s' is used by device '%s'; remove that first",
                   device->id, user->id);
  if (gwt_error_is_set (err) || !may_change (err))
    return false;
  gwt_vm_paused_call (remove_paused, &r);
  if (!r.done)
    gwt_error_set (err, GWT_E_FAILED, "device '%s': it cannot be unplugged, no reason was given",
                   name);
  return r.done;
}

/* ---- the machine ----------------------------------------------------------------------------- */

void
gwt_hotplug_begin (struct gwt_machine *m)
{
  static bool listens;
  machine = m;
  gwt_device_set_unplug_hooks (on_leaving, on_refused);
  if (!listens)
    gwt_migration_on_ended (migration_ended);
  listens = true;
}

void
gwt_hotplug_end (const struct gwt_machine *m)
{
  if (machine != m)
    return;
  machine = NULL;
  gwt_device_set_unplug_hooks (NULL, NULL);
  if (finish_source != 0)
    g_source_remove (finish_source);
  finish_source = 0;
}
