/* SPDX-License-Identifier: BSD-2-Clause */
/* Translation in Sv39, Sv48 and Sv57: every leaf size, every permission, malformed entries,
   addresses that are none, accessed and dirty bits, accesses that span two pages. */
#include "vm.h"

static u64 data[4][512] __attribute__ ((aligned (4096)));
static int levels;
#define VA 0x50000000ul
#define T (&hart ()->trap)

/* A page holds its own number, and code at its end and start that probe_exec can run. */
static void
fill (void)
{
  for (u64 p = 0; p < 4; p++)
    {
      for (u64 i = 0; i < 512; i++)
        data[p][i] = 0x1000 * p + i;
      memcpy (data[p], (void *) probe_target, 16);
    }
  fence_i ();
}

/* What the manual's permission rules say: 1 allowed. */
static int
allowed (u64 flags, int mode, char access, int sum, int mxr)
{
  if (!(flags & PTE_V) || (flags & (PTE_R | PTE_W)) == PTE_W || !(flags & (PTE_R | PTE_X)))
    return 0;
  if (mode == MODE_U && !(flags & PTE_U))
    return 0;
  if (mode == MODE_S && flags & PTE_U && (access == 'x' || !sum))
    return 0;
  switch (access)
    {
    case 'r':
      return flags & PTE_R || (mxr && flags & PTE_X);
    case 'w':
      return !!(flags & PTE_W);
    default:
      return !!(flags & PTE_X);
    }
}

static void
permissions (void)
{
  u64 *pte = vm_map (VA, (u64) data[0], PTE_RWX, 0);
  vm_on ();
  for (u64 flags = 0; flags < 32; flags++)
    for (int knobs = 0; knobs < 4; knobs++)
      {
        int sum = knobs & 1, mxr = knobs >> 1;
        csr_clear (mstatus, MSTATUS_SUM | MSTATUS_MXR);
        csr_set (mstatus, (sum ? MSTATUS_SUM : 0) | (mxr ? MSTATUS_MXR : 0));
        *pte = PTE (data[0], flags | PTE_A | PTE_D);
        sfence ();
        for (int mode = MODE_U; mode <= MODE_S; mode++)
          {
            note ("flags, mode and sum and mxr", flags, (u64) (mode << 8 | knobs));
            CHECK_EQ (vm_probe (mode, probe_ld, VA + 0x100, 0),
                      allowed (flags, mode, 'r', sum, mxr) ? NO_TRAP : CAUSE_LOAD_PAGE);
            if (T->cause == NO_TRAP)
              CHECK_EQ (hart ()->ret, 0x20);
            else
              CHECK_EQ (T->tval, VA + 0x100);
            CHECK_EQ (vm_probe (mode, probe_sd, VA + 0x108, 0x21),
                      allowed (flags, mode, 'w', sum, mxr) ? NO_TRAP : CAUSE_STORE_PAGE);
            CHECK_EQ (vm_probe (mode, probe_exec, VA, 0),
                      allowed (flags, mode, 'x', sum, mxr) ? NO_TRAP : CAUSE_FETCH_PAGE);
            if (T->cause != NO_TRAP)
              {
                CHECK_EQ (T->tval, VA);
                CHECK_EQ (T->epc, VA);
              }
            else
              CHECK_EQ (hart ()->ret, 0x7a);
            CHECK_EQ (vm_probe (mode, probe_lr, VA + 0x100, 0),
                      allowed (flags, mode, 'r', sum, mxr) ? NO_TRAP : CAUSE_LOAD_PAGE);
            /* QEMU 7.2 tries an AMO's page as a load first, the manual knows a store only */
            CHECK_EQ (vm_probe (mode, probe_amo, VA + 0x110, 0),
                      allowed (flags, mode, 'w', sum, mxr)                 ? NO_TRAP
                      : ON_QEMU72 && !allowed (flags, mode, 'r', sum, mxr) ? CAUSE_LOAD_PAGE
                                                                           : CAUSE_STORE_PAGE);
          }
      }
  csr_clear (mstatus, MSTATUS_SUM | MSTATUS_MXR);
  /* MXR concerns loads only, and lr counts as one; the page stayed as it was */
  CHECK_EQ (data[0][0x22], 0x22);
  CHECK_EQ (data[0][0x21], 0x21);
  vm_off ();
}

