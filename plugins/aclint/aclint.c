/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACLINT: software interrupts (MSWI) and timer (MTIMER) of the machine level, in the one window and
 * at the offsets of the SiFive CLINT.
 *
 * Threads: parallel.  Harts send each other interrupts and arm their timers all the time, so
 * nothing here takes a lock; see hart_update for how a late answer is kept from winning over a
 * newer one. It must not know what a hart does with the lines, nor with the time that it is handed.
 */
#include <godwit/godwit.h>

#include <string.h>

/* CLINT layout: SiFive FU540-C000 manual, chapter 9; the same as in the ACLINT specification. */
#define WINDOW 0x10000
#define MSWI_BASE 0x0
#define MTIMECMP_BASE 0x4000
#define MTIME 0xbff8
#define MAX_HARTS 4095

#define NS_PER_S 1000000000u

static const struct gwt_host *host;
static const struct gwt_device_api *devices;
static const struct gwt_memory_api *memory;
static const struct gwt_irq_api *irq;
static const struct gwt_clock_api *clocks;
static const struct gwt_fdt_api *fdt_api;

struct aclint;

/* What a hart's timer is called back with. */
struct aclint_wakeup
{
  struct aclint *aclint;
  uint64_t hart;
};

struct aclint
{
  uint32_t num_harts;
  uint32_t first_hart;
  uint32_t hz;
  uint8_t warned;
  uint8_t pad[3];

  uint64_t timecmp[MAX_HARTS];
  uint64_t time_delta; /* mtime - ticks of the virtual clock, modulo 2^64 */
  uint32_t msip[MAX_HARTS];
  uint32_t changes[MAX_HARTS]; /* counts what hart_update depends on */
  uint32_t pad_2[2];

  struct gwt_device *hart[MAX_HARTS];
  struct gwt_irq *msip_line[MAX_HARTS];
  struct gwt_irq *mtip_line[MAX_HARTS];
  struct gwt_timer *timers[MAX_HARTS];
  struct aclint_wakeup wakeup[MAX_HARTS];
  struct gwt_riscv_time time;
};

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct aclint, num_harts, "num-harts", .max = MAX_HARTS,
                .doc = "harts served, 0: all of the machine's from first-hart on"),
  GWT_PROP_ROW (struct aclint, first_hart, "first-hart", .max = UINT32_MAX,
                .doc = "number of the first hart served"),
  GWT_PROP_ROW (struct aclint, hz, "timebase-frequency", .def = 10000000, .min = 1,
                .max = UINT32_MAX, .doc = "mtime's ticks per second"),
  GWT_HOST_ROW (struct aclint, warned, "whether the log has a line about the guest already"),
  GWT_HOST_ROW (struct aclint, pad, "padding"),
  GWT_REG_ARRAY (struct aclint, timecmp, "mtimecmp", MTIMECMP_BASE, .count = "num-harts",
                 .wmask = UINT64_MAX, .doc = "compare value per hart"),
  GWT_STATE_ROW (struct aclint, time_delta, "time-delta",
                 .doc = "mtime minus the ticks of the virtual clock"),
  GWT_REG_ARRAY (struct aclint, msip, "msip", MSWI_BASE, .count = "num-harts", .max = 1, .wmask = 1,
                 .doc = "software interrupt per hart"),
  GWT_HOST_ROW (struct aclint, changes, "orders threads, means nothing between runs"),
  GWT_HOST_ROW (struct aclint, pad_2, "padding"),
  GWT_HOST_ROW (struct aclint, hart, "handles of the host"),
  GWT_HOST_ROW (struct aclint, msip_line, "handles of the host"),
  GWT_HOST_ROW (struct aclint, mtip_line, "handles of the host"),
  GWT_HOST_ROW (struct aclint, timers, "follows from mtimecmp and time-delta"),
  GWT_HOST_ROW (struct aclint, wakeup, "pointers for timer callbacks"),
  GWT_HOST_ROW (struct aclint, time, "function table for the harts"),
};

/* ---- time ------------------------------------------------------------------------------------ */

