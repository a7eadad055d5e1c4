/* SPDX-License-Identifier: BSD-2-Clause */
/* Control and status registers of M, S and U mode (privileged manual chapters 2 to 4,
 * version 1.12).
 *
 * Owns: which registers exist, who may touch them, and what a write leaves in them (WARL).
 * Must not know: instruction encodings; the interpreter has picked number, old and new value.
 */
#include "arch.h"
#include "fp.h"

enum
{
  CSR_FFLAGS = 0x001,
  CSR_FRM = 0x002,
  CSR_FCSR = 0x003,
  CSR_SSTATUS = 0x100,
  CSR_SIE = 0x104,
  CSR_STVEC = 0x105,
  CSR_SCOUNTEREN = 0x106,
  CSR_SENVCFG = 0x10a,
  CSR_SSCRATCH = 0x140,
  CSR_SEPC = 0x141,
  CSR_SCAUSE = 0x142,
  CSR_STVAL = 0x143,
  CSR_SIP = 0x144,
  CSR_STIMECMP = 0x14d,
  CSR_SATP = 0x180,
  CSR_MSTATUS = 0x300,
  CSR_MISA = 0x301,
  CSR_MEDELEG = 0x302,
  CSR_MIDELEG = 0x303,
  CSR_MIE = 0x304,
  CSR_MTVEC = 0x305,
  CSR_MCOUNTEREN = 0x306,
  CSR_MENVCFG = 0x30a,
  CSR_MCOUNTINHIBIT = 0x320,
  CSR_MHPMEVENT3 = 0x323,
  CSR_MHPMEVENT31 = 0x33f,
  CSR_MSCRATCH = 0x340,
  CSR_MEPC = 0x341,
  CSR_MCAUSE = 0x342,
  CSR_MTVAL = 0x343,
  CSR_MIP = 0x344,
  CSR_PMPCFG0 = 0x3a0,
  CSR_PMPCFG2 = 0x3a2,
  CSR_PMPADDR0 = 0x3b0,
  CSR_PMPADDR15 = 0x3bf,
  CSR_MCYCLE = 0xb00,
  CSR_MINSTRET = 0xb02,
  CSR_MHPMCOUNTER3 = 0xb03,
  CSR_MHPMCOUNTER31 = 0xb1f,
  CSR_CYCLE = 0xc00,
  CSR_TIME = 0xc01,
  CSR_INSTRET = 0xc02,
  CSR_HPMCOUNTER3 = 0xc03,
  CSR_HPMCOUNTER31 = 0xc1f,
  CSR_MVENDORID = 0xf11,
  CSR_MARCHID = 0xf12,
  CSR_MIMPID = 0xf13,
  CSR_MHARTID = 0xf14,
  CSR_MCONFIGPTR = 0xf15
};

/* Exceptions that medeleg can hand to S mode: all below 16 but a call from M mode and the reserved
   numbers. */
#define MEDELEG_MASK UINT64_C (0xb3ff)
#define SSTATUS_MASK                                                                               \
  (RV_MSTATUS_SIE | RV_MSTATUS_SPIE | RV_MSTATUS_SPP | RV_MSTATUS_FS | RV_MSTATUS_SUM              \
   | RV_MSTATUS_MXR)
#define COUNTINHIBIT_MASK (RV_COUNTEREN_CY | RV_COUNTEREN_IR)
#define SATP_PPN ((UINT64_C (1) << 44) - 1)

/* ---- who may ---- */

static bool
counter_enabled (const struct rv_hart *h, unsigned bit)
{
  if (h->priv < RV_M && !(h->mcounteren >> bit & 1))
    return false;
  return !(h->priv == RV_U && h->ext_s && !(h->scounteren >> bit & 1));
}

