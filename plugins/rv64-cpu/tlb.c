/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation contexts and the software TLB: which tables are current, how they are filled from
 * page walks and from the host's map of physical memory, and how they are emptied.  Knows nothing
 * of page tables or PMP (rv_walk does) nor of instructions.
 */
#include <string.h>

#include "accel.h"

/* Who accesses: decides with satp what a context's translations are.  MXR is bit 0 of U's and of
   both S's. */
enum
{
  VARIANT_U = 0,
  VARIANT_S = 2,
  VARIANT_S_SUM = 4,
  VARIANT_M = 6
};

#define SATP_ASID(satp) ((satp) >> 44 & 0xffff)

static uint32_t
new_serial (struct rv_accel *a)
{
  if (++a->serial == 0)
    {
      /* 2^32 flushes: entries of the same number may still be there. */
      memset (a->walk, 0, sizeof a->walk);
      a->serial = 1;
    }
  return a->serial;
}

static void
context_clear_jumps (struct rv_context *c, uint64_t epoch)
{
  memset (c->jump, 0xff, sizeof c->jump);
  memset (c->code_pages, 0, sizeof c->code_pages);
  c->code_epoch = epoch;
}

static void
context_clear (struct rv_hart *h, struct rv_context *c)
{
  if (!c->filled)
    return;
  memset (c->load, 0xff, sizeof c->load);
  memset (c->store, 0xff, sizeof c->store);
  memset (c->fetch, 0xff, sizeof c->fetch);
  context_clear_jumps (c, h->code_epoch);
  c->super[0] = c->super[1] = false;
  c->serial = new_serial (h->accel);
  c->filled = false;
}

static struct rv_context *
context_get (struct rv_hart *h, unsigned variant)
{
  struct rv_accel *a = h->accel;
  uint64_t satp = variant == VARIANT_M ? 0 : h->satp;
  struct rv_context *c = a->variant[variant], *oldest = NULL;
  if (c == NULL)
    {
      for (unsigned i = 0; i < RV_CONTEXTS; i++)
        {
          struct rv_context *k = &a->context[i];
          if (k->used && k->variant == variant && k->satp == satp)
            {
              c = k;
              break;
            }
          /* Not the current ones, and never M mode's. */
          if (k->used && (k == a->data || k == a->code || k->variant == VARIANT_M))
            continue;
          if (oldest == NULL || !k->used || (oldest->used && k->stamp < oldest->stamp))
            oldest = k;
        }
      if (c == NULL)
        {
          c = oldest;
          for (unsigned v = 0; v < VARIANT_M; v++)
            if (a->variant[v] == c)
              a->variant[v] = NULL;
          if (!c->used)
            c->filled = true; /* never been emptied */
          context_clear (h, c);
          c->used = true;
          c->variant = variant;
          c->satp = satp;
        }
      a->variant[variant] = c;
    }
  c->stamp = ++a->clock;
  if (c->code_epoch != h->code_epoch)
    context_clear_jumps (c, h->code_epoch);
  return c;
}

static unsigned
data_privilege (const struct rv_hart *h)
{
  if (h->mstatus & RV_MSTATUS_MPRV)
    {
      if (h->priv == RV_M)
        return (h->mstatus & RV_MSTATUS_MPP) >> 11;
    }
  return h->priv;
}

void
rv_context_changed (struct rv_hart *h)
{
  struct rv_accel *a = h->accel;
  unsigned priv = data_privilege (h), mxr = (h->mstatus & RV_MSTATUS_MXR) != 0, data, code;
  if (a == NULL)
    return;
  if (a->satp != h->satp)
    {
      memset (a->variant, 0, VARIANT_M * sizeof a->variant[0]);
      a->satp = h->satp;
    }
  if (priv == RV_M)
    data = VARIANT_M;
  else if (priv == RV_U)
    data = VARIANT_U + mxr;
  else
    data = (h->mstatus & RV_MSTATUS_SUM ? VARIANT_S_SUM : VARIANT_S) + mxr;
  code = h->priv == RV_M ? VARIANT_M : h->priv == RV_U ? VARIANT_U : VARIANT_S;
  a->code = context_get (h, code);
  a->data = data == code ? a->code : context_get (h, data);
  h->tlb_load = a->data->load;
  h->tlb_store = a->data->store;
  h->jump_cache = a->code->jump;
}

/* ---- emptying ---- */

void
rv_tlb_flush_all (struct rv_hart *h)
{
  struct rv_accel *a = h->accel;
  if (a == NULL)
    return;
  for (unsigned i = 0; i < RV_CONTEXTS; i++)
    if (a->context[i].used)
      context_clear (h, &a->context[i]);
}

static void
flush_jumps_of_page (struct rv_context *c, uint64_t page)
{
  uint64_t n = page >> RV_PAGE_BITS;
  /* The page before may end in an instruction that reaches into this one. */
  for (uint64_t p = n - 1; p != n + 1; p++)
    if (c->code_pages[p >> 6 & 7] >> (p & 63) & 1)
      {
        for (unsigned i = 0; i < RV_JUMP_SIZE; i++)
          if (c->jump[i].pc >> RV_PAGE_BITS == n || c->jump[i].pc >> RV_PAGE_BITS == n - 1)
            c->jump[i].pc = UINT64_MAX;
        return;
      }
}

