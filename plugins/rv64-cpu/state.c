/* SPDX-License-Identifier: BSD-2-Clause */
/* A hart on the wire: the sections `cpu_common` and `cpu` of QEMU's riscv64, version 10 of the
 * latter, name by name.
 *
 * Owns: their layout, and what of it this hart keeps in another shape.  What that layout has no
 * place for is in subsections of our own, which are sent only where there is something in them.
 * Must not know: what may be in a register; csr.c judges that, before anything is written.
 */
#include <string.h>

#include "arch.h"
#include "fp.h"

/* The layout's version of the privileged architecture: 0 is 1.10, 1 is 1.11, 2 is 1.12. */
#define PRIV_VERSION 2
#define MXL_64 2
#define MISA_EXTENSIONS 0x3ffffff
#define COUNTER_CYCLE 0
#define COUNTER_INSTRET 2
#define INTERRUPT_HARD 2 /* of interrupt_request */

static int
refuse (struct gwt_error *err, const char *name, uint64_t value, const char *why)
{
  rv_host->error_set (err, GWT_E_INVALID, "%s: 0x%llx %s", name, (unsigned long long) value, why);
  return -1;
}

/* ---- cpu_common ---- */

struct common_wire
{
  struct rv_hart *parent;
  uint32_t halted, interrupt_request;
};

static int
common_pre_save (void *self, struct gwt_error *err)
{
  struct common_wire *w = self;

  (void) err;
  w->halted = w->parent->waiting;
  w->interrupt_request = rv_pending (w->parent) != 0 ? INTERRUPT_HARD : 0;
  return 0;
}

static int
common_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct common_wire *w = self;

  (void) version;
  (void) err;
  /* interrupt_request follows from what is pending. */
  w->parent->waiting = (uint8_t) w->halted;
  return 0;
}

static const struct gwt_vm_field common_wire_fields[] = {
  GWT_VM_VALUE (struct common_wire, halted, .max = 1),
  GWT_VM_VALUE (struct common_wire, interrupt_request),
};
static const struct gwt_vmstate common_wire
    = GWT_VMSTATE (struct common_wire, "fields of cpu_common", 1, 1, common_wire_fields,
                   .pre_save = common_pre_save, .post_load = common_post_load);
static const struct gwt_vm_field common_fields[]
    = { GWT_VM_AS (struct rv_hart, struct common_wire, &common_wire),
        GWT_VM_COMPUTED (struct rv_hart, waiting) };

/* Both sections end so: whichever of them came last, the hart looks at its state anew. */
static void
loaded (void *self, uint32_t version)
{
  struct rv_hart *h = self;

  (void) version;
  rv_kick (h);
  rv_vcpu->wake (h->device);
}

static const struct gwt_vmstate common
    = GWT_VMSTATE (struct rv_hart, "cpu_common", 1, 1, common_fields, .loaded = loaded);

/* ---- cpu ---- */

struct counter_wire
{
  uint64_t mhpmcounter_val, mhpmcounterh_val; /* what the guest reads */
  uint64_t mhpmcounter_prev, mhpmcounterh_prev; /* at which count of the host's side */
};

struct cpu_wire
{
  struct rv_hart *parent;
  struct
  {
    uint64_t gpr[32], fpr[32];
    uint8_t miprio[64], siprio[64];
    uint64_t pc, load_res, load_val, frm, badaddr, guest_phys_fault_addr, priv_ver, vext_ver;
    uint32_t misa_mxl, misa_ext, misa_ext_mask;
    uint64_t priv;
    bool virt_enabled;
    uint64_t resetvec, mhartid, mstatus, mip, miclaim, mie, mvien, mvip, sie, mideleg, satp, stval;
    uint64_t medeleg, stvec, sepc, scause, mtvec, mepc, mcause, mtval, miselect, siselect;
    uint32_t scounteren, mcounteren, scountinhibit, mcountinhibit;
    struct counter_wire pmu_ctrs[32];
    uint64_t mhpmevent_val[32], mhpmeventh_val[32];
    uint64_t sscratch, mscratch, stimecmp;
  } env;
};

