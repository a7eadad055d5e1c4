/* SPDX-License-Identifier: BSD-2-Clause */
/* The PCI transport as a driver sees it, and what it asks of a device.  So many lines, because each
   kind of register is looked at from both sides, of the driver and of the device. */
#include "tests/virtio/virtio-bench.h"

static void
end (void)
{
  bench_end ();
}

static uint32_t
line (void)
{
  /* INTA of slot 2 of the root bus. */
  return sink->level[2];
}

static void
traffic (struct vdriver *d)
{
  vdriver_add (d);
  g_assert_false (vdriver_used (d));
  store (NOTIFY, 2, 0);
  g_assert_true (vprobe_serve (d->probe));
  g_assert_true (vdriver_used (d));
}

/* ---- identity ------------------------------------------------------------------------------- */

/* What QEMU 7.2 shows for the entropy device (virtio-rng-pci,disable-legacy=on): on the root bus
   and, from 0x40 on, behind a port. */
static const uint32_t on_root[] = {
  0x10441af4, 0x00100000, 0x00ff0001, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
  0x0000000c, 0x00000000, 0x00000000, 0x11001af4, 0x00000000, 0x00000098, 0x00000000, 0x00000100,
  0x01100009, 0x00000004, 0x00000000, 0x00001000, 0x03104009, 0x00000004, 0x00001000, 0x00001000,
  0x04105009, 0x00000004, 0x00002000, 0x00001000, 0x02146009, 0x00000004, 0x00003000, 0x00001000,
  0x00000004, 0x05147009, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00018411, 0x00000001,
  0x00000801, 0x00000000,
};
static const uint32_t behind_port[] = {
  0x00034001, 0x00000000, 0x01107c09, 0x00000004, 0x00000000, 0x00001000, 0x03108409, 0x00000004,
  0x00001000, 0x00001000, 0x04109409, 0x00000004, 0x00002000, 0x00001000, 0x0214a409, 0x00000004,
  0x00003000, 0x00001000, 0x00000004, 0x0514b409, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
  0x0001c811, 0x00000001, 0x00000801, 0x00000000,
};

static void
test_config_space (void)
{
  uint64_t port = ECAM + (1 << 15), root = ECAM + (2 << 15), behind = ECAM + (1 << 20);
  vbench_begin ();
  if (gwt_type_find ("virtio-rng-pci") == NULL)
    {
      g_test_skip ("the plugin virtio-rng was not built");
      bench_end ();
      return;
    }
  bench_must ("pcie-root-port,id=rp,addr=1");
  bench_must ("virtio-rng-pci,id=a,addr=2");
  bench_must ("virtio-rng-pci,id=b,bus=rp");
  gwt_device_reset_all (GWT_RESET_COLD);
  store (port + 0x18, 4, 0x010100);
  for (guint i = 0; i < 64; i++)
    g_assert_cmphex (load (root + 4 * i, 4), ==, i < G_N_ELEMENTS (on_root) ? on_root[i] : 0);
  for (guint i = 0; i < 16; i++)
    if (4 * i != 0x34)
      g_assert_cmphex (load (behind + 4 * i, 4), ==, on_root[i]);
  g_assert_cmphex (load (behind + 0x34, 1), ==, 0xdc);
  g_assert_cmphex (load (behind + 0x40, 4), ==, 0x00020010);
  g_assert_cmphex (load (behind + 0x44, 4), ==, 0x10008000);
  for (guint i = 0; i < G_N_ELEMENTS (behind_port); i++)
    g_assert_cmphex (load (behind + 0x7c + 4 * i, 4), ==, behind_port[i]);
  /* A conventional function has no more. */
  g_assert_cmphex (load (root + 0x100, 4), ==, 0xffffffff);
  g_assert_cmphex (load (behind + 0x100, 4), ==, 0);
  /* What can be written. */
  store (root + 0x14, 4, 0xffffffff);
  store (root + 0x20, 4, 0xffffffff);
  store (root + 0x24, 4, 0xffffffff);
  g_assert_cmphex (load (root + 0x14, 4), ==, 0xfffff000);
  g_assert_cmphex (load (root + 0x20, 4), ==, 0xffffc00c);
  g_assert_cmphex (load (root + 0x24, 4), ==, 0xffffffff);
  for (guint at = 0x40; at < 0x98; at += 4)
    {
      uint32_t wanted = at == 0x88 ? 0xff : at >= 0x8c && at <= 0x94 ? 0xffffffff : on_root[at / 4];
      store (root + at, 4, 0xffffffff);
      g_assert_cmphex (load (root + at, 4), ==, wanted);
    }
  store (behind + 0x80, 4, 0xffffffff);
  g_assert_cmphex (load (behind + 0x80, 4), ==, 3);
  gwt_device_reset_all (GWT_RESET_WARM);
  for (guint i = 0; i < 64; i++)
    g_assert_cmphex (load (root + 4 * i, 4), ==, i < G_N_ELEMENTS (on_root) ? on_root[i] : 0);
  end ();
}

static void
refused (const char *text, const char *wanted)
{
  GWT_AUTO_ERROR (err);
  g_assert_null (bench_add (text, &err));
  if (strstr (err.text, wanted) == NULL || strchr (err.text, '\n') != NULL)
    g_error ("'%s' gave '%s', not '%s'", text, err.text, wanted);
}

