/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tree of PCI functions: its sections to the name and to the byte, in hostile hands, and carried
 * to a second tree, which then decodes, interrupts and reports errors as the first one did.
 */
#include "tests/pcie/pcie-bench.h"
#include "core/backend/block.h"
#include "core/backend/chardev.h"
#include "core/backend/netdev.h"
#include "core/cpu/run.h"
#include "core/migration/devices.h"
#include "tests/migration/rows.h"
#include "tests/vmstate/hostile.h"

/* ---- what a guest does ----------------------------------------------------------------------- */

static uint64_t
config_at (unsigned bus, unsigned slot, unsigned offset)
{
  return ECAM + (bus << 20 | slot << 15 | offset);
}

static uint64_t
get (uint64_t at, uint32_t size)
{
  uint64_t value = 0;

  g_assert_cmpuint (gwt_memory_load (at, size, &value), ==, GWT_ACCESS_OK);
  return value;
}

static void
put (uint64_t at, uint32_t size, uint64_t value)
{
  g_assert_cmpuint (gwt_memory_store (at, size, value), ==, GWT_ACCESS_OK);
}

static unsigned
capability (unsigned bus, unsigned slot, unsigned id)
{
  unsigned at = (unsigned) get (config_at (bus, slot, 0x34), 1);

  while (at != 0 && get (config_at (bus, slot, at), 1) != id)
    at = (unsigned) get (config_at (bus, slot, at + 1), 1);
  g_assert_cmpuint (at, !=, 0);
  return at;
}

static void
tell (const char *id, const char *method, const char *args)
{
  GWT_AUTO_ERROR (err);
  json_object *result = NULL, *list = json_tokener_parse (args);

  gwt_device_call (gwt_device_find (id), method, list, &result, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  json_object_put (result);
  json_object_put (list);
}

/* ---- the tree -------------------------------------------------------------------------------- */

#define NEAR 3 /* slots on the root bus */
#define EMPTY 2
#define FAR 3 /* bus */
#define AER 0x100
#define MESSAGES (RAM + 0x100)

static void
build (void)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1,chassis=1");
  bench_must ("x3130-upstream,id=up,bus=rp");
  bench_must ("xio3130-downstream,id=dn,bus=up,chassis=2");
  bench_must ("pci-probe,id=far,bus=dn");
  bench_must ("pcie-root-port,id=empty,addr=2,chassis=3");
  bench_must ("pci-probe,id=near,addr=3,express=off,aer=off,vectors=0,msi=4,msi-mask=on");
}

static void
open_bridge (unsigned bus, unsigned slot, unsigned numbers)
{
  put (config_at (bus, slot, 0x18), 4, numbers);
  put (config_at (bus, slot, 0x20), 4, 0x41004100); /* memory 41000000 to 410fffff */
  put (config_at (bus, slot, 0x24), 4, 0x00100000); /* prefetchable 4_00000000 to 4_001fffff */
  put (config_at (bus, slot, 0x28), 4, 4);
  put (config_at (bus, slot, 0x2c), 4, 4);
  put (config_at (bus, slot, 0x3e), 2, 2);
  put (config_at (bus, slot, 4), 2, 0x106);
}

#define BYTES UINT64_C (0x41000000)
#define TABLE UINT64_C (0x41001000)
#define WIDE UINT64_C (0x400010000)

