/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hart's state: the layout of its sections to the byte and to the name, in hostile hands, and
 * carried to a second hart that then does, instruction by instruction, what the first one does.
 * One file, since all of it is about the same section of the same hart.
 */
#include "config.h"
#include <stdlib.h>
#include "tests/cpu/rvasm.h"
#include "tests/cpu/rvhost.h"
#include "tests/vmstate/hostile.h"

#define MAIN RVHOST_RAM
#define HANDLER (RVHOST_RAM + 0x2000)
#define DATA (RVHOST_RAM + 0x10000)
#define TABLES (RVHOST_RAM + 0x100000)
#define RAM_SIZE (4u << 20)
#define HIGH(address) ((address) | UINT64_C (0xffffffff00000000)) /* where Sv39 shows RAM */
#define CSR_REG(n) (65 + (n))                                     /* gwt.cpu/1's number of a CSR */

static struct rvhost *
make (const char *props)
{
  const char *top = g_getenv ("abs_top_builddir");
  g_autofree char *path
      = g_build_filename (top != NULL ? top : ".", "plugins", "rv64-cpu.so", NULL);
  struct rvhost *t = rvhost_new (path, 1, RAM_SIZE, props);

  g_assert_nonnull (t);
  rvhost_reset (t);
  return t;
}

static const struct gwt_vmstate *
section (struct rvhost *t, const char *name)
{
  for (guint i = 0; t->type->states[i] != NULL; i++)
    if (strcmp (t->type->states[i]->name, name) == 0)
      return t->type->states[i];
  g_assert_not_reached ();
}

static void
set_csr (struct rvhost *t, uint32_t number, uint64_t value)
{
  g_assert_cmpint (t->ops->reg_set (t->cpu[0].instance, CSR_REG (number), value), ==, 0);
}

/* The same where this hart has it. */
static void
try_csr (struct rvhost *t, uint32_t number, uint64_t value)
{
  t->ops->reg_set (t->cpu[0].instance, CSR_REG (number), value);
}

static uint64_t
get_csr (struct rvhost *t, uint32_t number)
{
  uint64_t value = 0;

  g_assert_cmpint (t->ops->reg_get (t->cpu[0].instance, CSR_REG (number), &value), ==, 0);
  return value;
}

/* ---- layout ---------------------------------------------------------------------------------- */

/* Names, types, sizes and array lengths of a description, one field a line. */
static char *
outline (const char *description)
{
  GString *text = g_string_new (NULL);
  const char *p = description;

  while ((p = strstr (p, "\"name\": \"")) != NULL || p == description)
    {
      char name[80] = "", type[40] = "";
      unsigned size = 0, length = 1;
      const char *end;

      p += 9;
      end = strchr (p, '"');
      g_strlcpy (name, p, MIN (sizeof (name), (gsize) (end - p) + 1));
      if (g_str_has_prefix (end, "\", \"array_len\": "))
        length = (unsigned) strtoul (end + 16, (char **) &end, 10);
      else
        end++;
      end = strstr (end, "\"type\": \"") + 9;
      g_strlcpy (type, end, MIN (sizeof (type), (gsize) (strchr (end, '"') - end) + 1));
      if (strcmp (type, "struct") != 0)
        size = (unsigned) strtoul (strstr (end, "\"size\": ") + 8, NULL, 10);
      g_string_append_printf (text, "%s %s", name, type);
      if (size != 0)
        g_string_append_printf (text, " %u", size);
      g_string_append_printf (text, length > 1 ? " x%u\n" : "\n", length);
    }
  return g_string_free (text, FALSE);
}

