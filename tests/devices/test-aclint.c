/* SPDX-License-Identifier: BSD-2-Clause */
/* aclint: software interrupts, timer, time for the harts, and both under threads. */
#include "mock-host.h"

#include <pthread.h>
#include <string.h>

#define MTIMECMP(hart) (0x4000 + 8 * (hart))
#define MTIME 0xbff8
#define NEVER G_MAXUINT64

static const struct gwt_plugin *plugin;

static void
test_rows (void)
{
  mock_check_rows (plugin->types[0]);
}

static void
test_msip (void)
{
  mock_new_machine (3);
  struct gwt_device *d = mock_new (plugin->types[0], "clint", NULL);
  uint64_t value;

  g_assert_cmpuint (mock_load_reg (d, 8, 4), ==, 0);
  mock_store_reg (d, 8, 4, 0xffffffff);
  g_assert_cmpuint (mock_load_reg (d, 8, 4), ==, 1);
  g_assert_cmpuint (mock_level (d, "msip", 2), ==, 1);
  g_assert_cmpuint (mock_level (d, "msip", 0), ==, 0);
  g_assert_cmpuint (mock_level (d, "msip", 1), ==, 0);
  mock_store_reg (d, 8, 4, 0xfffffffe);
  g_assert_cmpuint (mock_level (d, "msip", 2), ==, 0);
  /* Hart 3 does not exist. */
  mock_store_reg (d, 12, 4, 1);
  g_assert_cmpuint (mock_load_reg (d, 12, 4), ==, 0);
  g_assert_cmpuint (mock.logs, ==, 1);
  g_assert_cmpuint (mock_load_status (d, 0, 8, &value), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (mock_store_status (d, 0, 8, 1), ==, GWT_ACCESS_ERROR);
  g_assert_cmpuint (mock_load_status (d, 0, 2, &value), ==, GWT_ACCESS_ERROR);
  mock_store_reg (d, 0, 4, 1);
  mock_reset (d, GWT_RESET_WARM);
  g_assert_cmpuint (mock_level (d, "msip", 0), ==, 0);
  g_assert_cmpuint (mock_load_reg (d, 0, 4), ==, 0);
  mock_free (d);
}

static void
test_time (void)
{
  mock_new_machine (1);
  mock.virtual_now = 12345678900;
  struct gwt_device *d = mock_new (plugin->types[0], "clint", NULL);

  /* Reset puts mtime to 0, whatever the clock says; 10 MHz from there. */
  g_assert_cmpuint (mock_load_reg (d, MTIME, 8), ==, 0);
  mock_advance (GWT_CLOCK_VIRTUAL, 99);
  g_assert_cmpuint (mock_load_reg (d, MTIME, 8), ==, 0);
  mock_advance (GWT_CLOCK_VIRTUAL, 1);
  g_assert_cmpuint (mock_load_reg (d, MTIME, 8), ==, 1);
  mock_advance (GWT_CLOCK_VIRTUAL, 1000000000);
  g_assert_cmpuint (mock_load_reg (d, MTIME, 8), ==, 10000001);
  mock_store_reg (d, MTIME, 8, 0x123456789abcdef0);
  g_assert_cmphex (mock_load_reg (d, MTIME, 4), ==, 0x9abcdef0);
  g_assert_cmphex (mock_load_reg (d, MTIME + 4, 4), ==, 0x12345678);
  mock_store_reg (d, MTIME + 4, 4, 0xdeadbeef);
  g_assert_cmphex (mock_load_reg (d, MTIME, 8), ==, 0xdeadbeef9abcdef0);
  mock_store_reg (d, MTIME, 4, 7);
  g_assert_cmphex (mock_load_reg (d, MTIME, 8), ==, 0xdeadbeef00000007);
  mock_reset (d, GWT_RESET_WARM);
  g_assert_cmphex (mock_load_reg (d, MTIME, 8), ==, 0);
  mock_free (d);
}

static void
test_odd_frequency (void)
{
  mock_new_machine (1);
  struct gwt_device *d = mock_new (plugin->types[0], "clint", "timebase-frequency=32768", NULL);
  const struct gwt_riscv_time *t = mock.hart_state[0].time;
  uint64_t i;

  g_assert_cmpuint (t->hz, ==, 32768);
  /* when () is the first ns at which ticks () has got there, not one earlier. */
  for (i = 1; i < 70000; i += 1 + i / 7)
    {
      uint64_t when = t->when (t->source, i);

      mock.virtual_now = when - 1;
      g_assert_cmpuint (t->ticks (t->source), ==, i - 1);
      mock.virtual_now = when;
      g_assert_cmpuint (t->ticks (t->source), ==, i);
      mock.virtual_now = 0;
    }
  /* 200 years on, nothing overflows. */
  mock.virtual_now = 200ull * 365 * 86400 * 1000000000;
  g_assert_cmpuint (t->ticks (t->source), ==, 200ull * 365 * 86400 * 32768);
  g_assert_cmpuint (t->when (t->source, NEVER), ==, GWT_TIMER_OFF);
  g_assert_cmpuint (t->when (t->source, 3), ==, mock.virtual_now);
  mock_free (d);
}

static void
test_timer (void)
{
  mock_new_machine (2);
  struct gwt_device *d = mock_new (plugin->types[0], "clint", NULL);

  g_assert_cmphex (mock_load_reg (d, MTIMECMP (1), 8), ==, NEVER);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_VIRTUAL), ==, GWT_TIMER_OFF);
  mock_store_reg (d, MTIMECMP (1), 8, 50);
  g_assert_cmpuint (mock_level (d, "mtip", 1), ==, 0);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_VIRTUAL), ==, 5000);
  mock_advance (GWT_CLOCK_VIRTUAL, 4999);
  g_assert_cmpuint (mock_level (d, "mtip", 1), ==, 0);
  mock_advance (GWT_CLOCK_VIRTUAL, 1);
  g_assert_cmpuint (mock_level (d, "mtip", 1), ==, 1);
  g_assert_cmpuint (mock_level (d, "mtip", 0), ==, 0);
  /* The line stays up until the compare value moves. */
  mock_advance (GWT_CLOCK_VIRTUAL, 1000000);
  g_assert_cmpuint (mock_level (d, "mtip", 1), ==, 1);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_VIRTUAL), ==, GWT_TIMER_OFF);
  mock_store_reg (d, MTIMECMP (1), 8, NEVER);
  g_assert_cmpuint (mock_level (d, "mtip", 1), ==, 0);
  /* A 32-bit hart writes the halves one by one. */
  mock_store_reg (d, MTIMECMP (1) + 4, 4, 0);
  g_assert_cmpuint (mock_level (d, "mtip", 1), ==, 0);
  mock_store_reg (d, MTIMECMP (1), 4, 20000);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_VIRTUAL), ==, 2000000);
  g_assert_cmphex (mock_load_reg (d, MTIMECMP (1) + 4, 4), ==, 0);
  g_assert_cmphex (mock_load_reg (d, MTIMECMP (1), 4), ==, 20000);
  /* A time in the past is due at once. */
  mock_store_reg (d, MTIMECMP (0), 8, 0);
  g_assert_cmpuint (mock_level (d, "mtip", 0), ==, 1);
  mock_reset (d, GWT_RESET_WARM);
  g_assert_cmpuint (mock_level (d, "mtip", 0), ==, 0);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_VIRTUAL), ==, GWT_TIMER_OFF);
  mock_free (d);
}