static void
test_options (void)
{
  vbench_begin ();
  refused (
      "vprobe-pci,id=p,vectors=3",
      "device 'p': vectors: 3 cannot hold 3 queues and the configuration; use 4, fewer queues, "
      "or 0 for no MSI-X");
  refused ("vprobe-pci,id=p,vectors=2049",
           "device 'p': vectors: 2049 is more than MSI-X has; use at most 2048");
  refused ("vprobe-pci,id=p,queues=9,pci-vectors=5,vectors=4",
           "vectors: 4 cannot hold 9 queues and the configuration; use 5, fewer queues");
  refused ("vprobe-pci,id=p,aer=on",
           "device 'p': bus: the device has error reporting only behind a port, not on bus "
           "'pcie.0'; give it the bus of a pcie-root-port");
  refused ("vprobe-pci,id=p,bus=nowhere",
           "device 'p': bus: there is no bus 'nowhere'; use 'pcie.0'");
  refused ("vprobe-pci,id=p,queues=0", "its number of queues is not 1 to 1024");
  /* A refusal leaves nothing on the bus. */
  g_assert_cmphex (load (ECAM + (1 << 15), 4), ==, 0xffffffff);
  bench_must ("vprobe-pci,id=p,queues=1024,addr=1");
  g_assert_cmphex (load (ECAM + (1 << 15) + find_capability (ECAM + (1 << 15), 0x11, 0) + 2, 2), ==,
                   1024);
  bench_must ("vprobe-pci,id=q,queues=9,pci-vectors=5,addr=2");
  g_assert_cmphex (load (ECAM + (2 << 15) + find_capability (ECAM + (2 << 15), 0x11, 0) + 2, 2), ==,
                   4);
  bench_must ("vprobe-pci,id=r,vectors=0,addr=3");
  g_assert_cmpuint (find_capability (ECAM + (3 << 15), 0x11, 0), ==, 0);
  bench_must ("pcie-root-port,id=rp,addr=4");
  bench_must ("vprobe-pci,id=s,bus=rp,aer=on");
  store (ECAM + (4 << 15) + 0x18, 4, 0x010100);
  g_assert_cmphex (load (ECAM + (1 << 20) + 0x100, 4) & 0xffff, ==, 1);
  end ();
}

/* ---- registers ------------------------------------------------------------------------------ */

static void
test_registers (void)
{
  struct vdriver d;
  vdriver_new (&d, false, "");
  /* Features: the device's own and those of queues and transport. */
  store (COMMON, 4, 0);
  g_assert_cmphex (load (COMMON + 4, 4), ==, 0x30000001);
  store (COMMON, 4, 1);
  g_assert_cmphex (load (COMMON, 4), ==, 1);
  g_assert_cmphex (load (COMMON + 4, 4), ==, 0x00000101);
  store (COMMON, 4, 2);
  g_assert_cmphex (load (COMMON + 4, 4), ==, 0);
  store (COMMON + 8, 4, 1);
  store (COMMON + 0xc, 4, 0x101);
  g_assert_cmphex (load (COMMON + 8, 4), ==, 1);
  g_assert_cmphex (load (COMMON + 0xc, 4), ==, 0x101);
  store (COMMON + 8, 4, 2);
  g_assert_cmphex (load (COMMON + 0xc, 4), ==, 0);
  g_assert_cmphex (load (COMMON + 0x10, 2), ==, 0xffff);
  g_assert_cmpuint (load (COMMON + 0x12, 2), ==, QUEUES);
  g_assert_cmpuint (load (COMMON + 0x15, 1), ==, 0);
  /* Queues. */
  for (uint32_t q = 0; q < QUEUES + 2; q++)
    {
      store (COMMON + 0x16, 2, q);
      g_assert_cmpuint (load (COMMON + 0x16, 2), ==, q);
      g_assert_cmpuint (load (COMMON + 0x18, 2), ==, q < QUEUES ? QUEUE_MAX : 0);
      g_assert_cmphex (load (COMMON + 0x1a, 2), ==, q < QUEUES ? 0xffff : 0);
      g_assert_cmpuint (load (COMMON + 0x1e, 2), ==, q < QUEUES ? q : 0);
      g_assert_cmpuint (load (COMMON + 0x1c, 2), ==, 0);
      g_assert_cmpuint (load (COMMON + 0x38, 2), ==, 0);
      g_assert_cmpuint (load (COMMON + 0x3a, 2), ==, 0);
    }
  store (COMMON + 0x16, 2, 1);
  for (uint32_t at = 0x20; at < 0x38; at += 8)
    {
      /* By halves, and both at once. */
      store (COMMON + at, 4, 0x89abcde0 + at);
      store (COMMON + at + 4, 4, 0x1234567);
      g_assert_cmphex (load (COMMON + at, 4), ==, 0x89abcde0 + at);
      g_assert_cmphex (load (COMMON + at, 8), ==, UINT64_C (0x0123456789abcde0) + at);
      store (COMMON + at, 8, UINT64_C (0xfedcba9876543210) + at);
      g_assert_cmphex (load (COMMON + at + 4, 4), ==, 0xfedcba98);
    }
  store (COMMON + 0x16, 2, 0);
  g_assert_cmphex (load (COMMON + 0x20, 8), ==, 0);
  /* The device's own. */
  store (DEVICE, 1, 0x11);
  store (DEVICE + 2, 2, 0x3322);
  store (DEVICE + 4, 4, 0x77665544);
  g_assert_cmphex (load (DEVICE, 8), ==, UINT64_C (0x7766554433220011));
  g_assert_cmphex (load (DEVICE + 8, 4), ==, 0xffffffff);
  store (DEVICE + 8, 4, 1);
  store (DEVICE + 0xffc, 4, 1);
  virtio->config_changed (d.probe->virtio);
  g_assert_cmpuint (load (COMMON + 0x15, 1), ==, 1);
  /* No interrupt before DRIVER_OK. */
  g_assert_cmpuint (line (), ==, 0);
  end ();
}

