/* SPDX-License-Identifier: BSD-2-Clause */
/* The device type rv64-cpu: one RISC-V hart as the host sees it.
 *
 * Owns: properties and what they need of each other, the field table, reset, interrupt inputs, and
 * the tables behind gwt.cpu/1 and gwt.riscv-hart/1.
 * Must not know: what any instruction does.
 */
#include <string.h>

#include <godwit/fdt.h>
#include <godwit/irq.h>

#include "arch.h"
#include "fp.h"

const struct gwt_host *rv_host;
const struct gwt_vcpu_api *rv_vcpu;
const struct gwt_clock_api *rv_clock;
const struct gwt_fdt_api *rv_fdt;
static const struct gwt_irq_api *irq;

/* Inputs are numbered as the bits of mip; the highest is MEIP. */
#define IRQ_INPUTS 12

/* ---- fields ---- */

typedef struct rv_hart hart;

#define EXT(MEMBER, NAME, DEFAULT, DOC)                                                            \
  GWT_PROP_ROW (hart, MEMBER, NAME, .def = DEFAULT, .doc = DOC)
#define CSR(MEMBER, DOC) GWT_STATE_ROW (hart, MEMBER, #MEMBER, .flags = GWT_FIELD_HEX, .doc = DOC)
/* All members from FIRST up to, but without, NEXT. */
#define HOST_RANGE(FIRST, NEXT, WHY)                                                               \
  {                                                                                                \
    .name = "", .doc = WHY, .role = GWT_HOST, .kind = GWT_OPAQUE,                                  \
    .offset = offsetof (hart, FIRST), .size = offsetof (hart, NEXT) - offsetof (hart, FIRST),      \
    .elems = 1                                                                                     \
  }

