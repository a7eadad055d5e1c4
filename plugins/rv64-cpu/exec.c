/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interpreter: one function, one label for each internal operation, and a computed jump from
 * each to the next.  The operations' bodies are in exec-*.inc by kind; this file owns how blocks
 * are entered, left and linked, and when the hart looks up from them.
 *
 * What lives in local variables, and so in host registers:
 *   h     the hart, and the integer registers at its start
 *   ip    the operation under execution
 *   pc    the virtual address of the start of the block, h->block; the instruction's own is
 *         pc + 2 * ip->pos
 *   left  instructions that may still be started (h->insn_left while outside)
 *   acc   the last result of an operation of RV_OPS_SET
 * A block's instructions are counted when it is entered; who leaves it early gives the rest back.
 */
#include "accel.h"
#include "arith.h"
#include "bytes.h"
#include "fp.h"

#define LIKELY(c) __builtin_expect (!!(c), 1)
#define UNLIKELY(c) __builtin_expect (!!(c), 0)

static const void *const *handlers;

/* Let the host's clock see how far the hart is in this call of run (): LEFT may still be started,
   the one under execution among them. */
static void
show_executed (struct rv_hart *h, int64_t left)
{
  __atomic_store_n (&h->run->executed, (uint64_t) (h->accel->budget - left), __ATOMIC_RELAXED);
}

/* Bring instret up to date; the instruction under execution, if any, is not counted. */
static void
sync_instret (struct rv_hart *h, int64_t left)
{
  show_executed (h, left);
  h->instret += (uint64_t) (h->accel->slice - left);
  h->accel->slice = left;
}

static bool
exec_csr (struct rv_hart *h, const struct rv_insn *ip)
{
  uint32_t bits = (uint32_t) ip->imm;
  unsigned number = bits >> 20, f3 = bits >> 12 & 7;
  uint64_t operand = f3 & 4 ? ip->rs1 : h->x[ip->rs1], old = 0, base;
  if ((f3 & 3) == 1)
    {
      if (ip->rd != RV_X_SINK && !rv_csr_read_for_write (h, number, &old, &base))
        return false;
      if (!rv_csr_write (h, number, operand))
        return false;
    }
  else if (ip->rs1 == 0)
    {
      if (!rv_csr_read (h, number, &old))
        return false;
    }
  else
    {
      if (!rv_csr_read_for_write (h, number, &old, &base))
        return false;
      if (!rv_csr_write (h, number, (f3 & 3) == 2 ? base | operand : base & ~operand))
        return false;
    }
  RV_X (h, ip->rd) = old;
  return true;
}

/* Jumps of a hart without C, where the target may be misaligned: 0 not taken, 1 taken to *TARGET,
   -1 trap. */
static int
exec_jump_slow (struct rv_hart *h, const struct rv_insn *ip, uint64_t *target)
{
  uint32_t bits = (uint32_t) ip->imm;
  uint64_t a = h->x[bits >> 15 & 31], c = h->x[bits >> 20 & 31], to;
  bool taken = true;
  if ((bits & 0x7f) == 0x67)
    to = (a + (uint64_t) ((int32_t) bits >> 20)) & ~UINT64_C (1);
  else if ((bits & 0x7f) == 0x6f)
    to = h->pc + (uint64_t) (((int32_t) bits >> 31) * 1048576
                             + (int32_t) ((bits & 0xff000) | (bits >> 9 & 0x800)
                                          | (bits >> 20 & 0x7fe)));
  else
    {
      static const uint8_t kinds[8] = { 0, 0, 0, 0, 1, 1, 2, 2 };
      unsigned f3 = bits >> 12 & 7;
      taken = kinds[f3] == 0 ? a == c : kinds[f3] == 1 ? (int64_t) a < (int64_t) c : a < c;
      taken ^= f3 & 1;
      to = h->pc + (uint64_t) (((int32_t) bits >> 31) * 4096
                               + (int32_t) ((bits << 4 & 0x800) | (bits >> 20 & 0x7e0)
                                            | (bits >> 7 & 0x1e)));
    }
  if (!taken)
    return 0;
  if (to & 3)
    {
      rv_raise (h, RV_EXC_FETCH_MISALIGNED, to);
      return -1;
    }
  if ((bits & 0x7f) != 0x63)
    RV_X (h, ip->rd) = h->pc + 4;
  *target = to;
  return 1;
}

/* Zicbom and Zicboz: is FIELD of the environment configuration off for this privilege? */
static bool
is_cbo_off (const struct rv_hart *h, uint64_t field)
{
  return (h->priv != RV_M && !(h->menvcfg & field))
         || (h->priv == RV_U && h->ext_s && !(h->senvcfg & field));
}

static bool
irq_possible (const struct rv_hart *h)
{
  uint64_t pending = atomic_load_explicit (&h->mip_lines, memory_order_relaxed)
                     | atomic_load_explicit (&h->mip_soft, memory_order_relaxed);
  return (pending & h->mie) != 0;
}

