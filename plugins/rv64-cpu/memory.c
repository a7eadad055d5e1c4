/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slow paths of loads and stores: TLB misses, MMIO, misaligned and page-crossing accesses,
 * cache-block operations.  A fault is raised here with the address that caused it; h->pc is the
 * instruction's.
 *
 * Aligned accesses to RAM are single-copy atomic and race with other harts' by design, hence the
 * relaxed atomics; on the hosts that matter they are plain moves.
 */
#include <string.h>

#include "accel.h"
#include "bytes.h"
#include "fp.h"

/* I/O takes no misaligned accesses: an access fault says so at once, where a misaligned exception
   would have firmware try it byte by byte (Privileged Architecture, 3.6.3.3). */
static bool
mmio_load (struct rv_hart *h, uint64_t paddr, unsigned size, uint64_t *value)
{
  uint32_t result, lent;
  *value = 0;
  if ((paddr & (size - 1)) != 0)
    return false;
  lent = rv_fp_lend (h);
  result = rv_vcpu->load (h->device, paddr, size, value);
  rv_fp_take_back (h, lent);
  return result == GWT_ACCESS_OK;
}

static bool
mmio_store (struct rv_hart *h, uint64_t paddr, unsigned size, uint64_t value)
{
  uint32_t result, lent;
  if ((paddr & (size - 1)) != 0)
    return false;
  lent = rv_fp_lend (h);
  result = rv_vcpu->store (h->device, paddr, size, value);
  rv_fp_take_back (h, lent);
  return result == GWT_ACCESS_OK;
}

/* An access that goes over the end of a page: RAM on both sides, the second at *HOST_2. */
static bool
split (struct rv_hart *h, uint64_t vaddr, unsigned first, unsigned size, enum rv_access access,
       uint8_t **host_1, uint8_t **host_2)
{
  uint64_t paddr, fault = vaddr;
  unsigned cause = rv_tlb_fill (h, vaddr, first, access, host_1, &paddr);
  if (cause == RV_EXC_NONE && *host_1 != NULL)
    {
      fault = vaddr + first;
      cause = rv_tlb_fill (h, fault, size - first, access, host_2, &paddr);
    }
  if (cause == RV_EXC_NONE && (*host_1 == NULL || *host_2 == NULL))
    cause = access == RV_LOAD ? RV_EXC_LOAD_ACCESS : RV_EXC_STORE_ACCESS;
  if (cause != RV_EXC_NONE)
    rv_raise (h, cause, fault);
  return cause == RV_EXC_NONE;
}

bool
rv_load_slow (struct rv_hart *h, uint64_t vaddr, unsigned size, uint64_t *value)
{
  unsigned first = (unsigned) (RV_PAGE_SIZE - (vaddr & ~RV_PAGE_MASK));
  struct rv_tlb_entry *e = rv_tlb_slot (h->tlb_load, vaddr);
  uint8_t *host, *host_2 = NULL;
  uint64_t paddr;
  if (first < size)
    {
      uint64_t low;
      if (!split (h, vaddr, first, size, RV_LOAD, &host, &host_2))
        return false;
      low = rv_host_load_any (host, first);
      *value = low | rv_host_load_any (host_2, size - first) << (8 * first);
      return true;
    }
  if (e->key == (vaddr & RV_PAGE_MASK))
    host = (uint8_t *) (uintptr_t) (vaddr + e->addend);
  else
    {
      unsigned cause = rv_tlb_fill (h, vaddr, size, RV_LOAD, &host, &paddr);
      if (cause == RV_EXC_NONE && host == NULL)
        {
          if (mmio_load (h, paddr, size, value))
            return true;
          cause = RV_EXC_LOAD_ACCESS;
        }
      if (cause != RV_EXC_NONE)
        {
          rv_raise (h, cause, vaddr);
          return false;
        }
    }
  *value = (vaddr & (size - 1)) == 0 ? rv_host_load (host, size) : rv_host_load_any (host, size);
  return true;
}

