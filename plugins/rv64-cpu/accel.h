/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What makes a hart fast and can be thrown away at any time: software TLB, jump cache, block cache.
 * All of it belongs to one hart and is touched by that hart's thread alone, so there are no locks.
 *
 * A translation context is what an address means and who may use it: satp, privilege, SUM and
 * MXR.  The hart keeps several, each with its own TLBs and jump cache, so that a switch of
 * address space or of privilege is a change of pointers.
 */
#ifndef RV64_CPU_ACCEL_H
#define RV64_CPU_ACCEL_H

#include "insn.h"

#define RV_PAGE_BITS 12
#define RV_PAGE_SIZE (UINT64_C (1) << RV_PAGE_BITS)
#define RV_PAGE_MASK (~(RV_PAGE_SIZE - 1))

/* ---- software TLB ---- */

#define RV_TLB_SIZE 512 /* entries for loads, and as many for stores */
#define RV_FETCH_SIZE 64
#define RV_JUMP_SIZE 1024
#define RV_CONTEXTS 24
#define RV_WALK_SIZE 4096 /* second level, shared by all contexts */

struct rv_tlb_entry
{
  uint64_t key;     /* virtual page; all ones: empty, equal to no page */
  uintptr_t addend; /* host address = virtual address + addend */
};

struct rv_fetch_entry
{
  uint64_t key;
  const uint8_t *host; /* of the page's first byte */
  uint64_t paddr;      /* of the page */
  uint64_t pad;
};

struct rv_jump_entry
{
  uint64_t pc; /* odd: empty */
  struct rv_block *block;
};

#define RV_MAY(access) (1u << (access))
/* Accesses there go through gwt_vcpu_api: the page holds nothing, or too little, to use direct. */
#define RV_MAY_NOT_DIRECT(access) (1u << (4 + (access)))

/* Result of a page walk: second level behind the TLBs, also for MMIO pages, which have no direct
   pointer. */
struct rv_walk_entry
{
  uint64_t key;    /* virtual page */
  uint64_t paddr;  /* physical page */
  uint32_t serial; /* of the context; 0: empty */
  uint32_t may;    /* RV_MAY (access), RV_MAY_NOT_DIRECT (access) */
};

struct rv_context
{
  uint64_t satp;
  uint64_t stamp;   /* when it was last switched to: the oldest is replaced */
  uint32_t variant; /* see tlb.c */
  uint32_t serial;  /* identity in walk entries; a new one empties those at once */
  bool used;
  bool filled;      /* anything in the tables since they were emptied */
  bool super[2];    /* maps a superpage below / above the middle of the address space */
  uint32_t pad;
  uint64_t code_epoch; /* of the jump cache's entries */
  /* Pages that the jump cache may hold entries of, as a hash set: most flushed pages hold data. */
  uint64_t code_pages[8];
  /* From here on emptied with all ones. */
  struct rv_tlb_entry load[RV_TLB_SIZE];
  struct rv_tlb_entry store[RV_TLB_SIZE];
  struct rv_fetch_entry fetch[RV_FETCH_SIZE];
  struct rv_jump_entry jump[RV_JUMP_SIZE];
};

/* ---- block cache ---- */

/* One internal operation as the interpreter runs it; 16 bytes. */
struct rv_insn
{
  const void *go; /* the handler's address */
  int32_t imm;
  uint8_t rd, rs1, rs2;
  uint8_t pos; /* offset of the instruction from the block's start, in halfwords */
};

/* Stands behind each operation that ends in a jump within the page, in an operation's place. */
struct rv_link
{
  struct rv_block *to;
  uint64_t epoch; /* valid while equal to the hart's code_epoch */
};
_Static_assert (sizeof (struct rv_insn) == 16 || sizeof (void *) != 8, "one cache line holds four");
_Static_assert (sizeof (struct rv_link) <= sizeof (struct rv_insn), "takes one operation's place");

#define RV_BLOCK_INSNS 64 /* at the most; 64 * 4 bytes keeps `pos` within a byte */
#define RV_BLOCK_SLOTS (3 * RV_BLOCK_INSNS + 4)

struct rv_block
{
  struct rv_block *next; /* in its hash bucket */
  uint64_t paddr;
  uint64_t paddr_2;      /* of the second page, where the last instruction crosses into it */
  const uint8_t *host, *host_2;
  uint64_t epoch;        /* the bytes in memory were last seen equal to `raw` */
  uint8_t *raw;          /* the guest's bytes that were decoded */
  uint16_t n_bytes;
  uint16_t n_first;      /* bytes in the first page */
  uint32_t n;            /* guest instructions */
  struct rv_insn insn[]; /* operations and links */
};

#define RV_BLOCK_HASH 32768
#define RV_ARENA_SIZE (UINT64_C (64) << 20) /* address space; memory is taken as it is used */

struct rv_accel
{
  /* Contexts of the current satp by variant, filled on demand; M mode's is permanent. */
  struct rv_context *variant[8];
  struct rv_context *data, *code; /* current */
  uint64_t satp;                  /* that variant[] belongs to */
  uint64_t clock;                 /* for stamps */
  uint32_t serial;                /* last one given out */
  uint32_t pad;
  int64_t slice; /* insn_left when instret was last brought up to date */
  int64_t budget; /* insn_left when run () was entered */

