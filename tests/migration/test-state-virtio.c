/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio side of a section, of a device made for tests behind both transports: its bytes, what
 * becomes of chains that are out, and what is refused.  The guest's memory goes along by hand.
 */
#define HOSTILE_ALL 48 /* much of it are the same rings 1024 times */
#include "tests/migration/virtio-state.h"

/* ---- the guest moves ------------------------------------------------------------------------- */

/* The whole machine of D again in a new one, where its section is BYTES, which it saves the same;
   what BEHIND_PORT and PROPERTIES are for is as it was. */
static void
move (struct vdriver *d, const char *properties)
{
  GByteArray *bytes = save_device (d->device), *again;
  struct vdriver fresh;
  g_autofree char *error = NULL;

  keep_memory ();
  bench_end ();
  vdriver_new (&fresh, false, properties);
  memcpy (ram (RAM), memory, RAM_SIZE);
  error = load_device (fresh.device, bytes);
  g_assert_cmpstr (error, ==, NULL);
  again = save_device (fresh.device);
  g_assert_cmpmem (again->data, again->len, bytes->data, bytes->len);
  /* What the load itself has stored. */
  g_assert_cmpmem (ram (RAM), RAM_SIZE, memory, RAM_SIZE);
  g_byte_array_unref (again);
  g_byte_array_unref (bytes);
  d->device = fresh.device;
  d->probe = fresh.probe;
}

/* ---- layout ---------------------------------------------------------------------------------- */

static void
put (GByteArray *b, guint size, uint64_t value)
{
  while (size-- > 0)
    g_byte_array_append (b, (const guint8[]){ (guint8) (value >> 8 * size) }, 1);
}

static void
put_sub (GByteArray *b, const char *name)
{
  put (b, 1, 5);
  put (b, 1, strlen (name));
  g_byte_array_append (b, (const guint8 *) name, (guint) strlen (name));
  put (b, 4, 1);
}

/* Queue 0 of 4 entries is ready, the other two are as after a reset. */
static void
put_head (GByteArray *b, bool pci)
{
  put (b, 1, 0x0f); /* status */
  put (b, 1, 0);
  put (b, 2, 0); /* queue selector */
  put (b, 4, 1); /* features, low */
  put (b, 4, 8);
  put (b, 8, UINT64_C (0xa1a2a3a4a5a6a7a8));
  put (b, 4, 3);
  for (guint i = 0; i < 3; i++)
    {
      put (b, 4, i == 0 ? 4 : 32);
      if (!pci)
        put (b, 4, 4096);
      put (b, 8, i == 0 ? AREA (0, 0) : 0);
      put (b, 2, i == 0 ? 2 : 0);
      if (pci)
        put (b, 2, i == 0 ? 1 : 0xffff);
    }
}

/* One request: the buffer of 8 writable bytes at BUFFERS, of queue 0. */
static void
put_request (GByteArray *b)
{
  guint at;

  put (b, 1, 1);
  put (b, 4, 0);
  at = b->len;
  g_byte_array_set_size (b, at + 49168);
  memset (b->data + at, 0, 49168);
  b->data[at + 8] = 1; /* writable buffers */
  for (guint i = 0; i < 8; i++)
    b->data[at + 16 + i] = (uint8_t) (BUFFERS >> 8 * i);
  b->data[at + 16 + 8192 + 8192 + 8] = 8;
  put (b, 1, 0);
}

