/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bench of tests/pcie with the virtio plugin: a device whose queues a test serves by hand,
 * behind PCI and in a virtio-mmio slot, and a driver for its PCI side.  It must not know how the
 * plugin works: what the driver does is what virtio 1.2 tells drivers to do.
 */
#ifndef TESTS_VIRTIO_BENCH_H
#define TESTS_VIRTIO_BENCH_H

#include "tests/pcie/pcie-bench.h"
#include "core/cpu/clock.h"
#include "core/device/lock.h"

#include <godwit/virtio.h>

#define QUEUES 3
#define QUEUE_MAX 32
#define VERSION_1 (UINT64_C (1) << 32)
#define RING_RESET (UINT64_C (1) << 40)
#define BAR4 WINDOW64
#define MSIX_BAR WINDOW
#define MMIO_SLOT UINT64_C (0x10001000)
#define COMMON BAR4
#define ISR (BAR4 + 0x1000)
#define DEVICE (BAR4 + 0x2000)
#define NOTIFY (BAR4 + 0x3000)
#define R_STATUS 0x14
#define NEEDS_RESET 0x40
#define OK_STATUS 0x0f
#define MESSAGES (RAM + 0xf0000) /* where vectors store, 4 bytes each */
#define BUFFERS (RAM + 0x80000)

/* ---- the device ----------------------------------------------------------------------------- */

struct vprobe
{
  uint32_t n_queues, pci_vectors;
  uint8_t config[8];
  struct gwt_virtio *virtio;
  struct gwt_virtq *queue[QUEUES];
  uint32_t notified[QUEUES];
  uint32_t starts, stops, queue_resets;
  /* Called by `running` (0) and queue_reset: what a device does that has threads. */
  void (*stopping) (struct vprobe *p);
};

static const struct gwt_field vprobe_fields[] = {
  GWT_PROP_ROW (struct vprobe, n_queues, "queues", .def = QUEUES, .doc = "queues"),
  GWT_PROP_ROW (struct vprobe, pci_vectors, "pci-vectors", .doc = "vectors by default"),
  GWT_HOST_ROW (struct vprobe, config, "for tests"),
  GWT_HOST_ROW (struct vprobe, virtio, "for tests"),
  GWT_HOST_ROW (struct vprobe, queue, "for tests"),
  GWT_HOST_ROW (struct vprobe, notified, "for tests"),
  GWT_HOST_ROW (struct vprobe, starts, "for tests"),
  GWT_HOST_ROW (struct vprobe, stops, "for tests"),
  GWT_HOST_ROW (struct vprobe, queue_resets, "for tests"),
  GWT_HOST_ROW (struct vprobe, stopping, "for tests"),
};

static const struct gwt_virtio_api *virtio;

static void
vprobe_config_read (void *self, uint32_t offset, void *data, uint32_t size)
{
  memcpy (data, ((struct vprobe *) self)->config + offset, size);
}

static void
vprobe_config_write (void *self, uint32_t offset, const void *data, uint32_t size)
{
  memcpy (((struct vprobe *) self)->config + offset, data, size);
}

static void
vprobe_running (void *self, uint32_t running)
{
  struct vprobe *p = self;
  if (running)
    p->starts++;
  else
    p->stops++;
  if (!running && p->stopping != NULL)
    p->stopping (p);
}

static void
vprobe_notified (void *self, struct gwt_virtq *queue, uint32_t index)
{
  struct vprobe *p = self;
  g_assert_true (queue == p->queue[index]);
  g_atomic_int_inc (&p->notified[index]);
}

static void
vprobe_queue_reset (void *self, uint32_t index)
{
  struct vprobe *p = self;
  (void) index;
  p->queue_resets++;
  if (p->stopping != NULL)
    p->stopping (p);
}

/* All chains that are out, as the disk saves those that wait. */
static int
vprobe_put (void *self, struct gwt_vm_out *out, struct gwt_error *err)
{
  struct vprobe *p = self;
  const struct gwt_vmstate_api *vmstate = gwt_extension_find (GWT_VMSTATE_EXT);
  (void) err;
  for (uint32_t i = 0; i < p->n_queues; i++)
    for (struct gwt_virtq_chain *c = virtio->next_out (p->queue[i], NULL); c != NULL;
         c = virtio->next_out (p->queue[i], c))
      {
        vmstate->put_be (out, 1, 1);
        vmstate->put_be (out, 4, i);
        virtio->put_chain (p->queue[i], c, out);
      }
  vmstate->put_be (out, 1, 0);
  return 0;
}

