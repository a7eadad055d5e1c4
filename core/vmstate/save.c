/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Saving: a struct becomes bytes by its schema, and a description of them.
 *
 * The description is what QEMU's tools read behind a stream: one object for each field that is
 * there, in the order of the bytes, with its size.  Arrays whose elements are all shaped alike are
 * described by their first.
 */
#include "config.h"
#include "core/vmstate/internal.h"
#include <string.h>
#include <godwit/clock.h>
#include "core/device/field.h"
#include "core/util/extension.h"

struct saver
{
  struct gwt_device *device;
  struct gwt_vm_out *out;
  GString *text; /* or NULL */
};

bool
gwt_vm_property_is_on (struct gwt_device *device, const char *property)
{
  GWT_AUTO_ERROR (err);
  struct json_object *value
      = device != NULL ? gwt_device_get_json (device, property, &err) : NULL;
  bool on = value != NULL && json_object_get_boolean (value);

  json_object_put (value);
  return on;
}

bool
gwt_vmstate_needed (const struct gwt_schema *schema, const void *self, struct gwt_device *device)
{
  return (schema->d.when == NULL || gwt_vm_property_is_on (device, schema->d.when))
         && (schema->d.needed == NULL || schema->d.needed (self));
}

bool
gwt_vm_present (const struct gwt_vm_field *f, const void *self, struct gwt_device *device,
                uint32_t version)
{
  if (f->form == GWT_VM_CHECK)
    return true;
  if (f->when != NULL && !gwt_vm_property_is_on (device, f->when))
    return false;
  if (f->exists != NULL)
    return f->exists (self, version) != 0;
  return f->version <= version;
}

bool
gwt_vm_elements (const struct gwt_vm_field *f, const void *self, uint64_t *n, struct gwt_error *err)
{
  uint64_t count, scale = f->scale != 0 ? f->scale : 1;

  *n = f->elems;
  if (!(f->flags & GWT_VM_COUNTED))
    return true;
  if (!gwt_schema_read_count ((const char *) self + f->count_offset, f->count_kind, &count))
    {
      gwt_error_set (err, GWT_E_RANGE, "its count is %" G_GINT64_FORMAT, (int64_t) count);
      return false;
    }
  if (f->form == GWT_VM_BITMAP)
    count = count / 64 + (count % 64 != 0);
  if (count > GWT_SCHEMA_ELEMENTS_MAX || count * scale > GWT_SCHEMA_ELEMENTS_MAX
      || (f->elems != 0 && count * scale > f->elems))
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "%" G_GUINT64_FORMAT " elements%s%s are more than the %" G_GUINT64_FORMAT
                     " that there may be",
                     count, scale > 1 ? " times a constant" : "",
                     f->form == GWT_VM_BITMAP ? " of 64 bits" : "",
                     f->elems != 0 ? f->elems : GWT_SCHEMA_ELEMENTS_MAX);
      return false;
    }
  *n = count * scale;
  return true;
}

/* ---- description ----------------------------------------------------------------------------- */

static const char *
scalar_type (const struct gwt_vm_field *f)
{
  bool equal = f->flags & GWT_VM_EQUAL, most = f->flags & GWT_VM_AT_MOST;

  switch (f->wire)
    {
    case GWT_BOOL:
      return equal ? "bool equal" : "bool";
    case GWT_U8:
      return equal ? "uint8 equal" : "uint8";
    case GWT_U16:
      return equal ? "uint16 equal" : "uint16";
    case GWT_U32:
      return equal ? "uint32 equal" : "uint32";
    case GWT_U64:
      /* The name that readers know for either kind of 64 bits. */
      return equal ? "int64 equal" : "uint64";
    case GWT_I8:
      return equal ? "int8 equal" : most ? "int8 le" : "int8";
    case GWT_I16:
      return equal ? "int16 equal" : most ? "int16 le" : "int16";
    case GWT_I32:
      return equal ? "int32 equal" : most ? "int32 le" : "int32";
    case GWT_I64:
      return equal ? "int64 equal" : most ? "int64 le" : "int64";
    default:
      return f->flags & GWT_VM_CPU_DOUBLE ? "CPU_Double_U" : "float64";
    }
}