bool
rv_store_slow (struct rv_hart *h, uint64_t vaddr, unsigned size, uint64_t value)
{
  unsigned first = (unsigned) (RV_PAGE_SIZE - (vaddr & ~RV_PAGE_MASK));
  struct rv_tlb_entry *e = rv_tlb_slot (h->tlb_store, vaddr);
  uint8_t *host, *host_2 = NULL;
  uint64_t paddr;
  if (first < size)
    {
      /* Both pages are writable before the first byte changes: the trap is precise. */
      if (!split (h, vaddr, first, size, RV_STORE, &host, &host_2))
        return false;
      rv_host_store_any (host, first, value);
      rv_host_store_any (host_2, size - first, value >> (8 * first));
      return true;
    }
  if (e->key == (vaddr & RV_PAGE_MASK))
    host = (uint8_t *) (uintptr_t) (vaddr + e->addend);
  else
    {
      unsigned cause = rv_tlb_fill (h, vaddr, size, RV_STORE, &host, &paddr);
      if (cause == RV_EXC_NONE && host == NULL)
        {
          if (mmio_store (h, paddr, size, value))
            return true;
          cause = RV_EXC_STORE_ACCESS;
        }
      if (cause != RV_EXC_NONE)
        {
          rv_raise (h, cause, vaddr);
          return false;
        }
    }
  if ((vaddr & (size - 1)) == 0)
    rv_host_store (host, size, value);
  else
    rv_host_store_any (host, size, value);
  return true;
}

bool
rv_atomic_ptr (struct rv_hart *h, uint64_t vaddr, unsigned size, enum rv_access access, void **host)
{
  uint8_t *p = NULL;
  uint64_t paddr;
  unsigned cause;
  if (vaddr & (size - 1))
    cause = access == RV_LOAD ? RV_EXC_LOAD_MISALIGNED : RV_EXC_STORE_MISALIGNED;
  else
    cause = rv_tlb_fill (h, vaddr, size, access, &p, &paddr);
  /* The page is marked as not direct, but RAM may share it with a device. */
  if (cause == RV_EXC_NONE && p == NULL)
    p = rv_phys_ptr (h, paddr, size, access);
  /* MMIO and ROM do not support atomics. */
  if (cause == RV_EXC_NONE && p == NULL)
    cause = access == RV_LOAD ? RV_EXC_LOAD_ACCESS : RV_EXC_STORE_ACCESS;
  if (cause != RV_EXC_NONE)
    {
      rv_raise (h, cause, vaddr);
      return false;
    }
  *host = p;
  return true;
}

bool
rv_cbo_zero (struct rv_hart *h, uint64_t vaddr)
{
  uint64_t block = vaddr & ~(uint64_t) (RV_CBO_BLOCK - 1), paddr;
  uint8_t *p;
  unsigned cause = rv_tlb_fill (h, block, RV_CBO_BLOCK, RV_STORE, &p, &paddr);
  if (cause != RV_EXC_NONE)
    {
      rv_raise (h, cause, vaddr);
      return false;
    }
  if (p == NULL)
    {
      /* Zeroing I/O or ROM: store by store, as a core without a cache would. */
      for (unsigned i = 0; i < RV_CBO_BLOCK; i += 8)
        if (!mmio_store (h, paddr + i, 8, 0))
          {
            rv_raise (h, RV_EXC_STORE_ACCESS, vaddr);
            return false;
          }
      return true;
    }
  for (unsigned i = 0; i < RV_CBO_BLOCK; i += 8)
    rv_host_store (p + i, 8, 0);
  return true;
}

bool
rv_cbo_manage (struct rv_hart *h, uint64_t vaddr)
{
  /* Allowed where a load or a store is; refused as a store (CMO specification, 2.5.2). */
  uint64_t paddr;
  struct gwt_span span;
  unsigned cause = rv_translate (h, vaddr, 1, RV_LOAD, &paddr);
  if (cause != RV_EXC_NONE)
    cause = rv_translate (h, vaddr, 1, RV_STORE, &paddr);
  /* Where nothing is, neither is. */
  memset (&span, 0, sizeof span);
  if (cause == RV_EXC_NONE && rv_vcpu->span (h->device, paddr, 0, &span) != GWT_ACCESS_OK)
    cause = RV_EXC_STORE_ACCESS;
  if (cause != RV_EXC_NONE)
    {
      rv_raise (h, cause, vaddr);
      return false;
    }
  return true;
}