/* Members that are the same in both; X (theirs, ours). */
#define SAME(X)                                                                                    \
  X (pc, pc)                                                                                       \
  X (mie, mie)                                                                                     \
  X (mvien, mvien)                                                                                 \
  X (mvip, mvip)                                                                                   \
  X (sie, sie_virtual)                                                                             \
  X (mideleg, mideleg)                                                                             \
  X (satp, satp)                                                                                   \
  X (stval, stval)                                                                                 \
  X (medeleg, medeleg)                                                                             \
  X (stvec, stvec)                                                                                 \
  X (sepc, sepc)                                                                                   \
  X (scause, scause)                                                                               \
  X (mtvec, mtvec)                                                                                 \
  X (mepc, mepc)                                                                                   \
  X (mcause, mcause)                                                                               \
  X (mtval, mtval)                                                                                 \
  X (miselect, miselect)                                                                           \
  X (siselect, siselect)                                                                           \
  X (sscratch, sscratch)                                                                           \
  X (mscratch, mscratch)                                                                           \
  X (stimecmp, stimecmp)

/* What mip alone says of lines and bits that software wrote: SSIP is never a line. */
static void
split_mip (uint64_t mip, uint64_t *lines, uint64_t *soft)
{
  *lines = mip & ~RV_MIP_SSIP;
  *soft = mip & RV_MIP_SSIP;
}

static void
save_counter (struct counter_wire *w, const struct rv_hart *h, uint64_t offset, uint64_t inhibit)
{
  w->mhpmcounter_val = h->mcountinhibit & inhibit ? offset : h->instret + offset;
  w->mhpmcounter_prev = h->instret;
}

static uint64_t
load_counter (const struct counter_wire *w, const struct rv_hart *h, uint64_t inhibit)
{
  return h->mcountinhibit & inhibit ? w->mhpmcounter_val : w->mhpmcounter_val - h->instret;
}

static int
cpu_pre_save (void *self, struct gwt_error *err)
{
  struct cpu_wire *w = self;
  struct rv_hart *h = w->parent;

  (void) err;
  /* A reservation does not travel: an SC may fail at any time (unprivileged manual, Zalrsc).  It is
     dropped at this end too, should the guest go on here: both then do the same. */
  h->res_host = NULL;
#define SAVE(THEIRS, OURS) w->env.THEIRS = h->OURS;
  SAME (SAVE)
  memcpy (w->env.gpr, h->x, sizeof w->env.gpr);
  memcpy (w->env.fpr, h->f, sizeof w->env.fpr);
  memcpy (w->env.miprio, h->miprio, sizeof w->env.miprio);
  memcpy (w->env.siprio, h->siprio, sizeof w->env.siprio);
  w->env.load_res = UINT64_MAX; /* none */
  w->env.frm = h->frm;
  w->env.priv_ver = PRIV_VERSION;
  w->env.misa_mxl = MXL_64;
  w->env.misa_ext = w->env.misa_ext_mask = (uint32_t) (rv_misa (h) & MISA_EXTENSIONS);
  w->env.priv = h->priv;
  w->env.resetvec = h->reset_vector;
  w->env.mhartid = h->hart_id;
  w->env.mstatus = rv_mstatus (h) & ~RV_MSTATUS_SD;
  w->env.mip = rv_pending (h);
  w->env.scounteren = (uint32_t) h->scounteren;
  w->env.mcounteren = (uint32_t) h->mcounteren;
  w->env.mcountinhibit = (uint32_t) h->mcountinhibit;
  save_counter (&w->env.pmu_ctrs[COUNTER_CYCLE], h, h->mcycle_offset, RV_COUNTEREN_CY);
  save_counter (&w->env.pmu_ctrs[COUNTER_INSTRET], h, h->minstret_offset, RV_COUNTEREN_IR);
  return 0;
}

