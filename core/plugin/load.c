/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading one plugin whose note is good: dlopen, handshake, requirements, start, registration.
 * Everything is checked before anything is registered, so a refused plugin leaves no trace but
 * mapped memory.  Must not know how plugins are found.
 */
#include "config.h"
#include "core/plugin/internal.h"
#include <dlfcn.h>
#include <string.h>
#include "core/device/field.h"
#include "core/device/type.h"
#include "core/device/value.h"
#include "core/util/build-id.h"
#include "core/util/extension.h"
#include "core/util/text.h"
#include "core/vmstate/vmstate.h"

/* What the first release had; these never change. */
#define PLUGIN_MIN (offsetof (struct gwt_plugin, start) + sizeof (void *))
#define OFFER_MIN (offsetof (struct gwt_extension, table) + sizeof (void *))
#define COMPAT_MIN (offsetof (struct gwt_compat_row, value) + sizeof (void *))

/* Lists end with NULL; a list that does not is garbage. */
#define LIST_MAX 1024

/* ---- handshake ------------------------------------------------------------------------------- */

static const struct gwt_plugin *
call_entry (const char *path, char **build, struct gwt_error *err)
{
  /* A path without a slash would be searched for among the system's libraries. */
  g_autofree char *file
      = strchr (path, '/') != NULL ? g_strdup (path) : g_strdup_printf ("./%s", path);
  void *handle = dlopen (file, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL)
    {
      const char *reason = dlerror ();
      gwt_error_set (err, GWT_E_INVALID, "it cannot be loaded: %s; build or copy it again",
                     reason != NULL ? reason : "unknown reason");
      return NULL;
    }
  gwt_plugin_entry entry;
  void *symbol = dlsym (handle, GWT_PLUGIN_ENTRY_NAME);
  memcpy (&entry, &symbol, sizeof entry);
  if (symbol == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "it does not export '" GWT_PLUGIN_ENTRY_NAME
                     "'; build it with GWT_PLUGIN_DEFINE");
      return NULL;
    }
  *build = gwt_build_id (symbol);
  GWT_AUTO_ERROR (inner);
  const struct gwt_plugin *table = entry (gwt_host_table (), &inner);
  if (table == NULL)
    gwt_error_set (err, GWT_E_UNSUPPORTED, "it refuses this host: %s",
                   gwt_error_is_set (&inner) ? inner.text : "no reason given");
  return table;
}

static bool
check_list (const char *const *list, const char *what, struct gwt_error *err)
{
  guint n = 0;
  while (list != NULL && n < LIST_MAX && list[n] != NULL)
    n++;
  if (n < LIST_MAX)
    return true;
  gwt_error_set (err, GWT_E_INVALID, "its list of %s has no end; build it again", what);
  return false;
}

/* A normalized copy; the lists and names in it are the plugin's. */
static void
plugin_free (struct gwt_plugin *p)
{
  g_free ((gpointer) p->types);
  g_free ((gpointer) p->offers);
  g_free ((gpointer) p->compat);
  g_free (p);
}

/* Some may be left out. */
static void
copy_types (struct gwt_plugin *p)
{
  const struct gwt_device_type **types;
  guint n = 0;
  while (p->types != NULL && p->types[n] != NULL)
    n++;
  types = g_new0 (const struct gwt_device_type *, n + 1);
  if (n > 0)
    memcpy (types, p->types, n * sizeof *types);
  p->types = types;
}

static struct gwt_plugin *
normalize (const struct gwt_plugin *table, struct gwt_error *err)
{
  if (table->struct_size < PLUGIN_MIN || table->struct_size > 65536)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "its table has %" G_GUINT64_FORMAT
                     " bytes, which no release had; build it again with this release's headers",
                     table->struct_size);
      return NULL;
    }
  struct gwt_plugin *p = g_new0 (struct gwt_plugin, 1);
  memcpy (p, table, MIN (table->struct_size, sizeof *p));
  p->struct_size = sizeof *p;
  p->offers = gwt_table_normalize (table->offers, table->n_offers, table->offer_size,
                                   sizeof (struct gwt_extension), OFFER_MIN, "extensions", err);
  p->offer_size = sizeof (struct gwt_extension);
  p->compat = gwt_table_normalize (table->compat, table->n_compat, table->compat_row_size,
                                   sizeof (struct gwt_compat_row), COMPAT_MIN, "compat rows", err);
  p->compat_row_size = sizeof (struct gwt_compat_row);
  if (!gwt_error_is_set (err) && check_list (p->required, "requirements", err)
      && check_list (p->wanted, "wishes", err)
      && check_list ((const char *const *) p->types, "device types", err))
    {
      copy_types (p);
      return p;
    }
  p->types = NULL;
  plugin_free (p);
  return NULL;
}