/* As QEMU 10.0 describes its own. */
static const char cpu_outline[] = "env.gpr uint64 8 x32\n"
                                  "env.fpr uint64 8 x32\n"
                                  "env.miprio uint8 1 x64\n"
                                  "env.siprio uint8 1 x64\n"
                                  "env.pc uint64 8\n"
                                  "env.load_res uint64 8\n"
                                  "env.load_val uint64 8\n"
                                  "env.frm uint64 8\n"
                                  "env.badaddr uint64 8\n"
                                  "env.guest_phys_fault_addr uint64 8\n"
                                  "env.priv_ver uint64 8\n"
                                  "env.vext_ver uint64 8\n"
                                  "env.misa_mxl uint32 4\n"
                                  "env.misa_ext uint32 4\n"
                                  "unused unused_buffer 4\n"
                                  "env.misa_ext_mask uint32 4\n"
                                  "env.priv uint64 8\n"
                                  "env.virt_enabled bool 1\n"
                                  "env.resetvec uint64 8\n"
                                  "env.mhartid uint64 8\n"
                                  "env.mstatus uint64 8\n"
                                  "env.mip uint64 8\n"
                                  "env.miclaim uint64 8\n"
                                  "env.mie uint64 8\n"
                                  "env.mvien uint64 8\n"
                                  "env.mvip uint64 8\n"
                                  "env.sie uint64 8\n"
                                  "env.mideleg uint64 8\n"
                                  "env.satp uint64 8\n"
                                  "env.stval uint64 8\n"
                                  "env.medeleg uint64 8\n"
                                  "env.stvec uint64 8\n"
                                  "env.sepc uint64 8\n"
                                  "env.scause uint64 8\n"
                                  "env.mtvec uint64 8\n"
                                  "env.mepc uint64 8\n"
                                  "env.mcause uint64 8\n"
                                  "env.mtval uint64 8\n"
                                  "env.miselect uint64 8\n"
                                  "env.siselect uint64 8\n"
                                  "env.scounteren uint32 4\n"
                                  "env.mcounteren uint32 4\n"
                                  "env.scountinhibit uint32 4\n"
                                  "env.mcountinhibit uint32 4\n"
                                  "env.pmu_ctrs struct x32\n"
                                  "mhpmcounter_val uint64 8\n"
                                  "mhpmcounterh_val uint64 8\n"
                                  "mhpmcounter_prev uint64 8\n"
                                  "mhpmcounterh_prev uint64 8\n"
                                  "env.mhpmevent_val uint64 8 x32\n"
                                  "env.mhpmeventh_val uint64 8 x32\n"
                                  "env.sscratch uint64 8\n"
                                  "env.mscratch uint64 8\n"
                                  "env.stimecmp uint64 8\n"
                                  "env.pmp_state.pmp struct x16\n"
                                  "addr_reg uint64 8\n"
                                  "cfg_reg uint8 1\n"
                                  "env.menvcfg uint64 8\n"
                                  "env.senvcfg uint64 8\n"
                                  "env.henvcfg uint64 8\n"
                                  "env.stimer timer 8\n"
                                  "env.vstimer timer 8\n";

static uint64_t
word (const GByteArray *bytes, guint at, guint size)
{
  uint64_t value = 0;

  while (size-- > 0)
    value = value << 8 | bytes->data[at++];
  return value;
}

/* Byte offsets in the section, from the sizes above. */
enum
{
  AT_GPR = 0,
  AT_FPR = 256,
  AT_MIPRIO = 512,
  AT_PC = 640,
  AT_LOAD_RES = 648,
  AT_FRM = 664,
  AT_PRIV_VER = 688,
  AT_MISA_MXL = 704,
  AT_MISA_EXT = 708,
  AT_MISA_MASK = 716,
  AT_PRIV = 720,
  AT_VIRT = 728,
  AT_RESETVEC = 729,
  AT_MHARTID = 737,
  AT_MSTATUS = 745,
  AT_MIP = 753,
  AT_MIE = 769,
  AT_MVIEN = 777,
  AT_MVIP = 785,
  AT_SATP = 809,
  AT_STVEC = 833,
  AT_MTVEC = 857,
  AT_MEPC = 865,
  AT_MISELECT = 889,
  AT_SCOUNTEREN = 905,
  AT_MCOUNTEREN = 909,
  AT_MCOUNTINHIBIT = 917,
  AT_PMU = 921,
  AT_EVENTS = 1945,
  AT_SSCRATCH = 2457,
  AT_STIMECMP = 2473,
  AT_PMP = 2481 + 13,
  AT_ENVCFG = AT_PMP + 144 + 16,
  AT_TIMER = AT_ENVCFG + 24 + 15,
  CPU_SIZE = AT_TIMER + 16
};

/* A hart with something in every register that it has. */
static void
fill (struct rvhost *t)
{
  char name[8];

  for (unsigned i = 1; i < 32; i++)
    {
      g_snprintf (name, sizeof (name), "x%u", i);
      rvhost_set (t, 0, name, UINT64_C (0x0101010101010101) * i);
      g_snprintf (name, sizeof (name), "f%u", i);
      rvhost_set (t, 0, name, UINT64_C (0xffffffff00000000) | i);
    }
  rvhost_set (t, 0, "pc", 0x80001234);
  rvhost_set (t, 0, "priv", 1);
  try_csr (t, 0x300, 0x2088);
  try_csr (t, 0x302, 0xb109);
  try_csr (t, 0x303, 0x222);
  try_csr (t, 0x304, 0xaaa);
  try_csr (t, 0x305, 0x80002001);
  try_csr (t, 0x341, 0x80000ffe);
  try_csr (t, 0x342, UINT64_C (1) << 63 | 7);
  try_csr (t, 0x343, 0x1111);
  try_csr (t, 0x340, 0x2222);
  try_csr (t, 0x105, 0x80003000);
  try_csr (t, 0x141, 0x80000aaa);
  try_csr (t, 0x142, 13);
  try_csr (t, 0x143, 0x3333);
  try_csr (t, 0x140, 0x4444);
  try_csr (t, 0x180, UINT64_C (8) << 60 | UINT64_C (0xabcd) << 44 | TABLES >> 12);
  try_csr (t, 0x106, 5);
  try_csr (t, 0x306, 7);
  try_csr (t, 0x30a, UINT64_C (0xa0000000000000f1));
  try_csr (t, 0x10a, 0x71);
  try_csr (t, 0x14d, 0x123456789);
  try_csr (t, 0x002, 3);
  try_csr (t, 0x3b0, 0x20000000);
  try_csr (t, 0x3bf, 0x1fffff);
  try_csr (t, 0x3a0, 0x0f);
  try_csr (t, 0x3a2, UINT64_C (0x98) << 56);
  try_csr (t, 0xb00, 100000);
  try_csr (t, 0x320, 1); /* from here on cycle stands */
  try_csr (t, 0xb02, 5000);
}