static int
vprobe_get (void *self, const struct gwt_virtio_loading *loading, struct gwt_vm_in *in,
            struct gwt_error *err)
{
  struct vprobe *p = self;
  const struct gwt_vmstate_api *vmstate = gwt_extension_find (GWT_VMSTATE_EXT);
  uint64_t more, index;
  (void) loading;
  for (;;)
    if (vmstate->get_be (in, 1, &more, err) != 0)
      return -1;
    else if (more == 0)
      return 0;
    else if (vmstate->get_be (in, 4, &index, err) != 0
             || virtio->get_chain (p->virtio, (uint32_t) index, in, err) != 0)
      return -1;
}

static const char *
vprobe_feature_name (uint32_t bit)
{
  return bit == 3 ? "VIRTIO_PROBE_F_THREE, three" : NULL;
}

GWT_VIRTIO_STATE (vprobe_virtio, virtio)
static const struct gwt_vm_field vprobe_state_fields[]
    = { GWT_VIRTIO_FIELD (struct vprobe, virtio, vprobe_virtio) };
static const struct gwt_vmstate vprobe_state
    = GWT_VMSTATE (struct vprobe, "virtio-probe", 1, 1, vprobe_state_fields);
static const struct gwt_vmstate *const vprobe_states[] = { &vprobe_state, NULL };

static const struct gwt_virtio_client vprobe_client = {
  .struct_size = sizeof vprobe_client,
  .config_read = vprobe_config_read,
  .config_write = vprobe_config_write,
  .running = vprobe_running,
  .notified = vprobe_notified,
  .queue_reset = vprobe_queue_reset,
  .put_state = vprobe_put,
  .get_state = vprobe_get,
  .feature_name = vprobe_feature_name,
};

static int
vprobe_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct vprobe *p = self;
  struct gwt_virtio_info info = {
    .struct_size = sizeof info,
    .device_id = 42,
    .config_size = sizeof p->config,
    .features = 1,
    .n_queues = p->n_queues,
    .pci_class = 0xff0000,
    .pci_vectors = p->pci_vectors,
  };
  p->virtio = virtio->setup (device, &info, &vprobe_client, err);
  if (p->virtio == NULL)
    return -1;
  for (uint32_t i = 0; i < p->n_queues; i++)
    {
      struct gwt_virtq *q = virtio->queue (p->virtio, i, QUEUE_MAX, err);
      if (q == NULL)
        return -1;
      if (i < QUEUES)
        p->queue[i] = q;
    }
  return 0;
}

#define VPROBE_TYPE(NAME, PARENT)                                                                  \
  {                                                                                                \
    .struct_size = sizeof (struct gwt_device_type), .name = NAME, .parent = PARENT,                \
    .doc = "for tests", .flags = GWT_TYPE_USER, .threads = GWT_THREADS_PARALLEL,                   \
    .instance_size = sizeof (struct vprobe), .fields = vprobe_fields,                              \
    .field_size = sizeof vprobe_fields[0], .n_fields = GWT_COUNT (vprobe_fields),                  \
    .realize = vprobe_realize, .states = vprobe_states                                             \
  }
static const struct gwt_device_type vprobe_pci = VPROBE_TYPE ("vprobe-pci", GWT_VIRTIO_PCI_PARENT);
static const struct gwt_device_type vprobe_mmio
    = VPROBE_TYPE ("vprobe-device", GWT_VIRTIO_MMIO_PARENT);

/* ---- the machine ---------------------------------------------------------------------------- */

static void
vbench_load (void)
{
  static const char *const plugins[] = { "virtio", "virtio-rng" };
  const char *top = g_getenv ("abs_top_builddir") ? g_getenv ("abs_top_builddir") : ".";
  GWT_AUTO_ERROR (err);
  if (virtio != NULL)
    return;
  bench_load ();
  gwt_clock_register_extensions ();
  for (guint i = 0; i < G_N_ELEMENTS (plugins); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/plugins/%s.so", top, plugins[i]);
      if (g_file_test (path, G_FILE_TEST_EXISTS) && !gwt_loader_load_file (path, &err))
        bench_fine (&err);
    }
  virtio = gwt_extension_find (GWT_VIRTIO_EXT);
  g_assert_nonnull (virtio);
  gwt_type_register (&vprobe_pci, "test", "1", &err);
  gwt_type_register (&vprobe_mmio, "test", "1", &err);
  bench_fine (&err);
}

