/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device type riscv-aplic: one interrupt domain of an Advanced PLIC (RISC-V Advanced Interrupt
 * Architecture 1.0, chapter 4): its registers, its place among the other domains, its node in the
 * device tree.  What a register does to a source is in domain.c.
 *
 * It must not know what drives its wires, nor what a hart does with lines or messages.
 */
#include "aplic.h"

#include <string.h>

const struct gwt_host *aplic_host;
const struct gwt_memory_api *aplic_memory;
const struct gwt_irq_api *aplic_irq;
static const struct gwt_device_api *devices;
static const struct gwt_fdt_api *fdt_api;

#define INTERFACE "gwt.riscv-aplic/1"

/* 4.5 */
#define DOMAINCFG 0x0000
#define SOURCECFG 0x0000 /* of source n at +4n */
#define SOURCECFG_END 0x1000
#define MMSIADDRCFG 0x1bc0
#define MMSIADDRCFGH 0x1bc4
#define SMSIADDRCFG 0x1bc8
#define SMSIADDRCFGH 0x1bcc
#define SETIP 0x1c00
#define SETIPNUM 0x1cdc
#define IN_CLRIP 0x1d00
#define CLRIPNUM 0x1ddc
#define SETIE 0x1e00
#define SETIENUM 0x1edc
#define CLRIE 0x1f00
#define CLRIENUM 0x1fdc
#define BITS 0x80 /* bytes of one of the bit maps */
#define SETIPNUM_LE 0x2000
#define SETIPNUM_BE 0x2004
#define GENMSI 0x3000
#define TARGET 0x3000 /* of source n at +4n */
#define TARGET_END 0x4000
#define IDC 0x4000
#define IDC_STRIDE 0x20
#define IDELIVERY 0x00
#define IFORCE 0x04
#define ITHRESHOLD 0x08
#define TOPI 0x18
#define CLAIMI 0x1c