static void
put_tail (GByteArray *b, bool pci)
{
  put_sub (b, "virtio/64bit_features");
  put (b, 8, VERSION_1 | 1);
  put_sub (b, "virtio/virtqueues");
  for (guint i = 0; i < 1024; i++)
    {
      put (b, 8, i == 0 ? AREA (0, 1) : 0);
      put (b, 8, i == 0 ? AREA (0, 2) : 0);
    }
  put_sub (b, "virtio/ringsize");
  for (guint i = 0; i < 1024; i++)
    put (b, 4, i < 3 ? 32 : 0);
  put_sub (b, "virtio/extra_state");
  put_sub (b, pci ? "virtio_pci/modern_state" : "virtio_mmio/state");
  if (pci)
    put (b, 8, UINT64_C (0x0000000000000001)); /* selectors of features: 0 and 1 */
  put (b, 4, 1);
  put (b, 4, 1);
  for (guint i = 0; i < 1024; i++)
    {
      put (b, 2, i == 0 ? 4 : i < 3 ? 32 : 0);
      if (pci)
        put (b, 1, 0);
      put (b, 1, i == 0);
      for (guint a = 0; a < 3; a++)
        {
          put (b, 4, i == 0 ? AREA (0, a) : 0);
          put (b, 4, 0);
        }
    }
  put_sub (b, "virtio/started");
  put (b, 1, 1);
}

static void
put_config_space (GByteArray *b, const struct vdriver *d)
{
  guint at;

  put (b, 4, 2);
  at = b->len;
  g_byte_array_set_size (b, at + 256);
  for (guint i = 0; i < 256; i++)
    b->data[at + i] = (uint8_t) reg_load (d->config + i, 1);
  g_byte_array_set_size (b, b->len + 16);
  memset (b->data + b->len - 16, 0, 16);
}

/* The second descriptor's buffer, of queue 0. */
static void
put_second_request (GByteArray *b)
{
  put_request (b);
  b->data[b->len - 1 - 49168] = 1;
  b->data[b->len - 1 - 49168 + 17] += 1;
}

static void
test_layout_pci (void)
{
  static const uint8_t config[8] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8 };
  g_autoptr (GByteArray) wanted = g_byte_array_new (), bytes = NULL;
  g_autofree char *text = NULL;
  struct vdriver d;
  guint i;

  vdriver_new (&d, false, ",pci-vectors=2,event-idx=off");
  memcpy (d.probe->config, config, sizeof config);
  vdriver_msix (&d, 2);
  vdriver_start (&d, 1, 1);
  vdriver_add (&d);
  g_assert_true (vprobe_serve (d.probe));
  vdriver_add (&d);
  g_assert_nonnull (virtio->pop (d.probe->queue[0]));
  /* The second one lies in slot 1. */
  put_config_space (wanted, &d);
  for (i = 0; i < 2; i++)
    for (guint w = 0; w < 4; w++)
      {
        uint32_t word = (uint32_t) reg_load (MSIX_BAR + 16 * i + 4 * w, 4);

        for (guint n = 0; n < 4; n++)
          put (wanted, 1, word >> 8 * n & 0xff);
      }
  put (wanted, 1, 0);      /* pending */
  put (wanted, 2, 0xffff); /* vector of the configuration */
  put_head (wanted, true);
  put_second_request (wanted);
  put_tail (wanted, true);
  bytes = save_of (&vprobe_state, d.probe, d.device, &text);
  assert_bytes (bytes, wanted);
  g_assert_cmpstr (text, ==,
                   "\"vmsd_name\": \"virtio-probe\", \"version\": 1, \"fields\": [{\"name\": "
                   "\"virtio\", \"type\": \"virtio\", \"size\": 98878}]");
  bench_end ();
}

/* ---- behind MMIO ----------------------------------------------------------------------------- */

static void
mmio_start (struct vdriver *d, uint64_t features, uint16_t num)
{
  mmio_negotiate (features);
  mmio_queue (0, num);
  mmio_run ();
  d->num = num;
  d->next = d->seen = 0;
}

static void
mmio_new (struct vdriver *d, const char *properties)
{
  g_autofree char *text = g_strdup_printf ("vprobe-device,id=probe%s", properties);

  memset (d, 0, sizeof *d);
  vbench_begin ();
  d->device = bench_must (text);
  gwt_device_reset_all (GWT_RESET_COLD);
  d->probe = d->device->instance;
}