/* The register exists and may be touched at the present privilege. */
static bool
accessible (const struct rv_hart *h, unsigned n)
{
  if ((n >> 8 & 3) > h->priv)
    return false;
  switch (n)
    {
    case CSR_FFLAGS:
    case CSR_FRM:
    case CSR_FCSR:
      return h->ext_f && (h->mstatus & RV_MSTATUS_FS);
    case CSR_CYCLE:
    case CSR_INSTRET:
      return h->ext_zicntr && counter_enabled (h, n - CSR_CYCLE);
    case CSR_TIME:
      return h->ext_zicntr && h->time != NULL && counter_enabled (h, n - CSR_CYCLE);
    case CSR_HPMCOUNTER3 ... CSR_HPMCOUNTER31:
      return h->ext_zihpm && counter_enabled (h, n - CSR_CYCLE);
    case CSR_SSTATUS:
    case CSR_SIE:
    case CSR_STVEC:
    case CSR_SCOUNTEREN:
    case CSR_SENVCFG:
    case CSR_SSCRATCH:
    case CSR_SEPC:
    case CSR_SCAUSE:
    case CSR_STVAL:
    case CSR_SIP:
    case CSR_MEDELEG:
    case CSR_MIDELEG:
      return h->ext_s;
    case CSR_SATP:
      return h->ext_s && !(h->priv == RV_S && (h->mstatus & RV_MSTATUS_TVM));
    case CSR_STIMECMP:
      return h->ext_s && h->ext_sstc
             && (h->priv == RV_M
                 || ((h->menvcfg & RV_ENVCFG_STCE) && (h->mcounteren & RV_COUNTEREN_TM)));
    case CSR_MCOUNTEREN:
    case CSR_MENVCFG:
      return h->ext_u;
    case CSR_PMPCFG0:
    case CSR_PMPCFG2: /* the odd ones exist on RV32 only */
    case CSR_PMPADDR0 ... CSR_PMPADDR15:
      return h->pmp_regions != 0;
    case CSR_MSTATUS:
    case CSR_MISA:
    case CSR_MIE:
    case CSR_MTVEC:
    case CSR_MCOUNTINHIBIT:
    case CSR_MHPMEVENT3 ... CSR_MHPMEVENT31:
    case CSR_MSCRATCH:
    case CSR_MEPC:
    case CSR_MCAUSE:
    case CSR_MTVAL:
    case CSR_MIP:
    case CSR_MCYCLE:
    case CSR_MINSTRET:
    case CSR_MHPMCOUNTER3 ... CSR_MHPMCOUNTER31:
    case CSR_MVENDORID:
    case CSR_MARCHID:
    case CSR_MIMPID:
    case CSR_MHARTID:
    case CSR_MCONFIGPTR:
      return true;
    default:
      return rv_aia_accessible (h, n);
    }
}

/* ---- status, identity ---- */

uint64_t
rv_misa (const struct rv_hart *h)
{
  uint64_t misa = UINT64_C (2) << 62 | RV_BIT ('i' - 'a');

  misa |= h->ext_m ? RV_BIT ('m' - 'a') : 0;
  misa |= h->ext_a ? RV_BIT ('a' - 'a') : 0;
  misa |= h->ext_f ? RV_BIT ('f' - 'a') : 0;
  misa |= h->ext_d ? RV_BIT ('d' - 'a') : 0;
  misa |= h->ext_c ? RV_BIT ('c' - 'a') : 0;
  misa |= h->ext_s ? RV_BIT ('s' - 'a') : 0;
  misa |= h->ext_u ? RV_BIT ('u' - 'a') : 0;
  return misa;
}

uint64_t
rv_mstatus (const struct rv_hart *h)
{
  uint64_t s = h->mstatus;

  if (h->ext_u)
    s |= RV_MSTATUS_UXL_64;
  if (h->ext_s)
    s |= RV_MSTATUS_SXL_64;
  if ((s & RV_MSTATUS_FS) == RV_MSTATUS_FS_DIRTY)
    s |= RV_MSTATUS_SD;
  return s;
}

static uint64_t
mstatus_mask (const struct rv_hart *h)
{
  uint64_t mask = RV_MSTATUS_MIE | RV_MSTATUS_MPIE | RV_MSTATUS_MPP;

  if (h->ext_u)
    mask |= RV_MSTATUS_MPRV | RV_MSTATUS_TW;
  if (h->ext_s)
    mask |= RV_MSTATUS_SIE | RV_MSTATUS_SPIE | RV_MSTATUS_SPP | RV_MSTATUS_SUM | RV_MSTATUS_MXR
            | RV_MSTATUS_TVM | RV_MSTATUS_TSR;
  if (h->ext_f)
    mask |= RV_MSTATUS_FS;
  return mask;
}

