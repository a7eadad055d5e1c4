/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two APLIC domains and the IMSICs that they send to, on the mock host of tests/devices: register
 * accesses, wires, what harts do with their files, resets.  The first byte says how the APLIC
 * delivers and whether it was set up as firmware does; then every twelve bytes are a step.
 */
#include "tests/devices/mock-host.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

const char *const fuzz_tokens[] = { "\x15\0\0\0", "\x55", "\x65", "\xdc\x1e", "\xdc\x1c", "\0\x20",
                                    "\x04\x20",   "\0\x30", "\x81", "\x06\0\0", NULL };

#define HARTS 2
#define SOURCES 40

enum
{
  M_APLIC,
  S_APLIC,
  M_IMSIC,
  S_IMSIC,
  DEVICES
};

static const uint64_t bases[DEVICES] = { 0xc000000, 0xd000000, 0x24000000, 0x28000000 };
static struct gwt_device *devices[DEVICES];

static uint32_t
on_message (uint64_t address, uint32_t data)
{
  for (uint32_t i = 0; i < DEVICES; i++)
    if (address >= bases[i] && address < bases[i] + devices[i]->region[0]->size)
      return mock_store_status (devices[i], address - bases[i], 4, data);
  return GWT_ACCESS_UNMAPPED;
}

static void
make (uint32_t how)
{
  static const struct gwt_device_type *aplic, *imsic;
  const char *mode = how & 1 ? "msimode=1" : "msimode=0";

  if (aplic == NULL)
    aplic = mock_load ("riscv-aplic")->types[0];
  if (imsic == NULL)
    imsic = mock_load ("riscv-imsic")->types[0];
  mock_new_machine (HARTS);
  mock.on_message = on_message;
  devices[M_IMSIC] = mock_new (imsic, "im", "mmode=1", "num-ids=63", NULL);
  devices[S_IMSIC] = mock_new (imsic, "is", "num-ids=127", NULL);
  devices[M_APLIC] = mock_new (aplic, "m", "mmode=1", "num-sources=40", mode, NULL);
  devices[S_APLIC] = mock_new (aplic, "s", "parent=m", "num-sources=40", mode, NULL);
  if (!(how & 2))
    return;
  mock_store_reg (devices[M_APLIC], 0x1bc0, 4, bases[M_IMSIC] >> 12);
  mock_store_reg (devices[M_APLIC], 0x1bc4, 4, 1 << 12);
  mock_store_reg (devices[M_APLIC], 0x1bc8, 4, bases[S_IMSIC] >> 12);
  for (uint32_t d = M_APLIC; d <= S_APLIC; d++)
    {
      mock_store_reg (devices[d], 0, 4, 0x100);
      for (uint32_t n = 1; n <= SOURCES; n++)
        {
          mock_store_reg (devices[d], 4 * n, 4, d == M_APLIC && n % 4 ? 0x400 : 4 + n % 4);
          mock_store_reg (devices[d], 0x3000 + 4 * n, 4, n | (n & 1) << 18);
        }
      mock_store_reg (devices[d], 0x1e00, 4, G_MAXUINT32);
      mock_store_reg (devices[d], 0x4000, 4, 1);
    }
}

static uint32_t
reg (uint32_t device, uint64_t offset)
{
  return (uint32_t) mock_load_reg (devices[device], offset, 4);
}

/* Big-endian: bit 31 of domaincfg is not where it belongs. */
static gboolean
is_swapped (uint32_t device)
{
  return !(reg (device, 0) & 0x80000000u);
}

static const struct gwt_riscv_imsic *
file_of (uint32_t hart, uint32_t device)
{
  return mock.hart_state[hart].imsic[device == M_IMSIC ? GWT_RISCV_MEIP : GWT_RISCV_SEIP];
}

/* What holds whatever was done. */
static void
judge (void)
{
  for (uint32_t d = M_IMSIC; d <= S_IMSIC; d++)
    for (uint32_t hart = 0; hart < HARTS; hart++)
      {
        const struct gwt_riscv_imsic *f = file_of (hart, d);
        uint32_t top = f->top (f->file), id = top >> 16;

        FUZZ_CLAIM (top == (id << 16 | id) && id <= (d == M_IMSIC ? 63u : 127u));
        FUZZ_CLAIM (mock_level (devices[d], "ext", hart)
                    == (f->read (f->file, 0x70) != 0 && id != 0));
        if (id != 0)
          FUZZ_CLAIM (f->read (f->file, 0x80 + id / 64 * 2) >> id % 64 & 1
                      && f->read (f->file, 0xc0 + id / 64 * 2) >> id % 64 & 1);
      }
  for (uint32_t d = M_APLIC; d <= S_APLIC; d++)
    {
      if (is_swapped (d))
        continue;
      for (uint32_t n = 0; n <= SOURCES + 1; n++)
        {
          uint32_t cfg = reg (d, 4 * n), bit = 1u << n % 32, word = n / 32 * 4;
          gboolean active = n != 0 && cfg != 0 && cfg < 8;
          gboolean pending = (reg (d, 0x1c00 + word) & bit) != 0;

          FUZZ_CLAIM (n == 0 || cfg < 8 || (cfg == 0x400 && d == M_APLIC));
          FUZZ_CLAIM (active || !pending);
          FUZZ_CLAIM (active || !(reg (d, 0x1e00 + word) & bit));
          FUZZ_CLAIM (!active || cfg < 6 || !pending || (reg (d, 0x1d00 + word) & bit));
          if (d == S_APLIC && cfg != 0 && n != 0 && !is_swapped (M_APLIC))
            FUZZ_CLAIM (reg (M_APLIC, 4 * n) == 0x400);
        }
    }
}

static void
hart_step (const uint8_t *s, uint64_t value)
{
  const struct gwt_riscv_imsic *f = file_of (s[1] & 1, s[1] & 2 ? M_IMSIC : S_IMSIC);
  uint32_t number = 0x70 + s[2] % 0x90;

  if (s[3] & 3)
    f->write (f->file, number, value, s[3] & 1 ? G_MAXUINT64 : value * 3);
  else if (s[3] & 4)
    f->claim (f->file);
  else
    f->read (f->file, number);
}

static void
step (const uint8_t *s)
{
  struct gwt_device *d = devices[s[0] >> 4 & 3];
  uint32_t size = s[3] & 0xe0 ? 4 : 1u << (s[3] & 3);
  uint64_t offset = (s[1] | (uint32_t) s[2] << 8) % d->region[0]->size, value;

  offset -= offset % size;
  memcpy (&value, s + 4, 8);
  switch (s[0] & 15)
    {
    case 0:
      mock_reset (d, value & 1 ? GWT_RESET_WARM : GWT_RESET_COLD);
      break;
    case 1:
    case 2:
    case 3:
      mock_input (devices[M_APLIC], (uint32_t) (value % (SOURCES + 1)), s[1] & 1);
      break;
    case 4:
    case 5:
      mock_load_status (d, offset, size, &value);
      break;
    case 6:
    case 7:
    case 8:
      hart_step (s, value);
      break;
    default:
      mock_store_status (d, offset, size, value);
      break;
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < 1)
    return 0;
  make (data[0]);
  for (size_t at = 1; at + 12 <= size; at += 12)
    step (data + at);
  judge ();
  for (uint32_t d = DEVICES; d > 0; d--)
    if (d - 1 != M_APLIC && d - 1 != S_APLIC)
      mock_free (devices[d - 1]);
  mock_free (devices[S_APLIC]);
  mock_free (devices[M_APLIC]);
  return 0;
}
