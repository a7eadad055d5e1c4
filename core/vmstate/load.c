/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading: bytes become a staged struct by its schema.  The device's own struct is read here, never
 * written; commit.c does that.
 *
 * A struct that is being loaded has two addresses: the staged one, and the live one that it will be
 * committed to.  The live one is NULL for what does not exist yet (an element of a list, of an
 * allocated array) or never will (a temporary): what such a struct points to is its own already.
 */
#include "config.h"
#include "core/vmstate/stage.h"
#include <stdlib.h>
#include <string.h>
#include <godwit/clock.h>
#include "core/device/field.h"

struct loader
{
  struct gwt_device *device;
  struct gwt_vm_in *in;
  struct gwt_stage *stage;
  bool whole; /* a section, not what a device reads inside of one */
};

static bool load_struct (struct loader *l, const struct gwt_schema *schema, void *staged,
                         void *live, uint32_t version, struct gwt_error *err);

/* ---- scalars --------------------------------------------------------------------------------- */

static void
store (void *p, uint32_t kind, uint64_t value)
{
  switch (gwt_kind_size (kind))
    {
    case 1:
      *(uint8_t *) p = (uint8_t) value;
      break;
    case 2:
      *(uint16_t *) p = (uint16_t) value;
      break;
    case 4:
      *(uint32_t *) p = (uint32_t) value;
      break;
    default:
      *(uint64_t *) p = value;
      break;
    }
}

static uint64_t
extend (uint64_t value, uint32_t kind)
{
  uint32_t size = gwt_kind_size (kind);

  if (kind == GWT_BOOL)
    return value != 0;
  if (gwt_kind_is_signed (kind) && size < 8 && value >> (8 * size - 1) & 1)
    value |= ~UINT64_C (0) << 8 * size;
  return value;
}

static bool
fits (uint64_t value, const struct gwt_vm_field *f)
{
  uint32_t size = gwt_kind_size (f->member);
  bool from_signed = gwt_kind_is_signed (f->wire), to_signed = gwt_kind_is_signed (f->member);

  if (f->member == f->wire)
    return true;
  if (from_signed && !to_signed && (int64_t) value < 0)
    return false;
  if (!from_signed && to_signed && (int64_t) value < 0)
    return false;
  if (size == 8)
    return true;
  return to_signed ? (int64_t) value >= -(INT64_C (1) << (8 * size - 1))
                         && (int64_t) value < INT64_C (1) << (8 * size - 1)
                   : value < UINT64_C (1) << 8 * size;
}

static void
refuse (struct gwt_error *err, const struct gwt_vm_field *f, uint64_t value, const char *why,
        uint64_t other)
{
  if (gwt_kind_is_signed (f->wire))
    gwt_error_set (err, GWT_E_RANGE, "%" G_GINT64_FORMAT " %s %" G_GINT64_FORMAT, (int64_t) value,
                   why, (int64_t) other);
  else
    gwt_error_set (err, GWT_E_RANGE, "%" G_GUINT64_FORMAT " %s %" G_GUINT64_FORMAT, value, why,
                   other);
}

static bool
load_scalar (struct loader *l, const struct gwt_vm_field *f, void *p, struct gwt_error *err)
{
  uint64_t value, here = 0;
  bool negative;

  if (!gwt_vm_get_be (l->in, gwt_kind_size (f->wire), &value, err))
    return false;
  value = extend (value, f->wire);
  negative = gwt_kind_is_signed (f->wire) && (int64_t) value < 0;
  memcpy (&here, p, f->size);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  here >>= 64 - 8 * f->size;
#endif
  here = extend (here, f->member);
  if (!fits (value, f))
    {
      gwt_error_set (err, GWT_E_RANGE, "%" G_GINT64_FORMAT " does not fit in a %s", (int64_t) value,
                     gwt_kind_name (f->member));
      return false;
    }
  if ((f->flags & GWT_VM_EQUAL) && value != here)
    refuse (err, f, value, "is not what it must be here,", here);
  else if ((f->flags & GWT_VM_AT_MOST) && (negative || (int64_t) value > (int64_t) here))
    refuse (err, f, value, "is not in the range here, 0 to", here);
  else if ((f->min != 0 || f->max != 0) && gwt_kind_is_signed (f->wire)
           && ((int64_t) value < (int64_t) f->min || (int64_t) value > (int64_t) f->max))
    refuse (err, f, value, (int64_t) value < (int64_t) f->min ? "is below" : "is above",
            (int64_t) value < (int64_t) f->min ? f->min : f->max);
  else if ((f->min != 0 || f->max != 0) && !gwt_kind_is_signed (f->wire)
           && (value < f->min || value > f->max))
    refuse (err, f, value, value < f->min ? "is below" : "is above",
            value < f->min ? f->min : f->max);
  if (gwt_error_is_set (err))
    return false;
  store (p, f->member, value);
  return true;
}