/* A guest that is in the middle of everything. */
static void
set_up (void)
{
  unsigned msi, msix;

  open_bridge (0, 1, 0x030100);
  open_bridge (1, 0, 0x030201);
  open_bridge (2, 0, 0x030302);
  put (config_at (FAR, 0, 0x14), 4, BYTES);
  put (config_at (FAR, 0, 0x18), 4, (uint32_t) WIDE);
  put (config_at (FAR, 0, 0x1c), 4, WIDE >> 32);
  put (config_at (FAR, 0, 0x20), 4, TABLE);
  put (config_at (FAR, 0, 4), 2, 0x106);
  put (BYTES + 4, 4, 0x12345678);
  for (unsigned i = 0; i < 4; i++)
    {
      put (TABLE + 16 * i, 8, MESSAGES + 4 * i);
      put (TABLE + 16 * i + 8, 4, 0xa0 + i);
    }
  msix = capability (FAR, 0, 0x11);
  put (config_at (FAR, 0, msix + 2), 2, 0x8000);
  put (TABLE + 12, 4, 0);
  tell ("far", "notify", "[2]"); /* masked: it waits */
  /* Three errors; the guest wants to see all, and the second and third wait for the first. */
  put (config_at (FAR, 0, AER + 0x18), 4, 0x400);
  put (config_at (FAR, 0, capability (FAR, 0, 0x10) + 8), 2, 7);
  put (config_at (0, 1, AER + 0x2c), 4, 2);
  tell ("far", "aer_inject", "[4096, false, 1, 2, 3, 4]");
  tell ("far", "aer_inject", "[16384, false, 5, 6, 7, 8]");
  tell ("far", "aer_inject", "[1048576, false, 9, 10, 11, 12]");
  /* A port that has told of a command that it has carried out. */
  put (config_at (0, EMPTY, 4), 2, 6);
  put (config_at (0, EMPTY, capability (0, EMPTY, 0x10) + 0x18), 2, 0x07f0);
  g_assert_cmpuint (sink->level[EMPTY], ==, 1);
  /* A conventional function on the root bus that holds its line, and one MSI that waits. */
  put (config_at (0, NEAR, 0x14), 4, WINDOW + 0x3000);
  put (config_at (0, NEAR, 4), 2, 6);
  put (WINDOW + 0x3000, 4, 0xcafe);
  msi = capability (0, NEAR, 5);
  put (config_at (0, NEAR, msi + 4), 4, (uint32_t) MESSAGES + 0x40);
  put (config_at (0, NEAR, msi + 0xc), 2, 0x50);
  put (config_at (0, NEAR, msi + 0x10), 4, 2);
  put (config_at (0, NEAR, msi + 2), 2, 0x21);
  tell ("near", "msi_notify", "[1]");
  tell ("near", "intx", "[1]");
}

/* ---- sections -------------------------------------------------------------------------------- */

struct section
{
  char *name;
  uint32_t instance, version;
  GByteArray *bytes;
  char *description;
};

static void
section_free (gpointer data)
{
  struct section *s = data;

  g_free (s->name);
  g_free (s->description);
  g_byte_array_unref (s->bytes);
  g_free (s);
}

static GPtrArray *
save_all (void)
{
  GWT_AUTO_ERROR (err);
  GPtrArray *all = g_ptr_array_new_with_free_func (section_free);
  guint count;

  g_assert_true (gwt_migration_add_devices (&err));
  g_autofree struct gwt_entry **entries = gwt_entries (&count);
  for (guint i = 0; i < count; i++)
    {
      struct gwt_entry *e = entries[i];
      struct section *s = g_new0 (struct section, 1);

      s->name = g_strdup (e->name);
      s->instance = e->instance;
      s->version = e->version;
      s->bytes = save_of (e->device->type->d.states[strcmp (e->name, "PCIBUS") == 0], e->self,
                          e->device, &s->description);
      g_ptr_array_add (all, s);
    }
  return all;
}

/* NULL or why not. */
static char *
load_section (const struct section *s)
{
  GWT_AUTO_ERROR (err);
  struct gwt_entry *e;

  g_assert_true (gwt_migration_add_devices (&err));
  e = gwt_entry_find (s->name, s->instance);
  g_assert_nonnull (e);
  return load_of (e->device->type->d.states[strcmp (e->name, "PCIBUS") == 0], e->self, e->device,
                  s->version, s->bytes->data, s->bytes->len);
}

static void
load_all (GPtrArray *all, bool backwards)
{
  for (guint i = 0; i < all->len; i++)
    {
      g_autofree char *error = load_section (all->pdata[backwards ? all->len - 1 - i : i]);

      g_assert_cmpstr (error, ==, NULL);
    }
}

static const struct section *
find (GPtrArray *all, const char *name)
{
  for (guint i = 0; i < all->len; i++)
    if (strcmp (((struct section *) all->pdata[i])->name, name) == 0)
      return all->pdata[i];
  g_error ("no section '%s'", name);
}

