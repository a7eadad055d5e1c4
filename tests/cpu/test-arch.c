/* SPDX-License-Identifier: BSD-2-Clause */
/* The architecture half of rv64-cpu without an interpreter: CSRs, traps, page walk, PMP, stimecmp.
 * The execution half and the host are played by the stubs below; "memory" is one small array at
 * RAM.  Longer than a file should be, because every case stands on the same stubs.
 */
#include <glib.h>
#include <string.h>

#include "plugins/rv64-cpu/arch.h"

#define RAM UINT64_C (0x80000000)
#define RAM_SIZE 0x10000
#define ROM_PAGE (RAM + 0xf000) /* reads only */

static _Alignas (4096) uint8_t ram[RAM_SIZE];
static struct rv_hart *hart;
static unsigned flushes, contexts, wakes;
static uint64_t flushed_vaddr, flushed_asid;
static uint64_t ticks, armed;

/* ---- stubs ---- */

const struct gwt_host *rv_host;
const struct gwt_vcpu_api *rv_vcpu;
const struct gwt_clock_api *rv_clock;

void
rv_context_changed (struct rv_hart *h)
{
  contexts++;
}

void
rv_tlb_flush_all (struct rv_hart *h)
{
  flushes++;
}

void
rv_tlb_flush (struct rv_hart *h, const uint64_t *vaddr, const uint64_t *asid)
{
  flushes++;
  flushed_vaddr = vaddr != NULL ? *vaddr : UINT64_MAX;
  flushed_asid = asid != NULL ? *asid : UINT64_MAX;
}

void *
rv_phys_ptr (struct rv_hart *h, uint64_t paddr, unsigned size, enum rv_access access)
{
  if (paddr < RAM || paddr - RAM > RAM_SIZE - size)
    return NULL;
  if (access == RV_STORE && paddr >= ROM_PAGE)
    return NULL;
  return ram + (paddr - RAM);
}

static void
wake (struct gwt_device *device)
{
  wakes++;
}

static void
timer_set (struct gwt_timer *timer, uint64_t expiry)
{
  armed = expiry;
}

static uint64_t
get_ticks (void *source)
{
  return ticks;
}

static uint64_t
get_when (void *source, uint64_t at)
{
  return at * 100;
}

static const struct gwt_vcpu_api vcpu_api = { .struct_size = sizeof vcpu_api, .wake = wake };
static const struct gwt_clock_api clock_api
  = { .struct_size = sizeof clock_api, .timer_set = timer_set };
static const struct gwt_riscv_time time_source
  = { .struct_size = sizeof time_source, .hz = 10000000, .ticks = get_ticks, .when = get_when };

/* A hart with everything, as after reset. */
static void
fresh (void)
{
  static const bool on = true;
  bool *ext;

  g_free (hart);
  hart = g_new0 (struct rv_hart, 1);
  memset (ram, 0, sizeof ram);
  for (ext = &hart->ext_m; ext <= &hart->ext_zicbop; ext++)
    *ext = on;
  hart->mmu = RV_MMU_SV57;
  hart->pmp_regions = RV_PMP_MAX;
  hart->misa = rv_misa (hart);
  hart->priv = RV_M;
  hart->menvcfg = RV_ENVCFG_ADUE;
  hart->stimecmp = UINT64_MAX;
  hart->time = &time_source;
  hart->stimer = (struct gwt_timer *) ram;
  rv_vcpu = &vcpu_api;
  rv_clock = &clock_api;
  ticks = 0;
  armed = GWT_TIMER_OFF;
  rv_pmp_update (hart);
}

static uint64_t
get (unsigned number)
{
  uint64_t value = UINT64_C (0xdead);

  g_assert_true (rv_csr_read (hart, number, &value));
  return value;
}

static void
set (unsigned number, uint64_t value)
{
  g_assert_true (rv_csr_write (hart, number, value));
}

static bool
readable (unsigned number)
{
  uint64_t value;

  return rv_csr_read (hart, number, &value);
}

/* ---- CSRs ---- */

struct warl
{
  unsigned number;
  uint64_t write, want;
};