/* ---- lists and trees ------------------------------------------------------------------------- */

static bool
load_marker (struct loader *l, uint64_t n, uint64_t max, bool *more, struct gwt_error *err)
{
  uint64_t marker;

  if (!gwt_vm_get_be (l->in, 1, &marker, err))
    return false;
  *more = marker != 0;
  if (*more && n >= max)
    {
      gwt_error_set (err, GWT_E_RANGE, "it has more than %" G_GUINT64_FORMAT " elements", max);
      return false;
    }
  return true;
}

/* Elements keep their place in memory while they are read: hooks may point into them. */
static bool
load_list (struct loader *l, const struct gwt_vm_field *f, const struct gwt_schema *nested,
           void *live, struct gwt_error *err)
{
  struct gwt_vm_list list = gwt_schema_list (f);
  g_autoptr (GPtrArray) elements = g_ptr_array_new ();
  bool more = true;
  char *all;
  guint i;

  while (more)
    {
      void *element;

      if (!load_marker (l, elements->len, list.max, &more, err))
        return false;
      if (!more)
        break;
      element = gwt_stage_memory (l->stage, list.element_size, false, err);
      if (element == NULL || !load_struct (l, nested, element, NULL, nested->d.version, err))
        {
          gwt_error_prefix (err, "element %u", elements->len);
          return false;
        }
      g_ptr_array_add (elements, element);
    }
  all = gwt_stage_memory (l->stage, elements->len * list.element_size, false, err);
  if (all == NULL)
    return false;
  for (i = 0; i < elements->len; i++)
    memcpy (all + i * list.element_size, elements->pdata[i], list.element_size);
  if (live != NULL)
    gwt_stage_add (l->stage, (struct gwt_commit){ .kind = GWT_COMMIT_LIST,
                                                  .field = f,
                                                  .to = live,
                                                  .from = all,
                                                  .n = elements->len });
  return true;
}

static bool
load_node (struct loader *l, const struct gwt_vm_tree *tree, const struct gwt_schema *key_schema,
           const struct gwt_schema *nested, char *to, struct gwt_error *err)
{
  uint64_t key;

  if (key_schema != NULL)
    {
      if (!load_struct (l, key_schema, to, NULL, key_schema->d.version, err))
        return false;
    }
  else
    {
      if (!gwt_vm_get_be (l->in, 8, &key, err))
        return false;
      memcpy (to, &key, sizeof (key));
    }
  return load_struct (l, nested, to + tree->key_size, NULL, nested->d.version, err);
}

static bool
load_tree (struct loader *l, const struct gwt_vm_field *f, const struct gwt_schema *key_schema,
           const struct gwt_schema *nested, void *live, struct gwt_error *err)
{
  struct gwt_vm_tree tree = gwt_schema_tree (f);
  uint64_t count, n, node = tree.key_size + tree.value_size;
  bool more;
  char *all;

  if (!gwt_vm_get_be (l->in, 4, &count, err))
    return false;
  if (count > tree.max || count > GWT_SCHEMA_BYTES_MAX / node)
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "%" G_GUINT64_FORMAT " nodes are more than the %" G_GUINT64_FORMAT
                     " that there may be",
                     count, tree.max);
      return false;
    }
  all = gwt_stage_memory (l->stage, count * node, false, err);
  if (all == NULL)
    return false;
  for (n = 0;; n++)
    {
      if (!load_marker (l, n, count, &more, err))
        return false;
      if (!more)
        break;
      if (!load_node (l, &tree, key_schema, nested, all + n * node, err))
        {
          gwt_error_prefix (err, "node %" G_GUINT64_FORMAT, n);
          return false;
        }
    }
  if (n != count)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "%" G_GUINT64_FORMAT " nodes were announced, %" G_GUINT64_FORMAT " came",
                     count, n);
      return false;
    }
  if (live != NULL)
    gwt_stage_add (l->stage, (struct gwt_commit){ .kind = GWT_COMMIT_TREE,
                                                  .field = f,
                                                  .to = live,
                                                  .from = all,
                                                  .n = count });
  return true;
}

