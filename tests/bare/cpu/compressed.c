/* SPDX-License-Identifier: BSD-2-Clause */
/* The C extension: the table of compressed.py, and every reserved encoding of RV64DC. */
#include "table.h"

static u16 code[8] __attribute__ ((aligned (16)));

static void
reserved (u16 insn)
{
  note ("reserved", insn, 0);
  code[0] = insn;
  fence_i ();
  CHECK_EQ (trap_jump ((u64) code), CAUSE_ILLEGAL);
  CHECK_EQ (hart ()->trap.tval, insn);
  CHECK_EQ (hart ()->trap.epc, (u64) code);
}

void
test (void)
{
  csr_set (mstatus, MSTATUS_FS);
  table_run (0);
  for (int i = 1; i < 8; i++)
    code[i] = 0x9002; /* c.ebreak, should one of them run */
  for (u16 i = 0; i < 8; i++)
    reserved (i << 2); /* c.addi4spn with nothing to add, all zeroes among them */
  for (u32 i = 0; i < 0x800; i++)
    reserved (0x8000 | (i << 2 & 0x1ffc)); /* quadrant 0, funct3 100 */
  for (u32 imm = 0; imm < 64; imm++)
    reserved (0x2001 | (imm & 32) << 7 | (imm & 31) << 2); /* c.addiw x0 */
  for (u16 rd = 1; rd < 32; rd++)
    reserved (0x6001 | rd << 7); /* c.lui of 0; rd = 2: c.addi16sp of 0 */
  for (u16 i = 0; i < 128; i++)
    reserved (0x9c01 | (i & 8) << 3 | 0x40 | (i & 7) << 2 | (i >> 4) << 7 | (i & 1) << 5);
  for (u32 imm = 0; imm < 64; imm++)
    {
      reserved (0x4002 | (imm & 32) << 7 | (imm & 31) << 2); /* c.lwsp x0 */
      reserved (0x6002 | (imm & 32) << 7 | (imm & 31) << 2); /* c.ldsp x0 */
    }
  reserved (0x8002); /* c.jr x0 */
  /* c.ebreak leaves its own address, and tval is 0 or that address */
  code[0] = 0x9002;
  fence_i ();
  CHECK_EQ (trap_jump ((u64) code), CAUSE_BREAKPOINT);
  CHECK_EQ (hart ()->trap.epc, (u64) code);
  CHECK (hart ()->trap.tval == (u64) code || !hart ()->trap.tval);
}
