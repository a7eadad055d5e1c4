/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Judging schemas.  Owns what a legal schema is; must not know how one is sent or read.
 *
 * What is found wrong here is a mistake of a plugin's author, and so is refused when the plugin is
 * loaded, not when a guest is moved.
 */
#include "config.h"
#include "core/vmstate/schema.h"
#include <string.h>
#include "core/device/field.h"
#include "core/vmstate/internal.h"

/* Sizes of the structs as their first release had them. */
#define VMSTATE_MIN G_STRUCT_OFFSET (struct gwt_vmstate, needed)
#define FIELD_MIN G_STRUCT_OFFSET (struct gwt_vm_field, list)

#define NAME_MAX_BYTES 255

static GHashTable *known; /* struct gwt_vmstate * of the plugin -> struct gwt_schema * */

uint64_t
gwt_schema_member_size (const struct gwt_vm_field *field)
{
  if (field->flags & GWT_VM_POINTER)
    return sizeof (void *);
  if (field->flags & GWT_VM_POINTERS)
    return sizeof (void *) * field->elems;
  switch (field->form)
    {
    case GWT_VM_UNUSED:
    case GWT_VM_CHECK:
    case GWT_VM_TMP:
      return 0;
    default:
      return field->size * field->elems;
    }
}

bool
gwt_schema_read_count (const void *p, uint32_t kind, uint64_t *value)
{
  int64_t number = 0;

  switch (kind)
    {
    case GWT_U8:
      *value = *(const uint8_t *) p;
      return true;
    case GWT_U16:
      *value = *(const uint16_t *) p;
      return true;
    case GWT_U32:
      *value = *(const uint32_t *) p;
      return true;
    case GWT_U64:
      *value = *(const uint64_t *) p;
      return true;
    case GWT_I8:
      number = *(const int8_t *) p;
      break;
    case GWT_I16:
      number = *(const int16_t *) p;
      break;
    case GWT_I32:
      number = *(const int32_t *) p;
      break;
    default:
      number = *(const int64_t *) p;
      break;
    }
  *value = (uint64_t) number;
  return number >= 0;
}

struct gwt_vm_list
gwt_schema_list (const struct gwt_vm_field *field)
{
  struct gwt_vm_list list = { 0 };

  memcpy (&list, field->list, MIN (field->list->struct_size, sizeof (list)));
  return list;
}

struct gwt_vm_tree
gwt_schema_tree (const struct gwt_vm_field *field)
{
  struct gwt_vm_tree tree = { 0 };

  memcpy (&tree, field->tree, MIN (field->tree->struct_size, sizeof (tree)));
  return tree;
}

/* ---- one field ------------------------------------------------------------------------------- */

static bool
is_integer (uint32_t kind)
{
  return gwt_kind_is_unsigned (kind) || gwt_kind_is_signed (kind);
}

static bool
is_scalar (uint32_t kind)
{
  return is_integer (kind) || kind == GWT_BOOL || kind == GWT_F64;
}

static const char *
judge_count (const struct gwt_schema *schema, const struct gwt_vm_field *f)
{
  if (!is_integer (f->count_kind))
    return "its count is no integer";
  if (f->count_offset >= schema->d.size
      || schema->d.size - f->count_offset < gwt_kind_size (f->count_kind))
    return "its count lies outside the struct";
  if (f->elems > GWT_SCHEMA_ELEMENTS_MAX || f->scale > GWT_SCHEMA_ELEMENTS_MAX)
    return "it may have more elements than any field may";
  if ((f->flags & GWT_VM_ALLOC) && (!(f->flags & GWT_VM_POINTER) || f->elems == 0))
    return "what is allocated is behind a pointer and has a highest count";
  if (!(f->flags & GWT_VM_POINTER) && f->elems == 0)
    return "a counted array has a highest count";
  return NULL;
}

