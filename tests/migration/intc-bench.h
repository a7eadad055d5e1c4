/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines of two harts, a timer and interrupt controllers, made of the core and the built plugins
 * without a board: with a PLIC; with an APLIC and lines; with an APLIC and IMSICs.  For the tests
 * of their state and its fuzz target.  Must not know what a test expects.
 */
#ifndef TESTS_MIGRATION_INTC_BENCH_H
#define TESTS_MIGRATION_INTC_BENCH_H

#include "config.h"
#include <godwit/cpu.h>
#include <godwit/riscv.h>
#include "core/cpu/run.h"
#include "core/device/irq.h"
#include "core/machine/fdt-tree.h"
#include "core/memory/memory.h"
#include "core/plugin/loader.h"
#include "core/util/extension.h"

#define CLINT UINT64_C (0x2000000)
#define MSIP(hart) (CLINT + 4 * (hart))
#define MTIMECMP(hart) (CLINT + 0x4000 + 8 * (hart))
#define MTIME (CLINT + 0xbff8)
#define PLIC UINT64_C (0xc000000)
#define PRIORITY(id) (PLIC + 4 * (id))
#define ENABLE(context) (PLIC + 0x2000 + 0x80 * (context))
#define THRESHOLD(context) (PLIC + 0x200000 + 0x1000 * (context))
#define CLAIM(context) (THRESHOLD (context) + 4)
#define IMSIC_M UINT64_C (0x24000000)
#define IMSIC_S UINT64_C (0x28000000)
#define APLIC_M UINT64_C (0xc000000)
#define APLIC_S UINT64_C (0xd000000)
#define HARTS 2
#define TICK 100 /* ns */

/* CSRs, as gwt.cpu/1 numbers them. */
enum
{
  MENVCFG = 65 + 0x30a,
  MIP = 65 + 0x344,
  STIMECMP = 65 + 0x14d,
  MISELECT = 65 + 0x350,
  MIREG = 65 + 0x351,
  MTOPEI = 65 + 0x35c
};

/* ---- a machine ------------------------------------------------------------------------------- */

/* A device that only drives lines. */
struct wires
{
  struct gwt_irq *line[8];
};

static const struct gwt_field wires_fields[] = { GWT_HOST_ROW (struct wires, line, "handles") };

static int
wires_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  return gwt_irq_ext.outputs (device, "out", 8, ((struct wires *) self)->line, err);
}

static const struct gwt_device_type wires_type = {
  .struct_size = sizeof (wires_type),
  .name = "wires",
  .doc = "for tests",
  .instance_size = sizeof (struct wires),
  .fields = wires_fields,
  .field_size = sizeof (struct gwt_field),
  .n_fields = GWT_COUNT (wires_fields),
  .realize = wires_realize,
};

static struct gwt_device *cpu[HARTS], *wires;

