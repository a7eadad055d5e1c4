/* SPDX-License-Identifier: BSD-2-Clause */
/* Random code, in U mode, in S mode with a page table of its own, and in M mode's shadow: it may do
   what it likes to its own two pages; a timer ends it. */
#include "vm.h"

static u32 page[2][1024] __attribute__ ((aligned (4096)));
static u32 data[2][1024] __attribute__ ((aligned (4096)));
#define CODE 0x50000000ul
#define DATA 0x50002000ul

/* Words that are mostly instructions of this hart: an opcode that exists, the rest random. */
static u32
insn (void)
{
  static const u8 opcodes[] = { 0x03, 0x07, 0x0f, 0x13, 0x13, 0x17, 0x1b, 0x23, 0x27, 0x2f, 0x33,
                                0x33, 0x37, 0x3b, 0x43, 0x47, 0x4b, 0x4f, 0x53, 0x53, 0x63, 0x67,
                                0x6f, 0x73 };
  u32 v = (u32) (rnd () >> 16);
  switch (rnd () >> 8 & 7)
    {
    case 0:
      return v;
    case 1:
    case 2:
      return (v & 0xfffcfffc) | (u32) (rnd () >> 8 & 3) % 3 | ((u32) (rnd () >> 9) % 3) << 16;
    default:
      v = (v & ~0x7fu) | opcodes[(rnd () >> 8) % sizeof opcodes];
      if (rnd () >> 8 & 1)
        v &= ~0xbe000000u; /* the funct7 that exist */
      return v;
    }
}

void
test (void)
{
  struct hart *h = hart ();
  u64 causes = 0, ended = 0;
  pmp_open ();
  csr_write (mcounteren, 7);
  csr_write (scounteren, 7);
  for (int round = 0; round < 4000; round++)
    {
      int mode = round % 4 ? MODE_U : MODE_S;
      if (round % 50 == 0)
        {
          csr_write (satp, 0);
          vm_init (3 + round / 50 % 3);
          for (u64 i = 0; i < 2; i++)
            {
              vm_map (CODE + 4096 * i, (u64) page[i], PTE_RWX | PTE_U, 0);
              vm_map (DATA + 4096 * i, (u64) data[i], PTE_RW | PTE_U, 0);
              vm_map (CODE + 0x10000 + 4096 * i, (u64) page[i], PTE_RWX, 0);
              vm_map (DATA + 0x10000 + 4096 * i, (u64) data[i], PTE_RW, 0);
            }
          for (int i = 0; i < 1024; i++)
            {
              page[0][i] = insn ();
              page[1][i] = insn ();
              data[0][i] = (u32) rnd ();
            }
        }
      u64 shift = mode == MODE_S ? 0x10000 : 0, start = (rnd () >> 8 & 0x7fe) * 2;
      for (int i = 0; i < 16; i++)
        page[start >> 12][(start >> 2 & 1023) + i < 1024 ? (start >> 2 & 1023) + i : 0] = insn ();
      fence_i ();
      csr_write (satp, vm_satp (0));
      sfence ();
      csr_clear (mstatus, MSTATUS_MPP | MSTATUS_TVM | MSTATUS_FS);
      csr_set (mstatus, (u64) mode << 11 | MSTATUS_FS | MSTATUS_TVM | MSTATUS_TSR);
      csr_write (fcsr, rnd () & 0x7f);
      csr_write (mie, 0x80);
      csr_write (stimecmp, -1ul);
      MMIO (u64, MTIMECMP (0)) = now () + 1000;
      h->escape = h->escape_irq = 1;
      h->trap.count = 0;
      note ("round, start", (u64) round, start);
      run_raw (CODE + shift + start, DATA + shift, DATA + shift + 0x800, CODE + shift + 0x40,
               DATA + shift + 0xf00);
      h->escape = h->escape_irq = 0;
      csr_write (mie, 0);
      csr_clear (mstatus, MSTATUS_TVM | MSTATUS_TSR);
      csr_write (stvec, (u64) trap_s_entry);
      csr_write (sscratch, (u64) h);
      csr_write (satp, 0);
      if (h->trap.cause & CAUSE_IRQ)
        ended++;
      else
        {
          causes |= 1ul << (h->trap.cause & 63);
          CHECK (h->trap.cause < 16 && h->trap.cause != CAUSE_ECALL_M);
        }
    }
  MMIO (u64, MTIMECMP (0)) = -1ul;
  /* it got somewhere: most kinds of trap have been seen, and some rounds ran on */
  note ("causes, ran on", causes, ended);
  CHECK_EQ (causes & (1ul << CAUSE_ILLEGAL | 1ul << CAUSE_FETCH_PAGE | 1ul << CAUSE_LOAD_PAGE
                      | 1ul << CAUSE_STORE_PAGE),
            1ul << CAUSE_ILLEGAL | 1ul << CAUSE_FETCH_PAGE | 1ul << CAUSE_LOAD_PAGE
                | 1ul << CAUSE_STORE_PAGE);
}
