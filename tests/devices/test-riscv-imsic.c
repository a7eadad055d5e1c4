/* SPDX-License-Identifier: BSD-2-Clause */
/* riscv-imsic: messages, the registers behind the hart's CSRs, claims, and several threads at it.
 */
#include "mock-host.h"

#define PAGE(hart) (0x1000 * (hart))
#define EIDELIVERY 0x70
#define EITHRESHOLD 0x72
#define EIP(word) (0x80 + 2 * (word)) /* of 64 identities */
#define EIE(word) (0xc0 + 2 * (word))
#define ALL G_MAXUINT64

static const struct gwt_plugin *plugin;
static struct gwt_device *dev;

/* The file of HART as the hart has it. */
static const struct gwt_riscv_imsic *
file (uint32_t hart)
{
  return mock.hart_state[hart].imsic[GWT_RISCV_SEIP];
}

static uint64_t
get (uint32_t hart, uint32_t reg)
{
  return file (hart)->read (file (hart)->file, reg);
}

static void
set (uint32_t hart, uint32_t reg, uint64_t value)
{
  file (hart)->write (file (hart)->file, reg, value, ALL);
}

static uint32_t
top (uint32_t hart)
{
  return file (hart)->top (file (hart)->file);
}

static uint32_t
claim (uint32_t hart)
{
  return file (hart)->claim (file (hart)->file);
}

static void
message (uint32_t hart, uint32_t id)
{
  mock_store_reg (dev, PAGE (hart), 4, id);
}

static uint32_t
line (uint32_t hart)
{
  return mock_level (dev, "ext", hart);
}

static uint32_t
both (uint32_t id)
{
  return id << 16 | id;
}

/* A file that delivers everything. */
static void
open_file (uint32_t hart)
{
  uint32_t w;

  for (w = 0; w < 32; w++)
    set (hart, EIE (w), ALL);
  set (hart, EIDELIVERY, 1);
}

static void
test_rows (void)
{
  mock_check_rows (plugin->types[0]);
}

static void
test_life_of_a_message (void)
{
  mock_new_machine (3);
  dev = mock_new (plugin->types[0], "imsic", NULL);
  message (1, 70);
  g_assert_cmphex (get (1, EIP (1)), ==, 1 << 6);
  g_assert_cmphex (get (0, EIP (1)) | get (2, EIP (1)), ==, 0);
  g_assert_cmpuint (top (1), ==, 0); /* not enabled */
  set (1, EIE (1), 1 << 6);
  g_assert_cmpuint (top (1), ==, both (70)); /* whatever eidelivery says */
  g_assert_cmpuint (line (1), ==, 0);
  set (1, EIDELIVERY, 1);
  g_assert_cmpuint (line (1), ==, 1);
  g_assert_cmpuint (line (0) | line (2), ==, 0);
  /* Lower identities come first, and what comes later does so too. */
  set (1, EIE (0), ALL);
  message (1, 5);
  message (1, 1);
  g_assert_cmpuint (claim (1), ==, both (1));
  g_assert_cmpuint (claim (1), ==, both (5));
  g_assert_cmpuint (line (1), ==, 1);
  g_assert_cmpuint (claim (1), ==, both (70));
  g_assert_cmpuint (line (1), ==, 0);
  g_assert_cmpuint (claim (1), ==, 0);
  /* One bit, however often it was sent. */
  message (1, 9);
  message (1, 9);
  g_assert_cmpuint (claim (1), ==, both (9));
  g_assert_cmpuint (claim (1), ==, 0);
  mock_free (dev);
}

