/* SPDX-License-Identifier: BSD-2-Clause */
/* sifive-test: which value ends the machine how. */
#include "mock-host.h"

static const struct gwt_plugin *plugin;

static void
test_rows (void)
{
  mock_check_rows (plugin->types[0]);
}

static void
test_values (void)
{
  static const struct
  {
    uint64_t value;
    uint32_t size, shutdowns, status, resets;
  } cases[] = {
    { 0x5555, 4, 1, 0, 0 },
    { 0x5555, 2, 1, 0, 0 },
    { 0x12345555, 4, 1, 0, 0 },
    { 0x7777, 4, 0, 0, 1 },
    { 0x7777, 2, 0, 0, 1 },
    { 0x00073333, 4, 1, 7, 0 },
    { 0x00ff3333, 4, 1, 255, 0 },
    /* A failure never becomes exit status 0. */
    { 0x00003333, 4, 1, 1, 0 },
    { 0x3333, 2, 1, 1, 0 },
    { 0x01003333, 4, 1, 255, 0 },
    { 0xffff3333, 4, 1, 255, 0 },
    { 0, 4, 0, 0, 0 },
    { 0x5554, 4, 0, 0, 0 },
    { 0x55550000, 4, 0, 0, 0 },
  };
  struct gwt_device *d;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      mock_new_machine (1);
      d = mock_new (plugin->types[0], "finisher", NULL);
      mock_store_reg (d, 0, cases[i].size, cases[i].value);
      g_assert_cmpuint (mock.shutdowns, ==, cases[i].shutdowns);
      g_assert_cmpuint (mock.exit_status, ==, cases[i].status);
      g_assert_cmpuint (mock.resets, ==, cases[i].resets);
      g_assert_cmpuint (mock_load_reg (d, 0, 4), ==, 0);
      mock_free (d);
    }
}

static void
test_elsewhere (void)
{
  mock_new_machine (1);
  struct gwt_device *d = mock_new (plugin->types[0], "finisher", NULL);

  mock_store_reg (d, 4, 4, 0x5555);
  mock_store_reg (d, 2, 2, 0x5555);
  mock_store_reg (d, 0xffc, 4, 0x7777);
  g_assert_cmpuint (mock_store_status (d, 0, 1, 0x55), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (mock.shutdowns + mock.resets, ==, 0);
  g_assert_cmpuint (mock.logs, ==, 1);
  mock_reset (d, GWT_RESET_WARM);
  mock_free (d);
}

static void
test_describe (void)
{
  mock_new_machine (1);
  struct gwt_device *d = mock_new (plugin->types[0], "finisher", NULL);

  g_assert_cmpstr (mock_describe (d), ==,
                   "compatible = 'sifive,test1' 'sifive,test0' 'syscon'\n"
                   "phandle = 7\n"
                   "{ /poweroff\n"
                   "compatible = 'syscon-poweroff'\n"
                   "regmap = 7\n"
                   "offset = 0\n"
                   "value = 21845\n"
                   "}\n"
                   "{ /reboot\n"
                   "compatible = 'syscon-reboot'\n"
                   "regmap = 7\n"
                   "offset = 0\n"
                   "value = 30583\n"
                   "}\n");
  mock_free (d);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  plugin = mock_load ("sifive-test");
  g_test_add_func ("/sifive-test/rows", test_rows);
  g_test_add_func ("/sifive-test/values", test_values);
  g_test_add_func ("/sifive-test/elsewhere", test_elsewhere);
  g_test_add_func ("/sifive-test/describe", test_describe);
  return g_test_run ();
}