static bool
mode_exists (const struct rv_hart *h, unsigned priv)
{
  return priv == RV_M || (priv == RV_S && h->ext_s) || (priv == RV_U && h->ext_u);
}

static void
write_mstatus (struct rv_hart *h, uint64_t mask, uint64_t value)
{
  uint64_t s, changed;

  mask &= mstatus_mask (h);
  s = (h->mstatus & ~mask) | (value & mask);
  if (!mode_exists (h, (unsigned) (s >> RV_MSTATUS_MPP_SHIFT) & 3))
    s = (s & ~RV_MSTATUS_MPP) | (h->mstatus & RV_MSTATUS_MPP);
  changed = s ^ h->mstatus;
  h->mstatus = s;
  if (changed & RV_MSTATUS_MXR)
    rv_tlb_flush_all (h);
  if (changed & (RV_MSTATUS_MPRV | RV_MSTATUS_MPP | RV_MSTATUS_SUM | RV_MSTATUS_MXR))
    rv_context_changed (h);
  if (changed & (RV_MSTATUS_MIE | RV_MSTATUS_SIE))
    rv_check_interrupts (h);
}

/* ---- interrupts ---- */

static void
write_mie (struct rv_hart *h, uint64_t mask, uint64_t value)
{
  mask &= RV_MIP_M | (h->ext_s ? RV_MIP_S : 0);
  __atomic_store_n (&h->mie, (h->mie & ~mask) | (value & mask), __ATOMIC_SEQ_CST);
  rv_check_interrupts (h);
}

/* Bits of mip that software can write at all. */
static uint64_t
mip_mask (const struct rv_hart *h)
{
  uint64_t mask = h->menvcfg & RV_ENVCFG_STCE ? RV_MIP_SSIP | RV_MIP_SEIP : RV_MIP_S;

  if (!h->ext_s)
    return 0;
  return mask & ~(h->mvien & RV_MIP_SEIP);
}

static void
write_mip (struct rv_hart *h, uint64_t mask, uint64_t value)
{
  uint64_t old = atomic_load_explicit (&h->mip_soft, memory_order_relaxed);

  /* The platform may set SSIP meanwhile, so this is a real read-modify-write. */
  mask &= mip_mask (h);
  while (!atomic_compare_exchange_weak (&h->mip_soft, &old, (old & ~mask) | (value & mask)))
    ;
  rv_check_interrupts (h);
}

static uint64_t
warl_tvec (uint64_t old, uint64_t value)
{
  /* Modes 2 and 3 are reserved: such a write changes nothing. */
  return value & 2 ? old : value;
}

static uint64_t
warl_epc (const struct rv_hart *h, uint64_t value)
{
  return value & ~(h->ext_c ? UINT64_C (1) : UINT64_C (3));
}

/* ---- counters ---- */

/* A counter's register holds the count itself while inhibited, else its distance from instret. */
static uint64_t
read_counter (const struct rv_hart *h, uint64_t offset, uint64_t inhibit)
{
  return h->mcountinhibit & inhibit ? offset : h->instret + offset;
}

/* The instruction that writes retires after the write, and the next one shall read what was
 * written. */
static uint64_t
counter_offset (const struct rv_hart *h, uint64_t value, uint64_t inhibit)
{
  return h->mcountinhibit & inhibit ? value : value - (h->instret + 1);
}

static void
write_countinhibit (struct rv_hart *h, uint64_t value)
{
  uint64_t now = h->instret + 1;
  uint64_t changed;

  value &= COUNTINHIBIT_MASK;
  changed = value ^ h->mcountinhibit;
  h->mcountinhibit = value;
  if (changed & RV_COUNTEREN_CY)
    h->mcycle_offset += value & RV_COUNTEREN_CY ? now : -now;
  if (changed & RV_COUNTEREN_IR)
    h->minstret_offset += value & RV_COUNTEREN_IR ? now : -now;
}

