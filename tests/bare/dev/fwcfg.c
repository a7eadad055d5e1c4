/* SPDX-License-Identifier: BSD-2-Clause */
/* fw_cfg: signature, selector, data in every width, the file directory, DMA and its errors. */
#include "bare.h"

#define DATA (FW_CFG + 0)
#define SELECTOR (FW_CFG + 8)
#define DMA (FW_CFG + 16)
#define KEY_SIGNATURE 0
#define KEY_ID 1
#define KEY_DIR 0x19
#define DMA_ERROR 1u
#define DMA_READ 2u
#define DMA_SKIP 4u
#define DMA_SELECT 8u
#define DMA_WRITE 16u

/* The compiler's own would call a library. */
static u16
BE16 (u16 v)
{
  return (u16) (v << 8 | v >> 8);
}

static u32
BE32 (u32 v)
{
  return v << 24 | (v & 0xff00) << 8 | (v >> 8 & 0xff00) | v >> 24;
}

static u64
BE64 (u64 v)
{
  return (u64) BE32 ((u32) v) << 32 | BE32 ((u32) (v >> 32));
}

static volatile struct
{
  u32 control, length;
  u64 address;
} dma __attribute__ ((aligned (16)));
static u8 buffer[4096], other[4096];

static void
pick (u16 key)
{
  MMIO (u16, SELECTOR) = BE16 (key);
}

static u32
run_dma (u32 control, u32 length, u64 address)
{
  dma.control = BE32 (control);
  dma.length = BE32 (length);
  dma.address = BE64 (address);
  fence ();
  MMIO (u64, DMA) = BE64 ((u64) &dma);
  WAIT_FOR (!(BE32 (dma.control) & ~DMA_ERROR));
  return BE32 (dma.control);
}

void
test (void)
{
  /* byte by byte; again from the start after a new selection; zeroes past the end */
  static const char sign[] = "QEMU";
  for (int round = 0; round < 2; round++)
    {
      pick (KEY_SIGNATURE);
      for (int i = 0; i < 4; i++)
        CHECK_EQ (rd8 (DATA), (u8) sign[i]);
      for (int i = 0; i < 8; i++)
        CHECK_EQ (rd8 (DATA), 0);
    }
  /* wider reads take as many bytes, in the order of memory */
  pick (KEY_SIGNATURE);
  CHECK_EQ (MMIO (u16, DATA), 'Q' | 'E' << 8);
  CHECK_EQ (MMIO (u16, DATA), 'M' | 'U' << 8);
  pick (KEY_SIGNATURE);
  CHECK_EQ (MMIO (u32, DATA), 0x554d4551);
  pick (KEY_SIGNATURE);
  CHECK_EQ (MMIO (u64, DATA), 0x554d4551);
  pick (KEY_SIGNATURE);
  CHECK_EQ (rd8 (DATA), 'Q');
  CHECK_EQ (MMIO (u16, DATA), 'E' | 'M' << 8);
  CHECK_EQ (MMIO (u32, DATA), 'U');
  /* the traditional interface and DMA, both */
  pick (KEY_ID);
  CHECK_EQ (MMIO (u32, DATA), 3);
  /* a key that nobody has */
  pick (0x3fff);
  CHECK_EQ (MMIO (u64, DATA), 0);
  pick (0xffff);
  CHECK_EQ (MMIO (u64, DATA), 0);

  /* DMA says who it is */
  CHECK_EQ (BE64 (MMIO (u64, DMA)), 0x51454d5520434647);
  CHECK_EQ (BE32 (rd32 (DMA)), 0x51454d55);
  CHECK_EQ (BE32 (rd32 (DMA + 4)), 0x20434647);
  /* select and read in one */
  memset (buffer, 0xee, sizeof buffer);
  CHECK_EQ (run_dma (KEY_SIGNATURE << 16 | DMA_SELECT | DMA_READ, 4, (u64) buffer), 0);
  CHECK_EQ (memcmp (buffer, "QEMU\xee", 5), 0);
  /* past the end: zeroes */
  CHECK_EQ (run_dma (KEY_SIGNATURE << 16 | DMA_SELECT | DMA_READ, 16, (u64) buffer), 0);
  CHECK_EQ (memcmp (buffer, "QEMU\0\0\0\0\0\0\0\0\0\0\0\0\xee", 17), 0);
  /* skip, then read on; with the address in two halves, the low one starts it */
  CHECK_EQ (run_dma (KEY_SIGNATURE << 16 | DMA_SELECT | DMA_SKIP, 2, 0), 0);
  dma.control = BE32 (DMA_READ);
  dma.length = BE32 (2);
  dma.address = BE64 ((u64) buffer + 100);
  wr32 (DMA, BE32 ((u32) ((u64) &dma >> 32)));
  wr32 (DMA + 4, BE32 ((u32) (u64) &dma));
  CHECK_EQ (WAIT_FOR (!dma.control), 1);
  CHECK_EQ (memcmp (buffer + 100, "MU\xee", 3), 0);
  /* what DMA selected the data register goes on with */
  CHECK_EQ (run_dma (KEY_SIGNATURE << 16 | DMA_SELECT | DMA_READ, 1, (u64) buffer), 0);
  CHECK_EQ (rd8 (DATA), 'E');
  /* nothing asked for: done at once */
  CHECK_EQ (run_dma (0, 4, (u64) buffer), 0);
  CHECK_EQ (run_dma (KEY_SIGNATURE << 16 | DMA_SELECT | DMA_READ, 0, (u64) buffer), 0);

  /* errors: a write to what is read-only, a read to nowhere */
  CHECK_EQ (run_dma (KEY_SIGNATURE << 16 | DMA_SELECT | DMA_WRITE, 4, (u64) buffer), DMA_ERROR);
  CHECK_EQ (run_dma (KEY_SIGNATURE << 16 | DMA_SELECT | DMA_READ, 4, 0), DMA_ERROR);
  CHECK_EQ (run_dma (KEY_SIGNATURE << 16 | DMA_SELECT | DMA_READ, 4, 1ul << 60), DMA_ERROR);
  pick (KEY_SIGNATURE);
  CHECK_EQ (MMIO (u32, DATA), 0x554d4551);

  /* the directory: big endian, ordered by name, names with an end, sizes that hold */
  pick (KEY_DIR);
  u32 count = BE32 (MMIO (u32, DATA));
  CHECK (count < 64);
  for (u32 i = 0; i < count && i < 64; i++)
    {
      struct
      {
        u32 size;
        u16 key, reserved;
        char name[56];
      } file;
      CHECK_EQ (run_dma (KEY_DIR << 16 | DMA_SELECT | DMA_SKIP, 4 + 64 * i, 0), 0);
      CHECK_EQ (run_dma (DMA_READ, 64, (u64) &file), 0);
      note ("file", i, BE16 (file.key));
      CHECK (BE16 (file.key) >= 0x20);
      CHECK_EQ (file.reserved, 0);
      CHECK (file.name[0] && !file.name[55]);
      /* the same bytes by either way */
      u32 size = BE32 (file.size);
      if (size <= sizeof buffer)
        {
          CHECK_EQ (run_dma ((u32) BE16 (file.key) << 16 | DMA_SELECT | DMA_READ, size,
                             (u64) buffer),
                    0);
          pick (BE16 (file.key));
          for (u32 k = 0; k < size; k++)
            other[k] = rd8 (DATA);
          CHECK_EQ (memcmp (buffer, other, size), 0);
        }
    }
}
