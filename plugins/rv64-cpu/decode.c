/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instruction bits to internal operations.  Owns the question whether an encoding is legal on a
 * hart with these extensions; what depends on the hart's mode or CSRs is left to execution.
 * Writes to x0 are redirected to the sink here, once, so that no handler has to look.
 */
#include "insn.h"

#define BITS(v, hi, lo) (((v) >> (lo)) & ((1u << ((hi) - (lo) + 1)) - 1))

/* Four-bit and smaller rows: 0 is RV_OP_illegal. */
_Static_assert (RV_OP_illegal == 0, "tables below leave holes for reserved encodings");

static int32_t
imm_i (uint32_t b)
{
  return (int32_t) b >> 20;
}

static int32_t
imm_s (uint32_t b)
{
  return ((int32_t) b >> 25) * 32 + (int32_t) BITS (b, 11, 7);
}

static int32_t
imm_b (uint32_t b)
{
  return ((int32_t) b >> 31) * 4096 + (int32_t) (BITS (b, 7, 7) << 11 | BITS (b, 30, 25) << 5
                                                 | BITS (b, 11, 8) << 1);
}

static int32_t
imm_j (uint32_t b)
{
  return ((int32_t) b >> 31) * 1048576
         + (int32_t) (BITS (b, 19, 12) << 12 | BITS (b, 20, 20) << 11 | BITS (b, 30, 21) << 1);
}

/* An instruction whose only effect would be a write to x0 is a hint: nothing to do. */
static void
write_rd (struct rv_decoded *d, unsigned op)
{
  d->op = op;
  if (d->rd == RV_X_SINK && op != RV_OP_illegal)
    d->op = RV_OP_nop;
}

static void
jump (const struct rv_hart *h, struct rv_decoded *d, unsigned op, int32_t imm)
{
  d->op = op;
  d->imm = imm;
  if (!h->ext_c && (imm & 2))
    {
      d->op = RV_OP_jump_slow;
      d->imm = (int32_t) d->bits;
      d->flags |= RV_D_MISALIGNED | RV_D_END;
    }
}

static void
decode_load (struct rv_decoded *d, unsigned f3)
{
  static const uint16_t ops[8]
      = { RV_OP_lb, RV_OP_lh, RV_OP_lw, RV_OP_ld, RV_OP_lbu, RV_OP_lhu, RV_OP_lwu };
  d->op = ops[f3];
}

static void
decode_misc_mem (const struct rv_hart *h, struct rv_decoded *d, uint32_t b)
{
  unsigned f3 = BITS (b, 14, 12), number = BITS (b, 31, 20);
  if (f3 == 0)
    {
      /* pause is a fence with pred=W and nothing else set.  Only W before R needs a full barrier on
         any host.  Unknown fm values and set rd or rs1 are to be ignored. */
      if (b == 0x0100000f)
        d->op = RV_OP_pause;
      else if (BITS (b, 31, 28) == 8 || !(number & 0x50) || !(number & 0x0a))
        d->op = RV_OP_fence;
      else
        d->op = RV_OP_fence_full;
    }
  else if (f3 == 1 && h->ext_zifencei)
    {
      d->op = RV_OP_fence_i;
      d->flags |= RV_D_END;
    }
  else if (f3 == 2 && d->rd == RV_X_SINK)
    {
      d->imm = (int32_t) d->bits;
      if (h->ext_zicbom && number == 0)
        d->op = RV_OP_cbo_inval;
      else if (h->ext_zicbom && number == 1)
        d->op = RV_OP_cbo_clean;
      else if (h->ext_zicbom && number == 2)
        d->op = RV_OP_cbo_flush;
      else if (h->ext_zicboz && number == 4)
        d->op = RV_OP_cbo_zero;
    }
}