/* What the layout has and this hart has not is zero, or state would be lost here. */
static int
check_absent (const struct cpu_wire *w, struct gwt_error *err)
{
  static const struct counter_wire none;
  unsigned i;

  if (w->env.virt_enabled)
    return refuse (err, "env.virt_enabled", 1, "needs the hypervisor extension");
  if (w->env.scountinhibit != 0)
    return refuse (err, "env.scountinhibit", w->env.scountinhibit, "needs Smcdeleg");
  for (i = 0; i < 32; i++)
    if ((i != COUNTER_CYCLE && i != COUNTER_INSTRET
         && memcmp (&w->env.pmu_ctrs[i], &none, sizeof none) != 0)
        || w->env.pmu_ctrs[i].mhpmcounterh_val != 0 || w->env.pmu_ctrs[i].mhpmcounterh_prev != 0
        || w->env.mhpmevent_val[i] != 0 || w->env.mhpmeventh_val[i] != 0)
      return refuse (err, "env.pmu_ctrs", i, "is a counter that counts nothing here");
  if (w->env.pmu_ctrs[COUNTER_CYCLE].mhpmcounter_prev
      != w->env.pmu_ctrs[COUNTER_INSTRET].mhpmcounter_prev)
    return refuse (err, "env.pmu_ctrs", w->env.pmu_ctrs[COUNTER_CYCLE].mhpmcounter_prev,
                   "instructions are not as many as instret says");
  return 0;
}

/* The hart is the same one: for properties that differ, neither end can make up. */
static int
check_identity (const struct cpu_wire *w, struct gwt_error *err)
{
  static const char why[] = "is not what it must be here; start both ends with the same CPU";
  const struct rv_hart *h = w->parent;
  uint32_t extensions = (uint32_t) (rv_misa (h) & MISA_EXTENSIONS);

  if (w->env.misa_mxl != MXL_64)
    return refuse (err, "env.misa_mxl", w->env.misa_mxl, why);
  if (w->env.misa_ext != extensions)
    return refuse (err, "env.misa_ext", w->env.misa_ext, why);
  if (w->env.misa_ext_mask != extensions)
    return refuse (err, "env.misa_ext_mask", w->env.misa_ext_mask, why);
  if (w->env.priv_ver != PRIV_VERSION)
    return refuse (err, "env.priv_ver", w->env.priv_ver, why);
  if (w->env.resetvec != h->reset_vector)
    return refuse (err, "env.resetvec", w->env.resetvec, why);
  if (w->env.mhartid != h->hart_id)
    return refuse (err, "env.mhartid", w->env.mhartid, why);
  return 0;
}

static int
cpu_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct cpu_wire *w = self;
  struct rv_hart *h = w->parent;
  uint64_t lines, soft, constant = (rv_mstatus (h) & ~RV_MSTATUS_SD) & ~h->mstatus;

  (void) version;
  if (check_identity (w, err) != 0 || check_absent (w, err) != 0)
    return -1;
  if (w->env.gpr[0] != 0)
    return refuse (err, "env.gpr", w->env.gpr[0], "is in x0");
  if ((w->env.mstatus & (RV_MSTATUS_UXL | RV_MSTATUS_SXL)) != constant)
    return refuse (err, "env.mstatus", w->env.mstatus, "has another register width");
  /* Ignored: load_res and load_val, badaddr, guest_phys_fault_addr
     (of use within an instruction), vext_ver (there are no vectors) and miclaim. */
#define LOAD(THEIRS, OURS) h->OURS = w->env.THEIRS;
  SAME (LOAD)
  memcpy (h->x, w->env.gpr, sizeof w->env.gpr);
  memcpy (h->f, w->env.fpr, sizeof w->env.fpr);
  memcpy (h->miprio, w->env.miprio, sizeof w->env.miprio);
  memcpy (h->siprio, w->env.siprio, sizeof w->env.siprio);
  h->frm = (uint8_t) w->env.frm;
  h->priv = (uint8_t) w->env.priv;
  h->mstatus = w->env.mstatus & ~(RV_MSTATUS_UXL | RV_MSTATUS_SXL);
  split_mip (w->env.mip, &lines, &soft);
  atomic_store (&h->mip_lines, lines);
  atomic_store (&h->mip_soft, soft);
  h->scounteren = w->env.scounteren;
  h->mcounteren = w->env.mcounteren;
  h->mcountinhibit = w->env.mcountinhibit;
  h->instret = w->env.pmu_ctrs[COUNTER_INSTRET].mhpmcounter_prev;
  h->mcycle_offset = load_counter (&w->env.pmu_ctrs[COUNTER_CYCLE], h, RV_COUNTEREN_CY);
  h->minstret_offset = load_counter (&w->env.pmu_ctrs[COUNTER_INSTRET], h, RV_COUNTEREN_IR);
  return 0;
}

