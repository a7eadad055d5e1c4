/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio network device (virtio 1.2 §5.1): properties, features, configuration space, life.  How
 * frames are moved is rings.c's business, what the driver commands control.c's.
 */
#include "virtio-net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_ID 1
#define CONFIG_SIZE 17
#define SPEED_UNKNOWN UINT32_MAX

const struct gwt_host *net_host;
const struct gwt_net_api *net_api;
const struct gwt_virtio_api *virtio_api;
const struct gwt_clock_api *clock_api;
const struct gwt_device_api *device_api;
const struct gwt_vmstate_api *vmstate_api;

/* The address after a reset; configuration space but for that and the link. */
#define ADDRESS_FACT "hardware-address"
#define CONFIG_FACT "device-configuration"
/* The first one is the virtio plugin's. */
#define FEATURES_AND_CONFIG "virtio-features|" CONFIG_FACT

#define N struct virtio_net
#define SWITCH(member, name, text)                                                                 \
  GWT_PROP_ROW (N, member, name, .def = 1, .facts = "virtio-features", .doc = text)
static const struct gwt_field fields[] = {
  GWT_PROP_ROW (N, mac_text, "mac", .facts = ADDRESS_FACT,
                .doc = "hardware address; default: 52:54:00:12:34:56 and the next ones"),
  GWT_PROP_ROW (N, netdev, "netdev", .flags = GWT_FIELD_HOST_ONLY,
                .doc = "network back end; without one the cable is unplugged"),
  GWT_PROP_ROW (N, rx_queue_size, "rx-queue-size", .def = 256, .min = 64, .max = 1024,
                .doc = "entries of each receive queue, a power of two"),
  GWT_PROP_ROW (N, tx_queue_size, "tx-queue-size", .def = 256, .min = 64, .max = 1024,
                .doc = "entries of each transmit queue, a power of two"),
  GWT_PROP_ROW (N, host_mtu, "host-mtu", .min = 0, .max = 65535, .facts = FEATURES_AND_CONFIG,
                .doc = "offer VIRTIO_NET_F_MTU with this MTU, 68 or more; 0: none"),
  GWT_PROP_ROW (N, speed, "speed", .def = (uint64_t) -1, .min = (uint64_t) -1, .max = INT32_MAX,
                .facts = FEATURES_AND_CONFIG,
                .doc = "speed that the driver is told, Mbit/s; -1: not said"),
  GWT_PROP_ROW (N, duplex, "duplex", .values = "unknown|half|full", .facts = FEATURES_AND_CONFIG,
                .doc = "duplex mode that the driver is told"),
  SWITCH (csum, "csum", "offer VIRTIO_NET_F_CSUM: the guest leaves checksums to us"),
  SWITCH (guest_csum, "guest-csum", "offer VIRTIO_NET_F_GUEST_CSUM: we leave checksums away"),
  SWITCH (host_tso4, "host-tso4", "offer VIRTIO_NET_F_HOST_TSO4: the guest sends large frames"),
  SWITCH (host_tso6, "host-tso6", "offer VIRTIO_NET_F_HOST_TSO6"),
  SWITCH (host_ecn, "host-ecn", "offer VIRTIO_NET_F_HOST_ECN"),
  SWITCH (guest_tso4, "guest-tso4", "offer VIRTIO_NET_F_GUEST_TSO4: the guest gets large frames"),
  SWITCH (guest_tso6, "guest-tso6", "offer VIRTIO_NET_F_GUEST_TSO6"),
  SWITCH (guest_ecn, "guest-ecn", "offer VIRTIO_NET_F_GUEST_ECN"),
  SWITCH (mrg_rxbuf, "mrg-rxbuf", "offer VIRTIO_NET_F_MRG_RXBUF: a frame in several buffers"),
  SWITCH (status_feature, "status", "offer VIRTIO_NET_F_STATUS: the guest sees the link"),
  GWT_PROP_ROW (N, ctrl_vq, "ctrl-vq", .def = 1, .facts = "virtio-features|virtio-queues",
                .doc = "offer VIRTIO_NET_F_CTRL_VQ: a control queue"),
  SWITCH (ctrl_rx, "ctrl-rx", "offer VIRTIO_NET_F_CTRL_RX: filters by address"),
  SWITCH (ctrl_vlan, "ctrl-vlan", "offer VIRTIO_NET_F_CTRL_VLAN: filters by VLAN"),
  SWITCH (ctrl_rx_extra, "ctrl-rx-extra", "offer VIRTIO_NET_F_CTRL_RX_EXTRA: more filters"),
  SWITCH (ctrl_mac_addr, "ctrl-mac-addr", "offer VIRTIO_NET_F_CTRL_MAC_ADDR"),
  SWITCH (ctrl_guest_offloads, "ctrl-guest-offloads", "offer VIRTIO_NET_F_CTRL_GUEST_OFFLOADS"),
  SWITCH (guest_announce, "guest-announce", "offer VIRTIO_NET_F_GUEST_ANNOUNCE"),
  GWT_PROP_ROW (N, mq, "mq", .facts = FEATURES_AND_CONFIG "|virtio-queues",
                .doc = "offer VIRTIO_NET_F_MQ: as many queue pairs as the back end"),

  GWT_STATE_ARRAY (N, mac, "mac-address", .doc = "hardware address as the driver set it"),
  GWT_STATE_ROW (N, status, "link-status", .doc = "status in configuration space",
                 .flags = GWT_FIELD_HEX),
  GWT_STATE_ROW (N, pairs_used, "queue-pairs", .doc = "queue pairs that the driver uses"),
  GWT_STATE_ROW (N, promisc, "promisc", .doc = "all frames are received"),
  GWT_STATE_ROW (N, allmulti, "allmulti", .doc = "all multicast frames are received"),
  GWT_STATE_ROW (N, alluni, "alluni", .doc = "all unicast frames are received"),
  GWT_STATE_ROW (N, nomulti, "nomulti", .doc = "no multicast frame is received"),
  GWT_STATE_ROW (N, nouni, "nouni", .doc = "no unicast frame is received"),
  GWT_STATE_ROW (N, nobcast, "nobcast", .doc = "no broadcast is received"),
  GWT_STATE_ROW (N, uni_overflow, "uni-overflow", .doc = "more unicast addresses than the table"),
  GWT_STATE_ROW (N, multi_overflow, "multi-overflow",
                 .doc = "more multicast addresses than the table"),
  GWT_STATE_ROW (N, n_uni, "uni-count", .max = MACS_MAX, .doc = "unicast addresses in the table"),
  GWT_STATE_ROW (N, n_multi, "multi-count", .max = MACS_MAX,
                 .doc = "multicast addresses behind them"),
  GWT_STATE_ARRAY (N, table, "mac-table", .doc = "addresses to receive, 6 bytes each"),
  GWT_STATE_ARRAY (N, vlans, "vlans", .doc = "a bit for each VLAN to receive"),
  GWT_STATE_ROW (N, guest_offloads, "guest-offloads", .flags = GWT_FIELD_HEX,
                 .doc = "feature bits of received frames that are in force"),

  GWT_HOST_ROW (N, features, "the virtio side has them"),
  GWT_HOST_ROW (N, offered, "follows from properties and back end"),
  GWT_HOST_ROW (N, first_mac, "follows from mac, or from the order of devices"),
  GWT_HOST_ROW (N, next_default, "in what order devices came"),
  GWT_HOST_ROW (N, mergeable, "follows from features"),
  GWT_HOST_ROW (N, running, "follows from the virtio side's status"),
  GWT_HOST_ROW (N, warned, "whether the log has a line about the guest already"),
  GWT_HOST_ROW (N, attached, "whether the back end is ours"),
  GWT_HOST_ROW (N, announces, "of a load: once it runs"),
  GWT_HOST_ROW (N, link_moved, "of a load: once it runs"),
  GWT_HOST_ROW (N, rarp_due, "of an announcement that is under way; lost with the device's driver"),
  GWT_HOST_ROW (N, pad_1, "padding"),
  GWT_HOST_ROW (N, pad_2, "padding"),
  GWT_HOST_ROW (N, pad_3, "padding"),
  GWT_HOST_ROW (N, pad_5, "padding"),
  GWT_HOST_ROW (N, n_pairs, "follows from mq and the back end"),
  GWT_HOST_ROW (N, control_index, "follows from features"),
  GWT_HOST_ROW (N, device, "handle of the host"),
  GWT_HOST_ROW (N, virtio, "handle of the virtio plugin"),
  GWT_HOST_ROW (N, control, "handle of the virtio plugin"),
  GWT_HOST_ROW (N, last_queue, "handle of the virtio plugin"),
  GWT_HOST_ROW (N, control_timer, "only a matter of turns: a notification"),
  GWT_HOST_ROW (N, stuck_timer, "how long a frame waits for buffers: it may be lost"),
  GWT_HOST_ROW (N, pairs, "buffers that wait for frames; they are given back before a save"),
  GWT_HOST_ROW (N, control_lock, "lock"),
};
#undef N

