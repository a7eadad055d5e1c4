/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices of up to 256 functions behind a port that forwards to them (PCI Express Base
   Specification 5.0, 6.13 and 7.8.7), through the guest's eyes. */
#include "tests/pcie/pcie-bench.h"

#define PROBE 0x0fff1b36
#define ROOT_EXPRESS 0x54
#define SWITCH_EXPRESS 0x90
#define CONTROL2 0x28
#define FORWARDING 0x20

/* ---- what a guest does ---------------------------------------------------------------------- */

static uint64_t
config_at (unsigned bus, unsigned devfn, unsigned offset)
{
  return ECAM + (bus << 20 | devfn << 12 | offset);
}

static uint32_t
get (uint64_t at, uint32_t size)
{
  uint64_t value = 0;
  g_assert_cmpuint (gwt_memory_load (at, size, &value), ==, GWT_ACCESS_OK);
  return (uint32_t) value;
}

static void
put (uint64_t at, uint32_t size, uint32_t value)
{
  g_assert_cmpuint (gwt_memory_store (at, size, value), ==, GWT_ACCESS_OK);
}

static unsigned
express_of (unsigned bus, unsigned devfn)
{
  unsigned at = get (config_at (bus, devfn, 0x34), 1);
  while (get (config_at (bus, devfn, at), 1) != 0x10)
    at = get (config_at (bus, devfn, at + 1), 1);
  return at;
}

/* Offset of the function's ARI capability, 0: none. */
static unsigned
ari_of (unsigned bus, unsigned devfn)
{
  unsigned at = 0x100;
  for (int i = 0; i < 100 && at != 0; i++)
    {
      uint32_t head = get (config_at (bus, devfn, at), 4);
      if ((head & 0xfffff) == 0x1000e)
        return at;
      at = head >> 20;
    }
  return 0;
}

/* The functions that the chain from function 0 leads through, "0 1 c8 ". */
static void
chain_is (unsigned bus, const char *wanted)
{
  g_autoptr (GString) found = g_string_new (NULL);
  unsigned devfn = 0, next;
  do
    {
      g_string_append_printf (found, "%x ", devfn);
      unsigned at = ari_of (bus, devfn);
      g_assert_cmphex (at, !=, 0);
      /* No function groups, neither offered nor chosen. */
      g_assert_cmphex (get (config_at (bus, devfn, at + 4), 4) & 0xffff00ff, ==, 0);
      next = get (config_at (bus, devfn, at + 5), 1);
      g_assert_true (next == 0 || next > devfn);
      devfn = next;
    }
  while (next != 0);
  g_assert_cmpstr (found->str, ==, wanted);
}

static bool
is_there (unsigned bus, unsigned devfn)
{
  uint32_t id = get (config_at (bus, devfn, 0), 4);
  g_assert_true (id == PROBE || id == 0xffffffff);
  return id == PROBE;
}

/* Bus 1 behind the port in slot 1. */
static void
number (void)
{
  put (config_at (0, 8, 0x18), 4, 0x010100);
}

static void
forward (uint64_t port, bool on)
{
  put (port + CONTROL2, 2, on ? FORWARDING : 0);
}

#define ROOT_PORT (config_at (0, 8, ROOT_EXPRESS))

/* ---- what the user does --------------------------------------------------------------------- */

static void
refused (const char *text, const char *wanted)
{
  GWT_AUTO_ERROR (err);
  g_assert_null (bench_add (text, &err));
  if (strstr (err.text, wanted) == NULL || strchr (err.text, '\n') != NULL)
    g_error ("'%s' gave '%s', not '%s'", text, err.text, wanted);
}

static void
tell (const char *id, const char *method, const char *args)
{
  GWT_AUTO_ERROR (err);
  json_object *result = NULL, *list = json_tokener_parse (args);
  gwt_device_call (gwt_device_find (id), method, list, &result, &err);
  json_object_put (list);
  json_object_put (result);
  bench_fine (&err);
}

