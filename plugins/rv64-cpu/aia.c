/* SPDX-License-Identifier: BSD-2-Clause */
/* Advanced Interrupt Architecture 1.0 at the hart: Smaia and Ssaia.  Comments name its chapters.
 *
 * Owns: the CSRs that it adds, virtual and filtered interrupts of S mode, what is the top
 * interrupt. Must not know: how an IMSIC keeps its bits; it asks the file that was handed over by
 * set_imsic.
 *
 * Priorities of major interrupts (iprio) can be set where the hart has an IMSIC, whose identities
 * are the priorities that they mix with; without one they are read-only zeros (5.2.1, 5.4.1).
 */
#include <string.h>

#include "arch.h"

#define ISELECT_MAX                                                                                \
  0x1ff /* what both registers hold at the least (2.2), with room for what comes */
#define IPRIO_FIRST 0x30
#define IPRIO_LAST 0x3f
#define IMSIC_FIRST 0x70
#define IMSIC_ARRAYS 0x80 /* eip0, ..., eie63: on RV64 those with even numbers exist */
#define IMSIC_LAST 0xff
/* The bits of mvien that can be set (5.3). */
#define VIRTUAL (RV_MIP_SSIP | RV_MIP_SEIP)

/* What rv_csr_read_for_write did already, for the write that belongs to it. */
enum pair
{
  PAIR_NONE,
  PAIR_CLAIMED, /* xtopei: what was read is claimed */
  PAIR_READ     /* xireg: aia_old was read; bits that stay the same are not written */
};

static bool
is_supervisor (unsigned n)
{
  return (n >> 8 & 3) == RV_S;
}

static const struct gwt_riscv_imsic *
file_of (const struct rv_hart *h, unsigned n)
{
  return is_supervisor (n) ? h->s_imsic : h->m_imsic;
}

static uint64_t
selected (const struct rv_hart *h, unsigned n)
{
  return is_supervisor (n) ? h->siselect : h->miselect;
}

static bool
selects_imsic (const struct rv_hart *h, unsigned n)
{
  uint64_t select = selected (h, n);

  return select >= IMSIC_FIRST && select <= IMSIC_LAST;
}

/* Is there a file, and may this mode see it?  With mvien.SEIP machine mode stands between S mode
   and its file (5.3). */
static bool
file_accessible (const struct rv_hart *h, unsigned n)
{
  if (is_supervisor (n) && h->priv < RV_M && (h->mvien & RV_MIP_SEIP))
    return false;
  return file_of (h, n) != NULL;
}

static bool
ireg_accessible (const struct rv_hart *h, unsigned n)
{
  uint64_t select = selected (h, n);

  if (select >= IPRIO_FIRST && select <= IPRIO_LAST)
    return (select & 1) == 0;
  if (!selects_imsic (h, n))
    return false;
  return file_accessible (h, n) && (select < IMSIC_ARRAYS || (select & 1) == 0);
}

bool
rv_aia_accessible (const struct rv_hart *h, unsigned n)
{
  switch (n)
    {
    case RV_CSR_MISELECT:
    case RV_CSR_MTOPI:
      return h->ext_smaia;
    case RV_CSR_MIREG:
      return h->ext_smaia && ireg_accessible (h, n);
    case RV_CSR_MTOPEI:
      return h->ext_smaia && file_accessible (h, n);
    case RV_CSR_MVIEN:
    case RV_CSR_MVIP:
      return h->ext_smaia && h->ext_s;
    case RV_CSR_SISELECT:
    case RV_CSR_STOPI:
      return h->ext_ssaia;
    case RV_CSR_SIREG:
      return h->ext_ssaia && ireg_accessible (h, n);
    case RV_CSR_STOPEI:
      return h->ext_ssaia && file_accessible (h, n);
    default:
      return false;
    }
}

/* ---- virtual interrupts ---- */

/* What sip and sie show of interrupts that mideleg does not delegate. */
static uint64_t
filtered (const struct rv_hart *h)
{
  return __atomic_load_n (&h->mvien, __ATOMIC_RELAXED)
         & ~__atomic_load_n (&h->mideleg, __ATOMIC_RELAXED);
}

