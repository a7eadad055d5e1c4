/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One RISC-V hart: its whole state, and the calls between the plugin's parts.  Two halves share
 * it: the execution half (decode, block cache, software TLB, interpreter, atomics) and the
 * architecture half (CSRs, traps, interrupts, page walk, PMP, floating point, device glue).
 * Neither half reaches into the other's files except through what stands here.
 *
 * This header knows nothing of how instructions are executed: that state hangs off `accel`.
 */
#ifndef RV64_CPU_H
#define RV64_CPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <godwit/clock.h>
#include <godwit/cpu.h>
#include <godwit/device.h>
#include <godwit/riscv.h>

struct rv_block;
struct rv_accel; /* accel.h: everything that can be thrown away and built again */

enum rv_priv
{
  RV_U = 0,
  RV_S = 1,
  RV_M = 3
};

enum rv_access
{
  RV_LOAD = 0,
  RV_STORE = 1, /* also AMOs, SC and cbo.zero: their faults are store/AMO faults */
  RV_FETCH = 2
};

/* Synchronous exception causes (Privileged Architecture, table "mcause values after trap"). */
enum rv_exception
{
  RV_EXC_FETCH_MISALIGNED = 0,
  RV_EXC_FETCH_ACCESS = 1,
  RV_EXC_ILLEGAL = 2,
  RV_EXC_BREAKPOINT = 3,
  RV_EXC_LOAD_MISALIGNED = 4,
  RV_EXC_LOAD_ACCESS = 5,
  RV_EXC_STORE_MISALIGNED = 6,
  RV_EXC_STORE_ACCESS = 7,
  RV_EXC_ECALL_U = 8,
  RV_EXC_ECALL_S = 9,
  RV_EXC_ECALL_M = 11,
  RV_EXC_FETCH_PAGE = 12,
  RV_EXC_LOAD_PAGE = 13,
  RV_EXC_STORE_PAGE = 15,
  RV_EXC_NONE = 64 /* no exception; not an architectural number */
};

/* mstatus fields that both halves look at. */
#define RV_MSTATUS_SIE (UINT64_C (1) << 1)
#define RV_MSTATUS_MIE (UINT64_C (1) << 3)
#define RV_MSTATUS_SPIE (UINT64_C (1) << 5)
#define RV_MSTATUS_MPIE (UINT64_C (1) << 7)
#define RV_MSTATUS_SPP (UINT64_C (1) << 8)
#define RV_MSTATUS_MPP (UINT64_C (3) << 11)
#define RV_MSTATUS_FS (UINT64_C (3) << 13)
#define RV_MSTATUS_MPRV (UINT64_C (1) << 17)
#define RV_MSTATUS_SUM (UINT64_C (1) << 18)
#define RV_MSTATUS_MXR (UINT64_C (1) << 19)
#define RV_MSTATUS_TVM (UINT64_C (1) << 20)
#define RV_MSTATUS_TW (UINT64_C (1) << 21)
#define RV_MSTATUS_TSR (UINT64_C (1) << 22)
#define RV_MSTATUS_SD (UINT64_C (1) << 63)

/* menvcfg and senvcfg fields that gate Zicbom and Zicboz. */
#define RV_ENVCFG_CBIE (UINT64_C (3) << 4)
#define RV_ENVCFG_CBCFE (UINT64_C (1) << 6)
#define RV_ENVCFG_CBZE (UINT64_C (1) << 7)

#define RV_CBO_BLOCK 64 /* bytes that cbo.* work on; the device tree says so */

#define RV_PMP_MAX 16

/* A PMP entry that is not off: first and last byte, and its pmpcfg byte. */
struct rv_pmp_range
{
  uint64_t first, last;
  uint64_t cfg;
};

/* Bits of rv_hart.kick; any of them makes the value negative, which is what the interpreter
   tests. */
#define RV_KICK_SIGN INT64_MIN

/*
 * The device's instance.  x[] comes first so that one register addresses both the integer registers
 * and the hart.  Every byte has a row in the field table: padding is explicit, keep it so.
 */
