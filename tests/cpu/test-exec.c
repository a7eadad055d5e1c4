/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The execution half of rv64-cpu, on the real plugin: what a suite inside the guest cannot see.
 * Budgets and kicks, counters, blocks against changed code and changed pages, slow paths of
 * memory, encodings that go away with their extension.
 */
#include <glib.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "rvasm.h"
#include "rvhost.h"

#define MAIN RVHOST_RAM
#define HANDLER (RVHOST_RAM + 0x1000)
#define DATA (RVHOST_RAM + 0x10000)
#define TABLES (RVHOST_RAM + 0x100000)

enum
{
  CAUSE_ILLEGAL = 2,
  CAUSE_LOAD_ACCESS = 5,
  CAUSE_STORE_MISALIGNED = 6,
  CAUSE_STORE_ACCESS = 7,
  CAUSE_LOAD_PAGE = 13,
  CAUSE_STORE_PAGE = 15
};

static void
put (struct rvhost *t, uint64_t address, const void *code, size_t size)
{
  memcpy (t->ram + (address - RVHOST_RAM), code, size);
}

#define PUT(t, address, ...)                                                                       \
  do                                                                                               \
    {                                                                                              \
      const uint32_t code_[] = { __VA_ARGS__ };                                                    \
      put (t, address, code_, sizeof code_);                                                       \
    }                                                                                              \
  while (0)

static struct rvhost *
make (uint32_t cpus, const char *props)
{
  const char *top = g_getenv ("abs_top_builddir");
  char *path = g_build_filename (top != NULL ? top : ".", "plugins", "rv64-cpu.so", NULL);
  struct rvhost *t = rvhost_new (path, cpus, 4 << 20, props);
  g_free (path);
  g_assert_nonnull (t);
  rvhost_reset (t);
  for (uint32_t i = 0; i < cpus; i++)
    rvhost_set (t, i, "mtvec", HANDLER);
  /* Unless a test puts something else there: a trap ends in a loop that uses up the budget. */
  PUT (t, HANDLER, JAL (ZERO, 0));
  return t;
}

static uint64_t
peek (struct rvhost *t, uint64_t address)
{
  uint64_t v;
  memcpy (&v, t->ram + (address - RVHOST_RAM), 8);
  return v;
}

/* Run exactly N instructions. */
static void
step (struct rvhost *t, uint64_t n)
{
  rvhost_run (t, n);
  g_assert_cmpuint (t->cpu[0].run.executed, >, 0);
}

/* ---- counting ---- */

/* A loop with a load, a store and a branch in it: every budget must end at the instruction that
   counting on paper gives, with every register as it is there. */
static void
test_budget_exact (void)
{
  const uint32_t loop[] = { ADDI (A0, A0, 1), LD (A1, S0, 0), ADD (A1, A1, A0), SD (A1, S0, 0),
                            ADDI (A2, A2, 3), BNE (A0, ZERO, -20) };
  for (uint64_t n = 1; n < 40; n++)
    {
      struct rvhost *t = make (1, NULL);
      put (t, MAIN, loop, sizeof loop);
      rvhost_set (t, 0, "x8", DATA);
      rvhost_run (t, 1);
      if (n > 1)
        rvhost_run (t, n - 1); /* the second part starts in the middle of a block */
      g_assert_cmphex (rvhost_get (t, 0, "pc"), ==, MAIN + 4 * (n % 6));
      g_assert_cmpuint (rvhost_get (t, 0, "x10"), ==, (n + 5) / 6);
      g_assert_cmpuint (rvhost_get (t, 0, "x12"), ==, 3 * ((n + 1) / 6));
      g_assert_cmpuint (rvhost_get (t, 0, "minstret"), ==, n);
      rvhost_free (t);
    }
}

/* minstret read in the middle of straight code counts what was before it, taken branches out of
   the middle of a block and traps included. */
static void
test_instret_in_guest (void)
{
  struct rvhost *t = make (1, NULL);
  PUT (t, MAIN, ADDI (A0, ZERO, 1), BEQ (A0, ZERO, 8), BNE (A0, ZERO, 12), ADDI (A1, ZERO, 1),
       ADDI (A1, ZERO, 2), LD (A2, ZERO, 0), ADDI (A1, ZERO, 3));
  /* 0: addi, 1: beq not taken, 2: bne to the load, the load faults and does not retire, 3: csrr */
  PUT (t, HANDLER, CSRRS (A5, 0xb02, ZERO), ADDI (A4, A4, 1));
  step (t, 5);
  g_assert_cmpuint (rvhost_get (t, 0, "x15"), ==, 3);
  g_assert_cmpuint (rvhost_get (t, 0, "minstret"), ==, 5);
  g_assert_cmpuint (rvhost_get (t, 0, "mcause"), ==, CAUSE_LOAD_ACCESS);
  g_assert_cmphex (rvhost_get (t, 0, "mepc"), ==, MAIN + 20);
  g_assert_cmpuint (rvhost_get (t, 0, "x11"), ==, 0);
  rvhost_free (t);
}