uint64_t
rv_virtual_pending (const struct rv_hart *h)
{
  uint64_t mask = filtered (h);

  if (mask == 0)
    return 0;
  /* mvip.SEIP is the software-writable bit of mip.SEIP; mvip.SSIP is a bit of its own. */
  return mask
         & ((atomic_load_explicit (&h->mip_soft, memory_order_acquire) & RV_MIP_SEIP)
            | (__atomic_load_n (&h->mvip, __ATOMIC_ACQUIRE) & RV_MIP_SSIP));
}

uint64_t
rv_virtual_enabled (const struct rv_hart *h)
{
  return filtered (h) & __atomic_load_n (&h->sie_virtual, __ATOMIC_RELAXED);
}

void
rv_virtual_enable (struct rv_hart *h, uint64_t value)
{
  uint64_t mask = filtered (h);

  __atomic_store_n (&h->sie_virtual, (h->sie_virtual & ~mask) | (value & mask), __ATOMIC_SEQ_CST);
}

void
rv_virtual_pend (struct rv_hart *h, uint64_t value)
{
  uint64_t mask = filtered (h) & RV_MIP_SSIP;

  __atomic_store_n (&h->mvip, (h->mvip & ~mask) | (value & mask), __ATOMIC_SEQ_CST);
}

static uint64_t
read_mvip (const struct rv_hart *h)
{
  uint64_t alias = RV_MIP_SEIP;

  if (!(h->mvien & RV_MIP_SSIP))
    alias |= RV_MIP_SSIP;
  if (!(h->menvcfg & RV_ENVCFG_STCE))
    alias |= RV_MIP_STIP;
  return (atomic_load (&h->mip_soft) & alias) | (h->mvip & h->mvien & RV_MIP_SSIP);
}

static void
write_mvip (struct rv_hart *h, uint64_t value)
{
  uint64_t alias = RV_MIP_SEIP, old = atomic_load (&h->mip_soft);

  if (!(h->mvien & RV_MIP_SSIP))
    alias |= RV_MIP_SSIP;
  else
    __atomic_store_n (&h->mvip, value & RV_MIP_SSIP, __ATOMIC_SEQ_CST);
  if (!(h->menvcfg & RV_ENVCFG_STCE))
    alias |= RV_MIP_STIP;
  /* The platform may set SSIP meanwhile. */
  while (!atomic_compare_exchange_weak (&h->mip_soft, &old, (old & ~alias) | (value & alias)))
    ;
  rv_check_interrupts (h);
}

/* ---- priorities ---- */

/* No number: behind all that have one, by default order (tables "Effect of the iprio array"). */
#define PRIO_DEFAULT 0xffff
/* An external interrupt without a message behind it (5.4.1, last but one paragraph). */
#define PRIO_NONE 256

/* Interrupts with a priority of their own: those that can be enabled, less the level's external
   one. */
static uint64_t
prio_mask (const struct rv_hart *h, unsigned n)
{
  if (file_of (h, n) == NULL)
    return 0;
  if (is_supervisor (n))
    return RV_MIP_S & ~RV_MIP_SEIP;
  return (RV_MIP_M & ~RV_MIP_MEIP) | (h->ext_s ? RV_MIP_S : 0);
}

static uint64_t
read_prio (const struct rv_hart *h, unsigned n)
{
  const uint8_t *bytes
      = (is_supervisor (n) ? h->siprio : h->miprio) + (selected (h, n) - IPRIO_FIRST) * 4;
  uint64_t value = 0;
  unsigned i;

  for (i = 0; i < 8; i++)
    value |= (uint64_t) bytes[i] << 8 * i;
  return value;
}

static void
write_prio (struct rv_hart *h, unsigned n, uint64_t value)
{
  unsigned first = (unsigned) (selected (h, n) - IPRIO_FIRST) * 4, i;
  uint64_t mask = prio_mask (h, n);

  for (i = 0; i < 8; i++)
    if (mask & RV_BIT (first + i))
      (is_supervisor (n) ? h->siprio : h->miprio)[first + i] = (uint8_t) (value >> 8 * i);
}

