/* SPDX-License-Identifier: BSD-2-Clause */
/* riscv-aplic: source modes, delegation, both ways of delivery, messages that come back, threads.
   So many lines, because every case stands on the same pair of domains. */
#include "mock-host.h"

#define DOMAINCFG 0
#define SOURCECFG(n) (4 * (n))
#define MMSIADDRCFG 0x1bc0
#define MMSIADDRCFGH 0x1bc4
#define SMSIADDRCFG 0x1bc8
#define SMSIADDRCFGH 0x1bcc
#define SETIP(n) (0x1c00 + 4 * ((n) / 32))
#define SETIPNUM 0x1cdc
#define IN_CLRIP(n) (0x1d00 + 4 * ((n) / 32))
#define CLRIPNUM 0x1ddc
#define SETIE(n) (0x1e00 + 4 * ((n) / 32))
#define SETIENUM 0x1edc
#define CLRIE(n) (0x1f00 + 4 * ((n) / 32))
#define CLRIENUM 0x1fdc
#define SETIPNUM_LE 0x2000
#define SETIPNUM_BE 0x2004
#define GENMSI 0x3000
#define TARGET(n) (0x3000 + 4 * (n))
#define IDELIVERY(h) (0x4000 + 0x20 * (h))
#define IFORCE(h) (IDELIVERY (h) + 4)
#define ITHRESHOLD(h) (IDELIVERY (h) + 8)
#define TOPI(h) (IDELIVERY (h) + 0x18)
#define CLAIMI(h) (IDELIVERY (h) + 0x1c)

enum
{
  INACTIVE,
  DETACHED,
  EDGE1 = 4,
  EDGE0,
  LEVEL1,
  LEVEL0,
  DELEGATE = 0x400
};

static const struct gwt_plugin *plugin;
static struct gwt_device *m, *s; /* root domain, and the supervisor's below it */

static uint32_t
get (struct gwt_device *d, uint32_t offset)
{
  return (uint32_t) mock_load_reg (d, offset, 4);
}

static void
set (struct gwt_device *d, uint32_t offset, uint32_t value)
{
  mock_store_reg (d, offset, 4, value);
}

static int
pending (struct gwt_device *d, uint32_t n)
{
  return get (d, SETIP (n)) >> n % 32 & 1;
}

static int
enabled (struct gwt_device *d, uint32_t n)
{
  return get (d, SETIE (n)) >> n % 32 & 1;
}

static int
rectified (struct gwt_device *d, uint32_t n)
{
  return get (d, IN_CLRIP (n)) >> n % 32 & 1;
}

static void
domains (uint32_t cpus, gboolean messages)
{
  const char *mode = messages ? "msimode=1" : "msimode=0";

  mock_new_machine (cpus);
  m = mock_new (plugin->types[0], "m", "mmode=1", mode, NULL);
  s = mock_new (plugin->types[0], "s", "parent=m", mode, NULL);
}

static void
end (void)
{
  mock_free (s);
  mock_free (m);
}

/* Both domains with messages to files at 0x24000000 and 0x28000000, up to 4 harts. */
static void
with_messages (void)
{
  domains (4, TRUE);
  set (m, MMSIADDRCFG, 0x24000);
  set (m, MMSIADDRCFGH, 2 << 12);
  set (m, SMSIADDRCFG, 0x28000);
  set (m, DOMAINCFG, 0x100);
  set (s, DOMAINCFG, 0x100);
}

static void
one_message (uint64_t address, uint32_t data)
{
  const struct mock_message *sent = &g_array_index (mock.messages, struct mock_message, 0);

  g_assert_cmpuint (mock.messages->len, ==, 1);
  g_assert_cmphex (sent->address, ==, address);
  g_assert_cmpuint (sent->data, ==, data);
  g_array_set_size (mock.messages, 0);
}

static void
no_message (void)
{
  g_assert_cmpuint (mock.messages->len, ==, 0);
}

static void
test_rows (void)
{
  mock_check_rows (plugin->types[0]);
}

/* ---- registers ---- */