static void
test_warl (void)
{
  static const struct warl rows[] = {
    { 0x300, ~UINT64_C (0), UINT64_C (0x8000000a007e79aa) },
    { 0x300, UINT64_C (0x1000), UINT64_C (0xa00001800) }, /* MPP = 2 is refused, the old stays */
    { 0x300, UINT64_C (0x800), UINT64_C (0xa00000800) },
    { 0x301, 0, UINT64_C (0x800000000014112d) },
    { 0x302, ~UINT64_C (0), 0xb3ff },
    { 0x303, ~UINT64_C (0), 0x222 },
    { 0x304, ~UINT64_C (0), 0xaaa },
    { 0x305, UINT64_C (0x80000001), UINT64_C (0x80000001) },
    { 0x305, UINT64_C (0x90000002), UINT64_C (0x80000001) },
    { 0x306, ~UINT64_C (0), 0xffffffff },
    { 0x106, ~UINT64_C (0), 0xffffffff },
    { 0x30a, ~UINT64_C (0), UINT64_C (0xa0000000000000f1) },
    { 0x30a, 0x20, 0x30 }, /* CBIE = 2 is reserved */
    { 0x10a, ~UINT64_C (0), 0xf1 },
    { 0x320, ~UINT64_C (0), 5 },
    { 0x341, ~UINT64_C (0), ~UINT64_C (1) },
    { 0x141, ~UINT64_C (0), ~UINT64_C (1) },
    { 0x342, UINT64_C (0x8000000000000005), UINT64_C (0x8000000000000005) },
    { 0x3a2, ~UINT64_C (0), UINT64_C (0x9f9f9f9f9f9f9f9f) },
    { 0x3a0, UINT64_C (0x0a), UINT64_C (0x08) }, /* W without R is reserved */
    { 0x3b0, ~UINT64_C (0), UINT64_C (0x3fffffffffffff) },
    { 0xb05, 99, 0 },
    { 0x325, 99, 0 },
  };
  unsigned i;

  fresh ();
  for (i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("row %u: 0x%03x", i, rows[i].number);
      set (rows[i].number, rows[i].write);
      g_assert_cmphex (get (rows[i].number), ==, rows[i].want);
    }
}

static void
test_access (void)
{
  uint64_t v;

  fresh ();
  g_assert_false (rv_csr_write (hart, 0xf14, 1)); /* read-only by number */
  g_assert_false (rv_csr_read_for_write (hart, 0xc00, &v, &v));
  g_assert_false (readable (0x7a0));
  g_assert_false (readable (0x3a1)); /* pmpcfg1: RV32 only */
  g_assert_false (readable (0x3c0)); /* pmpaddr16 */
  g_assert_false (readable (0x747)); /* mseccfg */
  g_assert_false (readable (0x001)); /* FS is off */
  hart->mstatus |= RV_MSTATUS_FS & -RV_MSTATUS_FS;
  g_assert_true (readable (0x003));
  g_assert_cmphex (get (0x300) & RV_MSTATUS_SD, ==, 0);
  set (0x002, 4);
  g_assert_cmphex (get (0x003), ==, 4 << 5);
  g_assert_cmphex (get (0x300) & (RV_MSTATUS_SD | RV_MSTATUS_FS), ==,
                   RV_MSTATUS_SD | RV_MSTATUS_FS);

  hart->priv = RV_S;
  g_assert_false (readable (0x300));
  g_assert_true (readable (0x180));
  hart->mstatus |= RV_MSTATUS_TVM;
  g_assert_false (readable (0x180));
  g_assert_false (rv_csr_write (hart, 0x180, 0));
  g_assert_false (rv_sfence_vma (hart, 0, 0));
  hart->mstatus &= ~RV_MSTATUS_TVM;
  g_assert_true (rv_sfence_vma (hart, 0, 0));

  g_assert_false (readable (0xc01));
  hart->mcounteren = 2;
  g_assert_true (readable (0xc01));
  g_assert_false (readable (0xc00));
  hart->priv = RV_U;
  g_assert_false (readable (0xc01));
  hart->scounteren = 2;
  g_assert_true (readable (0xc01));
  hart->time = NULL;
  g_assert_false (readable (0xc01));
  g_assert_false (readable (0x100));
  g_assert_false (rv_sfence_vma (hart, 0, 0));

  /* stimecmp from S mode needs both menvcfg.STCE and mcounteren.TM. */
  fresh ();
  hart->priv = RV_S;
  g_assert_false (readable (0x14d));
  hart->menvcfg |= RV_ENVCFG_STCE;
  g_assert_false (readable (0x14d));
  hart->mcounteren = RV_COUNTEREN_TM;
  g_assert_true (readable (0x14d));
}

