/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions between decoder, block cache and interpreter: the list of internal operations, and
 * the decoded forms.  An internal operation is what one handler of the interpreter does; most are
 * one RISC-V instruction, some are special cases (a move, a constant), some are two instructions
 * at once.
 */
#ifndef RV64_CPU_INSN_H
#define RV64_CPU_INSN_H

#include "cpu.h"

/* Two-operand arithmetic: rd = rs1 OP rs2. */
#define RV_OPS_REG(O)                                                                              \
  O (add) O (sub) O (sll) O (slt) O (sltu) O (xor) O (srl) O (sra) O (or) O (and)                  \
  O (addw) O (subw) O (sllw) O (srlw) O (sraw)                                                     \
  O (mul) O (mulh) O (mulhsu) O (mulhu) O (div) O (divu) O (rem) O (remu)                          \
  O (mulw) O (divw) O (divuw) O (remw) O (remuw)                                                   \
  O (add_uw) O (sh1add) O (sh2add) O (sh3add) O (sh1add_uw) O (sh2add_uw) O (sh3add_uw)            \
  O (andn) O (orn) O (xnor) O (max) O (maxu) O (min) O (minu) O (rol) O (ror) O (rolw) O (rorw)    \
  O (clmul) O (clmulh) O (clmulr) O (bclr) O (bext) O (binv) O (bset)

/* rd = rs1 OP imm. */
#define RV_OPS_IMM(O)                                                                              \
  O (addi) O (slti) O (sltiu) O (xori) O (ori) O (andi) O (slli) O (srli) O (srai)                 \
  O (addiw) O (slliw) O (srliw) O (sraiw) O (slli_uw)                                              \
  O (rori) O (roriw) O (bclri) O (bexti) O (binvi) O (bseti)

/* rd = OP rs1. */
#define RV_OPS_UNARY(O)                                                                            \
  O (mv) O (sext_w) O (clz) O (clzw) O (ctz) O (ctzw) O (cpop) O (cpopw) O (sext_b) O (sext_h)     \
  O (zext_h) O (orc_b) O (rev8)

#define RV_OPS_LOAD(O) O (lb) O (lh) O (lw) O (ld) O (lbu) O (lhu) O (lwu)
#define RV_OPS_STORE(O) O (sb) O (sh) O (sw) O (sd)

/* Conditional branches; the _far ones leave the page. */
#define RV_OPS_BRANCH(O)                                                                           \
  O (beq) O (bne) O (blt) O (bge) O (bltu) O (bgeu) O (beqz) O (bnez)

#define RV_OPS_AMO(O)                                                                              \
  O (amoswap) O (amoadd) O (amoxor) O (amoand) O (amoor) O (amomin) O (amomax) O (amominu)         \
  O (amomaxu)

/* Floating point, by the shape of the call; each exists as _s and _d. */
#define RV_OPS_FP_BINARY_RM(O) O (fadd) O (fsub) O (fmul) O (fdiv)
#define RV_OPS_FP_FMA(O) O (fmadd) O (fmsub) O (fnmsub) O (fnmadd)
#define RV_OPS_FP_MINMAX(O) O (fmin) O (fmax)
#define RV_OPS_FP_COMPARE(O) O (feq) O (flt) O (fle)
#define RV_OPS_FP_SIGN(O) O (fsgnj) O (fsgnjn) O (fsgnjx)
#define RV_OPS_FP_TO_INT(O) O (fcvt_w) O (fcvt_wu) O (fcvt_l) O (fcvt_lu)
#define RV_OPS_FP_FROM_INT(O) O (w) O (wu) O (l) O (lu)

#define RV_OPS_FP(O)                                                                               \
  O (fadd_s) O (fsub_s) O (fmul_s) O (fdiv_s) O (fadd_d) O (fsub_d) O (fmul_d) O (fdiv_d)          \
  O (fsqrt_s) O (fsqrt_d)                                                                          \
  O (fmadd_s) O (fmsub_s) O (fnmsub_s) O (fnmadd_s)                                                \
  O (fmadd_d) O (fmsub_d) O (fnmsub_d) O (fnmadd_d)                                                \
  O (fmin_s) O (fmax_s) O (fmin_d) O (fmax_d)                                                      \
  O (feq_s) O (flt_s) O (fle_s) O (feq_d) O (flt_d) O (fle_d)                                      \
  O (fsgnj_s) O (fsgnjn_s) O (fsgnjx_s) O (fsgnj_d) O (fsgnjn_d) O (fsgnjx_d)                      \
  O (fcvt_w_s) O (fcvt_wu_s) O (fcvt_l_s) O (fcvt_lu_s)                                            \
  O (fcvt_w_d) O (fcvt_wu_d) O (fcvt_l_d) O (fcvt_lu_d)                                            \
  O (fcvt_s_w) O (fcvt_s_wu) O (fcvt_s_l) O (fcvt_s_lu)                                            \
  O (fcvt_d_w) O (fcvt_d_wu) O (fcvt_d_l) O (fcvt_d_lu)                                            \
  O (fcvt_s_d) O (fcvt_d_s) O (fclass_s) O (fclass_d)                                              \
  O (fmv_x_w) O (fmv_x_d) O (fmv_w_x) O (fmv_d_x)                                                  \
  O (flw) O (fld) O (fsw) O (fsd)