/* As move (): the device in its slot. */
static void
mmio_move (struct vdriver *d, const char *properties)
{
  GByteArray *bytes = save_device (d->device), *again;
  struct vdriver fresh;
  g_autofree char *error = NULL;

  keep_memory ();
  bench_end ();
  mmio_new (&fresh, properties);
  memcpy (ram (RAM), memory, RAM_SIZE);
  error = load_device (fresh.device, bytes);
  g_assert_cmpstr (error, ==, NULL);
  again = save_device (fresh.device);
  assert_bytes (again, bytes);
  g_assert_cmpmem (ram (RAM), RAM_SIZE, memory, RAM_SIZE);
  g_byte_array_unref (again);
  g_byte_array_unref (bytes);
  d->device = fresh.device;
  d->probe = fresh.probe;
}

static void
test_layout_mmio (void)
{
  static const uint8_t config[8] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8 };
  g_autoptr (GByteArray) wanted = g_byte_array_new (), bytes = NULL;
  struct vdriver d;

  mmio_new (&d, ",event-idx=off");
  memcpy (d.probe->config, config, sizeof config);
  mmio_start (&d, 1, 4);
  vdriver_add (&d);
  g_assert_true (vprobe_serve (d.probe));
  mmio_store (0x64, 1);
  vdriver_add (&d);
  g_assert_nonnull (virtio->pop (d.probe->queue[0]));
  put (wanted, 4, 0); /* selectors: device, driver; page size */
  put (wanted, 4, 1);
  put (wanted, 4, 0);
  put_head (wanted, false);
  put_second_request (wanted);
  put_tail (wanted, false);
  bytes = save_device (d.device);
  assert_bytes (bytes, wanted);
  bench_end ();
}

/* Sections are named by where the device sits. */
static void
test_names (void)
{
  GWT_AUTO_ERROR (err);
  struct vdriver d;

  vdriver_new (&d, true, "");
  bench_must ("vprobe-device,id=other");
  g_assert_true (gwt_migration_add_devices (&err));
  g_assert_nonnull (gwt_entry_find ("virtio-mmio@0000000010001000/virtio-probe", 0));
  g_assert_nonnull (gwt_entry_find ("0000:00:01.0:00.0/virtio-probe", 0));
  bench_end ();
}

/* ---- what goes on ---------------------------------------------------------------------------- */

/* A chain that is out is popped first, with the buffer that it had; what was made available
   meanwhile comes after it, and the driver is told as it wants. */
static void
test_goes_on (void)
{
  struct gwt_virtq_chain *c, *later;
  struct vdriver d;

  vdriver_new (&d, false, "");
  vdriver_msix (&d, 4);
  vdriver_start (&d, 0, 1);
  for (guint i = 0; i < 3; i++)
    vdriver_add (&d);
  /* The second of three is used first. */
  c = virtio->pop (d.probe->queue[0]);
  later = virtio->pop (d.probe->queue[0]);
  virtio->push (d.probe->queue[0], later, 8);
  g_assert_true (vdriver_used (&d));
  g_assert_false (message (1));
  move (&d, "");
  /* Nobody is called while the machine stands. */
  g_assert_true (d.probe->starts == 0 && d.probe->notified[0] == 0);
  g_assert_false (message (1));
  go_on ();
  g_assert_cmpuint (d.probe->starts, ==, 1);
  /* Each queue that is ready, once; and what was used is told of now. */
  g_assert_true (d.probe->notified[0] == 1 && d.probe->notified[1] == 0);
  g_assert_true (message (1));
  c = virtio->pop (d.probe->queue[0]);
  g_assert_nonnull (c);
  g_assert_true (c->n_writable == 1 && c->n_readable == 0 && c->writable_size == 8);
  g_assert_true (c->writable[0].base == ram (BUFFERS));
  /* Given back it comes again, before the third. */
  virtio->unpop (d.probe->queue[0], c);
  g_assert_true (virtio->pop (d.probe->queue[0]) == c);
  later = virtio->pop (d.probe->queue[0]);
  g_assert_true (later->writable[0].base == ram (BUFFERS + 0x200));
  g_assert_null (virtio->pop (d.probe->queue[0]));
  virtio->push (d.probe->queue[0], later, 8);
  virtio->push (d.probe->queue[0], c, 8);
  virtio->notify (d.probe->queue[0]);
  g_assert_true (message (1));
  g_assert_true (vdriver_used (&d) && vdriver_used (&d) && !vdriver_used (&d));
  /* Entries of the used ring: descriptors 1, 2, 0. */
  g_assert_cmpuint (get16 (AREA (0, 2) + 4), ==, 1);
  g_assert_cmpuint (get16 (AREA (0, 2) + 12), ==, 2);
  g_assert_cmpuint (get16 (AREA (0, 2) + 20), ==, 0);
  vdriver_add (&d);
  g_assert_true (vprobe_serve (d.probe));
  g_assert_true (message (1));
  bench_end ();
}

