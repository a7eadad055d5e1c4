/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt controllers and the machine timer: the layout of their sections, in hostile hands, and
 * carried to a machine that was made anew.  What a machine does after it was saved is written down;
 * the new one has to do the same, in whichever order its sections are loaded.
 */
#include "config.h"
#include <godwit/clock.h>
#include "core/cpu/clock.h"
#include "core/migration/devices.h"
#include "tests/migration/intc-bench.h"
#include "tests/vmstate/hostile.h"

/* A register of the machine-level file of HART. */
static void
set_file (guint hart, uint64_t select, uint64_t value)
{
  set_csr (hart, MISELECT, select);
  set_csr (hart, MIREG, value);
}

static void
note (GString *log, const char *what, uint64_t value)
{
  g_string_append_printf (log, "%s%s %" G_GINT64_MODIFIER "x", log->len > 0 ? ", " : "", what,
                          value);
}

static void
note_lines (GString *log)
{
  for (guint i = 0; i < HARTS; i++)
    note (log, "mip", get_csr (i, MIP));
}

/* ---- carrying it ----------------------------------------------------------------------------- */

struct saved
{
  char *device;
  guint state;
  GByteArray *bytes;
};

static void
saved_free (void *data)
{
  struct saved *s = data;

  g_free (s->device);
  g_byte_array_unref (s->bytes);
  g_free (s);
}

static GPtrArray *
save_all (void)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (saved_free);
  guint count;
  g_autofree struct gwt_device **devices = gwt_device_list (&count);

  for (guint i = 0; i < count; i++)
    for (guint n = 0; devices[i]->type->d.states != NULL && devices[i]->type->d.states[n]; n++)
      {
        struct saved *s = g_new0 (struct saved, 1);

        s->device = g_strdup (devices[i]->id);
        s->state = n;
        s->bytes = save_of (devices[i]->type->d.states[n], devices[i]->instance, devices[i], NULL);
        g_ptr_array_add (all, s);
      }
  return all;
}

static void
load_all (const GPtrArray *all, bool backward)
{
  for (guint i = 0; i < all->len; i++)
    {
      const struct saved *s = all->pdata[backward ? all->len - 1 - i : i];
      struct gwt_device *device = gwt_device_find (s->device);
      const struct gwt_vmstate *state = device->type->d.states[s->state];
      g_autofree char *error = load_of (state, device->instance, device, state->version,
                                        s->bytes->data, s->bytes->len);

      g_assert_cmpstr (error, ==, NULL);
    }
}

static void
assert_same (const GPtrArray *all)
{
  g_autoptr (GPtrArray) again = save_all ();

  g_assert_cmpuint (again->len, ==, all->len);
  for (guint i = 0; i < all->len; i++)
    {
      const struct saved *a = all->pdata[i], *b = again->pdata[i];

      if (a->bytes->len != b->bytes->len
          || memcmp (a->bytes->data, b->bytes->data, a->bytes->len) != 0)
        g_error ("section %u of '%s' is saved differently after a load", a->state, a->device);
    }
}

/* Make a machine, have PREPARE done to it, save it, and write down what SCRIPT sees: WANTED.  Then
   the same of a machine that is loaded, a new one or one that has been through all that itself, in
   either order of sections; the wires are driven anew, before the load or after it. */
static void
carry (void (*build) (void), void (*prepare) (void), void (*rewire) (void),
       void (*script) (GString *log), const char *wanted)
{
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GString) log = g_string_new (NULL);
  uint64_t now = gwt_clock_now (GWT_CLOCK_VIRTUAL);

  build ();
  prepare ();
  all = save_all ();
  script (log);
  g_assert_cmpstr (log->str, ==, wanted);
  finish ();
  for (guint way = 0; way < 8; way++)
    {
      build ();
      if (way & 4)
        {
          prepare ();
          script (log);
          for (guint i = 0; i < 8; i++)
            set_wire (i, 0);
        }
      gwt_clock_virtual_set (now);
      if (way & 2)
        rewire ();
      load_all (all, way & 1);
      if (!(way & 2))
        rewire ();
      assert_same (all);
      g_string_set_size (log, 0);
      script (log);
      g_assert_cmpstr (log->str, ==, wanted);
      finish ();
      gwt_clock_virtual_set (now);
    }
}

