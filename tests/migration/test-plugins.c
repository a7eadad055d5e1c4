/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of the plugins' devices: saved, carried to another device, and saved again. */
#include "config.h"
#include <godwit/clock.h>
#include "core/cpu/run.h"
#include "core/machine/fdt-tree.h"
#include "core/memory/memory.h"
#include "core/migration/devices.h"
#include "core/plugin/loader.h"
#include "core/util/extension.h"
#include "tests/vmstate/hostile.h"

static const struct gwt_clock_api *clocks;

static struct gwt_device *
make (const char *plugin, const char *type, uint64_t at)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *file = g_strdup_printf (
      "%s/plugins/%s.so", g_getenv ("abs_top_builddir") ? g_getenv ("abs_top_builddir") : ".",
      plugin);
  struct gwt_device *device;

  if (gwt_type_find (type) == NULL)
    gwt_loader_load_file (file, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  device = gwt_device_new (gwt_type_find (type), NULL, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  gwt_device_realize (device, &err);
  gwt_memory_map (gwt_memory_device_region (device, 0), at, 0, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  device->type->d.reset (device->instance, GWT_RESET_COLD);
  return device;
}

static uint64_t
load_word (uint64_t address)
{
  uint64_t value;

  g_assert_cmpuint (gwt_memory_load (address, 4, &value), ==, GWT_ACCESS_OK);
  return value;
}

static void
store (uint64_t address, uint64_t value)
{
  g_assert_cmpuint (gwt_memory_store (address, 4, value), ==, GWT_ACCESS_OK);
}

static void
finish (void)
{
  gwt_device_destroy_all ();
  gwt_memory_destroy_all ();
}

#define RTC UINT64_C (0x1000)
#define OTHER UINT64_C (0x2000)

static uint64_t
rtc_time (uint64_t at)
{
  uint64_t low = load_word (at);

  return load_word (at + 4) << 32 | low;
}

/* The time that the guest has set, its alarm, and the half that it has read go along. */
static void
test_rtc (void)
{
  struct gwt_device *a = make ("goldfish-rtc", "goldfish-rtc", RTC);
  struct gwt_device *b = make ("goldfish-rtc", "goldfish-rtc", OTHER);
  const struct gwt_vmstate *state = a->type->d.states[0];
  const uint64_t year = UINT64_C (31536000000000000), now = clocks->now (GWT_CLOCK_HOST);
  uint64_t before, between;
  GByteArray *bytes, *again;
  g_autofree char *error = NULL, *old = NULL;

  store (RTC + 4, (now + year) >> 32);
  store (RTC, (now + year) & 0xffffffff);
  store (RTC + 0x10, 1);
  store (RTC + 0xc, (now + 2 * year) >> 32);
  store (RTC + 8, (now + 2 * year) & 0xffffffff);
  load_word (RTC); /* latches the high half */
  bytes = save (state, a->instance, NULL);
  g_assert_cmpuint (bytes->len, ==, 40);
  error = load_bytes (state, b->instance, 3, bytes->data, bytes->len);
  g_assert_cmpstr (error, ==, NULL);
  g_assert_cmpuint (load_word (OTHER + 4), ==, load_word (RTC + 4));
  g_assert_cmpuint (rtc_time (OTHER) - now, >=, year);
  before = rtc_time (RTC);
  between = rtc_time (OTHER);
  g_assert_cmpuint (before, <=, between);
  g_assert_cmpuint (between, <=, rtc_time (RTC));
  g_assert_cmpuint (load_word (OTHER + 0x18), ==, 1);
  g_assert_cmpuint (load_word (OTHER + 0xc), ==, (now + 2 * year) >> 32);
  again = save (state, b->instance, NULL);
  /* But for the offset from the virtual clock, which is a matter of when it is asked for. */
  g_assert_cmpmem (again->data + 8, again->len - 8, bytes->data + 8, bytes->len - 8);
  /* An older stream, without the second offset and the half: the first one counts. */
  b->type->d.reset (b->instance, GWT_RESET_COLD);
  old = load_bytes (state, b->instance, 1, bytes->data, 28);
  g_assert_cmpstr (old, ==, NULL);
  g_assert_cmpuint (rtc_time (OTHER) - now, >=, year);
  /* An alarm that is due by now has gone off. */
  memset (bytes->data + 8, 0, 8);
  g_free (error);
  error = load_bytes (state, b->instance, 3, bytes->data, bytes->len);
  g_assert_cmpstr (error, ==, NULL);
  g_assert_cmpuint (load_word (OTHER + 0x18), ==, 0);
  /* The offset from the virtual clock differs from one save to the next. */
  check_hostile_moving (state, b->instance, b, again, (const gsize[]){ 0, 8, 0, 0 });
  /* What no clock can be in. */
  bytes->data[19] = 2;
  g_free (error);
  error = load_bytes (state, b->instance, 3, bytes->data, bytes->len);
  g_assert_cmpstr (error, ==, "byte 20: field 'alarm_running': 2 is above 1");
  g_byte_array_unref (bytes);
  g_byte_array_unref (again);
  finish ();
}

int
main (int argc, char **argv)
{
  GWT_AUTO_ERROR (err);
  g_test_init (&argc, &argv, NULL);
  gwt_device_register_extensions ();
  gwt_memory_register_extensions ();
  gwt_extension_add (GWT_FDT_EXT, &gwt_fdt_ext, "host", &err);
  gwt_run_init ();
  gwt_loader_init ();
  clocks = gwt_extension_find (GWT_CLOCK_EXT);
  g_test_add_func ("/plugins/goldfish-rtc", test_rtc);
  int status = g_test_run ();
  gwt_run_finish ();
  return status;
}
