/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Behind everything in a section: the subsections of "virtio", in QEMU's order and layout, and two
 * of ours.  It must not know what of it is right.
 */
#include "state.h"

#include <string.h>

#define LITTLE_ENDIAN_DEVICE 1u

#define T struct tail
static const struct gwt_vm_field rings_fields[] = {
  GWT_VM_VALUE_NAMED (struct saved_rings, driver, "avail"),
  GWT_VM_VALUE_NAMED (struct saved_rings, device, "used"),
};
static const struct gwt_vmstate rings_state
    = GWT_VMSTATE (struct saved_rings, "ringsize_state", 1, 1, rings_fields);
static const struct gwt_vm_field packed_fields[] = {
  GWT_VM_VALUE_NAMED (struct saved_packed, last_avail, "last_avail_idx"),
  GWT_VM_VALUE_NAMED (struct saved_packed, avail_wrap, "last_avail_wrap_counter"),
  GWT_VM_VALUE (struct saved_packed, used_idx),
  GWT_VM_VALUE_NAMED (struct saved_packed, used_wrap, "used_wrap_counter"),
  GWT_VM_VALUE_NAMED (struct saved_packed, in_use, "inuse"),
};
static const struct gwt_vmstate packed_state
    = GWT_VMSTATE (struct saved_packed, "packed_virtqueue_state", 1, 1, packed_fields);
static const struct gwt_vm_field notify_fields[] = {
  GWT_VM_VALUE (struct saved_notify, used_since),
  GWT_VM_VALUE (struct saved_notify, no_notify),
};
static const struct gwt_vmstate notify_state
    = GWT_VMSTATE (struct saved_notify, "notify_state", 1, 1, notify_fields);
static const struct gwt_vm_field pci_queue_fields[] = {
  GWT_VM_VALUE (struct saved_queue, num),    GWT_VM_VALUE (struct saved_queue, unused),
  GWT_VM_VALUE (struct saved_queue, enabled), GWT_VM_ARRAY (struct saved_queue, desc),
  GWT_VM_ARRAY (struct saved_queue, driver), GWT_VM_ARRAY (struct saved_queue, device),
};
static const struct gwt_vmstate pci_queue_state
    = GWT_VMSTATE (struct saved_queue, "modern_queue_state", 1, 1, pci_queue_fields);
static const struct gwt_vm_field mmio_queue_fields[] = {
  GWT_VM_VALUE (struct saved_queue, num),    GWT_VM_VALUE (struct saved_queue, enabled),
  GWT_VM_ARRAY (struct saved_queue, desc),   GWT_VM_ARRAY (struct saved_queue, driver),
  GWT_VM_ARRAY (struct saved_queue, device),
};
static const struct gwt_vmstate mmio_queue_state
    = GWT_VMSTATE (struct saved_queue, "queue_state", 1, 1, mmio_queue_fields);

static uint32_t
never (const void *self)
{
  (void) self;
  return 0;
}

static uint32_t
is_broken (const void *self)
{
  return ((const T *) self)->broken;
}

static uint32_t
is_started (const void *self)
{
  return ((const T *) self)->started;
}

static uint32_t
is_packed (const void *self)
{
  return ((const T *) self)->v->packed;
}

static uint32_t
has_generation (const void *self)
{
  return ((const T *) self)->generation != 0;
}

/* Queues that are smaller than they could be. */
static uint32_t
has_sizes (const void *self)
{
  const T *t = self;
  uint32_t i;

  for (i = 0; i < t->v->info.n_queues; i++)
    if (t->v->state[i].ready && t->v->state[i].num != t->sizes[i])
      return 1;
  return 0;
}

static uint32_t
has_notify (const void *self)
{
  const T *t = self;
  uint32_t i;

  for (i = 0; i < t->v->info.n_queues; i++)
    if (t->notify[i].used_since || t->notify[i].no_notify)
      return 1;
  return 0;
}

#define SEEN(NAME, BIT)                                                                            \
  static int NAME (void *self, uint32_t version, struct gwt_error *err)                            \
  {                                                                                                \
    (void) version;                                                                                \
    (void) err;                                                                                    \
    ((T *) self)->seen |= BIT;                                                                     \
    return 0;                                                                                      \
  }
SEEN (saw_features, SEEN_FEATURES)
SEEN (saw_rings, SEEN_RINGS)
SEEN (saw_sizes, SEEN_SIZES)
SEEN (saw_extra, SEEN_EXTRA)
SEEN (saw_packed, SEEN_PACKED)
#undef SEEN

