/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SiFive platform-level interrupt controller 1.0.0: level-triggered gateways, priorities, and per
 * context (a hart's mode) enables, threshold, claim and completion.
 *
 * Written after the RISC-V PLIC specification 1.0.0, whose chapters comments name.  It must not
 * know what drives its inputs, nor what a hart does with its outputs.
 */
#include <godwit/godwit.h>

#include <string.h>

#define MAX_SOURCES 1023 /* ids 1 to 1023; 0 means "none" */
#define MAX_WORDS 32
#define MAX_HARTS 512
#define MAX_CONTEXTS (2 * MAX_HARTS)
#define MAX_ENABLE_WORDS (MAX_CONTEXTS * MAX_WORDS)

/* Offsets in one context's block. */
#define CONTEXT_THRESHOLD 0x0
#define CONTEXT_CLAIM 0x4

#define MODE_M 0
#define MODE_S 1

static const struct gwt_host *host;
static const struct gwt_device_api *devices;
static const struct gwt_memory_api *memory;
static const struct gwt_irq_api *irq;
static const struct gwt_fdt_api *fdt_api;

struct sifive_plic
{
  const char *hart_config;
  uint32_t num_sources; /* highest id: riscv,ndev */
  uint32_t num_priorities;
  uint32_t first_hart;
  uint32_t priority_base;
  uint32_t pending_base;
  uint32_t enable_base;
  uint32_t enable_stride;
  uint32_t context_base;
  uint32_t context_stride;
  uint32_t aperture_size;

  /* Found by realize. */
  uint32_t num_harts;
  uint32_t num_contexts;
  uint32_t num_words;   /* of one bitmap over all ids */
  uint32_t num_ids;     /* with the one that does not exist */
  uint32_t num_enables; /* words of all contexts */
  uint8_t warned;
  uint8_t pad[3];

  uint32_t source_priority[MAX_SOURCES + 1];
  uint32_t target_priority[MAX_CONTEXTS];
  uint32_t pending[MAX_WORDS];
  uint32_t claimed[MAX_WORDS];
  uint32_t level[MAX_WORDS];         /* the inputs */
  uint32_t enable[MAX_ENABLE_WORDS]; /* context c, word w at c * num_words + w */

  struct gwt_device *device;
  struct gwt_device *hart[MAX_HARTS];
  struct gwt_irq *m_line[MAX_HARTS];
  struct gwt_irq *s_line[MAX_HARTS];
  uint16_t context_hart[MAX_CONTEXTS];
  uint8_t context_mode[MAX_CONTEXTS];
  uint8_t context_level[MAX_CONTEXTS];
};

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct sifive_plic, hart_config, "hart-config",
                .doc = "modes of each hart, \"MS,MS\"; empty: MS for all of the machine's harts"),
  GWT_PROP_ROW (struct sifive_plic, num_sources, "num-sources", .def = 96, .min = 1,
                .max = MAX_SOURCES, .doc = "interrupt sources, ids 1 to this"),
  GWT_PROP_ROW (struct sifive_plic, num_priorities, "num-priorities", .def = 7, .min = 1,
                .max = 0x7fffffff, .doc = "highest priority of a source"),
  GWT_PROP_ROW (struct sifive_plic, first_hart, "first-hart", .max = UINT32_MAX,
                .doc = "number of the first hart served"),
  GWT_PROP_ROW (struct sifive_plic, priority_base, "priority-base", .flags = GWT_FIELD_HEX,
                .max = UINT32_MAX, .doc = "offset of the source priorities"),
  GWT_PROP_ROW (struct sifive_plic, pending_base, "pending-base", .flags = GWT_FIELD_HEX,
                .def = 0x1000, .max = UINT32_MAX, .doc = "offset of the pending bits"),
  GWT_PROP_ROW (struct sifive_plic, enable_base, "enable-base", .flags = GWT_FIELD_HEX,
                .def = 0x2000, .max = UINT32_MAX, .doc = "offset of the enable bits"),
  GWT_PROP_ROW (struct sifive_plic, enable_stride, "enable-stride", .flags = GWT_FIELD_HEX,
                .def = 0x80, .min = 4, .max = 0x10000, .doc = "enable bytes per context"),
  GWT_PROP_ROW (struct sifive_plic, context_base, "context-base", .flags = GWT_FIELD_HEX,
                .def = 0x200000, .max = UINT32_MAX, .doc = "offset of the contexts"),
  GWT_PROP_ROW (struct sifive_plic, context_stride, "context-stride", .flags = GWT_FIELD_HEX,
                .def = 0x1000, .min = 8, .max = 0x100000, .doc = "bytes per context"),
  GWT_PROP_ROW (struct sifive_plic, aperture_size, "aperture-size",
                .flags = GWT_FIELD_HEX | GWT_FIELD_SIZE, .def = 0x600000, .min = 0x1000,
                .max = 0x10000000, .doc = "size of the window"),
  GWT_HOST_ROW (struct sifive_plic, num_harts, "follows from hart-config"),
  GWT_HOST_ROW (struct sifive_plic, num_contexts, "follows from hart-config"),
  GWT_HOST_ROW (struct sifive_plic, num_words, "follows from num-sources"),
  GWT_HOST_ROW (struct sifive_plic, num_ids, "follows from num-sources"),
  GWT_HOST_ROW (struct sifive_plic, num_enables, "follows from num-sources and hart-config"),
  GWT_HOST_ROW (struct sifive_plic, warned, "whether the log has a line about the guest already"),
  GWT_HOST_ROW (struct sifive_plic, pad, "padding"),
  GWT_STATE_ARRAY (struct sifive_plic, source_priority, "source-priority",
                   .doc = "priority per id; id 0 unused"),
  GWT_STATE_ARRAY (struct sifive_plic, target_priority, "target-priority",
                   .doc = "threshold per context"),
  GWT_STATE_ARRAY (struct sifive_plic, pending, "pending", .doc = "pending bit per id"),
  GWT_STATE_ARRAY (struct sifive_plic, claimed, "claimed", .doc = "claimed, not completed, per id"),
  GWT_STATE_ARRAY (struct sifive_plic, level, "level", .doc = "input level per id"),
  GWT_STATE_ARRAY (struct sifive_plic, enable, "enable",
                   .doc = "enable bits, all words of context 0, then of 1, ..."),
  GWT_HOST_ROW (struct sifive_plic, device, "handle of the host"),
  GWT_HOST_ROW (struct sifive_plic, hart, "handles of the host"),
  GWT_HOST_ROW (struct sifive_plic, m_line, "handles of the host"),
  GWT_HOST_ROW (struct sifive_plic, s_line, "handles of the host"),
  GWT_HOST_ROW (struct sifive_plic, context_hart, "follows from hart-config"),
  GWT_HOST_ROW (struct sifive_plic, context_mode, "follows from hart-config"),
  GWT_HOST_ROW (struct sifive_plic, context_level, "follows from the registers"),
};