static uint64_t
counteren_mask (const struct rv_hart *h)
{
  uint64_t mask = 0;

  if (h->ext_zicntr)
    mask |= RV_COUNTEREN_CY | RV_COUNTEREN_TM | RV_COUNTEREN_IR;
  if (h->ext_sstc)
    mask |= RV_COUNTEREN_TM;
  if (h->ext_zihpm)
    mask |= UINT64_C (0xfffffff8);
  return mask;
}

/* ---- environment configuration, address translation ---- */

static uint64_t
envcfg_mask (const struct rv_hart *h)
{
  uint64_t mask = RV_ENVCFG_FIOM;

  if (h->ext_zicbom)
    mask |= RV_ENVCFG_CBIE | RV_ENVCFG_CBCFE;
  if (h->ext_zicboz)
    mask |= RV_ENVCFG_CBZE;
  return mask;
}

static uint64_t
warl_envcfg (uint64_t old, uint64_t mask, uint64_t value)
{
  value = (old & ~mask) | (value & mask);
  /* CBIE = 2 is reserved. */
  if ((value & RV_ENVCFG_CBIE) == UINT64_C (2) << 4)
    value = (value & ~RV_ENVCFG_CBIE) | (old & RV_ENVCFG_CBIE);
  return value;
}

static uint64_t
menvcfg_mask (const struct rv_hart *h)
{
  uint64_t mask = envcfg_mask (h);

  if (h->ext_sstc)
    mask |= RV_ENVCFG_STCE;
  if (h->ext_svadu)
    mask |= RV_ENVCFG_ADUE;
  return mask;
}

uint64_t
rv_menvcfg_reset (const struct rv_hart *h)
{
  /* Firmware that knows nothing of Svadu gets what the hart can do, as on other virtual machines.
   */
  return h->ext_svadu ? RV_ENVCFG_ADUE : 0;
}

static void
write_menvcfg (struct rv_hart *h, uint64_t value)
{
  uint64_t old = h->menvcfg;

  value = warl_envcfg (old, menvcfg_mask (h), value);
  __atomic_store_n (&h->menvcfg, value, __ATOMIC_SEQ_CST);
  if ((value ^ old) & RV_ENVCFG_STCE)
    {
      /* With STCE, stimecmp alone decides STIP. */
      atomic_fetch_and (&h->mip_soft, ~RV_MIP_STIP);
      rv_stimer_update (h);
    }
}

static bool
satp_mode_exists (const struct rv_hart *h, unsigned mode)
{
  switch (mode)
    {
    case 0:
      return true;
    case RV_SATP_MODE_SV39:
    case RV_SATP_MODE_SV48:
    case RV_SATP_MODE_SV57:
      return h->mmu != RV_MMU_NONE && mode - RV_SATP_MODE_SV39 <= h->mmu;
    default:
      return false;
    }
}

static void
write_satp (struct rv_hart *h, uint64_t value)
{
  /* A write with an unsupported mode has no effect at all (4.1.11). */
  if (!satp_mode_exists (h, (unsigned) (value >> RV_SATP_MODE_SHIFT)) || h->mmu == RV_MMU_NONE
      || value == h->satp)
    return;
  h->satp = value;
  rv_context_changed (h);
}

/* ---- read ---- */