/* With an extension off its registers and fields are gone. */
static void
test_extensions_off (void)
{
  fresh ();
  hart->ext_s = hart->ext_sstc = hart->ext_svinval = hart->ext_svadu = false;
  g_assert_false (readable (0x100));
  g_assert_false (readable (0x180));
  g_assert_false (readable (0x302));
  set (0x304, ~UINT64_C (0));
  g_assert_cmphex (get (0x304), ==, 0x888);
  set (0x300, UINT64_C (0x800));
  g_assert_cmphex (get (0x300) & RV_MSTATUS_MPP, ==, 0);
  g_assert_false (rv_sret (hart));
  hart->ext_u = false;
  g_assert_false (readable (0x30a));
  g_assert_false (readable (0x306));
  hart->ext_f = hart->ext_d = false;
  hart->mstatus |= RV_MSTATUS_FS;
  g_assert_false (readable (0x003));
  hart->ext_zicntr = false;
  g_assert_false (readable (0xc00));
  hart->ext_zihpm = false;
  g_assert_false (readable (0xc03));
  hart->pmp_regions = 0;
  g_assert_false (readable (0x3a0));
  g_assert_false (readable (0x3b0));
  hart->ext_c = false;
  set (0x341, 6);
  g_assert_cmphex (get (0x341), ==, 4);

  fresh ();
  hart->mmu = RV_MMU_SV39;
  set (0x180, UINT64_C (8) << 60 | 5);
  set (0x180, UINT64_C (9) << 60 | 6);
  g_assert_cmphex (get (0x180), ==, UINT64_C (8) << 60 | 5);
  set (0x180, UINT64_C (1) << 60 | 6);
  g_assert_cmphex (get (0x180), ==, UINT64_C (8) << 60 | 5);
  hart->mmu = RV_MMU_SV57;
  set (0x180, UINT64_C (10) << 60 | UINT64_C (0xffff) << 44 | 7);
  g_assert_cmphex (get (0x180), ==, UINT64_C (10) << 60 | UINT64_C (0xffff) << 44 | 7);
}

static void
test_counters (void)
{
  fresh ();
  hart->instret = 100;
  g_assert_cmpuint (get (0xb02), ==, 100);
  set (0xb02, 5);
  hart->instret++; /* the write itself retires */
  g_assert_cmpuint (get (0xb02), ==, 5);
  g_assert_cmpuint (get (0xb00), ==, 101);
  set (0x320, 4);
  hart->instret += 50;
  g_assert_cmpuint (get (0xc02), ==, 6);
  g_assert_cmpuint (get (0xc00), ==, 151);
  set (0xb02, 77);
  g_assert_cmpuint (get (0xc02), ==, 77);
  set (0x320, 0);
  hart->instret += 11;
  g_assert_cmpuint (get (0xc02), ==, 87);
  ticks = 1234;
  g_assert_cmpuint (get (0xc01), ==, 1234);
}

/* SEIP is two bits: the line, and the one software writes (3.1.9). */
static void
test_mip (void)
{
  uint64_t value, rmw;

  fresh ();
  atomic_store (&hart->mip_lines, RV_MIP_SEIP | RV_MIP_MTIP);
  g_assert_true (rv_csr_read_for_write (hart, 0x344, &value, &rmw));
  g_assert_cmphex (value, ==, RV_MIP_SEIP | RV_MIP_MTIP);
  set (0x344, rmw | RV_MIP_SSIP);
  atomic_store (&hart->mip_lines, 0);
  g_assert_cmphex (get (0x344), ==, RV_MIP_SSIP);
  set (0x344, ~UINT64_C (0));
  g_assert_cmphex (get (0x344), ==, RV_MIP_S);
  hart->mideleg = RV_MIP_SSIP | RV_MIP_SEIP;
  g_assert_cmphex (get (0x144), ==, RV_MIP_SSIP | RV_MIP_SEIP);
  set (0x144, 0); /* SSIP is the one bit of sip that can be written */
  g_assert_cmphex (get (0x344), ==, RV_MIP_STIP | RV_MIP_SEIP);
  set (0x104, ~UINT64_C (0));
  g_assert_cmphex (get (0x304), ==, RV_MIP_SSIP | RV_MIP_SEIP);
}

/* ---- traps ---- */

static void
test_exceptions (void)
{
  fresh ();
  set (0x305, 0x1001);
  set (0x105, 0x2001);
  set (0x302, 1 << RV_EXC_LOAD_PAGE);
  hart->mstatus |= RV_MSTATUS_MIE | RV_MSTATUS_SIE;
  hart->pc = 0x400;
  rv_raise (hart, RV_EXC_LOAD_PAGE, 0xabc); /* from M mode: never delegated */
  g_assert_cmpuint (hart->priv, ==, RV_M);
  g_assert_cmphex (hart->pc, ==, 0x1000);
  g_assert_cmphex (get (0x341), ==, 0x400);
  g_assert_cmphex (get (0x342), ==, 13);
  g_assert_cmphex (get (0x343), ==, 0xabc);
  g_assert_cmphex (hart->mstatus & (RV_MSTATUS_MPP | RV_MSTATUS_MPIE | RV_MSTATUS_MIE), ==,
                   RV_MSTATUS_MPP | RV_MSTATUS_MPIE);

  /* mret to U, with MPRV cleared; then the fault goes to S mode. */
  hart->mstatus = (hart->mstatus & ~RV_MSTATUS_MPP) | RV_MSTATUS_MPRV;
  hart->mepc = 0x800;
  g_assert_true (rv_mret (hart));
  g_assert_cmpuint (hart->priv, ==, RV_U);
  g_assert_cmphex (hart->pc, ==, 0x800);
  g_assert_cmphex (hart->mstatus & (RV_MSTATUS_MPRV | RV_MSTATUS_MIE), ==, RV_MSTATUS_MIE);
  g_assert_false (rv_mret (hart));
  g_assert_false (rv_sret (hart));
  rv_raise (hart, RV_EXC_LOAD_PAGE, 0xdef);
  g_assert_cmpuint (hart->priv, ==, RV_S);
  g_assert_cmphex (hart->pc, ==, 0x2000);
  g_assert_cmphex (hart->sepc, ==, 0x800);
  g_assert_cmphex (hart->stval, ==, 0xdef);
  g_assert_cmphex (hart->mstatus & (RV_MSTATUS_SPP | RV_MSTATUS_SPIE | RV_MSTATUS_SIE), ==,
                   RV_MSTATUS_SPIE);
  rv_raise (hart, RV_EXC_ILLEGAL, 7); /* not delegated */
  g_assert_cmpuint (hart->priv, ==, RV_M);
  g_assert_cmphex ((hart->mstatus & RV_MSTATUS_MPP) >> 11, ==, RV_S);
  g_assert_true (rv_mret (hart));
  g_assert_cmpuint (hart->priv, ==, RV_S);
  hart->mstatus |= RV_MSTATUS_TSR;
  g_assert_false (rv_sret (hart));
  hart->mstatus &= ~RV_MSTATUS_TSR;
  g_assert_true (rv_sret (hart));
  g_assert_cmpuint (hart->priv, ==, RV_U);
  g_assert_cmphex (hart->mstatus & RV_MSTATUS_SIE, ==, RV_MSTATUS_SIE);
}

