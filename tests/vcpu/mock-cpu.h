/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CPU for tests of core/cpu: its "instructions" are calls of a C function.  Included once by each
 * test program; it must not know what they test.
 */
#ifndef TESTS_VCPU_MOCK_CPU_H
#define TESTS_VCPU_MOCK_CPU_H

#include <glib.h>
#include <godwit/run.h>
#include <stdatomic.h>
#include <string.h>
#include "core/cpu/clock.h"
#include "core/cpu/run.h"
#include "core/device/device.h"
#include "core/device/lock.h"
#include "core/memory/memory.h"
#include "core/util/extension.h"

struct cpu
{
  struct gwt_device *device;
  struct gwt_cpu_run *run;
  /* One instruction; 0 to go on, else why run () returns. */
  uint32_t (*step) (struct cpu *cpu);
  atomic_uint pending; /* has_work */
  atomic_ullong steps;
  atomic_uint map_changes, dirty_changes, resets;
  uint64_t number;
  void *data;
};

static const struct gwt_vcpu_api *vcpu_api;
static const struct gwt_memory_api *memory_api;
static const struct gwt_clock_api *clock_api;
static const struct gwt_run_api *run_api;

static void
cpu_attach (void *self, struct gwt_cpu_run *run)
{
  ((struct cpu *) self)->run = run;
}

static uint32_t
cpu_run (void *self)
{
  struct cpu *cpu = self;

  while (!__atomic_load_n (&cpu->run->exit_request, __ATOMIC_SEQ_CST))
    {
      uint32_t reason = cpu->step ? cpu->step (cpu) : GWT_EXIT_HALTED;

      __atomic_store_n (&cpu->run->executed, cpu->run->executed + 1, __ATOMIC_RELAXED);
      atomic_fetch_add (&cpu->steps, 1);
      if (reason)
        return reason;
    }
  return GWT_EXIT_KICKED;
}

static uint32_t
cpu_has_work (void *self)
{
  return atomic_load (&((struct cpu *) self)->pending) != 0;
}

static void
cpu_memory_changed (void *self, uint32_t change)
{
  struct cpu *cpu = self;

  if (change == GWT_CHANGE_MAP)
    atomic_fetch_add (&cpu->map_changes, 1);
  else
    atomic_fetch_add (&cpu->dirty_changes, 1);
}

static const struct gwt_cpu_ops cpu_ops = {
  .struct_size = sizeof (cpu_ops),
  .attach = cpu_attach,
  .run = cpu_run,
  .has_work = cpu_has_work,
  .memory_changed = cpu_memory_changed,
};

static const struct gwt_interface cpu_interfaces[] = { { GWT_CPU_INTERFACE, &cpu_ops } };

static int
cpu_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  ((struct cpu *) self)->device = device;
  return 0;
}

static void
cpu_reset (void *self, uint32_t kind)
{
  atomic_fetch_add (&((struct cpu *) self)->resets, 1);
}

static const struct gwt_field cpu_fields[] = {
  { .name = "",
    .doc = "test",
    .role = GWT_HOST,
    .kind = GWT_OPAQUE,
    .size = sizeof (struct cpu),
    .elems = 1 },
};

static const struct gwt_device_type cpu_type = {
  .struct_size = sizeof (cpu_type),
  .name = "mock-cpu",
  .doc = "A CPU of this test",
  .instance_size = sizeof (struct cpu),
  .fields = cpu_fields,
  .field_size = sizeof (cpu_fields[0]),
  .n_fields = 1,
  .interfaces = cpu_interfaces,
  .interface_size = sizeof (cpu_interfaces[0]),
  .n_interfaces = 1,
  .realize = cpu_realize,
  .reset = cpu_reset,
};

/* A device whose thread model and callbacks a test chooses. */
struct dev
{
  struct gwt_device *device;
  uint32_t (*on_write) (struct dev *dev, uint64_t offset, uint64_t value);
  void (*on_timer) (struct dev *dev);
  atomic_ullong value;
  struct gwt_region *other;
  void *data;
};

static int
dev_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  ((struct dev *) self)->device = device;
  return 0;
}