static void
test_layout (void)
{
  struct rvhost *t = make (NULL);
  const struct gwt_vmstate *cpu = section (t, "cpu"), *common = section (t, "cpu_common");
  g_autofree char *text = NULL, *lines = NULL, *common_text = NULL, *common_lines = NULL;
  GByteArray *bytes;

  fill (t);
  bytes = save (cpu, t->cpu[0].instance, &text);
  lines = outline (text);
  g_assert_cmpstr (lines, ==, cpu_outline);
  g_assert_cmpuint (cpu->version, ==, 10);
  g_assert_nonnull (strstr (text, "\"subsections\": [{\"vmsd_name\": \"cpu/pmp\", \"version\": 1"));
  g_assert_nonnull (strstr (text, "{\"vmsd_name\": \"cpu/envcfg\", \"version\": 1"));
  g_assert_nonnull (strstr (text, "{\"vmsd_name\": \"cpu/timer\", \"version\": 1"));
  g_assert_cmpuint (bytes->len, ==, CPU_SIZE);
  g_assert_cmphex (word (bytes, AT_GPR + 8 * 31, 8), ==, UINT64_C (0x1f1f1f1f1f1f1f1f));
  g_assert_cmphex (word (bytes, AT_FPR + 8 * 7, 8), ==, UINT64_C (0xffffffff00000007));
  g_assert_cmphex (word (bytes, AT_PC, 8), ==, 0x80001234);
  g_assert_cmphex (word (bytes, AT_LOAD_RES, 8), ==, UINT64_MAX);
  g_assert_cmphex (word (bytes, AT_FRM, 8), ==, 3);
  g_assert_cmphex (word (bytes, AT_PRIV_VER, 8), ==, 2);
  g_assert_cmphex (word (bytes, AT_MISA_MXL, 4), ==, 2);
  g_assert_cmphex (word (bytes, AT_MISA_EXT, 4), ==, 0x14112d);
  g_assert_cmphex (word (bytes, AT_MISA_MASK, 4), ==, 0x14112d);
  g_assert_cmphex (word (bytes, AT_PRIV, 8), ==, 1);
  g_assert_cmphex (word (bytes, AT_RESETVEC, 8), ==, 0x1000);
  g_assert_cmphex (word (bytes, AT_MHARTID, 8), ==, 0);
  /* 64 bits wide in S and U mode; SD is computed. */
  g_assert_cmphex (word (bytes, AT_MSTATUS, 8), ==, UINT64_C (0xa00002088));
  g_assert_cmphex (word (bytes, AT_MIE, 8), ==, 0xaaa);
  g_assert_cmphex (word (bytes, AT_SATP, 8), ==, UINT64_C (0x8abcd00000080100));
  g_assert_cmphex (word (bytes, AT_MTVEC, 8), ==, 0x80002001);
  g_assert_cmphex (word (bytes, AT_SCOUNTEREN, 4), ==, 5);
  g_assert_cmphex (word (bytes, AT_MCOUNTEREN, 4), ==, 7);
  g_assert_cmphex (word (bytes, AT_MCOUNTINHIBIT, 4), ==, 1);
  g_assert_cmpuint (word (bytes, AT_PMU, 8), ==, get_csr (t, 0xb00));
  g_assert_cmpuint (word (bytes, AT_PMU + 64, 8), ==, get_csr (t, 0xb02));
  g_assert_cmphex (word (bytes, AT_SSCRATCH, 8), ==, 0x4444);
  g_assert_cmphex (word (bytes, AT_STIMECMP, 8), ==, 0x123456789);
  g_assert_cmphex (word (bytes, AT_PMP, 8), ==, 0x20000000);
  g_assert_cmphex (word (bytes, AT_PMP + 8, 1), ==, 0x0f);
  g_assert_cmphex (word (bytes, AT_PMP + 9 * 15, 8), ==, 0x1fffff);
  g_assert_cmphex (word (bytes, AT_PMP + 9 * 15 + 8, 1), ==, 0x98);
  g_assert_cmphex (word (bytes, AT_ENVCFG, 8), ==, UINT64_C (0xa0000000000000f1));
  g_assert_cmphex (word (bytes, AT_ENVCFG + 8, 8), ==, 0x71);
  g_assert_cmphex (word (bytes, AT_TIMER + 8, 8), ==, UINT64_MAX);
  g_byte_array_unref (bytes);

  bytes = save (common, t->cpu[0].instance, &common_text);
  common_lines = outline (common_text);
  g_assert_cmpstr (common_lines, ==, "halted uint32 4\ninterrupt_request uint32 4\n");
  g_assert_cmpuint (common->version, ==, 1);
  g_assert_cmpuint (bytes->len, ==, 8);
  g_byte_array_unref (bytes);
  rvhost_free (t);
}

