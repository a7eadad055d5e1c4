/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The back end "user": a network inside the process, by libslirp, which is entered by this back
 * end's thread and, to open and close it, by the main one while that thread is not there.
 *
 * libslirp works on TCP segments one by one, so the fewer there are the better.  A device that
 * sends large frames (TSO) sends them through as they are: to libslirp they are segments of up to
 * 64 KiB.  And where the device takes large frames, a guest's SYN is changed to ask for large
 * segments, which the device gets described as frames to be cut at the network's MTU.  Thus
 * libslirp's own MTU is the largest, and what it sends is brought to size here.
 */
#include "config.h"
#include <arpa/inet.h>
#include <errno.h>
#include <libslirp.h>
#include <string.h>
#include "core/backend/netdev-internal.h"
#include "core/cpu/clock.h"
#include "core/util/log.h"
#include "core/util/text.h"

#define SLIRP_MTU 65521u
#define MTU_DEFAULT 1500u
/* Waiting for the guest: what is more is lost, as on any network. */
#define WAITING_MAX (8u << 20)

static const char *const keys[]
    = { "net",       "host",       "restrict",  "hostname",         "dhcpstart", "dns",
        "domainname", "ipv4",      "ipv6",      "ipv6-net",         "ipv6-host", "ipv6-dns",
        "tftp",      "bootfile",   "mtu",       "tftp-server-name", NULL };
static const char *const listed[] = { "hostfwd", "dnssearch", NULL };

struct forward
{
  bool udp;
  struct in_addr host, guest;
  uint16_t host_port, guest_port;
};

struct waiting
{
  struct waiting *next;
  struct gwt_net_header header;
  uint64_t size; /* of the frame alone */
  uint8_t frame[];
};

struct user
{
  SlirpConfig config;
  GArray *forwards;    /* struct forward */
  GPtrArray *searches; /* dnssearch, NULL-terminated */
  Slirp *slirp;
  struct net_queue *queue;
  GSList *timers;
  uint8_t *input, *piece; /* a frame of the device's, one of libslirp's that is too large */
  /* Frames for the device, oldest first, and perhaps one that libslirp lends at the moment. */
  struct waiting *first, *last;
  uint64_t waiting; /* bytes */
  const uint8_t *lent;
  uint64_t lent_size;
  struct gwt_net_header lent_header;
};

struct timer
{
  SlirpTimerId id;
  void *what;
  int64_t expiry; /* ms; -1: off */
};

/* libslirp's instances share a few static variables. */
static GMutex slirp_lock;

/* ---- from libslirp to the device ------------------------------------------------------------- */

static void
keep (struct user *u, const struct gwt_net_header *header, const uint8_t *frame, uint64_t size)
{
  struct waiting *w;

  if (u->waiting + size > WAITING_MAX || !(w = g_try_malloc (sizeof *w + size)))
    return;
  w->next = NULL;
  w->header = *header;
  w->size = size;
  memcpy (w->frame, frame, size);
  if (u->last)
    u->last->next = w;
  else
    u->first = w;
  u->last = w;
  u->waiting += size;
}

static void
drop_first (struct user *u)
{
  struct waiting *w = u->first;

  u->first = w->next;
  if (!u->first)
    u->last = NULL;
  u->waiting -= w->size;
  g_free (w);
}

static void
drop_all (struct user *u)
{
  while (u->first)
    drop_first (u);
}

/* A frame that fits the network. */
static void
frame_out (void *data, const uint8_t *frame, uint64_t size)
{
  struct user *u = data;
  struct gwt_net_header header = { 0 };

  /* libslirp's checksums are right: spare the guest a look at all bytes. */
  if (u->queue->netdev->offloads & GWT_NET_OFFLOAD_CSUM)
    header.flags = GWT_NET_DATA_VALID;
  if (u->first || u->lent)
    {
      keep (u, &header, frame, size);
      return;
    }
  u->lent = frame;
  u->lent_size = size;
  u->lent_header = header;
  net_deliver (u->queue);
  if (u->lent)
    {
      u->lent = NULL;
      keep (u, &header, frame, size);
    }
}

