/* SPDX-License-Identifier: BSD-2-Clause */
/* Synchronous traps into M mode: cause, epc, tval and the stack of mstatus, from all three modes;
   mret; handlers that trap themselves. */
#include "bare.h"

extern char nested_entry[], nested_site[], nested_inner[];
static u64 nested[8];

/* QEMU 7.2 keeps bit 0 of mepc and sepc, which the manual has always zero. */
#define ODD ON_QEMU72

/* A handler of its own: the first ebreak traps again from inside, then both unwind. */
asm (".text\n"
     ".balign 4\n"
     "nested_entry:\n"
     "  la t6, nested\n"
     "  ld t5, 0(t6)\n"
     "  bnez t5, 1f\n"
     "  li t5, 1\n"
     "  sd t5, 0(t6)\n"
     "  csrr t5, mepc\n"
     "  sd t5, 8(t6)\n"
     "  csrr t5, mstatus\n"
     "  sd t5, 16(t6)\n"
     "nested_inner:\n"
     "  .option push\n"
     "  .option norvc\n"
     "  ebreak\n"
     "  .option pop\n"
     "  la t6, nested\n"
     "  ld t5, 8(t6)\n"
     "  addi t5, t5, 4\n"
     "  csrw mepc, t5\n"
     "  ld t5, 16(t6)\n"
     "  csrw mstatus, t5\n"
     "  la t5, nested\n"
     "  ld t5, 48(t5)\n"
     "  mret\n"
     "1: csrr t5, mepc\n"
     "  sd t5, 24(t6)\n"
     "  addi t5, t5, 4\n"
     "  csrw mepc, t5\n"
     "  csrr t5, mstatus\n"
     "  sd t5, 32(t6)\n"
     "  csrr t5, mcause\n"
     "  sd t5, 40(t6)\n"
     "  mret\n");

static u64
trap_ecall (u64 arg)
{
  /* not the runtime's own number */
  u64 r = TRAP (asm volatile ("li a7, 1\n\tecall" ::: "a7", "memory"));
  return r;
}

static u64
trap_ebreak (u64 arg)
{
  return TRAP_ASM ("ebreak");
}

static u64
trap_illegal (u64 arg)
{
  return TRAP_ASM (".4byte 0xffffffff");
}

static u64
trap_csr (u64 arg)
{
  return TRAP_ASM ("csrr t0, mstatus");
}

static u64
trap_load (u64 arg)
{
  return TRAP (asm volatile ("lw t0, 0(%0)" ::"r"(arg) : "t0", "memory"));
}

static u64
trap_fetch (u64 arg)
{
  return trap_jump (arg);
}

static void
from (int mode, u64 ecall)
{
  struct trap *t = &hart ()->trap;
  note ("from mode", (u64) mode, 0);
  CHECK_EQ (run_in (mode, trap_ecall, 0), ecall);
  CHECK_EQ (t->tval, 0);
  CHECK_EQ ((t->status & MSTATUS_MPP) >> 11, mode);
  CHECK_EQ (run_in (mode, trap_ebreak, 0), CAUSE_BREAKPOINT);
  CHECK (t->tval == t->epc || !t->tval);
  CHECK_EQ (run_in (mode, trap_illegal, 0), CAUSE_ILLEGAL);
  CHECK_EQ (t->tval, 0xffffffff);
  CHECK_EQ (*(u32 *) t->epc, 0xffffffff);
  if (mode != MODE_M)
    {
      CHECK_EQ (run_in (mode, trap_csr, 0), CAUSE_ILLEGAL);
      CHECK_EQ (t->tval, 0x300022f3);
    }
  else
    CHECK_EQ (run_in (mode, trap_csr, 0), NO_TRAP);
  CHECK_EQ (run_in (mode, trap_load, 0x230), CAUSE_LOAD_ACCESS);
  CHECK_EQ (t->tval, 0x230);
  CHECK_EQ (run_in (mode, trap_fetch, 0x40), CAUSE_FETCH_ACCESS);
  CHECK_EQ (t->tval, 0x40);
  CHECK_EQ (t->epc, 0x40);
  CHECK_EQ ((t->status & MSTATUS_MPP) >> 11, mode);
}

static u64
read_nothing (u64 arg)
{
  return arg;
}