/* Whatever is not in that layout: sent where it is there, and nowhere else. */
static void
test_extras (void)
{
  static const struct
  {
    const char *what, *props;
    uint32_t csr;
    uint64_t value;
    const char *part; /* that is sent, or NULL */
  } rows[] = {
    { "nothing", NULL, 0x340, 1, NULL },
    { "exceptions of floating point", NULL, 0x001, 0x15, "cpu/fflags" },
    { "a software interrupt", NULL, 0x344, 0x002, NULL },
    { "a timer interrupt by software", NULL, 0x344, 0x020, "cpu/interrupts" },
    { "an external interrupt by software", NULL, 0x344, 0x200, "cpu/interrupts" },
    { "virtual interrupts", "smaia=1,ssaia=1", 0x308, 0x202, NULL },
    { "selected registers", "smaia=1,ssaia=1", 0x350, 0x1ff, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      struct rvhost *a = make (rows[i].props), *b = make (rows[i].props);
      const struct gwt_vmstate *cpu = section (a, "cpu");
      g_autofree char *text = NULL, *error = NULL;
      GByteArray *bytes, *again;

      g_test_message ("%s", rows[i].what);
      set_csr (a, rows[i].csr, rows[i].value);
      bytes = save (cpu, a->cpu[0].instance, &text);
      g_assert_cmpuint (strstr (text, "cpu/fflags") != NULL, ==,
                        g_strcmp0 (rows[i].part, "cpu/fflags") == 0);
      g_assert_cmpuint (strstr (text, "cpu/interrupts") != NULL, ==,
                        g_strcmp0 (rows[i].part, "cpu/interrupts") == 0);
      /* What it had before is gone. */
      set_csr (b, 0x001, 0xa);
      set_csr (b, 0x344, 0x222);
      error = load_bytes (cpu, b->cpu[0].instance, 10, bytes->data, bytes->len);
      g_assert_cmpstr (error, ==, NULL);
      g_assert_cmphex (get_csr (b, rows[i].csr), ==, get_csr (a, rows[i].csr));
      g_assert_cmphex (get_csr (b, 0x344), ==, get_csr (a, 0x344));
      /* The software's bit is the software's there too. */
      set_csr (b, 0x344, 0);
      g_assert_cmphex (get_csr (b, 0x344), ==, 0);
      g_free (load_bytes (cpu, b->cpu[0].instance, 10, bytes->data, bytes->len));
      again = save (cpu, b->cpu[0].instance, NULL);
      g_assert_cmpmem (bytes->data, bytes->len, again->data, again->len);
      g_byte_array_unref (bytes);
      g_byte_array_unref (again);
      rvhost_free (a);
      rvhost_free (b);
    }
}

/* A line stays a line: its device alone lowers it. */
static void
test_lines (void)
{
  struct rvhost *a = make (NULL), *b = make (NULL);
  const struct gwt_vmstate *cpu = section (a, "cpu");
  g_autofree char *error = NULL;
  GByteArray *bytes;

  a->cpu[0].irq (a->cpu[0].instance, 7, 1);
  a->cpu[0].irq (a->cpu[0].instance, 9, 1);
  set_csr (a, 0x344, 0x200);
  bytes = save (cpu, a->cpu[0].instance, NULL);
  error = load_bytes (cpu, b->cpu[0].instance, 10, bytes->data, bytes->len);
  g_assert_cmpstr (error, ==, NULL);
  g_assert_cmphex (get_csr (b, 0x344), ==, 0x280);
  set_csr (b, 0x344, 0);
  g_assert_cmphex (get_csr (b, 0x344), ==, 0x280);
  b->cpu[0].irq (b->cpu[0].instance, 9, 0);
  b->cpu[0].irq (b->cpu[0].instance, 7, 0);
  g_assert_cmphex (get_csr (b, 0x344), ==, 0);
  g_byte_array_unref (bytes);
  rvhost_free (a);
  rvhost_free (b);
}

/* Asleep here, asleep there; and what wakes it does so. */
static void
test_halted (void)
{
  struct rvhost *a = make (NULL), *b = make (NULL);
  const uint32_t code[] = { WFI, ADDI (A0, ZERO, 7), JAL (ZERO, 0) };

  for (int i = 0; i < 2; i++)
    memcpy ((i == 0 ? a : b)->ram, code, sizeof (code));
  set_csr (a, 0x304, 0x80);
  rvhost_run (a, 10);
  g_assert_cmpuint (a->cpu[0].run.exit_reason, ==, GWT_EXIT_HALTED);
  assert_saves (section (a, "cpu_common"), a->cpu[0].instance, "00000001 00000000");
  for (guint i = 0; a->type->states[i] != NULL; i++)
    {
      GByteArray *bytes = save (a->type->states[i], a->cpu[0].instance, NULL);
      g_autofree char *error
          = load_bytes (a->type->states[i], b->cpu[0].instance, a->type->states[i]->version,
                        bytes->data, bytes->len);

      g_assert_cmpstr (error, ==, NULL);
      g_byte_array_unref (bytes);
    }
  rvhost_run (b, 10);
  g_assert_cmpuint (b->cpu[0].run.exit_reason, ==, GWT_EXIT_HALTED);
  g_assert_cmphex (rvhost_get (b, 0, "pc"), ==, MAIN + 4);
  b->cpu[0].irq (b->cpu[0].instance, 7, 1);
  assert_saves (section (a, "cpu_common"), b->cpu[0].instance, "00000001 00000002");
  rvhost_run (b, 10);
  g_assert_cmpuint (rvhost_get (b, 0, "x10"), ==, 7);
  /* And one that was asleep here is up and running after it. */
  rvhost_reset (a);
  assert_loads (section (a, "cpu_common"), b->cpu[0].instance, 1, "00000000 00000000");
  rvhost_free (a);
  rvhost_free (b);
}

/* Counters go on from where they were, or stand where they stood. */
static void
test_counters (void)
{
  struct rvhost *a = make (NULL), *b = make (NULL);
  const uint32_t code[] = { ADDI (A0, A0, 1), JAL (ZERO, -4) };
  const struct gwt_vmstate *cpu = section (a, "cpu");
  g_autofree char *error = NULL;
  GByteArray *bytes;

  memcpy (a->ram, code, sizeof (code));
  memcpy (b->ram, code, sizeof (code));
  rvhost_run (a, 1000);
  set_csr (a, 0xb02, 77777);
  set_csr (a, 0x320, 1);
  rvhost_run (a, 1000);
  bytes = save (cpu, a->cpu[0].instance, NULL);
  rvhost_run (b, 12345);
  error = load_bytes (cpu, b->cpu[0].instance, 10, bytes->data, bytes->len);
  g_assert_cmpstr (error, ==, NULL);
  g_assert_cmpuint (get_csr (b, 0xb02), ==, get_csr (a, 0xb02));
  g_assert_cmpuint (get_csr (b, 0xb00), ==, get_csr (a, 0xb00));
  rvhost_run (a, 500);
  rvhost_run (b, 500);
  g_assert_cmpuint (get_csr (b, 0xb02), ==, get_csr (a, 0xb02));
  g_assert_cmpuint (get_csr (b, 0xb00), ==, get_csr (a, 0xb00));
  set_csr (a, 0x320, 0);
  set_csr (b, 0x320, 0);
  rvhost_run (a, 500);
  rvhost_run (b, 500);
  g_assert_cmpuint (get_csr (b, 0xb00), ==, get_csr (a, 0xb00));
  g_byte_array_unref (bytes);
  rvhost_free (a);
  rvhost_free (b);
}

/* ---- bad input ------------------------------------------------------------------------------- */

static void
put_word (GByteArray *bytes, guint at, guint size, uint64_t value)
{
  for (guint i = 0; i < size; i++)
    bytes->data[at + i] = (uint8_t) (value >> 8 * (size - 1 - i));
}

static void
test_refused (void)
{
  static const struct
  {
    guint at, size;
    uint64_t value;
    const char *text; /* of the plugin, or (with "byte") of the codec */
  } rows[] = {
    { AT_GPR, 8, 5, "env.gpr: 0x5 is in x0" },
    { AT_PC, 8, 0x80001001, "env.pc: 0x80001001 is nothing that this hart can have there" },
    { AT_FRM, 8, 8, "byte 672: field 'env.frm': 8 is above 7" },
    { AT_PRIV_VER, 8, 3,
      "env.priv_ver: 0x3 is not what it must be here; start both ends with the same CPU" },
    { AT_MISA_EXT, 4, 0x1411ad,
      "env.misa_ext: 0x1411ad is not what it must be here; start both ends with the same CPU" },
    { AT_PRIV, 8, 2, "env.priv: 0x2 is nothing that this hart can have there" },
    { AT_PRIV, 8, 4, "byte 728: field 'env.priv': 4 is above 3" },
    { AT_VIRT, 1, 1, "env.virt_enabled: 0x1 needs the hypervisor extension" },
    { AT_MHARTID, 8, 1,
      "env.mhartid: 0x1 is not what it must be here; start both ends with the same CPU" },
    { AT_MSTATUS, 8, UINT64_C (0xa00001000),
      "env.mstatus: 0x1000 is nothing that this hart can have there" },
    { AT_MSTATUS, 8, UINT64_C (0x500000000),
      "env.mstatus: 0x500000000 has another register width" },
    { AT_MIP, 8, 0x1000, "mip_lines: 0x1000 is nothing that this hart can have there" },
    { AT_MIE, 8, 0x1000, "env.mie: 0x1000 is nothing that this hart can have there" },
    { AT_MVIEN, 8, 0x200, "env.mvien: 0x200 has bits that this hart has not" },
    { AT_MIPRIO + 9, 1, 1, "env.miprio: interrupt 9 can have no priority of its own here" },
    { AT_SATP, 8, UINT64_C (11) << 60,
      "env.satp: 0xb000000000000000 is nothing that this hart can have there" },
    { AT_STVEC, 8, 2, "env.stvec: 0x2 is nothing that this hart can have there" },
    { AT_MCOUNTINHIBIT, 4, 8, "env.mcountinhibit: 0x8 is nothing that this hart can have there" },
    { AT_PMU + 3 * 32, 8, 1, "env.pmu_ctrs: 0x3 is a counter that counts nothing here" },
    { AT_PMU + 16, 8, 1, "env.pmu_ctrs: 0x1 instructions are not as many as instret says" },
    { AT_EVENTS + 8 * 5, 8, 1, "env.pmu_ctrs: 0x5 is a counter that counts nothing here" },
    { AT_PMP + 8, 1, 2, "env.pmp_state.pmp: 0x0 is nothing that this hart can have there" },
    { AT_PMP + 9, 8, UINT64_C (1) << 54,
      "env.pmp_state.pmp: 0x1 is nothing that this hart can have there" },
    { AT_ENVCFG, 8, 0x20, "env.menvcfg: 0x20 is nothing that this hart can have there" },
    { AT_ENVCFG + 16, 8, 1, "env.henvcfg: 0x1 needs the hypervisor extension" },
    { AT_TIMER + 8, 8, 1,
      "byte 2709: subsection 'cpu/timer': field 'env.vstimer': there is no such "
      "timer here" },
  };
  struct rvhost *t = make (NULL);
  const struct gwt_vmstate *cpu = section (t, "cpu");
  GByteArray *bytes = save (cpu, t->cpu[0].instance, NULL);
  g_autofree uint8_t *good = g_memdup2 (bytes->data, bytes->len);
  g_autofree uint8_t *before = g_memdup2 (t->cpu[0].instance, cpu->size);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *error = NULL;

      memcpy (bytes->data, good, bytes->len);
      put_word (bytes, rows[i].at, rows[i].size, rows[i].value);
      error = load_bytes (cpu, t->cpu[0].instance, 10, bytes->data, bytes->len);
      g_assert_cmpstr (g_str_has_prefix (rows[i].text, "byte") ? error : rvhost_error (), ==,
                       rows[i].text);
      g_assert_true (g_str_has_prefix (error, "byte "));
      g_assert_cmpmem (before, cpu->size, t->cpu[0].instance, cpu->size);
    }
  g_byte_array_unref (bytes);
  rvhost_free (t);
}