#define IRQ_LEVEL_HIGH 4 /* device tree, second cell of an interrupt */

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct riscv_aplic, parent_device, "parent", .interface = INTERFACE,
                .doc = "the domain that delegates to this one; none: the root domain"),
  GWT_PROP_ROW (struct riscv_aplic, num_sources, "num-sources", .def = 96, .min = 1,
                .max = APLIC_MAX_SOURCES, .doc = "interrupt sources, ids 1 to this"),
  GWT_PROP_ROW (struct riscv_aplic, hartid_base, "hartid-base", .max = UINT32_MAX,
                .doc = "number of the first hart served"),
  GWT_PROP_ROW (struct riscv_aplic, num_harts, "num-harts", .max = APLIC_MAX_HARTS,
                .doc = "harts served; 0: all from hartid-base on"),
  GWT_PROP_ROW (struct riscv_aplic, iprio_mask, "iprio-mask", .def = 7, .min = 1, .max = 255,
                .flags = GWT_FIELD_HEX,
                .doc = "highest priority number of direct delivery: 1, 3, 7, ..., 255"),
  GWT_PROP_ROW (struct riscv_aplic, aperture_size, "aperture-size",
                .flags = GWT_FIELD_HEX | GWT_FIELD_SIZE, .def = 0x8000, .min = 0x4000,
                .max = 0x100000, .doc = "size of the window"),
  GWT_PROP_ROW (struct riscv_aplic, mmode, "mmode",
                .doc = "a domain of machine mode; off: of supervisor mode"),
  GWT_PROP_ROW (struct riscv_aplic, msimode, "msimode",
                .doc = "deliver by messages; off: by a line to each hart"),
  GWT_HOST_ROW (struct riscv_aplic, warned, "whether the log has a line about the guest already"),
  GWT_HOST_ROW (struct riscv_aplic, pad, "padding"),
  GWT_STATE_ROW (struct riscv_aplic, domaincfg, "domaincfg", .flags = GWT_FIELD_HEX,
                 .doc = "IE and BE"),
  GWT_STATE_ROW (struct riscv_aplic, mmsiaddrcfg, "mmsiaddrcfg", .flags = GWT_FIELD_HEX,
                 .doc = "where machine level takes messages"),
  GWT_STATE_ROW (struct riscv_aplic, mmsiaddrcfgh, "mmsiaddrcfgh", .flags = GWT_FIELD_HEX,
                 .doc = "its high half, how harts are numbered, lock"),
  GWT_STATE_ROW (struct riscv_aplic, smsiaddrcfg, "smsiaddrcfg", .flags = GWT_FIELD_HEX,
                 .doc = "where supervisor level takes messages"),
  GWT_STATE_ROW (struct riscv_aplic, smsiaddrcfgh, "smsiaddrcfgh", .flags = GWT_FIELD_HEX,
                 .doc = "its high half"),
  GWT_STATE_ROW (struct riscv_aplic, genmsi, "genmsi", .flags = GWT_FIELD_HEX,
                 .doc = "the message that software sent last"),
  GWT_STATE_ARRAY (struct riscv_aplic, sourcecfg, "sourcecfg", .flags = GWT_FIELD_HEX,
                   .doc = "mode or child per id; id 0 unused"),
  GWT_STATE_ARRAY (struct riscv_aplic, state, "state", .flags = GWT_FIELD_HEX,
                   .doc = "per id: 1 pending, 2 enabled, 0x100 level of the wire"),
  GWT_STATE_ARRAY (struct riscv_aplic, target, "target", .flags = GWT_FIELD_HEX,
                   .doc = "hart and priority or identity, per id"),
  GWT_STATE_ARRAY (struct riscv_aplic, idelivery, "idelivery", .max = 1,
                   .doc = "delivery to the hart is on, per hart"),
  GWT_STATE_ARRAY (struct riscv_aplic, iforce, "iforce", .max = 1,
                   .doc = "an interrupt without a source, per hart"),
  GWT_STATE_ARRAY (struct riscv_aplic, ithreshold, "ithreshold", .max = 255,
                   .doc = "threshold per hart"),
  GWT_HOST_ROW (struct riscv_aplic, n_harts, "follows from num-harts and the machine"),
  GWT_HOST_ROW (struct riscv_aplic, n_ids, "follows from num-sources"),
  GWT_HOST_ROW (struct riscv_aplic, child_index, "follows from the board"),
  GWT_HOST_ROW (struct riscv_aplic, n_children, "follows from the board"),
  GWT_HOST_ROW (struct riscv_aplic, n_domains, "follows from the board"),
  GWT_HOST_ROW (struct riscv_aplic, pad_2, "padding"),
  GWT_HOST_ROW (struct riscv_aplic, device, "handle of the host"),
  GWT_HOST_ROW (struct riscv_aplic, root, "follows from the board"),
  GWT_HOST_ROW (struct riscv_aplic, parent, "follows from the property parent"),
  GWT_HOST_ROW (struct riscv_aplic, child, "follows from the board"),
  GWT_HOST_ROW (struct riscv_aplic, domain, "follows from the board"),
  GWT_HOST_ROW (struct riscv_aplic, hart, "handles of the host"),
  GWT_HOST_ROW (struct riscv_aplic, line, "handles of the host"),
  GWT_HOST_ROW (struct riscv_aplic, line_level, "follows from the registers"),
  GWT_HOST_ROW (struct riscv_aplic, lock, "free whenever no thread is inside"),
  GWT_HOST_ROW (struct riscv_aplic, sender, "of use only while a thread is inside"),
  GWT_HOST_ROW (struct riscv_aplic, sending, "zero whenever no thread is inside"),
  GWT_HOST_ROW (struct riscv_aplic, echoes, "of use only while a thread is inside"),
};

void
aplic_warn_once (struct riscv_aplic *d, const char *what, uint64_t value)
{
  if (__atomic_exchange_n (&d->warned, 1, __ATOMIC_RELAXED))
    return;
  aplic_host->log (GWT_LOG_GUEST, "riscv-aplic: %s 0x%llx is ignored", what,
                   (unsigned long long) value);
}

/* ---- registers; the lock is held ------------------------------------------------------------- */

static bool
in_bits (uint64_t offset, uint64_t base)
{
  return offset >= base && offset < base + BITS;
}

static bool
has_msi_addresses (const struct riscv_aplic *d)
{
  uint32_t i;

  for (i = 0; d->parent == NULL && i < d->n_domains; i++)
    if (d->domain[i]->msimode)
      return true;
  return false;
}

/* Bit map word OFFSET / 4: of each source whether BIT of its state is set, or, with BIT 0, its
   rectified input. */
static uint32_t
read_bits (const struct riscv_aplic *d, uint64_t offset, uint32_t bit)
{
  uint32_t first = (uint32_t) offset * 8, value = 0, i;

  for (i = 0; i < 32 && first + i <= d->num_sources; i++)
    if (bit != 0 ? (d->state[first + i] & bit) != 0 : aplic_rectified (d, first + i))
      value |= 1u << i;
  return value;
}

