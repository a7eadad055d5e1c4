/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this plugin share: a device's virtio side, its queues, and the table through
 * which a transport is reached.  It must not know what any kind of device does, and nothing in it
 * but struct virtio_transport may know which transport there is.
 *
 * Locks, outermost first: a device's `lock` (status, features, queue registers, configuration
 * space), then one queue's `lock`; `isr_lock` is behind everything.  An interrupt may have to wait
 * for the machine lock, so none is sent while one of the first two is held: under the device's lock
 * it is put off to virtio_unlock ().  But the interrupt status is set before: under its queue's
 * lock, or with a look at the device's status under `isr_lock`.  So a reset, which stops the queues
 * and then clears both, leaves no interrupt behind, whoever is about to send one.
 */
#ifndef PLUGINS_VIRTIO_VIRTIO_H
#define PLUGINS_VIRTIO_VIRTIO_H

#include <godwit/godwit.h>

#include <pthread.h>

/* Device status, virtio 1.2 §2.1. */
#define STATUS_ACKNOWLEDGE 0x01u
#define STATUS_DRIVER 0x02u
#define STATUS_DRIVER_OK 0x04u
#define STATUS_FEATURES_OK 0x08u
#define STATUS_NEEDS_RESET 0x40u
#define STATUS_FAILED 0x80u

/* Feature bits of queues and transport, §6. */
#define FEATURE(bit) (UINT64_C (1) << (bit))
#define FEATURE_INDIRECT_DESC FEATURE (28)
#define FEATURE_EVENT_IDX FEATURE (29)
#define FEATURE_VERSION_1 FEATURE (32)
#define FEATURE_RING_PACKED FEATURE (34)
#define FEATURE_IN_ORDER FEATURE (35)
#define FEATURE_RING_RESET FEATURE (40)
/* Bits 24 to 49 are not a device's own (bits 41 to 49 are reserved). */
#define FEATURES_RING_AND_TRANSPORT ((FEATURE (50) - 1) & ~(FEATURE (24) - 1))

/* Interrupt status, the same bits in both transports. */
#define ISR_QUEUE 0x1u
#define ISR_CONFIG 0x2u

/* Descriptors, §2.7.5 and §2.8. */
#define DESC_NEXT 0x1u
#define DESC_WRITE 0x2u
#define DESC_INDIRECT 0x4u
#define DESC_AVAIL 0x80u
#define DESC_USED 0x8000u

struct virtq_desc
{
  uint64_t address;
  uint32_t size;
  uint16_t a; /* split: flags; packed: id */
  uint16_t b; /* split: next; packed: flags */
};

/* A queue's state as a guest made it; all of it is saved. */
struct virtq_state
{
  uint64_t desc, driver, device; /* addresses of the three areas */
  uint16_t num;
  uint16_t ready;
  uint16_t last_avail; /* split: index that counts on; packed: place in the ring */
  uint16_t avail_wrap; /* packed: the counters of §2.8.1 */
  uint16_t used_idx;
  uint16_t used_wrap;
  uint16_t used_since; /* used descriptors since the driver was last considered for an interrupt */
  uint16_t no_notify;  /* the device does not want notifications */
  uint8_t pad[24];     /* a cache line for each queue, they are served in parallel */
};

struct chain
{
  struct gwt_virtq_chain pub; /* first: the device gives back its address */
  struct chain *prev, *next;  /* in order of pop (); spare ones by next alone */
  struct gwt_iovec *iov;
  uint64_t *address; /* of each iov, for dma_unmap */
  uint32_t n_iov, room;
  uint64_t written;
  uint16_t id;
  uint16_t slots; /* places in the descriptor ring; split: 1 */
  uint16_t done;  /* pushed, but waits for an older one: IN_ORDER */
  uint8_t loaded;  /* came out of a stream: last_avail is past it already */
  uint8_t waiting; /* and the device has not popped it yet */
};

/* One of the three areas while the queue runs. */
struct area
{
  uint64_t address, size;
  uint8_t *host;
};

/* The host's side of a queue. */
struct gwt_virtq
{
  pthread_mutex_t lock;
  struct gwt_virtio *virtio;
  struct virtq_state *s;
  uint32_t index;
  uint32_t size_max; /* 0: not made */
  uint32_t running;  /* written under lock, read anywhere */
  uint32_t packed, event_idx, indirect, in_order;
  struct area desc, driver, device;
  uint32_t event_at; /* last value given to the driver for notifications, EVENT_NONE: none */
  uint16_t shadow;   /* split: the driver's index as last read */
  uint16_t first_flags; /* packed: of the first descriptor used, while it is not published */
  uint64_t first_at;
  uint32_t unpublished;
  uint32_t in_use;            /* split: chains, packed: descriptors, between pop and use */
  struct chain *first, *last; /* those that are out */
  uint32_t n_waiting;         /* of these, for pop () */
  struct chain *spare;
};