static void *
kick_soon (void *arg)
{
  struct rvhost *t = arg;
  g_usleep (2000);
  __atomic_store_n (&t->cpu[0].run.exit_request, 1, __ATOMIC_SEQ_CST);
  t->ops->kick (t->cpu[0].instance);
  return NULL;
}

/* An exit request ends a loop of one block that jumps to itself, and a loop of traps without a
   handler. */
static void
test_kick (gconstpointer data)
{
  const uint32_t *code = data;
  struct rvhost *t = make (1, NULL);
  pthread_t thread;
  PUT (t, MAIN, code[0]);
  if (code[1] != 0)
    rvhost_set (t, 0, "mtvec", 0x10);
  pthread_create (&thread, NULL, kick_soon, t);
  g_assert_cmpuint (t->ops->run (t->cpu[0].instance), ==, GWT_EXIT_KICKED);
  g_assert_cmpuint (t->cpu[0].run.exit_reason, ==, GWT_EXIT_KICKED);
  pthread_join (thread, NULL);
  rvhost_free (t);
}

static const uint32_t self_loop[] = { JAL (ZERO, 0), 0 };
static const uint32_t trap_loop[] = { ECALL, 1 };

static void
test_wfi (void)
{
  struct rvhost *t = make (1, NULL);
  PUT (t, MAIN, WFI, ADDI (A0, A0, 1), WFI, JAL (ZERO, -8));
  rvhost_set (t, 0, "mie", 1 << 3);
  g_assert_cmpuint (t->ops->run (t->cpu[0].instance), ==, GWT_EXIT_HALTED);
  g_assert_cmphex (rvhost_get (t, 0, "pc"), ==, MAIN + 4);
  g_assert_false (t->ops->has_work (t->cpu[0].instance));
  /* Still nothing to do. */
  g_assert_cmpuint (t->ops->run (t->cpu[0].instance), ==, GWT_EXIT_HALTED);
  g_assert_cmpuint (rvhost_get (t, 0, "x10"), ==, 0);
  /* A pending interrupt that mstatus.MIE masks ends the wait but is not taken. */
  t->cpu[0].irq (t->cpu[0].instance, 3, 1);
  g_assert_true (t->ops->has_work (t->cpu[0].instance));
  t->cpu[0].run.budget = 2;
  g_assert_cmpuint (t->ops->run (t->cpu[0].instance), ==, GWT_EXIT_BUDGET);
  g_assert_cmpuint (rvhost_get (t, 0, "x10"), ==, 1);
  g_assert_cmphex (rvhost_get (t, 0, "pc"), ==, MAIN + 12);
  rvhost_free (t);
}

/* ---- code that changes ---- */

/* The loop runs often enough to be decoded and linked; then an instruction in it is replaced from
   within. */
static void
test_fence_i (void)
{
  struct rvhost *t = make (1, NULL);
  PUT (t, MAIN, ADDI (A0, A0, 1), JAL (RA, 24), BNE (A0, A1, -8), SW (A2, S0, 0), FENCE_I,
       ADDI (A1, A1, 10), BNE (A0, A3, -24), ADDI (A4, A4, 1), JALR (ZERO, RA, 0));
  rvhost_set (t, 0, "x8", MAIN + 28);
  rvhost_set (t, 0, "x11", 10);
  rvhost_set (t, 0, "x13", 20);
  rvhost_set (t, 0, "x12", ADDI (A4, A4, 100));
  rvhost_set (t, 0, "mtvec", MAIN + 0x100);
  PUT (t, MAIN + 0x100, JAL (ZERO, 0));
  rvhost_run (t, 20 * 5 + 2 * 4 + 1);
  /* Ten rounds with +1, ten with +100; behind the last branch the code falls into the function
     once more. */
  g_assert_cmpuint (rvhost_get (t, 0, "x14") / 100, ==, 11);
  g_assert_cmpuint (rvhost_get (t, 0, "x14") % 100, ==, 10);
  rvhost_free (t);
}

/* 16 pages at virtual 0x40000000; RAM as a superpage in the other half of the address space,
   since a flush of one address is a flush of more where a superpage may be meant. */
#define HIGH(address) ((address) + UINT64_C (0xffffffff00000000))
static void
map_pages (struct rvhost *t)
{
  uint64_t *root = (uint64_t *) (void *) (t->ram + (TABLES - RVHOST_RAM));
  uint64_t *mid = root + 512, *leaf = mid + 512;
  root[510] = RVHOST_RAM >> 2 | 0xcf;
  root[1] = (TABLES + 0x1000) >> 2 | 1;
  mid[0] = (TABLES + 0x2000) >> 2 | 1;
  for (uint64_t i = 0; i < 16; i++)
    leaf[i] = (DATA + 0x1000 * i) >> 2 | 0xcf;
  rvhost_set (t, 0, "pmpcfg0", 0x1f);
  rvhost_set (t, 0, "satp", UINT64_C (8) << 60 | TABLES >> 12);
  rvhost_set (t, 0, "priv", 1);
}

