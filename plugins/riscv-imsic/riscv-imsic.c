/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Incoming MSI controllers (RISC-V Advanced Interrupt Architecture 1.0, chapter 3): the interrupt
 * files of one privilege level, one for each hart, in pages one behind the other.
 *
 * Messages come on any thread while the hart reads, enables and claims through its CSRs, and
 * nobody waits for anybody.  The registers are atomics; whoever has changed one looks at the line
 * to the hart until it agrees with what the registers say then.  So the last of several that meet
 * leaves it right.
 *
 * It must not know who sends messages, nor what the hart does with its line.
 */
#include <godwit/godwit.h>

#include <stdbool.h>
#include <stdlib.h>

#define MAX_HARTS 512
#define MAX_IDS 2047
#define MAX_WORDS (MAX_HARTS * (MAX_IDS + 1) / 64)

#define PAGE 0x1000
#define SETEIPNUM_LE 0x0
#define SETEIPNUM_BE 0x4

/* Registers behind miselect and siselect (3.8). */
#define EIDELIVERY 0x70
#define EITHRESHOLD 0x72
#define EIP0 0x80
#define EIE0 0xc0
#define EIE63 0xff

static const struct gwt_host *host;
static const struct gwt_device_api *devices;
static const struct gwt_memory_api *memory;
static const struct gwt_irq_api *irq;
static const struct gwt_fdt_api *fdt_api;

struct riscv_imsic;

/* What a hart is handed. */
struct file
{
  struct gwt_riscv_imsic ops;
  struct riscv_imsic *imsic;
  struct gwt_device *hart;
  uint64_t index;
};

struct riscv_imsic
{
  uint32_t num_ids;
  uint32_t hartid_base;
  uint32_t num_harts;
  bool mmode;
  uint8_t warned;
  uint8_t pad[2];

  /* Found by realize. */
  uint32_t n_files;
  uint32_t n_words; /* of 64 identities, in each file */
  uint32_t n_eistate; /* identities of all files, the one that does not exist with them */
  uint32_t pad_2;

  uint32_t eidelivery[MAX_HARTS];
  uint32_t eithreshold[MAX_HARTS];
  uint64_t eip[MAX_WORDS]; /* file f, word w at f * n_words + w */
  uint64_t eie[MAX_WORDS];

  uint32_t *eistate; /* as it is sent; up to date only meanwhile */
  struct gwt_device *device;
  struct gwt_irq *line[MAX_HARTS];
  struct file file[MAX_HARTS];
};

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct riscv_imsic, num_ids, "num-ids", .def = 255, .min = 63, .max = MAX_IDS,
                .doc = "interrupt identities of a file: 63, 127, 191, ..., 2047"),
  GWT_PROP_ROW (struct riscv_imsic, hartid_base, "hartid-base", .max = UINT32_MAX,
                .doc = "number of the first hart served"),
  GWT_PROP_ROW (struct riscv_imsic, num_harts, "num-harts", .max = MAX_HARTS,
                .doc = "harts served; 0: all from hartid-base on"),
  GWT_PROP_ROW (struct riscv_imsic, mmode, "mmode",
                .doc = "the files of machine mode; off: those of supervisor mode"),
  GWT_HOST_ROW (struct riscv_imsic, warned, "whether the log has a line about the guest already"),
  GWT_HOST_ROW (struct riscv_imsic, pad, "padding"),
  GWT_HOST_ROW (struct riscv_imsic, n_files, "follows from num-harts and the machine"),
  GWT_HOST_ROW (struct riscv_imsic, n_words, "follows from num-ids"),
  GWT_HOST_ROW (struct riscv_imsic, n_eistate, "follows from both"),
  GWT_HOST_ROW (struct riscv_imsic, pad_2, "padding"),
  GWT_STATE_ARRAY (struct riscv_imsic, eidelivery, "eidelivery", .max = 1,
                   .doc = "delivery to the hart is on, per file"),
  GWT_STATE_ARRAY (struct riscv_imsic, eithreshold, "eithreshold", .max = MAX_IDS,
                   .doc = "identities from this one on are not signaled, 0: all are; per file"),
  GWT_STATE_ARRAY (struct riscv_imsic, eip, "eip", .flags = GWT_FIELD_HEX,
                   .doc = "pending bits, all words of file 0, then of 1, ..."),
  GWT_STATE_ARRAY (struct riscv_imsic, eie, "eie", .flags = GWT_FIELD_HEX,
                   .doc = "enable bits, likewise"),
  GWT_HOST_ROW (struct riscv_imsic, eistate, "eip and eie in the shape in which they are sent"),
  GWT_HOST_ROW (struct riscv_imsic, device, "handle of the host"),
  GWT_HOST_ROW (struct riscv_imsic, line, "handles of the host; levels follow from the registers"),
  GWT_HOST_ROW (struct riscv_imsic, file, "handles of the host"),
};