static void
no_wires (void)
{
}

/* ---- time and software interrupts ------------------------------------------------------------ */

static void
prepare_time (void)
{
  gwt_clock_virtual_set (UINT64_C (5000000000));
  set (MTIME, 8, 1000000);
  set (MTIMECMP (0), 8, 999999);  /* is due */
  set (MTIMECMP (1), 8, 1000050); /* will be */
  set (MSIP (1), 4, 1);
  set_csr (0, MENVCFG, UINT64_C (1) << 63);
  set_csr (1, MENVCFG, UINT64_C (1) << 63);
  gwt_clock_virtual_set (UINT64_C (5000000000) + 7 * TICK);
  set_csr (0, STIMECMP, 1000007);
  set_csr (1, STIMECMP, 1000008);
}

static void
script_time (GString *log)
{
  note (log, "mtime", get (MTIME, 8) - 1000000);
  note (log, "mtimecmp", get (MTIMECMP (0), 8));
  note_lines (log);
  note (log, "stimecmp", get_csr (1, STIMECMP));
  note (log, "msip", get (MSIP (0), 4) << 4 | get (MSIP (1), 4));
  set (MSIP (1), 4, 0);
  set (MTIMECMP (0), 8, UINT64_MAX);
  set_csr (1, STIMECMP, UINT64_MAX);
  note_lines (log);
  gwt_clock_virtual_set (UINT64_C (5000000000) + 50 * TICK - 1);
  note (log, "mtime", get (MTIME, 8) - 1000000);
  note (log, "mip", get_csr (1, MIP));
  /* The last tick passes by itself, and the timer is there when it has. */
  gwt_clock_virtual_start ();
  while (!(get_csr (1, MIP) & 0x80))
    g_main_context_iteration (NULL, TRUE);
  gwt_clock_virtual_stop ();
  note (log, "mip", get_csr (1, MIP));
}

static void
test_time (void)
{
  gwt_clock_virtual_set (UINT64_C (5000000000) + 7 * TICK);
  carry (make_plic, prepare_time, no_wires, script_time,
         "mtime 7, mtimecmp f423f, mip a0, mip 8, stimecmp f4248, msip 1, mip 20, mip 0, mtime 31, "
         "mip 0, mip 80");
}

/* A timer that is due when the guest stands, and that the main loop has not come to: what is saved
   then is the state with its interrupt, whichever section comes first. */
static void
test_due (void)
{
  g_autoptr (GPtrArray) all = NULL;

  gwt_clock_virtual_set (0);
  make_plic ();
  set (MTIMECMP (0), 8, 50);
  set_csr (1, MENVCFG, UINT64_C (1) << 63);
  set_csr (1, STIMECMP, 50);
  gwt_clock_virtual_set (50 * TICK - 1);
  gwt_clock_fire_due ();
  g_assert_cmphex (get_csr (0, MIP) | get_csr (1, MIP), ==, 0);
  gwt_clock_virtual_set (50 * TICK);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmphex (get_csr (0, MIP) | get_csr (1, MIP), ==, 0);
  gwt_clock_fire_due ();
  g_assert_cmphex (get_csr (0, MIP), ==, 0x80);
  g_assert_cmphex (get_csr (1, MIP), ==, 0x20);
  all = save_all ();
  finish ();
  make_plic ();
  load_all (all, false);
  assert_same (all);
  finish ();
}