static void
sizes (void)
{
  for (int level = 0; level < levels; level++)
    {
      u64 size = 4096ul << (9 * level);
      u64 pa = (u64) data[1] & ~(size - 1), at = (u64) data[1] - pa;
      u64 top = 1ul << (9 * levels + 11);
      /* far below the limit, just below it, just above the hole, and far above */
      const u64 vas[] = { 3 * size + (level < 2 ? 0x100000000 : 0), top - size, -top, -2 * size };
      for (unsigned i = 0; i < 4; i++)
        {
          u64 va = vas[i];
          if (level == levels - 1)
            {
              /* the lower half has to keep the probes' own entry */
              if (i == 0)
                va = 5 * size;
            }
          vm_map (va, pa, PTE_RWX, level);
          vm_on ();
          note ("level, va", (u64) level, va);
          for (u64 k = 16; k < 512; k += 99)
            {
              CHECK_EQ (vm_probe (MODE_S, probe_ld, va + at + 8 * k, 0), NO_TRAP);
              CHECK_EQ (hart ()->ret, data[1][k]);
              CHECK_EQ (vm_probe (MODE_S, probe_sd, va + at + 8 * k, k + 5), NO_TRAP);
              CHECK_EQ (data[1][k], k + 5);
              data[1][k] = 0x1000 + k;
            }
          CHECK_EQ (vm_probe (MODE_S, probe_exec, va + at, 0), NO_TRAP);
          CHECK_EQ (hart ()->ret, 0x7a);
          vm_off ();
          *vm_pte (va, level) = 0;
        }
      /* a page number with bits below its size */
      if (level)
        {
          u64 va = 6 * size;
          for (u64 bit = 4096; bit < size; bit <<= 1)
            {
              *vm_pte (va, level) = PTE (pa | bit, PTE_RWX);
              vm_on ();
              note ("misaligned, bit", (u64) level, bit);
              CHECK_EQ (vm_probe (MODE_S, probe_ld, va + at, 0), CAUSE_LOAD_PAGE);
              CHECK_EQ (vm_probe (MODE_S, probe_sd, va + at, 0), CAUSE_STORE_PAGE);
              CHECK_EQ (vm_probe (MODE_S, probe_exec, va + at, 0), CAUSE_FETCH_PAGE);
              vm_off ();
            }
          *vm_pte (va, level) = 0;
        }
    }
}

static void
malformed (void)
{
  u64 *pte = vm_map (VA, (u64) data[2], PTE_RWX, 0);
  static const u8 bits[] = { 54, 55, 56, 57, 58, 59, 60, 61, 62, 63 };
  for (unsigned i = 0; i < sizeof bits; i++)
    {
      *pte = PTE (data[2], PTE_RWX) | 1ul << bits[i];
      vm_on ();
      note ("reserved bit", bits[i], 0);
      CHECK_EQ (vm_probe (MODE_S, probe_ld, VA + 0x200, 0), CAUSE_LOAD_PAGE);
      vm_off ();
    }
  *pte = PTE (data[2], PTE_RWX | 3ul << 8); /* RSW is software's */
  vm_on ();
  CHECK_EQ (vm_probe (MODE_S, probe_ld, VA + 0x200, 0), NO_TRAP);
  vm_off ();
  *pte = PTE (data[2], PTE_V); /* a pointer where no level is left */
  vm_on ();
  CHECK_EQ (vm_probe (MODE_S, probe_ld, VA + 0x200, 0), CAUSE_LOAD_PAGE);
  vm_off ();
  *pte = PTE (data[2], PTE_RWX);
  /* D, A and U are reserved in a pointer */
  u64 *pointer = vm_pte (VA, 1), was = *pointer;
  static const u64 in_pointer[] = { PTE_D, PTE_A, PTE_U, 1ul << 63, 1ul << 54 };
  for (unsigned i = 0; i < 5; i++)
    {
      *pointer = was | in_pointer[i];
      vm_on ();
      note ("pointer with", in_pointer[i], 0);
      CHECK_EQ (vm_probe (MODE_S, probe_ld, VA + 0x200, 0), CAUSE_LOAD_PAGE);
      vm_off ();
    }
  *pointer = was | PTE_G;
  vm_on ();
  CHECK_EQ (vm_probe (MODE_S, probe_ld, VA + 0x200, 0), NO_TRAP);
  vm_off ();
  /* a table, then a page, where no memory is: an access fault of the access's own kind; QEMU 7.2
     makes the table a page fault */
  int page_fault = ON_QEMU72;
  *pointer = PTE (0, PTE_V);
  vm_on ();
  note ("table nowhere", 0, 0);
  CHECK_EQ (vm_probe (MODE_S, probe_ld, VA + 0x200, 0),
            page_fault ? CAUSE_LOAD_PAGE : CAUSE_LOAD_ACCESS);
  CHECK_EQ (T->tval, VA + 0x200);
  CHECK_EQ (vm_probe (MODE_S, probe_sd, VA + 0x200, 0),
            page_fault ? CAUSE_STORE_PAGE : CAUSE_STORE_ACCESS);
  CHECK_EQ (vm_probe (MODE_S, probe_exec, VA + 0x200, 0),
            page_fault ? CAUSE_FETCH_PAGE : CAUSE_FETCH_ACCESS);
  vm_off ();
  *pointer = was;
  *pte = PTE (0, PTE_RWX);
  vm_on ();
  note ("page nowhere", 0, 0);
  CHECK_EQ (vm_probe (MODE_S, probe_ld, VA + 0x200, 0), CAUSE_LOAD_ACCESS);
  CHECK_EQ (T->tval, VA + 0x200);
  CHECK_EQ (vm_probe (MODE_S, probe_sd, VA + 0x200, 0), CAUSE_STORE_ACCESS);
  CHECK_EQ (vm_probe (MODE_S, probe_exec, VA + 0x200, 0), CAUSE_FETCH_ACCESS);
  CHECK_EQ (T->tval, VA + 0x200);
  vm_off ();
}