static unsigned
prio_of (const struct rv_hart *h, unsigned priv, unsigned number)
{
  const struct gwt_riscv_imsic *file = priv == RV_M ? h->m_imsic : h->s_imsic;
  unsigned prio = (priv == RV_M ? h->miprio : h->siprio)[number];

  if (number == (priv == RV_M ? GWT_RISCV_MEIP : GWT_RISCV_SEIP))
    {
      /* Without an IMSIC, the first by default as ever. */
      prio = file != NULL ? file->top (file->file) & 0xffff : 1;
      return prio != 0 ? prio : PRIO_NONE;
    }
  return prio != 0 ? prio : PRIO_DEFAULT;
}

unsigned
rv_first_interrupt (const struct rv_hart *h, unsigned priv, uint64_t ready, unsigned *prio)
{
  /* Privileged manual 3.1.9: external, software, timer; machine before supervisor. */
  static const uint8_t order[] = { GWT_RISCV_MEIP, GWT_RISCV_MSIP, GWT_RISCV_MTIP,
                                   GWT_RISCV_SEIP, GWT_RISCV_SSIP, GWT_RISCV_STIP };
  unsigned best = 0, best_prio = PRIO_DEFAULT, i;

  /* Nothing to compare, as nearly always. */
  if (prio == NULL && (ready & (ready - 1)) == 0)
    return ready != 0 ? (unsigned) __builtin_ctzll (ready) : 0;
  for (i = 0; i < sizeof order; i++)
    if (ready & RV_BIT (order[i]))
      {
        unsigned p = prio_of (h, priv, order[i]);

        if (best != 0 && p >= best_prio)
          continue;
        best = order[i];
        best_prio = p;
      }
  if (prio != NULL)
    *prio = best_prio > 255 ? 255 : best_prio;
  return best;
}

/* ---- registers ---- */

static uint64_t
top (const struct rv_hart *h, unsigned priv)
{
  unsigned prio, number = rv_first_interrupt (h, priv, rv_ready (h, priv), &prio);

  return number != 0 ? (uint64_t) number << 16 | prio : 0;
}

uint64_t
rv_aia_read (struct rv_hart *h, unsigned n)
{
  const struct gwt_riscv_imsic *file = file_of (h, n);

  switch (n)
    {
    case RV_CSR_MISELECT:
    case RV_CSR_SISELECT:
      return selected (h, n);
    case RV_CSR_MIREG:
    case RV_CSR_SIREG:
      return selects_imsic (h, n) ? file->read (file->file, (uint32_t) selected (h, n))
                                  : read_prio (h, n);
    case RV_CSR_MTOPEI:
    case RV_CSR_STOPEI:
      return file->top (file->file);
    case RV_CSR_MVIEN:
      return h->mvien;
    case RV_CSR_MVIP:
      return read_mvip (h);
    case RV_CSR_MTOPI:
      return top (h, RV_M);
    case RV_CSR_STOPI:
      return top (h, RV_S);
    default:
      return 0;
    }
}

uint64_t
rv_aia_read_for_write (struct rv_hart *h, unsigned n)
{
  const struct gwt_riscv_imsic *file = file_of (h, n);

  /* 3.10: the identity that is read is the one that is claimed, whatever arrives meanwhile. */
  if (n == RV_CSR_MTOPEI || n == RV_CSR_STOPEI)
    {
      h->aia_pair = PAIR_CLAIMED;
      return file->claim (file->file);
    }
  h->aia_old = rv_aia_read (h, n);
  h->aia_pair = PAIR_READ;
  return h->aia_old;
}

static void
write_select (uint64_t *select, uint64_t value)
{
  *select = value & ISELECT_MAX;
}

