/* SPDX-License-Identifier: BSD-2-Clause */
/* Address translation (privileged manual 4.3 to 4.6): the page walk of Sv39, Sv48 and Sv57 with
 * PMP.
 *
 * Owns: how satp and page table entries are read, and when A and D are set.
 * Must not know: the software TLB that keeps its answers, MPRV (the caller chose the privilege).
 */
#include "arch.h"

enum
{
  PTE_V = 1 << 0,
  PTE_R = 1 << 1,
  PTE_W = 1 << 2,
  PTE_X = 1 << 3,
  PTE_U = 1 << 4,
  PTE_G = 1 << 5,
  PTE_A = 1 << 6,
  PTE_D = 1 << 7
};

/* Bits 63:54: reserved, or of Svnapot and Svpbmt, which this hart does not have. */
#define PTE_RESERVED (~UINT64_C (0) << 54)
#define PTE_PPN_SHIFT 10
#define PPN_BITS ((UINT64_C (1) << 44) - 1)

/* Each page table access is made as by supervisor mode. */
#define WALK_PRIV RV_S

static unsigned
page_fault (enum rv_access access)
{
  static const uint8_t cause[] = { RV_EXC_LOAD_PAGE, RV_EXC_STORE_PAGE, RV_EXC_FETCH_PAGE };

  return cause[access];
}

static unsigned
access_fault (enum rv_access access)
{
  static const uint8_t cause[] = { RV_EXC_LOAD_ACCESS, RV_EXC_STORE_ACCESS, RV_EXC_FETCH_ACCESS };

  return cause[access];
}

/* Levels of the page table that satp names, 0 for bare. */
static unsigned
levels (uint64_t satp)
{
  static const uint8_t of_mode[16]
      = { [RV_SATP_MODE_SV39] = 3, [RV_SATP_MODE_SV48] = 4, [RV_SATP_MODE_SV57] = 5 };

  return of_mode[satp >> RV_SATP_MODE_SHIFT];
}

/* Put PMP's word into PAGE, whose permissions are those of the page table so far. */
static unsigned
finish (struct rv_hart *h, enum rv_access access, unsigned priv, struct rv_page *page)
{
  unsigned rwx;

  page->whole = rv_pmp_page (h, page->paddr, priv, &rwx);
  if (!page->whole)
    {
      /* The caller asks again with the size of the access. */
      return rv_pmp_allows (h, page->paddr, 1, access, priv) ? RV_EXC_NONE : access_fault (access);
    }
  page->readable = page->readable && (rwx & RV_PMP_R);
  page->writable = page->writable && (rwx & RV_PMP_W);
  page->executable = page->executable && (rwx & RV_PMP_X);
  switch (access)
    {
    case RV_LOAD:
      return rwx & RV_PMP_R ? RV_EXC_NONE : RV_EXC_LOAD_ACCESS;
    case RV_STORE:
      return rwx & RV_PMP_W ? RV_EXC_NONE : RV_EXC_STORE_ACCESS;
    default:
      return rwx & RV_PMP_X ? RV_EXC_NONE : RV_EXC_FETCH_ACCESS;
    }
}

/* What a leaf allows to PRIV, A and D aside. */
static void
leaf_permissions (const struct rv_hart *h, uint64_t pte, unsigned priv, struct rv_page *page)
{
  bool user_page = pte & PTE_U;
  bool data = priv == RV_U ? user_page : !user_page || (h->mstatus & RV_MSTATUS_SUM);

  page->readable = data && (pte & (h->mstatus & RV_MSTATUS_MXR ? PTE_R | PTE_X : PTE_R));
  page->writable = data && (pte & PTE_W);
  /* Supervisor mode never executes a user page, with or without SUM. */
  page->executable = user_page == (priv == RV_U) && (pte & PTE_X);
  page->global = pte & PTE_G;
}

static bool
permitted (const struct rv_page *page, enum rv_access access)
{
  return access == RV_LOAD    ? page->readable
         : access == RV_STORE ? page->writable
                              : page->executable;
}

unsigned
rv_walk (struct rv_hart *h, uint64_t vaddr, enum rv_access access, unsigned priv,
         struct rv_page *page)
{
  unsigned n = priv == RV_M ? 0 : levels (h->satp);
  unsigned level, unused;
  uint64_t table;
  bool update;

  page->global = false;
  if (n == 0)
    {
      page->paddr = vaddr;
      page->leaf_size = 0;
      page->readable = page->writable = page->executable = true;
      return finish (h, access, priv, page);
    }

  /* The bits above the highest translated one must equal it. */
  unused = 64 - (12 + 9 * n);
  if ((uint64_t) ((int64_t) (vaddr << unused) >> unused) != vaddr)
    return page_fault (access);