/* It moves on before the machine ran: as if it had been at the second place for ever. */
static void
test_moves_twice (void)
{
  struct vdriver d;

  vdriver_new (&d, false, "");
  vdriver_msix (&d, 4);
  vdriver_start (&d, 0, 1);
  vdriver_add (&d);
  vdriver_add (&d);
  g_assert_nonnull (virtio->pop (d.probe->queue[0]));
  move (&d, "");
  move (&d, "");
  go_on ();
  g_assert_true (vprobe_serve (d.probe) && vprobe_serve (d.probe) && !vprobe_serve (d.probe));
  move (&d, "");
  go_on ();
  vdriver_add (&d);
  g_assert_true (vprobe_serve (d.probe));
  bench_end ();
}

/* Interrupts that the driver has not taken: a level, and a vector that is masked. */
static void
test_interrupts (void)
{
  struct vdriver d;

  mmio_new (&d, "");
  mmio_start (&d, 0, 4);
  vdriver_add (&d);
  g_assert_true (vprobe_serve (d.probe));
  g_assert_cmpuint (sink->level[3], ==, 1);
  mmio_move (&d, "");
  g_assert_cmpuint (sink->level[3], ==, 1);
  go_on ();
  mmio_store (0x64, 1);
  g_assert_cmpuint (sink->level[3], ==, 0);
  mmio_move (&d, "");
  g_assert_cmpuint (sink->level[3], ==, 0);
  bench_end ();

  vdriver_new (&d, false, "");
  vdriver_msix (&d, 4);
  vdriver_start (&d, 0, 1);
  store (MSIX_BAR + 16 + 12, 4, 1);
  vdriver_add (&d);
  g_assert_true (vprobe_serve (d.probe));
  g_assert_false (message (1));
  move (&d, "");
  go_on ();
  g_assert_false (message (1));
  store (MSIX_BAR + 16 + 12, 4, 0);
  g_assert_true (message (1));
  bench_end ();
}

/* A device that wants a reset, one that was never used, and one in the midst of being set up. */
static void
test_statuses (void)
{
  struct vdriver d;

  vdriver_new (&d, false, "");
  move (&d, "");
  g_assert_true (vdriver_negotiate (&d, VERSION_1));
  move (&d, "");
  g_assert_cmphex (status (), ==, 11);
  vdriver_queue (&d, 0, 4, 0xffff);
  store (COMMON + 0x16, 2, 2);
  store (COMMON + 0x18, 2, 8);
  move (&d, "");
  g_assert_cmpuint (reg_load (COMMON + 0x16, 2), ==, 2);
  g_assert_cmpuint (reg_load (COMMON + 0x18, 2), ==, 8);
  store (COMMON + R_STATUS, 1, OK_STATUS);
  g_assert_cmpuint (d.probe->starts, ==, 1);
  virtio->config_changed (d.probe->virtio);
  move (&d, "");
  g_assert_cmpuint (reg_load (COMMON + 0x15, 1), ==, 1);
  go_on ();
  vdriver_add (&d);
  g_assert_true (vprobe_serve (d.probe));
  virtio->broken (d.probe->virtio, "a test");
  move (&d, "");
  g_assert_cmphex (status (), ==, OK_STATUS | NEEDS_RESET);
  g_assert_null (virtio->pop (d.probe->queue[0]));
  go_on ();
  g_assert_cmpuint (d.probe->starts, ==, 0);
  vdriver_start (&d, 0, 0xffff);
  vdriver_add (&d);
  g_assert_true (vprobe_serve (d.probe));
  bench_end ();
}

