/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network driver and a network without manners, on the mock host.  The first byte picks features,
 * then every eight bytes are a step: a chain with any buffers for any queue, a command, a frame, a
 * register.  Claimed: only frames of a legal size are sent, only what was used is written, a reset
 * gives everything back, and the device works afterwards.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/net/net-driver.h"

#include <string.h>

const char *const fuzz_tokens[] = { "\x00\x00\x01", "\x01\x00", "\x04\x00\x02", "\x05\x00", NULL };

#define QUEUES 5

static void
step (struct net_driver *d, const uint8_t *s)
{
  static const uint8_t to[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
  static const uint16_t registers[] = { R_STATUS, R_NOTIFY, R_ACK, 0x30, 0x38, 0x44, 0xc0, 0x100 };
  struct buffer b[4];
  uint32_t i, n = 1 + s[1] % 4, queue = s[1] / 4 % QUEUES, total = 0;

  switch (s[0] % 6)
    {
    case 0:
    case 1: /* a chain */
      for (i = 0; i < n; i++)
        {
          b[i].address = s[0] & 0x80 ? (uint64_t) s[2] << 24 | s[3] : BUFFERS + 0x800u * s[2 + i];
          b[i].size = 1 + s[6] * (s[7] & 15u) * 16u + s[7] % 13u;
          b[i].writable = s[0] & 0x40 ? s[7] >> i & 1 : queue % 2 == 0;
        }
      net_add (d, queue, b, n);
      break;
    case 2: /* a command */
      memcpy (mock_memory (BUFFERS, 8), s + 2, 6);
      b[0] = (struct buffer){ BUFFERS, 2u + s[1] % 30, 0 };
      b[1] = (struct buffer){ BUFFERS + 0x1000, 1, 1 };
      net_add (d, 4, b, 2);
      net_notify (d, 4);
      break;
    case 3: /* a frame */
      net_frame_in (d, s[1] & 1, s[1] & 2 ? to : s + 2, 1u + s[6] + 256u * s[7], s[2]);
      break;
    case 4:
      net_store (d, registers[s[1] % G_N_ELEMENTS (registers)], s[2] | (uint32_t) s[3] << 8);
      break;
    default:
      d->net.room = s[2] & 3;
      d->net.no_peek = s[2] >> 2 & 1;
      net_notify (d, queue);
      mock_advance (GWT_CLOCK_REAL, 1000000u * s[3]);
      break;
    }
  net_run (d);
  for (i = 0; i < d->net.out->len; i++)
    {
      total = ((GByteArray *) g_ptr_array_index (d->net.out, i))->len;
      FUZZ_CLAIM (total >= 26 && total <= GWT_NET_FRAME_MAX);
    }
  g_ptr_array_set_size (d->net.out, 0);
  FUZZ_CLAIM (d->net.n_used == 2);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const struct gwt_net_info info = { .struct_size = sizeof info,
                                     .send_offloads = 15,
                                     .receive_offloads = 15,
                                     .queues = 2,
                                     .link_up = 1 };
  const struct buffer frame = { BUFFERS, 100, 0 };
  struct net_driver d;
  uint64_t features;

  if (size < 1)
    return 0;
  net_driver_new (&d, &info, "packed=1", "in-order=1", "mq=1", NULL);
  features = CTRL_VQ | BIT (18) | BIT (19) | BIT (23) | BIT (1) | BIT (2) | BIT (7)
             | (data[0] & 1 ? PACKED : 0) | (data[0] & 2 ? MRG_RXBUF : 0)
             | (data[0] & 4 ? IN_ORDER : 0) | (data[0] & 8 ? BIT (22) : 0)
             | (data[0] & 16 ? EVENT_IDX : 0) | (data[0] & 32 ? RING_RESET : 0);
  net_start (&d, features, QUEUES, 16);
  for (size_t at = 1; at + 8 <= size; at += 8)
    step (&d, data + at);
  net_store (&d, R_STATUS, 0);
  FUZZ_CLAIM (net_load (&d, R_STATUS) == 0 && mock.dma_maps == 0);
  FUZZ_CLAIM (d.net.holds[0] == 1 && d.net.holds[1] == 1);
  FUZZ_CLAIM (net_start (&d, features, QUEUES, 16));
  d.net.room = UINT32_MAX;
  net_add (&d, 1, &frame, 1);
  net_notify (&d, 1);
  FUZZ_CLAIM (d.net.out->len == 1);
  net_driver_free (&d);
  return 0;
}
