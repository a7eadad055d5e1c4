/* SPDX-License-Identifier: BSD-2-Clause */
/* The pcie plugin through the guest's eyes (ECAM, BARs, messages) and a device's (pci-probe.c). */
#include "tests/pcie/pcie-bench.h"

/* ---- what a guest does ---------------------------------------------------------------------- */

static uint64_t
config_at (unsigned bus, unsigned slot, unsigned function, unsigned offset)
{
  return ECAM + (bus << 20 | slot << 15 | function << 12 | offset);
}

static uint64_t
load (uint64_t at, uint32_t size)
{
  uint64_t value = 0;
  g_assert_cmpuint (gwt_memory_load (at, size, &value), ==, GWT_ACCESS_OK);
  return value;
}

static void
store (uint64_t at, uint32_t size, uint64_t value)
{
  g_assert_cmpuint (gwt_memory_store (at, size, value), ==, GWT_ACCESS_OK);
}

/* A function on bus 0. */
static uint32_t
get (unsigned slot, unsigned offset, uint32_t size)
{
  return (uint32_t) load (config_at (0, slot, 0, offset), size);
}

static void
put (unsigned slot, unsigned offset, uint32_t size, uint32_t value)
{
  store (config_at (0, slot, 0, offset), size, value);
}

static unsigned
capability (unsigned bus, unsigned slot, unsigned id)
{
  unsigned at = (unsigned) load (config_at (bus, slot, 0, 0x34), 1);
  for (int i = 0; at != 0 && i < 48; i++)
    {
      if (load (config_at (bus, slot, 0, at), 1) == id)
        return at;
      at = (unsigned) load (config_at (bus, slot, 0, at + 1), 1);
    }
  return 0;
}

/* Bus 1 behind the port in slot 1, with all windows open. */
static void
open_port (void)
{
  put (1, 0x18, 4, 0x010100);
  put (1, 0x1c, 2, 0x1010);     /* I/O 1000 to 1fff */
  put (1, 0x20, 4, 0x41004100); /* memory 41000000 to 410fffff */
  put (1, 0x24, 4, 0x00100000); /* prefetchable 4_00000000 to 4_001fffff */
  put (1, 0x28, 4, 4);
  put (1, 0x2c, 4, 4);
  put (1, 0x3e, 2, 2);
  put (1, 4, 2, 0x107);
}

/* ---- what the device does ------------------------------------------------------------------- */

static json_object *
call (const char *id, const char *method, const char *args, const char *wrong)
{
  GWT_AUTO_ERROR (err);
  json_object *result = NULL, *list = json_tokener_parse (args);
  bool good = gwt_device_call (gwt_device_find (id), method, list, &result, &err);
  json_object_put (list);
  if (wrong == NULL)
    bench_fine (&err);
  else
    {
      g_assert_false (good);
      g_assert_nonnull (strstr (err.text, wrong));
    }
  return result;
}

static void
tell (const char *id, const char *method, const char *args)
{
  json_object_put (call (id, method, args, NULL));
}

static uint32_t
ask (const char *id, const char *method, const char *args)
{
  json_object *result = call (id, method, args, NULL);
  uint32_t value = (uint32_t) json_object_get_int64 (result);
  json_object_put (result);
  return value;
}