/* A driver that resets it, or one queue, before the device has heard that the machine runs. */
static void
test_early_reset (void)
{
  struct vdriver d;

  vdriver_new (&d, false, "");
  vdriver_start (&d, RING_RESET, 0xffff);
  move (&d, "");
  store (COMMON + R_STATUS, 1, 0);
  go_on ();
  g_assert_true (d.probe->starts == 1 && d.probe->stops == 1 && d.probe->notified[0] == 0);
  vdriver_start (&d, RING_RESET, 0xffff);
  g_assert_cmpuint (d.probe->starts, ==, 2);
  move (&d, "");
  store (COMMON + 0x16, 2, 0);
  store (COMMON + 0x3a, 2, 1);
  vdriver_queue (&d, 0, 4, 0xffff);
  d.next = d.seen = 0;
  go_on ();
  g_assert_cmpuint (d.probe->starts, ==, 1);
  vdriver_add (&d);
  g_assert_true (vprobe_serve (d.probe));
  bench_end ();
}

/* A load into one that runs: what it had is given up first. */
static void
test_over_another (void)
{
  g_autofree char *error = NULL;
  g_autoptr (GByteArray) bytes = NULL;
  struct vdriver d;

  mmio_new (&d, "");
  mmio_start (&d, 0, 4);
  vdriver_add (&d);
  bytes = save_device (d.device);
  g_assert_nonnull (virtio->pop (d.probe->queue[0]));
  error = load_device (d.device, bytes);
  g_assert_cmpstr (error, ==, NULL);
  g_assert_true (d.probe->stops == 1 && d.probe->starts == 1);
  go_on ();
  g_assert_cmpuint (d.probe->starts, ==, 2);
  g_assert_true (vprobe_serve (d.probe) && !vprobe_serve (d.probe));
  bench_end ();
}

/* ---- packed rings ---------------------------------------------------------------------------- */

#define PACKED (UINT64_C (1) << 34)
#define INDIRECT (UINT64_C (1) << 28)
#define EVENT_IDX (UINT64_C (1) << 29)

/* A chain of N descriptors, from PLACE of the ring on, of 8 bytes each, the last WRITABLE ones to
   be written. */
static void
packed_add (const struct vdriver *d, uint16_t place, uint16_t wrap, uint16_t id, guint n,
            guint writable)
{
  for (guint i = n; i-- > 0;)
    {
      uint16_t at = (uint16_t) ((place + i) % d->num);
      uint16_t w = place + i >= d->num ? wrap ^ 1 : wrap;
      uint64_t desc = AREA (0, 0) + 16 * at, address = BUFFERS + 0x100 * at;
      uint32_t size = 8;

      memcpy (ram (desc), &address, 8);
      memcpy (ram (desc + 8), &size, 4);
      put16 (desc + 12, id);
      put16 (desc + 14, (uint16_t) ((i + 1 < n ? 1 : 0) | (i + writable >= n ? 2 : 0)
                                    | (w ? 0x80 : 0x8000)));
    }
}