static void
test_domaincfg (void)
{
  domains (1, TRUE);
  g_assert_cmphex (get (m, DOMAINCFG), ==, 0x80000004);
  set (m, DOMAINCFG, 0xfffffffe);
  g_assert_cmphex (get (m, DOMAINCFG), ==, 0x80000104);
  /* Big-endian: the registers, this one too, but for the two that say so themselves. */
  set (m, DOMAINCFG, 0x101);
  g_assert_cmphex (get (m, DOMAINCFG), ==, 0x05010080);
  set (m, SOURCECFG (5), (uint32_t) DETACHED << 24);
  g_assert_cmphex (get (m, SOURCECFG (5)), ==, (uint32_t) DETACHED << 24);
  set (m, SETIPNUM_LE, 5);
  g_assert_cmphex (get (m, SETIP (5)), ==, 0x20000000);
  set (m, CLRIPNUM, 0x05000000);
  g_assert_cmphex (get (m, SETIP (5)), ==, 0);
  set (m, SETIPNUM_BE, 0x05000000);
  g_assert_cmphex (get (m, SETIP (5)), ==, 0x20000000);
  /* Software that does not know the order writes a byte at both ends. */
  set (m, DOMAINCFG, 0);
  g_assert_cmphex (get (m, DOMAINCFG), ==, 0x80000004);
  set (m, SETIPNUM_BE, 0x05000000);
  g_assert_cmphex (get (m, SETIP (5)), ==, 0x20);
  end ();
  domains (1, FALSE);
  set (m, DOMAINCFG, 4);
  g_assert_cmphex (get (m, DOMAINCFG), ==, 0x80000000);
  end ();
}

static void
test_sourcecfg (void)
{
  static const uint32_t modes[8] = { 0, 1, 0, 0, 4, 5, 6, 7 };

  domains (1, TRUE);
  for (uint32_t v = 0; v < 8; v++)
    {
      set (m, SOURCECFG (96), 0xfffffbf8 | v);
      g_assert_cmphex (get (m, SOURCECFG (96)), ==, modes[v]);
    }
  set (m, SOURCECFG (97), DETACHED);
  g_assert_cmphex (get (m, SOURCECFG (97)), ==, 0);
  set (m, SOURCECFG (1023), DELEGATE);
  g_assert_cmphex (get (m, SOURCECFG (1023)), ==, 0);
  /* There is one child, and a leaf has none. */
  set (m, SOURCECFG (9), DELEGATE | 1);
  g_assert_cmphex (get (m, SOURCECFG (9)), ==, 0);
  set (m, SOURCECFG (9), 0xfffffc00);
  g_assert_cmphex (get (m, SOURCECFG (9)), ==, DELEGATE);
  set (s, SOURCECFG (9), LEVEL1);
  set (s, SOURCECFG (9), DELEGATE);
  g_assert_cmphex (get (s, SOURCECFG (9)), ==, 0);
  /* An inactive source has no other state. */
  set (s, SOURCECFG (9), DETACHED);
  set (s, SETIENUM, 9);
  set (s, SETIPNUM, 9);
  set (s, TARGET (9), 0x40007);
  g_assert_true (pending (s, 9) && enabled (s, 9));
  set (s, SOURCECFG (9), INACTIVE);
  g_assert_false (pending (s, 9) || enabled (s, 9));
  g_assert_cmphex (get (s, TARGET (9)), ==, 0);
  set (s, SETIENUM, 9);
  set (s, SETIPNUM, 9);
  set (s, SETIE (9), G_MAXUINT32);
  set (s, SETIP (9), G_MAXUINT32);
  set (s, TARGET (9), 1);
  g_assert_false (pending (s, 9) || enabled (s, 9));
  g_assert_cmphex (get (s, TARGET (9)), ==, 0);
  end ();
}

/* A source that was not delegated is not there; one that is taken back is there no more. */
static void
test_delegation (void)
{
  with_messages ();
  set (s, SOURCECFG (10), LEVEL1);
  g_assert_cmphex (get (s, SOURCECFG (10)), ==, 0);
  set (m, SOURCECFG (10), DELEGATE);
  g_assert_cmphex (get (s, SOURCECFG (10)), ==, 0);
  mock_input (m, 10, 1);
  set (s, SOURCECFG (10), LEVEL1);
  set (s, TARGET (10), 33);
  g_assert_true (rectified (s, 10));
  g_assert_false (rectified (m, 10));
  g_assert_false (pending (m, 10));
  g_assert_true (pending (s, 10));
  set (s, SETIENUM, 10);
  one_message (0x28000000, 33);
  set (m, SETIENUM, 10); /* not the parent's */
  g_assert_false (enabled (m, 10));
  set (m, SOURCECFG (10), DELEGATE); /* the same again */
  g_assert_cmphex (get (s, SOURCECFG (10)), ==, LEVEL1);
  set (m, SOURCECFG (10), EDGE0);
  g_assert_cmphex (get (s, SOURCECFG (10)), ==, 0);
  g_assert_cmphex (get (s, TARGET (10)), ==, 0);
  g_assert_false (pending (s, 10) || enabled (s, 10) || rectified (s, 10));
  set (m, SETIENUM, 10);
  set (m, TARGET (10), 5);
  mock_input (m, 10, 0);
  one_message (0x24000000, 5);
  end ();
}

