/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host extension "gwt.net/1": a network device's end of a network back end.
 *
 * Each queue pair of a back end has an [io] thread of its own, and everything about that pair
 * happens on it: the device takes frames from its driver and sends them, asks for frames and hands
 * them to its driver, and so needs no lock on the way.  Frames are Ethernet frames without their
 * checksum, each behind a struct gwt_net_header; where the back end permits they are never copied:
 * send () and receive () take buffers in guest memory.
 *
 * Calls into the device run one at a time per queue pair, and, flush () apart, none while hold ()
 * is in effect.  While the guest is stopped the host holds every queue: a stopped guest's memory
 * does not change.
 */
#ifndef GODWIT_NET_H
#define GODWIT_NET_H

#include <godwit/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GWT_NET_EXT "gwt.net/1"

/* Header included, a frame is never larger. */
#define GWT_NET_FRAME_MAX 65562
#define GWT_NET_QUEUES_MAX 256

struct gwt_netdev; /* a back end; the value of a property of kind GWT_NETDEV */

/* What is before each frame; little-endian, laid out as virtio 1.2 §5.1.6 has it. */
struct gwt_net_header
{
  uint8_t flags;         /* enum gwt_net_header_flag */
  uint8_t gso_type;      /* enum gwt_net_gso */
  uint16_t header_size;  /* of Ethernet, IP and TCP; a hint */
  uint16_t gso_size;     /* payload of each segment that the frame stands for */
  uint16_t csum_start;   /* what the checksum covers begins here, and goes to the frame's end */
  uint16_t csum_offset;  /* where it belongs, counted from csum_start */
  uint16_t buffers;      /* the device's own business; 0 to and from the host */
};

enum gwt_net_header_flag
{
  GWT_NET_NEEDS_CSUM = 1 << 0, /* the checksum is that of the pseudo header so far */
  GWT_NET_DATA_VALID = 1 << 1  /* checksums of a received frame were found good */
};

enum gwt_net_gso
{
  GWT_NET_GSO_NONE = 0,
  GWT_NET_GSO_TCPV4 = 1,
  GWT_NET_GSO_UDP = 3,
  GWT_NET_GSO_TCPV6 = 4,
  GWT_NET_GSO_UDP_L4 = 5,
  GWT_NET_GSO_ECN = 0x80 /* with one of the TCP kinds */
};

/* Work that one side leaves to the other; flags of 64 bits. */
enum gwt_net_offload
{
  GWT_NET_OFFLOAD_CSUM = 1 << 0, /* frames with GWT_NET_NEEDS_CSUM or GWT_NET_DATA_VALID */
  GWT_NET_OFFLOAD_TSO4 = 1 << 1, /* frames of these kinds; each wants GWT_NET_OFFLOAD_CSUM */
  GWT_NET_OFFLOAD_TSO6 = 1 << 2,
  GWT_NET_OFFLOAD_ECN = 1 << 3,
  GWT_NET_OFFLOAD_UFO = 1 << 4,
  GWT_NET_OFFLOAD_USO4 = 1 << 5,
  GWT_NET_OFFLOAD_USO6 = 1 << 6
};

struct gwt_net_info
{
  uint64_t struct_size;
  uint64_t send_offloads;    /* what the device may use in frames that it sends */
  uint64_t receive_offloads; /* what the device may ask for with set_offloads () */
  uint32_t queues;           /* queue pairs */
  uint32_t link_up;
  uint32_t mtu; /* of the network, 0: not known */
  uint32_t reserved_1;
};

/* The device's side; a static table.  Called with the device's instance. */
struct gwt_net_client
{
  uint64_t struct_size;
  /* [io] After kick (), and when the back end has room again after send () had none: send what the
     driver has. */
  void (*transmit) (void *self, uint32_t queue);
  /* [io] Frames wait: receive () until it gives 0, or the driver has no buffers; after that kick ()
     asks for this call again.  May come while the device is inside send (). */
  void (*receive) (void *self, uint32_t queue);
  /* [io] All that could be done at the moment is done: tell the driver.  Hold () does not wait for
     it. */
  void (*flush) (void *self, uint32_t queue);
  /* [main] Optional.  The link was set up (1) or down (0); at the beginning it is as info () says.
     While it is down nothing is received, and what is sent is dropped. */
  void (*link_changed) (void *self, uint32_t up);
};

struct gwt_net_api
{
  uint64_t struct_size;
  /* [main, in realize] Become NETDEV's one user, with QUEUES of its queue pairs, which begin held
     (released once each by release ()).  0, or -1 with ERR set. */
  int (*attach) (struct gwt_netdev *netdev, struct gwt_device *device,
                 const struct gwt_net_client *client, uint32_t queues, struct gwt_error *err);
  /* [main, in unrealize] The device is called no more when this returns, flush () included.  The
     host does it where the device does not. */
  void (*detach) (struct gwt_netdev *netdev);
  /* [main] What NETDEV can do; INFO->struct_size is set by the caller. */
  void (*info) (struct gwt_netdev *netdev, struct gwt_net_info *info);
  /* [main, vcpu] The kinds of frames (enum gwt_net_offload) that the driver takes; none at the
     beginning.  Frames that were waiting are not converted but dropped. */
  void (*set_offloads) (struct gwt_netdev *netdev, uint64_t offloads);
  /* [any] Call transmit () and receive () of QUEUE soon. */
  void (*kick) (struct gwt_netdev *netdev, uint32_t queue);
  /* [io] Size of the next frame of QUEUE with its header, 0 where there is none, or where it is not
     known before it is received. */
  uint64_t (*peek) (struct gwt_netdev *netdev, uint32_t queue);
  /* [io] The next frame of QUEUE into N buffers.  Its size with the header: where that is more than
     the buffers hold, the rest is lost, and the size may be all that is known of it; 0 where there
     is none now. */
  uint64_t (*receive) (struct gwt_netdev *netdev, uint32_t queue, const struct gwt_iovec *iov,
                       uint32_t n);
  /* [io] A frame with its header from N buffers.  1 where it was taken (or had to be dropped), 0
     where there is no room now: transmit () is called when there is. */
  uint32_t (*send) (struct gwt_netdev *netdev, uint32_t queue, const struct gwt_iovec *iov,
                    uint32_t n);
  /* [main, vcpu] No call but flush () into the device for QUEUE from the return of hold () to
     release (); they nest.  Hold waits for a call that is under way. */
  void (*hold) (struct gwt_netdev *netdev, uint32_t queue);
  void (*release) (struct gwt_netdev *netdev, uint32_t queue);
  /* [main, vcpu] Frames come through the first N queue pairs only; 1 at the beginning. */
  void (*set_queues) (struct gwt_netdev *netdev, uint32_t n);
  /* [any] Id that the user gave NETDEV; lives as long as it. */
  const char *(*id) (struct gwt_netdev *netdev);
};

#ifdef __cplusplus
}
#endif

#endif
