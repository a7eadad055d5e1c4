/* SPDX-License-Identifier: BSD-2-Clause */
/* Zifencei: code that is changed under a cache of decoded blocks, in place, at the ends of a page,
   across two pages, in the middle of a loop, by another mapping, and by another hart. */
#include "vm.h"

static u8 area[4 * 4096] __attribute__ ((aligned (4096)));
#define LI_A0(n) ((u32) (n) << 20 | 0x513)
#define RET 0x8067u

static void
put32 (u8 *p, u32 v)
{
  for (int i = 0; i < 4; i++)
    p[i] = (u8) (v >> (8 * i));
}

static u64
call (void *p)
{
  return ((u64 (*) (void)) p) ();
}

static volatile u64 go, answer, stop;

static void
other (u64 at)
{
  u64 last = 0;
  while (!stop)
    {
      relax ();
      if (go != last)
        {
          last = go;
          fence_i ();
          answer = call ((void *) at);
          fence ();
          go = last = 0;
        }
    }
}

void
test (void)
{
  /* in place, many times, at places that touch both ends of a page and span two */
  static const u32 places[] = { 0, 2, 64, 4096 - 8, 4096 - 6, 4096 - 4, 4096 - 2, 4096 };
  for (unsigned k = 0; k < sizeof places / 4; k++)
    for (u32 i = 1; i < 200; i++)
      {
        u8 *p = area + places[k];
        put32 (p, LI_A0 (i));
        put32 (p + 4, RET);
        fence_i ();
        note ("place, value", places[k], i);
        CHECK_EQ (call (p), i);
      }
  /* only the second half of an instruction that spans two pages changes */
  u8 *p = area + 4096 - 2;
  for (u32 i = 1; i < 100; i++)
    {
      put32 (p, LI_A0 (i));
      fence_i ();
      CHECK_EQ (call (p), i);
      area[4097] = (u8) (i >> 4 << 4 | 0) | (area[4097] & 15);
      area[4096] = (u8) ((area[4096] & 15) | (i + 1) << 4);
      area[4097] = (u8) ((i + 1) >> 4);
      fence_i ();
      CHECK_EQ (call (p), i + 1);
    }
  /* a long block whose middle changes; its first instruction stays */
  for (u32 i = 0; i < 100; i++)
    put32 (area + 4 * i, 0x150513); /* addi a0, a0, 1 */
  put32 (area, LI_A0 (0));
  put32 (area + 400, RET);
  fence_i ();
  CHECK_EQ (call (area), 99);
  for (u32 i = 1; i < 100; i++)
    {
      put32 (area + 4 * i, 0x250513);
      fence_i ();
      CHECK_EQ (call (area), 99 + i);
    }
  /* code that changes its own next instructions, then fences */
  static const u32 self[] = {
    0x00000297, /* auipc t0, 0 */
    0x00b2aa23, /* sw a1, 20(t0) */
    0x0000100f, /* fence.i */
    0x00000013, /* nop */
    0x00000013, 0x00000513, /* li a0, 0, to be overwritten */
    0x00008067,
  };
  memcpy (area + 8192, self, sizeof self);
  fence_i ();
  for (u32 i = 1; i < 50; i++)
    {
      register u64 a0 asm ("a0") = 0;
      register u64 a1 asm ("a1") = LI_A0 (i);
      asm volatile ("jalr ra, %2" : "+r"(a0) : "r"(a1), "r"(area + 8192) : "ra", "t0", "memory");
      CHECK_EQ (a0, i);
    }
  /* back to what it was before: a cache that compares bytes must still be right */
  for (u32 i = 0; i < 60; i++)
    {
      put32 (area, LI_A0 (i % 3));
      put32 (area + 4, RET);
      fence_i ();
      CHECK_EQ (call (area), i % 3);
    }
  /* bytes and halves written alone */
  put32 (area, LI_A0 (0x7ff));
  area[3] = 0x12;
  fence_i ();
  CHECK_EQ (call (area), 0x12f);
  *(u16 *) (area + 2) = 0x0340;
  fence_i ();
  CHECK_EQ (call (area), 0x34);

  /* by another hart, which calls; this one writes */
  hart_start (1, other, (u64) area);
  for (u32 i = 1; i < 300; i++)
    {
      put32 (area, LI_A0 (i));
      fence ();
      answer = 0;
      go = i;
      u64 end = now () + 5 * MTIME_HZ;
      while (go && now () < end)
        relax ();
      fence ();
      note ("other hart", i, 0);
      CHECK_EQ (answer, i);
    }
  stop = 1;
  hart_wait (1);

  /* code reached at one virtual address through changing mappings */
  pmp_open ();
  vm_init (3);
  vm_map (RAM, RAM, PTE_RWX, 2);
  for (u32 i = 0; i < 2; i++)
    {
      put32 (area + 4096 * i, LI_A0 (100 + i));
      put32 (area + 4096 * i + 4, 0x00000073 | 0);
      put32 (area + 4096 * i + 4, RET);
    }
  fence_i ();
  u64 *pte = vm_map (0x50000000, (u64) area, PTE_RWX, 0);
  vm_on ();
  for (u32 i = 0; i < 40; i++)
    {
      *pte = PTE (area + 4096 * (i & 1), PTE_RWX);
      sfence ();
      CHECK_EQ (run_in (MODE_S, (u64 (*) (u64)) 0x50000000, 0), 100 + (i & 1));
    }
  vm_off ();
}