static void
refused (const char *text, const char *wanted)
{
  GWT_AUTO_ERROR (err);
  g_assert_null (bench_add (text, &err));
  if (strstr (err.text, wanted) == NULL || strchr (err.text, '\n') != NULL)
    g_error ("'%s' gave '%s', not '%s'", text, err.text, wanted);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void
test_identity (void)
{
  bench_begin ();
  bench_must ("pci-probe,id=p,addr=2");
  g_assert_cmphex (get (0, 0, 4), ==, 0x00081b36);
  g_assert_cmphex (get (0, 8, 4), ==, 0x06000000);
  g_assert_cmphex (get (2, 0, 4), ==, 0x0fff1b36);
  g_assert_cmphex (get (2, 8, 4), ==, 0xff000003);
  g_assert_cmphex (get (2, 0x2c, 4), ==, 0x11001af4);
  g_assert_cmphex (get (2, 0x3d, 1), ==, 1);
  g_assert_cmphex (get (2, 2, 2), ==, 0x0fff);
  g_assert_cmphex (get (2, 3, 1), ==, 0x0f);
  /* Nobody there, by slot, function and bus; stores are swallowed. */
  g_assert_cmphex (get (3, 0, 4), ==, 0xffffffff);
  g_assert_cmphex (load (config_at (0, 2, 1, 0), 4), ==, 0xffffffff);
  g_assert_cmphex (load (config_at (255, 31, 7, 0xffc), 8 - 4), ==, 0xffffffff);
  store (config_at (7, 0, 0, 4), 2, 7);
  /* Read-only registers stay; 8 bytes are two of 4. */
  put (2, 0, 4, 0);
  g_assert_cmphex (load (config_at (0, 2, 0, 0), 8), ==, UINT64_C (0x001000000fff1b36));
  /* A conventional function ends at 256 bytes, an express one at 4096. */
  g_assert_cmphex (get (0, 0x100, 4), ==, 0xffffffff);
  g_assert_cmphex (get (2, 0x100, 4), ==, 0x00020001);
  g_assert_cmphex (get (2, 0xffc, 4), ==, 0);
  /* On the root bus without a port: integrated. */
  unsigned express = capability (0, 2, 0x10);
  g_assert_cmphex (get (2, express + 2, 2), ==, 0x92);
  bench_end ();
}

static void
test_bars (void)
{
  bench_begin ();
  bench_must ("pci-probe,id=p,addr=2");
  put (2, 0x10, 4, 0xffffffff);
  put (2, 0x14, 4, 0xffffffff);
  put (2, 0x18, 4, 0xffffffff);
  put (2, 0x1c, 4, 0xffffffff);
  put (2, 0x20, 4, 0xffffffff);
  put (2, 0x24, 4, 0xffffffff);
  g_assert_cmphex (get (2, 0x10, 4), ==, 0xffffffe1);
  g_assert_cmphex (get (2, 0x14, 4), ==, 0xfffff000);
  g_assert_cmphex (get (2, 0x18, 4), ==, 0xffff000c);
  g_assert_cmphex (get (2, 0x1c, 4), ==, 0xffffffff);
  g_assert_cmphex (get (2, 0x20, 4), ==, 0xfffff000);
  g_assert_cmphex (get (2, 0x24, 4), ==, 0);
  put (2, 0x10, 4, 0x80);
  put (2, 0x14, 4, 0x40001000);
  put (2, 0x18, 4, 0x00050000);
  put (2, 0x1c, 4, 4);
  /* Off until the command register says so, each kind by its own bit. */
  g_assert_cmphex (load (WINDOW + 0x1000, 4), ==, 0xffffffff);
  store (WINDOW + 0x1000, 4, 1);
  put (2, 4, 2, 2);
  g_assert_cmphex (load (WINDOW + 0x1000, 4), ==, 0);
  store (WINDOW + 0x1004, 4, 0x12345678);
  g_assert_cmphex (load (WINDOW + 0x1004, 4), ==, 0x12345678);
  g_assert_cmphex (load (WINDOW64 + 0x50120, 8), ==, 0x120);
  g_assert_cmphex (load (PORTS + 0x80, 1), ==, 0xff);
  put (2, 4, 2, 3);
  store (PORTS + 0x84, 2, 0xabcd);
  g_assert_cmphex (load (PORTS + 0x84, 2), ==, 0xabcd);
  /* Moved: there, and no longer here. */
  put (2, 0x14, 4, 0x7ffff000);
  g_assert_cmphex (load (WINDOW + 0x1004, 4), ==, 0xffffffff);
  g_assert_cmphex (load (UINT64_C (0x7ffff004), 4), ==, 0x12345678);
  /* Where no window is, over RAM above all, there is no BAR. */
  put (2, 0x14, 4, (uint32_t) RAM);
  store (RAM, 4, 0x55);
  g_assert_cmphex (load (RAM, 4), ==, 0x55);
  put (2, 0x14, 4, (uint32_t) ECAM);
  g_assert_cmphex (get (2, 0, 4), ==, 0x0fff1b36);
  put (2, 0x1c, 4, 0xffffffff);
  g_assert_cmphex (load (WINDOW64 + 0x50120, 8), ==, UINT64_MAX);
  /* Over another: both are there, one is seen, and the other again when that is gone. */
  bench_must ("pci-probe,id=q,addr=3");
  put (2, 0x14, 4, 0x40002000);
  put (3, 0x14, 4, 0x40002000);
  put (3, 4, 2, 2);
  store (WINDOW + 0x2008, 4, 7);
  put (3, 4, 2, 0);
  g_assert_cmphex (load (WINDOW + 0x2004, 4), ==, 0x12345678);
  g_assert_cmphex (load (WINDOW + 0x2008, 4), ==, 0);
  gwt_device_reset_all (GWT_RESET_WARM);
  g_assert_cmphex (load (WINDOW + 0x2004, 4), ==, 0xffffffff);
  g_assert_cmphex (get (2, 0x14, 4), ==, 0);
  bench_end ();
}

static void
test_bridge (void)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1,slot=5");
  bench_must ("pci-probe,id=p,bus=rp");
  g_assert_cmphex (get (1, 0, 4), ==, 0x000c1b36);
  g_assert_cmphex (get (1, 8, 4), ==, 0x06040000);
  g_assert_cmphex (get (1, 0xe, 1), ==, 1);
  unsigned express = capability (0, 1, 0x10);
  g_assert_cmphex (get (1, express + 2, 2), ==, 0x142);
  g_assert_cmphex (get (1, express + 0x14, 4) >> 19, ==, 5);
  g_assert_cmphex (get (1, express + 0x1a, 2) & 0x40, ==, 0x40);
  g_assert_cmphex (get (1, capability (0, 1, 0x0d) + 4, 4), ==, 0x1b36);
  /* Closed windows after reset: bases above limits. */
  g_assert_cmphex (get (1, 0x1c, 2), ==, 0x00f0);
  g_assert_cmphex (get (1, 0x20, 4), ==, 0x0000fff0);
  g_assert_cmphex (get (1, 0x24, 4), ==, 0x0001fff1);
  /* No bus number leads there before it is given, and 0 never. */
  g_assert_cmphex (load (config_at (1, 0, 0, 0), 4), ==, 0xffffffff);
  open_port ();
  g_assert_cmphex (load (config_at (1, 0, 0, 0), 4), ==, 0x0fff1b36);
  g_assert_cmphex (load (config_at (1, 1, 0, 0), 4), ==, 0xffffffff);
  put (1, 0x18, 4, 0x050300);
  g_assert_cmphex (load (config_at (1, 0, 0, 0), 4), ==, 0xffffffff);
  g_assert_cmphex (load (config_at (3, 0, 0, 0), 4), ==, 0x0fff1b36);
  g_assert_cmphex (load (config_at (4, 0, 0, 0), 4), ==, 0xffffffff);
  put (1, 0x18, 4, 0x000300); /* subordinate below secondary */
  g_assert_cmphex (load (config_at (3, 0, 0, 0), 4), ==, 0xffffffff);
  open_port ();
  /* BARs below are seen through the windows, and only through them. */
  store (config_at (1, 0, 0, 0x10), 4, 0x1000);
  store (config_at (1, 0, 0, 0x14), 4, 0x41000000);
  store (config_at (1, 0, 0, 0x18), 4, 0x00100000);
  store (config_at (1, 0, 0, 0x1c), 4, 4);
  store (config_at (1, 0, 0, 4), 2, 3);
  store (UINT64_C (0x41000010), 4, 0x77);
  g_assert_cmphex (load (UINT64_C (0x41000010), 4), ==, 0x77);
  g_assert_cmphex (load (WINDOW64 + 0x100008, 8), ==, 8);
  g_assert_cmphex (load (PORTS + 0x1000, 1), ==, 0);
  put (1, 4, 2, 0);
  g_assert_cmphex (load (UINT64_C (0x41000010), 4), ==, 0xffffffff);
  g_assert_cmphex (load (PORTS + 0x1000, 1), ==, 0xff);
  put (1, 4, 2, 7);
  put (1, 0x20, 4, 0x41004110); /* base above limit: closed */
  g_assert_cmphex (load (UINT64_C (0x41000010), 4), ==, 0xffffffff);
  put (1, 0x20, 4, 0x41004100);
  g_assert_cmphex (load (UINT64_C (0x41000010), 4), ==, 0x77);
  /* Secondary bus reset: nobody answers while it lasts, all is at reset values then. */
  put (1, 0x3e, 2, 0x42);
  g_assert_cmphex (load (config_at (1, 0, 0, 0), 4), ==, 0xffffffff);
  put (1, 0x3e, 2, 2);
  g_assert_cmphex (load (config_at (1, 0, 0, 0x14), 4), ==, 0);
  g_assert_cmpuint (ask ("p", "resets", "[]"), ==, 1);
  bench_end ();
}