static void
vbench_begin (void)
{
  GWT_AUTO_ERROR (err);
  vbench_load ();
  bench_begin ();
  struct gwt_device *slot = bench_must ("virtio-mmio,id=slot");
  gwt_memory_map (gwt_memory_device_region (slot, 0), MMIO_SLOT, 0, &err);
  gwt_irq_connect (slot, "irq", 0, gwt_device_find ("sink"), "in", 3, &err);
  bench_fine (&err);
}

/* ---- accesses ------------------------------------------------------------------------------- */

static inline uint64_t
load (uint64_t at, uint32_t size)
{
  uint64_t value = 0;
  g_assert_cmpuint (gwt_memory_load (at, size, &value), ==, GWT_ACCESS_OK);
  return value;
}

static inline void
store (uint64_t at, uint32_t size, uint64_t value)
{
  g_assert_cmpuint (gwt_memory_store (at, size, value), ==, GWT_ACCESS_OK);
}

static inline void *
ram (uint64_t at)
{
  g_assert_true (at >= RAM && at < RAM + RAM_SIZE);
  const struct gwt_memory_api *memory = gwt_extension_find (GWT_MEMORY_EXT);
  uint64_t size = 1;
  void *p = memory->dma_map (NULL, at, &size, 1);
  g_assert_nonnull (p);
  return p;
}

/* ---- the driver ----------------------------------------------------------------------------- */

struct vdriver
{
  struct vprobe *probe;
  struct gwt_device *device;
  uint64_t config; /* address of the function's configuration space */
  uint16_t num, next, seen;
};

#define AREA(q, which) (RAM + 0x10000 * ((q) + 1u) + 0x4000 * (which))

static inline unsigned
find_capability (uint64_t config, unsigned id, unsigned kind)
{
  unsigned at = (unsigned) load (config + 0x34, 1);
  for (int i = 0; at != 0 && i < 48; i++)
    {
      if (load (config + at, 1) == id && (id != 9 || load (config + at + 3, 1) == kind))
        return at;
      at = (unsigned) load (config + at + 1, 1);
    }
  return 0;
}

/* In D0, memory decoding and bus mastering on, BARs at their places. */
static inline void
vdriver_enable (struct vdriver *d)
{
  unsigned power = find_capability (d->config, 1, 0);
  if (power != 0)
    store (d->config + power + 4, 1, 0);
  store (d->config + 0x14, 4, MSIX_BAR);
  store (d->config + 0x20, 4, (uint32_t) BAR4);
  store (d->config + 0x24, 4, BAR4 >> 32);
  store (d->config + 4, 2, 6);
}

/* Where it is behind a port: bus number and windows. */
static inline void
vdriver_open_port (const struct vdriver *d)
{
  uint64_t port = ECAM + (1 << 15);
  if (d->config < ECAM + (1 << 20))
    return;
  store (port + 0x18, 4, 0x010100);
  store (port + 0x20, 4, 0x40004000);
  store (port + 0x24, 4, 0);
  store (port + 0x28, 4, 4);
  store (port + 0x2c, 4, 4);
  store (port + 4, 2, 6);
}

/* A probe with properties as behind -device, or any other device; slot 2 of the root bus, or behind
   a port in slot 1. */
static inline void
vdriver_new (struct vdriver *d, bool behind_port, const char *properties)
{
  memset (d, 0, sizeof *d);
  vbench_begin ();
  d->config = ECAM + (2 << 15);
  if (behind_port)
    {
      bench_must ("pcie-root-port,id=rp,addr=1");
      d->config = ECAM + (1 << 20);
    }
  g_autofree char *text = g_strdup_printf ("vprobe-pci,id=probe,%s%s",
                                           behind_port ? "bus=rp" : "addr=2", properties);
  d->device = bench_must (text);
  gwt_device_reset_all (GWT_RESET_COLD);
  vdriver_open_port (d);
  d->probe = d->device->instance;
  vdriver_enable (d);
}

static inline uint32_t
status (void)
{
  return (uint32_t) load (COMMON + R_STATUS, 1);
}

static inline bool
vdriver_negotiate (struct vdriver *d, uint64_t features)
{
  store (COMMON + R_STATUS, 1, 0);
  g_assert_cmphex (status (), ==, 0);
  store (COMMON + R_STATUS, 1, 1);
  store (COMMON + R_STATUS, 1, 3);
  for (uint32_t word = 0; word < 2; word++)
    {
      store (COMMON + 0x08, 4, word);
      store (COMMON + 0x0c, 4, (uint32_t) (features >> 32 * word));
    }
  store (COMMON + R_STATUS, 1, 11);
  d->next = d->seen = 0;
  return (status () & 8) != 0;
}