static uint64_t *
leaf_entry (struct rvhost *t, unsigned i)
{
  return (uint64_t *) (void *) (t->ram + (TABLES - RVHOST_RAM)) + 1024 + i;
}

static void
make_pmp_open (struct rvhost *t)
{
  /* pmpaddr0 is no register by name: let the guest set it, in M mode. */
  PUT (t, MAIN, ADDI (T0, ZERO, -1), CSRRW (ZERO, 0x3b0, T0), ADDI (T0, ZERO, 0x1f),
       CSRRW (ZERO, 0x3a0, T0));
  rvhost_run (t, 4);
}

/* A 4-byte instruction with its halves in two pages.  When the second page's mapping changes, the
   same first half at the same address becomes another instruction. */
static void
test_straddle (void)
{
  struct rvhost *t = make (1, NULL);
  uint32_t one = ADDI (A0, A0, 1), hundred = ADDI (A0, A0, 100), jump = JAL (ZERO, -2 - 4);
  make_pmp_open (t);
  map_pages (t);
  /* Virtual page 0 ends in the first half; pages 1 and 2 begin with different second halves. */
  put (t, DATA + 0xffe, &one, 2);
  put (t, DATA + 0x1000, (uint8_t *) &one + 2, 2);
  put (t, DATA + 0x1002, &jump, 4); /* to 0xffc */
  put (t, DATA + 0x2000, (uint8_t *) &hundred + 2, 2);
  put (t, DATA + 0x2002, &jump, 4);
  put (t, DATA + 0xffc, "\x01\x00", 2); /* c.nop */
  rvhost_set (t, 0, "pc", 0x40000ffc);
  step (t, 3 * 50);
  g_assert_cmpuint (rvhost_get (t, 0, "x10"), ==, 50);
  g_assert_cmphex (rvhost_get (t, 0, "pc"), ==, 0x40000ffc);
  /* Page 1 shows the other frame.  The guest says so itself. */
  *leaf_entry (t, 1) = (DATA + 0x2000) >> 2 | 0xcf;
  PUT (t, MAIN + 0x200, SFENCE_VMA (S1, ZERO), JALR (ZERO, S0, 0));
  rvhost_set (t, 0, "x8", 0x40000ffc);
  rvhost_set (t, 0, "x9", 0x40001000);
  rvhost_set (t, 0, "pc", HIGH (MAIN + 0x200));
  step (t, 2 + 3 * 5);
  g_assert_cmpuint (rvhost_get (t, 0, "x10"), ==, 550);
  /* Not mapped: the fault is at the second half, the pc at the first. */
  *leaf_entry (t, 1) = 0;
  rvhost_set (t, 0, "pc", HIGH (MAIN + 0x200));
  step (t, 4);
  g_assert_cmpuint (rvhost_get (t, 0, "mcause"), ==, 12);
  g_assert_cmphex (rvhost_get (t, 0, "mepc"), ==, 0x40000ffe);
  g_assert_cmphex (rvhost_get (t, 0, "mtval"), ==, 0x40001000);
  rvhost_free (t);
}

/* A jump to another page is not remembered past a change of that page's mapping. */
static void
test_remap_code (void)
{
  struct rvhost *t = make (1, NULL);
  make_pmp_open (t);
  map_pages (t);
  PUT (t, DATA, JAL (RA, 0x1010), JAL (ZERO, -4));
  PUT (t, DATA + 0x1010, ADDI (A0, A0, 1), JALR (ZERO, RA, 0));
  PUT (t, DATA + 0x2010, ADDI (A0, A0, 100), JALR (ZERO, RA, 0));
  rvhost_set (t, 0, "pc", 0x40000000);
  step (t, 4 * 20);
  g_assert_cmpuint (rvhost_get (t, 0, "x10"), ==, 20);
  *leaf_entry (t, 1) = (DATA + 0x2000) >> 2 | 0xcf;
  /* sfence.vma of exactly this page. */
  PUT (t, MAIN + 0x200, SFENCE_VMA (S1, ZERO), JALR (ZERO, S0, 0));
  rvhost_set (t, 0, "x8", 0x40000000);
  rvhost_set (t, 0, "x9", 0x40001000);
  rvhost_set (t, 0, "pc", HIGH (MAIN + 0x200));
  step (t, 2 + 4 * 3);
  g_assert_cmpuint (rvhost_get (t, 0, "x10"), ==, 320);
  rvhost_free (t);
}

/* ---- what the block cache makes of code ---- */

#define PROGRAM 48

/* A register that may be written; s0 and s1 point to data. */
static unsigned
any_target (GRand *rand)
{
  static const uint8_t targets[] = { 0, 5, 6, 7, 10, 11, 12, 13, 14, 15 };
  return targets[g_rand_int_range (rand, 0, G_N_ELEMENTS (targets))];
}

/* LAST, which the instruction before has written, is taken often. */
static unsigned
any_source (GRand *rand, unsigned last)
{
  static const uint8_t sources[] = { 0, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15 };
  if (g_rand_int_range (rand, 0, 3) == 0)
    return last;
  return sources[g_rand_int_range (rand, 0, G_N_ELEMENTS (sources))];
}

