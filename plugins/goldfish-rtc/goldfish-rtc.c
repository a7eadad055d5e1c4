/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Goldfish RTC: nanoseconds since 1970 in two 32-bit halves, and one alarm.
 *
 * The time is the host's wall clock plus an offset, which the guest moves by setting the time.  The
 * offset alone is state, so the clock goes on by itself while a guest stands still or travels.
 */
#include <godwit/godwit.h>

#define WINDOW 0x1000

#define REG_TIME_LOW 0x00  /* R: low half, latches the high half; W: sets it */
#define REG_TIME_HIGH 0x04 /* R: the latched half; W: sets it */
#define REG_ALARM_LOW 0x08 /* W: low half, arms the alarm */
#define REG_ALARM_HIGH 0x0c
#define REG_IRQ_ENABLED 0x10
#define REG_CLEAR_ALARM 0x14
#define REG_ALARM_STATUS 0x18 /* R: 1 while armed */
#define REG_CLEAR_INTERRUPT 0x1c

static const struct gwt_host *host;
static const struct gwt_memory_api *memory;
static const struct gwt_irq_api *irq;
static const struct gwt_clock_api *clocks;
static const struct gwt_fdt_api *fdt_api;

struct goldfish_rtc
{
  uint64_t tick_offset; /* ns, modulo 2^64: guest time - host's wall clock */
  uint64_t alarm_next;  /* guest time */
  uint32_t alarm_running;
  uint32_t irq_pending;
  uint32_t irq_enabled;
  uint32_t time_high;

  struct gwt_timer *timer;
  struct gwt_irq *line;
  uint8_t warned;
  uint8_t pad[7];
};

static const struct gwt_field fields[] = {
  GWT_STATE_ROW (struct goldfish_rtc, tick_offset, "tick-offset",
                 .doc = "guest time minus the host's wall clock, ns"),
  GWT_STATE_ROW (struct goldfish_rtc, alarm_next, "alarm-next",
                 .doc = "guest time of the alarm, ns"),
  GWT_STATE_ROW (struct goldfish_rtc, alarm_running, "alarm-running", .max = 1,
                 .doc = "the alarm is armed"),
  GWT_STATE_ROW (struct goldfish_rtc, irq_pending, "irq-pending", .max = 1,
                 .doc = "the alarm has gone off"),
  GWT_REG_ROW (struct goldfish_rtc, irq_enabled, "irq-enabled", REG_IRQ_ENABLED, .max = 1,
               .wmask = 1, .doc = "the alarm interrupts"),
  GWT_STATE_ROW (struct goldfish_rtc, time_high, "time-high",
                 .doc = "high half latched by the last read of the low half"),
  GWT_HOST_ROW (struct goldfish_rtc, timer, "follows from alarm-next and alarm-running"),
  GWT_HOST_ROW (struct goldfish_rtc, line, "handle of the host"),
  GWT_HOST_ROW (struct goldfish_rtc, warned, "whether the log has a line about the guest already"),
  GWT_HOST_ROW (struct goldfish_rtc, pad, "padding"),
};

static uint64_t
rtc_now (const struct goldfish_rtc *r)
{
  return clocks->now (GWT_CLOCK_HOST) + r->tick_offset;
}

static void
rtc_update (struct goldfish_rtc *r)
{
  irq->set (r->line, r->irq_pending & r->irq_enabled);
}

/* After any change of the time or the alarm: due alarms go off, the timer waits for others. */
static void
rtc_schedule (struct goldfish_rtc *r)
{
  if (r->alarm_running && r->alarm_next <= rtc_now (r))
    {
      r->alarm_running = 0;
      r->irq_pending = 1;
      rtc_update (r);
    }
  if (!r->alarm_running)
    {
      clocks->timer_set (r->timer, GWT_TIMER_OFF);
      return;
    }
  /* alarm_next is ahead of guest time; beyond the host's clock's range it never comes. */
  uint64_t now = clocks->now (GWT_CLOCK_HOST), ahead = r->alarm_next - (now + r->tick_offset);
  clocks->timer_set (r->timer, ahead < GWT_TIMER_OFF - now ? now + ahead : GWT_TIMER_OFF);
}