static void
warn_once (struct riscv_imsic *p, const char *what, uint64_t value)
{
  if (__atomic_exchange_n (&p->warned, 1, __ATOMIC_RELAXED))
    return;
  host->log (GWT_LOG_GUEST, "riscv-imsic: %s 0x%llx is ignored", what, (unsigned long long) value);
}

/* ---- a file ---------------------------------------------------------------------------------- */

static uint64_t *
word_of (struct riscv_imsic *p, uint64_t *array, uint64_t file, uint32_t word)
{
  return array + file * p->n_words + word;
}

/* Bits of word W that stand for an identity: not 0. */
static uint64_t
word_mask (uint32_t w)
{
  return w == 0 ? ~UINT64_C (1) : ~UINT64_C (0);
}

/* Lowest identity that is pending, enabled and below the threshold (3.9.2, 3.10); 0 for none. */
static uint32_t
file_top (struct riscv_imsic *p, uint64_t file)
{
  uint32_t limit = __atomic_load_n (&p->eithreshold[file], __ATOMIC_SEQ_CST), w;

  for (w = 0; w < p->n_words; w++)
    {
      uint64_t bits = __atomic_load_n (word_of (p, p->eip, file, w), __ATOMIC_SEQ_CST)
                      & __atomic_load_n (word_of (p, p->eie, file, w), __ATOMIC_SEQ_CST);

      if (bits != 0)
        {
          uint32_t id = w * 64 + (uint32_t) __builtin_ctzll (bits);

          return limit == 0 || id < limit ? id : 0;
        }
    }
  return 0;
}

static uint32_t
file_level (struct riscv_imsic *p, uint64_t file)
{
  return __atomic_load_n (&p->eidelivery[file], __ATOMIC_SEQ_CST) != 0 && file_top (p, file) != 0;
}

/* Each change of a register is followed by this.  A thread that comes with an old level looks
   again after it has set the line, and sees what happened meanwhile. */
static void
file_update (struct riscv_imsic *p, uint64_t file)
{
  uint32_t level;

  while ((level = file_level (p, file)) != irq->level (p->line[file]))
    irq->set (p->line[file], level);
}

static void
file_message (struct riscv_imsic *p, uint64_t file, uint32_t id)
{
  uint64_t bit = UINT64_C (1) << id % 64;

  if (id == 0 || id > p->num_ids)
    {
      warn_once (p, "a message for identity", id);
      return;
    }
  /* One that is pending already, or not enabled, changes nothing at the line: who enables it
     sees it pending. */
  if (!(__atomic_fetch_or (word_of (p, p->eip, file, id / 64), bit, __ATOMIC_SEQ_CST) & bit)
      && (__atomic_load_n (word_of (p, p->eie, file, id / 64), __ATOMIC_SEQ_CST) & bit))
    file_update (p, file);
}

/* ---- the hart's side ------------------------------------------------------------------------- */

/* The word of eip or eie that REG is, NULL for others and for what is not implemented. */
static uint64_t *
array_word (struct file *f, uint32_t reg, uint32_t *word)
{
  struct riscv_imsic *p = f->imsic;

  if (reg < EIP0 || reg > EIE63 || (reg & 1) != 0)
    return NULL;
  *word = (reg - (reg < EIE0 ? EIP0 : EIE0)) / 2;
  if (*word >= p->n_words)
    return NULL;
  return word_of (p, reg < EIE0 ? p->eip : p->eie, f->index, *word);
}

static uint64_t
hart_read (void *opaque, uint32_t reg)
{
  struct file *f = opaque;
  uint32_t w;
  uint64_t *word = array_word (f, reg, &w);

  if (word != NULL)
    return __atomic_load_n (word, __ATOMIC_SEQ_CST);
  if (reg == EIDELIVERY)
    return __atomic_load_n (&f->imsic->eidelivery[f->index], __ATOMIC_SEQ_CST);
  if (reg == EITHRESHOLD)
    return __atomic_load_n (&f->imsic->eithreshold[f->index], __ATOMIC_SEQ_CST);
  return 0;
}

