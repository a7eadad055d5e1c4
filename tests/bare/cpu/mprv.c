/* SPDX-License-Identifier: BSD-2-Clause */
/* MPRV: M mode's loads and stores as another mode's; its fetches stay its own. */
#include "vm.h"

static u64 page[2][512] __attribute__ ((aligned (4096)));
#define VA 0x50000000ul

static u64
load_as (u64 mpp, u64 addr, u64 *out)
{
  u64 v = 0;
  csr_clear (mstatus, MSTATUS_MPP);
  csr_set (mstatus, mpp << 11);
  trap_arm ();
  /* the trap handler itself must run without: it clears the bit by way of the saved mode */
  asm volatile ("li t0, 1 << 17\n\tcsrs mstatus, t0\n\tld %0, 0(%1)\n\tcsrc mstatus, t0"
                : "+&r"(v)
                : "r"(addr)
                : "t0", "memory");
  csr_clear (mstatus, MSTATUS_MPRV);
  *out = v;
  return trap_cause ();
}

/* A handler that notes the cause, drops MPRV and steps over a 4-byte instruction. */
extern char mprv_handler[];
u64 mprv_saw[2];
#define mprv_cause mprv_saw[0]
#define mprv_tval mprv_saw[1]
asm (".text\n.balign 4\n.option push\n.option norvc\n"
     "mprv_handler: li t0, 1 << 17\n\tcsrc mstatus, t0\n\tla t0, mprv_saw\n\t"
     "csrr t1, mcause\n\tsd t1, 0(t0)\n\tcsrr t1, mtval\n\tsd t1, 8(t0)\n\t"
     "csrr t1, mepc\n\taddi t1, t1, 4\n\tcsrw mepc, t1\n\t"
     "li t1, 3 << 11\n\tcsrs mstatus, t1\n\tmret\n.option pop\n");

static u64
access (u64 mpp, int store, u64 addr)
{
  u64 v = 0x99, tvec = csr_read (mtvec);
  mprv_cause = NO_TRAP;
  csr_write (mtvec, mprv_handler);
  csr_clear (mstatus, MSTATUS_MPP);
  csr_set (mstatus, mpp << 11);
  if (store)
    asm volatile (".option push\n.option norvc\n"
                  "li t0, 1 << 17\n\tcsrs mstatus, t0\n\tsd %0, 0(%1)\n\tli t0, 1 << 17\n\t"
                  "csrc mstatus, t0\n.option pop"
                  : "+&r"(v)
                  : "r"(addr)
                  : "t0", "t1", "memory");
  else
    asm volatile (".option push\n.option norvc\n"
                  "li t0, 1 << 17\n\tcsrs mstatus, t0\n\tld %0, 0(%1)\n\tli t0, 1 << 17\n\t"
                  "csrc mstatus, t0\n.option pop"
                  : "+&r"(v)
                  : "r"(addr)
                  : "t0", "t1", "memory");
  csr_write (mtvec, tvec);
  hart ()->ret = v;
  return mprv_cause;
}

void
test (void)
{
  u64 v;
  pmp_open ();
  vm_init (3);
  page[0][0] = 0x1111;
  page[1][0] = 0x2222;
  page[0][1] = 0x99;
  u64 *s = vm_map (VA, (u64) page[0], PTE_RW, 0);
  vm_map (VA + 4096, (u64) page[1], PTE_RW | PTE_U, 0);
  /* `load_as' reads its own variables from registers only */
  vm_on ();
  CHECK_EQ (load_as (MODE_M, (u64) page[0], &v), NO_TRAP); /* MPP = M: untranslated */
  CHECK_EQ (v, 0x1111);
  CHECK_EQ (access (MODE_S, 0, VA), NO_TRAP);
  CHECK_EQ (hart ()->ret, 0x1111);
  CHECK_EQ (access (MODE_U, 0, VA), CAUSE_LOAD_PAGE);
  CHECK_EQ (mprv_tval, VA);
  CHECK_EQ (access (MODE_U, 0, VA + 4096), NO_TRAP);
  CHECK_EQ (hart ()->ret, 0x2222);
  CHECK_EQ (access (MODE_S, 0, VA + 4096), CAUSE_LOAD_PAGE);
  csr_set (mstatus, MSTATUS_SUM);
  CHECK_EQ (access (MODE_S, 0, VA + 4096), NO_TRAP);
  csr_clear (mstatus, MSTATUS_SUM);
  CHECK_EQ (access (MODE_S, 1, VA), NO_TRAP);
  CHECK_EQ (page[0][0], 0x99);
  CHECK_EQ (access (MODE_U, 1, VA), CAUSE_STORE_PAGE);
  CHECK_EQ (access (MODE_S, 1, 0x60000000), CAUSE_STORE_PAGE);
  CHECK_EQ (mprv_tval, 0x60000000);
  /* execute-only, with MXR */
  *s = PTE (page[0], PTE_V | PTE_X | PTE_A);
  sfence ();
  CHECK_EQ (access (MODE_S, 0, VA), CAUSE_LOAD_PAGE);
  csr_set (mstatus, MSTATUS_MXR);
  CHECK_EQ (access (MODE_S, 0, VA), NO_TRAP);
  csr_clear (mstatus, MSTATUS_MXR);
  /* with paging off: physical, and PMP as the other mode's */
  vm_off ();
  CHECK_EQ (access (MODE_S, 0, (u64) page[1]), NO_TRAP);
  CHECK_EQ (hart ()->ret, 0x2222);
  csr_write (pmpcfg0, 0);
  CHECK_EQ (access (MODE_S, 0, (u64) page[1]), CAUSE_LOAD_ACCESS);
  CHECK_EQ (access (MODE_U, 1, (u64) page[1]), CAUSE_STORE_ACCESS);
  CHECK_EQ (access (MODE_M, 0, (u64) page[1]), NO_TRAP);
}
