/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device: status, features, configuration space, interrupt status, and "gwt.virtio/1".
 * It must not know how a ring is laid out, nor at which registers a transport shows all this.
 */
#include "virtio.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG_SIZE_MAX 3840u /* what is left of the MMIO window's 4 KiB */

/* The device whose lock this thread holds: interrupts wait until it lets go. */
static __thread struct gwt_virtio *held;

void
virtio_guest_error (struct gwt_virtio *v, const char *what, uint64_t value)
{
  if (!__atomic_exchange_n (&v->warned, 1, __ATOMIC_RELAXED))
    virtio_host->log (GWT_LOG_GUEST, "%s: the driver: %s (0x%llx); said once for this device",
                      virtio_devices->id (v->device), what, (unsigned long long) value);
}

/* ---- interrupts -------------------------------------------------------------------------------
 */

void
virtio_lock (struct gwt_virtio *v)
{
  pthread_mutex_lock (&v->lock);
  held = v;
}

void
virtio_unlock (struct gwt_virtio *v)
{
  uint32_t config = v->put_off_config, any = v->put_off_any, i, queues[GWT_COUNT (v->put_off)];

  if (any)
    {
      memcpy (queues, v->put_off, sizeof queues);
      memset (v->put_off, 0, sizeof v->put_off);
      v->put_off_config = v->put_off_any = 0;
    }
  held = NULL;
  pthread_mutex_unlock (&v->lock);
  if (!any)
    return;
  if (config)
    v->transport->config_interrupt (v);
  for (i = 0; i < v->info.n_queues; i++)
    if (queues[i / 32] >> i % 32 & 1)
      v->transport->queue_interrupt (v, i);
  /* What was put off may be a lower level as well. */
  v->transport->interrupt_status_changed (v);
}

void
virtio_queue_interrupt (struct gwt_virtio *v, uint32_t index)
{
  if (held == v)
    {
      v->put_off[index / 32] |= 1u << index % 32;
      v->put_off_any = 1;
    }
  else
    v->transport->queue_interrupt (v, index);
}

/* Where the status has all BITS. */
static void
config_interrupt (struct gwt_virtio *v, uint32_t bits)
{
  uint32_t wanted;

  pthread_mutex_lock (&v->isr_lock);
  wanted = (virtio_status (v) & bits) == bits;
  if (wanted)
    virtio_isr_raise (v, ISR_CONFIG);
  pthread_mutex_unlock (&v->isr_lock);
  if (!wanted)
    return;
  if (held == v)
    v->put_off_config = v->put_off_any = 1;
  else
    v->transport->config_interrupt (v);
}

uint32_t
virtio_isr (struct gwt_virtio *v)
{
  return __atomic_load_n (&v->isr, __ATOMIC_SEQ_CST);
}

void
virtio_isr_raise (struct gwt_virtio *v, uint32_t bits)
{
  if (v->transport->uses_isr == NULL || v->transport->uses_isr (v))
    __atomic_fetch_or (&v->isr, bits, __ATOMIC_SEQ_CST);
}

uint32_t
virtio_isr_take (struct gwt_virtio *v)
{
  uint32_t value = __atomic_exchange_n (&v->isr, 0, __ATOMIC_SEQ_CST);

  v->transport->interrupt_status_changed (v);
  return value;
}

void
virtio_isr_acknowledge (struct gwt_virtio *v, uint32_t bits)
{
  __atomic_fetch_and (&v->isr, ~bits, __ATOMIC_SEQ_CST);
  v->transport->interrupt_status_changed (v);
}

static void
config_changed (struct gwt_virtio *v)
{
  __atomic_fetch_add (&v->generation, 1, __ATOMIC_SEQ_CST);
  config_interrupt (v, STATUS_DRIVER_OK);
}

void
virtio_broken (struct gwt_virtio *v, const char *why)
{
  uint32_t old = __atomic_fetch_or (&v->status, STATUS_NEEDS_RESET, __ATOMIC_SEQ_CST);

  if (old & STATUS_NEEDS_RESET)
    return;
  if (!__atomic_exchange_n (&v->warned, 1, __ATOMIC_RELAXED))
    virtio_host->log (GWT_LOG_GUEST, "%s: needs a reset: %s; said once for this device",
                      virtio_devices->id (v->device), why);
  /* §2.1.2: told only to a driver that has come so far. */
  if (!(old & STATUS_DRIVER_OK))
    return;
  if (held == v)
    {
      config_interrupt (v, STATUS_NEEDS_RESET);
      return;
    }
  /* pop () comes here, and the device may hold locks of its own for which [main] waits, with the
     machine lock that an interrupt may need: so it is [main] that interrupts. */
  virtio_clock->timer_set (v->broken_timer, 0);
}

