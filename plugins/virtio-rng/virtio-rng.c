/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio entropy device (virtio 1.2 §5.4): fills the driver's buffers from the host's getrandom,
 * at most `max-bytes` in each `period`.  It must not know what a ring looks like, nor which
 * transport there is.
 */
#include <godwit/godwit.h>

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

#define DEVICE_ID 4
#define QUEUE_SIZE 8
/* The driver gets less than it asked for (§5.4.6 allows it), and the rest of its buffers a moment
   later: no vCPU is kept for long whatever is in its ring. */
#define CHAIN_MAX 65536u
#define TURN_MAX (4 * CHAIN_MAX)
#define TURN_CHAINS 64u

static const struct gwt_host *host;
static const struct gwt_clock_api *clock_api;
static const struct gwt_virtio_api *virtio_api;

struct virtio_rng
{
  uint64_t max_bytes;
  uint32_t period; /* ms */
  uint8_t active;  /* the driver has it running */
  uint8_t pad[3];

  uint64_t quota;      /* bytes left of this period */
  uint64_t period_end; /* GWT_TIMER_OFF: nothing was given since the last one ended */

  struct gwt_virtio *virtio;
  struct gwt_virtq *queue;
  struct gwt_timer *period_timer, *turn_timer;
  pthread_mutex_t lock;
};

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct virtio_rng, max_bytes, "max-bytes", .def = INT64_MAX, .min = 1,
                .max = INT64_MAX, .flags = GWT_FIELD_SIZE,
                .doc = "bytes of entropy that the guest gets in each period"),
  GWT_PROP_ROW (struct virtio_rng, period, "period", .def = 65536, .min = 1, .max = UINT32_MAX,
                .doc = "milliseconds that max-bytes is for"),
  GWT_HOST_ROW (struct virtio_rng, active, "follows from the virtio side's status"),
  GWT_HOST_ROW (struct virtio_rng, pad, "padding"),
  GWT_STATE_ROW (struct virtio_rng, quota, "quota", .doc = "bytes left of this period"),
  GWT_STATE_ROW (struct virtio_rng, period_end, "period-end",
                 .doc = "virtual time at which the quota is renewed"),
  GWT_HOST_ROW (struct virtio_rng, virtio, "handle of the virtio plugin"),
  GWT_HOST_ROW (struct virtio_rng, queue, "handle of the virtio plugin"),
  GWT_HOST_ROW (struct virtio_rng, period_timer, "armed from period-end"),
  GWT_HOST_ROW (struct virtio_rng, turn_timer, "only a matter of turns: a notification"),
  GWT_HOST_ROW (struct virtio_rng, lock, "lock"),
};

/* SIZE bytes of entropy to P; false where the host has none. */
static int
fill (uint8_t *p, uint64_t size)
{
  while (size)
    {
      ssize_t n = getrandom (p, size, 0);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return 0;
      p += n;
      size -= (uint64_t) n;
    }
  return 1;
}

/* At most SIZE bytes to the buffers of CHAIN, *WRITTEN of them. */
static int
fill_chain (const struct gwt_virtq_chain *chain, uint64_t size, uint64_t *written)
{
  uint32_t i;

  *written = 0;
  for (i = 0; i < chain->n_writable && *written < size; i++)
    {
      uint64_t part = chain->writable[i].size;

      if (part > size - *written)
        part = size - *written;
      if (!fill (chain->writable[i].base, part))
        return 0;
      *written += part;
    }
  return 1;
}

static void
start_period (struct virtio_rng *r)
{
  if (r->period_end != GWT_TIMER_OFF)
    return;
  r->period_end = clock_api->now (GWT_CLOCK_VIRTUAL) + r->period * UINT64_C (1000000);
  clock_api->timer_set (r->period_timer, r->period_end);
}

