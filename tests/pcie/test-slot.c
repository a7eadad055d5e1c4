/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots, switches and MSI through the guest's eyes: what comes, what goes, who is told.  The bytes
 * that ports are compared with were read from QEMU 7.2's ports of the same kinds.  So many lines,
 * because a slot is told of all that its bus is, and the tests take turns with one machine.
 */
#include "tests/pcie/pcie-bench.h"

static uint64_t
at (unsigned bus, unsigned slot, unsigned offset)
{
  return ECAM + (bus << 20 | slot << 15 | offset);
}

static uint32_t
get (uint64_t address, uint32_t size)
{
  uint64_t value = 0;
  g_assert_cmpuint (gwt_memory_load (address, size, &value), ==, GWT_ACCESS_OK);
  return (uint32_t) value;
}

static void
put (uint64_t address, uint32_t size, uint32_t value)
{
  g_assert_cmpuint (gwt_memory_store (address, size, value), ==, GWT_ACCESS_OK);
}

/* The express capability of the root port in slot 1. */
#define EXPRESS 0x54
#define CONTROL at (0, 1, EXPRESS + 0x18)
#define STATUS at (0, 1, EXPRESS + 0x1a)
#define LINK at (0, 1, EXPRESS + 0x12)
#define ID at (1, 0, 0)
#define ABSENT 0xffffffff
#define PROBE 0x0fff1b36

static char refused_id[64];

static void
on_refused (struct gwt_device *device)
{
  g_strlcpy (refused_id, device->id, sizeof refused_id);
}

static void
begin (const char *port)
{
  bench_begin ();
  refused_id[0] = '\0';
  gwt_device_set_unplug_hooks (NULL, on_refused);
  bench_must (port);
  gwt_device_reset_all (GWT_RESET_COLD);
  put (at (0, 1, 0x18), 4, 0x010100);
  put (at (0, 1, 0x20), 4, 0x41004100);
  put (at (0, 1, 0x3e), 2, 2);
  put (at (0, 1, 4), 2, 7);
}

static void
plug (const char *text)
{
  GWT_AUTO_ERROR (err);
  if (bench_plug (text, &err) == NULL)
    g_error ("%s", err.text);
}

static void
plug_fails (const char *text, const char *wanted)
{
  GWT_AUTO_ERROR (err);
  guint before, after;
  g_free (gwt_device_list (&before));
  g_autofree char *map = gwt_memory_describe ();
  g_assert_null (bench_plug (text, &err));
  if (strstr (err.text, wanted) == NULL)
    g_error ("'%s' gave '%s', not '%s'", text, err.text, wanted);
  g_autofree char *map_after = gwt_memory_describe ();
  g_free (gwt_device_list (&after));
  g_assert_cmpuint (before, ==, after);
  g_assert_cmpstr (map, ==, map_after);
}

static void
unplug (const char *id)
{
  GWT_AUTO_ERROR (err);
  if (!bench_unplug (id, &err))
    g_error ("%s", err.text);
}

static void
unplug_fails (const char *id, const char *wanted)
{
  GWT_AUTO_ERROR (err);
  g_assert_false (bench_unplug (id, &err));
  if (strstr (err.text, wanted) == NULL)
    g_error ("device_del '%s' gave '%s', not '%s'", id, err.text, wanted);
}

static void
gone (const char *wanted)
{
  g_autofree char *ids = bench_gone ();
  g_assert_cmpstr (ids, ==, wanted);
}

static uint32_t
ask (const char *id, const char *method, uint32_t argument)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *text
      = strcmp (method, "resets") == 0 ? g_strdup ("[]") : g_strdup_printf ("[%u]", argument);
  json_object *result = NULL, *list = json_tokener_parse (text);
  gwt_device_call (gwt_device_find (id), method, list, &result, &err);
  bench_fine (&err);
  uint32_t value = (uint32_t) json_object_get_int64 (result);
  json_object_put (list);
  json_object_put (result);
  return value;
}

/* ---- registers ------------------------------------------------------------------------------ */

/* Hexadecimal bytes at an offset. */
struct bytes
{
  unsigned offset;
  const char *text;
};

static void
compare (uint64_t base, const struct bytes *bytes)
{
  for (; bytes->text != NULL; bytes++)
    {
      unsigned offset = bytes->offset;
      g_auto (GStrv) words = g_strsplit (bytes->text, " ", -1);
      for (guint i = 0; words[i] != NULL; i++, offset++)
        if (get (base + offset, 1) != strtoul (words[i], NULL, 16))
          g_error ("byte 0x%x is %02x, not %s", offset, get (base + offset, 1), words[i]);
    }
}