/* Widths that no register has read as zero and write nothing. */
static void
test_widths (void)
{
  static const struct
  {
    uint8_t at, size;
  } registers[] = { { 0x00, 4 }, { 0x08, 4 }, { 0x10, 2 }, { 0x14, 1 }, { 0x16, 2 }, { 0x18, 2 },
                    { 0x1a, 2 }, { 0x20, 4 }, { 0x2c, 4 }, { 0x30, 4 }, { 0x3a, 2 } };
  struct vdriver d;
  vdriver_new (&d, false, "");
  g_assert_true (vdriver_negotiate (&d, VERSION_1 | RING_RESET));
  vdriver_queue (&d, 0, 4, 0xffff);
  store (COMMON + R_STATUS, 1, OK_STATUS);
  for (guint i = 0; i < G_N_ELEMENTS (registers); i++)
    for (uint32_t size = 1; size <= 4; size *= 2)
      {
        uint64_t at = COMMON + registers[i].at;
        uint64_t before = load (at, registers[i].size);
        if (size == registers[i].size || (at & (size - 1)) != 0)
          continue;
        g_assert_cmphex (load (at, size), ==, 0);
        store (at, size, 1);
        g_assert_cmphex (load (at, registers[i].size), ==, before);
      }
  /* The upper half of a register of four bytes is none, nor is what lies behind all of them. */
  g_assert_cmphex (load (COMMON + 2, 2), ==, 0);
  g_assert_cmphex (load (COMMON + 0x40, 4), ==, 0);
  g_assert_cmphex (load (COMMON + 0xffc, 4), ==, 0);
  store (COMMON + 0x40, 4, 1);
  store (ISR, 1, 0xff);
  g_assert_cmphex (load (ISR + 4, 4), ==, 0);
  g_assert_cmphex (load (NOTIFY, 2), ==, 0);
  g_assert_cmpuint (gwt_memory_store (COMMON + 1, 4, 0), ==, GWT_ACCESS_ERROR);
  /* Read-only ones stay as they are. */
  store (COMMON + 0x12, 2, 7);
  g_assert_cmpuint (load (COMMON + 0x12, 2), ==, QUEUES);
  store (COMMON + 0x1c, 2, 0);
  g_assert_cmpuint (load (COMMON + 0x1c, 2), ==, 1);
  store (COMMON + 0x3a, 2, 2);
  g_assert_cmpuint (load (COMMON + 0x1c, 2), ==, 1);
  g_assert_cmphex (status (), ==, OK_STATUS);
  traffic (&d);
  end ();
}

/* ---- interrupts ----------------------------------------------------------------------------- */

static void
test_intx (void)
{
  struct vdriver d;
  vdriver_new (&d, false, "");
  vdriver_start (&d, 0, 0xffff);
  g_assert_cmpuint (d.probe->starts, ==, 1);
  traffic (&d);
  g_assert_cmpuint (d.probe->notified[0], ==, 1);
  g_assert_cmpuint (line (), ==, 1);
  g_assert_cmphex (load (d.config + 6, 2) & 8, ==, 8);
  /* Reading clears. */
  g_assert_cmphex (load (ISR, 1), ==, 1);
  g_assert_cmpuint (line (), ==, 0);
  g_assert_cmphex (load (ISR, 1), ==, 0);
  virtio->config_changed (d.probe->virtio);
  traffic (&d);
  g_assert_cmpuint (line (), ==, 1);
  /* Off in the command register the line goes, the status stays. */
  store (d.config + 4, 2, 0x406);
  g_assert_cmpuint (line (), ==, 0);
  g_assert_cmphex (load (d.config + 6, 2) & 8, ==, 8);
  store (d.config + 4, 2, 6);
  g_assert_cmpuint (line (), ==, 1);
  g_assert_cmphex (load (ISR, 4), ==, 3);
  g_assert_cmpuint (line (), ==, 0);
  /* A reset takes it away. */
  traffic (&d);
  g_assert_cmpuint (line (), ==, 1);
  store (COMMON + R_STATUS, 1, 0);
  g_assert_cmpuint (line (), ==, 0);
  g_assert_cmphex (load (ISR, 1), ==, 0);
  end ();
}