static void
test_flr (void)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1");
  bench_must ("pci-probe,id=p,bus=rp");
  open_port ();
  unsigned express = capability (1, 0, 0x10);
  uint64_t control = config_at (1, 0, 0, express + 8);
  g_assert_cmphex (load (config_at (1, 0, 0, express + 4), 4) & 1 << 28, !=, 0);
  store (config_at (1, 0, 0, 0x14), 4, 0x41000000);
  store (config_at (1, 0, 0, 4), 2, 7);
  tell ("p", "aer_inject", "[1, true, 0, 0, 0, 0]");
  store (control, 2, 0x8000);
  g_assert_cmphex (load (control, 2), ==, 0);
  g_assert_cmphex (load (config_at (1, 0, 0, 0x14), 4), ==, 0);
  g_assert_cmphex (load (config_at (1, 0, 0, 4), 2), ==, 0);
  g_assert_cmpuint (ask ("p", "resets", "[]"), ==, 1);
  /* Error registers are sticky; power-on clears them. */
  g_assert_cmphex (load (config_at (1, 0, 0, 0x110), 4), ==, 1);
  gwt_device_reset_all (GWT_RESET_COLD);
  open_port ();
  g_assert_cmphex (load (config_at (1, 0, 0, 0x110), 4), ==, 0);
  /* A root port has no such reset. */
  express = capability (0, 1, 0x10);
  g_assert_cmphex (get (1, express + 4, 4) & 1 << 28, ==, 0);
  put (1, express + 8, 2, 0x8001);
  g_assert_cmphex (get (1, express + 8, 2), ==, 1);
  bench_end ();
}

