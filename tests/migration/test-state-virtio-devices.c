/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sections of the virtio devices themselves, with their own plugins: what each has of its own goes
 * along, requests that wait for the machine to go on are carried out by the one that it goes on in.
 */
#define HOSTILE_ALL 24 /* the rings are test-state-virtio's */
#include "tests/migration/virtio-state.h"
#include <errno.h>
#include <stdatomic.h>
#include "core/backend/block-internal.h"
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
  if (g_hash_table_add (loaded, g_strdup (name)))
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
static uint16_t next_index[4];

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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gwt_run_init ();
  gwt_block_register_extensions ();
  vbench_load ();
  g_test_add_func ("/state-virtio/disk", test_disk);
  g_test_add_func ("/state-virtio/disk-refused", test_disk_refused);
  g_test_add_func ("/state-virtio/rng", test_rng);
  return g_test_run ();
}