/* floor (NS * hz / 10^9) with no overflow on the way, as hz < 2^32. */
static uint64_t
ticks_of_ns (const struct aclint *a, uint64_t ns)
{
  return ns / NS_PER_S * a->hz + ns % NS_PER_S * a->hz / NS_PER_S;
}

static uint64_t
mtime_at (const struct aclint *a, uint64_t ns)
{
  return ticks_of_ns (a, ns) + __atomic_load_n (&a->time_delta, __ATOMIC_ACQUIRE);
}

static uint64_t
mtime_now (void *source)
{
  return mtime_at (source, clocks->now (GWT_CLOCK_VIRTUAL));
}

/* First ns of the virtual clock at which mtime is at least TICKS, where it is MTIME at NOW.  mtime
   is taken to run straight on from there, so that a delta that wraps makes no difference. */
static uint64_t
when_from (const struct aclint *a, uint64_t now, uint64_t mtime, uint64_t ticks)
{
  uint64_t raw, seconds, rest;

  if (mtime >= ticks)
    return now;
  raw = ticks_of_ns (a, now);
  if (ticks - mtime > UINT64_MAX - raw)
    return GWT_TIMER_OFF;
  raw += ticks - mtime;
  seconds = raw / a->hz;
  if (seconds >= UINT64_MAX / NS_PER_S)
    return GWT_TIMER_OFF;
  /* Rounded up: rounding down would fire a tick early and then find nothing to do. */
  rest = (raw % a->hz * NS_PER_S + a->hz - 1) / a->hz;
  return seconds * NS_PER_S + rest;
}

static uint64_t
mtime_when (void *source, uint64_t ticks)
{
  uint64_t now = clocks->now (GWT_CLOCK_VIRTUAL);

  return when_from (source, now, mtime_at (source, now), ticks);
}

/*
 * Drive a hart's timer line and arm its timer.  Any thread may be in here for the same hart: the
 * hart that writes mtimecmp, the main loop whose timer fired, another hart that writes mtime.
 * Whoever changed something has counted it before; whoever finds the count moved after its answer
 * was given gives another, so that the last answer is about the last change.  Meanwhile the line
 * may lag, which the Privileged Architecture (3.2.1) allows: MTIP falls eventually, not at once.
 */
static void
hart_update (struct aclint *a, uint32_t hart)
{
  uint32_t seen;

  do
    {
      uint64_t now = clocks->now (GWT_CLOCK_VIRTUAL), mtime, cmp, when = GWT_TIMER_OFF;
      uint32_t level;

      seen = __atomic_load_n (&a->changes[hart], __ATOMIC_SEQ_CST);
      cmp = __atomic_load_n (&a->timecmp[hart], __ATOMIC_SEQ_CST);
      mtime = mtime_at (a, now);
      level = mtime >= cmp;
      if (!level)
        when = when_from (a, now, mtime, cmp);
      /* A line that stands right already is left alone, which is the rule.  Whoever is about to set
         it wrong will find the count moved and set it right again. */
      if (irq->level (a->mtip_line[hart]) != level)
        irq->set (a->mtip_line[hart], level);
      clocks->timer_set (a->timers[hart], when);
    }
  while (__atomic_load_n (&a->changes[hart], __ATOMIC_SEQ_CST) != seen);
}

static void
hart_changed (struct aclint *a, uint32_t hart)
{
  __atomic_add_fetch (&a->changes[hart], 1, __ATOMIC_SEQ_CST);
  hart_update (a, hart);
}

static void
hart_timer (void *self)
{
  const struct aclint_wakeup *w = self;

  hart_changed (w->aclint, (uint32_t) w->hart);
}

/* The harts' own compare values (Sstc) hang on mtime too. */
static void
mtime_changed (struct aclint *a)
{
  uint32_t i;

  for (i = 0; i < a->num_harts; i++)
    {
      const struct gwt_riscv_hart_ops *ops
          = devices->interface_of (a->hart[i], GWT_RISCV_HART_INTERFACE);

      hart_changed (a, i);
      if (GWT_HAS (ops, time_changed))
        ops->time_changed (devices->instance (a->hart[i]));
    }
}