/* With x-pcie-err-unc-mask=off, as the mask was in that version. */
static const struct bytes root_port[] = {
  { 0x00, "36 1b 0c 00 00 00 10 00 00 00 04 06 00 00 01 00" },
  { 0x10, "00 00 00 00 00 00 00 00 00 00 00 00 f0 00 00 00" },
  { 0x20, "f0 ff 00 00 f1 ff 01 00 00 00 00 00 00 00 00 00" },
  { 0x30, "00 00 00 00 54 00 00 00 00 00 00 00 00 01 00 00" },
  { 0x40, "0d 00 00 00 36 1b 00 00 11 40 00 00 00 00 00 00" },
  { 0x50, "00 08 00 00 10 48 42 01 00 80 00 00 00 00 00 00" },
  { 0x60, "04 06 30 00 00 00 04 02 7b 00 0a 00 c0 07 00 00" },
  { 0x70, "00 00 00 00 00 00 00 00 20 00 30 00 00 00 00 00" },
  { 0x80, "1e 00 00 00 04 00 00 00 00 00 00 00 00 00 00 00" },
  { 0x100, "01 00 82 14 00 00 00 00 00 00 00 00 30 20 46 00" },
  { 0x110, "00 00 00 00 00 e0 00 00 a0 02 00 00 00 00 00 00" },
  { 0x120, "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00" },
  { 0x130, "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00" },
  { 0x140, "00 00 00 00 00 00 00 00 0d 00 01 00 5f 00 00 00" },
  { 0, NULL },
};
/* Taken, with link port 3. */
static const struct bytes taken[] = {
  { 0x60, "04 06 30 03 00 00 11 20 7b 00 12 00 c0 01 40 00" },
  { 0, NULL },
};
static const struct bytes no_hotplug[] = {
  { 0x60, "04 06 30 00 00 00 04 02 1b 00 1a 00 c0 07 00 00" },
  { 0, NULL },
};
static const struct bytes upstream[] = {
  { 0x00, "4c 10 32 82 00 00 10 00 02 00 04 06 00 00 01 00" },
  { 0x10, "00 00 00 00 00 00 00 00 01 02 04 00 00 00 00 00" },
  { 0x20, "00 00 00 00 01 00 01 00 00 00 00 00 00 00 00 00" },
  { 0x30, "00 00 00 00 90 00 00 00 00 00 00 00 00 00 00 00" },
  { 0x70, "05 00 80 00 00 00 00 00 00 00 00 00 00 00 00 00" },
  { 0x80, "0d 70 00 00 00 00 00 00 00 00 00 00 00 00 00 00" },
  { 0x90, "10 80 52 00 00 80 00 10 00 00 00 00 11 04 00 02" },
  { 0xa0, "00 00 11 00 00 00 00 00 00 00 00 00 00 00 00 00" },
  { 0xb0, "00 00 00 00 00 00 30 00 00 00 00 00 00 00 00 00" },
  { 0x100, "01 00 02 00 00 00 00 00 00 00 00 00 30 20 46 00" },
  { 0x110, "00 00 00 00 00 e0 00 00 a0 02 00 00 00 00 00 00" },
  { 0, NULL },
};
static const struct bytes downstream[] = {
  { 0x00, "4c 10 33 82 00 00 10 00 01 00 04 06 00 00 01 00" },
  { 0x10, "00 00 00 00 00 00 00 00 02 03 03 00 00 00 00 00" },
  { 0x90, "10 80 62 01 00 80 00 10 00 00 00 00 00 04 00 00" },
  { 0xa0, "00 00 11 20 7b 00 2a 00 c0 01 40 00 00 00 00 00" },
  { 0xb0, "00 00 00 00 20 00 30 00 00 00 00 00 00 00 00 00" },
  { 0x100, "01 00 02 00 00 00 00 00 00 00 00 00 30 20 46 00" },
  { 0, NULL },
};
static const struct bytes downstream_empty[] = {
  { 0x10, "00 00 00 00 00 00 00 00 02 04 04 00 00 00 00 00" },
  { 0xa0, "00 00 11 00 7b 00 32 00 c0 07 00 00 00 00 00 00" },
  { 0, NULL },
};

static void
test_registers (void)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp0,addr=1,chassis=1,slot=1,x-pcie-err-unc-mask=off");
  bench_must ("pcie-root-port,id=rp1,addr=2,chassis=2,slot=2,port=3");
  bench_must ("pcie-root-port,id=rp2,addr=3,chassis=3,slot=3,hotplug=off");
  bench_must ("pcie-root-port,id=rp3,addr=4,disable-acs=on,x-speed=5,x-width=4,"
              "power-controller-present=off");
  bench_must ("pci-probe,id=p,bus=rp1");
  for (int round = 0; round < 2; round++)
    {
      compare (at (0, 1, 0), root_port);
      compare (at (0, 2, 0), taken);
      compare (at (0, 3, 0), no_hotplug);
      g_assert_cmphex (get (at (0, 4, 0x100), 4), ==, 0x00020001);
      g_assert_cmphex (get (at (0, 4, 0x60), 4), ==, 0x00300442);
      g_assert_cmphex (get (at (0, 4, 0x68), 4), ==, 0x00020079);
      g_assert_cmphex (get (at (0, 4, 0x6c), 4), ==, 0x000003c0);
      g_assert_cmphex (get (at (0, 4, 0x80), 4), ==, 6);
      gwt_device_reset_all (GWT_RESET_WARM);
    }
  /* What a guest can write of slot control, access control and ARI. */
  put (at (0, 1, 0x6c), 2, 0xffff);
  g_assert_cmphex (get (at (0, 1, 0x6c), 2), ==, 0x17f9);
  g_assert_cmphex (get (at (0, 1, 0x6e), 2), ==, 0x0090); /* interlock turned, command done */
  put (at (0, 1, 0x6e), 2, 0xffff);
  g_assert_cmphex (get (at (0, 1, 0x6e), 2), ==, 0x0080);
  put (at (0, 1, 0x14e), 2, 0xffff);
  g_assert_cmphex (get (at (0, 1, 0x14e), 2), ==, 0x005f);
  put (at (0, 1, 0x7c), 2, 0xffff);
  g_assert_cmphex (get (at (0, 1, 0x7c), 2), ==, 0x8020);
  bench_end ();
}

