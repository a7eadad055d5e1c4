/* SPDX-License-Identifier: BSD-2-Clause */
/* core/cpu/throttle.c: vCPUs that rest do what else they are asked for, and go on when told. */
#include "config.h"
#include "core/cpu/throttle.h"
#include <time.h>
#include "core/cpu/vcpu.h"
#include "tests/vcpu/mock-cpu.h"

#define AN_HOUR (INT64_C (3600) * G_USEC_PER_SEC)

static uint32_t
count (struct cpu *cpu)
{
  (void) cpu;
  return 0;
}

static uint32_t
take_and_halt (struct cpu *cpu)
{
  return atomic_exchange (&cpu->pending, 0) ? 0 : GWT_EXIT_HALTED;
}

static void
look (void *self, void *arg)
{
  *(unsigned long long *) arg = atomic_load (&((struct cpu *) self)->steps);
}

/* All would hang if it waited for the end of the rest. */
static void
test_rest (void)
{
  GWT_AUTO_ERROR (err);
  struct cpu *cpu = make_cpu (count);
  struct gwt_region *ram = gwt_memory_new_ram ("ram", 4096, GWT_RAM_MIGRATED, &err);
  unsigned long long steps, seen;
  uint64_t bits;
  guint i;

  gwt_vm_start ();
  PUMP (atomic_load (&cpu->steps) > 0);
  gwt_vcpus_rest (g_get_monotonic_time () + AN_HOUR);
  /* On another's request it leaves the guest, and then rests. */
  vcpu_api->run_on (cpu->device, look, &steps);
  for (i = 0; i < 50; i++)
    {
      gwt_vm_stop (GWT_RUNSTATE_PAUSED);
      gwt_vm_start ();
      vcpu_api->run_on (cpu->device, look, &seen);
      g_assert_cmpuint (seen, ==, steps);
    }
  g_assert_true (gwt_memory_dirty_start (&err));
  g_assert_true (gwt_memory_map (ram, 0x80000000, 0, &err));
  gwt_memory_store (0x80000000, 8, 1);
  g_assert_cmpuint (gwt_memory_dirty_sync (gwt_memory_region_block (ram), &bits), ==, 1);
  gwt_memory_dirty_stop ();
  g_assert_cmpuint (atomic_load (&cpu->steps), ==, steps);
  gwt_vcpus_rest (0);
  PUMP (atomic_load (&cpu->steps) > steps);
  /* Resting, it ends when it has to. */
  gwt_vcpus_rest (g_get_monotonic_time () + AN_HOUR);
  clean ();
}

static void
test_halted (void)
{
  struct cpu *cpu = make_cpu (take_and_halt);

  gwt_vm_start ();
  PUMP (gwt_vcpu_halted (0));
  gwt_vcpus_rest (g_get_monotonic_time () + AN_HOUR);
  atomic_store (&cpu->pending, 1);
  vcpu_api->wake (cpu->device);
  PUMP (!atomic_load (&cpu->pending));
  clean ();
}

/* Nanoseconds that the vCPU's thread has run. */
static atomic_ullong time_run;

static uint32_t
look_at_clock (struct cpu *cpu)
{
  struct timespec t;

  (void) cpu;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  atomic_store (&time_run, (unsigned long long) t.tv_sec * 1000000000 + (unsigned long) t.tv_nsec);
  return 0;
}

static void
test_share (void)
{
  struct cpu *cpu = make_cpu (look_at_clock);
  unsigned long long before, steps;
  gint64 begin;

  gwt_vm_start ();
  PUMP (atomic_load (&cpu->steps) > 0);
  g_assert_cmpuint (gwt_throttle_percentage (), ==, 0);
  gwt_throttle_set (1000);
  g_assert_cmpuint (gwt_throttle_percentage (), ==, GWT_THROTTLE_MAX);
  gwt_throttle_set (95);
  g_assert_cmpuint (gwt_throttle_percentage (), ==, 95);
  gwt_throttle_set (0);
  steps = atomic_load (&cpu->steps);
  PUMP (atomic_load (&cpu->steps) > steps);
  gwt_throttle_set (95);
  before = atomic_load (&time_run);
  begin = g_get_monotonic_time ();
  /* Five beats of 10 ms in 200; half would be much too much. */
  PUMP (g_get_monotonic_time () - begin > G_USEC_PER_SEC);
  g_assert_cmpuint ((atomic_load (&time_run) - before) / 1000, <,
                    (g_get_monotonic_time () - begin) / 2);
  steps = atomic_load (&cpu->steps);
  PUMP (atomic_load (&cpu->steps) > steps);
  gwt_throttle_set (0);
  g_assert_cmpuint (gwt_throttle_percentage (), ==, 0);
  clean ();
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  set_up ();
  g_test_add_func ("/throttle/rest", test_rest);
  g_test_add_func ("/throttle/halted", test_halted);
  g_test_add_func ("/throttle/share", test_share);
  status = g_test_run ();
  gwt_run_finish ();
  return status;
}
