/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine of a pcie-host, RAM and a sink for interrupt lines, made of the core and the built
 * plugins without a board: for unit tests and the fuzz target.  Must not know what a test expects.
 */
#ifndef TESTS_PCIE_BENCH_H
#define TESTS_PCIE_BENCH_H

#include "config.h"
#include "core/device/device.h"
#include "core/device/irq.h"
#include "core/device/spec.h"
#include "core/machine/fdt-tree.h"
#include "core/memory/memory.h"
#include "core/plugin/loader.h"
#include "core/device/type.h"
#include "core/util/extension.h"

#include <godwit/hotplug.h>
#include <godwit/pci.h>
#include <string.h>

#define ECAM UINT64_C (0x30000000)
#define PORTS UINT64_C (0x3000000)
#define WINDOW UINT64_C (0x40000000)
#define WINDOW64 UINT64_C (0x400000000)
#define RAM UINT64_C (0x80000000)
#define RAM_SIZE UINT64_C (0x100000)

struct sink
{
  uint32_t level[4];
};

static const struct gwt_field sink_fields[] = {
  GWT_HOST_ROW (struct sink, level, "for tests"),
};

static void
sink_input (void *self, uint32_t line, uint32_t level)
{
  ((struct sink *) self)->level[line] = level;
}

static int
sink_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  return gwt_irq_ext.inputs (device, "in", 4, sink_input, err);
}

static const struct gwt_device_type sink_type = {
  .struct_size = sizeof sink_type,
  .name = "irq-sink",
  .doc = "four lines",
  .instance_size = sizeof (struct sink),
  .fields = sink_fields,
  .field_size = sizeof sink_fields[0],
  .n_fields = 1,
  .realize = sink_realize,
};

static struct sink *sink;

static void
bench_fine (struct gwt_error *err)
{
  if (gwt_error_is_set (err))
    g_error ("%s", err->text);
}

/* TEXT as behind -device; NULL with ERR set. */
static struct gwt_device *
bench_add (const char *text, struct gwt_error *err)
{
  struct gwt_spec *spec = gwt_spec_parse (text, err);
  bench_fine (err);
  struct gwt_device *device = gwt_device_new (gwt_type_find (spec->type), spec->id, err);
  bench_fine (err);
  json_object_object_foreach (spec->props, name, value)
  {
    gwt_device_set_json (device, name, value, GWT_SOURCE_DEVICE, "test", err);
    bench_fine (err);
  }
  gwt_spec_free (spec);
  if (gwt_device_realize (device, err))
    return device;
  gwt_device_destroy (device);
  return NULL;
}

/* TEXT as device_add's, without a machine: what core/machine/hotplug.c does. */
static G_GNUC_UNUSED struct gwt_device *
bench_plug (const char *text, struct gwt_error *err)
{
  struct gwt_spec *spec = gwt_spec_parse (text, err);
  bench_fine (err);
  struct gwt_device *device = gwt_device_new (gwt_type_find (spec->type), spec->id, err);
  bench_fine (err);
  device->hotplugged = true;
  json_object_object_foreach (spec->props, name, value)
  {
    gwt_device_set_json (device, name, value, GWT_SOURCE_DEVICE, "test", err);
    bench_fine (err);
  }
  gwt_spec_free (spec);
  const struct gwt_hotplug *hotplug = gwt_device_interface (device, GWT_HOTPLUG_INTERFACE);
  void *self = gwt_device_interface_part (device, GWT_HOTPLUG_INTERFACE)->instance;
  if (hotplug->check (self, err) == 0 && gwt_device_realize (device, err))
    {
      gwt_device_reset (device, GWT_RESET_COLD);
      hotplug->plugged (self);
      return device;
    }
  gwt_device_destroy (device);
  return NULL;
}

/* Destroy what is to go; their ids, in order, with a space behind each. */
static G_GNUC_UNUSED char *
bench_gone (void)
{
  GString *ids = g_string_new (NULL);
  struct gwt_device *device;
  while ((device = gwt_device_next_leaving ()) != NULL)
    {
      g_string_append_printf (ids, "%s ", device->id);
      gwt_device_destroy (device);
    }
  return g_string_free (ids, FALSE);
}

/* device_del, without destroying anything. */
static G_GNUC_UNUSED bool
bench_unplug (const char *id, struct gwt_error *err)
{
  struct gwt_device *device = gwt_device_find (id);
  const struct gwt_hotplug *hotplug = gwt_device_interface (device, GWT_HOTPLUG_INTERFACE);
  return hotplug->unplug_request (
             gwt_device_interface_part (device, GWT_HOTPLUG_INTERFACE)->instance, err)
         == 0;
}

static struct gwt_device *
bench_must (const char *text)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = bench_add (text, &err);
  bench_fine (&err);
  return device;
}

static void
bench_load (void)
{
  static bool done;
  GWT_AUTO_ERROR (err);
  const char *top = g_getenv ("abs_top_builddir") ? g_getenv ("abs_top_builddir") : ".";
  if (done)
    return;
  done = true;
  g_autofree char *pcie = g_build_filename (top, "plugins", "pcie.so", NULL);
  g_autofree char *probe = g_build_filename (top, "tests", "pcie", "pci-probe.so", NULL);
  gwt_device_register_extensions ();
  gwt_memory_register_extensions ();
  gwt_extension_add (GWT_FDT_EXT, &gwt_fdt_ext, "host", &err);
  gwt_type_register (&sink_type, "test", "1", &err);
  bench_fine (&err);
  gwt_loader_init ();
  if (!gwt_loader_load_file (pcie, &err) || !gwt_loader_load_file (probe, &err))
    bench_fine (&err);
}

static void
bench_begin (void)
{
  static const uint64_t at[] = { ECAM, PORTS, WINDOW, WINDOW64 };
  GWT_AUTO_ERROR (err);
  bench_load ();
  gwt_memory_map (gwt_memory_new_ram ("ram", RAM_SIZE, 0, &err), RAM, 0, &err);
  struct gwt_device *lines = bench_must ("irq-sink,id=sink");
  sink = lines->instance;
  struct gwt_device *host = bench_must ("pcie-host,id=pcie0");
  for (guint i = 0; i < G_N_ELEMENTS (at); i++)
    gwt_memory_map (gwt_memory_device_region (host, i), at[i], 0, &err);
  for (guint i = 0; i < 4; i++)
    gwt_irq_connect (host, "intx", i, lines, "in", i, &err);
  bench_fine (&err);
  bench_must ("pcie-host-bridge,id=root,bus=pcie.0,addr=0");
}

static void
bench_end (void)
{
  gwt_device_destroy_all ();
  gwt_memory_destroy_all ();
}

#endif
