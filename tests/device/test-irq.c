/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt lines: wiring, OR of several outputs, delivery under the receiver's lock, threads. */
#include "config.h"
#include "core/device/irq.h"
#include <stdatomic.h>
#include <string.h>
#include "core/device/lock.h"
#include "core/device/device.h"

struct wired
{
  struct gwt_irq *out[4];
  struct gwt_irq *relay; /* driven from the input function: lines in a row */
  uint64_t trace;        /* levels as they came, a hexadecimal digit each */
  uint32_t last[4];
  uint32_t calls, wrong_lock;
};

static const struct gwt_field wired_fields[] = {
  GWT_HOST_ROW (struct wired, out, "outputs"),
  GWT_HOST_ROW (struct wired, relay, "output"),
  GWT_HOST_ROW (struct wired, trace, "for tests"),
  GWT_HOST_ROW (struct wired, last, "for tests"),
  GWT_HOST_ROW (struct wired, calls, "for tests"),
  GWT_HOST_ROW (struct wired, wrong_lock, "for tests"),
};

/* Who is inside which device, so that a delivery without the lock is seen. */
static atomic_int inside_machine;

static void
on_input (void *self, uint32_t line, uint32_t level)
{
  struct wired *w = self;
  w->trace = w->trace << 4 | (line << 1 | level);
  w->last[line] = level;
  w->calls++;
  gwt_irq_ext.set (w->relay, level);
}

static void
on_machine_input (void *self, uint32_t line, uint32_t level)
{
  struct wired *w = self;
  w->wrong_lock += !gwt_machine_lock_held ();
  w->wrong_lock += atomic_fetch_add (&inside_machine, 1) != 0;
  on_input (self, line, level);
  atomic_fetch_sub (&inside_machine, 1);
}

static int
wired_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct wired *w = self;
  bool machine = device->type->d.threads == GWT_THREADS_MACHINE;
  if (gwt_irq_ext.inputs (device, "in", 4, machine ? on_machine_input : on_input, err) != 0
      || gwt_irq_ext.outputs (device, "out", 4, w->out, err) != 0
      || gwt_irq_ext.outputs (device, "relay", 1, &w->relay, err) != 0)
    return -1;
  return 0;
}

#define WIRED_TYPE(NAME, THREADS)                                                                  \
  {                                                                                                \
    .struct_size = sizeof (struct gwt_device_type), .name = NAME, .doc = "for tests",              \
    .threads = THREADS, .instance_size = sizeof (struct wired), .fields = wired_fields,            \
    .field_size = sizeof (struct gwt_field), .n_fields = GWT_COUNT (wired_fields),                 \
    .realize = wired_realize                                                                       \
  }

static const struct gwt_device_type wired_types[]
    = { WIRED_TYPE ("machine", GWT_THREADS_MACHINE), WIRED_TYPE ("own", GWT_THREADS_DEVICE),
        WIRED_TYPE ("parallel", GWT_THREADS_PARALLEL) };

static struct gwt_device *
make (const char *type, const char *id)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = gwt_device_new (gwt_type_find (type), id, &err);
  g_assert_true (device != NULL && gwt_device_realize (device, &err));
  return device;
}

static struct wired *
wired (struct gwt_device *device)
{
  return device->instance;
}

static void
connect (struct gwt_device *from, uint32_t out, struct gwt_device *to, uint32_t in)
{
  GWT_AUTO_ERROR (err);
  gwt_irq_connect (from, "out", out, to, "in", in, &err);
  g_assert_cmpstr (err.text, ==, NULL);
}

static void
set (struct gwt_device *device, uint32_t out, uint32_t level)
{
  gwt_irq_ext.set (wired (device)->out[out], level);
}

