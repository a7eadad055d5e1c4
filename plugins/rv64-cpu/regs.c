/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers for debuggers, the monitor and scripts.
 *
 * Owns: names and numbers: 0 to 31 x, 32 pc, 33 to 64 f, 65 + n the CSR n, 4161 privilege (as gdb
 * numbers them).
 * Must not know: who asks.  Reading never changes the hart; a CSR is read as machine mode reads it.
 */
#include "arch.h"

enum
{
  REG_PC = 32,
  REG_F0 = 33,
  REG_CSR0 = 65,
  REG_PRIV = REG_CSR0 + 4096
};

#define X(N) { "x" #N, 64, N }
#define F(N) { "f" #N, 64, REG_F0 + N }
#define CSR(NAME, N) { NAME, 64, REG_CSR0 + N }

static const struct gwt_cpu_reg regs[] = {
  X (0), X (1), X (2), X (3), X (4), X (5), X (6), X (7), X (8), X (9), X (10), X (11), X (12),
  X (13), X (14), X (15), X (16), X (17), X (18), X (19), X (20), X (21), X (22), X (23), X (24),
  X (25), X (26), X (27), X (28), X (29), X (30), X (31), { "pc", 64, REG_PC },
  F (0), F (1), F (2), F (3), F (4), F (5), F (6), F (7), F (8), F (9), F (10), F (11), F (12),
  F (13), F (14), F (15), F (16), F (17), F (18), F (19), F (20), F (21), F (22), F (23), F (24),
  F (25), F (26), F (27), F (28), F (29), F (30), F (31),
  { "priv", 8, REG_PRIV },
  CSR ("fflags", 0x001), CSR ("frm", 0x002), CSR ("fcsr", 0x003),
  CSR ("sstatus", 0x100), CSR ("sie", 0x104), CSR ("stvec", 0x105), CSR ("scounteren", 0x106),
  CSR ("senvcfg", 0x10a), CSR ("sscratch", 0x140), CSR ("sepc", 0x141), CSR ("scause", 0x142),
  CSR ("stval", 0x143), CSR ("sip", 0x144), CSR ("stimecmp", 0x14d), CSR ("satp", 0x180),
  CSR ("mstatus", 0x300), CSR ("misa", 0x301), CSR ("medeleg", 0x302), CSR ("mideleg", 0x303),
  CSR ("mie", 0x304), CSR ("mtvec", 0x305), CSR ("mcounteren", 0x306), CSR ("menvcfg", 0x30a),
  CSR ("mcountinhibit", 0x320), CSR ("mscratch", 0x340), CSR ("mepc", 0x341),
  CSR ("mcause", 0x342), CSR ("mtval", 0x343), CSR ("mip", 0x344),
  CSR ("pmpcfg0", 0x3a0), CSR ("pmpcfg2", 0x3a2),
  CSR ("mcycle", 0xb00), CSR ("minstret", 0xb02), CSR ("time", 0xc01),
  CSR ("mvendorid", 0xf11), CSR ("marchid", 0xf12), CSR ("mimpid", 0xf13), CSR ("mhartid", 0xf14),
};

const struct gwt_cpu_reg *
rv_regs (void *self, uint32_t *count)
{
  *count = GWT_COUNT (regs);
  return regs;
}

/* On a copy, so that neither privilege nor FS stands in the way and nothing is touched. */
static bool
peek_csr (const struct rv_hart *h, unsigned number, uint64_t *value)
{
  struct rv_hart copy = *h;

  copy.priv = RV_M;
  copy.mstatus |= RV_MSTATUS_FS;
  copy.fp_active = 0;
  return rv_csr_read (&copy, number, value);
}

int
rv_reg_get (void *self, uint32_t number, uint64_t *value)
{
  struct rv_hart *h = self;

  if (number < REG_PC)
    *value = h->x[number];
  else if (number == REG_PC)
    *value = h->pc;
  else if (number < REG_CSR0)
    *value = h->f[number - REG_F0];
  else if (number < REG_PRIV)
    return peek_csr (h, number - REG_CSR0, value) ? 0 : -1;
  else if (number == REG_PRIV)
    *value = h->priv;
  else
    return -1;
  return 0;
}

static int
set_csr (struct rv_hart *h, unsigned number, uint64_t value)
{
  uint8_t priv = h->priv;
  uint64_t fs = h->mstatus & RV_MSTATUS_FS;
  bool done;

  /* Write as machine mode does, with the unit on; FS stays as it was unless it is what is
     written. */
  h->priv = RV_M;
  h->mstatus |= h->ext_f ? RV_MSTATUS_FS : 0;
  done = rv_csr_write (h, number, value);
  if (!done || !(number == 0x100 || number == 0x300))
    h->mstatus = (h->mstatus & ~RV_MSTATUS_FS) | fs;
  h->priv = priv;
  rv_context_changed (h);
  return done ? 0 : -1;
}

int
rv_reg_set (void *self, uint32_t number, uint64_t value)
{
  struct rv_hart *h = self;

  if (number == 0)
    return value == 0 ? 0 : -1;
  if (number < REG_PC)
    h->x[number] = value;
  else if (number == REG_PC)
    {
      if (value & (h->ext_c ? 1 : 3))
        return -1;
      h->pc = value;
    }
  else if (number < REG_CSR0)
    h->f[number - REG_F0] = value;
  else if (number < REG_PRIV)
    return set_csr (h, number - REG_CSR0, value);
  else if (number == REG_PRIV
           && (value == RV_M || (value == RV_S && h->ext_s) || (value == RV_U && h->ext_u)))
    {
      h->priv = (uint8_t) value;
      rv_context_changed (h);
    }
  else
    return -1;
  return 0;
}

/* ---- typed methods ---- */

static uint64_t
read_csr (void *self, uint32_t number, struct gwt_error *err)
{
  uint64_t value = 0;

  if (number > 0xfff || !peek_csr (self, number, &value))
    rv_host->error_set (err, GWT_E_NOT_FOUND, "this hart has no CSR 0x%03x", number);
  return value;
}

static uint64_t
read_reg (void *self, uint32_t index, struct gwt_error *err)
{
  if (index > 31)
    {
      rv_host->error_set (err, GWT_E_RANGE, "x%u is not a register; use 0 to 31", index);
      return 0;
    }
  return ((struct rv_hart *) self)->x[index];
}

const struct gwt_method rv_methods[RV_METHODS] = {
  { "u64 read_csr(u32 number)", "the CSR as machine mode reads it", (gwt_method_fn) read_csr },
  { "u64 read_reg(u32 index)", "integer register x0 to x31", (gwt_method_fn) read_reg },
};
