/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio block device (virtio 1.2 §5.2): its rows, its life, its types.  It must not know requests
 * (request.c), nor what the guest is told (config.c).
 */
#include "virtio-blk.h"

#define DEVICE_ID 2
#define SECTORS_MAX 4194303u /* of one request: 2 GiB less one sector */

const struct gwt_host *vblk_host;
const struct gwt_device_api *vblk_devices;
const struct gwt_virtio_api *vblk_virtio;
const struct gwt_block_api *vblk_block;
const struct gwt_vmstate_api *vblk_vmstate;

/* clang-format off */
static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct vblk, drive, "drive", .flags = GWT_FIELD_REQUIRED | GWT_FIELD_HOST_ONLY,
                .doc = "block back end that the disk's content is in"),
  GWT_PROP_ROW (struct vblk, serial, "serial", .def_text = "",
                .doc = "serial number; the guest sees its first 20 bytes"),
  GWT_PROP_ROW (struct vblk, logical_block_size, "logical-block-size", .flags = GWT_FIELD_SIZE,
                .doc = "bytes of the smallest request; 0: as the drive has it"),
  GWT_PROP_ROW (struct vblk, physical_block_size, "physical-block-size", .flags = GWT_FIELD_SIZE,
                .facts = VBLK_CONFIG_FACT,
                .doc = "bytes that are written at once; 0: as the drive has it"),
  GWT_PROP_ROW (struct vblk, min_io_size, "min-io-size", .flags = GWT_FIELD_SIZE,
                .facts = VBLK_CONFIG_FACT,
                .doc = "bytes of the smallest request that is fast; 0: not told"),
  GWT_PROP_ROW (struct vblk, opt_io_size, "opt-io-size", .flags = GWT_FIELD_SIZE,
                .facts = VBLK_CONFIG_FACT,
                .doc = "bytes of a request that is best; 0: not told"),
  GWT_PROP_ROW (struct vblk, discard_granularity, "discard-granularity", .def = UINT32_MAX,
                .facts = VBLK_CONFIG_FACT,
                .flags = GWT_FIELD_SIZE,
                .doc = "bytes that are discarded at once; 4294967295: a logical block"),
  GWT_PROP_ROW (struct vblk, max_discard_sectors, "max-discard-sectors", .def = SECTORS_MAX,
                .min = 1, .max = SECTORS_MAX, .facts = VBLK_CONFIG_FACT,
                .doc = "sectors of one request to discard"),
  GWT_PROP_ROW (struct vblk, max_write_zeroes_sectors, "max-write-zeroes-sectors",
                .facts = VBLK_CONFIG_FACT,
                .def = SECTORS_MAX, .min = 1, .max = SECTORS_MAX,
                .doc = "sectors of one request to write zeros"),
  GWT_PROP_ROW (struct vblk, cyls, "cyls", .min = 0, .max = 65535,
                .doc = "cylinders shown to the guest; 0: from the size"),
  GWT_PROP_ROW (struct vblk, heads, "heads", .min = 0, .max = 255,
                .doc = "heads shown to the guest; 0: 16"),
  GWT_PROP_ROW (struct vblk, secs, "secs", .min = 0, .max = 255,
                .doc = "sectors a track shown to the guest; 0: 63"),
  GWT_PROP_ROW (struct vblk, num_queues, "num-queues", .def = UINT16_MAX,
                .doc = "queues, 1 to 1024; 65535: one for each vCPU"),
  GWT_PROP_ROW (struct vblk, queue_size, "queue-size", .def = 256,
                .doc = "entries of each queue, a power of two from 4 to 1024"),
  GWT_PROP_ROW (struct vblk, config_wce, "config-wce", .def = 1,
                .facts = "virtio-features",
                .doc = "the guest may switch the write cache"),
  GWT_PROP_ROW (struct vblk, discard, "discard", .def = 1,
                .facts = "virtio-features|" VBLK_CONFIG_FACT,
                .doc = "offer requests to discard"),
  GWT_PROP_ROW (struct vblk, write_zeroes, "write-zeroes", .def = 1,
                .facts = "virtio-features|" VBLK_CONFIG_FACT,
                .doc = "offer requests to write zeros"),
  GWT_PROP_ROW (struct vblk, report_discard_granularity, "report-discard-granularity", .def = 1,
                .facts = VBLK_CONFIG_FACT,
                .doc = "the guest is told discard-granularity"),
  GWT_PROP_ROW (struct vblk, seg_max_adjust, "seg-max-adjust", .def = 1,
                .facts = VBLK_CONFIG_FACT,
                .doc = "buffers of one request: as many as fit into the queue, not 126"),
  GWT_PROP_ROW (struct vblk, share_rw, "share-rw", .flags = GWT_FIELD_HOST_ONLY,
                .doc = "others may write to the drive at the same time"),
  GWT_PROP_ROW (struct vblk, write_cache, "write-cache", .values = "auto|on|off",
                .doc = "write cache until the guest switches it; auto: as the drive has it"),
  GWT_PROP_ROW (struct vblk, rerror, "rerror", .values = "auto|report|ignore|stop",
                .flags = GWT_FIELD_HOST_ONLY,
                .doc = "what becomes of a read that fails; auto: as the drive says"),
  GWT_PROP_ROW (struct vblk, werror, "werror", .values = "auto|report|ignore|stop|enospc",
                .flags = GWT_FIELD_HOST_ONLY,
                .doc = "what becomes of a write that fails; auto: as the drive says"),
  GWT_STATE_ROW (struct vblk, writeback, "writeback", .max = 1,
                 .doc = "write cache as the driver switched it"),
  GWT_HOST_ROW (struct vblk, first_writeback, "follows from write-cache and the drive"),
  GWT_HOST_ROW (struct vblk, read_only, "follows from the drive"),
  GWT_HOST_ROW (struct vblk, logical, "follows from logical-block-size and the drive"),
  GWT_HOST_ROW (struct vblk, physical, "follows from physical-block-size and the drive"),
  GWT_HOST_ROW (struct vblk, n_queues, "follows from num-queues"),
  GWT_HOST_ROW (struct vblk, gone, "life cycle of the host"),
  GWT_HOST_ROW (struct vblk, capacity, "follows from the drive"),
  GWT_HOST_ROW (struct vblk, max_transfer, "follows from the drive"),
  GWT_HOST_ROW (struct vblk, features, "follow from properties and the drive"),
  GWT_HOST_ROW (struct vblk, virtio, "handle of the virtio plugin"),
  GWT_HOST_ROW (struct vblk, handle, "handle of the host"),
  GWT_HOST_ROW (struct vblk, queues, "drained before a save; a request that waits for cont is a "
                "chain of the virtio side's, which is saved, and popped anew"),
};
/* clang-format on */