/* ---- registers ------------------------------------------------------------------------------- */

static void
warn_once (struct aclint *a, const char *what, uint64_t offset)
{
  if (__atomic_exchange_n (&a->warned, 1, __ATOMIC_RELAXED))
    return;
  host->log (GWT_LOG_GUEST, "aclint: a %s at 0x%llx, where no register is", what,
             (unsigned long long) offset);
}

/* Replace the SIZE bytes of OLD that begin at byte OFFSET & 7. */
static uint64_t
merge (uint64_t old, uint64_t offset, uint32_t size, uint64_t value)
{
  uint32_t shift = (offset & 4) * 8;

  if (size == 8)
    return value;
  return (old & ~((uint64_t) 0xffffffff << shift)) | (value & 0xffffffff) << shift;
}

static uint64_t
part (uint64_t whole, uint64_t offset, uint32_t size)
{
  return size == 8 ? whole : (whole >> (offset & 4) * 8) & 0xffffffff;
}

static uint32_t
aclint_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct aclint *a = self;
  uint64_t hart;

  if (offset < MTIMECMP_BASE)
    {
      hart = offset / 4;
      if (size != 4)
        return GWT_ACCESS_ERROR;
      if (hart < a->num_harts)
        *value = __atomic_load_n (&a->msip[hart], __ATOMIC_ACQUIRE);
      else
        warn_once (a, "read", offset);
      return GWT_ACCESS_OK;
    }
  hart = (offset - MTIMECMP_BASE) / 8;
  if (hart < a->num_harts)
    *value = part (__atomic_load_n (&a->timecmp[hart], __ATOMIC_ACQUIRE), offset, size);
  else if ((offset & ~(uint64_t) 7) == MTIME)
    *value = part (mtime_now (a), offset, size);
  else
    warn_once (a, "read", offset);
  return GWT_ACCESS_OK;
}

/* A hart clears its bit while another sets it.  Were the line driven once with the value written,
   the clearing hart could come last with its old 0: an interrupt lost for good.  So whoever finds
   the register changed behind it drives the line again. */
static void
msip_update (struct aclint *a, uint32_t hart)
{
  uint32_t level;

  do
    {
      level = __atomic_load_n (&a->msip[hart], __ATOMIC_SEQ_CST);
      irq->set (a->msip_line[hart], level);
    }
  while (__atomic_load_n (&a->msip[hart], __ATOMIC_SEQ_CST) != level);
}

static void
write_mtimecmp (struct aclint *a, uint32_t hart, uint64_t offset, uint32_t size, uint64_t value)
{
  uint64_t old = __atomic_load_n (&a->timecmp[hart], __ATOMIC_RELAXED), new;

  /* Two harts may write the two halves at once. */
  do
    new = merge (old, offset, size, value);
  while (!__atomic_compare_exchange_n (&a->timecmp[hart], &old, new, 0, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED));
  hart_changed (a, hart);
}

static void
write_mtime (struct aclint *a, uint64_t offset, uint32_t size, uint64_t value)
{
  uint64_t raw = ticks_of_ns (a, clocks->now (GWT_CLOCK_VIRTUAL));
  uint64_t old = __atomic_load_n (&a->time_delta, __ATOMIC_RELAXED), new;

  do
    new = merge (raw + old, offset, size, value) - raw;
  while (!__atomic_compare_exchange_n (&a->time_delta, &old, new, 0, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED));
  mtime_changed (a);
}

static uint32_t
aclint_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct aclint *a = self;
  uint64_t hart;

  if (offset < MTIMECMP_BASE)
    {
      hart = offset / 4;
      if (size != 4)
        return GWT_ACCESS_ERROR;
      if (hart < a->num_harts)
        {
          __atomic_store_n (&a->msip[hart], value & 1, __ATOMIC_SEQ_CST);
          msip_update (a, (uint32_t) hart);
        }
      else
        warn_once (a, "write", offset);
      return GWT_ACCESS_OK;
    }
  hart = (offset - MTIMECMP_BASE) / 8;
  if (hart < a->num_harts)
    write_mtimecmp (a, (uint32_t) hart, offset, size, value);
  else if ((offset & ~(uint64_t) 7) == MTIME)
    write_mtime (a, offset, size, value);
  else
    warn_once (a, "write", offset);
  return GWT_ACCESS_OK;
}