struct rv_hart
{
  /* ---- what user mode sees ---- */
  uint64_t x[32];
  uint64_t x_sink;  /* decoded writes to x0 go here: x[32] for the interpreter; never read */
  uint64_t pc;      /* exact whenever the interpreter is outside a block or calls the other half */
  uint64_t f[32];   /* NaN-boxed */
  uint8_t frm;      /* fcsr.frm, 0..7 as written */
  uint8_t fflags;   /* fcsr.fflags, less what the host's unit still holds: rv_fp_get_flags */
  uint8_t priv;     /* enum rv_priv */
  uint8_t waiting;  /* in WFI: set by rv_wfi, cleared when the hart goes on */
  uint32_t fp_saved; /* host-only, fp.h: the thread's own MXCSR while the hart runs */
  uint8_t fp_rm;     /* host-only, fp.h: the rounding mode that MXCSR holds */
  uint8_t fp_active; /* host-only, fp.h: between rv_fp_enter and rv_fp_leave */
  uint8_t pad_1[6];

  /* ---- execution: read and written in the interpreter's fast path ---- */
  /* Non-zero (and negative): look up from the block at its next entry.  Set from any thread with
     rv_kick; cleared by the run loop before it looks at interrupts and at run->exit_request. */
  _Atomic int64_t kick;
  /* Instructions that may still be started before the run loop is entered; counts down. */
  int64_t insn_left;
  struct rv_accel *accel;
  /* The current context's tables, see accel.h; switched by rv_context_changed. */
  void *tlb_load, *tlb_store, *jump_cache;
  uint64_t code_epoch; /* grows with each fence.i: blocks' links of an older epoch are void */
  struct rv_block *block; /* under execution */
  uint64_t reserved_exec[2]; /* room for the execution half; host-only */

  /* ---- LR/SC ---- */
  /* See atomics.c; all four are host-only: a reservation does not outlive a migration. */
  void *res_host;      /* host address of what LR read, NULL: no reservation */
  uint64_t res_value;  /* what it read */
  uint64_t res_serial;
  uint32_t res_size;  /* 4 or 8 */
  uint32_t pad_2;

  /* ---- counters ---- */
  /* Instructions retired since reset.  While a CSR instruction is carried out it holds the number
     retired BEFORE that one, which itself retires afterwards. */
  uint64_t instret;
  uint64_t minstret_offset; /* minstret reads instret + this (guest writes land here) */
  uint64_t mcycle_offset;   /* mcycle reads instret + this: one cycle an instruction */
  uint64_t mcountinhibit, mcounteren, scounteren;

  /* ---- machine and supervisor CSRs ---- */
  uint64_t mstatus; /* without SD, which is computed */
  uint64_t misa;
  uint64_t medeleg, mideleg;
  uint64_t mtvec, mepc, mcause, mtval, mscratch;
  uint64_t stvec, sepc, scause, stval, sscratch;
  uint64_t satp;
  uint64_t menvcfg, senvcfg;
  uint64_t stimecmp;
  uint64_t mie;
  /* Pending bits: input lines (any thread) and bits written by software, kept apart because a line
     at SEIP must not be stored by a CSR read-modify-write (Privileged Architecture, 3.1.9). */
  _Atomic uint64_t mip_lines;
  _Atomic uint64_t mip_soft;
  /* AIA, aia.c. mvip and sie_virtual hold the bits that are no aliases of mip, mie and sip. */
  uint64_t miselect, siselect;
  uint64_t mvien, mvip, sie_virtual;
  uint8_t miprio[64], siprio[64]; /* priority numbers of major interrupts */
  uint64_t pmpaddr[RV_PMP_MAX];
  uint8_t pmpcfg[RV_PMP_MAX];

