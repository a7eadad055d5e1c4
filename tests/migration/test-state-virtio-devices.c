/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sections of the virtio devices themselves, with their own plugins: what each has of its own goes
 * along, requests that wait for the machine to go on are carried out by the one that it goes on in.
 */
#define HOSTILE_ALL 24 /* the rings are test-state-virtio's */
#include "tests/migration/virtio-state.h"
#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/backend/block-internal.h"
#include "core/backend/chardev.h"
#include "core/backend/netdev.h"
#include "core/cpu/mainloop.h"
#include "core/cpu/run.h"

/* ---- the machine ----------------------------------------------------------------------------- */

static bool
plugin (const char *name)
{
  GWT_AUTO_ERROR (err);
  const char *top = g_getenv ("abs_top_builddir") ? g_getenv ("abs_top_builddir") : ".";
  g_autofree char *path = g_strdup_printf ("%s/plugins/%s.so", top, name);
  static GHashTable *loaded;

  if (loaded == NULL)
    loaded = g_hash_table_new (g_str_hash, g_str_equal);
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("the plugin was not built");
      return false;
    }
  if (g_hash_table_add (loaded, (gpointer) (uintptr_t) name))
    gwt_loader_load_file (path, &err);
  bench_fine (&err);
  return true;
}

/* A machine of DEVICE and what is in MORE, that stands. */
static struct gwt_device *
machine (const char *device, const char *more)
{
  struct gwt_device *d;

  vbench_begin ();
  d = bench_must (device);
  if (more != NULL)
    bench_must (more);
  gwt_device_reset_all (GWT_RESET_COLD);
  return d;
}

static void
end (void)
{
  if (gwt_runstate () == GWT_RUNSTATE_RUNNING)
    gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  bench_end ();
}

static struct gwt_device *
machine_again (const char *device, const char *more)
{
  end ();
  return machine (device, more);
}

/* The same machine anew; DEVICE saves the same there. */
static struct gwt_device *
moved (struct gwt_device *device, const char *text, const char *more, void (*between) (void))
{
  GByteArray *bytes = save_device (device), *again;
  g_autofree char *error = NULL;

  keep_memory ();
  end ();
  if (between != NULL)
    between ();
  device = machine (text, more);
  memcpy (ram (RAM), memory, RAM_SIZE);
  error = load_device (device, bytes);
  g_assert_cmpstr (error, ==, NULL);
  again = save_device (device);
  assert_bytes (again, bytes);
  g_assert_cmpmem (ram (RAM), RAM_SIZE, memory, RAM_SIZE);
  g_byte_array_unref (again);
  g_byte_array_unref (bytes);
  return device;
}

static void
wait_for (bool (*is_so) (void))
{
  while (!is_so ())
    g_main_context_iteration (NULL, FALSE);
}

/* ---- a driver -------------------------------------------------------------------------------- */

#define ENTRIES 8
static uint16_t next_index[6];

struct buffer
{
  uint64_t address;
  uint32_t size;
  bool writable;
};

/* One chain of N buffers in queue Q, whose descriptors begin at SLOT. */
static void
add_chain (uint32_t q, uint16_t slot, const struct buffer *b, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      uint64_t desc = AREA (q, 0) + 16 * (slot + i);

      memcpy (ram (desc), &b[i].address, 8);
      memcpy (ram (desc + 8), &b[i].size, 4);
      put16 (desc + 12, (uint16_t) ((i + 1 < n ? 1 : 0) | (b[i].writable ? 2 : 0)));
      put16 (desc + 14, (uint16_t) (slot + i + 1));
    }
  put16 (AREA (q, 1) + 4 + 2 * (next_index[q] % ENTRIES), slot);
  put16 (AREA (q, 1) + 2, ++next_index[q]);
}

static uint16_t
used (uint32_t q)
{
  return get16 (AREA (q, 2) + 2);
}

static void
start_queues (uint64_t features, uint32_t n)
{
  memset (next_index, 0, sizeof next_index);
  mmio_negotiate (features);
  for (uint32_t q = 0; q < n; q++)
    mmio_queue (q, ENTRIES);
  mmio_run ();
}

/* ---- disk ------------------------------------------------------------------------------------ */

#define DISK "virtio-blk-device,id=disk,drive=d,num-queues=2,werror=stop"
#define BLK_FEATURES                                                                               \
  (UINT64_C (1) << 9 | UINT64_C (1) << 11 | UINT64_C (1) << 12 | UINT64_C (1) << 13)