void
net_guest_error (struct virtio_net *n, const char *what)
{
  if (!__atomic_exchange_n (&n->warned, 1, __ATOMIC_RELAXED))
    net_host->log (GWT_LOG_GUEST, "%s: the driver: %s; said once for this device",
                   device_api->id (n->device), what);
}

void
net_hold_all (struct virtio_net *n)
{
  uint32_t i;

  for (i = 0; n->attached && i < n->n_pairs; i++)
    net_api->hold (n->netdev, i);
}

void
net_release_all (struct virtio_net *n)
{
  uint32_t i;

  for (i = 0; n->attached && i < n->n_pairs; i++)
    net_api->release (n->netdev, i);
}

void
net_apply_offloads (struct virtio_net *n)
{
  uint64_t on = n->guest_offloads;

  if (n->attached)
    net_api->set_offloads (n->netdev, (on & F_GUEST_CSUM ? GWT_NET_OFFLOAD_CSUM : 0)
                                          | (on & F_GUEST_TSO4 ? GWT_NET_OFFLOAD_TSO4 : 0)
                                          | (on & F_GUEST_TSO6 ? GWT_NET_OFFLOAD_TSO6 : 0)
                                          | (on & F_GUEST_ECN ? GWT_NET_OFFLOAD_ECN : 0));
}

