/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device's section: the transport's part, what all devices have, the queues, the device's
 * own part, and behind them the subsections of "virtio".  The bytes are QEMU's; what it has no
 * place for is in subsections of ours, sent only where it is not what it would be anyway.
 *
 * Everything is read into a staged copy of the part that begins with the virtio side, and judged
 * there; rings and buffers lie in the guest's memory and are judged when they are mapped, as when
 * the guest sets them.
 */
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 4096u /* of legacy rings; nobody has them here */

/* ---- writing ----------------------------------------------------------------------------------
 */

static void
put_queues (struct gwt_virtio *v, struct gwt_vm_out *out)
{
  uint32_t i;

  virtio_vmstate->put_be (out, 4, v->info.n_queues);
  for (i = 0; i < v->info.n_queues; i++)
    {
      const struct gwt_virtq *q = &v->queues[i];

      virtio_vmstate->put_be (out, 4, q->s->ready ? q->s->num : q->size_max);
      if (v->transport->put_queue == NULL)
        virtio_vmstate->put_be (out, 4, ALIGNMENT);
      virtio_vmstate->put_be (out, 8, q->s->ready ? q->s->desc : 0);
      virtio_vmstate->put_be (out, 2, q->s->last_avail);
      if (v->transport->put_queue)
        v->transport->put_queue (v, i, out);
    }
}

static int
part_put (const void *member, const struct gwt_vm_field *field, struct gwt_vm_out *out,
          struct gwt_error *err)
{
  struct gwt_virtio *v = (struct gwt_virtio *) (uintptr_t) member;
  uint32_t i, device_sel, driver_sel, queue_sel;

  (void) field;
  if (v->transport->put (v, out, err) != 0)
    return -1;
  v->transport->get_selectors (v, &device_sel, &driver_sel, &queue_sel);
  virtio_vmstate->put_be (out, 1, virtio_status (v));
  virtio_vmstate->put_be (out, 1, virtio_isr (v));
  virtio_vmstate->put_be (out, 2, queue_sel);
  virtio_vmstate->put_be (out, 4, (uint32_t) v->features);
  virtio_vmstate->put_be (out, 4, v->info.config_size);
  for (i = 0; i < v->info.config_size; i++)
    {
      uint8_t byte = 0;

      if (GWT_HAS (v->client, config_read))
        v->client->config_read (v->self, i, &byte, 1);
      virtio_vmstate->put_be (out, 1, byte);
    }
  put_queues (v, out);
  if (GWT_HAS (v->client, put_state) && v->client->put_state (v->self, out, err) != 0)
    return -1;
  return virtio_put_tail (v, out, err);
}

int
virtio_put_state (struct gwt_virtio *v, struct gwt_vm_out *out, struct gwt_error *err)
{
  return virtio_vmstate->put_state (out, v->transport->state, v, err);
}

/* ---- judging ----------------------------------------------------------------------------------
 */

static const char *
feature_name (const struct gwt_virtio *v, uint32_t bit)
{
  switch (bit)
    {
    case 28:
      return "VIRTIO_F_INDIRECT_DESC, indirect-desc";
    case 29:
      return "VIRTIO_F_EVENT_IDX, event-idx";
    case 33:
      return "VIRTIO_F_ACCESS_PLATFORM";
    case 34:
      return "VIRTIO_F_RING_PACKED, packed";
    case 35:
      return "VIRTIO_F_IN_ORDER, in-order";
    case 38:
      return "VIRTIO_F_NOTIFICATION_DATA";
    case 40:
      return "VIRTIO_F_RING_RESET, ring-reset";
    default:
      return GWT_HAS (v->client, feature_name) ? v->client->feature_name (bit) : NULL;
    }
}