static const struct gwt_mmio_ops aclint_ops = {
  .struct_size = sizeof aclint_ops,
  .min_size = 4,
  .max_size = 8,
  .read = aclint_read,
  .write = aclint_write,
};

/* ---- life ------------------------------------------------------------------------------------ */

static int
aclint_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct aclint *a = self;
  uint32_t cpus = devices->cpu_count (), i;

  if (a->first_hart >= cpus)
    {
      host->error_set (err, GWT_E_RANGE,
                       "first-hart %u is beyond the machine's %u harts; use 0 to %u", a->first_hart,
                       cpus, cpus ? cpus - 1 : 0);
      return -1;
    }
  if (a->num_harts == 0)
    a->num_harts = cpus - a->first_hart;
  if (a->num_harts > MAX_HARTS || a->num_harts > cpus - a->first_hart)
    {
      uint32_t most = cpus - a->first_hart < MAX_HARTS ? cpus - a->first_hart : MAX_HARTS;

      host->error_set (err, GWT_E_RANGE,
                       "%u harts are more than can be served; use num-harts 1 to %u", a->num_harts,
                       most);
      return -1;
    }
  for (i = 0; i < a->num_harts; i++)
    {
      a->hart[i] = devices->nth_with_interface (GWT_RISCV_HART_INTERFACE, a->first_hart + i);
      if (a->hart[i] == NULL)
        {
          host->error_set (err, GWT_E_NOT_FOUND,
                           "hart %u is not there; have the board make its harts before this device",
                           a->first_hart + i);
          return -1;
        }
    }
  a->time.struct_size = sizeof a->time;
  a->time.hz = a->hz;
  a->time.source = a;
  a->time.ticks = mtime_now;
  a->time.when = mtime_when;
  if (irq->outputs (device, "msip", a->num_harts, a->msip_line, err) < 0
      || irq->outputs (device, "mtip", a->num_harts, a->mtip_line, err) < 0)
    return -1;
  for (i = 0; i < a->num_harts; i++)
    {
      a->timecmp[i] = UINT64_MAX;
      a->wakeup[i].aclint = a;
      a->wakeup[i].hart = i;
      a->timers[i] = clocks->timer_new (device, GWT_CLOCK_VIRTUAL, hart_timer, &a->wakeup[i], err);
      if (a->timers[i] == NULL)
        return -1;
    }
  if (memory->mmio (device, "aclint", WINDOW, &aclint_ops, err) == NULL)
    return -1;
  /* Last, as the harts keep the pointer. */
  for (i = 0; i < a->num_harts; i++)
    {
      const struct gwt_riscv_hart_ops *ops
          = devices->interface_of (a->hart[i], GWT_RISCV_HART_INTERFACE);

      ops->set_time (devices->instance (a->hart[i]), &a->time);
    }
  return 0;
}

static void
aclint_reset (void *self, uint32_t kind)
{
  struct aclint *a = self;
  uint32_t i;

  (void) kind;
  /* ACLINT specification: mtime and msip come up as zero.  mtimecmp is undefined there; the highest
     value keeps the line down. */
  __atomic_store_n (&a->time_delta, (uint64_t) 0 - ticks_of_ns (a, clocks->now (GWT_CLOCK_VIRTUAL)),
                    __ATOMIC_SEQ_CST);
  for (i = 0; i < a->num_harts; i++)
    {
      __atomic_store_n (&a->timecmp[i], UINT64_MAX, __ATOMIC_SEQ_CST);
      __atomic_store_n (&a->msip[i], 0, __ATOMIC_SEQ_CST);
      msip_update (a, i);
    }
  mtime_changed (a);
}

/* ---- state on the wire ----------------------------------------------------------------------- */