/* One instruction; of a jump the target is filled in later.  Few registers, so that results are
   used. */
static uint32_t
any_insn (GRand *rand, unsigned last)
{
  /* funct7 and funct3 of OP and OP-32; of OP-IMM's shifts too */
  static const uint16_t reg[] = { 0x000, 0x001, 0x002, 0x003, 0x004, 0x005, 0x006, 0x007, 0x200,
                                  0x205, 0x010, 0x011, 0x013, 0x015, 0x017, 0x102, 0x104, 0x106,
                                  0x204, 0x206, 0x207, 0x054, 0x055, 0x301, 0x305, 0x141, 0x245 };
  static const uint16_t reg32[] = { 0x000, 0x001, 0x005, 0x200, 0x205, 0x010, 0x014, 0x040 };
  static const uint8_t load_f3[] = { 0, 1, 2, 3, 3, 3, 4, 4, 5, 6 };
  unsigned rd = any_target (rand), rs1 = any_source (rand, last), rs2 = any_source (rand, last), k;
  int32_t imm = g_rand_int_range (rand, -2048, 2048);
  unsigned base = g_rand_boolean (rand) ? S0 : S1;
  int32_t off = g_rand_int_range (rand, 0, 64) * 8;
  if (g_rand_int_range (rand, 0, 8) == 0)
    off += imm & 7;
  switch (g_rand_int_range (rand, 0, 14))
    {
    case 0:
    case 1:
      k = reg[g_rand_int_range (rand, 0, G_N_ELEMENTS (reg))];
      return R_TYPE (0x33, k & 15, k >> 4, rd, rs1, rs2);
    case 2:
      k = reg32[g_rand_int_range (rand, 0, G_N_ELEMENTS (reg32))];
      return R_TYPE (0x3b, k & 15, k >> 4, rd, rs1, rs2);
    case 3:
    case 4:
      {
        static const uint8_t f3[] = { 0, 0, 0, 2, 3, 4, 6, 7 };
        return I_TYPE (0x13, f3[g_rand_int_range (rand, 0, 8)], rd, rs1, imm & 0xfff);
      }
    case 5:
      return I_TYPE (0x13, g_rand_boolean (rand) ? 1 : 5, rd, rs1, imm & 63);
    case 6:
      return I_TYPE (0x1b, 0, rd, rs1, g_rand_boolean (rand) ? 0 : imm & 0xfff);
    case 7:
      return LUI (rd, imm & 0xfffff);
    case 8:
      return AUIPC (rd, imm & 0xff);
    case 9:
    case 10:
      return I_TYPE (0x03, load_f3[g_rand_int_range (rand, 0, G_N_ELEMENTS (load_f3))], rd, base,
                     off);
    case 11:
    case 12:
      return S_TYPE (g_rand_boolean (rand) ? 3 : g_rand_int_range (rand, 0, 4), base, rs2, off);
    default:
      {
        static const uint8_t f3[] = { 0, 0, 1, 1, 4, 5, 6, 7 };
        return B_TYPE (f3[g_rand_int_range (rand, 0, 8)], rs1, rs2, 0);
      }
    }
}

static void
make_program (struct rvhost *t, GRand *rand)
{
  uint32_t code[PROGRAM + 1];
  for (int i = 0; i < PROGRAM; i++)
    {
      code[i] = any_insn (rand, i > 0 ? code[i - 1] >> 7 & 15 : 0);
      if ((code[i] & 0x7f) == 0x63)
        {
          int to = i + g_rand_int_range (rand, 1, 8);
          to = MIN (to, PROGRAM);
          if (g_rand_int_range (rand, 0, 16) == 0)
            to = g_rand_int_range (rand, 0, PROGRAM); /* perhaps backward, perhaps for ever */
          code[i] |= B_TYPE (0, 0, 0, 4 * (to - i)) & ~0x7fu;
        }
    }
  code[PROGRAM] = JAL (ZERO, -4 * PROGRAM);
  put (t, MAIN, code, sizeof code);
  for (int i = 0; i < 1024; i += 4)
    {
      uint32_t word = g_rand_int (rand);
      put (t, DATA + (uint64_t) i, &word, 4);
    }
  for (int i = 5; i < 16; i++)
    {
      char name[8];
      g_snprintf (name, sizeof name, "x%d", i);
      rvhost_set (t, 0, name, (uint64_t) g_rand_int (rand) << (i & 31) | g_rand_int (rand));
    }
  rvhost_set (t, 0, "x8", DATA);
  rvhost_set (t, 0, "x9", DATA + 256);
}

/* Blocks, pairs and results kept in host registers change nothing: random programs end as they do
   one instruction at a time, which uses none of that. */
