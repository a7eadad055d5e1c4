/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control queue, virtio 1.2 §5.1.6.5, and what its commands set: which frames the guest wants,
 * how many queue pairs, which offloads.  It must not know how frames are moved.
 */
#include "virtio-net.h"

#include <string.h>

#define CONTROL_TURN 16u

enum
{
  CLASS_RX = 0,
  CLASS_MAC = 1,
  CLASS_VLAN = 2,
  CLASS_ANNOUNCE = 3,
  CLASS_MQ = 4,
  CLASS_OFFLOADS = 5
};

#define RX_COMMANDS 6u
#define MAC_TABLE_SET 0u
#define MAC_ADDR_SET 1u
#define VLAN_ADD 0u
#define VLAN_DEL 1u

#define ACK_OK 0u
#define ACK_ERROR 1u

void
control_reset (struct virtio_net *n)
{
  memcpy (n->mac, n->first_mac, MAC);
  n->status &= (uint16_t) ~STATUS_ANNOUNCE;
  n->pairs_used = 1;
  /* §5.1.6.5.1 leaves it open; a driver that never says anything gets all. */
  n->promisc = 1;
  n->allmulti = n->alluni = n->nomulti = n->nouni = n->nobcast = 0;
  n->uni_overflow = n->multi_overflow = 0;
  n->n_uni = n->n_multi = 0;
  memset (n->table, 0, sizeof n->table);
  memset (n->vlans, 0, sizeof n->vlans);
  n->guest_offloads = 0;
}

/* ---- which frames -----------------------------------------------------------------------------
 */

static uint32_t
in_table (const struct virtio_net *n, uint32_t first, uint32_t count, const uint8_t *mac)
{
  uint32_t i;

  for (i = first; i < first + count; i++)
    if (memcmp (n->table + MAC * i, mac, MAC) == 0)
      return 1;
  return 0;
}