static void
test_interrupts (void)
{
  static const uint8_t order[] = { 11, 3, 7, 9, 1, 5 };
  unsigned i;

  /* All pending in M mode: in the order of the manual, vectored. */
  fresh ();
  set (0x305, 0x1001);
  hart->mie = RV_MIP_M | RV_MIP_S;
  atomic_store (&hart->mip_lines, RV_MIP_M | RV_MIP_S);
  g_assert_false (rv_take_interrupt (hart)); /* MIE is off */
  for (i = 0; i < sizeof order; i++)
    {
      hart->mstatus |= RV_MSTATUS_MIE;
      g_assert_true (rv_take_interrupt (hart));
      g_assert_cmphex (hart->mcause, ==, RV_CAUSE_INTERRUPT | order[i]);
      g_assert_cmphex (hart->pc, ==, 0x1000 + 4u * order[i]);
      atomic_fetch_and (&hart->mip_lines, ~RV_BIT (order[i]));
    }

  /* Delegated ones are not taken in M mode, whatever MIE says; in S mode as SIE says; in U
     always. */
  fresh ();
  hart->mideleg = RV_MIP_S;
  hart->mie = RV_MIP_S;
  hart->mstatus |= RV_MSTATUS_MIE | RV_MSTATUS_SIE;
  atomic_store (&hart->mip_lines, RV_MIP_STIP);
  g_assert_false (rv_take_interrupt (hart));
  hart->priv = RV_S;
  hart->mstatus &= ~RV_MSTATUS_SIE;
  g_assert_false (rv_take_interrupt (hart));
  hart->priv = RV_U;
  g_assert_true (rv_take_interrupt (hart));
  g_assert_cmpuint (hart->priv, ==, RV_S);
  g_assert_cmphex (hart->scause, ==, RV_CAUSE_INTERRUPT | 5);

  /* Below M, M-level interrupts do not ask for MIE. */
  hart->mie |= RV_MIP_MTIP;
  hart->mstatus &= ~RV_MSTATUS_MIE;
  atomic_store (&hart->mip_lines, RV_MIP_MTIP);
  g_assert_true (rv_take_interrupt (hart));
  g_assert_cmphex (hart->mcause, ==, RV_CAUSE_INTERRUPT | 7);

  /* What makes an interrupt possible kicks the hart: enabling it, and returning to lower
     privilege. */
  fresh ();
  atomic_store (&hart->mip_lines, RV_MIP_MTIP);
  set (0x304, RV_MIP_MTIP);
  g_assert_true (hart->kick == 0);
  set (0x300, RV_MSTATUS_MIE);
  g_assert_true (hart->kick < 0);
  fresh ();
  atomic_store (&hart->mip_lines, RV_MIP_MTIP);
  set (0x304, RV_MIP_MTIP);
  g_assert_true (rv_mret (hart));
  g_assert_true (hart->kick < 0);
}

static void
test_wfi (void)
{
  fresh ();
  g_assert_true (rv_wfi (hart));
  g_assert_cmpuint (hart->waiting, ==, 1);
  hart->mie = RV_MIP_MTIP;
  atomic_store (&hart->mip_lines, RV_MIP_MTIP); /* MIE is off: still ends the wait */
  g_assert_true (rv_has_work (hart));
  g_assert_true (rv_wfi (hart));
  g_assert_cmpuint (hart->waiting, ==, 0);
  hart->priv = RV_S;
  g_assert_true (rv_wfi (hart));
  hart->mstatus |= RV_MSTATUS_TW;
  g_assert_false (rv_wfi (hart));
  hart->mstatus &= ~RV_MSTATUS_TW;
  hart->priv = RV_U;
  g_assert_false (rv_wfi (hart));
}

