/* SPDX-License-Identifier: BSD-2-Clause */
/* sifive-plic: priorities, gateways, claim and completion per context, geometry. */
#include "mock-host.h"

#define PRIORITY(id) (4 * (id))
#define PENDING(id) (0x1000 + 4 * ((id) / 32))
#define ENABLE(context, id) (0x2000 + 0x80 * (context) + 4 * ((id) / 32))
#define THRESHOLD(context) (0x200000 + 0x1000 * (context))
#define CLAIM(context) (THRESHOLD (context) + 4)
#define M(hart) (2 * (hart))
#define S(hart) (2 * (hart) + 1)

static const struct gwt_plugin *plugin;

static void
enable (struct gwt_device *d, uint32_t context, uint32_t id)
{
  uint64_t old = mock_load_reg (d, ENABLE (context, id), 4);

  mock_store_reg (d, ENABLE (context, id), 4, old | 1u << id % 32);
}

static int
pending (struct gwt_device *d, uint32_t id)
{
  return mock_load_reg (d, PENDING (id), 4) >> id % 32 & 1;
}

static void
test_rows (void)
{
  mock_check_rows (plugin->types[0]);
}

static void
test_life_of_an_interrupt (void)
{
  mock_new_machine (2);
  struct gwt_device *d = mock_new (plugin->types[0], "plic", NULL);

  mock_store_reg (d, PRIORITY (10), 4, 1);
  enable (d, S (1), 10);
  mock_input (d, 10, 1);
  g_assert_true (pending (d, 10));
  g_assert_cmpuint (mock_level (d, "s-ext", 1), ==, 1);
  g_assert_cmpuint (mock_level (d, "m-ext", 1), ==, 0);
  g_assert_cmpuint (mock_level (d, "s-ext", 0), ==, 0);
  g_assert_cmpuint (mock_load_reg (d, CLAIM (S (0)), 4), ==, 0);
  g_assert_cmpuint (mock_load_reg (d, CLAIM (S (1)), 4), ==, 10);
  g_assert_false (pending (d, 10));
  g_assert_cmpuint (mock_level (d, "s-ext", 1), ==, 0);
  g_assert_cmpuint (mock_load_reg (d, CLAIM (S (1)), 4), ==, 0);
  /* Still up when completed: the gateway lets it through again. */
  mock_store_reg (d, CLAIM (S (1)), 4, 10);
  g_assert_true (pending (d, 10));
  g_assert_cmpuint (mock_level (d, "s-ext", 1), ==, 1);
  g_assert_cmpuint (mock_load_reg (d, CLAIM (S (1)), 4), ==, 10);
  mock_input (d, 10, 0);
  mock_store_reg (d, CLAIM (S (1)), 4, 10);
  g_assert_false (pending (d, 10));
  g_assert_cmpuint (mock_level (d, "s-ext", 1), ==, 0);
  mock_free (d);
}

static void
test_gateway (void)
{
  mock_new_machine (1);
  struct gwt_device *d = mock_new (plugin->types[0], "plic", NULL);

  mock_store_reg (d, PRIORITY (3), 4, 1);
  enable (d, M (0), 3);
  /* A request that went through stays although the line falls. */
  mock_input (d, 3, 1);
  mock_input (d, 3, 0);
  g_assert_true (pending (d, 3));
  g_assert_cmpuint (mock_load_reg (d, CLAIM (M (0)), 4), ==, 3);
  /* None goes through between claim and completion. */
  mock_input (d, 3, 1);
  mock_input (d, 3, 0);
  mock_input (d, 3, 1);
  g_assert_false (pending (d, 3));
  /* Completion of another or of none at all changes nothing. */
  mock_store_reg (d, CLAIM (M (0)), 4, 4);
  mock_store_reg (d, CLAIM (M (0)), 4, 0);
  mock_store_reg (d, CLAIM (M (0)), 4, 97);
  mock_store_reg (d, CLAIM (M (0)), 4, 0xffffffff);
  g_assert_false (pending (d, 3));
  /* Nor one by a context for which the source is not enabled. */
  mock_store_reg (d, CLAIM (S (0)), 4, 3);
  g_assert_false (pending (d, 3));
  mock_store_reg (d, CLAIM (M (0)), 4, 3);
  g_assert_true (pending (d, 3));
  /* Pending bits cannot be written. */
  mock_store_reg (d, PENDING (3), 4, 0);
  g_assert_true (pending (d, 3));
  mock_free (d);
}

