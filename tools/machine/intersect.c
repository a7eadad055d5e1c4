/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns `godwit-machine intersect`: what to write on each host's command line, so that a guest can
 * go from any of them to any other.
 *
 * What is said is tried: each manifest is changed as its host's would be, and every pair is judged
 * as a migration would judge it.  Reasons that remain are those that no property can do anything
 * about, and are told.
 */
#include "config.h"
#include "tools/machine/intersect.h"
#include <stdio.h>
#include <string.h>
#include "core/migration/preflight.h"
#include "tools/machine/check.h"
#include "tools/machine/choose.h"
#include "tools/machine/tool.h"

#define HOSTS_MAX 64

const char tool_intersect_usage[]
    = "  intersect [--json] A.json B.json...\n"
      "                   what to write on each host's command line (in place of the -cpu and\n"
      "                   -device that are named) so that the guest can go from any of them to\n"
      "                   any other\n";

struct host
{
  const char *path;
  struct gwt_manifest *m;
  struct json_object *edited; /* the document with what is said */
  GPtrArray *changes;         /* struct change */
};

/* DEVICE of a host is to have VALUE. */
struct change
{
  const struct gwt_manifest_device *device;
  const struct gwt_manifest_property *p;
  struct json_object *value;
  char *text; /* as an option has it */
};

static void
change_free (gpointer data)
{
  struct change *c = data;

  json_object_put (c->value);
  g_free (c->text);
  g_free (c);
}

static void
hosts_free (struct host *hosts, guint n)
{
  guint i;

  for (i = 0; i < n; i++)
    {
      gwt_manifest_unref (hosts[i].m);
      json_object_put (hosts[i].edited);
      g_ptr_array_unref (hosts[i].changes);
    }
  g_free (hosts);
}

/* ---- what is to change ----------------------------------------------------------------------- */

static bool
change_property (struct host *hosts, const struct tool_side *sides, guint n, const char *name,
                 struct gwt_error *err)
{
  struct json_object *value;
  guint i;

  if (!tool_choose (sides, n, name, &value, err))
    return false;
  for (i = 0; i < n; i++)
    {
      struct change *c;

      if (sides[i].p == NULL || gwt_manifest_equal (sides[i].p->value, value))
        continue;
      c = g_new0 (struct change, 1);
      c->device = sides[i].device;
      c->p = sides[i].p;
      c->value = json_object_get (value);
      c->text = tool_value_text (value);
      g_ptr_array_add (hosts[i].changes, c);
    }
  json_object_put (value);
  return true;
}

static bool
change_device (struct host *hosts, guint n, const char *id, struct gwt_error *err)
{
  g_autofree struct tool_side *sides = g_new0 (struct tool_side, n);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  guint i, k;

  for (i = 0; i < n; i++)
    {
      sides[i].host = hosts[i].path;
      sides[i].m = hosts[i].m;
      sides[i].device = gwt_manifest_device (hosts[i].m, id);
      /* Not the same machines: the verdict will say so. */
      if (sides[i].device == NULL || strcmp (sides[i].device->type, sides[0].device->type) != 0)
        return true;
      for (k = 0; k < sides[i].device->n_properties; k++)
        if (!g_ptr_array_find_with_equal_func (names, sides[i].device->properties[k].name,
                                               g_str_equal, NULL))
          g_ptr_array_add (names, (gpointer) sides[i].device->properties[k].name);
    }
  for (k = 0; k < names->len; k++)
    {
      const char *name = g_ptr_array_index (names, k);

      for (i = 0; i < n; i++)
        sides[i].p = gwt_manifest_property (sides[i].device, name);
      if (!change_property (hosts, sides, n, name, err))
        return false;
    }
  return true;
}

/* ---- what to write --------------------------------------------------------------------------- */

static const struct change *
find_change (const struct host *host, const struct gwt_manifest_device *device, const char *name)
{
  guint i;

  for (i = 0; i < host->changes->len; i++)
    {
      const struct change *c = g_ptr_array_index (host->changes, i);

      if (c->device == device && strcmp (c->p->name, name) == 0)
        return c;
    }
  return NULL;
}