/* Everything else.  `fp_use` and `fp_write` stand before a block's first floating-point instruction
   and check mstatus.FS; `end` leaves a block at its last instruction's successor; `ld_twice` and
   `sd_twice` are two accesses to one base register. */
#define RV_OPS_OTHER(O)                                                                            \
  O (illegal) O (nop) O (li) O (auipc)                                                             \
  O (jal) O (jal_far) O (j) O (j_far) O (jalr) O (jr) O (end) O (end_far) O (jump_slow)            \
  O (beq_far) O (bne_far) O (blt_far) O (bge_far) O (bltu_far) O (bgeu_far) O (beqz_far)           \
  O (bnez_far)                                                                                     \
  O (fence) O (fence_full) O (fence_i) O (pause)                                                   \
  O (ecall) O (ebreak) O (csr) O (mret) O (sret) O (wfi) O (sfence_vma) O (sinval_vma)             \
  O (sfence_w_inval) O (sfence_inval_ir)                                                           \
  O (cbo_inval) O (cbo_clean) O (cbo_flush) O (cbo_zero)                                           \
  O (lr_w) O (lr_d) O (sc_w) O (sc_d)                                                              \
  O (amoswap_w) O (amoadd_w) O (amoxor_w) O (amoand_w) O (amoor_w) O (amomin_w) O (amomax_w)       \
  O (amominu_w) O (amomaxu_w)                                                                      \
  O (amoswap_d) O (amoadd_d) O (amoxor_d) O (amoand_d) O (amoor_d) O (amomin_d) O (amomax_d)       \
  O (amominu_d) O (amomaxu_d)                                                                      \
  O (fp_use) O (fp_write) O (ld_twice) O (sd_twice)

/*
 * Pairs that are often neighbors get a handler that does both: P (first, second).  In a block the
 * two operations stand in their own places as always; only the first one's handler is another
 * one.
 */
/* Of these the second often works on what the first has made. */
#define RV_CHAINS(P)                                                                               \
  P (ld, ld) P (ld, addi) P (ld, add) P (ld, mv) P (ld, slli) P (ld, beqz) P (ld, bnez)            \
  P (ld, bne) P (ld, beq) P (ld, jr) P (ld, jalr) P (ld, addiw) P (ld, lbu) P (ld, lw)             \
  P (ld, andi) P (ld, sd) P (ld, or) P (ld, and) P (lw, addi) P (lw, add) P (lw, lw) P (lw, mv)    \
  P (lw, bge) P (lw, subw) P (lw, xor) P (lw, andi) P (lw, beqz) P (lw, bnez) P (lw, addiw)        \
  P (lw, sw) P (lw, sext_w) P (lw, bne) P (lw, beq) P (lbu, addi) P (lbu, andi) P (lbu, beqz)      \
  P (lbu, bnez) P (lbu, bltu) P (lbu, add) P (lbu, lbu) P (lbu, srliw) P (lbu, sb)                 \
  P (lhu, addi) P (addi, addi) P (addi, add) P (addi, ld) P (addi, lw) P (addi, sd)                \
  P (addi, sw) P (addi, lbu) P (addi, sb) P (addi, mv) P (addi, andi) P (addi, xor)                \
  P (addi, sub) P (addi, slli) P (addi, srli) P (addi, beq) P (addi, bne) P (addi, blt)            \
  P (addi, bge) P (addi, bltu) P (addi, bgeu) P (addi, beqz) P (addi, bnez) P (addi, jr)           \
  P (addi, or) P (add, add) P (add, addi) P (add, ld) P (add, lw) P (add, lbu) P (add, sd)         \
  P (add, mv) P (add, sub) P (add, bne) P (add, beq) P (add, bgeu) P (add, bnez) P (add, jr)       \
  P (add, slli) P (add, srli) P (add, xor) P (add, slliw) P (add, or) P (addw, addw)               \
  P (addw, srliw) P (addw, addi) P (sub, andi) P (sub, addi) P (sub, add) P (sub, mul)             \
  P (sub, xor) P (subw, bgeu) P (slli, add) P (slli, srli) P (slli, addi) P (slli, xor)            \
  P (slli, or) P (srli, add) P (srli, andi) P (srli, addi) P (srli, xor) P (srli, or)              \
  P (srliw, addi) P (srliw, xor) P (srliw, andi) P (slliw, or) P (xor, addi) P (xor, andi)         \
  P (xor, sd) P (xor, sext_w) P (xor, slli) P (xor, srli) P (xor, xor) P (xor, add)                \
  P (and, sub) P (and, beqz) P (and, bnez) P (andi, add) P (andi, addi) P (andi, slli)             \
  P (andi, beqz) P (andi, bnez) P (andi, beq) P (andi, bne) P (or, or) P (or, and) P (or, add)     \
  P (addiw, bgeu) P (addiw, bne) P (addiw, addi) P (addiw, andi) P (sext_w, bne)                   \
  P (sext_w, beq) P (sext_w, blt) P (sext_w, bge) P (sext_w, bgeu) P (mv, mv) P (mv, ld)           \
  P (mv, addi) P (mv, add) P (mv, sd) P (mv, jr) P (mv, beqz) P (mv, bgeu) P (mv, bltu)            \
  P (mv, bne) P (mul, add) P (mul, xor) P (sltu, beqz) P (sltu, bnez) P (sltiu, beqz)              \
  P (srl, xor) P (sll, xor)
