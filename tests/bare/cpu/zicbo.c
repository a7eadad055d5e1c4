/* SPDX-License-Identifier: BSD-2-Clause */
/* Zicbom and Zicboz: what the block operations do, and how menvcfg and senvcfg gate them for S and
   U.  The blocks are 64 bytes. */
#include "vm.h"

#define CBIE(n) ((u64) (n) << 4)
#define CBCFE (1ul << 6)
#define CBZE (1ul << 7)
asm (".option arch, +zicbom, +zicboz");

static u8 area[4096] __attribute__ ((aligned (4096)));

#define CBO(name)                                                                                 \
  static u64 name (u64 p)                                                                         \
  {                                                                                               \
    asm volatile ("cbo." #name " (%0)" ::"r"(p) : "memory");                                      \
    return 0;                                                                                     \
  }
CBO (inval)
CBO (clean)
CBO (flush)
CBO (zero)

static u64
in_mode (int mode, u64 (*fn) (u64), u64 p)
{
  return TRAP (run_in (mode, fn, p));
}

void
test (void)
{
  pmp_open ();
  /* zero: the whole block that holds the address and nothing else */
  for (u64 off = 0; off < 64; off += 7)
    {
      memset (area, 0xa5, sizeof area);
      zero ((u64) area + 128 + off);
      u64 bad = 0;
      for (u64 i = 0; i < sizeof area; i++)
        bad += area[i] != (i >= 128 && i < 192 ? 0 : 0xa5);
      note ("cbo.zero offset", off, 0);
      CHECK_EQ (bad, 0);
    }
  /* the others leave contents alone where all is coherent (inval may, but must not invent) */
  memset (area, 0x5a, sizeof area);
  clean ((u64) area + 3);
  flush ((u64) area + 64);
  inval ((u64) area + 128);
  u64 bad = 0;
  for (u64 i = 0; i < sizeof area; i++)
    bad += area[i] != 0x5a;
  CHECK_EQ (bad, 0);

  /* gates: M is free of them, S needs menvcfg, U needs both */
  static const struct
  {
    const char *name;
    u64 (*fn) (u64);
    u64 bit;
  } ops[] = { { "inval", inval, CBIE (3) },
              { "inval as flush", inval, CBIE (1) },
              { "clean", clean, CBCFE },
              { "flush", flush, CBCFE },
              { "zero", zero, CBZE } };
  for (unsigned i = 0; i < 5; i++)
    for (int m = 0; m < 2; m++)
      for (int s = 0; s < 2; s++)
        {
          csr_write (menvcfg, m ? ops[i].bit : 0);
          csr_write (senvcfg, s ? ops[i].bit : 0);
          note (ops[i].name, (u64) m, (u64) s);
          CHECK_EQ (TRAP (ops[i].fn ((u64) area)), NO_TRAP);
          CHECK_EQ (in_mode (MODE_S, ops[i].fn, (u64) area), m ? NO_TRAP : CAUSE_ILLEGAL);
          CHECK_EQ (in_mode (MODE_U, ops[i].fn, (u64) area), m && s ? NO_TRAP : CAUSE_ILLEGAL);
        }
  csr_write (menvcfg, CBIE (3) | CBCFE | CBZE);
  csr_write (senvcfg, CBIE (3) | CBCFE | CBZE);
  CHECK_EQ (csr_read (menvcfg) & (CBIE (3) | CBCFE | CBZE), CBIE (3) | CBCFE | CBZE);
  CHECK_EQ (csr_read (senvcfg) & (CBIE (3) | CBCFE | CBZE), CBIE (3) | CBCFE | CBZE);

  /* faults are a store's, with the address as it was given */
  CHECK_EQ (TRAP (zero (0x40)), CAUSE_STORE_ACCESS);
  CHECK_EQ (hart ()->trap.tval, 0x40);
  CHECK_EQ (TRAP (clean (0x40)), CAUSE_STORE_ACCESS);

  /* through translation: zero needs write permission, clean and flush any */
  vm_init (3);
  vm_map (RAM, RAM, PTE_RWX, 2);
  vm_map (0x50000000, (u64) area, PTE_V | PTE_R | PTE_A | PTE_D, 0);
  vm_map (0x50001000, (u64) area, PTE_RW, 0);
  vm_on ();
  memset (area, 0x5a, sizeof area);
  CHECK_EQ (in_mode (MODE_S, zero, 0x50000044), CAUSE_STORE_PAGE);
  CHECK_EQ (hart ()->trap.tval, 0x50000044);
  CHECK_EQ (in_mode (MODE_S, clean, 0x50000044), NO_TRAP);
  CHECK_EQ (in_mode (MODE_S, flush, 0x50000044), NO_TRAP);
  CHECK_EQ (in_mode (MODE_S, inval, 0x50000044), NO_TRAP);
  CHECK_EQ (in_mode (MODE_S, clean, 0x50002044), CAUSE_STORE_PAGE);
  CHECK_EQ (in_mode (MODE_S, zero, 0x50001044), NO_TRAP);
  vm_off ();
  bad = 0;
  for (u64 i = 0; i < sizeof area; i++)
    bad += area[i] != (i >= 64 && i < 128 ? 0 : 0x5a);
  CHECK_EQ (bad, 0);
}
