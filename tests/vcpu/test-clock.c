/* SPDX-License-Identifier: BSD-2-Clause */
/* core/cpu/clock.c: clocks that stop with the guest, timers that fire in order and not for an
   old time. */
#include "config.h"
#include "tests/vcpu/mock-cpu.h"

#define MS UINT64_C (1000000)

static void
test_clocks (void)
{
  uint64_t before, host = (uint64_t) g_get_real_time () * 1000;

  before = gwt_clock_now (GWT_CLOCK_VIRTUAL);
  PUMP (gwt_clock_now (GWT_CLOCK_REAL) > 0);
  g_assert_cmpuint (gwt_clock_now (GWT_CLOCK_VIRTUAL), ==, before);
  g_assert_cmpuint (gwt_clock_now (GWT_CLOCK_HOST), >=, host);
  gwt_vm_start ();
  PUMP (gwt_clock_now (GWT_CLOCK_VIRTUAL) > before + MS);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  before = gwt_clock_now (GWT_CLOCK_VIRTUAL);
  host = gwt_clock_now (GWT_CLOCK_REAL);
  PUMP (gwt_clock_now (GWT_CLOCK_REAL) > host + 2 * MS);
  g_assert_cmpuint (gwt_clock_now (GWT_CLOCK_VIRTUAL), ==, before);
  clean ();
}

static GString *order;

static void
note (void *self)
{
  struct dev *dev = self;

  g_string_append_printf (order, "%s ", (const char *) dev->data);
  if (dev->on_timer)
    dev->on_timer (dev);
}

static struct gwt_timer *
timer_of (struct dev *dev, uint32_t clock)
{
  GWT_AUTO_ERROR (err);
  struct gwt_timer *timer = clock_api->timer_new (dev->device, clock, note, dev, &err);

  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_cmpuint (clock_api->timer_expiry (timer), ==, GWT_TIMER_OFF);
  return timer;
}

static struct dev *
named (const char *type, const char *name)
{
  struct dev *dev = make (type, NULL);

  dev->data = (void *) name;
  return dev;
}

static void
test_order (void)
{
  static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
  static const uint64_t when[] = { 5, 3, 8, 1, 7, 2, 6, 4 };
  struct gwt_timer *timers[8];
  uint64_t now;
  guint i;

  order = g_string_new (NULL);
  for (i = 0; i < 8; i++)
    timers[i] = timer_of (named (i & 1 ? "dev-own" : "dev-machine", names[i]), GWT_CLOCK_VIRTUAL);
  now = gwt_clock_now (GWT_CLOCK_VIRTUAL);
  /* While the guest stands, nothing is due. */
  for (i = 0; i < 8; i++)
    clock_api->timer_set (timers[i], now + when[i]);
  g_assert_cmpuint (clock_api->timer_expiry (timers[2]), ==, now + 8);
  PUMP (gwt_clock_now (GWT_CLOCK_REAL) > 0);
  g_assert_cmpstr (order->str, ==, "");
  /* One off, one moved to the end, one from the end to the front. */
  clock_api->timer_set (timers[4], GWT_TIMER_OFF);
  clock_api->timer_set (timers[3], now + 9);
  clock_api->timer_set (timers[2], 0);
  gwt_vm_start ();
  PUMP (order->len == 14);
  g_assert_cmpstr (order->str, ==, "c f b h a g d ");
  for (i = 0; i < 8; i++)
    g_assert_cmpuint (clock_api->timer_expiry (timers[i]), ==, GWT_TIMER_OFF);
  g_string_free (order, TRUE);
  clean ();
}

static void
test_clock_kinds (void)
{
  struct dev *real = named ("dev-machine", "real"), *host = named ("dev-machine", "host"),
             *guest = named ("dev-machine", "virtual");
  struct gwt_timer *r = timer_of (real, GWT_CLOCK_REAL), *h = timer_of (host, GWT_CLOCK_HOST),
                   *v = timer_of (guest, GWT_CLOCK_VIRTUAL);

  order = g_string_new (NULL);
  clock_api->timer_set (v, 0);
  clock_api->timer_set (h, gwt_clock_now (GWT_CLOCK_HOST) + 20 * MS);
  PUMP (order->len == 5);
  g_assert_cmpstr (order->str, ==, "host ");
  clock_api->timer_set (r, gwt_clock_now (GWT_CLOCK_REAL) + MS);
  PUMP (order->len == 10);
  g_assert_cmpstr (order->str, ==, "host real ");
  gwt_vm_start ();
  PUMP (order->len == 18);
  /* As far away as can be is no overflow into the past. */
  clock_api->timer_set (v, GWT_TIMER_OFF - 1);
  clock_api->timer_set (r, GWT_TIMER_OFF - 1);
  clock_api->timer_set (h, GWT_TIMER_OFF - 1);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  gwt_vm_start ();
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (order->len, ==, 18);
  g_string_free (order, TRUE);
  clean ();
}