static const char *
judge_scalar (const struct gwt_vm_field *f)
{
  if (!is_scalar (f->wire) || !is_scalar (f->member) || f->size != gwt_kind_size (f->member))
    return "its kind is none that is sent";
  if (f->wire != f->member && (!is_integer (f->wire) || !is_integer (f->member)))
    return "only integers are sent as another kind";
  if ((f->flags & GWT_VM_EQUAL) && (f->flags & GWT_VM_AT_MOST))
    return "it is to be equal and to be at most";
  if ((f->flags & GWT_VM_AT_MOST) && !gwt_kind_is_signed (f->member))
    return "at most is for signed integers";
  if ((f->flags & GWT_VM_CPU_DOUBLE) && f->wire != GWT_F64)
    return "a CPU double is a float64";
  return NULL;
}

static const char *
judge_list (const struct gwt_vm_field *f)
{
  struct gwt_vm_list list;

  if (f->list == NULL)
    return "it has no table for its list";
  list = gwt_schema_list (f);
  if (list.type == NULL || list.first == NULL || list.next == NULL || list.clear == NULL
      || list.append == NULL || list.element_size == 0 || list.max == 0
      || list.max > GWT_SCHEMA_ELEMENTS_MAX || list.element_size > GWT_SCHEMA_BYTES_MAX)
    return "the table of its list lacks something";
  return NULL;
}

static const char *
judge_tree (const struct gwt_vm_field *f)
{
  struct gwt_vm_tree tree;

  if (f->tree == NULL)
    return "it has no table for its tree";
  tree = gwt_schema_tree (f);
  if (tree.count == NULL || tree.next == NULL || tree.node_key == NULL || tree.node_value == NULL
      || tree.clear == NULL || tree.insert == NULL || tree.value_size == 0 || tree.max == 0
      || tree.max > GWT_SCHEMA_ELEMENTS_MAX || tree.value_size > GWT_SCHEMA_BYTES_MAX
      || tree.key_size > GWT_SCHEMA_BYTES_MAX)
    return "the table of its tree lacks something";
  if (tree.key == NULL && tree.key_size != sizeof (uint64_t))
    return "a key without a schema is a uint64_t";
  return NULL;
}

static const char *
judge_shape (const struct gwt_vm_field *f)
{
  uint32_t arrays = GWT_VM_POINTER | GWT_VM_POINTERS | GWT_VM_COUNTED | GWT_VM_ALLOC;

  switch (f->form)
    {
    case GWT_VM_SCALAR:
      return judge_scalar (f);
    case GWT_VM_BUFFER:
      return f->size != 1 || (f->flags & GWT_VM_POINTERS) ? "a buffer is of bytes" : NULL;
    case GWT_VM_BITMAP:
      return f->size != 8 || !(f->flags & GWT_VM_COUNTED) || (f->flags & GWT_VM_POINTERS)
                 ? "a bitmap is of counted words of 64 bits"
                 : NULL;
    case GWT_VM_STRUCT:
    case GWT_VM_VSTRUCT:
      return f->schema == NULL ? "it has no schema" : NULL;
    default:
      break;
    }
  if (f->flags & (arrays & ~(uint32_t) GWT_VM_COUNTED))
    return "its form is not for pointers";
  if ((f->flags & GWT_VM_COUNTED) && f->form != GWT_VM_TIMER)
    return "its form has no count";
  switch (f->form)
    {
    case GWT_VM_TIMER:
      return f->size != sizeof (void *) ? "a timer is a pointer" : NULL;
    case GWT_VM_TMP:
      return f->schema == NULL || f->size < sizeof (void *) ? "it has no schema" : NULL;
    case GWT_VM_LIST:
      return f->schema == NULL ? "it has no schema" : judge_list (f);
    case GWT_VM_TREE:
      return f->schema == NULL ? "it has no schema" : judge_tree (f);
    case GWT_VM_CHECK:
      return f->exists == NULL ? "a check has no function" : NULL;
    case GWT_VM_CUSTOM:
      return f->custom == NULL
                     || f->custom->struct_size < G_STRUCT_OFFSET (struct gwt_vm_custom, get)
                                                     + sizeof (f->custom->get)
                     || f->custom->type == NULL || f->custom->put == NULL || f->custom->get == NULL
                 ? "it has no code"
                 : NULL;
    case GWT_VM_UNUSED:
    case GWT_VM_DERIVED:
      return NULL;
    default:
      return "its form is not known here";
    }
}