void
test (void)
{
  struct trap *t = &hart ()->trap;
  pmp_open ();
  from (MODE_U, CAUSE_ECALL_U);
  from (MODE_S, CAUSE_ECALL_S);
  /* M reaches run_in's exit by the same ecall: run these in place */
  CHECK_EQ (trap_ecall (0), CAUSE_ECALL_M);
  CHECK_EQ (t->tval, 0);
  CHECK_EQ (trap_ebreak (0), CAUSE_BREAKPOINT);
  CHECK_EQ (trap_illegal (0), CAUSE_ILLEGAL);
  CHECK_EQ (trap_csr (0), NO_TRAP);
  CHECK_EQ (trap_load (0x230), CAUSE_LOAD_ACCESS);
  CHECK_EQ (trap_fetch (0x40), CAUSE_FETCH_ACCESS);
  CHECK_EQ (t->epc, 0x40);
  CHECK_EQ (t->tval, 0x40);
  CHECK_EQ (t->status & MSTATUS_MPP, MSTATUS_MPP);
  CHECK_EQ (TRAP_ASM ("csrrw t0, 0x7c0, t0"), CAUSE_ILLEGAL);

  /* the interrupt enable goes to MPIE and comes back */
  csr_write (mie, 0);
  csr_set (mstatus, MSTATUS_MIE);
  CHECK_EQ (TRAP_ASM ("ecall"), CAUSE_ECALL_M);
  CHECK_EQ (t->status & (MSTATUS_MIE | MSTATUS_MPIE), MSTATUS_MPIE);
  CHECK_EQ (csr_read (mstatus) & MSTATUS_MIE, MSTATUS_MIE);
  CHECK_EQ (csr_read (mstatus) & (MSTATUS_MPIE | MSTATUS_MPP), MSTATUS_MPIE);
  csr_clear (mstatus, MSTATUS_MIE);
  CHECK_EQ (TRAP_ASM ("ecall"), CAUSE_ECALL_M);
  CHECK_EQ (t->status & (MSTATUS_MIE | MSTATUS_MPIE), 0);
  CHECK_EQ (csr_read (mstatus) & (MSTATUS_MIE | MSTATUS_MPIE), MSTATUS_MPIE);

  /* mret to a lower mode clears MPRV, to M it does not */
  csr_set (mstatus, MSTATUS_MPRV | MSTATUS_MPP);
  asm volatile ("la t0, 1f\n\tcsrw mepc, t0\n\tmret\n1:" ::: "t0", "memory");
  CHECK_EQ (csr_read (mstatus) & MSTATUS_MPRV, MSTATUS_MPRV);
  csr_clear (mstatus, MSTATUS_MPRV);
  csr_set (mstatus, MSTATUS_MPRV);
  CHECK_EQ (run_in (MODE_S, read_nothing, 5), 5);
  if (!ON_QEMU72) /* which leaves MPRV set, a change of the privileged manual's 1.12 */
    CHECK_EQ (csr_read (mstatus) & MSTATUS_MPRV, 0);
  csr_set (mstatus, MSTATUS_MPRV);
  CHECK_EQ (run_in (MODE_U, read_nothing, 5), 5);
  if (!ON_QEMU72) /* which leaves MPRV set, a change of the privileged manual's 1.12 */
    CHECK_EQ (csr_read (mstatus) & MSTATUS_MPRV, 0);

  /* the runtime's scratch registers survive, mepc drops bit 0 */
  csr_write (mepc, -1ul);
  CHECK_EQ (csr_read (mepc), -2ul + ODD);
  csr_write (sepc, -1ul);
  CHECK_EQ (csr_read (sepc), -2ul + ODD);
  csr_write (mepc, 0x80000003);
  CHECK_EQ (csr_read (mepc), 0x80000002 + ODD);

  /* a trap inside a handler */
  u64 tvec = csr_read (mtvec), scratch = csr_read (mscratch);
  csr_set (mstatus, MSTATUS_MIE);
  nested[6] = 0x5a5a;
  u64 t5;
  csr_write (mtvec, nested_entry);
  asm volatile (".option push\n.option norvc\nli t5, 0x77\n"
                "nested_site: ebreak\n\tmv %0, t5\n.option pop"
                : "=r"(t5)
                :
                : "t5", "t6", "memory");
  csr_write (mtvec, tvec);
  CHECK_EQ (t5, 0x5a5a);
  CHECK_EQ (csr_read (mscratch), scratch);
  CHECK_EQ (nested[1], (u64) nested_site);
  CHECK_EQ (nested[3], (u64) nested_inner);
  CHECK_EQ (nested[2] & (MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP), MSTATUS_MPIE | MSTATUS_MPP);
  CHECK_EQ (nested[4] & (MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP), MSTATUS_MPP);
  CHECK_EQ (nested[5], CAUSE_BREAKPOINT);
  CHECK_EQ (csr_read (mstatus) & MSTATUS_MIE, MSTATUS_MIE);
  csr_clear (mstatus, MSTATUS_MIE);

  /* precise: what came before has happened, what comes after has not */
  u64 before = 0, after = 0, kept = 9;
  trap_arm ();
  asm volatile ("li %0, 5\n\tsd %0, %3\n\tld %2, 0(x0)\n\tli %1, 6\n\tsd %1, %4"
                : "=&r"(before), "=&r"(after), "+&r"(kept), "=m"(nested[0]), "=m"(nested[1])
                :
                : "memory");
  CHECK_EQ (trap_cause (), CAUSE_LOAD_ACCESS);
  CHECK_EQ (before, 5);
  CHECK_EQ (after, 6);
  CHECK_EQ (kept, 9);
  CHECK_EQ (nested[0], 5);
  CHECK_EQ (nested[1], 6);
}
