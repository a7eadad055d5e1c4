/* SPDX-License-Identifier: BSD-2-Clause */
/* The mock host's base table, the plugin under test and its devices; see mock-host.h. */
#include "mock-host.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mock mock;
struct gwt_error mock_error;

/* ---- base table ------------------------------------------------------------------------------ */

static void
error_vset (struct gwt_error *err, uint32_t code, const char *format, va_list args)
{
  if (err == NULL)
    return;
  /* A second error on top of the first hides the cause. */
  g_assert_cmpuint (err->code, ==, 0);
  err->code = code;
  vsnprintf (err->text, sizeof err->text, format, args);
}

void
mock_set_error (struct gwt_error *err, uint32_t code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  error_vset (err, code, format, args);
  va_end (args);
}

static void
vlog_line (uint32_t level, const char *format, va_list args)
{
  char *text = g_strdup_vprintf (format, args);

  g_assert_null (strchr (text, '\n'));
  if (level == GWT_LOG_GUEST)
    g_atomic_int_inc ((gint *) &mock.logs);
  g_test_message ("log %u: %s", level, text);
  g_free (text);
}

static void
log_line (uint32_t level, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vlog_line (level, format, args);
  va_end (args);
}

static const char *
intern (const char *text)
{
  return g_intern_string (text);
}

/* Those loaded; they stay. */
static const struct gwt_plugin *plugins[16];
static guint n_plugins;

const void *
mock_offer (const char *id)
{
  guint p;
  uint64_t i;

  for (p = 0; p < n_plugins; p++)
    for (i = 0; i < plugins[p]->n_offers; i++)
      if (strcmp (plugins[p]->offers[i].id, id) == 0)
        return plugins[p]->offers[i].table;
  return NULL;
}

static const struct gwt_device_type *
find_type (const char *name)
{
  guint p, i;

  for (p = 0; p < n_plugins; p++)
    for (i = 0; plugins[p]->types[i]; i++)
      if (strcmp (plugins[p]->types[i]->name, name) == 0)
        return plugins[p]->types[i];
  g_error ("no plugin was loaded that has the type %s", name);
}

/* ---- plugins --------------------------------------------------------------------------------- */

static const struct gwt_host host_table = {
  .struct_size = sizeof host_table,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor = GWT_ABI_MINOR,
  .name = "mock-host",
  .version = "0",
  .extension = mock_extension,
  .error_set = mock_set_error,
  .error_vset = error_vset,
  .log = log_line,
  .vlog = vlog_line,
  .intern = intern,
};

const struct gwt_plugin *
mock_load (const char *name)
{
  const char *build = g_getenv ("abs_top_builddir");
  char *path = g_strdup_printf ("%s/plugins/%s.so", build ? build : ".", name);
  const struct gwt_plugin *plugin;
  gwt_plugin_entry entry;
  const char *const *id;
  void *handle;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      printf ("1..0 # SKIP the plugin %s was not built\n", name);
      exit (0);
    }
  /* Never closed, as in the core. */
  handle = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL)
    g_error ("%s", dlerror ());
  g_free (path);
  *(void **) &entry = dlsym (handle, GWT_PLUGIN_ENTRY_NAME);
  g_assert_nonnull (entry);
  memset (&mock_error, 0, sizeof mock_error);
  plugin = entry (&host_table, &mock_error);
  g_assert_nonnull (plugin);
  g_assert_true (entry (&host_table, &mock_error) == plugin);
  g_assert_cmpstr (plugin->id, ==, name);
  for (id = plugin->required; id && *id; id++)
    if (mock_extension (*id) == NULL)
      g_error ("%s requires %s, which nobody offers", name, *id);
  g_assert_cmpint (plugin->start (&host_table, &mock_error), ==, 0);
  g_assert_cmpuint (n_plugins, <, G_N_ELEMENTS (plugins));
  plugins[n_plugins++] = plugin;
  return plugin;
}