static void
test_stimecmp (void)
{
  fresh ();
  set (0x14d, 50); /* STCE is off: nothing happens */
  g_assert_cmphex (get (0x344), ==, 0);
  ticks = 10;
  set (0x30a, RV_ENVCFG_STCE);
  g_assert_cmpuint (armed, ==, 5000);
  ticks = 50;
  rv_stimer_fired (hart);
  g_assert_cmphex (get (0x344), ==, RV_MIP_STIP);
  g_assert_cmpuint (armed, ==, GWT_TIMER_OFF);
  g_assert_cmpuint (wakes, >, 0);
  set (0x344, 0); /* read-only now */
  g_assert_cmphex (get (0x344), ==, RV_MIP_STIP);
  set (0x14d, 51);
  g_assert_cmphex (get (0x344), ==, 0);
  g_assert_cmpuint (armed, ==, 5100);
  rv_stimer_fired (hart); /* too early: armed again */
  g_assert_cmphex (get (0x344), ==, 0);
  g_assert_cmpuint (armed, ==, 5100);
  set (0x14d, 7); /* in the past */
  g_assert_cmphex (get (0x344), ==, RV_MIP_STIP);
  set (0x30a, 0);
  g_assert_cmphex (get (0x344), ==, 0);
}

/* ---- PMP ---- */

static bool
pmp (uint64_t paddr, unsigned size, enum rv_access access, unsigned priv)
{
  return rv_pmp_allows (hart, paddr, size, access, priv);
}

static void
test_pmp (void)
{
  unsigned rwx;

  fresh ();
  /* Nothing matches: M may all, others nothing; without entries all may all. */
  g_assert_true (pmp (0x1000, 8, RV_STORE, RV_M));
  g_assert_false (pmp (0x1000, 8, RV_LOAD, RV_S));
  hart->pmp_regions = 0;
  g_assert_true (pmp (0x1000, 8, RV_LOAD, RV_U));

  /* 0: NA4 at 0x1000, none; 1: NAPOT 0x1000 + 4 KiB, RX; 2: TOR up to 0x4000, RW */
  fresh ();
  set (0x3b0, 0x1000 >> 2);
  set (0x3b1, (0x1000 >> 2) | 0x1ff);
  set (0x3b2, 0x4000 >> 2);
  set (0x3a0, UINT64_C (0x0b1d10));
  g_assert_false (pmp (0x1000, 4, RV_LOAD, RV_U));
  g_assert_true (pmp (0x1004, 4, RV_LOAD, RV_U));
  g_assert_false (pmp (0x1004, 4, RV_STORE, RV_U));
  g_assert_true (pmp (0x1004, 4, RV_FETCH, RV_U));
  g_assert_false (pmp (0x1000, 8, RV_LOAD, RV_U)); /* part of entry 0 */
  g_assert_false (pmp (0x0ffc, 4, RV_LOAD, RV_U)); /* TOR starts at pmpaddr1, above */
  g_assert_false (pmp (0x1ffc, 8, RV_LOAD, RV_U)); /* ends outside entry 1 */
  g_assert_true (pmp (0x3ff8, 8, RV_STORE, RV_U));
  g_assert_false (pmp (0x3ffc, 8, RV_STORE, RV_U));
  g_assert_true (pmp (0x1000, 4, RV_STORE, RV_M));
  g_assert_false (pmp (0x1000, 8, RV_STORE, RV_M)); /* a partial match fails in M mode too */
  g_assert_false (rv_pmp_page (hart, 0x1800, RV_U, &rwx));
  g_assert_true (rv_pmp_page (hart, 0x3010, RV_U, &rwx));
  g_assert_cmphex (rwx, ==, RV_PMP_R | RV_PMP_W);
  g_assert_true (rv_pmp_page (hart, 0x5000, RV_S, &rwx));
  g_assert_cmphex (rwx, ==, 0);

  /* Locks bind M mode, hold the entry, and hold the address below a locked TOR entry. */
  set (0x3a0, UINT64_C (0x881d10));
  g_assert_false (pmp (0x3ff8, 8, RV_STORE, RV_M));
  set (0x3a0, 0);
  g_assert_cmphex (get (0x3a0), ==, 0x880000);
  set (0x3b2, 1);
  set (0x3b1, 1);
  set (0x3b0, 1);
  g_assert_cmphex (get (0x3b2), ==, 0x4000 >> 2);
  g_assert_cmphex (get (0x3b1), ==, (0x1000 >> 2) | 0x1ff);
  g_assert_cmphex (get (0x3b0), ==, 1);

  /* All ones is everything. */
  fresh ();
  set (0x3b0, ~UINT64_C (0));
  set (0x3a0, 0x1f);
  g_assert_true (pmp (0, 8, RV_LOAD, RV_U));
  g_assert_true (pmp (UINT64_C (0xfffffffffffff8), 8, RV_FETCH, RV_U));

  /* Entries beyond pmp-regions read as zero and match nothing. */
  fresh ();
  hart->pmp_regions = 4;
  set (0x3b4, 1);
  set (0x3a0, UINT64_C (0x1f00000000));
  g_assert_cmphex (get (0x3b4), ==, 0);
  g_assert_cmphex (get (0x3a0), ==, 0);
}