static void
test_places (void)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1,chassis=1,slot=3");
  bench_must ("pci-probe,id=p,bus=rp,addr=0x0");
  bench_must ("pci-probe,id=q,addr=1f.7");
  refused ("pci-probe,id=x,bus=rp1", "device 'x': bus: there is no bus 'rp1'; use 'pcie.0', 'rp'");
  refused ("pci-probe,id=x,bus=", "bus: there is no bus ''; use 'pcie.0'");
  refused ("pci-probe,id=x,bus=rp", "only slot of port 'rp' is taken; add a pcie-root-port");
  refused ("pci-probe,id=x,bus=rp,addr=1", "port 'rp' has slot 0 alone, not '1'; leave addr out");
  refused ("pci-probe,id=x,addr=1", "'1' of bus 'pcie.0' is taken by 'rp'; choose another");
  refused ("pci-probe,id=x,addr=1f.7", "is taken by 'q'");
  refused ("pci-probe,id=x,addr=0", "is taken by 'root'");
  static const char *const bad[]
      = { "", "20", "1.8", "1.", "x", "-1", "1.0.0", "100000001", "0x", " 1" };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *text = g_strdup_printf ("pci-probe,id=x,addr=%s", bad[i]);
      refused (text, "is no place on a bus; use SLOT or SLOT.FUNCTION in hexadecimal");
    }
  refused ("pci-probe,id=x,addr=1.1", "function 0 of slot 1 is 'rp', which is alone there");
  refused ("pci-probe,id=x,addr=1f.0", "slot 1f has other functions; add multifunction=on");
  refused ("pcie-root-port,id=x,bus=rp", "root port goes on the root bus; use bus=pcie.0");
  refused ("pcie-root-port,id=x,chassis=1,slot=3", "3 of chassis 1 is port 'rp' already");
  refused ("pcie-root-port,id=pcie.0", "there is a bus 'pcie.0' already");
  refused ("pci-probe,id=x,vectors=2049", "2049 MSI-X vectors are out of range; use 1 to 2048");
  bench_must ("pci-probe,id=r,addr=1f.0,multifunction=on");
  g_assert_cmphex (get (31, 0xe, 1), ==, 0x80);
  for (int i = 0; i < 29; i++)
    bench_must ("pci-probe,vectors=0");
  refused ("pci-probe,id=x", "all 32 slots of bus 'pcie.0' are taken");
  /* A place is free again when its device is gone. */
  gwt_device_destroy (gwt_device_find ("p"));
  g_assert_cmphex (get (1, capability (0, 1, 0x10) + 0x1a, 2) & 0x40, ==, 0);
  bench_must ("pci-probe,id=s,bus=rp");
  /* A port that goes first leaves its device without a bus: without BARs and interrupt. */
  open_port ();
  store (config_at (1, 0, 0, 0x14), 4, 0x41000000);
  store (config_at (1, 0, 0, 4), 2, 2);
  g_assert_cmphex (load (UINT64_C (0x41000000), 4), ==, 0);
  tell ("s", "intx", "[1]");
  g_assert_cmpuint (sink->level[1], ==, 1);
  gwt_device_destroy (gwt_device_find ("rp"));
  g_assert_cmpuint (sink->level[1], ==, 0);
  g_assert_cmphex (load (UINT64_C (0x41000000), 4), ==, 0xffffffff);
  tell ("s", "intx", "[0]");
  tell ("s", "intx", "[1]");
  g_assert_cmpuint (sink->level[1], ==, 0);
  bench_end ();
}