#define EVENT_NONE UINT32_MAX

/* A chain that was read, until the queue's rings are mapped. */
struct loaded_chain
{
  struct loaded_chain *next;
  uint32_t queue;
  uint32_t n_readable, n; /* buffers */
  uint32_t id, slots;
  struct
  {
    uint64_t address, size;
  } buffers[];
};

/* Registers of the queues as both transports save them. */
struct saved_queue
{
  uint16_t num;
  uint8_t unused;
  _Bool enabled;
  uint32_t desc[2], driver[2], device[2]; /* low, high */
};

/* While a section is read: the staged device, and what no member of it is for. */
struct loading
{
  struct gwt_virtio *staged;
  void *client_staged;
  struct loaded_chain *first, **last;
};

struct gwt_vm_in;
struct gwt_vm_out;

/* What a transport does for the rest. */
struct virtio_transport
{
  /* In the device's setup (): `info` is known, no queue is made yet.  Optional. */
  int (*setup) (struct gwt_virtio *virtio, struct gwt_error *err);
  /* [lock] The driver has reset the device, or one queue.  Optional. */
  void (*reset) (struct gwt_virtio *virtio);
  void (*queue_reset) (struct gwt_virtio *virtio, uint32_t index);

  /* Whether interrupts show in the interrupt status now.  Optional. */
  uint32_t (*uses_isr) (struct gwt_virtio *virtio);
  /* Tell the driver, the interrupt status is set already; called with no lock of this plugin held,
     on any thread, perhaps when the device has been reset meanwhile. */
  void (*queue_interrupt) (struct gwt_virtio *virtio, uint32_t index);
  void (*config_interrupt) (struct gwt_virtio *virtio);
  /* The interrupt status was read or acknowledged, or the device was reset. */
  void (*interrupt_status_changed) (struct gwt_virtio *virtio);

  /* As in gwt.memory/1, on any thread. */
  void *(*dma_map) (struct gwt_virtio *virtio, uint64_t address, uint64_t *size,
                    uint32_t to_write);
  void (*dma_unmap) (struct gwt_virtio *virtio, uint64_t address, uint64_t size, uint64_t written);

  /* State; V of get () and of set functions is the staged one, whose part begins with it.  The
     part's schema, which begins with its virtio side. */
  const struct gwt_vmstate *state;
  int (*put) (struct gwt_virtio *v, struct gwt_vm_out *out, struct gwt_error *err);
  int (*get) (struct gwt_virtio *v, struct gwt_vm_in *in, struct gwt_error *err);
  void (*put_queue) (struct gwt_virtio *v, uint32_t index, struct gwt_vm_out *out);
  int (*get_queue) (struct gwt_virtio *v, uint32_t index, struct gwt_vm_in *in,
                    struct gwt_error *err);
  /* Selectors: of the words of features, the device's and the driver's, and of queues. */
  void (*get_selectors) (struct gwt_virtio *v, uint32_t *device, uint32_t *driver, uint32_t *queue);
  void (*set_selectors) (struct gwt_virtio *v, uint32_t device, uint32_t driver, uint32_t queue);
};

/* One device's virtio side: a member of the instance struct of each transport's parent type, which
   has VIRTIO_ROWS in its table. */
struct gwt_virtio
{
  _Bool event_idx, indirect_desc, packed, in_order, ring_reset; /* properties */
  uint8_t warned;
  uint8_t pad[2];
  uint32_t running;        /* DRIVER_OK was acted on and not undone */
  uint32_t client_running; /* the client was told so */

  uint32_t status;
  uint32_t isr;
  uint32_t generation;
  uint32_t awaits; /* loaded, and the client is to hear of `running` yet */
  uint64_t driver_features; /* as written */
  uint64_t features;        /* accepted, 0 before FEATURES_OK */
  struct virtq_state state[GWT_VIRTIO_QUEUES_MAX];

  const struct virtio_transport *transport;
  struct gwt_device *device;
  struct gwt_virtio_info info; /* n_queues 0: not set up */
  const struct gwt_virtio_client *client;
  void *self;               /* the client's instance */
  struct gwt_virtq *queues; /* n_queues of them */
  struct gwt_timer *broken_timer;
  struct gwt_timer *go_timer;   /* after a load, when the machine runs */
  struct loaded_chain *chains;  /* between commit and `loaded` */
  struct loading *loading;      /* while a section is read */
  pthread_mutex_t lock;
  pthread_mutex_t isr_lock;
  uint32_t put_off_config; /* interrupts that wait for virtio_unlock () */
  uint32_t put_off_any;
  uint32_t put_off[GWT_VIRTIO_QUEUES_MAX / 32];
};