static void
test_registers (void)
{
  uint32_t reg;

  mock_new_machine (1);
  dev = mock_new (plugin->types[0], "imsic", NULL);
  for (reg = 0x70; reg <= 0xff; reg++)
    {
      g_assert_cmphex (get (0, reg), ==, 0);
      if (reg == EIDELIVERY || reg == EITHRESHOLD)
        continue;
      set (0, reg, ALL);
      if (reg == EIP (0) || reg == EIE (0))
        g_assert_cmphex (get (0, reg), ==, ~UINT64_C (1)); /* there is no identity 0 */
      else if (reg % 2 == 0
               && ((reg >= EIP (1) && reg <= EIP (3)) || (reg >= EIE (1) && reg <= EIE (3))))
        g_assert_cmphex (get (0, reg), ==, ALL);
      else
        g_assert_cmphex (get (0, reg), ==, 0); /* reserved, odd, or beyond identity 255 */
    }
  set (0, EIDELIVERY, 1);
  set (0, EIDELIVERY, 0x40000000); /* not offered */
  g_assert_cmphex (get (0, EIDELIVERY), ==, 1);
  set (0, EIDELIVERY, 2);
  g_assert_cmphex (get (0, EIDELIVERY), ==, 1);
  g_assert_cmpuint (line (0), ==, 1);
  set (0, EIDELIVERY, 0);
  g_assert_cmpuint (line (0), ==, 0);
  set (0, EIDELIVERY, 1);
  set (0, EITHRESHOLD, 255);
  set (0, EITHRESHOLD, 256);
  set (0, EITHRESHOLD, ALL);
  g_assert_cmphex (get (0, EITHRESHOLD), ==, 255);
  /* Identities from the threshold on do not signal, nor can they be claimed. */
  set (0, EIP (0), 1 << 3);
  set (0, EIP (1), 0);
  set (0, EIP (2), 0);
  set (0, EIP (3), 0);
  set (0, EITHRESHOLD, 3);
  g_assert_cmpuint (line (0), ==, 0);
  g_assert_cmpuint (top (0), ==, 0);
  g_assert_cmpuint (claim (0), ==, 0);
  set (0, EITHRESHOLD, 4);
  g_assert_cmpuint (line (0), ==, 1);
  g_assert_cmpuint (top (0), ==, both (3));
  /* Software can make pending and clear, and a disabled one does not signal. */
  set (0, EIE (0), 0);
  g_assert_cmpuint (line (0), ==, 0);
  set (0, EIE (0), ALL);
  g_assert_cmpuint (line (0), ==, 1);
  set (0, EIP (0), 0);
  g_assert_cmpuint (line (0), ==, 0);
  mock_free (dev);
}

/* What csrrs and csrrc write: a message for another bit of the word is not lost. */
static void
test_masked_writes (void)
{
  const struct gwt_riscv_imsic *f;

  mock_new_machine (1);
  dev = mock_new (plugin->types[0], "imsic", NULL);
  f = file (0);
  set (0, EIP (0), 0xf0);
  f->write (f->file, EIP (0), 0, 0x30);
  g_assert_cmphex (get (0, EIP (0)), ==, 0xc0);
  f->write (f->file, EIP (0), ALL, 0x7);
  g_assert_cmphex (get (0, EIP (0)), ==, 0xc6);
  f->write (f->file, EIP (0), 0xff00, 0);
  g_assert_cmphex (get (0, EIP (0)), ==, 0xc6);
  f->write (f->file, EITHRESHOLD, ALL, 0x10);
  g_assert_cmphex (get (0, EITHRESHOLD), ==, 0x10);
  f->write (f->file, EITHRESHOLD, ALL, 0x3);
  g_assert_cmphex (get (0, EITHRESHOLD), ==, 0x13);
  mock_free (dev);
}