static void
test_link_options (void)
{
  bench_begin ();
  plug_fails ("pcie-root-port,id=x,bus=nonesuch", "there is no bus 'nonesuch'; use 'pcie.0'");
  GWT_AUTO_ERROR (err);
  g_assert_null (bench_add ("pcie-root-port,id=x,x-speed=7", &err));
  g_assert_nonnull (strstr (err.text, "x-speed: '7' is none; use 2_5, 5, 8 or 16"));
  gwt_error_clear (&err);
  g_assert_null (bench_add ("pcie-root-port,id=x,x-width=3", &err));
  g_assert_nonnull (strstr (err.text, "x-width: a link has no 3 lanes; use 1, 2, 4, 8"));
  bench_end ();
}

/* ---- a guest that knows nothing of slots ---------------------------------------------------- */

static void
test_unaware (void)
{
  begin ("pcie-root-port,id=rp,addr=1");
  g_assert_cmphex (get (CONTROL, 2), ==, 0x07c0);
  g_assert_cmphex (get (STATUS, 2), ==, 0);
  g_assert_cmphex (get (ID, 4), ==, ABSENT);
  for (int round = 0; round < 3; round++)
    {
      plug ("pci-probe,id=p,bus=rp");
      g_assert_cmphex (get (CONTROL, 2), ==, 0x01c0);
      g_assert_cmphex (get (STATUS, 2), ==, 0x0148); /* present, changed, link changed */
      g_assert_cmphex (get (LINK, 2), ==, 0x2011);
      g_assert_cmphex (get (ID, 4), ==, PROBE);
      put (at (1, 0, 0x14), 4, 0x41000000);
      put (at (1, 0, 4), 2, 2);
      put (0x41000010, 4, 7);
      g_assert_cmphex (get (0x41000010, 4), ==, 7);
      put (STATUS, 2, 0xffff);
      unplug ("p");
      /* No power for it any more, even while the host has not come to destroy it. */
      g_assert_cmphex (get (0x41000010, 4), ==, ABSENT);
      g_assert_cmphex (get (at (1, 0, 4), 2), !=, 2);
      g_assert_cmpuint (ask ("p", "resets", 0), ==, 1);
      gone ("p ");
      g_assert_cmphex (get (CONTROL, 2), ==, 0x07c0);
      g_assert_cmphex (get (STATUS, 2), ==, 0x0108);
      g_assert_cmphex (get (LINK, 2), ==, 0x0204);
      g_assert_cmphex (get (ID, 4), ==, ABSENT);
      put (STATUS, 2, 0xffff);
      g_assert_cmpuint (sink->level[1], ==, 0);
    }
  /* What was there from the start goes as well. */
  bench_must ("pci-probe,id=q,bus=rp");
  g_assert_cmphex (get (STATUS, 2), ==, 0x0040);
  unplug ("q");
  gone ("q ");
  bench_end ();
}

static void
test_places (void)
{
  begin ("pcie-root-port,id=rp,addr=1");
  plug_fails ("pci-probe,id=p", "Bus 'pcie.0' does not support hotplugging; use the bus of a port, "
                                "as 'rp'");
  bench_must ("pcie-root-port,id=off,addr=2,hotplug=off");
  plug_fails ("pci-probe,id=p,bus=off", "Bus 'off' does not support hotplugging");
  plug_fails ("pci-probe,id=p,bus=rp,addr=1", "port 'rp' has slot 0 alone, not '1'");
  plug_fails ("pci-probe,id=p,bus=rp,vectors=4000", "4000 MSI-X vectors are out of range");
  plug_fails ("pcie-root-port,id=p,bus=rp", "a root port goes on the root bus");
  plug_fails ("xio3130-downstream,id=p,bus=rp", "is not inside a switch");
  bench_must ("pci-probe,id=q,bus=off");
  unplug_fails ("q", "Bus 'off' does not support hotplugging; device 'q' stays as long as the");
  unplug_fails ("rp", "Bus 'pcie.0' does not support hotplugging; device 'rp' stays");
  plug ("pci-probe,id=p,bus=rp");
  plug_fails ("pci-probe,id=r,bus=rp", "the slot of port 'rp' is taken by 'p'; remove that first");
  bench_must ("pcie-root-port,id=rp2,addr=3");
  plug_fails ("pci-probe,id=r,bus=rp",
              "remove that first, or use the bus of a free port, as 'rp2'");
  bench_end ();
}