static atomic_int fault;

static int
inject (struct gwt_block *leaf, struct gwt_io *io)
{
  (void) leaf;
  return io->op == GWT_IO_WRITE ? atomic_load (&fault) : 0;
}

static void
new_drive_of (const char *text)
{
  GWT_AUTO_ERROR (err);

  gwt_block_close_all ();
  gwt_block_add_option (text, &err);
  bench_fine (&err);
  gwt_null_fault = inject;
}

static void
new_drive (void)
{
  new_drive_of ("driver=null-co,node-name=d,size=1M");
}

#define HEADER(n) (BUFFERS + 0x100 * (n))
#define STATUS(n) (HEADER (n) + 0x20)

/* Request N of TYPE with 512 bytes, in queue Q. */
static void
add_request (uint32_t q, uint16_t slot, guint n, uint32_t type)
{
  const struct buffer b[] = { { HEADER (n), 16, false },
                              { BUFFERS + 0x4000 + 0x200 * n, 512, type == 0 },
                              { STATUS (n), 1, true } };
  uint64_t sector = n;

  memset (ram (HEADER (n)), 0, 16);
  memcpy (ram (HEADER (n)), &type, 4);
  memcpy (ram (HEADER (n) + 8), &sector, 8);
  *(uint8_t *) ram (STATUS (n)) = 0x77;
  add_chain (q, slot, b, 3);
}

static bool
is_io_error (void)
{
  int status;

  gwt_run_handle_requests (&status);
  return gwt_runstate () == GWT_RUNSTATE_IO_ERROR;
}

static bool
all_used (void)
{
  return used (0) == 2 && used (1) == 1;
}

static void
test_disk (void)
{
  g_autoptr (GByteArray) bytes = NULL;
  struct gwt_device *disk;

  if (!plugin ("virtio-blk"))
    return;
  new_drive ();
  disk = machine (DISK, NULL);
  disk = moved (disk, DISK, NULL, new_drive);
  start_queues (BLK_FEATURES, 2);
  disk = moved (disk, DISK, NULL, new_drive);
  atomic_store (&fault, ENOSPC);
  gwt_vm_start ();
  add_request (0, 0, 0, 1);
  add_request (0, 3, 1, 1);
  add_request (1, 0, 2, 1);
  mmio_store (0x50, 0);
  mmio_store (0x50, 1);
  wait_for (is_io_error);
  g_assert_true (used (0) == 0 && used (1) == 0);
  /* The write cache is off, as the guest wanted it. */
  store (MMIO_SLOT + 0x100 + 32, 1, 0);
  bytes = save_device (disk);
  g_assert_cmpuint (bytes->len, >, 49168);
  atomic_store (&fault, 0);
  disk = moved (disk, DISK, NULL, new_drive);
  g_assert_cmpuint (reg_load (MMIO_SLOT + 0x100 + 32, 1), ==, 0);
  g_assert_true (atomic_load (&gwt_block_find ("d")->guest_write_through));
  g_assert_true (used (0) == 0 && used (1) == 0);
  gwt_vm_start ();
  wait_for (all_used);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (*(uint8_t *) ram (STATUS (i)), ==, 0);
  /* And it works on. */
  add_request (1, 3, 3, 0);
  mmio_store (0x50, 1);
  while (used (1) < 2)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (*(uint8_t *) ram (STATUS (3)), ==, 0);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  disk = moved (disk, DISK, NULL, new_drive);
  g_byte_array_unref (bytes);
  bytes = save_device (disk);
  check_hostile (disk->type->d.states[0], disk->instance, disk, bytes);
  end ();
}

/* Another image, other queues. */
static void
test_disk_refused (void)
{
  g_autoptr (GByteArray) bytes = NULL;
  g_autofree char *size = NULL, *queues = NULL, *entries = NULL, *features = NULL;
  struct gwt_device *disk;

  if (!plugin ("virtio-blk"))
    return;
  new_drive ();
  disk = machine (DISK, NULL);
  start_queues (BLK_FEATURES, 2);
  bytes = save_device (disk);
  end ();
  new_drive_of ("driver=null-co,node-name=d,size=2M");
  disk = machine (DISK, NULL);
  size = load_device (disk, bytes);
  g_assert_nonnull (strstr (size,
                            "the disk has 2048 sectors at the sender and the drive 4096 here; "
                            "give both ends the same image"));
  end ();
  new_drive ();
  disk = machine ("virtio-blk-device,id=disk,drive=d,num-queues=1", NULL);
  queues = load_device (disk, bytes);
  g_assert_nonnull (strstr (queues, "it has 2 queues at the sender and 1 here; give both ends the "
                                    "same num-queues"));
  end ();
  new_drive ();
  disk = machine (DISK ",queue-size=128", NULL);
  entries = load_device (disk, bytes);
  g_assert_nonnull (strstr (entries,
                            "queue 0 has 256 entries at the sender and 128 here; give both "
                            "ends the same queue-size"));
  end ();
  new_drive ();
  disk = machine (DISK ",discard=off", NULL);
  features = load_device (disk, bytes);
  g_assert_nonnull (strstr (features, "bit 13 (VIRTIO_BLK_F_DISCARD, discard)"));
  end ();
}

