/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slow paths of loads and stores: TLB misses, MMIO, misaligned and page-crossing accesses, cache-block
 * operations.  A fault is raised here with the address that caused it; h->pc is the instruction's.
 *
 * Aligned accesses to RAM are single-copy atomic and race with other harts' by design, hence the
 * relaxed atomics; on the hosts that matter they are plain moves.
 */
#include <string.h>

#include "accel.h"
#include "bytes.h"

/* An access that is aligned, or lies in RAM within one page. */
static bool
load_one (struct rv_hart *h, uint64_t vaddr, unsigned size, uint64_t *value)
{
  struct rv_tlb_entry *e = rv_tlb_slot (h->tlb_load, vaddr);
  uint8_t *host;
  uint64_t paddr;
  if (e->key == (vaddr & RV_PAGE_MASK))
    host = (uint8_t *) (uintptr_t) (vaddr + e->addend);
  else
    {
      unsigned cause = rv_tlb_fill (h, vaddr, RV_LOAD, &host, &paddr);
      if (cause != RV_EXC_NONE)
        {
          rv_raise (h, cause, vaddr);
          return false;
        }
      if (host == NULL)
        {
          /* I/O takes no misaligned accesses: an access fault says so at once, where a misaligned
             exception would have firmware try it byte by byte (Privileged Architecture, 3.6.3.3). */
          *value = 0;
          if ((vaddr & (size - 1)) != 0
              || rv_vcpu->load (h->device, paddr, size, value) != GWT_ACCESS_OK)
            {
              rv_raise (h, RV_EXC_LOAD_ACCESS, vaddr);
              return false;
            }
          return true;
        }
    }
  *value = (vaddr & (size - 1)) == 0 ? rv_host_load (host, size) : rv_host_load_any (host, size);
  return true;
}

bool
rv_load_slow (struct rv_hart *h, uint64_t vaddr, unsigned size, uint64_t *value)
{
  unsigned first = RV_PAGE_SIZE - (vaddr & ~RV_PAGE_MASK);
  uint64_t low = 0;
  if (first >= size)
    return load_one (h, vaddr, size, value);
  /* Across pages: byte by byte, in address order, so that the fault names the first bad byte. */
  for (unsigned i = 0; i < size; i++)
    {
      uint64_t byte;
      if (!load_one (h, vaddr + i, 1, &byte))
        return false;
      low |= byte << (8 * i);
    }
  *value = low;
  return true;
}

static bool
store_one (struct rv_hart *h, uint64_t vaddr, unsigned size, uint64_t value)
{
  struct rv_tlb_entry *e = rv_tlb_slot (h->tlb_store, vaddr);
  uint8_t *host;
  uint64_t paddr;
  if (e->key == (vaddr & RV_PAGE_MASK))
    host = (uint8_t *) (uintptr_t) (vaddr + e->addend);
  else
    {
      unsigned cause = rv_tlb_fill (h, vaddr, RV_STORE, &host, &paddr);
      if (cause != RV_EXC_NONE)
        {
          rv_raise (h, cause, vaddr);
          return false;
        }
      if (host == NULL)
        {
          if ((vaddr & (size - 1)) != 0
              || rv_vcpu->store (h->device, paddr, size, value) != GWT_ACCESS_OK)
            {
              rv_raise (h, RV_EXC_STORE_ACCESS, vaddr);
              return false;
            }
          return true;
        }
    }
  if ((vaddr & (size - 1)) == 0)
    rv_host_store (host, size, value);
  else
    rv_host_store_any (host, size, value);
  return true;
}

bool
rv_store_slow (struct rv_hart *h, uint64_t vaddr, unsigned size, uint64_t value)
{
  unsigned first = RV_PAGE_SIZE - (vaddr & ~RV_PAGE_MASK);
  if (first >= size)
    return store_one (h, vaddr, size, value);
  /* Both pages have to be writable before the first byte changes: the trap is precise. */
  for (unsigned i = 0; i <= first; i += first)
    {
      uint64_t paddr;
      unsigned cause = rv_translate (h, vaddr + i, RV_STORE, &paddr);
      if (cause != RV_EXC_NONE)
        {
          rv_raise (h, cause, vaddr + i);
          return false;
        }
    }
  for (unsigned i = 0; i < size; i++)
    if (!store_one (h, vaddr + i, 1, value >> (8 * i)))
      return false;
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
    cause = rv_tlb_fill (h, vaddr, access, &p, &paddr);
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
  unsigned cause = rv_tlb_fill (h, block, RV_STORE, &p, &paddr);
  if (cause != RV_EXC_NONE)
    {
      rv_raise (h, cause, vaddr);
      return false;
    }
  if (p == NULL)
    {
      /* Zeroing I/O or ROM: store by store, as a core without a cache would. */
      for (unsigned i = 0; i < RV_CBO_BLOCK; i += 8)
        if (rv_vcpu->store (h->device, paddr + i, 8, 0) != GWT_ACCESS_OK)
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
  unsigned cause = rv_translate (h, vaddr, RV_LOAD, &paddr);
  if (cause != RV_EXC_NONE)
    cause = rv_translate (h, vaddr, RV_STORE, &paddr);
  if (cause != RV_EXC_NONE)
    {
      rv_raise (h, cause, vaddr);
      return false;
    }
  return true;
}