/* Functions come one by one; function 0 brings the others to light. */
static void
test_functions (void)
{
  begin ("pcie-root-port,id=rp,addr=1");
  plug ("pci-probe,id=f2,bus=rp,addr=0.2");
  plug ("pci-probe,id=f1,bus=rp,addr=0.1");
  g_assert_cmphex (get (STATUS, 2), ==, 0);
  put (CONTROL, 2, 0x01c0);
  put (STATUS, 2, 0xffff);
  unplug ("f1");
  gone ("f1 ");
  g_assert_cmphex (get (CONTROL, 2), ==, 0x01c0);
  g_assert_cmphex (get (STATUS, 2), ==, 0);
  plug ("pci-probe,id=f1,bus=rp,addr=0.1");
  plug_fails ("pci-probe,id=f0,bus=rp", "the only slot of port 'rp' is taken");
  plug_fails ("pci-probe,id=f0,bus=rp,addr=0", "other functions; add multifunction=on");
  plug ("pci-probe,id=f0,bus=rp,addr=0,multifunction=on");
  g_assert_cmphex (get (STATUS, 2), ==, 0x0148);
  g_assert_cmphex (get (at (1, 0, 0x2000), 4), ==, PROBE);
  plug_fails ("pci-probe,id=f3,bus=rp,addr=0.3", "the slot of port 'rp' is taken by 'f0'");
  /* A card goes as a whole. */
  unplug ("f1");
  gone ("f2 f1 f0 ");
  g_assert_cmphex (get (STATUS, 2) & 0x40, ==, 0);
  bench_end ();
}

/* ---- a guest with a driver for the slot ----------------------------------------------------- */

/* What a driver sets up: messages to RAM, and the events that it wants. */
static void
take_slot (void)
{
  put (at (0, 1, 0x10), 4, 0x40000000);
  put (0x40000000, 4, (uint32_t) RAM);
  put (0x40000008, 4, 0x600d);
  put (0x4000000c, 4, 0);
  put (at (0, 1, 0x4a), 2, 0x8000);
  put (CONTROL, 2, get (CONTROL, 2) | 0x1031); /* link, interrupt, command, button */
  put (STATUS, 2, 0xffff);
  put (RAM, 4, 0);
}

/* Was there a message since the last look? */
static bool
told (void)
{
  bool was = get (RAM, 4) == 0x600d;
  put (RAM, 4, 0);
  return was;
}

static void
set_indicator (uint32_t power, uint32_t indicator)
{
  put (CONTROL, 2, (get (CONTROL, 2) & ~0x0700u) | power | indicator);
  g_assert_cmphex (get (STATUS, 2) & 0x10, ==, 0x10);
  put (STATUS, 2, 0x10);
}

static void
test_aware (void)
{
  begin ("pcie-root-port,id=rp,addr=1");
  take_slot ();
  g_assert_false (told ());
  plug ("pci-probe,id=p,bus=rp");
  /* The button is pressed for the user; without power nobody is there. */
  g_assert_true (told ());
  g_assert_cmphex (get (STATUS, 2), ==, 0x0049);
  g_assert_cmphex (get (CONTROL, 2) & 0x0700, ==, 0x0700);
  g_assert_cmphex (get (ID, 4), ==, ABSENT);
  g_assert_cmphex (get (LINK, 2) & 0x2000, ==, 0);
  /* Another event while one is pending is no news. */
  put (CONTROL, 2, get (CONTROL, 2));
  g_assert_cmphex (get (STATUS, 2), ==, 0x0059);
  g_assert_false (told ());
  put (STATUS, 2, 0x19);
  set_indicator (0x400, 0x200);
  set_indicator (0, 0x200);
  g_assert_true (told ());
  g_assert_cmphex (get (STATUS, 2), ==, 0x0140);
  g_assert_cmphex (get (LINK, 2), ==, 0x2011);
  g_assert_cmphex (get (ID, 4), ==, PROBE);
  set_indicator (0, 0x100);
  put (STATUS, 2, 0x100);
  told ();
  /* Asked to let go: the button again, once. */
  unplug ("p");
  gone ("");
  g_assert_true (told ());
  g_assert_cmphex (get (STATUS, 2), ==, 0x0041);
  unplug_fails ("p",
                "Device p is already in the process of unplug; the guest has not answered yet");
  put (STATUS, 2, 1);
  set_indicator (0, 0x200);
  unplug_fails ("p", "guest is busy with the slot of port 'rp', whose power indicator blinks");
  g_assert_cmphex (get (ID, 4), ==, PROBE);
  told ();
  set_indicator (0x400, 0x200);
  g_assert_cmphex (get (ID, 4), ==, ABSENT);
  g_assert_cmpuint (ask ("p", "resets", 0), ==, 1);
  gone ("");
  set_indicator (0x400, 0x300);
  gone ("p ");
  g_assert_true (told ());
  g_assert_cmphex (get (STATUS, 2) & 0x48, ==, 8);
  g_assert_cmpstr (refused_id, ==, "");
  bench_end ();
}

