/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities and parameters: what they are before anybody set them, what is taken, what is
   refused and how; nothing of a request that is refused is set. */
#include "config.h"
#include "core/migration/params.h"
#include <glib.h>
#include <string.h>

static struct json_object *
json_of (const char *text)
{
  g_autofree char *json = g_strdelimit (g_strdup (text), "'", '"');
  struct json_object *object = json_tokener_parse (json);
  g_assert_nonnull (object);
  return object;
}

static char *
set_capabilities (const char *text, bool busy)
{
  GWT_AUTO_ERROR (err);
  struct json_object *list = json_of (text);
  bool ok = gwt_capabilities_set_json (list, busy, &err);
  g_assert_true (ok == !gwt_error_is_set (&err));
  json_object_put (list);
  return g_strdup (err.text);
}

static char *
set_params (const char *text)
{
  GWT_AUTO_ERROR (err);
  struct json_object *args = json_of (text);
  bool ok = gwt_params_set_json (args, &err);
  g_assert_true (ok == !gwt_error_is_set (&err));
  json_object_put (args);
  return g_strdup (err.text);
}

/* Ours are on from the start; all others are off. */
static bool
preset (guint capability)
{
  return capability == GWT_CAP_X_MANIFEST || capability == GWT_CAP_X_PREFLIGHT;
}

static void
test_all_capabilities (void)
{
  static const char *const names[] = {
    "xbzrle",
    "rdma-pin-all",
    "auto-converge",
    "zero-blocks",
    "events",
    "postcopy-ram",
    "x-colo",
    "release-ram",
    "return-path",
    "pause-before-switchover",
    "multifd",
    "dirty-bitmaps",
    "postcopy-blocktime",
    "late-block-activate",
    "x-ignore-shared",
    "validate-uuid",
    "background-snapshot",
    "zero-copy-send",
    "postcopy-preempt",
    "switchover-ack",
    "dirty-limit",
    "mapped-ram",
    "x-manifest",
    "x-preflight",
  };
  struct json_object *list = gwt_capabilities_json (), *value;
  g_assert_cmpuint (json_object_array_length (list), ==, G_N_ELEMENTS (names));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      struct json_object *entry = json_object_array_get_idx (list, i);
      g_assert_cmpint (json_object_object_length (entry), ==, 2);
      g_assert_true (json_object_object_get_ex (entry, "capability", &value));
      g_assert_cmpstr (json_object_get_string (value), ==, names[i]);
      g_assert_cmpstr (gwt_capability_name (i), ==, names[i]);
      g_assert_true (json_object_object_get_ex (entry, "state", &value));
      g_assert_cmpint (json_object_get_boolean (value), ==, preset (i));
    }
  json_object_put (list);
}

static void
test_offered (void)
{
  static const enum gwt_capability offered[] = { GWT_CAP_XBZRLE,
                                                 GWT_CAP_AUTO_CONVERGE,
                                                 GWT_CAP_ZERO_BLOCKS,
                                                 GWT_CAP_EVENTS,
                                                 GWT_CAP_RETURN_PATH,
                                                 GWT_CAP_PAUSE_BEFORE_SWITCHOVER,
                                                 GWT_CAP_LATE_BLOCK_ACTIVATE,
                                                 GWT_CAP_X_IGNORE_SHARED,
                                                 GWT_CAP_VALIDATE_UUID,
                                                 GWT_CAP_X_MANIFEST,
                                                 GWT_CAP_X_PREFLIGHT };
  for (guint i = 0; i < GWT_CAP_COUNT; i++)
    {
      bool is = false;
      for (guint k = 0; k < G_N_ELEMENTS (offered); k++)
        is |= offered[k] == i;
      g_autofree char *request
          = g_strdup_printf ("[{'capability':'%s','state':true}]", gwt_capability_name (i));
      g_autofree char *off
          = g_strdup_printf ("[{'capability':'%s','state':false}]", gwt_capability_name (i));
      g_autofree char *text = set_capabilities (request, false);
      g_autofree char *expected = g_strdup_printf (
          "Capability '%s' is not offered by this release; leave it off", gwt_capability_name (i));
      g_assert_cmpstr (text, ==, is ? NULL : expected);
      g_assert_true (gwt_capability (i) == is);
      g_autofree char *none = set_capabilities (off, false);
      g_assert_cmpstr (none, ==, NULL);
      g_assert_false (gwt_capability (i));
    }
}

