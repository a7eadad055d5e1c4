/* SPDX-License-Identifier: BSD-2-Clause */
/* core/cpu/vcpu.c: threads that run, halt, stop, and drop direct pointers. */
#include "config.h"
#include "tests/vcpu/mock-cpu.h"

#define RAM UINT64_C (0x80000000)

static uint32_t
count (struct cpu *cpu)
{
  return 0;
}

static void
test_run_and_stop (void)
{
  struct cpu *a = make_cpu (count), *b = make_cpu (count);
  unsigned long long steps;
  guint i;

  g_assert_cmpuint (gwt_vcpu_count (), ==, 2);
  g_assert_true (gwt_vcpu_device (1) == b->device);
  g_assert_null (gwt_vcpu_device (2));
  g_assert_cmpuint (atomic_load (&a->steps), ==, 0);
  for (i = 0; i < 200; i++)
    {
      gwt_vm_start ();
      g_assert_cmpstr (gwt_runstate_name (gwt_runstate ()), ==, "running");
      steps = atomic_load (&a->steps);
      PUMP (atomic_load (&a->steps) > steps && atomic_load (&b->steps) > 0);
      gwt_vm_stop (GWT_RUNSTATE_PAUSED);
      g_assert_cmpstr (gwt_runstate_name (gwt_runstate ()), ==, "paused");
      steps = atomic_load (&a->steps);
      g_assert_cmpuint (gwt_vcpu_executed (0), ==, steps);
      g_thread_yield ();
      g_assert_cmpuint (atomic_load (&a->steps), ==, steps);
    }
  g_assert_cmpint (gwt_vcpu_thread_id (0), >, 0);
  clean ();
  g_assert_cmpuint (gwt_vcpu_count (), ==, 0);
}

/* A vCPU that is in a device's callback, or waits for the machine lock that the stopper holds. */
static uint32_t
access_device (struct cpu *cpu)
{
  uint64_t value;

  g_assert_cmpuint (vcpu_api->load (cpu->device, 0x2000, 4, &value), ==, GWT_ACCESS_OK);
  g_assert_cmpuint (vcpu_api->store (cpu->device, 0x2000, 4, 1), ==, GWT_ACCESS_OK);
  return 0;
}

static void
test_stop_during_mmio (gconstpointer type)
{
  struct cpu *a = make_cpu (access_device), *b = make_cpu (access_device);
  unsigned long long steps;
  guint i;

  make_dev (type, 0x2000);
  for (i = 0; i < 300; i++)
    {
      gwt_vm_start ();
      steps = atomic_load (&a->steps) + atomic_load (&b->steps);
      while (atomic_load (&a->steps) + atomic_load (&b->steps) < steps + 10 && i % 3 == 0)
        g_main_context_iteration (NULL, FALSE);
      gwt_vm_stop (GWT_RUNSTATE_PAUSED);
      g_assert_true (gwt_machine_lock_held ());
    }
  g_assert_cmpuint (atomic_load (&a->steps) + atomic_load (&b->steps), >, 0);
  clean ();
}

/* ---- halting --------------------------------------------------------------------------------- */

static uint32_t
take_and_halt (struct cpu *cpu)
{
  return atomic_exchange (&cpu->pending, 0) ? 0 : GWT_EXIT_HALTED;
}

/* Two vCPUs and the main thread hand one token round: a lost wake would hang it. */
static struct cpu *ring[2];
static atomic_ullong tokens;

static uint32_t
pass_on (struct cpu *cpu)
{
  if (!atomic_exchange (&cpu->pending, 0))
    return GWT_EXIT_HALTED;
  if (atomic_fetch_add (&tokens, 1) < 100000)
    {
      struct cpu *next = ring[cpu->number ^ 1];

      atomic_store_explicit (&next->pending, 1, memory_order_relaxed);
      vcpu_api->wake (next->device);
    }
  return 0;
}

static void
test_no_lost_wake (void)
{
  atomic_store (&tokens, 0);
  ring[0] = make_cpu (pass_on);
  ring[1] = make_cpu (pass_on);
  gwt_vm_start ();
  atomic_store (&ring[0]->pending, 1);
  vcpu_api->wake (ring[0]->device);
  PUMP (atomic_load (&tokens) > 100000);
  clean ();
}

