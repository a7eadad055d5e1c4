/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The QMP commands of this release and the events of run-state changes.  Each command is a few
 * lines over the layer that does the work.
 */
#include "config.h"
#include "core/monitor/qmp.h"

#include <stdio.h>
#include <string.h>

#include "core/cpu/icount.h"
#include "core/cpu/run.h"
#include "core/device/device.h"
#include "core/device/event.h"
#include "core/device/spec.h"
#include "core/migration/migration.h"
#include "core/monitor/block.h"
#include "core/monitor/chardevs.h"
#include "core/monitor/devices.h"
#include "core/monitor/dispatch.h"
#include "core/monitor/migrate.h"
#include "core/plugin/loader.h"

static char *guest_name;
static char *(*find_uuid) (void);

static const char *
string_arg (struct json_object *args, const char *name)
{
  struct json_object *value;
  return json_object_object_get_ex (args, name, &value) ? json_object_get_string (value) : NULL;
}

static void
add_string (struct json_object *object, const char *name, const char *value)
{
  json_object_object_add (object, name, json_object_new_string (value));
}

/* ---- run state ---------------------------------------------------------------------------------
 */

static struct json_object *
query_status (struct json_object *args, struct gwt_error *err)
{
  struct json_object *result = json_object_new_object ();
  enum gwt_runstate state = gwt_runstate ();
  add_string (result, "status", gwt_runstate_name (state));
  json_object_object_add (result, "running",
                          json_object_new_boolean (state == GWT_RUNSTATE_RUNNING));
  return result;
}

static struct json_object *
query_icount (struct json_object *args, struct gwt_error *err)
{
  struct json_object *result = json_object_new_object ();

  json_object_object_add (result, "enabled", json_object_new_boolean (gwt_icount_on ()));
  if (gwt_icount_on ())
    {
      json_object_object_add (result, "shift", json_object_new_int ((int) gwt_icount_shift ()));
      json_object_object_add (result, "icount", json_object_new_int64 ((int64_t) gwt_icount ()));
    }
  return result;
}

static struct json_object *
icount_break (struct json_object *args, struct gwt_error *err)
{
  struct json_object *value;
  int64_t icount;

  json_object_object_get_ex (args, "icount", &value);
  icount = json_object_get_int64 (value);
  if (icount < 0)
    gwt_error_set (err, GWT_E_INVALID, "Parameter 'icount' is negative; correct it");
  return icount >= 0 && gwt_icount_break ((uint64_t) icount, err) ? json_object_new_object ()
                                                                  : NULL;
}

static struct json_object *
stop (struct json_object *args, struct gwt_error *err)
{
  return gwt_migrate_stop (err) ? json_object_new_object () : NULL;
}

static struct json_object *
cont (struct json_object *args, struct gwt_error *err)
{
  return gwt_migrate_cont (err) ? json_object_new_object () : NULL;
}

static struct json_object *
quit (struct json_object *args, struct gwt_error *err)
{
  gwt_request_shutdown (GWT_CAUSE_HOST_QMP_QUIT, 0);
  return json_object_new_object ();
}

static struct json_object *
system_reset (struct json_object *args, struct gwt_error *err)
{
  enum gwt_runstate state = gwt_runstate ();
  if (state == GWT_RUNSTATE_INMIGRATE || state == GWT_RUNSTATE_FINISH_MIGRATE)
    {
      gwt_error_set (err, GWT_E_BUSY, "the guest is on its way (%s); wait until it is there",
                     gwt_runstate_name (state));
      return NULL;
    }
  gwt_request_reset (GWT_CAUSE_HOST_QMP_SYSTEM_RESET);
  return json_object_new_object ();
}

static struct json_object *
system_powerdown (struct json_object *args, struct gwt_error *err)
{
  gwt_request_powerdown ();
  return json_object_new_object ();
}

/* ---- who we are --------------------------------------------------------------------------------
 */

static struct json_object *
query_version (struct json_object *args, struct gwt_error *err)
{
  int major = 0, minor = 0, micro = 0;
  struct json_object *result = json_object_new_object (), *numbers = json_object_new_object ();
  sscanf (PACKAGE_VERSION, "%d.%d.%d", &major, &minor, &micro);
  json_object_object_add (numbers, "micro", json_object_new_int (micro));
  json_object_object_add (numbers, "minor", json_object_new_int (minor));
  json_object_object_add (numbers, "major", json_object_new_int (major));
  json_object_object_add (result, "qemu", numbers);
  add_string (result, "package", PACKAGE_NAME " " PACKAGE_VERSION);
  return result;
}