/* facts.c: what it offers, eight bytes; the largest size of each queue, two bytes each, both with
   the low byte first. */
#define VIRTIO_FEATURES_FACT "virtio-features"
#define VIRTIO_QUEUES_FACT "virtio-queues"

#define VIRTIO_ROWS(T, v)                                                                          \
  GWT_PROP_ROW (T, v.event_idx, "event-idx", .facts = VIRTIO_FEATURES_FACT, .def = 1,              \
                .doc = "offer VIRTIO_F_EVENT_IDX: fewer notifications and interrupts"),            \
      GWT_PROP_ROW (T, v.indirect_desc, "indirect-desc", .facts = VIRTIO_FEATURES_FACT, .def = 1,  \
                    .doc = "offer VIRTIO_F_INDIRECT_DESC: tables of descriptors"),                 \
      GWT_PROP_ROW (T, v.packed, "packed", .facts = VIRTIO_FEATURES_FACT,                          \
                    .doc = "offer VIRTIO_F_RING_PACKED: packed queues"),                           \
      GWT_PROP_ROW (T, v.in_order, "in-order", .facts = VIRTIO_FEATURES_FACT,                      \
                    .doc = "offer VIRTIO_F_IN_ORDER: buffers are used in the order given"),        \
      GWT_PROP_ROW (T, v.ring_reset, "ring-reset", .facts = VIRTIO_FEATURES_FACT, .def = 1,        \
                    .doc = "offer VIRTIO_F_RING_RESET: one queue can be reset alone"),             \
      GWT_HOST_ROW (T, v.warned, "whether the log has a line about the guest already"),            \
      GWT_HOST_ROW (T, v.pad, "padding"), GWT_HOST_ROW (T, v.running, "follows from status"),      \
      GWT_HOST_ROW (T, v.client_running, "follows from status"),                                   \
      GWT_STATE_ROW (T, v.status, "status", .doc = "device status", .flags = GWT_FIELD_HEX),       \
      GWT_STATE_ROW (T, v.isr, "isr", .doc = "interrupt status", .flags = GWT_FIELD_HEX),          \
      GWT_STATE_ROW (T, v.generation, "generation", .doc = "configuration generation"),            \
      GWT_HOST_ROW (T, v.awaits, "of a load"),                                                     \
      GWT_STATE_ROW (T, v.driver_features, "driver-features",                                      \
                     .doc = "feature bits as the driver wrote them", .flags = GWT_FIELD_HEX),      \
      GWT_STATE_ROW (T, v.features, "features", .doc = "feature bits agreed on",                   \
                     .flags = GWT_FIELD_HEX),                                                      \
      GWT_STATE_ARRAY (T, v.state, "queues",                                                       \
                       .doc = "addresses, size, indices and wrap counters of each queue"),         \
      GWT_HOST_ROW (T, v.transport, "table of code"),                                              \
      GWT_HOST_ROW (T, v.device, "handle of the host"),                                            \
      GWT_HOST_ROW (T, v.info, "what the device's own type says in realize"),                      \
      GWT_HOST_ROW (T, v.client, "table of code"),                                                 \
      GWT_HOST_ROW (T, v.self, "the device's own instance"),                                       \
      GWT_HOST_ROW (T, v.queues, "mapped rings and chains that are out; rebuilt from `queues`"),   \
      GWT_HOST_ROW (T, v.broken_timer, "only a way to [main]: isr and status say it all"),         \
      GWT_HOST_ROW (T, v.go_timer, "armed by a load"),                                             \
      GWT_HOST_ROW (T, v.chains, "only while state is loaded"),                                    \
      GWT_HOST_ROW (T, v.loading, "only while state is loaded"), GWT_HOST_ROW (T, v.lock, "lock"), \
      GWT_HOST_ROW (T, v.isr_lock, "lock"),                                                        \
      GWT_HOST_ROW (T, v.put_off_config, "only while a lock is held"),                             \
      GWT_HOST_ROW (T, v.put_off_any, "only while a lock is held"),                                \
      GWT_HOST_ROW (T, v.put_off, "only while a lock is held")

