/* SPDX-License-Identifier: BSD-2-Clause */
/* Random accesses of every width and alignment to every device window: whatever they do to the
   devices, harts and emulator stay alive.  fw_cfg's DMA register has a program of its own. */
#include "vm.h"

static const struct
{
  u64 base, size;
} windows[] = {
  { 0x1000, 0xf000 },       { FINISHER, 0x1000 },      { RTC, 0x1000 },
  { ACLINT, 0x10000 },      { PLIC, 0x600000 },        { PLIC, 0x80 },
  { PLIC + 0x1000, 0x20 },  { PLIC + 0x2000, 0x300 },  { PLIC + 0x200000, 0x5000 },
  { UART, 0x100 },          { UART, 8 },               { FW_CFG, 16 },
  { FLASH0, 0x4000000 },    { FLASH0, 0x1000 },        { FLASH1 - 8, 16 },
};
#define N (sizeof windows / sizeof *windows)

static void
one (u64 a, u64 v, unsigned kind)
{
  switch (kind)
    {
    case 0:
      rd8 (a);
      break;
    case 1:
      MMIO (u16, a);
      break;
    case 2:
      rd32 (a);
      break;
    case 3:
      MMIO (u64, a);
      break;
    case 4:
      wr8 (a, (u8) v);
      break;
    case 5:
      MMIO (u16, a) = (u16) v;
      break;
    case 6:
      wr32 (a, (u32) v);
      break;
    case 7:
      MMIO (u64, a) = v;
      break;
    case 8:
      asm volatile ("lr.w t0, (%0)\n\tsc.w t0, %1, (%0)" ::"r"(a & ~3ul), "r"(v) : "t0", "memory");
      break;
    case 9:
      asm volatile ("amoadd.d t0, %1, (%0)" ::"r"(a & ~7ul), "r"(v) : "t0", "memory");
      break;
    case 10:
      asm volatile ("amoswap.w t0, %1, (%0)" ::"r"(a & ~3ul), "r"(v) : "t0", "memory");
      break;
    case 11:
      asm volatile (".option push\n.option arch, +d\nfld ft0, 0(%0)\n\tfsd ft0, 0(%0)\n"
                    ".option pop" ::"r"(a)
                    : "memory");
      break;
    default:
      asm volatile ("lr.d t0, (%0)" ::"r"(a & ~7ul) : "t0", "memory");
    }
}

/* Would this write end the run?  Any that puts a command into the finisher's low half may. */
static int
ends (u64 a, unsigned kind)
{
  return a - 8 < FINISHER + 8 && a + 8 > FINISHER && kind > 3;
}

void
test (void)
{
  csr_set (mstatus, MSTATUS_FS);
  for (unsigned i = 0; i < 60000; i++)
    {
      unsigned w = (unsigned) (rnd () >> 8) % N, kind = (unsigned) (rnd () >> 8) % 13;
      u64 a = windows[w].base + (rnd () >> 8) % windows[w].size, v = rnd ();
      if (rnd () & 0x300)
        a &= ~7ul;
      if (rnd () & 0x100)
        v >>= 56;
      if (ends (a, kind))
        continue;
      note ("access of kind", kind, a);
      TRAP (one (a, v, kind));
      u64 cause = hart ()->trap.cause;
      if (cause != NO_TRAP && (cause < CAUSE_LOAD_MISALIGNED || cause > CAUSE_STORE_ACCESS))
        CHECK_EQ (cause, CAUSE_LOAD_ACCESS);
    }
  /* the neighbourhood of every window's ends, all widths */
  for (unsigned w = 0; w < N; w++)
    for (int d = -8; d <= 8; d++)
      for (unsigned kind = 0; kind < 13; kind++)
        for (int end = 0; end < 2; end++)
          {
            u64 a = windows[w].base + (end ? windows[w].size : 0) + (u64) (s64) d;
            if (!ends (a, kind) && !(a > FW_CFG + 8 && a < FW_CFG + 24))
              TRAP (one (a, 0x1122334455667788, kind));
          }
  uart_setup ();
  print ("\n");
  u64 t = now ();
  CHECK_EQ (WAIT_FOR (now () > t + 100), 1);
  for (u64 bank = FLASH0; bank <= FLASH1; bank += 0x2000000)
    wr32 (bank, 0x00ff00ff);
  MMIO (u16, FW_CFG + 8) = 0;
  CHECK_EQ (rd32 (FW_CFG), 0x554d4551);
}