static void
test_bits (void)
{
  domains (1, TRUE);
  for (uint32_t n = 1; n <= 1023; n++)
    set (m, SOURCECFG (n), DETACHED);
  for (uint32_t n = 0; n < 1024; n += 32)
    {
      uint32_t there = n == 0 ? 0xfffffffe : n < 96 ? G_MAXUINT32 : n == 96 ? 1 : 0;

      set (m, SETIP (n), G_MAXUINT32);
      g_assert_cmphex (get (m, SETIP (n)), ==, there);
      set (m, IN_CLRIP (n), 0x0f0f0f0f);
      g_assert_cmphex (get (m, SETIP (n)), ==, there & 0xf0f0f0f0);
      set (m, SETIE (n), G_MAXUINT32);
      g_assert_cmphex (get (m, SETIE (n)), ==, there);
      set (m, CLRIE (n), 0x00ff00ff);
      g_assert_cmphex (get (m, SETIE (n)), ==, there & 0xff00ff00);
      g_assert_cmphex (get (m, CLRIE (n)), ==, 0);
      g_assert_cmphex (get (m, IN_CLRIP (n)), ==, 0);
    }
  set (m, CLRIENUM, 10);
  g_assert_false (enabled (m, 10));
  set (m, SETIENUM, 10);
  g_assert_true (enabled (m, 10));
  set (m, CLRIPNUM, 7);
  g_assert_false (pending (m, 7));
  set (m, SETIPNUM, 7);
  g_assert_true (pending (m, 7));
  for (uint32_t n = 0; n < 4; n++)
    {
      static const uint32_t numbers[] = { SETIPNUM, CLRIPNUM, SETIENUM, CLRIENUM };
      static const uint32_t none[] = { 0, 97, 1024, G_MAXUINT32, 0x80000007 };
      uint32_t ip = get (m, SETIP (0)), ie = get (m, SETIE (0));

      for (uint32_t i = 0; i < G_N_ELEMENTS (none); i++)
        set (m, numbers[n], none[i]);
      g_assert_cmphex (get (m, SETIP (0)), ==, ip);
      g_assert_cmphex (get (m, SETIE (0)), ==, ie);
      g_assert_cmphex (get (m, numbers[n]), ==, 0);
    }
  end ();
}

static void
test_accesses (void)
{
  uint64_t value;

  domains (1, TRUE);
  for (uint32_t size = 1; size <= 8; size *= 2)
    if (size != 4)
      {
        g_assert_cmpuint (mock_load_status (m, 0x2000, size, &value), ==, GWT_ACCESS_ERROR);
        g_assert_cmpuint (mock_store_status (m, 0x2000, size, 0), ==, GWT_ACCESS_ERROR);
      }
  /* Reserved bytes, and what a domain with messages does not have. */
  for (uint32_t offset = 0; offset < 0x8000; offset += 4)
    {
      set (s, offset, offset == DOMAINCFG ? 0 : G_MAXUINT32);
      if (offset != DOMAINCFG && offset != GENMSI)
        g_assert_cmphex (get (s, offset), ==, 0);
    }
  g_assert_cmpuint (mock.logs, >, 0);
  g_assert_cmpuint (mock.logs, <=, 2); /* one a domain */
  end ();
}

static void
test_msi_addresses (void)
{
  domains (1, TRUE);
  set (m, MMSIADDRCFG, 0x89abcdef);
  set (m, MMSIADDRCFGH, 0x7fffffff);
  set (m, SMSIADDRCFG, 0x12345678);
  set (m, SMSIADDRCFGH, 0xffffffff);
  g_assert_cmphex (get (m, MMSIADDRCFG), ==, 0x89abcdef);
  g_assert_cmphex (get (m, MMSIADDRCFGH), ==, 0x1f77ffff);
  g_assert_cmphex (get (m, SMSIADDRCFG), ==, 0x12345678);
  g_assert_cmphex (get (m, SMSIADDRCFGH), ==, 0x00700fff);
  set (s, MMSIADDRCFG, 1); /* the root domain's alone */
  g_assert_cmphex (get (s, MMSIADDRCFG), ==, 0);
  set (m, MMSIADDRCFGH, 0x80001000);
  g_assert_cmphex (get (m, MMSIADDRCFGH), ==, 0x80001000);
  for (uint32_t offset = MMSIADDRCFG; offset <= SMSIADDRCFGH; offset += 4)
    {
      uint32_t locked = get (m, offset);

      set (m, offset, 0);
      g_assert_cmphex (get (m, offset), ==, locked);
    }
  mock_reset (m, GWT_RESET_WARM);
  set (m, MMSIADDRCFG, 7);
  g_assert_cmphex (get (m, MMSIADDRCFG), ==, 7);
  end ();
  domains (1, FALSE);
  set (m, MMSIADDRCFG, 7);
  g_assert_cmphex (get (m, MMSIADDRCFG), ==, 0);
  end ();
}