static const struct gwt_field fields[] = {
  GWT_STATE_ARRAY (hart, x, "gpr", .flags = GWT_FIELD_HEX, .doc = "integer registers"),
  GWT_HOST_ROW (hart, x_sink, "takes writes to x0, never read"),
  GWT_STATE_ROW (hart, pc, "pc", .flags = GWT_FIELD_HEX, .doc = "program counter"),
  GWT_STATE_ARRAY (hart, f, "fpr", .flags = GWT_FIELD_HEX,
                   .doc = "floating-point registers, NaN-boxed"),
  GWT_STATE_ROW (hart, frm, "frm", .max = 7, .doc = "fcsr: dynamic rounding mode"),
  GWT_STATE_ROW (hart, fflags, "fflags", .max = 31, .doc = "fcsr: accrued exceptions"),
  GWT_STATE_ROW (hart, priv, "priv", .max = 3, .doc = "privilege: 0 user, 1 supervisor, 3 machine"),
  GWT_STATE_ROW (hart, waiting, "waiting", .max = 1, .doc = "1 while in WFI"),
  HOST_RANGE (fp_saved, kick, "the host's floating-point unit, set up at each run; padding"),
  HOST_RANGE (
      kick, instret,
      "decoded code and translations, made again from the state; a reservation may be lost"),
  GWT_STATE_ROW (hart, instret, "instret", .doc = "instructions retired since reset"),
  GWT_STATE_ROW (hart, minstret_offset, "minstret-offset",
                 .doc = "minstret less instret, or minstret itself while inhibited"),
  GWT_STATE_ROW (hart, mcycle_offset, "mcycle-offset",
                 .doc = "mcycle less instret, or mcycle itself while inhibited"),
  CSR (mcountinhibit, "counters that stand still"),
  CSR (mcounteren, "counters that S and U mode may read"),
  CSR (scounteren, "counters that U mode may read"),
  CSR (mstatus, "machine status without constant and computed fields"),
  GWT_HOST_ROW (hart, misa, "follows from the properties"),
  CSR (medeleg, "exceptions that S mode takes"),
  CSR (mideleg, "interrupts that S mode takes"),
  CSR (mtvec, "machine trap vector"),
  CSR (mepc, "machine exception pc"),
  CSR (mcause, "machine cause"),
  CSR (mtval, "machine trap value"),
  CSR (mscratch, "machine scratch"),
  CSR (stvec, "supervisor trap vector"),
  CSR (sepc, "supervisor exception pc"),
  CSR (scause, "supervisor cause"),
  CSR (stval, "supervisor trap value"),
  CSR (sscratch, "supervisor scratch"),
  CSR (satp, "address translation"),
  CSR (menvcfg, "environment configuration for S and U mode"),
  CSR (senvcfg, "environment configuration for U mode"),
  CSR (stimecmp, "supervisor timer compare"),
  CSR (mie, "interrupt enables"),
  GWT_STATE_ROW (hart, mip_lines, "mip-lines", .flags = GWT_FIELD_HEX,
                 .doc = "pending bits that input lines and stimecmp drive"),
  GWT_STATE_ROW (hart, mip_soft, "mip-soft", .flags = GWT_FIELD_HEX,
                 .doc = "pending bits that software wrote"),
  CSR (miselect, "register that mireg shows"),
  CSR (siselect, "register that sireg shows"),
  CSR (mvien, "virtual interrupts that S mode sees"),
  CSR (mvip, "virtual interrupts that are pending and have no bit in mip"),
  GWT_STATE_ROW (hart, sie_virtual, "sie-virtual", .flags = GWT_FIELD_HEX,
                 .doc = "bits of sie that have none in mie"),
  GWT_STATE_ARRAY (hart, miprio, "miprio", .doc = "priorities of interrupts taken in M mode"),
  GWT_STATE_ARRAY (hart, siprio, "siprio", .doc = "priorities of interrupts taken in S mode"),
  GWT_STATE_ARRAY (hart, pmpaddr, "pmpaddr", .flags = GWT_FIELD_HEX, .doc = "PMP addresses"),
  GWT_STATE_ARRAY (hart, pmpcfg, "pmpcfg", .flags = GWT_FIELD_HEX, .doc = "PMP configurations"),

  GWT_PROP_ROW (hart, hart_id, "hart-id", .doc = "mhartid"),
  GWT_PROP_ROW (hart, reset_vector, "reset-vector", .def = 0x1000, .flags = GWT_FIELD_HEX,
                .doc = "where the hart starts"),
  GWT_PROP_ROW (hart, mvendorid, "mvendorid", .max = UINT32_MAX, .flags = GWT_FIELD_HEX,
                .doc = "JEDEC id of the vendor, 0: not a commercial implementation"),
  GWT_PROP_ROW (hart, marchid, "marchid", .flags = GWT_FIELD_HEX, .doc = "architecture id"),
  GWT_PROP_ROW (hart, mimpid, "mimpid", .flags = GWT_FIELD_HEX, .doc = "implementation id"),
  GWT_PROP_ROW (hart, mmu, "mmu", .values = "sv39|sv48|sv57|none", .def_text = "sv57",
                .doc = "largest translation mode; it offers the smaller ones too"),
  GWT_PROP_ROW (hart, pmp_regions, "pmp-regions", .def = RV_PMP_MAX, .max = RV_PMP_MAX,
                .doc = "PMP entries that can be used"),
  EXT (ext_m, "m", 1, "multiplication and division"),
  EXT (ext_a, "a", 1, "atomics"),
  EXT (ext_f, "f", 1, "single-precision floating point"),
  EXT (ext_d, "d", 1, "double-precision floating point; needs f"),
  EXT (ext_c, "c", 1, "compressed instructions"),
  EXT (ext_zba, "zba", 1, "address generation"),
  EXT (ext_zbb, "zbb", 1, "basic bit manipulation"),
  EXT (ext_zbc, "zbc", 1, "carry-less multiplication"),
  EXT (ext_zbs, "zbs", 1, "single bits"),
  EXT (ext_zicbom, "zicbom", 1, "cache block management"),
  EXT (ext_zicboz, "zicboz", 1, "cache block zero"),
  EXT (ext_zicntr, "zicntr", 1, "cycle, time and instret for S and U mode"),
  EXT (ext_zihpm, "zihpm", 1, "hpmcounter3 to 31 for S and U mode; they read 0"),
  EXT (ext_sstc, "sstc", 1, "supervisor timer compare; needs s"),
  EXT (ext_svinval, "svinval", 1, "finer invalidation of translations; needs s"),
  EXT (ext_svadu, "svadu", 1, "hardware sets A and D in page tables; off: they fault; needs s"),
  EXT (ext_s, "s", 1, "supervisor mode; needs u"),
  EXT (ext_u, "u", 1, "user mode"),
  EXT (ext_zifencei, "zifencei", 1, "fence.i"),
  EXT (ext_zicbop, "zicbop", 1, "cache block prefetch hints"),
  EXT (pmp, "pmp", 1, "physical memory protection; off is pmp-regions=0"),
  EXT (ext_smaia, "smaia", 0, "advanced interrupt architecture"),
  EXT (ext_ssaia, "ssaia", 0, "the same for supervisor mode; needs s and smaia"),
  GWT_HOST_ROW (hart, pad_3, "padding"),

  GWT_HOST_ROW (hart, device, "handle"),
  GWT_HOST_ROW (hart, run, "shared with the core, handed over by attach"),
  GWT_HOST_ROW (hart, time, "set by the platform's timer when it is realized"),
  GWT_HOST_ROW (hart, stimer, "armed again from stimecmp"),
  GWT_HOST_ROW (hart, stimer_lock, "free whenever no thread is inside"),
  GWT_HOST_ROW (hart, m_imsic, "set by the IMSIC when it is realized"),
  GWT_HOST_ROW (hart, s_imsic, "set by the IMSIC when it is realized"),
  HOST_RANGE (aia_old, pmp_count, "used within one instruction; padding"),
  GWT_HOST_ROW (hart, pmp_count, "follows from pmpcfg and pmpaddr"),
  GWT_HOST_ROW (hart, pmp_range, "follows from pmpcfg and pmpaddr"),
};