static inline struct gwt_device *
make (const char *type, const char *id, ...)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *file
      = g_strdup_printf ("%s/plugins/%s.so",
                         g_getenv ("abs_top_builddir") ? g_getenv ("abs_top_builddir") : ".", type);
  struct gwt_device *device;
  const char *name;
  va_list args;

  if (gwt_type_find (type) == NULL)
    gwt_loader_load_file (file, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  device = gwt_device_new (gwt_type_find (type), id, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  va_start (args, id);
  while ((name = va_arg (args, const char *)) != NULL)
    gwt_device_set (device, name, va_arg (args, const char *), GWT_SOURCE_BOARD, NULL, &err);
  va_end (args);
  g_assert_cmpstr (err.text, ==, NULL);
  gwt_device_realize (device, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  return device;
}

static inline void
map (struct gwt_device *device, uint64_t address)
{
  GWT_AUTO_ERROR (err);

  gwt_memory_map (gwt_memory_device_region (device, 0), address, 0, &err);
  g_assert_cmpstr (err.text, ==, NULL);
}

static inline void
wire (struct gwt_device *from, const char *name, uint32_t index, struct gwt_device *to,
      uint32_t line)
{
  GWT_AUTO_ERROR (err);

  gwt_irq_connect (from, name, index, to, "irq", line, &err);
  g_assert_cmpstr (err.text, ==, NULL);
}

static inline void
make_common (const char *aia)
{
  struct gwt_device *clint;

  gwt_device_set_cpu_count (HARTS);
  for (guint i = 0; i < HARTS; i++)
    cpu[i] = make ("rv64-cpu", i == 0 ? "cpu0" : "cpu1", "hart-id", i == 0 ? "0" : "1", "smaia",
                   aia, "ssaia", aia, NULL);
  clint = make ("aclint", "clint", NULL);
  map (clint, CLINT);
  for (guint i = 0; i < HARTS; i++)
    {
      wire (clint, "msip", i, cpu[i], GWT_RISCV_MSIP);
      wire (clint, "mtip", i, cpu[i], GWT_RISCV_MTIP);
    }
  wires = make ("wires", "wires", NULL);
}

static inline void
make_plic (void)
{
  struct gwt_device *plic;

  make_common ("off");
  plic = make ("sifive-plic", "plic", "num-sources", "95", NULL);
  map (plic, PLIC);
  for (guint i = 0; i < HARTS; i++)
    {
      wire (plic, "m-ext", i, cpu[i], GWT_RISCV_MEIP);
      wire (plic, "s-ext", i, cpu[i], GWT_RISCV_SEIP);
    }
  for (guint i = 1; i < 8; i++)
    wire (wires, "out", i, plic, i * 10);
  gwt_device_reset_all (GWT_RESET_COLD);
}

static inline void
make_domains (const char *messages)
{
  struct gwt_device *m
      = make ("riscv-aplic", "aplic-m", "mmode", "on", "msimode", messages, NULL);
  struct gwt_device *s
      = make ("riscv-aplic", "aplic-s", "parent", "aplic-m", "msimode", messages, NULL);

  map (m, APLIC_M);
  map (s, APLIC_S);
  for (guint i = 0; i < HARTS && strcmp (messages, "off") == 0; i++)
    {
      wire (m, "ext", i, cpu[i], GWT_RISCV_MEIP);
      wire (s, "ext", i, cpu[i], GWT_RISCV_SEIP);
    }
  for (guint i = 1; i < 8; i++)
    wire (wires, "out", i, m, i * 10);
  gwt_device_reset_all (GWT_RESET_COLD);
}

static inline void
make_lines (void)
{
  make_common ("off");
  make_domains ("off");
}

static inline void
make_messages (void)
{
  struct gwt_device *m, *s;

  make_common ("on");
  m = make ("riscv-imsic", "imsic-m", "mmode", "on", NULL);
  s = make ("riscv-imsic", "imsic-s", "num-ids", "127", NULL);
  map (m, IMSIC_M);
  map (s, IMSIC_S);
  for (guint i = 0; i < HARTS; i++)
    {
      wire (m, "ext", i, cpu[i], GWT_RISCV_MEIP);
      wire (s, "ext", i, cpu[i], GWT_RISCV_SEIP);
    }
  make_domains ("on");
}

static inline void
finish (void)
{
  gwt_device_destroy_all ();
  gwt_memory_destroy_all ();
}

/* Once. */
static inline void
bench_init (void)
{
  GWT_AUTO_ERROR (err);

  gwt_device_register_extensions ();
  gwt_memory_register_extensions ();
  gwt_extension_add (GWT_FDT_EXT, &gwt_fdt_ext, "host", &err);
  gwt_run_init ();
  gwt_loader_init ();
  gwt_type_register (&wires_type, "tests", "1.0", &err);
  g_assert_cmpstr (err.text, ==, NULL);
}

/* ---- using it -------------------------------------------------------------------------------- */

static inline uint64_t
get (uint64_t address, uint32_t size)
{
  uint64_t value;

  g_assert_cmpuint (gwt_memory_load (address, size, &value), ==, GWT_ACCESS_OK);
  return value;
}

static inline void
set (uint64_t address, uint32_t size, uint64_t value)
{
  g_assert_cmpuint (gwt_memory_store (address, size, value), ==, GWT_ACCESS_OK);
}

static inline uint64_t
get_csr (guint hart, uint32_t number)
{
  const struct gwt_cpu_ops *ops = gwt_device_interface (cpu[hart], GWT_CPU_INTERFACE);
  uint64_t value = 0;

  g_assert_cmpint (ops->reg_get (cpu[hart]->instance, number, &value), ==, 0);
  return value;
}

static inline void
set_csr (guint hart, uint32_t number, uint64_t value)
{
  const struct gwt_cpu_ops *ops = gwt_device_interface (cpu[hart], GWT_CPU_INTERFACE);

  g_assert_cmpint (ops->reg_set (cpu[hart]->instance, number, value), ==, 0);
}

static inline void
set_wire (guint line, uint32_t level)
{
  gwt_irq_ext.set (((struct wires *) wires->instance)->line[line], level);
}

#endif
