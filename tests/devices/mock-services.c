/* SPDX-License-Identifier: BSD-2-Clause */
/* The extensions that the mock host offers, and the machine behind them; see mock-host.h.  So many
   lines, because they share that machine, which nobody else is to reach. */
#include "mock-host.h"

#include <string.h>

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
  guint i;

  for (i = 0; i < mock.devices->len; i++)
    if (strcmp (device_id (g_ptr_array_index (mock.devices, i)), id) == 0)
      return g_ptr_array_index (mock.devices, i);
  return NULL;
}

static void *
device_part (struct gwt_device *d, const char *type)
{
  if (strcmp (d->type->name, type) == 0)
    return d->instance;
  return d->parent && strcmp (d->parent->name, type) == 0 ? d->part : NULL;
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
  guint i;

  if (strcmp (id, GWT_RISCV_HART_INTERFACE) == 0)
    return n < mock.harts_made ? &mock.hart[n] : NULL;
  for (i = 0; i < mock.devices->len; i++)
    {
      struct gwt_device *d = g_ptr_array_index (mock.devices, i);

      if (interface_of (d, id) != NULL && n-- == 0)
        return d;
    }
  return NULL;
}

static void *
interface_instance (struct gwt_device *d, const char *id)
{
  return interface_of (d, id) ? d->instance : NULL;
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
  .part = device_part,
  .interface_instance = interface_instance,
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

static int
hart_set_imsic (void *self, uint32_t line, const struct gwt_riscv_imsic *imsic,
                struct gwt_error *err)
{
  const struct gwt_riscv_imsic **at = &((struct mock_hart *) self)->imsic[line & 15];

  if (imsic && *at)
    {
      mock_set_error (err, GWT_E_EXISTS, "the hart has an IMSIC already");
      return -1;
    }
  *at = imsic;
  return 0;
}

static const struct gwt_riscv_hart_ops hart_ops = {
  .struct_size = sizeof hart_ops,
  .hart_id = hart_id,
  .set_time = hart_set_time,
  .time_changed = hart_time_changed,
  .set_imsic = hart_set_imsic,
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

void *
mock_memory (uint64_t address, uint64_t size)
{
  if (address >= MOCK_RAM_BASE && address - MOCK_RAM_BASE < MOCK_RAM_SIZE)
    return size <= MOCK_RAM_SIZE - (address - MOCK_RAM_BASE) ? mock.ram + (address - MOCK_RAM_BASE)
                                                             : NULL;
  if (address >= MOCK_RAM2_BASE && address - MOCK_RAM2_BASE < MOCK_RAM2_SIZE)
    return size <= MOCK_RAM2_SIZE - (address - MOCK_RAM2_BASE)
               ? mock.ram2 + (address - MOCK_RAM2_BASE)
               : NULL;
  return NULL;
}

static void *
memory_dma_map (struct gwt_device *d, uint64_t address, uint64_t *size, uint32_t to_write)
{
  uint64_t base = MOCK_RAM_BASE, room = MOCK_RAM_SIZE;
  uint8_t *host = mock.ram;

  mock.last_dma = d->type->name;
  if (address >= MOCK_ROM_BASE && address - MOCK_ROM_BASE < MOCK_ROM_SIZE && !to_write)
    {
      base = MOCK_ROM_BASE;
      room = MOCK_ROM_SIZE;
    }
  else if (address >= MOCK_RAM2_BASE)
    {
      base = MOCK_RAM2_BASE;
      room = MOCK_RAM2_SIZE;
      host = mock.ram2;
    }
  if (*size == 0 || address < base || address - base >= room)
    {
      *size = 0;
      return NULL;
    }
  *size = MIN (*size, room - (address - base));
  __atomic_add_fetch (&mock.dma_maps, 1, __ATOMIC_SEQ_CST);
  return host + (address - base);
}

static void
memory_dma_unmap (struct gwt_device *d, uint64_t address, uint64_t size, uint64_t written)
{
  (void) d;
  (void) address;
  g_assert_cmpuint (written, <=, size);
  g_assert_cmpuint (__atomic_fetch_sub (&mock.dma_maps, 1, __ATOMIC_SEQ_CST), >, 0);
  __atomic_add_fetch (&mock.dma_dirty, written, __ATOMIC_SEQ_CST);
}

static uint32_t
memory_message (struct gwt_device *device, uint64_t address, uint32_t data)
{
  struct mock_message message = { address, data };

  (void) device;
  if (address & 3)
    return GWT_ACCESS_ERROR;
  if (mock.on_message)
    return mock.on_message (address, data);
  g_array_append_val (mock.messages, message);
  return GWT_ACCESS_OK;
}

static void
memory_dma_written (struct gwt_device *d, uint64_t address, uint64_t offset, uint64_t size)
{
  (void) d;
  g_assert_cmpuint (mock.dma_maps, >, 0);
  g_assert_nonnull (mock_memory (address + offset, size));
  __atomic_add_fetch (&mock.dma_dirty, size, __ATOMIC_SEQ_CST);
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
  .dma_map = memory_dma_map,
  .dma_unmap = memory_dma_unmap,
  .dma_written = memory_dma_written,
  .message = memory_message,
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

  (void) err;
  t->device = d;
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
      mock_set_error (err, GWT_E_BUSY, "taken; use another");
      return -1;
    }
  c->client = client;
  c->device = d;
  c->open = 1;
  if (c->connected && GWT_HAS (client, event))
    client->event (d->instance, GWT_CHARDEV_OPENED);
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

static void
chardev_set_open (struct gwt_chardev *c, uint32_t open)
{
  c->open = open;
}

static void
chardev_size (struct gwt_chardev *c, uint16_t *columns, uint16_t *rows)
{
  *columns = c->columns;
  *rows = c->rows;
}

static const struct gwt_chardev_api chardev_api = {
  .struct_size = sizeof chardev_api,
  .attach = chardev_attach,
  .write = chardev_write,
  .accept_input = chardev_accept_input,
  .set_line = chardev_set_line,
  .set_open = chardev_set_open,
  .size = chardev_size,
};

uint64_t
mock_type_at (struct gwt_chardev *c, const void *data, uint64_t size)
{
  const struct gwt_chardev_client *client = c->client;
  void *self = c->device->instance;
  uint64_t room = client->can_receive (self);

  size = MIN (size, room);
  if (size)
    client->receive (self, data, size);
  return size;
}

uint64_t
mock_type (const void *data, uint64_t size)
{
  return mock_type_at (&mock.serial, data, size);
}

char *
mock_sent_at (struct gwt_chardev *c)
{
  char *text;

  g_byte_array_append (c->output, (const guint8 *) "", 1);
  text = g_strdup ((const char *) c->output->data);

  g_byte_array_set_size (c->output, 0);
  return text;
}

char *
mock_sent (void)
{
  return mock_sent_at (&mock.serial);
}

/* ---- gwt.event/1 ----------------------------------------------------------------------------- */

static void
event_emit (struct gwt_device *d, const char *name, const char *data, uint64_t flags)
{
  (void) flags;
  g_string_append_printf (mock.events, "%s %s %s\n", d->id, name, data ? data : "");
}

static const struct gwt_event_api event_api
    = { .struct_size = sizeof event_api, .emit = event_emit };

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

/* ---- all of them ---------------------------------------------------------------------------- */

const void *(*mock_more) (const char *id);

/* State is what tests/migration are for. */
static const struct gwt_vmstate_api vmstate_api = { .struct_size = sizeof vmstate_api };

const void *
mock_extension (const char *id)
{
  static const struct
  {
    const char *id;
    const void *table;
  } all[] = {
    { GWT_DEVICE_EXT, &device_api }, { GWT_MEMORY_EXT, &memory_api },   { GWT_IRQ_EXT, &irq_api },
    { GWT_CLOCK_EXT, &clock_api },   { GWT_CHARDEV_EXT, &chardev_api }, { GWT_RUN_EXT, &run_api },
    { GWT_FDT_EXT, &fdt_api },       { GWT_EVENT_EXT, &event_api },
    { GWT_VMSTATE_EXT, &vmstate_api },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (all); i++)
    if (strcmp (all[i].id, id) == 0)
      return all[i].table;
  if (mock_more && mock_more (id))
    return mock_more (id);
  if (strcmp (id, GWT_BLOCK_EXT) == 0)
    return mock.block_api;
  return mock_offer (id);
}

void
mock_new_machine (uint32_t cpus)
{
  uint32_t i;

  if (mock.timers)
    {
      g_ptr_array_free (mock.timers, TRUE);
      g_byte_array_free (mock.serial.output, TRUE);
      g_byte_array_free (mock.second.output, TRUE);
      g_string_free (mock.fdt, TRUE);
      g_string_free (mock.events, TRUE);
      g_free (mock.ram);
      g_free (mock.ram2);
      g_ptr_array_free (mock.devices, TRUE);
      g_array_free (mock.messages, TRUE);
    }
  memset (&mock, 0, sizeof mock);
  memset (&mock_error, 0, sizeof mock_error);
  g_assert_cmpuint (cpus, <=, MOCK_MAX_HARTS);
  mock.cpus = mock.harts_made = cpus;
  mock.timers = g_ptr_array_new_with_free_func (g_free);
  mock.serial.output = g_byte_array_new ();
  mock.second.output = g_byte_array_new ();
  mock.serial.room = mock.second.room = G_MAXUINT64;
  mock.fdt = g_string_new (NULL);
  mock.events = g_string_new (NULL);
  mock.ram = g_malloc0 (MOCK_RAM_SIZE);
  mock.ram2 = g_malloc0 (MOCK_RAM2_SIZE);
  mock.devices = g_ptr_array_new ();
  mock.messages = g_array_new (FALSE, FALSE, sizeof (struct mock_message));
  for (i = 0; i < cpus; i++)
    {
      mock.hart[i].type = &hart_type;
      mock.hart[i].instance = &mock.hart_state[i];
      mock.hart_state[i].id = i;
    }
}