/* ---- other elements -------------------------------------------------------------------------- */

static bool
load_timer (struct loader *l, struct gwt_timer *timer, struct gwt_error *err)
{
  uint64_t expiry;

  if (!gwt_vm_get_be (l->in, 8, &expiry, err))
    return false;
  /* One that is not there is not armed either. */
  if (timer == NULL && expiry == GWT_TIMER_OFF)
    return true;
  if (timer == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "there is no such timer here");
      return false;
    }
  gwt_stage_add (l->stage,
                 (struct gwt_commit){ .kind = GWT_COMMIT_TIMER, .to = timer, .n = expiry });
  return true;
}

static bool
load_tmp (struct loader *l, const struct gwt_vm_field *f, const struct gwt_schema *nested,
          void *parent, struct gwt_error *err)
{
  void *tmp = gwt_stage_memory (l->stage, f->size, false, err);

  if (tmp == NULL)
    return false;
  memcpy (tmp, &parent, sizeof (parent));
  return load_struct (l, nested, tmp, NULL, nested->d.version, err);
}

static bool
load_custom (struct loader *l, const struct gwt_vm_field *f, void *p, struct gwt_error *err)
{
  struct gwt_stage *stage = l->in->stage;
  struct gwt_device *device = l->in->device;
  int status;

  l->in->stage = l->stage;
  l->in->device = l->device;
  status = f->custom->get (p, f, l->in, err);
  l->in->stage = stage;
  l->in->device = device;
  if (status != 0)
    gwt_error_set (err, GWT_E_INVALID, "it is not as it should be");
  return !gwt_error_is_set (err);
}

/* One element, staged at P, to be committed to LIVE; for buffers and bitmaps all N. */
static bool
load_element (struct loader *l, const struct gwt_schema *schema, uint64_t at, void *self, void *p,
              void *live, uint64_t n, struct gwt_error *err)
{
  const struct gwt_vm_field *f = &schema->fields[at];
  const struct gwt_schema *nested = schema->nested[at];
  uint64_t i;

  switch (f->form)
    {
    case GWT_VM_SCALAR:
      return load_scalar (l, f, p, err);
    case GWT_VM_TIMER:
      return load_timer (l, *(struct gwt_timer **) p, err);
    case GWT_VM_BUFFER:
      return gwt_vm_get (l->in, p, n, err);
    case GWT_VM_UNUSED:
      return gwt_vm_get (l->in, NULL, n, err);
    case GWT_VM_BITMAP:
      for (i = 0; i < n; i++)
        if (!gwt_vm_get_be (l->in, 8, &((uint64_t *) p)[i], err))
          return false;
      return true;
    case GWT_VM_STRUCT:
      return load_struct (l, nested, p, live, nested->d.version, err);
    case GWT_VM_VSTRUCT:
      return load_struct (l, nested, p, live, f->struct_version, err);
    case GWT_VM_TMP:
      return load_tmp (l, f, nested, self, err);
    case GWT_VM_LIST:
      return load_list (l, f, nested, live, err);
    case GWT_VM_TREE:
      return load_tree (l, f, schema->keys[at], nested, live, err);
    case GWT_VM_CUSTOM:
      return load_custom (l, f, p, err);
    default:
      return true;
    }
}

/* ---- fields ---------------------------------------------------------------------------------- */

static bool
is_struct (const struct gwt_vm_field *f)
{
  return f->form == GWT_VM_STRUCT || f->form == GWT_VM_VSTRUCT;
}

/* Stage what the field's pointer points to: N elements.  *BASE is where they are read to, *LIVE
   where they go.  */