bool
rv_csr_read (struct rv_hart *h, unsigned n, uint64_t *value)
{
  if (!accessible (h, n))
    return false;
  switch (n)
    {
    case CSR_FFLAGS:
      *value = rv_fp_get_flags (h);
      break;
    case CSR_FRM:
      *value = h->frm;
      break;
    case CSR_FCSR:
      *value = rv_fp_get_flags (h) | (uint64_t) h->frm << 5;
      break;
    case CSR_CYCLE:
    case CSR_MCYCLE:
      *value = read_counter (h, h->mcycle_offset, RV_COUNTEREN_CY);
      break;
    case CSR_TIME:
      return rv_time_now (h, value);
    case CSR_INSTRET:
    case CSR_MINSTRET:
      *value = read_counter (h, h->minstret_offset, RV_COUNTEREN_IR);
      break;
    case CSR_SSTATUS:
      *value = rv_mstatus (h) & (SSTATUS_MASK | RV_MSTATUS_UXL | RV_MSTATUS_SD);
      break;
    case CSR_SIE:
      *value = (h->mie & h->mideleg) | rv_virtual_enabled (h);
      break;
    case CSR_STVEC:
      *value = h->stvec;
      break;
    case CSR_SCOUNTEREN:
      *value = h->scounteren;
      break;
    case CSR_SENVCFG:
      *value = h->senvcfg;
      break;
    case CSR_SSCRATCH:
      *value = h->sscratch;
      break;
    case CSR_SEPC:
      *value = h->sepc;
      break;
    case CSR_SCAUSE:
      *value = h->scause;
      break;
    case CSR_STVAL:
      *value = h->stval;
      break;
    case CSR_SIP:
      *value = (rv_pending (h) & h->mideleg) | rv_virtual_pending (h);
      break;
    case CSR_STIMECMP:
      *value = h->stimecmp;
      break;
    case CSR_SATP:
      *value = h->satp;
      break;
    case CSR_MSTATUS:
      *value = rv_mstatus (h);
      break;
    case CSR_MISA:
      *value = h->misa;
      break;
    case CSR_MEDELEG:
      *value = h->medeleg;
      break;
    case CSR_MIDELEG:
      *value = h->mideleg;
      break;
    case CSR_MIE:
      *value = h->mie;
      break;
    case CSR_MTVEC:
      *value = h->mtvec;
      break;
    case CSR_MCOUNTEREN:
      *value = h->mcounteren;
      break;
    case CSR_MENVCFG:
      *value = h->menvcfg;
      break;
    case CSR_MCOUNTINHIBIT:
      *value = h->mcountinhibit;
      break;
    case CSR_MSCRATCH:
      *value = h->mscratch;
      break;
    case CSR_MEPC:
      *value = h->mepc;
      break;
    case CSR_MCAUSE:
      *value = h->mcause;
      break;
    case CSR_MTVAL:
      *value = h->mtval;
      break;
    case CSR_MIP:
      *value = rv_pending (h);
      break;
    case CSR_PMPCFG0:
    case CSR_PMPCFG2:
      *value = rv_pmp_read_cfg (h, (n - CSR_PMPCFG0) / 2);
      break;
    case CSR_PMPADDR0 ... CSR_PMPADDR15:
      *value = h->pmpaddr[n - CSR_PMPADDR0];
      break;
    case CSR_MVENDORID:
      *value = h->mvendorid;
      break;
    case CSR_MARCHID:
      *value = h->marchid;
      break;
    case CSR_MIMPID:
      *value = h->mimpid;
      break;
    case CSR_MHARTID:
      *value = h->hart_id;
      break;
    case RV_CSR_SISELECT:
    case RV_CSR_SIREG:
    case RV_CSR_STOPEI:
    case RV_CSR_STOPI:
    case RV_CSR_MVIEN:
    case RV_CSR_MVIP:
    case RV_CSR_MISELECT:
    case RV_CSR_MIREG:
    case RV_CSR_MTOPEI:
    case RV_CSR_MTOPI:
      *value = rv_aia_read (h, n);
      break;
    default: /* event counters and selectors, mconfigptr */
      *value = 0;
      break;
    }
  return true;
}

/* Between this and the write that follows at once nothing else happens at the hart; but messages
   may come to its IMSIC. */
bool
rv_csr_read_for_write (struct rv_hart *h, unsigned n, uint64_t *value, uint64_t *rmw)
{
  /* Each number with both top bits set is read-only. */
  if (n >> 10 == 3)
    return false;
  if (n != RV_CSR_MIREG && n != RV_CSR_SIREG && n != RV_CSR_MTOPEI && n != RV_CSR_STOPEI)
    {
      if (!rv_csr_read (h, n, value))
        return false;
    }
  else if (accessible (h, n))
    *value = rv_aia_read_for_write (h, n);
  else
    return false;
  *rmw = *value;
  /* What CSRRS and CSRRC modify is the writable SEIP alone, though they read it with the line. */
  if (n == CSR_MIP)
    *rmw = (*rmw & ~RV_MIP_SEIP) | (atomic_load (&h->mip_soft) & RV_MIP_SEIP);
  return true;
}

