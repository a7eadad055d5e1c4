/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that come and go, in any order with what a guest does to the slots, with resets and with
 * the host's late arrival to destroy what is to go: two root ports, a switch behind the second.
 * Every twelve bytes are a step.
 */
#include "tests/fuzz/claims.h"
#include "tests/pcie/pcie-bench.h"

const char *const fuzz_tokens[] = { "\x6c", "\xa8", "\x31\x10", "\xf1\x07", "\xf1\x01", "\xe1\x02",
                                    "\x18", "\x3e", "\x40", "\x4a", "\xff\xff\xff\xff", NULL };

#define EXPRESS_ROOT 0x54
#define EXPRESS_SWITCH 0x90
#define SLOT_STATUS 0x1a
#define PRESENT 0x40

static const char *const buses[] = { "rp0", "d0", "d1", "rp1", "us", "pcie.0", "rp0", "d0" };
static const char *const names[] = { "a", "b", "c", "d" };

static struct
{
  const char *id;
  unsigned express;
} slots[] = { { "rp0", EXPRESS_ROOT }, { "rp1", EXPRESS_ROOT }, { "d0", EXPRESS_SWITCH },
              { "d1", EXPRESS_SWITCH } };

/* A slot says that a device is there when one is. */
static void
claim_presence (void)
{
  struct gwt_device *host = gwt_device_find ("pcie0");
  const struct gwt_pci_host *table = gwt_device_interface (host, GWT_PCI_HOST_INTERFACE);
  for (guint i = 0; i < G_N_ELEMENTS (slots); i++)
    {
      struct gwt_device *port = gwt_device_find (slots[i].id);
      uint32_t devfn = 1;
      if (port == NULL)
        continue;
      bool there = table->next (host->instance, port, NULL, &devfn) != NULL && devfn == 0;
      uint32_t status
          = table->config_read (host->instance, port, slots[i].express + SLOT_STATUS, 2);
      FUZZ_CLAIM (there == ((status & PRESENT) != 0));
    }
}

/* Each function of a device with ARI names the one that comes next, the last one none. */
static void
claim_chain (void)
{
  struct gwt_device *host = gwt_device_find ("pcie0");
  const struct gwt_pci_host *table = gwt_device_interface (host, GWT_PCI_HOST_INTERFACE);
  for (guint i = 0; i < G_N_ELEMENTS (slots); i++)
    {
      struct gwt_device *port = gwt_device_find (slots[i].id), *function = NULL;
      uint32_t devfn, told = 0, n = 0;
      while (port != NULL
             && (function = table->next (host->instance, port, function, &devfn)) != NULL)
        {
          /* Of tests/pcie/pci-probe.c: behind error reporting. */
          uint32_t head = table->config_read (host->instance, function, 0x148, 4);
          bool ari = (head & 0xffff) == 0xe;
          FUZZ_CLAIM (ari || devfn < 8);
          FUZZ_CLAIM (!ari || n == 0 || devfn == told);
          told = ari ? table->config_read (host->instance, function, 0x14d, 1) : 0;
          n++;
        }
      FUZZ_CLAIM (told == 0);
    }
}

static void
finish (void)
{
  g_autofree char *ids = bench_gone ();
  FUZZ_CLAIM (gwt_device_next_leaving () == NULL);
  claim_presence ();
  claim_chain ();
}

static void
plug (const uint8_t *s)
{
  GWT_AUTO_ERROR (err);
  const char *name = names[s[2] & 3], *bus = buses[s[3] & 7];
  static const char *const kinds[]
      = { "pci-probe", "pci-probe", "pci-probe,vectors=0,msi=2", "x3130-upstream" };
  finish (); /* as core/machine does before */
  if (gwt_device_find (name) != NULL)
    return;
  bool ari = s[5] & 4;
  g_autofree char *text
      = g_strdup_printf ("%s,id=%s,bus=%s,addr=%x.%x%s%s", kinds[s[4] & 3], name, bus, s[5] >> 7,
                         ari ? s[6] : s[5] & 1, s[5] & 2 ? ",multifunction=on" : "",
                         ari ? ",ari=on" : "");
  bool good = bench_plug (text, &err) != NULL;
  fuzz_claim_error (good, &err);
}