static bool
stage_pointee (struct loader *l, const struct gwt_schema *schema, uint64_t at, void *self,
               void *live_self, uint64_t n, char **base, char **live, struct gwt_error *err)
{
  const struct gwt_vm_field *f = &schema->fields[at];
  void **member = (void **) (void *) ((char *) self + f->offset);
  uint64_t there;

  if (f->flags & GWT_VM_ALLOC)
    {
      void *fresh = gwt_stage_memory (l->stage, n * f->size, true, err);

      if (fresh == NULL)
        return false;
      if (live_self != NULL)
        gwt_stage_add (l->stage, (struct gwt_commit){ .kind = GWT_COMMIT_POINTER,
                                                      .to = (char *) live_self + f->offset,
                                                      .from = fresh });
      *member = *base = fresh;
      *live = NULL;
      return true;
    }
  /* Several fields may lead through one pointer: each reads on in what the one before has staged,
     and all go to what the device's own pointer points to. */
  *base = *member;
  *live = live_self != NULL ? *(char **) (void *) ((char *) live_self + f->offset) : NULL;
  if (n == 0)
    return true;
  if (*member == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "its pointer is NULL here");
      return false;
    }
  if (live_self == NULL)
    return true;
  /* Not more than are there, where the schema does not say how many that is. */
  if (f->elems == 0 && (!gwt_vm_elements (f, live_self, &there, err) || n > there))
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "%" G_GUINT64_FORMAT " elements are more than the %" G_GUINT64_FORMAT
                     " that are here",
                     n, there);
      return false;
    }
  *base = gwt_stage_memory (l->stage, n * f->size, false, err);
  if (*base == NULL)
    return false;
  memcpy (*base, *member, n * f->size);
  *member = *base;
  if (!is_struct (f))
    gwt_stage_add (l->stage, (struct gwt_commit){ .kind = GWT_COMMIT_BYTES,
                                                  .to = *live,
                                                  .from = *base,
                                                  .n = n * f->size });
  return true;
}

/* The same where the stream alone says what there is: what is there now goes. */
static bool
stage_marked (struct loader *l, const struct gwt_vm_field *f, char *array, uint64_t i,
              bool has_live, void **p, void **live, struct gwt_error *err)
{
  void **member = &((void **) (void *) array)[i], *to = has_live ? *live : NULL;
  uint64_t marker;

  *p = *live = NULL;
  if (!gwt_vm_get_be (l->in, 1, &marker, err))
    return false;
  if (marker == GWT_VM_VALID_MARKER)
    *p = gwt_stage_memory (l->stage, f->size, true, err);
  else if (marker != GWT_VM_NULL_MARKER)
    gwt_error_set (err, GWT_E_INVALID, "0x%02x is no marker of an element",
                   (unsigned) (marker & 0xff));
  if (gwt_error_is_set (err))
    return false;
  *member = *p;
  if (to != NULL)
    gwt_stage_add (l->stage,
                   (struct gwt_commit){ .kind = GWT_COMMIT_POINTER, .to = to, .from = *p });
  return true;
}

/* Element I of an array of pointers; *P is NULL where it is NULL at both ends. */
static bool
stage_pointer (struct loader *l, const struct gwt_vm_field *f, char *array, uint64_t i,
               bool has_live, void **p, void **live, struct gwt_error *err)
{
  void **member = &((void **) (void *) array)[i];
  uint64_t marker;

  *p = *live = *member;
  if (*member == NULL)
    {
      if (!gwt_vm_get_be (l->in, 1, &marker, err))
        return false;
      if (marker != GWT_VM_NULL_MARKER)
        gwt_error_set (err, GWT_E_INVALID, "there is something in the stream, and nothing here");
      return marker == GWT_VM_NULL_MARKER;
    }
  if (!has_live)
    {
      *live = NULL;
      return true;
    }
  *p = gwt_stage_memory (l->stage, f->size, false, err);
  if (*p == NULL)
    return false;
  memcpy (*p, *live, f->size);
  *member = *p;
  if (!is_struct (f))
    gwt_stage_add (l->stage, (struct gwt_commit){ .kind = GWT_COMMIT_BYTES,
                                                  .to = *live,
                                                  .from = *p,
                                                  .n = f->size });
  return true;
}

/* Behind a pointer a struct is committed by itself, inside its owner with that. */
static void
commit_pointee (struct loader *l, const struct gwt_schema *schema, uint64_t at, void *p, void *live)
{
  const struct gwt_vm_field *f = &schema->fields[at];

  if (live != NULL && is_struct (f) && (f->flags & (GWT_VM_POINTER | GWT_VM_POINTERS)))
    gwt_stage_add (l->stage, (struct gwt_commit){ .kind = GWT_COMMIT_MEMBERS,
                                                  .schema = schema->nested[at],
                                                  .to = live,
                                                  .from = p });
}