/* ---- devices --------------------------------------------------------------------------------- */

static const struct gwt_field *
has_row (const struct gwt_device_type *type, const char *name)
{
  uint64_t i;

  for (i = 0; i < type->n_fields; i++)
    if (strcmp (type->fields[i].name, name) == 0)
      return &type->fields[i];
  return NULL;
}

static const struct gwt_field *
find_row (const struct gwt_device_type *type, const char *name)
{
  const struct gwt_field *row = has_row (type, name);

  if (row == NULL)
    g_error ("%s has no row '%s'", type->name, name);
  return row;
}

struct gwt_device *
mock_find (const char *id)
{
  guint i;

  for (i = 0; i < mock.devices->len; i++)
    {
      struct gwt_device *d = g_ptr_array_index (mock.devices, i);

      if (strcmp (d->id, id) == 0)
        return d;
    }
  g_error ("no device '%s'", id);
}

static gboolean
in_bounds (const struct gwt_field *row, uint64_t value)
{
  if (row->kind >= GWT_I8 && row->kind <= GWT_I64)
    return (int64_t) value >= (int64_t) row->min && (int64_t) value <= (int64_t) row->max;
  return value >= row->min && value <= row->max;
}

static void
put_number (void *to, uint32_t size, uint64_t value)
{
  /* Little-endian hosts only, as the core. */
  memcpy (to, &value, size);
}

static void
set_property (struct gwt_device *d, const char *text)
{
  char *name = g_strdup (text), *value = strchr (name, '=');
  const struct gwt_field *row;
  char *member, *instance = d->instance;

  g_assert_nonnull (value);
  *value++ = 0;
  row = has_row (d->type, name);
  if (row == NULL && d->parent && (row = has_row (d->parent, name)) != NULL)
    instance = d->part;
  if (row == NULL)
    g_error ("%s has no row '%s'", d->type->name, name);
  g_assert_cmpuint (row->role, ==, GWT_PROP);
  member = instance + row->offset;
  if (row->kind == GWT_STR)
    *(const char **) member = g_intern_string (value);
  else if (row->kind == GWT_CHARDEV)
    *(struct gwt_chardev **) member = strcmp (value, "second") == 0 ? &mock.second : &mock.serial;
  else if (row->kind == GWT_NETDEV)
    *(struct gwt_netdev **) member = mock.netdev;
  else if (row->kind == GWT_BLOCK)
    *(struct gwt_block **) member = mock.block;
  else if (row->kind == GWT_LINK)
    *(struct gwt_device **) member = mock_find (value);
  else
    {
      uint64_t number = g_ascii_strtoull (value, NULL, 0);

      if (row->min || row->max)
        g_assert_true (in_bounds (row, number));
      put_number (member, row->size, number);
    }
  g_free (name);
}

static void
set_defaults (const struct gwt_device_type *type, char *instance)
{
  uint64_t i;

  for (i = 0; i < type->n_fields; i++)
    {
      const struct gwt_field *row = &type->fields[i];

      if (row->role != GWT_PROP || row->kind == GWT_CHARDEV || row->kind == GWT_BLOCK)
        continue;
      if (row->kind == GWT_STR)
        *(const char **) (instance + row->offset) = row->def_text;
      else
        put_number (instance + row->offset, row->size, row->def);
    }
}

static int
call (int (*fn) (void *self, struct gwt_device *device, struct gwt_error *err), void *self,
      struct gwt_device *d)
{
  return fn == NULL || fn (self, d, &mock_error) == 0;
}

/* Its parent's part first; what has been realized is unrealized by mock_free. */
static gboolean
realize (struct gwt_device *d)
{
  if (d->parent && !(d->part_realized = call (d->parent->realize, d->part, d)))
    return FALSE;
  d->realized = call (d->type->realize, d->instance, d);
  return d->realized && (!d->parent || call (d->parent->complete, d->part, d))
         && call (d->type->complete, d->instance, d);
}