  /* ---- properties ---- */
  uint64_t hart_id;
  uint64_t reset_vector;
  uint64_t mvendorid, marchid, mimpid;
  uint32_t mmu;         /* RV_MMU_*: the largest mode offered */
  uint32_t pmp_regions; /* 0..RV_PMP_MAX */
  bool ext_m, ext_a, ext_f, ext_d, ext_c;
  bool ext_zba, ext_zbb, ext_zbc, ext_zbs;
  bool ext_zicbom, ext_zicboz, ext_zicntr, ext_zihpm;
  bool ext_sstc, ext_svinval, ext_svadu;
  bool ext_s, ext_u; /* S and U mode */
  bool ext_zifencei;
  bool ext_zicbop;
  bool pmp; /* off: realize makes pmp_regions 0 */
  bool ext_smaia, ext_ssaia;
  uint8_t pad_3[1];

  /* ---- host side: set up by init and realize ---- */
  struct gwt_device *device;
  struct gwt_cpu_run *run;
  const struct gwt_riscv_time *time; /* NULL until the platform sets one: `time` is then illegal */
  struct gwt_timer *stimer;          /* fires when stimecmp is reached */
  pthread_mutex_t stimer_lock;       /* timer.c: vCPU, main loop and ACLINT meet there */
  /* The hart's files where the platform has IMSICs, else NULL. */
  const struct gwt_riscv_imsic *m_imsic, *s_imsic;
  uint64_t aia_old;  /* aia.c: between the read and the write of one CSR instruction */
  uint32_t aia_pair; /* likewise */
  uint32_t pad_4;
  uint64_t pmp_count;                /* pmp.c: the entries that are not off, decoded */
  struct rv_pmp_range pmp_range[RV_PMP_MAX];
};

/* x[RV_X_SINK] is x_sink. */
#define RV_X_SINK 32
_Static_assert (offsetof (struct rv_hart, x_sink) == RV_X_SINK * sizeof (uint64_t),
                "writes to x0 are redirected to the element behind x[31]");

enum rv_mmu
{
  RV_MMU_SV39 = 0,
  RV_MMU_SV48 = 1,
  RV_MMU_SV57 = 2,
  RV_MMU_NONE = 3
};

/* Host extensions; fetched once in the plugin's start (). */
extern const struct gwt_host *rv_host;
extern const struct gwt_vcpu_api *rv_vcpu;
extern const struct gwt_clock_api *rv_clock;

/* ==== offered by the execution half ==== */

/* Make and free what `accel` points to; 0, or -1 where memory is short.  Properties (ext_*) must be
   final: decoding depends on them. */
int rv_accel_new (struct rv_hart *h);
void rv_accel_free (struct rv_hart *h);
/* Forget all that is derived from state: after reset, after a load, after GWT_CHANGE_MAP. */
void rv_accel_reset (struct rv_hart *h);

/* [vcpu] Execute until there is a reason to stop; honours run->budget, fills run->executed. */
enum gwt_exit rv_run (struct rv_hart *h);

/* [any] Make rv_run look at interrupts and exit_request at the next block's entry. */
static inline void
rv_kick (struct rv_hart *h)
{
  atomic_store_explicit (&h->kick, RV_KICK_SIGN, memory_order_release);
}

/* To be called after any change of priv, mstatus.{MPRV,MPP,SUM,MXR} or satp: cheap, and cheaper
   where nothing changed.  Translations of other contexts are kept, tagged by satp. */
void rv_context_changed (struct rv_hart *h);

/* Drop translations: of all contexts; of one address; of one ASID; of both.  PMP writes, changes of
   MXR-like global rules and GWT_CHANGE_MAP use the first. */
void rv_tlb_flush_all (struct rv_hart *h);
void rv_tlb_flush (struct rv_hart *h, const uint64_t *vaddr, const uint64_t *asid);
/* Direct store pointers alone: GWT_CHANGE_DIRTY. */
void rv_tlb_flush_stores (struct rv_hart *h);

/*
 * The current physical bytes at PADDR as a direct pointer, for the page walk: SIZE bytes,
 * naturally aligned.  NULL where there is no directly accessible memory (MMIO, nothing).  With
 * ACCESS RV_STORE the page is marked dirty for migration and ROM yields NULL.
 */