/* ---- note and table say the same ------------------------------------------------------------- */

static bool
disagree (const char *what, const char *table, const char *note, struct gwt_error *err)
{
  gwt_error_set (
      err, GWT_E_INVALID,
      "its table and its note disagree on %s: '%s' and '%s'; build it again with the two alike",
      what, table != NULL ? table : "", note);
  return false;
}

/* NAMES, in any order, are the words of LIST? */
static bool
same_names (GPtrArray *names, char **list)
{
  if (names->len != g_strv_length (list))
    return false;
  for (guint i = 0; i < names->len; i++)
    if (!g_strv_contains ((const char *const *) list, names->pdata[i]))
      return false;
  return true;
}

static bool
compare_names (const char *what, GPtrArray *names, char **list, struct gwt_error *err)
{
  if (same_names (names, list))
    return true;
  g_ptr_array_add (names, NULL);
  g_autofree char *table = g_strjoinv (" ", (char **) names->pdata), *note = g_strjoinv (" ", list);
  return disagree (what, table, note, err);
}

static bool
check_note (const struct gwt_plugin_info *info, const struct gwt_plugin *p, struct gwt_error *err)
{
  if (p->abi_major != info->abi_major || p->abi_minor_needed != info->abi_minor)
    {
      g_autofree char *table = g_strdup_printf ("%u.%u", p->abi_major, p->abi_minor_needed);
      g_autofree char *note = g_strdup_printf ("%u.%u", info->abi_major, info->abi_minor);
      return disagree ("the plugin ABI", table, note, err);
    }
  if (p->id == NULL || strcmp (p->id, info->id) != 0)
    return disagree ("the id", p->id, info->id, err);
  if (p->version == NULL || strcmp (p->version, info->version) != 0)
    return disagree ("the version", p->version, info->version, err);
  g_autoptr (GPtrArray) types = g_ptr_array_new (), offers = g_ptr_array_new ();
  for (guint i = 0; p->types != NULL && p->types[i] != NULL; i++)
    g_ptr_array_add (types, (gpointer) (p->types[i]->name != NULL ? p->types[i]->name : ""));
  for (uint64_t i = 0; i < p->n_offers; i++)
    g_ptr_array_add (offers, (gpointer) (p->offers[i].id != NULL ? p->offers[i].id : ""));
  return compare_names ("the device types", types, info->types, err)
         && compare_names ("the extensions offered", offers, info->offers, err);
}

/* ---- what it brings -------------------------------------------------------------------------- */

static bool
check_types (const struct gwt_plugin *p, struct gwt_error *err)
{
  for (guint i = 0; p->types != NULL && p->types[i] != NULL; i++)
    {
      if (!gwt_type_check (p->types[i], p->id, err)
          || !gwt_vmstate_check_type (p->types[i], err))
        return false;
      for (guint j = 0; j < i; j++)
        if (strcmp (p->types[i]->name, p->types[j]->name) == 0)
          {
            gwt_error_set (err, GWT_E_INVALID, "it offers device type '%s' twice",
                           p->types[i]->name);
            return false;
          }
    }
  return true;
}

static bool
check_offers (const struct gwt_plugin *p, struct gwt_error *err)
{
  for (uint64_t i = 0; i < p->n_offers; i++)
    {
      const struct gwt_extension *o = &p->offers[i];
      const char *owner = gwt_extension_owner (o->id);
      if (o->id == NULL || o->id[0] == '\0' || o->table == NULL)
        gwt_error_set (err, GWT_E_INVALID, "it offers an extension without an id or a table");
      else if (owner != NULL)
        gwt_error_set (err, GWT_E_EXISTS,
                       "extension '%s' is offered by '%s' already; use only one of the two", o->id,
                       owner);
      for (uint64_t j = 0; j < i && !gwt_error_is_set (err); j++)
        if (strcmp (o->id, p->offers[j].id) == 0)
          gwt_error_set (err, GWT_E_INVALID, "it offers extension '%s' twice", o->id);
      if (gwt_error_is_set (err))
        return false;
    }
  return true;
}