static void
test_msix (void)
{
  bench_begin ();
  bench_must ("pci-probe,id=p,addr=2");
  unsigned msix = capability (0, 2, 0x11);
  uint64_t table = WINDOW + 0x3000;
  g_assert_cmphex (get (2, msix + 2, 2), ==, 3);
  g_assert_cmphex (get (2, msix + 4, 4), ==, 4);
  g_assert_cmphex (get (2, msix + 8, 4), ==, 0x804);
  put (2, 0x20, 4, (uint32_t) table);
  put (2, 4, 2, 6);
  for (unsigned i = 0; i < 4; i++)
    {
      g_assert_cmphex (load (table + 16 * i + 12, 4), ==, 1);
      store (table + 16 * i, 8, RAM + 0x103 + 4 * i); /* the low bits are not kept */
      store (table + 16 * i + 8, 4, 0xa0 + i);
    }
  g_assert_cmphex (load (table + 16, 8), ==, RAM + 0x104);
  /* Off: nothing, not even pending. */
  tell ("p", "notify", "[0]");
  g_assert_cmphex (load (table + 0x800, 8), ==, 0);
  put (2, msix + 2, 2, 0x8000);
  tell ("p", "notify", "[1]");
  tell ("p", "notify", "[3]");
  tell ("p", "notify", "[4]"); /* no such vector */
  g_assert_cmphex (load (table + 0x800, 8), ==, 0xa);
  store (table + 0x800, 8, UINT64_MAX);
  g_assert_cmphex (load (table + 0x800, 8), ==, 0xa);
  g_assert_cmphex (load (RAM + 0x104, 4), ==, 0);
  store (table + 16 + 12, 4, 0xfffffffe); /* unmasked: sent now */
  g_assert_cmphex (load (table + 16 + 12, 4), ==, 0);
  g_assert_cmphex (load (table + 0x800, 8), ==, 8);
  g_assert_cmphex (load (RAM + 0x104, 4), ==, 0xa1);
  g_assert_cmpuint (ask ("p", "masked", "[]"), ==, UINT32_MAX);
  /* Not masked: at once; masked as a whole: later. */
  store (RAM + 0x104, 4, 0);
  tell ("p", "notify", "[1]");
  g_assert_cmphex (load (RAM + 0x104, 4), ==, 0xa1);
  store (RAM + 0x104, 4, 0);
  put (2, msix + 2, 2, 0xc000);
  tell ("p", "notify", "[1]");
  g_assert_cmphex (load (RAM + 0x104, 4), ==, 0);
  put (2, msix + 2, 2, 0x8000);
  g_assert_cmphex (load (RAM + 0x104, 4), ==, 0xa1);
  /* A message is a write of a bus master. */
  store (RAM + 0x104, 4, 0);
  put (2, 4, 2, 2);
  tell ("p", "notify", "[1]");
  g_assert_cmphex (load (RAM + 0x104, 4), ==, 0);
  put (2, 4, 2, 6);
  /* To nowhere, and to itself. */
  store (table + 16, 8, UINT64_C (0xfffffffffffffffc));
  tell ("p", "notify", "[1]");
  store (table + 16, 8, table + 16 + 8);
  store (table + 16 + 8, 4, 0x99);
  tell ("p", "notify", "[1]");
  g_assert_cmphex (load (table + 16 + 8, 4), ==, 0x99);
  /* Other sizes are refused. */
  uint64_t value;
  g_assert_cmpuint (gwt_memory_load (table, 1, &value), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (gwt_memory_store (table, 2, 1), ==, GWT_ACCESS_ERROR);
  gwt_device_reset_all (GWT_RESET_WARM);
  put (2, 0x20, 4, (uint32_t) table);
  put (2, 4, 2, 6);
  g_assert_cmphex (load (table + 12, 8 - 4), ==, 1);
  g_assert_cmphex (load (table + 0x800, 8), ==, 0);
  bench_end ();
  bench_begin ();
  bench_must ("pci-probe,id=p,addr=2,vectors=2048");
  msix = capability (0, 2, 0x11);
  g_assert_cmphex (get (2, msix + 2, 2), ==, 2047);
  g_assert_cmphex (get (2, msix + 8, 4), ==, 0x8004);
  put (2, 0x20, 4, (uint32_t) WINDOW);
  put (2, 4, 2, 6);
  put (2, msix + 2, 2, 0x8000);
  tell ("p", "notify", "[2047]");
  g_assert_cmphex (load (WINDOW + 0x80f8, 8), ==, UINT64_C (1) << 63);
  g_assert_cmphex (load (WINDOW + 0x80fc, 4), ==, UINT32_C (1) << 31);
  bench_end ();
}

/* A vector is raised on one thread while a vCPU masks and unmasks it: each raise is followed by a
   message, however late, and none is made up. */
static gpointer
raise_often (gpointer data)
{
  const struct gwt_pci_api *api = gwt_extension_find (GWT_PCI_EXT);
  struct gwt_pci *pci = data;
  for (int i = 0; i < 20000; i++)
    api->msix_notify (pci, 2);
  return NULL;
}

static void
test_msix_threads (void)
{
  bench_begin ();
  struct gwt_device *device = bench_must ("pci-probe,id=p,addr=2");
  const struct gwt_pci_api *api = gwt_extension_find (GWT_PCI_EXT);
  unsigned msix = capability (0, 2, 0x11);
  uint64_t entry = WINDOW + 32;
  put (2, 0x20, 4, (uint32_t) WINDOW);
  put (2, 4, 2, 6);
  put (2, msix + 2, 2, 0x8000);
  store (entry, 8, RAM);
  store (entry + 8, 4, 1);
  for (int round = 0; round < 20; round++)
    {
      GThread *thread = g_thread_new ("raise", raise_often, api->function (device));
      for (int i = 0; i < 200; i++)
        {
          store (entry + 12, 4, i & 1);
          if (i % 50 == 0)
            put (2, msix + 2, 2, i & 64 ? 0xc000 : 0x8000);
        }
      put (2, msix + 2, 2, 0x8000);
      store (entry + 12, 4, 1);
      g_thread_join (thread);
      /* Masked now, and quiet: what is pending comes on unmasking, and nothing else does. */
      api->msix_notify (api->function (device), 2);
      g_assert_cmphex (load (WINDOW + 0x800, 8), ==, 4);
      store (RAM, 4, 0);
      store (entry + 12, 4, 0);
      g_assert_cmphex (load (RAM, 4), ==, 1);
      g_assert_cmphex (load (WINDOW + 0x800, 8), ==, 0);
      store (RAM, 4, 0);
      store (entry + 12, 4, 1);
      store (entry + 12, 4, 0);
      g_assert_cmphex (load (RAM, 4), ==, 0);
    }
  bench_end ();
}

/* Two functions on one line: in each round one thread raises its own while another lowers its, and
   a vCPU switches the first off and on.  Who is last must not leave the line as it was before. */
#define ROUNDS 5000
static gint round_number, rounds_done; /* atomic */

static void
wait_for (gint *at, gint value)
{
  while (g_atomic_int_get (at) < value)
    g_thread_yield ();
}

static gpointer
drive_often (gpointer data)
{
  const struct gwt_pci_api *api = gwt_extension_find (GWT_PCI_EXT);
  for (gint i = 1; i <= ROUNDS; i++)
    {
      wait_for (&round_number, i);
      api->intx (data, i & 1);
      g_atomic_int_inc (&rounds_done);
    }
  return NULL;
}

static void
test_intx_threads (void)
{
  bench_begin ();
  const struct gwt_pci_api *api = gwt_extension_find (GWT_PCI_EXT);
  struct gwt_pci *p = api->function (bench_must ("pci-probe,id=p,addr=2"));
  struct gwt_pci *q = api->function (bench_must ("pci-probe,id=q,addr=6"));
  GThread *thread = g_thread_new ("p", drive_often, p);
  for (gint i = 1; i <= ROUNDS; i++)
    {
      bool with_command = i & 2;
      uint32_t off = with_command ? 0x400 * (i & 1) : 0;
      api->intx (q, !with_command && (i & 1));
      g_atomic_int_set (&round_number, i);
      if (with_command)
        put (2, 4, 2, off);
      else
        api->intx (q, !(i & 1));
      wait_for (&rounds_done, i);
      uint32_t wanted = with_command ? (i & 1) && !off : 1;
      if (sink->level[2] != wanted)
        g_error ("round %d: the line is %u", i, sink->level[2]);
      put (2, 4, 2, 0);
    }
  g_thread_join (thread);
  bench_end ();
}

static void
test_intx (void)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=6");
  bench_must ("pci-probe,id=p,bus=rp");
  bench_must ("pci-probe,id=q,addr=2");
  bench_must ("pci-probe,id=r,addr=3");
  /* Slot 6's pin A is line 2, and the device behind the port has the port's. */
  tell ("p", "intx", "[1]");
  g_assert_cmpuint (sink->level[2], ==, 1);
  tell ("q", "intx", "[1]");
  tell ("q", "intx", "[1]");
  tell ("p", "intx", "[0]");
  g_assert_cmpuint (sink->level[2], ==, 1);
  g_assert_cmphex (get (2, 6, 2) & 8, ==, 8);
  g_assert_cmphex (get (2, 6, 1) & 8, ==, 8);
  g_assert_cmphex (get (2, 4, 4) >> 16 & 8, ==, 8);
  g_assert_cmphex (get (2, 7, 1), ==, 0);
  put (2, 4, 2, 0x400);
  g_assert_cmpuint (sink->level[2], ==, 0);
  g_assert_cmphex (get (2, 6, 2) & 8, ==, 8);
  put (2, 4, 2, 0);
  g_assert_cmpuint (sink->level[2], ==, 1);
  tell ("r", "intx", "[1]");
  g_assert_cmpuint (sink->level[3], ==, 1);
  gwt_device_reset_all (GWT_RESET_WARM);
  g_assert_cmpuint (sink->level[2] | sink->level[3], ==, 0);
  g_assert_cmphex (get (2, 6, 2) & 8, ==, 0);
  tell ("r", "intx", "[1]");
  gwt_device_destroy (gwt_device_find ("r"));
  g_assert_cmpuint (sink->level[3], ==, 0);
  bench_end ();
}