static void
power_up (void)
{
  set_indicator (0, 0x200);
  set_indicator (0, 0x100);
  put (STATUS, 2, 0xffff);
}

static void
test_refusal (void)
{
  begin ("pcie-root-port,id=rp,addr=1");
  take_slot ();
  plug ("pci-probe,id=p,bus=rp");
  power_up ();
  /* The button twice is a change of mind. */
  unplug ("p");
  put (STATUS, 2, 1);
  set_indicator (0, 0x200);
  g_assert_cmpstr (refused_id, ==, "");
  set_indicator (0, 0x100);
  g_assert_cmpstr (refused_id, ==, "p");
  refused_id[0] = '\0';
  /* It can be asked again; the attention indicator says that it cannot be done. */
  unplug ("p");
  put (STATUS, 2, 1);
  put (CONTROL, 2, (get (CONTROL, 2) & ~0x00c0u) | 0x0040);
  g_assert_cmpstr (refused_id, ==, "p");
  refused_id[0] = '\0';
  put (CONTROL, 2, get (CONTROL, 2) | 0x00c0);
  set_indicator (0, 0x200);
  set_indicator (0, 0x100);
  g_assert_cmpstr (refused_id, ==, "");
  /* A guest that switches a slot off lets go of what is in it. */
  set_indicator (0x400, 0x100);
  gone ("");
  set_indicator (0x400, 0x300);
  /* Twice, before the host has come. */
  set_indicator (0, 0x100);
  set_indicator (0x400, 0x300);
  gone ("p ");
  /* A slot that is off gives its device back without asking. */
  plug ("pci-probe,id=p,bus=rp");
  unplug ("p");
  gone ("p ");
  bench_end ();
}

static void
test_reset (void)
{
  begin ("pcie-root-port,id=rp,addr=1");
  take_slot ();
  plug ("pci-probe,id=p,bus=rp");
  power_up ();
  gwt_device_reset_all (GWT_RESET_WARM);
  gone ("");
  g_assert_cmphex (get (CONTROL, 2), ==, 0x01c0);
  g_assert_cmphex (get (STATUS, 2), ==, 0x0040);
  put (at (0, 1, 0x18), 4, 0x010100);
  g_assert_cmphex (get (ID, 4), ==, PROBE);
  put (at (0, 1, 4), 2, 7);
  take_slot ();
  unplug ("p");
  gone ("");
  gwt_device_reset_all (GWT_RESET_WARM);
  gone ("p ");
  g_assert_cmphex (get (CONTROL, 2), ==, 0x07c0);
  g_assert_cmphex (get (STATUS, 2) & 0x40, ==, 0);
  bench_end ();
}

/* The line instead of messages, shared with error reporting. */
static void
test_line (void)
{
  begin ("pcie-root-port,id=rp,addr=1");
  put (CONTROL, 2, get (CONTROL, 2) | 0x0021);
  plug ("pci-probe,id=p,bus=rp");
  g_assert_cmpuint (sink->level[1], ==, 1);
  put (at (0, 1, 0x12c), 4, 7);
  put (at (0, 1, 0x5c), 2, 0xf);
  GWT_AUTO_ERROR (err);
  json_object *args = json_tokener_parse ("[1, true, 0, 0, 0, 0]"), *result = NULL;
  gwt_device_call (gwt_device_find ("rp"), "aer_inject", args, &result, &err);
  bench_fine (&err);
  json_object_put (args);
  json_object_put (result);
  put (STATUS, 2, 9);
  g_assert_cmpuint (sink->level[1], ==, 1);
  put (at (0, 1, 0x130), 4, 0x7f);
  g_assert_cmpuint (sink->level[1], ==, 0);
  put (CONTROL, 2, 0x01f1); /* power */
  put (STATUS, 2, 0x1ff);
  g_assert_cmpuint (sink->level[1], ==, 0);
  /* Off while the interrupt is: events are recorded all the same. */
  put (CONTROL, 2, get (CONTROL, 2) & ~0x20u);
  unplug ("p");
  g_assert_cmphex (get (STATUS, 2) & 1, ==, 1);
  g_assert_cmpuint (sink->level[1], ==, 0);
  put (CONTROL, 2, get (CONTROL, 2) | 0x20);
  g_assert_cmpuint (sink->level[1], ==, 1);
  bench_end ();
}

/* ---- switches ------------------------------------------------------------------------------- */