/* [main] */
static void
tell_broken (void *opaque)
{
  /* Unless it was reset meanwhile. */
  config_interrupt (opaque, STATUS_NEEDS_RESET);
}

/* ---- status -----------------------------------------------------------------------------------
 */

uint32_t
virtio_status (struct gwt_virtio *v)
{
  return __atomic_load_n (&v->status, __ATOMIC_SEQ_CST);
}

static void
start_device (struct gwt_virtio *v)
{
  uint32_t i;

  v->running = 1;
  for (i = 0; i < v->info.n_queues; i++)
    {
      const char *why = v->state[i].ready ? virtq_start (&v->queues[i], 1) : NULL;

      if (why)
        {
          virtio_broken (v, why);
          return;
        }
    }
  v->client_running = 1;
  if (GWT_HAS (v->client, running))
    v->client->running (v->self, 1);
}

static void
stop_device (struct gwt_virtio *v)
{
  uint32_t i;

  if (!v->running)
    return;
  for (i = 0; i < v->info.n_queues; i++)
    virtq_stop (&v->queues[i]);
  /* What is stopped before it knew that it works clears what was loaded all the same. */
  if (v->awaits && GWT_HAS (v->client, running))
    v->client->running (v->self, 1);
  if ((v->client_running || v->awaits) && GWT_HAS (v->client, running))
    v->client->running (v->self, 0);
  for (i = 0; i < v->info.n_queues; i++)
    virtq_clear (&v->queues[i]);
  v->running = v->client_running = v->awaits = 0;
}

void
virtio_stop (struct gwt_virtio *v)
{
  virtio_clock->timer_set (v->go_timer, GWT_TIMER_OFF);
  stop_device (v);
}

uint32_t
virtio_is_served (struct gwt_virtio *v)
{
  return (virtio_status (v) & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET | STATUS_FAILED))
         == STATUS_DRIVER_OK;
}

/* Without an interrupt: whoever it would go to is being loaded too. */
void
virtio_restart (struct gwt_virtio *v)
{
  const struct loaded_chain *chain;
  const char *why = NULL;
  uint32_t i;

  v->running = v->awaits = virtio_is_served (v);
  for (i = 0; i < v->info.n_queues && v->running && why == NULL; i++)
    if (v->state[i].ready)
      why = virtq_start (&v->queues[i], 0);
  for (chain = v->chains; chain && v->running && why == NULL; chain = chain->next)
    why = virtq_restore (&v->queues[chain->queue], chain);
  if (why)
    {
      virtio_host->log (GWT_LOG_GUEST, "%s: needs a reset: loaded with %s",
                        virtio_devices->id (v->device), why);
      stop_device (v);
      __atomic_fetch_or (&v->status, STATUS_NEEDS_RESET, __ATOMIC_SEQ_CST);
    }
  if (virtio_status (v) & STATUS_DRIVER_OK)
    virtio_clock->timer_set (v->go_timer, 0);
}

/* [main] The machine runs, for the first time since the state was loaded. */
static void
go (void *opaque)
{
  struct gwt_virtio *v = opaque;
  const char *why = NULL;
  uint32_t i, resumed = 0;

  /* Somebody may not have been told of it. */
  config_interrupt (v, STATUS_DRIVER_OK | STATUS_NEEDS_RESET);
  virtio_lock (v);
  if (v->awaits && virtio_is_served (v))
    {
      v->awaits = 0;
      /* The driver may have had one of them reset already. */
      for (i = 0; i < v->info.n_queues && why == NULL; i++)
        if (v->state[i].ready && !v->queues[i].running)
          why = virtq_start (&v->queues[i], 1);
      if (why)
        virtio_broken (v, why);
      v->client_running = resumed = 1;
      if (GWT_HAS (v->client, running))
        v->client->running (v->self, 1);
    }
  virtio_unlock (v);
  for (i = 0; i < v->info.n_queues && resumed; i++)
    {
      /* What was used and not told of, and what was made available and not notified. */
      virtq_notify (&v->queues[i]);
      virtio_notified (v, i);
    }
}

void
virtio_cut_off (struct gwt_virtio *v, const char *why)
{
  if (!v->running)
    return;
  virtio_broken (v, why);
  stop_device (v);
}

