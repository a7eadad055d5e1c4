/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The section "timer": where the guest's clock stood.  What devices' timers are set to is in their
 * own sections, as times of this clock.
 */
#include "config.h"
#include "core/cpu/clock.h"
#include "core/cpu/icount.h"
#include "core/migration/internal.h"

/* A guest that is a hundred years old; more would overflow in those who add to it. */
#define CLOCK_MAX INT64_C (3155760000000000000)

static struct clocks
{
  int64_t ticks; /* QEMU's cycle counter; ours is a hart's own: written, not used */
  int64_t virtual_ns;
  int64_t icount_bias, icount; /* where instructions are counted: see icount.h */
  int16_t icount_shift;
  uint8_t counts;
} clocks;

static struct gwt_entry *entry;

static int
pre_save (void *self, struct gwt_error *err)
{
  struct clocks *c = self;

  c->virtual_ns = (int64_t) gwt_clock_now (GWT_CLOCK_VIRTUAL);
  c->ticks = c->virtual_ns;
  c->counts = gwt_icount_on ();
  c->icount = (int64_t) gwt_icount ();
  c->icount_shift = (int16_t) gwt_icount_shift ();
  c->icount_bias = (int64_t) ((uint64_t) c->virtual_ns - (gwt_icount () << gwt_icount_shift ()));
  return 0;
}

static uint32_t
icount_needed (const void *self)
{
  return gwt_icount_on ();
}

static int
pre_load (void *self, struct gwt_error *err)
{
  struct clocks *c = self;

  c->counts = 0;
  c->icount = c->icount_bias = 0;
  c->icount_shift = (int16_t) gwt_icount_shift ();
  return 0;
}

static int
icount_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct clocks *c = self;
  int64_t now;

  c->counts = 1;
  if (!gwt_icount_on ())
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "this guest counts its instructions; take it over with -icount shift=%d",
                     c->icount_shift);
      return -1;
    }
  if (c->icount_shift != (int16_t) gwt_icount_shift ())
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "this guest's instructions take 1 << %d ns and those here 1 << %u; take it "
                     "over with -icount shift=%d",
                     c->icount_shift, gwt_icount_shift (), c->icount_shift);
      return -1;
    }
  if (c->icount > CLOCK_MAX >> c->icount_shift
      || __builtin_add_overflow (c->icount_bias, c->icount << c->icount_shift, &now) || now < 0
      || now > CLOCK_MAX)
    {
      gwt_error_set (err, GWT_E_INVALID, "instructions and what is added to them make no time");
      return -1;
    }
  /* Where it was saved by others, the time of their host is here. */
  c->virtual_ns = now;
  return 0;
}

static void
loaded (void *self, uint32_t version)
{
  const struct clocks *c = self;

  gwt_clock_virtual_set ((uint64_t) c->virtual_ns);
  gwt_icount_set ((uint64_t) c->icount);
}

/* QEMU sends the last one where it adapts it; it is read there in any case. */
static const struct gwt_vm_field shift_fields[] = {
  GWT_VM_VALUE_NAMED (struct clocks, icount_shift, "icount_time_shift", .min = 0,
                      .max = GWT_ICOUNT_SHIFT_MAX),
};
static const struct gwt_vmstate shift_schema = GWT_VMSTATE (
    struct clocks, "timer/icount/shift", 1, 1, shift_fields, .needed = icount_needed);
static const struct gwt_vmstate *const icount_subsections[] = { &shift_schema, NULL };
static const struct gwt_vm_field icount_fields[] = {
  GWT_VM_VALUE_NAMED (struct clocks, icount_bias, "qemu_icount_bias"),
  GWT_VM_VALUE_NAMED (struct clocks, icount, "qemu_icount", .min = 0, .max = CLOCK_MAX),
};
static const struct gwt_vmstate icount_schema = GWT_VMSTATE (
    struct clocks, "timer/icount", 1, 1, icount_fields, .subsections = icount_subsections,
    .needed = icount_needed, .post_load = icount_post_load);
static const struct gwt_vmstate *const subsections[] = { &icount_schema, NULL };
static const struct gwt_vm_field fields[] = {
  GWT_VM_VALUE_NAMED (struct clocks, ticks, "cpu_ticks_offset"),
  GWT_VM_NOTHING (8),
  GWT_VM_VALUE_NAMED (struct clocks, virtual_ns, "cpu_clock_offset", .min = 0, .max = CLOCK_MAX),
};
static const struct gwt_vmstate schema
    = GWT_VMSTATE (struct clocks, "timer", 2, 2, fields, .subsections = subsections,
                   .pre_save = pre_save, .pre_load = pre_load, .loaded = loaded);

bool
gwt_migration_add_clocks (struct gwt_error *err)
{
  const struct gwt_schema *judged = gwt_schema_of (&schema, err);

  entry = judged != NULL ? gwt_entry_add (NULL, judged, &clocks, NULL, 0, err) : NULL;
  return entry != NULL;
}

void
gwt_migration_remove_clocks (void)
{
  gwt_entry_remove (g_steal_pointer (&entry));
}