static void
test_mtime_moves_timers (void)
{
  mock_new_machine (2);
  struct gwt_device *d = mock_new (plugin->types[0], "clint", NULL);
  uint32_t changes = mock.hart_state[1].time_changes;

  mock_store_reg (d, MTIMECMP (0), 8, 1000);
  mock_store_reg (d, MTIME, 8, 999);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_VIRTUAL), ==, 100);
  mock_store_reg (d, MTIME, 8, 1000);
  g_assert_cmpuint (mock_level (d, "mtip", 0), ==, 1);
  mock_store_reg (d, MTIME, 8, 0);
  g_assert_cmpuint (mock_level (d, "mtip", 0), ==, 0);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_VIRTUAL), ==, 100000);
  g_assert_cmpuint (mock.hart_state[1].time_changes, ==, changes + 3);
  /* mtime about to wrap: the distance counts, no overflow. */
  mock_store_reg (d, MTIMECMP (0), 8, NEVER);
  mock_store_reg (d, MTIME, 8, NEVER - 10);
  g_assert_cmpuint (mock_level (d, "mtip", 0), ==, 0);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_VIRTUAL), ==, 1000);
  mock_free (d);
}

static void
test_refusals (void)
{
  const struct gwt_device_type *type = plugin->types[0];

  mock_new_machine (2);
  g_assert_null (mock_try_new (type, "clint", "num-harts=3", NULL));
  g_assert_cmpstr (mock_error.text, ==,
                   "3 harts are more than can be served; use num-harts 1 to 2");
  g_assert_null (mock_try_new (type, "clint", "first-hart=2", NULL));
  g_assert_cmpstr (mock_error.text, ==, "first-hart 2 is beyond the machine's 2 harts; use 0 to 1");
  mock.harts_made = 1;
  g_assert_null (mock_try_new (type, "clint", NULL));
  g_assert_cmpstr (mock_error.text, ==,
                   "hart 1 is not there; have the board make its harts before this device");
}

static void
test_some_harts (void)
{
  mock_new_machine (4);
  struct gwt_device *d = mock_new (plugin->types[0], "clint", "first-hart=2", "num-harts=1", NULL);

  g_assert_null (mock.hart_state[1].time);
  g_assert_nonnull (mock.hart_state[2].time);
  g_assert_null (mock.hart_state[3].time);
  mock_store_reg (d, 0, 4, 1);
  g_assert_cmpuint (mock_level (d, "msip", 0), ==, 1);
  g_assert_cmpstr (mock_describe (d), ==,
                   "compatible = 'sifive,clint0' 'riscv,clint0'\n"
                   "interrupts-extended = 102 3 102 7\n");
  mock_free (d);
}