/* An older or newer layout is not guessed at. */
static void
test_versions (void)
{
  struct rvhost *t = make (NULL);
  const struct gwt_vmstate *cpu = section (t, "cpu");
  GByteArray *bytes = save (cpu, t->cpu[0].instance, NULL);
  g_autofree char *old = load_bytes (cpu, t->cpu[0].instance, 5, bytes->data, bytes->len);
  g_autofree char *new = load_bytes (cpu, t->cpu[0].instance, 12, bytes->data, bytes->len);

  g_assert_cmpstr (old, ==,
                   "byte 0: version 5 of 'cpu' cannot be read here; versions 10 to 10 can");
  g_assert_cmpstr (new, ==,
                   "byte 0: version 12 of 'cpu' cannot be read here; versions 10 to 10 can");
  g_byte_array_unref (bytes);
  rvhost_free (t);
}

static void
test_hostile (gconstpointer data)
{
  struct rvhost *t = make (data);

  fill (t);
  try_csr (t, 0x001, 0x15);
  set_csr (t, 0x30a, 0);
  set_csr (t, 0x344, 0x20);
  for (guint i = 0; t->type->states[i] != NULL; i++)
    {
      GByteArray *bytes = save (t->type->states[i], t->cpu[0].instance, NULL);

      check_hostile (t->type->states[i], t->cpu[0].instance, NULL, bytes);
      g_byte_array_unref (bytes);
    }
  rvhost_free (t);
}

