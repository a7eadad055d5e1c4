/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver of a virtio-serial controller without manners, on the mock host of tests/devices, and
 * back ends that come, go, fill and drain meanwhile.  Every eight bytes are a step.  Claimed: no
 * back end is given a byte that it has no room for, one line of the log is enough, and after a
 * reset nothing of the guest's memory stays mapped and the device works.
 */
#include "tests/virtio-console/serial-driver.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

const char *const fuzz_tokens[]
    = { "\x01\x00\x00\x00", "\x06\x00\x01\x00", "\x03\x00\x01\x00", "\xff\xff\xff\xff", NULL };

struct bench
{
  struct serial_driver d;
  struct gwt_device *port[3];
};

static void
plug (struct bench *b, uint32_t n)
{
  static const char *const ids[] = { "con", "one", "two" };
  static const char *const chardevs[] = { NULL, "chardev=serial", "chardev=second" };

  if (b->port[n])
    {
      mock_free (b->port[n]);
      b->port[n] = NULL;
    }
  else
    b->port[n] = mock_new (n ? b->d.channel : b->d.console, ids[n], chardevs[n], NULL);
}

static void
host_side (struct bench *b, const uint8_t *s)
{
  struct gwt_chardev *c = s[1] & 1 ? &mock.serial : &mock.second;

  (void) b;
  c->room = s[3] & 0x80 ? G_MAXUINT64 : s[3];
  if (c->client == NULL)
    return;
  switch (s[2] % 5)
    {
    case 0:
      c->client->event (c->device->instance, GWT_CHARDEV_OPENED);
      break;
    case 1:
      c->client->event (c->device->instance, GWT_CHARDEV_CLOSED);
      break;
    case 2:
      c->client->event (c->device->instance, GWT_CHARDEV_RESIZED);
      break;
    case 3:
      c->client->writable (c->device->instance);
      break;
    default:
      mock_type_at (c, s, s[4] % 9);
      break;
    }
  if (c->output->len > 4096)
    g_byte_array_set_size (c->output, 0);
}

static void
step (struct bench *b, const uint8_t *s)
{
  struct serial_driver *d = &b->d;
  uint32_t queue = s[1] % d->n_queues;
  uint64_t ring = MOCK_RAM_BASE + 0x1000 * queue;
  uint16_t words[2];

  switch (s[0] % 8)
    {
    case 0: /* a message of which most are sensible */
      memset (serial_add (d, CONTROL_OUT, s[1] & 0x80 ? s[2] % 16 + 1u : 8, s[1] & 0x40), s[3], 16);
      words[0] = s[4] % 8;
      words[1] = s[5];
      memcpy (mock_memory (MOCK_RAM_BASE + 0x40000
                               + (QUEUE_SIZE * CONTROL_OUT
                                  + (d->next[CONTROL_OUT] + QUEUE_SIZE - 1u) % QUEUE_SIZE)
                                     * 0x400u,
                           8),
              (uint8_t[]){ s[6] & 3, 0, 0, s[6] & 0x80, (uint8_t) words[0], 0, (uint8_t) words[1],
                           0 },
              8);
      serial_kick (d, CONTROL_OUT);
      break;
    case 1:
    case 2: /* a buffer, as it should be or not */
      serial_add (d, queue, s[2] % 64 + 1u, (s[3] & 7) ? !(queue & 1) : queue & 1);
      if (s[4] & 1)
        serial_kick (d, queue);
      break;
    case 3: /* something stored to a ring */
      memcpy (mock_memory (ring + 2 * (s[2] | (s[3] & 7u) << 8), 2), s + 4, 2);
      break;
    case 4:
      serial_kick (d, s[1] % 16);
      break;
    case 5:
      host_side (b, s);
      break;
    case 6:
      if (s[1] % 8 == 0)
        plug (b, s[2] % 3);
      else if (s[1] % 8 == 1)
        mock_advance (s[2] & 1 ? GWT_CLOCK_REAL : GWT_CLOCK_VIRTUAL, s[3]);
      else if (s[1] % 8 == 2 && s[2] < 8)
        serial_start (d, (s[3] & 1 ? MULTIPORT : 0) | (s[3] & 2 ? SIZE : 0));
      break;
    default:
      mock_store_reg (d->slot, 0x100 + (s[1] & 12), 1u << s[2] % 3, s[3]);
      mock_load_reg (d->slot, 0x100 + (s[1] & 12), 1u << s[2] % 3);
      break;
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct bench b = { 0 };
  guint i;

  if (size < 1)
    return 0;
  serial_new (&b.d, "max-ports=4", NULL);
  mock.second.connected = data[0] & 4;
  plug (&b, 0);
  plug (&b, 1);
  serial_start (&b.d, (data[0] & 1 ? MULTIPORT : 0) | (data[0] & 2 ? SIZE : 0));
  for (size_t at = 1; at + 8 <= size; at += 8)
    step (&b, data + at);
  /* Of the controller one by this plugin, one by virtio. */
  FUZZ_CLAIM (mock.logs <= 2);
  serial_store (&b.d, 0x70, 0);
  FUZZ_CLAIM (serial_load (&b.d, 0x70) == 0 && mock.dma_maps == 0);
  FUZZ_CLAIM (mock_level (b.d.slot, "irq", 0) == 0);
  if (b.port[1] == NULL)
    plug (&b, 1);
  mock.serial.client->event (mock.serial.device->instance, GWT_CHARDEV_OPENED);
  mock.serial.room = G_MAXUINT64;
  g_byte_array_set_size (mock.serial.output, 0);
  serial_start (&b.d, MULTIPORT);
  serial_ready (&b.d);
  FUZZ_CLAIM (serial_send (&b.d, (uint32_t) mock_row (b.port[1], "nr", 0), "well"));
  FUZZ_CLAIM (mock.serial.output->len == 4);
  for (i = 0; i < 3; i++)
    if (b.port[i])
      mock_free (b.port[i]);
  serial_free (&b.d);
  return 0;
}