/* Wrap counters and places go along, and chains of several descriptors that are out. */
static void
test_packed (void)
{
  struct gwt_virtq_chain *c;
  struct vdriver d;

  mmio_new (&d, ",packed=on");
  mmio_start (&d, PACKED | EVENT_IDX, 8);
  packed_add (&d, 0, 1, 10, 3, 1);
  packed_add (&d, 3, 1, 11, 4, 4);
  c = virtio->pop (d.probe->queue[0]);
  virtio->push (d.probe->queue[0], c, 8);
  c = virtio->pop (d.probe->queue[0]);
  g_assert_cmpuint (c->n_writable, ==, 4);
  /* The driver is asked to say when there is one at place 7, and still is after the move. */
  g_assert_null (virtio->pop (d.probe->queue[0]));
  g_assert_cmphex (get16 (AREA (0, 2)), ==, 0x8007);
  mmio_move (&d, ",packed=on");
  g_assert_cmphex (get16 (AREA (0, 2) + 2), ==, 2);
  go_on ();
  c = virtio->pop (d.probe->queue[0]);
  g_assert_true (c->n_writable == 4 && c->writable[3].base == ram (BUFFERS + 0x600));
  /* This one goes around the end. */
  packed_add (&d, 7, 1, 12, 2, 1);
  g_assert_true (virtio->pop (d.probe->queue[0])->n_readable == 1);
  virtio->push (d.probe->queue[0], c, 32);
  mmio_move (&d, ",packed=on");
  go_on ();
  c = virtio->pop (d.probe->queue[0]);
  g_assert_true (c->n_readable == 1 && c->writable[0].base == ram (BUFFERS));
  virtio->push (d.probe->queue[0], c, 1);
  /* Used: 11 at 3 with the first counter, 12 at 7. */
  g_assert_cmphex (get16 (AREA (0, 0) + 16 * 3 + 14), ==, 0x8082);
  g_assert_cmpuint (get16 (AREA (0, 0) + 16 * 7 + 12), ==, 12);
  packed_add (&d, 1, 0, 13, 1, 1);
  c = virtio->pop (d.probe->queue[0]);
  g_assert_nonnull (c);
  virtio->push (d.probe->queue[0], c, 1);
  g_assert_cmphex (get16 (AREA (0, 0) + 16 + 14), ==, 2);
  bench_end ();
}

/* ---- refusals -------------------------------------------------------------------------------- */

/* What device A saves is refused by device B, which is as it was. */
static void
refused (const char *a, uint64_t features, const char *b, const char *why)
{
  g_autoptr (GByteArray) bytes = NULL, before = NULL, after = NULL;
  g_autofree char *error = NULL;
  struct vdriver d;

  mmio_new (&d, a);
  mmio_start (&d, features, 4);
  bytes = save_device (d.device);
  bench_end ();
  mmio_new (&d, b);
  before = save_device (d.device);
  error = load_device (d.device, bytes);
  g_assert_nonnull (error);
  if (strstr (error, why) == NULL)
    g_error ("\"%s\" instead of \"%s\"", error, why);
  after = save_device (d.device);
  assert_bytes (after, before);
  bench_end ();
}

static void
test_other_device (void)
{
  refused (",packed=on", PACKED | 1, "",
           "its driver uses features that are not offered here: bit 34 (VIRTIO_F_RING_PACKED, "
           "packed); give this end's device the same properties");
  refused ("", RING_RESET | INDIRECT, ",ring-reset=off,indirect-desc=off",
           "bit 28 (VIRTIO_F_INDIRECT_DESC, indirect-desc), bit 40 (VIRTIO_F_RING_RESET, "
           "ring-reset)");
  refused (",queues=2", 0, "",
           "it has 2 queues at the sender and 3 here; give both ends the same num-queues");
  refused (",queues=3", 0, ",queues=2", "it has 3 queues at the sender and 2 here");
}

/* BYTES of a device behind MMIO, with SIZE bytes at AT changed to VALUE; the names of subsections
   are looked for. */
static void
changed (GByteArray *bytes, struct vdriver *d, const char *sub, gsize at, guint size,
         uint64_t value, const char *why)
{
  g_autofree uint8_t *copy = g_memdup2 (bytes->data, bytes->len);
  GByteArray other = { copy, bytes->len };
  g_autofree char *error = NULL;
  const uint8_t *name = sub != NULL ? memmem (copy, bytes->len, sub, strlen (sub)) : NULL;

  if (sub != NULL)
    at += (gsize) (name - copy) + strlen (sub) + 4;
  for (guint i = 0; i < size; i++)
    copy[at + i] = (uint8_t) (value >> 8 * (size - 1 - i));
  error = load_device (d->device, &other);
  if (error == NULL || strstr (error, why) == NULL)
    g_error ("\"%s\" instead of \"%s\"", error, why);
}