static void
assert_same (GPtrArray *a, GPtrArray *b)
{
  g_assert_cmpuint (a->len, ==, b->len);
  for (guint i = 0; i < a->len; i++)
    {
      const struct section *x = a->pdata[i], *y = b->pdata[i];

      g_assert_cmpstr (x->name, ==, y->name);
      g_assert_cmpmem (x->bytes->data, x->bytes->len, y->bytes->data, y->bytes->len);
    }
}

/* ---- tests ----------------------------------------------------------------------------------- */

#define PCI_DEVICE_FIELDS(INDEX, SIZE)                                                             \
  "\"struct\": {\"vmsd_name\": \"PCIDevice\", \"version\": 2, \"fields\": [{\"name\": "            \
  "\"version_id\", \"type\": \"int32 le\", \"size\": 4}, {\"name\": \"config[" INDEX              \
  "]\", \"type\": \"pci config\", \"size\": " SIZE                                                 \
  "}, {\"name\": \"irq_state\", \"type\": \"pci irq state\", \"size\": 16}]}"
#define PORT "parent_obj.parent_obj.parent_obj"

/* Names, order, sizes and field names are those of a QEMU with the same devices. */
static void
test_layout (void)
{
  static const struct
  {
    const char *name;
    uint32_t version, size;
  } wanted[] = {
    { "0000:00:01.0/pcie-root-port", 1, 4116 + 4 + 17 },
    { "0000:00:01.0:00.0/xio3130-express-upstream-port", 1, 4116 + 4 },
    { "0000:00:01.0:00.0:00.0/xio3130-express-downstream-port", 1, 4116 + 4 },
    { "0000:00:02.0/pcie-root-port", 1, 4116 + 4 + 17 },
    { "PCIHost", 1, 4 },
    { "PCIBUS", 1, 20 },
    { "0000:00:00.0/gpex_root", 1, 276 },
    { "0000:00:01.0:00.0:00.0:00.0/pci-probe", 1, 4116 + 4 * 16 + 1 + 32 + 4096 },
    { "0000:00:03.0/pci-probe", 1, 276 + 32 + 4096 },
  };
  GPtrArray *all;
  const struct section *s;
  uint8_t config[256];

  build ();
  all = save_all ();
  g_assert_cmpuint (all->len, ==, G_N_ELEMENTS (wanted));
  for (guint i = 0; i < all->len; i++)
    {
      s = all->pdata[i];
      g_assert_cmpstr (s->name, ==, wanted[i].name);
      g_assert_cmpuint (s->version, ==, wanted[i].version);
      g_assert_cmpuint (s->instance, ==, 0);
      g_assert_cmpuint (s->bytes->len, ==, wanted[i].size);
    }
  g_assert_cmpstr (find (all, "0000:00:00.0/gpex_root")->description, ==,
                   "\"vmsd_name\": \"gpex_root\", \"version\": 1, \"fields\": [{\"name\": "
                   "\"parent_obj\", \"type\": \"struct\", " PCI_DEVICE_FIELDS ("0", "256")
                   ", \"size\": 276}]");
  g_assert_cmpstr (
      find (all, "0000:00:01.0/pcie-root-port")->description, ==,
      "\"vmsd_name\": \"pcie-root-port\", \"version\": 1, \"fields\": [{\"name\": \"" PORT
      "\", \"type\": \"struct\", " PCI_DEVICE_FIELDS (
          "1", "4096") ", \"size\": 4116}, {\"name\": \"" PORT
                       ".exp.aer_log\", \"type\": \"struct\", \"struct\": {\"vmsd_name\": "
                       "\"PCIE_AER_ERROR_LOG\", \"version\": 1, \"fields\": [{\"name\": "
                       "\"log_num\", \"type\": \"uint16\", \"size\": 2}, {\"name\": \"log_max\", "
                       "\"type\": \"uint16 equal\", \"size\": 2}]}, \"size\": 4}, {\"name\": "
                       "\"" PORT ".parent_obj\", \"type\": \"struct\", \"struct\": {\"vmsd_name\": "
                       "\"msix\", \"version\": 0, \"fields\": [{\"name\": \"msix\", \"type\": "
                       "\"msix state\", \"size\": 17}]}, \"size\": 17}]");
  g_assert_cmpstr (find (all, "PCIBUS")->description, ==,
                   "\"vmsd_name\": \"PCIBUS\", \"version\": 1, \"fields\": [{\"name\": \"nirq\", "
                   "\"type\": \"int32 equal\", \"size\": 4}, {\"name\": \"irq_count\", "
                   "\"array_len\": 4, \"type\": \"int32\", \"size\": 4}]");
  g_assert_cmpstr (find (all, "PCIHost")->description, ==,
                   "\"vmsd_name\": \"PCIHost\", \"version\": 1, \"fields\": [{\"name\": "
                   "\"config_reg\", \"type\": \"uint32\", \"size\": 4}]");
  /* The root bridge to the byte: version, configuration space as the guest reads it, four pins. */
  s = find (all, "0000:00:00.0/gpex_root");
  for (guint i = 0; i < sizeof config; i++)
    config[i] = (uint8_t) get (config_at (0, 0, i), 1);
  g_assert_cmpmem (s->bytes->data, 4, "\0\0\0\2", 4);
  g_assert_cmpmem (s->bytes->data + 4, 256, config, 256);
  g_assert_cmpmem (s->bytes->data + 260, 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
  /* A root port's end: log empty, of 8; vector 0 masked, nothing pending. */
  s = find (all, "0000:00:01.0/pcie-root-port");
  g_assert_cmpmem (s->bytes->data + 4116, 21, "\0\0\0\10\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0", 21);
  s = find (all, "PCIBUS");
  g_assert_cmpmem (s->bytes->data, 20, "\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  g_ptr_array_unref (all);
  bench_end ();
}

static void
check_behavior (void)
{
  unsigned msi;

  /* Bus numbers and windows lead there, BARs decode. */
  g_assert_cmphex (get (config_at (FAR, 0, 0), 4), ==, 0x0fff1b36);
  g_assert_cmphex (get (BYTES + 4, 4), ==, 0x12345678);
  g_assert_cmphex (get (WIDE + 8, 4), ==, 8);
  g_assert_cmphex (get (WINDOW + 0x3000, 4), ==, 0xcafe);
  /* INTA of two: the device's, and the root port's for the error that it was told of. */
  g_assert_cmpuint (sink->level[NEAR], ==, 1);
  g_assert_cmpuint (sink->level[1], ==, 1);
  g_assert_cmphex (get (config_at (0, NEAR, 6), 2) & 8, ==, 8);
  tell ("near", "intx", "[0]");
  g_assert_cmpuint (sink->level[NEAR], ==, 0);
  put (config_at (0, 1, AER + 0x30), 4, 0x7f);
  g_assert_cmpuint (sink->level[1], ==, 0);
  g_assert_cmpuint (sink->level[EMPTY], ==, 1);
  put (config_at (0, EMPTY, capability (0, EMPTY, 0x10) + 0x1a), 2, 0x10);
  g_assert_cmpuint (sink->level[EMPTY], ==, 0);
  /* No message was sent by the load, and those that wait come when they may. */
  for (guint i = 0; i < 0x60; i += 4)
    g_assert_cmphex (get (MESSAGES + i, 4), ==, 0);
  tell ("far", "notify", "[0]");
  g_assert_cmphex (get (MESSAGES, 4), ==, 0xa0);
  g_assert_cmphex (get (TABLE + 0x800, 8), ==, 4);
  put (TABLE + 2 * 16 + 12, 4, 0);
  g_assert_cmphex (get (MESSAGES + 8, 4), ==, 0xa2);
  tell ("near", "msi_notify", "[0]");
  g_assert_cmphex (get (MESSAGES + 0x40, 4), ==, 0x50);
  msi = capability (0, NEAR, 5);
  g_assert_cmphex (get (config_at (0, NEAR, msi + 0x14), 4), ==, 2);
  put (config_at (0, NEAR, msi + 0x10), 4, 0);
  g_assert_cmphex (get (MESSAGES + 0x40, 4), ==, 0x51);
  /* The first error is shown; cleared, the next one is, with its header. */
  g_assert_cmphex (get (config_at (FAR, 0, AER + 0x1c), 4), ==, 1);
  put (config_at (FAR, 0, AER + 4), 4, 4096);
  g_assert_cmphex (get (config_at (FAR, 0, AER + 0x1c), 4), ==, 5);
  put (config_at (FAR, 0, AER + 4), 4, 16384);
  g_assert_cmphex (get (config_at (FAR, 0, AER + 0x28), 4), ==, 12);
}

static void
test_carried (gconstpointer backwards)
{
  GPtrArray *all, *again;
  const struct section *far;
  guint counts;
  g_autofree char *rows = NULL, *arrived = NULL;

  build ();
  set_up ();
  all = save_all ();
  /* Two errors wait, in a subsection behind the function: behind a port they are in its section. */
  far = find (all, "0000:00:01.0:00.0:00.0:00.0/pci-probe");
  g_assert_cmpuint (far->bytes->len, ==,
                    4116 + (2 + 17 + 4) + 4 + 2 * 40 + 4 * 16 + 1 + 32 + 4096);
  g_assert_cmpmem (far->bytes->data + 4116, 19, "\5\21PCIDevice/aer_log", 19);
  rows = rows_of_all ();
  counts = find (all, "PCIBUS")->bytes->data[4 + 4 * NEAR + 3];
  g_assert_cmpuint (counts, ==, 1);
  bench_end ();
  build ();
  load_all (all, GPOINTER_TO_INT (backwards));
  g_assert_cmphex (get (BYTES + 4, 4), ==, 0x12345678);
  again = save_all ();
  assert_same (all, again);
  g_ptr_array_unref (again);
  arrived = rows_of_all ();
  assert_rows (arrived, rows);
  /* Once more, onto itself: nothing is counted twice. */
  load_all (all, GPOINTER_TO_INT (backwards));
  again = save_all ();
  assert_same (all, again);
  g_ptr_array_unref (again);
  check_behavior ();
  bench_end ();
  /* And the first one, had it stayed. */
  build ();
  set_up ();
  check_behavior ();
  /* A load takes back what is there: nothing decodes, nothing interrupts. */
  g_ptr_array_unref (all);
  bench_end ();
  build ();
  all = save_all ();
  set_up ();
  load_all (all, GPOINTER_TO_INT (backwards));
  again = save_all ();
  assert_same (all, again);
  g_assert_cmphex (get (config_at (FAR, 0, 0), 4), ==, 0xffffffff);
  g_assert_cmphex (get (BYTES + 4, 4), ==, 0xffffffff);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpuint (sink->level[i], ==, 0);
  g_ptr_array_unref (all);
  g_ptr_array_unref (again);
  bench_end ();
}

/* One byte of a section another; REFUSED is the end of what it is refused with. */
static void
assert_refused_with (const struct section *s, guint at, uint8_t value, const char *wanted)
{
  g_autofree char *error = NULL;
  uint8_t old = s->bytes->data[at];

  g_assert_cmpuint (old, !=, value);
  s->bytes->data[at] = value;
  error = load_section (s);
  s->bytes->data[at] = old;
  g_assert_nonnull (error);
  if (strstr (error, wanted) == NULL)
    g_error ("'%s', not '%s'", error, wanted);
}

#define CONFIG 4

static void
test_wrong (void)
{
  GPtrArray *all;
  const struct section *root, *port, *far, *near, *bus;
  unsigned express, slot;

  build ();
  set_up ();
  all = save_all ();
  root = find (all, "0000:00:00.0/gpex_root");
  port = find (all, "0000:00:01.0/pcie-root-port");
  far = find (all, "0000:00:01.0:00.0:00.0:00.0/pci-probe");
  near = find (all, "0000:00:03.0/pci-probe");
  bus = find (all, "PCIBUS");
  assert_refused_with (root, 3, 3, "field 'version_id': 3 is not in the range here, 0 to 2");
  assert_refused_with (root, CONFIG, 0x37,
                       "field 'parent_obj': field 'config[0]': configuration space of 'root', byte "
                       "0x0 (vendor ID): 0x37 comes, 0x36 is here, and the guest can change 0x00 "
                       "of it; make it the same device with the same properties at both ends");
  assert_refused_with (near, CONFIG + 0x14, 0x08,
                       "byte 0x14 (BAR 1): 0x08 comes, 0x00 is here, and the guest can change 0x00 "
                       "of it");
  assert_refused_with (port, CONFIG + 0x3d, 0, "(interrupt pin): 0x00 comes, 0x01 is here");
  express = capability (0, 1, 0x10);
  slot = (unsigned) port->bytes->data[CONFIG + express + 0x14];
  assert_refused_with (port, CONFIG + express + 0x14, (uint8_t) (slot ^ 0x40),
                       "(slot capabilities): ");
  assert_refused_with (port, CONFIG + express + 0x1a, 0,
                       "the slot of port 'rp' was empty, and here 'up' is in it; leave that device "
                       "out");
  assert_refused_with (find (all, "0000:00:02.0/pcie-root-port"), CONFIG + express + 0x1a, 0x40,
                       "the slot of port 'empty' was filled, and here it is empty; start with the "
                       "devices that the guest had");
  assert_refused_with (far, CONFIG + capability (FAR, 0, 0x10) + 9, 0x80, "(device control): ");
  assert_refused_with (far, CONFIG + 0xfff, 1, "(no register): 0x01 comes, 0x00 is here");
  assert_refused_with (root, 263, 2, "field 'irq_state': INTA is 2; it is 0 or 1");
  assert_refused_with (root, 267, 1,
                       "field 'irq_state': INTB is 1; it is a pin that no function here has");
  assert_refused_with (port, 4116 + 1, 9, "field 'log_num': 9 is above 8");
  assert_refused_with (port, 4116 + 3, 9, "field 'log_max': 9 is not what it must be here, 8");
  assert_refused_with (bus, 3, 5, "field 'nirq': 5 is not what it must be here, 4");
  /* None of it has changed anything. */
  check_behavior ();
  g_ptr_array_unref (all);
  bench_end ();
}

/* The guest was asked to let go of a device, is moved, and lets go. */
static void
test_unplug (void)
{
  GWT_AUTO_ERROR (err);
  GPtrArray *all, *again, *idle;
  g_autofree char *gone = NULL, *before = NULL;
  unsigned control;

  build ();
  set_up ();
  idle = save_all ();
  control = capability (2, 0, 0x10) + 0x18;
  put (config_at (2, 0, control), 2, 0x11e9); /* aware of the slot, powered */
  g_assert_true (bench_unplug ("far", &err));
  all = save_all ();
  g_assert_cmpmem (find (all, "0000:00:01.0:00.0:00.0/xio3130-express-downstream-port")->bytes->data
                       + 4116,
                   23, "\5\20PCIDevice/unplug\0\0\0\1\1", 23);
  bench_end ();
  build ();
  load_all (all, false);
  again = save_all ();
  assert_same (all, again);
  g_assert_false (bench_unplug ("far", &err));
  g_assert_nonnull (strstr (err.text, "is already in the process of unplug"));
  /* As it was before it was asked; and after. */
  load_all (idle, false);
  g_ptr_array_unref (again);
  again = save_all ();
  assert_same (idle, again);
  load_all (all, false);
  before = bench_gone ();
  g_assert_cmpstr (before, ==, "");
  put (config_at (2, 0, control), 2, 0x17e9); /* power and indicator off */
  gone = bench_gone ();
  g_assert_cmpstr (gone, ==, "far ");
  g_ptr_array_unref (idle);
  g_ptr_array_unref (all);
  g_ptr_array_unref (again);
  bench_end ();
}

/* More than eight functions: each has its own place, and the chain of them is compared. */
static void
test_ari (void)
{
  GPtrArray *all, *again;
  g_autofree char *error = NULL;

  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1");
  bench_must ("pci-probe,id=a,bus=rp,addr=0.0,multifunction=on,ari=on");
  bench_must ("pci-probe,id=b,bus=rp,addr=0.c8,ari=on");
  all = save_all ();
  find (all, "0000:00:01.0:00.0/pci-probe");
  find (all, "0000:00:01.0:19.0/pci-probe");
  load_all (all, true);
  again = save_all ();
  assert_same (all, again);
  g_ptr_array_unref (again);
  bench_end ();
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1");
  bench_must ("pci-probe,id=a,bus=rp,addr=0.0,multifunction=on,ari=on");
  bench_must ("pci-probe,id=b,bus=rp,addr=0.c9,ari=on");
  error = load_section (find (all, "0000:00:01.0:00.0/pci-probe"));
  g_assert_nonnull (strstr (error, "(next function): 0xc8 comes, 0xc9 is here"));
  g_ptr_array_unref (all);
  bench_end ();
}

static void
test_hostile (void)
{
  GWT_AUTO_ERROR (err);
  guint count;

  build ();
  set_up ();
  g_assert_true (gwt_migration_add_devices (&err));
  g_autofree struct gwt_entry **entries = gwt_entries (&count);
  for (guint i = 0; i < count; i++)
    {
      struct gwt_entry *e = entries[i];
      const struct gwt_vmstate *state
          = e->device->type->d.states[strcmp (e->name, "PCIBUS") == 0];
      /* The counts are counted again. */
      static const gsize counts[] = { 4, 20, 0, 0 };
      GByteArray *bytes = save_of (state, e->self, e->device, NULL);

      check_hostile_moving (state, e->self, e->device, bytes,
                            strcmp (e->name, "PCIBUS") == 0 ? counts : NULL);
      g_byte_array_unref (bytes);
    }
  check_behavior ();
  bench_end ();
}

static void
build_functions (const char *last)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1,chassis=1");
  bench_must (last);
  bench_must ("pci-probe,id=f0,bus=rp,addr=0,ari=on,multifunction=on");
}

/* A device of more than eight functions, reached as before; and one that has others. */
static void
test_functions (void)
{
  const uint64_t high = config_at (1, 0xc8 >> 3, 0);
  GPtrArray *all;

  build_functions ("pci-probe,id=high,bus=rp,addr=0.c8,ari=on");
  put (config_at (0, 1, 0x18), 4, 0x010100);
  put (config_at (0, 1, 0x7c), 2, 0x20); /* forwarding */
  put (high + 0x14, 4, 0x5000);
  put (high + 0x3c, 1, 0x5a);
  all = save_all ();
  (void) find (all, "0000:00:01.0:19.0/pci-probe");
  bench_end ();
  build_functions ("pci-probe,id=high,bus=rp,addr=19.0,ari=on");
  g_assert_cmphex (get (high, 4), ==, 0xffffffff);
  load_all (all, false);
  g_assert_cmphex (get (high + 0x14, 4), ==, 0x5000);
  g_assert_cmphex (get (high + 0x3c, 1), ==, 0x5a);
  bench_end ();
  build_functions ("pci-probe,id=high,bus=rp,addr=0.c9,ari=on");
  g_autofree char *error = load_section (find (all, "0000:00:01.0:00.0/pci-probe"));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error, "configuration space of 'f0', byte 0x14d (next function): 0xc8 "
                                   "comes, 0xc9 is here"));
  g_ptr_array_unref (all);
  bench_end ();
}