void
rv_aia_write (struct rv_hart *h, unsigned n, uint64_t value)
{
  const struct gwt_riscv_imsic *file = file_of (h, n);
  uint32_t pair = h->aia_pair;

  h->aia_pair = PAIR_NONE;
  switch (n)
    {
    case RV_CSR_MISELECT:
      write_select (&h->miselect, value);
      break;
    case RV_CSR_SISELECT:
      write_select (&h->siselect, value);
      break;
    case RV_CSR_MIREG:
    case RV_CSR_SIREG:
      if (selects_imsic (h, n))
        file->write (file->file, (uint32_t) selected (h, n), value,
                     pair == PAIR_READ ? h->aia_old ^ value : ~UINT64_C (0));
      else
        write_prio (h, n, value);
      break;
    case RV_CSR_MTOPEI:
    case RV_CSR_STOPEI:
      if (pair != PAIR_CLAIMED)
        file->claim (file->file);
      break;
    case RV_CSR_MVIEN:
      __atomic_store_n (&h->mvien, value & VIRTUAL, __ATOMIC_SEQ_CST);
      rv_check_interrupts (h);
      break;
    case RV_CSR_MVIP:
      write_mvip (h, value);
      break;
    default:
      break;
    }
}

void
rv_aia_reset (struct rv_hart *h)
{
  h->miselect = h->siselect = 0;
  h->mvien = h->mvip = h->sie_virtual = 0;
  memset (h->miprio, 0, sizeof h->miprio);
  memset (h->siprio, 0, sizeof h->siprio);
  h->aia_old = 0;
  h->aia_pair = PAIR_NONE;
}

bool
rv_aia_check (const struct rv_hart *h, struct gwt_error *err)
{
  uint64_t select = h->ext_smaia ? ISELECT_MAX : 0;
  uint64_t virtual = h->ext_smaia && h->ext_s ? VIRTUAL : 0;
  const struct
  {
    const char *name;
    uint64_t value, mask;
  } rows[] = {
    { "miselect", h->miselect, select },
    { "siselect", h->siselect, h->ext_ssaia ? select : 0 },
    { "mvien", h->mvien, virtual },
    { "mvip", h->mvip, virtual & RV_MIP_SSIP },
    { "sie", h->sie_virtual, virtual },
  };
  uint64_t machine = prio_mask (h, RV_CSR_MIREG), supervisor = prio_mask (h, RV_CSR_SIREG);
  unsigned i;

  for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].value & ~rows[i].mask)
      {
        rv_host->error_set (err, GWT_E_INVALID, "env.%s: 0x%llx has bits that this hart has not",
                            rows[i].name, (unsigned long long) rows[i].value);
        return false;
      }
  for (i = 0; i < 64; i++)
    if ((h->miprio[i] != 0 && !(machine >> i & 1)) || (h->siprio[i] != 0 && !(supervisor >> i & 1)))
      {
        rv_host->error_set (err, GWT_E_INVALID,
                            "env.%s: interrupt %u can have no priority of its own here",
                            h->miprio[i] != 0 && !(machine >> i & 1) ? "miprio" : "siprio", i);
        return false;
      }
  return true;
}

int
rv_aia_set_imsic (void *self, uint32_t line, const struct gwt_riscv_imsic *imsic,
                  struct gwt_error *err)
{
  struct rv_hart *h = self;
  bool machine = line == GWT_RISCV_MEIP;
  const struct gwt_riscv_imsic **at = machine ? &h->m_imsic : &h->s_imsic;

  if (line != GWT_RISCV_MEIP && line != GWT_RISCV_SEIP)
    {
      rv_host->error_set (err, GWT_E_INVALID, "hart line %u is no external interrupt; use 9 or 11",
                          line);
      return -1;
    }
  if (imsic != NULL && !(machine ? h->ext_smaia : h->ext_ssaia))
    {
      rv_host->error_set (err, GWT_E_UNSUPPORTED,
                          "hart %llu has no CSRs for an IMSIC; set its property %s=on",
                          (unsigned long long) h->hart_id, machine ? "smaia" : "ssaia");
      return -1;
    }
  if (imsic != NULL && *at != NULL)
    {
      rv_host->error_set (err, GWT_E_EXISTS,
                          "hart %llu has an IMSIC for hart line %u already; leave one out",
                          (unsigned long long) h->hart_id, line);
      return -1;
    }
  *at = imsic;
  return 0;
}
