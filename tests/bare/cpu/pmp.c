/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical memory protection: NA4, NAPOT and TOR, the order of entries, permissions, locks, M mode
   under a locked entry, and the walk of page tables. */
#include "vm.h"

static u64 area[1024] __attribute__ ((aligned (8192)));
#define R 1
#define W 2
#define X 4
#define TOR 8
#define NA4 16
#define NAPOT 24
#define L 128
#define T (&hart ()->trap)

static void
cfg (unsigned entry, u64 value)
{
  u64 shift = 8 * (entry & 7), mask = 0xfful << shift;
  if (entry < 8)
    csr_write (pmpcfg0, (csr_read (pmpcfg0) & ~mask) | value << shift);
  else
    csr_write (pmpcfg2, (csr_read (pmpcfg2) & ~mask) | value << shift);
}

static u64
read_cfg (unsigned entry)
{
  return ((entry < 8 ? csr_read (pmpcfg0) : csr_read (pmpcfg2)) >> (8 * (entry & 7))) & 0xff;
}

/* All of memory by the last entry, so that what runs here keeps running. */
static void
rest_open (void)
{
  csr_write (pmpaddr15, -1ul);
  cfg (15, NAPOT | R | W | X);
}

static u64
napot (u64 base, u64 size)
{
  return base >> 2 | (size / 8 - 1);
}