static uint32_t
read_idc (struct riscv_aplic *d, uint64_t offset)
{
  uint32_t hart = (uint32_t) (offset / IDC_STRIDE), top;

  if (d->msimode || hart >= d->n_harts)
    return 0;
  switch (offset % IDC_STRIDE)
    {
    case IDELIVERY:
      return d->idelivery[hart];
    case IFORCE:
      return d->iforce[hart];
    case ITHRESHOLD:
      return d->ithreshold[hart];
    case TOPI:
      return aplic_topi (d, hart);
    case CLAIMI:
      top = aplic_topi (d, hart);
      if (top != 0)
        aplic_clear_pending (d, top >> 16);
      else
        d->iforce[hart] = 0;
      return top;
    default:
      return 0;
    }
}

static uint32_t
read_register (struct riscv_aplic *d, uint64_t offset)
{
  if (offset == DOMAINCFG)
    return APLIC_DOMAINCFG_RO | d->domaincfg | (d->msimode ? APLIC_DOMAINCFG_DM : 0);
  if (offset < SOURCECFG_END)
    return d->sourcecfg[(offset - SOURCECFG) / 4];
  if (in_bits (offset, SETIP))
    return read_bits (d, offset - SETIP, APLIC_PENDING);
  if (in_bits (offset, IN_CLRIP))
    return read_bits (d, offset - IN_CLRIP, 0);
  if (in_bits (offset, SETIE))
    return read_bits (d, offset - SETIE, APLIC_ENABLED);
  if (offset == GENMSI)
    return d->msimode ? d->genmsi : 0;
  if (offset > GENMSI && offset < TARGET_END)
    return d->target[(offset - TARGET) / 4];
  if (offset >= IDC)
    return read_idc (d, offset - IDC);
  switch (offset)
    {
    case MMSIADDRCFG:
      return d->mmsiaddrcfg;
    case MMSIADDRCFGH:
      return d->mmsiaddrcfgh;
    case SMSIADDRCFG:
      return d->smsiaddrcfg;
    case SMSIADDRCFGH:
      return d->smsiaddrcfgh;
    default:
      return 0;
    }
}

enum action
{
  SET_PENDING,
  CLEAR_PENDING,
  SET_ENABLED,
  CLEAR_ENABLED
};

/* VALUE names the source; what is none is ignored. */
static void
act (struct riscv_aplic *d, uint32_t source, enum action action)
{
  if (action == SET_PENDING)
    aplic_set_pending (d, source);
  else if (action == CLEAR_PENDING)
    aplic_clear_pending (d, source);
  else
    aplic_set_enabled (d, source, action == SET_ENABLED);
}

static void
act_on_bits (struct riscv_aplic *d, uint64_t offset, uint32_t bits, enum action action)
{
  for (; bits != 0; bits &= bits - 1)
    act (d, (uint32_t) offset * 8 + (uint32_t) __builtin_ctz (bits), action);
}

static void
write_msi_address (struct riscv_aplic *d, uint64_t offset, uint32_t value)
{
  if (!has_msi_addresses (d) || (d->mmsiaddrcfgh & APLIC_MSI_LOCK))
    {
      aplic_warn_once (d, "a write to a locked register at", offset);
      return;
    }
  switch (offset)
    {
    case MMSIADDRCFG:
      d->mmsiaddrcfg = value;
      break;
    case MMSIADDRCFGH:
      d->mmsiaddrcfgh = value & APLIC_MMSIADDRCFGH_MASK;
      break;
    case SMSIADDRCFG:
      d->smsiaddrcfg = value;
      break;
    default:
      d->smsiaddrcfgh = value & APLIC_SMSIADDRCFGH_MASK;
      break;
    }
}

static void
write_idc (struct riscv_aplic *d, uint64_t offset, uint32_t value)
{
  uint32_t hart = (uint32_t) (offset / IDC_STRIDE);

  if (d->msimode || hart >= d->n_harts)
    return;
  switch (offset % IDC_STRIDE)
    {
    case IDELIVERY:
      d->idelivery[hart] = value & 1;
      break;
    case IFORCE:
      d->iforce[hart] = value & 1;
      break;
    case ITHRESHOLD:
      d->ithreshold[hart] = value & d->iprio_mask;
      break;
    default:
      break;
    }
}

