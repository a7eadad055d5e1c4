/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The section "timer": where the guest's clock stood.  What devices' timers are set to is in their
 * own sections, as times of this clock.
 */
#include "config.h"
#include "core/cpu/clock.h"
#include "core/migration/internal.h"

/* A guest that is a hundred years old; more would overflow in those who add to it. */
#define CLOCK_MAX INT64_C (3155760000000000000)

static struct clocks
{
  int64_t ticks; /* QEMU's cycle counter; ours is a hart's own: written, not used */
  int64_t virtual_ns;
} clocks;

static struct gwt_entry *entry;

static int
pre_save (void *self, struct gwt_error *err)
{
  struct clocks *c = self;

  c->virtual_ns = (int64_t) gwt_clock_now (GWT_CLOCK_VIRTUAL);
  c->ticks = c->virtual_ns;
  return 0;
}

static void
loaded (void *self, uint32_t version)
{
  gwt_clock_virtual_set ((uint64_t) ((struct clocks *) self)->virtual_ns);
}

static const struct gwt_vm_field fields[] = {
  GWT_VM_VALUE_NAMED (struct clocks, ticks, "cpu_ticks_offset"),
  GWT_VM_NOTHING (8),
  GWT_VM_VALUE_NAMED (struct clocks, virtual_ns, "cpu_clock_offset", .min = 0, .max = CLOCK_MAX),
};
static const struct gwt_vmstate schema
    = GWT_VMSTATE (struct clocks, "timer", 2, 2, fields, .pre_save = pre_save, .loaded = loaded);

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