  struct gwt_span span_load, span_store; /* last answers of gwt_vcpu_api.span */

  const void *const *handlers; /* by enum rv_variant, then enum rv_op */
  uint8_t *arena, *arena_next, *arena_end;
  struct rv_block *hash[RV_BLOCK_HASH];
  struct rv_block *scratch; /* for what is executed once: steps and truncated blocks */
  uint8_t scratch_raw[8 + 4 * RV_BLOCK_INSNS];

  struct rv_walk_entry walk[RV_WALK_SIZE];
  struct rv_context context[RV_CONTEXTS];
};

/* ---- tlb.c ---- */

/* Translate SIZE bytes within a page; on failure nothing is raised and the cause is returned. */
unsigned rv_translate (struct rv_hart *h, uint64_t vaddr, unsigned size, enum rv_access access,
                       uint64_t *paddr);
/* Host pointer to the SIZE bytes at VADDR, within a page, for a load or store; entered into the
   TLB where possible. *HOST is NULL for what has to go through gwt_vcpu_api, at *PADDR.  Returns
   a cause. */
unsigned rv_tlb_fill (struct rv_hart *h, uint64_t vaddr, unsigned size, enum rv_access access,
                      uint8_t **host, uint64_t *paddr);
/* The fetch entry for the page of PC; RV_EXC_NONE or a cause. */
unsigned rv_fetch_page (struct rv_hart *h, uint64_t pc, struct rv_fetch_entry *out);
void rv_jump_insert (struct rv_hart *h, uint64_t pc, struct rv_block *block);
/* Empty all jump caches: blocks went away. */
void rv_jump_clear (struct rv_hart *h);

static inline struct rv_tlb_entry *
rv_tlb_slot (void *table, uint64_t vaddr)
{
  return (struct rv_tlb_entry *) table + ((vaddr >> RV_PAGE_BITS) & (RV_TLB_SIZE - 1));
}

static inline struct rv_jump_entry *
rv_jump_slot (void *table, uint64_t pc)
{
  return (struct rv_jump_entry *) table + ((pc >> 1) & (RV_JUMP_SIZE - 1));
}

/* ---- memory.c: the slow paths; false: a trap was taken ---- */

/* SIZE 1, 2, 4 or 8, any alignment; the value is zero-extended. */
bool rv_load_slow (struct rv_hart *h, uint64_t vaddr, unsigned size, uint64_t *value);
bool rv_store_slow (struct rv_hart *h, uint64_t vaddr, unsigned size, uint64_t value);
/* A host pointer for LR (RV_LOAD), or SC and AMO (RV_STORE): aligned and in RAM. */
bool rv_atomic_ptr (struct rv_hart *h, uint64_t vaddr, unsigned size, enum rv_access access,
                    void **host);
bool rv_cbo_zero (struct rv_hart *h, uint64_t vaddr);
/* cbo.inval, clean and flush: no cache is modeled, what remains is the permission check. */
bool rv_cbo_manage (struct rv_hart *h, uint64_t vaddr);

/* ---- atomics.c ---- */

/* HOST as rv_atomic_ptr gave it.  Values of 4 bytes are sign-extended. */
uint64_t rv_lr (struct rv_hart *h, void *host, unsigned size);
/* rd: 0 where the store happened, else 1. */
uint64_t rv_sc (struct rv_hart *h, void *host, unsigned size, uint64_t value);
#define RV_AMO_DECLARE(name)                                                                       \
  uint64_t rv_##name##_w (struct rv_hart *h, void *host, uint64_t value);                          \
  uint64_t rv_##name##_d (struct rv_hart *h, void *host, uint64_t value);
RV_OPS_AMO (RV_AMO_DECLARE)
void rv_atomics_count (int change); /* harts that are there, in the process */

/* ---- block.c ---- */

int rv_blocks_new (struct rv_hart *h);
void rv_blocks_free (struct rv_hart *h);
void rv_blocks_clear (struct rv_hart *h);
/* The block that starts at h->pc in the current context; NULL: a trap was taken. */
struct rv_block *rv_block_find (struct rv_hart *h);
/* A block of at most LIMIT instructions at h->pc, one operation each, valid until the next call. */
struct rv_block *rv_block_step (struct rv_hart *h, unsigned limit);
/* Instructions of B at halfword offset POS and behind it. */
unsigned rv_block_rest (const struct rv_block *b, unsigned pos);
/* The instruction at POS: 16 or 32 bits. */
uint32_t rv_block_bits (const struct rv_block *b, unsigned pos);

/* Register N of hart H, the sink included, which is behind the array. */
#define RV_X(h, n) (((uint64_t *) (void *) (h))[n])
_Static_assert (offsetof (struct rv_hart, x) == 0, "RV_X takes the hart for its registers");

/* ---- exec.c ---- */

/* Of RV_VARIANTS * RV_OP_COUNT addresses; NULL where a variant has none. */
const void *const *rv_handlers (void);

#endif