/* Big-endian devices are those of legacy drivers. */
static const struct gwt_vm_field endian_fields[]
    = { GWT_VM_VALUE_NAMED (T, endian, "device_endian", .min = LITTLE_ENDIAN_DEVICE,
                            .max = LITTLE_ENDIAN_DEVICE) };
static const struct gwt_vmstate endian_sub
    = GWT_VMSTATE (T, "virtio/device_endian", 1, 1, endian_fields, .needed = never);
static const struct gwt_vm_field features_fields[]
    = { GWT_VM_VALUE_NAMED (T, features, "guest_features") };
static const struct gwt_vmstate features_sub
    = GWT_VMSTATE (T, "virtio/64bit_features", 1, 1, features_fields, .post_load = saw_features);
static const struct gwt_vm_field virtqueues_fields[]
    = { GWT_VM_NESTED_ARRAY (T, rings, struct saved_rings, &rings_state) };
static const struct gwt_vmstate virtqueues_sub
    = GWT_VMSTATE (T, "virtio/virtqueues", 1, 1, virtqueues_fields, .post_load = saw_rings);
static const struct gwt_vm_field sizes_fields[] = { GWT_VM_ARRAY (T, sizes) };
static const struct gwt_vmstate sizes_sub = GWT_VMSTATE (
    T, "virtio/ringsize", 1, 1, sizes_fields, .needed = has_sizes, .post_load = saw_sizes);
static const struct gwt_vm_field broken_fields[] = { GWT_VM_VALUE (T, broken) };
static const struct gwt_vmstate broken_sub
    = GWT_VMSTATE (T, "virtio/broken", 1, 1, broken_fields, .needed = is_broken);
static const struct gwt_vm_field started_fields[] = { GWT_VM_VALUE (T, started) };
static const struct gwt_vmstate started_sub
    = GWT_VMSTATE (T, "virtio/started", 1, 1, started_fields, .needed = is_started);
static const struct gwt_vm_field packed_sub_fields[]
    = { GWT_VM_NESTED_ARRAY (T, packed, struct saved_packed, &packed_state) };
static const struct gwt_vmstate packed_sub
    = GWT_VMSTATE (T, "virtio/packed_virtqueues", 1, 1, packed_sub_fields, .needed = is_packed,
                   .post_load = saw_packed);
static const struct gwt_vm_field disabled_fields[] = { GWT_VM_VALUE (T, disabled) };
static const struct gwt_vmstate disabled_sub
    = GWT_VMSTATE (T, "virtio/disabled", 1, 1, disabled_fields, .needed = never);
/* Ours. */
static const struct gwt_vm_field generation_fields[] = { GWT_VM_VALUE (T, generation) };
static const struct gwt_vmstate generation_sub
    = GWT_VMSTATE (T, "virtio/generation", 1, 1, generation_fields, .needed = has_generation);
static const struct gwt_vm_field notify_sub_fields[]
    = { GWT_VM_NESTED_ARRAY (T, notify, struct saved_notify, &notify_state) };
static const struct gwt_vmstate notify_sub
    = GWT_VMSTATE (T, "virtio/notifications", 1, 1, notify_sub_fields, .needed = has_notify);

/* The transport's: a struct without fields that has one subsection. */
static const struct gwt_vm_field modern_fields[] = {
  GWT_VM_VALUE_NAMED (T, device_sel, "dfselect"),
  GWT_VM_VALUE_NAMED (T, driver_sel, "gfselect"),
  GWT_VM_ARRAY (T, driver_features),
  GWT_VM_NESTED_ARRAY (T, queues, struct saved_queue, &pci_queue_state),
};
static const struct gwt_vmstate modern_sub
    = GWT_VMSTATE (T, "virtio_pci/modern_state", 1, 1, modern_fields, .post_load = saw_extra);
static const struct gwt_vmstate *const pci_subs[] = { &modern_sub, NULL };
static const struct gwt_vmstate pci_extra
    = { .struct_size = sizeof pci_extra, .name = "virtio_pci", .version = 1, .minimum = 1,
        .size = sizeof (T), .subsections = pci_subs };
static const struct gwt_vm_field mmio_fields[] = {
  GWT_VM_ARRAY (T, driver_features),
  GWT_VM_NESTED_ARRAY (T, queues, struct saved_queue, &mmio_queue_state),
};
static const struct gwt_vmstate mmio_sub
    = GWT_VMSTATE (T, "virtio_mmio/state", 1, 1, mmio_fields, .post_load = saw_extra);
static const struct gwt_vmstate *const mmio_subs[] = { &mmio_sub, NULL };
static const struct gwt_vmstate mmio_extra
    = { .struct_size = sizeof mmio_extra, .name = "virtio_mmio", .version = 1, .minimum = 1,
        .size = sizeof (T), .subsections = mmio_subs };