/* Threaded dispatch lives from each operation having its own indirect jump: keep gcc from sharing
   them. */
#if defined(__GNUC__) && !defined(__clang__)
__attribute__ ((optimize ("no-gcse", "no-crossjumping", "no-tree-tail-merge")))
#endif
static enum gwt_exit
run_blocks (struct rv_hart *h)
{
  static const void *const table[RV_VARIANTS][RV_OP_COUNT] = {
    {
#define O(name) [RV_OP_##name] = &&op_##name,
#define P(a, b) [RV_OP_##a##__##b] = &&op_##a##__##b,
      RV_OPS (O) RV_PAIRS (P)
    },
#undef O
#undef P
    {
#define O(name) [RV_OP_##name] = &&acc_##name,
#define P(a, b) [RV_OP_##a##__##b] = &&acc_##a##__##b,
      RV_OPS_ACC (O) RV_CHAINS (P)
#undef O
#undef P
    },
    {
#define P(a, b) [RV_OP_##a##__##b] = &&chain_##a##__##b,
      RV_CHAINS (P)
#undef P
    },
    {
#define P(a, b) [RV_OP_##a##__##b] = &&acc_chain_##a##__##b,
      RV_CHAINS (P)
#undef P
    },
  };
  const struct rv_insn *ip;
  uint64_t pc, acc = 0;
  int64_t left;

  if (h == NULL)
    {
      handlers = &table[0][0];
      return GWT_EXIT_ERROR;
    }
  left = h->insn_left;
  goto lookup;

#define OP(name) op_##name:
/*
 * DO_x is what operation x does, with A1 and A2 for the registers rs1 and rs2 and SET for rd.  A1
 * is read ahead into s1, which is where the variants differ.
 */
#define A1 s1
#define A2 X (rs2)
#define SET(value) (X (rd) = acc = (value))
#define SET_F(value) (F (rd) = (value))
#define BODY(name, source)                                                                         \
  do                                                                                               \
    {                                                                                              \
      const uint64_t s1 = (source);                                                                \
      (void) s1;                                                                                   \
      DO_##name;                                                                                   \
    }                                                                                              \
  while (0)
#define SIMPLE(name)                                                                               \
  op_##name : BODY (name, X (rs1));                                                                \
  NEXT;
#define FROM_ACC(name)                                                                             \
  acc_##name : BODY (name, acc);                                                                   \
  NEXT;
#define TWO(label, a, b, source_a, source_b)                                                       \
  label##a##__##b : BODY (a, source_a);                                                            \
  ip++;                                                                                            \
  BODY (b, source_b);                                                                              \
  NEXT;
#define X(field) RV_X (h, ip->field)
#define F(field) h->f[ip->field]
#define IMM ((uint64_t) (int64_t) ip->imm)
#define NEXT                                                                                       \
  do                                                                                               \
    {                                                                                              \
      ip++;                                                                                        \
      goto *ip->go;                                                                                \
    }                                                                                              \
  while (0)
#define ENTER(to)                                                                                  \
  do                                                                                               \
    {                                                                                              \
      struct rv_block *next = (to);                                                                \
      ip = next->insn;                                                                             \
      h->block = next;                                                                             \
      left -= next->n;                                                                             \
      if (UNLIKELY ((left | atomic_load_explicit (&h->kick, memory_order_relaxed)) < 0))           \
        goto attention;                                                                            \
      goto *ip->go;                                                                                \
    }                                                                                              \
  while (0)
/* To a place in this page: through the link behind the operation. */
#define JUMP_NEAR                                                                                  \
  do                                                                                               \
    {                                                                                              \
      const struct rv_link *link = (const struct rv_link *) (const void *) (ip + 1);               \
      if (UNLIKELY (link->epoch != h->code_epoch))                                                 \
        goto unlinked;                                                                             \
      ENTER (link->to);                                                                            \
    }                                                                                              \
  while (0)
/* To anywhere: pc is the target. */
#define JUMP_FAR                                                                                   \
  do                                                                                               \
    {                                                                                              \
      const struct rv_jump_entry *j = rv_jump_slot (h->jump_cache, pc);                            \
      if (UNLIKELY (j->pc != pc))                                                                  \
        goto not_cached;                                                                           \
      ENTER (j->block);                                                                            \
    }                                                                                              \
  while (0)
/* Before anything that may trap or look at the hart. */
#define SYNC_PC (h->pc = pc + 2 * (uint64_t) ip->pos)
/* Before what may reach a device, which may look at a clock that counts instructions. */
#define SYNC_ACCESS                                                                                \
  do                                                                                               \
    {                                                                                              \
      SYNC_PC;                                                                                     \
      if (UNLIKELY (h->run->budget != 0))                                                          \
        show_executed (h, left + rv_block_rest (h->block, ip->pos));                               \
    }                                                                                              \
  while (0)

#include "exec-int.inc"
#include "exec-flow.inc"
#include "exec-mem.inc"
#include "exec-fp.inc"
#include "exec-sys.inc"

  RV_OPS_ACC (FROM_ACC)
#define PLAIN(a, b) TWO (op_, a, b, X (rs1), X (rs1))
#define CHAIN(a, b)                                                                                \
  TWO (acc_, a, b, acc, X (rs1))                                                                   \
  TWO (chain_, a, b, X (rs1), acc)                                                                 \
  TWO (acc_chain_, a, b, acc, acc)
  RV_PAIRS (PLAIN)
  RV_CHAINS (CHAIN)

unlinked:
  {
    struct rv_link *link = (struct rv_link *) (void *) (ip + 1);
    uint64_t epoch = h->code_epoch;
    struct rv_block *to;
    h->pc = pc;
    to = rv_block_find (h);
    if (to == NULL)
      goto lookup;
    /* A scratch block is gone at the next step; one that crosses pages hangs on two translations.
       A new epoch means that the cache was emptied, and this block with it. */
    if (h->block != h->accel->scratch && to != h->accel->scratch && to->paddr_2 == 0
        && to->n_first == to->n_bytes && epoch == h->code_epoch)
      *link = (struct rv_link) { to, epoch };
    ENTER (to);
  }

not_cached:
  {
    struct rv_block *to;
    h->pc = pc;
    to = rv_block_find (h);
    if (to == NULL)
      goto lookup;
    ENTER (to);
  }

illegal:
  SYNC_PC;
  rv_raise (h, RV_EXC_ILLEGAL, rv_block_bits (h->block, ip->pos));
  /* fall through */
trapped:
  /* The instruction did not retire, nor did those behind it. */
  left += rv_block_rest (h->block, ip->pos);
  goto lookup;

leave_block:
  /* Behind the instruction at ip, which retires. */
  left += rv_block_rest (h->block, ip->pos) - 1;
  h->pc = pc + 2 * (uint64_t) ip->pos + rv_insn_size (rv_block_bits (h->block, ip->pos));
  goto outside;

system_done:
  if (irq_possible (h))
    rv_take_interrupt (h);
  /* fall through */
lookup:
  {
    const struct rv_jump_entry *j;
    struct rv_block *to;
    pc = h->pc;
    j = rv_jump_slot (h->jump_cache, pc);
    if (LIKELY (j->pc == pc))
      to = j->block;
    else
      {
        to = rv_block_find (h);
        if (to == NULL)
          {
            /* The handler's own page may be what is missing: do not loop here for ever. */
            if (atomic_load_explicit (&h->kick, memory_order_relaxed) != 0 || --left < 0)
              goto outside;
            goto lookup;
          }
      }
    ENTER (to);
  }

attention:
  left += h->block->n;
  h->pc = pc;
outside:
  if (atomic_load_explicit (&h->kick, memory_order_relaxed) != 0)
    {
      atomic_exchange (&h->kick, 0);
      if (__atomic_load_n (&h->run->exit_request, __ATOMIC_SEQ_CST))
        {
          h->insn_left = left;
          return GWT_EXIT_KICKED;
        }
      rv_take_interrupt (h);
      goto lookup;
    }
  if (left <= 0)
    {
      h->insn_left = left;
      return GWT_EXIT_BUDGET;
    }
  /* Fewer instructions are allowed than the block has. */
  {
    struct rv_block *to
        = rv_block_step (h, left < RV_BLOCK_INSNS ? (unsigned) left : RV_BLOCK_INSNS);
    if (to == NULL)
      {
        left--;
        goto lookup;
      }
    pc = h->pc;
    ENTER (to);
  }
}

const void *const *
rv_handlers (void)
{
  if (handlers == NULL)
    {
      rv_pairs_init ();
      run_blocks (NULL);
    }
  return handlers;
}

enum gwt_exit
rv_run (struct rv_hart *h)
{
  struct gwt_cpu_run *run = h->run;
  int64_t budget = run->budget != 0 && run->budget < INT64_MAX ? (int64_t) run->budget : INT64_MAX;
  enum gwt_exit why;
  /* Whatever came while nobody ran is looked at before the first block. */
  atomic_store (&h->kick, RV_KICK_SIGN);
  run->executed = 0;
  if (__atomic_load_n (&run->exit_request, __ATOMIC_SEQ_CST))
    why = GWT_EXIT_KICKED;
  else if (h->waiting && !rv_has_work (h))
    why = GWT_EXIT_HALTED;
  else
    {
      h->waiting = 0;
      h->insn_left = h->accel->slice = h->accel->budget = budget;
      rv_fp_enter (h);
      why = run_blocks (h);
      rv_fp_leave (h);
      run->executed = (uint64_t) (budget - h->insn_left);
      sync_instret (h, h->insn_left);
    }
  run->exit_reason = why;
  return why;
}