/* ---- page walk ---- */

enum
{
  V = 1,
  R = 2,
  W = 4,
  X = 8,
  U = 16,
  A = 64,
  DIRTY = 128
};

#define ROOT (RAM + 0x1000)
#define OK RV_EXC_NONE

static uint64_t *
pte (uint64_t table, unsigned index)
{
  return (uint64_t *) (ram + (table - RAM)) + index;
}

static uint64_t
entry (uint64_t paddr, unsigned flags)
{
  return paddr >> 12 << 10 | flags;
}

/* Tables of N levels for VADDR, the last one at *LAST; PMP open. */
static void
map (unsigned n, uint64_t vaddr, uint64_t *last)
{
  uint64_t table = ROOT;
  unsigned level;

  fresh ();
  hart->pmpaddr[0] = ~UINT64_C (0) >> 10;
  hart->pmpcfg[0] = 0x1f;
  rv_pmp_update (hart);
  hart->priv = RV_S;
  hart->satp = (uint64_t) (n - 3 + 8) << 60 | ROOT >> 12;
  for (level = n - 1; level > 0; level--, table += 0x1000)
    *pte (table, vaddr >> (12 + 9 * level) & 0x1ff) = entry (table + 0x1000, V);
  *last = table;
}

static void
test_walk_modes (void)
{
  static const uint64_t vaddrs[]
    = { UINT64_C (0xffffffc012345678), UINT64_C (0x3f12345678), UINT64_C (0xffff812345678678),
        UINT64_C (0x7f2345678678), UINT64_C (0xff12345678765678), UINT64_C (0x00ab345678765678) };
  unsigned i;

  for (i = 0; i < G_N_ELEMENTS (vaddrs); i++)
    {
      unsigned n = 3 + i / 2;
      uint64_t last, vaddr = vaddrs[i];
      struct rv_page page;

      map (n, vaddr, &last);
      *pte (last, vaddr >> 12 & 0x1ff) = entry (0x87654000, V | R | W | A | DIRTY);
      g_assert_cmpuint (rv_walk (hart, vaddr, RV_LOAD, RV_S, &page), ==, OK);
      g_assert_cmphex (page.paddr, ==, 0x87654678);
      g_assert_cmpuint (page.leaf_size, ==, 4096);
      g_assert_true (page.readable && page.writable && !page.executable && page.whole);
      /* An address that is not the sign extension of its translated part faults. */
      g_assert_cmpuint (rv_walk (hart, vaddr ^ UINT64_C (1) << 63, RV_LOAD, RV_S, &page), ==,
                        RV_EXC_LOAD_PAGE);
      g_assert_cmpuint (rv_walk (hart, vaddr ^ UINT64_C (1) << (12 + 9 * n), RV_STORE, RV_S, &page),
                        ==, RV_EXC_STORE_PAGE);
      /* M mode is not translated. */
      g_assert_cmpuint (rv_walk (hart, vaddr, RV_LOAD, RV_M, &page), ==, OK);
      g_assert_cmphex (page.paddr, ==, vaddr);
    }
}

static void
test_walk_permissions (void)
{
  static const struct
  {
    unsigned flags, priv;
    uint64_t mstatus;
    unsigned load, store, fetch;
  } rows[] = {
    { 0, RV_S, 0, 13, 15, 12 },
    { R, RV_S, 0, 13, 15, 12 }, /* not valid */
    { V | R, RV_S, 0, OK, 15, 12 },
    { V | R | W, RV_S, 0, OK, OK, 12 },
    { V | W, RV_S, 0, 13, 15, 12 }, /* reserved */
    { V | W | X, RV_S, 0, 13, 15, 12 },
    { V | X, RV_S, 0, 13, 15, OK },
    { V | X, RV_S, RV_MSTATUS_MXR, OK, 15, OK },
    { V | R | W | X | U, RV_S, 0, 13, 15, 12 },
    { V | R | W | X | U, RV_S, RV_MSTATUS_SUM, OK, OK, 12 },
    { V | R | W | X | U, RV_U, 0, OK, OK, OK },
    { V | R | W | X, RV_U, RV_MSTATUS_SUM, 13, 15, 12 },
    { V | X | U, RV_U, RV_MSTATUS_MXR, OK, 15, OK },
    { V | U, RV_U, 0, 13, 15, 12 }, /* a pointer in the last level */
  };
  unsigned i;

  for (i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      struct rv_page page;
      uint64_t last;

      g_test_message ("row %u", i);
      map (3, 0x5000, &last);
      hart->mstatus |= rows[i].mstatus;
      *pte (last, 5) = entry (0x80005000, rows[i].flags | A | DIRTY);
      g_assert_cmpuint (rv_walk (hart, 0x5008, RV_LOAD, rows[i].priv, &page), ==, rows[i].load);
      if (rows[i].load == OK)
        g_assert_true (page.writable == (rows[i].store == OK)
                       && page.executable == (rows[i].fetch == OK));
      g_assert_cmpuint (rv_walk (hart, 0x5008, RV_STORE, rows[i].priv, &page), ==, rows[i].store);
      g_assert_cmpuint (rv_walk (hart, 0x5008, RV_FETCH, rows[i].priv, &page), ==, rows[i].fetch);
    }
}