/* What is in the queue, as far as the quota and this turn go. */
static void
serve (struct virtio_rng *r)
{
  uint64_t turn = TURN_MAX, written;
  struct gwt_virtq_chain *chain = NULL;
  uint32_t chains = 0, failed = 0;

  pthread_mutex_lock (&r->lock);
  while (r->active && r->quota && !failed && turn && chains < TURN_CHAINS
         && (chain = virtio_api->pop (r->queue)) != NULL)
    {
      uint64_t size = r->quota < CHAIN_MAX ? r->quota : CHAIN_MAX;

      failed = !fill_chain (chain, size < turn ? size : turn, &written);
      if (written)
        start_period (r);
      r->quota -= written;
      turn -= written;
      chains++;
      virtio_api->push (r->queue, chain, written);
    }
  if (r->active && r->quota && !failed && chain)
    clock_api->timer_set (r->turn_timer, 0);
  pthread_mutex_unlock (&r->lock);
  if (chains)
    virtio_api->notify (r->queue);
  if (failed)
    {
      host->log (GWT_LOG_ERROR, "virtio-rng: the host's getrandom fails; the device stops");
      virtio_api->broken (r->virtio, "the host has no entropy");
    }
}

static void
period_over (void *self)
{
  struct virtio_rng *r = self;

  pthread_mutex_lock (&r->lock);
  r->quota = r->max_bytes;
  r->period_end = GWT_TIMER_OFF;
  pthread_mutex_unlock (&r->lock);
  serve (r);
}

static void
next_turn (void *self)
{
  serve (self);
}

/* ---- for the virtio plugin --------------------------------------------------------------------
 */

static void
rng_notified (void *self, struct gwt_virtq *queue, uint32_t index)
{
  (void) queue;
  (void) index;
  serve (self);
}

static void
rng_running (void *self, uint32_t running)
{
  struct virtio_rng *r = self;

  /* The period goes on: a reset of the device must not be a way around the limit. */
  pthread_mutex_lock (&r->lock);
  r->active = (uint8_t) running;
  if (!running)
    clock_api->timer_set (r->turn_timer, GWT_TIMER_OFF);
  pthread_mutex_unlock (&r->lock);
  if (running)
    serve (r);
}

static void
rng_queue_reset (void *self, uint32_t index)
{
  struct virtio_rng *r = self;

  /* No chain is kept beyond serve (): it is enough to wait for that. */
  (void) index;
  pthread_mutex_lock (&r->lock);
  pthread_mutex_unlock (&r->lock);
}

static const struct gwt_virtio_info info = {
  .struct_size = sizeof info,
  .device_id = DEVICE_ID,
  .n_queues = 1,
  .pci_class = 0x00ff00,
};

static const struct gwt_virtio_client client = {
  .struct_size = sizeof client,
  .running = rng_running,
  .notified = rng_notified,
  .queue_reset = rng_queue_reset,
};

/* ---- state ------------------------------------------------------------------------------------
 */

GWT_VIRTIO_STATE (rng_virtio, virtio_api)

static uint32_t
quota_needed (const void *self)
{
  const struct virtio_rng *r = self;

  return r->quota != r->max_bytes || r->period_end != GWT_TIMER_OFF;
}

static int
quota_check (void *self, uint32_t version, struct gwt_error *err)
{
  const struct virtio_rng *r = self;

  (void) version;
  if (r->quota <= r->max_bytes)
    return 0;
  host->error_set (err, GWT_E_RANGE,
                   "%llu bytes are left of this period, and max-bytes is %llu here; give both ends "
                   "the same",
                   (unsigned long long) r->quota, (unsigned long long) r->max_bytes);
  return -1;
}

/* What a sender without the subsection means. */
static int
rng_pre_load (void *self, struct gwt_error *err)
{
  struct virtio_rng *r = self;

  (void) err;
  r->quota = r->max_bytes;
  r->period_end = GWT_TIMER_OFF;
  return 0;
}

static void
rng_loaded (void *self, uint32_t version)
{
  struct virtio_rng *r = self;

  (void) version;
  clock_api->timer_set (r->period_timer, r->period_end);
}

static const struct gwt_vm_field quota_fields[] = {
  GWT_VM_VALUE (struct virtio_rng, quota),
  GWT_VM_VALUE (struct virtio_rng, period_end),
};
static const struct gwt_vmstate quota_state
    = GWT_VMSTATE (struct virtio_rng, "virtio-rng/quota", 1, 1, quota_fields,
                   .needed = quota_needed, .post_load = quota_check);