/* Rows of the schema of a part T that begins with its virtio side; SENT is the code of it all. */
#define VIRTIO_STATE_FIELDS(T, v, SENT)                                                            \
  { .name = "virtio", .form = GWT_VM_CUSTOM, .elems = 1, .custom = &(SENT) },                      \
      GWT_VM_COMPUTED (T, v.status), GWT_VM_COMPUTED (T, v.isr), GWT_VM_COMPUTED (T, v.generation),\
      GWT_VM_COMPUTED (T, v.driver_features), GWT_VM_COMPUTED (T, v.features),                     \
      GWT_VM_COMPUTED (T, v.state)

extern const struct gwt_host *virtio_host;
extern const struct gwt_device_api *virtio_devices;
extern const struct gwt_memory_api *virtio_memory;
extern const struct gwt_irq_api *virtio_irq;
extern const struct gwt_clock_api *virtio_clock;
extern const struct gwt_fdt_api *virtio_fdt;
extern const struct gwt_vmstate_api *virtio_vmstate;
extern const struct gwt_pci_api *virtio_pci; /* NULL without the pcie plugin */
extern const struct gwt_virtio_api virtio_api;
extern const struct gwt_device_type virtio_slot_type, virtio_mmio_device_type, virtio_pci_type;

/* device.c: for transports.  Those marked [lock] want virtio_lock () around them. */
void virtio_part_init (struct gwt_virtio *v, struct gwt_device *device,
                       const struct virtio_transport *transport);
int virtio_part_complete (struct gwt_virtio *v, struct gwt_error *err);
void virtio_part_free (struct gwt_virtio *v);
void virtio_lock (struct gwt_virtio *v);
void virtio_unlock (struct gwt_virtio *v);
uint32_t virtio_status (struct gwt_virtio *v);
void virtio_set_status (struct gwt_virtio *v, uint32_t value); /* [lock] */
void virtio_reset (struct gwt_virtio *v);                      /* [lock] */
/* The device can no longer reach memory: needs a reset, and every chain is taken back.  Nothing
   where it does not run. */
void virtio_cut_off (struct gwt_virtio *v, const char *why); /* [lock] */
uint64_t virtio_offered (struct gwt_virtio *v);
/* facts.c, for the transports' types */
void virtio_tell (struct gwt_virtio *v, const struct gwt_facts_api *api, struct gwt_facts *facts);
void virtio_set_driver_features (struct gwt_virtio *v, uint32_t word, uint32_t value); /* [lock] */
/* NULL where there is no such queue. */
struct gwt_virtq *virtio_queue_at (struct gwt_virtio *v, uint32_t index);
/* A queue that the driver may set up now, or NULL and a line in the log. */
struct virtq_state *virtio_queue_setup (struct gwt_virtio *v, uint32_t index);      /* [lock] */
void virtio_queue_set_ready (struct gwt_virtio *v, uint32_t index, uint32_t ready); /* [lock] */
void virtio_queue_reset (struct gwt_virtio *v, uint32_t index);                     /* [lock] */
void virtio_notified (struct gwt_virtio *v, uint32_t index);
void virtio_config_read (struct gwt_virtio *v, uint64_t offset, uint32_t size,
                         uint64_t *value); /* [lock] */
void virtio_config_write (struct gwt_virtio *v, uint64_t offset, uint32_t size,
                          uint64_t value); /* [lock] */
uint32_t virtio_isr (struct gwt_virtio *v);
void virtio_isr_raise (struct gwt_virtio *v, uint32_t bits);
uint32_t virtio_isr_take (struct gwt_virtio *v); /* all of it, which clears it */
void virtio_isr_acknowledge (struct gwt_virtio *v, uint32_t bits);
/* One line a device for all that its guest does wrong. */
void virtio_guest_error (struct gwt_virtio *v, const char *what, uint64_t value);
void virtio_broken (struct gwt_virtio *v, const char *why);
void virtio_queue_interrupt (struct gwt_virtio *v, uint32_t index);

/* device.c, for state.c: [lock] what was committed begins to work, but for the client. */
void virtio_stop (struct gwt_virtio *v);    /* [lock] */
void virtio_restart (struct gwt_virtio *v); /* [lock] */
uint32_t virtio_is_served (struct gwt_virtio *v);

/* state.c */
extern const struct gwt_vm_custom virtio_state_custom; /* of a part */
void virtio_state_loading (void *part);
void virtio_state_loaded (void *part, uint32_t version);
int virtio_put_state (struct gwt_virtio *v, struct gwt_vm_out *out, struct gwt_error *err);
int virtio_get_state (struct gwt_virtio *v, void *staged, struct gwt_vm_in *in,
                      struct gwt_error *err);