/* ---- for the virtio plugin --------------------------------------------------------------------
 */

static void
put (uint8_t *config, uint32_t offset, uint32_t size, uint64_t value)
{
  uint32_t i;

  for (i = 0; i < size; i++)
    config[offset + i] = (uint8_t) (value >> 8 * i);
}

static void
net_config_read (void *self, uint32_t offset, void *data, uint32_t size)
{
  struct virtio_net *n = self;
  uint8_t config[CONFIG_SIZE];

  memcpy (config, n->mac, MAC);
  put (config, 6, 2, __atomic_load_n (&n->status, __ATOMIC_SEQ_CST));
  put (config, 8, 2, n->n_pairs);
  put (config, 10, 2, n->host_mtu);
  put (config, 12, 4, n->speed < 0 ? SPEED_UNKNOWN : (uint32_t) n->speed);
  config[16] = (uint8_t) (n->duplex - 1); /* 0xff: unknown */
  if (offset <= CONFIG_SIZE && size <= CONFIG_SIZE - offset)
    memcpy (data, config + offset, size);
}

void
net_derive (struct virtio_net *n, uint64_t features)
{
  /* Nothing is received before DRIVER_OK, so nobody else looks at these. */
  n->features = features;
  n->mergeable = (features & F_MRG_RXBUF) != 0;
  /* §5.1.2: behind the last pair, which is the first one where there is no MQ. */
  n->control_index = !(features & F_CTRL_VQ) ? UINT32_MAX
                     : features & F_MQ       ? 2 * n->n_pairs
                                             : 2;
}

static int
net_features_accepted (void *self, uint64_t features)
{
  struct virtio_net *n = self;

  net_derive (n, features);
  n->guest_offloads = net_first_offloads (features);
  net_apply_offloads (n);
  return 0;
}

/* The network hears of the device's own address at once; of others that the guest has, and from
   which addresses of IP, only the guest can tell, if its driver wants to be asked.  */
static uint32_t
make_known (struct virtio_net *n)
{
  if (n->attached)
    {
      __atomic_store_n (&n->rarp_due, 1, __ATOMIC_RELEASE);
      net_api->kick (n->netdev, 0);
    }
  if (!(n->features & F_GUEST_ANNOUNCE))
    return 0;
  __atomic_or_fetch (&n->status, STATUS_ANNOUNCE, __ATOMIC_SEQ_CST);
  virtio_api->config_changed (n->virtio);
  return 1;
}

