/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sections of a small tree of PCI functions with bytes changed, loaded between a guest's stores and
 * what devices do.  What is refused has changed nothing; what is taken saves, loads and saves again
 * alike, and the machine goes on: a reset finds every line down.
 *
 * An input is a run of steps; the first byte of each says which.
 */
#include "tests/fuzz/sections.h"
#include "tests/pcie/pcie-bench.h"

const char *const fuzz_tokens[] = { "\x00\x00", "\x00\x01", "\x00\x04", "\x02\x04\x00\x06",
                                    "\x03\x00", "\x03\x01", "\xff", NULL };

static const char *const ids[] = { "rp", "p", "q", "root" };

static void
call (const char *id, const char *method, const char *format, uint32_t a, uint32_t b)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *text = g_strdup_printf (format, a, b);
  json_object *args = json_tokener_parse (text), *result = NULL;
  gwt_device_call (gwt_device_find (id), method, args, &result, &err);
  json_object_put (args);
  json_object_put (result);
}

static void
store (struct input *in)
{
  static const uint64_t bases[] = { ECAM, ECAM, WINDOW, WINDOW64, PORTS };
  unsigned where = take (in, 1), size = 1u << (where >> 6 & 3);
  uint32_t offset = take (in, 2);
  uint64_t value = take (in, 4), at = bases[(where & 7) % G_N_ELEMENTS (bases)];
  if (at == ECAM)
    at += ((where >> 3 & 1) << 20) + ((uint64_t) (where >> 4 & 3) << 15) + (offset & 0xfff);
  else
    at += offset;
  at &= ~(uint64_t) (size - 1);
  gwt_memory_store (at, size, value);
  gwt_memory_load (at, size, &value);
}

static void
act (struct input *in)
{
  uint32_t what = take (in, 1), arg = take (in, 1);
  const char *id = ids[what >> 4 & 3];
  switch (what & 3)
    {
    case 0:
      call (id, "intx", "[%u]", arg & 1, 0);
      break;
    case 1:
      call (id, "notify", "[%u]", arg & 7, 0);
      break;
    case 2:
      call (id, "aer_inject", arg & 0x80 ? "[%u, true, 1, 2, 3, %u]" : "[%u, false, 1, 2, 3, %u]",
            1u << (arg & 31), arg);
      break;
    default:
      call ("q", "msi_notify", "[%u]", arg & 7, 0);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  GWT_AUTO_ERROR (err);
  struct input in = { data, data + size };
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1");
  bench_must ("pci-probe,id=p,bus=rp");
  bench_must ("pci-probe,id=q,addr=2,msi=4,msi-mask=on,aer=off,express=off,vectors=0");
  FUZZ_CLAIM (gwt_migration_add_devices (&err));
  while (in.at < in.end)
    switch (take (&in, 1) & 3)
      {
      case 2:
        store (&in);
        break;
      case 3:
        act (&in);
        break;
      default:
        load_changed (&in, "PCIBUS");
      }
  gwt_device_reset_all (GWT_RESET_COLD);
  for (guint i = 0; i < G_N_ELEMENTS (sink->level); i++)
    FUZZ_CLAIM (sink->level[i] == 0);
  bench_end ();
  return 0;
}
