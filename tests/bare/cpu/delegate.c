/* SPDX-License-Identifier: BSD-2-Clause */
/* Delegation to S mode: which traps go where, what the S registers then hold, sret. */
#include "bare.h"

static u64
trap_illegal (u64 arg)
{
  return TRAP_ASM (".4byte 0xffffffff");
}

static u64
trap_ecall (u64 arg)
{
  return TRAP (asm volatile ("li a7, 1\n\tecall" ::: "a7", "memory"));
}

static u64
trap_load (u64 arg)
{
  return TRAP (asm volatile ("ld t0, 0(%0)" ::"r"(arg) : "t0", "memory"));
}

static u64
trap_store (u64 arg)
{
  return TRAP (asm volatile ("sd t0, 0(%0)" ::"r"(arg) : "t0", "memory"));
}

static u64
trap_break (u64 arg)
{
  return TRAP_ASM ("ebreak");
}

static const struct
{
  const char *name;
  u64 (*fn) (u64);
  u64 arg, cause[2], tval; /* from U, from S */
} ways[] = {
  { "illegal", trap_illegal, 0, { CAUSE_ILLEGAL, CAUSE_ILLEGAL }, 0xffffffff },
  { "ecall", trap_ecall, 0, { CAUSE_ECALL_U, CAUSE_ECALL_S }, 0 },
  { "load", trap_load, 0x550, { CAUSE_LOAD_ACCESS, CAUSE_LOAD_ACCESS }, 0x550 },
  { "store", trap_store, 0x660, { CAUSE_STORE_ACCESS, CAUSE_STORE_ACCESS }, 0x660 },
  { "fetch", trap_jump, 0x770, { CAUSE_FETCH_ACCESS, CAUSE_FETCH_ACCESS }, 0x770 },
  { "break", trap_break, 0, { CAUSE_BREAKPOINT, CAUSE_BREAKPOINT }, 1 },
};

static u64
sret_to (u64 sstatus_bits)
{
  csr_clear (sstatus, MSTATUS_SPP | MSTATUS_SPIE | MSTATUS_SIE);
  csr_set (sstatus, sstatus_bits);
  asm volatile ("la t0, 1f\n\tcsrw sepc, t0\n\tsret\n1:" ::: "t0", "memory");
  return TRAP_ASM ("csrr t0, sstatus");
}

void
test (void)
{
  struct trap *t = &hart ()->trap;
  pmp_open ();
  csr_write (sie, 0);
  for (int mode = MODE_U; mode <= MODE_S; mode++)
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++)
      for (int on = 0; on < 2; on++)
        {
          u64 cause = ways[i].cause[mode];
          csr_write (medeleg, on ? 1ul << cause : ~(1ul << cause));
          /* the runtime's way out is an ecall, too: to M */
          if (cause != CAUSE_ECALL_U && cause != CAUSE_ECALL_S)
            csr_clear (medeleg, 1ul << CAUSE_ECALL_U | 1ul << CAUSE_ECALL_S);
          else if (on)
            continue;
          else
            csr_write (medeleg, 0xb1ff & ~0x300ul);
          csr_clear (mstatus, MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP);
          if (mode == MODE_S)
            csr_set (mstatus, MSTATUS_SIE);
          note (ways[i].name, (u64) mode, (u64) on);
          CHECK_EQ (run_in (mode, ways[i].fn, ways[i].arg), cause);
          CHECK_EQ (t->mode, on ? MODE_S : MODE_M);
          if (ways[i].tval != 1)
            CHECK_EQ (t->tval, ways[i].tval);
          if (on)
            {
              CHECK_EQ (!!(t->status & MSTATUS_SPP), mode == MODE_S);
              CHECK_EQ (t->status & MSTATUS_SIE, 0);
              CHECK_EQ (!!(t->status & MSTATUS_SPIE), mode == MODE_S);
              CHECK_EQ (csr_read (scause), cause);
            }
        }
  /* U's ecall to S: the handler skips it, and the one after it in run_exit's loop, for ever; so
     the handler is one that turns back to M. */
  u64 stvec_was = csr_read (stvec);
  csr_write (medeleg, 1ul << CAUSE_ECALL_U);
  csr_write (stvec, probe_target);
  note ("ecall from U to S", 0, 0);
  csr_clear (mstatus, MSTATUS_SPP);
  CHECK_EQ (run_in (MODE_U, trap_ecall, 0), 0x7a);
  CHECK_EQ (csr_read (scause), CAUSE_ECALL_U);
  CHECK_EQ (csr_read (mcause), CAUSE_ECALL_S);
  CHECK_EQ (csr_read (stval), 0);
  CHECK_EQ (csr_read (sstatus) & MSTATUS_SPP, 0);
  trap_cause ();
  csr_write (stvec, stvec_was);
  csr_write (medeleg, 0);

  /* nothing is delegated from M itself */
  csr_write (medeleg, 0xb1ff);
  CHECK_EQ (TRAP_ASM (".4byte 0xffffffff"), CAUSE_ILLEGAL);
  CHECK_EQ (t->mode, MODE_M);
  CHECK_EQ (TRAP_ASM ("ecall"), CAUSE_ECALL_M);
  CHECK_EQ (t->mode, MODE_M);
  /* an ecall from M cannot be delegated at all, though QEMU 7.2 keeps the bit */
  if (!ON_QEMU72)
    CHECK_EQ (csr_read (medeleg) & 1ul << CAUSE_ECALL_M, 0);
  csr_write (medeleg, 0);

  /* sret: SPIE to SIE, SPIE set, SPP cleared, MPRV cleared; from M as well */
  note ("sret", 0, 0);
  CHECK_EQ (run_in (MODE_S, sret_to, MSTATUS_SPP | MSTATUS_SPIE), NO_TRAP);
  CHECK_EQ (csr_read (mstatus) & (MSTATUS_SPP | MSTATUS_SPIE | MSTATUS_SIE),
            MSTATUS_SPIE | MSTATUS_SIE);
  CHECK_EQ (run_in (MODE_S, sret_to, MSTATUS_SPP), NO_TRAP);
  CHECK_EQ (csr_read (mstatus) & (MSTATUS_SPP | MSTATUS_SPIE | MSTATUS_SIE), MSTATUS_SPIE);
  CHECK_EQ (run_in (MODE_S, sret_to, MSTATUS_SPIE), CAUSE_ILLEGAL); /* U reads no sstatus */
  CHECK_EQ ((t->status & MSTATUS_MPP) >> 11, MODE_U);
  csr_set (mstatus, MSTATUS_MPRV);
  CHECK_EQ (run_in (MODE_S, sret_to, MSTATUS_SPP), NO_TRAP);
  if (!ON_QEMU72) /* which leaves MPRV set, a change of the privileged manual's 1.12 */
    CHECK_EQ (csr_read (mstatus) & MSTATUS_MPRV, 0);
}