static uint32_t
bit_get (const uint32_t *map, uint32_t id)
{
  return map[id / 32] >> id % 32 & 1;
}

static void
bit_put (uint32_t *map, uint32_t id, uint32_t value)
{
  map[id / 32] = (map[id / 32] & ~(1u << id % 32)) | (value & 1) << id % 32;
}

static void
warn_once (struct sifive_plic *p, const char *what, uint64_t where)
{
  if (p->warned)
    return;
  p->warned = 1;
  host->log (GWT_LOG_GUEST, "sifive-plic: %s 0x%llx is ignored", what, (unsigned long long) where);
}

/* ---- deciding -------------------------------------------------------------------------------- */

/* The source that CONTEXT would be given: highest priority above FLOOR, lowest id among equals
   (Interrupt Priorities); 0 for none. */
static uint32_t
best_source (const struct sifive_plic *p, uint32_t context, uint32_t floor)
{
  const uint32_t *enable = p->enable + (size_t) context * p->num_words;
  uint32_t best = 0, w;

  for (w = 0; w < p->num_words; w++)
    {
      uint32_t bits = p->pending[w] & enable[w];

      while (bits)
        {
          uint32_t id = w * 32 + (uint32_t) __builtin_ctz (bits);

          bits &= bits - 1;
          if (p->source_priority[id] > floor)
            {
              floor = p->source_priority[id];
              best = id;
            }
        }
    }
  return best;
}