static void
test_bad_capabilities (void)
{
  static const struct
  {
    const char *json, *text;
  } cases[] = {
    { "{}", "Invalid parameter type for 'capabilities', expected: array" },
    { "[5]", "Invalid parameter type for 'capabilities[0]', expected: object" },
    { "[{}]", "Parameter 'capabilities[0].capability' is missing" },
    { "[{'capability':'events'}]", "Parameter 'capabilities[0].state' is missing" },
    { "[{'capability':'events','state':1}]",
      "Invalid parameter type for 'capabilities[0].state', expected: boolean" },
    { "[{'capability':null,'state':true}]",
      "Invalid parameter type for 'capabilities[0].capability', expected: string" },
    { "[{'capability':'events','state':true},{'capability':'event','state':true}]",
      "Parameter 'capabilities[1].capability' does not accept value 'event'; did you mean "
      "'events'?" },
    { "[{'capability':'events','state':true,'more':1}]",
      "Parameter 'capabilities[0].more' is unexpected" },
    { "[{'capability':'events','state':true},{'capability':'multifd','state':true}]",
      "Capability 'multifd' is not offered by this release; leave it off" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = set_capabilities (cases[i].json, false);
      g_assert_cmpstr (text, ==, cases[i].text);
      g_assert_false (gwt_capability (GWT_CAP_EVENTS));
    }
  g_autofree char *busy = set_capabilities ("[]", true);
  g_assert_cmpstr (busy, ==,
                   "There's a migration process in progress; set capabilities before or after it");
}

/* As "-global migration.NAME=TEXT" has it. */
static char *
set_text (const char *name, const char *text)
{
  GWT_AUTO_ERROR (err);
  bool ok = gwt_migration_set_text (name, text, &err);

  g_assert_true (ok == !gwt_error_is_set (&err));
  return g_strdup (err.text);
}

static void
test_text (void)
{
  static const struct
  {
    const char *name, *text, *error;
  } cases[] = {
    { "x-manifest", "off", NULL },
    { "x-manifest", "no", "'no' is neither 'on' nor 'off'; use one of them" },
    { "multifd", "on", "Capability 'multifd' is not offered by this release; leave it off" },
    { "multifd", "off", NULL },
    { "max-bandwidth", "1M", NULL },
    { "downtime-limit", "-1",
      "'-1' is not a number; use decimal or 0x hexadecimal, with K, M, G or T behind it if you "
      "like, below 2^64" },
    { "downtime-limit", "2000001",
      "Parameter 'downtime-limit' expects a number from 0 to 2000000 ms" },
    { "cpu-throttle-tailslow", "on", NULL },
    { "tls-creds", "x",
      "Parameter 'tls-creds' cannot be changed in this release; leave it at \"\"" },
    { "x-manifst", "off",
      "migrations have no capability and no parameter 'x-manifst'; did you mean 'x-manifest'?" },
    { "wings", "off",
      "migrations have no capability and no parameter 'wings'; docs/migration.md lists them" },
  };

  gwt_migration_params_reset ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = set_text (cases[i].name, cases[i].text);
      g_assert_cmpstr (text, ==, cases[i].error);
    }
  g_assert_false (gwt_capability (GWT_CAP_X_MANIFEST));
  g_assert_true (gwt_capability (GWT_CAP_X_PREFLIGHT));
  g_assert_cmpuint (gwt_migration_param (GWT_PARAM_MAX_BANDWIDTH), ==, 1 << 20);
  g_assert_cmpuint (gwt_migration_param (GWT_PARAM_CPU_THROTTLE_TAILSLOW), ==, 1);
  gwt_migration_params_reset ();
  g_assert_true (gwt_capability (GWT_CAP_X_MANIFEST));
}

static void
test_all_params (void)
{
  struct json_object *all = gwt_params_json ();
  g_assert_cmpstr (
      json_object_to_json_string_ext (all, JSON_C_TO_STRING_PLAIN), ==,
      "{\"announce-initial\":50,\"announce-max\":550,\"announce-rounds\":5,\"announce-step\":100,"
      "\"throttle-trigger-threshold\":50,\"cpu-throttle-initial\":20,\"cpu-throttle-increment\":10,"
      "\"cpu-throttle-tailslow\":false,\"tls-creds\":\"\",\"tls-hostname\":\"\",\"tls-authz\":\"\","
      "\"max-bandwidth\":134217728,\"avail-switchover-bandwidth\":0,\"downtime-limit\":300,"
      "\"x-checkpoint-delay\":20000,\"multifd-channels\":2,\"multifd-compression\":\"none\","
      "\"multifd-zlib-level\":1,\"multifd-qatzip-level\":1,\"multifd-zstd-level\":1,"
      "\"xbzrle-cache-size\":67108864,\"max-postcopy-bandwidth\":0,\"max-cpu-throttle\":99,"
      "\"x-vcpu-dirty-limit-period\":1000,\"vcpu-dirty-limit\":1,\"mode\":\"normal\","
      "\"zero-page-detection\":\"multifd\",\"direct-io\":false,\"x-verdict-timeout\":60000}");
  /* All of it can be set again. */
  GWT_AUTO_ERROR (err);
  g_assert_true (gwt_params_set_json (all, &err));
  json_object_put (all);
}