/* ---- messages ---- */

static void
test_message_address (void)
{
  with_messages ();
  set (m, SOURCECFG (3), DETACHED);
  set (m, SETIENUM, 3);
  set (m, TARGET (3), G_MAXUINT32);
  g_assert_cmphex (get (m, TARGET (3)), ==, 0xfffc07ff); /* no guests, bit 11 reserved */
  set (m, SETIPNUM, 3);
  one_message (0x24003000, 0x7ff); /* LHXW bits of the index */
  g_assert_false (pending (m, 3));
  set (m, TARGET (3), 2 << 18 | 9);
  set (m, SETIPNUM, 3);
  one_message (0x24002000, 9);
  /* Groups of two harts, 32 MiB apart; four pages a hart; a base above 4 GiB. */
  set (m, MMSIADDRCFGH, 1u << 24 | 2u << 20 | 1u << 16 | 1u << 12 | 0x1);
  set (m, TARGET (3), 3 << 18 | 9);
  set (m, SETIPNUM, 3);
  one_message (0x100024000000 | 0x2000000 | 0x4000, 9);
  /* Supervisor level has its own base and LHXS, the rest is shared. */
  set (m, SMSIADDRCFGH, 1u << 20);
  set (m, SOURCECFG (4), DELEGATE);
  set (s, SOURCECFG (4), DETACHED);
  set (s, TARGET (4), 3 << 18 | 12);
  set (s, SETIENUM, 4);
  set (s, SETIPNUM, 4);
  one_message (0x28000000 | 0x2000000 | 0x2000, 12);
  end ();
}

static void
test_enables (void)
{
  with_messages ();
  set (m, DOMAINCFG, 0);
  set (m, SOURCECFG (3), DETACHED);
  set (m, TARGET (3), 3);
  set (m, SETIPNUM, 3);
  set (m, SETIENUM, 3);
  no_message ();
  set (m, CLRIENUM, 3);
  set (m, DOMAINCFG, 0x100);
  no_message ();
  set (m, SETIENUM, 3);
  one_message (0x24000000, 3);
  set (m, SETIENUM, 3);
  no_message ();
  end ();
}

static void
test_edges (void)
{
  with_messages ();
  set (m, SOURCECFG (3), EDGE1);
  set (m, TARGET (3), 3);
  set (m, SETIENUM, 3);
  mock_input (m, 3, 1);
  one_message (0x24000000, 3);
  mock_input (m, 3, 1);
  no_message ();
  mock_input (m, 3, 0);
  no_message ();
  set (m, SETIPNUM, 3);
  one_message (0x24000000, 3);
  set (m, CLRIENUM, 3);
  mock_input (m, 3, 1);
  mock_input (m, 3, 0);
  g_assert_true (pending (m, 3)); /* an edge that is over is not forgotten */
  set (m, CLRIPNUM, 3);
  set (m, SETIENUM, 3);
  no_message ();
  set (m, SOURCECFG (3), EDGE0); /* low now: that is a rise of the rectified input */
  one_message (0x24000000, 3);
  g_assert_true (rectified (m, 3));
  mock_input (m, 3, 1);
  no_message ();
  g_assert_false (rectified (m, 3));
  mock_input (m, 3, 0);
  one_message (0x24000000, 3);
  set (m, SOURCECFG (3), DETACHED);
  mock_input (m, 3, 1);
  mock_input (m, 3, 0);
  no_message ();
  g_assert_false (rectified (m, 3));
  end ();
}

/* 4.7 and 4.9.2 */
static void
test_levels_with_messages (void)
{
  with_messages ();
  for (uint32_t mode = LEVEL1; mode <= LEVEL0; mode++)
    {
      uint32_t on = mode == LEVEL1;

      set (m, SOURCECFG (3), INACTIVE);
      mock_input (m, 3, !on);
      set (m, SOURCECFG (3), mode);
      set (m, TARGET (3), 3);
      set (m, SETIENUM, 3);
      no_message ();
      set (m, SETIPNUM, 3); /* cannot be set while low */
      set (m, SETIP (3), 8);
      no_message ();
      mock_input (m, 3, on);
      one_message (0x24000000, 3);
      /* Forwarded and still up: nothing more by itself, but by the service routine's setipnum. */
      mock_input (m, 3, on);
      no_message ();
      set (m, SETIPNUM_LE, 3);
      one_message (0x24000000, 3);
      set (m, CLRIENUM, 3);
      set (m, SETIPNUM, 3);
      g_assert_true (pending (m, 3));
      mock_input (m, 3, !on);
      g_assert_false (pending (m, 3));
      mock_input (m, 3, on);
      g_assert_true (pending (m, 3));
      set (m, IN_CLRIP (3), 8);
      g_assert_false (pending (m, 3));
    }
  /* A pending bit does not come along into a level-sensitive mode whose input is low. */
  set (m, SOURCECFG (3), DETACHED);
  set (m, SETIPNUM, 3);
  mock_input (m, 3, 0);
  set (m, SOURCECFG (3), LEVEL1);
  g_assert_false (pending (m, 3));
  end ();
}