/* eidelivery and eithreshold change by their hart alone. */
static void
hart_write (void *opaque, uint32_t reg, uint64_t value, uint64_t mask)
{
  struct file *f = opaque;
  struct riscv_imsic *p = f->imsic;
  uint32_t w;
  uint64_t *word = array_word (f, reg, &w);

  if (word != NULL)
    {
      mask &= word_mask (w);
      /* Not one exchange: a message that comes in between is for a bit that is not written, or
         counts as one before or after this write. */
      if (value & mask)
        __atomic_fetch_or (word, value & mask, __ATOMIC_SEQ_CST);
      if (~value & mask)
        __atomic_fetch_and (word, value | ~mask, __ATOMIC_SEQ_CST);
    }
  else if (reg == EIDELIVERY || reg == EITHRESHOLD)
    {
      uint32_t *at = reg == EIDELIVERY ? &p->eidelivery[f->index] : &p->eithreshold[f->index];

      value = (*at & ~mask) | (value & mask);
      /* 0x40000000, delivery by an APLIC, is not offered (3.9.1); what is not offered or does not
         exist changes nothing. */
      if (value > (reg == EIDELIVERY ? 1 : p->num_ids))
        return;
      __atomic_store_n (at, (uint32_t) value, __ATOMIC_SEQ_CST);
    }
  else
    return;
  file_update (p, f->index);
}

static uint32_t
hart_top (void *opaque)
{
  struct file *f = opaque;
  uint32_t id = file_top (f->imsic, f->index);

  return id << 16 | id;
}

static uint32_t
hart_claim (void *opaque)
{
  struct file *f = opaque;
  uint32_t id = file_top (f->imsic, f->index);

  if (id == 0)
    return 0;
  __atomic_fetch_and (word_of (f->imsic, f->imsic->eip, f->index, id / 64),
                      ~(UINT64_C (1) << id % 64), __ATOMIC_SEQ_CST);
  file_update (f->imsic, f->index);
  return id << 16 | id;
}

/* ---- registers in memory --------------------------------------------------------------------- */

/* All bytes read as zeros (3.5). */
static uint32_t
imsic_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  (void) self;
  (void) offset;
  (void) value;
  return size == 4 ? GWT_ACCESS_OK : GWT_ACCESS_ERROR;
}

static uint32_t
imsic_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct riscv_imsic *p = self;

  if (size != 4)
    return GWT_ACCESS_ERROR;
  switch (offset % PAGE)
    {
    case SETEIPNUM_LE:
      file_message (p, offset / PAGE, (uint32_t) value);
      break;
    case SETEIPNUM_BE:
      file_message (p, offset / PAGE, __builtin_bswap32 ((uint32_t) value));
      break;
    default:
      warn_once (p, "a write to no register at", offset);
      break;
    }
  return GWT_ACCESS_OK;
}

/* 8 is let through to be refused: the host would make two registers of it. */
static const struct gwt_mmio_ops imsic_ops = {
  .struct_size = sizeof imsic_ops,
  .min_size = 4,
  .max_size = 8,
  .flags = GWT_MMIO_MESSAGES,
  .read = imsic_read,
  .write = imsic_write,
};

/* ---- life ------------------------------------------------------------------------------------ */

static uint32_t
hart_line (const struct riscv_imsic *p)
{
  return p->mmode ? GWT_RISCV_MEIP : GWT_RISCV_SEIP;
}

static int
hand_over (struct riscv_imsic *p, uint32_t i, struct gwt_error *err)
{
  struct file *f = &p->file[i];
  struct gwt_device *hart
      = devices->nth_with_interface (GWT_RISCV_HART_INTERFACE, p->hartid_base + i);
  const struct gwt_riscv_hart_ops *ops
      = hart != NULL ? devices->interface_of (hart, GWT_RISCV_HART_INTERFACE) : NULL;

  if (hart == NULL)
    {
      host->error_set (err, GWT_E_NOT_FOUND,
                       "hart %u is not there; have the board make its harts before this device",
                       p->hartid_base + i);
      return -1;
    }
  if (!GWT_HAS (ops, set_imsic))
    {
      host->error_set (err, GWT_E_UNSUPPORTED,
                       "hart %u is of a type that knows no IMSIC; use another CPU type",
                       p->hartid_base + i);
      return -1;
    }
  f->ops.struct_size = sizeof f->ops;
  f->ops.file = f;
  f->ops.read = hart_read;
  f->ops.write = hart_write;
  f->ops.top = hart_top;
  f->ops.claim = hart_claim;
  f->imsic = p;
  f->index = i;
  if (ops->set_imsic (devices->interface_instance (hart, GWT_RISCV_HART_INTERFACE), hart_line (p),
                      &f->ops, err)
      < 0)
    return -1;
  f->hart = hart;
  return 0;
}

