/* SPDX-License-Identifier: BSD-2-Clause */
/* Network back ends: what users write, frames cut and described, threads and a device's end. */
#include "config.h"
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/backend/netdev-internal.h"
#include "core/cpu/run.h"
#include "core/device/device.h"
#include "core/device/lock.h"
#include "core/util/extension.h"
#include "tests/device/sample.h"

/* ---- what users write ------------------------------------------------------------------------ */

static void
test_refusals (void)
{
  static const struct
  {
    const char *option, *text;
  } cases[] = {
    { "usr,id=n", "'usr' is no network back end; use one of " },
    { "", "'' is no network back end" },
    { "socket,id=n", "'socket': not in this release: use stream or dgram, which do the same" },
    { "hubport,id=n", "'hubport': not in this release: give each device its own back end" },
    { "tap", "'tap' has no id; add id=NAME" },
    { "tap,id=1x", "id '1x' is malformed; use a letter" },
    { "tap,id=n,ifnam=x", "'tap' has no option 'ifnam'; leave it out; did you mean 'ifname'" },
    { "tap,id=n,ifname", "'ifname' has no value; use ifname=..., for a switch ifname=on" },
    { "tap,id=n,id=m", "'id' is given twice; give it once" },
    { "tap,id=n,ifname=a/b", "'n': ifname: 'a/b' is no name of an interface" },
    { "tap,id=n,ifname=0123456789abcdef", "'n': ifname: '0123456789abcdef' is no name" },
    { "tap,id=n,queues=0", "'n': queues: '0' is out of range; use 1 to 256" },
    { "tap,id=n,queues=257", "'n': queues: '257' is out of range; use 1 to 256" },
    { "tap,id=n,vnet_hdr=yes", "'n': vnet_hdr: " },
    { "tap,id=n,script=/nonexistent", "'n': script: '/nonexistent' cannot be run; name a program, "
                                      "or script=no" },
    { "tap,id=n,fd=0", "'n': fd '0' is no open tap interface; pass one that the caller has" },
    { "tap,id=n,fd=99", "'n': fd '99' is no open tap interface" },
    { "tap,id=n,fd=9,ifname=x", "'n': fd= says all about the interface; leave out the other" },
    { "stream,id=n", "'n': no address; add addr.type=unix,addr.path=FILE, " },
    { "stream,id=n,addr.type=unix,addr.path=/x,addr.host=h", "'n': no address; add " },
    { "stream,id=n,addr.type=fd,addr.str=0", "'n': addr.str: '0' is no open stream socket" },
    { "stream,id=n,addr.type=fd", "'n': 'addr.str' is missing; add addr.str=NUMBER" },
    { "dgram,id=n", "'n': it needs a local and a remote address of the same type; add " },
    { "dgram,id=n,local.type=inet,local.host=localhost,local.port=1",
      "'n': local: 'localhost' port '1' is no numeric address; use one such as 127.0.0.1" },
    { "dgram,id=n,local.type=fd,local.str=3,remote.type=unix",
      "'n': local.type=fd says all about the socket; leave out 'remote.type'" },
#ifdef HAVE_SLIRP
    { "user,id=n,net=10.0.2.0/31", "'n': net: '10.0.2.0/31' is no network; use one such as " },
    { "user,id=n,net=10.0.2.0/255.0.255.0", "'n': net: '10.0.2.0/255.0.255.0' is no network" },
    { "user,id=n,net=ten", "'n': net: 'ten' is no network" },
    { "user,id=n,host=10.0.3.2", "'n': host: 10.0.3.2 is no host's address in the network" },
    { "user,id=n,host=10.0.2.255", "'n': host: 10.0.2.255 is no host's address" },
    { "user,id=n,dns=10.0.2.2", "'n': host, dns and dhcpstart are not three addresses" },
    { "user,id=n,dhcpstart=x", "'n': dhcpstart: 'x' is no IPv4 address; use one such as " },
    { "user,id=n,ipv6-net=fec0::/127", "'n': ipv6-net: 'fec0::/127' is no network" },
    { "user,id=n,ipv6-host=x", "'n': ipv6-host: 'x' is no IPv6 address" },
    { "user,id=n,mtu=575", "'n': mtu: '575' is out of range; use 576 to 65521" },
    { "user,id=n,ipv4=off,ipv6=off", "'n': ipv4 and ipv6 are both off; leave one on" },
    { "user,id=n,ipv4=off,hostfwd=::1-:1", "'n': hostfwd needs IPv4; leave out ipv4=off" },
    { "user,id=n,tftp=/nonexistent", "'n': tftp: '/nonexistent': no such folder; check the path" },
    { "user,id=n,hostname=", "'n': hostname: '' is empty; use 1 to 127 characters" },
    { "user,id=n,hostfwd=x", "'n': hostfwd: 'x' is not of the form " },
    { "user,id=n,hostfwd=tcp::1", "'n': hostfwd: 'tcp::1' is not of the form " },
    { "user,id=n,hostfwd=tcp:::1-:2", "'n': hostfwd: 'tcp:::1-:2' is not of the form " },
    { "user,id=n,hostfwd=sctp::1-:2", "'n': hostfwd: 'sctp::1-:2' begins with neither tcp: nor" },
    { "user,id=n,hostfwd=tcp:host:1-:2", "has a host address that is no IPv4 address; use one" },
    { "user,id=n,hostfwd=tcp::65536-:2", "has a host port that is none; use 0 to 65535" },
    { "user,id=n,hostfwd=tcp::1-guest:2", "has a guest address that is no IPv4 address" },
    { "user,id=n,hostfwd=tcp::1-:0", "has a guest port that is none; use 1 to 65535" },
#endif
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GWT_AUTO_ERROR (err);

      g_assert_null (gwt_netdev_new_option (cases[i].option, &err));
      g_test_message ("%s: %s", cases[i].option, err.text);
      g_assert_nonnull (strstr (err.text, cases[i].text));
    }
  g_assert_null (gwt_netdev_find ("n"));
}