/* OP-IMM with a shift-like funct3: the upper six bits choose. */
static unsigned
shift_left_imm (const struct rv_hart *h, unsigned f6, uint32_t b)
{
  switch (f6)
    {
    case 0x00:
      return RV_OP_slli;
    case 0x0a:
      return h->ext_zbs ? RV_OP_bseti : 0;
    case 0x12:
      return h->ext_zbs ? RV_OP_bclri : 0;
    case 0x1a:
      return h->ext_zbs ? RV_OP_binvi : 0;
    case 0x18:
      {
        static const uint16_t ops[8] = { RV_OP_clz, RV_OP_ctz, RV_OP_cpop, 0, RV_OP_sext_b,
                                         RV_OP_sext_h };
        unsigned n = BITS (b, 25, 20);
        return h->ext_zbb && n < 8 ? ops[n] : 0;
      }
    default:
      return 0;
    }
}

static unsigned
shift_right_imm (const struct rv_hart *h, unsigned f6, uint32_t b)
{
  switch (f6)
    {
    case 0x00:
      return RV_OP_srli;
    case 0x10:
      return RV_OP_srai;
    case 0x12:
      return h->ext_zbs ? RV_OP_bexti : 0;
    case 0x18:
      return h->ext_zbb ? RV_OP_rori : 0;
    case 0x0a:
      return h->ext_zbb && BITS (b, 25, 20) == 7 ? RV_OP_orc_b : 0;
    case 0x1a:
      return h->ext_zbb && BITS (b, 25, 20) == 0x38 ? RV_OP_rev8 : 0;
    default:
      return 0;
    }
}

static void
decode_op_imm (const struct rv_hart *h, struct rv_decoded *d, uint32_t b)
{
  static const uint16_t ops[8] = { RV_OP_addi, 0, RV_OP_slti, RV_OP_sltiu,
                                   RV_OP_xori, 0, RV_OP_ori,  RV_OP_andi };
  unsigned f3 = BITS (b, 14, 12), op = ops[f3];
  d->imm = imm_i (b);
  if (f3 == 1 || f3 == 5)
    {
      op = f3 == 1 ? shift_left_imm (h, b >> 26, b) : shift_right_imm (h, b >> 26, b);
      d->imm = BITS (b, 25, 20);
    }
  else if (op == RV_OP_addi && d->rs1 == 0)
    op = RV_OP_li;
  else if (op == RV_OP_addi && d->imm == 0)
    op = RV_OP_mv;
  write_rd (d, op);
}

static void
decode_op_imm_32 (const struct rv_hart *h, struct rv_decoded *d, uint32_t b)
{
  unsigned f3 = BITS (b, 14, 12), f7 = b >> 25, op = 0;
  d->imm = BITS (b, 24, 20);
  if (f3 == 0)
    {
      d->imm = imm_i (b);
      op = d->imm == 0 ? RV_OP_sext_w : RV_OP_addiw;
    }
  else if (f3 == 1 && f7 == 0)
    op = RV_OP_slliw;
  else if (f3 == 1 && (f7 & ~1u) == 0x04 && h->ext_zba)
    {
      op = RV_OP_slli_uw;
      d->imm = BITS (b, 25, 20);
    }
  else if (f3 == 1 && f7 == 0x30 && h->ext_zbb)
    {
      static const uint16_t ops[3] = { RV_OP_clzw, RV_OP_ctzw, RV_OP_cpopw };
      op = d->imm < 3 ? ops[d->imm] : 0;
    }
  else if (f3 == 5 && f7 == 0)
    op = RV_OP_srliw;
  else if (f3 == 5 && f7 == 0x20)
    op = RV_OP_sraiw;
  else if (f3 == 5 && f7 == 0x30 && h->ext_zbb)
    op = RV_OP_roriw;
  write_rd (d, op);
}