static void
test_walk_accessed_dirty (void)
{
  struct rv_page page;
  uint64_t last;

  map (3, 0x5000, &last);
  *pte (last, 5) = entry (0x80005000, V | R | W);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_LOAD, RV_S, &page), ==, OK);
  g_assert_cmphex (*pte (last, 5), ==, entry (0x80005000, V | R | W | A));
  g_assert_false (page.writable); /* D is clear: the next store must walk */
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_STORE, RV_S, &page), ==, OK);
  g_assert_cmphex (*pte (last, 5), ==, entry (0x80005000, V | R | W | A | DIRTY));
  g_assert_true (page.writable);

  /* A refused access sets nothing. */
  *pte (last, 5) = entry (0x80005000, V | R);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_STORE, RV_S, &page), ==, RV_EXC_STORE_PAGE);
  g_assert_cmphex (*pte (last, 5), ==, entry (0x80005000, V | R));

  /* Svade: fault instead. */
  hart->menvcfg = 0;
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_LOAD, RV_S, &page), ==, RV_EXC_LOAD_PAGE);
  *pte (last, 5) = entry (0x80005000, V | R | W | A);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_LOAD, RV_S, &page), ==, OK);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_STORE, RV_S, &page), ==, RV_EXC_STORE_PAGE);
  g_assert_cmphex (*pte (last, 5), ==, entry (0x80005000, V | R | W | A));
}

static void
test_walk_tables (void)
{
  struct rv_page page;
  uint64_t last;
  unsigned bit;

  /* Superpages: size, misalignment. */
  map (3, 0x5000, &last);
  *pte (ROOT + 0x1000, 0) = entry (0x80000000, V | R | A);
  g_assert_cmpuint (rv_walk (hart, 0x12345, RV_LOAD, RV_S, &page), ==, OK);
  g_assert_cmphex (page.paddr, ==, 0x80012345);
  g_assert_cmpuint (page.leaf_size, ==, 0x200000);
  *pte (ROOT + 0x1000, 0) = entry (0x80001000, V | R | A);
  g_assert_cmpuint (rv_walk (hart, 0x12345, RV_LOAD, RV_S, &page), ==, RV_EXC_LOAD_PAGE);
  *pte (ROOT, 0) = entry (0xc0000000, V | X | A);
  g_assert_cmpuint (rv_walk (hart, 0x12345678, RV_FETCH, RV_S, &page), ==, OK);
  g_assert_cmphex (page.paddr, ==, 0xd2345678);
  g_assert_cmpuint (page.leaf_size, ==, 0x40000000);
  *pte (ROOT, 0) = entry (0xc0200000, V | X | A);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_FETCH, RV_S, &page), ==, RV_EXC_FETCH_PAGE);

  /* Reserved bits: 54 to 63 anywhere; D, A and U in a pointer. */
  for (bit = 54; bit < 64; bit++)
    {
      map (3, 0x5000, &last);
      *pte (last, 5) = entry (0x80005000, V | R | A) | UINT64_C (1) << bit;
      g_assert_cmpuint (rv_walk (hart, 0x5000, RV_LOAD, RV_S, &page), ==, RV_EXC_LOAD_PAGE);
    }
  for (bit = 4; bit < 8; bit++)
    {
      map (3, 0x5000, &last);
      *pte (last, 5) = entry (0x80005000, V | R | A);
      *pte (ROOT, 0) |= UINT64_C (1) << bit;
      g_assert_cmpuint (rv_walk (hart, 0x5000, RV_LOAD, RV_S, &page), ==,
                        bit == 5 ? OK : RV_EXC_LOAD_PAGE);
    }

  /* A table outside memory is an access fault of the original kind; one that cannot be written
     faults only where A or D must be set. */
  map (3, 0x5000, &last);
  *pte (ROOT, 0) = entry (0x10000000, V);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_STORE, RV_S, &page), ==, RV_EXC_STORE_ACCESS);
  map (3, 0x5000, &last);
  *pte (ROOT + 0x1000, 0) = entry (ROM_PAGE, V);
  *pte (ROM_PAGE, 5) = entry (0x80005000, V | R | W | A);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_LOAD, RV_S, &page), ==, OK);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_STORE, RV_S, &page), ==, RV_EXC_STORE_ACCESS);
}