static void
test_refused (void)
{
  g_autoptr (GByteArray) bytes = NULL;
  struct vdriver d;
  gsize request = 12 + 8 + 4 + 8 + 4 + 3 * (4 + 4 + 8 + 2);

  mmio_new (&d, ",packed=on");
  mmio_start (&d, 1, 4);
  vdriver_add (&d);
  g_assert_nonnull (virtio->pop (d.probe->queue[0]));
  bytes = save_device (d.device);
  changed (bytes, &d, NULL, 8, 4, 12, "set a page size, as those of legacy devices do");
  changed (bytes, &d, NULL, 12, 1, 0x1f, "status 0x1f has bits that there are not");
  changed (bytes, &d, NULL, 12, 1, 0x07, "status 0x07: a driver that agreed on no features");
  changed (bytes, &d, NULL, 13, 1, 4, "interrupt status 0x04 has bits that there are not");
  changed (bytes, &d, NULL, 16, 4, 9, "its features come twice and differ");
  changed (bytes, &d, NULL, 20, 4, 7,
           "its configuration space has 7 bytes at the sender and 8 here");
  changed (bytes, &d, NULL, 36, 4, 8, "queue 0: its size or addresses come twice and differ");
  changed (bytes, &d, NULL, 36 + 18, 4, 8,
           "queue 1 has 8 entries at the sender and 32 here; give both ends the same queue-size");
  changed (bytes, &d, "virtio/ringsize", 0, 4, 64,
           "queue 0 has 64 entries at the sender and 32 here");
  changed (bytes, &d, "virtio/virtqueues", 0, 8, 0,
           "queue 0: its size or addresses come twice and differ");
  changed (bytes, &d, "virtio/64bit_features", 0, 4, 0, "without VIRTIO_F_VERSION_1");
  changed (bytes, &d, "virtio/64bit_features", 3, 1, 0x81, "bit 39");
  changed (bytes, &d, "virtio/packed_virtqueues", 6, 4, 2,
           "queue 0: its places or what is in use come twice and differ");
  changed (bytes, &d, "virtio/packed_virtqueues", 0, 2, 3,
           "queue 0: its places or what is in use come twice and differ");
  changed (bytes, &d, NULL, request + 1, 4, 3, "a request of queue 3; there are 3");
  changed (bytes, &d, NULL, request + 1, 4, 1, "what is in use come twice and differ");
  changed (bytes, &d, NULL, request + 5, 4, 0, "queue 0: a request of 0 descriptors");
  changed (bytes, &d, NULL, request + 5, 4, 5, "come twice and differ");
  changed (bytes, &d, NULL, request + 9, 1, 4,
           "queue 0: a request that begins with descriptor 4 of 4");
  changed (bytes, &d, NULL, request + 9 + 4, 4, UINT32_MAX, "buffers; one has 1 to 1024");
  changed (bytes, &d, NULL, request + 9 + 8, 1, 0, "queue 0: a request of 0 buffers");
  changed (bytes, &d, NULL, request + 9 + 8, 1, 2, "queue 0: a request with a buffer of no bytes");
  changed (bytes, &d, "virtio/started", -11, 1, 'x', "is not known here");
  /* No feature of the device's own is offered but the first. */
  {
    g_autofree uint8_t *copy = g_memdup2 (bytes->data, bytes->len);
    GByteArray other = { copy, bytes->len };
    g_autofree char *error = NULL;
    uint8_t *high = memmem (copy, bytes->len, "virtio/64bit_features", 21);

    copy[19] |= 8;
    high[21 + 4 + 7] |= 8;
    error = load_device (d.device, &other);
    g_assert_nonnull (strstr (error, "not offered here: bit 3 (VIRTIO_PROBE_F_THREE, three); "));
  }
  bench_end ();
}

