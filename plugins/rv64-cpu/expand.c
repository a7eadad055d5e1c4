/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C extension: each 2-byte instruction is rewritten as the 4-byte instruction that it stands
 * for (Unprivileged ISA, "C" chapter, RV64 column).  Knows nothing of harts or of what is
 * executed.
 */
#include "insn.h"

/* Bits HI..LO of V, moved to bit AT. */
#define BITS(v, hi, lo, at) ((((v) >> (lo)) & ((1u << ((hi) - (lo) + 1)) - 1)) << (at))

enum
{
  OPCODE_LOAD = 0x03,
  OPCODE_LOAD_FP = 0x07,
  OPCODE_IMM = 0x13,
  OPCODE_IMM_32 = 0x1b,
  OPCODE_STORE = 0x23,
  OPCODE_STORE_FP = 0x27,
  OPCODE_REG = 0x33,
  OPCODE_LUI = 0x37,
  OPCODE_REG_32 = 0x3b,
  OPCODE_BRANCH = 0x63,
  OPCODE_JALR = 0x67,
  OPCODE_JAL = 0x6f
};

static uint32_t
type_i (unsigned opcode, unsigned f3, unsigned rd, unsigned rs1, uint32_t imm)
{
  return opcode | rd << 7 | f3 << 12 | rs1 << 15 | imm << 20;
}

static uint32_t
type_r (unsigned opcode, unsigned f3, unsigned f7, unsigned rd, unsigned rs1, unsigned rs2)
{
  return opcode | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}

static uint32_t
type_s (unsigned opcode, unsigned f3, unsigned rs1, unsigned rs2, uint32_t imm)
{
  return opcode | BITS (imm, 4, 0, 7) | f3 << 12 | rs1 << 15 | rs2 << 20 | BITS (imm, 11, 5, 25);
}

static uint32_t
type_b (unsigned f3, unsigned rs1, unsigned rs2, uint32_t imm)
{
  return OPCODE_BRANCH | BITS (imm, 11, 11, 7) | BITS (imm, 4, 1, 8) | f3 << 12 | rs1 << 15
         | rs2 << 20 | BITS (imm, 10, 5, 25) | BITS (imm, 12, 12, 31);
}

static uint32_t
type_j (unsigned rd, uint32_t imm)
{
  return OPCODE_JAL | rd << 7 | BITS (imm, 19, 12, 12) | BITS (imm, 11, 11, 20)
         | BITS (imm, 10, 1, 21) | BITS (imm, 20, 20, 31);
}

/* Six-bit immediate of the CI format, sign-extended: bit 12, bits 6..2. */
static uint32_t
imm6 (uint32_t c)
{
  uint32_t v = BITS (c, 12, 12, 5) | BITS (c, 6, 2, 0);
  return c & 0x1000 ? v | 0xffffffc0u : v;
}

static uint32_t
expand_0 (uint32_t c)
{
  unsigned rd = 8 + BITS (c, 4, 2, 0), rs1 = 8 + BITS (c, 9, 7, 0);
  uint32_t w = BITS (c, 12, 10, 3) | BITS (c, 6, 6, 2) | BITS (c, 5, 5, 6);
  uint32_t d = BITS (c, 12, 10, 3) | BITS (c, 6, 5, 6);
  switch (c >> 13)
    {
    case 0: /* c.addi4spn */
      {
        uint32_t imm
            = BITS (c, 12, 11, 4) | BITS (c, 10, 7, 6) | BITS (c, 6, 6, 2) | BITS (c, 5, 5, 3);
        return imm == 0 ? 0 : type_i (OPCODE_IMM, 0, rd, 2, imm);
      }
    case 1:
      return type_i (OPCODE_LOAD_FP, 3, rd, rs1, d);
    case 2:
      return type_i (OPCODE_LOAD, 2, rd, rs1, w);
    case 3:
      return type_i (OPCODE_LOAD, 3, rd, rs1, d);
    case 5:
      return type_s (OPCODE_STORE_FP, 3, rs1, rd, d);
    case 6:
      return type_s (OPCODE_STORE, 2, rs1, rd, w);
    case 7:
      return type_s (OPCODE_STORE, 3, rs1, rd, d);
    default:
      return 0;
    }
}

static uint32_t
expand_alu (uint32_t c)
{
  unsigned rd = 8 + BITS (c, 9, 7, 0), rs2 = 8 + BITS (c, 4, 2, 0);
  uint32_t imm = imm6 (c);
  switch (BITS (c, 11, 10, 0))
    {
    case 0:
      return type_i (OPCODE_IMM, 5, rd, rd, imm & 0x3f);
    case 1:
      return type_i (OPCODE_IMM, 5, rd, rd, (imm & 0x3f) | 0x400);
    case 2:
      return type_i (OPCODE_IMM, 7, rd, rd, imm);
    default:
      break;
    }
  switch (BITS (c, 12, 12, 2) | BITS (c, 6, 5, 0))
    {
    case 0:
      return type_r (OPCODE_REG, 0, 0x20, rd, rd, rs2); /* sub */
    case 1:
      return type_r (OPCODE_REG, 4, 0, rd, rd, rs2);
    case 2:
      return type_r (OPCODE_REG, 6, 0, rd, rd, rs2);
    case 3:
      return type_r (OPCODE_REG, 7, 0, rd, rd, rs2);
    case 4:
      return type_r (OPCODE_REG_32, 0, 0x20, rd, rd, rs2);
    case 5:
      return type_r (OPCODE_REG_32, 0, 0, rd, rd, rs2);
    default:
      return 0;
    }
}

