/* SPDX-License-Identifier: BSD-2-Clause */
/* The numbers and words of a migration.  What a parameter does is the affair of who asks for it. */
#include "config.h"
#include "core/migration/params.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "core/util/text.h"

#define PAGE_BYTES 4096
#define NOT_OFFERED GWT_PARAM_COUNT

enum kind
{
  NUMBER,
  POWER, /* a number that is a power of two */
  BOOLEAN,
  WORD
};

/* All that QEMU 10 answers, in its order, then ours.  One that is not offered has its default for
   ever, and can be set to that. */
static const struct row
{
  const char *name;
  enum gwt_param param;
  enum kind kind;
  uint64_t preset, min, max;
  const char *unit, *word;
} table[] = {
  { "announce-initial", GWT_PARAM_ANNOUNCE_INITIAL, NUMBER, 50, 0, 100000, " ms", NULL },
  { "announce-max", GWT_PARAM_ANNOUNCE_MAX, NUMBER, 550, 0, 100000, " ms", NULL },
  { "announce-rounds", GWT_PARAM_ANNOUNCE_ROUNDS, NUMBER, 5, 0, 1000, "", NULL },
  { "announce-step", GWT_PARAM_ANNOUNCE_STEP, NUMBER, 100, 1, 10000, " ms", NULL },
  { "throttle-trigger-threshold", GWT_PARAM_THROTTLE_TRIGGER_THRESHOLD, NUMBER, 50, 1, 100, "",
    NULL },
  { "cpu-throttle-initial", GWT_PARAM_CPU_THROTTLE_INITIAL, NUMBER, 20, 1, 99, "", NULL },
  { "cpu-throttle-increment", GWT_PARAM_CPU_THROTTLE_INCREMENT, NUMBER, 10, 1, 99, "", NULL },
  { "cpu-throttle-tailslow", GWT_PARAM_CPU_THROTTLE_TAILSLOW, BOOLEAN, 0, 0, 1, "", NULL },
  { "tls-creds", NOT_OFFERED, WORD, 0, 0, 0, "", "" },
  { "tls-hostname", NOT_OFFERED, WORD, 0, 0, 0, "", "" },
  { "tls-authz", NOT_OFFERED, WORD, 0, 0, 0, "", "" },
  { "max-bandwidth", GWT_PARAM_MAX_BANDWIDTH, NUMBER, 134217728, 0, INT64_MAX, " bytes/second",
    NULL },
  { "avail-switchover-bandwidth", GWT_PARAM_AVAIL_SWITCHOVER_BANDWIDTH, NUMBER, 0, 0, INT64_MAX,
    " bytes/second", NULL },
  { "downtime-limit", GWT_PARAM_DOWNTIME_LIMIT, NUMBER, 300, 0, 2000000, " ms", NULL },
  { "x-checkpoint-delay", NOT_OFFERED, NUMBER, 20000, 0, UINT32_MAX, " ms", NULL },
  { "multifd-channels", NOT_OFFERED, NUMBER, 2, 1, 255, "", NULL },
  { "multifd-compression", NOT_OFFERED, WORD, 0, 0, 0, "", "none" },
  { "multifd-zlib-level", NOT_OFFERED, NUMBER, 1, 0, 9, "", NULL },
  { "multifd-qatzip-level", NOT_OFFERED, NUMBER, 1, 1, 9, "", NULL },
  { "multifd-zstd-level", NOT_OFFERED, NUMBER, 1, 0, 20, "", NULL },
  { "xbzrle-cache-size", GWT_PARAM_XBZRLE_CACHE_SIZE, POWER, 67108864, PAGE_BYTES,
    UINT64_C (1) << 62, " bytes", NULL },
  { "max-postcopy-bandwidth", NOT_OFFERED, NUMBER, 0, 0, INT64_MAX, " bytes/second", NULL },
  { "max-cpu-throttle", GWT_PARAM_MAX_CPU_THROTTLE, NUMBER, 99, 1, 99, "", NULL },
  { "x-vcpu-dirty-limit-period", NOT_OFFERED, NUMBER, 1000, 1, 1000, " ms", NULL },
  { "vcpu-dirty-limit", NOT_OFFERED, NUMBER, 1, 1, INT64_MAX, " MB/s", NULL },
  { "mode", NOT_OFFERED, WORD, 0, 0, 0, "", "normal" },
  { "zero-page-detection", NOT_OFFERED, WORD, 0, 0, 0, "", "multifd" },
  { "direct-io", NOT_OFFERED, BOOLEAN, 0, 0, 1, "", NULL },
  { "x-verdict-timeout", GWT_PARAM_X_VERDICT_TIMEOUT, NUMBER, 60000, 0, 86400000, " ms", NULL },
};