static void
test_msix (void)
{
  struct vdriver d;
  vdriver_new (&d, false, "");
  vdriver_msix (&d, 4);
  vdriver_start (&d, 0, 2);
  store (COMMON + 0x10, 2, 0);
  g_assert_cmphex (load (COMMON + 0x10, 2), ==, 0);
  traffic (&d);
  g_assert_true (message (2));
  g_assert_false (message (0) || message (1) || message (3));
  virtio->config_changed (d.probe->virtio);
  g_assert_true (message (0));
  g_assert_false (message (1) || message (2) || message (3));
  /* Neither line nor status. */
  g_assert_cmpuint (line (), ==, 0);
  g_assert_cmphex (load (ISR, 1), ==, 0);
  /* Masked it is pending, and sent when it no longer is. */
  store (MSIX_BAR + 2 * 16 + 12, 4, 1);
  traffic (&d);
  g_assert_false (message (2));
  g_assert_cmphex (load (MSIX_BAR + 0x800, 8), ==, 4);
  store (MSIX_BAR + 2 * 16 + 12, 4, 0);
  g_assert_true (message (2));
  g_assert_cmphex (load (MSIX_BAR + 0x800, 8), ==, 0);
  /* The whole function masked. */
  unsigned cap = find_capability (d.config, 0x11, 0);
  store (d.config + cap + 2, 2, 0xc000);
  traffic (&d);
  g_assert_false (message (2));
  store (d.config + cap + 2, 2, 0x8000);
  g_assert_true (message (2));
  /* Changed while the queue is served. */
  store (COMMON + 0x1a, 2, 3);
  traffic (&d);
  g_assert_true (message (3));
  g_assert_false (message (2));
  store (COMMON + 0x1a, 2, 0xffff);
  traffic (&d);
  g_assert_false (message (2) || message (3));
  store (COMMON + 0x16, 2, QUEUES);
  store (COMMON + 0x1a, 2, 1);
  store (COMMON + 0x16, 2, 0);
  g_assert_cmphex (load (COMMON + 0x1a, 2), ==, 0xffff);
  store (COMMON + 0x1a, 2, 2);
  /* No vector, and one that there is not. */
  store (COMMON + 0x10, 2, 4);
  g_assert_cmphex (load (COMMON + 0x10, 2), ==, 0xffff);
  store (COMMON + 0x10, 2, 3);
  store (COMMON + 0x10, 2, 0xffff);
  virtio->config_changed (d.probe->virtio);
  g_assert_false (message (0) || message (1) || message (2) || message (3));
  /* The status of then does not show when MSI-X is off. */
  store (d.config + cap + 2, 2, 0);
  g_assert_cmpuint (line (), ==, 0);
  traffic (&d);
  g_assert_cmpuint (line (), ==, 1);
  g_assert_false (message (2));
  /* And with MSI-X on again the line goes. */
  store (d.config + cap + 2, 2, 0x8000);
  g_assert_cmpuint (line (), ==, 0);
  /* A reset of the device forgets its vectors, not MSI-X. */
  store (COMMON + R_STATUS, 1, 0);
  g_assert_cmphex (load (COMMON + 0x1a, 2), ==, 0xffff);
  g_assert_cmphex (load (COMMON + 0x10, 2), ==, 0xffff);
  g_assert_cmphex (load (d.config + cap + 2, 2) & 0x8000, ==, 0x8000);
  end ();
}

/* Two queues with a vector each, and both with the same. */
static void
test_vectors (void)
{
  struct vdriver d;
  vdriver_new (&d, false, "");
  vdriver_msix (&d, 4);
  g_assert_true (vdriver_negotiate (&d, VERSION_1));
  for (uint32_t q = 0; q < QUEUES; q++)
    vdriver_queue (&d, q, 4, q == 2 ? 1 : q);
  store (COMMON + R_STATUS, 1, OK_STATUS);
  for (uint32_t q = 0; q < QUEUES; q++)
    {
      uint64_t address = BUFFERS;
      uint32_t size = 8;
      memcpy (ram (AREA (q, 0)), &address, 8);
      memcpy (ram (AREA (q, 0) + 8), &size, 4);
      put16 (AREA (q, 0) + 12, 2);
      put16 (AREA (q, 1) + 2, 1);
      store (NOTIFY + 4 * q, 2, q);
      g_assert_cmpuint (d.probe->notified[q], ==, 1);
      struct gwt_virtq_chain *c = virtio->pop (d.probe->queue[q]);
      virtio->push (d.probe->queue[q], c, 8);
      virtio->notify (d.probe->queue[q]);
      for (uint32_t v = 0; v < 4; v++)
        g_assert_true (message (v) == (v == (q == 2 ? 1 : q)));
    }
  /* The place says which queue; the value does not. */
  store (NOTIFY + 4, 4, 0xffff0002);
  g_assert_cmpuint (d.probe->notified[1], ==, 2);
  store (NOTIFY + 4 * QUEUES, 2, 0);
  store (NOTIFY + 0xffe, 2, 0);
  store (NOTIFY + 4 * 2 + 1, 1, 0);
  g_assert_cmpuint (d.probe->notified[0], ==, 1);
  g_assert_cmpuint (d.probe->notified[2], ==, 2);
  end ();
}

/* ---- the window of configuration space ------------------------------------------------------ */

static void
aim (struct vdriver *d, unsigned cap, uint32_t bar, uint32_t at, uint32_t size)
{
  store (d->config + cap + 4, 1, bar);
  store (d->config + cap + 8, 4, at);
  store (d->config + cap + 12, 4, size);
}