static void
imsic_unrealize (void *self)
{
  struct riscv_imsic *p = self;
  uint32_t i;

  for (i = 0; i < MAX_HARTS; i++)
    if (p->file[i].hart != NULL)
      {
        const struct gwt_riscv_hart_ops *ops
            = devices->interface_of (p->file[i].hart, GWT_RISCV_HART_INTERFACE);

        ops->set_imsic (
            devices->interface_instance (p->file[i].hart, GWT_RISCV_HART_INTERFACE), hart_line (p),
            NULL, NULL);
        p->file[i].hart = NULL;
      }
  free (p->eistate);
  p->eistate = NULL;
}

static int
check_properties (struct riscv_imsic *p, uint32_t cpus, struct gwt_error *err)
{
  if (p->num_ids % 64 != 63)
    {
      host->error_set (err, GWT_E_INVALID,
                       "num-ids %u is no multiple of 64 less one; use 63, 127, ..., %u", p->num_ids,
                       MAX_IDS);
      return -1;
    }
  if (p->hartid_base >= cpus)
    {
      host->error_set (err, GWT_E_RANGE,
                       "hartid-base %u is beyond the machine's %u harts; use 0 to %u",
                       p->hartid_base, cpus, cpus ? cpus - 1 : 0);
      return -1;
    }
  cpus -= p->hartid_base;
  p->n_files = p->num_harts != 0 ? p->num_harts : cpus;
  if (p->n_files > cpus || p->n_files > MAX_HARTS)
    {
      host->error_set (err, GWT_E_RANGE, "num-harts %u is out of range; use 1 to %u", p->n_files,
                       cpus < MAX_HARTS ? cpus : MAX_HARTS);
      return -1;
    }
  return 0;
}

static int
imsic_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct riscv_imsic *p = self;
  uint32_t i;

  p->device = device;
  if (check_properties (p, devices->cpu_count (), err) < 0)
    return -1;
  p->n_words = (p->num_ids + 1) / 64;
  p->n_eistate = p->n_files * (p->num_ids + 1);
  if (irq->outputs (device, "ext", p->n_files, p->line, err) < 0
      || memory->mmio (device, "riscv-imsic", (uint64_t) p->n_files * PAGE, &imsic_ops, err)
             == NULL)
    return -1;
  p->eistate = calloc (p->n_eistate, sizeof p->eistate[0]);
  if (p->eistate == NULL)
    {
      host->error_set (err, GWT_E_NO_MEMORY, "no memory for %u interrupt files", p->n_files);
      return -1;
    }
  for (i = 0; i < p->n_files; i++)
    if (hand_over (p, i, err) < 0)
      {
        imsic_unrealize (p);
        return -1;
      }
  return 0;
}

static void
imsic_reset (void *self, uint32_t kind)
{
  struct riscv_imsic *p = self;
  uint32_t i;

  (void) kind;
  /* Messages of other devices may still come. */
  for (i = 0; i < p->n_files * p->n_words; i++)
    {
      __atomic_store_n (&p->eip[i], 0, __ATOMIC_SEQ_CST);
      __atomic_store_n (&p->eie[i], 0, __ATOMIC_SEQ_CST);
    }
  for (i = 0; i < p->n_files; i++)
    {
      __atomic_store_n (&p->eidelivery[i], 0, __ATOMIC_SEQ_CST);
      __atomic_store_n (&p->eithreshold[i], 0, __ATOMIC_SEQ_CST);
      file_update (p, i);
    }
}

/* ---- state on the wire ----------------------------------------------------------------------- */

/* QEMU's section, version 2: there a device is one hart's and its files are guests'; here they are
   all harts', in the same shape.  An identity is a word of two bits.  Those of identity 0, which
   does not exist, say that the line is up. */
#define EISTATE_PENDING 1u
#define EISTATE_ENABLED 2u

static int
imsic_pre_save (void *self, struct gwt_error *err)
{
  struct riscv_imsic *p = self;
  uint32_t i;

  (void) err;
  for (i = 0; i < p->n_eistate; i++)
    p->eistate[i] = (p->eip[i / 64] >> i % 64 & 1 ? EISTATE_PENDING : 0)
                    | (p->eie[i / 64] >> i % 64 & 1 ? EISTATE_ENABLED : 0);
  for (i = 0; i < p->n_files; i++)
    if (file_level (p, i))
      p->eistate[i * (p->num_ids + 1)] = EISTATE_PENDING | EISTATE_ENABLED;
  return 0;
}

