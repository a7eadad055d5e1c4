/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has to be done to Ethernet frames where one side cannot do it: checksums, large TCP frames,
 * IPv4 fragments.  It must not know where frames come from.  Every frame is hostile: each field
 * that says how long something is is checked against what is there.
 */
#include "config.h"
#include "core/backend/netdev-internal.h"
#include <string.h>

#define ETHERNET 14
#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define PROTOCOL_TCP 6
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_PSH 0x08
#define TCP_CWR 0x80
#define TCP_CHECKSUM 16 /* offset in its header */
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2

/* ---- buffers --------------------------------------------------------------------------------- */

uint64_t
net_iov_size (const struct gwt_iovec *iov, uint32_t n)
{
  uint64_t size = 0;

  for (uint32_t i = 0; i < n; i++)
    size += iov[i].size;
  return size;
}

static uint64_t
iov_copy (const struct gwt_iovec *iov, uint32_t n, uint64_t offset, uint8_t *to,
          const uint8_t *from, uint64_t size)
{
  uint64_t done = 0;

  for (uint32_t i = 0; i < n && done < size; i++)
    {
      uint64_t part;

      if (offset >= iov[i].size)
        {
          offset -= iov[i].size;
          continue;
        }
      part = MIN (iov[i].size - offset, size - done);
      if (to)
        memcpy (to + done, (uint8_t *) iov[i].base + offset, part);
      else
        memcpy ((uint8_t *) iov[i].base + offset, from + done, part);
      done += part;
      offset = 0;
    }
  return done;
}

uint64_t
net_iov_to (const struct gwt_iovec *iov, uint32_t n, uint64_t offset, void *data, uint64_t size)
{
  return iov_copy (iov, n, offset, data, NULL, size);
}

uint64_t
net_iov_from (const struct gwt_iovec *iov, uint32_t n, uint64_t offset, const void *data,
              uint64_t size)
{
  return iov_copy (iov, n, offset, NULL, data, size);
}

uint32_t
net_iov_host (const struct gwt_iovec *iov, uint32_t n, uint64_t skip, uint32_t room,
              struct iovec *to)
{
  uint32_t count = room;

  for (uint32_t i = 0; i < n; i++)
    {
      uint64_t part = MIN (skip, iov[i].size);

      skip -= part;
      if (part == iov[i].size)
        continue;
      if (count == NET_IOV_MAX)
        return 0;
      to[count].iov_base = (uint8_t *) iov[i].base + part;
      to[count++].iov_len = iov[i].size - part;
    }
  return count;
}

static uint16_t
get16 (const uint8_t *p)
{
  return (uint16_t) (p[0] << 8 | p[1]);
}

static uint32_t
get32 (const uint8_t *p)
{
  return (uint32_t) get16 (p) << 16 | get16 (p + 2);
}

static void
put16 (uint8_t *p, uint16_t value)
{
  p[0] = (uint8_t) (value >> 8);
  p[1] = (uint8_t) value;
}

static void
put32 (uint8_t *p, uint32_t value)
{
  put16 (p, (uint16_t) (value >> 16));
  put16 (p + 2, (uint16_t) value);
}

/* ---- checksums ------------------------------------------------------------------------------- */

/* The sum of big-endian 16-bit words, RFC 1071, not folded; a last odd byte is a high one. */
static uint64_t
sum (const uint8_t *p, uint64_t size)
{
  uint64_t total = 0, word;
  uint16_t rest = 0;

  /* The sum does not care for the order of bytes but at its end: take them as the host does, and
     keep carries apart in the upper half. */
  for (; size >= 8; p += 8, size -= 8)
    {
      memcpy (&word, p, 8);
      total += (word & 0xffffffff) + (word >> 32);
    }
  for (; size >= 2; p += 2, size -= 2)
    {
      memcpy (&rest, p, 2);
      total += rest;
    }
  if (size)
    {
      rest = 0;
      memcpy (&rest, p, 1);
      total += rest;
    }
  while (total >> 16)
    total = (total & 0xffff) + (total >> 16);
  return GUINT16_FROM_BE ((uint16_t) total);
}

static uint16_t
fold (uint64_t total)
{
  while (total >> 16)
    total = (total & 0xffff) + (total >> 16);
  return (uint16_t) total;
}

