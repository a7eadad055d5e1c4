/* SPDX-License-Identifier: BSD-2-Clause */
/* Owns the runtime of a bare-metal test: console, verdict, trap bookkeeping, modes and harts.
   Must not know any single test. */
#include "bare.h"

struct hart harts[MAX_HARTS] __attribute__ ((section (".data")));
char stacks[MAX_HARTS][STACK_SIZE] __attribute__ ((aligned (16)));
char mstacks[MAX_HARTS][STACK_SIZE] __attribute__ ((aligned (16)));
char sstacks[MAX_HARTS][STACK_SIZE] __attribute__ ((aligned (16)));
u64 bare_dtb;
u64 rnd_state = 0x9e3779b97f4a7c15ul;

#define AT(member, offset)                                                                        \
  _Static_assert (__builtin_offsetof (struct hart, member) == (offset), #member)
AT (mframe, HART_MFRAME);
AT (sframe, HART_SFRAME);
AT (ctx, HART_CTX);
AT (mstack, HART_MSTACK);
AT (sstack, HART_SSTACK);
AT (ret, HART_RET);
_Static_assert (sizeof (struct hart) == HART_SIZE, "HART_SIZE");

static unsigned checks, failures, first_failure;
static u32 console_lock;
static struct
{
  const char *name;
  u64 a, b;
} context;

void bare_start (u64 dtb);
void bare_secondary (void);
int bare_trap_m (void);
void bare_trap_s (void);
void run_exit (void);

/* ---- the C library's share ---- */

void *
memset (void *p, int c, u64 n)
{
  u8 *d = p;
  while (n--)
    {
      *d++ = (u8) c;
      asm volatile ("" ::: "memory"); /* or the compiler calls memset here */
    }
  return p;
}

void *
memcpy (void *dst, const void *src, u64 n)
{
  u8 *d = dst;
  const u8 *s = src;
  while (n--)
    {
      *d++ = *s++;
      asm volatile ("" ::: "memory");
    }
  return dst;
}

int
memcmp (const void *a, const void *b, u64 n)
{
  const u8 *p = a, *q = b;
  for (; n; n--, p++, q++)
    if (*p != *q)
      return *p - *q;
  return 0;
}

u64
rnd (void)
{
  rnd_state ^= rnd_state << 13;
  rnd_state ^= rnd_state >> 7;
  rnd_state ^= rnd_state << 17;
  return rnd_state;
}

u64
now (void)
{
  return MMIO (u64, MTIME);
}

/* ---- console ---- */

static void
put (char c)
{
  while (!(rd8 (UART + 5) & 0x20))
    ;
  wr8 (UART, (u8) c);
}

void
print (const char *s)
{
  for (; *s; s++)
    put (*s);
}

void
print_hex (u64 v)
{
  print ("0x");
  int started = 0;
  for (int i = 60; i >= 0; i -= 4)
    {
      unsigned d = (v >> i) & 15;
      if (d || started || !i)
        {
          put ("0123456789abcdef"[d]);
          started = 1;
        }
    }
}

static void
lock (u32 *l)
{
  while (__atomic_exchange_n (l, 1, __ATOMIC_ACQUIRE))
    ;
}

static void
unlock (u32 *l)
{
  __atomic_store_n (l, 0, __ATOMIC_RELEASE);
}

/* ---- verdict ---- */

static void
print_dec (unsigned v)
{
  char text[12], *p = text + 11;
  *p = 0;
  do
    *--p = (char) ('0' + v % 10);
  while (v /= 10);
  print (p);
}

void
note (const char *name, u64 a, u64 b)
{
  context.name = name;
  context.a = a;
  context.b = b;
}

static void
print_context (void)
{
  if (!context.name)
    return;
  print (" (");
  print (context.name);
  print (" ");
  print_hex (context.a);
  print (" ");
  print_hex (context.b);
  print (")");
}

void
check_eq (const char *file, int line, const char *what, u64 got, u64 want)
{
  lock (&console_lock);
  checks++;
  if (got != want)
    {
      failures++;
      if (!first_failure)
        first_failure = checks;
      if (failures <= 20)
        {
          print (file);
          print (":");
          print_dec ((unsigned) line);
          print (": check ");
          print_dec (checks);
          print (": ");
          print (what);
          print (": got ");
          print_hex (got);
          print (", want ");
          print_hex (want);
          print_context ();
          print ("\n");
        }
    }
  unlock (&console_lock);
}

void
uart_setup (void)
{
  wr8 (UART + 1, 0);
  wr8 (UART + 3, 0x80);
  wr8 (UART + 0, 2);
  wr8 (UART + 1, 0);
  wr8 (UART + 3, 3);
  wr8 (UART + 4, 3);
  wr8 (UART + 2, 7);
}

void
finish (void)
{
  if (failures)
    {
      print ("FAIL ");
      print_dec (failures);
      print (" of ");
      print_dec (checks);
      print (" checks\n");
      unsigned code = first_failure > 255 ? 255 : first_failure;
      wr32 (FINISHER, code << 16 | 0x3333);
    }
  print ("PASS ");
  print_dec (checks);
  print ("\n");
  wr32 (FINISHER, 0x5555);
  for (;;)
    asm volatile ("wfi");
}

void
fatal (const char *what)
{
  struct hart *h = hart ();
  uart_setup ();
  print ("fatal: ");
  print (what);
  print (": hart ");
  print_dec ((unsigned) (h - harts));
  print (" mode ");
  print_hex (h->trap.mode);
  print (" cause ");
  print_hex (h->trap.cause);
  print (" epc ");
  print_hex (h->trap.epc);
  print (" tval ");
  print_hex (h->trap.tval);
  print (" status ");
  print_hex (h->trap.status);
  print (" after check ");
  print_dec (checks);
  print_context ();
  print ("\nFAIL\n");
  wr32 (FINISHER, 254u << 16 | 0x3333);
  for (;;)
    asm volatile ("wfi");
}

/* ---- traps ---- */

void
trap_arm (void)
{
  struct hart *h = hart ();
  h->trap.count = 0;
  h->trap.cause = NO_TRAP;
  h->armed = 1;
  asm volatile ("" ::: "memory");
}

u64
trap_cause (void)
{
  struct hart *h = hart ();
  asm volatile ("" ::: "memory");
  h->armed = 0;
  return h->trap.cause;
}

u64
trap_jump (u64 addr)
{
  struct hart *h = hart ();
  trap_arm ();
  asm volatile ("la t0, 1f\n\tsd t0, %0\n\tjalr ra, %1\n1:"
                : "=m"(h->resume)
                : "r"(addr)
                : "memory", "t0", "ra", "a0", "a7");
  h->resume = 0;
  return trap_cause ();
}

static void
record (struct hart *h, u64 mode, u64 cause, u64 epc, u64 tval, u64 status)
{
  if (h->armed && h->trap.count++)
    return;
  h->trap.mode = mode;
  h->trap.cause = cause;
  h->trap.epc = epc;
  h->trap.tval = tval;
  h->trap.status = status;
}

static u64
after (u64 epc)
{
  return epc + ((*(u16 *) epc & 3) == 3 ? 4 : 2);
}

int
bare_trap_m (void)
{
  struct hart *h = hart ();
  u64 cause = csr_read (mcause), epc = csr_read (mepc), status = csr_read (mstatus);
  int lower = (status & MSTATUS_MPP) != MSTATUS_MPP;
  if (cause & CAUSE_IRQ)
    {
      h->irqs++;
      h->irq_cause = cause;
      h->irq_mode = MODE_M;
      if (h->escape_irq && lower)
        {
          h->escape_irq = 0;
          asm volatile ("csrc mie, %0" ::"r"(1ul << (cause & 63)));
          record (h, MODE_M, cause, epc, csr_read (mtval), status);
          return 1;
        }
      if (h->irq_fn)
        h->irq_fn (cause);
      else
        asm volatile ("csrc mie, %0" ::"r"(1ul << (cause & 63)));
      return 0;
    }
  if (lower && (cause == CAUSE_ECALL_U || cause == CAUSE_ECALL_S)
      && h->mframe[17] == ESCAPE_MAGIC)
    return 1;
  record (h, MODE_M, cause, epc, csr_read (mtval), status);
  if (lower && h->escape)
    return 1;
  if (!h->armed)
    fatal ("trap nobody expected");
  if (h->trap.count > 100000)
    fatal ("traps without end");
  csr_write (mepc, h->resume ? h->resume : after (epc));
  return 0;
}

void
bare_trap_s (void)
{
  struct hart *h = hart ();
  u64 cause = csr_read (scause), epc = csr_read (sepc);
  if (cause & CAUSE_IRQ)
    {
      h->irqs++;
      h->irq_cause = cause;
      h->irq_mode = MODE_S;
      if (h->irq_fn)
        h->irq_fn (cause);
      else
        asm volatile ("csrc sie, %0" ::"r"(1ul << (cause & 63)));
      return;
    }
  record (h, MODE_S, cause, epc, csr_read (stval), csr_read (sstatus));
  if (!h->armed)
    fatal ("S-mode trap nobody expected");
  if (h->trap.count > 100000)
    fatal ("traps without end");
  csr_write (sepc, h->resume ? h->resume : after (epc));
}

/* ---- modes ---- */

void
pmp_open (void)
{
  csr_write (pmpaddr0, -1ul);
  csr_write (pmpcfg0, 0x1f);
}

static void
set_mpp (int mode)
{
  csr_clear (mstatus, MSTATUS_MPP);
  csr_set (mstatus, (u64) mode << 11);
}

/* Keeps the hart's main stack for itself: a lower mode gets the S stack's other half. */
u64
run_in (int mode, u64 (*fn) (u64), u64 arg)
{
  struct hart *h = hart ();
  set_mpp (mode);
  run_raw ((u64) fn, arg, 0, (u64) run_exit, h->sstack - STACK_SIZE / 2);
  return h->ret;
}

u64
probe_at (u64 base, void (*probe_fn) (void))
{
  return base + ((u64) probe_fn - (u64) probe_page);
}

u64
probe (int mode, u64 pc, u64 addr, u64 datum)
{
  struct hart *h = hart ();
  h->escape = 1;
  h->trap.count = 0;
  h->trap.cause = NO_TRAP;
  set_mpp (mode);
  run_raw (pc, addr, datum, 0, 0);
  h->escape = 0;
  return h->trap.cause;
}

/* ---- harts ---- */

void
bare_start (u64 dtb)
{
  bare_dtb = dtb;
  uart_setup ();
  test ();
  finish ();
}

void
bare_secondary (void)
{
  struct hart *h = hart ();
  for (;;)
    {
      void (*fn) (u64);
      csr_set (mie, 8);
      while (!(fn = __atomic_load_n (&h->go, __ATOMIC_ACQUIRE)))
        {
          asm volatile ("wfi");
          wr32 (MSIP (h - harts), 0);
        }
      csr_clear (mie, 8);
      __atomic_store_n (&h->go, 0, __ATOMIC_RELAXED);
      fn (h->arg);
      __atomic_store_n (&h->done, 1, __ATOMIC_RELEASE);
    }
}

void
hart_start (unsigned h, void (*fn) (u64), u64 arg)
{
  harts[h].arg = arg;
  harts[h].done = 0;
  __atomic_store_n (&harts[h].go, fn, __ATOMIC_RELEASE);
  wr32 (MSIP (h), 1);
}

void
hart_wait (unsigned h)
{
  u64 end = now () + 20 * MTIME_HZ;
  while (!__atomic_load_n (&harts[h].done, __ATOMIC_ACQUIRE))
    if (now () > end)
      fatal ("another hart does not finish");
}