static ssize_t
send_packet (const void *buf, size_t size, void *opaque)
{
  struct user *u = opaque;
  struct gwt_netdev *n = u->queue->netdev;
  struct gwt_net_header header;
  uint8_t *frame = u->queue->scratch;

  if (size < 14 || size > GWT_NET_FRAME_MAX - NET_HEADER || !g_atomic_int_get (&n->link_up))
    return (ssize_t) size;
  if (size <= 14 + n->info.mtu)
    {
      frame_out (u, buf, size);
      return (ssize_t) size;
    }
  memcpy (u->piece, buf, size);
  if (net_describe_large (u->piece, size, n->info.mtu, n->offloads, &header))
    keep (u, &header, u->piece, size);
  else
    net_cut (u->piece, size, n->info.mtu, frame, frame_out, u);
  net_deliver (u->queue);
  return (ssize_t) size;
}

static uint64_t
user_peek (struct net_queue *q)
{
  struct user *u = q->netdev->data;

  if (u->first)
    return NET_HEADER + u->first->size;
  return u->lent ? NET_HEADER + u->lent_size : 0;
}

static uint64_t
user_receive (struct net_queue *q, const struct gwt_iovec *iov, uint32_t n)
{
  struct user *u = q->netdev->data;
  uint64_t size = user_peek (q);

  if (size == 0)
    return 0;
  if (u->first)
    {
      net_iov_from (iov, n, 0, &u->first->header, NET_HEADER);
      net_iov_from (iov, n, NET_HEADER, u->first->frame, u->first->size);
      drop_first (u);
      return size;
    }
  net_iov_from (iov, n, 0, &u->lent_header, NET_HEADER);
  net_iov_from (iov, n, NET_HEADER, u->lent, u->lent_size);
  u->lent = NULL;
  return size;
}

/* ---- from the device to libslirp ------------------------------------------------------------- */

static bool
user_send (struct net_queue *q, const struct gwt_iovec *iov, uint32_t n)
{
  struct user *u = q->netdev->data;
  uint64_t size = net_iov_size (iov, n), offloads = q->netdev->offloads;
  struct gwt_net_header header;
  uint8_t kind;

  if (size < NET_HEADER + 14 || size > GWT_NET_FRAME_MAX)
    return true;
  net_iov_to (iov, n, 0, &header, NET_HEADER);
  size -= NET_HEADER;
  kind = header.gso_type & (uint8_t) ~GWT_NET_GSO_ECN;
  if (kind != GWT_NET_GSO_NONE && kind != GWT_NET_GSO_TCPV4 && kind != GWT_NET_GSO_TCPV6)
    return true;
  net_iov_to (iov, n, NET_HEADER, u->input, size);
  if ((header.flags & GWT_NET_NEEDS_CSUM) && !net_complete_checksum (&header, u->input, size))
    return true;
  if (offloads & GWT_NET_OFFLOAD_CSUM)
    net_raise_mss (u->input, size, offloads & GWT_NET_OFFLOAD_TSO4 ? SLIRP_MTU - 40 : 0,
                   offloads & GWT_NET_OFFLOAD_TSO6 ? SLIRP_MTU - 60 : 0);
  g_mutex_lock (&slirp_lock);
  slirp_input (u->slirp, u->input, (int) size);
  g_mutex_unlock (&slirp_lock);
  return true;
}