/* A device without a schema for what it has from its parent is in the way. */
static void
test_blockers (void)
{
  g_auto (GStrv) reasons = NULL;

  build ();
  reasons = gwt_migration_blockers ();
  g_assert_cmpstr (reasons[0], ==, NULL);
  bench_end ();
}

/* ---- every type that is a PCI function ------------------------------------------------------- */

static GByteArray *
sections_of (struct gwt_device *device)
{
  GByteArray *all = g_byte_array_new ();

  for (guint i = 0; device->type->d.states[i] != NULL; i++)
    {
      GByteArray *bytes = save_of (device->type->d.states[i], device->instance, device, NULL);

      g_byte_array_append (all, bytes->data, bytes->len);
      g_byte_array_unref (bytes);
    }
  return all;
}

/* Does another first byte of the row show in what is saved? */
static bool
shows (struct gwt_device *device, struct gwt_device *part, const struct gwt_field *f)
{
  uint8_t *byte = (uint8_t *) part->instance + f->offset
                  + (strcmp (f->name, "config") == 0 ? 0x3c : 0);
  GByteArray *before = sections_of (device), *after;
  bool same;

  *byte ^= 1;
  after = sections_of (device);
  *byte ^= 1;
  same = before->len == after->len && memcmp (before->data, after->data, after->len) == 0;
  g_byte_array_unref (before);
  g_byte_array_unref (after);
  return !same;
}