/* ---- write ---- */

bool
rv_csr_write (struct rv_hart *h, unsigned n, uint64_t value)
{
  if (n >> 10 == 3 || !accessible (h, n))
    return false;
  switch (n)
    {
    case CSR_FFLAGS:
      rv_fp_set_flags (h, (unsigned) value);
      h->mstatus |= RV_MSTATUS_FS_DIRTY;
      break;
    case CSR_FRM:
      rv_fp_set_frm (h, (unsigned) value);
      h->mstatus |= RV_MSTATUS_FS_DIRTY;
      break;
    case CSR_FCSR:
      rv_fp_set_frm (h, (unsigned) (value >> 5));
      rv_fp_set_flags (h, (unsigned) value);
      h->mstatus |= RV_MSTATUS_FS_DIRTY;
      break;
    case CSR_SSTATUS:
      write_mstatus (h, SSTATUS_MASK, value);
      break;
    case CSR_SIE:
      rv_virtual_enable (h, value);
      write_mie (h, h->mideleg, value);
      break;
    case CSR_STVEC:
      h->stvec = warl_tvec (h->stvec, value);
      break;
    case CSR_SCOUNTEREN:
      h->scounteren = value & counteren_mask (h);
      break;
    case CSR_SENVCFG:
      h->senvcfg = warl_envcfg (h->senvcfg, envcfg_mask (h), value);
      break;
    case CSR_SSCRATCH:
      h->sscratch = value;
      break;
    case CSR_SEPC:
      h->sepc = warl_epc (h, value);
      break;
    case CSR_SCAUSE:
      h->scause = value;
      break;
    case CSR_STVAL:
      h->stval = value;
      break;
    case CSR_SIP:
      rv_virtual_pend (h, value);
      write_mip (h, h->mideleg & RV_MIP_SSIP, value);
      break;
    case CSR_STIMECMP:
      __atomic_store_n (&h->stimecmp, value, __ATOMIC_SEQ_CST);
      rv_stimer_update (h);
      break;
    case CSR_SATP:
      write_satp (h, value);
      break;
    case CSR_MSTATUS:
      write_mstatus (h, ~UINT64_C (0), value);
      break;
    case CSR_MEDELEG:
      h->medeleg = value & MEDELEG_MASK;
      break;
    case CSR_MIDELEG:
      __atomic_store_n (&h->mideleg, value & RV_MIP_S, __ATOMIC_SEQ_CST);
      rv_check_interrupts (h);
      break;
    case CSR_MIE:
      write_mie (h, ~UINT64_C (0), value);
      break;
    case CSR_MTVEC:
      h->mtvec = warl_tvec (h->mtvec, value);
      break;
    case CSR_MCOUNTEREN:
      h->mcounteren = value & counteren_mask (h);
      break;
    case CSR_MENVCFG:
      write_menvcfg (h, value);
      break;
    case CSR_MCOUNTINHIBIT:
      write_countinhibit (h, value);
      break;
    case CSR_MSCRATCH:
      h->mscratch = value;
      break;
    case CSR_MEPC:
      h->mepc = warl_epc (h, value);
      break;
    case CSR_MCAUSE:
      h->mcause = value;
      break;
    case CSR_MTVAL:
      h->mtval = value;
      break;
    case CSR_MIP:
      write_mip (h, ~UINT64_C (0), value);
      break;
    case CSR_PMPCFG0:
    case CSR_PMPCFG2:
      rv_pmp_write_cfg (h, (n - CSR_PMPCFG0) / 2, value);
      break;
    case CSR_PMPADDR0 ... CSR_PMPADDR15:
      rv_pmp_write_addr (h, n - CSR_PMPADDR0, value);
      break;
    case CSR_MCYCLE:
      h->mcycle_offset = counter_offset (h, value, RV_COUNTEREN_CY);
      break;
    case CSR_MINSTRET:
      h->minstret_offset = counter_offset (h, value, RV_COUNTEREN_IR);
      break;
    case RV_CSR_SISELECT:
    case RV_CSR_SIREG:
    case RV_CSR_STOPEI:
    case RV_CSR_MVIEN:
    case RV_CSR_MVIP:
    case RV_CSR_MISELECT:
    case RV_CSR_MIREG:
    case RV_CSR_MTOPEI:
      rv_aia_write (h, n, value);
      break;
    default: /* misa, event counters and selectors: constant */
      break;
    }
  return true;
}