static void
begin_switch (void)
{
  begin ("pcie-root-port,id=rp,addr=1");
  bench_must ("x3130-upstream,id=us,bus=rp,port=2,x-pcie-err-unc-mask=off");
  bench_must ("xio3130-downstream,id=d0,bus=us,chassis=2,slot=5,x-pcie-err-unc-mask=off");
  bench_must ("xio3130-downstream,id=d1,bus=us,chassis=2,slot=6");
  bench_must ("pci-probe,id=p,bus=d0");
  put (at (0, 1, 0x18), 4, 0x040100);
  put (at (1, 0, 0x18), 4, 0x040201);
  put (at (2, 0, 0x18), 4, 0x030302);
  put (at (2, 1, 0x18), 4, 0x040402);
}

static void
open_windows (void)
{
  put (at (1, 0, 0x20), 4, 0x41004100);
  put (at (1, 0, 4), 2, 0x107);
  put (at (1, 0, 0x3e), 2, 2);
  put (at (2, 0, 0x20), 4, 0x41004100);
  put (at (2, 0, 4), 2, 0x107);
  put (at (2, 0, 0x3e), 2, 2);
  put (at (0, 1, 4), 2, 0x107);
  put (at (3, 0, 0x14), 4, 0x41000000);
  put (at (3, 0, 4), 2, 0x106);
}

static void
test_switch (void)
{
  begin_switch ();
  compare (at (1, 0, 0), upstream);
  compare (at (2, 0, 0), downstream);
  compare (at (2, 1, 0), downstream_empty);
  g_assert_cmphex (get (at (3, 0, 0), 4), ==, PROBE);
  g_assert_cmphex (get (at (4, 0, 0), 4), ==, ABSENT);
  g_assert_cmphex (get (at (2, 2, 0), 4), ==, ABSENT);
  open_windows ();
  put (0x41000020, 4, 9);
  g_assert_cmphex (get (0x41000020, 4), ==, 9);
  /* Each bridge on the way can close. */
  static const uint64_t ways[] = { 0x108000, 0x200000 };
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      uint64_t command = i == 0 ? at (1, 0, 4) : at (2, 0, 4);
      put (command, 2, 0);
      g_assert_cmphex (get (0x41000020, 4), ==, ABSENT);
      put (command, 2, 0x107);
      g_assert_cmphex (get (0x41000020, 4), ==, 9);
    }
  /* INTA of slot 0 behind slot 0 behind slot 0 is INTA at the root port in slot 1. */
  ask ("p", "intx", 1);
  g_assert_cmpuint (sink->level[1], ==, 1);
  ask ("p", "intx", 0);
  g_assert_cmpuint (sink->level[1], ==, 0);
  /* A bus reset at the top reaches the bottom. */
  put (at (0, 1, 0x3e), 2, 0x42);
  put (at (0, 1, 0x3e), 2, 2);
  g_assert_cmpuint (ask ("p", "resets", 0), ==, 1);
  g_assert_cmphex (get (0x41000020, 4), ==, ABSENT);
  g_assert_cmphex (get (at (1, 0, 0x18), 4), ==, 0);
  bench_end ();
}

static void
inject (const char *id, uint32_t status)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *text = g_strdup_printf ("[%u, false, 1, 2, 3, 4]", status);
  json_object *args = json_tokener_parse (text), *result = NULL;
  gwt_device_call (gwt_device_find (id), "aer_inject", args, &result, &err);
  bench_fine (&err);
  json_object_put (args);
  json_object_put (result);
}

/* Errors of functions and ports below arrive at the root port, unless a bridge keeps them. */
static void
test_switch_errors (void)
{
  begin_switch ();
  open_windows ();
  static const struct
  {
    const char *id;
    unsigned bus, slot, control;
    uint32_t source;
  } who[]
      = { { "p", 3, 0, 0, 0x0300 }, { "d1", 2, 1, 0x98, 0x0208 }, { "us", 1, 0, 0x98, 0x0100 } };
  for (guint i = 0; i < G_N_ELEMENTS (who); i++)
    {
      uint64_t control = at (who[i].bus, who[i].slot, who[i].control);
      if (who[i].control != 0)
        put (control, 2, 7);
      inject (who[i].id, 0x1000);
      g_assert_cmphex (get (at (0, 1, 0x130), 4), ==, 0x24);
      g_assert_cmphex (get (at (0, 1, 0x136), 2), ==, who[i].source);
      put (at (0, 1, 0x130), 4, 0x7f);
    }
  put (at (2, 0, 0x3e), 2, 0);
  inject ("p", 0x4000);
  g_assert_cmphex (get (at (0, 1, 0x130), 4), ==, 0);
  put (at (2, 0, 0x3e), 2, 2);
  put (at (1, 0, 0x3e), 2, 0);
  inject ("p", 0x8000);
  g_assert_cmphex (get (at (0, 1, 0x130), 4), ==, 0);
  bench_end ();
}