static int
attach (struct vblk *d, struct gwt_error *err)
{
  struct gwt_block_use use = {
    .struct_size = sizeof use,
    .writes = 1,
    .share = d->share_rw,
    .on_read_error = d->rerror, /* the names are in the order of enum gwt_block_on_error */
    .on_write_error = d->werror,
    .resized = vblk_resized,
    .work = vblk_work,
  };
  struct gwt_block_info info = { .struct_size = sizeof info };

  /* A drive that is read only makes a disk that is. */
  vblk_block->info (d->drive, &info);
  use.writes = !info.read_only;
  return vblk_block->attach (d->drive, d->handle, &use, err);
}

static int
vblk_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct vblk *d = self;
  struct gwt_virtio_info info = {
    .struct_size = sizeof info,
    .device_id = DEVICE_ID,
    .pci_class = 0x010000,
    .queues_property = "num-queues",
  };

  d->handle = device;
  d->gone = 0;
  if (vblk_configure (d, err) != 0 || attach (d, err) != 0)
    return -1;
  info.config_size = vblk_config_size (d);
  info.features = d->features;
  info.n_queues = d->n_queues;
  d->virtio = vblk_virtio->setup (device, &info, &vblk_client, err);
  if (d->virtio == NULL || vblk_queues_new (d, err) != 0)
    return -1;
  vblk_set_writeback (d, d->first_writeback);
  return 0;
}