#define W(MEMBER, ...) GWT_VM_VALUE (struct cpu_wire, env.MEMBER, __VA_ARGS__)
#define W_ARRAY(MEMBER) GWT_VM_ARRAY (struct cpu_wire, env.MEMBER)

static const struct gwt_vm_field counter_fields[] = {
  GWT_VM_VALUE (struct counter_wire, mhpmcounter_val),
  GWT_VM_VALUE (struct counter_wire, mhpmcounterh_val),
  GWT_VM_VALUE (struct counter_wire, mhpmcounter_prev),
  GWT_VM_VALUE (struct counter_wire, mhpmcounterh_prev),
};
static const struct gwt_vmstate counter
    = GWT_VMSTATE (struct counter_wire, "cpu/pmu", 2, 2, counter_fields);

static const struct gwt_vm_field cpu_wire_fields[] = {
  W_ARRAY (gpr),
  W_ARRAY (fpr),
  W_ARRAY (miprio),
  W_ARRAY (siprio),
  W (pc),
  W (load_res),
  W (load_val),
  W (frm, .max = 7),
  W (badaddr),
  W (guest_phys_fault_addr),
  W (priv_ver),
  W (vext_ver),
  W (misa_mxl),
  W (misa_ext),
  GWT_VM_NOTHING (4),
  W (misa_ext_mask),
  W (priv, .max = RV_M),
  W (virt_enabled),
  W (resetvec),
  W (mhartid),
  W (mstatus),
  W (mip),
  W (miclaim),
  W (mie),
  W (mvien),
  W (mvip),
  W (sie),
  W (mideleg),
  W (satp),
  W (stval),
  W (medeleg),
  W (stvec),
  W (sepc),
  W (scause),
  W (mtvec),
  W (mepc),
  W (mcause),
  W (mtval),
  W (miselect),
  W (siselect),
  W (scounteren),
  W (mcounteren),
  W (scountinhibit),
  W (mcountinhibit),
  GWT_VM_NESTED_ARRAY (struct cpu_wire, env.pmu_ctrs, struct counter_wire, &counter),
  W_ARRAY (mhpmevent_val),
  W_ARRAY (mhpmeventh_val),
  W (sscratch),
  W (mscratch),
  W (stimecmp),
};
static const struct gwt_vmstate cpu_wire
    = GWT_VMSTATE (struct cpu_wire, "fields of cpu", 1, 1, cpu_wire_fields,
                   .pre_save = cpu_pre_save, .post_load = cpu_post_load);

/* ---- cpu/pmp ---- */

#define PMP_ENTRIES 16
_Static_assert (PMP_ENTRIES == RV_PMP_MAX, "all entries are in the layout, and no others");

struct pmp_entry_wire
{
  uint64_t addr_reg;
  uint8_t cfg_reg;
};

struct pmp_wire
{
  struct rv_hart *parent;
  struct
  {
    struct
    {
      struct pmp_entry_wire pmp[PMP_ENTRIES];
    } pmp_state;
  } env;
};

static int
pmp_pre_save (void *self, struct gwt_error *err)
{
  struct pmp_wire *w = self;
  unsigned i;

  (void) err;
  for (i = 0; i < PMP_ENTRIES; i++)
    {
      w->env.pmp_state.pmp[i].addr_reg = w->parent->pmpaddr[i];
      w->env.pmp_state.pmp[i].cfg_reg = w->parent->pmpcfg[i];
    }
  return 0;
}

static int
pmp_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct pmp_wire *w = self;
  unsigned i;

  (void) version;
  (void) err;
  for (i = 0; i < PMP_ENTRIES; i++)
    {
      w->parent->pmpaddr[i] = w->env.pmp_state.pmp[i].addr_reg;
      w->parent->pmpcfg[i] = w->env.pmp_state.pmp[i].cfg_reg;
    }
  return 0;
}

static uint32_t
pmp_needed (const void *self)
{
  return ((const struct rv_hart *) self)->pmp;
}

