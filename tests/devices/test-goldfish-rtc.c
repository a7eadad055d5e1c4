/* SPDX-License-Identifier: BSD-2-Clause */
/* goldfish-rtc: reading and setting the time, the alarm, what outlives a reset. */
#include "mock-host.h"

#define TIME_LOW 0x00
#define TIME_HIGH 0x04
#define ALARM_LOW 0x08
#define ALARM_HIGH 0x0c
#define IRQ_ENABLED 0x10
#define CLEAR_ALARM 0x14
#define ALARM_STATUS 0x18
#define CLEAR_INTERRUPT 0x1c

#define NOW 0x18a9c5d2fffffff0ull /* the low half is about to carry */

static const struct gwt_plugin *plugin;

static struct gwt_device *
new_rtc (void)
{
  mock_new_machine (1);
  mock.host_now = NOW;
  return mock_new (plugin->types[0], "rtc", NULL);
}

static uint64_t
rtc_time (struct gwt_device *d)
{
  uint64_t low = mock_load_reg (d, TIME_LOW, 4);

  return mock_load_reg (d, TIME_HIGH, 4) << 32 | low;
}

static void
set_pair (struct gwt_device *d, uint32_t low, uint64_t value)
{
  mock_store_reg (d, low + 4, 4, value >> 32);
  mock_store_reg (d, low, 4, value);
}

static void
test_rows (void)
{
  mock_check_rows (plugin->types[0]);
}

static void
test_time (void)
{
  struct gwt_device *d = new_rtc ();
  uint64_t value;

  g_assert_cmphex (rtc_time (d), ==, NOW);
  /* The high half belongs to the low half that was read, though time goes on in between. */
  g_assert_cmphex (mock_load_reg (d, TIME_LOW, 4), ==, 0xfffffff0);
  mock_advance (GWT_CLOCK_HOST, 0x20);
  g_assert_cmphex (mock_load_reg (d, TIME_HIGH, 4), ==, 0x18a9c5d2);
  g_assert_cmphex (rtc_time (d), ==, NOW + 0x20);
  g_assert_cmpuint (mock_load_status (d, TIME_LOW, 2, &value), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (mock_load_status (d, TIME_LOW, 8, &value), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (mock_load_reg (d, 0x20, 4), ==, 0);
  mock_store_reg (d, 0xffc, 4, 1);
  g_assert_cmpuint (mock.logs, ==, 1);
  mock_free (d);
}

static void
test_set_time (void)
{
  struct gwt_device *d = new_rtc ();

  set_pair (d, TIME_LOW, 0x0102030405060708);
  g_assert_cmphex (rtc_time (d), ==, 0x0102030405060708);
  mock_advance (GWT_CLOCK_HOST, 1000);
  g_assert_cmphex (rtc_time (d), ==, 0x0102030405060708 + 1000);
  /* It has a battery. */
  mock_reset (d, GWT_RESET_WARM);
  g_assert_cmphex (rtc_time (d), ==, 0x0102030405060708 + 1000);
  mock_reset (d, GWT_RESET_COLD);
  g_assert_cmphex (rtc_time (d), ==, NOW + 1000);
  mock_free (d);
}

static void
test_alarm (void)
{
  struct gwt_device *d = new_rtc ();

  mock_store_reg (d, IRQ_ENABLED, 4, 0xffffffff);
  g_assert_cmpuint (mock_load_reg (d, IRQ_ENABLED, 4), ==, 1);
  g_assert_cmpuint (mock_load_reg (d, ALARM_STATUS, 4), ==, 0);
  set_pair (d, ALARM_LOW, NOW + 500);
  g_assert_cmpuint (mock_load_reg (d, ALARM_STATUS, 4), ==, 1);
  g_assert_cmphex (mock_load_reg (d, ALARM_LOW, 4), ==, (NOW + 500) & 0xffffffff);
  g_assert_cmphex (mock_load_reg (d, ALARM_HIGH, 4), ==, (NOW + 500) >> 32);
  mock_advance (GWT_CLOCK_HOST, 499);
  g_assert_cmpuint (mock_level (d, "irq", 0), ==, 0);
  mock_advance (GWT_CLOCK_HOST, 1);
  g_assert_cmpuint (mock_level (d, "irq", 0), ==, 1);
  g_assert_cmpuint (mock_load_reg (d, ALARM_STATUS, 4), ==, 0);
  /* The enable gates the line, it does not forget. */
  mock_store_reg (d, IRQ_ENABLED, 4, 0);
  g_assert_cmpuint (mock_level (d, "irq", 0), ==, 0);
  mock_store_reg (d, IRQ_ENABLED, 4, 1);
  g_assert_cmpuint (mock_level (d, "irq", 0), ==, 1);
  mock_store_reg (d, CLEAR_INTERRUPT, 4, 1);
  g_assert_cmpuint (mock_level (d, "irq", 0), ==, 0);
  /* A time gone by goes off at once. */
  set_pair (d, ALARM_LOW, 1);
  g_assert_cmpuint (mock_level (d, "irq", 0), ==, 1);
  mock_store_reg (d, CLEAR_INTERRUPT, 4, 1);
  set_pair (d, ALARM_LOW, NOW + 10000);
  mock_store_reg (d, CLEAR_ALARM, 4, 1);
  g_assert_cmpuint (mock_load_reg (d, ALARM_STATUS, 4), ==, 0);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_HOST), ==, GWT_TIMER_OFF);
  mock_advance (GWT_CLOCK_HOST, 100000);
  g_assert_cmpuint (mock_level (d, "irq", 0), ==, 0);
  /* Never: beyond what the host's clock can say. */
  set_pair (d, ALARM_LOW, G_MAXUINT64);
  g_assert_cmpuint (mock_load_reg (d, ALARM_STATUS, 4), ==, 1);
  mock_reset (d, GWT_RESET_WARM);
  g_assert_cmpuint (mock_load_reg (d, ALARM_STATUS, 4), ==, 0);
  g_assert_cmpuint (mock_load_reg (d, IRQ_ENABLED, 4), ==, 0);
  mock_free (d);
}

static void
test_alarm_follows_time (void)
{
  struct gwt_device *d = new_rtc ();

  mock_store_reg (d, IRQ_ENABLED, 4, 1);
  set_pair (d, ALARM_LOW, NOW + 1000000);
  set_pair (d, TIME_LOW, NOW + 999000);
  g_assert_cmpuint (mock_level (d, "irq", 0), ==, 0);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_HOST), ==, NOW + 1000);
  set_pair (d, TIME_LOW, NOW + 1000001);
  g_assert_cmpuint (mock_level (d, "irq", 0), ==, 1);
  mock_free (d);
}

static void
test_describe (void)
{
  struct gwt_device *d = new_rtc ();

  g_assert_cmpstr (mock_describe (d), ==, "compatible = 'google,goldfish-rtc'\n");
  mock_free (d);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  plugin = mock_load ("goldfish-rtc");
  g_test_add_func ("/goldfish-rtc/rows", test_rows);
  g_test_add_func ("/goldfish-rtc/time", test_time);
  g_test_add_func ("/goldfish-rtc/set-time", test_set_time);
  g_test_add_func ("/goldfish-rtc/alarm", test_alarm);
  g_test_add_func ("/goldfish-rtc/alarm-follows-time", test_alarm_follows_time);
  g_test_add_func ("/goldfish-rtc/describe", test_describe);
  return g_test_run ();
}