static const struct gwt_vmstate *const subsections[] = { &quota_state, NULL };
static const struct gwt_vm_field state_fields[]
    = { GWT_VIRTIO_FIELD (struct virtio_rng, virtio, rng_virtio) };
static const struct gwt_vmstate rng_state
    = GWT_VMSTATE (struct virtio_rng, "virtio-rng", 1, 1, state_fields, .subsections = subsections,
                   .pre_load = rng_pre_load, .loaded = rng_loaded);
static const struct gwt_vmstate *const states[] = { &rng_state, NULL };

/* ---- life -------------------------------------------------------------------------------------
 */

static int
rng_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct virtio_rng *r = self;

  r->period_end = GWT_TIMER_OFF;
  r->period_timer = clock_api->timer_new (device, GWT_CLOCK_VIRTUAL, period_over, r, err);
  if (r->period_timer == NULL)
    return -1;
  r->turn_timer = clock_api->timer_new (device, GWT_CLOCK_VIRTUAL, next_turn, r, err);
  if (r->turn_timer == NULL)
    return -1;
  r->virtio = virtio_api->setup (device, &info, &client, err);
  if (r->virtio == NULL)
    return -1;
  r->queue = virtio_api->queue (r->virtio, 0, QUEUE_SIZE, err);
  if (r->queue == NULL)
    return -1;
  pthread_mutex_init (&r->lock, NULL);
  r->quota = r->max_bytes;
  return 0;
}

static void
rng_unrealize (void *self)
{
  struct virtio_rng *r = self;

  /* The virtio side is stopped after this: its parent's turn comes last. */
  clock_api->timer_set (r->period_timer, GWT_TIMER_OFF);
  clock_api->timer_set (r->turn_timer, GWT_TIMER_OFF);
}

static void
rng_reset (void *self, uint32_t kind)
{
  struct virtio_rng *r = self;

  (void) kind;
  pthread_mutex_lock (&r->lock);
  r->quota = r->max_bytes;
  r->period_end = GWT_TIMER_OFF;
  clock_api->timer_set (r->period_timer, GWT_TIMER_OFF);
  clock_api->timer_set (r->turn_timer, GWT_TIMER_OFF);
  pthread_mutex_unlock (&r->lock);
}

/* The same device for each transport. */
#define RNG_TYPE(NAME, PARENT)                                                                     \
  {                                                                                                \
    .struct_size = sizeof (struct gwt_device_type), .name = NAME, .parent = PARENT,                \
    .doc = "entropy for the guest, from the host's random number generator",                       \
    .flags = GWT_TYPE_USER, .threads = GWT_THREADS_PARALLEL,                                       \
    .instance_size = sizeof (struct virtio_rng), .fields = fields, .field_size = sizeof fields[0], \
    .n_fields = GWT_COUNT (fields), .realize = rng_realize, .unrealize = rng_unrealize,            \
    .reset = rng_reset, .states = states                                                           \
  }
static const struct gwt_device_type mmio_type
    = RNG_TYPE ("virtio-rng-device", GWT_VIRTIO_MMIO_PARENT);
static const struct gwt_device_type pci_type = RNG_TYPE ("virtio-rng-pci", GWT_VIRTIO_PCI_PARENT);

static int
rng_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void) err;
  clock_api = h->extension (GWT_CLOCK_EXT);
  virtio_api = h->extension (GWT_VIRTIO_EXT);
  return 0;
}

static const char *const required[] = { GWT_CLOCK_EXT, GWT_VIRTIO_EXT, NULL };
static const struct gwt_device_type *const types[] = { &mmio_type, &pci_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "virtio-rng",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "virtio entropy device",
  .required = required,
  .types = types,
  .start = rng_start,
};

GWT_PLUGIN_DEFINE ("virtio-rng", GODWIT_PLUGIN_VERSION, "virtio-rng-device virtio-rng-pci", plugin,
                   host)