static unsigned
op_reg (const struct rv_hart *h, unsigned f7, unsigned f3)
{
  static const uint16_t base[8] = { RV_OP_add, RV_OP_sll, RV_OP_slt, RV_OP_sltu,
                                    RV_OP_xor, RV_OP_srl, RV_OP_or,  RV_OP_and };
  static const uint16_t muldiv[8] = { RV_OP_mul, RV_OP_mulh, RV_OP_mulhsu, RV_OP_mulhu,
                                      RV_OP_div, RV_OP_divu, RV_OP_rem,    RV_OP_remu };
  static const uint16_t clmul[4] = { 0, RV_OP_clmul, RV_OP_clmulr, RV_OP_clmulh };
  static const uint16_t minmax[4] = { RV_OP_min, RV_OP_minu, RV_OP_max, RV_OP_maxu };
  static const uint16_t zbb_neg[8]
      = { [4] = RV_OP_xnor, [6] = RV_OP_orn, [7] = RV_OP_andn };
  static const uint16_t shadd[8]
      = { [2] = RV_OP_sh1add, [4] = RV_OP_sh2add, [6] = RV_OP_sh3add };
  switch (f7)
    {
    case 0x00:
      return base[f3];
    case 0x01:
      return h->ext_m ? muldiv[f3] : 0;
    case 0x20:
      if (f3 == 0)
        return RV_OP_sub;
      if (f3 == 5)
        return RV_OP_sra;
      return h->ext_zbb ? zbb_neg[f3] : 0;
    case 0x05:
      if (f3 >= 4)
        return h->ext_zbb ? minmax[f3 - 4] : 0;
      return h->ext_zbc ? clmul[f3] : 0;
    case 0x10:
      return h->ext_zba ? shadd[f3] : 0;
    case 0x30:
      return h->ext_zbb && f3 == 1 ? RV_OP_rol : h->ext_zbb && f3 == 5 ? RV_OP_ror : 0;
    case 0x14:
      return h->ext_zbs && f3 == 1 ? RV_OP_bset : 0;
    case 0x24:
      return h->ext_zbs && f3 == 1 ? RV_OP_bclr : h->ext_zbs && f3 == 5 ? RV_OP_bext : 0;
    case 0x34:
      return h->ext_zbs && f3 == 1 ? RV_OP_binv : 0;
    default:
      return 0;
    }
}

static unsigned
op_reg_32 (const struct rv_hart *h, unsigned f7, unsigned f3, unsigned rs2)
{
  static const uint16_t muldiv[8] = { RV_OP_mulw, 0,          0,          0,
                                      RV_OP_divw, RV_OP_divuw, RV_OP_remw, RV_OP_remuw };
  static const uint16_t shadd[8]
      = { [2] = RV_OP_sh1add_uw, [4] = RV_OP_sh2add_uw, [6] = RV_OP_sh3add_uw };
  switch (f7)
    {
    case 0x00:
      return f3 == 0 ? RV_OP_addw : f3 == 1 ? RV_OP_sllw : f3 == 5 ? RV_OP_srlw : 0;
    case 0x20:
      return f3 == 0 ? RV_OP_subw : f3 == 5 ? RV_OP_sraw : 0;
    case 0x01:
      return h->ext_m ? muldiv[f3] : 0;
    case 0x04:
      if (f3 == 0)
        return h->ext_zba ? RV_OP_add_uw : 0;
      return h->ext_zbb && f3 == 4 && rs2 == 0 ? RV_OP_zext_h : 0;
    case 0x10:
      return h->ext_zba ? shadd[f3] : 0;
    case 0x30:
      return h->ext_zbb && f3 == 1 ? RV_OP_rolw : h->ext_zbb && f3 == 5 ? RV_OP_rorw : 0;
    default:
      return 0;
    }
}

static void
decode_amo (const struct rv_hart *h, struct rv_decoded *d, uint32_t b)
{
  static const uint16_t ops[32] = {
    [0x00] = RV_OP_amoadd_w,  [0x01] = RV_OP_amoswap_w, [0x04] = RV_OP_amoxor_w,
    [0x08] = RV_OP_amoor_w,   [0x0c] = RV_OP_amoand_w,  [0x10] = RV_OP_amomin_w,
    [0x14] = RV_OP_amomax_w,  [0x18] = RV_OP_amominu_w, [0x1c] = RV_OP_amomaxu_w,
    [0x02] = RV_OP_lr_w,      [0x03] = RV_OP_sc_w,
  };
  static const uint16_t ops_d[32] = {
    [0x00] = RV_OP_amoadd_d,  [0x01] = RV_OP_amoswap_d, [0x04] = RV_OP_amoxor_d,
    [0x08] = RV_OP_amoor_d,   [0x0c] = RV_OP_amoand_d,  [0x10] = RV_OP_amomin_d,
    [0x14] = RV_OP_amomax_d,  [0x18] = RV_OP_amominu_d, [0x1c] = RV_OP_amomaxu_d,
    [0x02] = RV_OP_lr_d,      [0x03] = RV_OP_sc_d,
  };
  unsigned f5 = b >> 27, f3 = BITS (b, 14, 12);
  if (!h->ext_a || (f5 == 2 && d->rs2 != 0))
    return;
  if (f3 == 2)
    d->op = ops[f5];
  else if (f3 == 3)
    d->op = ops_d[f5];
}

