/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QMP: migration, with QEMU's names and members.  Each command is a few lines over core/migration,
 * which decides what can be done when.
 */
#include "config.h"
#include "core/monitor/migrate.h"

#include <string.h>

#include "core/migration/announce.h"
#include "core/migration/channel.h"
#include "core/migration/manifest.h"
#include "core/migration/migration.h"
#include "core/migration/params.h"
#include "core/monitor/qmp.h"

static const char *
string_arg (struct json_object *args, const char *name)
{
  struct json_object *value;
  return json_object_object_get_ex (args, name, &value) ? json_object_get_string (value) : NULL;
}

static bool
bool_arg (struct json_object *args, const char *name, bool preset)
{
  struct json_object *value;
  return json_object_object_get_ex (args, name, &value) ? json_object_get_boolean (value) : preset;
}

/* The answer of a command that has none, or NULL with a class that QMP's clients expect: whatever
   was not found, it is no device. */
static struct json_object *
answer (bool ok, struct gwt_error *err)
{
  if (ok)
    return json_object_new_object ();
  err->code = GWT_E_FAILED;
  return NULL;
}

/* ---- where to, where from ---------------------------------------------------------------------
 */

/* A name with a NUL in it would be another one. */
static const char *
text_arg (struct json_object *args, const char *name, struct gwt_error *err)
{
  struct json_object *value;
  if (!json_object_object_get_ex (args, name, &value))
    return NULL;
  const char *text = json_object_get_string (value);
  if (strlen (text) == (size_t) json_object_get_string_len (value))
    return text;
  gwt_error_set (err, GWT_E_INVALID, "Parameter '%s' has a NUL in it; leave it out", name);
  return NULL;
}

static struct gwt_address *
address_arg (struct json_object *args, enum gwt_direction direction, struct gwt_error *err)
{
  struct json_object *channels = NULL;
  const char *uri = text_arg (args, "uri", err);
  bool listed = json_object_object_get_ex (args, "channels", &channels);
  if (gwt_error_is_set (err))
    return NULL;
  if ((uri != NULL) == listed)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     listed ? "'uri' and 'channels' are both given; leave one of them out"
                            : "Parameter 'uri' is missing; give it, or 'channels'");
      return NULL;
    }
  return listed ? gwt_address_parse_channels (channels, direction, err)
                : gwt_address_parse (uri, direction, err);
}