static struct json_object *
query_commands (struct json_object *args, struct gwt_error *err)
{
  return gwt_qmp_command_list ();
}

static struct json_object *
query_name (struct json_object *args, struct gwt_error *err)
{
  struct json_object *result = json_object_new_object ();
  if (guest_name != NULL)
    add_string (result, "name", guest_name);
  return result;
}

static struct json_object *
query_uuid (struct json_object *args, struct gwt_error *err)
{
  struct json_object *result = json_object_new_object ();
  g_autofree char *uuid = find_uuid != NULL ? find_uuid () : NULL;
  add_string (result, "UUID", uuid != NULL ? uuid : "00000000-0000-0000-0000-000000000000");
  return result;
}

void
gwt_qmp_set_identity (const char *name, char *(*uuid) (void))
{
  g_free (guest_name);
  guest_name = g_strdup (name);
  find_uuid = uuid;
}

static struct json_object *
query_cpus_fast (struct json_object *args, struct gwt_error *err)
{
  struct json_object *list = json_object_new_array ();
  for (guint n = 0; n < gwt_vcpu_count (); n++)
    {
      struct json_object *cpu = json_object_new_object (), *props = json_object_new_object ();
      struct gwt_device *device = gwt_vcpu_device (n);
      json_object_object_add (cpu, "cpu-index", json_object_new_int ((int) n));
      add_string (cpu, "qom-path", device->path);
      add_string (cpu, "qom-type", device->type->d.name);
      json_object_object_add (cpu, "thread-id", json_object_new_int (gwt_vcpu_thread_id (n)));
      json_object_object_add (props, "core-id", json_object_new_int ((int) n));
      json_object_object_add (cpu, "props", props);
      add_string (cpu, "target", "riscv64");
      json_object_array_add (list, cpu);
    }
  return list;
}

static struct json_object *
query_plugins (struct json_object *args, struct gwt_error *err)
{
  struct json_object *list = json_object_new_array ();
  guint count;
  const struct gwt_plugin_info *const *infos = gwt_loader_list (&count);
  for (guint i = 0; i < count; i++)
    {
      const struct gwt_plugin_info *info = infos[i];
      struct json_object *entry = json_object_new_object (), *types = json_object_new_array ();
      if (info->id == NULL)
        continue; /* no plugin, only a file in a plugin folder */
      add_string (entry, "id", info->id);
      add_string (entry, "version", info->version);
      add_string (entry, "path", info->path);
      json_object_object_add (entry, "loaded", json_object_new_boolean (info->plugin != NULL));
      for (char **t = info->types; t != NULL && *t != NULL; t++)
        json_object_array_add (types, json_object_new_string (*t));
      json_object_object_add (entry, "types", types);
      if (info->refusal != NULL)
        add_string (entry, "refusal", info->refusal);
      json_object_array_add (list, entry);
    }
  return list;
}

/* ---- the device tree ---------------------------------------------------------------------------
 */

static struct gwt_device *
find_device (const char *name, struct gwt_error *err)
{
  struct gwt_device *device
      = name[0] == '/' ? gwt_device_find_path (name) : gwt_device_find (name);
  if (device == NULL)
    gwt_error_set (err, GWT_E_NOT_FOUND, "Device '%.128s' not found", name);
  return device;
}

static void
list_entry (struct json_object *list, const char *name, const char *type)
{
  struct json_object *entry = json_object_new_object ();
  add_string (entry, "name", name);
  add_string (entry, "type", type);
  json_object_array_add (list, entry);
}

static const char *
kind_name (const struct gwt_field *field)
{
  switch (field->kind)
    {
    case GWT_BOOL:
      return "bool";
    case GWT_STR:
      return "str";
    case GWT_LINK:
      return field->interface != NULL ? "link" : "link<device>";
    case GWT_CHARDEV:
      return "chardev";
    case GWT_BLOCK:
      return "str";
    case GWT_NETDEV:
      return "netdev";
    case GWT_F64:
      return "number";
    default:
      return field->values != NULL ? "enum" : "int";
    }
}

