/* SPDX-License-Identifier: BSD-2-Clause */
/* CFI flash, two banks of two 16-bit chips side by side: array, identifiers, query, status, erase,
   program word by word and through the buffer, and the banks' independence. */
#include "bare.h"

#define SECTOR 0x40000ul
#define BOTH(v) ((u32) (v) << 16 | (v))
#define READY BOTH (0x80)
static u64 bank;

static u32
get (u64 offset)
{
  return rd32 (bank + offset);
}

static void
put (u64 offset, u32 v)
{
  wr32 (bank + offset, v);
}

static void
erase (u64 offset)
{
  put (offset, BOTH (0x20));
  put (offset, BOTH (0xd0));
  CHECK_EQ (WAIT_FOR ((get (offset) & READY) == READY), 1);
  CHECK_EQ (get (offset), READY);
  put (offset, BOTH (0xff));
}

static void
program (u64 offset, u32 v)
{
  put (offset, BOTH (0x40));
  put (offset, v);
  CHECK_EQ (WAIT_FOR ((get (offset) & READY) == READY), 1);
  put (offset, BOTH (0xff));
}

static void
one_bank (void)
{
  note ("bank", bank, 0);
  put (0, BOTH (0xff));
  erase (0);
  erase (SECTOR);
  for (u64 at = 0; at < 2 * SECTOR; at += 0x3ffc)
    CHECK_EQ (get (at), 0xffffffff);
  /* word by word */
  for (u32 i = 0; i < 16; i++)
    program (4 * i, 0x01234567 * i);
  for (u32 i = 0; i < 16; i++)
    CHECK_EQ (get (4 * i), 0x01234567 * i);
  CHECK_EQ (get (64), 0xffffffff);
  /* the array in other widths */
  CHECK_EQ (rd8 (bank + 4), 0x67);
  CHECK_EQ (rd8 (bank + 7), 0x01);
  CHECK_EQ (MMIO (u16, bank + 6), 0x0123);
  CHECK_EQ (MMIO (u64, bank), 0x0123456700000000);
  /* identifiers: manufacturer 89, device 18 */
  put (0, BOTH (0x90));
  CHECK_EQ (get (0), BOTH (0x89));
  CHECK_EQ (get (4), BOTH (0x18));
  put (0, BOTH (0xff));
  CHECK_EQ (get (4), 0x01234567);
  /* query: "QRY", Intel's command set, 2^25 / 2 bytes a chip */
  put (0x55 * 4, BOTH (0x98));
  CHECK_EQ (get (0x10 * 4), BOTH ('Q'));
  CHECK_EQ (get (0x11 * 4), BOTH ('R'));
  CHECK_EQ (get (0x12 * 4), BOTH ('Y'));
  CHECK_EQ (get (0x13 * 4), BOTH (1));
  CHECK_EQ (get (0x14 * 4), 0);
  CHECK_EQ (get (0x27 * 4), BOTH (24));
  put (0, BOTH (0xff));
  /* status: a register of its own, cleared by a command */
  put (0, BOTH (0x70));
  CHECK_EQ (get (0), READY);
  CHECK_EQ (get (0x1000), READY);
  put (0, BOTH (0x50));
  put (0, BOTH (0xff));
  CHECK_EQ (get (4), 0x01234567);
  /* erase takes its sector and no other */
  program (SECTOR + 8, 0xcafe1234);
  erase (8);
  for (u32 i = 0; i < 16; i++)
    CHECK_EQ (get (4 * i), 0xffffffff);
  CHECK_EQ (get (SECTOR + 8), 0xcafe1234);
  /* a second word that is no confirmation leaves the sector alone; QEMU 7.2 erases at the first */
  put (SECTOR, BOTH (0x20));
  put (SECTOR, BOTH (0x70));
  put (SECTOR, BOTH (0x50));
  put (SECTOR, BOTH (0xff));
  if (ON_QEMU72)
    program (SECTOR + 8, 0xcafe1234);
  CHECK_EQ (get (SECTOR + 8), 0xcafe1234);
  /* through the write buffer: count less one, data, confirmation */
  put (SECTOR + 0x1000, BOTH (0xe8));
  CHECK_EQ (get (SECTOR + 0x1000) & READY, READY);
  put (SECTOR + 0x1000, BOTH (15));
  for (u32 i = 0; i < 16; i++)
    put (SECTOR + 0x1000 + 4 * i, 0xabcd0000 + i);
  put (SECTOR + 0x1000, BOTH (0xd0));
  CHECK_EQ (WAIT_FOR ((get (SECTOR + 0x1000) & READY) == READY), 1);
  put (SECTOR, BOTH (0xff));
  for (u32 i = 0; i < 16; i++)
    CHECK_EQ (get (SECTOR + 0x1000 + 4 * i), 0xabcd0000 + i);
  CHECK_EQ (get (SECTOR + 0x1040), 0xffffffff);
  /* an unknown command changes nothing that is stored */
  put (0, BOTH (0x33));
  put (0, BOTH (0xff));
  CHECK_EQ (get (SECTOR + 8), 0xcafe1234);
}

void
test (void)
{
  bank = FLASH0;
  one_bank ();
  bank = FLASH1;
  one_bank ();
  /* one bank out of array mode leaves the other in it */
  wr32 (FLASH0, BOTH (0x90));
  CHECK_EQ (rd32 (FLASH0), BOTH (0x89));
  CHECK_EQ (rd32 (FLASH1 + SECTOR + 8), 0xcafe1234);
  wr32 (FLASH0, BOTH (0xff));
  /* code runs from the array: `li a0, 77; ret' */
  bank = FLASH1;
  erase (2 * SECTOR);
  program (2 * SECTOR, 0x04d00513);
  program (2 * SECTOR + 4, 0x00008067);
  fence_i ();
  CHECK_EQ (((u64 (*) (void)) (FLASH1 + 2 * SECTOR)) (), 77);
  /* and data beyond the first bank's end belong to the second */
  CHECK_EQ (rd32 (FLASH0 + 0x2000000 + SECTOR + 8), 0xcafe1234);
}