const char *
gwt_vm_type_name (const struct gwt_vm_field *f)
{
  switch (f->form)
    {
    case GWT_VM_SCALAR:
      return scalar_type (f);
    case GWT_VM_TIMER:
      return "timer";
    case GWT_VM_BUFFER:
      return "buffer";
    case GWT_VM_BITMAP:
      return "bitmap";
    case GWT_VM_UNUSED:
      return "unused_buffer";
    case GWT_VM_STRUCT:
      return "struct";
    case GWT_VM_VSTRUCT:
      return "vstruct";
    case GWT_VM_TMP:
      return "tmp";
    case GWT_VM_LIST:
      return f->list->type;
    case GWT_VM_TREE:
      return "gtree";
    default:
      return f->custom->type;
    }
}

/* Are all elements shaped alike, whatever is in them? */
static bool
is_alike (const struct gwt_schema *schema, uint64_t at)
{
  const struct gwt_vm_field *f = &schema->fields[at];
  const struct gwt_schema *nested = schema->nested[at];
  uint64_t i;

  if (f->exists != NULL || f->when != NULL || (f->flags & GWT_VM_POINTERS))
    return false;
  if (f->form != GWT_VM_STRUCT && f->form != GWT_VM_VSTRUCT)
    return true;
  if (nested->n_subsections > 0)
    return false;
  for (i = 0; i < nested->d.n_fields; i++)
    if (!is_alike (nested, i))
      return false;
  return true;
}

static void
say (struct saver *s, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
say (struct saver *s, const char *format, ...)
{
  va_list args;

  if (s->text == NULL)
    return;
  va_start (args, format);
  g_string_append_vprintf (s->text, format, args);
  va_end (args);
}

/* The guest stands while fields are described, hundreds of them, and printf is not fast. */
static void
say_text (struct saver *s, const char *text)
{
  if (s->text != NULL)
    g_string_append (s->text, text);
}

static void
say_number (struct saver *s, uint64_t value)
{
  char digits[20];
  guint at = sizeof (digits);

  if (s->text == NULL)
    return;
  do
    digits[--at] = (char) ('0' + value % 10);
  while ((value /= 10) != 0);
  g_string_append_len (s->text, digits + at, sizeof (digits) - at);
}

/* Between two objects of a list that began at BEGIN. */
static void
say_comma (struct saver *s, gsize begin)
{
  if (s->text != NULL && s->text->len > begin)
    g_string_append (s->text, ", ");
}

static gsize
said (struct saver *s)
{
  return s->text != NULL ? s->text->len : 0;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static bool save_struct (struct saver *s, const struct gwt_schema *schema, void *self,
                         uint32_t version, struct gwt_error *err);

static uint64_t
read_scalar (const void *p, uint32_t kind)
{
  switch (kind)
    {
    case GWT_BOOL:
      return *(const uint8_t *) p != 0;
    case GWT_U8:
      return *(const uint8_t *) p;
    case GWT_I8:
      return (uint64_t) (int64_t) * (const int8_t *) p;
    case GWT_U16:
      return *(const uint16_t *) p;
    case GWT_I16:
      return (uint64_t) (int64_t) * (const int16_t *) p;
    case GWT_U32:
      return *(const uint32_t *) p;
    case GWT_I32:
      return (uint64_t) (int64_t) * (const int32_t *) p;
    default:
      return *(const uint64_t *) p; /* a float64's bits too */
    }
}

/* A member that is wider than what is sent must not lose bits on the way. */
static bool
save_scalar (struct saver *s, const struct gwt_vm_field *f, const void *p, struct gwt_error *err)
{
  uint32_t size = gwt_kind_size (f->wire);
  uint64_t value = read_scalar (p, f->member), back;

  if (f->wire != f->member)
    {
      bool negative = gwt_kind_is_signed (f->member) && (int64_t) value < 0;

      back = size == 8 ? value : value & ((UINT64_C (1) << 8 * size) - 1);
      if (gwt_kind_is_signed (f->wire) && size < 8 && back >> (8 * size - 1))
        back |= ~UINT64_C (0) << 8 * size;
      if (back != value || (negative && !gwt_kind_is_signed (f->wire))
          || (!gwt_kind_is_signed (f->member) && gwt_kind_is_signed (f->wire)
              && (int64_t) value < 0))
        {
          gwt_error_set (err, GWT_E_RANGE, "its value %" G_GINT64_FORMAT " does not fit in a %s",
                         (int64_t) value, gwt_kind_name (f->wire));
          return false;
        }
    }
  gwt_vm_put_be (s->out, size, value);
  return true;
}

static bool
save_list (struct saver *s, const struct gwt_vm_field *f, const struct gwt_schema *nested,
           const void *head, struct gwt_error *err)
{
  struct gwt_vm_list list = gwt_schema_list (f);
  uint64_t n = 0;
  void *element;

  for (element = list.first (head); element != NULL; element = list.next (element))
    {
      if (++n > list.max)
        {
          gwt_error_set (err, GWT_E_RANGE, "it has more than %" G_GUINT64_FORMAT " elements",
                         list.max);
          return false;
        }
      gwt_vm_put_be (s->out, 1, 1);
      say_text (s, ", ");
      if (!save_struct (s, nested, element, nested->d.version, err))
        return false;
    }
  gwt_vm_put_be (s->out, 1, 0);
  return true;
}

static bool
save_tree (struct saver *s, const struct gwt_vm_field *f, const struct gwt_schema *key_schema,
           const struct gwt_schema *nested, const void *head, struct gwt_error *err)
{
  struct gwt_vm_tree tree = gwt_schema_tree (f);
  uint64_t count = tree.count (head), n = 0;
  void *node;

  if (count > tree.max)
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "it has %" G_GUINT64_FORMAT " nodes, more than %" G_GUINT64_FORMAT, count,
                     tree.max);
      return false;
    }
  gwt_vm_put_be (s->out, 4, count);
  for (node = tree.next (head, NULL); node != NULL && n < count; node = tree.next (head, node), n++)
    {
      gwt_vm_put_be (s->out, 1, 1);
      say_text (s, ", ");
      if (key_schema == NULL)
        {
          gwt_vm_put_be (s->out, 8, *(const uint64_t *) tree.node_key (node));
          say (s, "\"key\": {\"type\": \"uint64\", \"size\": 8}");
        }
      else if (!save_struct (s, key_schema, tree.node_key (node), key_schema->d.version, err))
        return false;
      say_text (s, ", ");
      if (!save_struct (s, nested, tree.node_value (node), nested->d.version, err))
        return false;
    }
  gwt_vm_put_be (s->out, 1, 0);
  return true;
}