static uint32_t
is_pci (const void *self, uint32_t version)
{
  (void) version;
  return ((const T *) self)->v->transport->put_queue != NULL;
}

static uint32_t
is_mmio (const void *self, uint32_t version)
{
  return !is_pci (self, version);
}

static const struct gwt_vm_field extra_fields[] = {
  { .name = "extra_state", .form = GWT_VM_STRUCT, .size = sizeof (T), .elems = 1,
    .schema = &pci_extra, .exists = is_pci },
  { .name = "extra_state", .form = GWT_VM_STRUCT, .size = sizeof (T), .elems = 1,
    .schema = &mmio_extra, .exists = is_mmio },
};
static const struct gwt_vmstate extra_sub
    = GWT_VMSTATE (T, "virtio/extra_state", 1, 1, extra_fields);

static const struct gwt_vmstate *const tail_subs[]
    = { &endian_sub, &features_sub, &virtqueues_sub, &sizes_sub, &broken_sub, &extra_sub,
        &started_sub, &packed_sub, &disabled_sub, &generation_sub, &notify_sub, NULL };
static const struct gwt_vmstate tail_state
    = { .struct_size = sizeof tail_state, .name = "virtio", .version = 1, .minimum = 1,
        .size = sizeof (T), .subsections = tail_subs };
#undef T

/* [main] The codec's way between this and the wire; nothing is kept in it. */
static struct tail scratch;

/* ---- writing and reading ----------------------------------------------------------------------
 */

static void
split_address (uint64_t address, uint32_t *halves)
{
  halves[0] = (uint32_t) address;
  halves[1] = (uint32_t) (address >> 32);
}

static void
fill_queue (struct tail *t, const struct gwt_virtq *q)
{
  const struct virtq_state *s = q->s;
  uint32_t i = q->index;

  t->sizes[i] = q->size_max;
  if (s->ready)
    {
      t->rings[i].driver = s->driver;
      t->rings[i].device = s->device;
    }
  t->packed[i].last_avail = s->last_avail;
  t->packed[i].avail_wrap = s->avail_wrap != 0;
  t->packed[i].used_idx = s->used_idx;
  t->packed[i].used_wrap = s->used_wrap != 0;
  t->packed[i].in_use = virtio_is_served (q->virtio) && q->running ? q->in_use : 0;
  t->notify[i].used_since = s->used_since;
  t->notify[i].no_notify = s->no_notify != 0;
  t->queues[i].num = s->num;
  t->queues[i].enabled = s->ready != 0;
  split_address (s->desc, t->queues[i].desc);
  split_address (s->driver, t->queues[i].driver);
  split_address (s->device, t->queues[i].device);
}

int
virtio_put_tail (struct gwt_virtio *v, struct gwt_vm_out *out, struct gwt_error *err)
{
  struct tail *t = &scratch;
  uint32_t i, queue_sel;

  memset (t, 0, sizeof *t);
  t->v = v;
  t->broken = (virtio_status (v) & STATUS_NEEDS_RESET) != 0;
  t->started = (virtio_status (v) & (STATUS_DRIVER_OK | STATUS_FAILED)) == STATUS_DRIVER_OK;
  t->features = v->features;
  t->generation = v->generation;
  v->transport->get_selectors (v, &t->device_sel, &t->driver_sel, &queue_sel);
  split_address (v->driver_features, t->driver_features);
  for (i = 0; i < QUEUES; i++)
    t->packed[i].avail_wrap = t->packed[i].used_wrap = 1;
  for (i = 0; i < v->info.n_queues; i++)
    fill_queue (t, &v->queues[i]);
  return virtio_vmstate->put_state (out, &tail_state, t, err);
}

const struct tail *
virtio_get_tail (struct gwt_virtio *st, struct gwt_vm_in *in, struct gwt_error *err)
{
  const struct tail *t;
  uint32_t wanted = SEEN_FEATURES | SEEN_RINGS | SEEN_EXTRA | (st->packed ? SEEN_PACKED : 0);

  memset (&scratch, 0, sizeof scratch);
  scratch.v = st;
  t = virtio_vmstate->get_state (in, &tail_state, &scratch, err);
  if (t == NULL || (t->seen & wanted) == wanted)
    return t;
  virtio_host->error_set (err, GWT_E_INVALID, "one of its subsections is missing: '%s'",
                          !(t->seen & SEEN_FEATURES) ? features_sub.name
                          : !(t->seen & SEEN_RINGS)  ? virtqueues_sub.name
                          : !(t->seen & SEEN_EXTRA)  ? extra_sub.name
                                                     : packed_sub.name);
  return NULL;
}
