/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this plugin share.
 *
 * A queue pair belongs to the back end's thread for it, which holds the pair's lock while it is in
 * rings.c; everybody else goes through hold () first.  `control_lock` is for the control queue and
 * is taken before that.
 */
#ifndef PLUGINS_VIRTIO_NET_H
#define PLUGINS_VIRTIO_NET_H

#include <godwit/godwit.h>

#include <pthread.h>

/* Feature bits, virtio 1.2 §5.1.3. */
#define F(bit) (UINT64_C (1) << (bit))
#define F_CSUM F (0)
#define F_GUEST_CSUM F (1)
#define F_CTRL_GUEST_OFFLOADS F (2)
#define F_MTU F (3)
#define F_MAC F (5)
#define F_GUEST_TSO4 F (7)
#define F_GUEST_TSO6 F (8)
#define F_GUEST_ECN F (9)
#define F_HOST_TSO4 F (11)
#define F_HOST_TSO6 F (12)
#define F_HOST_ECN F (13)
#define F_MRG_RXBUF F (15)
#define F_STATUS F (16)
#define F_CTRL_VQ F (17)
#define F_CTRL_RX F (18)
#define F_CTRL_VLAN F (19)
#define F_CTRL_RX_EXTRA F (20)
#define F_GUEST_ANNOUNCE F (21)
#define F_MQ F (22)
#define F_CTRL_MAC_ADDR F (23)
#define F_SPEED_DUPLEX F (63)
#define GUEST_OFFLOADS (F_GUEST_CSUM | F_GUEST_TSO4 | F_GUEST_TSO6 | F_GUEST_ECN)

/* Configuration space, §5.1.4. */
#define STATUS_LINK_UP 1u
#define STATUS_ANNOUNCE 2u

#define HEADER sizeof (struct gwt_net_header)
#define MAC 6
#define MACS_MAX 64
#define VLANS 4096
#define PAIRS_MAX GWT_NET_QUEUES_MAX
#define CONTROL_QUEUE_SIZE 64
/* Buffers that wait for frames, flattened; a kernel takes 1024 at once, one of them is ours. */
#define BUFFERS_MAX 1023

/* One queue pair, the host's side. */
struct pair
{
  struct gwt_virtq *rx, *tx;
  /* Chains for frames, popped and not used yet, and all their buffers in order. */
  struct gwt_virtq_chain *stock[GWT_VIRTIO_QUEUE_SIZE_MAX];
  uint64_t written[GWT_VIRTIO_QUEUE_SIZE_MAX];
  struct gwt_iovec iov[BUFFERS_MAX + 1];
  uint32_t n_stock, n_iov;
  uint64_t room; /* bytes in iov */
  /* A frame of which only the first bytes fitted into the stock; 0: none.  The rest is in `tail`.
   */
  uint64_t partial, partial_room;
  uint8_t *tail;
  uint8_t stuck;   /* a frame waits for more buffers than there are */
  uint8_t give_up; /* atomic: it has waited long enough */
  uint8_t asks; /* the driver shall say when there are buffers for frames */
  uint8_t used_rx, used_tx;
};

struct virtio_net
{
  const char *mac_text;
  struct gwt_netdev *netdev;
  uint32_t rx_queue_size, tx_queue_size, host_mtu;
  int32_t speed;
  uint8_t duplex;
  _Bool csum, guest_csum, host_tso4, host_tso6, host_ecn, guest_tso4, guest_tso6, guest_ecn;
  _Bool mrg_rxbuf, status_feature, ctrl_vq, ctrl_rx, ctrl_vlan, ctrl_rx_extra, ctrl_mac_addr;
  _Bool ctrl_guest_offloads, guest_announce, mq;

  /* What the driver made of it. */
  uint8_t mac[MAC];
  uint8_t pad_1;
  uint16_t status;
  uint16_t pairs_used;
  uint8_t promisc, allmulti, alluni, nomulti, nouni, nobcast;
  uint8_t uni_overflow, multi_overflow;
  uint16_t n_uni, n_multi;      /* the table: n_uni of one kind, then n_multi of the other */
  uint8_t table[MACS_MAX * MAC];
  uint8_t pad_2[2];
  uint32_t vlans[VLANS / 32];
  uint8_t pad_3[4];
  uint64_t guest_offloads; /* feature bits that are in force */

  /* The host's. */
  uint64_t features;
  uint64_t offered;
  uint8_t first_mac[MAC];
  uint8_t mergeable;
  uint8_t running;
  uint8_t warned;
  uint8_t attached;
  uint8_t announces;  /* as soon as it runs */
  uint8_t link_moved; /* loaded, and the link here is the other way; told as soon as it runs */
  uint32_t n_pairs;
  uint32_t control_index; /* UINT32_MAX: none */
  uint8_t rarp_due; /* atomic: the thread of pair 0 is to tell the network of us */
  uint8_t pad_5[3];
  struct gwt_device *device;
  struct gwt_virtio *virtio;
  struct gwt_virtq *control;    /* the one that control_index says */
  struct gwt_virtq *last_queue; /* the one behind all pairs */
  struct gwt_timer *control_timer, *stuck_timer;
  struct pair *pairs;
  pthread_mutex_t control_lock;
  struct virtio_net *next_default; /* in the list of those whose address nobody gave */
};

extern const struct gwt_host *net_host;
extern const struct gwt_net_api *net_api;
extern const struct gwt_virtio_api *virtio_api;
extern const struct gwt_clock_api *clock_api;
extern const struct gwt_device_api *device_api;
extern const struct gwt_vmstate_api *vmstate_api;

/* Those in force until the driver chooses; §5.1.3.1: each wants GUEST_CSUM. */
static inline uint64_t
net_first_offloads (uint64_t features)
{
  return features & F_GUEST_CSUM ? features & GUEST_OFFLOADS : 0;
}

/* virtio-net.c */
void net_hold_all (struct virtio_net *n);
void net_release_all (struct virtio_net *n);
void net_apply_offloads (struct virtio_net *n); /* all held */
void net_guest_error (struct virtio_net *n, const char *what);
void net_derive (struct virtio_net *n, uint64_t features); /* what follows from them */

/* state.c */
extern const struct gwt_vmstate *const net_states[];
int net_put_state (void *self, struct gwt_vm_out *out, struct gwt_error *err);
int net_get_state (void *self, const struct gwt_virtio_loading *loading, struct gwt_vm_in *in,
                   struct gwt_error *err);
const char *net_feature_name (uint32_t bit);

/* rings.c: the calls of gwt.net/1. */
extern const struct gwt_net_client net_client;
void rings_forget (struct pair *p); /* held */
/* The buffers that wait for frames are the driver's again, all of them; held. */
void rings_give_back (struct pair *p);
/* Copy at most SIZE bytes out of N buffers. */
uint64_t iov_read (const struct gwt_iovec *iov, uint32_t n, uint64_t offset, void *data,
                   uint64_t size);

/* control.c */
void control_reset (struct virtio_net *n); /* all held, or not attached */
void control_serve (struct virtio_net *n);
/* Does the guest want FRAME, which begins with its Ethernet header? */
uint32_t control_wants (const struct virtio_net *n, const uint8_t *frame);

#endif
