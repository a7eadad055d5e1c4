/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schemas as a document of the form that QEMU's -dump-vmstate has, so that its checker of two
 * releases reads ours too.  docs/vmstate.md tells what it adds.  The checker wants what one file
 * has of a type or a description to be in the other as well: what is added there is always there
 * (but for `when`, whose coming is a change).
 */
#include "config.h"
#include "core/vmstate/dump.h"
#include <json-c/json.h>
#include <string.h>
#include "core/device/field.h"
#include "core/device/type.h"
#include "core/vmstate/internal.h"

static struct json_object *describe (const struct gwt_schema *schema);

static void
add_text (struct json_object *o, const char *key, const char *text)
{
  json_object_object_add (o, key, json_object_new_string (text));
}

static void
add_number (struct json_object *o, const char *key, uint64_t number)
{
  json_object_object_add (o, key, json_object_new_uint64 (number));
}

/* Bytes of an element on the wire, where that is always the same; else 0. */
static uint64_t
size_of (const struct gwt_vm_field *f, const struct gwt_schema *nested)
{
  uint64_t sum = 0, i;

  switch (f->form)
    {
    case GWT_VM_SCALAR:
      return gwt_kind_size (f->wire);
    case GWT_VM_TIMER:
    case GWT_VM_BITMAP:
      return 8;
    case GWT_VM_BUFFER:
    case GWT_VM_UNUSED:
      return f->flags & GWT_VM_COUNTED ? 0 : f->elems;
    case GWT_VM_STRUCT:
    case GWT_VM_VSTRUCT:
    case GWT_VM_TMP:
      break;
    default:
      return 0;
    }
  for (i = 0; i < nested->d.n_fields; i++)
    {
      const struct gwt_vm_field *inner = &nested->fields[i];
      bool whole = inner->form == GWT_VM_BUFFER || inner->form == GWT_VM_UNUSED;
      uint64_t size;

      if (inner->form == GWT_VM_CHECK || inner->form == GWT_VM_DERIVED)
        continue;
      size = size_of (inner, nested->nested[i]);
      if (size == 0 || inner->exists != NULL || inner->when != NULL
          || (inner->flags & (GWT_VM_COUNTED | GWT_VM_POINTERS)))
        return 0;
      sum += whole ? size : size * inner->elems;
    }
  return nested->n_subsections == 0 ? sum : 0;
}

static void
add_shape (struct json_object *o, const struct gwt_vm_field *f)
{
  add_text (o, "type", gwt_vm_type_name (f));
  if (f->flags & GWT_VM_COUNTED)
    json_object_object_add (o, "counted", json_object_new_boolean (true));
  if (f->flags & GWT_VM_POINTERS)
    json_object_object_add (o, "markers", json_object_new_boolean (true));
  if (f->flags & GWT_VM_EQUAL)
    json_object_object_add (o, "equal", json_object_new_boolean (true));
  if (f->min != 0 || f->max != 0)
    {
      add_number (o, "min", f->min);
      add_number (o, "max", f->max);
    }
  if (f->form == GWT_VM_VSTRUCT)
    add_number (o, "struct_version_id", f->struct_version);
}

static void
add_fields (struct json_object *list, const struct gwt_schema *schema)
{
  uint64_t i;

  for (i = 0; i < schema->d.n_fields; i++)
    {
      const struct gwt_vm_field *f = &schema->fields[i];
      struct json_object *o;

      if (f->form == GWT_VM_CHECK || f->form == GWT_VM_DERIVED)
        continue; /* nothing on the wire */
      if (f->flags & GWT_VM_INLINE)
        {
          add_fields (list, schema->nested[i]);
          continue;
        }
      o = json_object_new_object ();
      add_text (o, "field", f->name);
      add_number (o, "version_id", f->version);
      json_object_object_add (o, "field_exists",
                              json_object_new_boolean (f->exists != NULL || f->when != NULL));
      if (f->when != NULL)
        add_text (o, "when", f->when);
      if (f->exists != NULL)
        json_object_object_add (o, "code", json_object_new_boolean (true));
      add_shape (o, f);
      if (f->elems > 1 && f->form != GWT_VM_BUFFER && f->form != GWT_VM_UNUSED)
        add_number (o, "num", f->elems);
      add_number (o, "size", size_of (f, schema->nested[i]));
      if (schema->nested[i] != NULL)
        json_object_object_add (o, "Description", describe (schema->nested[i]));
      json_object_array_add (list, o);
    }
}

static struct json_object *
describe (const struct gwt_schema *schema)
{
  struct json_object *o = json_object_new_object (), *list;
  guint i;

  add_text (o, "name", schema->d.name);
  add_number (o, "version_id", schema->d.version);
  add_number (o, "minimum_version_id", schema->d.minimum);
  if (schema->d.when != NULL)
    add_text (o, "when", schema->d.when);
  json_object_object_add (o, "needed", json_object_new_boolean (schema->d.needed != NULL));
  json_object_object_add (o, "pre_load", json_object_new_boolean (schema->d.pre_load != NULL));
  list = json_object_new_array ();
  add_fields (list, schema);
  if (json_object_array_length (list) > 0)
    json_object_object_add (o, "Fields", list);
  else
    json_object_put (list);
  if (schema->n_subsections == 0)
    return o;
  list = json_object_new_array ();
  for (i = 0; i < schema->n_subsections; i++)
    json_object_array_add (list, describe (schema->subsections[i]));
  json_object_object_add (o, "Subsections", list);
  return o;
}

