/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio driver without manners, on the mock host of tests/devices.  The first byte picks
 * features and queue size, then every eight bytes are a step: something stored to rings, tables or
 * registers, or a turn of the device's.  Claimed: no chain reaches the device of which a byte is
 * not RAM, none is out after a reset, and no memory stays mapped.
 */
#include "tests/devices/virtio-driver.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

const char *const fuzz_tokens[]
    = { "\x01\x00\x00\x02", "\x80\x00",         "\x00\x80",         "\x02\x00",
        "\x04\x00",         "\xff\xff\xff\xff", "\x10\x00\x00\x00", NULL };

/* The device reads all that it may, and writes all that it may. */
static void
use (const struct gwt_virtq_chain *c)
{
  volatile uint8_t sink = 0;
  uint64_t total = 0;
  uint32_t i;

  FUZZ_CLAIM (c->n_readable + c->n_writable >= 1
              && c->n_readable + c->n_writable <= GWT_VIRTIO_BUFFERS_MAX);
  for (i = 0; i < c->n_readable; i++)
    {
      const uint8_t *p = c->readable[i].base;

      sink = (uint8_t) (sink + p[0] + p[c->readable[i].size - 1]);
    }
  for (i = 0; i < c->n_writable; i++)
    {
      uint8_t *p = c->writable[i].base;

      p[0] = p[c->writable[i].size - 1] = 0x5a;
      total += c->writable[i].size;
    }
  FUZZ_CLAIM (total == c->writable_size);
}

static void
turn (struct driver *d, uint8_t how)
{
  struct gwt_virtq_chain *c = d->api->pop (d->probe->queue[0]);

  if (c)
    {
      use (c);
      if (how & 1)
        d->api->push (d->probe->queue[0], c, how & 2 ? c->writable_size : UINT64_MAX);
      else if (how & 2)
        d->api->unpop (d->probe->queue[0], c);
      /* Else it stays out until the device is stopped. */
    }
  if (how & 4)
    d->api->notify (d->probe->queue[0]);
  if (how & 8)
    d->api->want_notify (d->probe->queue[0], how >> 4 & 1);
}

static void
step (struct driver *d, const uint8_t *s)
{
  static const uint16_t registers[]
      = { 0x14, 0x20, 0x24, 0x30, 0x38, 0x44, 0x50, 0x64, 0x70,  0x80,
          0x84, 0x90, 0x94, 0xa0, 0xa4, 0xac, 0xc0, 0xfc, 0x100, 0x104 };
  uint32_t value, at = s[1] % 16;
  uint64_t area[3] = { d->desc, d->driver, d->used };

  memcpy (&value, s + 4, 4);
  switch (s[0] % 8)
    {
    case 0: /* a descriptor, of the ring or of the table that the next one may point to */
      driver_desc (s[0] & 0x80 ? BUFFERS : d->desc, at, BUFFERS + 16ull * s[2], s[3] + 256u * s[4],
                   (uint16_t) (s[5] & 7), (uint16_t) (s[6] | s[7] << 8));
      break;
    case 1:
      driver_desc (d->desc, at, (uint64_t) value << (s[2] & 32), s[3] * 16u, (uint16_t) (s[2] & 7),
                   (uint16_t) (s[3] << 8 | s[2]));
      break;
    case 2:
      driver_put16 (area[s[2] % 3] + 2 * at, (uint16_t) value);
      break;
    case 3:
      driver_put16 (d->driver + 2, (uint16_t) (driver_get16 (d->driver + 2) + (s[2] & 3)));
      break;
    case 4:
      driver_store (d, registers[s[1] % G_N_ELEMENTS (registers)], value);
      break;
    case 5:
      driver_store (d, registers[s[1] % G_N_ELEMENTS (registers)], s[4]);
      break;
    default:
      turn (d, s[1]);
      break;
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct driver d;
  uint64_t features;

  if (size < 1)
    return 0;
  driver_new (&d, "packed=1", "in-order=1", NULL);
  features = (data[0] & 1 ? PACKED : 0) | (data[0] & 2 ? EVENT_IDX : 0)
             | (data[0] & 4 ? INDIRECT_DESC : 0) | (data[0] & 8 ? IN_ORDER : 0)
             | (data[0] & 16 ? RING_RESET : 0);
  driver_start (&d, features, (uint16_t) (1u << (1 + data[0] / 32 % 4)));
  for (size_t at = 1; at + 8 <= size; at += 8)
    step (&d, data + at);
  FUZZ_CLAIM (mock.logs <= 1);
  driver_store (&d, R_STATUS, 0);
  FUZZ_CLAIM (driver_load (&d, R_STATUS) == 0 && mock.dma_maps == 0);
  FUZZ_CLAIM (mock_level (d.slot, "irq", 0) == 0);
  driver_start (&d, features, 4);
  driver_free (&d);
  return 0;
}