static void
test_like_stepped (void)
{
  for (unsigned seed = 1; seed <= 400; seed++)
    {
      struct rvhost *t[2];
      for (int k = 0; k < 2; k++)
        {
          GRand *rand = g_rand_new_with_seed (seed);
          t[k] = make (1, NULL);
          make_program (t[k], rand);
          g_rand_free (rand);
        }
      rvhost_run (t[0], 600);
      for (int i = 0; i < 600; i++)
        rvhost_run (t[1], 1);
      for (int i = 1; i < 32; i++)
        {
          char name[8];
          g_snprintf (name, sizeof name, "x%d", i);
          if (rvhost_get (t[0], 0, name) != rvhost_get (t[1], 0, name))
            g_error ("seed %u: %s is 0x%" G_GINT64_MODIFIER "x, stepped 0x%" G_GINT64_MODIFIER "x",
                     seed, name, rvhost_get (t[0], 0, name), rvhost_get (t[1], 0, name));
        }
      g_assert_cmphex (rvhost_get (t[0], 0, "pc"), ==, rvhost_get (t[1], 0, "pc"));
      g_assert_cmphex (rvhost_get (t[0], 0, "mcause"), ==, rvhost_get (t[1], 0, "mcause"));
      g_assert_cmpuint (rvhost_get (t[0], 0, "minstret"), ==, rvhost_get (t[1], 0, "minstret"));
      g_assert_cmpmem (t[0]->ram, 1 << 17, t[1]->ram, 1 << 17);
      rvhost_free (t[0]);
      rvhost_free (t[1]);
    }
}

/* ---- memory ---- */

static void
test_misaligned (void)
{
  struct rvhost *t = make (1, NULL);
  for (unsigned off = 0; off < 16; off++)
    {
      uint64_t at = DATA + 0xff8 + off, value = UINT64_C (0x1122334455667788) + off;
      PUT (t, MAIN, SD (A1, S0, 0), LD (A0, S0, 0), LW (A2, S0, 0), FENCE_I);
      rvhost_set (t, 0, "x8", at);
      rvhost_set (t, 0, "x11", value);
      rvhost_set (t, 0, "pc", MAIN);
      step (t, 4);
      g_assert_cmphex (rvhost_get (t, 0, "x10"), ==, value);
      g_assert_cmphex (rvhost_get (t, 0, "x12"), ==, (uint64_t) (int32_t) value);
      g_assert_cmphex (peek (t, at), ==, value);
    }
  rvhost_free (t);
}

/* A store over the end of a page whose successor is not writable changes nothing and blames the
   second page. */
static void
test_split_store_precise (void)
{
  struct rvhost *t = make (1, NULL);
  make_pmp_open (t);
  map_pages (t);
  *leaf_entry (t, 1) = (DATA + 0x1000) >> 2 | 0x43; /* read only */
  memset (t->ram + (DATA - RVHOST_RAM) + 0xff8, 0x55, 16);
  PUT (t, MAIN + 0x200, LD (A0, S0, 0), SD (A1, S0, 0), ADDI (A2, ZERO, 1));
  rvhost_set (t, 0, "x8", 0x40000ffd);
  rvhost_set (t, 0, "pc", HIGH (MAIN + 0x200));
  step (t, 2);
  g_assert_cmphex (rvhost_get (t, 0, "x10"), ==, UINT64_C (0x5555555555555555));
  g_assert_cmpuint (rvhost_get (t, 0, "mcause"), ==, CAUSE_STORE_PAGE);
  g_assert_cmphex (rvhost_get (t, 0, "mtval"), ==, 0x40001000);
  g_assert_cmphex (rvhost_get (t, 0, "mepc"), ==, HIGH (MAIN + 0x204));
  g_assert_cmphex (peek (t, DATA + 0xff8), ==, UINT64_C (0x5555555555555555));
  g_assert_cmpuint (rvhost_get (t, 0, "x12"), ==, 0);
  rvhost_free (t);
}

/* Devices see each access once, of its own size; misaligned ones, atomics and holes are access
   faults. */