/* A halted vCPU is not run until it has work: not by a stop, not by a change of memory. */
static void
test_halt (void)
{
  GWT_AUTO_ERROR (err);
  struct cpu *cpu = make_cpu (take_and_halt);
  struct gwt_region *ram = gwt_memory_new_ram ("ram", 4096, 0, &err);
  guint i;

  gwt_vm_start ();
  PUMP (gwt_vcpu_halted (0));
  for (i = 0; i < 50; i++)
    {
      gwt_vm_stop (GWT_RUNSTATE_PAUSED);
      g_assert_true (gwt_memory_map (ram, RAM, 0, &err));
      gwt_vm_start ();
      gwt_memory_unmap (ram);
    }
  g_assert_cmpuint (atomic_load (&cpu->steps), ==, 1);
  g_assert_true (gwt_vcpu_halted (0));
  atomic_store (&cpu->pending, 1);
  vcpu_api->wake (cpu->device);
  PUMP (atomic_load (&cpu->steps) == 3);
  /* It dropped its pointers before it ran again. */
  g_assert_cmpuint (atomic_load (&cpu->map_changes), >, 0);
  clean ();
}

/* ---- changes of memory ----------------------------------------------------------------------- */

/* Changes of the map that began, and that map () returned from. */
static atomic_uint begun, completed;
static atomic_bool violated;
static atomic_bool mapper_done;

struct pointer
{
  uint8_t *host;
  unsigned seen;  /* map_changes when it was fetched */
  unsigned begun; /* changes that had begun then */
};

static uint32_t
use_pointer (struct cpu *cpu)
{
  struct pointer *p = cpu->data;

  if (!p->host || p->seen != atomic_load (&cpu->map_changes))
    {
      struct gwt_span span;

      p->seen = atomic_load (&cpu->map_changes);
      p->begun = atomic_load (&begun);
      if (vcpu_api->span (cpu->device, RAM, 0, &span) != GWT_ACCESS_OK)
        return 0;
      p->host = span.host;
    }
  (void) __atomic_load_n (p->host, __ATOMIC_RELAXED);
  /* A change that began after the pointer was fetched is complete, and the pointer is still in
     use. */
  if (atomic_load (&completed) > p->begun)
    atomic_store (&violated, true);
  return 0;
}

static uint32_t
remap (struct dev *dev, uint64_t offset, uint64_t value)
{
  GWT_AUTO_ERROR (err);

  atomic_fetch_add (&begun, 1);
  g_assert_true (gwt_memory_map (dev->other, value & 1 ? RAM : RAM + 0x100000, 1, &err));
  atomic_fetch_add (&completed, 1);
  return GWT_ACCESS_OK;
}

static uint32_t
drive_remap (struct cpu *cpu)
{
  uint64_t n = atomic_load (&begun) + 1;

  vcpu_api->store (cpu->device, 0x1000, 4, n);
  if (n >= 4000)
    atomic_store (&mapper_done, true);
  return 0;
}

/*
 * One vCPU moves memory from within a device's callback, with the machine lock or a device's own;
 * the others execute from that memory or wait for the same lock.  No deadlock, and no old pointer
 * in use once map () has returned.
 */
static void
test_remap (gconstpointer type)
{
  GWT_AUTO_ERROR (err);
  struct pointer pointers[2] = { { 0 } };
  struct dev *dev = make_dev (type, 0x1000);
  guint i;

  atomic_store (&begun, 0);
  atomic_store (&completed, 0);
  atomic_store (&violated, false);
  atomic_store (&mapper_done, false);
  g_assert_true (gwt_memory_map (gwt_memory_new_ram ("low", 0x1000, 0, &err), RAM, 0, &err));
  dev->other = gwt_memory_new_ram ("moving", 0x1000, 0, &err);
  dev->on_write = remap;
  make_dev (type, 0x2000);
  make_cpu (drive_remap);
  for (i = 0; i < 2; i++)
    make_cpu (use_pointer)->data = &pointers[i];
  make_cpu (access_device);
  gwt_vm_start ();
  PUMP (atomic_load (&mapper_done));
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  /* Where the device has its own lock the change follows the callback, so that the callback cannot
     know that it has been made. */
  if (strcmp (type, "dev-own") != 0)
    g_assert_false (atomic_load (&violated));
  g_assert_cmpuint (atomic_load (&completed), >=, 4000);
  clean ();
}

/* ---- dirty rounds ---------------------------------------------------------------------------- */

#define PAGES 64

struct writer
{
  uint8_t *host[PAGES]; /* direct store pointers, as a TLB has them */
  unsigned seen;
  uint64_t n;
};