/* QEMU's section of its timer device, version 3 as of 11.1: version 1 forgets where mtime stands.
   QEMU has none for software interrupts. */

static uint32_t
msip_needed (const void *self)
{
  const struct aclint *a = self;
  uint32_t i, any = 0;

  for (i = 0; i < a->num_harts; i++)
    any |= a->msip[i];
  return any;
}

static int
aclint_pre_load (void *self, struct gwt_error *err)
{
  struct aclint *a = self;

  (void) err;
  memset (a->msip, 0, sizeof a->msip);
  return 0;
}

static void
aclint_loaded (void *self, uint32_t version)
{
  struct aclint *a = self;
  uint32_t i;

  (void) version;
  for (i = 0; i < a->num_harts; i++)
    {
      msip_update (a, i);
      /* Whatever the hart was told of this line: hart_update leaves one alone that stands right. */
      irq->set (a->mtip_line[i], irq->level (a->mtip_line[i]));
    }
  mtime_changed (a);
}

static const struct gwt_vm_field msip_fields[]
    = { GWT_VM_ARRAY_COUNTED (struct aclint, msip, num_harts, .max = 1) };
static const struct gwt_vmstate msip_state
    = GWT_VMSTATE (struct aclint, "riscv_mtimer/msip", 1, 1, msip_fields, .needed = msip_needed);
static const struct gwt_vmstate *const parts[] = { &msip_state, NULL };
static const struct gwt_vm_field state_fields[] = {
  GWT_VM_VALUE (struct aclint, time_delta),
  GWT_VM_ARRAY_COUNTED (struct aclint, timecmp, num_harts),
  /* They follow from the two, and are set anew. */
  GWT_VM_TIMED_COUNTED (struct aclint, timers, num_harts),
};
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct aclint, "riscv_mtimer", 3, 3, state_fields, .subsections = parts,
                   .pre_load = aclint_pre_load, .loaded = aclint_loaded);
static const struct gwt_vmstate *const states[] = { &state, NULL };

static int
aclint_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err)
{
  static const char *const compatible[] = { "sifive,clint0", "riscv,clint0" };
  struct aclint *a = self;
  uint32_t cells[4 * MAX_HARTS], n = 0, i;

  (void) err;
  for (i = 0; i < a->num_harts; i++)
    {
      uint32_t phandle = fdt_api->phandle_of (fdt, a->hart[i]);

      cells[n++] = phandle;
      cells[n++] = GWT_RISCV_MSIP;
      cells[n++] = phandle;
      cells[n++] = GWT_RISCV_MTIP;
    }
  fdt_api->strings (fdt, "compatible", compatible, GWT_COUNT (compatible));
  fdt_api->cells (fdt, "interrupts-extended", cells, n);
  return 0;
}

static const struct gwt_device_type aclint_type = {
  .struct_size = sizeof aclint_type,
  .name = "aclint",
  .doc = "core-local interruptor: software interrupts and machine timer",
  .threads = GWT_THREADS_PARALLEL,
  .instance_size = sizeof (struct aclint),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .fdt_name = "clint",
  .realize = aclint_realize,
  .reset = aclint_reset,
  .describe = aclint_describe,
  .states = states,
};

static int
aclint_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void) err;
  devices = h->extension (GWT_DEVICE_EXT);
  memory = h->extension (GWT_MEMORY_EXT);
  irq = h->extension (GWT_IRQ_EXT);
  clocks = h->extension (GWT_CLOCK_EXT);
  fdt_api = h->extension (GWT_FDT_EXT);
  return 0;
}

static const char *const required[]
    = { GWT_DEVICE_EXT, GWT_MEMORY_EXT, GWT_IRQ_EXT, GWT_CLOCK_EXT, GWT_FDT_EXT, NULL };
static const struct gwt_device_type *const types[] = { &aclint_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "aclint",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "RISC-V ACLINT in the CLINT's layout",
  .required = required,
  .types = types,
  .start = aclint_start,
};

GWT_PLUGIN_DEFINE ("aclint", GODWIT_PLUGIN_VERSION, "aclint", plugin, host)
