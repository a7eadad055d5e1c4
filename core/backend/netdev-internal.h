/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the network back ends: nothing outside core/backend/netdev*.c includes this.
 *
 * A queue pair has a thread, which waits for its file descriptors and for kicks, and a lock, which
 * is held during all calls into the device but flush and into the kind of back end but prepare.
 */
#ifndef CORE_BACKEND_NETDEV_INTERNAL_H
#define CORE_BACKEND_NETDEV_INTERNAL_H

#include <poll.h>
#include <sys/uio.h>
#include "core/backend/netdev.h"

#define NET_HEADER sizeof (struct gwt_net_header)
#define NET_OFFLOADS_TCP                                                                           \
  (GWT_NET_OFFLOAD_CSUM | GWT_NET_OFFLOAD_TSO4 | GWT_NET_OFFLOAD_TSO6 | GWT_NET_OFFLOAD_ECN)

/* What was written after -netdev: KEY=VALUE in order, each key known to the kind. */
struct gwt_netdev_options
{
  char *type;
  GPtrArray *keys, *values; /* char * */
};

struct net_queue
{
  struct gwt_netdev *netdev;
  uint32_t index;
  GThread *thread;
  int event; /* eventfd */
  int kicked, quit; /* atomics */
  int holds;        /* atomic */
  GMutex lock;
  GMutex flush_lock; /* held while the thread is in flush () */
  GArray *fds;       /* struct pollfd; the first is the event */
  bool starved;      /* the driver has no buffers: frames wait for a kick */
  bool full;         /* send () had no room: transmit () is due when there is some */
  bool blocked;      /* a look at the descriptors found no room to send */
  bool empty;        /* the last receive () or peek () found nothing */
  bool flush;        /* the device was called since the last flush () */
  uint8_t *scratch;  /* a frame of the largest size */
};

struct netdev_kind
{
  const char *type;
  const char *const *keys;   /* what may be said, beside id; NULL-terminated */
  const char *const *listed; /* those that may be said several times; or NULL */
  /* Judge and remember; NETDEV->kind, id and options are set. */
  bool (*parse) (struct gwt_netdev *netdev, struct gwt_error *err);
  bool (*open) (struct gwt_netdev *netdev, struct gwt_error *err);
  void (*close) (struct gwt_netdev *netdev); /* threads have ended; also after a failed open */
  void (*free) (struct gwt_netdev *netdev);
  /* Add to QUEUE->fds what to wait for, WANT_FRAMES: also for frames; a limit in ms, -1: none. */
  int (*prepare) (struct net_queue *queue, bool want_frames);
  /* After the wait, with REVENTS filled in. */
  void (*ready) (struct net_queue *queue);
  uint64_t (*peek) (struct net_queue *queue); /* optional */
  uint64_t (*receive) (struct net_queue *queue, const struct gwt_iovec *iov, uint32_t n);
  bool (*send) (struct net_queue *queue, const struct gwt_iovec *iov, uint32_t n);
  void (*set_offloads) (struct gwt_netdev *netdev, uint64_t offloads); /* optional */
  void (*set_queues) (struct gwt_netdev *netdev, uint32_t n);          /* optional */
};

struct gwt_netdev
{
  const struct netdev_kind *kind;
  char *id;
  struct gwt_netdev_options *options;
  void *data; /* the kind's own */
  struct gwt_net_info info;
  bool opened;
  int stopped; /* atomic: the guest is */
  int link_up; /* atomic */
  struct gwt_device *device;
  struct gwt_net_client client; /* normalized */
  uint32_t n_used;              /* queue pairs that the device uses */
  uint32_t n_active;            /* through which frames come at the moment */
  uint64_t offloads;            /* that the device takes; under all locks, or any of them to read */
  struct net_queue *queues;     /* info.queues of them */
};

/* netdev-spec.c */
struct gwt_netdev_options *gwt_netdev_options_from_text (const char *text, struct gwt_error *err);
struct gwt_netdev_options *gwt_netdev_options_from_json (struct json_object *args,
                                                         struct gwt_error *err);
void gwt_netdev_options_free (struct gwt_netdev_options *options);
/* The kinds of this build; the one called TYPE, or NULL with ERR set. */
const struct netdev_kind *gwt_netdev_kind (const char *type, struct gwt_error *err);
/* The value of KEY, NULL where it was not given; the Nth one. */
const char *net_option (struct gwt_netdev *netdev, const char *key);
const char *net_option_nth (struct gwt_netdev *netdev, const char *key, guint n);
/* *VALUE keeps its value where KEY was not given. */
bool net_option_bool (struct gwt_netdev *netdev, const char *key, bool *value,
                      struct gwt_error *err);
bool net_option_number (struct gwt_netdev *netdev, const char *key, uint64_t min, uint64_t max,
                        uint32_t *value, struct gwt_error *err);

/* netdev.c */
/* [io, in ready, or in send] Frames have come for QUEUE: give them to the device if it may be
   called.  */
void net_deliver (struct net_queue *queue);
/* [any] Let the thread of QUEUE look. */
void net_kick (struct net_queue *queue);
/* May frames go into the guest's memory now? */
bool net_is_flowing (struct net_queue *queue);

/* netdev-frame.c: what has to be done to frames where the other side cannot do it. */
uint64_t net_iov_size (const struct gwt_iovec *iov, uint32_t n);
/* Copy between N buffers, from OFFSET on, and memory; bytes copied. */
uint64_t net_iov_to (const struct gwt_iovec *iov, uint32_t n, uint64_t offset, void *data,
                     uint64_t size);
uint64_t net_iov_from (const struct gwt_iovec *iov, uint32_t n, uint64_t offset, const void *data,
                       uint64_t size);
/* A kernel's buffers for N of ours without their first SKIP bytes, behind ROOM that are left free;
   how many, 0 where there are more than NET_IOV_MAX. */
#define NET_IOV_MAX 1024
uint32_t net_iov_host (const struct gwt_iovec *iov, uint32_t n, uint64_t skip, uint32_t room,
                       struct iovec *to);
/* Put the checksum in that HEADER asks for; false where it says nonsense. */
bool net_complete_checksum (const struct gwt_net_header *header, uint8_t *frame, uint64_t size);
/* A TCP SYN's maximum segment size becomes MSS4 or MSS6 (0: stays), checksum included. */
void net_raise_mss (uint8_t *frame, uint64_t size, uint16_t mss4, uint16_t mss6);
/* Describe a TCP frame of more than MTU bytes behind its Ethernet header as a large one, for a
   device that takes OFFLOADS; its checksum is good and is replaced.  False where it is no such
   frame. */
bool net_describe_large (uint8_t *frame, uint64_t size, uint32_t mtu, uint64_t offloads,
                         struct gwt_net_header *header);
/* Cut such a frame, or an IPv4 datagram that is too large, to pieces; false where it can only be
   dropped. */
typedef void (*net_piece_fn) (void *data, const uint8_t *frame, uint64_t size);
bool net_cut (const uint8_t *frame, uint64_t size, uint32_t mtu, uint8_t *room, net_piece_fn fn,
              void *data);

/* netdev-user.c: connections, for people; g_free. */
char *net_user_describe (struct gwt_netdev *netdev);

/* The kinds. */
extern const struct netdev_kind net_user_kind, net_tap_kind, net_stream_kind, net_dgram_kind;

#endif