/* A vector that there is not, behind PCI. */
static void
test_vector (void)
{
  g_autoptr (GByteArray) bytes = NULL;
  struct vdriver d;
  gsize config_vector = 4 + 256 + 16 + 4 * 16 + 1;

  vdriver_new (&d, false, "");
  vdriver_start (&d, 0, 0xffff);
  bytes = save_device (d.device);
  changed (bytes, &d, NULL, config_vector, 2, 4,
           "MSI-X vector 4 of 4; give both ends the same vectors");
  changed (bytes, &d, NULL, config_vector + 2 + 8 + 4 + 8 + 4 + 14, 2, 0x100, "MSI-X vector 256");
  bench_end ();
}

/* Rings or buffers where no RAM is: as when a driver does that. */
static void
test_bad_memory (void)
{
  g_autoptr (GByteArray) bytes = NULL;
  g_autofree char *error = NULL;
  struct vdriver d;

  mmio_new (&d, "");
  mmio_start (&d, 1, 4);
  vdriver_add (&d);
  g_assert_nonnull (virtio->pop (d.probe->queue[0]));
  bytes = save_device (d.device);
  /* The request's buffer. */
  bytes->data[12 + 8 + 4 + 8 + 4 + 3 * 18 + 5 + 16 + 6] = 0x11;
  error = load_device (d.device, bytes);
  g_assert_cmpstr (error, ==, NULL);
  g_assert_cmphex (reg_load (MMIO_SLOT + 0x70, 4), ==, OK_STATUS | NEEDS_RESET);
  g_assert_null (virtio->pop (d.probe->queue[0]));
  go_on ();
  g_assert_cmphex (reg_load (MMIO_SLOT + 0x60, 4) & 2, ==, 2);
  mmio_start (&d, 1, 4);
  vdriver_add (&d);
  g_assert_true (vprobe_serve (d.probe));
  bench_end ();
}

/* ---- hostile --------------------------------------------------------------------------------- */

static void
test_hostile_state (void)
{
  struct vdriver d;
  GByteArray *bytes;

  mmio_new (&d, ",packed=on");
  mmio_start (&d, PACKED | 1, 8);
  packed_add (&d, 0, 1, 2, 3, 1);
  packed_add (&d, 3, 1, 3, 2, 2);
  virtio->push (d.probe->queue[0], virtio->pop (d.probe->queue[0]), 1);
  g_assert_nonnull (virtio->pop (d.probe->queue[0]));
  bytes = save_device (d.device);
  check_hostile (&vprobe_state, d.probe, d.device, bytes);
  g_byte_array_unref (bytes);
  bench_end ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  vbench_load ();
  g_source_attach (gwt_clock_source_new (), NULL);
  g_test_add_func ("/state-virtio/layout/pci", test_layout_pci);
  g_test_add_func ("/state-virtio/layout/mmio", test_layout_mmio);
  g_test_add_func ("/state-virtio/names", test_names);
  g_test_add_func ("/state-virtio/goes-on", test_goes_on);
  g_test_add_func ("/state-virtio/moves-twice", test_moves_twice);
  g_test_add_func ("/state-virtio/interrupts", test_interrupts);
  g_test_add_func ("/state-virtio/statuses", test_statuses);
  g_test_add_func ("/state-virtio/early-reset", test_early_reset);
  g_test_add_func ("/state-virtio/over-another", test_over_another);
  g_test_add_func ("/state-virtio/packed", test_packed);
  g_test_add_func ("/state-virtio/other-device", test_other_device);
  g_test_add_func ("/state-virtio/refused", test_refused);
  g_test_add_func ("/state-virtio/vector", test_vector);
  g_test_add_func ("/state-virtio/bad-memory", test_bad_memory);
  g_test_add_func ("/state-virtio/hostile", test_hostile_state);
  return g_test_run ();
}