static void
unplug (const uint8_t *s)
{
  GWT_AUTO_ERROR (err);
  static const char *const others[] = { "us", "d0", "rp0", "root" };
  const char *name = s[3] & 8 ? others[s[2] & 3] : names[s[2] & 3];
  /* The host asks for none that is going already. */
  if (gwt_device_find (name) != NULL && !gwt_device_find (name)->leaving)
    fuzz_claim_error (bench_unplug (name, &err), &err);
}

static void
poke (const uint8_t *s)
{
  uint32_t size = 1u << (s[1] & 3), bus = s[2] & 7, slot = s[2] >> 3 & 3;
  uint32_t offset = (s[3] | (uint32_t) (s[4] & 1) << 8) & ~(size - 1);
  uint64_t value, at = ECAM + (bus << 20 | slot << 15 | offset);
  memcpy (&value, s + 4, 8);
  if (s[1] & 4)
    gwt_memory_load (at, size, &value);
  else
    gwt_memory_store (at, size, value);
}

/* What drivers do: control of one of the slots, or clearing its status. */
static void
drive (const uint8_t *s)
{
  static const uint32_t ports[] = { 0x00008000 + EXPRESS_ROOT, 0x00010000 + EXPRESS_ROOT,
                                    0x00300000 + EXPRESS_SWITCH, 0x00308000 + EXPRESS_SWITCH };
  uint64_t at = ECAM + ports[s[1] & 3];
  if (s[1] & 4)
    gwt_memory_store (at + SLOT_STATUS, 2, 0xffff);
  else
    gwt_memory_store (at + 0x18, 2, s[2] | (uint32_t) s[3] << 8);
}

static void
number_buses (void)
{
  static const struct
  {
    uint32_t at, value;
  } numbers[] = { { 0x00008018, 0x010100 }, { 0x00010018, 0x060200 }, { 0x00200018, 0x050302 },
                  { 0x00300018, 0x040403 }, { 0x00308018, 0x050503 }, { 0x00008020, 0x41004100 },
                  { 0x0000803c, 0x00020000 }, { 0x00008004, 0x107 },
                  /* more than eight functions are reached behind rp0 and d0 */
                  { 0x0000807c, 0x20 },       { 0x003000b8, 0x20 } };
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    gwt_memory_store (ECAM + numbers[i].at, 4, numbers[i].value);
}

static void
step (const uint8_t *s)
{
  uint64_t value;
  switch (s[0] & 15)
    {
    case 0:
    case 1:
      plug (s);
      break;
    case 2:
    case 3:
      unplug (s);
      break;
    case 4:
      finish ();
      break;
    case 5:
      /* As core/machine does it, the late host comes with every reset. */
      gwt_device_reset_all (s[1] & 1 ? GWT_RESET_WARM : GWT_RESET_COLD);
      finish ();
      number_buses ();
      break;
    case 6:
      memcpy (&value, s + 4, 8);
      gwt_memory_store (UINT64_C (0x41000000) + s[2], 4, value);
      break;
    case 7:
    case 8:
    case 9:
      drive (s);
      break;
    default:
      poke (s);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp0,addr=1");
  bench_must ("pcie-root-port,id=rp1,addr=2");
  bench_must ("x3130-upstream,id=us,bus=rp1");
  bench_must ("xio3130-downstream,id=d0,bus=us");
  bench_must ("xio3130-downstream,id=d1,bus=us");
  gwt_device_reset_all (GWT_RESET_COLD);
  number_buses ();
  for (size_t at = 0; at + 12 <= size; at += 12)
    step (data + at);
  finish ();
  bench_end ();
  return 0;
}