static void
write_register (struct riscv_aplic *d, uint64_t offset, uint32_t value)
{
  if (offset == DOMAINCFG)
    d->domaincfg = value & (APLIC_DOMAINCFG_IE | APLIC_DOMAINCFG_BE);
  else if (offset < SOURCECFG_END)
    aplic_write_sourcecfg (d, (uint32_t) (offset - SOURCECFG) / 4, value);
  else if (in_bits (offset, SETIP))
    act_on_bits (d, offset - SETIP, value, SET_PENDING);
  else if (in_bits (offset, IN_CLRIP))
    act_on_bits (d, offset - IN_CLRIP, value, CLEAR_PENDING);
  else if (in_bits (offset, SETIE))
    act_on_bits (d, offset - SETIE, value, SET_ENABLED);
  else if (in_bits (offset, CLRIE))
    act_on_bits (d, offset - CLRIE, value, CLEAR_ENABLED);
  else if (offset == GENMSI)
    {
      if (d->msimode && !(d->genmsi & APLIC_GENMSI_BUSY))
        d->genmsi = (value & (APLIC_HART_MASK | APLIC_EIID_MASK)) | APLIC_GENMSI_BUSY;
    }
  else if (offset > GENMSI && offset < TARGET_END)
    aplic_write_target (d, (uint32_t) (offset - TARGET) / 4, value);
  else if (offset >= IDC)
    write_idc (d, offset - IDC, value);
  else
    switch (offset)
      {
      case SETIPNUM:
      case SETIPNUM_LE:
      case SETIPNUM_BE:
        act (d, value, SET_PENDING);
        break;
      case CLRIPNUM:
        act (d, value, CLEAR_PENDING);
        break;
      case SETIENUM:
        act (d, value, SET_ENABLED);
        break;
      case CLRIENUM:
        act (d, value, CLEAR_ENABLED);
        break;
      case MMSIADDRCFG:
      case MMSIADDRCFGH:
      case SMSIADDRCFG:
      case SMSIADDRCFGH:
        write_msi_address (d, offset, value);
        break;
      default:
        aplic_warn_once (d, "a write to no register at", offset);
        break;
      }
}

/* ---- access ---------------------------------------------------------------------------------- */

static bool
is_swapped (const struct riscv_aplic *d, uint64_t offset)
{
  if (offset == SETIPNUM_LE || offset == SETIPNUM_BE)
    return offset == SETIPNUM_BE;
  return (d->domaincfg & APLIC_DOMAINCFG_BE) != 0;
}

static uint32_t
aplic_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct riscv_aplic *d = self;
  uint32_t data;

  if (size != 4)
    return GWT_ACCESS_ERROR;
  aplic_enter (d);
  data = read_register (d, offset);
  *value = is_swapped (d, offset) ? __builtin_bswap32 (data) : data;
  aplic_leave (d);
  return GWT_ACCESS_OK;
}

static uint32_t
aplic_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct riscv_aplic *d = self;
  uint32_t data = (uint32_t) value;

  if (size != 4)
    return GWT_ACCESS_ERROR;
  aplic_enter (d);
  write_register (d, offset, is_swapped (d, offset) ? __builtin_bswap32 (data) : data);
  aplic_leave (d);
  return GWT_ACCESS_OK;
}

/* 8 is let through to be refused: the host would make two registers of it. */
static const struct gwt_mmio_ops aplic_ops = {
  .struct_size = sizeof aplic_ops,
  .min_size = 4,
  .max_size = 8,
  .flags = GWT_MMIO_MESSAGES, /* setipnum_le is a port for them (4.5.13) */
  .read = aplic_read,
  .write = aplic_write,
};