/* Addresses whose upper bits are no copy of the highest one that translates. */
static void
non_canonical (void)
{
  u64 top = 1ul << (9 * levels + 11);
  const u64 vas[] = { top, top + 0x123 * 8, -top - 8, 1ul << 63, 1ul << 62, VA | 1ul << 63,
                      VA | top, VA | 1ul << 58, (1ul << 63) - 8 };
  vm_map (VA, (u64) data[3], PTE_RWX, 0);
  vm_on ();
  for (unsigned i = 0; i < sizeof vas / 8; i++)
    {
      note ("not canonical", vas[i], 0);
      CHECK_EQ (vm_probe (MODE_S, probe_ld, vas[i], 0), CAUSE_LOAD_PAGE);
      CHECK_EQ (T->tval, vas[i]);
      CHECK_EQ (vm_probe (MODE_S, probe_sd, vas[i], 0), CAUSE_STORE_PAGE);
      CHECK_EQ (T->tval, vas[i]);
      CHECK_EQ (vm_probe (MODE_S, probe_exec, vas[i], 0), CAUSE_FETCH_PAGE);
      CHECK_EQ (T->tval, vas[i]);
      CHECK_EQ (T->epc, vas[i]);
    }
  vm_off ();
}

/* The hart of this project, and the reference, set A and D themselves. */
static void
accessed_dirty (void)
{
  u64 *pte = vm_map (VA, (u64) data[0], 0, 0);
  const u64 base = PTE (data[0], PTE_V | PTE_R | PTE_W | PTE_X);
  static const struct
  {
    void (*fn) (void);
    u64 sets;
  } ways[] = { { probe_ld, PTE_A },  { probe_sd, PTE_A | PTE_D }, { probe_exec, PTE_A },
               { probe_lr, PTE_A },  { probe_amo, PTE_A | PTE_D }, { probe_sb, PTE_A | PTE_D },
               { probe_lb, PTE_A } };
  vm_on ();
  for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++)
    {
      u64 at = ways[i].fn == probe_exec ? VA : VA + 0x300;
      *pte = base;
      sfence ();
      note ("a/d", i, 0);
      CHECK_EQ (vm_probe (MODE_S, ways[i].fn, at, 0x60), NO_TRAP);
      CHECK_EQ (*pte, base | ways[i].sets);
      /* a store after a load that has cached the translation */
      CHECK_EQ (vm_probe (MODE_S, probe_sd, VA + 0x300, 0x60), NO_TRAP);
      CHECK_EQ (*pte, base | PTE_A | PTE_D);
    }
  /* what is refused leaves no mark */
  *pte = base & ~PTE_W;
  sfence ();
  CHECK_EQ (vm_probe (MODE_S, probe_sd, VA + 0x300, 0), CAUSE_STORE_PAGE);
  CHECK_EQ (*pte, base & ~PTE_W);
  CHECK_EQ (vm_probe (MODE_U, probe_ld, VA + 0x300, 0), CAUSE_LOAD_PAGE);
  CHECK_EQ (*pte, base & ~PTE_W);
  vm_off ();
  data[0][0x60] = 0x60;
}