static void
decode_system (const struct rv_hart *h, struct rv_decoded *d, uint32_t b)
{
  unsigned f3 = BITS (b, 14, 12), f7 = b >> 25;
  d->flags |= RV_D_END;
  d->imm = (int32_t) d->bits;
  if (f3 == 4)
    return;
  if (f3 != 0)
    {
      d->op = RV_OP_csr;
      return;
    }
  if (d->rd != RV_X_SINK)
    return;
  if (f7 == 0x09 && h->ext_s)
    d->op = RV_OP_sfence_vma;
  else if (f7 == 0x0b && h->ext_s && h->ext_svinval)
    d->op = RV_OP_sinval_vma;
  else if (b == 0x18000073 && h->ext_s && h->ext_svinval)
    d->op = RV_OP_sfence_w_inval;
  else if (b == 0x18100073 && h->ext_s && h->ext_svinval)
    d->op = RV_OP_sfence_inval_ir;
  else if (b == 0x00000073)
    d->op = RV_OP_ecall;
  else if (b == 0x00100073)
    d->op = RV_OP_ebreak;
  else if (b == 0x10200073 && h->ext_s)
    d->op = RV_OP_sret;
  else if (b == 0x30200073)
    d->op = RV_OP_mret;
  else if (b == 0x10500073)
    d->op = RV_OP_wfi;
}

/* What OP-FP means in one format; 0: nothing.  Arrays are indexed by funct3 or, for conversions
   from and to integers, by rs2. */
struct fp_ops
{
  uint16_t add, sub, mul, div, sqrt, to_x, class, from_x;
  uint16_t convert, convert_from; /* from the other format, which rs2 names */
  uint16_t sign[8], minmax[8], compare[8], to_int[4], from_int[4];
};

