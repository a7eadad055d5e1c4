/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sequences of accesses, lines, input, time and resets for each platform device, on the mock host
 * of tests/devices.  The first byte picks the device, then every twelve bytes are a step.
 */
#include "tests/devices/mock-host.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

const char *const fuzz_tokens[]
    = { "\x80\0",           "UU",   "33",   "ww",   "\x98", "\x20", "\xd0", "\xe8", "\x10",
        "\xff\xff\xff\xff", "\x90", "\x40", "\x83", "\x1f", NULL };

static const char *const names[]
    = { "aclint", "sifive-plic", "ns16550", "goldfish-rtc", "sifive-test", "fw-cfg", "cfi-flash" };
static const struct gwt_device_type *types[G_N_ELEMENTS (names)];

static struct gwt_device *
make (const struct gwt_device_type *type)
{
  struct gwt_device *d;

  mock_new_machine (2);
  if (g_str_equal (type->name, "ns16550"))
    return mock_new (type, "device", "chardev=serial", NULL);
  if (g_str_equal (type->name, "cfi-flash"))
    return mock_new (type, "device", "num-blocks=16", "sector-length=0x1000", NULL);
  d = mock_new (type, "device", NULL);
  if (g_str_equal (type->name, "fw-cfg"))
    {
      const struct gwt_fwcfg_ops *ops = type->interfaces[0].table;
      ops->add_item (d->instance, 8, "0123456789", 10, NULL);
      ops->add_file (d->instance, "etc/x", "content", 7, NULL);
    }
  return d;
}

static void
step (struct gwt_device *d, const uint8_t *s)
{
  uint32_t size = 1u << (s[0] >> 4 & 3), offset32;
  uint64_t offset, value;

  offset32 = s[1] | s[2] << 8 | (uint32_t) s[3] << 16;
  memcpy (&value, s + 4, 8);
  /* Half of them at the start of the region, where the registers are. */
  offset = (s[0] & 0x80 ? offset32 : offset32 & 0xff) % d->region[0]->size;
  offset -= offset % size;
  switch (s[0] & 15)
    {
    case 0:
      mock_advance (GWT_CLOCK_VIRTUAL, value & 0xffffffff);
      break;
    case 1:
      mock_advance (GWT_CLOCK_HOST, value & 0xffffffff);
      break;
    case 2:
      mock_reset (d, value & 1 ? GWT_RESET_WARM : GWT_RESET_COLD);
      break;
    case 3:
      if (d->input)
        mock_input (d, (uint32_t) (value % d->n_inputs), s[1] & 1);
      if (mock.serial.client)
        mock_type (s + 4, 8);
      break;
    case 4:
      if (mock.serial.client)
        {
          mock.serial.room = value & 7;
          mock.serial.client->writable (d->instance);
        }
      break;
    case 5:
    case 6:
    case 7:
      mock_load_status (d, offset, size, &value);
      break;
    default:
      mock_store_status (d, offset, size, value);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct gwt_device *d;
  unsigned which;

  if (size < 1)
    return 0;
  which = data[0] % G_N_ELEMENTS (names);
  if (types[which] == NULL)
    types[which] = mock_load (names[which])->types[0];
  d = make (types[which]);
  for (size_t at = 1; at + 12 <= size; at += 12)
    step (d, data + at);
  mock_free (d);
  return 0;
}