static void
test_window (void)
{
  struct vdriver d;
  vdriver_new (&d, false, "");
  unsigned cap = find_capability (d.config, 9, 5), data = cap + 16;
  g_assert_cmpuint (cap, !=, 0);
  /* Without memory decoding. */
  store (d.config + 4, 2, 4);
  aim (&d, cap, 4, R_STATUS, 1);
  store (d.config + data, 1, 1);
  store (d.config + data, 4, 3);
  g_assert_cmphex (load (d.config + data, 4) & 0xff, ==, 3);
  aim (&d, cap, 4, 0x12, 2);
  g_assert_cmphex (load (d.config + data, 2), ==, QUEUES);
  aim (&d, cap, 4, 0x2000, 4);
  store (d.config + data, 4, 0x44332211);
  g_assert_cmphex (load (d.config + data, 4), ==, 0x44332211);
  aim (&d, cap, 4, 0x2004, 2);
  store (d.config + data, 2, 0x6655);
  aim (&d, cap, 4, 0x2000, 4);
  g_assert_cmphex (load (d.config + data + 2, 2), ==, 0x4433);
  g_assert_cmpmem (d.probe->config, 8, "\x11\x22\x33\x44\x55\x66\0\0", 8);
  /* What cannot be accessed is not: the data stay as they are. */
  static const struct
  {
    uint32_t bar, at, size;
  } wrong[] = { { 0, 0x2000, 4 },      { 1, 0, 4 },          { 4, 0x4000, 4 }, { 4, 0xfffffffc, 4 },
                { 4, 0x2001, 2 },      { 4, 0x2000, 8 },     { 4, 0x2000, 0 }, { 4, 0x2000, 3 },
                { 4, 0x2000, 1u << 31 }, { 4, 0x3ffe, 4 } };
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      aim (&d, cap, wrong[i].bar, wrong[i].at, wrong[i].size);
      store (d.config + data, 4, 0xa5a5a5a5);
      g_assert_cmphex (load (d.config + data, 4), ==, 0xa5a5a5a5);
    }
  g_assert_cmpmem (d.probe->config, 8, "\x11\x22\x33\x44\x55\x66\0\0", 8);
  /* A driver that knows nothing else: notification and interrupt status. */
  store (d.config + 4, 2, 6);
  vdriver_start (&d, 0, 0xffff);
  aim (&d, cap, 4, 0x3000, 2);
  store (d.config + data, 2, 0);
  g_assert_cmpuint (d.probe->notified[0], ==, 1);
  traffic (&d);
  g_assert_cmpuint (line (), ==, 1);
  aim (&d, cap, 4, 0x1000, 1);
  g_assert_cmphex (load (d.config + data, 1), ==, 1);
  g_assert_cmpuint (line (), ==, 0);
  end ();
}

/* ---- resets --------------------------------------------------------------------------------- */

static void
test_function_reset (void)
{
  struct vdriver d;
  vdriver_new (&d, true, "");
  unsigned express = find_capability (d.config, 0x10, 0);
  vdriver_msix (&d, 4);
  vdriver_start (&d, 0, 1);
  store (COMMON + 0x10, 2, 3);
  store (COMMON + 8, 4, 1);
  vdriver_add (&d);
  vdriver_add (&d);
  g_assert_nonnull (virtio->pop (d.probe->queue[0]));
  store (d.config + express + 8, 2, 0x8000);
  g_assert_cmpuint (d.probe->stops, ==, 1);
  g_assert_null (virtio->pop (d.probe->queue[0]));
  g_assert_cmphex (load (d.config + 4, 2), ==, 0);
  g_assert_cmphex (load (d.config + 0x20, 8), ==, 0xc);
  vdriver_enable (&d);
  g_assert_cmphex (status (), ==, 0);
  g_assert_cmphex (load (COMMON + 8, 4), ==, 0);
  g_assert_cmphex (load (COMMON + 0x10, 2), ==, 0xffff);
  g_assert_cmphex (load (COMMON + 0x1a, 2), ==, 0xffff);
  g_assert_cmphex (load (COMMON + 0x1c, 2), ==, 0);
  vdriver_start (&d, 0, 0xffff);
  traffic (&d);
  /* Of the bus, through the port. */
  store (ECAM + (1 << 15) + 0x3e, 2, 0x40);
  store (ECAM + (1 << 15) + 0x3e, 2, 0);
  g_assert_cmpuint (d.probe->stops, ==, 2);
  vdriver_enable (&d);
  g_assert_cmphex (status (), ==, 0);
  end ();
}

static void
test_queue_reset (void)
{
  struct vdriver d;
  vdriver_new (&d, false, "");
  vdriver_msix (&d, 4);
  vdriver_start (&d, RING_RESET, 1);
  vdriver_add (&d);
  g_assert_nonnull (virtio->pop (d.probe->queue[0]));
  store (COMMON + 0x3a, 2, 1);
  g_assert_cmpuint (d.probe->queue_resets, ==, 1);
  g_assert_cmpuint (load (COMMON + 0x3a, 2), ==, 0);
  g_assert_cmpuint (load (COMMON + 0x1c, 2), ==, 0);
  g_assert_cmpuint (load (COMMON + 0x18, 2), ==, QUEUE_MAX);
  g_assert_cmphex (load (COMMON + 0x1a, 2), ==, 0xffff);
  g_assert_cmphex (load (COMMON + 0x20, 8), ==, 0);
  g_assert_null (virtio->pop (d.probe->queue[0]));
  g_assert_cmphex (status (), ==, OK_STATUS);
  d.next = d.seen = 0;
  vdriver_queue (&d, 0, 2, 3);
  traffic (&d);
  g_assert_true (message (3));
  g_assert_cmpuint (d.probe->stops, ==, 0);
  end ();
}

