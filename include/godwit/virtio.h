/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "gwt.virtio/1": virtio devices (Virtual I/O Device specification 1.2).  The virtio plugin offers
 * it: queues, feature negotiation, status, and the transports; a device plugin adds what its kind
 * of device does.
 *
 * A device comes as types that share one instance struct: NAME-device with the parent
 * GWT_VIRTIO_MMIO_PARENT, and NAME-pci with the parent GWT_VIRTIO_PCI_PARENT (which is left out
 * where the plugin of PCI functions is not installed).  Such a type declares GWT_THREADS_PARALLEL
 * and has locks of its own.  Everything about rings is checked here: indices, loops, lengths, where
 * a buffer lies.  A device sees only chains whose every byte is guest RAM; a guest that breaks the
 * rules gets DEVICE_NEEDS_RESET.
 *
 * Each queue is independent: calls for different queues never wait for one another, calls for one
 * queue are put in order here.  A device must not hold a lock of its own while it calls notify ()
 * if it takes the same lock on [main] or in one of the client's functions: on a vCPU's thread an
 * interrupt may have to wait for the machine lock.  On an [io] thread it never does.
 */
#ifndef GODWIT_VIRTIO_H
#define GODWIT_VIRTIO_H

#include <godwit/memory.h>
#include <godwit/vmstate.h>

