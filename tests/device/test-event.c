/* SPDX-License-Identifier: BSD-2-Clause */
/* Events: in order, from any thread, and no flood of those of which only the last counts. */
#include "config.h"
#include "core/device/event.h"
#include <string.h>
#include "core/util/extension.h"
#include "tests/device/sample.h"

static GString *heard;
static struct gwt_device *one, *two;
static const struct gwt_event_api *api;

static void
listen_to (const char *name, struct json_object *data)
{
  g_string_append_printf (heard, "%s%s;", name, data ? json_object_to_json_string (data) : "");
  json_object_put (data);
}

static void
run_loop (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_order (void)
{
  g_string_truncate (heard, 0);
  api->emit (one, "A", NULL, 0);
  api->emit (one, "B", "{\"x\": 1}", 0);
  api->emit (one, "A", NULL, 0);
  g_assert_cmpstr (heard->str, ==, ""); /* it returns at once */
  run_loop ();
  g_assert_cmpstr (heard->str, ==, "A;B{ \"x\": 1 };A;");
}

static gpointer
emit_many (gpointer device)
{
  for (int i = 0; i < 1000; i++)
    {
      g_autofree char *data = g_strdup_printf ("{\"n\":%d}", i);
      api->emit (device, "LATEST", data, GWT_EVENT_LATEST);
    }
  return NULL;
}

/* Of a thousand one comes, the last one of those that came since follows; each device by itself. */
static void
test_latest (void)
{
  GThread *thread;
  g_string_truncate (heard, 0);
  api->emit (one, "LATEST", "{\"n\":-1}", GWT_EVENT_LATEST);
  api->emit (two, "LATEST", "{\"n\":-2}", GWT_EVENT_LATEST);
  run_loop ();
  g_assert_cmpstr (heard->str, ==, "LATEST{ \"n\": -1 };LATEST{ \"n\": -2 };");
  g_string_truncate (heard, 0);
  thread = g_thread_new ("emit", emit_many, one);
  g_thread_join (thread);
  run_loop ();
  api->emit (one, "OTHER", NULL, 0);
  run_loop ();
  g_assert_cmpstr (heard->str, ==, "OTHER;");
  while (strlen (heard->str) == strlen ("OTHER;"))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (heard->str, ==, "OTHER;LATEST{ \"n\": 999 };");
}

static void
test_malformed (void)
{
  g_string_truncate (heard, 0);
  api->emit (one, "BAD", "{", 0);
  api->emit (one, "GOOD", "{}", 0);
  run_loop ();
  g_assert_cmpstr (heard->str, ==, "GOOD{ };");
}

static void
test_clear (void)
{
  g_string_truncate (heard, 0);
  api->emit (one, "LATEST", NULL, GWT_EVENT_LATEST);
  api->emit (one, "A", NULL, 0);
  gwt_event_clear ();
  run_loop ();
  api->emit (one, "A", NULL, 0);
  run_loop ();
  g_assert_cmpstr (heard->str, ==, "");
}

int
main (int argc, char **argv)
{
  static const struct gwt_device_type sample_type = SAMPLE_TYPE ("sample");
  GWT_AUTO_ERROR (err);
  int result;
  g_test_init (&argc, &argv, NULL);
  gwt_type_register (&sample_type, "tests", "1.0", &err);
  gwt_device_register_extensions ();
  api = gwt_extension_find (GWT_EVENT_EXT);
  heard = g_string_new (NULL);
  one = gwt_device_new (gwt_type_find ("sample"), "one", &err);
  two = gwt_device_new (gwt_type_find ("sample"), "two", &err);
  g_assert_cmpstr (err.text, ==, NULL);
  gwt_event_set_listener (listen_to);
  g_test_add_func ("/event/order", test_order);
  g_test_add_func ("/event/latest", test_latest);
  g_test_add_func ("/event/malformed", test_malformed);
  g_test_add_func ("/event/clear", test_clear);
  result = g_test_run ();
  gwt_device_destroy_all ();
  g_string_free (heard, TRUE);
  return result;
}