static const char *
judge_field (const struct gwt_schema *schema, const struct gwt_vm_field *f)
{
  const uint32_t flags = GWT_VM_EQUAL | GWT_VM_AT_MOST | GWT_VM_POINTER | GWT_VM_POINTERS
                         | GWT_VM_COUNTED | GWT_VM_ALLOC | GWT_VM_CPU_DOUBLE | GWT_VM_INLINE;
  const char *why;
  uint64_t member;

  if (f->name == NULL || f->name[0] == '\0')
    return "it has no name";
  if (f->flags & ~flags)
    return "its flags are not all known here";
  if ((f->flags & GWT_VM_POINTER) && (f->flags & GWT_VM_POINTERS))
    return "it is a pointer or an array of pointers";
  if (f->form != GWT_VM_SCALAR && (f->flags & (GWT_VM_EQUAL | GWT_VM_AT_MOST | GWT_VM_CPU_DOUBLE)))
    return "these flags are for scalars";
  if (f->flags & GWT_VM_INLINE && f->form != GWT_VM_TMP)
    return "a temporary struct alone can be inline";
  if ((why = judge_shape (f)) != NULL)
    return why;
  if ((f->flags & GWT_VM_COUNTED) && (why = judge_count (schema, f)) != NULL)
    return why;
  if (gwt_vm_is_marked (f) && (f->flags & GWT_VM_COUNTED))
    return "an array of allocated pointers has a fixed length";
  if ((f->flags & GWT_VM_ALLOC) && !(f->flags & (GWT_VM_COUNTED | GWT_VM_POINTERS)))
    return "what is allocated is counted";
  if (schema->d.save != NULL && f->form != GWT_VM_DERIVED)
    return "a section with `save` and `load` has computed members alone";
  if ((f->flags & GWT_VM_ALLOC) == 0 && (f->flags & GWT_VM_POINTER) && !(f->flags & GWT_VM_COUNTED)
      && f->elems == 0)
    return "it has no elements";
  if (f->elems > GWT_SCHEMA_BYTES_MAX || f->size > GWT_SCHEMA_BYTES_MAX
      || (f->elems != 0 && f->size > GWT_SCHEMA_BYTES_MAX / f->elems))
    return "it is too large";
  member = gwt_schema_member_size (f);
  if (member > schema->d.size || f->offset > schema->d.size - member)
    return "it lies outside the struct";
  if (f->version > schema->d.version)
    return "it belongs to a version that is not sent yet";
  return NULL;
}

/* ---- a schema -------------------------------------------------------------------------------- */

static struct gwt_schema *schema_new (const struct gwt_vmstate *vmstate, guint depth,
                                      struct gwt_error *err);

static void
schema_free (struct gwt_schema *schema)
{
  g_free (schema->fields);
  g_free (schema->nested);
  g_free (schema->keys);
  g_free (schema->subsections);
  g_strfreev (schema->names);
  g_free (schema);
}