static void
test_mmio (void)
{
  const struct
  {
    uint32_t insn;
    uint64_t base;
    unsigned cause;
  } faults[] = {
    { LW (A0, S0, 0), RVHOST_SCRATCH + 1, CAUSE_LOAD_ACCESS },
    { SD (A1, S0, 0), RVHOST_SCRATCH + 4, CAUSE_STORE_ACCESS },
    { AMOADD_D (A0, S0, A1), RVHOST_SCRATCH, CAUSE_STORE_ACCESS },
    { LR_D (A0, S0), RVHOST_SCRATCH, CAUSE_LOAD_ACCESS },
    { AMOADD_D (A0, S0, A1), RVHOST_ROM, CAUSE_STORE_ACCESS },
    { AMOADD_D (A0, S0, A1), DATA + 4, CAUSE_STORE_MISALIGNED },
    { LD (A0, S0, 0), 0x50000000, CAUSE_LOAD_ACCESS },
    { SD (A1, S0, 0), 0x50000000, CAUSE_STORE_ACCESS },
  };
  struct rvhost *t = make (1, NULL);
  PUT (t, MAIN, SD (A1, S0, 0), LD (A0, S0, 0), LW (A2, S0, 4), LD (A3, S1, 0), SD (A1, S1, 0),
       LD (A4, S1, 0));
  rvhost_set (t, 0, "x8", RVHOST_SCRATCH);
  rvhost_set (t, 0, "x9", RVHOST_ROM);
  rvhost_set (t, 0, "x11", UINT64_C (0x8877665544332211));
  memset (t->rom, 0x77, sizeof t->rom);
  step (t, 6);
  g_assert_cmphex (rvhost_get (t, 0, "x10"), ==, UINT64_C (0x8877665544332211));
  g_assert_cmphex (rvhost_get (t, 0, "x12"), ==, UINT64_C (0xffffffff88776655));
  g_assert_cmpuint (t->scratch_reads, ==, 2);
  g_assert_cmpuint (t->scratch_writes, ==, 1);
  g_assert_cmphex (rvhost_get (t, 0, "x14"), ==, UINT64_C (0x7777777777777777));
  for (unsigned i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      /* Another address each: the code before may be cached, and without fence.i it may stay so. */
      uint64_t at = MAIN + 0x100 + 16 * i;
      PUT (t, at, faults[i].insn);
      rvhost_set (t, 0, "x8", faults[i].base);
      rvhost_set (t, 0, "pc", at);
      step (t, 1);
      g_assert_cmpuint (rvhost_get (t, 0, "mcause"), ==, faults[i].cause);
      g_assert_cmphex (rvhost_get (t, 0, "mtval"), ==, faults[i].base);
      g_assert_cmphex (rvhost_get (t, 0, "mepc"), ==, at);
    }
  g_assert_cmpuint (t->scratch_reads, ==, 2);
  rvhost_free (t);
}

/* With dirty tracking on, the first store of a round to each page is seen, by whatever
   instruction. */
static void
test_watched_pages (void)
{
  struct rvhost *t = make (1, NULL);
  uint8_t *watched = g_malloc0 (t->ram_size >> 12);
  PUT (t, MAIN, LD (A0, S0, 0), SD (A0, S0, 0), LD (A1, S1, 0), AMOADD_D (A2, A3, A4),
       SD (A0, A5, 0), JAL (ZERO, -20));
  rvhost_set (t, 0, "x8", DATA);
  rvhost_set (t, 0, "x9", DATA + 0x1000);
  rvhost_set (t, 0, "x13", DATA + 0x2000);
  rvhost_set (t, 0, "x15", DATA + 0x3ffc); /* over the edge */
  step (t, 20);
  for (int round = 0; round < 3; round++)
    {
      unsigned n = 0;
      memset (watched, 0, t->ram_size >> 12);
      t->watched = watched;
      t->ops->memory_changed (t->cpu[0].instance, GWT_CHANGE_DIRTY);
      step (t, 20);
      for (uint64_t i = 0; i < t->ram_size >> 12; i++)
        n += watched[i];
      g_assert_cmpuint (n, ==, 4);
      g_assert_cmpuint (watched[(DATA - RVHOST_RAM) >> 12], ==, 1);
      g_assert_cmpuint (watched[(DATA + 0x2000 - RVHOST_RAM) >> 12], ==, 1);
      g_assert_cmpuint (watched[(DATA + 0x3000 - RVHOST_RAM) >> 12], ==, 1);
      g_assert_cmpuint (watched[(DATA + 0x4000 - RVHOST_RAM) >> 12], ==, 1);
    }
  t->watched = NULL;
  g_free (watched);
  rvhost_free (t);
}

/* ---- extensions ---- */

static void
test_extension_off (void)
{
  static const struct
  {
    const char *props;
    uint32_t bits;
  } rows[] = {
    { "m=0", 0x02b50533 },                      /* mul a0,a0,a1 */
    { "m=0", 0x02b5453b },                      /* divw a0,a0,a1 */
    { "a=0", AMOADD_D (A0, A1, A2) },
    { "a=0", LR_D (A0, A1) },
    { "d=0", 0x02b57553 },                      /* fadd.d */
    { "d=0", 0x00053507 },                      /* fld */
    { "d=0", 0x42057553 },                      /* fcvt.d.s */
    { "d=0", 0x40157553 },                      /* fcvt.s.d */
    { "d=0,f=0", 0x00b57553 },                  /* fadd.s */
    { "d=0,f=0", 0x00052507 },                  /* flw */
    { "c=0", 0x0001 },                          /* c.nop */
    { "zba=0", 0x20b52533 },                    /* sh1add */
    { "zba=0", 0x08b5053b },                    /* add.uw */
    { "zba=0", 0x0815151b },                    /* slli.uw */
    { "zbb=0", 0x60051513 },                    /* clz */
    { "zbb=0", 0x40b57533 },                    /* andn */
    { "zbb=0", 0x0805453b },                    /* zext.h */
    { "zbb=0", 0x6b855513 },                    /* rev8 */
    { "zbb=0", 0x0ab54533 },                    /* min */
    { "zbb=0", 0x28755513 },                    /* orc.b */
    { "zbc=0", 0x0ab51533 },                    /* clmul */
    { "zbs=0", 0x28b51533 },                    /* bset */
    { "zbs=0", 0x48555513 },                    /* bexti */
    { "zicbom=0", 0x0025200f },                 /* cbo.flush (a0) */
    { "zicboz=0", 0x0045200f },                 /* cbo.zero (a0) */
    { "zifencei=0", FENCE_I },
    { "svinval=0", 0x16000073 },                /* sinval.vma x0,x0 */
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++)
    for (int on = 0; on < 2; on++)
      {
        struct rvhost *t = make (1, on ? NULL : rows[i].props);
        PUT (t, MAIN, rows[i].bits);
        rvhost_set (t, 0, "mstatus", 0x6000);
        rvhost_set (t, 0, "x10", DATA);
        rvhost_set (t, 0, "x11", DATA);
        step (t, 1);
        if (on)
          g_assert_cmpuint (rvhost_get (t, 0, "mcause"), ==, 0);
        else
          {
            g_assert_cmpuint (rvhost_get (t, 0, "mcause"), ==, CAUSE_ILLEGAL);
            g_assert_cmphex (rvhost_get (t, 0, "mtval"), ==, rows[i].bits);
            g_assert_cmphex (rvhost_get (t, 0, "mepc"), ==, MAIN);
          }
        rvhost_free (t);
      }
}