static void
aplic_input (void *self, uint32_t line, uint32_t level)
{
  struct riscv_aplic *root = self;

  /* Line 0 exists so that lines are numbered as ids are; no id 0 exists. */
  if (line == 0 || line > root->num_sources)
    return;
  aplic_enter (root);
  aplic_wire (root, line, level != 0);
  aplic_leave (root);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int
check_properties (struct riscv_aplic *d, uint32_t cpus, struct gwt_error *err)
{
  if ((d->iprio_mask & (d->iprio_mask + 1)) != 0)
    {
      aplic_host->error_set (err, GWT_E_INVALID,
                             "iprio-mask 0x%x is no row of ones; use 1, 3, 7, ..., 0xff",
                             d->iprio_mask);
      return -1;
    }
  if (d->hartid_base >= cpus)
    {
      aplic_host->error_set (err, GWT_E_RANGE,
                             "hartid-base %u is beyond the machine's %u harts; use 0 to %u",
                             d->hartid_base, cpus, cpus ? cpus - 1 : 0);
      return -1;
    }
  cpus -= d->hartid_base;
  d->n_harts = d->num_harts != 0 ? d->num_harts : cpus;
  if (d->n_harts > cpus || d->n_harts > APLIC_MAX_HARTS)
    {
      aplic_host->error_set (err, GWT_E_RANGE, "num-harts %u is out of range; use 1 to %u",
                             d->n_harts, cpus < APLIC_MAX_HARTS ? cpus : APLIC_MAX_HARTS);
      return -1;
    }
  if (d->aperture_size % 0x1000 != 0 || d->aperture_size < IDC + d->n_harts * IDC_STRIDE)
    {
      aplic_host->error_set (err, GWT_E_RANGE,
                             "aperture-size 0x%x does not hold %u harts in whole pages; use a "
                             "multiple of 0x1000 from 0x%x on",
                             d->aperture_size, d->n_harts,
                             (IDC + d->n_harts * IDC_STRIDE + 0xfff) & ~0xfffu);
      return -1;
    }
  return 0;
}

/* 4.2: the root is at machine level, and so is each parent; a source has one number in all. */
static int
check_place (struct riscv_aplic *d, struct gwt_error *err)
{
  struct riscv_aplic *parent = d->parent;

  if (parent == NULL && d->mmode)
    return 0;
  if (parent == NULL || !parent->mmode)
    {
      aplic_host->error_set (err, GWT_E_INVALID,
                             "%s must be a domain of machine mode; set its property mmode=on",
                             parent == NULL ? "the root domain" : "a parent");
      return -1;
    }
  if (parent->num_sources != d->num_sources || parent->hartid_base != d->hartid_base)
    {
      aplic_host->error_set (
          err, GWT_E_INVALID,
          "num-sources %u and hartid-base %u are not the parent's; use %u and %u", d->num_sources,
          d->hartid_base, parent->num_sources, parent->hartid_base);
      return -1;
    }
  if (parent->n_children == APLIC_MAX_CHILDREN || parent->root->n_domains == APLIC_MAX_DOMAINS)
    {
      aplic_host->error_set (err, GWT_E_RANGE,
                             "the parent has %u children, and its APLIC %u domains; at most %u and "
                             "%u are possible",
                             parent->n_children, parent->root->n_domains, APLIC_MAX_CHILDREN,
                             APLIC_MAX_DOMAINS);
      return -1;
    }
  return 0;
}

static int
find_harts (struct riscv_aplic *d, struct gwt_error *err)
{
  uint32_t i;

  for (i = 0; i < d->n_harts; i++)
    {
      d->hart[i] = devices->nth_with_interface (GWT_RISCV_HART_INTERFACE, d->hartid_base + i);
      if (d->hart[i] == NULL)
        {
          aplic_host->error_set (
              err, GWT_E_NOT_FOUND,
              "hart %u is not there; have the board make its harts before this device",
              d->hartid_base + i);
          return -1;
        }
    }
  return 0;
}

static int
aplic_init (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct riscv_aplic *d = self;

  (void) err;
  d->device = device;
  pthread_mutex_init (&d->lock, NULL);
  return 0;
}

static int
aplic_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct riscv_aplic *d = self;

  d->n_ids = d->num_sources + 1;
  d->parent = d->parent_device != NULL
                  ? devices->interface_instance (d->parent_device, INTERFACE)
                  : NULL;
  d->root = d->parent != NULL ? d->parent->root : d;
  if (check_properties (d, devices->cpu_count (), err) < 0 || check_place (d, err) < 0
      || find_harts (d, err) < 0)
    return -1;
  if ((d->parent == NULL
       && aplic_irq->inputs (device, "irq", d->num_sources + 1, aplic_input, err) < 0)
      || aplic_irq->outputs (device, "ext", d->n_harts, d->line, err) < 0
      || aplic_memory->mmio (device, "riscv-aplic", d->aperture_size, &aplic_ops, err) == NULL)
    return -1;
  if (d->parent != NULL)
    {
      d->child_index = d->parent->n_children;
      d->parent->child[d->parent->n_children++] = d;
    }
  d->root->domain[d->root->n_domains++] = d;
  return 0;
}