static void
refused_json (const char *text, const char *why)
{
  struct json_object *args = json_tokener_parse (text);
  GWT_AUTO_ERROR (err);

  g_assert_nonnull (args);
  g_assert_null (gwt_netdev_add_json (args, &err));
  g_assert_nonnull (strstr (err.text, why));
  json_object_put (args);
}

static void
test_json (void)
{
  refused_json ("{}", "Parameter 'type' is missing");
  refused_json ("{\"type\": 5}", "Parameter 'type' is missing");
  refused_json ("{\"type\": \"tap\", \"id\": \"n\", \"queues\": 0}", "queues: '0' is out of range");
  refused_json ("{\"type\": \"tap\", \"id\": \"n\", \"queues\": [1]}",
                "a whole number where 'queues' has objects with 'str'");
  refused_json ("{\"type\": \"tap\", \"id\": \"n\", \"ifname\": null}",
                "null where a value of 'ifname' belongs");
  refused_json ("{\"type\": \"stream\", \"id\": \"n\", \"addr\": {\"a\": {\"b\": {\"c\": 1}}}}",
                "an object where a value of 'addr.a.b' belongs");
#ifdef HAVE_SLIRP
  refused_json ("{\"type\": \"user\", \"id\": \"n\", \"restrict\": true, "
                "\"hostfwd\": [{\"str\": \"tcp::0-:22\"}, {\"str\": \"bad\"}]}",
                "hostfwd: 'bad' is not of the form");
#endif
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* Straight from RFC 1071: the sum of all 16-bit words, with the pseudo header's, is ffff. */
static guint
slow_sum (const guint8 *p, gsize size, guint32 sum)
{
  for (gsize i = 0; i < size; i += 2)
    sum += (guint) p[i] << 8 | (i + 1 < size ? p[i + 1] : 0);
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

static guint
pseudo (const guint8 *ip, gsize size, guint8 protocol)
{
  gboolean v6 = ip[0] >> 4 == 6;

  return slow_sum (ip + (v6 ? 8 : 12), v6 ? 32 : 8, protocol + (guint32) size);
}

/* A TCP frame with PAYLOAD bytes of payload and good checksums; its size. */
static gsize
make_tcp (guint8 *frame, gboolean v6, gsize payload, guint8 flags)
{
  guint8 *ip = frame + 14, *tcp = ip + (v6 ? 40 : 20);
  gsize size = 32 + payload, total = size + (v6 ? 40 : 20);
  guint sum;

  memset (frame, 0, 14 + total);
  frame[12] = v6 ? 0x86 : 0x08;
  frame[13] = v6 ? 0xdd : 0x00;
  ip[0] = v6 ? 0x60 : 0x45;
  for (guint i = 0; i < (v6 ? 32u : 8u); i++)
    ip[(v6 ? 8 : 12) + i] = (guint8) (i * 37 + 1);
  if (v6)
    {
      ip[4] = (guint8) (size >> 8);
      ip[5] = (guint8) size;
      ip[6] = 6;
    }
  else
    {
      ip[2] = (guint8) (total >> 8);
      ip[3] = (guint8) total;
      ip[9] = 6;
      sum = ~slow_sum (ip, 20, 0);
      ip[10] = (guint8) (sum >> 8);
      ip[11] = (guint8) sum;
    }
  tcp[4] = 0xff;
  tcp[5] = tcp[6] = 0xff;
  tcp[12] = 0x80;
  tcp[13] = flags;
  memcpy (tcp + 20, "\x01\x01\x02\x04\x05\xb4\x01\x01\x01\x01\x01", 12);
  for (gsize i = 0; i < payload; i++)
    tcp[32 + i] = (guint8) (i * 13);
  sum = ~slow_sum (tcp, size, pseudo (ip, size, 6));
  tcp[16] = (guint8) (sum >> 8);
  tcp[17] = (guint8) sum;
  return 14 + total;
}

static gboolean
sums_are_good (const guint8 *frame)
{
  const guint8 *ip = frame + 14;
  gboolean v6 = ip[0] >> 4 == 6;
  gsize size = (gsize) (v6 ? ip[4] << 8 | ip[5] : (ip[2] << 8 | ip[3]) - 20);

  return (v6 || slow_sum (ip, 20, 0) == 0xffff)
         && slow_sum (ip + (v6 ? 40 : 20), size, pseudo (ip, size, 6)) == 0xffff;
}

struct pieces
{
  GByteArray *payload;
  guint count, headers;
  gsize total;
  guint32 sequence;
  gboolean tcp;
};

static void
take_piece (void *data, const uint8_t *frame, uint64_t size)
{
  struct pieces *p = data;
  gsize skip = 14 + p->headers;

  g_assert_cmpuint (size, <=, 14 + 1500);
  if (p->tcp)
    {
      const guint8 *tcp = frame + skip - 32;
      guint32 sequence = (guint32) tcp[4] << 24 | (guint32) tcp[5] << 16 | tcp[6] << 8 | tcp[7];

      g_assert_true (sums_are_good (frame));
      g_assert_cmpuint (sequence, ==, (guint32) (0xffffff00 + p->payload->len));
      /* CWR stays with the first one, PSH and FIN with the last. */
      g_assert_cmphex (tcp[13] & 0x80, ==, p->count == 0 ? 0x80 : 0);
      g_assert_cmphex (tcp[13] & 0x09, ==, p->payload->len + size - skip == p->total ? 0x09 : 0);
      p->sequence = sequence;
    }
  else
    {
      guint where = (guint) (frame[20] << 8 | frame[21]);

      g_assert_cmphex (slow_sum (frame + 14, 20, 0), ==, 0xffff);
      g_assert_cmpuint ((where & 0x1fff) * 8, ==, p->payload->len);
    }
  p->count++;
  g_byte_array_append (p->payload, frame + skip, (guint) (size - skip));
}

static void
test_cut (gconstpointer data)
{
  static const gsize sizes[] = { 1449, 1500, 2896, 2897, 10001, 65000 };
  g_autofree guint8 *frame = g_malloc (70000), *room = g_malloc (70000);
  gboolean v6 = GPOINTER_TO_INT (data);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      struct pieces p = { .payload = g_byte_array_new (),
                          .headers = v6 ? 72 : 52,
                          .total = sizes[i],
                          .tcp = TRUE };
      gsize size = make_tcp (frame, v6, sizes[i], 0x99), part = 1500 - p.headers;
      guint8 *payload = frame + 14 + p.headers;

      g_assert_true (net_cut (frame, size, 1500, room, take_piece, &p));
      g_assert_cmpuint (p.count, ==, (sizes[i] + part - 1) / part);
      g_assert_cmpmem (p.payload->data, p.payload->len, payload, sizes[i]);
      g_byte_array_unref (p.payload);
    }
  /* What fits is not for this function. */
  g_assert_false (net_cut (frame, make_tcp (frame, v6, 100, 0x18), 1500, room, take_piece, NULL));
}

static void
test_fragments (void)
{
  g_autofree guint8 *frame = g_malloc (70000), *room = g_malloc (70000);
  struct pieces p = { .payload = g_byte_array_new (), .headers = 20 };
  gsize size = make_tcp (frame, FALSE, 4000, 0);

  frame[14 + 9] = 17;
  g_assert_true (net_cut (frame, size, 1500, room, take_piece, &p));
  g_assert_cmpuint (p.count, ==, 3);
  g_assert_cmpmem (p.payload->data, p.payload->len, frame + 34, size - 34);
  g_byte_array_unref (p.payload);
  /* Not to be fragmented, or with options: it can only be dropped. */
  frame[14 + 6] = 0x40;
  g_assert_false (net_cut (frame, size, 1500, room, take_piece, &p));
  frame[14 + 6] = 0;
  frame[14] = 0x46;
  g_assert_false (net_cut (frame, size, 1500, room, take_piece, &p));
}

static void
test_describe (gconstpointer data)
{
  const uint64_t all = GWT_NET_OFFLOAD_CSUM | GWT_NET_OFFLOAD_TSO4 | GWT_NET_OFFLOAD_TSO6;
  g_autofree guint8 *frame = g_malloc (70000);
  gboolean v6 = GPOINTER_TO_INT (data);
  struct gwt_net_header h;
  gsize size = make_tcp (frame, v6, 30001, 0x18);

  g_assert_false (net_describe_large (frame, size, 1500, 0, &h));
  g_assert_false (net_describe_large (frame, size, 1500, GWT_NET_OFFLOAD_CSUM, &h));
  g_assert_false (net_describe_large (frame, size, 65521, all, &h));
  g_assert_true (net_describe_large (frame, size, 1500, all, &h));
  g_assert_cmpuint (h.flags, ==, GWT_NET_NEEDS_CSUM);
  g_assert_cmpuint (h.gso_type, ==, v6 ? GWT_NET_GSO_TCPV6 : GWT_NET_GSO_TCPV4);
  g_assert_cmpuint (h.gso_size, ==, v6 ? 1428 : 1448);
  g_assert_cmpuint (h.csum_start, ==, v6 ? 54 : 34);
  /* The other side's part of the work gives what was there before. */
  g_assert_false (sums_are_good (frame));
  g_assert_true (net_complete_checksum (&h, frame, size));
  g_assert_true (sums_are_good (frame));
}

static void
test_checksum_bounds (void)
{
  guint8 frame[64] = { 0 };
  struct gwt_net_header h = { .flags = GWT_NET_NEEDS_CSUM };
  static const struct
  {
    guint16 start, offset;
    gboolean good;
  } cases[] = { { 0, 0, TRUE },   { 62, 0, TRUE },       { 34, 28, TRUE },
                { 63, 0, FALSE }, { 34, 29, FALSE },     { 64, 0, FALSE },
                { 0, 63, FALSE }, { 65535, 65535, FALSE } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      h.csum_start = cases[i].start;
      h.csum_offset = cases[i].offset;
      g_assert_true (net_complete_checksum (&h, frame, sizeof frame) == cases[i].good);
    }
}

static void
test_mss (void)
{
  guint8 frame[200], before[200];
  guint8 *options = frame + 14 + 40;
  gsize size = make_tcp (frame, FALSE, 0, 0x02);

  net_raise_mss (frame, size, 65481, 0);
  g_assert_cmphex (options[4] << 8 | options[5], ==, 65481);
  g_assert_true (sums_are_good (frame));
  size = make_tcp (frame, TRUE, 3, 0x12);
  net_raise_mss (frame, size, 0, 65461);
  g_assert_cmphex (frame[14 + 60 + 4] << 8 | frame[14 + 60 + 5], ==, 65461);
  g_assert_true (sums_are_good (frame));
  /* No SYN, another protocol, nothing to say: as it was. */
  for (guint i = 0; i < 5; i++)
    {
      size = make_tcp (frame, FALSE, 0, i == 0 ? 0x10 : 0x02);
      if (i == 1)
        frame[14 + 9] = 17;
      if (i == 2)
        frame[14 + 6] = 0x20;
      if (i == 4)
        options[3] = 60; /* beyond the header */
      memcpy (before, frame, size);
      net_raise_mss (frame, size, i == 3 ? 0 : 65481, 65461);
      g_assert_cmpmem (before, size, frame, size);
    }
  /* One that begins in the header and ends behind it. */
  size = make_tcp (frame, FALSE, 8, 0x02);
  memcpy (options, "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x02\x04", 12);
  memcpy (before, frame, size);
  net_raise_mss (frame, size, 65481, 65461);
  g_assert_cmpmem (before, size, frame, size);
  /* Any bytes and any cut: nothing outside is touched, which a sanitizer watches. */
  for (guint round = 0; round < 20000; round++)
    {
      g_autofree guint8 *copy = NULL, *room = g_malloc (66000);
      struct gwt_net_header h;
      gsize cut;

      size = make_tcp (frame, round & 1, 60, 0x02);
      for (guint i = 0; i < 4; i++)
        frame[g_test_rand_int_range (12, (gint32) size)] = (guint8) g_test_rand_int ();
      cut = (gsize) g_test_rand_int_range (0, (gint32) size + 1);
      copy = g_memdup2 (frame, cut);
      net_raise_mss (copy, cut, 65481, 65461);
      net_describe_large (copy, cut, 60, 7, &h);
    }
}

/* ---- a device's end -------------------------------------------------------------------------- */

static const struct gwt_net_api *api;

static struct
{
  GMutex lock;
  GCond cond;
  guint frames, transmits, flushes, sent;
  const struct gwt_iovec *out;
  gint inside;
  struct gwt_netdev *netdev;
  guint8 last[64];
  guint64 size;
  int link;
} seen;

static void
on_transmit (void *self, uint32_t queue)
{
  g_mutex_lock (&seen.lock);
  if (seen.out)
    {
      /* What comes back at once is received from within. */
      const struct gwt_iovec *out = g_steal_pointer (&seen.out);

      g_mutex_unlock (&seen.lock);
      g_assert_cmpuint (api->send (seen.netdev, queue, out, 2), ==, 1);
      g_mutex_lock (&seen.lock);
      seen.sent++;
    }
  seen.transmits++;
  g_cond_broadcast (&seen.cond);
  g_mutex_unlock (&seen.lock);
}

static void
on_receive (void *self, uint32_t queue)
{
  struct gwt_iovec iov[2] = { { seen.last, 20 }, { seen.last + 20, sizeof seen.last - 20 } };
  guint64 size;

  g_atomic_int_set (&seen.inside, TRUE);
  for (guint i = 0; i < 20; i++)
    g_thread_yield ();
  g_mutex_lock (&seen.lock);
  while ((size = api->receive (seen.netdev, queue, iov, 2)) != 0)
    {
      seen.size = size;
      seen.frames++;
    }
  g_cond_broadcast (&seen.cond);
  g_mutex_unlock (&seen.lock);
  g_atomic_int_set (&seen.inside, FALSE);
}

static void
on_flush (void *self, uint32_t queue)
{
  g_mutex_lock (&seen.lock);
  seen.flushes++;
  g_cond_broadcast (&seen.cond);
  g_mutex_unlock (&seen.lock);
}

static void
on_link (void *self, uint32_t up)
{
  seen.link = (int) up;
}

static const struct gwt_net_client client = {
  .struct_size = sizeof client,
  .transmit = on_transmit,
  .receive = on_receive,
  .flush = on_flush,
  .link_changed = on_link,
};

static void
wait_for_count (const guint *counter, guint wanted)
{
  g_mutex_lock (&seen.lock);
  while (*counter < wanted)
    g_cond_wait (&seen.cond, &seen.lock);
  g_mutex_unlock (&seen.lock);
}

/* On the thread that it belongs to. */
static void
send_frame (const struct gwt_iovec *out)
{
  guint before = seen.sent;

  g_mutex_lock (&seen.lock);
  seen.out = out;
  g_mutex_unlock (&seen.lock);
  api->kick (seen.netdev, 0);
  wait_for_count (&seen.sent, before + 1);
}

static struct gwt_device *
make_device (const char *id)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = gwt_device_new (gwt_type_find ("sample"), id, &err);

  g_assert_cmpstr (err.text, ==, NULL);
  return device;
}