static const struct gwt_device_type *
own_type (const struct gwt_plugin *p, const char *name)
{
  for (guint i = 0; p->types != NULL && p->types[i] != NULL; i++)
    if (strcmp (p->types[i]->name, name) == 0)
      return p->types[i];
  return NULL;
}

static bool
check_compat_rows (const struct gwt_plugin *p, struct gwt_error *err)
{
  for (uint64_t i = 0; i < p->n_compat; i++)
    {
      const struct gwt_compat_row *r = &p->compat[i];
      const char *fault = NULL;
      if (r->level == NULL || !g_ascii_isdigit (r->level[0])
          || strspn (r->level, "0123456789.") != strlen (r->level))
        fault = "has a level that is no version";
      else if (!gwt_name_is_valid (r->type) || !gwt_name_is_valid (r->property) || r->value == NULL)
        fault = "has no type, property or value";
      if (fault != NULL)
        {
          gwt_error_set (err, GWT_E_INVALID, "its compat row %" G_GUINT64_FORMAT " %s", i, fault);
          return false;
        }
    }
  return true;
}

/* Rows for types of its own can be judged to the end, once those are registered. */
static bool
check_compat_values (const struct gwt_plugin *p, struct gwt_error *err)
{
  for (uint64_t i = 0; i < p->n_compat; i++)
    {
      const struct gwt_compat_row *r = &p->compat[i];
      const struct gwt_device_type *type = own_type (p, r->type);
      if (type == NULL || (type->flags & GWT_TYPE_ABSTRACT) != 0)
        continue;
      const struct gwt_field *found = NULL;
      for (uint64_t k = 0; k < type->n_fields; k++)
        {
          const struct gwt_field *f
              = (const struct gwt_field *) ((const char *) type->fields + k * type->field_size);
          if (f->role == GWT_PROP && strcmp (f->name, r->property) == 0)
            found = f;
        }
      if (found == NULL && type->parent != NULL)
        continue; /* a parent's, perhaps of another plugin: judged when a device is made */
      struct gwt_value value = { 0 };
      GWT_AUTO_ERROR (inner);
      if (found == NULL)
        gwt_error_set (&inner, GWT_E_NOT_FOUND, "type '%s' has no such property", r->type);
      else
        {
          /* Rows are copied: one of an older plugin may be shorter than ours. */
          struct gwt_field f = { 0 };
          memcpy (&f, found, MIN (sizeof f, type->field_size));
          gwt_value_from_text (&f, r->value, &value, &inner);
        }
      gwt_value_clear (&value);
      if (gwt_error_is_set (&inner))
        {
          gwt_error_set (err, GWT_E_INVALID, "its compat row %" G_GUINT64_FORMAT " for '%s.%s': %s",
                         i, r->type, r->property, inner.text);
          return false;
        }
    }
  return true;
}

/* Whether the parent of TYPE, one of the types in P, is there; parents of another plugin's are
   loaded: a device of such a type has a part of the parent's. */
static bool
get_parent (const struct gwt_plugin_info *info, const struct gwt_plugin *p,
            const struct gwt_device_type *type, struct gwt_error *err)
{
  GWT_AUTO_ERROR (inner);
  const char *name = type->parent;
  if (name == NULL || own_type (p, name) != NULL)
    return true;
  const char *why = info->left_out != NULL ? g_hash_table_lookup (info->left_out, name) : NULL;
  if (why != NULL)
    gwt_error_set (&inner, GWT_E_NOT_FOUND, "%s", why);
  else if (gwt_loader_need_type (name, &inner))
    return true;
  gwt_error_set (err, GWT_E_NOT_FOUND, "device type '%s' has the parent '%s': %s", type->name, name,
                 inner.text);
  return false;
}

/* A type whose parent is not to be had is left out, and so are those that have it as parent: a
   plugin of devices for several buses is good for the buses that there are.  One of whose types
   none is left is refused. */
static bool
get_parents (struct gwt_plugin_info *info, struct gwt_plugin *p, struct gwt_error *err)
{
  GWT_AUTO_ERROR (first);
  const struct gwt_device_type **kept = (const struct gwt_device_type **) (gpointer) p->types;
  guint n = 0, i = 0;
  while (kept[n] != NULL)
    n++;
  while (i < n)
    {
      GWT_AUTO_ERROR (why);
      if (get_parent (info, p, kept[i], &why))
        {
          i++;
          continue;
        }
      if (info->left_out == NULL)
        info->left_out = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      g_hash_table_replace (info->left_out, g_strdup (kept[i]->name), g_strdup (why.text));
      gwt_error_move (&first, &why);
      memmove (&kept[i], &kept[i + 1], (n - i) * sizeof *kept);
      n--;
      i = 0; /* those before it may be its children */
    }
  if (n == 0)
    gwt_error_move (err, &first);
  return !gwt_error_is_set (err);
}