/* ---- entropy --------------------------------------------------------------------------------- */

#define RNG "virtio-rng-device,id=rng,max-bytes=96,period=40"

static bool
two_used (void)
{
  return used (0) == 2;
}

static bool
three_used (void)
{
  return used (0) == 3;
}

static uint32_t
got (guint n)
{
  uint32_t size;

  memcpy (&size, ram (AREA (0, 2) + 4 + 8 * n + 4), 4);
  return size;
}

/* What is left of a period goes along, and when the next one begins. */
static void
test_rng (void)
{
  const struct buffer b = { BUFFERS, 64, true };
  g_autoptr (GByteArray) bytes = NULL;
  struct gwt_device *rng;

  if (!plugin ("virtio-rng"))
    return;
  rng = machine (RNG, NULL);
  start_queues (0, 1);
  rng = moved (rng, RNG, NULL, NULL);
  gwt_vm_start ();
  for (uint16_t i = 0; i < 3; i++)
    add_chain (0, i, &b, 1);
  mmio_store (0x50, 0);
  wait_for (two_used);
  g_assert_true (got (0) == 64 && got (1) == 32);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  rng = moved (rng, RNG, NULL, NULL);
  g_assert_cmpuint (used (0), ==, 2);
  gwt_vm_start ();
  wait_for (three_used);
  g_assert_cmpuint (got (2), ==, 64);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  bytes = save_device (rng);
  check_hostile (rng->type->d.states[0], rng->instance, rng, bytes);
  end ();
}

/* ---- card ------------------------------------------------------------------------------------ */

#define CARD "virtio-net-device,id=net,netdev=n,mac=52:54:00:00:00:01"
#define NET_FEATURES                                                                               \
  (UINT64_C (1) << 15 | UINT64_C (1) << 16 | UINT64_C (1) << 17 | UINT64_C (1) << 18               \
   | UINT64_C (1) << 19 | UINT64_C (1) << 21 | UINT64_C (1) << 23)

static int wire = -1;

static void
new_net (void)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *text = NULL;
  int ends[2];

  gwt_netdev_close_all ();
  if (wire >= 0)
    close (wire);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_DGRAM, 0, ends), ==, 0);
  wire = ends[1];
  text = g_strdup_printf ("dgram,id=n,local.type=fd,local.str=%d", ends[0]);
  gwt_netdev_new_option (text, &err);
  bench_fine (&err);
  gwt_netdev_open_all (&err);
  bench_fine (&err);
}

/* A frame of 64 bytes to the address whose last byte is TO. */
static void
send_frame (uint8_t to)
{
  uint8_t frame[64] = { 0x52, 0x54, 0, 0, 0, to, 0x52, 0x54, 0, 0, 0, 9, 8, 0 };

  g_assert_cmpint (send (wire, frame, sizeof frame, 0), ==, sizeof frame);
}

/* Command COMMAND of CLASS with SIZE bytes of DATA; it has to be taken. */
static void
command (uint8_t class, uint8_t command, const void *data, uint32_t size)
{
  const struct buffer b[] = { { BUFFERS, 2 + size, false }, { BUFFERS + 0x200, 1, true } };
  uint8_t *to = ram (BUFFERS);
  uint16_t before = used (2);

  to[0] = class;
  to[1] = command;
  memcpy (to + 2, data, size);
  *(uint8_t *) ram (BUFFERS + 0x200) = 9;
  add_chain (2, 0, b, 2);
  mmio_store (0x50, 2);
  g_assert_cmpuint (used (2), ==, (uint16_t) (before + 1));
  g_assert_cmpuint (*(uint8_t *) ram (BUFFERS + 0x200), ==, 0);
}