/* What a user has said of DEVICE, and what is said now. */
static void
add_properties (const struct host *host, const struct gwt_manifest_device *device, GString *to)
{
  guint i;

  for (i = 0; i < device->n_properties; i++)
    {
      const struct gwt_manifest_property *p = &device->properties[i];
      const struct change *c = find_change (host, device, p->name);
      g_autofree char *text = NULL;

      if (c == NULL && p->from != GWT_SOURCE_DEVICE && p->from != GWT_SOURCE_INCOMING)
        continue;
      text = tool_value_text (c != NULL ? c->value : p->value);
      if (text != NULL)
        g_string_append_printf (to, ",%s=%s", p->name, text);
    }
}

static void
add_option (GPtrArray *args, const char *option, GString *value)
{
  g_ptr_array_add (args, g_strdup (option));
  g_ptr_array_add (args, g_string_free (value, FALSE));
}

static void
write_device (const struct host *host, const struct gwt_manifest_device *device, GPtrArray *args)
{
  GString *to = g_string_new (NULL);
  guint i;

  g_string_append_printf (to, "%s,id=%s", device->type, device->id);
  for (i = 0; i < device->n_backends; i++)
    g_string_append_printf (to, ",%s=%s", device->backends[i].property, device->backends[i].id);
  if (device->has_at)
    g_string_append_printf (to, ",at=%" G_GUINT64_FORMAT, device->at);
  if (device->has_irq)
    g_string_append_printf (to, ",irq=%" G_GUINT64_FORMAT, device->irq);
  add_properties (host, device, to);
  add_option (args, "-device", to);
}

/* -global reaches every device of the type: they must all want it. */
static bool
write_global (const struct host *host, const struct change *c, GPtrArray *args,
              struct gwt_error *err)
{
  GString *to = g_string_new (NULL);
  guint i;

  g_string_append_printf (to, "%s.%s=%s", c->device->type, c->p->name, c->text);
  for (i = 0; i < args->len; i++)
    if (strcmp (g_ptr_array_index (args, i), to->str) == 0)
      {
        g_string_free (to, TRUE);
        return true;
      }
  for (i = 0; i < host->m->n_devices; i++)
    {
      const struct gwt_manifest_device *device = &host->m->devices[i];
      const struct change *other = find_change (host, device, c->p->name);
      const struct gwt_manifest_property *p = gwt_manifest_property (device, c->p->name);

      if (strcmp (device->type, c->device->type) != 0 || p == NULL
          || gwt_manifest_equal (other != NULL ? other->value : p->value, c->value))
        continue;
      gwt_error_set (err, GWT_E_INVALID,
                     "%s: '%s' is wanted by device '%s' alone, and -global reaches '%s' too; build "
                     "the machine so that the two are alike",
                     host->path, to->str, c->device->id, device->id);
      g_string_free (to, TRUE);
      return false;
    }
  add_option (args, "-global", to);
  return true;
}

/* Arguments for HOST, or NULL with ERR set. */
static GPtrArray *
write_host (const struct host *host, struct gwt_error *err)
{
  g_autoptr (GPtrArray) args = g_ptr_array_new_with_free_func (g_free);
  const struct gwt_manifest_device *last = NULL;
  bool cpu = false;
  guint i;

  for (i = 0; i < host->changes->len; i++)
    {
      const struct change *c = g_ptr_array_index (host->changes, i);

      if (c->text == NULL)
        {
          gwt_error_set (err, GWT_E_INVALID,
                         "%s: device '%s': property '%s' would have to be nothing, which no option "
                         "can say; leave it out on all hosts",
                         host->path, c->device->id, c->p->name);
          return NULL;
        }
      if (strcmp (c->device->origin, "board") == 0)
        {
          if (!write_global (host, c, args, err))
            return NULL;
        }
      else if (strcmp (c->device->origin, "cpu") != 0)
        {
          if (c->device != last)
            write_device (host, c->device, args);
          last = c->device;
        }
      /* CPUs are all the same model: what the first one is told, all are. */
      else if (!cpu)
        {
          GString *to = g_string_new (host->m->cpu);

          add_properties (host, c->device, to);
          add_option (args, "-cpu", to);
          cpu = true;
        }
    }
  return g_steal_pointer (&args);
}