/* Queue INDEX, split, with NUM entries and MSI-X vector VECTOR. */
static inline void
vdriver_queue (struct vdriver *d, uint32_t index, uint16_t num, uint32_t vector)
{
  for (unsigned i = 0; i < 3; i++)
    memset (ram (AREA (index, i)), 0, 0x4000);
  store (COMMON + 0x16, 2, index);
  g_assert_cmpuint (load (COMMON + 0x18, 2), ==, QUEUE_MAX);
  store (COMMON + 0x18, 2, num);
  store (COMMON + 0x1a, 2, vector);
  g_assert_cmphex (load (COMMON + 0x1a, 2), ==, vector);
  for (unsigned i = 0; i < 3; i++)
    {
      store (COMMON + 0x20 + 8 * i, 4, (uint32_t) AREA (index, i));
      store (COMMON + 0x24 + 8 * i, 4, AREA (index, i) >> 32);
    }
  store (COMMON + 0x1c, 2, 1);
  g_assert_cmpuint (load (COMMON + 0x1c, 2), ==, 1);
  d->num = num;
}

static inline void
vdriver_start (struct vdriver *d, uint64_t features, uint32_t vector)
{
  g_assert_true (vdriver_negotiate (d, features | VERSION_1));
  vdriver_queue (d, 0, 4, vector);
  store (COMMON + R_STATUS, 1, OK_STATUS);
}

static inline void
put16 (uint64_t at, uint16_t value)
{
  __atomic_store_n ((uint16_t *) ram (at), value, __ATOMIC_RELEASE);
}

static inline uint16_t
get16 (uint64_t at)
{
  return __atomic_load_n ((uint16_t *) ram (at), __ATOMIC_ACQUIRE);
}

/* A writable buffer of 8 bytes in queue 0. */
static inline void
vdriver_add (struct vdriver *d)
{
  uint16_t slot = d->next % d->num;
  uint64_t address = BUFFERS + 0x100 * slot, desc = AREA (0, 0) + 16 * slot;
  uint32_t size = 8;
  memcpy (ram (desc), &address, 8);
  memcpy (ram (desc + 8), &size, 4);
  put16 (desc + 12, 2);
  put16 (AREA (0, 1) + 4 + 2 * slot, slot);
  put16 (AREA (0, 1) + 2, ++d->next);
}

static inline bool
vdriver_used (struct vdriver *d)
{
  if (get16 (AREA (0, 2) + 2) == d->seen)
    return false;
  d->seen++;
  return true;
}

/* The device's turn: one chain of queue 0 is used, and the driver told. */
static inline bool
vprobe_serve (struct vprobe *p)
{
  struct gwt_virtq_chain *c = virtio->pop (p->queue[0]);
  if (c == NULL)
    return false;
  g_assert_cmpuint (c->writable_size, ==, 8);
  memset (c->writable[0].base, 0x5a, 8);
  virtio->push (p->queue[0], c, 8);
  virtio->notify (p->queue[0]);
  return true;
}

/* MSI-X on; vector I stores 0x100 + I at MESSAGES + 4 I. */
static inline void
vdriver_msix (struct vdriver *d, uint32_t n)
{
  unsigned cap = find_capability (d->config, 0x11, 0);
  g_assert_cmpuint (cap, !=, 0);
  for (uint32_t i = 0; i < n; i++)
    {
      store (MSIX_BAR + 16 * i, 4, (uint32_t) MESSAGES + 4 * i);
      store (MSIX_BAR + 16 * i + 4, 4, 0);
      store (MSIX_BAR + 16 * i + 8, 4, 0x100 + i);
      store (MSIX_BAR + 16 * i + 12, 4, 0);
    }
  memset (ram (MESSAGES), 0, 4 * n);
  store (d->config + cap + 2, 2, 0x8000);
}

/* Has vector I come since it was last asked? */
static inline bool
message (uint32_t i)
{
  uint32_t value = (uint32_t) load (MESSAGES + 4 * i, 4);
  g_assert_true (value == 0 || value == 0x100 + i);
  store (MESSAGES + 4 * i, 4, 0);
  return value != 0;
}

#endif
