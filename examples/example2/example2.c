/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A count-down timer: properties with bounds, an interrupt line, a timer of the virtual clock, and
 * methods that monitor and scripts can call.
 *
 * Copy this file and rename "example2".  It saves enough to go on elsewhere: the time of expiry is
 * a row and in the schema, and what the host owns (line and timer) is declared as such with the
 * reason why it need not be saved.
 *
 *   make && godwit -plugin ./example2.so -M virt -device example2,id=t,frequency=1000 ...
 *   {"execute": "device-call", "arguments": {"device": "t", "method": "expirations"}}
 */
#include <godwit/godwit.h>

#define VERSION "1.0"

/* Registers, as offsets in the window; all have 32 bits. */
#define REG_LOAD 0x0    /* write: count down from here */
#define REG_COUNT 0x4   /* read: ticks that are left */
#define REG_CONTROL 0x8 /* bit 0: raise the line when done */
#define REG_STATUS 0xc  /* bit 0: done; write 1 to clear */
#define WINDOW 0x1000

#define NS_PER_S UINT64_C (1000000000)

struct example2
{
  struct gwt_irq *irq;
  struct gwt_timer *timer;
  uint64_t expiry; /* virtual time in ns, GWT_TIMER_OFF: not counting */
  uint64_t expirations;
  uint32_t frequency;
  uint32_t load, control, status;
};

static const struct gwt_field fields[] = {
  GWT_HOST_ROW (struct example2, irq, "made in realize; its level follows status and control"),
  GWT_HOST_ROW (struct example2, timer, "made in realize; armed again from expiry"),
  GWT_STATE_ROW (struct example2, expiry, "expiry",
                 .doc = "virtual time at which the count is 0, ns"),
  GWT_STATE_ROW (struct example2, expirations, "expirations", .doc = "how often it has run down"),
  GWT_PROP_ROW (struct example2, frequency, "frequency", .def = 1000000, .min = 1,
                .max = 1000000000, .doc = "ticks per second"),
  GWT_REG_ROW (struct example2, load, "load", REG_LOAD, .wmask = 0xffffffff, .doc = "start value"),
  GWT_REG_ROW (struct example2, control, "control", REG_CONTROL, .wmask = 1,
               .doc = "bit 0: interrupt enable"),
  GWT_REG_ROW (struct example2, status, "status", REG_STATUS, .max = 1,
               .doc = "bit 0: done, write 1 to clear"),
};

static const struct gwt_host *host;
static const struct gwt_memory_api *memory;
static const struct gwt_irq_api *irqs;
static const struct gwt_clock_api *clocks;

/* Lines are levels: say what the level is now, whenever something it depends on has changed. */
static void
update_line (struct example2 *e)
{
  irqs->set (e->irq, e->status & e->control & 1);
}

static const struct gwt_vm_field saved[] = {
  GWT_VM_VALUE_EQUAL (struct example2, frequency), /* ticks of another length would be others */
  GWT_VM_VALUE (struct example2, load),
  GWT_VM_VALUE (struct example2, control, .max = 1),
  GWT_VM_VALUE (struct example2, status, .max = 1),
  GWT_VM_VALUE (struct example2, expiry),
  GWT_VM_VALUE (struct example2, expirations),
};

/* The state is there; what follows from it is made of it. */
static void
example2_loaded (void *self, uint32_t version)
{
  struct example2 *e = self;

  (void)version;
  clocks->timer_set (e->timer, e->expiry);
  update_line (e);
}

static const struct gwt_vmstate state
    = GWT_VMSTATE (struct example2, "example2", 1, 1, saved, .loaded = example2_loaded);
static const struct gwt_vmstate *const states[] = { &state, NULL };

static void
run_down (struct example2 *e)
{
  e->expiry = GWT_TIMER_OFF;
  e->expirations++;
  e->status |= 1;
  update_line (e);
}

/* [main] under this device's lock, as for every callback. */
static void
example2_fire (void *self)
{
  run_down (self);
}

static uint32_t
ticks_left (const struct example2 *e)
{
  uint64_t now = clocks->now (GWT_CLOCK_VIRTUAL);
  uint64_t ns = e->expiry != GWT_TIMER_OFF && e->expiry > now ? e->expiry - now : 0;

  /* Split, since ns * frequency does not fit into 64 bits. */
  return (uint32_t)(ns / NS_PER_S * e->frequency + ns % NS_PER_S * e->frequency / NS_PER_S);
}