static void
test_genmsi (void)
{
  with_messages ();
  set (s, DOMAINCFG, 0); /* it does not ask for IE */
  set (s, GENMSI, G_MAXUINT32);
  one_message (0x28003000, 0x7ff);
  g_assert_cmphex (get (s, GENMSI), ==, 0xfffc07ff);
  set (s, GENMSI, 1 << 18 | 8);
  one_message (0x28001000, 8);
  g_assert_cmphex (get (s, GENMSI), ==, 1 << 18 | 8);
  end ();
  domains (1, FALSE);
  set (m, GENMSI, 9);
  no_message ();
  g_assert_cmphex (get (m, GENMSI), ==, 0);
  end ();
}

static GString *order;

static uint32_t
genmsi_meanwhile (uint64_t address, uint32_t data)
{
  (void) address;
  g_string_append_printf (order, " %u", data);
  if (data == 1)
    {
      /* Another thread comes while the first of three messages is on its way. */
      set (m, GENMSI, 99);
      g_assert_cmphex (get (m, GENMSI), ==, 0x1000 | 99);
      set (m, GENMSI, 55); /* ignored: busy */
    }
  return GWT_ACCESS_OK;
}

/* Behind a genmsi all that was to be sent before has been sent. */
static void
test_genmsi_is_last (void)
{
  with_messages ();
  order = g_string_new (NULL);
  mock.on_message = genmsi_meanwhile;
  set (m, DOMAINCFG, 0);
  for (uint32_t n = 1; n <= 3; n++)
    {
      set (m, SOURCECFG (n), DETACHED);
      set (m, TARGET (n), n);
      set (m, SETIENUM, n);
      set (m, SETIPNUM, n);
    }
  set (m, DOMAINCFG, 0x100);
  g_assert_cmpstr (order->str, ==, " 1 2 3 99");
  g_assert_cmphex (get (m, GENMSI), ==, 99);
  g_string_free (order, TRUE);
  end ();
}

static uint32_t echoes;

/* The APLIC's own setipnum is behind the address. */
static uint32_t
echo (uint64_t address, uint32_t data)
{
  (void) address;
  echoes++;
  set (m, SETIPNUM_LE, data);
  return GWT_ACCESS_OK;
}

/* The same through a device whose line comes back. */
static uint32_t
echo_line (uint64_t address, uint32_t data)
{
  (void) address;
  (void) data;
  echoes++;
  mock_input (m, 3, 0);
  mock_input (m, 3, 1);
  return GWT_ACCESS_OK;
}

static void
test_messages_that_come_back (void)
{
  with_messages ();
  set (m, SOURCECFG (3), DETACHED);
  set (m, TARGET (3), 3);
  set (m, SETIENUM, 3);
  echoes = 0;
  mock.on_message = echo;
  set (m, SETIPNUM, 3);
  g_assert_cmpuint (echoes, >, 1);
  g_assert_cmpuint (echoes, <, 1000);
  g_assert_cmpuint (mock.logs, ==, 1);
  set (m, SOURCECFG (3), EDGE1);
  echoes = 0;
  mock.on_message = echo_line;
  mock_input (m, 3, 1);
  g_assert_cmpuint (echoes, >, 1);
  g_assert_cmpuint (echoes, <, 1000);
  /* It recovers. */
  mock.on_message = NULL;
  set (m, CLRIPNUM, 3);
  g_array_set_size (mock.messages, 0);
  set (m, SETIPNUM, 3);
  one_message (0x24000000, 3);
  end ();
}

/* ---- lines ---- */