static void
context_update (struct sifive_plic *p, uint32_t context)
{
  uint8_t level = best_source (p, context, p->target_priority[context]) != 0;
  uint32_t hart = p->context_hart[context];

  /* A gateway forwards often, an output moves seldom; do not wake a hart for nothing. */
  if (level == p->context_level[context])
    return;
  p->context_level[context] = level;
  irq->set (p->context_mode[context] == MODE_M ? p->m_line[hart] : p->s_line[hart], level);
}

static void
plic_update (struct sifive_plic *p)
{
  uint32_t c;

  for (c = 0; c < p->num_contexts; c++)
    context_update (p, c);
}

/* Interrupt Gateways: a source's gateway lets one request through and no other until its
   completion; a request that went through stays although the line falls.  Is the request of ID new?
 */
static int
gateway (struct sifive_plic *p, uint32_t id)
{
  if (!bit_get (p->level, id) || bit_get (p->claimed, id) || bit_get (p->pending, id))
    return 0;
  bit_put (p->pending, id, 1);
  return 1;
}

static void
plic_input (void *self, uint32_t line, uint32_t level)
{
  struct sifive_plic *p = self;

  /* Line 0 exists so that lines are numbered as ids are; no id 0 exists. */
  if (line == 0 || line > p->num_sources)
    return;
  bit_put (p->level, line, level != 0);
  if (gateway (p, line))
    plic_update (p);
}

/* Interrupt Claim Process: a claim is not affected by the threshold. */
static uint32_t
context_claim (struct sifive_plic *p, uint32_t context)
{
  uint32_t id = best_source (p, context, 0);

  if (id == 0)
    return 0;
  bit_put (p->pending, id, 0);
  bit_put (p->claimed, id, 1);
  plic_update (p);
  return id;
}

/* Interrupt Completion: a completion of what is not enabled for the context is ignored. */
static void
context_complete (struct sifive_plic *p, uint32_t context, uint64_t id)
{
  const uint32_t *enable = p->enable + (size_t) context * p->num_words;

  if (id == 0 || id > p->num_sources || !bit_get (enable, (uint32_t) id))
    {
      warn_once (p, "completion of source", id);
      return;
    }
  bit_put (p->claimed, (uint32_t) id, 0);
  if (gateway (p, (uint32_t) id))
    plic_update (p);
}

/* ---- registers ------------------------------------------------------------------------------- */

/* Is OFFSET among COUNT things of STRIDE bytes at BASE?  INDEX and the REST inside the thing. */
static int
within (uint64_t offset, uint32_t base, uint32_t stride, uint32_t count, uint32_t *index,
        uint32_t *rest)
{
  if (offset < base || (offset - base) / stride >= count)
    return 0;
  *index = (uint32_t) ((offset - base) / stride);
  *rest = (uint32_t) ((offset - base) % stride);
  return 1;
}

/* Bits of word W that stand for a source: not id 0, not beyond the last. */
static uint32_t
word_mask (const struct sifive_plic *p, uint32_t w)
{
  uint32_t mask = UINT32_MAX;

  if (w == p->num_words - 1 && p->num_sources % 32 != 31)
    mask = (1u << (p->num_sources % 32 + 1)) - 1;
  return w == 0 ? mask & ~1u : mask;
}

