/* SPDX-License-Identifier: BSD-2-Clause */
/* Owns the mock host's tables; see mock-host.h. */
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

static void
error_set (struct gwt_error *err, uint32_t code, const char *format, ...)
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

/* ---- gwt.device/1 ---------------------------------------------------------------------------- */

static const char *
device_id (struct gwt_device *d)
{
  return d->id;
}

static const char *
device_type (struct gwt_device *d)
{
  return d->type->name;
}

static void *
device_instance (struct gwt_device *d)
{
  return d->instance;
}

static struct gwt_device *
device_find (const char *id)
{
  (void) id;
  return NULL;
}

static const void *
interface_of (struct gwt_device *d, const char *id)
{
  uint64_t i;

  for (i = 0; i < d->type->n_interfaces; i++)
    if (strcmp (d->type->interfaces[i].id, id) == 0)
      return d->type->interfaces[i].table;
  return NULL;
}

static struct gwt_device *
nth_with_interface (const char *id, uint32_t n)
{
  g_assert_cmpstr (id, ==, GWT_RISCV_HART_INTERFACE);
  return n < mock.harts_made ? &mock.hart[n] : NULL;
}

static uint32_t
cpu_count (void)
{
  return mock.cpus;
}

static const struct gwt_device_api device_api = {
  .struct_size = sizeof device_api,
  .id = device_id,
  .type = device_type,
  .path = device_id,
  .instance = device_instance,
  .find = device_find,
  .interface_of = interface_of,
  .nth_with_interface = nth_with_interface,
  .cpu_count = cpu_count,
};

/* ---- harts ----------------------------------------------------------------------------------- */

static uint64_t
hart_id (void *self)
{
  return ((struct mock_hart *) self)->id;
}

static void
hart_set_time (void *self, const struct gwt_riscv_time *time)
{
  ((struct mock_hart *) self)->time = time;
}

static void
hart_time_changed (void *self)
{
  ((struct mock_hart *) self)->time_changes++;
}

static const struct gwt_riscv_hart_ops hart_ops = {
  .struct_size = sizeof hart_ops,
  .hart_id = hart_id,
  .set_time = hart_set_time,
  .time_changed = hart_time_changed,
};

static const struct gwt_interface hart_interfaces[] = { { GWT_RISCV_HART_INTERFACE, &hart_ops } };

static const struct gwt_device_type hart_type = {
  .struct_size = sizeof hart_type,
  .name = "mock-hart",
  .interfaces = hart_interfaces,
  .interface_size = sizeof hart_interfaces[0],
  .n_interfaces = 1,
};

/* ---- gwt.memory/1 ---------------------------------------------------------------------------- */

static struct gwt_region *
new_region (struct gwt_device *d, const char *name, uint64_t size, const struct gwt_mmio_ops *ops)
{
  struct gwt_region *r = g_new0 (struct gwt_region, 1);

  g_assert_cmpuint (d->n_regions, <, MOCK_MAX_REGIONS);
  g_assert_cmpuint (size, >, 0);
  r->device = d;
  r->name = g_strdup (name);
  r->size = size;
  r->ops = ops;
  d->region[d->n_regions++] = r;
  return r;
}

static struct gwt_region *
memory_mmio (struct gwt_device *d, const char *name, uint64_t size, const struct gwt_mmio_ops *ops,
             struct gwt_error *err)
{
  (void) err;
  g_assert_cmpuint (ops->min_size, >=, 1);
  g_assert_cmpuint (ops->max_size, <=, 8);
  return new_region (d, name, size, ops);
}

static struct gwt_region *
memory_ram_device (struct gwt_device *d, const char *name, uint64_t size, uint64_t flags,
                   const struct gwt_mmio_ops *ops, struct gwt_error *err)
{
  struct gwt_region *r = new_region (d, name, size, ops);

  (void) flags;
  (void) err;
  r->memory = g_malloc0 (size);
  r->direct = 1;
  return r;
}

static struct gwt_region *
memory_ram (struct gwt_device *d, const char *name, uint64_t size, uint64_t flags,
            struct gwt_error *err)
{
  return memory_ram_device (d, name, size, flags, NULL, err);
}

static void
memory_set_direct (struct gwt_region *r, uint32_t on)
{
  r->direct = on;
}

static void *
memory_host (struct gwt_region *r)
{
  return r->memory;
}

static uint64_t
memory_size (struct gwt_region *r)
{
  return r->size;
}

static void
memory_mark_dirty (struct gwt_region *r, uint64_t offset, uint64_t size)
{
  g_assert_cmpuint (offset, <=, r->size);
  g_assert_cmpuint (size, <=, r->size - offset);
  r->dirty += size;
}