static void
rtc_alarm (void *self)
{
  rtc_schedule (self);
}

static void
rtc_set_time (struct goldfish_rtc *r, uint64_t mask, uint64_t value)
{
  uint64_t now = rtc_now (r);

  r->tick_offset += ((now & ~mask) | value) - now;
}

static void
warn_once (struct goldfish_rtc *r, const char *what, uint64_t offset)
{
  if (r->warned)
    return;
  r->warned = 1;
  host->log (GWT_LOG_GUEST, "goldfish-rtc: a %s register at 0x%llx", what,
             (unsigned long long) offset);
}

static uint32_t
rtc_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct goldfish_rtc *r = self;

  (void) size;
  switch (offset)
    {
    case REG_TIME_LOW:
      *value = rtc_now (r);
      r->time_high = (uint32_t) (*value >> 32);
      *value &= 0xffffffff;
      break;
    case REG_TIME_HIGH:
      *value = r->time_high;
      break;
    case REG_ALARM_LOW:
      *value = r->alarm_next & 0xffffffff;
      break;
    case REG_ALARM_HIGH:
      *value = r->alarm_next >> 32;
      break;
    case REG_IRQ_ENABLED:
      *value = r->irq_enabled;
      break;
    case REG_ALARM_STATUS:
      *value = r->alarm_running;
      break;
    default:
      warn_once (r, "read of no", offset);
      break;
    }
  return GWT_ACCESS_OK;
}

static uint32_t
rtc_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct goldfish_rtc *r = self;

  (void) size;
  switch (offset)
    {
    case REG_TIME_LOW:
      rtc_set_time (r, 0xffffffff, value);
      rtc_schedule (r);
      break;
    case REG_TIME_HIGH:
      /* Drivers write the high halves first: between the two, the time may be seconds off and must
         not set the alarm off. */
      rtc_set_time (r, 0xffffffff00000000, value << 32);
      break;
    case REG_ALARM_LOW:
      r->alarm_next = (r->alarm_next & 0xffffffff00000000) | value;
      r->alarm_running = 1;
      rtc_schedule (r);
      break;
    case REG_ALARM_HIGH:
      r->alarm_next = (r->alarm_next & 0xffffffff) | value << 32;
      break;
    case REG_IRQ_ENABLED:
      r->irq_enabled = value & 1;
      rtc_update (r);
      break;
    case REG_CLEAR_ALARM:
      r->alarm_running = 0;
      rtc_schedule (r);
      break;
    case REG_CLEAR_INTERRUPT:
      r->irq_pending = 0;
      rtc_update (r);
      break;
    default:
      warn_once (r, "write to no", offset);
      break;
    }
  return GWT_ACCESS_OK;
}

static const struct gwt_mmio_ops rtc_ops = {
  .struct_size = sizeof rtc_ops,
  .min_size = 4,
  .max_size = 4,
  .read = rtc_read,
  .write = rtc_write,
};

static int
rtc_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct goldfish_rtc *r = self;

  r->timer = clocks->timer_new (device, GWT_CLOCK_HOST, rtc_alarm, r, err);
  if (r->timer == NULL || irq->outputs (device, "irq", 1, &r->line, err) < 0
      || memory->mmio (device, "goldfish-rtc", WINDOW, &rtc_ops, err) == NULL)
    return -1;
  return 0;
}

static void
rtc_reset (void *self, uint32_t kind)
{
  struct goldfish_rtc *r = self;

  /* The clock has a battery: a time that the guest has set outlives its reset. */
  if (kind == GWT_RESET_COLD)
    r->tick_offset = 0;
  r->alarm_next = 0;
  r->alarm_running = 0;
  r->irq_pending = 0;
  r->irq_enabled = 0;
  r->time_high = 0;
  rtc_schedule (r);
  rtc_update (r);
}