static bool
save_tmp (struct saver *s, const struct gwt_vm_field *f, const struct gwt_schema *nested,
          void *parent, struct gwt_error *err)
{
  void *tmp = g_malloc0 (f->size);
  bool good;

  memcpy (tmp, &parent, sizeof (parent));
  say_text (s, ", ");
  good = save_struct (s, nested, tmp, nested->d.version, err);
  g_free (tmp);
  return good;
}

static bool
save_custom (struct saver *s, const struct gwt_vm_field *f, const void *p, struct gwt_error *err)
{
  struct gwt_device *before = s->out->device;
  int status;

  s->out->device = s->device;
  status = f->custom->put (p, f, s->out, err);
  s->out->device = before;
  if (status != 0)
    gwt_error_set (err, GWT_E_FAILED, "it cannot be saved now");
  return !gwt_error_is_set (err);
}

/* One element at P; for buffers and bitmaps all N. */
static bool
save_element (struct saver *s, const struct gwt_schema *schema, uint64_t at, void *self, void *p,
              uint64_t n, struct gwt_error *err)
{
  const struct gwt_vm_field *f = &schema->fields[at];
  const struct gwt_schema *nested = schema->nested[at];
  const struct gwt_clock_api *clock;
  uint64_t i;
  bool good;

  switch (f->form)
    {
    case GWT_VM_SCALAR:
      return save_scalar (s, f, p, err);
    case GWT_VM_TIMER:
      clock = gwt_extension_find (GWT_CLOCK_EXT);
      gwt_vm_put_be (s->out, 8,
                     *(struct gwt_timer **) p != NULL && clock != NULL
                         ? clock->timer_expiry (*(struct gwt_timer **) p)
                         : GWT_TIMER_OFF);
      return true;
    case GWT_VM_BUFFER:
      gwt_vm_put (s->out, p, n);
      return true;
    case GWT_VM_UNUSED:
      gwt_vm_put_zeros (s->out, n);
      return true;
    case GWT_VM_BITMAP:
      for (i = 0; i < n; i++)
        gwt_vm_put_be (s->out, 8, ((const uint64_t *) p)[i]);
      return true;
    case GWT_VM_STRUCT:
      say_text (s, ", \"struct\": {");
      good = save_struct (s, nested, p, nested->d.version, err);
      say_text (s, "}");
      return good;
    case GWT_VM_VSTRUCT:
      say_text (s, ", ");
      return save_struct (s, nested, p, f->struct_version, err);
    case GWT_VM_TMP:
      return save_tmp (s, f, nested, self, err);
    case GWT_VM_LIST:
      return save_list (s, f, nested, p, err);
    case GWT_VM_TREE:
      return save_tree (s, f, schema->keys[at], nested, p, err);
    case GWT_VM_CUSTOM:
      return save_custom (s, f, p, err);
    default:
      return true;
    }
}