static struct json_object *
qom_list (struct json_object *args, struct gwt_error *err)
{
  const char *path = string_arg (args, "path");
  struct json_object *list = json_object_new_array ();
  if (strcmp (path, "/") == 0)
    {
      list_entry (list, "machine", "child<machine>");
      return list;
    }
  if (strcmp (path, "/machine") == 0)
    {
      guint count;
      g_autofree struct gwt_device **devices = gwt_device_list (&count);
      for (guint i = 0; i < count; i++)
        {
          g_autofree char *type = g_strdup_printf ("child<%s>", devices[i]->type->d.name);
          list_entry (list, devices[i]->id, type);
        }
      return list;
    }
  struct gwt_device *device = find_device (path, err);
  if (device == NULL)
    {
      json_object_put (list);
      return NULL;
    }
  list_entry (list, "type", "str");
  for (const struct gwt_type *t = device->type; t != NULL; t = gwt_type_parent (t))
    for (uint64_t i = 0; i < t->d.n_fields; i++)
      if (t->fields[i].role == GWT_PROP)
        list_entry (list, t->fields[i].name, kind_name (&t->fields[i]));
  return list;
}

/* Of one property: the object that x-query-provenance has in its list. */
static struct json_object *
explain_one (struct gwt_device *device, const char *property, struct gwt_error *err)
{
  struct json_object *list = gwt_device_explain (device, property, err), *one;
  if (list == NULL)
    return NULL;
  one = json_object_get (json_object_array_get_idx (list, 0));
  json_object_put (list);
  return one;
}

static struct json_object *
qom_get (struct json_object *args, struct gwt_error *err)
{
  const char *property = string_arg (args, "property");
  struct gwt_device *device = find_device (string_arg (args, "path"), err);
  struct json_object *provenance;
  if (device == NULL)
    return NULL;
  bool explained = json_object_object_get_ex (args, "x-provenance", &provenance)
                   && json_object_get_boolean (provenance);
  if (strcmp (property, "type") == 0 && !explained)
    return json_object_new_string (device->type->d.name);
  if (gwt_type_property (device->type, property) == NULL)
    {
      /* QEMU's class and text for this case, not DeviceNotFound. */
      gwt_error_set (err, GWT_E_INVALID, "Property '%s.%.64s' not found", device->type->d.name,
                     property);
      return NULL;
    }
  return explained ? explain_one (device, property, err)
                   : gwt_device_get_json (device, property, err);
}

static struct json_object *
query_provenance (struct json_object *args, struct gwt_error *err)
{
  struct json_object *property = NULL;
  struct gwt_device *device = find_device (string_arg (args, "path"), err);
  if (device == NULL)
    return NULL;
  json_object_object_get_ex (args, "property", &property);
  const char *name = property != NULL ? json_object_get_string (property) : NULL;
  if (name == NULL || gwt_type_property (device->type, name) != NULL)
    return gwt_device_explain (device, name, err);
  gwt_error_set (err, GWT_E_INVALID, "Property '%s.%.64s' not found", device->type->d.name, name);
  return NULL;
}

static struct json_object *
describe_property (const struct gwt_field *field)
{
  struct json_object *entry = json_object_new_object ();
  add_string (entry, "name", field->name);
  add_string (entry, "type", kind_name (field));
  if (field->doc != NULL)
    add_string (entry, "description", field->doc);
  if (field->def_text != NULL)
    add_string (entry, "default-value", field->def_text);
  else if (field->kind == GWT_BOOL)
    json_object_object_add (entry, "default-value", json_object_new_boolean (field->def != 0));
  else if (field->kind < GWT_BOOL)
    json_object_object_add (entry, "default-value", json_object_new_uint64 (field->def));
  return entry;
}

static struct json_object *
device_list_properties (struct json_object *args, struct gwt_error *err)
{
  const char *name = string_arg (args, "typename");
  GWT_AUTO_ERROR (load);
  struct json_object *list = json_object_new_array ();
  const struct gwt_type *type = gwt_type_find (name);
  if (type == NULL && gwt_loader_need_type (name, &load))
    type = gwt_type_find (name);
  if (type == NULL)
    {
      gwt_error_set (err, GWT_E_NOT_FOUND, "Device type '%.64s' not found", name);
      json_object_put (list);
      return NULL;
    }
  for (const struct gwt_type *t = type; t != NULL; t = gwt_type_parent (t))
    for (uint64_t i = 0; i < t->d.n_fields; i++)
      if (t->fields[i].role == GWT_PROP)
        json_object_array_add (list, describe_property (&t->fields[i]));
  return list;
}