/* ---- interrupts ---- */

static void
set_input (void *self, uint32_t line, uint32_t level)
{
  struct rv_hart *h = self;
  uint64_t bit = RV_BIT (line) & (RV_MIP_M | RV_MIP_S);

  if (bit == 0)
    return;
  if (!level)
    {
      atomic_fetch_and (&h->mip_lines, ~bit);
      return;
    }
  /* Software clears SSIP itself, so its line counts as a pulse (as an SSWI device sends). */
  if (bit == RV_MIP_SSIP)
    atomic_fetch_or (&h->mip_soft, bit);
  else if (atomic_fetch_or (&h->mip_lines, bit) & bit)
    return;
  rv_kick (h);
  rv_vcpu->wake (h->device);
}

/* ---- life ---- */

static int
init (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct rv_hart *h = self;

  h->device = device;
  pthread_mutex_init (&h->stimer_lock, NULL);
  return 0;
}

/* What a property needs of others; the first row that does not hold is the error. */
static int
check_properties (struct rv_hart *h, struct gwt_error *err)
{
  const struct
  {
    bool is, has;
    const char *name, *needs;
  } rules[] = {
    { h->ext_d, h->ext_f, "d", "f" },         { h->ext_s, h->ext_u, "s", "u" },
    { h->ext_sstc, h->ext_s, "sstc", "s" },   { h->ext_svinval, h->ext_s, "svinval", "s" },
    { h->ext_svadu, h->ext_s, "svadu", "s" }, { h->ext_ssaia, h->ext_s, "ssaia", "s" },
    { h->ext_ssaia, h->ext_smaia, "ssaia", "smaia" },
  };
  unsigned i;

  for (i = 0; i < GWT_COUNT (rules); i++)
    if (rules[i].is && !rules[i].has)
      {
        rv_host->error_set (err, GWT_E_INVALID, "%s=on needs %s=on; set %s=off as well",
                            rules[i].name, rules[i].needs, rules[i].name);
        return -1;
      }
  if (h->mmu != RV_MMU_NONE && !h->ext_s)
    {
      rv_host->error_set (err, GWT_E_INVALID, "mmu needs s=on, which is off; set mmu=none as well");
      return -1;
    }
  if (!h->pmp)
    h->pmp_regions = 0;
  return 0;
}

static int
realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct rv_hart *h = self;

  if (check_properties (h, err) != 0)
    return -1;
  h->misa = rv_misa (h);
  if (irq->inputs (device, "irq", IRQ_INPUTS, set_input, err) != 0)
    return -1;
  h->stimer = rv_clock->timer_new (device, GWT_CLOCK_VIRTUAL, rv_stimer_fired, h, err);
  if (h->stimer == NULL)
    return -1;
  if (rv_accel_new (h) != 0)
    {
      rv_host->error_set (err, GWT_E_NO_MEMORY, "no memory for the cache of decoded code");
      return -1;
    }
  return 0;
}

static void
unrealize (void *self)
{
  rv_accel_free (self);
}

