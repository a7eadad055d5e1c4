/* SPDX-License-Identifier: BSD-2-Clause */
/* rv64-cpu's half of the Advanced Interrupt Architecture: CSRs, virtual interrupts, top interrupts,
 * what is illegal when.  The IMSIC's files are played by a few lines here.
 */
#include <glib.h>
#include <string.h>

#include "plugins/rv64-cpu/arch.h"

enum
{
  SIE = 0x104,
  SIP = 0x144,
  MIDELEG = 0x303,
  MIE = 0x304,
  MIP = 0x344,
  MENVCFG = 0x30a
};

/* A file of 64 identities, and what it was asked. */
struct fake
{
  struct gwt_riscv_imsic ops;
  uint64_t eip;
  uint64_t last_mask, last_value;
  uint32_t last_reg, claims;
};

static struct rv_hart *hart;
static struct fake m_file, s_file;
static char error[256];

/* ---- stubs ---- */

static void
error_set (struct gwt_error *err, uint32_t code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_vsnprintf (error, sizeof error, format, args);
  va_end (args);
}

static const struct gwt_host host = { .struct_size = sizeof host, .error_set = error_set };
const struct gwt_host *rv_host = &host;
const struct gwt_vcpu_api *rv_vcpu;
const struct gwt_clock_api *rv_clock;

void
rv_context_changed (struct rv_hart *h)
{
}

void
rv_tlb_flush_all (struct rv_hart *h)
{
}

void
rv_tlb_flush (struct rv_hart *h, const uint64_t *vaddr, const uint64_t *asid)
{
}

void *
rv_phys_ptr (struct rv_hart *h, uint64_t paddr, unsigned size, enum rv_access access)
{
  return NULL;
}

static uint64_t
fake_read (void *file, uint32_t reg)
{
  return reg == 0x80 ? ((struct fake *) file)->eip : 0x1000 + reg;
}

static void
fake_write (void *file, uint32_t reg, uint64_t value, uint64_t mask)
{
  struct fake *f = file;

  f->last_reg = reg;
  f->last_value = value;
  f->last_mask = mask;
  if (reg == 0x80)
    f->eip = (f->eip & ~mask) | (value & mask);
}

static uint32_t
fake_top (void *file)
{
  struct fake *f = file;
  uint32_t id = f->eip ? (uint32_t) __builtin_ctzll (f->eip) : 0;

  return id << 16 | id;
}

static uint32_t
fake_claim (void *file)
{
  struct fake *f = file;
  uint32_t top = fake_top (f);

  f->claims++;
  f->eip &= f->eip - 1;
  return top;
}

static void
fake_new (struct fake *f)
{
  memset (f, 0, sizeof *f);
  f->ops = (struct gwt_riscv_imsic) { .struct_size = sizeof f->ops,
                                      .file = f,
                                      .read = fake_read,
                                      .write = fake_write,
                                      .top = fake_top,
                                      .claim = fake_claim };
}