static struct json_object *
device_call (struct json_object *args, struct gwt_error *err)
{
  struct json_object *arguments = NULL, *result = NULL;
  struct gwt_device *device = find_device (string_arg (args, "device"), err);
  if (device == NULL)
    return NULL;
  json_object_object_get_ex (args, "arguments", &arguments);
  struct json_object *given
      = arguments != NULL ? json_object_get (arguments) : json_object_new_object ();
  bool done = gwt_device_call (device, string_arg (args, "method"), given, &result, err);
  json_object_put (given);
  if (!done)
    {
      if (err->code == GWT_E_NOT_FOUND)
        err->code = GWT_E_INVALID; /* the method is unknown, the device is not */
      return NULL;
    }
  /* A command's answer is an object, so that more can be said in it later. */
  struct json_object *answer = json_object_new_object ();
  json_object_object_add (answer, "result", result);
  return answer;
}

/* ---- registration ------------------------------------------------------------------------------
 */

static const struct gwt_qmp_arg icount_args[]
    = { { "icount", "int", false }, { NULL, NULL, false } };
static const struct gwt_qmp_arg path_args[] = { { "path", "str", false }, { NULL, NULL, false } };
static const struct gwt_qmp_arg qom_get_args[] = { { "path", "str", false },
                                                   { "property", "str", false },
                                                   { "x-provenance", "bool", true },
                                                   { NULL, NULL, false } };
static const struct gwt_qmp_arg provenance_args[]
    = { { "path", "str", false }, { "property", "str", true }, { NULL, NULL, false } };
static const struct gwt_qmp_arg typename_args[]
    = { { "typename", "str", false }, { NULL, NULL, false } };
static const struct gwt_qmp_arg call_args[] = { { "device", "str", false },
                                                { "method", "str", false },
                                                { "arguments", "any", true },
                                                { NULL, NULL, false } };

static struct json_object *
qmp_capabilities (struct json_object *args, struct gwt_error *err)
{
  /* Reached from the console only: dispatch takes it itself. */
  gwt_error_set (err, GWT_E_UNSUPPORTED,
                 "Capabilities negotiation is already complete, command ignored");
  return NULL;
}

static const struct gwt_qmp_command commands[] = {
  { "cont", cont, NULL },
  { "device-call", device_call, call_args },
  { "device-list-properties", device_list_properties, typename_args },
  { "qmp_capabilities", qmp_capabilities, NULL },
  { "qom-get", qom_get, qom_get_args },
  { "qom-list", qom_list, path_args },
  { "query-commands", query_commands, NULL },
  { "query-cpus-fast", query_cpus_fast, NULL },
  { "query-name", query_name, NULL },
  { "query-plugins", query_plugins, NULL },
  { "query-status", query_status, NULL },
  { "query-uuid", query_uuid, NULL },
  { "query-version", query_version, NULL },
  { "quit", quit, NULL },
  { "stop", stop, NULL },
  { "system_powerdown", system_powerdown, NULL },
  { "system_reset", system_reset, NULL },
  { "x-icount-break", icount_break, icount_args },
  { "x-query-icount", query_icount, NULL },
  { "x-query-provenance", query_provenance, provenance_args },
};

static void
on_run_event (const char *event, enum gwt_shutdown_cause cause, void *data)
{
  struct json_object *details = NULL;
  /* Only back ends need to know that a guest stands which has never run. */
  if (strcmp (event, "STOP") == 0 && gwt_runstate () == GWT_RUNSTATE_INMIGRATE)
    return;
  if (strcmp (event, "SHUTDOWN") == 0 || strcmp (event, "RESET") == 0)
    {
      bool guest = cause == GWT_CAUSE_GUEST_SHUTDOWN || cause == GWT_CAUSE_GUEST_RESET
                   || cause == GWT_CAUSE_GUEST_PANIC;
      details = json_object_new_object ();
      json_object_object_add (details, "guest", json_object_new_boolean (guest));
      add_string (details, "reason", gwt_shutdown_cause_name (cause));
    }
  gwt_qmp_event (event, details);
}

void
gwt_qmp_init (void)
{
  gwt_qmp_add_commands (commands, G_N_ELEMENTS (commands));
  gwt_qmp_init_chardevs ();
  gwt_qmp_init_devices ();
  gwt_qmp_net_init ();
  gwt_qmp_init_block ();
  gwt_qmp_init_fds ();
  gwt_qmp_init_migrate ();
  gwt_run_add_listener (on_run_event, NULL);
  gwt_event_set_listener (gwt_qmp_event);
}