/* Another hart writes the register just before the line takes the value of the first write. */
static struct gwt_device *other;
static uint64_t other_offset, other_value;

static void
other_writes (void)
{
  mock_store_reg (other, other_offset, other_offset < 0x4000 ? 4 : 8, other_value);
}

static void
test_overtaken (void)
{
  static const struct
  {
    uint64_t first, second;
  } compares[] = { { 0, NEVER }, { NEVER, 0 }, { 5000, 0 }, { 0, 5000 }, { 5000, 7000 } };
  guint i;

  mock_new_machine (1);
  other = mock_new (plugin->types[0], "clint", NULL);
  for (i = 0; i < 2; i++)
    {
      other_offset = 0;
      other_value = i;
      mock.meanwhile = other_writes;
      mock_store_reg (other, 0, 4, !i);
      g_assert_null (mock.meanwhile);
      g_assert_cmpuint (mock_load_reg (other, 0, 4), ==, i);
      g_assert_cmpuint (mock_level (other, "msip", 0), ==, i);
    }
  for (i = 0; i < G_N_ELEMENTS (compares); i++)
    {
      other_offset = MTIMECMP (0);
      other_value = compares[i].second;
      mock.meanwhile = other_writes;
      mock_store_reg (other, MTIMECMP (0), 8, compares[i].first);
      g_assert_null (mock.meanwhile);
      g_assert_cmpuint (mock_load_reg (other, MTIMECMP (0), 8), ==, other_value);
      g_assert_cmpuint (mock_level (other, "mtip", 0), ==, other_value == 0);
      g_assert_cmpuint (mock_next_timer (GWT_CLOCK_VIRTUAL), ==,
                        other_value == 7000 || other_value == 5000 ? other_value * 100
                                                                   : GWT_TIMER_OFF);
    }
  mock_free (other);
}

/* Two threads fight over one register; whoever wins, line and register agree in the end. */
struct race
{
  struct gwt_device *d;
  pthread_barrier_t barrier;
  uint64_t offset, value[2];
  uint32_t size, rounds;
};

struct racer
{
  struct race *race;
  uint32_t number;
};

static void *
racer (void *arg)
{
  struct racer *me = arg;
  struct race *r = me->race;
  const struct gwt_mmio_ops *ops = r->d->region[0]->ops;
  uint32_t i;

  for (i = 0; i < r->rounds; i++)
    {
      pthread_barrier_wait (&r->barrier);
      ops->write (r->d->instance, r->offset, r->size, r->value[me->number]);
      pthread_barrier_wait (&r->barrier);
      if (me->number == 0)
        {
          uint64_t now = 0;

          ops->read (r->d->instance, r->offset, r->size, &now);
          if (r->size == 4)
            g_assert_cmpuint (mock_level (r->d, "msip", 0), ==, now);
          else
            g_assert_cmpuint (mock_level (r->d, "mtip", 0), ==, now == 0);
        }
    }
  return NULL;
}

static void
run_race (uint64_t offset, uint32_t size, uint64_t a, uint64_t b)
{
  struct race r = { .offset = offset, .value = { a, b }, .size = size, .rounds = 20000 };
  struct racer racers[2] = { { &r, 0 }, { &r, 1 } };
  pthread_t thread[2];
  int i;

  mock_new_machine (1);
  r.d = mock_new (plugin->types[0], "clint", NULL);
  pthread_barrier_init (&r.barrier, NULL, 2);
  for (i = 0; i < 2; i++)
    g_assert_cmpint (pthread_create (&thread[i], NULL, racer, &racers[i]), ==, 0);
  for (i = 0; i < 2; i++)
    pthread_join (thread[i], NULL);
  pthread_barrier_destroy (&r.barrier);
  mock_free (r.d);
}

static void
test_race_msip (void)
{
  run_race (0, 4, 0, 1);
}

static void
test_race_mtimecmp (void)
{
  run_race (MTIMECMP (0), 8, 0, NEVER);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  plugin = mock_load ("aclint");
  g_test_add_func ("/aclint/rows", test_rows);
  g_test_add_func ("/aclint/msip", test_msip);
  g_test_add_func ("/aclint/time", test_time);
  g_test_add_func ("/aclint/odd-frequency", test_odd_frequency);
  g_test_add_func ("/aclint/timer", test_timer);
  g_test_add_func ("/aclint/mtime-moves-timers", test_mtime_moves_timers);
  g_test_add_func ("/aclint/refusals", test_refusals);
  g_test_add_func ("/aclint/some-harts", test_some_harts);
  g_test_add_func ("/aclint/overtaken", test_overtaken);
  g_test_add_func ("/aclint/race-msip", test_race_msip);
  g_test_add_func ("/aclint/race-mtimecmp", test_race_mtimecmp);
  return g_test_run ();
}
