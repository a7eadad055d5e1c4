/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sections of virtio devices that were tampered with: the first byte picks the device, then every
 * eight bytes change some of what it saved, the last ones may cut it short.  What is refused has
 * changed nothing; what is taken is saved, loaded and saved again alike, and the device can be
 * served and reset after it.
 */
#include "tests/fuzz/fuzz.h"
#define HOSTILE_ALL 4
#include "tests/migration/virtio-state.h"
#include "core/backend/chardev.h"
#include "core/backend/netdev.h"
#include "core/cpu/run.h"

const char *const fuzz_tokens[] = { "\x01\x00\x00\x02", "\x80\x00", "\x00\x80", "\xff\xff\xff\xff",
                                    "\x04\x00\x00\x00", NULL };

/* Two that a driver works with, and those of the device plugins that were built. */
#define KINDS 5
#define PROBES 2

struct kind
{
  struct gwt_device *device;
  GByteArray *bytes;
};

static struct kind kinds[KINDS];

/* Three chains in queue 0 of the probe, of which the second was used and the others are out. */
static void
fill (struct vprobe *p)
{
  struct vdriver d = { .probe = p, .num = 4 };
  struct gwt_virtq_chain *c;

  for (guint i = 0; i < 3; i++)
    vdriver_add (&d);
  virtio->pop (p->queue[0]);
  c = virtio->pop (p->queue[0]);
  virtio->pop (p->queue[0]);
  virtio->push (p->queue[0], c, 8);
}

static void
begin_other (struct kind *k, const char *plugin, const char *device)
{
  GWT_AUTO_ERROR (err);
  const char *top = g_getenv ("abs_top_builddir") ? g_getenv ("abs_top_builddir") : ".";
  g_autofree char *path = g_strdup_printf ("%s/plugins/%s.so", top, plugin);

  /* Else it is the first one again. */
  *k = kinds[0];
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return;
  if (gwt_type_find (device) == NULL && strcmp (plugin, "virtio-rng") != 0)
    gwt_loader_load_file (path, &err);
  bench_fine (&err);
  k->device = bench_must (device);
  k->bytes = save_device (k->device);
}

/* All at once in one machine, which stays. */
static void
begin (void)
{
  static const struct
  {
    const char *plugin, *device;
  } others[] = { { "virtio-net", "virtio-net-pci,addr=3" },
                 { "virtio-console", "virtio-serial-pci,addr=4,max-ports=40" },
                 { "virtio-rng", "virtio-rng-pci,addr=5" } };
  struct vdriver d;

  (void) bench_end; /* the machine stays */
  gwt_run_init ();
  gwt_netdev_register_extensions ();
  gwt_chardev_register_extensions ();
  vdriver_new (&d, false, "");
  vdriver_msix (&d, 4);
  vdriver_start (&d, 1, 1);
  fill (d.probe);
  kinds[0].device = d.device;
  kinds[0].bytes = save_device (d.device);
  kinds[1].device = bench_must ("vprobe-device,id=other,packed=on");
  mmio_negotiate (1);
  mmio_queue (0, 4);
  mmio_run ();
  fill (kinds[1].device->instance);
  kinds[1].bytes = save_device (kinds[1].device);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    begin_other (&kinds[PROBES + i], others[i].plugin, others[i].device);
  keep_memory ();
}

/* What the guest may be expected to do with it, and the device. */
static void
live (struct gwt_device *device)
{
  struct vprobe *p = device->instance;
  struct gwt_virtq_chain *c;

  go_on ();
  for (guint i = 0; i < 8 && (c = virtio->pop (p->queue[0])) != NULL; i++)
    {
      for (uint32_t n = 0; n < c->n_writable; n++)
        memset (c->writable[n].base, 0x5a, MIN (c->writable[n].size, 4096));
      virtio->push (p->queue[0], c, c->writable_size);
    }
  virtio->notify (p->queue[0]);
}

/* Where a change goes: into the head, which is full of meaning, or anywhere. */
static guint
place (const uint8_t *s, guint size)
{
  uint32_t at = s[1] | (uint32_t) s[2] << 8 | (uint32_t) s[3] << 16;

  return s[0] & 8    ? at % size
         : s[0] & 16 ? size - 1 - at % MIN (size, 1024)
                     : at % MIN (size, 1024);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  GByteArray *changed, *once, *twice;
  char *error;
  struct kind *k;

  if (size < 1)
    return 0;
  if (kinds[0].device == NULL)
    begin ();
  k = &kinds[data[0] % KINDS];
  memcpy (ram (RAM), memory, RAM_SIZE);
  error = load_device (k->device, k->bytes);
  FUZZ_CLAIM (error == NULL);
  changed = g_byte_array_new ();
  g_byte_array_append (changed, k->bytes->data, k->bytes->len);
  for (size_t at = 1; at + 8 <= size; at += 8)
    {
      guint to = place (data + at, changed->len), n = MIN (1u << (data[at] & 3), changed->len - to);

      if ((data[at] >> 5) == 7)
        g_byte_array_set_size (changed, MAX (to, 1));
      else
        memcpy (changed->data + to, data + at + 4, MIN (n, 4));
    }
  error = load_device (k->device, changed);
  once = save_device (k->device);
  if (error != NULL)
    FUZZ_CLAIM (once->len == k->bytes->len && memcmp (once->data, k->bytes->data, once->len) == 0);
  else
    {
      FUZZ_CLAIM ((error = load_device (k->device, once)) == NULL);
      twice = save_device (k->device);
      FUZZ_CLAIM (once->len == twice->len && memcmp (once->data, twice->data, once->len) == 0);
      g_byte_array_unref (twice);
      if (k - kinds < PROBES)
        live (k->device);
    }
  g_free (error);
  g_byte_array_unref (once);
  g_byte_array_unref (changed);
  gwt_device_reset_all (GWT_RESET_COLD);
  return 0;
}