static void
user_set_offloads (struct gwt_netdev *n, uint64_t offloads)
{
  drop_all (n->data);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static int64_t
clock_ns (void *opaque)
{
  /* Connections do not time out while the guest stands still. */
  return (int64_t) gwt_clock_now (GWT_CLOCK_VIRTUAL);
}

static int
add_poll (int fd, int events, void *opaque)
{
  struct user *u = opaque;
  struct pollfd p = { .fd = fd };

  p.events
      = (short) ((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_OUT ? POLLOUT : 0)
                 | (events & SLIRP_POLL_PRI ? POLLPRI : 0));
  g_array_append_val (u->queue->fds, p);
  return (int) u->queue->fds->len - 1;
}

static int
get_revents (int index, void *opaque)
{
  struct user *u = opaque;
  short revents = g_array_index (u->queue->fds, struct pollfd, index).revents;

  return (revents & POLLIN ? SLIRP_POLL_IN : 0) | (revents & POLLOUT ? SLIRP_POLL_OUT : 0)
         | (revents & POLLPRI ? SLIRP_POLL_PRI : 0) | (revents & POLLERR ? SLIRP_POLL_ERR : 0)
         | (revents & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static int
user_prepare (struct net_queue *q, bool want_frames)
{
  struct user *u = q->netdev->data;
  uint32_t timeout = UINT32_MAX;
  int64_t now = clock_ns (NULL) / 1000000;

  g_mutex_lock (&slirp_lock);
  slirp_pollfds_fill (u->slirp, &timeout, add_poll, u);
  g_mutex_unlock (&slirp_lock);
  for (GSList *item = u->timers; item; item = item->next)
    {
      struct timer *t = item->data;

      if (t->expiry >= 0)
        timeout = (uint32_t) MIN (timeout, (uint64_t) MAX (t->expiry - now, 0));
    }
  return timeout > G_MAXINT ? -1 : (int) timeout;
}

static void
user_ready (struct net_queue *q)
{
  struct user *u = q->netdev->data;
  int64_t now = clock_ns (NULL) / 1000000;

  g_mutex_lock (&slirp_lock);
  slirp_pollfds_poll (u->slirp, 0, get_revents, u);
  for (GSList *item = u->timers, *next; item; item = next)
    {
      struct timer *t = item->data;

      next = item->next;
      if (t->expiry >= 0 && t->expiry <= now)
        {
          t->expiry = -1;
          slirp_handle_timer (u->slirp, t->id, t->what);
        }
    }
  g_mutex_unlock (&slirp_lock);
}

static void *
timer_new (SlirpTimerId id, void *what, void *opaque)
{
  struct user *u = opaque;
  struct timer *t = g_new0 (struct timer, 1);

  t->id = id;
  t->what = what;
  t->expiry = -1;
  u->timers = g_slist_prepend (u->timers, t);
  return t;
}

static void
timer_free (void *timer, void *opaque)
{
  struct user *u = opaque;

  u->timers = g_slist_remove (u->timers, timer);
  g_free (timer);
}

static void
timer_mod (void *timer, int64_t expiry, void *opaque)
{
  ((struct timer *) timer)->expiry = MAX (expiry, 0);
}

static void
guest_error (const char *message, void *opaque)
{
  gwt_log (GWT_LOG_GUEST, "network back end '%s': %s",
           ((struct user *) opaque)->queue->netdev->id, message);
}

static void
poll_fd (int fd, void *opaque)
{
  /* The next prepare () asks for all of them anew. */
}

static void
notify (void *opaque)
{
  net_kick (((struct user *) opaque)->queue);
}

static const SlirpCb callbacks = {
  .send_packet = send_packet,
  .guest_error = guest_error,
  .clock_get_ns = clock_ns,
  .timer_free = timer_free,
  .timer_mod = timer_mod,
  .register_poll_fd = poll_fd,
  .unregister_poll_fd = poll_fd,
  .notify = notify,
  .timer_new_opaque = timer_new,
};

/* ---- what was asked for ---------------------------------------------------------------------- */

static bool
parse_address (struct gwt_netdev *n, const char *key, struct in_addr *address,
               struct gwt_error *err)
{
  const char *text = net_option (n, key);

  if (!text || inet_pton (AF_INET, text, address) == 1)
    return true;
  gwt_error_set (err, GWT_E_INVALID, "%s: '%s' is no IPv4 address; use one such as 10.0.2.2", key,
                 text);
  return false;
}

static bool
parse_address6 (struct gwt_netdev *n, const char *key, struct in6_addr *address,
                struct gwt_error *err)
{
  const char *text = net_option (n, key);

  if (!text || inet_pton (AF_INET6, text, address) == 1)
    return true;
  gwt_error_set (err, GWT_E_INVALID, "%s: '%s' is no IPv6 address; use one such as fec0::2", key,
                 text);
  return false;
}

/* "10.0.2.0/24", "10.0.2.0/255.255.255.0", or without a mask the one of 24 bits. */
static bool
parse_network (struct gwt_netdev *n, SlirpConfig *c, struct gwt_error *err)
{
  const char *text = net_option (n, "net");
  g_auto (GStrv) parts = g_strsplit (text ? text : "10.0.2.0/24", "/", 2);
  uint64_t bits = 24;
  GWT_AUTO_ERROR (ignored);
  uint32_t mask;

  if (parts[0] && inet_pton (AF_INET, parts[0], &c->vnetwork) == 1)
    {
      if (!parts[1]
          || (gwt_parse_u64 (parts[1], false, &bits, &ignored) && bits >= 4 && bits <= 30))
        c->vnetmask.s_addr = htonl (UINT32_MAX << (32 - bits));
      else if (inet_pton (AF_INET, parts[1], &c->vnetmask) != 1)
        c->vnetmask.s_addr = 0;
      mask = ntohl (c->vnetmask.s_addr);
      /* Ones, then at least two zeros. */
      if (mask >= 0xf0000000 && (~mask & (~mask + 1)) == 0 && ~mask >= 3)
        {
          c->vnetwork.s_addr &= c->vnetmask.s_addr;
          return true;
        }
    }
  gwt_error_set (err, GWT_E_INVALID,
                 "net: '%s' is no network; use one such as 10.0.2.0/24, with 4 to 30 bits", text);
  return false;
}

static bool
inside (const SlirpConfig *c, const char *key, struct in_addr address, struct gwt_error *err)
{
  uint32_t host = ntohl (address.s_addr) & ~ntohl (c->vnetmask.s_addr);
  char text[INET_ADDRSTRLEN];

  if ((address.s_addr & c->vnetmask.s_addr) == c->vnetwork.s_addr && host != 0
      && host != ~ntohl (c->vnetmask.s_addr))
    return true;
  inet_ntop (AF_INET, &address, text, sizeof text);
  gwt_error_set (err, GWT_E_INVALID, "%s: %s is no host's address in the network; use one that is",
                 key, text);
  return false;
}

static bool
parse_ipv4 (struct gwt_netdev *n, SlirpConfig *c, struct gwt_error *err)
{
  uint32_t base, last;

  if (!parse_network (n, c, err))
    return false;
  base = ntohl (c->vnetwork.s_addr);
  last = ~ntohl (c->vnetmask.s_addr) - 1;
  c->vhost.s_addr = htonl (base + MIN (2, last));
  c->vnameserver.s_addr = htonl (base + (last > 3 ? 3 : 1));
  c->vdhcp_start.s_addr = htonl (base + (last > 30 ? 15 : last));
  if (!parse_address (n, "host", &c->vhost, err) || !parse_address (n, "dns", &c->vnameserver, err)
      || !parse_address (n, "dhcpstart", &c->vdhcp_start, err)
      || !inside (c, "host", c->vhost, err) || !inside (c, "dns", c->vnameserver, err)
      || !inside (c, "dhcpstart", c->vdhcp_start, err))
    return false;
  if (c->vhost.s_addr == c->vnameserver.s_addr || c->vhost.s_addr == c->vdhcp_start.s_addr
      || c->vnameserver.s_addr == c->vdhcp_start.s_addr)
    gwt_error_set (err, GWT_E_INVALID,
                   "host, dns and dhcpstart are not three addresses; give each its own");
  return !gwt_error_is_set (err);
}

static bool
parse_ipv6 (struct gwt_netdev *n, SlirpConfig *c, struct gwt_error *err)
{
  const char *text = net_option (n, "ipv6-net");
  g_auto (GStrv) parts = g_strsplit (text ? text : "fec0::/64", "/", 2);
  uint64_t bits = 64;
  GWT_AUTO_ERROR (ignored);

  if (!parts[0] || inet_pton (AF_INET6, parts[0], &c->vprefix_addr6) != 1
      || (parts[1] && !gwt_parse_u64 (parts[1], false, &bits, &ignored)) || bits > 126)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "ipv6-net: '%s' is no network; use one such as fec0::/64, with up to 126 bits",
                     text);
      return false;
    }
  c->vprefix_len = (uint8_t) bits;
  c->vhost6 = c->vnameserver6 = c->vprefix_addr6;
  c->vhost6.s6_addr[15] |= 2;
  c->vnameserver6.s6_addr[15] |= 3;
  return parse_address6 (n, "ipv6-host", &c->vhost6, err)
         && parse_address6 (n, "ipv6-dns", &c->vnameserver6, err);
}

static bool
parse_port (const char *text, uint64_t min, uint16_t *port)
{
  GWT_AUTO_ERROR (ignored);
  uint64_t number;

  if (!gwt_parse_u64 (text, false, &number, &ignored) || number < min || number > 65535)
    return false;
  *port = (uint16_t) number;
  return true;
}

/* [tcp|udp]:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT */
static bool
parse_forward (struct user *u, const char *text, struct gwt_error *err)
{
  g_auto (GStrv) ends = g_strsplit (text, "-", 2);
  g_auto (GStrv) host = g_strsplit (ends[0] ? ends[0] : "", ":", 4);
  g_auto (GStrv) guest = g_strsplit (ends[0] && ends[1] ? ends[1] : "", ":", 3);
  struct forward f = { 0 };
  const char *why = NULL;

  if (g_strv_length (host) != 3 || g_strv_length (guest) != 2)
    why = "is not of the form [tcp|udp]:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT; "
          "use one such as tcp:127.0.0.1:2222-:22";
  else if (strcmp (host[0], "udp") != 0 && strcmp (host[0], "tcp") != 0 && host[0][0] != '\0')
    why = "begins with neither tcp: nor udp:; use one of them";
  else if (host[1][0] != '\0' && inet_pton (AF_INET, host[1], &f.host) != 1)
    why = "has a host address that is no IPv4 address; use one such as 127.0.0.1";
  else if (!parse_port (host[2], 0, &f.host_port))
    why = "has a host port that is none; use 0 to 65535, 0 for a free one";
  else if (guest[0][0] != '\0' && inet_pton (AF_INET, guest[0], &f.guest) != 1)
    why = "has a guest address that is no IPv4 address; use one such as 10.0.2.15";
  else if (!parse_port (guest[1], 1, &f.guest_port))
    why = "has a guest port that is none; use 1 to 65535";
  if (why)
    {
      gwt_error_set (err, GWT_E_INVALID, "hostfwd: '%s' %s", text, why);
      return false;
    }
  f.udp = strcmp (host[0], "udp") == 0;
  g_array_append_val (u->forwards, f);
  return true;
}

static bool
parse_texts (struct gwt_netdev *n, struct user *u, struct gwt_error *err)
{
  static const char *const names[] = { "hostname", "domainname", "bootfile", "tftp-server-name" };
  SlirpConfig *c = &u->config;
  const char *text;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if ((text = net_option (n, names[i])) && (!*text || strlen (text) > 127))
      {
        gwt_error_set (err, GWT_E_INVALID, "%s: '%s' is %s; use 1 to 127 characters", names[i],
                       text, *text ? "too long" : "empty");
        return false;
      }
  c->vhostname = net_option (n, "hostname");
  c->vdomainname = net_option (n, "domainname");
  c->bootfile = net_option (n, "bootfile");
  c->tftp_server_name = net_option (n, "tftp-server-name");
  c->tftp_path = net_option (n, "tftp");
  if (c->tftp_path && !g_file_test (c->tftp_path, G_FILE_TEST_IS_DIR))
    {
      gwt_error_set (err, GWT_E_NOT_FOUND, "tftp: '%s': no such folder; check the path",
                     c->tftp_path);
      return false;
    }
  for (guint i = 0; (text = net_option_nth (n, "dnssearch", i)) != NULL; i++)
    g_ptr_array_add (u->searches, (char *) text);
  g_ptr_array_add (u->searches, NULL);
  c->vdnssearch = u->searches->len > 1 ? (const char **) u->searches->pdata : NULL;
  return true;
}

static bool
user_parse (struct gwt_netdev *n, struct gwt_error *err)
{
  struct user *u = g_new0 (struct user, 1);
  SlirpConfig *c = &u->config;
  bool restricted = false;
  const char *text;

  n->data = u;
  u->forwards = g_array_new (FALSE, TRUE, sizeof (struct forward));
  u->searches = g_ptr_array_new ();
  u->input = g_malloc (GWT_NET_FRAME_MAX);
  u->piece = g_malloc (GWT_NET_FRAME_MAX);
  n->info.send_offloads = n->info.receive_offloads = NET_OFFLOADS_TCP;
  n->info.mtu = MTU_DEFAULT;
  c->version = 4;
  c->if_mtu = c->if_mru = SLIRP_MTU;
  c->in_enabled = c->in6_enabled = true;
  if (!net_option_bool (n, "restrict", &restricted, err)
      || !net_option_bool (n, "ipv4", &c->in_enabled, err)
      || !net_option_bool (n, "ipv6", &c->in6_enabled, err)
      || !net_option_number (n, "mtu", 576, 65521, &n->info.mtu, err)
      || !parse_ipv4 (n, c, err) || !parse_ipv6 (n, c, err) || !parse_texts (n, u, err))
    return false;
  c->restricted = restricted;
  if (!c->in_enabled && !c->in6_enabled)
    {
      gwt_error_set (err, GWT_E_INVALID, "ipv4 and ipv6 are both off; leave one on");
      return false;
    }
  for (guint i = 0; (text = net_option_nth (n, "hostfwd", i)) != NULL; i++)
    if (!parse_forward (u, text, err))
      return false;
  if (u->forwards->len && !c->in_enabled)
    gwt_error_set (err, GWT_E_INVALID, "hostfwd needs IPv4; leave out ipv4=off");
  return !gwt_error_is_set (err);
}

static bool
user_open (struct gwt_netdev *n, struct gwt_error *err)
{
  struct user *u = n->data;
  bool good = true;

  u->queue = &n->queues[0];
  g_mutex_lock (&slirp_lock);
  u->slirp = slirp_new (&u->config, &callbacks, u);
  if (!u->slirp)
    gwt_error_set (err, GWT_E_FAILED, "libslirp refuses its configuration; try without options");
  for (guint i = 0; u->slirp && i < u->forwards->len && good; i++)
    {
      const struct forward *f = &g_array_index (u->forwards, struct forward, i);

      errno = 0;
      good = slirp_add_hostfwd (u->slirp, f->udp, f->host, f->host_port, f->guest, f->guest_port)
             == 0;
      if (!good)
        gwt_error_set (err, GWT_E_IO, "hostfwd: '%s': cannot listen on port %u (%s); use another "
                       "host port", net_option_nth (n, "hostfwd", i), f->host_port,
                       g_strerror (errno ? errno : EADDRINUSE));
    }
  g_mutex_unlock (&slirp_lock);
  return u->slirp && good;
}

static void
user_close (struct gwt_netdev *n)
{
  struct user *u = n->data;

  g_mutex_lock (&slirp_lock);
  if (u->slirp)
    slirp_cleanup (u->slirp);
  u->slirp = NULL;
  g_mutex_unlock (&slirp_lock);
  drop_all (u);
}

static void
user_free (struct gwt_netdev *n)
{
  struct user *u = n->data;

  g_array_unref (u->forwards);
  g_ptr_array_unref (u->searches);
  g_slist_free_full (u->timers, g_free);
  g_free (u->input);
  g_free (u->piece);
  g_free (u);
}

char *
net_user_describe (struct gwt_netdev *n)
{
  struct user *u = n->data;
  char *text;

  g_mutex_lock (&slirp_lock);
  text = u->slirp ? slirp_connection_info (u->slirp) : NULL;
  g_mutex_unlock (&slirp_lock);
  return text;
}

const struct netdev_kind net_user_kind = {
  .type = "user",
  .keys = keys,
  .listed = listed,
  .parse = user_parse,
  .open = user_open,
  .close = user_close,
  .free = user_free,
  .prepare = user_prepare,
  .ready = user_ready,
  .peek = user_peek,
  .receive = user_receive,
  .send = user_send,
  .set_offloads = user_set_offloads,
};