static uint8_t *
dma_pointer (struct gwt_device *d, uint64_t address, uint64_t size)
{
  mock.last_dma = d->type->name;
  if (address < MOCK_RAM_BASE || address - MOCK_RAM_BASE > MOCK_RAM_SIZE
      || size > MOCK_RAM_SIZE - (address - MOCK_RAM_BASE))
    return NULL;
  mock.dma_bytes += size;
  return mock.ram + (address - MOCK_RAM_BASE);
}

static uint32_t
memory_dma_read (struct gwt_device *d, uint64_t address, void *data, uint64_t size)
{
  const uint8_t *p;

  if (address >= MOCK_ROM_BASE && address + size <= MOCK_ROM_BASE + 0x1000)
    address -= MOCK_ROM_BASE - MOCK_RAM_BASE;
  p = dma_pointer (d, address, size);
  if (p == NULL)
    return GWT_ACCESS_UNMAPPED;
  memcpy (data, p, size);
  return GWT_ACCESS_OK;
}

static uint32_t
memory_dma_write (struct gwt_device *d, uint64_t address, const void *data, uint64_t size)
{
  uint8_t *p = dma_pointer (d, address, size);

  if (p == NULL)
    return GWT_ACCESS_UNMAPPED;
  memcpy (p, data, size);
  return GWT_ACCESS_OK;
}

static const struct gwt_memory_api memory_api = {
  .struct_size = sizeof memory_api,
  .mmio = memory_mmio,
  .ram = memory_ram,
  .ram_device = memory_ram_device,
  .set_direct = memory_set_direct,
  .host = memory_host,
  .size = memory_size,
  .mark_dirty = memory_mark_dirty,
  .dma_read = memory_dma_read,
  .dma_write = memory_dma_write,
};

/* ---- gwt.irq/1 ------------------------------------------------------------------------------- */

static int
irq_inputs (struct gwt_device *d, const char *name, uint32_t count, gwt_irq_input_fn fn,
            struct gwt_error *err)
{
  (void) err;
  d->input_name = name;
  d->n_inputs = count;
  d->input = fn;
  return 0;
}

static int
irq_outputs (struct gwt_device *d, const char *name, uint32_t count, struct gwt_irq **out,
             struct gwt_error *err)
{
  uint32_t i;

  (void) err;
  for (i = 0; i < count; i++)
    {
      out[i] = g_new0 (struct gwt_irq, 1);
      out[i]->name = name;
      out[i]->index = i;
      g_ptr_array_add (d->lines, out[i]);
    }
  return 0;
}

static void
meanwhile (void)
{
  void (*fn) (void) = mock.meanwhile;

  if (fn == NULL)
    return;
  /* Once: what it does comes through here again. */
  mock.meanwhile = NULL;
  fn ();
}

static void
irq_set (struct gwt_irq *irq, uint32_t level)
{
  meanwhile ();
  g_assert_cmpuint (level, <=, 1);
  if (__atomic_exchange_n (&irq->level, level, __ATOMIC_SEQ_CST) != level)
    __atomic_add_fetch (&irq->changes, 1, __ATOMIC_SEQ_CST);
}

static uint32_t
irq_level (struct gwt_irq *irq)
{
  return __atomic_load_n (&irq->level, __ATOMIC_SEQ_CST);
}

static const struct gwt_irq_api irq_api = {
  .struct_size = sizeof irq_api,
  .inputs = irq_inputs,
  .outputs = irq_outputs,
  .set = irq_set,
  .level = irq_level,
};

/* ---- gwt.clock/1 ----------------------------------------------------------------------------- */

static uint64_t
clock_now (uint32_t clock)
{
  return clock == GWT_CLOCK_VIRTUAL ? mock.virtual_now : mock.host_now;
}

static struct gwt_timer *
timer_new (struct gwt_device *d, uint32_t clock, gwt_timer_fn fn, void *self, struct gwt_error *err)
{
  struct gwt_timer *t = g_new0 (struct gwt_timer, 1);

  (void) d;
  (void) err;
  t->fn = fn;
  t->self = self;
  t->clock = clock;
  t->expiry = GWT_TIMER_OFF;
  g_ptr_array_add (mock.timers, t);
  return t;
}

static void
timer_set (struct gwt_timer *t, uint64_t expiry)
{
  meanwhile ();
  __atomic_store_n (&t->expiry, expiry, __ATOMIC_SEQ_CST);
}

