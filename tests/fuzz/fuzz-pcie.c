/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sequences of a guest's accesses to configuration space, windows and RAM, of what devices do, and
 * of resets, on a bus with a port, a device behind it whose second function needs ARI, and two
 * functions beside it.  Every twelve bytes are a step.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/pcie/pcie-bench.h"

const char *const fuzz_tokens[] = { "\x04\0\x06", "\x10", "\x14", "\x18", "\x1c", "\x20", "\x24",
                                    "\x3e", "\x07\x01", "\x41", "\xff\xff\xff\xff", "\x80", "\xc0",
                                    NULL };

static const char *const ids[] = { "rp", "p", "q", "r" };

static void
call (struct gwt_device *device, const char *method, const char *format, uint32_t a, uint32_t b)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *text = g_strdup_printf (format, a, b);
  json_object *args = json_tokener_parse (text), *result = NULL;
  gwt_device_call (device, method, args, &result, &err);
  json_object_put (args);
  json_object_put (result);
}

static uint64_t
address (const uint8_t *s)
{
  static const uint64_t bases[] = { ECAM, ECAM, ECAM, WINDOW, WINDOW64, PORTS, RAM, WINDOW };
  uint32_t offset = s[1] | (uint32_t) s[2] << 8 | (uint32_t) s[3] << 16;
  unsigned which = s[0] & 7;
  if (which > 2)
    return bases[which] + (which == 5 ? offset & 0xffff : offset & 0xfffff);
  /* Bus 0 or 1, slots 0 to 3, mostly the header or the capabilities. */
  return ECAM + ((offset >> 23 & 1) << 20) + ((offset >> 16 & 3) << 15) + ((offset >> 18 & 1) << 12)
         + (offset & (which == 0 ? 0x3f : which == 1 ? 0x1ff : 0xfff));
}

static void
step (const uint8_t *s)
{
  uint32_t size = 1u << (s[0] >> 6), arg;
  uint64_t value, at = address (s) & ~(uint64_t) (size - 1);
  struct gwt_device *device = gwt_device_find (ids[s[1] & 3]);
  memcpy (&value, s + 4, 8);
  memcpy (&arg, s + 4, 4);
  switch (s[0] >> 3 & 7)
    {
    case 0:
      gwt_memory_load (at, size, &value);
      break;
    case 1:
      switch (s[2] & 7)
        {
        case 0:
          gwt_device_reset_all (arg & 1 ? GWT_RESET_WARM : GWT_RESET_COLD);
          break;
        case 1:
          call (device, "aer_inject",
                s[3] & 1 ? "[%u, true, 1, 2, 3, %u]" : "[%u, false, 1, 2, 3, %u]", 1u << (arg & 31),
                s[8]);
          break;
        case 2:
          call (device, "intx", "[%u]", arg & 1, 0);
          break;
        case 3:
          call (device, "notify", "[%u]", arg & 7, 0);
          break;
        case 4:
          call (device, "dma_write", "[%u, %u]", arg, s[8]);
          break;
        case 5:
          call (gwt_device_find ("q"), "msi_notify", "[%u]", arg & 7, 0);
          break;
        default:
          call (device, "dma_read", "[%u]", arg, 0);
        }
      break;
    default:
      gwt_memory_store (at, size, value);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  bench_begin ();
  bench_must ("pcie-root-port,id=rp,addr=1");
  bench_must ("pci-probe,id=p,bus=rp,addr=0,multifunction=on,ari=on");
  bench_must ("pci-probe,id=s,bus=rp,addr=0.8,ari=on,vectors=0");
  bench_must ("pci-probe,id=q,addr=2,multifunction=on,msi=4,msi-mask=on");
  bench_must ("pci-probe,id=r,addr=2.1,x-pcie-err-unc-mask=off");
  for (size_t at = 0; at + 12 <= size; at += 12)
    step (data + at);
  bench_end ();
  return 0;
}