static uint32_t
plic_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct sifive_plic *p = self;
  uint32_t i, rest;

  (void) size;
  if (within (offset, p->priority_base, 4, p->num_sources + 1, &i, &rest))
    *value = p->source_priority[i];
  else if (within (offset, p->pending_base, 4, p->num_words, &i, &rest))
    *value = p->pending[i];
  else if (within (offset, p->enable_base, p->enable_stride, p->num_contexts, &i, &rest)
           && rest / 4 < p->num_words)
    *value = p->enable[(size_t) i * p->num_words + rest / 4];
  else if (within (offset, p->context_base, p->context_stride, p->num_contexts, &i, &rest)
           && rest == CONTEXT_THRESHOLD)
    *value = p->target_priority[i];
  else if (within (offset, p->context_base, p->context_stride, p->num_contexts, &i, &rest)
           && rest == CONTEXT_CLAIM)
    *value = context_claim (p, i);
  else
    warn_once (p, "a read of no register at", offset);
  return GWT_ACCESS_OK;
}

/* Priorities are WARL (Interrupt Priorities): with 2^n - 1 of them they are n-bit fields, else a
   value that does not exist changes nothing. */
static uint32_t
warl_priority (const struct sifive_plic *p, uint32_t old, uint64_t value)
{
  if ((p->num_priorities & (p->num_priorities + 1)) == 0)
    return (uint32_t) value & p->num_priorities;
  return value <= p->num_priorities ? (uint32_t) value : old;
}

static uint32_t
plic_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct sifive_plic *p = self;
  uint32_t i, rest;

  (void) size;
  if (within (offset, p->priority_base, 4, p->num_sources + 1, &i, &rest))
    {
      if (i == 0)
        return GWT_ACCESS_OK;
      p->source_priority[i] = warl_priority (p, p->source_priority[i], value);
      plic_update (p);
    }
  else if (within (offset, p->pending_base, 4, p->num_words, &i, &rest))
    warn_once (p, "a write to the pending bits at", offset);
  else if (within (offset, p->enable_base, p->enable_stride, p->num_contexts, &i, &rest)
           && rest / 4 < p->num_words)
    {
      p->enable[(size_t) i * p->num_words + rest / 4] = (uint32_t) value & word_mask (p, rest / 4);
      context_update (p, i);
    }
  else if (within (offset, p->context_base, p->context_stride, p->num_contexts, &i, &rest)
           && rest == CONTEXT_THRESHOLD)
    {
      p->target_priority[i] = warl_priority (p, p->target_priority[i], value);
      context_update (p, i);
    }
  else if (within (offset, p->context_base, p->context_stride, p->num_contexts, &i, &rest)
           && rest == CONTEXT_CLAIM)
    context_complete (p, i, value);
  else
    warn_once (p, "a write to no register at", offset);
  return GWT_ACCESS_OK;
}

static const struct gwt_mmio_ops plic_ops = {
  .struct_size = sizeof plic_ops,
  .min_size = 4,
  .max_size = 4,
  .read = plic_read,
  .write = plic_write,
};

/* ---- life ------------------------------------------------------------------------------------ */

static int
add_context (struct sifive_plic *p, uint32_t mode, struct gwt_error *err)
{
  uint32_t c;

  for (c = 0; c < p->num_contexts; c++)
    if (p->context_hart[c] == p->num_harts && p->context_mode[c] == mode)
      {
        host->error_set (err, GWT_E_INVALID,
                         "hart-config '%s' names a mode of hart %u twice; use 'M', 'S' or 'MS'",
                         p->hart_config, p->num_harts);
        return -1;
      }
  p->context_hart[p->num_contexts] = (uint16_t) p->num_harts;
  p->context_mode[p->num_contexts] = (uint8_t) mode;
  p->num_contexts++;
  return 0;
}