/* ---- what comes from outside ---- */

static bool
refuse (struct gwt_error *err, const char *name, uint64_t value)
{
  rv_host->error_set (err, GWT_E_INVALID, "%s: 0x%llx is nothing that this hart can have there",
                      name, (unsigned long long) value);
  return false;
}

bool
rv_csr_check (const struct rv_hart *h, struct gwt_error *err)
{
  uint64_t all = RV_MIP_M | RV_MIP_S, epc = h->ext_c ? 1 : 3, s = h->ext_s ? UINT64_MAX : 0;
  uint64_t lines = atomic_load (&h->mip_lines), soft = atomic_load (&h->mip_soft);
  const struct
  {
    const char *name;
    uint64_t value, forbidden;
  } rows[] = {
    { "env.pc", h->pc, epc },
    { "env.mstatus", h->mstatus, ~mstatus_mask (h) },
    { "env.medeleg", h->medeleg, ~(s & MEDELEG_MASK) },
    { "env.mideleg", h->mideleg, ~(s & RV_MIP_S) },
    { "env.mtvec", h->mtvec, 2 },
    { "env.mepc", h->mepc, epc },
    { "env.stvec", h->stvec, 2 },
    { "env.sepc", h->sepc, epc },
    { "env.scounteren", h->scounteren, ~counteren_mask (h) },
    { "env.mcounteren", h->mcounteren, ~counteren_mask (h) },
    { "env.mcountinhibit", h->mcountinhibit, ~COUNTINHIBIT_MASK },
    { "env.mie", h->mie, ~(RV_MIP_M | (s & RV_MIP_S)) },
    /* SSIP is a pulse and never a line (rv64-cpu.c); with STCE, software has no STIP. */
    { "mip_lines", lines, ~all | RV_MIP_SSIP },
    { "mip_soft", soft, ~RV_MIP_S | (h->menvcfg & RV_ENVCFG_STCE ? RV_MIP_STIP : 0) },
    { "env.menvcfg", h->menvcfg, ~menvcfg_mask (h) },
    { "env.senvcfg", h->senvcfg, ~envcfg_mask (h) },
  };
  unsigned i;

  for (i = 0; i < GWT_COUNT (rows); i++)
    if (rows[i].value & rows[i].forbidden)
      return refuse (err, rows[i].name, rows[i].value);
  if (!mode_exists (h, h->priv))
    return refuse (err, "env.priv", h->priv);
  if (!mode_exists (h, (unsigned) (h->mstatus >> RV_MSTATUS_MPP_SHIFT) & 3))
    return refuse (err, "env.mstatus", h->mstatus);
  if (h->mmu == RV_MMU_NONE ? h->satp != 0
                            : !satp_mode_exists (h, (unsigned) (h->satp >> RV_SATP_MODE_SHIFT)))
    return refuse (err, "env.satp", h->satp);
  /* CBIE = 2 is reserved. */
  if ((h->menvcfg & RV_ENVCFG_CBIE) == UINT64_C (2) << 4)
    return refuse (err, "env.menvcfg", h->menvcfg);
  if ((h->senvcfg & RV_ENVCFG_CBIE) == UINT64_C (2) << 4)
    return refuse (err, "env.senvcfg", h->senvcfg);
  for (i = 0; i < RV_PMP_MAX; i++)
    if (!rv_pmp_valid (h, i))
      return refuse (err, "env.pmp_state.pmp", i);
  return rv_aia_check (h, err);
}