static bool
add_fields (struct gwt_schema *schema, guint depth, struct gwt_error *err)
{
  uint64_t i;

  if (schema->d.n_fields == 0)
    return true;
  schema->fields = gwt_table_normalize (schema->d.fields, schema->d.n_fields, schema->d.field_size,
                                        sizeof (struct gwt_vm_field), FIELD_MIN, "fields", err);
  if (schema->fields == NULL)
    return false;
  schema->nested = g_new0 (struct gwt_schema *, schema->d.n_fields);
  schema->keys = g_new0 (struct gwt_schema *, schema->d.n_fields);
  for (i = 0; i < schema->d.n_fields; i++)
    {
      struct gwt_vm_field *f = &schema->fields[i];
      const char *why = judge_field (schema, f);

      if (why != NULL)
        {
          gwt_error_set (err, GWT_E_INVALID, "field '%s': %s", f->name != NULL ? f->name : "", why);
          return false;
        }
      if (f->schema != NULL && (schema->nested[i] = schema_new (f->schema, depth + 1, err)) == NULL)
        return false;
      if (f->form == GWT_VM_TREE && f->tree->key != NULL
          && (schema->keys[i] = schema_new (f->tree->key, depth + 1, err)) == NULL)
        return false;
      if ((f->flags & GWT_VM_INLINE)
          && (schema->nested[i]->n_subsections > 0 || schema->nested[i]->d.save != NULL))
        {
          gwt_error_set (err, GWT_E_INVALID,
                         "field '%s': it is inline, and its schema is not of fields alone",
                         f->name);
          return false;
        }
      if (schema->nested[i] != NULL && f->form != GWT_VM_LIST && f->form != GWT_VM_TREE
          && schema->nested[i]->d.size != f->size)
        {
          gwt_error_set (err, GWT_E_INVALID, "field '%s': its schema describes another struct",
                         f->name);
          return false;
        }
      if (f->form == GWT_VM_VSTRUCT
          && (f->struct_version > schema->nested[i]->d.version
              || f->struct_version < schema->nested[i]->d.minimum))
        {
          gwt_error_set (err, GWT_E_INVALID, "field '%s': its schema has no version %u", f->name,
                         f->struct_version);
          return false;
        }
    }
  return true;
}

/* The innermost schema whose name a subsection's name extends takes it, so a nested schema must not
   take those of the one around it: see gwt_load. */
static bool
add_subsections (struct gwt_schema *schema, guint depth, struct gwt_error *err)
{
  size_t length = strlen (schema->d.name);
  guint i, n = 0;

  while (schema->d.subsections != NULL && schema->d.subsections[n] != NULL)
    n++;
  schema->subsections = g_new0 (struct gwt_schema *, n + 1);
  schema->n_subsections = n;
  for (i = 0; i < n; i++)
    {
      struct gwt_schema *sub = schema_new (schema->d.subsections[i], depth + 1, err);

      if (sub == NULL)
        return false;
      schema->subsections[i] = sub;
      if (strncmp (sub->d.name, schema->d.name, length) != 0 || sub->d.name[length] != '/')
        {
          gwt_error_set (err, GWT_E_INVALID,
                         "subsection '%s' of '%s': the name does not extend its owner's; begin it "
                         "with '%s/'",
                         sub->d.name, schema->d.name, schema->d.name);
          return false;
        }
      if (sub->d.size != schema->d.size)
        {
          gwt_error_set (err, GWT_E_INVALID, "subsection '%s': it describes another struct",
                         sub->d.name);
          return false;
        }
      if (sub->d.version > 255)
        {
          gwt_error_set (err, GWT_E_RANGE, "subsection '%s': version %u is above 255", sub->d.name,
                         sub->d.version);
          return false;
        }
    }
  return true;
}

/* Names that come twice are told apart by their number, as readers of descriptions expect. */
static void
add_names (struct gwt_schema *schema)
{
  uint64_t i, j;

  schema->names = g_new0 (char *, schema->d.n_fields + 1);
  for (i = 0; i < schema->d.n_fields; i++)
    {
      guint before = 0, all = 0;

      for (j = 0; j < schema->d.n_fields; j++)
        if (strcmp (schema->fields[i].name, schema->fields[j].name) == 0)
          {
            all++;
            before += j < i;
          }
      schema->names[i] = all > 1 ? g_strdup_printf ("%s[%u]", schema->fields[i].name, before)
                                 : g_strdup (schema->fields[i].name);
    }
}