static const char greeting[] = "\x52\x54\0\1\2\3\x52\x54\0\4\5\6\x08\x06 and a payload";

static void
put_frame (int fd, gboolean stream)
{
  guint8 data[4 + sizeof greeting] = { 0, 0, 0, sizeof greeting };

  memcpy (data + 4, greeting, sizeof greeting);
  if (stream)
    {
      /* In two parts: a frame is whole when its last byte has come. */
      g_assert_cmpint (send (fd, data, 3, 0), ==, 3);
      g_assert_cmpint (send (fd, data + 3, sizeof data - 3, 0), ==, sizeof data - 3);
    }
  else
    g_assert_cmpint (send (fd, greeting, sizeof greeting, 0), ==, sizeof greeting);
}

static void
test_socket (gconstpointer data)
{
  gboolean stream = GPOINTER_TO_INT (data);
  g_autofree char *option = NULL;
  struct gwt_net_header header = { 0 };
  struct gwt_iovec out[2] = { { &header, sizeof header }, { (void *) greeting, sizeof greeting } };
  struct gwt_net_info info = { .struct_size = sizeof info };
  struct gwt_device *device, *other;
  guint8 got[256];
  GWT_AUTO_ERROR (err);
  int fds[2];
  guint before;

  g_assert_cmpint (socketpair (AF_UNIX, stream ? SOCK_STREAM : SOCK_DGRAM, 0, fds), ==, 0);
  option = g_strdup_printf (stream ? "stream,id=n,addr.type=fd,addr.str=%d"
                                   : "dgram,id=n,local.type=fd,local.str=%d",
                            fds[0]);
  memset (&seen, 0, sizeof seen);
  seen.netdev = gwt_netdev_new_option (option, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  close (fds[0]);
  g_assert_true (gwt_netdev_open_all (&err));
  device = make_device ("card");
  other = make_device ("other");
  api->info (seen.netdev, &info);
  g_assert_cmpuint (info.queues, ==, 1);
  g_assert_cmpuint (info.link_up, ==, 1);
  g_assert_cmphex (info.send_offloads | info.receive_offloads, ==, 0);
  g_assert_cmpint (api->attach (seen.netdev, device, &client, 2, &err), ==, -1);
  g_assert_cmpstr (err.text, ==, "network back end 'n' has 1 queue, not 2; give it queues=2");
  gwt_error_clear (&err);
  g_assert_cmpint (api->attach (seen.netdev, device, &client, 1, &err), ==, 0);
  g_assert_cmpint (api->attach (seen.netdev, other, &client, 1, &err), ==, -1);
  g_assert_cmpstr (err.text, ==,
                   "network back end 'n' is used by 'card'; give each device its own");
  gwt_error_clear (&err);
  /* Held at first, by the device and by the guest's not running; then what waited comes. */
  put_frame (fds[1], stream);
  api->release (seen.netdev, 0);
  g_assert_cmpuint (seen.frames, ==, 0);
  gwt_vm_start ();
  wait_for_count (&seen.frames, 1);
  g_assert_cmpuint (seen.size, ==, 12 + sizeof greeting);
  g_assert_cmpmem (seen.last, 12, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
  g_assert_cmpmem (seen.last + 12, sizeof greeting, greeting, sizeof greeting);
  wait_for_count (&seen.flushes, 1);
  /* Nothing while it is held, or the guest stands still. */
  api->hold (seen.netdev, 0);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  before = seen.transmits;
  put_frame (fds[1], stream);
  api->kick (seen.netdev, 0);
  gwt_vm_start ();
  g_assert_cmpuint (seen.frames, ==, 1);
  g_assert_cmpuint (seen.transmits, ==, before);
  api->release (seen.netdev, 0);
  wait_for_count (&seen.frames, 2);
  wait_for_count (&seen.transmits, before + 1);
  /* Out. */
  send_frame (out);
  g_assert_cmpint (recv (fds[1], got, sizeof got, 0), ==, sizeof greeting + (stream ? 4 : 0));
  g_assert_cmpmem (got + (stream ? 4 : 0), sizeof greeting, greeting, sizeof greeting);
  /* What the device may not ask for here is dropped. */
  header.flags = GWT_NET_NEEDS_CSUM;
  send_frame (out);
  g_assert_cmpint (recv (fds[1], got, sizeof got, MSG_DONTWAIT), ==, -1);
  /* Unplugged: what comes is lost. */
  g_assert_false (gwt_netdev_set_link ("nobody", false, &err));
  g_assert_cmpstr (err.text, ==,
                   "there is no network back end or network device 'nobody'; name one "
                   "of those");
  gwt_error_clear (&err);
  g_assert_true (gwt_netdev_set_link ("card", false, &err));
  g_assert_cmpint (seen.link, ==, 0);
  send_frame (out);
  g_assert_true (gwt_netdev_set_link ("n", true, &err));
  g_assert_cmpint (seen.link, ==, 1);
  put_frame (fds[1], stream);
  wait_for_count (&seen.frames, 3);
  /* A device that goes away takes its end along; the next one may come. */
  g_assert_false (gwt_netdev_delete ("n", &err));
  g_assert_cmpstr (err.text, ==, "network back end 'n' is used by 'card'; remove that first");
  gwt_error_clear (&err);
  gwt_device_destroy (device);
  g_assert_false (gwt_netdev_in_use (seen.netdev));
  before = seen.frames;
  put_frame (fds[1], stream);
  g_assert_cmpint (api->attach (seen.netdev, other, &client, 1, &err), ==, 0);
  g_assert_cmpuint (seen.frames, ==, before);
  api->release (seen.netdev, 0);
  wait_for_count (&seen.frames, before + 1);
  if (stream)
    {
      /* Half a frame is none. */
      guint8 half[4 + sizeof greeting] = { 0, 0, 0, sizeof greeting };

      before = seen.frames;
      memcpy (half + 4, greeting, sizeof greeting);
      g_assert_cmpint (send (fds[1], half, 9, 0), ==, 9);
      send_frame (out);
      g_assert_cmpuint (seen.frames, ==, before);
      g_assert_cmpint (send (fds[1], half + 9, sizeof half - 9, 0), ==, sizeof half - 9);
      wait_for_count (&seen.frames, before + 1);
      /* A peer that sends nonsense is left. */
      g_assert_cmpint (send (fds[1], "\xff\xff\xff\xff", 4, MSG_NOSIGNAL), ==, 4);
      g_assert_cmpint (recv (fds[1], got, sizeof got, 0), ==, 0);
      send_frame (out);
    }
  else
    {
      /* Empty datagrams are no frames, and no end of them does not keep the thread. */
      before = seen.frames;
      g_assert_cmpint (send (fds[1], "", 0, 0), ==, 0);
      put_frame (fds[1], FALSE);
      wait_for_count (&seen.frames, before + 1);
      g_assert_cmpint (shutdown (fds[1], SHUT_WR), ==, 0);
      send_frame (out);
      api->hold (seen.netdev, 0);
    }
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  gwt_device_destroy_all ();
  gwt_netdev_close_all ();
  g_assert_null (gwt_netdev_find ("n"));
  close (fds[1]);
}

/* Hold while frames come without end: none is in the device when it returns. */
static void
test_hold_races (void)
{
  g_autofree char *option = NULL;
  struct gwt_device *device;
  GWT_AUTO_ERROR (err);
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_DGRAM, 0, fds), ==, 0);
  option = g_strdup_printf ("dgram,id=n,local.type=fd,local.str=%d", fds[0]);
  memset (&seen, 0, sizeof seen);
  seen.netdev = gwt_netdev_new_option (option, &err);
  g_assert_true (gwt_netdev_open_all (&err));
  close (fds[0]);
  device = make_device ("card");
  g_assert_cmpint (api->attach (seen.netdev, device, &client, 1, &err), ==, 0);
  gwt_vm_start ();
  for (guint i = 0; i < 2000; i++)
    {
      guint before = seen.frames;

      api->release (seen.netdev, 0);
      put_frame (fds[1], FALSE);
      if (i % 2)
        wait_for_count (&seen.frames, before + 1);
      api->hold (seen.netdev, 0);
      g_assert_false (g_atomic_int_get (&seen.inside));
    }
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  gwt_device_destroy_all ();
  gwt_netdev_close_all ();
  close (fds[1]);
}