static void
net_running (void *self, uint32_t running)
{
  struct virtio_net *n = self;
  uint32_t i;

  if (n->pairs == NULL)
    return;
  if (!running)
    {
      pthread_mutex_lock (&n->control_lock);
      n->running = 0;
      clock_api->timer_set (n->control_timer, GWT_TIMER_OFF);
      pthread_mutex_unlock (&n->control_lock);
      n->announces = n->link_moved = 0;
      net_hold_all (n);
      n->rarp_due = 0;
      for (i = 0; i < n->n_pairs; i++)
        rings_forget (&n->pairs[i]);
      control_reset (n);
      if (n->attached)
        net_api->set_queues (n->netdev, 1);
      return;
    }
  pthread_mutex_lock (&n->control_lock);
  n->control = n->control_index == UINT32_MAX       ? NULL
               : n->control_index == 2 * n->n_pairs ? n->last_queue
                                                    : n->pairs[n->control_index / 2].rx;
  n->running = 1;
  pthread_mutex_unlock (&n->control_lock);
  if (n->link_moved)
    net_client.link_changed (n, !(n->status & STATUS_LINK_UP));
  net_release_all (n);
  if (n->announces)
    make_known (n);
  n->announces = 0;
}

static void
net_notified (void *self, struct gwt_virtq *queue, uint32_t index)
{
  struct virtio_net *n = self;

  (void) queue;
  if (index == n->control_index)
    control_serve (n);
  else if (n->attached && index / 2 < n->n_pairs)
    net_api->kick (n->netdev, index / 2);
}

static void
net_queue_reset (void *self, uint32_t index)
{
  struct virtio_net *n = self;
  uint32_t pair = index / 2;

  if (n->pairs == NULL)
    return;
  if (index == n->control_index)
    {
      /* No chain is kept beyond control_serve (): it is enough to wait for that. */
      pthread_mutex_lock (&n->control_lock);
      pthread_mutex_unlock (&n->control_lock);
    }
  else if (n->attached && pair < n->n_pairs)
    {
      net_api->hold (n->netdev, pair);
      if (index % 2 == 0)
        rings_forget (&n->pairs[pair]);
      net_api->release (n->netdev, pair);
    }
}

static const struct gwt_virtio_client client = {
  .struct_size = sizeof client,
  .config_read = net_config_read,
  .features_accepted = net_features_accepted,
  .running = net_running,
  .notified = net_notified,
  .queue_reset = net_queue_reset,
  .put_state = net_put_state,
  .get_state = net_get_state,
  .feature_name = net_feature_name,
};

/* ---- life -------------------------------------------------------------------------------------
 */

static int
parse_mac (const char *text, uint8_t *mac)
{
  unsigned byte[MAC], i;
  int end = 0;

  if (sscanf (text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4],
              &byte[5], &end)
          != MAC
      || end != 17 || text[end] != '\0')
    return 0;
  for (i = 0; i < MAC; i++)
    mac[i] = (uint8_t) byte[i];
  return 1;
}

/* Those that are realized and whose address nobody gave, by rising address. */
static struct virtio_net *defaults;

/* The first address that none of them has: a machine that is taken down and built again, for a
   guest that comes, has the same ones. */
static void
choose_default (struct virtio_net *n)
{
  static const uint8_t first[MAC] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
  struct virtio_net **at = &defaults;

  memcpy (n->first_mac, first, MAC);
  for (; *at && memcmp ((*at)->first_mac, n->first_mac, MAC) == 0; at = &(*at)->next_default)
    for (int i = MAC - 1; i >= 0 && ++n->first_mac[i] == 0; i--)
      ;
  n->next_default = *at;
  *at = n;
}

static void
release_default (struct virtio_net *n)
{
  for (struct virtio_net **at = &defaults; *at; at = &(*at)->next_default)
    if (*at == n)
      {
        *at = n->next_default;
        break;
      }
}