/* Names and types of the top level, one field after the other. */
static char *
outline (const char *description)
{
  GString *text = g_string_new (NULL);
  g_auto (GStrv) fields = g_strsplit (description, "{\"name\": \"", -1);

  for (guint i = 1; fields[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (fields[i], "\"", -1);
      const char *length = strstr (fields[i], "\"array_len\": ");
      const char *type = strstr (fields[i], "\"type\": \"") + 9;

      g_string_append_printf (text, "%s%s %.*s", i > 1 ? ", " : "", parts[0],
                              (int) strcspn (type, "\""), type);
      if (length != NULL)
        g_string_append_printf (text, " x%d", atoi (length + 13));
    }
  return g_string_free (text, FALSE);
}

static void
assert_section (const char *id, const char *name, uint32_t version, guint size, const char *fields)
{
  struct gwt_device *device = gwt_device_find (id);
  const struct gwt_vmstate *state = device->type->d.states[0];
  g_autofree char *text = NULL, *is = NULL;
  GByteArray *bytes = save_of (state, device->instance, device, &text);

  is = outline (text);
  g_assert_cmpstr (state->name, ==, name);
  g_assert_cmpuint (state->version, ==, version);
  g_assert_cmpstr (is, ==, fields);
  g_assert_cmpuint (bytes->len, ==, size);
  g_byte_array_unref (bytes);
}

static void
test_layouts (void)
{
  struct gwt_device *d;

  make_plic ();
  assert_section ("clint", "riscv_mtimer", 3, 8 + HARTS * 16,
                  "time_delta uint64, timecmp uint64 x2, timers timer x2");
  /* As QEMU's for two harts, whose number of sources counts the one that does not exist. */
  assert_section ("plic", "riscv_sifive_plic", 1, 96 * 4 + 4 * 4 + 3 * 4 + 3 * 4 + 4 * 3 * 4,
                  "source_priority uint32 x96, target_priority uint32 x4, pending uint32 x3, "
                  "claimed uint32 x3, enable uint32 x12");
  /* To the byte. */
  d = gwt_device_find ("clint");
  gwt_clock_virtual_set (0);
  set (MTIME, 8, 0x0102030405060708);
  set (MTIMECMP (1), 8, 0x1112131415161718);
  set (MSIP (0), 4, 1);
  assert_saves (d->type->d.states[0], d->instance,
                "0102030405060708 ffffffffffffffff 1112131415161718 ffffffffffffffff "
                "ffffffffffffffff 05 11 72697363765f6d74696d65722f6d736970 00000001 "
                "00000001 00000000");
  finish ();
  make_messages ();
  assert_section ("aplic-m", "riscv_aplic", 3, 8 * 4 + 3 * 97 * 4 + 3 * HARTS * 4,
                  "domaincfg uint32, mmsicfgaddr uint32, mmsicfgaddrH uint32, smsicfgaddr uint32, "
                  "smsicfgaddrH uint32, genmsi uint32, kvm_msicfgaddr uint32, "
                  "kvm_msicfgaddrH uint32, sourcecfg uint32 x97, state uint32 x97, "
                  "target uint32 x97, idelivery uint32 x2, iforce uint32 x2, ithreshold uint32 x2");
  assert_section ("imsic-s", "riscv_imsic", 2, HARTS * (4 + 4 + 128 * 4),
                  "eidelivery uint32 x2, eithreshold uint32 x2, eistate uint32 x256");
  finish ();
}

/* ---- PLIC ------------------------------------------------------------------------------------ */

static void
prepare_plic (void)
{
  for (guint i = 1; i < 8; i++)
    set (PRIORITY (i * 10), 4, i);
  set (ENABLE (0), 4, 1u << 10 | 1u << 20 | 1u << 30);
  set (ENABLE (3) + 4, 4, 1u << (40 - 32) | 1u << (50 - 32) | 1u << (60 - 32));
  set (ENABLE (3) + 8, 4, 1u << (70 - 64));
  set (THRESHOLD (3), 4, 5);
  set_wire (1, 1); /* pending, and its line falls: a request that went through stays */
  set_wire (1, 0);
  set_wire (2, 1); /* claimed, its line is up: pending again when it is completed */
  set_wire (3, 1); /* claimed, and its line falls */
  g_assert_cmpuint (get (CLAIM (0), 4), ==, 30);
  set_wire (3, 0);
  g_assert_cmpuint (get (CLAIM (0), 4), ==, 20);
  set_wire (4, 1); /* below the threshold */
  set_wire (6, 1); /* above it */
}

static void
rewire_plic (void)
{
  set_wire (2, 1);
  set_wire (4, 1);
  set_wire (6, 1);
}

static void
script_plic (GString *log)
{
  note_lines (log);
  note (log, "pending", get (PLIC + 0x1000, 4));
  note (log, "pending", get (PLIC + 0x1004, 4));
  set (CLAIM (0), 4, 30);
  set (CLAIM (0), 4, 20);
  note (log, "pending", get (PLIC + 0x1000, 4));
  note (log, "claim", get (CLAIM (0), 4));
  note (log, "claim", get (CLAIM (0), 4));
  note (log, "claim", get (CLAIM (0), 4));
  note (log, "claim", get (CLAIM (3), 4));
  note_lines (log);
  set_wire (6, 0);
  set (CLAIM (3), 4, 60);
  note_lines (log);
  set (THRESHOLD (3), 4, 0);
  note_lines (log);
  note (log, "claim", get (CLAIM (3), 4));
  set_wire (2, 0);
  set_wire (4, 0);
}

static void
test_plic (void)
{
  carry (make_plic, prepare_plic, rewire_plic, script_plic,
         "mip 800, mip 200, pending 400, pending 10000100, pending 100400, claim 14, claim a, "
         "claim 0, claim 3c, mip 0, mip 0, mip 0, mip 0, mip 0, mip 200, claim 28");
}

/* ---- APLIC with lines ------------------------------------------------------------------------ */

#define SOURCECFG(id) (4 * (id))
#define TARGET(id) (0x3000 + 4 * (id))
#define SETIE 0x1e00
#define SETIP 0x1c00
#define IDC(hart) (0x4000 + 0x20 * (hart))
#define CLAIMI(hart) (IDC (hart) + 0x1c)

static void
prepare_lines (void)
{
  /* 10: edge, 20: level, both machine's; 30: level, 40: edge, below; 50: detached; 60: inactive. */
  set (APLIC_M + SOURCECFG (10), 4, 4);
  set (APLIC_M + SOURCECFG (20), 4, 6);
  set (APLIC_M + SOURCECFG (50), 4, 1);
  set (APLIC_M + SOURCECFG (30), 4, 0x400);
  set (APLIC_M + SOURCECFG (40), 4, 0x400);
  set (APLIC_S + SOURCECFG (30), 4, 7);
  set (APLIC_S + SOURCECFG (40), 4, 4);
  set (APLIC_M + TARGET (10), 4, 0u << 18 | 3);
  set (APLIC_M + TARGET (20), 4, 1u << 18 | 2);
  set (APLIC_S + TARGET (30), 4, 0u << 18 | 5);
  set (APLIC_S + TARGET (40), 4, 1u << 18 | 4);
  set (APLIC_M + SETIE, 4, 1u << 10 | 1u << 20);
  set (APLIC_S + SETIE, 4, 1u << 30);
  set (APLIC_S + SETIE + 4, 4, 1u << (40 - 32));
  for (guint i = 0; i < HARTS; i++)
    {
      set (APLIC_M + IDC (i), 4, 1);
      set (APLIC_S + IDC (i), 4, 1);
    }
  set (APLIC_S + IDC (1) + 8, 4, 4); /* threshold: 4 is too low */
  set (APLIC_M, 4, 0x100);
  set (APLIC_S, 4, 0x100);
  set_wire (1, 1); /* an edge came */
  set_wire (2, 1);
  set_wire (3, 1); /* inverted: not pending */
  set_wire (4, 1);
  set (APLIC_M + IDC (0) + 4, 4, 1); /* forced */
}

static void
rewire_lines (void)
{
  for (guint i = 1; i < 5; i++)
    set_wire (i, 1);
}

static void
script_lines (GString *log)
{
  note_lines (log);
  note (log, "setip", get (APLIC_M + SETIP, 4) | get (APLIC_S + SETIP + 4, 4) << 32);
  note (log, "claim", get (APLIC_M + CLAIMI (0), 4));
  note (log, "claim", get (APLIC_M + CLAIMI (0), 4)); /* of the forced one */
  note_lines (log);
  set_wire (1, 0);
  set_wire (1, 1);
  set_wire (2, 0);
  note_lines (log);
  set_wire (3, 0);
  set (APLIC_S + IDC (1) + 8, 4, 0);
  note_lines (log);
  note (log, "topi", get (APLIC_S + IDC (0) + 0x18, 4));
  note (log, "claim", get (APLIC_S + CLAIMI (1), 4));
  note_lines (log);
  /* The parent takes one back. */
  set (APLIC_M + SOURCECFG (30), 4, 0);
  note_lines (log);
}

static void
test_aplic_lines (void)
{
  carry (make_lines, prepare_lines, rewire_lines, script_lines,
         "mip 800, mip 800, setip 10000100400, claim a0003, claim 0, mip 0, mip 800, mip 800, "
         "mip 0, mip a00, mip 200, topi 1e0005, claim 280004, mip a00, mip 0, mip 800, mip 0");
}

/* ---- APLIC and IMSIC ------------------------------------------------------------------------- */

static void
prepare_messages (void)
{
  set (APLIC_M + 0x1bc0, 4, IMSIC_M >> 12);
  set (APLIC_M + 0x1bc4, 4, 1u << 12);
  set (APLIC_M + 0x1bc8, 4, IMSIC_S >> 12);
  set (APLIC_M + SOURCECFG (10), 4, 4);
  set (APLIC_M + SOURCECFG (20), 4, 6);
  set (APLIC_M + TARGET (10), 4, 0u << 18 | 33);
  set (APLIC_M + TARGET (20), 4, 1u << 18 | 200);
  set (APLIC_M + SETIE, 4, 1u << 10 | 1u << 20);
  set (APLIC_M, 4, 0x100);
  for (guint i = 0; i < HARTS; i++)
    {
      set_file (i, 0x70, 1);                  /* eidelivery */
      set_file (i, 0xc0, UINT64_MAX);         /* eie0 */
      set_file (i, 0xc6, UINT64_C (1) << 8);  /* eie6: identity 200 */
    }
  set_file (1, 0x72, 201); /* eithreshold */
  set_wire (1, 1);
  set_wire (2, 1);
  set (IMSIC_M + 0x1000, 4, 5);   /* a message from elsewhere */
  set (IMSIC_M + 0x1000, 4, 255); /* pending, not enabled */
  set (IMSIC_S, 4, 100);
}

static void
rewire_messages (void)
{
  set_wire (1, 1);
  set_wire (2, 1);
}

static void
script_messages (GString *log)
{
  note_lines (log);
  for (guint i = 0; i < HARTS; i++)
    {
      note (log, "topei", get_csr (i, MTOPEI));
      set_csr (i, MTOPEI, 0);
      note (log, "topei", get_csr (i, MTOPEI));
      set_csr (i, MTOPEI, 0);
      note (log, "topei", get_csr (i, MTOPEI));
    }
  note_lines (log);
  set_csr (1, MISELECT, 0x86);
  note (log, "eip6", get_csr (1, MIREG));
  set_csr (1, MISELECT, 0x72);
  note (log, "eithreshold", get_csr (1, MIREG));
  /* An edge that was there is none again; a new one is. */
  set_wire (1, 0);
  set_wire (1, 1);
  note (log, "topei", get_csr (0, MTOPEI));
  note_lines (log);
}

static void
test_messages (void)
{
  carry (make_messages, prepare_messages, rewire_messages, script_messages,
         "mip 800, mip 800, topei 210021, topei 0, topei 0, topei 50005, topei c800c8, topei 0, "
         "mip 0, mip 0, eip6 8000000000000000, eithreshold c9, topei 210021, mip 800, mip 0");
}

/* ---- back to a snapshot ---------------------------------------------------------------------- */

/* Source 20, a timer or a message, for hart 1's machine mode. */
static void
quiet_plic (void)
{
  set (PRIORITY (20), 4, 1);
  set (ENABLE (2), 4, 1u << 20);
}

static void
quiet_lines (void)
{
  set (APLIC_M + SOURCECFG (20), 4, 6);
  set (APLIC_M + TARGET (20), 4, 1u << 18 | 1);
  set (APLIC_M + SETIE, 4, 1u << 20);
  set (APLIC_M + IDC (1), 4, 1);
  set (APLIC_M, 4, 0x100);
}

static void
quiet_messages (void)
{
  set_file (1, 0x70, 1);
  set_file (1, 0xc0, 2);
}

static void
raise_wire (uint32_t level)
{
  set_wire (2, level);
}

static void
raise_source (uint32_t level)
{
  set_wire (2, level);
  if (!level && get (CLAIM (2), 4) == 20)
    set (CLAIM (2), 4, 20);
}

static void
raise_message (uint32_t level)
{
  if (level)
    set (IMSIC_M + 0x1000, 4, 1);
  else if (get_csr (1, MTOPEI) != 0)
    set_csr (1, MTOPEI, 0);
}

static void
raise_timer (uint32_t level)
{
  set (MTIMECMP (1), 8, level ? 0 : UINT64_MAX);
}

static void
raise_software (uint32_t level)
{
  set (MSIP (1), 4, level);
}

/* What was up when the past came back is down, and comes up again the next time. */
static void
test_back (void)
{
  static const struct
  {
    void (*build) (void), (*quiet) (void), (*raise) (uint32_t level);
    uint64_t mip;
  } rows[] = {
    { make_plic, quiet_plic, raise_source, 0x800 },
    { make_lines, quiet_lines, raise_wire, 0x800 },
    { make_messages, quiet_messages, raise_message, 0x800 },
    { make_plic, no_wires, raise_timer, 0x80 },
    { make_plic, no_wires, raise_software, 8 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint backward = 0; backward < 2; backward++)
      for (guint up = 0; up < 2; up++)
        {
          g_autoptr (GPtrArray) all = NULL;

          rows[i].build ();
          rows[i].quiet ();
          if (up)
            rows[i].raise (1);
          all = save_all ();
          rows[i].raise (!up);
          g_assert_cmphex (get_csr (1, MIP), ==, up ? 0 : rows[i].mip);
          load_all (all, backward);
          g_assert_cmphex (get_csr (1, MIP), ==, up ? rows[i].mip : 0);
          rows[i].raise (!up);
          g_assert_cmphex (get_csr (1, MIP), ==, up ? 0 : rows[i].mip);
          rows[i].raise (up);
          g_assert_cmphex (get_csr (1, MIP), ==, up ? rows[i].mip : 0);
          finish ();
        }
}

/* ---- bad input ------------------------------------------------------------------------------- */

static void
test_hostile (void)
{
  static void (*const builds[]) (void) = { make_plic, make_lines, make_messages };
  static void (*const prepares[]) (void) = { prepare_plic, prepare_lines, prepare_messages };

  for (guint i = 0; i < G_N_ELEMENTS (builds); i++)
    {
      guint count;
      g_autofree struct gwt_device **devices = NULL;

      builds[i]();
      prepares[i]();
      set (MSIP (1), 4, 1);
      devices = gwt_device_list (&count);
      for (guint n = 0; n < count; n++)
        if (devices[n]->type->d.states != NULL && devices[n] != cpu[0] && devices[n] != cpu[1])
          {
            const struct gwt_vmstate *state = devices[n]->type->d.states[0];
            GByteArray *bytes = save_of (state, devices[n]->instance, devices[n], NULL);

            check_hostile (state, devices[n]->instance, devices[n], bytes);
            g_byte_array_unref (bytes);
          }
      finish ();
    }
}

static void
refused (const char *id, guint at, uint32_t value, const char *text)
{
  struct gwt_device *device = gwt_device_find (id);
  const struct gwt_vmstate *state = device->type->d.states[0];
  GByteArray *bytes = save_of (state, device->instance, device, NULL);
  g_autofree char *error = NULL;

  for (guint i = 0; i < 4; i++)
    bytes->data[at + i] = (uint8_t) (value >> (24 - 8 * i));
  error = load_of (state, device->instance, device, state->version, bytes->data, bytes->len);
  g_assert_cmpstr (error, ==, text);
  g_byte_array_unref (bytes);
}

static void
test_refused (void)
{
  make_plic ();
  refused ("plic", 0, 1,
           "byte 472: source_priority 0 is nothing that this controller can have; start both ends "
           "with the same properties");
  refused ("plic", 4 * 95, 8,
           "byte 472: source_priority 95 is nothing that this controller can have; start both ends "
           "with the same properties");
  refused ("plic", 4 * 96 + 4, 8,
           "byte 472: target_priority 1 is nothing that this controller can have; start both ends "
           "with the same properties");
  refused ("plic", 4 * 100, 1,
           "byte 472: pending word 0 is nothing that this controller can have; start both ends "
           "with the same properties");
  refused ("plic", 4 * 106, 1,
           "byte 472: enable word 0 is nothing that this controller can have; start both ends "
           "with the same properties");
  finish ();
  make_lines ();
  refused ("aplic-m", 0, 4,
           "byte 1220: domaincfg 4 is nothing that this domain can have; start both ends with the "
           "same properties");
  refused ("aplic-m", 24, 1,
           "byte 32: kvm_msicfgaddr: messages go where the host's kernel has them go; start the "
           "sender without KVM");
  refused ("aplic-m", 32 + 4 * 7, 0x401,
           "byte 1220: sourcecfg of source 7 is nothing that this domain can have; start both ends "
           "with the same properties");
  refused ("aplic-m", 32 + 4 * (97 + 7), 1,
           "byte 1220: state of source 7 is nothing that this domain can have; start both ends "
           "with the same properties");
  refused ("aplic-s", 32 + 4 * (97 + 7), 0x100,
           "byte 1220: state of source 7 is nothing that this domain can have; start both ends "
           "with the same properties");
  refused ("aplic-m", 32 + 4 * (2 * 97 + 7), 1,
           "byte 1220: target of source 7 is nothing that this domain can have; start both ends "
           "with the same properties");
  refused ("aplic-m", 32 + 4 * 3 * 97, 2,
           "byte 1220: idelivery of hart 0 is nothing that this domain can have; start both ends "
           "with the same properties");
  refused ("aplic-s", 4, 1,
           "byte 1220: mmsicfgaddr 1 is nothing that this domain can have; start both ends with "
           "the same properties");
  finish ();
  make_messages ();
  refused ("imsic-m", 8, 256,
           "byte 2064: eithreshold: 256 is above num-ids 255; start both ends with the same one");
  refused ("imsic-m", 4, 2, "byte 8: field 'eidelivery': element 1: 2 is above 1");
  refused ("imsic-m", 16 + 4 * 300, 4, "byte 1220: field 'eistate': element 300: 4 is above 3");
  finish ();
}

/* None of these is in the way of a migration. */
static void
test_blockers (void)
{
  static void (*const builds[]) (void) = { make_plic, make_messages };

  for (guint i = 0; i < G_N_ELEMENTS (builds); i++)
    {
      g_auto (GStrv) blockers = NULL;

      builds[i]();
      blockers = gwt_migration_blockers ();
      g_assert_cmpstr (blockers[0], ==, NULL);
      finish ();
    }
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  bench_init ();
  g_test_add_func ("/state-intc/layouts", test_layouts);
  g_test_add_func ("/state-intc/time", test_time);
  g_test_add_func ("/state-intc/due", test_due);
  g_test_add_func ("/state-intc/plic", test_plic);
  g_test_add_func ("/state-intc/aplic-lines", test_aplic_lines);
  g_test_add_func ("/state-intc/messages", test_messages);
  g_test_add_func ("/state-intc/back", test_back);
  g_test_add_func ("/state-intc/refused", test_refused);
  g_test_add_func ("/state-intc/hostile", test_hostile);
  g_test_add_func ("/state-intc/blockers", test_blockers);
  status = g_test_run ();
  gwt_run_finish ();
  return status;
}