static void
vblk_unrealize (void *self)
{
  struct vblk *d = self;
  uint32_t i;

  /* The virtio side is stopped after this, and the back end let go of: neither finds anything. */
  vblk_queues_stop (d);
  d->gone = 1;
  for (i = 0; i < d->n_queues; i++)
    vblk_block->hold (d->queues[i].back, 1);
  vblk_queues_free (d);
}

static void
vblk_reset (void *self, uint32_t kind)
{
  struct vblk *d = self;

  /* The virtio side, a parent, has stopped the queues. */
  (void) kind;
  vblk_set_writeback (d, d->first_writeback);
}

/* One device behind two transports. */
/* As it is now: it may have been resized since it was opened. */
static void
tell (void *self, const struct gwt_facts_api *api, struct gwt_facts *facts)
{
  const struct vblk *d = self;
  struct gwt_block_info info = { .struct_size = sizeof info };

  vblk_block->info (d->drive, &info);
  api->integer (facts, "capacity", info.size);
  api->integer (facts, "read-only", d->read_only);
  vblk_tell_config (d, api, facts);
}

static const struct gwt_facts_interface facts_table = {
  .struct_size = sizeof facts_table,
  .tell = tell,
};

static const struct gwt_interface interfaces[] = {
  { GWT_FACTS_INTERFACE, &facts_table },
};

#define DISK_TYPE(NAME, PARENT, DOC)                                                               \
  {                                                                                                \
    .struct_size = sizeof (struct gwt_device_type), .name = (NAME), .parent = (PARENT),            \
    .doc = (DOC), .flags = GWT_TYPE_USER, .threads = GWT_THREADS_PARALLEL,                         \
    .instance_size = sizeof (struct vblk), .fields = fields, .field_size = sizeof fields[0],       \
    .n_fields = GWT_COUNT (fields), .realize = vblk_realize, .unrealize = vblk_unrealize,          \
    .interfaces = interfaces, .interface_size = sizeof interfaces[0],                              \
    .n_interfaces = GWT_COUNT (interfaces), .reset = vblk_reset, .states = vblk_states,            \
  }

static const struct gwt_device_type mmio_type
    = DISK_TYPE ("virtio-blk-device", GWT_VIRTIO_MMIO_PARENT,
                 "disk for the guest, in a virtio-mmio slot");
static const struct gwt_device_type pci_type
    = DISK_TYPE ("virtio-blk-pci", GWT_VIRTIO_PCI_PARENT, "disk for the guest, a PCI function");

static int
vblk_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void) err;
  vblk_devices = h->extension (GWT_DEVICE_EXT);
  vblk_virtio = h->extension (GWT_VIRTIO_EXT);
  vblk_block = h->extension (GWT_BLOCK_EXT);
  vblk_vmstate = h->extension (GWT_VMSTATE_EXT);
  return 0;
}

static const char *const required[]
    = { GWT_DEVICE_EXT, GWT_VIRTIO_EXT, GWT_BLOCK_EXT, GWT_VMSTATE_EXT, NULL };
static const struct gwt_device_type *const types[] = { &mmio_type, &pci_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "virtio-blk",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "virtio block device",
  .required = required,
  .types = types,
  .start = vblk_start,
};

GWT_PLUGIN_DEFINE ("virtio-blk", GODWIT_PLUGIN_VERSION, "virtio-blk-device virtio-blk-pci", plugin,
                   vblk_host)