/* ---- in step --------------------------------------------------------------------------------- */

#define PROGRAM 400

static uint32_t
pick (GRand *rand, const uint32_t *from, gsize n)
{
  return from[g_rand_int_range (rand, 0, (gint32) n)];
}
#define PICK(rand, array) pick (rand, array, G_N_ELEMENTS (array))

/* One instruction of supervisor mode, four bytes long.  s0 and s1 point to data; the handlers step
   over what traps. */
static uint32_t
any_insn (GRand *rand)
{
  static const uint32_t targets[] = { 5, 6, 7, 10, 11, 12, 13, 14, 15 };
  static const uint32_t bases[] = { S0, S1 };
  static const uint32_t ops[] = { 0x000, 0x002, 0x004, 0x200, 0x010, 0x014, 0x017, 0x054, 0x245 };
  static const uint32_t fp_ops[] = { 0x00, 0x01, 0x04, 0x05, 0x08, 0x09, 0x0c, 0x0d, 0x2c, 0x2d };
  static const uint32_t to_fp[] = { 0x68, 0x69, 0x78, 0x79 };
  static const uint32_t amos[] = { 0x00, 0x04, 0x08, 0x0c, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60 };
  /* fflags, frm, fcsr, sstatus, scounteren, senvcfg, scause, stval, cycle, instret, time, mscratch
     (which is illegal here) */
  static const uint32_t csrs[]
      = { 1, 1, 2, 3, 0x100, 0x106, 0x10a, 0x142, 0x143, 0xc00, 0xc02, 0xc01, 0x340 };
  static const uint32_t odd[] = { 0x00000073, 0x00100073, 0xffffffff, 0x12000073, 0x0000100f };
  uint32_t rd = PICK (rand, targets), rs1 = PICK (rand, targets), rs2 = PICK (rand, targets), k;
  uint32_t base = PICK (rand, bases), off = (uint32_t) g_rand_int_range (rand, 0, 64) * 8;

  switch (g_rand_int_range (rand, 0, 16))
    {
    case 0 ... 2:
      k = PICK (rand, ops);
      return R_TYPE (0x33, k & 15, k >> 4, rd, rs1, rs2);
    case 3:
      return ADDI (rd, rs1, g_rand_int_range (rand, 0, 2048));
    case 4:
      return LD (rd, base, off);
    case 5:
      return SD (rs2, base, off);
    case 6: /* not always 8 bytes apart, not always mapped */
      return g_rand_int_range (rand, 0, 4) != 0 ? I_TYPE (0x03, 2, rd, base, off + 2)
                                                : LD (rd, rs1, 0);
    case 7:
      return I_TYPE (0x07, 3, rd, base, off); /* fld */
    case 8:
      return S_TYPE (3, base, rs2, off) ^ (0x23 ^ 0x27); /* fsd */
    case 9 ... 10: /* rounding mode from frm */
      return R_TYPE (0x53, 7, PICK (rand, fp_ops), rd, rs1,
                     0) | (g_rand_boolean (rand) ? rs2 << 20 : 0);
    case 11: /* conversions between the register files */
      return R_TYPE (0x53, 7, PICK (rand, to_fp), rd, rs1, g_rand_int_range (rand, 0, 4));
    case 12:
      return R_TYPE (0x2f, 3, PICK (rand, amos), rd, base, rs2);
    case 13:
      return g_rand_boolean (rand) ? LR_D (rd, base) : SC_D (rd, base, rs2);
    case 14:
      return I_TYPE (0x73, g_rand_int_range (rand, 1, 8) & 7, rd, rs1, PICK (rand, csrs)) | 0x1000;
    default:
      return PICK (rand, odd);
    }
}