static uint64_t values[GWT_PARAM_COUNT]; /* atomic */
static gsize filled;

static void
fill (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (table[i].param != NOT_OFFERED)
      __atomic_store_n (&values[table[i].param], table[i].preset, __ATOMIC_RELAXED);
}

uint64_t
gwt_migration_param (enum gwt_param param)
{
  if (g_once_init_enter (&filled))
    {
      fill ();
      g_once_init_leave (&filled, 1);
    }
  return __atomic_load_n (&values[param], __ATOMIC_RELAXED);
}

void
gwt_migration_params_reset (void)
{
  gwt_migration_param (0);
  fill ();
  gwt_capabilities_reset ();
}

static const struct row *
find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (strcmp (table[i].name, name) == 0)
      return &table[i];
  return NULL;
}

static bool
unknown (const char *name, struct gwt_error *err)
{
  const char *names[G_N_ELEMENTS (table) + 1] = { NULL };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    names[i] = table[i].name;
  g_autofree char *near = gwt_did_you_mean (name, names);
  gwt_error_set (err, GWT_E_INVALID, "Parameter '%.64s' is unexpected%s", name, near);
  return false;
}

/* VALUE as a number of row R; a word is 1 where it is the preset. */
static bool
take (const struct row *r, struct json_object *value, uint64_t *number, struct gwt_error *err)
{
  static const struct
  {
    json_type type;
    const char *name;
  } types[] = { [NUMBER] = { json_type_int, "integer" },
                [POWER] = { json_type_int, "integer" },
                [BOOLEAN] = { json_type_boolean, "boolean" },
                [WORD] = { json_type_string, "string" } };
  if (!json_object_is_type (value, types[r->kind].type))
    {
      gwt_error_set (err, GWT_E_INVALID, "Invalid parameter type for '%s', expected: %s", r->name,
                     types[r->kind].name);
      return false;
    }
  if (r->kind == WORD)
    {
      *number = strcmp (json_object_get_string (value), r->word) == 0;
      return true;
    }
  if (r->kind == BOOLEAN)
    {
      *number = json_object_get_boolean (value);
      return true;
    }
  /* Of a negative number json-c gives 0. */
  *number = json_object_get_uint64 (value);
  if ((*number == 0 && json_object_get_int64 (value) < 0) || *number < r->min || *number > r->max)
    gwt_error_set (err, GWT_E_RANGE,
                   "Parameter '%s' expects a number from %" PRIu64 " to %" PRIu64 "%s", r->name,
                   r->min, r->max, r->unit);
  else if (r->kind == POWER && (*number & (*number - 1)) != 0)
    gwt_error_set (err, GWT_E_RANGE, "Parameter '%s' expects a power of two from %" PRIu64 "%s on",
                   r->name, r->min, r->unit);
  return !gwt_error_is_set (err);
}

static bool
take_row (const struct row *r, struct json_object *value, uint64_t *want, struct gwt_error *err)
{
  uint64_t number;
  if (!take (r, value, &number, err))
    return false;
  if (r->param != NOT_OFFERED)
    {
      want[r->param] = number;
      return true;
    }
  if (number == (r->kind == WORD ? 1 : r->preset))
    return true;
  g_autofree char *preset = r->kind == WORD      ? g_strdup_printf ("\"%s\"", r->word)
                            : r->kind == BOOLEAN ? g_strdup ("false")
                                                 : g_strdup_printf ("%" PRIu64, r->preset);
  gwt_error_set (err, GWT_E_UNSUPPORTED,
                 "Parameter '%s' cannot be changed in this release; leave it at %s", r->name,
                 preset);
  return false;
}

