/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QMP's query-pci: what is on the PCI buses, read from configuration space with QEMU's members.
 * Must not know how a bus finds its functions: whoever offers "gwt.pci-host/1" does.
 */
#include "config.h"
#include "core/monitor/devices.h"

#include <string.h>

#include <godwit/pci.h>

#include "core/device/device.h"

#define BARS 6
#define DEPTH_MAX 64 /* bridges in a row; the guest has 256 bus numbers, but it hands them out */

/* Registers of configuration space. */
#define VENDOR 0x00
#define DEVICE 0x02
#define CLASS 0x0a
#define HEADER 0x0e
#define HEADER_KIND 0x7f
#define PRIMARY 0x18
#define SECONDARY 0x19
#define SUBORDINATE 0x1a
#define SUBSYSTEM_VENDOR 0x2c
#define SUBSYSTEM 0x2e
#define INTERRUPT_LINE 0x3c
#define INTERRUPT_PIN 0x3d

struct walk
{
  const struct gwt_pci_host *table;
  void *self;
};

static const struct
{
  uint32_t class;
  const char *name;
} classes[] = {
  { 0x0100, "SCSI controller" },   { 0x0106, "SATA controller" },
  { 0x0108, "NVMe controller" },   { 0x0180, "Storage controller" },
  { 0x0200, "Ethernet controller" }, { 0x0280, "Network controller" },
  { 0x0300, "VGA controller" },    { 0x0380, "Display controller" },
  { 0x0403, "Audio controller" },  { 0x0500, "RAM controller" },
  { 0x0600, "Host bridge" },       { 0x0601, "ISA bridge" },
  { 0x0604, "PCI bridge" },        { 0x0700, "Serial port" },
  { 0x0780, "Communication controller" }, { 0x0c03, "USB controller" },
};

static void
add_int (struct json_object *object, const char *name, uint64_t value)
{
  json_object_object_add (object, name, json_object_new_int64 ((int64_t) value));
}

static uint32_t
get (const struct walk *w, struct gwt_device *function, uint32_t offset, uint32_t size)
{
  return w->table->config_read (w->self, function, offset, size);
}

/* ---- one function ---------------------------------------------------------------------------- */

static struct json_object *
class_info (uint32_t class)
{
  struct json_object *info = json_object_new_object ();
  add_int (info, "class", class);
  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    if (classes[i].class == class)
      json_object_object_add (info, "desc", json_object_new_string (classes[i].name));
  return info;
}

static struct json_object *
identity (const struct walk *w, struct gwt_device *function, bool is_bridge)
{
  struct json_object *id = json_object_new_object ();
  add_int (id, "vendor", get (w, function, VENDOR, 2));
  add_int (id, "device", get (w, function, DEVICE, 2));
  if (!is_bridge)
    {
      add_int (id, "subsystem-vendor", get (w, function, SUBSYSTEM_VENDOR, 2));
      add_int (id, "subsystem", get (w, function, SUBSYSTEM, 2));
    }
  return id;
}

static struct json_object *
regions (const struct walk *w, struct gwt_device *function)
{
  struct json_object *list = json_object_new_array ();
  for (uint32_t i = 0; i < BARS; i++)
    {
      struct gwt_pci_bar_info bar = { .struct_size = sizeof bar };
      w->table->bar (w->self, function, i, &bar);
      if (bar.size == 0)
        continue;
      struct json_object *region = json_object_new_object ();
      bool io = (bar.flags & GWT_PCI_BAR_IO) != 0;
      add_int (region, "bar", i);
      json_object_object_add (region, "type", json_object_new_string (io ? "io" : "memory"));
      /* Where it is nowhere this is -1, as clients know it. */
      add_int (region, "address", bar.address);
      add_int (region, "size", bar.size);
      if (!io)
        {
          json_object_object_add (
              region, "prefetch",
              json_object_new_boolean ((bar.flags & GWT_PCI_BAR_PREFETCH) != 0));
          json_object_object_add (region, "mem_type_64",
                                  json_object_new_boolean ((bar.flags & GWT_PCI_BAR_64) != 0));
        }
      json_object_array_add (list, region);
    }
  return list;
}

/* ---- bridges --------------------------------------------------------------------------------- */

static struct json_object *devices_of (const struct walk *w, struct gwt_device *bridge,
                                       uint32_t number, unsigned depth);

static struct json_object *
range (uint64_t base, uint64_t limit)
{
  struct json_object *object = json_object_new_object ();
  add_int (object, "base", base);
  add_int (object, "limit", limit);
  return object;
}