static void
fresh (bool imsic)
{
  bool *ext;

  g_free (hart);
  hart = g_new0 (struct rv_hart, 1);
  for (ext = &hart->ext_m; ext <= &hart->ext_ssaia; ext++)
    *ext = true;
  hart->priv = RV_M;
  fake_new (&m_file);
  fake_new (&s_file);
  if (imsic)
    {
      g_assert_cmpint (rv_aia_set_imsic (hart, GWT_RISCV_MEIP, &m_file.ops, NULL), ==, 0);
      g_assert_cmpint (rv_aia_set_imsic (hart, GWT_RISCV_SEIP, &s_file.ops, NULL), ==, 0);
    }
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

/* csrrs and csrrc; what rd gets. */
static uint64_t
modify (unsigned number, uint64_t bits, bool clear)
{
  uint64_t old, base;

  g_assert_true (rv_csr_read_for_write (hart, number, &old, &base));
  set (number, clear ? base & ~bits : base | bits);
  return old;
}

static uint64_t
swap (unsigned number, uint64_t value)
{
  uint64_t old, base;

  g_assert_true (rv_csr_read_for_write (hart, number, &old, &base));
  set (number, value);
  return old;
}

/* ---- cases ---- */

static void
test_extensions_off (void)
{
  static const unsigned machine[] = { RV_CSR_MVIEN, RV_CSR_MVIP, RV_CSR_MISELECT, RV_CSR_MIREG,
                                      RV_CSR_MTOPEI, RV_CSR_MTOPI };
  static const unsigned supervisor[]
      = { RV_CSR_SISELECT, RV_CSR_SIREG, RV_CSR_STOPEI, RV_CSR_STOPI };
  unsigned i;

  fresh (true);
  hart->miselect = hart->siselect = 0x70;
  for (i = 0; i < G_N_ELEMENTS (machine); i++)
    g_assert_true (readable (machine[i]));
  for (i = 0; i < G_N_ELEMENTS (supervisor); i++)
    g_assert_true (readable (supervisor[i]));
  for (hart->priv = RV_U; hart->priv <= RV_S; hart->priv++)
    for (i = 0; i < G_N_ELEMENTS (machine); i++)
      g_assert_false (readable (machine[i]));
  hart->priv = RV_U;
  for (i = 0; i < G_N_ELEMENTS (supervisor); i++)
    g_assert_false (readable (supervisor[i]));
  hart->priv = RV_M;
  hart->ext_ssaia = false;
  for (i = 0; i < G_N_ELEMENTS (supervisor); i++)
    g_assert_false (readable (supervisor[i]));
  g_assert_true (readable (RV_CSR_MTOPI));
  hart->ext_smaia = false;
  for (i = 0; i < G_N_ELEMENTS (machine); i++)
    g_assert_false (readable (machine[i]) || rv_csr_write (hart, machine[i], 0));
  /* Without S mode nothing can be delegated. */
  fresh (true);
  hart->ext_s = hart->ext_ssaia = false;
  g_assert_false (readable (RV_CSR_MVIEN) || readable (RV_CSR_MVIP));
  g_assert_true (readable (RV_CSR_MTOPI));
  /* Read-only by number, and no high halves on RV64. */
  fresh (true);
  g_assert_false (rv_csr_write (hart, RV_CSR_MTOPI, 0) || rv_csr_write (hart, RV_CSR_STOPI, 0));
  g_assert_false (readable (0x154) || readable (0x313) || readable (0x318) || readable (0x319)
                  || readable (0x354));
}

static void
test_select (void)
{
  static const unsigned select[] = { RV_CSR_MISELECT, RV_CSR_SISELECT };
  static const unsigned reg[] = { RV_CSR_MIREG, RV_CSR_SIREG };

  for (unsigned k = 0; k < 4; k++)
    {
      bool imsic = k < 2;
      unsigned n = k % 2;

      fresh (imsic);
      for (unsigned value = 0; value < 0x200; value++)
        {
          bool iprio = value >= 0x30 && value <= 0x3f && value % 2 == 0;
          bool file = imsic && value >= 0x70 && value <= 0xff && (value < 0x80 || value % 2 == 0);

          set (select[n], value);
          g_assert_cmphex (get (select[n]), ==, value);
          g_assert_cmpint (readable (reg[n]), ==, iprio || file);
          g_assert_cmpint (rv_csr_write (hart, reg[n], 0), ==, iprio || file);
          if (file && value != 0x80)
            g_assert_cmphex (get (reg[n]), ==, 0x1000 + value);
          if (!iprio)
            continue;
          /* Of what can be enabled, less the external interrupt; without an IMSIC of nothing. */
          set (reg[n], UINT64_MAX);
          g_assert_cmphex (get (reg[n]), ==,
                           !imsic          ? 0
                           : value == 0x30 ? (n ? 0xff000000ff00 : 0xff00ff00ff00ff00)
                           : value == 0x32 ? (n ? 0 : 0xff00)
                                           : 0);
          set (reg[n], 0);
          g_assert_cmphex (get (reg[n]), ==, 0);
        }
      set (select[n], UINT64_C (0x8000000000000200));
      g_assert_cmphex (get (select[n]), ==, 0);
    }
}

/* A message that comes between the two halves of csrrs or csrrc is not overwritten. */
static void
test_modify_file (void)
{
  fresh (true);
  set (RV_CSR_SISELECT, 0x80);
  s_file.eip = 0xf0;
  g_assert_cmphex (modify (RV_CSR_SIREG, 0x30, true), ==, 0xf0);
  g_assert_cmphex (s_file.eip, ==, 0xc0);
  g_assert_cmphex (s_file.last_mask, ==, 0x30);
  g_assert_cmphex (modify (RV_CSR_SIREG, 0x41, false), ==, 0xc0);
  g_assert_cmphex (s_file.last_mask, ==, 1);
  g_assert_cmphex (swap (RV_CSR_SIREG, 0xf), ==, 0xc1);
  g_assert_cmphex (s_file.last_mask, ==, 0xce);
  g_assert_cmphex (s_file.eip, ==, 0xf);
  /* csrw with no one to see what was there writes all of it. */
  set (RV_CSR_SIREG, 0x7);
  g_assert_cmphex (s_file.last_mask, ==, UINT64_MAX);
  set (RV_CSR_MISELECT, 0x72);
  set (RV_CSR_MIREG, 5);
  g_assert_cmpuint (m_file.last_reg, ==, 0x72);
  g_assert_cmpuint (m_file.last_value, ==, 5);
}

static void
test_claim (void)
{
  static const unsigned number[] = { RV_CSR_MTOPEI, RV_CSR_STOPEI };
  struct fake *file[] = { &m_file, &s_file };
  uint64_t old, base;

  for (unsigned n = 0; n < 2; n++)
    {
      fresh (true);
      file[n]->eip = 0x70;
      g_assert_cmphex (get (number[n]), ==, 4 << 16 | 4);
      g_assert_cmpuint (file[n]->claims, ==, 0);
      g_assert_cmphex (swap (number[n], 0), ==, 4 << 16 | 4);
      g_assert_cmphex (file[n]->eip, ==, 0x60);
      g_assert_cmphex (modify (number[n], 1, true), ==, 5 << 16 | 5);
      g_assert_cmphex (file[n]->eip, ==, 0x40);
      /* What comes between read and write is not what is claimed. */
      g_assert_true (rv_csr_read_for_write (hart, number[n], &old, &base));
      g_assert_cmphex (old, ==, 6 << 16 | 6);
      file[n]->eip |= 2;
      set (number[n], base);
      g_assert_cmphex (file[n]->eip, ==, 2);
      /* A write alone claims too. */
      set (number[n], 0);
      g_assert_cmphex (file[n]->eip, ==, 0);
      g_assert_cmphex (swap (number[n], 0), ==, 0);
    }
}

static void
test_set_imsic (void)
{
  fresh (false);
  g_assert_false (readable (RV_CSR_MTOPEI) || readable (RV_CSR_STOPEI));
  hart->hart_id = 3;
  g_assert_cmpint (rv_aia_set_imsic (hart, 5, &m_file.ops, NULL), ==, -1);
  g_assert_cmpstr (error, ==, "hart line 5 is no external interrupt; use 9 or 11");
  g_assert_cmpint (rv_aia_set_imsic (hart, 9, &s_file.ops, NULL), ==, 0);
  g_assert_cmpint (rv_aia_set_imsic (hart, 9, &m_file.ops, NULL), ==, -1);
  g_assert_cmpstr (error, ==, "hart 3 has an IMSIC for hart line 9 already; leave one out");
  g_assert_true (readable (RV_CSR_STOPEI) && !readable (RV_CSR_MTOPEI));
  g_assert_cmpint (rv_aia_set_imsic (hart, 9, NULL, NULL), ==, 0);
  g_assert_false (readable (RV_CSR_STOPEI));
  hart->ext_smaia = hart->ext_ssaia = false;
  g_assert_cmpint (rv_aia_set_imsic (hart, 9, &s_file.ops, NULL), ==, -1);
  g_assert_cmpstr (error, ==, "hart 3 has no CSRs for an IMSIC; set its property ssaia=on");
  g_assert_cmpint (rv_aia_set_imsic (hart, 11, &s_file.ops, NULL), ==, -1);
  g_assert_cmpstr (error, ==, "hart 3 has no CSRs for an IMSIC; set its property smaia=on");
}

static void
test_top (void)
{
  static const uint8_t order[] = { 11, 3, 7, 9, 1, 5 };
  unsigned i;

  fresh (true);
  atomic_store (&hart->mip_lines, RV_MIP_M | RV_MIP_S);
  g_assert_cmphex (get (RV_CSR_MTOPI), ==, 0);
  hart->mie = RV_MIP_M | RV_MIP_S;
  for (i = 0; i < sizeof order; i++)
    {
      g_assert_cmphex (get (RV_CSR_MTOPI), ==, (uint64_t) order[i] << 16 | 255);
      atomic_fetch_and (&hart->mip_lines, ~RV_BIT (order[i]));
    }
  g_assert_cmphex (get (RV_CSR_MTOPI), ==, 0);
  atomic_store (&hart->mip_lines, RV_MIP_M | RV_MIP_S);
  hart->mideleg = RV_MIP_S;
  g_assert_cmphex (get (RV_CSR_STOPI), ==, 9 << 16 | 255);
  atomic_store (&hart->mip_lines, RV_MIP_S & ~RV_MIP_SEIP);
  g_assert_cmphex (get (RV_CSR_MTOPI), ==, 0);
  g_assert_cmphex (get (RV_CSR_STOPI), ==, 1 << 16 | 255);
}

/* Numbers mix with the identities of the external interrupt; equals go by default order. */
static void
test_priorities (void)
{
  fresh (true);
  hart->mie = RV_MIP_M | RV_MIP_S;
  hart->mstatus |= RV_MSTATUS_MIE;
  atomic_store (&hart->mip_lines, RV_MIP_M | RV_MIP_S);
  m_file.eip = 1 << 20;
  g_assert_cmphex (get (RV_CSR_MTOPI), ==, 11 << 16 | 20);
  set (RV_CSR_MISELECT, 0x30);
  set (RV_CSR_MIREG, UINT64_C (20) << 56); /* MTI: a tie, which MEI wins */
  g_assert_cmphex (get (RV_CSR_MTOPI), ==, 11 << 16 | 20);
  set (RV_CSR_MIREG, UINT64_C (19) << 56);
  g_assert_cmphex (get (RV_CSR_MTOPI), ==, 7 << 16 | 19);
  set (RV_CSR_MIREG, UINT64_C (19) << 56 | 19 << 8); /* SSI with the same: MTI before it */
  g_assert_cmphex (get (RV_CSR_MTOPI), ==, 7 << 16 | 19);
  set (RV_CSR_MIREG, UINT64_C (19) << 56 | 18 << 8);
  g_assert_cmphex (get (RV_CSR_MTOPI), ==, 1 << 16 | 18);
  /* What is told is what is taken. */
  g_assert_true (rv_take_interrupt (hart));
  g_assert_cmphex (hart->mcause, ==, RV_CAUSE_INTERRUPT | 1);
  set (RV_CSR_MISELECT, 0x32);
  set (RV_CSR_MIREG, 17 << 8); /* SEI as a whole */
  g_assert_cmphex (get (RV_CSR_MTOPI), ==, 9 << 16 | 17);
  /* An external interrupt without a message comes behind 255 and before those without number. */
  m_file.eip = 0;
  atomic_store (&hart->mip_lines, RV_MIP_MEIP | RV_MIP_MTIP);
  set (RV_CSR_MISELECT, 0x30);
  set (RV_CSR_MIREG, UINT64_C (255) << 56);
  g_assert_cmphex (get (RV_CSR_MTOPI), ==, 7 << 16 | 255);
  set (RV_CSR_MIREG, 0);
  g_assert_cmphex (get (RV_CSR_MTOPI), ==, 11 << 16 | 255);
  /* Supervisor level has an array of its own. */
  hart->mideleg = RV_MIP_S;
  atomic_store (&hart->mip_lines, RV_MIP_S);
  s_file.eip = 1 << 20;
  g_assert_cmphex (get (RV_CSR_STOPI), ==, 9 << 16 | 20);
  set (RV_CSR_SISELECT, 0x30);
  set (RV_CSR_SIREG, UINT64_C (3) << 40);
  g_assert_cmphex (get (RV_CSR_STOPI), ==, 5 << 16 | 3);
  hart->priv = RV_U;
  g_assert_true (rv_take_interrupt (hart));
  g_assert_cmphex (hart->scause, ==, RV_CAUSE_INTERRUPT | 5);
}

/* mvien and mvip: filtering and virtual interrupts. */
static void
test_virtual (void)
{
  fresh (true);
  set (RV_CSR_MVIEN, UINT64_MAX);
  g_assert_cmphex (get (RV_CSR_MVIEN), ==, RV_MIP_SSIP | RV_MIP_SEIP);
  set (RV_CSR_MVIP, UINT64_MAX);
  g_assert_cmphex (get (RV_CSR_MVIP), ==, RV_MIP_SSIP | RV_MIP_STIP | RV_MIP_SEIP);
  /* None of it shows in mip, but for STIP, of which mvip has an alias. */
  g_assert_cmphex (get (MIP), ==, RV_MIP_STIP);
  g_assert_cmphex (get (SIP), ==, RV_MIP_SSIP | RV_MIP_SEIP);
  set (SIE, UINT64_MAX);
  g_assert_cmphex (get (SIE), ==, RV_MIP_SSIP | RV_MIP_SEIP);
  g_assert_cmphex (get (MIE), ==, 0);
  g_assert_cmphex (get (RV_CSR_STOPI), ==, 9 << 16 | 255);
  g_assert_cmphex (get (RV_CSR_MTOPI), ==, 0);
  g_assert_true (rv_has_work (hart));
  /* sip.SSIP is the bit of mvip, and SEIP cannot be written there. */
  set (SIP, 0);
  g_assert_cmphex (get (RV_CSR_MVIP), ==, RV_MIP_STIP | RV_MIP_SEIP);
  set (RV_CSR_MVIP, RV_MIP_SSIP);
  /* They trap to S mode only. */
  hart->mstatus |= RV_MSTATUS_MIE | RV_MSTATUS_SIE;
  g_assert_false (rv_take_interrupt (hart));
  hart->priv = RV_S;
  atomic_store (&hart->kick, 0);
  rv_check_interrupts (hart);
  g_assert_cmphex ((uint64_t) atomic_load (&hart->kick), !=, 0);
  g_assert_true (rv_take_interrupt (hart));
  g_assert_cmpuint (hart->priv, ==, RV_S);
  g_assert_cmphex (hart->scause, ==, RV_CAUSE_INTERRUPT | 1);
  hart->priv = RV_M;
  /* A real SSIP traps to M mode, for it is not delegated. */
  set (RV_CSR_MVIP, 0);
  set (MIP, RV_MIP_SSIP);
  set (MIE, RV_MIP_SSIP);
  g_assert_cmphex (get (SIP), ==, 0);
  hart->priv = RV_S;
  g_assert_true (rv_take_interrupt (hart));
  g_assert_cmphex (hart->mcause, ==, RV_CAUSE_INTERRUPT | 1);
  /* Delegation goes before mvien. */
  set (MIDELEG, RV_MIP_SSIP);
  g_assert_cmphex (get (SIP), ==, RV_MIP_SSIP);
  g_assert_cmphex (get (SIE), ==, RV_MIP_SSIP | RV_MIP_SEIP);
  set (SIE, 0);
  g_assert_cmphex (get (MIE), ==, 0);
}

/* With mvien zero, mvip shows the software-writable bits of mip. */
static void
test_aliases (void)
{
  fresh (true);
  atomic_store (&hart->mip_lines, RV_MIP_SEIP);
  g_assert_cmphex (get (RV_CSR_MVIP), ==, 0);
  set (MIP, RV_MIP_SSIP | RV_MIP_SEIP);
  atomic_store (&hart->mip_lines, 0);
  g_assert_cmphex (get (RV_CSR_MVIP), ==, RV_MIP_SSIP | RV_MIP_SEIP);
  set (RV_CSR_MVIP, RV_MIP_STIP);
  g_assert_cmphex (get (MIP), ==, RV_MIP_STIP);
  set (MENVCFG, RV_ENVCFG_STCE);
  set (RV_CSR_MVIP, UINT64_MAX);
  g_assert_cmphex (get (RV_CSR_MVIP), ==, RV_MIP_SSIP | RV_MIP_SEIP);
  g_assert_cmphex (get (SIP) | get (SIE), ==, 0);
  /* mvien.SEIP takes the writable bit out of mip, which then is the controller's line alone. */
  set (RV_CSR_MVIEN, RV_MIP_SEIP);
  g_assert_cmphex (get (MIP), ==, RV_MIP_SSIP);
  set (MIP, 0);
  g_assert_cmphex (get (RV_CSR_MVIP), ==, RV_MIP_SEIP);
  atomic_store (&hart->mip_lines, RV_MIP_SEIP);
  set (RV_CSR_MVIP, 0);
  g_assert_cmphex (get (MIP), ==, RV_MIP_SEIP);
  g_assert_cmphex (get (SIP), ==, 0);
}

/* With mvien.SEIP the supervisor's file is the machine's to show. */
static void
test_file_taken_away (void)
{
  fresh (true);
  set (RV_CSR_SISELECT, 0x70);
  hart->priv = RV_S;
  g_assert_true (readable (RV_CSR_STOPEI) && readable (RV_CSR_SIREG));
  hart->mvien = RV_MIP_SEIP;
  g_assert_false (readable (RV_CSR_STOPEI) || readable (RV_CSR_SIREG)
                  || rv_csr_write (hart, RV_CSR_STOPEI, 0)
                  || rv_csr_write (hart, RV_CSR_SIREG, 0));
  g_assert_true (readable (RV_CSR_STOPI) && readable (RV_CSR_SISELECT));
  hart->siselect = 0x30;
  g_assert_true (readable (RV_CSR_SIREG));
  hart->siselect = 0x70;
  hart->priv = RV_M;
  g_assert_true (readable (RV_CSR_STOPEI) && readable (RV_CSR_SIREG));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/aia/extensions-off", test_extensions_off);
  g_test_add_func ("/aia/select", test_select);
  g_test_add_func ("/aia/modify-file", test_modify_file);
  g_test_add_func ("/aia/claim", test_claim);
  g_test_add_func ("/aia/set-imsic", test_set_imsic);
  g_test_add_func ("/aia/top", test_top);
  g_test_add_func ("/aia/priorities", test_priorities);
  g_test_add_func ("/aia/virtual", test_virtual);
  g_test_add_func ("/aia/aliases", test_aliases);
  g_test_add_func ("/aia/file-taken-away", test_file_taken_away);
  return g_test_run ();
}
