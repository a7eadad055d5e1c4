/* SPDX-License-Identifier: BSD-2-Clause */
/* APLIC and IMSIC as a guest has them: the CSRs that reach an interrupt file, messages between
   harts, a wire that becomes a message to either level, and the interrupts that come of it. */
#include "plic.h"

/* Older assemblers do not know the names. */
#define SISELECT 0x150
#define SIREG 0x151
#define STOPEI 0x15c
#define MVIEN 0x308
#define MVIP 0x309
#define MISELECT 0x350
#define MIREG 0x351
#define MTOPEI 0x35c
#define STOPI 0xdb0
#define MTOPI 0xfb0
#define csr_swap(csr, val)                                                                        \
  ({                                                                                              \
    u64 v_;                                                                                       \
    asm volatile ("csrrw %0, " #csr ", %1" : "=r"(v_) : "rK"((u64) (val)) : "memory");            \
    v_;                                                                                           \
  })
#define csr_read_set(csr, val)                                                                    \
  ({                                                                                              \
    u64 v_;                                                                                       \
    asm volatile ("csrrs %0, " #csr ", %1" : "=r"(v_) : "rK"((u64) (val)) : "memory");            \
    v_;                                                                                           \
  })

#define MSSIP 0x2ul
#define SEIP 0x200ul
#define MEIP 0x800ul

#define EIDELIVERY 0x70
#define EITHRESHOLD 0x72
#define EIP0 0x80
#define EIE0 0xc0
#define IDS 255

#define M_FILE(hart) (0x24000000ul + 0x1000 * (hart))
#define S_FILE(hart) (0x28000000ul + 0x1000 * (hart))
#define M_APLIC 0xc000000ul
#define S_APLIC 0xd000000ul
#define DOMAINCFG 0
#define SOURCECFG(n) (4ul * (n))
#define MMSIADDRCFG 0x1bc0
#define MMSIADDRCFGH 0x1bc4
#define SMSIADDRCFG 0x1bc8
#define SMSIADDRCFGH 0x1bcc
#define SETIP0 0x1c00
#define SETIPNUM 0x1cdc
#define IN_CLRIP0 0x1d00
#define SETIENUM 0x1edc
#define CLRIENUM 0x1fdc
#define GENMSI 0x3000
#define TARGET(n) (0x3000ul + 4 * (n))
#define LEVEL1 6
#define DELEGATE 0x400

static u64
m_get (u64 reg)
{
  csr_write (0x350, reg);
  return csr_read (0x351);
}

static void
m_set (u64 reg, u64 value)
{
  csr_write (0x350, reg);
  csr_write (0x351, value);
}

static u64
s_get (u64 reg)
{
  csr_write (0x150, reg);
  return csr_read (0x151);
}

static void
s_set (u64 reg, u64 value)
{
  csr_write (0x150, reg);
  csr_write (0x151, value);
}

static u64
mip (void)
{
  return csr_read (mip) & (MEIP | SEIP);
}

static u64
both (u64 id)
{
  return id << 16 | id;
}

static void
select (void)
{
  for (u64 reg = 0; reg < 0x100; reg++)
    {
      int there = (reg >= 0x30 && reg < 0x40 && reg % 2 == 0)
                  || (reg >= 0x70 && (reg < 0x80 || reg % 2 == 0));
      note ("register", reg, 0);
      /* QEMU has none of the reserved ones, nor what lies beyond the last identity. */
      if (ON_QEMU72
          && ((reg >= 0x71 && reg < 0x80 && reg != 0x72)
              || (reg >= 0x80 && reg % 0x40 > 2 * (IDS / 64))))
        continue;
      csr_write (0x350, reg);
      CHECK_EQ (csr_read (0x350), reg);
      CHECK_EQ (TRAP (csr_read (0x351)), there ? NO_TRAP : CAUSE_ILLEGAL);
      csr_write (0x150, reg);
      CHECK_EQ (csr_read (0x150), reg);
      CHECK_EQ (TRAP (csr_read (0x151)), there ? NO_TRAP : CAUSE_ILLEGAL);
    }
}

static void
file_registers (void)
{
  note ("registers of a file", 0, 0);
  m_set (EIE0, -1ul);
  CHECK_EQ (m_get (EIE0), -2ul);
  m_set (EIE0 + 6, -1ul);
  CHECK_EQ (m_get (EIE0 + 6), -1ul);
  if (!ON_QEMU72)
    {
      m_set (EIE0 + 8, -1ul); /* beyond identity 255 */
      CHECK_EQ (m_get (EIE0 + 8), 0);
    }
  m_set (EITHRESHOLD, 200);
  CHECK_EQ (m_get (EITHRESHOLD), 200);
  m_set (EITHRESHOLD, 0);
  m_set (EIDELIVERY, 1);
  CHECK_EQ (m_get (EIDELIVERY), 1);
  CHECK_EQ (mip (), 0);
  /* pending by software; enabled ones show */
  m_set (EIP0 + 2, 1ul << 5);
  CHECK_EQ (m_get (EIP0 + 2), 1ul << 5);
  CHECK_EQ (csr_read (0x35c), 0);
  m_set (EIE0 + 2, 1ul << 5);
  CHECK_EQ (csr_read (0x35c), both (69));
  CHECK_SOON (mip (), MEIP);
  m_set (EITHRESHOLD, 69);
  CHECK_EQ (csr_read (0x35c), 0);
  CHECK_SOON (mip (), 0);
  m_set (EITHRESHOLD, 70);
  CHECK_SOON (mip (), MEIP);
  m_set (EIDELIVERY, 0);
  CHECK_SOON (mip (), 0);
  CHECK_EQ (csr_read (0x35c), both (69));
  m_set (EIDELIVERY, 1);
  m_set (EITHRESHOLD, 0);
  /* the supervisor's is another */
  CHECK_EQ (csr_read (0x15c), 0);
  CHECK_EQ (s_get (EIP0 + 2) | s_get (EIE0 + 2) | s_get (EIDELIVERY), 0);
  /* set and clear single bits */
  m_set (EIP0, 0xf0);
  CHECK_EQ (csr_read_set (0x351, 0x100), 0xf0);
  csr_clear (0x351, 0x30);
  CHECK_EQ (csr_read (0x351), 0x1c0);
  m_set (EIE0, 0);
  m_set (EIP0, 0);
}

static void
claims (void)
{
  note ("claims", 0, 0);
  m_set (EIE0, -1ul);
  wr32 (M_FILE (0), 9);
  wr32 (M_FILE (0), 3);
  wr32 (M_FILE (0), 0);
  wr32 (M_FILE (0), IDS + 1);
  wr32 (M_FILE (0) + (ON_QEMU72 ? 0 : 4), ON_QEMU72 ? 12 : 0x0c000000); /* big-endian 12 */
  wr32 (M_FILE (0) + 8, 1);
  CHECK_EQ (rd32 (M_FILE (0)), 0);
  /* 69 is pending from before */
  CHECK_EQ (csr_read (0x35c), both (3));
  CHECK_EQ (csr_read (0x35c), both (3));
  CHECK_EQ (csr_swap (0x35c, 0), both (3));
  CHECK_EQ (csr_read_set (0x35c, 0), both (9));
  CHECK_EQ (csr_read_set (0x35c, 1), both (9));
  csr_write (0x35c, 0);
  CHECK_EQ (csr_swap (0x35c, -1ul), both (69));
  CHECK_EQ (csr_swap (0x35c, 0), 0);
  CHECK_SOON (mip (), 0);
  m_set (EIE0, 0);
}

static void
top (void)
{
  note ("top interrupts", 0, 0);
  CHECK_EQ (csr_read (0xfb0), 0);
  CHECK_EQ (csr_read (0xdb0), 0);
  csr_set (mip, MSSIP);
  csr_set (mie, MSSIP | MEIP);
  CHECK_EQ (csr_read (0xfb0) >> 16, 1);
  m_set (EIE0, 8);
  wr32 (M_FILE (0), 3);
  CHECK_SOON (csr_read (0xfb0) >> 16, 11);
  csr_set (mideleg, MSSIP);
  CHECK_EQ (csr_read (0xdb0) >> 16, 1);
  csr_swap (0x35c, 0);
  CHECK_SOON (csr_read (0xfb0), 0);
  csr_clear (mip, MSSIP);
  CHECK_EQ (csr_read (0xdb0), 0);
  csr_clear (mideleg, MSSIP);
  csr_write (mie, 0);
  m_set (EIE0, 0);
  CHECK_EQ (TRAP (asm volatile ("csrw 0xfb0, zero")), CAUSE_ILLEGAL);
  CHECK_EQ (TRAP (asm volatile ("csrw 0xdb0, zero")), CAUSE_ILLEGAL);
}

/* Numbers of major interrupts mix with the identities of external ones. */
static void
priorities (void)
{
  note ("priorities", 0, 0);
  csr_write (mie, MSSIP | 0x20 | MEIP);
  csr_set (mip, MSSIP | 0x20);
  m_set (EIE0, 1ul << 20);
  wr32 (M_FILE (0), 20);
  CHECK_SOON (csr_read (0xfb0), 11ul << 16 | 20);
  csr_write (0x350, 0x30);
  CHECK_EQ (csr_read (0x351), 0);
  csr_write (0x351, 20ul << 40);
  CHECK_EQ (csr_read (0x351), 20ul << 40);
  CHECK_EQ (csr_read (0xfb0), 11ul << 16 | 20);
  csr_write (0x351, 19ul << 40);
  CHECK_EQ (csr_read (0xfb0), 5ul << 16 | 19);
  csr_write (0x351, 19ul << 40 | 19ul << 8);
  CHECK_EQ (csr_read (0xfb0), 1ul << 16 | 19);
  csr_write (0x351, 5ul << 40);
  CHECK_EQ (csr_read (0xfb0), 5ul << 16 | 5);
  csr_swap (0x35c, 0);
  CHECK_SOON (csr_read (mip) & MEIP, 0);
  csr_write (0x351, 0);
  CHECK_EQ (csr_read (0xfb0), 1ul << 16 | 255);
  /* the external interrupt's own number is its file's */
  csr_write (0x350, 0x32);
  csr_write (0x351, -1ul);
  CHECK_EQ (csr_read (0x351) >> 24 & 0xff, 0);
  csr_write (0x351, 0);
  csr_clear (mip, MSSIP | 0x20);
  csr_write (mie, 0);
  m_set (EIE0, 0);
}

static u64
read_stopei (u64 arg)
{
  return csr_read (0x15c);
}

static u64
read_sireg (u64 arg)
{
  return csr_read (0x151);
}

/* mvien.SEIP: machine mode stands between S mode and its file. */
static void
filtered (void)
{
  note ("filtered", 0, 0);
  csr_write (0x150, EIDELIVERY);
  csr_write (0x308, SEIP);
  CHECK_EQ (csr_read (0x308), SEIP);
  CHECK_EQ (TRAP (run_in (MODE_S, read_stopei, 0)), CAUSE_ILLEGAL);
  CHECK_EQ (TRAP (run_in (MODE_S, read_sireg, 0)), CAUSE_ILLEGAL);
  CHECK_EQ (TRAP (csr_read (0x15c)), NO_TRAP);
  csr_write (0x309, SEIP);
  CHECK_EQ (csr_read (mip) & SEIP, 0);
  CHECK_EQ (csr_read (sip) & SEIP, SEIP);
  csr_set (sie, SEIP);
  CHECK_EQ (csr_read (mie) & SEIP, 0);
  CHECK_EQ (csr_read (0xdb0) >> 16, 9);
  csr_clear (sie, SEIP);
  csr_write (0x309, 0);
  csr_write (0x308, 0);
  CHECK_EQ (TRAP (run_in (MODE_S, read_stopei, 0)), NO_TRAP);
}

/* ---- wires ---- */

static u32
line_up (u32 irq)
{
  return rd32 (M_APLIC + IN_CLRIP0) >> irq & 1;
}

static void
aplic_open (void)
{
  wr32 (M_APLIC + MMSIADDRCFG, M_FILE (0) >> 12);
  wr32 (M_APLIC + MMSIADDRCFGH, 1 << 12);
  wr32 (M_APLIC + SMSIADDRCFG, S_FILE (0) >> 12);
  wr32 (M_APLIC + SMSIADDRCFGH, 0);
  wr32 (M_APLIC + DOMAINCFG, 0x104);
  wr32 (S_APLIC + DOMAINCFG, 0x104);
  CHECK_EQ (rd32 (M_APLIC + DOMAINCFG), 0x80000104);
}

static void
wire_to_machine (void)
{
  note ("a wire to machine level", 0, 0);
  wr32 (M_APLIC + SOURCECFG (IRQ_RTC), LEVEL1);
  CHECK_EQ (rd32 (M_APLIC + SOURCECFG (IRQ_RTC)), LEVEL1);
  wr32 (M_APLIC + TARGET (IRQ_RTC), 40);
  wr32 (M_APLIC + SETIENUM, IRQ_RTC);
  m_set (EIE0, 1ul << 40);
  CHECK_SOON (mip (), 0);
  rtc_line (1);
  CHECK_SOON (mip (), MEIP);
  CHECK_EQ (csr_swap (0x35c, 0), both (40));
  CHECK_EQ (rd32 (M_APLIC + SETIP0) >> IRQ_RTC & 1, 0);
  CHECK_EQ (line_up (IRQ_RTC), 1);
  /* forwarded; again only when software asks, and then only while the line is up */
  CHECK_EQ (csr_read (0x35c), 0);
  wr32 (M_APLIC + SETIPNUM, IRQ_RTC);
  CHECK_SOON (csr_read (0x35c), both (40));
  csr_swap (0x35c, 0);
  rtc_line (0);
  CHECK_SOON (line_up (IRQ_RTC), 0);
  if (!ON_QEMU72) /* which sends all the same */
    {
      wr32 (M_APLIC + SETIPNUM, IRQ_RTC);
      CHECK_EQ (rd32 (M_APLIC + SETIP0), 0);
      CHECK_EQ (csr_read (0x35c), 0);
    }
  wr32 (M_APLIC + GENMSI, 40);
  CHECK_SOON (rd32 (M_APLIC + GENMSI) & 0x1000, 0);
  CHECK_SOON (csr_read (0x35c), both (40));
  csr_swap (0x35c, 0);
  wr32 (M_APLIC + CLRIENUM, IRQ_RTC);
  m_set (EIE0, 0);
}

static volatile u64 count;

static void
external_s (u64 cause)
{
  CHECK_EQ (cause, CAUSE_IRQ | 9);
  CHECK_EQ (csr_read (0xdb0) >> 16, 9);
  CHECK_EQ (csr_swap (0x15c, 0), both (77));
  count++;
  rtc_line (0);
}

static u64
wait_for_interrupt (u64 arg)
{
  csr_set (sstatus, MSTATUS_SIE);
  return WAIT_FOR (count);
}

static void
wire_to_supervisor (void)
{
  note ("a wire to supervisor level", 0, 0);
  wr32 (S_APLIC + SOURCECFG (IRQ_RTC), LEVEL1); /* not its own yet */
  if (!ON_QEMU72) /* which does not look at the parent */
    CHECK_EQ (rd32 (S_APLIC + SOURCECFG (IRQ_RTC)), 0);
  wr32 (M_APLIC + SOURCECFG (IRQ_RTC), DELEGATE);
  wr32 (S_APLIC + SOURCECFG (IRQ_RTC), LEVEL1);
  CHECK_EQ (rd32 (S_APLIC + SOURCECFG (IRQ_RTC)), LEVEL1);
  wr32 (S_APLIC + TARGET (IRQ_RTC), 77);
  wr32 (S_APLIC + SETIENUM, IRQ_RTC);
  s_set (EIE0 + 2, 1ul << 13);
  s_set (EIDELIVERY, 1);
  csr_set (mideleg, SEIP);
  csr_set (mie, SEIP);
  hart ()->irq_fn = external_s;
  count = 0;
  rtc_line (1);
  CHECK_SOON (mip (), SEIP);
  CHECK_EQ (run_in (MODE_S, wait_for_interrupt, 0), 1);
  CHECK_EQ (count, 1);
  CHECK_SOON (mip (), 0);
  csr_clear (mie, SEIP);
}

/* ---- between harts ---- */

#define ROUNDS 2000

static volatile u64 answered;

/* Sleeps until hart 0's message comes, claims it, and sends one back. */
static void
answer (u64 arg)
{
  m_set (EIE0, 1ul << 6);
  m_set (EIDELIVERY, 1);
  csr_write (mie, MEIP);
  answered = 1;
  for (u64 n = 0; n < ROUNDS; n++)
    {
      u64 id;
      while (!(id = csr_swap (0x35c, 0)))
        asm volatile ("wfi");
      CHECK_EQ (id, both (6));
      wr32 (M_FILE (0), 7);
    }
}

static void
ping_pong (void)
{
  note ("messages between harts", 0, 0);
  m_set (EIE0, 1ul << 7);
  csr_write (mie, MEIP);
  hart_start (1, answer, 0);
  while (!answered)
    relax ();
  for (u64 n = 0; n < ROUNDS; n++)
    {
      u64 id;
      wr32 (M_FILE (1), 6);
      while (!(id = csr_swap (0x35c, 0)))
        asm volatile ("wfi");
      CHECK_EQ (id, both (7));
    }
  hart_wait (1);
  csr_write (mie, 0);
  m_set (EIE0, 0);
}

void
test (void)
{
  pmp_open ();
  select ();
  file_registers ();
  claims ();
  top ();
  if (!ON_QEMU72) /* which has the priorities of an earlier draft, and no mvien */
    {
      priorities ();
      filtered ();
    }
  aplic_open ();
  wire_to_machine ();
  wire_to_supervisor ();
  ping_pong ();
}
