/* SPDX-License-Identifier: BSD-2-Clause */
/* The runtime of a bare-metal test: checks, traps that are expected, modes, harts, the console.
   A test file defines `void test (void)`; it knows no emulator by name other than through
   ON_QEMU72, and every use of that says why. */
#ifndef BARE_H
#define BARE_H

#include "offsets.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long s64;

/* 1 when built for the reference run on that emulator's version 7.2. */
#ifndef ON_QEMU72
#define ON_QEMU72 0
#endif

enum
{
  MODE_U = 0,
  MODE_S = 1,
  MODE_M = 3
};

enum
{
  CAUSE_FETCH_MISALIGNED = 0,
  CAUSE_FETCH_ACCESS = 1,
  CAUSE_ILLEGAL = 2,
  CAUSE_BREAKPOINT = 3,
  CAUSE_LOAD_MISALIGNED = 4,
  CAUSE_LOAD_ACCESS = 5,
  CAUSE_STORE_MISALIGNED = 6,
  CAUSE_STORE_ACCESS = 7,
  CAUSE_ECALL_U = 8,
  CAUSE_ECALL_S = 9,
  CAUSE_ECALL_M = 11,
  CAUSE_FETCH_PAGE = 12,
  CAUSE_LOAD_PAGE = 13,
  CAUSE_STORE_PAGE = 15
};
#define CAUSE_IRQ 0x8000000000000000ul
#define NO_TRAP 0xfffffffful

#define MSTATUS_SIE (1ul << 1)
#define MSTATUS_MIE (1ul << 3)
#define MSTATUS_SPIE (1ul << 5)
#define MSTATUS_MPIE (1ul << 7)
#define MSTATUS_SPP (1ul << 8)
#define MSTATUS_MPP (3ul << 11)
#define MSTATUS_FS (3ul << 13)
#define MSTATUS_MPRV (1ul << 17)
#define MSTATUS_SUM (1ul << 18)
#define MSTATUS_MXR (1ul << 19)
#define MSTATUS_TVM (1ul << 20)
#define MSTATUS_TW (1ul << 21)
#define MSTATUS_TSR (1ul << 22)
#define MSTATUS_SD (1ul << 63)

struct trap
{
  u64 count; /* traps since trap_arm */
  u64 mode;  /* the mode that took the first */
  u64 cause;
  u64 epc;
  u64 tval;
  u64 status;
};

struct hart
{
  u64 mframe[32];
  u64 sframe[32];
  u64 ctx[16];
  u64 mstack;
  u64 sstack;
  u64 ret;
  u64 armed;  /* a trap is recorded and skipped instead of ending the test */
  u64 escape; /* any trap leaves the lower mode */
  u64 resume; /* where to go on after a trap; 0: after the instruction */
  struct trap trap;
  u64 escape_irq; /* so does any interrupt, once */
  u64 irqs; /* interrupts taken, and what the last was */
  u64 irq_cause;
  u64 irq_mode;
  void (*irq_fn) (u64 cause);
  void (*go) (u64 arg); /* work for a secondary hart */
  u64 arg;
  u64 done;
} __attribute__ ((aligned (HART_SIZE)));

extern struct hart harts[MAX_HARTS];

static inline struct hart *
hart (void)
{
  struct hart *h;
  asm volatile ("mv %0, tp" : "=r"(h));
  return h;
}

void test (void);

/* ---- console and verdict ---- */
void print (const char *s);
void print_hex (u64 v);
void check_eq (const char *file, int line, const char *what, u64 got, u64 want);
void note (const char *name, u64 a, u64 b); /* context printed with the next failures */
void finish (void) __attribute__ ((noreturn));
void fatal (const char *what) __attribute__ ((noreturn));
void uart_setup (void); /* after a test that played with the console's registers */
extern u64 bare_dtb;

#define CHECK(cond) check_eq (__FILE__, __LINE__, #cond, !!(cond), 1)
#define CHECK_EQ(got, want) check_eq (__FILE__, __LINE__, #got, (u64) (got), (u64) (want))