static struct rv_walk_entry *
walk_slot (struct rv_accel *a, const struct rv_context *c, uint64_t page)
{
  uint64_t n = page >> RV_PAGE_BITS;
  return &a->walk[(n ^ n >> 12 ^ c->serial * 0x9e5u) & (RV_WALK_SIZE - 1)];
}

static void
flush_page (struct rv_hart *h, struct rv_context *c, uint64_t page)
{
  struct rv_tlb_entry *e;
  struct rv_fetch_entry *f = &c->fetch[(page >> RV_PAGE_BITS) & (RV_FETCH_SIZE - 1)];
  struct rv_walk_entry *w = walk_slot (h->accel, c, page);
  if (!c->filled)
    return;
  /* The address may lie anywhere in a superpage whose parts are entered one by one. */
  if (c->super[page >> 63])
    {
      context_clear (h, c);
      return;
    }
  e = rv_tlb_slot (c->load, page);
  if (e->key == page)
    e->key = UINT64_MAX;
  e = rv_tlb_slot (c->store, page);
  if (e->key == page)
    e->key = UINT64_MAX;
  if (f->key == page)
    f->key = UINT64_MAX;
  if (w->key == page && w->serial == c->serial)
    w->serial = 0;
  flush_jumps_of_page (c, page);
}

void
rv_tlb_flush (struct rv_hart *h, const uint64_t *vaddr, const uint64_t *asid)
{
  struct rv_accel *a = h->accel;
  if (a == NULL)
    return;
  for (unsigned i = 0; i < RV_CONTEXTS; i++)
    {
      struct rv_context *c = &a->context[i];
      /* M mode and bare mode have identity mappings, which no sfence.vma changes. */
      if (!c->used || c->satp == 0 || (asid != NULL && SATP_ASID (c->satp) != *asid))
        continue;
      if (vaddr != NULL)
        flush_page (h, c, *vaddr & RV_PAGE_MASK);
      else
        context_clear (h, c);
    }
}

void
rv_tlb_flush_stores (struct rv_hart *h)
{
  struct rv_accel *a = h->accel;
  if (a == NULL)
    return;
  for (unsigned i = 0; i < RV_CONTEXTS; i++)
    if (a->context[i].used)
      memset (a->context[i].store, 0xff, sizeof a->context[i].store);
  memset (&a->span_load, 0, sizeof a->span_load);
  memset (&a->span_store, 0, sizeof a->span_store);
}

void
rv_jump_clear (struct rv_hart *h)
{
  for (unsigned i = 0; i < RV_CONTEXTS; i++)
    if (h->accel->context[i].used)
      context_clear_jumps (&h->accel->context[i], h->code_epoch);
}

/* ---- filling ---- */

static bool
covers (const struct gwt_span *s, uint64_t paddr, unsigned size)
{
  uint64_t off = paddr - s->address;
  return off < s->size && s->size - off >= size;
}

/* The host's memory at PADDR; NULL where there is none that may be used directly.  TO_STORE: it
   is about to be stored to. */
static uint8_t *
host_at (struct rv_hart *h, uint64_t paddr, unsigned size, bool to_store, bool *writable)
{
  struct rv_accel *a = h->accel;
  struct gwt_span *s = to_store ? &a->span_store : &a->span_load;
  if (!covers (s, paddr, size))
    {
      memset (s, 0, sizeof *s);
      if (rv_vcpu->span (h->device, paddr, to_store, s) != GWT_ACCESS_OK)
        memset (s, 0, sizeof *s);
      if (!covers (s, paddr, size))
        return NULL;
    }
  *writable = (s->flags & GWT_SPAN_WRITE) != 0;
  if (s->host == NULL || (to_store && !*writable))
    return NULL;
  return s->host + (paddr - s->address);
}

void *
rv_phys_ptr (struct rv_hart *h, uint64_t paddr, unsigned size, enum rv_access access)
{
  bool writable;
  return host_at (h, paddr, size, access == RV_STORE, &writable);
}