/* What a device has from its parents is in its sections, whoever wrote its plugin. */
static void
check_parts (struct gwt_device *device)
{
  g_assert_nonnull (device->type->d.states);
  for (struct gwt_device *part = device->base; part != NULL; part = part->base)
    {
      guint rows = 0, seen = 0;

      for (guint64 i = 0; i < part->type->d.n_fields; i++)
        {
          const struct gwt_field *f = &part->type->fields[i];
          bool is_state = (f->role == GWT_STATE || f->role == GWT_REG) && f->kind != GWT_OPAQUE;

          if (!is_state)
            continue;
          rows++;
          if (shows (device, part, f))
            seen++;
          else if (strcmp (f->name, "config") == 0 || strcmp (f->name, "intx-level") == 0)
            g_error ("'%s' of '%s' is in no section", f->name, device->id);
        }
      if (rows > 0 && seen == 0)
        g_error ("no state of part '%s' is in a section of '%s'", part->type->d.name, device->id);
      g_test_message ("%s: %u of %u rows of %s are sent now", device->type->d.name, seen, rows,
                      part->type->d.name);
    }
}

static void
test_every_type (void)
{
  GWT_AUTO_ERROR (err);
  const char *top = g_getenv ("abs_top_builddir") ? g_getenv ("abs_top_builddir") : ".";
  g_autofree char *folder = g_build_filename (top, "plugins", NULL);
  guint count = 0, slot = 4;

  bench_begin ();
  gwt_run_init ();
  gwt_chardev_register_extensions ();
  gwt_block_register_extensions ();
  gwt_netdev_register_extensions ();
  gwt_loader_add_dir (folder);
  gwt_loader_load_all ();
  g_assert_cmpstr (err.text, ==, NULL);
  gwt_block_add_option ("driver=null-co,node-name=disk,size=1048576", &err);
  g_assert_cmpstr (err.text, ==, NULL);
  g_autofree const struct gwt_type **types = gwt_type_list ();
  for (guint i = 0; types[i] != NULL; i++)
    if (!(types[i]->d.flags & GWT_TYPE_ABSTRACT) && gwt_type_is_a (types[i], "pci-device")
        && !g_str_has_prefix (types[i]->d.name, "x"))
      {
        const char *name = types[i]->d.name;
        g_autofree char *text
            = g_strdup_printf ("%s,addr=%x%s", name, slot++,
                               gwt_type_property (types[i], "drive") != NULL ? ",drive=disk" : "");

        check_parts (bench_must (text));
        count++;
      }
  g_assert_cmpuint (count, >=, 3);
  bench_end ();
  gwt_block_close_all ();
  gwt_run_finish ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/state/pci/layout", test_layout);
  g_test_add_data_func ("/state/pci/carried", GINT_TO_POINTER (0), test_carried);
  g_test_add_data_func ("/state/pci/carried-backwards", GINT_TO_POINTER (1), test_carried);
  g_test_add_func ("/state/pci/wrong", test_wrong);
  g_test_add_func ("/state/pci/unplug", test_unplug);
  g_test_add_func ("/state/pci/functions", test_functions);
  g_test_add_func ("/state/pci/blockers", test_blockers);
  g_test_add_func ("/state/pci/ari", test_ari);
  g_test_add_func ("/state/pci/hostile", test_hostile);
  g_test_add_func ("/state/pci/every-type", test_every_type);
  return g_test_run ();
}
