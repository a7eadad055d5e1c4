/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical memory protection (privileged manual 3.7): 16 entries, grain 4 bytes.
 *
 * Owns: pmpcfg and pmpaddr with their locks, and the decoded list of active entries.
 * Must not know: page tables, who asks.
 */
#include "arch.h"

#define PMPADDR_BITS ((UINT64_C (1) << 54) - 1)
#define RWX (RV_PMP_R | RV_PMP_W | RV_PMP_X)

void
rv_pmp_update (struct rv_hart *h)
{
  unsigned i;

  h->pmp_count = 0;
  for (i = 0; i < h->pmp_regions; i++)
    {
      uint64_t addr = h->pmpaddr[i];
      uint64_t below = i > 0 ? h->pmpaddr[i - 1] : 0;
      struct rv_pmp_range r = { 0, 0, h->pmpcfg[i] };

      switch (h->pmpcfg[i] & RV_PMP_A)
        {
        case RV_PMP_TOR:
          if (below >= addr)
            continue; /* matches nothing */
          r.first = below << 2;
          r.last = (addr << 2) - 1;
          break;
        case RV_PMP_NA4:
          r.first = addr << 2;
          r.last = r.first + 3;
          break;
        case RV_PMP_NAPOT:
          {
            /* The trailing ones and the zero above them are the size; all ones is everything. */
            uint64_t ones = addr ^ (addr + 1);

            r.first = (addr & ~ones) << 2;
            r.last = ((addr | ones) << 2) | 3;
            break;
          }
        default:
          continue;
        }
      h->pmp_range[h->pmp_count++] = r;
    }
}

/* What entry CFG gives to PRIV: M mode is bound by locked entries only. */
static inline unsigned
permissions (uint64_t cfg, unsigned priv)
{
  if (priv == RV_M && !(cfg & RV_PMP_L))
    return RWX;
  return (unsigned) cfg & RWX;
}

static inline unsigned
default_permissions (const struct rv_hart *h, unsigned priv)
{
  return priv == RV_M || h->pmp_regions == 0 ? RWX : 0;
}

bool
rv_pmp_page (const struct rv_hart *h, uint64_t paddr, unsigned priv, unsigned *rwx)
{
  uint64_t first = paddr & ~UINT64_C (0xfff);
  uint64_t last = paddr | 0xfff;
  unsigned i;

  for (i = 0; i < h->pmp_count; i++)
    {
      const struct rv_pmp_range *r = &h->pmp_range[i];

      if (r->last < first || r->first > last)
        continue;
      *rwx = permissions (r->cfg, priv);
      return r->first <= first && r->last >= last;
    }
  *rwx = default_permissions (h, priv);
  return true;
}

bool
rv_pmp_allows (const struct rv_hart *h, uint64_t paddr, unsigned size, enum rv_access access,
               unsigned priv)
{
  static const unsigned needed[] = { RV_PMP_R, RV_PMP_W, RV_PMP_X };
  uint64_t last = paddr + size - 1;
  unsigned i;

  for (i = 0; i < h->pmp_count; i++)
    {
      const struct rv_pmp_range *r = &h->pmp_range[i];

      if (r->last < paddr || r->first > last)
        continue;
      /* The first entry that matches any byte must match all of them, whatever it allows. */
      return r->first <= paddr && r->last >= last && (permissions (r->cfg, priv) & needed[access]);
    }
  return default_permissions (h, priv) & needed[access];
}

/* REG counts pmpcfg0, pmpcfg2, ... as 0, 1, ...: each holds eight entries. */
uint64_t
rv_pmp_read_cfg (const struct rv_hart *h, unsigned reg)
{
  uint64_t value = 0;
  unsigned i;

  for (i = 0; i < 8; i++)
    value |= (uint64_t) h->pmpcfg[reg * 8 + i] << (8 * i);
  return value;
}

void
rv_pmp_write_cfg (struct rv_hart *h, unsigned reg, uint64_t value)
{
  unsigned i;

  for (i = 0; i < 8; i++)
    {
      unsigned entry = reg * 8 + i;
      unsigned cfg = (value >> (8 * i)) & (RWX | RV_PMP_A | RV_PMP_L);

      if (entry >= h->pmp_regions || (h->pmpcfg[entry] & RV_PMP_L))
        continue;
      /* Write without read is reserved, and the fields are WARL. */
      if (!(cfg & RV_PMP_R))
        cfg &= ~(unsigned) RV_PMP_W;
      h->pmpcfg[entry] = (uint8_t) cfg;
    }
  rv_pmp_update (h);
  rv_tlb_flush_all (h);
}

void
rv_pmp_write_addr (struct rv_hart *h, unsigned entry, uint64_t value)
{
  unsigned next;

  if (entry >= h->pmp_regions || (h->pmpcfg[entry] & RV_PMP_L))
    return;
  /* A locked top-of-range entry locks the address below it too. */
  next = entry + 1 < h->pmp_regions ? h->pmpcfg[entry + 1] : 0;
  if ((next & RV_PMP_L) && (next & RV_PMP_A) == RV_PMP_TOR)
    return;
  h->pmpaddr[entry] = value & PMPADDR_BITS;
  rv_pmp_update (h);
  rv_tlb_flush_all (h);
}

bool
rv_pmp_valid (const struct rv_hart *h, unsigned entry)
{
  unsigned cfg = h->pmpcfg[entry];

  if (entry >= h->pmp_regions)
    return cfg == 0 && h->pmpaddr[entry] == 0;
  return (cfg & ~(unsigned) (RWX | RV_PMP_A | RV_PMP_L)) == 0
         && ((cfg & RV_PMP_R) || !(cfg & RV_PMP_W)) && (h->pmpaddr[entry] & ~PMPADDR_BITS) == 0;
}