/* Sv39: RAM as gigabyte 510, the data pages once more at 0x40000000; A and D are clear, so that
   hardware sets them. */
static void
make_tables (struct rvhost *t)
{
  uint64_t *root = (uint64_t *) (void *) (t->ram + (TABLES - RVHOST_RAM));
  uint64_t *mid = root + 512, *leaf = mid + 512;

  root[510] = RVHOST_RAM >> 2 | 0x0f;
  root[1] = (TABLES + 0x1000) >> 2 | 1;
  mid[0] = (TABLES + 0x2000) >> 2 | 1;
  for (uint64_t i = 0; i < 16; i++)
    leaf[i] = (DATA + 0x1000 * i) >> 2 | 0x07;
}

static void
make_guest (struct rvhost *t, GRand *rand)
{
  /* Swap t0 out, step over the instruction, swap it back. */
  static const uint32_t machine[]
      = { CSRRW (T0, 0x340, T0), CSRRS (T0, 0x341, ZERO), ADDI (T0, T0, 4), CSRRW (ZERO, 0x341, T0),
          CSRRW (T0, 0x340, T0), MRET };
  static const uint32_t supervisor[]
      = { CSRRW (T0, 0x140, T0), CSRRS (T0, 0x141, ZERO), ADDI (T0, T0, 4), CSRRW (ZERO, 0x141, T0),
          CSRRW (T0, 0x140, T0), 0x10200073 };
  uint32_t code[PROGRAM + 1];

  for (int i = 0; i < PROGRAM; i++)
    {
      code[i] = any_insn (rand);
      if (g_rand_int_range (rand, 0, 12) == 0 && i + 9 < PROGRAM)
        code[i] = B_TYPE (g_rand_boolean (rand) ? 0 : 4, T1, A0,
                          4 * g_rand_int_range (rand, 1, 8));
    }
  code[PROGRAM] = JAL (ZERO, -4 * PROGRAM);
  memcpy (t->ram, code, sizeof (code));
  memcpy (t->ram + (HANDLER - RVHOST_RAM), machine, sizeof (machine));
  memcpy (t->ram + (HANDLER - RVHOST_RAM) + 0x100, supervisor, sizeof (supervisor));
  for (guint i = 0; i < 4096; i += 4)
    {
      uint32_t random = g_rand_int (rand);

      memcpy (t->ram + (DATA - RVHOST_RAM) + i, &random, 4);
    }
  make_tables (t);
  set_csr (t, 0x3b0, UINT64_MAX);
  set_csr (t, 0x3a0, 0x1f);
  set_csr (t, 0x300, 0x2000);
  set_csr (t, 0x305, HANDLER);
  set_csr (t, 0x105, HIGH (HANDLER + 0x100));
  set_csr (t, 0x302, 0x200c); /* illegal instructions, ebreak, load page faults */
  set_csr (t, 0x306, 7);
  set_csr (t, 0x180, UINT64_C (8) << 60 | TABLES >> 12);
  rvhost_set (t, 0, "x8", 0x40000000);
  rvhost_set (t, 0, "x9", 0x40000e00);
  rvhost_set (t, 0, "pc", HIGH (MAIN));
  rvhost_set (t, 0, "priv", 1);
}