static void
test_memory (void)
{
  uint64_t value, offset;

  mock_new_machine (2);
  dev = mock_new (plugin->types[0], "imsic", NULL);
  g_assert_cmpuint (dev->region[0]->size, ==, 0x2000);
  open_file (0);
  open_file (1);
  /* The big-endian register. */
  mock_store_reg (dev, 4, 4, 0x11000000);
  g_assert_cmpuint (claim (0), ==, both (0x11));
  mock_store_reg (dev, PAGE (1) + 4, 4, 0xff000000);
  g_assert_cmpuint (claim (1), ==, both (0xff));
  /* What is no identity: 0, those beyond the last, and with bits that do not belong there. */
  mock_store_reg (dev, 4, 4, 0x11);
  message (0, 0);
  message (0, 256);
  message (0, 0x10001);
  message (0, G_MAXUINT32);
  g_assert_cmpuint (mock.logs, ==, 1);
  for (offset = 8; offset < 0x1000; offset += 4)
    mock_store_reg (dev, offset, 4, 5);
  g_assert_cmpuint (line (0) | line (1), ==, 0);
  message (0, 8);
  for (offset = 0; offset < 0x2000; offset += 4)
    g_assert_cmphex (mock_load_reg (dev, offset, 4), ==, 0);
  g_assert_cmpuint (claim (0), ==, both (8)); /* a read changes nothing */
  for (uint32_t size = 1; size <= 8; size *= 2)
    if (size != 4)
      {
        g_assert_cmpuint (mock_load_status (dev, 0, size, &value), ==, GWT_ACCESS_ERROR);
        g_assert_cmpuint (mock_store_status (dev, 0, size, 3), ==, GWT_ACCESS_ERROR);
      }
  g_assert_cmpuint (top (0), ==, 0);
  mock_free (dev);
}

static void
test_reset (void)
{
  const uint32_t kinds[] = { GWT_RESET_COLD, GWT_RESET_WARM };

  mock_new_machine (2);
  dev = mock_new (plugin->types[0], "imsic", "num-ids=2047", NULL);
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      open_file (1);
      set (1, EITHRESHOLD, 2047);
      message (1, 2046);
      g_assert_cmpuint (line (1), ==, 1);
      mock_reset (dev, kinds[k]);
      g_assert_cmpuint (line (1), ==, 0);
      for (uint32_t reg = 0x70; reg <= 0xff; reg++)
        g_assert_cmphex (get (1, reg), ==, 0);
    }
  mock_free (dev);
  g_assert_null (file (0));
  g_assert_null (file (1));
}

static void
refused (const char *text, uint32_t cpus, uint32_t made, const char *property, const char *more)
{
  mock_new_machine (cpus);
  mock.harts_made = made;
  g_assert_null (mock_try_new (plugin->types[0], "imsic", property, more, NULL));
  g_assert_cmpstr (mock_error.text, ==, text);
  for (uint32_t i = 0; i < cpus; i++)
    g_assert_null (file (i));
}

static void
test_properties (void)
{
  refused ("num-ids 100 is no multiple of 64 less one; use 63, 127, ..., 2047", 1, 1, "num-ids=100",
           NULL);
  refused ("hartid-base 2 is beyond the machine's 2 harts; use 0 to 1", 2, 2, "hartid-base=2",
           NULL);
  refused ("num-harts 3 is out of range; use 1 to 2", 3, 3, "hartid-base=1", "num-harts=3");
  refused ("hart 1 is not there; have the board make its harts before this device", 2, 1, NULL,
           NULL);
  /* A second one for the same harts leaves the first as it is. */
  mock_new_machine (2);
  dev = mock_new (plugin->types[0], "imsic", "hartid-base=1", NULL);
  g_assert_null (file (0));
  g_assert_null (mock_try_new (plugin->types[0], "again", NULL));
  g_assert_cmpstr (mock_error.text, ==, "the hart has an IMSIC already");
  g_assert_null (file (0));
  g_assert_nonnull (file (1));
  mock_free (dev);
}