#ifdef HAVE_SLIRP
static void
test_user (void)
{
  static const guint8 request[] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 1, 2, 3, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 0x52,
    0x54, 0, 1, 2, 3, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2 };
  struct gwt_net_header header = { 0 };
  struct gwt_iovec out[2] = { { &header, sizeof header }, { (void *) request, sizeof request } };
  struct gwt_net_info info = { .struct_size = sizeof info };
  g_autofree char *option = NULL, *text = NULL;
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  struct gwt_device *device;
  GWT_AUTO_ERROR (err);
  guint16 port;
  int taken;

  memset (&seen, 0, sizeof seen);
  seen.netdev = gwt_netdev_new_option ("user,id=n,restrict=on", &err);
  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_true (gwt_netdev_open_all (&err));
  api->info (seen.netdev, &info);
  g_assert_cmphex (info.send_offloads, ==, 15);
  g_assert_cmpuint (info.mtu, ==, 1500);
  device = make_device ("card");
  g_assert_cmpint (api->attach (seen.netdev, device, &client, 1, &err), ==, 0);
  gwt_vm_start ();
  /* The answer to ARP comes from within send (), and is the device's at once. */
  api->release (seen.netdev, 0);
  send_frame (out);
  wait_for_count (&seen.frames, 1);
  g_assert_cmpuint (seen.size, >=, 12 + 42);
  g_assert_cmpmem (seen.last + 12, 6, request + 6, 6);
  g_assert_cmpmem (seen.last + 12 + 20, 2, "\0\2", 2);
  g_assert_cmpmem (seen.last + 12 + 28, 4, request + 38, 4);
  text = gwt_netdev_describe_users ();
  g_assert_nonnull (strstr (text, "n:\n"));
  /* A port that is taken. */
  taken = socket (AF_INET, SOCK_STREAM, 0);
  memset (&address, 0, sizeof address);
  address.ss_family = AF_INET;
  g_assert_cmpint (bind (taken, (struct sockaddr *) &address, sizeof (struct sockaddr_in)), ==, 0);
  g_assert_cmpint (listen (taken, 1), ==, 0);
  g_assert_cmpint (getsockname (taken, (struct sockaddr *) &address, &size), ==, 0);
  memcpy (&port, (guint8 *) &address + 2, 2);
  option = g_strdup_printf ("{\"type\": \"user\", \"id\": \"m\", "
                            "\"hostfwd\": [{\"str\": \"tcp::%u-:22\"}]}",
                            GUINT16_FROM_BE (port));
  refused_json (option, "(Address already in use); use another host port");
  g_assert_null (gwt_netdev_find ("m"));
  close (taken);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  gwt_device_destroy_all ();
  gwt_netdev_close_all ();
}
#endif