/* What other releases can do besides; false means that it is not wanted. */
static bool
check_extras (struct json_object *args, struct gwt_error *err)
{
  static const struct
  {
    const char *name, *text;
  } extras[] = {
    { "resume", "there is no postcopy that could be resumed" },
    { "blk", "disks are not copied; share them between both ends" },
    { "inc", "disks are not copied; share them between both ends" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (extras); i++)
    if (bool_arg (args, extras[i].name, false))
      {
        gwt_error_set (err, GWT_E_UNSUPPORTED, "%s: %s", extras[i].name, extras[i].text);
        return false;
      }
  if (bool_arg (args, "detach", true))
    return true;
  gwt_error_set (err, GWT_E_UNSUPPORTED,
                 "detach: 'migrate' answers at once, and query-migrate tells the rest; leave it "
                 "out");
  return false;
}

static struct json_object *
migrate (struct json_object *args, struct gwt_error *err)
{
  if (!check_extras (args, err))
    return NULL;
  struct gwt_address *address = address_arg (args, GWT_OUTGOING, err);
  bool ok = address != NULL && gwt_migrate_start (address, err);
  gwt_address_free (address);
  return answer (ok, err);
}

static struct json_object *
migrate_check (struct json_object *args, struct gwt_error *err)
{
  struct gwt_address *address = address_arg (args, GWT_OUTGOING, err);
  bool ok = address != NULL && gwt_migrate_check (address, err);
  gwt_address_free (address);
  return answer (ok, err);
}

static struct json_object *
migrate_incoming (struct json_object *args, struct gwt_error *err)
{
  struct gwt_address *address = address_arg (args, GWT_INCOMING, err);
  bool ok = address != NULL
            && gwt_migrate_incoming (address, bool_arg (args, "exit-on-error", true), err);
  gwt_address_free (address);
  return answer (ok, err);
}

static struct json_object *
migrate_cancel (struct json_object *args, struct gwt_error *err)
{
  gwt_migrate_cancel ();
  return json_object_new_object ();
}

static struct json_object *
migrate_continue (struct json_object *args, struct gwt_error *err)
{
  return answer (gwt_migrate_continue (string_arg (args, "state"), err), err);
}

/* ---- what is set, what goes on ----------------------------------------------------------------
 */

static struct json_object *
set_capabilities (struct json_object *args, struct gwt_error *err)
{
  struct json_object *list;
  json_object_object_get_ex (args, "capabilities", &list);
  return answer (gwt_capabilities_set_json (list, gwt_migration_busy (NULL), err), err);
}

static struct json_object *
query_capabilities (struct json_object *args, struct gwt_error *err)
{
  return gwt_capabilities_json ();
}

static struct json_object *
set_parameters (struct json_object *args, struct gwt_error *err)
{
  return answer (gwt_params_set_json (args, err), err);
}

static struct json_object *
query_parameters (struct json_object *args, struct gwt_error *err)
{
  return gwt_params_json ();
}

static struct json_object *
query_manifest (struct json_object *args, struct gwt_error *err)
{
  struct gwt_manifest *m = gwt_migration_manifest (err);
  struct json_object *root;
  (void) args;
  if (m == NULL)
    return answer (false, err);
  root = json_object_get (gwt_manifest_json (m));
  gwt_manifest_unref (m);
  return root;
}

static struct json_object *
query_migrate (struct json_object *args, struct gwt_error *err)
{
  return gwt_migrate_query ();
}

static struct json_object *
query_threads (struct json_object *args, struct gwt_error *err)
{
  return gwt_migrate_threads ();
}

/* ---- announcements ----------------------------------------------------------------------------
 */

static struct json_object *
announce_self (struct json_object *args, struct gwt_error *err)
{
  uint64_t values[GWT_PARAM_COUNT];
  /* The ranges are those of the parameters. */
  struct json_object *named = json_object_new_object ();
  json_object_object_foreach (args, name, value)
  {
    g_autofree char *full = g_strdup_printf ("announce-%s", name);
    json_object_object_add (named, full, json_object_get (value));
  }
  bool ok = gwt_params_judge_json (named, values, err);
  json_object_put (named);
  if (ok)
    gwt_announce (&(struct gwt_announce_params){
        .initial = values[GWT_PARAM_ANNOUNCE_INITIAL],
        .max = values[GWT_PARAM_ANNOUNCE_MAX],
        .rounds = values[GWT_PARAM_ANNOUNCE_ROUNDS],
        .step = values[GWT_PARAM_ANNOUNCE_STEP],
    });
  return answer (ok, err);
}

/* ---- state in files ---------------------------------------------------------------------------
 */

static struct json_object *
state_save (struct json_object *args, struct gwt_error *err)
{
  const char *file = text_arg (args, "file", err);
  return answer (file != NULL && gwt_migrate_save_file (file, err), err);
}

static struct json_object *
state_load (struct json_object *args, struct gwt_error *err)
{
  const char *file = text_arg (args, "file", err);
  return answer (file != NULL && gwt_migrate_load_file (file, err), err);
}

/* ---- registration -----------------------------------------------------------------------------
 */

static const struct gwt_qmp_arg migrate_args[]
    = { { "uri", "str", true },     { "channels", "any", true }, { "resume", "bool", true },
        { "detach", "bool", true }, { "blk", "bool", true },     { "inc", "bool", true },
        { NULL, NULL, false } };
static const struct gwt_qmp_arg incoming_args[] = { { "uri", "str", true },
                                                    { "channels", "any", true },
                                                    { "exit-on-error", "bool", true },
                                                    { NULL, NULL, false } };
static const struct gwt_qmp_arg check_args[]
    = { { "uri", "str", true }, { "channels", "any", true }, { NULL, NULL, false } };
static const struct gwt_qmp_arg continue_args[]
    = { { "state", "str", false }, { NULL, NULL, false } };
static const struct gwt_qmp_arg capabilities_args[]
    = { { "capabilities", "any", false }, { NULL, NULL, false } };
static const struct gwt_qmp_arg parameters_args[]
    = { { GWT_QMP_MORE, "any", true }, { NULL, NULL, false } };
static const struct gwt_qmp_arg file_args[] = { { "file", "str", false }, { NULL, NULL, false } };

static const struct gwt_qmp_arg announce_args[] = { { "initial", "int", false },
                                                    { "max", "int", false },
                                                    { "rounds", "int", false },
                                                    { "step", "int", false },
                                                    { NULL, NULL, false } };

static const struct gwt_qmp_command commands[] = {
  { "announce-self", announce_self, announce_args },
  { "migrate", migrate, migrate_args },
  { "migrate-check", migrate_check, check_args },
  { "migrate-continue", migrate_continue, continue_args },
  { "migrate-incoming", migrate_incoming, incoming_args },
  { "migrate-set-capabilities", set_capabilities, capabilities_args },
  { "migrate-set-parameters", set_parameters, parameters_args },
  { "migrate_cancel", migrate_cancel, NULL },
  { "query-manifest", query_manifest, NULL },
  { "query-migrate", query_migrate, NULL },
  { "query-migrate-capabilities", query_capabilities, NULL },
  { "query-migrate-parameters", query_parameters, NULL },
  { "query-migrationthreads", query_threads, NULL },
  { "state-load", state_load, file_args },
  { "state-save", state_save, file_args },
};

void
gwt_qmp_init_migrate (void)
{
  gwt_qmp_add_commands (commands, G_N_ELEMENTS (commands));
  gwt_migrate_on_event (gwt_qmp_event);
}