static void
test_priorities (void)
{
  mock_new_machine (1);
  struct gwt_device *d = mock_new (plugin->types[0], "plic", NULL);
  uint32_t id;

  for (id = 1; id <= 96; id++)
    {
      mock_store_reg (d, PRIORITY (id), 4, id == 96 ? 5 : id == 40 || id == 7 ? 3 : 1);
      enable (d, S (0), id);
    }
  mock_input (d, 40, 1);
  mock_input (d, 7, 1);
  mock_input (d, 1, 1);
  mock_input (d, 96, 1);
  g_assert_cmpuint (mock_load_reg (d, CLAIM (S (0)), 4), ==, 96);
  /* Of equals the lowest id. */
  g_assert_cmpuint (mock_load_reg (d, CLAIM (S (0)), 4), ==, 7);
  g_assert_cmpuint (mock_load_reg (d, CLAIM (S (0)), 4), ==, 40);
  mock_store_reg (d, THRESHOLD (S (0)), 4, 1);
  g_assert_cmpuint (mock_level (d, "s-ext", 0), ==, 0);
  mock_store_reg (d, THRESHOLD (S (0)), 4, 0);
  g_assert_cmpuint (mock_level (d, "s-ext", 0), ==, 1);
  /* The threshold masks the notification, not the claim. */
  mock_store_reg (d, THRESHOLD (S (0)), 4, 7);
  g_assert_cmpuint (mock_level (d, "s-ext", 0), ==, 0);
  g_assert_cmpuint (mock_load_reg (d, CLAIM (S (0)), 4), ==, 1);
  /* Priority 0 never interrupts. */
  mock_store_reg (d, THRESHOLD (S (0)), 4, 0);
  mock_store_reg (d, PRIORITY (50), 4, 0);
  mock_input (d, 50, 1);
  g_assert_true (pending (d, 50));
  g_assert_cmpuint (mock_level (d, "s-ext", 0), ==, 0);
  g_assert_cmpuint (mock_load_reg (d, CLAIM (S (0)), 4), ==, 0);
  mock_store_reg (d, PRIORITY (50), 4, 2);
  g_assert_cmpuint (mock_level (d, "s-ext", 0), ==, 1);
  mock_free (d);
}

static void
test_warl (void)
{
  mock_new_machine (1);
  struct gwt_device *d = mock_new (plugin->types[0], "plic", NULL);

  mock_store_reg (d, PRIORITY (1), 4, 0xffffffff);
  g_assert_cmpuint (mock_load_reg (d, PRIORITY (1), 4), ==, 7);
  mock_store_reg (d, THRESHOLD (0), 4, 0xfffffff9);
  g_assert_cmpuint (mock_load_reg (d, THRESHOLD (0), 4), ==, 1);
  mock_store_reg (d, PRIORITY (0), 4, 5);
  g_assert_cmpuint (mock_load_reg (d, PRIORITY (0), 4), ==, 0);
  /* There is no id 0, nor 97. */
  mock_store_reg (d, ENABLE (0, 0), 4, 0xffffffff);
  g_assert_cmphex (mock_load_reg (d, ENABLE (0, 0), 4), ==, 0xfffffffe);
  mock_store_reg (d, ENABLE (0, 96), 4, 0xffffffff);
  g_assert_cmphex (mock_load_reg (d, ENABLE (0, 96), 4), ==, 1);
  mock_store_reg (d, PRIORITY (97), 4, 1);
  g_assert_cmpuint (mock_load_reg (d, PRIORITY (97), 4), ==, 0);
  mock_free (d);

  d = mock_new (plugin->types[0], "plic", "num-priorities=5", "num-sources=31", NULL);
  mock_store_reg (d, PRIORITY (1), 4, 5);
  mock_store_reg (d, PRIORITY (1), 4, 6);
  g_assert_cmpuint (mock_load_reg (d, PRIORITY (1), 4), ==, 5);
  mock_store_reg (d, ENABLE (0, 31), 4, 0xffffffff);
  g_assert_cmphex (mock_load_reg (d, ENABLE (0, 31), 4), ==, 0xfffffffe);
  mock_free (d);
}