static void
test_describe (void)
{
  mock_new_machine (3);
  dev = mock_new (plugin->types[0], "imsic", "mmode=1", "num-harts=2", NULL);
  g_assert_cmpstr (mock_describe (dev), ==,
                   "compatible = 'qemu,imsics' 'riscv,imsics'\n"
                   "interrupts-extended = 100 11 101 11\n"
                   "riscv,num-ids = 255\n"
                   "phandle = 7\n"
                   "interrupt-controller\n"
                   "#interrupt-cells = 0\n"
                   "msi-controller\n"
                   "#msi-cells = 0\n");
  g_assert_nonnull (mock.hart_state[1].imsic[GWT_RISCV_MEIP]);
  mock_free (dev);
}

/* ---- more than one thread -------------------------------------------------------------------- */

static uint32_t once;

static void
message_meanwhile (void)
{
  if (once-- == 1)
    message (0, 20);
  else
    once = 0;
}

/* Between the hart's look at the file and the line that it sets, a message comes. */
static void
test_message_meanwhile (void)
{
  mock_new_machine (1);
  dev = mock_new (plugin->types[0], "imsic", NULL);
  open_file (0);
  message (0, 10);
  once = 1;
  mock.meanwhile = message_meanwhile;
  g_assert_cmpuint (claim (0), ==, both (10));
  g_assert_cmpuint (once, ==, 0);
  g_assert_cmpuint (line (0), ==, 1);
  mock.meanwhile = NULL;
  g_assert_cmpuint (claim (0), ==, both (20));
  mock_free (dev);
}

#define SENDERS 3
#define MESSAGES 30000

static uint32_t acknowledged[64 * SENDERS + 64];

/* Sends the next message when the last one was claimed: one that is lost is waited for for ever. */
static gpointer
sender (gpointer data)
{
  uint32_t id = GPOINTER_TO_UINT (data);

  for (uint32_t n = 1; n <= MESSAGES; n++)
    {
      message (0, id);
      while (__atomic_load_n (&acknowledged[id], __ATOMIC_ACQUIRE) != n)
        g_thread_yield ();
    }
  return NULL;
}

static void
test_threads (void)
{
  GThread *threads[SENDERS];
  uint32_t claims = 0;

  mock_new_machine (1);
  dev = mock_new (plugin->types[0], "imsic", NULL);
  open_file (0);
  memset (acknowledged, 0, sizeof acknowledged);
  /* Two in one word of eip, one in another. */
  for (uint32_t i = 0; i < SENDERS; i++)
    threads[i] = g_thread_new ("sender", sender, GUINT_TO_POINTER (i < 2 ? 10 + i : 100));
  while (claims < SENDERS * MESSAGES)
    {
      uint32_t id;

      /* The hart looks at its line alone, and toggles an enable now and then. */
      if (!line (0))
        {
          g_thread_yield ();
          continue;
        }
      if (claims % 16 == 0)
        {
          file (0)->write (file (0)->file, EIE (0), 0, 1 << 10);
          file (0)->write (file (0)->file, EIE (0), 1 << 10, 1 << 10);
        }
      id = claim (0) >> 16;
      if (id == 0)
        continue;
      g_assert_true (id == 10 || id == 11 || id == 100);
      claims++;
      __atomic_add_fetch (&acknowledged[id], 1, __ATOMIC_RELEASE);
    }
  for (uint32_t i = 0; i < SENDERS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (claim (0), ==, 0);
  g_assert_cmpuint (line (0), ==, 0);
  mock_free (dev);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  plugin = mock_load ("riscv-imsic");
  g_test_add_func ("/rows", test_rows);
  g_test_add_func ("/life-of-a-message", test_life_of_a_message);
  g_test_add_func ("/registers", test_registers);
  g_test_add_func ("/masked-writes", test_masked_writes);
  g_test_add_func ("/memory", test_memory);
  g_test_add_func ("/reset", test_reset);
  g_test_add_func ("/properties", test_properties);
  g_test_add_func ("/describe", test_describe);
  g_test_add_func ("/message-meanwhile", test_message_meanwhile);
  g_test_add_func ("/threads", test_threads);
  return g_test_run ();
}
