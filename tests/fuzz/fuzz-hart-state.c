/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sections of harts, their timer and interrupt controllers with bytes changed, loaded between a
 * guest's stores, its instructions and what wires do.  What is refused has changed nothing; what is
 * taken saves, loads and saves again alike, and runs; after a reset no interrupt is pending.
 *
 * An input is a byte for the machine and a run of steps; the first byte of each says which.
 */
#include "tests/fuzz/sections.h"
#include "tests/migration/intc-bench.h"

#define RAM UINT64_C (0x80000000)
#define RAM_SIZE 0x10000u

const char *const fuzz_tokens[] = { "\x00\x00", "\x00\x01", "\x00\x03", "\x02\x00", "\x03\x00",
                                    "\x03\x01", "\x03\x02", "\xff", NULL };

static void
store (struct input *in)
{
  static const uint64_t bases[]
      = { CLINT, CLINT + 0x4000, PLIC, PLIC + 0x2000, PLIC + 0x200000, APLIC_M, APLIC_M + 0x3000,
          APLIC_S, APLIC_S + 0x3000, IMSIC_M, IMSIC_S };
  uint64_t at = bases[take (in, 1) % G_N_ELEMENTS (bases)] + (take (in, 2) & 0x1ffc);
  uint64_t value = take (in, 4);
  gwt_memory_store (at, 4, value);
  gwt_memory_load (at, 4, &value);
}

static void
act (struct input *in, struct gwt_cpu_run *run)
{
  uint32_t what = take (in, 1);
  guint hart = what >> 7;
  const struct gwt_cpu_ops *ops = gwt_device_interface (cpu[hart], GWT_CPU_INTERFACE);
  switch (what & 3)
    {
    case 0:
      run[hart].budget = 1 + take (in, 1);
      ops->run (cpu[hart]->instance);
      break;
    case 1:
      set_wire (what >> 2 & 7, what >> 5 & 1);
      break;
    default:
      {
        uint32_t number = 65 + take (in, 2) % 4096;
        uint64_t value = (uint64_t) take (in, 4) << (what & 4 ? 32 : 0);
        ops->reg_set (cpu[hart]->instance, number, value);
      }
    }
}

/* Words of all kinds, some of which are instructions. */
static void
make_ram (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_region *region = gwt_memory_new_ram ("ram", RAM_SIZE, 0, &err);
  uint32_t word = 1;
  FUZZ_CLAIM (region != NULL && gwt_memory_map (region, RAM, 0, &err));
  for (uint64_t i = 0; i < RAM_SIZE; i += 4)
    {
      word = word * 1664525 + 1013904223;
      gwt_memory_store (RAM + i, 4, word | 3);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static void (*const builds[]) (void) = { make_plic, make_lines, make_messages };
  static bool ready;
  struct gwt_cpu_run run[HARTS] = { { .budget = 0 } };
  struct input in = { data, data + size };
  GWT_AUTO_ERROR (err);
  if (!ready)
    bench_init ();
  ready = true;
  make_ram ();
  builds[take (&in, 1) % G_N_ELEMENTS (builds)]();
  for (guint i = 0; i < HARTS; i++)
    {
      const struct gwt_cpu_ops *ops = gwt_device_interface (cpu[i], GWT_CPU_INTERFACE);
      ops->attach (cpu[i]->instance, &run[i]);
      ops->reg_set (cpu[i]->instance, 32, RAM + 0x1000 * i);
    }
  FUZZ_CLAIM (gwt_migration_add_devices (&err));
  while (in.at < in.end)
    switch (take (&in, 1) & 3)
      {
      case 2:
        store (&in);
        break;
      case 3:
        act (&in, run);
        break;
      default:
        load_changed (&in, NULL);
      }
  for (guint i = 0; i < 8; i++)
    set_wire (i, 0);
  gwt_device_reset_all (GWT_RESET_COLD);
  for (guint i = 0; i < HARTS; i++)
    FUZZ_CLAIM (get_csr (i, MIP) == 0);
  finish ();
  return 0;
}