int
main (int argc, char **argv)
{
  static struct gwt_device_type sample = SAMPLE_TYPE ("sample");
  GWT_AUTO_ERROR (err);

  g_test_init (&argc, &argv, NULL);
  gwt_run_init ();
  gwt_netdev_register_extensions ();
  api = gwt_extension_find (GWT_NET_EXT);
  g_assert_nonnull (api);
  g_assert_true (gwt_type_register (&sample, "tests", "1.0", &err));
  g_test_add_func ("/netdev/refusals", test_refusals);
  g_test_add_func ("/netdev/json", test_json);
  g_test_add_data_func ("/frame/cut/4", GINT_TO_POINTER (0), test_cut);
  g_test_add_data_func ("/frame/cut/6", GINT_TO_POINTER (1), test_cut);
  g_test_add_func ("/frame/fragments", test_fragments);
  g_test_add_data_func ("/frame/describe/4", GINT_TO_POINTER (0), test_describe);
  g_test_add_data_func ("/frame/describe/6", GINT_TO_POINTER (1), test_describe);
  g_test_add_func ("/frame/checksum-bounds", test_checksum_bounds);
  g_test_add_func ("/frame/mss", test_mss);
  g_test_add_data_func ("/netdev/dgram", GINT_TO_POINTER (0), test_socket);
  g_test_add_data_func ("/netdev/stream", GINT_TO_POINTER (1), test_socket);
  g_test_add_func ("/netdev/hold-races", test_hold_races);
#ifdef HAVE_SLIRP
  g_test_add_func ("/netdev/user", test_user);
#endif
  return g_test_run ();
}