bool
net_complete_checksum (const struct gwt_net_header *header, uint8_t *frame, uint64_t size)
{
  uint64_t start = GUINT16_FROM_LE (header->csum_start);
  uint64_t at = start + GUINT16_FROM_LE (header->csum_offset);
  uint16_t value;

  if (start >= size || at + 2 > size)
    return false;
  value = (uint16_t) ~fold (sum (frame + start, size - start));
  /* Zero means "none" to UDP; the other zero is the same number. */
  put16 (frame + at, value ? value : 0xffff);
  return true;
}

/* ---- headers --------------------------------------------------------------------------------- */

struct packet
{
  uint8_t *ip, *tcp; /* tcp: behind the IP header, whatever it is */
  uint32_t ip_size;  /* of its header */
  uint32_t tcp_size; /* of its header; 0: not TCP, or a fragment */
  uint64_t size;     /* from the IP header on, as it says itself */
  bool v6;
};

/* Where things are in FRAME; false where it is not IP, or lies about its size. */
static bool
take_apart (uint8_t *frame, uint64_t size, struct packet *p)
{
  uint32_t protocol;
  bool fragment = false;

  memset (p, 0, sizeof *p);
  if (size < ETHERNET + 20)
    return false;
  p->ip = frame + ETHERNET;
  size -= ETHERNET;
  if (get16 (frame + 12) == TYPE_IPV4 && p->ip[0] >> 4 == 4)
    {
      p->ip_size = 4u * (p->ip[0] & 15);
      p->size = get16 (p->ip + 2);
      protocol = p->ip[9];
      fragment = (get16 (p->ip + 6) & 0x3fff) != 0;
      if (p->ip_size < 20)
        return false;
    }
  else if (get16 (frame + 12) == TYPE_IPV6 && p->ip[0] >> 4 == 6 && size >= 40)
    {
      p->v6 = true;
      p->ip_size = 40;
      p->size = 40u + get16 (p->ip + 4);
      protocol = p->ip[6];
    }
  else
    return false;
  if (p->size > size || p->size < p->ip_size)
    return false;
  p->tcp = p->ip + p->ip_size;
  if (protocol == PROTOCOL_TCP && !fragment && p->size >= p->ip_size + 20)
    {
      p->tcp_size = 4u * (p->tcp[12] >> 4);
      if (p->tcp_size < 20 || p->ip_size + p->tcp_size > p->size)
        p->tcp_size = 0;
    }
  return true;
}

/* Sum of the pseudo header for SIZE bytes of TCP, RFC 9293 and RFC 8200. */
static uint64_t
pseudo_sum (const struct packet *p, uint64_t size)
{
  return (p->v6 ? sum (p->ip + 8, 32) : sum (p->ip + 12, 8)) + PROTOCOL_TCP + (size >> 16)
         + (size & 0xffff);
}

static void
sum_tcp (const struct packet *p)
{
  uint64_t size = p->size - p->ip_size;

  put16 (p->tcp + TCP_CHECKSUM, 0);
  put16 (p->tcp + TCP_CHECKSUM, (uint16_t) ~fold (pseudo_sum (p, size) + sum (p->tcp, size)));
}

static void
sum_ipv4 (uint8_t *ip, uint32_t ip_size)
{
  put16 (ip + 10, 0);
  put16 (ip + 10, (uint16_t) ~fold (sum (ip, ip_size)));
}

void
net_raise_mss (uint8_t *frame, uint64_t size, uint16_t mss4, uint16_t mss6)
{
  struct packet p;
  uint32_t at;

  if (!take_apart (frame, size, &p) || !p.tcp_size || !(p.tcp[13] & TCP_SYN)
      || (p.v6 ? mss6 : mss4) == 0)
    return;
  for (at = 20; at + 1 < p.tcp_size && p.tcp[at] != OPTION_END;)
    {
      if (p.tcp[at] == OPTION_NOP)
        {
          at++;
          continue;
        }
      if (p.tcp[at + 1] < 2 || at + p.tcp[at + 1] > p.tcp_size)
        return;
      if (p.tcp[at] == OPTION_MSS && p.tcp[at + 1] == 4)
        {
          put16 (p.tcp + at + 2, p.v6 ? mss6 : mss4);
          sum_tcp (&p);
          return;
        }
      at += p.tcp[at + 1];
    }
}

/* ---- large frames ---------------------------------------------------------------------------- */

bool
net_describe_large (uint8_t *frame, uint64_t size, uint32_t mtu, uint64_t offloads,
                    struct gwt_net_header *header)
{
  struct packet p;
  uint32_t headers;

