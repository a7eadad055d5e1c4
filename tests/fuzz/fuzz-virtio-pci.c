/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio driver without manners behind PCI, on the bench of tests/virtio: what it stores to
 * configuration space, BARs and rings, turns of the device's, and resets.  The first byte picks the
 * place and the features, then every twelve bytes are a step.  Claimed: no chain reaches the device
 * of which a byte is not RAM, and after all that a driver with manners is served.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/virtio/virtio-bench.h"

const char *const fuzz_tokens[] = { "\x14\0\0\0\x0f", "\x16", "\x1a", "\x1c\0\0\0\x01", "\x3a",
                                    "\x04\0\0\0\x06", "\x88", "\x94", "\xff\xff\xff\xff", NULL };

static void
use (const struct gwt_virtq_chain *c)
{
  volatile uint8_t sum = 0;
  FUZZ_CLAIM (c->n_readable + c->n_writable >= 1
              && c->n_readable + c->n_writable <= GWT_VIRTIO_BUFFERS_MAX);
  for (uint32_t i = 0; i < c->n_readable; i++)
    {
      const uint8_t *p = c->readable[i].base;
      sum = (uint8_t) (sum + p[0] + p[c->readable[i].size - 1]);
    }
  for (uint32_t i = 0; i < c->n_writable; i++)
    {
      uint8_t *p = c->writable[i].base;
      p[0] = p[c->writable[i].size - 1] = 0x5a;
    }
}

static void
turn (struct vdriver *d, uint8_t how)
{
  struct gwt_virtq *q = d->probe->queue[how >> 6 & 1];
  struct gwt_virtq_chain *c = virtio->pop (q);
  if (c != NULL)
    {
      use (c);
      if (how & 1)
        virtio->push (q, c, c->writable_size);
      else if (how & 2)
        virtio->unpop (q, c);
    }
  if (how & 4)
    virtio->notify (q);
  if (how & 8)
    virtio->config_changed (d->probe->virtio);
  if ((how & 0x30) == 0x30)
    virtio->broken (d->probe->virtio, "it says so");
}

static uint64_t
address (const struct vdriver *d, const uint8_t *s)
{
  uint32_t offset = s[1] | (uint32_t) s[2] << 8 | (uint32_t) s[3] << 16;
  switch (s[0] & 7)
    {
    case 0:
      return d->config + (offset & 0xfff);
    case 1:
      /* The header, and the capabilities behind it. */
      return d->config + (offset & 0xff);
    case 2:
      return BAR4 + (offset & 0x3fff);
    case 3:
      return MSIX_BAR + (offset & 0xfff);
    case 4:
      return RAM + (offset & (RAM_SIZE - 1));
    case 5:
      return AREA (offset >> 8 & 1, offset >> 6 & 3) + (offset & 0x3f);
    default:
      return COMMON + (offset & 0x3f);
    }
}

static void
step (struct vdriver *d, const uint8_t *s)
{
  uint32_t size = 1u << (s[0] >> 6);
  uint64_t value, at = address (d, s) & ~(uint64_t) (size - 1);
  memcpy (&value, s + 4, 8);
  switch (s[0] >> 3 & 7)
    {
    case 0:
      gwt_memory_load (at, size, &value);
      break;
    case 1:
      turn (d, s[1]);
      break;
    case 2:
      if (s[1] == 0)
        gwt_device_reset_all (GWT_RESET_WARM);
      vdriver_enable (d);
      if (s[2] & 1)
        gwt_memory_store (COMMON + R_STATUS, 1, OK_STATUS);
      break;
    default:
      gwt_memory_store (at, size, value);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct vdriver d;
  if (size < 1)
    return 0;
  vdriver_new (&d, data[0] & 1, ",packed=on,in-order=on");
  vdriver_msix (&d, data[0] & 2 ? 4 : 0);
  if (!(data[0] & 2))
    store (d.config + find_capability (d.config, 0x11, 0) + 2, 2, 0);
  vdriver_start (&d, (data[0] & 4 ? RING_RESET : 0) | (data[0] & 8 ? UINT64_C (1) << 34 : 0), 1);
  for (size_t at = 1; at + 12 <= size; at += 12)
    step (&d, data + at);
  /* A machine that is reset is like new. */
  gwt_device_reset_all (GWT_RESET_COLD);
  vdriver_open_port (&d);
  vdriver_enable (&d);
  FUZZ_CLAIM (sink->level[0] + sink->level[1] + sink->level[2] + sink->level[3] == 0);
  vdriver_start (&d, 0, 0);
  vdriver_add (&d);
  store (NOTIFY, 2, 0);
  FUZZ_CLAIM (vprobe_serve (d.probe) && vdriver_used (&d));
  bench_end ();
  return 0;
}
