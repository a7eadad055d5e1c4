/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the core itself costs, in ns: an MMIO access from a vCPU to a device and back under each
 * thread model, a look at the clock, a timer's way from its due time to its device, a halted vCPU's
 * way from wake to running.  No guest and no CPU model: those are measured by bench-cpu.
 */
#include "config.h"
#include <stdio.h>
#include "tests/vcpu/mock-cpu.h"

#define ACCESSES 2000000
#define ROUNDS 2000

static uint64_t
now (void)
{
  return gwt_clock_now (GWT_CLOCK_REAL);
}

static void
result (const char *what, double value)
{
  printf ("%-44s %8.1f ns\n", what, value);
}

static atomic_bool finished;
static double per_access;

static uint32_t
access_often (struct cpu *cpu)
{
  uint64_t value, begin = now ();
  guint i;

  for (i = 0; i < ACCESSES; i++)
    vcpu_api->load (cpu->device, 0x1000, 4, &value);
  per_access = (double) (now () - begin) / ACCESSES;
  atomic_store (&finished, true);
  return GWT_EXIT_HALTED;
}

static void
bench_mmio (const char *type)
{
  g_autofree char *what = g_strdup_printf ("MMIO load, %s", type);

  make_dev (type, 0x1000);
  make_dev ("dev-machine", 0x2000);
  make_cpu (access_often);
  atomic_store (&finished, false);
  gwt_vm_start ();
  PUMP (atomic_load (&finished));
  result (what, per_access);
  clean ();
}

static void
bench_clock (void)
{
  uint64_t begin;
  guint i;

  make_cpu (NULL);
  gwt_vm_start ();
  begin = now ();
  for (i = 0; i < ACCESSES; i++)
    (void) gwt_clock_now (GWT_CLOCK_VIRTUAL);
  result ("virtual clock", (double) (now () - begin) / ACCESSES);
  clean ();
}

static struct gwt_timer *timer;
static uint64_t late;
static guint n_fired;

static void
fired (void *self)
{
  uint64_t t = now ();
  uint64_t *expiry = self;

  late += t - *expiry;
  if (++n_fired < ROUNDS)
    clock_api->timer_set (timer, *expiry = t + 200000);
}

static void
bench_timer (void)
{
  GWT_AUTO_ERROR (err);
  static uint64_t expiry;
  struct dev *dev = make ("dev-machine", NULL);

  timer = clock_api->timer_new (dev->device, GWT_CLOCK_REAL, fired, &expiry, &err);
  clock_api->timer_set (timer, expiry = now () + 200000);
  while (n_fired < ROUNDS)
    g_main_context_iteration (NULL, TRUE);
  result ("timer, due to callback", (double) late / ROUNDS);
  clean ();
}

static atomic_ullong woken_at;
static atomic_uint n_woken;

static uint32_t
note_wake (struct cpu *cpu)
{
  if (!atomic_exchange (&cpu->pending, 0))
    return GWT_EXIT_HALTED;
  atomic_store (&woken_at, now ());
  atomic_fetch_add (&n_woken, 1);
  return 0;
}

static void
bench_wake (void)
{
  struct cpu *cpu = make_cpu (note_wake);
  uint64_t total = 0, begin;
  guint i;

  gwt_vm_start ();
  PUMP (gwt_vcpu_halted (0));
  for (i = 0; i < ROUNDS; i++)
    {
      /* Let it fall asleep for good. */
      begin = now () + 100000;
      while (now () < begin || !gwt_vcpu_halted (0))
        ;
      begin = now ();
      atomic_store (&cpu->pending, 1);
      vcpu_api->wake (cpu->device);
      while (atomic_load (&n_woken) <= i)
        ;
      total += atomic_load (&woken_at) - begin;
    }
  result ("halted vCPU, wake to running", (double) total / ROUNDS);
  begin = now ();
  for (i = 0; i < ROUNDS; i++)
    {
      gwt_vm_stop (GWT_RUNSTATE_PAUSED);
      gwt_vm_start ();
    }
  result ("stop and start", (double) (now () - begin) / ROUNDS);
  clean ();
}

int
main (void)
{
  set_up ();
  bench_mmio ("dev-machine");
  bench_mmio ("dev-own");
  bench_mmio ("dev-parallel");
  bench_clock ();
  bench_timer ();
  bench_wake ();
  gwt_run_finish ();
  return 0;
}