static void
begin (void)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1");
  /* In no order; both forms of an address. */
  bench_must ("pci-probe,id=f8,bus=rp,addr=0.8,ari=on");
  bench_must ("pci-probe,id=f0,bus=rp,addr=0,ari=on,multifunction=on");
  bench_must ("pci-probe,id=fc8,bus=rp,addr=19.0,ari=on,aer=off");
  bench_must ("pci-probe,id=f7,bus=rp,addr=0.7,ari=on");
  bench_must ("pci-probe,id=f1,bus=rp,addr=0.1,ari=on");
  number ();
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void
test_chain (void)
{
  begin ();
  forward (ROOT_PORT, true);
  chain_is (1, "0 1 7 8 c8 ");
  /* Behind what else is there, or first. */
  g_assert_cmphex (ari_of (1, 0), ==, 0x148);
  g_assert_cmphex (ari_of (1, 0xc8), ==, 0x100);
  put (config_at (1, 0, 0x148), 4, 0);
  put (config_at (1, 0, 0x14c), 4, 0xffffffff);
  chain_is (1, "0 1 7 8 c8 ");
  /* A reset of the function, and of the machine. */
  put (config_at (1, 8, express_of (1, 8) + 8), 2, 0x8000);
  chain_is (1, "0 1 7 8 c8 ");
  gwt_device_destroy (gwt_device_find ("f7"));
  gwt_device_destroy (gwt_device_find ("fc8"));
  chain_is (1, "0 1 8 ");
  gwt_device_reset_all (GWT_RESET_WARM);
  number ();
  forward (ROOT_PORT, true);
  chain_is (1, "0 1 8 ");
  bench_must ("pci-probe,id=last,bus=rp,addr=0.ff,ari=on");
  chain_is (1, "0 1 8 ff ");
  gwt_device_reset_all (GWT_RESET_WARM);
  number ();
  forward (ROOT_PORT, true);
  chain_is (1, "0 1 8 ff ");
  bench_end ();
}

static void
test_forwarding (void)
{
  static const unsigned all[] = { 0, 1, 7, 8, 0xc8 };
  begin ();
  for (int round = 0; round < 2; round++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (all); i++)
        g_assert_cmpint (is_there (1, all[i]), ==, all[i] < 8);
      /* Nor does a store get there. */
      put (config_at (1, 0xc8, 0x3c), 1, 0x55);
      forward (ROOT_PORT, true);
      for (guint i = 0; i < G_N_ELEMENTS (all); i++)
        g_assert_true (is_there (1, all[i]));
      g_assert_false (is_there (1, 2));
      g_assert_false (is_there (1, 9));
      g_assert_cmphex (get (config_at (1, 0xc8, 0x3c), 1), ==, 0);
      put (config_at (1, 0xc8, 0x3c), 1, 0x55);
      g_assert_cmphex (get (config_at (1, 0xc8, 0x3c), 1), ==, 0x55);
      if (round == 0)
        gwt_device_reset_all (GWT_RESET_COLD);
      number ();
    }
  forward (ROOT_PORT, false);
  g_assert_false (is_there (1, 8));
  bench_end ();
}

/* What such a function does of its own accord needs no forwarding; to others it is device 0. */
static void
test_signals (void)
{
  begin ();
  put (config_at (0, 8, 0x20), 4, 0x41004100);
  put (config_at (0, 8, 4), 2, 0x107);
  put (config_at (0, 8, 0x3e), 2, 2); /* errors pass */
  forward (ROOT_PORT, true);
  put (config_at (1, 0xc8, 0x14), 4, 0x41000000);
  put (config_at (1, 0xc8, 4), 2, 7);
  forward (ROOT_PORT, false);
  put (0x41000000, 4, 0xcafe);
  g_assert_cmphex (get (0x41000000, 4), ==, 0xcafe);
  tell ("fc8", "intx", "[1]");
  g_assert_cmpuint (sink->level[0], ==, 0);
  g_assert_cmpuint (sink->level[1], ==, 1);
  tell ("f0", "intx", "[1]");
  tell ("fc8", "intx", "[0]");
  g_assert_cmpuint (sink->level[1], ==, 1);
  tell ("f0", "intx", "[0]");
  g_assert_cmpuint (sink->level[1], ==, 0);
  forward (ROOT_PORT, true);
  put (config_at (1, 8, express_of (1, 8) + 8), 2, 0xf);
  tell ("f8", "aer_inject", "[1, true, 0, 0, 0, 0]");
  g_assert_cmphex (get (config_at (0, 8, 0x134), 2), ==, 0x0108);
  bench_end ();
}

static void
test_switch (void)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1");
  bench_must ("x3130-upstream,id=us,bus=rp");
  bench_must ("xio3130-downstream,id=d0,bus=us,addr=0");
  bench_must ("xio3130-downstream,id=d1,bus=us,addr=1");
  bench_must ("pci-probe,id=f0,bus=d1,ari=on,multifunction=on");
  bench_must ("pci-probe,id=f40,bus=d1,addr=0.40,ari=on");
  put (config_at (0, 8, 0x18), 4, 0x040100);
  put (config_at (1, 0, 0x18), 4, 0x040201);
  put (config_at (2, 0, 0x18), 4, 0x030302);
  put (config_at (2, 8, 0x18), 4, 0x040402);
  /* Inside the switch are its ports, in slots as ever. */
  g_assert_cmphex (get (config_at (2, 8, 0), 4), ==, 0x8233104c);
  g_assert_false (is_there (4, 0x40));
  forward (config_at (2, 0, SWITCH_EXPRESS), true);
  g_assert_false (is_there (4, 0x40));
  forward (config_at (2, 8, SWITCH_EXPRESS), true);
  chain_is (4, "0 40 ");
  refused ("x3130-upstream,id=x,bus=d0,ari=on", "not for ports; leave it out here");
  refused ("xio3130-downstream,id=x,bus=us,addr=2,ari=on", "not for ports; leave it out here");
  bench_end ();
}