  update = h->ext_svadu && (h->menvcfg & RV_ENVCFG_ADUE);
restart:
  table = (h->satp & PPN_BITS) << 12;
  for (level = n; level-- > 0;)
    {
      unsigned shift = 12 + 9 * level;
      uint64_t at = table + ((vaddr >> shift) & 0x1ff) * 8;
      uint64_t wanted = PTE_A | (access == RV_STORE ? PTE_D : 0);
      _Atomic uint64_t *slot;
      uint64_t pte, size;

      if (!rv_pmp_allows (h, at, 8, RV_LOAD, WALK_PRIV))
        return access_fault (access);
      slot = rv_phys_ptr (h, at, 8, RV_LOAD);
      if (slot == NULL)
        return access_fault (access);
      pte = atomic_load_explicit (slot, memory_order_acquire);

      if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W || (pte & PTE_RESERVED))
        return page_fault (access);
      if (!(pte & (PTE_R | PTE_X)))
        {
          /* A pointer to the next table; D, A and U are reserved in it. */
          if (pte & (PTE_D | PTE_A | PTE_U))
            return page_fault (access);
          table = (pte >> PTE_PPN_SHIFT & PPN_BITS) << 12;
          continue;
        }

      leaf_permissions (h, pte, priv, page);
      if (!permitted (page, access))
        return page_fault (access);
      size = UINT64_C (1) << shift;
      page->paddr = (pte >> PTE_PPN_SHIFT & PPN_BITS) << 12;
      if (page->paddr & (size - 1))
        return page_fault (access); /* misaligned superpage */
      if ((pte & wanted) != wanted)
        {
          if (!update)
            return page_fault (access);
          if (!rv_pmp_allows (h, at, 8, RV_STORE, WALK_PRIV))
            return access_fault (access);
          slot = rv_phys_ptr (h, at, 8, RV_STORE);
          if (slot == NULL)
            return access_fault (access);
          /* Another hart may have changed the entry since: then it has to be judged again. */
          if (!atomic_compare_exchange_strong (slot, &pte, pte | wanted))
            goto restart;
          pte |= wanted;
        }
      page->paddr |= vaddr & (size - 1);
      page->leaf_size = size;
      page->writable = page->writable && (pte & PTE_D);
      return finish (h, access, priv, page);
    }
  return page_fault (access); /* a pointer in the last level */
}

bool
rv_debug_translate (struct rv_hart *h, uint64_t vaddr, uint64_t *paddr)
{
  unsigned n = h->priv == RV_M ? 0 : levels (h->satp);
  uint64_t table = (h->satp & PPN_BITS) << 12;
  unsigned level;

  if (n == 0)
    {
      *paddr = vaddr;
      return true;
    }
  for (level = n; level-- > 0;)
    {
      unsigned shift = 12 + 9 * level;
      uint64_t mask = (UINT64_C (1) << shift) - 1;
      uint64_t *slot = rv_phys_ptr (h, table + ((vaddr >> shift) & 0x1ff) * 8, 8, RV_LOAD);
      uint64_t pte = slot != NULL ? __atomic_load_n (slot, __ATOMIC_RELAXED) : 0;

      if (!(pte & PTE_V))
        return false;
      table = (pte >> PTE_PPN_SHIFT & PPN_BITS) << 12;
      if (pte & (PTE_R | PTE_X))
        {
          *paddr = (table & ~mask) | (vaddr & mask);
          return true;
        }
    }
  return false;
}

/* ---- fences ---- */

static bool
may_fence (const struct rv_hart *h)
{
  return h->ext_s && h->priv != RV_U && !(h->priv == RV_S && (h->mstatus & RV_MSTATUS_TVM));
}

bool
rv_sfence_vma (struct rv_hart *h, unsigned rs1, unsigned rs2)
{
  uint64_t vaddr = h->x[rs1 & 31];
  uint64_t asid = h->x[rs2 & 31] & 0xffff;

  if (!may_fence (h))
    return false;
  rv_tlb_flush (h, rs1 != 0 ? &vaddr : NULL, rs2 != 0 ? &asid : NULL);
  return true;
}

/* sinval.vma may take effect at once; the two fences around it then have nothing left to do. */
bool
rv_sinval_vma (struct rv_hart *h, unsigned rs1, unsigned rs2)
{
  return h->ext_svinval && rv_sfence_vma (h, rs1, rs2);
}

bool
rv_sfence_w_inval (struct rv_hart *h)
{
  return h->ext_svinval && h->ext_s && h->priv != RV_U;
}

bool
rv_sfence_inval_ir (struct rv_hart *h)
{
  return h->ext_svinval && h->ext_s && h->priv != RV_U;
}