static void
test_switch_plug (void)
{
  begin_switch ();
  plug_fails ("pci-probe,id=x,bus=us", "Bus 'us' does not support hotplugging; use the bus of a "
                                       "port, as 'd1'");
  plug_fails ("xio3130-downstream,id=x,bus=us", "Bus 'us' does not support hotplugging");
  plug ("pci-probe,id=q,bus=d1");
  g_assert_cmphex (get (at (4, 0, 0), 4), ==, PROBE);
  unplug ("q");
  gone ("q ");
  plug ("pci-probe,id=q,bus=d1");
  /* All that hangs on a switch goes with it, what is at the end first. */
  unplug ("us");
  gone ("q d1 p d0 us ");
  g_assert_cmphex (get (at (1, 0, 0), 4), ==, ABSENT);
  /* And a switch comes, though not what would be inside it. */
  plug ("x3130-upstream,id=us,bus=rp");
  g_assert_cmphex (get (at (1, 0, 0), 4), ==, 0x8232104c);
  plug_fails ("xio3130-downstream,id=d0,bus=us", "Bus 'us' does not support hotplugging");
  GWT_AUTO_ERROR (err);
  g_assert_null (bench_add ("pci-probe,id=x,bus=us", &err));
  g_assert_nonnull (strstr (err.text, "'us' is inside a switch, where only its downstream ports"));
  gwt_error_clear (&err);
  g_assert_null (bench_add ("xio3130-downstream,id=x", &err));
  g_assert_nonnull (strstr (err.text, "bus: 'pcie.0' is not inside a switch"));
  gwt_error_clear (&err);
  g_assert_null (bench_add ("x3130-upstream,id=x", &err));
  g_assert_nonnull (strstr (err.text, "'pcie.0' is a root bus, and a switch begins behind a port"));
  bench_end ();
}

/* A downstream port has no line; its events are messages, MSI with 64-bit addresses at 70. */
static void
test_switch_message (void)
{
  begin_switch ();
  put (at (2, 1, 0x74), 4, (uint32_t) RAM + 8);
  put (at (2, 1, 0x7c), 2, 0x55);
  put (at (2, 1, 0x72), 2, 1);
  put (at (2, 1, 4), 2, 4);
  put (at (2, 1, 0xa8), 2, 0x07e1);
  plug ("pci-probe,id=q,bus=d1");
  g_assert_cmphex (get (RAM + 8, 4), ==, 0x55);
  g_assert_cmphex (get (at (2, 1, 0xaa), 2), ==, 0x0059);
  bench_end ();
}

/* ---- headers of several errors -------------------------------------------------------------- */

static void
inject_header (uint32_t status, uint32_t header)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *text = g_strdup_printf ("[%u, false, %u, 2, 3, 4]", status, header);
  json_object *args = json_tokener_parse (text), *result = NULL;
  gwt_device_call (gwt_device_find ("p"), "aer_inject", args, &result, &err);
  bench_fine (&err);
  json_object_put (args);
  json_object_put (result);
}

static void
test_headers (void)
{
  bench_begin ();
  bench_must ("pci-probe,id=p,addr=2");
  uint64_t aer = at (0, 2, 0x100), status = aer + 4, control = aer + 0x18, log = aer + 0x1c;
  /* One is shown, and no other kept, unless software asks for it. */
  inject_header (0x1000, 11);
  inject_header (0x4000, 12);
  put (status, 4, 0x1000);
  g_assert_cmphex (get (status, 4), ==, 0x4000);
  g_assert_cmphex (get (log, 4), ==, 11);
  put (status, 4, 0x4000);
  put (control, 4, 0x400);
  g_assert_cmphex (get (control, 4) & ~0x1fu, ==, 0x6a0);
  inject_header (0x4000, 21);
  inject_header (0x1000, 22);
  inject_header (0x4000, 23);
  g_assert_cmphex (get (control, 4) & 0x1f, ==, 14);
  g_assert_cmphex (get (log, 4), ==, 21);
  put (status, 4, 0x1000); /* not the one that is shown */
  g_assert_cmphex (get (log, 4), ==, 21);
  put (status, 4, 0x4000);
  g_assert_cmphex (get (status, 4), ==, 0x1000);
  g_assert_cmphex (get (control, 4) & 0x1f, ==, 12);
  g_assert_cmphex (get (log, 4), ==, 22);
  g_assert_cmphex (get (log + 12, 4), ==, 4);
  put (status, 4, 0x1000);
  g_assert_cmphex (get (status, 4), ==, 0x4000);
  g_assert_cmphex (get (log, 4), ==, 23);
  put (status, 4, 0x4000);
  g_assert_cmphex (get (status, 4), ==, 0);
  /* Eight wait behind the first; then the log overflows. */
  for (uint32_t i = 0; i < 9; i++)
    inject_header (0x1000, 30 + i);
  g_assert_cmphex (get (aer + 0x10, 4), ==, 0);
  inject_header (0x1000, 39);
  g_assert_cmphex (get (aer + 0x10, 4), ==, 0x8000);
  for (uint32_t i = 0; i < 9; i++)
    {
      g_assert_cmphex (get (log, 4), ==, 30 + i);
      put (status, 4, 0x1000);
    }
  g_assert_cmphex (get (status, 4), ==, 0);
  /* Those that wait are forgotten when software no longer asks for them, and without power. */
  for (int round = 0; round < 2; round++)
    {
      put (control, 4, 0x400);
      inject_header (0x1000, 41);
      inject_header (0x4000, 42);
      if (round == 0)
        {
          put (control, 4, 0);
          put (control, 4, 0x400);
        }
      else
        {
          gwt_device_reset_all (GWT_RESET_COLD);
          put (control, 4, 0x400);
        }
      put (status, 4, 0x1000);
      g_assert_cmphex (get (log, 4), ==, round == 0 ? 41 : 0);
      put (status, 4, 0x4000);
    }
  bench_end ();
}