static int
check_features (struct gwt_virtio *v, uint64_t features, struct gwt_error *err)
{
  uint64_t more = features & ~virtio_offered (v);
  char text[1024];
  size_t at = 0;
  uint32_t bit;

  if (!(features & FEATURE_VERSION_1))
    {
      virtio_host->error_set (err, GWT_E_UNSUPPORTED,
                              "its driver works without VIRTIO_F_VERSION_1; legacy devices are not "
                              "offered here");
      return -1;
    }
  if (more == 0)
    return 0;
  text[0] = '\0';
  for (bit = 0; bit < 64 && at < sizeof text - 100; bit++)
    if (more >> bit & 1)
      {
        const char *name = feature_name (v, bit);
        int n = snprintf (text + at, sizeof text - at, "%sbit %u%s%s%s", at ? ", " : "", bit,
                          name ? " (" : "", name ? name : "", name ? ")" : "");

        at += n > 0 ? (size_t) n : 0;
      }
  virtio_host->error_set (err, GWT_E_INVALID,
                          "its driver uses features that are not offered here: %s; give this end's "
                          "device the same properties",
                          text);
  return -1;
}

/* What a queue's header in the section has. */
struct head
{
  uint32_t size;
  uint16_t last_avail;
  uint64_t desc;
};

static const char *
judge_queue (const struct gwt_virtio *st, uint32_t i, const struct tail *t, const struct head *head,
             uint32_t in_use)
{
  const struct virtq_state *s = &st->state[i];
  uint32_t packed = (st->features & FEATURE_RING_PACKED) != 0;

  if (s->ready
      && (s->num != head->size || s->desc != head->desc || s->driver != t->rings[i].driver
          || s->device != t->rings[i].device))
    return "its size or addresses come twice and differ";
  if (st->packed && (head->last_avail != t->packed[i].last_avail || in_use != t->packed[i].in_use))
    return "its places or what is in use come twice and differ";
  if (!s->ready && in_use)
    return "it is not ready, and a request of it comes";
  if (in_use > s->num)
    return "more requests come than it has room for";
  if (s->ready && packed && s->num && (s->last_avail >= s->num || s->used_idx >= s->num))
    return "a place beyond its end";
  return NULL;
}

static int
check_size (const struct gwt_virtio *v, uint32_t i, uint32_t there, struct gwt_error *err)
{
  uint32_t here = v->queues[i].size_max;

  if (there == here)
    return 0;
  virtio_host->error_set (err, GWT_E_INVALID,
                          "queue %u has %u entries at the sender and %u here; give both ends the "
                          "same queue-size",
                          i, there, here);
  return -1;
}

static uint64_t
join (const uint32_t *halves)
{
  return (uint64_t) halves[1] << 32 | halves[0];
}

/* Queue I as it came, with IN_USE descriptors (split: chains) out. */
static void
set_queue (struct gwt_virtio *st, uint32_t i, const struct tail *t, const struct head *head,
           uint32_t in_use)
{
  struct virtq_state *s = &st->state[i];

  memset (s, 0, sizeof *s);
  s->num = t->queues[i].num;
  s->ready = t->queues[i].enabled;
  /* One that nobody has written yet. */
  if (s->num == 0 && !s->ready)
    s->num = (uint16_t) st->queues[i].size_max;
  s->desc = join (t->queues[i].desc);
  s->driver = join (t->queues[i].driver);
  s->device = join (t->queues[i].device);
  s->last_avail = head->last_avail;
  /* Each chain that was popped is used once: what is not out has been. */
  s->used_idx = (uint16_t) (head->last_avail - in_use);
  s->avail_wrap = s->used_wrap = 1;
  if (st->packed)
    {
      s->used_idx = t->packed[i].used_idx;
      s->avail_wrap = t->packed[i].avail_wrap;
      s->used_wrap = t->packed[i].used_wrap;
    }
  s->used_since = t->notify[i].used_since;
  s->no_notify = t->notify[i].no_notify;
}

/* In a split ring a request is known by its first descriptor, in a packed one by any number. */
static int
check_chains (struct loading *l, struct gwt_error *err)
{
  const struct gwt_virtio *st = l->staged;
  const struct loaded_chain *c;

  for (c = l->first; c; c = c->next)
    if (c->id
        >= (st->features & FEATURE_RING_PACKED ? 0x10000u : st->state[c->queue].num))
      {
        virtio_host->error_set (err, GWT_E_RANGE,
                                "queue %u: a request that begins with descriptor %u of %u",
                                c->queue, c->id, st->state[c->queue].num);
        return -1;
      }
  return 0;
}