static const struct gwt_vm_field pmp_entry_fields[] = {
  GWT_VM_VALUE (struct pmp_entry_wire, addr_reg),
  GWT_VM_VALUE (struct pmp_entry_wire, cfg_reg),
};
static const struct gwt_vmstate pmp_entry
    = GWT_VMSTATE (struct pmp_entry_wire, "cpu/pmp/entry", 1, 1, pmp_entry_fields);
static const struct gwt_vm_field pmp_wire_fields[] = { GWT_VM_NESTED_ARRAY (
    struct pmp_wire, env.pmp_state.pmp, struct pmp_entry_wire, &pmp_entry) };
static const struct gwt_vmstate pmp_wire
    = GWT_VMSTATE (struct pmp_wire, "fields of cpu/pmp", 1, 1, pmp_wire_fields,
                   .pre_save = pmp_pre_save, .post_load = pmp_post_load);
static const struct gwt_vm_field pmp_fields[]
    = { GWT_VM_AS (struct rv_hart, struct pmp_wire, &pmp_wire),
        GWT_VM_COMPUTED (struct rv_hart, pmpaddr), GWT_VM_COMPUTED (struct rv_hart, pmpcfg) };
static const struct gwt_vmstate pmp
    = GWT_VMSTATE (struct rv_hart, "cpu/pmp", 1, 1, pmp_fields, .needed = pmp_needed);

/* ---- cpu/envcfg ---- */

struct envcfg_wire
{
  struct rv_hart *parent;
  struct
  {
    uint64_t menvcfg, senvcfg, henvcfg;
  } env;
};

static int
envcfg_pre_save (void *self, struct gwt_error *err)
{
  struct envcfg_wire *w = self;

  (void) err;
  w->env.menvcfg = w->parent->menvcfg;
  w->env.senvcfg = w->parent->senvcfg;
  return 0;
}

static int
envcfg_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct envcfg_wire *w = self;

  (void) version;
  if (w->env.henvcfg != 0)
    return refuse (err, "env.henvcfg", w->env.henvcfg, "needs the hypervisor extension");
  w->parent->menvcfg = w->env.menvcfg;
  w->parent->senvcfg = w->env.senvcfg;
  return 0;
}

static const struct gwt_vm_field envcfg_wire_fields[] = {
  GWT_VM_VALUE (struct envcfg_wire, env.menvcfg),
  GWT_VM_VALUE (struct envcfg_wire, env.senvcfg),
  GWT_VM_VALUE (struct envcfg_wire, env.henvcfg),
};
static const struct gwt_vmstate envcfg_wire
    = GWT_VMSTATE (struct envcfg_wire, "fields of cpu/envcfg", 1, 1, envcfg_wire_fields,
                   .pre_save = envcfg_pre_save, .post_load = envcfg_post_load);
static const struct gwt_vm_field envcfg_fields[]
    = { GWT_VM_AS (struct rv_hart, struct envcfg_wire, &envcfg_wire),
        GWT_VM_COMPUTED (struct rv_hart, menvcfg), GWT_VM_COMPUTED (struct rv_hart, senvcfg) };
static const struct gwt_vmstate envcfg
    = GWT_VMSTATE (struct rv_hart, "cpu/envcfg", 1, 1, envcfg_fields);

/* ---- cpu/timer ---- */

/* When STIP will be raised: follows from stimecmp, and is set anew after the load. */
struct timer_wire
{
  struct rv_hart *parent;
  struct
  {
    struct gwt_timer *stimer, *vstimer;
  } env;
};

static int
timer_prepare (void *self, struct gwt_error *err)
{
  struct timer_wire *w = self;

  (void) err;
  w->env.stimer = w->parent->stimer;
  return 0;
}

static uint32_t
timer_needed (const void *self)
{
  return ((const struct rv_hart *) self)->ext_sstc;
}

static const struct gwt_vm_field timer_wire_fields[]
    = { GWT_VM_TIMED (struct timer_wire, env.stimer),
        GWT_VM_TIMED (struct timer_wire, env.vstimer) };
static const struct gwt_vmstate timer_wire
    = GWT_VMSTATE (struct timer_wire, "fields of cpu/timer", 1, 1, timer_wire_fields,
                   .pre_save = timer_prepare, .pre_load = timer_prepare);