static uint32_t
write_pages (struct cpu *cpu)
{
  struct writer *w = cpu->data;
  guint page = (guint) (++w->n * 7 % PAGES);

  if (w->seen != atomic_load (&cpu->dirty_changes))
    {
      w->seen = atomic_load (&cpu->dirty_changes);
      memset (w->host, 0, sizeof (w->host));
    }
  if (!w->host[page])
    {
      struct gwt_span span;

      vcpu_api->span (cpu->device, RAM + page * 4096, 1, &span);
      g_assert_true (span.flags & GWT_SPAN_WRITE);
      w->host[page] = span.host + (RAM + page * 4096 - span.address);
    }
  __atomic_store_n ((uint64_t *) w->host[page] + cpu->number, w->n, __ATOMIC_RELAXED);
  /* Some go the slow way, and some through a device. */
  if (w->n % 64 == 0)
    vcpu_api->store (cpu->device, RAM + page * 4096 + 64 + 8 * cpu->number, 8, w->n);
  if (w->n % 32 == 0)
    {
      vcpu_api->store (cpu->device, 0x1000, 8, page);
      /* The rest of a block, with pointers looked up before the device was called. */
      __atomic_store_n ((uint64_t *) w->host[page] + cpu->number, w->n + 1000, __ATOMIC_RELAXED);
    }
  return 0;
}

static uint32_t
dma_page (struct dev *dev, uint64_t offset, uint64_t page)
{
  static atomic_ullong writes;
  uint64_t n = atomic_fetch_add (&writes, 1) + 1;

  g_thread_yield ();
  return memory_api->dma_write (dev->device, RAM + page * 4096 + 128, &n, 8);
}

static void
copy_page (uint8_t *copy, const struct gwt_ram_block *block, guint page)
{
  guint i;

  for (i = 0; i < 160; i += 8)
    *(uint64_t *) (copy + page * 4096 + i)
        = __atomic_load_n ((uint64_t *) (block->host + page * 4096 + i), __ATOMIC_RELAXED);
}

static void
sync_copy (uint8_t *copy, struct gwt_ram_block *block)
{
  uint64_t bits;
  guint page;

  gwt_memory_dirty_sync (block, &bits);
  for (page = 0; page < PAGES; page++)
    if (bits >> page & 1)
      copy_page (copy, block, page);
}

/* A copy that is kept up to date by dirty bits alone is equal whenever the guest stands. */
static void
test_no_lost_dirty_bit (gconstpointer type)
{
  GWT_AUTO_ERROR (err);
  struct gwt_region *ram = gwt_memory_new_ram ("ram", PAGES * 4096, GWT_RAM_MIGRATED, &err);
  struct gwt_ram_block *block = gwt_memory_region_block (ram);
  g_autofree struct writer *writers = g_new0 (struct writer, 2);
  g_autofree uint8_t *copy = g_malloc0 (block->size);
  struct cpu *cpus[2];
  uint64_t bits;
  guint i, round, page;

  g_assert_true (gwt_memory_map (ram, RAM, 0, &err));
  make_dev (type, 0x1000)->on_write = dma_page;
  for (i = 0; i < 2; i++)
    {
      cpus[i] = make_cpu (write_pages);
      cpus[i]->data = &writers[i];
    }
  gwt_vm_start ();
  PUMP (atomic_load (&cpus[0]->steps) > 1000 && atomic_load (&cpus[1]->steps) > 1000);
  g_assert_true (gwt_memory_dirty_start (&err));
  for (page = 0; page < PAGES; page++)
    copy_page (copy, block, page);
  for (round = 0; round < 400; round++)
    {
      unsigned long long steps = atomic_load (&cpus[0]->steps);

      while (round % 4 == 0 && atomic_load (&cpus[0]->steps) < steps + 200)
        g_main_context_iteration (NULL, FALSE);
      sync_copy (copy, block);
      /* Stopped right behind a sync of the running guest: a bit that was lost stays lost. */
      gwt_vm_stop (GWT_RUNSTATE_PAUSED);
      sync_copy (copy, block);
      g_assert_cmpmem (copy, block->size, block->host, block->size);
      gwt_vm_start ();
    }
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  sync_copy (copy, block);
  g_assert_cmpuint (gwt_memory_dirty_sync (block, &bits), ==, 0);
  gwt_memory_dirty_stop ();
  gwt_vm_start ();
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  clean ();
}

/* ---- work on another vCPU -------------------------------------------------------------------- */

