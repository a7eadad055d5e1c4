/* SPDX-License-Identifier: BSD-2-Clause */
/* CSR instructions, and the fields that take only what the manual allows. */
#include "bare.h"

#define SWAP(csr, v)                                                                              \
  ({                                                                                              \
    u64 r_;                                                                                       \
    asm volatile ("csrrw %0, " #csr ", %1" : "=r"(r_) : "r"(v) : "memory");                       \
    r_;                                                                                           \
  })
/* What a field keeps of V, the register put back as it was. */
#define KEEPS(csr, v)                                                                             \
  ({                                                                                              \
    u64 was_ = SWAP (csr, (u64) (v)), now_ = csr_read (csr);                                      \
    csr_write (csr, was_);                                                                        \
    now_;                                                                                         \
  })

static u64
m_only (u64 arg)
{
  /* every one must trap from S and from U */
  u64 bad = 0;
#define ONE(csr) bad += TRAP (csr_read (csr)) != CAUSE_ILLEGAL
  ONE (mstatus);
  ONE (misa);
  ONE (medeleg);
  ONE (mideleg);
  ONE (mie);
  ONE (mtvec);
  ONE (mcounteren);
  ONE (mscratch);
  ONE (mepc);
  ONE (mcause);
  ONE (mtval);
  ONE (mip);
  ONE (mhartid);
  ONE (mvendorid);
  ONE (mcycle);
  ONE (minstret);
  ONE (pmpcfg0);
  ONE (pmpaddr0);
  ONE (menvcfg);
  return bad;
}

static u64
s_only (u64 arg)
{
  u64 bad = 0;
  ONE (sstatus);
  ONE (sie);
  ONE (stvec);
  ONE (scounteren);
  ONE (sscratch);
  ONE (sepc);
  ONE (scause);
  ONE (stval);
  ONE (sip);
  ONE (satp);
  ONE (senvcfg);
  bad += TRAP_ASM ("sret") != CAUSE_ILLEGAL;
  bad += TRAP_ASM ("sfence.vma") != CAUSE_ILLEGAL;
  return bad;
}

static u64
m_instructions (u64 arg)
{
  return TRAP_ASM ("mret") != CAUSE_ILLEGAL;
}

static u64
s_fine (u64 arg)
{
  return TRAP (({
    csr_read (sstatus);
    csr_read (sie);
    csr_read (stvec);
    csr_read (sscratch);
    csr_read (sepc);
    csr_read (scause);
    csr_read (stval);
    csr_read (sip);
    csr_read (satp);
    csr_read (senvcfg);
    csr_read (scounteren);
    asm volatile ("sfence.vma" ::: "memory");
  }));
}

static void
instructions (void)
{
  u64 r;
  csr_write (mscratch, 0xf0f0);
  asm volatile ("csrrs %0, mscratch, %1" : "=r"(r) : "r"(0x0ff0ul));
  CHECK_EQ (r, 0xf0f0);
  CHECK_EQ (csr_read (mscratch), 0xfff0);
  asm volatile ("csrrc %0, mscratch, %1" : "=r"(r) : "r"(0x0f00ul));
  CHECK_EQ (r, 0xfff0);
  CHECK_EQ (csr_read (mscratch), 0xf0f0);
  asm volatile ("csrrwi %0, mscratch, 31" : "=r"(r));
  CHECK_EQ (r, 0xf0f0);
  CHECK_EQ (csr_read (mscratch), 31);
  asm volatile ("csrrci %0, mscratch, 10" : "=r"(r));
  CHECK_EQ (csr_read (mscratch), 21);
  asm volatile ("csrrsi %0, mscratch, 8" : "=r"(r));
  CHECK_EQ (r, 21);
  CHECK_EQ (csr_read (mscratch), 29);
  asm volatile ("csrrsi %0, mscratch, 0" : "=r"(r));
  CHECK_EQ (r, 29);
  CHECK_EQ (csr_read (mscratch), 29);
  /* rd = rs1 */
  r = 0x1111;
  asm volatile ("csrrw %0, mscratch, %0" : "+r"(r));
  CHECK_EQ (r, 29);
  CHECK_EQ (csr_read (mscratch), 0x1111);
  r = 0xff;
  asm volatile ("csrrc %0, mscratch, %0" : "+r"(r));
  CHECK_EQ (r, 0x1111);
  CHECK_EQ (csr_read (mscratch), 0x1100);
  asm volatile ("csrrw x0, mscratch, x0");
  CHECK_EQ (csr_read (mscratch), 0);
  csr_write (mscratch, hart ());
}

void
test (void)
{
  pmp_open ();
  instructions ();

  /* identity: RV64 with I M A F D C S U at least */
  CHECK_EQ (csr_read (misa) >> 62, 2);
  CHECK_EQ (csr_read (misa) & 0x14112d, 0x14112d);
  CHECK_EQ (csr_read (mhartid), 0);
  CHECK_EQ (TRAP (({
              csr_read (mvendorid);
              csr_read (marchid);
              csr_read (mimpid);
              csr_read (mconfigptr);
            })),
            NO_TRAP);

  /* plain 64-bit registers */
  CHECK_EQ (KEEPS (sscratch, 0x123456789abcdef0), 0x123456789abcdef0);
  CHECK_EQ (KEEPS (mtval, -1ul), -1ul);
  CHECK_EQ (KEEPS (stval, 0x8000000000000001), 0x8000000000000001);
  CHECK_EQ (KEEPS (mcause, 0x8000000000000007), 0x8000000000000007);
  CHECK_EQ (KEEPS (scause, 0x8000000000000005), 0x8000000000000005);

  /* mstatus: 64-bit S and U, MPP never 2, reserved bits read 0 */
  u64 was = csr_read (mstatus);
  CHECK_EQ (was >> 32 & 15, 10);
  csr_write (mstatus, was & ~MSTATUS_MPP);
  csr_write (mstatus, (was & ~MSTATUS_MPP) | 2ul << 11);
  CHECK ((csr_read (mstatus) >> 11 & 3) != 2 || ON_QEMU72); /* which lets the reserved mode in */
  csr_write (mstatus, was);
  csr_write (mstatus, was | ~(MSTATUS_MPRV | MSTATUS_MIE));
  /* writable: SIE SPIE UBE? MPIE SPP MPP FS MPRV SUM MXR TVM TW TSR; never bits 0, 2, 4, 23..31 */
  CHECK_EQ (csr_read (mstatus) & 0xff800015, 0);
  if (!ON_QEMU72) /* which takes the reserved width 3 for U */
    CHECK_EQ (csr_read (mstatus) >> 32 & 15, 10);
  csr_write (mstatus, was);

  /* sstatus shows and changes only its own */
  csr_set (mstatus, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR | MSTATUS_MPIE);
  CHECK_EQ (csr_read (sstatus) & (MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR | MSTATUS_MPIE), 0);
  csr_write (sstatus, 0);
  CHECK_EQ (csr_read (mstatus) & (MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR | MSTATUS_MPIE),
            MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR | MSTATUS_MPIE);
  csr_clear (mstatus, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
  csr_write (sstatus, MSTATUS_SUM | MSTATUS_MXR | MSTATUS_SPP | MSTATUS_MPRV);
  CHECK_EQ (csr_read (mstatus) & (MSTATUS_SUM | MSTATUS_MXR | MSTATUS_SPP | MSTATUS_MPRV),
            MSTATUS_SUM | MSTATUS_MXR | MSTATUS_SPP);
  CHECK_EQ (csr_read (sstatus) >> 32 & 3, 2);
  csr_write (mstatus, was);

  /* FS and SD */
  csr_clear (mstatus, MSTATUS_FS);
  CHECK_EQ (csr_read (mstatus) & MSTATUS_SD, 0);
  csr_set (mstatus, 1ul << 13);
  CHECK_EQ (csr_read (mstatus) & MSTATUS_SD, 0);
  CHECK_EQ (csr_read (sstatus) & MSTATUS_SD, 0);
  csr_set (mstatus, MSTATUS_FS);
  CHECK_EQ (csr_read (mstatus) & MSTATUS_SD, MSTATUS_SD);
  CHECK_EQ (csr_read (sstatus) & MSTATUS_SD, MSTATUS_SD);
  csr_clear (mstatus, MSTATUS_FS);

  /* trap vectors: direct or vectored, aligned to 4 */
  u64 tvec = csr_read (mtvec);
  csr_write (mtvec, tvec | 1);
  CHECK_EQ (csr_read (mtvec), tvec | 1);
  csr_write (mtvec, tvec);
  csr_write (mtvec, tvec | 2);
  CHECK_EQ (csr_read (mtvec) & 2, 0);
  csr_write (mtvec, tvec);
  CHECK_EQ (KEEPS (stvec, 0x80001001), 0x80001001);

  /* delegation: not an ecall from M, not M's own interrupts */
  if (!ON_QEMU72) /* which keeps the bit of M's own ecall, and the hypervisor's */
    CHECK_EQ (KEEPS (medeleg, -1ul) & 0xfffffffffffff800 & ~0xb000ul, 0);
  CHECK_EQ (KEEPS (medeleg, -1ul) & 0xb100, 0xb100);
  CHECK_EQ (KEEPS (mideleg, -1ul) & 0xaaa, 0x222);
  CHECK_EQ (KEEPS (mie, -1ul) & 0xaaa, 0xaaa);
  CHECK_EQ (KEEPS (mie, -1ul) & 0x1, 0);
  /* sie and sip are windows that mideleg opens */
  csr_write (mie, 0xaaa);
  csr_write (mideleg, 0);
  CHECK_EQ (csr_read (sie), 0);
  csr_write (sie, -1ul);
  csr_write (mideleg, 0x020);
  CHECK_EQ (csr_read (sie), 0x020);
  csr_write (sie, 0);
  CHECK_EQ (csr_read (mie), 0xa8a);
  csr_write (mideleg, 0x222);
  csr_write (mie, 0);
  csr_write (mip, 0);
  csr_write (sip, 0x222);
  CHECK_EQ (csr_read (mip) & 0x222, 2); /* of the three S may set only the software one */
  csr_write (sip, 0);
  CHECK_EQ (csr_read (mip) & 0x222, 0);
  csr_write (mip, 0xaaa);
  CHECK_EQ (csr_read (mip) & 0x888, 0); /* M's own are wires */
  CHECK_EQ (csr_read (sip) & 0x222, 0x222);
  csr_write (mip, 0);
  csr_write (mideleg, 0);

  /* satp: an unknown mode changes nothing; ASID and page number stay */
  u64 satp = 8ul << 60 | 0x1234ul << 44 | 0x80123;
  csr_write (satp, satp);
  CHECK_EQ (csr_read (satp), satp);
  for (u64 mode = 1; mode < 8; mode++)
    {
      csr_write (satp, mode << 60 | 5);
      CHECK_EQ (csr_read (satp), satp);
    }
  for (u64 mode = 11; mode < 16; mode++)
    {
      csr_write (satp, mode << 60 | 5);
      CHECK_EQ (csr_read (satp), satp);
    }
  csr_write (satp, 9ul << 60);
  CHECK_EQ (csr_read (satp), 9ul << 60);
  csr_write (satp, 10ul << 60);
  CHECK_EQ (csr_read (satp), 10ul << 60);
  csr_write (satp, 0);
  CHECK_EQ (csr_read (satp), 0);

  /* fcsr in its three views */
  csr_set (mstatus, MSTATUS_FS);
  csr_write (fcsr, -1ul);
  CHECK_EQ (csr_read (fcsr), 0xff);
  CHECK_EQ (csr_read (frm), 7);
  CHECK_EQ (csr_read (fflags), 31);
  csr_write (frm, 2);
  CHECK_EQ (csr_read (fcsr), 0x5f);
  csr_write (fflags, 0x24);
  CHECK_EQ (csr_read (fcsr), 0x44);
  csr_write (frm, 0xfd);
  CHECK_EQ (csr_read (fcsr), 0xa4);
  csr_write (fcsr, 0);
  csr_clear (mstatus, MSTATUS_FS);

  /* who may touch what */
  CHECK_EQ (run_in (MODE_S, m_only, 0), 0);
  CHECK_EQ (run_in (MODE_U, m_only, 0), 0);
  CHECK_EQ (run_in (MODE_U, s_only, 0), 0);
  CHECK_EQ (run_in (MODE_S, m_instructions, 0), 0);
  CHECK_EQ (run_in (MODE_U, m_instructions, 0), 0);
  CHECK_EQ (run_in (MODE_S, s_fine, 0), NO_TRAP);
}