uint32_t
control_wants (const struct virtio_net *n, const uint8_t *frame)
{
  static const uint8_t broadcast[MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

  if (n->promisc)
    return 1;
  if ((n->features & F_CTRL_VLAN) && frame[12] == 0x81 && frame[13] == 0x00)
    {
      uint32_t vlan = (frame[14] & 0x0fu) << 8 | frame[15];

      if (!(n->vlans[vlan / 32] >> vlan % 32 & 1))
        return 0;
    }
  if (frame[0] & 1)
    {
      if (memcmp (frame, broadcast, MAC) == 0)
        return !n->nobcast;
      if (n->nomulti)
        return 0;
      return n->allmulti || n->multi_overflow || in_table (n, n->n_uni, n->n_multi, frame);
    }
  if (n->nouni)
    return 0;
  return n->alluni || n->uni_overflow || memcmp (frame, n->mac, MAC) == 0
         || in_table (n, 0, n->n_uni, frame);
}

/* ---- commands ---------------------------------------------------------------------------------
 */

/* What the driver wrote after class and command. */
struct body
{
  const struct gwt_virtq_chain *chain;
  uint64_t at;
};

static uint64_t
left (const struct body *b)
{
  return b->chain->readable_size - b->at;
}

static uint32_t
take (struct body *b, void *data, uint64_t size)
{
  if (left (b) < size)
    return 0;
  iov_read (b->chain->readable, b->chain->n_readable, b->at, data, size);
  b->at += size;
  return 1;
}

static uint32_t
take_number (struct body *b, uint32_t size, uint64_t *value)
{
  uint8_t bytes[8] = { 0 };
  uint32_t i;

  *value = 0;
  if (!take (b, bytes, size))
    return 0;
  for (i = 0; i < size; i++)
    *value |= (uint64_t) bytes[i] << 8 * i;
  return 1;
}

static uint32_t
set_rx (struct virtio_net *n, uint32_t command, struct body *b)
{
  uint8_t *const modes[RX_COMMANDS]
      = { &n->promisc, &n->allmulti, &n->alluni, &n->nomulti, &n->nouni, &n->nobcast };
  uint64_t on;

  if (command >= RX_COMMANDS
      || !(n->features & (command < 2 ? F_CTRL_RX : F_CTRL_RX_EXTRA)) || !take_number (b, 1, &on)
      || left (b))
    return ACK_ERROR;
  *modes[command] = on != 0;
  return ACK_OK;
}

/* One of the two lists: its addresses to the table from FIRST on, or too many for it. */
static uint32_t
take_macs (struct body *b, uint8_t *table, uint16_t first, uint16_t *count, uint8_t *overflow)
{
  uint64_t entries;

  *count = 0;
  *overflow = 0;
  if (!take_number (b, 4, &entries) || entries > left (b) / MAC)
    return 0;
  if (entries <= (uint64_t) (MACS_MAX - first))
    {
      *count = (uint16_t) entries;
      return take (b, table + MAC * first, MAC * entries);
    }
  *overflow = 1;
  b->at += MAC * entries;
  return 1;
}

static uint32_t
set_mac (struct virtio_net *n, uint32_t command, struct body *b)
{
  uint8_t table[sizeof n->table] = { 0 }, uni_overflow, multi_overflow;
  uint16_t n_uni, n_multi;

  if (command == MAC_ADDR_SET && (n->features & F_CTRL_MAC_ADDR) && left (b) == MAC)
    return take (b, n->mac, MAC) ? ACK_OK : ACK_ERROR;
  if (command != MAC_TABLE_SET || !(n->features & F_CTRL_RX)
      || !take_macs (b, table, 0, &n_uni, &uni_overflow)
      || !take_macs (b, table, n_uni, &n_multi, &multi_overflow) || left (b))
    return ACK_ERROR;
  memcpy (n->table, table, sizeof table);
  n->n_uni = n_uni;
  n->n_multi = n_multi;
  n->uni_overflow = uni_overflow;
  n->multi_overflow = multi_overflow;
  return ACK_OK;
}

static uint32_t
set_vlan (struct virtio_net *n, uint32_t command, struct body *b)
{
  uint64_t vlan;

  if (!(n->features & F_CTRL_VLAN) || command > VLAN_DEL || !take_number (b, 2, &vlan) || left (b)
      || vlan >= VLANS)
    return ACK_ERROR;
  if (command == VLAN_ADD)
    n->vlans[vlan / 32] |= 1u << vlan % 32;
  else
    n->vlans[vlan / 32] &= ~(1u << vlan % 32);
  return ACK_OK;
}

static uint32_t
acknowledge_announce (struct virtio_net *n, uint32_t command, struct body *b)
{
  if (command != 0 || !(n->features & F_GUEST_ANNOUNCE) || left (b)
      || !(__atomic_fetch_and (&n->status, (uint16_t) ~STATUS_ANNOUNCE, __ATOMIC_SEQ_CST)
           & STATUS_ANNOUNCE))
    return ACK_ERROR;
  return ACK_OK;
}

static uint32_t
set_pairs (struct virtio_net *n, uint32_t command, struct body *b)
{
  uint64_t pairs;

  if (!(n->features & F_MQ) || command != 0 || !take_number (b, 2, &pairs) || left (b) || pairs == 0
      || pairs > n->n_pairs)
    return ACK_ERROR;
  n->pairs_used = (uint16_t) pairs;
  if (n->attached)
    net_api->set_queues (n->netdev, (uint32_t) pairs);
  return ACK_OK;
}

static uint32_t
set_offloads (struct virtio_net *n, uint32_t command, struct body *b)
{
  uint64_t offloads;

  if (!(n->features & F_CTRL_GUEST_OFFLOADS) || command != 0 || !take_number (b, 8, &offloads)
      || left (b) || (offloads & ~(n->features & GUEST_OFFLOADS)))
    return ACK_ERROR;
  n->guest_offloads = offloads;
  net_apply_offloads (n);
  return ACK_OK;
}

static uint32_t
carry_out (struct virtio_net *n, struct body *b)
{
  static uint32_t (*const classes[]) (struct virtio_net *, uint32_t, struct body *)
      = { [CLASS_RX] = set_rx,
          [CLASS_MAC] = set_mac,
          [CLASS_VLAN] = set_vlan,
          [CLASS_ANNOUNCE] = acknowledge_announce,
          [CLASS_MQ] = set_pairs,
          [CLASS_OFFLOADS] = set_offloads };
  uint8_t head[2];
  uint32_t ack;

  if (!take (b, head, 2) || head[0] >= GWT_COUNT (classes))
    return ACK_ERROR;
  net_hold_all (n);
  ack = classes[head[0]](n, head[1], b);
  net_release_all (n);
  return ack;
}

void
control_serve (struct virtio_net *n)
{
  struct gwt_virtq_chain *c = NULL;
  uint32_t turn = 0;

  pthread_mutex_lock (&n->control_lock);
  while (n->running && turn < CONTROL_TURN && (c = virtio_api->pop (n->control)) != NULL)
    {
      struct body b = { c, 0 };
      uint32_t i = 0;

      turn++;
      if (c->writable_size == 0)
        {
          virtio_api->push (n->control, c, 0);
          virtio_api->broken (n->virtio, "a command without room for its answer");
          break;
        }
      while (c->writable[i].size == 0)
        i++;
      *(uint8_t *) c->writable[i].base = (uint8_t) carry_out (n, &b);
      virtio_api->push (n->control, c, 1);
    }
  /* A driver that never ends does not keep a vCPU here. */
  if (turn == CONTROL_TURN)
    clock_api->timer_set (n->control_timer, 0);
  pthread_mutex_unlock (&n->control_lock);
  if (turn)
    virtio_api->notify (n->control);
}