static void
test_wiring (void)
{
  struct gwt_device *a = make ("machine", "a"), *b = make ("machine", "b");
  GWT_AUTO_ERROR (err);
  uint32_t line = 9;
  set (a, 0, 1); /* not wired: nothing happens, and the level arrives with the wire */
  g_assert_null (gwt_irq_target (a, "out", 0, &line));
  connect (a, 0, b, 2);
  g_assert_true (gwt_irq_target (a, "out", 0, &line) == b);
  g_assert_cmpuint (line, ==, 2);
  g_assert_cmphex (wired (b)->trace, ==, 0x5);
  set (a, 0, 5);
  g_assert_cmphex (wired (b)->trace, ==, 0x55); /* equal levels are delivered, too */
  set (a, 0, 0);
  g_assert_cmphex (wired (b)->trace, ==, 0x554);
  g_assert_cmpuint (gwt_irq_input_count (b, "in"), ==, 4);
  g_assert_cmpuint (gwt_irq_output_count (b, "relay"), ==, 1);
  g_assert_cmpuint (gwt_irq_input_count (b, "out"), ==, 0);
  static const struct
  {
    const char *out;
    uint32_t o;
    const char *in;
    uint32_t i;
    const char *text;
  } bad[] = {
    { "out", 4, "in", 0, "device 'a' has no interrupt output 'out' 4; it has 4 of that name" },
    { "x", 0, "in", 0, "device 'a' has no interrupt output 'x' 0; it has 0 of that name" },
    { "out", 1, "in", 4, "device 'b' has no interrupt input 'in' 4; it has 4 of that name" },
    { "out", 0, "in", 1,
      "interrupt output 'out' 0 of device 'a' is wired to device 'b' already; one output drives "
      "one input" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      GWT_AUTO_ERROR (refused);
      g_assert_false (gwt_irq_connect (a, bad[i].out, bad[i].o, b, bad[i].in, bad[i].i, &refused));
      g_assert_cmpstr (refused.text, ==, bad[i].text);
    }
  struct gwt_irq *none[1];
  g_assert_cmpint (gwt_irq_ext.outputs (a, "many", UINT32_MAX, none, &err), ==, -1);
  g_assert_cmpstr (err.text, ==,
                   "4294967295 interrupt outputs 'many' are out of range; use 1 to 65536");
  gwt_error_clear (&err);
  g_assert_cmpint (gwt_irq_ext.inputs (a, "in", 1, on_input, &err), ==, -1);
  g_assert_cmpstr (err.text, ==, "interrupt inputs 'in' are declared twice");
  gwt_irq_ext.set (NULL, 1);
  gwt_device_destroy (b); /* out of order: no wire may lead to it any more */
  set (a, 0, 1);
  g_assert_cmpuint (gwt_irq_ext.level (wired (a)->out[0]), ==, 1);
  gwt_device_destroy (a);
}

static void
test_or (void)
{
  struct gwt_device *a = make ("machine", "a"), *b = make ("own", "b"), *c = make ("parallel", "c");
  connect (a, 0, c, 1);
  connect (a, 1, c, 1);
  connect (b, 0, c, 1);
  set (a, 0, 1);
  set (a, 1, 1);
  set (b, 0, 1);
  set (a, 0, 0);
  set (a, 0, 0);
  set (a, 1, 0);
  g_assert_cmpuint (wired (c)->last[1], ==, 1);
  set (b, 0, 0);
  g_assert_cmpuint (wired (c)->last[1], ==, 0);
  g_assert_cmpuint (wired (c)->calls, ==, 7);
  set (b, 0, 1);
  gwt_device_destroy (b); /* what it drove falls with it, at the next look */
  set (a, 0, 0);
  g_assert_cmpuint (wired (c)->last[1], ==, 0);
  gwt_device_destroy_all ();
}

/* Inside a device with its own lock nothing that needs another lock may be entered: it comes when
   that is dropped, as a pulse if it was one. */
static void
test_deferred (void)
{
  struct gwt_device *own = make ("own", "own"), *machine = make ("machine", "m"),
                    *second = make ("own", "second");
  struct gwt_device *cpu = make ("parallel", "cpu");
  connect (own, 0, machine, 0);
  connect (own, 1, second, 1);
  connect (own, 2, cpu, 2);
  int token = gwt_device_enter (own);
  set (own, 0, 1);
  set (own, 1, 1);
  set (own, 2, 1);
  g_assert_cmpuint (wired (machine)->calls, ==, 0);
  g_assert_cmpuint (wired (second)->calls, ==, 0);
  g_assert_cmpuint (wired (cpu)->calls, ==, 1);
  set (own, 0, 0);
  gwt_device_leave (own, token);
  g_assert_cmphex (wired (machine)->trace, ==,
                   0x100); /* line 0: up, down; and once more for the second set */
  g_assert_cmphex (wired (second)->trace, ==, 0x3);
  g_assert_cmpuint (wired (machine)->wrong_lock, ==, 0);
  /* With the machine lock held before, its devices can be entered at once; a second own lock still
   * not. */
  gwt_machine_lock ();
  token = gwt_device_enter (own);
  set (own, 0, 1);
  set (own, 1, 0);
  g_assert_cmphex (wired (machine)->trace, ==, 0x1001);
  g_assert_cmphex (wired (second)->trace, ==, 0x3);
  int inner = gwt_device_enter (own); /* re-entry takes nothing */
  gwt_device_leave (own, inner);
  g_assert_cmphex (wired (second)->trace, ==, 0x3);
  gwt_device_leave (own, token);
  g_assert_cmphex (wired (second)->trace, ==, 0x32);
  g_assert_true (gwt_machine_lock_held ());
  gwt_machine_unlock ();
  gwt_device_destroy_all ();
}

static struct gwt_irq *nested_line;
static struct gwt_device *nested_device;

static void
on_nested (void *self, uint32_t line, uint32_t level)
{
  struct wired *w = self;
  on_input (self, line, level);
  if (level == 1 && w->calls == 1)
    gwt_irq_ext.set (nested_line, 0); /* while this delivery is under way */
}

/* What changes during a delivery to a parallel device is delivered after it, not lost. */
static void
test_nested (void)
{
  struct gwt_device *a = make ("machine", "a"), *p = make ("parallel", "p");
  GWT_AUTO_ERROR (err);
  g_assert_cmpint (gwt_irq_ext.inputs (p, "nested", 1, on_nested, &err), ==, 0);
  g_assert_true (gwt_irq_connect (a, "out", 0, p, "nested", 0, &err));
  nested_line = wired (a)->out[0];
  set (a, 0, 1);
  g_assert_cmphex (wired (p)->trace, ==, 0x10);
  g_assert_cmpuint (wired (p)->last[0], ==, 0);
  gwt_device_destroy_all ();
}

static void
lower_nested (struct gwt_device *device)
{
  gwt_irq_ext.set (nested_line, 0);
  g_assert_cmpuint (wired (device)->last[0], ==, 0); /* arrived before set returned */
}

static void
on_waking (void *self, uint32_t line, uint32_t level)
{
  struct wired *w = self;
  on_input (self, line, level);
  if (level == 1)
    {
      g_assert_true (gwt_irq_after_delivery (lower_nested, nested_device));
      g_assert_true (gwt_irq_after_delivery (lower_nested, nested_device));
    }
  g_assert_cmpuint (w->last[0], ==, level);
}

/* A woken CPU lowers the line at once, while the thread that woke it stands still: that must not
   wait for this thread, so waking comes after the delivery. */
static void
test_after (void)
{
  struct gwt_device *a = make ("machine", "a"), *p = make ("parallel", "p");
  GWT_AUTO_ERROR (err);
  g_assert_cmpint (gwt_irq_ext.inputs (p, "nested", 1, on_waking, &err), ==, 0);
  g_assert_true (gwt_irq_connect (a, "out", 0, p, "nested", 0, &err));
  nested_line = wired (a)->out[0];
  nested_device = p;
  g_assert_false (gwt_irq_after_delivery (lower_nested, p));
  set (a, 0, 1);
  g_assert_cmphex (wired (p)->trace, ==, 0x10);
  g_assert_false (gwt_irq_after_delivery (lower_nested, p));
  gwt_device_destroy_all ();
}

/* ---- threads --------------------------------------------------------------------------------- */

enum
{
  ROUNDS = 20000
};

struct job
{
  struct gwt_device *from;
  uint32_t out;
  bool inside; /* drive it from inside the device */
};

static gpointer
toggle (gpointer data)
{
  struct job *job = data;
  for (int i = 0; i < ROUNDS; i++)
    {
      int token = job->inside ? gwt_device_enter (job->from) : 0;
      set (job->from, job->out, 1);
      set (job->from, job->out, 0);
      if (job->inside)
        gwt_device_leave (job->from, token);
    }
  return NULL;
}

/* Two threads inside devices with own locks that are wired to one another and to one under the
   machine lock: it must neither deadlock nor end with a level that is not the state. */
static void
test_threads (void)
{
  struct gwt_device *a = make ("own", "a"), *b = make ("own", "b"), *m = make ("machine", "m");
  struct gwt_device *p = make ("parallel", "p");
  GWT_AUTO_ERROR (err);
  connect (a, 0, b, 0);
  connect (b, 0, a, 0);
  connect (a, 1, m, 1);
  connect (b, 1, m, 1);
  connect (m, 0, a, 1);
  connect (a, 2, p, 2);
  connect (b, 2, p, 2);
  struct job jobs[] = { { a, 0, true }, { b, 0, true },  { a, 1, true }, { b, 1, true },
                        { m, 0, true }, { a, 2, false }, { b, 2, false } };
  GThread *threads[G_N_ELEMENTS (jobs)];
  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    threads[i] = g_thread_new (NULL, toggle, &jobs[i]);
  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (wired (a)->last[0], ==, 0);
  g_assert_cmpuint (wired (b)->last[0], ==, 0);
  g_assert_cmpuint (wired (m)->last[1], ==, 0);
  g_assert_cmpuint (wired (p)->last[2], ==, 0);
  g_assert_cmpuint (wired (m)->wrong_lock, ==, 0);
  g_assert_cmpuint (wired (m)->calls, >=, 4 * ROUNDS);
  g_assert_cmpuint (wired (a)->calls, >=, 4 * ROUNDS);
  gwt_device_destroy_all ();
}

static gpointer
pulse_from_io (gpointer data)
{
  struct gwt_device *from = data;

  gwt_lock_io_thread (true);
  set (from, 0, 1);
  set (from, 0, 0);
  set (from, 1, 1);
  set (from, 2, 1);
  return NULL;
}

/* A back end's thread does not wait for the machine lock, whose holder may be waiting for it: this
   one does.  What it left arrives when the lock is dropped, and nothing of it is lost. */
static void
test_io_thread (void)
{
  struct gwt_device *a = make ("parallel", "a"), *m = make ("machine", "m"), *o = make ("own", "o");

  connect (a, 0, m, 0);
  connect (a, 1, m, 1);
  connect (a, 2, o, 2);
  gwt_machine_lock ();
  g_thread_join (g_thread_new (NULL, pulse_from_io, a));
  g_assert_cmphex (wired (m)->trace, ==, 0);
  g_assert_cmphex (wired (o)->trace, ==, 5);
  gwt_machine_unlock ();
  /* Line 0 was up and is down again, line 1 is up. */
  g_assert_cmphex (wired (m)->trace, ==, 0x103);
  g_assert_cmpuint (wired (m)->wrong_lock, ==, 0);
  /* With the lock free it arrives at once. */
  set (a, 1, 0);
  g_thread_join (g_thread_new (NULL, pulse_from_io, a));
  g_assert_cmphex (wired (m)->trace, ==, 0x1032103);
  gwt_device_destroy_all ();
}

static atomic_uint turn;

/* Raises line 1 in each odd turn, and makes it even. */
static gpointer
raise_in_turn (gpointer data)
{
  gwt_lock_io_thread (true);
  for (guint round = 1; round <= ROUNDS; round++)
    {
      while (atomic_load (&turn) != 2 * round - 1)
        g_thread_yield ();
      set (data, 1, 1);
      atomic_store (&turn, 2 * round);
    }
  return NULL;
}

static gpointer
toggle_from_io (gpointer data)
{
  gwt_lock_io_thread (true);
  return toggle (data);
}

/* The same against threads that take the lock all the time: each level that was set arrives, though
   the thread that set it is gone, and the last state is the last that arrives. */
static void
test_io_storm (void)
{
  struct gwt_device *a = make ("parallel", "a"), *b = make ("own", "b"), *m = make ("machine", "m");

  connect (a, 0, m, 0);
  connect (b, 0, m, 0);
  connect (a, 1, m, 1);
  connect (b, 1, m, 2);
  struct job jobs[] = { { a, 0, false }, { b, 0, true }, { a, 1, false }, { b, 1, true } };
  GThread *threads[G_N_ELEMENTS (jobs)];
  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    threads[i] = g_thread_new (NULL, i < 2 ? toggle_from_io : toggle, &jobs[i]);
  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (wired (m)->last[i], ==, 0);
  g_assert_cmpuint (wired (m)->wrong_lock, ==, 0);
  GThread *thread = g_thread_new (NULL, raise_in_turn, a);
  for (guint round = 1; round <= ROUNDS; round++)
    {
      atomic_store (&turn, 2 * round - 1);
      while (atomic_load (&turn) != 2 * round)
        {
          gwt_machine_lock ();
          gwt_machine_unlock ();
        }
      /* Before this thread could deliver it with an unlock of its own. */
      g_assert_cmpuint (wired (m)->last[1], ==, 1);
      set (a, 1, 0);
      g_assert_cmpuint (wired (m)->last[1], ==, 0);
    }
  g_thread_join (thread);
  gwt_device_destroy_all ();
}

int
main (int argc, char **argv)
{
  GWT_AUTO_ERROR (err);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (wired_types); i++)
    {
      gwt_type_register (&wired_types[i], "tests", "1.0", &err);
      g_assert_cmpstr (err.text, ==, NULL);
    }
  g_test_add_func ("/irq/wiring", test_wiring);
  g_test_add_func ("/irq/or", test_or);
  g_test_add_func ("/irq/deferred", test_deferred);
  g_test_add_func ("/irq/nested", test_nested);
  g_test_add_func ("/irq/after", test_after);
  g_test_add_func ("/irq/threads", test_threads);
  g_test_add_func ("/irq/io-thread", test_io_thread);
  g_test_add_func ("/irq/io-storm", test_io_storm);
  return g_test_run ();
}