static void
test_walk_pmp (void)
{
  struct rv_page page;
  uint64_t last;

  /* The last table's page is closed: access fault of the original kind. */
  map (3, 0x5000, &last);
  *pte (last, 5) = entry (0x80005000, V | R | W | X | A | DIRTY);
  hart->pmpaddr[1] = hart->pmpaddr[0];
  hart->pmpcfg[1] = 0x1f;
  hart->pmpaddr[0] = last >> 2 | 0x1ff;
  hart->pmpcfg[0] = 0x18;
  rv_pmp_update (hart);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_FETCH, RV_U, &page), !=, OK);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_FETCH, RV_S, &page), ==, RV_EXC_FETCH_ACCESS);
  /* Read-only table: fine until A or D has to be set. */
  hart->pmpcfg[0] = 0x19;
  rv_pmp_update (hart);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_STORE, RV_S, &page), ==, OK);
  *pte (last, 5) = entry (0x80005000, V | R | W | X | A);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_STORE, RV_S, &page), ==, RV_EXC_STORE_ACCESS);
  /* The page itself: read-only by PMP. */
  hart->pmpaddr[0] = 0x80005000 >> 2 | 0x1ff;
  rv_pmp_update (hart);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_LOAD, RV_S, &page), ==, OK);
  g_assert_true (page.whole && page.readable && !page.writable && !page.executable);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_FETCH, RV_S, &page), ==, RV_EXC_FETCH_ACCESS);
  /* A boundary inside the page. */
  hart->pmpaddr[0] = 0x80005800 >> 2 | 0xff;
  rv_pmp_update (hart);
  g_assert_cmpuint (rv_walk (hart, 0x5000, RV_STORE, RV_S, &page), ==, OK);
  g_assert_false (page.whole);
  g_assert_cmpuint (rv_walk (hart, 0x5800, RV_STORE, RV_S, &page), ==, RV_EXC_STORE_ACCESS);
}

static void
test_fences (void)
{
  fresh ();
  hart->x[5] = 0x1234000;
  hart->x[6] = 0x77;
  g_assert_true (rv_sfence_vma (hart, 5, 6));
  g_assert_cmphex (flushed_vaddr, ==, 0x1234000);
  g_assert_cmphex (flushed_asid, ==, 0x77);
  g_assert_true (rv_sfence_vma (hart, 0, 6));
  g_assert_cmphex (flushed_vaddr, ==, UINT64_MAX);
  g_assert_true (rv_sinval_vma (hart, 5, 0));
  g_assert_cmphex (flushed_vaddr, ==, 0x1234000);
  g_assert_cmphex (flushed_asid, ==, UINT64_MAX);
  g_assert_true (rv_sfence_w_inval (hart));
  hart->priv = RV_U;
  g_assert_false (rv_sfence_inval_ir (hart));
  hart->priv = RV_M;
  hart->ext_svinval = false;
  g_assert_false (rv_sinval_vma (hart, 5, 0));
  g_assert_false (rv_sfence_w_inval (hart));

  /* SUM alone must not throw translations away: Linux turns it on and off around each copy. */
  fresh ();
  flushes = 0;
  set (0x300, RV_MSTATUS_SUM);
  g_assert_cmpuint (flushes, ==, 0);
  set (0x300, RV_MSTATUS_SUM | RV_MSTATUS_MXR);
  g_assert_cmpuint (flushes, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/csr/warl", test_warl);
  g_test_add_func ("/csr/access", test_access);
  g_test_add_func ("/csr/extensions-off", test_extensions_off);
  g_test_add_func ("/csr/counters", test_counters);
  g_test_add_func ("/csr/mip", test_mip);
  g_test_add_func ("/trap/exceptions", test_exceptions);
  g_test_add_func ("/trap/interrupts", test_interrupts);
  g_test_add_func ("/trap/wfi", test_wfi);
  g_test_add_func ("/timer/stimecmp", test_stimecmp);
  g_test_add_func ("/pmp/match", test_pmp);
  g_test_add_func ("/mmu/modes", test_walk_modes);
  g_test_add_func ("/mmu/permissions", test_walk_permissions);
  g_test_add_func ("/mmu/accessed-dirty", test_walk_accessed_dirty);
  g_test_add_func ("/mmu/tables", test_walk_tables);
  g_test_add_func ("/mmu/pmp", test_walk_pmp);
  g_test_add_func ("/mmu/fences", test_fences);
  return g_test_run ();
}