static const struct gwt_vm_field timer_fields[]
    = { GWT_VM_AS (struct rv_hart, struct timer_wire, &timer_wire) };
static const struct gwt_vmstate timer
    = GWT_VMSTATE (struct rv_hart, "cpu/timer", 1, 1, timer_fields, .needed = timer_needed);

/* ---- what that layout has no place for ---- */

static uint32_t
fflags_needed (const void *self)
{
  return ((const struct rv_hart *) self)->fflags != 0;
}

static const struct gwt_vm_field fflags_fields[]
    = { GWT_VM_VALUE (struct rv_hart, fflags, .max = 31) };
static const struct gwt_vmstate fflags
    = GWT_VMSTATE (struct rv_hart, "cpu/fflags", 1, 1, fflags_fields, .needed = fflags_needed);

/* Which bits of mip are lines, and which were written; and writable ones that mip does not show. */
static uint32_t
interrupts_needed (const void *self)
{
  const struct rv_hart *h = self;
  uint64_t lines, soft;

  split_mip (rv_pending (h), &lines, &soft);
  return lines != atomic_load (&h->mip_lines) || soft != atomic_load (&h->mip_soft);
}

/* The macros know no _Atomic members: a field of the same kind at the same place. */
#define W_ATOMIC(MEMBER)                                                                           \
  { .name = #MEMBER, .form = GWT_VM_SCALAR, .wire = GWT_U64, .member = GWT_U64,                    \
    .offset = offsetof (struct rv_hart, MEMBER), .size = sizeof (uint64_t), .elems = 1 }
static const struct gwt_vm_field interrupts_fields[]
    = { W_ATOMIC (mip_lines), W_ATOMIC (mip_soft) };
static const struct gwt_vmstate interrupts
    = GWT_VMSTATE (struct rv_hart, "cpu/interrupts", 1, 1, interrupts_fields,
                   .needed = interrupts_needed);

/* ---- the whole ---- */

/* What a subsection that does not come leaves. */
static int
hart_pre_load (void *self, struct gwt_error *err)
{
  struct rv_hart *h = self;

  (void) err;
  h->fflags = 0;
  memset (h->pmpaddr, 0, sizeof h->pmpaddr);
  memset (h->pmpcfg, 0, sizeof h->pmpcfg);
  h->menvcfg = rv_menvcfg_reset (h);
  h->senvcfg = 0;
  return 0;
}

static int
hart_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  (void) version;
  return rv_csr_check (self, err) ? 0 : -1;
}

static void
hart_loaded (void *self, uint32_t version)
{
  struct rv_hart *h = self;

  rv_pmp_update (h);
  rv_accel_reset (h);
  rv_context_changed (h);
  rv_stimer_update (h);
  loaded (h, version);
}

#define COMPUTED(MEMBER) GWT_VM_COMPUTED (struct rv_hart, MEMBER)
#define COMPUTED_SAME(THEIRS, OURS) COMPUTED (OURS),
static const struct gwt_vm_field cpu_fields[] = {
  GWT_VM_AS (struct rv_hart, struct cpu_wire, &cpu_wire),
  SAME (COMPUTED_SAME)
  COMPUTED (x),
  COMPUTED (f),
  COMPUTED (frm),
  COMPUTED (priv),
  COMPUTED (miprio),
  COMPUTED (siprio),
  COMPUTED (mstatus),
  COMPUTED (mip_lines),
  COMPUTED (mip_soft),
  COMPUTED (scounteren),
  COMPUTED (mcounteren),
  COMPUTED (mcountinhibit),
  COMPUTED (instret),
  COMPUTED (minstret_offset),
  COMPUTED (mcycle_offset),
};
static const struct gwt_vmstate *const cpu_parts[]
    = { &pmp, &envcfg, &timer, &fflags, &interrupts, NULL };
static const struct gwt_vmstate cpu
    = GWT_VMSTATE (struct rv_hart, "cpu", 10, 10, cpu_fields, .subsections = cpu_parts,
                   .pre_load = hart_pre_load, .post_load = hart_post_load, .loaded = hart_loaded);

const struct gwt_vmstate *const rv_states[] = { &common, &cpu, NULL };