static int
choose_mac (struct virtio_net *n, struct gwt_error *err)
{
  if (n->mac_text == NULL)
    choose_default (n);
  else if (!parse_mac (n->mac_text, n->first_mac) || (n->first_mac[0] & 1))
    {
      net_host->error_set (err, GWT_E_INVALID,
                           "mac '%s' is no address of a device; use one such as 52:54:00:12:34:56",
                           n->mac_text);
      return -1;
    }
  return 0;
}

static int
check_properties (struct virtio_net *n, struct gwt_error *err)
{
  if (n->rx_queue_size & (n->rx_queue_size - 1))
    net_host->error_set (err, GWT_E_RANGE, "rx-queue-size %u is no power of two; use 64 to 1024",
                         n->rx_queue_size);
  else if (n->tx_queue_size & (n->tx_queue_size - 1))
    net_host->error_set (err, GWT_E_RANGE, "tx-queue-size %u is no power of two; use 64 to 1024",
                         n->tx_queue_size);
  else if (n->host_mtu && n->host_mtu < 68)
    net_host->error_set (err, GWT_E_RANGE, "host-mtu %u is too small; use 68 to 65535, or 0",
                         n->host_mtu);
  else
    return choose_mac (n, err);
  return -1;
}

static uint64_t
features_of (const struct virtio_net *n, const struct gwt_net_info *info)
{
  uint64_t to = info->send_offloads, from = info->receive_offloads;
  const struct
  {
    uint64_t feature;
    uint32_t on;
  } all[] = {
    { F_CSUM, n->csum && (to & GWT_NET_OFFLOAD_CSUM) },
    { F_HOST_TSO4, n->csum && n->host_tso4 && (to & GWT_NET_OFFLOAD_TSO4) },
    { F_HOST_TSO6, n->csum && n->host_tso6 && (to & GWT_NET_OFFLOAD_TSO6) },
    { F_HOST_ECN, n->csum && n->host_ecn && (to & GWT_NET_OFFLOAD_ECN) },
    { F_GUEST_CSUM, n->guest_csum && (from & GWT_NET_OFFLOAD_CSUM) },
    { F_GUEST_TSO4, n->guest_csum && n->guest_tso4 && (from & GWT_NET_OFFLOAD_TSO4) },
    { F_GUEST_TSO6, n->guest_csum && n->guest_tso6 && (from & GWT_NET_OFFLOAD_TSO6) },
    { F_GUEST_ECN, n->guest_csum && n->guest_ecn && (from & GWT_NET_OFFLOAD_ECN) },
    { F_CTRL_GUEST_OFFLOADS, n->ctrl_vq && n->ctrl_guest_offloads && n->guest_csum && from },
    { F_MTU, n->host_mtu != 0 },
    { F_MAC, 1 },
    { F_MRG_RXBUF, n->mrg_rxbuf },
    { F_STATUS, n->status_feature },
    { F_CTRL_VQ, n->ctrl_vq },
    { F_CTRL_RX, n->ctrl_vq && n->ctrl_rx },
    { F_CTRL_VLAN, n->ctrl_vq && n->ctrl_vlan },
    { F_CTRL_RX_EXTRA, n->ctrl_vq && n->ctrl_rx_extra },
    { F_CTRL_MAC_ADDR, n->ctrl_vq && n->ctrl_mac_addr },
    { F_GUEST_ANNOUNCE, n->ctrl_vq && n->guest_announce && n->status_feature },
    { F_MQ, n->ctrl_vq && n->mq },
    { F_SPEED_DUPLEX, n->speed >= 0 || n->duplex },
  };
  uint64_t features = 0;
  uint32_t i;

  for (i = 0; i < GWT_COUNT (all); i++)
    features |= all[i].on ? all[i].feature : 0;
  return features;
}

static int
make_queues (struct virtio_net *n, struct gwt_error *err)
{
  uint32_t i;

  for (i = 0; i < n->n_pairs; i++)
    {
      struct pair *p = &n->pairs[i];

      rings_forget (p);
      p->tail = malloc (GWT_NET_FRAME_MAX);
      if (p->tail == NULL)
        {
          net_host->error_set (err, GWT_E_FAILED, "no memory for %u queue pairs; use fewer",
                               n->n_pairs);
          return -1;
        }
      p->rx = virtio_api->queue (n->virtio, 2 * i, n->rx_queue_size, err);
      p->tx = p->rx ? virtio_api->queue (n->virtio, 2 * i + 1, n->tx_queue_size, err) : NULL;
      if (p->tx == NULL)
        return -1;
    }
  if (n->ctrl_vq)
    n->last_queue = virtio_api->queue (n->virtio, 2 * n->n_pairs, CONTROL_QUEUE_SIZE, err);
  return n->ctrl_vq && n->last_queue == NULL ? -1 : 0;
}

