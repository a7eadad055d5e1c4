/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds of announcements: how many, on which devices, and only while the guest runs. */
#include "config.h"
#include "core/migration/announce.h"
#include "core/cpu/run.h"
#include "core/device/method.h"
#include "tests/device/sample.h"

static guint asked;

static uint8_t
announce (void *self, struct gwt_error *err)
{
  (void) self;
  (void) err;
  asked++;
  return 1;
}

static uint8_t
announce_all (void *self, uint32_t n, struct gwt_error *err)
{
  (void) self;
  (void) n;
  (void) err;
  g_assert_not_reached ();
}

static uint8_t
failing (void *self, struct gwt_error *err)
{
  (void) self;
  gwt_error_set (err, GWT_E_FAILED, "it has no cable");
  return 0;
}

static const struct gwt_method good[] = { { "bool announce()", "asks", (gwt_method_fn) announce } };
static const struct gwt_method other[]
    = { { "bool announce(u32 n)", "another one", (gwt_method_fn) announce_all } };
static const struct gwt_method bad[] = { { "bool announce()", "fails", (gwt_method_fn) failing } };

static void
until (guint wanted)
{
  while (asked < wanted)
    g_main_context_iteration (NULL, TRUE);
}

/* Whatever is due comes; DONE runs after it. */
static gboolean
set (gpointer flag)
{
  *(bool *) flag = true;
  return G_SOURCE_REMOVE;
}

static void
settle (guint ms)
{
  bool over = false;
  g_timeout_add (ms, set, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_rounds (void)
{
  gwt_vm_start ();
  asked = 0;
  gwt_announce (&(struct gwt_announce_params){ 1, 10, 4, 1 });
  /* The first at once, then as many as there are, and no more. */
  g_assert_cmpuint (asked, ==, 1);
  until (4);
  settle (20);
  g_assert_cmpuint (asked, ==, 4);
  /* None at all. */
  gwt_announce (&(struct gwt_announce_params){ 1, 10, 0, 1 });
  settle (5);
  g_assert_cmpuint (asked, ==, 4);
  /* Anew: the rest of those before does not come. */
  gwt_announce (&(struct gwt_announce_params){ 1, 10, 1000, 1 });
  gwt_announce (&(struct gwt_announce_params){ 1, 10, 2, 1 });
  until (7);
  settle (20);
  g_assert_cmpuint (asked, ==, 7);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
}

static void
test_standing (void)
{
  asked = 0;
  gwt_announce (&(struct gwt_announce_params){ 1, 10, 3, 1 });
  settle (20);
  g_assert_cmpuint (asked, ==, 0);
}

static void
test_when_running (void)
{
  asked = 0;
  gwt_announce_when_running ();
  settle (5);
  g_assert_cmpuint (asked, ==, 0);
  gwt_vm_start ();
  g_assert_cmpuint (asked, ==, 1);
  /* Once: not whenever it is stopped and goes on. */
  gwt_announce_finish ();
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  gwt_vm_start ();
  settle (5);
  g_assert_cmpuint (asked, ==, 1);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
}

static void
add (struct gwt_device_type *type, const struct gwt_method *method, const char *id)
{
  GWT_AUTO_ERROR (err);
  type->methods = method;
  type->method_size = sizeof *method;
  type->n_methods = method != NULL ? 1 : 0;
  gwt_type_register (type, "tests", "1.0", &err);
  struct gwt_device *device = gwt_device_new (gwt_type_find (type->name), id, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  /* The last one is never realized: it is not asked. */
  g_assert_true (g_str_equal (id, "e") || gwt_device_realize (device, &err));
}

int
main (int argc, char **argv)
{
  static struct gwt_device_type types[]
      = { SAMPLE_TYPE ("one"), SAMPLE_TYPE ("two"), SAMPLE_TYPE ("three"), SAMPLE_TYPE ("four"),
          SAMPLE_TYPE ("five") };
  g_test_init (&argc, &argv, NULL);
  /* One of them fails, of which a warning tells. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  gwt_run_init ();
  add (&types[0], good, "a");
  add (&types[1], other, "b");
  add (&types[2], bad, "c");
  add (&types[3], NULL, "d");
  add (&types[4], good, "e");
  g_test_add_func ("/announce/rounds", test_rounds);
  g_test_add_func ("/announce/standing", test_standing);
  g_test_add_func ("/announce/when-running", test_when_running);
  int status = g_test_run ();
  gwt_announce_finish ();
  gwt_run_finish ();
  return status;
}