static void
test_master (void)
{
  bench_begin ();
  bench_must ("pci-probe,id=p,addr=2");
  json_object_put (call ("p", "dma_write", "[2147483648, 5]", "refused"));
  json_object_put (call ("p", "dma_read", "[2147483648]", "refused"));
  put (2, 4, 2, 4);
  tell ("p", "dma_write", "[2147483648, 5]");
  g_assert_cmphex (load (RAM, 4), ==, 5);
  g_assert_cmpuint (ask ("p", "dma_read", "[2147483648]"), ==, 5);
  /* Registers are out of reach for DMA. */
  json_object_put (call ("p", "dma_write", "[805306368, 5]", "refused"));
  put (2, 4, 2, 0);
  json_object_put (call ("p", "dma_write", "[2147483648, 6]", "refused"));
  g_assert_cmphex (load (RAM, 4), ==, 5);
  bench_end ();
}

/* ---- errors --------------------------------------------------------------------------------- */

#define AER 0x100

static uint32_t
below (unsigned offset)
{
  return (uint32_t) load (config_at (1, 0, 0, AER + offset), 4);
}

static void
test_aer (void)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1");
  bench_must ("pci-probe,id=p,bus=rp");
  bench_must ("pci-probe,id=n,addr=2,aer=off");
  open_port ();
  unsigned express = capability (1, 0, 0x10);
  uint64_t device_status = config_at (1, 0, 0, express + 10);
  g_assert_cmphex (below (0x08), ==, 0x02400000);
  g_assert_cmphex (below (0x0c), ==, 0x00462030);
  g_assert_cmphex (below (0x14), ==, 0x0000e000);
  /* Recorded, but no message while device control does not ask for one. */
  tell ("p", "aer_inject", "[4096, false, 1, 2, 3, 4]");
  g_assert_cmphex (below (0x04), ==, 0x1000);
  g_assert_cmphex (below (0x18) & 0x1f, ==, 12);
  g_assert_cmphex (below (0x1c), ==, 1);
  g_assert_cmphex (below (0x28), ==, 4);
  g_assert_cmphex (load (device_status, 2), ==, 2);
  g_assert_cmphex (get (1, AER + 0x30, 4), ==, 0);
  /* With it: the root port, its source and its interrupt. */
  store (config_at (1, 0, 0, express + 8), 2, 7);
  put (1, AER + 0x2c, 4, 7);
  g_assert_cmpuint (sink->level[1], ==, 0);
  tell ("p", "aer_inject", "[262144, false, 9, 9, 9, 9]"); /* malformed TLP: fatal */
  g_assert_cmphex (below (0x04), ==, 0x41000);
  g_assert_cmphex (load (device_status, 2), ==, 6);
  /* The first error keeps pointer and header. */
  g_assert_cmphex (below (0x18) & 0x1f, ==, 12);
  g_assert_cmphex (below (0x1c), ==, 1);
  g_assert_cmphex (get (1, AER + 0x30, 4), ==, 0x54); /* received, first fatal, fatal */
  g_assert_cmphex (get (1, AER + 0x34, 4), ==, 0x01000000);
  g_assert_cmphex (get (1, 0x1e, 2) & 0x4000, ==, 0x4000);
  g_assert_cmphex (get (1, 6, 2) & 0x4000, ==, 0x4000);
  g_assert_cmpuint (sink->level[1], ==, 1);
  tell ("p", "aer_inject", "[4096, false, 0, 0, 0, 0]");
  g_assert_cmphex (get (1, AER + 0x30, 4), ==, 0x7c); /* multiple, and non-fatal too */
  tell ("p", "aer_inject", "[64, true, 0, 0, 0, 0]");
  tell ("p", "aer_inject", "[64, true, 0, 0, 0, 0]");
  g_assert_cmphex (get (1, AER + 0x30, 4), ==, 0x7f);
  g_assert_cmphex (get (1, AER + 0x34, 4), ==, 0x01000100);
  g_assert_cmphex (below (0x10), ==, 0x40);
  put (1, AER + 0x30, 4, 0x7c);
  g_assert_cmpuint (sink->level[1], ==, 1); /* the correctable one is left */
  put (1, AER + 0x2c, 4, 6);
  g_assert_cmpuint (sink->level[1], ==, 0);
  put (1, AER + 0x2c, 4, 7);
  g_assert_cmpuint (sink->level[1], ==, 1);
  put (1, AER + 0x30, 4, 3);
  g_assert_cmpuint (sink->level[1], ==, 0);
  g_assert_cmphex (get (1, AER + 0x30, 4), ==, 0);
  /* Once the first is cleared the next one is first. */
  store (config_at (1, 0, 0, AER + 4), 4, 0xffffffff);
  g_assert_cmphex (below (0x04), ==, 0);
  tell ("p", "aer_inject", "[16384, false, 5, 6, 7, 8]");
  g_assert_cmphex (below (0x18) & 0x1f, ==, 14);
  g_assert_cmphex (below (0x20), ==, 6);
  put (1, AER + 0x30, 4, 0x7f);
  /* Masked: status alone. */
  store (config_at (1, 0, 0, AER + 8), 4, 0x8000);
  tell ("p", "aer_inject", "[32768, false, 1, 1, 1, 1]");
  g_assert_cmphex (below (0x04), ==, 0xc000);
  g_assert_cmphex (get (1, AER + 0x30, 4), ==, 0);
  store (config_at (1, 0, 0, AER + 4), 4, 0xffffffff);
  tell ("p", "aer_inject", "[32768, false, 1, 1, 1, 1]");
  g_assert_cmphex (below (0x18) & 0x1f, ==, 14);
  g_assert_cmphex (below (0x1c), ==, 5);
  /* Severity as the guest sets it. */
  store (config_at (1, 0, 0, AER + 8), 4, 0);
  store (config_at (1, 0, 0, AER + 12), 4, 0x8000);
  tell ("p", "aer_inject", "[32768, false, 0, 0, 0, 0]");
  g_assert_cmphex (get (1, AER + 0x30, 4), ==, 0x54);
  put (1, AER + 0x30, 4, 0x7f);
  /* Not forwarded without the bridge's SERR enable. */
  put (1, 0x3e, 2, 0);
  tell ("p", "aer_inject", "[32768, false, 0, 0, 0, 0]");
  g_assert_cmphex (get (1, AER + 0x30, 4), ==, 0);
  /* The port's own errors. */
  unsigned port = capability (0, 1, 0x10);
  put (1, port + 8, 2, 1);
  tell ("rp", "aer_inject", "[1, true, 0, 0, 0, 0]");
  g_assert_cmphex (get (1, AER + 0x30, 4), ==, 1);
  g_assert_cmphex (get (1, AER + 0x34, 2), ==, 0x0008);
  /* The source is that of the first. */
  put (1, 0x3e, 2, 2);
  tell ("p", "aer_inject", "[64, true, 0, 0, 0, 0]");
  g_assert_cmphex (get (1, AER + 0x30, 4), ==, 3);
  g_assert_cmphex (get (1, AER + 0x34, 2), ==, 0x0008);
  json_object_put (call ("n", "aer_inject", "[1, true, 0, 0, 0, 0]", "no Advanced Error"));
  json_object_put (call ("p", "aer_inject", "[3, true, 0, 0, 0, 0]", "is not one bit"));
  json_object_put (call ("p", "aer_inject", "[1, false, 0, 0, 0, 0]", "those in 0x03fff030"));
  json_object_put (call ("p", "aer_inject", "[0, true, 0, 0, 0, 0]", "status 0x00000000"));
  bench_end ();
}