/* hart-config: modes of hart 0, a comma, modes of hart 1, ...; contexts count in that order. */
static int
parse_hart_config (struct sifive_plic *p, uint32_t cpus, struct gwt_error *err)
{
  const char *s = p->hart_config ? p->hart_config : "";

  p->num_harts = 0;
  p->num_contexts = 0;
  if (*s == 0)
    for (; p->num_harts < cpus && p->num_harts < MAX_HARTS; p->num_harts++)
      {
        if (add_context (p, MODE_M, err) < 0 || add_context (p, MODE_S, err) < 0)
          return -1;
      }
  else
    for (;; s++)
      {
        uint32_t before = p->num_contexts;

        if (p->num_harts >= MAX_HARTS)
          break;
        for (; *s == 'M' || *s == 'S'; s++)
          if (add_context (p, *s == 'M' ? MODE_M : MODE_S, err) < 0)
            return -1;
        if ((*s != 0 && *s != ',') || p->num_contexts == before)
          {
            host->error_set (err, GWT_E_INVALID,
                             "hart-config '%s' is malformed; use 'M', 'S' or 'MS' per hart, "
                             "separated by commas",
                             p->hart_config);
            return -1;
          }
        p->num_harts++;
        if (*s == 0)
          break;
      }
  if (p->num_harts != 0 && p->num_harts <= cpus && (*s == 0 || p->num_harts < MAX_HARTS))
    return 0;
  host->error_set (err, GWT_E_RANGE,
                   "hart-config names %u harts, of %u in the machine; use 1 to %u", p->num_harts,
                   cpus, cpus < MAX_HARTS ? cpus : MAX_HARTS);
  return -1;
}

/* Blocks must lie within the window and apart, or a guest would reach one through another. */
static int
check_geometry (const struct sifive_plic *p, struct gwt_error *err)
{
  const struct
  {
    const char *name;
    uint64_t base, size;
  } blocks[] = {
    { "priority-base", p->priority_base, 4 * ((uint64_t) p->num_sources + 1) },
    { "pending-base", p->pending_base, 4 * (uint64_t) p->num_words },
    { "enable-base", p->enable_base, (uint64_t) p->enable_stride * p->num_contexts },
    { "context-base", p->context_base, (uint64_t) p->context_stride * p->num_contexts },
  };
  uint32_t i, j;

  if (p->enable_stride % 4 != 0 || p->enable_stride < 4 * p->num_words
      || p->context_stride % 4 != 0)
    {
      host->error_set (
          err, GWT_E_INVALID,
          "enable-stride 0x%x or context-stride 0x%x does not fit; use multiples of 4, "
          "and %u or more for the enables of %u sources",
          p->enable_stride, p->context_stride, 4 * p->num_words, p->num_sources);
      return -1;
    }
  for (i = 0; i < GWT_COUNT (blocks); i++)
    {
      if (blocks[i].base % 4 != 0 || blocks[i].base + blocks[i].size > p->aperture_size)
        {
          host->error_set (err, GWT_E_RANGE,
                           "%s 0x%llx and its 0x%llx bytes do not fit into aperture-size 0x%x; "
                           "move the block or widen the window",
                           blocks[i].name, (unsigned long long) blocks[i].base,
                           (unsigned long long) blocks[i].size, p->aperture_size);
          return -1;
        }
      for (j = 0; j < i; j++)
        if (blocks[i].base < blocks[j].base + blocks[j].size
            && blocks[j].base < blocks[i].base + blocks[i].size)
          {
            host->error_set (err, GWT_E_INVALID, "%s 0x%llx lies over %s 0x%llx; move one of them",
                             blocks[i].name, (unsigned long long) blocks[i].base, blocks[j].name,
                             (unsigned long long) blocks[j].base);
            return -1;
          }
    }
  return 0;
}