bool
gwt_params_judge_json (struct json_object *args, uint64_t want[GWT_PARAM_COUNT],
                       struct gwt_error *err)
{
  for (guint i = 0; i < GWT_PARAM_COUNT; i++)
    want[i] = gwt_migration_param (i);
  json_object_object_foreach (args, name, value)
  {
    const struct row *r = find (name);
    if (r == NULL ? !unknown (name, err) : !take_row (r, value, want, err))
      return false;
  }
  if (want[GWT_PARAM_MAX_CPU_THROTTLE] < want[GWT_PARAM_CPU_THROTTLE_INITIAL])
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "Parameter 'max-cpu-throttle' expects a number from cpu-throttle-initial, "
                     "which is %" PRIu64 ", to 99",
                     want[GWT_PARAM_CPU_THROTTLE_INITIAL]);
      return false;
    }
  return true;
}

bool
gwt_params_set_json (struct json_object *args, struct gwt_error *err)
{
  uint64_t want[GWT_PARAM_COUNT];
  if (!gwt_params_judge_json (args, want, err))
    return false;
  for (guint i = 0; i < GWT_PARAM_COUNT; i++)
    __atomic_store_n (&values[i], want[i], __ATOMIC_RELAXED);
  return true;
}

/* A row's value from what a user types; a word is taken as it is. */
static struct json_object *
from_text (const struct row *r, const char *text, struct gwt_error *err)
{
  uint64_t number;
  bool on;

  if (r->kind == WORD)
    return json_object_new_string (text);
  if (r->kind == BOOLEAN)
    return gwt_parse_bool (text, &on, err) ? json_object_new_boolean (on) : NULL;
  return gwt_parse_u64 (text, true, &number, err) ? json_object_new_uint64 (number) : NULL;
}

static bool
set_param_text (const struct row *r, const char *text, struct gwt_error *err)
{
  struct json_object *args, *value = from_text (r, text, err);
  bool good;

  if (value == NULL)
    return false;
  args = json_object_new_object ();
  json_object_object_add (args, r->name, value);
  good = gwt_params_set_json (args, err);
  json_object_put (args);
  return good;
}

static bool
set_capability_text (enum gwt_capability capability, const char *text, struct gwt_error *err)
{
  struct json_object *list, *entry;
  bool on, good;

  if (!gwt_parse_bool (text, &on, err))
    return false;
  list = json_object_new_array ();
  entry = json_object_new_object ();
  json_object_object_add (entry, "capability",
                          json_object_new_string (gwt_capability_name (capability)));
  json_object_object_add (entry, "state", json_object_new_boolean (on));
  json_object_array_add (list, entry);
  good = gwt_capabilities_set_json (list, false, err);
  json_object_put (list);
  return good;
}

bool
gwt_migration_set_text (const char *name, const char *text, struct gwt_error *err)
{
  const char *names[GWT_CAP_COUNT + G_N_ELEMENTS (table) + 1] = { NULL };
  const struct row *r = find (name);
  guint i;

  if (r != NULL)
    return set_param_text (r, text, err);
  for (i = 0; i < GWT_CAP_COUNT; i++)
    {
      names[i] = gwt_capability_name ((enum gwt_capability) i);
      if (strcmp (names[i], name) == 0)
        return set_capability_text ((enum gwt_capability) i, text, err);
    }
  for (i = 0; i < G_N_ELEMENTS (table); i++)
    names[GWT_CAP_COUNT + i] = table[i].name;
  g_autofree char *near = gwt_did_you_mean (name, names);
  gwt_error_set (err, GWT_E_NOT_FOUND,
                 "migrations have no capability and no parameter '%.64s'%s", name,
                 near[0] != '\0' ? near : "; docs/migration.md lists them");
  return false;
}

struct json_object *
gwt_params_json (void)
{
  struct json_object *object = json_object_new_object (), *value;
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      const struct row *r = &table[i];
      uint64_t number = r->param == NOT_OFFERED ? r->preset : gwt_migration_param (r->param);
      if (r->kind == WORD)
        value = json_object_new_string (r->word);
      else if (r->kind == BOOLEAN)
        value = json_object_new_boolean (number != 0);
      else
        value = json_object_new_uint64 (number);
      json_object_object_add (object, r->name, value);
    }
  return object;
}