void *rv_phys_ptr (struct rv_hart *h, uint64_t paddr, unsigned size, enum rv_access access);

/* ==== offered by the architecture half ==== */

/*
 * CSRs (csr.c).  NUMBER is the 12-bit number.  Both check existence, privilege, counter enables,
 * and for write: read-only numbers.  False: raise an illegal-instruction exception (the
 * interpreter does so, with the instruction's bits as tval).  CSRRW with rd=x0 does not read;
 * CSRRS and CSRRC with rs1=x0 do not write: the interpreter keeps those rules. write may change
 * pc's meaning (priv, satp): it calls rv_context_changed and rv_tlb_flush_all as needed. h->pc is
 * the CSR instruction's own.
 */
bool rv_csr_read (struct rv_hart *h, unsigned number, uint64_t *value);
bool rv_csr_write (struct rv_hart *h, unsigned number, uint64_t value);
/* For read-modify-write instructions: the value to modify (mip without the lines; see 3.1.9). */
bool rv_csr_read_for_write (struct rv_hart *h, unsigned number, uint64_t *value, uint64_t *rmw);

/* Traps (trap.c).  Take exception CAUSE at h->pc: sets xepc, xcause, xtval, mstatus, priv, pc and
   the context.  CAUSE is enum rv_exception. */
void rv_raise (struct rv_hart *h, unsigned cause, uint64_t tval);
/* Take the interrupt of highest priority that is pending and enabled for the current privilege;
   false where there is none. */
bool rv_take_interrupt (struct rv_hart *h);
/* Something pending & enabled in mie, whatever the global enables: what ends WFI.  [any] */
bool rv_has_work (struct rv_hart *h);

/* System instructions; h->pc is the instruction's own.  False: illegal instruction, nothing done.
   True: done; mret and sret have set pc, the others leave pc to the interpreter. */
bool rv_mret (struct rv_hart *h);
bool rv_sret (struct rv_hart *h);
bool rv_wfi (struct rv_hart *h); /* sets h->waiting where nothing is pending */
/* sfence.vma, sinval.vma (RS1 and RS2 are register numbers: x0 has a meaning of its own),
   sfence.w.inval and sfence.inval.ir. */
bool rv_sfence_vma (struct rv_hart *h, unsigned rs1, unsigned rs2);
bool rv_sinval_vma (struct rv_hart *h, unsigned rs1, unsigned rs2);
bool rv_sfence_w_inval (struct rv_hart *h);
bool rv_sfence_inval_ir (struct rv_hart *h);

/*
 * Translation (mmu.c): page walk and PMP for one access at VADDR with effective privilege PRIV (the
 * caller has applied MPRV).  Sets A (and D for a store) as ext_svadu says.
 */
struct rv_page
{
  uint64_t paddr;     /* of the byte at VADDR */
  uint64_t leaf_size; /* bytes that the leaf maps: 4096 up; 0: bare */
  /* What the same page allows to the same privilege right now without another walk (W only with D
     set): valid for the whole 4 KiB page around VADDR if `whole`. */
  bool readable, writable, executable;
  bool whole;         /* false: a PMP boundary lies inside the page; do not cache, and ask
                         rv_pmp_allows about the access's own bytes */
  bool global;        /* G bit of the leaf */
};
/* RV_EXC_NONE, or the cause to raise. */
unsigned rv_walk (struct rv_hart *h, uint64_t vaddr, enum rv_access access, unsigned priv,
                  struct rv_page *page);

/* PMP for SIZE bytes at physical PADDR, as privilege PRIV sees it. */
bool rv_pmp_allows (const struct rv_hart *h, uint64_t paddr, unsigned size, enum rv_access access,
                    unsigned priv);

/* Floating point is in fp.h. rv_run calls rv_fp_enter when it starts and rv_fp_leave before it
   returns; calls that may run device code (gwt.vcpu/1 load and store) are bracketed by leave and
   enter too. */

#endif