static void
test_contexts (void)
{
  mock_new_machine (3);
  struct gwt_device *d = mock_new (plugin->types[0], "plic", "hart-config=M,MS,S", NULL);

  /* Contexts: 0 = M of hart 0, 1 and 2 = M and S of hart 1, 3 = S of hart 2. */
  mock_store_reg (d, PRIORITY (1), 4, 1);
  enable (d, 3, 1);
  enable (d, 1, 1);
  mock_input (d, 1, 1);
  g_assert_cmpuint (mock_level (d, "s-ext", 2), ==, 1);
  g_assert_cmpuint (mock_level (d, "m-ext", 1), ==, 1);
  g_assert_cmpuint (mock_level (d, "m-ext", 0), ==, 0);
  /* Both are notified, one gets it. */
  g_assert_cmpuint (mock_load_reg (d, CLAIM (1), 4), ==, 1);
  g_assert_cmpuint (mock_level (d, "s-ext", 2), ==, 0);
  g_assert_cmpuint (mock_load_reg (d, CLAIM (3), 4), ==, 0);
  /* Context 4 is none. */
  mock_store_reg (d, THRESHOLD (4), 4, 1);
  g_assert_cmpuint (mock_load_reg (d, THRESHOLD (4), 4), ==, 0);
  g_assert_cmpuint (mock_load_reg (d, CLAIM (4), 4), ==, 0);
  g_assert_cmpstr (mock_describe (d), ==,
                   "compatible = 'sifive,plic-1.0.0' 'riscv,plic0'\n"
                   "riscv,ndev = 96\n"
                   "interrupts-extended = 100 11 101 11 101 9 102 9\n"
                   "phandle = 7\n"
                   "interrupt-controller\n"
                   "#address-cells = 0\n"
                   "#interrupt-cells = 1\n");
  mock_free (d);
}

static void
test_reset (void)
{
  mock_new_machine (1);
  struct gwt_device *d = mock_new (plugin->types[0], "plic", NULL);

  mock_store_reg (d, PRIORITY (1), 4, 1);
  mock_store_reg (d, PRIORITY (2), 4, 1);
  enable (d, 0, 1);
  enable (d, 0, 2);
  mock_input (d, 2, 1);
  mock_input (d, 1, 1);
  mock_input (d, 1, 0);
  g_assert_cmpuint (mock_load_reg (d, CLAIM (0), 4), ==, 1);
  mock_reset (d, GWT_RESET_WARM);
  g_assert_cmpuint (mock_level (d, "m-ext", 0), ==, 0);
  g_assert_cmpuint (mock_load_reg (d, PRIORITY (1), 4), ==, 0);
  g_assert_cmpuint (mock_load_reg (d, ENABLE (0, 1), 4), ==, 0);
  g_assert_false (pending (d, 1));
  /* A device that still asks goes on asking. */
  g_assert_true (pending (d, 2));
  mock_store_reg (d, PRIORITY (2), 4, 1);
  enable (d, 0, 2);
  g_assert_cmpuint (mock_load_reg (d, CLAIM (0), 4), ==, 2);
  mock_free (d);
}

static void
test_refusals (void)
{
  static const struct
  {
    const char *property, *text;
  } cases[] = {
    { "hart-config=MS,X", "hart-config 'MS,X' is malformed; use 'M', 'S' or 'MS' per hart, "
                          "separated by commas" },
    { "hart-config=MS,", "hart-config 'MS,' is malformed; use 'M', 'S' or 'MS' per hart, "
                         "separated by commas" },
    { "hart-config=,MS", "hart-config ',MS' is malformed; use 'M', 'S' or 'MS' per hart, "
                         "separated by commas" },
    { "hart-config=MM", "hart-config 'MM' names a mode of hart 0 twice; use 'M', 'S' or 'MS'" },
    { "hart-config=MS,MS,MS", "hart-config names 3 harts, of 2 in the machine; use 1 to 2" },
    { "first-hart=9", "first-hart 9 is beyond the machine's 2 harts; use 0 to 1" },
    { "enable-stride=6", "enable-stride 0x6 or context-stride 0x1000 does not fit; use multiples "
                         "of 4, and 16 or more for the enables of 96 sources" },
    { "context-base=0x5ff000", "context-base 0x5ff000 and its 0x4000 bytes do not fit into "
                               "aperture-size 0x600000; move the block or widen the window" },
    { "pending-base=0x100", "pending-base 0x100 lies over priority-base 0x0; move one of them" },
    { "enable-base=0xffffffff", "enable-base 0xffffffff and its 0x200 bytes do not fit into "
                                "aperture-size 0x600000; move the block or widen the window" },
  };
  guint i;

  mock_new_machine (2);
  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_null (mock_try_new (plugin->types[0], "plic", cases[i].property, NULL));
      g_assert_cmpstr (mock_error.text, ==, cases[i].text);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  plugin = mock_load ("sifive-plic");
  g_test_add_func ("/sifive-plic/rows", test_rows);
  g_test_add_func ("/sifive-plic/life", test_life_of_an_interrupt);
  g_test_add_func ("/sifive-plic/gateway", test_gateway);
  g_test_add_func ("/sifive-plic/priorities", test_priorities);
  g_test_add_func ("/sifive-plic/warl", test_warl);
  g_test_add_func ("/sifive-plic/contexts", test_contexts);
  g_test_add_func ("/sifive-plic/reset", test_reset);
  g_test_add_func ("/sifive-plic/refusals", test_refusals);
  return g_test_run ();
}