static void
test_priorities (void)
{
  domains (2, FALSE);
  set (m, DOMAINCFG, 0x100);
  set (m, IDELIVERY (1), 1);
  for (uint32_t n = 10; n <= 40; n += 10)
    {
      set (m, SOURCECFG (n), EDGE1);
      g_assert_cmphex (get (m, TARGET (n)), ==, 1); /* never priority 0 */
      set (m, SETIENUM, n);
    }
  set (m, TARGET (10), 1 << 18 | 0xf8); /* three bits, zero: 1 */
  g_assert_cmphex (get (m, TARGET (10)), ==, 1 << 18 | 1);
  set (m, TARGET (10), 1 << 18 | 3);
  set (m, TARGET (20), 1 << 18 | 2);
  set (m, TARGET (30), 1 << 18 | 2);
  set (m, TARGET (40), 7); /* hart 0, where delivery is off */
  for (uint32_t n = 10; n <= 40; n += 10)
    mock_input (m, n, 1);
  g_assert_cmpuint (mock_level (m, "ext", 1), ==, 1);
  g_assert_cmpuint (mock_level (m, "ext", 0), ==, 0);
  g_assert_cmphex (get (m, TOPI (0)), ==, 40 << 16 | 7);
  set (m, ITHRESHOLD (1), 2);
  g_assert_cmphex (get (m, TOPI (1)), ==, 0);
  g_assert_cmpuint (mock_level (m, "ext", 1), ==, 0);
  set (m, ITHRESHOLD (1), 0xfb);
  g_assert_cmphex (get (m, ITHRESHOLD (1)), ==, 3);
  g_assert_cmphex (get (m, TOPI (1)), ==, 20 << 16 | 2);
  g_assert_cmphex (get (m, CLAIMI (1)), ==, 20 << 16 | 2);
  g_assert_cmphex (get (m, CLAIMI (1)), ==, 30 << 16 | 2);
  g_assert_cmpuint (mock_level (m, "ext", 1), ==, 0);
  set (m, ITHRESHOLD (1), 0);
  g_assert_cmpuint (mock_level (m, "ext", 1), ==, 1);
  /* topi and claimi ask neither for IE nor for idelivery. */
  set (m, DOMAINCFG, 0);
  g_assert_cmpuint (mock_level (m, "ext", 1), ==, 0);
  set (m, IDELIVERY (1), 0);
  g_assert_cmphex (get (m, TOPI (1)), ==, 10 << 16 | 3);
  set (m, TOPI (1), 0);
  set (m, CLAIMI (1), 0);
  g_assert_cmphex (get (m, CLAIMI (1)), ==, 10 << 16 | 3);
  g_assert_cmphex (get (m, CLAIMI (1)), ==, 0);
  /* A hart that is none. */
  set (m, DOMAINCFG, 0x100);
  set (m, TARGET (10), 2u << 18 | 1);
  set (m, SETIPNUM, 10);
  set (m, TARGET (20), G_MAXUINT32);
  set (m, SETIPNUM, 20);
  set (m, IDELIVERY (2), 1);
  g_assert_cmphex (get (m, IDELIVERY (2)), ==, 0);
  g_assert_cmphex (get (m, CLAIMI (2)), ==, 0);
  end ();
}

static void
test_levels_with_lines (void)
{
  domains (1, FALSE);
  set (m, DOMAINCFG, 0x100);
  set (m, IDELIVERY (0), 1);
  set (m, SOURCECFG (3), LEVEL1);
  set (m, SETIENUM, 3);
  set (m, SETIPNUM, 3);
  g_assert_false (pending (m, 3));
  mock_input (m, 3, 1);
  set (m, CLRIPNUM, 3);
  g_assert_true (pending (m, 3));
  g_assert_cmphex (get (m, CLAIMI (0)), ==, 3 << 16 | 1);
  g_assert_true (pending (m, 3)); /* a copy of the input, whatever was claimed */
  g_assert_cmpuint (mock_level (m, "ext", 0), ==, 1);
  mock_input (m, 3, 0);
  g_assert_false (pending (m, 3));
  g_assert_cmpuint (mock_level (m, "ext", 0), ==, 0);
  set (m, SOURCECFG (3), LEVEL0);
  g_assert_true (pending (m, 3));
  g_assert_cmpuint (mock_level (m, "ext", 0), ==, 1);
  set (m, SOURCECFG (3), INACTIVE);
  g_assert_cmpuint (mock_level (m, "ext", 0), ==, 0);
  no_message ();
  end ();
}

static void
test_iforce (void)
{
  domains (2, FALSE);
  set (s, IFORCE (1), 0xffffffff);
  g_assert_cmphex (get (s, IFORCE (1)), ==, 1);
  g_assert_cmpuint (mock_level (s, "ext", 1), ==, 0);
  set (s, IDELIVERY (1), 0xffffffff);
  g_assert_cmphex (get (s, IDELIVERY (1)), ==, 1);
  g_assert_cmpuint (mock_level (s, "ext", 1), ==, 0);
  set (s, DOMAINCFG, 0x100);
  g_assert_cmpuint (mock_level (s, "ext", 1), ==, 1);
  g_assert_cmphex (get (s, TOPI (1)), ==, 0);
  g_assert_cmpuint (mock_level (s, "ext", 1), ==, 1);
  g_assert_cmphex (get (s, CLAIMI (1)), ==, 0);
  g_assert_cmphex (get (s, IFORCE (1)), ==, 0);
  g_assert_cmpuint (mock_level (s, "ext", 1), ==, 0);
  end ();
}