static uint64_t
timer_expiry (struct gwt_timer *t)
{
  return t->expiry;
}

static const struct gwt_clock_api clock_api = {
  .struct_size = sizeof clock_api,
  .now = clock_now,
  .timer_new = timer_new,
  .timer_set = timer_set,
  .timer_expiry = timer_expiry,
};

static struct gwt_timer *
next_timer (uint32_t clock)
{
  struct gwt_timer *best = NULL;
  guint i;

  for (i = 0; i < mock.timers->len; i++)
    {
      struct gwt_timer *t = g_ptr_array_index (mock.timers, i);

      if (t->clock == clock && t->expiry != GWT_TIMER_OFF
          && (best == NULL || t->expiry < best->expiry))
        best = t;
    }
  return best;
}

uint64_t
mock_next_timer (uint32_t clock)
{
  struct gwt_timer *t = next_timer (clock);

  return t ? t->expiry : GWT_TIMER_OFF;
}

void
mock_advance (uint32_t clock, uint64_t ns)
{
  uint64_t *now = clock == GWT_CLOCK_VIRTUAL ? &mock.virtual_now : &mock.host_now;
  uint64_t end = *now + ns;
  struct gwt_timer *t;
  uint32_t fired = 0;

  while ((t = next_timer (clock)) != NULL && t->expiry <= end)
    {
      *now = MAX (*now, t->expiry);
      t->expiry = GWT_TIMER_OFF;
      t->fn (t->self);
      g_assert_cmpuint (++fired, <, 100000);
    }
  *now = end;
}

/* ---- gwt.chardev/1 --------------------------------------------------------------------------- */

static int
chardev_attach (struct gwt_chardev *c, struct gwt_device *d,
                const struct gwt_chardev_client *client, struct gwt_error *err)
{
  if (c->client)
    {
      error_set (err, GWT_E_BUSY, "taken; use another");
      return -1;
    }
  c->client = client;
  c->device = d;
  return 0;
}

static uint64_t
chardev_write (struct gwt_chardev *c, const uint8_t *data, uint64_t size)
{
  if (c->room != G_MAXUINT64)
    {
      size = MIN (size, c->room);
      c->room -= size;
    }
  g_byte_array_append (c->output, data, (guint) size);
  return size;
}

static void
chardev_accept_input (struct gwt_chardev *c)
{
  c->accepts++;
}

static void
chardev_set_line (struct gwt_chardev *c, uint32_t baud, uint32_t data_bits, uint32_t stop_bits,
                  uint32_t parity)
{
  c->baud = baud;
  c->data_bits = data_bits;
  c->stop_bits = stop_bits;
  c->parity = parity;
}

static const struct gwt_chardev_api chardev_api = {
  .struct_size = sizeof chardev_api,
  .attach = chardev_attach,
  .write = chardev_write,
  .accept_input = chardev_accept_input,
  .set_line = chardev_set_line,
};

uint64_t
mock_type (const void *data, uint64_t size)
{
  const struct gwt_chardev_client *client = mock.serial.client;
  void *self = mock.serial.device->instance;
  uint64_t room = client->can_receive (self);

  size = MIN (size, room);
  if (size)
    client->receive (self, data, size);
  return size;
}

char *
mock_sent (void)
{
  char *text;

  g_byte_array_append (mock.serial.output, (const guint8 *) "", 1);
  text = g_strdup ((const char *) mock.serial.output->data);

  g_byte_array_set_size (mock.serial.output, 0);
  return text;
}

/* ---- gwt.run/1 ------------------------------------------------------------------------------- */

static void
run_shutdown (struct gwt_device *d, uint32_t exit_status)
{
  (void) d;
  g_assert_cmpuint (exit_status, <=, 255);
  mock.shutdowns++;
  mock.exit_status = exit_status;
}

static void
run_reset (struct gwt_device *d)
{
  (void) d;
  mock.resets++;
}

static void
run_on_powerdown (struct gwt_device *d, gwt_powerdown_fn fn)
{
  (void) d;
  (void) fn;
}

static const struct gwt_run_api run_api = {
  .struct_size = sizeof run_api,
  .shutdown = run_shutdown,
  .reset = run_reset,
  .on_powerdown = run_on_powerdown,
};

/* ---- gwt.fdt/1 ------------------------------------------------------------------------------- */

static void
fdt_begin (struct gwt_fdt *f, const char *name)
{
  (void) f;
  g_string_append_printf (mock.fdt, "{ %s\n", name);
}

static void
fdt_begin_at_root (struct gwt_fdt *f, const char *name)
{
  (void) f;
  g_string_append_printf (mock.fdt, "{ /%s\n", name);
}