/* ---- state on the wire ----------------------------------------------------------------------- */

/* Versions 1 and 2 have the offset from the virtual clock instead, which a guest that travels takes
   along while the wall clock goes on; version 3 has both, and the second one counts. */
struct virtual_offset
{
  struct goldfish_rtc *parent;
  uint64_t tick_offset;
};

static uint64_t
wall_minus_virtual (void)
{
  return clocks->now (GWT_CLOCK_HOST) - clocks->now (GWT_CLOCK_VIRTUAL);
}

static int
virtual_offset_pre_save (void *self, struct gwt_error *err)
{
  struct virtual_offset *v = self;

  (void) err;
  v->tick_offset = v->parent->tick_offset + wall_minus_virtual ();
  return 0;
}

static int
virtual_offset_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct virtual_offset *v = self;

  (void) version;
  (void) err;
  v->parent->tick_offset = v->tick_offset - wall_minus_virtual ();
  return 0;
}

static const struct gwt_vm_field virtual_offset_fields[]
    = { GWT_VM_VALUE_NAMED (struct virtual_offset, tick_offset, "tick_offset_vmstate") };
static const struct gwt_vmstate virtual_offset
    = GWT_VMSTATE (struct virtual_offset, "goldfish_rtc_offset", 1, 1, virtual_offset_fields,
                   .pre_save = virtual_offset_pre_save, .post_load = virtual_offset_post_load);

static void
rtc_loaded (void *self, uint32_t version)
{
  (void) version;
  rtc_schedule (self);
  rtc_update (self);
}

static const struct gwt_vm_field state_fields[] = {
  GWT_VM_AS (struct goldfish_rtc, struct virtual_offset, &virtual_offset),
  GWT_VM_VALUE (struct goldfish_rtc, alarm_next),
  GWT_VM_VALUE (struct goldfish_rtc, alarm_running, .max = 1),
  GWT_VM_VALUE (struct goldfish_rtc, irq_pending, .max = 1),
  GWT_VM_VALUE (struct goldfish_rtc, irq_enabled, .max = 1),
  GWT_VM_VALUE (struct goldfish_rtc, time_high, .version = 2),
  GWT_VM_VALUE (struct goldfish_rtc, tick_offset, .version = 3),
};
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct goldfish_rtc, "goldfish_rtc", 3, 1, state_fields, .loaded = rtc_loaded);
static const struct gwt_vmstate *const states[] = { &state, NULL };

static int
rtc_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err)
{
  (void) self;
  (void) err;
  fdt_api->string (fdt, "compatible", "google,goldfish-rtc");
  return 0;
}

static const struct gwt_device_type rtc_type = {
  .struct_size = sizeof rtc_type,
  .name = "goldfish-rtc",
  .doc = "real-time clock with an alarm",
  .instance_size = sizeof (struct goldfish_rtc),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .fdt_name = "rtc",
  .realize = rtc_realize,
  .reset = rtc_reset,
  .describe = rtc_describe,
  .states = states,
};

static int
rtc_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void) err;
  memory = h->extension (GWT_MEMORY_EXT);
  irq = h->extension (GWT_IRQ_EXT);
  clocks = h->extension (GWT_CLOCK_EXT);
  fdt_api = h->extension (GWT_FDT_EXT);
  return 0;
}

static const char *const required[]
    = { GWT_MEMORY_EXT, GWT_IRQ_EXT, GWT_CLOCK_EXT, GWT_FDT_EXT, NULL };
static const struct gwt_device_type *const types[] = { &rtc_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "goldfish-rtc",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "Goldfish real-time clock",
  .required = required,
  .types = types,
  .start = rtc_start,
};

GWT_PLUGIN_DEFINE ("goldfish-rtc", GODWIT_PLUGIN_VERSION, "goldfish-rtc", plugin, host)