/* ---- the device ---- */

static void
test_reset (void)
{
  with_messages ();
  mock_input (m, 3, 1);
  set (m, SOURCECFG (4), DELEGATE);
  set (s, SOURCECFG (4), DETACHED);
  set (s, SETIENUM, 4);
  set (m, SOURCECFG (3), LEVEL1);
  set (m, TARGET (3), 3);
  mock_reset (m, GWT_RESET_WARM);
  mock_reset (s, GWT_RESET_WARM);
  g_assert_cmphex (get (m, DOMAINCFG), ==, 0x80000004);
  for (uint32_t offset = 4; offset < 0x8000; offset += 4)
    g_assert_cmphex (get (m, offset) | get (s, offset), ==, 0);
  /* The wire is still up. */
  set (m, DOMAINCFG, 0x100);
  set (m, SOURCECFG (3), LEVEL1);
  set (m, SETIENUM, 3);
  one_message (0, 0);
  end ();
  domains (1, FALSE);
  set (m, DOMAINCFG, 0x100);
  set (m, IDELIVERY (0), 1);
  set (m, IFORCE (0), 1);
  mock_reset (m, GWT_RESET_COLD);
  g_assert_cmpuint (mock_level (m, "ext", 0), ==, 0);
  end ();
}

static void
refused (const char *text, const char *a, const char *b)
{
  g_assert_null (mock_try_new (plugin->types[0], "x", a, b, NULL));
  g_assert_cmpstr (mock_error.text, ==, text);
}

static void
test_properties (void)
{
  domains (2, TRUE);
  refused ("iprio-mask 0x5 is no row of ones; use 1, 3, 7, ..., 0xff", "mmode=1", "iprio-mask=5");
  refused ("hartid-base 2 is beyond the machine's 2 harts; use 0 to 1", "mmode=1", "hartid-base=2");
  refused ("num-harts 3 is out of range; use 1 to 2", "mmode=1", "num-harts=3");
  refused ("aperture-size 0x4000 does not hold 2 harts in whole pages; use a multiple of 0x1000 "
           "from 0x5000 on",
           "mmode=1", "aperture-size=0x4000");
  refused ("the root domain must be a domain of machine mode; set its property mmode=on",
           "mmode=0", NULL);
  refused ("a parent must be a domain of machine mode; set its property mmode=on", "parent=s",
           NULL);
  refused ("num-sources 95 and hartid-base 0 are not the parent's; use 96 and 0", "parent=m",
           "num-sources=95");
  mock.harts_made = 1;
  refused ("hart 1 is not there; have the board make its harts before this device", "mmode=1",
           NULL);
  end ();
}

static void
test_three_domains (void)
{
  struct gwt_device *between, *leaf;

  domains (1, TRUE);
  between = mock_new (plugin->types[0], "between", "parent=m", "mmode=1", "msimode=1", NULL);
  leaf = mock_new (plugin->types[0], "leaf", "parent=between", "msimode=1", NULL);
  set (m, SMSIADDRCFG, 0x28000);
  set (m, SOURCECFG (5), DELEGATE | 1);
  set (leaf, SOURCECFG (5), EDGE1); /* not its own yet */
  g_assert_cmphex (get (leaf, SOURCECFG (5)), ==, 0);
  set (between, SOURCECFG (5), DELEGATE);
  set (leaf, SOURCECFG (5), EDGE1);
  set (leaf, TARGET (5), 6);
  set (leaf, SETIENUM, 5);
  set (leaf, DOMAINCFG, 0x100);
  mock_input (m, 5, 1);
  one_message (0x28000000, 6);
  set (m, SOURCECFG (5), DELEGATE | 0); /* taken from both */
  g_assert_cmphex (get (between, SOURCECFG (5)) | get (leaf, SOURCECFG (5)), ==, 0);
  mock_free (leaf);
  mock_free (between);
  set (m, SOURCECFG (5), DELEGATE | 1);
  g_assert_cmphex (get (m, SOURCECFG (5)), ==, 0);
  end ();
}