static void
free_pairs (struct virtio_net *n)
{
  uint32_t i;

  for (i = 0; n->pairs && i < n->n_pairs; i++)
    free (n->pairs[i].tail);
  free (n->pairs);
  n->pairs = NULL;
}

static void
next_turn (void *self)
{
  control_serve (self);
}

/* Frames that wait for buffers have waited long enough. */
static void
give_up (void *self)
{
  struct virtio_net *n = self;
  uint32_t i;

  for (i = 0; n->attached && i < n->n_pairs; i++)
    {
      __atomic_store_n (&n->pairs[i].give_up, 1, __ATOMIC_SEQ_CST);
      net_api->kick (n->netdev, i);
    }
}

static int
set_up (struct virtio_net *n, struct gwt_device *device, struct gwt_error *err)
{
  struct gwt_net_info info = { .struct_size = sizeof info, .queues = 1 };
  struct gwt_virtio_info virtio = {
    .struct_size = sizeof virtio,
    .device_id = DEVICE_ID,
    .config_size = CONFIG_SIZE,
    .pci_class = 0x020000,
  };

  if (n->netdev)
    net_api->info (n->netdev, &info);
  if (info.queues > 1 && !n->mq)
    {
      net_host->error_set (err, GWT_E_INVALID,
                           "mq is off, but netdev '%s' has %u queues; add mq=on, or use a back end "
                           "with one",
                           net_api->id (n->netdev), info.queues);
      return -1;
    }
  n->n_pairs = info.queues;
  n->pairs = calloc (n->n_pairs, sizeof *n->pairs);
  if (n->pairs == NULL)
    {
      net_host->error_set (err, GWT_E_FAILED, "no memory for %u queue pairs; use fewer",
                           n->n_pairs);
      return -1;
    }
  n->status = n->netdev && info.link_up ? STATUS_LINK_UP : 0;
  virtio.n_queues = 2 * n->n_pairs + (n->ctrl_vq ? 1 : 0);
  virtio.features = n->offered = features_of (n, &info);
  n->control_timer = clock_api->timer_new (device, GWT_CLOCK_REAL, next_turn, n, err);
  if (n->control_timer == NULL)
    return -1;
  n->stuck_timer = clock_api->timer_new (device, GWT_CLOCK_REAL, give_up, n, err);
  if (n->stuck_timer == NULL)
    return -1;
  n->virtio = virtio_api->setup (device, &virtio, &client, err);
  if (n->virtio == NULL || make_queues (n, err) != 0)
    return -1;
  if (n->netdev && net_api->attach (n->netdev, device, &net_client, n->n_pairs, err) != 0)
    return -1;
  n->attached = n->netdev != NULL;
  return 0;
}

static int
net_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct virtio_net *n = self;

  n->device = device;
  n->control_index = UINT32_MAX;
  if (check_properties (n, err) != 0)
    return -1;
  if (set_up (n, device, err) != 0)
    {
      release_default (n);
      free_pairs (n);
      return -1;
    }
  pthread_mutex_init (&n->control_lock, NULL);
  control_reset (n);
  return 0;
}

static void
net_unrealize (void *self)
{
  struct virtio_net *n = self;

  release_default (n);
  if (n->attached)
    net_api->detach (n->netdev);
  n->attached = 0;
  n->running = 0;
  clock_api->timer_set (n->control_timer, GWT_TIMER_OFF);
  clock_api->timer_set (n->stuck_timer, GWT_TIMER_OFF);
  /* The virtio side is stopped after this, its parent's turn comes last: running () sees that there
     is nothing left to do. */
  free_pairs (n);
}

static void
net_reset (void *self, uint32_t kind)
{
  /* The transport resets the virtio side, and that what the driver made of this one; but a driver
     that never came so far as DRIVER_OK leaves what it negotiated. */
  struct virtio_net *n = self;

  (void) kind;
  if (!n->running)
    control_reset (n);
}