static void
fdt_end (struct gwt_fdt *f)
{
  (void) f;
  g_string_append (mock.fdt, "}\n");
}

static void
fdt_empty (struct gwt_fdt *f, const char *property)
{
  (void) f;
  g_string_append_printf (mock.fdt, "%s\n", property);
}

static void
fdt_u32 (struct gwt_fdt *f, const char *property, uint32_t value)
{
  (void) f;
  g_string_append_printf (mock.fdt, "%s = %u\n", property, value);
}

static void
fdt_u64 (struct gwt_fdt *f, const char *property, uint64_t value)
{
  (void) f;
  g_string_append_printf (mock.fdt, "%s = %" G_GUINT64_FORMAT "\n", property, value);
}

static void
fdt_cells (struct gwt_fdt *f, const char *property, const uint32_t *cells, uint32_t count)
{
  uint32_t i;

  (void) f;
  g_string_append_printf (mock.fdt, "%s =", property);
  for (i = 0; i < count; i++)
    g_string_append_printf (mock.fdt, " %u", cells[i]);
  g_string_append_c (mock.fdt, '\n');
}

static void
fdt_strings (struct gwt_fdt *f, const char *property, const char *const *values, uint32_t count)
{
  uint32_t i;

  (void) f;
  g_string_append_printf (mock.fdt, "%s =", property);
  for (i = 0; i < count; i++)
    g_string_append_printf (mock.fdt, " '%s'", values[i]);
  g_string_append_c (mock.fdt, '\n');
}

static void
fdt_string (struct gwt_fdt *f, const char *property, const char *value)
{
  fdt_strings (f, property, &value, 1);
}

static void
fdt_bytes (struct gwt_fdt *f, const char *property, const void *data, uint32_t size)
{
  (void) f;
  (void) data;
  g_string_append_printf (mock.fdt, "%s = (%u bytes)\n", property, size);
}

/* Harts are 100, 101, ...; the device under test is 7. */
static uint32_t
fdt_phandle_of (struct gwt_fdt *f, struct gwt_device *d)
{
  (void) f;
  return d->type == &hart_type ? 100 + (uint32_t) (d - mock.hart) : 7;
}

static void
fdt_phandle (struct gwt_fdt *f, struct gwt_device *d)
{
  fdt_u32 (f, "phandle", fdt_phandle_of (f, d));
}

static uint32_t
fdt_new_phandle (struct gwt_fdt *f)
{
  (void) f;
  return 50;
}

static struct gwt_device *
fdt_target (struct gwt_fdt *f, struct gwt_device *d, const char *name, uint32_t index,
            uint32_t *line)
{
  (void) f;
  (void) d;
  (void) name;
  (void) index;
  (void) line;
  return NULL;
}

static const struct gwt_fdt_api fdt_api = {
  .struct_size = sizeof fdt_api,
  .begin = fdt_begin,
  .end = fdt_end,
  .empty = fdt_empty,
  .u32 = fdt_u32,
  .u64 = fdt_u64,
  .cells = fdt_cells,
  .string = fdt_string,
  .strings = fdt_strings,
  .bytes = fdt_bytes,
  .phandle_of = fdt_phandle_of,
  .phandle = fdt_phandle,
  .new_phandle = fdt_new_phandle,
  .begin_at_root = fdt_begin_at_root,
  .target = fdt_target,
};

const char *
mock_describe (struct gwt_device *d)
{
  memset (&mock_error, 0, sizeof mock_error);
  g_string_truncate (mock.fdt, 0);
  if (d->type->describe)
    g_assert_cmpint (d->type->describe (d->instance, NULL, &mock_error), ==, 0);
  return mock.fdt->str;
}

/* ---- plugins --------------------------------------------------------------------------------- */

static const void *
extension (const char *id)
{
  static const struct
  {
    const char *id;
    const void *table;
  } all[] = {
    { GWT_DEVICE_EXT, &device_api }, { GWT_MEMORY_EXT, &memory_api },   { GWT_IRQ_EXT, &irq_api },
    { GWT_CLOCK_EXT, &clock_api },   { GWT_CHARDEV_EXT, &chardev_api }, { GWT_RUN_EXT, &run_api },
    { GWT_FDT_EXT, &fdt_api },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (all); i++)
    if (strcmp (all[i].id, id) == 0)
      return all[i].table;
  return NULL;
}