static bool
save_field (struct saver *s, const struct gwt_schema *schema, uint64_t at, void *self, gsize list,
            struct gwt_error *err)
{
  const struct gwt_vm_field *f = &schema->fields[at];
  char *base = (char *) self + f->offset;
  bool whole = gwt_vm_is_whole (f), alike = is_alike (schema, at);
  uint64_t n, elements, i;
  GString *text = s->text;

  if (!gwt_vm_elements (f, self, &n, err))
    return false;
  if (f->flags & GWT_VM_POINTER)
    base = *(char **) (void *) base;
  if (base == NULL && n > 0)
    {
      gwt_error_set (err, GWT_E_INVALID, "its pointer is NULL");
      return false;
    }
  elements = whole ? n > 0 : n;
  for (i = 0; i < elements; i++)
    {
      void *p = base + i * f->size;
      bool good = true;
      uint64_t before;

      if (f->flags & GWT_VM_POINTERS)
        p = ((void **) (void *) base)[i];
      if (p == NULL || gwt_vm_is_marked (f))
        {
          say_comma (s, list);
          say (s, "{\"name\": \"%s\", \"type\": \"ptr-marker\", \"size\": 1}",
               schema->names[at]);
          gwt_vm_put_be (s->out, 1, p == NULL ? GWT_VM_NULL_MARKER : GWT_VM_VALID_MARKER);
          if (p == NULL)
            continue;
        }
      before = s->out->total;
      say_comma (s, list);
      say_text (s, "{\"name\": \"");
      say_text (s, schema->names[at]);
      if (alike && elements > 1)
        {
          say_text (s, "\", \"array_len\": ");
          say_number (s, elements);
          say_text (s, ", \"type\": \"");
        }
      else
        say_text (s, "\", \"type\": \"");
      say_text (s, gwt_vm_type_name (f));
      say_text (s, "\"");
      good = save_element (s, schema, at, self, p, n, err);
      say_text (s, ", \"size\": ");
      say_number (s, s->out->total - before);
      say_text (s, "}");
      /* The first speaks for all. */
      if (alike)
        s->text = NULL;
      if (!good)
        break;
    }
  s->text = text;
  return !gwt_error_is_set (err);
}

static bool save_inline (struct saver *s, const struct gwt_vm_field *f,
                         const struct gwt_schema *nested, void *parent, gsize list,
                         struct gwt_error *err);

/* LIST is where the list of their descriptions begins. */
static bool
save_fields (struct saver *s, const struct gwt_schema *schema, void *self, uint32_t version,
             gsize list, struct gwt_error *err)
{
  uint64_t i;

  for (i = 0; i < schema->d.n_fields; i++)
    {
      const struct gwt_vm_field *f = &schema->fields[i];

      if (f->form == GWT_VM_CHECK || f->form == GWT_VM_DERIVED
          || !gwt_vm_present (f, self, s->device, version))
        continue;
      if (f->flags & GWT_VM_INLINE)
        {
          if (!save_inline (s, f, schema->nested[i], self, list, err))
            return false;
          continue;
        }
      if (!save_field (s, schema, i, self, list, err))
        {
          gwt_error_prefix (err, "field '%s'", schema->names[i]);
          return false;
        }
    }
  return true;
}