/* Reserved encodings, among legal neighbors in the same block. */
static void
test_reserved (void)
{
  static const uint32_t rows[] = {
    0x00000000, 0xffffffff, 0x0000,
    0x02055543, /* fmadd.d, rounding mode 5 */
    0x06057543, /* fmadd, format 3 */
    0x00054073, /* SYSTEM, funct3 4 */
    0x10b5252f, /* lr.w with rs2 */
    0x00a57503, /* load, funct3 7 */
    0x00a54023, /* store, funct3 4 */
    0x00b52063, /* branch, funct3 2 */
    0x8002,     /* c.jr x0 */
    0x6101,     /* c.addi16sp 0 */
    0x2001,     /* c.addiw x0 */
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      struct rvhost *t = make (1, NULL);
      PUT (t, MAIN, ADDI (A2, ZERO, 7), ADDI (A2, A2, 1), rows[i], ADDI (A2, A2, 1));
      rvhost_set (t, 0, "mstatus", 0x6000);
      step (t, 3);
      g_assert_cmpuint (rvhost_get (t, 0, "mcause"), ==, CAUSE_ILLEGAL);
      g_assert_cmphex (rvhost_get (t, 0, "mtval"), ==,
                       (rows[i] & 3) == 3 ? rows[i] : rows[i] & 0xffff);
      g_assert_cmphex (rvhost_get (t, 0, "mepc"), ==, MAIN + 8);
      g_assert_cmpuint (rvhost_get (t, 0, "x12"), ==, 8);
      rvhost_free (t);
    }
}

/* Floating point off: the trap names the first such instruction, also in a block that ran with it
   on. */
static void
test_fs_off (void)
{
  struct rvhost *t = make (1, NULL);
  PUT (t, MAIN, ADDI (A0, A0, 1), 0x02b57553, ADDI (A0, A0, 1), FENCE_I);
  rvhost_set (t, 0, "mstatus", 0x2000);
  step (t, 3);
  g_assert_cmpuint (rvhost_get (t, 0, "x10"), ==, 2);
  g_assert_cmphex (rvhost_get (t, 0, "mstatus") & 0x6000, ==, 0x6000); /* dirty now */
  rvhost_set (t, 0, "mstatus", 0);
  rvhost_set (t, 0, "pc", MAIN);
  step (t, 2);
  g_assert_cmpuint (rvhost_get (t, 0, "mcause"), ==, CAUSE_ILLEGAL);
  g_assert_cmphex (rvhost_get (t, 0, "mtval"), ==, 0x02b57553);
  g_assert_cmphex (rvhost_get (t, 0, "mepc"), ==, MAIN + 4);
  g_assert_cmpuint (rvhost_get (t, 0, "x10"), ==, 3);
  rvhost_free (t);
}

/* Without C jumps must go to multiples of 4; the fault is the jump's and rd stays as it is. */
static void
test_no_compressed (void)
{
  const uint32_t jumps[] = { JAL (RA, 6), JALR (RA, S0, 2), BEQ (ZERO, ZERO, 10) };
  for (unsigned i = 0; i < G_N_ELEMENTS (jumps); i++)
    {
      struct rvhost *t = make (1, "c=0");
      PUT (t, MAIN, ADDI (A0, A0, 1), jumps[i], ADDI (A0, A0, 1));
      rvhost_set (t, 0, "x8", MAIN + 8);
      rvhost_set (t, 0, "x1", 77);
      step (t, 2);
      g_assert_cmpuint (rvhost_get (t, 0, "mcause"), ==, 0);
      g_assert_cmphex (rvhost_get (t, 0, "mepc"), ==, MAIN + 4);
      g_assert_cmphex (rvhost_get (t, 0, "mtval"), ==, MAIN + (i == 1 ? 10 : i == 0 ? 10 : 14));
      g_assert_cmpuint (rvhost_get (t, 0, "x1"), ==, 77);
      g_assert_cmpuint (rvhost_get (t, 0, "x10"), ==, 1);
      rvhost_free (t);
    }
}

