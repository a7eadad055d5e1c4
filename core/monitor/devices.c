/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QMP: device_add, device_del and their events.  Must not know how a device comes or goes
 * (core/machine/hotplug.c).
 */
#include "config.h"
#include "core/monitor/devices.h"

#include "core/machine/hotplug.h"
#include "core/monitor/qmp.h"

/* ---- coming and going ------------------------------------------------------------------------ */

static struct json_object *
device_add (struct json_object *args, struct gwt_error *err)
{
  struct gwt_spec *spec = gwt_spec_from_json (args, err);
  bool done = spec != NULL && gwt_hotplug_add (spec, err);
  gwt_spec_free (spec);
  if (done)
    return json_object_new_object ();
  /* QEMU's class for whatever is wrong here; DeviceNotFound is device_del's alone. */
  err->code = GWT_E_FAILED;
  return NULL;
}

static struct json_object *
device_del (struct json_object *args, struct gwt_error *err)
{
  struct json_object *id;
  json_object_object_get_ex (args, "id", &id);
  return gwt_hotplug_remove (json_object_get_string (id), err) ? json_object_new_object () : NULL;
}

static void
on_hotplug (const char *event, const char *id, const char *path)
{
  struct json_object *data = json_object_new_object ();
  json_object_object_add (data, "device", json_object_new_string (id));
  json_object_object_add (data, "path", json_object_new_string (path));
  gwt_qmp_event (event, data);
}

/* ---- registration ---------------------------------------------------------------------------- */

static const struct gwt_qmp_arg device_add_args[]
    = { { "driver", "str", false },
        { "bus", "str", true },
        { "id", "str", true },
        { GWT_QMP_MORE, "any", true }, /* the type's properties */
        { NULL, NULL, false } };
static const struct gwt_qmp_arg device_del_args[]
    = { { "id", "str", false }, { NULL, NULL, false } };

static const struct gwt_qmp_command commands[] = {
  { "device_add", device_add, device_add_args },
  { "device_del", device_del, device_del_args },
  { "query-pci", gwt_qmp_query_pci, NULL },
};

void
gwt_qmp_init_devices (void)
{
  gwt_qmp_add_commands (commands, G_N_ELEMENTS (commands));
  gwt_hotplug_set_listener (on_hotplug);
}