static struct gwt_device *
new_device (const struct gwt_device_type *type, const char *id, va_list args)
{
  struct gwt_device *d = g_new0 (struct gwt_device, 1);
  const char *property;

  memset (&mock_error, 0, sizeof mock_error);
  d->type = type;
  d->id = g_strdup (id);
  d->instance = g_malloc0 (type->instance_size);
  d->lines = g_ptr_array_new_with_free_func (g_free);
  if (type->parent)
    {
      d->parent = find_type (type->parent);
      d->part = g_malloc0 (d->parent->instance_size);
      set_defaults (d->parent, d->part);
    }
  if (type->init)
    g_assert_cmpint (type->init (d->instance, d, &mock_error), ==, 0);
  set_defaults (type, d->instance);
  while ((property = va_arg (args, const char *)) != NULL)
    set_property (d, property);
  if (realize (d))
    {
      g_assert_cmpuint (mock_error.code, ==, 0);
      g_ptr_array_add (mock.devices, d);
      mock_reset (d, GWT_RESET_COLD);
      return d;
    }
  g_assert_cmpuint (mock_error.code, !=, 0);
  g_test_message ("refused: %s", mock_error.text);
  mock_free (d);
  return NULL;
}

struct gwt_device *
mock_try_new (const struct gwt_device_type *type, const char *id, ...)
{
  struct gwt_device *d;
  va_list args;

  va_start (args, id);
  d = new_device (type, id, args);
  va_end (args);
  return d;
}

struct gwt_device *
mock_new (const struct gwt_device_type *type, const char *id, ...)
{
  struct gwt_device *d;
  va_list args;

  va_start (args, id);
  d = new_device (type, id, args);
  va_end (args);
  if (d == NULL)
    g_error ("%s: %s", id, mock_error.text);
  return d;
}

void
mock_free (struct gwt_device *d)
{
  uint32_t i;

  if (d->realized && d->type->unrealize)
    d->type->unrealize (d->instance);
  if (d->part_realized && d->parent->unrealize)
    d->parent->unrealize (d->part);
  g_ptr_array_remove (mock.devices, d);
  if (mock.serial.device == d)
    mock.serial.client = NULL;
  if (mock.second.device == d)
    mock.second.client = NULL;
  g_free (d->part);
  for (i = 0; i < d->n_regions; i++)
    {
      g_free ((char *) d->region[i]->name);
      g_free (d->region[i]->memory);
      g_free (d->region[i]);
    }
  for (i = mock.timers->len; i-- > 0;)
    if (((struct gwt_timer *) g_ptr_array_index (mock.timers, i))->device == d)
      g_ptr_array_remove_index (mock.timers, i);
  g_ptr_array_free (d->lines, TRUE);
  g_free (d->instance);
  g_free (d->id);
  g_free (d);
}

void
mock_reset (struct gwt_device *d, uint32_t kind)
{
  if (d->parent)
    d->parent->reset (d->part, kind);
  if (d->type->reset)
    d->type->reset (d->instance, kind);
}

static gboolean
allowed (const struct gwt_region *r, uint64_t offset, uint32_t size)
{
  g_assert_cmpuint (offset, <, r->size);
  return size >= r->ops->min_size && size <= r->ops->max_size && size <= r->size - offset
         && (offset % size == 0 || (r->ops->flags & GWT_MMIO_UNALIGNED));
}

uint32_t
mock_load_status (struct gwt_device *d, uint64_t offset, uint32_t size, uint64_t *value)
{
  const struct gwt_region *r = d->region[0];
  uint32_t status;

  *value = 0;
  if (r->memory && r->direct)
    {
      memcpy (value, r->memory + offset, size);
      return GWT_ACCESS_OK;
    }
  if (!allowed (r, offset, size))
    return GWT_ACCESS_ERROR;
  status = r->ops->read (d->instance, offset, size, value);
  /* A device must not answer with more than it was asked for. */
  if (size < 8)
    g_assert_cmphex (*value >> 8 * size, ==, 0);
  return status;
}