void
virtio_reset (struct gwt_virtio *v)
{
  uint32_t i;

  virtio_stop (v);
  for (i = 0; i < v->info.n_queues; i++)
    virtq_reset_state (&v->queues[i]);
  v->driver_features = 0;
  __atomic_store_n (&v->features, 0, __ATOMIC_RELAXED);
  v->put_off_config = 0;
  memset (v->put_off, 0, sizeof v->put_off);
  v->put_off_any = 1;
  if (v->transport->reset)
    v->transport->reset (v);
  /* Last: the driver waits for it. */
  pthread_mutex_lock (&v->isr_lock);
  __atomic_store_n (&v->isr, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n (&v->status, 0, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock (&v->isr_lock);
}

static uint32_t
accept_features (struct gwt_virtio *v)
{
  uint64_t wanted = v->driver_features, more = wanted & ~virtio_offered (v);

  if (more)
    {
      virtio_guest_error (v, "features that were not offered", more);
      return 0;
    }
  if (!(wanted & FEATURE_VERSION_1))
    {
      virtio_guest_error (v, "features without VIRTIO_F_VERSION_1", wanted);
      return 0;
    }
  if (GWT_HAS (v->client, features_accepted) && v->client->features_accepted (v->self, wanted) != 0)
    return 0;
  __atomic_store_n (&v->features, wanted, __ATOMIC_RELEASE);
  return 1;
}

void
virtio_set_status (struct gwt_virtio *v, uint32_t value)
{
  const uint32_t known
      = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK | STATUS_FEATURES_OK | STATUS_FAILED;
  uint32_t old = virtio_status (v), more;

  if ((value & 0xff) == 0)
    {
      virtio_reset (v);
      return;
    }
  /* §2.1.1: bits are only added.  NEEDS_RESET is ours, a driver writes back what it read. */
  if (old & ~value & known)
    virtio_guest_error (v, "a status that takes bits back", value);
  more = value & known & ~old;
  if ((more & STATUS_FEATURES_OK) && !accept_features (v))
    more &= ~STATUS_FEATURES_OK;
  if ((more & STATUS_DRIVER_OK) && !((old | more) & STATUS_FEATURES_OK))
    {
      virtio_guest_error (v, "DRIVER_OK before FEATURES_OK", value);
      more &= ~STATUS_DRIVER_OK;
    }
  old = __atomic_fetch_or (&v->status, more, __ATOMIC_SEQ_CST);
  if ((old | more) & STATUS_FAILED)
    stop_device (v);
  else if ((more & STATUS_DRIVER_OK) && !(old & STATUS_NEEDS_RESET))
    start_device (v);
}

/* ---- features ---------------------------------------------------------------------------------
 */

uint64_t
virtio_offered (struct gwt_virtio *v)
{
  return v->info.features | FEATURE_VERSION_1 | (v->event_idx ? FEATURE_EVENT_IDX : 0)
         | (v->indirect_desc ? FEATURE_INDIRECT_DESC : 0) | (v->packed ? FEATURE_RING_PACKED : 0)
         | (v->in_order ? FEATURE_IN_ORDER : 0) | (v->ring_reset ? FEATURE_RING_RESET : 0);
}

void
virtio_set_driver_features (struct gwt_virtio *v, uint32_t word, uint32_t value)
{
  if (virtio_status (v) & STATUS_FEATURES_OK)
    virtio_guest_error (v, "features after FEATURES_OK", value);
  else if (word == 0)
    v->driver_features = (v->driver_features & ~UINT64_C (0xffffffff)) | value;
  else if (word == 1)
    v->driver_features = (v->driver_features & 0xffffffff) | (uint64_t) value << 32;
  else if (value)
    virtio_guest_error (v, "features above bit 63", value);
}

/* ---- queues -----------------------------------------------------------------------------------
 */

struct gwt_virtq *
virtio_queue_at (struct gwt_virtio *v, uint32_t index)
{
  return index < v->info.n_queues ? &v->queues[index] : NULL;
}

struct virtq_state *
virtio_queue_setup (struct gwt_virtio *v, uint32_t index)
{
  struct gwt_virtq *q = virtio_queue_at (v, index);

  if (q && !q->s->ready)
    return q->s;
  virtio_guest_error (v, q ? "a register of a queue that is ready" : "no such queue", index);
  return NULL;
}

/* It alone; the others go on. */
static void
stop_queue (struct gwt_virtio *v, struct gwt_virtq *q)
{
  virtq_stop (q);
  if (v->client_running && GWT_HAS (v->client, queue_reset))
    v->client->queue_reset (v->self, q->index);
  virtq_clear (q);
  virtq_reset_state (q);
  if (v->transport->queue_reset)
    v->transport->queue_reset (v, q->index);
}

void
virtio_queue_set_ready (struct gwt_virtio *v, uint32_t index, uint32_t ready)
{
  struct gwt_virtq *q = virtio_queue_at (v, index);
  const char *why;

  if (q == NULL || ready > 1)
    virtio_guest_error (v, q ? "a queue that is neither ready nor not" : "no such queue", index);
  else if (!(virtio_status (v) & STATUS_FEATURES_OK))
    virtio_guest_error (v, "a queue before FEATURES_OK", index);
  else if (!ready && q->s->ready)
    stop_queue (v, q);
  else if (ready && !q->s->ready)
    {
      q->s->ready = 1;
      /* Again, after a reset of this queue alone. */
      why = v->client_running ? virtq_start (q, 1) : NULL;
      if (why)
        virtio_broken (v, why);
    }
}

void
virtio_queue_reset (struct gwt_virtio *v, uint32_t index)
{
  struct gwt_virtq *q = virtio_queue_at (v, index);

  if (q == NULL || !(v->features & FEATURE_RING_RESET))
    virtio_guest_error (v, q ? "a queue's reset that was not negotiated" : "no such queue", index);
  else
    stop_queue (v, q);
}

void
virtio_notified (struct gwt_virtio *v, uint32_t index)
{
  struct gwt_virtq *q = virtio_queue_at (v, index);
  uint32_t status = virtio_status (v);

  if (q == NULL)
    virtio_guest_error (v, "a notification for no queue", index);
  else if (!(status & STATUS_DRIVER_OK))
    virtio_guest_error (v, "a notification before DRIVER_OK", index);
  else if (__atomic_load_n (&q->running, __ATOMIC_ACQUIRE)
           && !(status & (STATUS_NEEDS_RESET | STATUS_FAILED)))
    v->client->notified (v->self, q, index);
}

/* ---- configuration space ----------------------------------------------------------------------
 */

static uint32_t
in_config (struct gwt_virtio *v, uint64_t offset, uint32_t size)
{
  if (offset < v->info.config_size && size <= v->info.config_size - offset)
    return 1;
  virtio_guest_error (v, "configuration space ends before", offset);
  return 0;
}

void
virtio_config_read (struct gwt_virtio *v, uint64_t offset, uint32_t size, uint64_t *value)
{
  uint8_t bytes[8] = { 0 };
  uint32_t i;

  /* Nobody answers, as on a bus. */
  *value = UINT64_MAX >> (64 - 8 * size);
  if (!in_config (v, offset, size) || !GWT_HAS (v->client, config_read))
    return;
  *value = 0;
  v->client->config_read (v->self, (uint32_t) offset, bytes, size);
  for (i = 0; i < size; i++)
    *value |= (uint64_t) bytes[i] << 8 * i;
}

void
virtio_config_write (struct gwt_virtio *v, uint64_t offset, uint32_t size, uint64_t value)
{
  uint8_t bytes[8];
  uint32_t i;

  if (!in_config (v, offset, size) || !GWT_HAS (v->client, config_write))
    return;
  for (i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t) (value >> 8 * i);
  v->client->config_write (v->self, (uint32_t) offset, bytes, size);
}

/* ---- life -------------------------------------------------------------------------------------
 */

void
virtio_part_init (struct gwt_virtio *v, struct gwt_device *device,
                  const struct virtio_transport *transport)
{
  v->device = device;
  v->transport = transport;
  v->info.n_queues = 0;
  pthread_mutex_init (&v->lock, NULL);
  pthread_mutex_init (&v->isr_lock, NULL);
}

int
virtio_part_complete (struct gwt_virtio *v, struct gwt_error *err)
{
  uint32_t i;

  for (i = 0; i < v->info.n_queues && v->queues[i].size_max; i++)
    ;
  if (i == v->info.n_queues && i > 0)
    return 0;
  if (v->info.n_queues == 0)
    virtio_host->error_set (err, GWT_E_FAILED,
                            "type '%s' has not set up its virtio side; correct the plugin",
                            virtio_devices->type (v->device));
  else
    virtio_host->error_set (err, GWT_E_FAILED,
                            "type '%s' has not made queue %u; correct the plugin",
                            virtio_devices->type (v->device), i);
  return -1;
}

void
virtio_part_free (struct gwt_virtio *v)
{
  uint32_t i;

  stop_device (v);
  for (i = 0; i < v->info.n_queues; i++)
    virtq_free (&v->queues[i]);
  free (v->queues);
  v->queues = NULL;
  v->info.n_queues = 0;
  pthread_mutex_destroy (&v->lock);
  pthread_mutex_destroy (&v->isr_lock);
}

/* ---- gwt.virtio/1 -----------------------------------------------------------------------------
 */

static struct gwt_virtio *
part_of (struct gwt_device *device)
{
  struct gwt_virtio *v = virtio_devices->part (device, GWT_VIRTIO_PCI_PARENT);

  /* The transports' instance structs begin with it. */
  return v ? v : virtio_devices->part (device, GWT_VIRTIO_MMIO_PARENT);
}

static const char *
check_info (const struct gwt_virtio_info *info, const struct gwt_virtio_client *client)
{
  if (info->device_id == 0)
    return "device id 0 means that there is none";
  if (info->n_queues == 0 || info->n_queues > GWT_VIRTIO_QUEUES_MAX)
    return "its number of queues is not 1 to 1024";
  if (info->config_size > CONFIG_SIZE_MAX)
    return "its configuration space has more than 3840 bytes";
  if (info->features & FEATURES_RING_AND_TRANSPORT)
    return "it offers features of queues or transport";
  if (!GWT_HAS (client, notified))
    return "it has no callback 'notified'";
  return NULL;
}

static struct gwt_virtio *
api_setup (struct gwt_device *device, const struct gwt_virtio_info *given,
           const struct gwt_virtio_client *client, struct gwt_error *err)
{
  struct gwt_virtio *v = part_of (device);
  const char *type = virtio_devices->type (device), *why;
  struct gwt_virtio_info info;
  uint32_t i;

  memset (&info, 0, sizeof info);
  memcpy (&info, given, given->struct_size < sizeof info ? given->struct_size : sizeof info);
  why = v == NULL          ? "its parent is none of the virtio plugin's types"
        : v->info.n_queues ? "it sets up its virtio side twice"
                           : check_info (&info, client);
  if (why)
    {
      virtio_host->error_set (err, GWT_E_INVALID, "type '%s': %s; correct the plugin", type, why);
      return NULL;
    }
  v->broken_timer = virtio_clock->timer_new (device, GWT_CLOCK_REAL, tell_broken, v, err);
  v->go_timer = v->broken_timer
                    ? virtio_clock->timer_new (device, GWT_CLOCK_VIRTUAL, go, v, err)
                    : NULL;
  if (v->go_timer == NULL)
    return NULL;
  v->queues = calloc (info.n_queues, sizeof *v->queues);
  if (v->queues == NULL)
    {
      virtio_host->error_set (err, GWT_E_NO_MEMORY, "no memory for %u queues; use fewer",
                              info.n_queues);
      return NULL;
    }
  v->info = info;
  v->client = client;
  v->self = virtio_devices->instance (device);
  for (i = 0; i < info.n_queues; i++)
    {
      struct gwt_virtq *q = &v->queues[i];

      pthread_mutex_init (&q->lock, NULL);
      q->virtio = v;
      q->s = &v->state[i];
      q->index = i;
    }
  if (v->transport->setup && v->transport->setup (v, err) != 0)
    return NULL;
  return v;
}

static struct gwt_virtq *
api_queue (struct gwt_virtio *v, uint32_t index, uint32_t size, struct gwt_error *err)
{
  struct gwt_virtq *q = virtio_queue_at (v, index);

  if (q == NULL)
    virtio_host->error_set (err, GWT_E_RANGE, "queue %u is not one of %u; correct the plugin",
                            index, v->info.n_queues);
  else if (size < 2 || size > GWT_VIRTIO_QUEUE_SIZE_MAX || (size & (size - 1)))
    virtio_host->error_set (
        err, GWT_E_RANGE, "a queue of %u entries is not possible; use a power of two from 2 to %u",
        size, GWT_VIRTIO_QUEUE_SIZE_MAX);
  else
    {
      q->size_max = size;
      virtq_reset_state (q);
      return q;
    }
  return NULL;
}

static uint64_t
api_features (struct gwt_virtio *v)
{
  return __atomic_load_n (&v->features, __ATOMIC_ACQUIRE);
}

const struct gwt_virtio_api virtio_api = {
  .struct_size = sizeof virtio_api,
  .setup = api_setup,
  .queue = api_queue,
  .features = api_features,
  .config_changed = config_changed,
  .broken = virtio_broken,
  .pop = virtq_pop,
  .push = virtq_push,
  .unpop = virtq_unpop,
  .notify = virtq_notify,
  .want_notify = virtq_want_notify,
  .push_all = virtq_push_all,
  .put_state = virtio_put_state,
  .get_state = virtio_get_state,
  .next_out = virtq_next_out,
  .put_chain = virtio_put_chain,
  .get_chain = virtio_get_chain,
};