/* ---- bus mastering -------------------------------------------------------------------------- */

static void
test_master (void)
{
  struct vdriver d;
  vdriver_new (&d, false, "");
  /* Off from the start: the rings cannot be reached. */
  store (d.config + 4, 2, 2);
  vdriver_start (&d, 0, 0xffff);
  g_assert_cmphex (status (), ==, OK_STATUS | NEEDS_RESET);
  g_assert_cmpuint (d.probe->starts, ==, 0);
  g_assert_cmphex (load (ISR, 1), ==, 2);
  store (d.config + 4, 2, 6);
  vdriver_start (&d, 0, 0xffff);
  vdriver_add (&d);
  vdriver_add (&d);
  struct gwt_virtq_chain *c = virtio->pop (d.probe->queue[0]);
  /* Other bits of the command register, and other registers, mean nothing. */
  store (d.config + 4, 2, 0x106);
  store (d.config + 0x3c, 1, 5);
  g_assert_cmphex (status (), ==, OK_STATUS);
  virtio->push (d.probe->queue[0], c, 8);
  g_assert_true (vdriver_used (&d));
  c = virtio->pop (d.probe->queue[0]);
  g_assert_nonnull (c);
  store (d.config + 4, 2, 2);
  g_assert_cmpuint (d.probe->stops, ==, 1);
  g_assert_cmphex (status (), ==, OK_STATUS | NEEDS_RESET);
  g_assert_null (virtio->pop (d.probe->queue[0]));
  g_assert_false (vdriver_used (&d));
  /* On again it still wants its reset. */
  store (d.config + 4, 2, 6);
  vdriver_add (&d);
  store (NOTIFY, 2, 0);
  g_assert_cmpuint (d.probe->notified[0], ==, 0);
  g_assert_null (virtio->pop (d.probe->queue[0]));
  vdriver_start (&d, 0, 0xffff);
  traffic (&d);
  end ();
}

static void
test_power (void)
{
  struct vdriver d;
  vdriver_new (&d, true, "");
  unsigned cap = find_capability (d.config, 1, 0);
  vdriver_msix (&d, 4);
  vdriver_start (&d, 0, 1);
  traffic (&d);
  g_assert_true (message (1));
  /* D1 and D2 there are not. */
  store (d.config + cap + 4, 2, 1);
  store (d.config + cap + 4, 2, 2);
  g_assert_cmphex (load (d.config + cap + 4, 4), ==, 0);
  traffic (&d);
  g_assert_true (message (1));
  vdriver_add (&d);
  g_assert_nonnull (virtio->pop (d.probe->queue[0]));
  store (d.config + cap + 4, 2, 3);
  g_assert_cmphex (load (d.config + cap + 4, 4), ==, 3);
  g_assert_cmphex (load (d.config + 4, 2), ==, 6);
  g_assert_cmphex (status (), ==, 0xff);
  g_assert_cmpuint (d.probe->stops, ==, 1);
  g_assert_null (virtio->pop (d.probe->queue[0]));
  virtio->config_changed (d.probe->virtio);
  g_assert_false (message (0) || message (1) || message (2) || message (3));
  store (d.config + cap + 4, 2, 2);
  g_assert_cmphex (load (d.config + cap + 4, 4), ==, 3);
  store (d.config + cap + 4, 1, 0);
  g_assert_cmphex (status (), ==, OK_STATUS | NEEDS_RESET);
  vdriver_start (&d, 0, 1);
  traffic (&d);
  g_assert_true (message (1));
  /* A reset leads out of it. */
  store (d.config + cap + 4, 1, 3);
  gwt_device_reset_all (GWT_RESET_WARM);
  vdriver_open_port (&d);
  vdriver_enable (&d);
  g_assert_cmphex (status (), ==, 0);
  end ();
}

/* ---- threads -------------------------------------------------------------------------------- */

/* A device with an [io] thread that serves queue 0 all the time; stopping it waits for the thread,
   whatever that is doing: it may be in the middle of an interrupt. */
static struct
{
  GThread *thread, *handler;
  gint quit, hold, held;
  gint rounds;
} io;

static gpointer
io_thread (gpointer data)
{
  struct vprobe *p = data;
  gwt_lock_io_thread (true);
  while (!g_atomic_int_get (&io.quit))
    {
      if (g_atomic_int_get (&io.hold))
        {
          g_atomic_int_set (&io.held, 1);
          g_thread_yield ();
          continue;
        }
      g_atomic_int_set (&io.held, 0);
      if (g_atomic_int_get (&io.hold))
        continue;
      struct gwt_virtq_chain *c = virtio->pop (p->queue[0]);
      if (c != NULL)
        {
          memset (c->writable[0].base, 0x5a, c->writable[0].size);
          virtio->push (p->queue[0], c, 8);
          g_atomic_int_inc (&io.rounds);
        }
      /* Also for no reason, to be there whenever a reset comes. */
      virtio->config_changed (p->virtio);
      virtio->notify (p->queue[0]);
      if (c == NULL)
        g_thread_yield ();
    }
  gwt_lock_io_thread (false);
  return NULL;
}