/* With MSI-X the root port sends one message when the condition begins, and INTA is quiet. */
static void
test_aer_message (void)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1");
  put (1, 0x10, 4, (uint32_t) WINDOW);
  put (1, 4, 2, 6);
  store (WINDOW, 8, RAM);
  store (WINDOW + 8, 4, 0x31);
  store (WINDOW + 12, 4, 0);
  put (1, AER + 0x2c, 4, 1);
  put (1, capability (0, 1, 0x10) + 8, 2, 1);
  tell ("rp", "aer_inject", "[1, true, 0, 0, 0, 0]");
  g_assert_cmpuint (sink->level[1], ==, 1);
  put (1, capability (0, 1, 0x11) + 2, 2, 0x8000);
  g_assert_cmpuint (sink->level[1], ==, 0);
  g_assert_cmphex (load (RAM, 4), ==, 0);
  put (1, AER + 0x30, 4, 3);
  tell ("rp", "aer_inject", "[1, true, 0, 0, 0, 0]");
  g_assert_cmphex (load (RAM, 4), ==, 0x31);
  store (RAM, 4, 0);
  tell ("rp", "aer_inject", "[1, true, 0, 0, 0, 0]"); /* it holds already */
  g_assert_cmphex (load (RAM, 4), ==, 0);
  g_assert_cmpuint (sink->level[1], ==, 0);
  bench_end ();
}