static bool
begin_save (const struct gwt_schema *schema, void *self, struct gwt_error *err)
{
  if (schema->d.pre_save == NULL || schema->d.pre_save (self, err) == 0)
    return true;
  gwt_error_set (err, GWT_E_FAILED, "'%s' cannot be saved now", schema->d.name);
  return false;
}

static bool
save_inline (struct saver *s, const struct gwt_vm_field *f, const struct gwt_schema *nested,
             void *parent, gsize list, struct gwt_error *err)
{
  void *tmp = g_malloc0 (f->size);
  bool good;

  memcpy (tmp, &parent, sizeof (parent));
  good = begin_save (nested, tmp, err);
  if (good)
    {
      good = save_fields (s, nested, tmp, nested->d.version, list, err);
      if (nested->d.post_save != NULL)
        nested->d.post_save (tmp);
    }
  g_free (tmp);
  return good;
}

static bool
save_subsections (struct saver *s, const struct gwt_schema *schema, void *self,
                  struct gwt_error *err)
{
  bool any = false;
  guint i;

  for (i = 0; i < schema->n_subsections; i++)
    {
      const struct gwt_schema *sub = schema->subsections[i];

      if (!gwt_vmstate_needed (sub, self, s->device))
        continue;
      gwt_vm_put_be (s->out, 1, 0x05);
      gwt_vm_put_pstr (s->out, sub->d.name);
      gwt_vm_put_be (s->out, 4, sub->d.version);
      say_text (s, any ? ", {" : ", \"subsections\": [{");
      any = true;
      if (!save_struct (s, sub, self, sub->d.version, err))
        {
          gwt_error_prefix (err, "subsection '%s'", sub->d.name);
          return false;
        }
      say_text (s, "}");
    }
  if (any)
    say_text (s, "]");
  return true;
}

/* A section of whose bytes nothing is known. */
static bool
save_opaque (struct saver *s, const struct gwt_schema *schema, void *self, struct gwt_error *err)
{
  uint64_t before = s->out->total, size;
  struct gwt_device *device = s->out->device;
  int status;

  s->out->device = s->device;
  status = schema->d.save (self, s->out, err);
  s->out->device = device;
  size = s->out->total - before;
  say (s,
       "\"size\": %" G_GUINT64_FORMAT
       ", \"fields\": [{\"name\": \"data\", \"size\": %" G_GUINT64_FORMAT
       ", \"type\": \"buffer\"}]",
       size, size);
  if (status != 0)
    gwt_error_set (err, GWT_E_FAILED, "'%s' cannot be saved now", schema->d.name);
  return !gwt_error_is_set (err);
}

static bool
save_struct (struct saver *s, const struct gwt_schema *schema, void *self, uint32_t version,
             struct gwt_error *err)
{
  bool good;

  if (!begin_save (schema, self, err))
    return false;
  if (schema->d.save != NULL)
    good = save_opaque (s, schema, self, err);
  else
    {
      say_text (s, "\"vmsd_name\": \"");
      say_text (s, schema->d.name);
      say_text (s, "\", \"version\": ");
      say_number (s, version);
      say_text (s, ", \"fields\": [");
      good = save_fields (s, schema, self, version, said (s), err);
      say_text (s, "]");
      good = good && save_subsections (s, schema, self, err);
    }
  if (schema->d.post_save != NULL)
    schema->d.post_save (self);
  return good;
}

bool
gwt_vmstate_save (const struct gwt_schema *schema, void *self, struct gwt_device *device,
                  struct gwt_vm_out *out, GString *description, struct gwt_error *err)
{
  struct saver s = { device, out, description };

  return save_struct (&s, schema, self, schema->d.version, err);
}

bool
gwt_vm_put_state (struct gwt_vm_out *out, const struct gwt_vmstate *vmstate, void *self,
                  struct gwt_error *err)
{
  const struct gwt_schema *schema = gwt_schema_of (vmstate, err);
  struct saver s = { out->device, out, NULL };

  if (schema == NULL)
    return false;
  if (save_struct (&s, schema, self, schema->d.version, err))
    return true;
  gwt_error_prefix (err, "'%s'", schema->d.name);
  return false;
}