static uint32_t
expand_1 (uint32_t c)
{
  unsigned rd = BITS (c, 11, 7, 0);
  uint32_t imm = imm6 (c);
  switch (c >> 13)
    {
    case 0:
      return type_i (OPCODE_IMM, 0, rd, rd, imm);
    case 1: /* c.addiw; rd=0 is reserved */
      return rd == 0 ? 0 : type_i (OPCODE_IMM_32, 0, rd, rd, imm);
    case 2:
      return type_i (OPCODE_IMM, 0, rd, 0, imm);
    case 3:
      if (rd == 2) /* c.addi16sp */
        {
          uint32_t v = BITS (c, 6, 6, 4) | BITS (c, 5, 5, 6) | BITS (c, 4, 3, 7)
                       | BITS (c, 2, 2, 5);
          if (c & 0x1000)
            v |= 0xfffffe00u;
          return v == 0 ? 0 : type_i (OPCODE_IMM, 0, 2, 2, v);
        }
      return imm == 0 ? 0 : OPCODE_LUI | rd << 7 | imm << 12;
    case 4:
      return expand_alu (c);
    case 5:
      {
        uint32_t v = BITS (c, 12, 12, 11) | BITS (c, 11, 11, 4) | BITS (c, 10, 9, 8)
                     | BITS (c, 8, 8, 10) | BITS (c, 7, 7, 6) | BITS (c, 6, 6, 7)
                     | BITS (c, 5, 3, 1) | BITS (c, 2, 2, 5);
        return type_j (0, c & 0x1000 ? v | 0xfffff000u : v);
      }
    default: /* c.beqz, c.bnez */
      {
        uint32_t v = BITS (c, 12, 12, 8) | BITS (c, 11, 10, 3) | BITS (c, 6, 5, 6)
                     | BITS (c, 4, 3, 1) | BITS (c, 2, 2, 5);
        if (c & 0x1000)
          v |= 0xffffff00u;
        return type_b (BITS (c, 13, 13, 0), 8 + BITS (c, 9, 7, 0), 0, v);
      }
    }
}

static uint32_t
expand_2 (uint32_t c)
{
  unsigned rd = BITS (c, 11, 7, 0), rs2 = BITS (c, 6, 2, 0);
  uint32_t ld = BITS (c, 12, 12, 5) | BITS (c, 6, 5, 3) | BITS (c, 4, 2, 6);
  uint32_t lw = BITS (c, 12, 12, 5) | BITS (c, 6, 4, 2) | BITS (c, 3, 2, 6);
  uint32_t sd = BITS (c, 12, 10, 3) | BITS (c, 9, 7, 6);
  uint32_t sw = BITS (c, 12, 9, 2) | BITS (c, 8, 7, 6);
  switch (c >> 13)
    {
    case 0:
      return type_i (OPCODE_IMM, 1, rd, rd, imm6 (c) & 0x3f);
    case 1:
      return type_i (OPCODE_LOAD_FP, 3, rd, 2, ld);
    case 2:
      return rd == 0 ? 0 : type_i (OPCODE_LOAD, 2, rd, 2, lw);
    case 3:
      return rd == 0 ? 0 : type_i (OPCODE_LOAD, 3, rd, 2, ld);
    case 4:
      if (c & 0x1000)
        {
          if (rs2 != 0)
            return type_r (OPCODE_REG, 0, 0, rd, rd, rs2); /* c.add */
          return rd == 0 ? 0x00100073 : type_i (OPCODE_JALR, 0, 1, rd, 0);
        }
      if (rs2 != 0)
        return type_r (OPCODE_REG, 0, 0, rd, 0, rs2); /* c.mv */
      return rd == 0 ? 0 : type_i (OPCODE_JALR, 0, 0, rd, 0);
    case 5:
      return type_s (OPCODE_STORE_FP, 3, 2, rs2, sd);
    case 6:
      return type_s (OPCODE_STORE, 2, 2, rs2, sw);
    default:
      return type_s (OPCODE_STORE, 3, 2, rs2, sd);
    }
}

uint32_t
rv_expand (uint32_t bits)
{
  uint32_t c = bits & 0xffff;
  switch (c & 3)
    {
    case 0:
      return expand_0 (c);
    case 1:
      return expand_1 (c);
    case 2:
      return expand_2 (c);
    default:
      return 0;
    }
}