void virtio_put_chain (struct gwt_virtq *q, struct gwt_virtq_chain *chain, struct gwt_vm_out *out);
int virtio_get_chain (struct gwt_virtio *v, uint32_t index, struct gwt_vm_in *in,
                      struct gwt_error *err);

/* queue.c */
/* NULL, or what is wrong with it.  FRESH 0: its rings are as the sender of its state left them. */
const char *virtq_start (struct gwt_virtq *q, uint32_t fresh);
void virtq_stop (struct gwt_virtq *q);         /* pop () gives nothing any more */
void virtq_clear (struct gwt_virtq *q);        /* stopped: forget rings and chains */
void virtq_reset_state (struct gwt_virtq *q);
void virtq_free (struct gwt_virtq *q);
struct gwt_virtq_chain *virtq_pop (struct gwt_virtq *q);
void virtq_push (struct gwt_virtq *q, struct gwt_virtq_chain *chain, uint64_t written);
void virtq_push_all (struct gwt_virtq *q, struct gwt_virtq_chain *const *chains,
                     const uint64_t *written, uint32_t n);
void virtq_unpop (struct gwt_virtq *q, struct gwt_virtq_chain *chain);
void virtq_notify (struct gwt_virtq *q);
void virtq_want_notify (struct gwt_virtq *q, uint32_t on);
struct gwt_virtq_chain *virtq_next_out (struct gwt_virtq *q, struct gwt_virtq_chain *chain);
/* Out again as it was at the sender; a text where that cannot be. */
const char *virtq_restore (struct gwt_virtq *q, const struct loaded_chain *from);

/* queue.c, for split.c and packed.c; all under the queue's lock.  A text says what the driver did
   wrong. */
const char *chain_add (struct gwt_virtq *q, struct chain *c, uint64_t address, uint32_t size,
                       uint32_t writable);
const char *area_map (struct gwt_virtq *q, struct area *area, uint64_t address, uint64_t size,
                      uint32_t writable);
void area_unmap (struct gwt_virtq *q, struct area *area);
/* The device has stored SIZE bytes at OFFSET. */
void area_written (struct gwt_virtq *q, const struct area *area, uint64_t offset, uint64_t size);
const char *indirect_map (struct gwt_virtq *q, struct area *table, uint64_t address, uint32_t size,
                          uint32_t flags);

const char *split_map (struct gwt_virtq *q);
const char *split_pop (struct gwt_virtq *q, struct chain *c, uint32_t *found);
/* Used, but not to be seen before split_publish (). */
void split_use (struct gwt_virtq *q, const struct chain *c);
void split_publish (struct gwt_virtq *q);
uint32_t split_wants_interrupt (struct gwt_virtq *q);
void split_want_notify (struct gwt_virtq *q);

const char *packed_map (struct gwt_virtq *q);
const char *packed_pop (struct gwt_virtq *q, struct chain *c, uint32_t *found);
void packed_use (struct gwt_virtq *q, const struct chain *c);
void packed_publish (struct gwt_virtq *q);
void packed_unpop (struct gwt_virtq *q, const struct chain *c);
uint32_t packed_wants_interrupt (struct gwt_virtq *q);
void packed_want_notify (struct gwt_virtq *q);

/* Has NEW passed EVENT since OLD?  Indices that count on modulo 2^16, §2.7.7.2. */
static inline uint32_t
event_passed (uint16_t event, uint16_t now, uint16_t old)
{
  return (uint16_t) (now - event - 1) < (uint16_t) (now - old);
}

/* Rings are little-endian and naturally aligned; virtq_start () has seen to it.  Another CPU writes
   them at any time: each value is loaded once. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LE16(x) __builtin_bswap16 (x)
#define LE32(x) __builtin_bswap32 (x)
#define LE64(x) __builtin_bswap64 (x)
#else
#define LE16(x) (x)
#define LE32(x) (x)
#define LE64(x) (x)
#endif

static inline uint16_t
ring_load16 (const struct area *area, uint64_t offset, int order)
{
  return LE16 (__atomic_load_n ((const uint16_t *) (const void *) (area->host + offset), order));
}

static inline void
ring_store16 (const struct area *area, uint64_t offset, uint16_t value, int order)
{
  __atomic_store_n ((uint16_t *) (void *) (area->host + offset), LE16 (value), order);
}

static inline void
ring_store32 (const struct area *area, uint64_t offset, uint32_t value)
{
  __atomic_store_n ((uint32_t *) (void *) (area->host + offset), LE32 (value), __ATOMIC_RELAXED);
}

#endif