/* Walk, through the second level. */
static unsigned
walk (struct rv_hart *h, struct rv_context *c, uint64_t vaddr, unsigned size,
      enum rv_access access, unsigned priv, uint64_t *paddr, uint32_t *may, bool *whole)
{
  uint64_t page = vaddr & RV_PAGE_MASK;
  struct rv_walk_entry *w = walk_slot (h->accel, c, page);
  struct rv_page p;
  unsigned cause;
  if (w->serial == c->serial && w->key == page && (w->may & RV_MAY (access)))
    {
      *paddr = w->paddr | (vaddr & ~RV_PAGE_MASK);
      *may = w->may;
      *whole = true;
      return RV_EXC_NONE;
    }
  memset (&p, 0, sizeof p);
  cause = rv_walk (h, vaddr, access, priv, &p);
  if (cause != RV_EXC_NONE)
    return cause;
  if (!p.whole && !rv_pmp_allows (h, p.paddr, size, access, priv))
    return access == RV_FETCH ? RV_EXC_FETCH_ACCESS
                              : access == RV_LOAD ? RV_EXC_LOAD_ACCESS : RV_EXC_STORE_ACCESS;
  *paddr = p.paddr;
  *whole = p.whole;
  *may = (p.readable ? RV_MAY (RV_LOAD) : 0) | (p.writable ? RV_MAY (RV_STORE) : 0)
         | (p.executable ? RV_MAY (RV_FETCH) : 0) | RV_MAY (access);
  if (p.leaf_size > RV_PAGE_SIZE)
    c->super[vaddr >> 63] = true;
  if (p.whole)
    {
      c->filled = true;
      *w = (struct rv_walk_entry) { .key = page,
                                    .paddr = p.paddr & RV_PAGE_MASK,
                                    .serial = c->serial,
                                    .may = *may };
    }
  return RV_EXC_NONE;
}

unsigned
rv_translate (struct rv_hart *h, uint64_t vaddr, unsigned size, enum rv_access access,
              uint64_t *paddr)
{
  uint32_t may;
  bool whole;
  if (access == RV_FETCH)
    return walk (h, h->accel->code, vaddr, size, access, h->priv, paddr, &may, &whole);
  return walk (h, h->accel->data, vaddr, size, access, data_privilege (h), paddr, &may, &whole);
}

unsigned
rv_tlb_fill (struct rv_hart *h, uint64_t vaddr, unsigned size, enum rv_access access,
             uint8_t **host, uint64_t *paddr)
{
  struct rv_context *c = h->accel->data;
  uint64_t page = vaddr & RV_PAGE_MASK;
  uint32_t may;
  bool whole, writable;
  uint8_t *base;
  unsigned cause = walk (h, c, vaddr, size, access, data_privilege (h), paddr, &may, &whole);
  *host = NULL;
  if (cause != RV_EXC_NONE || (may & RV_MAY_NOT_DIRECT (access)))
    return cause;
  base = host_at (h, *paddr & RV_PAGE_MASK, RV_PAGE_SIZE, access == RV_STORE, &writable);
  if (base == NULL)
    {
      /* Less than a page of one kind may still be direct, but not through the TLB. */
      *host = host_at (h, *paddr, size, access == RV_STORE, &writable);
      if (*host == NULL && whole)
        walk_slot (h->accel, c, page)->may |= RV_MAY_NOT_DIRECT (access);
      return RV_EXC_NONE;
    }
  *host = base + (vaddr & ~RV_PAGE_MASK);
  if (whole)
    {
      struct rv_tlb_entry e = { page, (uintptr_t) base - (uintptr_t) page };
      struct rv_tlb_entry *load = rv_tlb_slot (c->load, page);
      struct rv_tlb_entry *store = rv_tlb_slot (c->store, page);
      c->filled = true;
      /* The other kind of access gets its entry at once where that displaces nobody: a program
         that reads one array and writes another must not find each evicting the other. */
      if ((may & RV_MAY (RV_LOAD)) && (access == RV_LOAD || load->key == UINT64_MAX))
        *load = e;
      /* A page that a load brought in may be stored to as well, unless its first store must be
         seen. */
      if ((may & RV_MAY (RV_STORE)) && writable && (access == RV_STORE || store->key == UINT64_MAX))
        *store = e;
    }
  return RV_EXC_NONE;
}

unsigned
rv_fetch_page (struct rv_hart *h, uint64_t pc, struct rv_fetch_entry *out)
{
  struct rv_context *c = h->accel->code;
  uint64_t page = pc & RV_PAGE_MASK, paddr;
  struct rv_fetch_entry *f = &c->fetch[(page >> RV_PAGE_BITS) & (RV_FETCH_SIZE - 1)];
  uint32_t may;
  bool whole, writable;
  unsigned cause;
  if (f->key == page)
    {
      *out = *f;
      return RV_EXC_NONE;
    }
  cause = walk (h, c, pc, 2, RV_FETCH, h->priv, &paddr, &may, &whole);
  if (cause != RV_EXC_NONE)
    return cause;
  out->key = page;
  out->paddr = paddr & RV_PAGE_MASK;
  out->host = host_at (h, out->paddr, RV_PAGE_SIZE, false, &writable);
  /* Code in MMIO space or in a part of a page is not executed: real cores may refuse as well. */
  if (out->host == NULL)
    return RV_EXC_FETCH_ACCESS;
  if (whole)
    {
      c->filled = true;
      *f = *out;
    }
  else
    out->key = UINT64_MAX; /* tells the caller not to remember what was found through it */
  return RV_EXC_NONE;
}

void
rv_jump_insert (struct rv_hart *h, uint64_t pc, struct rv_block *block)
{
  struct rv_context *c = h->accel->code;
  uint64_t n = pc >> RV_PAGE_BITS;
  c->filled = true;
  c->code_pages[n >> 6 & 7] |= UINT64_C (1) << (n & 63);
  *rv_jump_slot (c->jump, pc) = (struct rv_jump_entry) { pc, block };
}
