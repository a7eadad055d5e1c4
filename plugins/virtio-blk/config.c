/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest is told of the disk: features, configuration space (virtio 1.2 §5.2.4), and the
 * write cache that it may switch.  It must not know requests.
 */
#include "virtio-blk.h"

#include <string.h>

#define BLOCK_MAX (2u << 20)
/* Shape of a disk without a shape of its own: drivers show it, nobody uses it. */
#define DEFAULT_HEADS 16u
#define DEFAULT_SECS 63u
#define CYLS_MAX 16383u
#define SEG_MAX_WITHOUT_ADJUST 126u

/* Configuration space; little-endian, whatever the host is. */
#define CONFIG_CAPACITY 0
#define CONFIG_SEG_MAX 12
#define CONFIG_CYLS 16
#define CONFIG_HEADS 18
#define CONFIG_SECS 19
#define CONFIG_BLK_SIZE 20
#define CONFIG_PHYSICAL_EXP 24
#define CONFIG_MIN_IO 26
#define CONFIG_OPT_IO 28
#define CONFIG_WRITEBACK 32
#define CONFIG_NUM_QUEUES 34
#define CONFIG_MAX_DISCARD_SECTORS 36
#define CONFIG_MAX_DISCARD_SEG 40
#define CONFIG_DISCARD_ALIGNMENT 44
#define CONFIG_MAX_ZEROES_SECTORS 48
#define CONFIG_MAX_ZEROES_SEG 52
#define CONFIG_ZEROES_MAY_UNMAP 56
#define CONFIG_SIZE 57 /* what is behind it is unused */

/* ---- properties -------------------------------------------------------------------------------
 */

static uint32_t
is_power_of_two (uint32_t v)
{
  return v && (v & (v - 1)) == 0;
}

static int
refuse_size (struct gwt_error *err, const char *name, uint32_t value, const char *text)
{
  vblk_host->error_set (err, GWT_E_RANGE, "%s %u %s", name, value, text);
  return -1;
}

static int
check_sizes (struct vblk *d, const struct gwt_block_info *info, struct gwt_error *err)
{
  static const char power[] = "is not possible; use a power of two from 512 to 2097152";
  uint32_t native = info->logical_block > SECTOR ? info->logical_block : SECTOR;

  d->logical = d->logical_block_size ? d->logical_block_size : native;
  d->physical = d->physical_block_size                ? d->physical_block_size
                : info->physical_block > d->logical ? info->physical_block
                                                    : d->logical;
  if (!is_power_of_two (d->logical) || d->logical < SECTOR || d->logical > BLOCK_MAX)
    return refuse_size (err, "logical-block-size", d->logical, power);
  if (!is_power_of_two (d->physical) || d->physical < SECTOR || d->physical > BLOCK_MAX)
    return refuse_size (err, "physical-block-size", d->physical, power);
  if (d->logical < native)
    {
      vblk_host->error_set (err, GWT_E_RANGE,
                            "logical-block-size %u is less than the drive's %u; use %u or more, "
                            "or another cache mode",
                            d->logical, native, native);
      return -1;
    }
  if (d->physical < d->logical)
    return refuse_size (err, "physical-block-size", d->physical,
                        "is less than logical-block-size; use at least that");
  if (d->min_io_size % d->logical || d->min_io_size / d->logical > UINT16_MAX)
    return refuse_size (err, "min-io-size", d->min_io_size,
                        "is not 0 to 65535 logical blocks; use a multiple of the block size");
  if (d->opt_io_size % d->logical)
    return refuse_size (
        err, "opt-io-size", d->opt_io_size,
        "is not a whole number of logical blocks; use a multiple of the block size");
  if (d->discard_granularity != UINT32_MAX && d->discard_granularity % d->logical)
    return refuse_size (
        err, "discard-granularity", d->discard_granularity,
        "is not a whole number of logical blocks; use a multiple of the block size");
  return 0;
}

static int
check_queues (struct vblk *d, struct gwt_error *err)
{
  uint32_t cpus = vblk_devices->cpu_count ();

  d->n_queues = d->num_queues;
  if (d->num_queues == UINT16_MAX)
    d->n_queues = cpus < 1 ? 1 : cpus > GWT_VIRTIO_QUEUES_MAX ? GWT_VIRTIO_QUEUES_MAX : cpus;
  if (d->n_queues == 0 || d->n_queues > GWT_VIRTIO_QUEUES_MAX)
    return refuse_size (err, "num-queues", d->num_queues,
                        "is not possible; use 1 to 1024, or 65535 for one a vCPU");
  if (!is_power_of_two (d->queue_size) || d->queue_size < 4
      || d->queue_size > GWT_VIRTIO_QUEUE_SIZE_MAX)
    return refuse_size (err, "queue-size", d->queue_size,
                        "is not possible; use a power of two from 4 to 1024");
  return 0;
}

/* What was left to this host and this drive is a value from now on: where the guest goes, and who
   asks what it sees, need the number and not a rule that may give another one there.  What follows
   from other properties alone stays a rule. */