uint32_t
mock_store_status (struct gwt_device *d, uint64_t offset, uint32_t size, uint64_t value)
{
  const struct gwt_region *r = d->region[0];

  if (!allowed (r, offset, size))
    return GWT_ACCESS_ERROR;
  if (size < 8)
    value &= ((uint64_t) 1 << 8 * size) - 1;
  return r->ops->write (d->instance, offset, size, value);
}

uint64_t
mock_load_reg (struct gwt_device *d, uint64_t offset, uint32_t size)
{
  uint64_t value;

  g_assert_cmpuint (mock_load_status (d, offset, size, &value), ==, GWT_ACCESS_OK);
  return value;
}

void
mock_store_reg (struct gwt_device *d, uint64_t offset, uint32_t size, uint64_t value)
{
  g_assert_cmpuint (mock_store_status (d, offset, size, value), ==, GWT_ACCESS_OK);
}

struct gwt_irq *
mock_line (struct gwt_device *d, const char *name, uint32_t index)
{
  guint i;

  for (i = 0; i < d->lines->len; i++)
    {
      struct gwt_irq *irq = g_ptr_array_index (d->lines, i);

      if (strcmp (irq->name, name) == 0 && irq->index == index)
        return irq;
    }
  g_error ("no output %s[%u]", name, index);
}

uint32_t
mock_level (struct gwt_device *d, const char *name, uint32_t index)
{
  return __atomic_load_n (&mock_line (d, name, index)->level, __ATOMIC_SEQ_CST);
}

void
mock_input (struct gwt_device *d, uint32_t line, uint32_t level)
{
  g_assert_cmpuint (line, <, d->n_inputs);
  d->input (d->instance, line, level);
}

uint64_t
mock_row (struct gwt_device *d, const char *name, uint32_t index)
{
  const struct gwt_field *row = find_row (d->type, name);
  uint64_t value = 0;

  g_assert_cmpuint (index, <, row->elems);
  g_assert_cmpuint (row->size, <=, 8);
  memcpy (&value, (char *) d->instance + row->offset + index * row->size, row->size);
  return value;
}

/* ---- rows ------------------------------------------------------------------------------------ */

void
mock_check_rows (const struct gwt_device_type *type)
{
  uint8_t *seen = g_malloc0 (type->instance_size);
  uint64_t i, j;

  g_assert_cmpuint (type->field_size, ==, sizeof (struct gwt_field));
  for (i = 0; i < type->n_fields; i++)
    {
      const struct gwt_field *row = &type->fields[i];

      g_assert_true (row->doc != NULL && *row->doc != 0);
      g_assert_cmpuint (row->elems, >=, 1);
      g_assert_true ((row->role == GWT_HOST) == (*row->name == 0));
      for (j = 0; j < (uint64_t) row->size * row->elems; j++)
        {
          g_assert_cmpuint (row->offset + j, <, type->instance_size);
          if (seen[row->offset + j]++)
            g_error ("%s: byte %" G_GUINT64_FORMAT " of the struct is in two rows, one is '%s'",
                     type->name, row->offset + j, row->name);
        }
      for (j = 0; j < i && *row->name; j++)
        g_assert_cmpstr (row->name, !=, type->fields[j].name);
      if (row->role == GWT_PROP && (row->min || row->max))
        g_assert_true (in_bounds (row, row->def));
      if (row->count)
        g_assert_cmpuint (find_row (type, row->count)->role, ==, GWT_PROP);
    }
  for (i = 0; i < type->instance_size; i++)
    if (!seen[i])
      g_error ("%s: byte %" G_GUINT64_FORMAT " of the struct is in no row", type->name, i);
  g_free (seen);
}