static int
imsic_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct riscv_imsic *p = self;
  uint32_t i;

  (void) version;
  for (i = 0; i < p->n_files; i++)
    if (p->eithreshold[i] > p->num_ids)
      {
        host->error_set (err, GWT_E_RANGE,
                         "eithreshold: %u is above num-ids %u; start both ends with the same one",
                         p->eithreshold[i], p->num_ids);
        return -1;
      }
  for (i = 0; i < p->n_eistate; i++)
    {
      uint64_t bit = UINT64_C (1) << i % 64;
      uint32_t exists = i % (p->num_ids + 1) != 0 ? p->eistate[i] : 0;

      p->eip[i / 64] = (p->eip[i / 64] & ~bit) | (exists & EISTATE_PENDING ? bit : 0);
      p->eie[i / 64] = (p->eie[i / 64] & ~bit) | (exists & EISTATE_ENABLED ? bit : 0);
    }
  return 0;
}

static void
imsic_loaded (void *self, uint32_t version)
{
  struct riscv_imsic *p = self;
  uint32_t i;

  (void) version;
  for (i = 0; i < p->n_files; i++)
    {
      /* Whatever the hart was told before. */
      irq->set (p->line[i], file_level (p, i));
      file_update (p, i);
    }
}

static const struct gwt_vm_field state_fields[] = {
  GWT_VM_ARRAY_COUNTED (struct riscv_imsic, eidelivery, n_files, .max = 1),
  GWT_VM_ARRAY_COUNTED (struct riscv_imsic, eithreshold, n_files),
  GWT_VM_POINTED_COUNTED (struct riscv_imsic, eistate, n_eistate,
                          .max = EISTATE_PENDING | EISTATE_ENABLED),
  GWT_VM_COMPUTED (struct riscv_imsic, eip),
  GWT_VM_COMPUTED (struct riscv_imsic, eie),
};
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct riscv_imsic, "riscv_imsic", 2, 2, state_fields,
                   .pre_save = imsic_pre_save, .post_load = imsic_post_load,
                   .loaded = imsic_loaded);
static const struct gwt_vmstate *const states[] = { &state, NULL };

static int
imsic_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err)
{
  static const char *const compatible[] = { "qemu,imsics", "riscv,imsics" };
  struct riscv_imsic *p = self;
  uint32_t cells[2 * MAX_HARTS], i;

  (void) err;
  for (i = 0; i < p->n_files; i++)
    {
      cells[2 * i] = fdt_api->phandle_of (fdt, p->file[i].hart);
      cells[2 * i + 1] = hart_line (p);
    }
  fdt_api->strings (fdt, "compatible", compatible, GWT_COUNT (compatible));
  fdt_api->cells (fdt, "interrupts-extended", cells, 2 * p->n_files);
  fdt_api->u32 (fdt, "riscv,num-ids", p->num_ids);
  fdt_api->phandle (fdt, p->device);
  fdt_api->empty (fdt, "interrupt-controller");
  fdt_api->u32 (fdt, "#interrupt-cells", 0);
  fdt_api->empty (fdt, "msi-controller");
  fdt_api->u32 (fdt, "#msi-cells", 0);
  return 0;
}

static const struct gwt_device_type imsic_type = {
  .struct_size = sizeof imsic_type,
  .name = "riscv-imsic",
  .doc = "incoming MSI controllers of all harts, for one privilege level",
  .threads = GWT_THREADS_PARALLEL,
  .instance_size = sizeof (struct riscv_imsic),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .fdt_name = "interrupt-controller",
  .realize = imsic_realize,
  .unrealize = imsic_unrealize,
  .reset = imsic_reset,
  .describe = imsic_describe,
  .states = states,
};

static int
imsic_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void) err;
  devices = h->extension (GWT_DEVICE_EXT);
  memory = h->extension (GWT_MEMORY_EXT);
  irq = h->extension (GWT_IRQ_EXT);
  fdt_api = h->extension (GWT_FDT_EXT);
  return 0;
}

static const char *const required[]
    = { GWT_DEVICE_EXT, GWT_MEMORY_EXT, GWT_IRQ_EXT, GWT_FDT_EXT, NULL };
static const struct gwt_device_type *const types[] = { &imsic_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "riscv-imsic",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "RISC-V incoming MSI controllers",
  .required = required,
  .types = types,
  .start = imsic_start,
};

GWT_PLUGIN_DEFINE ("riscv-imsic", GODWIT_PLUGIN_VERSION, "riscv-imsic", plugin, host)