/* ---- CSRs ---- */
#define csr_read(csr)                                                                             \
  ({                                                                                              \
    u64 v_;                                                                                       \
    asm volatile ("csrr %0, " #csr : "=r"(v_)::"memory");                                         \
    v_;                                                                                           \
  })
#define csr_write(csr, val) asm volatile ("csrw " #csr ", %0" ::"rK"((u64) (val)) : "memory")
#define csr_set(csr, val) asm volatile ("csrs " #csr ", %0" ::"rK"((u64) (val)) : "memory")
#define csr_clear(csr, val) asm volatile ("csrc " #csr ", %0" ::"rK"((u64) (val)) : "memory")

/* ---- memory and devices ---- */
#define MMIO(type, addr) (*(volatile type *) (u64) (addr))
static inline u32
rd32 (u64 a)
{
  return MMIO (u32, a);
}
static inline void
wr32 (u64 a, u32 v)
{
  MMIO (u32, a) = v;
}
static inline u8
rd8 (u64 a)
{
  return MMIO (u8, a);
}
static inline void
wr8 (u64 a, u8 v)
{
  MMIO (u8, a) = v;
}
static inline void
fence_i (void)
{
  asm volatile ("fence.i" ::: "memory");
}
#define fence() asm volatile ("fence" ::: "memory")
/* In every loop that waits for another hart: its thread may have no processor of its own. */
#define relax() asm volatile (".4byte 0x0100000f" ::: "memory") /* pause */

#define FINISHER 0x100000ul
#define RTC 0x101000ul
#define ACLINT 0x2000000ul
#define MSIP(h) (ACLINT + 4 * (h))
#define MTIMECMP(h) (ACLINT + 0x4000 + 8 * (h))
#define MTIME (ACLINT + 0xbff8)
#define PLIC 0xc000000ul
#define UART 0x10000000ul
#define FW_CFG 0x10100000ul
#define FLASH0 0x20000000ul
#define FLASH1 0x22000000ul
#define RAM 0x80000000ul

/* ---- traps ---- */
void trap_arm (void);
u64 trap_cause (void); /* disarms; the first trap's cause or NO_TRAP */
/* The cause of the trap that STATEMENT runs into, or NO_TRAP. */
#define TRAP(statement)                                                                           \
  ({                                                                                              \
    trap_arm ();                                                                                  \
    statement;                                                                                    \
    trap_cause ();                                                                                \
  })
/* The same for one instruction without operands. */
#define TRAP_ASM(text) TRAP (asm volatile (text ::: "memory", "t0", "t1", "t2", "a0"))
/* Jump to ADDR, come back after the trap there. */
u64 trap_jump (u64 addr);

/* ---- modes ---- */
void pmp_open (void);                                    /* one entry that allows everything */
u64 run_in (int mode, u64 (*fn) (u64), u64 arg);         /* C function, satp as it is */
u64 probe (int mode, u64 pc, u64 addr, u64 datum);       /* cause or NO_TRAP; see hart ()->trap */
u64 probe_at (u64 base, void (*probe_fn) (void));        /* where a probe is in an alias */
extern char probe_page[];
void probe_ld (void);
void probe_lw (void);
void probe_lb (void);
void probe_sd (void);
void probe_sw (void);
void probe_sb (void);
void probe_exec (void);
void probe_lr (void);
void probe_sc (void);
void probe_amo (void);
void probe_target (void);
void run_raw (u64 pc, u64 a0, u64 a1, u64 ra, u64 sp); /* mret to where mstatus.MPP says */
void trap_m_entry (void);
void trap_s_entry (void);

/* ---- harts ---- */
void hart_start (unsigned h, void (*fn) (u64), u64 arg);
void hart_wait (unsigned h);

/* ---- time: give up after this many ticks of mtime rather than hang ---- */
u64 now (void);
#define MTIME_HZ 10000000ul
/* Wait until COND or for two seconds; 1 when COND came true. */
#define WAIT_FOR(cond)                                                                            \
  ({                                                                                              \
    u64 end_ = now () + 2 * MTIME_HZ;                                                             \
    int ok_ = 0;                                                                                  \
    while (!(ok_ = !!(cond)) && now () < end_)                                                    \
      ;                                                                                           \
    ok_;                                                                                          \
  })

/* For what another thread of the emulator brings about, or a wire that may lag: MTIP and MSIP fall
   "eventually" (privileged manual 3.2.1). */
#define CHECK_SOON(got, want)                                                                     \
  ({                                                                                              \
    WAIT_FOR ((u64) (got) == (u64) (want));                                                       \
    CHECK_EQ (got, want);                                                                         \
  })

u64 rnd (void); /* the same sequence in every run */
extern u64 rnd_state;
void *memset (void *p, int c, u64 n);
void *memcpy (void *d, const void *s, u64 n);
int memcmp (const void *a, const void *b, u64 n);

#endif