  if (!take_apart (frame, size, &p) || !p.tcp_size || p.size <= mtu)
    return false;
  headers = p.ip_size + p.tcp_size;
  if (!(offloads & (p.v6 ? GWT_NET_OFFLOAD_TSO6 : GWT_NET_OFFLOAD_TSO4))
      || !(offloads & GWT_NET_OFFLOAD_CSUM) || headers >= mtu)
    return false;
  memset (header, 0, sizeof *header);
  header->flags = GWT_NET_NEEDS_CSUM;
  header->gso_type = p.v6 ? GWT_NET_GSO_TCPV6 : GWT_NET_GSO_TCPV4;
  header->header_size = GUINT16_TO_LE ((uint16_t) (ETHERNET + headers));
  header->gso_size = GUINT16_TO_LE ((uint16_t) (mtu - headers));
  header->csum_start = GUINT16_TO_LE ((uint16_t) (ETHERNET + p.ip_size));
  header->csum_offset = GUINT16_TO_LE (TCP_CHECKSUM);
  put16 (p.tcp + TCP_CHECKSUM, fold (pseudo_sum (&p, p.size - p.ip_size)));
  return true;
}

/* Piece NUMBER of TCP frame P, which is LENGTH bytes of payload from OFFSET on. */
static uint64_t
make_segment (const uint8_t *frame, const struct packet *p, uint32_t number, uint64_t offset,
              uint64_t length, uint8_t *room)
{
  uint32_t headers = p->ip_size + p->tcp_size;
  bool last = offset + length == p->size - headers;
  struct packet s = *p;

  memcpy (room, frame, ETHERNET + headers);
  memcpy (room + ETHERNET + headers, frame + ETHERNET + headers + offset, length);
  s.ip = room + ETHERNET;
  s.tcp = s.ip + s.ip_size;
  s.size = headers + length;
  put32 (s.tcp + 4, get32 (p->tcp + 4) + (uint32_t) offset);
  if (!last)
    s.tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
  if (offset)
    s.tcp[13] &= (uint8_t) ~TCP_CWR;
  if (s.v6)
    put16 (s.ip + 4, (uint16_t) (s.size - 40));
  else
    {
      put16 (s.ip + 2, (uint16_t) s.size);
      put16 (s.ip + 4, (uint16_t) (get16 (p->ip + 4) + number));
      sum_ipv4 (s.ip, s.ip_size);
    }
  sum_tcp (&s);
  return ETHERNET + s.size;
}

/* The fragment of IPv4 frame P that is LENGTH bytes from OFFSET on. */
static uint64_t
make_fragment (const uint8_t *frame, const struct packet *p, uint64_t offset, uint64_t length,
               uint8_t *room)
{
  uint16_t where = get16 (p->ip + 6);
  bool last = offset + length == p->size - p->ip_size;
  uint8_t *ip = room + ETHERNET;

  memcpy (room, frame, ETHERNET + p->ip_size);
  memcpy (ip + p->ip_size, p->ip + p->ip_size + offset, length);
  put16 (ip + 2, (uint16_t) (p->ip_size + length));
  /* More fragments: between ours, and behind our last one if there were more before. */
  put16 (ip + 6, (uint16_t) ((where & 0x2000) | (last ? 0 : 0x2000)
                             | ((where & 0x1fff) + offset / 8)));
  sum_ipv4 (ip, p->ip_size);
  return ETHERNET + p->ip_size + length;
}

bool
net_cut (const uint8_t *frame, uint64_t size, uint32_t mtu, uint8_t *room, net_piece_fn fn,
         void *data)
{
  uint64_t offset, payload, part;
  uint32_t number = 0;
  struct packet p;

  /* Only read through P. */
  if (!take_apart ((uint8_t *) frame, size, &p) || p.size <= mtu)
    return false;
  if (p.tcp_size)
    {
      if (mtu < p.ip_size + p.tcp_size + 8)
        return false;
      payload = p.size - p.ip_size - p.tcp_size;
      part = mtu - p.ip_size - p.tcp_size;
    }
  else
    {
      /* What must not be fragmented, or has options that go into some fragments only. */
      if (p.v6 || (get16 (p.ip + 6) & 0x4000) || p.ip_size != 20 || mtu < 28)
        return false;
      payload = p.size - p.ip_size;
      part = (mtu - p.ip_size) & ~7u;
    }
  for (offset = 0; offset < payload; offset += part)
    {
      uint64_t length = MIN (part, payload - offset);

      fn (data, room,
          p.tcp_size ? make_segment (frame, &p, number++, offset, length, room)
                     : make_fragment (frame, &p, offset, length, room));
    }
  return true;
}