static void
settle_properties (struct vblk *d)
{
  d->num_queues = (uint16_t) d->n_queues;
  d->logical_block_size = d->logical;
  if (d->physical != d->logical)
    d->physical_block_size = d->physical;
  d->write_cache = d->first_writeback ? 1 : 2;
}

int
vblk_configure (struct vblk *d, struct gwt_error *err)
{
  struct gwt_block_info info;

  memset (&info, 0, sizeof info);
  info.struct_size = sizeof info;
  vblk_block->info (d->drive, &info);
  if (check_queues (d, err) != 0 || check_sizes (d, &info, err) != 0)
    return -1;
  d->read_only = info.read_only != 0;
  d->max_transfer = info.max_transfer;
  d->capacity = info.size >> SECTOR_BITS;
  d->first_writeback = d->write_cache ? d->write_cache == 1 : info.write_cache != 0;
  settle_properties (d);
  /* Discard and write-zeroes are offered whatever the drive can, so that the guest sees the same
     disk on every host: a discard may do nothing, zeros may be written one by one. */
  d->features = FEATURE_SEG_MAX | FEATURE_GEOMETRY | FEATURE_BLK_SIZE | FEATURE_TOPOLOGY
                | (d->first_writeback || d->config_wce ? FEATURE_FLUSH : 0)
                | (d->config_wce ? FEATURE_CONFIG_WCE : 0) | (d->read_only ? FEATURE_RO : 0)
                | (d->n_queues > 1 ? FEATURE_MQ : 0) | (d->discard ? FEATURE_DISCARD : 0)
                | (d->write_zeroes ? FEATURE_WRITE_ZEROES : 0);
  return 0;
}

void
vblk_resized (void *self)
{
  struct vblk *d = self;
  struct gwt_block_info info;

  memset (&info, 0, sizeof info);
  info.struct_size = sizeof info;
  vblk_block->info (d->drive, &info);
  __atomic_store_n (&d->capacity, info.size >> SECTOR_BITS, __ATOMIC_RELAXED);
  vblk_virtio->config_changed (d->virtio);
}

/* ---- configuration space ----------------------------------------------------------------------
 */

uint32_t
vblk_config_size (const struct vblk *d)
{
  return d->write_zeroes ? CONFIG_SIZE : d->discard ? CONFIG_MAX_ZEROES_SECTORS
                                                    : CONFIG_MAX_DISCARD_SECTORS;
}

static void
put (uint8_t *config, uint32_t offset, uint32_t size, uint64_t value)
{
  uint32_t i;

  for (i = 0; i < size; i++)
    config[offset + i] = (uint8_t) (value >> 8 * i);
}

static void
put_geometry (const struct vblk *d, uint8_t *config)
{
  uint32_t heads = d->heads ? d->heads : DEFAULT_HEADS, secs = d->secs ? d->secs : DEFAULT_SECS;
  uint64_t cyls = d->cyls;

  if (cyls == 0)
    {
      cyls = vblk_capacity (d) / (heads * secs);
      cyls = cyls > CYLS_MAX ? CYLS_MAX : cyls < 2 ? 2 : cyls;
    }
  put (config, CONFIG_CYLS, 2, cyls);
  put (config, CONFIG_HEADS, 1, heads);
  /* Tracks of whole blocks. */
  put (config, CONFIG_SECS, 1, secs & ~(d->logical / SECTOR - 1));
}

static uint32_t
discard_alignment (const struct vblk *d)
{
  if (d->discard_granularity == UINT32_MAX || !d->report_discard_granularity)
    return d->logical / SECTOR;
  return d->discard_granularity / SECTOR;
}

static void
fill_config (const struct vblk *d, uint8_t *config)
{
  memset (config, 0, CONFIG_SIZE);
  put (config, CONFIG_CAPACITY, 8, vblk_capacity (d));
  put (config, CONFIG_SEG_MAX, 4,
       d->seg_max_adjust ? d->queue_size - 2u : SEG_MAX_WITHOUT_ADJUST);
  put_geometry (d, config);
  put (config, CONFIG_BLK_SIZE, 4, d->logical);
  put (config, CONFIG_PHYSICAL_EXP, 1, (uint32_t) __builtin_ctz (d->physical / d->logical));
  put (config, CONFIG_MIN_IO, 2, d->min_io_size / d->logical);
  put (config, CONFIG_OPT_IO, 4, d->opt_io_size / d->logical);
  put (config, CONFIG_WRITEBACK, 1, d->writeback);
  put (config, CONFIG_NUM_QUEUES, 2, d->n_queues);
  if (d->discard)
    {
      put (config, CONFIG_MAX_DISCARD_SECTORS, 4, d->max_discard_sectors);
      put (config, CONFIG_MAX_DISCARD_SEG, 4, 1);
      put (config, CONFIG_DISCARD_ALIGNMENT, 4, discard_alignment (d));
    }
  if (d->write_zeroes)
    {
      put (config, CONFIG_MAX_ZEROES_SECTORS, 4, d->max_write_zeroes_sectors);
      put (config, CONFIG_MAX_ZEROES_SEG, 4, 1);
      put (config, CONFIG_ZEROES_MAY_UNMAP, 1, 1);
    }
}