/* ---- trying it ------------------------------------------------------------------------------- */

static void
add_json (struct json_object *to, const char *name, struct json_object *value)
{
  json_object_object_add (to, name, json_object_get (value));
}

/* C's property as its host would tell it then. */
static struct json_object *
property_json (const struct change *c)
{
  struct json_object *o = json_object_new_object (), *rows = json_object_new_array ();
  guint i;

  add_json (o, "value", c->value);
  json_object_object_add (o, "source", json_object_new_string ("device"));
  add_json (o, "default", c->p->def);
  if (c->p->min != NULL)
    add_json (o, "min", c->p->min);
  if (c->p->max != NULL)
    add_json (o, "max", c->p->max);
  if (c->p->values != NULL)
    {
      struct json_object *values = json_object_new_array ();

      for (i = 0; c->p->values[i] != NULL; i++)
        json_object_array_add (values, json_object_new_string (c->p->values[i]));
      json_object_object_add (o, "values", values);
    }
  for (i = 0; i < c->p->n_rows; i++)
    {
      struct json_object *row = json_object_new_object ();

      json_object_object_add (row, "plugin", json_object_new_string (c->p->rows[i].plugin));
      json_object_object_add (row, "level", json_object_new_string (c->p->rows[i].level));
      add_json (row, "value", c->p->rows[i].value);
      json_object_array_add (rows, row);
    }
  json_object_object_add (o, "rows", rows);
  return o;
}

/* Subsections that come whatever the properties are. */
static struct json_object *
kept_subsections (struct json_object *section)
{
  struct json_object *kept = json_object_new_array (), *all, *when;
  size_t i;

  if (json_object_object_get_ex (section, "subsections", &all))
    for (i = 0; i < json_object_array_length (all); i++)
      {
        struct json_object *sub = json_object_array_get_idx (all, i);

        if (!json_object_object_get_ex (sub, "when", &when)
            || !g_str_has_prefix (json_object_get_string (when), "property "))
          json_object_array_add (kept, json_object_get (sub));
      }
  return kept;
}

/* What follows from the new values is not known before a machine is built with them. */
static void
forget (struct json_object *device)
{
  struct json_object *sections;
  size_t i;

  json_object_object_add (device, "facts", json_object_new_object ());
  if (json_object_object_get_ex (device, "sections", &sections))
    for (i = 0; i < json_object_array_length (sections); i++)
      {
        struct json_object *section = json_object_array_get_idx (sections, i);

        json_object_object_add (section, "subsections", kept_subsections (section));
        json_object_object_del (section, "layouts");
      }
}

/* Replaces HOST's manifest by the one that it would have.  CHANGED: ids of devices that change on
   any host. */
static bool
apply (struct host *host, GHashTable *changed, struct gwt_error *err)
{
  struct json_object *devices;
  struct gwt_manifest *m;
  const char *text;
  guint i;

  if (json_object_deep_copy (gwt_manifest_json (host->m), &host->edited, NULL) != 0)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY, "%s: no memory", host->path);
      return false;
    }
  json_object_object_get_ex (host->edited, "devices", &devices);
  for (i = 0; i < host->changes->len; i++)
    {
      const struct change *c = g_ptr_array_index (host->changes, i);
      struct json_object *device
          = json_object_array_get_idx (devices, (size_t) (c->device - host->m->devices));
      struct json_object *properties;

      if (!json_object_object_get_ex (device, "properties", &properties))
        {
          properties = json_object_new_object ();
          json_object_object_add (device, "properties", properties);
        }
      json_object_object_add (properties, c->p->name, property_json (c));
    }
  for (i = 0; i < host->m->n_devices; i++)
    if (g_hash_table_contains (changed, host->m->devices[i].id))
      forget (json_object_array_get_idx (devices, i));
  text = json_object_to_json_string_ext (host->edited, JSON_C_TO_STRING_PLAIN);
  m = gwt_manifest_parse (host->path, text, strlen (text), err);
  if (m == NULL)
    return false;
  g_ptr_array_set_size (host->changes, 0); /* they point into the old one */
  gwt_manifest_unref (host->m);
  host->m = m;
  return true;
}