static bool
get_required (const struct gwt_plugin *p, struct gwt_error *err)
{
  for (guint i = 0; p->required != NULL && p->required[i] != NULL; i++)
    {
      const char *id = p->required[i];
      GWT_AUTO_ERROR (inner);
      if (gwt_extension_find (id) != NULL
          || (gwt_loader_need_extension (id, &inner) && gwt_extension_find (id) != NULL))
        continue;
      if (gwt_error_is_set (&inner))
        gwt_error_set (err, GWT_E_NOT_FOUND, "it requires extension '%s': %s", id, inner.text);
      else
        gwt_error_set (
            err, GWT_E_NOT_FOUND,
            "it requires extension '%s', which neither this godwit nor any plugin found offers; "
            "install the plugin that does, or a newer godwit",
            id);
      return false;
    }
  for (guint i = 0; p->wanted != NULL && p->wanted[i] != NULL; i++)
    if (gwt_extension_find (p->wanted[i]) == NULL)
      {
        GWT_AUTO_ERROR (ignored);
        gwt_loader_need_extension (p->wanted[i], &ignored);
      }
  return true;
}

static bool
run_start (const struct gwt_plugin *p, struct gwt_error *err)
{
  if (p->start == NULL)
    return true;
  GWT_AUTO_ERROR (inner);
  if (p->start (gwt_host_table (), &inner) == 0 && !gwt_error_is_set (&inner))
    return true;
  gwt_error_set (err, GWT_E_FAILED, "it cannot start: %s",
                 gwt_error_is_set (&inner) ? inner.text : "no reason given");
  return false;
}

static bool
register_all (const struct gwt_plugin *p, struct gwt_error *err)
{
  for (guint i = 0; p->types != NULL && p->types[i] != NULL; i++)
    if (!gwt_type_register (p->types[i], p->id, p->version, err))
      return false;
  for (uint64_t i = 0; i < p->n_offers; i++)
    if (!gwt_extension_add (p->offers[i].id, p->offers[i].table, p->id, err))
      return false;
  return true;
}

static const struct gwt_plugin *
load (struct gwt_plugin_info *info, struct gwt_error *err)
{
  const struct gwt_plugin *table = call_entry (info->path, &info->build, err);
  struct gwt_plugin *p = table != NULL ? normalize (table, err) : NULL;
  info->struct_size = table != NULL ? table->struct_size : 0;
  if (p == NULL)
    return NULL;
  if (check_note (info, p, err) && check_types (p, err) && check_offers (p, err)
      && check_compat_rows (p, err) && check_compat_values (p, err) && get_required (p, err)
      && get_parents (info, p, err)
      && run_start (p, err)
      /* Once more: what was loaded meanwhile may have taken a name. */
      && check_types (p, err) && check_offers (p, err) && register_all (p, err))
    return p;
  plugin_free (p);
  return NULL;
}

bool
gwt_plugin_load (struct gwt_plugin_entry_ *entry, struct gwt_error *err)
{
  GWT_AUTO_ERROR (inner);
  if (entry->state == GWT_PLUGIN_LOADED)
    return true;
  if (entry->state == GWT_PLUGIN_LOADING)
    gwt_error_set (
        &inner, GWT_E_INVALID,
        "it requires, through others, what it offers itself; such a circle cannot be loaded");
  else if (entry->state == GWT_PLUGIN_REFUSED)
    gwt_error_set (&inner, GWT_E_INVALID, "%s", entry->info.refusal);
  else
    {
      entry->state = GWT_PLUGIN_LOADING;
      entry->info.plugin = load (&entry->info, &inner);
      entry->state = entry->info.plugin != NULL ? GWT_PLUGIN_LOADED : GWT_PLUGIN_REFUSED;
      if (entry->info.plugin == NULL)
        entry->info.refusal = g_strdup (inner.text);
    }
  if (!gwt_error_is_set (&inner))
    return true;
  gwt_error_prefix (&inner, "plugin '%s'", entry->info.path);
  gwt_error_move (err, &inner);
  return false;
}