static void
add_receive (uint16_t slot)
{
  const struct buffer b = { BUFFERS + 0x1000 * (slot + 1), 2048, true };

  add_chain (0, slot, &b, 1);
}

static bool
one_frame (void)
{
  return used (0) == 1;
}

static bool
two_frames (void)
{
  return used (0) == 2;
}

/* Filters, the address that the driver has set, and no buffer is lost. */
static void
test_card (void)
{
  static const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 0, 7 }, off = 0, on = 1, vlan[2] = { 5, 0 };
  static const uint8_t table[] = { 1, 0, 0, 0, 0x52, 0x54, 0, 0, 0, 8, 1, 0, 0, 0,
                                   0x33, 0x33, 0, 0, 0, 1 };
  /* An address of a group among those that are none. */
  static const uint8_t mixed[] = { 2, 0, 0, 0, 0x33, 0x33, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 8,
                                   0, 0, 0, 0 };
  g_autoptr (GByteArray) bytes = NULL;
  struct gwt_device *card;

  if (!plugin ("virtio-net"))
    return;
  new_net ();
  card = machine (CARD, NULL);
  card = moved (card, CARD, NULL, new_net);
  start_queues (NET_FEATURES, 3);
  gwt_vm_start ();
  command (1, 1, mac, 6);
  command (0, 0, &off, 1);
  command (0, 1, &on, 1);
  command (2, 0, vlan, 2);
  command (1, 0, table, sizeof table);
  for (uint16_t i = 0; i < 4; i++)
    add_receive (i);
  mmio_store (0x50, 0);
  send_frame (8);
  wait_for (one_frame);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  card = moved (card, CARD, NULL, new_net);
  g_assert_cmphex (reg_load (MMIO_SLOT + 0x104, 1), ==, 0);
  g_assert_cmphex (reg_load (MMIO_SLOT + 0x105, 1), ==, 7);
  gwt_vm_start ();
  /* Not for this guest; for it. */
  send_frame (1);
  send_frame (7);
  wait_for (two_frames);
  g_assert_cmpuint (((uint8_t *) ram (BUFFERS + 0x2000))[12 + 5], ==, 7);
  command (1, 0, mixed, sizeof mixed);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  card = moved (card, CARD, NULL, new_net);
  bytes = save_device (card);
  g_assert_nonnull (memmem (bytes->data, bytes->len, "virtio-net/addresses", 20));
  check_hostile (card->type->d.states[0], card->instance, card, bytes);
  end ();
  gwt_netdev_close_all ();
}

static bool
is_announced (void)
{
  return reg_load (MMIO_SLOT + 0x106, 1) & 2;
}

static bool
is_link_down (void)
{
  return !(reg_load (MMIO_SLOT + 0x106, 1) & 1);
}

static void
new_net_down (void)
{
  GWT_AUTO_ERROR (err);

  new_net ();
  gwt_netdev_set_link ("n", false, &err);
  bench_fine (&err);
}

/* The cable is out where the guest goes on: its driver is told when it runs. */
static void
test_link (void)
{
  struct gwt_device *card;

  if (!plugin ("virtio-net"))
    return;
  new_net ();
  card = machine (CARD, NULL);
  start_queues (NET_FEATURES, 3);
  g_assert_false (is_link_down ());
  card = moved (card, CARD, NULL, new_net_down);
  g_assert_false (is_link_down ());
  g_assert_cmpuint (sink->level[3], ==, 0);
  gwt_vm_start ();
  wait_for (is_link_down);
  g_assert_cmpuint (sink->level[3], ==, 1);
  end ();
  gwt_netdev_close_all ();
}

/* Asked to before it knows that it runs, as it is after a move. */
static void
test_announce (void)
{
  GWT_AUTO_ERROR (err);
  struct json_object *args = json_object_new_array (), *result = NULL;
  struct gwt_device *card;

  if (!plugin ("virtio-net"))
    return;
  new_net ();
  card = machine (CARD, NULL);
  start_queues (NET_FEATURES, 3);
  card = moved (card, CARD, NULL, new_net);
  g_assert_true (gwt_device_call (card, "announce", args, &result, &err));
  g_assert_true (json_object_get_boolean (result));
  g_assert_false (is_announced ());
  gwt_vm_start ();
  wait_for (is_announced);
  json_object_put (result);
  json_object_put (args);
  end ();
  gwt_netdev_close_all ();
}

/* ---- console --------------------------------------------------------------------------------- */

