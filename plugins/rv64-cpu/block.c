/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block cache.  A block is a run of instructions in one page, decoded; it is found by
 * physical address so that it outlives changes of translation, and it knows its position only
 * relative to its start.  Conditional branches do not end it unless they go backward.
 *
 * Coherence (Zifencei): fence.i makes a new epoch.  A block of an older epoch is compared with
 * memory before it is used again and mostly kept: Linux issues many a fence.i and changes few
 * bytes.  Links between blocks and the jump caches hold for one epoch.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "accel.h"
#include "bytes.h"

/* What a block is made from. */
struct source
{
  const uint8_t *host, *host_2;
  uint64_t paddr, paddr_2;
  unsigned room; /* bytes up to the page's end */
  struct rv_decoded insn[RV_BLOCK_INSNS];
  unsigned n, n_bytes;
  bool crosses; /* the only instruction lies in two pages */
};

int
rv_blocks_new (struct rv_hart *h)
{
  struct rv_accel *a = h->accel;
  /* Address space; pages come as blocks fill them. */
  void *arena = mmap (NULL, RV_ARENA_SIZE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  a->arena = arena != MAP_FAILED ? arena : NULL;
  a->scratch = malloc (sizeof *a->scratch + RV_BLOCK_SLOTS * sizeof (struct rv_insn));
  if (a->arena == NULL || a->scratch == NULL)
    return -1;
  a->arena_next = a->arena;
  a->arena_end = a->arena + RV_ARENA_SIZE;
  a->scratch->raw = a->scratch_raw;
  return 0;
}

void
rv_blocks_free (struct rv_hart *h)
{
  if (h->accel->arena != NULL)
    munmap (h->accel->arena, RV_ARENA_SIZE);
  free (h->accel->scratch);
}

void
rv_blocks_clear (struct rv_hart *h)
{
  struct rv_accel *a = h->accel;
  memset (a->hash, 0, sizeof a->hash);
  a->arena_next = a->arena;
  h->code_epoch++;
  rv_context_changed (h);
}

static struct rv_block **
bucket (struct rv_accel *a, uint64_t paddr)
{
  return &a->hash[(paddr >> 1 ^ paddr >> 16) & (RV_BLOCK_HASH - 1)];
}

/* ---- decoding a run ---- */

static uint32_t
bits_at (const struct source *s, unsigned off)
{
  uint32_t low = rv_load16 (s->host + off);
  if (rv_insn_size (low) == 2)
    return low;
  if (off + 2 < s->room)
    return low | (uint32_t) rv_load16 (s->host + off + 2) << 16;
  return low | (uint32_t) rv_load16 (s->host_2) << 16;
}

static bool
ends_block (const struct rv_decoded *d)
{
  return (d->flags & RV_D_END) || ((d->flags & RV_D_BRANCH) && d->imm < 0);
}

static void
decode_run (struct rv_hart *h, struct source *s, unsigned limit)
{
  s->n = s->n_bytes = 0;
  if (s->crosses)
    limit = 1;
  while (s->n < limit)
    {
      struct rv_decoded *d = &s->insn[s->n];
      unsigned left = s->room - s->n_bytes;
      if (left == 0 || (left == 2 && !s->crosses && (s->host[s->n_bytes] & 3) == 3))
        break;
      rv_decode (h, bits_at (s, s->n_bytes), d);
      s->n++;
      s->n_bytes += d->size;
      if (ends_block (d))
        break;
    }
}

/* ---- internal operations ---- */

struct emitter
{
  const struct rv_accel *a;
  const struct source *s;
  struct rv_insn *at;
  unsigned start; /* offset of the block in its page */
  unsigned fp;    /* what has been checked: RV_D_FP, RV_D_FP_WRITE */
  bool fuse;
  struct rv_insn *prev; /* the operation just before, if it can still become half of a pair */
  unsigned prev_op, prev_variant;
  unsigned acc; /* the register whose value is also the last result; 0: none */
};

static struct rv_insn *
emit (struct emitter *e, unsigned op, unsigned off, int32_t imm)
{
  struct rv_insn *i = e->at++;
  *i = (struct rv_insn) { .go = e->a->handlers[op], .imm = imm, .pos = (uint8_t) (off / 2) };
  return i;
}

static const void *
handler (const struct emitter *e, unsigned op, unsigned variant)
{
  const void *const *h = e->a->handlers;
  const void *go = h[variant * RV_OP_COUNT + op];
  return go != NULL ? go : h[op];
}

static bool
sets_acc (unsigned op)
{
  switch (op)
    {
#define O(name) case RV_OP_##name:
      RV_OPS_SET (O)
#undef O
      return true;
    default:
      return false;
    }
}

/* Operations that leave both x[] and the last result alone. */
static bool
keeps_acc (unsigned op)
{
  switch (op)
    {
#define O(name) case RV_OP_##name:
      RV_OPS_STORE (O)
      RV_OPS_BRANCH (O)
#undef O
    case RV_OP_fld:
    case RV_OP_fsd:
    case RV_OP_nop:
      return true;
    default:
      return false;
    }
}

static bool
commutes (unsigned op)
{
  return op == RV_OP_add || op == RV_OP_xor || op == RV_OP_or || op == RV_OP_and
         || op == RV_OP_addw || op == RV_OP_mul || op == RV_OP_beq || op == RV_OP_bne;
}

/* I, just emitted, does OP: choose its handler, and let it share one with the operation before
   it. */
static void
choose_handler (struct emitter *e, struct rv_insn *i, unsigned op)
{
  struct rv_insn *prev = e->prev;
  unsigned both, variant = RV_FROM_X;
  if (!e->fuse)
    return;
  if (commutes (op) && i->rs2 == e->acc && i->rs1 != e->acc)
    {
      i->rs2 = i->rs1;
      i->rs1 = e->acc;
    }
  if (e->acc != 0 && i->rs1 == e->acc)
    {
      variant = RV_FIRST_FROM_ACC;
      i->go = handler (e, op, variant);
    }
  if (sets_acc (op))
    e->acc = i->rd != RV_X_SINK ? i->rd : 0;
  else if (!keeps_acc (op))
    e->acc = 0;
  both = prev == i - 1 ? rv_pair (e->prev_op, op) : RV_OP_illegal;
  if (both == RV_OP_illegal)
    {
      e->prev = i;
      e->prev_op = op;
      e->prev_variant = variant;
      return;
    }
  variant = e->prev_variant | (variant != RV_FROM_X ? RV_SECOND_FROM_ACC : 0);
  if (both == RV_OP_ld__ld && prev->rs1 == i->rs1 && prev->rd != i->rs1)
    both = RV_OP_ld_twice;
  else if (both == RV_OP_sd__sd && prev->rs1 == i->rs1)
    both = RV_OP_sd_twice;
  prev->go = handler (e, both, variant);
  e->prev = NULL;
}

static void
emit_link (struct emitter *e)
{
  /* Epochs start at 1. */
  memset (e->at++, 0, sizeof (struct rv_insn));
}

/* Does a jump to offset TO from the block's start stay in the page, where a link holds? */
static bool
is_near (const struct emitter *e, int32_t to)
{
  int64_t at = (int64_t) e->start + to;
  return !e->s->crosses && at >= 0 && at < (int64_t) RV_PAGE_SIZE;
}

static unsigned
far_branch (unsigned op)
{
  switch (op)
    {
#define O(name)                                                                                    \
  case RV_OP_##name:                                                                               \
    return RV_OP_##name##_far;
      RV_OPS_BRANCH (O)
#undef O
    default:
      return RV_OP_illegal;
    }
}

static void
emit_jump (struct emitter *e, const struct rv_decoded *d, unsigned off, unsigned rest)
{
  int32_t to = (int32_t) off + d->imm;
  bool near = is_near (e, to);
  struct rv_insn *i;
  if (d->flags & RV_D_BRANCH)
    {
      i = emit (e, near ? d->op : far_branch (d->op), off, to);
      i->rs1 = d->rs1;
      i->rs2 = d->rs2;
      i->rd = (uint8_t) rest;
      choose_handler (e, i, near ? d->op : far_branch (d->op));
    }
  else
    {
      unsigned op = d->op == RV_OP_j ? (near ? RV_OP_j : RV_OP_j_far)
                                     : (near ? RV_OP_jal : RV_OP_jal_far);
      i = emit (e, op, off, to);
      i->rd = d->rd;
      i->rs1 = d->size;
      choose_handler (e, i, op);
    }
  if (near)
    emit_link (e);
}

static void
emit_fp_check (struct emitter *e, const struct rv_decoded *d, unsigned off)
{
  unsigned need = d->flags & (RV_D_FP | RV_D_FP_WRITE);
  if ((e->fp & need) == need)
    return;
  emit (e, need & RV_D_FP_WRITE ? RV_OP_fp_write : RV_OP_fp_use, off, (int32_t) d->bits);
  e->fp |= need;
}

static void
emit_insn (struct emitter *e, const struct rv_decoded *d, unsigned off, unsigned rest)
{
  struct rv_insn *i;
  if (d->flags & RV_D_FP)
    emit_fp_check (e, d, off);
  if (((d->flags & RV_D_BRANCH) || d->op == RV_OP_jal || d->op == RV_OP_j)
      && !(d->flags & RV_D_MISALIGNED))
    {
      emit_jump (e, d, off, rest);
      return;
    }
  i = emit (e, d->op, off, d->imm);
  i->rd = d->rd;
  i->rs1 = d->rs1;
  i->rs2 = d->rs2;
  switch (d->op)
    {
    case RV_OP_auipc:
      i->imm = d->imm + (int32_t) off;
      break;
    case RV_OP_jalr:
    case RV_OP_jr:
      i->rs2 = d->size;
      break;
    case RV_OP_fmadd_s:
    case RV_OP_fmsub_s:
    case RV_OP_fnmsub_s:
    case RV_OP_fnmadd_s:
    case RV_OP_fmadd_d:
    case RV_OP_fmsub_d:
    case RV_OP_fnmsub_d:
    case RV_OP_fnmadd_d:
      i->imm = d->imm | d->rs3 << 8;
      break;
    default:
      break;
    }
  choose_handler (e, i, d->op);
}

/* Operations for S at OUT; their number. */
static unsigned
emit_all (struct rv_hart *h, const struct source *s, struct rv_insn *out, bool fuse)
{
  struct emitter e = { .a = h->accel,
                       .s = s,
                       .at = out,
                       .start = (unsigned) (s->paddr & ~RV_PAGE_MASK),
                       .fuse = fuse };
  unsigned off = 0;
  for (unsigned k = 0; k < s->n; off += s->insn[k].size, k++)
    emit_insn (&e, &s->insn[k], off, s->n - k - 1);
  if (!(s->insn[s->n - 1].flags & RV_D_END))
    {
      /* What follows starts another block, in this page unless that is its end or a crossing. */
      bool near = is_near (&e, (int32_t) off) && s->room - off > 2;
      emit (&e, near ? RV_OP_end : RV_OP_end_far, off, (int32_t) off);
      if (near)
        emit_link (&e);
    }
  return (unsigned) (e.at - out);
}

static void
fill_header (struct rv_hart *h, struct rv_block *b, const struct source *s)
{
  b->paddr = s->paddr;
  b->paddr_2 = s->crosses ? s->paddr_2 : 0;
  b->host = s->host;
  b->host_2 = s->host_2;
  b->epoch = h->code_epoch;
  b->n = s->n;
  b->n_bytes = (uint16_t) s->n_bytes;
  b->n_first = (uint16_t) (s->crosses ? 2 : s->n_bytes);
  /* The bytes as they were decoded: memory may have changed under our eyes. */
  for (unsigned k = 0, off = 0; k < s->n; off += s->insn[k].size, k++)
    {
      uint32_t bits = rv_le32 (s->insn[k].bits);
      memcpy (b->raw + off, &bits, s->insn[k].size);
    }
}

/* Does memory still hold what B was made from? */
static bool
is_current (const struct rv_block *b)
{
  return memcmp (b->raw, b->host, b->n_first) == 0
         && (b->n_first == b->n_bytes
             || memcmp (b->raw + b->n_first, b->host_2, b->n_bytes - b->n_first) == 0);
}

static struct rv_block *
build (struct rv_hart *h, struct source *s)
{
  struct rv_accel *a = h->accel;
  struct rv_insn insn[RV_BLOCK_SLOTS];
  struct rv_block *b, **head;
  unsigned slots;
  size_t size;
  decode_run (h, s, RV_BLOCK_INSNS);
  slots = emit_all (h, s, insn, true);
  size = (sizeof *b + slots * sizeof *insn + s->n_bytes + 15) & ~(size_t) 15;
  if ((size_t) (a->arena_end - a->arena_next) < size)
    rv_blocks_clear (h);
  b = (struct rv_block *) (void *) a->arena_next;
  a->arena_next += size;
  memcpy (b->insn, insn, slots * sizeof *insn);
  b->raw = (uint8_t *) &b->insn[slots];
  fill_header (h, b, s);
  head = bucket (a, s->paddr);
  b->next = *head;
  *head = b;
  return b;
}

/* ---- finding ---- */

/* Fill S for the instructions at PC. *KEEP is false where a page's bytes differ in who may
   execute them. */
static bool
find_source (struct rv_hart *h, uint64_t pc, struct source *s, bool *keep)
{
  struct rv_fetch_entry f;
  unsigned off = (unsigned) (pc & ~RV_PAGE_MASK);
  uint64_t fault = pc;
  unsigned cause = rv_fetch_page (h, pc, &f);
  if (cause == RV_EXC_NONE)
    {
      *keep = f.key != UINT64_MAX;
      s->host = f.host + off;
      s->paddr = f.paddr | off;
      s->room = (unsigned) RV_PAGE_SIZE - off;
      s->host_2 = NULL;
      s->paddr_2 = 0;
      s->crosses = s->room == 2 && (s->host[0] & 3) == 3;
      if (s->crosses)
        {
          fault = pc + 2;
          cause = rv_fetch_page (h, fault, &f);
          if (cause == RV_EXC_NONE)
            {
              *keep = *keep && f.key != UINT64_MAX;
              s->host_2 = f.host;
              s->paddr_2 = f.paddr;
            }
        }
      else if (!*keep && (s->host[0] & 3) == 3)
        {
          uint64_t paddr;
          fault = pc + 2;
          cause = rv_translate (h, fault, 2, RV_FETCH, &paddr);
        }
    }
  if (cause != RV_EXC_NONE)
    rv_raise (h, cause, fault);
  return cause == RV_EXC_NONE;
}

struct rv_block *
rv_block_find (struct rv_hart *h)
{
  struct source s;
  struct rv_block *b, **link;
  bool keep;
  if (!find_source (h, h->pc, &s, &keep))
    return NULL;
  if (!keep)
    return rv_block_step (h, 1);
  for (link = bucket (h->accel, s.paddr); (b = *link) != NULL; link = &b->next)
    {
      if (b->paddr != s.paddr || b->paddr_2 != s.paddr_2)
        continue;
      if (b->epoch == h->code_epoch)
        break;
      if (is_current (b))
        {
          b->epoch = h->code_epoch;
          break;
        }
      /* Its bytes changed.  The memory stays in use until the arena is full: the block may be
         running. */
      *link = b->next;
      b = NULL;
      break;
    }
  if (b == NULL)
    b = build (h, &s);
  rv_jump_insert (h, h->pc, b);
  return b;
}

struct rv_block *
rv_block_step (struct rv_hart *h, unsigned limit)
{
  struct source s;
  struct rv_block *b = h->accel->scratch;
  bool keep;
  if (!find_source (h, h->pc, &s, &keep))
    return NULL;
  decode_run (h, &s, !keep ? 1 : limit < RV_BLOCK_INSNS ? limit : RV_BLOCK_INSNS);
  emit_all (h, &s, b->insn, false);
  fill_header (h, b, &s);
  return b;
}

uint32_t
rv_block_bits (const struct rv_block *b, unsigned pos)
{
  uint32_t bits = 0;
  uint16_t half;
  memcpy (&half, b->raw + 2 * pos, 2);
  memcpy (&bits, b->raw + 2 * pos, rv_insn_size (rv_le16 (half)));
  return rv_le32 (bits);
}

unsigned
rv_block_rest (const struct rv_block *b, unsigned pos)
{
  unsigned rest = b->n;
  for (unsigned off = 0; off < 2 * pos; rest--)
    {
      uint16_t half;
      memcpy (&half, b->raw + off, 2);
      off += rv_insn_size (rv_le16 (half));
    }
  return rest;
}
