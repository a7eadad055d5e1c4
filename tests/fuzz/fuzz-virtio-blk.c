/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio disk under a driver without manners, on the mock host and a drive in memory.  The first
 * byte picks features, then every eight bytes are a step: a request of any shape, something stored
 * to rings, headers or registers, or a turn of the drive's.  Claimed (by the drive too): what
 * reaches the drive is whole blocks inside of it with every byte in guest RAM, nothing is in flight
 * after a stop, and no memory stays mapped.
 */
#include "tests/virtio-blk/mock-block.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

const char *const fuzz_tokens[]
    = { "\x00\x00\x00\x00", "\x01\x00\x00\x00", "\x04\x00\x00\x00", "\x08\x00\x00\x00",
        "\x0b\x00\x00\x00", "\x0d\x00\x00\x00", "\xff\xff\xff\xff", "\x01\x00\x00\x02", NULL };

/* Header of request I: its type and sector. */
static void
header (uint32_t i, uint32_t type, uint64_t sector)
{
  uint8_t *p = mock_memory (VBLK_HEADER + 16 * i, 16);

  memcpy (p, &type, 4);
  memcpy (p + 8, &sector, 8);
}

/* A chain that looks like a request: where its parts begin and end is the input's. */
static void
request (struct driver *d, const uint8_t *s)
{
  uint32_t at = s[1] % VBLK_QUEUE, n = s[2] % 5;
  uint64_t address[6] = { VBLK_HEADER + 16 * at };
  uint32_t size[6] = { 16 }, i;
  uint16_t flags[6] = { 0 };

  if (s[7] & 1)
    size[0] = s[3] % 40u + 1;
  for (i = 1; i <= n; i++)
    {
      address[i] = BUFFERS + 512u * (s[4] + i);
      size[i] = s[7] & 2 ? s[5] + 1u : 512u * (s[5] % 8 + 1u);
      flags[i] = s[6] >> (s[7] & 4 ? 0 : i) & 1 ? D_WRITE : 0;
    }
  if (!(s[7] & 8))
    {
      address[i] = VBLK_STATUS + at;
      size[i] = 1;
      flags[i++] = D_WRITE;
    }
  driver_chain (d, address, size, flags, i);
}

static void
turn (struct driver *d, uint8_t how)
{
  static const int32_t errors[] = { 0, EIO, ENOSPC, ENOTSUP };

  switch (how % 8)
    {
    case 0:
      vblk_notify (d);
      mock_block_work ();
      break;
    case 1:
      mock_block.fail = errors[how >> 4 & 3];
      break;
    case 2:
      mock_block.room = how >> 4;
      break;
    case 3:
      mock_block.info.size = 512u * (how & 0xf0u);
      mock_block.use.resized (d->device->instance);
      break;
    case 4:
      mock_reset (d->device, GWT_RESET_WARM);
      FUZZ_CLAIM (mock_block_flying () == 0);
      break;
    default:
      if (mock_block_flying ())
        mock_block_complete (0, (how >> 4) % mock_block_flying ());
      mock_block_work ();
      break;
    }
}

static void
step (struct driver *d, const uint8_t *s)
{
  static const uint16_t registers[] = { 0x14, 0x20, 0x24, 0x30, 0x38,  0x44,  0x50,
                                        0x64, 0x70, 0x80, 0xc0, 0x100, 0x120, 0x138 };
  uint16_t reg = registers[s[1] % G_N_ELEMENTS (registers)];
  uint32_t value;

  memcpy (&value, s + 4, 4);
  switch (s[0] % 8)
    {
    case 0:
    case 1:
      request (d, s);
      break;
    case 2:
      header (s[1] % VBLK_QUEUE, s[2], (uint64_t) value << (s[3] & 32));
      break;
    case 3:
      memcpy (mock_memory (BUFFERS + 8u * s[1], 4), s + 4, 4);
      break;
    case 4:
      driver_store (d, reg, s[2] & 1 ? value : s[4]);
      break;
    case 5:
      driver_desc (d->desc, s[1] % VBLK_QUEUE, BUFFERS + 16ull * s[2], s[3] + 256u * s[4],
                   (uint16_t) (s[5] & 7), (uint16_t) (s[6] | s[7] << 8));
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
  mock_block_new ();
  if (data[0] & 64)
    mock_block.info.read_only = 1;
  if (data[0] & 128)
    mock_block.info.logical_block = mock_block.info.physical_block = 4096;
  vblk_new (&d, 1, "packed=1", "in-order=1", "serial=fuzz", NULL);
  features = (data[0] & 1 ? PACKED : 0) | (data[0] & 2 ? EVENT_IDX : 0)
             | (data[0] & 4 ? INDIRECT_DESC : 0) | (data[0] & 8 ? IN_ORDER : 0)
             | (data[0] & 16 ? RING_RESET : 0)
             | (data[0] & 32 ? driver_offered (&d) & 0xffffff : 0);
  driver_start (&d, features, VBLK_QUEUE);
  for (size_t at = 1; at + 8 <= size; at += 8)
    step (&d, data + at);
  FUZZ_CLAIM (mock.logs <= 1);
  driver_store (&d, R_STATUS, 0);
  FUZZ_CLAIM (driver_load (&d, R_STATUS) == 0 && mock.dma_maps == 0);
  FUZZ_CLAIM (mock_block_flying () == 0 && mock_level (d.slot, "irq", 0) == 0);
  mock_block.fail = 0;
  mock_block.room = UINT32_MAX;
  mock_block.info.size = MOCK_BLOCK_SIZE;
  mock_block.use.resized (d.device->instance);
  driver_start (&d, features & ~IN_ORDER, VBLK_QUEUE);
  FUZZ_CLAIM (vblk_do (&d, 0, 8, VBLK_DATA, 4096, 1, 1) == 0);
  vblk_free (&d);
  return 0;
}