#define FP_OPS(F, OTHER, OTHER_FORMAT, WIDTH)                                                      \
  {                                                                                                \
    .add = RV_OP_fadd_##F, .sub = RV_OP_fsub_##F, .mul = RV_OP_fmul_##F, .div = RV_OP_fdiv_##F,    \
    .sqrt = RV_OP_fsqrt_##F, .to_x = RV_OP_fmv_x_##WIDTH, .class = RV_OP_fclass_##F,               \
    .from_x = RV_OP_fmv_##WIDTH##_x, .convert = RV_OP_fcvt_##F##_##OTHER,                          \
    .convert_from = OTHER_FORMAT,                                                                  \
    .sign = { RV_OP_fsgnj_##F, RV_OP_fsgnjn_##F, RV_OP_fsgnjx_##F },                               \
    .minmax = { RV_OP_fmin_##F, RV_OP_fmax_##F },                                                  \
    .compare = { RV_OP_fle_##F, RV_OP_flt_##F, RV_OP_feq_##F },                                    \
    .to_int                                                                                        \
        = { RV_OP_fcvt_w_##F, RV_OP_fcvt_wu_##F, RV_OP_fcvt_l_##F, RV_OP_fcvt_lu_##F },            \
    .from_int                                                                                      \
        = { RV_OP_fcvt_##F##_w, RV_OP_fcvt_##F##_wu, RV_OP_fcvt_##F##_l, RV_OP_fcvt_##F##_lu },    \
  }

static const struct fp_ops fp_single = FP_OPS (s, d, 1, w), fp_double = FP_OPS (d, s, 0, d);

/* *WRITES is cleared for instructions whose result is an integer register and that raise no flag.
 */
static unsigned
op_fp (uint32_t b, const struct fp_ops *ops, bool *writes)
{
  unsigned f5 = b >> 27, f3 = BITS (b, 14, 12), rs2 = BITS (b, 24, 20);
  switch (f5)
    {
    case 0x00:
      return ops->add;
    case 0x01:
      return ops->sub;
    case 0x02:
      return ops->mul;
    case 0x03:
      return ops->div;
    case 0x0b:
      return rs2 == 0 ? ops->sqrt : 0;
    case 0x04:
      return ops->sign[f3];
    case 0x05:
      return ops->minmax[f3];
    case 0x08:
      return rs2 == ops->convert_from ? ops->convert : 0;
    case 0x14:
      return ops->compare[f3];
    case 0x18:
      return rs2 < 4 ? ops->to_int[rs2] : 0;
    case 0x1a:
      return rs2 < 4 ? ops->from_int[rs2] : 0;
    case 0x1c:
      *writes = false;
      return rs2 != 0 ? 0 : f3 == 0 ? ops->to_x : f3 == 1 ? ops->class : 0;
    case 0x1e:
      return rs2 == 0 && f3 == 0 ? ops->from_x : 0;
    default:
      return 0;
    }
}

/* Is funct3 a rounding mode in this OP-FP instruction? */
static bool
fp_has_rm (uint32_t b)
{
  unsigned f5 = b >> 27;
  return f5 <= 0x03 || f5 == 0x0b || f5 == 0x08 || f5 == 0x18 || f5 == 0x1a;
}

static bool
fp_writes_x (uint32_t b)
{
  unsigned f5 = b >> 27;
  return f5 == 0x14 || f5 == 0x18 || f5 == 0x1c;
}

static void
decode_op_fp (const struct rv_hart *h, struct rv_decoded *d, uint32_t b)
{
  unsigned fmt = BITS (b, 26, 25), rm = BITS (b, 14, 12), op = 0;
  bool writes = true;
  if (fmt == 0 && h->ext_f)
    op = op_fp (b, &fp_single, &writes);
  else if (fmt == 1 && h->ext_d)
    op = op_fp (b, &fp_double, &writes);
  if (op == RV_OP_fcvt_s_d && !h->ext_d)
    op = 0;
  if (fp_has_rm (b))
    {
      if (rm == 5 || rm == 6)
        op = 0;
      d->imm = (int32_t) rm;
    }
  if (op == RV_OP_illegal)
    return;
  if (!fp_writes_x (b))
    d->rd = BITS (b, 11, 7);
  d->op = op;
  d->flags |= RV_D_FP | (writes ? RV_D_FP_WRITE : 0);
}

static void
decode_fma (const struct rv_hart *h, struct rv_decoded *d, uint32_t b)
{
  static const uint16_t ops[2][4] = {
    { RV_OP_fmadd_s, RV_OP_fmsub_s, RV_OP_fnmsub_s, RV_OP_fnmadd_s },
    { RV_OP_fmadd_d, RV_OP_fmsub_d, RV_OP_fnmsub_d, RV_OP_fnmadd_d },
  };
  unsigned fmt = BITS (b, 26, 25), rm = BITS (b, 14, 12);
  if (fmt > 1 || !(fmt ? h->ext_d : h->ext_f) || rm == 5 || rm == 6)
    return;
  d->op = ops[fmt][BITS (b, 3, 2)];
  d->rd = BITS (b, 11, 7);
  d->rs3 = b >> 27;
  d->imm = (int32_t) rm;
  d->flags |= RV_D_FP | RV_D_FP_WRITE;
}

static void
decode_fp_memory (const struct rv_hart *h, struct rv_decoded *d, uint32_t b, bool store)
{
  unsigned f3 = BITS (b, 14, 12);
  if (f3 == 2 && h->ext_f)
    d->op = store ? RV_OP_fsw : RV_OP_flw;
  else if (f3 == 3 && h->ext_d)
    d->op = store ? RV_OP_fsd : RV_OP_fld;
  else
    return;
  d->imm = store ? imm_s (b) : imm_i (b);
  d->rd = BITS (b, 11, 7);
  d->flags |= store ? RV_D_FP : RV_D_FP | RV_D_FP_WRITE;
}

static void
decode_32 (const struct rv_hart *h, struct rv_decoded *d, uint32_t b)
{
  static const uint16_t branches[8] = { RV_OP_beq, RV_OP_bne,  0,          0,
                                        RV_OP_blt, RV_OP_bge, RV_OP_bltu, RV_OP_bgeu };
  static const uint16_t stores[8] = { RV_OP_sb, RV_OP_sh, RV_OP_sw, RV_OP_sd };
  unsigned f3 = BITS (b, 14, 12);
  d->rd = BITS (b, 11, 7) != 0 ? BITS (b, 11, 7) : RV_X_SINK;
  d->rs1 = BITS (b, 19, 15);
  d->rs2 = BITS (b, 24, 20);
  switch (BITS (b, 6, 2))
    {
    case 0x00:
      decode_load (d, f3);
      d->imm = imm_i (b);
      break;
    case 0x01:
      decode_fp_memory (h, d, b, false);
      break;
    case 0x03:
      decode_misc_mem (h, d, b);
      break;
    case 0x04:
      decode_op_imm (h, d, b);
      break;
    case 0x05:
      d->imm = (int32_t) (b & 0xfffff000u);
      write_rd (d, RV_OP_auipc);
      break;
    case 0x06:
      decode_op_imm_32 (h, d, b);
      break;
    case 0x08:
      d->op = stores[f3];
      d->imm = imm_s (b);
      break;
    case 0x09:
      decode_fp_memory (h, d, b, true);
      break;
    case 0x0b:
      decode_amo (h, d, b);
      break;
    case 0x0c:
      {
        unsigned op = op_reg (h, b >> 25, f3);
        if (op == RV_OP_add && d->rs1 == 0)
          {
            op = RV_OP_mv;
            d->rs1 = d->rs2;
          }
        else if (op == RV_OP_add && d->rs2 == 0)
          op = RV_OP_mv;
        write_rd (d, op);
        break;
      }
    case 0x0d:
      d->imm = (int32_t) (b & 0xfffff000u);
      write_rd (d, RV_OP_li);
      break;
    case 0x0e:
      write_rd (d, op_reg_32 (h, b >> 25, f3, d->rs2));
      break;
    case 0x10:
    case 0x11:
    case 0x12:
    case 0x13:
      decode_fma (h, d, b);
      break;
    case 0x14:
      decode_op_fp (h, d, b);
      break;
    case 0x18:
      if (branches[f3] != 0)
        {
          unsigned op = branches[f3];
          if (d->rs2 == 0 && f3 < 2)
            op = f3 == 0 ? RV_OP_beqz : RV_OP_bnez;
          d->flags |= RV_D_BRANCH;
          jump (h, d, op, imm_b (b));
        }
      break;
    case 0x19:
      if (f3 == 0)
        {
          d->imm = imm_i (b);
          d->op = !h->ext_c ? RV_OP_jump_slow : d->rd == RV_X_SINK ? RV_OP_jr : RV_OP_jalr;
          if (!h->ext_c)
            d->imm = (int32_t) d->bits;
          d->flags |= RV_D_END;
        }
      break;
    case 0x1b:
      d->flags |= RV_D_END;
      jump (h, d, d->rd == RV_X_SINK ? RV_OP_j : RV_OP_jal, imm_j (b));
      break;
    case 0x1c:
      decode_system (h, d, b);
      break;
    default:
      break;
    }
}

void
rv_decode (const struct rv_hart *h, uint32_t bits, struct rv_decoded *d)
{
  *d = (struct rv_decoded) { .op = RV_OP_illegal, .size = rv_insn_size (bits) };
  d->bits = d->size == 4 ? bits : bits & 0xffff;
  if (d->size == 4)
    decode_32 (h, d, bits);
  else if (h->ext_c)
    {
      uint32_t wide = rv_expand (bits);
      if (wide != 0)
        decode_32 (h, d, wide);
    }
  if (d->op == RV_OP_illegal)
    {
      d->imm = (int32_t) d->bits;
      d->flags = RV_D_END;
    }
}