static void
test_set_params (void)
{
  g_autofree char *text = set_params (
      "{'max-bandwidth':0,'downtime-limit':2000000,'cpu-throttle-tailslow':true,"
      "'cpu-throttle-initial':30,'max-cpu-throttle':30,'xbzrle-cache-size':4096,"
      "'avail-switchover-bandwidth':9223372036854775807,'throttle-trigger-threshold':100}");
  g_assert_cmpstr (text, ==, NULL);
  g_assert_cmpuint (gwt_migration_param (GWT_PARAM_MAX_BANDWIDTH), ==, 0);
  g_assert_cmpuint (gwt_migration_param (GWT_PARAM_DOWNTIME_LIMIT), ==, 2000000);
  g_assert_cmpuint (gwt_migration_param (GWT_PARAM_CPU_THROTTLE_TAILSLOW), ==, 1);
  g_assert_cmpuint (gwt_migration_param (GWT_PARAM_CPU_THROTTLE_INITIAL), ==, 30);
  g_assert_cmpuint (gwt_migration_param (GWT_PARAM_MAX_CPU_THROTTLE), ==, 30);
  g_assert_cmpuint (gwt_migration_param (GWT_PARAM_XBZRLE_CACHE_SIZE), ==, 4096);
  g_assert_cmpuint (gwt_migration_param (GWT_PARAM_AVAIL_SWITCHOVER_BANDWIDTH), ==, INT64_MAX);
  gwt_migration_params_reset ();
  g_assert_cmpuint (gwt_migration_param (GWT_PARAM_DOWNTIME_LIMIT), ==, 300);
}

static void
test_bad_params (void)
{
  static const struct
  {
    const char *json, *text;
  } cases[] = {
    { "{'max-bandwith':1}",
      "Parameter 'max-bandwith' is unexpected; did you mean 'max-bandwidth'?" },
    { "{'downtime-limit':2000001}",
      "Parameter 'downtime-limit' expects a number from 0 to 2000000 ms" },
    { "{'downtime-limit':-1}", "Parameter 'downtime-limit' expects a number from 0 to 2000000 ms" },
    { "{'downtime-limit':'5'}", "Invalid parameter type for 'downtime-limit', expected: integer" },
    { "{'downtime-limit':1.5}", "Invalid parameter type for 'downtime-limit', expected: integer" },
    { "{'cpu-throttle-initial':0}",
      "Parameter 'cpu-throttle-initial' expects a number from 1 to 99" },
    { "{'cpu-throttle-tailslow':1}",
      "Invalid parameter type for 'cpu-throttle-tailslow', expected: boolean" },
    { "{'max-cpu-throttle':19}",
      "Parameter 'max-cpu-throttle' expects a number from cpu-throttle-initial, which is 20, to "
      "99" },
    { "{'xbzrle-cache-size':5000}",
      "Parameter 'xbzrle-cache-size' expects a power of two from 4096 bytes on" },
    { "{'xbzrle-cache-size':2048}",
      "Parameter 'xbzrle-cache-size' expects a number from 4096 to 4611686018427387904 bytes" },
    { "{'max-bandwidth':18446744073709551615}",
      "Parameter 'max-bandwidth' expects a number from 0 to 9223372036854775807 bytes/second" },
    { "{'multifd-channels':4}",
      "Parameter 'multifd-channels' cannot be changed in this release; leave it at 2" },
    { "{'tls-creds':'x'}",
      "Parameter 'tls-creds' cannot be changed in this release; leave it at \"\"" },
    { "{'direct-io':true}",
      "Parameter 'direct-io' cannot be changed in this release; leave it at false" },
    { "{'max-bandwidth':1,'mode':'cpr-reboot'}",
      "Parameter 'mode' cannot be changed in this release; leave it at \"normal\"" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = set_params (cases[i].json);
      g_assert_cmpstr (text, ==, cases[i].text);
    }
  g_assert_cmpuint (gwt_migration_param (GWT_PARAM_MAX_BANDWIDTH), ==, 134217728);
  g_assert_cmpuint (gwt_migration_param (GWT_PARAM_MAX_CPU_THROTTLE), ==, 99);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/capabilities/all", test_all_capabilities);
  g_test_add_func ("/capabilities/offered", test_offered);
  g_test_add_func ("/capabilities/bad", test_bad_capabilities);
  g_test_add_func ("/params/text", test_text);
  g_test_add_func ("/params/all", test_all_params);
  g_test_add_func ("/params/set", test_set_params);
  g_test_add_func ("/params/bad", test_bad_params);
  return g_test_run ();
}