/* A timer that is always due again does not keep the main loop. */
static void
again (struct dev *dev)
{
  g_string_truncate (order, 0);
  clock_api->timer_set (dev->other ? (struct gwt_timer *) (void *) dev->other : NULL, 0);
}

static gboolean
count_idle (gpointer data)
{
  return ++*(guint *) data < 20;
}

static void
test_storm (void)
{
  struct dev *dev = named ("dev-machine", "storm");
  struct gwt_timer *timer = timer_of (dev, GWT_CLOCK_REAL);
  guint idle = 0;

  order = g_string_new (NULL);
  dev->other = (struct gwt_region *) (void *) timer;
  dev->on_timer = again;
  clock_api->timer_set (timer, 0);
  g_timeout_add (0, count_idle, &idle);
  PUMP (idle == 20);
  clock_api->timer_set (timer, GWT_TIMER_OFF);
  g_string_free (order, TRUE);
  clean ();
}

/* ---- threads --------------------------------------------------------------------------------- */

static struct gwt_timer *shared;
static atomic_ullong fired, armed;
static uint64_t newest; /* under the device's lock */

static void
check_time (void *self)
{
  /* Moved under the device's lock to the far future: then it must not fire for the old time. */
  g_assert_cmpuint (newest, !=, UINT64_MAX);
  atomic_fetch_add (&fired, 1);
}

static uint32_t
move_timer (struct dev *dev, uint64_t offset, uint64_t value)
{
  guint i;

  /* Long enough for the main loop to find the timer due and to wait for the device. */
  for (i = 0; i < 200; i++)
    (void) gwt_clock_now (GWT_CLOCK_REAL);
  newest = value ? 0 : UINT64_MAX;
  clock_api->timer_set (shared, value ? gwt_clock_now (GWT_CLOCK_VIRTUAL) : UINT64_MAX - 1);
  atomic_fetch_add (&armed, 1);
  return GWT_ACCESS_OK;
}

static uint32_t
drive_timer (struct cpu *cpu)
{
  vcpu_api->store (cpu->device, 0x1000, 4, atomic_load (&cpu->steps) % 2);
  return 0;
}

static void
test_moved_from_vcpu (gconstpointer type)
{
  GWT_AUTO_ERROR (err);
  struct dev *dev = make_dev (type, 0x1000);

  dev->on_write = move_timer;
  shared = clock_api->timer_new (dev->device, GWT_CLOCK_VIRTUAL, check_time, dev, &err);
  atomic_store (&fired, 0);
  make_cpu (drive_timer);
  gwt_vm_start ();
  PUMP (atomic_load (&fired) > 500 && atomic_load (&armed) > 10000);
  clean ();
}

static void
test_refusals (void)
{
  GWT_AUTO_ERROR (err);
  struct dev *dev = named ("dev-machine", "x");

  g_assert_null (clock_api->timer_new (dev->device, 5, note, dev, &err));
  g_assert_cmpstr (err.text, ==, "timer: there is no clock 5; use 1000, 2000 or 3000");
  gwt_error_clear (&err);
  g_assert_null (clock_api->timer_new (dev->device, GWT_CLOCK_REAL, NULL, dev, &err));
  g_assert_cmpstr (err.text, ==, "timer: no callback or no device; give both");
  clean ();
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  set_up ();
  g_test_add_func ("/clock/clocks", test_clocks);
  g_test_add_func ("/clock/order", test_order);
  g_test_add_func ("/clock/kinds", test_clock_kinds);
  g_test_add_func ("/clock/storm", test_storm);
  g_test_add_data_func ("/clock/moved-from-vcpu/machine", "dev-machine", test_moved_from_vcpu);
  g_test_add_data_func ("/clock/moved-from-vcpu/own", "dev-own", test_moved_from_vcpu);
  g_test_add_func ("/clock/refusals", test_refusals);
  status = g_test_run ();
  gwt_run_finish ();
  return status;
}