static bool
load_field (struct loader *l, const struct gwt_schema *schema, uint64_t at, void *self,
            void *live_self, struct gwt_error *err)
{
  const struct gwt_vm_field *f = &schema->fields[at];
  char *base = (char *) self + f->offset;
  char *live = live_self != NULL ? (char *) live_self + f->offset : NULL;
  uint64_t n, elements, i;

  if (!gwt_vm_elements (f, self, &n, err))
    return false;
  if ((f->flags & GWT_VM_POINTER)
      && !stage_pointee (l, schema, at, self, live_self, n, &base, &live, err))
    return false;
  elements = gwt_vm_is_whole (f) ? n > 0 : n;
  for (i = 0; i < elements; i++)
    {
      void *p = base + i * f->size, *to = live != NULL ? live + i * f->size : NULL;

      if (gwt_vm_is_marked (f))
        {
          to = live_self != NULL ? (char *) live_self + f->offset + i * sizeof (void *) : NULL;
          if (!stage_marked (l, f, base, i, live_self != NULL, &p, &to, err))
            break;
        }
      else if ((f->flags & GWT_VM_POINTERS)
          && !stage_pointer (l, f, base, i, live_self != NULL, &p, &to, err))
        break;
      if (p == NULL)
        continue;
      if (!load_element (l, schema, at, self, p, to, n, err))
        break;
      commit_pointee (l, schema, at, p, to);
    }
  if (!gwt_error_is_set (err))
    return true;
  if (elements > 1)
    gwt_error_prefix (err, "element %" G_GUINT64_FORMAT, i);
  return false;
}

static bool
load_fields (struct loader *l, const struct gwt_schema *schema, void *staged, void *live,
             uint32_t version, struct gwt_error *err)
{
  uint64_t i;

  for (i = 0; i < schema->d.n_fields; i++)
    {
      const struct gwt_vm_field *f = &schema->fields[i];

      if (f->form == GWT_VM_DERIVED)
        continue;
      if (f->form == GWT_VM_CHECK)
        {
          if (!f->exists (staged, version))
            gwt_error_set (err, GWT_E_INVALID, "what was read up to here does not pass this check");
        }
      else if (gwt_vm_present (f, staged, l->device, version))
        load_field (l, schema, i, staged, live, err);
      if (gwt_error_is_set (err))
        {
          if (!(f->flags & GWT_VM_INLINE))
            gwt_error_prefix (err, "field '%s'", schema->names[i]);
          return false;
        }
    }
  return true;
}

/* ---- subsections ----------------------------------------------------------------------------- */

/* Is a subsection next whose name extends SCHEMA's?  Its name goes to NAME (256 bytes). */
static bool
next_is_subsection (struct loader *l, const struct gwt_schema *schema, char *name,
                    struct gwt_error *err)
{
  size_t own = strlen (schema->d.name), length;
  uint8_t bytes[2 + 255];

  /* One byte, then two, then all: more than is there must not be waited for. */
  if (gwt_vm_peek (l->in, bytes, 1, err) < 1 || bytes[0] != 0x05
      || gwt_vm_peek (l->in, bytes, 2, err) < 2)
    return false;
  length = bytes[1];
  if (length < own + 1 || gwt_vm_peek (l->in, bytes, 2 + length, err) < (gssize) (2 + length)
      || memcmp (bytes + 2, schema->d.name, own) != 0 || bytes[2 + own] != '/')
    return false;
  memcpy (name, bytes + 2, length);
  name[length] = '\0';
  return true;
}

static bool
load_subsections (struct loader *l, const struct gwt_schema *schema, void *staged, void *live,
                  struct gwt_error *err)
{
  char name[256];

  while (next_is_subsection (l, schema, name, err))
    {
      const struct gwt_schema *sub = NULL;
      uint64_t version;
      guint i;

      for (i = 0; i < schema->n_subsections; i++)
        if (strcmp (schema->subsections[i]->d.name, name) == 0)
          sub = schema->subsections[i];
      if (sub == NULL)
        {
          g_autofree char *shown = g_strescape (name, NULL);

          gwt_error_set (
              err, GWT_E_UNSUPPORTED,
              "subsection '%s' is not known here; the sender is newer, give it a machine "
              "type of this release",
              shown);
          return false;
        }
      if (!gwt_vm_get (l->in, NULL, 2 + strlen (name), err)
          || !gwt_vm_get_be (l->in, 4, &version, err)
          || (l->whole && l->in->subsection != NULL
              && !l->in->subsection (l->in->judge, name, (uint32_t) version, err))
          || !load_struct (l, sub, staged, live, (uint32_t) version, err))
        {
          gwt_error_prefix (err, "subsection '%s'", name);
          return false;
        }
    }
  return !gwt_error_is_set (err);
}

/* ---- structs --------------------------------------------------------------------------------- */

/* Bytes that the device reads itself, into the staged struct. */
static bool
load_opaque (struct loader *l, const struct gwt_schema *schema, void *staged, uint32_t version,
             struct gwt_error *err)
{
  struct gwt_stage *stage = l->in->stage;
  struct gwt_device *device = l->in->device;
  int status;