static void
start_counting (struct example2 *e, uint32_t ticks)
{
  uint64_t ns = ticks / e->frequency * NS_PER_S
                + (uint64_t)(ticks % e->frequency) * NS_PER_S / e->frequency;

  e->load = ticks;
  e->expiry = clocks->now (GWT_CLOCK_VIRTUAL) + ns;
  clocks->timer_set (e->timer, e->expiry);
}

static uint32_t
example2_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct example2 *e = self;

  (void)size;
  switch (offset)
    {
    case REG_LOAD:
      *value = e->load;
      break;
    case REG_COUNT:
      *value = ticks_left (e);
      break;
    case REG_CONTROL:
      *value = e->control;
      break;
    case REG_STATUS:
      *value = e->status;
      break;
    default:
      break; /* reads as zero: guests probe */
    }
  return GWT_ACCESS_OK;
}

static uint32_t
example2_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct example2 *e = self;

  (void)size;
  switch (offset)
    {
    case REG_LOAD:
      start_counting (e, (uint32_t)value);
      break;
    case REG_CONTROL:
      e->control = value & 1;
      update_line (e);
      break;
    case REG_STATUS:
      e->status &= ~(uint32_t)value;
      update_line (e);
      break;
    default:
      host->log (GWT_LOG_GUEST, "example2: write to nothing at 0x%x", (unsigned)offset);
    }
  return GWT_ACCESS_OK;
}

static const struct gwt_mmio_ops example2_ops = {
  .struct_size = sizeof example2_ops,
  .min_size = 4,
  .max_size = 4,
  .read = example2_read,
  .write = example2_write,
};

static int
example2_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct example2 *e = self;

  e->expiry = GWT_TIMER_OFF;
  e->timer = clocks->timer_new (device, GWT_CLOCK_VIRTUAL, example2_fire, e, err);
  if (e->timer == NULL)
    return -1;
  /* Boards wire outputs by name; on virt the first "irq" of a -device gets a line by itself. */
  if (irqs->outputs (device, "irq", 1, &e->irq, err) != 0)
    return -1;
  return memory->mmio (device, "example2", WINDOW, &example2_ops, err) != NULL ? 0 : -1;
}

static void
example2_reset (void *self, uint32_t kind)
{
  struct example2 *e = self;

  (void)kind;
  e->load = 0;
  e->control = 0;
  e->status = 0;
  e->expirations = 0;
  e->expiry = GWT_TIMER_OFF;
  clocks->timer_set (e->timer, GWT_TIMER_OFF);
  update_line (e);
}

/* Methods are called on the main thread with the device's lock; a set error is what the caller
 * gets. */
static uint64_t
method_expirations (void *self, struct gwt_error *err)
{
  struct example2 *e = self;

  (void)err;
  return e->expirations;
}

static void
method_start (void *self, uint32_t ticks, struct gwt_error *err)
{
  if (ticks == 0)
    host->error_set (err, GWT_E_RANGE, "0 ticks are out of range; use 1 to 4294967295");
  else
    start_counting (self, ticks);
}

static uint8_t
method_is_counting (void *self, struct gwt_error *err)
{
  struct example2 *e = self;

  (void)err;
  return e->expiry != GWT_TIMER_OFF;
}

static const struct gwt_method methods[] = {
  { "u64 expirations()", "how often it has run down since the last reset",
    (gwt_method_fn)method_expirations },
  { "void start(u32 ticks)", "count down from TICKS, as the guest does with LOAD",
    (gwt_method_fn)method_start },
  { "bool is_counting()", "whether the count is above 0", (gwt_method_fn)method_is_counting },
};

static const struct gwt_device_type example2_type = {
  .struct_size = sizeof example2_type,
  .name = "example2",
  .doc = "count-down timer with interrupt",
  .flags = GWT_TYPE_USER,
  .instance_size = sizeof (struct example2),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .states = states,
  .methods = methods,
  .method_size = sizeof methods[0],
  .n_methods = GWT_COUNT (methods),
  .realize = example2_realize,
  .reset = example2_reset,
};

static int
example2_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void)err;
  memory = h->extension (GWT_MEMORY_EXT);
  irqs = h->extension (GWT_IRQ_EXT);
  clocks = h->extension (GWT_CLOCK_EXT);
  return 0;
}

static const char *const required[] = { GWT_MEMORY_EXT, GWT_IRQ_EXT, GWT_CLOCK_EXT, NULL };
static const struct gwt_device_type *const types[] = { &example2_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = 0,
  .id = "example2",
  .version = VERSION,
  .doc = "example: count-down timer",
  .required = required,
  .types = types,
  .start = example2_start,
};

GWT_PLUGIN_DEFINE ("example2", VERSION, "example2", plugin, host)