#define SERIAL "virtio-serial-device,id=vs,max-ports=2"
#define PORT "virtserialport,id=p1,bus=vs.0,nr=1,name=org.test,chardev=c1"

static void
new_ring (void)
{
  GWT_AUTO_ERROR (err);

  if (gwt_chardev_find ("c1") != NULL)
    gwt_chardev_remove (gwt_chardev_find ("c1"), &err);
  gwt_chardev_new_option ("ringbuf,id=c1,size=1K", &err);
  bench_fine (&err);
  gwt_chardev_open_all (&err);
  bench_fine (&err);
}

/* Control message EVENT about port 1 with VALUE. */
static void
say (uint8_t event, uint8_t value)
{
  const struct buffer b = { BUFFERS, 8, false };
  const uint8_t message[8] = { event == 0 ? 0 : 1, 0, 0, 0, event, 0, value, 0 };

  memcpy (ram (BUFFERS), message, sizeof message);
  add_chain (3, 0, &b, 1);
  mmio_store (0x50, 3);
}

/* One more buffer for control messages. */
static void
hear (uint16_t slot)
{
  const struct buffer b = { BUFFERS + 0x1000 + 0x100 * slot, 64, true };

  add_chain (2, slot, &b, 1);
  mmio_store (0x50, 2);
}

static uint8_t
heard (uint16_t slot)
{
  return ((uint8_t *) ram (BUFFERS + 0x1000 + 0x100 * slot))[4];
}

static bool
three_heard (void)
{
  return used (2) == 3;
}

static void
test_serial (void)
{
  const struct buffer b = { BUFFERS + 0x300, 5, false };
  g_autoptr (GByteArray) bytes = NULL, ring = NULL;
  g_autofree char *error = NULL;
  struct gwt_device *serial;

  if (!plugin ("virtio-console"))
    return;
  new_ring ();
  serial = machine (SERIAL, PORT);
  serial = moved (serial, SERIAL, PORT, new_ring);
  start_queues (UINT64_C (1) << 1, 6);
  gwt_vm_start ();
  hear (0);
  say (0, 1);
  g_assert_true (used (2) == 1 && heard (0) == 1); /* a port */
  say (3, 1);
  say (6, 1);
  g_assert_true (gwt_chardev_frontend_open (gwt_chardev_find ("c1")));
  g_assert_cmpuint (used (2), ==, 1);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  /* It is still to be told of its name, and that somebody is there. */
  serial = moved (serial, SERIAL, PORT, new_ring);
  g_assert_true (gwt_chardev_frontend_open (gwt_chardev_find ("c1")));
  gwt_vm_start ();
  hear (1);
  hear (2);
  wait_for (three_heard);
  g_assert_true (heard (1) == 7 && heard (2) == 6);
  memcpy (ram (BUFFERS + 0x300), "hello", 5);
  add_chain (5, 0, &b, 1);
  mmio_store (0x50, 5);
  ring = gwt_chardev_ring_read (gwt_chardev_find ("c1"), 100);
  g_assert_cmpmem (ring->data, ring->len, "hello", 5);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  bytes = save_device (serial);
  check_hostile (serial->type->d.states[0], serial->instance, serial, bytes);
  end ();
  new_ring ();
  serial = machine (SERIAL, NULL);
  error = load_device (serial, bytes);
  g_assert_nonnull (strstr (error, "port 1 is at the sender and not here; give both ends the same "
                                   "ports, with the same nr"));
  /* Number 0 counts as taken in the map of ports, as others have it. */
  serial = machine_again (SERIAL, "virtconsole,id=p0,bus=vs.0");
  g_byte_array_unref (bytes);
  bytes = save_device (serial);
  serial = machine_again (SERIAL, NULL);
  g_free (error);
  error = load_device (serial, bytes);
  g_assert_nonnull (
      strstr (error, "1 ports are at the sender and 0 here; give both ends the same"));
  end ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gwt_run_init ();
  gwt_block_register_extensions ();
  gwt_netdev_register_extensions ();
  gwt_chardev_register_extensions ();
  vbench_load ();
  g_test_add_func ("/state-virtio/disk", test_disk);
  g_test_add_func ("/state-virtio/disk-refused", test_disk_refused);
  g_test_add_func ("/state-virtio/rng", test_rng);
  g_test_add_func ("/state-virtio/card", test_card);
  g_test_add_func ("/state-virtio/link", test_link);
  g_test_add_func ("/state-virtio/announce", test_announce);
  g_test_add_func ("/state-virtio/serial", test_serial);
  return g_test_run ();
}