/* ld, sd and an instruction over the border of two pages that lie apart in memory. */
static void
spanning (void)
{
  u64 *first = vm_map (VA, (u64) data[1], PTE_RWX, 0);
  u64 *second = vm_map (VA + 4096, (u64) data[3], PTE_RWX, 0);
  u64 was1 = data[1][511], was3 = data[3][0];
  for (u64 by = 1; by < 8; by++)
    {
      u64 at = VA + 4096 - by, want = 0;
      *second = PTE (data[3], PTE_RWX);
      vm_on ();
      note ("spanning", by, 0);
      memcpy (&want, (u8 *) data[1] + 4096 - by, by);
      memcpy ((u8 *) &want + by, data[3], 8 - by);
      CHECK_EQ (vm_probe (MODE_S, probe_ld, at, 0), NO_TRAP);
      CHECK_EQ (hart ()->ret, want);
      u64 v = rnd ();
      CHECK_EQ (vm_probe (MODE_S, probe_sd, at, v), NO_TRAP);
      CHECK_EQ (memcmp ((u8 *) data[1] + 4096 - by, &v, by), 0);
      CHECK_EQ (memcmp (data[3], (u8 *) &v + by, 8 - by), 0);
      *second = 0;
      sfence ();
      CHECK_EQ (vm_probe (MODE_S, probe_ld, at, 0), CAUSE_LOAD_PAGE);
      CHECK (T->tval == at || T->tval == VA + 4096);
      CHECK_EQ (vm_probe (MODE_S, probe_sd, at, 0), CAUSE_STORE_PAGE);
      CHECK (T->tval == at || T->tval == VA + 4096);
      *second = PTE (data[3], PTE_RWX & ~(PTE_W | PTE_D));
      sfence ();
      CHECK_EQ (vm_probe (MODE_S, probe_sd, at, 0), CAUSE_STORE_PAGE);
      CHECK_EQ (memcmp (data[3], (u8 *) &v + by, 8 - by), 0);
      vm_off ();
    }
  data[1][511] = was1;
  data[3][0] = was3;
  /* `li a0, 0x55' half here, half there; then what follows it */
  u32 insn = 0x05500513;
  memcpy ((u8 *) data[1] + 4094, &insn, 2);
  memcpy (data[3], (u8 *) &insn + 2, 2);
  memcpy ((u8 *) data[3] + 2, (u8 *) probe_target + 4, 12);
  fence_i ();
  *second = PTE (data[3], PTE_RWX);
  vm_on ();
  note ("fetch over two pages", 0, 0);
  CHECK_EQ (vm_probe (MODE_S, probe_exec, VA + 4094, 0), NO_TRAP);
  CHECK_EQ (hart ()->ret, 0x55);
  *second = 0;
  sfence ();
  CHECK_EQ (vm_probe (MODE_S, probe_exec, VA + 4094, 0), CAUSE_FETCH_PAGE);
  CHECK_EQ (T->epc, VA + 4094);
  CHECK_EQ (T->tval, VA + 4096);
  /* the second page alone changes: other bytes, same address */
  memcpy (data[2], data[3], 64);
  ((u8 *) data[2])[0] = 0x60; /* li a0, 0x56 */
  fence_i ();
  *second = PTE (data[2], PTE_RWX);
  sfence ();
  CHECK_EQ (vm_probe (MODE_S, probe_exec, VA + 4094, 0), NO_TRAP);
  CHECK_EQ (hart ()->ret, 0x56);
  *first = PTE (data[1], PTE_RWX & ~PTE_X);
  sfence ();
  CHECK_EQ (vm_probe (MODE_S, probe_exec, VA + 4094, 0), CAUSE_FETCH_PAGE);
  CHECK_EQ (T->tval, VA + 4094);
  vm_off ();
  fill ();
}

void
test (void)
{
  pmp_open ();
  for (levels = 3; levels <= 5; levels++)
    {
      fill ();
      vm_init (levels);
      vm_on ();
      CHECK_EQ (csr_read (satp), vm_satp (0));
      vm_off ();
      permissions ();
      sizes ();
      malformed ();
      non_canonical ();
      accessed_dirty ();
      spanning ();
    }
}