static void
regions (void)
{
  u64 a = (u64) area;
  rest_open ();
  /* NA4: four bytes are closed, their neighbours open */
  csr_write (pmpaddr0, (a + 64) >> 2);
  cfg (0, NA4);
  note ("na4", 0, 0);
  CHECK_EQ (probe (MODE_S, (u64) probe_lw, a + 60, 0), NO_TRAP);
  CHECK_EQ (probe (MODE_S, (u64) probe_lw, a + 64, 0), CAUSE_LOAD_ACCESS);
  CHECK_EQ (T->tval, a + 64);
  CHECK_EQ (probe (MODE_S, (u64) probe_lb, a + 67, 0), CAUSE_LOAD_ACCESS);
  CHECK_EQ (probe (MODE_U, (u64) probe_sb, a + 66, 0), CAUSE_STORE_ACCESS);
  CHECK_EQ (T->tval, a + 66);
  CHECK_EQ (probe (MODE_S, (u64) probe_lw, a + 68, 0), NO_TRAP);
  /* an access that only partly matches fails, though the rest would be allowed */
  CHECK_EQ (probe (MODE_S, (u64) probe_ld, a + 64, 0), CAUSE_LOAD_ACCESS);
  CHECK_EQ (probe (MODE_S, (u64) probe_sd, a + 64, 0), CAUSE_STORE_ACCESS);
  cfg (0, NA4 | R | W);
  CHECK_EQ (probe (MODE_S, (u64) probe_lw, a + 64, 0), NO_TRAP);
  CHECK_EQ (probe (MODE_S, (u64) probe_ld, a + 64, 0), CAUSE_LOAD_ACCESS);
  cfg (0, 0);
  CHECK_EQ (probe (MODE_S, (u64) probe_ld, a + 64, 0), NO_TRAP);
  /* NAPOT of 8 bytes up to a page */
  for (u64 size = 8; size <= 4096; size <<= 1)
    {
      u64 base = a + (size == 4096 ? 0 : 4096 - 2 * size);
      csr_write (pmpaddr0, napot (base, size));
      cfg (0, NAPOT);
      note ("napot", size, base);
      if (base > a)
        CHECK_EQ (probe (MODE_S, (u64) probe_lb, base - 1, 0), NO_TRAP);
      CHECK_EQ (probe (MODE_S, (u64) probe_lb, base, 0), CAUSE_LOAD_ACCESS);
      CHECK_EQ (probe (MODE_S, (u64) probe_lb, base + size - 1, 0), CAUSE_LOAD_ACCESS);
      CHECK_EQ (probe (MODE_S, (u64) probe_lb, base + size, 0), NO_TRAP);
      cfg (0, 0);
    }
  /* TOR: from the address before; of nothing where the order is wrong; from 0 for entry 0 */
  csr_write (pmpaddr0, (a + 128) >> 2);
  csr_write (pmpaddr1, (a + 256) >> 2);
  cfg (1, TOR | R);
  note ("tor", 0, 0);
  CHECK_EQ (probe (MODE_S, (u64) probe_sd, a + 120, 0), NO_TRAP);
  CHECK_EQ (probe (MODE_S, (u64) probe_sd, a + 128, 0), CAUSE_STORE_ACCESS);
  CHECK_EQ (probe (MODE_S, (u64) probe_ld, a + 128, 0), NO_TRAP);
  CHECK_EQ (probe (MODE_S, (u64) probe_sd, a + 248, 0), CAUSE_STORE_ACCESS);
  CHECK_EQ (probe (MODE_S, (u64) probe_sd, a + 256, 0), NO_TRAP);
  csr_write (pmpaddr0, (a + 256) >> 2);
  if (ON_QEMU72)
    cfg (1, TOR | R); /* it notices a new lower end only when the entry itself is written */
  CHECK_EQ (probe (MODE_S, (u64) probe_sd, a + 128, 0), NO_TRAP);
  CHECK_EQ (probe (MODE_S, (u64) probe_sd, a + 248, 0), NO_TRAP);
  csr_write (pmpaddr0, (a + 512) >> 2);
  if (ON_QEMU72)
    cfg (1, TOR | R);
  for (u64 at = 120; at < 520; at += 8)
    CHECK_EQ (probe (MODE_S, (u64) probe_sd, a + at, 0), NO_TRAP);
  cfg (1, 0);
  csr_write (pmpaddr0, 0x80000000 >> 2);
  cfg (0, TOR | R);
  CHECK_EQ (probe (MODE_S, (u64) probe_ld, 0x1000, 0), NO_TRAP);
  CHECK_EQ (probe (MODE_S, (u64) probe_sd, UART, 0), CAUSE_STORE_ACCESS);
  cfg (0, 0);
  /* the lowest entry that matches decides */
  csr_write (pmpaddr0, napot (a, 64));
  csr_write (pmpaddr1, napot (a, 128));
  cfg (0, NAPOT | R | W);
  cfg (1, NAPOT);
  note ("order", 0, 0);
  CHECK_EQ (probe (MODE_S, (u64) probe_sd, a, 0), NO_TRAP);
  CHECK_EQ (probe (MODE_S, (u64) probe_sd, a + 64, 0), CAUSE_STORE_ACCESS);
  cfg (0, NAPOT);
  cfg (1, NAPOT | R | W);
  CHECK_EQ (probe (MODE_S, (u64) probe_sd, a, 0), CAUSE_STORE_ACCESS);
  CHECK_EQ (probe (MODE_S, (u64) probe_sd, a + 64, 0), NO_TRAP);
  cfg (0, 0);
  cfg (1, 0);
  /* every permission */
  memcpy (area, (void *) probe_target, 16);
  fence_i ();
  csr_write (pmpaddr0, napot (a, 4096));
  for (u64 p = 0; p < 8; p++)
    if ((p & (R | W)) != W)
      for (int mode = MODE_U; mode <= MODE_S; mode++)
        {
          cfg (0, NAPOT | p);
          note ("permissions, mode", p, (u64) mode);
          CHECK_EQ (probe (mode, (u64) probe_ld, a, 0), p & R ? NO_TRAP : CAUSE_LOAD_ACCESS);
          CHECK_EQ (probe (mode, (u64) probe_sd, a + 64, 0),
                    p & W ? NO_TRAP : CAUSE_STORE_ACCESS);
          CHECK_EQ (probe (mode, (u64) probe_exec, a, 0), p & X ? NO_TRAP : CAUSE_FETCH_ACCESS);
          if (!(p & X))
            CHECK_EQ (T->tval, a);
          CHECK_EQ (*(volatile u64 *) a, *(u64 *) probe_target); /* M is free */
        }
  /* no entry matches: nothing for S and U once there are entries at all, everything for M */
  cfg (0, 0);
  cfg (15, 0);
  csr_write (pmpaddr1, napot ((u64) probe_page, 4096));
  cfg (1, NAPOT | X);
  note ("no match", 0, 0);
  CHECK_EQ (probe (MODE_S, (u64) probe_ld, a, 0), CAUSE_LOAD_ACCESS);
  CHECK_EQ (probe (MODE_U, (u64) probe_sd, a, 0), CAUSE_STORE_ACCESS);
  CHECK_EQ (probe (MODE_S, (u64) probe_exec, a, 0), CAUSE_FETCH_ACCESS);
  CHECK_EQ (*(volatile u64 *) a, *(u64 *) probe_target);
  cfg (1, 0);
  /* not even the probe runs; QEMU 7.2 calls the mret illegal instead */
  if (!ON_QEMU72)
    CHECK_EQ (probe (MODE_S, (u64) probe_ld, a, 0), CAUSE_FETCH_ACCESS);
}