void
vblk_tell_config (const struct vblk *d, const struct gwt_facts_api *api, struct gwt_facts *facts)
{
  static const struct
  {
    uint32_t at, size;
    const char *name;
  } names[] = {
    { CONFIG_SEG_MAX, 4, "buffers of a request" },
    { CONFIG_HEADS, 1, "heads" },
    { CONFIG_SECS, 1, "sectors of a track" },
    { CONFIG_BLK_SIZE, 4, "logical block" },
    { CONFIG_PHYSICAL_EXP, 1, "physical block" },
    { CONFIG_MIN_IO, 2, "smallest request" },
    { CONFIG_OPT_IO, 4, "best request" },
    { CONFIG_NUM_QUEUES, 2, "queues" },
    { CONFIG_MAX_DISCARD_SECTORS, 12, "requests to discard" },
    { CONFIG_MAX_ZEROES_SECTORS, 9, "requests to write zeros" },
  };
  uint8_t config[CONFIG_SIZE], compare[CONFIG_SIZE];
  uint32_t i;

  /* What a resize changes, and what the driver does. */
  memset (compare, 0xff, sizeof compare);
  memset (compare + CONFIG_CAPACITY, 0, 8);
  memset (compare + CONFIG_CYLS, 0, 2);
  compare[CONFIG_WRITEBACK] = 0;
  fill_config (d, config);
  api->bytes (facts, VBLK_CONFIG_FACT, config, compare, NULL, sizeof config);
  for (i = 0; i < GWT_COUNT (names); i++)
    api->label (facts, VBLK_CONFIG_FACT, names[i].at, names[i].size, names[i].name);
}

static void
config_read (void *self, uint32_t offset, void *data, uint32_t size)
{
  uint8_t config[CONFIG_SIZE];

  fill_config (self, config);
  memcpy (data, config + offset, size);
}

static void
config_write (void *self, uint32_t offset, const void *data, uint32_t size)
{
  struct vblk *d = self;
  const uint8_t *bytes = data;

  /* §5.2.5.1: nothing else can be written, and this only where it was negotiated. */
  if (offset <= CONFIG_WRITEBACK && size > CONFIG_WRITEBACK - offset
      && (vblk_virtio->features (d->virtio) & FEATURE_CONFIG_WCE))
    vblk_set_writeback (d, bytes[CONFIG_WRITEBACK - offset] & 1);
}

void
vblk_set_writeback (struct vblk *d, uint32_t on)
{
  d->writeback = (uint8_t) (on != 0);
  vblk_block->set_write_cache (d->drive, d->writeback);
}

const char *
vblk_feature_name (uint32_t bit)
{
  switch (UINT64_C (1) << bit)
    {
    case FEATURE_SEG_MAX:
      return "VIRTIO_BLK_F_SEG_MAX";
    case FEATURE_GEOMETRY:
      return "VIRTIO_BLK_F_GEOMETRY";
    case FEATURE_RO:
      return "VIRTIO_BLK_F_RO, a drive that is read only";
    case FEATURE_BLK_SIZE:
      return "VIRTIO_BLK_F_BLK_SIZE";
    case FEATURE_FLUSH:
      return "VIRTIO_BLK_F_FLUSH, write-cache";
    case FEATURE_TOPOLOGY:
      return "VIRTIO_BLK_F_TOPOLOGY";
    case FEATURE_CONFIG_WCE:
      return "VIRTIO_BLK_F_CONFIG_WCE, config-wce";
    case FEATURE_MQ:
      return "VIRTIO_BLK_F_MQ, num-queues";
    case FEATURE_DISCARD:
      return "VIRTIO_BLK_F_DISCARD, discard";
    case FEATURE_WRITE_ZEROES:
      return "VIRTIO_BLK_F_WRITE_ZEROES, write-zeroes";
    default:
      return NULL;
    }
}

/* ---- for the virtio plugin --------------------------------------------------------------------
 */

static void
running (void *self, uint32_t on)
{
  struct vblk *d = self;
  uint64_t features;

  if (d->gone)
    return;
  if (!on)
    {
      vblk_queues_stop (d);
      vblk_set_writeback (d, d->first_writeback);
      return;
    }
  /* §5.2.5.2: a driver that cannot flush gets a disk that needs no flush. */
  features = vblk_virtio->features (d->virtio);
  if (!(features & FEATURE_CONFIG_WCE))
    vblk_set_writeback (d, (features & FEATURE_FLUSH) != 0);
}

static void
notified (void *self, struct gwt_virtq *queue, uint32_t index)
{
  struct vblk *d = self;

  (void) queue;
  vblk_block->kick (d->queues[index].back);
}

static void
queue_reset (void *self, uint32_t index)
{
  struct vblk *d = self;

  if (!d->gone)
    vblk_queue_stop (d, index);
}

const struct gwt_virtio_client vblk_client = {
  .struct_size = sizeof vblk_client,
  .config_read = config_read,
  .config_write = config_write,
  .running = running,
  .notified = notified,
  .queue_reset = queue_reset,
  .put_state = vblk_put_state,
  .get_state = vblk_get_state,
  .feature_name = vblk_feature_name,
};