/* Reasons that remain are told on standard error. */
static bool
try_all (struct host *hosts, guint n)
{
  bool good = true;
  guint i, k, r;

  for (i = 0; i < n; i++)
    for (k = 0; k < n; k++)
      {
        struct gwt_preflight result;

        if (i == k)
          continue;
        gwt_preflight_run (hosts[i].m, hosts[k].m, &result);
        good = good && result.verdict != GWT_VERDICT_REFUSE;
        for (r = 0; r < result.reasons->len; r++)
          tool_fail_text ("intersect", "%s to %s: %s", hosts[i].path, hosts[k].path,
                          (const char *) g_ptr_array_index (result.reasons, r));
        gwt_preflight_clear (&result);
      }
  return good;
}

/* ---- the command ----------------------------------------------------------------------------- */

static void
print_host (const struct host *host, GPtrArray *args, struct json_object *all)
{
  struct json_object *list = all != NULL ? json_object_new_array () : NULL;
  guint i;

  if (all == NULL)
    printf ("%s:", host->path);
  for (i = 0; i < args->len; i++)
    {
      const char *text = g_ptr_array_index (args, i);
      g_autofree char *quoted = g_shell_quote (text);

      if (all != NULL)
        json_object_array_add (list, json_object_new_string (text));
      else
        printf (" %s", strpbrk (text, " '\"\\$`*?&|;<>()") != NULL ? quoted : text);
    }
  if (all != NULL)
    json_object_object_add (all, host->path, list);
  else
    puts ("");
}

static int
intersect (struct host *hosts, guint n, bool json)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  g_autoptr (GHashTable) changed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  struct json_object *object;
  GWT_AUTO_ERROR (err);
  guint i, k;

  for (i = 0; i < hosts[0].m->n_devices; i++)
    if (!change_device (hosts, n, hosts[0].m->devices[i].id, &err))
      return tool_fail (&err, "intersect");
  for (i = 0; i < n; i++)
    {
      GPtrArray *args = write_host (&hosts[i], &err);

      if (args == NULL)
        return tool_fail (&err, "intersect");
      g_ptr_array_add (all, args);
      for (k = 0; k < hosts[i].changes->len; k++)
        {
          const struct change *c = g_ptr_array_index (hosts[i].changes, k);

          g_hash_table_add (changed, g_strdup (c->device->id));
        }
    }
  for (i = 0; i < n; i++)
    if (!apply (&hosts[i], changed, &err))
      return tool_fail (&err, "intersect");
  if (!try_all (hosts, n))
    return TOOL_BAD;
  object = json ? json_object_new_object () : NULL;
  for (i = 0; i < n; i++)
    print_host (&hosts[i], g_ptr_array_index (all, i), object);
  return json ? tool_print_json (object) : tool_flush (TOOL_GOOD);
}

int
tool_intersect (int argc, char **argv)
{
  bool json = argc > 1 && strcmp (argv[1], "--json") == 0;
  int first = 1 + json, n = argc - first, i, k, status = TOOL_BAD;
  struct host *hosts;
  GWT_AUTO_ERROR (err);

  if (n < 2 || n > HOSTS_MAX)
    return tool_fail_text ("intersect",
                           "it takes 2 to %d manifests, one of each host; see "
                           "godwit-machine intersect --help",
                           HOSTS_MAX);
  for (i = 0; i < n; i++)
    for (k = 0; k < i; k++)
      if (strcmp (argv[first + i], argv[first + k]) == 0)
        return tool_fail_text ("intersect", "%s is given twice; give each host's manifest once",
                               argv[first + i]);
  hosts = g_new0 (struct host, (gsize) n);
  for (i = 0; i < n; i++)
    hosts[i].changes = g_ptr_array_new_with_free_func (change_free);
  for (i = 0; i < n && !gwt_error_is_set (&err); i++)
    {
      hosts[i].path = argv[first + i];
      hosts[i].m = tool_manifest (hosts[i].path, &err);
    }
  status = gwt_error_is_set (&err) ? tool_fail (&err, "intersect")
                                   : intersect (hosts, (guint) n, json);
  hosts_free (hosts, (guint) n);
  return status;
}