static void
walks (void)
{
  u64 a = (u64) area;
  rest_open ();
  vm_init (3);
  u64 *pte = vm_map (0x50000000, a, PTE_V | PTE_R | PTE_W, 0);
  u64 table = (u64) pte & ~4095ul;
  vm_on ();
  note ("walk", 0, 0);
  CHECK_EQ (vm_probe (MODE_S, probe_ld, 0x50000000, 0), NO_TRAP);
  /* the walk reads, and for A and D writes, as S does */
  csr_write (pmpaddr0, napot (table, 4096));
  cfg (0, NAPOT);
  sfence ();
  CHECK_EQ (vm_probe (MODE_S, probe_ld, 0x50000000, 0), CAUSE_LOAD_ACCESS);
  CHECK_EQ (T->tval, 0x50000000);
  CHECK_EQ (vm_probe (MODE_S, probe_sd, 0x50000000, 0), CAUSE_STORE_ACCESS);
  CHECK_EQ (vm_probe (MODE_S, probe_exec, 0x50000000, 0), CAUSE_FETCH_ACCESS);
  cfg (0, NAPOT | R);
  *pte |= PTE_A;
  sfence ();
  CHECK_EQ (vm_probe (MODE_S, probe_ld, 0x50000000, 0), NO_TRAP);
  /* the page itself: a translation used before is checked again after a change and a fence */
  csr_write (pmpaddr0, napot (a, 4096));
  cfg (0, NAPOT);
  sfence ();
  CHECK_EQ (vm_probe (MODE_S, probe_ld, 0x50000010, 0), CAUSE_LOAD_ACCESS);
  CHECK_EQ (T->tval, 0x50000010);
  cfg (0, NAPOT | R);
  sfence ();
  CHECK_EQ (vm_probe (MODE_S, probe_ld, 0x50000010, 0), NO_TRAP);
  CHECK_EQ (vm_probe (MODE_S, probe_sd, 0x50000010, 0), CAUSE_STORE_ACCESS);
  /* half a page: the cached translation must not cover the other half */
  csr_write (pmpaddr0, napot (a + 2048, 2048));
  cfg (0, NAPOT);
  sfence ();
  CHECK_EQ (vm_probe (MODE_S, probe_ld, 0x50000010, 0), NO_TRAP);
  CHECK_EQ (vm_probe (MODE_S, probe_ld, 0x50000810, 0), CAUSE_LOAD_ACCESS);
  CHECK_EQ (vm_probe (MODE_S, probe_ld, 0x500007f8, 0), NO_TRAP);
  CHECK_EQ (vm_probe (MODE_S, probe_ld, 0x50000800, 0), CAUSE_LOAD_ACCESS);
  vm_off ();
  cfg (0, 0);
}

static void
fields (void)
{
  note ("fields", 0, 0);
  /* W without R is reserved; bits 5 and 6 read 0 */
  cfg (2, W);
  CHECK ((read_cfg (2) & (R | W)) != W || ON_QEMU72); /* which keeps it */
  cfg (2, 0x60 | R);
  CHECK_EQ (read_cfg (2) & 0x60, ON_QEMU72 ? 0x60 : 0);
  cfg (2, 0);
  csr_write (pmpaddr2, -1ul);
  CHECK_EQ (csr_read (pmpaddr2) & ((1ul << 54) - 1), (1ul << 54) - 1);
  if (!ON_QEMU72) /* which keeps all 64 bits of an address of 56 */
    CHECK_EQ (csr_read (pmpaddr2) >> 54, 0);
  csr_write (pmpaddr2, 0);
  /* on RV64 the odd configuration registers do not exist */
  CHECK_EQ (TRAP_ASM ("csrr t0, 0x3a1"), CAUSE_ILLEGAL);
  CHECK_EQ (TRAP_ASM ("csrw 0x3a3, t0"), CAUSE_ILLEGAL);
}

/* Last, for a lock holds until reset. */
static void
locks (void)
{
  u64 a = (u64) area;
  note ("locks", 0, 0);
  rest_open ();
  csr_write (pmpaddr3, napot (a, 64));
  cfg (3, L | NAPOT | R);
  CHECK_EQ (read_cfg (3), L | NAPOT | R);
  cfg (3, 0);
  CHECK_EQ (read_cfg (3), L | NAPOT | R);
  csr_write (pmpaddr3, 0);
  CHECK_EQ (csr_read (pmpaddr3), napot (a, 64));
  /* M itself is bound */
  CHECK_EQ (TRAP (*(volatile u64 *) a = 5), CAUSE_STORE_ACCESS);
  CHECK_EQ (T->tval, a);
  CHECK_EQ (TRAP (*(volatile u64 *) a), NO_TRAP);
  CHECK_EQ (trap_jump (a), CAUSE_FETCH_ACCESS);
  CHECK_EQ (TRAP (*(volatile u64 *) (a + 64) = 5), NO_TRAP);
  /* a locked TOR entry holds the address before it as well */
  csr_write (pmpaddr4, (a + 1024) >> 2);
  csr_write (pmpaddr5, (a + 2048) >> 2);
  cfg (5, L | TOR);
  csr_write (pmpaddr4, 0);
  CHECK_EQ (csr_read (pmpaddr4), (a + 1024) >> 2);
  CHECK_EQ (TRAP (*(volatile u64 *) (a + 1024)), CAUSE_LOAD_ACCESS);
  CHECK_EQ (TRAP (*(volatile u64 *) (a + 1016)), NO_TRAP);
  CHECK_EQ (TRAP (*(volatile u64 *) (a + 2048)), NO_TRAP);
  /* the rest of the register that holds a locked entry can still change */
  cfg (6, NAPOT | R);
  CHECK_EQ (read_cfg (6), NAPOT | R);
  cfg (6, 0);
}

void
test (void)
{
  fields ();
  regions ();
  walks ();
  locks ();
}