static void
add_one (void *self, void *arg)
{
  atomic_fetch_add ((atomic_ullong *) arg, 1);
}

static uint32_t
ask_others (struct cpu *cpu)
{
  struct cpu *other = cpu->data;
  atomic_ullong done = 0;

  vcpu_api->run_on (other->device, add_one, &done);
  g_assert_cmpuint (done, ==, 1);
  vcpu_api->run_on (cpu->device, add_one, &done);
  g_assert_cmpuint (done, ==, 2);
  return 0;
}

static void
test_run_on (void)
{
  struct cpu *a = make_cpu (ask_others), *b = make_cpu (ask_others), *sleeper = make_cpu (NULL);
  atomic_ullong done = 0;
  guint i;

  a->data = b;
  b->data = a;
  gwt_vm_start ();
  for (i = 0; i < 100; i++)
    {
      /* The main thread too, and on one that sleeps, runs, or stands still. */
      vcpu_api->run_on (sleeper->device, add_one, &done);
      vcpu_api->run_on (a->device, add_one, &done);
      gwt_vm_stop (GWT_RUNSTATE_PAUSED);
      vcpu_api->run_on (a->device, add_one, &done);
      gwt_vm_start ();
    }
  g_assert_cmpuint (done, ==, 300);
  PUMP (atomic_load (&a->steps) > 100 && atomic_load (&b->steps) > 100);
  g_assert_cmpuint (atomic_load (&sleeper->steps), ==, 1);
  clean ();
}

/* ---- what cannot be a CPU -------------------------------------------------------------------- */

static void
test_refusals (void)
{
  GWT_AUTO_ERROR (err);
  struct dev *dev = make ("dev-machine", "d");
  struct cpu *cpu = make_cpu (NULL);

  g_assert_false (gwt_vcpu_new (dev->device, &err));
  g_assert_cmpstr (err.text, ==, "device 'd': its type does not offer gwt.cpu/1; use a CPU's type");
  gwt_error_clear (&err);
  g_assert_false (gwt_vcpu_new (cpu->device, &err));
  g_assert_cmpstr (err.text, ==,
                   "device 'mock-cpu0': it runs as a CPU already; use another device");
  clean ();
}

static uint32_t
leave_for_mmio (struct cpu *cpu)
{
  if (cpu->run->exit_reason == GWT_EXIT_MMIO && !cpu->run->mmio_is_write)
    {
      g_assert_cmpuint (cpu->run->mmio_status, ==, GWT_ACCESS_OK);
      g_assert_cmphex (cpu->run->mmio_data, ==, 0xabcd);
    }
  cpu->run->mmio_address = 0x1000;
  cpu->run->mmio_size = 4;
  cpu->run->mmio_is_write = cpu->run->executed & 1;
  return GWT_EXIT_MMIO;
}

static void
test_mmio_exit (void)
{
  struct cpu *cpu = make_cpu (leave_for_mmio);

  atomic_store (&make_dev ("dev-machine", 0x1000)->value, 0xabcd);
  gwt_vm_start ();
  PUMP (atomic_load (&cpu->steps) > 1000);
  clean ();
}

int
main (int argc, char **argv)
{
  static const char *const types[] = { "dev-machine", "dev-own", "dev-parallel" };
  int status;
  guint i;

  g_test_init (&argc, &argv, NULL);
  set_up ();
  g_test_add_func ("/vcpu/run-and-stop", test_run_and_stop);
  g_test_add_func ("/vcpu/no-lost-wake", test_no_lost_wake);
  g_test_add_func ("/vcpu/halt", test_halt);
  g_test_add_func ("/vcpu/run-on", test_run_on);
  g_test_add_func ("/vcpu/refusals", test_refusals);
  g_test_add_func ("/vcpu/mmio-exit", test_mmio_exit);
  for (i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *stop = g_strdup_printf ("/vcpu/stop-during-mmio/%s", types[i]);
      g_autofree char *map = g_strdup_printf ("/vcpu/remap/%s", types[i]);
      g_autofree char *dirty = g_strdup_printf ("/vcpu/no-lost-dirty-bit/%s", types[i]);

      g_test_add_data_func (stop, types[i], test_stop_during_mmio);
      g_test_add_data_func (map, types[i], test_remap);
      g_test_add_data_func (dirty, types[i], test_no_lost_dirty_bit);
    }
  status = g_test_run ();
  gwt_run_finish ();
  return status;
}