static const struct gwt_field dev_fields[] = {
  { .name = "",
    .doc = "test",
    .role = GWT_HOST,
    .kind = GWT_OPAQUE,
    .size = sizeof (struct dev),
    .elems = 1 },
};

#define DEV_TYPE(NAME, THREADS)                                                                    \
  {                                                                                                \
    .struct_size = sizeof (struct gwt_device_type), .name = NAME, .doc = "A device of this test",  \
    .threads = THREADS, .instance_size = sizeof (struct dev), .fields = dev_fields,                \
    .field_size = sizeof (dev_fields[0]), .n_fields = 1, .realize = dev_realize                    \
  }

static const struct gwt_device_type dev_machine = DEV_TYPE ("dev-machine", GWT_THREADS_MACHINE);
static const struct gwt_device_type dev_own = DEV_TYPE ("dev-own", GWT_THREADS_DEVICE);
static const struct gwt_device_type dev_parallel = DEV_TYPE ("dev-parallel", GWT_THREADS_PARALLEL);

static uint32_t
dev_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  *value = atomic_load (&((struct dev *) self)->value);
  return GWT_ACCESS_OK;
}

static uint32_t
dev_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct dev *dev = self;

  return dev->on_write ? dev->on_write (dev, offset, value) : GWT_ACCESS_OK;
}

static const struct gwt_mmio_ops dev_ops = { sizeof (dev_ops), 1, 8, 0, dev_read, dev_write };

static void *
make (const char *type, const char *id)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = gwt_device_new (gwt_type_find (type), id, &err);

  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_true (gwt_device_realize (device, &err));
  return device->instance;
}

static G_GNUC_UNUSED struct cpu *
make_cpu (uint32_t (*step) (struct cpu *cpu))
{
  GWT_AUTO_ERROR (err);
  struct cpu *cpu = make ("mock-cpu", NULL);

  cpu->step = step;
  cpu->number = gwt_vcpu_count ();
  g_assert_true (gwt_vcpu_new (cpu->device, &err));
  return cpu;
}

static G_GNUC_UNUSED struct dev *
make_dev (const char *type, uint64_t address)
{
  GWT_AUTO_ERROR (err);
  struct dev *dev = make (type, NULL);
  struct gwt_region *region = memory_api->mmio (dev->device, "regs", 0x1000, &dev_ops, &err);

  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_true (gwt_memory_map (region, address, 0, &err));
  return dev;
}

static gboolean
too_long (gpointer data)
{
  g_error ("waited 60 s for something that did not come");
  return G_SOURCE_REMOVE;
}

static gboolean
look_again (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* Let the main loop run until COND, which other threads may make true. */
#define PUMP(cond)                                                                                 \
  G_STMT_START                                                                                     \
  {                                                                                                \
    guint tag_ = g_timeout_add_seconds (60, too_long, NULL),                                       \
          look_ = g_timeout_add (1, look_again, NULL);                                             \
    while (!(cond))                                                                                \
      g_main_context_iteration (NULL, TRUE);                                                       \
    g_source_remove (tag_);                                                                        \
    g_source_remove (look_);                                                                       \
  }                                                                                                \
  G_STMT_END

static void
set_up (void)
{
  GWT_AUTO_ERROR (err);

  gwt_run_init ();
  gwt_memory_register_extensions ();
  vcpu_api = gwt_extension_find (GWT_VCPU_EXT);
  memory_api = gwt_extension_find (GWT_MEMORY_EXT);
  clock_api = gwt_extension_find (GWT_CLOCK_EXT);
  run_api = gwt_extension_find (GWT_RUN_EXT);
  g_assert_true (vcpu_api && memory_api && clock_api && run_api);
  g_assert_true (gwt_type_register (&cpu_type, "test", "1", &err));
  g_assert_true (gwt_type_register (&dev_machine, "test", "1", &err));
  g_assert_true (gwt_type_register (&dev_own, "test", "1", &err));
  g_assert_true (gwt_type_register (&dev_parallel, "test", "1", &err));
}

static void
clean (void)
{
  if (gwt_runstate () == GWT_RUNSTATE_RUNNING)
    gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  gwt_device_destroy_all ();
  gwt_memory_destroy_all ();
}

#endif