/* ---- methods ----------------------------------------------------------------------------------
 */

/* After a migration the network has to learn where the guest is now. */
static uint8_t
announce (void *self, struct gwt_error *err)
{
  struct virtio_net *n = self;
  uint64_t features = virtio_api->features (n->virtio);

  (void) err;
  if (n->running)
    return (uint8_t) make_known (n);
  /* One that was loaded a moment ago does not know yet that it runs; with a driver it will. */
  n->announces = features != 0;
  return (features & F_GUEST_ANNOUNCE) != 0;
}

static const struct gwt_method methods[] = {
  { "bool announce()",
    "tell the network where the device is, and ask the guest to; off where its driver does not "
    "offer to",
    (gwt_method_fn) announce },
};

/* A driver may have set another address; this one it finds after a reset. */
static void
tell (void *self, const struct gwt_facts_api *api, struct gwt_facts *facts)
{
  static const uint8_t compare[CONFIG_SIZE]
      = { [8] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
  const struct virtio_net *n = self;
  uint8_t config[CONFIG_SIZE];

  api->bytes (facts, ADDRESS_FACT, n->first_mac, NULL, NULL, MAC);
  api->label (facts, ADDRESS_FACT, 0, MAC, "mac, or the order of the cards");
  net_config_read (self, 0, config, sizeof config);
  api->bytes (facts, CONFIG_FACT, config, compare, NULL, sizeof config);
  api->label (facts, CONFIG_FACT, 8, 2, "queue pairs of mq and the back end");
  api->label (facts, CONFIG_FACT, 10, 2, "host-mtu");
  api->label (facts, CONFIG_FACT, 12, 4, "speed");
  api->label (facts, CONFIG_FACT, 16, 1, "duplex");
}

static const struct gwt_facts_interface facts_table = {
  .struct_size = sizeof facts_table,
  .tell = tell,
};

static const struct gwt_interface interfaces[] = {
  { GWT_FACTS_INTERFACE, &facts_table },
};

/* The same device for each transport. */
#define NET_TYPE(NAME, PARENT)                                                                     \
  {                                                                                                \
    .struct_size = sizeof (struct gwt_device_type), .name = NAME, .parent = PARENT,                \
    .doc = "network card", .flags = GWT_TYPE_USER, .threads = GWT_THREADS_PARALLEL,                \
    .instance_size = sizeof (struct virtio_net), .fields = fields, .field_size = sizeof fields[0], \
    .n_fields = GWT_COUNT (fields), .methods = methods, .method_size = sizeof methods[0],          \
    .n_methods = GWT_COUNT (methods), .interfaces = interfaces,                                    \
    .interface_size = sizeof interfaces[0], .n_interfaces = GWT_COUNT (interfaces),               \
    .realize = net_realize, .unrealize = net_unrealize, .reset = net_reset, .states = net_states   \
  }
static const struct gwt_device_type mmio_type
    = NET_TYPE ("virtio-net-device", GWT_VIRTIO_MMIO_PARENT);
static const struct gwt_device_type pci_type = NET_TYPE ("virtio-net-pci", GWT_VIRTIO_PCI_PARENT);

static int
net_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void) err;
  net_api = h->extension (GWT_NET_EXT);
  virtio_api = h->extension (GWT_VIRTIO_EXT);
  clock_api = h->extension (GWT_CLOCK_EXT);
  device_api = h->extension (GWT_DEVICE_EXT);
  vmstate_api = h->extension (GWT_VMSTATE_EXT);
  return 0;
}

static const char *const required[]
    = { GWT_DEVICE_EXT, GWT_CLOCK_EXT, GWT_NET_EXT, GWT_VIRTIO_EXT, GWT_VMSTATE_EXT, NULL };
static const struct gwt_device_type *const types[] = { &mmio_type, &pci_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "virtio-net",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "virtio network device",
  .required = required,
  .types = types,
  .start = net_start,
};

GWT_PLUGIN_DEFINE ("virtio-net", GODWIT_PLUGIN_VERSION, "virtio-net-device virtio-net-pci", plugin,
                   net_host)