static void
io_hold (struct vprobe *p)
{
  (void) p;
  g_atomic_int_set (&io.held, 0);
  g_atomic_int_set (&io.hold, 1);
  while (!g_atomic_int_get (&io.held))
    g_thread_yield ();
}

/* A vCPU in its interrupt handler: the line goes, so that the next interrupt moves it again. */
static gpointer
handler_thread (gpointer data)
{
  uint64_t value;
  while (!g_atomic_int_get (&io.quit))
    {
      if (data != NULL)
        gwt_memory_store (MMIO_SLOT + 0x64, 4, 3);
      else
        gwt_memory_load (ISR, 1, &value);
      g_thread_yield ();
    }
  return NULL;
}

static void
io_begin (struct vprobe *p, bool mmio)
{
  p->stopping = io_hold;
  memset (&io, 0, sizeof io);
  io.hold = 1;
  io.thread = g_thread_new ("io", io_thread, p);
  io.handler = g_thread_new ("handler", handler_thread, mmio ? p : NULL);
}

static void
io_end (void)
{
  g_atomic_int_set (&io.quit, 1);
  g_thread_join (io.thread);
  if (io.handler != NULL)
    g_thread_join (io.handler);
}

/* The PCI device with INTx; resets by its driver, of one queue, of the function, of the machine. */
static void
test_reset_while_notifying (gconstpointer data)
{
  bool locked = GPOINTER_TO_INT (data) != 0;
  struct vdriver d;
  vdriver_new (&d, true, "");
  unsigned express = find_capability (d.config, 0x10, 0);
  io_begin (d.probe, false);
  for (guint i = 0; i < 300; i++)
    {
      vdriver_start (&d, RING_RESET, 0xffff);
      g_atomic_int_set (&io.hold, 0);
      gint before = g_atomic_int_get (&io.rounds);
      vdriver_add (&d);
      while (g_atomic_int_get (&io.rounds) == before)
        g_thread_yield ();
      vdriver_add (&d);
      /* The guest's accesses to configuration space come with the machine lock. */
      if (locked || i % 4 == 2)
        gwt_machine_lock ();
      switch (i % 4)
        {
        case 0:
          store (COMMON + R_STATUS, 1, 0);
          break;
        case 1:
          store (COMMON + 0x3a, 2, 1);
          break;
        case 2:
          store (d.config + express + 8, 2, 0x8000);
          vdriver_enable (&d);
          break;
        default:
          store (d.config + 4, 2, 2);
          store (d.config + 4, 2, 6);
          break;
        }
      g_assert_cmpint (g_atomic_int_get (&io.held), ==, 1);
      if (locked || i % 4 == 2)
        gwt_machine_unlock ();
    }
  io_end ();
  end ();
}

/* The same behind MMIO, whose line goes to a device under the machine lock. */
static void
test_reset_while_notifying_mmio (void)
{
  vbench_begin ();
  struct vdriver d = { .num = 4 };
  d.device = bench_must ("vprobe-device,id=probe");
  d.probe = d.device->instance;
  io_begin (d.probe, true);
  for (guint i = 0; i < 300; i++)
    {
      static const uint8_t progress[] = { 0, 1, 3 };
      for (guint k = 0; k < 3; k++)
        store (MMIO_SLOT + 0x70, 4, progress[k]);
      store (MMIO_SLOT + 0x24, 4, 1);
      store (MMIO_SLOT + 0x20, 4, 1);
      store (MMIO_SLOT + 0x70, 4, 11);
      store (MMIO_SLOT + 0x30, 4, 0);
      store (MMIO_SLOT + 0x38, 4, 4);
      for (guint k = 0; k < 3; k++)
        {
          memset (ram (AREA (0, k)), 0, 0x100);
          store (MMIO_SLOT + 0x80 + 0x10 * k, 4, (uint32_t) AREA (0, k));
          store (MMIO_SLOT + 0x84 + 0x10 * k, 4, 0);
        }
      store (MMIO_SLOT + 0x44, 4, 1);
      store (MMIO_SLOT + 0x70, 4, 15);
      d.next = d.seen = 0;
      g_atomic_int_set (&io.hold, 0);
      gint before = g_atomic_int_get (&io.rounds);
      vdriver_add (&d);
      while (g_atomic_int_get (&io.rounds) == before)
        g_thread_yield ();
      if (i % 2)
        gwt_machine_lock ();
      if (i % 4 < 2)
        store (MMIO_SLOT + 0x70, 4, 0);
      else
        gwt_device_reset_all (GWT_RESET_WARM);
      g_assert_cmpint (g_atomic_int_get (&io.held), ==, 1);
      if (i % 2)
        gwt_machine_unlock ();
      g_assert_cmphex (load (MMIO_SLOT + 0x70, 4), ==, 0);
    }
  io_end ();
  end ();
}

/* A thread that the device does not wait for when it is stopped, for it touches no chain: it only
   tells the driver of what was used, and that the configuration changed. */