/* Domains die newest first. */
static void
aplic_unrealize (void *self)
{
  struct riscv_aplic *d = self;

  d->root->n_domains--;
  if (d->parent != NULL)
    d->parent->n_children--;
}

static void
aplic_reset (void *self, uint32_t kind)
{
  struct riscv_aplic *d = self;

  (void) kind;
  aplic_enter (d);
  aplic_clear (d);
  aplic_leave (d);
}

static int
aplic_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err)
{
  static const char *const compatible[] = { "qemu,aplic", "riscv,aplic" };
  struct riscv_aplic *d = self;
  uint32_t cells[2 * APLIC_MAX_HARTS], i;

  (void) err;
  fdt_api->strings (fdt, "compatible", compatible, GWT_COUNT (compatible));
  fdt_api->u32 (fdt, "#address-cells", 0);
  fdt_api->u32 (fdt, "#interrupt-cells", 2);
  fdt_api->empty (fdt, "interrupt-controller");
  fdt_api->u32 (fdt, "riscv,num-sources", d->num_sources);
  if (!d->msimode)
    {
      for (i = 0; i < d->n_harts; i++)
        {
          cells[2 * i] = fdt_api->phandle_of (fdt, d->hart[i]);
          cells[2 * i + 1] = d->mmode ? GWT_RISCV_MEIP : GWT_RISCV_SEIP;
        }
      fdt_api->cells (fdt, "interrupts-extended", cells, 2 * d->n_harts);
    }
  for (i = 0; i < d->n_children; i++)
    cells[i] = fdt_api->phandle_of (fdt, d->child[i]->device);
  if (d->n_children != 0)
    {
      fdt_api->cells (fdt, "riscv,children", cells, d->n_children);
      /* All sources to the first one; the second spelling is for firmware of before the binding. */
      cells[1] = 1;
      cells[2] = d->num_sources;
      fdt_api->cells (fdt, "riscv,delegation", cells, 3);
      fdt_api->cells (fdt, "riscv,delegate", cells, 3);
    }
  fdt_api->phandle (fdt, d->device);
  return 0;
}

/* The guest's devices are wired to the domain that its operating system works with. */
static uint32_t
aplic_specifier (void *self, uint32_t line, uint32_t *cells, struct gwt_device **controller)
{
  struct riscv_aplic *d = self;

  while (d->n_children != 0)
    d = d->child[0];
  *controller = d->device;
  cells[0] = line;
  cells[1] = IRQ_LEVEL_HIGH;
  return 2;
}

static const struct gwt_fdt_interrupts_ops interrupts_ops
    = { .struct_size = sizeof interrupts_ops, .specifier = aplic_specifier };
/* Between the domains of this plugin; no functions. */
static const uint64_t aplic_table[1] = { sizeof aplic_table };
static const struct gwt_interface interfaces[] = {
  { GWT_FDT_INTERRUPTS_INTERFACE, &interrupts_ops },
  { INTERFACE, aplic_table },
};

static const struct gwt_device_type aplic_type = {
  .struct_size = sizeof aplic_type,
  .name = "riscv-aplic",
  .doc = "interrupt domain of an advanced platform-level interrupt controller",
  .threads = GWT_THREADS_PARALLEL,
  .instance_size = sizeof (struct riscv_aplic),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .interfaces = interfaces,
  .interface_size = sizeof interfaces[0],
  .n_interfaces = GWT_COUNT (interfaces),
  .fdt_name = "interrupt-controller",
  .init = aplic_init,
  .realize = aplic_realize,
  .unrealize = aplic_unrealize,
  .reset = aplic_reset,
  .describe = aplic_describe,
  .states = aplic_states,
};

static int
aplic_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void) err;
  devices = h->extension (GWT_DEVICE_EXT);
  aplic_memory = h->extension (GWT_MEMORY_EXT);
  aplic_irq = h->extension (GWT_IRQ_EXT);
  fdt_api = h->extension (GWT_FDT_EXT);
  return 0;
}

static const char *const required[]
    = { GWT_DEVICE_EXT, GWT_MEMORY_EXT, GWT_IRQ_EXT, GWT_FDT_EXT, NULL };
static const struct gwt_device_type *const types[] = { &aplic_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "riscv-aplic",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "RISC-V advanced platform-level interrupt controller",
  .required = required,
  .types = types,
  .start = aplic_start,
};

GWT_PLUGIN_DEFINE ("riscv-aplic", GODWIT_PLUGIN_VERSION, "riscv-aplic", plugin, aplic_host)