#define RV_NEIGHBORS(P)                                                                            \
  P (ld, li) P (sd, sd) P (sd, addi) P (sd, li) P (sd, ld) P (sd, mv) P (sd, andi)                 \
  P (sd, auipc) P (sd, bne) P (sd, jal) P (sw, addi) P (sw, sw) P (sw, ld) P (sw, lw)              \
  P (sb, addi) P (sb, sb) P (sb, bne) P (addi, li) P (addi, j) P (addi, jal) P (addi, fld)         \
  P (addi, auipc) P (mv, li) P (mv, j) P (mv, jal) P (mv, auipc) P (li, li) P (li, mv)             \
  P (li, add) P (li, addi) P (li, sd) P (li, beq) P (li, bne) P (li, bge) P (li, bltu)             \
  P (li, bgeu) P (li, jal) P (li, j) P (li, jr) P (fld, fld) P (fld, addi) P (fsd, addi)
#define RV_PAIRS(P) RV_CHAINS (P) RV_NEIGHBORS (P)

/*
 * The interpreter keeps the last result of an operation of RV_OPS_SET in a host register beside
 * its place in x[].  An operation of RV_OPS_ACC has a second handler that takes its rs1 from
 * there: a value that goes through memory is several cycles late.
 */
#define RV_OPS_SET(O)                                                                              \
  RV_OPS_REG (O) RV_OPS_IMM (O) RV_OPS_UNARY (O) RV_OPS_LOAD (O) O (li) O (auipc)
#define RV_OPS_ACC(O)                                                                              \
  RV_OPS_REG (O) RV_OPS_IMM (O) RV_OPS_UNARY (O) RV_OPS_LOAD (O) RV_OPS_STORE (O)                  \
  RV_OPS_BRANCH (O) O (jr) O (jalr)

/* Handlers of one operation: of a pair, each half can take its rs1 from either place.  Where
   there is no such handler the first one serves. */
enum rv_variant
{
  RV_FROM_X = 0,
  RV_FIRST_FROM_ACC = 1,
  RV_SECOND_FROM_ACC = 2,
  RV_VARIANTS = 4
};

#define RV_OPS(O)                                                                                  \
  RV_OPS_OTHER (O) RV_OPS_REG (O) RV_OPS_IMM (O) RV_OPS_UNARY (O) RV_OPS_LOAD (O)                  \
  RV_OPS_STORE (O) RV_OPS_BRANCH (O) RV_OPS_FP (O)

enum rv_op
{
#define O(name) RV_OP_##name,
  RV_OPS (O)
#undef O
  RV_OP_SINGLE, /* number of those above */
  RV_OP_BEFORE_PAIRS = RV_OP_SINGLE - 1,
#define P(a, b) RV_OP_##a##__##b,
  RV_PAIRS (P)
#undef P
  RV_OP_COUNT
};

/* What the decoder makes of one instruction. */
struct rv_decoded
{
  uint16_t op;  /* enum rv_op */
  uint8_t size; /* bytes in memory: 2 or 4 */
  uint8_t flags; /* RV_D_* */
  uint8_t rd, rs1, rs2;
  uint8_t rs3;  /* FMA alone */
  /* Immediate; for jumps and branches relative to the instruction; for floating point the rounding
     mode; for illegal, csr and jump_slow the instruction's bits. */
  int32_t imm;
  uint32_t bits; /* as in memory: 16 or 32 bits */
};

#define RV_D_END (1u << 0)    /* nothing behind it belongs to the same block */
#define RV_D_BRANCH (1u << 1) /* conditional: the block may go on */
#define RV_D_FP (1u << 2)     /* needs mstatus.FS on */
#define RV_D_FP_WRITE (1u << 3) /* and makes it dirty */
#define RV_D_MISALIGNED (1u << 4) /* jump to an address that is no multiple of 4, without C */

/* The operation that does FIRST and SECOND, or RV_OP_illegal. rv_pairs_init () comes first, once.
   */
void rv_pairs_init (void);
unsigned rv_pair (unsigned first, unsigned second);

/* Bytes of the instruction whose first 16 bits are BITS: 2 or 4 (longer formats do not exist
   here). */
static inline unsigned
rv_insn_size (uint32_t bits)
{
  return (bits & 3) == 3 ? 4 : 2;
}

/* Decode BITS (the upper half is ignored for a 2-byte instruction); never fails: RV_OP_illegal. */
void rv_decode (const struct rv_hart *h, uint32_t bits, struct rv_decoded *d);
/* The 4-byte instruction that the 2-byte one stands for; 0 where it is reserved. */
uint32_t rv_expand (uint32_t bits);

#endif
