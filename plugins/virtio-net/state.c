/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The card's section: its address, filters, queue pairs and offloads, laid out as QEMU's.  Buffers
 * that wait for frames are given back before it is saved; a frame half of which is in them is lost,
 * as frames may be.
 */
#include "virtio-net.h"

#include <string.h>

GWT_VIRTIO_STATE (net_virtio, virtio_api)

#define VLAN_BYTES (VLANS / 8)

const char *
net_feature_name (uint32_t bit)
{
  static const char *const names[] = {
    [0] = "VIRTIO_NET_F_CSUM, csum",
    [1] = "VIRTIO_NET_F_GUEST_CSUM, guest-csum",
    [2] = "VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, ctrl-guest-offloads",
    [3] = "VIRTIO_NET_F_MTU, host-mtu",
    [5] = "VIRTIO_NET_F_MAC",
    [7] = "VIRTIO_NET_F_GUEST_TSO4, guest-tso4",
    [8] = "VIRTIO_NET_F_GUEST_TSO6, guest-tso6",
    [9] = "VIRTIO_NET_F_GUEST_ECN, guest-ecn",
    [11] = "VIRTIO_NET_F_HOST_TSO4, host-tso4",
    [12] = "VIRTIO_NET_F_HOST_TSO6, host-tso6",
    [13] = "VIRTIO_NET_F_HOST_ECN, host-ecn",
    [15] = "VIRTIO_NET_F_MRG_RXBUF, mrg-rxbuf",
    [16] = "VIRTIO_NET_F_STATUS, status",
    [17] = "VIRTIO_NET_F_CTRL_VQ, ctrl-vq",
    [18] = "VIRTIO_NET_F_CTRL_RX, ctrl-rx",
    [19] = "VIRTIO_NET_F_CTRL_VLAN, ctrl-vlan",
    [20] = "VIRTIO_NET_F_CTRL_RX_EXTRA, ctrl-rx-extra",
    [21] = "VIRTIO_NET_F_GUEST_ANNOUNCE, guest-announce",
    [22] = "VIRTIO_NET_F_MQ, mq",
    [23] = "VIRTIO_NET_F_CTRL_MAC_ADDR, ctrl-mac-addr",
    [63] = "VIRTIO_NET_F_SPEED_DUPLEX, speed",
  };

  return bit < GWT_COUNT (names) ? names[bit] : NULL;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static int
pre_save (void *self, struct gwt_error *err)
{
  struct virtio_net *n = self;
  uint32_t i;

  (void) err;
  net_hold_all (n);
  for (i = 0; n->running && i < n->n_pairs; i++)
    rings_give_back (&n->pairs[i]);
  net_release_all (n);
  return 0;
}

static uint32_t
has_offloads (const struct virtio_net *n)
{
  struct gwt_net_info info = { .struct_size = sizeof info };

  if (n->netdev)
    net_api->info (n->netdev, &info);
  return (info.send_offloads | info.receive_offloads) != 0;
}

static void
put_vlans (const struct virtio_net *n, uint64_t features, struct gwt_vm_out *out)
{
  uint32_t i;

  /* Without the filter all of them are received. */
  for (i = 0; i < VLAN_BYTES; i++)
    vmstate_api->put_be (out, 1,
                         features & F_CTRL_VLAN ? n->vlans[i / 4] >> 8 * (i % 4) & 0xff : 0xff);
}

int
net_put_state (void *self, struct gwt_vm_out *out, struct gwt_error *err)
{
  const struct virtio_net *n = self;
  uint64_t features = virtio_api->features (n->virtio);
  uint32_t i;

  (void) err;
  vmstate_api->put (out, n->mac, MAC);
  vmstate_api->put_be (out, 4, 0); /* frames to send that wait for something */
  vmstate_api->put_be (out, 4, (features & F_MRG_RXBUF) != 0);
  vmstate_api->put_be (out, 2, n->status);
  vmstate_api->put_be (out, 1, n->promisc);
  vmstate_api->put_be (out, 1, n->allmulti);
  vmstate_api->put_be (out, 4, (uint32_t) n->n_uni + n->n_multi);
  vmstate_api->put (out, n->table, MAC * ((uint32_t) n->n_uni + n->n_multi));
  put_vlans (n, features, out);
  vmstate_api->put_be (out, 4, has_offloads (n)); /* frames have headers */
  vmstate_api->put_be (out, 1, n->multi_overflow);
  vmstate_api->put_be (out, 1, n->uni_overflow);
  vmstate_api->put_be (out, 1, n->alluni);
  vmstate_api->put_be (out, 1, n->nomulti);
  vmstate_api->put_be (out, 1, n->nouni);
  vmstate_api->put_be (out, 1, n->nobcast);
  vmstate_api->put_be (out, 1, 0); /* UFO */
  if (n->n_pairs > 1)
    {
      vmstate_api->put_be (out, 2, n->n_pairs);
      vmstate_api->put_be (out, 2, n->pairs_used);
      for (i = 1; i < n->pairs_used; i++)
        vmstate_api->put_be (out, 4, 0);
    }
  if (features & F_CTRL_GUEST_OFFLOADS)
    vmstate_api->put_be (out, 8, n->guest_offloads);
  return 0;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static int
refuse (struct gwt_error *err, const char *what, uint64_t value, const char *why)
{
  net_host->error_set (err, GWT_E_RANGE, "%s: %llu %s", what, (unsigned long long) value, why);
  return -1;
}

static int
get_flag (struct gwt_vm_in *in, const char *what, uint8_t *flag, struct gwt_error *err)
{
  uint64_t value;

  if (vmstate_api->get_be (in, 1, &value, err) != 0)
    return -1;
  if (value > 1)
    return refuse (err, what, value, "is neither 0 nor 1");
  *flag = (uint8_t) value;
  return 0;
}

/* Addresses of the one kind, then of the other: the first with the bit of a group. */
static void
tell_apart (struct virtio_net *n, uint32_t count)
{
  uint32_t i;

  for (i = 0; i < count && !(n->table[MAC * i] & 1); i++)
    ;
  n->n_uni = (uint16_t) i;
  n->n_multi = (uint16_t) (count - i);
}

static int
get_filters (struct virtio_net *n, uint64_t features, struct gwt_vm_in *in, struct gwt_error *err)
{
  uint64_t count;
  uint32_t i;
  uint8_t vlans[VLAN_BYTES];

  if (get_flag (in, "promisc", &n->promisc, err) != 0
      || get_flag (in, "allmulti", &n->allmulti, err) != 0
      || vmstate_api->get_be (in, 4, &count, err) != 0)
    return -1;
  if (count > MACS_MAX)
    return refuse (err, "addresses to receive", count, "are more than 64");
  memset (n->table, 0, sizeof n->table);
  if (vmstate_api->get (in, n->table, MAC * count, err) != 0
      || vmstate_api->get (in, vlans, sizeof vlans, err) != 0)
    return -1;
  tell_apart (n, (uint32_t) count);
  memset (n->vlans, 0, sizeof n->vlans);
  for (i = 0; (features & F_CTRL_VLAN) && i < VLAN_BYTES; i++)
    n->vlans[i / 4] |= (uint32_t) vlans[i] << 8 * (i % 4);
  return 0;
}

static int
get_pairs (struct virtio_net *n, struct gwt_vm_in *in, struct gwt_error *err)
{
  uint64_t there, pairs, i, waiting;

  n->pairs_used = 1;
  if (n->n_pairs == 1)
    return 0;
  if (vmstate_api->get_be (in, 2, &there, err) != 0
      || vmstate_api->get_be (in, 2, &pairs, err) != 0)
    return -1;
  if (there != n->n_pairs)
    {
      net_host->error_set (err, GWT_E_INVALID,
                           "it has %llu queue pairs at the sender and %u here; give both back ends "
                           "the same queues",
                           (unsigned long long) there, n->n_pairs);
      return -1;
    }
  if (pairs == 0 || pairs > there)
    return refuse (err, "queue pairs in use", pairs, "are none, or more than there are");
  n->pairs_used = (uint16_t) pairs;
  for (i = 1; i < pairs; i++)
    if (vmstate_api->get_be (in, 4, &waiting, err) != 0)
      return -1;
  return 0;
}

static int
get_offloads (struct virtio_net *n, uint64_t features, struct gwt_vm_in *in, struct gwt_error *err)
{
  n->guest_offloads = net_first_offloads (features);
  if (!(features & F_CTRL_GUEST_OFFLOADS))
    return 0;
  if (vmstate_api->get_be (in, 8, &n->guest_offloads, err) != 0)
    return -1;
  if (n->guest_offloads & ~(features & GUEST_OFFLOADS))
    return refuse (err, "guest offloads", n->guest_offloads, "are not all negotiated");
  return 0;
}

int
net_get_state (void *self, const struct gwt_virtio_loading *loading, struct gwt_vm_in *in,
               struct gwt_error *err)
{
  struct virtio_net *n = self;
  uint64_t waiting, mergeable, status, headers, features = loading->features;
  uint8_t ufo;

  if (vmstate_api->get (in, n->mac, MAC, err) != 0
      || vmstate_api->get_be (in, 4, &waiting, err) != 0
      || vmstate_api->get_be (in, 4, &mergeable, err) != 0
      || vmstate_api->get_be (in, 2, &status, err) != 0)
    return -1;
  if (mergeable != ((features & F_MRG_RXBUF) != 0))
    return refuse (err, "mergeable buffers", mergeable, "is not what was negotiated");
  if (status & ~(uint64_t) (STATUS_LINK_UP | STATUS_ANNOUNCE))
    return refuse (err, "link status", status, "has bits that there are not");
  n->status = (uint16_t) status;
  if (get_filters (n, features, in, err) != 0 || vmstate_api->get_be (in, 4, &headers, err) != 0)
    return -1;
  if (headers > 1)
    return refuse (err, "headers", headers, "is neither 0 nor 1");
  if (get_flag (in, "multi_overflow", &n->multi_overflow, err) != 0
      || get_flag (in, "uni_overflow", &n->uni_overflow, err) != 0
      || get_flag (in, "alluni", &n->alluni, err) != 0
      || get_flag (in, "nomulti", &n->nomulti, err) != 0
      || get_flag (in, "nouni", &n->nouni, err) != 0
      || get_flag (in, "nobcast", &n->nobcast, err) != 0 || get_flag (in, "ufo", &ufo, err) != 0)
    return -1;
  return get_pairs (n, in, err) != 0 ? -1 : get_offloads (n, features, in, err);
}

static void
loaded (void *self, uint32_t version)
{
  struct virtio_net *n = self;
  struct gwt_net_info info = { .struct_size = sizeof info };

  (void) version;
  if (n->attached)
    net_api->info (n->netdev, &info);
  n->link_moved = !!(n->status & STATUS_LINK_UP) != !!info.link_up;
  net_derive (n, virtio_api->features (n->virtio));
  net_apply_offloads (n);
  if (n->attached)
    net_api->set_queues (n->netdev, n->pairs_used);
}

/* ---- what QEMU finds out by itself ------------------------------------------------------------
 */

/* A driver may have given an address of a group as one that is none, or the other way round. */
static uint32_t
is_mixed (const void *self)
{
  struct virtio_net n = *(const struct virtio_net *) self;
  uint32_t uni = n.n_uni;

  tell_apart (&n, uni + n.n_multi);
  return n.n_uni != uni;
}

static int
uni_put (const void *self, const struct gwt_vm_field *field, struct gwt_vm_out *out,
         struct gwt_error *err)
{
  (void) field;
  (void) err;
  vmstate_api->put_be (out, 2, ((const struct virtio_net *) self)->n_uni);
  return 0;
}

static int
uni_get (void *self, const struct gwt_vm_field *field, struct gwt_vm_in *in, struct gwt_error *err)
{
  struct virtio_net *n = self;
  uint32_t count = (uint32_t) n->n_uni + n->n_multi;
  uint64_t uni;

  (void) field;
  if (vmstate_api->get_be (in, 2, &uni, err) != 0)
    return -1;
  if (uni > count)
    return refuse (err, "unicast addresses", uni, "are more than addresses");
  n->n_uni = (uint16_t) uni;
  n->n_multi = (uint16_t) (count - uni);
  return 0;
}

static const struct gwt_vm_custom uni_custom
    = { sizeof uni_custom, "unicast count", uni_put, uni_get };
static const struct gwt_vm_field mixed_fields[] = { GWT_VM_OWN_PART ("n_uni", &uni_custom) };
static const struct gwt_vmstate mixed_state
    = GWT_VMSTATE (struct virtio_net, "virtio-net/addresses", 1, 1, mixed_fields,
                   .needed = is_mixed);

#define N struct virtio_net
static const struct gwt_vmstate *const subsections[] = { &mixed_state, NULL };
static const struct gwt_vm_field fields[] = {
  GWT_VIRTIO_FIELD (N, virtio, net_virtio), GWT_VM_COMPUTED (N, mac),
  GWT_VM_COMPUTED (N, status),              GWT_VM_COMPUTED (N, pairs_used),
  GWT_VM_COMPUTED (N, promisc),             GWT_VM_COMPUTED (N, allmulti),
  GWT_VM_COMPUTED (N, alluni),              GWT_VM_COMPUTED (N, nomulti),
  GWT_VM_COMPUTED (N, nouni),               GWT_VM_COMPUTED (N, nobcast),
  GWT_VM_COMPUTED (N, uni_overflow),        GWT_VM_COMPUTED (N, multi_overflow),
  GWT_VM_COMPUTED (N, n_uni),               GWT_VM_COMPUTED (N, n_multi),
  GWT_VM_COMPUTED (N, table),               GWT_VM_COMPUTED (N, vlans),
  GWT_VM_COMPUTED (N, guest_offloads),
};
static const struct gwt_vmstate state
    = GWT_VMSTATE (N, "virtio-net", 11, 11, fields, .subsections = subsections,
                   .pre_save = pre_save, .loaded = loaded);
const struct gwt_vmstate *const net_states[] = { &state, NULL };