static gpointer
teller_thread (gpointer data)
{
  struct vprobe *p = data;
  gwt_lock_io_thread (true);
  while (!g_atomic_int_get (&io.quit))
    {
      virtio->notify (p->queue[0]);
      virtio->config_changed (p->virtio);
    }
  gwt_lock_io_thread (false);
  return NULL;
}

/* Once the driver has seen status 0 there is no interrupt any more. */
static void
test_late_interrupt (void)
{
  struct vdriver d;
  vdriver_new (&d, false, "");
  memset (&io, 0, sizeof io);
  io.thread = g_thread_new ("io", teller_thread, d.probe);
  for (guint i = 0; i < 20000; i++)
    {
      vdriver_start (&d, 0, 0xffff);
      vdriver_add (&d);
      struct gwt_virtq_chain *c = virtio->pop (d.probe->queue[0]);
      virtio->push (d.probe->queue[0], c, 8);
      store (COMMON + R_STATUS, 1, 0);
      for (guint k = 0; k < 3; k++)
        g_assert_cmphex (load (ISR, 1), ==, 0);
    }
  io_end ();
  gwt_machine_lock ();
  gwt_lock_run_errands ();
  gwt_machine_unlock ();
  g_assert_cmpuint (line (), ==, 0);
  end ();
}

/* ---- life ----------------------------------------------------------------------------------- */

static void
test_unplug (void)
{
  struct vdriver d;
  vdriver_new (&d, false, "");
  vdriver_start (&d, 0, 0xffff);
  traffic (&d);
  vdriver_add (&d);
  g_assert_nonnull (virtio->pop (d.probe->queue[0]));
  g_assert_cmpuint (line (), ==, 1);
  gwt_device_destroy (d.device);
  g_assert_cmpuint (line (), ==, 0);
  g_assert_cmphex (load (d.config, 4), ==, 0xffffffff);
  g_assert_cmphex (load (COMMON + R_STATUS, 1), ==, 0xff);
  bench_must ("vprobe-pci,id=probe,addr=2");
  g_assert_cmphex (load (d.config, 4), ==, (0x1040u + 42) << 16 | 0x1af4);
  end ();
}

/* ---- hostile -------------------------------------------------------------------------------- */

static void
test_hostile (void)
{
  struct vdriver d;
  vdriver_new (&d, true, "");
  for (guint i = 0; i < 200000; i++)
    {
      uint32_t r = g_test_rand_int (), size = 1u << (r & 3);
      uint64_t value = g_test_rand_int () & (r & 16 ? 0xf : UINT32_MAX), at;
      if (r % 64 == 0 || r % 1024 == 1)
        vdriver_enable (&d);
      if (r % 1024 == 1)
        vdriver_start (&d, RING_RESET, 0xffff);
      switch (r >> 8 & 7)
        {
        case 0:
          at = d.config + (r >> 16 & 0xff);
          break;
        case 1:
          at = BAR4 + (r >> 16 & 0x3fff);
          break;
        case 2:
          at = MSIX_BAR + (r >> 16 & 0xfff);
          break;
        case 3:
          at = AREA (0, r >> 16 & 3 ? 1 : 0) + (r >> 18 & 0x3f);
          break;
        default:
          at = COMMON + (r >> 16 & 0x3f);
          break;
        }
      at &= ~(uint64_t) (size - 1);
      if (r & 32)
        gwt_memory_store (at, size, value);
      else
        gwt_memory_load (at, size, &value);
      if (r & 64)
        {
          struct gwt_virtq_chain *c = virtio->pop (d.probe->queue[r >> 28 & 1]);
          if (c != NULL)
            virtio->push (d.probe->queue[r >> 28 & 1], c, 8);
          virtio->notify (d.probe->queue[0]);
        }
    }
  vdriver_enable (&d);
  vdriver_start (&d, 0, 0xffff);
  traffic (&d);
  end ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtio-pci/config-space", test_config_space);
  g_test_add_func ("/virtio-pci/options", test_options);
  g_test_add_func ("/virtio-pci/registers", test_registers);
  g_test_add_func ("/virtio-pci/widths", test_widths);
  g_test_add_func ("/virtio-pci/intx", test_intx);
  g_test_add_func ("/virtio-pci/msix", test_msix);
  g_test_add_func ("/virtio-pci/vectors", test_vectors);
  g_test_add_func ("/virtio-pci/window", test_window);
  g_test_add_func ("/virtio-pci/function-reset", test_function_reset);
  g_test_add_func ("/virtio-pci/queue-reset", test_queue_reset);
  g_test_add_func ("/virtio-pci/master", test_master);
  g_test_add_func ("/virtio-pci/power", test_power);
  g_test_add_data_func ("/virtio-pci/reset-while-notifying/vcpu", GINT_TO_POINTER (0),
                        test_reset_while_notifying);
  g_test_add_data_func ("/virtio-pci/reset-while-notifying/machine-lock", GINT_TO_POINTER (1),
                        test_reset_while_notifying);
  g_test_add_func ("/virtio-pci/reset-while-notifying/mmio", test_reset_while_notifying_mmio);
  g_test_add_func ("/virtio-pci/late-interrupt", test_late_interrupt);
  g_test_add_func ("/virtio-pci/unplug", test_unplug);
  g_test_add_func ("/virtio-pci/hostile", test_hostile);
  return g_test_run ();
}