static int
get_tail (struct loading *l, const struct head *heads, struct gwt_vm_in *in, struct gwt_error *err)
{
  struct gwt_virtio *st = l->staged;
  const struct loaded_chain *c;
  const struct tail *t;
  uint32_t i, driver_sel, queue_sel, device_sel, in_use[QUEUES] = { 0 };

  t = virtio_get_tail (st, in, err);
  if (t == NULL)
    return -1;
  if (t->broken || t->disabled)
    st->status |= STATUS_NEEDS_RESET;
  st->generation = t->generation;
  st->driver_features = join (t->driver_features);
  if ((uint32_t) t->features != (uint32_t) st->features)
    {
      virtio_host->error_set (err, GWT_E_INVALID, "its features come twice and differ");
      return -1;
    }
  st->features = st->status & STATUS_FEATURES_OK ? t->features : 0;
  if ((st->status & STATUS_FEATURES_OK) && check_features (st, st->features, err) != 0)
    return -1;
  st->transport->get_selectors (st, &device_sel, &driver_sel, &queue_sel);
  if (st->transport->put_queue)
    st->transport->set_selectors (st, t->device_sel, t->driver_sel, queue_sel);
  for (c = l->first; c; c = c->next)
    in_use[c->queue] += st->packed ? c->slots : 1;
  for (i = 0; i < st->info.n_queues; i++)
    {
      const char *why;

      if (check_size (st, i, t->seen & SEEN_SIZES ? t->sizes[i] : heads[i].size, err) != 0
          || (!t->queues[i].enabled && check_size (st, i, heads[i].size, err) != 0))
        return -1;
      set_queue (st, i, t, &heads[i], in_use[i]);
      why = judge_queue (st, i, t, &heads[i], in_use[i]);
      if (why)
        {
          virtio_host->error_set (err, GWT_E_INVALID, "queue %u: %s", i, why);
          return -1;
        }
    }
  return check_chains (l, err);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static int
get (struct gwt_vm_in *in, uint32_t size, uint64_t *value, struct gwt_error *err)
{
  return virtio_vmstate->get_be (in, size, value, err);
}

static int
get_status (struct gwt_virtio *st, struct gwt_vm_in *in, struct gwt_error *err)
{
  const uint32_t known = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK | STATUS_FEATURES_OK
                         | STATUS_NEEDS_RESET | STATUS_FAILED;
  uint32_t device_sel, driver_sel, queue_sel;
  uint64_t status, isr, queue, features;

  if (get (in, 1, &status, err) != 0 || get (in, 1, &isr, err) != 0 || get (in, 2, &queue, err) != 0
      || get (in, 4, &features, err) != 0)
    return -1;
  if (status & ~(uint64_t) known)
    virtio_host->error_set (err, GWT_E_RANGE, "status 0x%02x has bits that there are not",
                            (unsigned) status);
  else if ((status & STATUS_DRIVER_OK) && !(status & STATUS_FEATURES_OK))
    virtio_host->error_set (err, GWT_E_UNSUPPORTED,
                            "status 0x%02x: a driver that agreed on no features, as those of "
                            "legacy devices do, which are not offered here",
                            (unsigned) status);
  else if (isr & ~(uint64_t) (ISR_QUEUE | ISR_CONFIG))
    virtio_host->error_set (err, GWT_E_RANGE, "interrupt status 0x%02x has bits that there are not",
                            (unsigned) isr);
  else
    {
      st->status = (uint32_t) status;
      st->isr = (uint32_t) isr;
      st->features = features;
      st->transport->get_selectors (st, &device_sel, &driver_sel, &queue_sel);
      st->transport->set_selectors (st, device_sel, driver_sel, (uint32_t) queue);
      return 0;
    }
  return -1;
}

static int
get_config (struct gwt_virtio *st, uint8_t *config, struct gwt_vm_in *in, struct gwt_error *err)
{
  uint64_t size;

  if (get (in, 4, &size, err) != 0)
    return -1;
  if (size == st->info.config_size)
    return virtio_vmstate->get (in, config, size, err);
  virtio_host->error_set (err, GWT_E_INVALID,
                          "its configuration space has %llu bytes at the sender and %u here; give "
                          "this end's device the same properties",
                          (unsigned long long) size, st->info.config_size);
  return -1;
}

static int
get_heads (struct gwt_virtio *st, struct head *heads, struct gwt_vm_in *in, struct gwt_error *err)
{
  uint64_t count, size, align, desc, last;
  uint32_t i;

  if (get (in, 4, &count, err) != 0)
    return -1;
  if (count != st->info.n_queues)
    {
      virtio_host->error_set (err, GWT_E_INVALID,
                              "it has %llu queues at the sender and %u here; give both ends the "
                              "same num-queues, max-ports, or queues of the back end",
                              (unsigned long long) count, st->info.n_queues);
      return -1;
    }
  for (i = 0; i < count; i++)
    {
      if (get (in, 4, &size, err) != 0
          || (st->transport->get_queue == NULL && get (in, 4, &align, err) != 0)
          || get (in, 8, &desc, err) != 0 || get (in, 2, &last, err) != 0
          || (st->transport->get_queue && st->transport->get_queue (st, i, in, err) != 0))
        return -1;
      heads[i].size = (uint32_t) size;
      heads[i].desc = desc;
      heads[i].last_avail = (uint16_t) last;
    }
  return 0;
}

static int
get_all (struct loading *l, uint8_t *config, struct head *heads, struct gwt_vm_in *in,
         struct gwt_error *err)
{
  struct gwt_virtio *st = l->staged;
  struct gwt_virtio_loading known = { .struct_size = sizeof known, .config = config };

  if (st->transport->get (st, in, err) != 0 || get_status (st, in, err) != 0
      || get_config (st, config, in, err) != 0 || get_heads (st, heads, in, err) != 0)
    return -1;
  known.features = st->features;
  if (GWT_HAS (st->client, get_state)
      && st->client->get_state (l->client_staged, &known, in, err) != 0)
    return -1;
  return get_tail (l, heads, in, err);
}

static int
part_get (void *member, const struct gwt_vm_field *field, struct gwt_vm_in *in,
          struct gwt_error *err)
{
  struct gwt_virtio *st = member;
  struct loading *l = st->loading;
  uint8_t *config = malloc (st->info.config_size + 1);
  struct head *heads = calloc (st->info.n_queues, sizeof *heads);
  int status = -1;

  (void) field;
  l->staged = st;
  if (config == NULL || heads == NULL)
    virtio_host->error_set (err, GWT_E_NO_MEMORY, "no memory to load it");
  else
    status = get_all (l, config, heads, in, err);
  free (config);
  free (heads);
  return status;
}

const struct gwt_vm_custom virtio_state_custom
    = { sizeof virtio_state_custom, "virtio", part_put, part_get };

int
virtio_get_state (struct gwt_virtio *v, void *staged, struct gwt_vm_in *in, struct gwt_error *err)
{
  struct loading l = { .client_staged = staged, .last = &l.first };
  void *part;

  v->loading = &l;
  part = virtio_vmstate->get_state (in, v->transport->state, v, err);
  v->loading = NULL;
  if (part == NULL)
    return -1;
  return virtio_vmstate->commit_later (in, &v->chains, &l.first, sizeof v->chains, err);
}

/* ---- the end ----------------------------------------------------------------------------------
 */

static void
free_chains (struct gwt_virtio *v)
{
  struct loaded_chain *c;

  while ((c = v->chains) != NULL)
    {
      v->chains = c->next;
      free (c);
    }
}

void
virtio_state_loading (void *part)
{
  struct gwt_virtio *v = part;

  virtio_lock (v);
  virtio_stop (v);
  virtio_unlock (v);
}

void
virtio_state_loaded (void *part, uint32_t version)
{
  struct gwt_virtio *v = part;

  (void) version;
  virtio_lock (v);
  virtio_restart (v);
  virtio_unlock (v);
  free_chains (v);
  v->transport->interrupt_status_changed (v);
}
