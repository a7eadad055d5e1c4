/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest and a world that know no manners: for every platform device random accesses, interrupt
 * levels, input, time and resets.  What is asserted is that nothing breaks (the sanitizer build
 * sees more) and that the log gets a line, not a flood.  The seed is g_test's, printed at the
 * start.
 */
#include "mock-host.h"

#define ROUNDS 200000

static const char *const names[]
    = { "aclint", "sifive-plic", "ns16550", "goldfish-rtc", "sifive-test", "fw-cfg", "cfi-flash",
        "riscv-aplic", "riscv-imsic" };

static uint64_t
random64 (void)
{
  return (uint64_t) (uint32_t) g_test_rand_int () << 32 | (uint32_t) g_test_rand_int ();
}

/* Mostly the values that sit on some edge. */
static uint64_t
random_value (void)
{
  switch (g_test_rand_int () & 7)
    {
    case 0:
      return 0;
    case 1:
      return G_MAXUINT64;
    case 2:
      return MOCK_RAM_BASE + (random64 () & 0xffff);
    case 3:
      return GUINT64_TO_BE (MOCK_RAM_BASE + (random64 () & 0xfff));
    case 4:
    case 5:
      return random64 () & 0xff;
    case 6:
      return (uint64_t) 1 << (random64 () & 63);
    default:
      return random64 ();
    }
}

static uint64_t
random_offset (const struct gwt_region *r, uint32_t size)
{
  uint64_t offset;

  switch (g_test_rand_int () & 3)
    {
    case 0:
      offset = random64 () % MIN (r->size, 0x100);
      break;
    case 1:
      offset = r->size - 1 - random64 () % MIN (r->size, 0x100);
      break;
    case 2:
      /* Where the ACLINT, the PLIC's contexts and the flash's blocks begin. */
      offset = ((random64 () & 0x3f) << (12 + random64 () % 8)) + (random64 () & 0xf);
      break;
    default:
      offset = random64 ();
      break;
    }
  offset %= r->size;
  return offset - offset % size;
}

static void
step (struct gwt_device *d)
{
  uint32_t size = 1u << (g_test_rand_int () & 3);
  uint64_t offset = random_offset (d->region[0], size), value;
  uint8_t bytes[32] = { 0 };

  switch (g_test_rand_int () & 31)
    {
    case 0:
      mock_advance (GWT_CLOCK_VIRTUAL, random64 () & 0xffffff);
      break;
    case 1:
      mock_advance (GWT_CLOCK_HOST, random64 () & 0xffffff);
      break;
    case 2:
      if (g_test_rand_int () % 64 == 0)
        mock_reset (d, g_test_rand_int () & 1 ? GWT_RESET_WARM : GWT_RESET_COLD);
      break;
    case 3:
    case 4:
      if (d->input)
        mock_input (d, (uint32_t) (random64 () % d->n_inputs), g_test_rand_int () & 1);
      if (mock.serial.client)
        mock_type (bytes, random64 () % sizeof bytes);
      break;
    case 5:
      if (mock.serial.client)
        {
          mock.serial.room = random64 () & 7;
          mock.serial.client->writable (d->instance);
        }
      break;
    case 6:
      if (mock.serial.client)
        mock.serial.client->event (d->instance, 1000 * (1 + (random64 () & 3)));
      break;
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
      mock_load_status (d, offset, size, &value);
      break;
    default:
      mock_store_status (d, offset, size, random_value ());
      break;
    }
}

static void
test_random (gconstpointer data)
{
  const struct gwt_device_type *type = data;
  struct gwt_device *d;
  uint32_t i;

  mock_new_machine (3);
  if (g_str_equal (type->name, "ns16550"))
    d = mock_new (type, "device", "chardev=serial", NULL);
  else if (g_str_equal (type->name, "cfi-flash"))
    /* Small, so that erasing does not take all the time. */
    d = mock_new (type, "device", "num-blocks=64", "sector-length=0x1000", NULL);
  else if (g_str_equal (type->name, "riscv-aplic"))
    d = mock_new (type, "device", "mmode=1", NULL);
  else
    d = mock_new (type, "device", NULL);
  if (g_str_equal (type->name, "fw-cfg"))
    {
      const struct gwt_fwcfg_ops *ops = type->interfaces[0].table;

      ops->add_item (d->instance, 8, "0123456789", 10, NULL);
      ops->add_file (d->instance, "etc/x", "content", 7, NULL);
    }
  for (i = 0; i < ROUNDS; i++)
    step (d);
  g_assert_cmpuint (mock.logs, <=, 2);
  mock_free (d);
}

/* Made, refused or freed twice over: nothing is left behind (the sanitizers look). */
static void
test_create_destroy (gconstpointer data)
{
  const struct gwt_device_type *type = data;
  int i;

  for (i = 0; i < 3; i++)
    {
      struct gwt_device *d;

      mock_new_machine (2);
      /* An APLIC's first domain is at machine level. */
      d = mock_try_new (type, "device",
                        g_str_equal (type->name, "riscv-aplic") ? "mmode=1" : NULL, NULL);
      g_assert_nonnull (d);
      mock_free (d);
    }
}

int
main (int argc, char **argv)
{
  guint i;

  g_test_init (&argc, &argv, NULL);
  for (i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const struct gwt_plugin *plugin = mock_load (names[i]);
      char *path;

      path = g_strdup_printf ("/hostile/random/%s", names[i]);
      g_test_add_data_func (path, plugin->types[0], test_random);
      g_free (path);
      path = g_strdup_printf ("/hostile/create-destroy/%s", names[i]);
      g_test_add_data_func (path, plugin->types[0], test_create_destroy);
      g_free (path);
    }
  return g_test_run ();
}