  l->in->stage = l->stage;
  l->in->device = l->device;
  status = schema->d.load (staged, version, l->in, err);
  l->in->stage = stage;
  l->in->device = device;
  if (status != 0)
    gwt_error_set (err, GWT_E_INVALID, "'%s': it is not as it should be", schema->d.name);
  return !gwt_error_is_set (err);
}

static bool
load_struct (struct loader *l, const struct gwt_schema *schema, void *staged, void *live,
             uint32_t version, struct gwt_error *err)
{
  if (schema->d.when != NULL && !gwt_vm_property_is_on (l->device, schema->d.when))
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "it is sent where the property '%s' is on, and here that is off; start both "
                     "ends with the same machine type and properties",
                     schema->d.when);
      return false;
    }
  if (version > schema->d.version || version < schema->d.minimum)
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "version %u of '%s' cannot be read here; versions %u to %u can", version,
                     schema->d.name, schema->d.minimum, schema->d.version);
      return false;
    }
  if (schema->d.loading != NULL && live != NULL)
    gwt_stage_add (l->stage, (struct gwt_commit){ .kind = GWT_COMMIT_LOADING,
                                                  .schema = schema,
                                                  .to = live });
  if (schema->d.pre_load != NULL && schema->d.pre_load (staged, err) != 0)
    gwt_error_set (err, GWT_E_FAILED, "'%s' cannot be loaded now", schema->d.name);
  if (gwt_error_is_set (err))
    return false;
  if (schema->d.load != NULL ? !load_opaque (l, schema, staged, version, err)
                             : !load_fields (l, schema, staged, live, version, err)
                                   || !load_subsections (l, schema, staged, live, err))
    return false;
  if (schema->d.post_load != NULL && schema->d.post_load (staged, version, err) != 0)
    gwt_error_set (err, GWT_E_INVALID, "'%s': what was read does not fit together",
                   schema->d.name);
  if (gwt_error_is_set (err))
    return false;
  if (schema->d.loaded != NULL && live != NULL)
    gwt_stage_add (l->stage, (struct gwt_commit){ .kind = GWT_COMMIT_LOADED,
                                                  .schema = schema,
                                                  .to = live,
                                                  .n = version });
  return true;
}

struct gwt_stage *
gwt_vmstate_load (const struct gwt_schema *schema, void *self, struct gwt_device *device,
                  uint32_t version, struct gwt_vm_in *in, struct gwt_error *err)
{
  struct gwt_stage *stage = g_new0 (struct gwt_stage, 1);
  struct loader l = { device, in, stage, true };
  uint64_t start = in->offset;
  void *staged;

  stage->commits = g_array_new (FALSE, FALSE, sizeof (struct gwt_commit));
  stage->staged = g_ptr_array_new_with_free_func (g_free);
  stage->handed = g_ptr_array_new_with_free_func (free);
  staged = gwt_stage_memory (stage, schema->d.size, false, err);
  if (staged != NULL)
    {
      memcpy (staged, self, schema->d.size);
      /* First of all: members, before what they point to. */
      gwt_stage_add (stage, (struct gwt_commit){ .kind = GWT_COMMIT_MEMBERS,
                                                 .schema = schema,
                                                 .to = self,
                                                 .from = staged });
      load_struct (&l, schema, staged, self, version, err);
    }
  if (!gwt_error_is_set (err))
    return stage;
  gwt_error_prefix (err, "byte %" G_GUINT64_FORMAT, in->offset - start);
  gwt_stage_free (stage);
  return NULL;
}

void *
gwt_vm_get_state (struct gwt_vm_in *in, const struct gwt_vmstate *vmstate, void *self,
                  struct gwt_error *err)
{
  const struct gwt_schema *schema = gwt_schema_of (vmstate, err);
  struct loader l = { in->device, in, in->stage, false };
  void *staged;

  if (schema == NULL)
    return NULL;
  staged = gwt_stage_memory (in->stage, schema->d.size, false, err);
  if (staged == NULL)
    return NULL;
  memcpy (staged, self, schema->d.size);
  gwt_stage_add (in->stage, (struct gwt_commit){ .kind = GWT_COMMIT_MEMBERS,
                                                 .schema = schema,
                                                 .to = self,
                                                 .from = staged });
  if (load_struct (&l, schema, staged, self, schema->d.version, err))
    return staged;
  gwt_error_prefix (err, "'%s'", schema->d.name);
  return NULL;
}