static void
test_unc_mask (void)
{
  bench_begin ();
  bench_must ("pci-probe,id=a,addr=2");
  bench_must ("pci-probe,id=b,addr=3,x-pcie-err-unc-mask=off");
  bench_must ("pcie-root-port,id=rp,addr=4,x-pcie-err-unc-mask=off");
  g_assert_cmphex (get (2, AER + 8, 4), ==, 0x02400000);
  put (2, AER + 8, 4, 0xffffffff);
  g_assert_cmphex (get (2, AER + 8, 4), ==, 0x03fff030);
  for (unsigned slot = 3; slot <= 4; slot++)
    {
      g_assert_cmphex (get (slot, AER + 8, 4), ==, 0);
      put (slot, AER + 8, 4, 0xffffffff);
      g_assert_cmphex (get (slot, AER + 8, 4), ==, 0);
    }
  gwt_device_reset_all (GWT_RESET_WARM);
  g_assert_cmphex (get (2, AER + 8, 4), ==, 0x02400000);
  g_assert_cmphex (get (3, AER + 8, 4), ==, 0);
  bench_end ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pcie/identity", test_identity);
  g_test_add_func ("/pcie/bars", test_bars);
  g_test_add_func ("/pcie/bridge", test_bridge);
  g_test_add_func ("/pcie/function-level-reset", test_flr);
  g_test_add_func ("/pcie/places", test_places);
  g_test_add_func ("/pcie/msix", test_msix);
  g_test_add_func ("/pcie/msix-threads", test_msix_threads);
  g_test_add_func ("/pcie/intx", test_intx);
  g_test_add_func ("/pcie/intx-threads", test_intx_threads);
  g_test_add_func ("/pcie/bus-master", test_master);
  g_test_add_func ("/pcie/aer", test_aer);
  g_test_add_func ("/pcie/aer-message", test_aer_message);
  g_test_add_func ("/pcie/unc-mask", test_unc_mask);
  return g_test_run ();
}