/* ---- MSI ------------------------------------------------------------------------------------ */

static void
test_msi (void)
{
  GWT_AUTO_ERROR (err);
  bench_begin ();
  bench_must ("pci-probe,id=p,addr=2,vectors=0,msi=8,msi-mask=on");
  g_assert_null (bench_add ("pci-probe,id=q,vectors=0,msi=3", &err));
  g_assert_nonnull (strstr (err.text, "3 MSI vectors make no sense; use 1, 2, 4, 8, 16 or 32"));
  unsigned msi = get (at (0, 2, 0x34), 1);
  while (get (at (0, 2, msi), 1) != 5)
    msi = get (at (0, 2, msi + 1), 1);
  g_assert_cmphex (get (at (0, 2, msi + 2), 2), ==, 0x0186);
  put (at (0, 2, msi + 4), 4, (uint32_t) RAM + 3);
  g_assert_cmphex (get (at (0, 2, msi + 4), 4), ==, (uint32_t) RAM);
  put (at (0, 2, msi + 0xc), 2, 0x12ff);
  put (at (0, 2, 4), 2, 4);
  g_assert_cmpuint (ask ("p", "msi_notify", 0), ==, 0);
  g_assert_cmphex (get (RAM, 4), ==, 0);
  /* Four of eight: the lower two bits of the data are the vector. */
  put (at (0, 2, msi + 2), 2, 0x21);
  g_assert_cmpuint (ask ("p", "msi_notify", 2), ==, 4);
  g_assert_cmphex (get (RAM, 4), ==, 0x12fe);
  ask ("p", "msi_notify", 5);
  g_assert_cmphex (get (RAM, 4), ==, 0x12fe);
  /* More than there are is all there are. */
  put (at (0, 2, msi + 2), 2, 0x71);
  g_assert_cmpuint (ask ("p", "msi_notify", 7), ==, 8);
  g_assert_cmphex (get (RAM, 4), ==, 0x12ff);
  /* Masked: pending until it is unmasked, and shown in bytes and words. */
  put (RAM, 4, 0);
  put (at (0, 2, msi + 0x10), 4, 0xffffffff);
  g_assert_cmphex (get (at (0, 2, msi + 0x10), 4), ==, 0xff);
  ask ("p", "msi_notify", 1);
  ask ("p", "msi_notify", 7);
  g_assert_cmphex (get (RAM, 4), ==, 0);
  g_assert_cmphex (get (at (0, 2, msi + 0x14), 4), ==, 0x82);
  g_assert_cmphex (get (at (0, 2, msi + 0x14), 1), ==, 0x82);
  g_assert_cmphex (get (at (0, 2, msi + 0x15), 1), ==, 0);
  put (at (0, 2, msi + 0x14), 4, 0xff); /* read-only */
  g_assert_cmphex (get (at (0, 2, msi + 0x14), 4), ==, 0x82);
  put (at (0, 2, msi + 0x10), 4, 0x80);
  g_assert_cmphex (get (RAM, 4), ==, 0x12f9);
  g_assert_cmphex (get (at (0, 2, msi + 0x14), 4), ==, 0x80);
  gwt_device_reset_all (GWT_RESET_WARM);
  g_assert_cmphex (get (at (0, 2, msi + 0x14), 4), ==, 0);
  g_assert_cmpuint (ask ("p", "msi_notify", 0), ==, 0);
  bench_end ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/slot/registers", test_registers);
  g_test_add_func ("/slot/link-options", test_link_options);
  g_test_add_func ("/slot/guest-without-driver", test_unaware);
  g_test_add_func ("/slot/places", test_places);
  g_test_add_func ("/slot/functions", test_functions);
  g_test_add_func ("/slot/guest-with-driver", test_aware);
  g_test_add_func ("/slot/refusal", test_refusal);
  g_test_add_func ("/slot/reset", test_reset);
  g_test_add_func ("/slot/line", test_line);
  g_test_add_func ("/switch/registers-and-windows", test_switch);
  g_test_add_func ("/switch/errors", test_switch_errors);
  g_test_add_func ("/switch/plug", test_switch_plug);
  g_test_add_func ("/switch/message", test_switch_message);
  g_test_add_func ("/aer/headers", test_headers);
  g_test_add_func ("/msi/vectors", test_msi);
  return g_test_run ();
}