/* ---- between harts ---- */

#define ROUNDS 20000

/* Two harts add to one word, one by AMO and one by LR and SC. */
static void
test_atomics_shared (void)
{
  struct rvhost *t = make (2, NULL);
  PUT (t, MAIN,
       /* hart 0: amoadd */
       AMOADD_D (ZERO, S0, A1), ADDI (A2, A2, -1), BNE (A2, ZERO, -8), JAL (ZERO, 0x40 - 12));
  PUT (t, MAIN + 0x20,
       /* hart 1: lr, add, sc */
       LR_D (A3, S0), ADD (A3, A3, A1), SC_D (A4, S0, A3), BNE (A4, ZERO, -12), ADDI (A2, A2, -1),
       BNE (A2, ZERO, -20), JAL (ZERO, 0x40 - 0x38));
  /* Both: count as done; hart 0 waits for two and ends the run. */
  PUT (t, MAIN + 0x40, AMOADD_D (ZERO, S1, A1), LD (A5, S1, 0), ADDI (A5, A5, -2),
       BNE (A5, ZERO, -8), LUI (T0, 0x100), LUI (T1, 5), ADDI (T1, T1, 0x555), SW (T1, T0, 0),
       JAL (ZERO, 0));
  for (uint32_t i = 0; i < 2; i++)
    {
      rvhost_set (t, i, "x8", DATA);
      rvhost_set (t, i, "x9", DATA + 64);
      rvhost_set (t, i, "x11", 1);
      rvhost_set (t, i, "x12", ROUNDS);
    }
  rvhost_set (t, 1, "pc", MAIN + 0x20);
  g_assert_true (rvhost_run (t, 0));
  g_assert_cmpuint (peek (t, DATA), ==, 2 * ROUNDS);
  rvhost_free (t);
}

/* A word that another hart's SC took from A to B and back is not what LR saw. */
static void
test_sc_aba (void)
{
  struct rvhost *t = make (2, NULL);
  PUT (t, MAIN, LR_D (A0, S0));
  PUT (t, MAIN + 0x100, SC_D (A1, S0, A2));
  PUT (t, MAIN + 0x200, LR_D (A3, S0), SC_D (A4, S0, A5), LR_D (A3, S0), SC_D (A5, S0, ZERO));
  rvhost_set (t, 0, "x8", DATA);
  rvhost_set (t, 1, "x8", DATA);
  rvhost_set (t, 1, "x15", 99);
  t->cpu[0].run.budget = 1;
  g_assert_cmpuint (t->ops->run (t->cpu[0].instance), ==, GWT_EXIT_BUDGET);
  rvhost_set (t, 1, "pc", MAIN + 0x200);
  t->cpu[1].run.budget = 4;
  g_assert_cmpuint (t->ops->run (t->cpu[1].instance), ==, GWT_EXIT_BUDGET);
  g_assert_cmpuint (rvhost_get (t, 1, "x14"), ==, 0); /* both of its SCs stored */
  g_assert_cmpuint (rvhost_get (t, 1, "x15"), ==, 0);
  g_assert_cmpuint (peek (t, DATA), ==, 0);
  rvhost_set (t, 0, "x12", 5);
  rvhost_set (t, 0, "pc", MAIN + 0x100);
  g_assert_cmpuint (t->ops->run (t->cpu[0].instance), ==, GWT_EXIT_BUDGET);
  g_assert_cmpuint (rvhost_get (t, 0, "x11"), ==, 1);
  g_assert_cmpuint (peek (t, DATA), ==, 0);
  rvhost_free (t);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/exec/budget-exact", test_budget_exact);
  g_test_add_func ("/exec/instret-in-guest", test_instret_in_guest);
  g_test_add_data_func ("/exec/kick-self-loop", self_loop, test_kick);
  g_test_add_data_func ("/exec/kick-trap-loop", trap_loop, test_kick);
  g_test_add_func ("/exec/wfi", test_wfi);
  g_test_add_func ("/exec/fence-i", test_fence_i);
  g_test_add_func ("/exec/straddle", test_straddle);
  g_test_add_func ("/exec/remap-code", test_remap_code);
  g_test_add_func ("/exec/like-stepped", test_like_stepped);
  g_test_add_func ("/exec/misaligned", test_misaligned);
  g_test_add_func ("/exec/split-store-precise", test_split_store_precise);
  g_test_add_func ("/exec/mmio", test_mmio);
  g_test_add_func ("/exec/watched-pages", test_watched_pages);
  g_test_add_func ("/exec/extension-off", test_extension_off);
  g_test_add_func ("/exec/reserved", test_reserved);
  g_test_add_func ("/exec/fs-off", test_fs_off);
  g_test_add_func ("/exec/no-compressed", test_no_compressed);
  g_test_add_func ("/exec/atomics-shared", test_atomics_shared);
  g_test_add_func ("/exec/sc-aba", test_sc_aba);
  return g_test_run ();
}