static const struct gwt_host host_table = {
  .struct_size = sizeof host_table,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor = GWT_ABI_MINOR,
  .name = "mock-host",
  .version = "0",
  .extension = extension,
  .error_set = error_set,
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
    if (extension (*id) == NULL)
      g_error ("%s requires %s, which nobody offers", name, *id);
  g_assert_cmpint (plugin->start (&host_table, &mock_error), ==, 0);
  return plugin;
}

void
mock_new_machine (uint32_t cpus)
{
  uint32_t i;

  if (mock.timers)
    {
      g_ptr_array_free (mock.timers, TRUE);
      g_byte_array_free (mock.serial.output, TRUE);
      g_string_free (mock.fdt, TRUE);
      g_free (mock.ram);
    }
  memset (&mock, 0, sizeof mock);
  memset (&mock_error, 0, sizeof mock_error);
  g_assert_cmpuint (cpus, <=, MOCK_MAX_HARTS);
  mock.cpus = mock.harts_made = cpus;
  mock.timers = g_ptr_array_new_with_free_func (g_free);
  mock.serial.output = g_byte_array_new ();
  mock.serial.room = G_MAXUINT64;
  mock.fdt = g_string_new (NULL);
  mock.ram = g_malloc0 (MOCK_RAM_SIZE);
  for (i = 0; i < cpus; i++)
    {
      mock.hart[i].type = &hart_type;
      mock.hart[i].instance = &mock.hart_state[i];
      mock.hart_state[i].id = i;
    }
}

/* ---- devices --------------------------------------------------------------------------------- */

static const struct gwt_field *
find_row (const struct gwt_device_type *type, const char *name)
{
  uint64_t i;

  for (i = 0; i < type->n_fields; i++)
    if (strcmp (type->fields[i].name, name) == 0)
      return &type->fields[i];
  g_error ("%s has no row '%s'", type->name, name);
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
  char *member;

  g_assert_nonnull (value);
  *value++ = 0;
  row = find_row (d->type, name);
  g_assert_cmpuint (row->role, ==, GWT_PROP);
  member = (char *) d->instance + row->offset;
  if (row->kind == GWT_STR)
    *(const char **) member = g_intern_string (value);
  else if (row->kind == GWT_CHARDEV)
    *(struct gwt_chardev **) member = &mock.serial;
  else
    {
      uint64_t number = g_ascii_strtoull (value, NULL, 0);

      if (row->min || row->max)
        g_assert_true (number >= row->min && number <= row->max);
      put_number (member, row->size, number);
    }
  g_free (name);
}

static struct gwt_device *
new_device (const struct gwt_device_type *type, const char *id, va_list args)
{
  struct gwt_device *d = g_new0 (struct gwt_device, 1);
  const char *property;
  uint64_t i;

  memset (&mock_error, 0, sizeof mock_error);
  d->type = type;
  d->id = g_strdup (id);
  d->instance = g_malloc0 (type->instance_size);
  d->lines = g_ptr_array_new_with_free_func (g_free);
  if (type->init)
    g_assert_cmpint (type->init (d->instance, d, &mock_error), ==, 0);
  for (i = 0; i < type->n_fields; i++)
    {
      const struct gwt_field *row = &type->fields[i];

      if (row->role != GWT_PROP || row->kind == GWT_CHARDEV)
        continue;
      if (row->kind == GWT_STR)
        *(const char **) ((char *) d->instance + row->offset) = row->def_text;
      else
        put_number ((char *) d->instance + row->offset, row->size, row->def);
    }
  while ((property = va_arg (args, const char *)) != NULL)
    set_property (d, property);
  if (type->realize (d->instance, d, &mock_error) == 0)
    {
      g_assert_cmpuint (mock_error.code, ==, 0);
      d->realized = TRUE;
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
  for (i = 0; i < d->n_regions; i++)
    {
      g_free ((char *) d->region[i]->name);
      g_free (d->region[i]->memory);
      g_free (d->region[i]);
    }
  g_ptr_array_set_size (mock.timers, 0);
  g_ptr_array_free (d->lines, TRUE);
  mock.serial.client = NULL;
  g_free (d->instance);
  g_free (d->id);
  g_free (d);
}

void
mock_reset (struct gwt_device *d, uint32_t kind)
{
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
  return mock_line (d, name, index)->level;
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
        g_assert_true (row->def >= row->min && row->def <= row->max);
      if (row->count)
        g_assert_cmpuint (find_row (type, row->count)->role, ==, GWT_PROP);
    }
  for (i = 0; i < type->instance_size; i++)
    if (!seen[i])
      g_error ("%s: byte %" G_GUINT64_FORMAT " of the struct is in no row", type->name, i);
  g_free (seen);
}