static void
carry (struct rvhost *from, struct rvhost *to)
{
  for (guint i = 0; from->type->states[i] != NULL; i++)
    {
      const struct gwt_vmstate *state = from->type->states[i];
      GByteArray *bytes = save (state, from->cpu[0].instance, NULL), *again;
      g_autofree char *error
          = load_bytes (state, to->cpu[0].instance, state->version, bytes->data, bytes->len);

      g_assert_cmpstr (error, ==, NULL);
      again = save (state, to->cpu[0].instance, NULL);
      g_assert_cmpmem (bytes->data, bytes->len, again->data, again->len);
      g_byte_array_unref (bytes);
      g_byte_array_unref (again);
    }
  memcpy (to->ram, from->ram, RAM_SIZE);
}

static void
assert_alike (struct rvhost *a, struct rvhost *b, guint seed, guint round)
{
  for (guint i = 0; a->type->states[i] != NULL; i++)
    {
      GByteArray *one = save (a->type->states[i], a->cpu[0].instance, NULL);
      GByteArray *other = save (a->type->states[i], b->cpu[0].instance, NULL);

      for (guint n = 0; n < one->len; n++)
        if (one->len != other->len || one->data[n] != other->data[n])
          g_error ("seed %u, round %u: byte %u of '%s' differs", seed, round, n,
                   a->type->states[i]->name);
      g_byte_array_unref (one);
      g_byte_array_unref (other);
    }
  g_assert_cmpmem (a->ram, RAM_SIZE, b->ram, RAM_SIZE);
}

/* Random programs of supervisor mode in translated memory, with floating point, atomics, CSRs and
   traps into both levels: stopped anywhere, carried to another hart, and on from there. */
static void
test_in_step (void)
{
  guint64 executed = 0, traps = 0;

  for (guint seed = 1; seed <= 40; seed++)
    {
      GRand *rand = g_rand_new_with_seed (seed);
      struct rvhost *a = make (NULL), *b = make (NULL);

      make_guest (a, rand);
      /* The other one is new, or has a past of its own and code in its cache. */
      if (seed % 2 == 0)
        {
          make_guest (b, rand);
          rvhost_run (b, 3000);
        }
      rvhost_run (a, (guint64) g_rand_int_range (rand, 1, 4000));
      for (guint round = 0; round < 12; round++)
        {
          guint64 n = (guint64) g_rand_int_range (rand, 1, round % 3 == 2 ? 60000 : 1500);

          if (round % 4 == 0)
            carry (a, b);
          rvhost_run (a, n);
          rvhost_run (b, n);
          g_assert_cmpuint (a->cpu[0].run.executed, ==, b->cpu[0].run.executed);
          assert_alike (a, b, seed, round);
          executed += n;
          traps += get_csr (a, 0x342) != 0;
        }
      g_rand_free (rand);
      rvhost_free (a);
      rvhost_free (b);
    }
  g_test_message ("%" G_GUINT64_FORMAT " instructions in step", executed);
  g_assert_cmpuint (executed, >, 4000000);
  g_assert_cmpuint (traps, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/state-cpu/layout", test_layout);
  g_test_add_func ("/state-cpu/extras", test_extras);
  g_test_add_func ("/state-cpu/lines", test_lines);
  g_test_add_func ("/state-cpu/halted", test_halted);
  g_test_add_func ("/state-cpu/counters", test_counters);
  g_test_add_func ("/state-cpu/refused", test_refused);
  g_test_add_func ("/state-cpu/versions", test_versions);
  g_test_add_data_func ("/state-cpu/hostile", NULL, test_hostile);
  g_test_add_data_func ("/state-cpu/hostile-aia", "smaia=1,ssaia=1", test_hostile);
  g_test_add_data_func ("/state-cpu/hostile-small", "d=0,f=0,c=0,sstc=0,pmp-regions=4,mmu=0",
                        test_hostile);
  g_test_add_func ("/state-cpu/in-step", test_in_step);
  return g_test_run ();
}