static void
test_describe (void)
{
  const struct gwt_fdt_interrupts_ops *ops = NULL;
  struct gwt_device *controller;
  uint32_t cells[GWT_FDT_SPECIFIER_MAX];

  domains (2, TRUE);
  g_assert_cmpstr (mock_describe (m), ==,
                   "compatible = 'qemu,aplic' 'riscv,aplic'\n"
                   "#address-cells = 0\n"
                   "#interrupt-cells = 2\n"
                   "interrupt-controller\n"
                   "riscv,num-sources = 96\n"
                   "riscv,children = 7\n"
                   "riscv,delegation = 7 1 96\n"
                   "riscv,delegate = 7 1 96\n"
                   "phandle = 7\n");
  for (uint64_t i = 0; i < m->type->n_interfaces; i++)
    if (g_str_equal (m->type->interfaces[i].id, GWT_FDT_INTERRUPTS_INTERFACE))
      ops = m->type->interfaces[i].table;
  g_assert_nonnull (ops);
  controller = m;
  g_assert_cmpuint (ops->specifier (m->instance, 11, cells, &controller), ==, 2);
  g_assert_true (controller == s);
  g_assert_cmpuint (cells[0], ==, 11);
  g_assert_cmpuint (cells[1], ==, 4);
  end ();
  domains (2, FALSE);
  g_assert_cmpstr (mock_describe (s), ==,
                   "compatible = 'qemu,aplic' 'riscv,aplic'\n"
                   "#address-cells = 0\n"
                   "#interrupt-cells = 2\n"
                   "interrupt-controller\n"
                   "riscv,num-sources = 96\n"
                   "interrupts-extended = 100 9 101 9\n"
                   "phandle = 7\n");
  end ();
}

/* ---- more than one thread ---- */

#define WIRES 4
#define ROUNDS 20000

static uint32_t received[WIRES + 1];

static uint32_t
count (uint64_t address, uint32_t data)
{
  g_assert_cmphex (address, ==, 0x28000000);
  g_assert_true (data >= 1 && data <= WIRES);
  __atomic_add_fetch (&received[data], 1, __ATOMIC_RELEASE);
  return GWT_ACCESS_OK;
}

/* Each edge is to become one message; the next comes when that has arrived. */
static gpointer
device (gpointer data)
{
  uint32_t n = GPOINTER_TO_UINT (data);

  for (uint32_t i = 1; i <= ROUNDS; i++)
    {
      m->input (m->instance, n, 1);
      while (__atomic_load_n (&received[n], __ATOMIC_ACQUIRE) != i)
        g_thread_yield ();
      m->input (m->instance, n, 0);
    }
  return NULL;
}

static void
test_threads (void)
{
  GThread *threads[WIRES];

  with_messages ();
  memset (received, 0, sizeof received);
  mock.on_message = count;
  for (uint32_t n = 1; n <= WIRES; n++)
    {
      set (m, SOURCECFG (n), DELEGATE);
      set (s, SOURCECFG (n), n % 2 ? EDGE1 : LEVEL1);
      set (s, TARGET (n), n);
      set (s, SETIENUM, n);
    }
  for (uint32_t n = 1; n <= WIRES; n++)
    threads[n - 1] = g_thread_new ("device", device, GUINT_TO_POINTER (n));
  /* Meanwhile a guest enables and disables, and looks. */
  for (uint32_t i = 0; i < ROUNDS; i++)
    {
      set (s, CLRIENUM, 1 + i % WIRES);
      g_assert_cmphex (get (s, SETIE (1)) & 1, ==, 0);
      set (s, SETIENUM, 1 + i % WIRES);
    }
  for (uint32_t n = 0; n < WIRES; n++)
    g_thread_join (threads[n]);
  for (uint32_t n = 1; n <= WIRES; n++)
    g_assert_cmpuint (received[n], ==, ROUNDS);
  end ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  plugin = mock_load ("riscv-aplic");
  g_test_add_func ("/rows", test_rows);
  g_test_add_func ("/domaincfg", test_domaincfg);
  g_test_add_func ("/sourcecfg", test_sourcecfg);
  g_test_add_func ("/delegation", test_delegation);
  g_test_add_func ("/bits", test_bits);
  g_test_add_func ("/accesses", test_accesses);
  g_test_add_func ("/msi-addresses", test_msi_addresses);
  g_test_add_func ("/message-address", test_message_address);
  g_test_add_func ("/enables", test_enables);
  g_test_add_func ("/edges", test_edges);
  g_test_add_func ("/levels-with-messages", test_levels_with_messages);
  g_test_add_func ("/genmsi", test_genmsi);
  g_test_add_func ("/genmsi-is-last", test_genmsi_is_last);
  g_test_add_func ("/messages-that-come-back", test_messages_that_come_back);
  g_test_add_func ("/priorities", test_priorities);
  g_test_add_func ("/levels-with-lines", test_levels_with_lines);
  g_test_add_func ("/iforce", test_iforce);
  g_test_add_func ("/reset", test_reset);
  g_test_add_func ("/properties", test_properties);
  g_test_add_func ("/three-domains", test_three_domains);
  g_test_add_func ("/describe", test_describe);
  g_test_add_func ("/threads", test_threads);
  return g_test_run ();
}