static struct gwt_schema *
schema_new (const struct gwt_vmstate *vmstate, guint depth, struct gwt_error *err)
{
  struct gwt_schema *schema = g_hash_table_lookup (known, vmstate);

  if (schema != NULL)
    return schema;
  if (depth > GWT_SCHEMA_DEPTH_MAX)
    {
      gwt_error_set (err, GWT_E_INVALID, "schemas are nested more than %d deep",
                     GWT_SCHEMA_DEPTH_MAX);
      return NULL;
    }
  if (vmstate->struct_size < VMSTATE_MIN)
    {
      gwt_error_set (err, GWT_E_INVALID, "a schema's struct is too small");
      return NULL;
    }
  schema = g_new0 (struct gwt_schema, 1);
  memcpy (&schema->d, vmstate, MIN (vmstate->struct_size, sizeof (schema->d)));
  if (schema->d.name == NULL || schema->d.name[0] == '\0'
      || strnlen (schema->d.name, NAME_MAX_BYTES + 1) > NAME_MAX_BYTES)
    gwt_error_set (err, GWT_E_INVALID, "a schema has no name or one that is too long");
  else if (schema->d.minimum > schema->d.version)
    gwt_error_set (err, GWT_E_RANGE, "schema '%s': minimum version %u is above version %u",
                   schema->d.name, schema->d.minimum, schema->d.version);
  else if ((schema->d.save == NULL) != (schema->d.load == NULL))
    gwt_error_set (err, GWT_E_INVALID, "schema '%s': `save` and `load` belong together",
                   schema->d.name);
  else if (schema->d.save != NULL && schema->d.subsections != NULL)
    gwt_error_set (err, GWT_E_INVALID, "schema '%s': with `save` there are no subsections",
                   schema->d.name);
  else if (!add_fields (schema, depth, err) || !add_subsections (schema, depth, err))
    gwt_error_prefix (err, "schema '%s'", schema->d.name);
  if (gwt_error_is_set (err))
    {
      schema_free (schema);
      return NULL;
    }
  add_names (schema);
  g_hash_table_insert (known, (gpointer) (uintptr_t) vmstate, schema);
  return schema;
}

const struct gwt_schema *
gwt_schema_of (const struct gwt_vmstate *vmstate, struct gwt_error *err)
{
  GWT_AUTO_ERROR (own);
  struct gwt_schema *schema;

  if (known == NULL)
    known = g_hash_table_new (NULL, NULL);
  schema = schema_new (vmstate, 0, &own);
  if (schema == NULL)
    gwt_error_set (err, GWT_E_INVALID, "%s", own.text);
  return schema;
}

/* ---- coverage -------------------------------------------------------------------------------- */

static void
mark (uint8_t *covered, uint64_t size, uint8_t what)
{
  uint64_t i;

  for (i = 0; i < size; i++)
    covered[i] = MAX (covered[i], what);
}

/* Does a load leave the member itself as it is? */
static bool
is_kept (const struct gwt_vm_field *f)
{
  return (f->flags & GWT_VM_EQUAL) || f->form == GWT_VM_TIMER
         || ((f->flags & (GWT_VM_POINTER | GWT_VM_POINTERS)) && !(f->flags & GWT_VM_ALLOC));
}

static void
cover (const struct gwt_schema *schema, uint8_t *covered)
{
  uint64_t i, e;
  guint n;

  for (i = 0; i < schema->d.n_fields; i++)
    {
      const struct gwt_vm_field *f = &schema->fields[i];
      bool inside = schema->nested[i] != NULL && !(f->flags & (GWT_VM_POINTER | GWT_VM_POINTERS))
                    && (f->form == GWT_VM_STRUCT || f->form == GWT_VM_VSTRUCT);

      for (e = 0; inside && e < f->elems; e++)
        cover (schema->nested[i], covered + f->offset + e * f->size);
      if (!inside)
        mark (covered + f->offset, gwt_schema_member_size (f),
               is_kept (f) ? GWT_COVERED_KEPT : GWT_COVERED_WRITTEN);
    }
  for (n = 0; n < schema->n_subsections; n++)
    cover (schema->subsections[n], covered);
}

uint8_t *
gwt_schema_covered (const struct gwt_schema *schema)
{
  uint8_t *covered = g_new0 (uint8_t, schema->d.size + 1);

  cover (schema, covered);
  return covered;
}