static int
plic_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct sifive_plic *p = self;
  uint32_t cpus = devices->cpu_count (), i;

  p->device = device;
  p->num_words = p->num_sources / 32 + 1;
  if (p->first_hart >= cpus)
    {
      host->error_set (err, GWT_E_RANGE,
                       "first-hart %u is beyond the machine's %u harts; use 0 to %u", p->first_hart,
                       cpus, cpus ? cpus - 1 : 0);
      return -1;
    }
  if (parse_hart_config (p, cpus - p->first_hart, err) < 0 || check_geometry (p, err) < 0)
    return -1;
  p->num_ids = p->num_sources + 1;
  p->num_enables = p->num_contexts * p->num_words;
  for (i = 0; i < p->num_harts; i++)
    {
      p->hart[i] = devices->nth_with_interface (GWT_RISCV_HART_INTERFACE, p->first_hart + i);
      if (p->hart[i] == NULL)
        {
          host->error_set (err, GWT_E_NOT_FOUND,
                           "hart %u is not there; have the board make its harts before this device",
                           p->first_hart + i);
          return -1;
        }
    }
  if (irq->inputs (device, "irq", p->num_sources + 1, plic_input, err) < 0
      || irq->outputs (device, "m-ext", p->num_harts, p->m_line, err) < 0
      || irq->outputs (device, "s-ext", p->num_harts, p->s_line, err) < 0
      || memory->mmio (device, "sifive-plic", p->aperture_size, &plic_ops, err) == NULL)
    return -1;
  return 0;
}

static void
plic_reset (void *self, uint32_t kind)
{
  struct sifive_plic *p = self;

  (void) kind;
  memset (p->source_priority, 0, sizeof p->source_priority);
  memset (p->target_priority, 0, sizeof p->target_priority);
  memset (p->pending, 0, sizeof p->pending);
  memset (p->claimed, 0, sizeof p->claimed);
  memset (p->enable, 0, sizeof p->enable);
  /* The inputs are the other devices' to lower; a line that stays up is pending again. */
  for (uint32_t id = 1; id <= p->num_sources; id++)
    gateway (p, id);
  plic_update (p);
}

/* ---- state on the wire ----------------------------------------------------------------------- */

/* QEMU's section of its PLIC.  It has no place for the inputs' levels: there a line that falls
   takes the pending bit along. */

static uint32_t
level_needed (const void *self)
{
  const struct sifive_plic *p = self;
  uint32_t w, any = 0;

  for (w = 0; w < p->num_words; w++)
    any |= p->level[w];
  return any != 0;
}

static int
plic_pre_load (void *self, struct gwt_error *err)
{
  struct sifive_plic *p = self;

  (void) err;
  memset (p->level, 0, sizeof p->level);
  return 0;
}

static int
refuse (const char *what, uint32_t number, struct gwt_error *err)
{
  host->error_set (err, GWT_E_INVALID, "%s %u is nothing that this controller can have; start both "
                   "ends with the same properties", what, number);
  return -1;
}

static int
check_words (const struct sifive_plic *p, const uint32_t *words, const char *what,
             struct gwt_error *err)
{
  uint32_t w;

  for (w = 0; w < p->num_words; w++)
    if (words[w] & ~word_mask (p, w))
      return refuse (what, w, err);
  return 0;
}

static int
plic_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  const struct sifive_plic *p = self;
  uint32_t i;

  (void) version;
  for (i = 0; i < p->num_ids; i++)
    if (p->source_priority[i] > (i != 0 ? p->num_priorities : 0))
      return refuse ("source_priority", i, err);
  for (i = 0; i < p->num_contexts; i++)
    if (p->target_priority[i] > p->num_priorities)
      return refuse ("target_priority", i, err);
  for (i = 0; i < p->num_contexts; i++)
    if (check_words (p, p->enable + (size_t) i * p->num_words, "enable word", err) < 0)
      return -1;
  if (check_words (p, p->pending, "pending word", err) < 0
      || check_words (p, p->claimed, "claimed word", err) < 0
      || check_words (p, p->level, "level word", err) < 0)
    return -1;
  return 0;
}