static void
test_places (void)
{
  begin ();
  refused ("pci-probe,id=x,bus=rp,addr=0.2",
           "ari: 'f0', a function of the same device, has ari=on; give all of them the same");
  refused ("pci-probe,id=x,bus=rp,addr=0.9",
           "addr: port 'rp' has slot 0 alone, not '0.9'; leave addr out, or, for more than eight "
           "functions, give all of them ari=on");
  refused ("pci-probe,id=x,bus=rp,addr=19,ari=on", "'19' of bus 'rp' is taken by 'fc8'");
  refused ("pci-probe,id=x,bus=rp,addr=0.c8,ari=on", "'0.c8' of bus 'rp' is taken by 'fc8'");
  refused ("pci-probe,id=x,bus=rp,ari=on", "the only slot of port 'rp' is taken");
  static const char *const bad[] = { "0.100", "1.8", "0.", "0.x", "0.-1", "20", "0.8.0", "1f.8" };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *text = g_strdup_printf ("pci-probe,id=x,bus=rp,ari=on,addr=%s", bad[i]);
      refused (text, "0 to 1f and 0 to 7, or with ari=on 0.0 to 0.ff");
    }
  bench_must ("pci-probe,id=f2,bus=rp,addr=0.02,ari=on");
  refused ("pci-probe,id=x,ari=on",
           "ari: bus 'pcie.0' is behind no port that forwards to more than eight functions; use "
           "the bus of a pcie-root-port or xio3130-downstream");
  refused ("pcie-root-port,id=x,addr=2,ari=on",
           "ari: it is for the functions at the end of a link");
  bench_must ("pcie-root-port,id=rp2,addr=2");
  refused ("pci-probe,id=x,bus=rp2,express=off,ari=on", "is a conventional one, without room");
  bench_must ("pci-probe,id=high,bus=rp2,addr=0.ff,ari=on");
  refused ("pci-probe,id=x,bus=rp2,addr=0,ari=on", "has other functions; add multifunction=on");
  refused ("pci-probe,id=x,bus=rp2,addr=0,multifunction=on", "'high', a function of the same");
  /* What was refused has left nothing behind. */
  bench_must ("pci-probe,id=x,bus=rp2,addr=0,ari=on,multifunction=on");
  put (config_at (0, 16, 0x18), 4, 0x020200);
  forward (config_at (0, 16, ROOT_EXPRESS), true);
  chain_is (2, "0 ff ");
  /* Without the property there is no capability. */
  bench_must ("pcie-root-port,id=rp3,addr=3");
  bench_must ("pci-probe,id=plain,bus=rp3");
  put (config_at (0, 24, 0x18), 4, 0x030300);
  g_assert_cmphex (ari_of (3, 0), ==, 0);
  bench_end ();
}

/* Functions come one by one; function 0 brings the others to light, and takes them along. */
static void
test_hotplug (void)
{
  GWT_AUTO_ERROR (err);
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1");
  gwt_device_reset_all (GWT_RESET_COLD);
  bench_plug ("pci-probe,id=fc8,bus=rp,addr=0.c8,ari=on", &err);
  bench_plug ("pci-probe,id=f1,bus=rp,addr=0.1,ari=on", &err);
  bench_plug ("pci-probe,id=f0,bus=rp,addr=0.0,ari=on,multifunction=on", &err);
  bench_fine (&err);
  number ();
  forward (ROOT_PORT, true);
  chain_is (1, "0 1 c8 ");
  g_assert_true (bench_unplug ("fc8", &err));
  g_autofree char *ids = bench_gone ();
  g_assert_cmpstr (ids, ==, "fc8 f1 f0 ");
  g_assert_false (is_there (1, 0xc8));
  bench_end ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ari/chain", test_chain);
  g_test_add_func ("/ari/forwarding", test_forwarding);
  g_test_add_func ("/ari/signals", test_signals);
  g_test_add_func ("/ari/switch", test_switch);
  g_test_add_func ("/ari/places", test_places);
  g_test_add_func ("/ari/hotplug", test_hotplug);
  return g_test_run ();
}
