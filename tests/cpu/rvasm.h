/* SPDX-License-Identifier: BSD-2-Clause */
/* RISC-V instructions as numbers, for tests that write code into guest memory. */
#ifndef GODWIT_TESTS_RVASM_H
#define GODWIT_TESTS_RVASM_H

#include <stdint.h>

enum
{
  ZERO,
  RA,
  SP,
  GP,
  TP,
  T0,
  T1,
  T2,
  S0,
  S1,
  A0,
  A1,
  A2,
  A3,
  A4,
  A5
};

#define I_TYPE(op, f3, rd, rs1, imm)                                                               \
  ((uint32_t) (op) | (uint32_t) (rd) << 7 | (uint32_t) (f3) << 12 | (uint32_t) (rs1) << 15         \
   | (uint32_t) (imm) << 20)
#define R_TYPE(op, f3, f7, rd, rs1, rs2)                                                           \
  ((uint32_t) (op) | (uint32_t) (rd) << 7 | (uint32_t) (f3) << 12 | (uint32_t) (rs1) << 15         \
   | (uint32_t) (rs2) << 20 | (uint32_t) (f7) << 25)
#define S_TYPE(f3, rs1, rs2, imm)                                                                  \
  (0x23u | ((uint32_t) (imm) & 31) << 7 | (uint32_t) (f3) << 12 | (uint32_t) (rs1) << 15           \
   | (uint32_t) (rs2) << 20 | ((uint32_t) (imm) >> 5 & 127) << 25)
#define B_TYPE(f3, rs1, rs2, imm)                                                                  \
  (0x63u | ((uint32_t) (imm) >> 11 & 1) << 7 | ((uint32_t) (imm) >> 1 & 15) << 8                   \
   | (uint32_t) (f3) << 12 | (uint32_t) (rs1) << 15 | (uint32_t) (rs2) << 20                       \
   | ((uint32_t) (imm) >> 5 & 63) << 25 | ((uint32_t) (imm) >> 12 & 1) << 31)

#define ADDI(rd, rs1, imm) I_TYPE (0x13, 0, rd, rs1, imm)
#define SLLI(rd, rs1, n) I_TYPE (0x13, 1, rd, rs1, n)
#define ADD(rd, rs1, rs2) R_TYPE (0x33, 0, 0, rd, rs1, rs2)
#define LUI(rd, imm20) (0x37u | (uint32_t) (rd) << 7 | (uint32_t) (imm20) << 12)
#define AUIPC(rd, imm20) (0x17u | (uint32_t) (rd) << 7 | (uint32_t) (imm20) << 12)
#define LB(rd, rs1, imm) I_TYPE (0x03, 0, rd, rs1, imm)
#define LW(rd, rs1, imm) I_TYPE (0x03, 2, rd, rs1, imm)
#define LD(rd, rs1, imm) I_TYPE (0x03, 3, rd, rs1, imm)
#define SW(rs2, rs1, imm) S_TYPE (2, rs1, rs2, imm)
#define SD(rs2, rs1, imm) S_TYPE (3, rs1, rs2, imm)
#define BEQ(rs1, rs2, off) B_TYPE (0, rs1, rs2, off)
#define BNE(rs1, rs2, off) B_TYPE (1, rs1, rs2, off)
#define JALR(rd, rs1, imm) I_TYPE (0x67, 0, rd, rs1, imm)
#define JAL(rd, off)                                                                               \
  (0x6fu | (uint32_t) (rd) << 7 | ((uint32_t) (off) >> 12 & 255) << 12                             \
   | ((uint32_t) (off) >> 11 & 1) << 20 | ((uint32_t) (off) >> 1 & 1023) << 21                     \
   | ((uint32_t) (off) >> 20 & 1) << 31)
#define CSRRW(rd, csr, rs1) I_TYPE (0x73, 1, rd, rs1, csr)
#define CSRRS(rd, csr, rs1) I_TYPE (0x73, 2, rd, rs1, csr)
#define ECALL 0x00000073u
#define MRET 0x30200073u
#define WFI 0x10500073u
#define FENCE_I 0x0000100fu
#define LR_D(rd, rs1) R_TYPE (0x2f, 3, 0x08, rd, rs1, 0)
#define SC_D(rd, rs1, rs2) R_TYPE (0x2f, 3, 0x0c, rd, rs1, rs2)
#define AMOADD_D(rd, rs1, rs2) R_TYPE (0x2f, 3, 0x00, rd, rs1, rs2)
#define SFENCE_VMA(rs1, rs2) R_TYPE (0x73, 0, 0x09, 0, rs1, rs2)

#endif