static void
reset (void *self, uint32_t kind)
{
  struct rv_hart *h = self;

  memset (h->x, 0, sizeof h->x);
  memset (h->f, 0, sizeof h->f);
  h->pc = h->reset_vector;
  h->frm = h->fflags = 0;
  h->priv = RV_M;
  h->waiting = 0;
  h->instret = h->minstret_offset = h->mcycle_offset = 0;
  h->mcountinhibit = h->mcounteren = h->scounteren = 0;
  h->mstatus = h->ext_u ? 0 : RV_MSTATUS_MPP;
  h->medeleg = h->mideleg = 0;
  h->mtvec = h->mepc = h->mcause = h->mtval = h->mscratch = 0;
  h->stvec = h->sepc = h->scause = h->stval = h->sscratch = 0;
  h->satp = 0;
  h->menvcfg = rv_menvcfg_reset (h);
  h->senvcfg = 0;
  h->stimecmp = UINT64_MAX;
  h->mie = 0;
  rv_aia_reset (h);
  atomic_store (&h->mip_soft, 0);
  memset (h->pmpaddr, 0, sizeof h->pmpaddr);
  memset (h->pmpcfg, 0, sizeof h->pmpcfg);
  rv_pmp_update (h);
  rv_stimer_update (h);
  rv_accel_reset (h);
}

/* ---- gwt.cpu/1 ---- */

static void
attach (void *self, struct gwt_cpu_run *run)
{
  ((struct rv_hart *) self)->run = run;
}

static uint32_t
run (void *self)
{
  return rv_run (self);
}

static void
kick (void *self)
{
  rv_kick (self);
}

static uint32_t
has_work (void *self)
{
  return rv_has_work (self);
}

static void
memory_changed (void *self, uint32_t change)
{
  if (change == GWT_CHANGE_DIRTY)
    rv_tlb_flush_stores (self);
  else
    rv_accel_reset (self);
}

static int
translate (void *self, uint64_t address, uint64_t *physical)
{
  return rv_debug_translate (self, address, physical) ? 0 : -1;
}

static const struct gwt_cpu_ops cpu_ops = {
  .struct_size = sizeof cpu_ops,
  .attach = attach,
  .run = run,
  .kick = kick,
  .has_work = has_work,
  .memory_changed = memory_changed,
  .regs = rv_regs,
  .reg_get = rv_reg_get,
  .reg_set = rv_reg_set,
  .translate = translate,
};

/* ---- gwt.riscv-hart/1 ---- */

static uint64_t
hart_id (void *self)
{
  return ((struct rv_hart *) self)->hart_id;
}

static void
set_time (void *self, const struct gwt_riscv_time *time)
{
  struct rv_hart *h = self;

  h->time = time;
  rv_stimer_update (h);
}

static void
time_changed (void *self)
{
  rv_stimer_update (self);
}

static const struct gwt_riscv_hart_ops hart_ops = {
  .struct_size = sizeof hart_ops,
  .hart_id = hart_id,
  .set_time = set_time,
  .time_changed = time_changed,
  .set_imsic = rv_aia_set_imsic,
};

/* ---- the plugin ---- */

static const struct gwt_interface interfaces[] = {
  { GWT_CPU_INTERFACE, &cpu_ops },
  { GWT_RISCV_HART_INTERFACE, &hart_ops },
};

static const struct gwt_device_type type = {
  .struct_size = sizeof type,
  .name = "rv64-cpu",
  .doc = "RISC-V hart: RV64GC with M, S and U mode",
  .threads = GWT_THREADS_PARALLEL,
  .instance_size = sizeof (struct rv_hart),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .interfaces = interfaces,
  .interface_size = sizeof interfaces[0],
  .n_interfaces = GWT_COUNT (interfaces),
  .methods = rv_methods,
  .method_size = sizeof (struct gwt_method),
  .n_methods = RV_METHODS,
  .fdt_name = "cpu",
  .init = init,
  .realize = realize,
  .unrealize = unrealize,
  .reset = reset,
  .describe = rv_describe,
  .states = rv_states,
};

static int
start (const struct gwt_host *host, struct gwt_error *err)
{
  rv_vcpu = host->extension (GWT_VCPU_EXT);
  rv_clock = host->extension (GWT_CLOCK_EXT);
  rv_fdt = host->extension (GWT_FDT_EXT);
  irq = host->extension (GWT_IRQ_EXT);
  rv_fp_init ();
  return 0;
}

static const char *const required[]
    = { GWT_VCPU_EXT, GWT_CLOCK_EXT, GWT_IRQ_EXT, GWT_FDT_EXT, NULL };
static const struct gwt_device_type *const types[] = { &type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = 0,
  .id = "rv64-cpu",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "RISC-V CPU: RV64GC with M, S and U mode, Sv39 to Sv57, PMP",
  .required = required,
  .types = types,
  .start = start,
};

GWT_PLUGIN_DEFINE ("rv64-cpu", GODWIT_PLUGIN_VERSION, "rv64-cpu", plugin, rv_host)