/* ---- what a type's plugin and its machine type say of it ------------------------------------- */

/* Properties that something of SCHEMA hangs on, to NAMES. */
static void
collect_when (const struct gwt_schema *schema, GHashTable *names)
{
  uint64_t i;

  if (schema->d.when != NULL)
    g_hash_table_add (names, (gpointer) schema->d.when);
  for (i = 0; i < schema->d.n_fields; i++)
    {
      if (schema->fields[i].when != NULL)
        g_hash_table_add (names, (gpointer) schema->fields[i].when);
      if (schema->nested[i] != NULL)
        collect_when (schema->nested[i], names);
    }
  for (i = 0; i < schema->n_subsections; i++)
    collect_when (schema->subsections[i], names);
}

static void
add_plugin (struct json_object *o, const struct gwt_type *type,
            const struct gwt_vmstate_machine *machine)
{
  struct json_object *plugin = json_object_new_object ();
  const char *level = machine->level (machine->opaque, type->plugin_id);

  add_text (plugin, "id", type->plugin_id);
  add_text (plugin, "version", type->plugin_version);
  json_object_object_add (plugin, "level", level != NULL ? json_object_new_string (level) : NULL);
  json_object_object_add (o, "plugin", plugin);
}

static bool
add_properties (struct json_object *o, const struct gwt_type *type, const struct gwt_schema *schema,
                const struct gwt_vmstate_machine *machine, struct gwt_error *err)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  struct json_object *list = json_object_new_object ();
  GList *sorted, *l;

  collect_when (schema, names);
  sorted = g_list_sort (g_hash_table_get_keys (names), (GCompareFunc) (void *) strcmp);
  for (l = sorted; l != NULL && !gwt_error_is_set (err); l = l->next)
    json_object_object_add (list, l->data, machine->property (machine->opaque, type, l->data, err));
  g_list_free (sorted);
  json_object_object_add (o, "properties", list);
  return !gwt_error_is_set (err);
}

/* A type has its name; its second schema and those behind it, "TYPE/SCHEMA". */
static bool
add_type (struct json_object *all, const struct gwt_type *type,
          const struct gwt_vmstate_machine *machine, struct gwt_error *err)
{
  const struct gwt_vmstate *const *state = type->d.states;

  for (; state != NULL && *state != NULL; state++)
    {
      const struct gwt_schema *schema = gwt_schema_of (*state, err);
      struct json_object *o;
      g_autofree char *key = NULL;

      if (schema == NULL)
        {
          gwt_error_prefix (err, "device type '%s'", type->d.name);
          return false;
        }
      key = state == type->d.states
                ? g_strdup (type->d.name)
                : g_strdup_printf ("%s/%s", type->d.name, schema->d.name);
      o = json_object_new_object ();
      add_text (o, "Name", key);
      add_number (o, "version_id", schema->d.version);
      add_number (o, "minimum_version_id", schema->d.minimum);
      add_plugin (o, type, machine);
      json_object_object_add (all, key, o);
      if (!add_properties (o, type, schema, machine, err))
        {
          gwt_error_prefix (err, "device type '%s'", type->d.name);
          return false;
        }
      json_object_object_add (o, "Description", describe (schema));
    }
  return true;
}

/* What the program itself has in a stream, as types "godwit/SECTION". */
static void
add_sections (struct json_object *all, const GPtrArray *sections)
{
  guint i;

  for (i = 0; i < sections->len; i++)
    {
      const struct gwt_schema *schema = sections->pdata[i];
      struct json_object *o = json_object_new_object ();
      g_autofree char *key = g_strdup_printf ("godwit/%s", schema->d.name);

      add_text (o, "Name", key);
      add_number (o, "version_id", schema->d.version);
      add_number (o, "minimum_version_id", schema->d.minimum);
      json_object_object_add (o, "properties", json_object_new_object ());
      json_object_object_add (o, "Description", describe (schema));
      json_object_object_add (all, key, o);
    }
}

char *
gwt_vmstate_dump (const struct gwt_vmstate_machine *machine, struct gwt_error *err)
{
  struct json_object *all = json_object_new_object (), *o = json_object_new_object ();
  g_autofree const struct gwt_type **types = gwt_type_list ();
  char *text = NULL;
  guint i;

  add_text (o, "Name", machine->name);
  json_object_object_add (all, "vmschkmachine", o);
  for (i = 0; types[i] != NULL && add_type (all, types[i], machine, err); i++)
    ;
  add_sections (all, machine->sections);
  if (!gwt_error_is_set (err))
    text = g_strconcat (json_object_to_json_string_ext (all, JSON_C_TO_STRING_PRETTY
                                                                 | JSON_C_TO_STRING_SPACED
                                                                 | JSON_C_TO_STRING_NOSLASHESCAPE),
                        "\n", NULL);
  json_object_put (all);
  return text;
}
