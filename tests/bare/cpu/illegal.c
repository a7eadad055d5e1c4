/* SPDX-License-Identifier: BSD-2-Clause */
/* Reserved 32-bit encodings: an illegal instruction trap that shows the bits. */
#include "bare.h"

static u32 code[4] __attribute__ ((aligned (16)));

static void
reserved (const char *what, u32 insn)
{
  note (what, insn, 0);
  code[0] = insn;
  code[1] = 0x00100073;
  fence_i ();
  CHECK_EQ (trap_jump ((u64) code), CAUSE_ILLEGAL);
  CHECK_EQ (hart ()->trap.tval, insn);
  CHECK_EQ (hart ()->trap.epc, (u64) code);
}

/* R-type with rd = rs1 = rs2 = a0 */
static u32
rtype (u32 funct7, u32 funct3, u32 opcode)
{
  return funct7 << 25 | 10 << 20 | 10 << 15 | funct3 << 12 | 10 << 7 | opcode;
}

void
test (void)
{
  csr_set (mstatus, MSTATUS_FS);
  reserved ("ones", 0xffffffff);
  /* whole opcodes: custom-0 and -1, reserved, 48-bit and longer prefixes, V and custom */
  static const u8 opcodes[] = { 0x0b, 0x2b, 0x57, 0x5b, 0x6b, 0x77, 0x7b, 0x1f, 0x3f, 0x5f, 0x7f };
  for (unsigned i = 0; i < sizeof opcodes; i++)
    for (u32 f3 = 0; f3 < 8; f3++)
      reserved ("opcode", rtype (0, f3, opcodes[i]));
  reserved ("load 7", rtype (0, 7, 0x03));
  for (u32 f3 = 4; f3 < 8; f3++)
    reserved ("store", rtype (0, f3, 0x23));
  for (u32 f3 = 2; f3 < 4; f3++)
    reserved ("branch", rtype (0, f3, 0x63));
  for (u32 f3 = 1; f3 < 8; f3++)
    reserved ("jalr", rtype (0, f3, 0x67));
  for (u32 f3 = 3; f3 < 8; f3++)
    reserved ("fence", rtype (0, f3, 0x0f));
  static const u8 fp_widths[] = { 0, 1, 4, 5, 6, 7 }; /* Zfh, Q and vectors are absent */
  for (unsigned i = 0; i < sizeof fp_widths; i++)
    {
      reserved ("fp load", rtype (0, fp_widths[i], 0x07));
      reserved ("fp store", rtype (0, fp_widths[i], 0x27));
    }
  /* OP: all funct7 that no extension here uses */
  static const u8 used[] = { 0x00, 0x01, 0x04, 0x05, 0x10, 0x14, 0x20, 0x24, 0x30, 0x34 };
  for (u32 f7 = 0; f7 < 128; f7++)
    {
      int in_use = 0;
      for (unsigned i = 0; i < sizeof used; i++)
        in_use |= used[i] == f7;
      if (!in_use)
        for (u32 f3 = 0; f3 < 8; f3++)
          {
            reserved ("op", rtype (f7, f3, 0x33));
            reserved ("op-32", rtype (f7, f3, 0x3b));
          }
    }
  for (u32 f3 = 1; f3 < 8; f3++)
    if (f3 != 5 && f3 != 4 && f3 != 6 && f3 != 7 && f3 != 1 && f3 != 2)
      reserved ("sub", rtype (0x20, f3, 0x33));
  reserved ("op 20/1", rtype (0x20, 1, 0x33));
  reserved ("op 20/2", rtype (0x20, 2, 0x33));
  for (u32 f3 = 1; f3 < 4; f3++)
    reserved ("mulw", rtype (0x01, f3, 0x3b));
  static const u8 no_w[] = { 2, 3, 4, 6, 7 };
  for (unsigned i = 0; i < sizeof no_w; i++)
    reserved ("op-32", rtype (0x00, no_w[i], 0x3b));
  reserved ("op-imm-32", rtype (0, 2, 0x1b));
  for (u32 f3 = 3; f3 < 8; f3++)
    if (f3 != 5)
      reserved ("op-imm-32", rtype (0, f3, 0x1b));
  reserved ("slliw 32", 0x02051513 | 8); /* shift amounts of 32 and more */
  reserved ("srliw 32", 0x02055513 | 8);
  reserved ("sraiw 32", 0x42055513 | 8);
  reserved ("slli 1 << 31", 0x80051513);
  reserved ("srli 1 << 31", 0x80055513);
  reserved ("srli 1 << 27", 0x08055513);
  /* atomics */
  static const u8 f5_used[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c };
  for (u32 f5 = 0; f5 < 32; f5++)
    {
      int in_use = 0;
      for (unsigned i = 0; i < sizeof f5_used; i++)
        in_use |= f5_used[i] == f5;
      for (u32 f3 = 0; f3 < 8; f3++)
        if (!in_use || (f3 != 2 && f3 != 3))
          reserved ("amo", rtype (f5 << 2, f3, 0x2f));
    }
  reserved ("lr.w with rs2", rtype (0x08, 2, 0x2f));
  reserved ("lr.d with rs2", rtype (0x08, 3, 0x2f));
  /* floating point: widths h and q, rounding modes 5 and 6, reserved sub-operations */
  for (u32 width = 2; width < 4; width++)
    {
      reserved ("fadd width", rtype (width, 0, 0x53));
      reserved ("fmadd width", rtype (width, 0, 0x43));
    }
  for (u32 rm = 5; rm < 7; rm++)
    {
      reserved ("fadd rm", rtype (0, rm, 0x53));
      reserved ("fmul.d rm", rtype (0x09, rm, 0x53));
      reserved ("fmadd rm", rtype (0, rm, 0x43));
      reserved ("fnmadd.d rm", rtype (1, rm, 0x4f));
      reserved ("fsqrt rm", 0x58050553 | rm << 12);
      reserved ("fcvt.l.d rm", 0xc2250553 | rm << 12);
      reserved ("fcvt.s.d rm", 0x40150553 | rm << 12);
    }
  reserved ("fsqrt rs2", 0x58150553);
  reserved ("fcvt rs2", 0xc0450553);
  reserved ("fcvt.s.s", 0x40050553);
  reserved ("fsgnj 3", rtype (0x10, 3, 0x53));
  reserved ("fmin 2", rtype (0x14, 2, 0x53));
  reserved ("fcmp 3", rtype (0x50, 3, 0x53));
  reserved ("fclass 2", 0xe0052553);
  reserved ("fmv rs2", 0xe0150553);
  reserved ("fmv.w.x rs2", 0xf0150553);
  /* system */
  reserved ("system 4", 0x00054073);
  reserved ("ecall with rd", 0x000000f3);
  reserved ("ecall with rs1", 0x00008073);
  reserved ("ebreak with rs1", 0x00108073);
  reserved ("uret", 0x00200073);
  reserved ("system imm", 0x00300073);
  reserved ("dret", 0x7b200073);
  reserved ("mret with rd", 0x302000f3);
  reserved ("wfi with rs1", 0x10508073);
  reserved ("sfence.vma with rd", 0x120000f3);
  /* CSRs that nobody has: every one of the custom and reserved blocks below */
  static const u16 csrs[] = { 0x100 + 0x7f, 0x5c0, 0x7c0, 0x7ff, 0x800, 0x8ff, 0x9c0, 0xbc0, 0xcc0,
                              0xdc0, 0xfc0, 0xfff, 0x600, 0x680, 0xa80, 0x240, 0x3f0, 0x0ff,
                              0x008, 0x015, 0x7b0, 0x7b1 };
  for (unsigned i = 0; i < sizeof csrs / 2; i++)
    {
      reserved ("csrr", (u32) csrs[i] << 20 | 0x2573);  /* csrrs a0, csr, x0 */
      reserved ("csrw", (u32) csrs[i] << 20 | 0x51073); /* csrrw x0, csr, a0 */
    }
  /* writes to read-only CSRs; reads with csrrs x0 and csrrsi 0 are none */
  static const u16 read_only[] = { 0xf11, 0xf12, 0xf13, 0xf14, 0xc00, 0xc01, 0xc02 };
  for (unsigned i = 0; i < sizeof read_only / 2; i++)
    {
      u32 csr = (u32) read_only[i] << 20;
      reserved ("csrrw", csr | 0x51073);
      reserved ("csrrs", csr | 0x52573);
      reserved ("csrrc", csr | 0x53573);
      reserved ("csrrwi", csr | 0x05573);
      reserved ("csrrsi", csr | 0x0e573);
      reserved ("csrrci", csr | 0x0f573);
      note ("read", read_only[i], 0);
      code[0] = csr | 0x2573;
      code[1] = csr | 0x06573;
      code[2] = 0x8067;
      fence_i ();
      CHECK_EQ (TRAP (((void (*) (void)) (u64) code) ()), NO_TRAP);
    }
}