static void
plic_loaded (void *self, uint32_t version)
{
  struct sifive_plic *p = self;
  uint32_t i;

  (void) version;
  for (i = 1; i <= p->num_sources; i++)
    gateway (p, i);
  for (i = 0; i < p->num_contexts; i++)
    {
      uint32_t hart = p->context_hart[i];

      /* Whatever the hart was told before. */
      p->context_level[i] = best_source (p, i, p->target_priority[i]) != 0;
      irq->set (p->context_mode[i] == MODE_M ? p->m_line[hart] : p->s_line[hart],
                p->context_level[i]);
    }
}

static const struct gwt_vm_field level_fields[]
    = { GWT_VM_ARRAY_COUNTED (struct sifive_plic, level, num_words) };
static const struct gwt_vmstate level_state
    = GWT_VMSTATE (struct sifive_plic, "riscv_sifive_plic/level", 1, 1, level_fields,
                   .needed = level_needed);
static const struct gwt_vmstate *const parts[] = { &level_state, NULL };
static const struct gwt_vm_field state_fields[] = {
  GWT_VM_ARRAY_COUNTED (struct sifive_plic, source_priority, num_ids),
  GWT_VM_ARRAY_COUNTED (struct sifive_plic, target_priority, num_contexts),
  GWT_VM_ARRAY_COUNTED (struct sifive_plic, pending, num_words),
  GWT_VM_ARRAY_COUNTED (struct sifive_plic, claimed, num_words),
  GWT_VM_ARRAY_COUNTED (struct sifive_plic, enable, num_enables),
};
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct sifive_plic, "riscv_sifive_plic", 1, 1, state_fields,
                   .subsections = parts, .pre_load = plic_pre_load, .post_load = plic_post_load,
                   .loaded = plic_loaded);
static const struct gwt_vmstate *const states[] = { &state, NULL };

static int
plic_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err)
{
  static const char *const compatible[] = { "sifive,plic-1.0.0", "riscv,plic0" };
  struct sifive_plic *p = self;
  uint32_t cells[2 * MAX_CONTEXTS], c;

  (void) err;
  for (c = 0; c < p->num_contexts; c++)
    {
      cells[2 * c] = fdt_api->phandle_of (fdt, p->hart[p->context_hart[c]]);
      cells[2 * c + 1] = p->context_mode[c] == MODE_M ? GWT_RISCV_MEIP : GWT_RISCV_SEIP;
    }
  fdt_api->strings (fdt, "compatible", compatible, GWT_COUNT (compatible));
  fdt_api->u32 (fdt, "riscv,ndev", p->num_sources);
  fdt_api->cells (fdt, "interrupts-extended", cells, 2 * p->num_contexts);
  fdt_api->phandle (fdt, p->device);
  fdt_api->empty (fdt, "interrupt-controller");
  fdt_api->u32 (fdt, "#address-cells", 0);
  fdt_api->u32 (fdt, "#interrupt-cells", 1);
  return 0;
}

static const struct gwt_device_type plic_type = {
  .struct_size = sizeof plic_type,
  .name = "sifive-plic",
  .doc = "platform-level interrupt controller",
  .instance_size = sizeof (struct sifive_plic),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .fdt_name = "plic",
  .realize = plic_realize,
  .reset = plic_reset,
  .describe = plic_describe,
  .states = states,
};

static int
plic_start (const struct gwt_host *h, struct gwt_error *err)
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
static const struct gwt_device_type *const types[] = { &plic_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "sifive-plic",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "SiFive platform-level interrupt controller",
  .required = required,
  .types = types,
  .start = plic_start,
};

GWT_PLUGIN_DEFINE ("sifive-plic", GODWIT_PLUGIN_VERSION, "sifive-plic", plugin, host)
