/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of virtio devices' sections: a device in a virtio-mmio slot, its driver, and the
 * guest's memory, which goes along by hand.  It must not know what a device does.
 */
#ifndef TESTS_MIGRATION_VIRTIO_STATE_H
#define TESTS_MIGRATION_VIRTIO_STATE_H

#define load reg_load
#include "tests/virtio/virtio-bench.h"
#undef load
#include "tests/vmstate/hostile.h"
#include "core/migration/devices.h"

/* ---- the guest moves ------------------------------------------------------------------------- */

static uint8_t *memory;

static inline void
keep_memory (void)
{
  memory = g_realloc (memory, RAM_SIZE);
  memcpy (memory, ram (RAM), RAM_SIZE);
}

/* Time passes until nothing is due. */
static inline void
go_on (void)
{
  gwt_clock_virtual_start ();
  while (g_main_context_iteration (NULL, FALSE))
    ;
  gwt_clock_virtual_stop ();
}

static inline char *
load_device (struct gwt_device *device, const GByteArray *bytes)
{
  const struct gwt_vmstate *state = device->type->d.states[0];

  return load_of (state, device->instance, device, state->version, bytes->data, bytes->len);
}

static inline GByteArray *
save_device (struct gwt_device *device)
{
  return save_of (device->type->d.states[0], device->instance, device, NULL);
}

/* ---- a driver behind MMIO -------------------------------------------------------------------- */

static inline void
mmio_store (uint64_t reg, uint64_t value)
{
  store (MMIO_SLOT + reg, 4, value);
}

/* Up to FEATURES_OK. */
static inline void
mmio_negotiate (uint64_t features)
{
  for (guint i = 0; i < 4; i++)
    mmio_store (0x70, (const uint32_t[]){ 0, 1, 3, 3 }[i]);
  for (guint word = 0; word < 2; word++)
    {
      mmio_store (0x24, word);
      mmio_store (0x20, (uint32_t) ((features | VERSION_1) >> 32 * word));
    }
  mmio_store (0x70, 11);
  g_assert_cmphex (reg_load (MMIO_SLOT + 0x70, 4), ==, 11);
}

/* Queue INDEX with NUM entries; its areas where the PCI driver has them. */
static inline void
mmio_queue (uint32_t index, uint16_t num)
{
  static const uint64_t registers[] = { 0x80, 0x90, 0xa0 };

  for (guint i = 0; i < 3; i++)
    memset (ram (AREA (index, i)), 0, 0x4000);
  mmio_store (0x30, index);
  mmio_store (0x38, num);
  for (guint i = 0; i < 3; i++)
    {
      mmio_store (registers[i], (uint32_t) AREA (index, i));
      mmio_store (registers[i] + 4, AREA (index, i) >> 32);
    }
  mmio_store (0x44, 1);
}

static inline void
mmio_run (void)
{
  mmio_store (0x70, OK_STATUS);
  g_assert_cmphex (reg_load (MMIO_SLOT + 0x70, 4), ==, OK_STATUS);
}

static inline void
assert_bytes (const GByteArray *bytes, const GByteArray *wanted)
{
  guint i;

  for (i = 0; i < MIN (wanted->len, bytes->len) && wanted->data[i] == bytes->data[i]; i++)
    ;
  if (i < wanted->len || bytes->len != wanted->len)
    g_error ("%u bytes instead of %u, other ones from byte %u", bytes->len, wanted->len, i);
}

#endif