#ifdef __cplusplus
extern "C"
{
#endif

#define GWT_VIRTIO_EXT "gwt.virtio/1"
#define GWT_VIRTIO_PCI_PARENT "virtio-pci"
#define GWT_VIRTIO_MMIO_PARENT "virtio-mmio-device"

#define GWT_VIRTIO_QUEUES_MAX 1024
#define GWT_VIRTIO_QUEUE_SIZE_MAX 1024
/* Buffers of one chain, readable and writable together. */
#define GWT_VIRTIO_BUFFERS_MAX 1024

  struct gwt_virtio; /* one device */
  struct gwt_virtq;  /* one of its queues */

  /* A chain of descriptors: first what the device reads, then what it writes.  Owned by the virtio
     plugin, lent to the device from pop () to push () or unpop (). */
  struct gwt_virtq_chain
  {
    uint64_t struct_size;
    const struct gwt_iovec *readable;
    const struct gwt_iovec *writable;
    uint32_t n_readable;
    uint32_t n_writable;
    uint64_t readable_size, writable_size; /* bytes in all */
  };

  /* What of a section is known when the device's own part of it is read. */
  struct gwt_virtio_loading
  {
    uint64_t struct_size;
    uint64_t features;    /* that the driver accepted, bits 0 to 31; 0 before */
    const uint8_t *config; /* configuration space at the sender, config_size bytes */
  };

  /* What a kind of device does; called with the instance of the device's own type.  A static table.
     All but `notified` come one at a time for a device, with a lock held that no function of
     gwt.virtio/1 needs, and perhaps with the machine lock: where that is so they must not drop it,
     and where it is not they must not call what waits for it, as irq->set () does. */
  struct gwt_virtio_client
  {
    uint64_t struct_size;
    /* [main, vcpu] Optional, with config_size 0.  Read or write SIZE bytes (1, 2 or 4), inside the
       device's configuration space; one at a time, and never beside `running`. */
    void (*config_read) (void *self, uint32_t offset, void *data, uint32_t size);
    void (*config_write) (void *self, uint32_t offset, const void *data, uint32_t size);
    /* [main, vcpu] Optional.  The driver wants FEATURES, a subset of what was offered; 0, or -1 to
       refuse: the driver sees that FEATURES_OK stays clear. */
    int (*features_accepted) (void *self, uint64_t features);
    /* [main, vcpu] Optional.  RUNNING 1: the driver set DRIVER_OK, queues are served from now on.
       0: it reset the device, gave up, or the machine or the function is reset: pop () gives
       nothing any more, push () only takes back.  It returns from 0 when no other thread is about
       to touch a chain; those that were not pushed are gone then.  It may wait for [io] threads,
       even for one that is inside pop (), push (), notify (), config_changed () or broken (), for
       none of these waits for whoever calls here; not for other vCPUs' threads inside notify ().
       Where a device is unrealized while it runs, this comes after its type's own unrealize. */
    void (*running) (void *self, uint32_t running);
    /* [main, vcpu] There may be new chains in queue INDEX: pop () until NULL, here or on a thread
       of the device's that serves this queue.  May be called for no reason, also by several vCPUs
       at once. */
    void (*notified) (void *self, struct gwt_virtq *queue, uint32_t index);
    /* [main, vcpu] Optional.  Queue INDEX alone is stopped: as `running` 0 for this queue. */
    void (*queue_reset) (void *self, uint32_t index);

    /* [main] Optional.  The device's own part of its section, in the midst of virtio's; see
       GWT_VIRTIO_STATE.  0, or -1 with ERR set. */
    int (*put_state) (void *self, struct gwt_vm_out *out, struct gwt_error *err);
    /* The same read; SELF is the staged struct. */
    int (*get_state) (void *self, const struct gwt_virtio_loading *loading, struct gwt_vm_in *in,
                      struct gwt_error *err);
    /* [main] Optional.  "VIRTIO_NET_F_MQ, mq": name of a feature bit of the device's own, and the
       property that offers it; NULL: it has none. */
    const char *(*feature_name) (uint32_t bit);
  };

  /* What a device is; a static table. */
  struct gwt_virtio_info
  {
    uint64_t struct_size;
    uint32_t device_id;   /* 1 net, 2 block, 3 console, 4 entropy, ... */
    uint32_t config_size; /* bytes of device configuration space, at most 3840 */
    uint64_t features;  /* device-specific ones offered, bits 0 to 23 and 50 to 63; those of queues
                           and transport come from properties */
    uint32_t n_queues;  /* 1 to GWT_VIRTIO_QUEUES_MAX */
    uint32_t pci_class; /* 24-bit class code behind PCI */
    uint32_t pci_vectors; /* MSI-X vectors by default, 0: one for each queue and one more */
    uint32_t reserved_1;
    const char *queues_property; /* the property that n_queues follows, for messages; or NULL */
  };

  struct gwt_virtio_api
  {
    uint64_t struct_size;
    /* [main, in realize] The virtio side of DEVICE, whose type has one of the parents above.  INFO
       is copied, CLIENT lives as long as the device.  Owned by the virtio plugin, which undoes it
       all when the device is unrealized.  NULL with ERR set. */
    struct gwt_virtio *(*setup) (struct gwt_device *device, const struct gwt_virtio_info *info,
                                 const struct gwt_virtio_client *client, struct gwt_error *err);
    /* [main, in realize] Queue INDEX with at most SIZE (power of two, 2 to
       GWT_VIRTIO_QUEUE_SIZE_MAX) entries; each must be made.  Owned as above.  NULL with ERR set.
     */
    struct gwt_virtq *(*queue) (struct gwt_virtio *virtio, uint32_t index, uint32_t size,
                                struct gwt_error *err);
    /* [any] Features that the driver accepted, with those of queues and transport; 0 before. */
    uint64_t (*features) (struct gwt_virtio *virtio);
    /* [any] Configuration space has changed: a new generation, and the driver is told. */
    void (*config_changed) (struct gwt_virtio *virtio);
    /* [any] The driver broke the rules as WHY says (for the log): DEVICE_NEEDS_RESET; no queue is
       served until it resets. */
    void (*broken) (struct gwt_virtio *virtio, const char *why);

    /* [any] Next chain, lent until push () or unpop (), or NULL where there is none now, or the
       queue is not to be served.  Several may be out at once. */
    struct gwt_virtq_chain *(*pop) (struct gwt_virtq *queue);
    /* [any] Give CHAIN back with the first WRITTEN bytes of its writable part written; the driver
       is not told before notify ().  Any order. */
    void (*push) (struct gwt_virtq *queue, struct gwt_virtq_chain *chain, uint64_t written);
    /* [any] Give CHAIN back as if it had never been popped: last out, first back. */
    void (*unpop) (struct gwt_virtq *queue, struct gwt_virtq_chain *chain);
    /* [any] Interrupt the driver if it wants to know of what was pushed. */
    void (*notify) (struct gwt_virtq *queue);
    /* [any] Ask to be (1), or not to be (0), notified of new chains; after 1 look once more with
       pop
       ().  A driver may notify nevertheless.  Queues begin with 1. */
    void (*want_notify) (struct gwt_virtq *queue, uint32_t on);
    /* [any] push () for N chains with WRITTEN bytes each, which the driver sees all at once: what
       belongs together is never found half there. */
    void (*push_all) (struct gwt_virtq *queue, struct gwt_virtq_chain *const *chains,
                      const uint64_t *written, uint32_t n);

    /* State on the wire; all [main], in a save or a load.
       All of the section's virtio part, with the device's own in it: see GWT_VIRTIO_STATE. */
    int (*put_state) (struct gwt_virtio *virtio, struct gwt_vm_out *out, struct gwt_error *err);
    int (*get_state) (struct gwt_virtio *virtio, void *staged, struct gwt_vm_in *in,
                      struct gwt_error *err);
    /* The chain of QUEUE that was popped after CHAIN (NULL: the first) and is still out; NULL at
       the end, and where nothing will be made of it any more. */
    struct gwt_virtq_chain *(*next_out) (struct gwt_virtq *queue, struct gwt_virtq_chain *chain);
    /* A chain that is out, from the client's put_state ().  Loaded, from its get_state (), it is
       out again, and pop () gives it before all others, in the order of the stream. */
    void (*put_chain) (struct gwt_virtq *queue, struct gwt_virtq_chain *chain,
                       struct gwt_vm_out *out);
    int (*get_chain) (struct gwt_virtio *virtio, uint32_t index, struct gwt_vm_in *in,
                      struct gwt_error *err);
  };

/*
 * A device's schema has one field, "virtio", and rows of GWT_VM_COMPUTED for the members that its
 * own part sets; what is left goes into subsections.  This defines the field's code, NAME, of a
 * struct T whose member m is its struct gwt_virtio *; API is the plugin's pointer to the table:
 *
 *   GWT_VIRTIO_STATE (disk_virtio, disk_api)
 *   static const struct gwt_vm_field state_fields[]
 *       = { GWT_VIRTIO_FIELD (struct disk, virtio, disk_virtio), ... };
 *
 * When the section is committed the rings are mapped again, but the client hears of `running` only
 * when the machine runs, followed by `notified` for each queue: what the driver has made available
 * meanwhile is served then.
 */
#define GWT_VIRTIO_STATE(NAME, API)                                                                \
  static int NAME##_put (const void *member, const struct gwt_vm_field *field,                     \
                         struct gwt_vm_out *out, struct gwt_error *err)                            \
  {                                                                                                \
    (void) field;                                                                                  \
    return (API)->put_state (*(struct gwt_virtio *const *) member, out, err);                      \
  }                                                                                                \
  static int NAME##_get (void *member, const struct gwt_vm_field *field, struct gwt_vm_in *in,     \
                         struct gwt_error *err)                                                    \
  {                                                                                                \
    return (API)->get_state (*(struct gwt_virtio **) member, (char *) member - field->offset, in,  \
                             err);                                                                 \
  }                                                                                                \
  static const struct gwt_vm_custom NAME = { sizeof (struct gwt_vm_custom), "virtio", NAME##_put,  \
                                             NAME##_get };
#define GWT_VIRTIO_FIELD(T, m, NAME)                                                               \
  { .name = "virtio", .form = GWT_VM_CUSTOM, .offset = offsetof (T, m), .elems = 1,                \
    .custom = &(NAME) }

#ifdef __cplusplus
}
#endif

#endif