static struct json_object *
io_range (const struct walk *w, struct gwt_device *bridge)
{
  uint32_t base = get (w, bridge, 0x1c, 1), limit = get (w, bridge, 0x1d, 1);
  bool wide = (base & 0x0f) == 1;
  return range ((base & 0xf0) << 8 | (wide ? get (w, bridge, 0x30, 2) << 16 : 0),
                (limit & 0xf0) << 8 | (wide ? get (w, bridge, 0x32, 2) << 16 : 0) | 0xfff);
}

/* Base and limit at AT; the upper halves, of a window that has them, at HIGH and 4 behind it. */
static struct json_object *
memory_range (const struct walk *w, struct gwt_device *bridge, uint32_t at, uint32_t high)
{
  uint32_t base = get (w, bridge, at, 2), limit = get (w, bridge, at + 2, 2);
  bool wide = high != 0 && (base & 0x000f) == 1;
  return range ((uint64_t) (base & 0xfff0) << 16
                    | (wide ? (uint64_t) get (w, bridge, high, 4) << 32 : 0),
                (uint64_t) (limit & 0xfff0) << 16
                    | (wide ? (uint64_t) get (w, bridge, high + 4, 4) << 32 : 0) | 0xfffff);
}

static struct json_object *
describe_bridge (const struct walk *w, struct gwt_device *bridge, unsigned depth)
{
  struct json_object *object = json_object_new_object (), *bus = json_object_new_object ();
  uint32_t secondary = get (w, bridge, SECONDARY, 1);
  add_int (bus, "number", get (w, bridge, PRIMARY, 1));
  add_int (bus, "secondary", secondary);
  add_int (bus, "subordinate", get (w, bridge, SUBORDINATE, 1));
  json_object_object_add (bus, "io_range", io_range (w, bridge));
  json_object_object_add (bus, "memory_range", memory_range (w, bridge, 0x20, 0));
  json_object_object_add (bus, "prefetchable_range", memory_range (w, bridge, 0x24, 0x28));
  json_object_object_add (object, "bus", bus);
  /* Without a bus number nobody gets there, so there is nothing to tell. */
  if (secondary != 0 && depth < DEPTH_MAX)
    json_object_object_add (object, "devices", devices_of (w, bridge, secondary, depth + 1));
  return object;
}

static struct json_object *
describe (const struct walk *w, struct gwt_device *function, uint32_t number, uint32_t devfn,
          unsigned depth)
{
  struct json_object *object = json_object_new_object ();
  bool is_bridge = (get (w, function, HEADER, 1) & HEADER_KIND) == 1;
  uint32_t pin = get (w, function, INTERRUPT_PIN, 1);
  add_int (object, "bus", number);
  add_int (object, "slot", devfn >> 3);
  add_int (object, "function", devfn & 7);
  json_object_object_add (object, "class_info", class_info (get (w, function, CLASS, 2)));
  json_object_object_add (object, "id", identity (w, function, is_bridge));
  json_object_object_add (object, "qdev_id", json_object_new_string (function->id));
  add_int (object, "irq_pin", pin);
  if (pin != 0)
    add_int (object, "irq", get (w, function, INTERRUPT_LINE, 1));
  json_object_object_add (object, "regions", regions (w, function));
  if (is_bridge)
    json_object_object_add (object, "pci_bridge", describe_bridge (w, function, depth));
  return object;
}

static struct json_object *
devices_of (const struct walk *w, struct gwt_device *bridge, uint32_t number, unsigned depth)
{
  struct json_object *list = json_object_new_array ();
  struct gwt_device *function = NULL;
  uint32_t devfn = 0;
  while ((function = w->table->next (w->self, bridge, function, &devfn)) != NULL)
    json_object_array_add (list, describe (w, function, number, devfn, depth));
  return list;
}

struct json_object *
gwt_qmp_query_pci (struct json_object *args, struct gwt_error *err)
{
  struct json_object *list = json_object_new_array ();
  struct gwt_device *host;
  for (guint i = 0;
       (host = gwt_device_nth_with_interface (GWT_PCI_HOST_INTERFACE, i)) != NULL; i++)
    {
      struct walk w = { gwt_device_interface (host, GWT_PCI_HOST_INTERFACE),
                        gwt_device_interface_part (host, GWT_PCI_HOST_INTERFACE)->instance };
      struct json_object *bus = json_object_new_object ();
      add_int (bus, "bus", 0);
      json_object_object_add (bus, "devices", devices_of (&w, NULL, 0, 0));
      json_object_array_add (list, bus);
    }
  return list;
}
